/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: counts for `status`, items for `outbox`, and the way out for what is held. */
#include "core/store/sqlite.h"

#include <stdio.h>

bool store_counts(struct store *s, bool (*row)(void *, const struct store_counts *), void *user,
                  struct iptfhir_error *error) {
    sqlite3_stmt *st = sql_bind(s, SQL_COUNTS, error, "");
    int rc;
    while ((rc = sql_row(s, st, error)) == 1) {
        struct store_counts c = { .job = sql_text(st, 0) };
        int64_t *const numbers[] = { &c.accepted,  &c.settled, &c.pending,   &c.held,
                                     &c.created,   &c.updated, &c.unchanged, &c.superseded,
                                     &c.discarded, &c.unknown, &c.inflight,  &c.oldest_ms };
        for (int i = 0; i < 12; i++)
            *numbers[i] = sqlite3_column_int64(st, i + 1);
        if (!row(user, &c)) {
            sqlite3_reset(st);
            return true;
        }
    }
    return rc == 0;
}

bool store_items(struct store *s, const char *job, const char *state, const char *code,
                 const char *id, bool (*row)(void *, const struct store_item *), void *user,
                 struct iptfhir_error *error) {
    sqlite3_stmt *st = sql_bind(s, SQL_ITEMS, error, "tttt", job, state, code, id);
    int rc;
    while ((rc = sql_row(s, st, error)) == 1) {
        struct store_item item = { .attempts = sqlite3_column_int(st, 10),
                                   .since_ms = sqlite3_column_int64(st, 11),
                                   .next_ms = sqlite3_column_int64(st, 12),
                                   .body = sql_text(st, 13) };
        const char **const texts[] = { &item.id,        &item.job,  &item.target,
                                       &item.record_id, &item.type, &item.identifier,
                                       &item.state,     &item.code, &item.detail,
                                       &item.where };
        for (int i = 0; i < 10; i++)
            *texts[i] = sql_text(st, i);
        if (!row(user, &item)) {
            sqlite3_reset(st);
            return true;
        }
    }
    return rc == 0;
}

/* Put one held entry back into its queue. What ingest decided (consent, Part 2, R4) is decided
 * anew: the next sync reads the record again and supersedes the entry, so that nothing goes out
 * that policy forbids. */
static bool retry_entry(struct store *s, int64_t entry, int64_t set, const char *job,
                        const char *record, bool decide_anew, struct iptfhir_error *error) {
    if (decide_anew)
        return sql_run(s, sql_bind(s, SQL_CURSOR_CLEAR, error, "t", job), error) &&
               sql_run(s, sql_bind(s, SQL_RECORD_CLEAR, error, "tt", job, record), error);
    return sql_run(s,
                   sql_bind(s, SQL_ENTRY_STATE, error, "iitti", entry, (int64_t)STORE_PENDING,
                            (char *)NULL, (char *)NULL, (int64_t)0),
                   error) &&
           sql_run(s, sql_bind(s, SQL_SET_FREE, error, "iii", set, (int64_t)0, (int64_t)0),
                   error) &&
           sql_refresh_set(s, set, error);
}

/* Settle one held entry for good. */
static bool discard_entry(struct store *s, int64_t entry, int64_t set, const char *job,
                          struct iptfhir_error *error) {
    return sql_settle_entry(s, entry, job, STORE_DISCARDED, error) &&
           sql_drop_entry(s, entry, error) && sql_refresh_set(s, set, error);
}

/* Apply retry or discard to all held entries that match. */
static bool each_entry(struct store *s, const char *job, const char *code, const char *id,
                       bool discard, int64_t *count, struct iptfhir_error *error) {
    for (int64_t last = 0;;) {
        sqlite3_stmt *find = sql_bind(s, SQL_RETRY_FIND, error, "ttti", job, code, id, last);
        int row = sql_row(s, find, error);
        if (row <= 0)
            return row == 0;
        int64_t set = sqlite3_column_int64(find, 1);
        last = sqlite3_column_int64(find, 0);
        char name[256], record[512];
        snprintf(name, sizeof name, "%s", sql_text(find, 2));
        snprintf(record, sizeof record, "%s", sql_text(find, 3));
        bool anew = sqlite3_column_int(find, 4) != 0;
        sqlite3_reset(find);
        if (discard ? !discard_entry(s, last, set, name, error)
                    : !retry_entry(s, last, set, name, record, anew, error))
            return false;
        ++*count;
    }
}

/* Apply retry or discard to all holds that match: retry lets the next sync read the record again.
 */
static bool each_hold(struct store *s, const char *job, const char *code, const char *id,
                      bool discard, int64_t *count, struct iptfhir_error *error) {
    for (;;) {
        sqlite3_stmt *find = sql_bind(s, SQL_HOLD_FIND, error, "ttt", job, code, id);
        int row = sql_row(s, find, error);
        if (row <= 0)
            return row == 0;
        int64_t hold = sqlite3_column_int64(find, 0);
        char name[256], record[512];
        snprintf(name, sizeof name, "%s", sql_text(find, 1));
        snprintf(record, sizeof record, "%s", sql_text(find, 2));
        sqlite3_reset(find);
        bool ok = sql_run(s, sql_bind(s, SQL_HOLD_DROP, error, "i", hold), error) &&
                  sql_settle_tally(s, name, discard ? STORE_DISCARDED : STORE_SUPERSEDED, error);
        if (ok && !discard)
            ok = sql_run(s, sql_bind(s, SQL_CURSOR_CLEAR, error, "t", name), error) &&
                 (!*record ||
                  sql_run(s, sql_bind(s, SQL_RECORD_CLEAR, error, "tt", name, record), error));
        if (!ok)
            return false;
        ++*count;
    }
}

/* One transaction around entries and holds. */
static bool way_out(struct store *s, const char *job, const char *code, const char *id,
                    bool discard, int64_t *count, struct iptfhir_error *error) {
    *count = 0;
    bool ok = store_begin(s, error) && each_entry(s, job, code, id, discard, count, error) &&
              each_hold(s, job, code, id, discard, count, error) && store_commit(s, error);
    if (!ok)
        store_rollback(s);
    return ok;
}

bool store_retry(struct store *s, const char *job, const char *code, const char *id, int64_t *count,
                 struct iptfhir_error *error) {
    return way_out(s, job, code, id, false, count, error);
}

bool store_discard(struct store *s, const char *job, const char *code, const char *id,
                   int64_t *count, struct iptfhir_error *error) {
    return way_out(s, job, code, id, true, count, error);
}
