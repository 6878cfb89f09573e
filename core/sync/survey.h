/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything stands: every resource of every record with its one state at each target, and
 * the counts of them. What `status`, `outbox` and the exit codes of `sync` say is read from here.
 * It writes nothing and takes no lock, so that it may run beside a sync. */
#ifndef CORE_SYNC_SURVEY_H
#define CORE_SYNC_SURVEY_H

#include "core/store/store.h"
#include "core/sync/intake.h"
#include "core/sync/lane.h"

/* A job's records go to a target. */
struct survey_route {
    const char *job, *target;
};

/* ---- the walk ---- */

/* One resource at one target. `step` is where it stands now: a state that is about what was wanted
 * before counts as waiting, one with an open attempt as unknown. */
struct survey_item {
    const char *target;
    const struct lane *lane;
    const struct lane_item *item;
    const struct store_record *record; /* that decides; NULL: the store lost it */
    enum store_step step;
    const char *code; /* why it is held, waits or is decided; "" */
    int64_t since_ms; /* since when; 0: not known */
};
/* Looks at one lane item. False: nothing is wanted and nothing was sent, so it has no state. */
bool survey_look(const struct lane *lane, const struct lane_item *item, struct survey_item *out);
/* Names of the jobs whose records go to a target, NULL-terminated, in the arena; NULL when memory
 * is out. */
const char *const *survey_jobs_of(const struct survey_route *routes, size_t count,
                                  const char *target, struct arena *a);
/* Calls `each` for every resource that has a state, patient by patient, until it says false. What
 * it is given lives until it returns. *lost: states that belong to no resource any more, which
 * breaks the law; may be NULL. */
bool survey_walk(struct store *store, const struct survey_route *routes, size_t count,
                 bool (*each)(void *user, const struct survey_item *item), void *user,
                 uint64_t *lost, struct iptfhir_error *error);

/* Whether a hold only says why its whole record is held: then the record stands for both. */
bool survey_is_of_record(struct store *store, const struct store_hold *hold, struct arena *scratch,
                         bool *of_record, struct iptfhir_error *error);

/* ---- the counts ---- */

struct survey_line { /* a job at a target */
    const char *job, *target;
    uint64_t in_step, waiting, unknown, held, decided;
    int64_t oldest_ms; /* since when the oldest of waiting and unknown is so; 0: none is */
};
struct survey_cause { /* all that is held, or waits, for one code */
    const char *code;
    uint64_t resources, records, rows;
    int64_t since_ms; /* the oldest; 0: not known */
};
struct survey_job {
    const char *job;
    struct intake_counts read; /* the last poll that ended */
    struct intake_poll poll;
    bool conserved; /* read = mapped + unchanged + stale + held */
};
/* Whether a job's source still speaks. */
enum survey_word {
    SURVEY_READ,      /* it was read to its end lately */
    SURVEY_NEVER,     /* it never was */
    SURVEY_BROKE_OFF, /* its last reading failed, broke off or goes on */
    SURVEY_OLD        /* nobody has read it for longer than its word counts */
};
struct survey_pause {
    const char *target, *code;
    int64_t until_ms; /* wall clock */
    bool person;      /* it goes on when a person has acted */
};
struct survey {
    struct arena arena;
    struct survey_job *jobs;
    size_t job_count;
    struct survey_line *lines;
    size_t line_count;
    struct survey_cause *causes;
    size_t cause_count;
    struct survey_cause *waits; /* what waits for a cause with a name; only resources */
    size_t wait_count;
    struct survey_pause *pauses;
    size_t pause_count;
    struct survey_line sum; /* over all lines */
    uint64_t held_records, held_rows;
    uint64_t held_in_part; /* records of which a part is held: what they lack isn't withdrawn */
    uint64_t lost;         /* states without a resource */
    int64_t older_ms;      /* when an older store was noticed; 0: never */
    bool conserved;        /* the law holds */
};
/* Counts everything as it stands at now_ms (wall clock). Free it also after a failure. */
bool survey_take(struct store *store, const struct survey_route *routes, size_t count,
                 int64_t now_ms, struct survey *out, struct iptfhir_error *error);
void survey_free(struct survey *s);
/* max_age_ms: how long a source's word counts (limits.max_age_hours). */
enum survey_word survey_word_of(const struct survey_job *job, int64_t now_ms, int64_t max_age_ms);
/* The exit code that it asks for: a fault, something waits, something is held, all in step. */
int survey_exit(const struct survey *s);
#endif
