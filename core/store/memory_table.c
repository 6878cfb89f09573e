/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted vectors of row pointers. A change is logged as the row that it displaced, so that swapping
 * the two takes it back, and swapping again brings it back. */
#include "core/store/memory_table.h"

#include "core/base/alloc.h"

#include <string.h>

struct memory_change {
    enum memory_table_name table;
    const struct memory_row *named; /* a row with the key of the change */
    struct memory_row *other;       /* what stands there on the other side of the change, or NULL */
};

/* Compares two numbers. */
static int compare_numbers(uint64_t x, uint64_t y) {
    return (x > y) - (x < y);
}

/* Orders two keys. */
static int compare_keys(const struct memory_key *x, const struct memory_key *y) {
    if (x->a != y->a)
        return compare_numbers(x->a, y->a);
    if (x->b != y->b)
        return compare_numbers(x->b, y->b);
    if (x->c != y->c)
        return compare_numbers(x->c, y->c);
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = shorter > 0 ? memcmp(x->text, y->text, shorter) : 0;
    return order != 0 ? order : compare_numbers(x->length, y->length);
}

size_t memory_lower(const struct memory_table *table, const struct memory_key *key) {
    size_t low = 0;
    size_t high = table->count;
    if (high > 0 && compare_keys(&table->rows[high - 1]->key, key) < 0)
        return high; /* most rows are added at the end */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(&table->rows[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* True when the row at `at` has this key. */
static bool stands_at(const struct memory_table *table, size_t at, const struct memory_key *key) {
    return at < table->count && compare_keys(&table->rows[at]->key, key) == 0;
}

const struct memory_row *memory_find(const struct memory_data *data, enum memory_table_name name,
                                     const struct memory_key *key) {
    const struct memory_table *table = &data->tables[name];
    size_t at = memory_lower(table, key);
    return stands_at(table, at, key) ? table->rows[at] : NULL;
}

/* Makes room for one more row. */
static bool reserve_row(struct memory_table *table) {
    if (table->count < table->capacity)
        return true;
    size_t capacity = table->capacity > 0 ? 2 * table->capacity : 8;
    struct memory_row **rows = base_realloc(table->rows, capacity * sizeof(struct memory_row *));
    if (rows == NULL)
        return false;
    table->rows = rows;
    table->capacity = capacity;
    return true;
}

/* Makes room for one more change. */
static bool reserve_change(struct memory_data *data) {
    if (data->change_count < data->change_capacity)
        return true;
    size_t capacity = data->change_capacity > 0 ? 2 * data->change_capacity : 32;
    struct memory_change *changes =
        base_realloc(data->changes, capacity * sizeof(struct memory_change));
    if (changes == NULL)
        return false;
    data->changes = changes;
    data->change_capacity = capacity;
    return true;
}

/* Puts `row` (NULL: nothing) where its key stands and returns what stood there. There is room: a
 * table never grows beyond what it once was. */
static struct memory_row *exchange(struct memory_table *table, const struct memory_key *key,
                                   struct memory_row *row) {
    size_t at = memory_lower(table, key);
    struct memory_row **place = table->rows + at;
    bool stands = stands_at(table, at, key);
    struct memory_row *old = stands ? *place : NULL;
    if (row != NULL && !stands) {
        memmove(place + 1, place, (table->count - at) * sizeof *place);
        table->count++;
    }
    if (row != NULL) {
        *place = row;
    } else if (stands) {
        table->count--;
        memmove(place, place + 1, (table->count - at) * sizeof *place);
    }
    return old;
}

/* Logs a change whose room is reserved. */
static void note_change(struct memory_data *data, enum memory_table_name name,
                        const struct memory_row *named, struct memory_row *other) {
    struct memory_change *change = &data->changes[data->change_count++];
    change->table = name;
    change->named = named;
    change->other = other;
}

bool memory_put(struct memory_data *data, enum memory_table_name name, struct memory_row *row) {
    struct memory_table *table = &data->tables[name];
    if (row == NULL)
        return false;
    if (!reserve_change(data) || !reserve_row(table)) {
        base_free(row);
        return false;
    }
    note_change(data, name, row, exchange(table, &row->key, row));
    return true;
}

bool memory_remove(struct memory_data *data, enum memory_table_name name,
                   const struct memory_key *key) {
    if (memory_find(data, name, key) == NULL)
        return true;
    if (!reserve_change(data))
        return false;
    struct memory_row *old = exchange(&data->tables[name], key, NULL);
    note_change(data, name, old, old);
    return true;
}

/* Swaps a change's two sides. */
static void swap_sides(struct memory_data *data, struct memory_change *change) {
    struct memory_table *table = &data->tables[change->table];
    change->other = exchange(table, &change->named->key, change->other);
}

void memory_show_kept(struct memory_data *data) {
    for (size_t i = data->change_count; i > 0; i--)
        swap_sides(data, &data->changes[i - 1]);
}

void memory_show_new(struct memory_data *data) {
    for (size_t i = 0; i < data->change_count; i++)
        swap_sides(data, &data->changes[i]);
}

void memory_keep(struct memory_data *data) {
    for (size_t i = 0; i < data->change_count; i++)
        base_free(data->changes[i].other);
    data->change_count = 0;
}

void memory_undo(struct memory_data *data) {
    memory_show_kept(data);
    memory_keep(data);
}

/* Copies the rows as they stand now. */
static bool copy_rows(const struct memory_data *from, struct memory_data *to,
                      struct memory_row *(*copy)(enum memory_table_name name,
                                                 const struct memory_row *row)) {
    for (size_t t = 0; t < MEMORY_TABLES; t++) {
        const struct memory_table *table = &from->tables[t];
        for (size_t i = 0; i < table->count; i++)
            if (!memory_put(to, (enum memory_table_name)t,
                            copy((enum memory_table_name)t, table->rows[i])))
                return false;
    }
    return true;
}

bool memory_copy(const struct memory_data *from, struct memory_data *to,
                 struct memory_row *(*copy)(enum memory_table_name name,
                                            const struct memory_row *row)) {
    if (!copy_rows(from, to, copy))
        return false;
    for (size_t i = from->change_count; i > 0; i--) {
        const struct memory_change *change = &from->changes[i - 1];
        bool ok = change->other != NULL
                      ? memory_put(to, change->table, copy(change->table, change->other))
                      : memory_remove(to, change->table, &change->named->key);
        if (!ok)
            return false;
    }
    memory_keep(to);
    return true;
}

void memory_free(struct memory_data *data) {
    memory_keep(data);
    for (size_t t = 0; t < MEMORY_TABLES; t++) {
        for (size_t i = 0; i < data->tables[t].count; i++)
            base_free(data->tables[t].rows[i]);
        base_free(data->tables[t].rows);
    }
    base_free(data->changes);
    memset(data, 0, sizeof *data);
}
