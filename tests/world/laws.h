/* SPDX-License-Identifier: Apache-2.0 */
/* What always holds, checked from the outside: from the requests that leave, from what EHRs commit,
 * and from what the clinic told the store. The first breach is kept; later ones follow from it. */
#ifndef TESTS_WORLD_LAWS_H
#define TESTS_WORLD_LAWS_H

#include "tests/world/clinic.h"
#include "tests/world/sim_world.h"

enum { LAWS_EDITS = 128, LAWS_CHARTS = 64 };
/* What somebody at an EHR wrote into one element; number 0: removed it. */
struct laws_edit {
    size_t ehr;
    char type[EHR_TYPE], id[EHR_ID];
    const char *element;
    uint32_t number;
};
/* A chart that was right for a patient until lately. */
struct laws_chart {
    size_t ehr, patient;
    char id[EHR_ID];
    int64_t right_ms; /* steady: when last */
};
struct laws {
    struct sim_world *world;
    struct clinic *clinic;
    int64_t match_age_ms;
    bool overwrites[SIM_EHRS]; /* policy or server let foreign edits be lost */
    bool doubles[SIM_EHRS];    /* the server can't keep the promise: commits come too late */
    int64_t
        deleted_ms[SIM_EHRS]; /* steady: when somebody last deleted a resource there; 0: never */
    bool was_reset[SIM_EHRS]; /* the server forgot: what was there may be missing */
    bool stood[SIM_EHRS][CLINIC_RECORDS][CLINIC_PATIENTS]; /* a record's resources stood in
                                                               this patient's chart */
    bool was_restored;     /* an older store was put in place: EHRs hold newer content */
    bool paused[SIM_EHRS]; /* at rest: the target waits for a person */
    bool may_move;         /* a person said where what changed its patient goes */
    bool may_overwrite;    /* a person said `ours` somewhere */
    bool may_recreate;     /* a person said `again` somewhere */
    struct laws_edit edits[LAWS_EDITS];
    size_t edit_count;
    struct laws_chart charts[LAWS_CHARTS];
    size_t chart_count;
    char broken[48]; /* the law, "" while all hold */
    char how[400];
    int64_t broken_ms;
    uint64_t writes, withdrawals; /* resources seen leaving */
    int64_t window_ms;            /* since when requests are counted */
    uint64_t in_window;
};
void laws_init(struct laws *l, struct sim_world *world, struct clinic *clinic);
bool laws_hold(const struct laws *l);
void laws_break(struct laws *l, const char *law, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A request is about to leave. */
void laws_leaves(struct laws *l, size_t ehr, const struct iptfhir_http_request *request);
/* An EHR committed something. */
void laws_committed(struct laws *l, size_t ehr, const struct ehr_resource *before,
                    const struct ehr_resource *after, bool client);
/* Somebody at an EHR changed an element. */
void laws_edited(struct laws *l, size_t ehr, const struct ehr_resource *r, const char *element,
                 uint32_t number);
/* An EHR forgot everything. */
void laws_reset(struct laws *l, size_t ehr);
/* Notes which charts are right now; call it before what may change that. */
void laws_note_charts(struct laws *l);
/* The chart that is right for a patient, as far as the store knows: NULL when there is none. */
const struct ehr_resource *laws_chart_of(const struct laws *l, size_t ehr, size_t patient);
/* Whether something of a record stands in the chart of another patient than this one. */
bool laws_stands_elsewhere(const struct laws *l, size_t ehr, size_t record, size_t patient);
/* Whether a body is a withdrawn one. */
bool laws_withdrawn(const char *body);
/* At rest: each resource has one state, and what is in step is what the clinic says. `calm`: no
 * event that needs a person happened: then nothing may be held. Counts what it met. */
struct laws_rest {
    uint64_t in_step, held, decided, open;
};
void laws_at_rest(struct laws *l, struct store *store, const char *const *targets, bool calm,
                  struct laws_rest *rest);
#endif
