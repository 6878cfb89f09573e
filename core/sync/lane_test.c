/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lanes over the store in memory: shared resources, which version decides, states. */
#include "core/sync/lane.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;
static struct arena arena;
static uint64_t patient;
static uint32_t target;
static const char *const jobs[] = { "nightly", NULL };

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
    OK(store->calls->begin(store, &error));
    OK(store->calls->patient_add(store, "north", "p1", &patient, &error));
    OK(store->calls->target_no(store, "hospital", true, &target, &error));
}

static void tear_down(void) {
    store->calls->rollback(store);
    store->calls->close(store);
    store_medium_free(medium);
    arena_free(&arena);
}

static uint64_t put_record_of(const char *job, const char *id) {
    struct store_record r = { .patient = patient,
                              .job = job,
                              .id = id,
                              .unit = "",
                              .code = "",
                              .detail = "",
                              .decision = "",
                              .facts = { "{}", 2 } };
    OK(store->calls->record_put(store, &r, &error));
    return r.no;
}

static uint64_t put_record(const char *id) {
    return put_record_of("nightly", id);
}

/* What a record says: its resource's first letter, its content's first letter and its date. */
static uint32_t put_said(uint64_t record, char name, char content, int64_t as_of_ms,
                         enum store_wanted wanted) {
    struct store_said s = { .patient = patient,
                            .record = record,
                            .uuid = { (unsigned char)name },
                            .type = "Goal",
                            .system = "",
                            .value = "",
                            .data_class = "plan",
                            .wanted = wanted,
                            .hash = { (unsigned char)content },
                            .as_of_ms = as_of_ms,
                            .code = "",
                            .detail = "" };
    OK(store->calls->said_put(store, &s, &error));
    return s.ordinal;
}

static struct lane load(void) {
    struct lane lane;
    bool found = false;
    OK(lane_load(store, target, jobs, patient, &arena, &lane, &found, &error));
    ck_assert(found);
    return lane;
}

static const struct lane_item *item_of(const struct lane *lane, char name) {
    const unsigned char uuid[STORE_UUID] = { (unsigned char)name };
    const struct lane_item *item = lane_find(lane, uuid);
    ck_assert_msg(item != NULL, "no %c", name);
    return item;
}

/* The content that decides about the only resource; '!' when it is contradicted. */
static char decider(void) {
    struct lane lane = load();
    ck_assert_uint_eq(lane.count, 1);
    return lane.items[0].contradicted ? '!' : (char)lane.items[0].said->hash[0];
}

START_TEST(a_patient_that_is_not_there_is_told) {
    struct lane lane;
    bool found = true;
    OK(lane_load(store, target, jobs, 99, &arena, &lane, &found, &error));
    ck_assert(!found);
}
END_TEST

START_TEST(a_lane_without_resources_has_none) {
    struct lane lane = load();
    const unsigned char uuid[STORE_UUID] = { 7 };
    ck_assert_uint_eq(lane.count, 0);
    ck_assert_ptr_null(lane_find(&lane, uuid));
    ck_assert(!lane.clinics);
}
END_TEST

START_TEST(what_several_records_say_is_one_under_its_lowest_ordinal) {
    uint64_t a = put_record("a"), b = put_record("b");
    uint32_t first = put_said(a, 'g', 'x', 1, STORE_WANTED_BODY);
    put_said(a, 'h', 'y', 1, STORE_WANTED_BODY);
    put_said(b, 'g', 'z', 2, STORE_WANTED_BODY);
    struct lane lane = load();
    ck_assert_uint_eq(lane.count, 2);
    const struct lane_item *item = item_of(&lane, 'g');
    ck_assert_uint_eq(item->ordinal, first);
    ck_assert_uint_eq(item->state.ordinal, first);
    ck_assert_str_eq(item->record->id, "b");
    ck_assert_int_eq(item->said->hash[0], 'z');
}
END_TEST

START_TEST(the_later_own_date_decides_whatever_came_first) {
    put_said(put_record("a"), 'g', 'x', 2, STORE_WANTED_BODY);
    put_said(put_record("b"), 'g', 'y', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'x');
    put_said(put_record("c"), 'g', 'z', 3, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'z');
}
END_TEST

START_TEST(equal_dates_that_differ_contradict_and_a_later_one_ends_that) {
    put_said(put_record("a"), 'g', 'x', 1, STORE_WANTED_BODY);
    put_said(put_record("b"), 'g', 'x', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'x');
    put_said(put_record("c"), 'g', 'y', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), '!');
    put_said(put_record("d"), 'g', 'x', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), '!');
    put_said(put_record("e"), 'g', 'z', 2, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'z');
    put_said(put_record("f"), 'g', 'w', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'z');
}
END_TEST

START_TEST(a_body_beats_a_withdrawal_and_a_withdrawal_beats_silence) {
    put_said(put_record("a"), 'g', 'x', 9, STORE_WANTED_NOTHING);
    put_said(put_record("b"), 'g', 'y', 5, STORE_WANTED_ENDED);
    ck_assert_int_eq(decider(), 'y');
    put_said(put_record("c"), 'g', 'z', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'z');
    put_said(put_record("d"), 'g', 'w', 9, STORE_WANTED_ERROR);
    ck_assert_int_eq(decider(), 'z');
    struct lane lane = load();
    ck_assert_int_eq(lane.items[0].wanted, STORE_WANTED_BODY);
}
END_TEST

START_TEST(states_find_their_items_also_when_shared) {
    uint64_t a = put_record("a"), b = put_record("b");
    put_said(a, 'g', 'x', 1, STORE_WANTED_BODY);
    put_said(b, 'h', 'x', 1, STORE_WANTED_BODY);
    put_said(b, 'g', 'y', 2, STORE_WANTED_BODY);
    uint32_t last = put_said(b, 'i', 'x', 1, STORE_WANTED_BODY);
    struct lane lane = load();
    struct lane_item *item = &lane.items[2];
    ck_assert_uint_eq(item->ordinal, last);
    item->state.step = STORE_HELD;
    item->state.code = "conflict";
    item->dirty = true;
    OK(lane_save(&lane, &error));
    ck_assert(!item->dirty);
    lane = load();
    ck_assert_int_eq(item_of(&lane, 'i')->state.step, STORE_HELD);
    ck_assert_int_eq(item_of(&lane, 'g')->state.step, STORE_WAITING);
    ck_assert_int_eq(item_of(&lane, 'h')->state.step, STORE_WAITING);
}
END_TEST

START_TEST(a_record_that_is_lost_leaves_its_resources_without_one) {
    put_said(77, 'g', 'x', 1, STORE_WANTED_BODY);
    struct lane lane = load();
    ck_assert_ptr_null(lane.items[0].record);
}
END_TEST

START_TEST(a_withdrawal_is_another_content_than_its_body) {
    unsigned char body[STORE_HASH], ended[STORE_HASH], error_key[STORE_HASH];
    put_said(put_record("a"), 'g', 'x', 1, STORE_WANTED_BODY);
    struct lane lane = load();
    struct lane_item *item = &lane.items[0];
    lane_wanted_key(item, body);
    ck_assert(lane_is_wanted(item, true, STORE_WANTED_BODY, body));
    ck_assert(!lane_is_wanted(item, false, STORE_WANTED_BODY, body));
    ck_assert(!lane_is_wanted(item, true, STORE_WANTED_ENDED, body));
    item->wanted = STORE_WANTED_ENDED;
    lane_wanted_key(item, ended);
    item->wanted = STORE_WANTED_ERROR;
    lane_wanted_key(item, error_key);
    ck_assert_mem_ne(body, ended, STORE_HASH);
    ck_assert_mem_ne(ended, error_key, STORE_HASH);
    ck_assert(!lane_is_wanted(item, true, STORE_WANTED_ERROR, ended));
}
END_TEST

START_TEST(bodies_are_read_once_and_a_missing_one_is_damage) {
    const struct store_bytes bodies[] = { { "{\"a\":1}", 7 }, { "{", 1 } };
    uint32_t sequence;
    OK(store->calls->bodies_put(store, patient, bodies, 2, &sequence, &error));
    struct lane lane = load();
    struct tree *one = lane_body(&lane, (struct store_body_at) { sequence, 0 }, &error);
    struct tree *two = lane_body(&lane, (struct store_body_at) { sequence, 0 }, &error);
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_ne(one, two);
    ck_assert_ptr_null(lane_body(&lane, (struct store_body_at) { sequence, 2 }, &error));
    ck_assert_str_eq(error.code, "store-damaged");
    error_clear(&error);
    ck_assert_ptr_null(lane_body(&lane, (struct store_body_at) { 0, 0 }, &error));
    ck_assert_str_eq(error.code, "store-damaged");
    error_clear(&error);
    ck_assert_ptr_null(lane_body(&lane, (struct store_body_at) { sequence, 1 }, &error));
    ck_assert_str_eq(error.code, "store-damaged");
}
END_TEST

START_TEST(a_uuid_is_read_back_as_it_was_written) {
    unsigned char uuid[STORE_UUID], again[STORE_UUID];
    char text[37];
    for (int i = 0; i < STORE_UUID; i++)
        uuid[i] = (unsigned char)(i * 17);
    lane_uuid_text(uuid, text);
    ck_assert_str_eq(text, "00112233-4455-6677-8899-aabbccddeeff");
    ck_assert(lane_uuid_read(text, again));
    ck_assert_mem_eq(uuid, again, STORE_UUID);
    ck_assert(!lane_uuid_read("00112233-4455-6677-8899-AABBCCDDEEFF", again));
    ck_assert(!lane_uuid_read("00112233x4455-6677-8899-aabbccddeeff", again));
    ck_assert(!lane_uuid_read("0011223g-4455-6677-8899-aabbccddeeff", again));
    ck_assert(!lane_uuid_read("001122334455-6677-8899-aabbccddeeff-", again));
}
END_TEST

START_TEST(what_only_another_target_s_job_says_is_no_item) {
    uint64_t ours = put_record("a"), theirs = put_record_of("weekly", "b");
    put_said(theirs, 'g', 'x', 1, STORE_WANTED_BODY);
    put_said(ours, 'h', 'y', 1, STORE_WANTED_BODY);
    put_said(theirs, 'i', 'z', 1, STORE_WANTED_BODY);
    struct lane lane = load();
    const unsigned char uuid[STORE_UUID] = { 'g' };
    ck_assert_uint_eq(lane.count, 1);
    ck_assert(item_of(&lane, 'h')->routed);
    ck_assert_ptr_null(lane_find(&lane, uuid));
}
END_TEST

START_TEST(of_a_shared_resource_only_records_that_go_to_the_target_decide) {
    uint64_t theirs = put_record_of("weekly", "b"), ours = put_record("a");
    uint32_t first = put_said(theirs, 'g', 'x', 9, STORE_WANTED_BODY);
    put_said(ours, 'g', 'y', 1, STORE_WANTED_BODY);
    struct lane lane = load();
    const struct lane_item *item = item_of(&lane, 'g');
    ck_assert_int_eq(item->said->hash[0], 'y');
    ck_assert(item->routed && !item->contradicted);
    ck_assert_uint_eq(item->ordinal, first); /* its state stands where it stands for all targets */
    ck_assert_uint_eq(item->record->no, ours);
}
END_TEST

START_TEST(equal_dates_of_records_that_go_elsewhere_contradict_nothing) {
    uint64_t ours = put_record("a"), theirs = put_record_of("weekly", "b");
    put_said(ours, 'g', 'y', 1, STORE_WANTED_BODY);
    put_said(theirs, 'g', 'x', 1, STORE_WANTED_BODY);
    ck_assert_int_eq(decider(), 'y');
}
END_TEST

START_TEST(what_stands_at_a_target_stays_an_item_when_its_job_leaves_that_target) {
    uint64_t theirs = put_record_of("weekly", "b");
    struct store_state s = { .target = target,
                             .patient = patient,
                             .ordinal = put_said(theirs, 'g', 'x', 1, STORE_WANTED_BODY),
                             .code = "",
                             .detail = "",
                             .decision = "",
                             .attempt_version = "",
                             .attempt_chart = "",
                             .server_id = "17",
                             .version = "",
                             .chart = "" };
    OK(store->calls->state_put(store, &s, &error));
    struct lane lane = load();
    const struct lane_item *item = item_of(&lane, 'g');
    ck_assert(!item->routed);
    ck_assert_str_eq(item->state.server_id, "17");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("lane");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_patient_that_is_not_there_is_told);
    tcase_add_test(all, a_lane_without_resources_has_none);
    tcase_add_test(all, what_several_records_say_is_one_under_its_lowest_ordinal);
    tcase_add_test(all, the_later_own_date_decides_whatever_came_first);
    tcase_add_test(all, equal_dates_that_differ_contradict_and_a_later_one_ends_that);
    tcase_add_test(all, a_body_beats_a_withdrawal_and_a_withdrawal_beats_silence);
    tcase_add_test(all, states_find_their_items_also_when_shared);
    tcase_add_test(all, a_record_that_is_lost_leaves_its_resources_without_one);
    tcase_add_test(all, a_withdrawal_is_another_content_than_its_body);
    tcase_add_test(all, bodies_are_read_once_and_a_missing_one_is_damage);
    tcase_add_test(all, a_uuid_is_read_back_as_it_was_written);
    tcase_add_test(all, what_only_another_target_s_job_says_is_no_item);
    tcase_add_test(all, of_a_shared_resource_only_records_that_go_to_the_target_decide);
    tcase_add_test(all, equal_dates_of_records_that_go_elsewhere_contradict_nothing);
    tcase_add_test(all, what_stands_at_a_target_stays_an_item_when_its_job_leaves_that_target);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
