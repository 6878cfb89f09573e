/* SPDX-License-Identifier: Apache-2.0 */
/* A set of names as a hash table with open addressing. */
#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct name {
    char *text; /* the parts, each with its NUL; NULL: a free slot */
    size_t length;
    uint64_t hash;
    long number;
};

/* Writes the parts one behind the other; the caller frees it. */
static char *join(struct name_parts parts, size_t *length) {
    const char *part[3] = { parts.first, parts.second, parts.third };
    size_t size[3];
    size_t used = 0;
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        if (part[i] == NULL)
            part[i] = "";
        size[i] = strlen(part[i]) + 1;
        used += size[i];
    }
    char *text = malloc(used);
    if (text == NULL)
        return NULL;
    for (int i = 0; i < 3; i++) {
        memcpy(text + at, part[i], size[i]);
        at += size[i];
    }
    *length = used;
    return text;
}

/* Hashes a text (FNV-1a). */
static uint64_t hash_of(const char *text, size_t length) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

/* Finds the slot that a name has or would have. */
static struct name *slot_of(const struct names *n, const char *text, size_t length, uint64_t hash) {
    size_t at = hash & (n->capacity - 1);
    for (;;) {
        struct name *slot = &n->slots[at];
        if (slot->text == NULL)
            return slot;
        bool same = slot->hash == hash && slot->length == length;
        if (same && memcmp(slot->text, text, length) == 0)
            return slot;
        at = (at + 1) & (n->capacity - 1);
    }
}

/* Makes room for one name more. */
static bool grow(struct names *n) {
    struct names wider = { .count = n->count, .capacity = n->capacity == 0 ? 64 : n->capacity * 2 };
    wider.slots = calloc(wider.capacity, sizeof *wider.slots);
    if (wider.slots == NULL)
        return false;
    for (size_t i = 0; i < n->capacity; i++) {
        const struct name *old = &n->slots[i];
        if (old->text != NULL)
            *slot_of(&wider, old->text, old->length, old->hash) = *old;
    }
    free(n->slots);
    *n = wider;
    return true;
}

long names_find(const struct names *n, struct name_parts parts) {
    size_t length;
    if (n->count == 0)
        return NAMES_NONE;
    char *text = join(parts, &length);
    if (text == NULL)
        return NAMES_NO_MEMORY;
    const struct name *slot = slot_of(n, text, length, hash_of(text, length));
    free(text);
    return slot->text != NULL ? slot->number : NAMES_NONE;
}

long names_add(struct names *n, struct name_parts parts, long number) {
    size_t length;
    bool full = n->count * 2 >= n->capacity;
    if (full && !grow(n))
        return NAMES_NO_MEMORY;
    char *text = join(parts, &length);
    if (text == NULL)
        return NAMES_NO_MEMORY;
    uint64_t hash = hash_of(text, length);
    struct name *slot = slot_of(n, text, length, hash);
    if (slot->text != NULL) {
        free(text);
        return slot->number;
    }
    *slot = (struct name) { text, length, hash, number };
    n->count++;
    return NAMES_NONE;
}

void names_free(struct names *n) {
    for (size_t i = 0; i < n->capacity; i++)
        free(n->slots[i].text);
    free(n->slots);
    *n = (struct names) { NULL, 0, 0 };
}
