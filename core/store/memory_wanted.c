/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: what each record says of each resource, and bodies. */
#include "core/store/memory.h"

bool memory_said_of(struct store *s, uint64_t patient, struct arena *a, struct store_said **list,
                    size_t *count, struct iptfhir_error *error) {
    void *rows;
    struct memory_key from = { .a = patient };
    struct memory_key to = { .a = patient + 1 };
    bool ok = memory_range_out(memory_of(s), MEMORY_SAID, from, to, a, &rows, count, error);
    *list = rows;
    return ok;
}

bool memory_said_put(struct store *s, struct store_said *said, struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct store_said row = *said;
    if (row.ordinal == 0)
        row.ordinal = (uint32_t)memory_next_of_patient(&data->tables[MEMORY_SAID], row.patient);
    struct memory_key key = { .a = row.patient, .b = row.ordinal };
    if (!memory_put_value(data, MEMORY_SAID, key, &row, error))
        return false;
    said->ordinal = row.ordinal;
    return true;
}

bool memory_said_drop(struct store *s, uint64_t patient, uint32_t ordinal,
                      struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key key = { .a = patient, .b = ordinal };
    bool ok = memory_drop(data, MEMORY_SAID, key, error);
    const struct memory_table *targets = &data->tables[MEMORY_TARGETS];
    for (size_t i = 0; i < targets->count && ok; i++) {
        struct memory_key state = { targets->rows[i]->key.a, patient, ordinal, NULL, 0 };
        ok = memory_drop(data, MEMORY_STATES, state, error);
    }
    return ok;
}

bool memory_bodies_put(struct store *s, uint64_t patient, const struct store_bytes *bodies,
                       size_t count, uint32_t *sequence, struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    uint64_t next = memory_next_of_patient(&data->tables[MEMORY_BODIES], patient);
    struct memory_bodies set = { bodies, count };
    struct memory_key key = { .a = patient, .b = next };
    if (!memory_put_value(data, MEMORY_BODIES, key, &set, error))
        return false;
    *sequence = (uint32_t)next;
    return true;
}

bool memory_bodies_get(struct store *s, uint64_t patient, uint32_t sequence, struct arena *a,
                       struct store_bytes **bodies, size_t *count, struct iptfhir_error *error) {
    struct memory_bodies set = { NULL, 0 };
    bool found;
    struct memory_key key = { .a = patient, .b = sequence };
    *bodies = NULL;
    *count = 0;
    if (!memory_row_out(memory_of(s), MEMORY_BODIES, key, a, &set, sizeof set, &found, error))
        return false;
    if (!found)
        return error_set(error, "store-damaged", "bodies",
                         "the bodies %llu/%u that the store names are not in it: restore a backup",
                         (unsigned long long)patient, sequence);
    *bodies = (struct store_bytes *)(uintptr_t)set.list; /* the arena's copy */
    *count = set.count;
    return true;
}

bool memory_bodies_of(struct store *s, uint64_t patient, struct arena *a, uint32_t **sequences,
                      size_t *count, struct iptfhir_error *error) {
    const struct memory_table *table = &memory_look(memory_of(s))->tables[MEMORY_BODIES];
    const struct memory_key from = { .a = patient };
    const struct memory_key to = { .a = patient + 1 };
    size_t first = memory_lower(table, &from);
    size_t found = memory_lower(table, &to) - first;
    uint32_t *list = arena_alloc(a, (found + 1) * sizeof *list);
    for (size_t i = 0; i < found && list != NULL; i++)
        list[i] = (uint32_t)table->rows[first + i]->key.b;
    memory_look_away(memory_of(s));
    *sequences = list;
    *count = list != NULL ? found : 0;
    return list != NULL || memory_out(error);
}

bool memory_bodies_drop(struct store *s, uint64_t patient, uint32_t sequence,
                        struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    struct memory_key key = { .a = patient, .b = sequence };
    return data != NULL && memory_drop(data, MEMORY_BODIES, key, error);
}
