/* SPDX-License-Identifier: Apache-2.0 */
/* target-fhir as the core sees it: each kind of order, the requests that it makes, and what is
 * proved by the answers of several makers' servers. */
#include "fixture.h"

/* ---- learning ---- */
START_TEST(learning_asks_for_the_statement_and_tells_what_each_type_can) {
    static const char statement[] = STATEMENT(
        "{\"code\":\"batch\"},{\"code\":\"transaction\"}",
        "{\"type\":\"Goal\"," ALL "," SEARCHES
        ",\"conditionalCreate\":true,\"updateCreate\":true,\"versioning\":\"versioned-update\"},"
        "{\"type\":\"Observation\",\"interaction\":[{\"code\":\"create\"}],\"versioning\":"
        "\"no-version\",\"updateCreate\":true},{\"type\":\"Flag\",\"interaction\":[{\"code\":"
        "\"search-type\"}]},{\"type\":\"Goal\"},{\"type\":\"no\\ntype\"},7");
    order.task = IPTFHIR_LEARN;
    ask();
    ck_assert_str_eq(requests.texts[0], "GET /metadata\nAccept: application/fhir+json\n");
    const struct iptfhir_http_response one = answer(200, statement);
    ck_assert_int_eq(answers(&one, 1), IPTFHIR_ANSWERED);
    ck_assert_str_eq(told.abilities, " transaction batch Flag=64 Goal=127 Observation=1");
    ck_assert_uint_eq(told.pause_count, 0);
}
END_TEST

START_TEST(a_sign_in_page_instead_of_the_statement_waits_for_a_person) {
    order.task = IPTFHIR_LEARN;
    ck_assert_int_eq(round_of(200, PAGE), IPTFHIR_ANSWERED);
    ck_assert_str_eq(told.abilities, "");
    ck_assert_uint_eq(told.pause_count, 1);
    ck_assert_str_eq(told.pauses[0].code, "target-answer");
    ck_assert(told.pauses[0].person);
    ck_assert_ptr_nonnull(strstr(told.pauses[0].detail, "HTTP 200: a web page text/html, no "
                                                        "CapabilityStatement in JSON"));
}
END_TEST

START_TEST(a_statement_of_another_fhir_waits_for_a_person) {
    order.task = IPTFHIR_LEARN;
    (void)round_of(200, "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.3.0\","
                        "\"rest\":[{\"mode\":\"server\"}]}");
    (void)round_of(200, "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\","
                        "\"rest\":[{\"mode\":\"client\"}]}");
    (void)round_of(200, "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\"");
    (void)round_of(404, "no such page");
    ck_assert_uint_eq(told.pause_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(told.pauses[i].code, "target-answer");
        ck_assert(told.pauses[i].person);
    }
}
END_TEST

START_TEST(a_busy_server_is_asked_for_its_statement_again_by_itself) {
    struct iptfhir_http_response one = answer(503, "");
    one.retry_after = "7";
    order.task = IPTFHIR_LEARN;
    ask();
    (void)answers(&one, 1);
    ck_assert_str_eq(told.pauses[0].code, "target-busy");
    ck_assert_int_eq(told.pauses[0].retry_after_ms, 7000);
    ck_assert(!told.pauses[0].person);
}
END_TEST

START_TEST(the_connection_is_what_the_options_say_without_the_last_slash) {
    struct iptfhir_http_settings s = { .size = sizeof s };
    iptfhir_plugin.target->connection(target, &s);
    ck_assert_str_eq(s.base_url, "https://ehr.example/fhir");
    ck_assert(!s.insecure_loopback);
}
END_TEST

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
#define ANSWERED(status, more) "{\"response\":{\"status\":\"" status "\"}" more "}"

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

START_TEST(an_item_is_read_by_the_servers_id) {
    struct iptfhir_http_response one = answer(200, GOAL("g-5", "3", "g1"));
    one.etag = "W/\"4\"";
    reading(1);
    learn(BATCHES);
    ask();
    ck_assert_str_eq(requests.texts[0], "GET /Goal/g-5\nAccept: application/fhir+json\n"
                                        "Cache-Control: no-cache\n");
    ck_assert_int_eq(answers(&one, 1), IPTFHIR_ANSWERED);
    ck_assert_str_eq(proves(0, IPTFHIR_FOUND)->version, "4");
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

/* ---- writing ---- */
static void writing(size_t count, iptfhir_together together) {
    order.task = IPTFHIR_WRITE;
    order.count = count;
    order.together = together;
}

START_TEST(each_verb_has_its_method_and_its_condition) {
    writing(4, IPTFHIR_SINGLY);
    items[1].verb = IPTFHIR_CREATE_IF_NONE;
    items[2].verb = IPTFHIR_CREATE_AT;
    items[3] = goal(U1, "g4");
    items[3].verb = IPTFHIR_UPDATE;
    items[3].server_id = "g-5";
    items[3].version = "7";
#define HEADERS                                                                                    \
    "Content-Type: application/fhir+json\nAccept: application/fhir+json\n"                         \
    "Prefer: return=representation\n"
#define BODY "\n{\"resourceType\":\"Goal\"}"
    ask();
    ck_assert_str_eq(requests.texts[0], "POST /Goal\n" HEADERS BODY);
    ck_assert_str_eq(requests.texts[1],
                     "POST /Goal\n" HEADERS "If-None-Exist: identifier=urn:ipt|g2\n" BODY);
    ck_assert_str_eq(requests.texts[2], "PUT /Goal/" U3 "\n" HEADERS "If-None-Match: *\n" BODY);
    ck_assert_str_eq(requests.texts[3], "PUT /Goal/g-5\n" HEADERS "If-Match: W/\"7\"\n" BODY);
    items[3].version = NULL;
    ask();
    ck_assert_str_eq(requests.texts[3], "PUT /Goal/g-5\n" HEADERS BODY);
}
END_TEST

START_TEST(a_transaction_has_an_entry_for_each_item) {
    writing(4, IPTFHIR_TRANSACTION);
    items[1].verb = IPTFHIR_CREATE_IF_NONE;
    items[2].verb = IPTFHIR_CREATE_AT;
    items[3] = goal(U1, "g4");
    items[3].verb = IPTFHIR_UPDATE;
    items[3].server_id = "g-5";
    items[3].version = "7";
    ask();
    ck_assert_uint_eq(requests.count, 1);
#define WRITTEN_ENTRY(uuid, request)                                                               \
    "{\"fullUrl\":\"urn:uuid:" uuid "\",\"resource\":{\"resourceType\":\"Goal\"},\"request\":"     \
    "{" request "}}"
    /* clang-format off */
    ck_assert_str_eq(
        requests.texts[0],
        "POST \nContent-Type: application/fhir+json\nAccept: application/fhir+json\n"
        "Cache-Control: no-cache\nPrefer: return=representation\n\n"
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
        WRITTEN_ENTRY(U1, "\"method\":\"POST\",\"url\":\"Goal\"") ","
        WRITTEN_ENTRY(U2, "\"method\":\"POST\",\"url\":\"Goal\","
                          "\"ifNoneExist\":\"identifier=urn:ipt|g2\"") ","
        WRITTEN_ENTRY(U3, "\"method\":\"PUT\",\"url\":\"Goal/" U3 "\",\"ifNoneMatch\":\"*\"") ","
        WRITTEN_ENTRY(U1, "\"method\":\"PUT\",\"url\":\"Goal/g-5\",\"ifMatch\":\"W/\\\"7\\\"\"")
        "]}");
    /* clang-format on */
    order.together = IPTFHIR_BATCH;
    ask();
    ck_assert_ptr_nonnull(strstr(requests.texts[0], "\"type\":\"batch\""));
}
END_TEST

START_TEST(a_write_is_read_back_from_its_answer) {
    struct iptfhir_http_response one = answer(201, GOAL("g-5", "1", "g1"));
    one.location = "https://ehr.example/fhir/Goal/g-5/_history/1";
    one.etag = "W/\"1\"";
    writing(1, IPTFHIR_SINGLY);
    ask();
    (void)answers(&one, 1);
    const struct mock_proof *p = proves(0, IPTFHIR_WRITTEN);
    ck_assert_str_eq(p->server_id, "g-5");
    ck_assert_str_eq(p->version, "1");
    ck_assert_str_eq(p->body, GOAL("g-5", "1", "g1"));
}
END_TEST

START_TEST(the_version_comes_from_etag_then_location_then_body) {
    struct iptfhir_http_response one = answer(201, GOAL("g-5", "3", "g1"));
    writing(1, IPTFHIR_SINGLY);
    ask();
    (void)answers(&one, 1);
    one.location = "Goal/g-5/_history/2";
    (void)answers(&one, 1);
    one.etag = "W/\"1\"";
    (void)answers(&one, 1);
    ck_assert_str_eq(mock_proof_of(&told, 0, 0)->version, "3");
    ck_assert_str_eq(mock_proof_of(&told, 0, 1)->version, "2");
    ck_assert_str_eq(mock_proof_of(&told, 0, 2)->version, "1");
}
END_TEST

START_TEST(an_empty_answer_with_a_location_is_a_write_that_was_not_read_back) {
    struct iptfhir_http_response one = answer(201, " \r\n");
    one.location = "Goal/g-5";
    writing(1, IPTFHIR_SINGLY);
    ask();
    (void)answers(&one, 1);
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->server_id, "g-5");
    ck_assert_ptr_null(told.proofs[0].body);
    ck_assert_str_eq(told.proofs[0].version, "");
}
END_TEST

START_TEST(an_update_answered_with_nothing_keeps_its_id) {
    struct iptfhir_http_response one = answer(204, "");
    one.etag = "W/\"8\"";
    writing(1, IPTFHIR_SINGLY);
    items[0].verb = IPTFHIR_UPDATE;
    items[0].server_id = "g-5";
    ask();
    (void)answers(&one, 1);
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->server_id, "g-5");
    ck_assert_str_eq(told.proofs[0].version, "8");
}
END_TEST

START_TEST(a_good_status_with_other_content_is_no_success) {
    static const struct {
        int status;
        const char *body, *location;
    } bad[] = {
        { 200, PAGE, "Goal/g-5" },
        { 201, "", NULL },
        { 201, "{\"resourceType\":\"Goal\",\"id\":\"g-", "Goal/g-5" },
        { 201, "{}", "Goal/g-5" },
        { 201, "null", "Goal/g-5" },
        { 201, PATIENT("g-5", "77", ""), "Goal/g-5" },
        { 201, GOAL("g-6", "1", "g1"), "Goal/g-5" },
        { 201, "{\"resourceType\":\"Goal\"}", NULL },
        { 201, "{\"resourceType\":\"Goal\",\"resourceType\":\"Goal\",\"id\":\"x\"}", NULL },
        { 202, "", "Goal/g-5" },
        { 200, OUTCOME("information", "informational", ""), NULL },
    };
    writing(1, IPTFHIR_SINGLY);
    ask();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct iptfhir_http_response one = answer(bad[i].status, bad[i].body);
        one.location = bad[i].location;
        (void)answers(&one, 1);
        const struct mock_proof *p = mock_proof_of(&told, 0, i);
        ck_assert_msg(p != NULL && p->proof == IPTFHIR_LOST, "case %zu", i);
    }
    ck_assert_uint_eq(told.pause_count, 0);
}
END_TEST

START_TEST(a_good_status_with_a_readable_error_is_a_refusal) {
    writing(1, IPTFHIR_SINGLY);
    (void)round_of(200, OUTCOME("error", "invariant", ",\"expression\":[\"Goal.target[0]\"]"));
    const struct mock_proof *p = proves(0, IPTFHIR_REFUSED);
    ck_assert_str_eq(p->code, "invalid");
    ck_assert_str_eq(p->detail, "HTTP 200: error invariant at Goal.target[0]");
}
END_TEST

START_TEST(an_answer_that_is_too_long_is_lost) {
    struct iptfhir_http_response one = answer(201, GOAL("g-5", "1", "g1"));
    one.truncated = true;
    writing(1, IPTFHIR_SINGLY);
    ask();
    (void)answers(&one, 1);
    proves(0, IPTFHIR_LOST);
}
END_TEST

START_TEST(an_update_answered_about_another_id_is_lost) {
    writing(1, IPTFHIR_SINGLY);
    items[0].verb = IPTFHIR_UPDATE;
    items[0].server_id = "g-5";
    (void)round_of(200, GOAL("g-6", "2", "g1"));
    proves(0, IPTFHIR_LOST);
}
END_TEST

START_TEST(a_conditional_create_tells_whether_it_was_there) {
    writing(1, IPTFHIR_SINGLY);
    items[0].verb = IPTFHIR_CREATE_IF_NONE;
    (void)round_of(200, GOAL("g-5", "4", "g1"));
    (void)round_of(201, GOAL("g-6", "1", "g1"));
    (void)round_of(412, OUTCOME("error", "multiple-matches", ""));
    ck_assert_int_eq(mock_proof_of(&told, 0, 0)->proof, IPTFHIR_FOUND);
    ck_assert_int_eq(mock_proof_of(&told, 0, 1)->proof, IPTFHIR_WRITTEN);
    ck_assert_int_eq(mock_proof_of(&told, 0, 2)->proof, IPTFHIR_DUPLICATE);
}
END_TEST

START_TEST(a_create_at_our_id_is_refused_when_one_is_there) {
    writing(1, IPTFHIR_SINGLY);
    items[0].verb = IPTFHIR_CREATE_AT;
    (void)round_of(200, GOAL(U1, "1", "g1")); /* Medplum answers 200 to a new id */
    (void)round_of(412, "");
    ck_assert_int_eq(mock_proof_of(&told, 0, 0)->proof, IPTFHIR_WRITTEN);
    ck_assert_int_eq(mock_proof_of(&told, 0, 1)->proof, IPTFHIR_DUPLICATE);
}
END_TEST

#define RETURNED(status, location, resource)                                                       \
    "{\"response\":{\"status\":\"" status "\",\"location\":\"" location                            \
    "\",\"etag\":\"W/\\\"1\\\""                                                                    \
    "\"}" resource "}"

START_TEST(each_entry_of_a_transaction_is_read_with_its_numbers_as_they_came) {
    writing(2, IPTFHIR_TRANSACTION);
    (void)round_of(
        200, RESPONSE_BUNDLE(
                 "transaction",
                 RETURNED("201 Created", "Goal/g-5/_history/1",
                          ",\"resource\": {\"resourceType\":\"Goal\",\"id\":\"g-5\","
                          "\"n\":1.10}") "," RETURNED("201 Created", "Goal/g-6/_history/1", "")));
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->body,
                     "{\"resourceType\":\"Goal\",\"id\":\"g-5\",\"n\":1.10}");
    ck_assert_str_eq(proves(1, IPTFHIR_WRITTEN)->server_id, "g-6");
    ck_assert_str_eq(proves(1, IPTFHIR_WRITTEN)->version, "1");
    ck_assert_ptr_null(proves(1, IPTFHIR_WRITTEN)->body);
}
END_TEST

START_TEST(a_batch_may_be_done_in_part) {
    writing(3, IPTFHIR_BATCH);
    (void)round_of(200,
                   RESPONSE_BUNDLE("batch", RETURNED("201", "Goal/g-5", "") "," ANSWERED(
                                                "422 Unprocessable", "") "," ANSWERED("429", "")));
    proves(0, IPTFHIR_WRITTEN);
    ck_assert_str_eq(proves(1, IPTFHIR_REFUSED)->code, "invalid");
    proves(2, IPTFHIR_NOT_DONE);
    ck_assert_str_eq(told.pauses[0].code, "quota");
}
END_TEST

START_TEST(a_bundle_whose_answer_does_not_fit_is_lost_whole) {
    static const char *const bad[] = {
        RESPONSE_BUNDLE("transaction",
                        RETURNED("201", "Goal/g-5", "") "," RETURNED(
                            "201", "Goal/g-6", "") "," RETURNED("201", "Goal/g-7", "")),
        RESPONSE_BUNDLE("transaction", RETURNED("201", "Goal/g-5", "")),
        RESPONSE_BUNDLE("transaction",
                        RETURNED("201", "Goal/g-5", "") "," RETURNED(
                            "201", "Goal/g-6", ",\"resource\":{\"resourceType\":\"CarePlan\"}")),
        RESPONSE_BUNDLE("transaction", RETURNED("201", "Goal/g-5", "") ",{}"),
        RESPONSE_BUNDLE("transaction", RETURNED("201", "Goal/g-5", "") ",7"),
        RESPONSE_BUNDLE("transaction", RETURNED("201", "Goal/g-5", "") "," ANSWERED("9999", "")),
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\",\"entry\":[{\"resp",
        "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"}",
        OUTCOME("error", "exception", ""),
        PAGE,
        "",
    };
    writing(2, IPTFHIR_TRANSACTION);
    ask();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct iptfhir_http_response one = answer(200, bad[i]);
        (void)answers(&one, 1);
        ck_assert_uint_eq(told.count, 2 * (i + 1));
        ck_assert_int_eq(mock_proof_of(&told, 0, i)->proof, IPTFHIR_LOST);
        ck_assert_int_eq(mock_proof_of(&told, 1, i)->proof, IPTFHIR_LOST);
    }
}
END_TEST

START_TEST(of_a_failed_transaction_the_entry_that_is_named_is_refused) {
    writing(3, IPTFHIR_TRANSACTION);
    (void)round_of(422, OUTCOME("error", "invariant",
                                ",\"expression\":[\"Bundle.entry[1].resource.target\"]"));
    proves(0, IPTFHIR_NOT_DONE);
    ck_assert_str_eq(proves(1, IPTFHIR_REFUSED)->code, "invalid");
    proves(2, IPTFHIR_NOT_DONE);
}
END_TEST

START_TEST(of_a_transaction_in_conflict_the_entry_that_is_named_has_changed) {
    writing(2, IPTFHIR_TRANSACTION);
    items[1].verb = IPTFHIR_UPDATE;
    items[1].server_id = "g-6";
    items[1].version = "1";
    (void)round_of(412, OUTCOME("error", "conflict", ",\"expression\":[\"Bundle.entry[1]\"]"));
    proves(0, IPTFHIR_NOT_DONE);
    proves(1, IPTFHIR_CHANGED);
}
END_TEST

START_TEST(a_failed_bundle_that_names_nobody_goes_otherwise) {
    writing(2, IPTFHIR_TRANSACTION);
    (void)round_of(400, OUTCOME("error", "invalid", ",\"diagnostics\":\"HAPI-0535: Mrs Canary\""));
    ck_assert_str_eq(proves(0, IPTFHIR_NOT_TOGETHER)->detail, "HTTP 400: error invalid");
    proves(1, IPTFHIR_NOT_TOGETHER);
}
END_TEST

START_TEST(a_bundle_that_is_too_large_says_so) {
    writing(2, IPTFHIR_TRANSACTION);
    (void)round_of(413, PAGE);
    proves(0, IPTFHIR_TOO_LARGE);
    proves(1, IPTFHIR_TOO_LARGE);
}
END_TEST

START_TEST(a_bundle_that_was_not_sent_was_not_done) {
    struct iptfhir_http_response one = answer(0, "");
    one.outcome = IPTFHIR_HTTP_NOT_SENT;
    writing(2, IPTFHIR_TRANSACTION);
    ask();
    (void)answers(&one, 1);
    proves(0, IPTFHIR_NOT_DONE);
    proves(1, IPTFHIR_NOT_DONE);
    ck_assert_str_eq(told.pauses[0].code, "target-unreachable");
}
END_TEST

START_TEST(what_cannot_be_written_into_a_request_is_refused_and_the_rest_goes) {
    writing(4, IPTFHIR_TRANSACTION);
    items[0].type = "Goal/../x";
    items[1].verb = IPTFHIR_UPDATE;
    items[1].server_id = "a\r\nb";
    items[3] = goal(U1, "g4");
    items[3].verb = IPTFHIR_UPDATE;
    items[3].server_id = "g-5";
    items[3].version = "1\"\r\nX: y";
    (void)round_of(200, RESPONSE_BUNDLE("transaction", RETURNED("201", "Goal/g-7", "")));
    proves(0, IPTFHIR_REFUSED);
    proves(1, IPTFHIR_REFUSED);
    ck_assert_str_eq(proves(2, IPTFHIR_WRITTEN)->server_id, "g-7");
    proves(3, IPTFHIR_REFUSED);
    ck_assert_ptr_null(strstr(requests.texts[0], "X: y"));
}
END_TEST

/* ---- orders ---- */
START_TEST(several_orders_are_under_way_at_once) {
    struct iptfhir_order first, second;
    const struct iptfhir_http_response found = answer(200, SET("", ENTRY(GOAL("g-5", "3", "g1"))));
    order.task = IPTFHIR_FIND;
    first = order;
    second = order;
    second.number = 2;
    second.items = items + 1;
    ck_assert_int_eq(iptfhir_plugin.target->ask(target, &first, &requests.sink, &error), 0);
    ck_assert_int_eq(iptfhir_plugin.target->ask(target, &second, &requests.sink, &error), 0);
    ck_assert_int_eq(iptfhir_plugin.target->answer(target, &first, &found, 1, &told.sink),
                     IPTFHIR_ANSWERED);
    ck_assert_int_eq(mock_proof_of(&told, 0, 0)->proof, IPTFHIR_FOUND);
    ck_assert_int_eq(iptfhir_plugin.target->answer(target, &second, &found, 1, &told.sink),
                     IPTFHIR_ANSWERED);
    ck_assert_int_eq(mock_proof_of(&told, 0, 1)->proof, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(an_order_that_was_never_asked_proves_nothing) {
    const struct iptfhir_http_response found = answer(200, SET("", ENTRY(GOAL("g-5", "3", "g1"))));
    order.task = IPTFHIR_FIND;
    ck_assert_int_eq(iptfhir_plugin.target->answer(target, &order, &found, 1, &told.sink),
                     IPTFHIR_ANSWERED);
    ck_assert_uint_eq(told.count, 0);
}
END_TEST

/* Runs tests of one kind. */
#define CASE(name)                                                                                 \
    c = tcase_create(name);                                                                        \
    tcase_add_checked_fixture(c, set_up, tear_down);                                               \
    suite_add_tcase(suite, c)

/* Adds the tests of learning and matching. */
static void add_first(Suite *suite) {
    TCase *c;
    CASE("learning");
    tcase_add_test(c, learning_asks_for_the_statement_and_tells_what_each_type_can);
    tcase_add_test(c, a_sign_in_page_instead_of_the_statement_waits_for_a_person);
    tcase_add_test(c, a_statement_of_another_fhir_waits_for_a_person);
    tcase_add_test(c, a_busy_server_is_asked_for_its_statement_again_by_itself);
    tcase_add_test(c, the_connection_is_what_the_options_say_without_the_last_slash);
    CASE("matching");
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
    tcase_add_test(c, a_warning_among_the_results_spoils_nothing);
    tcase_add_test(c, a_patient_search_that_hangs_concerns_this_patient_only);
    tcase_add_test(c, a_server_that_cannot_be_reached_pauses_the_target);
}

/* Adds the tests of finding and reading. */
static void add_second(Suite *suite) {
    TCase *c;
    CASE("finding");
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
    CASE("reading");
    tcase_add_test(c, an_item_is_read_by_the_servers_id);
    tcase_add_test(c, several_items_are_read_in_one_batch);
    tcase_add_test(c, a_refused_batch_of_reads_goes_one_by_one);
    tcase_add_test(c, another_resource_than_was_asked_for_stops_the_target);
    tcase_add_test(c, a_web_page_instead_of_a_resource_concerns_this_item_only);
}

/* Adds the tests of writing and of orders. */
static void add_third(Suite *suite) {
    TCase *c;
    CASE("writing");
    tcase_add_test(c, each_verb_has_its_method_and_its_condition);
    tcase_add_test(c, a_transaction_has_an_entry_for_each_item);
    tcase_add_test(c, a_write_is_read_back_from_its_answer);
    tcase_add_test(c, the_version_comes_from_etag_then_location_then_body);
    tcase_add_test(c, an_empty_answer_with_a_location_is_a_write_that_was_not_read_back);
    tcase_add_test(c, an_update_answered_with_nothing_keeps_its_id);
    tcase_add_test(c, a_good_status_with_other_content_is_no_success);
    tcase_add_test(c, a_good_status_with_a_readable_error_is_a_refusal);
    tcase_add_test(c, an_answer_that_is_too_long_is_lost);
    tcase_add_test(c, an_update_answered_about_another_id_is_lost);
    tcase_add_test(c, a_conditional_create_tells_whether_it_was_there);
    tcase_add_test(c, a_create_at_our_id_is_refused_when_one_is_there);
    tcase_add_test(c, each_entry_of_a_transaction_is_read_with_its_numbers_as_they_came);
    tcase_add_test(c, a_batch_may_be_done_in_part);
    tcase_add_test(c, a_bundle_whose_answer_does_not_fit_is_lost_whole);
    tcase_add_test(c, of_a_failed_transaction_the_entry_that_is_named_is_refused);
    tcase_add_test(c, of_a_transaction_in_conflict_the_entry_that_is_named_has_changed);
    tcase_add_test(c, a_failed_bundle_that_names_nobody_goes_otherwise);
    tcase_add_test(c, a_bundle_that_is_too_large_says_so);
    tcase_add_test(c, a_bundle_that_was_not_sent_was_not_done);
    tcase_add_test(c, what_cannot_be_written_into_a_request_is_refused_and_the_rest_goes);
    CASE("orders");
    tcase_add_test(c, several_orders_are_under_way_at_once);
    tcase_add_test(c, an_order_that_was_never_asked_proves_nothing);
}

int main(void) {
    Suite *suite = suite_create("target-fhir");
    add_first(suite);
    add_second(suite);
    add_third(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
