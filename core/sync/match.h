/* SPDX-License-Identifier: Apache-2.0 */
/* Whose chart is it? The one patient at an EHR that is ours, or why there is none. Pure. */
#ifndef CORE_SYNC_MATCH_H
#define CORE_SYNC_MATCH_H

#include "core/tree/tree.h"

#include <iptfhir/target.h>

/* A patient of the EHR, as evidence named it (struct iptfhir_candidate), kept. */
struct match_candidate {
    const char *server_id;
    bool active;
    const char *replaced_by; /* NULL: it was not merged into another */
    const struct iptfhir_identifier *identifiers;
    size_t identifier_count;
    const struct iptfhir_identifier *former; /* no longer in use */
    size_t former_count;
    const char *const *families; /* NULL-terminated, like givens */
    const char *const *givens;
    const char *birth_date, *sex; /* NULL: not known there */
};
/* Copies a candidate into the arena; NULL when memory is out. */
struct match_candidate *match_keep(struct arena *a, const struct iptfhir_candidate *candidate);

struct match_refusal {
    const char *code;   /* patient-not-found, -ambiguous, -mismatch, -birthdate, -merged, -former */
    const char *detail; /* what to do, for people; a constant */
};
/* The one candidate that is this patient, under one of its current identifiers, and with the birth
 * date, a family name, and (where both sides have them) given name and sex that agree; names count
 * without case, diacritics and punctuation. `identity` is the member "patient" of a record's facts
 * (gate.h), NULL: none. NULL: no such candidate; then *why says why. */
const struct match_candidate *match_patient(const struct tree *identity,
                                            const struct match_candidate *candidates, size_t count,
                                            struct match_refusal *why);
/* Writes a name as it is compared; false when it is too long for `size` to compare. */
bool match_fold(const char *name, char *out, size_t size);
#endif
