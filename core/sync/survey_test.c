/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the walk and its counts over the store in memory. */
#include "core/sync/survey.h"

#include "core/command/exit.h"

#include <check.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)
#define NOW 1700000000000LL

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;
static struct survey survey;
static uint32_t hospital;
static uint64_t patient;
static struct store_record record;
static const struct survey_route one_route[] = { { "nightly", "hospital" } };
static const struct survey_route two_routes[] = { { "nightly", "hospital" },
                                                  { "nightly", "registry" } };

static void put_record(struct store_record *r, const char *id, enum store_record_state state,
                       const char *code) {
    *r = (struct store_record) { .patient = patient,
                                 .job = "nightly",
                                 .id = id,
                                 .unit = "",
                                 .state = state,
                                 .code = code,
                                 .detail = "",
                                 .decision = "",
                                 .poll = NOW,
                                 .facts = { "{}", 2 } };
    OK(store->calls->record_put(store, r, &error));
}

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
    OK(store->calls->begin(store, &error));
    OK(store->calls->target_no(store, "hospital", true, &hospital, &error));
    OK(store->calls->patient_add(store, "north", "P-1", &patient, &error));
    put_record(&record, "R-1", STORE_RECORD_LIVE, "");
    OK(store->calls->commit(store, &error));
}

static void tear_down(void) {
    survey_free(&survey);
    store->calls->close(store);
    store_medium_free(medium);
}

/* A row of a record; resources of one name are one resource. */
static struct store_said say(const struct store_record *of, char name, enum store_wanted wanted) {
    struct store_said said = { .patient = patient,
                               .record = of->no,
                               .type = "Goal",
                               .system = "s",
                               .value = "v",
                               .data_class = "plan",
                               .wanted = wanted,
                               .code = "",
                               .detail = "" };
    memset(said.uuid, name, STORE_UUID);
    memset(said.hash, name, STORE_HASH);
    OK(store->calls->begin(store, &error));
    OK(store->calls->said_put(store, &said, &error));
    OK(store->calls->commit(store, &error));
    return said;
}

/* The state of a row; in step: what the row says was sent. */
static struct store_state state_of(const struct store_said *said, enum store_step step,
                                   const char *code) {
    struct store_state state = { .target = hospital,
                                 .patient = said->patient,
                                 .ordinal = said->ordinal,
                                 .step = step,
                                 .code = code,
                                 .detail = "",
                                 .decision = "",
                                 .since_ms = NOW - 1000,
                                 .attempt_version = "",
                                 .attempt_chart = "",
                                 .server_id = "",
                                 .version = "",
                                 .chart = "" };
    memcpy(state.attempt_hash, said->hash, STORE_HASH);
    state.attempt_hash[0] = (unsigned char)(said->hash[0] ^ (unsigned)said->wanted);
    if (step == STORE_IN_STEP) {
        state.sent = true;
        state.server_id = "17";
        state.sent_wanted = said->wanted;
        memcpy(state.sent_hash, state.attempt_hash, STORE_HASH);
    }
    return state;
}

static void put_state(const struct store_state *state) {
    OK(store->calls->begin(store, &error));
    OK(store->calls->state_put(store, state, &error));
    OK(store->calls->commit(store, &error));
}

static void fact(const char *name, const char *value) {
    OK(store->calls->begin(store, &error));
    OK(store->calls->fact_set(store, name, (struct store_bytes) { value, strlen(value) }, &error));
    OK(store->calls->commit(store, &error));
}

static void take(void) {
    survey_free(&survey);
    OK(survey_take(store, one_route, 1, NOW, &survey, &error));
}

START_TEST(a_resource_without_a_state_waits_since_it_was_read) {
    say(&record, 'a', STORE_WANTED_BODY);
    take();
    ck_assert_uint_eq(survey.sum.waiting, 1);
    ck_assert_int_eq(survey.sum.oldest_ms, NOW);
    ck_assert_int_eq(survey_exit(&survey), EXIT_LATER);
}
END_TEST

START_TEST(what_nobody_wants_and_nobody_sent_has_no_state) {
    say(&record, 'a', STORE_WANTED_NOTHING);
    take();
    ck_assert_uint_eq(survey.sum.waiting + survey.sum.in_step, 0);
    ck_assert_int_eq(survey_exit(&survey), EXIT_SETTLED);
}
END_TEST

START_TEST(a_shared_resource_counts_once) {
    struct store_record second;
    OK(store->calls->begin(store, &error));
    put_record(&second, "R-2", STORE_RECORD_LIVE, "");
    OK(store->calls->commit(store, &error));
    say(&record, 'a', STORE_WANTED_BODY);
    say(&second, 'a', STORE_WANTED_BODY);
    take();
    ck_assert_uint_eq(survey.sum.waiting, 1);
}
END_TEST

START_TEST(each_state_is_counted_as_what_it_is) {
    struct store_said a = say(&record, 'a', STORE_WANTED_BODY);
    struct store_said b = say(&record, 'b', STORE_WANTED_BODY);
    struct store_said c = say(&record, 'c', STORE_WANTED_BODY);
    struct store_said d = say(&record, 'd', STORE_WANTED_BODY);
    struct store_state in_step = state_of(&a, STORE_IN_STEP, "");
    struct store_state held = state_of(&b, STORE_HELD, "consent");
    struct store_state decided = state_of(&c, STORE_DECIDED, "leave");
    struct store_state lost = state_of(&d, STORE_WAITING, "");
    lost.attempt = STORE_CREATE;
    put_state(&in_step);
    put_state(&held);
    put_state(&decided);
    put_state(&lost);
    take();
    ck_assert_uint_eq(survey.sum.in_step, 1);
    ck_assert_uint_eq(survey.sum.held, 1);
    ck_assert_uint_eq(survey.sum.decided, 1);
    ck_assert_uint_eq(survey.sum.unknown, 1);
    ck_assert_uint_eq(survey.sum.waiting, 0);
    ck_assert_str_eq(survey.causes[0].code, "consent");
    ck_assert_uint_eq(survey.causes[0].resources, 1);
}
END_TEST

START_TEST(what_changed_since_it_was_sent_waits) {
    struct store_said a = say(&record, 'a', STORE_WANTED_BODY);
    struct store_state state = state_of(&a, STORE_IN_STEP, "");
    state.sent_hash[5] ^= 1;
    put_state(&state);
    take();
    ck_assert_uint_eq(survey.sum.in_step, 0);
    ck_assert_uint_eq(survey.sum.waiting, 1);
}
END_TEST

START_TEST(what_was_decided_about_another_content_waits) {
    struct store_said a = say(&record, 'a', STORE_WANTED_BODY);
    struct store_state state = state_of(&a, STORE_DECIDED, "leave");
    state.attempt_hash[5] ^= 1;
    put_state(&state);
    take();
    ck_assert_uint_eq(survey.sum.decided, 0);
    ck_assert_uint_eq(survey.sum.waiting, 1);
}
END_TEST

START_TEST(a_second_target_waits_for_everything) {
    struct store_said a = say(&record, 'a', STORE_WANTED_BODY);
    struct store_state state = state_of(&a, STORE_IN_STEP, "");
    put_state(&state);
    OK(survey_take(store, two_routes, 2, NOW, &survey, &error));
    ck_assert_uint_eq(survey.sum.in_step, 1);
    ck_assert_uint_eq(survey.sum.waiting, 1);
    ck_assert_uint_eq(survey.line_count, 2);
}
END_TEST

START_TEST(a_target_that_the_job_does_not_serve_waits_for_nothing) {
    const struct survey_route foreign[] = { { "nightly", "hospital" }, { "weekly", "registry" } };
    say(&record, 'a', STORE_WANTED_BODY);
    OK(survey_take(store, foreign, 2, NOW, &survey, &error));
    ck_assert_uint_eq(survey.sum.waiting, 1);
}
END_TEST

START_TEST(a_held_record_counts_once_though_its_hold_says_it_too) {
    struct store_record held;
    const struct store_hold same = { .key = { "nightly", "", "R-2", "", "record-gone" },
                                     .detail = "",
                                     .since_ms = NOW };
    const struct store_hold row = { .key = { "nightly", "f.csv", "", "7", "bad-date" },
                                    .detail = "",
                                    .since_ms = NOW };
    OK(store->calls->begin(store, &error));
    put_record(&held, "R-2", STORE_RECORD_GONE, "record-gone");
    OK(store->calls->hold_put(store, &same, &error));
    OK(store->calls->hold_put(store, &row, &error));
    OK(store->calls->commit(store, &error));
    take();
    ck_assert_uint_eq(survey.held_records, 1);
    ck_assert_uint_eq(survey.held_rows, 1);
    ck_assert_uint_eq(survey.cause_count, 2);
    ck_assert_int_eq(survey_exit(&survey), EXIT_HELD);
}
END_TEST

START_TEST(a_record_with_held_parts_counts_once_among_those_whose_absences_say_nothing) {
    struct store_record held, other;
    const struct store_hold parts[] = {
        { .key = { "nightly", "f", "R-1", "/measures/0", "total-mismatch" }, .detail = "" },
        { .key = { "nightly", "f", "R-1", "/goals/1/id", "id-twice" }, .detail = "" },
        { .key = { "nightly", "f", "R-1", "Observation.valueString", "policy-denied" },
          .detail = "" },
        { .key = { "nightly", "f", "R-3", "7", "bad-date" }, .detail = "" },
        { .key = { "nightly", "f", "R-2", "/patient", "record" }, .detail = "" },
    };
    OK(store->calls->begin(store, &error));
    put_record(&held, "R-2", STORE_RECORD_HELD, "record");
    put_record(&other, "R-3", STORE_RECORD_LIVE, "");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        OK(store->calls->hold_put(store, &parts[i], &error));
    OK(store->calls->commit(store, &error));
    take();
    ck_assert_uint_eq(survey.held_in_part, 1);
}
END_TEST

START_TEST(a_state_without_a_resource_breaks_the_law) {
    struct store_said a = say(&record, 'a', STORE_WANTED_BODY);
    struct store_state stray = state_of(&a, STORE_IN_STEP, "");
    stray.ordinal = 99;
    put_state(&stray);
    take();
    ck_assert_uint_eq(survey.lost, 1);
    ck_assert(!survey.conserved);
    ck_assert_int_eq(survey_exit(&survey), EXIT_FAULT);
}
END_TEST

START_TEST(records_that_went_nowhere_break_the_law) {
    fact("counts nightly", "10 7 1 0 1");
    take();
    ck_assert(!survey.conserved);
    ck_assert(!survey.jobs[0].conserved);
    fact("counts nightly", "10 7 1 1 1");
    take();
    ck_assert(survey.conserved);
}
END_TEST

START_TEST(a_pause_says_when_it_ends_and_whether_a_person_must_act) {
    fact("pause hospital", "1700000060000 1700000000000 quota");
    take();
    ck_assert_uint_eq(survey.pause_count, 1);
    ck_assert_int_eq(survey.pauses[0].until_ms, NOW + 60000);
    ck_assert(!survey.pauses[0].person);
    fact("pause hospital", "1700000060000 1700000000000 target-reset");
    take();
    ck_assert(survey.pauses[0].person);
    ck_assert_int_eq(survey_exit(&survey), EXIT_HELD);
}
END_TEST

START_TEST(a_pause_whose_time_is_over_is_none_unless_a_person_must_act) {
    fact("pause hospital", "1699999999999 1699999990000 target-unreachable");
    take();
    ck_assert_uint_eq(survey.pause_count, 0);
    fact("pause hospital", "1699999999999 1699999990000 target-unauthorized person");
    take();
    ck_assert_uint_eq(survey.pause_count, 1);
    ck_assert_int_eq(survey_exit(&survey), EXIT_HELD);
}
END_TEST

START_TEST(many_jobs_and_codes_are_all_kept) {
    static const char *const codes[] = { "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8",
                                         "c9", "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7" };
    OK(store->calls->begin(store, &error));
    for (size_t i = 0; i < 18; i++) {
        const struct store_hold row = { .key = { "nightly", "f", "", "7", codes[i] },
                                        .detail = "",
                                        .since_ms = NOW };
        OK(store->calls->hold_put(store, &row, &error));
    }
    OK(store->calls->commit(store, &error));
    take();
    ck_assert_uint_eq(survey.cause_count, 18);
    for (size_t i = 0; i < 18; i++)
        ck_assert_str_eq(survey.causes[i].code, codes[i]);
}
END_TEST

START_TEST(what_changed_after_its_job_left_the_target_is_held_and_the_rest_stays_in_step) {
    static const struct survey_route other_route[] = { { "weekly", "hospital" } };
    struct store_said a = say(&record, 'a', STORE_WANTED_BODY);
    struct store_said b = say(&record, 'b', STORE_WANTED_BODY);
    (void)say(&record, 'c', STORE_WANTED_BODY); /* never tried there */
    struct store_state of_a = state_of(&a, STORE_IN_STEP, "");
    struct store_state of_b = state_of(&b, STORE_IN_STEP, "");
    of_b.sent_hash[5] ^= 1;
    put_state(&of_a);
    put_state(&of_b);
    OK(survey_take(store, other_route, 1, NOW, &survey, &error));
    ck_assert_uint_eq(survey.sum.in_step, 1);
    ck_assert_uint_eq(survey.sum.held, 1);
    ck_assert_uint_eq(survey.sum.waiting, 0);
    ck_assert_uint_eq(survey.cause_count, 1);
    ck_assert_str_eq(survey.causes[0].code, "not-for-target");
    ck_assert(survey.conserved);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("survey");
    TCase *tests = tcase_create("survey");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_resource_without_a_state_waits_since_it_was_read);
    tcase_add_test(tests, what_nobody_wants_and_nobody_sent_has_no_state);
    tcase_add_test(tests, a_shared_resource_counts_once);
    tcase_add_test(tests, each_state_is_counted_as_what_it_is);
    tcase_add_test(tests, what_changed_since_it_was_sent_waits);
    tcase_add_test(tests, what_was_decided_about_another_content_waits);
    tcase_add_test(tests, a_second_target_waits_for_everything);
    tcase_add_test(tests, a_target_that_the_job_does_not_serve_waits_for_nothing);
    tcase_add_test(tests, a_held_record_counts_once_though_its_hold_says_it_too);
    tcase_add_test(tests,
                   a_record_with_held_parts_counts_once_among_those_whose_absences_say_nothing);
    tcase_add_test(tests, a_state_without_a_resource_breaks_the_law);
    tcase_add_test(tests, records_that_went_nowhere_break_the_law);
    tcase_add_test(tests, a_pause_says_when_it_ends_and_whether_a_person_must_act);
    tcase_add_test(tests, a_pause_whose_time_is_over_is_none_unless_a_person_must_act);
    tcase_add_test(tests, many_jobs_and_codes_are_all_kept);
    tcase_add_test(tests,
                   what_changed_after_its_job_left_the_target_is_held_and_the_rest_stays_in_step);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
