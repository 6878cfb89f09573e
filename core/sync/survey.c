/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the store and counting where everything stands. */
#include "core/sync/survey.h"

#include "core/base/numbers.h"
#include "core/command/exit.h"
#include "core/sync/pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READINGS = 3 };

/* ---- one resource ---- */

/* Whether a state ended with something that is no longer what is wanted. */
static bool is_outdated(const struct lane_item *item) {
    const struct store_state *s = &item->state;
    unsigned char key[STORE_HASH];
    if (item->wanted == STORE_WANTED_NOTHING)
        return false;
    if (s->step == STORE_DECIDED) {
        lane_wanted_key(item, key);
        return memcmp(key, s->attempt_hash, STORE_HASH) != 0;
    }
    bool withdrawn = item->wanted != STORE_WANTED_BODY;
    bool never_there = !s->sent && s->server_id[0] == '\0';
    if (withdrawn && never_there)
        return false;
    return !lane_is_wanted(item, s->sent, s->sent_wanted, s->sent_hash);
}

/* Where it stands now. */
static enum store_step step_of(const struct lane_item *item) {
    const struct store_state *s = &item->state;
    if (s->step == STORE_HELD)
        return STORE_HELD;
    if (s->attempt != STORE_NO_ATTEMPT)
        return STORE_UNKNOWN;
    bool ended = s->step == STORE_IN_STEP || s->step == STORE_DECIDED;
    bool moves_on = ended && (s->decision[0] != '\0' || is_outdated(item));
    if (!moves_on)
        return s->step;
    return item->routed ? STORE_WAITING : STORE_HELD;
}

/* Why it stands there; "" when that needs no reason. */
static const char *code_of(const struct lane_item *item, enum store_step step) {
    if (step == item->state.step)
        return item->state.code;
    return step == STORE_HELD ? "not-for-target" : "";
}

/* Whether the target has, or may have, anything of it. */
static bool is_touched(const struct store_state *s) {
    return s->sent || s->attempt != STORE_NO_ATTEMPT || s->server_id[0] != '\0';
}

/* Since when: of what was never looked at, since it was read. */
static int64_t since_of(const struct survey_item *out) {
    const struct store_state *s = &out->item->state;
    bool same = out->step == s->step && s->since_ms != 0;
    if (same)
        return s->since_ms;
    return out->record != NULL ? out->record->poll : s->since_ms;
}

bool survey_look(const struct lane *lane, const struct lane_item *item, struct survey_item *out) {
    const struct store_state *s = &item->state;
    bool resting = s->step == STORE_WAITING || s->step == STORE_IN_STEP;
    bool silent = item->wanted == STORE_WANTED_NOTHING && resting;
    if (!is_touched(s) && (silent || !item->routed))
        return false;
    out->lane = lane;
    out->item = item;
    out->record = item->record;
    out->step = step_of(item);
    out->code = code_of(item, out->step);
    out->since_ms = since_of(out);
    return true;
}

/* ---- the walk ---- */

const char *const *survey_jobs_of(const struct survey_route *routes, size_t count,
                                  const char *target, struct arena *a) {
    const char **names = arena_zalloc(a, (count + 1) * sizeof *names);
    size_t found = 0;
    for (size_t i = 0; names != NULL && i < count; i++) {
        if (strcmp(routes[i].target, target) == 0)
            names[found++] = routes[i].job;
    }
    return names;
}

static bool note_patient(void *user, const struct store_patient *patient) {
    return numbers_add(user, patient->no);
}

struct walk {
    struct store *store;
    const struct survey_route *routes;
    size_t count;
    bool (*each)(void *user, const struct survey_item *item);
    void *user;
    uint64_t lost;
    bool ended;
    struct iptfhir_error *error;
};

/* Counts states that belong to no resource; both lists are by ordinal. */
static bool count_lost(struct walk *w, const struct lane *lane, uint64_t *lost) {
    struct store_state *states;
    size_t count, at = 0;
    *lost = 0;
    if (lane->target == 0)
        return true;
    if (!w->store->calls->states_of(w->store, lane->target, lane->patient.no, lane->arena, &states,
                                    &count, w->error))
        return false;
    for (size_t i = 0; i < count; i++) {
        while (at < lane->count && lane->items[at].ordinal < states[i].ordinal)
            at++;
        bool owned = at < lane->count && lane->items[at].ordinal == states[i].ordinal;
        bool known = states[i].step >= STORE_WAITING && states[i].step <= STORE_IN_STEP;
        *lost += !owned || !known;
    }
    return true;
}

static bool walk_lane(struct walk *w, const char *target, uint32_t no, uint64_t patient,
                      struct arena *arena) {
    struct lane lane;
    bool found;
    uint64_t lost = 1;
    /* A sync may write between two readings: what is lost stays lost when it is read again. */
    for (int i = 0; lost > 0 && i < READINGS; i++) {
        arena_reset(arena);
        const char *const *jobs = survey_jobs_of(w->routes, w->count, target, arena);
        if (jobs == NULL)
            return error_set(w->error, "memory", NULL, "out of memory");
        if (!lane_load(w->store, no, jobs, patient, arena, &lane, &found, w->error))
            return false;
        if (!found)
            return true;
        if (!count_lost(w, &lane, &lost))
            return false;
    }
    w->lost += lost;
    for (size_t i = 0; i < lane.count && !w->ended; i++) {
        struct survey_item out = { .target = target };
        if (survey_look(&lane, &lane.items[i], &out))
            w->ended = !w->each(w->user, &out);
    }
    return true;
}

/* Whether a route's target was named by one before it. */
static bool is_repeated(const struct survey_route *routes, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (strcmp(routes[i].target, routes[at].target) == 0)
            return true;
    }
    return false;
}

bool survey_walk(struct store *store, const struct survey_route *routes, size_t count,
                 bool (*each)(void *user, const struct survey_item *item), void *user,
                 uint64_t *lost, struct iptfhir_error *error) {
    struct numbers patients = { 0 };
    struct arena arena = { 0 };
    struct walk w = {
        .store = store, .routes = routes, .count = count, .each = each, .user = user, .error = error
    };
    uint32_t *numbers = calloc(count + 1, sizeof *numbers);
    bool good = numbers != NULL && store->calls->patients(store, note_patient, &patients, error);
    if (numbers == NULL || patients.failed)
        good = error_set(error, "memory", NULL, "out of memory");
    for (size_t t = 0; good && t < count; t++)
        good = store->calls->target_no(store, routes[t].target, false, &numbers[t], error);
    for (size_t p = 0; good && p < patients.count; p++) {
        for (size_t t = 0; good && t < count && !w.ended; t++) {
            if (is_repeated(routes, t))
                continue;
            good = walk_lane(&w, routes[t].target, numbers[t], patients.list[p], &arena);
            arena_reset(&arena);
        }
    }
    if (lost != NULL)
        *lost = w.lost;
    arena_free(&arena);
    numbers_free(&patients);
    free(numbers);
    return good;
}

/* ---- counting ---- */

struct counting {
    struct store *store;
    struct survey *s;
    struct arena scratch;
    struct numbers in_part; /* records, as often as they have a held part */
    int64_t now_ms;
    struct iptfhir_error *error;
    bool failed;
};

/* Room for one more in a list of the survey; NULL when memory is out. */
static void *one_more(struct counting *c, void *list, size_t count, size_t size) {
    bool full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    if (!full)
        return list;
    size_t capacity = count < 8 ? 8 : count * 2;
    void *more = arena_zalloc(&c->s->arena, capacity * size);
    if (more == NULL) {
        c->failed = true;
        error_set(c->error, "memory", NULL, "out of memory");
        return NULL;
    }
    if (count > 0)
        memcpy(more, list, count * size);
    return more;
}

static const char *keep(struct counting *c, const char *text) {
    const char *kept = arena_strndup(&c->s->arena, text, strlen(text));
    if (kept == NULL) {
        c->failed = true;
        error_set(c->error, "memory", NULL, "out of memory");
    }
    return kept;
}

static struct survey_line *line_of(struct counting *c, const char *job, const char *target) {
    struct survey *s = c->s;
    for (size_t i = 0; i < s->line_count; i++) {
        struct survey_line *line = &s->lines[i];
        if (strcmp(line->job, job) == 0 && strcmp(line->target, target) == 0)
            return line;
    }
    struct survey_line *lines = one_more(c, s->lines, s->line_count, sizeof *lines);
    if (lines == NULL)
        return NULL;
    s->lines = lines;
    struct survey_line *line = &s->lines[s->line_count];
    *line = (struct survey_line) { .job = keep(c, job), .target = keep(c, target) };
    if (c->failed)
        return NULL;
    s->line_count++;
    return line;
}

/* The cause of a code in one of the lists, made when it is missing. NULL when memory is out. */
static struct survey_cause *cause_in(struct counting *c, struct survey_cause **list, size_t *count,
                                     const char *code, int64_t since_ms) {
    struct survey_cause *cause = NULL;
    for (size_t i = 0; i < *count && cause == NULL; i++) {
        if (strcmp((*list)[i].code, code) == 0)
            cause = &(*list)[i];
    }
    if (cause == NULL) {
        struct survey_cause *longer = one_more(c, *list, *count, sizeof *longer);
        if (longer == NULL)
            return NULL;
        *list = longer;
        cause = &longer[*count];
        *cause = (struct survey_cause) { .code = keep(c, code) };
        if (c->failed)
            return NULL;
        ++*count;
    }
    bool older = cause->since_ms == 0 || since_ms < cause->since_ms;
    if (since_ms != 0 && older)
        cause->since_ms = since_ms;
    return cause;
}

static struct survey_cause *cause_of(struct counting *c, const char *code, int64_t since_ms) {
    return cause_in(c, &c->s->causes, &c->s->cause_count, code, since_ms);
}

/* The cause for which something waits; it needs one only if it isn't just its turn. */
static bool count_wait(struct counting *c, const struct survey_item *item) {
    if (item->code[0] == '\0')
        return true;
    struct survey_cause *cause =
        cause_in(c, &c->s->waits, &c->s->wait_count, item->code, item->since_ms);
    if (cause != NULL)
        cause->resources++;
    return cause != NULL;
}

static void note_age(struct survey_line *line, int64_t since_ms) {
    bool older = line->oldest_ms == 0 || since_ms < line->oldest_ms;
    if (since_ms != 0 && older)
        line->oldest_ms = since_ms;
}

static void count_step(struct survey_line *line, const struct survey_item *item) {
    switch (item->step) {
    case STORE_IN_STEP: line->in_step++; return;
    case STORE_DECIDED: line->decided++; return;
    case STORE_HELD: line->held++; return;
    case STORE_WAITING: line->waiting++; break;
    case STORE_UNKNOWN: line->unknown++; break;
    }
    note_age(line, item->since_ms);
}

static bool count_item(void *user, const struct survey_item *item) {
    struct counting *c = user;
    const char *job = item->record != NULL ? item->record->job : "";
    struct survey_line *line = line_of(c, job, item->target);
    if (line == NULL)
        return false;
    count_step(line, item);
    count_step(&c->s->sum, item);
    if (item->step == STORE_WAITING)
        return count_wait(c, item);
    if (item->step != STORE_HELD)
        return true;
    struct survey_cause *cause = cause_of(c, item->code, item->since_ms);
    if (cause != NULL)
        cause->resources++;
    return cause != NULL;
}

static bool is_held(const struct store_record *record) {
    return record->state == STORE_RECORD_HELD || record->state == STORE_RECORD_GONE;
}

static bool count_record(void *user, const struct store_record *record) {
    struct counting *c = user;
    if (!is_held(record))
        return true;
    struct survey_cause *cause = cause_of(c, record->code, record->poll);
    if (cause == NULL)
        return false;
    cause->records++;
    c->s->held_records++;
    return true;
}

bool survey_is_of_record(struct store *store, const struct store_hold *hold, struct arena *scratch,
                         bool *of_record, struct iptfhir_error *error) {
    struct store_record record;
    bool found = false;
    *of_record = false;
    if (hold->key.record[0] == '\0')
        return true;
    arena_reset(scratch);
    if (!store->calls->record_find(store, hold->key.record, scratch, &record, &found, error))
        return false;
    bool held = found && is_held(&record) && strcmp(record.job, hold->key.job) == 0;
    *of_record = held && strcmp(record.code, hold->key.code) == 0;
    return true;
}

/* Notes the record that a held part is of, unless it is held as a whole. */
static bool note_part(struct counting *c, const struct store_hold *hold) {
    struct store_record record;
    bool found = false;
    const char *place = hold->key.place;
    bool is_row = place[strspn(place, "0123456789")] == '\0'; /* or the whole */
    if (hold->key.record[0] == '\0' || is_row)
        return true;
    arena_reset(&c->scratch);
    if (!c->store->calls->record_find(c->store, hold->key.record, &c->scratch, &record, &found,
                                      c->error))
        return false;
    bool stands = found && !is_held(&record) && strcmp(record.job, hold->key.job) == 0;
    if (!stands || numbers_add(&c->in_part, record.no))
        return true;
    return error_set(c->error, "memory", NULL, "out of memory");
}

static int by_number(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* How many numbers there are, each counted once. */
static uint64_t count_each(struct numbers *n) {
    uint64_t count = 0;
    if (n->count > 1)
        qsort(n->list, n->count, sizeof *n->list, by_number);
    for (size_t i = 0; i < n->count; i++)
        count += i == 0 || n->list[i] != n->list[i - 1];
    return count;
}

/* Counts rows and parts. */
static bool count_hold(void *user, const struct store_hold *hold) {
    struct counting *c = user;
    bool of_record;
    if (!survey_is_of_record(c->store, hold, &c->scratch, &of_record, c->error)) {
        c->failed = true;
        return false;
    }
    if (of_record)
        return true;
    if (!note_part(c, hold)) {
        c->failed = true;
        return false;
    }
    struct survey_cause *cause = cause_of(c, hold->key.code, hold->since_ms);
    if (cause == NULL)
        return false;
    cause->rows++;
    c->s->held_rows++;
    return true;
}

/* ---- jobs and targets ---- */

static bool read_job(struct counting *c, const char *name) {
    struct survey *s = c->s;
    for (size_t i = 0; i < s->job_count; i++) {
        if (strcmp(s->jobs[i].job, name) == 0)
            return true;
    }
    struct survey_job *jobs = one_more(c, s->jobs, s->job_count, sizeof *jobs);
    if (jobs == NULL)
        return false;
    s->jobs = jobs;
    struct survey_job *job = &s->jobs[s->job_count];
    job->job = keep(c, name);
    if (c->failed || !intake_counts_of(c->store, name, &job->read, c->error) ||
        !intake_poll_of(c->store, name, &job->poll, c->error))
        return false;
    const struct intake_counts *n = &job->read;
    job->conserved = n->records == n->mapped + n->unchanged + n->stale + n->held;
    s->job_count++;
    return true;
}

static bool read_pause(struct counting *c, const char *target) {
    struct survey *s = c->s;
    struct pause_kept kept;
    for (size_t i = 0; i < s->pause_count; i++) {
        if (strcmp(s->pauses[i].target, target) == 0)
            return true;
    }
    if (!pause_read(c->store, target, &kept, c->error))
        return false;
    if (kept.code[0] == '\0' || pause_is_over(&kept, c->now_ms))
        return true;
    struct survey_pause *pauses = one_more(c, s->pauses, s->pause_count, sizeof *pauses);
    if (pauses == NULL)
        return false;
    s->pauses = pauses;
    s->pauses[s->pause_count] = (struct survey_pause) { .target = keep(c, target),
                                                        .code = keep(c, kept.code),
                                                        .until_ms = kept.until_ms,
                                                        .person = kept.person };
    s->pause_count += !c->failed;
    return !c->failed;
}

/* When an older store was noticed; "0" and no fact: never. */
static bool read_older(struct counting *c) {
    char text[32];
    struct store_bytes value;
    arena_reset(&c->scratch);
    if (!c->store->calls->fact_get(c->store, "older", &c->scratch, &value, c->error))
        return false;
    snprintf(text, sizeof text, "%.*s", (int)value.length, value.data != NULL ? value.data : "");
    c->s->older_ms = strtoll(text, NULL, 10);
    return true;
}

static int by_weight(const void *a, const void *b) {
    const struct survey_cause *x = a, *y = b;
    uint64_t of_x = x->resources + x->records + x->rows;
    uint64_t of_y = y->resources + y->records + y->rows;
    if (of_x != of_y)
        return of_x > of_y ? -1 : 1;
    return strcmp(x->code, y->code);
}

bool survey_take(struct store *store, const struct survey_route *routes, size_t count,
                 int64_t now_ms, struct survey *out, struct iptfhir_error *error) {
    *out = (struct survey) { 0 };
    struct counting c = { .store = store, .s = out, .now_ms = now_ms, .error = error };
    bool good = read_older(&c);
    for (size_t i = 0; good && i < count; i++) {
        good = read_job(&c, routes[i].job) && read_pause(&c, routes[i].target) &&
               line_of(&c, routes[i].job, routes[i].target) != NULL;
    }
    good = good && survey_walk(store, routes, count, count_item, &c, &out->lost, error);
    good = good && store->calls->records(store, NULL, count_record, &c, error);
    good = good && store->calls->holds(store, NULL, count_hold, &c, error);
    good = good && !c.failed;
    out->held_in_part = count_each(&c.in_part);
    numbers_free(&c.in_part);
    out->conserved = out->lost == 0;
    for (size_t i = 0; i < out->job_count; i++)
        out->conserved = out->conserved && out->jobs[i].conserved;
    if (out->cause_count > 1)
        qsort(out->causes, out->cause_count, sizeof *out->causes, by_weight);
    if (out->wait_count > 1)
        qsort(out->waits, out->wait_count, sizeof *out->waits, by_weight);
    arena_free(&c.scratch);
    return good;
}

void survey_free(struct survey *s) {
    arena_free(&s->arena);
}

enum survey_word survey_word_of(const struct survey_job *job, int64_t now_ms, int64_t max_age_ms) {
    if (job->poll.confirmed_ms == 0)
        return SURVEY_NEVER;
    if (job->poll.begun != job->poll.number)
        return SURVEY_BROKE_OFF;
    return now_ms - job->poll.confirmed_ms > max_age_ms ? SURVEY_OLD : SURVEY_READ;
}

int survey_exit(const struct survey *s) {
    int code = EXIT_SETTLED;
    bool waits = s->sum.waiting + s->sum.unknown > 0;
    bool held = s->sum.held + s->held_records + s->held_rows > 0;
    for (size_t i = 0; i < s->pause_count; i++)
        held = held || s->pauses[i].person;
    if (held)
        code = exit_gravest(code, EXIT_HELD);
    if (waits)
        code = exit_gravest(code, EXIT_LATER);
    if (!s->conserved)
        code = exit_gravest(code, EXIT_FAULT);
    return code;
}
