/* SPDX-License-Identifier: Apache-2.0 */
/* The index of lines: what is an id, ids of one hash, growth, and files that change under it. */
#include "lines.c"

#include <check.h>

static int file;
static struct lines lines;

static void set_up(void) {
    char path[] = "/tmp/target-file-lines-XXXXXX";
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    (void)unlink(path);
    lines_open(&lines, file);
}

static void tear_down(void) {
    lines_close(&lines);
    (void)close(file);
}

/* Appends a text and takes it in. */
static void grow_file(const char *text) {
    off_t end = lseek(file, 0, SEEK_END);
    ck_assert_int_eq(pwrite(file, text, strlen(text), end), (ssize_t)strlen(text));
    ck_assert(lines_update(&lines, "/tmp", end + (off_t)strlen(text)));
}

/* Asserts the last line of an id and how many there are. */
static void holds(const char *id, int64_t count, const char *text) {
    struct line line;
    ck_assert(lines_find(&lines, id, &line));
    ck_assert_int_eq(line.count, count);
    if (text != NULL) {
        ck_assert_uint_eq(line.length, strlen(text));
        ck_assert_int_eq(memcmp(line.text, text, line.length), 0);
    }
}

#define A "6fb1f4ce-0000-5000-8000-000000000001"
#define B "6fb1f4ce-0000-5000-8000-000000000002"

START_TEST(the_last_line_of_an_id_is_found_and_its_lines_are_counted) {
    grow_file("{\"id\":\"" A "\",\"n\":1}\n{\"id\":\"" B "\"}\n");
    grow_file("{ \"a\" : [1,{\"id\":\"x\"}] , \"id\" : \"" A "\" }\n");
    holds(A, 2, "{ \"a\" : [1,{\"id\":\"x\"}] , \"id\" : \"" A "\" }");
    holds(B, 1, "{\"id\":\"" B "\"}");
    holds("6fb1f4ce-0000-5000-8000-000000000003", 0, NULL);
}
END_TEST

START_TEST(an_id_further_inside_or_as_a_value_is_none) {
    grow_file("{\"contained\":[{\"id\":\"" A "\"}],\"x\":\"id\",\"y\":\"" A "\"}\n"
              "{\"note\":\"\\\"id\\\":\\\"" A "\\\"\",\"reference\":\"Goal/" A "\"}\n"
              "\"id\":\"" A "\"\n[\"id\",\"" A "\"]\n{\"id\":\"short\"}\n{\"id\n\n");
    holds(A, 0, NULL);
}
END_TEST

START_TEST(a_last_line_without_its_end_is_taken_in_once_it_has_one) {
    grow_file("{\"id\":\"" A);
    holds(A, 0, NULL);
    grow_file("\"}\n");
    holds(A, 1, "{\"id\":\"" A "\"}");
}
END_TEST

START_TEST(lines_that_are_longer_than_any_block_are_found) {
    size_t length = 3 * BLOCK;
    char *text = malloc(length + 100);
    ck_assert_ptr_nonnull(text);
    size_t used = (size_t)sprintf(text, "{\"text\":\"");
    memset(text + used, 'x', length);
    (void)sprintf(text + used + length, "\",\"id\":\"" A "\"}\n");
    grow_file(text);
    text[strlen(text) - 1] = '\0';
    holds(A, 1, text);
    free(text);
}
END_TEST

START_TEST(a_file_that_was_cut_is_indexed_anew) {
    grow_file("{\"id\":\"" A "\"}\n{\"id\":\"" B "\"}\n");
    off_t first = (off_t)strlen("{\"id\":\"" A "\"}\n");
    ck_assert_int_eq(ftruncate(file, first), 0);
    ck_assert(lines_update(&lines, "/tmp", first));
    holds(A, 1, NULL);
    holds(B, 0, NULL);
}
END_TEST

START_TEST(the_index_grows_and_nothing_is_lost) {
    char text[80], id[LINES_ID + 1];
    grow_file("");
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(text, sizeof text, "{\"id\":\"6fb1f4ce-0000-5000-8000-%012d\"}\n", i);
        grow_file(text);
    }
    uint64_t before = lines.capacity;
    lines.count = lines.capacity; /* as if it were full */
    grow_file("{\"id\":\"" A "\"}\n");
    ck_assert_uint_eq(lines.capacity, before * GROWTH);
    for (int i = 2; i < 2000; i++) {
        (void)snprintf(id, sizeof id, "6fb1f4ce-0000-5000-8000-%012d", i);
        holds(id, 1, NULL);
    }
    holds(A, 2, NULL);
}
END_TEST

START_TEST(two_ids_of_one_hash_are_told_apart) {
    grow_file("{\"id\":\"" A "\"}\n");
    /* B's slot is made to follow one of its hash whose line is A's */
    const struct slot stranger = { hash_of(B), 0u << COUNT_BITS | 1 };
    ck_assert(put_slot(lines.index, lines.capacity, stranger));
    holds(B, 0, NULL);
    grow_file("{\"id\":\"" B "\"}\n");
    holds(B, 1, "{\"id\":\"" B "\"}");
    holds(A, 1, "{\"id\":\"" A "\"}");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target-file lines");
    TCase *c = tcase_create("lines");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, the_last_line_of_an_id_is_found_and_its_lines_are_counted);
    tcase_add_test(c, an_id_further_inside_or_as_a_value_is_none);
    tcase_add_test(c, a_last_line_without_its_end_is_taken_in_once_it_has_one);
    tcase_add_test(c, lines_that_are_longer_than_any_block_are_found);
    tcase_add_test(c, a_file_that_was_cut_is_indexed_anew);
    tcase_add_test(c, the_index_grows_and_nothing_is_lost);
    tcase_add_test(c, two_ids_of_one_hash_are_told_apart);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
