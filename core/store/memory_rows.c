/* SPDX-License-Identifier: Apache-2.0 */
/* One table of shapes says where a value has texts, bytes and lists; two functions measure and copy
 * by it. */
#include "core/store/memory_rows.h"

#include "core/base/alloc.h"

#include <string.h>

enum list_kind { NO_LIST, REFERENCES, BODIES };
enum { NOWHERE = -1, MOST_TEXTS = 10 };
struct shape {
    size_t size;
    enum list_kind list;
    int bytes; /* where a struct store_bytes stands, or NOWHERE */
    int text_count;
    size_t texts[MOST_TEXTS]; /* where the texts stand */
};

#define AT(type, member) offsetof(struct type, member)
static const struct shape number_shape = {
    sizeof(struct memory_number), NO_LIST, NOWHERE, 0, { 0 }
};
static const struct shape fact_shape = {
    sizeof(struct memory_fact), NO_LIST, AT(memory_fact, value), 0, { 0 }
};
static const struct shape target_shape = {
    sizeof(struct memory_target), NO_LIST, NOWHERE, 1, { AT(memory_target, name) }
};
static const struct shape patient_shape = {
    sizeof(struct store_patient),
    NO_LIST,
    NOWHERE,
    2,
    { AT(store_patient, clinic), AT(store_patient, local_id) },
};
static const struct shape record_shape = {
    sizeof(struct store_record),
    NO_LIST,
    AT(store_record, facts),
    6,
    { AT(store_record, job), AT(store_record, id), AT(store_record, unit), AT(store_record, code),
      AT(store_record, detail), AT(store_record, decision) },
};
static const struct shape said_shape = {
    sizeof(struct store_said),
    REFERENCES,
    NOWHERE,
    6,
    { AT(store_said, type), AT(store_said, system), AT(store_said, value),
      AT(store_said, data_class), AT(store_said, code), AT(store_said, detail) },
};
static const struct shape bodies_shape = {
    sizeof(struct memory_bodies), BODIES, NOWHERE, 0, { 0 }
};
static const struct shape state_shape = {
    sizeof(struct store_state),
    NO_LIST,
    NOWHERE,
    8,
    { AT(store_state, code), AT(store_state, detail), AT(store_state, decision),
      AT(store_state, attempt_version), AT(store_state, attempt_chart), AT(store_state, server_id),
      AT(store_state, version), AT(store_state, chart) },
};
static const struct shape hold_shape = {
    sizeof(struct store_hold),
    NO_LIST,
    NOWHERE,
    6,
    { AT(store_hold, key.job), AT(store_hold, key.unit), AT(store_hold, key.record),
      AT(store_hold, key.place), AT(store_hold, key.code), AT(store_hold, detail) },
};
#undef AT
static const struct shape *const shapes[MEMORY_TABLES] = {
    [MEMORY_FACTS] = &fact_shape,
    [MEMORY_TARGETS] = &target_shape,
    [MEMORY_PATIENTS] = &patient_shape,
    [MEMORY_PATIENT_NAMES] = &number_shape,
    [MEMORY_RECORDS] = &record_shape,
    [MEMORY_RECORD_IDS] = &number_shape,
    [MEMORY_PATIENT_RECORDS] = &number_shape,
    [MEMORY_SAID] = &said_shape,
    [MEMORY_BODIES] = &bodies_shape,
    [MEMORY_STATES] = &state_shape,
    [MEMORY_LANES] = &number_shape,
    [MEMORY_HOLDS] = &hold_shape,
    [MEMORY_HOLD_KEYS] = &number_shape,
    [MEMORY_COUNTERS] = &number_shape,
};

/* The text of a value at an offset, never NULL. */
static const char *text_at(const void *value, size_t offset) {
    const char *text;
    memcpy(&text, (const char *)value + offset, sizeof text);
    return text != NULL ? text : "";
}

/* How many bytes follow the struct of a value: lists first, since they need alignment. */
static size_t extra_size(const struct shape *shape, const void *value) {
    size_t size = 0;
    if (shape->list == REFERENCES) {
        const struct store_said *said = value;
        size += said->reference_count * sizeof *said->references;
        for (size_t i = 0; i < said->reference_count; i++)
            size += strlen(text_at(&said->references[i], 0)) + 1;
    } else if (shape->list == BODIES) {
        const struct memory_bodies *bodies = value;
        size += bodies->count * sizeof *bodies->list;
        for (size_t i = 0; i < bodies->count; i++)
            size += bodies->list[i].length + 1;
    }
    if (shape->bytes != NOWHERE)
        size += ((const struct store_bytes *)((const char *)value + shape->bytes))->length + 1;
    for (int i = 0; i < shape->text_count; i++)
        size += strlen(text_at(value, shape->texts[i])) + 1;
    return size;
}

/* Copies bytes and a NUL to *end, moves it on and returns the copy. */
static char *copy_bytes(char **end, const char *data, size_t length) {
    char *copy = *end;
    if (length > 0)
        memcpy(copy, data, length);
    copy[length] = '\0';
    *end = copy + length + 1;
    return copy;
}

/* Copies references with their types behind them. */
static void copy_references(struct store_said *said, char **end) {
    struct store_reference *list = (struct store_reference *)(void *)*end;
    *end += said->reference_count * sizeof *list;
    for (size_t i = 0; i < said->reference_count; i++) {
        const char *type = text_at(&said->references[i], 0);
        list[i] = said->references[i];
        list[i].type = copy_bytes(end, type, strlen(type));
    }
    said->references = list;
}

/* Copies a list of bodies with their bytes behind it. */
static void copy_bodies(struct memory_bodies *bodies, char **end) {
    struct store_bytes *list = (struct store_bytes *)(void *)*end;
    *end += bodies->count * sizeof *list;
    for (size_t i = 0; i < bodies->count; i++) {
        list[i].length = bodies->list[i].length;
        list[i].data = copy_bytes(end, bodies->list[i].data, list[i].length);
    }
    bodies->list = list;
}

/* Makes the copy of a struct at `value` deep: what it points to is copied behind *end. */
static void deepen(const struct shape *shape, void *value, char **end) {
    if (shape->list == REFERENCES)
        copy_references(value, end);
    else if (shape->list == BODIES)
        copy_bodies(value, end);
    if (shape->bytes != NOWHERE) {
        struct store_bytes *bytes = (struct store_bytes *)(void *)((char *)value + shape->bytes);
        bytes->data = copy_bytes(end, bytes->data, bytes->length);
    }
    for (int i = 0; i < shape->text_count; i++) {
        const char *text = text_at(value, shape->texts[i]);
        const char *copy = copy_bytes(end, text, strlen(text));
        memcpy((char *)value + shape->texts[i], &copy, sizeof copy);
    }
}

struct memory_row *memory_row_new(enum memory_table_name name, const struct memory_key *key,
                                  const void *value) {
    const struct shape *shape = shapes[name];
    size_t size = sizeof(struct memory_row) + shape->size + extra_size(shape, value);
    struct memory_row *row = base_malloc(size + key->length + 1);
    if (row == NULL)
        return NULL;
    row->value = row + 1;
    memcpy(row->value, value, shape->size);
    char *end = (char *)row->value + shape->size;
    deepen(shape, row->value, &end);
    row->key = *key;
    row->key.text = copy_bytes(&end, key->text, key->length);
    return row;
}

struct memory_row *memory_row_copy(enum memory_table_name name, const struct memory_row *row) {
    return memory_row_new(name, &row->key, row->value);
}

void *memory_rows_out(enum memory_table_name name, struct memory_row *const *rows, size_t count,
                      struct arena *a) {
    const struct shape *shape = shapes[name];
    char *values = arena_alloc(a, count > 0 ? count * shape->size : 1);
    if (values == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        char *end = arena_alloc(a, extra_size(shape, rows[i]->value) + 1);
        if (end == NULL)
            return NULL;
        void *value = values + i * shape->size;
        memcpy(value, rows[i]->value, shape->size);
        deepen(shape, value, &end);
    }
    return values;
}
