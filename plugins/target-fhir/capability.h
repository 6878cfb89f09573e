/* SPDX-License-Identifier: Apache-2.0 */
/* What a server can do, read from its CapabilityStatement into a small sorted table; the statement
 * itself is not kept. */
#ifndef TARGET_FHIR_CAPABILITY_H
#define TARGET_FHIR_CAPABILITY_H

#include "answer.h"

enum { /* how a type can be searched, beside the flags of struct iptfhir_ability */
       SEARCH_BY_IDENTIFIER = 1 << 16,
       SEARCH_BY_PATIENT = 1 << 17,
       SEARCH_BY_SUBJECT = 1 << 18,
       SEARCH_BY_CODE = 1 << 19,
       SEARCH_BY_CATEGORY = 1 << 20
};
struct capability {
    struct iptfhir_ability *types; /* sorted by name, then one whose type is NULL */
    unsigned *searches;            /* SEARCH_BY_* of each */
    size_t count;
    bool read; /* a statement was read; before that nothing is known */
    bool transaction, batch;
};
/* Reads a statement of FHIR 4.0 in place of what was known; NULL when good, else what is wrong with
 * it, and what was known stays. */
const char *capability_read(struct capability *c, const struct answer *a);
/* The flags of a type, IPTFHIR_CAN_* and SEARCH_BY_*; 0 when the server does not have it. Before a
 * statement was read: search by identifier within the patient, and reading. */
unsigned capability_of(const struct capability *c, const char *type);
/* Tells the sink. */
void capability_tell(const struct capability *c, struct iptfhir_evidence_sink *sink);
void capability_free(struct capability *c);
#endif
