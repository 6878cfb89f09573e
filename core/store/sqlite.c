/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: opening, locking, transactions, and how statements are bound and run. */
#include "core/store/sqlite.h"

#include "core/base/clock.h"
#include "core/base/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool sql_error(struct store *s, const char *doing, struct iptfhir_error *error) {
    int code = s && s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
    const char *advice = (code & 0xff) == SQLITE_FULL
                             ? "; the disk is full: make room, nothing was lost"
                         : (code & 0xff) == SQLITE_IOERR ? "; check the disk"
                                                         : "";
    return error_set(error, "store", NULL, "could not %s: %s%s", doing,
                     s && s->db ? sqlite3_errstr(code) : "out of memory", advice);
}

sqlite3_stmt *sql_bind(struct store *s, enum sql which, struct iptfhir_error *error,
                       const char *types, ...) {
    sqlite3_stmt **slot = &s->statements[which];
    if (!*slot && sqlite3_prepare_v3(s->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT, slot,
                                     NULL) != SQLITE_OK) {
        sql_error(s, "prepare a statement of the store", error);
        return NULL;
    }
    va_list args;
    va_start(args, types);
    for (int i = 0; types[i]; i++) {
        if (types[i] == 'i') {
            sqlite3_bind_int64(*slot, i + 1, va_arg(args, int64_t));
        } else if (types[i] == 't') {
            sqlite3_bind_text(*slot, i + 1, va_arg(args, const char *), -1, SQLITE_STATIC);
        } else {
            const char *bytes = va_arg(args, const char *);
            sqlite3_bind_text64(*slot, i + 1, bytes, va_arg(args, size_t), SQLITE_STATIC,
                                SQLITE_UTF8);
        }
    }
    va_end(args);
    return *slot;
}

int sql_row(struct store *s, sqlite3_stmt *statement, struct iptfhir_error *error) {
    if (!statement)
        return -1;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        sql_error(s, "use the store", error);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? 0 : -1;
}

bool sql_run(struct store *s, sqlite3_stmt *statement, struct iptfhir_error *error) {
    return sql_row(s, statement, error) == 0;
}

const char *sql_text(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

bool store_begin(struct store *s, struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_BEGIN, error, ""), error);
}
bool store_commit(struct store *s, struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_COMMIT, error, ""), error);
}
void store_rollback(struct store *s) {
    if (!sqlite3_get_autocommit(s->db))
        sql_run(s, sql_bind(s, SQL_ROLLBACK, NULL, ""), NULL);
}

bool sql_accept(struct store *s, const char *job, int64_t count, struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_TALLY_ACCEPT, error, "ti", job, count), error);
}

bool sql_settle_tally(struct store *s, const char *job, enum store_outcome outcome,
                      struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_TALLY_SETTLE, error, "ti", job, (int64_t)outcome), error);
}

bool sql_settle_entry(struct store *s, int64_t entry, const char *job, enum store_outcome outcome,
                      struct iptfhir_error *error) {
    return sql_run(
               s,
               sql_bind(s, SQL_ENTRY_SETTLE, error, "iii", entry, (int64_t)outcome, clock_now_ms()),
               error) &&
           sql_settle_tally(s, job, outcome, error);
}

bool sql_drop_entry(struct store *s, int64_t entry, struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_BODY_DROP, error, "i", entry), error) &&
           sql_run(s, sql_bind(s, SQL_ENTRY_DROP, error, "i", entry), error);
}

bool sql_refresh_set(struct store *s, int64_t set, struct iptfhir_error *error) {
    return sql_run(s, sql_bind(s, SQL_SET_REFRESH, error, "i", set), error) &&
           sql_run(s, sql_bind(s, SQL_SET_GONE, error, "i", set), error);
}

/* Read the key that names records in logs, making it at the first opening. */
static bool load_log_key(struct store *s, enum store_access access, struct iptfhir_error *error) {
    sqlite3_stmt *get = sql_bind(s, SQL_META_GET, error, "t", "log-key");
    int row = sql_row(s, get, error);
    if (row == 1 && sqlite3_column_bytes(get, 0) == (int)sizeof s->log_key)
        memcpy(s->log_key, sqlite3_column_blob(get, 0), sizeof s->log_key);
    if (row == 1)
        sqlite3_reset(get);
    if (row != 0 || access == STORE_READ)
        return row >= 0;
    if (!crypt_random(s->log_key, sizeof s->log_key))
        return error_set(error, "store", NULL, "the system gave no random bytes");
    sqlite3_stmt *set = sql_bind(s, SQL_META_SET, error, "t", "log-key");
    if (!set ||
        sqlite3_bind_blob(set, 2, s->log_key, sizeof s->log_key, SQLITE_STATIC) != SQLITE_OK)
        return sql_error(s, "keep the log key", error);
    return sql_run(s, set, error);
}

/* Make the file with mode 0600 before SQLite would make it with another. */
static bool create_private(const char *path, struct iptfhir_error *error) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, "store", path,
                         "cannot open the store: %s; check that its folder exists and is yours",
                         strerror(errno));
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
              ((st.st_mode & 077) == 0 || fchmod(fd, 0600) == 0);
    close(fd);
    return ok ? true
              : error_set(error, "store", path,
                          "the store must be a regular file of yours with mode 0600");
}

/* Wait for the other process's transaction. They last milliseconds and alternate: SQLite's own
 * back-off, up to 100 ms a time, would leave both waiting most of the time. Gives up after about
 * half a minute. */
static int wait_for_lock(void *unused, int tries) {
    (void)unused;
    usleep(tries < 50 ? 200 : 1000);
    return tries < 30000;
}

struct store *store_open(const char *path, enum store_access access, struct iptfhir_error *error) {
    struct stat st;
    if (access == STORE_WRITE
            ? !create_private(path, error)
            : stat(path, &st) != 0 &&
                  !error_set(error, "store", path, "there is no store yet: run iptfhir sync first"))
        return NULL;
    struct store *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    bool ok = sqlite3_open_v2(path, &s->db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                              NULL) == SQLITE_OK &&
              sqlite3_busy_handler(s->db, wait_for_lock, NULL) == SQLITE_OK &&
              sqlite3_exec(s->db,
                           "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA "
                           "foreign_keys=OFF; PRAGMA secure_delete=ON;"
                           "PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY; PRAGMA "
                           "wal_autocheckpoint=2000; PRAGMA trusted_schema=OFF;",
                           NULL, NULL, NULL) == SQLITE_OK;
    if (!ok)
        sql_error(s, "open the store", error);
    if (ok && sql_migrate(s, error) && load_log_key(s, access, error))
        return s;
    store_close(s);
    return NULL;
}

void store_close(struct store *s) {
    if (!s)
        return;
    for (int i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    crypt_wipe(s->log_key, sizeof s->log_key);
    free(s);
}

const unsigned char *store_log_key(const struct store *s) {
    return s->log_key;
}

int store_lock(const char *path, const char *purpose, struct iptfhir_error *error) {
    struct str lock = { 0 };
    str_printf(&lock, "%s.lock", path);
    int fd = lock.failed ? -1 : open(lock.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        error_set(error, "store", path, "cannot make the lock file beside the store: %s",
                  strerror(errno));
        goto out;
    }
    char now[25], text[160] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        error_set(error, "store-locked", path,
                  "the store is in use by %s: wait for it to end, or stop that process",
                  *text ? text : "another process");
        close(fd);
        fd = -1;
        goto out;
    }
    clock_format(clock_now_ms(), now);
    int n = snprintf(text, sizeof text, "process %ld (iptfhir %s, since %s)", (long)getpid(),
                     purpose, now);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        error_set(error, "store", path, "cannot write the lock file beside the store: %s",
                  strerror(errno));
        close(fd);
        fd = -1;
    }
out:
    str_free(&lock);
    return fd;
}
