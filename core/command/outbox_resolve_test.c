/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a person can decide, over the store in memory. */
#include "core/base/codes.h"
#include "core/command/exit.h"
#include "core/command/outbox_fixture.h"

#include <stdio.h>
#include <string.h>

START_TEST(a_decision_that_fits_is_written_for_delivery) {
    static const char *const pairs[][2] = {
        { "conflict", "ours" },
        { "conflict", "theirs" },
        { "adopt", "theirs" },
        { "store-older", "ours" },
        { "gone", "again" },
        { "gone", "leave" },
        { "withdraw-person", "withdraw" },
        { "patient-changed", "move" },
        { "patient-changed", "same" },
        { "patient-changed", "leave" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fixture_state(STORE_HELD, pairs[i][0], true);
        ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, pairs[i][1], fixture_item()), EXIT_SETTLED);
        ck_assert_str_eq(fixture_state_now().decision, pairs[i][1]);
        ck_assert(fixture_has_lane());
    }
}
END_TEST

START_TEST(a_decision_that_does_not_fit_says_which_would) {
    fixture_state(STORE_HELD, "conflict", true);
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "again", fixture_item()), "say ours, theirs");
    fixture_state(STORE_HELD, "gone", true);
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "ours", fixture_item()), "say again, leave");
    fixture_state(STORE_HELD, "consent", true);
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "ours", fixture_item()), "record the consent");
    fixture_state(STORE_WAITING, "", true);
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "ours", fixture_item()), "not held");
    ck_assert_str_eq(fixture_state_now().decision, "");
}
END_TEST

START_TEST(a_withdrawal_among_too_many_passes_when_a_person_says_so) {
    fixture_said(STORE_WANTED_ENDED, "mass-withdrawal");
    fixture_state(STORE_HELD, "mass-withdrawal", true);
    const struct outbox_filter all = { .code = "mass-withdrawal" };
    ck_assert_int_eq(fixture_act(OUTBOX_RESOLVE, "withdraw", all), EXIT_SETTLED);
    ck_assert_str_eq(fixture_said_now().code, "");
    ck_assert(fixture_said_now().wanted == STORE_WANTED_ENDED);
    ck_assert(fixture_state_now().step == STORE_WAITING && fixture_has_lane());
}
END_TEST

START_TEST(a_withdrawal_among_too_many_is_left_when_a_person_says_so) {
    fixture_said(STORE_WANTED_ENDED, "mass-withdrawal");
    fixture_state(STORE_HELD, "mass-withdrawal", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "leave", fixture_item()), EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "leave");
    ck_assert_str_eq(fixture_said_now().code, "mass-withdrawal");
}
END_TEST

START_TEST(an_element_that_is_gone_was_never_true_or_has_left) {
    fixture_said(STORE_WANTED_BODY, "element-gone");
    fixture_state(STORE_HELD, "element-gone", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "error", fixture_item()), EXIT_SETTLED);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_ERROR);
    ck_assert_str_eq(fixture_said_now().code, "");
    fixture_said(STORE_WANTED_BODY, "element-gone");
    fixture_state(STORE_HELD, "element-gone", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "left", fixture_item()), EXIT_SETTLED);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_LEFT);
    fixture_said(STORE_WANTED_BODY, "element-gone");
    fixture_state(STORE_HELD, "element-gone", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "leave", fixture_item()), EXIT_SETTLED);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_BODY);
    ck_assert_str_eq(fixture_state_now().decision, "leave");
}
END_TEST

START_TEST(a_record_that_is_gone_was_never_true) {
    const struct store_hold hold = { .key = { "nightly", "", "R-1", "", "record-gone" },
                                     .detail = "",
                                     .since_ms = NOW };
    fixture_record(STORE_RECORD_GONE, "record-gone");
    fixture_begin();
    OK(f.store->calls->hold_put(f.store, &hold, &f.error));
    fixture_commit();
    fixture_state(STORE_HELD, "record-gone", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "error", fixture_record_item()), EXIT_SETTLED);
    ck_assert(fixture_record_now().state == STORE_RECORD_ERROR);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_ERROR);
    ck_assert(fixture_has_lane());
    fixture_list((struct outbox_filter) { .code = "record-gone", .target = "" });
    ck_assert_ptr_null(strstr(f.o.out.data, "\"id\": \"h"));
}
END_TEST

START_TEST(a_record_that_is_gone_has_left) {
    fixture_record(STORE_RECORD_GONE, "mass-withdrawal");
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "left", fixture_record_item()), EXIT_SETTLED);
    ck_assert(fixture_record_now().state == STORE_RECORD_LEFT);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_LEFT);
}
END_TEST

START_TEST(records_that_are_gone_all_at_once_are_decided_by_the_command_that_the_registry_names) {
    const struct code *mass = code_find("mass-withdrawal");
    const struct outbox_filter all = { .code = "mass-withdrawal" };
    const char *left = strstr(mass->next, "`iptfhir outbox resolve left --code mass-withdrawal`");
    const char *withdraw = strstr(mass->next, "resolve withdraw");
    ck_assert(left != NULL && withdraw != NULL && left < withdraw);
    fixture_record(STORE_RECORD_GONE, "mass-withdrawal");
    fixture_state(STORE_HELD, "mass-withdrawal", true);
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), fixture_record_item());
    fixture_refused(fixture_act(OUTBOX_RESOLVE, "withdraw", all), "`left`");
    ck_assert_int_eq(fixture_act(OUTBOX_RESOLVE, "left", all), EXIT_SETTLED);
    ck_assert(fixture_record_now().state == STORE_RECORD_LEFT);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_LEFT);
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "1 decided"));
    ck_assert(f.o.err.length == 0); /* nothing stays as it is */
}
END_TEST

START_TEST(a_record_refuses_words_that_are_not_about_it) {
    fixture_record(STORE_RECORD_GONE, "record-gone");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "move", fixture_record_item()), "`error`");
    fixture_record(STORE_RECORD_HELD, "revision-future");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "error", fixture_record_item()), "clock");
    fixture_record(STORE_RECORD_HELD, "patient-changed");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "ours", fixture_record_item()),
                    "say move, same, leave");
    fixture_record(STORE_RECORD_LIVE, "");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "error", fixture_record_item()), "not held");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "move", fixture_record_item()), "not held");
}
END_TEST

START_TEST(a_record_whose_patient_changed_is_decided_at_its_next_reading) {
    static const char *const words[] = { "move", "same", "leave" };
    for (size_t i = 0; i < 3; i++) {
        fixture_record(STORE_RECORD_HELD, "patient-changed");
        fixture_state(STORE_HELD, "patient-changed", true);
        ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, words[i], fixture_record_item()),
                         EXIT_SETTLED);
        ck_assert_str_eq(fixture_record_now().decision, words[i]);
        ck_assert(fixture_is_zero(fixture_record_now().content));
        ck_assert(fixture_has_fact("reread nightly"));
        ck_assert_str_eq(fixture_state_now().decision, "");
    }
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "move", fixture_item()), fixture_record_item());
}
END_TEST

START_TEST(a_record_in_another_chart_is_decided_for_all_that_stands_there) {
    fixture_state(STORE_HELD, "patient-changed", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "same", fixture_record_item()), EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "same");
    ck_assert_str_eq(fixture_record_now().decision, "");
}
END_TEST

START_TEST(after_a_reset_everything_that_was_there_is_created_anew) {
    fixture_state(STORE_IN_STEP, "", true);
    const struct outbox_filter there = { .target = "hospital" };
    fixture_refused(fixture_act(OUTBOX_RESOLVE, "again", there), "not paused for a reset");
    fixture_fact("pause hospital", "1700000060000 1700000000000 target-reset");
    fixture_fact("chart 1 c1", "1");
    fixture_fact("match 1 1", "h");
    ck_assert_uint_eq(f.hospital, 1);
    ck_assert_int_eq(fixture_act(OUTBOX_RESOLVE, "again", there), EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "again");
    ck_assert(fixture_has_lane());
    ck_assert(!fixture_has_fact("pause hospital") && !fixture_has_fact("chart 1 c1") &&
              !fixture_has_fact("match 1 1"));
}
END_TEST

/* Whether a word stands between backticks in a text, alone or at the end of a command. */
static bool offers(const char *text, const char *word) {
    char alone[64], at_end[64];
    snprintf(alone, sizeof alone, "`%s`", word);
    snprintf(at_end, sizeof at_end, "resolve ID %s`", word);
    return strstr(text, alone) != NULL || strstr(text, at_end) != NULL;
}

/* Decides about the resource and about its record, both held with a code; true when one is. */
static bool can_decide(const char *code, const char *word) {
    bool any = false;
    fixture_record(STORE_RECORD_LIVE, "");
    fixture_said(STORE_WANTED_BODY, code);
    fixture_state(STORE_HELD, code, true);
    any = fixture_one(OUTBOX_RESOLVE, word, fixture_item()) == EXIT_SETTLED;
    fixture_record(STORE_RECORD_GONE, code);
    return fixture_one(OUTBOX_RESOLVE, word, fixture_record_item()) == EXIT_SETTLED || any;
}

START_TEST(what_the_registry_says_to_decide_can_be_decided) {
    static const char *const words[] = { "ours", "theirs", "again", "withdraw", "move",
                                         "same", "leave",  "error", "left" };
    size_t count, tried = 0;
    const struct code *codes = codes_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (strstr(codes[i].next, "outbox resolve ID") == NULL)
            continue;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            if (!offers(codes[i].next, words[w]))
                continue;
            ck_assert_msg(can_decide(codes[i].name, words[w]), "%s: %s", codes[i].name, words[w]);
            tried++;
        }
    }
    ck_assert_uint_ge(tried, 15);
}
END_TEST

START_TEST(what_the_registry_says_to_retry_is_put_back) {
    size_t count, tried = 0;
    const struct code *codes = codes_all(&count);
    for (size_t i = 0; i < count; i++) {
        char command[96];
        snprintf(command, sizeof command, "`iptfhir outbox retry --code %s`", codes[i].name);
        if (strstr(codes[i].next, command) == NULL) {
            ck_assert_ptr_null(strstr(codes[i].next, "outbox retry --code"));
            continue;
        }
        fixture_state(STORE_HELD, codes[i].name, false);
        fixture_act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .code = codes[i].name });
        ck_assert_msg(fixture_state_now().step == STORE_WAITING, "%s", codes[i].name);
        tried++;
    }
    ck_assert_uint_ge(tried, 10);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("outbox_resolve");
    TCase *tests = tcase_create("outbox_resolve");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, fixture_set_up, fixture_tear_down);
    tcase_add_test(tests, a_decision_that_fits_is_written_for_delivery);
    tcase_add_test(tests, a_decision_that_does_not_fit_says_which_would);
    tcase_add_test(tests, a_withdrawal_among_too_many_passes_when_a_person_says_so);
    tcase_add_test(tests, a_withdrawal_among_too_many_is_left_when_a_person_says_so);
    tcase_add_test(tests, an_element_that_is_gone_was_never_true_or_has_left);
    tcase_add_test(tests, a_record_that_is_gone_was_never_true);
    tcase_add_test(tests, a_record_that_is_gone_has_left);
    tcase_add_test(
        tests,
        records_that_are_gone_all_at_once_are_decided_by_the_command_that_the_registry_names);
    tcase_add_test(tests, a_record_refuses_words_that_are_not_about_it);
    tcase_add_test(tests, a_record_whose_patient_changed_is_decided_at_its_next_reading);
    tcase_add_test(tests, a_record_in_another_chart_is_decided_for_all_that_stands_there);
    tcase_add_test(tests, after_a_reset_everything_that_was_there_is_created_anew);
    tcase_add_test(tests, what_the_registry_says_to_decide_can_be_decided);
    tcase_add_test(tests, what_the_registry_says_to_retry_is_put_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
