/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL of the store, one place: its schema, and statements by name. */
#include "core/store/sqlite.h"

/* A key joins target (8 bits), patient (35) and ordinal (20), or patient and sequence (24), so that
 * rows of a patient lie together. `data` ends in a checksum of the row; `sum` is one. The tables
 * step, wanted_name and record_state are filled by the program from its own names. */
const char store_schema[] =
    "CREATE TABLE about(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE step(no INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE wanted_name(no INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE record_state(no INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE word(no INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL);"
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value BLOB NOT NULL, sum INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE target(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL);"
    "CREATE TABLE patient(no INTEGER PRIMARY KEY, clinic INTEGER NOT NULL, local_id TEXT NOT NULL,"
    " sum INTEGER NOT NULL, UNIQUE(clinic, local_id));"
    "CREATE TABLE record(no INTEGER PRIMARY KEY, patient INTEGER NOT NULL, job INTEGER NOT NULL,"
    " id TEXT NOT NULL UNIQUE, state INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX record_patient ON record(patient);"
    "CREATE TABLE said(key INTEGER PRIMARY KEY, record INTEGER NOT NULL, wanted INTEGER NOT NULL,"
    " type INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE bodies(key INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE state(key INTEGER PRIMARY KEY, step INTEGER NOT NULL, code INTEGER NOT NULL,"
    " since_ms INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE lane(target INTEGER NOT NULL, patient INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " PRIMARY KEY(target, patient)) WITHOUT ROWID;"
    "CREATE INDEX lane_due ON lane(target, due_ms);"
    "CREATE TABLE hold(no INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, unit TEXT NOT NULL,"
    " record TEXT NOT NULL, place TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL, poll INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " UNIQUE(job, unit, record, place, code));"
    "CREATE VIEW state_readable AS SELECT t.name AS target, s.key >> 20 & 0x7FFFFFFFF AS patient,"
    " s.key & 0xFFFFF AS ordinal, step.name AS step, coalesce(w.text, '') AS code,"
    " datetime(s.since_ms / 1000, 'unixepoch') AS since FROM state s"
    " JOIN target t ON t.no = s.key >> 55 JOIN step ON step.no = s.step"
    " LEFT JOIN word w ON w.no = s.code;"
    "CREATE VIEW said_readable AS SELECT s.key >> 20 AS patient, s.key & 0xFFFFF AS ordinal,"
    " r.id AS record, n.name AS wanted, coalesce(w.text, '') AS type FROM said s"
    " LEFT JOIN record r ON r.no = s.record JOIN wanted_name n ON n.no = s.wanted"
    " LEFT JOIN word w ON w.no = s.type;"
    "CREATE VIEW record_readable AS SELECT r.no, r.patient, coalesce(w.text, '') AS job, r.id,"
    " n.name AS state FROM record r JOIN record_state n ON n.no = r.state"
    " LEFT JOIN word w ON w.no = r.job;";

#define ROW "(?,?,?,?,?)"
#define EIGHT_ROWS ROW "," ROW "," ROW "," ROW "," ROW "," ROW "," ROW "," ROW
#define RECORD "SELECT no, patient, job, id, state, data FROM record "
const char *const store_sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_DATA_VERSION] = "PRAGMA data_version",
    [SQL_WORD_NO] = "SELECT no, sum FROM word WHERE text = ?1",
    [SQL_WORD_TEXT] = "SELECT text, sum FROM word WHERE no = ?1",
    [SQL_WORD_ADD] = "INSERT INTO word(no, text, sum) VALUES(?1, ?2, ?3)",
    [SQL_WORD_LAST] = "SELECT coalesce(max(no), 0) FROM word",
    [SQL_FACT_GET] = "SELECT value, sum FROM fact WHERE name = ?1",
    [SQL_FACT_SET] = "INSERT OR REPLACE INTO fact(name, value, sum) VALUES(?1, ?2, ?3)",
    [SQL_FACT_DROP] = "DELETE FROM fact WHERE name = ?1",
    [SQL_TARGET_NO] = "SELECT no, sum FROM target WHERE name = ?1",
    [SQL_TARGET_LAST] = "SELECT coalesce(max(no), 0) FROM target",
    [SQL_TARGET_ADD] = "INSERT INTO target(no, name, sum) VALUES(?1, ?2, ?3)",
    [SQL_PATIENT_FIND] =
        "SELECT no, clinic, local_id, sum FROM patient WHERE clinic = ?1 AND local_id = ?2",
    [SQL_PATIENT_GET] = "SELECT no, clinic, local_id, sum FROM patient WHERE no = ?1",
    [SQL_PATIENT_ADD] = "INSERT INTO patient(no, clinic, local_id, sum)"
                        " SELECT ?1, ?2, ?3, ?4",
    [SQL_PATIENT_LAST] = "SELECT coalesce(max(no), 0) FROM patient",
    [SQL_RECORD_FIND] = RECORD "WHERE id = ?1",
    [SQL_RECORD_GET] = RECORD "WHERE no = ?1",
    [SQL_RECORDS_OF] = RECORD "WHERE patient = ?1 ORDER BY no",
    [SQL_RECORD_LAST] = "SELECT coalesce(max(no), 0) FROM record",
    /* An upsert by number only: an id that another record has is an error. */
    [SQL_RECORD_PUT] =
        "INSERT INTO record(no, patient, job, id, state, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT(no) DO UPDATE SET patient = excluded.patient, job = excluded.job,"
        " id = excluded.id, state = excluded.state, data = excluded.data",
    [SQL_SAID_OF] = "SELECT key, record, wanted, type, data FROM said WHERE key BETWEEN ?1 AND ?2"
                    " ORDER BY key",
    [SQL_SAID_LAST] = "SELECT coalesce(max(key), ?1) FROM said WHERE key BETWEEN ?1 AND ?2",
    [SQL_SAID_PUT] = "INSERT OR REPLACE INTO said(key, record, wanted, type, data)"
                     " VALUES(?1, ?2, ?3, ?4, ?5)",
    [SQL_SAID_PUT_ALL] = "INSERT OR REPLACE INTO said(key, record, wanted, type, data)"
                         " VALUES" EIGHT_ROWS,
    [SQL_SAID_DROP] = "DELETE FROM said WHERE key = ?1",
    [SQL_BODIES_LAST] = "SELECT coalesce(max(key), ?1) FROM bodies WHERE key BETWEEN ?1 AND ?2",
    [SQL_BODIES_PUT] = "INSERT INTO bodies(key, data) VALUES(?1, ?2)",
    [SQL_BODIES_GET] = "SELECT data FROM bodies WHERE key = ?1",
    [SQL_BODIES_OF] = "SELECT key FROM bodies WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [SQL_BODIES_DROP] = "DELETE FROM bodies WHERE key = ?1",
    [SQL_STATES_OF] = "SELECT key, step, code, since_ms, data FROM state"
                      " WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [SQL_STATE_PUT] = "INSERT OR REPLACE INTO state(key, step, code, since_ms, data)"
                      " VALUES(?1, ?2, ?3, ?4, ?5)",
    [SQL_STATE_PUT_ALL] = "INSERT OR REPLACE INTO state(key, step, code, since_ms, data)"
                          " VALUES" EIGHT_ROWS,
    [SQL_STATE_DROP] = "DELETE FROM state WHERE key = ?1",
    [SQL_STATE_DROP_ALL] = "DELETE FROM state WHERE key IN (SELECT no << 55 | ?1 FROM target)",
    [SQL_LANE_PUT] = "INSERT OR REPLACE INTO lane(target, patient, due_ms) VALUES(?1, ?2, ?3)",
    [SQL_LANE_DROP] = "DELETE FROM lane WHERE target = ?1 AND patient = ?2",
    [SQL_LANES_DUE] = "SELECT patient FROM lane NOT INDEXED WHERE target = ?1 AND patient > ?2"
                      " AND due_ms <= ?3 ORDER BY patient LIMIT ?4",
    [SQL_LANES_NEXT] = "SELECT min(due_ms) FROM lane WHERE target = ?1 AND due_ms > ?2",
    [SQL_HOLD_FIND] = "SELECT no, since_ms FROM hold WHERE job = ?1 AND unit = ?2 AND record = ?3"
                      " AND place = ?4 AND code = ?5",
    [SQL_HOLD_ADD] = "INSERT INTO hold(job, unit, record, place, code, detail, since_ms, poll, sum)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [SQL_HOLD_CHANGE] = "UPDATE hold SET detail = ?2, poll = ?3, sum = ?4 WHERE no = ?1",
    [SQL_HOLD_DROP] = "DELETE FROM hold WHERE no = ?1",
};
const char store_sql_facts[] = "SELECT name, value, sum FROM fact WHERE name >= ?1 ORDER BY name";
const char store_sql_patients[] =
    "SELECT no, clinic, local_id, sum FROM patient WHERE no > ?1 AND ?2 = 0 ORDER BY no";
const char store_sql_records[] = RECORD "WHERE no > ?1 AND (?2 = 0 OR job = ?2) ORDER BY no";
const char store_sql_holds[] = "SELECT no, job, unit, record, place, code, detail, since_ms, poll,"
                               " sum FROM hold WHERE ?1 IS NULL OR job = ?1 ORDER BY no";
