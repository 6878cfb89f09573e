/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: one set of tables a medium, and the transaction of one handle at a time in
 * its log of changes. */
#include "core/store/memory.h"

#include "core/base/alloc.h"

#include <stdint.h>
#include <string.h>

/* ---- what the calls read and write with ---- */

bool memory_out(struct iptfhir_error *error) {
    return error_set(error, "memory", NULL,
                     "out of memory: give the process more; nothing was lost");
}

const struct memory_data *memory_look(struct memory *m) {
    struct store_medium *medium = m->medium;
    bool foreign = medium->writer != NULL && medium->writer != m;
    if (foreign && medium->shown++ == 0)
        memory_show_kept(&medium->data);
    return &medium->data;
}

void memory_look_away(struct memory *m) {
    struct store_medium *medium = m->medium;
    bool foreign = medium->writer != NULL && medium->writer != m;
    if (foreign && --medium->shown == 0)
        memory_show_new(&medium->data);
}

struct memory_data *memory_writable(struct memory *m, struct iptfhir_error *error) {
    struct store_medium *medium = m->medium;
    if (medium->writer != m || medium->shown > 0) {
        error_set(
            error, "store", NULL,
            "a write stands outside a transaction: this is a fault of the program, report it");
        return NULL;
    }
    if (medium->full) {
        error_set(error, "store-full", NULL,
                  "the store's disk is full: make room, nothing was lost");
        return NULL;
    }
    return &medium->data;
}

uint64_t memory_number_of(const struct memory_data *data, enum memory_table_name name,
                          const struct memory_key *key) {
    const struct memory_row *row = memory_find(data, name, key);
    return row != NULL ? (uint64_t)((const struct memory_number *)row->value)->number : 0;
}

bool memory_put_value(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                      const void *value, struct iptfhir_error *error) {
    if (!memory_put(data, name, memory_row_new(name, &key, value)))
        return memory_out(error);
    return true;
}

bool memory_put_number(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                       uint64_t number, struct iptfhir_error *error) {
    struct memory_number value = { .number = (int64_t)number };
    return memory_put_value(data, name, key, &value, error);
}

bool memory_drop(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                 struct iptfhir_error *error) {
    return memory_remove(data, name, &key) || memory_out(error);
}

uint64_t memory_next_number(const struct memory_table *table) {
    return table->count > 0 ? table->rows[table->count - 1]->key.a + 1 : 1;
}

uint64_t memory_next_of_patient(const struct memory_table *table, uint64_t patient) {
    struct memory_key end = { .a = patient + 1 };
    size_t at = memory_lower(table, &end);
    if (at == 0 || table->rows[at - 1]->key.a != patient)
        return 1;
    return table->rows[at - 1]->key.b + 1;
}

bool memory_range_out(struct memory *m, enum memory_table_name name, struct memory_key from,
                      struct memory_key to, struct arena *a, void **list, size_t *count,
                      struct iptfhir_error *error) {
    const struct memory_table *table = &memory_look(m)->tables[name];
    size_t first = memory_lower(table, &from);
    size_t end = memory_lower(table, &to);
    struct memory_row *const *rows = table->rows != NULL ? table->rows + first : NULL;
    *count = end - first;
    *list = memory_rows_out(name, rows, *count, a);
    memory_look_away(m);
    if (*list == NULL)
        *count = 0;
    return *list != NULL || memory_out(error);
}

bool memory_row_out(struct memory *m, enum memory_table_name name, struct memory_key key,
                    struct arena *a, void *out, size_t size, bool *found,
                    struct iptfhir_error *error) {
    const struct memory_table *table = &memory_look(m)->tables[name];
    size_t at = memory_lower(table, &key);
    const struct memory_row *row = memory_find(&m->medium->data, name, &key);
    const void *value = row != NULL ? memory_rows_out(name, table->rows + at, 1, a) : NULL;
    memory_look_away(m);
    *found = value != NULL;
    if (value != NULL)
        memcpy(out, value, size);
    return value != NULL || row == NULL || memory_out(error);
}

/* ---- the handle ---- */

static void memory_rollback(struct store *s) {
    struct store_medium *medium = memory_of(s)->medium;
    if (medium->writer != memory_of(s))
        return;
    if (medium->shown > 0)
        memory_keep(&medium->data); /* the tables show what was kept; the log holds the changes */
    else
        memory_undo(&medium->data);
    medium->writer = NULL;
    medium->shown = 0;
}

static void memory_close(struct store *s) {
    if (s == NULL)
        return;
    memory_rollback(s);
    base_free(s);
}

static bool memory_begin(struct store *s, struct iptfhir_error *error) {
    struct store_medium *medium = memory_of(s)->medium;
    if (medium->writer == memory_of(s))
        return error_set(error, "store", NULL,
                         "a transaction begins inside another: this is a fault of the program, "
                         "report it");
    if (medium->writer != NULL)
        return error_set(error, "store-busy", NULL,
                         "another process is writing to the store: try again");
    medium->writer = memory_of(s);
    return true;
}

static bool memory_commit(struct store *s, struct iptfhir_error *error) {
    struct memory *m = memory_of(s);
    struct store_medium *medium = m->medium;
    bool changed = medium->data.change_count > 0;
    if (medium->writer == m && !changed) {
        medium->writer = NULL;
        return true;
    }
    if (memory_writable(m, error) == NULL)
        return false;
    memory_keep(&medium->data);
    medium->writer = NULL;
    medium->commits++;
    m->own_commits++;
    return true;
}

static bool memory_foreign_changes(struct store *s, uint64_t *number, struct iptfhir_error *error) {
    (void)error;
    *number = memory_of(s)->medium->commits - memory_of(s)->own_commits;
    return true;
}

/* ---- media and handles ---- */

struct store_medium *store_medium_new(void) {
    struct store_medium *medium = base_malloc(sizeof *medium);
    if (medium != NULL)
        memset(medium, 0, sizeof *medium);
    return medium;
}

struct store_medium *store_medium_copy(const struct store_medium *medium) {
    struct store_medium *copy = store_medium_new();
    if (copy == NULL)
        return NULL;
    struct memory_data kept = medium->data;
    if (medium->shown > 0)
        kept.change_count = 0; /* the tables already show what was kept */
    if (!memory_copy(&kept, &copy->data, memory_row_copy)) {
        store_medium_free(copy);
        return NULL;
    }
    return copy;
}

void store_medium_free(struct store_medium *medium) {
    if (medium == NULL)
        return;
    memory_free(&medium->data);
    base_free(medium);
}

void store_medium_set_full(struct store_medium *medium, bool full) {
    medium->full = full;
}

struct store *store_open_memory(struct store_medium *medium, struct iptfhir_error *error) {
    static const struct store_calls calls = {
        .close = memory_close,
        .begin = memory_begin,
        .commit = memory_commit,
        .rollback = memory_rollback,
        .foreign_changes = memory_foreign_changes,
        .fact_get = memory_fact_get,
        .fact_set = memory_fact_set,
        .facts = memory_facts,
        .target_no = memory_target_no,
        .patient_find = memory_patient_find,
        .patient_get = memory_patient_get,
        .patient_add = memory_patient_add,
        .record_find = memory_record_find,
        .record_get = memory_record_get,
        .record_put = memory_record_put,
        .records_of = memory_records_of,
        .records = memory_records,
        .said_of = memory_said_of,
        .said_put = memory_said_put,
        .said_drop = memory_said_drop,
        .bodies_put = memory_bodies_put,
        .bodies_get = memory_bodies_get,
        .bodies_of = memory_bodies_of,
        .bodies_drop = memory_bodies_drop,
        .states_of = memory_states_of,
        .state_put = memory_state_put,
        .state_drop = memory_state_drop,
        .lane_put = memory_lane_put,
        .lane_drop = memory_lane_drop,
        .lanes_due = memory_lanes_due,
        .hold_put = memory_hold_put,
        .hold_drop = memory_hold_drop,
        .holds = memory_holds,
        .patients = memory_patients,
    };
    struct memory *m = base_malloc(sizeof *m);
    if (m == NULL) {
        memory_out(error);
        return NULL;
    }
    m->base.calls = &calls;
    m->medium = medium;
    m->own_commits = medium->commits;
    return &m->base;
}
