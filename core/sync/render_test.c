/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what goes out and how what is there compares, over the store in memory. */
#include "core/sync/render.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;
static struct arena arena;
static struct lane lane;
static struct delivery_target config;
static struct lifecycle *lifecycle;
static struct render r;
static uint64_t patient, record;
static const char *const jobs[] = { "nightly", NULL };

enum { ME = 'p', OTHER = 'q' };

static void make_uuid(char name, unsigned char uuid[STORE_UUID]) {
    memset(uuid, 0, STORE_UUID);
    uuid[0] = (unsigned char)name;
}

static const char *id_of(char name) {
    unsigned char uuid[STORE_UUID];
    char *text = arena_alloc(&arena, 37);
    make_uuid(name, uuid);
    lane_uuid_text(uuid, text);
    return text;
}

static const char *goal(const char *text, const char *rest) {
    return arena_printf(&arena,
                        "{\"resourceType\":\"Goal\",\"lifecycleStatus\":\"active\",\"description\":"
                        "{\"text\":\"%s\"},\"subject\":{\"reference\":\"Patient/%s\"}%s}",
                        text, id_of(ME), rest);
}

/* Says one goal that refers to the patient `who` and, unless '-', to another goal. */
static struct store_body_at put(char name, const char *text, char who, char refers) {
    const char *rest =
        refers == '-'
            ? ""
            : arena_printf(&arena, ",\"addresses\":[{\"reference\":\"Goal/%s\"}]", id_of(refers));
    const char *body = goal(text, rest);
    const struct store_bytes bytes = { body, strlen(body) };
    struct store_reference references[2] = { { .type = "Patient" }, { .type = "Goal" } };
    make_uuid(who, references[0].uuid);
    make_uuid(refers, references[1].uuid);
    uint32_t sequence;
    OK(store->calls->bodies_put(store, patient, &bytes, 1, &sequence, &error));
    struct store_said s = { .patient = patient,
                            .record = record,
                            .type = "Goal",
                            .system = "",
                            .value = "",
                            .data_class = "plan",
                            .hash = { (unsigned char)text[0] },
                            .body = { sequence, 0 },
                            .code = "",
                            .detail = "",
                            .references = references,
                            .reference_count = refers == '-' ? 1 : 2 };
    make_uuid(name, s.uuid);
    OK(store->calls->said_put(store, &s, &error));
    return s.body;
}

static void load(void) {
    bool found;
    OK(lane_load(store, 1, jobs, patient, &arena, &lane, &found, &error));
    r = (struct render) { .lane = &lane, .target = &config, .lifecycle = lifecycle, .chart = "c1" };
}

static struct lane_item *item_of(char name) {
    unsigned char uuid[STORE_UUID];
    make_uuid(name, uuid);
    struct lane_item *item = lane_find(&lane, uuid);
    ck_assert_ptr_nonnull(item);
    return item;
}

static void set_up(void) {
    static const char rules[] = "types:\n  Goal:\n    absent: end\n"
                                "    error: {set: {lifecycleStatus: entered-in-error}}\n"
                                "    ended: {set: {lifecycleStatus: cancelled}}\n";
    struct report report = { 0 };
    error = (struct iptfhir_error)ERROR_INIT;
    config = (struct delivery_target) { .name = "hospital" };
    lifecycle = lifecycle_read(rules, sizeof rules - 1, "rules", &report);
    ck_assert_ptr_nonnull(lifecycle);
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
    uint32_t target;
    OK(store->calls->begin(store, &error));
    OK(store->calls->patient_add(store, "north", "p1", &patient, &error));
    OK(store->calls->target_no(store, "hospital", true, &target, &error));
    const char *facts = arena_printf(&arena, "{\"patient\":{\"id\":\"%s\"}}", id_of(ME));
    struct store_record row = { .patient = patient,
                                .job = "nightly",
                                .id = "rec",
                                .unit = "",
                                .code = "",
                                .detail = "",
                                .decision = "",
                                .facts = { facts, strlen(facts) } };
    OK(store->calls->record_put(store, &row, &error));
    record = row.no;
}

static void tear_down(void) {
    store->calls->rollback(store);
    store->calls->close(store);
    store_medium_free(medium);
    lifecycle_free(lifecycle);
    arena_free(&arena);
}

/* The body that goes out; *omitted: references left out. */
static const char *out(struct lane_item *item, bool together, uint32_t *omitted) {
    struct tree *body;
    struct str text = { 0 };
    ck_assert_int_eq(render_wanted(&r, item, NULL, together, &body, omitted, &error), RENDER_MADE);
    json_write(&text, body, JSON_COMPACT);
    const char *kept = arena_strndup(&arena, text.data, text.length);
    str_free(&text);
    return kept;
}

START_TEST(a_reference_waits_is_ready_or_will_never_be) {
    put('a', "v1", ME, 'b');
    put('b', "v1", ME, '-');
    put('s', "v1", OTHER, 'x');
    load();
    const struct store_reference *to = &item_of('a')->said->references[1];
    struct lane_item *b = item_of('b');
    b->action = RECONCILE_CREATE;
    ck_assert_int_eq(render_reference(&lane, to), RENDER_PENDING);
    b->action = RECONCILE_UNKNOWN;
    ck_assert_int_eq(render_reference(&lane, to), RENDER_PENDING);
    b->action = RECONCILE_HOLD;
    ck_assert_int_eq(render_reference(&lane, to), RENDER_NEVER);
    b->state.server_id = "9";
    ck_assert_int_eq(render_reference(&lane, to), RENDER_READY);
    b->wanted = STORE_WANTED_ENDED;
    ck_assert_int_eq(render_reference(&lane, to), RENDER_NEVER);
    ck_assert_int_eq(render_reference(&lane, &item_of('a')->said->references[0]), RENDER_READY);
    const struct store_said *stranger = item_of('s')->said;
    ck_assert_int_eq(render_reference(&lane, &stranger->references[0]), RENDER_STRANGER);
    ck_assert_int_eq(render_reference(&lane, &stranger->references[1]), RENDER_NEVER);
}
END_TEST

START_TEST(references_go_out_as_the_target_names_them) {
    uint32_t omitted;
    put('a', "v1", ME, 'b');
    put('b', "v1", ME, '-');
    load();
    struct lane_item *a = item_of('a'), *b = item_of('b');
    ck_assert_ptr_null(strstr(out(a, false, &omitted), "addresses"));
    ck_assert_uint_eq(omitted, 1);
    ck_assert_ptr_nonnull(strstr(out(a, false, &omitted), "\"Patient/c1\""));
    b->place = 0;
    const char *urn = arena_printf(&arena, "\"urn:uuid:%s\"", id_of('b'));
    ck_assert_ptr_nonnull(strstr(out(a, true, &omitted), urn));
    ck_assert_uint_eq(omitted, 0);
    ck_assert_ptr_null(strstr(out(a, false, &omitted), "addresses"));
    b->state.server_id = "9";
    ck_assert_ptr_nonnull(strstr(out(a, true, &omitted), "\"Goal/9\""));
    r.chart = NULL;
    const char *kept = arena_printf(&arena, "\"Patient/%s\"", id_of(ME));
    ck_assert_ptr_nonnull(strstr(out(a, false, &omitted), kept));
}
END_TEST

START_TEST(where_no_server_gives_ids_references_in_one_order_name_our_own) {
    uint32_t omitted;
    put('a', "v1", ME, 'b');
    put('b', "v1", ME, '-');
    load();
    r.own_ids = true;
    struct lane_item *a = item_of('a'), *b = item_of('b');
    ck_assert_ptr_null(strstr(out(a, true, &omitted), "addresses"));
    b->place = 0;
    const char *own = arena_printf(&arena, "\"Goal/%s\"", id_of('b'));
    ck_assert_ptr_nonnull(strstr(out(a, true, &omitted), own));
    ck_assert_uint_eq(omitted, 0);
    ck_assert_ptr_null(strstr(out(a, false, &omitted), "addresses"));
}
END_TEST

START_TEST(a_generation_has_an_identity_of_its_own) {
    char id[37], again[37], next[37];
    put('a', "v1", ME, '-');
    load();
    struct lane_item *a = item_of('a');
    render_identity(a, id);
    ck_assert_str_eq(id, id_of('a'));
    a->state.generation = 1;
    render_identity(a, again);
    a->state.generation = 2;
    render_identity(a, next);
    ck_assert_str_ne(id, again);
    ck_assert_str_ne(again, next);
}
END_TEST

START_TEST(a_withdrawal_is_made_of_what_was_sent) {
    uint32_t omitted;
    struct store_body_at sent = put('a', "v1", ME, '-');
    put('a', "v2", ME, '-');
    load();
    struct lane_item *a = item_of('a');
    a->wanted = STORE_WANTED_ENDED;
    a->state.sent = true;
    a->state.sent_body = sent;
    a->state.server_id = "9";
    const char *body = out(a, false, &omitted);
    ck_assert(strstr(body, "cancelled") != NULL && strstr(body, "v1") != NULL);
    a->wanted = STORE_WANTED_LEFT;
    struct tree *none;
    ck_assert_int_ne(render_wanted(&r, a, NULL, false, &none, &omitted, &error), RENDER_MADE);
    ck_assert(!error_is_set(&error));
}
END_TEST

/* ---- looking ---- */

static struct lane_item *begin_look(const char *sent, const char *wanted) {
    struct store_body_at at = put('a', sent, ME, '-');
    struct store_body_at now = strcmp(sent, wanted) == 0 ? at : put('z', wanted, ME, '-');
    load();
    struct lane_item *a = item_of('a');
    struct store_said *said = arena_alloc(&arena, sizeof *said);
    *said = *a->said;
    said->body = now;
    a->said = said;
    a->state.sent = true;
    a->state.sent_body = at;
    a->state.server_id = a->found_id = "9";
    a->state.version = "1";
    a->found_version = "2";
    a->found = FOUND_ONE;
    return a;
}

static const char *theirs(const char *text, const char *chart, const char *rest) {
    return arena_printf(
        &arena,
        "{\"resourceType\":\"Goal\",\"id\":\"9\",\"meta\":{\"versionId\":\"2\",\"lastUpdated\":"
        "\"2026-01-01T00:00:00Z\"},\"lifecycleStatus\":\"active\",\"description\":{\"text\":"
        "\"%s\"},\"subject\":{\"reference\":\"Patient/%s\"}%s}",
        text, chart, rest);
}

static enum reconcile_look look(struct lane_item *a, const char *body) {
    a->theirs = json_read_copy(&arena, body, strlen(body), NULL, &error);
    OK(render_look(&r, a, &error));
    return a->look;
}

START_TEST(what_is_there_is_seen_wanted_apart_or_overlaps) {
    struct lane_item *a = begin_look("v1", "v2");
    ck_assert_int_eq(look(a, theirs("v1", "c1", "")), LOOK_SEEN);
    ck_assert_int_eq(look(a, theirs("v2", "c1", "")), LOOK_WANTED);
    ck_assert_int_eq(look(a, theirs("v1", "c1", ",\"note\":[{\"text\":\"n\"}]")), LOOK_APART);
    ck_assert_ptr_nonnull(tree_get(a->out, "note"));
    ck_assert_str_eq(tree_text(tree_get(a->out, "description"), "text"), "v2");
    ck_assert_int_eq(look(a, theirs("v3", "c1", "")), LOOK_OVERLAP);
    ck_assert_int_eq(look(a, theirs("v2", "c2", "")), LOOK_CHART);
    a->theirs = NULL;
    OK(render_look(&r, a, &error));
    ck_assert_int_eq(a->look, LOOK_UNSEEN);
}
END_TEST

START_TEST(what_was_never_sent_is_wanted_or_it_is_not) {
    struct lane_item *a = begin_look("v1", "v1");
    a->state.sent = false;
    ck_assert_int_eq(look(a, theirs("v1", "c1", ",\"note\":[{\"text\":\"n\"}]")), LOOK_WANTED);
    ck_assert_int_eq(look(a, theirs("v0", "c1", "")), LOOK_NONE);
}
END_TEST

START_TEST(what_an_older_store_sent_is_no_base_to_merge_with) {
    struct lane_item *a = begin_look("v1", "v1");
    r.two_way = true;
    ck_assert_int_eq(look(a, theirs("v2", "c1", "")), LOOK_OVERLAP);
    ck_assert_str_eq(tree_text(tree_get(a->out, "description"), "text"), "v1");
    ck_assert_int_eq(look(a, theirs("v1", "c1", ",\"note\":[{\"text\":\"n\"}]")), LOOK_WANTED);
    a->found_version = "1";
    ck_assert_int_eq(look(a, theirs("v1", "c1", "")), LOOK_WANTED);
}
END_TEST

START_TEST(a_lost_attempt_is_there_or_it_is_not) {
    struct lane_item *a = begin_look("v1", "v2");
    a->state.attempt = STORE_UPDATE;
    a->state.attempt_body = a->said->body;
    ck_assert_int_eq(look(a, theirs("v2", "c1", "")), LOOK_ATTEMPT);
    ck_assert_int_eq(look(a, theirs("v2", "c1", ",\"note\":[{\"text\":\"n\"}]")), LOOK_ATTEMPT);
    ck_assert_int_eq(look(a, theirs("v1", "c1", ",\"note\":[{\"text\":\"n\"}]")), LOOK_APART);
    a->found_version = "1";
    ck_assert_int_ne(look(a, theirs("v1", "c1", "")), LOOK_ATTEMPT);
    a->state.attempt = STORE_CREATE;
    a->state.sent = false;
    a->state.version = "";
    ck_assert_int_eq(look(a, theirs("v2", "c1", "")), LOOK_ATTEMPT);
    ck_assert_int_eq(look(a, theirs("v0", "c1", "")), LOOK_APART);
}
END_TEST

/* A lost create of a goal that refers to the goal b, which stands under "17". */
static struct lane_item *begin_create(void) {
    put('a', "v1", ME, 'b');
    put('b', "v1", ME, '-');
    load();
    struct lane_item *a = item_of('a');
    item_of('b')->state.server_id = "17";
    a->state.attempt = STORE_CREATE;
    a->state.attempt_body = a->said->body;
    a->found = FOUND_ONE;
    a->found_id = "9";
    a->found_version = "1";
    return a;
}

static const char *addresses(const char *references) {
    return arena_printf(&arena, ",\"addresses\":[%s]", references);
}
#define REF(text) "{\"reference\":\"" text "\"}"

START_TEST(a_lost_create_that_refers_to_another_resource_is_not_ours) {
    struct lane_item *a = begin_create();
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(REF("Goal/17")))), LOOK_ATTEMPT);
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(REF("Goal/18")))), LOOK_APART);
    ck_assert_int_eq(look(a, theirs("v1", "c1", "")), LOOK_APART);
}
END_TEST

START_TEST(a_target_may_write_references_in_its_own_way) {
    static const char *const ways[] = { REF("https://ehr.example/fhir/Goal/17"),
                                        REF("Goal/17/_history/3"),
                                        REF("https://ehr.example/fhir/Goal/17/_history/3") };
    struct lane_item *a = begin_create();
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(ways[i]))), LOOK_ATTEMPT);
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(REF("https://ehr.example/Plan/17")))),
                     LOOK_APART);
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(REF("Goal/117")))), LOOK_APART);
}
END_TEST

START_TEST(references_to_what_was_created_in_the_same_bundle_are_not_known_yet) {
    struct lane_item *a = begin_create();
    item_of('b')->state.server_id = "";
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(REF("Goal/31")))), LOOK_ATTEMPT);
    item_of('b')->state.server_id = "17";
    const char *both = REF("Goal/31") "," REF("https://ehr.example/Goal/17");
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(both))), LOOK_ATTEMPT);
    const char *others = REF("Goal/31") "," REF("Goal/32");
    ck_assert_int_eq(look(a, theirs("v1", "c1", addresses(others))), LOOK_APART);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("render");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_reference_waits_is_ready_or_will_never_be);
    tcase_add_test(all, references_go_out_as_the_target_names_them);
    tcase_add_test(all, where_no_server_gives_ids_references_in_one_order_name_our_own);
    tcase_add_test(all, a_generation_has_an_identity_of_its_own);
    tcase_add_test(all, a_withdrawal_is_made_of_what_was_sent);
    tcase_add_test(all, what_is_there_is_seen_wanted_apart_or_overlaps);
    tcase_add_test(all, what_was_never_sent_is_wanted_or_it_is_not);
    tcase_add_test(all, what_an_older_store_sent_is_no_base_to_merge_with);
    tcase_add_test(all, a_lost_attempt_is_there_or_it_is_not);
    tcase_add_test(all, a_lost_create_that_refers_to_another_resource_is_not_ours);
    tcase_add_test(all, a_target_may_write_references_in_its_own_way);
    tcase_add_test(all, references_to_what_was_created_in_the_same_bundle_are_not_known_yet);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
