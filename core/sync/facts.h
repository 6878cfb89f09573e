/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate must know of a record: whose it is, what the patient decided, what it falls under.
 * The form is that of gate.h. */
#ifndef CORE_SYNC_FACTS_H
#define CORE_SYNC_FACTS_H

#include "core/sync/privacy.h"

/* Writes the facts of a record, also of one that the check refused: what can't be read is left out.
 * `patient_id`: our UUID of the patient, NULL when unknown. */
void facts_write(const struct privacy *privacy, const struct tree *record, const char *patient_id,
                 struct str *out);
#endif
