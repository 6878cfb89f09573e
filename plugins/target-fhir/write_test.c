/* SPDX-License-Identifier: Apache-2.0 */
/* What target-fhir asks to write, and what the answers of several makers' servers prove. */
#include "fixture.h"

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

START_TEST(the_version_comes_from_the_body_then_etag_then_location) {
    struct iptfhir_http_response one = answer(201, "");
    struct iptfhir_http_response shown = answer(201, GOAL("g-5", "3", "g1"));
    writing(1, IPTFHIR_SINGLY);
    ask();
    one.location = "Goal/g-5/_history/1";
    (void)answers(&one, 1);
    one.etag = "W/\"2\"";
    (void)answers(&one, 1);
    shown.location = one.location;
    shown.etag = one.etag;
    (void)answers(&shown, 1);
    ck_assert_str_eq(mock_proof_of(&told, 0, 0)->version, "1");
    ck_assert_str_eq(mock_proof_of(&told, 0, 1)->version, "2");
    ck_assert_str_eq(mock_proof_of(&told, 0, 2)->version, "3");
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

START_TEST(entries_in_another_order_are_known_by_their_identifiers) {
    writing(3, IPTFHIR_TRANSACTION);
    (void)round_of(
        200,
        RESPONSE_BUNDLE(
            "transaction",
            RETURNED("201", "Goal/g-6/_history/1",
                     ",\"resource\":" GOAL(
                         "g-6", "1",
                         "g2")) "," RETURNED("201", "Goal/g-7/_history/1",
                                             ",\"resource\":" GOAL(
                                                 "g-7", "1",
                                                 "g3")) "," RETURNED("201", "Goal/g-5/_history/1",
                                                                     ",\"resource\":" GOAL(
                                                                         "g-5", "1", "g1"))));
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->server_id, "g-5");
    ck_assert_str_eq(proves(1, IPTFHIR_WRITTEN)->server_id, "g-6");
    ck_assert_str_eq(proves(2, IPTFHIR_WRITTEN)->server_id, "g-7");
    ck_assert_str_eq(proves(2, IPTFHIR_WRITTEN)->body, GOAL("g-7", "1", "g3"));
}
END_TEST

START_TEST(what_no_entry_is_about_when_others_are_in_another_order_is_lost) {
    writing(3, IPTFHIR_TRANSACTION);
    (void)round_of(
        200, RESPONSE_BUNDLE(
                 "transaction",
                 RETURNED("201", "Goal/g-6", ",\"resource\":" GOAL("g-6", "1", "g2")) "," RETURNED(
                     "201", "Goal/g-5",
                     ",\"resource\":" GOAL("g-5", "1", "g1")) "," RETURNED("201", "Goal/g-7", "")));
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->server_id, "g-5");
    ck_assert_str_eq(proves(1, IPTFHIR_WRITTEN)->server_id, "g-6");
    proves(2, IPTFHIR_LOST);
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

static void add_writing(Suite *suite) {
    TCase *c = case_of(suite, "writing");
    tcase_add_test(c, each_verb_has_its_method_and_its_condition);
    tcase_add_test(c, a_transaction_has_an_entry_for_each_item);
    tcase_add_test(c, a_write_is_read_back_from_its_answer);
    tcase_add_test(c, the_version_comes_from_the_body_then_etag_then_location);
    tcase_add_test(c, an_empty_answer_with_a_location_is_a_write_that_was_not_read_back);
    tcase_add_test(c, an_update_answered_with_nothing_keeps_its_id);
    tcase_add_test(c, a_good_status_with_other_content_is_no_success);
    tcase_add_test(c, a_good_status_with_a_readable_error_is_a_refusal);
    tcase_add_test(c, an_answer_that_is_too_long_is_lost);
    tcase_add_test(c, an_update_answered_about_another_id_is_lost);
    tcase_add_test(c, a_conditional_create_tells_whether_it_was_there);
    tcase_add_test(c, a_create_at_our_id_is_refused_when_one_is_there);
    tcase_add_test(c, each_entry_of_a_transaction_is_read_with_its_numbers_as_they_came);
    tcase_add_test(c, entries_in_another_order_are_known_by_their_identifiers);
    tcase_add_test(c, what_no_entry_is_about_when_others_are_in_another_order_is_lost);
    tcase_add_test(c, a_batch_may_be_done_in_part);
    tcase_add_test(c, a_bundle_whose_answer_does_not_fit_is_lost_whole);
    tcase_add_test(c, of_a_failed_transaction_the_entry_that_is_named_is_refused);
    tcase_add_test(c, of_a_transaction_in_conflict_the_entry_that_is_named_has_changed);
    tcase_add_test(c, a_failed_bundle_that_names_nobody_goes_otherwise);
    tcase_add_test(c, a_bundle_that_is_too_large_says_so);
    tcase_add_test(c, a_bundle_that_was_not_sent_was_not_done);
    tcase_add_test(c, what_cannot_be_written_into_a_request_is_refused_and_the_rest_goes);
}

int main(void) {
    Suite *suite = suite_create("target-fhir: writing");
    add_writing(suite);
    return run_suite(suite);
}
