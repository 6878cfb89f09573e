/* SPDX-License-Identifier: Apache-2.0 */
/* The store: outbox, ledger and cursors, the only place where ingest and delivery meet. One
 * implementation: sqlite*.c.
 *
 * Words: a change set is all resources of one record revision for one target; an entry is one
 * resource in it; a hold is a part of the input that never became a resource (a row, a measure, a
 * record) and waits for a person; a lane is a patient. The conservation law: for each job, accepted
 * = settled + pending + held. `accepted` and `settled` are counted by the same transactions that
 * move entries; pending and held are what the tables hold.
 *
 * A store handle belongs to one thread. All functions return false (or -1) and fill `error` on
 * failure; a failed call inside a transaction leaves it to the caller to roll back. Texts are
 * UTF-8. */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/tree/arena.h"

#include <stdint.h>

struct store;

enum store_access {
    STORE_WRITE /* created when missing, mode 0600 */,
    STORE_READ /* must exist */
};
/* Opens the store and migrates its schema (one transaction); refuses a newer schema with both
 * numbers. */
struct store *store_open(const char *path, enum store_access access, struct iptfhir_error *error);
void store_close(struct store *s);
/* One service at a time: takes the lock file beside the store. The file descriptor keeps the lock
 * until it is closed (also by death). When another holds it, the error names its pid, command and
 * start time. -1 on failure. */
int store_lock(const char *path, const char *purpose, struct iptfhir_error *error);
/* The 32-byte key that names records in logs; made at the first opening. */
const unsigned char *store_log_key(const struct store *s);

bool store_begin(struct store *s, struct iptfhir_error *error);
bool store_commit(struct store *s,
                  struct iptfhir_error *error); /* durable when it returns (synchronous=FULL) */
void store_rollback(struct store *s);

/* ---- ingest; all inside a transaction ---- */
/* The job's cursor into `out` (cleared when there is none). */
bool store_cursor(struct store *s, const char *job, struct str *out, struct iptfhir_error *error);
bool store_set_cursor(struct store *s, const char *job, const char *cursor,
                      struct iptfhir_error *error);
/* True in *same when the record was last mapped with this very hash (of record, mappings and
 * settings). */
bool store_record_same(struct store *s, const char *job, const char *record_id, const char *hash,
                       bool *same, struct iptfhir_error *error);
bool store_set_record(struct store *s, const char *job, const char *record_id, const char *hash,
                      struct iptfhir_error *error);
/* Settles as `superseded` what earlier revisions of the record left pending or held for the target
 * (never what is in flight or unknown). */
bool store_supersede(struct store *s, const char *job, const char *target, const char *record_id,
                     struct iptfhir_error *error);
/* The hash that the target was last seen to hold of a resource; "" when none, or while an answer is
 * missing: then what it holds isn't known. */
bool store_ledger_hash(struct store *s, const char *target, const char *uuid, char out[65],
                       struct iptfhir_error *error);
/* The body that the target was last sent of a resource, in the arena; NULL when none. */
bool store_last_body(struct store *s, const char *target, const char *uuid, struct arena *arena,
                     const char **body, struct iptfhir_error *error);
/* A new change set; `patient` is JSON: {"identifiers":[{"system","value"}],"family","birthDate"}.
 */
bool store_add_set(struct store *s, const char *job, const char *target, const char *record_id,
                   const char *lane, const char *patient, int64_t *id, struct iptfhir_error *error);
struct store_resource {
    const char *type, *uuid, *identifier_system, *identifier_value, *hash, *body;
    size_t body_length;
};
/* Adds an entry; `position` is its place in dependency order; held_code: NULL, or the entry is held
 * from the start. */
bool store_add_entry(struct store *s, int64_t set, int position, const struct store_resource *r,
                     const char *held_code, const char *held_detail, struct iptfhir_error *error);
/* After the last entry: the set waits for delivery (or is settled when it has nothing to send). */
bool store_finish_set(struct store *s, int64_t set, struct iptfhir_error *error);
struct store_hold_in {
    const char *job, *key, *file, *record_id, *where, *code, *detail;
    int64_t poll;
};
/* Adds or refreshes a hold; `key` identifies it within the job ("record\x1fpointer" or "file:row").
 */
bool store_hold(struct store *s, const struct store_hold_in *hold, struct iptfhir_error *error);
/* Settles holds that a later reading made void: all of one record not refreshed in `poll`; all of
 * one file likewise. */
bool store_clear_holds(struct store *s, const char *job, const char *record_id, const char *file,
                       int64_t poll, struct iptfhir_error *error);
/* How often a record in hand killed ingest; adds one and returns the count in *deaths. */
bool store_count_death(struct store *s, const char *job, const char *key, int *deaths,
                       struct iptfhir_error *error);

/* ---- delivery ---- */
enum store_state { STORE_PENDING, STORE_INFLIGHT, STORE_UNKNOWN, STORE_HELD, STORE_SETTLED };
struct store_entry {
    int64_t id;
    enum store_state state; /* PENDING or UNKNOWN in a claim */
    const char *type, *uuid, *identifier_system, *identifier_value, *hash, *body;
    size_t body_length;
    const char *server_id, *version, *ledger_hash, *base; /* from the ledger; NULL: none */
};
struct store_claim {
    int64_t id;
    const char *job, *record_id, *lane, *patient;
    int attempts;
    struct store_entry *entries;
    size_t count;
};
/* What was in flight when a process died becomes UNKNOWN and pending again. Call when the lock is
 * held, before claiming. */
bool store_recover(struct store *s, struct iptfhir_error *error);
/* Claims up to `max` due change sets of a target, at most one per lane and never past an unfinished
 * earlier one of its lane; durable before it returns. Everything lives in `arena`. */
bool store_claim(struct store *s, const char *target, size_t max, int64_t now_ms,
                 struct arena *arena, struct store_claim **claims, size_t *count,
                 struct iptfhir_error *error);
/* What the ledger knows of a resource that a body refers to; *server_id NULL when not there. held:
 * its newest entry is held. */
struct store_known {
    const char *type, *identifier_system, *identifier_value, *server_id;
    bool held;
};
bool store_reference(struct store *s, const char *target, const char *uuid, struct arena *arena,
                     struct store_known *known, struct iptfhir_error *error);
enum store_outcome {
    STORE_CREATED = 1,
    STORE_UPDATED,
    STORE_UNCHANGED,
    STORE_SUPERSEDED,
    STORE_DISCARDED
};
struct store_receipt {
    int64_t entry;
    enum store_state
        state; /* SETTLED (outcome, server_id, version), HELD (code, detail), PENDING or UNKNOWN */
    enum store_outcome outcome;
    const char *server_id, *version, *code, *detail;
};
/* Stores the receipts of one claimed set and frees it: pending entries wait until `next_ms`;
 * `spent` counts an attempt. Inside a transaction of the caller, so that many sets share one
 * commit. */
bool store_settle(struct store *s, const char *target, int64_t set,
                  const struct store_receipt *receipts, size_t count, int64_t next_ms, bool spent,
                  struct iptfhir_error *error);
/* When the next pending set of a target is due: milliseconds since 1970, -1 when nothing is
 * pending. */
int64_t store_next_due(struct store *s, const char *target);

/* ---- reports and the way out ---- */
struct store_counts {
    const char *job;
    int64_t accepted, settled, pending, held;                   /* the law */
    int64_t created, updated, unchanged, superseded, discarded; /* settled, by outcome */
    int64_t unknown, inflight, oldest_ms; /* of pending; age base of the oldest unsettled */
};
/* One row a job, in name order. */
bool store_counts(struct store *s, bool (*row)(void *user, const struct store_counts *), void *user,
                  struct iptfhir_error *error);
struct store_item {
    const char *id; /* "e17" an entry, "h3" a hold: what the outbox commands take */
    const char *job, *target, *record_id, *type, *identifier, *state, *code, *detail, *where,
        *body; /* "" when none; body only in show */
    int attempts;
    int64_t since_ms, next_ms;
};
/* Unsettled items, oldest first; filters may be NULL; `id` picks one and includes its body. */
bool store_items(struct store *s, const char *job, const char *state, const char *code,
                 const char *id, bool (*row)(void *user, const struct store_item *), void *user,
                 struct iptfhir_error *error);
/* Puts held items back to pending (an entry) or forgets the hold so that the next sync reads it
 * again (a hold: the record's hash and the job's cursor are cleared). `id` NULL: all that match job
 * and code. *count gets how many. */
bool store_retry(struct store *s, const char *job, const char *code, const char *id, int64_t *count,
                 struct iptfhir_error *error);
/* Settles held items as discarded: a person decided that they are not sent. */
bool store_discard(struct store *s, const char *job, const char *code, const char *id,
                   int64_t *count, struct iptfhir_error *error);
#endif
