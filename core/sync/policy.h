/* SPDX-License-Identifier: Apache-2.0 */
/* Who may get what: consent and 42 CFR Part 2, decided per record, target and data class. Fails
 * closed. */
#ifndef CORE_SYNC_POLICY_H
#define CORE_SYNC_POLICY_H

#include "core/config/config.h"

/* The data class of a resource, as consents name it ("plan", "goals", "measure-totals",
 * "measure-items", "diagnoses", "encounters", "medication-statement", "care-team"); NULL: no
 * consent is needed for it (Consent, Provenance). */
const char *policy_data_class(const struct tree *resource);
/* Why a target may not get this class of a record's data on `today` ("YYYY-MM-DD"): "consent" or
 * "part2"; NULL: it may. consent: an active consent of the record for the target's recipient that
 * names the class, doesn't exclude it, and is in force; a target with `consent: attested` is
 * trusted to have them on file. part2: a substance use diagnosis (ICD-10-CM F10 to F19) needs a
 * consent of the record with part2 true, attested or not (42 CFR Part 2). `why` gets a sentence for
 * people. */
const char *policy_denies(const struct config_instance *target, const struct tree *record,
                          const char *data_class, const char *today, const char **why);
#endif
