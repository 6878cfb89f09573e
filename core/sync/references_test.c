/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of finding and ordering references. */
#include "core/sync/references.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define A "aaaaaaaa-0000-5000-8000-000000000001"
#define B "bbbbbbbb-0000-5000-8000-000000000002"
#define C "cccccccc-0000-5000-8000-000000000003"
#define REF(type, id) "{\"reference\":\"" type "/" id "\"}"

START_TEST(references_are_found_with_type_and_id) {
    const char *body = "{\"subject\":" REF("Patient", A) ",\"x\":[" REF("Goal", B) "]}";
    struct reference_at r;
    size_t at = 0;
    ck_assert(reference_next(body, strlen(body), &at, &r));
    ck_assert_int_eq((int)r.type_length, 7);
    ck_assert(!memcmp(r.uuid, A, 36));
    ck_assert(reference_next(body, strlen(body), &at, &r));
    ck_assert(!memcmp(r.type, "Goal", 4) && !memcmp(r.uuid, B, 36));
    ck_assert(!reference_next(body, strlen(body), &at, &r));
}
END_TEST

START_TEST(what_is_no_identity_of_ours_is_passed_over) {
    static const char *const bodies[] = { "{\"reference\":\"Patient/17\"}",
                                          "{\"reference\":\"#c\"}", "{\"reference\":\"Patient/" A,
                                          "{\"reference\":\"https://x/Patient/" A "\"}",
                                          "{\"reference\":\"" };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct reference_at r;
        size_t at = 0;
        ck_assert_msg(!reference_next(bodies[i], strlen(bodies[i]), &at, &r), "%s", bodies[i]);
    }
}
END_TEST

/* Order bodies and return how many are free of cycles. */
static size_t order_of(const char *const *bodies, const char *const *uuids, size_t count,
                       size_t *order) {
    struct arena arena = { 0 };
    size_t lengths[8];
    bool ok;
    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(bodies[i]);
    size_t n = reference_order(bodies, lengths, uuids, count, order, &arena, &ok);
    ck_assert(ok);
    arena_free(&arena);
    return n;
}

START_TEST(a_resource_comes_after_what_it_refers_to) {
    const char *bodies[] = { REF("Observation", B), REF("Observation", C), "{}" },
               *uuids[] = { A, B, C };
    size_t order[3];
    ck_assert_uint_eq(order_of(bodies, uuids, 3, order), 3);
    ck_assert_uint_eq(order[0], 2);
    ck_assert_uint_eq(order[1], 1);
    ck_assert_uint_eq(order[2], 0);
}
END_TEST

START_TEST(a_cycle_is_told_from_what_is_in_order) {
    const char *bodies[] = { REF("Goal", B), REF("Goal", A), "{}" }, *uuids[] = { A, B, C };
    size_t order[3];
    ck_assert_uint_eq(order_of(bodies, uuids, 3, order), 1);
    ck_assert_uint_eq(order[0], 2);
}
END_TEST

START_TEST(a_reference_to_itself_is_no_cycle) {
    const char *bodies[] = { REF("Goal", A) }, *uuids[] = { A };
    size_t order[1];
    ck_assert_uint_eq(order_of(bodies, uuids, 1, order), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("references");
    TCase *all = tcase_create("all");
    tcase_add_test(all, references_are_found_with_type_and_id);
    tcase_add_test(all, what_is_no_identity_of_ours_is_passed_over);
    tcase_add_test(all, a_resource_comes_after_what_it_refers_to);
    tcase_add_test(all, a_cycle_is_told_from_what_is_in_order);
    tcase_add_test(all, a_reference_to_itself_is_no_cycle);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
