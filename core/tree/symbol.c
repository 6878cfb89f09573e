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

/* The bytes of a name that is shorter than a word. */
static inline uint64_t short_word(const char *name, size_t length) {
    if (length >= 4) {
        uint32_t low;
        uint32_t high;
        memcpy(&low, name, 4);
        memcpy(&high, name + length - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    if (length == 0)
        return 0;
    uint64_t first = (unsigned char)name[0];
    uint64_t middle = (unsigned char)name[length / 2];
    uint64_t last = (unsigned char)name[length - 1];
    return first << 16 | middle << 8 | last;
}

/* Hashes a name, eight bytes at a time; the last word may overlap the one before. */
static inline uint32_t hash_name(const char *name, size_t length) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ length;
    for (size_t i = 0; i + 8 < length; i += 8)
        h = mix(h ^ eight(name + i), 0xD6E8FEB86659FD93u);
    uint64_t tail = length >= 8 ? eight(name + length - 8) : short_word(name, length);
    h = mix(h ^ tail, 0xA0761D6478BD642Fu);
    return (uint32_t)(h ^ h >> 32);
}

static inline bool is_entry(const struct entry *e, const char *name, size_t length, uint32_t hash) {
    return e->hash == hash && e->length == length && memcmp(e->name, name, length) == 0;
}

/* Finds the entry of a name in a table. */
static struct entry *probe(struct table *t, const char *name, size_t length, uint32_t hash) {
    for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
        struct entry *e = atomic_load_explicit(&t->slots[i], memory_order_acquire);
        if (e == NULL || is_entry(e, name, length, hash))
            return e;
    }
}

/* Puts an entry into the first free slot. */
static void place(struct table *t, struct entry *e) {
    uint32_t i = e->hash & t->mask;
    while (atomic_load_explicit(&t->slots[i], memory_order_relaxed) != NULL)
        i = (i + 1) & t->mask;
    atomic_store_explicit(&t->slots[i], e, memory_order_release);
}

/* The entry of a number, NULL when it has none. */
static struct entry *entry_of(uint32_t number) {
    if (number == 0 || number >= CHUNK * CHUNKS)
        return NULL;
    struct chunk *c = atomic_load_explicit(&chunks[number >> CHUNK_BITS], memory_order_acquire);
    if (c == NULL)
        return NULL;
    return atomic_load_explicit(&c->entries[number & (CHUNK - 1)], memory_order_acquire);
}

/* Allocates zeroed memory that lives until exit. */
static void *new_zeroed(size_t size) {
    void *memory = base_malloc(size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

/* Publishes a table twice as large as the one before. */
static struct table *grow(struct table *older) {
    uint32_t slots = older != NULL ? (older->mask + 1) * 2 : FIRST_SLOTS;
    struct table *bigger = new_zeroed(sizeof *bigger + slots * sizeof bigger->slots[0]);
    if (bigger == NULL)
        return NULL;
    bigger->older = older;
    bigger->mask = slots - 1;
    for (uint32_t n = 1; n <= count; n++) {
        struct entry *e = entry_of(n);
        if (e != NULL)
            place(bigger, e);
    }
    atomic_store_explicit(&current, bigger, memory_order_release);
    return bigger;
}

/* A table that is at most half full after one more name; NULL when memory is out. */
static struct table *table_with_room(void) {
    struct table *t = atomic_load_explicit(&current, memory_order_relaxed);
    bool has_room = t != NULL && (count + 1) * 2 <= t->mask;
    return has_room ? t : grow(t);
}

/* The chunk of a number, made when it is the first of it. */
static struct chunk *chunk_of(uint32_t number) {
    _Atomic(struct chunk *) *place_of = &chunks[number >> CHUNK_BITS];
    struct chunk *c = atomic_load_explicit(place_of, memory_order_relaxed);
    if (c != NULL)
        return c;
    c = new_zeroed(sizeof *c);
    atomic_store_explicit(place_of, c, memory_order_release);
    return c;
}

/* Makes the entry of the next number and stores it by number. */
static struct entry *new_entry(const char *name, size_t length, uint32_t hash) {
    uint32_t number = count + 1;
    if (number >= CHUNK * CHUNKS || length > UINT32_MAX)
        return NULL;
    struct chunk *c = chunk_of(number);
    if (c == NULL)
        return NULL;
    struct entry *e = base_malloc(sizeof *e + length + 1);
    if (e == NULL)
        return NULL;
    e->hash = hash;
    e->number = number;
    e->length = (uint32_t)length;
    memcpy(e->name, name, length);
    e->name[length] = '\0';
    atomic_store_explicit(&c->entries[number & (CHUNK - 1)], e, memory_order_release);
    return e;
}

/* Adds a name to a table; its number, 0 when memory is out. */
static uint32_t add_name(struct table *t, const char *name, size_t length, uint32_t hash) {
    struct entry *e = new_entry(name, length, hash);
    if (e == NULL)
        return 0;
    place(t, e);
    count = e->number;
    return e->number;
}

uint32_t symbol_intern(const char *name, size_t length) {
    uint32_t hash = hash_name(name, length);
    uint32_t number = 0;
    pthread_mutex_lock(&lock);
    struct table *t = table_with_room();
    if (t != NULL) {
        const struct entry *known = probe(t, name, length, hash);
        number = known != NULL ? known->number : add_name(t, name, length, hash);
    }
    pthread_mutex_unlock(&lock);
    return number;
}

uint32_t symbol_find(const char *name, size_t length) {
    struct table *t = atomic_load_explicit(&current, memory_order_acquire);
    if (t == NULL)
        return 0;
    const struct entry *e = probe(t, name, length, hash_name(name, length));
    return e != NULL ? e->number : 0;
}

/* "" for a number that was never given out. */
const char *symbol_name(uint32_t symbol) {
    const struct entry *e = entry_of(symbol);
    return e != NULL ? e->name : "";
}

size_t symbol_length(uint32_t symbol) {
    const struct entry *e = entry_of(symbol);
    return e != NULL ? e->length : 0;
}
