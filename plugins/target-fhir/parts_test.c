/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts that the orders are made of: texts, requests, locations, waits, links, names,
 * slices, and the entries that a failed bundle names. */
#include "answer.h"
#include "bundle.h"
#include "link.h"
#include "location.h"
#include "names.h"
#include "request.h"
#include "slices.h"
#include "text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_token_is_escaped_for_fhir_and_then_for_the_address) {
    struct iptfhir_text t = { 0 };
    text_token(&t, "urn:mrn", "a|b,c d\"\n", true);
    ck_assert_str_eq(t.data, "urn%3Amrn%7Ca%5C%7Cb%5C%2Cc%20d%22%0A");
    iptfhir_text_clear(&t);
    text_token(&t, "https://x/y", "4\"\n\\", false);
    ck_assert_str_eq(t.data, "https://x/y|4%22%0A%5C%5C");
    iptfhir_text_free(&t);
}
END_TEST

static unsigned sent;

static void count_request(struct iptfhir_request_sink *sink,
                          const struct iptfhir_http_request *request) {
    (void)sink, (void)request;
    sent++;
}

START_TEST(a_request_with_too_many_headers_is_not_sent_cut_short) {
    struct iptfhir_request_sink sink = { sizeof sink, NULL, count_request };
    struct request_writer w = { .sink = &sink };
    request_begin(&w, "GET");
    iptfhir_text_puts(&w.text, "/x");
    for (int i = 0; i <= REQUEST_HEADERS; i++)
        request_header(&w, "A: b");
    request_send(&w);
    ck_assert(w.failed);
    ck_assert_uint_eq(sent, 0);
    iptfhir_text_free(&w.text);
}
END_TEST

START_TEST(id_and_version_are_read_from_a_location) {
    char id[ID_SIZE], version[VERSION_SIZE];
    ck_assert(location_read("https://h/Goal/r4/Goal/g-5/_history/7", "Goal", id, version));
    ck_assert_str_eq(id, "g-5");
    ck_assert_str_eq(version, "7");
    ck_assert(location_read("Goal/12", "Goal", id, version));
    ck_assert_str_eq(id, "12");
    ck_assert_str_eq(version, "");
    ck_assert(!location_read("CarePlan/12", "Goal", id, version));
    ck_assert(!location_read("Goal/", "Goal", id, version));
    ck_assert(!location_read("Goal/..", "Goal", id, version));
    ck_assert(!location_read("Goal/a%0d%0ab", "Goal", id, version));
    ck_assert(location_read("Goal/12/_history/a\"b", "Goal", id, version));
    ck_assert_str_eq(version, "");
}
END_TEST

START_TEST(a_version_is_read_from_every_kind_of_etag) {
    char version[VERSION_SIZE];
    ck_assert(etag_read("W/\"7\"", version));
    ck_assert_str_eq(version, "7");
    ck_assert(etag_read("\"8\"", version));
    ck_assert_str_eq(version, "8");
    ck_assert(etag_read("9", version));
    ck_assert_str_eq(version, "9");
    ck_assert(!etag_read("W/\"\"", version));
    ck_assert(!etag_read("W/\"a\"b\"", version));
    ck_assert(!etag_read("W/\"a\r\nX: y\"", version));
    ck_assert(!etag_read("", version));
}
END_TEST

/* How long an answer that came at a second of 1970 asks to wait. */
static int64_t waits(const char *retry_after, int64_t came) {
    const struct answer a = { .retry_after = retry_after, .came = came };
    return answer_wait_ms(&a);
}

START_TEST(retry_after_is_read_in_both_forms_and_capped_at_a_day) {
    ck_assert_int_eq(waits("120", 0), 120000);
    ck_assert_int_eq(waits("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), 30000);
    ck_assert_int_eq(waits("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), 0);
    ck_assert_int_eq(waits("Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 - 1), 1000);
    ck_assert_int_eq(waits("99999999999999999999", 0), ANSWER_WAIT_MOST_MS);
    ck_assert_int_eq(waits("soon", 0), 0);
    ck_assert_int_eq(waits("-5", 0), 0);
    ck_assert_int_eq(waits("Sun, 06 Xyz 2094 08:49:37 GMT", 0), 0);
    ck_assert_int_eq(waits(NULL, 0), 0);
}
END_TEST

/* A base address, a link, and the path that is asked for; NULL: it is not followed. */
static const struct {
    const char *base, *link, *path;
} links[] = {
    { "https://h/fhir", "https://h/fhir?_getpages=1&p=2", "?_getpages=1&p=2" },
    { "https://h/fhir", "https://h/fhir/Goal?page=2", "/Goal?page=2" },
    { "https://h/fhir", "HTTPS://H:443/fhir/Goal?page=2", "/Goal?page=2" },
    { "https://h:8443/fhir", "https://h:8443/fhir/Goal?page=2", "/Goal?page=2" },
    { "https://h:8443/fhir", "https://h/fhir/Goal?page=2", NULL },
    { "https://h/fhir", "http://h/fhir/Goal?page=2", NULL },
    { "https://h/fhir", "https://h.evil.example/fhir/Goal", NULL },
    { "https://h/fhir", "https://h@evil.example/fhir/Goal", NULL },
    { "https://h/fhir", "https://h/fhirx/Goal", NULL },
    { "https://h/fhir", "https://h/other/Goal", NULL },
    { "https://h/fhir", "https://h/fhir/../admin", NULL },
    { "https://h/fhir", "https://h/fhir/%2e%2e/admin", NULL },
    { "https://h/fhir", "https://h/fhir/Goal?a=b c", NULL },
    { "https://h/fhir", "https://h/fhir/Goal?a=b\r\nX: y", NULL },
    { "https://h/fhir", "https://h/fhir/Goal?a=%2e%2e", "/Goal?a=%2e%2e" },
    { "https://h/fhir", "https://h/fhir", NULL },
    { "https://h/fhir", "/fhir/Goal?page=2", NULL },
    { "https://h/fhir", "file:///etc/passwd", NULL },
    { "https://h/fhir", "", NULL },
};

START_TEST(only_links_below_the_targets_address_are_followed) {
    char *path = link_path(links[_i].base, links[_i].link);
    ck_assert_pstr_eq(path, links[_i].path);
    free(path);
}
END_TEST

START_TEST(names_are_found_again_and_their_parts_are_not_mixed) {
    struct names n = { 0 };
    char text[16];
    ck_assert_int_eq(names_find(&n, (struct name_parts) { "a", "b", "c" }), NAMES_NONE);
    ck_assert_int_eq(names_add(&n, (struct name_parts) { "a", "bc", NULL }, 7), NAMES_NONE);
    ck_assert_int_eq(names_add(&n, (struct name_parts) { "ab", "c", NULL }, 8), NAMES_NONE);
    ck_assert_int_eq(names_add(&n, (struct name_parts) { "ab", "c", "" }, 9), 8);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        ck_assert_int_eq(names_add(&n, (struct name_parts) { text, NULL, "x" }, i), NAMES_NONE);
    }
    ck_assert_int_eq(names_find(&n, (struct name_parts) { "999", NULL, "x" }), 999);
    ck_assert_int_eq(names_find(&n, (struct name_parts) { "a", "bc", NULL }), 7);
    names_free(&n);
}
END_TEST

START_TEST(slices_are_the_exact_texts_of_the_entries_resources) {
    static const char text[] =
        " { \"a\" : [ 1, {\"resource\":0} ], \"entry\" : [ {\"x\":\"}]\\\"\","
        "\"resource\" : {\"n\": 0.010, \"s\":\"\\\\\"}} , {} ,"
        "{\"resource\":{}}],\"entry2\":[] }";
    struct slices s;
    ck_assert(slices_find(&s, text, strlen(text)));
    ck_assert_uint_eq(s.count, 3);
    ck_assert_uint_eq(s.list[0].length, strlen("{\"n\": 0.010, \"s\":\"\\\\\"}"));
    ck_assert_int_eq(memcmp(s.list[0].text, "{\"n\": 0.010, \"s\":\"\\\\\"}", s.list[0].length), 0);
    ck_assert_ptr_null(s.list[1].text);
    ck_assert_uint_eq(s.list[2].length, 2);
    slices_free(&s);
}
END_TEST

START_TEST(a_bundle_without_entries_has_no_slices_and_a_broken_one_is_refused) {
    static const char *const broken[] = { "{\"entry\":[{\"resource\":{",
                                          "{\"entry\":[{}",
                                          "{\"entry\":{}}",
                                          "{\"entry\":[7]}",
                                          "[]",
                                          "" };
    struct slices s;
    ck_assert(slices_find(&s, "{}", 2));
    ck_assert_uint_eq(s.count, 0);
    ck_assert(slices_find(&s, "{\"entry\":[]}", 12));
    ck_assert_uint_eq(s.count, 0);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        ck_assert(!slices_find(&s, broken[i], strlen(broken[i])));
}
END_TEST

START_TEST(the_entries_that_a_failed_bundle_names_are_told_by_errors_only) {
    bool named[4] = { false };
    json_t *issues = json_loads("[{\"severity\":\"warning\",\"expression\":[\"Bundle.entry[0]\"]},"
                                "{\"severity\":\"error\",\"expression\":[\"Bundle.entry[2].resource"
                                ".code\",\"Bundle.entry[9]\",\"Bundle.entry[-1]\",\"Goal.x\"]},"
                                "{\"severity\":\"fatal\",\"location\":[\"Bundle.entry[3]\",7]}]",
                                0, NULL);
    ck_assert_uint_eq(bundle_named(issues, named, 4), 2);
    ck_assert(!named[0] && !named[1] && named[2] && named[3]);
    json_decref(issues);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target-fhir parts");
    TCase *c = tcase_create("parts");
    tcase_add_test(c, a_token_is_escaped_for_fhir_and_then_for_the_address);
    tcase_add_test(c, a_request_with_too_many_headers_is_not_sent_cut_short);
    tcase_add_test(c, id_and_version_are_read_from_a_location);
    tcase_add_test(c, a_version_is_read_from_every_kind_of_etag);
    tcase_add_test(c, retry_after_is_read_in_both_forms_and_capped_at_a_day);
    tcase_add_loop_test(c, only_links_below_the_targets_address_are_followed, 0,
                        sizeof links / sizeof *links);
    tcase_add_test(c, names_are_found_again_and_their_parts_are_not_mixed);
    tcase_add_test(c, slices_are_the_exact_texts_of_the_entries_resources);
    tcase_add_test(c, a_bundle_without_entries_has_no_slices_and_a_broken_one_is_refused);
    tcase_add_test(c, the_entries_that_a_failed_bundle_names_are_told_by_errors_only);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
