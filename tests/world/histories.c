/* SPDX-License-Identifier: Apache-2.0 */
/* Histories with a name: short scripts of the simulation, each with what must be seen at its end.
 * The laws are checked at every step of each of them as well. */
#include "tests/world/sim_run.h"

#include "core/fhir/r4.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ADA, BEN, CLEO };             /* patients */
enum { FIRST, SECOND, THIRD, TWIN }; /* records; the twin is Ada's second */
enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000 };

static const struct sim_shared *shared;
static struct sim_script script;
static struct sim_outcome outcome;

/* A server that can do little: plain creates, versions, searches. */
static void begin(void) {
    memset(&script, 0, sizeof script);
    script.config =
        (struct sim_config) { .seed = 1,
                              .ehrs = 1,
                              .targets_at_first = 1,
                              .labels = true,
                              .settle_ms =
                                  90000, /* longer than a time-out and what comes after it */
                              .late_most_ms = 12000,
                              .jobs = 1,
                              .complete = INTAKE_EXPORT };
    for (size_t i = 0; i < SIM_EHRS; i++)
        script.config.knobs[i] = (struct ehr_knobs) { .versions = true,
                                                      .searches_by_identifier = true,
                                                      .decorates = true,
                                                      .sets = true,
                                                      .index_lag_ms = 2000,
                                                      .conflict_status = 412,
                                                      .gone_status = 410,
                                                      .unknown_status = 404 };
}

static void at(int64_t ms, enum sim_kind kind, int a, int b, int c, int d) {
    ck_assert_uint_lt(script.count, SIM_EVENTS);
    script.events[script.count++] = (struct sim_event) { ms, kind, a, b, c, d };
}

static void poll(int64_t ms) {
    at(ms, SIM_POLL, 0, CLINIC_POLL_WHOLE, 0, 0);
}

/* All items of the first record are there from the start. */
static void fill_first(void) {
    for (int i = 0; i < CLINIC_ITEMS; i++)
        at(10, SIM_CORRECT, FIRST, i, 0, 0);
    for (int i = 0; i < CLINIC_ITEMS; i++)
        at(11, SIM_EXTRA, FIRST, i, 0, 0);
}

static void run(void (*look)(struct sim_run *, void *)) {
    FILE *trace = getenv("SIM_TRACE") != NULL ? stderr : NULL;
    sim_run(&script, shared, trace, look, NULL, &outcome);
    ck_assert_msg(outcome.broken[0] == '\0', "%s: %s", outcome.broken, outcome.how);
}

static void state_is(struct sim_run *r, size_t target, size_t record, size_t patient,
                     enum clinic_item_kind item, enum store_step step, const char *code) {
    enum store_step its = STORE_WAITING;
    char its_code[32] = "";
    ck_assert_msg(sim_state_of(r, target, record, patient, item, &its, its_code), "no state");
    ck_assert_msg(its == step && strcmp(its_code, code) == 0, "%s is %s %s",
                  clinic_item_names[item], store_step_name(its), its_code);
}

static void all_in_step(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_uint_gt(sim_count_states(r, 0, STORE_IN_STEP, NULL), 8);
    ck_assert_uint_eq(sim_count_states(r, 0, STORE_HELD, NULL), 0);
    for (int i = 0; i < CLINIC_ITEMS; i++)
        if (i != CLINIC_CONDITION && i != CLINIC_CONSENT)
            ck_assert_uint_eq(sim_number_at(r, 0, FIRST, ADA, (enum clinic_item_kind)i, false),
                              sim_number_now(r, FIRST, (enum clinic_item_kind)i));
}

/* ---- the histories that the laws were made for ---- */

static void only_what_was_lost_is_there(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, FIRST, ADA, CLINIC_PLAN, STORE_HELD, "consent");
    ck_assert_uint_ne(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, false),
                      sim_number_now(r, FIRST, CLINIC_PLAN));
}

START_TEST(a_create_lost_then_corrected_then_revoked_over_a_restart) {
    begin();
    fill_first();
    at(50, SIM_FAULT, 0, SIM_LOST_AFTER, 30, SIM_WRITES);
    poll(100);
    at(3000, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    at(3000, SIM_REVOKE, FIRST, -1, 0, 0);
    poll(3100);
    at(3200, SIM_KILL, 5, 0, 0, 0);
    run(only_what_was_lost_is_there);
}
END_TEST

START_TEST(delivered_then_broken_then_restored) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_BREAK, FIRST, 0, 0, 0);
    poll(MINUTE_MS + 100);
    at(2 * MINUTE_MS, SIM_BREAK, FIRST, 0, 0, 0);
    poll(2 * MINUTE_MS + 100);
    run(all_in_step);
}
END_TEST

static void goal_is_withdrawn(struct sim_run *r, void *user) {
    (void)user;
    const struct ehr_resource *goal = sim_item_at(r, 0, FIRST, ADA, CLINIC_GOAL);
    state_is(r, 0, FIRST, ADA, CLINIC_GOAL, STORE_IN_STEP, "");
    ck_assert_ptr_nonnull(goal);
    ck_assert_ptr_nonnull(strstr(goal->body, "\"lifecycleStatus\":\"cancelled\""));
}

START_TEST(withdrawn_while_unknown) {
    begin();
    script.config.knobs[0].bundles = EHR_TRANSACTION;
    fill_first();
    at(50, SIM_FAULT, 0, SIM_LOST_AFTER, 30, SIM_WRITES);
    poll(100);
    at(2000, SIM_REMOVE, FIRST, CLINIC_GOAL, 0, 0);
    poll(2100);
    run(goal_is_withdrawn);
}
END_TEST

static void twins_condition_is_back(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_uint_eq(sim_number_at(r, 0, FIRST, ADA, CLINIC_CONDITION, false),
                      sim_number_now(r, TWIN, CLINIC_CONDITION));
}

START_TEST(a_shared_condition_whose_decider_is_deleted) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_REMOVE, FIRST, CLINIC_CONDITION, 0, 0);
    poll(MINUTE_MS + 100);
    run(twins_condition_is_back);
}
END_TEST

static void one_is_gone(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_uint_eq(sim_count_states(r, 0, STORE_HELD, "gone"), 1);
}

static void first_still_decides(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, FIRST, ADA, CLINIC_CONDITION, STORE_IN_STEP, "");
    ck_assert_uint_eq(sim_number_at(r, 0, FIRST, ADA, CLINIC_CONDITION, false),
                      sim_number_now(r, FIRST, CLINIC_CONDITION));
}

/* The twin's own date becomes that of the first record, but its condition isn't read with it. */
START_TEST(what_is_not_mapped_keeps_its_own_date) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_PART, TWIN, CLINIC_CONDITION, 0, 0);
    at(MINUTE_MS, SIM_DATED, TWIN, 3, 0, 0);
    poll(MINUTE_MS + 100);
    run(first_still_decides);
}
END_TEST

START_TEST(deleted_at_the_ehr_and_changed_at_the_clinic) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_DELETE, 0, 0, 0, 0);
    for (int record = FIRST; record <= TWIN; record++)
        for (int item = 0; item < CLINIC_ITEMS; item++)
            at(2 * MINUTE_MS, SIM_CORRECT, record, item, 0, 0);
    poll(2 * MINUTE_MS + 100);
    run(one_is_gone);
    ck_assert_uint_eq(outcome.deletes, 1);
}
END_TEST

static void store_is_older(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, FIRST, ADA, CLINIC_PLAN, STORE_HELD, "store-older");
    state_is(r, 0, FIRST, ADA, CLINIC_GOAL, STORE_IN_STEP, "");
}

START_TEST(a_store_that_is_one_day_old) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_BACKUP, 0, 0, 0, 0);
    at(2 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    at(2 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_GOAL, 0, 0);
    poll(2 * MINUTE_MS + 100);
    at(24 * HOUR_MS, SIM_RESTORE, 0, 0, 0, 0);
    at(24 * HOUR_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(24 * HOUR_MS + 5000);
    run(store_is_older);
}
END_TEST

/* At rest the law looks whether what is in step is what the clinic says. */
START_TEST(what_was_held_meanwhile_is_looked_at_after_an_older_store) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_BACKUP, 0, 0, 0, 0);
    at(2 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(2 * MINUTE_MS + 100);
    at(3 * MINUTE_MS, SIM_LEAVE, FIRST, 0, 0, 0);
    at(3 * MINUTE_MS, SIM_BACK, FIRST, 0, 0, 0);
    at(3 * MINUTE_MS, SIM_RESTORE, 0, 0, 0, 0);
    poll(3 * MINUTE_MS + 2001); /* the record is held before anything was looked at */
    at(4 * MINUTE_MS, SIM_LEAVE, FIRST, 0, 0, 0);
    poll(4 * MINUTE_MS + 100);
    run(NULL);
    ck_assert_uint_eq(outcome.restores, 1);
}
END_TEST

static void first_is_as_the_clinic_says(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_uint_eq(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, false),
                      sim_number_now(r, FIRST, CLINIC_PLAN));
}

START_TEST(an_older_store_under_the_policy_ours_has_the_last_word) {
    begin();
    script.config.conflict = DELIVERY_OURS;
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_BACKUP, 0, 0, 0, 0);
    at(2 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(2 * MINUTE_MS + 100);
    at(3 * MINUTE_MS, SIM_BACK, FIRST, 0, 0, 0);
    at(3 * MINUTE_MS, SIM_RESTORE, 0, 0, 0, 0);
    poll(3 * MINUTE_MS + 5000);
    run(first_is_as_the_clinic_says);
}
END_TEST

START_TEST(an_older_store_written_by_a_clock_that_was_ahead_is_looked_at) {
    begin();
    fill_first();
    at(20, SIM_CLOCK, 365 * 24 * 60, 0, 0, 0);
    poll(100);
    at(MINUTE_MS, SIM_BACKUP, 0, 0, 0, 0);
    at(MINUTE_MS, SIM_CLOCK, -365 * 24 * 60, 0, 0, 0);
    at(2 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(2 * MINUTE_MS + 100);
    at(3 * MINUTE_MS, SIM_BACK, FIRST, 0, 0, 0);
    at(3 * MINUTE_MS, SIM_RESTORE, 0, 0, 0, 0);
    poll(3 * MINUTE_MS + 5000);
    run(NULL);
    ck_assert_uint_eq(outcome.restores, 1);
}
END_TEST

static void stays_with_ada(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_ptr_nonnull(sim_item_at(r, 0, FIRST, ADA, CLINIC_PLAN));
    ck_assert_ptr_null(sim_item_at(r, 0, FIRST, BEN, CLINIC_PLAN));
}

START_TEST(a_patient_moved_while_a_create_is_unknown) {
    begin();
    script.config.knobs[0].bundles = EHR_TRANSACTION;
    fill_first();
    at(50, SIM_FAULT, 0, SIM_LOST_AFTER, 30, SIM_WRITES);
    poll(100);
    at(2000, SIM_PATIENT, FIRST, BEN, 0, 0);
    poll(2100);
    run(stays_with_ada);
}
END_TEST

static void first_goes_on(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, FIRST, ADA, CLINIC_PLAN, STORE_IN_STEP, "");
    ck_assert_uint_eq(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, false),
                      sim_number_now(r, FIRST, CLINIC_PLAN));
}

/* The clinic renumbers Ada, and a person says of both records that she is the same. */
START_TEST(one_who_was_renumbered_goes_on_as_the_same) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_RENUMBER, ADA, 0, 0, 0);
    at(MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(MINUTE_MS + 100);
    at(2 * MINUTE_MS, SIM_RETRY, 0, 0, SIM_SAYS_SAME, 0);
    for (int i = 1; i < 4; i++)
        poll(2 * MINUTE_MS + i * 1000);
    run(first_goes_on);
    ck_assert_uint_eq(outcome.races, 1);
}
END_TEST

static void ada_is_held(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, TWIN, ADA, CLINIC_PLAN, STORE_HELD, "patient-mismatch");
}

/* Ada's records name Cleo's identifier; then the first one names Cleo altogether. */
START_TEST(a_record_that_went_to_another_patient_lends_its_old_identifier_to_nobody) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_MRN, ADA, CLEO, 0, 0);
    at(MINUTE_MS, SIM_CORRECT, TWIN, CLINIC_PLAN, 0, 0);
    at(MINUTE_MS + 50, SIM_PATIENT, FIRST, CLEO, 0, 0);
    if (_i > 0)
        at(MINUTE_MS + 60, SIM_POLL, 0, CLINIC_POLL_WHOLE, 0, 0);
    if (_i > 0)
        at(MINUTE_MS + 80, SIM_BREAK, FIRST, 0, 0, 0); /* and can't be read any more */
    poll(MINUTE_MS + 100);
    run(ada_is_held);
}
END_TEST

START_TEST(a_cursor_source_whose_corrected_row_comes_in_another_file) {
    begin();
    script.config.complete = INTAKE_NONE;
    script.config.by_file = true;
    fill_first();
    at(50, SIM_BREAK, FIRST, 0, 0, 0);
    poll(100);
    at(MINUTE_MS, SIM_BREAK, FIRST, 0, 0, 0);
    at(MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(MINUTE_MS + 100);
    run(all_in_step);
}
END_TEST

/* Edits one element of each of the EHR's resources: which is which depends on latencies. */
static void edit_all(int64_t ms, int element) {
    for (int i = 0; i < 24; i++)
        at(ms, SIM_EDIT, 0, i, element, 0);
}

static void edits_and_ours_are_there(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_uint_ge(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, true), CLINIC_EDITOR);
    ck_assert_uint_eq(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, false),
                      sim_number_now(r, FIRST, CLINIC_PLAN));
    state_is(r, 0, FIRST, ADA, CLINIC_PLAN, STORE_IN_STEP, "");
}

START_TEST(an_edit_after_a_merge) {
    begin();
    fill_first();
    poll(100);
    edit_all(MINUTE_MS, 1);
    at(2 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(2 * MINUTE_MS + 100);
    edit_all(3 * MINUTE_MS, 1);
    edit_all(3 * MINUTE_MS, 2);
    at(4 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(4 * MINUTE_MS + 100);
    run(edits_and_ours_are_there);
}
END_TEST

static void edit_stands_and_is_held(struct sim_run *r, void *user) {
    (void)user;
    ck_assert_uint_ge(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, false), CLINIC_EDITOR);
    state_is(r, 0, FIRST, ADA, CLINIC_PLAN, STORE_HELD, "conflict");
}

START_TEST(unknown_then_edited) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    at(MINUTE_MS, SIM_FAULT, 0, SIM_LOST_AFTER, 1, SIM_WRITES);
    at(MINUTE_MS, SIM_FAULT, 0, SIM_LOST_BEFORE, 6, SIM_READS);
    poll(MINUTE_MS + 100);
    edit_all(MINUTE_MS + 3000, 0);
    at(3 * MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(3 * MINUTE_MS + 100);
    run(edit_stands_and_is_held);
}
END_TEST

static void nothing_is_withdrawn(struct sim_run *r, void *user) {
    all_in_step(r, user);
    ck_assert_uint_eq(outcome.withdrawals, 0);
}

START_TEST(a_complete_export_with_one_unreadable_id) {
    begin();
    fill_first();
    poll(100);
    for (int i = 1; i <= 6; i++)
        at(i * MINUTE_MS, SIM_POLL, 0, CLINIC_POLL_UNREADABLE, 0, 0);
    run(nothing_is_withdrawn);
}
END_TEST

START_TEST(an_empty_and_a_truncated_complete_export) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_POLL, 0, CLINIC_POLL_EMPTY, 0, 0);
    at(2 * MINUTE_MS, SIM_POLL, 0, CLINIC_POLL_TRUNCATED, 0, 0);
    run(nothing_is_withdrawn);
}
END_TEST

static void all_of_ada_is_refused(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, FIRST, ADA, CLINIC_PLAN, STORE_HELD, "consent");
    ck_assert_uint_ne(sim_number_at(r, 0, FIRST, ADA, CLINIC_PLAN, false),
                      sim_number_now(r, FIRST, CLINIC_PLAN));
    state_is(r, 0, SECOND, BEN, CLINIC_PLAN, STORE_IN_STEP, "");
}

START_TEST(a_revocation_in_a_second_record) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_REVOKE, TWIN, -1, 0, 0);
    at(MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    at(MINUTE_MS, SIM_CORRECT, SECOND, CLINIC_PLAN, 0, 0);
    poll(MINUTE_MS + 100);
    run(all_of_ada_is_refused);
}
END_TEST

START_TEST(an_ehr_that_was_reset_and_hands_out_the_same_ids) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_RESET, 0, 1, 0, 0);
    for (int item = 0; item < CLINIC_ITEMS; item++)
        at(2 * MINUTE_MS, SIM_CORRECT, FIRST, item, 0, 0);
    poll(2 * MINUTE_MS + 100);
    run(NULL); /* nothing of a stranger is overwritten: that is a law */
    ck_assert_uint_eq(outcome.resets, 1);
}
END_TEST

/* Some of the moments are between the read and its update, whose version the new ones have too. */
START_TEST(an_ehr_that_is_reset_between_a_read_and_its_update) {
    for (int64_t after_ms = 0; after_ms < 300; after_ms += 2) {
        begin();
        script.config.seed = 1 + (uint64_t)after_ms; /* which ids are met depends on latencies */
        fill_first();
        poll(100);
        for (int record = FIRST; record <= TWIN; record++)
            for (int item = 0; item < CLINIC_ITEMS; item++)
                at(MINUTE_MS, SIM_CORRECT, record, item, 0, 0);
        poll(MINUTE_MS + 100);
        at(MINUTE_MS + 100 + after_ms, SIM_RESET, 0, 1, 0, 0);
        run(NULL);
    }
}
END_TEST

static void goal_is_in_step(struct sim_run *r, void *user) {
    (void)user;
    state_is(r, 0, FIRST, ADA, CLINIC_GOAL, STORE_IN_STEP, "");
}

/* The EHR merged Ada's chart into another; the goal was never true. */
START_TEST(what_is_withdrawn_stays_in_the_chart_of_which_a_person_says_same) {
    begin();
    script.config.removed_is_error = true;
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_MERGE, 0, ADA, 0, 0);
    at(MINUTE_MS, SIM_REMOVE, FIRST, CLINIC_GOAL, 0, 0);
    poll(MINUTE_MS + 100);
    at(2 * MINUTE_MS, SIM_RETRY, 0, 0, SIM_SAYS_SAME, 0);
    poll(2 * MINUTE_MS + 100);
    run(goal_is_in_step);
    ck_assert_uint_eq(outcome.races, 1);
    ck_assert_uint_eq(outcome.withdrawals, 1);
}
END_TEST

static void both_targets_have_all(struct sim_run *r, void *user) {
    all_in_step(r, user);
    ck_assert_uint_eq(sim_ours_at(r, 1), sim_ours_at(r, 0));
}

START_TEST(a_target_that_is_added) {
    begin();
    script.config.ehrs = 2;
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_TARGET, 0, 0, 0, 0);
    run(both_targets_have_all);
}
END_TEST

/* ---- what else must not be possible any more ---- */

START_TEST(a_change_taken_back_while_it_waits_is_taken_back) {
    begin();
    fill_first();
    poll(100);
    at(MINUTE_MS, SIM_WEATHER, 0, EHR_BUSY_SECONDS, 300, 200);
    at(MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(MINUTE_MS + 100);
    at(2 * MINUTE_MS, SIM_BACK, FIRST, 0, 0, 0);
    poll(2 * MINUTE_MS + 100);
    run(all_in_step);
}
END_TEST

/* A plain server, an index that lags, and commits after our time-out. */
static const int64_t lags[] = { 0, 2000, 10000 };
START_TEST(lost_late_and_cut_creates_make_no_double) {
    static const int faults[] = { SIM_LOST_AFTER, SIM_LATE, SIM_CUT, SIM_HALF };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        begin();
        script.config.knobs[0].index_lag_ms = lags[_i];
        script.config.knobs[0].reuses_searches = true;
        script.config.calm = true;
        fill_first();
        at(50, SIM_FAULT, 0, faults[i], 6, SIM_WRITES);
        poll(100);
        at(4000, SIM_KILL, 3, 0, 0, 0);
        run(all_in_step);
        ck_assert_uint_ge(outcome.faults[faults[i]], 6);
    }
}
END_TEST

START_TEST(one_bad_patient_delays_nobody_else) {
    begin();
    fill_first();
    at(50, SIM_BAD, 0, BEN, _i, 48 * 3600);
    poll(100);
    at(HOUR_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
    poll(HOUR_MS + 100);
    run(all_in_step);
}
END_TEST

static const int skies[] = { EHR_FORBIDDEN, EHR_SIGN_IN,     EHR_OUTCOME,  EHR_OTHER_RESOURCE,
                             EHR_FAILS,     EHR_FAILS_AFTER, EHR_BUSY_DATE };
START_TEST(an_ehr_that_answers_nonsense_for_ten_minutes_is_in_step_afterwards) {
    begin();
    fill_first();
    at(50, SIM_WEATHER, 0, skies[_i], 600, 60);
    poll(100);
    at(5 * MINUTE_MS, SIM_CLOCK, _i % 2 == 0 ? -60 : 60, 0, 0, 0);
    run(all_in_step);
}
END_TEST

/* Some of the moments are between a read and its write. */
START_TEST(an_error_in_a_200_that_says_nothing_of_the_content_holds_nothing) {
    for (int64_t after_ms = 0; after_ms < 200; after_ms += 4) {
        begin();
        script.config.calm = true;
        fill_first();
        poll(100);
        at(MINUTE_MS, SIM_CORRECT, FIRST, CLINIC_PLAN, 0, 0);
        poll(MINUTE_MS + 100);
        at(MINUTE_MS + 100 + after_ms, SIM_WEATHER, 0, EHR_OUTCOME, 300, 0);
        run(all_in_step);
    }
}
END_TEST

START_TEST(a_refusal_that_is_cut_before_it_says_why_holds_nothing) {
    uint64_t cut = 0;
    for (int64_t after_ms = 0; after_ms < 200; after_ms += 4) {
        begin();
        script.config.calm = true;
        script.config.knobs[0].client_ids = true;
        script.config.knobs[0].unknown_status = 400;
        fill_first();
        poll(100);
        at(100 + after_ms, SIM_FAULT, 0, SIM_CUT, 3, SIM_READS);
        run(all_in_step);
        cut += outcome.faults[SIM_CUT];
    }
    ck_assert_uint_gt(cut, 50);
}
END_TEST

/* Ten hours in which three lanes are looked for in vain: a few times an hour in the end. */
START_TEST(what_stays_unknown_is_asked_for_less_and_less) {
    begin();
    fill_first();
    poll(100);
    at(100, SIM_FAULT, 0, SIM_LOST_AFTER, 3, SIM_WRITES);
    at(35000, SIM_FAULT, 0, SIM_LOST_BEFORE, 1000, SIM_READS);
    at(10 * HOUR_MS, SIM_CORRECT, SECOND, CLINIC_PLAN, 0, 0);
    run(all_in_step);
    ck_assert_uint_lt(outcome.requests, 300);
}
END_TEST

START_TEST(a_kill_at_every_step_loses_and_doubles_nothing) {
    for (int n = 1; n < 120; n++) {
        begin();
        script.config.calm = true;
        fill_first();
        at(20, SIM_KILL, n, 0, 0, 0);
        poll(100);
        poll(3000);
        run(all_in_step);
    }
}
END_TEST

static void add_named(TCase *c) {
    tcase_add_test(c, a_create_lost_then_corrected_then_revoked_over_a_restart);
    tcase_add_test(c, delivered_then_broken_then_restored);
    tcase_add_test(c, withdrawn_while_unknown);
    tcase_add_test(c, a_shared_condition_whose_decider_is_deleted);
    tcase_add_test(c, what_is_not_mapped_keeps_its_own_date);
    tcase_add_test(c, deleted_at_the_ehr_and_changed_at_the_clinic);
    tcase_add_test(c, a_store_that_is_one_day_old);
    tcase_add_test(c, what_was_held_meanwhile_is_looked_at_after_an_older_store);
    tcase_add_test(c, an_older_store_written_by_a_clock_that_was_ahead_is_looked_at);
    tcase_add_test(c, an_older_store_under_the_policy_ours_has_the_last_word);
    tcase_add_test(c, a_patient_moved_while_a_create_is_unknown);
    tcase_add_test(c, one_who_was_renumbered_goes_on_as_the_same);
    tcase_add_loop_test(c, a_record_that_went_to_another_patient_lends_its_old_identifier_to_nobody,
                        0, 2);
    tcase_add_test(c, a_cursor_source_whose_corrected_row_comes_in_another_file);
    tcase_add_test(c, an_edit_after_a_merge);
    tcase_add_test(c, unknown_then_edited);
    tcase_add_test(c, a_complete_export_with_one_unreadable_id);
    tcase_add_test(c, an_empty_and_a_truncated_complete_export);
    tcase_add_test(c, a_revocation_in_a_second_record);
    tcase_add_test(c, an_ehr_that_was_reset_and_hands_out_the_same_ids);
    tcase_add_test(c, an_ehr_that_is_reset_between_a_read_and_its_update);
    tcase_add_test(c, what_is_withdrawn_stays_in_the_chart_of_which_a_person_says_same);
    tcase_add_test(c, a_target_that_is_added);
}

int main(void) {
    const char *source = getenv("top_srcdir");
    r4_setup();
    struct sim_shared *loaded = sim_shared_load(source != NULL ? source : ".");
    if (loaded == NULL)
        return EXIT_FAILURE;
    shared = loaded;
    Suite *suite = suite_create("histories");
    TCase *c = tcase_create("histories");
    tcase_set_timeout(c, 60);
    add_named(c);
    tcase_add_test(c, a_change_taken_back_while_it_waits_is_taken_back);
    tcase_add_loop_test(c, lost_late_and_cut_creates_make_no_double, 0, 3);
    tcase_add_loop_test(c, one_bad_patient_delays_nobody_else, EHR_BAD_HANGS, EHR_BAD_FAILS + 1);
    tcase_add_loop_test(c, an_ehr_that_answers_nonsense_for_ten_minutes_is_in_step_afterwards, 0,
                        sizeof skies / sizeof *skies);
    tcase_add_test(c, an_error_in_a_200_that_says_nothing_of_the_content_holds_nothing);
    tcase_add_test(c, a_refusal_that_is_cut_before_it_says_why_holds_nothing);
    tcase_add_test(c, what_stays_unknown_is_asked_for_less_and_less);
    tcase_add_test(c, a_kill_at_every_step_loses_and_doubles_nothing);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    sim_shared_free(loaded);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
