/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator's pointers, and the refusing allocator that tests put behind them. */
#include "core/base/alloc.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void *(*base_malloc)(size_t size) = malloc;
void *(*base_realloc)(void *memory, size_t size) = realloc;
void (*base_free)(void *memory) = free;

void base_settle_memory(void) {
#ifdef __GLIBC__
    enum { LARGE = 256 << 10, KEPT = 3 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
#endif
}

static size_t calls_left;
static bool refuse_later, refused;

/* Counts one allocation; true when it is to be refused. */
static bool refuse(void) {
    if (calls_left == 0) {
        refused = refused || refuse_later;
        return refuse_later;
    }
    if (--calls_left > 0)
        return false;
    return refused = true;
}

/* Allocates unless this call is to be refused. */
static void *counted_malloc(size_t size) {
    return refuse() ? NULL : malloc(size);
}

/* Grows or shrinks memory unless this call is to be refused. */
static void *counted_realloc(void *memory, size_t size) {
    return refuse() ? NULL : realloc(memory, size);
}

/* Arms or disarms the refusing allocator. */
void base_fail_at(size_t n, bool all_later) {
    calls_left = n;
    refuse_later = n > 0 && all_later;
    refused = false;
    base_malloc = n > 0 ? counted_malloc : malloc;
    base_realloc = n > 0 ? counted_realloc : realloc;
}

/* Tells whether an allocation was refused. */
bool base_refused(void) {
    return refused;
}
