/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: opening and making the file, and transactions. */
#include "core/store/sqlite.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/store/sqlite_calls.h"
#include "core/store/sqlite_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 1, WAIT_MS = 10000, SEAL = 16 };

/* ---- transactions ---- */

/* Waits for the other process's transaction: they last milliseconds, and SQLite's own back-off
 * would leave both waiting most of the time. */
static int wait_for_writer(void *user, int tries) {
    struct sqlite_store *s = user;
    int64_t now = clock_steady_ms();
    if (tries == 0)
        s->wait_until = now + s->wait_ms;
    if (now >= s->wait_until)
        return 0;
    usleep(tries < 50 ? 200 : 1000);
    return 1;
}

/* Forgets what only a transaction knows. */
static void forget_transaction(struct sqlite_store *s) {
    s->in_transaction = false;
    s->last_said.patient = 0;
    s->last_bodies.patient = 0;
    batch_forget(s);
}

static bool sqlite_begin(struct store *store, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    if (s->in_transaction)
        return error_set(error, "store", NULL,
                         "a transaction begins inside another: this is a fault of the program, "
                         "report it");
    if (!sql_run(s, sql_start(s, SQL_BEGIN, error), "store", 0, error))
        return false;
    s->in_transaction = true;
    return true;
}

static bool sqlite_commit(struct store *store, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    if (!batch_flush(s, BATCH_SAID, error) || !batch_flush(s, BATCH_STATE, error) ||
        !sql_run(s, sql_write(s, SQL_COMMIT, error), "store", 0, error))
        return false;
    forget_transaction(s);
    words_commit(s);
    return true;
}

static void sqlite_rollback(struct store *store) {
    struct sqlite_store *s = sqlite_of(store);
    if (!s->in_transaction)
        return;
    if (sqlite3_get_autocommit(s->db) == 0) {
        sqlite3_stmt *rollback = sql_start(s, SQL_ROLLBACK, NULL);
        bool done = rollback != NULL && sqlite3_step(rollback) == SQLITE_DONE;
        if (rollback != NULL)
            sqlite3_reset(rollback);
        if (!done) /* without memory for the statement: this needs none */
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    forget_transaction(s);
    words_rollback(s);
}

static bool sqlite_foreign_changes(struct store *store, uint64_t *number,
                                   struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *version = sql_start(s, SQL_DATA_VERSION, error);
    if (version == NULL || sql_step(s, version, "store", 0, error) != 1)
        return false;
    *number = (uint64_t)sqlite3_column_int64(version, 0);
    sqlite3_reset(version);
    return true;
}

static void sqlite_close(struct store *store) {
    struct sqlite_store *s = sqlite_of(store);
    if (s == NULL)
        return;
    sqlite_rollback(store);
    for (int i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    codec_free(s);
    words_free(s);
    batch_free(s);
    str_free(&s->row);
    base_free(s->list);
    crypt_wipe(s->key, sizeof s->key);
    base_free(s);
}

/* ---- opening ---- */

/* Runs SQL that gives nothing back. */
static bool execute(struct sqlite_store *s, const char *sql, struct iptfhir_error *error) {
    s->ran++;
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           sql_error(s, "schema", 0, error);
}

/* Reads one number by SQL. */
static bool read_number(struct sqlite_store *s, const char *sql, int64_t *out,
                        struct iptfhir_error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int64(statement, 0);
    else
        sql_error(s, "schema", 0, error);
    sqlite3_finalize(statement);
    return ok;
}

/* Writes a named value of the store about itself. */
static bool write_about(struct sqlite_store *s, const char *name, const void *value, int length,
                        struct iptfhir_error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(s->db, "INSERT INTO about(name, value) VALUES(?1, ?2)", -1,
                                 &statement, NULL) == SQLITE_OK;
    if (ok) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_blob(statement, 2, value, length, SQLITE_STATIC);
        ok = sqlite3_step(statement) == SQLITE_DONE;
    }
    if (!ok)
        sql_error(s, "about", 0, error);
    sqlite3_finalize(statement);
    return ok;
}

/* Compares a named value of the store with what it should be; *same is false when it differs. */
static bool compare_about(struct sqlite_store *s, const char *name, const void *value, int length,
                          bool *same, struct iptfhir_error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(s->db, "SELECT value FROM about WHERE name = ?1", -1, &statement,
                                 NULL) == SQLITE_OK;
    *same = false;
    if (ok) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        int rc = sqlite3_step(statement);
        ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
        *same = rc == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == length &&
                memcmp(sqlite3_column_blob(statement, 0), value, (size_t)length) == 0;
    }
    if (!ok)
        sql_error(s, "about", 0, error);
    sqlite3_finalize(statement);
    return ok;
}

/* What shows, without telling it, which key bodies are sealed with. */
static bool key_sign(const struct sqlite_store *s, unsigned char out[SEAL],
                     struct iptfhir_error *error) {
    static const char text[] = "iptfhir store";
    return crypt_hmac16(s->key, text, sizeof text - 1, out) ||
           error_set(error, "store", NULL, "libcrypto gives no HMAC: check its installation");
}

/* Fills a table of names. */
static bool write_names(struct sqlite_store *s, const char *table, const char *const *names,
                        size_t count, struct iptfhir_error *error) {
    for (size_t i = 0; i < count; i++) {
        char sql[96];
        snprintf(sql, sizeof sql, "INSERT INTO %s(no, name) VALUES(%zu, '%s')", table, i, names[i]);
        if (!execute(s, sql, error))
            return false;
    }
    return true;
}

/* Makes the tables, within a transaction. */
static bool make_tables(struct sqlite_store *s, struct iptfhir_error *error) {
    static const char *const wanted[] = { "body", "error", "ended", "left", "moved", "nothing" };
    static const char *const records[] = { "live", "held", "gone", "left", "error" };
    const char *steps[STORE_IN_STEP + 1];
    unsigned char sign[SEAL];
    unsigned char dictionary[DICTIONARY_NAME];
    char pragmas[96];
    for (int i = 0; i <= STORE_IN_STEP; i++)
        steps[i] = store_step_name((enum store_step)i);
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             STORE_APPLICATION, SCHEMA_VERSION);
    codec_dictionary_name(dictionary);
    return execute(s, pragmas, error) && execute(s, store_schema, error) &&
           write_names(s, "step", steps, STORE_IN_STEP + 1, error) &&
           write_names(s, "wanted_name", wanted, sizeof wanted / sizeof wanted[0], error) &&
           write_names(s, "record_state", records, sizeof records / sizeof records[0], error) &&
           key_sign(s, sign, error) && write_about(s, "key", sign, SEAL, error) &&
           write_about(s, "dictionary", dictionary, DICTIONARY_NAME, error);
}

/* Makes the tables of an empty file, unless another process just did. */
static bool make_store(struct sqlite_store *s, struct iptfhir_error *error) {
    int64_t version = 0;
    if (!execute(s, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = read_number(s, "PRAGMA user_version", &version, error);
    if (ok && version == 0)
        ok = make_tables(s, error);
    ok = ok && execute(s, "COMMIT", error);
    if (!ok)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

/* Tests that key and dictionary are those that the store was made with. */
static bool check_about(struct sqlite_store *s, const char *path, struct iptfhir_error *error) {
    unsigned char sign[SEAL];
    unsigned char dictionary[DICTIONARY_NAME];
    bool same;
    codec_dictionary_name(dictionary);
    if (!compare_about(s, "dictionary", dictionary, DICTIONARY_NAME, &same, error))
        return false;
    if (!same)
        return error_set(error, "store", path,
                         "the bodies in this store were compressed with another dictionary: use "
                         "the version of iptfhir that made it");
    if (!key_sign(s, sign, error) || !compare_about(s, "key", sign, SEAL, &same, error))
        return false;
    return same || error_set(error, "store", path,
                             "the key does not belong to this store: use the key that it was made "
                             "with");
}

/* Refuses files that are no store of ours, before SQLite touches them. */
static bool check_kind(struct sqlite_store *s, const char *path, bool write,
                       struct iptfhir_error *error) {
    switch (store_vfs_kind(s->db)) {
    case STORE_FILE_OURS: return true;
    case STORE_FILE_EMPTY:
        return write ||
               error_set(error, "store", path, "there is no store yet: run `iptfhir sync` first");
    case STORE_FILE_DATABASE:
        return error_set(error, "store", path,
                         "this is a store of the first edition or another program's database, and "
                         "it was not touched: name another file");
    case STORE_FILE_OTHER: break;
    }
    return error_set(error, "store-damaged", path,
                     "this file is no database, or its first page is damaged: restore a backup, "
                     "or move it away and sync anew");
}

/* Sets the connection up, up to the point where the file is read. EXTRA: a rollback journal that a
 * power cut brings back would undo what came after the store was made. */
static bool set_up(struct sqlite_store *s, struct iptfhir_error *error) {
    int reserve = STORE_PAGE_SUM;
    if (sqlite3_busy_handler(s->db, wait_for_writer, s) != SQLITE_OK ||
        sqlite3_file_control(s->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve) != SQLITE_OK)
        return sql_error(s, "schema", 0, error);
    return execute(s,
                   "PRAGMA page_size = 4096; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -2048;"
                   "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
                   "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;",
                   error);
}

/* Makes or tests the tables of an open file. */
static bool open_tables(struct sqlite_store *s, const char *path, bool write,
                        struct iptfhir_error *error) {
    int64_t version = 0;
    if (!check_kind(s, path, write, error) || !set_up(s, error) ||
        !read_number(s, "PRAGMA user_version", &version, error))
        return false;
    if (version == 0 && write) {
        if (!make_store(s, error) || !read_number(s, "PRAGMA user_version", &version, error))
            return false;
    }
    if (version > SCHEMA_VERSION)
        return error_set(error, "store-newer", path,
                         "a newer iptfhir wrote this store: use that version, or a new file");
    if (version < SCHEMA_VERSION)
        return error_set(error, "store", path, "there is no store yet: run `iptfhir sync` first");
    return check_about(s, path, error) &&
           execute(s,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "PRAGMA wal_autocheckpoint = 2000;",
                   error);
}

/* Makes the file with mode 0600 before SQLite would make it with another. */
static bool make_private(const char *path, struct iptfhir_error *error) {
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, "store", path,
                         "cannot open the store: %s; check that its folder exists and is yours",
                         strerror(errno));
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (ok && (st.st_mode & 077) != 0)
        ok = fchmod(fd, 0600) == 0;
    close(fd);
    return ok || error_set(error, "store", path,
                           "the store must be a regular file of yours with mode 0600: name another "
                           "file");
}

/* Tests that a file is there, or makes it. */
static bool prepare_file(const char *path, bool write, struct iptfhir_error *error) {
    struct stat st;
    if (write)
        return make_private(path, error);
    return stat(path, &st) == 0 ||
           error_set(error, "store", path, "there is no store yet: run `iptfhir sync` first");
}

/* The table of calls, filled by the files that implement them. */
static const struct store_calls calls = {
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .foreign_changes = sqlite_foreign_changes,
    .fact_get = sqlite_fact_get,
    .fact_set = sqlite_fact_set,
    .facts = sqlite_facts,
    .target_no = sqlite_target_no,
    .patient_find = sqlite_patient_find,
    .patient_get = sqlite_patient_get,
    .patient_add = sqlite_patient_add,
    .record_find = sqlite_record_find,
    .record_get = sqlite_record_get,
    .record_put = sqlite_record_put,
    .records_of = sqlite_records_of,
    .records = sqlite_records,
    .said_of = sqlite_said_of,
    .said_put = sqlite_said_put,
    .said_drop = sqlite_said_drop,
    .bodies_put = sqlite_bodies_put,
    .bodies_get = sqlite_bodies_get,
    .bodies_of = sqlite_bodies_of,
    .bodies_drop = sqlite_bodies_drop,
    .states_of = sqlite_states_of,
    .state_put = sqlite_state_put,
    .state_drop = sqlite_state_drop,
    .lane_put = sqlite_lane_put,
    .lane_drop = sqlite_lane_drop,
    .lanes_due = sqlite_lanes_due,
    .hold_put = sqlite_hold_put,
    .hold_drop = sqlite_hold_drop,
    .holds = sqlite_holds,
    .patients = sqlite_patients,
};

struct store *store_open_sqlite_on(const char *path, bool write, const unsigned char key[32],
                                   const char *vfs, int64_t wait_ms, struct iptfhir_error *error) {
    const char *pages = store_vfs(vfs);
    struct sqlite_store *s = base_malloc(sizeof *s);
    if (s == NULL || pages == NULL) {
        base_free(s);
        sql_out_of_memory(error);
        return NULL;
    }
    memset(s, 0, sizeof *s);
    s->base.calls = &calls;
    s->wait_ms = wait_ms;
    memcpy(s->key, key, sizeof s->key);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (vfs != NULL)
        flags |= SQLITE_OPEN_CREATE;
    bool ok = sqlite3_open_v2(path, &s->db, flags, pages) == SQLITE_OK;
    if (!ok && s->db == NULL)
        sql_out_of_memory(error);
    else if (!ok)
        sql_error(s, "store", 0, error);
    if (ok && open_tables(s, path, write, error))
        return &s->base;
    sqlite_close(&s->base);
    return NULL;
}

struct store *store_open_sqlite(const char *path, bool write, const unsigned char key[32],
                                struct iptfhir_error *error) {
    if (!prepare_file(path, write, error))
        return NULL;
    return store_open_sqlite_on(path, write, key, NULL, WAIT_MS, error);
}
