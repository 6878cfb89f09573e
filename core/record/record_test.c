/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the record schema: loading, checking, dropping what is restricted, hashing. */
#include "core/record/record.h"

#include "core/base/str.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A small but complete record, in which every restricted field says RESTRICTED. */
static const char sample[] =
    "{\"schemaVersion\":\"1.0\",\"recordId\":\"R-1\",\n"
    "\"source\":{\"system\":\"redcap\",\"sourceId\":\"7\",\"extractedAt\":\"2026-05-05T02:00:00Z\","
    "\"contentHash\":"
    "\"a\"},\n"
    "\"patient\":{\"localId\":\"P-1\",\"identifiers\":[{\"system\":\"urn:oid:1.2.3\",\"value\":\"M-"
    "1\",\"type\":\"MR\"}"
    "],"
    "\"familyName\":\"Vale\",\"givenNames\":[\"Kim\"],\"birthDate\":\"1984-02-29\",\"sex\":"
    "\"female\"},\n"
    "\"organization\":null,\"therapist\":{\"localId\":\"T-1\",\"npi\":\"1234567893\"},\n"
    "\"consents\":[{\"id\":\"C-1\",\"status\":\"active\",\"signedAt\":\"2026-01-12\",\"expires\":"
    "\"2027-01-12\","
    "\"dataClasses\":[\"plan\"],\"part2\":false}],\n"
    "\"diagnoses\":[{\"id\":\"D-1\",\"code\":\"mdd\",\"icd10cm\":\"F32.1\",\"snomed\":\"15639000\","
    "\"onset\":\"2025-"
    "10\"}],\n"
    "\"course\":{\"id\":\"CRS-1\",\"status\":\"active\",\"format\":\"individual\",\"start\":\"2026-"
    "01-12\",\"end\":"
    "\"2026-05-04\",\"plannedWeeks\":16},\n"
    "\"interpersonalInventory\":[{\"id\":\"I-1\",\"relationshipType\":\"family\",\"closeness\":2,"
    "\"supportPersonId\":"
    "\"S-1\",\"narrative\":\"RESTRICTED one\"}],\n"
    "\"supportPersons\":[{\"id\":\"S-1\",\"agreedToParticipate\":true,\"consentToShareIdentity\":"
    "false}],\n"
    "\"goals\":[{\"id\":\"G-1\",\"text\":\"Sleep\",\"lifecycle\":\"active\",\"targets\":[{"
    "\"measureLoinc\":\"44261-6\","
    "\"comparator\":\"<\",\"value\":5}],\"addresses\":[\"D-1\"]}],\n"
    "\"sessions\":[{\"id\":\"SES-1\",\"start\":\"2026-01-12T14:00:00-05:00\",\"end\":\"2026-01-"
    "12T20:00:00Z\","
    "\"attendees\":[\"patient\",\"S-1\"],"
    "\"measures\":[\"M-1\"],\"processNotes\":\"RESTRICTED two\",\"narrative\":\"RESTRICTED "
    "three\"}],\n"
    "\"measures\":[{\"id\":\"M-1\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-01-12T14:05:"
    "00-05:00\",\"items\":"
    "{\"phq9_1\":2,\"phq9_2\":null},\"total\":2},"
    "{\"id\":\"M-2\",\"instrument\":\"PHQ-9\",\"administeredAt\":\"2026-02-12T14:05:00-05:00\","
    "\"items\":{\"phq9_1\":1}"
    ",\"total\":1}]}";

static struct record_schema *schema;
static struct arena arena;

/* The path of the schema file. */
static const char *schema_path(void) {
    static char path[4096];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/mappings/schema/ipt-record.schema.json",
             top != NULL ? top : ".");
    return path;
}

/* Parses a record. */
static struct tree *parse(const char *json) {
    struct iptfhir_error error = ERROR_INIT;
    struct tree *tree = json_read_copy(&arena, json, strlen(json), "r.json", &error);
    ck_assert_msg(tree != NULL, "%s: %s", error.where, error.text);
    return tree;
}

/* The sample with `from` (first occurrence) replaced by `to`. */
static struct tree *changed(const char *from, const char *to) {
    struct str text = { 0 };
    const char *at = strstr(sample, from);
    ck_assert_msg(at != NULL, "the sample has no %s", from);
    str_add(&text, sample, (size_t)(at - sample));
    str_puts(&text, to);
    str_puts(&text, at + strlen(from));
    struct tree *tree = parse(text.data);
    str_free(&text);
    return tree;
}

/* Loads the schema before each test. */
static void set_up(void) {
    struct report report = { 0 };
    schema = record_schema_load(schema_path(), &report);
    ck_assert_msg(schema != NULL, "%s: %s", report.count ? report.entries[0].error.where : "",
                  report.count ? report.entries[0].error.text : "");
    ck_assert_uint_eq(report.count, 0);
}

/* Frees it again. */
static void tear_down(void) {
    record_schema_free(schema);
    arena_free(&arena);
}

START_TEST(a_complete_record_is_accepted) {
    struct report report = { 0 };
    struct tree *record = parse(sample);
    ck_assert(record_check(schema, record, "r.json", &report));
    ck_assert_uint_eq(report.count, 0);
    ck_assert_uint_eq(record_drop_restricted(schema, record), 3);
    ck_assert(record_check(schema, record, "r.json", &report));
    ck_assert_str_eq(record_id(record), "R-1");
}
END_TEST

START_TEST(restricted_fields_are_gone_after_the_drop) {
    struct str text = { 0 };
    struct tree *record = parse(sample);
    json_write(&text, record, JSON_COMPACT);
    ck_assert_ptr_nonnull(strstr(text.data, "RESTRICTED"));
    ck_assert_uint_eq(record_drop_restricted(schema, record), 3);
    str_clear(&text);
    json_write(&text, record, JSON_COMPACT);
    ck_assert_ptr_null(strstr(text.data, "RESTRICTED"));
    ck_assert_ptr_nonnull(strstr(text.data, "\"attendees\""));
    ck_assert_uint_eq(record_drop_restricted(schema, record), 0);
    str_free(&text);
}
END_TEST

static const struct {
    const char *from, *to, *where, *word;
} faults[] = {
    { "\"recordId\":\"R-1\",", "", "/recordId", "missing" },
    { "\"schemaVersion\":\"1.0\"", "\"schemaVersion\":\"2.0\"", "/schemaVersion", "expected 1.0" },
    { "\"processNotes\"", "\"procesNotes\"", "r.json:11:155 /sessions/0/procesNotes",
      "'processNotes'" },
    { "\"narrative\":\"RESTRICTED one\"", "\"processNotes\":\"RESTRICTED\"",
      "/interpersonalInventory/0/processNotes", "unknown" },
    { "\"plannedWeeks\":16", "\"plannedWeks\":16", "/course/plannedWeks", "'plannedWeeks'" },
    { "\"plannedWeeks\":16", "\"Kim Vale\":16", "/course/(unusual-name)", "unknown" },
    { "\"plannedWeeks\":16", "\"plannedWeeks\":16.5", "/course/plannedWeeks", "whole number" },
    { "\"plannedWeeks\":16", "\"plannedWeeks\":\"16\"", "/course/plannedWeeks",
      "a number or null" },
    { "\"sex\":\"female\"", "\"sex\":\"f\"", "/patient/sex", "one of: female, male" },
    { "\"1984-02-29\"", "\"1985-02-29\"", "/patient/birthDate", "date that exists" },
    { "\"1984-02-29\"", "\"1984-02\"", "/patient/birthDate", "YYYY-MM-DD" },
    { "\"familyName\":\"Vale\"", "\"familyName\":\"\"", "/patient/familyName", "not empty" },
    { "\"localId\":\"P-1\"", "\"localId\":null", "/patient/localId", "a string" },
    { "[{\"system\":\"urn:oid:1.2.3\",\"value\":\"M-1\",\"type\":\"MR\"}]", "[]",
      "/patient/identifiers", "at least 1" },
    { "\"urn:oid:1.2.3\"", "\"mrn\"", "/patient/identifiers/0/system", "absolute URI" },
    { "1234567893", "1234567894", "/therapist/npi", "NPI" },
    { "1234567893", "123456789", "/therapist/npi", "NPI" },
    { "\"F32.1\"", "\"F321\"", "/diagnoses/0/icd10cm", "dot" },
    { "\"15639000\"", "\"x\"", "/diagnoses/0/snomed", "SNOMED" },
    { "\"44261-6\"", "\"44261\"", "/goals/0/targets/0/measureLoinc", "LOINC" },
    { "\"comparator\":\"<\"", "\"comparator\":\"!=\"", "/goals/0/targets/0/comparator", "one of" },
    { "\"2027-01-12\"", "\"2025-01-12\"", "/consents/0/expires", "before signedAt" },
    { "\"end\":\"2026-05-04\"", "\"end\":\"2026-01-11\"", "/course/end", "before start" },
    { "\"2026-01-12T20:00:00Z\"", "\"2026-01-12T18:59:59Z\"", "/sessions/0/end", "before start" },
    { "\"2026-01-12T14:00:00-05:00\"", "\"2026-01-12T14:00:00\"", "/sessions/0/start", "offset" },
    { "\"S-1\"],", "\"S-2\"],", "/sessions/0/attendees/1", "/supportPersons" },
    { "\"supportPersonId\":\"S-1\"", "\"supportPersonId\":\"S-2\"",
      "/interpersonalInventory/0/supportPersonId", "/supportPersons" },
    { "[\"M-1\"]", "[\"M-3\"]", "/sessions/0/measures/0", "/measures" },
    { "[\"D-1\"]", "[\"D-2\"]", "/goals/0/addresses/0", "/diagnoses" },
    { "\"id\":\"M-2\"", "\"id\":\"M-1\"", "/measures/1/id", "twice" },
    { "\"phq9_1\":2", "\"phq9_1\":\"2\"", "/measures/0/items/phq9_1", "a number or null" },
    { "\"closeness\":2", "\"closeness\":6", "/interpersonalInventory/0/closeness", "at most 5" },
    { "\"total\":2}", "\"total\":2,\"timepointWeek\":-1}", "/measures/0/timepointWeek",
      "at least 0" },
    { "\"consentToShareIdentity\":false", "\"consentToShareIdentity\":null",
      "/supportPersons/0/consentToShareIdentity", "true or false" },
    { "\"goals\":[", "\"goals\":7,\"x\":[", "/goals", "a list" },
};

START_TEST(each_fault_is_reported_at_its_pointer) {
    struct report report = { 0 };
    struct tree *record = changed(faults[_i].from, faults[_i].to);
    ck_assert(!record_check(schema, record, "r.json", &report));
    ck_assert_uint_ge(report.count, 1);
    const char *where = report.entries[0].error.where, *pointer = faults[_i].where;
    ck_assert_msg(strlen(where) >= strlen(pointer) &&
                      strcmp(where + strlen(where) - strlen(pointer), pointer) == 0,
                  "%s", where);
    ck_assert_msg(strncmp(where, "r.json:", 7) == 0, "%s", where);
    ck_assert_msg(strstr(report.entries[0].error.text, faults[_i].word) != NULL, "%s",
                  report.entries[0].error.text);
    ck_assert_ptr_null(strstr(report.entries[0].error.text, "Vale"));
    ck_assert_str_eq(report.entries[0].error.code, "record");
    report_free(&report);
}
END_TEST

START_TEST(a_course_outside_12_to_16_weeks_is_a_warning) {
    struct report report = { 0 };
    ck_assert(
        record_check(schema, changed("\"plannedWeeks\":16", "\"plannedWeeks\":20"), NULL, &report));
    ck_assert_uint_eq(report.errors, 0);
    ck_assert_uint_eq(report.warnings, 1);
    ck_assert(
        record_check(schema, changed("\"plannedWeeks\":16", "\"plannedWeeks\":8"), NULL, &report));
    ck_assert_uint_eq(report.warnings, 2);
    report_free(&report);
}
END_TEST

START_TEST(allowed_unknown_fields_are_dropped_not_kept) {
    struct report report = { 0 };
    struct str text = { 0 };
    ck_assert(record_schema_allow_unknown(schema, true));
    struct tree *record = changed("\"processNotes\"", "\"procesNotes\"");
    ck_assert_uint_eq(record_drop_restricted(schema, record), 3);
    ck_assert(record_check(schema, record, NULL, &report));
    json_write(&text, record, JSON_COMPACT);
    ck_assert_ptr_null(strstr(text.data, "RESTRICTED"));
    ck_assert_ptr_nonnull(strstr(text.data, "phq9_1"));
    str_free(&text);
}
END_TEST

START_TEST(a_dropped_field_is_warned_about_once_by_its_path_without_a_value) {
    char log[4096] = "";
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    ck_assert(record_schema_allow_unknown(schema, true));
    for (int i = 0; i < 3; i++) {
        struct tree *record = changed("\"plannedWeeks\":16", "\"planedWeeks\":\"VALUE\"");
        record_drop_restricted(schema, record);
        record = changed("\"plannedWeeks\"", "\"Ms Miller, 1990\"");
        record_drop_restricted(schema, record);
    }
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    rewind(file);
    size_t length = fread(log, 1, sizeof log - 1, file);
    fclose(file);
    log[length] = '\0';
    const char *first = strstr(log, "no field /course/planedWeeks");
    ck_assert_msg(first != NULL, "%s", log);
    ck_assert_ptr_null(strstr(first + 20, "planedWeeks"));
    ck_assert_ptr_nonnull(strstr(log, "no field /course/(unusual-name)"));
    ck_assert_ptr_null(strstr(log, "Miller"));
    ck_assert_ptr_null(strstr(log, "VALUE"));
}
END_TEST

START_TEST(the_number_of_warnings_about_dropped_fields_is_bounded) {
    char name[40], log[40000] = "";
    size_t lines = 0;
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    ck_assert(record_schema_allow_unknown(schema, true));
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "\"field%d\"", i);
        ck_assert_uint_gt(record_drop_restricted(schema, changed("\"plannedWeeks\"", name)), 0);
    }
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    rewind(file);
    size_t length = fread(log, 1, sizeof log - 1, file);
    fclose(file);
    log[length] = '\0';
    for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, 65);
}
END_TEST

START_TEST(anything_but_an_object_is_refused) {
    static const char *const others[] = { "[]",   "7",
                                          "null", "\"RESTRICTED\"",
                                          "{}",   "[{\"processNotes\":\"a\"}]" };
    char hash[65];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct tree *record = parse(others[i]);
        record_drop_restricted(schema, record);
        ck_assert(!record_check(schema, record, NULL, NULL));
    }
    ck_assert_ptr_null(record_hash(parse("7"), hash));
    ck_assert_ptr_null(record_id(parse("7")));
}
END_TEST

START_TEST(a_new_export_of_unchanged_data_has_the_same_hash) {
    char one[65], two[65], three[65], four[65];
    struct tree *record = parse(sample);
    struct str before = { 0 }, after = { 0 };
    json_write(&before, record, JSON_COMPACT);
    ck_assert_ptr_eq(record_hash(record, one), one);
    json_write(&after, record, JSON_COMPACT);
    ck_assert_str_eq(before.data, after.data);
    record_hash(changed("\"extractedAt\":\"2026-05-05T02:00:00Z\",\"contentHash\":\"a\"",
                        "\"contentHash\":\"b\",\"extractedAt\":\"2026-06-05T02:00:00Z\""),
                two);
    record_hash(changed("\"total\":2", "\"total\":3"), three);
    record_hash(changed("\"sourceId\":\"7\"", "\"sourceId\":\"8\""), four);
    ck_assert_uint_eq(strlen(one), 64);
    ck_assert_str_eq(one, two);
    ck_assert_str_ne(one, three);
    ck_assert_str_ne(one, four);
    str_free(&before);
    str_free(&after);
}
END_TEST

/* Loads a schema from text and expects one error that has the word. */
static void refuse_schema(const char *json, const char *word) {
    char path[] = "record-test-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq((int)write(file, json, strlen(json)), (int)strlen(json));
    close(file);
    struct report report = { 0 };
    struct record_schema *s = record_schema_load(path, &report);
    unlink(path);
    ck_assert_ptr_null(s);
    ck_assert_uint_ge(report.errors, 1);
    ck_assert_msg(strstr(report.entries[0].error.text, word) != NULL, "%s",
                  report.entries[0].error.text);
    report_free(&report);
}

START_TEST(a_schema_with_unknown_keywords_is_refused) {
    refuse_schema("{\"type\":\"object\",\"propertys\":{}}", "'properties'");
    refuse_schema("{\"type\":\"string\",\"pattern\":\"^a\"}", "not known");
    refuse_schema("{\"type\":\"string\",\"format\":\"email\"}", "format");
    refuse_schema("{\"type\":\"text\"}", "type");
    refuse_schema("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/b\"}}}", "$defs");
    refuse_schema("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}", "circle");
    refuse_schema("{\"required\":[\"a\"],\"properties\":{\"b\":{}}}", "no such field");
    refuse_schema("{\"properties\":{\"b\":{\"x-not-before\":\"a\"}}}", "isn't there");
    refuse_schema("{", "");
    struct report report = { 0 };
    ck_assert_ptr_null(record_schema_load("there-is-no-such-schema.json", &report));
    ck_assert_uint_eq(report.errors, 1);
    report_free(&report);
}
END_TEST

/* Runs the tests; returns failure when one fails. */
int main(void) {
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_complete_record_is_accepted);
    tcase_add_test(tests, restricted_fields_are_gone_after_the_drop);
    tcase_add_loop_test(tests, each_fault_is_reported_at_its_pointer, 0,
                        (int)(sizeof faults / sizeof faults[0]));
    tcase_add_test(tests, a_course_outside_12_to_16_weeks_is_a_warning);
    tcase_add_test(tests, allowed_unknown_fields_are_dropped_not_kept);
    tcase_add_test(tests, a_dropped_field_is_warned_about_once_by_its_path_without_a_value);
    tcase_add_test(tests, the_number_of_warnings_about_dropped_fields_is_bounded);
    tcase_add_test(tests, anything_but_an_object_is_refused);
    tcase_add_test(tests, a_new_export_of_unchanged_data_has_the_same_hash);
    tcase_add_test(tests, a_schema_with_unknown_keywords_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
