/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of decimals: every digit is kept, and what doesn't fit is told. */
#include "core/fhirpath/decimal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static decimal parsed(const char *text) {
    decimal d;
    ck_assert_msg(decimal_parse(text, strlen(text), &d), "%s is refused", text);
    return d;
}

static void is_written(decimal d, const char *expected) {
    char text[64];
    int length = decimal_text(d, text);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(length, (int)strlen(expected));
}

START_TEST(a_decimal_keeps_the_digits_it_is_read_with) {
    static const char *const list[][2] = {
        { "0", "0" },         { "-0.050", "-0.050" },
        { "+7", "7" },        { "123456789012345678901234567.8", "123456789012345678901234567.8" },
        { "1.5e3", "1500" },  { "25e-3", "0.025" },
        { "1.25e1", "12.5" }, { "0.00", "0.00" },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        is_written(parsed(list[i][0]), list[i][1]);
}
END_TEST

START_TEST(a_text_that_is_no_number_or_does_not_fit_is_refused) {
    static const char *const list[] = {
        "",
        "-",
        ".5",
        "1.",
        "1..2",
        "1x",
        "1e99",
        "--1",
        "1e+x",
        "1.2.3",
        "999999999999999999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        decimal d;
        ck_assert_msg(!decimal_parse(list[i], strlen(list[i]), &d), "%s is taken", list[i]);
    }
}
END_TEST

START_TEST(halves_are_rounded_away_from_zero) {
    is_written(decimal_round(parsed("2.5"), 0), "3");
    is_written(decimal_round(parsed("-2.5"), 0), "-3");
    is_written(decimal_round(parsed("1.005"), 2), "1.01");
    is_written(decimal_round(parsed("1.2"), 5), "1.2");
}
END_TEST

START_TEST(a_new_scale_is_cut_outwards) {
    decimal d;
    ck_assert(decimal_rescale(parsed("1.21"), 1, true, &d));
    is_written(d, "1.3");
    ck_assert(decimal_rescale(parsed("-1.21"), 1, false, &d));
    is_written(d, "-1.3");
    ck_assert(decimal_rescale(parsed("1.21"), 1, false, &d));
    is_written(d, "1.2");
    ck_assert(decimal_rescale(parsed("1.2"), 3, true, &d));
    is_written(d, "1.200");
}
END_TEST

START_TEST(the_operations_are_exact_or_tell_that_they_are_not) {
    decimal d;
    ck_assert(decimal_add(parsed("0.1"), parsed("0.20"), &d));
    is_written(d, "0.30");
    ck_assert(decimal_subtract(parsed("1"), parsed("0.001"), &d));
    is_written(d, "0.999");
    ck_assert(decimal_divide(parsed("2"), parsed("3"), &d));
    is_written(d, "0.6666666666666667");
    ck_assert(!decimal_divide(parsed("2"), parsed("0.0"), &d));
    decimal large = parsed("99999999999999999999999999999999999999");
    ck_assert(!decimal_multiply(large, large, &d));
    ck_assert(!decimal_add(large, parsed("0.1"), &d));
}
END_TEST

START_TEST(numbers_of_any_scale_have_an_order) {
    ck_assert_int_eq(decimal_compare(parsed("1.10"), parsed("1.1")), 0);
    ck_assert_int_eq(decimal_compare(parsed("-1"), parsed("0.5")), -1);
    ck_assert_int_eq(decimal_compare(parsed("99999999999999999999999999999999999999"),
                                     parsed("0.000000000000000000000000001")),
                     1);
}
END_TEST

START_TEST(a_whole_number_is_told_from_one_beyond_64_bits) {
    int64_t whole;
    ck_assert(decimal_whole(parsed("-1.5"), TOWARD_ZERO, &whole));
    ck_assert_int_eq(whole, -1);
    ck_assert(decimal_whole(parsed("-1.5"), TO_FLOOR, &whole));
    ck_assert_int_eq(whole, -2);
    ck_assert(decimal_whole(parsed("1.5"), TO_CEILING, &whole));
    ck_assert_int_eq(whole, 2);
    ck_assert(decimal_whole(parsed("-9223372036854775808"), TO_FLOOR, &whole));
    ck_assert(whole == INT64_MIN);
    ck_assert(!decimal_whole(parsed("9223372036854775808"), TOWARD_ZERO, &whole));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("decimal");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_decimal_keeps_the_digits_it_is_read_with);
    tcase_add_test(all, a_text_that_is_no_number_or_does_not_fit_is_refused);
    tcase_add_test(all, halves_are_rounded_away_from_zero);
    tcase_add_test(all, a_new_scale_is_cut_outwards);
    tcase_add_test(all, the_operations_are_exact_or_tell_that_they_are_not);
    tcase_add_test(all, numbers_of_any_scale_have_an_order);
    tcase_add_test(all, a_whole_number_is_told_from_one_beyond_64_bits);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
