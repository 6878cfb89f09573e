/* SPDX-License-Identifier: Apache-2.0 */
/* READ: an order's items by the server's ids, in a batch where one is offered. */
#ifndef TARGET_FHIR_READ_H
#define TARGET_FHIR_READ_H

#include "request.h"
#include "verdict.h"

enum { READS_IN_BATCH = 100 };
enum { READ_OPEN, READ_ALONE /* not in a batch any more */, READ_TOLD };
struct read {
    bool batch;           /* batches are taken here; cleared when they turn out not to be */
    unsigned char *state; /* of each item */
    size_t count;
    bool bundled; /* the round that was asked had batches */
};
/* Prepares an order; `r` is zeroed but for `batch`. False when memory ran out. */
bool read_begin(struct read *r, const struct iptfhir_order *order);
/* Adds the requests of a round. */
void read_ask(struct read *r, const struct iptfhir_order *order, struct request_writer *w);
/* Reads a round. */
iptfhir_answered read_answer(struct read *r, const struct iptfhir_order *order,
                             const struct iptfhir_http_response *answers, size_t count, int64_t now,
                             struct iptfhir_evidence_sink *sink);
void read_free(struct read *r);
#endif
