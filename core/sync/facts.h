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
/* Writes the facts of a record that isn't even JSON, but names its patient: what it says of
 * consents may be a refusal. */
void facts_glimpse(const char *local_id, struct str *out);
/* Finds `"member": "text"` in what isn't JSON, or was read in place until its fault (then a NUL
 * stands for a quote that was read). False: it isn't there, or is no plain text that fits. */
bool facts_find_text(const char *json, size_t length, const char *member, char out[256]);
#endif
