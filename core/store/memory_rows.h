/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of the memory store say, and how a value with its texts is copied into one block.
 */
#ifndef CORE_STORE_MEMORY_ROWS_H
#define CORE_STORE_MEMORY_ROWS_H

#include "core/store/memory_table.h"
#include "core/store/store.h"

/* Of lanes (due_ms), counters and tables that lead from a text to a number. */
struct memory_number {
    int64_t number;
};
/* Of MEMORY_FACTS. */
struct memory_fact {
    struct store_bytes value;
};
/* Of MEMORY_TARGETS. */
struct memory_target {
    const char *name;
};
/* Of MEMORY_BODIES. */
struct memory_bodies {
    const struct store_bytes *list;
    size_t count;
};

/* A new row whose key and value are deep copies; texts that are NULL become "". NULL when memory is
 * out. */
struct memory_row *memory_row_new(enum memory_table_name name, const struct memory_key *key,
                                  const void *value);
/* The same for a row. */
struct memory_row *memory_row_copy(enum memory_table_name name, const struct memory_row *row);
/* A deep copy of `count` rows' values in the arena, as an array; NULL when memory is out. */
void *memory_rows_out(enum memory_table_name name, struct memory_row *const *rows, size_t count,
                      struct arena *a);
#endif
