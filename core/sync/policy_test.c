/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of consent and Part 2: what isn't clearly allowed is denied. */
#include "core/sync/policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TODAY "2026-03-01"
#define CONSENT(more)                                                                              \
    "{\"consents\":[{\"status\":\"active\",\"recipient\":\"Metro\",\"signedAt\":\"2026-01-01\","   \
    "\"dataClasses\":[\"plan\",\"goals\"]" more "}]}"

/* The code for a record, a target and a class. */
static const char *decide(const char *record, const char *recipient, bool attested,
                          const char *data_class) {
    static struct arena arena;
    const char *why = NULL;
    struct config_instance target = { .name = "t",
                                      .recipient = recipient,
                                      .consent_attested = attested };
    struct tree *tree = json_read_copy(&arena, record, strlen(record), NULL, NULL);
    ck_assert_ptr_nonnull(tree);
    const char *code = policy_denies(&target, tree, data_class, TODAY, &why);
    ck_assert(!code || why);
    arena_free(&arena);
    return code ? code : "allowed";
}

START_TEST(a_consent_in_force_for_recipient_and_class_allows) {
    ck_assert_str_eq(decide(CONSENT(""), "Metro", false, "goals"), "allowed");
}
END_TEST

START_TEST(everything_else_is_denied) {
    ck_assert_str_eq(decide("{}", "Metro", false, "goals"), "consent");
    ck_assert_str_eq(decide(CONSENT(""), "Other", false, "goals"), "consent");
    ck_assert_str_eq(decide(CONSENT(""), "Metro", false, "measure-items"), "consent");
    ck_assert_str_eq(decide(CONSENT(",\"excludedClasses\":[\"goals\"]"), "Metro", false, "goals"),
                     "consent");
    ck_assert_str_eq(decide(CONSENT(",\"expires\":\"2026-02-28\""), "Metro", false, "goals"),
                     "consent");
    ck_assert_str_eq(decide("{\"consents\":[{\"status\":\"inactive\",\"recipient\":\"Metro\","
                            "\"signedAt\":\"2026-01-01\",\"dataClasses\":[\"goals\"]}]}",
                            "Metro", false, "goals"),
                     "consent");
    ck_assert_str_eq(decide("{\"consents\":[{\"status\":\"active\",\"recipient\":\"Metro\","
                            "\"signedAt\":\"2026-03-02\",\"dataClasses\":[\"goals\"]}]}",
                            "Metro", false, "goals"),
                     "consent");
}
END_TEST

START_TEST(a_clinic_may_attest_that_it_has_consents_on_file) {
    ck_assert_str_eq(decide("{}", NULL, true, "goals"), "allowed");
}
END_TEST

START_TEST(substance_use_needs_a_part_2_consent_attested_or_not) {
    ck_assert_str_eq(decide("{\"diagnoses\":[{\"icd10cm\":\"F10.20\"}]}", NULL, true, "goals"),
                     "part2");
    ck_assert_str_eq(
        decide("{\"diagnoses\":[{\"icd10cm\":\"F1020\"}],\"consents\":[{\"status\":\"active\","
               "\"recipient\":\"Metro\",\"signedAt\":\"2026-01-01\",\"part2\":true}]}",
               "Metro", true, "goals"),
        "allowed");
    ck_assert_str_eq(decide("{\"diagnoses\":[{\"icd10cm\":\"F32.1\"}]}", NULL, true, "goals"),
                     "allowed");
}
END_TEST

START_TEST(resources_have_the_class_that_consents_name) {
    static const struct {
        const char *resource, *data_class;
    } cases[] = { { "{\"resourceType\":\"Goal\"}", "goals" },
                  { "{\"resourceType\":\"Observation\",\"hasMember\":[{}]}", "measure-totals" },
                  { "{\"resourceType\":\"Observation\",\"category\":[{\"coding\":[{\"code\":"
                    "\"survey\"}]}],\"valueCodeableConcept\":{}}",
                    "measure-items" },
                  { "{\"resourceType\":\"Observation\",\"category\":[{\"coding\":[{\"code\":"
                    "\"social-history\"}]}]}",
                    "plan" },
                  { "{\"resourceType\":\"Something\"}", "plan" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = { 0 };
        ck_assert_str_eq(policy_data_class(json_read_copy(&arena, cases[i].resource,
                                                          strlen(cases[i].resource), NULL, NULL)),
                         cases[i].data_class);
        arena_free(&arena);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("policy");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_consent_in_force_for_recipient_and_class_allows);
    tcase_add_test(all, everything_else_is_denied);
    tcase_add_test(all, a_clinic_may_attest_that_it_has_consents_on_file);
    tcase_add_test(all, substance_use_needs_a_part_2_consent_attested_or_not);
    tcase_add_test(all, resources_have_the_class_that_consents_name);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
