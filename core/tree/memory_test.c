/* SPDX-License-Identifier: Apache-2.0 */
/* Proof that each allocation of the tree is checked: every one of them is made to fail, once alone
 * and once with all later. */
#include "core/base/alloc.h"
#include "core/tree/node.h"
#include "core/tree/tree.h"
#include "core/tree/xml.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One piece of work that allocates: true when it succeeded; false must come with nothing half done.
 */
typedef bool work_fn(void);

static bool read_large(void) {
    struct arena a = { 0 };
    struct str text = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    str_putc(&text, '{');
    for (int i = 0; i < 300; i++)
        str_printf(&text, "%s\"m%d\":[%d,\"x\\n\",{\"k\":null}]", i ? "," : "", i, i);
    str_putc(&text, '}');
    bool built = !text.failed;
    struct tree *node = built ? json_read_copy(&a, text.data, text.length, "f", &error) : NULL;
    ck_assert(!built || (node != NULL) != error_is_set(&error));
    ck_assert(node || !built || strcmp(error.code, "memory") == 0);
    arena_free(&a);
    str_free(&text);
    return node != NULL;
}

static bool write_both(void) {
    struct arena a = { 0 };
    struct str out = { 0 }, canonical = { 0 };
    struct tree *object = tree_new(&a, TREE_OBJECT);
    bool ok = object != NULL;
    for (int i = 0; i < 400 && ok; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        ok = tree_add(&a, object, name, tree_string(&a, "some text that is copied", 24));
    }
    if (ok) {
        json_write(&out, object, JSON_PRETTY);
        json_write_canonical(&canonical, object);
        ok = !out.failed && !canonical.failed;
    }
    arena_free(&a);
    str_free(&out);
    str_free(&canonical);
    return ok;
}

static bool copy_and_merge(void) {
    struct arena a = { 0 };
    struct str overlap = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    const char base[] = "{\"a\":{\"b\":1},\"l\":[1]}", mine[] = "{\"a\":{\"b\":2},\"l\":[1]}",
               theirs[] = "{\"a\":{\"b\":1,\"c\":1},\"l\":[2]}";
    struct tree *trees[3] = { json_read_copy(&a, base, strlen(base), NULL, &error),
                              json_read_copy(&a, mine, strlen(mine), NULL, &error),
                              json_read_copy(&a, theirs, strlen(theirs), NULL, &error) };
    struct tree *merged = NULL;
    bool ok = trees[0] && trees[1] && trees[2] &&
              tree_merge(&a, trees[0], trees[1], trees[2], &merged, &overlap);
    for (int i = 0; i < 200 && ok; i++)
        ok = tree_copy(&a, merged) != NULL;
    arena_free(&a);
    str_free(&overlap);
    return ok;
}

/* Builds through the interface of plugins, where NULL is passed on until the end. */
static bool build_nodes(void) {
    struct arena a = { 0 };
    struct iptfhir_document *d = node_document(&a);
    iptfhir_nodes n = &node_api;
    struct iptfhir_node *list = n->array(d);
    bool ok = true;
    for (int i = 0; i < 600; i++) {
        struct iptfhir_node *o = n->object(d);
        ok = iptfhir_set_integer(n, d, o, "i", i) && ok;
        ok = n->set(d, o, "r", n->number_text(d, "0.25")) && ok;
        ok = iptfhir_set_text(n, d, o, "unknown-name", "text") && ok;
        ok = n->set(d, o, "copy", n->copy(d, o)) && ok;
        ok = n->append(list, o) && ok;
    }
    ok = n->write(d, list, NULL) != NULL && ok;
    arena_free(&a);
    return ok;
}

static bool any_child(const char *type, const char *name, const char **child_type, bool *repeats,
                      enum tree_kind *kind) {
    (void)type;
    *child_type = "string";
    *repeats = strcmp(name, "r") == 0;
    *kind = strcmp(name, "c") == 0 ? TREE_OBJECT : TREE_STRING;
    return true;
}

static bool read_xml(void) {
    static const struct xml_shape shape = { .child = any_child };
    struct arena a = { 0 };
    struct str text = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    str_puts(&text, "<R xmlns=\"http://hl7.org/fhir\"><c><p value=\"x\"/></c>");
    for (int i = 0; i < 300; i++)
        str_puts(&text, "<r value=\"one\"/><r id=\"i\"/>");
    str_puts(&text, "</R>");
    bool built = !text.failed;
    struct tree *node =
        built ? xml_read_resource(&a, text.data, text.length, "f", &shape, &error) : NULL;
    ck_assert(!built || node || strcmp(error.code, "memory") == 0);
    arena_free(&a);
    str_free(&text);
    return node != NULL;
}

static bool intern(void) {
    static int round;
    char name[32];
    bool ok = true;
    int number = round++;
    for (int i = 0; i < 2100; i++) {
        int n = snprintf(name, sizeof name, "round-%d-%d", number, i);
        uint32_t symbol = symbol_intern(name, (size_t)n);
        ok = ok && symbol != 0;
        ck_assert(symbol == symbol_find(name, (size_t)n));
    }
    return ok;
}

/* Makes each allocation of some work fail in turn, until none is left to fail. */
static void every_allocation(work_fn *work, size_t step) {
    for (int later = 0; later < 2; later++) {
        size_t n = 1;
        for (;; n += step) {
            base_fail_at(n, later != 0);
            bool ok = work();
            bool refused = base_refused();
            base_fail_at(0, false);
            ck_assert_msg(ok != refused, "allocation %zu", n);
            if (!refused)
                break;
        }
        ck_assert_uint_gt(n, 1);
    }
    ck_assert(work());
}

START_TEST(reading_json_survives_every_failed_allocation) {
    every_allocation(read_large, 1);
}
END_TEST
START_TEST(writing_json_survives_every_failed_allocation) {
    every_allocation(write_both, 1);
}
END_TEST
START_TEST(merging_survives_every_failed_allocation) {
    every_allocation(copy_and_merge, 1);
}
END_TEST
START_TEST(building_nodes_survives_every_failed_allocation) {
    every_allocation(build_nodes, 1);
}
END_TEST
START_TEST(reading_xml_survives_every_failed_allocation) {
    every_allocation(read_xml, 1);
}
END_TEST
START_TEST(adding_symbols_survives_failed_allocations) {
    every_allocation(intern, 97);
}
END_TEST

/* Runs the suite. */
int main(void) {
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, reading_json_survives_every_failed_allocation);
    tcase_add_test(tests, writing_json_survives_every_failed_allocation);
    tcase_add_test(tests, merging_survives_every_failed_allocation);
    tcase_add_test(tests, building_nodes_survives_every_failed_allocation);
    tcase_add_test(tests, reading_xml_survives_every_failed_allocation);
    tcase_add_test(tests, adding_symbols_survives_failed_allocations);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
