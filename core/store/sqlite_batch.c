/* SPDX-License-Identifier: Apache-2.0 */
/* Wanted rows and states on their way into the file: a few are kept and then written by one
 * statement. They are written before anything reads or removes such rows, and before a commit. */
#include "core/store/sqlite.h"

#include "core/base/alloc.h"

#include <string.h>

enum { COLUMNS = 5 };

struct batch_row {
    uint64_t columns[COLUMNS - 1];
    size_t start, length; /* of the last column in the batch's data */
};
struct batch {
    struct batch_row rows[BATCH_ROWS];
    size_t count;
    struct str data;
};
struct batches {
    struct batch of[BATCHES];
};
/* How a batch is written. */
static const struct {
    enum sql one, all;
    const char *table;
} writings[BATCHES] = {
    [BATCH_SAID] = { SQL_SAID_PUT, SQL_SAID_PUT_ALL, "said" },
    [BATCH_STATE] = { SQL_STATE_PUT, SQL_STATE_PUT_ALL, "state" },
};

/* Binds the n-th row of a batch to the i-th group of places. */
static void bind_row(const struct batch *batch, sqlite3_stmt *statement, size_t n, int group) {
    const struct batch_row *row = &batch->rows[n];
    int place = group * COLUMNS;
    for (int i = 0; i < COLUMNS - 1; i++)
        sqlite3_bind_int64(statement, place + 1 + i, (sqlite3_int64)row->columns[i]);
    sqlite3_bind_blob64(statement, place + COLUMNS, batch->data.data + row->start, row->length,
                        SQLITE_STATIC);
}

/* Writes a full batch by one statement. */
static bool write_all(struct sqlite_store *s, enum batch_name name, const struct batch *batch,
                      struct iptfhir_error *error) {
    sqlite3_stmt *put = sql_write(s, writings[name].all, error);
    if (put == NULL)
        return false;
    for (int i = 0; i < BATCH_ROWS; i++)
        bind_row(batch, put, (size_t)i, i);
    return sql_run(s, put, writings[name].table, batch->rows[0].columns[0], error);
}

/* Writes the rows of a batch one by one. */
static bool write_each(struct sqlite_store *s, enum batch_name name, const struct batch *batch,
                       struct iptfhir_error *error) {
    for (size_t i = 0; i < batch->count; i++) {
        sqlite3_stmt *put = sql_write(s, writings[name].one, error);
        if (put == NULL)
            return false;
        bind_row(batch, put, i, 0);
        if (!sql_run(s, put, writings[name].table, batch->rows[i].columns[0], error))
            return false;
    }
    return true;
}

bool batch_flush(struct sqlite_store *s, enum batch_name name, struct iptfhir_error *error) {
    struct batch *batch = s->batches != NULL ? &s->batches->of[name] : NULL;
    if (batch == NULL || batch->count == 0)
        return true;
    bool ok = batch->count == BATCH_ROWS ? write_all(s, name, batch, error)
                                         : write_each(s, name, batch, error);
    if (!ok)
        return false; /* the rows stay, so that no commit leaves them out */
    batch->count = 0;
    str_clear(&batch->data);
    return true;
}

bool batch_add(struct sqlite_store *s, enum batch_name name, const uint64_t columns[4],
               struct iptfhir_error *error) {
    if (s->batches == NULL) {
        s->batches = base_malloc(sizeof *s->batches);
        if (s->batches == NULL)
            return sql_out_of_memory(error);
        memset(s->batches, 0, sizeof *s->batches);
    }
    struct batch *batch = &s->batches->of[name];
    if (batch->count == BATCH_ROWS && !batch_flush(s, name, error))
        return false;
    if (!str_reserve(&batch->data, s->row.length)) {
        batch->data.failed = false; /* what it holds is whole */
        return sql_out_of_memory(error);
    }
    struct batch_row *row = &batch->rows[batch->count++];
    memcpy(row->columns, columns, sizeof row->columns);
    row->start = batch->data.length;
    row->length = s->row.length;
    str_add(&batch->data, s->row.data, s->row.length);
    return true;
}

bool batch_has_patient(const struct sqlite_store *s, enum batch_name name, uint64_t patient) {
    const struct batch *batch = s->batches != NULL ? &s->batches->of[name] : NULL;
    for (size_t i = 0; batch != NULL && i < batch->count; i++)
        if (batch->rows[i].columns[0] >> ORDINAL_BITS == patient)
            return true;
    return false;
}

void batch_forget(struct sqlite_store *s) {
    for (size_t i = 0; s->batches != NULL && i < BATCHES; i++) {
        s->batches->of[i].count = 0;
        str_clear(&s->batches->of[i].data);
    }
}

void batch_free(struct sqlite_store *s) {
    for (size_t i = 0; s->batches != NULL && i < BATCHES; i++)
        str_free(&s->batches->of[i].data);
    base_free(s->batches);
    s->batches = NULL;
}
