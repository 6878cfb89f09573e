/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of each verb of outbox, and of each refusal, over the store in memory. */
#include "core/command/outbox.h"

#include "core/command/exit.h"
#include "core/tree/tree.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)
#define NOW 1700000000000LL

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;
static struct arena arena;
static struct outbox o;
static uint32_t hospital;
static uint64_t patient;
static struct store_record record;
static struct store_said said;
static const struct survey_route routes[] = { { "nightly", "hospital" } };

static void begin(void) {
    OK(store->calls->begin(store, &error));
}

static void commit(void) {
    OK(store->calls->commit(store, &error));
}

static void put_record(enum store_record_state state, const char *code) {
    record.state = state;
    record.code = code;
    begin();
    OK(store->calls->record_put(store, &record, &error));
    commit();
}

static void put_said(enum store_wanted wanted, const char *code) {
    said.wanted = wanted;
    said.code = code;
    begin();
    OK(store->calls->said_put(store, &said, &error));
    commit();
}

/* The state of the one resource. there: the target has it. */
static void put_state(enum store_step step, const char *code, bool there) {
    struct store_state state = { .target = hospital,
                                 .patient = patient,
                                 .ordinal = said.ordinal,
                                 .step = step,
                                 .code = code,
                                 .detail = "",
                                 .decision = "",
                                 .since_ms = NOW - 1000,
                                 .tries = 3,
                                 .sent = there,
                                 .attempt_version = "",
                                 .attempt_chart = "",
                                 .server_id = there ? "17" : "",
                                 .version = "",
                                 .chart = there ? "c1" : "" };
    memcpy(state.attempt_hash, said.hash, STORE_HASH);
    if (there)
        memcpy(state.sent_hash, said.hash, STORE_HASH);
    begin();
    OK(store->calls->state_put(store, &state, &error));
    commit();
}

static void set_up(void) {
    const struct store_bytes body = { "{\"resourceType\":\"Goal\",\"id\":\"x\"}", 32 };
    uint32_t sequence;
    error = (struct iptfhir_error)ERROR_INIT;
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
    begin();
    OK(store->calls->target_no(store, "hospital", true, &hospital, &error));
    OK(store->calls->patient_add(store, "north", "P-1", &patient, &error));
    record = (struct store_record) { .patient = patient,
                                     .job = "nightly",
                                     .id = "R-1",
                                     .unit = "f.ndjson",
                                     .code = "",
                                     .detail = "",
                                     .decision = "",
                                     .poll = NOW,
                                     .facts = { "{}", 2 } };
    memset(record.content, 7, STORE_HASH);
    OK(store->calls->record_put(store, &record, &error));
    OK(store->calls->bodies_put(store, patient, &body, 1, &sequence, &error));
    said = (struct store_said) { .patient = patient,
                                 .record = record.no,
                                 .type = "Goal",
                                 .system = "s",
                                 .value = "v-1",
                                 .data_class = "plan",
                                 .body = { sequence, 0 },
                                 .code = "",
                                 .detail = "" };
    memset(said.uuid, 'a', STORE_UUID);
    memset(said.hash, 'a', STORE_HASH);
    OK(store->calls->said_put(store, &said, &error));
    commit();
    o = (struct outbox) { .store = store, .routes = routes, .route_count = 1, .now_ms = NOW };
}

static void tear_down(void) {
    str_free(&o.out);
    str_free(&o.err);
    arena_free(&arena);
    store->calls->close(store);
    store_medium_free(medium);
}

/* Carries a verb out; the codes of tests say what must come back. */
static int act(enum outbox_verb verb, const char *word, struct outbox_filter filter) {
    str_clear(&o.out);
    str_clear(&o.err);
    int code = outbox_act(&o, verb, word, &filter, &error);
    ck_assert_msg(!error_is_set(&error), "%s [%s]", error.text, error.code);
    return code;
}

static int one(enum outbox_verb verb, const char *word, const char *id) {
    return act(verb, word, (struct outbox_filter) { .id = id });
}

/* The item's id. */
static const char *item(void) {
    static char id[64];
    snprintf(id, sizeof id, "%llu-%u@hospital", (unsigned long long)patient,
             (unsigned)said.ordinal);
    return id;
}

static const char *record_item(void) {
    static char id[32];
    snprintf(id, sizeof id, "r%llu", (unsigned long long)record.no);
    return id;
}

static struct store_state state_now(void) {
    struct store_state *list;
    size_t count;
    OK(store->calls->states_of(store, hospital, patient, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 1);
    return list[0];
}

static struct store_said said_now(void) {
    struct store_said *list;
    size_t count;
    OK(store->calls->said_of(store, patient, &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 1);
    return list[0];
}

static struct store_record record_now(void) {
    struct store_record now;
    bool found;
    OK(store->calls->record_get(store, record.no, &arena, &now, &found, &error));
    ck_assert(found);
    return now;
}

static bool has_lane(void) {
    uint64_t patients[4];
    size_t count = 0;
    int64_t next;
    OK(store->calls->lanes_due(store, hospital, 0, INT64_MAX, 4, patients, &count, &next, &error));
    return count == 1 && patients[0] == patient;
}

static bool is_zero(const unsigned char hash[STORE_HASH]) {
    static const unsigned char zero[STORE_HASH];
    return memcmp(hash, zero, STORE_HASH) == 0;
}

static bool has_fact(const char *name) {
    struct store_bytes value;
    OK(store->calls->fact_get(store, name, &arena, &value, &error));
    return value.data != NULL;
}

static void fact(const char *name, const char *value) {
    begin();
    OK(store->calls->fact_set(store, name, (struct store_bytes) { value, strlen(value) }, &error));
    commit();
}

static void refused(int code, const char *why) {
    ck_assert_int_eq(code, EXIT_WRONG_USE);
    ck_assert_ptr_nonnull(o.err.data);
    ck_assert_msg(strstr(o.err.data, why) != NULL, "no '%s' in: %s", why, o.err.data);
}

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

static struct tree *listed(struct outbox_filter filter) {
    str_clear(&o.out);
    o.json = true;
    ck_assert_int_eq(outbox_list(&o, &filter, &error), EXIT_SETTLED);
    struct tree *list = json_read_copy(&arena, o.out.data, o.out.length, NULL, &error);
    ck_assert_msg(list != NULL, "%s", o.out.data);
    return list;
}

START_TEST(what_is_held_is_listed_with_its_code_and_filters_leave_it_out) {
    put_state(STORE_HELD, "consent", false);
    ck_assert_ptr_nonnull(strstr((listed((struct outbox_filter) { 0 }), o.out.data), item()));
    ck_assert_ptr_nonnull(strstr(o.out.data, "\"state\": \"held\", \"code\": \"consent\""));
    listed((struct outbox_filter) { .code = "gone" });
    ck_assert_ptr_null(strstr(o.out.data, item()));
    listed((struct outbox_filter) { .job = "weekly" });
    ck_assert_ptr_null(strstr(o.out.data, item()));
    listed((struct outbox_filter) { .target = "registry" });
    ck_assert_ptr_null(strstr(o.out.data, item()));
    listed((struct outbox_filter) { .state = "waiting" });
    ck_assert_ptr_null(strstr(o.out.data, item()));
    listed((struct outbox_filter) { .state = "held", .code = "consent", .job = "nightly" });
    ck_assert_ptr_nonnull(strstr(o.out.data, item()));
}
END_TEST

START_TEST(what_is_in_step_is_listed_only_when_asked_for) {
    put_state(STORE_IN_STEP, "", true);
    listed((struct outbox_filter) { 0 });
    ck_assert_ptr_null(strstr(o.out.data, item()));
    listed((struct outbox_filter) { .state = "in-step" });
    ck_assert_ptr_nonnull(strstr(o.out.data, item()));
}
END_TEST

START_TEST(records_and_rows_that_are_held_are_listed) {
    const struct store_hold row = { .key = { "nightly", "f.csv", "", "7", "bad-date" },
                                    .detail = "d",
                                    .since_ms = NOW };
    put_record(STORE_RECORD_GONE, "record-gone");
    begin();
    OK(store->calls->hold_put(store, &row, &error));
    commit();
    listed((struct outbox_filter) { 0 });
    ck_assert_ptr_nonnull(strstr(o.out.data, record_item()));
    ck_assert_ptr_nonnull(strstr(o.out.data, "f.csv:7"));
}
END_TEST

START_TEST(an_item_is_shown_with_its_body_and_its_way_on) {
    put_state(STORE_HELD, "conflict", true);
    ck_assert_int_eq(outbox_show(&o, item(), &error), EXIT_SETTLED);
    ck_assert_ptr_nonnull(strstr(o.out.data, "resourceType"));
    ck_assert_ptr_nonnull(strstr(o.out.data, "outbox resolve ID ours"));
    str_clear(&o.out);
    o.json = true;
    ck_assert_int_eq(outbox_show(&o, item(), &error), EXIT_SETTLED);
    ck_assert_ptr_nonnull(json_read_copy(&arena, o.out.data, o.out.length, NULL, &error));
}
END_TEST

START_TEST(an_id_that_is_none_or_names_nothing_is_refused) {
    refused(outbox_show(&o, "nonsense", &error), "no item's id");
    str_clear(&o.err);
    refused(outbox_show(&o, "99-1@hospital", &error), "there is no item");
    str_clear(&o.err);
    refused(outbox_show(&o, "r99", &error), "there is no item");
    str_clear(&o.err);
    refused(outbox_show(&o, "h99", &error), "there is no item");
    refused(one(OUTBOX_RETRY, NULL, "1-1@elsewhere"), "no item's id");
    refused(one(OUTBOX_RETRY, NULL, "99-1@hospital"), "no such item");
    refused(one(OUTBOX_RETRY, NULL, "r99"), "no such record");
    refused(one(OUTBOX_RETRY, NULL, "h99"), "no such hold");
}
END_TEST

START_TEST(nothing_happens_without_saying_what) {
    refused(act(OUTBOX_RETRY, NULL, (struct outbox_filter) { 0 }), "say what");
    refused(act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .target = "nowhere" }), "no job");
    refused(one(OUTBOX_RESOLVE, NULL, item()), "say what is decided");
    refused(one(OUTBOX_RESOLVE, "perhaps", item()), "say what is decided");
}
END_TEST

/* ---- retry ---- */

START_TEST(a_retry_makes_it_due_and_forgets_what_was_tried) {
    put_state(STORE_HELD, "server-error", true);
    ck_assert_int_eq(one(OUTBOX_RETRY, NULL, item()), EXIT_SETTLED);
    struct store_state now = state_now();
    ck_assert(now.step == STORE_WAITING && now.tries == 0 && is_zero(now.attempt_hash));
    ck_assert_str_eq(now.code, "");
    ck_assert_str_eq(now.server_id, "17");
    ck_assert(has_lane());
}
END_TEST

START_TEST(a_retry_leaves_an_open_attempt_alone) {
    put_state(STORE_UNKNOWN, "unknown", false);
    struct store_state before = state_now();
    before.attempt = STORE_CREATE;
    begin();
    OK(store->calls->state_put(store, &before, &error));
    commit();
    ck_assert_int_eq(one(OUTBOX_RETRY, NULL, item()), EXIT_SETTLED);
    struct store_state now = state_now();
    ck_assert(now.attempt == STORE_CREATE && now.step == STORE_UNKNOWN);
    ck_assert_mem_eq(now.attempt_hash, before.attempt_hash, STORE_HASH);
    ck_assert(has_lane());
}
END_TEST

START_TEST(a_retry_by_code_takes_all_of_it_and_nothing_else) {
    put_state(STORE_HELD, "server-error", true);
    act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .code = "consent" });
    ck_assert(state_now().step == STORE_HELD);
    ck_assert_int_eq(act(OUTBOX_RETRY, NULL, (struct outbox_filter) { .code = "server-error" }),
                     EXIT_SETTLED);
    ck_assert(state_now().step == STORE_WAITING);
}
END_TEST

START_TEST(a_retry_refuses_what_it_cannot_move) {
    put_state(STORE_IN_STEP, "", true);
    refused(one(OUTBOX_RETRY, NULL, item()), "in step");
    put_state(STORE_DECIDED, "leave", true);
    refused(one(OUTBOX_RETRY, NULL, item()), "restore");
    put_state(STORE_HELD, "mass-withdrawal", true);
    refused(one(OUTBOX_RETRY, NULL, item()), "withdraw");
    put_record(STORE_RECORD_GONE, "record-gone");
    put_state(STORE_HELD, "record-gone", true);
    refused(one(OUTBOX_RETRY, NULL, item()), record_item());
    refused(one(OUTBOX_RETRY, NULL, record_item()), "error");
    put_record(STORE_RECORD_LIVE, "");
    refused(one(OUTBOX_RETRY, NULL, record_item()), "not held");
}
END_TEST

START_TEST(a_retry_of_a_record_has_it_read_again) {
    put_record(STORE_RECORD_HELD, "duplicate-record");
    ck_assert_int_eq(one(OUTBOX_RETRY, NULL, record_item()), EXIT_SETTLED);
    ck_assert(is_zero(record_now().content));
    ck_assert(has_fact("reread nightly"));
}
END_TEST

START_TEST(a_retry_of_a_target_ends_its_pause_but_not_a_reset) {
    fact("pause hospital", "1700000060000 1700000000000 target-forbidden");
    const struct outbox_filter there = { .target = "hospital" };
    ck_assert_int_eq(act(OUTBOX_RETRY, NULL, there), EXIT_SETTLED);
    ck_assert(!has_fact("pause hospital"));
    fact("pause hospital", "1700000060000 1700000000000 target-reset");
    refused(act(OUTBOX_RETRY, NULL, there), "resolve again");
    ck_assert(has_fact("pause hospital"));
}
END_TEST

/* ---- resolve ---- */

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
        put_state(STORE_HELD, pairs[i][0], true);
        ck_assert_int_eq(one(OUTBOX_RESOLVE, pairs[i][1], item()), EXIT_SETTLED);
        ck_assert_str_eq(state_now().decision, pairs[i][1]);
        ck_assert(has_lane());
    }
}
END_TEST

START_TEST(a_decision_that_does_not_fit_says_which_would) {
    put_state(STORE_HELD, "conflict", true);
    refused(one(OUTBOX_RESOLVE, "again", item()), "say ours, theirs");
    put_state(STORE_HELD, "gone", true);
    refused(one(OUTBOX_RESOLVE, "ours", item()), "say again, leave");
    put_state(STORE_HELD, "consent", true);
    refused(one(OUTBOX_RESOLVE, "ours", item()), "record the consent");
    put_state(STORE_WAITING, "", true);
    refused(one(OUTBOX_RESOLVE, "ours", item()), "not held");
    ck_assert_str_eq(state_now().decision, "");
}
END_TEST

START_TEST(a_withdrawal_among_too_many_passes_when_a_person_says_so) {
    put_said(STORE_WANTED_ENDED, "mass-withdrawal");
    put_state(STORE_HELD, "mass-withdrawal", true);
    const struct outbox_filter all = { .code = "mass-withdrawal" };
    ck_assert_int_eq(act(OUTBOX_RESOLVE, "withdraw", all), EXIT_SETTLED);
    ck_assert_str_eq(said_now().code, "");
    ck_assert(said_now().wanted == STORE_WANTED_ENDED);
    ck_assert(state_now().step == STORE_WAITING && has_lane());
}
END_TEST

START_TEST(a_withdrawal_among_too_many_is_left_when_a_person_says_so) {
    put_said(STORE_WANTED_ENDED, "mass-withdrawal");
    put_state(STORE_HELD, "mass-withdrawal", true);
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "leave", item()), EXIT_SETTLED);
    ck_assert_str_eq(state_now().decision, "leave");
    ck_assert_str_eq(said_now().code, "mass-withdrawal");
}
END_TEST

START_TEST(an_element_that_is_gone_was_never_true_or_has_left) {
    put_said(STORE_WANTED_BODY, "element-gone");
    put_state(STORE_HELD, "element-gone", true);
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "error", item()), EXIT_SETTLED);
    ck_assert(said_now().wanted == STORE_WANTED_ERROR);
    ck_assert_str_eq(said_now().code, "");
    put_said(STORE_WANTED_BODY, "element-gone");
    put_state(STORE_HELD, "element-gone", true);
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "left", item()), EXIT_SETTLED);
    ck_assert(said_now().wanted == STORE_WANTED_LEFT);
    put_said(STORE_WANTED_BODY, "element-gone");
    put_state(STORE_HELD, "element-gone", true);
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "leave", item()), EXIT_SETTLED);
    ck_assert(said_now().wanted == STORE_WANTED_BODY);
    ck_assert_str_eq(state_now().decision, "leave");
}
END_TEST

START_TEST(a_record_that_is_gone_was_never_true) {
    const struct store_hold hold = { .key = { "nightly", "", "R-1", "", "record-gone" },
                                     .detail = "",
                                     .since_ms = NOW };
    put_record(STORE_RECORD_GONE, "record-gone");
    begin();
    OK(store->calls->hold_put(store, &hold, &error));
    commit();
    put_state(STORE_HELD, "record-gone", true);
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "error", record_item()), EXIT_SETTLED);
    ck_assert(record_now().state == STORE_RECORD_ERROR);
    ck_assert(said_now().wanted == STORE_WANTED_ERROR);
    ck_assert(has_lane());
    listed((struct outbox_filter) { .code = "record-gone", .target = "" });
    ck_assert_ptr_null(strstr(o.out.data, "\"id\": \"h"));
}
END_TEST

START_TEST(a_record_that_is_gone_has_left) {
    put_record(STORE_RECORD_GONE, "mass-withdrawal");
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "left", record_item()), EXIT_SETTLED);
    ck_assert(record_now().state == STORE_RECORD_LEFT);
    ck_assert(said_now().wanted == STORE_WANTED_LEFT);
}
END_TEST

START_TEST(a_record_refuses_words_that_are_not_about_it) {
    put_record(STORE_RECORD_GONE, "record-gone");
    refused(one(OUTBOX_RESOLVE, "move", record_item()), "`error`");
    put_record(STORE_RECORD_HELD, "revision-future");
    refused(one(OUTBOX_RESOLVE, "error", record_item()), "clock");
    put_record(STORE_RECORD_HELD, "patient-changed");
    refused(one(OUTBOX_RESOLVE, "ours", record_item()), "say move, same, leave");
    put_record(STORE_RECORD_LIVE, "");
    refused(one(OUTBOX_RESOLVE, "error", record_item()), "not held");
    refused(one(OUTBOX_RESOLVE, "move", record_item()), "not held");
}
END_TEST

START_TEST(a_record_whose_patient_changed_is_decided_at_its_next_reading) {
    static const char *const words[] = { "move", "same", "leave" };
    for (size_t i = 0; i < 3; i++) {
        put_record(STORE_RECORD_HELD, "patient-changed");
        put_state(STORE_HELD, "patient-changed", true);
        ck_assert_int_eq(one(OUTBOX_RESOLVE, words[i], record_item()), EXIT_SETTLED);
        ck_assert_str_eq(record_now().decision, words[i]);
        ck_assert(is_zero(record_now().content));
        ck_assert(has_fact("reread nightly"));
        ck_assert_str_eq(state_now().decision, "");
    }
    refused(one(OUTBOX_RESOLVE, "move", item()), record_item());
}
END_TEST

START_TEST(a_record_in_another_chart_is_decided_for_all_that_stands_there) {
    put_state(STORE_HELD, "patient-changed", true);
    ck_assert_int_eq(one(OUTBOX_RESOLVE, "same", record_item()), EXIT_SETTLED);
    ck_assert_str_eq(state_now().decision, "same");
    ck_assert_str_eq(record_now().decision, "");
}
END_TEST

START_TEST(after_a_reset_everything_that_was_there_is_created_anew) {
    put_state(STORE_IN_STEP, "", true);
    const struct outbox_filter there = { .target = "hospital" };
    refused(act(OUTBOX_RESOLVE, "again", there), "not paused for a reset");
    fact("pause hospital", "1700000060000 1700000000000 target-reset");
    fact("chart 1 c1", "1");
    fact("match 1 1", "h");
    ck_assert_uint_eq(hospital, 1);
    ck_assert_int_eq(act(OUTBOX_RESOLVE, "again", there), EXIT_SETTLED);
    ck_assert_str_eq(state_now().decision, "again");
    ck_assert(has_lane());
    ck_assert(!has_fact("pause hospital") && !has_fact("chart 1 c1") && !has_fact("match 1 1"));
}
END_TEST

/* ---- discard and restore ---- */

START_TEST(what_is_discarded_comes_back_by_restore) {
    put_state(STORE_HELD, "invalid", false);
    ck_assert_int_eq(one(OUTBOX_DISCARD, NULL, item()), EXIT_SETTLED);
    ck_assert_str_eq(state_now().decision, "discard");
    ck_assert_int_eq(one(OUTBOX_RESTORE, NULL, item()), EXIT_SETTLED);
    ck_assert_str_eq(state_now().decision, "");
    ck_assert(state_now().step == STORE_HELD);
    put_state(STORE_DECIDED, "discard", false);
    ck_assert_int_eq(one(OUTBOX_RESTORE, NULL, item()), EXIT_SETTLED);
    ck_assert(state_now().step == STORE_WAITING && is_zero(state_now().attempt_hash));
}
END_TEST

START_TEST(what_may_be_there_is_not_discarded) {
    put_state(STORE_IN_STEP, "", true);
    refused(one(OUTBOX_DISCARD, NULL, item()), "in step");
    put_state(STORE_UNKNOWN, "unknown", false);
    struct store_state open = state_now();
    open.attempt = STORE_CREATE;
    begin();
    OK(store->calls->state_put(store, &open, &error));
    commit();
    refused(one(OUTBOX_DISCARD, NULL, item()), "a sync finds out first");
    put_record(STORE_RECORD_GONE, "record-gone");
    refused(one(OUTBOX_DISCARD, NULL, record_item()), "resolve");
    put_record(STORE_RECORD_HELD, "revision-future");
    refused(one(OUTBOX_DISCARD, NULL, record_item()), "not discarded");
}
END_TEST

START_TEST(what_nobody_decided_is_not_restored) {
    put_state(STORE_HELD, "invalid", false);
    refused(one(OUTBOX_RESTORE, NULL, item()), "nobody decided");
    refused(one(OUTBOX_RESTORE, NULL, record_item()), "nobody decided");
}
END_TEST

START_TEST(a_record_comes_back_until_its_withdrawal_was_written) {
    put_record(STORE_RECORD_GONE, "record-gone");
    put_state(STORE_IN_STEP, "", true);
    one(OUTBOX_RESOLVE, "error", record_item());
    ck_assert_int_eq(one(OUTBOX_RESTORE, NULL, record_item()), EXIT_SETTLED);
    ck_assert(record_now().state == STORE_RECORD_GONE);
    ck_assert(said_now().wanted == STORE_WANTED_BODY);
    one(OUTBOX_RESOLVE, "error", record_item());
    struct store_state now = state_now();
    now.sent_wanted = STORE_WANTED_ERROR;
    begin();
    OK(store->calls->state_put(store, &now, &error));
    commit();
    refused(one(OUTBOX_RESTORE, NULL, record_item()), "already written");
}
END_TEST

START_TEST(a_row_is_read_again_forgotten_or_corrected) {
    const struct store_hold row = { .key = { "nightly", "f.csv", "", "7", "bad-date" },
                                    .detail = "d",
                                    .since_ms = NOW };
    begin();
    OK(store->calls->hold_put(store, &row, &error));
    commit();
    refused(one(OUTBOX_RESOLVE, "leave", "h1"), "corrected there");
    refused(one(OUTBOX_RESTORE, NULL, "h1"), "--reread");
    ck_assert_int_eq(one(OUTBOX_RETRY, NULL, "h1"), EXIT_SETTLED);
    ck_assert(has_fact("reread nightly"));
    begin();
    OK(store->calls->hold_put(store, &row, &error));
    commit();
    ck_assert_int_eq(act(OUTBOX_DISCARD, NULL, (struct outbox_filter) { .code = "bad-date" }),
                     EXIT_SETTLED);
    listed((struct outbox_filter) { .code = "bad-date" });
    ck_assert_ptr_null(strstr(o.out.data, "bad-date"));
}
END_TEST

START_TEST(a_command_waits_for_another_writer_and_then_says_so) {
    struct store *other = store_open_memory(medium, &error);
    put_state(STORE_HELD, "invalid", false);
    OK(other->calls->begin(other, &error));
    const struct outbox_filter all = { .code = "invalid" };
    ck_assert_int_eq(outbox_act(&o, OUTBOX_RETRY, NULL, &all, &error), EXIT_FAULT);
    ck_assert(error_is_set(&error));
    error_clear(&error);
    other->calls->rollback(other);
    other->calls->close(other);
    ck_assert(state_now().step == STORE_HELD);
    ck_assert_int_eq(act(OUTBOX_RETRY, NULL, all), EXIT_SETTLED);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("outbox");
    TCase *tests = tcase_create("outbox");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_id_is_a_resource_at_a_target_a_record_or_a_row);
    tcase_add_test(tests, what_is_held_is_listed_with_its_code_and_filters_leave_it_out);
    tcase_add_test(tests, what_is_in_step_is_listed_only_when_asked_for);
    tcase_add_test(tests, records_and_rows_that_are_held_are_listed);
    tcase_add_test(tests, an_item_is_shown_with_its_body_and_its_way_on);
    tcase_add_test(tests, an_id_that_is_none_or_names_nothing_is_refused);
    tcase_add_test(tests, nothing_happens_without_saying_what);
    tcase_add_test(tests, a_retry_makes_it_due_and_forgets_what_was_tried);
    tcase_add_test(tests, a_retry_leaves_an_open_attempt_alone);
    tcase_add_test(tests, a_retry_by_code_takes_all_of_it_and_nothing_else);
    tcase_add_test(tests, a_retry_refuses_what_it_cannot_move);
    tcase_add_test(tests, a_retry_of_a_record_has_it_read_again);
    tcase_add_test(tests, a_retry_of_a_target_ends_its_pause_but_not_a_reset);
    tcase_add_test(tests, a_decision_that_fits_is_written_for_delivery);
    tcase_add_test(tests, a_decision_that_does_not_fit_says_which_would);
    tcase_add_test(tests, a_withdrawal_among_too_many_passes_when_a_person_says_so);
    tcase_add_test(tests, a_withdrawal_among_too_many_is_left_when_a_person_says_so);
    tcase_add_test(tests, an_element_that_is_gone_was_never_true_or_has_left);
    tcase_add_test(tests, a_record_that_is_gone_was_never_true);
    tcase_add_test(tests, a_record_that_is_gone_has_left);
    tcase_add_test(tests, a_record_refuses_words_that_are_not_about_it);
    tcase_add_test(tests, a_record_whose_patient_changed_is_decided_at_its_next_reading);
    tcase_add_test(tests, a_record_in_another_chart_is_decided_for_all_that_stands_there);
    tcase_add_test(tests, after_a_reset_everything_that_was_there_is_created_anew);
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
