/* SPDX-License-Identifier: Apache-2.0 */
/* How a target can be reached in this run: what its server can do, whether it pauses, how much it
 * takes at once, and which lanes rest there. */
#ifndef CORE_SYNC_REACH_H
#define CORE_SYNC_REACH_H

#include "core/sync/delivery.h"

enum {
    REACH_LOCAL_ENTRIES = 1000,        /* at once where nothing travels */
    REACH_ENTRIES = 100,               /* of a bundle, to begin with (DESIGN section 6) */
    REACH_BYTES = 1024 * 1024,         /* likewise */
    REACH_LIMIT_MS = 24 * 3600 * 1000, /* so long a limit that was found is believed */
    REACH_SLOW_MS = 10000,             /* an answer that took so long halves the next bundle */
    REACH_BACKOFF_MS = 1000,           /* the first; doubled with each failure */
    REACH_BACKOFF_MOST_MS = 3600 * 1000,
    REACH_PAUSE_MOST_MS = 24 * 3600 * 1000
};

/* When a lane is looked at again (steady clock). */
struct reach_rest {
    uint64_t patient; /* 0: free */
    int64_t until_ms;
    int64_t lost_ms; /* when an answer of it was last lost, INT64_MIN: not in this run */
    int tries;
    bool waits;   /* something of it waits; else it is only looked at again */
    bool unknown; /* an answer of it is missing */
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
    size_t entries, bytes;     /* of the next bundle */
    size_t entries_most;       /* more were refused as too large, timed out or were slow */
    size_t entries_allowed;    /* by the configuration */
    int64_t timeout_ms;        /* of one request */
    bool limit_changed;        /* entries_most, since it was kept in the store */
    /* whether it pauses */
    bool paused; /* nothing is asked */
    bool probes; /* the time of a pause is over: one lane at a time asks, until an answer is as
                    it should be */
    bool
        needs_person; /* since a pause that only time does not end; it stays while that is probed */
    int64_t until_ms; /* steady; INT64_MAX: until a person says so */
    uint64_t taken_before; /* writes that had been taken when it paused */
    char code[32], detail[400];
    int failures;       /* pauses in a row */
    bool pause_changed; /* since it was kept in the store */
    /* what was seen of it in this run */
    uint64_t successes, taken, forbidden, reads, gone, matched;
    int failed_in_row; /* orders */
    /* lanes */
    struct reach_rest *rests;
    size_t rest_count, rest_capacity;
    uint64_t after; /* the scan goes on behind this patient */
    bool scanned;   /* to the end, and nothing has changed since */
    bool rescan;    /* something changed behind the scan: begin again at its end */
};

/* Keeps what LEARN showed. False when memory is out. */
bool reach_learn(struct reach *r, const struct iptfhir_abilities *abilities);
/* What the server can do with a type, as reconcile flags; `versions_optional`: unversioned updates
 * are allowed. */
unsigned reach_flags(const struct reach *r, const char *type);
/* The whole target waits, at least `retry_after_ms`; 0: backoff, which is also the least for what
 * needs a person. `jitter`: a random number. */
void reach_pause(struct reach *r, const struct iptfhir_pause *pause, int64_t steady_ms,
                 uint32_t jitter);
/* The time of a pause is over by now: true when it went over to probing just now. */
bool reach_probe(struct reach *r, int64_t steady_ms);
/* The pause ends, whatever its cause: a person said so, or the target showed it. */
void reach_resume(struct reach *r);
/* An order was answered as it should be: the circuit closes, but after a target that forbade every
 * write only by a write that it takes. `items`: how many it held, when all
 * were taken together. */
void reach_answered(struct reach *r, size_t items);
/* Milliseconds after `tries` failures: 25 to 100 % of a bound that doubles up to an hour. */
int64_t reach_backoff(int tries, uint32_t jitter);
/* Begins with the limits of the configuration. */
void reach_begin(struct reach *r, const struct delivery_target *config, int64_t timeout_ms);
/* The target has no server: more goes at once, unless the configuration says how much. */
void reach_without_server(struct reach *r);
/* Fewer entries together: half as many as were tried. `lasting`: more are not tried any more; else
 * the next full bundle that is taken doubles them again. */
void reach_halve(struct reach *r, size_t tried, bool lasting);
/* What was kept of the limit by an earlier run: `most` entries, as of `kept_ms`. After a day twice
 * as many are tried, since the target may take more by now. */
void reach_remember(struct reach *r, size_t most, int64_t kept_ms, int64_t now_ms);

/* The rest of a lane, NULL: it has none. */
struct reach_rest *reach_rest_of(const struct reach *r, uint64_t patient);
/* The same, made when missing; NULL when memory is out. */
struct reach_rest *reach_rest_add(struct reach *r, uint64_t patient);
/* Lanes are looked for again from the first. */
void reach_rescan(struct reach *r);
/* A scan has come to the last lane: what should have been looked at by now and was not found has
 * no lane any more. */
void reach_scan_ends(struct reach *r, int64_t now_ms);
/* Forgets the rest of a lane that is done, or of all lanes (patient 0). */
void reach_wake(struct reach *r, uint64_t patient);
/* When the next rest ends, and whether anything that rests waits or is unknown. */
struct reach_soonest {
    int64_t until_ms; /* INT64_MAX: none ends */
    bool waits, unknown;
};
struct reach_soonest reach_soonest(const struct reach *r);
void reach_free(struct reach *r);
#endif
