/* SPDX-License-Identifier: Apache-2.0 */
/* What target-fhir asks to match, to find and to read, and what the answers of several makers'
 * servers prove. */
#include "fixture.h"

/* ---- matching ---- */
static const struct iptfhir_identifier ids[] = {
    { "urn:other", "1" }, { "urn:mrn", "77" }, { "urn:mrn", "" }, { NULL, "77" }
};

static void matching(void) {
    order.task = IPTFHIR_MATCH;
    order.identifiers = ids;
    order.identifier_count = 4;
    order.count = 0;
}

START_TEST(the_patient_is_searched_by_post_and_only_by_the_system_of_this_target) {
    matching();
    learn(BATCHES);
    ask();
    ck_assert_uint_eq(requests.count, 1);
    ck_assert_str_eq(requests.texts[0],
                     "POST /Patient/_search\nAccept: application/fhir+json\nCache-Control: "
                     "no-cache\nContent-Type: application/x-www-form-urlencoded\n\n"
                     "identifier=urn%3Amrn%7C77");
}
END_TEST

START_TEST(a_patient_without_an_identifier_of_the_system_is_not_searched_at_all) {
    matching();
    order.identifier_count = 1;
    ask();
    ck_assert_int_eq(answers(NULL, 0), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(a_candidate_has_all_that_a_match_is_decided_by) {
    matching();
    ck_assert_int_eq(
        round_of(200,
                 SET("", ENTRY("{\"resourceType\":\"Patient\",\"id\":\"p9\",\"active\":false,"
                               "\"identifier\":[{\"system\":\"urn:mrn\",\"value\":\"77\"},"
                               "{\"use\":\"old\",\"system\":\"urn:mrn\",\"value\":\"7\"},"
                               "{\"value\":\"x\"}],\"name\":[{\"family\":\"Ito\",\"given\":"
                               "[\"Anna\",\"B\"]},{\"use\":\"old\",\"family\":\"Old\"},"
                               "{\"use\":\"maiden\",\"family\":\"Abe\"}],\"birthDate\":"
                               "\"1970-02-03\",\"gender\":\"female\",\"link\":[{\"type\":"
                               "\"replaced-by\",\"other\":{\"reference\":\"Patient/p10\"}}]}"))),
        IPTFHIR_ANSWERED);
    ck_assert_uint_eq(told.candidate_count, 1);
    ck_assert_str_eq(told.candidates[0],
                     "p9 replaced-by p10 urn:mrn|77 |x former urn:mrn|7 family Ito family Abe "
                     "given Anna born 1970-02-03 female");
    proves(0, IPTFHIR_FOUND);
}
END_TEST

START_TEST(who_does_not_carry_the_identifier_is_no_candidate) {
    matching();
    (void)round_of(200, SET("", ENTRY(PATIENT("p1", "78", "")) "," ENTRY(
                                    "{\"resourceType\":\"Patient\",\"id\":\"p2\"}")));
    ck_assert_uint_eq(told.candidate_count, 0);
    proves(0, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(a_server_that_refuses_post_is_searched_by_get_from_then_on) {
    matching();
    ck_assert_int_eq(round_of(405, ""), IPTFHIR_AGAIN);
    ck_assert_int_eq(round_of(200, SET("", ENTRY(PATIENT("p9", "77", "")))), IPTFHIR_ANSWERED);
    ck_assert_str_eq(requests.texts[0], "GET /Patient?identifier=urn%3Amrn%7C77\nAccept: "
                                        "application/fhir+json\nCache-Control: no-cache\n");
    proves(0, IPTFHIR_FOUND);
    order.number = 2;
    order.round = 0;
    ask();
    ck_assert_int_eq(strncmp(requests.texts[0], "GET ", 4), 0);
}
END_TEST

START_TEST(a_search_that_is_refused_by_post_and_by_get_is_refused) {
    matching();
    ck_assert_int_eq(round_of(400, OUTCOME("error", "invalid", "")), IPTFHIR_AGAIN);
    ck_assert_int_eq(round_of(400, OUTCOME("error", "invalid", "")), IPTFHIR_ANSWERED);
    ck_assert_str_eq(proves(0, IPTFHIR_REFUSED)->detail, "HTTP 400: error invalid");
    order.number = 2;
    order.round = 0;
    ask();
    ck_assert_int_eq(strncmp(requests.texts[0], "POST ", 5), 0);
}
END_TEST

START_TEST(every_page_is_read_and_a_repeated_patient_is_told_once) {
    matching();
    ck_assert_int_eq(round_of(200, SET(NEXT("https://ehr.example/fhir?_getpages=a&p=2"),
                                       ENTRY(PATIENT("p9", "77", "")))),
                     IPTFHIR_AGAIN);
    ck_assert_int_eq(
        round_of(200, SET("", ENTRY(PATIENT("p9", "77", "")) "," ENTRY(PATIENT("p8", "77", "")))),
        IPTFHIR_ANSWERED);
    ck_assert_str_eq(requests.texts[0], "GET ?_getpages=a&p=2\nAccept: "
                                        "application/fhir+json\nCache-Control: no-cache\n");
    ck_assert_uint_eq(told.candidate_count, 2);
    proves(0, IPTFHIR_FOUND);
}
END_TEST

START_TEST(a_next_page_at_another_address_is_not_asked_for) {
    matching();
    ck_assert_int_eq(
        round_of(200, SET(NEXT("https://evil.example/fhir?p=2"), ENTRY(PATIENT("p9", "77", "")))),
        IPTFHIR_ANSWERED);
    ck_assert_str_eq(proves(0, IPTFHIR_REFUSED)->code, "target-answer");
}
END_TEST

START_TEST(pages_without_an_end_are_given_up) {
    int rounds = 0;
    matching();
    while (round_of(200, SET(NEXT("https://ehr.example/fhir?p=1"), "")) == IPTFHIR_AGAIN)
        rounds++;
    ck_assert_int_eq(rounds, IPTFHIR_ROUNDS_MOST - 1);
    ck_assert_str_eq(proves(0, IPTFHIR_REFUSED)->code, "capability");
}
END_TEST

START_TEST(what_is_no_searchset_is_no_absence) {
    static const char *const bodies[] = {
        PAGE,
        "",
        "{",
        "[]",
        OUTCOME("error", "exception", ""),
        PATIENT("p9", "77", ""),
        "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":{}}",
        SET("", ENTRY(OUTCOME("error", "exception", ""))),
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        matching();
        order.number = i + 1;
        order.round = 0;
        ck_assert_int_eq(round_of(200, bodies[i]), IPTFHIR_ANSWERED);
        const struct mock_proof *p = mock_proof_of(&told, 0, i);
        ck_assert_ptr_nonnull(p);
        ck_assert_int_eq(p->proof, IPTFHIR_FAILED);
        ck_assert_str_eq(p->code, "target-answer");
    }
    ck_assert_uint_eq(told.pause_count, 0);
}
END_TEST

START_TEST(results_that_are_partial_however_lightly_it_is_said_are_no_absence) {
    static const char *const partial[] = { "incomplete", "timeout",    "throttled", "transient",
                                           "lock-error", "too-costly", "no-store",  "exception" };
    order.task = IPTFHIR_FIND;
    learn(SINGLE);
    for (size_t i = 0; i < 2 * sizeof partial / sizeof *partial; i++) {
        char issues[200], text[400];
        bool entry = i % 2 == 0; /* else R5's member of the bundle */
        (void)snprintf(issues, sizeof issues, OUTCOME("warning", "%s", ""), partial[i / 2]);
        (void)snprintf(
            text, sizeof text, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",%s%s%s}",
            entry ? "\"entry\":[{\"resource\":" : "\"issues\":", issues, entry ? "}]" : "");
        order.number++;
        order.round = 0;
        ck_assert_int_eq(round_of(200, text), IPTFHIR_ANSWERED);
        ck_assert_int_eq(mock_proof_of(&told, 0, i)->proof, IPTFHIR_FAILED);
    }
    ck_assert_ptr_nonnull(strstr(mock_proof_of(&told, 0, 0)->detail, "warning incomplete"));
}
END_TEST

START_TEST(a_warning_among_the_results_spoils_nothing) {
    matching();
    (void)round_of(200, SET("", ENTRY(OUTCOME("warning", "informational", "")) "," ENTRY(
                                    PATIENT("p9", "77", ""))));
    proves(0, IPTFHIR_FOUND);
}
END_TEST

START_TEST(a_patient_search_that_hangs_concerns_this_patient_only) {
    struct iptfhir_http_response one = answer(0, "");
    one.outcome = IPTFHIR_HTTP_LOST;
    one.error = "timed out";
    matching();
    ask();
    ck_assert_int_eq(answers(&one, 1), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_NOT_DONE);
    ck_assert_uint_eq(told.pause_count, 0);
}
END_TEST

START_TEST(a_server_that_cannot_be_reached_pauses_the_target) {
    struct iptfhir_http_response one = answer(0, "");
    one.outcome = IPTFHIR_HTTP_NOT_SENT;
    one.error = "connection refused";
    matching();
    ask();
    ck_assert_int_eq(answers(&one, 1), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_NOT_DONE);
    ck_assert_str_eq(told.pauses[0].code, "target-unreachable");
    ck_assert(!told.pauses[0].person);
}
END_TEST

/* ---- finding ---- */
START_TEST(an_item_is_found_by_its_identifier_within_the_patient) {
    order.task = IPTFHIR_FIND;
    learn(SINGLE);
    ck_assert_int_eq(
        round_of(200, SET("", ENTRY(GOAL("g-5", "3", "g1")) "," ENTRY(GOAL("g-6", "1", "g2")))),
        IPTFHIR_ANSWERED);
    ck_assert_str_eq(requests.texts[0],
                     "POST /Goal/_search\nAccept: application/fhir+json\nCache-Control: "
                     "no-cache\nContent-Type: application/x-www-form-urlencoded\n\n"
                     "identifier=urn%3Aipt%7Cg1&patient=Patient%2Fp9");
    const struct mock_proof *p = proves(0, IPTFHIR_FOUND);
    ck_assert_str_eq(p->server_id, "g-5");
    ck_assert_str_eq(p->version, "3");
    ck_assert_str_eq(p->body, GOAL("g-5", "3", "g1"));
}
END_TEST

START_TEST(a_server_that_takes_post_is_searched_by_post_from_then_on) {
    order.task = IPTFHIR_FIND;
    for (uint64_t n = 1; n <= 3; n++) {
        order.number = n;
        order.round = 0;
        (void)round_of(200, NONE);
        ck_assert_int_eq(strncmp(requests.texts[0], "POST ", 5), 0);
    }
}
END_TEST

START_TEST(several_of_one_identifier_are_all_told) {
    order.task = IPTFHIR_FIND;
    (void)round_of(200, SET("", ENTRY(GOAL("g-5", "3", "g1")) "," ENTRY(GOAL("g-6", "1", "g1"))));
    ck_assert_uint_eq(told.count, 2);
    ck_assert_str_eq(mock_proof_of(&told, 0, 1)->server_id, "g-6");
}
END_TEST

START_TEST(another_type_or_an_included_resource_is_no_match) {
    order.task = IPTFHIR_FIND;
    (void)round_of(
        200,
        SET("", ENTRY("{\"resourceType\":\"CarePlan\",\"id\":\"c\",\"identifier\":[{\"system\":"
                      "\"urn:ipt\",\"value\":\"g1\"}]}") ",{\"search\":{\"mode\":\"include\"},"
                                                         "\"resource\":" GOAL(
                                                             "g-5", "3",
                                                             "g1") "}," ENTRY(GOAL("../x", "3",
                                                                                   "g1"))));
    proves(0, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(a_resource_with_one_identifier_instead_of_a_list_is_found) {
    order.task = IPTFHIR_FIND;
    items[0].type = "QuestionnaireResponse";
    (void)round_of(200,
                   SET("", ENTRY("{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"q\","
                                 "\"identifier\":{\"system\":\"urn:ipt\",\"value\":\"g1\"}}")));
    proves(0, IPTFHIR_FOUND);
}
END_TEST

START_TEST(a_count_above_what_is_shown_is_no_absence) {
    order.task = IPTFHIR_FIND;
    (void)round_of(200, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":1}");
    ck_assert_str_eq(proves(0, IPTFHIR_REFUSED)->code, "target-answer");
}
END_TEST

#define SEARCHED(value)                                                                            \
    "{\"request\":{\"method\":\"GET\",\"url\":\"Goal?identifier=urn%3Aipt%7C" value                \
    "&patient=Patient%2Fp9\"}}"

START_TEST(a_lost_bundle_is_looked_for_in_one_batch) {
    order.task = IPTFHIR_FIND;
    order.count = 3;
    learn(BATCHES);
    ck_assert_int_eq(
        round_of(200,
                 RESPONSE_BUNDLE(
                     "batch",
                     ANSWERED("200 OK", ",\"resource\":" NONE) "," ANSWERED(
                         "200", ",\"resource\":" SET(
                                    "", ENTRY(GOAL("g-6", "1", "g2")))) "," ANSWERED("500", ""))),
        IPTFHIR_ANSWERED);
    ck_assert_str_eq(requests.texts[0],
                     "POST \nContent-Type: application/fhir+json\nAccept: application/fhir+json\n"
                     "Cache-Control: no-cache\nPrefer: return=representation\n\n"
                     "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[" SEARCHED(
                         "g1") "," SEARCHED("g2") "," SEARCHED("g3") "]}");
    proves(0, IPTFHIR_ABSENT);
    ck_assert_str_eq(proves(1, IPTFHIR_FOUND)->body, GOAL("g-6", "1", "g2"));
    proves(2, IPTFHIR_FAILED);
}
END_TEST

START_TEST(a_batch_that_is_refused_is_asked_one_by_one_from_then_on) {
    const struct iptfhir_http_response two[] = {
        answer(200, NONE), answer(200, SET("", ENTRY(GOAL("g-6", "1", "g2"))))
    };
    order.task = IPTFHIR_FIND;
    order.count = 2;
    learn(BATCHES);
    ck_assert_int_eq(round_of(400, OUTCOME("error", "not-supported", "")), IPTFHIR_AGAIN);
    ask();
    ck_assert_int_eq(answers(two, 2), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_ABSENT);
    proves(1, IPTFHIR_FOUND);
    order.number = 2;
    order.round = 0;
    ask();
    ck_assert_uint_eq(requests.count, 2);
}
END_TEST

START_TEST(a_batch_answered_with_another_number_of_entries_is_asked_one_by_one) {
    order.task = IPTFHIR_FIND;
    order.count = 2;
    learn(BATCHES);
    ck_assert_int_eq(
        round_of(200, RESPONSE_BUNDLE("batch", ANSWERED("200", ",\"resource\":" NONE))),
        IPTFHIR_AGAIN);
    ask();
    ck_assert_uint_eq(requests.count, 2);
    ck_assert_uint_eq(told.count, 0);
}
END_TEST

START_TEST(an_entry_that_is_refused_in_a_batch_is_asked_alone) {
    order.task = IPTFHIR_FIND;
    order.count = 2;
    learn(BATCHES);
    ck_assert_int_eq(round_of(200, RESPONSE_BUNDLE("batch", ANSWERED("400", "") "," ANSWERED(
                                                                "200", ",\"resource\":" NONE))),
                     IPTFHIR_AGAIN);
    ck_assert_int_eq(round_of(200, SET("", ENTRY(GOAL("g-5", "1", "g1")))), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_FOUND);
    proves(1, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(a_limit_in_the_middle_pauses_and_what_was_not_asked_is_not_done) {
    const struct iptfhir_http_response three[] = {
        answer(200, SET(NEXT("https://ehr.example/fhir?p=2"), "")), answer(429, ""),
        answer(200, NONE)
    };
    order.task = IPTFHIR_FIND;
    order.count = 3;
    ask();
    ck_assert_int_eq(answers(three, 3), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_NOT_DONE);
    proves(1, IPTFHIR_NOT_DONE);
    proves(2, IPTFHIR_ABSENT);
    ck_assert_uint_eq(told.pause_count, 1);
    ck_assert_str_eq(told.pauses[0].code, "quota");
}
END_TEST

#define PHQ9                                                                                       \
    "{\"resourceType\":\"Observation\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\","    \
    "\"code\":\"44261-6\"}]}}"
#define OBSERVATION(id, value)                                                                     \
    "{\"resourceType\":\"Observation\",\"id\":\"" id "\",\"identifier\":[{\"system\":\"urn:ipt\"," \
    "\"value\":\"" value "\"}]}"

START_TEST(without_a_search_by_identifier_the_patients_resources_are_looked_through_once_for_all) {
    order.task = IPTFHIR_FIND;
    order.count = 3;
    for (size_t i = 0; i < 3; i++) {
        items[i].type = "Observation";
        items[i].body = PHQ9;
        items[i].body_length = sizeof PHQ9 - 1;
    }
    learn(ORACLE);
    ck_assert_int_eq(
        round_of(200, SET(NEXT("https://ehr.example/fhir/Observation?p=2"),
                          ENTRY(OBSERVATION("o1", "else")) "," ENTRY(OBSERVATION("o2", "g2")))),
        IPTFHIR_AGAIN);
    ck_assert_ptr_nonnull(strstr(requests.texts[0],
                                 "\n\npatient=Patient%2Fp9&code=http%3A%2F%2Floinc.org%7C44261-6"
                                 "&_count=100"));
    ck_assert_int_eq(
        round_of(200, SET("", ENTRY(OBSERVATION("o2", "g2")) "," ENTRY(OBSERVATION("o3", "g3")))),
        IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_ABSENT);
    ck_assert_str_eq(proves(1, IPTFHIR_FOUND)->server_id, "o2");
    ck_assert_str_eq(proves(2, IPTFHIR_FOUND)->server_id, "o3");
}
END_TEST

START_TEST(what_no_search_can_find_is_said_to_be_so) {
    order.task = IPTFHIR_FIND;
    order.count = 2;
    items[0].type = "Flag";
    items[1].value = NULL;
    learn(SINGLE);
    ask();
    ck_assert_int_eq(answers(NULL, 0), IPTFHIR_ANSWERED);
    ck_assert_str_eq(proves(0, IPTFHIR_REFUSED)->code, "capability");
    ck_assert_str_eq(proves(1, IPTFHIR_REFUSED)->code, "capability");
}
END_TEST

/* ---- reading ---- */
static void reading(size_t count) {
    order.task = IPTFHIR_READ;
    order.count = count;
    items[0].server_id = "g-5";
    items[1].server_id = "g-6";
    items[2].server_id = "g-7";
}

START_TEST(an_item_is_read_by_the_servers_id_with_its_own_version) {
    struct iptfhir_http_response one = answer(200, GOAL("g-5", "3", "g1"));
    one.etag = "W/\"made-by-a-gateway\"";
    reading(1);
    learn(BATCHES);
    ask();
    ck_assert_str_eq(requests.texts[0], "GET /Goal/g-5\nAccept: application/fhir+json\n"
                                        "Cache-Control: no-cache\n");
    ck_assert_int_eq(answers(&one, 1), IPTFHIR_ANSWERED);
    ck_assert_str_eq(proves(0, IPTFHIR_FOUND)->version, "3");
    ck_assert_str_eq(told.proofs[0].body, GOAL("g-5", "3", "g1"));
}
END_TEST

START_TEST(several_items_are_read_in_one_batch) {
    reading(3);
    learn(BATCHES);
    ck_assert_int_eq(
        round_of(200,
                 RESPONSE_BUNDLE(
                     "batch",
                     ANSWERED("404 Not Found", "") "," ANSWERED(
                         "200 OK", ",\"resource\":" GOAL(
                                       "g-6", "2", "g2")) ","
                                                          "{\"response\":{\"status\":\"410 Gone\","
                                                          "\"outcome\":" OUTCOME("error", "deleted",
                                                                                 "") "}}")),
        IPTFHIR_ANSWERED);
    ck_assert_ptr_nonnull(strstr(requests.texts[0],
                                 "{\"request\":{\"method\":\"GET\",\"url\":\"Goal/g-5\"}},"
                                 "{\"request\":{\"method\":\"GET\",\"url\":\"Goal/g-6\"}},"));
    proves(0, IPTFHIR_ABSENT);
    ck_assert_str_eq(proves(1, IPTFHIR_FOUND)->version, "2");
    ck_assert_str_eq(proves(2, IPTFHIR_GONE)->detail, "HTTP 410: error deleted");
}
END_TEST

START_TEST(a_refused_batch_of_reads_goes_one_by_one) {
    const struct iptfhir_http_response two[] = { answer(200, GOAL("g-5", "3", "g1")),
                                                 answer(404, "") };
    reading(2);
    learn(BATCHES);
    ck_assert_int_eq(round_of(500, PAGE), IPTFHIR_AGAIN);
    ask();
    ck_assert_int_eq(answers(two, 2), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_FOUND);
    proves(1, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(another_resource_than_was_asked_for_stops_the_target) {
    reading(1);
    ck_assert_int_eq(round_of(200, GOAL("g-6", "3", "g1")), IPTFHIR_ANSWERED);
    proves(0, IPTFHIR_NOT_DONE);
    ck_assert_str_eq(told.pauses[0].code, "target-answer");
    ck_assert(told.pauses[0].person);
}
END_TEST

START_TEST(a_web_page_instead_of_a_resource_concerns_this_item_only) {
    reading(1);
    ck_assert_int_eq(round_of(200, PAGE), IPTFHIR_ANSWERED);
    ck_assert_str_eq(proves(0, IPTFHIR_FAILED)->code, "target-answer");
    ck_assert_uint_eq(told.pause_count, 0);
}
END_TEST

static void add_matching(Suite *suite) {
    TCase *c = case_of(suite, "matching");
    tcase_add_test(c, the_patient_is_searched_by_post_and_only_by_the_system_of_this_target);
    tcase_add_test(c, a_patient_without_an_identifier_of_the_system_is_not_searched_at_all);
    tcase_add_test(c, a_candidate_has_all_that_a_match_is_decided_by);
    tcase_add_test(c, who_does_not_carry_the_identifier_is_no_candidate);
    tcase_add_test(c, a_server_that_refuses_post_is_searched_by_get_from_then_on);
    tcase_add_test(c, a_search_that_is_refused_by_post_and_by_get_is_refused);
    tcase_add_test(c, every_page_is_read_and_a_repeated_patient_is_told_once);
    tcase_add_test(c, a_next_page_at_another_address_is_not_asked_for);
    tcase_add_test(c, pages_without_an_end_are_given_up);
    tcase_add_test(c, what_is_no_searchset_is_no_absence);
    tcase_add_test(c, results_that_are_partial_however_lightly_it_is_said_are_no_absence);
    tcase_add_test(c, a_warning_among_the_results_spoils_nothing);
    tcase_add_test(c, a_patient_search_that_hangs_concerns_this_patient_only);
    tcase_add_test(c, a_server_that_cannot_be_reached_pauses_the_target);
}

static void add_finding(Suite *suite) {
    TCase *c = case_of(suite, "finding");
    tcase_add_test(c, an_item_is_found_by_its_identifier_within_the_patient);
    tcase_add_test(c, a_server_that_takes_post_is_searched_by_post_from_then_on);
    tcase_add_test(c, several_of_one_identifier_are_all_told);
    tcase_add_test(c, another_type_or_an_included_resource_is_no_match);
    tcase_add_test(c, a_resource_with_one_identifier_instead_of_a_list_is_found);
    tcase_add_test(c, a_count_above_what_is_shown_is_no_absence);
    tcase_add_test(c, a_lost_bundle_is_looked_for_in_one_batch);
    tcase_add_test(c, a_batch_that_is_refused_is_asked_one_by_one_from_then_on);
    tcase_add_test(c, a_batch_answered_with_another_number_of_entries_is_asked_one_by_one);
    tcase_add_test(c, an_entry_that_is_refused_in_a_batch_is_asked_alone);
    tcase_add_test(c, a_limit_in_the_middle_pauses_and_what_was_not_asked_is_not_done);
    tcase_add_test(
        c, without_a_search_by_identifier_the_patients_resources_are_looked_through_once_for_all);
    tcase_add_test(c, what_no_search_can_find_is_said_to_be_so);
}

static void add_reading(Suite *suite) {
    TCase *c = case_of(suite, "reading");
    tcase_add_test(c, an_item_is_read_by_the_servers_id_with_its_own_version);
    tcase_add_test(c, several_items_are_read_in_one_batch);
    tcase_add_test(c, a_refused_batch_of_reads_goes_one_by_one);
    tcase_add_test(c, another_resource_than_was_asked_for_stops_the_target);
    tcase_add_test(c, a_web_page_instead_of_a_resource_concerns_this_item_only);
}

int main(void) {
    Suite *suite = suite_create("target-fhir: looking");
    add_matching(suite);
    add_finding(suite);
    add_reading(suite);
    return run_suite(suite);
}
