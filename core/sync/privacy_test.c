/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the privacy rules: what the files may say, where they are wrong, and what the shipped
 * ones hold. */
#include "core/sync/privacy.h"

#include "core/config/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128], part2_path[128];
static struct report report;
static struct arena arena;

static void write_file(const char *to, const char *text) {
    FILE *f = fopen(to, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void set_up(void) {
    snprintf(folder, sizeof folder, "privacy_test.%d", (int)getpid());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/privacy", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/privacy/classes.yaml", folder);
    snprintf(part2_path, sizeof part2_path, "%s/privacy/part2.yaml", folder);
    write_file(part2_path, "part2: []\n");
    report = (struct report) { 0 };
}

static void tear_down(void) {
    report_free(&report);
    arena_free(&arena);
    unlink(path);
    unlink(part2_path);
    snprintf(path, sizeof path, "%s/privacy", folder);
    rmdir(path);
    rmdir(folder);
}

static struct privacy *load(const char *text) {
    write_file(path, text);
    return privacy_load(folder, &report);
}

static struct privacy *load_part2(const char *text) {
    write_file(part2_path, text);
    return load("classes: {}\n");
}

/* The last file read was refused, with an error at this place of it ("" for any). */
static void refused_at(const struct privacy *p, const char *text, const char *file,
                       const char *place) {
    char where[200];
    ck_assert_msg(p == NULL, "taken: %s", text);
    ck_assert_uint_ge(report.errors, 1);
    snprintf(where, sizeof where, "%s%s", file, place);
    const char *said = report.entries[0].error.where;
    ck_assert_msg(strncmp(said, where, strlen(where)) == 0, "%s instead of %s", said, where);
    report_free(&report);
    report = (struct report) { 0 };
}

static void refused(const char *text, const char *place) {
    refused_at(load(text), text, path, place);
}

static void part2_refused(const char *text, const char *place) {
    refused_at(load_part2(text), text, part2_path, place);
}

static bool is_part2(const struct privacy *p, const char *record) {
    const struct tree *tree = json_read_copy(&arena, record, strlen(record), NULL, NULL);
    ck_assert_msg(tree != NULL, "%s", record);
    return privacy_is_part2(p, tree);
}

/* The rules that are shipped. */
static struct privacy *shipped(void) {
    char mappings[4096];
    const char *data = getenv("IPTFHIR_DATADIR");
    ck_assert_ptr_nonnull(data);
    snprintf(mappings, sizeof mappings, "%s/mappings", data);
    struct privacy *p = privacy_load(mappings, &report);
    ck_assert_ptr_nonnull(p);
    return p;
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

#define DIAGNOSIS(member, code) "{\"diagnoses\":[{\"id\":\"D1\"},{\"" member "\":" code "}]}"

START_TEST(a_code_is_found_where_its_set_says_whatever_its_case_and_dots) {
    struct privacy *p = load_part2("part2:\n  - {in: diagnoses.icd10cm, begins: [F10, o99.31]}\n"
                                   "  - {in: course.drug, is: [\"352364\"]}\n");
    ck_assert_ptr_nonnull(p);
    ck_assert(is_part2(p, DIAGNOSIS("icd10cm", "\"F10\"")));
    ck_assert(is_part2(p, DIAGNOSIS("icd10cm", "\"f1020\"")));
    ck_assert(is_part2(p, DIAGNOSIS("icd10cm", "\" F.10.20\"")));
    ck_assert(is_part2(p, DIAGNOSIS("icd10cm", "\"O99310\"")));
    ck_assert(!is_part2(p, DIAGNOSIS("icd10cm", "\"F1\"")));
    ck_assert(!is_part2(p, DIAGNOSIS("icd10cm", "\"F32.1\"")));
    ck_assert(!is_part2(p, DIAGNOSIS("snomed", "\"F10\"")));
    ck_assert(is_part2(p, "{\"course\":{\"drug\":\"352364\"}}"));
    ck_assert(is_part2(p, "{\"course\":{\"drug\":352364}}"));
    ck_assert(!is_part2(p, "{\"course\":{\"drug\":\"3523641\"}}"));
    ck_assert(!is_part2(p, "{\"course\":{\"drug\":\"35236\"}}"));
    privacy_free(p);
}
END_TEST

START_TEST(what_can_t_be_read_of_a_record_says_nothing_of_part_2) {
    struct privacy *p = load_part2("part2: [{in: diagnoses.icd10cm, begins: [F10]}]\n");
    ck_assert_ptr_nonnull(p);
    ck_assert(!is_part2(p, "{}"));
    ck_assert(!is_part2(p, "[]"));
    ck_assert(!is_part2(p, "\"F10\""));
    ck_assert(!is_part2(p, "{\"diagnoses\":\"F10\"}"));
    ck_assert(!is_part2(p, "{\"diagnoses\":[null,7,{\"icd10cm\":{}},{\"icd10cm\":null}]}"));
    ck_assert(is_part2(p, "{\"diagnoses\":[null,{\"icd10cm\":[\"F32\",\"F10\"]}]}"));
    ck_assert(is_part2(p, "{\"diagnoses\":{\"icd10cm\":\"F10\"}}"));
    privacy_free(p);
}
END_TEST

START_TEST(a_fault_among_the_codes_of_part_2_is_named_with_its_position) {
    part2_refused("part2:\n  - {in: diagnoses.icd10cm}\n", ":2:");
    part2_refused("part2:\n  - {begins: [F10]}\n", ":2:");
    part2_refused("part2:\n  - {in: diagnoses.icd10cm, begins: [F10], but: [F17]}\n", ":2:");
    part2_refused("part2:\n  - {in: diagnoses..icd10cm, begins: [F10]}\n", ":2:");
    part2_refused("part2:\n  - {in: a.b.c.d.e.f.g.h.i, begins: [F10]}\n", ":2:");
    part2_refused("part2:\n  - {in: a, begins: F10}\n", ":2:");
    part2_refused("part2:\n  - {in: a, begins: []}\n", ":2:");
    part2_refused("part2:\n  - {in: a, is: [352364]}\n", ":2:");
    part2_refused("part2:\n  - {in: a, begins: [\"\"]}\n", ":2:");
    part2_refused("part2:\n  - {in: a, begins: [\".\"]}\n", ":2:");
    part2_refused("part2:\n  - diagnoses\n", ":2:");
    part2_refused("part2: {in: a}\n", "");
    part2_refused("part3: []\n", "");
    part2_refused("", "");
}
END_TEST

START_TEST(without_its_file_nothing_is_known_of_part_2_and_nothing_begins) {
    unlink(part2_path);
    refused_at(load("classes: {}\n"), "no part2.yaml", part2_path, "");
}
END_TEST

START_TEST(the_shipped_rules_know_substance_use_but_tobacco) {
    static const char *const known[] = { "F10",     "F10.20", "F11.21", "F12.9", "F13",
                                         "F14.10",  "F15",    "F16",    "F18.1", "F19.9",
                                         "O99.310", "O99.32", "Z71.41", "Z71.51" };
    static const char *const others[] = { "F17",   "F17.210", "F32.1", "F1",
                                          "F20.0", "O99.3",   "Z71.3", "Z63.0" };
    struct privacy *p = shipped();
    char record[200];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        snprintf(record, sizeof record, DIAGNOSIS("icd10cm", "\"%s\""), known[i]);
        ck_assert_msg(is_part2(p, record), "%s is not known", known[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(record, sizeof record, DIAGNOSIS("icd10cm", "\"%s\""), others[i]);
        ck_assert_msg(!is_part2(p, record), "%s is no substance use", others[i]);
    }
    ck_assert(is_part2(p, DIAGNOSIS("snomed", "\"7200002\"")));
    ck_assert(!is_part2(p, DIAGNOSIS("snomed", "\"370143000\"")));
    ck_assert(is_part2(p, "{\"course\":{\"problemAreas\":[{\"zCode\":\"Z7141\"}]}}"));
    ck_assert(is_part2(p, "{\"course\":{\"combinedTherapies\":[{\"rxnorm\":\"352364\"}]}}"));
    privacy_free(p);
}
END_TEST

START_TEST(other_rules_are_described_differently) {
    struct str one = { 0 }, other = { 0 };
    struct privacy *p = load_part2("part2: [{in: a, begins: [F10]}]\n");
    privacy_describe(p, &one);
    privacy_free(p);
    p = load_part2("part2: [{in: a, begins: [F11]}]\n");
    privacy_describe(p, &other);
    privacy_free(p);
    ck_assert_str_ne(one.data, other.data);
    str_free(&one);
    str_free(&other);
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
    tcase_add_test(all, a_code_is_found_where_its_set_says_whatever_its_case_and_dots);
    tcase_add_test(all, what_can_t_be_read_of_a_record_says_nothing_of_part_2);
    tcase_add_test(all, a_fault_among_the_codes_of_part_2_is_named_with_its_position);
    tcase_add_test(all, without_its_file_nothing_is_known_of_part_2_and_nothing_begins);
    tcase_add_test(all, the_shipped_rules_know_substance_use_but_tobacco);
    tcase_add_test(all, other_rules_are_described_differently);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
