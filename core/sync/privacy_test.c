/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the data classes: what the file may say, and where it is wrong. */
#include "core/sync/privacy.h"

#include "core/config/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];
static struct report report;

static void set_up(void) {
    snprintf(folder, sizeof folder, "privacy_test.%d", (int)getpid());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/privacy", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/privacy/classes.yaml", folder);
    report = (struct report) { 0 };
}

static void tear_down(void) {
    report_free(&report);
    unlink(path);
    snprintf(path, sizeof path, "%s/privacy", folder);
    rmdir(path);
    rmdir(folder);
}

static struct privacy *load(const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return privacy_load(folder, &report);
}

/* Refuses a file, with an error at this place of it ("" for any). */
static void refused(const char *text, const char *place) {
    char where[200];
    ck_assert_msg(load(text) == NULL, "taken: %s", text);
    ck_assert_uint_ge(report.errors, 1);
    snprintf(where, sizeof where, "%s%s", path, place);
    const char *said = report.entries[0].error.where;
    ck_assert_msg(strncmp(said, where, strlen(where)) == 0, "%s instead of %s", said, where);
    report_free(&report);
    report = (struct report) { 0 };
}

START_TEST(each_need_is_read) {
    struct privacy *p = load("classes:\n  plan: {needs: class}\n  consent: {needs: any}\n"
                             "  notes: {needs: nobody}\n");
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(privacy_need_of(p, "plan"), PRIVACY_NEEDS_CLASS);
    ck_assert_int_eq(privacy_need_of(p, "consent"), PRIVACY_NEEDS_ANY);
    ck_assert_int_eq(privacy_need_of(p, "notes"), PRIVACY_NEEDS_NOBODY);
    ck_assert_int_eq(privacy_need_of(p, "Plan"), PRIVACY_UNKNOWN);
    ck_assert_int_eq(privacy_need_of(p, ""), PRIVACY_UNKNOWN);
    privacy_free(p);
    privacy_free(NULL);
}
END_TEST

START_TEST(a_fault_is_named_with_its_position) {
    refused("classes:\n  plan: {needs: klass}\n", ":2:");
    refused("classes:\n  plan: {needs: class}\n  goals: {}\n", ":3:");
    refused("classes:\n  plan: {needs: class, unless: asked}\n", ":2:");
    refused("classes:\n  plan: class\n", ":2:");
    refused("classes:\n  plan:\n", ":2:");
    refused("classes:\n  plan: {needs: [class]}\n", ":2:");
    refused("classes: [plan]\n", "");
    refused("klasses:\n  plan: {needs: class}\n", "");
    refused("classes:\n  plan: {needs: class}\nmore: 1\n", "");
    refused("- plan\n", "");
    refused("", "");
    refused("classes: {\n", "");
}
END_TEST

START_TEST(a_class_that_is_named_twice_is_refused) {
    refused("classes:\n  plan: {needs: nobody}\n  plan: {needs: any}\n", "");
}
END_TEST

START_TEST(every_fault_is_told_at_once) {
    ck_assert_ptr_null(load("classes:\n  plan: {}\n  goals: {}\n  notes: {needs: nobody}\n"));
    ck_assert_uint_eq(report.errors, 2);
}
END_TEST

START_TEST(a_file_without_classes_permits_nothing) {
    struct privacy *p = load("classes: {}\n");
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(privacy_need_of(p, "plan"), PRIVACY_UNKNOWN);
    privacy_free(p);
}
END_TEST

START_TEST(a_missing_file_is_told) {
    ck_assert_ptr_null(privacy_load(folder, &report));
    ck_assert_uint_ge(report.errors, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("privacy");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, each_need_is_read);
    tcase_add_test(all, a_fault_is_named_with_its_position);
    tcase_add_test(all, a_class_that_is_named_twice_is_refused);
    tcase_add_test(all, every_fault_is_told_at_once);
    tcase_add_test(all, a_file_without_classes_permits_nothing);
    tcase_add_test(all, a_missing_file_is_told);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
