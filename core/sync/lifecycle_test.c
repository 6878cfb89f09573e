/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the rules of withdrawal: their schema, and the shipped ones on bodies. */
#include "core/sync/lifecycle.h"

#include "core/base/file.h"

#include "core/fhir/validate.h"

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

/* What the first fault says: "where: code". */
static const char *fault_of(const char *text) {
    struct lifecycle *l = lifecycle_read(text, strlen(text), "rules.yaml", &report);
    ck_assert_ptr_null(l);
    ck_assert_uint_gt(report.count, 0);
    return arena_printf(&arena, "%s: %s", report.entries[0].error.where,
                        report.entries[0].error.code);
}

START_TEST(an_unknown_key_is_an_error_with_its_place) {
    ck_assert_str_eq(fault_of("types:\n  Goal:\n    eror: leave\n"),
                     "rules.yaml:3:11: unknown-key");
}
END_TEST

START_TEST(a_type_that_fhir_lacks_is_an_error) {
    ck_assert_str_eq(fault_of("types:\n  Gaol: {error: leave}\n"), "rules.yaml:2:9: unknown-type");
}
END_TEST

START_TEST(an_element_that_the_type_lacks_is_an_error) {
    ck_assert_str_eq(fault_of("types:\n  Goal:\n    error: {set: {status: x}}\n"),
                     "rules.yaml:3:27: unknown-element");
}
END_TEST

START_TEST(an_end_by_absence_needs_a_rule_for_the_end) {
    ck_assert_str_eq(fault_of("types:\n  Goal:\n    absent: end\n"), "rules.yaml:3:13: missing");
}
END_TEST

/* The shipped rules. */
static struct lifecycle *shipped(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/mappings/lifecycle.yaml", getenv("top_srcdir"));
    struct lifecycle *l = lifecycle_load(path, &report);
    ck_assert_msg(l != NULL, "%s %s", report.count > 0 ? report.entries[0].error.where : "",
                  report.count > 0 ? report.entries[0].error.text : "");
    return l;
}

/* Withdraws a body by the shipped rules and gives its text; NULL when it is left or held. */
static const char *withdrawn(const char *json, enum store_wanted cause, enum lifecycle_step step) {
    struct lifecycle *l = shipped();
    struct iptfhir_error error = ERROR_INIT;
    struct str text = { 0 };
    struct tree *tree = json_read_copy(&arena, json, strlen(json), NULL, &error);
    ck_assert_msg(tree != NULL, "%s", error.text);
    ck_assert_int_eq(lifecycle_apply(l, tree, &arena, cause), step);
    json_write(&text, tree, JSON_COMPACT);
    const char *kept = arena_strndup(&arena, text.data, text.length);
    str_free(&text);
    lifecycle_free(l);
    return kept;
}

START_TEST(a_goal_that_left_is_cancelled_and_one_never_true_is_in_error) {
    const char *goal = "{\"resourceType\":\"Goal\",\"lifecycleStatus\":\"active\",\"description\":"
                       "{\"text\":\"x\"}}";
    ck_assert_str_eq(withdrawn(goal, STORE_WANTED_ENDED, LIFECYCLE_WRITE),
                     "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"x\"},"
                     "\"lifecycleStatus\":\"cancelled\"}");
    ck_assert_ptr_nonnull(
        strstr(withdrawn(goal, STORE_WANTED_ERROR, LIFECYCLE_WRITE), "entered-in-error"));
    withdrawn(goal, STORE_WANTED_LEFT, LIFECYCLE_LEAVE);
}
END_TEST

START_TEST(a_condition_in_error_has_no_clinical_status) {
    const char *text =
        withdrawn("{\"resourceType\":\"Condition\",\"clinicalStatus\":{\"text\":\"active\"},"
                  "\"abatementDateTime\":\"2026\",\"subject\":{\"reference\":\"Patient/1\"}}",
                  STORE_WANTED_ERROR, LIFECYCLE_WRITE);
    ck_assert_str_eq(
        text,
        "{\"resourceType\":\"Condition\",\"subject\":{\"reference\":\"Patient/1\"},"
        "\"verificationStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
        "condition-ver-status\",\"code\":\"entered-in-error\"}]}}");
}
END_TEST

START_TEST(an_open_plan_of_a_record_that_left_becomes_unknown_and_a_closed_one_stays) {
    ck_assert_str_eq(withdrawn("{\"resourceType\":\"CarePlan\",\"status\":\"active\"}",
                               STORE_WANTED_LEFT, LIFECYCLE_WRITE),
                     "{\"resourceType\":\"CarePlan\",\"status\":\"unknown\"}");
    withdrawn("{\"resourceType\":\"CarePlan\",\"status\":\"completed\"}", STORE_WANTED_LEFT,
              LIFECYCLE_LEAVE);
}
END_TEST

START_TEST(a_support_person_is_stripped_of_identity) {
    ck_assert_str_eq(
        withdrawn("{\"resourceType\":\"RelatedPerson\",\"active\":true,\"name\":[{\"family\":\"X\"}"
                  "],\"telecom\":[{\"value\":\"1\"}],\"patient\":{\"reference\":\"Patient/1\"}}",
                  STORE_WANTED_ERROR, LIFECYCLE_WRITE),
        "{\"resourceType\":\"RelatedPerson\",\"patient\":{\"reference\":\"Patient/1\"},"
        "\"active\":false}");
}
END_TEST

START_TEST(in_a_wrong_chart_values_go_with_the_status) {
    const char *text =
        withdrawn("{\"resourceType\":\"Observation\",\"status\":\"final\",\"valueQuantity\":"
                  "{\"value\":17},\"interpretation\":[{\"text\":\"x\"}],\"code\":{\"text\":\"t\"}}",
                  STORE_WANTED_MOVED, LIFECYCLE_WRITE);
    ck_assert_str_eq(text, "{\"resourceType\":\"Observation\",\"code\":{\"text\":\"t\"},"
                           "\"status\":\"entered-in-error\"}");
}
END_TEST

START_TEST(what_the_file_does_not_say_is_held) {
    withdrawn("{\"resourceType\":\"Flag\",\"status\":\"active\"}", STORE_WANTED_LEFT,
              LIFECYCLE_HOLD);
    withdrawn("{\"resourceType\":\"Observation\",\"status\":\"final\"}", STORE_WANTED_ENDED,
              LIFECYCLE_HOLD);
    withdrawn("{\"resourceType\":\"Patient\"}", STORE_WANTED_ERROR, LIFECYCLE_HOLD);
}
END_TEST

START_TEST(only_goals_plans_and_requests_end_by_absence) {
    struct lifecycle *l = shipped();
    static const char *const ends[] = { "Goal", "CarePlan", "ServiceRequest" };
    static const char *const stays[] = { "Observation", "Condition", "CareTeam",  "Flag",
                                         "Consent",     "Encounter", "Procedure", "Patient" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        ck_assert(lifecycle_ends(l, ends[i]));
    for (size_t i = 0; i < sizeof stays / sizeof *stays; i++)
        ck_assert(!lifecycle_ends(l, stays[i]));
    ck_assert(!lifecycle_ends(NULL, "Goal"));
    lifecycle_free(l);
}
END_TEST

/* Every resource of the example, withdrawn in every way, is still valid R4. */
START_TEST(what_is_withdrawn_is_valid_r4) {
    static const enum store_wanted all[] = { STORE_WANTED_ERROR, STORE_WANTED_ENDED,
                                             STORE_WANTED_LEFT, STORE_WANTED_MOVED };
    struct lifecycle *l = shipped();
    struct str text = { 0 };
    size_t written = 0;
    char path[4096];
    snprintf(path, sizeof path, "%s/mappings/examples/full/expected.ndjson", getenv("top_srcdir"));
    ck_assert(file_read(&text, path, 16 << 20, NULL));
    char *rest = NULL;
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        for (size_t c = 0; c < sizeof all / sizeof *all; c++) {
            struct iptfhir_error error = ERROR_INIT;
            struct report faults = { 0 };
            struct tree *tree = json_read_copy(&arena, line, strlen(line), NULL, &error);
            ck_assert_ptr_nonnull(tree);
            if (lifecycle_apply(l, tree, &arena, all[c]) != LIFECYCLE_WRITE)
                continue;
            bool valid = r4_validate(tree, &faults);
            ck_assert_msg(valid, "%s cause %d: %s %s", tree_text(tree, "resourceType"), (int)all[c],
                          faults.count > 0 ? faults.entries[0].error.where : "",
                          faults.count > 0 ? faults.entries[0].error.text : "");
            report_free(&faults);
            written++;
        }
        arena_reset(&arena);
    }
    ck_assert_uint_gt(written, 100);
    str_free(&text);
    lifecycle_free(l);
}
END_TEST

START_TEST(a_removal_that_a_person_decides_is_told_by_its_codes) {
    static const char rules[] = "types:\n  Observation: {person: {interpretation: [A]}}\n"
                                "  Flag: {person: always}\n  Goal: {absent: hold}\n";
    static const char positive[] = "{\"interpretation\":[{\"coding\":[{\"code\":\"A\"}]}]}";
    static const char negative[] = "{\"interpretation\":[{\"coding\":[{\"code\":\"N\"}],"
                                   "\"text\":\"A\"}],\"code\":{\"coding\":[{\"code\":\"A\"}]}}";
    struct report faults = { 0 };
    struct arena a = { 0 };
    struct lifecycle *l = lifecycle_read(rules, sizeof rules - 1, "rules", &faults);
    ck_assert_ptr_nonnull(l);
    const struct tree *yes = json_read_copy(&a, positive, sizeof positive - 1, NULL, NULL);
    const struct tree *no = json_read_copy(&a, negative, sizeof negative - 1, NULL, NULL);
    ck_assert(lifecycle_needs_person(l, "Observation", yes));
    ck_assert(!lifecycle_needs_person(l, "Observation", no));
    ck_assert(lifecycle_needs_person(l, "Observation", NULL)); /* who knows */
    ck_assert(lifecycle_needs_person(l, "Flag", no));
    ck_assert(!lifecycle_needs_person(l, "Goal", yes));
    ck_assert(!lifecycle_may_need_person(l, "Goal"));
    ck_assert(!lifecycle_needs_person(NULL, "Flag", no));
    lifecycle_free(l);
    arena_free(&a);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("lifecycle");
    TCase *c = tcase_create("rules");
    tcase_add_checked_fixture(c, NULL, tear_down);
    tcase_add_test(c, an_unknown_key_is_an_error_with_its_place);
    tcase_add_test(c, a_type_that_fhir_lacks_is_an_error);
    tcase_add_test(c, an_element_that_the_type_lacks_is_an_error);
    tcase_add_test(c, an_end_by_absence_needs_a_rule_for_the_end);
    tcase_add_test(c, a_goal_that_left_is_cancelled_and_one_never_true_is_in_error);
    tcase_add_test(c, a_condition_in_error_has_no_clinical_status);
    tcase_add_test(c, an_open_plan_of_a_record_that_left_becomes_unknown_and_a_closed_one_stays);
    tcase_add_test(c, a_support_person_is_stripped_of_identity);
    tcase_add_test(c, in_a_wrong_chart_values_go_with_the_status);
    tcase_add_test(c, what_the_file_does_not_say_is_held);
    tcase_add_test(c, only_goals_plans_and_requests_end_by_absence);
    tcase_add_test(c, what_is_withdrawn_is_valid_r4);
    tcase_add_test(c, a_removal_that_a_person_decides_is_told_by_its_codes);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
