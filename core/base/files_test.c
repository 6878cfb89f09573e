/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of listing the files of a folder, and of finding their lines in a cursor. */
#include "core/base/str.h"

#include <iptfhir/files.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const suffixes[] = { ".json", NULL };
static char folder[64];
static struct str cursor;
static struct iptfhir_files files;

static void set_up(void) {
    snprintf(folder, sizeof folder, "/tmp/files_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Takes the files that were listed last away, and the folder. */
static void tear_down(void) {
    for (size_t i = 0; i < files.count; i++)
        (void)unlink(files.list[i].path);
    iptfhir_files_free(&files);
    str_free(&cursor);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void make_file(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fclose(f), 0);
}

/* Lists the folder anew, with the cursor at hand. */
static void list(void) {
    iptfhir_files_free(&files);
    ck_assert(iptfhir_files_list(&files, folder, suffixes, cursor.data));
}

/* Asserts the name of a file and its line. */
static void is(size_t index, const char *name, const char *line) {
    ck_assert_uint_lt(index, files.count);
    ck_assert_str_eq(files.list[index].name, name);
    ck_assert_pstr_eq(files.list[index].line, line);
}

START_TEST(files_are_listed_by_name_without_lines_where_there_is_no_cursor) {
    make_file("b.json");
    make_file("a.json");
    list();
    ck_assert_uint_eq(files.count, 2);
    is(0, "a.json", NULL);
    is(1, "b.json", NULL);
}
END_TEST

START_TEST(each_file_has_its_own_line_in_whatever_order_they_stand) {
    make_file("a.json");
    make_file("a.json.json");
    make_file("b.json");
    make_file("c.json");
    str_printf(&cursor, "c.json\t3\nno line\na.json.json\t2\n\nz.json\t9\na.json\t1");
    list();
    is(0, "a.json", "a.json\t1");
    is(1, "a.json.json", "a.json.json\t2");
    is(2, "b.json", NULL);
    is(3, "c.json", "c.json\t3");
}
END_TEST

START_TEST(names_with_tabs_line_feeds_and_percent_signs_have_their_lines) {
    static const char *const names[] = { "\t.json", "\n.json", "%09.json", "a\tb.json" };
    for (size_t i = 0; i < 4; i++) {
        struct stat st = { .st_size = (off_t)i };
        make_file(names[i]);
        char *line = iptfhir_files_line(names[i], &st);
        ck_assert_ptr_nonnull(line);
        str_printf(&cursor, "%s\n", line);
        free(line);
    }
    list();
    for (size_t i = 0; i < 4; i++) {
        struct stat st = { .st_size = (off_t)i };
        char *line = iptfhir_files_line(names[i], &st);
        is(i, names[i], line);
        free(line);
    }
    char *again = iptfhir_files_cursor(&files);
    ck_assert_str_eq(again, cursor.data);
    free(again);
}
END_TEST

/* The processor time of listing the folder. */
static double cost(void) {
    struct timespec before, after;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
    list();
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* The one is compared with the other, so that the machine's speed has no say: a search of the
 * whole cursor for each file costs a hundred times as much here, and a reading of it once costs
 * hardly more. */
START_TEST(the_cursor_is_not_searched_from_its_start_for_each_file) {
    char name[32];
    for (int i = 0; i < 100000; i++)
        str_printf(&cursor, "%06d.json\t%d\n", i, i);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "z%03d.json", i);
        make_file(name);
    }
    double few = cost();
    for (int i = 4; i < 400; i++) {
        snprintf(name, sizeof name, "z%03d.json", i);
        make_file(name);
    }
    double many = cost();
    ck_assert_uint_eq(files.count, 400);
    ck_assert_msg(many < 20 * few, "4 files: %g s, 400 files: %g s", few, many);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("files");
    TCase *c = tcase_create("files");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, files_are_listed_by_name_without_lines_where_there_is_no_cursor);
    tcase_add_test(c, each_file_has_its_own_line_in_whatever_order_they_stand);
    tcase_add_test(c, names_with_tabs_line_feeds_and_percent_signs_have_their_lines);
    tcase_add_test(c, the_cursor_is_not_searched_from_its_start_for_each_file);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
