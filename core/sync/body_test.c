/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of bodies on their way: ids, references, labels, and comparing with what a target holds. */
#include "core/sync/body.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static void tear_down(void) {
    arena_free(&arena);
}

static struct tree *tree_of(const char *text) {
    struct iptfhir_error error = ERROR_INIT;
    struct tree *t = json_read_copy(&arena, text, strlen(text), NULL, &error);
    ck_assert_msg(t != NULL, "%s: %s", error.text, text);
    return t;
}

static const char *text_of(const struct tree *t) {
    struct str out = { 0 };
    json_write(&out, t, JSON_COMPACT);
    const char *kept = arena_strndup(&arena, out.data, out.length);
    str_free(&out);
    return kept;
}

#define A "aaaaaaaa-0000-0000-0000-000000000000"
#define B "bbbbbbbb-0000-0000-0000-000000000000"
#define C "cccccccc-0000-0000-0000-000000000000"

/* A becomes Goal/1, B is left out, all others stay. */
static enum body_reference resolve(void *user, const char *type, size_t type_length,
                                   const char uuid[36], char *text) {
    (void)user, (void)type, (void)type_length;
    if (memcmp(uuid, A, 36) == 0) {
        strcpy(text, "Goal/1");
        return BODY_CHANGE;
    }
    return memcmp(uuid, B, 36) == 0 ? BODY_OMIT : BODY_KEEP;
}

static void prepared(const char *from, const struct body_out *how, const char *to,
                     uint32_t omitted) {
    uint32_t count = 99;
    struct tree *body = tree_of(from);
    ck_assert(body_prepare(body, &arena, how, &count));
    ck_assert_str_eq(text_of(body), to);
    ck_assert_uint_eq(count, omitted);
}

START_TEST(the_id_is_set_replaced_or_left_out) {
    struct body_out how = { .labels = true, .id = "9" };
    prepared("{\"resourceType\":\"Goal\",\"id\":\"x\"}", &how,
             "{\"resourceType\":\"Goal\",\"id\":\"9\"}", 0);
    prepared("{\"resourceType\":\"Goal\"}", &how, "{\"resourceType\":\"Goal\",\"id\":\"9\"}", 0);
    how.id = NULL;
    prepared("{\"resourceType\":\"Goal\",\"id\":\"x\",\"a\":1}", &how,
             "{\"resourceType\":\"Goal\",\"a\":1}", 0);
}
END_TEST

START_TEST(labels_go_only_where_they_are_wanted) {
    struct body_out how = { .labels = false };
    prepared("{\"meta\":{\"security\":[{\"code\":\"R\"}]},\"a\":1}", &how, "{\"a\":1}", 0);
    prepared("{\"meta\":{\"profile\":[\"p\"],\"security\":[]}}", &how,
             "{\"meta\":{\"profile\":[\"p\"]}}", 0);
    how.labels = true;
    prepared("{\"meta\":{\"security\":[{\"code\":\"R\"}]}}", &how,
             "{\"meta\":{\"security\":[{\"code\":\"R\"}]}}", 0);
}
END_TEST

START_TEST(references_are_changed_kept_or_left_out_with_what_they_empty) {
    const struct body_out how = { .labels = true, .resolve = resolve };
    prepared("{\"a\":{\"reference\":\"Goal/" A "\"}}", &how, "{\"a\":{\"reference\":\"Goal/1\"}}",
             0);
    prepared("{\"a\":{\"reference\":\"Goal/" C "\"}}", &how,
             "{\"a\":{\"reference\":\"Goal/" C "\"}}", 0);
    prepared("{\"a\":{\"reference\":\"Goal/" B "\",\"display\":\"x\"}}", &how, "{}", 1);
    prepared("{\"g\":[{\"reference\":\"Goal/" B "\"},{\"reference\":\"Goal/" A "\"}]}", &how,
             "{\"g\":[{\"reference\":\"Goal/1\"}]}", 1);
    prepared("{\"x\":[{\"y\":{\"z\":[{\"reference\":\"Goal/" B "\"}]}}],\"k\":1}", &how,
             "{\"k\":1}", 1);
    prepared("{\"x\":[{\"y\":{\"reference\":\"Goal/" B "\"},\"k\":1}]}", &how,
             "{\"x\":[{\"k\":1}]}", 1);
    prepared("{\"g\":[{\"reference\":\"Goal/" B "\"},{\"reference\":\"Goal/" B "\"}],\"k\":1}",
             &how, "{\"k\":1}", 2);
}
END_TEST

START_TEST(what_is_no_reference_of_ours_is_not_touched) {
    static const char *const kept[] = {
        "{\"a\":{\"reference\":\"#" B "\"}}",        "{\"a\":{\"reference\":\"/" B "\"}}",
        "{\"a\":{\"reference\":\"Goal/7\"}}",        "{\"a\":{\"reference\":\"\"}}",
        "{\"a\":{\"reference\":{\"reference\":7}}}", "{\"a\":\"Goal/" B "\"}"
    };
    const struct body_out how = { .labels = true, .resolve = resolve };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        prepared(kept[i], &how, kept[i], 0);
}
END_TEST

START_TEST(a_reference_within_one_that_is_left_out_goes_with_it) {
    const struct body_out how = { .labels = true, .resolve = resolve };
    uint32_t omitted;
    struct tree *body =
        tree_of("{\"k\":1,\"a\":{\"reference\":\"Goal/" B
                "\",\"identifier\":{\"assigner\":{\"reference\":\"Goal/" B "\"}}}}");
    ck_assert(body_prepare(body, &arena, &how, &omitted));
    ck_assert_str_eq(text_of(body), "{\"k\":1}");
}
END_TEST

START_TEST(a_body_that_is_itself_a_reference_stays_a_body) {
    const struct body_out how = { .labels = true, .resolve = resolve };
    uint32_t omitted;
    struct tree *body = tree_of("{\"reference\":\"Goal/" B "\",\"k\":1}");
    ck_assert(body_prepare(body, &arena, &how, &omitted));
    ck_assert_str_eq(text_of(body), "{\"k\":1}");
    ck_assert(!body_prepare(tree_of("[]"), &arena, &how, &omitted));
    ck_assert(!body_prepare(tree_of("7"), &arena, &how, &omitted));
}
END_TEST

START_TEST(the_identifier_follows_the_generation_single_and_in_a_list) {
    const struct body_out how = { .labels = true, .old_value = "v", .value = "w" };
    prepared("{\"identifier\":[{\"value\":\"u\"},{\"value\":\"v\"}]}", &how,
             "{\"identifier\":[{\"value\":\"u\"},{\"value\":\"w\"}]}", 0);
    prepared("{\"identifier\":{\"value\":\"v\"}}", &how, "{\"identifier\":{\"value\":\"w\"}}", 0);
    prepared("{\"identifier\":[{\"value\":7},\"v\",null]}", &how,
             "{\"identifier\":[{\"value\":7},\"v\",null]}", 0);
    prepared("{}", &how, "{}", 0);
}
END_TEST

/* ---- comparing ---- */

static void contains(const char *theirs, const char *mine, bool expected) {
    ck_assert_msg(body_contains(tree_of(theirs), tree_of(mine)) == expected, "%s in %s", mine,
                  theirs);
}

START_TEST(more_members_are_allowed_and_fewer_or_others_are_not) {
    contains("{\"a\":1,\"b\":2}", "{\"a\":1}", true);
    contains("{\"a\":1}", "{\"a\":1,\"b\":2}", false);
    contains("{\"a\":2}", "{\"a\":1}", false);
    contains("{\"a\":\"1\"}", "{\"a\":1}", false);
    contains("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1}}", true);
    contains("{\"a\":[{\"b\":1,\"c\":2}]}", "{\"a\":[{\"b\":1}]}", true);
    contains("{\"a\":[1,2]}", "{\"a\":[1]}", false);
    contains("{\"a\":[2,1]}", "{\"a\":[1,2]}", false);
}
END_TEST

START_TEST(sets_hold_in_any_order_and_with_more) {
    contains("{\"meta\":{\"tag\":[{\"code\":\"x\"},{\"code\":\"y\"}]}}",
             "{\"meta\":{\"tag\":[{\"code\":\"y\"}]}}", true);
    contains("{\"meta\":{\"tag\":[{\"code\":\"x\"}]}}", "{\"meta\":{\"tag\":[{\"code\":\"y\"}]}}",
             false);
    contains("{\"meta\":{\"profile\":[\"a\",\"b\"]}}", "{\"meta\":{\"profile\":[\"b\",\"a\"]}}",
             true);
}
END_TEST

START_TEST(an_identifier_that_the_server_adds_is_no_other_content) {
    contains("{\"identifier\":[{\"value\":\"theirs\"},{\"value\":\"ours\"}]}",
             "{\"identifier\":[{\"value\":\"ours\"}]}", true);
    contains("{\"identifier\":[{\"value\":\"theirs\"}]}", "{\"identifier\":[{\"value\":\"ours\"}]}",
             false);
}
END_TEST

static void normalised(const char *theirs, const char *mine, const char *to) {
    struct tree *t = tree_of(theirs);
    body_normalise(t, tree_of(mine));
    ck_assert_str_eq(text_of(t), to);
    struct tree *again = tree_of(to);
    ck_assert_uint_eq(t->length, again->length);
}

START_TEST(a_subject_is_a_reference_where_ours_has_one) {
    struct tree *mine = tree_of("{\"subject\":{\"reference\":\"Patient/1\"},\"performer\":["
                                "{\"reference\":\"Patient/1\"}]}");
    ck_assert(body_has_subject(tree_of("{\"subject\":{\"reference\":\"https://e/Patient/1\"}}"),
                               mine, "Patient"));
    ck_assert(!body_has_subject(tree_of("{\"subject\":{\"identifier\":{\"value\":\"1\"}},"
                                        "\"performer\":[{\"reference\":\"Patient/1\"}]}"),
                                mine, "Patient"));
    ck_assert(!body_has_subject(tree_of("{}"), mine, "Patient"));
    ck_assert(
        body_has_subject(tree_of("{}"), tree_of("{\"subject\":{\"display\":\"x\"}}"), "Patient"));
}
END_TEST

static void old(const char *answer, const char *before, const char *sent, bool expected) {
    bool is_old = body_shows_old(tree_of(answer), tree_of(before), tree_of(sent));
    ck_assert_msg(is_old == expected, "%s after %s to %s", answer, before, sent);
}

START_TEST(an_answer_with_the_old_value_is_old_whatever_else_it_has) {
    old("{\"a\":1}", "{\"a\":1}", "{\"a\":2}", true);
    old("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":2}", true);
    old("{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":2}]}", true);
    old("{\"a\":[1]}", "{\"a\":[1]}", "{\"a\":[1,2]}", true);
    old("{}", "{}", "{\"a\":1}", true);
    old("{\"a\":1}", "{\"a\":1}", "{}", true);
}
END_TEST

START_TEST(an_answer_in_the_target_s_own_words_is_not_old) {
    old("{\"a\":2}", "{\"a\":1}", "{\"a\":2}", false);
    old("{\"a\":2.0,\"z\":1}", "{\"a\":1}", "{\"a\":2}", false);
    old("{\"a\":2}", "{\"a\":1}", "{\"a\":2,\"b\":1}", false);
    old("{\"a\":2,\"b\":1}", "{\"a\":1,\"b\":1}", "{\"a\":2}", false);
    old("{\"a\":2,\"meta\":{\"tag\":[1]}}", "{\"a\":1,\"meta\":{\"tag\":[1]}}",
        "{\"a\":2,\"meta\":{\"tag\":[1,2]}}", false);
    old("{\"a\":1}", "{\"a\":1}", "{\"a\":1}", false);
}
END_TEST

START_TEST(what_servers_add_by_themselves_is_taken_out) {
    normalised("{\"meta\":{\"versionId\":\"2\",\"lastUpdated\":\"x\",\"source\":\"s\"},\"a\":1}",
               "{\"a\":1}", "{\"a\":1}");
    normalised("{\"meta\":{\"versionId\":\"2\",\"tag\":[]}}", "{}", "{\"meta\":{\"tag\":[]}}");
    normalised("{\"text\":{\"status\":\"generated\",\"div\":\"d\"}}", "{}", "{}");
    normalised("{\"text\":{\"status\":\"additional\"}}", "{}",
               "{\"text\":{\"status\":\"additional\"}}");
    normalised("{\"text\":{\"status\":\"generated\"}}", "{\"text\":{\"status\":\"generated\"}}",
               "{\"text\":{\"status\":\"generated\"}}");
    normalised("{\"meta\":\"odd\",\"text\":7}", "{\"meta\":{\"tag\":[]}}",
               "{\"meta\":\"odd\",\"text\":7}");
}
END_TEST

#define TAGS(list) "{\"meta\":{\"tag\":[" list "]}}"
START_TEST(sets_follow_our_order) {
    normalised(TAGS("1,2,3"), TAGS("3,1"), TAGS("3,1,2"));
    normalised(TAGS("1,2,3"), TAGS("2,4,1"), TAGS("2,1,3"));
    normalised(TAGS("1,2"), TAGS("1,2"), TAGS("1,2"));
    normalised(TAGS(""), TAGS("1"), TAGS(""));
    struct tree *t = tree_of(TAGS("1,2,3"));
    body_normalise(t, tree_of(TAGS("3,2,1")));
    const struct tree *list = tree_pointer(t, "/meta/tag");
    ck_assert_uint_eq(list->length, 3);
    ck_assert_ptr_null(list->last->next);
    ck_assert_str_eq(list->last->text, "1");
}
END_TEST

START_TEST(a_set_that_says_a_thing_twice_ends) {
    normalised(TAGS("1,2"), TAGS("1,1"), TAGS("1,2"));
    normalised(TAGS("2,1,1"), TAGS("1,1"), TAGS("1,1,2"));
    normalised(TAGS("{\"c\":1,\"s\":2},3"), TAGS("{\"c\":1},{\"s\":2}"),
               TAGS("{\"c\":1,\"s\":2},3"));
}
END_TEST

START_TEST(an_identifier_is_known_with_its_system) {
    bool others;
    const char *list = "{\"identifier\":[{\"system\":\"s\",\"value\":\"v\"},{\"value\":\"w\"}]}";
    ck_assert(body_has_identifier(tree_of(list), "s", "v", &others) && others);
    ck_assert(body_has_identifier(tree_of(list), "", "w", &others) && others);
    ck_assert(!body_has_identifier(tree_of(list), "t", "v", &others) && others);
    const char *one = "{\"identifier\":{\"system\":\"s\",\"value\":\"v\"}}";
    ck_assert(body_has_identifier(tree_of(one), "s", "v", &others) && !others);
    ck_assert(!body_has_identifier(tree_of(one), "s", "w", &others) && others);
    ck_assert(!body_has_identifier(tree_of("{}"), "s", "v", &others) && !others);
    ck_assert(!body_has_identifier(tree_of("{\"identifier\":7}"), "s", "v", &others));
}
END_TEST

static void refers_only(const char *body, bool expected) {
    ck_assert_msg(body_refers_only_to(tree_of(body), "Patient", "c1") == expected, "%s", body);
}
#define SUBJECT(text) "{\"subject\":{\"reference\":\"" text "\"}}"

START_TEST(a_body_in_another_chart_is_seen_however_it_refers) {
    refers_only("{}", true);
    refers_only(SUBJECT("Patient/c1"), true);
    refers_only(SUBJECT("Patient/c1/_history/2"), true);
    refers_only(SUBJECT("https://ehr.example/fhir/Patient/c1"), true);
    refers_only(SUBJECT("Goal/c2"), true);
    refers_only(SUBJECT("Patient/c2"), false);
    refers_only(SUBJECT("Patient/c11"), false);
    refers_only(SUBJECT("Patient/c"), false);
    refers_only(SUBJECT("https://ehr.example/fhir/Patient/c2/_history/1"), false);
    refers_only("{\"a\":[{\"reference\":\"Patient/c1\"},{\"b\":{\"reference\":\"Patient/c2\"}}]}",
                false);
    refers_only(SUBJECT("OtherPatient/c2"), true);
    refers_only("{\"subject\":{\"display\":\"Patient/c2\"}}", true);
}
END_TEST

START_TEST(one_id_is_found_where_all_references_to_a_type_agree) {
    const struct tree *body = tree_of("{\"subject\":{\"reference\":\"Patient/c7\"},\"note\":[{"
                                      "\"authorReference\":{\"reference\":"
                                      "\"https://e.example/fhir/Patient/c7/_history/2\"}}]}");
    ck_assert_str_eq(body_refers_to_one(body, &arena, "Patient"), "c7");
    ck_assert_ptr_null(body_refers_to_one(body, &arena, "Goal"));
    body = tree_of("{\"subject\":{\"reference\":\"Patient/c7\"},"
                   "\"author\":{\"reference\":\"Patient/c8\"}}");
    ck_assert_ptr_null(body_refers_to_one(body, &arena, "Patient"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("body");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, tear_down);
    tcase_add_test(all, the_id_is_set_replaced_or_left_out);
    tcase_add_test(all, labels_go_only_where_they_are_wanted);
    tcase_add_test(all, references_are_changed_kept_or_left_out_with_what_they_empty);
    tcase_add_test(all, what_is_no_reference_of_ours_is_not_touched);
    tcase_add_test(all, a_reference_within_one_that_is_left_out_goes_with_it);
    tcase_add_test(all, a_body_that_is_itself_a_reference_stays_a_body);
    tcase_add_test(all, the_identifier_follows_the_generation_single_and_in_a_list);
    tcase_add_test(all, more_members_are_allowed_and_fewer_or_others_are_not);
    tcase_add_test(all, sets_hold_in_any_order_and_with_more);
    tcase_add_test(all, an_identifier_that_the_server_adds_is_no_other_content);
    tcase_add_test(all, a_subject_is_a_reference_where_ours_has_one);
    tcase_add_test(all, an_answer_with_the_old_value_is_old_whatever_else_it_has);
    tcase_add_test(all, an_answer_in_the_target_s_own_words_is_not_old);
    tcase_add_test(all, what_servers_add_by_themselves_is_taken_out);
    tcase_add_test(all, sets_follow_our_order);
    tcase_add_test(all, a_set_that_says_a_thing_twice_ends);
    tcase_add_test(all, an_identifier_is_known_with_its_system);
    tcase_add_test(all, a_body_in_another_chart_is_seen_however_it_refers);
    tcase_add_test(all, one_id_is_found_where_all_references_to_a_type_agree);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
