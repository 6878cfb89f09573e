/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verdicts: a case for each of its rows, and what details and pauses say. */
#include "verdict.c"

#include <check.h>
#include <stdlib.h>

#define ISSUE(code, vendor, text)                                                                  \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"warning\",\"code\":"        \
    "\"informational\"},{\"severity\":\"error\",\"code\":\"" code                                  \
    "\",\"details\":{\"coding\":[{\"code\":\"" vendor "\"}],\"text\":\"" text                      \
    "\"},\"diagnostics\":\"Mrs Canary\",\"expression\":[\"Goal.target[0].due\",\"x='Canary'\"]}]}"
#define HAPI_0960                                                                                  \
    "{\"resourceType\":\"OperationOutcome\",\"text\":{\"status\":\"generated\"},\"issue\":[{"      \
    "\"severity\":\"error\",\"code\":\"processing\",\"diagnostics\":\"HAPI-0960: Can not create "  \
    "resource with ID[77], no resource with this ID exists and clients may only assign IDs which " \
    "contain at least one non-numeric character\"}]}"
#define PAGE "<!DOCTYPE html><html><body>Sign in</body></html>"
#define BUNDLE OPERATION_WRITE_BUNDLE
#define READ OPERATION_READ
#define SEARCH OPERATION_SEARCH

/* Status, kind of request, body, Retry-After, and what must follow. */
static const struct test_case {
    int status;
    enum operation operation;
    const char *body, *retry_after;
    iptfhir_proof proof;
    const char *code, *pause;
    bool person;
    int64_t wait_ms;
} cases[] = {
    /* Epic */
    { 400, CREATE, ISSUE("duplicate", "59141", ""), NULL, IPTFHIR_DUPLICATE, NULL, NULL, 0, 0 },
    { 400, CREATE, ISSUE("business-rule", "59187", ""), NULL, IPTFHIR_REFUSED, "capability", NULL,
      0, 0 },
    { 400, CREATE, ISSUE("business-rule", "59188", ""), NULL, IPTFHIR_REFUSED, "capability", NULL,
      0, 0 },
    { 500, UPDATE, ISSUE("processing", "59189", ""), NULL, IPTFHIR_REFUSED, "capability", NULL, 0,
      0 },
    { 400, CREATE, ISSUE("value", "59102", ""), NULL, IPTFHIR_REFUSED, "invalid", NULL, 0, 0 },
    { 403, READ, ISSUE("security", "4130", ""), NULL, IPTFHIR_REFUSED, "policy-denied", NULL, 0,
      0 },
    { 400, SEARCH, ISSUE("security", "4131", ""), NULL, IPTFHIR_REFUSED, "policy-denied", NULL, 0,
      0 },
    { 400, CREATE, ISSUE("processing", "4135", ""), NULL, IPTFHIR_NOT_DONE, NULL, "quota", 0,
      DAY_MS },
    /* HAPI */
    { 400, READ, HAPI_0960, NULL, IPTFHIR_ABSENT, NULL, NULL, 0, 0 },
    { 400, UPDATE, HAPI_0960, NULL, IPTFHIR_ABSENT, NULL, NULL, 0, 0 },
    { 400, CREATE, HAPI_0960, NULL, IPTFHIR_REFUSED, "invalid", NULL, 0, 0 },
    { 400, READ, ISSUE("not-found", "x", ""), NULL, IPTFHIR_ABSENT, NULL, NULL, 0, 0 },
    /* sizes */
    { 413, BUNDLE, PAGE, NULL, IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 413, OPERATION_READ_BUNDLE, "", NULL, IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 413, CREATE, "", NULL, IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 400, BUNDLE, ISSUE("too-costly", "x", ""), NULL, IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 422, BUNDLE, ISSUE("too-long", "x", ""), NULL, IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 400, BUNDLE,
      ISSUE("invalid", "x", "Transaction requires strict isolation but has too many entries"), NULL,
      IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 400, BUNDLE,
      ISSUE("invalid", "x", "Transaction contains more update operations than allowed"), NULL,
      IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 400, BUNDLE, ISSUE("invalid", "x", "Exceeds the maximum number of entries"), NULL,
      IPTFHIR_TOO_LARGE, "too-large", NULL, 0, 0 },
    { 400, BUNDLE, ISSUE("invalid", "x", "Bundle size is limited"), NULL, IPTFHIR_TOO_LARGE,
      "too-large", NULL, 0, 0 },
    /* the whole target */
    { 102, CREATE, "", NULL, IPTFHIR_NOT_DONE, NULL, "target-answer", 1, 0 },
    { 302, CREATE, PAGE, NULL, IPTFHIR_NOT_DONE, NULL, "target-redirects", 1, 0 },
    { 401, CREATE, "{\"error\":\"invalid_token\"}", NULL, IPTFHIR_NOT_DONE, NULL,
      "target-unauthorized", 1, 0 },
    { 403, LEARN, "", NULL, IPTFHIR_NOT_DONE, NULL, "target-forbidden", 1, 0 },
    { 429, SEARCH, "", "120", IPTFHIR_NOT_DONE, NULL, "quota", 0, 120000 },
    { 429, BUNDLE, "", NULL, IPTFHIR_NOT_DONE, NULL, "quota", 0, 0 },
    { 400, UPDATE, ISSUE("throttled", "x", ""), NULL, IPTFHIR_NOT_DONE, NULL, "quota", 0, 0 },
    { 503, CREATE, "", "Sun, 06 Nov 1994 08:49:37 GMT", IPTFHIR_NOT_DONE, NULL, "target-busy", 0,
      30000 },
    { 503, CREATE, PAGE, NULL, IPTFHIR_FAILED, "server-error", "target-busy", 0, 0 },
    { 503, READ, "", NULL, IPTFHIR_NOT_DONE, NULL, "target-busy", 0, 0 },
    { 502, LEARN, PAGE, NULL, IPTFHIR_NOT_DONE, NULL, "target-busy", 0, 0 },
    { 404, LEARN, PAGE, NULL, IPTFHIR_NOT_DONE, NULL, "target-answer", 1, 0 },
    /* bundles as a whole */
    { 408, BUNDLE, "", NULL, IPTFHIR_LOST, NULL, NULL, 0, 0 },
    { 400, BUNDLE, ISSUE("invalid", "x", ""), NULL, IPTFHIR_NOT_TOGETHER, NULL, NULL, 0, 0 },
    { 412, BUNDLE, "", NULL, IPTFHIR_NOT_TOGETHER, NULL, NULL, 0, 0 },
    { 405, OPERATION_READ_BUNDLE, "", NULL, IPTFHIR_NOT_TOGETHER, NULL, NULL, 0, 0 },
    { 501, BUNDLE, "", NULL, IPTFHIR_NOT_TOGETHER, NULL, NULL, 0, 0 },
    { 504, BUNDLE, PAGE, NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    /* one resource */
    { 408, CREATE, "", NULL, IPTFHIR_LOST, NULL, NULL, 0, 0 },
    { 408, SEARCH, "", NULL, IPTFHIR_NOT_DONE, NULL, NULL, 0, 0 },
    { 421, CREATE, "", NULL, IPTFHIR_NOT_DONE, NULL, NULL, 0, 0 },
    { 423, UPDATE, "", NULL, IPTFHIR_NOT_DONE, NULL, NULL, 0, 0 },
    { 425, CREATE, "", NULL, IPTFHIR_NOT_DONE, NULL, NULL, 0, 0 },
    { 403, CREATE, "", NULL, IPTFHIR_REFUSED, "policy-denied", NULL, 0, 0 },
    { 404, READ, PAGE, NULL, IPTFHIR_NOT_DONE, NULL, "target-answer", 1, 0 },
    { 404, READ, "no route", NULL, IPTFHIR_ABSENT, NULL, NULL, 0, 0 },
    { 404, UPDATE, ISSUE("not-found", "x", ""), NULL, IPTFHIR_ABSENT, NULL, NULL, 0, 0 },
    { 404, READ, ISSUE("deleted", "x", ""), NULL, IPTFHIR_GONE, NULL, NULL, 0, 0 },
    { 404, UPDATE, ISSUE("deleted", "x", ""), NULL, IPTFHIR_GONE, NULL, NULL, 0, 0 },
    { 410, READ, ISSUE("deleted", "x", ""), NULL, IPTFHIR_GONE, NULL, NULL, 0, 0 },
    { 410, UPDATE, "", NULL, IPTFHIR_GONE, NULL, NULL, 0, 0 },
    { 404, CREATE, ISSUE("not-found", "x", ""), NULL, IPTFHIR_REFUSED, "invalid", NULL, 0, 0 },
    { 404, CREATE, "", NULL, IPTFHIR_REFUSED, "capability", NULL, 0, 0 },
    { 405, CREATE, "", NULL, IPTFHIR_REFUSED, "capability", NULL, 0, 0 },
    { 406, READ, "", NULL, IPTFHIR_REFUSED, "capability", NULL, 0, 0 },
    { 415, UPDATE, "", NULL, IPTFHIR_REFUSED, "capability", NULL, 0, 0 },
    { 501, UPDATE, "", NULL, IPTFHIR_REFUSED, "capability", NULL, 0, 0 },
    { 400, CREATE, ISSUE("not-supported", "x", ""), NULL, IPTFHIR_REFUSED, "capability", NULL, 0,
      0 },
    { 409, CREATE, "", NULL, IPTFHIR_DUPLICATE, NULL, NULL, 0, 0 },
    { 412, CREATE, "", NULL, IPTFHIR_DUPLICATE, NULL, NULL, 0, 0 },
    { 409, UPDATE, "", NULL, IPTFHIR_CHANGED, NULL, NULL, 0, 0 },
    { 412, UPDATE, "", NULL, IPTFHIR_CHANGED, NULL, NULL, 0, 0 },
    { 422, CREATE, "{\"resourceType\":\"Operat", NULL, IPTFHIR_LOST, NULL, NULL, 0, 0 },
    { 400, READ, "{\"resourceType\":\"Operat", NULL, IPTFHIR_NOT_DONE, NULL, NULL, 0, 0 },
    { 400, READ, "Bad Request", NULL, IPTFHIR_REFUSED, "invalid", NULL, 0, 0 },
    { 422, CREATE, ISSUE("transient", "x", ""), NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 422, UPDATE, ISSUE("lock-error", "x", ""), NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 400, CREATE, ISSUE("no-store", "x", ""), NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 400, SEARCH, ISSUE("exception", "x", ""), NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 400, READ, ISSUE("timeout", "x", ""), NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 422, UPDATE, ISSUE("incomplete", "x", ""), NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 422, UPDATE, ISSUE("value", "x", ""), NULL, IPTFHIR_REFUSED, "invalid", NULL, 0, 0 },
    { 500, CREATE, "", NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    { 502, READ, PAGE, NULL, IPTFHIR_FAILED, "server-error", NULL, 0, 0 },
    /* no status of HTTP */
    { 0, CREATE, "", NULL, IPTFHIR_LOST, NULL, "target-answer", 1, 0 },
    { 999, SEARCH, "", NULL, IPTFHIR_FAILED, "target-answer", NULL, 0, 0 },
};
enum { CASES = sizeof cases / sizeof *cases, ROWS = sizeof rows / sizeof *rows };

/* Opens the answer of a case; it came 30 seconds before the date that one of them names. */
static void open_case(struct answer *a, const struct test_case *one) {
    const struct iptfhir_http_response response = { .size = sizeof response,
                                                    .outcome = IPTFHIR_HTTP_ANSWERED,
                                                    .status = one->status,
                                                    .body = one->body,
                                                    .body_length = strlen(one->body),
                                                    .retry_after = one->retry_after,
                                                    .date = "Sun, 06 Nov 1994 08:49:07 GMT" };
    answer_open(a, &response, 0);
}

START_TEST(each_status_and_code_has_its_proof) {
    const struct test_case *one = &cases[_i];
    struct answer a;
    struct verdict v;
    open_case(&a, one);
    verdict_of(&a, one->operation, &v);
    answer_close(&a);
    ck_assert_int_eq(v.proof, one->proof);
    ck_assert_pstr_eq(v.code, one->code);
    ck_assert_pstr_eq(v.pause, one->pause);
    ck_assert_int_eq(v.person, one->person);
    ck_assert_int_eq(v.retry_after_ms, one->wait_ms);
    ck_assert_ptr_null(strstr(v.detail, "Canary"));
}
END_TEST

START_TEST(every_row_of_the_table_has_a_case) {
    bool reached[ROWS] = { false };
    for (size_t i = 0; i < CASES; i++) {
        struct answer a;
        size_t row = 0;
        open_case(&a, &cases[i]);
        while (!row_fits(&rows[row], &a, a.status, cases[i].operation))
            row++;
        reached[row] = true;
        answer_close(&a);
    }
    for (size_t row = 0; row < ROWS; row++)
        ck_assert_msg(reached[row], "row %zu (%d to %d) has no case", row, rows[row].low,
                      rows[row].high);
}
END_TEST

START_TEST(every_pause_says_what_to_do) {
    for (size_t row = 0; row < ROWS; row++) {
        bool known = rows[row].pause == NULL;
        for (size_t i = 0; !known && i < sizeof pauses / sizeof *pauses; i++)
            known = strcmp(pauses[i].code, rows[row].pause) == 0;
        ck_assert_msg(known, "no advice for %s", rows[row].pause);
    }
}
END_TEST

/* Judges a 4xx with some body, and returns the detail. */
static const char *detail_of(int status, const char *body) {
    static struct verdict v;
    const struct iptfhir_http_response response = { .status = status,
                                                    .body = body,
                                                    .body_length = strlen(body) };
    struct answer a;
    answer_open(&a, &response, 0);
    verdict_of(&a, CREATE, &v);
    answer_close(&a);
    return v.detail;
}

START_TEST(a_detail_says_codes_and_paths_but_no_free_text) {
    ck_assert_str_eq(detail_of(422, ISSUE("business-rule", "59188", "Mrs Canary, born 1970")),
                     "HTTP 422: error business-rule 59188 at Goal.target[0].due");
}
END_TEST

START_TEST(errors_that_are_no_operation_outcome_are_named_by_their_codes_only) {
    ck_assert_str_eq(detail_of(400, "{\"error\":{\"code\":400,\"message\":\"Mrs Canary\","
                                    "\"status\":\"FAILED_PRECONDITION\"}}"),
                     "HTTP 400: FAILED_PRECONDITION");
    ck_assert_str_eq(detail_of(400, "{\"error\":\"invalid_scope\",\"error_description\":\"Mrs "
                                    "Canary\"}"),
                     "HTTP 400: invalid_scope");
    ck_assert_str_eq(detail_of(400, "{\"type\":\"about:blank\",\"title\":\"Mrs Canary\","
                                    "\"status\":400}"),
                     "HTTP 400");
    ck_assert_str_eq(detail_of(400, PAGE), "HTTP 400: a web page");
    ck_assert_str_eq(detail_of(400, "Mrs Canary"), "HTTP 400");
}
END_TEST

START_TEST(bodies_of_any_shape_are_survived) {
    static const char *const bodies[] = {
        "{",
        "{}",
        "[]",
        "null",
        "\"x\"",
        "{\"resourceType\":7}",
        "{\"resourceType\":\"OperationOutcome\"}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":{}}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[null,7,\"x\",[],{}]}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"code\":{},\"details\":[],"
        "\"expression\":{},\"severity\":[]}]}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"details\":{"
        "\"coding\":[null,{\"code\":null}]},\"expression\":[null,{}]}]}",
        "{\"error\":[]}",
        "{\"error\":{\"status\":{}}}",
        "\xff\xfe{",
        "<OperationOutcome xmlns=\"http://hl7.org/fhir\"/>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ck_assert_ptr_eq(strstr(detail_of(400, bodies[i]), "HTTP 400"), detail_of(400, bodies[i]));
}
END_TEST

START_TEST(no_answer_to_a_write_proves_nothing_unless_it_was_not_sent) {
    struct answer a = { .outcome = IPTFHIR_HTTP_LOST, .status = 413, .error = "timed out" };
    struct verdict v;
    verdict_of(&a, CREATE, &v);
    ck_assert_int_eq(v.proof, IPTFHIR_LOST);
    ck_assert_ptr_null(v.pause);
    ck_assert_str_eq(v.detail, "HTTP 413, then timed out");
    verdict_of(&a, SEARCH, &v);
    ck_assert_int_eq(v.proof, IPTFHIR_NOT_DONE);
    ck_assert_ptr_null(v.pause);
    a.outcome = IPTFHIR_HTTP_NOT_SENT;
    verdict_of(&a, CREATE, &v);
    ck_assert_int_eq(v.proof, IPTFHIR_NOT_DONE);
    ck_assert_str_eq(v.pause, "target-unreachable");
}
END_TEST

START_TEST(a_status_before_the_answer_broke_off_still_pauses) {
    const struct answer a = { .outcome = IPTFHIR_HTTP_LOST, .status = 429, .retry_after = "5" };
    struct verdict v;
    verdict_of(&a, CREATE, &v);
    ck_assert_int_eq(v.proof, IPTFHIR_LOST);
    ck_assert_str_eq(v.pause, "quota");
    ck_assert_int_eq(v.retry_after_ms, 5000);
}
END_TEST

static struct iptfhir_pause paused;
static char paused_detail[700];

static void keep_pause(struct iptfhir_evidence_sink *sink, const struct iptfhir_pause *pause) {
    (void)sink;
    paused = *pause;
    (void)snprintf(paused_detail, sizeof paused_detail, "%s", pause->detail);
}

START_TEST(of_several_pauses_the_longest_counts_and_a_persons_before_all) {
    struct iptfhir_evidence_sink sink = { .size = sizeof sink, .pause = keep_pause };
    const struct verdict shorter = { .pause = "quota", .retry_after_ms = 1000, .detail = "a" };
    const struct verdict longer = { .pause = "quota", .retry_after_ms = 9000, .detail = "b" };
    const struct verdict grave = { .pause = "target-redirects", .person = true, .detail = "c" };
    struct verdict_pause p = { 0 };
    verdict_pause_tell(&p, &sink);
    ck_assert_uint_eq(paused.size, 0);
    verdict_pause_note(&p, &shorter);
    verdict_pause_note(&p, &longer);
    verdict_pause_note(&p, &shorter);
    verdict_pause_tell(&p, &sink);
    ck_assert_int_eq(paused.retry_after_ms, 9000);
    ck_assert_str_eq(paused_detail, "b: its limit is used up; it is asked again by itself");
    verdict_pause_note(&p, &grave);
    verdict_pause_note(&p, &longer);
    verdict_pause_tell(&p, &sink);
    ck_assert_str_eq(paused.code, "target-redirects");
    ck_assert(paused.person);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target-fhir verdicts");
    TCase *c = tcase_create("verdicts");
    tcase_add_loop_test(c, each_status_and_code_has_its_proof, 0, CASES);
    tcase_add_test(c, every_row_of_the_table_has_a_case);
    tcase_add_test(c, every_pause_says_what_to_do);
    tcase_add_test(c, a_detail_says_codes_and_paths_but_no_free_text);
    tcase_add_test(c, errors_that_are_no_operation_outcome_are_named_by_their_codes_only);
    tcase_add_test(c, bodies_of_any_shape_are_survived);
    tcase_add_test(c, no_answer_to_a_write_proves_nothing_unless_it_was_not_sent);
    tcase_add_test(c, a_status_before_the_answer_broke_off_still_pauses);
    tcase_add_test(c, of_several_pauses_the_longest_counts_and_a_persons_before_all);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
