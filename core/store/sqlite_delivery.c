/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store, delivery's side: claims, receipts, the ledger. */
#include "core/base/clock.h"
#include "core/store/sqlite.h"

#include <stdio.h>
#include <string.h>

bool store_recover(struct store *s, struct iptfhir_error *error) {
    bool ok = store_begin(s, error) &&
              sql_run(s, sql_bind(s, SQL_RECOVER_ENTRIES, error, ""), error) &&
              sql_run(s, sql_bind(s, SQL_RECOVER_SETS, error, ""), error) && store_commit(s, error);
    if (!ok)
        store_rollback(s);
    return ok;
}

/* A column's text in the arena; NULL stays NULL. `ok` goes false when memory is out. */
static const char *keep(sqlite3_stmt *st, int column, struct arena *a, bool *ok) {
    const char *text = (const char *)sqlite3_column_text(st, column);
    if (!text)
        return NULL;
    const char *copy = arena_strndup(a, text, (size_t)sqlite3_column_bytes(st, column));
    *ok = *ok && copy;
    return copy;
}

/* Read the entries of a claimed set that are to be delivered. */
static bool read_entries(struct store *s, const char *target, struct store_claim *c,
                         struct arena *a, struct iptfhir_error *error) {
    size_t room = 0;
    int row;
    bool ok = true;
    sqlite3_stmt *st = sql_bind(s, SQL_CLAIM_ENTRIES, error, "it", c->id, target);
    while ((row = sql_row(s, st, error)) == 1) {
        if (c->count == room) {
            room = room ? room * 2 : 16;
            struct store_entry *more = arena_alloc(a, room * sizeof *more);
            if (!more) {
                sqlite3_reset(st);
                return error_set(error, "memory", NULL, "out of memory");
            }
            if (c->count)
                memcpy(more, c->entries, c->count * sizeof *more);
            c->entries = more;
        }
        struct store_entry *e = &c->entries[c->count++];
        *e = (struct store_entry) { .id = sqlite3_column_int64(st, 0),
                                    .state = (enum store_state)sqlite3_column_int(st, 1) };
        const char **texts[] = {
            &e->type, &e->uuid,      &e->identifier_system, &e->identifier_value, &e->hash,
            &e->body, &e->server_id, &e->version,           &e->ledger_hash,      &e->base
        };
        for (int i = 0; i < 10; i++)
            *texts[i] = keep(st, i + 2, a, &ok);
        e->body_length = (size_t)sqlite3_column_bytes(st, 7);
    }
    return row == 0 && (ok || error_set(error, "memory", NULL, "out of memory"));
}

/* Read which sets are due, into the arena. */
static bool find_due(struct store *s, const char *target, size_t max, int64_t now, struct arena *a,
                     struct store_claim **claims, size_t *count, struct iptfhir_error *error) {
    struct store_claim *found = arena_zalloc(a, (max + 1) * sizeof *found);
    if (!found)
        return error_set(error, "memory", NULL, "out of memory");
    int row;
    bool ok = true;
    sqlite3_stmt *st = sql_bind(s, SQL_CLAIM_SETS, error, "tii", target, now, (int64_t)max);
    while ((row = sql_row(s, st, error)) == 1) {
        struct store_claim *c = &found[(*count)++];
        c->id = sqlite3_column_int64(st, 0);
        c->job = keep(st, 1, a, &ok);
        c->record_id = keep(st, 2, a, &ok);
        c->lane = keep(st, 3, a, &ok);
        c->patient = keep(st, 4, a, &ok);
        c->attempts = sqlite3_column_int(st, 5);
    }
    *claims = found;
    return row == 0 && (ok || error_set(error, "memory", NULL, "out of memory"));
}

bool store_claim(struct store *s, const char *target, size_t max, int64_t now_ms,
                 struct arena *arena, struct store_claim **claims, size_t *count,
                 struct iptfhir_error *error) {
    *count = 0;
    *claims = NULL;
    int64_t due = store_next_due(s, target);
    if (due < 0 || due > now_ms)
        return true; /* nothing to write for */
    if (!store_begin(s, error))
        return false;
    bool ok = find_due(s, target, max, now_ms, arena, claims, count, error);
    for (size_t i = 0; ok && i < *count; i++) {
        struct store_claim *c = &(*claims)[i];
        ok = read_entries(s, target, c, arena, error) &&
             sql_run(s, sql_bind(s, SQL_CLAIM_MARK, error, "i", c->id), error) &&
             sql_run(s, sql_bind(s, SQL_CLAIM_MARK_ENTRIES, error, "i", c->id), error);
    }
    ok = ok && store_commit(s, error);
    if (!ok) {
        store_rollback(s);
        *count = 0;
    }
    return ok;
}

bool store_reference(struct store *s, const char *target, const char *uuid, struct arena *arena,
                     struct store_known *known, struct iptfhir_error *error) {
    *known = (struct store_known) { 0 };
    sqlite3_stmt *st = sql_bind(s, SQL_REFERENCE, error, "tt", target, uuid);
    int row = sql_row(s, st, error);
    bool ok = true;
    if (row == 1) {
        known->type = keep(st, 0, arena, &ok);
        known->identifier_system = keep(st, 1, arena, &ok);
        known->identifier_value = keep(st, 2, arena, &ok);
        known->server_id = keep(st, 3, arena, &ok);
        known->held = sqlite3_column_int(st, 4) != 0;
        sqlite3_reset(st);
    }
    return row >= 0 && (ok || error_set(error, "memory", NULL, "out of memory"));
}

/* Make a settled entry what the ledger holds, and forget the body it replaces. */
static bool enter_ledger(struct store *s, const char *target, const struct store_receipt *r,
                         struct iptfhir_error *error) {
    sqlite3_stmt *old = sql_bind(s, SQL_LEDGER_ENTRY, error, "ti", target, r->entry);
    int row = sql_row(s, old, error);
    int64_t replaced = row == 1 ? sqlite3_column_int64(old, 0) : 0;
    if (row == 1)
        sqlite3_reset(old);
    if (row < 0 || !sql_run(s,
                            sql_bind(s, SQL_LEDGER_PUT, error, "titti", target, r->entry,
                                     r->server_id, r->version, clock_now_ms()),
                            error))
        return false;
    return !replaced || replaced == r->entry || sql_drop_entry(s, replaced, error);
}

/* Store one receipt. What is refused of a revision that a newer one follows is superseded: the
 * newer one carries it. */
static bool settle_one(struct store *s, const char *target, const char *job,
                       const struct store_receipt *r, bool newer, struct iptfhir_error *error) {
    if (r->state == STORE_HELD && newer)
        return sql_settle_entry(s, r->entry, job, STORE_SUPERSEDED, error) &&
               sql_drop_entry(s, r->entry, error);
    if (r->state != STORE_SETTLED)
        return sql_run(s,
                       sql_bind(s, SQL_ENTRY_STATE, error, "iitti", r->entry, (int64_t)r->state,
                                r->code, r->detail, clock_now_ms()),
                       error);
    return enter_ledger(s, target, r, error) &&
           sql_settle_entry(s, r->entry, job, r->outcome, error);
}

bool store_settle(struct store *s, const char *target, int64_t set,
                  const struct store_receipt *receipts, size_t count, int64_t next_ms, bool spent,
                  struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_bind(s, SQL_SET_JOB, error, "i", set);
    if (sql_row(s, get, error) != 1)
        return error_set(error, "store", NULL, "the change set to settle is not in the store");
    char job[256];
    snprintf(job, sizeof job, "%s", sql_text(get, 0));
    sqlite3_reset(get);
    int newer = sql_row(s, sql_bind(s, SQL_SET_NEWER, error, "i", set), error);
    if (newer < 0)
        return false;
    if (newer)
        sqlite3_reset(s->statements[SQL_SET_NEWER]);
    for (size_t i = 0; i < count; i++)
        if (!settle_one(s, target, job, &receipts[i], newer == 1, error))
            return false;
    return sql_run(s, sql_bind(s, SQL_SET_FREE, error, "iii", set, next_ms, (int64_t)spent),
                   error) &&
           sql_refresh_set(s, set, error);
}

int64_t store_next_due(struct store *s, const char *target) {
    sqlite3_stmt *st = sql_bind(s, SQL_NEXT_DUE, NULL, "t", target);
    int64_t due = -1;
    if (sql_row(s, st, NULL) == 1) {
        if (sqlite3_column_type(st, 0) != SQLITE_NULL)
            due = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return due;
}
