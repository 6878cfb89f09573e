/* SPDX-License-Identifier: Apache-2.0 */
/* Records of one source in their order, read and mapped by several threads. */
#ifndef CORE_SYNC_CREW_H
#define CORE_SYNC_CREW_H

#include "core/sync/intake.h"
#include "core/sync/pipe.h"
#include "core/sync/pipeline.h"
#include "core/sync/shared.h"

enum {
    CREW_SLOTS = 64,              /* of a batch */
    CREW_BYTES = 4 << 20,         /* of what the source handed over for a batch */
    CREW_MAPPED_BYTES = 256 << 10 /* of records as they were read, mapped at once */
};
enum slot_kind { SLOT_RECORD, SLOT_HOLD, SLOT_CURSOR, SLOT_PRESENT };
/* One thing that the source handed over, and what became of it. All in its arenas. */
struct slot {
    enum slot_kind kind;
    struct arena arena; /* until it was mapped */
    struct arena made;  /* what was made of it */
    char *text;         /* RECORD as text; CURSOR and PRESENT: their text */
    size_t length;
    struct tree *built; /* RECORD as nodes */
    const char *unit;
    int64_t line;
    uint64_t mark;                        /* a hash of what was handed over */
    const struct shared_suspect *suspect; /* NULL: none */
    /* HOLD, and RECORD that was refused */
    bool refused;
    const char *code, *detail;
    bool has_facts;
    bool heard; /* its safety answers were looked for, besides what mappers tell */
    /* after reading */
    struct tree *record;
    char id[256];
    struct intake_record out;
    bool same; /* delivery said that it needs no mapping */
    /* after mapping */
    struct intake_resource *resources;
    size_t resource_count, resource_room;
    struct intake_part *parts;
    size_t part_count, part_room;
    const char **told; /* pointers to the safety answers that mappers told of */
    size_t told_count, told_room;
    bool stopped; /* a mapper gave it up since the service stops */
    bool failed;  /* a fault of ours: `error` */
    struct iptfhir_error error;
};
struct crew_batch {
    struct slot slots[CREW_SLOTS];
    size_t count, bytes;
    size_t asked; /* of the slots, how many delivery was asked about */
};
/* Forgets what was made of one slot, so that memory doesn't grow with the batch. */
void crew_slot_release(struct slot *s);
void crew_batch_reset(struct crew_batch *b);
void crew_batch_free(struct crew_batch *b);

/* What the threads share. */
struct crew_settings {
    struct pipeline *pipeline;
    struct shared *page;
    const unsigned char *content_key; /* 32 bytes */
    const struct pipe_alias *aliases;
    size_t alias_count;
    const char *const *order; /* units, oldest first; NULL */
    size_t threads;
};
struct crew;
/* Settings are borrowed. NULL and an error when a thread can't be started. */
struct crew *crew_new(const struct crew_settings *settings, struct iptfhir_error *error);
void crew_free(struct crew *crew);
/* Reads all records of a batch: head, facts, refusals. The caller's thread takes part. */
void crew_read(struct crew *crew, struct crew_batch *b);
/* Maps those from a place on that are not `same`, as many as memory is kept for at once, and
 * returns the place behind them. */
size_t crew_map(struct crew *crew, struct crew_batch *b, size_t from);
/* When the record was extracted, by its own word, in ms; 0: it doesn't say. */
int64_t crew_revision(const struct tree *record);
#endif
