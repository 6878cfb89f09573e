/* SPDX-License-Identifier: Apache-2.0 */
/* What ingest hands over becomes wanted: the only writer of patients, records, wanted rows and
 * holds. Pure over the store interface: no clock of its own, no process, no pipe, so that the
 * simulation feeds it too.
 *
 * One poll of one job: begin, then records, holds, presences and cursors as they come, then end.
 * Each call that returns true has been taken; it is durable after the next intake_flush().
 *
 * A record belongs to the job that read it first; another job that reads it, too, is told so by a
 * hold. When its job is configured no more (it was renamed), the record belongs to the next job
 * that reads it, and what the former job held of it goes at the end of that poll. */
#ifndef CORE_SYNC_INTAKE_H
#define CORE_SYNC_INTAKE_H

#include "core/store/store.h"

/* Facts of a record are a JSON object (gate.h). Of a record that is held they are those of its last
 * good revision, with one member more: "held", an array of the facts that its refused revisions
 * say. Two readings of one revision that differ (duplicate-record) both stand under "held". Of the
 * member "patient" intake reads "localId", so that a refusal in a record that was never in good
 * order is kept for its patient.
 *
 * A hold with the code "plugin-crash" has the content's hash in hex as its place: the record is not
 * mapped again until its content or the settings change, or the hold is dropped. */

/* Whose a resource is: the record's, the patient's (several records may say it), the clinic's. */
enum intake_owner { INTAKE_RECORD, INTAKE_PATIENT, INTAKE_CLINIC };
struct intake_resource {
    const char *type;
    unsigned char uuid[STORE_UUID];
    const char *system, *value; /* business identifier, "" when it has none */
    const char *data_class;     /* "" when its mapping declares none */
    enum intake_owner owner;
    int64_t as_of_ms;          /* 0: none */
    struct store_bytes body;   /* JSON, compact */
    const char *code, *detail; /* held by ingest ("invalid"); "" */
    const struct store_reference *references;
    size_t reference_count;
};
/* A part of a record that could not be mapped; the record is then not wholly mapped. */
struct intake_part {
    const char *place, *code, *detail;
};
struct intake_record {
    const char *id;       /* recordId */
    const char *local_id; /* patient.localId */
    const char *unit;     /* "" when unknown */
    int64_t order;        /* declared order of its unit */
    int64_t revision_ms;  /* source.extractedAt, 0: none */
    unsigned char content[STORE_HASH];
    struct store_bytes facts;
    const struct intake_resource *resources;
    size_t resource_count;
    const struct intake_part *parts;
    size_t part_count;
};
/* What a source's absences mean (DESIGN section 1). */
enum intake_complete {
    INTAKE_NONE,
    INTAKE_RECORDS /* elements */,
    INTAKE_EXPORT /* and records */
};
struct lifecycle;
struct intake_settings {
    const char *job, *clinic;
    const char *mapped_with;    /* a hash of mappings, mappers and their options; NULL: not known.
                                   While it isn't that of the last whole poll, every withdrawal by
                                   absence of an element is held as mass-withdrawal */
    const char *const *jobs;    /* all that are configured, NULL-terminated; NULL: every job is */
    const char *const *targets; /* names, NULL-terminated */
    enum intake_complete complete;
    bool removed_is_error; /* the source says that what is removed was never true */
    bool units_whole;      /* a unit that is read is read from its beginning to its end */
    const struct lifecycle *lifecycle; /* what ends by itself when it left; NULL: nothing does */
    const unsigned char *hash_key;     /* 32 bytes */
};

struct intake;
/* Begins a poll. `poll`: a number that should be greater than that of any poll before (wall clock
 * in ms); where it is not, the next free one is taken. `settings` is borrowed until intake_free().
 * NULL and an error when the store fails. */
struct intake *intake_begin(struct store *store, const struct intake_settings *settings,
                            int64_t poll, struct iptfhir_error *error);
/* Forgets what is not flushed. */
void intake_free(struct intake *in);

/* Which of `count` records need no mapping: same[i]. Read are id to content. They are as they were,
 * stale, or held for what mapping them again would only repeat; they count as present. A record
 * that the source has confirmed at a newer revision keeps its wanted rows; its revision moves on. A
 * hold of a record that is as it was before it goes. After "store-busy" the same question is asked
 * again with the same `same`, and goes on where it was interrupted. */
bool intake_unchanged(struct intake *in, const struct intake_record *records, size_t count,
                      bool *same, struct iptfhir_error *error);
/* Takes a record: id to content, facts, resources and parts are read, all copied. */
bool intake_record(struct intake *in, const struct intake_record *record, int64_t now_ms,
                   struct iptfhir_error *error);
/* Takes something that could not become a record; `record`: its id, "" when none could be read.
 * Readable refusals in its facts (a revoked consent) count; permissions don't. */
bool intake_hold(struct intake *in, const struct store_hold_key *key, const char *detail,
                 const struct store_bytes *facts, int64_t now_ms, struct iptfhir_error *error);
/* The source skips a unit that is as it was: its records are present, its holds stay. */
bool intake_present(struct intake *in, const char *unit, struct iptfhir_error *error);
/* All so far is complete up to `cursor`: kept with the next flush. */
bool intake_cursor(struct intake *in, const char *cursor, struct iptfhir_error *error);
/* The cursor that is kept, in the arena, NULL data: none. */
bool intake_cursor_get(struct store *store, const char *job, struct arena *a,
                       struct store_bytes *cursor, struct iptfhir_error *error);
/* Makes durable what was taken, in one transaction. */
bool intake_flush(struct intake *in, struct iptfhir_error *error);
/* The poll has ended. whole: the source said all it had; then records are confirmed, absences and
 * withdrawals are decided, held rows that did not come again are released. Flushes. */
bool intake_end(struct intake *in, bool whole, int64_t now_ms, struct iptfhir_error *error);

/* What the poll did so far. */
struct intake_counts {
    uint64_t records; /* read = mapped + unchanged + stale + held */
    uint64_t mapped, unchanged, stale, held;
    uint64_t wanted;    /* resources whose wanted changed */
    uint64_t withdrawn; /* of those, withdrawn */
    uint64_t mass_held; /* withdrawals held as mass-withdrawal */
};
const struct intake_counts *intake_counts(const struct intake *in);
/* What the last poll of a job counted that ended, whole or not; all zero before the first. Of the
 * members only records to held are kept. */
bool intake_counts_of(struct store *store, const char *job, struct intake_counts *out,
                      struct iptfhir_error *error);
/* The next poll of the job begins without a cursor, also when one is under way now: what a person
 * decided about records is then met. [tx] */
bool intake_reread(struct store *store, const char *job, struct iptfhir_error *error);

/* When delivery of a job may begin and what of it is fresh: reads what intake_begin/end kept. A
 * record that a later poll than `number` changed (store_record.poll) is not confirmed. */
struct intake_poll {
    bool polling;         /* a poll has begun and not ended */
    int64_t confirmed_ms; /* when a whole poll last ended (wall clock), 0: never */
    int64_t number;       /* of the poll that last ended whole, 0: none */
    int64_t begun;        /* of the poll that last began; another one than `number` hasn't ended
                             whole */
};
bool intake_poll_of(struct store *store, const char *job, struct intake_poll *out,
                    struct iptfhir_error *error);
/* Whether records that are mapped with what has this hash are mapped otherwise than in the job's
 * last whole poll: then withdrawals by absence of an element are held. False before the first. */
bool intake_remapped(struct store *store, const char *job, const char *mapped_with, bool *remapped,
                     struct iptfhir_error *error);
/* Says of jobs (NULL-terminated) that their polls are open, before they begin: nothing that they
 * said before goes out until they have ended. */
bool intake_expect(struct store *store, const char *const *jobs, struct iptfhir_error *error);
/* Ends, as not whole, the polls of all jobs that a process left open which died: call it where the
 * service's lock is held and nothing polls. */
bool intake_abandon(struct store *store, struct iptfhir_error *error);

/* What a person decides about a record (`move`, `same`, `leave` of one that is held
 * patient-changed) stands in store_record.decision, and the next reading of the record applies it.
 * `same` makes the new local id an alias of the former patient: from the next poll on, which reads
 * everything, its records belong to that patient, and their identities must be made with the former
 * local id, so that what was sent keeps its identity. The reading that finds the decision only
 * makes the alias; the next one, with the right identities, is taken. Calls `each` for the aliases
 * of a clinic until it says false: `identity` is the local id that identities of records of
 * `local_id` are made with. */
bool intake_aliases(struct store *store, const char *clinic, struct arena *a,
                    bool (*each)(void *user, const char *local_id, const char *identity),
                    void *user, struct iptfhir_error *error);
#endif
