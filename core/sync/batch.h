/* SPDX-License-Identifier: Apache-2.0 */
/* What ingest has mapped and not yet stored: a bounded batch that one short transaction writes. */
#ifndef CORE_SYNC_BATCH_H
#define CORE_SYNC_BATCH_H

#include "core/config/config.h"
#include "core/store/store.h"
#include "core/sync/pipeline.h"

/* A batch is stored when it holds this many records or bytes, or is this old. */
#define BATCH_RECORDS 200
#define BATCH_BYTES (4u << 20)
#define BATCH_MS 250

struct batch_resource {
    struct batch_resource *next;
    struct store_resource r;
    const char *invalid, *data_class;
};
struct batch_hold {
    struct batch_hold *next;
    const char *key, *file, *record_id, *where, *code, *detail;
};
struct batch_record {
    struct batch_record *next;
    const char *id, *hash, *lane, *patient;
    const struct tree *consenting; /* the parts of the record that policy looks at */
    struct batch_resource *first, *last;
    size_t count;
};
struct batch {
    struct arena arena;
    struct batch_record *first, *last;
    struct batch_hold *holds, *last_hold;
    size_t records;
    uint64_t entries; /* stored by the last batch_store() */
};

/* Adding; false when memory is out. Texts are copied. */
struct batch_record *batch_add_record(struct batch *b, const char *id, const char *hash,
                                      const char *lane, const char *patient,
                                      const struct tree *record);
bool batch_add_resource(struct batch *b, struct batch_record *record,
                        const struct pipeline_resource *resource);
bool batch_add_hold(struct batch *b, const struct store_hold_in *hold);
/* Takes the newest record back (it turned out unusable). */
void batch_drop_last(struct batch *b);
/* Writes the batch, and the cursor unless NULL, in one transaction, and empties it. `done_file`:
 * its older holds are void. */
bool batch_store(struct batch *b, struct store *store, const struct config_job *job,
                 const char *cursor, const char *done_file, int64_t poll,
                 struct iptfhir_error *error);
#endif
