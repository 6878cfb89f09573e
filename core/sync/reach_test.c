/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of how a target is reached: backoff, pauses, limits and rests. */
#include "core/sync/reach.h"

#include "core/sync/reconcile.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct delivery_target config;
static struct reach reach;

static void set_up(void) {
    config = (struct delivery_target) { .name = "hospital", .together = true };
    reach = (struct reach) { .config = &config,
                             .entries = REACH_ENTRIES,
                             .entries_most = REACH_ENTRIES,
                             .entries_allowed = REACH_ENTRIES,
                             .bytes = REACH_BYTES };
}

static void tear_down(void) {
    reach_free(&reach);
}

START_TEST(backoff_doubles_from_a_second_to_an_hour_and_never_is_less_than_a_quarter) {
    static const uint32_t jitters[] = { 0, 1, 749, 750, 123456789, UINT32_MAX };
    int64_t most = REACH_BACKOFF_MS;
    for (int tries = 0; tries < 100; tries++) {
        for (size_t i = 0; i < sizeof jitters / sizeof *jitters; i++) {
            int64_t wait = reach_backoff(tries, jitters[i]);
            ck_assert_int_ge(wait, most / 4);
            ck_assert_int_le(wait, most);
        }
        most = most * 2 < REACH_BACKOFF_MOST_MS ? most * 2 : REACH_BACKOFF_MOST_MS;
    }
    ck_assert_int_ge(reach_backoff(INT32_MAX, 0), REACH_BACKOFF_MOST_MS / 4);
    ck_assert_int_ge(reach_backoff(-1, 0), REACH_BACKOFF_MS / 4);
}
END_TEST

static void pause_for(const char *code, int64_t retry_after_ms, bool person, int64_t now) {
    const struct iptfhir_pause pause = { .size = sizeof pause,
                                         .code = code,
                                         .detail = code,
                                         .retry_after_ms = retry_after_ms,
                                         .person = person };
    reach_pause(&reach, &pause, now, 0);
}

START_TEST(the_longest_pause_wins) {
    pause_for("first", 60000, false, 1000);
    ck_assert_int_eq(reach.until_ms, 61000);
    pause_for("shorter", 1000, false, 2000);
    ck_assert_int_eq(reach.until_ms, 61000);
    ck_assert_str_eq(reach.code, "first");
    pause_for("longer", 120000, false, 2000);
    ck_assert_int_eq(reach.until_ms, 122000);
    ck_assert_str_eq(reach.code, "longer");
    ck_assert_int_eq(reach.failures, 1);
}
END_TEST

START_TEST(a_person_is_named_with_the_cause_that_needs_one) {
    pause_for("target-busy", 60000, false, 0);
    pause_for("target-unauthorized", 1000, true, 0);
    ck_assert(reach.needs_person);
    ck_assert_str_eq(reach.code, "target-unauthorized");
    ck_assert_int_eq(reach.until_ms, 60000);
    pause_for("target-busy", 120000, false, 0);
    ck_assert_str_eq(reach.code, "target-unauthorized");
    ck_assert_int_eq(reach.until_ms, 120000);
}
END_TEST

START_TEST(a_pause_is_never_longer_than_a_day_and_negative_ones_are_backoff) {
    pause_for("long", INT64_MAX, false, 5);
    ck_assert_int_eq(reach.until_ms, 5 + REACH_PAUSE_MOST_MS);
    reach.paused = false;
    pause_for("odd", -1000, false, 5);
    ck_assert_int_gt(reach.until_ms, 5);
    ck_assert_int_le(reach.until_ms, 5 + 2 * REACH_BACKOFF_MS);
}
END_TEST

START_TEST(a_pause_that_is_over_is_probed_until_an_answer_is_as_it_should_be) {
    pause_for("target-unauthorized", 60000, true, 0);
    ck_assert(!reach_probe(&reach, 59999));
    ck_assert(reach_probe(&reach, 60000));
    ck_assert(!reach.paused && reach.probes && reach.needs_person);
    pause_for("target-busy", 1000, false, 60000);
    ck_assert(reach.paused && !reach.probes && reach.needs_person);
    ck_assert_str_eq(reach.code, "target-unauthorized");
    ck_assert(reach_probe(&reach, reach.until_ms));
    reach_answered(&reach, 1);
    ck_assert(!reach.paused && !reach.probes && !reach.needs_person);
}
END_TEST

START_TEST(what_needs_a_person_is_asked_again_after_growing_intervals) {
    int64_t now = 0, last = 0;
    for (int i = 0; i < 16; i++) {
        pause_for("target-unauthorized", 1000, true, now);
        int64_t wait = reach.until_ms - now;
        ck_assert_int_ge(wait, last);
        last = wait;
        now = reach.until_ms;
        ck_assert(reach_probe(&reach, now));
    }
    ck_assert_int_eq(last, REACH_BACKOFF_MOST_MS / 4);
}
END_TEST

START_TEST(after_a_reset_no_time_ends_the_pause) {
    pause_for("target-reset", 1000, true, 0);
    ck_assert(!reach_probe(&reach, INT64_MAX - 1));
    reach_resume(&reach);
    ck_assert(!reach.paused && !reach.needs_person);
}
END_TEST

START_TEST(a_target_that_forbade_all_writes_must_take_one) {
    pause_for("target-forbidden", 1000, true, 0);
    ck_assert(reach_probe(&reach, reach.until_ms));
    reach_answered(&reach, 1); /* a search */
    ck_assert(reach.probes && reach.needs_person);
    reach.taken++;
    reach_answered(&reach, 1);
    ck_assert(!reach.probes && !reach.needs_person);
}
END_TEST

START_TEST(a_pause_without_words_has_some) {
    pause_for(NULL, 0, false, 0);
    ck_assert_str_ne(reach.code, "");
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    pause_for(text, 60000, false, 0);
    ck_assert_uint_lt(strlen(reach.code), sizeof reach.code);
}
END_TEST

START_TEST(failures_in_a_row_wait_longer_until_one_is_answered) {
    int64_t last = 0;
    for (int i = 0; i < 8; i++) {
        pause_for("target-busy", 0, false, 0);
        ck_assert_int_gt(reach.until_ms, last);
        last = reach.until_ms;
        ck_assert(reach_probe(&reach, last));
    }
    reach_answered(&reach, 1);
    pause_for("target-busy", 0, false, 0);
    ck_assert_int_le(reach.until_ms, REACH_BACKOFF_MS);
}
END_TEST

START_TEST(what_an_earlier_run_found_is_believed_for_a_day) {
    const int64_t day = REACH_LIMIT_MS;
    reach_remember(&reach, 25, 10 * day, 10 * day + day / 2);
    ck_assert_uint_eq(reach.entries, 25);
    ck_assert(!reach.limit_changed);
    reach_remember(&reach, 25, 10 * day, 12 * day);
    ck_assert_uint_eq(reach.entries_most, 50);
    ck_assert(reach.limit_changed); /* dated anew */
    reach.limit_changed = false;
    reach_remember(&reach, 25, 10 * day, 9 * day); /* by a clock that was ahead */
    ck_assert_uint_eq(reach.entries_most, 25);
    ck_assert(reach.limit_changed);
    reach.entries = 12;
    reach_remember(&reach, 80, 10 * day, 12 * day);
    ck_assert_uint_eq(reach.entries_most, REACH_ENTRIES);
    ck_assert_uint_eq(reach.entries, 12);
}
END_TEST

START_TEST(bundles_halve_and_grow_again_unless_they_were_too_large) {
    reach_halve(&reach, 100, false);
    ck_assert_uint_eq(reach.entries, 50);
    reach_answered(&reach, 49);
    ck_assert_uint_eq(reach.entries, 50);
    reach_answered(&reach, 50);
    ck_assert_uint_eq(reach.entries, 100);
    reach_halve(&reach, 100, true);
    reach_answered(&reach, 50);
    ck_assert_uint_eq(reach.entries, 50);
    for (int i = 0; i < 10; i++)
        reach_halve(&reach, reach.entries, false);
    ck_assert_uint_eq(reach.entries, 1);
    reach_halve(&reach, 80, false); /* of an order that was sent before */
    ck_assert_uint_eq(reach.entries, 1);
    for (int i = 0; i < 10; i++)
        reach_answered(&reach, reach.entries);
    ck_assert_uint_eq(reach.entries, 50);
}
END_TEST

START_TEST(what_a_target_can_do_is_known_by_type_and_for_the_others) {
    const struct iptfhir_ability types[] = { { IPTFHIR_ANY_TYPE, IPTFHIR_CAN_CREATE },
                                             { "Goal", IPTFHIR_CAN_READ | IPTFHIR_HAS_VERSIONS },
                                             { "Flag", 0 },
                                             { NULL, 0 } };
    struct iptfhir_abilities all = { sizeof all, types, true, true };
    ck_assert(reach_learn(&reach, &all));
    ck_assert_uint_eq(reach_flags(&reach, "Goal"), CAN_READ | HAS_VERSIONS | MAY_UPDATE);
    ck_assert_uint_eq(reach_flags(&reach, "Flag"), 0);
    ck_assert_uint_eq(reach_flags(&reach, "CarePlan"), CAN_CREATE);
    config.update_without_version = true;
    ck_assert_uint_eq(reach_flags(&reach, "CarePlan"), CAN_CREATE | MAY_UPDATE);
    ck_assert_int_eq(reach.together, IPTFHIR_TRANSACTION);
    all.transaction = false;
    ck_assert(reach_learn(&reach, &all));
    ck_assert_int_eq(reach.together, IPTFHIR_BATCH);
    config.together = false;
    all.types = NULL;
    ck_assert(reach_learn(&reach, &all));
    ck_assert_int_eq(reach.together, IPTFHIR_SINGLY);
    ck_assert_uint_eq(reach_flags(&reach, "Goal") & CAN_READ, 0);
}
END_TEST

START_TEST(rests_are_kept_for_each_of_many_lanes) {
    ck_assert_ptr_null(reach_rest_of(&reach, 1));
    for (uint64_t p = 1; p <= 2000; p++) {
        struct reach_rest *rest = reach_rest_add(&reach, p << 20);
        ck_assert_ptr_nonnull(rest);
        ck_assert_int_eq(rest->lost_ms, INT64_MIN);
        rest->until_ms = (int64_t)p;
    }
    for (uint64_t p = 1; p <= 2000; p++) {
        ck_assert_int_eq(reach_rest_of(&reach, p << 20)->until_ms, (int64_t)p);
        ck_assert_ptr_eq(reach_rest_add(&reach, p << 20), reach_rest_of(&reach, p << 20));
    }
    ck_assert_ptr_null(reach_rest_of(&reach, 7));
    ck_assert_uint_eq(reach.rest_count, 2000);
}
END_TEST

START_TEST(the_soonest_rest_is_known_and_waking_ends_it) {
    struct reach_soonest soonest = reach_soonest(&reach);
    ck_assert_int_eq(soonest.until_ms, INT64_MAX);
    ck_assert(!soonest.waits && !soonest.unknown);
    reach_rest_add(&reach, 1)->until_ms = INT64_MAX;
    reach_rest_of(&reach, 1)->waits = true;
    reach_rest_add(&reach, 2)->until_ms = 50;
    reach_rest_of(&reach, 2)->unknown = true;
    soonest = reach_soonest(&reach);
    ck_assert_int_eq(soonest.until_ms, 50);
    ck_assert(!soonest.waits && soonest.unknown);
    reach.scanned = true;
    reach_wake(&reach, 2);
    ck_assert(!reach.scanned && reach.rescan);
    ck_assert_int_eq(reach_rest_of(&reach, 2)->until_ms, INT64_MIN);
    ck_assert_int_eq(reach_rest_of(&reach, 1)->until_ms, INT64_MAX);
    reach_wake(&reach, 99);
    reach_wake(&reach, 0);
    ck_assert_int_eq(reach_rest_of(&reach, 1)->until_ms, INT64_MIN);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reach");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, backoff_doubles_from_a_second_to_an_hour_and_never_is_less_than_a_quarter);
    tcase_add_test(all, the_longest_pause_wins);
    tcase_add_test(all, a_person_is_named_with_the_cause_that_needs_one);
    tcase_add_test(all, a_pause_is_never_longer_than_a_day_and_negative_ones_are_backoff);
    tcase_add_test(all, a_pause_without_words_has_some);
    tcase_add_test(all, failures_in_a_row_wait_longer_until_one_is_answered);
    tcase_add_test(all, what_an_earlier_run_found_is_believed_for_a_day);
    tcase_add_test(all, bundles_halve_and_grow_again_unless_they_were_too_large);
    tcase_add_test(all, what_a_target_can_do_is_known_by_type_and_for_the_others);
    tcase_add_test(all, rests_are_kept_for_each_of_many_lanes);
    tcase_add_test(all, the_soonest_rest_is_known_and_waking_ends_it);
    tcase_add_test(all, a_pause_that_is_over_is_probed_until_an_answer_is_as_it_should_be);
    tcase_add_test(all, what_needs_a_person_is_asked_again_after_growing_intervals);
    tcase_add_test(all, after_a_reset_no_time_ends_the_pause);
    tcase_add_test(all, a_target_that_forbade_all_writes_must_take_one);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
