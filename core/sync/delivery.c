/* SPDX-License-Identifier: Apache-2.0 */
/* The delivery state machine: one thread owns the store, workers own the targets. */
#include "core/sync/delivery.h"

#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/net/http.h"
#include "core/plugin/host.h"
#include "core/plugin/loader.h"
#include "core/sync/change_set.h"
#include "core/sync/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sets claimed beyond what workers have in hand, per worker: keeps them busy between two commits.
 */
#define CLAIMS_PER_WORKER 2
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS (60 * 60 * 1000)

/* One target's lane of work. */
struct lane {
    const struct config_instance *config;
    struct host *host;
    struct plugin *plugin;
    struct worker_pool pool;
    size_t workers, outstanding;
    int failures;         /* in a row: the circuit breaker */
    int64_t paused_until; /* wall clock */
    bool fatal;
};

struct delivery {
    const struct config *config;
    const struct config_job *job;
    struct shared *page;
    struct store *store;
    struct lane *lanes;
    size_t lane_count;
    pthread_mutex_t done_lock;
    pthread_cond_t done_signal;
    atomic_bool stopping;
    int64_t last_progress; /* steady clock */
};

int64_t delivery_backoff(int attempts) {
    int64_t most = BACKOFF_FIRST_MS;
    for (int i = 0; i < attempts && most < BACKOFF_MOST_MS; i++)
        most *= 2;
    uint32_t random = 0;
    crypt_random(&random, sizeof random);
    if (most > BACKOFF_MOST_MS)
        most = BACKOFF_MOST_MS;
    return most / 4 + (int64_t)(random % (uint64_t)(most * 3 / 4));
}

/* Open a target: plugin, host with network, one instance per worker. */
static bool open_lane(struct delivery *d, struct lane *lane, struct report *report) {
    const struct host_settings settings = { .config = d->config,
                                            .instance = lane->config,
                                            .network = &net_host,
                                            .stopping = &d->stopping };
    lane->plugin = plugin_load(d->config, lane->config, report);
    lane->host = lane->plugin ? host_new(&settings) : NULL;
    lane->workers = (size_t)lane->config->workers;
    struct plugin_instance **instances = calloc(lane->workers, sizeof *instances);
    if (!lane->host || !instances) {
        free(instances);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < lane->workers; i++)
        ok = (instances[i] = instance_new(lane->plugin, lane->config, d->config,
                                          host_table(lane->host), report)) != NULL;
    if (!ok) {
        for (size_t i = 0; i < lane->workers; i++)
            instance_free(instances[i]);
    } else {
        struct iptfhir_error error = ERROR_INIT;
        ok = worker_pool_start(&lane->pool, instances, lane->workers, &d->done_lock,
                               &d->done_signal, &error);
        if (!ok)
            report_add(report, REPORT_ERROR, error.code, lane->config->where, "%s", error.text);
    }
    free(instances);
    return ok;
}

/* Claim what is due for a target and hand it to its workers. */
static bool claim(struct delivery *d, struct lane *lane, bool *claimed,
                  struct iptfhir_error *error) {
    int64_t now = clock_now_ms();
    size_t room = lane->workers * CLAIMS_PER_WORKER;
    if (lane->fatal || lane->paused_until > now || lane->outstanding > room / 2)
        return true;
    size_t max =
        lane->failures ? 1 : room - lane->outstanding; /* after a failure one set probes the way */
    if (lane->failures && lane->outstanding)
        return true;
    struct arena arena = { 0 };
    struct store_claim *claims;
    size_t count;
    bool ok = store_claim(d->store, lane->config->name, max, now, &arena, &claims, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        struct work *w = change_set_build(d->store, lane->config->name, &claims[i], error);
        if (!(ok = w != NULL))
            break;
        lane->outstanding++;
        *claimed = true;
        worker_pool_submit(&lane->pool, w);
    }
    arena_free(&arena);
    return ok;
}

/* What the whole target said: unreachable pauses it, an answer closes the circuit. */
static void note_target(struct delivery *d, struct lane *lane, const struct work *w) {
    if (w->status == IPTFHIR_FATAL) {
        lane->fatal = true;
        log_line(IPTFHIR_ERROR, "target %s stopped: %s [%s]", lane->config->name, w->error.text,
                 w->error.code);
    } else if (w->status == IPTFHIR_RETRY) {
        if (!lane->failures || lane->paused_until <= clock_now_ms()) {
            lane->paused_until = clock_now_ms() + delivery_backoff(lane->failures);
            lane->failures++;
            log_line(IPTFHIR_WARNING, "target %s cannot be used now: %s [%s]; its queue waits",
                     lane->config->name, w->error.text, w->error.code);
            snprintf(d->page->paused_target, sizeof d->page->paused_target, "%s",
                     lane->config->name);
            d->page->paused_until_ms = lane->paused_until;
        }
    } else {
        if (lane->failures)
            log_line(IPTFHIR_INFO, "target %s answers again", lane->config->name);
        lane->failures = 0;
        d->page->paused_until_ms = 0;
    }
}

/* Count receipts for the progress bar; returns whether any waits, and moves what the whole target
 * refused back to pending. */
static bool sum_up(struct delivery *d, struct work *w) {
    bool waits = false;
    for (size_t i = 0; i < w->claim->count; i++) {
        struct store_receipt *r = &w->receipts[i];
        if (r->state == STORE_SETTLED)
            d->page->delivered++;
        else if (r->state == STORE_HELD)
            d->page->held++;
        else
            waits = true;
    }
    return waits;
}

/* Settle all that workers have finished, in one transaction. */
static bool settle(struct delivery *d, struct lane *lane, struct work *done,
                   struct iptfhir_error *error) {
    if (!store_begin(d->store, error))
        return false;
    bool ok = true;
    for (struct work *w = done, *next; w; w = next) {
        next = w->next;
        note_target(d, lane, w);
        bool waits = sum_up(d, w), spent = waits && w->status != IPTFHIR_RETRY;
        int64_t wait = w->retry_after_ms ? w->retry_after_ms
                       : spent           ? delivery_backoff(w->claim->attempts)
                                         : 0;
        ok = ok && store_settle(d->store, lane->config->name, w->claim->id, w->receipts,
                                w->claim->count, waits ? clock_now_ms() + wait : 0, spent, error);
        if (!waits)
            d->last_progress = clock_steady_ms();
        lane->outstanding--;
        work_free(w);
    }
    ok = ok && store_commit(d->store, error);
    if (!ok)
        store_rollback(d->store);
    return ok;
}

/* True when nothing more will come or move in this run. */
static bool finished(struct delivery *d) {
    if (d->page->stop)
        return true;
    bool pending = false;
    for (size_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i].outstanding)
            return false;
        pending = pending ||
                  (!d->lanes[i].fatal && store_next_due(d->store, d->lanes[i].config->name) >= 0);
    }
    if (!d->page->ingest_done) {
        d->last_progress = clock_steady_ms(); /* patience begins when nothing new can come */
        return false;
    }
    return !pending ||
           clock_steady_ms() - d->last_progress > d->config->limits.patience_seconds * 1000;
}

/* Wait until a worker is done, or a little. */
static void wait_a_little(struct delivery *d, long ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&d->done_lock);
    bool any = false;
    for (size_t i = 0; i < d->lane_count; i++)
        any = any || d->lanes[i].pool.done.first;
    if (!any)
        pthread_cond_timedwait(&d->done_signal, &d->done_lock, &until);
    pthread_mutex_unlock(&d->done_lock);
}

/* Turn until all is delivered. */
static bool turn(struct delivery *d, struct iptfhir_error *error) {
    while (!finished(d)) {
        bool moved = false;
        for (size_t i = 0; i < d->lane_count; i++) {
            struct lane *lane = &d->lanes[i];
            struct work *done = worker_pool_take_done(&lane->pool);
            if ((done && !settle(d, lane, done, error)) ||
                (!d->page->stop && !claim(d, lane, &moved, error)))
                return false;
            moved = moved || done;
        }
        if (!moved)
            wait_a_little(d, 50);
    }
    return true;
}

/* Stop workers; what they finished is settled, what they never began goes back unsent. */
static void close_lanes(struct delivery *d) {
    d->stopping = true;
    for (size_t i = 0; i < d->lane_count; i++) {
        struct lane *lane = &d->lanes[i];
        struct work_queue left = { 0 };
        worker_pool_stop(&lane->pool, &left);
        struct work *done = lane->pool.done_lock ? worker_pool_take_done(&lane->pool) : NULL;
        if (done && d->store)
            settle(d, lane, done, NULL);
        for (struct work *w = left.first, *next; w; w = next) {
            next = w->next;
            work_free(w); /* still in flight in the store: searched for at the next start */
        }
        if (lane->host)
            host_free(lane->host);
        plugin_unload(lane->plugin);
    }
    free(d->lanes);
}

int delivery_run(const struct config *config, const struct config_job *job, struct shared *page) {
    struct delivery d = { .config = config,
                          .job = job,
                          .page = page,
                          .lane_count = job->target_count,
                          .done_lock = PTHREAD_MUTEX_INITIALIZER,
                          .done_signal = PTHREAD_COND_INITIALIZER,
                          .last_progress = clock_steady_ms() };
    struct iptfhir_error error = ERROR_INIT;
    struct report report = { 0 };
    int code = EXIT_FAULT;
    log_setup(config->log_level, "delivery");
    d.lanes = calloc(d.lane_count + 1, sizeof *d.lanes);
    d.store = store_open(config->store_path, STORE_WRITE, &error);
    if (!d.lanes || !d.store || !store_recover(d.store, &error))
        goto out;
    log_set_key(store_log_key(d.store));
    for (size_t i = 0; i < d.lane_count; i++) {
        d.lanes[i].config = job->targets[i];
        if (!open_lane(&d, &d.lanes[i], &report)) {
            code = EXIT_CONFIG;
            goto out;
        }
    }
    if (turn(&d, &error))
        code = EXIT_SETTLED;
out:
    if (error_is_set(&error))
        log_line(IPTFHIR_ERROR, "delivery: %s [%s]", error.text, error.code);
    for (size_t i = 0; i < report.count; i++)
        log_line(IPTFHIR_ERROR, "%s: %s [%s]", report.entries[i].error.where,
                 report.entries[i].error.text, report.entries[i].error.code);
    report_free(&report);
    if (d.lanes)
        close_lanes(&d);
    store_close(d.store);
    return code;
}
