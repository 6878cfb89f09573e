/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the pipe: what goes in comes out, and what is no message is refused. */
#include "core/sync/pipe.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;
static struct iptfhir_error error;
static struct str out;

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
}

static void tear_down(void) {
    arena_free(&arena);
    str_free(&out);
}

/* Writes a message and reads it back. */
static struct pipe_message back(const struct pipe_message *m) {
    struct pipe_message got;
    str_clear(&out);
    pipe_write(&out, m);
    ck_assert(!out.failed);
    ck_assert_msg(pipe_read(out.data + 4, out.length - 4, &arena, &got, &error), "%s", error.text);
    ck_assert_int_eq(got.type, m->type);
    return got;
}

static const struct store_reference references[] = { { "Goal", "0123456789abcde" },
                                                     { "Condition", "fedcba987654321" } };
static const struct intake_resource resources[] = {
    { .type = "CarePlan",
      .uuid = "aaaaaaaaaaaaaaa",
      .system = "urn:s",
      .value = "v",
      .data_class = "plan",
      .owner = INTAKE_PATIENT,
      .as_of_ms = -5,
      .body = { "{\"a\":\"\\u0000\"}", 14 },
      .code = "invalid",
      .detail = "CarePlan.status",
      .references = references,
      .reference_count = 2 },
    { .type = "Goal",
      .system = "",
      .value = "",
      .data_class = "",
      .body = { "{}", 2 },
      .code = "",
      .detail = "" },
};
static const struct intake_part parts[] = { { "/goals/0", "total-mismatch", "the total differs" } };
static const struct intake_record record = { .id = "r1",
                                             .local_id = "p1",
                                             .unit = "file",
                                             .order = -1,
                                             .revision_ms = 1700000000123,
                                             .content = "0123456789abcde",
                                             .facts = { "{\"consents\":[]}", 15 },
                                             .resources = resources,
                                             .resource_count = 2,
                                             .parts = parts,
                                             .part_count = 1 };

START_TEST(a_record_comes_out_as_it_went_in) {
    struct pipe_message got =
        back(&(struct pipe_message) { .type = PIPE_RECORD, .records = &record, .count = 1 });
    const struct intake_record *r = got.records;
    ck_assert_str_eq(r->id, "r1");
    ck_assert_str_eq(r->local_id, "p1");
    ck_assert_str_eq(r->unit, "file");
    ck_assert_int_eq(r->order, -1);
    ck_assert_int_eq(r->revision_ms, 1700000000123);
    ck_assert_mem_eq(r->content, record.content, STORE_HASH);
    ck_assert_str_eq(r->facts.data, record.facts.data);
    ck_assert_uint_eq(r->part_count, 1);
    ck_assert_str_eq(r->parts[0].place, "/goals/0");
    ck_assert_uint_eq(r->resource_count, 2);
    ck_assert_str_eq(r->resources[0].type, "CarePlan");
    ck_assert_mem_eq(r->resources[0].uuid, resources[0].uuid, STORE_UUID);
    ck_assert_int_eq(r->resources[0].owner, INTAKE_PATIENT);
    ck_assert_int_eq(r->resources[0].as_of_ms, -5);
    ck_assert_str_eq(r->resources[0].body.data, resources[0].body.data);
    ck_assert_str_eq(r->resources[0].code, "invalid");
    ck_assert_uint_eq(r->resources[0].reference_count, 2);
    ck_assert_str_eq(r->resources[0].references[1].type, "Condition");
    ck_assert_mem_eq(r->resources[0].references[1].uuid, references[1].uuid, STORE_UUID);
    ck_assert_uint_eq(r->resources[1].reference_count, 0);
}
END_TEST

START_TEST(questions_and_answers_come_out_as_they_went_in) {
    const struct intake_record asked[2] = { record, record };
    struct pipe_message got =
        back(&(struct pipe_message) { .type = PIPE_ASK, .records = asked, .count = 2 });
    ck_assert_uint_eq(got.count, 2);
    ck_assert_str_eq(got.records[1].id, "r1");
    ck_assert_uint_eq(got.records[1].resource_count, 0);
    const bool same[3] = { true, false, true };
    got = back(&(struct pipe_message) { .type = PIPE_ANSWER, .same = same, .count = 3 });
    ck_assert_uint_eq(got.count, 3);
    ck_assert(got.same[0] && !got.same[1] && got.same[2]);
}
END_TEST

START_TEST(small_messages_come_out_as_they_went_in) {
    const struct pipe_alias alias = { "p2", "p1" };
    struct pipe_message got = back(&(struct pipe_message) {
        .type = PIPE_WELCOME, .version = 1, .aliases = &alias, .count = 1 });
    ck_assert_ptr_null(got.cursor.data);
    ck_assert_str_eq(got.aliases[0].identity, "p1");
    got = back(&(struct pipe_message) {
        .type = PIPE_HELLO, .version = 1, .whole_units = true, .settings = "c0ffee" });
    ck_assert(got.whole_units && !got.whole_records);
    ck_assert_str_eq(got.settings, "c0ffee");
    got = back(&(struct pipe_message) { .type = PIPE_CURSOR, .cursor = { "", 0 } });
    ck_assert_str_eq(got.cursor.data, "");
    got = back(&(struct pipe_message) {
        .type = PIPE_HOLD, .hold = { "", "u", "r", "u:1", "record" }, .detail = "broken" });
    ck_assert_str_eq(got.hold.place, "u:1");
    ck_assert_ptr_null(got.facts.data);
    got = back(&(struct pipe_message) { .type = PIPE_END, .whole = true });
    ck_assert(got.whole);
    got = back(&(struct pipe_message) { .type = PIPE_PRESENT, .unit = "u" });
    ck_assert_str_eq(got.unit, "u");
}
END_TEST

/* The messages that the hostile ones are made from. */
static void write_sample(int which) {
    const struct intake_record asked[2] = { record, record };
    const bool same[3] = { true, false, true };
    const struct pipe_alias alias = { "p2", "p1" };
    const struct pipe_message samples[] = {
        { .type = PIPE_RECORD, .records = &record, .count = 1 },
        { .type = PIPE_ASK, .records = asked, .count = 2 },
        { .type = PIPE_ANSWER, .same = same, .count = 3 },
        { .type = PIPE_WELCOME, .version = 1, .aliases = &alias, .count = 1 },
        { .type = PIPE_HOLD, .hold = { "", "u", "r", "u:1", "record" }, .detail = "broken" },
        { .type = PIPE_HELLO, .version = 1, .settings = "c0ffee" },
    };
    str_clear(&out);
    pipe_write(&out, &samples[(size_t)which % (sizeof samples / sizeof *samples)]);
}

static uint64_t random_number(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

START_TEST(a_message_that_is_cut_short_is_refused) {
    for (int which = 0; which < 6; which++) {
        write_sample(which);
        for (size_t length = 0; length + 4 < out.length; length++) {
            struct pipe_message got;
            struct iptfhir_error why = ERROR_INIT;
            ck_assert(!pipe_read(out.data + 4, length, &arena, &got, &why));
            ck_assert_str_eq(why.code, "pipe");
        }
        arena_reset(&arena);
    }
}
END_TEST

START_TEST(hostile_bytes_are_refused_or_read_within_bounds) {
    uint64_t seed = 42;
    size_t refused = 0;
    for (int i = 0; i < 60000; i++) {
        struct pipe_message got;
        struct iptfhir_error why = ERROR_INIT;
        write_sample(i);
        size_t changes = 1 + random_number(&seed) % 4;
        for (size_t n = 0; n < changes; n++)
            out.data[4 + random_number(&seed) % (out.length - 4)] = (char)random_number(&seed);
        bool read = pipe_read(out.data + 4, out.length - 4, &arena, &got, &why);
        refused += !read;
        ck_assert(read || error_is_set(&why));
        ck_assert_uint_lt(arena.used, 1 << 16); /* no length makes room that has no bytes */
        arena_reset(&arena);
    }
    ck_assert_uint_gt(refused, 10000);
}
END_TEST

START_TEST(messages_cross_in_pieces_and_in_order) {
    int ends[2];
    struct pipe a, b;
    ck_assert_msg(pipe_pair(ends, &error), "%s", error.text);
    pipe_open(&a, ends[0]);
    pipe_open(&b, ends[1]);
    uint32_t come = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        struct pipe_message got;
        bool there = true;
        const struct pipe_message sent = { .type = PIPE_HELLO, .version = i };
        ck_assert(pipe_put(&a, &sent, &error));
        ck_assert(pipe_push(&a, SIZE_MAX, 0, &error));
        while (i % 512 == 511 && there) {
            ck_assert(pipe_push(&a, SIZE_MAX, 0, &error));
            ck_assert(pipe_get(&b, 0, &arena, &got, &there, &error));
            if (there)
                ck_assert_uint_eq(got.version, come);
            come += there;
        }
    }
    close(ends[0]);
    ck_assert_uint_gt(come, 10000);
    pipe_close(&a);
    pipe_close(&b);
    close(ends[1]);
}
END_TEST

START_TEST(a_message_larger_than_a_socket_takes_goes_through) {
    int ends[2];
    struct pipe a, b;
    struct pipe_message got;
    bool there = false;
    ck_assert(pipe_pair(ends, &error));
    pipe_open(&a, ends[0]);
    pipe_open(&b, ends[1]);
    char *large = malloc(3000000);
    memset(large, 'x', 2999999);
    large[2999999] = '\0';
    const struct pipe_message sent = { .type = PIPE_PRESENT, .unit = large };
    ck_assert(pipe_put(&a, &sent, &error));
    while (!there) {
        ck_assert(pipe_push(&a, SIZE_MAX, 0, &error));
        ck_assert(pipe_get(&b, 0, &arena, &got, &there, &error));
    }
    ck_assert_str_eq(got.unit, large);
    free(large);
    pipe_close(&a);
    pipe_close(&b);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_message_that_no_one_would_read_is_not_sent) {
    enum { MIB = 1 << 20, MANY = 257 };
    int ends[2];
    struct pipe a, b;
    struct pipe_message got;
    bool there = false;
    static struct intake_resource many[MANY];
    char *body = malloc(MIB);
    ck_assert_ptr_nonnull(body);
    memset(body, 'x', MIB);
    for (size_t i = 0; i < MANY; i++) {
        many[i] = resources[0];
        many[i].body = (struct store_bytes) { body, MIB };
    }
    struct intake_record large = record;
    large.resources = many;
    large.resource_count = MANY;
    ck_assert(pipe_pair(ends, &error));
    pipe_open(&a, ends[0]);
    pipe_open(&b, ends[1]);
    const struct pipe_message refused = { .type = PIPE_RECORD, .records = &large, .count = 1 };
    ck_assert(!pipe_put(&a, &refused, &error));
    ck_assert_str_eq(error.code, "record-too-large");
    error_clear(&error);
    const struct pipe_message next = { .type = PIPE_PRESENT, .unit = "u" };
    ck_assert(pipe_put(&a, &next, &error));
    ck_assert(pipe_push(&a, 0, 1000, &error));
    ck_assert(pipe_get(&b, 1000, &arena, &got, &there, &error) && there);
    ck_assert_str_eq(got.unit, "u");
    free(body);
    pipe_close(&a);
    pipe_close(&b);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_process_that_dies_in_mid_message_is_told_from_one_that_closes) {
    int ends[2];
    struct pipe b;
    struct pipe_message got;
    bool there = true;
    ck_assert(pipe_pair(ends, &error));
    pipe_open(&b, ends[1]);
    close(ends[0]);
    ck_assert(pipe_get(&b, 1000, &arena, &got, &there, &error));
    ck_assert(!there && b.ended);
    pipe_close(&b);
    close(ends[1]);
    ck_assert(pipe_pair(ends, &error));
    pipe_open(&b, ends[1]);
    ck_assert_int_eq(write(ends[0], "\x10\0\0\0\x01", 5), 5);
    close(ends[0]);
    ck_assert(!pipe_get(&b, 1000, &arena, &got, &there, &error));
    ck_assert_str_eq(error.code, "pipe");
    pipe_close(&b);
    close(ends[1]);
}
END_TEST

START_TEST(what_a_process_said_before_it_ended_is_read_though_it_hears_nothing) {
    int ends[2];
    struct pipe a, b;
    struct pipe_message got;
    bool there = false;
    const struct pipe_message end = { .type = PIPE_END, .whole = true };
    const struct pipe_message cursor = { .type = PIPE_CURSOR, .cursor = { "1", 1 } };
    ck_assert(pipe_pair(ends, &error));
    pipe_open(&a, ends[0]);
    pipe_open(&b, ends[1]);
    ck_assert(pipe_put(&a, &cursor, &error));
    ck_assert(pipe_put(&a, &end, &error));
    ck_assert(pipe_push(&a, 0, 1000, &error));
    ck_assert(pipe_get(&b, 1000, &arena, &got, &there, &error) && there);
    b.taken = b.in.length = 0; /* as if the rest had not come yet */
    ck_assert(pipe_put(&a, &end, &error));
    ck_assert(pipe_push(&a, 0, 1000, &error));
    close(ends[0]);
    ck_assert(pipe_put(&b, &cursor, &error));
    ck_assert_msg(pipe_get(&b, 1000, &arena, &got, &there, &error), "%s", error.text);
    ck_assert(there);
    ck_assert_int_eq(got.type, PIPE_END);
    pipe_close(&a);
    pipe_close(&b);
    close(ends[1]);
}
END_TEST

START_TEST(a_length_beyond_all_bounds_ends_the_connection) {
    int ends[2];
    struct pipe b;
    struct pipe_message got;
    bool there = true;
    ck_assert(pipe_pair(ends, &error));
    pipe_open(&b, ends[1]);
    ck_assert_int_eq(write(ends[0], "\xff\xff\xff\xff\x01", 5), 5);
    ck_assert(!pipe_get(&b, 1000, &arena, &got, &there, &error));
    ck_assert_str_eq(error.code, "pipe");
    pipe_close(&b);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("the pipe");
    TCase *c = tcase_create("messages");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_record_comes_out_as_it_went_in);
    tcase_add_test(c, questions_and_answers_come_out_as_they_went_in);
    tcase_add_test(c, small_messages_come_out_as_they_went_in);
    tcase_add_test(c, a_message_that_is_cut_short_is_refused);
    tcase_add_test(c, hostile_bytes_are_refused_or_read_within_bounds);
    tcase_add_test(c, messages_cross_in_pieces_and_in_order);
    tcase_add_test(c, a_message_larger_than_a_socket_takes_goes_through);
    tcase_add_test(c, a_message_that_no_one_would_read_is_not_sent);
    tcase_add_test(c, a_process_that_dies_in_mid_message_is_told_from_one_that_closes);
    tcase_add_test(c, what_a_process_said_before_it_ended_is_read_though_it_hears_nothing);
    tcase_add_test(c, a_length_beyond_all_bounds_ends_the_connection);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
