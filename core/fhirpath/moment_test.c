/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of partial dates and times: text, order, and what a duration makes of them. */
#include "core/fhirpath/moment.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Parses a text that must be a moment of its kind. */
static moment parsed(const char *text, enum fhirpath_kind kind) {
    moment m;
    ck_assert_msg(moment_parse(text, strlen(text), kind, &m), "%s is refused", text);
    return m;
}

START_TEST(a_moment_is_written_as_far_as_it_is_known) {
    static const struct {
        enum fhirpath_kind kind;
        const char *text;
    } list[] = { { FHIRPATH_DATE, "2024" },
                 { FHIRPATH_DATE, "2024-02" },
                 { FHIRPATH_DATE, "2024-02-29" },
                 { FHIRPATH_DATETIME, "2024-02-29" },
                 { FHIRPATH_DATETIME, "2024-02-29T07" },
                 { FHIRPATH_DATETIME, "2024-02-29T07:05" },
                 { FHIRPATH_DATETIME, "2024-02-29T07:05:09Z" },
                 { FHIRPATH_DATETIME, "2024-02-29T07:05:09.12-03:30" },
                 { FHIRPATH_TIME, "07" },
                 { FHIRPATH_TIME, "07:05:09.123456789" } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char text[48];
        moment m = parsed(list[i].text, list[i].kind);
        int length = moment_text(&m, list[i].kind, text);
        ck_assert_str_eq(text, list[i].text);
        ck_assert_int_eq(length, (int)strlen(list[i].text));
    }
}
END_TEST

START_TEST(what_no_calendar_or_clock_shows_is_refused) {
    static const struct {
        enum fhirpath_kind kind;
        const char *text;
    } list[] = { { FHIRPATH_DATE, "" },
                 { FHIRPATH_DATE, "024" },
                 { FHIRPATH_DATE, "2024-13" },
                 { FHIRPATH_DATE, "2023-02-29" },
                 { FHIRPATH_DATE, "2024-02-29T07" },
                 { FHIRPATH_DATETIME, "2024-02T07" },
                 { FHIRPATH_DATETIME, "2024-02-29T24" },
                 { FHIRPATH_DATETIME, "2024-02-29T07:05+15:00" },
                 { FHIRPATH_DATETIME, "2024-02-29T07:05+0100" },
                 { FHIRPATH_TIME, "07:60" },
                 { FHIRPATH_TIME, "07:05:09." },
                 { FHIRPATH_TIME, "07:05Z" } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        moment m;
        ck_assert_msg(!moment_parse(list[i].text, strlen(list[i].text), list[i].kind, &m),
                      "%s is taken", list[i].text);
    }
}
END_TEST

START_TEST(an_order_is_known_only_as_far_as_both_are) {
    static const struct {
        const char *a, *b;
        bool known;
        int order;
    } list[] = { { "2024-01-01", "2024-01-02", true, -1 },
                 { "2024-02", "2024-01-31", true, 1 },
                 { "2024-01", "2024-01-31", false, 0 },
                 { "2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00Z", true, 0 },
                 { "2024-01-01T00:30:00+01:00", "2023-12-31T23:45:00Z", true, -1 },
                 { "2024-01-01T10:00:00Z", "2024-01-01T10:00:00.5Z", true, -1 } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        moment a = parsed(list[i].a, FHIRPATH_DATETIME);
        moment b = parsed(list[i].b, FHIRPATH_DATETIME);
        struct comparison r = moment_compare(&a, FHIRPATH_DATETIME, &b, FHIRPATH_DATETIME);
        ck_assert(r.comparable);
        ck_assert_msg(r.known == list[i].known, "%s and %s", list[i].a, list[i].b);
        ck_assert_int_eq(r.order, list[i].order);
    }
}
END_TEST

START_TEST(a_time_has_no_order_with_a_date) {
    moment time = parsed("10:30", FHIRPATH_TIME);
    moment date = parsed("2024-01-01", FHIRPATH_DATE);
    struct comparison r = moment_compare(&time, FHIRPATH_TIME, &date, FHIRPATH_DATE);
    ck_assert(!r.comparable);
}
END_TEST

START_TEST(a_duration_moves_what_is_known) {
    static const struct {
        enum fhirpath_kind kind;
        const char *from;
        int64_t digits;
        int scale;
        const char *unit, *to;
    } list[] = {
        { FHIRPATH_DATE, "2024-01-31", 1, 0, "month", "2024-02-29" },
        { FHIRPATH_DATE, "2024-02-29", -1, 0, "year", "2023-02-28" },
        { FHIRPATH_DATE, "1970-01-01", -1, 0, "day", "1969-12-31" },
        { FHIRPATH_DATE, "2024", 23, 0, "months", "2025" },
        { FHIRPATH_DATE, "2024-01-15", 25, 0, "h", "2024-01-16" },
        { FHIRPATH_DATE, "2024-01-15", 19, 1, "days", "2024-01-16" },
        { FHIRPATH_DATETIME, "2024-12-31T23:59:59.9Z", 15, 1, "s", "2025-01-01T00:00:01.4Z" },
        { FHIRPATH_TIME, "00:10", -20, 0, "min", "23:50" },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char text[48];
        moment m = parsed(list[i].from, list[i].kind);
        const decimal amount = { list[i].digits, list[i].scale };
        ck_assert_int_eq(moment_add(&m, list[i].kind, amount, list[i].unit), MOMENT_ADDED);
        moment_text(&m, list[i].kind, text);
        ck_assert_str_eq(text, list[i].to);
    }
}
END_TEST

START_TEST(a_sum_that_no_calendar_has_is_told_from_a_unit_that_is_no_time) {
    const decimal most = decimal_of(INT64_MAX);
    moment date = parsed("9999-12-31", FHIRPATH_DATE);
    moment time = parsed("10:30", FHIRPATH_TIME);
    moment m = date;
    ck_assert_int_eq(moment_add(&m, FHIRPATH_DATE, decimal_of(1), "day"), MOMENT_OUT_OF_RANGE);
    m = date;
    ck_assert_int_eq(moment_add(&m, FHIRPATH_DATE, most, "months"), MOMENT_OUT_OF_RANGE);
    m = date;
    ck_assert_int_eq(moment_add(&m, FHIRPATH_DATE, most, "ms"), MOMENT_OUT_OF_RANGE);
    ck_assert_int_eq(moment_add(&m, FHIRPATH_DATE, decimal_of(1), "mo"), MOMENT_NO_DURATION);
    ck_assert_int_eq(moment_add(&m, FHIRPATH_DATE, decimal_of(1), "cm"), MOMENT_NO_DURATION);
    ck_assert_int_eq(moment_add(&time, FHIRPATH_TIME, decimal_of(1), "day"), MOMENT_NO_DURATION);
}
END_TEST

START_TEST(the_clock_shows_the_time_of_its_zone) {
    char text[48];
    moment m = moment_of_clock(INT64_C(-1), 60);
    moment_text(&m, FHIRPATH_DATETIME, text);
    ck_assert_str_eq(text, "1970-01-01T00:59:59.999+01:00");
    m = moment_of_clock(INT64_C(0), -90);
    moment_text(&m, FHIRPATH_DATETIME, text);
    ck_assert_str_eq(text, "1969-12-31T22:30:00.000-01:30");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("moment");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_moment_is_written_as_far_as_it_is_known);
    tcase_add_test(all, what_no_calendar_or_clock_shows_is_refused);
    tcase_add_test(all, an_order_is_known_only_as_far_as_both_are);
    tcase_add_test(all, a_time_has_no_order_with_a_date);
    tcase_add_test(all, a_duration_moves_what_is_known);
    tcase_add_test(all, a_sum_that_no_calendar_has_is_told_from_a_unit_that_is_no_time);
    tcase_add_test(all, the_clock_shows_the_time_of_its_zone);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
