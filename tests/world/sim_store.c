/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a process that may die at any call. */
#include "tests/world/sim_store.h"

#include <stdlib.h>

static struct sim_store *self(struct store *store) {
    return (struct sim_store *)store;
}

static void dead(struct iptfhir_error *error) {
    error_set(error, "killed", NULL, "the process was killed");
}

/* Counts a call. NULL and an error: the process died here. */
static struct store *enter(struct store *store, struct iptfhir_error *error) {
    struct sim_store *s = self(store);
    s->calls++;
    if (sim_tick(s->world)) {
        dead(error);
        return NULL;
    }
    if (!s->in_transaction && s->between != NULL)
        s->between(s->user);
    return s->below;
}

static bool begin(struct store *store, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    bool begun = below != NULL && below->calls->begin(below, error);
    self(store)->in_transaction = begun;
    return begun;
}

static bool commit(struct store *store, struct iptfhir_error *error) {
    struct sim_store *s = self(store);
    struct store *below = enter(store, error);
    if (below == NULL || !below->calls->commit(below, error))
        return false;
    s->in_transaction = false;
    s->commits++;
    if (!sim_tick(s->world))
        return true;
    dead(error); /* durable, but nobody heard of it */
    return false;
}

static void rollback(struct store *store) {
    struct sim_store *s = self(store);
    if (!s->world->dead && s->in_transaction)
        s->below->calls->rollback(s->below);
    s->in_transaction = s->in_transaction && s->world->dead;
}

static void close_handle(struct store *store) {
    sim_store_close(self(store));
}

static bool pass_foreign_changes(struct store *store, uint64_t *number,
                                 struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->foreign_changes(below, number, error);
}

static bool pass_fact_get(struct store *store, const char *name, struct arena *a,
                          struct store_bytes *value, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->fact_get(below, name, a, value, error);
}

static bool pass_fact_set(struct store *store, const char *name, struct store_bytes value,
                          struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->fact_set(below, name, value, error);
}

static bool pass_facts(struct store *store, const char *prefix,
                       bool (*each)(void *user, const char *name, struct store_bytes value),
                       void *user, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->facts(below, prefix, each, user, error);
}

static bool pass_target_no(struct store *store, const char *name, bool add, uint32_t *no,
                           struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->target_no(below, name, add, no, error);
}

static bool pass_patient_find(struct store *store, const char *clinic, const char *local_id,
                              uint64_t *no, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->patient_find(below, clinic, local_id, no, error);
}

static bool pass_patient_get(struct store *store, uint64_t no, struct arena *a,
                             struct store_patient *out, bool *found, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->patient_get(below, no, a, out, found, error);
}

static bool pass_patient_add(struct store *store, const char *clinic, const char *local_id,
                             uint64_t *no, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->patient_add(below, clinic, local_id, no, error);
}

static bool pass_record_find(struct store *store, const char *id, struct arena *a,
                             struct store_record *out, bool *found, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->record_find(below, id, a, out, found, error);
}

static bool pass_record_get(struct store *store, uint64_t no, struct arena *a,
                            struct store_record *out, bool *found, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->record_get(below, no, a, out, found, error);
}

static bool pass_record_put(struct store *store, struct store_record *record,
                            struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->record_put(below, record, error);
}

static bool pass_records_of(struct store *store, uint64_t patient, struct arena *a,
                            struct store_record **list, size_t *count,
                            struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->records_of(below, patient, a, list, count, error);
}

static bool pass_records(struct store *store, const char *job,
                         bool (*each)(void *user, const struct store_record *record), void *user,
                         struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->records(below, job, each, user, error);
}

static bool pass_said_of(struct store *store, uint64_t patient, struct arena *a,
                         struct store_said **list, size_t *count, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->said_of(below, patient, a, list, count, error);
}

static bool pass_said_put(struct store *store, struct store_said *said,
                          struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->said_put(below, said, error);
}

static bool pass_said_drop(struct store *store, uint64_t patient, uint32_t ordinal,
                           struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->said_drop(below, patient, ordinal, error);
}

static bool pass_bodies_put(struct store *store, uint64_t patient, const struct store_bytes *bodies,
                            size_t count, uint32_t *sequence, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL &&
           below->calls->bodies_put(below, patient, bodies, count, sequence, error);
}

static bool pass_bodies_get(struct store *store, uint64_t patient, uint32_t sequence,
                            struct arena *a, struct store_bytes **bodies, size_t *count,
                            struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL &&
           below->calls->bodies_get(below, patient, sequence, a, bodies, count, error);
}

static bool pass_bodies_of(struct store *store, uint64_t patient, struct arena *a,
                           uint32_t **sequences, size_t *count, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->bodies_of(below, patient, a, sequences, count, error);
}

static bool pass_bodies_drop(struct store *store, uint64_t patient, uint32_t sequence,
                             struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->bodies_drop(below, patient, sequence, error);
}

static bool pass_states_of(struct store *store, uint32_t target, uint64_t patient, struct arena *a,
                           struct store_state **list, size_t *count, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->states_of(below, target, patient, a, list, count, error);
}

static bool pass_state_put(struct store *store, const struct store_state *state,
                           struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->state_put(below, state, error);
}

static bool pass_state_drop(struct store *store, uint32_t target, uint64_t patient,
                            uint32_t ordinal, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->state_drop(below, target, patient, ordinal, error);
}

static bool pass_lane_put(struct store *store, uint32_t target, uint64_t patient, int64_t due_ms,
                          struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->lane_put(below, target, patient, due_ms, error);
}

static bool pass_lane_drop(struct store *store, uint32_t target, uint64_t patient,
                           struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->lane_drop(below, target, patient, error);
}

static bool pass_lanes_due(struct store *store, uint32_t target, uint64_t after, int64_t now_ms,
                           size_t most, uint64_t *patients, size_t *count, int64_t *next_due,
                           struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->lanes_due(below, target, after, now_ms, most, patients,
                                                    count, next_due, error);
}

static bool pass_hold_put(struct store *store, const struct store_hold *hold,
                          struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->hold_put(below, hold, error);
}

static bool pass_hold_drop(struct store *store, int64_t no, struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->hold_drop(below, no, error);
}

static bool pass_holds(struct store *store, const char *job,
                       bool (*each)(void *user, const struct store_hold *hold), void *user,
                       struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->holds(below, job, each, user, error);
}

static bool pass_patients(struct store *store,
                          bool (*each)(void *user, const struct store_patient *patient), void *user,
                          struct iptfhir_error *error) {
    struct store *below = enter(store, error);
    return below != NULL && below->calls->patients(below, each, user, error);
}

static const struct store_calls calls = {
    .close = close_handle,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .foreign_changes = pass_foreign_changes,
    .fact_get = pass_fact_get,
    .fact_set = pass_fact_set,
    .facts = pass_facts,
    .target_no = pass_target_no,
    .patient_find = pass_patient_find,
    .patient_get = pass_patient_get,
    .patient_add = pass_patient_add,
    .record_find = pass_record_find,
    .record_get = pass_record_get,
    .record_put = pass_record_put,
    .records_of = pass_records_of,
    .records = pass_records,
    .said_of = pass_said_of,
    .said_put = pass_said_put,
    .said_drop = pass_said_drop,
    .bodies_put = pass_bodies_put,
    .bodies_get = pass_bodies_get,
    .bodies_of = pass_bodies_of,
    .bodies_drop = pass_bodies_drop,
    .states_of = pass_states_of,
    .state_put = pass_state_put,
    .state_drop = pass_state_drop,
    .lane_put = pass_lane_put,
    .lane_drop = pass_lane_drop,
    .lanes_due = pass_lanes_due,
    .hold_put = pass_hold_put,
    .hold_drop = pass_hold_drop,
    .holds = pass_holds,
    .patients = pass_patients,
};

struct sim_store *sim_store_open(struct store_medium *medium, struct sim_world *world,
                                 struct iptfhir_error *error) {
    struct sim_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->base.calls = &calls;
    s->world = world;
    s->below = store_open_memory(medium, error);
    if (s->below == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void sim_store_close(struct sim_store *s) {
    if (s == NULL)
        return;
    s->below->calls->close(s->below);
    free(s);
}
