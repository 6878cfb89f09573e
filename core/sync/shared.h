/* SPDX-License-Identifier: Apache-2.0 */
/* The page that parent, ingest and delivery share: counters for the progress bar, and the mark of
 * the record in hand. Nothing but numbers flows through the counters; the mark is read by the
 * parent only after ingest has died. */
#ifndef CORE_SYNC_SHARED_H
#define CORE_SYNC_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct shared_mark {
    char job[64];
    char record_id[256];
    char hash[65];
    char plugin[64]; /* which mapper has it */
};

struct shared {
    /* written by ingest */
    _Atomic int64_t mark_since_ms; /* steady clock; 0: no record in hand */
    struct shared_mark mark;
    _Atomic uint64_t records, unchanged, refused, accepted,
        alerts; /* records read; same as before; held whole; entries queued */
    _Atomic uint64_t source_done, source_total;
    _Atomic bool ingest_done;
    /* written by delivery */
    _Atomic uint64_t delivered, held, waiting; /* entries */
    _Atomic int64_t paused_until_ms; /* wall clock; a target that can't be reached; 0: none */
    char paused_target[64];
    /* written by the parent */
    _Atomic bool stop;
};

/* A new page, visible to children; NULL when memory is out. */
struct shared *shared_new(void);
void shared_free(struct shared *page);
#endif
