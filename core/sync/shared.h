/* SPDX-License-Identifier: Apache-2.0 */
/* The page that parent, ingest and delivery share: counters for the progress bar, and which records
 * are in which thread's hands, so that a death is put down to what caused it. Nothing of a patient
 * but a hash flows through it. */
#ifndef CORE_SYNC_SHARED_H
#define CORE_SYNC_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SHARED_THREADS = 64,  /* of ingest, at most */
    SHARED_SUSPECTS = 256 /* records that were in hand when ingest died */
};
/* What a thread of ingest has in hand. */
struct shared_mark {
    _Atomic int64_t since_ms; /* steady clock; 0: nothing */
    uint64_t record;          /* a hash of what the source handed over */
    char plugin[64];          /* which mapper has it; "" before */
};
/* A record that was in hand at a death. */
struct shared_suspect {
    uint64_t record;
    bool guilty;     /* it died again when it was alone */
    bool in_reading; /* no mapper had it yet */
    char how[160];   /* what happened, for people */
};

struct shared {
    /* written by ingest; the parent begins them anew for each one, and sets ingest_done itself */
    struct shared_mark marks[SHARED_THREADS];
    _Atomic bool alone; /* marks[0] is the only one: a suspect is tried */
    _Atomic uint64_t records, unchanged, refused, accepted,
        alerts; /* records read; same as before; held whole; resources wanted anew */
    _Atomic uint64_t source_done, source_total;
    _Atomic bool ingest_done;
    _Atomic int64_t source_since_ms; /* steady clock: since when a plugin that begins, or the
                                        source, has us wait; 0: it doesn't */
    _Atomic bool ingest_returned;    /* it came to its own end; else a plugin ended it */
    /* written by delivery */
    _Atomic uint64_t delivered, held, waiting; /* resources */
    _Atomic bool delivery_returned;            /* it came to its own end */
    _Atomic int64_t paused_until_ms; /* wall clock; a target that can't be reached; 0: none */
    char paused_target[64];
    /* written by the parent, read by the next ingest */
    struct shared_suspect suspects[SHARED_SUSPECTS];
    uint32_t suspect_count;
    _Atomic uint32_t ingests_ended; /* so many of those that delivery follows are gone */
    _Atomic bool stop;
};

/* A new page, visible to children; NULL when memory is out. */
struct shared *shared_new(void);
void shared_free(struct shared *page);
#endif
