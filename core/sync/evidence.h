/* SPDX-License-Identifier: Apache-2.0 */
/* What a target's evidence means for the items of the order that was asked. */
#ifndef CORE_SYNC_EVIDENCE_H
#define CORE_SYNC_EVIDENCE_H

#include "core/sync/cycle.h"

/* Makes the cycle's sink ready. */
void evidence_open(struct cycle *c);
/* The order was answered: concludes about items without evidence, and compares what was found.
 * False when the store or memory failed. */
bool evidence_end(struct cycle *c, struct iptfhir_error *error);
/* The order could not be sent, and nothing of it was: its attempts end, and the target pauses for a
 * person. Forgets `error`; false when memory ran out, which stays in it. */
bool evidence_not_sent(struct cycle *c, struct iptfhir_error *error);
/* Compares what was found of an item anew (its state changed). */
bool evidence_look(struct cycle *c, struct lane_item *item, struct iptfhir_error *error);
#endif
