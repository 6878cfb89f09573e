/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite store share: the handle, the statements, binding and stepping. */
#ifndef CORE_STORE_SQLITE_H
#define CORE_STORE_SQLITE_H

#include "core/store/store.h"

#include <sqlite3.h>

/* Statements by name; their text stands in sqlite_statements.c. Prepared at first use, kept. */
enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_META_GET,
    SQL_META_SET,
    SQL_CURSOR_GET,
    SQL_CURSOR_SET,
    SQL_CURSOR_CLEAR,
    SQL_RECORD_GET,
    SQL_RECORD_SET,
    SQL_RECORD_CLEAR,
    SQL_LEDGER_HASH,
    SQL_LEDGER_BODY,
    SQL_LEDGER_PUT,
    SQL_LEDGER_ENTRY,
    SQL_SUPERSEDE_FIND,
    SQL_ENTRY_SETTLE,
    SQL_BODY_DROP,
    SQL_ENTRY_DROP,
    SQL_SET_ADD,
    SQL_SET_REFRESH,
    SQL_SET_GONE,
    SQL_SET_NEWER,
    SQL_SET_JOB,
    SQL_ENTRY_ADD,
    SQL_BODY_ADD,
    SQL_TALLY_ACCEPT,
    SQL_TALLY_SETTLE,
    SQL_HOLD_PUT,
    SQL_HOLD_KNOWN,
    SQL_HOLDS_STALE_RECORD,
    SQL_HOLDS_STALE_FILE,
    SQL_DEATH_PUT,
    SQL_DEATH_GET,
    SQL_RECOVER_ENTRIES,
    SQL_RECOVER_SETS,
    SQL_CLAIM_SETS,
    SQL_CLAIM_MARK,
    SQL_CLAIM_MARK_ENTRIES,
    SQL_CLAIM_ENTRIES,
    SQL_REFERENCE,
    SQL_ENTRY_STATE,
    SQL_SET_FREE,
    SQL_NEXT_DUE,
    SQL_COUNTS,
    SQL_ITEMS,
    SQL_RETRY_FIND,
    SQL_HOLD_FIND,
    SQL_HOLD_DROP,
    SQL_STATEMENTS
};
extern const char *const store_sql[SQL_STATEMENTS];

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_STATEMENTS];
    unsigned char log_key[32];
};

/* The statement with its parameters bound: types is one letter each: i (int64_t), t (const char *,
 * NULL is NULL), b (const char *, size_t: text of that length). Texts must live until the step.
 * NULL and an error when it can't be prepared. */
sqlite3_stmt *sql_bind(struct store *s, enum sql which, struct iptfhir_error *error,
                       const char *types, ...);
/* Runs a statement that returns no rows. */
bool sql_run(struct store *s, sqlite3_stmt *statement, struct iptfhir_error *error);
/* Next row: 1 a row, 0 the end (reset), -1 an error (reset). */
int sql_row(struct store *s, sqlite3_stmt *statement, struct iptfhir_error *error);
/* The text of a column, "" for NULL. */
const char *sql_text(sqlite3_stmt *statement, int column);
/* Settles one entry with an outcome: tally, state, set. Shared by ingest (superseded), delivery and
 * discard. */
bool sql_settle_entry(struct store *s, int64_t entry, const char *job, enum store_outcome outcome,
                      struct iptfhir_error *error);
/* Removes an entry and its body. */
bool sql_drop_entry(struct store *s, int64_t entry, struct iptfhir_error *error);
/* Gives a set the state that follows from its entries; one with nothing left to send is removed. */
bool sql_refresh_set(struct store *s, int64_t set, struct iptfhir_error *error);
/* Adds to a job's tally of accepted items. */
bool sql_accept(struct store *s, const char *job, int64_t count, struct iptfhir_error *error);
bool sql_settle_tally(struct store *s, const char *job, enum store_outcome outcome,
                      struct iptfhir_error *error);
/* Reports SQLite's complaint. */
bool sql_error(struct store *s, const char *doing, struct iptfhir_error *error);
/* Brings the schema to the newest version. */
bool sql_migrate(struct store *s, struct iptfhir_error *error);
#endif
