/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the node interface that plugins see. */
#include "core/tree/node.h"

#include <check.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct iptfhir_document *d;
static iptfhir_nodes n;

static void setup(void) {
    d = node_document(&arena);
    n = &node_api;
}

static void teardown(void) {
    arena_free(&arena);
    arena = (struct arena) { 0 };
}

static struct iptfhir_node *read_text(const char *json) {
    struct iptfhir_error error = ERROR_INIT;
    struct iptfhir_node *node = n->read(d, json, strlen(json), &error);
    ck_assert_msg(node != NULL, "%s %s", error.where, error.text);
    return node;
}

START_TEST(every_function_is_there) {
    ck_assert_uint_eq(n->size, sizeof *n);
    const size_t count = (sizeof *n - offsetof(struct iptfhir_node_api, kind)) / sizeof(void *);
    const void *members[64];
    ck_assert_uint_le(count, 64);
    memcpy(members, (const char *)n + offsetof(struct iptfhir_node_api, kind),
           count * sizeof(void *));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(members[i] != NULL, "function %zu is missing", i);
}
END_TEST

START_TEST(values_are_read_by_their_kind_and_by_no_other) {
    const struct iptfhir_node *o = read_text(
        "{\"s\":\"\xC3\xA9\",\"w\":-7,\"r\":1.50,\"t\":true,\"z\":null,\"a\":[1,2],\"o\":{}}");
    size_t length = 0;
    int64_t whole = 0;
    double real = 0;
    bool truth = false;
    ck_assert_str_eq(n->text(n->get(o, "s"), &length), "\xC3\xA9");
    ck_assert_uint_eq(length, 2);
    ck_assert(n->integer(n->get(o, "w"), &whole));
    ck_assert_int_eq(whole, -7);
    ck_assert(n->real(n->get(o, "w"), &real));
    ck_assert_double_eq(real, -7);
    ck_assert(!n->integer(n->get(o, "r"), &whole));
    ck_assert_str_eq(n->number(n->get(o, "r")), "1.50");
    ck_assert(n->real(n->get(o, "r"), &real));
    ck_assert_double_eq(real, 1.5);
    ck_assert(n->boolean(n->get(o, "t"), &truth) && truth);
    ck_assert_int_eq(n->kind(n->get(o, "z")), IPTFHIR_NODE_NULL);
    ck_assert_uint_eq(n->count(n->get(o, "a")), 2);
    ck_assert_int_eq(n->kind(n->get(o, "o")), IPTFHIR_NODE_OBJECT);
    ck_assert_ptr_null(n->text(n->get(o, "w"), &length));
    ck_assert_ptr_null(n->number(n->get(o, "s")));
    ck_assert(!n->boolean(n->get(o, "s"), &truth));
    ck_assert(!n->integer(n->get(o, "s"), &whole));
    ck_assert_uint_eq(n->count(n->get(o, "s")), 0);
    ck_assert_ptr_null(n->first(n->get(o, "s")));
}
END_TEST

START_TEST(nothing_is_read_as_absent) {
    int64_t whole;
    bool truth;
    uint32_t line, column;
    double real;
    ck_assert_int_eq(n->kind(NULL), IPTFHIR_NODE_NONE);
    ck_assert_ptr_null(n->get(NULL, "a"));
    ck_assert_ptr_null(n->first(NULL));
    ck_assert_ptr_null(n->next(NULL));
    ck_assert_ptr_null(n->at(NULL, 0));
    ck_assert_uint_eq(n->count(NULL), 0);
    ck_assert_ptr_null(n->name(NULL));
    ck_assert_ptr_null(n->text(NULL, NULL));
    ck_assert_ptr_null(n->number(NULL));
    ck_assert(!n->integer(NULL, &whole) && !n->boolean(NULL, &truth) && !n->real(NULL, &real));
    ck_assert(!n->position(NULL, &line, &column));
    ck_assert_ptr_null(n->find(NULL, "/a"));
    ck_assert_ptr_null(n->copy(d, NULL));
    ck_assert_ptr_null(n->write(d, NULL, NULL));
}
END_TEST

START_TEST(children_come_in_order_with_their_names) {
    const struct iptfhir_node *o = read_text("{\"b\":1,\"a\":2,\"zzz-unheard-of\":3}");
    static const char *const names[] = { "b", "a", "zzz-unheard-of" };
    size_t i = 0;
    for (const struct iptfhir_node *c = n->first(o); c != NULL; c = n->next(c), i++) {
        ck_assert_str_eq(n->name(c), names[i]);
        ck_assert_ptr_eq(n->at(o, i), c);
        ck_assert_ptr_eq(n->get(o, names[i]), c);
    }
    ck_assert_uint_eq(i, 3);
    ck_assert_ptr_null(n->at(o, 3));
    ck_assert_ptr_null(n->name(o));
    ck_assert_ptr_null(n->name(n->first(read_text("[1]"))));
}
END_TEST

START_TEST(what_was_read_knows_its_place_and_what_was_built_has_none) {
    const struct iptfhir_node *o = read_text("{\n  \"a\": [true]\n}");
    uint32_t line = 0, column = 0;
    ck_assert(n->position(n->find(o, "/a/0"), &line, &column));
    ck_assert_uint_eq(line, 2);
    ck_assert_uint_eq(column, 9);
    ck_assert(!n->position(n->object(d), &line, &column));
}
END_TEST

START_TEST(an_object_is_built_in_order_and_a_member_is_replaced_in_its_place) {
    struct iptfhir_node *o = n->object(d);
    ck_assert(iptfhir_set_text(n, d, o, "a", "1"));
    ck_assert(iptfhir_set_integer(n, d, o, "never-heard-of", 2));
    ck_assert(n->set(d, o, "c", n->truth(d, true)));
    ck_assert(iptfhir_set_text(n, d, o, "never-heard-of", "two"));
    ck_assert(iptfhir_set_text(n, d, o, "c", "three"));
    ck_assert(n->set(d, o, "a", n->null(d)));
    ck_assert(n->set(d, o, "d", n->number_text(d, "-0.10e+5")));
    ck_assert_str_eq(n->write(d, o, NULL),
                     "{\"a\":null,\"never-heard-of\":\"two\",\"c\":\"three\",\"d\":-0.10e+5}");
    ck_assert_uint_eq(n->count(o), 4);
}
END_TEST

START_TEST(a_node_stands_in_one_place_only) {
    struct iptfhir_node *o = n->object(d), *list = n->array(d), *value = n->whole(d, 1);
    ck_assert(n->append(list, value));
    ck_assert(!n->append(list, value));
    ck_assert(!n->set(d, o, "a", value));
    ck_assert(n->set(d, o, "list", list));
    ck_assert(!n->append(list, o));
    ck_assert(!n->append(list, list));
    ck_assert(!n->set(d, o, "self", o));
    ck_assert(n->set(d, o, "copy", n->copy(d, list)));
    ck_assert_str_eq(n->write(d, o, NULL), "{\"list\":[1],\"copy\":[1]}");
}
END_TEST

START_TEST(a_copy_of_a_member_leaves_its_name_behind) {
    struct iptfhir_node *list = n->array(d);
    const struct iptfhir_node *o = read_text("{\"a\":{\"b\":[1.0]}}");
    ck_assert(n->append(list, n->copy(d, n->get(o, "a"))));
    ck_assert_str_eq(n->write(d, list, NULL), "[{\"b\":[1.0]}]");
}
END_TEST

START_TEST(null_is_passed_on_when_building) {
    struct iptfhir_node *o = n->object(d);
    ck_assert(!n->set(d, o, "a", NULL));
    ck_assert(!n->set(d, NULL, "a", n->null(d)));
    ck_assert(!n->append(NULL, n->null(d)));
    ck_assert(!n->append(n->array(d), NULL));
    ck_assert(!n->append(o, n->null(d)));
    ck_assert(!n->set(d, n->array(d), "a", n->null(d)));
    ck_assert(!iptfhir_set_text(n, d, o, "a", NULL));
    ck_assert_uint_eq(n->count(o), 0);
}
END_TEST

START_TEST(a_string_must_be_utf8_without_nul) {
    ck_assert_ptr_nonnull(n->string(d, "", 0));
    ck_assert_ptr_null(n->string(d, "\xC0\x80", 2));
    ck_assert_ptr_null(n->string(d, "a\0b", 3));
    ck_assert(!n->set(d, n->object(d), "\xFFname", n->null(d)));
}
END_TEST

START_TEST(a_number_must_be_one_of_json) {
    static const char *const good[] = { "0", "-0", "10", "1.5", "-1.50", "1e9", "1E-9", "1.0e+2" };
    static const char *const wrong[] = { "",    "-",   "01",  "+1", ".5", "1.", "1e",
                                         "1e+", "0x1", "NaN", "1 ", " 1", "1,5" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_str_eq(n->number(n->number_text(d, good[i])), good[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(n->number_text(d, wrong[i]) == NULL, "%s", wrong[i]);
    ck_assert_ptr_null(n->number_text(d, NULL));
}
END_TEST

START_TEST(a_text_that_is_no_json_is_told_with_its_place) {
    struct iptfhir_error error = ERROR_INIT;
    ck_assert_ptr_null(n->read(d, "{\"a\":1,\"a\":2}", 13, &error));
    ck_assert_str_ne(error.code, "");
    ck_assert_ptr_null(n->read(d, "[", 1, NULL));
}
END_TEST

START_TEST(what_is_built_too_deep_is_noticed) {
    struct iptfhir_node *inner = n->array(d);
    for (int depth = 1; depth <= TREE_MAX_DEPTH; depth++) {
        ck_assert(node_depth_allowed(node_built_tree(inner)));
        struct iptfhir_node *outer = n->array(d);
        ck_assert(n->append(outer, inner));
        inner = outer;
    }
    ck_assert(n->append(inner, n->whole(d, 1)));
    ck_assert(!node_depth_allowed(node_built_tree(inner)));
    ck_assert_ptr_null(n->copy(d, inner));
    ck_assert_ptr_null(n->write(d, inner, NULL));
    ck_assert_ptr_nonnull(n->copy(d, n->first(inner)));
    ck_assert(node_depth_allowed(NULL));
}
END_TEST

START_TEST(a_built_node_stands_where_it_is_placed) {
    struct iptfhir_node *o = n->object(d);
    uint32_t line = 0, column = 0;
    ck_assert(!n->position(o, &line, &column));
    n->place(o, 7, 3);
    ck_assert(n->position(o, &line, &column));
    ck_assert_uint_eq(line, 7);
    ck_assert_uint_eq(column, 3);
    n->place(o, 0, 0);
    ck_assert(!n->position(o, &line, &column));
    n->place(NULL, 1, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("node");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, every_function_is_there);
    tcase_add_test(all, a_built_node_stands_where_it_is_placed);
    tcase_add_test(all, values_are_read_by_their_kind_and_by_no_other);
    tcase_add_test(all, nothing_is_read_as_absent);
    tcase_add_test(all, children_come_in_order_with_their_names);
    tcase_add_test(all, what_was_read_knows_its_place_and_what_was_built_has_none);
    tcase_add_test(all, an_object_is_built_in_order_and_a_member_is_replaced_in_its_place);
    tcase_add_test(all, a_node_stands_in_one_place_only);
    tcase_add_test(all, a_copy_of_a_member_leaves_its_name_behind);
    tcase_add_test(all, null_is_passed_on_when_building);
    tcase_add_test(all, a_string_must_be_utf8_without_nul);
    tcase_add_test(all, a_number_must_be_one_of_json);
    tcase_add_test(all, a_text_that_is_no_json_is_told_with_its_place);
    tcase_add_test(all, what_is_built_too_deep_is_noticed);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
