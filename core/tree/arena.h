/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once: one arena per record, reset between records. */
#ifndef CORE_TREE_ARENA_H
#define CORE_TREE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;
/* Zero-initialised is empty. `used` counts bytes handed out since the last reset; `limit` (0: none)
 * makes further allocations fail, which callers report as "record too large". Not thread-safe: one
 * arena, one thread. */
struct arena {
    struct arena_block *blocks;
    struct arena_block *spare; /* one that a rewind left over */
    size_t used, limit;
    bool full; /* an allocation failed at the limit since the last reset */
};
/* How far an arena was used. */
struct arena_mark {
    struct arena_block *block;
    size_t taken, used;
};

/* `size` bytes aligned to 16, not zeroed; NULL when memory is out or the limit is reached. */
void *arena_alloc(struct arena *a, size_t size);
/* The same, zeroed. */
void *arena_zalloc(struct arena *a, size_t size);
/* A NUL-terminated copy. */
char *arena_strndup(struct arena *a, const char *text, size_t length);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets all allocations, keeping the largest block for the next record. */
void arena_reset(struct arena *a);
/* Forgets what was allocated since a mark was taken. Marks nest; a reset ends them all. */
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
void arena_free(struct arena *a);
#endif
