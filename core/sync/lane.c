/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a lane, and finding one's way in it. */
#include "core/sync/lane.h"

#include "core/base/uuid.h"

#include <stdlib.h>
#include <string.h>

struct lane_bodies {
    struct lane_bodies *next;
    uint32_t sequence;
    struct store_bytes *bodies;
    size_t count;
};

/* ---- UUIDs ---- */

void lane_uuid_text(const unsigned char uuid[STORE_UUID], char out[37]) {
    uuid_write(uuid, out);
    out[UUID_TEXT] = '\0';
}

bool lane_uuid_read(const char text[36], unsigned char uuid[STORE_UUID]) {
    return uuid_read(text, uuid);
}

/* ---- items by identity ---- */

/* The slot of a UUID: its own bits are as good as any hash. */
static uint32_t slot_of(const struct lane *lane, const unsigned char uuid[STORE_UUID]) {
    uint32_t bits;
    memcpy(&bits, uuid, sizeof bits);
    uint32_t slot = bits & lane->slot_mask;
    while (lane->slots[slot] != 0) {
        const struct lane_item *item = &lane->items[lane->slots[slot] - 1];
        if (memcmp(item->said->uuid, uuid, STORE_UUID) == 0)
            break;
        slot = (slot + 1) & lane->slot_mask;
    }
    return slot;
}

struct lane_item *lane_find(const struct lane *lane, const unsigned char uuid[STORE_UUID]) {
    uint32_t index = lane->slots[slot_of(lane, uuid)];
    return index != 0 ? &lane->items[index - 1] : NULL;
}

/* ---- which version decides ---- */

/* Records of other patients that say something here: what a record left in a former patient's
 * chart, and what is the clinic's own. */
struct foreign {
    struct foreign *next;
    struct store_record record;
    bool found;
};

/* Finds the record of a row; *out NULL: the store lost it. */
static bool find_record(const struct lane *lane, uint64_t no, struct foreign **foreign,
                        const struct store_record **out, struct iptfhir_error *error) {
    *out = NULL;
    for (size_t i = 0; i < lane->record_count; i++) {
        if (lane->records[i].no == no) {
            *out = &lane->records[i];
            return true;
        }
    }
    struct foreign *f = *foreign;
    while (f != NULL && f->record.no != no)
        f = f->next;
    if (f == NULL) {
        f = arena_zalloc(lane->arena, sizeof *f);
        if (f == NULL)
            return error_set(error, "memory", NULL, "out of memory");
        if (!lane->store->calls->record_get(lane->store, no, lane->arena, &f->record, &f->found,
                                            error))
            return false;
        f->record.no = no;
        f->next = *foreign;
        *foreign = f;
    }
    if (f->found)
        *out = &f->record;
    return true;
}

/* How much a word of a record counts against that of another: a body over a withdrawal, a
 * withdrawal over silence. */
static int weight(enum store_wanted wanted) {
    switch (wanted) {
    case STORE_WANTED_BODY: return 2;
    case STORE_WANTED_NOTHING: return 0;
    case STORE_WANTED_ERROR:
    case STORE_WANTED_ENDED:
    case STORE_WANTED_LEFT:
    case STORE_WANTED_MOVED: break;
    }
    return 1;
}

/* Whether what a record says goes to the lane's target. */
static bool is_routed(const struct lane *lane, const struct store_record *record,
                      const char *const *jobs) {
    if (lane->clinics || record == NULL)
        return true;
    for (size_t i = 0; jobs[i] != NULL; i++) {
        if (strcmp(jobs[i], record->job) == 0)
            return true;
    }
    return false;
}

/* Lets a version decide. */
static void take(struct lane_item *item, const struct store_said *said,
                 const struct store_record *record, bool routed) {
    item->said = said;
    item->record = record;
    item->routed = routed;
    item->contradicted = false;
}

/* Takes another record's version into account: one that goes here counts before one that
 * doesn't. */
static void weigh(struct lane_item *item, const struct store_said *said,
                  const struct store_record *record, bool routed) {
    if (routed != item->routed) {
        if (routed)
            take(item, said, record, routed);
        return;
    }
    int ours = weight(item->said->wanted), theirs = weight(said->wanted);
    if (theirs < ours)
        return;
    bool newer = theirs > ours || said->as_of_ms > item->said->as_of_ms;
    bool same_date = theirs == ours && said->as_of_ms == item->said->as_of_ms;
    if (same_date && theirs == 2) {
        bool differs = memcmp(said->hash, item->said->hash, STORE_HASH) != 0;
        item->contradicted = item->contradicted || differs;
        return;
    }
    if (newer)
        take(item, said, record, routed);
}

/* Groups the rows by identity. */
static bool group(struct lane *lane, const char *const *jobs, const struct store_said *rows,
                  size_t count, struct iptfhir_error *error) {
    uint32_t slots = 16;
    struct foreign *foreign = NULL;
    while (slots < count * 2)
        slots *= 2;
    lane->slot_mask = slots - 1;
    lane->slots = arena_zalloc(lane->arena, slots * sizeof *lane->slots);
    lane->items = arena_zalloc(lane->arena, (count + 1) * sizeof *lane->items);
    if (lane->slots == NULL || lane->items == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct store_record *record;
        if (!find_record(lane, rows[i].record, &foreign, &record, error))
            return false;
        bool routed = is_routed(lane, record, jobs);
        uint32_t slot = slot_of(lane, rows[i].uuid);
        if (lane->slots[slot] != 0) {
            weigh(&lane->items[lane->slots[slot] - 1], &rows[i], record, routed);
            continue;
        }
        struct lane_item *item = &lane->items[lane->count++];
        lane->slots[slot] = (uint32_t)lane->count;
        item->ordinal = rows[i].ordinal;
        take(item, &rows[i], record, routed);
        item->found = FOUND_UNASKED;
        item->look = LOOK_NONE;
        item->place = SIZE_MAX;
    }
    for (size_t i = 0; i < lane->count; i++)
        lane->items[i].wanted = lane->items[i].said->wanted;
    return true;
}

/* ---- refusals of records that stand elsewhere ---- */

struct refusals {
    struct lane *lane;
    struct store_record *list; /* the lane's records, then refusals */
    size_t count, capacity;
    bool failed;
};

/* Takes the fact of one record as a record that is held. */
static bool take_refusal(void *user, const char *name, struct store_bytes value) {
    struct refusals *r = user;
    struct arena *a = r->lane->arena;
    char *text = arena_strndup(a, value.data, value.length);
    (void)name;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity * 2 + 4;
        struct store_record *grown = arena_alloc(a, capacity * sizeof *grown);
        if (grown != NULL && r->count > 0)
            memcpy(grown, r->list, r->count * sizeof *grown);
        r->list = grown;
        r->capacity = capacity;
    }
    if (text == NULL || r->list == NULL) {
        r->failed = true;
        return false;
    }
    char *facts = NULL;
    long long revision_ms = strtoll(text, &facts, 10);
    r->list[r->count++] = (struct store_record) { .job = "",
                                                  .id = "",
                                                  .unit = "",
                                                  .code = "patient-changed",
                                                  .detail = "",
                                                  .decision = "",
                                                  .state = STORE_RECORD_HELD,
                                                  .revision_ms = revision_ms,
                                                  .facts = { facts, strlen(facts) } };
    return true;
}

/* Joins the facts of the patient's records, and of records that name the patient but are held
 * under another one. */
static bool join_facts(struct lane *lane, struct iptfhir_error *error) {
    struct refusals r = { lane, lane->records, lane->record_count, lane->record_count, false };
    const char *prefix = arena_printf(lane->arena, "refusal %s\x1f%s\x1f", lane->patient.clinic,
                                      lane->patient.local_id);
    if (prefix == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    if (!lane->store->calls->facts(lane->store, prefix, take_refusal, &r, error))
        return false;
    if (r.failed || !gate_join(lane->arena, r.list, r.count, &lane->facts))
        return error_set(error, "memory", NULL, "out of memory");
    return true;
}

/* ---- states ---- */

/* The state of what was never tried. */
static void begin_state(const struct lane *lane, struct lane_item *item) {
    item->state = (struct store_state) { .target = lane->target,
                                         .patient = lane->patient.no,
                                         .ordinal = item->ordinal,
                                         .step = STORE_WAITING,
                                         .code = "",
                                         .detail = "",
                                         .decision = "",
                                         .attempt_version = "",
                                         .attempt_chart = "",
                                         .server_id = "",
                                         .version = "",
                                         .chart = "" };
}

/* Finds the items anew, after some of them went. */
static void index_items(struct lane *lane) {
    memset(lane->slots, 0, (lane->slot_mask + 1) * sizeof *lane->slots);
    for (size_t i = 0; i < lane->count; i++)
        lane->slots[slot_of(lane, lane->items[i].said->uuid)] = (uint32_t)i + 1;
}

/* Gives each item its state; both lists are by ordinal, but a shared resource's rows are not one
 * after the other. What doesn't go to the target and has no state there is no item. */
static void join_states(struct lane *lane, const struct store_state *states, size_t count) {
    size_t at = 0, kept = 0;
    for (size_t i = 0; i < lane->count; i++) {
        struct lane_item *item = &lane->items[i];
        while (at < count && states[at].ordinal < item->ordinal)
            at++;
        bool has_state = at < count && states[at].ordinal == item->ordinal;
        if (has_state)
            item->state = states[at];
        else
            begin_state(lane, item);
        item->step_counted = item->state.step;
        item->since_counted = item->state.since_ms;
        item->decision_kept = item->state.decision;
        if (has_state || item->routed)
            lane->items[kept++] = *item;
    }
    bool all = kept == lane->count;
    lane->count = kept;
    if (!all)
        index_items(lane);
}

bool lane_load(struct store *store, uint32_t target, const char *const *jobs, uint64_t patient,
               struct arena *arena, struct lane *out, bool *found, struct iptfhir_error *error) {
    const struct store_calls *calls = store->calls;
    struct store_said *rows;
    struct store_state *states;
    size_t row_count, state_count;
    *out = (struct lane) { .store = store, .arena = arena, .target = target };
    if (!calls->patient_get(store, patient, arena, &out->patient, found, error))
        return false;
    if (!*found)
        return true;
    out->clinics = out->patient.local_id[0] == '\0';
    if (!calls->records_of(store, patient, arena, &out->records, &out->record_count, error))
        return false;
    if (!calls->said_of(store, patient, arena, &rows, &row_count, error))
        return false;
    if (!calls->states_of(store, target, patient, arena, &states, &state_count, error))
        return false;
    if (!join_facts(out, error))
        return false;
    const char *id = out->facts.identity != NULL ? tree_text(out->facts.identity, "id") : NULL;
    if (id != NULL && strlen(id) == 36)
        memcpy(out->our_id, id, 37);
    if (!group(out, jobs, rows, row_count, error))
        return false;
    join_states(out, states, state_count);
    return true;
}

/* ---- bodies ---- */

/* Reads a set of bodies, once. */
static const struct lane_bodies *bodies_of(struct lane *lane, uint32_t sequence,
                                           struct iptfhir_error *error) {
    for (const struct lane_bodies *set = lane->bodies; set != NULL; set = set->next) {
        if (set->sequence == sequence)
            return set;
    }
    struct lane_bodies *set = arena_zalloc(lane->arena, sizeof *set);
    if (set == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    set->sequence = sequence;
    if (!lane->store->calls->bodies_get(lane->store, lane->patient.no, sequence, lane->arena,
                                        &set->bodies, &set->count, error))
        return NULL;
    set->next = lane->bodies;
    lane->bodies = set;
    return set;
}

bool lane_body_bytes(struct lane *lane, struct store_body_at at, struct store_bytes *out,
                     struct iptfhir_error *error) {
    const struct lane_bodies *set = bodies_of(lane, at.sequence, error);
    if (set == NULL)
        return false;
    if (at.index >= set->count)
        return error_set(
            error, "store-damaged", NULL,
            "the store lost a body: run `iptfhir sync --reread`, which writes it anew");
    *out = set->bodies[at.index];
    return true;
}

struct tree *lane_body(struct lane *lane, struct store_body_at at, struct iptfhir_error *error) {
    struct store_bytes body = { NULL, 0 };
    if (!lane_body_bytes(lane, at, &body, error))
        return NULL;
    struct iptfhir_error why = ERROR_INIT;
    struct tree *tree = json_read_copy(lane->arena, body.data, body.length, NULL, &why);
    if (tree == NULL && strcmp(why.code, "memory") == 0)
        error_set(error, "memory", NULL, "out of memory");
    else if (tree == NULL)
        error_set(error, "store-damaged", NULL,
                  "the store holds a body that can't be read: run `iptfhir sync --reread`, which "
                  "writes it "
                  "anew");
    return tree;
}

/* ---- what is wanted ---- */

void lane_wanted_key(const struct lane_item *item, unsigned char out[STORE_HASH]) {
    memcpy(out, item->said->hash, STORE_HASH);
    out[0] = (unsigned char)(out[0] ^ (unsigned)item->wanted);
}

bool lane_is_wanted(const struct lane_item *item, bool noted, enum store_wanted wanted,
                    const unsigned char hash[STORE_HASH]) {
    unsigned char key[STORE_HASH];
    lane_wanted_key(item, key);
    bool same_kind = noted && wanted == item->wanted;
    return same_kind && memcmp(key, hash, STORE_HASH) == 0;
}

bool lane_stands_elsewhere(const struct lane *lane, const struct lane_item *item) {
    const struct store_state *s = &item->state;
    bool there = s->server_id[0] != '\0' && s->chart[0] != '\0';
    return there && lane->chart != NULL && strcmp(s->chart, lane->chart) != 0;
}

bool lane_moves(const struct lane_item *item) {
    return item->wanted == STORE_WANTED_MOVED && item->said->wanted == STORE_WANTED_BODY;
}

bool lane_save(struct lane *lane, struct iptfhir_error *error) {
    for (size_t i = 0; i < lane->count; i++) {
        struct lane_item *item = &lane->items[i];
        if (!item->dirty)
            continue;
        if (!lane->store->calls->state_put(lane->store, &item->state, error))
            return false;
        item->decision_kept = item->state.decision;
        item->dirty = false;
    }
    return true;
}
