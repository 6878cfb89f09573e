/* SPDX-License-Identifier: Apache-2.0 */
/* A growing list of numbers: what a walk over the store notes, to be worked on after it. */
#ifndef CORE_BASE_NUMBERS_H
#define CORE_BASE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. `failed`: memory ran out, so the list is not whole; it stays set. */
struct numbers {
    uint64_t *list;
    size_t count, capacity;
    bool failed;
};
/* Appends a number; false, and `failed`, when memory is out. */
bool numbers_add(struct numbers *n, uint64_t number);
void numbers_free(struct numbers *n);
#endif
