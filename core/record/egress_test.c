/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the egress guard: which free text and which labels leave, and which don't. */
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/record/record.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABELS(code)                                                                               \
    "\"meta\":{\"security\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"                 \
    "v3-ActCode\",\"code\":\"" code "\"}]"                                                         \
    "}"

/* Asks the guard about a JSON text. */
static bool allowed(const char *json, struct report *report) {
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct tree *tree = json_read_copy(&arena, json, strlen(json), NULL, &error);
    ck_assert_msg(tree != NULL, "%s", error.text);
    bool result = egress_allowed(tree, report);
    arena_free(&arena);
    return result;
}

static const char *const let_out[] = {
    "{\"resourceType\":\"CarePlan\"," LABELS(
        "PSY") ",\"title\":\"IPT plan\",\"description\":\"a "
               "b\",\"text\":{\"status\":\"generated\",\"div\":\"<div>a "
               "b</div>\"},"
               "\"identifier\":[{\"system\":\"urn:x\",\"value\":\"R "
               "1\"}],\"subject\":{\"reference\":\"Patient/1\",\"display\":\"Vale, Kim\"},"
               "\"activity\":[{\"detail\":{\"code\":{\"text\":\"role "
               "play\"},\"description\":\"weekly sessions\"}}]}",
    "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"Sleep "
    "better\",\"coding\":[{\"display\":\"a "
    "b\"}]},\"target\":[{\"detailQuantity\":{\"unit\":\"per week\"}}]}",
    "{\"resourceType\":\"Observation\",\"id\":\"a\",\"status\":\"final\",\"valueQuantity\":{"
    "\"value\":4,\"unit\":\"{"
    "score}\"},\"referenceRange\":[{\"text\":\"0-27; 0-4 minimal\"}]}",
    "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Vale\",\"given\":[\"Kim "
    "A\"]}],\"_birthDate\":{\"extension\":[{\"url\":\"http://x.test/"
    "a\",\"valueCode\":\"masked\"}]}}",
    "{\"resourceType\":\"Consent\",\"provision\":{\"type\":\"deny\",\"securityLabel\":[{\"code\":"
    "\"PSYTHPN\"}]}}",
    "{\"resourceType\":\"MedicationStatement\",\"dosage\":[{\"text\":\"50 mg daily\"}]}",
    "{\"resourceType\":\"QuestionnaireResponse\",\"item\":[{\"linkId\":\"/1\",\"text\":\"a "
    "b\",\"answer\":[{\"valueCoding\":{\"display\":\"a b\"}}]}]}",
};

START_TEST(what_the_list_names_is_let_out) {
    struct report report = { 0 };
    bool result = allowed(let_out[_i], &report);
    ck_assert_msg(result, "%s: %s", report.count ? report.entries[0].error.where : "",
                  report.count ? report.entries[0].error.text : "");
    ck_assert_uint_eq(report.count, 0);
}
END_TEST

static const struct {
    const char *json, *where;
} stopped[] = {
    { "{\"resourceType\":\"Goal\"," LABELS("PSYTHPN") "}", "Goal.meta.security[0]" },
    { "{\"resourceType\":\"Goal\",\"meta\":{\"security\":[{\"system\":\"http://terminology.hl7.org/"
      "CodeSystem/"
      "v3-Confidentiality\",\"code\":\"V\"}]}}",
      "Goal.meta.security[0]" },
    { "{\"resourceType\":\"Goal\",\"contained\":[{\"resourceType\":\"Observation\"," LABELS(
          "PSYTHPN") "}]}",
      "Goal.contained[0].meta.security[0]" },
    { "{\"resourceType\":\"Goal\",\"note\":[{\"text\":\"a secret\"}]}", "Goal.note[0].text" },
    { "{\"resourceType\":\"Goal\",\"text\":{\"status\":\"generated\",\"div\":\"<div>a "
      "secret</div>\"}}",
      "Goal.text.div" },
    { "{\"resourceType\":\"Goal\",\"statusReason\":\"a secret\"}", "Goal.statusReason" },
    { "{\"resourceType\":\"Goal\",\"target\":[{\"detailString\":\"a secret\"}]}",
      "Goal.target[0].detailString" },
    { "{\"resourceType\":\"Observation\",\"valueString\":\"a secret\"}",
      "Observation.valueString" },
    { "{\"resourceType\":\"Observation\",\"component\":[{\"valueString\":\"a secret\"}]}",
      "Observation.component[0].valueString" },
    { "{\"resourceType\":\"Observation\",\"extension\":[{\"url\":\"urn:x\",\"valueString\":\"a "
      "secret\"}]}",
      "Observation.extension[0].valueString" },
    { "{\"resourceType\":\"Observation\",\"_status\":{\"extension\":[{\"url\":\"urn:x\","
      "\"valueMarkdown\":\"a "
      "secret\"}]}}",
      "Observation._status.extension[0].valueMarkdown" },
    { "{\"resourceType\":\"QuestionnaireResponse\",\"item\":[{\"answer\":[{\"valueString\":\"a "
      "secret\"}]}]}",
      "QuestionnaireResponse.item[0].answer[0].valueString" },
    { "{\"resourceType\":\"DocumentReference\",\"content\":[{\"attachment\":{\"data\":\"YSBz\"}}]}",
      "DocumentReference.content[0].attachment.data" },
    { "{\"resourceType\":\"ServiceRequest\",\"patientInstruction\":\"a secret\"}",
      "ServiceRequest.patientInstruction" },
    { "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Goal\",\"note\":[{"
      "\"text\":\"a "
      "secret\"}]}}]}",
      "Bundle.entry[0].resource.note[0].text" },
    { "{\"resourceType\":\"Goal\",\"processNotes\":\"a secret\"}", "Goal.(unknown)" },
    { "{\"resourceType\":\"Goal\",\"x\":{\"y\":[1,[\"a secret\"]]}}", "Goal.(unknown)" },
    { "{\"resourceType\":\"Goal\",\"description\":\"a secret\"}", "Goal.description" },
    { "{\"resourceType\":\"Patient\",\"name\":[[\"a secret\"]]}", "Patient.name[0]" },
    { "{\"resourceType\":\"Goal\",\"contained\":[{\"note\":\"a secret\"}]}", "Goal.contained[0]" },
    { "{\"resourceType\":\"Nothing\",\"note\":\"a secret\"}", "resource" },
    { "{\"note\":\"a secret\"}", "resource" },
    { "[\"a secret\"]", "resource" },
};

START_TEST(all_other_text_is_stopped_at_its_path) {
    struct report report = { 0 };
    ck_assert(!allowed(stopped[_i].json, &report));
    ck_assert_uint_eq(report.count, 1);
    ck_assert_str_eq(report.entries[0].error.where, stopped[_i].where);
    ck_assert_str_eq(report.entries[0].error.code, "policy-denied");
    ck_assert_ptr_null(strstr(report.entries[0].error.text, "secret"));
    report_free(&report);
    ck_assert(!allowed(stopped[_i].json, NULL));
}
END_TEST

START_TEST(a_narrative_in_the_place_of_a_label_is_stopped) {
    char json[3000], text[1500];
    struct report report = { 0 };
    memset(text, 'a', sizeof text);
    text[513] = '\0';
    snprintf(json, sizeof json, "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"%s\"}}",
             text);
    ck_assert(!allowed(json, &report));
    ck_assert_str_eq(report.entries[0].error.where, "Goal.description.text");
    text[512] = '\0';
    snprintf(json, sizeof json, "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"%s\"}}",
             text);
    ck_assert(allowed(json, NULL));
    memset(text, 'a', sizeof text);
    text[1025] = '\0';
    snprintf(json, sizeof json,
             "{\"resourceType\":\"Goal\",\"description\":{\"coding\":[{\"code\":\"%s\"}]}}", text);
    ck_assert(!allowed(json, NULL));
    report_free(&report);
}
END_TEST

/* Reads a file of the sources. */
static void read_source(struct str *text, const char *name) {
    char path[1024];
    const char *root = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    ck_assert_msg(file_read(text, path, 1u << 20, NULL), "%s", path);
}

START_TEST(the_mapping_guide_names_every_place_of_the_list) {
    struct str source = { 0 }, guide = { 0 };
    size_t places = 0;
    read_source(&source, "core/record/egress.c");
    read_source(&guide, "doc/mapping-guide.md");
    const char *heading = strstr(guide.data, "## Free text\n");
    ck_assert_ptr_nonnull(heading);
    const char *p = strstr(source.data, "} allowed[] = {");
    ck_assert_ptr_nonnull(p);
    const char *end = strstr(p, "};");
    while ((p = strstr(p, "    { \"")) != NULL && p < end) {
        char place[96];
        p += strlen("    { \"");
        snprintf(place, sizeof place, "`%.*s`", (int)strcspn(p, "/\""), p);
        bool of_transport = strncmp(p, "Bundle.", strlen("Bundle.")) == 0;
        places++;
        if (!of_transport)
            ck_assert_msg(strstr(heading, place) != NULL, "the guide lacks %s", place);
    }
    ck_assert_uint_gt(places, 30);
    str_free(&source);
    str_free(&guide);
}
END_TEST

/* Runs the tests; returns failure when one fails. */
int main(void) {
    Suite *suite = suite_create("egress");
    TCase *tests = tcase_create("egress");
    egress_allowed(NULL, NULL); /* names are known before anything is read */
    tcase_add_loop_test(tests, what_the_list_names_is_let_out, 0,
                        (int)(sizeof let_out / sizeof let_out[0]));
    tcase_add_loop_test(tests, all_other_text_is_stopped_at_its_path, 0,
                        (int)(sizeof stopped / sizeof stopped[0]));
    tcase_add_test(tests, a_narrative_in_the_place_of_a_label_is_stopped);
    tcase_add_test(tests, the_mapping_guide_names_every_place_of_the_list);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
