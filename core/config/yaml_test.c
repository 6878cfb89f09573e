/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the YAML reader: strict scalars, positions, bounds. */
#include "core/config/yaml.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct report report;
static void tear_down(void) {
    arena_free(&arena);
    report_free(&report);
    report = (struct report) { 0 };
}

/* Read a text; as compact JSON, or the first finding's place. */
static const char *read_text(const char *text) {
    static char out[512];
    struct str json = { 0 };
    struct tree *t = yaml_read(&arena, text, strlen(text), "f", &report);
    if (t)
        json_write(&json, t, JSON_COMPACT);
    snprintf(out, sizeof out, "%s",
             t              ? json.data
             : report.count ? report.entries[0].error.where
                            : "nothing");
    str_free(&json);
    return out;
}

START_TEST(scalars_are_typed_as_in_json) {
    ck_assert_str_eq(read_text("a: 1\nb: 0.10\nc: true\nd: null\ne: text here\nf: \"1\"\ng: "
                               "2026-01-12\nh: [x, -2e3]\n"),
                     "{\"a\":1,\"b\":0.10,\"c\":true,\"d\":null,\"e\":\"text "
                     "here\",\"f\":\"1\",\"g\":\"2026-01-12\",\"h\":[\"x\",-2e3]}");
}
END_TEST

START_TEST(json_is_yaml_too) {
    ck_assert_str_eq(read_text("{\"a\": [1, {\"b\": \"\\u00e4\"}]}"),
                     "{\"a\":[1,{\"b\":\"\xc3\xa4\"}]}");
}
END_TEST

START_TEST(ambiguous_words_are_refused_with_their_place) {
    ck_assert_str_eq(read_text("a: no\n"), "f:1:4");
    tear_down();
    ck_assert_str_eq(read_text("a: ok\nb: 012\n"), "f:2:4");
    tear_down();
    ck_assert_str_eq(read_text("a: [Yes]\n"), "f:1:5");
}
END_TEST

START_TEST(duplicate_keys_tags_merges_and_second_documents_are_refused) {
    static const char *const texts[] = {
        "a: 1\na: 2\n",      "a: !!int 3\n", "x: &x {b: 1}\ny: {<<: *x}\n",
        "a: 1\n---\nb: 2\n", "a: *none\n",   "",
        "a: [1\n",           "\ta: 1\n"
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(!yaml_read(&arena, texts[i], strlen(texts[i]), "f", &report) && report.errors,
                      "%s", texts[i]);
        tear_down();
    }
}
END_TEST

START_TEST(all_faults_of_a_file_are_listed) {
    read_text("a: no\nb: yes\nc: 007\n");
    ck_assert_uint_eq(report.errors, 3);
}
END_TEST

START_TEST(positions_point_at_the_text) {
    const char *text = "a:\n  b: \"{{ x }}\"\n";
    struct tree *t = yaml_read(&arena, text, strlen(text), "f", &report);
    const struct tree *b = tree_pointer(t, "/a/b");
    ck_assert_uint_eq(b->line, 2);
    ck_assert_uint_eq(b->column, 7);
}
END_TEST

START_TEST(aliases_copy_and_their_growth_is_bounded) {
    ck_assert_str_eq(read_text("a: &x {k: 1}\nb: *x\n"), "{\"a\":{\"k\":1},\"b\":{\"k\":1}}");
    struct str bomb = { 0 };
    str_puts(&bomb, "a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (char c = 'b'; c < 'z'; c++)
        str_printf(&bomb, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c - 1, c - 1, c - 1,
                   c - 1, c - 1, c - 1);
    ck_assert_str_eq(read_text(bomb.data), "f:7:12");
    ck_assert_ptr_nonnull(strstr(report.entries[0].error.text, "without aliases of aliases"));
    ck_assert_uint_lt(arena.used, 64u << 20);
    str_free(&bomb);
}
END_TEST

START_TEST(a_long_text_is_not_repeated_without_bound) {
    struct str bomb = { 0 };
    str_puts(&bomb, "a: &a ");
    for (int i = 0; i < 1 << 20; i++)
        str_putc(&bomb, 'x');
    str_puts(&bomb, "\nb: [");
    for (int i = 0; i < 1000; i++)
        str_puts(&bomb, "*a, ");
    str_puts(&bomb, "1]\n");
    ck_assert_ptr_null(yaml_read(&arena, bomb.data, bomb.length, "f", &report));
    ck_assert_uint_eq(report.errors, 1);
    ck_assert_uint_lt(arena.used, 64u << 20);
    str_free(&bomb);
}
END_TEST

START_TEST(aliases_do_not_nest_deeper_than_a_file_may) {
    struct str deep = { 0 };
    str_puts(&deep, "a0: &a0 [x]\n");
    for (int i = 1; i < 100; i++)
        str_printf(&deep, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    ck_assert_ptr_null(yaml_read(&arena, deep.data, deep.length, "f", &report));
    ck_assert_uint_eq(report.errors, 1);
    str_free(&deep);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("yaml");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, tear_down);
    tcase_add_test(all, scalars_are_typed_as_in_json);
    tcase_add_test(all, json_is_yaml_too);
    tcase_add_test(all, ambiguous_words_are_refused_with_their_place);
    tcase_add_test(all, duplicate_keys_tags_merges_and_second_documents_are_refused);
    tcase_add_test(all, all_faults_of_a_file_are_listed);
    tcase_add_test(all, positions_point_at_the_text);
    tcase_add_test(all, aliases_copy_and_their_growth_is_bounded);
    tcase_add_test(all, a_long_text_is_not_repeated_without_bound);
    tcase_add_test(all, aliases_do_not_nest_deeper_than_a_file_may);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
