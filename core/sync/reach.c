/* SPDX-License-Identifier: Apache-2.0 */
/* Abilities, pauses, limits and rests of one target. */
#include "core/sync/reach.h"

#include "core/base/alloc.h"
#include "core/sync/pause.h"
#include "core/sync/reconcile.h"

#include <stdio.h>
#include <string.h>

/* ---- abilities ---- */

static void free_abilities(struct reach *r) {
    for (size_t i = 0; i < r->ability_count; i++)
        base_free((void *)(uintptr_t)r->abilities[i].type);
    base_free(r->abilities);
    r->abilities = NULL;
    r->ability_count = 0;
}

/* Copies one ability. */
static bool keep_ability(struct reach *r, const struct iptfhir_ability *from) {
    size_t size = strlen(from->type) + 1;
    char *type = base_malloc(size);
    if (type == NULL)
        return false;
    memcpy(type, from->type, size);
    r->abilities[r->ability_count].type = type;
    r->abilities[r->ability_count].can = from->can;
    r->ability_count++;
    return true;
}

unsigned reach_flags(const struct reach *r, const char *type) {
    static const struct {
        unsigned can, flag;
    } pairs[] = { { IPTFHIR_CAN_CREATE, CAN_CREATE },
                  { IPTFHIR_CAN_UPDATE, CAN_UPDATE },
                  { IPTFHIR_CAN_READ, CAN_READ },
                  { IPTFHIR_CAN_FIND, CAN_FIND },
                  { IPTFHIR_CAN_CREATE_IF_NONE, CAN_CREATE_IF_NONE },
                  { IPTFHIR_CAN_CREATE_AT, CAN_CREATE_AT },
                  { IPTFHIR_HAS_VERSIONS, HAS_VERSIONS } };
    unsigned can = 0, others = 0, flags = 0;
    bool listed = false;
    for (size_t i = 0; i < r->ability_count; i++) {
        if (strcmp(r->abilities[i].type, type) == 0) {
            can = r->abilities[i].can;
            listed = true;
        } else if (strcmp(r->abilities[i].type, IPTFHIR_ANY_TYPE) == 0) {
            others = r->abilities[i].can;
        }
    }
    if (!listed)
        can = others;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if ((can & pairs[i].can) != 0)
            flags |= pairs[i].flag;
    }
    if (r->config->update_without_version || (flags & HAS_VERSIONS) != 0)
        flags |= MAY_UPDATE;
    return flags;
}

/* ---- pauses and limits ---- */

int64_t reach_backoff(int tries, uint32_t jitter) {
    int64_t most = REACH_BACKOFF_MS;
    for (int i = 0; i < tries && most < REACH_BACKOFF_MOST_MS; i++)
        most *= 2;
    if (most > REACH_BACKOFF_MOST_MS)
        most = REACH_BACKOFF_MOST_MS;
    int64_t least = most / 4;
    return least + (int64_t)(jitter % (uint64_t)(most - least));
}

void reach_pause(struct reach *r, const struct iptfhir_pause *pause, int64_t steady_ms,
                 uint32_t jitter) {
    int64_t backoff = reach_backoff(r->failures, jitter);
    int64_t wait = pause->retry_after_ms;
    if (wait <= 0 || (pause->person && wait < backoff))
        wait = backoff;
    if (wait > REACH_PAUSE_MOST_MS)
        wait = REACH_PAUSE_MOST_MS;
    int64_t until = steady_ms + wait;
    if (pause->code != NULL && pause_waits_for_word(pause->code))
        until = INT64_MAX;
    bool longer = !r->paused || until > r->until_ms;
    bool names = pause->person == r->needs_person ? longer : pause->person;
    if (!r->paused) {
        r->failures++;
        r->taken_before = r->taken;
    }
    r->paused = true;
    r->probes = false;
    r->pause_changed = true;
    r->needs_person = r->needs_person || pause->person;
    if (longer)
        r->until_ms = until;
    if (!names)
        return; /* the cause that needs a person stays named */
    (void)snprintf(r->code, sizeof r->code, "%s",
                   pause->code != NULL ? pause->code : "target-busy");
    (void)snprintf(r->detail, sizeof r->detail, "%s", pause->detail != NULL ? pause->detail : "");
}

bool reach_probe(struct reach *r, int64_t steady_ms) {
    if (!r->paused || r->until_ms > steady_ms)
        return false;
    r->paused = false;
    r->probes = true;
    r->pause_changed = true;
    reach_rescan(r);
    return true;
}

void reach_resume(struct reach *r) {
    r->paused = false;
    r->probes = false;
    r->needs_person = false;
    r->failures = 0;
    r->pause_changed = true;
    reach_rescan(r);
}

/* Whether an answer shows that what the target paused for is over. */
static bool shows_the_end(const struct reach *r) {
    bool forbade = strcmp(r->code, "target-forbidden") == 0;
    return !forbade || r->taken > r->taken_before;
}

/* Something was answered as it should be. */
static void close_circuit(struct reach *r) {
    if (r->probes && shows_the_end(r))
        reach_resume(r);
    else if (!r->paused && !r->probes)
        r->failures = 0;
}

bool reach_learn(struct reach *r, const struct iptfhir_abilities *abilities) {
    size_t count = 0;
    free_abilities(r);
    while (abilities->types != NULL && abilities->types[count].type != NULL)
        count++;
    r->abilities = base_malloc((count + 1) * sizeof *r->abilities);
    if (r->abilities == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!keep_ability(r, &abilities->types[i]))
            return false;
    }
    r->together = IPTFHIR_SINGLY;
    if (r->config->together && abilities->batch)
        r->together = IPTFHIR_BATCH;
    if (r->config->together && abilities->transaction)
        r->together = IPTFHIR_TRANSACTION;
    r->learned = true;
    close_circuit(r);
    return true;
}

void reach_answered(struct reach *r, size_t items) {
    r->successes++;
    r->failed_in_row = 0;
    close_circuit(r);
    if (items < r->entries)
        return;
    r->entries *= 2;
    if (r->entries > r->entries_most)
        r->entries = r->entries_most;
}

void reach_begin(struct reach *r, const struct delivery_target *config, int64_t timeout_ms) {
    r->config = config;
    r->timeout_ms = timeout_ms;
    r->bytes = REACH_BYTES;
    r->entries_allowed = config->max_entries > 0 ? config->max_entries : REACH_ENTRIES;
    r->entries_most = r->entries_allowed;
    r->entries = r->entries_most < REACH_ENTRIES ? r->entries_most : REACH_ENTRIES;
}

void reach_without_server(struct reach *r) {
    r->has_server = false;
    if (r->config->max_entries > 0)
        return;
    r->entries_allowed = REACH_LOCAL_ENTRIES;
    r->entries_most = REACH_LOCAL_ENTRIES;
    r->entries = REACH_LOCAL_ENTRIES;
}

void reach_halve(struct reach *r, size_t tried, bool lasting) {
    size_t half = tried / 2;
    if (half < 1)
        half = 1;
    if (half < r->entries)
        r->entries = half;
    if (!lasting || half >= r->entries_most)
        return;
    r->entries_most = half;
    r->limit_changed = true;
}

void reach_remember(struct reach *r, size_t most, int64_t kept_ms, int64_t now_ms) {
    bool by_a_clock_ahead = kept_ms > now_ms;
    bool old = now_ms - kept_ms >= REACH_LIMIT_MS;
    if (most == 0 || most >= r->entries_allowed)
        return;
    r->limit_changed = old || by_a_clock_ahead; /* it is dated anew */
    r->entries_most = old ? most * 2 : most;
    if (r->entries_most > r->entries_allowed)
        r->entries_most = r->entries_allowed;
    if (r->entries > r->entries_most)
        r->entries = r->entries_most;
}

/* ---- rests ---- */

/* Where a patient's rest stands, or would. */
static size_t rest_slot(const struct reach *r, uint64_t patient) {
    size_t mask = r->rest_capacity - 1;
    size_t slot = (size_t)(patient * 0x9e3779b97f4a7c15u >> 20) & mask;
    while (r->rests[slot].patient != 0 && r->rests[slot].patient != patient)
        slot = (slot + 1) & mask;
    return slot;
}

struct reach_rest *reach_rest_of(const struct reach *r, uint64_t patient) {
    if (r->rest_capacity == 0)
        return NULL;
    struct reach_rest *rest = &r->rests[rest_slot(r, patient)];
    return rest->patient != 0 ? rest : NULL;
}

/* Makes room for twice as many. */
static bool grow(struct reach *r) {
    struct reach_rest *old = r->rests;
    size_t old_capacity = r->rest_capacity;
    size_t capacity = old_capacity != 0 ? old_capacity * 2 : 64;
    struct reach_rest *rests = base_malloc(capacity * sizeof *rests);
    if (rests == NULL)
        return false;
    memset(rests, 0, capacity * sizeof *rests);
    r->rests = rests;
    r->rest_capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].patient != 0)
            r->rests[rest_slot(r, old[i].patient)] = old[i];
    }
    base_free(old);
    return true;
}

struct reach_rest *reach_rest_add(struct reach *r, uint64_t patient) {
    struct reach_rest *rest = reach_rest_of(r, patient);
    if (rest != NULL)
        return rest;
    if ((r->rest_count + 1) * 2 > r->rest_capacity && !grow(r))
        return NULL;
    rest = &r->rests[rest_slot(r, patient)];
    *rest = (struct reach_rest) { .patient = patient, .lost_ms = INT64_MIN };
    r->rest_count++;
    return rest;
}

void reach_rescan(struct reach *r) {
    r->scanned = false;
    r->rescan = true;
}

void reach_wake(struct reach *r, uint64_t patient) {
    reach_rescan(r);
    if (patient != 0) {
        struct reach_rest *rest = reach_rest_of(r, patient);
        if (rest != NULL)
            rest->until_ms = INT64_MIN;
        return;
    }
    for (size_t i = 0; i < r->rest_capacity; i++) {
        if (r->rests[i].patient != 0)
            r->rests[i].until_ms = INT64_MIN;
    }
}

void reach_scan_ends(struct reach *r, int64_t now_ms) {
    r->scanned = !r->rescan;
    r->rescan = false;
    r->after = 0;
    for (size_t i = 0; r->scanned && i < r->rest_capacity; i++) {
        struct reach_rest *rest = &r->rests[i];
        if (rest->patient == 0 || rest->until_ms > now_ms)
            continue;
        rest->until_ms = INT64_MAX;
        rest->waits = false;
        rest->unknown = false;
    }
}

struct reach_soonest reach_soonest(const struct reach *r) {
    struct reach_soonest soonest = { .until_ms = INT64_MAX };
    for (size_t i = 0; i < r->rest_capacity; i++) {
        const struct reach_rest *rest = &r->rests[i];
        if (rest->patient == 0 || rest->until_ms == INT64_MAX)
            continue;
        soonest.waits = soonest.waits || rest->waits;
        soonest.unknown = soonest.unknown || rest->unknown;
        if (rest->until_ms < soonest.until_ms)
            soonest.until_ms = rest->until_ms;
    }
    return soonest;
}

void reach_free(struct reach *r) {
    free_abilities(r);
    base_free(r->rests);
    r->rests = NULL;
    r->rest_capacity = 0;
}
