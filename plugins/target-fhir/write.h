/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE: an order's items as their verbs say, one request each or one bundle, and what the answers
 * prove. It needs one round. */
#ifndef TARGET_FHIR_WRITE_H
#define TARGET_FHIR_WRITE_H

#include "request.h"
#include "verdict.h"

/* Adds the requests. */
void write_ask(const struct iptfhir_order *order, struct request_writer *w);
/* Says what the answers prove; `now` in seconds since 1970. */
void write_answer(const struct iptfhir_order *order, const struct iptfhir_http_response *answers,
                  size_t count, int64_t now, struct iptfhir_evidence_sink *sink);
#endif
