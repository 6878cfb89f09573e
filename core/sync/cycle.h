/* SPDX-License-Identifier: Apache-2.0 */
/* One lane on its way into step: it is loaded, looked at, asked about and written to, one order at
 * a time, until nothing more can be done now. */
#ifndef CORE_SYNC_CYCLE_H
#define CORE_SYNC_CYCLE_H

#include "core/sync/ask.h"
#include "core/sync/lane.h"
#include "core/sync/match.h"
#include "core/sync/render.h"

/* What all cycles of a run share. */
struct cycle_run {
    struct world *world;
    struct store *store;
    const struct delivery_settings *settings;
    struct delivery_counts counts;
    int64_t began_ms; /* steady */
    int64_t began_wall_ms;
    uint64_t orders; /* numbers given to orders */
    struct str text; /* a body on its way out */
};
enum cycle_next {
    CYCLE_ASKS,   /* it has an order to send; what is dirty is committed first */
    CYCLE_ENDS,   /* nothing more now; what is dirty is committed, then it is freed */
    CYCLE_AWAITS, /* its order is under way */
    CYCLE_FAILS   /* the store or memory failed: `error` says how */
};
struct cycle {
    struct cycle *next; /* the owner's list */
    struct cycle_run *run;
    struct reach *reach;
    uint64_t patient;
    struct arena arena;
    struct lane lane;
    struct ask ask;
    struct iptfhir_evidence_sink sink;
    bool stale; /* somebody else changed the lane since it was loaded */
    enum cycle_next what;
    /* the order under way */
    struct lane_item **ordered;
    bool *proved; /* by place in the order: evidence came */
    size_t ordered_count;
    /* the match of this cycle */
    bool match_answered, match_failed; /* its order has ended, and nothing was concluded yet */
    bool match_done;
    int64_t matched_ms; /* steady: when the chart was found */
    bool matched;       /* the server answered whom it has */
    bool match_denied;  /* it refuses to say */
    struct match_candidate *candidates;
    size_t candidate_count, candidate_capacity;
    struct match_refusal refusal; /* code NULL: none */
    bool chart_claimed;           /* in this cycle */
    bool identity_changed;        /* since the last match: the chart must be looked at */
    char identity_hash[33];
    /* what the cycle met */
    bool paused;            /* the target pauses: no further order */
    bool lost;              /* an answer was lost */
    bool doubted;           /* a success was not believed as it came */
    bool looks_again;       /* held for something that may mend itself: looked at again later */
    bool failed;            /* memory ran out while evidence was kept */
    bool halved;            /* the last bundle was too large */
    bool apart;             /* bundles like the last one are refused */
    bool server_failed;     /* the last order met an error of the server, or no FHIR */
    bool waits, unknown;    /* at its end: something of it waits, or an answer is missing */
    int64_t again_ms;       /* steady: the earliest moment to come back; INT64_MAX: none */
    int64_t settles_ms;     /* steady: when what was lost would show */
    struct cycle_job *jobs; /* polls read so far */
};

/* Loads a lane; NULL and an error when store or memory fail. */
struct cycle *cycle_new(struct cycle_run *run, struct reach *reach, uint64_t patient,
                        struct iptfhir_error *error);
void cycle_free(struct cycle *c);
/* Whether an item is withdrawn where it stands, whoever its patient is taken for now: what never
 * should have stood there, and what is withdrawn of a patient of whom no record tells any more. */
bool cycle_in_place(const struct cycle *c, const struct lane_item *item);
/* The chart that requests about an item are of: that of its attempt, of the place it moves from, or
 * the one matched; NULL: none. */
const char *cycle_chart(const struct cycle *c, const struct lane_item *item);
/* Whether what its state says of what was sent is from before an older store came back. */
bool cycle_is_older(const struct cycle *c, const struct lane_item *item);
/* How an item is written for the cycle's target, or compared with what is there. It borrows from
 * the cycle. */
struct render cycle_render(struct cycle *c, const struct lane_item *item);
/* Whether a person said this of it. */
bool cycle_decided(const struct lane_item *item, const char *word);
/* Changes the step of an item; code and detail may be NULL. */
void cycle_set_step(struct cycle *c, struct lane_item *item, enum store_step step, const char *code,
                    const char *detail);
/* A body that the store can't give costs its item alone: true when `error` says so (then it is
 * forgotten, and the item is held, or the lane read anew if somebody changed it meanwhile). */
bool cycle_bears(struct cycle *c, struct lane_item *item, struct iptfhir_error *error);
/* Notes that a hold is about what is wanted now, so that it lasts until that changes. */
void cycle_hold_sticks(struct lane_item *item);
/* Forgets the target's copy: what is wanted is created anew under the next generation of its
 * identity. */
void cycle_begin_anew(struct lane_item *item);
/* Whether no other local patient stands in the lane's chart: one who has, or may have, something of
 * ours there. */
bool cycle_owns_chart(struct cycle *c, bool *ours, struct iptfhir_error *error);
/* Notes, before the first byte leaves, that the lane's patient stands in its chart, unless another
 * one does; [tx]. */
bool cycle_claim_chart(struct cycle *c, bool *ours, struct iptfhir_error *error);
/* Whether there is something to save. */
bool cycle_is_dirty(const struct cycle *c);
/* Writes what is dirty, and at its end whether the lane stays; [tx]. A stale cycle keeps what
 * others decided meanwhile. */
bool cycle_save(struct cycle *c, struct iptfhir_error *error);
#endif
