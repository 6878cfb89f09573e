/* SPDX-License-Identifier: Apache-2.0 */
/* map-template against the mock host. */
#include "plugins/map-template/map_template.c"

#include "tests/mock_host.h"

#include <check.h>
#undef fail /* the host has a member of this name */

static struct mock_host mock;
static struct mock_resources resources;
static struct iptfhir_error fault;

static void open_all(void) {
    mock_host_open(&mock);
    mock_resources_open(&resources);
    fault = (struct iptfhir_error) { .size = sizeof fault };
}

static void close_all(void) {
    mock_resources_close(&resources);
    mock_host_close(&mock);
}

START_TEST(every_mapping_is_rendered_in_order_with_the_record_alone) {
    static const char *const names[] = { "condition", "careteam", NULL };
    struct mapper self = { .mappings = names };
    struct iptfhir_record record = { .size = sizeof record, .id = "R-1" };
    ck_assert_int_eq(mapper_init(&self, &mock.host, &fault), IPTFHIR_OK);
    ck_assert_int_eq(mapper_map(&self, &record, &resources.sink, &fault), IPTFHIR_OK);
    ck_assert_uint_eq(resources.render_count, 2);
    ck_assert_str_eq(resources.renders[0].mapping, "condition");
    ck_assert_str_eq(resources.renders[1].mapping, "careteam");
    ck_assert_ptr_null(resources.renders[0].facts);
}
END_TEST

START_TEST(a_failure_of_the_core_ends_the_record) {
    static const char *const names[] = { "condition", "careteam", NULL };
    struct mapper self = { .mappings = names };
    struct iptfhir_record record = { .size = sizeof record, .id = "R-1" };
    resources.answer = IPTFHIR_FATAL;
    ck_assert_int_eq(mapper_map(&self, &record, &resources.sink, &fault), IPTFHIR_FATAL);
    ck_assert_uint_eq(resources.render_count, 1);
}
END_TEST

START_TEST(an_empty_list_is_a_mistake) {
    static const char *const names[] = { NULL };
    struct mapper self = { .mappings = names };
    ck_assert_int_eq(mapper_init(&self, &mock.host, &fault), IPTFHIR_FATAL);
    ck_assert_str_eq(fault.code, "mappings");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("map-template");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, open_all, close_all);
    tcase_add_test(c, every_mapping_is_rendered_in_order_with_the_record_alone);
    tcase_add_test(c, a_failure_of_the_core_ends_the_record);
    tcase_add_test(c, an_empty_list_is_a_mistake);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
