/* SPDX-License-Identifier: Apache-2.0 */
/* A Patient of the server as a candidate for a match. */
#ifndef TARGET_FHIR_CANDIDATE_H
#define TARGET_FHIR_CANDIDATE_H

#include <iptfhir/target.h>
#include <jansson.h>

/* True when a patient carries an identifier, current or former. */
bool candidate_carries(const json_t *patient, const struct iptfhir_identifier *wanted);
/* Tells the sink of a patient. False when memory ran out. */
bool candidate_tell(const json_t *patient, struct iptfhir_evidence_sink *sink);
#endif
