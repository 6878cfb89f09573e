/* SPDX-License-Identifier: Apache-2.0 */
/* Building records: a row is read whole before it changes anything, so that a bad one leaves no
 * half of itself. */
#include "build.h"

#include "cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for the values and lists. */
bool build_open(struct build *b) {
    const struct columns *c = b->columns;
    b->slots = calloc(c->set_count + 1, sizeof *b->slots);
    b->row_slots = calloc(c->set_count + 1, sizeof *b->row_slots);
    b->elements = calloc(c->list_count + 1, sizeof *b->elements);
    b->ids = calloc(c->list_count + 1, sizeof *b->ids);
    b->row_elements = calloc(c->list_count + 1, sizeof *b->row_elements);
    b->row_ids = calloc(c->list_count + 1, sizeof *b->row_ids);
    return b->slots && b->row_slots && b->elements && b->ids && b->row_elements && b->row_ids;
}

/* Frees all of it. */
void build_free(struct build *b) {
    for (size_t i = 0; i < b->columns->list_count; i++) {
        if (b->elements)
            iptfhir_text_free(&b->elements[i]);
        if (b->ids)
            iptfhir_text_free(&b->ids[i]);
    }
    free(b->slots);
    free(b->row_slots);
    free(b->elements);
    free(b->ids);
    free(b->row_elements);
    free(b->row_ids);
    free(b->seen);
    iptfhir_text_free(&b->key);
    iptfhir_text_free(&b->row_key);
    iptfhir_text_free(&b->pool);
    iptfhir_text_free(&b->row_pool);
    iptfhir_text_free(&b->out);
}

/* ---- keys ---- */

/* Puts a hash into the table; true when it was there. Its memory is eight to sixteen bytes a
 * record. */
static bool put_hash(uint64_t *table, size_t capacity, uint64_t hash) {
    size_t i = hash & (capacity - 1);
    for (; table[i]; i = (i + 1) & (capacity - 1))
        if (table[i] == hash)
            return true;
    table[i] = hash;
    return false;
}

/* Notes a key; *seen tells whether it was there before. False when memory is out. */
static bool note_key(struct build *b, bool *seen) {
    uint64_t hash = columns_hash(b->columns->hash, b->key.data, b->key.length);
    if ((b->seen_count + 1) * 2 > b->seen_capacity) {
        size_t capacity = b->seen_capacity ? b->seen_capacity * 2 : 1024;
        uint64_t *table = calloc(capacity, sizeof *table);
        if (!table)
            return false;
        for (size_t i = 0; i < b->seen_capacity; i++)
            if (b->seen[i])
                put_hash(table, capacity, b->seen[i]);
        free(b->seen);
        b->seen = table;
        b->seen_capacity = capacity;
    }
    *seen = put_hash(b->seen, b->seen_capacity, hash ? hash : 1);
    b->seen_count += !*seen;
    return true;
}

/* Reads the key of the row; false and a fault when a part of it is blank. */
static bool read_key(struct build *b) {
    b->row_key.length = 0;
    for (size_t i = 0; i < b->columns->key_count; i++) {
        struct cell cell = cells_get(b, b->columns->key[i]);
        if (cell.length == 0) {
            cells_fault(b, "no-key", "column %s: expected the key of the record",
                        b->columns->used.of[b->columns->key[i]]);
            return false;
        }
        iptfhir_text_add(&b->row_key, cell.text, cell.length);
        iptfhir_text_putc(&b->row_key, '\x1f');
    }
    return true;
}

/* ---- writing ---- */

static const char *slot_text(const struct iptfhir_text *pool, const struct slot *slot) {
    return pool->data ? pool->data + slot->offset : "";
}

/* Where the values of the fields come from: the slots of a record, or the current row. */
struct origin {
    bool row;
    bool fault;
};

static void write_field(struct build *b, const struct field *f, struct iptfhir_text *out,
                        struct origin *from);

/* Writes a value, or nothing when it is blank. */
static void write_value(struct build *b, size_t index, struct iptfhir_text *out,
                        struct origin *from) {
    const struct value *v = &b->columns->values[index];
    bool fixed = v->kind == VALUE_CONSTANT || v->kind == VALUE_FILE_TIME;
    size_t before = out->length;
    if (fixed || from->row) {
        if (cells_value(b, v, out) == CELLS_FAULT)
            from->fault = true;
    } else if (b->slots[index].have) {
        iptfhir_text_add(out, slot_text(&b->pool, &b->slots[index]), b->slots[index].length);
    }
    b->dynamic_seen += !fixed;
    b->dynamic_written += !fixed && out->length > before;
}

/* Writes the children with brackets; an element of a list that has columns, all of them blank, is
 * left out. */
static void write_children(struct build *b, const struct field *f, struct iptfhir_text *out,
                           struct origin *from) {
    bool array = f->kind == FIELD_ARRAY;
    size_t before = out->length;
    iptfhir_text_putc(out, array ? '[' : '{');
    size_t body = out->length;
    for (const struct field *child = f->first; child; child = child->next) {
        size_t mark = out->length, seen = b->dynamic_seen, written = b->dynamic_written;
        if (mark > body)
            iptfhir_text_putc(out, ',');
        size_t start = out->length;
        write_field(b, child, out, from);
        bool empty = out->length == start;
        if (array && b->dynamic_seen > seen && b->dynamic_written == written)
            empty = true;
        if (empty)
            out->length = mark;
    }
    if (out->length == body)
        out->length = before;
    else
        iptfhir_text_putc(out, array ? ']' : '}');
}

/* Writes a field with its name, or nothing. */
static void write_field(struct build *b, const struct field *f, struct iptfhir_text *out,
                        struct origin *from) {
    size_t before = out->length;
    iptfhir_text_add(out, f->name.data, f->name.length);
    size_t start = out->length;
    switch (f->kind) {
    case FIELD_VALUE: write_value(b, f->index, out, from); break;
    case FIELD_LIST:
        if (b->elements[f->index].length > 0) {
            iptfhir_text_putc(out, '[');
            iptfhir_text_add(out, b->elements[f->index].data, b->elements[f->index].length);
            iptfhir_text_putc(out, ']');
        }
        break;
    case FIELD_OBJECT:
    case FIELD_ARRAY: write_children(b, f, out, from); break;
    }
    if (out->length == start)
        out->length = before;
}

/* Forgets the record. */
static void forget(struct build *b) {
    b->begun = b->committed = b->returned = false;
    b->pool.length = 0;
    for (size_t i = 0; i < b->columns->set_count; i++)
        b->slots[i].have = false;
    for (size_t i = 0; i < b->columns->list_count; i++)
        b->elements[i].length = b->ids[i].length = 0;
}

/* Hands the record over. */
static iptfhir_status flush(struct build *b) {
    iptfhir_status status = IPTFHIR_OK;
    if (b->committed) {
        const struct iptfhir_origin origin = { sizeof origin, b->file, b->first_line };
        struct origin from = { 0 };
        b->out.length = 0;
        write_field(b, &b->columns->root, &b->out, &from);
        if (b->out.failed || b->pool.failed)
            return IPTFHIR_FATAL;
        b->records++;
        status = b->sink->emit_text(b->sink, b->out.data, b->out.length, &origin);
    }
    forget(b);
    return status == IPTFHIR_REJECT ? IPTFHIR_OK : status;
}

/* ---- rows ---- */

/* Tells whether a cell's text is one of a condition's. */
static bool holds(const struct build *b, const struct condition *condition) {
    struct cell cell = cells_get(b, condition->column);
    return names_have(&condition->among, cell.text, cell.length);
}

/* Tells whether the row adds an element to a list. */
static bool applies(struct build *b, const struct list *list) {
    bool any = list->any_count == 0;
    if (b->columns->redcap) {
        struct cell cell = cells_get(b, b->columns->instrument_column);
        size_t length = list->instrument ? strlen(list->instrument) : 0;
        if (cell.length != length ||
            (length > 0 && memcmp(cell.text, list->instrument, length) != 0))
            return false;
    }
    for (size_t i = 0; i < list->filled_count; i++)
        if (cells_get(b, list->filled[i]).length == 0)
            return false;
    for (size_t i = 0; i < list->any_count && !any; i++)
        any = cells_get(b, list->any_filled[i]).length > 0;
    if (!any)
        return false;
    for (size_t i = 0; i < list->status_from; i++)
        if (!holds(b, &list->conditions[i]))
            return false;
    for (size_t i = list->status_from; i < list->condition_count; i++)
        if (!holds(b, &list->conditions[i])) {
            b->by_status++;
            return false;
        }
    return true;
}

/* Checks that a row of a repeating instrument is one that somebody reads, or that is ignored by
 * name. */
static bool instrument_known(struct build *b) {
    struct cell cell = cells_get(b, b->columns->instrument_column);
    if (cell.length == 0 || names_have(&b->columns->ignore_instruments, cell.text, cell.length))
        return true;
    for (size_t i = 0; i < b->columns->list_count; i++) {
        const char *name = b->columns->lists[i].instrument;
        if (name && strlen(name) == cell.length && memcmp(name, cell.text, cell.length) == 0)
            return true;
    }
    cells_fault(b, "unknown-instrument",
                "column redcap_repeat_instrument: no list reads this instrument: add one, or list "
                "it under ignore_instruments");
    return false;
}

/* Reads the values of `set` from the row. */
static bool read_set(struct build *b) {
    for (size_t i = 0; i < b->columns->set_count; i++) {
        const struct value *v = &b->columns->values[i];
        struct slot *slot = &b->row_slots[i], *old = &b->slots[i];
        *slot = (struct slot) { .offset = b->row_pool.length };
        if (v->kind == VALUE_CONSTANT || v->kind == VALUE_FILE_TIME ||
            (v->take == TAKE_FIRST && old->have))
            continue;
        enum cells_answer answer = cells_value(b, v, &b->row_pool);
        if (answer == CELLS_FAULT)
            return false;
        slot->have = answer == CELLS_VALUE;
        slot->length = b->row_pool.length - slot->offset;
        bool same =
            slot->have && old->have && slot->length == old->length &&
            memcmp(slot_text(&b->row_pool, slot), slot_text(&b->pool, old), old->length) == 0;
        if (slot->have && old->have && !same && v->take == TAKE_SAME) {
            cells_fault(b, "rows-differ",
                        "field %s: the row gives another value than an earlier row of the same "
                        "record: correct it, or "
                        "say take: first or last",
                        v->path);
            return false;
        }
        if (same)
            slot->have = false;
    }
    return true;
}

/* Checks that an element's id is new in its list. */
static bool id_is_new(struct build *b, const struct list *list, const struct slot *id) {
    const struct iptfhir_text *ids = &b->ids[list->target];
    const char *text = slot_text(&b->row_pool, id);
    for (const char *p = ids->data, *end = p ? p + ids->length : p; p && p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if ((size_t)(stop - p) == id->length && memcmp(p, text, id->length) == 0) {
            cells_fault(b, "id-twice",
                        "list %s: the row makes an element with the id of an earlier one: add what "
                        "tells them apart to the id",
                        list->path);
            return false;
        }
        p = stop + 1;
    }
    return true;
}

/* Makes the elements that the row adds to lists. */
static bool read_lists(struct build *b) {
    for (size_t i = 0; i < b->columns->list_count; i++) {
        const struct list *list = &b->columns->lists[i];
        struct origin from = { .row = true };
        b->row_elements[i] = b->row_ids[i] = (struct slot) { 0 };
        if (!applies(b, list))
            continue;
        struct slot *id = &b->row_ids[i], *element = &b->row_elements[i];
        if (list->id_value != SIZE_MAX) {
            id->offset = b->row_pool.length;
            id->have =
                cells_value(b, &b->columns->values[list->id_value], &b->row_pool) == CELLS_VALUE;
            id->length = b->row_pool.length - id->offset;
            if (id->have && !id_is_new(b, list, id))
                return false;
        }
        element->offset = b->row_pool.length;
        write_field(b, &list->root, &b->row_pool, &from);
        if (from.fault)
            return false;
        element->length = b->row_pool.length - element->offset;
        element->have = element->length > 0;
    }
    return true;
}

/* Adds what the row gave to the record. */
static bool commit(struct build *b) {
    bool ok = !b->row_pool.failed;
    for (size_t i = 0; i < b->columns->set_count && ok; i++) {
        if (!b->row_slots[i].have)
            continue;
        b->slots[i] = (struct slot) { b->pool.length, b->row_slots[i].length, true };
        iptfhir_text_add(&b->pool, slot_text(&b->row_pool, &b->row_slots[i]),
                         b->row_slots[i].length);
    }
    for (size_t i = 0; i < b->columns->list_count && ok; i++) {
        struct iptfhir_text *elements = &b->elements[b->columns->lists[i].target],
                            *ids = &b->ids[b->columns->lists[i].target];
        if (!b->row_elements[i].have)
            continue;
        if (elements->length > 0)
            iptfhir_text_putc(elements, ',');
        iptfhir_text_add(elements, slot_text(&b->row_pool, &b->row_elements[i]),
                         b->row_elements[i].length);
        if (b->row_ids[i].have) {
            iptfhir_text_add(ids, slot_text(&b->row_pool, &b->row_ids[i]), b->row_ids[i].length);
            iptfhir_text_putc(ids, '\n');
        }
        ok = !elements->failed && !ids->failed;
    }
    b->committed = true;
    return ok && !b->pool.failed;
}

/* Holds the row for what b->code and b->why say. */
static iptfhir_status hold_row(struct build *b) {
    const struct iptfhir_origin origin = { sizeof origin, b->file, b->rows->line };
    b->records++;
    iptfhir_status status = b->sink->hold(b->sink, &origin, b->code, b->why);
    return status == IPTFHIR_REJECT ? IPTFHIR_OK : status;
}

/* Begins the record of the row's key. */
static iptfhir_status begin_record(struct build *b) {
    iptfhir_status status = flush(b);
    if (status != IPTFHIR_OK)
        return status;
    const struct iptfhir_text swap = b->key;
    b->key = b->row_key;
    b->row_key = swap;
    b->begun = true;
    b->first_line = b->rows->line;
    return note_key(b, &b->returned) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Takes one row. */
iptfhir_status build_row(struct build *b, const struct rows *rows) {
    b->rows = rows;
    b->row_pool.length = 0;
    if (!read_key(b))
        return hold_row(b);
    if (!b->begun || b->key.length != b->row_key.length ||
        memcmp(b->key.data, b->row_key.data, b->key.length) != 0) {
        iptfhir_status status = begin_record(b);
        if (status != IPTFHIR_OK)
            return status;
    }
    if (b->returned) {
        cells_fault(b, "key-returned",
                    "rows of this record stand further up, with others between: sort the file by "
                    "its key columns");
        return hold_row(b);
    }
    if (b->columns->redcap && !instrument_known(b))
        return hold_row(b);
    if (!read_set(b) || !read_lists(b))
        return hold_row(b);
    return commit(b) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Hands over the last record. */
iptfhir_status build_end(struct build *b) {
    return flush(b);
}
