/* SPDX-License-Identifier: Apache-2.0 */
/* The safety scan: answers about self-harm in a record of which no mapper tells, because it was
 * refused, its mapper died, its job has none for them, or an item says no beside a measure that
 * says yes. It errs towards telling. Which answers those are is data: the items
 * with `safety:` in mappings/instruments/. */
#ifndef CORE_SYNC_SAFETY_H
#define CORE_SYNC_SAFETY_H

#include "core/tree/tree.h"

struct safety;
/* Reads the instruments of a folder of mappings. Every fault goes to `report` with its position;
 * then NULL. Immutable: threads may share it. */
struct safety *safety_load(const char *mappings, struct report *report);
/* NULL is allowed. */
void safety_free(struct safety *safety);
/* Calls `alert` for each answer above its item's threshold, by the item's field or code wherever it
 * stands, as a number, a number's text, an answer's code or its words; and for each that can't be
 * read. Of a measure without answers, what its `safety` says counts. `code` is one of the registry;
 * the pointer holds no value. */
void safety_scan(const struct safety *safety, const struct tree *record,
                 void (*alert)(void *user, const char *pointer, const char *code), void *user);
#endif
