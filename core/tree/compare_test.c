/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of equality, difference and three-way merge. */
#include "core/tree/tree.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct str out;

static void teardown(void) {
    arena_free(&arena);
    str_free(&out);
}

static struct tree *parse(const char *text) {
    struct iptfhir_error error = ERROR_INIT;
    struct tree *node = text ? json_read_copy(&arena, text, strlen(text), NULL, &error) : NULL;
    ck_assert_msg(!text || node, "%s %s", error.where, error.text);
    return node;
}

START_TEST(equality_ignores_member_order_only) {
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        { "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true },
        { "[1,2]", "[2,1]", false },
        { "1.0", "1", false },
        { "\"1\"", "1", false },
        { "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
        { "{\"a\":1}", "{\"b\":1}", false },
        { "null", "null", true },
        { "true", "false", false },
        { "[1]", "[1,2]", false },
        { "{\"a\":{}}", "{\"a\":[]}", false },
        { "{\"a\":1,\"b\":1}", "{\"b\":1,\"c\":1}", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(tree_equal(parse(cases[i].a), parse(cases[i].b)) == cases[i].equal, "%s %s",
                      cases[i].a, cases[i].b);
    ck_assert(tree_equal(NULL, NULL));
    ck_assert(!tree_equal(NULL, parse("1")));
}
END_TEST

static void note(void *context, const char *pointer, const struct tree *before,
                 const struct tree *after) {
    struct str *s = context;
    str_printf(s, "%s%s ", before && after ? "~" : before ? "-" : "+", pointer);
}

START_TEST(a_difference_names_what_came_went_and_changed) {
    const struct tree *a = parse("{\"x\":1,\"gone\":2,\"l\":[1,2,3],\"o\":{\"k/y\":true}}");
    const struct tree *b = parse("{\"o\":{\"k/y\":false},\"x\":1,\"l\":[1,9],\"new\":[]}");
    ck_assert_uint_eq(tree_diff(a, b, note, &out), 5);
    ck_assert_str_eq(out.data, "-/gone ~/l/1 -/l/2 ~/o/k~1y +/new ");
    ck_assert_uint_eq(tree_diff(a, a, NULL, NULL), 0);
    ck_assert_uint_eq(tree_diff(NULL, b, NULL, NULL), 1);
}
END_TEST

START_TEST(changes_of_both_sides_merge_when_they_do_not_touch) {
    static const struct {
        const char *base, *mine, *theirs, *merged, *overlap;
    } cases[] = {
        { "{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}", "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":2}",
          NULL },
        { "{\"a\":1}", "{\"a\":1,\"m\":1}", "{\"a\":1,\"t\":1}", "{\"a\":1,\"m\":1,\"t\":1}",
          NULL },
        { "{\"a\":1,\"b\":1}", "{\"b\":1}", "{\"a\":1,\"b\":3}", "{\"b\":3}", NULL },
        { "{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":1}", "{\"b\":1}", "{\"b\":1}", NULL },
        { "{\"a\":1}", "{\"a\":2}", "{\"a\":2}", "{\"a\":2}", NULL },
        { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":2}", "/a\n" },
        { "{\"a\":1}", "{}", "{\"a\":3}", "{}", "/a\n" },
        { "{\"o\":{\"x\":1,\"y\":1}}", "{\"o\":{\"x\":2,\"y\":2}}", "{\"o\":{\"x\":3,\"y\":1}}",
          "{\"o\":{\"x\":2,\"y\":2}}", "/o/x\n" },
        { "{\"l\":[1]}", "{\"l\":[1,2]}", "{\"l\":[1,3]}", "{\"l\":[1,2]}", "/l\n" },
        { "{\"l\":[1]}", "{\"l\":[1,2]}", "{\"l\":[1]}", "{\"l\":[1,2]}", NULL },
        { "{}", "{\"o\":{\"m\":1}}", "{\"o\":{\"t\":1}}", "{\"o\":{\"m\":1,\"t\":1}}", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tree *merged = NULL;
        str_clear(&out);
        bool ok = tree_merge(&arena, parse(cases[i].base), parse(cases[i].mine),
                             parse(cases[i].theirs), &merged, &out);
        ck_assert_msg(ok == !cases[i].overlap, "case %zu", i);
        ck_assert_str_eq(out.data ? out.data : "", cases[i].overlap ? cases[i].overlap : "");
        str_clear(&out);
        json_write(&out, merged, JSON_COMPACT);
        ck_assert_str_eq(out.data, cases[i].merged);
    }
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("compare");
    TCase *tests = tcase_create("compare");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, equality_ignores_member_order_only);
    tcase_add_test(tests, a_difference_names_what_came_went_and_changed);
    tcase_add_test(tests, changes_of_both_sides_merge_when_they_do_not_touch);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
