/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of intake over the store in memory: a test per rule. */
#include "core/sync/intake.h"

#include "core/base/alloc.h"
#include "core/base/str.h"
#include "core/sync/lifecycle.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)
#define HOUR 3600000LL
#define DAY (24 * HOUR)
#define NOW (100 * DAY)

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;
static struct arena arena;
static struct intake *in;
static const unsigned char key[32] = "a key of exactly thirty-two byte";
static const char *const one_target[] = { "hospital", NULL };
static const char *const two_targets[] = { "hospital", "registry", NULL };
static struct lifecycle *lifecycle;
static struct intake_settings settings;
static int64_t poll_number;

static const char rules[] = "types:\n"
                            "  Goal:\n"
                            "    absent: end\n"
                            "    error: {set: {lifecycleStatus: entered-in-error}}\n"
                            "    ended: {set: {lifecycleStatus: cancelled}}\n"
                            "  Flag: {person: always}\n";

static void set_up(void) {
    struct report report = { 0 };
    error = (struct iptfhir_error)ERROR_INIT;
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    lifecycle = lifecycle_read(rules, sizeof rules - 1, "rules", &report);
    ck_assert_ptr_nonnull(store);
    ck_assert_ptr_nonnull(lifecycle);
    settings = (struct intake_settings) { .job = "nightly",
                                          .clinic = "north",
                                          .targets = one_target,
                                          .complete = INTAKE_RECORDS,
                                          .units_whole = true,
                                          .lifecycle = lifecycle,
                                          .hash_key = key };
    poll_number = NOW;
}

static void tear_down(void) {
    intake_free(in);
    in = NULL;
    store->calls->close(store);
    store_medium_free(medium);
    lifecycle_free(lifecycle);
    arena_free(&arena);
}

/* ---- saying records ---- */

/* Resources by a word each: "Goal:a=1" is type, name and content; `!` behind it: held. */
static size_t make_resources(const char *words, const char *local_id, struct intake_resource *out) {
    size_t count = 0;
    char *text = arena_strndup(&arena, words, strlen(words));
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        struct intake_resource *r = &out[count++];
        char *name = strchr(word, ':') + 1;
        char *content = strchr(name, '=') + 1;
        name[-1] = content[-1] = '\0';
        const char *body = arena_printf(&arena, "{\"v\":\"%s\"}", content);
        *r = (struct intake_resource) { .type = word,
                                        .system = "s",
                                        .value = name,
                                        .data_class = "plan",
                                        .body = { body, strlen(body) },
                                        .code = "",
                                        .detail = "" };
        snprintf((char *)r->uuid, STORE_UUID, "%s-%s", local_id, name);
    }
    return count;
}

struct saying {
    const char *id, *local_id, *resources;
    int64_t revision_ms;
    const char *content; /* NULL: the resources and the local id */
    const char *unit, *facts, *part;
    int64_t order;
};

static struct intake_record record_of(const struct saying *s, struct intake_resource *resources,
                                      struct intake_part *part) {
    const char *local = s->local_id != NULL ? s->local_id : "p1";
    const char *facts = s->facts != NULL ? s->facts : "{}";
    struct intake_record r = { .id = s->id,
                               .local_id = local,
                               .unit = s->unit != NULL ? s->unit : "u",
                               .order = s->order,
                               .revision_ms = s->revision_ms,
                               .facts = { facts, strlen(facts) },
                               .resources = resources,
                               .parts = part };
    r.resource_count = make_resources(s->resources, local, resources);
    const char *content = s->content != NULL
                              ? s->content
                              : arena_printf(&arena, "%s|%s|%s", s->resources, local, facts);
    unsigned long long hash = 1469598103934665603ULL;
    for (const char *c = content; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
    memcpy(r.content, &hash, sizeof hash);
    if (s->part != NULL) {
        *part = (struct intake_part) { s->part, "total-mismatch", "the total differs" };
        r.part_count = 1;
    }
    return r;
}

static void begin(void) {
    in = intake_begin(store, &settings, ++poll_number, &error);
    ck_assert_msg(in != NULL, "%s [%s]", error.text, error.code);
}

static void end(void) {
    OK(intake_end(in, true, poll_number, &error));
}

static void close_poll(void) {
    intake_free(in);
    in = NULL;
}

/* Takes one record without asking first. */
static void take(struct saying s) {
    struct intake_resource resources[128];
    struct intake_part part;
    struct intake_record r = record_of(&s, resources, &part);
    OK(intake_record(in, &r, NOW, &error));
}

/* Asks whether a record is unchanged. */
static bool ask(struct saying s) {
    struct intake_resource resources[128];
    struct intake_part part;
    bool same = false;
    struct intake_record r = record_of(&s, resources, &part);
    OK(intake_unchanged(in, &r, 1, &same, &error));
    return same;
}

#define TAKE(...) take((struct saying) { __VA_ARGS__ })
#define ASK(...) ask((struct saying) { __VA_ARGS__ })
/* A whole poll of one record. */
#define POLL(...)                                                                                  \
    do {                                                                                           \
        begin();                                                                                   \
        TAKE(__VA_ARGS__);                                                                         \
        end();                                                                                     \
        close_poll();                                                                              \
    } while (0)

static void refuse(const char *unit, const char *id, const char *place, const char *facts) {
    const struct store_hold_key hold = { settings.job, unit, id, place, "record" };
    struct store_bytes said = { facts, facts != NULL ? strlen(facts) : 0 };
    OK(intake_hold(in, &hold, "its birth date is none", facts != NULL ? &said : NULL, NOW, &error));
}

/* ---- looking ---- */

static struct store_record row(const char *id) {
    struct store_record r;
    bool found = false;
    OK(store->calls->record_find(store, id, &arena, &r, &found, &error));
    ck_assert_msg(found, "no record %s", id);
    return r;
}

static uint64_t patient(const char *local_id) {
    uint64_t no = 0;
    OK(store->calls->patient_find(store, "north", local_id, &no, &error));
    return no;
}

static const char *wanted_names[] = { "body", "error", "ended", "left", "moved", "nothing" };

/* The rows of a patient as text: "Goal:a=1 body; ...". Bodies are read from their sets. */
static const char *said(const char *local_id) {
    struct store_said *list = NULL;
    size_t count = 0;
    struct str out = { 0 };
    OK(store->calls->said_of(store, patient(local_id), &arena, &list, &count, &error));
    for (size_t i = 0; i < count; i++) {
        struct store_bytes *bodies = NULL;
        size_t n = 0;
        OK(store->calls->bodies_get(store, list[i].patient, list[i].body.sequence, &arena, &bodies,
                                    &n, &error));
        ck_assert_uint_lt(list[i].body.index, n);
        const struct store_bytes body = bodies[list[i].body.index];
        str_printf(&out, "%s%s:%s=%.*s %s", i > 0 ? "; " : "", list[i].type, list[i].value,
                   (int)body.length - 8, body.data + 6, wanted_names[list[i].wanted]);
        if (*list[i].code != '\0')
            str_printf(&out, " %s", list[i].code);
    }
    const char *text = arena_strndup(&arena, out.data != NULL ? out.data : "", out.length);
    str_free(&out);
    return text;
}

/* Writes a state that says the target has what the row of this ordinal says. */
static void sent(const char *local_id, uint32_t ordinal) {
    struct store_said *list = NULL;
    size_t count = 0;
    uint32_t target = 0;
    OK(store->calls->target_no(store, "hospital", false, &target, &error));
    OK(store->calls->said_of(store, patient(local_id), &arena, &list, &count, &error));
    for (size_t i = 0; i < count; i++) {
        if (ordinal != 0 && list[i].ordinal != ordinal)
            continue;
        struct store_state state = { .target = target,
                                     .patient = list[i].patient,
                                     .ordinal = list[i].ordinal,
                                     .step = STORE_IN_STEP,
                                     .code = "",
                                     .detail = "",
                                     .decision = "",
                                     .sent = true,
                                     .sent_body = list[i].body,
                                     .attempt_version = "",
                                     .attempt_chart = "",
                                     .server_id = "77",
                                     .version = "1",
                                     .chart = "c" };
        memcpy(state.sent_hash, list[i].hash, STORE_HASH);
        OK(store->calls->begin(store, &error));
        OK(store->calls->state_put(store, &state, &error));
        OK(store->calls->commit(store, &error));
    }
}

static void decide(const char *id, const char *decision) {
    struct store_record r = row(id);
    r.decision = decision;
    OK(store->calls->begin(store, &error));
    OK(store->calls->record_put(store, &r, &error));
    OK(store->calls->commit(store, &error));
}

static bool add_hold(void *user, const struct store_hold *hold) {
    str_printf(user, "%s%s/%s/%s", ((struct str *)user)->length > 0 ? "; " : "", hold->key.record,
               hold->key.place, hold->key.code);
    return true;
}

static const char *holds(void) {
    struct str out = { 0 };
    OK(store->calls->holds(store, NULL, add_hold, &out, &error));
    const char *text = arena_strndup(&arena, out.data != NULL ? out.data : "", out.length);
    str_free(&out);
    return text;
}

static bool take_detail(void *user, const struct store_hold *hold) {
    const char **detail = user;
    *detail = arena_strndup(&arena, hold->detail, strlen(hold->detail));
    return false;
}

/* What the oldest hold says. */
static const char *first_detail(void) {
    const char *detail = "";
    OK(store->calls->holds(store, NULL, take_detail, &detail, &error));
    return detail;
}

static bool has_lane(const char *target, const char *local_id) {
    uint64_t found[64];
    size_t count = 0;
    int64_t next = 0;
    uint32_t no = 0;
    OK(store->calls->target_no(store, target, false, &no, &error));
    OK(store->calls->lanes_due(store, no, 0, NOW, 64, found, &count, &next, &error));
    for (size_t i = 0; i < count; i++)
        if (found[i] == patient(local_id))
            return true;
    return false;
}

static void drop_lanes(void) {
    uint32_t no = 0;
    OK(store->calls->target_no(store, "hospital", false, &no, &error));
    OK(store->calls->begin(store, &error));
    for (uint64_t p = 1; p < 10; p++)
        OK(store->calls->lane_drop(store, no, p, &error));
    OK(store->calls->commit(store, &error));
}

static uint64_t writes(void) {
    uint64_t number = 0;
    struct store *other = store_open_memory(medium, &error);
    OK(other->calls->foreign_changes(other, &number, &error));
    other->calls->close(other);
    return number;
}

/* ---- revisions ---- */

START_TEST(a_new_record_becomes_rows_and_a_lane) {
    POLL("r1", .resources = "Goal:a=1 Condition:b=2", .revision_ms = NOW);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body; Condition:b=2 body");
    ck_assert(has_lane("hospital", "p1"));
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
}
END_TEST

START_TEST(an_unchanged_record_is_not_written) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    drop_lanes();
    struct store_record before = row("r1");
    begin();
    ck_assert(ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW));
    uint64_t count = writes();
    OK(intake_flush(in, &error));
    ck_assert_uint_eq(writes(), count);
    end();
    ck_assert_uint_eq(intake_counts(in)->unchanged, 1);
    ck_assert_uint_eq(intake_counts(in)->records, 1);
    ck_assert_int_eq(row("r1").poll, before.poll);
    ck_assert(!has_lane("hospital", "p1"));
}
END_TEST

START_TEST(an_older_revision_is_never_wanted) {
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW);
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW - HOUR);
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
    ck_assert_uint_eq(intake_counts(in)->stale, 1);
    ck_assert_int_eq(row("r1").revision_ms, NOW);
}
END_TEST

START_TEST(a_stale_record_needs_no_mapping) {
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW);
    begin();
    ck_assert(ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW - HOUR));
    end();
    ck_assert_uint_eq(intake_counts(in)->stale, 1);
    ck_assert_uint_eq(intake_counts(in)->records, 1);
}
END_TEST

START_TEST(back_to_v1_is_v1_as_a_newer_revision) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW + 2);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

START_TEST(what_is_confirmed_at_a_newer_revision_makes_what_lies_between_stale) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    begin();
    ck_assert(ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW + 9));
    end();
    close_poll();
    begin();
    TAKE("r1", .resources = "Goal:a=0", .revision_ms = NOW + 5);
    end();
    ck_assert_uint_eq(intake_counts(in)->stale, 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

START_TEST(a_revision_of_the_day_after_tomorrow_is_held) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 2 * DAY);
    ck_assert_str_eq(row("r1").code, "revision-future");
    ck_assert_int_eq(row("r1").state, STORE_RECORD_HELD);
    ck_assert_int_eq(row("r1").revision_ms, NOW);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(a_future_revision_of_the_same_content_makes_no_later_one_stale) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    begin();
    ck_assert(!ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW + 2 * DAY));
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW + 2 * DAY);
    end();
    close_poll();
    ck_assert_int_eq(row("r1").revision_ms, NOW);
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
}
END_TEST

START_TEST(a_later_line_supersedes_an_earlier_one) {
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    TAKE("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
    ck_assert_uint_eq(intake_counts(in)->mapped, 2);
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(equal_revisions_that_differ_are_held_and_neither_counts) {
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW, .facts = "{\"consents\":[1]}");
    TAKE("r1", .resources = "Goal:a=2", .revision_ms = NOW, .facts = "{\"consents\":[2]}");
    end();
    ck_assert_str_eq(row("r1").code, "duplicate-record");
    ck_assert_str_eq(arena_strndup(&arena, row("r1").facts.data, row("r1").facts.length),
                     "{\"held\":[{\"consents\":[2]},{\"consents\":[1]}]}");
    ck_assert_str_eq(holds(), "r1//duplicate-record");
    ck_assert_uint_eq(intake_counts(in)->held, 1);
    ck_assert_uint_eq(intake_counts(in)->records, 2);
}
END_TEST

START_TEST(a_duplicate_that_is_asked_about_is_held_all_the_same) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    begin();
    ck_assert(ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW));
    ck_assert(!ASK("r1", .resources = "Goal:a=2", .revision_ms = NOW));
    TAKE("r1", .resources = "Goal:a=2", .revision_ms = NOW);
    end();
    ck_assert_str_eq(row("r1").code, "duplicate-record");
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

START_TEST(when_one_of_two_duplicates_is_gone_the_other_counts) {
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    TAKE("r1", .resources = "Goal:a=2", .revision_ms = NOW);
    end();
    close_poll();
    begin();
    ck_assert(!ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW));
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    end();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(across_polls_the_order_of_arrival_counts_where_revisions_are_equal) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW);
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
}
END_TEST

START_TEST(without_a_time_the_declared_order_of_units_counts) {
    begin();
    TAKE("r1", .resources = "Goal:a=2", .order = 2, .unit = "second");
    TAKE("r1", .resources = "Goal:a=1", .order = 1, .unit = "first");
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
    ck_assert_uint_eq(intake_counts(in)->stale, 1);
}
END_TEST

START_TEST(a_record_id_belongs_to_one_job) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    settings.job = "weekly";
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    ck_assert_str_eq(row("r1").job, "nightly");
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(holds(), "r1//duplicate-record");
}
END_TEST

START_TEST(a_target_that_is_listed_again_gets_the_patients_of_the_job) {
    settings.targets = two_targets;
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    settings.targets = &two_targets[1];
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    drop_lanes();
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert(!has_lane("hospital", "p1"));
    settings.targets = two_targets;
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert(has_lane("hospital", "p1"));
    drop_lanes();
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert(!has_lane("hospital", "p1"));
}
END_TEST

static const char *const renamed[] = { "weekly", NULL };
static const char *const both_jobs[] = { "nightly", "weekly", NULL };

START_TEST(a_job_that_is_configured_no_more_loses_its_records_to_the_one_that_reads_them) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    drop_lanes();
    settings.job = "weekly";
    settings.jobs = renamed;
    begin();
    ck_assert(!ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW));
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    end();
    ck_assert_uint_eq(intake_counts(in)->unchanged, 1);
    close_poll();
    ck_assert_str_eq(row("r1").job, "weekly");
    ck_assert_str_eq(holds(), "");
    ck_assert(has_lane("hospital", "p1"));
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
    begin();
    ck_assert(ASK("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1));
    end();
}
END_TEST

START_TEST(what_a_job_held_that_is_configured_no_more_goes_with_its_records) {
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW, .part = "/measures/0");
    refuse("u", "", "7", NULL);
    end();
    close_poll();
    ck_assert_str_eq(holds(), "r1//measures/0/total-mismatch; /7/record");
    settings.job = "weekly";
    settings.jobs = renamed;
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW, .content = "mended");
    OK(intake_flush(in, &error));
    ck_assert_str_eq(holds(), "r1//measures/0/total-mismatch; /7/record");
    end();
    close_poll();
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(a_refused_record_of_a_job_that_is_configured_no_more_is_held_by_the_one_that_reads_it) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    settings.job = "weekly";
    settings.jobs = renamed;
    begin();
    refuse("u", "r1", "/patient", "{\"patient\":{\"localId\":\"p1\"}}");
    end();
    close_poll();
    ck_assert_str_eq(row("r1").job, "weekly");
    ck_assert_int_eq(row("r1").state, STORE_RECORD_HELD);
}
END_TEST

START_TEST(of_two_configured_jobs_the_second_is_told_who_has_the_record) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    settings.job = "weekly";
    settings.jobs = both_jobs;
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_str_eq(row("r1").job, "nightly");
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    ck_assert_str_eq(holds(), "r1//duplicate-record");
    ck_assert_ptr_nonnull(strstr(first_detail(), "job nightly has a record with this id"));
}
END_TEST

/* ---- resources ---- */

START_TEST(only_what_changed_gets_a_body_and_it_is_written_once) {
    POLL("r1", .resources = "Goal:a=1 Goal:b=1 Goal:c=1", .revision_ms = NOW);
    POLL("r1", .resources = "Goal:a=1 Goal:b=2 Goal:c=2 Goal:d=1", .revision_ms = NOW + 1);
    struct store_said *list = NULL;
    size_t count = 0;
    OK(store->calls->said_of(store, patient("p1"), &arena, &list, &count, &error));
    ck_assert_uint_eq(count, 4);
    ck_assert_uint_eq(list[0].body.sequence, 1);
    for (size_t i = 1; i < 4; i++)
        ck_assert_uint_eq(list[i].body.sequence, 2);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body; Goal:b=2 body; Goal:c=2 body; Goal:d=1 body");
}
END_TEST

START_TEST(bodies_that_nothing_refers_to_are_dropped) {
    struct store_bytes *bodies = NULL;
    size_t count = 0;
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    OK(store->calls->bodies_get(store, patient("p1"), 1, &arena, &bodies, &count, &error));
    sent("p1", 0);
    POLL("r1", .resources = "Goal:a=3", .revision_ms = NOW + 2);
    struct iptfhir_error why = ERROR_INIT;
    bool there = store->calls->bodies_get(store, patient("p1"), 1, &arena, &bodies, &count, &why);
    ck_assert(!there || count == 0);
    OK(store->calls->bodies_get(store, patient("p1"), 2, &arena, &bodies, &count, &error));
}
END_TEST

/* The numbers of the sets of a patient's bodies, as text. */
static const char *sets(const char *local_id) {
    uint32_t *list = NULL;
    size_t count = 0;
    struct str out = { 0 };
    OK(store->calls->bodies_of(store, patient(local_id), &arena, &list, &count, &error));
    for (size_t i = 0; i < count; i++)
        str_printf(&out, "%s%u", i > 0 ? " " : "", list[i]);
    const char *text = arena_strndup(&arena, out.data != NULL ? out.data : "", out.length);
    str_free(&out);
    return text;
}

START_TEST(a_body_that_was_replaced_goes_however_many_came_after_it) {
    for (int i = 1; i <= 300; i++) {
        const char *resources = arena_printf(&arena, "Goal:a=1 Goal:b=%d", i);
        POLL("r1", .resources = resources, .revision_ms = NOW + i);
    }
    ck_assert_str_eq(sets("p1"), "1 300");
    POLL("r1", .resources = "Goal:a=2 Goal:b=300", .revision_ms = NOW + 301);
    ck_assert_str_eq(sets("p1"), "300 301");
    ck_assert_str_eq(said("p1"), "Goal:a=2 body; Goal:b=300 body");
}
END_TEST

START_TEST(what_a_target_had_before_goes_when_the_record_changes_again) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_str_eq(sets("p1"), "1 2");
    sent("p1", 0);
    POLL("r1", .resources = "Goal:a=3", .revision_ms = NOW + 2);
    ck_assert_str_eq(sets("p1"), "2 3");
}
END_TEST

START_TEST(the_number_of_a_set_is_never_given_again) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    POLL("r1", .resources = "Goal:a=1 Goal:b=1", .revision_ms = NOW + 1);
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW + 2);
    ck_assert_str_eq(sets("p1"), "1 2");
    POLL("r1", .resources = "Goal:a=1 Goal:c=1", .revision_ms = NOW + 3);
    ck_assert_str_eq(sets("p1"), "1 3");
}
END_TEST

static size_t drops; /* calls of bodies_drop */
static const struct store_calls *beneath;

static bool count_drop(struct store *s, uint64_t of, uint32_t sequence, struct iptfhir_error *why) {
    drops++;
    return beneath->bodies_drop(s, of, sequence, why);
}

START_TEST(a_changed_record_drops_no_more_than_it_replaced) {
    for (int i = 1; i <= 40; i++)
        POLL("r1", .resources = arena_printf(&arena, "Goal:a=%d", i), .revision_ms = NOW + i);
    beneath = store->calls;
    struct store_calls counting = *beneath;
    counting.bodies_drop = count_drop;
    store->calls = &counting;
    drops = 0;
    POLL("r1", .resources = "Goal:a=41", .revision_ms = NOW + 41);
    store->calls = beneath;
    ck_assert_uint_eq(drops, 1);
}
END_TEST

START_TEST(an_element_that_left_and_was_never_sent_is_forgotten) {
    POLL("r1", .resources = "Goal:a=1 Observation:b=1", .revision_ms = NOW);
    POLL("r1", .resources = "Observation:b=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Observation:b=1 body");
}
END_TEST

START_TEST(an_element_that_left_ends_or_is_held_by_type) {
    POLL("r1", .resources = "Goal:a=1 Observation:b=1 Goal:c=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "Goal:c=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"),
                     "Goal:a=1 ended; Observation:b=1 body element-gone; Goal:c=1 body");
    POLL("r1", .resources = "Goal:c=1 Goal:a=1 Observation:b=1", .revision_ms = NOW + 2);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body; Observation:b=1 body; Goal:c=1 body");
}
END_TEST

START_TEST(where_removed_means_never_true_what_left_is_an_error) {
    settings.removed_is_error = true;
    POLL("r1", .resources = "Goal:a=1 Observation:b=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 error; Observation:b=1 error");
}
END_TEST

START_TEST(what_only_a_person_may_withdraw_is_held_whatever_the_source_says_of_removals) {
    settings.removed_is_error = true;
    POLL("r1", .resources = "Goal:a=1 Flag:f=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 error; Flag:f=1 body element-gone");
}
END_TEST

START_TEST(while_a_part_is_held_its_absences_say_nothing) {
    POLL("r1", .resources = "Goal:a=1 Goal:b=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "Goal:b=2", .revision_ms = NOW + 1, .part = "/goals/0");
    ck_assert_str_eq(said("p1"), "Goal:a=1 body; Goal:b=2 body");
    ck_assert_str_eq(holds(), "r1//goals/0/total-mismatch");
    POLL("r1", .resources = "Goal:b=2", .content = "x", .revision_ms = NOW + 2);
    ck_assert_str_eq(said("p1"), "Goal:a=1 ended; Goal:b=2 body");
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(a_source_that_is_not_complete_withdraws_nothing_by_absence) {
    settings.complete = INTAKE_NONE;
    POLL("r1", .resources = "Goal:a=1 Goal:b=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = "Goal:b=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body; Goal:b=1 body");
}
END_TEST

START_TEST(two_elements_with_one_identity_are_held_unless_they_agree) {
    POLL("r1", .resources = "Goal:a=1 Goal:a=2 Goal:b=1 Goal:b=1", .revision_ms = NOW);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body duplicate-resource; Goal:b=1 body");
}
END_TEST

START_TEST(what_another_record_still_says_is_not_withdrawn) {
    begin();
    TAKE("r1", .resources = "Condition:a=1 Goal:g=1", .revision_ms = NOW);
    TAKE("r2", .resources = "Condition:a=2", .revision_ms = NOW);
    end();
    close_poll();
    sent("p1", 0);
    POLL("r1", .resources = "Goal:g=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Condition:a=1 nothing; Goal:g=1 body; Condition:a=2 body");
}
END_TEST

START_TEST(what_is_the_clinics_stands_once_for_all_records) {
    begin();
    for (int i = 0; i < 2; i++) {
        struct intake_resource resources[8];
        struct intake_part part;
        struct saying s = { i == 0 ? "r1" : "r2", i == 0 ? "p1" : "p2", "Questionnaire:q=1",
                            .revision_ms = NOW };
        struct intake_record r = record_of(&s, resources, &part);
        memcpy(resources[0].uuid, "questionnaire-q", STORE_UUID);
        resources[0].owner = INTAKE_CLINIC;
        OK(intake_record(in, &r, NOW, &error));
    }
    end();
    ck_assert_str_eq(said(""), "Questionnaire:q=1 body");
    ck_assert_str_eq(said("p1"), "");
    ck_assert(has_lane("hospital", ""));
}
END_TEST

/* ---- the patient ---- */

START_TEST(what_was_never_sent_follows_a_corrected_patient) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "");
    ck_assert_str_eq(said("p2"), "Goal:a=1 body");
    ck_assert_str_eq(holds(), "");
    ck_assert_uint_eq(row("r1").moved_from, 0);
}
END_TEST

START_TEST(what_was_sent_is_held_when_its_patient_changes) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1, .facts = "{\"consents\":[\"no\"]}");
    ck_assert_str_eq(row("r1").code, "patient-changed");
    ck_assert_int_eq(row("r1").state, STORE_RECORD_HELD);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    ck_assert_str_eq(holds(), "r1//patient-changed");
    ck_assert_str_eq(arena_strndup(&arena, row("r1").facts.data, row("r1").facts.length),
                     "{\"moved\":true,\"held\":[{\"consents\":[\"no\"]}]}");
    ck_assert_ptr_null(strstr(row("r1").detail, "p1"));
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW + 2);
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(arena_strndup(&arena, row("r1").facts.data, row("r1").facts.length), "{}");
}
END_TEST

/* How many facts of refusals a patient has. */
static bool count_refusal(void *user, const char *name, struct store_bytes value) {
    (void)name, (void)value;
    ++*(int *)user;
    return true;
}

static int refusals(const char *local_id) {
    int count = 0;
    const char *prefix = arena_printf(&arena, "refusal %s\x1f%s\x1f", settings.clinic, local_id);
    OK(store->calls->facts(store, prefix, count_refusal, &count, &error));
    return count;
}

START_TEST(what_a_moved_record_refuses_counts_for_the_patient_that_it_names) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1, .facts = "{\"consents\":[\"no\"]}");
    ck_assert_int_eq(refusals("p2"), 1);
    decide("r1", "move");
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 2, .facts = "{\"consents\":[\"no\"]}");
    ck_assert_int_eq(refusals("p2"), 0);
}
END_TEST

START_TEST(what_a_record_refused_is_forgotten_when_its_patient_is_as_before) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1, .facts = "{\"consents\":[\"no\"]}");
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW + 2);
    ck_assert_int_eq(refusals("p2"), 0);
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
}
END_TEST

START_TEST(a_patient_that_is_again_as_before_is_released) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 1);
    begin();
    ck_assert(ASK("r1", "p1", "Goal:a=1", .revision_ms = NOW + 2));
    end();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(arena_strndup(&arena, row("r1").facts.data, row("r1").facts.length), "{}");
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(move_withdraws_there_and_makes_it_new_here) {
    POLL("r1", "p1", "Goal:a=1 Goal:b=1", .revision_ms = NOW);
    sent("p1", 1);
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 1);
    decide("r1", "move");
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 moved");
    ck_assert_str_eq(said("p2"), "Goal:a=1 body");
    ck_assert_uint_eq(row("r1").moved_from, patient("p1"));
    ck_assert_str_eq(row("r1").decision, "");
    ck_assert_str_eq(holds(), "");
    ck_assert(has_lane("hospital", "p1"));
    ck_assert(has_lane("hospital", "p2"));
}
END_TEST

START_TEST(leave_lets_what_was_sent_stand_and_makes_it_new_here) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 1);
    decide("r1", "leave");
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 nothing");
    ck_assert_str_eq(said("p2"), "Goal:a=1 body");
}
END_TEST

static bool add_alias(void *user, const char *local_id, const char *identity) {
    str_printf(user, "%s is %s", local_id, identity);
    return true;
}

#define NAMES(id) "{\"patient\":{\"localId\":\"" id "\"}}"

START_TEST(what_was_decided_about_one_patient_says_nothing_about_yet_another) {
    static const char *const words[] = { "same", "move", "leave" };
    struct str aliases = { 0 };
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW, .facts = NAMES("p1"));
    sent("p1", 0);
    POLL("r1", "p2", "Goal:b=1", .revision_ms = NOW + 1, .facts = NAMES("p2"));
    decide("r1", words[_i]);
    POLL("r1", "p3", "Goal:c=1", .revision_ms = NOW + 2, .facts = NAMES("p3"));
    ck_assert_str_eq(row("r1").code, "patient-changed");
    ck_assert_str_eq(row("r1").decision, "");
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    ck_assert_str_eq(said("p3"), "");
    OK(intake_aliases(store, "north", &arena, add_alias, &aliases, &error));
    ck_assert_ptr_null(aliases.data);
}
END_TEST

START_TEST(same_keeps_identities_under_the_new_local_id) {
    struct str aliases = { 0 };
    struct intake_resource resources[8];
    struct intake_part part;
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1);
    decide("r1", "same");
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1);
    OK(intake_aliases(store, "north", &arena, add_alias, &aliases, &error));
    ck_assert_str_eq(aliases.data, "p2 is p1");
    str_free(&aliases);
    begin();
    struct saying s = { "r1", "p2", "Goal:a=2", .revision_ms = NOW + 1 };
    struct intake_record r = record_of(&s, resources, &part);
    memset(resources[0].uuid, 0, STORE_UUID);
    snprintf((char *)resources[0].uuid, STORE_UUID, "p1-a"); /* made with the identity of p1 */
    OK(intake_record(in, &r, NOW, &error));
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=2 body");
    ck_assert_uint_eq(patient("p2"), 0);
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(other_records_of_the_new_local_id_wait_for_the_poll_that_knows_it) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1);
    decide("r1", "same");
    begin();
    TAKE("r1", "p2", "Goal:a=2", .revision_ms = NOW + 1);
    TAKE("r2", "p2", "Goal:b=1", .revision_ms = NOW + 1); /* its identity is that of p2 */
    OK(intake_cursor(in, "c7", &error));
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    struct intake *next = intake_begin(store, &settings, NOW + 5, &error);
    struct store_bytes cursor;
    ck_assert_ptr_nonnull(next);
    intake_free(next);
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_ptr_null(cursor.data);
}
END_TEST

/* ---- holds ---- */

START_TEST(a_broken_record_keeps_its_rows_and_its_refusals_count) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW, .facts = "{\"consents\":[\"yes\"]}");
    begin();
    refuse("u", "r1", "u:1", "{\"consents\":[\"no\"]}");
    end();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_HELD);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
    ck_assert_str_eq(arena_strndup(&arena, row("r1").facts.data, row("r1").facts.length),
                     "{\"consents\":[\"yes\"],\"held\":[{\"consents\":[\"no\"]}]}");
    ck_assert_uint_eq(intake_counts(in)->held, 1);
}
END_TEST

START_TEST(a_record_that_comes_again_as_before_is_released) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    begin();
    refuse("u", "r1", "u:1", "{\"consents\":[\"no\"]}");
    end();
    close_poll();
    drop_lanes();
    begin();
    ck_assert(ASK("r1", .resources = "Goal:a=1", .revision_ms = NOW));
    end();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(holds(), "");
    ck_assert(has_lane("hospital", "p1"));
}
END_TEST

START_TEST(a_refusal_in_a_record_never_seen_before_counts_for_its_patient) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    drop_lanes();
    begin();
    refuse("u", "r2", "u:2", "{\"patient\":{\"localId\":\"p1\"},\"consents\":[\"no\"]}");
    end();
    ck_assert_uint_eq(row("r2").patient, patient("p1"));
    ck_assert_int_eq(row("r2").state, STORE_RECORD_HELD);
    ck_assert(has_lane("hospital", "p1"));
}
END_TEST

START_TEST(what_a_broken_record_refuses_counts_for_the_patient_that_it_names_now) {
    static const char no[] = "{\"patient\":{\"localId\":\"p2\"},\"consents\":[\"no\"]}";
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    POLL("r2", "p2", "Goal:a=1", .revision_ms = NOW);
    for (int i = 0; i < 2; i++) {
        drop_lanes();
        begin();
        refuse("u", "r1", "u:1", no);
        end();
        close_poll();
        ck_assert_uint_eq(row("r1").patient, patient("p1"));
        ck_assert_int_eq(refusals("p2"), 1);
        ck_assert_int_eq(has_lane("hospital", "p2"), i == 0); /* said again it is nothing new */
    }
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW + 1);
    ck_assert_int_eq(refusals("p2"), 0);
    ck_assert(has_lane("hospital", "p2"));
}
END_TEST

START_TEST(a_revision_ahead_of_its_time_refuses_for_the_patient_that_it_names) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    POLL("r1", "p2", "Goal:a=1", .revision_ms = NOW + 3 * DAY, .facts = "{\"consents\":[\"no\"]}");
    ck_assert_str_eq(row("r1").code, "revision-future");
    ck_assert_int_eq(refusals("p2"), 1);
}
END_TEST

START_TEST(both_patients_of_a_doubled_record_hear_what_it_refuses) {
    begin();
    TAKE("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    TAKE("r1", "p2", "Goal:a=1", .revision_ms = NOW, .facts = "{\"consents\":[\"no\"]}");
    end();
    ck_assert_str_eq(row("r1").code, "duplicate-record");
    ck_assert_int_eq(refusals("p2"), 1);
}
END_TEST

START_TEST(a_row_without_a_record_refuses_for_the_patient_that_it_names) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW, .unit = "other");
    drop_lanes();
    begin();
    refuse("u", "", "u:1", "{\"patient\":{\"localId\":\"p1\"},\"consents\":[null]}");
    end();
    close_poll();
    ck_assert_int_eq(refusals("p1"), 1);
    ck_assert(has_lane("hospital", "p1"));
    POLL("r2", "p2", "Goal:a=1", .revision_ms = NOW, .unit = "u");
    ck_assert_int_eq(refusals("p1"), 0);
}
END_TEST

START_TEST(a_record_that_a_torn_file_doesnt_show_is_held_until_it_is_seen_again) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    begin();
    refuse("u", "", "u:1", NULL);
    end();
    close_poll();
    ck_assert_str_eq(row("r1").code, "record-hidden");
    begin();
    ck_assert(ASK("r1", "p1", "Goal:a=1", .revision_ms = NOW));
    end();
    close_poll();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(a_record_that_left_a_file_is_let_go_when_its_rows_can_be_read) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    begin();
    refuse("u", "", "u:1", NULL);
    end();
    close_poll();
    POLL("r2", "p2", "Goal:a=1", .revision_ms = NOW, .unit = "u");
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(a_torn_file_hides_no_record_of_another_and_none_where_files_are_read_in_part) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW, .unit = "other");
    begin();
    refuse("u", "", "u:1", NULL);
    end();
    close_poll();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    settings.units_whole = false;
    begin();
    refuse("other", "", "other:1", NULL);
    end();
    close_poll();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
}
END_TEST

START_TEST(a_hold_of_a_row_goes_when_its_unit_is_read_without_it) {
    begin();
    refuse("u", "", "u:1", NULL);
    refuse("v", "", "v:1", NULL);
    end();
    close_poll();
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW, .unit = "u");
    ck_assert_str_eq(holds(), "/v:1/record");
}
END_TEST

START_TEST(a_hold_of_a_row_stays_where_units_are_read_in_part) {
    settings.units_whole = false;
    begin();
    refuse("u", "", "u:1", NULL);
    end();
    close_poll();
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW, .unit = "u");
    ck_assert_str_eq(holds(), "/u:1/record");
}
END_TEST

START_TEST(a_hold_goes_when_its_record_comes_in_good_order_from_any_unit) {
    settings.units_whole = false;
    begin();
    refuse("u", "r9", "u:1", NULL);
    end();
    close_poll();
    ck_assert_str_eq(holds(), "r9/u:1/record");
    POLL("r9", .resources = "Goal:a=1", .revision_ms = NOW, .unit = "w");
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(a_hold_that_stands_is_not_written_again) {
    begin();
    refuse("u", "", "u:1", NULL);
    end();
    close_poll();
    begin();
    refuse("u", "", "u:1", NULL);
    end();
    ck_assert_str_eq(holds(), "/u:1/record");
    ck_assert_uint_eq(intake_counts(in)->held, 1);
}
END_TEST

START_TEST(what_crashed_a_mapper_is_not_mapped_again_until_it_changes) {
    struct intake_resource resources[8];
    struct intake_part part;
    struct saying s = { "r1", "p1", "Goal:a=2", .revision_ms = NOW + 1 };
    struct intake_record r = record_of(&s, resources, &part);
    char hex[2 * STORE_HASH + 1];
    for (size_t i = 0; i < STORE_HASH; i++)
        snprintf(hex + 2 * i, 3, "%02x", r.content[i]);
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    begin();
    const struct store_hold_key crash = { "nightly", "u", "r1", hex, "plugin-crash" };
    OK(intake_hold(in, &crash, "the mapper crashed", NULL, NOW, &error));
    end();
    close_poll();
    begin();
    ck_assert(ask(s));
    end();
    ck_assert_uint_eq(intake_counts(in)->held, 1);
    ck_assert_int_eq(row("r1").state, STORE_RECORD_HELD);
    close_poll();
    begin();
    ck_assert(!ASK("r1", "p1", "Goal:a=3", .revision_ms = NOW + 2));
    TAKE("r1", "p1", "Goal:a=3", .revision_ms = NOW + 2);
    end();
    ck_assert_str_eq(holds(), "");
    ck_assert_str_eq(said("p1"), "Goal:a=3 body");
}
END_TEST

/* ---- absences and masses ---- */

START_TEST(a_record_that_a_complete_export_lacks_is_held_and_comes_back) {
    settings.complete = INTAKE_EXPORT;
    begin();
    TAKE("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    TAKE("r2", "p2", "Goal:a=1", .revision_ms = NOW);
    end();
    close_poll();
    sent("p2", 0);
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    ck_assert_int_eq(row("r2").state, STORE_RECORD_GONE);
    ck_assert_str_eq(row("r2").code, "record-gone");
    ck_assert_str_eq(said("p2"), "Goal:a=1 body");
    ck_assert_str_eq(holds(), "r2//record-gone");
    begin();
    ck_assert(ASK("r1", "p1", "Goal:a=1", .revision_ms = NOW));
    ck_assert(ASK("r2", "p2", "Goal:a=1", .revision_ms = NOW));
    end();
    ck_assert_int_eq(row("r2").state, STORE_RECORD_LIVE);
    ck_assert_str_eq(holds(), "");
}
END_TEST

START_TEST(an_export_with_an_unreadable_row_names_no_record_gone) {
    settings.complete = INTAKE_EXPORT;
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    begin();
    TAKE("r2", "p2", "Goal:a=1", .revision_ms = NOW);
    refuse("u", "", "u:1", NULL);
    end();
    ck_assert_str_eq(row("r1").code, "record-hidden"); /* and not gone */
}
END_TEST

START_TEST(a_poll_that_failed_names_no_record_gone) {
    settings.complete = INTAKE_EXPORT;
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    begin();
    OK(intake_end(in, false, NOW, &error));
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
}
END_TEST

START_TEST(records_of_a_unit_that_is_skipped_are_present) {
    settings.complete = INTAKE_EXPORT;
    begin();
    TAKE("r1", "p1", "Goal:a=1", .revision_ms = NOW, .unit = "a");
    TAKE("r2", "p2", "Goal:a=1", .revision_ms = NOW, .unit = "b");
    end();
    close_poll();
    begin();
    OK(intake_present(in, "a", &error));
    end();
    ck_assert_int_eq(row("r1").state, STORE_RECORD_LIVE);
    ck_assert_int_eq(row("r2").state, STORE_RECORD_GONE);
}
END_TEST

START_TEST(an_empty_export_is_a_mass_withdrawal) {
    settings.complete = INTAKE_EXPORT;
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    begin();
    end();
    ck_assert_str_eq(row("r1").code, "mass-withdrawal");
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

/* Twenty-five goals of one patient, from `from` on. */
static const char *goals(int from) {
    struct str out = { 0 };
    for (int i = from; i < 25; i++)
        str_printf(&out, "Goal:g%02d=1 ", i);
    const char *text = arena_strndup(&arena, out.data != NULL ? out.data : "", out.length);
    str_free(&out);
    return text;
}

static size_t count_of(const char *text, const char *what) {
    size_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

START_TEST(twenty_withdrawals_pass) {
    POLL("r1", .resources = goals(0), .revision_ms = NOW);
    sent("p1", 0);
    begin();
    TAKE("r1", .resources = goals(20), .revision_ms = NOW + 1);
    OK(intake_flush(in, &error));
    ck_assert_uint_eq(count_of(said("p1"), "ended mass-withdrawal"), 20);
    end();
    ck_assert_uint_eq(count_of(said("p1"), "ended"), 20);
    ck_assert_uint_eq(count_of(said("p1"), "mass-withdrawal"), 0);
    ck_assert_uint_eq(intake_counts(in)->withdrawn, 20);
    ck_assert_uint_eq(intake_counts(in)->mass_held, 0);
}
END_TEST

START_TEST(more_withdrawals_within_a_week_are_held_and_nothing_else_is) {
    POLL("r1", .resources = goals(0), .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = goals(15), .revision_ms = NOW + 1);
    ck_assert_uint_eq(count_of(said("p1"), "mass-withdrawal"), 0);
    begin();
    TAKE("r1", .resources = goals(22), .revision_ms = NOW + 2);
    TAKE("r2", "p2", "Goal:a=1", .revision_ms = NOW);
    end();
    ck_assert_uint_eq(count_of(said("p1"), "ended mass-withdrawal"), 7);
    ck_assert_uint_eq(count_of(said("p1"), "mass-withdrawal"), 7);
    ck_assert_str_eq(said("p2"), "Goal:a=1 body");
    ck_assert_uint_eq(intake_counts(in)->mass_held, 7);
}
END_TEST

START_TEST(withdrawals_of_last_month_no_longer_count) {
    POLL("r1", .resources = goals(0), .revision_ms = NOW);
    sent("p1", 0);
    POLL("r1", .resources = goals(15), .revision_ms = NOW + 1);
    poll_number += 30 * DAY;
    POLL("r1", .resources = goals(22), .revision_ms = NOW + 2);
    ck_assert_uint_eq(count_of(said("p1"), "mass-withdrawal"), 0);
}
END_TEST

START_TEST(withdrawals_of_a_poll_that_died_are_decided_by_the_next) {
    POLL("r1", .resources = goals(0), .revision_ms = NOW);
    sent("p1", 0);
    begin();
    TAKE("r1", .resources = goals(20), .revision_ms = NOW + 1);
    OK(intake_flush(in, &error));
    close_poll();
    begin();
    ck_assert(ASK("r1", .resources = goals(20), .revision_ms = NOW + 1));
    end();
    ck_assert_uint_eq(count_of(said("p1"), "ended"), 20);
    ck_assert_uint_eq(count_of(said("p1"), "mass-withdrawal"), 0);
}
END_TEST

START_TEST(when_mappings_changed_every_withdrawal_of_the_poll_is_held) {
    settings.mapped_with = "old";
    POLL("r1", .resources = "Goal:a=1 Goal:b=1", .revision_ms = NOW);
    sent("p1", 0);
    settings.mapped_with = "new";
    begin();
    TAKE("r1", .resources = "Goal:b=1", .revision_ms = NOW, .content = "mapped otherwise");
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=1 ended mass-withdrawal; Goal:b=1 body");
    ck_assert_uint_eq(intake_counts(in)->mass_held, 1);
    close_poll();
    POLL("r1", .resources = "", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 ended mass-withdrawal; Goal:b=1 ended");
}
END_TEST

START_TEST(what_is_made_again_with_the_old_mappings_is_held_no_more) {
    settings.mapped_with = "old";
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    settings.mapped_with = "new";
    POLL("r1", .resources = "", .revision_ms = NOW);
    settings.mapped_with = "old";
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

START_TEST(withdrawals_that_changed_mappings_made_dont_count_as_those_of_the_week) {
    settings.mapped_with = "old";
    POLL("r1", .resources = goals(0), .revision_ms = NOW);
    sent("p1", 0);
    settings.mapped_with = "new";
    POLL("r1", .resources = "", .revision_ms = NOW);
    settings.mapped_with = "old";
    POLL("r1", .resources = goals(0), .revision_ms = NOW);
    POLL("r1", .resources = goals(2), .revision_ms = NOW + 1);
    ck_assert_uint_eq(count_of(said("p1"), "ended"), 2);
    ck_assert_uint_eq(count_of(said("p1"), "mass-withdrawal"), 0);
}
END_TEST

START_TEST(the_first_poll_has_no_mappings_to_compare_with) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    settings.mapped_with = "new";
    POLL("r1", .resources = "", .revision_ms = NOW + 1);
    ck_assert_str_eq(said("p1"), "Goal:a=1 ended");
}
END_TEST

START_TEST(a_poll_that_died_after_mappings_changed_is_remembered_until_one_is_whole) {
    settings.mapped_with = "old";
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    sent("p1", 0);
    settings.mapped_with = "new";
    begin();
    TAKE("r1", .resources = "", .revision_ms = NOW);
    OK(intake_end(in, false, poll_number, &error));
    close_poll();
    settings.mapped_with = "old";
    begin();
    OK(intake_end(in, true, poll_number, &error));
    close_poll();
    ck_assert_str_eq(said("p1"), "Goal:a=1 ended mass-withdrawal");
}
END_TEST

START_TEST(whether_the_next_poll_is_mapped_otherwise_can_be_asked) {
    bool remapped = true;
    OK(intake_remapped(store, "nightly", "old", &remapped, &error));
    ck_assert(!remapped);
    settings.mapped_with = "old";
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    OK(intake_remapped(store, "nightly", "old", &remapped, &error));
    ck_assert(!remapped);
    OK(intake_remapped(store, "nightly", "new", &remapped, &error));
    ck_assert(remapped);
}
END_TEST

/* ---- polls, cursors, targets ---- */

START_TEST(a_poll_is_open_until_it_ends_and_confirms_only_when_whole) {
    struct intake_poll poll;
    begin();
    OK(intake_poll_of(store, "nightly", &poll, &error));
    ck_assert(poll.polling);
    ck_assert_int_eq(poll.confirmed_ms, 0);
    OK(intake_end(in, false, NOW, &error));
    OK(intake_poll_of(store, "nightly", &poll, &error));
    ck_assert(!poll.polling);
    ck_assert_int_eq(poll.number, 0);
    close_poll();
    begin();
    end();
    OK(intake_poll_of(store, "nightly", &poll, &error));
    ck_assert_int_eq(poll.number, poll_number);
    ck_assert_int_eq(poll.confirmed_ms, poll_number);
}
END_TEST

START_TEST(a_poll_that_a_dead_process_left_open_can_be_ended) {
    struct intake_poll poll;
    begin();
    close_poll();
    OK(intake_abandon(store, &error));
    OK(intake_poll_of(store, "nightly", &poll, &error));
    ck_assert(!poll.polling);
}
END_TEST

START_TEST(a_clock_that_went_back_does_not_give_an_older_poll) {
    POLL("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    int64_t before = row("r1").poll;
    poll_number -= DAY;
    POLL("r1", .resources = "Goal:a=2", .revision_ms = NOW + 1);
    ck_assert_int_gt(row("r1").poll, before);
}
END_TEST

START_TEST(a_cursor_is_kept_with_what_came_before_it) {
    struct store_bytes cursor;
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    OK(intake_cursor(in, "42", &error));
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_ptr_null(cursor.data);
    OK(intake_flush(in, &error));
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_uint_eq(cursor.length, 2);
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

START_TEST(a_reading_without_a_cursor_can_be_asked_for_while_another_runs) {
    struct store_bytes cursor;
    begin();
    OK(store->calls->begin(store, &error));
    OK(intake_reread(store, "nightly", &error));
    OK(store->calls->commit(store, &error));
    OK(intake_cursor(in, "42", &error));
    end();
    close_poll();
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_ptr_nonnull(cursor.data);
    begin();
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_ptr_null(cursor.data);
    OK(intake_cursor(in, "43", &error));
    end();
    close_poll();
    begin();
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_ptr_nonnull(cursor.data);
}
END_TEST

START_TEST(what_a_poll_counted_is_kept_and_adds_up) {
    struct intake_counts counts;
    OK(intake_counts_of(store, "nightly", &counts, &error));
    ck_assert_uint_eq(counts.records, 0);
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    TAKE("r2", .resources = "Goal:b=1", .revision_ms = NOW + 3 * DAY);
    end();
    close_poll();
    OK(intake_counts_of(store, "nightly", &counts, &error));
    ck_assert_uint_eq(counts.records, 2);
    ck_assert_uint_eq(counts.mapped, 1);
    ck_assert_uint_eq(counts.held, 1);
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    end();
    OK(intake_counts_of(store, "nightly", &counts, &error));
    ck_assert_uint_eq(counts.records, 1);
    ck_assert_uint_eq(counts.unchanged, 1);
}
END_TEST

START_TEST(the_cursor_of_a_complete_export_is_kept_when_it_has_ended) {
    struct store_bytes cursor;
    settings.complete = INTAKE_EXPORT;
    begin();
    OK(intake_cursor(in, "42", &error));
    OK(intake_flush(in, &error));
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_ptr_null(cursor.data);
    end();
    OK(intake_cursor_get(store, "nightly", &arena, &cursor, &error));
    ck_assert_uint_eq(cursor.length, 2);
}
END_TEST

START_TEST(a_target_that_is_added_gets_every_patient) {
    POLL("r1", "p1", "Goal:a=1", .revision_ms = NOW);
    POLL("r2", "p2", "Goal:a=1", .revision_ms = NOW);
    settings.targets = two_targets;
    begin();
    ck_assert(has_lane("registry", "p1"));
    ck_assert(has_lane("registry", "p2"));
    end();
}
END_TEST

START_TEST(what_is_not_flushed_is_forgotten) {
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    close_poll();
    bool found = true;
    struct store_record r;
    OK(store->calls->record_find(store, "r1", &arena, &r, &found, &error));
    ck_assert(!found);
}
END_TEST

START_TEST(a_busy_store_loses_nothing_that_was_taken) {
    struct store *other = store_open_memory(medium, &error);
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    OK(other->calls->begin(other, &error));
    struct iptfhir_error why = ERROR_INIT;
    ck_assert(!intake_flush(in, &why));
    ck_assert_str_eq(why.code, "store-busy");
    other->calls->rollback(other);
    other->calls->close(other);
    end();
    ck_assert_str_eq(said("p1"), "Goal:a=1 body");
}
END_TEST

START_TEST(a_busy_store_lets_no_record_of_a_question_count_twice) {
    static const struct saying x = { "x", .resources = "Goal:a=1", .revision_ms = NOW };
    static const struct saying y = { "y", .resources = "Goal:b=1", .revision_ms = NOW };
    struct intake_resource resources[2][128];
    struct intake_part part[2];
    const struct intake_record both[2] = { record_of(&x, resources[0], &part[0]),
                                           record_of(&y, resources[1], &part[1]) };
    bool same[2] = { false, false };
    struct store *other = store_open_memory(medium, &error);
    POLL("x", .resources = "Goal:a=1", .revision_ms = NOW);
    begin();
    TAKE("y", .resources = "Goal:b=1", .revision_ms = NOW);
    OK(other->calls->begin(other, &error));
    for (int i = 0; i < 3; i++) {
        struct iptfhir_error why = ERROR_INIT;
        ck_assert(!intake_unchanged(in, both, 2, same, &why)); /* y waits to be stored */
        ck_assert_str_eq(why.code, "store-busy");
    }
    other->calls->rollback(other);
    other->calls->close(other);
    OK(intake_unchanged(in, both, 2, same, &error));
    ck_assert(same[0] && same[1]);
    ck_assert(ASK("x", .resources = "Goal:a=1", .revision_ms = NOW)); /* a question of its own */
    end();
    ck_assert_uint_eq(intake_counts(in)->records, 4);
    ck_assert_uint_eq(intake_counts(in)->mapped, 1);
    ck_assert_uint_eq(intake_counts(in)->unchanged, 3);
}
END_TEST

START_TEST(a_full_store_is_said_and_nothing_of_the_flush_is_kept) {
    begin();
    TAKE("r1", .resources = "Goal:a=1", .revision_ms = NOW);
    store_medium_set_full(medium, true);
    struct iptfhir_error why = ERROR_INIT;
    ck_assert(!intake_flush(in, &why));
    ck_assert_str_eq(why.code, "store-full");
    store_medium_set_full(medium, false);
    bool found = true;
    struct store_record r;
    OK(store->calls->record_find(store, "r1", &arena, &r, &found, &error));
    ck_assert(!found);
}
END_TEST

/* ---- memory that runs out ---- */

/* A poll with most of what there is; false when something refused. */
static bool eventful_poll(void) {
    struct intake_resource resources[128];
    struct intake_part part;
    struct iptfhir_error why = ERROR_INIT;
    static const struct saying sayings[] = {
        { "r1", "p1", "Goal:a=2 Goal:c=1", .revision_ms = NOW + 1, .part = "/goals/1" },
        { "r2", "p2", "Goal:a=1", .revision_ms = NOW + 1 },
        { "r2", "p2", "Goal:a=2", .revision_ms = NOW + 1 },
        { "r3", "p9", "Goal:a=1", .revision_ms = NOW + 1 },
        { "r4", "p4", "", .revision_ms = NOW + 1 },
    };
    const struct store_hold_key hold = { "nightly", "u", "r5", "u:7", "record" };
    const struct store_bytes facts = { "{\"consents\":[\"no\"]}", 19 };
    bool same = false;
    in = intake_begin(store, &settings, NOW + DAY, &why);
    bool ok = in != NULL;
    for (size_t i = 0; ok && i < sizeof sayings / sizeof *sayings; i++) {
        struct intake_record r = record_of(&sayings[i], resources, &part);
        ok = intake_unchanged(in, &r, 1, &same, &why) && intake_record(in, &r, NOW, &why);
    }
    ok = ok && intake_hold(in, &hold, "broken", &facts, NOW, &why);
    ok = ok && intake_cursor(in, "7", &why) && intake_end(in, true, NOW + DAY, &why);
    intake_free(in);
    in = NULL;
    ck_assert(ok || error_is_set(&why));
    return ok;
}

START_TEST(an_allocation_that_fails_loses_nothing_and_is_said) {
    settings.complete = INTAKE_EXPORT;
    begin();
    TAKE("r1", "p1", "Goal:a=1 Goal:b=1", .revision_ms = NOW);
    TAKE("r2", "p2", "Goal:a=1", .revision_ms = NOW);
    TAKE("r3", "p3", "Goal:a=1", .revision_ms = NOW);
    TAKE("r4", "p4", "Goal:a=1 Observation:b=1", .revision_ms = NOW);
    TAKE("r5", "p5", "Goal:a=1", .revision_ms = NOW);
    TAKE("r6", "p6", "Goal:a=1", .revision_ms = NOW);
    end();
    close_poll();
    sent("p3", 0);
    sent("p4", 0);
    struct store_medium *before = store_medium_copy(medium);
    bool done = false;
    size_t refusals = 0;
    for (size_t n = 1; !done; n++) {
        store->calls->close(store);
        store_medium_free(medium);
        medium = store_medium_copy(before);
        store = store_open_memory(medium, &error);
        /* texts of the test itself are made once beforehand, so that only intake is refused */
        arena_reset(&arena);
        struct arena_mark nothing = arena_mark(&arena);
        ck_assert_ptr_nonnull(arena_alloc(&arena, 200000));
        arena_rewind(&arena, nothing);
        base_fail_at(n, false);
        done = eventful_poll();
        bool refused = base_refused();
        base_fail_at(0, false);
        ck_assert(done || refused);
        done = done && !refused;
        refusals += refused;
        if (!done)
            (void)eventful_poll();
        ck_assert_str_eq(said("p1"), "Goal:a=2 body; Goal:b=1 body; Goal:c=1 body");
        ck_assert_str_eq(row("r2").code, "duplicate-record");
        ck_assert_str_eq(row("r3").code, "patient-changed");
        ck_assert_str_eq(said("p4"), "Goal:a=1 ended; Observation:b=1 body element-gone");
        ck_assert_int_eq(row("r5").state, STORE_RECORD_HELD);
        ck_assert_int_eq(row("r6").state, STORE_RECORD_GONE);
    }
    ck_assert_uint_gt(refusals, 50);
    store_medium_free(before);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("intake");
    TCase *c = tcase_create("rules");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_new_record_becomes_rows_and_a_lane);
    tcase_add_test(c, an_unchanged_record_is_not_written);
    tcase_add_test(c, an_older_revision_is_never_wanted);
    tcase_add_test(c, a_stale_record_needs_no_mapping);
    tcase_add_test(c, back_to_v1_is_v1_as_a_newer_revision);
    tcase_add_test(c, what_is_confirmed_at_a_newer_revision_makes_what_lies_between_stale);
    tcase_add_test(c, a_revision_of_the_day_after_tomorrow_is_held);
    tcase_add_test(c, a_future_revision_of_the_same_content_makes_no_later_one_stale);
    tcase_add_test(c, a_later_line_supersedes_an_earlier_one);
    tcase_add_test(c, equal_revisions_that_differ_are_held_and_neither_counts);
    tcase_add_test(c, a_duplicate_that_is_asked_about_is_held_all_the_same);
    tcase_add_test(c, when_one_of_two_duplicates_is_gone_the_other_counts);
    tcase_add_test(c, across_polls_the_order_of_arrival_counts_where_revisions_are_equal);
    tcase_add_test(c, without_a_time_the_declared_order_of_units_counts);
    tcase_add_test(c, a_record_id_belongs_to_one_job);
    tcase_add_test(c, a_target_that_is_listed_again_gets_the_patients_of_the_job);
    tcase_add_test(c,
                   a_job_that_is_configured_no_more_loses_its_records_to_the_one_that_reads_them);
    tcase_add_test(c, what_a_job_held_that_is_configured_no_more_goes_with_its_records);
    tcase_add_test(
        c, a_refused_record_of_a_job_that_is_configured_no_more_is_held_by_the_one_that_reads_it);
    tcase_add_test(c, of_two_configured_jobs_the_second_is_told_who_has_the_record);
    tcase_add_test(c, only_what_changed_gets_a_body_and_it_is_written_once);
    tcase_add_test(c, bodies_that_nothing_refers_to_are_dropped);
    tcase_add_test(c, a_body_that_was_replaced_goes_however_many_came_after_it);
    tcase_add_test(c, what_a_target_had_before_goes_when_the_record_changes_again);
    tcase_add_test(c, the_number_of_a_set_is_never_given_again);
    tcase_add_test(c, a_changed_record_drops_no_more_than_it_replaced);
    tcase_add_test(c, an_element_that_left_and_was_never_sent_is_forgotten);
    tcase_add_test(c, an_element_that_left_ends_or_is_held_by_type);
    tcase_add_test(c, where_removed_means_never_true_what_left_is_an_error);
    tcase_add_test(c, while_a_part_is_held_its_absences_say_nothing);
    tcase_add_test(c, a_source_that_is_not_complete_withdraws_nothing_by_absence);
    tcase_add_test(c, two_elements_with_one_identity_are_held_unless_they_agree);
    tcase_add_test(c, what_another_record_still_says_is_not_withdrawn);
    tcase_add_test(c, what_is_the_clinics_stands_once_for_all_records);
    tcase_add_test(c, what_was_never_sent_follows_a_corrected_patient);
    tcase_add_test(c, what_was_sent_is_held_when_its_patient_changes);
    tcase_add_test(c, what_a_moved_record_refuses_counts_for_the_patient_that_it_names);
    tcase_add_test(c, what_a_record_refused_is_forgotten_when_its_patient_is_as_before);
    tcase_add_test(c, a_patient_that_is_again_as_before_is_released);
    tcase_add_test(c, move_withdraws_there_and_makes_it_new_here);
    tcase_add_test(c, leave_lets_what_was_sent_stand_and_makes_it_new_here);
    tcase_add_loop_test(c, what_was_decided_about_one_patient_says_nothing_about_yet_another, 0, 3);
    tcase_add_test(c, same_keeps_identities_under_the_new_local_id);
    tcase_add_test(c, other_records_of_the_new_local_id_wait_for_the_poll_that_knows_it);
    tcase_add_test(c, a_broken_record_keeps_its_rows_and_its_refusals_count);
    tcase_add_test(c, a_record_that_comes_again_as_before_is_released);
    tcase_add_test(c, a_refusal_in_a_record_never_seen_before_counts_for_its_patient);
    tcase_add_test(c, what_a_broken_record_refuses_counts_for_the_patient_that_it_names_now);
    tcase_add_test(c, a_revision_ahead_of_its_time_refuses_for_the_patient_that_it_names);
    tcase_add_test(c, both_patients_of_a_doubled_record_hear_what_it_refuses);
    tcase_add_test(c, a_row_without_a_record_refuses_for_the_patient_that_it_names);
    tcase_add_test(c, a_record_that_a_torn_file_doesnt_show_is_held_until_it_is_seen_again);
    tcase_add_test(c, a_record_that_left_a_file_is_let_go_when_its_rows_can_be_read);
    tcase_add_test(c, a_torn_file_hides_no_record_of_another_and_none_where_files_are_read_in_part);
    tcase_add_test(c, a_hold_of_a_row_goes_when_its_unit_is_read_without_it);
    tcase_add_test(c, a_hold_of_a_row_stays_where_units_are_read_in_part);
    tcase_add_test(c, a_hold_goes_when_its_record_comes_in_good_order_from_any_unit);
    tcase_add_test(c, a_hold_that_stands_is_not_written_again);
    tcase_add_test(c, what_crashed_a_mapper_is_not_mapped_again_until_it_changes);
    tcase_add_test(c, a_record_that_a_complete_export_lacks_is_held_and_comes_back);
    tcase_add_test(c, an_export_with_an_unreadable_row_names_no_record_gone);
    tcase_add_test(c, a_poll_that_failed_names_no_record_gone);
    tcase_add_test(c, records_of_a_unit_that_is_skipped_are_present);
    tcase_add_test(c, an_empty_export_is_a_mass_withdrawal);
    tcase_add_test(c, twenty_withdrawals_pass);
    tcase_add_test(c, more_withdrawals_within_a_week_are_held_and_nothing_else_is);
    tcase_add_test(c, withdrawals_of_last_month_no_longer_count);
    tcase_add_test(c, withdrawals_of_a_poll_that_died_are_decided_by_the_next);
    tcase_add_test(c, when_mappings_changed_every_withdrawal_of_the_poll_is_held);
    tcase_add_test(c, what_is_made_again_with_the_old_mappings_is_held_no_more);
    tcase_add_test(c, withdrawals_that_changed_mappings_made_dont_count_as_those_of_the_week);
    tcase_add_test(c, the_first_poll_has_no_mappings_to_compare_with);
    tcase_add_test(c, a_poll_that_died_after_mappings_changed_is_remembered_until_one_is_whole);
    tcase_add_test(c, whether_the_next_poll_is_mapped_otherwise_can_be_asked);
    tcase_add_test(c, a_poll_is_open_until_it_ends_and_confirms_only_when_whole);
    tcase_add_test(c, a_poll_that_a_dead_process_left_open_can_be_ended);
    tcase_add_test(c, a_clock_that_went_back_does_not_give_an_older_poll);
    tcase_add_test(c, a_cursor_is_kept_with_what_came_before_it);
    tcase_add_test(c, a_reading_without_a_cursor_can_be_asked_for_while_another_runs);
    tcase_add_test(c, what_a_poll_counted_is_kept_and_adds_up);
    tcase_add_test(c, the_cursor_of_a_complete_export_is_kept_when_it_has_ended);
    tcase_add_test(c, a_target_that_is_added_gets_every_patient);
    tcase_add_test(c, what_is_not_flushed_is_forgotten);
    tcase_add_test(c, a_busy_store_loses_nothing_that_was_taken);
    tcase_add_test(c, a_busy_store_lets_no_record_of_a_question_count_twice);
    tcase_add_test(c, a_full_store_is_said_and_nothing_of_the_flush_is_kept);
    tcase_add_test(c, an_allocation_that_fails_loses_nothing_and_is_said);
    tcase_add_test(c, what_only_a_person_may_withdraw_is_held_whatever_the_source_says_of_removals);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
