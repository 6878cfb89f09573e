/* SPDX-License-Identifier: Apache-2.0 */
/* A lane in memory: one patient at one target, with all that is wanted there, what was sent, and
 * who said it. Loaded whole, since what one cycle touches lies together in the store. */
#ifndef CORE_SYNC_LANE_H
#define CORE_SYNC_LANE_H

#include "core/store/store.h"
#include "core/sync/gate.h"
#include "core/sync/reconcile.h"
#include "core/tree/tree.h"

/* One resource at the target: its identity, the version that decides, and its state. */
struct lane_item {
    uint32_t ordinal;                  /* the lowest of its rows: where its state stands */
    const struct store_said *said;     /* the version that decides */
    const struct store_record *record; /* that says it */
    enum store_wanted wanted;
    bool routed;       /* a record of a job that serves the target says it, or the store lost the
                          record; else nothing of it is sent here */
    bool contradicted; /* records say it differently with the same own date */
    struct store_state state;
    bool dirty;                   /* the state differs from the store's */
    enum store_step step_counted; /* where it stood when it was loaded, or counted last */
    int64_t since_counted;        /* since when it stood there */
    const char *decision_kept;    /* the state's decision as the store had it last */

    /* ---- of the cycle under way */
    enum reconcile_found found;
    enum reconcile_look look;
    struct tree *theirs; /* of FOUND_ONE; NULL: the answer had no body */
    const char *found_id, *found_version;
    bool duplicate;   /* the server said that it has one */
    bool changed;     /* a write was refused as made over an old version */
    bool waits;       /* nothing more in this cycle */
    bool other_chart; /* its record stands in another chart than the one matched now */
    int rounds;       /* writes refused in this cycle */
    struct tree *out; /* the body of the next write, before it is printed */
    uint32_t omitted; /* references left out of it */
    size_t place;     /* in the order under way; SIZE_MAX: not in it */
    enum reconcile_action action;
    const struct reconcile_row *row;
    const char *gate_code, *gate_detail;
};
struct lane_bodies; /* sets of bodies read so far */
struct lane {
    struct store *store;
    struct arena *arena;
    uint32_t target;
    struct store_patient patient;
    bool clinics; /* the clinic's own: no patient, no chart */
    struct store_record *records;
    size_t record_count;
    struct gate_patient facts;
    char our_id[37]; /* UUID of the patient, "" when the facts don't say */
    struct lane_item *items;
    size_t count;
    uint32_t *slots; /* by uuid: index + 1 */
    uint32_t slot_mask;
    struct lane_bodies *bodies;
    const char *chart; /* matched in this cycle; NULL: not yet */
};

/* Reads a lane; everything lives in the arena. `jobs`: names of the jobs whose records go to the
 * target, NULL-terminated. What only records of other jobs say is no item of the lane, unless it
 * has a state there from when they went there too. What is the clinic's own goes to every target.
 * *found false: no such patient. */
bool lane_load(struct store *store, uint32_t target, const char *const *jobs, uint64_t patient,
               struct arena *arena, struct lane *out, bool *found, struct iptfhir_error *error);
/* The item of a resource; NULL: the lane has none. */
struct lane_item *lane_find(const struct lane *lane, const unsigned char uuid[STORE_UUID]);
/* A body as ingest made it, as a tree of the caller's own. NULL and an error otherwise. */
struct tree *lane_body(struct lane *lane, struct store_body_at at, struct iptfhir_error *error);
/* The same as its bytes stand, in the lane's arena. */
bool lane_body_bytes(struct lane *lane, struct store_body_at at, struct store_bytes *out,
                     struct iptfhir_error *error);
/* What identifies the wanted content of an item: its body's hash, marked when withdrawn. */
void lane_wanted_key(const struct lane_item *item, unsigned char out[STORE_HASH]);
/* Whether the state's noted content is what is wanted. */
bool lane_is_wanted(const struct lane_item *item, bool noted, enum store_wanted wanted,
                    const unsigned char hash[STORE_HASH]);
/* Whether an item stands in another chart than the one matched, by what was seen last. */
bool lane_stands_elsewhere(const struct lane *lane, const struct lane_item *item);
/* Whether an item is withdrawn in a wrong chart and comes to the right one then. */
bool lane_moves(const struct lane_item *item);
/* Writes the states that differ; [tx]. */
bool lane_save(struct lane *lane, struct iptfhir_error *error);
/* Text of a UUID. */
void lane_uuid_text(const unsigned char uuid[STORE_UUID], char out[37]);
/* The UUID of its text; false when it is none. */
bool lane_uuid_read(const char text[36], unsigned char uuid[STORE_UUID]);
#endif
