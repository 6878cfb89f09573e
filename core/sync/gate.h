/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: may this go to this recipient now? One pure function, asked before any new request of a
 * lane and again, whole, immediately before the socket. It fails closed.
 *
 * The facts of a record (struct store_record) are JSON:
 *   {"patient": {"id": our UUID of the patient, as references to it have it, "identifiers":
 *     [{"system", "value"}], "family", "given": [..], "birthDate", "sex"},
 *    "consents": [the record's consents as the schema has them, "revokedAt" included],
 *    "part2": true when the record holds data under 42 CFR Part 2,
 *    "minor": true when the site's policy holds everything of this patient}
 * Members may be missing. The facts of a record that is held are those of its last good revision,
 * and "held": [the facts that its refused revisions say], of which only refusals, Part 2 data and
 * who the patient is count (intake.h); "moved": true when its newest revision names another
 * patient, so that others know better who this one is. Facts are joined over all records of the
 * patient, of all jobs. */
#ifndef CORE_SYNC_GATE_H
#define CORE_SYNC_GATE_H

#include "core/store/store.h"
#include "core/sync/privacy.h"
#include "core/tree/tree.h"

/* ---- what is known of a patient ---- */
struct gate_decision; /* a permission or a refusal */
struct gate_patient {
    const struct tree *identity; /* the member "patient" of the newest record that has one; NULL */
    const struct gate_decision *decisions;
    size_t decision_count;
    bool part2, minor;
    const char *unreadable; /* facts that are no facts: why; then everything is held */
};
/* Joins the facts of a patient's records. All in the arena; false when memory is out. */
bool gate_join(struct arena *a, const struct store_record *records, size_t count,
               struct gate_patient *out);

/* ---- the question ---- */
struct gate_question {
    const struct privacy *privacy;
    const struct gate_patient *patient;
    const char *recipient; /* whom the target's consents name; NULL: none */
    bool attested;         /* the clinic has consents on file for this target */
    const char *data_class;
    bool routed;     /* its record's job serves the target */
    bool withdrawal; /* an entered-in-error or a removal of identity: passes without consent */
    int64_t now_ms;
    /* its record */
    enum store_record_state record_state;
    const char *record_code, *record_detail;
    const char *said_code, *said_detail; /* why ingest held the resource; "" */
    /* its job */
    bool polling;                        /* a poll has begun and not ended */
    int64_t confirmed_ms;                /* when a whole poll last ended; 0: never */
    int64_t confirmed_poll, record_poll; /* its number, and that of the poll which last changed the
                                            record: what a later one said is not confirmed */
    int64_t max_age_ms;
};
enum gate_way { GATE_OPEN, GATE_WAITS, GATE_HOLDS };
struct gate_answer {
    enum gate_way way;
    const char *code;   /* unless OPEN */
    const char *detail; /* a constant sentence for people, or borrowed from the question */
    int64_t until_ms; /* HOLDS: not 0 when a permission begins later, so that the lane is looked at
                         again without anything having changed */
};
/* In this order: whether it is meant for this target at all, the record's and the resource's own
 * holds, the poll, the class, Part 2, consent. */
struct gate_answer gate_ask(const struct gate_question *question);
#endif
