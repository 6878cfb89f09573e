/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h on states, lanes and holds. */
#include "core/store/conformance_at.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- states and lanes ---- */

/* A state with a value in each member. */
static struct store_state full_state(uint32_t target, uint64_t patient, uint32_t ordinal) {
    struct store_state state = {
        .target = target,
        .patient = patient,
        .ordinal = ordinal,
        .step = STORE_UNKNOWN,
        .code = "unknown",
        .detail = "the answer to a create was lost",
        .decision = "ours",
        .since_ms = 1795000000123,
        .tries = 3,
        .generation = 2,
        .era = 4,
        .sent = true,
        .sent_wanted = STORE_WANTED_ENDED,
        .sent_body = { 12, 11 },
        .omitted = 2,
        .attempt = STORE_UPDATE,
        .attempt_wanted = STORE_WANTED_ERROR,
        .attempt_body = { 13, 1 },
        .attempt_version = "W/\"8\"",
        .attempt_chart = "patient-4711",
        .attempt_omitted = 1,
        .attempt_ms = 1795000000555,
        .server_id = "8e1f6ac2-4c1e-5b7a-9b0e-0123456789ab",
        .version = "7",
        .chart = "0815",
    };
    memset(state.sent_hash, 1, STORE_HASH);
    memset(state.attempt_hash, 2, STORE_HASH);
    return state;
}

/* Asserts that two states are the same in each member. */
static void same_state(const struct store_state *x, const struct store_state *y) {
    struct str first = { 0 };
    struct str second = { 0 };
    conformance_say_state(&first, x);
    conformance_say_state(&second, y);
    ck_assert_str_eq(first.data, second.data);
    str_free(&first);
    str_free(&second);
}

START_TEST(a_state_comes_back_with_all_members) {
    struct store_state *list;
    size_t count;
    uint32_t target;
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->target_no(at.store, "hospital", true, &target, &at.error));
    struct store_state full = full_state(target, 5, 2);
    struct store_state bare = { .target = target, .patient = 5, .ordinal = 9 };
    OK(at.calls->state_put(at.store, &full, &at.error) &&
       at.calls->state_put(at.store, &bare, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->states_of(at.store, target, 5, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 2);
    same_state(&list[0], &full);
    bare.code = bare.detail = bare.decision = bare.server_id = bare.version = bare.chart = "";
    bare.attempt_version = bare.attempt_chart = "";
    same_state(&list[1], &bare);
    OK(at.calls->begin(at.store, &at.error));
    full.attempt = STORE_NO_ATTEMPT;
    memset(full.attempt_hash, 0, STORE_HASH);
    full.attempt_wanted = STORE_WANTED_BODY;
    full.attempt_body = (struct store_body_at) { 0, 0 };
    full.attempt_version = full.attempt_chart = "";
    full.attempt_omitted = 0;
    full.attempt_ms = 0;
    full.step = STORE_IN_STEP;
    OK(at.calls->state_put(at.store, &full, &at.error));
    OK(at.calls->state_drop(at.store, target, 5, 9, &at.error));
    OK(at.calls->state_drop(at.store, target, 5, 10, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->states_of(at.store, target, 5, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 1);
    same_state(&list[0], &full);
    OK(at.calls->states_of(at.store, target + 1, 5, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 0);
    OK(at.calls->states_of(at.store, target, 4, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(the_hash_of_an_attempt_stays_when_the_attempt_has_ended) {
    struct store_state *list;
    size_t count;
    OK(at.calls->begin(at.store, &at.error));
    struct store_state same = { .target = 1, .patient = 5, .ordinal = 1, .sent = true };
    memset(same.sent_hash, 7, STORE_HASH);
    memset(same.attempt_hash, 7, STORE_HASH);
    struct store_state other = same;
    other.ordinal = 2;
    memset(other.attempt_hash, 8, STORE_HASH);
    struct store_state alone = { .target = 1, .patient = 5, .ordinal = 3 };
    memset(alone.attempt_hash, 9, STORE_HASH);
    OK(at.calls->state_put(at.store, &same, &at.error) &&
       at.calls->state_put(at.store, &other, &at.error));
    OK(at.calls->state_put(at.store, &alone, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->states_of(at.store, 1, 5, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(list[0].attempt_hash, same.attempt_hash, STORE_HASH);
    ck_assert_mem_eq(list[1].attempt_hash, other.attempt_hash, STORE_HASH);
    ck_assert_mem_eq(list[1].sent_hash, other.sent_hash, STORE_HASH);
    ck_assert_mem_eq(list[2].attempt_hash, alone.attempt_hash, STORE_HASH);
}
END_TEST

START_TEST(each_step_has_a_name) {
    ck_assert_str_eq(store_step_name(STORE_WAITING), "waiting");
    ck_assert_str_eq(store_step_name(STORE_UNKNOWN), "unknown");
    ck_assert_str_eq(store_step_name(STORE_HELD), "held");
    ck_assert_str_eq(store_step_name(STORE_DECIDED), "decided");
    ck_assert_str_eq(store_step_name(STORE_IN_STEP), "in-step");
}
END_TEST

START_TEST(lanes_that_are_due_come_in_pages_and_the_next_is_named) {
    uint64_t patients[4];
    size_t count;
    int64_t next;
    OK(at.calls->lanes_due(at.store, 1, 0, 100, 4, patients, &count, &next, &at.error));
    ck_assert_uint_eq(count, 0);
    ck_assert(next == INT64_MAX);
    OK(at.calls->begin(at.store, &at.error));
    for (uint64_t p = 1; p <= 9; p++)
        OK(at.calls->lane_put(at.store, 1, p, p == 2 ? 250 : p == 4 ? 180 : 100, &at.error));
    OK(at.calls->lane_put(at.store, 2, 1, 150, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->lanes_due(at.store, 1, 0, 100, 4, patients, &count, &next, &at.error));
    ck_assert_uint_eq(count, 4);
    ck_assert(patients[0] == 1 && patients[1] == 3 && patients[2] == 5 && patients[3] == 6);
    ck_assert_int_eq(next, 180);
    OK(at.calls->lanes_due(at.store, 1, 6, 100, 4, patients, &count, &next, &at.error));
    ck_assert_uint_eq(count, 3);
    ck_assert(patients[0] == 7 && patients[2] == 9);
    ck_assert_int_eq(next, 180);
    OK(at.calls->lanes_due(at.store, 1, 0, 99, 4, patients, &count, &next, &at.error));
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(next, 100);
    OK(at.calls->lanes_due(at.store, 1, 0, 1000, 0, patients, &count, &next, &at.error));
    ck_assert_uint_eq(count, 0);
    ck_assert(next == INT64_MAX);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->lane_put(at.store, 1, 4, -5, &at.error));
    OK(at.calls->lane_drop(at.store, 1, 1, &at.error));
    OK(at.calls->lane_drop(at.store, 1, 77, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->lanes_due(at.store, 1, 0, 0, 4, patients, &count, &next, &at.error));
    ck_assert(count == 1 && patients[0] == 4);
    ck_assert_int_eq(next, 100);
}
END_TEST

/* ---- holds ---- */

/* Collects holds as "number:record:since:poll:detail,"; stops after the detail "stop". */
static bool collect_hold(void *user, const struct store_hold *hold) {
    str_printf(user, "%d:%s:%d:%d:%s,", (int)hold->no, hold->key.record, (int)hold->since_ms,
               (int)hold->poll, hold->detail);
    return strcmp(hold->detail, "stop") != 0;
}

START_TEST(a_hold_that_comes_again_keeps_its_number_and_since_when) {
    struct str seen = { 0 };
    struct store_hold hold = {
        .key = { "nightly", "f", "r1", "", "invalid" }, .detail = "old", .since_ms = 10, .poll = 1
    };
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    hold.key.record = "r2";
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    hold.key.record = "r1";
    hold.detail = "new";
    hold.since_ms = 20;
    hold.poll = 2;
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    hold.key.place = "/goal/1";
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    hold.key.job = "weekly";
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->holds(at.store, "nightly", collect_hold, &seen, &at.error));
    ck_assert_str_eq(seen.data, "1:r1:10:2:new,2:r2:10:1:old,3:r1:20:2:new,");
    str_clear(&seen);
    OK(at.calls->holds(at.store, NULL, collect_hold, &seen, &at.error));
    ck_assert_ptr_nonnull(strstr(seen.data, "4:r1:20:2:new,"));
    str_free(&seen);
}
END_TEST

START_TEST(a_number_of_a_hold_is_never_used_again) {
    struct str seen = { 0 };
    struct store_hold hold = { .key = { "j", "", "r1", "", "c" }, .detail = "stop" };
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->hold_drop(at.store, 1, &at.error));
    OK(at.calls->hold_drop(at.store, 7, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    hold.key.record = "r2";
    OK(at.calls->hold_put(at.store, &hold, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->holds(at.store, NULL, collect_hold, &seen, &at.error));
    ck_assert_str_eq(seen.data, "2:r1:0:0:stop,");
    str_free(&seen);
}
END_TEST

void conformance_add_states(TCase *contract) {
    const TTest *const tests[] = {
        a_state_comes_back_with_all_members,
        the_hash_of_an_attempt_stays_when_the_attempt_has_ended,
        each_step_has_a_name,
        lanes_that_are_due_come_in_pages_and_the_next_is_named,
        a_hold_that_comes_again_keeps_its_number_and_since_when,
        a_number_of_a_hold_is_never_used_again,
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(contract, tests[i]);
}
