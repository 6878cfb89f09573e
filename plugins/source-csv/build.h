/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to records: rows of one key are collected, and the record is handed over when another key
 * begins. A row is read whole before it changes anything, so that a bad one leaves no half of
 * itself. */
#ifndef SOURCE_CSV_BUILD_H
#define SOURCE_CSV_BUILD_H

#include "columns.h"
#include "rows.h"

/* A value as it was read: its text stands in a pool, NUL-terminated. */
struct slot {
    bool have;
    size_t offset;
    size_t length;
    int64_t line; /* of the row that gave it */
};
struct build {
    const struct columns *columns;
    struct iptfhir_record_sink *sink;
    const char *file;
    const char *file_time; /* when it was last modified, as a dateTime */
    const ptrdiff_t *at;   /* where each used column stands in a row; -1: the file has none */
    size_t records;        /* handed over or held */
    uint64_t by_status;    /* elements left out because of `status` */
    /* The rest is the builder's own. */
    iptfhir_nodes nodes;
    const struct rows *rows;
    struct iptfhir_text key;
    struct iptfhir_text row_key;
    bool begun;     /* a record */
    bool committed; /* a row of it */
    bool returned;  /* its key stood further up */
    bool lost;      /* there was no room for a part of it */
    int64_t first_line;
    struct iptfhir_text pool;     /* the record's values of `set` */
    struct slot *slots;           /* one for each of them */
    struct iptfhir_text row_pool; /* the row's values, those of its list elements too */
    struct slot *row_slots;       /* one for each value of the columns file */
    bool *row_adds;               /* whether the row adds an element to a list */
    struct iptfhir_node **arrays; /* the elements of each list; NULL: none yet */
    struct iptfhir_text *ids;     /* of each list, one a line */
    uint64_t *seen;               /* hashes of the keys that are done */
    size_t seen_count;
    size_t seen_capacity;
    size_t cells_asked;   /* values from columns that were to be put into the record ... */
    size_t cells_written; /* ... and those that weren't blank */
    char code[32];        /* what is wrong with the row */
    char why[512];
};

/* Makes room, once the first members are set; false when memory is out. build_free() it at any
 * rate. */
bool build_open(struct build *b);
/* Takes one row; a row that cannot be used is held. */
iptfhir_status build_row(struct build *b, const struct rows *rows);
/* Hands over the last record. */
iptfhir_status build_end(struct build *b);
void build_free(struct build *b);
#endif
