/* SPDX-License-Identifier: Apache-2.0 */
/* The real world: the system's clocks and randomness, and threads that carry calls with core/net,
 * each with a pool of connections of its own. */
#include "core/world/world.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/net/http.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS_MOST 64 /* of a connection */

/* Calls in the order of their coming. */
struct queue {
    struct world_call *first, *last;
};
struct connection;
struct carrier {
    struct connection *connection;
    struct iptfhir_http *http;
    pthread_t thread;
};
struct connection {
    struct connection *next;
    struct real *real;
    size_t index;
    struct queue queue;
    struct carrier *carriers;
    size_t count;   /* of carriers */
    size_t running; /* of them, threads that were started */
    bool stopping;
    pthread_cond_t wake;
};
struct real {
    struct world world; /* first: handed out */
    pthread_mutex_t lock;
    struct connection *connections;
    size_t connection_count;
    struct queue done;
    int bell;  /* an eventfd: a call has ended */
    int watch; /* ends a wait when it is readable; -1: none */
};

static struct real *real_of(struct world *world) {
    return world->self;
}

/* ---- queues, under the lock ---- */

static void put(struct queue *q, struct world_call *call) {
    call->next = NULL;
    if (q->last != NULL)
        q->last->next = call;
    else
        q->first = call;
    q->last = call;
}

static struct world_call *take(struct queue *q) {
    struct world_call *call = q->first;
    if (call == NULL)
        return NULL;
    q->first = call->next;
    if (q->first == NULL)
        q->last = NULL;
    call->next = NULL;
    return call;
}

/* ---- carrying ---- */

static const char *keep(struct arena *a, const char *text, bool *ok) {
    if (text == NULL)
        return NULL;
    const char *copy = arena_strndup(a, text, strlen(text));
    *ok = *ok && copy != NULL;
    return copy;
}

/* Copies an answer out of the pool's memory. One that there is no room for counts as lost. */
static void keep_answer(struct world_call *call, size_t index,
                        const struct iptfhir_http_response *from) {
    struct iptfhir_http_response *to = &call->answers[index];
    bool ok = true;
    *to = *from;
    to->etag = keep(&call->arena, from->etag, &ok);
    to->location = keep(&call->arena, from->location, &ok);
    to->retry_after = keep(&call->arena, from->retry_after, &ok);
    to->content_type = keep(&call->arena, from->content_type, &ok);
    to->date = keep(&call->arena, from->date, &ok);
    to->error = keep(&call->arena, from->error, &ok);
    if (from->body != NULL) {
        to->body = arena_strndup(&call->arena, from->body, from->body_length);
        ok = ok && to->body != NULL;
    }
    bool was_sent = from->outcome != IPTFHIR_HTTP_NOT_SENT;
    if (!ok && was_sent)
        *to = (struct iptfhir_http_response) { .size = sizeof *to,
                                               .outcome = IPTFHIR_HTTP_LOST,
                                               .error = "out of memory" };
}

/* Says of all requests that none was sent. */
static void say_not_sent(struct world_call *call, const char *why) {
    const char *kept = arena_strndup(&call->arena, why, strlen(why));
    for (size_t i = 0; i < call->count; i++)
        call->answers[i] = (struct iptfhir_http_response) {
            .size = sizeof call->answers[i],
            .outcome = IPTFHIR_HTTP_NOT_SENT,
            .error = kept != NULL ? kept : "out of memory",
        };
}

static void carry(struct carrier *c, struct world_call *call) {
    struct iptfhir_error error = { .size = sizeof error };
    size_t bytes = call->count * sizeof *call->answers;
    struct iptfhir_http_response *answers = base_malloc(bytes + 1);
    if (answers == NULL) {
        say_not_sent(call, "out of memory");
        return;
    }
    memset(answers, 0, bytes);
    for (size_t i = 0; i < call->count; i++)
        answers[i].size = sizeof answers[i];
    iptfhir_status status = net_http(c->http, call->requests, call->count, answers, &error);
    if (status != IPTFHIR_OK)
        say_not_sent(call, error.text);
    for (size_t i = 0; i < call->count && status == IPTFHIR_OK; i++)
        keep_answer(call, i, &answers[i]);
    base_free(answers);
}

static void ring(const struct real *real) {
    uint64_t one = 1;
    ssize_t written = write(real->bell, &one, sizeof one);
    (void)written; /* a full counter is readable as well */
}

static void *carrier_main(void *user) {
    struct carrier *c = user;
    struct connection *connection = c->connection;
    struct real *real = connection->real;
    pthread_mutex_lock(&real->lock);
    while (!connection->stopping) {
        struct world_call *call = take(&connection->queue);
        if (call == NULL) {
            pthread_cond_wait(&connection->wake, &real->lock);
            continue;
        }
        pthread_mutex_unlock(&real->lock);
        carry(c, call);
        pthread_mutex_lock(&real->lock);
        put(&real->done, call);
        ring(real);
    }
    pthread_mutex_unlock(&real->lock);
    return NULL;
}

/* ---- connections ---- */

/* Tells a connection's threads to end after the call under way. */
static void stop_connection(struct connection *connection) {
    struct real *real = connection->real;
    pthread_mutex_lock(&real->lock);
    connection->stopping = true;
    pthread_cond_broadcast(&connection->wake);
    pthread_mutex_unlock(&real->lock);
}

/* Ends a connection; calls under way are waited for. */
static void close_connection(struct connection *connection) {
    stop_connection(connection);
    for (size_t i = 0; i < connection->running; i++)
        pthread_join(connection->carriers[i].thread, NULL);
    for (size_t i = 0; i < connection->count; i++)
        net_http_close(connection->carriers[i].http);
    pthread_cond_destroy(&connection->wake);
    base_free(connection->carriers);
    base_free(connection);
}

static struct connection *new_connection(struct real *real, size_t threads) {
    struct connection *connection = base_malloc(sizeof *connection);
    struct carrier *carriers = base_malloc(threads * sizeof *carriers);
    if (connection == NULL || carriers == NULL) {
        base_free(connection);
        base_free(carriers);
        return NULL;
    }
    memset(connection, 0, sizeof *connection);
    memset(carriers, 0, threads * sizeof *carriers);
    connection->real = real;
    connection->carriers = carriers;
    pthread_cond_init(&connection->wake, NULL);
    return connection;
}

/* Opens the pools, then starts the threads. */
static bool start_carriers(struct connection *connection, size_t threads,
                           const struct iptfhir_http_settings *settings,
                           struct iptfhir_error *error) {
    for (; connection->count < threads; connection->count++) {
        struct carrier *c = &connection->carriers[connection->count];
        c->connection = connection;
        c->http = net_http_open(settings, error);
        if (c->http == NULL)
            return false;
    }
    for (; connection->running < threads; connection->running++) {
        struct carrier *c = &connection->carriers[connection->running];
        int failed = pthread_create(&c->thread, NULL, carrier_main, c);
        if (failed != 0)
            return error_set(error, "thread", NULL, "cannot start a thread: %s", strerror(failed));
    }
    return true;
}

static bool connect_target(struct world *world, const struct iptfhir_http_settings *settings,
                           size_t threads, size_t *target, struct iptfhir_error *error) {
    struct real *real = real_of(world);
    bool in_range = threads >= 1 && threads <= THREADS_MOST;
    if (!in_range)
        return error_set(error, "workers", NULL, "a target has 1 to %d threads", THREADS_MOST);
    struct connection *connection = new_connection(real, threads);
    if (connection == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    connection->index = real->connection_count;
    if (!start_carriers(connection, threads, settings, error)) {
        close_connection(connection);
        return false;
    }
    connection->next = real->connections;
    real->connections = connection;
    *target = real->connection_count++;
    return true;
}

/* ---- the table ---- */

static int64_t wall_ms(struct world *world) {
    (void)world;
    return clock_now_ms();
}

static int64_t steady_ms(struct world *world) {
    (void)world;
    return clock_steady_ms();
}

static bool random_bytes(struct world *world, void *out, size_t length) {
    (void)world;
    return crypt_random(out, length);
}

static bool start(struct world *world, struct world_call *call, struct iptfhir_error *error) {
    struct real *real = real_of(world);
    struct connection *connection = real->connections;
    while (connection != NULL && connection->index != call->target)
        connection = connection->next;
    if (connection == NULL)
        return error_set(error, "target", NULL, "there is no such connection");
    call->answers = arena_zalloc(&call->arena, call->count * sizeof *call->answers + 1);
    if (call->answers == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    pthread_mutex_lock(&real->lock);
    put(&connection->queue, call);
    pthread_cond_signal(&connection->wake);
    pthread_mutex_unlock(&real->lock);
    return true;
}

static struct world_call *take_done(struct real *real) {
    pthread_mutex_lock(&real->lock);
    struct world_call *call = take(&real->done);
    pthread_mutex_unlock(&real->lock);
    return call;
}

/* Waits for the bell or the watched descriptor; true when it was only the bell. */
static bool bell_rang(struct real *real, int64_t wait_ms) {
    int64_t bounded = wait_ms < INT_MAX ? wait_ms : INT_MAX;
    struct pollfd look[2] = { { .fd = real->bell, .events = POLLIN },
                              { .fd = real->watch, .events = POLLIN } };
    if (poll(look, 2, bounded > 0 ? (int)bounded : 0) <= 0)
        return false; /* also when a signal came: the caller looks whether to stop */
    if (look[0].revents != 0) {
        uint64_t count = 0;
        ssize_t got = read(real->bell, &count, sizeof count);
        (void)got;
    }
    return look[1].revents == 0;
}

static struct world_call *done(struct world *world, int64_t wait_ms) {
    struct real *real = real_of(world);
    int64_t start = clock_steady_ms();
    struct world_call *call = take_done(real);
    int64_t left = wait_ms;
    bool again = true;
    while (call == NULL && again) {
        again = bell_rang(real, left);
        call = take_done(real);
        /* The bell also rings for calls that were taken before it was heard. */
        left = wait_ms - (clock_steady_ms() - start);
        again = again && left > 0;
    }
    return call;
}

struct world *world_real_new(struct iptfhir_error *error) {
    struct real *real = base_malloc(sizeof *real);
    if (real == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    *real = (struct real) { .watch = -1, .bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    if (real->bell < 0) {
        error_set(error, "eventfd", NULL, "cannot make an eventfd: %s", strerror(errno));
        base_free(real);
        return NULL;
    }
    pthread_mutex_init(&real->lock, NULL);
    real->world = (struct world) { .self = real,
                                   .wall_ms = wall_ms,
                                   .steady_ms = steady_ms,
                                   .random = random_bytes,
                                   .connect = connect_target,
                                   .start = start,
                                   .done = done };
    return &real->world;
}

void world_real_free(struct world *world) {
    if (world == NULL)
        return;
    struct real *real = real_of(world);
    for (struct connection *c = real->connections; c != NULL; c = c->next)
        stop_connection(c);
    while (real->connections != NULL) {
        struct connection *connection = real->connections;
        real->connections = connection->next;
        close_connection(connection);
    }
    close(real->bell);
    pthread_mutex_destroy(&real->lock);
    base_free(real);
}

void world_real_watch(struct world *world, int descriptor) {
    real_of(world)->watch = descriptor;
}
