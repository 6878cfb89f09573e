/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated EHR keeps its own promises: each knob does what real servers do. */
#include "tests/world/ehr.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct ehr_knobs plain = { .versions = true,
                                        .searches_by_identifier = true,
                                        .conflict_status = 412,
                                        .gone_status = 410,
                                        .unknown_status = 404 };
static struct ehr *e;
static struct arena arena;
static struct iptfhir_http_response answer;
static bool hangs;
static int64_t now;
static const char *patient;

static void start(const struct ehr_knobs *knobs) {
    static const struct ehr_person person = { "urn:mrn", "M1",         "Meyer",
                                              "Ada",     "1980-02-29", "female" };
    now = 1000000;
    e = ehr_new("a", knobs);
    ck_assert_ptr_nonnull(e);
    patient = ehr_register(e, now, &person)->id;
}

static void stop(void) {
    ehr_free(e);
    arena_free(&arena);
}

/* One request; up to two headers. */
static int ask(const char *method, const char *path, const char *body, const char *header,
               const char *other) {
    const char *const headers[] = { header, header != NULL ? other : NULL, NULL };
    struct iptfhir_http_request request = { .size = sizeof request,
                                            .method = method,
                                            .path = path,
                                            .headers = headers,
                                            .body = body,
                                            .body_length = body != NULL ? strlen(body) : 0 };
    ehr_serve(e, now, &request, &arena, &answer, &hangs);
    return answer.status;
}

static bool says(const char *text) {
    return memmem(answer.body, answer.body_length, text, strlen(text)) != NULL;
}

#define GOAL(value)                                                                                \
    "{\"resourceType\":\"Goal\",\"identifier\":[{\"system\":\"urn:g\",\"value\":\"" value          \
    "\"}],\"lifecycleStatus\":\"active\",\"subject\":{\"reference\":\"Patient/e-101\"}}"
#define FIND "/Goal?identifier=urn%3Ag%7CG1"

START_TEST(a_created_resource_is_read_found_and_updated) {
    start(&plain);
    ck_assert_str_eq(patient, "e-101");
    ck_assert_int_eq(ask("POST", "/Goal", GOAL("G1"), NULL, NULL), 201);
    ck_assert_str_eq(answer.etag, "W/\"1\"");
    ck_assert_str_eq(answer.location, "https://a.example/fhir/Goal/e-102/_history/1");
    ck_assert_int_eq(ask("GET", "/Goal/e-102", NULL, NULL, NULL), 200);
    ck_assert(says("\"versionId\":\"1\""));
    ck_assert_int_eq(ask("GET", FIND "&patient=Patient%2Fe-101", NULL, NULL, NULL), 200);
    ck_assert(says("\"total\":1,") && says("\"id\":\"e-102\""));
    ck_assert_int_eq(ask("GET", FIND "&patient=Patient%2Fe-7", NULL, NULL, NULL), 200);
    ck_assert(says("\"total\":0"));
    const char *put = "{\"resourceType\":\"Goal\",\"id\":\"e-102\",\"lifecycleStatus\":\"active\"}";
    ck_assert_int_eq(ask("PUT", "/Goal/e-102", put, "If-Match: W/\"7\"", NULL), 412);
    ck_assert_int_eq(ask("PUT", "/Goal/e-102", put, "If-Match: W/\"1\"", NULL), 200);
    ck_assert_str_eq(answer.etag, "W/\"2\"");
    ck_assert_int_eq(ask("PUT", "/Goal/mine", put, NULL, NULL), 400);
    ck_assert_int_eq(ask("POST", "/Patient", "{\"resourceType\":\"Patient\"}", NULL, NULL), 405);
    stop();
}
END_TEST

START_TEST(a_search_by_post_reads_its_form) {
    start(&plain);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ask("POST", "/Goal", GOAL("G2"), NULL, NULL);
    ask("POST", "/Goal/_search", "identifier=urn%3Ag%7CG1%2Curn%3Ag%7CG2",
        "Content-Type: application/x-www-form-urlencoded", NULL);
    ck_assert(says("\"total\":2"));
    stop();
}
END_TEST

START_TEST(an_index_lags_and_a_conditional_create_may_see_further) {
    struct ehr_knobs k = plain;
    k.index_lag_ms = 2000;
    k.conditional_create = true;
    start(&k);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ask("GET", FIND, NULL, NULL, NULL);
    ck_assert(says("\"total\":0"));
    ck_assert_int_eq(ask("POST", "/Goal", GOAL("G1"), "If-None-Exist: identifier=urn:g%7CG1", NULL),
                     201);
    now += 2000;
    ask("GET", FIND, NULL, NULL, NULL);
    ck_assert(says("\"total\":2"));
    ck_assert_int_eq(ask("POST", "/Goal", GOAL("G1"), "If-None-Exist: identifier=urn:g%7CG1", NULL),
                     412);
    stop();
    k.conditional_fresh = true;
    start(&k);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ck_assert_int_eq(ask("POST", "/Goal", GOAL("G1"), "If-None-Exist: identifier=urn:g%7CG1", NULL),
                     200);
    stop();
}
END_TEST

START_TEST(a_search_is_reused_for_a_minute_unless_no_cache_is_asked_for) {
    struct ehr_knobs k = plain;
    k.reuses_searches = true;
    start(&k);
    ask("GET", FIND, NULL, NULL, NULL);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ask("GET", FIND, NULL, NULL, NULL);
    ck_assert(says("\"total\":0"));
    ask("GET", FIND, NULL, "Cache-Control: no-cache", NULL);
    ck_assert(says("\"total\":1,"));
    now += 60000;
    ask("GET", FIND, NULL, NULL, NULL);
    ck_assert(says("\"total\":1,"));
    stop();
}
END_TEST

START_TEST(clients_choose_ids_only_where_the_server_lets_them) {
    static const char put[] = "{\"resourceType\":\"Goal\",\"id\":\"u-1\"}";
    struct ehr_knobs k = plain;
    start(&k);
    ck_assert_int_eq(ask("PUT", "/Goal/u-1", put, NULL, NULL), 404);
    stop();
    k.client_ids = k.none_match = true;
    start(&k);
    ck_assert_int_eq(ask("PUT", "/Goal/u-1", put, "If-None-Match: *", NULL), 201);
    ck_assert_int_eq(ask("PUT", "/Goal/u-1", put, "If-None-Match: *", NULL), 412);
    stop();
}
END_TEST

START_TEST(what_was_deleted_is_gone_and_comes_back_when_undeleted) {
    start(&plain);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ck_assert(ehr_delete(e, now, ehr_find(e, "Goal", "e-102")));
    ck_assert_int_eq(ask("GET", "/Goal/e-102", NULL, NULL, NULL), 410);
    ask("GET", FIND, NULL, NULL, NULL);
    ck_assert(says("\"total\":0"));
    ck_assert(ehr_undelete(e, now, ehr_find(e, "Goal", "e-102")));
    ck_assert_int_eq(ask("GET", "/Goal/e-102", NULL, NULL, NULL), 200);
    ck_assert_str_eq(answer.etag, "W/\"3\"");
    stop();
}
END_TEST

START_TEST(a_server_adds_its_own_and_keeps_sets) {
    struct ehr_knobs k = plain;
    k.decorates = k.sets = true;
    start(&k);
    ask("POST", "/Goal",
        "{\"resourceType\":\"Goal\",\"meta\":{\"security\":[{\"code\":\"R\"},{\"code\":\"PSY\"}]}}",
        NULL, NULL);
    ck_assert(says("[{\"code\":\"PSY\"},{\"code\":\"R\"}]"));
    ck_assert(says("\"lastUpdated\":\"1970-01-01T00:16:40.000Z\""));
    ck_assert(says("filed-by") && says("made here"));
    stop();
}
END_TEST

#define ENTRY(url, body, request)                                                                  \
    "{\"fullUrl\":\"" url "\",\"resource\":" body ",\"request\":" request "}"
#define POST_GOAL "{\"method\":\"POST\",\"url\":\"Goal\",\"ifNoneExist\":\"identifier=urn:g%7CG1\"}"
#define PLAN                                                                                       \
    "{\"resourceType\":\"CarePlan\",\"goal\":[{\"reference\":\"urn:uuid:1\"}],"                    \
    "\"subject\":{\"reference\":\"Patient/e-101\"}}"
#define POST_PLAN "{\"method\":\"POST\",\"url\":\"CarePlan\"}"

START_TEST(a_transaction_resolves_and_is_all_or_nothing) {
    static const char good[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" ENTRY(
            "urn:uuid:2", PLAN, POST_PLAN) "," ENTRY("urn:uuid:1", GOAL("G1"), POST_GOAL) "]}";
    static const char bad[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" ENTRY(
            "urn:uuid:2", PLAN, POST_PLAN) "," ENTRY("urn:uuid:1", "{}", POST_GOAL) "]}";
    struct ehr_knobs k = plain;
    k.bundles = EHR_TRANSACTION;
    k.conditional_create = true;
    start(&k);
    ck_assert_int_eq(ask("POST", "", bad, NULL, NULL), 400);
    ck_assert_uint_eq(ehr_count(e), 1);
    ck_assert_int_eq(ask("POST", "", good, NULL, NULL), 200);
    ck_assert(says("transaction-response") && says("\"status\":\"201\""));
    ck_assert_uint_eq(ehr_count(e), 3);
    ck_assert_ptr_nonnull(strstr(ehr_at(e, 1)->body, "\"reference\":\"Goal/"));
    ck_assert_int_eq(ask("POST", "/", good, NULL, NULL), 200);
    ck_assert(says("\"status\":\"200\""));
    ck_assert_uint_eq(ehr_count(e), 4); /* the goal was there, the plan is a plain create */
    stop();
}
END_TEST

START_TEST(a_batch_answers_each_entry) {
    static const char batch[] = "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[" ENTRY(
        "urn:uuid:1", GOAL("G1"),
        POST_GOAL) "," ENTRY("urn:uuid:3", "{}",
                             POST_GOAL) ",{\"request\":{\"method\":\"GET\",\"url\":\"Goal?"
                                        "identifier=urn:g%7CG1\"}}]}";
    struct ehr_knobs k = plain;
    start(&k);
    ck_assert_int_eq(ask("POST", "/", batch, NULL, NULL), 405);
    stop();
    k.bundles = EHR_BATCH;
    start(&k);
    ck_assert_int_eq(ask("POST", "/", batch, NULL, NULL), 200);
    ck_assert(says("\"status\":\"201\"") && says("\"status\":\"400\"") && says("\"total\":1,"));
    stop();
}
END_TEST

START_TEST(a_merged_patient_takes_identifiers_and_resources_along) {
    static const struct ehr_person second = { "urn:mrn", "M2",         "Meyer",
                                              "Ada",     "1980-02-29", "female" };
    start(&plain);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    const char *stays = ehr_register(e, now, &second)->id;
    ck_assert_str_eq(ehr_patient_of(e, "urn:mrn", "M1")->id, patient);
    ck_assert(ehr_merge(e, now, patient, stays));
    ck_assert_str_eq(ehr_patient_of(e, "urn:mrn", "M1")->id, stays);
    ck_assert_str_eq(ehr_find(e, "Goal", "e-102")->patient, stays);
    ask("GET", "/Patient/e-101", NULL, NULL, NULL);
    ck_assert(says("replaced-by") && says("\"active\":false"));
    stop();
}
END_TEST

START_TEST(after_a_reset_the_same_ids_are_handed_out_again) {
    static const struct ehr_person other = {
        "urn:mrn", "M9", "Other", "Eve", "1970-01-01", "female"
    };
    start(&plain);
    ehr_reset(e);
    ck_assert_uint_eq(ehr_count(e), 0);
    ck_assert_str_eq(ehr_register(e, now, &other)->id, "e-101");
    stop();
}
END_TEST

static const struct {
    enum ehr_weather weather;
    int status;
    const char *text;
} skies[] = { { EHR_FORBIDDEN, 403, "forbidden" }, { EHR_BUSY_SECONDS, 429, "throttled" },
              { EHR_BUSY_DATE, 503, "transient" }, { EHR_SIGN_IN, 200, "Sign in" },
              { EHR_OUTCOME, 200, "\"error\"" },   { EHR_OTHER_RESOURCE, 200, "Basic" },
              { EHR_FAILS, 500, "exception" },     { EHR_FAILS_AFTER, 500, "exception" } };

START_TEST(weather_answers_in_place_of_the_server_until_it_clears) {
    start(&plain);
    ehr_set_weather(e, skies[_i].weather, now + 5000, 120);
    ck_assert_int_eq(ask("POST", "/Goal", GOAL("G1"), NULL, NULL), skies[_i].status);
    ck_assert(says(skies[_i].text));
    ck_assert_uint_eq(ehr_count(e), skies[_i].weather == EHR_FAILS_AFTER ? 2 : 1);
    if (skies[_i].weather == EHR_BUSY_SECONDS)
        ck_assert_str_eq(answer.retry_after, "120");
    if (skies[_i].weather == EHR_BUSY_DATE)
        ck_assert_str_eq(answer.retry_after, "Thu, 01 Jan 1970 00:18:40 GMT");
    now += 5000;
    ck_assert_int_eq(ask("POST", "/Goal", GOAL("G1"), NULL, NULL), 201);
    stop();
}
END_TEST

START_TEST(limits_references_pages_and_bad_patients_are_as_set) {
    struct ehr_knobs k = plain;
    k.most_bytes = 400;
    k.checks_references = true;
    k.page = 1;
    start(&k);
    char large[600];
    memset(large, ' ', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    ck_assert_int_eq(ask("POST", "/Goal", large, NULL, NULL), 413);
    ck_assert_int_eq(ask("POST", "/CarePlan", PLAN, NULL, NULL), 400);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ask("POST", "/Goal", GOAL("G1"), NULL, NULL);
    ask("GET", FIND, NULL, NULL, NULL);
    ck_assert(says("\"total\":2") && says("_offset=1") && says("e-102") && !says("e-103\""));
    ask("GET", FIND "&_offset=1", NULL, NULL, NULL);
    ck_assert(says("e-103") && !says("_offset"));
    ehr_set_bad_patient(e, "M1", EHR_BAD_HANGS);
    ask("GET", "/Patient?identifier=urn:mrn%7CM1", NULL, NULL, NULL);
    ck_assert(hangs);
    ask("GET", "/Patient?identifier=urn:mrn%7CM2", NULL, NULL, NULL);
    ck_assert(!hangs && answer.status == 200);
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ehr");
    TCase *c = tcase_create("ehr");
    tcase_add_test(c, a_created_resource_is_read_found_and_updated);
    tcase_add_test(c, a_search_by_post_reads_its_form);
    tcase_add_test(c, an_index_lags_and_a_conditional_create_may_see_further);
    tcase_add_test(c, a_search_is_reused_for_a_minute_unless_no_cache_is_asked_for);
    tcase_add_test(c, clients_choose_ids_only_where_the_server_lets_them);
    tcase_add_test(c, what_was_deleted_is_gone_and_comes_back_when_undeleted);
    tcase_add_test(c, a_server_adds_its_own_and_keeps_sets);
    tcase_add_test(c, a_transaction_resolves_and_is_all_or_nothing);
    tcase_add_test(c, a_batch_answers_each_entry);
    tcase_add_test(c, a_merged_patient_takes_identifiers_and_resources_along);
    tcase_add_test(c, after_a_reset_the_same_ids_are_handed_out_again);
    tcase_add_loop_test(c, weather_answers_in_place_of_the_server_until_it_clears, 0,
                        sizeof skies / sizeof *skies);
    tcase_add_test(c, limits_references_pages_and_bad_patients_are_as_set);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
