/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: patients and records. */
#include "core/base/alloc.h"
#include "core/store/memory.h"

#include <string.h>

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

bool memory_patient_find(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                         struct iptfhir_error *error) {
    struct memory_key name = patient_name(clinic, local_id);
    *no = 0;
    if (name.text == NULL)
        return memory_out(error);
    *no = memory_number_of(memory_look(memory_of(s)), MEMORY_PATIENT_NAMES, &name);
    memory_look_away(memory_of(s));
    base_free((void *)(uintptr_t)name.text);
    return true;
}

bool memory_patient_get(struct store *s, uint64_t no, struct arena *a, struct store_patient *out,
                        bool *found, struct iptfhir_error *error) {
    return memory_row_out(memory_of(s), MEMORY_PATIENTS, (struct memory_key) { .a = no }, a, out,
                          sizeof *out, found, error);
}

bool memory_patient_add(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                        struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key name = patient_name(clinic, local_id);
    bool ok = false;
    if (name.text == NULL) {
        memory_out(error);
        goto out;
    }
    if (memory_number_of(data, MEMORY_PATIENT_NAMES, &name) != 0) {
        error_set(error, "store", NULL,
                  "a patient is added twice: this is a fault of the program, report it");
        goto out;
    }
    uint64_t next = memory_next_number(&data->tables[MEMORY_PATIENTS]);
    struct store_patient patient = { next, clinic, local_id };
    ok = memory_put_value(data, MEMORY_PATIENTS, (struct memory_key) { .a = next }, &patient,
                          error) &&
         memory_put_number(data, MEMORY_PATIENT_NAMES, name, next, error);
    if (ok)
        *no = next;
out:
    base_free((void *)(uintptr_t)name.text);
    return ok;
}

bool memory_patients(struct store *s, bool (*each)(void *user, const struct store_patient *patient),
                     void *user, struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &memory_look(m)->tables[MEMORY_PATIENTS];
    for (size_t i = 0; i < table->count; i++)
        if (!each(user, table->rows[i]->value))
            break;
    memory_look_away(m);
    return true;
}

/* ---- records ---- */

bool memory_record_get(struct store *s, uint64_t no, struct arena *a, struct store_record *out,
                       bool *found, struct iptfhir_error *error) {
    return memory_row_out(memory_of(s), MEMORY_RECORDS, (struct memory_key) { .a = no }, a, out,
                          sizeof *out, found, error);
}

bool memory_record_find(struct store *s, const char *id, struct arena *a, struct store_record *out,
                        bool *found, struct iptfhir_error *error) {
    struct memory_key key = memory_text_key(id);
    uint64_t no = memory_number_of(memory_look(memory_of(s)), MEMORY_RECORD_IDS, &key);
    memory_look_away(memory_of(s));
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
        !memory_drop(data, MEMORY_RECORD_IDS, memory_text_key(old->id), error))
        return false;
    return old->patient == record->patient ||
           memory_drop(data, MEMORY_PATIENT_RECORDS, of_patient, error);
}

/* Adds what leads to a record where it isn't there yet. */
static bool link_record(struct memory_data *data, const struct store_record *record,
                        struct iptfhir_error *error) {
    struct memory_key id = memory_text_key(record->id);
    struct memory_key of_patient = { .a = record->patient, .b = record->no };
    if (memory_find(data, MEMORY_RECORD_IDS, &id) == NULL &&
        !memory_put_number(data, MEMORY_RECORD_IDS, id, record->no, error))
        return false;
    return memory_find(data, MEMORY_PATIENT_RECORDS, &of_patient) != NULL ||
           memory_put_number(data, MEMORY_PATIENT_RECORDS, of_patient, record->no, error);
}

bool memory_record_put(struct store *s, struct store_record *record, struct iptfhir_error *error) {
    struct memory_data *data = memory_writable(memory_of(s), error);
    if (data == NULL)
        return false;
    struct memory_key id = memory_text_key(record->id);
    uint64_t known = memory_number_of(data, MEMORY_RECORD_IDS, &id);
    if (known != 0 && known != record->no)
        return error_set(error, "store", NULL,
                         "a record's id is used twice: this is a fault of the program, report it");
    struct store_record row = *record;
    if (row.no == 0)
        row.no = memory_next_number(&data->tables[MEMORY_RECORDS]);
    if (!unlink_record(data, &row, error) ||
        !memory_put_value(data, MEMORY_RECORDS, (struct memory_key) { .a = row.no }, &row, error) ||
        !link_record(data, &row, error))
        return false;
    record->no = row.no;
    return true;
}

bool memory_records_of(struct store *s, uint64_t patient, struct arena *a,
                       struct store_record **list, size_t *count, struct iptfhir_error *error) {
    struct memory *m = memory_of(s);
    const struct memory_data *data = memory_look(m);
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
    memory_look_away(m);
    *list = ok ? records : NULL;
    *count = ok ? end - first : 0;
    return ok || memory_out(error);
}

bool memory_records(struct store *s, const char *job,
                    bool (*each)(void *user, const struct store_record *record), void *user,
                    struct iptfhir_error *error) {
    (void)error;
    struct memory *m = memory_of(s);
    const struct memory_table *table = &memory_look(m)->tables[MEMORY_RECORDS];
    for (size_t i = 0; i < table->count; i++) {
        const struct store_record *record = table->rows[i]->value;
        bool wanted = job == NULL || strcmp(record->job, job) == 0;
        if (wanted && !each(user, record))
            break;
    }
    memory_look_away(m);
    return true;
}
