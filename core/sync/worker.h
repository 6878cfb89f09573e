/* SPDX-License-Identifier: Apache-2.0 */
/* The workers of one target: threads, each with a plugin instance of its own, fed with claimed
 * change sets. They never touch the store: the delivery thread claims and settles. */
#ifndef CORE_SYNC_WORKER_H
#define CORE_SYNC_WORKER_H

#include "core/plugin/instance.h"
#include "core/store/store.h"

#include <pthread.h>

/* One change set on its way. `arena` holds claim, references and receipts; whoever holds the work
 * owns it. */
struct work {
    struct work *next;
    struct arena arena;
    struct store_claim *claim;
    struct iptfhir_change_set set;
    struct store_receipt *receipts; /* one per entry, filled by the worker; default UNKNOWN */
    bool *answered;                 /* per entry: a receipt came */
    iptfhir_status status;
    struct iptfhir_error error;
    int64_t retry_after_ms; /* the longest asked for by a LATER receipt, 0: none asked */
};
struct work_queue {
    struct work *first, *last;
    size_t count;
};

struct worker_pool {
    pthread_mutex_t lock;
    pthread_cond_t arrived;      /* for workers */
    pthread_cond_t *done_signal; /* for the delivery thread; used under done_lock */
    pthread_mutex_t *done_lock;
    struct work_queue waiting, done; /* waiting: under lock; done: under done_lock */
    bool stop;
    size_t threads;
    pthread_t *ids;
    struct worker {
        struct worker_pool *pool;
        struct plugin_instance *instance;
    } * workers;
};

/* Starts one thread per instance (the pool takes the array's instances, frees them at stop). */
bool worker_pool_start(struct worker_pool *pool, struct plugin_instance **instances, size_t count,
                       pthread_mutex_t *done_lock, pthread_cond_t *done_signal,
                       struct iptfhir_error *error);
/* Hands a work over. */
void worker_pool_submit(struct worker_pool *pool, struct work *work);
/* Takes all that is done (under done_lock inside). */
struct work *worker_pool_take_done(struct worker_pool *pool);
/* Lets workers finish what they have in hand, joins them, frees the instances. Works still waiting
 * are given to `left`. */
void worker_pool_stop(struct worker_pool *pool, struct work_queue *left);
void work_free(struct work *work);
#endif
