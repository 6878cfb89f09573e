/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the safety scan over the shipped instruments. */
#include "core/sync/safety.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct safety *safety;
static struct report report;
static char heard[1000];

static void set_up(void) {
    char mappings[4096];
    report = (struct report) { 0 };
    snprintf(mappings, sizeof mappings, "%s/mappings", getenv("IPTFHIR_DATADIR"));
    safety = safety_load(mappings, &report);
    ck_assert_ptr_nonnull(safety);
}

static void tear_down(void) {
    safety_free(safety);
    arena_free(&arena);
    report_free(&report);
}

static void hear(void *user, const char *pointer, const char *code) {
    size_t n = strlen(heard);
    (void)user;
    const char *kind = strcmp(code, "positive-self-harm-item") == 0 ? "+" : "?";
    snprintf(heard + n, sizeof heard - n, "%s%s;", kind, pointer);
}

/* What is told of a record: "+" a positive answer, "?" one that can't be read, with its place. */
static const char *told_of(const char *record) {
    const struct tree *tree = json_read_copy(&arena, record, strlen(record), NULL, NULL);
    ck_assert_msg(tree != NULL, "%s", record);
    heard[0] = '\0';
    safety_scan(safety, tree, hear, NULL);
    return heard;
}
#define ITEM(answer) "{\"measures\":[{\"items\":{\"phq9_8\":3,\"phq9_9\":" answer "}}]}"
#define THERE "/measures/0/items/phq9_9;"

START_TEST(a_positive_answer_is_heard_in_whatever_way_it_is_given) {
    ck_assert_str_eq(told_of(ITEM("1")), "+" THERE);
    ck_assert_str_eq(told_of(ITEM("3.0")), "+" THERE);
    ck_assert_str_eq(told_of(ITEM("\"2\"")), "+" THERE);
    ck_assert_str_eq(told_of(ITEM("\" 3.0 \"")), "+" THERE);
    ck_assert_str_eq(told_of(ITEM("\"several days\"")), "+" THERE);
    ck_assert_str_eq(told_of(ITEM("\"LA6571-9\"")), "+" THERE);
    ck_assert_str_eq(told_of(ITEM("true")), "+" THERE);
}
END_TEST

START_TEST(an_answer_that_can_t_be_read_is_told_of_as_such) {
    ck_assert_str_eq(told_of(ITEM("\"often\"")), "?" THERE);
    ck_assert_str_eq(told_of(ITEM("{\"value\":1}")), "?" THERE);
    ck_assert_str_eq(told_of(ITEM("\"1 of 3\"")), "?" THERE);
}
END_TEST

START_TEST(no_answer_and_a_negative_one_are_not_told_of) {
    ck_assert_str_eq(told_of(ITEM("0")), "");
    ck_assert_str_eq(told_of(ITEM("\"0\"")), "");
    ck_assert_str_eq(told_of(ITEM("\"Not at all\"")), "");
    ck_assert_str_eq(told_of(ITEM("null")), "");
    ck_assert_str_eq(told_of(ITEM("\" \"")), "");
    ck_assert_str_eq(told_of(ITEM("false")), "");
    ck_assert_str_eq(told_of("{\"measures\":\"phq9_9\"}"), "");
    ck_assert_str_eq(told_of("7"), "");
}
END_TEST

START_TEST(it_is_heard_wherever_it_stands_and_by_its_code) {
    ck_assert_str_eq(told_of("{\"PHQ9_9\":2}"), "+/PHQ9_9;");
    ck_assert_str_eq(told_of("{\"x\":[[{\"44260-8\":\"1\"}]]}"), "+/x/0/0/44260-8;");
    ck_assert_str_eq(told_of("{\"a\":{\"phq9_9\":1},\"b\":{\"phq9_9\":3}}"),
                     "+/a/phq9_9;+/b/phq9_9;");
}
END_TEST

START_TEST(what_only_the_summary_says_is_heard_once) {
    ck_assert_str_eq(told_of("{\"measures\":[{\"safety\":{\"positive\":true}}]}"),
                     "+/measures/0/safety;");
    ck_assert_str_eq(told_of("{\"measures\":[{\"safety\":{\"item9\":1,\"positive\":false}}]}"),
                     "+/measures/0/safety/item9;");
    ck_assert_str_eq(
        told_of("{\"measures\":[{\"items\":{\"phq9_9\":1},\"safety\":{\"positive\":true}}]}"),
        "+" THERE);
    ck_assert_str_eq(told_of("{\"measures\":[{\"safety\":{\"positive\":false}}]}"), "");
}
END_TEST

START_TEST(a_summary_that_says_yes_is_heard_beside_an_item_that_says_no) {
    ck_assert_str_eq(
        told_of("{\"measures\":[{\"items\":{\"phq9_9\":0},\"safety\":{\"positive\":true}}]}"),
        "+/measures/0/safety;");
    ck_assert_str_eq(
        told_of("{\"measures\":[{\"items\":{\"phq9_9\":0},\"safety\":{\"item9\":2}}]}"),
        "+/measures/0/safety/item9;");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("safety");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_positive_answer_is_heard_in_whatever_way_it_is_given);
    tcase_add_test(all, an_answer_that_can_t_be_read_is_told_of_as_such);
    tcase_add_test(all, no_answer_and_a_negative_one_are_not_told_of);
    tcase_add_test(all, it_is_heard_wherever_it_stands_and_by_its_code);
    tcase_add_test(all, what_only_the_summary_says_is_heard_once);
    tcase_add_test(all, a_summary_that_says_yes_is_heard_beside_an_item_that_says_no);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
