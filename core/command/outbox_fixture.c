/* SPDX-License-Identifier: Apache-2.0 */
/* A store in memory with one patient, one record and one resource, for the tests of outbox. */
#include "core/command/outbox_fixture.h"

#include "core/command/exit.h"

#include <stdio.h>
#include <string.h>

struct outbox_fixture f;

static const struct survey_route routes[] = { { "nightly", "hospital" } };

void fixture_begin(void) {
    OK(f.store->calls->begin(f.store, &f.error));
}

void fixture_commit(void) {
    OK(f.store->calls->commit(f.store, &f.error));
}

void fixture_record(enum store_record_state state, const char *code) {
    f.record.state = state;
    f.record.code = code;
    fixture_begin();
    OK(f.store->calls->record_put(f.store, &f.record, &f.error));
    fixture_commit();
}

void fixture_said(enum store_wanted wanted, const char *code) {
    f.said.wanted = wanted;
    f.said.code = code;
    fixture_begin();
    OK(f.store->calls->said_put(f.store, &f.said, &f.error));
    fixture_commit();
}

/* The state of the one resource. there: the target has it. */
void fixture_state(enum store_step step, const char *code, bool there) {
    struct store_state state = { .target = f.hospital,
                                 .patient = f.patient,
                                 .ordinal = f.said.ordinal,
                                 .step = step,
                                 .code = code,
                                 .detail = "",
                                 .decision = "",
                                 .since_ms = NOW - 1000,
                                 .tries = 3,
                                 .sent = there,
                                 .attempt_version = "",
                                 .attempt_chart = "",
                                 .server_id = there ? "17" : "",
                                 .version = "",
                                 .chart = there ? "c1" : "" };
    memcpy(state.attempt_hash, f.said.hash, STORE_HASH);
    if (there)
        memcpy(state.sent_hash, f.said.hash, STORE_HASH);
    fixture_begin();
    OK(f.store->calls->state_put(f.store, &state, &f.error));
    fixture_commit();
}

void fixture_set_up(void) {
    const struct store_bytes body = { "{\"resourceType\":\"Goal\",\"id\":\"x\"}", 32 };
    uint32_t sequence;
    f.error = (struct iptfhir_error)ERROR_INIT;
    f.medium = store_medium_new();
    f.store = store_open_memory(f.medium, &f.error);
    ck_assert_ptr_nonnull(f.store);
    fixture_begin();
    OK(f.store->calls->target_no(f.store, "hospital", true, &f.hospital, &f.error));
    OK(f.store->calls->patient_add(f.store, "north", "P-1", &f.patient, &f.error));
    f.record = (struct store_record) { .patient = f.patient,
                                       .job = "nightly",
                                       .id = "R-1",
                                       .unit = "f.ndjson",
                                       .code = "",
                                       .detail = "",
                                       .decision = "",
                                       .poll = NOW,
                                       .facts = { "{}", 2 } };
    memset(f.record.content, 7, STORE_HASH);
    OK(f.store->calls->record_put(f.store, &f.record, &f.error));
    OK(f.store->calls->bodies_put(f.store, f.patient, &body, 1, &sequence, &f.error));
    f.said = (struct store_said) { .patient = f.patient,
                                   .record = f.record.no,
                                   .type = "Goal",
                                   .system = "s",
                                   .value = "v-1",
                                   .data_class = "plan",
                                   .body = { sequence, 0 },
                                   .code = "",
                                   .detail = "" };
    memset(f.said.uuid, 'a', STORE_UUID);
    memset(f.said.hash, 'a', STORE_HASH);
    OK(f.store->calls->said_put(f.store, &f.said, &f.error));
    fixture_commit();
    f.o = (struct outbox) { .store = f.store, .routes = routes, .route_count = 1, .now_ms = NOW };
}

void fixture_tear_down(void) {
    str_free(&f.o.out);
    str_free(&f.o.err);
    arena_free(&f.arena);
    f.store->calls->close(f.store);
    store_medium_free(f.medium);
}

/* Carries a verb out; the codes of tests say what must come back. */
int fixture_act(enum outbox_verb verb, const char *word, struct outbox_filter filter) {
    str_clear(&f.o.out);
    str_clear(&f.o.err);
    int code = outbox_act(&f.o, verb, word, &filter, &f.error);
    ck_assert_msg(!error_is_set(&f.error), "%s [%s]", f.error.text, f.error.code);
    return code;
}

int fixture_one(enum outbox_verb verb, const char *word, const char *id) {
    return fixture_act(verb, word, (struct outbox_filter) { .id = id });
}

/* The item's id. */
const char *fixture_item(void) {
    static char id[64];
    snprintf(id, sizeof id, "%llu-%u@hospital", (unsigned long long)f.patient,
             (unsigned)f.said.ordinal);
    return id;
}

const char *fixture_record_item(void) {
    static char id[32];
    snprintf(id, sizeof id, "r%llu", (unsigned long long)f.record.no);
    return id;
}

struct store_state fixture_state_now(void) {
    struct store_state *list;
    size_t count;
    OK(f.store->calls->states_of(f.store, f.hospital, f.patient, &f.arena, &list, &count,
                                 &f.error));
    ck_assert_uint_eq(count, 1);
    return list[0];
}

struct store_said fixture_said_now(void) {
    struct store_said *list;
    size_t count;
    OK(f.store->calls->said_of(f.store, f.patient, &f.arena, &list, &count, &f.error));
    ck_assert_uint_eq(count, 1);
    return list[0];
}

struct store_record fixture_record_now(void) {
    struct store_record now;
    bool found;
    OK(f.store->calls->record_get(f.store, f.record.no, &f.arena, &now, &found, &f.error));
    ck_assert(found);
    return now;
}

bool fixture_has_lane(void) {
    uint64_t patients[4];
    size_t count = 0;
    int64_t next;
    OK(f.store->calls->lanes_due(f.store, f.hospital, 0, INT64_MAX, 4, patients, &count, &next,
                                 &f.error));
    return count == 1 && patients[0] == f.patient;
}

bool fixture_is_zero(const unsigned char hash[STORE_HASH]) {
    static const unsigned char zero[STORE_HASH];
    return memcmp(hash, zero, STORE_HASH) == 0;
}

bool fixture_has_fact(const char *name) {
    struct store_bytes value;
    OK(f.store->calls->fact_get(f.store, name, &f.arena, &value, &f.error));
    return value.data != NULL;
}

void fixture_fact(const char *name, const char *value) {
    fixture_begin();
    OK(f.store->calls->fact_set(f.store, name, (struct store_bytes) { value, strlen(value) },
                                &f.error));
    fixture_commit();
}

void fixture_refused(int code, const char *why) {
    ck_assert_int_eq(code, EXIT_WRONG_USE);
    ck_assert_ptr_nonnull(f.o.err.data);
    ck_assert_msg(strstr(f.o.err.data, why) != NULL, "no '%s' in: %s", why, f.o.err.data);
}

struct tree *fixture_list(struct outbox_filter filter) {
    str_clear(&f.o.out);
    f.o.json = true;
    ck_assert_int_eq(outbox_list(&f.o, &filter, &f.error), EXIT_SETTLED);
    struct tree *list = json_read_copy(&f.arena, f.o.out.data, f.o.out.length, NULL, &f.error);
    ck_assert_msg(list != NULL, "%s", f.o.out.data);
    return list;
}
