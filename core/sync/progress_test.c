/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the progress bar's text. */
#include "core/sync/progress.h"

#include "core/base/clock.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_bar_is_full_when_all_is_delivered_or_held) {
    struct progress p = { .started_ms = clock_steady_ms() };
    struct shared page = { 0 };
    char text[256];
    page.ingest_done = true;
    page.accepted = 10;
    page.delivered = 9;
    page.held = 1;
    progress_text(&p, &page, 100, text, sizeof text);
    ck_assert_msg(strstr(text, "100%") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "1 held") != NULL, "%s", text);
    ck_assert_msg(strchr(text, '.') == NULL, "%s", text);
}
END_TEST

START_TEST(a_target_that_is_away_is_named) {
    struct progress p = { .started_ms = clock_steady_ms() };
    struct shared page = { .paused_target = "metro" };
    char text[256];
    page.paused_until_ms = clock_now_ms() + 5000;
    progress_text(&p, &page, 80, text, sizeof text);
    ck_assert_msg(strstr(text, "metro unreachable") != NULL, "%s", text);
}
END_TEST

START_TEST(half_read_and_all_of_it_delivered_is_half) {
    struct progress p = { .started_ms = clock_steady_ms() };
    struct shared page = { 0 };
    char text[256];
    page.source_total = 200;
    page.source_done = 100;
    page.accepted = page.delivered = 4;
    progress_text(&p, &page, 80, text, sizeof text);
    ck_assert_msg(strstr(text, " 50%") != NULL, "%s", text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("progress");
    TCase *all = tcase_create("all");
    tcase_add_test(all, the_bar_is_full_when_all_is_delivered_or_held);
    tcase_add_test(all, a_target_that_is_away_is_named);
    tcase_add_test(all, half_read_and_all_of_it_delivered_is_half);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
