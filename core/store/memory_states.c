/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: states and lanes. */
#include "core/store/memory.h"

bool memory_states_of(struct store *s, uint32_t target, uint64_t patient, struct arena *a,
                      struct store_state **list, size_t *count, struct iptfhir_error *error) {
    void *rows;
    struct memory_key from = { .a = target, .b = patient };
    struct memory_key to = { .a = target, .b = patient + 1 };
    bool ok = memory_range_out(memory_of(s), MEMORY_STATES, from, to, a, &rows, count, error);
    *list = rows;
    return ok;
}

bool memory_state_put(struct store *s, const struct store_state *state,
                      struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    struct memory_key key = { state->target, state->patient, state->ordinal, NULL, 0 };
    return data != NULL && memory_put_value(data, MEMORY_STATES, key, state, error);
}

bool memory_state_drop(struct store *s, uint32_t target, uint64_t patient, uint32_t ordinal,
                       struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    struct memory_key key = { target, patient, ordinal, NULL, 0 };
    return data != NULL && memory_drop(data, MEMORY_STATES, key, error);
}

bool memory_lane_put(struct store *s, uint32_t target, uint64_t patient, int64_t due_ms,
                     struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    struct memory_key key = { .a = target, .b = patient };
    struct memory_number due = { due_ms };
    return data != NULL && memory_put_value(data, MEMORY_LANES, key, &due, error);
}

bool memory_lane_drop(struct store *s, uint32_t target, uint64_t patient,
                      struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    struct memory_key key = { .a = target, .b = patient };
    return data != NULL && memory_drop(data, MEMORY_LANES, key, error);
}

bool memory_lanes_due(struct store *s, uint32_t target, uint64_t after, int64_t now_ms, size_t most,
                      uint64_t *patients, size_t *count, int64_t *next_due,
                      struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &memory_look(m)->tables[MEMORY_LANES];
    struct memory_key from = { .a = target };
    *count = 0;
    *next_due = INT64_MAX;
    for (size_t i = memory_lower(table, &from); i < table->count; i++) {
        const struct memory_row *row = table->rows[i];
        int64_t due = ((const struct memory_number *)row->value)->number;
        if (row->key.a != target)
            break;
        if (due > now_ms && due < *next_due)
            *next_due = due;
        if (due <= now_ms && row->key.b > after && *count < most)
            patients[(*count)++] = row->key.b;
    }
    memory_look_away(m);
    return true;
}
