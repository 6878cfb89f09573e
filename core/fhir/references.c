/* SPDX-License-Identifier: Apache-2.0 */
/* Listing the references of a resource. */
#include "core/fhir/references.h"

#include <string.h>

#define UUID_LENGTH 36

/* References collected so far, with a hash table of indexes (index + 1, 0: free) over them. */
struct collection {
    struct arena *arena;
    struct resource_reference *items;
    uint32_t *slots;
    size_t count;
    size_t slot_count; /* a power of two, at least twice `count` */
};

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_lower_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_uuid(const char *text, size_t length) {
    if (length != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        bool fits = dash_place ? text[i] == '-' : is_lower_hex(text[i]);
        if (!fits)
            return false;
    }
    return true;
}

/* Splits "Type/UUID"; false for every other form. */
static bool split(const struct tree *node, size_t *type_length, const char **uuid) {
    size_t letters = 0;
    while (letters < node->length && is_letter(node->text[letters]))
        letters++;
    if (letters == 0 || letters == node->length || node->text[letters] != '/')
        return false;
    *type_length = letters;
    *uuid = node->text + letters + 1;
    return is_uuid(*uuid, node->length - letters - 1);
}

/* The slot where `uuid` stands, or the free one where it belongs. */
static uint32_t *find_slot(const struct collection *c, const char *uuid) {
    uint64_t first, last;
    memcpy(&first, uuid, sizeof first);
    memcpy(&last, uuid + UUID_LENGTH - sizeof last, sizeof last);
    uint64_t hash = (first * 0x9e3779b97f4a7c15u) ^ (last * 0xc2b2ae3d27d4eb4fu);
    size_t mask = c->slot_count - 1;
    size_t i = (size_t)(hash >> 24) & mask;
    while (c->slots[i] != 0 && memcmp(c->items[c->slots[i] - 1].uuid, uuid, UUID_LENGTH) != 0)
        i = (i + 1) & mask;
    return &c->slots[i];
}

/* Doubles the room for items and slots. */
static bool grow(struct collection *c) {
    struct collection larger = *c;
    larger.slot_count = c->slot_count == 0 ? 16 : c->slot_count * 2;
    larger.items = arena_alloc(c->arena, larger.slot_count / 2 * sizeof *larger.items);
    larger.slots = arena_zalloc(c->arena, larger.slot_count * sizeof *larger.slots);
    if (larger.items == NULL || larger.slots == NULL)
        return false;
    for (size_t i = 0; i < c->count; i++) {
        larger.items[i] = c->items[i];
        *find_slot(&larger, c->items[i].uuid) = (uint32_t)i + 1;
    }
    *c = larger;
    return true;
}

/* Adds a reference unless its UUID is already listed. */
static bool add(struct collection *c, const struct tree *node) {
    size_t type_length = 0;
    const char *uuid = NULL;
    if (!split(node, &type_length, &uuid))
        return true;
    if (c->count == c->slot_count / 2 && !grow(c))
        return false;
    uint32_t *slot = find_slot(c, uuid);
    if (*slot != 0)
        return true;
    struct resource_reference *added = &c->items[c->count];
    added->type = arena_strndup(c->arena, node->text, type_length);
    added->uuid = arena_strndup(c->arena, uuid, UUID_LENGTH);
    if (added->type == NULL || added->uuid == NULL)
        return false;
    *slot = (uint32_t)++c->count;
    return true;
}

static const char member_name[] = "reference";

/* True for a member of that name; one that was read before the name was known has no symbol. */
static bool is_named(const struct tree *n, uint32_t member) {
    if (n->symbol != 0)
        return n->symbol == member;
    return n->name_length == sizeof member_name - 1 &&
           memcmp(n->name, member_name, sizeof member_name - 1) == 0;
}

/* Adds what the children of a node refer to. */
static bool add_below(struct collection *c, const struct tree *parent, uint32_t member) {
    for (const struct tree *n = parent->first; n != NULL; n = n->next) {
        if (n->kind == TREE_STRING) {
            if (is_named(n, member) && !add(c, n))
                return false;
        } else if (n->kind == TREE_OBJECT || n->kind == TREE_ARRAY) {
            if (!add_below(c, n, member))
                return false;
        }
    }
    return true;
}

bool resource_references(struct arena *arena, const struct tree *resource,
                         const struct resource_reference **list, size_t *count) {
    struct collection found = { .arena = arena };
    *list = NULL;
    *count = 0;
    uint32_t member = symbol_intern(member_name, sizeof member_name - 1);
    bool is_object = resource->kind == TREE_OBJECT;
    if (member == 0 || (is_object && !add_below(&found, resource, member)))
        return false;
    *list = found.items;
    *count = found.count;
    return true;
}
