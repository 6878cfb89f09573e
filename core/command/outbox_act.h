/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of `outbox` share: the act under way, what it writes, and how it refuses. One file
 * a verb; each is a constant of struct act_verb. */
#ifndef CORE_COMMAND_OUTBOX_ACT_H
#define CORE_COMMAND_OUTBOX_ACT_H

#include "core/command/outbox.h"

struct chosen {
    enum outbox_kind kind;
    uint64_t no; /* of the patient, record or hold */
    uint32_t ordinal;
    char target[80];
};
struct act_verb;
struct act {
    struct outbox *o;
    struct store *store;
    const struct store_calls *calls;
    const struct act_verb *verb;
    const char *word; /* what was decided; NULL: nothing was said */
    const struct outbox_filter *filter;
    struct chosen *list;
    size_t count, capacity;
    size_t done, refused;
    char first_refusal[400];
    struct arena arena; /* of the item in hand */
    struct iptfhir_error *error;
    bool failed; /* the store failed: `error` says how; nothing more is done */
};

/* A row or part of a source that is held, copied into the act's arena. */
struct act_row {
    int64_t no;
    const char *job;
    const char *record; /* recordId, "" when none could be read */
};

/* A verb. The three calls carry it out on one item, in a transaction: they return why they refuse,
 * or NULL when it is done or the store failed. */
struct act_verb {
    const char *(*resource)(struct act *a, const struct survey_item *found);
    const char *(*record)(struct act *a, struct store_record *record);
    const char *(*row)(struct act *a, const struct act_row *row);
    /* What a filter chooses: resources and records that the verb is about, and rows. */
    bool (*takes_resource)(const struct survey_item *item);
    bool (*takes_record)(const struct store_record *record);
    bool takes_rows;
    bool needs_word;
    const char *result; /* printed behind the number of items that were done */
};
extern const struct act_verb act_retry, act_resolve, act_discard, act_restore;

/* ---- outbox_act.c ---- */

/* Remembers that the store failed. Returns `good`. */
bool act_check(struct act *a, bool good);
/* Begins a transaction; while a sync has the store it waits. False: the store failed. */
bool act_begin(struct act *a);
/* Ends it: keeps what was done, unless the store failed. */
void act_end(struct act *a);
/* Calls `each` for every item chosen, in transactions of some items each. */
void act_on_chosen(struct act *a, void (*each)(struct act *a, const struct chosen *c));

/* ---- outbox_choose.c ---- */

/* Adds an item to the chosen ones. False: out of memory. */
bool act_choose(struct act *a, const struct chosen *c);
bool act_choose_resource(struct act *a, const struct survey_item *item);
/* Chooses all that the filter leaves and the verb is about. */
void act_choose_all(struct act *a);
/* Chooses the one that was named. False: the text names none, and why was said. */
bool act_choose_one(struct act *a, const char *text);

/* ---- outbox_change.c: reading and writing in a transaction ---- */

/* Says why something can't be done. The text lives in the act's arena. */
const char *act_refuse(struct act *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What a code's own entry says to do. */
const char *act_next_of(const char *code);
bool act_is(const char *text, const char *other);
bool act_is_held_record(const struct store_record *record);
bool act_is_decided_record(const struct store_record *record);
/* Whether the resource is held because its whole record is: then the record is decided about. */
bool act_is_held_by_record(const struct survey_item *found);
const char *act_refuse_for_record(struct act *a, const struct store_record *record);

/* Loads what stands of a patient at a target. False: nothing does, or the store failed. */
bool act_lane(struct act *a, const char *target, uint64_t patient, struct lane *lane);
/* Looks at one resource of a lane. False: the lane has no such item. */
bool act_look(const struct lane *lane, uint32_t ordinal, struct survey_item *found);

void act_put_state(struct act *a, const struct store_state *state);
void act_put_record(struct act *a, struct store_record *record);
/* Has the patient looked at at every target of the job. */
void act_put_lanes(struct act *a, const char *job, uint64_t patient);
/* Makes a resource due now: what was decided last is forgotten, an open attempt stays. */
void act_make_due(struct act *a, const struct survey_item *found);
/* Writes a decision that delivery has to carry out. */
void act_decide(struct act *a, const struct survey_item *found, const char *word);
/* The next reading takes the record up whatever it says, and reads it in any case. */
void act_read_again(struct act *a, struct store_record *record);
/* Forgets why the record was held. */
void act_drop_holds(struct act *a, const struct store_record *record);
void act_drop_hold(struct act *a, int64_t no);
/* Changes what is wanted of all that the record says, from one kind to another. */
void act_rewrite_record(struct act *a, const struct store_record *record, enum store_wanted from,
                        enum store_wanted to);
/* Takes the code away under which ingest held a resource; wanted: what is wanted of it from now on,
 * NULL: what was. */
void act_rewrite_resource(struct act *a, const struct lane_item *item, const char *code,
                          const enum store_wanted *wanted);

/* ---- outbox_target.c ---- */

/* `retry --target T`: the target's pause ends too. False: a person must look first, and that was
 * said, or the store failed. */
bool act_retry_target(struct act *a);
/* `resolve again --target T`: everything that was at a target that was reset is created anew.
 * Returns an exit code. */
int act_resolve_reset(struct act *a);
#endif
