/* SPDX-License-Identifier: Apache-2.0 */
/* The source's side of the simulation: a small clinic, what happens to its records, and polls that
 * feed core/sync/intake.h as ingest would, row by row. It also keeps what the store was told, so
 * that the laws can be checked from the outside. */
#ifndef TESTS_WORLD_CLINIC_H
#define TESTS_WORLD_CLINIC_H

#include "core/sync/intake.h"
#include "core/sync/lifecycle.h"
#include "tests/world/sim_store.h"
#include "tests/world/sim_world.h"

enum clinic_item_kind {
    CLINIC_PLAN,
    CLINIC_GOAL,
    CLINIC_SECOND_GOAL,
    CLINIC_TOTAL,
    CLINIC_CONDITION, /* the patient's: two records may say it */
    CLINIC_CONSENT,   /* likewise */
    CLINIC_ITEMS
};
enum {
    CLINIC_PERSONS = 3,
    CLINIC_PATIENTS = 6, /* local ids: from 3 on those that persons were given when renumbered */
    CLINIC_RECORDS = 4,  /* record 3 is the second record of patient 0 */
    CLINIC_JOBS = 2,
    CLINIC_DECISIONS = 4,
    CLINIC_HISTORY = 64,
    CLINIC_ROWS = CLINIC_RECORDS * 2 + 2,
    CLINIC_EDITOR = 900000, /* numbers from here on were written by somebody at an EHR */
    CLINIC_DAY_MS = 86400000
};
#define CLINIC_MRN_SYSTEM "urn:oid:2.999.1"
#define CLINIC_SYSTEM "https://clinic.example/id"

/* What a kind of resource looks like: two elements of ours, each carrying a number. */
struct clinic_kind {
    const char *type, *data_class;
    enum intake_owner owner;
    const char *mark, *mark_format;   /* always there */
    const char *extra, *extra_format; /* may be missing */
    const char *foreign;              /* an element that is never ours */
};
extern const struct clinic_kind clinic_kinds[CLINIC_ITEMS];
extern const char *const clinic_item_names[CLINIC_ITEMS];

struct clinic_patient {
    const char *local_id, *family, *given, *birth_date, *sex;
};
extern const struct clinic_patient clinic_patients[CLINIC_PATIENTS];
extern const char *const clinic_mrns[CLINIC_PATIENTS];
struct clinic_decision {
    bool permits;
    int64_t day;      /* since 1970 */
    unsigned classes; /* bits by kind; 0 in a refusal: all */
    bool part2;
};
/* One revision of one record. */
struct clinic_state {
    size_t patient;  /* in a row: whose identities it has, which `same` makes those of before */
    size_t local;    /* in a row: whose local id it says */
    const char *mrn; /* as the record says it */
    bool exists;     /* it stands in the export */
    bool broken;     /* it can't become a record */
    bool part2;
    int lost_part; /* item that can't be mapped now, -1: none */
    int64_t revision_ms;
    uint32_t mark[CLINIC_ITEMS];  /* 0: the item is not there */
    uint32_t extra[CLINIC_ITEMS]; /* 0: the element is not there */
    int64_t as_of_day;            /* own date of what is the patient's */
    struct clinic_decision decisions[CLINIC_DECISIONS];
    size_t decision_count;
};
/* What the store knows of a record, as far as can be told from outside. */
struct clinic_known {
    bool any;
    bool blocked;              /* its newest revision can't be used or contradicts */
    bool moved;                /* it changed its patient after something of it may have been sent */
    bool decided;              /* a person said what becomes of it */
    bool erased;               /* a person said that it was never true: nor are its refusals */
    bool gone;                 /* a whole, complete export no longer has it */
    uint64_t poll;             /* that told it last */
    struct clinic_state told;  /* as it stood in the export */
    struct clinic_state state; /* with what its absences don't take away */
    int64_t as_of_day[CLINIC_ITEMS]; /* own dates of `state`: what isn't mapped keeps its own */
    struct clinic_state readable;    /* decisions and Part 2 facts that could be read last */
};
enum clinic_poll_kind {
    CLINIC_POLL_WHOLE,
    CLINIC_POLL_EMPTY,      /* an export without a row, as if complete */
    CLINIC_POLL_TRUNCATED,  /* half of the rows, as if complete */
    CLINIC_POLL_FAILS,      /* half of the rows, then an error */
    CLINIC_POLL_OLD,        /* an older export read again */
    CLINIC_POLL_UNREADABLE, /* one row can't be read at all */
    CLINIC_POLL_DOUBLED,    /* a record stands there twice, equal revisions that differ */
    CLINIC_POLL_LATER_LINE, /* an older revision, then the newest */
    CLINIC_POLL_FUTURE,     /* one record says it is from the day after tomorrow */
    CLINIC_POLLS
};
struct clinic_row {
    enum { CLINIC_ROW_RECORD, CLINIC_ROW_HOLD, CLINIC_ROW_UNREADABLE } what;
    size_t record;
    struct clinic_state state;
};
struct clinic_settings {
    size_t jobs;                   /* 1 or 2: then records 2 and 3 are of the second */
    enum intake_complete complete; /* what absences mean */
    bool by_file; /* each revision comes in a file of its own, others are skipped */
    bool removed_is_error;
    const char *const *targets;
    const struct lifecycle *lifecycle;
};
struct clinic {
    struct clinic_settings settings;
    struct sim_random random;
    struct clinic_state now[CLINIC_RECORDS];
    struct {
        size_t record;
        struct clinic_state state;
    } history[CLINIC_HISTORY];
    size_t history_count;
    uint32_t next_number;
    /* what the store knows */
    struct clinic_known known[CLINIC_RECORDS];
    bool polling[CLINIC_JOBS];
    uint64_t whole_polls[CLINIC_JOBS], last_poll_ms;
    bool exported[CLINIC_JOBS];    /* the job's last poll was a whole one of the truth */
    bool miscounted;               /* a poll's counts didn't add up */
    bool aliased[CLINIC_PATIENTS]; /* a person said that the new local id is the same patient's */
    /* the poll under way */
    struct intake *feed;
    struct intake_settings feed_settings;
    size_t feed_job;
    enum clinic_poll_kind feed_kind;
    struct clinic_row rows[CLINIC_ROWS];
    size_t row_count, row_at, told; /* rows from `told` on are not flushed */
    struct arena arena;
};
void clinic_init(struct clinic *c, uint64_t seed, const struct clinic_settings *settings,
                 int64_t wall_ms);
void clinic_free(struct clinic *c);
/* A record changed: its revision moves on, the former one joins the history. */
struct clinic_state *clinic_change(struct clinic *c, size_t record, int64_t wall_ms);
uint32_t clinic_number(struct clinic *c);
size_t clinic_job_of(const struct clinic *c, size_t record);
const char *clinic_job_name(size_t job);
const char *clinic_record_id(size_t record);

/* Begins a poll; false when the store failed or another poll is under way. */
bool clinic_poll_begin(struct clinic *c, struct sim_store *store, size_t job,
                       enum clinic_poll_kind kind, int64_t wall_ms, struct iptfhir_error *error);
enum clinic_fed { CLINIC_FED_MORE, CLINIC_FED_END, CLINIC_FED_FAILED };
/* Does the next small step of the poll under way. */
enum clinic_fed clinic_poll_step(struct clinic *c, struct sim_store *store, int64_t wall_ms,
                                 struct iptfhir_error *error);
/* The process that polled is dead, or the store failed. */
void clinic_poll_drop(struct clinic *c);

/* ---- identities ---- */
struct clinic_identity {
    size_t record; /* whose; of what is the patient's: any of its records */
    size_t patient;
    enum clinic_item_kind item;
};
void clinic_uuid(const struct clinic_identity *identity, unsigned char uuid[STORE_UUID]);
void clinic_uuid_text(const unsigned char uuid[STORE_UUID], char text[37]);
/* Finds what an identifier value of ours stands for; false when it is not ours. */
bool clinic_identify(const char *value, struct clinic_identity *out);
/* The number that a body carries in an element: 0 when the element is missing. */
uint32_t clinic_number_in(const struct tree *body, const char *element);
/* Whether it can be told from outside what counts of an item: nothing of it waits for a person. */
bool clinic_sure(const struct clinic *c, const struct clinic_identity *identity);
/* What the store knows of an item: the number of the newest that counts; false when no record says
 * it. `extra`: of the other element. `several`: equal dates contradict each other. */
bool clinic_knows(const struct clinic *c, const struct clinic_identity *identity, uint32_t *mark,
                  uint32_t *extra, bool *several);
/* Whether the patient's consents, as the store knows them, let an item go out on a day. */
bool clinic_permits(const struct clinic *c, size_t patient, enum clinic_item_kind item,
                    int64_t day);
/* The identifier that the store knows of a patient; NULL: none. */
const char *clinic_mrn(const struct clinic *c, size_t patient);
/* Whether the store knows a refusal that no later permission lifted, whatever the day. */
bool clinic_refuses(const struct clinic *c, size_t patient, enum clinic_item_kind item);
#endif
