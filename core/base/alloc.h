/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator behind buffers, arenas and reports, so that a test can make it fail at any call. */
#ifndef CORE_BASE_ALLOC_H
#define CORE_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Initially malloc, realloc and free; only tests set them, while one thread runs. */
extern void *(*base_malloc)(size_t size);
extern void *(*base_realloc)(void *memory, size_t size);
extern void (*base_free)(void *memory);

/* Fixes what the system's allocator keeps: it would adapt to the largest piece it has seen, and
 * give nothing back any more. Once, when the program starts. */
void base_settle_memory(void);

/* For tests: the n-th allocation from now (1: the next) fails, and with `all_later` those after it
 * too; n 0 ends it. */
void base_fail_at(size_t n, bool all_later);
/* For tests: true when an allocation was refused since base_fail_at(). */
bool base_refused(void);
#endif
