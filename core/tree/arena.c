/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: blocks that grow, each twice the one before up to a limit. */
#include "core/tree/arena.h"

#include "core/base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BLOCK 16384
#define LARGEST_GROWTH 65536 /* of many arenas at once, half-empty blocks would be the most */

struct arena_block {
    struct arena_block *next; /* an older block */
    size_t size, taken;
    alignas(16) unsigned char bytes[];
};

/* Takes the spare block, if it holds at least `size` bytes. */
static struct arena_block *take_spare(struct arena *a, size_t size) {
    struct arena_block *spare = a->spare;
    if (spare == NULL || spare->size < size)
        return NULL;
    a->spare = NULL;
    return spare;
}

/* Adds a block that holds at least `size` bytes. */
static struct arena_block *add_block(struct arena *a, size_t size) {
    size_t want = a->blocks != NULL ? a->blocks->size * 2 : FIRST_BLOCK;
    if (want > LARGEST_GROWTH)
        want = LARGEST_GROWTH;
    if (want < size)
        want = size;
    struct arena_block *block = take_spare(a, size);
    if (block == NULL) {
        block = base_malloc(sizeof *block + want);
        if (block == NULL)
            return NULL;
        block->size = want;
    }
    block->next = a->blocks;
    block->taken = 0;
    a->blocks = block;
    return block;
}

/* Tells whether the limit leaves room for so many bytes. */
static bool is_within_limit(const struct arena *a, size_t size) {
    if (a->limit == 0)
        return true;
    return size <= a->limit && a->used <= a->limit - size;
}

void *arena_alloc(struct arena *a, size_t size) {
    if (size > SIZE_MAX / 4)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (!is_within_limit(a, size)) {
        a->full = true;
        return NULL;
    }
    struct arena_block *block = a->blocks;
    if (block == NULL || block->size - block->taken < size)
        block = add_block(a, size);
    if (block == NULL)
        return NULL;
    void *memory = block->bytes + block->taken;
    block->taken += size;
    a->used += size;
    return memory;
}

void *arena_zalloc(struct arena *a, size_t size) {
    void *memory = arena_alloc(a, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

char *arena_strndup(struct arena *a, const char *text, size_t length) {
    char *copy = length < SIZE_MAX ? arena_alloc(a, length + 1) : NULL;
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : arena_alloc(a, (size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* Frees all blocks but one. */
static void free_blocks(struct arena_block *first, const struct arena_block *kept) {
    struct arena_block *next;
    for (struct arena_block *b = first; b != NULL; b = next) {
        next = b->next;
        if (b != kept)
            base_free(b);
    }
}

void arena_reset(struct arena *a) {
    struct arena_block *largest = a->blocks;
    for (struct arena_block *b = a->blocks; b != NULL; b = b->next)
        if (b->size > largest->size)
            largest = b;
    free_blocks(a->blocks, largest);
    a->blocks = largest;
    a->used = 0;
    a->full = false;
    if (largest != NULL) {
        largest->next = NULL;
        largest->taken = 0;
    }
}

struct arena_mark arena_mark(const struct arena *a) {
    size_t taken = a->blocks != NULL ? a->blocks->taken : 0;
    return (struct arena_mark) { a->blocks, taken, a->used };
}

/* Keeps the larger of a block and the spare one. */
static void keep_spare(struct arena *a, struct arena_block *block) {
    if (a->spare == NULL || block->size > a->spare->size) {
        base_free(a->spare);
        a->spare = block;
    } else {
        base_free(block);
    }
}

void arena_rewind(struct arena *a, struct arena_mark mark) {
    while (a->blocks != mark.block) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        keep_spare(a, block);
    }
    if (a->blocks != NULL)
        a->blocks->taken = mark.taken;
    a->used = mark.used;
}

void arena_free(struct arena *a) {
    free_blocks(a->blocks, NULL);
    base_free(a->spare);
    a->spare = NULL;
    a->blocks = NULL;
    a->used = 0;
    a->full = false;
}
