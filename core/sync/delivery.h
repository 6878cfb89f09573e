/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: closes the gap between what is wanted and what each target holds, lane by lane. One
 * thread; store, world and targets are handed in, so that a process and a simulation run the same
 * code. It loads no mapper and writes no wanted row. */
#ifndef CORE_SYNC_DELIVERY_H
#define CORE_SYNC_DELIVERY_H

#include "core/store/store.h"
#include "core/world/world.h"

enum delivery_conflict { DELIVERY_HOLD, DELIVERY_OURS, DELIVERY_THEIRS };
enum delivery_withdraw { DELIVERY_WITHDRAW_MARK, DELIVERY_WITHDRAW_HOLD, DELIVERY_WITHDRAW_LEAVE };

/* One target, opened: its plugin instance and what the configuration says of it. */
struct delivery_target {
    const char *name;
    const struct iptfhir_target *calls;
    void *instance;
    const char *const *jobs; /* whose records go there, NULL-terminated */
    size_t threads;          /* calls under way at once */
    const char *recipient;   /* whom consents name; NULL: none */
    bool consent_attested;
    enum delivery_conflict conflict;
    enum delivery_withdraw withdraw;
    bool labels;                 /* meta.security is sent */
    bool together;               /* bundles are used where the server offers them */
    size_t max_entries;          /* of a bundle; 0: what the server turns out to take */
    bool update_without_version; /* update also where the server gives no versions */
    int64_t settle_ms; /* how long an answer that was lost may still come true unseen; 0: at once */
};
struct lifecycle; /* what a withdrawal writes, by type: lifecycle.h */
struct privacy;   /* the data classes: privacy.h */
struct witness;   /* how far the store has come: witness.h */
struct delivery_settings {
    struct delivery_target *targets;
    size_t target_count;
    const char *const *jobs; /* all jobs of the configuration, NULL-terminated */
    const struct lifecycle *lifecycle;
    const struct privacy *privacy;
    const unsigned char *hash_key; /* 32 bytes: hashes of bodies, names in messages */
    int64_t max_age_ms;            /* what a failed poll leaves may go out while it is younger */
    uint32_t era;                  /* of the store (witness.h): what was known in a former one is
                                      looked at anew */
    struct witness *witness;       /* NULL: none */
    /* Called when a state was committed: for progress bars and for the laws of the simulation. May
     * be NULL. */
    void (*committed)(void *user, const struct store_state *state);
    void *user;
};

struct delivery;
/* Begins a run. NULL and an error when the store or a connection fails. Settings are borrowed. */
struct delivery *delivery_open(struct world *world, struct store *store,
                               const struct delivery_settings *settings,
                               struct iptfhir_error *error);
/* Ends a run at once: calls under way keep their attempts open. Store and world stay. */
void delivery_close(struct delivery *d);

enum delivery_moved {
    DELIVERY_MOVED,  /* something was done; call again */
    DELIVERY_AWAITS, /* answers are under way, or an unknown settles within `wait_ms` */
    DELIVERY_RESTS,  /* nothing to do before `wait_ms`: all else waits for backoff or Retry-After */
    DELIVERY_IN_STEP, /* nothing waits: all is in step, held or decided */
    DELIVERY_FAILED   /* the store failed; `error` says how */
};
/* Does what can be done now, waiting at most `patience_ms` for an answer. *wait_ms: when to call
 * again (steady), INT64_MAX when nothing is due. */
enum delivery_moved delivery_step(struct delivery *d, int64_t patience_ms, int64_t *wait_ms,
                                  struct iptfhir_error *error);
/* Wanted rows of this patient changed (intake, in this process); 0: of any. */
void delivery_notice(struct delivery *d, uint64_t patient);
/* How a target stands, for the progress bar and status: NULL code when it is not paused. */
struct delivery_pause {
    const char *code, *detail;
    int64_t wait_ms; /* from now; INT64_MAX: until a person acts */
};
bool delivery_paused(const struct delivery *d, size_t target, struct delivery_pause *out);
struct delivery_counts {
    uint64_t in_step, held; /* resources that came into step, or on hold, in this run and stand so
                               now: each once, however often it was looked at */
    uint64_t unknown, waiting, requests, created, updated, adopted;
};
const struct delivery_counts *delivery_counts(const struct delivery *d);
#endif
