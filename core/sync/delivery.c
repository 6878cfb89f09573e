/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: picks lanes, lets them advance, commits for all of them together, and carries their
 * orders into the world. */
#include "core/sync/delivery.h"

#include "core/base/alloc.h"
#include "core/base/numbers.h"
#include "core/sync/advance.h"
#include "core/sync/evidence.h"
#include "core/sync/intake.h"
#include "core/sync/pause.h"
#include "core/sync/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES_PER_THREAD = 4,  /* under way at once: answers of some are read while others travel */
    SCAN_PAGE = 64,        /* lanes looked up at once */
    LANES_BYTES = 3 << 20, /* of memory, from which on no further lane of a target is begun */
    ITEM_BYTES = 4 << 10   /* that an item takes when its lane is at its largest */
};

/* What a target can do is asked once a run. */
struct learning {
    struct ask ask;
    struct iptfhir_evidence_sink sink;
    bool learned, failed;
};
struct lanes {
    struct cycle *first;
    size_t count;
};
struct target_run {
    struct reach reach;
    struct learning learning;
    struct lanes lanes;
};
struct delivery {
    struct cycle_run run;
    struct target_run *targets;
    size_t target_count;
    uint64_t foreign; /* the store's number of foreign changes, as last seen */
    uint64_t polls;   /* how the jobs' polls stood */
    bool moved;       /* something was done in this step */
};

static struct target_run *owner_of(struct iptfhir_evidence_sink *sink) {
    return sink->self;
}

/* ---- what a target can do ---- */

static void learn_item(struct iptfhir_evidence_sink *sink, size_t index,
                       const struct iptfhir_evidence *e) {
    (void)sink, (void)index, (void)e;
}

static void learn_candidate(struct iptfhir_evidence_sink *sink,
                            const struct iptfhir_candidate *candidate) {
    (void)sink, (void)candidate;
}

static void learn_abilities(struct iptfhir_evidence_sink *sink,
                            const struct iptfhir_abilities *abilities) {
    struct target_run *t = owner_of(sink);
    t->learning.learned = reach_learn(&t->reach, abilities);
    t->learning.failed = !t->learning.learned;
}

static uint32_t random_number(struct world *world) {
    uint32_t number = 0;
    (void)world->random(world, &number, sizeof number);
    return number;
}

static void learn_pause(struct iptfhir_evidence_sink *sink, const struct iptfhir_pause *pause) {
    struct target_run *t = owner_of(sink);
    struct world *world = t->learning.ask.owner;
    reach_pause(&t->reach, pause, world->steady_ms(world), random_number(world));
    t->reach.pause_changed = true;
}

/* The answer to LEARN was read. */
static bool end_learning(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    static const struct iptfhir_pause silent = {
        .size = sizeof silent,
        .code = "target-unreachable",
        .detail = "the target did not say what it can do; see whether it is up"
    };
    struct world *world = d->run.world;
    d->moved = true;
    if (t->learning.failed)
        return error_set(error, "memory", NULL, "out of memory");
    if (!t->reach.learned && !t->reach.paused)
        reach_pause(&t->reach, &silent, world->steady_ms(world), random_number(world));
    return true;
}

/* Whether a target has a lane at all: one where everything is in step is asked nothing. */
static bool has_lanes(struct delivery *d, struct target_run *t, bool *any,
                      struct iptfhir_error *error) {
    uint64_t patient;
    size_t count = 0;
    int64_t next;
    bool read = d->run.store->calls->lanes_due(d->run.store, t->reach.no, 0, INT64_MAX, 1, &patient,
                                               &count, &next, error);
    *any = count > 0;
    return read;
}

/* Asks a target what it can do, unless it is being asked or pauses. */
static bool learn(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    bool any;
    if (t->reach.learned || t->reach.paused || t->learning.ask.under_way)
        return true;
    if (!has_lanes(d, t, &any, error))
        return false;
    if (!any)
        return true;
    t->learning.sink = (struct iptfhir_evidence_sink) {
        sizeof t->learning.sink, t, learn_item, learn_candidate, learn_abilities, learn_pause
    };
    t->learning.ask.owner = d->run.world;
    t->learning.ask.order =
        (struct iptfhir_order) { .number = ++d->run.orders, .task = IPTFHIR_LEARN };
    d->run.counts.requests++;
    switch (ask_send(&t->learning.ask, &t->reach, d->run.world, &t->learning.sink, error)) {
    case ASK_UNDER_WAY: return true;
    case ASK_ANSWERED: return end_learning(d, t, error);
    case ASK_FAILED: break;
    }
    if (strcmp(error->code, "memory") == 0)
        return false;
    const struct iptfhir_pause unusable = {
        .size = sizeof unusable, .code = error->code, .detail = error->text, .person = true
    };
    learn_pause(&t->learning.sink, &unusable); /* the other targets go on */
    error_clear(error);
    return true;
}

/* ---- life ---- */

/* A pause that was kept from the last run goes on, as far as it can be believed: what is left of it
 * is never more than all of it. What needs a person is probed when its time is over. */
static bool restore_pause(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    struct pause_kept kept;
    struct world *world = d->run.world;
    if (!pause_read(d->run.store, t->reach.config->name, &kept, error))
        return false;
    if (kept.code[0] == '\0')
        return true;
    int64_t left = kept.until_ms - world->wall_ms(world);
    int64_t whole = kept.until_ms - kept.set_ms;
    const struct iptfhir_pause pause = { .size = sizeof pause,
                                         .code = kept.code,
                                         .detail = "as it said before",
                                         .retry_after_ms = left < whole ? left : whole,
                                         .person = kept.person };
    if (pause_is_over(&kept, world->wall_ms(world))) {
        t->reach.pause_changed = true; /* the store forgets it */
        return true;
    }
    reach_pause(&t->reach, &pause, world->steady_ms(world), 0);
    if (left <= 0 && !pause_waits_for_word(kept.code))
        (void)reach_probe(&t->reach, t->reach.until_ms);
    return true;
}

/* What an earlier run found out about how much the target takes at once. */
static bool restore_limit(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    char name[300], text[64] = "";
    struct arena arena = { 0 };
    struct store_bytes value;
    long long most = 0, kept_ms = 0;
    (void)snprintf(name, sizeof name, "bundle %s", t->reach.config->name);
    bool read = d->run.store->calls->fact_get(d->run.store, name, &arena, &value, error);
    if (read && value.data != NULL && value.length < sizeof text)
        memcpy(text, value.data, value.length);
    if (sscanf(text, "%lld %lld", &most, &kept_ms) == 2 && most > 0)
        reach_remember(&t->reach, (size_t)most, kept_ms, d->run.world->wall_ms(d->run.world));
    arena_free(&arena);
    return read;
}

/* Opens one target. */
static bool open_target(struct delivery *d, struct target_run *t,
                        const struct delivery_target *config, struct iptfhir_error *error) {
    const struct store_calls *calls = d->run.store->calls;
    struct iptfhir_http_settings settings = { .size = sizeof settings };
    config->calls->connection(config->instance, &settings);
    reach_begin(&t->reach, config, settings.timeout_ms);
    if (!calls->begin(d->run.store, error))
        return false;
    if (!calls->target_no(d->run.store, config->name, true, &t->reach.no, error)) {
        calls->rollback(d->run.store);
        return false;
    }
    if (!calls->commit(d->run.store, error))
        return false;
    t->reach.has_server = settings.base_url != NULL;
    if (!t->reach.has_server)
        reach_without_server(&t->reach);
    if (!restore_pause(d, t, error) || !restore_limit(d, t, error))
        return false;
    if (!t->reach.has_server)
        return true;
    return d->run.world->connect(d->run.world, &settings, config->threads, &t->reach.connection,
                                 error);
}

static bool note_patient(void *user, const struct store_patient *patient) {
    return numbers_add(user, patient->no);
}

/* Puts the lanes of all patients, once for each time that an older store came back. */
static bool look_at_all(struct delivery *d, const struct numbers *p, struct iptfhir_error *error) {
    const struct store_calls *calls = d->run.store->calls;
    char text[24];
    for (size_t t = 0; t < d->target_count; t++) {
        for (size_t i = 0; i < p->count; i++) {
            if (!calls->lane_put(d->run.store, d->targets[t].reach.no, p->list[i], 0, error))
                return false;
        }
    }
    int length = snprintf(text, sizeof text, "%u", (unsigned)d->run.settings->era);
    return calls->fact_set(d->run.store, "older looked",
                           (struct store_bytes) { text, (size_t)length }, error);
}

/* After an older store came back, what is in step there may not be: all of it is looked at. */
static bool mind_older_store(struct delivery *d, struct iptfhir_error *error) {
    const struct store_calls *calls = d->run.store->calls;
    struct arena arena = { 0 };
    struct numbers patients = { 0 };
    struct store_bytes value;
    char text[24] = "";
    if (d->run.settings->era == 0)
        return true;
    bool good = calls->fact_get(d->run.store, "older looked", &arena, &value, error);
    if (good && value.data != NULL && value.length < sizeof text)
        memcpy(text, value.data, value.length);
    bool looked = strtoul(text, NULL, 10) >= d->run.settings->era;
    arena_free(&arena);
    if (!good || looked)
        return good;
    good = calls->patients(d->run.store, note_patient, &patients, error);
    if (patients.failed)
        good = error_set(error, "memory", NULL, "out of memory");
    good = good && calls->begin(d->run.store, error);
    if (good && (!look_at_all(d, &patients, error) || !calls->commit(d->run.store, error))) {
        calls->rollback(d->run.store);
        good = false;
    }
    numbers_free(&patients);
    return good;
}

struct delivery *delivery_open(struct world *world, struct store *store,
                               const struct delivery_settings *settings,
                               struct iptfhir_error *error) {
    struct delivery *d = base_malloc(sizeof *d);
    size_t size = (settings->target_count + 1) * sizeof *d->targets;
    struct target_run *targets = d != NULL ? base_malloc(size) : NULL;
    if (targets == NULL) {
        base_free(d);
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    memset(targets, 0, size);
    *d = (struct delivery) { .run = { .world = world, .store = store, .settings = settings },
                             .targets = targets };
    d->run.began_ms = world->steady_ms(world);
    d->run.began_wall_ms = world->wall_ms(world);
    bool good = store->calls->foreign_changes(store, &d->foreign, error);
    for (size_t i = 0; good && i < settings->target_count; i++) {
        d->target_count++;
        good = open_target(d, &targets[i], &settings->targets[i], error);
    }
    if (good && mind_older_store(d, error))
        return d;
    delivery_close(d);
    return NULL;
}

/* Takes a cycle out of its target's list. */
static void unlink_cycle(struct target_run *t, struct cycle *c) {
    struct cycle **at = &t->lanes.first;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    t->lanes.count--;
}

/* Waits for the calls of a target that is closed: the world still writes into them. */
static void drain(struct delivery *d) {
    bool any = true;
    while (any) {
        any = false;
        for (size_t i = 0; i < d->target_count; i++) {
            any = any || d->targets[i].learning.ask.under_way;
            for (struct cycle *c = d->targets[i].lanes.first; c != NULL; c = c->next)
                any = any || c->ask.under_way;
        }
        struct world_call *call = any ? d->run.world->done(d->run.world, INT64_MAX) : NULL;
        if (call == NULL)
            return;
        struct ask *ask = call->user;
        ask->under_way = false;
    }
}

void delivery_close(struct delivery *d) {
    if (d == NULL)
        return;
    drain(d);
    for (size_t i = 0; i < d->target_count; i++) {
        struct target_run *t = &d->targets[i];
        while (t->lanes.first != NULL) {
            struct cycle *c = t->lanes.first;
            t->lanes.first = c->next;
            cycle_free(c);
        }
        ask_free(&t->learning.ask);
        reach_free(&t->reach);
    }
    str_free(&d->run.text);
    base_free(d->targets);
    base_free(d);
}

/* ---- what others changed ---- */

/* Marks lanes as changed by others: they are loaded anew after what is under way. */
static void make_stale(struct delivery *d, uint64_t patient) {
    for (size_t i = 0; i < d->target_count; i++) {
        struct target_run *t = &d->targets[i];
        reach_wake(&t->reach, patient);
        for (struct cycle *c = t->lanes.first; c != NULL; c = c->next) {
            if (patient == 0 || c->patient == patient)
                c->stale = true;
        }
    }
}

void delivery_notice(struct delivery *d, uint64_t patient) {
    make_stale(d, patient);
}

/* A person may have ended a pause: then the store doesn't keep it any more. */
static bool listen_for_word(struct delivery *d, struct iptfhir_error *error) {
    for (size_t i = 0; i < d->target_count; i++) {
        struct reach *r = &d->targets[i].reach;
        struct pause_kept kept;
        bool stands = r->paused || r->needs_person;
        if (!stands || r->pause_changed)
            continue;
        if (!pause_read(d->run.store, r->config->name, &kept, error))
            return false;
        if (kept.code[0] == '\0')
            reach_resume(r);
    }
    return true;
}

/* Looks whether another process changed the store. */
static bool look_for_changes(struct delivery *d, struct iptfhir_error *error) {
    uint64_t number;
    if (!d->run.store->calls->foreign_changes(d->run.store, &number, error))
        return false;
    if (number == d->foreign)
        return true;
    make_stale(d, 0);
    d->foreign = number;
    return listen_for_word(d, error);
}

/* ---- picking lanes ---- */

/* Reads how the jobs' polls stand. What waited for the end of one is looked at again when any of
 * them has moved on; while all jobs are being read, nothing can be sent. */
static bool read_polls(struct delivery *d, bool *polling, struct iptfhir_error *error) {
    const char *const *jobs = d->run.settings->jobs;
    uint64_t stand = 0;
    *polling = jobs[0] != NULL;
    for (size_t i = 0; jobs[i] != NULL; i++) {
        struct intake_poll poll;
        if (!intake_poll_of(d->run.store, jobs[i], &poll, error))
            return false;
        *polling = *polling && poll.polling;
        stand = stand * 31 + (uint64_t)poll.confirmed_ms * 2 + (poll.polling ? 1 : 0);
    }
    if (stand != d->polls)
        make_stale(d, 0);
    d->polls = stand;
    return true;
}

static bool is_under_way(const struct target_run *t, uint64_t patient) {
    for (const struct cycle *c = t->lanes.first; c != NULL; c = c->next) {
        if (c->patient == patient)
            return true;
    }
    return false;
}

/* Whether a lane still rests. */
static bool is_resting(const struct delivery *d, const struct target_run *t, uint64_t patient) {
    const struct reach_rest *rest = reach_rest_of(&t->reach, patient);
    return rest != NULL && rest->until_ms > d->run.world->steady_ms(d->run.world);
}

static bool begin_lane(struct delivery *d, struct target_run *t, uint64_t patient,
                       struct iptfhir_error *error) {
    struct cycle *c = cycle_new(&d->run, &t->reach, patient, error);
    if (c == NULL)
        return false;
    evidence_open(c);
    c->next = t->lanes.first;
    t->lanes.first = c;
    t->lanes.count++;
    d->moved = true;
    return true;
}

/* What a lane takes, or will take when its bodies are written. */
static size_t bytes_of(const struct cycle *c) {
    size_t now = c->arena.used + c->ask.bytes, later = c->lane.count * ITEM_BYTES;
    return now > later ? now : later;
}

/* Whether another lane may be begun beside those that are under way. */
static bool has_room(const struct target_run *t) {
    size_t most = t->reach.config->threads * LANES_PER_THREAD, bytes = 0;
    if (t->reach.probes)
        most = 1;
    for (const struct cycle *c = t->lanes.first; c != NULL; c = c->next)
        bytes += bytes_of(c);
    bool all_work = t->lanes.count >= t->reach.config->threads;
    return t->lanes.count < most && (bytes < LANES_BYTES || !all_work);
}

/* Begins lanes that are due, until enough are under way. */
static bool pick(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    bool room = has_room(t);
    while (room && !t->reach.scanned) {
        uint64_t patients[SCAN_PAGE];
        size_t count = 0;
        int64_t next;
        if (!d->run.store->calls->lanes_due(d->run.store, t->reach.no, t->reach.after, INT64_MAX,
                                            SCAN_PAGE, patients, &count, &next, error))
            return false;
        for (size_t i = 0; i < count && room; i++) {
            t->reach.after = patients[i];
            if (is_under_way(t, patients[i]) || is_resting(d, t, patients[i]))
                continue;
            if (!begin_lane(d, t, patients[i], error))
                return false;
            room = has_room(t);
        }
        bool whole_page = room || count == 0 || t->reach.after == patients[count - 1];
        if (count < SCAN_PAGE && whole_page)
            reach_scan_ends(&t->reach, d->run.world->steady_ms(d->run.world));
    }
    return true;
}

/* ---- pauses ---- */

/* Keeps how a target pauses, or that it doesn't, for the next run. */
static bool keep_pause(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    const struct reach *r = &t->reach;
    struct world *world = d->run.world;
    struct pause_kept kept = { .set_ms = world->wall_ms(world), .person = r->needs_person };
    int64_t left = REACH_PAUSE_MOST_MS;
    if (r->until_ms != INT64_MAX)
        left = r->until_ms - world->steady_ms(world);
    kept.until_ms = kept.set_ms + left;
    if (r->paused || r->needs_person)
        memcpy(kept.code, r->code, sizeof kept.code);
    return pause_write(d->run.store, r->config->name, &kept, error);
}

/* Keeps how much the target takes at once for the next run. */
static bool keep_limit(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    char name[300], text[64];
    struct store_bytes value = { NULL, 0 };
    (void)snprintf(name, sizeof name, "bundle %s", t->reach.config->name);
    int length = snprintf(text, sizeof text, "%zu %lld", t->reach.entries_most,
                          (long long)d->run.world->wall_ms(d->run.world));
    if (t->reach.entries_most < t->reach.entries_allowed)
        value = (struct store_bytes) { text, (size_t)length };
    return d->run.store->calls->fact_set(d->run.store, name, value, error);
}

/* A pause whose time is over ends; a lane at a time probes the way until an answer is as it should
 * be. */
static void end_pauses(struct delivery *d) {
    int64_t now = d->run.world->steady_ms(d->run.world);
    for (size_t i = 0; i < d->target_count; i++) {
        if (reach_probe(&d->targets[i].reach, now))
            d->moved = true;
    }
}

/* ---- answers ---- */

static bool take_answer(struct delivery *d, struct world_call *call, struct iptfhir_error *error) {
    struct ask *ask = call->user;
    d->moved = true;
    for (size_t i = 0; i < d->target_count; i++) {
        struct target_run *t = &d->targets[i];
        if (ask != &t->learning.ask)
            continue;
        enum ask_end ended = ask_read(ask, &t->reach, d->run.world, &t->learning.sink, error);
        if (ended == ASK_ANSWERED)
            return end_learning(d, t, error);
        return ended == ASK_UNDER_WAY;
    }
    struct cycle *c = ask->owner;
    enum ask_end ended = cycle_read(c, error);
    return ended != ASK_FAILED;
}

/* ---- one commit for all ---- */

/* What a cycle does next is decided. */
static bool advance_all(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    for (struct cycle *c = t->lanes.first; c != NULL; c = c->next) {
        if (c->ask.under_way)
            continue;
        c->ask.owner = c;
        c->paused = c->paused || t->reach.paused;
        if (cycle_advance(c, error) == CYCLE_FAILS)
            return false;
        d->moved = true;
    }
    return true;
}

static bool is_ready(const struct cycle *c) {
    return !c->ask.under_way;
}

static bool anything_to_save(const struct delivery *d) {
    for (size_t i = 0; i < d->target_count; i++) {
        if (d->targets[i].reach.pause_changed || d->targets[i].reach.limit_changed)
            return true;
        for (const struct cycle *c = d->targets[i].lanes.first; c != NULL; c = c->next) {
            if (is_ready(c) && cycle_is_dirty(c))
                return true;
        }
    }
    return false;
}

/* Immediately before the socket, within the transaction that notes the attempts: what others
 * changed since the lane was read takes its order back. */
static void recheck(struct delivery *d) {
    for (size_t i = 0; i < d->target_count; i++) {
        for (struct cycle *c = d->targets[i].lanes.first; c != NULL; c = c->next) {
            if (is_ready(c) && c->what == CYCLE_ASKS && c->stale)
                cycle_withdraw_order(c);
        }
    }
}

/* Saves a cycle. Of several patients who were matched to one chart at once, the first to write
 * there stands in it; the others' orders are taken back. */
static bool save_cycle(struct cycle *c, struct iptfhir_error *error) {
    bool ours = true;
    if (cycle_writes(c) && !cycle_claim_chart(c, &ours, error))
        return false;
    if (!ours) {
        c->stale = true; /* it is matched anew, and then sees who stands there */
        cycle_withdraw_order(c);
    }
    return cycle_save(c, error);
}

static bool save_all(struct delivery *d, struct iptfhir_error *error) {
    for (size_t i = 0; i < d->target_count; i++) {
        struct target_run *t = &d->targets[i];
        for (struct cycle *c = t->lanes.first; c != NULL; c = c->next) {
            if (is_ready(c) && !save_cycle(c, error))
                return false;
        }
        if (t->reach.limit_changed && !keep_limit(d, t, error))
            return false;
        t->reach.limit_changed = false;
        if (!t->reach.pause_changed)
            continue;
        if (!keep_pause(d, t, error))
            return false;
        t->reach.pause_changed = false;
    }
    return true;
}

/* The store can't be written now: what was about to be sent wasn't, and is decided anew. What was
 * answered stays to be saved. */
static void withdraw_orders(struct delivery *d) {
    for (size_t i = 0; i < d->target_count; i++) {
        for (struct cycle *c = d->targets[i].lanes.first; c != NULL; c = c->next) {
            if (is_ready(c) && c->what == CYCLE_ASKS)
                cycle_withdraw_order(c);
        }
    }
}

/* What was to be saved is not in the store: the lanes are read again from what is. */
static void forget_ready(struct delivery *d) {
    for (size_t i = 0; i < d->target_count; i++) {
        struct target_run *t = &d->targets[i];
        struct cycle *next;
        for (struct cycle *c = t->lanes.first; c != NULL; c = next) {
            next = c->next;
            if (!is_ready(c))
                continue;
            unlink_cycle(t, c);
            cycle_free(c);
        }
        reach_rescan(&t->reach);
        t->reach.pause_changed = true;
        t->reach.limit_changed = true;
    }
}

static bool commit_all(struct delivery *d, struct iptfhir_error *error) {
    const struct store_calls *calls = d->run.store->calls;
    if (!anything_to_save(d)) {
        recheck(d);
        if (!anything_to_save(d))
            return true;
    }
    if (!calls->begin(d->run.store, error)) {
        withdraw_orders(d);
        return false;
    }
    bool good = look_for_changes(d, error);
    if (good)
        recheck(d);
    good = good && save_all(d, error);
    struct witness *witness = d->run.settings->witness;
    if (witness != NULL)
        good = good && witness_count(witness, d->run.store, error);
    good = good && calls->commit(d->run.store, error);
    if (!good) {
        calls->rollback(d->run.store);
        forget_ready(d);
        return false;
    }
    if (witness != NULL)
        witness_note(witness);
    return true;
}

/* ---- after the commit ---- */

/* Notes when a lane that ended is looked at again. */
static bool put_to_rest(struct target_run *t, const struct cycle *c, struct iptfhir_error *error) {
    if (c->again_ms == INT64_MAX && !c->stale) {
        struct reach_rest *known = reach_rest_of(&t->reach, c->patient);
        if (known != NULL) {
            known->until_ms = INT64_MAX;
            known->tries = 0;
        }
        return true;
    }
    struct reach_rest *rest = reach_rest_add(&t->reach, c->patient);
    if (rest == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    rest->until_ms = c->again_ms;
    rest->waits = c->waits;
    rest->tries = c->waits || c->unknown ? rest->tries + 1 : 0;
    rest->unknown = c->unknown;
    if (c->stale) {
        rest->until_ms = INT64_MIN;
        reach_rescan(&t->reach);
    }
    return true;
}

/* Sends what is ready, frees what has ended. */
static bool send_all(struct delivery *d, struct target_run *t, struct iptfhir_error *error) {
    struct cycle *next;
    for (struct cycle *c = t->lanes.first; c != NULL; c = next) {
        next = c->next;
        if (!is_ready(c))
            continue;
        if (c->what == CYCLE_ENDS) {
            if (!put_to_rest(t, c, error))
                return false;
            unlink_cycle(t, c);
            cycle_free(c);
            d->moved = true;
            continue;
        }
        if (c->what == CYCLE_ASKS && cycle_send(c, error) == ASK_FAILED)
            return false;
        d->moved = true;
    }
    return true;
}

/* ---- the step ---- */

/* How long nothing happens, and why. */
static enum delivery_moved rest(struct delivery *d, int64_t *wait_ms) {
    int64_t now = d->run.world->steady_ms(d->run.world), next = INT64_MAX;
    bool waits = false, unknown = false;
    for (size_t i = 0; i < d->target_count; i++) {
        struct reach *r = &d->targets[i].reach;
        struct reach_soonest soonest = reach_soonest(r);
        bool pauses = r->paused;
        waits = waits || soonest.waits || pauses;
        unknown = unknown || (soonest.unknown && !pauses);
        int64_t due = pauses ? r->until_ms : soonest.until_ms;
        if (due < next)
            next = due;
    }
    *wait_ms = INT64_MAX;
    if (next != INT64_MAX)
        *wait_ms = next > now ? next - now : 0; /* what is due at once has no moment to take off */
    if (unknown)
        return DELIVERY_AWAITS;
    return waits ? DELIVERY_RESTS : DELIVERY_IN_STEP;
}

/* Lanes whose rest is over are looked for again. */
static void wake_lanes(struct delivery *d) {
    int64_t now = d->run.world->steady_ms(d->run.world);
    for (size_t i = 0; i < d->target_count; i++) {
        struct reach *r = &d->targets[i].reach;
        if (r->scanned && reach_soonest(r).until_ms <= now)
            reach_rescan(r);
    }
}

static bool is_idle(const struct delivery *d) {
    for (size_t i = 0; i < d->target_count; i++) {
        if (d->targets[i].learning.ask.under_way || d->targets[i].lanes.first != NULL)
            return false;
    }
    return true;
}

static bool work(struct delivery *d, bool polling, struct iptfhir_error *error) {
    for (size_t i = 0; i < d->target_count; i++) {
        struct target_run *t = &d->targets[i];
        if (!polling && !learn(d, t, error))
            return false;
        if (!polling && t->reach.learned && !t->reach.paused && !pick(d, t, error))
            return false;
        if (!advance_all(d, t, error))
            return false;
    }
    if (!commit_all(d, error))
        return false;
    for (size_t i = 0; i < d->target_count; i++) {
        if (!send_all(d, &d->targets[i], error))
            return false;
    }
    return true;
}

enum delivery_moved delivery_step(struct delivery *d, int64_t patience_ms, int64_t *wait_ms,
                                  struct iptfhir_error *error) {
    bool polling;
    d->moved = false;
    *wait_ms = 0;
    end_pauses(d);
    wake_lanes(d);
    if (!look_for_changes(d, error) || !read_polls(d, &polling, error))
        return DELIVERY_FAILED;
    if (!work(d, polling, error))
        return DELIVERY_FAILED;
    int64_t patience = d->moved ? 0 : patience_ms;
    struct world_call *call = is_idle(d) ? NULL : d->run.world->done(d->run.world, patience);
    while (call != NULL) {
        if (!take_answer(d, call, error))
            return DELIVERY_FAILED;
        call = d->run.world->done(d->run.world, 0);
    }
    if (d->moved)
        return DELIVERY_MOVED;
    if (!is_idle(d))
        return DELIVERY_AWAITS;
    if (polling) {
        *wait_ms = INT64_MAX;
        return DELIVERY_RESTS;
    }
    return rest(d, wait_ms);
}

bool delivery_paused(const struct delivery *d, size_t target, struct delivery_pause *out) {
    const struct reach *r = &d->targets[target].reach;
    *out = (struct delivery_pause) { 0 };
    if (!r->paused && !r->needs_person)
        return false;
    out->code = r->code;
    out->detail = r->detail;
    out->wait_ms = r->until_ms - d->run.world->steady_ms(d->run.world);
    if (r->needs_person)
        out->wait_ms = INT64_MAX;
    return true;
}

const struct delivery_counts *delivery_counts(const struct delivery *d) {
    return &d->run.counts;
}
