/* SPDX-License-Identifier: Apache-2.0 */
/* map-observation with the shipped instruments against the mock host. */
#include "lib/instrument/mapper_test.h"

#include "plugins/map-observation/map_observation.c"

static struct mapper self;

static void open_all(void) {
    test_open();
    self = (struct mapper) { .questionnaire_response = true, .flag = true };
    ck_assert_msg(mapper_init(&self, &mock.host, &fault) == IPTFHIR_OK, "%s %s", fault.where,
                  fault.text);
}

static void close_all(void) {
    mapper_fini(&self);
    test_close();
}

/* A PHQ-9 whose items are 9 digits, one an item; '-' is a missing answer. */
static const char *phq9(char *out, size_t size, const char *id, const char *at, const char *items,
                        const char *rest) {
    size_t used = (size_t)snprintf(out, size,
                                   "{\"id\":\"%s\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"%"
                                   "s\",\"reportedBy\":\"patient\",\"items\":{",
                                   id, at);
    for (int i = 0; i < 9; i++)
        used += (size_t)snprintf(out + used, size - used,
                                 items[i] == '-' ? "%s\"phq9_%d\":null" : "%s\"phq9_%d\":%c",
                                 i ? "," : "", i + 1, items[i]);
    snprintf(out + used, size - used, "}%s}", rest);
    return out;
}

/* Maps a record of measures. */
static void map_measures(const char *measures) {
    char text[8192];
    snprintf(text, sizeof text, "{" PATIENT COURSE "\"measures\":[%s]}", measures);
    ck_assert_int_eq(test_map(&iptfhir_plugin, &self, text), IPTFHIR_OK);
}

/* Maps one PHQ-9. */
static void map_one(const char *items, const char *rest) {
    char one[2048];
    map_measures(phq9(one, sizeof one, "M-1", "2026-01-12T14:00:00-05:00", items, rest));
}

START_TEST(a_measure_becomes_a_response_and_a_panel_with_a_recomputed_total) {
    map_one("232312210", ",\"total\":16,\"functionalDifficulty\":2");
    ck_assert_uint_eq(resources.render_count, 2);
    const struct iptfhir_node *facts = rendered("observation-panel", 0);
    ck_assert_ptr_nonnull(rendered("questionnaireresponse", 0));
    ck_assert_int_eq(strtol(text_at(facts, "total.value"), NULL, 10), 16);
    ck_assert_str_eq(text_at(facts, "total.band.code"), "phq9-moderately-severe");
    ck_assert_str_eq(text_at(facts, "key"), "R-1/M-1");
    ck_assert_str_eq(text_at(facts, "reporter"), "patient");
    ck_assert_uint_eq(count_at(facts, "items"), 10);
    ck_assert_uint_eq(count_at(facts, "ids"), 10);
    ck_assert_str_eq(text_at(facts, "items.0.code"), "44250-9");
    ck_assert_str_eq(text_at(facts, "items.0.answer"), "LA6570-1");
    ck_assert_str_eq(text_at(facts, "items.9.answer"), "LA6575-0");
    char id[37];
    mock_identity(NULL, "Observation", "R-1/M-1/44250-9", id);
    ck_assert_str_eq(text_at(facts, "ids.0"), id);
    ck_assert_uint_eq(resources.alert_count, 0);
}
END_TEST

START_TEST(a_total_that_is_not_the_sum_is_held) {
    map_one("232312210", ",\"total\":15");
    ck_assert_uint_eq(resources.render_count, 0);
    ck_assert_uint_eq(resources.hold_count, 1);
    ck_assert_str_eq(resources.holds[0].code, "total-mismatch");
    ck_assert_str_eq(resources.holds[0].pointer, "/measures/0/total");
}
END_TEST

START_TEST(an_answer_out_of_range_is_held) {
    map_one("232712210", "");
    ck_assert_uint_eq(resources.render_count, 0);
    ck_assert_str_eq(resources.holds[0].code, "out-of-range");
    ck_assert_str_eq(resources.holds[0].pointer, "/measures/0/items/phq9_4");
}
END_TEST

START_TEST(a_total_out_of_range_is_held) {
    map_measures("{\"id\":\"M-1\",\"instrument\":\"GAD-7\",\"administeredAt\":\"2026-01-12T14:00:"
                 "00Z\",\"total\":22}");
    ck_assert_uint_eq(resources.render_count, 0);
    ck_assert_str_eq(resources.holds[0].code, "out-of-range");
}
END_TEST

START_TEST(an_unknown_instrument_and_an_unknown_item_are_held) {
    map_measures(
        "{\"id\":\"M-1\",\"instrument\":\"XYZ\",\"administeredAt\":\"2026-01-12T14:00:00Z\","
        "\"total\":2},"
        "{\"id\":\"M-2\",\"instrument\":\"GAD-7\",\"administeredAt\":\"2026-01-12T14:00:00Z\","
        "\"items\":{"
        "\"gad7_1\":1,\"gad_2\":1}},"
        "{\"id\":\"M-3\",\"instrument\":\"GAD-7\",\"administeredAt\":\"2026-01-12T14:00:00Z\"}");
    ck_assert_uint_eq(resources.render_count, 0);
    ck_assert_uint_eq(resources.hold_count, 3);
    ck_assert_str_eq(resources.holds[0].code, "unknown-instrument");
    ck_assert_str_eq(resources.holds[0].pointer, "/measures/0/instrument");
    ck_assert_str_eq(resources.holds[1].code, "unknown-item");
    ck_assert_str_eq(resources.holds[2].code, "empty-measure");
}
END_TEST

START_TEST(a_missing_answer_leaves_the_total_absent_and_is_never_imputed) {
    map_one("23-312210", ",\"total\":14");
    const struct iptfhir_node *facts = rendered("observation-panel", 0);
    ck_assert_ptr_nonnull(facts);
    ck_assert_str_eq(text_at(facts, "items.2.absent"), "unknown");
    ck_assert_ptr_null(text_at(facts, "items.2.answer"));
    ck_assert_str_eq(text_at(facts, "total.absent"), "unknown");
    ck_assert_ptr_null(text_at(facts, "total.value"));
    ck_assert_ptr_null(text_at(facts, "total.band"));
    ck_assert_uint_eq(resources.hold_count, 0);
}
END_TEST

START_TEST(a_measure_with_only_a_total_has_no_items_and_no_response) {
    map_measures("{\"id\":\"M-1\",\"instrument\":\"GAD-7\",\"administeredAt\":\"2026-01-12T14:00:"
                 "00Z\",\"total\":9}");
    const struct iptfhir_node *facts = rendered("observation-panel", 0);
    ck_assert_uint_eq(resources.render_count, 1);
    ck_assert_uint_eq(count_at(facts, "items"), 0);
    ck_assert_ptr_null(text_at(facts, "response"));
    ck_assert_str_eq(text_at(facts, "total.band.code"), "gad7-mild");
    ck_assert_ptr_null(text_at(facts, "reporter"));
}
END_TEST

START_TEST(the_response_can_be_left_out) {
    self.questionnaire_response = false;
    map_one("232312210", "");
    ck_assert_uint_eq(resources.render_count, 1);
    ck_assert_ptr_null(text_at(rendered("observation-panel", 0), "response"));
}
END_TEST

START_TEST(a_positive_self_harm_item_alerts_and_makes_an_active_flag) {
    map_one("000000001", "");
    ck_assert_uint_eq(resources.alert_count, 1);
    ck_assert_str_eq(resources.alerts[0].pointer, "/measures/0/items/phq9_9");
    ck_assert_str_eq(resources.alerts[0].code, "positive-self-harm-item");
    ck_assert_ptr_nonnull(text_at(rendered("observation-panel", 0), "items.8.alert"));
    ck_assert_str_eq(text_at(rendered("flag", 0), "status"), "active");
    ck_assert_str_eq(text_at(rendered("flag", 0), "key"), "R-1/item9");
}
END_TEST

START_TEST(a_positive_item_alerts_even_when_its_measure_is_held) {
    map_one("000000002", ",\"total\":0");
    ck_assert_uint_eq(resources.hold_count, 1);
    ck_assert_uint_eq(resources.alert_count, 1);
    ck_assert_str_eq(text_at(rendered("flag", 0), "status"), "active");
}
END_TEST

START_TEST(a_positive_item_that_only_the_safety_field_tells_of_alerts) {
    map_measures("{\"id\":\"M-1\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-01-12T14:00:"
                 "00Z\",\"total\":9,"
                 "\"safety\":{\"item9\":1,\"positive\":true}}");
    ck_assert_uint_eq(resources.alert_count, 1);
    ck_assert_str_eq(resources.alerts[0].pointer, "/measures/0/safety");
}
END_TEST

START_TEST(a_flag_ends_with_a_later_answer_that_is_not_positive_once_all_are_acknowledged) {
    char a[2048], b[2048], c[2048], all[6500];
    phq9(a, sizeof a, "M-1", "2026-01-12T14:00:00-05:00", "000000001",
         ",\"safety\":{\"acknowledgedAt\":\"2026-01-12T15:00:00-05:00\"}");
    phq9(b, sizeof b, "M-2", "2026-02-09T14:00:00-05:00", "00000000-", "");
    phq9(c, sizeof c, "M-3", "2026-03-09T14:00:00-04:00", "000000000", "");
    snprintf(all, sizeof all, "%s,%s,%s", c, a, b);
    map_measures(all);
    ck_assert_str_eq(text_at(rendered("flag", 0), "status"), "inactive");
    ck_assert_str_eq(text_at(rendered("flag", 0), "start"), "2026-01-12");
    ck_assert_str_eq(text_at(rendered("flag", 0), "end"), "2026-03-09");
}
END_TEST

START_TEST(a_missing_answer_or_no_acknowledgement_keeps_a_flag_active) {
    char a[2048], b[2048], all[4200];
    phq9(a, sizeof a, "M-1", "2026-01-12T14:00:00-05:00", "000000001",
         ",\"safety\":{\"acknowledgedAt\":\"2026-01-12T15:00:00-05:00\"}");
    phq9(b, sizeof b, "M-2", "2026-02-09T14:00:00-05:00", "00000000-", "");
    snprintf(all, sizeof all, "%s,%s", a, b);
    map_measures(all);
    ck_assert_str_eq(text_at(rendered("flag", 0), "status"), "active");
    ck_assert_ptr_null(text_at(rendered("flag", 0), "end"));
}
END_TEST

START_TEST(change_since_the_baseline_is_marked_by_the_instruments_rules) {
    char a[2048], b[2048], c[2048], all[6500];
    phq9(a, sizeof a, "M-1", "2026-01-12T14:00:00-05:00", "232312220", "");
    phq9(b, sizeof b, "M-2", "2026-02-09T14:00:00-05:00", "222211220", "");
    phq9(c, sizeof c, "M-3", "2026-03-09T14:00:00-04:00", "111111110", "");
    snprintf(all, sizeof all, "%s,%s,%s", a, b, c);
    map_measures(all);
    ck_assert_ptr_null(text_at(rendered("observation-panel", 0), "total.marks.0.code"));
    ck_assert_ptr_null(text_at(rendered("observation-panel", 1), "total.marks.0.code"));
    ck_assert_str_eq(text_at(rendered("observation-panel", 2), "total.marks.0.code"),
                     "reliable-improvement");
    ck_assert_str_eq(text_at(rendered("observation-panel", 2), "total.marks.1.code"), "response");
    ck_assert_str_eq(text_at(rendered("observation-panel", 2), "total.marks.2.code"),
                     "reliable-recovery");
}
END_TEST

START_TEST(a_measure_far_from_the_start_is_no_baseline) {
    char a[2048], b[2048], all[4200];
    phq9(a, sizeof a, "M-1", "2026-03-12T14:00:00-05:00", "333333330", "");
    phq9(b, sizeof b, "M-2", "2026-04-09T14:00:00-05:00", "000000000", "");
    snprintf(all, sizeof all, "%s,%s", a, b);
    map_measures(all);
    ck_assert_ptr_null(text_at(rendered("observation-panel", 1), "total.marks.0.code"));
}
END_TEST

START_TEST(every_communication_assessment_is_an_observation_of_its_own) {
    ck_assert_int_eq(
        test_map(&iptfhir_plugin, &self,
                 "{" PATIENT
                 "\"communicationAssessments\":[{\"date\":\"2026-01-19\",\"style\":\"passive\"},"
                 "{\"date\":\"2026-01-19\",\"style\":\"aggressive\",\"effectiveness\":4},{"
                 "\"style\":\"passive\"}]}"),
        IPTFHIR_OK);
    ck_assert_str_eq(text_at(rendered("observation-communication", 0), "key"),
                     "R-1/comm-2026-01-19");
    ck_assert_str_eq(text_at(rendered("observation-communication", 1), "key"),
                     "R-1/comm-2026-01-19-2");
    ck_assert_str_eq(text_at(rendered("observation-communication", 1), "styleDisplay"),
                     "Aggressive");
    ck_assert_uint_eq(resources.hold_count, 1);
    ck_assert_str_eq(resources.holds[0].pointer, "/communicationAssessments/2/date");
}
END_TEST

START_TEST(relationships_are_coded_and_nameless_and_stay_when_a_consent_excludes_them) {
    static const char inventory[] =
        "\"interpersonalInventory\":[{\"id\":\"R-2\",\"relationshipType\":\"family\","
        "\"impact\":[\"stress\",\"conflict\"],\"narrative\":\"RESTRICTED\"}]";
    char text[1024];
    snprintf(text, sizeof text, "{" PATIENT COURSE "%s}", inventory);
    ck_assert_int_eq(test_map(&iptfhir_plugin, &self, text), IPTFHIR_OK);
    const struct iptfhir_node *facts = rendered("observation-relationship", 0);
    ck_assert_str_eq(text_at(facts, "relationships.1.key"), "R-1/R-2/conflict");
    ck_assert_str_eq(text_at(facts, "at"), "2026-01-12");
    const char *all = mock_nodes()->write(resources.sink.document, facts, NULL);
    ck_assert_ptr_null(strstr(all, "RESTRICTED"));
    snprintf(text, sizeof text,
             "{" PATIENT COURSE
             "\"consents\":[{\"status\":\"active\",\"excludedClasses\":[\"interpersonal\"]}],%s}",
             inventory);
    ck_assert_int_eq(test_map(&iptfhir_plugin, &self, text), IPTFHIR_OK);
    ck_assert_ptr_null(rendered("observation-relationship", 1));
}
END_TEST

/* The shipped files, but for a gap between two bands of the PHQ-9. */
static const struct iptfhir_node *broken(const char *path, struct iptfhir_document *lasting) {
    iptfhir_nodes n = mock_nodes();
    const struct iptfhir_node *good = test_document(path, lasting);
    if (strstr(path, "phq-9") == NULL)
        return good;
    struct iptfhir_node *bands = n->array(lasting);
    const struct iptfhir_node *from = n->first(n->get(good, "bands"));
    for (size_t i = 0; from != NULL; i++, from = n->next(from)) {
        struct iptfhir_node *band = n->copy(lasting, from);
        if (i == 1)
            ck_assert(iptfhir_set_integer(n, lasting, band, "low", 6));
        ck_assert(n->append(bands, band));
    }
    struct iptfhir_node *changed = n->copy(lasting, good);
    ck_assert(n->set(lasting, changed, "bands", bands));
    return changed;
}

START_TEST(an_instrument_file_with_a_gap_between_bands_is_refused_with_its_place) {
    struct mapper other = { 0 };
    mock.document = broken;
    ck_assert_int_eq(mapper_init(&other, &mock.host, &fault), IPTFHIR_FATAL);
    ck_assert_str_eq(fault.code, "instrument");
    ck_assert_str_eq(fault.where, "document:/bands");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("map-observation");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, open_all, close_all);
    tcase_add_test(c, a_measure_becomes_a_response_and_a_panel_with_a_recomputed_total);
    tcase_add_test(c, a_total_that_is_not_the_sum_is_held);
    tcase_add_test(c, an_answer_out_of_range_is_held);
    tcase_add_test(c, a_total_out_of_range_is_held);
    tcase_add_test(c, an_unknown_instrument_and_an_unknown_item_are_held);
    tcase_add_test(c, a_missing_answer_leaves_the_total_absent_and_is_never_imputed);
    tcase_add_test(c, a_measure_with_only_a_total_has_no_items_and_no_response);
    tcase_add_test(c, the_response_can_be_left_out);
    tcase_add_test(c, a_positive_self_harm_item_alerts_and_makes_an_active_flag);
    tcase_add_test(c, a_positive_item_alerts_even_when_its_measure_is_held);
    tcase_add_test(c, a_positive_item_that_only_the_safety_field_tells_of_alerts);
    tcase_add_test(c,
                   a_flag_ends_with_a_later_answer_that_is_not_positive_once_all_are_acknowledged);
    tcase_add_test(c, a_missing_answer_or_no_acknowledgement_keeps_a_flag_active);
    tcase_add_test(c, change_since_the_baseline_is_marked_by_the_instruments_rules);
    tcase_add_test(c, a_measure_far_from_the_start_is_no_baseline);
    tcase_add_test(c, every_communication_assessment_is_an_observation_of_its_own);
    tcase_add_test(c, relationships_are_coded_and_nameless_and_stay_when_a_consent_excludes_them);
    tcase_add_test(c, an_instrument_file_with_a_gap_between_bands_is_refused_with_its_place);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
