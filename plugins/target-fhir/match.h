/* SPDX-License-Identifier: Apache-2.0 */
/* MATCH: the server's patients with an order's identifiers of one system. */
#ifndef TARGET_FHIR_MATCH_H
#define TARGET_FHIR_MATCH_H

#include "searches.h"

struct match {
    struct searches searches;
    size_t *identifier; /* of each search: which of the order */
    struct names told;  /* ids of patients that were told */
    bool no_memory;
    const struct iptfhir_order *order; /* of the call under way */
    struct iptfhir_evidence_sink *sink;
};
/* Prepares the searches: one for each identifier whose system is `system`; no other system is
 * searched by, since only that one is known to name patients here. `m` is zeroed but for the
 * settings of its searches. False when memory ran out. */
bool match_begin(struct match *m, const struct iptfhir_order *order, const char *system);
/* Reads a round. At the end item 0 says how it went: FOUND, ABSENT, or why it is not known. */
iptfhir_answered match_answer(struct match *m, const struct iptfhir_order *order,
                              const struct iptfhir_http_response *answers, size_t count,
                              int64_t now, struct iptfhir_evidence_sink *sink);
void match_free(struct match *m);
#endif
