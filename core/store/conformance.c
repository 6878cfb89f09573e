/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h, call by call, as tests that run on any implementation. */
#include "core/store/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)
#define BYTES(literal) ((struct store_bytes) { literal, sizeof literal - 1 })
enum { MANY = 5000 };

static const struct conformance_factory *factory;
static struct store *store;
static const struct store_calls *calls;
static struct iptfhir_error error;
static struct arena arena;

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    factory->set_up();
    store = factory->open();
    calls = store->calls;
}

static void tear_down(void) {
    calls->close(store);
    factory->tear_down();
    arena_free(&arena);
}

/* Asserts that a call failed with a code and a sentence, and forgets the error. */
static void expect_code(bool ok, const char *code) {
    ck_assert(!ok);
    ck_assert_str_eq(error.code, code);
    ck_assert(strlen(error.text) > 20);
    error_clear(&error);
}

/* All that is in the store, to be freed. */
static char *dump(struct store *s) {
    struct str out = { 0 };
    OK(conformance_dump(s, &out, &error));
    return str_steal(&out);
}

/* Adds a patient by number within the clinic. */
static uint64_t add_patient(const char *local_id) {
    uint64_t no;
    OK(calls->patient_add(store, "clinic", local_id, &no, &error));
    return no;
}

/* A row that is wanted, with the given ordinal. */
static struct store_said goal(uint64_t patient, uint32_t ordinal) {
    return (struct store_said) { .patient = patient, .ordinal = ordinal, .type = "Goal" };
}

/* ---- transactions ---- */

START_TEST(what_is_rolled_back_was_never_there) {
    uint64_t seed = 1;
    OK(calls->begin(store, &error));
    for (int i = 0; i < 200; i++)
        OK(conformance_write(store, &seed, &error));
    OK(calls->commit(store, &error));
    char *before = dump(store);
    for (int round = 0; round < 20; round++) {
        OK(calls->begin(store, &error));
        for (int i = 0; i < 60; i++)
            OK(conformance_write(store, &seed, &error));
        calls->rollback(store);
        char *after = dump(store);
        ck_assert(strcmp(before, after) == 0);
        free(after);
    }
    free(before);
}
END_TEST

START_TEST(closing_a_handle_in_a_transaction_takes_it_back) {
    uint64_t seed = 2;
    OK(calls->begin(store, &error));
    for (int i = 0; i < 60; i++)
        OK(conformance_write(store, &seed, &error));
    OK(calls->commit(store, &error));
    char *before = dump(store);
    OK(calls->begin(store, &error));
    for (int i = 0; i < 60; i++)
        OK(conformance_write(store, &seed, &error));
    calls->close(store);
    store = factory->open();
    char *after = dump(store);
    ck_assert(strcmp(before, after) == 0);
    free(before);
    free(after);
    OK(calls->begin(store, &error));
    OK(calls->commit(store, &error));
}
END_TEST

START_TEST(another_handle_sees_a_transaction_when_it_is_committed) {
    uint64_t seed = 3;
    struct store *other = factory->open();
    OK(calls->begin(store, &error));
    for (int i = 0; i < 100; i++)
        OK(conformance_write(store, &seed, &error));
    OK(calls->commit(store, &error));
    char *old = dump(store);
    OK(calls->begin(store, &error));
    for (int i = 0; i < 100; i++)
        OK(conformance_write(store, &seed, &error));
    char *new = dump(store);
    char *seen = dump(other);
    ck_assert(strcmp(seen, old) == 0);
    ck_assert(strcmp(new, old) != 0);
    free(seen);
    seen = dump(store);
    ck_assert(strcmp(seen, new) == 0);
    free(seen);
    OK(calls->commit(store, &error));
    seen = dump(other);
    ck_assert(strcmp(seen, new) == 0);
    free(seen);
    free(old);
    free(new);
    calls->close(other);
}
END_TEST

START_TEST(a_second_writer_is_told_that_the_store_is_busy) {
    struct store *other = factory->open();
    OK(calls->begin(store, &error));
    expect_code(calls->begin(other, &error), "store-busy");
    OK(calls->fact_set(store, "a", BYTES("1"), &error));
    expect_code(calls->begin(other, &error), "store-busy");
    OK(calls->commit(store, &error));
    OK(calls->begin(other, &error));
    calls->rollback(other);
    OK(calls->begin(store, &error));
    calls->rollback(store);
    calls->close(other);
}
END_TEST

START_TEST(only_commits_of_others_count_as_foreign) {
    struct store *other = factory->open();
    uint64_t before;
    uint64_t after;
    OK(calls->foreign_changes(store, &before, &error));
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "a", BYTES("1"), &error));
    OK(calls->commit(store, &error));
    OK(calls->foreign_changes(store, &after, &error));
    ck_assert(before == after);
    OK(calls->begin(other, &error));
    OK(calls->fact_set(other, "a", BYTES("2"), &error));
    OK(calls->foreign_changes(store, &after, &error));
    ck_assert(before == after);
    OK(calls->commit(other, &error));
    OK(calls->foreign_changes(store, &after, &error));
    ck_assert(before != after);
    calls->close(other);
}
END_TEST

START_TEST(a_write_outside_a_transaction_is_refused) {
    struct store_said said = goal(1, 1);
    expect_code(calls->said_put(store, &said, &error), "store");
    expect_code(calls->fact_set(store, "a", BYTES("1"), &error), "store");
    expect_code(calls->lane_put(store, 1, 1, 0, &error), "store");
    expect_code(calls->commit(store, &error), "store");
    calls->rollback(store);
    OK(calls->begin(store, &error));
    expect_code(calls->begin(store, &error), "store");
    OK(calls->commit(store, &error));
}
END_TEST

START_TEST(a_full_disk_is_named_and_takes_nothing) {
    if (factory->set_full == NULL)
        return;
    uint64_t seed = 4;
    OK(calls->begin(store, &error));
    for (int i = 0; i < 60; i++)
        OK(conformance_write(store, &seed, &error));
    OK(calls->commit(store, &error));
    char *before = dump(store);
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "a", BYTES("1"), &error));
    factory->set_full(true);
    expect_code(calls->fact_set(store, "b", BYTES("1"), &error) && calls->commit(store, &error),
                "store-full");
    calls->rollback(store);
    char *after = dump(store);
    ck_assert(strcmp(before, after) == 0);
    factory->set_full(false);
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "a", BYTES("1"), &error));
    OK(calls->commit(store, &error));
    free(before);
    free(after);
}
END_TEST

/* ---- facts, targets, patients ---- */

START_TEST(a_fact_is_kept_replaced_and_forgotten) {
    struct store_bytes value;
    OK(calls->fact_get(store, "pause", &arena, &value, &error));
    ck_assert_ptr_null(value.data);
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "pause", BYTES("a\0b\xFF"), &error));
    OK(calls->fact_set(store, "empty", BYTES(""), &error));
    OK(calls->fact_get(store, "pause", &arena, &value, &error));
    ck_assert_uint_eq(value.length, 4);
    ck_assert_mem_eq(value.data, "a\0b\xFF", 5);
    OK(calls->fact_set(store, "pause", BYTES("new"), &error));
    OK(calls->commit(store, &error));
    OK(calls->fact_get(store, "pause", &arena, &value, &error));
    ck_assert_str_eq(value.data, "new");
    OK(calls->fact_get(store, "empty", &arena, &value, &error));
    ck_assert_ptr_nonnull(value.data);
    ck_assert_uint_eq(value.length, 0);
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "pause", (struct store_bytes) { NULL, 0 }, &error));
    OK(calls->fact_set(store, "unknown", (struct store_bytes) { NULL, 0 }, &error));
    OK(calls->commit(store, &error));
    OK(calls->fact_get(store, "pause", &arena, &value, &error));
    ck_assert_ptr_null(value.data);
}
END_TEST

/* Collects names with commas; stops after "job c". */
static bool collect_fact(void *user, const char *name, struct store_bytes value) {
    str_printf(user, "%s=%.*s,", name, (int)value.length, value.data);
    return strcmp(name, "job c") != 0;
}

START_TEST(facts_are_walked_by_prefix_in_name_order) {
    struct str seen = { 0 };
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "job b", BYTES("2"), &error));
    OK(calls->fact_set(store, "job", BYTES("0"), &error));
    OK(calls->fact_set(store, "job \xC3\xA4", BYTES("5"), &error));
    OK(calls->fact_set(store, "job \xFF", BYTES("6"), &error));
    OK(calls->fact_set(store, "jobs", BYTES("7"), &error));
    OK(calls->fact_set(store, "Job a", BYTES("8"), &error));
    OK(calls->fact_set(store, "job a", BYTES("1"), &error));
    OK(calls->commit(store, &error));
    OK(calls->facts(store, "job ", collect_fact, &seen, &error));
    ck_assert_str_eq(seen.data, "job a=1,job b=2,job \xC3\xA4=5,job \xFF=6,");
    str_clear(&seen);
    OK(calls->facts(store, "", collect_fact, &seen, &error));
    ck_assert_ptr_nonnull(strstr(seen.data, "jobs=7,"));
    ck_assert_ptr_nonnull(strstr(seen.data, "Job a=8,job=0,job a=1,"));
    str_clear(&seen);
    OK(calls->begin(store, &error));
    OK(calls->fact_set(store, "job c", BYTES("3"), &error));
    OK(calls->commit(store, &error));
    OK(calls->facts(store, "job ", collect_fact, &seen, &error));
    ck_assert_str_eq(seen.data, "job a=1,job b=2,job c=3,");
    str_clear(&seen);
    OK(calls->facts(store, "job\xFF", collect_fact, &seen, &error));
    ck_assert_uint_eq(seen.length, 0);
    str_free(&seen);
}
END_TEST

START_TEST(a_target_keeps_its_number_and_the_201st_is_refused) {
    uint32_t no;
    uint32_t again;
    OK(calls->target_no(store, "hospital", false, &no, &error));
    ck_assert_uint_eq(no, 0);
    OK(calls->begin(store, &error));
    for (uint32_t i = 1; i <= 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        OK(calls->target_no(store, name, true, &no, &error));
        ck_assert_uint_eq(no, i);
    }
    expect_code(calls->target_no(store, "one more", true, &no, &error), "store");
    OK(calls->commit(store, &error));
    OK(calls->target_no(store, "t117", false, &again, &error));
    ck_assert_uint_eq(again, 117);
}
END_TEST

/* Counts patients and checks their order. */
static bool count_patient(void *user, const struct store_patient *patient) {
    uint64_t *last = user;
    ck_assert_uint_eq(patient->no, *last + 1);
    ck_assert_str_eq(patient->clinic, patient->no == 3 ? "other" : "clinic");
    *last = patient->no;
    return true;
}

START_TEST(patients_are_numbered_by_arrival_and_found_by_clinic_and_id) {
    uint64_t no;
    struct store_patient patient;
    bool found;
    OK(calls->begin(store, &error));
    ck_assert_uint_eq(add_patient("b"), 1);
    ck_assert_uint_eq(add_patient(""), 2);
    OK(calls->patient_add(store, "other", "b", &no, &error));
    ck_assert_uint_eq(no, 3);
    calls->rollback(store);
    OK(calls->begin(store, &error));
    ck_assert_uint_eq(add_patient("b"), 1);
    ck_assert_uint_eq(add_patient(""), 2);
    OK(calls->patient_add(store, "other", "b", &no, &error));
    OK(calls->commit(store, &error));
    OK(calls->patient_find(store, "other", "b", &no, &error));
    ck_assert_uint_eq(no, 3);
    OK(calls->patient_find(store, "clinic", "", &no, &error));
    ck_assert_uint_eq(no, 2);
    OK(calls->patient_find(store, "clin", "icb", &no, &error));
    ck_assert_uint_eq(no, 0);
    OK(calls->patient_get(store, 1, &arena, &patient, &found, &error));
    ck_assert(found && patient.no == 1);
    ck_assert_str_eq(patient.local_id, "b");
    OK(calls->patient_get(store, 4, &arena, &patient, &found, &error));
    ck_assert(!found);
    uint64_t last = 0;
    OK(calls->patients(store, count_patient, &last, &error));
    ck_assert_uint_eq(last, 3);
}
END_TEST

/* ---- records ---- */

/* A record with a value in each member. */
static struct store_record full_record(uint64_t patient, const char *id) {
    struct store_record record = {
        .patient = patient,
        .job = "nightly",
        .id = id,
        .unit = "weekly.csv",
        .revision_ms = 1795000000123,
        .order = -7,
        .state = STORE_RECORD_HELD,
        .code = "total-mismatch",
        .detail = "the total is not the sum; correct it at the source",
        .decision = "move",
        .moved_from = 4711,
        .poll = 1795000000999,
        .facts = BYTES("{\"consents\":[]}\0binary"),
    };
    memset(record.content, 0xC3, STORE_HASH);
    return record;
}

/* Asserts that two records are the same in each member. */
static void same_record(const struct store_record *x, const struct store_record *y) {
    struct str first = { 0 };
    struct str second = { 0 };
    conformance_say_record(&first, x);
    conformance_say_record(&second, y);
    ck_assert_str_eq(first.data, second.data);
    str_free(&first);
    str_free(&second);
}

START_TEST(a_record_comes_back_with_all_members) {
    struct store_record out;
    bool found;
    OK(calls->begin(store, &error));
    uint64_t patient = add_patient("1");
    struct store_record full = full_record(patient, "r/1");
    OK(calls->record_put(store, &full, &error));
    ck_assert_uint_eq(full.no, 1);
    struct store_record bare = { .patient = patient, .job = "nightly", .id = "r/2" };
    OK(calls->record_put(store, &bare, &error));
    ck_assert_uint_eq(bare.no, 2);
    OK(calls->commit(store, &error));
    OK(calls->record_find(store, "r/1", &arena, &out, &found, &error));
    ck_assert(found);
    same_record(&out, &full);
    OK(calls->record_get(store, 2, &arena, &out, &found, &error));
    ck_assert(found);
    bare.unit = bare.code = bare.detail = bare.decision = "";
    same_record(&out, &bare);
    ck_assert_ptr_nonnull(out.unit);
    OK(calls->record_find(store, "r", &arena, &out, &found, &error));
    ck_assert(!found);
    OK(calls->record_get(store, 3, &arena, &out, &found, &error));
    ck_assert(!found);
}
END_TEST

START_TEST(a_replaced_record_moves_to_its_new_patient) {
    struct store_record out;
    struct store_record *list;
    size_t count;
    bool found;
    OK(calls->begin(store, &error));
    uint64_t first = add_patient("1");
    uint64_t second = add_patient("2");
    struct store_record a = full_record(first, "a");
    struct store_record b = full_record(first, "b");
    OK(calls->record_put(store, &b, &error) && calls->record_put(store, &a, &error));
    OK(calls->commit(store, &error));
    OK(calls->records_of(store, first, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 2);
    same_record(&list[0], &b);
    same_record(&list[1], &a);
    OK(calls->begin(store, &error));
    b.patient = second;
    b.facts = BYTES("");
    b.code = "";
    b.state = STORE_RECORD_LIVE;
    OK(calls->record_put(store, &b, &error));
    struct store_record twice = full_record(first, "a");
    expect_code(calls->record_put(store, &twice, &error), "store");
    OK(calls->commit(store, &error));
    OK(calls->record_find(store, "b", &arena, &out, &found, &error));
    same_record(&out, &b);
    OK(calls->records_of(store, first, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 1);
    OK(calls->records_of(store, second, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 1);
    same_record(&list[0], &b);
    OK(calls->records_of(store, 99, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 0);
}
END_TEST

/* Collects ids; stops after "stop". */
static bool collect_record(void *user, const struct store_record *record) {
    str_printf(user, "%s,", record->id);
    return strcmp(record->id, "stop") != 0;
}

START_TEST(records_of_a_job_are_walked_by_number_until_told_to_stop) {
    static const char *const ids[] = { "z", "a", "stop", "m" };
    struct str seen = { 0 };
    OK(calls->begin(store, &error));
    for (size_t i = 0; i < 4; i++) {
        struct store_record record = full_record(1, ids[i]);
        record.job = i == 1 ? "weekly" : "nightly";
        OK(calls->record_put(store, &record, &error));
    }
    OK(calls->commit(store, &error));
    OK(calls->records(store, "nightly", collect_record, &seen, &error));
    ck_assert_str_eq(seen.data, "z,stop,");
    str_clear(&seen);
    OK(calls->records(store, NULL, collect_record, &seen, &error));
    ck_assert_str_eq(seen.data, "z,a,stop,");
    str_clear(&seen);
    OK(calls->records(store, "no job", collect_record, &seen, &error));
    ck_assert_uint_eq(seen.length, 0);
    str_free(&seen);
}
END_TEST

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
    OK(calls->begin(store, &error));
    OK(calls->said_put(store, &full, &error) && calls->said_put(store, &bare, &error));
    ck_assert_uint_eq(full.ordinal, 1);
    ck_assert_uint_eq(bare.ordinal, 2);
    OK(calls->said_of(store, 3, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 2);
    OK(calls->commit(store, &error));
    OK(calls->said_of(store, 3, &arena, &list, &count, &error));
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
    OK(calls->begin(store, &error));
    for (size_t i = 0; i < COUNT; i++) {
        struct store_said said = goal(1, 0);
        for (size_t b = 0; b < STORE_UUID; b++)
            said.uuid[b] = (unsigned char)(b + 1);
        said.value = values[i];
        OK(calls->said_put(store, &said, &error));
    }
    OK(calls->commit(store, &error));
    OK(calls->said_of(store, 1, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_str_eq(list[i].value, values[i]);
}
END_TEST

START_TEST(a_replaced_row_keeps_its_place_and_others_stay) {
    struct store_said *list;
    size_t count;
    OK(calls->begin(store, &error));
    for (uint32_t i = 1; i <= 3; i++) {
        struct store_said said = goal(1, 0);
        said.detail = "a detail that is longer than what replaces it";
        OK(calls->said_put(store, &said, &error));
        ck_assert_uint_eq(said.ordinal, i);
    }
    struct store_said neighbour = goal(2, 0);
    OK(calls->said_put(store, &neighbour, &error));
    struct store_said changed = goal(1, 2);
    changed.wanted = STORE_WANTED_ENDED;
    changed.detail = "new";
    OK(calls->said_put(store, &changed, &error));
    OK(calls->commit(store, &error));
    OK(calls->said_of(store, 1, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 3);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(list[i].ordinal, i + 1);
    ck_assert_str_eq(list[1].detail, "new");
    ck_assert_int_eq(list[1].wanted, STORE_WANTED_ENDED);
    OK(calls->said_of(store, 2, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 1);
    OK(calls->said_of(store, 99, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(five_thousand_resources_of_one_patient_keep_their_order) {
    struct store_said *list;
    struct store_state *states;
    size_t count;
    uint32_t target;
    OK(calls->begin(store, &error));
    OK(calls->target_no(store, "hospital", true, &target, &error));
    for (uint32_t i = 0; i < MANY; i++) {
        struct store_said said = goal(7, 0);
        said.uuid[0] = (unsigned char)(i * 37);
        said.as_of_ms = i;
        OK(calls->said_put(store, &said, &error));
    }
    for (uint32_t i = MANY; i > 0; i--) {
        struct store_state state = {
            .target = target, .patient = 7, .ordinal = i, .tries = (int32_t)i
        };
        OK(calls->state_put(store, &state, &error));
    }
    OK(calls->commit(store, &error));
    OK(calls->said_of(store, 7, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        ck_assert(list[i].ordinal == i + 1 && list[i].as_of_ms == i);
    OK(calls->states_of(store, target, 7, &arena, &states, &count, &error));
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
    OK(calls->begin(store, &error));
    struct store_said said = goal(1, 0);
    said.detail = text;
    said.value = text;
    OK(calls->said_put(store, &said, &error));
    OK(calls->commit(store, &error));
    OK(calls->said_of(store, 1, &arena, &list, &count, &error));
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
    OK(calls->begin(store, &error));
    OK(calls->target_no(store, "one", true, &targets[0], &error));
    OK(calls->target_no(store, "two", true, &targets[1], &error));
    for (uint32_t i = 1; i <= 3; i++) {
        struct store_said said = goal(1, 0);
        OK(calls->said_put(store, &said, &error));
        for (int t = 0; t < 2; t++) {
            struct store_state state = { .target = targets[t], .patient = 1, .ordinal = i };
            OK(calls->state_put(store, &state, &error));
        }
    }
    OK(calls->said_drop(store, 1, 2, &error));
    OK(calls->said_drop(store, 1, 99, &error));
    OK(calls->commit(store, &error));
    OK(calls->said_of(store, 1, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 2);
    ck_assert(list[0].ordinal == 1 && list[1].ordinal == 3);
    for (int t = 0; t < 2; t++) {
        OK(calls->states_of(store, targets[t], 1, &arena, &states, &count, &error));
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
    uint32_t first;
    uint32_t second;
    uint32_t other;
    OK(calls->begin(store, &error));
    OK(calls->bodies_put(store, 1, in, 3, &first, &error));
    OK(calls->bodies_put(store, 1, in, 1, &second, &error));
    OK(calls->bodies_put(store, 2, in + 1, 1, &other, &error));
    ck_assert(first > 0 && second > first && other > 0);
    OK(calls->commit(store, &error));
    OK(calls->bodies_get(store, 1, first, &arena, &out, &count, &error));
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(out[i].length, in[i].length);
        ck_assert_mem_eq(out[i].data, in[i].data, in[i].length);
        ck_assert_int_eq(out[i].data[out[i].length], '\0');
    }
    OK(calls->bodies_get(store, 2, other, &arena, &out, &count, &error));
    ck_assert(count == 1 && out[0].length == 0);
    OK(calls->begin(store, &error));
    OK(calls->bodies_drop(store, 1, first, &error));
    OK(calls->bodies_drop(store, 1, 77, &error));
    OK(calls->commit(store, &error));
    expect_code(calls->bodies_get(store, 1, first, &arena, &out, &count, &error), "store-damaged");
    OK(calls->bodies_get(store, 1, second, &arena, &out, &count, &error));
    ck_assert_uint_eq(count, 1);
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
    OK(calls->begin(store, &error));
    OK(calls->bodies_put(store, 1, in, COUNT, &sequence, &error));
    OK(calls->commit(store, &error));
    OK(calls->bodies_get(store, 1, sequence, &arena, &out, &count, &error));
    ck_assert_uint_eq(count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(out[i].length, in[i].length);
        ck_assert_mem_eq(out[i].data, in[i].data, in[i].length);
    }
    free(noise);
}
END_TEST

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
    memset(state.seen_hash, 3, STORE_HASH);
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
    OK(calls->begin(store, &error));
    OK(calls->target_no(store, "hospital", true, &target, &error));
    struct store_state full = full_state(target, 5, 2);
    struct store_state bare = { .target = target, .patient = 5, .ordinal = 9 };
    OK(calls->state_put(store, &full, &error) && calls->state_put(store, &bare, &error));
    OK(calls->commit(store, &error));
    OK(calls->states_of(store, target, 5, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 2);
    same_state(&list[0], &full);
    bare.code = bare.detail = bare.decision = bare.server_id = bare.version = bare.chart = "";
    bare.attempt_version = bare.attempt_chart = "";
    same_state(&list[1], &bare);
    OK(calls->begin(store, &error));
    full.attempt = STORE_NO_ATTEMPT;
    memset(full.attempt_hash, 0, STORE_HASH);
    full.attempt_wanted = STORE_WANTED_BODY;
    full.attempt_body = (struct store_body_at) { 0, 0 };
    full.attempt_version = full.attempt_chart = "";
    full.attempt_omitted = 0;
    full.attempt_ms = 0;
    full.step = STORE_IN_STEP;
    OK(calls->state_put(store, &full, &error));
    OK(calls->state_drop(store, target, 5, 9, &error));
    OK(calls->state_drop(store, target, 5, 10, &error));
    OK(calls->commit(store, &error));
    OK(calls->states_of(store, target, 5, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 1);
    same_state(&list[0], &full);
    OK(calls->states_of(store, target + 1, 5, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 0);
    OK(calls->states_of(store, target, 4, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(the_hash_of_an_attempt_stays_when_the_attempt_has_ended) {
    struct store_state *list;
    size_t count;
    OK(calls->begin(store, &error));
    struct store_state same = { .target = 1, .patient = 5, .ordinal = 1, .sent = true };
    memset(same.sent_hash, 7, STORE_HASH);
    memset(same.attempt_hash, 7, STORE_HASH);
    struct store_state other = same;
    other.ordinal = 2;
    memset(other.attempt_hash, 8, STORE_HASH);
    struct store_state alone = { .target = 1, .patient = 5, .ordinal = 3 };
    memset(alone.attempt_hash, 9, STORE_HASH);
    OK(calls->state_put(store, &same, &error) && calls->state_put(store, &other, &error));
    OK(calls->state_put(store, &alone, &error));
    OK(calls->commit(store, &error));
    OK(calls->states_of(store, 1, 5, &arena, &list, &count, &error));
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
    OK(calls->lanes_due(store, 1, 0, 100, 4, patients, &count, &next, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert(next == INT64_MAX);
    OK(calls->begin(store, &error));
    for (uint64_t p = 1; p <= 9; p++)
        OK(calls->lane_put(store, 1, p, p == 2 ? 250 : p == 4 ? 180 : 100, &error));
    OK(calls->lane_put(store, 2, 1, 150, &error));
    OK(calls->commit(store, &error));
    OK(calls->lanes_due(store, 1, 0, 100, 4, patients, &count, &next, &error));
    ck_assert_uint_eq(count, 4);
    ck_assert(patients[0] == 1 && patients[1] == 3 && patients[2] == 5 && patients[3] == 6);
    ck_assert_int_eq(next, 180);
    OK(calls->lanes_due(store, 1, 6, 100, 4, patients, &count, &next, &error));
    ck_assert_uint_eq(count, 3);
    ck_assert(patients[0] == 7 && patients[2] == 9);
    ck_assert_int_eq(next, 180);
    OK(calls->lanes_due(store, 1, 0, 99, 4, patients, &count, &next, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(next, 100);
    OK(calls->lanes_due(store, 1, 0, 1000, 0, patients, &count, &next, &error));
    ck_assert_uint_eq(count, 0);
    ck_assert(next == INT64_MAX);
    OK(calls->begin(store, &error));
    OK(calls->lane_put(store, 1, 4, -5, &error));
    OK(calls->lane_drop(store, 1, 1, &error));
    OK(calls->lane_drop(store, 1, 77, &error));
    OK(calls->commit(store, &error));
    OK(calls->lanes_due(store, 1, 0, 0, 4, patients, &count, &next, &error));
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
    OK(calls->begin(store, &error));
    OK(calls->hold_put(store, &hold, &error));
    hold.key.record = "r2";
    OK(calls->hold_put(store, &hold, &error));
    hold.key.record = "r1";
    hold.detail = "new";
    hold.since_ms = 20;
    hold.poll = 2;
    OK(calls->hold_put(store, &hold, &error));
    hold.key.place = "/goal/1";
    OK(calls->hold_put(store, &hold, &error));
    hold.key.job = "weekly";
    OK(calls->hold_put(store, &hold, &error));
    OK(calls->commit(store, &error));
    OK(calls->holds(store, "nightly", collect_hold, &seen, &error));
    ck_assert_str_eq(seen.data, "1:r1:10:2:new,2:r2:10:1:old,3:r1:20:2:new,");
    str_clear(&seen);
    OK(calls->holds(store, NULL, collect_hold, &seen, &error));
    ck_assert_ptr_nonnull(strstr(seen.data, "4:r1:20:2:new,"));
    str_free(&seen);
}
END_TEST

START_TEST(a_number_of_a_hold_is_never_used_again) {
    struct str seen = { 0 };
    struct store_hold hold = { .key = { "j", "", "r1", "", "c" }, .detail = "stop" };
    OK(calls->begin(store, &error));
    OK(calls->hold_put(store, &hold, &error));
    OK(calls->commit(store, &error));
    OK(calls->begin(store, &error));
    OK(calls->hold_drop(store, 1, &error));
    OK(calls->hold_drop(store, 7, &error));
    OK(calls->commit(store, &error));
    OK(calls->begin(store, &error));
    OK(calls->hold_put(store, &hold, &error));
    hold.key.record = "r2";
    OK(calls->hold_put(store, &hold, &error));
    OK(calls->commit(store, &error));
    OK(calls->holds(store, NULL, collect_hold, &seen, &error));
    ck_assert_str_eq(seen.data, "2:r1:0:0:stop,");
    str_free(&seen);
}
END_TEST

Suite *conformance_suite(const struct conformance_factory *with) {
    const TTest *const tests[] = {
        what_is_rolled_back_was_never_there,
        closing_a_handle_in_a_transaction_takes_it_back,
        another_handle_sees_a_transaction_when_it_is_committed,
        a_second_writer_is_told_that_the_store_is_busy,
        only_commits_of_others_count_as_foreign,
        a_write_outside_a_transaction_is_refused,
        a_full_disk_is_named_and_takes_nothing,
        a_fact_is_kept_replaced_and_forgotten,
        facts_are_walked_by_prefix_in_name_order,
        a_target_keeps_its_number_and_the_201st_is_refused,
        patients_are_numbered_by_arrival_and_found_by_clinic_and_id,
        a_record_comes_back_with_all_members,
        a_replaced_record_moves_to_its_new_patient,
        records_of_a_job_are_walked_by_number_until_told_to_stop,
        a_wanted_row_comes_back_with_all_members,
        any_business_identifier_comes_back_as_it_was,
        a_replaced_row_keeps_its_place_and_others_stay,
        five_thousand_resources_of_one_patient_keep_their_order,
        a_long_text_is_whole,
        a_dropped_row_takes_its_states_at_all_targets,
        a_set_of_bodies_is_read_back_whole,
        large_sets_of_bodies_come_back,
        a_state_comes_back_with_all_members,
        the_hash_of_an_attempt_stays_when_the_attempt_has_ended,
        each_step_has_a_name,
        lanes_that_are_due_come_in_pages_and_the_next_is_named,
        a_hold_that_comes_again_keeps_its_number_and_since_when,
        a_number_of_a_hold_is_never_used_again,
    };
    factory = with;
    Suite *suite = suite_create(with->name);
    TCase *contract = tcase_create("contract");
    tcase_add_checked_fixture(contract, set_up, tear_down);
    tcase_set_timeout(contract, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(contract, tests[i]);
    suite_add_tcase(suite, contract);
    return suite;
}
