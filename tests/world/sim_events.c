/* SPDX-License-Identifier: Apache-2.0 */
/* What happens: at the clinic, in the network, at the EHRs, and to our process. */
#include "tests/world/sim_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t sim_true_ms(const struct sim_run *run) {
    return run->world.now_ms + (int64_t)SIM_EPOCH_S * 1000;
}

/* ---- the clinic ---- */

static void change_mrn(struct sim_run *run, const struct sim_event *x) {
    struct clinic *c = &run->clinic;
    for (size_t r = 0; r < CLINIC_RECORDS; r++)
        if (c->now[r].patient % CLINIC_PERSONS == (size_t)x->a)
            clinic_change(c, r, sim_true_ms(run))->mrn = clinic_mrns[x->b];
}

/* The clinic gives a person another local id, in all its records. */
static void renumber(struct sim_run *run, const struct sim_event *x) {
    struct clinic *c = &run->clinic;
    for (size_t r = 0; r < CLINIC_RECORDS; r++)
        if (c->now[r].patient == (size_t)x->a)
            clinic_change(c, r, sim_true_ms(run))->patient += CLINIC_PERSONS;
}

/* The record says again what it said one revision before. */
static void go_back(struct sim_run *run, size_t record) {
    struct clinic *c = &run->clinic;
    for (size_t i = c->history_count; i > 0; i--) {
        if (c->history[i - 1].record != record)
            continue;
        struct clinic_state former = c->history[i - 1].state;
        struct clinic_state *s = clinic_change(c, record, sim_true_ms(run));
        for (size_t item = 0; item < CLINIC_ITEMS; item++) {
            bool leaves = former.mark[item] == 0 && s->mark[item] != 0;
            if (leaves && run->script->config.calm)
                continue; /* what becomes of it, a person would have to say */
            s->mark[item] = former.mark[item];
            s->extra[item] = former.extra[item];
        }
        return;
    }
}

static void decide_consent(struct sim_run *run, const struct sim_event *x) {
    struct clinic_state *s = clinic_change(&run->clinic, (size_t)x->a, sim_true_ms(run));
    bool permits = x->kind == SIM_PERMIT;
    bool all = x->b < 0 || x->b == CLINIC_CONSENT;
    bool goals = x->b == CLINIC_GOAL || x->b == CLINIC_SECOND_GOAL;
    unsigned one = goals ? 1u << CLINIC_GOAL | 1u << CLINIC_SECOND_GOAL : 1u << (x->b & 31);
    unsigned whole = permits ? ~0u : 0;
    if (s->decision_count == CLINIC_DECISIONS)
        s->decision_count--;
    s->decisions[s->decision_count++] = (struct clinic_decision) {
        .permits = permits, .day = sim_true_ms(run) / CLINIC_DAY_MS, .classes = all ? whole : one
    };
}

/* Events that change one record into a newer revision. */
static void change_record(struct sim_run *run, const struct sim_event *x) {
    struct clinic *c = &run->clinic;
    struct clinic_state *s = clinic_change(c, (size_t)x->a, sim_true_ms(run));
    switch (x->kind) {
    case SIM_CORRECT: s->mark[x->b] = clinic_number(c); break;
    case SIM_EXTRA:
        if (s->mark[x->b] != 0)
            s->extra[x->b] = s->extra[x->b] == 0 || c->next_number % 3 ? clinic_number(c) : 0;
        break;
    case SIM_REMOVE: s->mark[x->b] = s->extra[x->b] = 0; break;
    case SIM_PART: s->lost_part = s->lost_part >= 0 ? -1 : x->b; break;
    case SIM_PATIENT:
        s->patient = (size_t)x->b;
        s->mrn = clinic_mrns[x->b];
        break;
    case SIM_PART2: s->part2 = !s->part2; break;
    case SIM_DATED: s->as_of_day += x->b; break;
    default: break;
    }
}

static void at_clinic(struct sim_run *run, const struct sim_event *x) {
    struct clinic *c = &run->clinic;
    switch (x->kind) {
    case SIM_BACK: go_back(run, (size_t)x->a); break;
    case SIM_LEAVE: c->now[x->a].exists = !c->now[x->a].exists; break;
    case SIM_BREAK: c->now[x->a].broken = !c->now[x->a].broken; break;
    case SIM_MRN: change_mrn(run, x); break;
    case SIM_RENUMBER: renumber(run, x); break;
    case SIM_REVOKE:
    case SIM_PERMIT: decide_consent(run, x); break;
    default: change_record(run, x); break;
    }
}

/* ---- the EHRs ---- */

static void register_patient(struct sim_run *run, size_t ehr, size_t patient) {
    const struct clinic_patient *p = &clinic_patients[patient];
    struct ehr_person person = { CLINIC_MRN_SYSTEM, clinic_mrns[patient], p->family,
                                 p->given,          p->birth_date,        p->sex };
    (void)ehr_register(run->world.ehrs[ehr], sim_true_ms(run), &person);
}

void sim_register_patients(struct sim_run *run, size_t ehr, size_t first) {
    for (size_t i = 0; i < CLINIC_PERSONS; i++)
        register_patient(run, ehr, (first + i) % CLINIC_PERSONS);
}

/* Another client files resources of its own: they take the ids that come next. */
static void file_strangers(struct sim_run *run, size_t ehr) {
    static const char *const types[] = { "Goal", "CarePlan", "Observation", "Condition" };
    for (size_t i = 0; i < 8; i++) {
        struct arena a = { 0 };
        struct iptfhir_http_response answer;
        bool hangs = false;
        const char *type = types[i % 4];
        char *path = arena_printf(&a, "/%s", type);
        char *body = arena_printf(&a,
                                  "{\"resourceType\":\"%s\",\"identifier\":[{\"system\":"
                                  "\"urn:another\",\"value\":\"%zu\"}]}",
                                  type, i);
        struct iptfhir_http_request request = { .size = sizeof request,
                                                .method = "POST",
                                                .path = path,
                                                .body = body,
                                                .body_length = strlen(body) };
        ehr_serve(run->world.ehrs[ehr], sim_true_ms(run), &request, &a, &answer, &hangs);
        arena_free(&a);
    }
}

static bool is_ours(const struct ehr_resource *r) {
    return r->identifier_count > 0 &&
           strncmp(r->identifiers[0], CLINIC_SYSTEM "|", sizeof CLINIC_SYSTEM) == 0;
}

/* The n-th of our resources at an EHR, deleted or not; NULL: there is none. */
static const struct ehr_resource *pick(const struct ehr *e, int n, bool deleted) {
    size_t count = 0;
    for (size_t round = 0; round < 2; round++) {
        size_t wanted = count > 0 ? (size_t)n % count : 0;
        size_t at = 0;
        for (size_t i = 0; i < ehr_count(e); i++) {
            const struct ehr_resource *r = ehr_at(e, i);
            if (!is_ours(r) || r->deleted != deleted)
                continue;
            if (round == 1 && at++ == wanted)
                return r;
            count += round == 0 ? 1 : 0;
        }
    }
    return NULL;
}

static void edit(struct sim_run *run, const struct sim_event *x) {
    struct ehr *e = run->world.ehrs[x->a];
    const struct ehr_resource *r = pick(e, x->b, false);
    struct clinic_identity identity;
    char json[200], tail[120];
    if (r == NULL || !clinic_identify(strchr(r->identifiers[0], '|') + 1, &identity))
        return;
    const struct clinic_kind *kind = &clinic_kinds[identity.item];
    uint32_t number = CLINIC_EDITOR + ++run->edits;
    const char *format = x->c == 0 ? kind->mark_format : kind->extra_format;
    const char *element = x->c == 0 ? kind->mark : x->c == 2 ? kind->foreign : kind->extra;
    const char *end = strchr(strchr(format, '%'), 'u') + 1;
    (void)snprintf(tail, sizeof tail, "%s", end);
    (void)snprintf(json, sizeof json, "%.*s%u%s", (int)(strchr(format, '%') - format), format,
                   number, tail);
    if (x->c == 2)
        (void)snprintf(json, sizeof json,
                       identity.item == CLINIC_CONSENT ? "\"by-hand-%u\""
                                                       : "[{\"text\":\"by hand %u\"}]",
                       number);
    bool removes = x->c == 3;
    sim_tell(&run->world, "ehr%d %s/%s: %s %s", x->a, r->type, r->id, element,
             removes ? "is removed there" : json);
    if (!ehr_edit(e, sim_true_ms(run), r, element, removes ? NULL : json))
        return;
    laws_edited(&run->laws, (size_t)x->a, r, element, removes ? 0 : number);
    run->outcome->edits++;
}

static void merge_patient(struct sim_run *run, const struct sim_event *x) {
    struct ehr *e = run->world.ehrs[x->a];
    const struct clinic_patient *p = &clinic_patients[x->b];
    const struct ehr_resource *old = ehr_patient_of(e, CLINIC_MRN_SYSTEM, clinic_mrns[x->b]);
    char mrn[16], from[EHR_ID];
    if (old == NULL)
        return;
    (void)snprintf(from, sizeof from, "%s", old->id);
    (void)snprintf(mrn, sizeof mrn, "M-9%03u", ++run->charts);
    struct ehr_person person = {
        CLINIC_MRN_SYSTEM, mrn, p->family, p->given, p->birth_date, p->sex
    };
    const struct ehr_resource *to = ehr_register(e, sim_true_ms(run), &person);
    if (ehr_merge(e, sim_true_ms(run), from, to->id))
        run->outcome->merges++;
}

/* A clerk at the EHR gives a patient another birth date, or puts it right. */
static void change_birth_date(struct sim_run *run, const struct sim_event *x) {
    struct ehr *e = run->world.ehrs[x->a];
    const struct ehr_resource *r = ehr_patient_of(e, CLINIC_MRN_SYSTEM, clinic_mrns[x->b]);
    const char *right = clinic_patients[x->b].birth_date;
    char json[20];
    if (r == NULL)
        return;
    bool is_right = strstr(r->body, right) != NULL;
    (void)snprintf(json, sizeof json, "\"%s\"", is_right ? "1900-01-01" : right);
    (void)ehr_edit(e, sim_true_ms(run), r, "birthDate", json);
}

static void reset(struct sim_run *run, const struct sim_event *x) {
    size_t ehr = (size_t)x->a;
    sim_ehr_resets(&run->world, ehr);
    ehr_reset(run->world.ehrs[ehr]);
    laws_reset(&run->laws, ehr);
    sim_register_patients(run, ehr, (size_t)x->b);
    file_strangers(run, ehr);
    run->outcome->resets++;
}

static void at_ehr(struct sim_run *run, const struct sim_event *x) {
    struct ehr *e = run->world.ehrs[x->a];
    const struct ehr_resource *r = NULL;
    switch (x->kind) {
    case SIM_WEATHER:
        ehr_set_weather(e, (enum ehr_weather)x->b, sim_true_ms(run) + x->c * 1000, x->d);
        run->outcome->weathers[x->b]++;
        break;
    case SIM_BAD:
        ehr_set_bad_patient(e, clinic_mrns[x->b], (enum ehr_bad)x->c);
        run->bad_until_ms[x->a] = run->world.now_ms + x->d * 1000;
        break;
    case SIM_EDIT: edit(run, x); break;
    case SIM_DELETE:
        r = pick(e, x->b, false);
        if (r != NULL && ehr_delete(e, sim_true_ms(run), r)) {
            run->laws.deleted_ms[x->a] = run->world.now_ms;
            run->outcome->deletes++;
        }
        break;
    case SIM_UNDELETE:
        r = pick(e, x->b, true);
        if (r != NULL)
            (void)ehr_undelete(e, sim_true_ms(run), r);
        break;
    case SIM_MERGE: merge_patient(run, x); break;
    case SIM_STEAL: change_birth_date(run, x); break;
    default: reset(run, x); break;
    }
}

/* ---- the agenda ---- */

static int64_t bad_ends(const struct sim_run *run) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < SIM_EHRS; i++)
        if (run->bad_until_ms[i] < next)
            next = run->bad_until_ms[i];
    return next;
}

int64_t sim_agenda_next(void *user) {
    const struct sim_run *run = user;
    int64_t next = bad_ends(run);
    if (run->full_until_ms < next)
        next = run->full_until_ms;
    if (run->next_event < run->script->count) {
        int64_t event_ms = run->script->events[run->next_event].at_ms;
        if (event_ms < next)
            next = event_ms;
    }
    return next;
}

static void end_what_ends(struct sim_run *run) {
    for (size_t i = 0; i < SIM_EHRS; i++) {
        if (run->bad_until_ms[i] > run->world.now_ms)
            continue;
        run->bad_until_ms[i] = INT64_MAX;
        ehr_set_bad_patient(run->world.ehrs[i], "", EHR_GOOD);
    }
    if (run->full_until_ms <= run->world.now_ms) {
        run->full_until_ms = INT64_MAX;
        store_medium_set_full(run->medium, false);
        sim_tell(&run->world, "the disk has room again");
    }
}

/* Whether an EHR of this number takes part. */
static bool is_there(const struct sim_run *run, const struct sim_event *x) {
    bool at_an_ehr = x->kind >= SIM_FAULT && x->kind < SIM_KILL;
    return !at_an_ehr || (x->a >= 0 && (size_t)x->a < run->world.ehr_count);
}

/* Does an event that needs nobody's attention; false: it does. */
static bool do_inline(struct sim_run *run, const struct sim_event *x) {
    struct sim_world *w = &run->world;
    if (x->kind > SIM_POLL && x->kind < SIM_FAULT) {
        at_clinic(run, x);
    } else if (x->kind == SIM_FAULT) {
        sim_plan(w, (struct sim_plan) { (size_t)x->a, (enum sim_fault)x->b, (enum sim_which)x->d,
                                        x->c });
    } else if (x->kind == SIM_RESTART) {
        sim_ehr_restarts(w, (size_t)x->a, x->b * 1000);
        run->outcome->restarts++;
    } else if (x->kind < SIM_KILL && x->kind > SIM_RESTART) {
        at_ehr(run, x);
    } else if (x->kind == SIM_CLOCK) {
        sim_clock_step(w, (int64_t)x->a * 60000);
    } else {
        return false;
    }
    return true;
}

bool sim_agenda_run(void *user) {
    struct sim_run *run = user;
    bool attention = false;
    laws_note_charts(&run->laws);
    end_what_ends(run);
    while (run->next_event < run->script->count &&
           run->script->events[run->next_event].at_ms <= run->world.now_ms) {
        const struct sim_event *x = &run->script->events[run->next_event++];
        sim_tell(&run->world, "- %s %d %d %d %d", sim_kind_name(x->kind), x->a, x->b, x->c, x->d);
        if (!is_there(run, x) || do_inline(run, x))
            continue;
        run->pending[run->pending_count++] = *x;
        attention = true;
    }
    return attention;
}

/* ---- our process and its place ---- */

static void back_up(struct sim_run *run) {
    store_medium_free(run->backup);
    run->backup = store_medium_copy(run->medium);
    memcpy(run->backup_known, run->clinic.known, sizeof run->backup_known);
    memcpy(run->backup_polling, run->clinic.polling, sizeof run->backup_polling);
}

static void restore(struct sim_run *run) {
    if (run->backup == NULL)
        return;
    sim_die(run);
    store_medium_free(run->medium);
    run->medium = store_medium_copy(run->backup);
    store_medium_set_full(run->medium, false);
    memcpy(run->clinic.known, run->backup_known, sizeof run->backup_known);
    memcpy(run->clinic.polling, run->backup_polling, sizeof run->backup_polling);
    run->era++;
    for (size_t j = 0; j < CLINIC_JOBS; j++)
        run->clinic.exported[j] = false;
    run->laws.was_restored = true;
    run->outcome->restores++;
}

static void add_target(struct sim_run *run) {
    if (run->name_count == run->script->config.ehrs)
        return;
    sim_die(run);
    static const char *const names[] = { "ehr0", "ehr1", "ehr2" };
    run->names[run->name_count] = names[run->name_count];
    run->name_count++;
}

static void do_one(struct sim_run *run, const struct sim_event *x) {
    struct iptfhir_error error = ERROR_INIT;
    switch (x->kind) {
    case SIM_POLL:
        if (run->alive && run->clinic.feed == NULL &&
            clinic_poll_begin(&run->clinic, run->store, (size_t)x->a, (enum clinic_poll_kind)x->b,
                              sim_wall_ms(&run->world), &error))
            run->outcome->polls++;
        break;
    case SIM_KILL: run->world.dies_in = (uint64_t)x->a; break;
    case SIM_FULL:
        store_medium_set_full(run->medium, true);
        run->full_until_ms = run->world.now_ms + x->a * 1000;
        run->outcome->full++;
        break;
    case SIM_RETRY:
        run->race = *x;
        run->race_in = x->b;
        break;
    case SIM_BACKUP: back_up(run); break;
    case SIM_RESTORE: restore(run); break;
    case SIM_TARGET: add_target(run); break;
    default: break;
    }
}

void sim_do_pending(struct sim_run *run) {
    for (size_t i = 0; i < run->pending_count; i++) {
        laws_note_charts(&run->laws);
        do_one(run, &run->pending[i]);
    }
    run->pending_count = 0;
}
