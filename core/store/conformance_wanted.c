/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h on what is wanted and on bodies. */
#include "core/store/conformance_at.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 5000 };

/* ---- what is wanted ---- */

/* Asserts that two rows are the same in each member. */
static void same_said(const struct store_said *x, const struct store_said *y) {
    struct str first = { 0 };
    struct str second = { 0 };
    conformance_say_said(&first, x);
    conformance_say_said(&second, y);
    ck_assert_str_eq(first.data, second.data);
    str_free(&first);
    str_free(&second);
}

START_TEST(a_wanted_row_comes_back_with_all_members) {
    struct store_said *list;
    size_t count;
    struct store_reference references[] = { { "Patient", { 1 } },
                                            { "", { 2, 3 } },
                                            { "Goal", { 0 } } };
    struct store_said full = {
        .patient = 3,
        .record = 1234567,
        .uuid = { 0xFF, 0x80, 0x7F },
        .type = "Observation",
        .system = "urn:ietf:rfc:3986",
        .value = "urn:uuid:ff807f00-0000-0000-0000-000000000000",
        .data_class = "mental-health",
        .wanted = STORE_WANTED_MOVED,
        .hash = { 9, 8, 7 },
        .body = { 4000000000u, 143 },
        .as_of_ms = -62135596800000,
        .code = "invalid",
        .detail = "Observation.value[x]: a code that the binding doesn't have",
        .references = references,
        .reference_count = 3,
    };
    struct store_said bare = { .patient = 3, .type = "Goal" };
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->said_put(at.store, &full, &at.error) &&
       at.calls->said_put(at.store, &bare, &at.error));
    ck_assert_uint_eq(full.ordinal, 1);
    ck_assert_uint_eq(bare.ordinal, 2);
    OK(at.calls->said_of(at.store, 3, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 2);
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->said_of(at.store, 3, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 2);
    same_said(&list[0], &full);
    ck_assert_ptr_ne(list[0].references, references);
    bare.system = bare.value = bare.data_class = bare.code = bare.detail = "";
    same_said(&list[1], &bare);
}
END_TEST

START_TEST(any_business_identifier_comes_back_as_it_was) {
    static const char *const values[] = {
        "urn:uuid:01020304-0506-0708-090a-0b0c0d0e0f10",
        "01020304-0506-0708-090a-0b0c0d0e0f10",
        "urn:uuid:01020304-0506-0708-090a-0b0c0d0e0f11",
        "01020304-0506-0708-090a-0b0c0d0e0f1",
        "01020304-0506-0708-090A-0b0c0d0e0f10",
        "01020304-0506-0708-090a-0b0c0d0e0f100",
        "urn:uuid:01020304-0506-0708-090a_0b0c0d0e0f10",
        "0",
        "01",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "\x01\xFF not UTF-8",
    };
    enum { COUNT = sizeof values / sizeof values[0] };
    struct store_said *list;
    size_t count;
    OK(at.calls->begin(at.store, &at.error));
    for (size_t i = 0; i < COUNT; i++) {
        struct store_said said = conformance_goal(1, 0);
        for (size_t b = 0; b < STORE_UUID; b++)
            said.uuid[b] = (unsigned char)(b + 1);
        said.value = values[i];
        OK(at.calls->said_put(at.store, &said, &at.error));
    }
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->said_of(at.store, 1, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_str_eq(list[i].value, values[i]);
}
END_TEST

START_TEST(a_replaced_row_keeps_its_place_and_others_stay) {
    struct store_said *list;
    size_t count;
    OK(at.calls->begin(at.store, &at.error));
    for (uint32_t i = 1; i <= 3; i++) {
        struct store_said said = conformance_goal(1, 0);
        said.detail = "a detail that is longer than what replaces it";
        OK(at.calls->said_put(at.store, &said, &at.error));
        ck_assert_uint_eq(said.ordinal, i);
    }
    struct store_said neighbour = conformance_goal(2, 0);
    OK(at.calls->said_put(at.store, &neighbour, &at.error));
    struct store_said changed = conformance_goal(1, 2);
    changed.wanted = STORE_WANTED_ENDED;
    changed.detail = "new";
    OK(at.calls->said_put(at.store, &changed, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->said_of(at.store, 1, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 3);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(list[i].ordinal, i + 1);
    ck_assert_str_eq(list[1].detail, "new");
    ck_assert_int_eq(list[1].wanted, STORE_WANTED_ENDED);
    OK(at.calls->said_of(at.store, 2, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 1);
    OK(at.calls->said_of(at.store, 99, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(five_thousand_resources_of_one_patient_keep_their_order) {
    struct store_said *list;
    struct store_state *states;
    size_t count;
    uint32_t target;
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->target_no(at.store, "hospital", true, &target, &at.error));
    for (uint32_t i = 0; i < MANY; i++) {
        struct store_said said = conformance_goal(7, 0);
        said.uuid[0] = (unsigned char)(i * 37);
        said.as_of_ms = i;
        OK(at.calls->said_put(at.store, &said, &at.error));
    }
    for (uint32_t i = MANY; i > 0; i--) {
        struct store_state state = {
            .target = target, .patient = 7, .ordinal = i, .tries = (int32_t)i
        };
        OK(at.calls->state_put(at.store, &state, &at.error));
    }
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->said_of(at.store, 7, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        ck_assert(list[i].ordinal == i + 1 && list[i].as_of_ms == i);
    OK(at.calls->states_of(at.store, target, 7, &at.arena, &states, &count, &at.error));
    ck_assert_uint_eq(count, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        ck_assert(states[i].ordinal == i + 1 && states[i].tries == (int32_t)i + 1);
}
END_TEST

START_TEST(a_long_text_is_whole) {
    enum { LONG = 200000 };
    struct store_said *list;
    size_t count;
    char *text = malloc(LONG + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    OK(at.calls->begin(at.store, &at.error));
    struct store_said said = conformance_goal(1, 0);
    said.detail = text;
    said.value = text;
    OK(at.calls->said_put(at.store, &said, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->said_of(at.store, 1, &at.arena, &list, &count, &at.error));
    ck_assert(strcmp(list[0].detail, text) == 0);
    ck_assert(strcmp(list[0].value, text) == 0);
    free(text);
}
END_TEST

START_TEST(a_dropped_row_takes_its_states_at_all_targets) {
    uint32_t targets[2];
    struct store_said *list;
    struct store_state *states;
    size_t count;
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->target_no(at.store, "one", true, &targets[0], &at.error));
    OK(at.calls->target_no(at.store, "two", true, &targets[1], &at.error));
    for (uint32_t i = 1; i <= 3; i++) {
        struct store_said said = conformance_goal(1, 0);
        OK(at.calls->said_put(at.store, &said, &at.error));
        for (int t = 0; t < 2; t++) {
            struct store_state state = { .target = targets[t], .patient = 1, .ordinal = i };
            OK(at.calls->state_put(at.store, &state, &at.error));
        }
    }
    OK(at.calls->said_drop(at.store, 1, 2, &at.error));
    OK(at.calls->said_drop(at.store, 1, 99, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->said_of(at.store, 1, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 2);
    ck_assert(list[0].ordinal == 1 && list[1].ordinal == 3);
    for (int t = 0; t < 2; t++) {
        OK(at.calls->states_of(at.store, targets[t], 1, &at.arena, &states, &count, &at.error));
        ck_assert_uint_eq(count, 2);
        ck_assert(states[0].ordinal == 1 && states[1].ordinal == 3);
    }
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_set_of_bodies_is_read_back_whole) {
    static const char binary[] = "\0\xFF{\"resourceType\":\"Goal\"}";
    struct store_bytes in[3] = { BYTES("{\"resourceType\":\"Goal\",\"id\":\"1\"}"),
                                 BYTES(""),
                                 { binary, sizeof binary - 1 } };
    struct store_bytes *out;
    size_t count;
    uint32_t *sets;
    uint32_t first;
    uint32_t second;
    uint32_t other;
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->bodies_put(at.store, 1, in, 3, &first, &at.error));
    OK(at.calls->bodies_put(at.store, 1, in, 1, &second, &at.error));
    OK(at.calls->bodies_put(at.store, 2, in + 1, 1, &other, &at.error));
    ck_assert(first > 0 && second > first && other > 0);
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->bodies_get(at.store, 1, first, &at.arena, &out, &count, &at.error));
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(out[i].length, in[i].length);
        ck_assert_mem_eq(out[i].data, in[i].data, in[i].length);
        ck_assert_int_eq(out[i].data[out[i].length], '\0');
    }
    OK(at.calls->bodies_get(at.store, 2, other, &at.arena, &out, &count, &at.error));
    ck_assert(count == 1 && out[0].length == 0);
    OK(at.calls->bodies_of(at.store, 1, &at.arena, &sets, &count, &at.error));
    ck_assert(count == 2 && sets[0] == first && sets[1] == second);
    OK(at.calls->bodies_of(at.store, 3, &at.arena, &sets, &count, &at.error));
    ck_assert_uint_eq(count, 0);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->bodies_drop(at.store, 1, first, &at.error));
    OK(at.calls->bodies_drop(at.store, 1, 77, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    conformance_expect(at.calls->bodies_get(at.store, 1, first, &at.arena, &out, &count, &at.error),
                       "store-damaged");
    OK(at.calls->bodies_get(at.store, 1, second, &at.arena, &out, &count, &at.error));
    ck_assert_uint_eq(count, 1);
    OK(at.calls->bodies_of(at.store, 1, &at.arena, &sets, &count, &at.error));
    ck_assert(count == 1 && sets[0] == second);
}
END_TEST

START_TEST(large_sets_of_bodies_come_back) {
    enum { COUNT = 300, SIZE = 20000 };
    uint64_t seed = 5;
    struct store_bytes in[COUNT];
    struct store_bytes *out;
    size_t count;
    uint32_t sequence;
    char *noise = malloc(SIZE);
    ck_assert_ptr_nonnull(noise);
    for (size_t i = 0; i < SIZE; i++)
        noise[i] = (char)conformance_random(&seed);
    for (size_t i = 0; i < COUNT; i++)
        in[i] = (struct store_bytes) { noise + i, SIZE - 2 * i };
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->bodies_put(at.store, 1, in, COUNT, &sequence, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->bodies_get(at.store, 1, sequence, &at.arena, &out, &count, &at.error));
    ck_assert_uint_eq(count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(out[i].length, in[i].length);
        ck_assert_mem_eq(out[i].data, in[i].data, in[i].length);
    }
    free(noise);
}
END_TEST

void conformance_add_wanted(TCase *contract) {
    const TTest *const tests[] = {
        a_wanted_row_comes_back_with_all_members,
        any_business_identifier_comes_back_as_it_was,
        a_replaced_row_keeps_its_place_and_others_stay,
        five_thousand_resources_of_one_patient_keep_their_order,
        a_long_text_is_whole,
        a_dropped_row_takes_its_states_at_all_targets,
        a_set_of_bodies_is_read_back_whole,
        large_sets_of_bodies_come_back,
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(contract, tests[i]);
}
