/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and batches against a scripted server: references, limits, refusals, and the status
 * of each entry. */
#include "fixture.h"

#define RESPONSE(entries)                                                                          \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\",\"entry\":[" entries "]}"
#define MADE(type, id)                                                                             \
    "{\"response\":{\"status\":\"201 Created\",\"location\":\"" type "/" id                        \
    "/_history/1\",\"etag\":\"W/\\\"1\\\"\"}}"

START_TEST(a_change_set_goes_as_one_transaction_with_urn_references) {
    const struct line lines[] = { METADATA(TRANSACTIONS),
                                  THE_PATIENT,
                                  { "POST \n", 200,
                                    RESPONSE(MADE("Goal", "g-5") "," MADE("CarePlan", "c-6")), NULL,
                                    NULL, NULL },
                                  END };
    deliver(lines, 2);
    SENT(2, "\"type\":\"transaction\"");
    SENT(2, "\"fullUrl\":\"urn:uuid:" U1 "\"");
    SENT(2, "\"reference\":\"urn:uuid:" U1 "\"");
    SENT(2, "\"request\":{\"method\":\"POST\",\"url\":\"Goal\",\"ifNoneExist\":\"identifier=urn:"
            "ipt|g1\"}");
    ck_assert_str_eq(got_id[0], "g-5");
    ck_assert_str_eq(got_id[1], "c-6");
    ck_assert_str_eq(got_version[1], "1");
}
END_TEST

START_TEST(a_known_resource_in_a_transaction_has_if_match) {
    const struct line lines[] = {
        METADATA(TRANSACTIONS),
        THE_PATIENT,
        { "POST \n", 200,
          RESPONSE("{\"response\":{\"status\":\"200\",\"etag\":\"W/\\\"8\\\"\"}}," MADE("CarePlan",
                                                                                        "c-6")),
          NULL, NULL, NULL },
        END
    };
    known("7", BASE);
    deliver(lines, 2);
    SENT(2, "\"request\":{\"method\":\"PUT\",\"url\":\"Goal/g-5\",\"ifMatch\":\"W/\\\"7\\\"\"}");
    SENT(2, "\"reference\":\"Goal/g-5\"");
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    ck_assert_str_eq(got_version[0], "8");
}
END_TEST

#define TOO_MANY                                                                                   \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"code\":\"invalid\",\"details\":{"        \
    "\"text\":\"it has too many "                                                                  \
    "entries\"}}]}"

START_TEST(a_transaction_that_is_too_large_is_split_and_the_limit_remembered) {
    const struct line first[] = {
        METADATA(TRANSACTIONS),
        THE_PATIENT,
        { "POST \n", 400, TOO_MANY, NULL, NULL, NULL },
        { "POST \n", 200, RESPONSE(MADE("Goal", "g-5")), NULL, NULL, NULL },
        { "POST \n", 200, RESPONSE(MADE("CarePlan", "c-6")), NULL, NULL, NULL },
        { "POST /Goal\n", 201, "", NULL, "Goal/z", NULL },
        END
    };
    const struct line second[] = { { "POST \n", 200, RESPONSE(MADE("Goal", "g-5")), NULL, NULL,
                                     NULL },
                                   { "POST /CarePlan\n", 201, "", NULL, "CarePlan/d", NULL },
                                   END };
    deliver(first, 3);
    SENT(4, "\"reference\":\"Goal/g-5\"");
    ck_assert_str_eq(got_id[2], "z");
    deliver(second, 2);
    ck_assert_str_eq(got_id[1], "d");
}
END_TEST

START_TEST(a_refused_transaction_goes_singly_so_that_one_bad_entry_blocks_nothing) {
    const struct line lines[] = { METADATA(TRANSACTIONS),
                                  THE_PATIENT,
                                  { "POST \n", 422, "", NULL, NULL, NULL },
                                  { "POST /Goal\n", 422, "", NULL, NULL, NULL },
                                  { "POST /CarePlan\n", 201, "", NULL, "CarePlan/d", NULL },
                                  END };
    deliver(lines, 2);
    ck_assert_str_eq(got_code[0], "invalid");
    ck_assert_int_eq(got[1].status, IPTFHIR_CREATED);
}
END_TEST

START_TEST(a_failed_entry_inside_a_good_answer_is_seen) {
    const struct line lines[] = {
        METADATA(BATCHES),
        THE_PATIENT,
        { "POST \n", 200,
          RESPONSE(MADE("Goal", "g-5") ",{\"response\":{\"status\":\"403 Forbidden\"}}"), NULL,
          NULL, NULL },
        END
    };
    changes[1] = changes[2];
    deliver(lines, 2);
    SENT(2, "\"type\":\"batch\"");
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_str_eq(got_code[1], "policy-denied");
}
END_TEST

START_TEST(an_answer_with_missing_entries_is_lost_for_all) {
    const struct line lines[] = {
        METADATA(TRANSACTIONS),
        THE_PATIENT,
        { "POST \n", 200, RESPONSE(MADE("Goal", "g-5")), NULL, NULL, NULL },
        { "POST /Goal/_search", 200, FOUND(GOAL("g-5", "1", "")), NULL, NULL, NULL },
        { "POST /CarePlan/_search", 200, NONE, NULL, NULL, NULL },
        { "GET /Goal/g-5\n", 200, GOAL("g-5", "1", ""), NULL, NULL, NULL },
        END
    };
    deliver(lines, 2);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_int_eq(got[1].status, IPTFHIR_UNKNOWN);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bundle");
    TCase *c = tcase_create("bundle");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_change_set_goes_as_one_transaction_with_urn_references);
    tcase_add_test(c, a_known_resource_in_a_transaction_has_if_match);
    tcase_add_test(c, a_transaction_that_is_too_large_is_split_and_the_limit_remembered);
    tcase_add_test(c, a_refused_transaction_goes_singly_so_that_one_bad_entry_blocks_nothing);
    tcase_add_test(c, a_failed_entry_inside_a_good_answer_is_seen);
    tcase_add_test(c, an_answer_with_missing_entries_is_lost_for_all);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
