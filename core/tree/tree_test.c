/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of arena, symbols, and of making and finding nodes. */
#include "core/base/alloc.h"
#include "core/tree/tree.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(an_arena_hands_out_aligned_memory_and_counts_it) {
    struct arena a = { 0 };
    for (size_t i = 0; i < 5000; i++) {
        void *p = arena_alloc(&a, i % 50);
        ck_assert_uint_eq((uintptr_t)p % 16, 0);
    }
    char *large = arena_zalloc(&a, 3000000);
    ck_assert_int_eq(large[2999999], 0);
    ck_assert_str_eq(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    ck_assert_uint_gt(a.used, 3000000);
    arena_reset(&a);
    ck_assert_uint_eq(a.used, 0);
    base_fail_at(1, true);
    ck_assert_ptr_nonnull(arena_alloc(&a, 2900000)); /* from the block that was kept */
    base_fail_at(0, false);
    arena_free(&a);
}
END_TEST

START_TEST(a_rewind_frees_what_came_after_the_mark_alone) {
    struct arena a = { 0 };
    struct arena_mark empty = arena_mark(&a);
    char *before = arena_strndup(&a, "before", 6);
    struct arena_mark mark = arena_mark(&a);
    char *small = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(arena_alloc(&a, 5000));
    arena_rewind(&a, mark);
    ck_assert_uint_eq(a.used, 16);
    ck_assert_str_eq(before, "before");
    ck_assert_ptr_eq(arena_alloc(&a, 100), small);
    base_fail_at(1, true);
    ck_assert_ptr_nonnull(arena_alloc(&a, 60000)); /* from a block that was left over */
    base_fail_at(0, false);
    arena_rewind(&a, empty);
    ck_assert_uint_eq(a.used, 0);
    ck_assert_ptr_null(a.blocks);
    ck_assert_ptr_nonnull(arena_alloc(&a, 10));
    arena_free(&a);
}
END_TEST

START_TEST(an_arena_stops_at_its_limit) {
    struct arena a = { .limit = 1000 };
    ck_assert_ptr_nonnull(arena_alloc(&a, 900));
    ck_assert_ptr_null(arena_alloc(&a, 100));
    ck_assert_ptr_nonnull(arena_alloc(&a, 80));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    arena_free(&a);
}
END_TEST

START_TEST(symbols_are_found_after_the_table_grew) {
    char name[32];
    ck_assert_uint_eq(symbol_find("never-added", 11), 0);
    uint32_t first = symbol_intern("name-0", 6);
    for (int i = 0; i < 20000; i++) {
        int n = snprintf(name, sizeof name, "name-%d", i);
        ck_assert_uint_ne(symbol_intern(name, (size_t)n), 0);
    }
    for (int i = 0; i < 20000; i++) {
        int n = snprintf(name, sizeof name, "name-%d", i);
        uint32_t symbol = symbol_find(name, (size_t)n);
        ck_assert_str_eq(symbol_name(symbol), name);
        ck_assert_uint_eq(symbol_length(symbol), (size_t)n);
    }
    ck_assert_uint_eq(symbol_find("name-0", 6), first);
    ck_assert_uint_eq(symbol_find("never-added", 11), 0);
    ck_assert_str_eq(symbol_name(0), "");
    ck_assert_str_eq(symbol_name(200000), "");
    ck_assert_uint_ne(symbol_intern("", 0), 0);
}
END_TEST

static void *find_and_intern(void *context) {
    char name[32];
    for (int i = 0; i < 9000; i++) {
        int n = snprintf(name, sizeof name, "shared-%d", i);
        uint32_t found = symbol_find(name, (size_t)n);
        uint32_t added = context ? symbol_intern(name, (size_t)n) : found;
        if ((found && strcmp(symbol_name(found), name) != 0) || (found && found != added))
            return (void *)1;
    }
    return NULL;
}

START_TEST(threads_find_names_while_others_add_them) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, find_and_intern, i % 2 ? threads : NULL),
                         0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

START_TEST(a_member_read_before_its_name_was_known_is_found) {
    struct arena a = { 0 };
    struct tree *object = tree_new(&a, TREE_OBJECT);
    ck_assert(tree_add(&a, object, "late-name", tree_integer(&a, 5)));
    ck_assert_uint_eq(object->first->symbol, 0);
    uint32_t symbol = symbol_intern("late-name", 9);
    ck_assert_ptr_nonnull(tree_get(object, "late-name"));
    ck_assert_ptr_eq(tree_get_symbol(object, symbol), object->first);
    ck_assert(tree_add_symbol(object, symbol_intern("early-name", 10), tree_boolean(&a, true)));
    ck_assert_ptr_eq(tree_get(object, "early-name"), object->last);
    ck_assert_ptr_null(tree_get(object, "absent"));
    ck_assert_ptr_null(tree_get_symbol(object, symbol_intern("absent-too", 10)));
    arena_free(&a);
}
END_TEST

/* {"name":[{"given":["A","B"]}],"a/b":{"c~d":1}} */
static struct tree *sample(struct arena *a) {
    struct tree *root = tree_new(a, TREE_OBJECT), *names = tree_new(a, TREE_ARRAY),
                *name = tree_new(a, TREE_OBJECT);
    struct tree *given = tree_new(a, TREE_ARRAY), *odd = tree_new(a, TREE_OBJECT);
    tree_append(given, tree_string(a, "A", 1));
    tree_append(given, tree_string_borrowed(a, "B", 1));
    tree_add(a, name, "given", given);
    tree_append(names, name);
    tree_add(a, root, "name", names);
    tree_add(a, odd, "c~d", tree_integer(a, 1));
    tree_add(a, root, "a/b", odd);
    return root;
}

START_TEST(pointers_lead_to_nodes_and_back) {
    struct arena a = { 0 };
    struct tree *root = sample(&a);
    char path[64], small[8];
    struct tree *b = tree_pointer(root, "/name/0/given/1");
    ck_assert_str_eq(b->text, "B");
    ck_assert_str_eq(tree_path(b, path, sizeof path), "/name/0/given/1");
    ck_assert_str_eq(tree_path(b, small, sizeof small), "...en/1");
    struct tree *odd = tree_pointer(root, "/a~1b/c~0d");
    ck_assert_ptr_nonnull(odd);
    ck_assert_str_eq(tree_path(odd, path, sizeof path), "/a~1b/c~0d");
    ck_assert_ptr_eq(tree_pointer(root, ""), root);
    ck_assert_str_eq(tree_path(root, path, sizeof path), "");
    const char *const wrong[] = {
        "name", "/name/1",  "/name/00", "/name/-", "/name/0/given/99999999999",
        "/x",   "/name/0/", NULL
    };
    for (size_t i = 0; wrong[i]; i++)
        ck_assert_ptr_null(tree_pointer(root, wrong[i]));
    arena_free(&a);
}
END_TEST

START_TEST(a_removed_child_leaves_its_siblings_linked) {
    struct arena a = { 0 };
    struct tree *array = tree_new(&a, TREE_ARRAY);
    for (int i = 0; i < 3; i++)
        tree_append(array, tree_integer(&a, i));
    tree_remove(tree_at(array, 1));
    ck_assert_uint_eq(array->length, 2);
    tree_remove(tree_at(array, 1));
    ck_assert_ptr_eq(array->last, array->first);
    tree_append(array, tree_integer(&a, 9));
    ck_assert_str_eq(tree_at(array, 1)->text, "9");
    tree_remove(tree_at(array, 0));
    tree_remove(tree_at(array, 0));
    ck_assert_ptr_null(array->first);
    ck_assert_ptr_null(array->last);
    tree_append(array, tree_integer(&a, 1));
    ck_assert_uint_eq(array->length, 1);
    tree_remove(array);
    tree_remove(NULL);
    arena_free(&a);
}
END_TEST

START_TEST(whole_numbers_are_read_within_range_only) {
    struct arena a = { 0 };
    const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "42", true, 42 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "-", false, 0 },
        { "99999999999999999999999", false, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 77;
        struct tree *n = tree_number(&a, cases[i].text, strlen(cases[i].text));
        ck_assert_msg(tree_to_int(n, &value) == cases[i].ok, "%s", cases[i].text);
        if (cases[i].ok)
            ck_assert_int_eq(value, cases[i].value);
    }
    ck_assert(!tree_to_int(tree_string(&a, "1", 1), &(int64_t) { 0 }));
    arena_free(&a);
}
END_TEST

START_TEST(a_copy_is_equal_and_independent) {
    struct arena a = { 0 }, b = { 0 };
    struct tree *root = sample(&a);
    root->first->line = 12;
    struct tree *copy = tree_copy(&b, root);
    ck_assert(tree_equal(root, copy));
    ck_assert_uint_eq(copy->first->line, 12);
    arena_free(&a);
    ck_assert_str_eq(tree_pointer(copy, "/name/0/given/0")->text, "A");
    ck_assert_str_eq(tree_pointer(copy, "/a~1b")->name, "a/b");
    ck_assert_ptr_null(tree_text(copy, "name"));
    arena_free(&b);
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("tree");
    TCase *tests = tcase_create("tree");
    tcase_add_test(tests, an_arena_hands_out_aligned_memory_and_counts_it);
    tcase_add_test(tests, a_rewind_frees_what_came_after_the_mark_alone);
    tcase_add_test(tests, an_arena_stops_at_its_limit);
    tcase_add_test(tests, symbols_are_found_after_the_table_grew);
    tcase_add_test(tests, threads_find_names_while_others_add_them);
    tcase_add_test(tests, a_member_read_before_its_name_was_known_is_found);
    tcase_add_test(tests, pointers_lead_to_nodes_and_back);
    tcase_add_test(tests, a_removed_child_leaves_its_siblings_linked);
    tcase_add_test(tests, whole_numbers_are_read_within_range_only);
    tcase_add_test(tests, a_copy_is_equal_and_independent);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
