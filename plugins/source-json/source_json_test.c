/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of source-json against a mock host and sink. */
#include "scan.c"
#include "source_json.c"
#include "tests/mock_host.h"

#include <check.h>
#include <fcntl.h>
#include <time.h>

static struct mock_host mock;
static struct mock_records records;
static char folder[] = "/tmp/source_json_XXXXXX";
static struct source_json instance;

static void setup(void) {
    strcpy(folder, "/tmp/source_json_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    mock_host_open(&mock);
    mock_records_open(&records);
    instance = (struct source_json) { .path = folder, .max_record_bytes = 2000 };
    ck_assert_int_eq(iptfhir_plugin.init(&instance, &mock.host, NULL), IPTFHIR_OK);
}

static void teardown(void) {
    char command[64];
    mock_records_close(&records);
    mock_host_close(&mock);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Writes a file and makes it `age` seconds old. */
static void put(const char *name, const char *text, size_t length, time_t age) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
    struct timespec times[2] = { { time(NULL) - age, 0 }, { time(NULL) - age, 0 } };
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static iptfhir_status run(const char *cursor) {
    struct iptfhir_error error = { .size = sizeof error };
    mock_records_close(&records);
    mock_records_open(&records);
    return iptfhir_plugin.source->poll(&instance, cursor, &records.sink, &error);
}

static void read_text(const char *name, const char *text) {
    put(name, text, strlen(text), 100);
    ck_assert_int_eq(run(NULL), IPTFHIR_OK);
}

/* Checks the n-th record; leading padding is not looked at. */
static void record_is(size_t n, int64_t line, const char *text) {
    const struct mock_event *e = mock_event(&records, MOCK_RECORD, n);
    ck_assert_msg(e != NULL, "record %zu is missing", n);
    ck_assert_str_eq(e->text + strspn(e->text, " "), text);
    ck_assert_int_eq(e->line, line);
}

static void hold_is(size_t n, int64_t line, const char *code) {
    const struct mock_event *e = mock_event(&records, MOCK_HOLD, n);
    ck_assert_msg(e != NULL, "hold %zu is missing", n);
    ck_assert_str_eq(e->code, code);
    ck_assert_int_eq(e->line, line);
}

START_TEST(a_file_holds_one_record_an_array_or_lines) {
    read_text("a.json", "\xEF\xBB\xBF\n {\"a\":\n1}\n");
    ck_assert_uint_eq(records.records, 1);
    record_is(0, 2, "{\"a\":\n1}");
    ck_assert_uint_eq(strspn(mock_event(&records, MOCK_RECORD, 0)->text, " "),
                      1); /* its column is kept */
    read_text("a.json", "[{\"a\":\"],[}{\\\"\"},\n\n  {\"b\":[{}]} ,{}]\n");
    ck_assert_uint_eq(records.records, 3);
    ck_assert_uint_eq(records.holds, 0);
    record_is(0, 1, "{\"a\":\"],[}{\\\"\"}");
    record_is(1, 3, "{\"b\":[{}]}");
    record_is(2, 3, "{}");
    read_text("a.json", "{\"a\":1}\r\n\r\n{\"b\":2}"); /* lines, whatever the name */
    ck_assert_uint_eq(records.records, 2);
    record_is(1, 3, "{\"b\":2}");
    read_text("a.json", "[]");
    ck_assert_uint_eq(records.records + records.holds, 0);
    read_text("a.json", "{\n}{\n}");
    ck_assert_uint_eq(records.records, 2);
    record_is(1, 2, "{\n}");
}
END_TEST

START_TEST(a_broken_line_does_not_touch_the_next) {
    read_text("a.ndjson", "{\"a\":1}\n{\"broken\n{\"c\":3}\n");
    ck_assert_uint_eq(records.records, 3); /* the core holds the second, it knows the column */
    record_is(1, 2, "{\"broken");
    record_is(2, 3, "{\"c\":3}");
}
END_TEST

START_TEST(a_broken_element_is_held_and_the_next_one_found) {
    read_text("a.json", "[{\"a\":1},\n{\"x\":[1,2},\n{\"q\":\"no end\n},\n{\"c\":3}]");
    ck_assert_uint_eq(records.records, 2);
    ck_assert_uint_eq(records.holds, 2);
    hold_is(0, 2, "json-invalid");
    hold_is(1, 3, "json-invalid");
    record_is(1, 5, "{\"c\":3}");
}
END_TEST

START_TEST(what_follows_a_closed_array_is_held_as_one) {
    read_text("a.json", "[{\"a\":1]},\n{\"b\":2}]\n");
    ck_assert_uint_eq(records.records, 0);
    ck_assert_uint_eq(records.holds, 2);
    hold_is(0, 1, "json-invalid");
    read_text("a.json", "[{}] {}");
    ck_assert_uint_eq(records.records, 1);
    hold_is(0, 1, "json-invalid");
}
END_TEST

START_TEST(missing_and_extra_commas_and_brackets_are_told) {
    read_text("a.json", "[{},\n,{},\n]");
    ck_assert_uint_eq(records.records, 2);
    hold_is(0, 2, "json-invalid");
    hold_is(1, 3, "json-invalid");
    read_text("a.json", "[{},\n{\"a\":");
    ck_assert_uint_eq(records.records, 1);
    hold_is(0, 2, "json-invalid");
    hold_is(1, 2, "json-incomplete");
    read_text("a.json", "[ {} {} ]");
    ck_assert_uint_eq(records.records, 1); /* one text, which the core refuses */
    record_is(0, 1, "{} {}");
}
END_TEST

START_TEST(a_record_that_is_too_large_is_held_and_the_rest_goes_on) {
    char text[9000] = "[{\"a\":\"";
    size_t n = strlen(text);
    memset(text + n, 'x', 5000);
    strcpy(text + n + 5000, "\"},\n{\"b\":2}]");
    read_text("a.json", text);
    ck_assert_uint_eq(records.records, 1);
    hold_is(0, 1, "record-too-large");
    record_is(0, 2, "{\"b\":2}");
    memmove(text, text + 1, strlen(text));
    text[strlen(text) - 1] = '\0';
    *strstr(text, ",\n") = ' ';
    read_text("b.ndjson", text);
    ck_assert_uint_eq(records.holds, 2); /* a.json again, and the line */
}
END_TEST

START_TEST(records_do_not_depend_on_where_the_chunks_end) {
    const char text[] = "\xEF\xBB\xBF[ {\"a\":\"\\\\\\\"]}\"},\n [1], {\"b\":[[]]}\n, \"x\" ]\n";
    for (size_t size = 1; size < 8; size++) {
        struct scan scan = {
            .sink = &records.sink, .file = "f", .max_bytes = 1000, .form = SCAN_JSON
        };
        mock_records_close(&records);
        mock_records_open(&records);
        for (size_t at = 0; at < sizeof text - 1; at += size)
            ck_assert_int_eq(scan_bytes(&scan, text + at,
                                        sizeof text - 1 - at < size ? sizeof text - 1 - at : size),
                             IPTFHIR_OK);
        ck_assert_int_eq(scan_end(&scan), IPTFHIR_OK);
        ck_assert_uint_eq(records.records, 4);
        ck_assert_uint_eq(records.holds, 0);
        record_is(0, 1, "{\"a\":\"\\\\\\\"]}\"}");
        record_is(2, 2, "{\"b\":[[]]}");
        record_is(3, 3, "\"x\"");
        scan_free(&scan);
    }
}
END_TEST

START_TEST(a_folder_is_read_by_name_and_unchanged_files_only_once) {
    put("b.ndjson", "{\"b\":1}\n", 8, 100);
    put("a.json", "{\"a\":1}", 7, 100);
    put("c.txt", "{}", 2, 100);
    put(".d.json", "{}", 2, 100);
    ck_assert_int_eq(run(NULL), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 2);
    ck_assert_str_eq(mock_event(&records, MOCK_RECORD, 0)->file, "a.json");
    ck_assert_uint_eq(records.cursors, 2);
    ck_assert_uint_eq(records.done, records.total);
    char *cursor = strdup(mock_event(&records, MOCK_CURSOR, 1)->text);
    ck_assert_int_eq(run(cursor), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 0);
    put("a.json", "{\"a\":2}", 7, 50);
    ck_assert_int_eq(run(cursor), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 1);
    record_is(0, 1, "{\"a\":2}");
    free(cursor);
}
END_TEST

START_TEST(a_file_is_in_the_cursor_only_when_it_was_read_whole) {
    char text[20000] = "";
    for (int i = 0; i < 1500; i++)
        strcat(text, "{\"a\":1}\n");
    put("a.ndjson", text, strlen(text), 100);
    put("b.json", "{}", 2, 100);
    records.stop_after = 0;
    ck_assert_int_eq(run(NULL), IPTFHIR_OK);
    ck_assert_uint_eq(records.cursors, 3);
    ck_assert_str_eq(mock_event(&records, MOCK_CURSOR, 0)->text,
                     ""); /* 1,500 records in, and the file not yet done */
    ck_assert_ptr_nonnull(strstr(mock_event(&records, MOCK_CURSOR, 1)->text, "a.ndjson\t12000\t"));
    mock_records_close(&records);
    mock_records_open(&records);
    records.stop_after = 10;
    struct iptfhir_error error = { .size = sizeof error };
    ck_assert_int_eq(iptfhir_plugin.source->poll(&instance, NULL, &records.sink, &error),
                     IPTFHIR_RETRY);
    ck_assert_uint_eq(records.cursors, 0);
}
END_TEST

START_TEST(a_file_written_just_now_is_read_again) {
    put("a.json", "{}", 2, 0);
    ck_assert_int_eq(run(NULL), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 1);
    ck_assert_str_eq(mock_event(&records, MOCK_CURSOR, 0)->text, "");
}
END_TEST

START_TEST(names_with_tabs_and_line_feeds_keep_the_cursor_whole) {
    put("a\tb\n%.json", "{}", 2, 100);
    ck_assert_int_eq(run(NULL), IPTFHIR_OK);
    char *cursor = strdup(mock_event(&records, MOCK_CURSOR, 0)->text);
    ck_assert(strncmp(cursor, "a%09b%0a%25.json\t2\t", 19) == 0);
    ck_assert_int_eq(run(cursor), IPTFHIR_OK);
    ck_assert_uint_eq(records.records, 0);
    free(cursor);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_tried_later) {
    struct iptfhir_error error = { .size = sizeof error };
    instance.path = "/nonexistent/folder";
    ck_assert_int_eq(iptfhir_plugin.source->poll(&instance, NULL, &records.sink, &error),
                     IPTFHIR_RETRY);
    ck_assert_str_eq(error.code, "source-unreadable");
}
END_TEST

START_TEST(standard_input_has_no_cursor) {
    int pipes[2], saved = dup(STDIN_FILENO);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(write(pipes[1], "{\"a\":1}\n{\"b\":2}\n", 16), 16);
    close(pipes[1]);
    dup2(pipes[0], STDIN_FILENO);
    instance.path = "/nonexistent/-";
    ck_assert_int_eq(run("old"), IPTFHIR_OK);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(pipes[0]);
    ck_assert_uint_eq(records.records, 2);
    ck_assert_uint_eq(records.cursors, 0);
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("source-json");
    TCase *tests = tcase_create("source-json");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_file_holds_one_record_an_array_or_lines);
    tcase_add_test(tests, a_broken_line_does_not_touch_the_next);
    tcase_add_test(tests, a_broken_element_is_held_and_the_next_one_found);
    tcase_add_test(tests, what_follows_a_closed_array_is_held_as_one);
    tcase_add_test(tests, missing_and_extra_commas_and_brackets_are_told);
    tcase_add_test(tests, a_record_that_is_too_large_is_held_and_the_rest_goes_on);
    tcase_add_test(tests, records_do_not_depend_on_where_the_chunks_end);
    tcase_add_test(tests, a_folder_is_read_by_name_and_unchanged_files_only_once);
    tcase_add_test(tests, a_file_is_in_the_cursor_only_when_it_was_read_whole);
    tcase_add_test(tests, a_file_written_just_now_is_read_again);
    tcase_add_test(tests, names_with_tabs_and_line_feeds_keep_the_cursor_whole);
    tcase_add_test(tests, a_folder_that_is_not_there_is_tried_later);
    tcase_add_test(tests, standard_input_has_no_cursor);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
