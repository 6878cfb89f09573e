/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted tables of rows in memory, with a log that takes the changes of a transaction back. It
 * knows nothing of what the rows say; memory_rows.h does. One thread. */
#ifndef CORE_STORE_MEMORY_TABLE_H
#define CORE_STORE_MEMORY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum memory_table_name {
    MEMORY_FACTS,           /* text: name */
    MEMORY_TARGETS,         /* a: number */
    MEMORY_PATIENTS,        /* a: number */
    MEMORY_PATIENT_NAMES,   /* text: clinic, NUL, local id */
    MEMORY_RECORDS,         /* a: number */
    MEMORY_RECORD_IDS,      /* text: id */
    MEMORY_PATIENT_RECORDS, /* a: patient, b: record */
    MEMORY_SAID,            /* a: patient, b: ordinal */
    MEMORY_BODIES,          /* a: patient, b: sequence */
    MEMORY_STATES,          /* a: target, b: patient, c: ordinal */
    MEMORY_LANES,           /* a: target, b: patient */
    MEMORY_HOLDS,           /* a: number */
    MEMORY_HOLD_KEYS,       /* text: the members of the key, each followed by NUL */
    MEMORY_COUNTERS,        /* text: name */
    MEMORY_TABLES
};
struct memory_key {
    uint64_t a, b, c;
    const char *text; /* compared byte by byte after the numbers; may be NULL when length is 0 */
    size_t length;
};
/* A row is one block from base_malloc; its key's text and its value lie inside it. A row is never
 * changed once it stands in a table. */
struct memory_row {
    struct memory_key key;
    void *value;
};
struct memory_table {
    struct memory_row **rows; /* by key */
    size_t count, capacity;
};
struct memory_change;
struct memory_data {
    struct memory_table tables[MEMORY_TABLES];
    struct memory_change *changes; /* since the last memory_keep() */
    size_t change_count, change_capacity;
};

/* The place of the first row of a table whose key is not below `key`. */
size_t memory_lower(const struct memory_table *table, const struct memory_key *key);
/* The row of a key, NULL when there is none. */
const struct memory_row *memory_find(const struct memory_data *data, enum memory_table_name name,
                                     const struct memory_key *key);
/* Adds a row or replaces the one of the same key; the table owns it. False when memory is out or
 * row is NULL; the row is freed then. */
bool memory_put(struct memory_data *data, enum memory_table_name name, struct memory_row *row);
/* Removes the row of a key, if there is one. False when memory is out; nothing changed then. */
bool memory_remove(struct memory_data *data, enum memory_table_name name,
                   const struct memory_key *key);
/* Makes the changes so far lasting. */
void memory_keep(struct memory_data *data);
/* Takes the changes since memory_keep() back. */
void memory_undo(struct memory_data *data);
/* Shows the tables as they were at memory_keep(), until memory_show_new(). Nothing may be put or
 * removed in between. */
void memory_show_kept(struct memory_data *data);
void memory_show_new(struct memory_data *data);
/* Copies the tables as they were at memory_keep(); `copy` makes a copy of a row or returns NULL.
 * False when memory is out; what `to` holds then is still to be freed. */
bool memory_copy(const struct memory_data *from, struct memory_data *to,
                 struct memory_row *(*copy)(enum memory_table_name name,
                                            const struct memory_row *row));
void memory_free(struct memory_data *data);
#endif
