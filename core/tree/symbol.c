/* SPDX-License-Identifier: Apache-2.0 */
/* The table of known names: readers probe a published array without a lock, a writer fills it under
 * one. */
#include "core/tree/symbol.h"

#include "core/base/alloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define CHUNK_BITS 10
#define CHUNK (1u << CHUNK_BITS)
#define CHUNKS 256 /* up to 262,143 names */
#define FIRST_SLOTS 4096u

struct entry {
    uint32_t hash, number, length;
    char name[];
};
struct table {
    struct table *older; /* readers may still be in it, so it stays */
    uint32_t mask;
    _Atomic(struct entry *) slots[];
};
struct chunk {
    _Atomic(struct entry *) entries[CHUNK];
};

static _Atomic(struct table *) current;
static _Atomic(struct chunk *) chunks[CHUNKS];
static uint32_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Mixes two words. */
static inline uint64_t mix(uint64_t a, uint64_t b) {
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Reads eight bytes. */
static inline uint64_t eight(const char *p) {
    uint64_t w;
    memcpy(&w, p, 8);
    return w;
}

/* Hashes a name, eight bytes at a time. */
static inline uint32_t hash_name(const char *name, size_t length) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ length, tail;
    if (length >= 8) {
        for (size_t i = 0; i + 8 < length; i += 8)
            h = mix(h ^ eight(name + i), 0xD6E8FEB86659FD93u);
        tail = eight(name + length - 8);
    } else if (length >= 4) {
        uint32_t low, high;
        memcpy(&low, name, 4);
        memcpy(&high, name + length - 4, 4);
        tail = (uint64_t)high << 32 | low;
    } else if (length > 0) {
        tail = (uint64_t)(unsigned char)name[0] << 16 |
               (uint64_t)(unsigned char)name[length / 2] << 8 | (unsigned char)name[length - 1];
    } else {
        tail = 0;
    }
    h = mix(h ^ tail, 0xA0761D6478BD642Fu);
    return (uint32_t)(h ^ h >> 32);
}

/* Finds the entry of a name in a table. */
static struct entry *probe(struct table *t, const char *name, size_t length, uint32_t hash) {
    for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
        struct entry *e = atomic_load_explicit(&t->slots[i], memory_order_acquire);
        if (!e)
            return NULL;
        if (e->hash == hash && e->length == length && memcmp(e->name, name, length) == 0)
            return e;
    }
}

/* Puts an entry into the first free slot. */
static void place(struct table *t, struct entry *e) {
    uint32_t i = e->hash & t->mask;
    while (atomic_load_explicit(&t->slots[i], memory_order_relaxed))
        i = (i + 1) & t->mask;
    atomic_store_explicit(&t->slots[i], e, memory_order_release);
}

/* The entry of a number, NULL when it has none. */
static struct entry *entry_of(uint32_t number) {
    if (number == 0 || number >= CHUNK * CHUNKS)
        return NULL;
    struct chunk *c = atomic_load_explicit(&chunks[number >> CHUNK_BITS], memory_order_acquire);
    return c ? atomic_load_explicit(&c->entries[number & (CHUNK - 1)], memory_order_acquire) : NULL;
}

/* Makes sure that the table is at most half full after one more name; publishes a larger one if it
 * is. */
static struct table *table_with_room(void) {
    struct table *t = atomic_load_explicit(&current, memory_order_relaxed);
    if (t && (count + 1) * 2 <= t->mask)
        return t;
    uint32_t slots = t ? (t->mask + 1) * 2 : FIRST_SLOTS;
    size_t size = sizeof *t + slots * sizeof t->slots[0];
    struct table *bigger = base_malloc(size);
    if (!bigger)
        return NULL;
    memset(bigger, 0, size);
    bigger->older = t;
    bigger->mask = slots - 1;
    for (uint32_t n = 1; n <= count; n++) {
        struct entry *e = entry_of(n);
        if (e != NULL)
            place(bigger, e);
    }
    atomic_store_explicit(&current, bigger, memory_order_release);
    return bigger;
}

/* Makes the entry of the next number and stores it by number. */
static struct entry *new_entry(const char *name, size_t length, uint32_t hash) {
    uint32_t number = count + 1;
    if (number >= CHUNK * CHUNKS || length > UINT32_MAX)
        return NULL;
    struct chunk *c = atomic_load_explicit(&chunks[number >> CHUNK_BITS], memory_order_relaxed);
    if (!c) {
        c = base_malloc(sizeof *c);
        if (!c)
            return NULL;
        memset(c, 0, sizeof *c);
        atomic_store_explicit(&chunks[number >> CHUNK_BITS], c, memory_order_release);
    }
    struct entry *e = base_malloc(sizeof *e + length + 1);
    if (!e)
        return NULL;
    e->hash = hash;
    e->number = number;
    e->length = (uint32_t)length;
    memcpy(e->name, name, length);
    e->name[length] = '\0';
    atomic_store_explicit(&c->entries[number & (CHUNK - 1)], e, memory_order_release);
    return e;
}

/* Finds or adds a name. */
uint32_t symbol_intern(const char *name, size_t length) {
    uint32_t hash = hash_name(name, length), number = 0;
    pthread_mutex_lock(&lock);
    struct table *t = table_with_room();
    struct entry *e = t ? probe(t, name, length, hash) : NULL;
    if (e) {
        number = e->number;
    } else if (t && (e = new_entry(name, length, hash))) {
        place(t, e);
        number = count = e->number;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

/* Finds a name. */
uint32_t symbol_find(const char *name, size_t length) {
    struct table *t = atomic_load_explicit(&current, memory_order_acquire);
    if (!t)
        return 0;
    struct entry *e = probe(t, name, length, hash_name(name, length));
    return e ? e->number : 0;
}

/* The name of a number; "" for a number that was never given out. */
const char *symbol_name(uint32_t symbol) {
    struct entry *e = entry_of(symbol);
    return e ? e->name : "";
}

/* The length of that name. */
size_t symbol_length(uint32_t symbol) {
    struct entry *e = entry_of(symbol);
    return e ? e->length : 0;
}
