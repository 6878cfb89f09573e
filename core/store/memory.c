/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: one set of tables a medium, and the transaction of one handle at a time in
 * its log of changes. */
#include "core/base/alloc.h"
#include "core/store/memory_rows.h"
#include "core/store/store.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TARGETS = 200, KEY_PARTS = 5 };

struct memory;
struct store_medium {
    struct memory_data data;
    struct memory *writer; /* the handle in a transaction, NULL: none */
    uint64_t commits;
    size_t shown; /* how many calls look at what was kept while the writer has changes */
    bool full;
};
struct memory {
    struct store base;
    struct store_medium *medium;
    uint64_t own_commits;
};

/* ---- helpers ---- */

/* The handle behind the interface. */
static struct memory *memory_of(struct store *s) {
    return (struct memory *)(void *)s;
}

static bool out_of_memory(struct iptfhir_error *error) {
    return error_set(error, "memory", NULL,
                     "out of memory: give the process more; nothing was lost");
}

/* Begins to read: shows a handle without transaction what was committed. */
static const struct memory_data *look(struct memory *m) {
    struct store_medium *medium = m->medium;
    bool foreign = medium->writer != NULL && medium->writer != m;
    if (foreign && medium->shown++ == 0)
        memory_show_kept(&medium->data);
    return &medium->data;
}

/* Ends what look() began. */
static void look_away(struct memory *m) {
    struct store_medium *medium = m->medium;
    bool foreign = medium->writer != NULL && medium->writer != m;
    if (foreign && --medium->shown == 0)
        memory_show_new(&medium->data);
}

/* The tables when this handle may write now, else NULL. */
static struct memory_data *writable(struct memory *m, struct iptfhir_error *error) {
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

/* A key of text. */
static struct memory_key text_key(const char *text) {
    return (struct memory_key) { .text = text, .length = strlen(text) };
}

/* The number that a text leads to in a table, 0: none. */
static uint64_t number_of(const struct memory_data *data, enum memory_table_name name,
                          const struct memory_key *key) {
    const struct memory_row *row = memory_find(data, name, key);
    return row != NULL ? (uint64_t)((const struct memory_number *)row->value)->number : 0;
}

/* Puts a value under a key. */
static bool put(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                const void *value, struct iptfhir_error *error) {
    if (!memory_put(data, name, memory_row_new(name, &key, value)))
        return out_of_memory(error);
    return true;
}

/* Puts a number under a key. */
static bool put_number(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                       uint64_t number, struct iptfhir_error *error) {
    struct memory_number value = { .number = (int64_t)number };
    return put(data, name, key, &value, error);
}

/* Removes what stands under a key. */
static bool drop(struct memory_data *data, enum memory_table_name name, struct memory_key key,
                 struct iptfhir_error *error) {
    return memory_remove(data, name, &key) || out_of_memory(error);
}

/* The number after the last in a table whose keys are numbers. */
static uint64_t next_number(const struct memory_table *table) {
    return table->count > 0 ? table->rows[table->count - 1]->key.a + 1 : 1;
}

/* The number after the last that a patient has in a table (`b` of its keys). */
static uint64_t next_of_patient(const struct memory_table *table, uint64_t patient) {
    struct memory_key end = { .a = patient + 1 };
    size_t at = memory_lower(table, &end);
    if (at == 0 || table->rows[at - 1]->key.a != patient)
        return 1;
    return table->rows[at - 1]->key.b + 1;
}

/* Copies the rows from one key up to, not including, another. */
static bool range_out(struct memory *m, enum memory_table_name name, struct memory_key from,
                      struct memory_key to, struct arena *a, void **list, size_t *count,
                      struct iptfhir_error *error) {
    const struct memory_table *table = &look(m)->tables[name];
    size_t first = memory_lower(table, &from);
    size_t end = memory_lower(table, &to);
    struct memory_row *const *rows = table->rows != NULL ? table->rows + first : NULL;
    *count = end - first;
    *list = memory_rows_out(name, rows, *count, a);
    look_away(m);
    if (*list == NULL)
        *count = 0;
    return *list != NULL || out_of_memory(error);
}

/* Copies one row's value to `out`, which has `size` bytes. */
static bool row_out(struct memory *m, enum memory_table_name name, struct memory_key key,
                    struct arena *a, void *out, size_t size, bool *found,
                    struct iptfhir_error *error) {
    const struct memory_table *table = &look(m)->tables[name];
    size_t at = memory_lower(table, &key);
    const struct memory_row *row = memory_find(&m->medium->data, name, &key);
    const void *value = row != NULL ? memory_rows_out(name, table->rows + at, 1, a) : NULL;
    look_away(m);
    *found = value != NULL;
    if (value != NULL)
        memcpy(out, value, size);
    return value != NULL || row == NULL || out_of_memory(error);
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
    if (writable(m, error) == NULL)
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

/* ---- facts and targets ---- */

static bool memory_fact_get(struct store *s, const char *name, struct arena *a,
                            struct store_bytes *value, struct iptfhir_error *error) {
    struct memory_fact fact = { { NULL, 0 } };
    bool found;
    bool ok =
        row_out(memory_of(s), MEMORY_FACTS, text_key(name), a, &fact, sizeof fact, &found, error);
    *value = fact.value;
    return ok;
}

static bool memory_fact_set(struct store *s, const char *name, struct store_bytes value,
                            struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    if (value.data == NULL)
        return drop(data, MEMORY_FACTS, text_key(name), error);
    struct memory_fact fact = { value };
    return put(data, MEMORY_FACTS, text_key(name), &fact, error);
}

static bool memory_facts(struct store *s, const char *prefix,
                         bool (*each)(void *user, const char *name, struct store_bytes value),
                         void *user, struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    struct memory_key key = text_key(prefix);
    const struct memory_table *table = &look(m)->tables[MEMORY_FACTS];
    for (size_t i = memory_lower(table, &key); i < table->count; i++) {
        const struct memory_row *row = table->rows[i];
        bool begins = strncmp(row->key.text, prefix, key.length) == 0;
        if (!begins || !each(user, row->key.text, ((const struct memory_fact *)row->value)->value))
            break;
    }
    look_away(m);
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

static bool memory_target_no(struct store *s, const char *name, bool add, uint32_t *no,
                             struct iptfhir_error *error) {
    struct memory *m = memory_of(s);
    *no = find_target(&look(m)->tables[MEMORY_TARGETS], name);
    look_away(m);
    if (*no != 0 || !add)
        return true;
    struct memory_data *data = writable(m, error);
    if (data == NULL)
        return false;
    uint64_t next = next_number(&data->tables[MEMORY_TARGETS]);
    if (next > MOST_TARGETS)
        return error_set(error, "store", NULL,
                         "the store has known %d targets and takes no more: use a name that it "
                         "knows, or a new store",
                         MOST_TARGETS);
    struct memory_target target = { name };
    if (!put(data, MEMORY_TARGETS, (struct memory_key) { .a = next }, &target, error))
        return false;
    *no = (uint32_t)next;
    return true;
}

/* ---- patients ---- */

/* The joined name of a patient, from base_malloc; its text is NULL when memory is out. */
static struct memory_key patient_name(const char *clinic, const char *local_id) {
    size_t first = strlen(clinic) + 1;
    size_t second = strlen(local_id) + 1;
    char *text = base_malloc(first + second);
    if (text != NULL) {
        memcpy(text, clinic, first);
        memcpy(text + first, local_id, second);
    }
    return (struct memory_key) { .text = text, .length = first + second };
}

static bool memory_patient_find(struct store *s, const char *clinic, const char *local_id,
                                uint64_t *no, struct iptfhir_error *error) {
    struct memory_key name = patient_name(clinic, local_id);
    *no = 0;
    if (name.text == NULL)
        return out_of_memory(error);
    *no = number_of(look(memory_of(s)), MEMORY_PATIENT_NAMES, &name);
    look_away(memory_of(s));
    base_free((void *)(uintptr_t)name.text);
    return true;
}

static bool memory_patient_get(struct store *s, uint64_t no, struct arena *a,
                               struct store_patient *out, bool *found,
                               struct iptfhir_error *error) {
    return row_out(memory_of(s), MEMORY_PATIENTS, (struct memory_key) { .a = no }, a, out,
                   sizeof *out, found, error);
}

static bool memory_patient_add(struct store *s, const char *clinic, const char *local_id,
                               uint64_t *no, struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key name = patient_name(clinic, local_id);
    bool ok = false;
    if (name.text == NULL) {
        out_of_memory(error);
        goto out;
    }
    if (number_of(data, MEMORY_PATIENT_NAMES, &name) != 0) {
        error_set(error, "store", NULL,
                  "a patient is added twice: this is a fault of the program, report it");
        goto out;
    }
    uint64_t next = next_number(&data->tables[MEMORY_PATIENTS]);
    struct store_patient patient = { next, clinic, local_id };
    ok = put(data, MEMORY_PATIENTS, (struct memory_key) { .a = next }, &patient, error) &&
         put_number(data, MEMORY_PATIENT_NAMES, name, next, error);
    if (ok)
        *no = next;
out:
    base_free((void *)(uintptr_t)name.text);
    return ok;
}

static bool memory_patients(struct store *s,
                            bool (*each)(void *user, const struct store_patient *patient),
                            void *user, struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &look(m)->tables[MEMORY_PATIENTS];
    for (size_t i = 0; i < table->count; i++)
        if (!each(user, table->rows[i]->value))
            break;
    look_away(m);
    return true;
}

/* ---- records ---- */

static bool memory_record_get(struct store *s, uint64_t no, struct arena *a,
                              struct store_record *out, bool *found, struct iptfhir_error *error) {
    return row_out(memory_of(s), MEMORY_RECORDS, (struct memory_key) { .a = no }, a, out,
                   sizeof *out, found, error);
}

static bool memory_record_find(struct store *s, const char *id, struct arena *a,
                               struct store_record *out, bool *found, struct iptfhir_error *error) {
    struct memory_key key = text_key(id);
    uint64_t no = number_of(look(memory_of(s)), MEMORY_RECORD_IDS, &key);
    look_away(memory_of(s));
    return memory_record_get(s, no, a, out, found, error);
}

/* Removes what leads to the row that a record has so far and doesn't lead to the new one. */
static bool unlink_record(struct memory_data *data, const struct store_record *record,
                          struct iptfhir_error *error) {
    struct memory_key key = { .a = record->no };
    const struct memory_row *row = memory_find(data, MEMORY_RECORDS, &key);
    if (row == NULL)
        return true;
    const struct store_record *old = row->value;
    struct memory_key of_patient = { .a = old->patient, .b = old->no };
    if (strcmp(old->id, record->id) != 0 &&
        !drop(data, MEMORY_RECORD_IDS, text_key(old->id), error))
        return false;
    return old->patient == record->patient || drop(data, MEMORY_PATIENT_RECORDS, of_patient, error);
}

/* Adds what leads to a record where it isn't there yet. */
static bool link_record(struct memory_data *data, const struct store_record *record,
                        struct iptfhir_error *error) {
    struct memory_key id = text_key(record->id);
    struct memory_key of_patient = { .a = record->patient, .b = record->no };
    if (memory_find(data, MEMORY_RECORD_IDS, &id) == NULL &&
        !put_number(data, MEMORY_RECORD_IDS, id, record->no, error))
        return false;
    return memory_find(data, MEMORY_PATIENT_RECORDS, &of_patient) != NULL ||
           put_number(data, MEMORY_PATIENT_RECORDS, of_patient, record->no, error);
}

static bool memory_record_put(struct store *s, struct store_record *record,
                              struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key id = text_key(record->id);
    uint64_t known = number_of(data, MEMORY_RECORD_IDS, &id);
    if (known != 0 && known != record->no)
        return error_set(error, "store", NULL,
                         "a record's id is used twice: this is a fault of the program, report it");
    struct store_record row = *record;
    if (row.no == 0)
        row.no = next_number(&data->tables[MEMORY_RECORDS]);
    if (!unlink_record(data, &row, error) ||
        !put(data, MEMORY_RECORDS, (struct memory_key) { .a = row.no }, &row, error) ||
        !link_record(data, &row, error))
        return false;
    record->no = row.no;
    return true;
}

static bool memory_records_of(struct store *s, uint64_t patient, struct arena *a,
                              struct store_record **list, size_t *count,
                              struct iptfhir_error *error) {
    struct memory *m = memory_of(s);
    const struct memory_data *data = look(m);
    const struct memory_table *table = &data->tables[MEMORY_PATIENT_RECORDS];
    struct memory_key from = { .a = patient };
    struct memory_key to = { .a = patient + 1 };
    size_t first = memory_lower(table, &from);
    size_t end = memory_lower(table, &to);
    struct store_record *records = arena_alloc(a, (end - first) * sizeof *records + 1);
    bool ok = records != NULL;
    for (size_t i = first; i < end && ok; i++) {
        struct memory_key key = { .a = table->rows[i]->key.b };
        size_t at = memory_lower(&data->tables[MEMORY_RECORDS], &key);
        struct memory_row *const *row = data->tables[MEMORY_RECORDS].rows + at;
        const struct store_record *copy = memory_rows_out(MEMORY_RECORDS, row, 1, a);
        ok = copy != NULL;
        if (ok)
            records[i - first] = *copy;
    }
    look_away(m);
    *list = ok ? records : NULL;
    *count = ok ? end - first : 0;
    return ok || out_of_memory(error);
}

static bool memory_records(struct store *s, const char *job,
                           bool (*each)(void *user, const struct store_record *record), void *user,
                           struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &look(m)->tables[MEMORY_RECORDS];
    for (size_t i = 0; i < table->count; i++) {
        const struct store_record *record = table->rows[i]->value;
        bool wanted = job == NULL || strcmp(record->job, job) == 0;
        if (wanted && !each(user, record))
            break;
    }
    look_away(m);
    return true;
}

/* ---- what is wanted, and bodies ---- */

static bool memory_said_of(struct store *s, uint64_t patient, struct arena *a,
                           struct store_said **list, size_t *count, struct iptfhir_error *error) {
    void *rows;
    struct memory_key from = { .a = patient };
    struct memory_key to = { .a = patient + 1 };
    bool ok = range_out(memory_of(s), MEMORY_SAID, from, to, a, &rows, count, error);
    *list = rows;
    return ok;
}

static bool memory_said_put(struct store *s, struct store_said *said, struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct store_said row = *said;
    if (row.ordinal == 0)
        row.ordinal = (uint32_t)next_of_patient(&data->tables[MEMORY_SAID], row.patient);
    struct memory_key key = { .a = row.patient, .b = row.ordinal };
    if (!put(data, MEMORY_SAID, key, &row, error))
        return false;
    said->ordinal = row.ordinal;
    return true;
}

static bool memory_said_drop(struct store *s, uint64_t patient, uint32_t ordinal,
                             struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key key = { .a = patient, .b = ordinal };
    bool ok = drop(data, MEMORY_SAID, key, error);
    const struct memory_table *targets = &data->tables[MEMORY_TARGETS];
    for (size_t i = 0; i < targets->count && ok; i++) {
        struct memory_key state = { targets->rows[i]->key.a, patient, ordinal, NULL, 0 };
        ok = drop(data, MEMORY_STATES, state, error);
    }
    return ok;
}

static bool memory_bodies_put(struct store *s, uint64_t patient, const struct store_bytes *bodies,
                              size_t count, uint32_t *sequence, struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    uint64_t next = next_of_patient(&data->tables[MEMORY_BODIES], patient);
    struct memory_bodies set = { bodies, count };
    struct memory_key key = { .a = patient, .b = next };
    if (!put(data, MEMORY_BODIES, key, &set, error))
        return false;
    *sequence = (uint32_t)next;
    return true;
}

static bool memory_bodies_get(struct store *s, uint64_t patient, uint32_t sequence, struct arena *a,
                              struct store_bytes **bodies, size_t *count,
                              struct iptfhir_error *error) {
    struct memory_bodies set = { NULL, 0 };
    bool found;
    struct memory_key key = { .a = patient, .b = sequence };
    *bodies = NULL;
    *count = 0;
    if (!row_out(memory_of(s), MEMORY_BODIES, key, a, &set, sizeof set, &found, error))
        return false;
    if (!found)
        return error_set(error, "store-damaged", "bodies",
                         "the bodies %llu/%u that the store names are not in it: restore a backup",
                         (unsigned long long)patient, sequence);
    *bodies = (struct store_bytes *)(uintptr_t)set.list; /* the arena's copy */
    *count = set.count;
    return true;
}

static bool memory_bodies_drop(struct store *s, uint64_t patient, uint32_t sequence,
                               struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    struct memory_key key = { .a = patient, .b = sequence };
    return data != NULL && drop(data, MEMORY_BODIES, key, error);
}

/* ---- states and lanes ---- */

static bool memory_states_of(struct store *s, uint32_t target, uint64_t patient, struct arena *a,
                             struct store_state **list, size_t *count,
                             struct iptfhir_error *error) {
    void *rows;
    struct memory_key from = { .a = target, .b = patient };
    struct memory_key to = { .a = target, .b = patient + 1 };
    bool ok = range_out(memory_of(s), MEMORY_STATES, from, to, a, &rows, count, error);
    *list = rows;
    return ok;
}

static bool memory_state_put(struct store *s, const struct store_state *state,
                             struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    struct memory_key key = { state->target, state->patient, state->ordinal, NULL, 0 };
    return data != NULL && put(data, MEMORY_STATES, key, state, error);
}

static bool memory_state_drop(struct store *s, uint32_t target, uint64_t patient, uint32_t ordinal,
                              struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    struct memory_key key = { target, patient, ordinal, NULL, 0 };
    return data != NULL && drop(data, MEMORY_STATES, key, error);
}

static bool memory_lane_put(struct store *s, uint32_t target, uint64_t patient, int64_t due_ms,
                            struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    struct memory_key key = { .a = target, .b = patient };
    struct memory_number due = { due_ms };
    return data != NULL && put(data, MEMORY_LANES, key, &due, error);
}

static bool memory_lane_drop(struct store *s, uint32_t target, uint64_t patient,
                             struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    struct memory_key key = { .a = target, .b = patient };
    return data != NULL && drop(data, MEMORY_LANES, key, error);
}

static bool memory_lanes_due(struct store *s, uint32_t target, uint64_t after, int64_t now_ms,
                             size_t most, uint64_t *patients, size_t *count, int64_t *next_due,
                             struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &look(m)->tables[MEMORY_LANES];
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
    look_away(m);
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
    struct memory_key counter = text_key("hold");
    uint64_t next = number_of(data, MEMORY_COUNTERS, &counter) + 1;
    *no = (int64_t)next;
    return put_number(data, MEMORY_COUNTERS, counter, next, error);
}

/* Adds a hold, or replaces the one that has this joined key. */
static bool put_hold(struct memory_data *data, const struct memory_key *name,
                     const struct store_hold *hold, struct iptfhir_error *error) {
    struct store_hold row = *hold;
    row.no = (int64_t)number_of(data, MEMORY_HOLD_KEYS, name);
    if (row.no == 0) {
        if (!new_hold_no(data, &row.no, error))
            return false;
    } else {
        struct memory_key key = { .a = (uint64_t)row.no };
        const struct memory_row *old = memory_find(data, MEMORY_HOLDS, &key);
        if (old != NULL)
            row.since_ms = ((const struct store_hold *)old->value)->since_ms;
    }
    return put_number(data, MEMORY_HOLD_KEYS, *name, (uint64_t)row.no, error) &&
           put(data, MEMORY_HOLDS, (struct memory_key) { .a = (uint64_t)row.no }, &row, error);
}

static bool memory_hold_put(struct store *s, const struct store_hold *hold,
                            struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key name = hold_key(&hold->key);
    bool ok = name.text != NULL ? put_hold(data, &name, hold, error) : out_of_memory(error);
    base_free((void *)(uintptr_t)name.text);
    return ok;
}

static bool memory_hold_drop(struct store *s, int64_t no, struct iptfhir_error *error) {
    struct memory_data *data = writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key key = { .a = (uint64_t)no };
    const struct memory_row *row = memory_find(data, MEMORY_HOLDS, &key);
    if (row == NULL)
        return true;
    struct memory_key name = hold_key(&((const struct store_hold *)row->value)->key);
    bool ok = name.text != NULL ? drop(data, MEMORY_HOLD_KEYS, name, error) &&
                                      drop(data, MEMORY_HOLDS, key, error)
                                : out_of_memory(error);
    base_free((void *)(uintptr_t)name.text);
    return ok;
}

static bool memory_holds(struct store *s, const char *job,
                         bool (*each)(void *user, const struct store_hold *hold), void *user,
                         struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &look(m)->tables[MEMORY_HOLDS];
    for (size_t i = 0; i < table->count; i++) {
        const struct store_hold *hold = table->rows[i]->value;
        bool wanted = job == NULL || strcmp(hold->key.job, job) == 0;
        if (wanted && !each(user, hold))
            break;
    }
    look_away(m);
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
        out_of_memory(error);
        return NULL;
    }
    m->base.calls = &calls;
    m->medium = medium;
    m->own_commits = medium->commits;
    return &m->base;
}
