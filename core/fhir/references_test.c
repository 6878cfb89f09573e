/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of listing a resource's references. */
#include "core/fhir/references.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A "aaaaaaaa-0000-5000-8000-000000000001"
#define B "bbbbbbbb-0000-5000-8000-000000000002"
#define REF(type, id) "{\"reference\":\"" type "/" id "\"}"

static struct arena arena;
static const struct resource_reference *list;
static size_t count;

static void end(void) {
    arena_free(&arena);
    arena = (struct arena) { 0 };
}

/* Lists what a JSON text refers to. */
static void list_of(const char *json) {
    struct iptfhir_error error = ERROR_INIT;
    struct tree *tree = json_read_copy(&arena, json, strlen(json), NULL, &error);
    ck_assert_msg(tree != NULL, "%s", error.text);
    ck_assert(resource_references(&arena, tree, &list, &count));
}

START_TEST(references_are_listed_with_type_and_id_in_order) {
    list_of("{\"subject\":" REF("Patient", A) ",\"x\":[{\"y\":" REF("Goal", B) "}]}");
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(list[0].type, "Patient");
    ck_assert_str_eq(list[0].uuid, A);
    ck_assert_str_eq(list[1].type, "Goal");
    ck_assert_str_eq(list[1].uuid, B);
}
END_TEST

START_TEST(a_uuid_is_listed_once) {
    list_of("{\"a\":[" REF("Goal", A) "," REF("Goal", B) "," REF("Goal", A) "]}");
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(what_is_no_identity_of_ours_is_not_listed) {
    static const char *const others[] = {
        "{\"reference\":\"Patient/17\"}",
        "{\"reference\":\"#c\"}",
        "{\"reference\":\"\"}",
        "{\"reference\":\"Patient\"}",
        "{\"reference\":\"/" A "\"}",
        "{\"reference\":\"urn:uuid:" A "\"}",
        "{\"reference\":\"https://x/Patient/" A "\"}",
        "{\"reference\":\"Patient/" A "/_history/1\"}",
        "{\"reference\":\"Patient/Aaaaaaaa-0000-5000-8000-000000000001\"}",
        "{\"reference\":\"Patient/gaaaaaaa-0000-5000-8000-000000000001\"}",
        "{\"reference\":\"Patient/aaaaaaaa-0000-5000-8000-00000000000:\"}",
        "{\"reference\":\"Patient/aaaaaaaa-0000-50`0-8000-000000000001\"}",
        "{\"reference\":\"Patient/aaaaaaaa-0000-5000_8000-000000000001\"}",
        "{\"reference\":\"Patient/aaaaaaaa-0000-5000-8000-0000000000\xC3\xA9\"}",
        "{\"reference\":\"Pat1ent/" A "\"}",
        "{\"reference\":{\"a\":\"Patient/" A "\"}}",
        "{\"valueString\":\"Patient/" A "\"}",
        "{\"valueString\":\"{\\\"reference\\\":\\\"Patient/" A "\\\"}\"}",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        list_of(others[i]);
        ck_assert_msg(count == 0, "%s", others[i]);
    }
}
END_TEST

START_TEST(many_references_are_all_listed) {
    struct str json = { 0 };
    char uuid[37];
    str_puts(&json, "{\"a\":[");
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(uuid, sizeof uuid, "%08x-0000-5000-8000-000000000000", i % 1000);
        str_printf(&json, "%s{\"reference\":\"Goal/%s\"}", i == 0 ? "" : ",", uuid);
    }
    str_puts(&json, "]}");
    list_of(json.data);
    str_free(&json);
    ck_assert_uint_eq(count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(uuid, sizeof uuid, "%08x-0000-5000-8000-000000000000", i);
        ck_assert_str_eq(list[i].uuid, uuid);
    }
}
END_TEST

START_TEST(references_become_urns_and_nothing_else_does) {
    struct iptfhir_error error = ERROR_INIT;
    struct str out = { 0 };
    const char *json = "{\"subject\":" REF("Patient", A) ",\"x\":[" REF(
        "Goal", B) "],\"t\":\"Goal/" B "\",\"author\":{\"reference\":\"#a\"}}";
    struct tree *tree = json_read_copy(&arena, json, strlen(json), NULL, &error);
    ck_assert(resource_references_to_urns(&arena, tree));
    json_write(&out, tree, JSON_COMPACT);
    ck_assert_str_eq(out.data, "{\"subject\":{\"reference\":\"urn:uuid:" A
                               "\"},\"x\":[{\"reference\":\"urn:uuid:" B "\"}],\"t\":\"Goal/" B
                               "\",\"author\":{\"reference\":\"#a\"}}");
    str_free(&out);
}
END_TEST

START_TEST(a_full_arena_is_told) {
    struct tree *tree = NULL;
    struct iptfhir_error error = ERROR_INIT;
    const char *json = "{\"subject\":" REF("Patient", A) "}";
    tree = json_read_copy(&arena, json, strlen(json), NULL, &error);
    ck_assert(tree != NULL);
    arena.limit = arena.used;
    ck_assert(!resource_references(&arena, tree, &list, &count));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("references of a resource");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, end);
    tcase_add_test(all, references_are_listed_with_type_and_id_in_order);
    tcase_add_test(all, a_uuid_is_listed_once);
    tcase_add_test(all, what_is_no_identity_of_ours_is_not_listed);
    tcase_add_test(all, many_references_are_all_listed);
    tcase_add_test(all, references_become_urns_and_nothing_else_does);
    tcase_add_test(all, a_full_arena_is_told);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
