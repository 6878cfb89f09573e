/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of mapping files: what they make, what vanishes, and what is said of wrong ones. */
#include "core/template/template.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];
static struct report report;

static void put(const char *name, const char *text) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}
static void set_up(void) {
    char path[160];
    snprintf(folder, sizeof folder, "%s/iptfhir-template-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/terminology", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put("terminology/map.json",
        "{\"resourceType\":\"ConceptMap\",\"name\":\"goal-status\",\"group\":[{\"element\":[{"
        "\"code\":\"done\",\"target\":[{\"code\":\"completed\","
        "\"equivalence\":\"equivalent\"}]},{\"code\":\"odd\",\"target\":[{\"equivalence\":"
        "\"unmatched\"}]}]}]}");
}
static void tear_down(void) {
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    report_free(&report);
    report = (struct report) { 0 };
}

static struct template_set *load(void) {
    const struct template_settings settings = { .identity_base = "https://b" };
    return template_set_load(folder, &settings, &report);
}

static bool collect(void *user, const struct template *t, struct tree *resource,
                    struct iptfhir_error *error) {
    (void)t, (void)error;
    struct str *out = user;
    if (out->length)
        str_putc(out, '\n');
    json_write(out, resource, JSON_COMPACT);
    return true;
}

/* Render a mapping over a record with facts; the resources a line each, or the error's code. */
static const char *render(struct template_set *set, const char *record, const char *facts) {
    static _Thread_local char text[4096];
    struct arena arena = { 0 };
    struct str out = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct template_render r = {
        .arena = &arena,
        .record = json_read_copy(&arena, record, strlen(record), NULL, &error),
        .facts = facts ? json_read_copy(&arena, facts, strlen(facts), NULL, &error) : NULL,
        .emit = collect,
        .user = &out
    };
    bool ok = template_render(set, template_find(set, "t"), &r, &error);
    snprintf(text, sizeof text, "%s", ok ? out.data ? out.data : "" : error.code);
    str_free(&out);
    arena_free(&arena);
    return text;
}

/* Load one mapping text and render it. */
static const char *make(const char *mapping, const char *record, const char *facts) {
    put("t.yaml", mapping);
    struct template_set *set = load();
    ck_assert_msg(set != NULL, "%s: %s", report.count ? report.entries[0].error.where : "",
                  report.count ? report.entries[0].error.text : "");
    const char *made = render(set, record, facts);
    template_set_free(set);
    return made;
}

#define GOAL "resource:\n  resourceType: Goal\n"

START_TEST(holes_keep_types_and_empty_elements_vanish_with_their_parents) {
    ck_assert_str_eq(make(GOAL "  description: {text: \"{{ name }}\"}\n  startDate: \"{{ none "
                               "}}\"\n  category: [{text: \"{{ none }}\"}]\n"
                               "  target: [{detailQuantity: {value: \"{{ n }}\"}}]\n",
                          "{\"name\":\"a\",\"n\":0.010}", NULL),
                     "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"a\"},\"target\":[{"
                     "\"detailQuantity\":{\"value\":0.010}}]}");
}
END_TEST

START_TEST(text_with_an_empty_hole_vanishes) {
    ck_assert_str_eq(
        make(GOAL
             "  description: {text: \"a {{ x }} b {{ y }}\"}\n  startDate: \"{{ x }}-{{ z }}\"\n",
             "{\"x\":\"1\",\"y\":2}", NULL),
        "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"a 1 b 2\"}}");
}
END_TEST

START_TEST(lists_loops_choices_and_assignments) {
    ck_assert_str_eq(
        make(GOAL
             "  category: [\"{[ none ]}\", {\"{% for g in goals %}\": {text: \"{{ %g.id }}\"}}]\n"
             "  \"{% if goals.count() > 5 %}\": {startDate: \"2026-01-01\"}\n  \"{% else %}\": "
             "{statusDate: \"2026-02-02\"}\n"
             "  \"{% assign %}\": [{total: \"{{ goals.count() }}\"}, {twice: \"{{ %total * 2 "
             "}}\"}]\n  description: {text: \"{{ %total }} {{ %twice }}\"}\n",
             "{\"goals\":[{\"id\":\"A\"},{\"id\":\"B\"}]}", NULL),
        "{\"resourceType\":\"Goal\",\"category\":[{\"text\":\"A\"},{\"text\":\"B\"}],"
        "\"statusDate\":\"2026-02-02\",\"description\":{\"text\":\"2 4\"}}");
}
END_TEST

START_TEST(a_directive_alone_is_the_value) {
    ck_assert_str_eq(
        make(GOAL "  meta: {\"{% if x %}\": {source: \"{{ x }}\"}}\n", "{\"x\":\"s\"}", NULL),
        "{\"resourceType\":\"Goal\",\"meta\":{\"source\":\"s\"}}");
    ck_assert_str_eq(make(GOAL "  meta: {\"{% if x %}\": {source: \"{{ x }}\"}}\n", "{}", NULL),
                     "{\"resourceType\":\"Goal\"}");
}
END_TEST

START_TEST(a_file_makes_several_resources_from_facts) {
    ck_assert_str_eq(make("facts: [items]\nresources:\n  - \"{% for i in %items %}\": "
                          "{resourceType: Goal, id: \"{{ %i }}\"}\n  - {resourceType: Flag}\n",
                          "{}", "{\"items\":[\"a\",\"b\"]}"),
                     "{\"resourceType\":\"Goal\",\"id\":\"a\"}\n{\"resourceType\":\"Goal\",\"id\":"
                     "\"b\"}\n{\"resourceType\":\"Flag\"}");
}
END_TEST

START_TEST(the_functions_of_mapping_files) {
    ck_assert_str_eq(
        make(GOAL "  lifecycleStatus: \"{{ s.translate('goal-status') }}\"\n  startDate: \"{{ "
                  "d.parseDate('dd/mm/yyyy') }}\"\n  id: \"{{ identity('Goal', 'k') }}\"\n",
             "{\"s\":\"done\",\"d\":\"12/01/2026\"}", NULL),
        "{\"resourceType\":\"Goal\",\"lifecycleStatus\":\"completed\",\"startDate\":\"2026-01-12\","
        "\"id\":\"48322e93-8cce-5508-ae31-7f5114bf38c3\"}");
}
END_TEST

START_TEST(faults_of_a_record_have_codes) {
    ck_assert_str_eq(make(GOAL "  lifecycleStatus: \"{{ s.translate('goal-status') }}\"\n",
                          "{\"s\":\"odd\"}", NULL),
                     "no-translation");
    ck_assert_str_eq(
        make(GOAL "  startDate: \"{{ d.required('a start is needed') }}\"\n", "{}", NULL),
        "required");
    ck_assert_str_eq(make(GOAL "  startDate: \"{{ d.parseDate('dd/mm/yyyy') }}\"\n",
                          "{\"d\":\"31/02/2026\"}", NULL),
                     "bad-date");
    ck_assert_str_eq(make(GOAL "  startDate: \"{{ 1 + 'a' }}\"\n", "{}", NULL),
                     "fhirpath-evaluation");
}
END_TEST

START_TEST(all_faults_of_a_file_are_listed_with_their_places) {
    static const struct {
        const char *where, *text;
    } expected[] = { { ":3:20", "whre" },    { ":4:3", "startDat" }, { ":5:", "list" },
                     { ":6:", "one value" }, { ":7:", "}}" },        { ":8:", "before it" },
                     { ":9:", "%thng" } };
    put("t.yaml", GOAL "  startDate: \"{{ a.whre(b) }}\"\n  startDat: x\n  category: {text: x}\n  "
                       "description: [x]\n  statusReason: \"{{ a\"\n"
                       "  \"{% elsif a %}\": {id: x}\n  id: \"{{ %thng }}\"\n");
    ck_assert_ptr_null(load());
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        bool found = false;
        for (size_t k = 0; k < report.count; k++)
            found = found || (strstr(report.entries[k].error.text, expected[i].text) &&
                              (i != 0 || strstr(report.entries[k].error.where, expected[i].where)));
        ck_assert_msg(found, "%s %s", expected[i].where, expected[i].text);
    }
}
END_TEST

static bool count_fault(void *user, const struct template *t, const struct iptfhir_error *error) {
    (void)t;
    str_printf(user, "!%s", error->code);
    return true;
}

START_TEST(a_resource_that_fails_does_not_take_its_neighbours_with_it) {
    put("t.yaml", "resources:\n  - \"{% for i in s %}\": {resourceType: Goal, lifecycleStatus: "
                  "\"{{ %i.translate('goal-status') }}\"}\n");
    struct template_set *set = load();
    struct arena arena = { 0 };
    struct str out = { 0 };
    const char *record = "{\"s\":[\"odd\",\"done\"]}";
    struct template_render r = { .arena = &arena,
                                 .record =
                                     json_read_copy(&arena, record, strlen(record), NULL, NULL),
                                 .emit = collect,
                                 .fault = count_fault,
                                 .user = &out };
    ck_assert(template_render(set, template_find(set, "t"), &r, NULL));
    ck_assert_str_eq(
        out.data, "!no-translation\n{\"resourceType\":\"Goal\",\"lifecycleStatus\":\"completed\"}");
    template_set_free(set);
    str_free(&out);
    arena_free(&arena);
}
END_TEST

START_TEST(a_file_says_class_owner_and_own_date) {
    put("t.yaml",
        "data_class: [goals, plan]\nowner: patient\nas_of: [statusDate, period.end, startDate]\n"
        "resources:\n  - {resourceType: Goal, startDate: \"2026-01-02\"}\n"
        "  - {resourceType: Goal}\n");
    struct template_set *set = load();
    ck_assert_ptr_nonnull(set);
    struct arena arena = { 0 };
    const struct template *t = template_find(set, "t");
    ck_assert_int_eq(template_owner_of(t), TEMPLATE_PATIENT);
    ck_assert_str_eq(template_data_class(t, 0), "goals");
    ck_assert_str_eq(template_data_class(t, 1), "plan");
    const char *goal = "{\"startDate\":\"2026-01-02\"}";
    struct tree *dated = json_read_copy(&arena, goal, strlen(goal), NULL, NULL);
    const char *ended = "{\"startDate\":\"2026-01-03\",\"period\":{\"end\":\"2026-01-02\"}}";
    struct tree *within = json_read_copy(&arena, ended, strlen(ended), NULL, NULL);
    ck_assert_int_eq(template_as_of(t, within), 1767312000000);
    struct tree *bare = json_read_copy(&arena, "{}", 2, NULL, NULL);
    ck_assert_int_eq(template_as_of(t, dated), 1767312000000);
    ck_assert_int_eq(template_as_of(t, bare), 0);
    arena_free(&arena);
    template_set_free(set);
}
END_TEST

START_TEST(unknown_types_and_keys_are_refused) {
    static const char *const texts[] = {
        "resource: {resourceType: Gaol}\n",
        "resorce: {resourceType: Goal}\n",
        "resources: {a: b}\n",
        "facts: [x, x]\nresource: {resourceType: Goal}\n",
        "resource: {resourceType: Goal}\nresources: []\n",
        "- a\n",
        "owner: nobody\nresource: {resourceType: Goal}\n",
        "data_class: [a, b]\nresource: {resourceType: Goal}\n",
        "as_of: 1\nresource: {resourceType: Goal}\n",
        "resource: {resourceType: Goal, \"{% while x %}\": {id: a}}\n"
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put("t.yaml", texts[i]);
        ck_assert_msg(load() == NULL && report.errors, "%s", texts[i]);
        report_free(&report);
        report = (struct report) { 0 };
    }
}
END_TEST

START_TEST(coverage_tells_what_was_always_empty_and_never_read) {
    put("t.yaml", GOAL "  description: {text: \"{{ name }}\"}\n  startDate: \"{{ started }}\"\n");
    struct template_set *set = load();
    ck_assert_ptr_nonnull(set);
    struct arena arena = { 0 };
    struct str out = { 0 };
    struct template_coverage *c = template_coverage_new(set);
    struct tree *record = json_read_copy(&arena, "{\"name\":\"a\",\"other\":1}", 22, NULL, NULL);
    struct template_render r = {
        .arena = &arena, .record = record, .emit = collect, .user = &out, .coverage = c
    };
    template_coverage_record(c, record);
    ck_assert(template_render(set, template_find(set, "t"), &r, NULL));
    template_coverage_report(c, NULL, &report);
    bool empty = false, unread = false, name = false;
    for (size_t i = 0; i < report.count; i++) {
        empty = empty || (!strcmp(report.entries[i].error.code, "always-empty") &&
                          strstr(report.entries[i].error.text, "started"));
        unread = unread || (!strcmp(report.entries[i].error.code, "never-read") &&
                            !strcmp(report.entries[i].error.where, "other"));
        name = name || !strcmp(report.entries[i].error.where, "name");
    }
    ck_assert(empty && unread && !name);
    template_coverage_free(c);
    template_set_free(set);
    str_free(&out);
    arena_free(&arena);
}
END_TEST

/* Render the same set many times. */
static void *render_often(void *set) {
    for (int i = 0; i < 500; i++)
        if (strcmp(render(set, "{\"name\":\"a\"}", NULL),
                   "{\"resourceType\":\"Goal\",\"description\":{\"text\":\"a\"}}") != 0)
            return set;
    return NULL;
}

START_TEST(threads_share_a_set) {
    put("t.yaml", GOAL "  description: {text: \"{{ name }}\"}\n");
    struct template_set *set = load();
    pthread_t other;
    void *failed = NULL;
    ck_assert_int_eq(pthread_create(&other, NULL, render_often, set), 0);
    ck_assert_ptr_null(render_often(set));
    pthread_join(other, &failed);
    ck_assert_ptr_null(failed);
    template_set_free(set);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("template");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, holes_keep_types_and_empty_elements_vanish_with_their_parents);
    tcase_add_test(all, text_with_an_empty_hole_vanishes);
    tcase_add_test(all, lists_loops_choices_and_assignments);
    tcase_add_test(all, a_directive_alone_is_the_value);
    tcase_add_test(all, a_file_makes_several_resources_from_facts);
    tcase_add_test(all, the_functions_of_mapping_files);
    tcase_add_test(all, faults_of_a_record_have_codes);
    tcase_add_test(all, all_faults_of_a_file_are_listed_with_their_places);
    tcase_add_test(all, a_resource_that_fails_does_not_take_its_neighbours_with_it);
    tcase_add_test(all, a_file_says_class_owner_and_own_date);
    tcase_add_test(all, unknown_types_and_keys_are_refused);
    tcase_add_test(all, coverage_tells_what_was_always_empty_and_never_read);
    tcase_add_test(all, threads_share_a_set);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
