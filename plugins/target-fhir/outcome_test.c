/* SPDX-License-Identifier: Apache-2.0 */
/* The table of outcomes, Retry-After, and the reading of CapabilityStatements (real ones too, from
 * IPTFHIR_EHR_STATEMENTS). */
#include "fhir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUE(code, vendor, text)                                                                  \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"" code   \
    "\",\"details\":{\"coding\":[{\"code\":\"" vendor "\"}],\"text\":\"" text                      \
    "\"},\"diagnostics\":\"Mrs Canary\",\"expression\":[\"Goal.target[0].due\",\"x='Canary'\"]}]}"

/* Status, operation, body, and what must follow. */
static const struct {
    int status;
    enum operation operation;
    const char *body;
    enum action action;
    const char *code;
} cases[] = {
    { 201, OP_CREATE, "", ACT_DONE, NULL },
    { 200, OP_BUNDLE, "", ACT_DONE, NULL },
    { 302, OP_CREATE, "", ACT_TARGET, "target-redirects" },
    { 400, OP_CREATE, ISSUE("invariant", "x", ""), ACT_HOLD, "invalid" },
    { 422, OP_UPDATE, ISSUE("value", "x", ""), ACT_HOLD, "invalid" },
    { 400, OP_CREATE, ISSUE("not-supported", "x", ""), ACT_HOLD, "capability" },
    { 401, OP_CREATE, "", ACT_TARGET, "target-unauthorized" },
    { 403, OP_CREATE, "", ACT_HOLD, "policy-denied" },
    { 404, OP_CREATE, "", ACT_HOLD, "capability" },
    { 404, OP_UPDATE, "", ACT_HOLD, "gone" },
    { 410, OP_READ, "", ACT_HOLD, "gone" },
    { 405, OP_CREATE, "<html>", ACT_HOLD, "capability" },
    { 501, OP_UPDATE, "", ACT_HOLD, "capability" },
    { 409, OP_CREATE, "", ACT_SEARCH, "conflict" },
    { 412, OP_CREATE, "", ACT_SEARCH, "conflict" },
    { 409, OP_UPDATE, "", ACT_CONFLICT, "conflict" },
    { 412, OP_UPDATE, "", ACT_CONFLICT, "conflict" },
    { 429, OP_SEARCH, "", ACT_LATER, "quota" },
    { 503, OP_CREATE, "", ACT_LATER, NULL },
    { 500, OP_CREATE, "", ACT_LOST, NULL },
    { 502, OP_UPDATE, "", ACT_LOST, NULL },
    { 504, OP_BUNDLE, "", ACT_LOST, NULL },
    { 500, OP_READ, "", ACT_LATER, NULL },
    { 413, OP_BUNDLE, "", ACT_SPLIT, NULL },
    { 413, OP_CREATE, "", ACT_HOLD, "invalid" },
    { 400, OP_BUNDLE, ISSUE("too-costly", "x", ""), ACT_SPLIT, NULL },
    { 400, OP_BUNDLE,
      ISSUE("invalid", "x", "Transaction requires strict isolation but has too many entries"),
      ACT_SPLIT, NULL },
    { 400, OP_BUNDLE,
      ISSUE("invalid", "x", "Transaction contains more update operations than allowed"), ACT_SPLIT,
      NULL },
    { 400, OP_BUNDLE, ISSUE("invalid", "x", ""), ACT_SINGLY, NULL },
    { 412, OP_BUNDLE, "", ACT_SINGLY, NULL },
    { 501, OP_BUNDLE, "", ACT_SINGLY, NULL },
    { 404, OP_METADATA, "", ACT_TARGET, "target-answer" },
    { 403, OP_METADATA, "", ACT_TARGET, "target-forbidden" },
    { 400, OP_CREATE, ISSUE("duplicate", "59141", ""), ACT_SEARCH, "conflict" },
    { 400, OP_CREATE, ISSUE("business-rule", "59188", ""), ACT_HOLD, "capability" },
    { 500, OP_CREATE, ISSUE("processing", "59189", ""), ACT_HOLD, "capability" },
    { 403, OP_READ, ISSUE("security", "4130", ""), ACT_HOLD, "policy-denied" },
    { 400, OP_CREATE, ISSUE("processing", "4135", ""), ACT_LATER, "quota" },
};

START_TEST(each_status_and_code_has_its_action) {
    struct answer a = { .outcome = IPTFHIR_HTTP_ANSWERED,
                        .status = cases[_i].status,
                        .body = cases[_i].body,
                        .body_length = strlen(cases[_i].body) };
    struct verdict v;
    outcome_judge(&a, cases[_i].operation, &v);
    ck_assert_int_eq(v.action, cases[_i].action);
    ck_assert_pstr_eq(v.code, cases[_i].code);
}
END_TEST

START_TEST(a_detail_says_codes_and_paths_but_no_free_text) {
    static const char body[] = ISSUE("business-rule", "59188", "Mrs Canary, born 1970");
    struct answer a = {
        .outcome = IPTFHIR_HTTP_ANSWERED, .status = 422, .body = body, .body_length = strlen(body)
    };
    struct verdict v;
    outcome_judge(&a, OP_CREATE, &v);
    ck_assert_str_eq(v.detail, "HTTP 422: error business-rule 59188 at Goal.target[0].due");
}
END_TEST

START_TEST(no_answer_to_a_write_is_lost_unless_it_was_not_sent) {
    struct answer a = { .outcome = IPTFHIR_HTTP_LOST, .status = 429, .error = "late" };
    struct verdict v;
    outcome_judge(&a, OP_CREATE, &v);
    ck_assert_int_eq(v.action, ACT_LOST);
    outcome_judge(&a, OP_SEARCH, &v);
    ck_assert_int_eq(v.action, ACT_TARGET);
    a.outcome = IPTFHIR_HTTP_NOT_SENT;
    outcome_judge(&a, OP_CREATE, &v);
    ck_assert_int_eq(v.action, ACT_TARGET);
    ck_assert_str_eq(v.detail, "late");
}
END_TEST

START_TEST(retry_after_is_read_in_both_forms) {
    ck_assert_int_eq(outcome_retry_after("120", 0), 120000);
    ck_assert_int_eq(outcome_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), 30000);
    ck_assert_int_eq(outcome_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), 0);
    ck_assert_int_eq(outcome_retry_after("99999999999999999999", 0), RETRY_MAX_MS);
    ck_assert_int_eq(outcome_retry_after("soon", 0), 0);
    ck_assert_int_eq(outcome_retry_after(NULL, 0), 0);
}
END_TEST

START_TEST(a_statement_is_read_into_flags) {
    static const char json[] = "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0."
                               "1\",\"rest\":[{\"mode\":\"client\"},{\"mode\":"
                               "\"server\",\"interaction\":"
                               "[{\"code\":\"batch\"}],\"resource\":[{\"type\":\"Observation\","
                               "\"interaction\":[{\"code\":\"create\"},{"
                               "\"code\":\"read\"}],"
                               "\"conditionalCreate\":true,\"searchParam\":[{\"name\":\"patient\"}]"
                               "},{\"type\":\"Goal\"}]}]}";
    struct capability c = { 0 };
    ck_assert_pstr_eq(capability_parse(&c, json, strlen(json)), NULL);
    ck_assert(c.batch && !c.transaction);
    ck_assert_uint_eq(capability_flags(&c, "Observation"),
                      CAN_CREATE | CAN_READ | CAN_CONDITIONAL | BY_PATIENT);
    ck_assert_uint_eq(capability_flags(&c, "Goal"), 0);
    ck_assert_uint_eq(capability_flags(&c, "CarePlan"), 0);
    ck_assert_ptr_nonnull(capability_parse(&c, "<html>", 6));
    ck_assert_ptr_nonnull(capability_parse(
        &c, "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"3.0.1\"}", 60));
    capability_free(&c);
}
END_TEST

/* Product statements, and whether each takes a create of Observation. */
static const struct {
    const char *file;
    bool observation, batch;
} products[] = { { "epic-r4.json", true, false },
                 { "oracle-health-r4.json", true, true },
                 { "athenahealth-r4.json", false, false },
                 { "meditech-r4.json", false, false } };

START_TEST(no_real_product_takes_care_plans_or_goals) {
    const char *folder = getenv("IPTFHIR_EHR_STATEMENTS");
    char path[1024];
    static char json[1 << 20];
    struct capability c = { 0 };
    if (folder == NULL)
        return; /* not part of the project: given by whoever has them */
    (void)snprintf(path, sizeof path, "%s/%s", folder, products[_i].file);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    size_t n = fread(json, 1, sizeof json, f);
    fclose(f);
    ck_assert_pstr_eq(capability_parse(&c, json, n), NULL);
    ck_assert_uint_eq(capability_flags(&c, "CarePlan") & (CAN_CREATE | CAN_UPDATE), 0);
    ck_assert_uint_eq(capability_flags(&c, "Goal") & (CAN_CREATE | CAN_UPDATE), 0);
    ck_assert_uint_eq(capability_flags(&c, "Observation") & CAN_CREATE,
                      products[_i].observation ? CAN_CREATE : 0);
    ck_assert_uint_eq(capability_flags(&c, "Patient") & (CAN_SEARCH | BY_IDENTIFIER),
                      CAN_SEARCH | BY_IDENTIFIER);
    ck_assert(c.batch == products[_i].batch && !c.transaction);
    capability_free(&c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("outcome");
    TCase *c = tcase_create("outcome");
    tcase_add_loop_test(c, each_status_and_code_has_its_action, 0, sizeof cases / sizeof *cases);
    tcase_add_test(c, a_detail_says_codes_and_paths_but_no_free_text);
    tcase_add_test(c, no_answer_to_a_write_is_lost_unless_it_was_not_sent);
    tcase_add_test(c, retry_after_is_read_in_both_forms);
    tcase_add_test(c, a_statement_is_read_into_flags);
    tcase_add_loop_test(c, no_real_product_takes_care_plans_or_goals, 0,
                        sizeof products / sizeof *products);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
