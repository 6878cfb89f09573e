/* SPDX-License-Identifier: Apache-2.0 */
/* Growing a list of numbers. */
#include "core/base/numbers.h"

#include "core/base/alloc.h"

enum { FIRST = 64 };

bool numbers_add(struct numbers *n, uint64_t number) {
    if (n->count == n->capacity) {
        size_t capacity = n->capacity > 0 ? n->capacity * 2 : FIRST;
        uint64_t *grown = base_realloc(n->list, capacity * sizeof *grown);
        if (grown == NULL) {
            n->failed = true;
            return false;
        }
        n->list = grown;
        n->capacity = capacity;
    }
    n->list[n->count++] = number;
    return true;
}

void numbers_free(struct numbers *n) {
    base_free(n->list);
    *n = (struct numbers) { 0 };
}
