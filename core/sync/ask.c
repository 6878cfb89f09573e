/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting an order's requests, sending them, reading the answers. */
#include "core/sync/ask.h"

#include <string.h>

enum { HEADERS_MOST = 32 };

/* ---- requests are copied into the call's arena ---- */

static const char *keep(struct ask *ask, const char *text) {
    if (text == NULL)
        return NULL;
    const char *copy = arena_strndup(&ask->call.arena, text, strlen(text));
    if (copy == NULL)
        ask->failed = true;
    return copy;
}

static const char *const *keep_headers(struct ask *ask, const char *const *headers) {
    size_t count = 0;
    if (headers == NULL)
        return NULL;
    while (headers[count] != NULL && count < HEADERS_MOST)
        count++;
    const char **copy = arena_zalloc(&ask->call.arena, (count + 1) * sizeof *copy);
    if (copy == NULL) {
        ask->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = keep(ask, headers[i]);
    return copy;
}

/* Makes room for one more request. */
static bool reserve(struct ask *ask) {
    if (ask->count < ask->capacity)
        return true;
    size_t capacity = ask->capacity != 0 ? ask->capacity * 2 : 4;
    struct iptfhir_http_request *grown = arena_alloc(&ask->call.arena, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    if (ask->count > 0)
        memcpy(grown, ask->requests, ask->count * sizeof *grown);
    ask->requests = grown;
    ask->capacity = capacity;
    return true;
}

static void take_request(struct iptfhir_request_sink *sink,
                         const struct iptfhir_http_request *request) {
    struct ask *ask = sink->self;
    if (!reserve(ask)) {
        ask->failed = true;
        return;
    }
    struct iptfhir_http_request *kept = &ask->requests[ask->count++];
    *kept = *request;
    kept->method = keep(ask, request->method);
    kept->path = keep(ask, request->path);
    kept->headers = keep_headers(ask, request->headers);
    if (request->body == NULL)
        return;
    kept->body = arena_strndup(&ask->call.arena, request->body, request->body_length);
    if (kept->body == NULL)
        ask->failed = true;
}

/* ---- sending ---- */

/* Forgets the requests and answers of the last round. */
static void clear_call(struct ask *ask) {
    arena_reset(&ask->call.arena);
    ask->requests = NULL;
    ask->count = 0;
    ask->capacity = 0;
    ask->bytes = 0;
    ask->failed = false;
    ask->call.answers = NULL;
}

enum ask_end ask_send(struct ask *ask, struct reach *reach, struct world *world,
                      struct iptfhir_evidence_sink *sink, struct iptfhir_error *error) {
    const struct delivery_target *target = reach->config;
    struct iptfhir_request_sink requests = { sizeof requests, ask, take_request };
    clear_call(ask);
    ask->order.size = sizeof ask->order;
    ask->began_ms = world->steady_ms(world);
    iptfhir_status status = target->calls->ask(target->instance, &ask->order, &requests, error);
    if (status != IPTFHIR_OK || ask->failed) {
        error_set(error, "memory", NULL, "out of memory");
        return ASK_FAILED;
    }
    if (ask->count == 0 || !reach->has_server) {
        (void)target->calls->answer(target->instance, &ask->order, NULL, 0, sink);
        return ASK_ANSWERED;
    }
    ask->call.target = reach->connection;
    ask->call.user = ask;
    ask->call.requests = ask->requests;
    ask->call.count = ask->count;
    ask->bytes = ask->call.arena.used;
    if (!world->start(world, &ask->call, error))
        return ASK_FAILED;
    ask->under_way = true;
    return ASK_UNDER_WAY;
}

enum ask_end ask_read(struct ask *ask, struct reach *reach, struct world *world,
                      struct iptfhir_evidence_sink *sink, struct iptfhir_error *error) {
    const struct delivery_target *target = reach->config;
    ask->under_way = false;
    iptfhir_answered answered = target->calls->answer(target->instance, &ask->order,
                                                      ask->call.answers, ask->call.count, sink);
    bool again = answered == IPTFHIR_AGAIN && ask->order.round + 1 < IPTFHIR_ROUNDS_MOST;
    if (!again)
        return ASK_ANSWERED;
    ask->order.round++;
    return ask_send(ask, reach, world, sink, error);
}

void ask_free(struct ask *ask) {
    arena_free(&ask->call.arena);
}
