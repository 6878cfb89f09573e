/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's small tables: facts, targets, lanes and holds. */
#include "core/store/checksum.h"
#include "core/store/sqlite.h"
#include "core/store/sqlite_calls.h"

#include <string.h>

enum { MOST_TARGETS = 200, KEY_PARTS = 5 };

/* ---- facts ---- */

/* The sum of a fact. */
static int64_t fact_sum(const char *name, struct store_bytes value) {
    return (int64_t)store_checksum(sql_sum_text(0, name), value.data, value.length);
}

/* A BLOB column; never NULL. */
static struct store_bytes column_bytes(sqlite3_stmt *statement, int column) {
    const char *data = sqlite3_column_blob(statement, column);
    int length = sqlite3_column_bytes(statement, column);
    return (struct store_bytes) { data != NULL ? data : "", (size_t)length };
}

bool sqlite_fact_get(struct store *store, const char *name, struct arena *a,
                     struct store_bytes *value, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_FACT_GET, error);
    *value = (struct store_bytes) { NULL, 0 };
    if (get == NULL)
        return false;
    sql_text(get, 1, name);
    int row = sql_step(s, get, "fact", 0, error);
    if (row <= 0)
        return row == 0;
    struct store_bytes found = column_bytes(get, 0);
    bool good = sqlite3_column_int64(get, 1) == fact_sum(name, found);
    char *copy = good ? arena_strndup(a, found.data, found.length) : NULL;
    sqlite3_reset(get);
    if (!good)
        return sql_damaged("fact", 0, error);
    if (copy == NULL)
        return sql_out_of_memory(error);
    *value = (struct store_bytes) { copy, found.length };
    return true;
}

bool sqlite_fact_set(struct store *store, const char *name, struct store_bytes value,
                     struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *set = sql_write(s, value.data != NULL ? SQL_FACT_SET : SQL_FACT_DROP, error);
    if (set == NULL)
        return false;
    sql_text(set, 1, name);
    if (value.data != NULL) {
        sqlite3_bind_blob64(set, 2, value.data, value.length, SQLITE_STATIC);
        sqlite3_bind_int64(set, 3, fact_sum(name, value));
    }
    return sql_run(s, set, "fact", 0, error);
}

/* Hands facts out from a statement that stands before them. */
static bool walk_facts(struct sqlite_store *s, sqlite3_stmt *walk, const char *prefix,
                       bool (*each)(void *user, const char *name, struct store_bytes value),
                       void *user, struct iptfhir_error *error) {
    int row;
    while ((row = sql_step(s, walk, "fact", 0, error)) == 1) {
        const char *name = sql_column_text(walk, 0);
        struct store_bytes value = column_bytes(walk, 1);
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            return true;
        if (sqlite3_column_int64(walk, 2) != fact_sum(name, value))
            return sql_damaged("fact", 0, error);
        if (!each(user, name, value))
            return true;
    }
    return row == 0;
}

bool sqlite_facts(struct store *store, const char *prefix,
                  bool (*each)(void *user, const char *name, struct store_bytes value), void *user,
                  struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *walk = NULL;
    s->ran++;
    if (sqlite3_prepare_v2(s->db, store_sql_facts, -1, &walk, NULL) != SQLITE_OK)
        return sql_error(s, "fact", 0, error);
    sql_text(walk, 1, prefix);
    bool ok = walk_facts(s, walk, prefix, each, user, error);
    sqlite3_finalize(walk);
    return ok;
}

/* ---- targets ---- */

/* Gives a new target the next number. */
static bool add_target(struct sqlite_store *s, const char *name, uint32_t *no,
                       struct iptfhir_error *error) {
    sqlite3_stmt *add = sql_write(s, SQL_TARGET_ADD, error);
    uint64_t next;
    if (add == NULL || !sql_next_no(s, SQL_TARGET_LAST, "target", &next, error))
        return false;
    if (next > MOST_TARGETS)
        return error_set(error, "store", NULL,
                         "the store has known %d targets and takes no more: use a name that it "
                         "knows, or a new store",
                         MOST_TARGETS);
    sqlite3_bind_int64(add, 1, (sqlite3_int64)next);
    sql_text(add, 2, name);
    sqlite3_bind_int64(add, 3, (sqlite3_int64)sql_sum_text(next, name));
    if (!sql_run(s, add, "target", next, error))
        return false;
    *no = (uint32_t)next;
    return true;
}

bool sqlite_target_no(struct store *store, const char *name, bool add, uint32_t *no,
                      struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_TARGET_NO, error);
    *no = 0;
    if (get == NULL)
        return false;
    sql_text(get, 1, name);
    int row = sql_step(s, get, "target", 0, error);
    if (row < 0)
        return false;
    if (row == 0)
        return !add || add_target(s, name, no, error);
    uint64_t found = (uint64_t)sqlite3_column_int64(get, 0);
    bool good = (uint64_t)sqlite3_column_int64(get, 1) == sql_sum_text(found, name);
    sqlite3_reset(get);
    if (!good)
        return sql_damaged("target", found, error);
    *no = (uint32_t)found;
    return true;
}

/* ---- lanes ---- */

bool sqlite_lane_put(struct store *store, uint32_t target, uint64_t patient, int64_t due_ms,
                     struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *put = sql_write(s, SQL_LANE_PUT, error);
    if (put == NULL)
        return false;
    sqlite3_bind_int64(put, 1, target);
    sqlite3_bind_int64(put, 2, (sqlite3_int64)patient);
    sqlite3_bind_int64(put, 3, due_ms);
    return sql_run(s, put, "lane", patient, error);
}

bool sqlite_lane_drop(struct store *store, uint32_t target, uint64_t patient,
                      struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *drop = sql_write(s, SQL_LANE_DROP, error);
    if (drop == NULL)
        return false;
    sqlite3_bind_int64(drop, 1, target);
    sqlite3_bind_int64(drop, 2, (sqlite3_int64)patient);
    return sql_run(s, drop, "lane", patient, error);
}

bool sqlite_lanes_due(struct store *store, uint32_t target, uint64_t after, int64_t now_ms,
                      size_t most, uint64_t *patients, size_t *count, int64_t *next_due,
                      struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *next = sql_start(s, SQL_LANES_NEXT, error);
    sqlite3_stmt *due = next != NULL ? sql_start(s, SQL_LANES_DUE, error) : NULL;
    *count = 0;
    *next_due = INT64_MAX;
    if (due == NULL)
        return false;
    sqlite3_bind_int64(next, 1, target);
    sqlite3_bind_int64(next, 2, now_ms);
    if (sql_step(s, next, "lane", after, error) != 1)
        return false;
    if (sqlite3_column_type(next, 0) == SQLITE_INTEGER)
        *next_due = sqlite3_column_int64(next, 0);
    sqlite3_reset(next);
    sqlite3_bind_int64(due, 1, target);
    sqlite3_bind_int64(due, 2, (sqlite3_int64)after);
    sqlite3_bind_int64(due, 3, now_ms);
    sqlite3_bind_int64(due, 4, (sqlite3_int64)most);
    int row;
    while ((row = sql_step(s, due, "lane", after, error)) == 1)
        patients[(*count)++] = (uint64_t)sqlite3_column_int64(due, 0);
    return row == 0;
}

/* ---- holds ---- */

/* The sum of a hold; what stays on replacement is part of it. */
static int64_t hold_sum(const struct store_hold *hold) {
    const struct store_hold_key *key = &hold->key;
    const char *texts[] = { key->job, key->unit, key->record, key->place, key->code, hold->detail };
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        sum = sql_sum_text(sum, texts[i] != NULL ? texts[i] : "");
    uint64_t numbers[] = { (uint64_t)hold->since_ms, (uint64_t)hold->poll };
    return (int64_t)sql_sum_numbers(sum, numbers, 2);
}

/* Binds the members of a hold's key from place 1. */
static void bind_hold_key(sqlite3_stmt *statement, const struct store_hold_key *key) {
    sql_text(statement, 1, key->job);
    sql_text(statement, 2, key->unit);
    sql_text(statement, 3, key->record);
    sql_text(statement, 4, key->place);
    sql_text(statement, 5, key->code);
}

/* Adds a hold. */
static bool add_hold(struct sqlite_store *s, const struct store_hold *hold,
                     struct iptfhir_error *error) {
    sqlite3_stmt *add = sql_write(s, SQL_HOLD_ADD, error);
    if (add == NULL)
        return false;
    bind_hold_key(add, &hold->key);
    sql_text(add, 6, hold->detail);
    sqlite3_bind_int64(add, 7, hold->since_ms);
    sqlite3_bind_int64(add, 8, hold->poll);
    sqlite3_bind_int64(add, 9, hold_sum(hold));
    return sql_run(s, add, "hold", 0, error);
}

/* Replaces what may change of a hold. */
static bool change_hold(struct sqlite_store *s, const struct store_hold *hold,
                        struct iptfhir_error *error) {
    sqlite3_stmt *change = sql_write(s, SQL_HOLD_CHANGE, error);
    if (change == NULL)
        return false;
    sqlite3_bind_int64(change, 1, hold->no);
    sql_text(change, 2, hold->detail);
    sqlite3_bind_int64(change, 3, hold->poll);
    sqlite3_bind_int64(change, 4, hold_sum(hold));
    return sql_run(s, change, "hold", (uint64_t)hold->no, error);
}

bool sqlite_hold_put(struct store *store, const struct store_hold *hold,
                     struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    struct store_hold row = *hold;
    sqlite3_stmt *find = sql_write(s, SQL_HOLD_FIND, error);
    if (find == NULL)
        return false;
    bind_hold_key(find, &hold->key);
    int known = sql_step(s, find, "hold", 0, error);
    if (known < 0)
        return false;
    if (known == 0)
        return add_hold(s, &row, error);
    row.no = sqlite3_column_int64(find, 0);
    row.since_ms = sqlite3_column_int64(find, 1);
    sqlite3_reset(find);
    return change_hold(s, &row, error);
}

bool sqlite_hold_drop(struct store *store, int64_t no, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *drop = sql_write(s, SQL_HOLD_DROP, error);
    if (drop == NULL)
        return false;
    sqlite3_bind_int64(drop, 1, no);
    return sql_run(s, drop, "hold", (uint64_t)no, error);
}

/* Reads the row that a statement stands on; its texts live until the next step. */
static bool read_hold(sqlite3_stmt *walk, struct store_hold *hold) {
    hold->no = sqlite3_column_int64(walk, 0);
    hold->key.job = sql_column_text(walk, 1);
    hold->key.unit = sql_column_text(walk, 2);
    hold->key.record = sql_column_text(walk, 3);
    hold->key.place = sql_column_text(walk, 4);
    hold->key.code = sql_column_text(walk, 5);
    hold->detail = sql_column_text(walk, 6);
    hold->since_ms = sqlite3_column_int64(walk, 7);
    hold->poll = sqlite3_column_int64(walk, 8);
    return sqlite3_column_int64(walk, 9) == hold_sum(hold);
}

bool sqlite_holds(struct store *store, const char *job,
                  bool (*each)(void *user, const struct store_hold *hold), void *user,
                  struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *walk = NULL;
    int row = -1;
    s->ran++;
    if (sqlite3_prepare_v2(s->db, store_sql_holds, -1, &walk, NULL) != SQLITE_OK)
        return sql_error(s, "hold", 0, error);
    if (job != NULL)
        sql_text(walk, 1, job);
    while ((row = sql_step(s, walk, "hold", 0, error)) == 1) {
        struct store_hold hold;
        if (!read_hold(walk, &hold)) {
            sql_damaged("hold", (uint64_t)hold.no, error);
            break;
        }
        if (!each(user, &hold)) {
            row = 0;
            break;
        }
    }
    sqlite3_finalize(walk);
    return row == 0;
}
