/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the patient match: a test per refusal, and names as they are compared. */
#include "core/sync/match.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct match_refusal why;

static const char *const family_list[] = { "Müller-Lüdenscheidt", NULL };
static const char *const given_list[] = { "Zoë", "Anna", NULL };
static const char *const nothing[] = { NULL };
static const struct iptfhir_identifier mrn[] = { { "urn:mrn", "4711" }, { "urn:old", "1" } };

static void tear_down(void) {
    arena_free(&arena);
}

static struct match_candidate candidate(void) {
    return (struct match_candidate) { .server_id = "p1",
                                      .active = true,
                                      .identifiers = mrn,
                                      .identifier_count = 1,
                                      .families = family_list,
                                      .givens = given_list,
                                      .birth_date = "1980-05-06",
                                      .sex = "female" };
}

static const struct tree *identity_of(const char *text) {
    struct iptfhir_error error = ERROR_INIT;
    const struct tree *t = json_read_copy(&arena, text, strlen(text), NULL, &error);
    ck_assert_msg(t != NULL, "%s", error.text);
    return t;
}

#define OURS(rest) "{\"identifiers\":[{\"system\":\"urn:mrn\",\"value\":\"4711\"}]" rest "}"
#define OURS(rest) "{\"identifiers\":[{\"system\":\"urn:mrn\",\"value\":\"4711\"}]" rest "}"
#define BORN ",\"birthDate\":\"1980-05-06\""
#define NAMED ",\"family\":\"Muller Ludenscheidt\""

/* The refusal of one candidate for an identity; "" when it is the one. */
static const char *refusal(const char *identity, const struct match_candidate *c) {
    const struct match_candidate *found = match_patient(identity_of(identity), c, 1, &why);
    if (found != NULL)
        return "";
    ck_assert_ptr_nonnull(why.detail);
    return why.code;
}

START_TEST(the_one_who_agrees_in_all_is_found) {
    struct match_candidate c = candidate();
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"given\":[\"Zoe\"],\"sex\":\"female\""), &c), "");
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "");
}
END_TEST

START_TEST(nobody_is_found_without_an_identity_or_identifier) {
    static const char *const without[] = {
        "{\"family\":\"Muller Ludenscheidt\"" BORN "}",
        "{\"identifiers\":[{\"value\":\"4711\"}]" NAMED BORN "}",
        "{\"identifiers\":[{\"system\":\"urn:other\",\"value\":\"4711\"}]" NAMED BORN "}",
        "{\"identifiers\":[4711,null,[]]" NAMED BORN "}"
    };
    struct match_candidate c = candidate();
    ck_assert_ptr_null(match_patient(NULL, &c, 1, &why));
    ck_assert_str_eq(why.code, "patient-not-found");
    ck_assert_ptr_null(match_patient(identity_of(OURS(NAMED BORN)), NULL, 0, &why));
    ck_assert_str_eq(why.code, "patient-not-found");
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        ck_assert_str_eq(refusal(without[i], &c), "patient-not-found");
}
END_TEST

START_TEST(an_empty_identifier_is_nobodys) {
    static const struct iptfhir_identifier empty[] = { { "urn:mrn", "" } };
    struct match_candidate c = candidate();
    c.identifiers = empty;
    ck_assert_str_eq(
        refusal("{\"identifiers\":[{\"system\":\"urn:mrn\",\"value\":\"\"}]" NAMED BORN "}", &c),
        "patient-not-found");
}
END_TEST

START_TEST(two_with_our_identifiers_are_ambiguous_whatever_else_they_are) {
    struct match_candidate two[] = { candidate(), candidate() };
    two[1].server_id = "p2";
    ck_assert_ptr_null(match_patient(identity_of(OURS(NAMED BORN)), two, 2, &why));
    ck_assert_str_eq(why.code, "patient-ambiguous");
    two[1].families = nothing;
    ck_assert_ptr_null(match_patient(identity_of(OURS(NAMED BORN)), two, 2, &why));
    ck_assert_str_eq(why.code, "patient-ambiguous");
}
END_TEST

START_TEST(the_same_candidate_twice_is_one) {
    struct match_candidate two[] = { candidate(), candidate() };
    ck_assert_ptr_nonnull(match_patient(identity_of(OURS(NAMED BORN)), two, 2, &why));
}
END_TEST

START_TEST(a_candidate_without_our_identifier_is_passed_over) {
    struct match_candidate two[] = { candidate(), candidate() };
    two[0].server_id = "p0";
    two[0].identifier_count = 0;
    ck_assert_ptr_eq(match_patient(identity_of(OURS(NAMED BORN)), two, 2, &why), &two[1]);
}
END_TEST

START_TEST(a_merged_or_inactive_patient_is_refused) {
    struct match_candidate c = candidate();
    c.active = false;
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-merged");
    c = candidate();
    c.replaced_by = "p9";
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-merged");
}
END_TEST

START_TEST(a_former_identifier_is_refused) {
    struct match_candidate c = candidate();
    c.former = mrn;
    c.former_count = 1;
    c.identifiers = mrn + 1;
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-former");
}
END_TEST

START_TEST(a_birth_date_or_family_name_that_is_missing_on_either_side_is_refused) {
    struct match_candidate c = candidate();
    ck_assert_str_eq(refusal(OURS(NAMED), &c), "patient-birthdate");
    ck_assert_str_eq(refusal(OURS(BORN), &c), "patient-birthdate");
    c.birth_date = NULL;
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-birthdate");
    c = candidate();
    c.families = nothing;
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-birthdate");
    c = candidate();
    c.birth_date = "";
    ck_assert_str_eq(refusal(OURS(NAMED ",\"birthDate\":\"\""), &c), "patient-birthdate");
}
END_TEST

START_TEST(a_birth_year_alone_is_no_birth_date) {
    struct match_candidate c = candidate();
    c.birth_date = "1980";
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-birthdate");
    ck_assert_str_eq(refusal(OURS(NAMED ",\"birthDate\":\"1980\""), &c), "patient-birthdate");
    c.birth_date = "1980-05-07";
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-mismatch");
}
END_TEST

START_TEST(names_that_differ_are_refused) {
    struct match_candidate c = candidate();
    ck_assert_str_eq(refusal(OURS(",\"family\":\"Meier\"" BORN), &c), "patient-mismatch");
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"given\":[\"Eva\"]"), &c), "patient-mismatch");
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"given\":[\"ANNA\"]"), &c), "");
    c.givens = nothing;
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"given\":[\"Eva\"]"), &c), "");
}
END_TEST

START_TEST(a_name_of_punctuation_alone_agrees_with_nothing) {
    static const char *const dashes[] = { "--", NULL };
    struct match_candidate c = candidate();
    c.families = dashes;
    ck_assert_str_eq(refusal(OURS(",\"family\":\".\"" BORN), &c), "patient-mismatch");
}
END_TEST

START_TEST(a_sex_that_differs_is_refused_when_both_know_it) {
    struct match_candidate c = candidate();
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"sex\":\"male\""), &c), "patient-mismatch");
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"sex\":\"unknown\""), &c), "");
    c.sex = "unknown";
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"sex\":\"male\""), &c), "");
    c.sex = NULL;
    ck_assert_str_eq(refusal(OURS(NAMED BORN ",\"sex\":\"male\""), &c), "");
}
END_TEST

static const struct {
    const char *name, *folded;
} folds[] = {
    { "O'Brien-Smith Jr.", "obriensmithjr" },
    { "Łukasz ŻÓŁĆ", "lukaszzolc" },
    { "Þór", "thor" },
    { "Straße", "strasse" },
    { "Æsop", "aesop" },
    { "Ångström", "angstrom" },
    { "Zoe\xcc\x88", "zoe" },           /* a combining diaeresis */
    { "O\xe2\x80\x99Neill", "oneill" }, /* a typographic apostrophe */
    { "O\xca\xbcNeill", "oneill" },     /* a modifier letter apostrophe */
    { "Nguy\xe1\xbb\x85n", "nguyen" },  /* Latin Extended Additional */
    { "Ștefan", "stefan" },
    { "Schlo\xe1\xba\x9e", "schloss" }, /* a capital sharp s */
    { "", "" },
    { " ", "" },
};

START_TEST(names_are_compared_without_case_marks_and_punctuation) {
    char out[64];
    ck_assert(match_fold(folds[_i].name, out, sizeof out));
    ck_assert_msg(strcmp(out, folds[_i].folded) == 0, "%s: \"%s\"", folds[_i].name, out);
}
END_TEST

START_TEST(other_scripts_are_compared_in_one_case) {
    char a[64], b[64];
    ck_assert(match_fold("ИВАНОВ", a, sizeof a));
    ck_assert(match_fold("Иванов", b, sizeof b));
    ck_assert_str_eq(a, b);
    ck_assert(match_fold("ПЕТРЁ", a, sizeof a));
    ck_assert(match_fold("петрё", b, sizeof b));
    ck_assert_str_eq(a, b);
    ck_assert(match_fold("ΠΑΠΑΔΟΠΟΥΛΟΣ", a, sizeof a));
    ck_assert(match_fold("Παπαδόπουλος", b, sizeof b));
    ck_assert_str_eq(a, b);
    ck_assert(match_fold("山田", a, sizeof a));
    ck_assert_str_eq(a, "山田");
}
END_TEST

START_TEST(a_name_too_long_to_compare_agrees_with_nothing) {
    char out[4], long_name[600];
    ck_assert(match_fold("abc", out, sizeof out));
    ck_assert(!match_fold("abcd", out, sizeof out));
    ck_assert(!match_fold("abß", out, sizeof out));
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    const char *const list[] = { long_name, NULL };
    struct match_candidate c = candidate();
    c.families = list;
    ck_assert_str_eq(refusal(OURS(NAMED BORN), &c), "patient-mismatch");
}
END_TEST

START_TEST(broken_utf8_is_read_to_its_end_and_no_further) {
    static const char *const broken[] = { "\xc3", "\xe2\x80", "\xf0\x9f\x98", "a\xff\xfe",
                                          "\x80\x80" };
    char out[64];
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        size_t length = strlen(broken[i]);
        char *exact = malloc(length + 1);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, broken[i], length + 1);
        ck_assert(match_fold(exact, out, sizeof out));
        free(exact);
    }
}
END_TEST

START_TEST(evidence_is_copied_whole) {
    const struct iptfhir_identifier half[] = { { NULL, "4711" } };
    struct iptfhir_candidate from = { .size = sizeof from,
                                      .server_id = "p1",
                                      .active = true,
                                      .identifiers = half,
                                      .identifier_count = 1 };
    struct match_candidate *c = match_keep(&arena, &from);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->identifiers[0].system, "");
    ck_assert_ptr_null(c->families[0]);
    ck_assert_ptr_null(c->birth_date);
    from.server_id = NULL;
    ck_assert_ptr_null(match_keep(&arena, &from));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("match");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, tear_down);
    tcase_add_test(all, the_one_who_agrees_in_all_is_found);
    tcase_add_test(all, nobody_is_found_without_an_identity_or_identifier);
    tcase_add_test(all, an_empty_identifier_is_nobodys);
    tcase_add_test(all, two_with_our_identifiers_are_ambiguous_whatever_else_they_are);
    tcase_add_test(all, the_same_candidate_twice_is_one);
    tcase_add_test(all, a_candidate_without_our_identifier_is_passed_over);
    tcase_add_test(all, a_merged_or_inactive_patient_is_refused);
    tcase_add_test(all, a_former_identifier_is_refused);
    tcase_add_test(all, a_birth_date_or_family_name_that_is_missing_on_either_side_is_refused);
    tcase_add_test(all, a_birth_year_alone_is_no_birth_date);
    tcase_add_test(all, names_that_differ_are_refused);
    tcase_add_test(all, a_name_of_punctuation_alone_agrees_with_nothing);
    tcase_add_test(all, a_sex_that_differs_is_refused_when_both_know_it);
    tcase_add_loop_test(all, names_are_compared_without_case_marks_and_punctuation, 0,
                        (int)(sizeof folds / sizeof *folds));
    tcase_add_test(all, other_scripts_are_compared_in_one_case);
    tcase_add_test(all, a_name_too_long_to_compare_agrees_with_nothing);
    tcase_add_test(all, broken_utf8_is_read_to_its_end_and_no_further);
    tcase_add_test(all, evidence_is_copied_whole);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
