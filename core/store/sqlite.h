/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite store share: the handle, its statements, words and errors. */
#ifndef CORE_STORE_SQLITE_H
#define CORE_STORE_SQLITE_H

#include "core/base/str.h"
#include "core/store/pack.h"
#include "core/store/store.h"

#include <sqlite3.h>

/* Statements by name; their SQL stands in sqlite_statements.c. */
enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_DATA_VERSION,
    SQL_WORD_NO,
    SQL_WORD_TEXT,
    SQL_WORD_ADD,
    SQL_WORD_LAST,
    SQL_FACT_GET,
    SQL_FACT_SET,
    SQL_FACT_DROP,
    SQL_TARGET_NO,
    SQL_TARGET_LAST,
    SQL_TARGET_ADD,
    SQL_PATIENT_FIND,
    SQL_PATIENT_GET,
    SQL_PATIENT_ADD,
    SQL_PATIENT_LAST,
    SQL_RECORD_FIND,
    SQL_RECORD_GET,
    SQL_RECORDS_OF,
    SQL_RECORD_LAST,
    SQL_RECORD_PUT,
    SQL_SAID_OF,
    SQL_SAID_LAST,
    SQL_SAID_PUT,
    SQL_SAID_PUT_ALL,
    SQL_SAID_DROP,
    SQL_BODIES_LAST,
    SQL_BODIES_PUT,
    SQL_BODIES_GET,
    SQL_BODIES_OF,
    SQL_BODIES_DROP,
    SQL_STATES_OF,
    SQL_STATE_PUT,
    SQL_STATE_PUT_ALL,
    SQL_STATE_DROP,
    SQL_STATE_DROP_ALL,
    SQL_LANE_PUT,
    SQL_LANE_DROP,
    SQL_LANES_DUE,
    SQL_LANES_NEXT,
    SQL_HOLD_FIND,
    SQL_HOLD_ADD,
    SQL_HOLD_CHANGE,
    SQL_HOLD_DROP,
    SQL_STATEMENTS
};
extern const char *const store_sql[SQL_STATEMENTS];
extern const char store_schema[];
/* Walks, prepared anew each time so that one may run within another. */
extern const char store_sql_facts[], store_sql_patients[], store_sql_records[], store_sql_holds[];

/* Keys are numbers of these many bits: target, patient, ordinal or sequence. */
enum { PATIENT_BITS = 35, ORDINAL_BITS = 20, SEQUENCE_BITS = 24, ROW_SUM = 4 };

struct words;   /* sqlite_words.c */
struct codec;   /* sqlite_bodies.c */
struct batches; /* sqlite_batch.c */
/* The highest number that a patient has in a table, as this transaction knows it. */
struct last_known {
    uint64_t patient; /* 0: none is known */
    uint64_t number;
};
struct sqlite_store {
    struct store base;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_STATEMENTS];
    unsigned char key[32];
    bool in_transaction;
    int64_t wait_ms;      /* how long begin() waits for another writer */
    int64_t wait_until;   /* steady */
    uint64_t ran;         /* statements so far */
    struct str row;       /* the row that is being packed */
    void *list;           /* rows that are being read, from base_malloc */
    size_t list_capacity; /* in bytes */
    struct words *words;
    struct codec *codec;
    struct batches *batches;
    size_t settled_length; /* of the last state that was packed with an answer */
    struct last_known last_said, last_bodies;
};

/* ---- sqlite.c ---- */
/* store_open_sqlite() with a VFS below the store's (NULL: the default), and how long begin() waits:
 * for tests. */
struct store *store_open_sqlite_on(const char *path, bool write, const unsigned char key[32],
                                   const char *vfs, int64_t wait_ms, struct iptfhir_error *error);
static inline struct sqlite_store *sqlite_of(struct store *s) {
    return (struct sqlite_store *)(void *)s;
}

/* ---- sqlite_run.c: statements, rows and walks ---- */
/* Reports what SQLite said of a row of a table; false. */
bool sql_error(struct sqlite_store *s, const char *table, uint64_t key,
               struct iptfhir_error *error);
/* Reports that a row is not what was written ("store-damaged"); false. */
bool sql_damaged(const char *table, uint64_t key, struct iptfhir_error *error);
bool sql_out_of_memory(struct iptfhir_error *error);
/* True for an error that sql_damaged() made. */
bool sql_is_damage(const struct iptfhir_error *error);
/* A statement, ready to be bound; NULL and an error on failure. */
sqlite3_stmt *sql_start(struct sqlite_store *s, enum sql which, struct iptfhir_error *error);
/* True within a transaction; else an error. */
bool sql_may_write(struct sqlite_store *s, struct iptfhir_error *error);
/* The same for a statement that writes: fails outside a transaction. */
sqlite3_stmt *sql_write(struct sqlite_store *s, enum sql which, struct iptfhir_error *error);
/* Runs a statement up to its next row: 1 with a row, 0 at its end, -1 and an error on failure. It
 * is reset in the last two cases; after a row the caller goes on or resets it. */
int sql_step(struct sqlite_store *s, sqlite3_stmt *statement, const char *table, uint64_t key,
             struct iptfhir_error *error);
/* Runs a statement that gives no row. */
bool sql_run(struct sqlite_store *s, sqlite3_stmt *statement, const char *table, uint64_t key,
             struct iptfhir_error *error);
/* Binds a text, NULL as "". */
void sql_text(sqlite3_stmt *statement, int place, const char *text);
/* A column's text, never NULL. */
const char *sql_column_text(sqlite3_stmt *statement, int column);
/* Joins a key's parts; false and an error when one is too large. */
bool sql_key(uint32_t target, uint64_t patient, uint64_t low, int low_bits, sqlite3_int64 *key,
             struct iptfhir_error *error);
/* The keys of all rows of a patient. */
bool sql_bind_range(sqlite3_stmt *statement, uint32_t target, uint64_t patient, int low_bits,
                    struct iptfhir_error *error);
/* Sums numbers up, and texts. */
uint64_t sql_sum_numbers(uint64_t seed, const uint64_t *numbers, size_t count);
uint64_t sql_sum_text(uint64_t seed, const char *text);
/* Ends the row in s->row with its sum. */
void sql_end_row(struct sqlite_store *s, uint64_t seed);
/* Begins to read a packed row; false when its sum is wrong. */
bool sql_open_row(sqlite3_stmt *statement, int column, uint64_t seed, struct unpacker *u);
/* Makes room for a packed row of up to `size` bytes and its sum. */
bool sql_pack_start(struct sqlite_store *s, size_t size, struct packer *p,
                    struct iptfhir_error *error);
void sql_pack_end(struct sqlite_store *s, const struct packer *p);
/* Makes room for `size` bytes in s->list. */
bool sql_list_room(struct sqlite_store *s, size_t size, struct iptfhir_error *error);
/* Copies `count` elements of `size` bytes from s->list to the arena. */
bool sql_list_out(struct sqlite_store *s, size_t count, size_t size, struct arena *a, void **out,
                  struct iptfhir_error *error);
/* The next number of a patient in a table: what `known` or the statement `which` says, plus 1. */
bool sql_next_number(struct sqlite_store *s, struct last_known *known, enum sql which,
                     uint64_t patient, int low_bits, const char *table, uint64_t *next,
                     struct iptfhir_error *error);
/* The highest number in a table of dense numbers, plus 1. */
bool sql_next_no(struct sqlite_store *s, enum sql which, const char *table, uint64_t *next,
                 struct iptfhir_error *error);
/* Walks a table whose keys are dense numbers; damage costs what is damaged, and the walk fails at
 * its end. `row` decodes and hands out: 1 go on, 0 stop, -1 failed. `job`: bound as ?2, 0: any. */
bool sql_walk(struct sqlite_store *s, const char *sql, const char *table, uint64_t job,
              int (*row)(struct sqlite_store *s, sqlite3_stmt *statement, void *user,
                         struct iptfhir_error *error),
              void *user, struct iptfhir_error *error);

/* ---- sqlite_words.c: texts that repeat, by number ---- */
/* The number of a text, 0 for "" and NULL. With add, a new text gets one [tx]; else *no is
 * SQL_NO_WORD for an unknown one. */
#define SQL_NO_WORD UINT32_MAX
bool words_no(struct sqlite_store *s, const char *text, bool add, uint32_t *no,
              struct iptfhir_error *error);
/* The text of a number, in the arena. */
bool words_text(struct sqlite_store *s, uint64_t no, struct arena *a, const char **text,
                struct iptfhir_error *error);
/* Forgets what a transaction that was taken back added. */
void words_rollback(struct sqlite_store *s);
void words_commit(struct sqlite_store *s);
void words_free(struct sqlite_store *s);

/* ---- sqlite_batch.c: rows on their way into the file ---- */
enum batch_name { BATCH_SAID, BATCH_STATE, BATCHES };
enum { BATCH_ROWS = 8 };
/* Takes the packed row in s->row, ended by sql_end_row(), with the columns before it; the first is
 * its key. */
bool batch_add(struct sqlite_store *s, enum batch_name name, const uint64_t columns[4],
               struct iptfhir_error *error);
/* Writes what was taken. */
bool batch_flush(struct sqlite_store *s, enum batch_name name, struct iptfhir_error *error);
/* True when rows of a patient (without target) are on their way. */
bool batch_has_patient(const struct sqlite_store *s, enum batch_name name, uint64_t patient);
void batch_forget(struct sqlite_store *s);
void batch_free(struct sqlite_store *s);

/* ---- sqlite_bodies.c ---- */
void codec_free(struct sqlite_store *s);
/* zstd's level for what is written from now on: for the benchmark. */
bool codec_set_level(struct sqlite_store *s, int level, struct iptfhir_error *error);
/* What names the dictionary that bodies are compressed with. */
enum { DICTIONARY_NAME = 12 };
void codec_dictionary_name(unsigned char out[DICTIONARY_NAME]);

#endif
