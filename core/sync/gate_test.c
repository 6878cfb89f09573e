/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the gate: a test per rule, and how the facts of several records are joined. */
#include "core/sync/gate.h"

#include "core/config/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR 3600000LL
#define DAY (24 * HOUR)
/* 2026-03-01T12:00:00Z */
#define NOW 1772366400000LL
#define ON_FILE(extra) "{\"consents\":[" extra "]}"
#define PERMIT(date, rest)                                                                         \
    "{\"status\":\"active\",\"signedAt\":\"" date "\",\"dataClasses\":[\"plan\",\"goals\"]" rest "}"
#define REVOKE(date, rest) "{\"status\":\"revoked\",\"revokedAt\":\"" date "\"" rest "}"

static struct arena arena;
static struct privacy *privacy;
static char folder[64];

/* The path of a file of rules. */
static void rules_at(char path[128], const char *file) {
    snprintf(path, 128, "%s/privacy/%s", folder, file);
}

static void write_part2(void) {
    char path[128];
    rules_at(path, "part2.yaml");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("part2: []\n", f);
    fclose(f);
}

static void set_up(void) {
    char path[128];
    struct report report = { 0 };
    snprintf(folder, sizeof folder, "gate_test.%d", (int)getpid());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/privacy", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    rules_at(path, "classes.yaml");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("classes:\n  plan: {needs: class}\n  goals: {needs: class}\n  consent: {needs: any}\n"
          "  notes: {needs: nobody}\n",
          f);
    fclose(f);
    write_part2();
    privacy = privacy_load(folder, &report);
    ck_assert_ptr_nonnull(privacy);
    report_free(&report);
}

static void tear_down(void) {
    char path[128];
    privacy_free(privacy);
    arena_free(&arena);
    rules_at(path, "classes.yaml");
    unlink(path);
    rules_at(path, "part2.yaml");
    unlink(path);
    snprintf(path, sizeof path, "%s/privacy", folder);
    rmdir(path);
    rmdir(folder);
}

static struct store_record record_of(const char *facts) {
    return (struct store_record) { .no = 1,
                                   .job = "nightly",
                                   .id = "r1",
                                   .unit = "",
                                   .code = "",
                                   .detail = "",
                                   .decision = "",
                                   .revision_ms = NOW - DAY,
                                   .facts = { facts, strlen(facts) } };
}

static struct gate_patient join(const struct store_record *records, size_t count) {
    struct gate_patient patient;
    ck_assert(gate_join(&arena, records, count, &patient));
    return patient;
}

static struct gate_question question_of(const struct gate_patient *patient) {
    return (struct gate_question) { .privacy = privacy,
                                    .patient = patient,
                                    .recipient = "hospital",
                                    .routed = true,
                                    .data_class = "plan",
                                    .now_ms = NOW,
                                    .record_state = STORE_RECORD_LIVE,
                                    .record_code = "",
                                    .record_detail = "",
                                    .said_code = "",
                                    .said_detail = "",
                                    .confirmed_ms = NOW - HOUR,
                                    .max_age_ms = 36 * HOUR };
}

/* What the gate says of one record's facts; "open" or its code. */
static const char *ask(const char *facts) {
    struct store_record record = record_of(facts);
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    struct gate_answer answer = gate_ask(&q);
    return answer.way == GATE_OPEN ? "open" : answer.code;
}

#define ASKED(facts, says) ck_assert_str_eq(ask(facts), says)
#define TO ",\"recipient\":\"hospital\""

START_TEST(a_consent_that_names_recipient_and_class_opens) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO)), "open");
}
END_TEST

START_TEST(without_a_consent_it_is_held) {
    ASKED("{}", "consent");
    ASKED(ON_FILE(""), "consent");
    ASKED(ON_FILE("null,7,[],{},\"active\""), "consent");
    ASKED(ON_FILE("{\"status\":\"draft\",\"signedAt\":\"2026-01-01\",\"dataClasses\":[\"plan\"]" TO
                  "}"),
          "consent");
    ASKED(
        ON_FILE("{\"status\":\"inactive\",\"signedAt\":\"2026-01-01\",\"dataClasses\":[\"plan\"]" TO
                "}"),
        "consent");
}
END_TEST

START_TEST(a_permission_without_date_recipient_or_class_permits_nothing) {
    ASKED(ON_FILE("{\"status\":\"active\",\"dataClasses\":[\"plan\"]" TO "}"), "consent");
    ASKED(ON_FILE("{\"status\":\"active\",\"signedAt\":\"2026\",\"dataClasses\":[\"plan\"]" TO "}"),
          "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", "")), "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", ",\"recipient\":\"registry\"")), "consent");
    ASKED(ON_FILE("{\"status\":\"active\",\"signedAt\":\"2026-01-01\"" TO "}"), "consent");
}
END_TEST

START_TEST(the_latest_decision_wins) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", TO)), "consent");
    ASKED(ON_FILE(REVOKE("2026-01-01", TO) "," PERMIT("2026-02-01", TO)), "open");
    ASKED(ON_FILE(REVOKE("2026-02-01", TO) "," PERMIT("2026-01-01", TO)), "consent");
}
END_TEST

START_TEST(on_one_date_the_refusal_wins) {
    ASKED(ON_FILE(PERMIT("2026-02-01", TO) "," REVOKE("2026-02-01", TO)), "consent");
    ASKED(ON_FILE(REVOKE("2026-02-01T08:00:00Z", TO) "," PERMIT("2026-02-01", TO)), "consent");
}
END_TEST

START_TEST(a_refusal_of_one_class_refuses_that_class) {
    ASKED(ON_FILE(
              PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", TO ",\"dataClasses\":[\"goals\"]")),
          "open");
    ASKED(ON_FILE(
              PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", TO ",\"dataClasses\":[\"plan\"]")),
          "consent");
}
END_TEST

START_TEST(an_excluded_class_is_refused_within_its_own_permission) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO ",\"excludedClasses\":[\"plan\"]")), "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", TO ",\"excludedClasses\":[\"goals\"]")), "open");
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) "," PERMIT("2026-02-01",
                                                      TO ",\"excludedClasses\":[\"plan\"]")),
          "consent");
}
END_TEST

START_TEST(what_an_expired_permission_excluded_is_no_refusal_of_a_later_one) {
    ASKED(ON_FILE(PERMIT("2025-01-01",
                         TO ",\"expires\":\"2025-12-31\","
                            "\"excludedClasses\":[\"plan\"]") "," PERMIT("2026-01-01", TO)),
          "open");
}
END_TEST

START_TEST(a_refusal_to_another_recipient_is_none_to_this) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", ",\"recipient\":\"registry\"")),
          "open");
}
END_TEST

START_TEST(a_refusal_without_a_recipient_is_for_all) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", "")), "consent");
}
END_TEST

START_TEST(a_revocation_without_a_date_is_as_new_as_its_record) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) ",{\"status\":\"revoked\"" TO "}"), "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) ",{\"status\":\"revoked\",\"signedAt\":\"2025-01-01\"" TO
                                           "}"),
          "consent");
}
END_TEST

START_TEST(a_revocation_without_any_date_at_all_refuses_today) {
    struct store_record record =
        record_of(ON_FILE(PERMIT("2026-02-28", TO) ",{\"status\":\"revoked\"" TO "}"));
    record.revision_ms = 0;
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    ck_assert_str_eq(gate_ask(&q).code, "consent");
}
END_TEST

START_TEST(a_revocation_dated_ahead_refuses_already) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2026-03-02", TO)), "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2062-02-01", TO)), "consent");
}
END_TEST

START_TEST(a_permission_ends_after_its_last_day) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO ",\"expires\":\"2026-02-28\"")), "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", TO ",\"expires\":\"2026-03-01\"")), "open");
}
END_TEST

START_TEST(an_end_that_cannot_be_read_permits_nothing) {
    ASKED(ON_FILE(PERMIT("2026-01-01", TO ",\"expires\":\"2026\"")), "consent");
    ASKED(ON_FILE(PERMIT("2026-01-01", TO ",\"expires\":20250101")), "consent");
}
END_TEST

START_TEST(a_consent_that_begins_later_is_asked_again) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-03-02", TO)));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    struct gate_answer answer = gate_ask(&q);
    ck_assert_int_eq(answer.way, GATE_HOLDS);
    ck_assert(answer.until_ms > NOW && answer.until_ms <= NOW + DAY);
    q.now_ms = NOW + DAY;
    q.confirmed_ms = NOW;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
}
END_TEST

START_TEST(attested_opens_without_a_consent_and_is_beaten_by_a_refusal) {
    struct store_record record = record_of("{}");
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.attested = true;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
    record = record_of(ON_FILE(REVOKE("2026-01-01", TO)));
    patient = join(&record, 1);
    ck_assert_str_eq(gate_ask(&q).code, "consent");
    record = record_of(ON_FILE(PERMIT("2026-01-01", TO ",\"excludedClasses\":[\"plan\"]")));
    patient = join(&record, 1);
    ck_assert_str_eq(gate_ask(&q).code, "consent");
}
END_TEST

START_TEST(a_target_that_is_no_recipient_takes_any_consent_and_any_refusal) {
    struct store_record record =
        record_of(ON_FILE(PERMIT("2026-01-01", ",\"recipient\":\"registry\"")));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.recipient = NULL;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
    record = record_of(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", TO)));
    patient = join(&record, 1);
    ck_assert_str_eq(gate_ask(&q).code, "consent");
}
END_TEST

START_TEST(part2_needs_its_own_consent) {
    const char *bare = "{\"part2\":true,\"consents\":[" PERMIT("2026-01-01", TO) "]}";
    const char *covered =
        "{\"part2\":true,\"consents\":[" PERMIT("2026-01-01", TO ",\"part2\":true") "]}";
    ASKED(bare, "part2");
    ASKED(covered, "open");
    struct store_record record = record_of("{\"part2\":true}");
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.attested = true;
    ck_assert_str_eq(gate_ask(&q).code, "part2");
}
END_TEST

START_TEST(a_minor_is_held) {
    ASKED("{\"minor\":true,\"consents\":[" PERMIT("2026-01-01", TO) "]}", "minor-policy");
}
END_TEST

START_TEST(classes_decide_what_they_need) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-01-01", TO)));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.data_class = "notes";
    ck_assert_str_eq(gate_ask(&q).code, "policy-denied");
    q.attested = true;
    ck_assert_str_eq(gate_ask(&q).code, "policy-denied");
    q.data_class = "";
    ck_assert_str_eq(gate_ask(&q).code, "unknown-class");
    q.data_class = "plans";
    ck_assert_str_eq(gate_ask(&q).code, "unknown-class");
    q.attested = false;
    q.data_class = "consent";
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
    record = record_of(ON_FILE(PERMIT("2026-01-01", TO) "," REVOKE("2026-02-01", TO)));
    patient = join(&record, 1);
    ck_assert_str_eq(gate_ask(&q).code, "consent");
}
END_TEST

START_TEST(what_speaks_of_consents_needs_a_class_that_is_still_permitted) {
    struct store_record record = record_of(
        ON_FILE("{\"status\":\"active\",\"signedAt\":\"2026-01-01\",\"dataClasses\":[\"plan\"],"
                "\"excludedClasses\":[\"plan\"]" TO "}"));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.data_class = "consent";
    ck_assert_str_eq(gate_ask(&q).code, "consent");
}
END_TEST

/* ---- record and poll ---- */

START_TEST(the_records_own_hold_comes_first) {
    struct store_record record = record_of("{}");
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.record_state = STORE_RECORD_HELD;
    q.record_code = "duplicate-record";
    q.said_code = "invalid";
    q.polling = true;
    ck_assert_str_eq(gate_ask(&q).code, "duplicate-record");
    q.record_state = STORE_RECORD_GONE;
    q.record_code = "record-gone";
    ck_assert_str_eq(gate_ask(&q).code, "record-gone");
    q.record_state = STORE_RECORD_LIVE;
    ck_assert_str_eq(gate_ask(&q).code, "invalid");
    q.said_code = "";
    struct gate_answer answer = gate_ask(&q);
    ck_assert_int_eq(answer.way, GATE_WAITS);
    ck_assert_str_eq(answer.code, "polling");
}
END_TEST

START_TEST(what_was_not_confirmed_lately_waits) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-01-01", TO)));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.confirmed_ms = 0;
    ck_assert_str_eq(gate_ask(&q).code, "unconfirmed");
    ck_assert_int_eq(gate_ask(&q).way, GATE_WAITS);
    q.confirmed_ms = NOW - 36 * HOUR;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
    q.confirmed_ms--;
    ck_assert_str_eq(gate_ask(&q).code, "unconfirmed");
}
END_TEST

START_TEST(what_a_failed_poll_changed_waits_for_a_whole_one) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-01-01", TO)));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.confirmed_poll = 7;
    q.record_poll = 8;
    ck_assert_str_eq(gate_ask(&q).code, "unconfirmed");
    q.record_poll = 7;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
}
END_TEST

/* The wall clock was a year ahead when the poll ended, and is right again. */
START_TEST(what_was_confirmed_in_the_future_is_not_believed_for_ever) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-01-01", TO)));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.confirmed_ms = NOW + HOUR;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
    q.confirmed_ms = NOW + 365 * DAY;
    ck_assert_str_eq(gate_ask(&q).code, "unconfirmed");
}
END_TEST

START_TEST(a_withdrawal_needs_no_consent_but_waits_for_the_poll) {
    struct store_record record = record_of("{\"minor\":true,\"part2\":true}");
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.withdrawal = true;
    q.data_class = "nobody knows";
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
    q.polling = true;
    ck_assert_str_eq(gate_ask(&q).code, "polling");
}
END_TEST

/* ---- joining ---- */

START_TEST(unreadable_facts_hold_everything_of_the_patient) {
    static const char *const faulty[] = { "{", "[]", "7", "\"x\"", "null", "{\"a\":1,\"a\":2}" };
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        const struct store_record records[] = { record_of(ON_FILE(PERMIT("2026-01-01", TO))),
                                                record_of(faulty[i]) };
        struct gate_patient patient = join(records, 2);
        struct gate_question q = question_of(&patient);
        q.attested = true;
        ck_assert_str_eq(gate_ask(&q).code, "store-damaged");
    }
}
END_TEST

START_TEST(facts_of_another_shape_than_they_should_have_hold_everything) {
    ASKED("{\"consents\":{\"status\":\"revoked\"}}", "store-damaged");
    ASKED("{\"part2\":\"true\",\"consents\":[" PERMIT("2026-01-01", TO) "]}", "store-damaged");
    ASKED("{\"minor\":1,\"consents\":[" PERMIT("2026-01-01", TO) "]}", "store-damaged");
}
END_TEST

START_TEST(a_record_without_facts_says_nothing) {
    struct store_record records[] = { record_of(""), record_of(ON_FILE(PERMIT("2026-01-01", TO))) };
    records[0].facts.data = NULL;
    struct gate_patient patient = join(records, 2);
    struct gate_question q = question_of(&patient);
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
}
END_TEST

/* What one record permits and another in this state says. */
static const char *beside(enum store_record_state state, const char *facts) {
    struct store_record records[] = { record_of(ON_FILE(PERMIT("2026-01-01", TO))),
                                      record_of(facts) };
    records[1].state = state;
    records[1].code = "held";
    struct gate_patient patient = join(records, 2);
    struct gate_question q = question_of(&patient);
    struct gate_answer answer = gate_ask(&q);
    return answer.way == GATE_OPEN ? "open" : answer.code;
}

START_TEST(a_refusal_in_any_record_but_one_that_was_never_true_counts) {
    const char *refusal = ON_FILE(REVOKE("2026-02-01", TO));
    ck_assert_str_eq(beside(STORE_RECORD_LIVE, refusal), "consent");
    ck_assert_str_eq(beside(STORE_RECORD_HELD, refusal), "consent");
    ck_assert_str_eq(beside(STORE_RECORD_GONE, refusal), "consent");
    ck_assert_str_eq(beside(STORE_RECORD_LEFT, refusal), "consent");
    ck_assert_str_eq(beside(STORE_RECORD_ERROR, refusal), "open");
}
END_TEST

START_TEST(a_held_records_permission_counts_for_nothing) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-01-01", TO)));
    static const struct {
        enum store_record_state state;
        enum gate_way way;
    } expected[] = { { STORE_RECORD_LIVE, GATE_OPEN },
                     { STORE_RECORD_HELD, GATE_HOLDS },
                     { STORE_RECORD_GONE, GATE_HOLDS },
                     { STORE_RECORD_LEFT, GATE_OPEN },
                     { STORE_RECORD_ERROR, GATE_HOLDS } };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        record.state = expected[i].state;
        struct gate_patient patient = join(&record, 1);
        struct gate_question q = question_of(&patient);
        ck_assert_int_eq(gate_ask(&q).way, expected[i].way);
    }
}
END_TEST

START_TEST(a_held_permission_still_excludes_what_it_excluded) {
    ck_assert_str_eq(beside(STORE_RECORD_HELD,
                            ON_FILE(PERMIT("2026-02-01", TO ",\"excludedClasses\":[\"plan\"]"))),
                     "consent");
}
END_TEST

START_TEST(a_held_revisions_refusal_counts_and_its_permission_does_not) {
    ASKED("{\"consents\":[" PERMIT("2026-01-01",
                                   TO) "],\"held\":[" ON_FILE(REVOKE("2026-02-01", TO)) "]}",
          "consent");
    ASKED("{\"held\":[" ON_FILE(PERMIT("2026-01-01", TO)) "]}", "consent");
    ASKED("{\"consents\":[" PERMIT("2026-01-01", TO) "],\"held\":[{\"part2\":true}]}", "part2");
}
END_TEST

START_TEST(a_held_reading_whose_consents_cant_be_read_refuses) {
    static const char *const held[] = { "{\"status\":\"Revoked\"}",
                                        "{\"status\":\"withdrawn\"}",
                                        "{\"status\":null}",
                                        "{}",
                                        "null",
                                        "\"revoked\"" };
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        const char *facts = arena_printf(
            &arena,
            "{\"consents\":[" PERMIT("2026-01-01", TO) "],"
                                                       "\"held\":[{\"consents\":[%s]}]}",
            held[i]);
        ASKED(facts, "consent");
    }
}
END_TEST

START_TEST(a_refusal_is_heard_though_its_recipient_is_written_otherwise) {
    static const char *const same[] = { "Hospital ", " hospital", "HOSPITAL", "", " " };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const char *facts = arena_printf(
            &arena,
            "{\"consents\":[" PERMIT("2026-01-01",
                                     TO) ",{\"status\":\"revoked\","
                                         "\"revokedAt\":\"2026-02-01\",\"recipient\":\"%s\"}]}",
            same[i]);
        ASKED(facts, "consent");
    }
    ASKED("{\"consents\":[" PERMIT(
              "2026-01-01", TO) ",{\"status\":\"revoked\","
                                "\"revokedAt\":\"2026-02-01\",\"recipient\":\"Hospital Two\"}]}",
          "open");
}
END_TEST

START_TEST(a_refusal_that_names_a_class_nobody_knows_is_for_all) {
    ASKED("{\"consents\":[" PERMIT(
              "2026-01-01", TO) ",{\"status\":\"revoked\","
                                "\"revokedAt\":\"2026-02-01\",\"dataClasses\":[\"everything\"]}]}",
          "consent");
}
END_TEST

START_TEST(part2_and_minority_of_one_record_hold_for_all) {
    ck_assert_str_eq(beside(STORE_RECORD_LIVE, "{\"part2\":true}"), "part2");
    ck_assert_str_eq(beside(STORE_RECORD_HELD, "{\"part2\":true}"), "part2");
    ck_assert_str_eq(beside(STORE_RECORD_LIVE, "{\"minor\":true}"), "minor-policy");
}
END_TEST

START_TEST(the_newest_record_says_who_the_patient_is) {
    struct store_record records[] = { record_of("{\"patient\":{\"family\":\"New\"}}"),
                                      record_of("{\"patient\":{\"family\":\"Old\"}}"),
                                      record_of("{\"patient\":\"nobody\"}") };
    records[1].revision_ms = NOW - 2 * DAY;
    records[2].revision_ms = NOW;
    struct gate_patient patient = join(records, 3);
    ck_assert_ptr_nonnull(patient.identity);
    ck_assert_str_eq(tree_text(patient.identity, "family"), "New");
}
END_TEST

START_TEST(a_held_revision_that_names_another_patient_doesnt_say_who_this_one_is) {
    struct store_record record =
        record_of("{\"patient\":{\"localId\":\"p1\",\"family\":\"Ours\"},\"held\":["
                  "{\"patient\":{\"localId\":\"p2\",\"family\":\"Theirs\"}}]}");
    record.state = STORE_RECORD_HELD;
    record.code = "invalid";
    struct gate_patient patient = join(&record, 1);
    ck_assert_ptr_nonnull(patient.identity);
    ck_assert_str_eq(tree_text(patient.identity, "family"), "Ours");
}
END_TEST

START_TEST(a_record_that_names_another_patient_now_is_asked_last_who_this_one_is) {
    struct store_record records[] = { record_of("{\"patient\":{\"family\":\"Now\"}}"),
                                      record_of(
                                          "{\"patient\":{\"family\":\"Before\"},\"moved\":true}") };
    records[1].revision_ms = NOW;
    records[1].state = STORE_RECORD_HELD;
    records[1].code = "invalid"; /* and by now it can't be read at all */
    struct gate_patient patient = join(records, 2);
    ck_assert_str_eq(tree_text(patient.identity, "family"), "Now");
    patient = join(records + 1, 1);
    ck_assert_str_eq(tree_text(patient.identity, "family"), "Before");
}
END_TEST

START_TEST(nobody_is_joined_from_nothing) {
    struct gate_patient patient = join(NULL, 0);
    struct gate_question q = question_of(&patient);
    ck_assert_ptr_null(patient.identity);
    ck_assert_str_eq(gate_ask(&q).code, "consent");
}
END_TEST

START_TEST(what_its_job_does_not_send_to_this_target_is_held_but_for_what_was_never_true) {
    struct store_record record = record_of(ON_FILE(PERMIT("2026-01-01", TO)));
    struct gate_patient patient = join(&record, 1);
    struct gate_question q = question_of(&patient);
    q.routed = false;
    ck_assert_int_eq(gate_ask(&q).way, GATE_HOLDS);
    ck_assert_str_eq(gate_ask(&q).code, "not-for-target");
    q.attested = true;
    ck_assert_str_eq(gate_ask(&q).code, "not-for-target");
    q.withdrawal = true;
    ck_assert_int_eq(gate_ask(&q).way, GATE_OPEN);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gate");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_consent_that_names_recipient_and_class_opens);
    tcase_add_test(all, without_a_consent_it_is_held);
    tcase_add_test(all, a_permission_without_date_recipient_or_class_permits_nothing);
    tcase_add_test(all, the_latest_decision_wins);
    tcase_add_test(all, on_one_date_the_refusal_wins);
    tcase_add_test(all, a_refusal_of_one_class_refuses_that_class);
    tcase_add_test(all, an_excluded_class_is_refused_within_its_own_permission);
    tcase_add_test(all, what_an_expired_permission_excluded_is_no_refusal_of_a_later_one);
    tcase_add_test(all, a_refusal_to_another_recipient_is_none_to_this);
    tcase_add_test(all, a_refusal_without_a_recipient_is_for_all);
    tcase_add_test(all, a_revocation_without_a_date_is_as_new_as_its_record);
    tcase_add_test(all, a_revocation_without_any_date_at_all_refuses_today);
    tcase_add_test(all, a_revocation_dated_ahead_refuses_already);
    tcase_add_test(all, a_permission_ends_after_its_last_day);
    tcase_add_test(all, an_end_that_cannot_be_read_permits_nothing);
    tcase_add_test(all, a_consent_that_begins_later_is_asked_again);
    tcase_add_test(all, attested_opens_without_a_consent_and_is_beaten_by_a_refusal);
    tcase_add_test(all, a_target_that_is_no_recipient_takes_any_consent_and_any_refusal);
    tcase_add_test(all, part2_needs_its_own_consent);
    tcase_add_test(all, a_minor_is_held);
    tcase_add_test(all, classes_decide_what_they_need);
    tcase_add_test(all, what_speaks_of_consents_needs_a_class_that_is_still_permitted);
    tcase_add_test(all, the_records_own_hold_comes_first);
    tcase_add_test(all, what_was_not_confirmed_lately_waits);
    tcase_add_test(all, what_a_failed_poll_changed_waits_for_a_whole_one);
    tcase_add_test(all, what_was_confirmed_in_the_future_is_not_believed_for_ever);
    tcase_add_test(all, a_withdrawal_needs_no_consent_but_waits_for_the_poll);
    tcase_add_test(all, unreadable_facts_hold_everything_of_the_patient);
    tcase_add_test(all, facts_of_another_shape_than_they_should_have_hold_everything);
    tcase_add_test(all, a_record_without_facts_says_nothing);
    tcase_add_test(all, a_refusal_in_any_record_but_one_that_was_never_true_counts);
    tcase_add_test(all, a_held_records_permission_counts_for_nothing);
    tcase_add_test(all, a_held_permission_still_excludes_what_it_excluded);
    tcase_add_test(all, a_held_revisions_refusal_counts_and_its_permission_does_not);
    tcase_add_test(all, a_held_reading_whose_consents_cant_be_read_refuses);
    tcase_add_test(all, a_refusal_is_heard_though_its_recipient_is_written_otherwise);
    tcase_add_test(all, a_refusal_that_names_a_class_nobody_knows_is_for_all);
    tcase_add_test(all, part2_and_minority_of_one_record_hold_for_all);
    tcase_add_test(all, the_newest_record_says_who_the_patient_is);
    tcase_add_test(all, a_held_revision_that_names_another_patient_doesnt_say_who_this_one_is);
    tcase_add_test(all, a_record_that_names_another_patient_now_is_asked_last_who_this_one_is);
    tcase_add_test(all, nobody_is_joined_from_nothing);
    tcase_add_test(all,
                   what_its_job_does_not_send_to_this_target_is_held_but_for_what_was_never_true);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
