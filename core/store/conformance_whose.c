/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h on facts, targets, patients and records. */
#include "core/store/conformance_at.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts, targets, patients ---- */

START_TEST(a_fact_is_kept_replaced_and_forgotten) {
    struct store_bytes value;
    OK(at.calls->fact_get(at.store, "pause", &at.arena, &value, &at.error));
    ck_assert_ptr_null(value.data);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "pause", BYTES("a\0b\xFF"), &at.error));
    OK(at.calls->fact_set(at.store, "empty", BYTES(""), &at.error));
    OK(at.calls->fact_get(at.store, "pause", &at.arena, &value, &at.error));
    ck_assert_uint_eq(value.length, 4);
    ck_assert_mem_eq(value.data, "a\0b\xFF", 5);
    OK(at.calls->fact_set(at.store, "pause", BYTES("new"), &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->fact_get(at.store, "pause", &at.arena, &value, &at.error));
    ck_assert_str_eq(value.data, "new");
    OK(at.calls->fact_get(at.store, "empty", &at.arena, &value, &at.error));
    ck_assert_ptr_nonnull(value.data);
    ck_assert_uint_eq(value.length, 0);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "pause", (struct store_bytes) { NULL, 0 }, &at.error));
    OK(at.calls->fact_set(at.store, "unknown", (struct store_bytes) { NULL, 0 }, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->fact_get(at.store, "pause", &at.arena, &value, &at.error));
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
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "job b", BYTES("2"), &at.error));
    OK(at.calls->fact_set(at.store, "job", BYTES("0"), &at.error));
    OK(at.calls->fact_set(at.store, "job \xC3\xA4", BYTES("5"), &at.error));
    OK(at.calls->fact_set(at.store, "job \xFF", BYTES("6"), &at.error));
    OK(at.calls->fact_set(at.store, "jobs", BYTES("7"), &at.error));
    OK(at.calls->fact_set(at.store, "Job a", BYTES("8"), &at.error));
    OK(at.calls->fact_set(at.store, "job a", BYTES("1"), &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->facts(at.store, "job ", collect_fact, &seen, &at.error));
    ck_assert_str_eq(seen.data, "job a=1,job b=2,job \xC3\xA4=5,job \xFF=6,");
    str_clear(&seen);
    OK(at.calls->facts(at.store, "", collect_fact, &seen, &at.error));
    ck_assert_ptr_nonnull(strstr(seen.data, "jobs=7,"));
    ck_assert_ptr_nonnull(strstr(seen.data, "Job a=8,job=0,job a=1,"));
    str_clear(&seen);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "job c", BYTES("3"), &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->facts(at.store, "job ", collect_fact, &seen, &at.error));
    ck_assert_str_eq(seen.data, "job a=1,job b=2,job c=3,");
    str_clear(&seen);
    OK(at.calls->facts(at.store, "job\xFF", collect_fact, &seen, &at.error));
    ck_assert_uint_eq(seen.length, 0);
    str_free(&seen);
}
END_TEST

START_TEST(a_target_keeps_its_number_and_the_201st_is_refused) {
    uint32_t no;
    uint32_t again;
    OK(at.calls->target_no(at.store, "hospital", false, &no, &at.error));
    ck_assert_uint_eq(no, 0);
    OK(at.calls->begin(at.store, &at.error));
    for (uint32_t i = 1; i <= 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        OK(at.calls->target_no(at.store, name, true, &no, &at.error));
        ck_assert_uint_eq(no, i);
    }
    conformance_expect(at.calls->target_no(at.store, "one more", true, &no, &at.error), "store");
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->target_no(at.store, "t117", false, &again, &at.error));
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
    OK(at.calls->begin(at.store, &at.error));
    ck_assert_uint_eq(conformance_patient("b"), 1);
    ck_assert_uint_eq(conformance_patient(""), 2);
    OK(at.calls->patient_add(at.store, "other", "b", &no, &at.error));
    ck_assert_uint_eq(no, 3);
    at.calls->rollback(at.store);
    OK(at.calls->begin(at.store, &at.error));
    ck_assert_uint_eq(conformance_patient("b"), 1);
    ck_assert_uint_eq(conformance_patient(""), 2);
    OK(at.calls->patient_add(at.store, "other", "b", &no, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->patient_find(at.store, "other", "b", &no, &at.error));
    ck_assert_uint_eq(no, 3);
    OK(at.calls->patient_find(at.store, "clinic", "", &no, &at.error));
    ck_assert_uint_eq(no, 2);
    OK(at.calls->patient_find(at.store, "clin", "icb", &no, &at.error));
    ck_assert_uint_eq(no, 0);
    OK(at.calls->patient_get(at.store, 1, &at.arena, &patient, &found, &at.error));
    ck_assert(found && patient.no == 1);
    ck_assert_str_eq(patient.local_id, "b");
    OK(at.calls->patient_get(at.store, 4, &at.arena, &patient, &found, &at.error));
    ck_assert(!found);
    uint64_t last = 0;
    OK(at.calls->patients(at.store, count_patient, &last, &at.error));
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
    OK(at.calls->begin(at.store, &at.error));
    uint64_t patient = conformance_patient("1");
    struct store_record full = full_record(patient, "r/1");
    OK(at.calls->record_put(at.store, &full, &at.error));
    ck_assert_uint_eq(full.no, 1);
    struct store_record bare = { .patient = patient, .job = "nightly", .id = "r/2" };
    OK(at.calls->record_put(at.store, &bare, &at.error));
    ck_assert_uint_eq(bare.no, 2);
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->record_find(at.store, "r/1", &at.arena, &out, &found, &at.error));
    ck_assert(found);
    same_record(&out, &full);
    OK(at.calls->record_get(at.store, 2, &at.arena, &out, &found, &at.error));
    ck_assert(found);
    bare.unit = bare.code = bare.detail = bare.decision = "";
    same_record(&out, &bare);
    ck_assert_ptr_nonnull(out.unit);
    OK(at.calls->record_find(at.store, "r", &at.arena, &out, &found, &at.error));
    ck_assert(!found);
    OK(at.calls->record_get(at.store, 3, &at.arena, &out, &found, &at.error));
    ck_assert(!found);
}
END_TEST

START_TEST(a_replaced_record_moves_to_its_new_patient) {
    struct store_record out;
    struct store_record *list;
    size_t count;
    bool found;
    OK(at.calls->begin(at.store, &at.error));
    uint64_t first = conformance_patient("1");
    uint64_t second = conformance_patient("2");
    struct store_record a = full_record(first, "a");
    struct store_record b = full_record(first, "b");
    OK(at.calls->record_put(at.store, &b, &at.error) &&
       at.calls->record_put(at.store, &a, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->records_of(at.store, first, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 2);
    same_record(&list[0], &b);
    same_record(&list[1], &a);
    OK(at.calls->begin(at.store, &at.error));
    b.patient = second;
    b.facts = BYTES("");
    b.code = "";
    b.state = STORE_RECORD_LIVE;
    OK(at.calls->record_put(at.store, &b, &at.error));
    struct store_record twice = full_record(first, "a");
    conformance_expect(at.calls->record_put(at.store, &twice, &at.error), "store");
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->record_find(at.store, "b", &at.arena, &out, &found, &at.error));
    same_record(&out, &b);
    OK(at.calls->records_of(at.store, first, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 1);
    OK(at.calls->records_of(at.store, second, &at.arena, &list, &count, &at.error));
    ck_assert_uint_eq(count, 1);
    same_record(&list[0], &b);
    OK(at.calls->records_of(at.store, 99, &at.arena, &list, &count, &at.error));
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
    OK(at.calls->begin(at.store, &at.error));
    for (size_t i = 0; i < 4; i++) {
        struct store_record record = full_record(1, ids[i]);
        record.job = i == 1 ? "weekly" : "nightly";
        OK(at.calls->record_put(at.store, &record, &at.error));
    }
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->records(at.store, "nightly", collect_record, &seen, &at.error));
    ck_assert_str_eq(seen.data, "z,stop,");
    str_clear(&seen);
    OK(at.calls->records(at.store, NULL, collect_record, &seen, &at.error));
    ck_assert_str_eq(seen.data, "z,a,stop,");
    str_clear(&seen);
    OK(at.calls->records(at.store, "no job", collect_record, &seen, &at.error));
    ck_assert_uint_eq(seen.length, 0);
    str_free(&seen);
}
END_TEST

void conformance_add_whose(TCase *contract) {
    const TTest *const tests[] = {
        a_fact_is_kept_replaced_and_forgotten,
        facts_are_walked_by_prefix_in_name_order,
        a_target_keeps_its_number_and_the_201st_is_refused,
        patients_are_numbered_by_arrival_and_found_by_clinic_and_id,
        a_record_comes_back_with_all_members,
        a_replaced_record_moves_to_its_new_patient,
        records_of_a_job_are_walked_by_number_until_told_to_stop,
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(contract, tests[i]);
}
