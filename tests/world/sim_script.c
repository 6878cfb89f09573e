/* SPDX-License-Identifier: Apache-2.0 */
/* What a seed stands for: the habits of its EHRs, and what happens when. */
#include "tests/world/sim_run.h"

#include <string.h>

static const struct {
    const char *name, *constant;
} kinds[SIM_KINDS] = {
#define KIND(constant, name) [constant] = { name, #constant }
    KIND(SIM_POLL, "poll"),         KIND(SIM_CORRECT, "correct"), KIND(SIM_EXTRA, "extra"),
    KIND(SIM_BACK, "back"),         KIND(SIM_REMOVE, "remove"),   KIND(SIM_LEAVE, "leave"),
    KIND(SIM_BREAK, "break"),       KIND(SIM_PART, "part"),       KIND(SIM_PATIENT, "patient"),
    KIND(SIM_MRN, "mrn"),           KIND(SIM_REVOKE, "revoke"),   KIND(SIM_PERMIT, "permit"),
    KIND(SIM_RENUMBER, "renumber"), KIND(SIM_PART2, "part2"),     KIND(SIM_DATED, "dated"),
    KIND(SIM_FAULT, "fault"),       KIND(SIM_RESTART, "restart"), KIND(SIM_WEATHER, "weather"),
    KIND(SIM_BAD, "bad"),           KIND(SIM_EDIT, "edit"),       KIND(SIM_DELETE, "delete"),
    KIND(SIM_UNDELETE, "undelete"), KIND(SIM_MERGE, "merge"),     KIND(SIM_RESET, "reset"),
    KIND(SIM_STEAL, "steal"),       KIND(SIM_KILL, "kill"),       KIND(SIM_CLOCK, "clock"),
    KIND(SIM_FULL, "full"),         KIND(SIM_RETRY, "retry"),     KIND(SIM_BACKUP, "backup"),
    KIND(SIM_RESTORE, "restore"),   KIND(SIM_TARGET, "target"),
#undef KIND
};

const char *sim_kind_name(enum sim_kind kind) {
    return kinds[kind].name;
}

const char *sim_kind_constant(enum sim_kind kind) {
    return kinds[kind].constant;
}

/* ---- habits ---- */

static void draw_knobs(struct sim_random *r, struct ehr_knobs *k) {
    static const int64_t lags[] = { 0, 0, 0, 500, 2000, 10000 };
    *k = (struct ehr_knobs) { .conditional_create = sim_chance(r, 50),
                              .conditional_fresh = sim_chance(r, 50),
                              .client_ids = sim_chance(r, 30),
                              .none_match = sim_chance(r, 60),
                              .versions = sim_chance(r, 90),
                              .reuses_searches = sim_chance(r, 30),
                              .sets = sim_chance(r, 50),
                              .decorates = sim_chance(r, 50),
                              .numeric_ids = sim_chance(r, 50),
                              .checks_references = sim_chance(r, 30),
                              .searches_by_identifier = sim_chance(r, 90),
                              .honours_prefer = sim_chance(r, 50),
                              .bundles = (enum ehr_bundles)sim_between(r, 0, 2),
                              .index_lag_ms = lags[sim_between(r, 0, 5)],
                              .conflict_status = sim_chance(r, 50) ? 409 : 412,
                              .gone_status = sim_chance(r, 50) ? 404 : 410,
                              .unknown_status = sim_chance(r, 80) ? 404 : 400 };
    if (sim_chance(r, 10))
        k->most_bytes = 4000;
    if (sim_chance(r, 20))
        k->most_entries = (size_t)sim_between(r, 2, 6);
    if (sim_chance(r, 10))
        k->page = 2;
}

void sim_config_of(uint64_t seed, struct sim_config *out) {
    struct sim_random r = { .state = seed ^ UINT64_C(0x636f6e666967) };
    *out = (struct sim_config) { .seed = seed,
                                 .ehrs = (size_t)sim_between(&r, 1, 2),
                                 .labels = sim_chance(&r, 80),
                                 .settle_ms =
                                     90000, /* longer than a time-out and what comes after it */
                                 .late_most_ms = 12000,
                                 .jobs = (size_t)sim_between(&r, 1, 2),
                                 .removed_is_error = sim_chance(&r, 30),
                                 .calm = sim_chance(&r, 40) };
    for (size_t i = 0; i < SIM_EHRS; i++)
        draw_knobs(&r, &out->knobs[i]);
    for (size_t i = 0; out->calm && i < SIM_EHRS; i++) {
        out->knobs[i].searches_by_identifier = true;
        out->knobs[i].versions = true;
        out->knobs[i].most_bytes = 0;
    }
    out->targets_at_first = out->ehrs;
    out->update_without_version = sim_chance(&r, 50);
    int complete = (int)sim_between(&r, 0, 9);
    out->complete = complete < 5 ? INTAKE_EXPORT : complete < 8 ? INTAKE_RECORDS : INTAKE_NONE;
    out->by_file = out->complete != INTAKE_EXPORT && sim_chance(&r, 50);
    if (!out->calm && sim_chance(&r, 10))
        out->conflict = (enum delivery_conflict)sim_between(&r, 1, 2);
    if (!out->calm && sim_chance(&r, 15))
        out->withdraw = (enum delivery_withdraw)sim_between(&r, 1, 2);
}

/* ---- what happens ---- */

struct weight {
    enum sim_kind kind;
    int calm, rough; /* how often */
};
static const struct weight weights[] = {
    { SIM_POLL, 14, 14 },  { SIM_CORRECT, 12, 10 }, { SIM_EXTRA, 8, 6 },   { SIM_BACK, 5, 5 },
    { SIM_REMOVE, 0, 4 },  { SIM_LEAVE, 0, 2 },     { SIM_BREAK, 0, 3 },   { SIM_PART, 0, 2 },
    { SIM_PATIENT, 0, 2 }, { SIM_MRN, 0, 2 },       { SIM_REVOKE, 0, 4 },  { SIM_PERMIT, 0, 2 },
    { SIM_PART2, 0, 1 },   { SIM_RENUMBER, 0, 2 },  { SIM_DATED, 0, 2 },   { SIM_FAULT, 20, 12 },
    { SIM_RESTART, 4, 3 }, { SIM_WEATHER, 5, 5 },   { SIM_BAD, 2, 2 },     { SIM_EDIT, 0, 6 },
    { SIM_DELETE, 0, 2 },  { SIM_UNDELETE, 0, 1 },  { SIM_MERGE, 0, 2 },   { SIM_RESET, 0, 1 },
    { SIM_STEAL, 0, 1 },   { SIM_KILL, 10, 8 },     { SIM_CLOCK, 3, 3 },   { SIM_FULL, 2, 2 },
    { SIM_RETRY, 0, 8 },   { SIM_BACKUP, 0, 2 },    { SIM_RESTORE, 0, 1 }, { SIM_TARGET, 1, 1 },
};

static enum sim_kind draw_kind(struct sim_random *r, bool calm) {
    int total = 0;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        total += calm ? weights[i].calm : weights[i].rough;
    int left = (int)sim_between(r, 0, total - 1);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        left -= calm ? weights[i].calm : weights[i].rough;
        if (left < 0)
            return weights[i].kind;
    }
    return SIM_POLL;
}

static void draw_network(struct sim_random *r, const struct sim_config *c, struct sim_event *x) {
    x->a = (int)sim_between(r, 0, (int64_t)c->ehrs - 1);
    switch (x->kind) {
    case SIM_FAULT:
        x->b = (int)sim_between(r, 0, SIM_FAULTS - 1);
        x->c = (int)sim_between(r, 1, 4);
        x->d = (int)sim_between(r, SIM_ANY, SIM_READS);
        break;
    case SIM_RESTART: x->b = (int)sim_between(r, 1, 60); break;
    case SIM_WEATHER:
        x->b = (int)sim_between(r, c->calm ? EHR_BUSY_SECONDS : EHR_FORBIDDEN, EHR_WEATHERS - 1);
        x->c = (int)sim_between(r, 5, 600);
        x->d = (int)sim_between(r, 1, 300);
        break;
    case SIM_BAD:
        x->b = (int)sim_between(r, 0, CLINIC_PERSONS - 1);
        x->c = (int)sim_between(r, 1, 3);
        x->d = (int)sim_between(r, 10, 3600);
        break;
    default: x->b = (int)sim_between(r, 0, 30); break;
    }
    if (x->kind == SIM_EDIT)
        x->c = (int)sim_between(r, 0, 3);
    if (x->kind == SIM_MERGE || x->kind == SIM_STEAL)
        x->b %= CLINIC_PERSONS;
}

static void draw_place(struct sim_random *r, const struct sim_config *c, struct sim_event *x) {
    switch (x->kind) {
    case SIM_KILL: x->a = (int)sim_between(r, 1, sim_chance(r, 50) ? 30 : 300); break;
    case SIM_CLOCK:
        x->a = sim_chance(r, 50) ? -60 : sim_chance(r, 50) ? 365 * 24 * 60 : -365 * 24 * 60;
        if (c->calm && x->a < -60)
            x->a = -60; /* a year ago no consent of today has begun */
        break;
    case SIM_FULL: x->a = (int)sim_between(r, 1, 600); break;
    case SIM_RETRY:
        x->a = (int)sim_between(r, 0, 10);
        x->b = (int)sim_between(r, 0, 60);
        x->c = (int)sim_between(r, 0, SIM_DECISIONS - 1);
        break;
    default: break;
    }
}

static void draw_event(struct sim_random *r, const struct sim_config *c, struct sim_event *x) {
    x->kind = draw_kind(r, c->calm);
    x->a = (int)sim_between(r, 0, CLINIC_RECORDS - 1);
    x->b = (int)sim_between(r, 0, CLINIC_ITEMS - 1);
    if (x->kind == SIM_POLL) {
        x->a = (int)sim_between(r, 0, (int64_t)c->jobs - 1);
        bool odd = !c->calm && sim_chance(r, 30);
        x->b = odd ? (int)sim_between(r, 1, CLINIC_POLLS - 1) : CLINIC_POLL_WHOLE;
        if (c->calm && sim_chance(r, 10))
            x->b = CLINIC_POLL_FAILS;
    } else if (x->kind == SIM_PATIENT || x->kind == SIM_MRN) {
        x->a %= x->kind == SIM_MRN ? CLINIC_PERSONS : CLINIC_RECORDS;
        x->b %= CLINIC_PERSONS;
    } else if (x->kind == SIM_RENUMBER) {
        x->a %= CLINIC_PERSONS;
    } else if (x->kind == SIM_REVOKE || x->kind == SIM_PERMIT) {
        x->b = sim_chance(r, 50) ? -1 : x->b;
    } else if (x->kind == SIM_DATED) {
        x->b = (int)sim_between(r, -3, 3);
    } else if (x->kind >= SIM_FAULT && x->kind < SIM_KILL) {
        draw_network(r, c, x);
    } else if (x->kind >= SIM_KILL) {
        draw_place(r, c, x);
    }
}

static int64_t draw_gap(struct sim_random *r) {
    int which = (int)sim_between(r, 0, 99);
    if (which < 45)
        return sim_between(r, 0, 1500);
    if (which < 80)
        return sim_between(r, 1500, 60000);
    if (which < 95)
        return sim_between(r, 60, 3000) * 1000;
    return sim_between(r, 1, 6) * 3600 * 1000;
}

static bool is_clinics(enum sim_kind kind) {
    return kind > SIM_POLL && kind < SIM_FAULT;
}

void sim_script_of(uint64_t seed, struct sim_script *out) {
    struct sim_random r = { .state = seed ^ UINT64_C(0x736372697074) };
    memset(out, 0, sizeof *out);
    sim_config_of(seed, &out->config);
    if (out->config.ehrs > 1 && sim_chance(&r, 20))
        out->config.targets_at_first = 1;
    int64_t at_ms = 100;
    for (size_t j = 0; j < out->config.jobs; j++, at_ms += sim_between(&r, 0, 3000))
        out->events[out->count++] = (struct sim_event) { at_ms, SIM_POLL, (int)j, 0, 0, 0 };
    size_t length = (size_t)sim_between(&r, 3, sim_chance(&r, 70) ? 14 : 45);
    while (length-- > 0 && out->count + 2 < SIM_EVENTS) {
        struct sim_event *x = &out->events[out->count++];
        at_ms += draw_gap(&r);
        x->at_ms = at_ms;
        draw_event(&r, &out->config, x);
        if (!is_clinics(x->kind) || !sim_chance(&r, 70))
            continue; /* what changes at the clinic is mostly read soon */
        at_ms += sim_between(&r, 0, 2000);
        bool of_record = x->kind != SIM_MRN && x->kind != SIM_RENUMBER;
        int job = out->config.jobs == 2 && of_record && x->a >= 2 ? 1 : 0;
        out->events[out->count++] =
            (struct sim_event) { at_ms, SIM_POLL, job, CLINIC_POLL_WHOLE, 0, 0 };
    }
}
