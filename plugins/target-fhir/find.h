/* SPDX-License-Identifier: Apache-2.0 */
/* FIND: an order's items by business identifier. Where identifiers cannot be searched, the
 * patient's resources of the same code are looked through, once for all items that share the
 * search. */
#ifndef TARGET_FHIR_FIND_H
#define TARGET_FHIR_FIND_H

#include "capability.h"
#include "searches.h"

struct find {
    struct searches searches;
    long *search;                      /* of each item; -1: it cannot be searched */
    size_t *found;                     /* of each item: how many were told */
    struct names by_form;              /* searches that are shared */
    struct names by_value;             /* items, by search, system and value */
    const struct iptfhir_order *order; /* of the call under way */
    struct iptfhir_evidence_sink *sink;
};
/* Prepares the searches. `f` is zeroed but for the settings of its searches. False when memory ran
 * out. */
bool find_begin(struct find *f, const struct iptfhir_order *order, const struct capability *c);
/* Reads a round. */
iptfhir_answered find_answer(struct find *f, const struct iptfhir_order *order,
                             const struct iptfhir_http_response *answers, size_t count, int64_t now,
                             struct iptfhir_evidence_sink *sink);
void find_free(struct find *f);
#endif
