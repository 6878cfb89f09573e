/* SPDX-License-Identifier: Apache-2.0 */
/* The holds of a job in memory, so that one that stands as it is costs no write and one that nobody
 * says any more is found. */
#include "core/sync/intake_internal.h"

#include "core/base/alloc.h"

#include <string.h>

/* The chain of holds that name a record, or, without one, of a row. */
static struct intake_held **bucket_of(struct intake_holds *holds,
                                      const struct store_hold_key *key) {
    uint64_t hash = *key->record != '\0' ? intake_hash64(key->record)
                                         : intake_hash64(key->unit) ^ intake_hash64(key->place);
    return &holds->buckets[(hash ^ hash >> 32) % INTAKE_HOLD_BUCKETS];
}

static bool same_key(const struct store_hold_key *a, const struct store_hold_key *b) {
    return strcmp(a->record, b->record) == 0 && strcmp(a->place, b->place) == 0 &&
           strcmp(a->code, b->code) == 0 && strcmp(a->unit, b->unit) == 0;
}

/* The hold of a key; NULL: none. */
static struct intake_held *find(struct intake_holds *holds, const struct store_hold_key *key) {
    struct intake_held *held = *bucket_of(holds, key);
    while (held != NULL && (held->dropped || !same_key(&held->key, key)))
        held = held->next;
    return held;
}

static const char *keep(struct intake *in, const char *text) {
    const char *copy = arena_strndup(&in->holds.arena, text, strlen(text));
    if (copy == NULL)
        intake_fault(in, "memory", "out of memory");
    return copy;
}

/* A copy of a hold, as one of this job; NULL after a fault. */
static struct intake_held *copy(struct intake *in, const struct store_hold_key *key, int64_t no) {
    struct intake_held *held = arena_zalloc(&in->holds.arena, sizeof *held);
    if (held == NULL) {
        intake_fault(in, "memory", "out of memory");
        return NULL;
    }
    held->no = no;
    held->key =
        (struct store_hold_key) { in->settings->job, keep(in, key->unit), keep(in, key->record),
                                  keep(in, key->place), keep(in, key->code) };
    return intake_ok(in) ? held : NULL;
}

/* Adds a hold to the table; NULL after a fault. */
static struct intake_held *add(struct intake *in, const struct store_hold_key *key, int64_t no) {
    struct intake_held *held = copy(in, key, no);
    if (held == NULL)
        return NULL;
    struct intake_held **bucket = bucket_of(&in->holds, key);
    held->next = *bucket;
    *bucket = held;
    return held;
}

static bool on_hold(void *user, const struct store_hold *hold) {
    struct intake *in = user;
    struct intake_held *held = add(in, &hold->key, hold->no);
    if (held == NULL)
        return false;
    held->detail = intake_hash64(hold->detail);
    (void)intake_set_add(in, &in->holds.units, intake_hash64(hold->key.unit));
    return intake_ok(in);
}

/* Notes a hold of a job that is configured no more. */
static bool on_former(void *user, const struct store_hold *hold) {
    struct intake *in = user;
    if (rows_job_stands(in, hold->key.job))
        return true;
    struct intake_held *held = copy(in, &hold->key, hold->no);
    if (held == NULL)
        return false;
    held->next = in->holds.former;
    in->holds.former = held;
    (void)intake_set_add(in, &in->holds.units, intake_hash64(hold->key.unit));
    return intake_ok(in);
}

void holds_load(struct intake *in) {
    bool read = in->calls->holds(in->store, in->settings->job, on_hold, in, &in->fault) &&
                in->calls->holds(in->store, NULL, on_former, in, &in->fault);
    if (!read && intake_ok(in))
        intake_fault(in, "store", "the holds of the job could not be read; run the command again");
}

void holds_free(struct intake_holds *holds) {
    base_free(holds->units.slots);
    base_free(holds->units_read.slots);
    arena_free(&holds->arena);
}

void holds_say(struct intake *in, const struct store_hold_key *key, const char *detail,
               int64_t now_ms) {
    struct intake_held *held = intake_ok(in) ? find(&in->holds, key) : NULL;
    uint64_t hash = intake_hash64(detail);
    bool stands = held != NULL && held->detail == hash;
    if (held == NULL)
        held = add(in, key, 0);
    if (held == NULL)
        return;
    held->confirmed = true;
    held->detail = hash;
    struct store_hold hold = {
        .key = held->key, .detail = detail, .since_ms = now_ms, .poll = in->poll
    };
    if (!stands && !in->calls->hold_put(in->store, &hold, &in->fault))
        intake_fault(in, "store", "a hold could not be written; run the command again");
}

static bool note_number(void *user, const struct store_hold *hold) {
    struct intake *in = user;
    struct intake_held *held = find(&in->holds, &hold->key);
    if (held != NULL)
        held->no = hold->no;
    return true;
}

/* Drops a hold from the store; one that was written in this poll is asked its number first. */
static void drop(struct intake *in, struct intake_held *held) {
    bool done = true;
    if (held->no == 0)
        done = in->calls->holds(in->store, in->settings->job, note_number, in, &in->fault);
    if (done && held->no != 0)
        done = in->calls->hold_drop(in->store, held->no, &in->fault);
    if (!done)
        intake_fault(in, "store", "a hold could not be dropped; run the command again");
    held->dropped = true;
}

/* The first hold of a record from `held` on; NULL: none. */
static struct intake_held *of_record(struct intake_held *held, const char *record) {
    while (held != NULL && (held->dropped || strcmp(held->key.record, record) != 0))
        held = held->next;
    return held;
}

static struct intake_held *first_of(struct intake *in, const char *record) {
    const struct store_hold_key key = { "", "", record, "", "" };
    return *record != '\0' ? of_record(*bucket_of(&in->holds, &key), record) : NULL;
}

void holds_doubt(struct intake *in, const char *record) {
    struct intake_held *held = first_of(in, record);
    for (; held != NULL; held = of_record(held->next, record))
        held->confirmed = false;
}

void holds_release(struct intake *in, const char *record, const char *code) {
    struct intake_held *held = first_of(in, record);
    for (; held != NULL && intake_ok(in); held = of_record(held->next, record)) {
        bool meant = code != NULL ? strcmp(held->key.code, code) == 0 : !held->confirmed;
        if (meant)
            drop(in, held);
    }
}

bool holds_confirm(struct intake *in, const char *record, const char *code, const char *place) {
    struct intake_held *held = first_of(in, record);
    for (; held != NULL; held = of_record(held->next, record)) {
        if (strcmp(held->key.code, code) == 0 && strcmp(held->key.place, place) == 0) {
            held->confirmed = true;
            return true;
        }
    }
    return false;
}

void holds_read_unit(struct intake *in, const char *unit) {
    uint64_t hash = intake_hash64(unit);
    bool matters = in->settings->units_whole && intake_set_has(&in->holds.units, hash);
    if (matters)
        (void)intake_set_add(in, &in->holds.units_read, hash);
}

/* True when the record is now held for another reason or in another row. */
static bool is_replaced(struct intake *in, const struct intake_held *held) {
    struct intake_held *other = *bucket_of(&in->holds, &held->key);
    bool is_part = *held->key.place == '/';
    while (other != NULL && (!other->confirmed || other->dropped ||
                             strcmp(other->key.record, held->key.record) != 0))
        other = other->next;
    return other != NULL && !is_part;
}

/* True when nobody says the hold any more. */
static bool is_over(struct intake *in, const struct intake_held *held) {
    struct store_record row;
    bool unit_read = intake_set_has(&in->holds.units_read, intake_hash64(held->key.unit));
    bool names_record = *held->key.record != '\0';
    if (!names_record || !rows_record(in, held->key.record, &row))
        return unit_read;
    bool ours = strcmp(row.job, in->settings->job) == 0;
    return ours ? is_replaced(in, held) : unit_read;
}

/* Drops what jobs that are configured no more hold of records that are this job's by now, and of
 * units that it has read. */
static void settle_former(struct intake *in) {
    struct intake_held *held = in->holds.former;
    for (; held != NULL && intake_ok(in); held = held->next) {
        struct store_record row;
        bool names_record = *held->key.record != '\0';
        bool found = names_record && rows_record(in, held->key.record, &row);
        bool ours = found && strcmp(row.job, in->settings->job) == 0;
        bool unit_read = intake_set_has(&in->holds.units_read, intake_hash64(held->key.unit));
        if (ours || (!found && unit_read))
            drop(in, held);
        arena_reset(&in->scratch);
    }
}

void holds_settle(struct intake *in) {
    settle_former(in);
    for (size_t b = 0; b < INTAKE_HOLD_BUCKETS; b++) {
        for (struct intake_held *held = in->holds.buckets[b]; held != NULL; held = held->next) {
            if (held->confirmed || held->dropped)
                continue;
            if (is_over(in, held))
                drop(in, held);
            arena_reset(&in->scratch);
        }
    }
}
