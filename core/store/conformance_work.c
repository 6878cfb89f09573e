/* SPDX-License-Identifier: Apache-2.0 */
/* Random work on a store, and all that is in a store as text. */
#include "core/store/conformance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATIENTS = 7, RECORDS = 12, MOST_BODIES = 13, LONG_TEXT = 3000, LATEST_LANE = 5 };

/* ---- dump ---- */

/* Appends a member of text. */
static void say_text(struct str *out, const char *name, const char *text) {
    str_printf(out, " %s=", name);
    str_json(out, text, strlen(text));
}

/* Appends a member of bytes in hex. */
static void say_bytes(struct str *out, const char *name, const void *data, size_t length) {
    const unsigned char *bytes = data;
    str_printf(out, " %s=%zu:", name, length);
    for (size_t i = 0; i < length; i++)
        str_printf(out, "%02x", bytes[i]);
}

/* Appends a member of a number. */
static void say_number(struct str *out, const char *name, int64_t number) {
    str_printf(out, " %s=%" PRId64, name, number);
}

static void say_body_at(struct str *out, const char *name, struct store_body_at at) {
    str_printf(out, " %s=%u/%u", name, at.sequence, at.index);
}

void conformance_say_record(struct str *out, const struct store_record *record) {
    str_puts(out, "record");
    say_number(out, "no", (int64_t)record->no);
    say_number(out, "patient", (int64_t)record->patient);
    say_text(out, "job", record->job);
    say_text(out, "id", record->id);
    say_text(out, "unit", record->unit);
    say_bytes(out, "content", record->content, STORE_HASH);
    say_number(out, "revision", record->revision_ms);
    say_number(out, "order", record->order);
    say_number(out, "state", record->state);
    say_text(out, "code", record->code);
    say_text(out, "detail", record->detail);
    say_text(out, "decision", record->decision);
    say_number(out, "moved_from", (int64_t)record->moved_from);
    say_number(out, "poll", record->poll);
    say_bytes(out, "facts", record->facts.data, record->facts.length);
    str_putc(out, '\n');
}

void conformance_say_said(struct str *out, const struct store_said *said) {
    str_puts(out, "said");
    say_number(out, "patient", (int64_t)said->patient);
    say_number(out, "ordinal", said->ordinal);
    say_number(out, "record", (int64_t)said->record);
    say_bytes(out, "uuid", said->uuid, STORE_UUID);
    say_text(out, "type", said->type);
    say_text(out, "system", said->system);
    say_text(out, "value", said->value);
    say_text(out, "class", said->data_class);
    say_number(out, "wanted", said->wanted);
    say_bytes(out, "hash", said->hash, STORE_HASH);
    say_body_at(out, "body", said->body);
    say_number(out, "as_of", said->as_of_ms);
    say_text(out, "code", said->code);
    say_text(out, "detail", said->detail);
    for (size_t i = 0; i < said->reference_count; i++)
        say_bytes(out, said->references[i].type, said->references[i].uuid, STORE_UUID);
    str_putc(out, '\n');
}

void conformance_say_state(struct str *out, const struct store_state *state) {
    str_puts(out, "state");
    say_number(out, "target", state->target);
    say_number(out, "patient", (int64_t)state->patient);
    say_number(out, "ordinal", state->ordinal);
    say_text(out, "step", store_step_name(state->step));
    say_text(out, "code", state->code);
    say_text(out, "detail", state->detail);
    say_text(out, "decision", state->decision);
    say_number(out, "since", state->since_ms);
    say_number(out, "tries", state->tries);
    say_number(out, "generation", state->generation);
    say_number(out, "era", state->era);
    say_number(out, "sent", state->sent);
    say_number(out, "sent_wanted", state->sent_wanted);
    say_bytes(out, "sent_hash", state->sent_hash, STORE_HASH);
    say_body_at(out, "sent_body", state->sent_body);
    say_number(out, "omitted", state->omitted);
    say_number(out, "attempt", state->attempt);
    say_number(out, "attempt_wanted", state->attempt_wanted);
    say_bytes(out, "attempt_hash", state->attempt_hash, STORE_HASH);
    say_body_at(out, "attempt_body", state->attempt_body);
    say_text(out, "attempt_version", state->attempt_version);
    say_text(out, "attempt_chart", state->attempt_chart);
    say_number(out, "attempt_omitted", state->attempt_omitted);
    say_number(out, "attempt_ms", state->attempt_ms);
    say_text(out, "server_id", state->server_id);
    say_text(out, "version", state->version);
    say_text(out, "chart", state->chart);
    str_putc(out, '\n');
}

static bool say_fact(void *user, const char *name, struct store_bytes value) {
    str_puts(user, "fact");
    say_text(user, "name", name);
    say_bytes(user, "value", value.data, value.length);
    str_putc(user, '\n');
    return true;
}

static bool say_record(void *user, const struct store_record *record) {
    conformance_say_record(user, record);
    return true;
}

static bool say_hold(void *user, const struct store_hold *hold) {
    struct str *out = user;
    str_puts(out, "hold");
    say_number(out, "no", hold->no);
    say_text(out, "job", hold->key.job);
    say_text(out, "unit", hold->key.unit);
    say_text(out, "record", hold->key.record);
    say_text(out, "place", hold->key.place);
    say_text(out, "code", hold->key.code);
    say_text(out, "detail", hold->detail);
    say_number(out, "since", hold->since_ms);
    say_number(out, "poll", hold->poll);
    str_putc(out, '\n');
    return true;
}

static bool say_patient(void *user, const struct store_patient *patient) {
    str_puts(user, "patient");
    say_number(user, "no", (int64_t)patient->no);
    say_text(user, "clinic", patient->clinic);
    say_text(user, "local", patient->local_id);
    str_putc(user, '\n');
    return true;
}

/* Appends the bodies of a set that a row names. */
static bool say_bodies(struct store *s, uint64_t patient, struct store_body_at at, struct arena *a,
                       struct str *out, struct iptfhir_error *error) {
    struct store_bytes *bodies;
    size_t count;
    if (at.sequence == 0)
        return true;
    if (!s->calls->bodies_get(s, patient, at.sequence, a, &bodies, &count, error))
        return false;
    say_number(out, "bodies", at.sequence);
    for (size_t i = 0; i < count; i++)
        say_bytes(out, "body", bodies[i].data, bodies[i].length);
    str_putc(out, '\n');
    return true;
}

/* Appends what one patient has. */
static bool say_rows(struct store *s, uint64_t patient, struct arena *a, struct str *out,
                     struct iptfhir_error *error) {
    struct store_said *said;
    struct store_record *records;
    size_t count;
    if (!s->calls->records_of(s, patient, a, &records, &count, error))
        return false;
    str_printf(out, "patient %" PRIu64 " has %zu records\n", patient, count);
    if (!s->calls->said_of(s, patient, a, &said, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        conformance_say_said(out, &said[i]);
        if (!say_bodies(s, patient, said[i].body, a, out, error))
            return false;
    }
    return true;
}

/* Appends what one patient has at a target. */
static bool say_states(struct store *s, uint32_t target, uint64_t patient, struct arena *a,
                       struct str *out, struct iptfhir_error *error) {
    struct store_state *states;
    size_t count;
    if (!s->calls->states_of(s, target, patient, a, &states, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        conformance_say_state(out, &states[i]);
    return true;
}

/* Appends the lanes of a target that are due at each moment that a random lane may have. */
static bool say_lanes(struct store *s, uint32_t target, struct str *out,
                      struct iptfhir_error *error) {
    for (int64_t now = -1; now <= LATEST_LANE; now++) {
        uint64_t lanes[PATIENTS];
        size_t count;
        int64_t next;
        if (!s->calls->lanes_due(s, target, 0, now, PATIENTS, lanes, &count, &next, error))
            return false;
        str_printf(out, "lanes of %u at %" PRId64 ", next %" PRId64 ":", target, now, next);
        for (size_t i = 0; i < count; i++)
            str_printf(out, " %" PRIu64, lanes[i]);
        str_putc(out, '\n');
    }
    return true;
}

bool conformance_dump(struct store *s, struct str *out, struct iptfhir_error *error) {
    const struct store_calls *c = s->calls;
    struct arena a = { 0 };
    bool ok = c->facts(s, "", say_fact, out, error) && c->patients(s, say_patient, out, error) &&
              c->records(s, NULL, say_record, out, error) &&
              c->holds(s, NULL, say_hold, out, error);
    for (uint32_t target = 1; target <= 2 && ok; target++)
        ok = say_lanes(s, target, out, error);
    for (uint64_t patient = 1; patient <= PATIENTS && ok; patient++) {
        ok = say_rows(s, patient, &a, out, error);
        for (uint32_t target = 1; target <= 2 && ok; target++)
            ok = say_states(s, target, patient, &a, out, error);
        arena_reset(&a);
    }
    arena_free(&a);
    return ok && !out->failed;
}

/* ---- random work ---- */

uint64_t conformance_random(uint64_t *seed) {
    uint64_t x = *seed += 0x9E3779B97F4A7C15u; /* splitmix64 */
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* A number below `end`. */
static uint32_t below(uint64_t *seed, uint32_t end) {
    return (uint32_t)(conformance_random(seed) % end);
}

/* Fills with random bytes, or with zeros one time in four. */
static void fill(uint64_t *seed, unsigned char *out, size_t length) {
    bool zero = below(seed, 4) == 0;
    for (size_t i = 0; i < length; i++)
        out[i] = zero ? 0 : (unsigned char)below(seed, 256);
}

/* A text from a few that repeat. */
static const char *word(uint64_t *seed) {
    static const char *const words[] = {
        "",
        "Observation",
        "Goal",
        "1",
        "W/\"12\"",
        "8e1f6ac2-4c1e-5b7a-9b0e-0123456789ab",
        "urn:uuid:8e1f6ac2-4c1e-5b7a-9b0e-0123456789ab",
        "urn:uuid:8E1F6AC2-4C1E-5B7A-9B0E-0123456789AB",
        "\xC3\xA4\xE2\x82\xAC quote\" and\ttab",
        "Patient/4711",
        "00012",
        "9223372036854775808",
    };
    return words[below(seed, sizeof words / sizeof words[0])];
}

/* Writes a text of random length, now and then a long one, into `out`. */
static const char *any_text(uint64_t *seed, char out[LONG_TEXT + 1]) {
    size_t length = below(seed, 8) == 0 ? below(seed, LONG_TEXT) : below(seed, 30);
    for (size_t i = 0; i < length; i++)
        out[i] = (char)('!' + below(seed, 90));
    out[length] = '\0';
    return out;
}

/* Finds or adds one of a few patients. */
static bool any_patient(struct store *s, uint64_t *seed, uint64_t *no,
                        struct iptfhir_error *error) {
    char local[16];
    uint32_t n = below(seed, PATIENTS);
    snprintf(local, sizeof local, "%s%u", n == 0 ? "" : "p", n);
    if (!s->calls->patient_find(s, "clinic", local, no, error))
        return false;
    return *no != 0 || s->calls->patient_add(s, "clinic", local, no, error);
}

static bool write_record(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    char id[16];
    char text[LONG_TEXT + 1];
    struct arena a = { 0 };
    struct store_record record;
    bool found;
    snprintf(id, sizeof id, "r%u", below(seed, RECORDS));
    bool ok = s->calls->record_find(s, id, &a, &record, &found, error);
    if (ok && !found)
        record = (struct store_record) { .id = id, .job = word(seed), .unit = word(seed) };
    ok = ok && any_patient(s, seed, &record.patient, error);
    record.code = word(seed);
    record.detail = record.decision = word(seed);
    record.state = (enum store_record_state)below(seed, 5);
    record.revision_ms = (int64_t)conformance_random(seed);
    record.order = below(seed, 9);
    record.poll = (int64_t)(conformance_random(seed) >> 2);
    record.moved_from = below(seed, 3);
    fill(seed, record.content, STORE_HASH);
    record.facts.data = any_text(seed, text);
    record.facts.length = strlen(text);
    ok = ok && s->calls->record_put(s, &record, error);
    arena_free(&a);
    return ok;
}

static bool write_said(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    char text[LONG_TEXT + 1];
    char body[MOST_BODIES][64];
    struct store_bytes bodies[MOST_BODIES];
    struct store_reference references[5];
    struct store_said said = { .record = 1 + below(seed, RECORDS) };
    size_t count = 1 + below(seed, MOST_BODIES);
    for (size_t i = 0; i < count; i++) {
        int length = snprintf(body[i], sizeof body[i], "{\"resourceType\":\"Goal\",\"id\":\"%u\"}",
                              below(seed, 1000));
        bodies[i] = (struct store_bytes) { body[i], (size_t)length };
    }
    if (!any_patient(s, seed, &said.patient, error) ||
        !s->calls->bodies_put(s, said.patient, bodies, count, &said.body.sequence, error))
        return false;
    said.ordinal = below(seed, 3) == 0 ? 1 + below(seed, 20) : 0;
    said.body.index = below(seed, (uint32_t)count);
    said.type = said.system = word(seed);
    said.value = word(seed);
    said.data_class = word(seed);
    said.code = word(seed);
    said.detail = any_text(seed, text);
    said.wanted = (enum store_wanted)below(seed, 6);
    said.as_of_ms = (int64_t)conformance_random(seed);
    fill(seed, said.uuid, STORE_UUID);
    fill(seed, said.hash, STORE_HASH);
    said.references = references;
    said.reference_count = below(seed, 5);
    for (size_t i = 0; i < said.reference_count; i++) {
        references[i].type = word(seed);
        fill(seed, references[i].uuid, STORE_UUID);
    }
    return s->calls->said_put(s, &said, error);
}

static bool write_state(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    char text[LONG_TEXT + 1];
    struct store_state state = { .ordinal = 1 + below(seed, 20) };
    const char *name = below(seed, 2) == 0 ? "hospital" : "region";
    if (!s->calls->target_no(s, name, true, &state.target, error) ||
        !any_patient(s, seed, &state.patient, error))
        return false;
    state.step = (enum store_step)below(seed, 5);
    state.code = word(seed);
    state.decision = word(seed);
    state.detail = any_text(seed, text);
    state.since_ms = (int64_t)conformance_random(seed);
    state.tries = (int32_t)below(seed, 100);
    state.generation = below(seed, 3);
    state.era = below(seed, 3);
    state.sent = below(seed, 2) == 0;
    if (state.sent) {
        state.sent_wanted = (enum store_wanted)below(seed, 6);
        state.sent_body = (struct store_body_at) { below(seed, 5), below(seed, 300) };
        state.omitted = below(seed, 3);
        fill(seed, state.sent_hash, STORE_HASH);
    }
    state.attempt = (enum store_verb)below(seed, 3);
    if (state.attempt != STORE_NO_ATTEMPT) {
        state.attempt_wanted = (enum store_wanted)below(seed, 6);
        state.attempt_body = (struct store_body_at) { below(seed, 5), below(seed, 300) };
        state.attempt_omitted = below(seed, 3);
        state.attempt_ms = (int64_t)conformance_random(seed);
        fill(seed, state.attempt_hash, STORE_HASH);
    } else if (below(seed, 2) == 0) {
        fill(seed, state.attempt_hash, STORE_HASH);
    } else {
        memcpy(state.attempt_hash, state.sent_hash, STORE_HASH);
    }
    state.attempt_version = state.attempt != STORE_NO_ATTEMPT ? word(seed) : "";
    state.attempt_chart = state.attempt != STORE_NO_ATTEMPT ? word(seed) : "";
    state.server_id = word(seed);
    state.version = word(seed);
    state.chart = word(seed);
    return s->calls->state_put(s, &state, error);
}

static bool write_lane(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    uint32_t target;
    uint64_t patient = 1 + below(seed, PATIENTS);
    if (!s->calls->target_no(s, "hospital", true, &target, error))
        return false;
    if (below(seed, 3) == 0)
        return s->calls->lane_drop(s, target, patient, error);
    return s->calls->lane_put(s, target, patient, below(seed, LATEST_LANE + 1), error);
}

static bool write_hold(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    char text[LONG_TEXT + 1];
    if (below(seed, 3) == 0)
        return s->calls->hold_drop(s, below(seed, 20), error);
    struct store_hold hold = {
        .key = { "nightly", word(seed), "r1", "/goal/1", "invalid" },
        .detail = any_text(seed, text),
        .since_ms = below(seed, 1000),
        .poll = below(seed, 1000),
    };
    return s->calls->hold_put(s, &hold, error);
}

static bool write_fact(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    char text[LONG_TEXT + 1];
    struct store_bytes value = { NULL, 0 };
    const char *name = word(seed);
    if (below(seed, 4) > 0) {
        value.data = any_text(seed, text);
        value.length = strlen(text);
    }
    return s->calls->fact_set(s, name, value, error);
}

static bool drop_rows(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    uint64_t patient = 1 + below(seed, PATIENTS);
    uint32_t ordinal = 1 + below(seed, 20);
    if (below(seed, 2) == 0)
        return s->calls->said_drop(s, patient, ordinal, error);
    return s->calls->state_drop(s, 1 + below(seed, 2), patient, ordinal, error);
}

bool conformance_write(struct store *s, uint64_t *seed, struct iptfhir_error *error) {
    static bool (*const writes[])(struct store *, uint64_t *, struct iptfhir_error *) = {
        write_record, write_said, write_said, write_state, write_state,
        write_lane,   write_hold, write_fact, drop_rows,
    };
    return writes[below(seed, sizeof writes / sizeof writes[0])](s, seed, error);
}
