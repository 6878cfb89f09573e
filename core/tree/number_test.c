/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of JSON's numbers. */
#include "core/tree/number.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_number_is_what_rfc_8259_says) {
    static const char *const numbers[] = { "0", "-0", "10", "-7.50", "1e5", "1E+5", "0.5e-3" };
    static const char *const others[] = { "",   "-",   "+1",  "01", "1.",  ".5",
                                          "1e", "1e+", "0x1", "1 ", "NaN", "--1" };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_msg(number_is(numbers[i]), "%s is refused", numbers[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!number_is(others[i]), "%s is taken", others[i]);
}
END_TEST

START_TEST(a_scan_ends_behind_the_number_or_at_the_fault) {
    static const struct {
        const char *text;
        size_t read;
        bool good;
        const char *expected;
    } list[] = { { "12,3", 2, true, "" },
                 { "-1.5e3]", 6, true, "" },
                 { "-x", 1, false, "expected a digit" },
                 { "-012", 1, false, "must not begin with 0" },
                 { "1.x", 2, false, "behind the decimal point" },
                 { "1e-", 3, false, "in the exponent" } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const char *at = list[i].text;
        const char *expected = "";
        bool good = number_scan(&at, at + strlen(at), &expected);
        ck_assert_msg(good == list[i].good, "%s", list[i].text);
        ck_assert_uint_eq((size_t)(at - list[i].text), list[i].read);
        if (!good)
            ck_assert_ptr_nonnull(strstr(expected, list[i].expected));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("number");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_number_is_what_rfc_8259_says);
    tcase_add_test(all, a_scan_ends_behind_the_number_or_at_the_fault);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
