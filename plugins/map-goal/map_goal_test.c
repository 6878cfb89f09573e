/* SPDX-License-Identifier: Apache-2.0 */
/* map-goal with the shipped instruments against the mock host. */
#include "lib/instrument/mapper_test.h"

#include "plugins/map-goal/map_goal.c"

static struct mapper self;

static void open_all(void) {
    test_open();
    self = (struct mapper) { .derive_achievement = true };
    ck_assert_msg(mapper_init(&self, &mock.host, &fault) == IPTFHIR_OK, "%s %s", fault.where,
                  fault.text);
}

static void close_all(void) {
    mapper_fini(&self);
    test_close();
}

/* Maps one goal (its members behind id, text and lifecycle) and PHQ-9 totals a month apart; its
 * facts, NULL when it was held. */
static const struct iptfhir_node *map_goal_with(const char *lifecycle, const char *members,
                                                const int *totals, size_t count) {
    char text[8192], measures[4096] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(measures + strlen(measures), sizeof measures - strlen(measures),
                 "%s{\"id\":\"M-%zu\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-0%zu-"
                 "12T14:00:00-05:00\","
                 "\"total\":%d}",
                 i ? "," : "", i + 1, i + 1, totals[i]);
    snprintf(text, sizeof text,
             "{" PATIENT COURSE
             "\"diagnoses\":[{\"id\":\"D-1\",\"icd10cm\":\"F32.1\"},{\"id\":\"D-2\",\"icd10cm\":"
             "\"Z600\"}],\"measures\":[%s],"
             "\"goals\":[{\"id\":\"G-1\",\"text\":\"Feel better\",\"lifecycle\":\"%s\"%s}]}",
             measures, lifecycle, members);
    ck_assert_int_eq(test_map(&iptfhir_plugin, &self, text), IPTFHIR_OK);
    return rendered("goal", 0);
}

#define BELOW_5                                                                                    \
    ",\"targets\":[{\"measureLoinc\":\"44261-6\",\"comparator\":\"<\",\"value\":5,\"due\":\"2026-" \
    "05-04\"}]"

/* Checks the achievement that totals give an active goal. */
static void check_achievement(const char *lifecycle, const int *totals, size_t count,
                              const char *expected) {
    const char *code = text_at(map_goal_with(lifecycle, BELOW_5, totals, count), "achievement");
    if (expected)
        ck_assert_str_eq(code, expected);
    else
        ck_assert_ptr_null(code);
}

START_TEST(a_last_total_that_meets_the_target_is_achieved) {
    const int totals[] = { 17, 10, 4 };
    check_achievement("active", totals, 3, "achieved");
    ck_assert_str_eq(text_at(rendered("goal", 0), "statusDate"), "2026-03-12");
}
END_TEST
START_TEST(a_reliable_drop_is_improving) {
    const int totals[] = { 17, 11 };
    check_achievement("active", totals, 2, "improving");
}
END_TEST
START_TEST(less_than_a_reliable_change_is_no_change) {
    const int totals[] = { 17, 12 };
    check_achievement("active", totals, 2, "no-change");
}
END_TEST
START_TEST(a_reliable_rise_is_worsening) {
    const int totals[] = { 11, 17 };
    check_achievement("active", totals, 2, "worsening");
}
END_TEST
START_TEST(a_baseline_alone_is_in_progress) {
    const int totals[] = { 17 };
    check_achievement("active", totals, 1, "in-progress");
}
END_TEST
START_TEST(a_finished_goal_whose_target_is_not_met_is_not_achieved) {
    const int totals[] = { 17, 10 };
    check_achievement("completed", totals, 2, "not-achieved");
}
END_TEST
START_TEST(a_proposed_goal_is_not_judged) {
    const int totals[] = { 17, 4 };
    check_achievement("proposed", totals, 2, NULL);
}
END_TEST
START_TEST(without_measures_nothing_is_derived) {
    check_achievement("active", NULL, 0, NULL);
}
END_TEST

START_TEST(the_records_achievement_wins) {
    const int totals[] = { 17, 4 };
    const struct iptfhir_node *facts = map_goal_with(
        "active", ",\"achievement\":\"sustaining\",\"statusDate\":\"2026-05-01\"" BELOW_5, totals,
        2);
    ck_assert_str_eq(text_at(facts, "achievement"), "sustaining");
    ck_assert_str_eq(text_at(facts, "achievementDisplay"), "Sustaining");
    ck_assert_str_eq(text_at(facts, "statusDate"), "2026-05-01");
}
END_TEST

START_TEST(deriving_can_be_switched_off) {
    const int totals[] = { 17, 4 };
    self.derive_achievement = false;
    check_achievement("active", totals, 2, NULL);
}
END_TEST

START_TEST(outcomes_are_the_totals_of_the_targets_measure_by_time) {
    const int totals[] = { 17, 4 };
    char id[37];
    const struct iptfhir_node *facts = map_goal_with("active", BELOW_5, totals, 2);
    ck_assert_uint_eq(count_at(facts, "outcomes"), 2);
    mock_identity(NULL, "Observation", "R-1/M-1/total", id);
    ck_assert_str_eq(text_at(facts, "outcomes.0"), id);
    ck_assert_str_eq(text_at(facts, "targets.0.loinc"), "44261-6");
    ck_assert_str_eq(text_at(facts, "targets.0.unit"), "{score}");
    ck_assert_str_eq(text_at(facts, "targets.0.due"), "2026-05-04");
}
END_TEST

START_TEST(a_coded_target_has_its_display) {
    const struct iptfhir_node *facts = map_goal_with(
        "active",
        ",\"targets\":[{\"measureLocal\":\"communication-style\",\"valueCode\":\"assertive\"}]",
        NULL, 0);
    ck_assert_str_eq(text_at(facts, "targets.0.local"), "communication-style");
    ck_assert_str_eq(text_at(facts, "targets.0.display"), "Communication style");
    ck_assert_str_eq(text_at(facts, "targets.0.valueDisplay"), "Assertive");
}
END_TEST

START_TEST(a_target_value_without_a_measure_holds_the_goal) {
    ck_assert_ptr_null(
        map_goal_with("active", ",\"targets\":[{\"comparator\":\"<\",\"value\":5}]", NULL, 0));
    ck_assert_str_eq(resources.holds[0].code, "target-measure");
    ck_assert_str_eq(resources.holds[0].pointer, "/goals/0/targets/0");
}
END_TEST

START_TEST(an_unknown_local_code_holds_the_goal) {
    ck_assert_ptr_null(map_goal_with(
        "active", ",\"targets\":[{\"measureLocal\":\"no-such-code\",\"value\":5}]", NULL, 0));
    ck_assert_str_eq(resources.holds[0].code, "unknown-code");
}
END_TEST

START_TEST(role_transitions_also_address_their_coded_condition) {
    char one[37], two[37];
    const struct iptfhir_node *facts = map_goal_with(
        "active", ",\"seedGoal\":\"identify-role-transitions\",\"addresses\":[\"D-1\"]", NULL, 0);
    mock_identity(NULL, "Condition", "P-1/D-1", one);
    mock_identity(NULL, "Condition", "P-1/D-2", two);
    ck_assert_uint_eq(count_at(facts, "addresses"), 2);
    ck_assert_str_eq(text_at(facts, "addresses.0"), one);
    ck_assert_str_eq(text_at(facts, "addresses.1"), two);
    ck_assert_str_eq(text_at(facts, "seedDisplay"), "Identify role transitions");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("map-goal");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, open_all, close_all);
    tcase_add_test(c, a_last_total_that_meets_the_target_is_achieved);
    tcase_add_test(c, a_reliable_drop_is_improving);
    tcase_add_test(c, less_than_a_reliable_change_is_no_change);
    tcase_add_test(c, a_reliable_rise_is_worsening);
    tcase_add_test(c, a_baseline_alone_is_in_progress);
    tcase_add_test(c, a_finished_goal_whose_target_is_not_met_is_not_achieved);
    tcase_add_test(c, a_proposed_goal_is_not_judged);
    tcase_add_test(c, without_measures_nothing_is_derived);
    tcase_add_test(c, the_records_achievement_wins);
    tcase_add_test(c, deriving_can_be_switched_off);
    tcase_add_test(c, outcomes_are_the_totals_of_the_targets_measure_by_time);
    tcase_add_test(c, a_coded_target_has_its_display);
    tcase_add_test(c, a_target_value_without_a_measure_holds_the_goal);
    tcase_add_test(c, an_unknown_local_code_holds_the_goal);
    tcase_add_test(c, role_transitions_also_address_their_coded_condition);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
