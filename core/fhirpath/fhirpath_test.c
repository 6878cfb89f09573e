/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of FHIRPath: expressions and what they give on small resources of our own. */
#include "core/base/alloc.h"
#include "core/fhirpath/fhirpath.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char goal[] =
    "{\"resourceType\":\"Goal\",\"id\":\"g\",\"lifecycleStatus\":\"active\",\"description\":{"
    "\"text\":\"Talk\"},"
    "\"target\":[{\"detailQuantity\":{\"value\":5.0,\"system\":\"http://"
    "unitsofmeasure.org\",\"code\":\"kg\"},\"dueDate\":\"2026-05-04\"},"
    "{\"detailString\":\"x\",\"dueDate\":\"2026-06\"}],\"statusDate\":\"2026-02\",\"_statusDate\":{"
    "\"extension\":[{\"url\":\"u\",\"valueCode\":\"c\"}]},"
    "\"addresses\":[{\"reference\":\"#c\"}],\"contained\":[{\"resourceType\":\"Condition\",\"id\":"
    "\"c\",\"recordedDate\":\"2026-01-01\"}]}";
static const char record[] = "{\"recordId\":\"R\",\"n\":0.010,\"goals\":[{\"id\":\"G1\",\"due\":3},"
                             "{\"id\":\"G2\",\"due\":1}]}";

struct expected {
    const char *expression, *result;
};

/* Evaluate; results joined by commas, or "ERROR". */
static const char *run(const char *json, const char *expression) {
    static char text[4096];
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct fhirpath_collection out = { 0 };
    r4_setup();
    struct fhirpath_program *p = fhirpath_compile(expression, strlen(expression), NULL, &error);
    struct tree *input = json_read_copy(&arena, json, strlen(json), NULL, &error);
    struct fhirpath_context context = { .arena = &arena,
                                        .root = fhirpath_node(input),
                                        .now_ms = INT64_C(1770000000123),
                                        .steps_left = 1000000 };
    snprintf(text, sizeof text, "ERROR");
    if (p && fhirpath_evaluate(p, &context, &out, &error)) {
        size_t n = 0;
        text[0] = '\0';
        for (size_t i = 0; i < out.count; i++) {
            size_t length = 0;
            const char *s = fhirpath_to_text(&arena, &out.items[i], &length);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", i ? "," : "", (int)length,
                                  s ? s : "");
        }
    }
    fhirpath_free(p);
    arena_free(&arena);
    return text;
}

static void all_hold(const char *json, const struct expected *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *got = run(json, list[i].expression);
        ck_assert_msg(!strcmp(got, list[i].result), "%s gave %s, not %s", list[i].expression, got,
                      list[i].result);
    }
}
#define ALL(json, list) all_hold(json, list, sizeof list / sizeof *list)

START_TEST(decimals_are_exact) {
    static const struct expected list[] = { { "0.1 + 0.2 = 0.3", "true" },
                                            { "1.0 / 3", "0.3333333333333333" },
                                            { "2 / 4", "0.5" },
                                            { "7 div 2", "3" },
                                            { "-7 mod 4", "-3" },
                                            { "1.10 = 1.1", "true" },
                                            { "1.10", "1.10" },
                                            { "10 / 0", "" },
                                            { "9223372036854775807 + 1", "" },
                                            { "2.5.round()", "3" },
                                            { "1.239.round(2)", "1.24" },
                                            { "2.power(10)", "1024" },
                                            { "(-5).abs()", "5" },
                                            { "1.5.ceiling() | 1.5.floor() | (-1.5).truncate()",
                                              "2,1,-1" } };
    ALL("{}", list);
}
END_TEST

START_TEST(partial_dates_compare_only_as_far_as_they_go) {
    static const struct expected list[] = {
        { "@2026 = @2026-01", "" },
        { "@2026-01 < @2026-02", "true" },
        { "@2026 < @2026-02", "" },
        { "@2026-02-29", "ERROR" },
        { "@2024-01-31 + 1 month", "2024-02-29" },
        { "@2023-01-31 + 1 month", "2023-02-28" },
        { "@2024-02-29 - 1 year", "2023-02-28" },
        { "@2026-12-31 + 1 day", "2027-01-01" },
        { "@2026-01-01T23:30:00Z + 45 minutes", "2026-01-02T00:15:00Z" },
        { "@2026-01-01T10:00:00+02:00 = @2026-01-01T08:00:00Z", "true" },
        { "@T10:30 < @T10:31", "true" },
        { "@2026-01-05 + 2 weeks", "2026-01-19" },
        { "@2026-01-01 + 1 'cm'", "ERROR" },
        { "today()", "2026-02-02" }
    };
    ALL("{}", list);
}
END_TEST

START_TEST(r4_types_are_known) {
    static const struct expected list[] = {
        { "target.detail.ofType(Quantity).value", "5.0" },
        { "target.detail.ofType(string)", "x" },
        { "target.detailQuantity", "" },
        { "statusDate.extension('u').value", "c" },
        { "statusDate is date", "true" },
        { "Goal.lifecycleStatus is code", "true" },
        { "lifecycleStatus is string", "true" },
        { "Patient.id", "" },
        { "addresses.resolve().recorded", "" },
        { "addresses.resolve().recordedDate", "2026-01-01" },
        { "target[0].detail > 4999 'g'", "true" },
        { "target.due.where($this > @2026-05-31)", "2026-06" },
        { "descendants().count() > 10", "true" },
        { "target.count()", "2" },
        { "type().name", "Goal" },
        { "conformsTo('http://hl7.org/fhir/StructureDefinition/Goal')", "true" }
    };
    ALL(goal, list);
}
END_TEST

START_TEST(records_without_type_are_walked_by_name) {
    static const struct expected list[] = { { "n", "0.010" },
                                            { "goals.id", "G1,G2" },
                                            { "goals.where(due > 2).id", "G1" },
                                            { "recordId & '/' & goals[1].id", "R/G2" },
                                            { "goals.select(id & $index.toString())", "G10,G21" },
                                            { "goals.sort(due).id", "G2,G1" },
                                            { "goals.due.aggregate($this + $total, 0)", "4" },
                                            { "nothing.exists()", "false" },
                                            { "iif(goals.exists(), 'y', 'n')", "y" },
                                            { "goals.id.join('-')", "G1-G2" },
                                            { "defineVariable('x', recordId).select(%x & '!')",
                                              "R!" } };
    ALL(record, list);
}
END_TEST

START_TEST(logic_has_three_values) {
    static const struct expected list[] = { { "{} and false", "false" },
                                            { "{} and true", "" },
                                            { "{} or true", "true" },
                                            { "{} implies true", "true" },
                                            { "true xor {}", "" },
                                            { "false implies {}", "true" },
                                            { "'a' in ('a' | 'b')", "true" },
                                            { "(1 | 2) = (1 | 2)", "true" },
                                            { "'A' ~ 'a'", "true" } };
    ALL("{}", list);
}
END_TEST

START_TEST(strings_count_characters_and_patterns_are_bounded) {
    static const struct expected list[] = {
        { "'\\u00e4bc'.length()", "3" },
        { "'abc'.substring(1, 1)", "b" },
        { "'a,b'.split(',')", "a,b" },
        { "'abc'.matches('^a.c$')", "true" },
        { "'abc'.matches('(')", "ERROR" },
        { "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')", "ERROR" },
        { "'x'.encode('base64').decode('base64')", "x" },
        { "'<a>'.escape('html')", "&lt;a&gt;" },
        { "'ABC'.lower() & 'd'.upper()", "abcD" },
        { "'1.50'.toDecimal()", "1.50" },
        { "'4 days'.toQuantity() = 4 days", "true" },
        { "'ab'.toChars()", "a,b" },
        { "'aXbX'.replace('X', '')", "ab" }
    };
    ALL("{}", list);
}
END_TEST

START_TEST(faults_tell_where_and_what_is_near) {
    static const struct {
        const char *expression, *code, *where, *text;
    } list[] = { { "a.b(", "fhirpath-name", "1:3", "" },
                 { "a.whre(x)", "fhirpath-name", "1:3", "where()" },
                 { "1 +", "fhirpath-syntax", "1:4", "too early" },
                 { "%recrd.id", "fhirpath-name", "1:1", "%record" },
                 { "'abc", "fhirpath-syntax", "1:1", "closing" },
                 { "a.is(Pationt)", "fhirpath-name", "1:6", "Pationt" },
                 { "substring()", "fhirpath-name", "1:1", "1 to 2" },
                 { "a\n . ?", "fhirpath-syntax", "2:4", "" },
                 { "(1 + 2", "fhirpath-syntax", "1:7", ")" } };
    const char *names[] = { "record" };
    const struct fhirpath_scope scope = { .variables = names, .variable_count = 1 };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct iptfhir_error error = ERROR_INIT;
        ck_assert_ptr_null(
            fhirpath_compile(list[i].expression, strlen(list[i].expression), &scope, &error));
        ck_assert_msg(!strcmp(error.code, list[i].code) && !strcmp(error.where, list[i].where) &&
                          strstr(error.text, list[i].text),
                      "%s: %s %s %s", list[i].expression, error.code, error.where, error.text);
    }
}
END_TEST

START_TEST(strict_mode_knows_every_element) {
    const struct fhirpath_scope scope = { .strict = true, .type = "Goal" };
    struct iptfhir_error error = ERROR_INIT;
    struct fhirpath_program *p = fhirpath_compile("target.due", 10, &scope, &error);
    ck_assert_ptr_nonnull(p);
    fhirpath_free(p);
    ck_assert_ptr_null(fhirpath_compile("target.dueDate", 14, &scope, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "Goal.target"));
}
END_TEST

START_TEST(depth_steps_and_size_are_bounded) {
    char deep[4000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    ck_assert_str_eq(run("{}", deep), "ERROR");
    ck_assert_str_eq(run("{}", "(1|2|3|4).repeat($this + 1)"), "ERROR");
}
END_TEST

START_TEST(random_bytes_never_crash) {
    static const char alphabet[] = "abc.()[]{}%$@'`\"0123456789+-*/|&<>=~! \n\\TZ:,isaswhere";
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t n = 0;
        while (n < sizeof text - 1) {
            seed = seed * 1103515245u + 12345u;
            text[n++] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
            if ((seed >> 8) % 20 == 0)
                break;
        }
        text[n] = '\0';
        run(record, text);
    }
}
END_TEST

START_TEST(calendar_arithmetic_crosses_months_leap_days_and_midnight) {
    static const struct expected list[] = {
        { "@2024-02-29 + 1 year", "2025-02-28" },
        { "@2024-02-29 - 4 years", "2020-02-29" },
        { "@2023-03-31 - 1 month", "2023-02-28" },
        { "@1900-02-28 + 1 day", "1900-03-01" },
        { "@2000-02-28 + 1 day", "2000-02-29" },
        { "@2024-12-31T23:59:59.999Z + 1 millisecond", "2025-01-01T00:00:00.000Z" },
        { "@2024-01-01T00:15:00+05:30 - 20 minutes", "2023-12-31T23:55:00+05:30" },
        { "@T23:30 + 1 hour", "00:30" },
        { "@T00:10 - 20 minutes", "23:50" },
        { "@2024 + 23 months", "2025" },
        { "@2024 + 365 days", "2025" },
        { "@2024-01 + 31 days", "2024-02" },
        { "@2024-01-15 + 25 hours", "2024-01-16" },
        { "@2024-01-15 + 23 hours", "2024-01-15" },
        { "@2024-01-15 + 1.9 days", "2024-01-16" },
        { "@2024-01-01T10:30 + 90 seconds", "2024-01-01T10:31" },
        { "@2024-01-31 + 1 month - 1 month", "2024-01-29" },
        { "@9999-12-31 + 1 day", "" },
        { "@0001-01-01 - 1 day", "" },
        { "@T10:30 + 1 day", "ERROR" },
        { "@2024-01-01 + 1 'mo'", "ERROR" },
        { "@2024-01-01 + 1 'wk'", "2024-01-08" }
    };
    ALL("{}", list);
}
END_TEST

START_TEST(zones_leave_a_comparison_open_only_as_far_as_they_reach) {
    static const struct expected list[] = {
        { "@2024-01-01T10:00:00Z = @2024-01-01T10:00:00", "" },
        { "@2024-01-01T10:00:00Z < @2024-01-05T10:00:00", "true" },
        { "@2024-01-01T23:00:00-05:00 = @2024-01-02T04:00:00Z", "true" },
        { "@2024-01-01T10:00:00Z = @2024-01-01", "" },
        { "@2024-01-01T10:00 < @2024-01-01T10:00:00", "" },
        { "@2024-01-01T10:00:00 = @2024-01-01T10:00:00.000", "true" },
        { "@T10:30 = @T10:30:00", "" },
        { "@2024-01-01 = @T10:30", "false" },
        { "@2024-01-01 ~ @2024-01", "false" }
    };
    ALL("{}", list);
}
END_TEST

START_TEST(sums_and_products_keep_every_digit) {
    static const struct expected list[] = {
        { "123456789012345678901234567.8 + 0.2", "123456789012345678901234568.0" },
        { "0.010 + 0.090", "0.100" },
        { "1.20 * 3", "3.60" },
        { "10000000000000000000000000000.0 < 10000000000000000000000000000.1", "true" },
        { "100000000000000000000.00000001 = 100000000000000000000.00000002", "false" },
        { "2 / 3", "0.6666666666666667" },
        { "(-2) / 3", "-0.6666666666666667" },
        { "(-2.5).round()", "-3" },
        { "1.005.round(2)", "1.01" },
        { "5.0 div 0.3", "16" },
        { "-7.5 mod 2", "-1.5" },
        { "2.power(-1)", "0.5" },
        { "(-1).sqrt()", "" },
        { "0.ln()", "" },
        { "1.587.lowBoundary(6)", "1.586500" },
        { "9223372036854775807 * 2", "" },
        { "1.2 / 1.8 ~ 0.67", "true" },
        { "1.50.toString()", "1.50" }
    };
    ALL("{}", list);
}
END_TEST

START_TEST(quantities_meet_only_in_one_dimension) {
    static const struct expected list[] = { { "1 'kg' = 1000 'g'", "true" },
                                            { "1 '[in_i]' = 2.54 'cm'", "true" },
                                            { "1 'm' = 1 's'", "" },
                                            { "1 'm' < 1 's'", "" },
                                            { "1 'xyz' = 1 'xyz'", "true" },
                                            { "1 'xyz' = 1 'abc'", "" },
                                            { "7 days = 1 'wk'", "true" },
                                            { "1 year = 12 months", "true" },
                                            { "1 year = 1 'a'", "" },
                                            { "1 year ~ 1 'a'", "true" },
                                            { "1 month = 30 days", "" },
                                            { "1 'm' + 1 'cm'", "101 'cm'" },
                                            { "1 'm' + 1 's'", "" },
                                            { "6 'm' / 2 's'", "3 'm/s'" },
                                            { "1 'cm'.comparable(1 's')", "false" },
                                            { "'1 wk'.toQuantity()", "" } };
    ALL("{}", list);
}
END_TEST

START_TEST(any_bytes_are_an_answer_or_an_error) {
    static const char *const seeds[] = { "goals.where(due > 2).id",
                                         "@2026-01-01T10:00:00.5+02:00 + 3 months",
                                         "'\\u00e4\\n'.replace('a', \"\")",
                                         "defineVariable('x', 1.5 'mg').select(%x)",
                                         "iif($this is Quantity, `a`[0], {}) | -2 div 3.25 & 'x'" };
    unsigned seed = 11;
    for (int i = 0; i < 20000;
         i++) { /* a sound expression with some bytes overwritten, and cut anywhere */
        char text[64];
        struct iptfhir_error error = ERROR_INIT;
        size_t n = strlen(seeds[i % 5]);
        memcpy(text, seeds[i % 5], n);
        for (int k = 0; k <= i % 4; k++) {
            seed = seed * 1103515245u + 12345u;
            text[(seed >> 8) % n] = (char)(seed >> 20);
        }
        if (i % 3 == 0)
            n = (seed >> 4) % n;
        struct fhirpath_program *p = fhirpath_compile(text, n, NULL, &error);
        ck_assert(p ? !error_is_set(&error) : error_is_set(&error));
        if (!p)
            ck_assert_msg(!strncmp(error.code, "fhirpath-", 9) && strchr(error.where, ':'),
                          "%s at '%s'", error.code, error.where);
        fhirpath_free(p);
    }
}
END_TEST

/* Compile and evaluate once; the code of the error, "" when all went well, or "silent". */
static const char *outcome(const char *expression, char code[32]) {
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct fhirpath_collection out = { 0 };
    bool ok = false;
    struct tree *input = json_read_copy(&arena, record, strlen(record), NULL, &error);
    struct fhirpath_program *p =
        input ? fhirpath_compile(expression, strlen(expression), NULL, &error) : NULL;
    struct fhirpath_context context = { .arena = &arena,
                                        .root = fhirpath_node(input),
                                        .steps_left = 100000 };
    ok = p && fhirpath_evaluate(p, &context, &out, &error);
    snprintf(code, 32, "%s", ok ? "" : error_is_set(&error) ? error.code : "silent");
    fhirpath_free(p);
    arena_free(&arena);
    return code;
}

START_TEST(every_refused_allocation_is_told) {
    static const char *const expressions[] = { "goals.where(due > 2).id",
                                               "recordId & '/' & goals[1].id",
                                               "goals.id.join('-').replace('G', 'H')",
                                               "(1 | 2 | 3).sort(-$this)",
                                               "goals.descendants().count()",
                                               "'a,b'.split(',').first().encode('base64')",
                                               "defineVariable('x', n).select(%x + 1.5)",
                                               "goals.repeat(due + 1).take(2)" };
    char code[32];
    r4_setup();
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        outcome(expressions[i], code); /* names are known from here on */
        char plain[32];
        memcpy(plain, code, sizeof plain);
        for (size_t n = 1;; n++) {
            ck_assert_uint_lt(n, 1000);
            base_fail_at(n, true);
            outcome(expressions[i], code);
            bool refused = base_refused();
            base_fail_at(0, false);
            if (!refused) {
                ck_assert_uint_gt(n, 2); /* some were refused before */
                break;
            }
            ck_assert_msg(*code && strcmp(code, "silent"), "%s with allocation %zu refused: '%s'",
                          expressions[i], n, code);
        }
        ck_assert_str_eq(outcome(expressions[i], code), plain);
    }
}
END_TEST

START_TEST(each_item_of_select_stands_alone) {
    static const struct expected list[] = { { "('a' | 'b').select($this.length() | 'k')",
                                              "1,k,1,k" },
                                            { "('a' | 'b').select(coalesce({}, $this))", "a,b" },
                                            { "('a' | 'b').select((3 | 1).sort())", "1,3,1,3" },
                                            { "(1 | 2).select(iif(true, 7 | 7))", "7,7" } };
    ALL("{}", list);
}
END_TEST

START_TEST(overflow_gives_nothing) {
    static const struct expected list[] = { { "-(-9223372036854775807 - 1)", "" },
                                            { "@2024-01-01 + 9223372036854775807 years", "" },
                                            { "@2024-01-01 + 9223372036854775807 months", "" },
                                            { "'\\ud83d\\ude00'.length()", "1" } };
    ALL("{}", list);
}
END_TEST

START_TEST(values_of_records_have_system_types) {
    static const struct expected list[] = { { "n is Decimal", "true" },
                                            { "recordId is String", "true" },
                                            { "goals.due.ofType(Integer)", "3,1" },
                                            { "goals is String", "ERROR" } };
    ALL(record, list);
    ck_assert_str_eq(run("{\"n\":1e-45}", "n"), "1e-45");
}
END_TEST

static void add_path(void *user, const char *path) {
    str_printf(user, "%s ", path);
}

START_TEST(reads_are_listed_for_coverage) {
    struct str all = { 0 };
    const char *names[] = { "record" };
    const struct fhirpath_scope scope = { .variables = names, .variable_count = 1 };
    struct fhirpath_program *p = fhirpath_compile(
        "%record.patient.localId & %record.goals.where(id = 'x').text", 60, &scope, NULL);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_ge(fhirpath_reads(p, 0, add_path, &all), 2);
    ck_assert_ptr_nonnull(strstr(all.data, "patient.localId"));
    ck_assert_ptr_nonnull(strstr(all.data, "goals.text"));
    str_free(&all);
    fhirpath_free(p);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fhirpath");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, decimals_are_exact);
    tcase_add_test(all, partial_dates_compare_only_as_far_as_they_go);
    tcase_add_test(all, r4_types_are_known);
    tcase_add_test(all, records_without_type_are_walked_by_name);
    tcase_add_test(all, logic_has_three_values);
    tcase_add_test(all, strings_count_characters_and_patterns_are_bounded);
    tcase_add_test(all, faults_tell_where_and_what_is_near);
    tcase_add_test(all, strict_mode_knows_every_element);
    tcase_add_test(all, depth_steps_and_size_are_bounded);
    tcase_add_test(all, random_bytes_never_crash);
    tcase_add_test(all, reads_are_listed_for_coverage);
    tcase_add_test(all, calendar_arithmetic_crosses_months_leap_days_and_midnight);
    tcase_add_test(all, zones_leave_a_comparison_open_only_as_far_as_they_reach);
    tcase_add_test(all, sums_and_products_keep_every_digit);
    tcase_add_test(all, quantities_meet_only_in_one_dimension);
    tcase_add_test(all, any_bytes_are_an_answer_or_an_error);
    tcase_add_test(all, every_refused_allocation_is_told);
    tcase_add_test(all, each_item_of_select_stands_alone);
    tcase_add_test(all, overflow_gives_nothing);
    tcase_add_test(all, values_of_records_have_system_types);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
