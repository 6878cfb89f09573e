/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that refuses: it takes the place of libc's, counts the calls that come from our own
 * objects, and refuses those that its owner names. Other libraries always get memory. */
#ifndef TESTS_ALLOC_REFUSING_H
#define TESTS_ALLOC_REFUSING_H

#include <stdbool.h>
#include <stddef.h>

/* The owner's answer to one call: `caller` is the code that asks for memory. True refuses it. It is
 * called from any thread and must not allocate. */
bool refusing_decide(const void *caller);
#endif
