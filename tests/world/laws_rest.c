/* SPDX-License-Identifier: Apache-2.0 */
/* The laws of rest: one state for each resource, and what is in step is what the clinic says. */
#include "tests/world/laws.h"

#include <stdlib.h>
#include <string.h>

/* What is looked at together: one patient at one target. */
struct view {
    struct laws *l;
    struct store *store;
    size_t ehr;
    const char *name;
    uint32_t target;
    bool calm;
    struct laws_rest *rest;
    struct store_said *said;
    size_t said_count;
    struct store_state *states;
    size_t state_count;
};

/* Whether a row is the lowest of its resource: states stand there. */
static bool is_lowest(const struct view *v, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (memcmp(v->said[i].uuid, v->said[index].uuid, STORE_UUID) == 0)
            return false;
    return true;
}

static const struct store_state *state_of(const struct view *v, uint32_t ordinal) {
    const struct store_state *found = NULL;
    for (size_t i = 0; i < v->state_count; i++) {
        if (v->states[i].ordinal != ordinal)
            continue;
        if (found != NULL)
            laws_break(v->l, "two-states", "%s: one resource has two states", v->name);
        found = &v->states[i];
    }
    return found;
}

static const struct ehr_resource *held_there(const struct ehr *e, const char *value) {
    for (size_t i = 0; i < ehr_count(e); i++) {
        const struct ehr_resource *r = ehr_at(e, i);
        const char *token = r->identifier_count > 0 ? strchr(r->identifiers[0], '|') : NULL;
        if (!r->deleted && token != NULL && strcmp(token + 1, value) == 0)
            return r;
    }
    return NULL;
}

/* What is in step must be at the EHR as the clinic says it. */
static void check_in_step(const struct view *v, const struct store_said *said,
                          const struct store_state *state) {
    struct clinic_identity x;
    struct arena a = { 0 };
    uint32_t mark = 0, extra = 0;
    bool several = false;
    const struct ehr *e = v->l->world->ehrs[v->ehr];
    if (!clinic_identify(said->value, &x) || state->generation > 0)
        return;
    const char *item = clinic_item_names[x.item];
    const struct ehr_resource *r = held_there(e, said->value);
    bool wanted = clinic_knows(v->l->clinic, &x, &mark, &extra, &several);
    if (!clinic_sure(v->l->clinic, &x))
        return;
    if ((!wanted && said->code[0] != '\0') || several) {
        laws_break(v->l, "hold-unseen", "%s: %s is in step, held is it by nobody (%s)", v->name,
                   item, several ? "contradiction" : said->code);
        return;
    }
    if (!wanted) {
        if (r != NULL && state->sent && !laws_withdrawn(r->body) && x.item != CLINIC_TOTAL)
            laws_break(v->l, "not-withdrawn", "%s: %s is in step and nobody says it", v->name,
                       item);
        return;
    }
    if (r == NULL) { /* deleted there since it was in step: nobody looks before the next change */
        if (ehr_find(e, said->type, state->server_id) == NULL && !v->l->was_reset[v->ehr])
            laws_break(v->l, "not-there", "%s: %s is in step and not there", v->name, item);
        return;
    }
    const struct tree *body = json_read_copy(&a, r->body, r->length, NULL, NULL);
    uint32_t its = body != NULL ? clinic_number_in(body, clinic_kinds[x.item].mark) : 0;
    if (its != mark && its < CLINIC_EDITOR)
        laws_break(v->l, "not-in-step", "%s: %s is in step with %u, the clinic says %u", v->name,
                   item, its, mark);
    arena_free(&a);
}

/* Whether an item is held for what a person must look at even in a calm history: its writes failed
 * again and again while others were taken. */
static bool needs_person(const struct store_state *state) {
    enum { TRIES_LEAST = 5 };
    return strcmp(state->code, "server-error") == 0 && state->tries >= TRIES_LEAST;
}

/* Whether no record says a resource any more: where it never was it has no state. */
static bool nobody_says(const struct view *v, size_t index) {
    for (size_t i = 0; i < v->said_count; i++) {
        bool same = memcmp(v->said[i].uuid, v->said[index].uuid, STORE_UUID) == 0;
        if (same && v->said[i].wanted != STORE_WANTED_NOTHING)
            return false;
    }
    return true;
}

static void check_row(const struct view *v, size_t index) {
    const struct store_said *said = &v->said[index];
    const struct store_state *state = state_of(v, said->ordinal);
    if (!is_lowest(v, index)) {
        if (state != NULL)
            laws_break(v->l, "two-states", "%s: a second version has a state of its own", v->name);
        return;
    }
    bool nothing_there = state == NULL || (!state->sent && state->attempt == STORE_NO_ATTEMPT);
    if (nothing_there && nobody_says(v, index))
        return; /* it has no state that anybody would be shown */
    if (state == NULL || state->step == STORE_WAITING || state->step == STORE_UNKNOWN) {
        v->rest->open++;
        if (v->l->paused[v->ehr])
            return;
        laws_break(v->l, "never-at-rest", "%s: %s %u of patient %llu is %s (%s)", v->name,
                   said->type, said->ordinal, (unsigned long long)said->patient,
                   state != NULL ? store_step_name(state->step) : "without a state",
                   state != NULL ? state->code : "");
        return;
    }
    if (state->step == STORE_HELD) {
        v->rest->held++;
        sim_tell(v->l->world, "%s: %s %u held %s: %s", v->name, said->type, said->ordinal,
                 state->code, state->detail);
        if (v->calm && !needs_person(state))
            laws_break(v->l, "held-for-nothing", "%s: %s %u is held %s (%s)", v->name, said->type,
                       said->ordinal, state->code, state->detail);
        return;
    }
    v->rest->in_step += state->step == STORE_IN_STEP ? 1 : 0;
    v->rest->decided += state->step == STORE_DECIDED ? 1 : 0;
    bool looked = !v->l->paused[v->ehr]; /* else a row says what was wanted before the pause */
    if (state->step == STORE_IN_STEP && looked)
        check_in_step(v, said, state);
}

static bool check_patient(void *user, const struct store_patient *patient) {
    struct view *v = user;
    struct arena a = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    const struct store_calls *calls = v->store->calls;
    bool read =
        calls->said_of(v->store, patient->no, &a, &v->said, &v->said_count, &error) &&
        calls->states_of(v->store, v->target, patient->no, &a, &v->states, &v->state_count, &error);
    if (!read)
        laws_break(v->l, "store-unreadable", "%s: %s", error.code, error.text);
    for (size_t i = 0; read && i < v->said_count; i++)
        check_row(v, i);
    arena_free(&a);
    return true;
}

/* What the clinic says must be known to the store at all. */
static void check_told(struct laws *l, struct store *store) {
    struct iptfhir_error error = ERROR_INIT;
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        struct arena a = { 0 };
        struct store_record record;
        bool found = false;
        bool read =
            store->calls->record_find(store, clinic_record_id(r), &a, &record, &found, &error);
        if (read && !found && l->clinic->known[r].any)
            laws_break(l, "record-lost", "record %zu was taken and is not in the store", r);
        arena_free(&a);
    }
}

void laws_at_rest(struct laws *l, struct store *store, const char *const *targets, bool calm,
                  struct laws_rest *rest) {
    struct iptfhir_error error = ERROR_INIT;
    check_told(l, store);
    if (l->clinic->miscounted)
        laws_break(l, "miscounted", "records read are not mapped + unchanged + stale + held");
    for (size_t t = 0; targets[t] != NULL; t++) {
        struct view v = {
            .l = l, .store = store, .ehr = t, .name = targets[t], .calm = calm, .rest = rest
        };
        if (!store->calls->target_no(store, targets[t], false, &v.target, &error) || v.target == 0)
            continue;
        if (!store->calls->patients(store, check_patient, &v, &error))
            laws_break(l, "store-unreadable", "%s: %s", error.code, error.text);
    }
}
