/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads of a target. */
#include "core/sync/worker.h"

#include <stdlib.h>
#include <string.h>

/* What a receipt sink needs to know. */
struct receiving {
    struct work *work;
};

/* Copy a text of the plugin into the work's arena. */
static const char *keep(struct work *w, const char *text) {
    return text ? arena_strndup(&w->arena, text, strlen(text)) : NULL;
}

/* Take a receipt: plugin words into store words. */
static void take_receipt(struct iptfhir_receipt_sink *sink, size_t index,
                         const struct iptfhir_receipt *r) {
    static const struct {
        enum store_state state;
        enum store_outcome outcome;
    } meaning[] = {
        [IPTFHIR_CREATED] = { STORE_SETTLED, STORE_CREATED },
        [IPTFHIR_UPDATED] = { STORE_SETTLED, STORE_UPDATED },
        [IPTFHIR_UNCHANGED] = { STORE_SETTLED, STORE_UNCHANGED },
        [IPTFHIR_HELD] = { STORE_HELD, 0 },
        [IPTFHIR_LATER] = { STORE_PENDING, 0 },
        [IPTFHIR_UNKNOWN] = { STORE_UNKNOWN, 0 },
    };
    struct work *w = ((struct receiving *)sink->self)->work;
    if (index >= w->claim->count || (size_t)r->status >= sizeof meaning / sizeof *meaning)
        return;
    struct store_receipt *out = &w->receipts[index];
    w->answered[index] = true;
    *out = (struct store_receipt) { .entry = w->claim->entries[index].id,
                                    .state = meaning[r->status].state,
                                    .outcome = meaning[r->status].outcome,
                                    .server_id = keep(w, r->server_id),
                                    .version = keep(w, r->version),
                                    .code = keep(w, r->code),
                                    .detail = keep(w, r->detail) };
    if (out->state == STORE_SETTLED &&
        !out->server_id) /* a receipt without an id can't be believed */
        *out = (struct store_receipt) { .entry = out->entry, .state = STORE_UNKNOWN };
    if (out->state == STORE_HELD && !out->code)
        out->code = "invalid";
    /* What was unknown and is asked to wait is still unknown. */
    if (out->state == STORE_PENDING && w->claim->entries[index].state == STORE_UNKNOWN)
        out->state = STORE_UNKNOWN;
    if (r->status == IPTFHIR_LATER && r->retry_after_ms > w->retry_after_ms)
        w->retry_after_ms = r->retry_after_ms;
}

/* Deliver one change set. */
static void deliver(struct plugin_instance *instance, struct work *w) {
    struct receiving receiving = { w };
    struct iptfhir_receipt_sink sink = { sizeof sink, &receiving, take_receipt };
    w->error = (struct iptfhir_error)ERROR_INIT;
    w->status = instance_plugin(instance)->target->deliver(instance_self(instance), &w->set, &sink,
                                                           &w->error);
    /* RETRY says that nothing without a receipt was sent; anything else without one is unknown. */
    for (size_t i = 0; i < w->claim->count; i++)
        if (!w->answered[i] && w->status == IPTFHIR_RETRY &&
            w->claim->entries[i].state != STORE_UNKNOWN)
            w->receipts[i].state = STORE_PENDING;
}

/* The life of a worker. */
static void *run(void *arg) {
    struct worker *me = arg;
    struct worker_pool *pool = me->pool;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        while (!pool->waiting.first && !pool->stop)
            pthread_cond_wait(&pool->arrived, &pool->lock);
        struct work *w = pool->stop ? NULL : pool->waiting.first;
        if (w && !(pool->waiting.first = w->next))
            pool->waiting.last = NULL;
        pthread_mutex_unlock(&pool->lock);
        if (!w)
            return NULL;
        deliver(me->instance, w);
        pthread_mutex_lock(pool->done_lock);
        w->next = NULL;
        *(pool->done.last ? &pool->done.last->next : &pool->done.first) = w;
        pool->done.last = w;
        pthread_cond_signal(pool->done_signal);
        pthread_mutex_unlock(pool->done_lock);
    }
}

bool worker_pool_start(struct worker_pool *pool, struct plugin_instance **instances, size_t count,
                       pthread_mutex_t *done_lock, pthread_cond_t *done_signal,
                       struct iptfhir_error *error) {
    *pool = (struct worker_pool) { .done_lock = done_lock, .done_signal = done_signal };
    pool->ids = calloc(count, sizeof *pool->ids);
    pool->workers = calloc(count, sizeof *pool->workers);
    if (!pool->ids || !pool->workers)
        return error_set(error, "memory", NULL, "out of memory");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->arrived, NULL);
    for (size_t i = 0; i < count; i++) {
        pool->workers[i] = (struct worker) { pool, instances[i] };
        if (pthread_create(&pool->ids[i], NULL, run, &pool->workers[i]) != 0)
            return error_set(error, "threads", NULL,
                             "the system gave no thread for worker %zu: lower `workers`", i + 1);
        pool->threads++;
    }
    return true;
}

void worker_pool_submit(struct worker_pool *pool, struct work *work) {
    pthread_mutex_lock(&pool->lock);
    work->next = NULL;
    *(pool->waiting.last ? &pool->waiting.last->next : &pool->waiting.first) = work;
    pool->waiting.last = work;
    pthread_cond_signal(&pool->arrived);
    pthread_mutex_unlock(&pool->lock);
}

struct work *worker_pool_take_done(struct worker_pool *pool) {
    pthread_mutex_lock(pool->done_lock);
    struct work *first = pool->done.first;
    pool->done = (struct work_queue) { 0 };
    pthread_mutex_unlock(pool->done_lock);
    return first;
}

void worker_pool_stop(struct worker_pool *pool, struct work_queue *left) {
    if (!pool->ids)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    *left = pool->waiting;
    pool->waiting = (struct work_queue) { 0 };
    pthread_cond_broadcast(&pool->arrived);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads; i++)
        pthread_join(pool->ids[i], NULL);
    for (size_t i = 0; i < pool->threads; i++)
        instance_free(pool->workers[i].instance);
    pthread_cond_destroy(&pool->arrived);
    pthread_mutex_destroy(&pool->lock);
    free(pool->ids);
    free(pool->workers);
    pool->ids = NULL;
    pool->workers = NULL;
}

void work_free(struct work *work) {
    if (!work)
        return;
    arena_free(&work->arena);
    free(work);
}
