/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what status prints, and whether its JSON can be read. */
#include "core/command/status.h"

#include "core/command/exit.h"
#include "core/tree/tree.h"

#include <check.h>
#include <string.h>

#define NOW 1700000000000LL

static struct survey_job job;
static struct survey_line line;
static struct survey_cause cause;
static struct survey_pause pause_of;
static struct survey survey;
static struct str out;
static const struct status_time now = { NOW, 36 * 3600000LL };

static void set_up(void) {
    job = (struct survey_job) { .job = "nightly",
                                .read = { 10, 7, 1, 1, 1, 0, 0, 0 },
                                .conserved = true };
    job.poll.confirmed_ms = NOW - 180000;
    line = (struct survey_line) { .job = "nightly",
                                  .target = "hospital",
                                  .in_step = 5,
                                  .waiting = 2,
                                  .held = 3,
                                  .oldest_ms = NOW - 3 * 3600000LL };
    cause = (struct survey_cause) { .code = "consent", .resources = 3, .since_ms = NOW - 60000 };
    pause_of = (struct survey_pause) { "hospital", "quota", NOW + 60000, false };
    survey = (struct survey) { .jobs = &job,
                               .job_count = 1,
                               .lines = &line,
                               .line_count = 1,
                               .causes = &cause,
                               .cause_count = 1,
                               .pauses = &pause_of,
                               .pause_count = 1,
                               .sum = line,
                               .conserved = true };
    out = (struct str) { 0 };
}

static void tear_down(void) {
    str_free(&out);
}

static void says(const char *text) {
    ck_assert_msg(strstr(out.data, text) != NULL, "no '%s' in:\n%s", text, out.data);
}

START_TEST(both_laws_stand_in_the_text) {
    status_text(&survey, &now, &out);
    says("records read 10 = mapped 7 + unchanged 1 + stale 1 + held 1\n");
    says("hospital: resources 10 = in step 5 + waiting 2 + unknown 0 + held 3 + decided 0\n");
    says("last read to its end 3 min ago");
    says("has waited 3 h");
    ck_assert_ptr_null(strstr(out.data, "BROKEN"));
}
END_TEST

START_TEST(a_cause_says_how_much_and_what_moves_it_on) {
    status_text(&survey, &now, &out);
    says("held, consent: 3 resources, for 60 s\n");
    says("record the consent at the source");
    says("outbox list --code consent");
}
END_TEST

START_TEST(what_waits_for_a_cause_says_which_and_what_moves_it_on) {
    struct survey_cause wait = { .code = "patient-denied",
                                 .resources = 2,
                                 .since_ms = NOW - 60000 };
    survey.waits = &wait;
    survey.wait_count = 1;
    status_text(&survey, &now, &out);
    says("waiting, patient-denied: 2 resources, for 60 s\n");
    says("right to search patients");
    str_clear(&out);
    status_json(&survey, &now, &out);
    says("\"waiting\": [\n  {\"code\": \"patient-denied\", \"resources\": 2");
}
END_TEST

START_TEST(a_pause_says_when_it_goes_on) {
    status_text(&survey, &now, &out);
    says("target hospital is paused, quota");
    says("2023-11-14T22:14:20");
    str_clear(&out);
    pause_of = (struct survey_pause) { "hospital", "target-reset", NOW + 60000, true };
    status_text(&survey, &now, &out);
    says("outbox resolve again --target hospital");
}
END_TEST

START_TEST(records_whose_absences_say_nothing_are_named_by_number) {
    status_text(&survey, &now, &out);
    ck_assert_ptr_null(strstr(out.data, "held part"));
    str_clear(&out);
    survey.held_in_part = 1;
    status_text(&survey, &now, &out);
    says("1 record has a held part: what is missing in it stays at the targets as it is");
    str_clear(&out);
    survey.held_in_part = 4;
    status_text(&survey, &now, &out);
    says("4 records have a held part: what is missing in them stays at the targets as it is");
    says("`iptfhir outbox list --state held`");
    str_clear(&out);
    status_json(&survey, &now, &out);
    says("\"recordsHeldInPart\": 4");
}
END_TEST

START_TEST(a_broken_law_is_said_loudly) {
    job.conserved = survey.conserved = false;
    status_text(&survey, &now, &out);
    says("THE LAW IS BROKEN");
}
END_TEST

START_TEST(an_older_store_and_a_job_never_read_are_said) {
    survey.older_ms = NOW - 7200000;
    job.poll.confirmed_ms = 0;
    status_text(&survey, &now, &out);
    says("store-older: 2 h ago");
    says("never read to its end");
}
END_TEST

/* What status says of a job that was read to its end `hours` ago, as poll 7; `begun` began last. */
static int verdict(int64_t hours, int64_t begun) {
    str_clear(&out);
    survey.sum = (struct survey_line) { .in_step = 5 };
    job.poll = (struct intake_poll) { .number = 7, .begun = begun };
    job.poll.confirmed_ms = hours >= 0 ? NOW - hours * 3600000LL : 0;
    status_text(&survey, &now, &out);
    return status_exit(&survey, &now);
}

START_TEST(a_source_that_is_silent_is_never_in_step) {
    ck_assert_int_eq(verdict(1, 7), EXIT_SETTLED);
    says("everything is in step");
    ck_assert_int_eq(verdict(-1, 7), EXIT_LATER);
    says("SILENT: it was never read to its end");
    ck_assert_int_eq(verdict(1, 8), EXIT_LATER);
    says("SILENT: its last reading failed");
    ck_assert_int_eq(verdict(37, 7), EXIT_LATER);
    says("SILENT: nobody has read it");
    ck_assert_ptr_null(strstr(out.data, "everything is in step"));
}
END_TEST

START_TEST(the_json_has_the_same_facts) {
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    survey.older_ms = 42;
    status_json(&survey, &now, &out);
    struct tree *it = json_read_copy(&arena, out.data, out.length, NULL, &error);
    ck_assert_msg(it != NULL, "%s\n%s", error.text, out.data);
    says("\"conserved\": true");
    says("\"storeOlderMs\": 42");
    says("\"read\": 10, \"mapped\": 7, \"unchanged\": 1, \"stale\": 1, \"held\": 1");
    says("\"target\": \"hospital\", \"resources\": 10, \"inStep\": 5, \"waiting\": 2");
    says("\"code\": \"consent\", \"resources\": 3");
    says("\"code\": \"quota\", \"untilMs\": 1700000060000, \"person\": false");
    arena_free(&arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("status");
    TCase *tests = tcase_create("status");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, both_laws_stand_in_the_text);
    tcase_add_test(tests, a_source_that_is_silent_is_never_in_step);
    tcase_add_test(tests, a_cause_says_how_much_and_what_moves_it_on);
    tcase_add_test(tests, what_waits_for_a_cause_says_which_and_what_moves_it_on);
    tcase_add_test(tests, a_pause_says_when_it_goes_on);
    tcase_add_test(tests, a_broken_law_is_said_loudly);
    tcase_add_test(tests, records_whose_absences_say_nothing_are_named_by_number);
    tcase_add_test(tests, an_older_store_and_a_job_never_read_are_said);
    tcase_add_test(tests, the_json_has_the_same_facts);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
