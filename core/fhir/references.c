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
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z';
}

#define BYTES(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGH_BITS BYTES(0x80)

/* The high bit of each of eight ASCII bytes that is at least `c`. */
static uint64_t at_least(uint64_t bytes, unsigned c) {
    return (bytes + BYTES(0x80 - c)) & HIGH_BITS;
}

/* True when eight bytes are lower-case hex digits. */
static bool are_hex(const char *text) {
    uint64_t w;
    memcpy(&w, text, sizeof w);
    uint64_t digits = at_least(w, '0') & ~at_least(w, '9' + 1);
    uint64_t letters = at_least(w, 'a') & ~at_least(w, 'f' + 1);
    return (w & HIGH_BITS) == 0 && (digits | letters) == HIGH_BITS;
}

/* True for 36 characters in the form 8-4-4-4-12. */
static bool is_uuid(const char *text) {
    char digits[32];
    if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        return false;
    memcpy(digits, text, 8);
    memcpy(digits + 8, text + 9, 4);
    memcpy(digits + 12, text + 14, 4);
    memcpy(digits + 16, text + 19, 4);
    memcpy(digits + 20, text + 24, 12);
    return are_hex(digits) && are_hex(digits + 8) && are_hex(digits + 16) && are_hex(digits + 24);
}

/* Splits "Type/UUID"; false for every other form. */
static bool split(const struct tree *node, size_t *type_length, const char **uuid) {
    if (node->length <= UUID_LENGTH + 1)
        return false;
    *type_length = node->length - UUID_LENGTH - 1;
    *uuid = node->text + *type_length + 1;
    if (node->text[*type_length] != '/' || !is_uuid(*uuid))
        return false;
    for (size_t i = 0; i < *type_length; i++)
        if (!is_letter(node->text[i]))
            return false;
    return true;
}

/* The slot where `uuid` stands, or the free one where it belongs. */
static uint32_t *find_slot(const struct collection *c, const char *uuid) {
    uint64_t first;
    uint64_t last;
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
    added->uuid = uuid;
    if (added->type == NULL)
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

/* What is done with each `reference` text of a resource; false ends the walk. */
typedef bool visitor(void *user, struct tree *node);

static bool visit_below(const struct tree *parent, uint32_t member, visitor *visit, void *user);

/* Visits a node, or what is below it. */
static bool visit_node(struct tree *n, uint32_t member, visitor *visit, void *user) {
    switch (n->kind) {
    case TREE_STRING: return !is_named(n, member) || visit(user, n);
    case TREE_OBJECT:
    case TREE_ARRAY: return visit_below(n, member, visit, user);
    default: return true;
    }
}

/* Visits the reference texts below a node. */
static bool visit_below(const struct tree *parent, uint32_t member, visitor *visit, void *user) {
    struct tree *n = parent->first;
    while (n != NULL && visit_node(n, member, visit, user))
        n = n->next;
    return n == NULL;
}

/* Visits the reference texts of a resource. */
static bool visit_all(const struct tree *resource, visitor *visit, void *user) {
    uint32_t member = symbol_intern(member_name, sizeof member_name - 1);
    if (member == 0)
        return false;
    return resource->kind != TREE_OBJECT || visit_below(resource, member, visit, user);
}

static bool add_node(void *user, struct tree *node) {
    return add(user, node);
}

bool resource_references(struct arena *arena, const struct tree *resource,
                         const struct resource_reference **list, size_t *count) {
    struct collection found = { .arena = arena };
    bool ok = visit_all(resource, add_node, &found);
    *list = ok ? found.items : NULL;
    *count = ok ? found.count : 0;
    return ok;
}

static bool make_urn(void *user, struct tree *node) {
    size_t type_length = 0;
    const char *uuid = NULL;
    if (!split(node, &type_length, &uuid))
        return true;
    const char *urn = arena_printf(user, "urn:uuid:%s", uuid);
    if (urn == NULL)
        return false;
    node->text = urn;
    node->length = (uint32_t)strlen(urn);
    return true;
}

bool resource_references_to_urns(struct arena *arena, struct tree *resource) {
    return visit_all(resource, make_urn, arena);
}
