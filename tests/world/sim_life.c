/* SPDX-License-Identifier: Apache-2.0 */
/* The life of our process: it starts, polls and delivers in small steps, dies, and starts again. */
#include "tests/world/sim_room.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPINS_MOST = 20000,  /* steps in which no time passes */
    RESTART_MS = 2000,   /* until a dead process is started again */
    SCHEDULE_MS = 60000, /* until the next run of one that ended with an error */
    PATIENCE_MS = 200,
    POLL_STEP_MS = 1
};

static const unsigned char hash_key[32] = "the installation's key for names";
static const char *const job_names[CLINIC_JOBS + 1] = { "nightly", "weekly", NULL };
static const char *const one_job[] = { "nightly", NULL };

static void note(void *user, const struct store_state *state) {
    struct sim_run *run = user;
    sim_tell(&run->world, "  state %llu/%u at %u: %s %s %s%s id=%s v=%s chart=%s %s",
             (unsigned long long)state->patient, state->ordinal, state->target,
             store_step_name(state->step), state->code,
             state->attempt != STORE_NO_ATTEMPT ? "attempt " : "", state->sent ? "sent" : "",
             state->server_id, state->version, state->chart, state->detail);
}

static void fill_target(struct sim_run *run, size_t i) {
    const struct sim_config *c = &run->script->config;
    run->targets[i] = (struct delivery_target) {
        .name = run->names[i],
        .calls = iptfhir_plugin.target,
        .instance = run->plugins[i].self,
        .jobs = c->jobs == 2 ? job_names : one_job,
        .threads = 4,
        .conflict = c->conflict,
        .withdraw = c->withdraw,
        .labels = c->labels,
        .together = true,
        .update_without_version = c->update_without_version,
        .settle_ms = c->settle_ms,
    };
}

static bool open_plugins(struct sim_run *run, struct iptfhir_error *error) {
    for (size_t i = 0; i < run->name_count; i++) {
        if (!sim_target_open(&run->plugins[i], ehr_base(run->world.ehrs[i]), CLINIC_MRN_SYSTEM,
                             error))
            return false;
        fill_target(run, i);
    }
    return true;
}

/* Starts a process; false: it died or failed while it started. */
static bool come_alive(struct sim_run *run) {
    struct iptfhir_error error = ERROR_INIT;
    uint64_t dies_in = run->world.dies_in;
    sim_revive(&run->world);
    run->world.dies_in = dies_in;
    run->store = sim_store_open(run->medium, &run->world, &error);
    if (run->store == NULL)
        abort();
    run->store->between = sim_between_calls;
    run->store->user = run;
    if (!intake_abandon(&run->store->base, &error))
        return false;
    memset(run->clinic.polling, 0, sizeof run->clinic.polling);
    if (!open_plugins(run, &error))
        abort();
    run->settings = (struct delivery_settings) {
        .targets = run->targets,
        .target_count = run->name_count,
        .jobs = run->script->config.jobs == 2 ? job_names : one_job,
        .lifecycle = run->shared->lifecycle,
        .privacy = run->shared->privacy,
        .hash_key = hash_key,
        .max_age_ms = 36 * 3600 * 1000,
        .era = run->era,
        .committed = note,
        .user = run,
    };
    run->delivery = delivery_open(&run->world.base, &run->store->base, &run->settings, &error);
    sim_tell(&run->world, "a process starts%s%s",
             run->delivery != NULL ? "" : " and fails: ", run->delivery != NULL ? "" : error.text);
    return run->delivery != NULL;
}

void sim_die(struct sim_run *run) {
    run->outcome->kills += run->alive ? 1 : 0;
    sim_kill(&run->world);
    clinic_poll_drop(&run->clinic);
    if (run->delivery != NULL)
        delivery_close(run->delivery);
    run->delivery = NULL;
    sim_store_close(run->store);
    run->store = NULL;
    for (size_t i = 0; i < SIM_EHRS; i++)
        sim_target_close(&run->plugins[i]);
    sim_revive(&run->world);
    run->alive = false;
}

void sim_start(struct sim_run *run) {
    run->moved = DELIVERY_MOVED;
    run->alive = come_alive(run);
    if (!run->alive)
        sim_die(run);
}

/* Waits a little, then starts the process again. */
static void restart(struct sim_run *run, int64_t until_ms) {
    int64_t at_ms = run->world.now_ms + (run->failed ? SCHEDULE_MS : RESTART_MS);
    run->failed = false;
    while (run->world.now_ms < at_ms && run->world.now_ms < until_ms) {
        sim_advance(&run->world, at_ms < until_ms ? at_ms : until_ms);
        sim_do_pending(run);
    }
    sim_start(run);
}

/* One small step of the poll under way. */
static void feed(struct sim_run *run) {
    struct iptfhir_error error = ERROR_INIT;
    enum clinic_fed fed =
        clinic_poll_step(&run->clinic, run->store, sim_wall_ms(&run->world), &error);
    laws_note_charts(&run->laws);
    if (fed == CLINIC_FED_FAILED) {
        sim_tell(&run->world, "the poll fails: %s %s", error.code, error.text);
        run->failed = !run->world.dead;
        sim_die(run);
        return;
    }
    if (fed == CLINIC_FED_END)
        sim_tell(&run->world, "the poll has ended");
    delivery_notice(run->delivery, 0);
    sim_advance(&run->world, run->world.now_ms + POLL_STEP_MS);
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Lets time pass until delivery has something to do again. */
static void wait_for_delivery(struct sim_run *run, int64_t until_ms) {
    int64_t due_ms =
        run->wait_ms > INT64_MAX - run->world.now_ms ? INT64_MAX : run->world.now_ms + run->wait_ms;
    int64_t to_ms = smaller(due_ms, until_ms);
    if (to_ms <= run->world.now_ms)
        to_ms = run->world.now_ms + 1;
    sim_advance(&run->world, to_ms);
}

static void deliver(struct sim_run *run, int64_t until_ms) {
    struct iptfhir_error error = ERROR_INIT;
    int64_t before_ms = run->world.now_ms;
    uint64_t requests = run->world.requests;
    int64_t patience_ms = run->clinic.feed != NULL ? 1 : PATIENCE_MS;
    uint64_t races = run->outcome->races;
    run->wait_ms = 0;
    run->moved = delivery_step(run->delivery, patience_ms, &run->wait_ms, &error);
    run->outcome->steps++;
    bool raced = run->outcome->races != races;
    if (raced && run->moved != DELIVERY_FAILED)
        run->moved = DELIVERY_MOVED; /* a command came between: the next step sees what it did */
    if (run->moved == DELIVERY_FAILED) {
        sim_tell(&run->world, "delivery fails: %s %s", error.code, error.text);
        bool known = run->world.dead || strcmp(error.code, "store-full") == 0 ||
                     strcmp(error.code, "store-busy") == 0;
        if (!known)
            laws_break(&run->laws, "delivery-failed", "%s: %s", error.code, error.text);
        run->failed = !run->world.dead;
        sim_die(run);
        return;
    }
    if (run->moved != DELIVERY_MOVED && run->clinic.feed == NULL)
        wait_for_delivery(run, until_ms);
    bool still = run->world.now_ms == before_ms && run->world.requests == requests;
    run->idle_steps = still ? run->idle_steps + 1 : 0;
    if (run->idle_steps > SPINS_MOST)
        laws_break(&run->laws, "spins", "%llu steps without a request or time passing",
                   (unsigned long long)run->idle_steps);
}

void sim_live(struct sim_run *run, int64_t until_ms, bool rest) {
    struct sim_random *random = &run->clinic.random;
    while (laws_hold(&run->laws) && run->world.now_ms < until_ms) {
        sim_do_pending(run);
        if (!run->alive) {
            restart(run, until_ms);
        } else if (run->clinic.feed != NULL && sim_chance(random, 50)) {
            feed(run);
        } else {
            deliver(run, until_ms);
        }
        if (run->alive && run->world.dead)
            sim_die(run);
        bool nothing_due = run->moved == DELIVERY_IN_STEP ||
                           (run->moved == DELIVERY_RESTS && run->wait_ms == INT64_MAX);
        if (rest && run->alive && run->clinic.feed == NULL && nothing_due)
            return;
    }
}

void sim_poll_whole(struct sim_run *run, size_t job) {
    struct iptfhir_error error = ERROR_INIT;
    int64_t until_ms = run->world.now_ms + 600000;
    while (laws_hold(&run->laws) && run->world.now_ms < until_ms) {
        if (!run->alive)
            restart(run, until_ms);
        else if (run->clinic.feed == NULL && run->clinic.exported[job])
            return;
        else if (run->clinic.feed == NULL &&
                 !clinic_poll_begin(&run->clinic, run->store, job, CLINIC_POLL_WHOLE,
                                    sim_wall_ms(&run->world), &error))
            sim_die(run);
        else
            feed(run);
    }
}
