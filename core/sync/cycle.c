/* SPDX-License-Identifier: Apache-2.0 */
/* A cycle's life: loaded, kept in the store, freed. */
#include "core/sync/cycle.h"

#include "core/base/alloc.h"
#include "core/base/crypt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

/* Names the identity that a match would be about. */
static void hash_identity(struct cycle *c) {
    struct str text = { 0 };
    char hex[65];
    c->identity_hash[0] = '\0';
    if (c->lane.facts.identity != NULL)
        json_write_canonical(&text, c->lane.facts.identity);
    if (text.data != NULL && !text.failed) {
        crypt_sha256_hex(text.data, text.length, hex);
        memcpy(c->identity_hash, hex, 32);
        c->identity_hash[32] = '\0';
    }
    str_free(&text);
}

/* The fact that keeps what a lane was matched by last. */
static void match_name(const struct cycle *c, char out[64]) {
    (void)snprintf(out, 64, "match %u %llu", c->reach->no, (unsigned long long)c->patient);
}

/* Whether anything of the lane is at the target. */
static bool anything_there(const struct lane *lane) {
    for (size_t i = 0; i < lane->count; i++) {
        if (lane->items[i].state.server_id[0] != '\0')
            return true;
    }
    return false;
}

/* Finds out whether the identity is another than that of the last match. */
static bool read_match(struct cycle *c, struct iptfhir_error *error) {
    char name[64];
    struct store_bytes value;
    hash_identity(c);
    if (c->lane.clinics || !c->reach->has_server || !anything_there(&c->lane))
        return true;
    match_name(c, name);
    if (!c->run->store->calls->fact_get(c->run->store, name, &c->arena, &value, error))
        return false;
    bool same = value.data != NULL && value.length == strlen(c->identity_hash) &&
                memcmp(value.data, c->identity_hash, value.length) == 0;
    c->identity_changed = !same;
    return true;
}

struct cycle *cycle_new(struct cycle_run *run, struct reach *reach, uint64_t patient,
                        struct iptfhir_error *error) {
    struct cycle *c = base_malloc(sizeof *c);
    bool found;
    if (c == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    memset(c, 0, sizeof *c);
    c->run = run;
    c->reach = reach;
    c->patient = patient;
    c->again_ms = INT64_MAX;
    const struct reach_rest *rest = reach_rest_of(reach, patient);
    int64_t lost_ms = rest != NULL && rest->lost_ms > run->began_ms ? rest->lost_ms : run->began_ms;
    c->settles_ms = lost_ms + reach->config->settle_ms;
    bool loaded = lane_load(run->store, reach->no, reach->config->jobs, patient, &c->arena,
                            &c->lane, &found, error);
    if (loaded && read_match(c, error))
        return c;
    cycle_free(c);
    return NULL;
}

void cycle_free(struct cycle *c) {
    if (c == NULL)
        return;
    ask_free(&c->ask);
    arena_free(&c->arena);
    base_free(c);
}

bool cycle_in_place(const struct cycle *c, const struct lane_item *item) {
    bool erased = item->wanted == STORE_WANTED_MOVED || item->wanted == STORE_WANTED_ERROR;
    bool left = item->wanted == STORE_WANTED_ENDED || item->wanted == STORE_WANTED_LEFT;
    bool nobody = c->lane.facts.identity == NULL;
    return item->state.chart[0] != '\0' && (erased || (left && nobody));
}

const char *cycle_chart(const struct cycle *c, const struct lane_item *item) {
    if (c->lane.clinics || !c->reach->has_server)
        return NULL;
    if (item->state.attempt != STORE_NO_ATTEMPT)
        return item->state.attempt_chart[0] != '\0' ? item->state.attempt_chart : NULL;
    if (cycle_in_place(c, item))
        return item->state.chart;
    return item->wanted != STORE_WANTED_MOVED ? c->lane.chart : NULL;
}

bool cycle_is_older(const struct cycle *c, const struct lane_item *item) {
    return item->state.sent && item->state.era < c->run->settings->era;
}

struct render cycle_render(struct cycle *c, const struct lane_item *item) {
    return (struct render) { .lane = &c->lane,
                             .target = c->reach->config,
                             .lifecycle = c->run->settings->lifecycle,
                             .chart = cycle_chart(c, item),
                             .two_way = cycle_is_older(c, item),
                             .own_ids = !c->reach->has_server };
}

bool cycle_decided(const struct lane_item *item, const char *word) {
    return strcmp(item->state.decision, word) == 0;
}

void cycle_set_step(struct cycle *c, struct lane_item *item, enum store_step step, const char *code,
                    const char *detail) {
    struct store_state *s = &item->state;
    const char *new_code = code != NULL ? code : "";
    const char *new_detail = detail != NULL ? detail : "";
    bool same = s->step == step && strcmp(s->code, new_code) == 0;
    if (same && strcmp(s->detail, new_detail) == 0)
        return;
    if (!same)
        s->since_ms = c->run->world->wall_ms(c->run->world);
    s->step = step;
    s->code = new_code;
    s->detail = new_detail;
    item->dirty = true;
}

void cycle_hold_sticks(struct lane_item *item) {
    unsigned char key[STORE_HASH];
    lane_wanted_key(item, key);
    if (memcmp(key, item->state.attempt_hash, STORE_HASH) == 0)
        return;
    memcpy(item->state.attempt_hash, key, STORE_HASH);
    item->dirty = true;
}

bool cycle_bears(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    if (strcmp(error->code, "store-damaged") != 0)
        return false;
    error_clear(error);
    item->waits = true;
    item->action = RECONCILE_STAY_HELD;
    if (c->stale)
        return true;
    if (item->state.attempt == STORE_NO_ATTEMPT)
        cycle_hold_sticks(item);
    cycle_set_step(
        c, item, STORE_HELD, "store-damaged",
        "the store lost a body of it: run `iptfhir sync --reread`, which writes it anew");
    return true;
}

void cycle_begin_anew(struct lane_item *item) {
    struct store_state *s = &item->state;
    s->sent = false;
    s->attempt = STORE_NO_ATTEMPT;
    s->server_id = "";
    s->version = "";
    s->chart = "";
    s->omitted = 0;
    s->tries = 0;
    s->decision = "";
    s->step = STORE_WAITING;
    s->generation++;
    memset(s->attempt_hash, 0, STORE_HASH);
    item->wanted = item->said->wanted;
    item->found = FOUND_UNASKED;
    item->look = LOOK_NONE;
    item->other_chart = false;
    item->dirty = true;
}

/* ---- keeping ---- */

/* Takes over what others decided, or took back, since the lane was loaded: commands write decisions
 * only. What the store still says as it did then was carried out meanwhile, or will be. */
static bool keep_foreign_decisions(struct cycle *c, struct iptfhir_error *error) {
    struct store_state *states;
    size_t count, at = 0;
    if (!c->run->store->calls->states_of(c->run->store, c->reach->no, c->patient, &c->arena,
                                         &states, &count, error))
        return false;
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        while (at < count && states[at].ordinal < item->ordinal)
            at++;
        if (at == count || states[at].ordinal != item->ordinal || !item->dirty)
            continue;
        if (strcmp(states[at].decision, item->decision_kept) != 0)
            item->state.decision = states[at].decision;
    }
    return true;
}

/* ---- whose chart it is ---- */

/* The fact that keeps who stands in the lane's chart. */
static void chart_name(const struct cycle *c, char out[160]) {
    (void)snprintf(out, 160, "chart %u %s", c->reach->no, c->lane.chart);
}

/* Whether a patient has, or may have, something of ours in the lane's chart. */
static bool stands_there(struct cycle *c, uint64_t patient, bool *stands,
                         struct iptfhir_error *error) {
    struct store_state *states;
    size_t count;
    *stands = false;
    if (!c->run->store->calls->states_of(c->run->store, c->reach->no, patient, &c->arena, &states,
                                         &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct store_state *s = &states[i];
        bool there = s->server_id[0] != '\0' && strcmp(s->chart, c->lane.chart) == 0;
        bool tried = s->attempt != STORE_NO_ATTEMPT;
        bool may_be = tried && strcmp(s->attempt_chart, c->lane.chart) == 0;
        *stands = *stands || there || may_be;
    }
    return true;
}

bool cycle_owns_chart(struct cycle *c, bool *ours, struct iptfhir_error *error) {
    char name[160], number[24];
    struct store_bytes owner;
    bool stands;
    *ours = true;
    chart_name(c, name);
    if (!c->run->store->calls->fact_get(c->run->store, name, &c->arena, &owner, error))
        return false;
    if (owner.data == NULL || owner.length >= sizeof number)
        return true;
    memcpy(number, owner.data, owner.length);
    number[owner.length] = '\0';
    uint64_t patient = strtoull(number, NULL, 10);
    if (patient == c->patient)
        return true;
    if (!stands_there(c, patient, &stands, error))
        return false;
    *ours = !stands;
    return true;
}

/* Notes that the lane's patient stands in its chart. */
static bool set_owner(struct cycle *c, struct iptfhir_error *error) {
    char name[160], number[24];
    chart_name(c, name);
    int length = snprintf(number, sizeof number, "%llu", (unsigned long long)c->patient);
    const struct store_bytes value = { number, (size_t)length };
    return c->run->store->calls->fact_set(c->run->store, name, value, error);
}

bool cycle_claim_chart(struct cycle *c, bool *ours, struct iptfhir_error *error) {
    *ours = true;
    if (c->chart_claimed || c->lane.chart == NULL || !c->reach->has_server)
        return true;
    if (!cycle_owns_chart(c, ours, error))
        return false;
    if (!*ours)
        return true;
    c->chart_claimed = true;
    return set_owner(c, error);
}

/* Notes by what the lane was matched, and who stands in its chart. */
static bool save_match(struct cycle *c, struct iptfhir_error *error) {
    const struct store_calls *calls = c->run->store->calls;
    char name[64];
    if (c->lane.chart == NULL || !c->reach->has_server || !anything_there(&c->lane))
        return true;
    for (size_t i = 0; i < c->lane.count; i++) {
        if (c->lane.items[i].other_chart)
            return true; /* looked at again until a person has decided */
    }
    match_name(c, name);
    if (!calls->fact_set(c->run->store, name,
                         (struct store_bytes) { c->identity_hash, strlen(c->identity_hash) },
                         error))
        return false;
    return set_owner(c, error);
}

/* Whether anything differs from what the store has. */
bool cycle_is_dirty(const struct cycle *c) {
    if (c->what == CYCLE_ENDS)
        return true;
    for (size_t i = 0; i < c->lane.count; i++) {
        if (c->lane.items[i].dirty)
            return true;
    }
    return false;
}

/* Counts a resource where it stands now, instead of where it stood before: what went back and forth
 * is one resource. What it was before the run is no doing of the run. */
static void count_item(struct cycle *c, struct lane_item *item) {
    struct delivery_counts *counts = &c->run->counts;
    const struct store_state *s = &item->state;
    bool was_counted = item->since_counted >= c->run->began_wall_ms;
    bool counts_now = s->since_ms >= c->run->began_wall_ms;
    if (was_counted && item->step_counted == STORE_IN_STEP && counts->in_step > 0)
        counts->in_step--;
    if (was_counted && item->step_counted == STORE_HELD && counts->held > 0)
        counts->held--;
    if (counts_now && s->step == STORE_IN_STEP && s->sent)
        counts->in_step++;
    if (counts_now && s->step == STORE_HELD)
        counts->held++;
    item->step_counted = s->step;
    item->since_counted = s->since_ms;
}

bool cycle_save(struct cycle *c, struct iptfhir_error *error) {
    const struct store_calls *calls = c->run->store->calls;
    if (c->stale && !keep_foreign_decisions(c, error))
        return false;
    for (size_t i = 0; i < c->lane.count && c->what == CYCLE_ENDS; i++)
        count_item(c, &c->lane.items[i]);
    for (size_t i = 0; i < c->lane.count; i++) {
        const struct lane_item *item = &c->lane.items[i];
        if (item->dirty && c->run->settings->committed != NULL)
            c->run->settings->committed(c->run->settings->user, &item->state);
    }
    if (!lane_save(&c->lane, error))
        return false;
    if (c->what != CYCLE_ENDS || c->stale)
        return true;
    if (c->match_done && !save_match(c, error))
        return false;
    if (c->again_ms == INT64_MAX)
        return calls->lane_drop(c->run->store, c->reach->no, c->patient, error);
    return true;
}
