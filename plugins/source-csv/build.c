/* SPDX-License-Identifier: Apache-2.0 */
/* Building records as nodes of the sink's document. */
#include "build.h"

#include "cells.h"

#include <stdlib.h>
#include <string.h>

bool build_open(struct build *b) {
    const struct columns *c = b->columns;
    b->nodes = c->host->nodes;
    b->slots = calloc(c->set_count + 1, sizeof *b->slots);
    b->row_slots = calloc(c->value_count + 1, sizeof *b->row_slots);
    b->row_adds = calloc(c->list_count + 1, sizeof *b->row_adds);
    b->arrays = calloc(c->list_count + 1, sizeof(struct iptfhir_node *));
    b->ids = calloc(c->list_count + 1, sizeof *b->ids);
    bool values = b->slots != NULL && b->row_slots != NULL;
    bool lists = b->row_adds != NULL && b->arrays != NULL && b->ids != NULL;
    return values && lists;
}

void build_free(struct build *b) {
    for (size_t i = 0; b->ids != NULL && i < b->columns->list_count; i++)
        iptfhir_text_free(&b->ids[i]);
    free(b->slots);
    free(b->row_slots);
    free(b->row_adds);
    free(b->arrays);
    free(b->ids);
    free(b->seen);
    iptfhir_text_free(&b->key);
    iptfhir_text_free(&b->row_key);
    iptfhir_text_free(&b->pool);
    iptfhir_text_free(&b->row_pool);
}

/* ---- keys ---- */

/* Puts a hash into the table; true when it was there. Its memory is eight to sixteen bytes a
 * record. */
static bool put_hash(uint64_t *table, size_t capacity, uint64_t hash) {
    size_t i = hash & (capacity - 1);
    while (table[i] != 0) {
        if (table[i] == hash)
            return true;
        i = (i + 1) & (capacity - 1);
    }
    table[i] = hash;
    return false;
}

/* Doubles the table of hashes. */
static bool grow_seen(struct build *b) {
    size_t capacity = b->seen_capacity > 0 ? b->seen_capacity * 2 : 1024;
    uint64_t *table = calloc(capacity, sizeof *table);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < b->seen_capacity; i++) {
        if (b->seen[i] != 0)
            put_hash(table, capacity, b->seen[i]);
    }
    free(b->seen);
    b->seen = table;
    b->seen_capacity = capacity;
    return true;
}

/* Notes the key, and whether it was there before. False when memory is out. */
static bool note_key(struct build *b) {
    uint64_t hash = columns_hash(b->columns->hash, b->key.data, b->key.length);
    bool full = (b->seen_count + 1) * 2 > b->seen_capacity;
    if (full && !grow_seen(b))
        return false;
    b->returned = put_hash(b->seen, b->seen_capacity, hash != 0 ? hash : 1);
    if (!b->returned)
        b->seen_count++;
    return true;
}

/* Reads the key of the row; false and a fault when a part of it is blank. */
static bool read_key(struct build *b) {
    b->row_key.length = 0;
    for (size_t i = 0; i < b->columns->key_count; i++) {
        size_t column = b->columns->key[i];
        struct cell cell = cells_get(b, column);
        if (cell.length == 0) {
            cells_fault(b, "no-key", "column %s: expected the key of the record",
                        b->columns->used.of[column]);
            return false;
        }
        iptfhir_text_add(&b->row_key, cell.text, cell.length);
        iptfhir_text_putc(&b->row_key, '\x1f');
    }
    return true;
}

static bool is_same_key(const struct build *b) {
    bool as_long = b->key.length == b->row_key.length;
    return b->begun && as_long && memcmp(b->key.data, b->row_key.data, b->key.length) == 0;
}

/* ---- nodes ---- */

/* Notes a node that there was no room for. */
static struct iptfhir_node *made(struct build *b, struct iptfhir_node *node) {
    b->lost |= node == NULL;
    return node;
}

/* What was read, and where. */
struct given {
    const struct slot *slots;
    const struct iptfhir_text *pool;
};

static const char *slot_text(const struct iptfhir_text *pool, const struct slot *slot) {
    return pool->data != NULL ? pool->data + slot->offset : "";
}

/* Makes the node of a value; NULL when it is blank. */
static struct iptfhir_node *make_value(struct build *b, size_t index, const struct given *given) {
    const struct value *v = &b->columns->values[index];
    struct iptfhir_document *document = b->sink->document;
    if (v->kind == VALUE_CONSTANT)
        return made(b, cells_copy(b, v->constant));
    if (v->kind == VALUE_FILE_TIME)
        return made(b, b->nodes->string(document, b->file_time, strlen(b->file_time)));
    const struct slot *slot = &given->slots[index];
    b->cells_asked++;
    if (!slot->have)
        return NULL;
    b->cells_written++;
    struct iptfhir_node *node =
        made(b, cells_node(b, v, slot_text(given->pool, slot), slot->length));
    b->nodes->place(node, (uint32_t)slot->line, 1);
    return node;
}

static struct iptfhir_node *make_field(struct build *b, const struct field *f,
                                       const struct given *given);

/* Puts a child into its object or array. */
static void put_child(struct build *b, struct iptfhir_node *into, const struct field *child,
                      struct iptfhir_node *value) {
    bool put = child->key != NULL ? b->nodes->set(b->sink->document, into, child->key, value)
                                  : b->nodes->append(into, value);
    b->lost |= !put;
}

/* Makes an object or array with its children; NULL when it would be empty. An element of an array
 * that has columns, all of them blank, is left out. */
static struct iptfhir_node *make_children(struct build *b, const struct field *f,
                                          const struct given *given) {
    struct iptfhir_document *document = b->sink->document;
    bool is_array = f->kind == FIELD_ARRAY;
    struct iptfhir_node *node = NULL;
    for (const struct field *child = f->first; child != NULL; child = child->next) {
        size_t asked = b->cells_asked;
        size_t written = b->cells_written;
        struct iptfhir_node *value = make_field(b, child, given);
        bool all_blank = b->cells_asked > asked && b->cells_written == written;
        if (value == NULL || (is_array && all_blank))
            continue;
        if (node == NULL)
            node = made(b, is_array ? b->nodes->array(document) : b->nodes->object(document));
        put_child(b, node, child, value);
    }
    return node;
}

static struct iptfhir_node *make_field(struct build *b, const struct field *f,
                                       const struct given *given) {
    switch (f->kind) {
    case FIELD_VALUE: return make_value(b, f->index, given);
    case FIELD_LIST: return b->arrays[f->index];
    case FIELD_OBJECT:
    case FIELD_ARRAY: break;
    }
    return make_children(b, f, given);
}

/* ---- records ---- */

static void forget(struct build *b) {
    b->begun = b->committed = b->returned = b->lost = false;
    b->pool.length = 0;
    for (size_t i = 0; i < b->columns->set_count; i++)
        b->slots[i].have = false;
    for (size_t i = 0; i < b->columns->list_count; i++) {
        b->arrays[i] = NULL;
        b->ids[i].length = 0;
    }
}

/* Hands the record over. One that there was no room for is told as NULL. */
static iptfhir_status flush(struct build *b) {
    iptfhir_status status = IPTFHIR_OK;
    if (b->committed) {
        const struct iptfhir_origin origin = { sizeof origin, b->file, b->first_line };
        const struct given given = { b->slots, &b->pool };
        struct iptfhir_node *record = make_field(b, &b->columns->root, &given);
        b->records++;
        status = b->sink->emit(b->sink, b->lost ? NULL : record, &origin);
    }
    forget(b);
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
    return note_key(b) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* ---- rows: which lists they add to ---- */

static bool cell_is(struct cell cell, const char *text) {
    size_t length = text != NULL ? strlen(text) : 0;
    return cell.length == length && (length == 0 || memcmp(cell.text, text, length) == 0);
}

/* Tells whether the conditions from one to before another hold. */
static bool all_hold(const struct build *b, const struct list *list, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        struct cell cell = cells_get(b, list->conditions[i].column);
        if (!names_have(&list->conditions[i].among, cell.text, cell.length))
            return false;
    }
    return true;
}

static size_t count_filled(const struct build *b, const size_t *columns, size_t count) {
    size_t filled = 0;
    for (size_t i = 0; i < count; i++)
        filled += cells_get(b, columns[i]).length > 0;
    return filled;
}

/* Tells whether the row adds an element to a list. */
static bool applies(struct build *b, const struct list *list) {
    const struct columns *c = b->columns;
    if (c->redcap && !cell_is(cells_get(b, c->instrument_column), list->instrument))
        return false;
    if (count_filled(b, list->filled, list->filled_count) < list->filled_count)
        return false;
    if (list->any_count > 0 && count_filled(b, list->any_filled, list->any_count) == 0)
        return false;
    if (!all_hold(b, list, 0, list->status_from))
        return false;
    bool by_status = !all_hold(b, list, list->status_from, list->condition_count);
    b->by_status += by_status;
    return !by_status;
}

/* Checks that a row of a repeating instrument is one that somebody reads, or that is ignored by
 * name. */
static bool instrument_known(struct build *b) {
    const struct columns *c = b->columns;
    struct cell cell = cells_get(b, c->instrument_column);
    if (cell.length == 0 || names_have(&c->ignore_instruments, cell.text, cell.length))
        return true;
    for (size_t i = 0; i < c->list_count; i++) {
        const char *name = c->lists[i].instrument;
        if (name != NULL && cell_is(cell, name))
            return true;
    }
    cells_fault(b, "unknown-instrument",
                "column redcap_repeat_instrument: no list reads this instrument: add one, or list "
                "it under ignore_instruments");
    return false;
}

/* ---- rows: their values ---- */

/* Reads a value of the row into its slot; false and a fault when it can't be read. */
static bool read_value(struct build *b, size_t index) {
    const struct value *v = &b->columns->values[index];
    struct slot *slot = &b->row_slots[index];
    *slot = (struct slot) { .offset = b->row_pool.length, .line = b->rows->line };
    if (v->kind == VALUE_CONSTANT || v->kind == VALUE_FILE_TIME)
        return true;
    enum cells_answer answer = cells_value(b, v, &b->row_pool);
    slot->have = answer == CELLS_VALUE;
    slot->length = b->row_pool.length - slot->offset;
    iptfhir_text_putc(&b->row_pool, '\0');
    return answer != CELLS_FAULT;
}

/* Compares what the row gives with what an earlier one gave; false and a fault when they should
 * agree and don't. */
static bool reconcile(struct build *b, size_t index) {
    const struct value *v = &b->columns->values[index];
    const struct slot *old = &b->slots[index];
    struct slot *slot = &b->row_slots[index];
    if (!slot->have || !old->have)
        return true;
    const char *text = slot_text(&b->row_pool, slot);
    bool same =
        slot->length == old->length && memcmp(text, slot_text(&b->pool, old), old->length) == 0;
    if (!same && v->take == TAKE_SAME) {
        cells_fault(b, "rows-differ",
                    "field %s: the row gives another value than an earlier row of the same record: "
                    "correct it, or say take: first or last",
                    v->path);
        return false;
    }
    slot->have = !same;
    return true;
}

/* Reads the values of `set`. */
static bool read_set(struct build *b) {
    for (size_t i = 0; i < b->columns->set_count; i++) {
        bool settled = b->columns->values[i].take == TAKE_FIRST && b->slots[i].have;
        b->row_slots[i].have = false;
        if (settled)
            continue;
        if (!read_value(b, i) || !reconcile(b, i))
            return false;
    }
    return true;
}

/* Checks that an element's id is new in its list. */
static bool id_is_new(struct build *b, const struct list *list) {
    const struct slot *id = &b->row_slots[list->id_value];
    const struct iptfhir_text *ids = &b->ids[list->target];
    const char *text = slot_text(&b->row_pool, id);
    size_t at = 0;
    while (at < ids->length) {
        const char *known = ids->data + at;
        const char *end = memchr(known, '\n', ids->length - at);
        size_t length = (size_t)(end - known);
        if (length == id->length && memcmp(known, text, length) == 0) {
            cells_fault(b, "id-twice",
                        "list %s: the row makes an element with the id of an earlier one: add what "
                        "tells them apart to the id",
                        list->path);
            return false;
        }
        at += length + 1;
    }
    return true;
}

/* Reads the values of the elements that the row adds to lists. */
static bool read_lists(struct build *b) {
    for (size_t i = 0; i < b->columns->list_count; i++) {
        const struct list *list = &b->columns->lists[i];
        b->row_adds[i] = applies(b, list);
        if (!b->row_adds[i])
            continue;
        for (size_t k = 0; k < list->value_count; k++) {
            if (!read_value(b, list->first_value + k))
                return false;
        }
        bool has_id = list->id_value != SIZE_MAX && b->row_slots[list->id_value].have;
        if (has_id && !id_is_new(b, list))
            return false;
    }
    return true;
}

/* ---- rows: what they add to the record ---- */

static void add_id(struct build *b, const struct list *list) {
    struct iptfhir_text *ids = &b->ids[list->target];
    if (list->id_value == SIZE_MAX || !b->row_slots[list->id_value].have)
        return;
    const struct slot *id = &b->row_slots[list->id_value];
    iptfhir_text_add(ids, slot_text(&b->row_pool, id), id->length);
    iptfhir_text_putc(ids, '\n');
}

/* Adds the row's element to a list; one that there is no room for makes the record lost. */
static void add_element(struct build *b, const struct list *list) {
    const struct given given = { b->row_slots, &b->row_pool };
    struct iptfhir_node **array = &b->arrays[list->target];
    struct iptfhir_node *element = b->lost ? NULL : make_field(b, &list->root, &given);
    if (element == NULL)
        return;
    b->nodes->place(element, (uint32_t)b->rows->line, 1);
    if (*array == NULL)
        *array = made(b, b->nodes->array(b->sink->document));
    b->lost = !b->nodes->append(*array, element) || b->lost;
    add_id(b, list);
}

/* Adds what the row gave; false when memory is out. */
static bool commit(struct build *b) {
    bool failed = b->row_pool.failed || b->key.failed;
    for (size_t i = 0; i < b->columns->set_count && !failed; i++) {
        const struct slot *from = &b->row_slots[i];
        if (!from->have)
            continue;
        b->slots[i] = (struct slot) { true, b->pool.length, from->length, from->line };
        iptfhir_text_add(&b->pool, slot_text(&b->row_pool, from), from->length + 1);
    }
    for (size_t i = 0; i < b->columns->list_count && !failed; i++) {
        const struct list *list = &b->columns->lists[i];
        if (b->row_adds[i])
            add_element(b, list);
        failed = b->ids[list->target].failed;
    }
    b->committed = true;
    return !failed && !b->pool.failed;
}

/* Holds the row for what b->code and b->why say. */
static iptfhir_status hold_row(struct build *b) {
    const struct iptfhir_origin origin = { sizeof origin, b->file, b->rows->line };
    b->records++;
    iptfhir_status status = b->sink->hold(b->sink, &origin, b->code, b->why);
    return status == IPTFHIR_REJECT ? IPTFHIR_OK : status;
}

/* Reads the row whole; false and a fault when it can't be used. */
static bool read_row(struct build *b) {
    if (b->returned) {
        cells_fault(b, "key-returned",
                    "rows of this record stand further up, with others between: sort the file by "
                    "its key columns");
        return false;
    }
    if (b->columns->redcap && !instrument_known(b))
        return false;
    return read_set(b) && read_lists(b);
}

/* Whether the row speaks of consents, as far as its cells can be read. */
static bool speaks_of_consents(struct build *b) {
    for (size_t i = 0; i < b->columns->list_count; i++) {
        const struct list *list = &b->columns->lists[i];
        if (strcmp(list->path, "consents") == 0 && applies(b, list))
            return true;
    }
    return false;
}

/* A row about consents that can't be used may be a refusal: its record is told with a consent that
 * nobody can read, so that it is held as a whole and what it may refuse is not sent. */
static bool spoil_consents(struct build *b) {
    for (size_t i = 0; i < b->columns->list_count; i++) {
        const struct list *list = &b->columns->lists[i];
        struct iptfhir_node **array = &b->arrays[list->target];
        if (strcmp(list->path, "consents") != 0)
            continue;
        if (*array == NULL)
            *array = made(b, b->nodes->array(b->sink->document));
        struct iptfhir_node *unknown = b->lost ? NULL : made(b, b->nodes->null(b->sink->document));
        b->lost = b->lost || !b->nodes->append(*array, unknown);
        b->committed = true;
        break;
    }
    return !b->lost;
}

/* The row is told, and what it may have meant. */
static iptfhir_status refuse_row(struct build *b) {
    bool consents = speaks_of_consents(b);
    iptfhir_status status = hold_row(b);
    if (status == IPTFHIR_OK && consents && !spoil_consents(b))
        return IPTFHIR_FATAL;
    return status;
}

iptfhir_status build_row(struct build *b, const struct rows *rows) {
    b->rows = rows;
    b->row_pool.length = 0;
    if (!read_key(b))
        return hold_row(b);
    if (!is_same_key(b)) {
        iptfhir_status status = begin_record(b);
        if (status != IPTFHIR_OK)
            return status;
    }
    if (!read_row(b))
        return refuse_row(b);
    return commit(b) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

iptfhir_status build_end(struct build *b) {
    return flush(b);
}
