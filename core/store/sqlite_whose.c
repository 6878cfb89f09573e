/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's patients and records. */
#include "core/store/checksum.h"
#include "core/store/sqlite.h"
#include "core/store/sqlite_calls.h"

#include <string.h>

/* ---- patients ---- */

/* The sum of a patient. */
static int64_t patient_sum(uint64_t no, uint64_t clinic, const char *local_id) {
    uint64_t numbers[] = { no, clinic };
    return (int64_t)sql_sum_text(sql_sum_numbers(0, numbers, 2), local_id);
}

/* Tests the row that a statement stands on. */
static bool patient_good(sqlite3_stmt *row) {
    uint64_t no = (uint64_t)sqlite3_column_int64(row, 0);
    uint64_t clinic = (uint64_t)sqlite3_column_int64(row, 1);
    return sqlite3_column_int64(row, 3) == patient_sum(no, clinic, sql_column_text(row, 2));
}

bool sqlite_patient_find(struct store *store, const char *clinic, const char *local_id,
                         uint64_t *no, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    uint32_t word;
    *no = 0;
    if (!words_no(s, clinic, false, &word, error))
        return false;
    sqlite3_stmt *find = word != SQL_NO_WORD ? sql_start(s, SQL_PATIENT_FIND, error) : NULL;
    if (find == NULL)
        return word == SQL_NO_WORD;
    sqlite3_bind_int64(find, 1, word);
    sql_text(find, 2, local_id);
    int row = sql_step(s, find, "patient", 0, error);
    if (row <= 0)
        return row == 0;
    uint64_t found = (uint64_t)sqlite3_column_int64(find, 0);
    bool good = patient_good(find);
    sqlite3_reset(find);
    if (!good)
        return sql_damaged("patient", found, error);
    *no = found;
    return true;
}

/* Reads the row that a statement stands on. */
static bool read_patient(struct sqlite_store *s, sqlite3_stmt *row, struct arena *a,
                         struct store_patient *out, struct iptfhir_error *error) {
    const char *local_id = sql_column_text(row, 2);
    out->no = (uint64_t)sqlite3_column_int64(row, 0);
    if (!patient_good(row))
        return sql_damaged("patient", out->no, error);
    if (!words_text(s, (uint64_t)sqlite3_column_int64(row, 1), a, &out->clinic, error))
        return false;
    out->local_id = arena_strndup(a, local_id, strlen(local_id));
    return out->local_id != NULL || sql_out_of_memory(error);
}

bool sqlite_patient_get(struct store *store, uint64_t no, struct arena *a,
                        struct store_patient *out, bool *found, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_PATIENT_GET, error);
    *found = false;
    if (get == NULL)
        return false;
    sqlite3_bind_int64(get, 1, (sqlite3_int64)no);
    int row = sql_step(s, get, "patient", no, error);
    if (row <= 0)
        return row == 0;
    *found = read_patient(s, get, a, out, error);
    sqlite3_reset(get);
    return *found;
}

bool sqlite_patient_add(struct store *store, const char *clinic, const char *local_id, uint64_t *no,
                        struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    uint32_t word;
    uint64_t next;
    sqlite3_stmt *add = sql_write(s, SQL_PATIENT_ADD, error);
    if (add == NULL || !words_no(s, clinic, true, &word, error) ||
        !sql_next_no(s, SQL_PATIENT_LAST, "patient", &next, error))
        return false;
    sqlite3_bind_int64(add, 1, (sqlite3_int64)next);
    sqlite3_bind_int64(add, 2, word);
    sql_text(add, 3, local_id);
    sqlite3_bind_int64(add, 4, patient_sum(next, word, local_id));
    if (!sql_run(s, add, "patient", next, error))
        return false;
    *no = next;
    return true;
}

/* Who asks for patients or records, and the arena that each is read into. */
struct walk {
    bool (*patient)(void *user, const struct store_patient *patient);
    bool (*record)(void *user, const struct store_record *record);
    void *user;
    struct arena arena;
};

static int walk_patient(struct sqlite_store *s, sqlite3_stmt *row, void *user,
                        struct iptfhir_error *error) {
    struct walk *walk = user;
    struct store_patient patient;
    arena_reset(&walk->arena);
    if (!read_patient(s, row, &walk->arena, &patient, error))
        return -1;
    return walk->patient(walk->user, &patient) ? 1 : 0;
}

bool sqlite_patients(struct store *store,
                     bool (*each)(void *user, const struct store_patient *patient), void *user,
                     struct iptfhir_error *error) {
    struct walk walk = { .patient = each, .user = user };
    bool ok =
        sql_walk(sqlite_of(store), store_sql_patients, "patient", 0, walk_patient, &walk, error);
    arena_free(&walk.arena);
    return ok;
}

/* ---- records ---- */

/* What a record's sum begins with: what stands outside its BLOB. */
static uint64_t record_seed(uint64_t no, uint64_t patient, uint64_t job, const char *id,
                            uint64_t state) {
    uint64_t numbers[] = { no, patient, job, state };
    return sql_sum_text(sql_sum_numbers(1, numbers, 4), id);
}

/* Packs what has no column of its own. */
static bool pack_record(struct sqlite_store *s, const struct store_record *record,
                        struct iptfhir_error *error) {
    struct packer p;
    uint32_t code;
    size_t room = STORE_HASH + 6 * PACK_NUMBER + pack_text_room(record->unit) +
                  pack_text_room(record->detail) + pack_text_room(record->decision) + PACK_NUMBER +
                  record->facts.length;
    if (!words_no(s, record->code, true, &code, error) || !sql_pack_start(s, room, &p, error))
        return false;
    pack_bytes(&p, record->content, STORE_HASH);
    pack_signed(&p, record->revision_ms);
    pack_signed(&p, record->order);
    pack_signed(&p, record->poll);
    pack_number(&p, record->moved_from);
    pack_number(&p, code);
    pack_text(&p, record->unit, NULL);
    pack_text(&p, record->detail, NULL);
    pack_text(&p, record->decision, NULL);
    pack_number(&p, record->facts.length);
    pack_bytes(&p, record->facts.data, record->facts.length);
    sql_pack_end(s, &p);
    return true;
}

/* Reads what has no column of its own; false without an error when it makes no sense. */
static bool unpack_record(struct sqlite_store *s, struct unpacker *u, struct arena *a,
                          struct store_record *out, struct iptfhir_error *error) {
    unpack_bytes(u, out->content, STORE_HASH);
    out->revision_ms = unpack_signed(u);
    out->order = unpack_signed(u);
    out->poll = unpack_signed(u);
    out->moved_from = unpack_number(u);
    uint64_t code = unpack_number(u);
    out->unit = unpack_text(u, a, NULL);
    out->detail = unpack_text(u, a, NULL);
    out->decision = unpack_text(u, a, NULL);
    out->facts.length = (size_t)unpack_number(u);
    const unsigned char *facts = unpack_view(u, out->facts.length);
    if (u->failed)
        return false;
    out->facts.data = arena_strndup(a, (const char *)facts, out->facts.length);
    if (out->unit == NULL || out->detail == NULL || out->decision == NULL ||
        out->facts.data == NULL)
        return sql_out_of_memory(error);
    return words_text(s, code, a, &out->code, error);
}

/* Reads the row that a statement stands on. */
static bool read_record(struct sqlite_store *s, sqlite3_stmt *row, struct arena *a,
                        struct store_record *out, struct iptfhir_error *error) {
    struct unpacker u;
    const char *id = sql_column_text(row, 3);
    uint64_t job = (uint64_t)sqlite3_column_int64(row, 2);
    uint64_t state = (uint64_t)sqlite3_column_int64(row, 4);
    struct iptfhir_error why = ERROR_INIT;
    memset(out, 0, sizeof *out);
    out->no = (uint64_t)sqlite3_column_int64(row, 0);
    out->patient = (uint64_t)sqlite3_column_int64(row, 1);
    out->state = (enum store_record_state)state;
    uint64_t seed = record_seed(out->no, out->patient, job, id, state);
    if (!sql_open_row(row, 5, seed, &u))
        return sql_damaged("record", out->no, error);
    if (!unpack_record(s, &u, a, out, &why)) {
        if (!error_is_set(&why))
            return sql_damaged("record", out->no, error);
        return error_set(error, why.code, why.where, "%s", why.text);
    }
    if (!words_text(s, job, a, &out->job, error))
        return false;
    out->id = arena_strndup(a, id, strlen(id));
    return out->id != NULL || sql_out_of_memory(error);
}

/* Reads the one row, if any, that a bound statement finds. */
static bool one_record(struct sqlite_store *s, sqlite3_stmt *get, uint64_t no, struct arena *a,
                       struct store_record *out, bool *found, struct iptfhir_error *error) {
    int row = sql_step(s, get, "record", no, error);
    if (row <= 0)
        return row == 0;
    *found = read_record(s, get, a, out, error);
    sqlite3_reset(get);
    return *found;
}

bool sqlite_record_find(struct store *store, const char *id, struct arena *a,
                        struct store_record *out, bool *found, struct iptfhir_error *error) {
    sqlite3_stmt *find = sql_start(sqlite_of(store), SQL_RECORD_FIND, error);
    *found = false;
    if (find == NULL)
        return false;
    sql_text(find, 1, id);
    return one_record(sqlite_of(store), find, 0, a, out, found, error);
}

bool sqlite_record_get(struct store *store, uint64_t no, struct arena *a, struct store_record *out,
                       bool *found, struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_start(sqlite_of(store), SQL_RECORD_GET, error);
    *found = false;
    if (get == NULL)
        return false;
    sqlite3_bind_int64(get, 1, (sqlite3_int64)no);
    return one_record(sqlite_of(store), get, no, a, out, found, error);
}

bool sqlite_record_put(struct store *store, struct store_record *record,
                       struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    uint32_t job;
    uint64_t no = record->no;
    sqlite3_stmt *put = sql_write(s, SQL_RECORD_PUT, error);
    if (put == NULL || !words_no(s, record->job, true, &job, error) ||
        !pack_record(s, record, error))
        return false;
    if (no == 0 && !sql_next_no(s, SQL_RECORD_LAST, "record", &no, error))
        return false;
    sqlite3_bind_int64(put, 1, (sqlite3_int64)no);
    sqlite3_bind_int64(put, 2, (sqlite3_int64)record->patient);
    sqlite3_bind_int64(put, 3, job);
    sql_text(put, 4, record->id);
    sqlite3_bind_int64(put, 5, record->state);
    sql_end_row(s, record_seed(no, record->patient, job, record->id, record->state));
    sqlite3_bind_blob64(put, 6, s->row.data, s->row.length, SQLITE_STATIC);
    if (!sql_run(s, put, "record", no, error))
        return false;
    record->no = no;
    return true;
}

bool sqlite_records_of(struct store *store, uint64_t patient, struct arena *a,
                       struct store_record **list, size_t *count, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_RECORDS_OF, error);
    void *records = NULL;
    size_t read = 0;
    int row = -1;
    *list = NULL;
    *count = 0;
    if (get == NULL)
        return false;
    sqlite3_bind_int64(get, 1, (sqlite3_int64)patient);
    while ((row = sql_step(s, get, "record of patient", patient, error)) == 1) {
        struct store_record record;
        if (!read_record(s, get, a, &record, error) ||
            !sql_list_room(s, (read + 1) * sizeof record, error))
            break;
        ((struct store_record *)s->list)[read++] = record;
    }
    sqlite3_reset(get);
    if (row != 0 || !sql_list_out(s, read, sizeof **list, a, &records, error))
        return false;
    *list = records;
    *count = read;
    return true;
}

static int walk_record(struct sqlite_store *s, sqlite3_stmt *row, void *user,
                       struct iptfhir_error *error) {
    struct walk *walk = user;
    struct store_record record;
    arena_reset(&walk->arena);
    if (!read_record(s, row, &walk->arena, &record, error))
        return -1;
    return walk->record(walk->user, &record) ? 1 : 0;
}

bool sqlite_records(struct store *store, const char *job,
                    bool (*each)(void *user, const struct store_record *record), void *user,
                    struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    struct walk walk = { .record = each, .user = user };
    uint32_t word;
    if (!words_no(s, job, false, &word, error))
        return false;
    if (job != NULL && word == SQL_NO_WORD)
        return true;
    bool ok = sql_walk(s, store_sql_records, "record", word, walk_record, &walk, error);
    arena_free(&walk.arena);
    return ok;
}
