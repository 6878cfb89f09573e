/* SPDX-License-Identifier: Apache-2.0 */
/* A history from its beginning to rest. */
#include "tests/world/sim_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REST_ROUNDS = 10 };
static const int64_t rest_ms = (int64_t)12 * 3600 * 1000;

/* ---- shared ---- */

struct sim_shared *sim_shared_load(const char *source_folder) {
    struct report report = { 0 };
    char path[4096];
    struct sim_shared *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    (void)snprintf(path, sizeof path, "%s/mappings", source_folder);
    s->privacy = privacy_load(path, &report);
    (void)snprintf(path, sizeof path, "%s/mappings/lifecycle.yaml", source_folder);
    s->lifecycle = lifecycle_load(path, &report);
    for (size_t i = 0; i < report.count; i++)
        (void)fprintf(stderr, "%s: %s\n", report.entries[i].error.where,
                      report.entries[i].error.text);
    report_free(&report);
    if (s->privacy != NULL && s->lifecycle != NULL)
        return s;
    sim_shared_free(s);
    return NULL;
}

void sim_shared_free(struct sim_shared *shared) {
    if (shared == NULL)
        return;
    privacy_free(shared->privacy);
    lifecycle_free(shared->lifecycle);
    free(shared);
}

/* ---- hooks ---- */

static void request_leaves(void *user, size_t ehr, const struct iptfhir_http_request *request) {
    struct sim_run *run = user;
    laws_leaves(&run->laws, ehr, request);
}

static void ehr_commits(void *user, struct ehr *e, const struct ehr_resource *before,
                        const struct ehr_resource *after, bool client) {
    struct sim_run *run = user;
    for (size_t i = 0; i < run->world.ehr_count; i++)
        if (run->world.ehrs[i] == e)
            laws_committed(&run->laws, i, before, after, client);
}

/* ---- beginning and end ---- */

static void build_ehrs(struct sim_run *run) {
    static const char *const names[SIM_EHRS] = { "ehr0", "ehr1", "ehr2" };
    const struct sim_config *c = &run->script->config;
    for (size_t i = 0; i < c->ehrs; i++) {
        struct ehr *e = ehr_new(names[i], &c->knobs[i]);
        if (e == NULL)
            abort();
        run->world.ehrs[i] = e;
        run->world.ehr_count = i + 1;
        run->bad_until_ms[i] = INT64_MAX;
        sim_register_patients(run, i, 0);
        ehr_observe(e, ehr_commits, run);
        bool hold = c->conflict == DELIVERY_HOLD;
        run->laws.overwrites[i] = !hold || (!c->knobs[i].versions && c->update_without_version);
    }
    for (size_t i = 0; i < c->targets_at_first; i++)
        run->names[run->name_count++] = names[i];
}

static void build(struct sim_run *run, FILE *trace) {
    const struct sim_config *c = &run->script->config;
    sim_world_init(&run->world, c->seed);
    run->world.trace = trace;
    run->world.late_most_ms = c->late_most_ms;
    struct clinic_settings settings = { .jobs = c->jobs,
                                        .complete = c->complete,
                                        .by_file = c->by_file,
                                        .removed_is_error = c->removed_is_error,
                                        .targets = run->names,
                                        .lifecycle = run->shared->lifecycle };
    clinic_init(&run->clinic, c->seed, &settings, sim_true_ms(run));
    laws_init(&run->laws, &run->world, &run->clinic);
    for (size_t i = 0; i < SIM_EHRS; i++)
        run->bad_until_ms[i] = INT64_MAX;
    run->full_until_ms = INT64_MAX;
    run->race_in = -1;
    build_ehrs(run);
    run->world.agenda_next = sim_agenda_next;
    run->world.agenda_run = sim_agenda_run;
    run->world.leaves = request_leaves;
    run->world.user = run;
    run->medium = store_medium_new();
    if (run->medium == NULL)
        abort();
}

static void clear(struct sim_run *run) {
    if (run->alive || run->store != NULL)
        sim_die(run);
    clinic_free(&run->clinic);
    for (size_t i = 0; i < run->world.ehr_count; i++)
        ehr_free(run->world.ehrs[i]);
    sim_world_free(&run->world);
    store_medium_free(run->medium);
    store_medium_free(run->backup);
}

/* Faults end; the clinic is polled whole, and delivery may take its time. */
static void come_to_rest(struct sim_run *run) {
    struct laws *laws = &run->laws;
    sim_tell(&run->world, "--- faults end");
    sim_calm(&run->world);
    run->world.wall_offset_ms = (int64_t)SIM_EPOCH_S * 1000;
    store_medium_set_full(run->medium, false);
    run->full_until_ms = INT64_MAX;
    if (run->alive)
        sim_die(run); /* the service is started anew */
    for (int i = 0; i < REST_ROUNDS && laws_hold(laws); i++) {
        memset(run->clinic.exported, 0, sizeof run->clinic.exported);
        for (size_t job = 0; job < run->script->config.jobs; job++)
            sim_poll_whole(run, job);
        sim_live(run, run->world.now_ms + rest_ms, true);
        if (run->moved == DELIVERY_IN_STEP)
            break;
    }
}

static void note_pauses(struct sim_run *run) {
    struct delivery_pause pause;
    for (size_t i = 0; run->delivery != NULL && i < run->name_count; i++)
        run->laws.paused[i] =
            delivery_paused(run->delivery, i, &pause) && pause.wait_ms == INT64_MAX;
}

/* What is in step costs no request. */
static void poll_again(struct sim_run *run) {
    uint64_t before = run->world.requests;
    memset(run->clinic.exported, 0, sizeof run->clinic.exported);
    for (size_t job = 0; job < run->script->config.jobs; job++)
        sim_poll_whole(run, job);
    sim_live(run, run->world.now_ms + 60000, true);
    if (laws_hold(&run->laws) && run->world.requests != before)
        laws_break(&run->laws, "idle-requests", "%llu requests while all was in step",
                   (unsigned long long)(run->world.requests - before));
}

static void sum_up(struct sim_run *run) {
    struct sim_outcome *o = run->outcome;
    memcpy(o->broken, run->laws.broken, sizeof o->broken);
    memcpy(o->how, run->laws.how, sizeof o->how);
    o->broken_ms = run->laws.broken_ms;
    o->requests = run->world.requests;
    o->writes = run->laws.writes;
    o->withdrawals = run->laws.withdrawals;
    o->clock_steps = run->world.clock_steps;
    memcpy(o->faults, run->world.fault_counts, sizeof o->faults);
}

void sim_run(const struct sim_script *script, const struct sim_shared *shared, FILE *trace,
             void (*look)(struct sim_run *run, void *user), void *user,
             struct sim_outcome *outcome) {
    struct sim_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    memset(outcome, 0, sizeof *outcome);
    run->script = script;
    run->shared = shared;
    run->outcome = outcome;
    build(run, trace);
    int64_t last_ms = script->count > 0 ? script->events[script->count - 1].at_ms : 0;
    sim_start(run);
    sim_live(run, last_ms + 2000, false);
    come_to_rest(run);
    note_pauses(run);
    if (laws_hold(&run->laws))
        laws_at_rest(&run->laws, run->store->below, run->names, script->config.calm,
                     &outcome->rest);
    if (laws_hold(&run->laws) && script->config.calm)
        poll_again(run);
    if (look != NULL && laws_hold(&run->laws))
        look(run, user);
    sum_up(run);
    clear(run);
    free(run);
}

/* ---- looking ---- */

static void value_of(size_t record, size_t patient, enum clinic_item_kind item, char text[37]) {
    struct clinic_identity x = { .record = record, .patient = patient, .item = item };
    unsigned char uuid[STORE_UUID];
    clinic_uuid(&x, uuid);
    clinic_uuid_text(uuid, text);
}

const struct ehr_resource *sim_item_at(const struct sim_run *run, size_t ehr, size_t record,
                                       size_t patient, enum clinic_item_kind item) {
    const struct ehr *e = run->world.ehrs[ehr];
    char text[37];
    value_of(record, patient, item, text);
    for (size_t i = 0; i < ehr_count(e); i++) {
        const struct ehr_resource *r = ehr_at(e, i);
        const char *value = r->identifier_count > 0 ? strchr(r->identifiers[0], '|') : NULL;
        if (!r->deleted && value != NULL && strcmp(value + 1, text) == 0)
            return r;
    }
    return NULL;
}

uint32_t sim_number_at(const struct sim_run *run, size_t ehr, size_t record, size_t patient,
                       enum clinic_item_kind item, bool extra) {
    const struct ehr_resource *r = sim_item_at(run, ehr, record, patient, item);
    struct arena a = { 0 };
    if (r == NULL)
        return 0;
    const struct tree *body = json_read_copy(&a, r->body, r->length, NULL, NULL);
    const struct clinic_kind *kind = &clinic_kinds[item];
    uint32_t number = body != NULL ? clinic_number_in(body, extra ? kind->extra : kind->mark) : 0;
    arena_free(&a);
    return number;
}

uint32_t sim_number_now(const struct sim_run *run, size_t record, enum clinic_item_kind item) {
    return run->clinic.now[record].mark[item];
}

struct state_search {
    struct sim_run *run;
    unsigned char uuid[STORE_UUID];
    uint32_t target;
    enum store_step *step;
    char *code;
    bool found;
};

static bool look_at_patient(void *user, const struct store_patient *patient) {
    struct state_search *x = user;
    struct store *store = x->run->store->below;
    struct arena a = { 0 };
    struct store_said *said;
    struct store_state *states;
    size_t said_count = 0, count = 0;
    if (store->calls->said_of(store, patient->no, &a, &said, &said_count, NULL) &&
        store->calls->states_of(store, x->target, patient->no, &a, &states, &count, NULL))
        for (size_t i = 0; i < said_count * count; i++) {
            const struct store_said *row = &said[i / count];
            const struct store_state *s = &states[i % count];
            if (x->found || row->ordinal != s->ordinal ||
                memcmp(row->uuid, x->uuid, STORE_UUID) != 0)
                continue;
            x->found = true;
            *x->step = s->step;
            (void)snprintf(x->code, 32, "%s", s->code);
        }
    arena_free(&a);
    return !x->found;
}

bool sim_state_of(struct sim_run *run, size_t target, size_t record, size_t patient,
                  enum clinic_item_kind item, enum store_step *step, char code[32]) {
    struct clinic_identity x = { .record = record, .patient = patient, .item = item };
    struct state_search search = { .run = run, .step = step, .code = code };
    if (run->store == NULL)
        return false;
    clinic_uuid(&x, search.uuid);
    struct store *store = run->store->below;
    if (!store->calls->target_no(store, run->names[target], false, &search.target, NULL))
        return false;
    (void)store->calls->patients(store, look_at_patient, &search, NULL);
    return search.found;
}

struct state_count {
    struct sim_run *run;
    uint32_t target;
    enum store_step step;
    const char *code;
    size_t count;
};

static bool count_patient(void *user, const struct store_patient *patient) {
    struct state_count *x = user;
    struct store *store = x->run->store->below;
    struct arena a = { 0 };
    struct store_state *states;
    size_t count = 0;
    if (store->calls->states_of(store, x->target, patient->no, &a, &states, &count, NULL))
        for (size_t i = 0; i < count; i++) {
            bool meant = x->code == NULL || strcmp(states[i].code, x->code) == 0;
            x->count += states[i].step == x->step && meant ? 1 : 0;
        }
    arena_free(&a);
    return true;
}

size_t sim_count_states(struct sim_run *run, size_t target, enum store_step step,
                        const char *code) {
    struct state_count x = { .run = run, .step = step, .code = code };
    if (run->store == NULL)
        return 0;
    struct store *store = run->store->below;
    if (store->calls->target_no(store, run->names[target], false, &x.target, NULL))
        (void)store->calls->patients(store, count_patient, &x, NULL);
    return x.count;
}

size_t sim_ours_at(const struct sim_run *run, size_t ehr) {
    const struct ehr *e = run->world.ehrs[ehr];
    size_t count = 0;
    for (size_t i = 0; i < ehr_count(e); i++) {
        const struct ehr_resource *r = ehr_at(e, i);
        bool ours = r->identifier_count > 0 && !r->deleted &&
                    strncmp(r->identifiers[0], CLINIC_SYSTEM "|", sizeof CLINIC_SYSTEM) == 0;
        count += ours ? 1 : 0;
    }
    return count;
}
