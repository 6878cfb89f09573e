/* SPDX-License-Identifier: Apache-2.0 */
/* map-careplan with the shipped instruments against the mock host. */
#include "lib/instrument/mapper_test.h"

#include "plugins/map-careplan/map_careplan.c"

static struct mapper self;

static void open_all(void) {
    test_open();
    self = (struct mapper) { 0 };
    ck_assert_msg(mapper_init(&self, &mock.host, &fault) == IPTFHIR_OK, "%s %s", fault.where,
                  fault.text);
}

static void close_all(void) {
    mapper_fini(&self);
    test_close();
}

/* Maps a course (its members behind id and format) and what else the record has. */
static const struct iptfhir_node *map_plan(const char *course, const char *rest) {
    char text[8192];
    snprintf(
        text, sizeof text,
        "{" PATIENT
        "\"course\":{\"id\":\"CRS-1\",\"format\":\"individual\",\"start\":\"2026-01-12\",%s}%s}",
        course, rest);
    ck_assert_int_eq(test_map(&iptfhir_plugin, &self, text), IPTFHIR_OK);
    ck_assert_uint_eq(resources.render_count, 1);
    return rendered("careplan", 0);
}

#define PHASES                                                                                     \
    "\"phases\":[{\"phase\":\"initial\",\"start\":\"2026-01-12\",\"end\":\"2026-02-02\"},{"        \
    "\"phase\":\"middle\","                                                                        \
    "\"start\":\"2026-02-09\",\"end\":\"2026-04-13\"},"                                            \
    "{\"phase\":\"termination\",\"start\":\"2026-04-20\",\"end\":\"2026-05-04\"}]"
#define MARCH                                                                                      \
    ",\"sessions\":[{\"id\":\"S-1\",\"start\":\"2026-03-02T14:00:00-05:00\",\"status\":"           \
    "\"finished\",\"techniques\":["                                                                \
    "\"problem-solving\"]},"                                                                       \
    "{\"id\":\"S-2\",\"start\":\"2026-04-27T14:00:00-04:00\",\"status\":\"planned\"}]"

/* Checks the status of the three phases of a course of which the record tells until March. */
static void check_phases(const char *course, const char *one, const char *two, const char *three) {
    char text[1024];
    snprintf(text, sizeof text, "\"status\":\"%s\"," PHASES, course);
    const struct iptfhir_node *facts = map_plan(text, MARCH);
    ck_assert_str_eq(text_at(facts, "phases.0.status"), one);
    ck_assert_str_eq(text_at(facts, "phases.1.status"), two);
    ck_assert_str_eq(text_at(facts, "phases.2.status"), three);
    ck_assert_str_eq(text_at(facts, "phases.0.code"), "phase-initial");
}

START_TEST(phases_of_an_active_course_follow_what_the_record_tells) {
    check_phases("active", "completed", "in-progress", "scheduled");
}
END_TEST
START_TEST(phases_of_a_paused_course_are_on_hold) {
    check_phases("on-hold", "completed", "on-hold", "scheduled");
}
END_TEST
START_TEST(phases_of_a_revoked_course_are_stopped_or_cancelled) {
    check_phases("revoked", "completed", "stopped", "cancelled");
}
END_TEST
START_TEST(phases_of_a_draft_have_not_started) {
    check_phases("draft", "not-started", "not-started", "not-started");
}
END_TEST

START_TEST(techniques_are_those_planned_for_goals_and_mark_those_only_seen_in_sessions) {
    const struct iptfhir_node *facts =
        map_plan("\"status\":\"active\"",
                 ",\"goals\":[{\"id\":\"G-1\",\"seedGoal\":\"enhance-communication-skills\","
                 "\"text\":\"t\",\"lifecycle\":\"active\"}]" MARCH);
    ck_assert_uint_eq(count_at(facts, "techniques"), 3);
    ck_assert_str_eq(text_at(facts, "techniques.0.code"), "communication-analysis");
    ck_assert_str_eq(text_at(facts, "techniques.1.code"), "role-play");
    ck_assert_str_eq(text_at(facts, "techniques.2.code"), "problem-solving");
    ck_assert_str_eq(text_at(facts, "techniques.0.planned"), "true");
    ck_assert_str_eq(text_at(facts, "techniques.2.planned"), "false");
    ck_assert_uint_eq(count_at(facts, "techniques.0.goals"), 1);
}
END_TEST

START_TEST(monitoring_has_its_schedule_its_totals_and_leaves_out_what_is_held) {
    char total[37];
    const struct iptfhir_node *facts = map_plan(
        "\"status\":\"active\",\"monitoring\":{\"instrument\":\"PHQ-9\",\"weeks\":[0,4,8]}",
        ",\"measures\":[{\"id\":\"M-2\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-02-"
        "09T14:00:00-05:00\","
        "\"total\":14},"
        "{\"id\":\"M-1\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-01-12T14:00:00-05:00\","
        "\"total\":17},"
        "{\"id\":\"M-3\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-03-09T14:00:00-05:00\","
        "\"total\":99}]");
    ck_assert_str_eq(text_at(facts, "monitoring.text"), "PHQ-9 monitoring at weeks 0, 4 and 8");
    ck_assert_int_eq(strtol(text_at(facts, "monitoring.period"), NULL, 10), 4);
    ck_assert_str_eq(text_at(facts, "monitoring.coding.code"), "715252007");
    ck_assert_uint_eq(count_at(facts, "monitoring.outcomes"), 2);
    mock_identity(NULL, "Observation", "R-1/M-2/total", total);
    ck_assert_str_eq(text_at(facts, "lastTotal"), total);
    mock_identity(NULL, "Observation", "R-1/M-1/panel", total);
    ck_assert_str_eq(text_at(facts, "supporting.0") + strlen("Observation/"), total);
}
END_TEST

START_TEST(weeks_that_are_not_evenly_spaced_give_no_period) {
    const struct iptfhir_node *facts = map_plan(
        "\"status\":\"active\",\"monitoring\":{\"instrument\":\"PHQ-9\",\"weeks\":[0,4,12]}", "");
    ck_assert_ptr_null(text_at(facts, "monitoring.period"));
}
END_TEST

START_TEST(a_support_person_is_referred_to_only_with_both_consents) {
    char id[37];
    const struct iptfhir_node *facts =
        map_plan("\"status\":\"active\"",
                 ",\"supportPersons\":[{\"id\":\"S-1\",\"agreedToParticipate\":true,"
                 "\"consentToShareIdentity\":true},"
                 "{\"id\":\"S-2\",\"agreedToParticipate\":true,\"consentToShareIdentity\":false},"
                 "{\"id\":\"S-3\",\"agreedToParticipate\":false,\"consentToShareIdentity\":true}]");
    ck_assert_uint_eq(count_at(facts, "support.performers"), 1);
    mock_identity(NULL, "RelatedPerson", "P-1/S-1", id);
    ck_assert_str_eq(text_at(facts, "support.performers.0"), id);
}
END_TEST

START_TEST(nobody_who_agreed_means_no_support_activity) {
    const struct iptfhir_node *facts =
        map_plan("\"status\":\"active\"",
                 ",\"supportPersons\":[{\"id\":\"S-1\",\"agreedToParticipate\":false,"
                 "\"consentToShareIdentity\":true}]");
    ck_assert_uint_eq(count_at(facts, "support"), 0);
}
END_TEST

START_TEST(the_narrative_is_made_of_codes_and_dates_alone) {
    const struct iptfhir_node *facts =
        map_plan("\"status\":\"completed\",\"end\":\"2026-05-04\",\"plannedWeeks\":16,"
                 "\"plannedSessions\":16,"
                 "\"problemAreas\":[{\"code\":\"role-transition\",\"rank\":1,\"description\":"
                 "\"SECRET\",\"zCode\":\"Z60.0\"}],"
                 "\"monitoring\":{\"instrument\":\"<SECRET>\",\"weeks\":[0]}",
                 ",\"goals\":[{\"id\":\"G-1\",\"text\":\"SECRET\",\"lifecycle\":\"active\"}]");
    ck_assert_str_eq(text_at(facts, "div"),
                     "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Interpersonal psychotherapy "
                     "(IPT) plan from "
                     "2026-01-12 to 2026-05-04, completed. "
                     "Individual IPT, 16 weeks, 16 sessions. Problem areas: role transition. "
                     "Goals: 1.</p></div>");
    ck_assert_str_eq(text_at(facts, "description"),
                     "Time-limited IPT. Problem areas: role transition.");
    ck_assert_str_eq(text_at(facts, "areas.0.z"), "Z60.0");
    ck_assert_str_eq(text_at(facts, "weekly"), "true");
}
END_TEST

START_TEST(what_xhtml_reserves_is_escaped) {
    struct iptfhir_node *displays = mock_read(mock.host.lasting, "{\"grief\":\"Grief <b>& loss\"}");
    self.displays = displays;
    const struct iptfhir_node *facts =
        map_plan("\"status\":\"active\",\"problemAreas\":[{\"code\":\"grief\"}]", "");
    ck_assert_ptr_nonnull(strstr(text_at(facts, "div"), "grief &lt;b&gt;&amp; loss"));
}
END_TEST

START_TEST(medication_is_supporting_information_and_one_request_coordinates_it) {
    char id[37];
    const struct iptfhir_node *facts = map_plan(
        "\"status\":\"active\",\"combinedTherapies\":[{\"type\":\"cbt\"},{\"type\":\"medication\","
        "\"rxnorm\":\"312941\"}]",
        "");
    mock_identity(NULL, "MedicationStatement", "P-1/312941/", id);
    ck_assert_str_eq(text_at(facts, "supporting.0") + strlen("MedicationStatement/"), id);
    mock_identity(NULL, "ServiceRequest", "R-1/SR-MED", id);
    ck_assert_str_eq(text_at(facts, "request"), id);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("map-careplan");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, open_all, close_all);
    tcase_add_test(c, phases_of_an_active_course_follow_what_the_record_tells);
    tcase_add_test(c, phases_of_a_paused_course_are_on_hold);
    tcase_add_test(c, phases_of_a_revoked_course_are_stopped_or_cancelled);
    tcase_add_test(c, phases_of_a_draft_have_not_started);
    tcase_add_test(c, techniques_are_those_planned_for_goals_and_mark_those_only_seen_in_sessions);
    tcase_add_test(c, monitoring_has_its_schedule_its_totals_and_leaves_out_what_is_held);
    tcase_add_test(c, weeks_that_are_not_evenly_spaced_give_no_period);
    tcase_add_test(c, a_support_person_is_referred_to_only_with_both_consents);
    tcase_add_test(c, nobody_who_agreed_means_no_support_activity);
    tcase_add_test(c, the_narrative_is_made_of_codes_and_dates_alone);
    tcase_add_test(c, what_xhtml_reserves_is_escaped);
    tcase_add_test(c, medication_is_supporting_information_and_one_request_coordinates_it);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
