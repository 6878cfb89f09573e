/* SPDX-License-Identifier: Apache-2.0 */
/* The store as intake uses it: calls that do nothing once one has failed. */
#include "core/sync/intake_internal.h"

#include "core/base/alloc.h"

#include <stdio.h>
#include <string.h>

bool intake_ok(const struct intake *in) {
    return !error_is_set(&in->fault);
}

void intake_fault(struct intake *in, const char *code, const char *text) {
    error_set(&in->fault, code, in->settings->job, "%s", text);
}

/* A store call that failed without a word is a fault as well. */
static void check(struct intake *in, bool done) {
    if (!done && intake_ok(in))
        intake_fault(in, "store", "the store failed; run the command again");
}

void *intake_memory(struct intake *in, size_t size) {
    void *memory = intake_ok(in) ? arena_zalloc(&in->scratch, size > 0 ? size : 1) : NULL;
    if (memory == NULL)
        intake_fault(in, "memory", "out of memory");
    return memory;
}

char *intake_text(struct intake *in, const char *text) {
    char *copy = arena_strndup(&in->scratch, text, strlen(text));
    if (copy == NULL)
        intake_fault(in, "memory", "out of memory");
    return copy;
}

/* FNV-1a, 64 bits; never 0. */
uint64_t intake_hash64(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash == 0 ? 1 : hash;
}

/* ---- sets of numbers ---- */

/* The slot of a number, or the free one where it belongs. */
static size_t slot_of(const struct intake_set *set, uint64_t number) {
    size_t at = (size_t)(number * 0x9e3779b97f4a7c15u >> 32) & (set->capacity - 1);
    while (set->slots[at] != 0 && set->slots[at] != number)
        at = (at + 1) & (set->capacity - 1);
    return at;
}

/* Doubles the set. */
static bool grow(struct intake_set *set) {
    struct intake_set larger = { .capacity = set->capacity > 0 ? set->capacity * 2 : 64 };
    larger.slots = base_malloc(larger.capacity * sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    memset(larger.slots, 0, larger.capacity * sizeof *larger.slots);
    for (size_t i = 0; i < set->capacity; i++) {
        uint64_t number = set->slots[i];
        if (number != 0)
            larger.slots[slot_of(&larger, number)] = number;
    }
    larger.count = set->count;
    base_free(set->slots);
    *set = larger;
    return true;
}

bool intake_set_add(struct intake *in, struct intake_set *set, uint64_t number) {
    bool full = set->count * 4 >= set->capacity * 3;
    if (full && !grow(set)) {
        intake_fault(in, "memory", "out of memory");
        return false;
    }
    size_t at = slot_of(set, number);
    bool added = set->slots[at] == 0;
    set->slots[at] = number;
    set->count += added;
    return added;
}

bool intake_set_has(const struct intake_set *set, uint64_t number) {
    return set->capacity > 0 && set->slots[slot_of(set, number)] == number;
}

bool bits_have(const struct intake_bits *bits, uint64_t number) {
    size_t word = (size_t)(number / 64);
    return word < bits->words && (bits->bits[word] >> number % 64 & 1) != 0;
}

void bits_set(struct intake *in, struct intake_bits *bits, uint64_t number) {
    size_t word = (size_t)(number / 64);
    if (word >= bits->words) {
        size_t words = word * 2 + 64;
        uint64_t *more = base_realloc(bits->bits, words * sizeof *more);
        if (more == NULL) {
            intake_fault(in, "memory", "out of memory");
            return;
        }
        memset(more + bits->words, 0, (words - bits->words) * sizeof *more);
        bits->bits = more;
        bits->words = words;
    }
    bits->bits[word] |= (uint64_t)1 << number % 64;
}

/* ---- rows ---- */

bool rows_record(struct intake *in, const char *id, struct store_record *out) {
    bool found = false;
    if (intake_ok(in))
        check(in, in->calls->record_find(in->store, id, &in->scratch, out, &found, &in->fault));
    return found && intake_ok(in);
}

void rows_put_record(struct intake *in, struct store_record *record) {
    if (intake_ok(in))
        check(in, in->calls->record_put(in->store, record, &in->fault));
}

/* The patient that a person called the same as this local id; 0: none. */
static uint64_t alias_of(const struct intake *in, const char *local_id) {
    for (const struct intake_alias *a = in->aliases; a != NULL; a = a->next)
        if (strcmp(a->local_id, local_id) == 0)
            return a->patient;
    return 0;
}

uint64_t rows_patient(struct intake *in, const char *local_id, bool add, bool *fresh) {
    uint64_t no = alias_of(in, local_id);
    const char *clinic = in->settings->clinic;
    *fresh = false;
    if (no != 0 || !intake_ok(in))
        return no;
    check(in, in->calls->patient_find(in->store, clinic, local_id, &no, &in->fault));
    if (no != 0 || !add || !intake_ok(in))
        return no;
    check(in, in->calls->patient_add(in->store, clinic, local_id, &no, &in->fault));
    *fresh = true;
    return no;
}

const char *rows_local_id(struct intake *in, uint64_t patient) {
    struct store_patient found = { 0 };
    bool there = false;
    if (intake_ok(in))
        check(in,
              in->calls->patient_get(in->store, patient, &in->scratch, &found, &there, &in->fault));
    return there && intake_ok(in) ? found.local_id : "";
}

struct store_said **rows_said(struct intake *in, uint64_t patient, size_t *count) {
    struct store_said *list = NULL;
    *count = 0;
    if (intake_ok(in))
        check(in, in->calls->said_of(in->store, patient, &in->scratch, &list, count, &in->fault));
    struct store_said **rows = intake_memory(in, *count * sizeof *rows);
    if (rows == NULL)
        *count = 0;
    for (size_t i = 0; i < *count; i++)
        rows[i] = &list[i];
    return rows;
}

void rows_put_said(struct intake *in, struct store_said *said) {
    if (intake_ok(in))
        check(in, in->calls->said_put(in->store, said, &in->fault));
}

void rows_drop_said(struct intake *in, const struct store_said *said) {
    if (intake_ok(in))
        check(in, in->calls->said_drop(in->store, said->patient, said->ordinal, &in->fault));
}

uint32_t *rows_body_sets(struct intake *in, uint64_t patient, size_t *count) {
    uint32_t *list = NULL;
    *count = 0;
    if (intake_ok(in))
        check(in, in->calls->bodies_of(in->store, patient, &in->scratch, &list, count, &in->fault));
    if (!intake_ok(in))
        *count = 0;
    return list;
}

void rows_drop_bodies(struct intake *in, uint64_t patient, uint32_t sequence) {
    if (intake_ok(in))
        check(in, in->calls->bodies_drop(in->store, patient, sequence, &in->fault));
}

struct store_state *rows_states(struct intake *in, uint32_t target, uint64_t patient,
                                size_t *count) {
    struct store_state *list = NULL;
    *count = 0;
    if (intake_ok(in))
        check(in, in->calls->states_of(in->store, target, patient, &in->scratch, &list, count,
                                       &in->fault));
    if (!intake_ok(in))
        *count = 0;
    return list;
}

void rows_put_lanes(struct intake *in, uint64_t patient) {
    if (patient == in->lane_last)
        return;
    for (size_t i = 0; i < in->known_count && intake_ok(in); i++)
        check(in, in->calls->lane_put(in->store, in->known[i], patient, 0, &in->fault));
    in->lane_last = patient;
}

bool rows_job_stands(const struct intake *in, const char *job) {
    const char *const *name = in->settings->jobs;
    bool ours = strcmp(job, in->settings->job) == 0;
    if (ours || name == NULL)
        return true;
    while (*name != NULL && strcmp(*name, job) != 0)
        name++;
    return *name != NULL;
}

void rows_set_fact(struct intake *in, const char *name, const char *text) {
    struct store_bytes value = { text, text != NULL ? strlen(text) : 0 };
    if (intake_ok(in))
        check(in, in->calls->fact_set(in->store, name, value, &in->fault));
}
