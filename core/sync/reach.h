/* SPDX-License-Identifier: Apache-2.0 */
/* How a target can be reached in this run: what its server can do, whether it pauses, how much it
 * takes at once, and which lanes rest there. */
#ifndef CORE_SYNC_REACH_H
#define CORE_SYNC_REACH_H

#include "core/sync/delivery.h"

enum {
    REACH_ENTRIES = 100,       /* of a bundle, to begin with (DESIGN section 6) */
    REACH_BYTES = 1024 * 1024, /* likewise */
    REACH_SLOW_MS = 10000,     /* an answer that took so long halves the next bundle */
    REACH_BACKOFF_MS = 1000,   /* the first; doubled with each failure */
    REACH_BACKOFF_MOST_MS = 3600 * 1000,
    REACH_PAUSE_MOST_MS = 24 * 3600 * 1000
};

/* When a lane is looked at again (steady clock). */
struct reach_rest {
    uint64_t patient; /* 0: free */
    int64_t until_ms;
    int64_t lost_ms; /* when an answer of it was last lost, INT64_MIN: not in this run */
    int tries;
    bool waits; /* something of it waits; else it is only looked at again */
};
struct reach {
    const struct delivery_target *config;
    uint32_t no;       /* in the store */
    size_t connection; /* of the world */
    bool has_server;
    /* what the server can do */
    bool learned;
    struct iptfhir_ability *abilities;
    size_t ability_count;
    iptfhir_together together; /* how items are written: the most that it offers and takes */
    size_t entries, bytes;
    /* whether it pauses */
    bool paused;
    bool needs_person;
    int64_t until_ms; /* steady */
    char code[32], detail[400];
    int failures; /* pauses in a row */
    /* what was seen of it in this run */
    uint64_t successes, forbidden, reads, gone;
    /* lanes */
    struct reach_rest *rests;
    size_t rest_count, rest_capacity;
    uint64_t after; /* the scan goes on behind this patient */
    bool scanned;   /* to the end, and nothing has changed since */
};

/* Keeps what LEARN showed. False when memory is out. */
bool reach_learn(struct reach *r, const struct iptfhir_abilities *abilities);
/* What the server can do with a type, as reconcile flags; `versions_optional`: unversioned updates
 * are allowed. */
unsigned reach_flags(const struct reach *r, const char *type);
/* The whole target waits, at least `retry_after_ms`; 0: backoff. `jitter`: a random number. */
void reach_pause(struct reach *r, const struct iptfhir_pause *pause, int64_t steady_ms,
                 uint32_t jitter);
/* Something was answered as it should be: the circuit closes. */
void reach_answered(struct reach *r);
/* Milliseconds after `tries` failures: 25 to 100 % of a bound that doubles up to an hour. */
int64_t reach_backoff(int tries, uint32_t jitter);
/* Fewer entries together: half as many as were tried. */
void reach_halve(struct reach *r, size_t tried);

/* The rest of a lane, NULL: it has none. */
struct reach_rest *reach_rest_of(const struct reach *r, uint64_t patient);
/* The same, made when missing; NULL when memory is out. */
struct reach_rest *reach_rest_add(struct reach *r, uint64_t patient);
/* Forgets the rest of a lane that is done, or of all lanes (patient 0). */
void reach_wake(struct reach *r, uint64_t patient);
/* The earliest moment at which a rest ends; INT64_MAX: there is none. *waits: whether anything
 * among them waits. */
int64_t reach_next(const struct reach *r, bool *waits);
void reach_free(struct reach *r);
#endif
