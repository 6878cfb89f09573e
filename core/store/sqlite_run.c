/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of the SQLite store runs its statements with: errors, keys, rows that are packed
 * and summed up, and walks. */
#include "core/base/alloc.h"
#include "core/store/checksum.h"
#include "core/store/sqlite.h"
#include "core/store/sqlite_vfs.h"

#include <string.h>

enum { MOST_SKIPPED = 2 * STORE_PAGE }; /* damaged rows in a row, of a walk */

/* ---- errors ---- */

bool sql_out_of_memory(struct iptfhir_error *error) {
    return error_set(error, "memory", NULL,
                     "out of memory: give the process more; nothing was lost");
}

bool sql_damaged(const char *table, uint64_t key, struct iptfhir_error *error) {
    return error_set(error, "store-damaged", table,
                     "the store is damaged at %s %llu, which is not used: check the disk, then "
                     "restore a backup, or move the store away and sync anew",
                     table, (unsigned long long)key);
}

bool sql_is_damage(const struct iptfhir_error *error) {
    return strcmp(error->code, "store-damaged") == 0;
}

bool sql_error(struct sqlite_store *s, const char *table, uint64_t key,
               struct iptfhir_error *error) {
    int code = sqlite3_extended_errcode(s->db);
    if (code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS)
        return sql_damaged(table, key, error);
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return sql_damaged(table, key, error);
    case SQLITE_NOMEM: return sql_out_of_memory(error);
    case SQLITE_FULL:
        return error_set(error, "store-full", table,
                         "the store's disk is full: make room, nothing was lost");
    case SQLITE_BUSY:
        return error_set(error, "store-busy", table,
                         "another process is writing to the store: try again");
    case SQLITE_IOERR:
        return error_set(error, "store", table,
                         "the store's disk failed (%s): check it, then try again",
                         sqlite3_errstr(code));
    default:
        return error_set(error, "store", table,
                         "the store refused %s %llu (%s): this is a fault of the program, report "
                         "it",
                         table, (unsigned long long)key, sqlite3_errstr(code));
    }
}

/* ---- statements ---- */

sqlite3_stmt *sql_start(struct sqlite_store *s, enum sql which, struct iptfhir_error *error) {
    sqlite3_stmt **slot = &s->statements[which];
    if (*slot == NULL && sqlite3_prepare_v3(s->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                                            slot, NULL) != SQLITE_OK) {
        sql_error(s, "schema", 0, error);
        return NULL;
    }
    s->ran++;
    return *slot;
}

bool sql_may_write(struct sqlite_store *s, struct iptfhir_error *error) {
    if (!s->in_transaction)
        return error_set(error, "store", NULL,
                         "a write stands outside a transaction: this is a fault of the program, "
                         "report it");
    if (sqlite3_get_autocommit(s->db) != 0)
        return error_set(error, "store", NULL,
                         "the transaction was taken back after an error: begin it again");
    return true;
}

sqlite3_stmt *sql_write(struct sqlite_store *s, enum sql which, struct iptfhir_error *error) {
    return sql_may_write(s, error) ? sql_start(s, which, error) : NULL;
}

int sql_step(struct sqlite_store *s, sqlite3_stmt *statement, const char *table, uint64_t key,
             struct iptfhir_error *error) {
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        sql_error(s, table, key, error);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? 0 : -1;
}

bool sql_run(struct sqlite_store *s, sqlite3_stmt *statement, const char *table, uint64_t key,
             struct iptfhir_error *error) {
    return statement != NULL && sql_step(s, statement, table, key, error) == 0;
}

void sql_text(sqlite3_stmt *statement, int place, const char *text) {
    sqlite3_bind_text(statement, place, text != NULL ? text : "", -1, SQLITE_STATIC);
}

const char *sql_column_text(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? text : "";
}

/* ---- keys and rows ---- */

bool sql_key(uint32_t target, uint64_t patient, uint64_t low, int low_bits, sqlite3_int64 *key,
             struct iptfhir_error *error) {
    bool fits =
        target <= 255 && patient < (uint64_t)1 << PATIENT_BITS && low < (uint64_t)1 << low_bits;
    *key = fits ? (sqlite3_int64)((uint64_t)target << (PATIENT_BITS + low_bits) |
                                  patient << low_bits | low)
                : 0;
    return fits || error_set(error, "store", NULL,
                             "a patient has more resources or versions than the store can number "
                             "(%llu): split the record",
                             (unsigned long long)low);
}

bool sql_bind_range(sqlite3_stmt *statement, uint32_t target, uint64_t patient, int low_bits,
                    struct iptfhir_error *error) {
    sqlite3_int64 first;
    if (!sql_key(target, patient, 0, low_bits, &first, error))
        return false;
    sqlite3_bind_int64(statement, 1, first);
    sqlite3_bind_int64(statement, 2, first | (((sqlite3_int64)1 << low_bits) - 1));
    return true;
}

uint64_t sql_sum_numbers(uint64_t seed, const uint64_t *numbers, size_t count) {
    unsigned char bytes[8 * 8];
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < 8; b++)
            bytes[8 * i + b] = (unsigned char)(numbers[i] >> 8 * b);
    return store_checksum(seed, bytes, 8 * count);
}

uint64_t sql_sum_text(uint64_t seed, const char *text) {
    return store_checksum(seed, text, strlen(text));
}

bool sql_pack_start(struct sqlite_store *s, size_t size, struct packer *p,
                    struct iptfhir_error *error) {
    str_clear(&s->row);
    if (!str_reserve(&s->row, size + ROW_SUM)) {
        str_free(&s->row); /* a failed buffer stays failed */
        return sql_out_of_memory(error);
    }
    p->at = (unsigned char *)s->row.data;
    return true;
}

void sql_pack_end(struct sqlite_store *s, const struct packer *p) {
    s->row.length = (size_t)((const char *)p->at - s->row.data);
}

/* Writes the sum of a row. */
static void write_sum(uint64_t seed, const void *data, size_t length, unsigned char out[ROW_SUM]) {
    uint64_t sum = store_checksum(seed, data, length);
    for (int i = 0; i < ROW_SUM; i++)
        out[i] = (unsigned char)(sum >> 8 * i);
}

void sql_end_row(struct sqlite_store *s, uint64_t seed) {
    unsigned char sum[ROW_SUM];
    write_sum(seed, s->row.data, s->row.length, sum);
    memcpy(s->row.data + s->row.length, sum, ROW_SUM);
    s->row.length += ROW_SUM;
}

bool sql_open_row(sqlite3_stmt *statement, int column, uint64_t seed, struct unpacker *u) {
    unsigned char sum[ROW_SUM];
    const unsigned char *data = sqlite3_column_blob(statement, column);
    int length = sqlite3_column_bytes(statement, column);
    u->failed = data == NULL || length < ROW_SUM;
    if (u->failed)
        return false;
    u->at = data;
    u->end = data + length - ROW_SUM;
    write_sum(seed, data, (size_t)length - ROW_SUM, sum);
    u->failed = memcmp(sum, u->end, ROW_SUM) != 0;
    return !u->failed;
}

bool sql_list_room(struct sqlite_store *s, size_t size, struct iptfhir_error *error) {
    if (size <= s->list_capacity)
        return true;
    size_t capacity = 2 * size + 4096;
    void *list = base_realloc(s->list, capacity);
    if (list == NULL)
        return sql_out_of_memory(error);
    s->list = list;
    s->list_capacity = capacity;
    return true;
}

bool sql_list_out(struct sqlite_store *s, size_t count, size_t size, struct arena *a, void **out,
                  struct iptfhir_error *error) {
    *out = arena_alloc(a, count * size + 1);
    if (*out == NULL)
        return sql_out_of_memory(error);
    if (count > 0)
        memcpy(*out, s->list, count * size);
    return true;
}

bool sql_next_number(struct sqlite_store *s, struct last_known *known, enum sql which,
                     uint64_t patient, int low_bits, const char *table, uint64_t *next,
                     struct iptfhir_error *error) {
    if (known->patient != patient || patient == 0) {
        sqlite3_stmt *last = sql_start(s, which, error);
        if (last == NULL || !sql_bind_range(last, 0, patient, low_bits, error) ||
            sql_step(s, last, table, patient, error) != 1)
            return false;
        known->number = (uint64_t)sqlite3_column_int64(last, 0) & (((uint64_t)1 << low_bits) - 1);
        known->patient = patient;
        sqlite3_reset(last);
    }
    *next = known->number + 1;
    return true;
}

bool sql_next_no(struct sqlite_store *s, enum sql which, const char *table, uint64_t *next,
                 struct iptfhir_error *error) {
    sqlite3_stmt *last = sql_start(s, which, error);
    if (last == NULL || sql_step(s, last, table, 0, error) != 1)
        return false;
    *next = (uint64_t)sqlite3_column_int64(last, 0) + 1;
    sqlite3_reset(last);
    return true;
}

/* ---- walks over dense numbers ---- */

/* Runs a walk from behind *last until its end or a stop (0), damage (1) or a failure (-1). */
static int walk_on(struct sqlite_store *s, sqlite3_stmt *statement, const char *table,
                   uint64_t *last, bool *any,
                   int (*row)(struct sqlite_store *, sqlite3_stmt *, void *,
                              struct iptfhir_error *),
                   void *user, struct iptfhir_error *error) {
    struct iptfhir_error found = ERROR_INIT;
    int more;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)*last);
    while ((more = sql_step(s, statement, table, *last + 1, &found)) == 1) {
        *last = (uint64_t)sqlite3_column_int64(statement, 0);
        *any = true;
        more = row(s, statement, user, &found);
        if (more <= 0)
            break;
    }
    sqlite3_reset(statement);
    if (!error_is_set(&found))
        return 0;
    if (error != NULL && !error_is_set(error))
        *error = found;
    return sql_is_damage(&found) ? 1 : -1;
}

bool sql_walk(struct sqlite_store *s, const char *sql, const char *table, uint64_t job,
              int (*row)(struct sqlite_store *s, sqlite3_stmt *statement, void *user,
                         struct iptfhir_error *error),
              void *user, struct iptfhir_error *error) {
    sqlite3_stmt *statement = NULL;
    struct iptfhir_error first = ERROR_INIT;
    uint64_t last = 0;
    int skipped = 0;
    int ended = -1;
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return sql_error(s, "schema", 0, error);
    s->ran++;
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)job);
    for (;;) {
        bool any = false;
        uint64_t from = last;
        ended = walk_on(s, statement, table, &last, &any, row, user, &first);
        skipped = any ? 0 : skipped + 1;
        if (ended != 1 || skipped > MOST_SKIPPED)
            break;
        if (last == from)
            last++; /* the row behind it can't be read: try the next */
    }
    sqlite3_finalize(statement);
    if (!error_is_set(&first))
        return true;
    if (error != NULL && !error_is_set(error))
        *error = first;
    return false;
}
