/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the base that a store belongs to. */
#include "core/sync/identity_base.h"

#include <check.h>
#include <string.h>

static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    medium = store_medium_new();
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
}

static void tear_down(void) {
    store->calls->close(store);
    store_medium_free(medium);
}

START_TEST(a_store_that_keeps_no_base_takes_any_and_a_check_sets_none) {
    ck_assert(identity_base_check(store, "https://ipt.example.org", &error));
    ck_assert(identity_base_check(store, "https://ipt2.example.org", &error));
    ck_assert(identity_base_keep(store, "https://ipt2.example.org", &error));
}
END_TEST

START_TEST(the_first_base_that_is_kept_is_the_only_one_from_then_on) {
    ck_assert(identity_base_keep(store, "https://ipt.example.org", &error));
    ck_assert(identity_base_keep(store, "https://ipt.example.org", &error));
    ck_assert(identity_base_check(store, "https://ipt.example.org", &error));
    ck_assert(!identity_base_check(store, "https://ipt.example.or", &error));
    ck_assert_str_eq(error.code, "identity-base");
    ck_assert_ptr_nonnull(strstr(error.text, "was made under https://ipt.example.org: put that"));
    error = (struct iptfhir_error)ERROR_INIT;
    ck_assert(!identity_base_keep(store, "https://ipt.example.org2", &error));
    ck_assert_str_eq(error.code, "identity-base");
    error = (struct iptfhir_error)ERROR_INIT;
    ck_assert_msg(identity_base_check(store, "https://ipt.example.org", &error),
                  "a refused base must not take the place of the kept one");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("identity_base");
    TCase *c = tcase_create("identity_base");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_store_that_keeps_no_base_takes_any_and_a_check_sets_none);
    tcase_add_test(c, the_first_base_that_is_kept_is_the_only_one_from_then_on);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
