/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to records: rows of one key are collected, and the record is handed over when another key
 * begins. */
#ifndef SOURCE_CSV_BUILD_H
#define SOURCE_CSV_BUILD_H

#include "columns.h"
#include "rows.h"

struct slot {
    size_t offset, length;
    bool have;
};
struct build {
    const struct columns *columns;
    struct iptfhir_record_sink *sink;
    const char *file, *file_time; /* when it was last modified, as JSON text */
    const ptrdiff_t *at; /* where each used column stands in a row; -1: the file has none */
    size_t records;      /* handed over or held */
    uint64_t by_status;  /* elements left out because of `status` */
    /* The rest is the builder's own. */
    const struct rows *rows;
    struct iptfhir_text key, row_key;
    bool begun, committed, returned;
    int64_t first_line;
    struct iptfhir_text pool, row_pool, out;
    struct slot *slots, *row_slots;      /* of the values of `set` */
    struct iptfhir_text *elements, *ids; /* of each list; ids: one a line */
    struct slot *row_elements, *row_ids;
    uint64_t *seen; /* hashes of the keys that are done */
    size_t seen_count, seen_capacity;
    size_t dynamic_seen, dynamic_written;
    char code[32], why[512]; /* what is wrong with the row */
};

bool build_open(struct build *b);
/* Takes one row; a row that cannot be used is held. */
iptfhir_status build_row(struct build *b, const struct rows *rows);
/* Hands over the last record. */
iptfhir_status build_end(struct build *b);
void build_free(struct build *b);
#endif
