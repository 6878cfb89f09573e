/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the services that plugins get. */
#include "core/plugin/host.h"

#include <check.h>
#undef fail /* an old macro of Check, and a service of the host */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], mappings[96];
static struct config config;
static const struct config_instance instance = { .name = "x",
                                                 .plugin = "p",
                                                 .where = "iptfhir.yaml:2:3" };
static struct host *host;
static const struct iptfhir_host *table;
static struct iptfhir_error error;
static atomic_bool stopping;

/* Write a file below the test's folder. */
static void put(const char *name, const char *text) {
    char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* A host over two folders. */
static void setup(void) {
    char path[128];
    snprintf(folder, sizeof folder, "/tmp/iptfhir-host-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(mappings, sizeof mappings, "%s/mappings", folder);
    snprintf(path, sizeof path, "%s/instruments", mappings);
    ck_assert_int_eq(mkdir(mappings, 0700) | mkdir(path, 0700), 0);
    put("columns.yaml", "separator: \";\"\ncolumns:\n  - {field: recordId}\n");
    put("mappings/instruments/who-5.yaml", "name: WHO-5\n");
    put("mappings/instruments/gad-7.yaml", "name: GAD-7\n");
    put("mappings/instruments/notes.txt", "no instrument\n");
    put("broken.yaml", "a: [1\nb: no\n");
    config = (struct config) { .folder = folder,
                               .mappings_dir = mappings,
                               .identity_base = "https://ipt.example.org" };
    const struct host_settings settings = { .config = &config,
                                            .instance = &instance,
                                            .stopping = &stopping };
    stopping = false;
    error = (struct iptfhir_error)ERROR_INIT;
    ck_assert_ptr_nonnull(host = host_new(&settings));
    table = host_table(host);
}

/* Take everything away. */
static void teardown(void) {
    char command[128];
    host_free(host);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(every_service_is_there) {
    ck_assert_uint_eq(table->size, sizeof *table);
    ck_assert_uint_eq(table->nodes->size, sizeof *table->nodes);
    ck_assert_ptr_nonnull(table->lasting);
    const void *members[7];
    ck_assert_uint_eq(sizeof members, sizeof *table - offsetof(struct iptfhir_host, log));
    memcpy(members, (const char *)table + offsetof(struct iptfhir_host, log), sizeof members);
    for (size_t i = 0; i < 7; i++)
        ck_assert_msg(members[i] != NULL, "service %zu is missing", i);
}
END_TEST

START_TEST(the_first_failure_wins_and_the_status_comes_back) {
    ck_assert_int_eq(table->fail(table, &error, IPTFHIR_RETRY, "first", "row 3", "%d of %d", 1, 2),
                     IPTFHIR_RETRY);
    ck_assert_int_eq(table->fail(table, &error, IPTFHIR_FATAL, "second", NULL, "later"),
                     IPTFHIR_FATAL);
    ck_assert_str_eq(error.code, "first");
    ck_assert_str_eq(error.where, "row 3");
    ck_assert_str_eq(error.text, "1 of 2");
    ck_assert_int_eq(table->fail(table, NULL, IPTFHIR_REJECT, "third", NULL, "nobody listens"),
                     IPTFHIR_REJECT);
}
END_TEST

START_TEST(stopping_follows_the_flag) {
    ck_assert(!table->stopping(table));
    stopping = true;
    ck_assert(table->stopping(table));
}
END_TEST

START_TEST(a_document_is_read_once_and_knows_its_positions) {
    char where[256], expected[128];
    const struct iptfhir_node *d = table->document(table, "columns.yaml", &error);
    ck_assert_msg(d != NULL, "%s", error.text);
    ck_assert_str_eq(iptfhir_get_text(table->nodes, d, "separator"), ";");
    ck_assert_ptr_eq(table->document(table, "columns.yaml", &error), d);
    ck_assert(table->position(table, d, "/columns/0/field", where, sizeof where));
    snprintf(expected, sizeof expected, "%s/columns.yaml:3:13", folder);
    ck_assert_str_eq(where, expected);
    ck_assert(!table->position(table, d, "/columns/1", where, sizeof where));
}
END_TEST

START_TEST(a_document_of_the_mappings_is_found_behind_the_configuration) {
    const struct iptfhir_node *d = table->document(table, "instruments/gad-7.yaml", &error);
    ck_assert_msg(d != NULL, "%s", error.text);
    put("gad.yaml", "name: ours\n");
    ck_assert_ptr_nonnull(d = table->document(table, "gad.yaml", &error));
    ck_assert_str_eq(iptfhir_get_text(table->nodes, d, "name"), "ours");
}
END_TEST

START_TEST(a_document_that_is_missing_or_broken_is_an_error_with_its_place) {
    ck_assert_ptr_null(table->document(table, "nowhere.yaml", &error));
    ck_assert_str_eq(error.code, "missing-file");
    error_clear(&error);
    ck_assert_ptr_null(table->document(table, "broken.yaml", &error));
    ck_assert_ptr_nonnull(strstr(error.where, "broken.yaml:"));
}
END_TEST

START_TEST(a_listing_is_sorted_and_filtered_and_may_be_empty) {
    const char *const *names = table->list(table, "instruments", ".yaml");
    ck_assert_str_eq(names[0], "gad-7.yaml");
    ck_assert_str_eq(names[1], "who-5.yaml");
    ck_assert_ptr_null(names[2]);
    ck_assert_ptr_eq(table->list(table, "instruments", ".yaml"), names);
    ck_assert_ptr_null(table->list(table, "nowhere", ".yaml")[0]);
}
END_TEST

START_TEST(an_identity_is_the_same_every_time) {
    char one[37], two[37];
    table->identity(table, "Goal", "rec/g1", one);
    table->identity(table, "Goal", "rec/g1", two);
    ck_assert_str_eq(one, two);
    ck_assert_int_eq(one[14], '5');
    table->identity(table, "Goal", "rec/g2", two);
    ck_assert_str_ne(one, two);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host");
    TCase *c = tcase_create("host");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, every_service_is_there);
    tcase_add_test(c, the_first_failure_wins_and_the_status_comes_back);
    tcase_add_test(c, stopping_follows_the_flag);
    tcase_add_test(c, a_document_is_read_once_and_knows_its_positions);
    tcase_add_test(c, a_document_of_the_mappings_is_found_behind_the_configuration);
    tcase_add_test(c, a_document_that_is_missing_or_broken_is_an_error_with_its_place);
    tcase_add_test(c, a_listing_is_sorted_and_filtered_and_may_be_empty);
    tcase_add_test(c, an_identity_is_the_same_every_time);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
