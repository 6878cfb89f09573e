/* SPDX-License-Identifier: Apache-2.0 */
/* A source and the pipeline without a store: `map` and the dry run. */
#ifndef CORE_SYNC_MAPPING_RUN_H
#define CORE_SYNC_MAPPING_RUN_H

#include "core/sync/pipeline.h"

/* Counts of one run. */
struct mapping_run {
    uint64_t records, refused, holds;
    bool whole_records; /* the source says so of itself, from its opening on */
};
/* Reads the job's source (or `path` instead of its configured one) and maps every record; `events`
 * are the pipeline's, their `hold` is also called for what can't be mapped as a whole (pointer =
 * where). `end` follows each mapped record. Returns an exit code. */
int mapping_run(struct pipeline *pipeline, const char *path, const struct pipeline_events *events,
                bool (*end)(void *user), struct mapping_run *run, struct report *report);
#endif
