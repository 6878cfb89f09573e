/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of intake share: its state, and the store's calls with a fault that sticks. */
#ifndef CORE_SYNC_INTAKE_INTERNAL_H
#define CORE_SYNC_INTAKE_INTERNAL_H

#include "core/base/crypt.h"
#include "core/base/str.h"
#include "core/sync/intake.h"

enum { INTAKE_TARGETS = 200 }; /* as many as the store numbers */

/* ---- what waits for the next flush ---- */
enum intake_kind { INTAKE_TAKE, INTAKE_REFUSE, INTAKE_CONFIRM };
struct intake_entry {
    struct intake_entry *next;
    enum intake_kind kind;
    struct intake_record record; /* INTAKE_TAKE whole; INTAKE_CONFIRM id to content */
    struct store_hold_key key;   /* INTAKE_REFUSE */
    const char *detail;
    struct store_bytes facts; /* NULL data: none */
    int64_t now_ms;
};

/* A set of 64-bit numbers. */
struct intake_set {
    uint64_t *slots; /* 0: free */
    size_t count, capacity;
};

/* A bit per number. */
struct intake_bits {
    uint64_t *bits;
    size_t words;
};

/* ---- holds of the job, by the record that they name ---- */
enum { INTAKE_HOLD_BUCKETS = 4096 };
struct intake_held {
    struct intake_held *next;
    struct store_hold_key key;
    uint64_t detail; /* a hash of the text */
    int64_t no;      /* 0: written in this poll, not asked for yet */
    bool confirmed;  /* said again in this poll */
    bool dropped;
};
struct intake_holds {
    struct intake_held *buckets[INTAKE_HOLD_BUCKETS];
    struct intake_held *former;   /* a chain: of jobs that are configured no more */
    struct intake_set units;      /* hashes of the units that they name */
    struct intake_set units_read; /* of those, what was read in this poll */
    struct arena arena;
};

struct intake_alias {
    struct intake_alias *next;
    const char *local_id;
    uint64_t patient;
};
/* A row that was withdrawn in this flush. */
struct intake_withdrawn {
    uint64_t patient;
    uint32_t ordinal;
};

struct intake {
    struct store *store;
    const struct store_calls *calls;
    const struct intake_settings *settings;
    struct iptfhir_error fault; /* the first failure; nothing is done after it */
    int64_t poll;
    struct intake_poll before;        /* as the poll found it */
    struct crypt_mac mac;             /* keyed for hashes of bodies */
    uint32_t targets[INTAKE_TARGETS]; /* of the job */
    size_t target_count;
    uint32_t known[INTAKE_TARGETS]; /* of any job that was ever served */
    size_t known_count;
    struct intake_counts counts;
    size_t answered;            /* records of the question that a busy store interrupted */
    struct intake_bits seen;    /* record numbers: they stood in this poll */
    struct intake_bits counted; /* of them, those whose revision counted */
    struct intake_holds holds;
    struct intake_set present; /* hashes of units that the source skipped */
    struct intake_set torn;    /* hashes of units that have a row which found no record */
    struct intake_alias *aliases;
    struct arena lasting; /* aliases, clinic rows */
    bool unreadable;      /* a row of this poll found no record */
    bool remapped;        /* records were mapped otherwise since the last whole poll */
    struct arena buffer;  /* entries */
    struct intake_entry *first, *last;
    size_t entries;
    struct str cursor;
    bool has_cursor;
    struct arena scratch; /* of the entry that is applied */
    uint64_t lane_last;   /* the patient whose lanes were put last in this flush */
    struct intake_withdrawn *withdrawn;
    size_t withdrawn_count, withdrawn_capacity;
    uint32_t withdrawn_part; /* numbers the lists of this poll */
};

/* ---- intake_rows.c: the store, one fault for all calls ----
 * After a fault these do nothing and give nothing: ask intake_ok() at the end. */
bool intake_ok(const struct intake *in);
void intake_fault(struct intake *in, const char *code, const char *text);
/* Memory of the entry in hand, zeroed; NULL only after a fault. */
void *intake_memory(struct intake *in, size_t size);
char *intake_text(struct intake *in, const char *text);
uint64_t intake_hash64(const char *text);
bool intake_set_add(struct intake *in, struct intake_set *set, uint64_t number);
bool intake_set_has(const struct intake_set *set, uint64_t number);
bool bits_have(const struct intake_bits *bits, uint64_t number);
void bits_set(struct intake *in, struct intake_bits *bits, uint64_t number);
bool rows_record(struct intake *in, const char *id, struct store_record *out);
void rows_put_record(struct intake *in, struct store_record *record);
uint64_t rows_patient(struct intake *in, const char *local_id, bool add, bool *fresh);
/* The local id of a patient as the store has it; "" after a fault. */
const char *rows_local_id(struct intake *in, uint64_t patient);
struct store_said **rows_said(struct intake *in, uint64_t patient, size_t *count);
void rows_put_said(struct intake *in, struct store_said *said);
void rows_drop_said(struct intake *in, const struct store_said *said);
/* The numbers of a patient's sets of bodies, ascending. */
uint32_t *rows_body_sets(struct intake *in, uint64_t patient, size_t *count);
void rows_drop_bodies(struct intake *in, uint64_t patient, uint32_t sequence);
struct store_state *rows_states(struct intake *in, uint32_t target, uint64_t patient,
                                size_t *count);
/* The patient's lanes at all targets of any job: what a record says of its patient counts wherever
 * other jobs send that patient's records, and the lane knows what goes there. */
void rows_put_lanes(struct intake *in, uint64_t patient);
void rows_set_fact(struct intake *in, const char *name, const char *text);

/* Whether a job is configured, so that what it has read stays its own. */
bool rows_job_stands(const struct intake *in, const char *job);

/* ---- intake_holds.c ---- */
void holds_load(struct intake *in);
void holds_free(struct intake_holds *holds);
/* Says a hold in this poll: written unless it stands as it is. */
void holds_say(struct intake *in, const struct store_hold_key *key, const char *detail,
               int64_t now_ms);
/* The holds of a record must be said anew. */
void holds_doubt(struct intake *in, const char *record);
/* Drops the holds of a record that have this code (NULL: that were not said in this poll). */
void holds_release(struct intake *in, const char *record, const char *code);
/* True when the hold stands: of this record with this code and place; then it is said again. */
bool holds_confirm(struct intake *in, const char *record, const char *code, const char *place);
/* Notes that something of a unit was read. */
void holds_read_unit(struct intake *in, const char *unit);
/* The poll has ended whole: drops what nobody says any more. */
void holds_settle(struct intake *in);

/* ---- intake_facts.c ---- */
/* The facts of a record that is held: `base` without what was held before (unless `keep`), and
 * what the refused revisions say under "held". */
struct store_bytes facts_held(struct intake *in, struct store_bytes base, bool keep_held,
                              const struct store_bytes *said, size_t count);
/* The same facts, of a record that names another patient by now. */
struct store_bytes facts_moved(struct intake *in, struct store_bytes facts);
/* The facts without what was held, of a record that names its patient again. */
struct store_bytes facts_live(struct intake *in, struct store_bytes facts);
/* patient.localId of the last held revision in facts, NULL when it can't be read. */
const char *facts_held_id(struct intake *in, struct store_bytes facts);
/* patient.localId of facts, NULL when it can't be read. */
const char *facts_local_id(struct intake *in, struct store_bytes facts);

/* ---- intake_refusals.c ---- */
/* Keeps what a held reading refuses for the patient that it names, when its row, which has a
 * number, stands under another one. */
void refusals_keep(struct intake *in, const struct store_record *row, const char *local_id,
                   struct store_bytes facts, int64_t revision_ms);
/* The same for a row that names a patient, but no record: until its unit is read without one. */
void refusals_keep_nameless(struct intake *in, const char *unit, const char *local_id,
                            struct store_bytes facts);
/* At the end of a poll: forgets what rows without a record refused that were put right. */
void refusals_settle(struct intake *in);
/* The record is held no more: what it refuses stands where it stands. */
void refusals_forget(struct intake *in, const struct store_record *row);

/* ---- intake_take.c: one record at a time, in a transaction ---- */
void take_record(struct intake *in, const struct intake_record *record, int64_t now_ms);
void take_hold(struct intake *in, const struct intake_entry *entry);
/* A record that a unit with an unreadable row doesn't show: it may be that row. */
void take_hidden(struct intake *in, struct store_record *row, int64_t now_ms);
/* Nothing hides it any more. */
void take_unhidden(struct intake *in, struct store_record *row);
void take_confirmed(struct intake *in, const struct intake_record *record);
/* How a reading stands to the row: below 0 older, 0 the same revision or none, above 0 newer. */
int take_compare(const struct intake_record *record, const struct store_record *row);
/* True when the content is that of the row. */
bool take_same_content(const struct intake_record *record, const struct store_record *row);
/* True when the reading, which is no older, leaves the row's resources as they are. */
/* Whether a revision is so far ahead of the clock that it can't be believed. */
bool take_is_future(const struct intake_record *record, int64_t now_ms);
bool take_is_as_before(const struct intake *in, const struct intake_record *record,
                       const struct store_record *row);

/* ---- intake_resources.c: a record's resources against its rows ---- */
/* True when rows changed. rows_exist: the patient may have rows of the record. */
bool resources_take(struct intake *in, uint64_t patient, const struct store_record *record,
                    const struct intake_record *reading, bool rows_exist);
/* True when something of the record's rows was ever sent, or is attempted, at any target. */
bool resources_touched(struct intake *in, const struct store_record *record);
/* What the record said of its patient is withdrawn as `wanted`; what was never sent is dropped. */
void resources_leave(struct intake *in, const struct store_record *record,
                     enum store_wanted wanted);
/* Drops the sets of bodies that nothing of the patient refers to any more, but for the newest one:
 * its number would be given to the next set, while somebody may still hold a row that names it. */
void resources_sweep(struct intake *in, uint64_t patient);

/* ---- intake.c ---- */
void intake_write_poll(struct intake *in, bool polling);

/* ---- intake_end.c ---- */
void end_settle(struct intake *in, int64_t now_ms);
/* Keeps what the flush withdrew, for the decision at the end of the poll. */
void end_keep_withdrawn(struct intake *in);
#endif
