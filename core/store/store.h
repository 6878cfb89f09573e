/* SPDX-License-Identifier: Apache-2.0 */
/* The store: what the clinic wants each EHR to hold, what each was sent and holds now, and why the
 * two differ. An interface as a table of functions; memory.c and sqlite*.c implement it, and one
 * conformance suite (conformance.h) holds for both.
 *
 * The store keeps rows and knows no rule: which revision counts, what may be sent and what comes
 * next is decided in core/sync. Rows are found by numbers that follow the patient: `patient` is
 * given in order of arrival, `ordinal` counts the resources of a patient, `sequence` its bodies.
 *
 * Transactions  Calls marked [tx] must stand between begin() and commit(). All others may; outside
 *               they read what was committed last. A transaction sees its own writes. begin() waits
 *               a bounded time for another writer, then fails with the code "store-busy".
 * Errors        Every call returns false and fills `error` (first wins) on failure. Inside a
 *               transaction the caller then rolls back. Code "store-damaged": what was read is not
 *               what was written; nothing of it is handed out.
 * Memory        What a call hands out lives in the caller's arena. What is handed in is copied.
 * Threads       A handle belongs to one thread. Several handles, also of several processes, may be
 *               open on one store. */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include "core/base/error.h"
#include "core/tree/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_HASH = 16, /* bytes of a keyed hash */
    STORE_UUID = 16  /* bytes of a UUID, in the order of its text */
};
/* A stretch of bytes, not terminated. */
struct store_bytes {
    const char *data;
    size_t length;
};
/* One body of a patient: the set it was written with, and its place there. sequence 0: none. */
struct store_body_at {
    uint32_t sequence;
    uint32_t index;
};

/* ---- whose: patients and records ---- */
struct store_patient {
    uint64_t no;          /* 1 and up, in order of arrival */
    const char *clinic;   /* jobs that name the same clinic share patients */
    const char *local_id; /* within the clinic; "" for what is the clinic's own and no patient's */
};
/* Where a record stands with its source. */
enum store_record_state {
    STORE_RECORD_LIVE,
    STORE_RECORD_HELD, /* its newest revision can't be used or contradicts: `code` says why */
    STORE_RECORD_GONE, /* a complete export no longer has it: a person says error or left */
    STORE_RECORD_LEFT, /* a person said that it left */
    STORE_RECORD_ERROR /* a person said that it was never true */
};
struct store_record {
    uint64_t no; /* 1 and up, in order of arrival; 0 in record_put(): a new one */
    uint64_t patient;
    const char *job;  /* a recordId belongs to one job */
    const char *id;   /* recordId */
    const char *unit; /* the source's file or table that it last stood in; "" when unknown */
    unsigned char content[STORE_HASH]; /* of the content with mappings and settings; all zero: read
                                          it again whatever it says */
    int64_t revision_ms;               /* the newest revision's extractedAt, 0: it has none */
    int64_t order;                     /* then the declared order of its unit */
    enum store_record_state state;
    const char *code;         /* "" while live */
    const char *detail;       /* a sentence without patient data, "" when none */
    const char *decision;     /* what a person said that the next reading applies ("move"), "" */
    uint64_t moved_from;      /* the patient it belonged to before, 0: none */
    int64_t poll;             /* the poll that last changed the row */
    struct store_bytes facts; /* consents, Part 2 facts and matching data, as JSON */
};

/* ---- wanted: what each record says of each resource ---- */
enum store_wanted {
    STORE_WANTED_BODY,   /* this body */
    STORE_WANTED_ERROR,  /* withdrawn: never true */
    STORE_WANTED_ENDED,  /* withdrawn: left a record that is wholly mapped */
    STORE_WANTED_LEFT,   /* withdrawn: its record left */
    STORE_WANTED_MOVED,  /* withdrawn: it stood in a wrong chart */
    STORE_WANTED_NOTHING /* nothing any more; the row keeps the identity that states refer to */
};
struct store_reference {
    const char *type; /* a FHIR type */
    unsigned char uuid[STORE_UUID];
};
/* One record's version of one resource. Several records of a patient may say the same resource
 * (same uuid); each has a row, and the state stands under the lowest ordinal of them. */
struct store_said {
    uint64_t patient;
    uint32_t ordinal; /* 1 and up within the patient; 0 in said_put(): a new one */
    uint64_t record;
    unsigned char uuid[STORE_UUID];
    const char *type;
    const char *system, *value; /* business identifier, "" when it has none */
    const char *data_class;     /* as consents name it; "" when no mapping declared one */
    enum store_wanted wanted;
    unsigned char hash[STORE_HASH]; /* keyed, of the body; unchanged while withdrawn */
    struct store_body_at body;      /* the newest body, also while withdrawn */
    int64_t as_of_ms;               /* the own date that decides between records, 0: none */
    const char *code;               /* why ingest held it ("invalid"), "" when it didn't */
    const char *detail;             /* paths, no values */
    const struct store_reference *references;
    size_t reference_count;
};

/* ---- per target: sent, attempt, seen, and one state ---- */
enum store_step { STORE_WAITING, STORE_UNKNOWN, STORE_HELD, STORE_DECIDED, STORE_IN_STEP };
/* The name of a state, as SQL, JSON and people see it: "waiting", "unknown" ... */
const char *store_step_name(enum store_step step);
enum store_verb { STORE_NO_ATTEMPT, STORE_CREATE, STORE_UPDATE };
struct store_state {
    uint32_t target;
    uint64_t patient;
    uint32_t ordinal;
    enum store_step step;
    const char *code;     /* of HELD and of WAITING where there is a reason; "" */
    const char *detail;   /* without patient data; "" */
    const char *decision; /* what a person said and delivery has still to do: "ours" ...; "" */
    int64_t since_ms;     /* since when in this step, wall clock */
    int32_t tries;        /* failed tries in a row */
    uint32_t generation;  /* of its identity there: counted up when it must be created anew */
    uint32_t era;         /* of the store (witness.h) in which what was sent was last known */
    /* sent: what the target last took of us, before merging and rewriting */
    bool sent;
    enum store_wanted sent_wanted; /* BODY, or the withdrawal that was written */
    unsigned char sent_hash[STORE_HASH];
    struct store_body_at sent_body;
    uint32_t omitted; /* how many of its references were left out */
    /* attempt: committed before the first byte leaves, gone when the answer is known */
    enum store_verb attempt;
    enum store_wanted attempt_wanted;
    unsigned char attempt_hash[STORE_HASH]; /* stays when the attempt ends: of what was tried or
                                               decided last */
    struct store_body_at attempt_body;
    const char *attempt_version; /* expected, "" when none */
    const char *attempt_chart;   /* the EHR's patient id */
    uint32_t attempt_omitted;
    int64_t attempt_ms; /* wall clock */
    /* seen: what the target held when last read or written */
    const char *server_id; /* "" when never seen there */
    const char *version;   /* "" when it gives none */
    const char *chart;
};

/* ---- parts of the input that never became a resource ---- */
struct store_hold_key {
    const char *job;
    const char *unit;   /* the file or table, "" */
    const char *record; /* recordId, "" when none could be read */
    const char *place;  /* row, or JSON pointer within the record, "" for the whole */
    const char *code;
};
struct store_hold {
    int64_t no; /* given by the store; what `outbox` commands take as hN */
    struct store_hold_key key;
    const char *detail;
    int64_t since_ms;
    int64_t poll; /* that last confirmed it */
};

struct store;
struct store_calls {
    void (*close)(struct store *s);
    bool (*begin)(struct store *s, struct iptfhir_error *error);
    bool (*commit)(struct store *s, struct iptfhir_error *error); /* [tx] durable on return */
    void (*rollback)(struct store *s);                            /* [tx] always succeeds */
    /* A number that changes whenever another handle has committed. */
    bool (*foreign_changes)(struct store *s, uint64_t *number, struct iptfhir_error *error);

    /* Small facts by name ("cursor nightly", "pause hospital"): NULL data when there is none. */
    bool (*fact_get)(struct store *s, const char *name, struct arena *a, struct store_bytes *value,
                     struct iptfhir_error *error);
    bool (*fact_set)(struct store *s, const char *name, struct store_bytes value,
                     struct iptfhir_error *error); /* [tx] NULL data: forgets it */
    /* Calls `each` for the facts whose name begins with `prefix`, in name order, until it says
     * false. */
    bool (*facts)(struct store *s, const char *prefix,
                  bool (*each)(void *user, const char *name, struct store_bytes value), void *user,
                  struct iptfhir_error *error);
    /* The number of a target's name, 1 to 200; a name keeps its number for ever. add: give one to
     * a new name [tx]; otherwise *no is 0 for an unknown one. */
    bool (*target_no)(struct store *s, const char *name, bool add, uint32_t *no,
                      struct iptfhir_error *error);

    bool (*patient_find)(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                         struct iptfhir_error *error); /* 0: none */
    bool (*patient_get)(struct store *s, uint64_t no, struct arena *a, struct store_patient *out,
                        bool *found, struct iptfhir_error *error);
    bool (*patient_add)(struct store *s, const char *clinic, const char *local_id, uint64_t *no,
                        struct iptfhir_error *error); /* [tx] */

    bool (*record_find)(struct store *s, const char *id, struct arena *a, struct store_record *out,
                        bool *found, struct iptfhir_error *error);
    bool (*record_get)(struct store *s, uint64_t no, struct arena *a, struct store_record *out,
                       bool *found, struct iptfhir_error *error);
    bool (*record_put)(struct store *s, struct store_record *record,
                       struct iptfhir_error *error); /* [tx] sets record->no when it is 0 */
    bool (*records_of)(struct store *s, uint64_t patient, struct arena *a,
                       struct store_record **list, size_t *count, struct iptfhir_error *error);
    /* Calls `each` for all records of a job (NULL: of all), by no, until it says false. `each`
     * writes nothing. */
    bool (*records)(struct store *s, const char *job,
                    bool (*each)(void *user, const struct store_record *record), void *user,
                    struct iptfhir_error *error);

    /* All rows of a patient, by ordinal. */
    bool (*said_of)(struct store *s, uint64_t patient, struct arena *a, struct store_said **list,
                    size_t *count, struct iptfhir_error *error);
    bool (*said_put)(struct store *s, struct store_said *said,
                     struct iptfhir_error *error); /* [tx] sets said->ordinal when it is 0 */
    bool (*said_drop)(struct store *s, uint64_t patient, uint32_t ordinal,
                      struct iptfhir_error *error); /* [tx] its states go too */

    /* A set of bodies written together, compressed together; *sequence names it. */
    bool (*bodies_put)(struct store *s, uint64_t patient, const struct store_bytes *bodies,
                       size_t count, uint32_t *sequence, struct iptfhir_error *error); /* [tx] */
    /* All bodies of a set, each followed by a NUL outside its length; "store-damaged" unless they
     * are what was written. */
    bool (*bodies_get)(struct store *s, uint64_t patient, uint32_t sequence, struct arena *a,
                       struct store_bytes **bodies, size_t *count, struct iptfhir_error *error);
    /* The numbers of a patient's sets, ascending. */
    bool (*bodies_of)(struct store *s, uint64_t patient, struct arena *a, uint32_t **sequences,
                      size_t *count, struct iptfhir_error *error);
    bool (*bodies_drop)(struct store *s, uint64_t patient, uint32_t sequence,
                        struct iptfhir_error *error); /* [tx] */

    /* States of a patient at a target, by ordinal; a resource without one waits. */
    bool (*states_of)(struct store *s, uint32_t target, uint64_t patient, struct arena *a,
                      struct store_state **list, size_t *count, struct iptfhir_error *error);
    bool (*state_put)(struct store *s, const struct store_state *state,
                      struct iptfhir_error *error); /* [tx] */
    bool (*state_drop)(struct store *s, uint32_t target, uint64_t patient, uint32_t ordinal,
                       struct iptfhir_error *error); /* [tx] */

    /* Lanes: patients of a target with something to do. due_ms: not before (wall clock). */
    bool (*lane_put)(struct store *s, uint32_t target, uint64_t patient, int64_t due_ms,
                     struct iptfhir_error *error); /* [tx] */
    bool (*lane_drop)(struct store *s, uint32_t target, uint64_t patient,
                      struct iptfhir_error *error); /* [tx] */
    /* Up to `most` lanes with patient > after and due_ms <= now_ms, by patient. *next_due: the
     * earliest due_ms among all lanes of the target that are not due, INT64_MAX when none is. */
    bool (*lanes_due)(struct store *s, uint32_t target, uint64_t after, int64_t now_ms, size_t most,
                      uint64_t *patients, size_t *count, int64_t *next_due,
                      struct iptfhir_error *error);

    bool (*hold_put)(
        struct store *s, const struct store_hold *hold,
        struct iptfhir_error *error); /* [tx] same key: replaced, since_ms and no stay */
    bool (*hold_drop)(struct store *s, int64_t no, struct iptfhir_error *error); /* [tx] */
    /* Calls `each` for the holds of a job (NULL: of all), oldest first, until it says false. */
    bool (*holds)(struct store *s, const char *job,
                  bool (*each)(void *user, const struct store_hold *hold), void *user,
                  struct iptfhir_error *error);

    /* Calls `each` for every patient number, in order, until it says false: what reports walk. */
    bool (*patients)(struct store *s, bool (*each)(void *user, const struct store_patient *patient),
                     void *user, struct iptfhir_error *error);
};
/* First member of every implementation's handle. */
struct store {
    const struct store_calls *calls;
};

/* Opens the store in a file. write: created when missing (mode 0600) and migrated; else it must
 * exist. `key`: 32 bytes that seal bodies, from outside the store; copied. NULL and an error
 * otherwise: "store-newer", "store-damaged", "store-busy", "store". */
struct store *store_open_sqlite(const char *path, bool write, const unsigned char key[32],
                                struct iptfhir_error *error);

/* A store in memory, for tests and simulations. The medium outlives its handles: closing a handle
 * in a transaction is a crash, and takes the transaction back. One thread uses a medium. begin()
 * does not wait: while another handle is in a transaction it fails. */
struct store_medium;
struct store_medium *store_medium_new(void);
/* A deep copy as of the last commit: a backup. */
struct store_medium *store_medium_copy(const struct store_medium *medium);
void store_medium_free(struct store_medium *medium);
/* While full, whatever would write fails with "store-full". */
void store_medium_set_full(struct store_medium *medium, bool full);
struct store *store_open_memory(struct store_medium *medium, struct iptfhir_error *error);

/* One service at a time: takes the lock file beside the store. The file descriptor keeps the lock
 * until it is closed (also by death). When another holds it, the error names its pid, command and
 * start time. -1 on failure. */
int store_lock(const char *path, const char *purpose, struct iptfhir_error *error);
#endif
