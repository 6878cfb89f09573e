/* SPDX-License-Identifier: Apache-2.0 */
/* The references in a resource's text ("reference":"Type/UUID"), and the order they demand. Text,
 * not trees: bodies are written once and never parsed again on the way to the target. */
#ifndef CORE_SYNC_REFERENCES_H
#define CORE_SYNC_REFERENCES_H

#include "core/tree/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct reference_at {
    const char *type;
    size_t type_length;
    const char *uuid; /* 36 bytes, not terminated */
};
/* Finds the next reference at or after *position (0 first); false when there is none. */
bool reference_next(const char *body, size_t length, size_t *position, struct reference_at *found);
/* Orders `count` resources so that each comes after those of them it refers to; ties keep their
 * order. `order` gets indexes. Returns how many are in order; the rest (count - that) form cycles
 * and follow in their given order. 0 and false in *ok when memory is out. */
size_t reference_order(const char *const *bodies, const size_t *lengths, const char *const *uuids,
                       size_t count, size_t *order, struct arena *arena, bool *ok);
#endif
