/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the R4 validator: what it accepts, and each class of fault with its path. */
#include "core/fhir/r4.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCORE "{\"system\":\"http://loinc.org\",\"code\":\"44261-6\"}"
#define OBSERVATION(status, rest)                                                                  \
    "{\"resourceType\":\"Observation\",\"status\":" status ",\"code\":{\"coding\":[" SCORE         \
    "]}" rest "}"
#define DIV "<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">"

struct sample {
    const char *json, *where, *word;
};

/* Validates a JSON text into `report`. */
static bool validate(const char *json, struct report *report) {
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct tree *tree = json_read_copy(&arena, json, strlen(json), "sample.json", &error);
    ck_assert_msg(tree != NULL, "%s: %s in %s", error.where, error.text, json);
    bool clean = r4_validate(tree, report);
    arena_free(&arena);
    return clean;
}

static const char *const clean[] = {
    OBSERVATION("\"final\"", ",\"valueQuantity\":{\"value\":10.50,\"system\":\"http://"
                             "unitsofmeasure.org\",\"code\":\"{score}\"}"),
    OBSERVATION(
        "\"final\"",
        ",\"dataAbsentReason\":{\"text\":\"declined\"},\"effectiveDateTime\":\"2024-02-29\""),
    OBSERVATION("\"final\"", ",\"effectiveDateTime\":\"2026-01-12T14:05:00.250-05:00\",\"issued\":"
                             "\"2026-01-12T19:05:00Z\""),
    OBSERVATION("\"final\"", ",\"_valueString\":{\"extension\":[{\"url\":\"http://x.test/"
                             "a\",\"valueCode\":\"masked\"}]}"),
    OBSERVATION("\"final\"", ",\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"p\"}],"
                             "\"subject\":{\"reference\":\"#p\"}"),
    OBSERVATION("\"final\"", ",\"subject\":{\"reference\":\"Patient?identifier=urn:x|1\"},"
                             "\"hasMember\":[{\"reference\":\"urn:uuid:0f\"}]"),
    "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[null,\"A\"],\"_given\":[{\"id\":\"x\"},"
    "null]}],\"active\":"
    "true}",
    "{\"resourceType\":\"Patient\",\"_birthDate\":{\"extension\":[{\"url\":\"http://x.test/"
    "a\",\"valueBoolean\":true}]}}",
    "{\"resourceType\":\"Basic\",\"code\":{\"text\":\"a\"},\"text\":{\"status\":\"generated\","
    "\"div\":\"" DIV "a <b>b</b></div>\"}}",
    "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":\"urn:uuid:1\","
    "\"resource\":" OBSERVATION("\"final\"", ",\"contained\":[{\"resourceType\":\"Patient\",\"id\":"
                                             "\"p\"}],\"subject\":{\"reference\":\"#p\"}") "}]}",
};

START_TEST(a_sound_resource_is_accepted) {
    struct report report = { 0 };
    bool accepted = validate(clean[_i], &report);
    ck_assert_msg(accepted, "%s: %s", report.count ? report.entries[0].error.where : "",
                  report.count ? report.entries[0].error.text : "");
    ck_assert_uint_eq(report.count, 0);
    report_free(&report);
}
END_TEST

static const struct sample faulty[] = {
    { "[]", "", "expected a resource" },
    { "{\"status\":\"final\"}", "resourceType", "says its type" },
    { "{\"resourceType\":\"Observatio\"}", "resourceType", "R4 resource type" },
    { "{\"resourceType\":\"DomainResource\"}", "resourceType", "R4 resource type" },
    { OBSERVATION("\"final\"", ",\"efectiveDateTime\":\"2026-01-12\""),
      "Observation.efectiveDateTime", "'effectiveDateTime'" },
    { OBSERVATION("\"final\"", ",\"value\":1"), "Observation.value", "no such element" },
    { OBSERVATION("\"final\"", ",\"valueAddress\":{\"text\":\"a\"}"), "Observation.valueAddress",
      "no such element" },
    { OBSERVATION("\"finnal\"", ""), "Observation.status", "required codes" },
    { OBSERVATION("true", ""), "Observation.status", "expected a string" },
    { OBSERVATION("[\"final\"]", ""), "Observation.status", "not a list" },
    { "{\"resourceType\":\"Observation\",\"status\":\"final\"}", "Observation.code", "missing" },
    { OBSERVATION("\"final\"", ",\"category\":{\"text\":\"a\"}"), "Observation.category",
      "expected a list" },
    { OBSERVATION("\"final\"", ",\"category\":[]"), "Observation.category", "never empty" },
    { OBSERVATION("\"final\"", ",\"category\":[null]"), "Observation.category[0]",
      "null stands only" },
    { OBSERVATION("\"final\"", ",\"category\":[{\"text\":\"a\"},\"b\"]"), "Observation.category[1]",
      "expected an object" },
    { OBSERVATION("\"final\"", ",\"subject\":{}"), "Observation.subject", "never empty" },
    { OBSERVATION("\"final\"", ",\"valueString\":\"a\",\"valueInteger\":1"),
      "Observation.valueInteger", "one value only" },
    { OBSERVATION("\"final\"", ",\"valueString\":\"a\",\"_valueInteger\":{\"id\":\"b\"}"),
      "Observation._valueInteger", "one type only" },
    { OBSERVATION("\"final\"", ",\"_subject\":{\"id\":\"b\"}"), "Observation._subject",
      "no such element" },
    { OBSERVATION("\"final\"", ",\"effectiveDateTime\":\"2026-02-29\""),
      "Observation.effectiveDateTime", "date that exists" },
    { OBSERVATION("\"final\"", ",\"effectiveDateTime\":\"2026-02-28T10:00\""),
      "Observation.effectiveDateTime", "offset" },
    { OBSERVATION("\"final\"", ",\"effectiveDateTime\":\"2026-02-28T10:00:00\""),
      "Observation.effectiveDateTime", "offset" },
    { OBSERVATION("\"final\"", ",\"issued\":\"2026-02-28\""), "Observation.issued", "offset" },
    { OBSERVATION("\"final\"", ",\"valueTime\":\"25:00:00\""), "Observation.valueTime",
      "time of day" },
    { OBSERVATION("\"final\"", ",\"valueInteger\":1.0"), "Observation.valueInteger",
      "whole number" },
    { OBSERVATION("\"final\"", ",\"valueInteger\":2147483648"), "Observation.valueInteger",
      "whole number" },
    { OBSERVATION("\"final\"", ",\"valueString\":\"\""), "Observation.valueString", "not empty" },
    { OBSERVATION("\"final\"", ",\"valueString\":\"a\\u0007\""), "Observation.valueString",
      "control" },
    { OBSERVATION("\"final\"", ",\"id\":\"a_b\""), "Observation.id", "an id" },
    { OBSERVATION("\"final\"", ",\"language\":\" en\""), "Observation.language", "a code" },
    { OBSERVATION("\"final\"", ",\"implicitRules\":\"http://x test\""), "Observation.implicitRules",
      "white space" },
    { OBSERVATION("\"final\"",
                  ",\"component\":[{\"code\":{\"text\":\"a\"}},{\"valueString\":\"b\"}]"),
      "Observation.component[1].code", "missing" },
    { OBSERVATION("\"final\"", ",\"valueString\":\"a\",\"dataAbsentReason\":{\"text\":\"b\"}"),
      "Observation.dataAbsentReason", "obs-6" },
    { OBSERVATION("\"final\"",
                  ",\"valueString\":\"a\",\"component\":[{\"code\":{\"coding\":[" SCORE "]}}]"),
      "Observation.component[0].code", "obs-7" },
    { OBSERVATION("\"final\"", ",\"referenceRange\":[{\"age\":{\"low\":{\"value\":1}}}]"),
      "Observation.referenceRange[0]", "obs-3" },
    { OBSERVATION("\"final\"", ",\"subject\":{\"reference\":\"#p\"}"),
      "Observation.subject.reference", "ref-1" },
    { OBSERVATION("\"final\"", ",\"subject\":{\"reference\":\"Patent/1\"}"),
      "Observation.subject.reference", "Type/id" },
    { OBSERVATION("\"final\"", ",\"subject\":{\"reference\":\"1\"}"),
      "Observation.subject.reference", "Type/id" },
    { OBSERVATION("\"final\"", ",\"valueQuantity\":{\"value\":1,\"code\":\"a\"}"),
      "Observation.valueQuantity.system", "qty-3" },
    { OBSERVATION("\"final\"", ",\"extension\":[{\"url\":\"http://x.test/a\"}]"),
      "Observation.extension[0]", "ext-1" },
    { OBSERVATION("\"final\"",
                  ",\"effectivePeriod\":{\"start\":\"2026-02-01\",\"end\":\"2026-01-31\"}"),
      "Observation.effectivePeriod.end", "per-1" },
    { OBSERVATION("\"final\"", ",\"effectivePeriod\":{\"start\":\"2026-02-01T01:00:00Z\",\"end\":"
                               "\"2026-02-01T01:30:00+01:00\"}"),
      "Observation.effectivePeriod.end", "per-1" },
    { OBSERVATION("\"final\"", ",\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"p\","
                               "\"meta\":{\"versionId\":\"1\"}}]"),
      "Observation.contained[0].meta", "dom-4" },
    { OBSERVATION("\"final\"", ",\"contained\":[{\"id\":\"p\"}]"),
      "Observation.contained[0].resourceType", "says its type" },
    { OBSERVATION("\"final\"", ",\"text\":{\"status\":\"generated\",\"div\":\"<p>a</p>\"}"),
      "Observation.text.div", "XHTML" },
    { OBSERVATION("\"final\"",
                  ",\"text\":{\"status\":\"generated\",\"div\":\"" DIV " <b> </b></div>\"}"),
      "Observation.text.div", "content" },
    { OBSERVATION("\"final\"", ",\"text\":{\"status\":\"generated\",\"div\":\"" DIV
                               "a<script>b</script></div>\"}"),
      "Observation.text.div", "scripts" },
    { "{\"resourceType\":\"Goal\",\"lifecycleStatus\":\"active\",\"description\":{\"text\":\"a\"},"
      "\"subject\":{"
      "\"display\":\"b\"},"
      "\"target\":[{\"detailInteger\":1}]}",
      "Goal.target[0].measure", "gol-1" },
    { "{\"resourceType\":\"CarePlan\",\"status\":\"active\",\"intent\":\"plan\",\"subject\":{"
      "\"display\":\"b\"},"
      "\"activity\":[{\"reference\":{\"display\":\"c\"},\"detail\":{\"status\":\"scheduled\"}}]}",
      "CarePlan.activity[0].detail", "cpl-3" },
    { "{\"resourceType\":\"Condition\",\"subject\":{\"display\":\"b\"},\"abatementDateTime\":"
      "\"2026\"}",
      "Condition.clinicalStatus", "con-4" },
    { "{\"resourceType\":\"Condition\",\"subject\":{\"display\":\"b\"},\"abatementString\":\"c\","
      "\"clinicalStatus\":{"
      "\"coding\":[{"
      "\"system\":\"http://terminology.hl7.org/CodeSystem/"
      "condition-clinical\",\"code\":\"active\"}]}}",
      "Condition.clinicalStatus", "con-4" },
    { "{\"resourceType\":\"Condition\",\"subject\":{\"display\":\"b\"},\"clinicalStatus\":{"
      "\"text\":\"c\"},"
      "\"verificationStatus\":{\"coding\":[{"
      "\"system\":\"http://terminology.hl7.org/CodeSystem/"
      "condition-ver-status\",\"code\":\"entered-in-error\"}]}}",
      "Condition.clinicalStatus", "con-5" },
    { "{\"resourceType\":\"Condition\",\"subject\":{\"display\":\"b\"},\"clinicalStatus\":{"
      "\"text\":\"c\"},"
      "\"verificationStatus\":{\"coding\":[{"
      "\"system\":\"http://terminology.hl7.org/CodeSystem/condition-ver-status\",\"code\":\"\"}]}}",
      "Condition.verificationStatus.coding[0].code", "a code" },
    { "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[null]}]}", "Patient.name[0].given[0]",
      "null stands only" },
    { "{\"resourceType\":\"Patient\",\"photo\":[{\"contentType\":\"image/png\",\"data\":\"abc\"}]}",
      "Patient.photo[0].data", "base64" },
    { "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":{"
      "\"resourceType\":\"Patient\"}},{"
      "\"resource\":" OBSERVATION("\"x\"", "") "}]}",
      "Bundle.entry[1].resource.status", "required codes" },
};

START_TEST(each_fault_is_reported_at_its_path) {
    struct report report = { 0 };
    const struct sample *s = &faulty[_i];
    ck_assert(!validate(s->json, &report));
    ck_assert_uint_eq(report.count, 1);
    ck_assert_str_eq(report.entries[0].error.where, s->where);
    ck_assert_str_eq(report.entries[0].error.code, "invalid");
    ck_assert_msg(strstr(report.entries[0].error.text, s->word) != NULL, "%s",
                  report.entries[0].error.text);
    report_free(&report);
}
END_TEST

START_TEST(all_faults_are_reported_and_no_value_appears) {
    struct report report = { 0 };
    ck_assert(!validate("{\"resourceType\":\"Observation\",\"status\":\"Rivera\",\"issued\":"
                        "\"Rivera\",\"note\":\"Rivera\","
                        "\"Dana Rivera\":1,\"subject\":{\"reference\":\"Rivera\"}}",
                        &report));
    ck_assert_uint_eq(report.count, 6);
    for (size_t i = 0; i < report.count; i++) {
        ck_assert_ptr_null(strstr(report.entries[i].error.text, "Rivera"));
        ck_assert_ptr_null(strstr(report.entries[i].error.where, "Rivera"));
    }
    report_free(&report);
}
END_TEST

START_TEST(a_tree_made_here_may_not_repeat_an_element) {
    struct arena arena = { 0 };
    struct report report = { 0 };
    struct tree *patient = tree_new(&arena, TREE_OBJECT);
    tree_add(&arena, patient, "resourceType", tree_string(&arena, "Patient", 7));
    tree_add(&arena, patient, "active", tree_boolean(&arena, true));
    ck_assert(r4_validate(patient, &report));
    tree_add(&arena, patient, "active", tree_boolean(&arena, true));
    ck_assert(!r4_validate(patient, &report));
    ck_assert_str_eq(report.entries[0].error.where, "Patient.active");
    report_free(&report);
    arena_free(&arena);
}
END_TEST

/* Runs the tests; returns failure when one fails. */
int main(void) {
    r4_setup();
    Suite *suite = suite_create("validate");
    TCase *tests = tcase_create("validate");
    tcase_add_loop_test(tests, a_sound_resource_is_accepted, 0,
                        (int)(sizeof clean / sizeof clean[0]));
    tcase_add_loop_test(tests, each_fault_is_reported_at_its_path, 0,
                        (int)(sizeof faulty / sizeof faulty[0]));
    tcase_add_test(tests, all_faults_are_reported_and_no_value_appears);
    tcase_add_test(tests, a_tree_made_here_may_not_repeat_an_element);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
