/* SPDX-License-Identifier: Apache-2.0 */
/* What target-fhir learns of a server, and orders that are under way at once. */
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

static void add_learning(Suite *suite) {
    TCase *c = case_of(suite, "learning");
    tcase_add_test(c, learning_asks_for_the_statement_and_tells_what_each_type_can);
    tcase_add_test(c, a_sign_in_page_instead_of_the_statement_waits_for_a_person);
    tcase_add_test(c, a_statement_of_another_fhir_waits_for_a_person);
    tcase_add_test(c, a_busy_server_is_asked_for_its_statement_again_by_itself);
    tcase_add_test(c, the_connection_is_what_the_options_say_without_the_last_slash);
}

static void add_orders(Suite *suite) {
    TCase *c = case_of(suite, "orders");
    tcase_add_test(c, several_orders_are_under_way_at_once);
    tcase_add_test(c, an_order_that_was_never_asked_proves_nothing);
}

int main(void) {
    Suite *suite = suite_create("target-fhir");
    add_learning(suite);
    add_orders(suite);
    return run_suite(suite);
}
