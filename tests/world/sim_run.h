/* SPDX-License-Identifier: Apache-2.0 */
/* One history: a clinic, its EHRs, a store, and a process that lives and dies, run from a list of
 * events over virtual time. The same list gives the same history, to the byte. */
#ifndef TESTS_WORLD_SIM_RUN_H
#define TESTS_WORLD_SIM_RUN_H

#include "core/sync/delivery.h"
#include "tests/world/laws.h"

enum sim_kind {
    /* the clinic: a: record, b: item */
    SIM_POLL,     /* a: job, b: enum clinic_poll_kind */
    SIM_CORRECT,  /* the item gets a new number; it is made when it is missing */
    SIM_EXTRA,    /* its second element does, or loses it */
    SIM_BACK,     /* the record is as it was one revision before, as a newer revision */
    SIM_REMOVE,   /* the item leaves */
    SIM_LEAVE,    /* the record leaves the export, or returns */
    SIM_BREAK,    /* the record can't be read any more, or can again */
    SIM_PART,     /* the item can't be mapped, or can again */
    SIM_PATIENT,  /* b: the record belongs to this patient */
    SIM_MRN,      /* a: the patient's records carry the identifier of patient b */
    SIM_RENUMBER, /* a: the person has another local id from now on */
    SIM_REVOKE,   /* the record says that consent was revoked today; b: item whose class, or all */
    SIM_PERMIT,   /* ... given today */
    SIM_PART2,    /* the record holds Part 2 data, or doesn't any more */
    SIM_DATED,    /* b days are added to the record's own date of what is the patient's */
    /* the network: a: EHR, b: enum sim_fault, c: count, d: enum sim_which */
    SIM_FAULT,
    SIM_RESTART, /* a: EHR, b: seconds down */
    /* the EHRs: a: EHR */
    SIM_WEATHER,  /* b: enum ehr_weather, c: seconds, d: Retry-After in seconds */
    SIM_BAD,      /* b: patient, c: enum ehr_bad, d: seconds */
    SIM_EDIT,     /* b: which of our resources, c: 0 mark, 1 extra, 2 foreign, 3 removes extra */
    SIM_DELETE,   /* b: which */
    SIM_UNDELETE, /* b: which */
    SIM_MERGE,    /* b: patient, whose chart is merged into a new one */
    SIM_RESET,    /* everything is gone; b: patients come back in another order */
    SIM_STEAL,    /* b: patient: another EHR patient gets the identifier, with other birth date */
    /* our process and its place */
    SIM_KILL,    /* a: dies at the n-th call from now */
    SIM_CLOCK,   /* a: minutes, may be negative */
    SIM_FULL,    /* a: seconds for which the disk is full */
    SIM_RETRY,   /* a: from which of the items on, b: in so many calls to the store, c: sim_decision
                  */
    SIM_BACKUP,  /* the store is copied */
    SIM_RESTORE, /* ... and put in place of the one in use */
    SIM_TARGET,  /* the next target is configured */
    SIM_KINDS
};
/* What a command of `outbox` says: to the first of the held that it fits, or to a target. */
enum sim_decision {
    SIM_SAYS_RETRY,
    SIM_SAYS_OURS,
    SIM_SAYS_THEIRS,
    SIM_SAYS_LEAVE,
    SIM_SAYS_AGAIN,
    SIM_SAYS_MOVE,
    SIM_SAYS_SAME, /* of a chart, and of a person who was renumbered */
    SIM_SAYS_WITHDRAW,
    SIM_SAYS_ERROR,
    SIM_SAYS_LEFT,
    SIM_SAYS_DISCARD,
    SIM_SAYS_RESTORE,
    SIM_SAYS_RETRY_TARGET,
    SIM_SAYS_AGAIN_TARGET,
    SIM_DECISIONS
};
struct sim_event {
    int64_t at_ms;
    enum sim_kind kind;
    int a, b, c, d;
};
const char *sim_kind_name(enum sim_kind kind);
/* The name of a kind as C source has it. */
const char *sim_kind_constant(enum sim_kind kind);

struct sim_config {
    uint64_t seed; /* of latencies and of what is left open below */
    size_t ehrs, targets_at_first;
    struct ehr_knobs knobs[SIM_EHRS];
    enum delivery_conflict conflict;
    enum delivery_withdraw withdraw;
    bool labels, update_without_version;
    int64_t settle_ms, late_most_ms;
    size_t jobs;
    enum intake_complete complete;
    bool by_file, removed_is_error;
    bool calm; /* nothing that needs a person happens: nothing may stay held */
};
enum { SIM_EVENTS = 120 };
struct sim_script {
    struct sim_config config;
    struct sim_event events[SIM_EVENTS];
    size_t count;
};
/* What a seed stands for. */
void sim_script_of(uint64_t seed, struct sim_script *out);
void sim_config_of(uint64_t seed, struct sim_config *out);

struct sim_outcome {
    char broken[48], how[400];
    int64_t broken_ms;
    uint64_t steps, kills, requests, writes, withdrawals, edits, races, polls, clock_steps;
    uint64_t faults[SIM_FAULTS], weathers[EHR_WEATHERS];
    uint64_t full, restarts, resets, merges, restores, deletes;
    struct laws_rest rest;
};
struct sim_shared; /* privacy and lifecycle, read once */
struct sim_shared *sim_shared_load(const char *source_folder);
void sim_shared_free(struct sim_shared *shared);
/* Runs a history. `trace` may be NULL. `look` (may be NULL) is called at rest, before the end, for
 * what a named history wants to see. */
struct sim_run;
void sim_run(const struct sim_script *script, const struct sim_shared *shared, FILE *trace,
             void (*look)(struct sim_run *run, void *user), void *user,
             struct sim_outcome *outcome);

/* ---- for `look` ---- */
/* The live resource of an item at an EHR; NULL: there is none. */
const struct ehr_resource *sim_item_at(const struct sim_run *run, size_t ehr, size_t record,
                                       size_t patient, enum clinic_item_kind item);
uint32_t sim_number_at(const struct sim_run *run, size_t ehr, size_t record, size_t patient,
                       enum clinic_item_kind item, bool extra);
/* The number that the clinic's record has now. */
uint32_t sim_number_now(const struct sim_run *run, size_t record, enum clinic_item_kind item);
/* The state of an item at a target: step and code; false when it has none. */
bool sim_state_of(struct sim_run *run, size_t target, size_t record, size_t patient,
                  enum clinic_item_kind item, enum store_step *step, char code[32]);
/* How many resources have this step at a target, and this code unless it is NULL. */
size_t sim_count_states(struct sim_run *run, size_t target, enum store_step step, const char *code);
/* How many live resources of ours an EHR holds, withdrawn ones included. */
size_t sim_ours_at(const struct sim_run *run, size_t ehr);
#endif
