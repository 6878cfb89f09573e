/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store, ingest's side: cursors, records, change sets, holds. */
#include "core/base/clock.h"
#include "core/store/sqlite.h"

#include <stdio.h>
#include <string.h>

bool store_cursor(struct store *s, const char *job, struct str *out, struct iptfhir_error *error) {
    str_clear(out);
    sqlite3_stmt *get = sql_bind(s, SQL_CURSOR_GET, error, "t", job);
    int row = sql_row(s, get, error);
    if (row == 1) {
        str_puts(out, sql_text(get, 0));
        sqlite3_reset(get);
    }
    return row >= 0 && !out->failed;
}

bool store_set_cursor(struct store *s, const char *job, const char *cursor,
                      struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_CURSOR_SET, error, "tt", job, cursor), error);
}

bool store_record_same(struct store *s, const char *job, const char *record_id, const char *hash,
                       bool *same, struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_bind(s, SQL_RECORD_GET, error, "tt", job, record_id);
    int row = sql_row(s, get, error);
    *same = row == 1 && !strcmp(sql_text(get, 0), hash);
    if (row == 1)
        sqlite3_reset(get);
    return row >= 0;
}

bool store_set_record(struct store *s, const char *job, const char *record_id, const char *hash,
                      struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_RECORD_SET, error, "ttt", job, record_id, hash), error);
}

bool store_supersede(struct store *s, const char *job, const char *target, const char *record_id,
                     struct iptfhir_error *error) {
    for (;;) { /* one at a time: settling changes what the search walks over */
        sqlite3_stmt *find = sql_bind(s, SQL_SUPERSEDE_FIND, error, "ttt", job, target, record_id);
        int row = sql_row(s, find, error);
        if (row <= 0)
            return row == 0;
        int64_t entry = sqlite3_column_int64(find, 0), set = sqlite3_column_int64(find, 1);
        sqlite3_reset(find);
        if (!sql_settle_entry(s, entry, job, STORE_SUPERSEDED, error) ||
            !sql_drop_entry(s, entry, error) || !sql_refresh_set(s, set, error))
            return false;
    }
}

bool store_ledger_hash(struct store *s, const char *target, const char *uuid, char out[65],
                       struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_bind(s, SQL_LEDGER_HASH, error, "tt", target, uuid);
    int row = sql_row(s, get, error);
    snprintf(out, 65, "%s", row == 1 ? sql_text(get, 0) : "");
    if (row == 1)
        sqlite3_reset(get);
    return row >= 0;
}

bool store_last_body(struct store *s, const char *target, const char *uuid, struct arena *arena,
                     const char **body, struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_bind(s, SQL_LEDGER_BODY, error, "tt", target, uuid);
    int row = sql_row(s, get, error);
    *body = NULL;
    if (row == 1) {
        *body = arena_strndup(arena, sql_text(get, 0), (size_t)sqlite3_column_bytes(get, 0));
        sqlite3_reset(get);
        if (!*body)
            return error_set(error, "memory", NULL, "out of memory");
    }
    return row >= 0;
}

bool store_add_set(struct store *s, const char *job, const char *target, const char *record_id,
                   const char *lane, const char *patient, int64_t *id,
                   struct iptfhir_error *error) {
    if (!sql_run(s,
                 sql_bind(s, SQL_SET_ADD, error, "ttttti", job, target, record_id, lane, patient,
                          clock_now_ms()),
                 error))
        return false;
    *id = sqlite3_last_insert_rowid(s->db);
    return true;
}

bool store_add_entry(struct store *s, int64_t set, int position, const struct store_resource *r,
                     const char *held_code, const char *held_detail, struct iptfhir_error *error) {
    sqlite3_stmt *add =
        sql_bind(s, SQL_ENTRY_ADD, error,
                 "iittttt"
                 "itti",
                 set, (int64_t)position, r->type, r->uuid, r->identifier_system,
                 r->identifier_value, r->hash, (int64_t)(held_code ? STORE_HELD : STORE_PENDING),
                 held_code, held_detail, clock_now_ms());
    if (!sql_run(s, add, error))
        return false;
    int64_t entry = sqlite3_last_insert_rowid(s->db);
    if (!sql_run(s, sql_bind(s, SQL_BODY_ADD, error, "ib", entry, r->body, r->body_length), error))
        return false;
    sqlite3_stmt *get = sql_bind(s, SQL_SET_JOB, error, "i", set);
    if (sql_row(s, get, error) != 1)
        return false;
    bool ok = sql_accept(s, sql_text(get, 0), 1, error);
    sqlite3_reset(get);
    return ok;
}

bool store_finish_set(struct store *s, int64_t set, struct iptfhir_error *error) {
    return sql_refresh_set(s, set, error);
}

bool store_hold(struct store *s, const struct store_hold_in *h, struct iptfhir_error *error) {
    int known = sql_row(s, sql_bind(s, SQL_HOLD_KNOWN, error, "tt", h->job, h->key), error);
    if (known == 1)
        sqlite3_reset(s->statements[SQL_HOLD_KNOWN]);
    if (known < 0 || (known == 0 && !sql_accept(s, h->job, 1, error)))
        return false;
    return sql_run(s,
                   sql_bind(s, SQL_HOLD_PUT, error, "tttttttii", h->job, h->key, h->file,
                            h->record_id, h->where, h->code, h->detail, clock_now_ms(), h->poll),
                   error);
}

/* Settle as superseded every hold that a search finds. */
static bool clear_found(struct store *s, enum sql which, const char *job, const char *name,
                        int64_t poll, struct iptfhir_error *error) {
    for (;;) {
        sqlite3_stmt *find = sql_bind(s, which, error, "tti", job, name, poll);
        int row = sql_row(s, find, error);
        if (row <= 0)
            return row == 0;
        int64_t id = sqlite3_column_int64(find, 0);
        sqlite3_reset(find);
        if (!sql_run(s, sql_bind(s, SQL_HOLD_DROP, error, "i", id), error) ||
            !sql_settle_tally(s, job, STORE_SUPERSEDED, error))
            return false;
    }
}

bool store_clear_holds(struct store *s, const char *job, const char *record_id, const char *file,
                       int64_t poll, struct iptfhir_error *error) {
    return (!record_id || clear_found(s, SQL_HOLDS_STALE_RECORD, job, record_id, poll, error)) &&
           (!file || clear_found(s, SQL_HOLDS_STALE_FILE, job, file, poll, error));
}

bool store_count_death(struct store *s, const char *job, const char *key, int *deaths,
                       struct iptfhir_error *error) {
    if (!sql_run(s, sql_bind(s, SQL_DEATH_PUT, error, "tt", job, key), error))
        return false;
    sqlite3_stmt *get = sql_bind(s, SQL_DEATH_GET, error, "tt", job, key);
    if (sql_row(s, get, error) != 1)
        return false;
    *deaths = sqlite3_column_int(get, 0);
    sqlite3_reset(get);
    return true;
}
