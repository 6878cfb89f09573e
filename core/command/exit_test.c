/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of exit codes: what every pair of them ends in. */
#include "core/command/exit.h"

#include <check.h>
#include <stdlib.h>

/* The rows and columns of the table. */
enum { CODES = 9 };
static const int codes[CODES] = { 0, 1, 75, 65, 78, 64, 70, 130, 143 };
/* What the code of the row with the code of the column ends in. */
static const int ends[CODES][CODES] = {
    /*         0    1   75   65   78   64   70  130  143 */
    /* 0 */ { 0, 1, 75, 65, 78, 64, 70, 130, 143 },
    /* 1 */ { 1, 1, 75, 65, 78, 64, 70, 130, 143 },
    /* 75 */ { 75, 75, 75, 65, 78, 64, 70, 130, 143 },
    /* 65 */ { 65, 65, 65, 65, 78, 64, 70, 130, 143 },
    /* 78 */ { 78, 78, 78, 78, 78, 64, 70, 130, 143 },
    /* 64 */ { 64, 64, 64, 64, 64, 64, 70, 130, 143 },
    /* 70 */ { 70, 70, 70, 70, 70, 70, 70, 130, 143 },
    /* 130 */ { 130, 130, 130, 130, 130, 130, 130, 130, 130 },
    /* 143 */ { 143, 143, 143, 143, 143, 143, 143, 143, 143 },
};

START_TEST(each_pair_ends_in_the_graver_code) {
    int row = _i / CODES;
    int column = _i % CODES;
    ck_assert_msg(exit_gravest(codes[row], codes[column]) == ends[row][column],
                  "%d with %d gave %d, wanted %d", codes[row], codes[column],
                  exit_gravest(codes[row], codes[column]), ends[row][column]);
}
END_TEST

START_TEST(a_code_that_nobody_knows_is_a_fault) {
    static const int unknown[] = { 2, -1, 69, 71, 127, 128, 256, 1000 };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        ck_assert_int_eq(exit_gravest(unknown[i], EXIT_SETTLED), EXIT_FAULT);
        ck_assert_int_eq(exit_gravest(EXIT_CONFIG, unknown[i]), EXIT_FAULT);
        ck_assert_int_eq(exit_gravest(unknown[i], 143), 143);
    }
}
END_TEST

START_TEST(several_jobs_end_in_the_gravest_whatever_their_order) {
    static const int jobs[] = { 1, 0, 75, 78, 1, 75 };
    int code = EXIT_SETTLED;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        code = exit_gravest(code, jobs[i]);
    ck_assert_int_eq(code, 78);
    code = EXIT_SETTLED;
    for (size_t i = sizeof jobs / sizeof jobs[0]; i-- > 0;)
        code = exit_gravest(code, jobs[i]);
    ck_assert_int_eq(code, 78);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("exit");
    TCase *tests = tcase_create("exit");
    tcase_add_loop_test(tests, each_pair_ends_in_the_graver_code, 0, CODES * CODES);
    tcase_add_test(tests, a_code_that_nobody_knows_is_a_fault);
    tcase_add_test(tests, several_jobs_end_in_the_gravest_whatever_their_order);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
