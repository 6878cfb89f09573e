/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a run share: the run itself. */
#ifndef TESTS_WORLD_SIM_ROOM_H
#define TESTS_WORLD_SIM_ROOM_H

#include "core/sync/lifecycle.h"
#include "core/sync/privacy.h"
#include "tests/world/sim_run.h"
#include "tests/world/sim_target.h"

struct sim_shared {
    struct privacy *privacy;
    struct lifecycle *lifecycle;
};
struct sim_run {
    const struct sim_script *script;
    const struct sim_shared *shared;
    struct sim_world world;
    struct clinic clinic;
    struct laws laws;
    struct sim_outcome *outcome;
    size_t next_event;
    int64_t bad_until_ms[SIM_EHRS], full_until_ms; /* steady; INT64_MAX: not now */
    uint32_t edits, charts;
    struct sim_event pending[SIM_EVENTS]; /* what must be done outside of waiting */
    size_t pending_count;
    /* a command of a second process, in so many calls to the store */
    struct sim_event race;
    int race_in; /* -1: none */
    /* the store */
    struct store_medium *medium, *backup;
    struct clinic_known backup_known[CLINIC_RECORDS];
    bool backup_polling[CLINIC_JOBS];
    uint32_t era; /* how often an older store was put in place */
    /* the process */
    struct sim_store *store;
    struct delivery *delivery;
    struct delivery_target targets[SIM_EHRS];
    struct sim_target plugins[SIM_EHRS];
    struct delivery_settings settings;
    const char *names[SIM_EHRS + 1]; /* configured, NULL-terminated */
    size_t name_count;
    bool alive, failed;  /* it ended with an error, and not by a signal */
    uint64_t idle_steps; /* in which no time passed */
    enum delivery_moved moved;
    int64_t wait_ms;
};

/* ---- sim_events.c ---- */
int64_t sim_agenda_next(void *user);
bool sim_agenda_run(void *user);
/* Does what had to wait until nobody waits. */
void sim_do_pending(struct sim_run *run);
/* True time: what the clinic and the EHRs' clocks show. */
int64_t sim_true_ms(const struct sim_run *run);
/* Registers the clinic's patients at an EHR, beginning with one of them. */
void sim_register_patients(struct sim_run *run, size_t ehr, size_t first);

/* ---- sim_command.c ---- */
/* Between two calls to the store: a command may come. */
void sim_between_calls(void *user);

/* ---- sim_life.c ---- */
void sim_start(struct sim_run *run);
void sim_die(struct sim_run *run);
/* Lives until `until_ms` (steady), or until all is in step and `rest` says that this is enough. */
void sim_live(struct sim_run *run, int64_t until_ms, bool rest);
/* Polls a job to its end. */
void sim_poll_whole(struct sim_run *run, size_t job);
#endif
