/* SPDX-License-Identifier: Apache-2.0 */
/* An order on its way: the target plugin's requests go into the world, and its answers come back
 * as evidence. */
#ifndef CORE_SYNC_ASK_H
#define CORE_SYNC_ASK_H

#include "core/sync/reach.h"

struct ask {
    struct world_call call; /* call.user: the ask */
    struct iptfhir_order order;
    void *owner;
    bool under_way;
    int64_t began_ms; /* steady */
    struct iptfhir_http_request *requests;
    size_t count, capacity;
    size_t bytes; /* of the requests under way */
    bool failed;  /* memory ran out while requests were kept */
};
enum ask_end {
    ASK_UNDER_WAY, /* the world has it */
    ASK_ANSWERED,  /* the evidence was given */
    ASK_FAILED     /* nothing was sent; `error` says why */
};
/* Sends the order; its items and texts must live until it is answered. An order without requests
 * is answered at once. */
enum ask_end ask_send(struct ask *ask, struct reach *reach, struct world *world,
                      struct iptfhir_evidence_sink *sink, struct iptfhir_error *error);
/* Reads the answers of a call that the world returned; ASK_UNDER_WAY: the target asks again. */
enum ask_end ask_read(struct ask *ask, struct reach *reach, struct world *world,
                      struct iptfhir_evidence_sink *sink, struct iptfhir_error *error);
/* Frees what an ask that is not under way holds. */
void ask_free(struct ask *ask);
#endif
