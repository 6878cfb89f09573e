/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of outbox read and write in a transaction; delivery and the next reading carry it
 * out. */
#include "core/base/codes.h"
#include "core/command/outbox_act.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- refusing ---- */

const char *act_refuse(struct act *a, const char *format, ...) {
    va_list args;
    struct str text = { 0 };
    const char *kept = NULL;
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    if (text.data != NULL)
        kept = arena_strndup(&a->arena, text.data, text.length);
    str_free(&text);
    return kept != NULL ? kept : "out of memory; run the command again";
}

const char *act_next_of(const char *code) {
    const struct code *entry = code_find(code);
    return entry != NULL ? entry->next : "see `iptfhir outbox show ID`";
}

const char *act_refuse_for_record(struct act *a, const struct store_record *record) {
    return act_refuse(a, "its record is held: decide about r%" PRIu64 " (%s)", record->no,
                      act_next_of(record->code));
}

/* ---- asking ---- */

bool act_is(const char *text, const char *other) {
    return strcmp(text, other) == 0;
}

bool act_is_held_record(const struct store_record *record) {
    return record->state == STORE_RECORD_HELD || record->state == STORE_RECORD_GONE;
}

bool act_is_decided_record(const struct store_record *record) {
    bool settled = record->state == STORE_RECORD_LEFT || record->state == STORE_RECORD_ERROR;
    return settled || record->decision[0] != '\0';
}

bool act_is_held_by_record(const struct survey_item *found) {
    const struct store_record *record = found->record;
    if (record == NULL || record->state == STORE_RECORD_LIVE)
        return false;
    return act_is(record->code, found->code);
}

/* ---- lanes ---- */

bool act_lane(struct act *a, const char *target, uint64_t patient, struct lane *lane) {
    uint32_t no = 0;
    bool there = false;
    const char *const *jobs = survey_jobs_of(a->o->routes, a->o->route_count, target, &a->arena);
    if (jobs == NULL)
        return act_check(a, error_set(a->error, "memory", NULL, "out of memory"));
    if (!act_check(a, a->calls->target_no(a->store, target, false, &no, a->error)))
        return false;
    if (no == 0)
        return false;
    bool loaded = lane_load(a->store, no, jobs, patient, &a->arena, lane, &there, a->error);
    return act_check(a, loaded) && there;
}

bool act_look(const struct lane *lane, uint32_t ordinal, struct survey_item *found) {
    for (size_t i = 0; i < lane->count; i++) {
        if (lane->items[i].ordinal == ordinal)
            return survey_look(lane, &lane->items[i], found);
    }
    return false;
}

static void put_lane(struct act *a, const char *target, uint64_t patient) {
    uint32_t no = 0;
    act_check(a, a->calls->target_no(a->store, target, false, &no, a->error));
    if (a->failed || no == 0)
        return;
    act_check(a, a->calls->lane_put(a->store, no, patient, a->o->now_ms, a->error));
}

void act_put_lanes(struct act *a, const char *job, uint64_t patient) {
    for (size_t i = 0; i < a->o->route_count; i++) {
        if (act_is(a->o->routes[i].job, job))
            put_lane(a, a->o->routes[i].target, patient);
    }
}

/* ---- resources ---- */

void act_put_state(struct act *a, const struct store_state *state) {
    act_check(a, a->calls->state_put(a->store, state, a->error));
}

void act_make_due(struct act *a, const struct survey_item *found) {
    struct store_state state = found->item->state;
    bool untouched = state.since_ms == 0 && !state.sent;
    put_lane(a, found->target, state.patient);
    if (untouched && state.step == STORE_WAITING)
        return;
    state.tries = 0;
    state.decision = "";
    if (state.attempt == STORE_NO_ATTEMPT) {
        memset(state.attempt_hash, 0, STORE_HASH);
        state.step = STORE_WAITING;
        state.code = state.detail = "";
        state.since_ms = a->o->now_ms;
    } else if (state.step == STORE_HELD) {
        state.step = STORE_UNKNOWN;
        state.code = "unknown";
        state.detail = "";
        state.since_ms = a->o->now_ms;
    }
    act_put_state(a, &state);
}

void act_decide(struct act *a, const struct survey_item *found, const char *word) {
    struct store_state state = found->item->state;
    state.decision = word;
    act_put_state(a, &state);
    put_lane(a, found->target, state.patient);
}

/* All rows of a patient; none when the store failed. */
static struct store_said *said_of(struct act *a, uint64_t patient, size_t *count) {
    struct store_said *rows = NULL;
    *count = 0;
    bool good = a->calls->said_of(a->store, patient, &a->arena, &rows, count, a->error);
    if (!act_check(a, good))
        *count = 0;
    return rows;
}

void act_rewrite_resource(struct act *a, const struct lane_item *item, const char *code,
                          const enum store_wanted *wanted) {
    size_t count;
    struct store_said *rows = said_of(a, item->said->patient, &count);
    for (size_t i = 0; i < count && !a->failed; i++) {
        bool same_resource = memcmp(rows[i].uuid, item->said->uuid, STORE_UUID) == 0;
        if (!same_resource || !act_is(rows[i].code, code))
            continue;
        rows[i].code = rows[i].detail = "";
        if (wanted != NULL)
            rows[i].wanted = *wanted;
        act_check(a, a->calls->said_put(a->store, &rows[i], a->error));
    }
}

/* ---- records ---- */

void act_put_record(struct act *a, struct store_record *record) {
    act_check(a, a->calls->record_put(a->store, record, a->error));
}

void act_read_again(struct act *a, struct store_record *record) {
    memset(record->content, 0, STORE_HASH);
    act_put_record(a, record);
    act_check(a, intake_reread(a->store, record->job, a->error));
}

void act_rewrite_record(struct act *a, const struct store_record *record, enum store_wanted from,
                        enum store_wanted to) {
    size_t count;
    struct store_said *rows = said_of(a, record->patient, &count);
    for (size_t i = 0; i < count && !a->failed; i++) {
        if (rows[i].record != record->no || rows[i].wanted != from)
            continue;
        rows[i].wanted = to;
        rows[i].code = rows[i].detail = "";
        act_check(a, a->calls->said_put(a->store, &rows[i], a->error));
    }
    if (!a->failed)
        act_put_lanes(a, record->job, record->patient);
}

/* ---- holds ---- */

struct hold_numbers {
    const struct store_record *record;
    int64_t list[16];
    size_t count;
};

static bool note_hold(void *user, const struct store_hold *hold) {
    struct hold_numbers *n = user;
    bool of_record = act_is(hold->key.record, n->record->id);
    if (of_record && act_is(hold->key.code, n->record->code))
        n->list[n->count++] = hold->no;
    return n->count < sizeof n->list / sizeof *n->list;
}

void act_drop_hold(struct act *a, int64_t no) {
    act_check(a, a->calls->hold_drop(a->store, no, a->error));
}

void act_drop_holds(struct act *a, const struct store_record *record) {
    struct hold_numbers n = { .record = record };
    act_check(a, a->calls->holds(a->store, record->job, note_hold, &n, a->error));
    for (size_t i = 0; i < n.count && !a->failed; i++)
        act_drop_hold(a, n.list[i]);
}
