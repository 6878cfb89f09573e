/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of escapes of code points and their UTF-8. */
#include "core/tree/unicode.h"

#include <check.h>
#include <iptfhir/text.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

START_TEST(an_escape_gives_its_code_point_and_is_passed_over) {
    static const struct {
        const char *text;
        int32_t code_point;
        size_t read;
    } list[] = { { "0041", 0x41, 4 },
                 { "00e4bc", 0xE4, 4 },
                 { "20AC", 0x20AC, 4 },
                 { "d83d\\ude00x", 0x1F600, 10 },
                 { "dbff\\udfff", 0x10FFFF, 10 },
                 { "0000", 0, 4 } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const char *at = list[i].text;
        ck_assert_int_eq(unicode_escape(&at, at + strlen(at)), list[i].code_point);
        ck_assert_uint_eq((size_t)(at - list[i].text), list[i].read);
    }
}
END_TEST

START_TEST(missing_digits_and_half_pairs_are_told_apart) {
    static const struct {
        const char *text;
        int32_t fault;
    } list[] = { { "", UNICODE_NO_HEX },          { "004", UNICODE_NO_HEX },
                 { "00g0", UNICODE_NO_HEX },      { "d83d", UNICODE_HALF },
                 { "d83d\\u0041", UNICODE_HALF }, { "de00\\ude00", UNICODE_HALF },
                 { "d83d\\ude0", UNICODE_HALF } };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const char *at = list[i].text;
        ck_assert_int_eq(unicode_escape(&at, at + strlen(at)), list[i].fault);
    }
}
END_TEST

START_TEST(every_code_point_is_written_in_its_shortest_form) {
    uint32_t wrong = 0;
    for (uint32_t c = 1; c <= 0x10FFFF && wrong == 0; c++) {
        char out[4];
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        size_t n = unicode_put(out, c);
        bool shortest = n == 1 || (c >= 0x80 && (unsigned char)out[0] >= 0xC2);
        if (!shortest || !iptfhir_utf8_valid(out, n))
            wrong = c;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("unicode");
    TCase *all = tcase_create("all");
    tcase_add_test(all, an_escape_gives_its_code_point_and_is_passed_over);
    tcase_add_test(all, missing_digits_and_half_pairs_are_told_apart);
    tcase_add_test(all, every_code_point_is_written_in_its_shortest_form);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
