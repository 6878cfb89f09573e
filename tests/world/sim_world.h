/* SPDX-License-Identifier: Apache-2.0 */
/* A world over virtual time: clocks that step, seeded randomness, and a network to simulated EHRs
 * that delays, loses and cuts. Nothing sleeps: time jumps to the next thing that happens. */
#ifndef TESTS_WORLD_SIM_WORLD_H
#define TESTS_WORLD_SIM_WORLD_H

#include "core/world/world.h"
#include "tests/world/ehr.h"

#include <stdio.h>

/* ---- seeded numbers (splitmix64) ---- */
struct sim_random {
    uint64_t state;
};
uint64_t sim_next(struct sim_random *r);
/* A number from `low` to `high`, both included. */
int64_t sim_between(struct sim_random *r, int64_t low, int64_t high);
/* True in `percent` of 100 cases. */
bool sim_chance(struct sim_random *r, int percent);

/* ---- what the network does to a request ---- */
enum sim_fault {
    SIM_REFUSED,     /* no connection: certainly not processed */
    SIM_LOST_BEFORE, /* it never arrives, the client learns nothing */
    SIM_LOST_AFTER,  /* it is processed, the answer never arrives */
    SIM_CUT,         /* the answer arrives cut in the middle, as if complete */
    SIM_HALF,        /* a status and half an answer, then the connection breaks */
    SIM_LATE,        /* it arrives after the client's time-out, and is processed then */
    SIM_SLOW,        /* it takes long, within the time-out */
    SIM_FAULTS
};
const char *sim_fault_name(enum sim_fault fault);
enum sim_which { SIM_ANY, SIM_WRITES, SIM_READS };

enum { SIM_EHRS = 3, SIM_PLANS = 32, SIM_EPOCH_S = 1780000000 };
struct sim_plan { /* the next `count` requests of a kind to an EHR meet a fault */
    size_t ehr;
    enum sim_fault fault;
    enum sim_which which;
    int count;
};
struct sim_flight;
struct sim_world {
    struct world base; /* first */
    int64_t now_ms;    /* steady */
    int64_t wall_offset_ms;
    struct sim_random network, entropy;
    struct ehr *ehrs[SIM_EHRS];
    size_t ehr_count;
    int64_t down_until_ms[SIM_EHRS]; /* connections are refused */
    int64_t late_most_ms;            /* how long after the client's time-out SIM_LATE arrives */
    struct sim_plan plans[SIM_PLANS];
    size_t plan_count;
    /* connections of the living process */
    struct {
        size_t ehr;
        int64_t timeout_ms;
    } connections[SIM_EHRS];
    size_t connection_count;
    struct sim_flight **flights; /* a heap by time */
    size_t flight_count, flight_capacity;
    uint64_t flight_sequence;
    struct world_call *under_way, *finished;
    /* the process dies at the n-th call to world or store from now; 0: it doesn't */
    uint64_t dies_in;
    bool dead;
    /* what else happens in time: when (INT64_MAX: nothing), and doing it; true: look up from
     * waiting */
    int64_t (*agenda_next)(void *user);
    bool (*agenda_run)(void *user);
    /* Hears a request before it leaves, and one that an EHR has served. */
    void (*leaves)(void *user, size_t ehr, const struct iptfhir_http_request *request);
    void *user;
    FILE *trace;
    uint64_t requests, fault_counts[SIM_FAULTS], clock_steps;
};
/* EHRs are the caller's. */
void sim_world_init(struct sim_world *w, uint64_t seed);
void sim_world_free(struct sim_world *w);
int64_t sim_wall_ms(const struct sim_world *w);
void sim_clock_step(struct sim_world *w, int64_t by_ms);
/* The next requests meet a fault; the oldest plan that fits counts. */
void sim_plan(struct sim_world *w, struct sim_plan plan);
/* An EHR restarts: what is under way to it is lost, before or after it was processed. */
void sim_ehr_restarts(struct sim_world *w, size_t ehr, int64_t down_ms);
/* An EHR is replaced by an empty one: it is down meanwhile, and what was on its way to the old one
 * never arrives. */
void sim_ehr_resets(struct sim_world *w, size_t ehr);
/* Counts a call; true when the process is dead, from this call on. */
bool sim_tick(struct sim_world *w);
/* The process died: nothing leaves any more, what is under way goes on without it. */
void sim_kill(struct sim_world *w);
/* A new process: no connection, no call. */
void sim_revive(struct sim_world *w);
/* Lets time pass, at most to `until_ms` (steady), until a call has ended or the agenda wants to be
 * looked at. */
void sim_advance(struct sim_world *w, int64_t until_ms);
/* Forgets plans, down-times and weather: faults end. */
void sim_calm(struct sim_world *w);
void sim_tell(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
