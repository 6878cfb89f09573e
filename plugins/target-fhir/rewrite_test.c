/* SPDX-License-Identifier: Apache-2.0 */
/* Rewriting of bodies: ids, each kind of reference, labels, and the exact text of everything else.
 */
#include "rewrite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct text out;

/* Answers references by their type: Goal known, Observation in the bundle, Questionnaire logical,
 * others as they are.
 */
static void resolve(void *user, const char *type, size_t type_length, const char *id,
                    size_t id_length, struct reference_answer *a) {
    (void)user, (void)id, (void)id_length;
    if (type_length == 4 && memcmp(type, "Goal", 4) == 0)
        *a = (struct reference_answer) { REFERENCE_SERVER, "g-7", NULL, NULL };
    else if (type_length == 11 && memcmp(type, "Observation", 11) == 0)
        a->kind = REFERENCE_URN;
    else if (type_length == 13)
        *a = (struct reference_answer) { REFERENCE_LOGICAL, NULL, "urn:s", "a\"b" };
    else if (type_length == 4)
        *a = (struct reference_answer) { REFERENCE_LOGICAL, NULL, NULL, NULL };
}

/* Body, id (NULL: left out), labels left out, and what it becomes (NULL: refused). */
static const struct {
    const char *body, *id;
    bool omit;
    const char *becomes;
} cases[] = {
    { "{\"resourceType\":\"Goal\",\"id\":\"u\",\"n\":0.010}", NULL, false,
      "{\"resourceType\":\"Goal\",\"n\":0.010}" },
    { "{\"id\":\"u\",\"resourceType\":\"Goal\"}", NULL, false, "{\"resourceType\":\"Goal\"}" },
    { "{\"resourceType\":\"Goal\",\"id\":\"u\"}", NULL, false, "{\"resourceType\":\"Goal\"}" },
    { "{\"resourceType\":\"Goal\",\"id\":\"u\",\"x\":[{\"id\":\"in\"}]}", "s1", false,
      "{\"resourceType\":\"Goal\",\"id\":\"s1\",\"x\":[{\"id\":\"in\"}]}" },
    { "{\"resourceType\":\"Goal\"}", "s1", false, "{\"resourceType\":\"Goal\",\"id\":\"s1\"}" },
    { "{\"s\":{\"reference\":\"Goal/u\"}}", NULL, false, "{\"s\":{\"reference\":\"Goal/g-7\"}}" },
    { "{\"s\":[{\"display\":\"d\", \"reference\" : \"Observation/0-1\"}]}", NULL, false,
      "{\"s\":[{\"display\":\"d\", \"reference\":\"urn:uuid:0-1\"}]}" },
    { "{\"s\":{\"reference\":\"Questionnaire/u\",\"display\":\"d\"}}", NULL, false,
      "{\"s\":{\"type\":\"Questionnaire\",\"identifier\":{\"system\":\"urn:s\",\"value\":"
      "\"a\\\"b\"},\"display\":\"d\"}"
      "}" },
    { "{\"s\":{\"type\":\"Questionnaire\",\"reference\":\"Questionnaire/u\"}}", NULL, false,
      "{\"s\":{\"type\":\"Questionnaire\",\"identifier\":{\"system\":\"urn:s\",\"value\":"
      "\"a\\\"b\"}}}" },
    { "{\"s\":{\"type\":\"Questionnaire\",\"identifier\":{\"value\":\"1\"},\"reference\":"
      "\"Questionnaire/u\"}}",
      NULL, false, "{\"s\":{\"type\":\"Questionnaire\",\"identifier\":{\"value\":\"1\"}}}" },
    { "{\"s\":{\"reference\":\"Questionnaire/"
      "u\",\"type\":\"Questionnaire\",\"identifier\":{\"value\":\"1\"}}}",
      NULL, false, "{\"s\":{\"type\":\"Questionnaire\",\"identifier\":{\"value\":\"1\"}}}" },
    { "{\"s\":{\"reference\":\"Task/u\"}}", NULL, false, NULL },
    { "{\"s\":{\"reference\":\"#c\"},\"t\":{\"reference\":\"https://x/Goal/u\"}}", NULL, false,
      "{\"s\":{\"reference\":\"#c\"},\"t\":{\"reference\":\"https://x/Goal/u\"}}" },
    { "{\"n\":\"say \\\"reference\\\":\\\"Goal/u\\\" {\"}", NULL, false,
      "{\"n\":\"say \\\"reference\\\":\\\"Goal/u\\\" {\"}" },
    { "{\"n\":\"reference\",\"m\":\"Goal/u\"}", NULL, false,
      "{\"n\":\"reference\",\"m\":\"Goal/u\"}" },
    { "{\"meta\":{\"profile\":[\"p\"],\"security\":[{\"code\":\"R\"}]},\"a\":1}", NULL, true,
      "{\"meta\":{\"profile\":[\"p\"]},\"a\":1}" },
    { "{\"meta\":{\"security\":[{\"code\":\"R\"}]},\"a\":1}", NULL, true, "{\"a\":1}" },
    { " {\n \"a\" : 1 ,\n \"id\" : \"u\" } ", NULL, false, "{\"a\":1}" },
    { "{}", "s", false, "{\"id\":\"s\"}" },
    { "{\"a\":\"open}", NULL, false, NULL },
    { "{\"a\":[1,2", NULL, false, NULL },
    { "[1]", NULL, false, NULL },
    { "", NULL, false, NULL },
};

START_TEST(a_body_becomes_what_the_target_wants_and_nothing_else_changes) {
    struct rewrite r = { .id = cases[_i].id, .omit_labels = cases[_i].omit, .resolve = resolve };
    bool good = rewrite_body(&r, cases[_i].body, strlen(cases[_i].body), &out);
    ck_assert_int_eq(good, cases[_i].becomes != NULL);
    if (good)
        ck_assert_str_eq(out.data, cases[_i].becomes);
    text_free(&out);
}
END_TEST

START_TEST(what_servers_add_is_left_out_of_a_comparison) {
    static const char mine[] =
        "{\"resourceType\":\"Goal\",\"id\":\"1\",\"meta\":{\"profile\":[\"p\"]},\"n\":1.50}";
    static const char theirs[] =
        "{\"resourceType\":\"Goal\",\"id\":\"1\",\"meta\":{\"versionId\":\"3\",\"profile\":["
        "\"p\"],\"author\":{\"x\":[]}},"
        "\"text\":{\"div\":\"<div/>\"},\"n\":1.50,\"note\":[]}";
    ck_assert(rewrite_normalise(theirs, strlen(theirs), mine, strlen(mine), &out));
    ck_assert_str_eq(out.data, "{\"resourceType\":\"Goal\",\"id\":\"1\",\"meta\":{\"profile\":["
                               "\"p\"]},\"n\":1.50,\"note\":[]}");
    text_clear(&out);
    ck_assert(rewrite_normalise(theirs, strlen(theirs), "{}", 2, &out));
    ck_assert_str_eq(out.data, "{\"resourceType\":\"Goal\",\"id\":\"1\",\"n\":1.50,\"note\":[]}");
    text_free(&out);
}
END_TEST

START_TEST(members_are_read_without_a_parse) {
    static const char body[] =
        "{\"x\":{\"id\":\"in\"},\"id\":\"7\",\"meta\":{\"versionId\":\"2\"}}";
    char value[8];
    ck_assert(rewrite_string(body, strlen(body), NULL, "id", value, sizeof value));
    ck_assert_str_eq(value, "7");
    ck_assert(rewrite_string(body, strlen(body), "meta", "versionId", value, sizeof value));
    ck_assert_str_eq(value, "2");
    ck_assert(!rewrite_string(body, strlen(body), NULL, "x", value, sizeof value));
    ck_assert(!rewrite_string("{\"id\":\"12345678\"}", 17, NULL, "id", value, sizeof value));
}
END_TEST

START_TEST(a_token_is_escaped_for_fhir_and_for_urls) {
    text_token(&out, "http://a/b", "x|y,1&2 \"", true);
    ck_assert_str_eq(out.data, "http%3A%2F%2Fa%2Fb%7Cx%5C%7Cy%5C%2C1%262%20%22");
    text_clear(&out);
    text_token(&out, "http://a/b", "1&\r\n2", false);
    ck_assert_str_eq(out.data, "http://a/b|1%26%0D%0A2");
    text_free(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rewrite");
    TCase *c = tcase_create("rewrite");
    tcase_add_loop_test(c, a_body_becomes_what_the_target_wants_and_nothing_else_changes, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(c, what_servers_add_is_left_out_of_a_comparison);
    tcase_add_test(c, members_are_read_without_a_parse);
    tcase_add_test(c, a_token_is_escaped_for_fhir_and_for_urls);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
