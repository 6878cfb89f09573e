/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what outbox lists and shows, and of retry, discard and restore, over the store in
 * memory. */
#include "core/command/exit.h"
#include "core/command/outbox_fixture.h"

#include <stdio.h>
#include <string.h>

/* ---- ids ---- */

START_TEST(an_id_is_a_resource_at_a_target_a_record_or_a_row) {
    struct outbox_id id;
    ck_assert(outbox_id_read("12-3@hospital", &id));
    ck_assert(id.kind == OUTBOX_RESOURCE && id.no == 12 && id.ordinal == 3);
    ck_assert_str_eq(id.target, "hospital");
    ck_assert(outbox_id_read("r7", &id) && id.kind == OUTBOX_RECORD && id.no == 7);
    ck_assert(outbox_id_read("h4", &id) && id.kind == OUTBOX_ROW && id.no == 4);
    ck_assert(!outbox_id_read("again", &id));
    ck_assert(!outbox_id_read("r", &id));
    ck_assert(!outbox_id_read("12", &id));
    ck_assert(!outbox_id_read("12-3@", &id));
    ck_assert(!outbox_id_read("12-99999999999@x", &id));
}
END_TEST

/* ---- list and show ---- */

START_TEST(what_is_held_is_listed_with_its_code_and_filters_leave_it_out) {
    fixture_state(STORE_HELD, "consent", false);
    ck_assert_ptr_nonnull(
        strstr((fixture_list((struct outbox_filter) { 0 }), f.o.out.data), fixture_item()));
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "\"state\": \"held\", \"code\": \"consent\""));
    fixture_list((struct outbox_filter) { .code = "gone" });
    ck_assert_ptr_null(strstr(f.o.out.data, fixture_item()));
    fixture_list((struct outbox_filter) { .job = "weekly" });
    ck_assert_ptr_null(strstr(f.o.out.data, fixture_item()));
    fixture_list((struct outbox_filter) { .target = "registry" });
    ck_assert_ptr_null(strstr(f.o.out.data, fixture_item()));
    fixture_list((struct outbox_filter) { .state = "waiting" });
    ck_assert_ptr_null(strstr(f.o.out.data, fixture_item()));
    fixture_list((struct outbox_filter) { .state = "held", .code = "consent", .job = "nightly" });
    ck_assert_ptr_nonnull(strstr(f.o.out.data, fixture_item()));
}
END_TEST

START_TEST(what_is_in_step_is_listed_only_when_asked_for) {
    fixture_state(STORE_IN_STEP, "", true);
    fixture_list((struct outbox_filter) { 0 });
    ck_assert_ptr_null(strstr(f.o.out.data, fixture_item()));
    fixture_list((struct outbox_filter) { .state = "in-step" });
    ck_assert_ptr_nonnull(strstr(f.o.out.data, fixture_item()));
}
END_TEST

START_TEST(records_and_rows_that_are_held_are_listed) {
    const struct store_hold row = { .key = { "nightly", "f.csv", "", "7", "bad-date" },
                                    .detail = "d",
                                    .since_ms = NOW };
    fixture_record(STORE_RECORD_GONE, "record-gone");
    fixture_begin();
    OK(f.store->calls->hold_put(f.store, &row, &f.error));
    fixture_commit();
    fixture_list((struct outbox_filter) { 0 });
    ck_assert_ptr_nonnull(strstr(f.o.out.data, fixture_record_item()));
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "f.csv:7"));
}
END_TEST

START_TEST(an_item_is_shown_with_its_body_and_its_way_on) {
    fixture_state(STORE_HELD, "conflict", true);
    ck_assert_int_eq(outbox_show(&f.o, fixture_item(), &f.error), EXIT_SETTLED);
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "resourceType"));
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "outbox resolve ID ours"));
    str_clear(&f.o.out);
    f.o.json = true;
    ck_assert_int_eq(outbox_show(&f.o, fixture_item(), &f.error), EXIT_SETTLED);
    ck_assert_ptr_nonnull(json_read_copy(&f.arena, f.o.out.data, f.o.out.length, NULL, &f.error));
}
END_TEST

START_TEST(what_both_sides_changed_is_shown_with_where_to_compare_it) {
    fixture_state(STORE_HELD, "conflict", true);
    ck_assert_int_eq(outbox_show(&f.o, fixture_item(), &f.error), EXIT_SETTLED);
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "open that resource there and compare"));
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "serverId: 17\n"));
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "identifier: v-1\n"));
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "\"resourceType\":\"Goal\"")); /* ours */
}
END_TEST

START_TEST(a_record_is_shown_with_the_row_that_holds_it) {
    const struct store_hold row = { .key = { "nightly", "f.ndjson", "R-1", "12", "record" },
                                    .detail = "d",
                                    .since_ms = NOW };
    const struct store_hold part = { .key = { "nightly", "f.ndjson", "R-1", "/goals/0", "record" },
                                     .detail = "d",
                                     .since_ms = NOW };
    fixture_record(STORE_RECORD_HELD, "record");
    fixture_begin();
    OK(f.store->calls->hold_put(f.store, &part, &f.error));
    OK(f.store->calls->hold_put(f.store, &row, &f.error));
    fixture_commit();
    ck_assert_int_eq(outbox_show(&f.o, fixture_record_item(), &f.error), EXIT_SETTLED);
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "where: f.ndjson\n  place: 12\n"));
}
END_TEST

START_TEST(an_id_that_is_none_or_names_nothing_is_refused) {
    fixture_refused(outbox_show(&f.o, "nonsense", &f.error), "no item's id");
    str_clear(&f.o.err);
    fixture_refused(outbox_show(&f.o, "99-1@hospital", &f.error), "there is no item");
    str_clear(&f.o.err);
    fixture_refused(outbox_show(&f.o, "r99", &f.error), "there is no item");
    str_clear(&f.o.err);
    fixture_refused(outbox_show(&f.o, "h99", &f.error), "there is no item");
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, "1-1@elsewhere"), "no item's id");
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, "99-1@hospital"), "no such item");
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, "r99"), "no such record");
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, "h99"), "no such hold");
}
END_TEST

START_TEST(nothing_happens_without_saying_what) {
    fixture_refused(fixture_act(OUTBOX_RETRY, NULL, (struct outbox_filter) { 0 }), "say what");
    fixture_refused(fixture_act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .target = "nowhere" }),
                    "no job");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, NULL, fixture_item()), "say what is decided");
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "perhaps", fixture_item()), "say what is decided");
}
END_TEST

/* ---- retry ---- */

START_TEST(a_retry_makes_it_due_and_forgets_what_was_tried) {
    fixture_state(STORE_HELD, "server-error", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), EXIT_SETTLED);
    struct store_state now = fixture_state_now();
    ck_assert(now.step == STORE_WAITING && now.tries == 0 && fixture_is_zero(now.attempt_hash));
    ck_assert_str_eq(now.code, "");
    ck_assert_str_eq(now.server_id, "17");
    ck_assert(fixture_has_lane());
}
END_TEST

START_TEST(a_retry_leaves_an_open_attempt_alone) {
    fixture_state(STORE_UNKNOWN, "unknown", false);
    struct store_state before = fixture_state_now();
    before.attempt = STORE_CREATE;
    fixture_begin();
    OK(f.store->calls->state_put(f.store, &before, &f.error));
    fixture_commit();
    ck_assert_int_eq(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), EXIT_SETTLED);
    struct store_state now = fixture_state_now();
    ck_assert(now.attempt == STORE_CREATE && now.step == STORE_UNKNOWN);
    ck_assert_mem_eq(now.attempt_hash, before.attempt_hash, STORE_HASH);
    ck_assert(fixture_has_lane());
}
END_TEST

START_TEST(a_retry_keeps_what_a_person_decided_and_was_not_carried_out_yet) {
    fixture_state(STORE_HELD, "conflict", true);
    ck_assert_int_eq(fixture_one(OUTBOX_RESOLVE, "ours", fixture_item()), EXIT_SETTLED);
    ck_assert_int_eq(
        fixture_act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .target = "hospital" }),
        EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "ours");
    ck_assert_int_eq(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "ours");
    ck_assert(fixture_has_lane());
}
END_TEST

START_TEST(a_retry_by_code_takes_all_of_it_and_nothing_else) {
    fixture_state(STORE_HELD, "server-error", true);
    fixture_act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .code = "consent" });
    ck_assert(fixture_state_now().step == STORE_HELD);
    ck_assert_int_eq(
        fixture_act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .code = "server-error" }),
        EXIT_SETTLED);
    ck_assert(fixture_state_now().step == STORE_WAITING);
}
END_TEST

START_TEST(a_retry_refuses_what_it_cannot_move) {
    fixture_state(STORE_IN_STEP, "", true);
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), "in step");
    fixture_state(STORE_DECIDED, "leave", true);
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), "restore");
    fixture_state(STORE_HELD, "mass-withdrawal", true);
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), "withdraw");
    fixture_record(STORE_RECORD_GONE, "record-gone");
    fixture_state(STORE_HELD, "record-gone", true);
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_item()), fixture_record_item());
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_record_item()), "error");
    fixture_record(STORE_RECORD_LIVE, "");
    fixture_refused(fixture_one(OUTBOX_RETRY, NULL, fixture_record_item()), "not held");
}
END_TEST

START_TEST(a_retry_of_a_record_has_it_read_again) {
    fixture_record(STORE_RECORD_HELD, "duplicate-record");
    ck_assert_int_eq(fixture_one(OUTBOX_RETRY, NULL, fixture_record_item()), EXIT_SETTLED);
    ck_assert(fixture_is_zero(fixture_record_now().content));
    ck_assert(fixture_has_fact("reread nightly"));
}
END_TEST

START_TEST(a_retry_of_a_target_ends_its_pause_but_not_a_reset) {
    fixture_fact("pause hospital", "1700000060000 1700000000000 target-forbidden");
    const struct outbox_filter there = { .target = "hospital" };
    ck_assert_int_eq(fixture_act(OUTBOX_RETRY, NULL, there), EXIT_SETTLED);
    ck_assert(!fixture_has_fact("pause hospital"));
    fixture_fact("pause hospital", "1700000060000 1700000000000 target-reset");
    fixture_refused(fixture_act(OUTBOX_RETRY, NULL, there), "resolve again");
    ck_assert(fixture_has_fact("pause hospital"));
}
END_TEST

START_TEST(a_code_that_is_none_or_that_nothing_has_is_said) {
    const struct outbox_filter typo = { .code = "conflicts" }, absent = { .code = "conflict" };
    const struct outbox_filter foreign = { .code = "plugin-own" };
    fixture_state(STORE_HELD, "plugin-own", false);
    fixture_refused(fixture_act(OUTBOX_RETRY, NULL, typo), "did you mean 'conflict'?");
    fixture_refused(fixture_act(OUTBOX_DISCARD, NULL, typo), "there is no code conflicts");
    fixture_refused(fixture_act(OUTBOX_RESOLVE, "ours", typo), "there is no code conflicts");
    fixture_refused(fixture_act(OUTBOX_RESTORE, NULL, typo), "there is no code conflicts");
    ck_assert_int_eq(fixture_act(OUTBOX_DISCARD, NULL, absent), EXIT_SETTLED);
    ck_assert_ptr_nonnull(strstr(f.o.out.data, "nothing to be done"));
    ck_assert_int_eq(fixture_act(OUTBOX_RETRY, NULL, foreign), EXIT_SETTLED);
    ck_assert(fixture_state_now().step == STORE_WAITING);
}
END_TEST

/* ---- discard and restore ---- */

START_TEST(what_is_discarded_comes_back_by_restore) {
    fixture_state(STORE_HELD, "invalid", false);
    ck_assert_int_eq(fixture_one(OUTBOX_DISCARD, NULL, fixture_item()), EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "discard");
    ck_assert_int_eq(fixture_one(OUTBOX_RESTORE, NULL, fixture_item()), EXIT_SETTLED);
    ck_assert_str_eq(fixture_state_now().decision, "");
    ck_assert(fixture_state_now().step == STORE_HELD);
    fixture_state(STORE_DECIDED, "discard", false);
    ck_assert_int_eq(fixture_one(OUTBOX_RESTORE, NULL, fixture_item()), EXIT_SETTLED);
    ck_assert(fixture_state_now().step == STORE_WAITING &&
              fixture_is_zero(fixture_state_now().attempt_hash));
}
END_TEST

START_TEST(what_may_be_there_is_not_discarded) {
    fixture_state(STORE_IN_STEP, "", true);
    fixture_refused(fixture_one(OUTBOX_DISCARD, NULL, fixture_item()), "in step");
    fixture_state(STORE_UNKNOWN, "unknown", false);
    struct store_state open = fixture_state_now();
    open.attempt = STORE_CREATE;
    fixture_begin();
    OK(f.store->calls->state_put(f.store, &open, &f.error));
    fixture_commit();
    fixture_refused(fixture_one(OUTBOX_DISCARD, NULL, fixture_item()), "a sync finds out first");
    fixture_record(STORE_RECORD_GONE, "record-gone");
    fixture_refused(fixture_one(OUTBOX_DISCARD, NULL, fixture_record_item()), "resolve");
    fixture_record(STORE_RECORD_HELD, "revision-future");
    fixture_refused(fixture_one(OUTBOX_DISCARD, NULL, fixture_record_item()), "not discarded");
}
END_TEST

START_TEST(what_nobody_decided_is_not_restored) {
    fixture_state(STORE_HELD, "invalid", false);
    fixture_refused(fixture_one(OUTBOX_RESTORE, NULL, fixture_item()), "nobody decided");
    fixture_refused(fixture_one(OUTBOX_RESTORE, NULL, fixture_record_item()), "nobody decided");
}
END_TEST

START_TEST(a_record_comes_back_until_its_withdrawal_was_written) {
    fixture_record(STORE_RECORD_GONE, "record-gone");
    fixture_state(STORE_IN_STEP, "", true);
    fixture_one(OUTBOX_RESOLVE, "error", fixture_record_item());
    ck_assert_int_eq(fixture_one(OUTBOX_RESTORE, NULL, fixture_record_item()), EXIT_SETTLED);
    ck_assert(fixture_record_now().state == STORE_RECORD_GONE);
    ck_assert(fixture_said_now().wanted == STORE_WANTED_BODY);
    fixture_one(OUTBOX_RESOLVE, "error", fixture_record_item());
    struct store_state now = fixture_state_now();
    now.sent_wanted = STORE_WANTED_ERROR;
    fixture_begin();
    OK(f.store->calls->state_put(f.store, &now, &f.error));
    fixture_commit();
    fixture_refused(fixture_one(OUTBOX_RESTORE, NULL, fixture_record_item()), "already written");
}
END_TEST

START_TEST(a_row_is_read_again_forgotten_or_corrected) {
    const struct store_hold row = { .key = { "nightly", "f.csv", "", "7", "bad-date" },
                                    .detail = "d",
                                    .since_ms = NOW };
    fixture_begin();
    OK(f.store->calls->hold_put(f.store, &row, &f.error));
    fixture_commit();
    fixture_refused(fixture_one(OUTBOX_RESOLVE, "leave", "h1"), "corrected there");
    fixture_refused(fixture_one(OUTBOX_RESTORE, NULL, "h1"), "--reread");
    ck_assert_int_eq(fixture_one(OUTBOX_RETRY, NULL, "h1"), EXIT_SETTLED);
    ck_assert(fixture_has_fact("reread nightly"));
    fixture_begin();
    OK(f.store->calls->hold_put(f.store, &row, &f.error));
    fixture_commit();
    ck_assert_int_eq(
        fixture_act(OUTBOX_DISCARD, NULL, (struct outbox_filter) { .code = "bad-date" }),
        EXIT_SETTLED);
    fixture_list((struct outbox_filter) { .code = "bad-date" });
    ck_assert_ptr_null(strstr(f.o.out.data, "bad-date"));
}
END_TEST

START_TEST(a_command_waits_for_another_writer_and_then_says_so) {
    struct store *other = store_open_memory(f.medium, &f.error);
    fixture_state(STORE_HELD, "invalid", false);
    OK(other->calls->begin(other, &f.error));
    const struct outbox_filter all = { .code = "invalid" };
    ck_assert_int_eq(outbox_act(&f.o, OUTBOX_RETRY, NULL, &all, &f.error), EXIT_FAULT);
    ck_assert(error_is_set(&f.error));
    error_clear(&f.error);
    other->calls->rollback(other);
    other->calls->close(other);
    ck_assert(fixture_state_now().step == STORE_HELD);
    ck_assert_int_eq(fixture_act(OUTBOX_RETRY, NULL, all), EXIT_SETTLED);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("outbox");
    TCase *tests = tcase_create("outbox");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, fixture_set_up, fixture_tear_down);
    tcase_add_test(tests, an_id_is_a_resource_at_a_target_a_record_or_a_row);
    tcase_add_test(tests, what_is_held_is_listed_with_its_code_and_filters_leave_it_out);
    tcase_add_test(tests, what_is_in_step_is_listed_only_when_asked_for);
    tcase_add_test(tests, records_and_rows_that_are_held_are_listed);
    tcase_add_test(tests, an_item_is_shown_with_its_body_and_its_way_on);
    tcase_add_test(tests, what_both_sides_changed_is_shown_with_where_to_compare_it);
    tcase_add_test(tests, a_record_is_shown_with_the_row_that_holds_it);
    tcase_add_test(tests, an_id_that_is_none_or_names_nothing_is_refused);
    tcase_add_test(tests, nothing_happens_without_saying_what);
    tcase_add_test(tests, a_retry_makes_it_due_and_forgets_what_was_tried);
    tcase_add_test(tests, a_retry_leaves_an_open_attempt_alone);
    tcase_add_test(tests, a_retry_keeps_what_a_person_decided_and_was_not_carried_out_yet);
    tcase_add_test(tests, a_retry_by_code_takes_all_of_it_and_nothing_else);
    tcase_add_test(tests, a_retry_refuses_what_it_cannot_move);
    tcase_add_test(tests, a_retry_of_a_record_has_it_read_again);
    tcase_add_test(tests, a_retry_of_a_target_ends_its_pause_but_not_a_reset);
    tcase_add_test(tests, a_code_that_is_none_or_that_nothing_has_is_said);
    tcase_add_test(tests, what_is_discarded_comes_back_by_restore);
    tcase_add_test(tests, what_may_be_there_is_not_discarded);
    tcase_add_test(tests, what_nobody_decided_is_not_restored);
    tcase_add_test(tests, a_record_comes_back_until_its_withdrawal_was_written);
    tcase_add_test(tests, a_row_is_read_again_forgotten_or_corrected);
    tcase_add_test(tests, a_command_waits_for_another_writer_and_then_says_so);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
