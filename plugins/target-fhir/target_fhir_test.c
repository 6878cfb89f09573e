/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries against a scripted server: what is asked, in which order, and what each answer comes
 * to; bundles: bundle_test.c. */
#include "fixture.h"

START_TEST(new_resources_are_created_conditionally_in_dependency_order) {
    const struct line lines[] = {
        METADATA(SINGLE),
        THE_PATIENT,
        { "POST /Goal", 201, "", "W/\"1\"", "https://ehr.example/fhir/Goal/g-5/_history/1", NULL },
        { "POST /CarePlan", 201, "", NULL, "CarePlan/c-6/_history/3", NULL },
        END
    };
    ck_assert_int_eq(deliver(lines, 2), IPTFHIR_OK);
    SENT(1, "identifier=urn%3Amrn%7C77");
    SENT(2, "If-None-Exist: identifier=urn:ipt|g1\n");
    SENT(2, "{\"resourceType\":\"Goal\",\"identifier\"");
    SENT(2, "\"Patient/p9\"");
    SENT(3, "\"reference\":\"Goal/g-5\"");
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_str_eq(got_id[0], "g-5");
    ck_assert_str_eq(got_version[0], "1");
    ck_assert_str_eq(got_id[1], "c-6");
    ck_assert_str_eq(got_version[1], "3");
}
END_TEST

START_TEST(a_server_and_a_patient_are_asked_for_once) {
    const struct line first[] = {
        METADATA(SINGLE), THE_PATIENT, { "POST /Goal", 201, "", NULL, "Goal/a", NULL }, END
    };
    const struct line second[] = { { "POST /Goal", 201, "", NULL, "Goal/b", NULL }, END };
    deliver(first, 1);
    deliver(second, 1);
    ck_assert_str_eq(got_id[0], "b");
}
END_TEST

START_TEST(without_conditional_create_a_search_comes_first) {
    const struct line lines[] = { METADATA(PLAIN),
                                  THE_PATIENT,
                                  { "POST /Goal/_search", 200, NONE, NULL, NULL, NULL },
                                  { "POST /Goal\n", 201, "", NULL, "Goal/a/_history/1", NULL },
                                  END };
    deliver(lines, 1);
    SENT(2, "identifier=urn%3Aipt%7Cg1&patient=Patient%2Fp9");
    NOT_SENT(3, "If-None-Exist");
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
}
END_TEST

START_TEST(a_server_that_takes_no_post_search_is_asked_by_get) {
    const struct line lines[] = { METADATA(PLAIN),
                                  { "POST /Patient/_search", 405, "", NULL, NULL, NULL },
                                  { "GET /Patient?identifier=urn%3Amrn%7C77", 200,
                                    FOUND(PATIENT("p9", "")), NULL, NULL, NULL },
                                  { "GET /Goal?identifier=urn%3Aipt%7Cg1&patient=Patient%2Fp9", 200,
                                    NONE, NULL, NULL, NULL },
                                  { "POST /Goal\n", 201, "", NULL, "Goal/a", NULL },
                                  END };
    deliver(lines, 1);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
}
END_TEST

/* What the patient search finds, and under which code everything is held. */
static const struct {
    const char *found, *code;
} patients[] = {
    { NONE, "patient-not-found" },
    { TWO(PATIENT("p9", ""), PATIENT("p8", "")), "patient-ambiguous" },
    { FOUND("{\"resourceType\":\"Patient\",\"id\":\"p9\"}"), "patient-not-found" },
    { FOUND("{\"resourceType\":\"Patient\",\"id\":\"p9\",\"identifier\":[{\"system\":\"urn:mrn\","
            "\"value\":\"78\"}]}"),
      "patient-not-found" },
    { FOUND(PATIENT("p9", ",\"birthDate\":\"1970-03-02\"")), "patient-mismatch" },
    { FOUND(PATIENT("p9", ",\"name\":[{\"family\":\"Meyer\"}]")), "patient-mismatch" },
    { FOUND(PATIENT("p9", ",\"active\":false")), "patient-mismatch" },
    { FOUND(PATIENT("p9", ",\"link\":[{\"type\":\"replaced-by\"}]")), "patient-mismatch" },
};

START_TEST(a_patient_who_is_not_surely_the_one_holds_everything) {
    const struct line lines[] = { METADATA(SINGLE),
                                  { "POST /Patient/_search", 200, patients[_i].found, NULL, NULL,
                                    NULL },
                                  END };
    ck_assert_int_eq(deliver(lines, 2), IPTFHIR_OK);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(got[i].status, IPTFHIR_HELD);
        ck_assert_str_eq(got_code[i], patients[_i].code);
        ck_assert_ptr_null(strstr(got_detail[i], "1970"));
    }
}
END_TEST

START_TEST(a_patient_found_twice_in_one_page_is_one_patient) {
    const struct line lines[] = { METADATA(SINGLE),
                                  { "POST /Patient/_search", 200,
                                    TWO(PATIENT("p9", ""), PATIENT("p9", "")), NULL, NULL, NULL },
                                  { "POST /Goal", 201, "", NULL, "Goal/a", NULL },
                                  END };
    deliver(lines, 1);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
}
END_TEST

START_TEST(a_type_that_metadata_does_not_take_is_held_and_referred_to_by_identifier) {
    const struct line lines[] = { METADATA("{\"resourceType\":\"CapabilityStatement\","
                                           "\"fhirVersion\":\"4.0.1\",\"rest\":[{\"resource\":[{"
                                           "\"type\":\"Patient\",\"interaction\":"
                                           "[{\"code\":\"search-type\"}]," SEARCHES
                                           "},{\"type\":\"Goal\",\"interaction\":[{\"code\":"
                                           "\"read\"}]},{\"type\":\"CarePlan\"," ALL "}]}]}"),
                                  THE_PATIENT,
                                  { "POST /CarePlan", 201, "", NULL, "CarePlan/a", NULL },
                                  END };
    deliver(lines, 2);
    ck_assert_str_eq(got_code[0], "capability");
    ck_assert_ptr_nonnull(strstr(got_detail[0], "Goal: the target does not offer create"));
    SENT(2,
         "\"goal\":[{\"type\":\"Goal\",\"identifier\":{\"system\":\"urn:ipt\",\"value\":\"g1\"}}]");
    ck_assert_int_eq(got[1].status, IPTFHIR_CREATED);
}
END_TEST

START_TEST(a_known_resource_is_updated_with_if_match) {
    const struct line lines[] = {
        METADATA(SINGLE), THE_PATIENT, { "PUT /Goal/g-5\n", 200, "", "W/\"8\"", NULL, NULL }, END
    };
    known("7", "{}");
    deliver(lines, 1);
    SENT(2, "If-Match: W/\"7\"\n");
    SENT(2, "\"id\":\"g-5\"");
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    ck_assert_str_eq(got_version[0], "8");
}
END_TEST

START_TEST(a_conflict_where_only_we_changed_is_written_on_the_new_version) {
    const struct line lines[] = {
        METADATA(SINGLE),
        THE_PATIENT,
        { "PUT /Goal/g-5\n", 412, "", NULL, NULL, NULL },
        { "GET /Goal/g-5\n", 200,
          "{\"resourceType\":\"Goal\",\"id\":\"g-5\",\"meta\":{\"versionId\":\"9\"},\"old\":true}",
          NULL, NULL, NULL },
        { "PUT /Goal/g-5\n", 200, "", "W/\"10\"", NULL, NULL },
        END
    };
    known("7", BASE);
    deliver(lines, 1);
    SENT(4, "If-Match: W/\"9\"\n");
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    ck_assert_str_eq(got_version[0], "10");
}
END_TEST

START_TEST(disjoint_changes_are_merged_and_compared_again_the_next_time) {
    const struct line lines[] = { METADATA(SINGLE),
                                  THE_PATIENT,
                                  { "PUT /Goal/g-5\n", 409, "", NULL, NULL, NULL },
                                  { "GET /Goal/g-5\n", 200, GOAL("g-5", "9", ",\"note\":1"),
                                    "W/\"9\"", NULL, NULL },
                                  { "PUT /Goal/g-5\n", 200, "", "W/\"10\"", NULL, NULL },
                                  END };
    known("7", BASE);
    script_merge = "{\"merged\":true}";
    deliver(lines, 1);
    SENT(4, "{\"merged\":true}");
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    ck_assert_str_eq(got_version[0], "");
}
END_TEST

START_TEST(overlapping_changes_are_settled_by_the_policy) {
    const struct line put[] = { METADATA(SINGLE),
                                THE_PATIENT,
                                { "PUT /Goal/g-5\n", 412, "", NULL, NULL, NULL },
                                { "GET /Goal/g-5\n", 200, GOAL("g-5", "9", ",\"note\":1"), NULL,
                                  NULL, NULL },
                                { "PUT /Goal/g-5\n", 200, "", "W/\"10\"", NULL, NULL },
                                END };
    const struct line leave[] = { METADATA(SINGLE),
                                  THE_PATIENT,
                                  { "PUT /Goal/g-5\n", 412, "", NULL, NULL, NULL },
                                  { "GET /Goal/g-5\n", 200, GOAL("g-5", "9", ",\"note\":1"), NULL,
                                    NULL, NULL },
                                  END };
    known("7", BASE);
    target->conflict = _i;
    deliver(_i == CONFLICT_CLINIC_WINS ? put : leave, 1);
    static const iptfhir_receipt_status expected[] = { IPTFHIR_HELD, IPTFHIR_UNCHANGED,
                                                       IPTFHIR_UPDATED };
    ck_assert_int_eq(got[0].status, expected[_i]);
    if (_i == CONFLICT_HOLD) {
        ck_assert_str_eq(got_code[0], "conflict");
        ck_assert_str_eq(got_detail[0], "changed on both sides: /status");
    }
}
END_TEST

START_TEST(what_was_deleted_at_the_target_is_never_made_again) {
    const struct line lines[] = {
        METADATA(SINGLE), THE_PATIENT, { "PUT /Goal/g-5\n", _i, "", NULL, NULL, NULL }, END
    };
    known("7", BASE);
    deliver(lines, 1);
    ck_assert_str_eq(got_code[0], "gone");
}
END_TEST

START_TEST(no_version_means_look_first_and_hold_when_the_server_has_none) {
    const struct line lines[] = { METADATA(SINGLE),
                                  THE_PATIENT,
                                  { "GET /Goal/g-5\n", 200,
                                    "{\"resourceType\":\"Goal\",\"id\":\"g-5\",\"old\":true}", NULL,
                                    NULL, NULL },
                                  END };
    known(NULL, BASE);
    deliver(lines, 1);
    ck_assert_str_eq(got_code[0], "conflict");
    ck_assert_ptr_nonnull(strstr(got_detail[0], "accept_without_version"));
}
END_TEST

START_TEST(a_lost_answer_is_searched_before_it_is_sent_again) {
    const struct line found[] = {
        METADATA(SINGLE),
        THE_PATIENT,
        { "POST /Goal\n", 0, NULL, NULL, NULL, NULL },
        { "POST /Goal/_search", 200, FOUND(GOAL("g-5", "1", "")), NULL, NULL, NULL },
        { "GET /Goal/g-5\n", 200, GOAL("g-5", "1", ""), NULL, NULL, NULL },
        END
    };
    const struct line none[] = { { "POST /Goal\n", 500, NULL, NULL, NULL, NULL },
                                 { "POST /Goal/_search", 200, NONE, NULL, NULL, NULL },
                                 END };
    const struct line away[] = { { "POST /Goal\n", 504, NULL, NULL, NULL, NULL },
                                 { "POST /Goal/_search", -1, NULL, NULL, NULL, NULL },
                                 { "POST /Goal/_search", -1, NULL, NULL, NULL, NULL },
                                 END };
    ck_assert_int_eq(deliver(found, 1), IPTFHIR_OK);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_str_eq(got_id[0], "g-5");
    ck_assert_int_eq(deliver(none, 1), IPTFHIR_OK);
    ck_assert_int_eq(got[0].status, IPTFHIR_UNKNOWN);
    ck_assert_int_eq(deliver(away, 1), IPTFHIR_RETRY);
    ck_assert_int_eq(got[0].status, IPTFHIR_UNKNOWN);
}
END_TEST

START_TEST(an_unknown_change_is_searched_then_created_adopted_or_held) {
    const struct line none[] = { METADATA(PLAIN),
                                 THE_PATIENT,
                                 { "POST /Goal/_search", 200, NONE, NULL, NULL, NULL },
                                 { "POST /Goal\n", 201, "", NULL, "Goal/a", NULL },
                                 END };
    const struct line same[] = { { "POST /Goal/_search", 200, FOUND(GOAL("g-5", "4", "")), NULL,
                                   NULL, NULL },
                                 { "GET /Goal/g-5\n", 200, GOAL("g-5", "4", ""), NULL, NULL, NULL },
                                 END };
    const struct line other[] = {
        { "POST /Goal/_search", 200, FOUND(GOAL("g-5", "4", "")), NULL, NULL, NULL },
        { "GET /Goal/g-5\n", 200, GOAL("g-5", "4", ",\"x\":1"), NULL, NULL, NULL },
        { "PUT /Goal/g-5\n", 200, "", "W/\"5\"", NULL, NULL },
        END
    };
    const struct line many[] = { { "POST /Goal/_search", 200,
                                   TWO(GOAL("g-5", "4", ""), GOAL("g-6", "1", "")), NULL, NULL,
                                   NULL },
                                 END };
    changes[0].unknown = true;
    deliver(none, 1);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    deliver(same, 1);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_str_eq(got_version[0], "4");
    deliver(other, 1);
    SENT(2, "If-Match: W/\"4\"\n");
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    deliver(many, 1);
    ck_assert_str_eq(got_code[0], "conflict");
}
END_TEST

START_TEST(an_unknown_update_that_had_landed_is_recognised) {
    const struct line lines[] = { METADATA(SINGLE),
                                  THE_PATIENT,
                                  { "GET /Goal/g-5\n", 200, GOAL("g-5", "8", ""), NULL, NULL,
                                    NULL },
                                  END };
    known("7", BASE);
    changes[0].unknown = true;
    deliver(lines, 1);
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    ck_assert_str_eq(got_version[0], "8");
}
END_TEST

START_TEST(a_conditional_create_that_finds_one_compares_before_it_believes) {
    const struct line lines[] = { METADATA(SINGLE),
                                  THE_PATIENT,
                                  { "POST /Goal\n", 200, "", NULL, "Goal/g-5/_history/4", NULL },
                                  { "GET /Goal/g-5\n", 200, GOAL("g-5", "4", ",\"x\":1"), NULL,
                                    NULL, NULL },
                                  { "PUT /Goal/g-5\n", 200, "", "W/\"5\"", NULL, NULL },
                                  END };
    deliver(lines, 1);
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
}
END_TEST

START_TEST(a_bad_resource_is_held_and_what_refers_to_it_still_goes) {
    const struct line lines[] = { METADATA(SINGLE),
                                  THE_PATIENT,
                                  { "POST /Goal\n", 422,
                                    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{"
                                    "\"severity\":\"error\",\"code\":\"required\","
                                    "\"expression\":[\"Goal.description\"]}]}",
                                    NULL, NULL, NULL },
                                  { "POST /CarePlan\n", 201, "", NULL, "CarePlan/a", NULL },
                                  END };
    deliver(lines, 2);
    ck_assert_str_eq(got_code[0], "invalid");
    ck_assert_str_eq(got_detail[0], "HTTP 422: error required at Goal.description");
    SENT(3, "\"identifier\":{\"system\":\"urn:ipt\",\"value\":\"g1\"}");
    ck_assert_int_eq(got[1].status, IPTFHIR_CREATED);
}
END_TEST

START_TEST(a_server_that_asks_for_time_gets_it_for_all_that_follows) {
    const struct line lines[] = {
        METADATA(SINGLE), THE_PATIENT, { "POST /Goal\n", 429, "", NULL, NULL, "7" }, END
    };
    ck_assert_int_eq(deliver(lines, 2), IPTFHIR_OK);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(got[i].status, IPTFHIR_LATER);
        ck_assert_int_eq(got[i].retry_after_ms, 7000);
    }
}
END_TEST

START_TEST(a_server_that_is_away_makes_the_target_wait) {
    const struct line first[] = { { "GET /metadata", -1, NULL, NULL, NULL, NULL }, END };
    const struct line second[] = {
        METADATA(SINGLE), THE_PATIENT, { "POST /Goal\n", -1, NULL, NULL, NULL, NULL }, END
    };
    const struct line third[] = { { "POST /Goal\n", 401, "", NULL, NULL, NULL }, END };
    ck_assert_int_eq(deliver(first, 2), IPTFHIR_RETRY);
    ck_assert_str_eq(script_error.text, "the server is away");
    ck_assert_int_eq(deliver(second, 2), IPTFHIR_RETRY);
    ck_assert_int_eq(got[0].status, IPTFHIR_LATER);
    ck_assert_int_eq(got[1].status, IPTFHIR_LATER);
    ck_assert_int_eq(deliver(third, 2), IPTFHIR_RETRY);
    ck_assert_str_eq(script_error.code, "target-unauthorized");
}
END_TEST

START_TEST(a_statement_of_another_release_is_refused) {
    const struct line lines[] = {
        { "GET /metadata", 200,
          "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"3.0.1\"}", NULL, NULL,
          NULL },
        END
    };
    script_set(lines);
    ck_assert_int_eq(iptfhir_plugin.target->probe(target, &script_error), IPTFHIR_RETRY);
    ck_assert_str_eq(script_error.code, "target-metadata");
    ck_assert_ptr_nonnull(strstr(script_error.text, "R4"));
}
END_TEST

START_TEST(an_adopted_resource_waits_for_what_it_refers_to_before_it_is_compared) {
    const struct line lines[] = {
        METADATA(SINGLE),
        THE_PATIENT,
        { "POST /Goal/_search", 200, NONE, NULL, NULL, NULL },
        { "POST /CarePlan/_search", 200,
          FOUND("{\"resourceType\":\"CarePlan\",\"id\":\"c-6\",\"identifier\":[{\"system\":"
                "\"urn:ipt\",\"value\":\"c1\"}]}"),
          NULL, NULL, NULL },
        { "POST /Goal\n", 201, "", NULL, "Goal/g-5", NULL },
        { "GET /CarePlan/c-6\n", 200,
          "{\"resourceType\":\"CarePlan\",\"id\":\"c-6\",\"subject\":{\"reference\":"
          "\"Patient/p9\"},\"goal\":[{\"reference\":\"Goal/g-5\"}]}",
          NULL, NULL, NULL },
        END
    };
    changes[0].unknown = changes[1].unknown = true;
    deliver(lines, 2);
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_int_eq(got[1].status, IPTFHIR_CREATED);
}
END_TEST

START_TEST(an_identifier_cannot_add_a_header_or_a_parameter) {
    const struct line lines[] = {
        METADATA(SINGLE), THE_PATIENT, { "POST /Goal\n", 201, "", NULL, "Goal/g-5", NULL }, END
    };
    changes[0].identifier_value = "a\r\nX: y&_count=1";
    deliver(lines, 1);
    SENT(2, "If-None-Exist: identifier=urn:ipt|a%0D%0AX:%20y%26_count%3D1\n");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target-fhir");
    TCase *c = tcase_create("target-fhir");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, new_resources_are_created_conditionally_in_dependency_order);
    tcase_add_test(c, a_server_and_a_patient_are_asked_for_once);
    tcase_add_test(c, without_conditional_create_a_search_comes_first);
    tcase_add_test(c, a_server_that_takes_no_post_search_is_asked_by_get);
    tcase_add_loop_test(c, a_patient_who_is_not_surely_the_one_holds_everything, 0,
                        sizeof patients / sizeof *patients);
    tcase_add_test(c, a_patient_found_twice_in_one_page_is_one_patient);
    tcase_add_test(c, a_type_that_metadata_does_not_take_is_held_and_referred_to_by_identifier);
    tcase_add_test(c, a_known_resource_is_updated_with_if_match);
    tcase_add_test(c, a_conflict_where_only_we_changed_is_written_on_the_new_version);
    tcase_add_test(c, disjoint_changes_are_merged_and_compared_again_the_next_time);
    tcase_add_loop_test(c, overlapping_changes_are_settled_by_the_policy, CONFLICT_HOLD,
                        CONFLICT_CLINIC_WINS + 1);
    tcase_add_loop_test(c, what_was_deleted_at_the_target_is_never_made_again, 404, 405);
    tcase_add_loop_test(c, what_was_deleted_at_the_target_is_never_made_again, 410, 411);
    tcase_add_test(c, no_version_means_look_first_and_hold_when_the_server_has_none);
    tcase_add_test(c, a_lost_answer_is_searched_before_it_is_sent_again);
    tcase_add_test(c, an_unknown_change_is_searched_then_created_adopted_or_held);
    tcase_add_test(c, an_unknown_update_that_had_landed_is_recognised);
    tcase_add_test(c, a_conditional_create_that_finds_one_compares_before_it_believes);
    tcase_add_test(c, a_bad_resource_is_held_and_what_refers_to_it_still_goes);
    tcase_add_test(c, a_server_that_asks_for_time_gets_it_for_all_that_follows);
    tcase_add_test(c, a_server_that_is_away_makes_the_target_wait);
    tcase_add_test(c, a_statement_of_another_release_is_refused);
    tcase_add_test(c, an_adopted_resource_waits_for_what_it_refers_to_before_it_is_compared);
    tcase_add_test(c, an_identifier_cannot_add_a_header_or_a_parameter);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
