/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: facts, targets and holds. */
#include "core/base/alloc.h"
#include "core/store/memory.h"

#include <string.h>

enum { MOST_TARGETS = 200, KEY_PARTS = 5 };

/* ---- facts and targets ---- */

bool memory_fact_get(struct store *s, const char *name, struct arena *a, struct store_bytes *value,
                     struct iptfhir_error *error) {
    struct memory_fact fact = { { NULL, 0 } };
    bool found;
    bool ok = memory_row_out(memory_of(s), MEMORY_FACTS, memory_text_key(name), a, &fact,
                             sizeof fact, &found, error);
    *value = fact.value;
    return ok;
}

bool memory_fact_set(struct store *s, const char *name, struct store_bytes value,
                     struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    if (value.data == NULL)
        return memory_drop(data, MEMORY_FACTS, memory_text_key(name), error);
    struct memory_fact fact = { value };
    return memory_put_value(data, MEMORY_FACTS, memory_text_key(name), &fact, error);
}

bool memory_facts(struct store *s, const char *prefix,
                  bool (*each)(void *user, const char *name, struct store_bytes value), void *user,
                  struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    struct memory_key key = memory_text_key(prefix);
    const struct memory_table *table = &memory_look(m)->tables[MEMORY_FACTS];
    for (size_t i = memory_lower(table, &key); i < table->count; i++) {
        const struct memory_row *row = table->rows[i];
        bool begins = strncmp(row->key.text, prefix, key.length) == 0;
        if (!begins || !each(user, row->key.text, ((const struct memory_fact *)row->value)->value))
            break;
    }
    memory_look_away(m);
    return true;
}

/* The number of a target's name, 0: none. */
static uint32_t find_target(const struct memory_table *table, const char *name) {
    for (size_t i = 0; i < table->count; i++) {
        const struct memory_target *target = table->rows[i]->value;
        if (strcmp(target->name, name) == 0)
            return (uint32_t)table->rows[i]->key.a;
    }
    return 0;
}

bool memory_target_no(struct store *s, const char *name, bool add, uint32_t *no,
                      struct iptfhir_error *error) {
    struct memory *m = memory_of(s);
    *no = find_target(&memory_look(m)->tables[MEMORY_TARGETS], name);
    memory_look_away(m);
    if (*no != 0 || !add)
        return true;
    struct memory_data *data = memory_writable(m, error);
    if (data == NULL)
        return false;
    uint64_t next = memory_next_number(&data->tables[MEMORY_TARGETS]);
    if (next > MOST_TARGETS)
        return error_set(error, "store", NULL,
                         "the store has known %d targets and takes no more: use a name that it "
                         "knows, or a new store",
                         MOST_TARGETS);
    struct memory_target target = { name };
    if (!memory_put_value(data, MEMORY_TARGETS, (struct memory_key) { .a = next }, &target, error))
        return false;
    *no = (uint32_t)next;
    return true;
}

/* ---- holds ---- */

/* A hold's key as one text, from base_malloc; the text is NULL when memory is out. */
static struct memory_key hold_key(const struct store_hold_key *key) {
    const char *parts[KEY_PARTS] = { key->job, key->unit, key->record, key->place, key->code };
    size_t length = 0;
    for (size_t i = 0; i < KEY_PARTS; i++) {
        if (parts[i] == NULL)
            parts[i] = "";
        length += strlen(parts[i]) + 1;
    }
    char *text = base_malloc(length);
    char *end = text;
    for (size_t i = 0; i < KEY_PARTS && text != NULL; i++) {
        size_t size = strlen(parts[i]) + 1;
        memcpy(end, parts[i], size);
        end += size;
    }
    return (struct memory_key) { .text = text, .length = length };
}

/* Gives a number that no hold had before. */
static bool new_hold_no(struct memory_data *data, int64_t *no, struct iptfhir_error *error) {
    struct memory_key counter = memory_text_key("hold");
    uint64_t next = memory_number_of(data, MEMORY_COUNTERS, &counter) + 1;
    *no = (int64_t)next;
    return memory_put_number(data, MEMORY_COUNTERS, counter, next, error);
}

/* Adds a hold, or replaces the one that has this joined key. */
static bool put_hold(struct memory_data *data, const struct memory_key *name,
                     const struct store_hold *hold, struct iptfhir_error *error) {
    struct store_hold row = *hold;
    row.no = (int64_t)memory_number_of(data, MEMORY_HOLD_KEYS, name);
    if (row.no == 0) {
        if (!new_hold_no(data, &row.no, error))
            return false;
    } else {
        struct memory_key key = { .a = (uint64_t)row.no };
        const struct memory_row *old = memory_find(data, MEMORY_HOLDS, &key);
        if (old != NULL)
            row.since_ms = ((const struct store_hold *)old->value)->since_ms;
    }
    return memory_put_number(data, MEMORY_HOLD_KEYS, *name, (uint64_t)row.no, error) &&
           memory_put_value(data, MEMORY_HOLDS, (struct memory_key) { .a = (uint64_t)row.no }, &row,
                            error);
}

bool memory_hold_put(struct store *s, const struct store_hold *hold, struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key name = hold_key(&hold->key);
    bool ok = name.text != NULL ? put_hold(data, &name, hold, error) : memory_out(error);
    base_free((void *)(uintptr_t)name.text);
    return ok;
}

bool memory_hold_drop(struct store *s, int64_t no, struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key key = { .a = (uint64_t)no };
    const struct memory_row *row = memory_find(data, MEMORY_HOLDS, &key);
    if (row == NULL)
        return true;
    struct memory_key name = hold_key(&((const struct store_hold *)row->value)->key);
    bool ok = name.text != NULL ? memory_drop(data, MEMORY_HOLD_KEYS, name, error) &&
                                      memory_drop(data, MEMORY_HOLDS, key, error)
                                : memory_out(error);
    base_free((void *)(uintptr_t)name.text);
    return ok;
}

bool memory_holds(struct store *s, const char *job,
                  bool (*each)(void *user, const struct store_hold *hold), void *user,
                  struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &memory_look(m)->tables[MEMORY_HOLDS];
    for (size_t i = 0; i < table->count; i++) {
        const struct store_hold *hold = table->rows[i]->value;
        bool wanted = job == NULL || strcmp(hold->key.job, job) == 0;
        if (wanted && !each(user, hold))
            break;
    }
    memory_look_away(m);
    return true;
}
