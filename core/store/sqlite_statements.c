/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL of the store, one place: statements by name, and the schema's versions with their
 * migrations. */
#include "core/store/sqlite.h"

#include <stdio.h>

/* States of entries and sets are those of enum store_state; "open" is everything but settled (4).
 */
const char *const store_sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SQL_META_SET] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
    [SQL_CURSOR_GET] = "SELECT value FROM cursor WHERE job = ?1",
    [SQL_CURSOR_SET] = "INSERT OR REPLACE INTO cursor(job, value) VALUES(?1, ?2)",
    [SQL_CURSOR_CLEAR] = "DELETE FROM cursor WHERE job = ?1",
    [SQL_RECORD_GET] = "SELECT hash FROM record WHERE job = ?1 AND record_id = ?2",
    [SQL_RECORD_SET] = "INSERT OR REPLACE INTO record(job, record_id, hash) VALUES(?1, ?2, ?3)",
    [SQL_RECORD_CLEAR] = "DELETE FROM record WHERE job = ?1 AND (?2 IS NULL OR record_id = ?2)",
    /* While something is in flight or unknown nobody knows what the target holds: then no hash
       counts. */
    [SQL_LEDGER_HASH] =
        "SELECT l.hash FROM ledger l WHERE l.target = ?1 AND l.uuid = ?2 AND NOT EXISTS (SELECT 1 "
        "FROM entry e JOIN change_set s ON s.id = e.set_id"
        " WHERE e.uuid = ?2 AND e.state <> 4 AND e.state IN (1, 2) AND s.target = ?1)",
    [SQL_LEDGER_BODY] = "SELECT b.text FROM ledger l JOIN body b ON b.entry = l.entry WHERE "
                        "l.target = ?1 AND l.uuid = ?2",
    [SQL_LEDGER_PUT] =
        "INSERT INTO ledger(target, uuid, type, system, value, server_id, version, hash, "
        "synced_ms, entry)"
        " SELECT ?1, uuid, type, system, value, ?3, ?4, hash, ?5, id FROM entry WHERE id = ?2"
        " ON CONFLICT(target, uuid) DO UPDATE SET server_id = excluded.server_id, version = "
        "excluded.version,"
        " hash = excluded.hash, synced_ms = excluded.synced_ms, entry = excluded.entry",
    [SQL_LEDGER_ENTRY] = "SELECT l.entry FROM ledger l JOIN entry e ON e.uuid = l.uuid WHERE "
                         "l.target = ?1 AND e.id = ?2",
    [SQL_SUPERSEDE_FIND] = "SELECT e.id, e.set_id FROM change_set s JOIN entry e ON e.set_id = s.id"
                           " WHERE s.job = ?1 AND s.target = ?2 AND s.record_id = ?3 AND s.state "
                           "IN (0, 3) AND e.state IN (0, 3)",
    [SQL_ENTRY_SETTLE] = "UPDATE entry SET state = 4, outcome = ?2, code = NULL, detail = NULL, "
                         "since_ms = ?3 WHERE id = ?1",
    [SQL_BODY_DROP] = "DELETE FROM body WHERE entry = ?1",
    [SQL_ENTRY_DROP] = "DELETE FROM entry WHERE id = ?1",
    [SQL_SET_ADD] = "INSERT INTO change_set(job, target, record_id, lane, patient, state, "
                    "attempts, next_ms, since_ms)"
                    " VALUES(?1, ?2, ?3, ?4, ?5, 3, 0, 0, ?6)",
    /* A set waits when any entry waits, is held when the rest is settled, and is gone when all is
       settled. */
    [SQL_SET_REFRESH] =
        "UPDATE change_set SET state = CASE"
        " WHEN EXISTS(SELECT 1 FROM entry WHERE set_id = ?1 AND state IN (0, 1, 2)) THEN 0"
        " WHEN EXISTS(SELECT 1 FROM entry WHERE set_id = ?1 AND state = 3) THEN 3 ELSE 4 END WHERE "
        "id = ?1",
    [SQL_SET_GONE] = "DELETE FROM change_set WHERE id = ?1 AND state = 4",
    [SQL_SET_NEWER] = "SELECT 1 FROM change_set o JOIN change_set n ON n.record_id = o.record_id "
                      "AND n.job = o.job AND n.target = o.target"
                      " AND n.state IN (0, 3) AND n.id > o.id WHERE o.id = ?1 LIMIT 1",
    [SQL_SET_JOB] = "SELECT job, target, record_id FROM change_set WHERE id = ?1",
    [SQL_ENTRY_ADD] = "INSERT INTO entry(set_id, position, type, uuid, system, value, hash, state, "
                      "code, detail, since_ms)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [SQL_BODY_ADD] = "INSERT INTO body(entry, text) VALUES(?1, ?2)",
    [SQL_TALLY_ACCEPT] = "INSERT INTO tally(job, outcome, count) VALUES(?1, 0, ?2)"
                         " ON CONFLICT(job, outcome) DO UPDATE SET count = count + excluded.count",
    [SQL_TALLY_SETTLE] = "INSERT INTO tally(job, outcome, count) VALUES(?1, ?2, 1)"
                         " ON CONFLICT(job, outcome) DO UPDATE SET count = count + 1",
    [SQL_HOLD_PUT] = "INSERT INTO hold(job, key, file, record_id, place, code, detail, since_ms, "
                     "poll) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                     " ON CONFLICT(job, key) DO UPDATE SET file = excluded.file, place = "
                     "excluded.place, code = excluded.code,"
                     " detail = excluded.detail, poll = excluded.poll",
    [SQL_HOLD_KNOWN] = "SELECT 1 FROM hold WHERE job = ?1 AND key = ?2",
    [SQL_HOLDS_STALE_RECORD] =
        "SELECT id FROM hold WHERE job = ?1 AND record_id = ?2 AND poll <> ?3",
    [SQL_HOLDS_STALE_FILE] =
        "SELECT id FROM hold WHERE job = ?1 AND file = ?2 AND poll <> ?3 AND record_id IS NULL",
    [SQL_DEATH_PUT] = "INSERT INTO death(job, key, count) VALUES(?1, ?2, 1) ON CONFLICT(job, key) "
                      "DO UPDATE SET count = count + 1",
    [SQL_DEATH_GET] = "SELECT count FROM death WHERE job = ?1 AND key = ?2",
    [SQL_RECOVER_ENTRIES] = "UPDATE entry SET state = 2 WHERE state = 1",
    [SQL_RECOVER_SETS] = "UPDATE change_set SET state = 0, next_ms = 0 WHERE state = 1",
    [SQL_CLAIM_SETS] =
        "SELECT s.id, s.job, s.record_id, s.lane, s.patient, s.attempts FROM change_set s"
        " WHERE s.target = ?1 AND s.state = 0 AND s.next_ms <= ?2 AND NOT EXISTS"
        " (SELECT 1 FROM change_set o WHERE o.target = s.target AND o.lane = s.lane AND o.state IN "
        "(0, 1) AND o.id < s.id)"
        " ORDER BY s.id LIMIT ?3",
    [SQL_CLAIM_MARK] = "UPDATE change_set SET state = 1 WHERE id = ?1",
    /* Unknown ones stay unknown: they are searched before anything is sent. */
    [SQL_CLAIM_MARK_ENTRIES] = "UPDATE entry SET state = 1 WHERE set_id = ?1 AND state = 0",
    [SQL_CLAIM_ENTRIES] = "SELECT e.id, e.state, e.type, e.uuid, e.system, e.value, e.hash, "
                          "b.text, l.server_id, l.version, l.hash, o.text"
                          " FROM entry e JOIN body b ON b.entry = e.id LEFT JOIN ledger l ON "
                          "l.target = ?2 AND l.uuid = e.uuid"
                          " LEFT JOIN body o ON o.entry = l.entry"
                          " WHERE e.set_id = ?1 AND e.state IN (0, 2) ORDER BY e.position",
    [SQL_REFERENCE] = "SELECT l.type, l.system, l.value, l.server_id, 0 FROM ledger l WHERE "
                      "l.target = ?1 AND l.uuid = ?2"
                      " UNION ALL SELECT e.type, e.system, e.value, NULL, e.state = 3 FROM entry e "
                      "JOIN change_set s ON s.id = e.set_id"
                      " WHERE s.target = ?1 AND e.uuid = ?2 AND e.state <> 4 LIMIT 1",
    [SQL_ENTRY_STATE] =
        "UPDATE entry SET state = ?2, code = ?3, detail = ?4, since_ms = ?5 WHERE id = ?1",
    [SQL_SET_FREE] = "UPDATE change_set SET next_ms = ?2, attempts = attempts + ?3 WHERE id = ?1",
    [SQL_NEXT_DUE] = "SELECT min(next_ms) FROM change_set WHERE target = ?1 AND state = 0",
    [SQL_COUNTS] = "SELECT j.job,"
                   " (SELECT count FROM tally t WHERE t.job = j.job AND t.outcome = 0),"
                   " (SELECT sum(count) FROM tally t WHERE t.job = j.job AND t.outcome > 0),"
                   " (SELECT count(*) FROM entry e JOIN change_set s ON s.id = e.set_id WHERE "
                   "s.job = j.job AND e.state IN (0, 1, 2)),"
                   " (SELECT count(*) FROM entry e JOIN change_set s ON s.id = e.set_id WHERE "
                   "s.job = j.job AND e.state = 3)"
                   "  + (SELECT count(*) FROM hold h WHERE h.job = j.job),"
                   " (SELECT count FROM tally t WHERE t.job = j.job AND t.outcome = 1),"
                   " (SELECT count FROM tally t WHERE t.job = j.job AND t.outcome = 2),"
                   " (SELECT count FROM tally t WHERE t.job = j.job AND t.outcome = 3),"
                   " (SELECT count FROM tally t WHERE t.job = j.job AND t.outcome = 4),"
                   " (SELECT count FROM tally t WHERE t.job = j.job AND t.outcome = 5),"
                   " (SELECT count(*) FROM entry e JOIN change_set s ON s.id = e.set_id WHERE "
                   "s.job = j.job AND e.state = 2),"
                   " (SELECT count(*) FROM entry e JOIN change_set s ON s.id = e.set_id WHERE "
                   "s.job = j.job AND e.state = 1),"
                   " (SELECT min(m) FROM (SELECT min(s.since_ms) AS m FROM change_set s WHERE "
                   "s.job = j.job AND s.state <> 4"
                   "   UNION ALL SELECT min(h.since_ms) FROM hold h WHERE h.job = j.job))"
                   " FROM (SELECT DISTINCT job FROM tally) j ORDER BY j.job",
    [SQL_ITEMS] = "SELECT * FROM (SELECT 'e' || e.id AS item, s.job AS job, s.target AS target, "
                  "s.record_id AS record_id, e.type AS type,"
                  " e.system || '|' || e.value AS identifier,"
                  " CASE e.state WHEN 0 THEN 'pending' WHEN 1 THEN 'in-flight' WHEN 2 THEN "
                  "'unknown' ELSE 'held' END AS state,"
                  " e.code AS code, e.detail AS detail, NULL AS place, s.attempts AS attempts, "
                  "e.since_ms AS since_ms, s.next_ms AS next_ms,"
                  " CASE WHEN ?4 IS NULL THEN NULL ELSE (SELECT text FROM body WHERE entry = e.id) "
                  "END AS body"
                  " FROM entry e JOIN change_set s ON s.id = e.set_id WHERE e.state <> 4"
                  " UNION ALL SELECT 'h' || h.id, h.job, '', coalesce(h.record_id, ''), '', '', "
                  "'held', h.code, h.detail, h.place, 0, h.since_ms, 0, NULL"
                  " FROM hold h) WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR state = ?2) AND "
                  "(?3 IS NULL OR code = ?3)"
                  " AND (?4 IS NULL OR item = ?4) ORDER BY since_ms, item",
    [SQL_RETRY_FIND] = "SELECT e.id, e.set_id, s.job, s.record_id, e.code IN ('consent', 'part2', "
                       "'invalid') FROM entry e JOIN change_set s ON s.id = e.set_id"
                       " WHERE e.state = 3 AND (?1 IS NULL OR s.job = ?1) AND (?2 IS NULL OR "
                       "e.code = ?2) AND (?3 IS NULL OR 'e' || e.id = ?3)"
                       " AND e.id > ?4 ORDER BY e.id LIMIT 1",
    [SQL_HOLD_FIND] = "SELECT id, job, record_id FROM hold WHERE (?1 IS NULL OR job = ?1) AND (?2 "
                      "IS NULL OR code = ?2) AND (?3 IS NULL OR 'h' || id = ?3)",
    [SQL_HOLD_DROP] = "DELETE FROM hold WHERE id = ?1",
};

/* Each string brings the schema from version N to N + 1. */
static const char *const migrations[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cursor(job TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE record(job TEXT NOT NULL, record_id TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY "
    "KEY(job, record_id)) WITHOUT ROWID;"
    "CREATE TABLE change_set(id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, target TEXT "
    "NOT NULL, record_id TEXT NOT NULL,"
    " lane TEXT NOT NULL, patient TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT "
    "NULL, next_ms INTEGER NOT NULL,"
    " since_ms INTEGER NOT NULL);"
    "CREATE INDEX set_ready ON change_set(target, id) WHERE state = 0;"
    "CREATE INDEX set_lane ON change_set(target, lane, id) WHERE state IN (0, 1);"
    "CREATE INDEX set_record ON change_set(record_id, job, target) WHERE state IN (0, 3);"
    "CREATE TABLE entry(id INTEGER PRIMARY KEY AUTOINCREMENT, set_id INTEGER NOT NULL, position "
    "INTEGER NOT NULL, type TEXT NOT NULL,"
    " uuid TEXT NOT NULL, system TEXT NOT NULL, value TEXT NOT NULL, hash TEXT NOT NULL, state "
    "INTEGER NOT NULL, outcome INTEGER,"
    " code TEXT, detail TEXT, since_ms INTEGER NOT NULL);"
    "CREATE INDEX entry_set ON entry(set_id);"
    "CREATE INDEX entry_open ON entry(uuid) WHERE state <> 4;"
    "CREATE TABLE body(entry INTEGER PRIMARY KEY, text TEXT NOT NULL);"
    "CREATE TABLE ledger(target TEXT NOT NULL, uuid TEXT NOT NULL, type TEXT NOT NULL, system TEXT "
    "NOT NULL, value TEXT NOT NULL,"
    " server_id TEXT NOT NULL, version TEXT, hash TEXT NOT NULL, synced_ms INTEGER NOT NULL, entry "
    "INTEGER NOT NULL,"
    " PRIMARY KEY(target, uuid)) WITHOUT ROWID;"
    "CREATE TABLE hold(id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, key TEXT NOT NULL, "
    "file TEXT, record_id TEXT, place TEXT,"
    " code TEXT NOT NULL, detail TEXT, since_ms INTEGER NOT NULL, poll INTEGER NOT NULL, "
    "UNIQUE(job, key));"
    "CREATE TABLE death(job TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY "
    "KEY(job, key)) WITHOUT ROWID;"
    /* outcome 0: accepted; else enum store_outcome */
    "CREATE TABLE tally(job TEXT NOT NULL, outcome INTEGER NOT NULL, count INTEGER NOT NULL, "
    "PRIMARY KEY(job, outcome)) WITHOUT ROWID;",
};
#define NEWEST ((int)(sizeof migrations / sizeof *migrations))

/* The schema's version in the file, -1 on failure. */
static int version_of(struct store *s, struct iptfhir_error *error) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK) {
        sql_error(s, "read the schema version of the store", error);
        return -1;
    }
    int version = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    return version;
}

bool sql_migrate(struct store *s, struct iptfhir_error *error) {
    int version = version_of(s, error);
    if (version < 0)
        return sql_error(s, "read the schema version of the store", error);
    if (version > NEWEST)
        return error_set(
            error, "store-newer", NULL,
            "the store has schema version %d, this program knows up to %d: "
            "use the newer iptfhir that wrote it, or restore the backup from before the upgrade",
            version, NEWEST);
    if (version == NEWEST)
        return true;
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", NEWEST);
    if (!store_begin(s, error))
        return false;
    version = version_of(s, error); /* another process may have migrated meanwhile */
    bool ok = version >= 0;
    for (; ok && version < NEWEST; version++)
        ok = sqlite3_exec(s->db, migrations[version], NULL, NULL, NULL) == SQLITE_OK;
    ok = ok && sqlite3_exec(s->db, pragma, NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        sql_error(s, "migrate the store", error);
        store_rollback(s);
        return false;
    }
    return store_commit(s, error);
}
