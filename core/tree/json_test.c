/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the JSON reader and writer. */
#include "core/tree/tree.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct str out;
static struct iptfhir_error error;

static void setup(void) {
    error = (struct iptfhir_error)ERROR_INIT;
}

static void teardown(void) {
    arena_free(&arena);
    str_free(&out);
}

static struct tree *parse(const char *text) {
    error_clear(&error);
    return json_read_copy(&arena, text, strlen(text), "f.json", &error);
}

static const char *written(const struct tree *node, enum json_style style) {
    str_clear(&out);
    json_write(&out, node, style);
    return out.data;
}

START_TEST(valid_texts_come_out_as_they_went_in) {
    const char *const texts[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "-0",
        "-1.50e+10",
        "0.010",
        "1E400",
        "true",
        "false",
        "null",
        "[[],{},[1,2,[3]]]",
        "{\"a\":null,\"b\":[true,false,\"x\"],\"\":1}",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
        "123456789012345678901234567890.1234567890123456789",
        NULL,
    };
    for (size_t i = 0; texts[i]; i++) {
        struct tree *node = parse(texts[i]);
        ck_assert_msg(node != NULL, "%s: %s", texts[i], error.text);
        ck_assert_str_eq(written(node, JSON_COMPACT), texts[i]);
    }
    ck_assert_str_eq(written(parse(" \t\r\n[ 1 , 2 ] \n"), JSON_COMPACT), "[1,2]");
    ck_assert_str_eq(written(parse("{\"a\":[1,{}],\"b\":[]}"), JSON_PRETTY),
                     "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}
END_TEST

START_TEST(escapes_are_resolved_and_surrogates_joined) {
    struct tree *node =
        parse("[\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\uD83D\\uDE00z\",\"tail\\n\"]");
    ck_assert_ptr_nonnull(node);
    ck_assert_str_eq(node->first->text, "a\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
    ck_assert_uint_eq(node->first->length, strlen(node->first->text));
    ck_assert_str_eq(node->last->text, "tail\n");
    ck_assert_str_eq(tree_text(parse("{\"n\\u0061me\":\"v\"}"), "name"), "v");
}
END_TEST

START_TEST(every_fault_is_refused_at_its_place) {
    static const struct {
        const char *text, *where, *code;
    } cases[] = {
        { "", "f.json:1:1", "json-invalid" },
        { " ", "f.json:1:2", "json-invalid" },
        { "{", "f.json:1:2", "json-invalid" },
        { "[1,]", "f.json:1:4", "json-invalid" },
        { "{\"a\":1,}", "f.json:1:8", "json-invalid" },
        { "{\"a\" 1}", "f.json:1:6", "json-invalid" },
        { "{a:1}", "f.json:1:2", "json-invalid" },
        { "[1 2]", "f.json:1:4", "json-invalid" },
        { "01", "f.json:1:1", "json-invalid" },
        { "-", "f.json:1:2", "json-invalid" },
        { "+1", "f.json:1:1", "json-invalid" },
        { ".5", "f.json:1:1", "json-invalid" },
        { "1.", "f.json:1:3", "json-invalid" },
        { "1e", "f.json:1:3", "json-invalid" },
        { "1e+", "f.json:1:4", "json-invalid" },
        { "NaN", "f.json:1:1", "json-invalid" },
        { "tru", "f.json:1:1", "json-invalid" },
        { "nul", "f.json:1:1", "json-invalid" },
        { "[\n  1,\n  x]", "f.json:3:3", "json-invalid" },
        { "1 1", "f.json:1:3", "json-invalid" },
        { "{} x", "f.json:1:4", "json-invalid" },
        { "\"abc", "f.json:1:1", "json-invalid" },
        { "\"a\tb\"", "f.json:1:3", "json-invalid" },
        { "\"a\nb\"", "f.json:1:3", "json-invalid" },
        { "\"\\x\"", "f.json:1:2", "json-invalid" },
        { "\"\\u12g4\"", "f.json:1:2", "json-invalid" },
        { "\"\\u0000\"", "f.json:1:2", "json-invalid" },
        { "\"\\", "f.json:1:3", "json-invalid" },
        { "\"\\uD800\"", "f.json:1:2", "json-invalid" },
        { "\"\\uDC00\"", "f.json:1:2", "json-invalid" },
        { "\"\\uD800\\u0041\"", "f.json:1:2", "json-invalid" },
        { "\"\\uD83D\\uD83D\"", "f.json:1:2", "json-invalid" },
        { "\"\xFF\"", "f.json:1:2", "json-invalid" },
        { "\"\xC0\x80\"", "f.json:1:2", "json-invalid" },
        { "\"\xE0\x80\x80\"", "f.json:1:2", "json-invalid" },
        { "\"\xED\xA0\x80\"", "f.json:1:2", "json-invalid" },
        { "\"\xF4\x90\x80\x80\"", "f.json:1:2", "json-invalid" },
        { "\"\xC3\"", "f.json:1:2", "json-invalid" },
        { "\xEF\xBB\xBF{}", "f.json:1:1", "json-invalid" },
        { "// x", "f.json:1:1", "json-invalid" },
        { "{\"a\":1,\"a\":2}", "f.json:1:12", "json-duplicate" },
        { "{\"a\":1,\"\\u0061\":2}", "f.json:1:17", "json-duplicate" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(parse(cases[i].text) == NULL, "accepted: %s", cases[i].text);
        ck_assert_msg(strcmp(error.where, cases[i].where) == 0, "%s: %s", cases[i].text,
                      error.where);
        ck_assert_msg(strcmp(error.code, cases[i].code) == 0, "%s: %s", cases[i].text, error.code);
        ck_assert_uint_gt(strlen(error.text), 0);
    }
}
END_TEST

START_TEST(a_name_that_stands_twice_among_many_is_found) {
    struct str text = { 0 };
    str_putc(&text, '{');
    for (int i = 0; i < 5000; i++)
        str_printf(&text, "\"secret%d\":%d,\n", i, i);
    str_puts(&text, "\"secret77\":1}");
    ck_assert_ptr_null(parse(text.data));
    ck_assert_str_eq(error.where, "f.json:5001:12");
    ck_assert_ptr_null(strstr(error.text, "secret"));
    symbol_intern("known-member", 12);
    ck_assert_ptr_null(parse("{\"known-member\":1,\"known-member\":1}"));
    ck_assert_ptr_nonnull(strstr(error.text, "known-member"));
    str_free(&text);
}
END_TEST

START_TEST(depth_is_bounded) {
    char text[2 * TREE_MAX_DEPTH + 3];
    memset(text, '[', TREE_MAX_DEPTH);
    memset(text + TREE_MAX_DEPTH, ']', TREE_MAX_DEPTH);
    text[2 * TREE_MAX_DEPTH] = '\0';
    ck_assert_ptr_nonnull(parse(text));
    memset(text, '[', TREE_MAX_DEPTH + 1);
    memset(text + TREE_MAX_DEPTH + 1, ']', TREE_MAX_DEPTH + 1);
    text[2 * TREE_MAX_DEPTH + 2] = '\0';
    ck_assert_ptr_null(parse(text));
    ck_assert_str_eq(error.code, "json-too-deep");
    ck_assert_str_eq(error.where, "f.json:1:65");
}
END_TEST

START_TEST(a_text_beyond_the_limit_is_too_large) {
    struct arena small = { .limit = 600 };
    const char text[] = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]";
    ck_assert_ptr_null(json_read_copy(&small, text, strlen(text), NULL, &error));
    ck_assert_str_eq(error.code, "record-too-large");
    arena_free(&small);
}
END_TEST

START_TEST(positions_count_from_the_first_line_given) {
    char text[] = "{\n \"a\": [10,\n  \"x\"]}";
    struct tree *node = json_read(&arena, text, strlen(text), NULL, 100, true, &error);
    ck_assert_ptr_nonnull(node);
    struct tree *x = tree_pointer(node, "/a/1");
    ck_assert_uint_eq(x->line, 102);
    ck_assert_uint_eq(x->column, 3);
    ck_assert(x->text > text && x->text < text + sizeof text); /* borrowed */
    ck_assert_uint_eq(tree_pointer(node, "/a/0")->column, 8);
    char wrong[] = "[\n1,,2]";
    ck_assert_ptr_null(json_read(&arena, wrong, strlen(wrong), NULL, 7, true, &error));
    ck_assert_str_eq(error.where, "8:3");
}
END_TEST

START_TEST(canonical_text_does_not_depend_on_member_order) {
    struct str other = { 0 };
    str_clear(&out);
    json_write_canonical(&out, parse("{\"b\":1,\"a\":{\"d\":[2,1],\"c\":0.10},\"aa\":2}"));
    json_write_canonical(&other, parse("{\"aa\":2, \"a\":{\"c\":0.10,\"d\":[2,1]},\"b\":1}"));
    ck_assert_str_eq(out.data, "{\"a\":{\"c\":0.10,\"d\":[2,1]},\"aa\":2,\"b\":1}");
    ck_assert_str_eq(out.data, other.data);
    struct tree *large = tree_new(&arena, TREE_OBJECT);
    for (int i = 299; i >= 0; i--) {
        char name[16];
        snprintf(name, sizeof name, "m%03d", i);
        tree_add(&arena, large, name, tree_integer(&arena, i));
    }
    str_clear(&out);
    json_write_canonical(&out, large);
    ck_assert(strncmp(out.data, "{\"m000\":0,\"m001\":1,", 19) == 0);
    str_free(&other);
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, valid_texts_come_out_as_they_went_in);
    tcase_add_test(tests, escapes_are_resolved_and_surrogates_joined);
    tcase_add_test(tests, every_fault_is_refused_at_its_place);
    tcase_add_test(tests, a_name_that_stands_twice_among_many_is_found);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_test(tests, a_text_beyond_the_limit_is_too_large);
    tcase_add_test(tests, positions_count_from_the_first_line_given);
    tcase_add_test(tests, canonical_text_does_not_depend_on_member_order);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
