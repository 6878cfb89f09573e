/* SPDX-License-Identifier: Apache-2.0 */
/* The world that delivery lives in: clocks, randomness and the network behind one table, so that a
 * simulation can take its place. The real one (real.c) is thin. */
#ifndef CORE_WORLD_WORLD_H
#define CORE_WORLD_WORLD_H

#include "core/base/error.h"
#include "core/tree/arena.h"

#include <iptfhir/target.h>
#include <stdint.h>

/* Requests to one target, under way together. The caller owns it again once done() returned it;
 * requests and their texts must live until then, answers live in `arena`. */
struct world_call {
    struct world_call *next; /* the world's */
    size_t target;           /* index of the connection */
    void *user;
    const struct iptfhir_http_request *requests;
    size_t count;
    struct iptfhir_http_response *answers; /* filled by the world */
    struct arena arena;
};
struct world {
    void *self;
    int64_t (*wall_ms)(struct world *);   /* since 1970; may step either way */
    int64_t (*steady_ms)(struct world *); /* never goes back; its zero is arbitrary */
    bool (*random)(struct world *, void *out, size_t length);
    /* Connections, by index from 0, are opened before the first call. `threads`: calls under way
     * at once. */
    bool (*connect)(struct world *, const struct iptfhir_http_settings *settings, size_t threads,
                    size_t *target, struct iptfhir_error *error);
    /* Starts a call; false and an error when nothing was sent and nothing will be. */
    bool (*start)(struct world *, struct world_call *call, struct iptfhir_error *error);
    /* The next call that has ended, waiting at most wait_ms (steady); NULL: none did. Also returns
     * NULL early when the process is asked to stop or something else wants attention. */
    struct world_call *(*done)(struct world *, int64_t wait_ms);
};
/* The real world: system clocks, getrandom, and threads that carry calls with core/net. */
struct world *world_real_new(struct iptfhir_error *error);
/* Waits for calls under way, closes the connections. */
void world_real_free(struct world *world);
/* A descriptor (-1: none) that ends a wait of done() when it becomes readable: the pipe of ingest.
 */
void world_real_watch(struct world *world, int descriptor);
#endif
