/* SPDX-License-Identifier: Apache-2.0 */
/* Finding references in resource texts and ordering resources by them. */
#include "core/sync/references.h"

#include <stdint.h>
#include <string.h>

#define UUID 36
static const char marker[] = "\"reference\":\"";

/* True when `text` has the shape of a UUID followed by the closing quote. */
static bool is_uuid(const char *text, size_t left) {
    if (left <= UUID || text[UUID] != '"')
        return false;
    for (size_t i = 0; i < UUID; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex)
            return false;
    }
    return true;
}

bool reference_next(const char *body, size_t length, size_t *position, struct reference_at *found) {
    while (*position < length) {
        const char *at = memmem(body + *position, length - *position, marker, sizeof marker - 1);
        if (!at)
            break;
        const char *type = at + sizeof marker - 1, *end = body + length, *slash = type;
        while (slash < end &&
               ((*slash >= 'A' && *slash <= 'Z') || (*slash >= 'a' && *slash <= 'z')))
            slash++;
        *position = (size_t)(slash - body);
        if (slash > type && slash < end && *slash == '/' &&
            is_uuid(slash + 1, (size_t)(end - slash - 1))) {
            *found = (struct reference_at) { type, (size_t)(slash - type), slash + 1 };
            *position += 1 + UUID;
            return true;
        }
    }
    *position = length;
    return false;
}

struct index {
    size_t mask;
    uint32_t *slots; /* index + 1, 0: free */
    const char *const *uuids;
};

/* Spread UUIDs over the slots: they are hashes already. */
static size_t slot_of(const char *uuid) {
    uint64_t h;
    memcpy(&h, uuid, sizeof h);
    uint64_t g;
    memcpy(&g, uuid + 28, sizeof g);
    return (size_t)((h * 0x9e3779b97f4a7c15u ^ g * 0xc2b2ae3d27d4eb4fu) >> 20);
}

/* The index of the resource with this UUID, or SIZE_MAX. */
static size_t look_up(const struct index *x, const char *uuid) {
    for (size_t i = slot_of(uuid) & x->mask; x->slots[i]; i = (i + 1) & x->mask)
        if (!memcmp(x->uuids[x->slots[i] - 1], uuid, UUID))
            return x->slots[i] - 1;
    return SIZE_MAX;
}

/* Build the look-up of UUIDs. */
static bool build(struct index *x, const char *const *uuids, size_t count, struct arena *arena) {
    size_t size = 16;
    while (size < count * 2)
        size *= 2;
    *x = (struct index) { size - 1, arena_zalloc(arena, size * sizeof *x->slots), uuids };
    if (!x->slots)
        return false;
    for (size_t n = 0; n < count; n++) {
        size_t i = slot_of(uuids[n]) & x->mask;
        while (x->slots[i])
            i = (i + 1) & x->mask;
        x->slots[i] = (uint32_t)n + 1;
    }
    return true;
}

struct visit {
    size_t node, position;
};
enum { WHITE, GREY, BLACK, CYCLIC };

/* Depth-first from one resource, with a stack of its own: hostile chains don't deepen ours. */
static void place(size_t start, const struct index *x, const char *const *bodies,
                  const size_t *lengths, uint8_t *colour, struct visit *stack, size_t *order,
                  size_t *placed) {
    size_t depth = 0;
    stack[depth++] = (struct visit) { start, 0 };
    colour[start] = GREY;
    while (depth) {
        struct visit *v = &stack[depth - 1];
        struct reference_at r;
        if (!reference_next(bodies[v->node], lengths[v->node], &v->position, &r)) {
            if (colour[v->node] == GREY) {
                colour[v->node] = BLACK;
                order[(*placed)++] = v->node;
            }
            depth--;
            continue;
        }
        size_t to = look_up(x, r.uuid);
        if (to == SIZE_MAX || to == v->node)
            continue;
        if (colour[to] == WHITE) {
            colour[to] = GREY;
            stack[depth++] = (struct visit) { to, 0 };
        } else if (colour[to] == GREY || colour[to] == CYCLIC) {
            for (size_t i = depth; i-- > 0;) { /* all on the way round are in the cycle */
                colour[stack[i].node] = CYCLIC;
                if (stack[i].node == to)
                    break;
            }
        }
    }
}

size_t reference_order(const char *const *bodies, const size_t *lengths, const char *const *uuids,
                       size_t count, size_t *order, struct arena *arena, bool *ok) {
    struct index x;
    uint8_t *colour = arena_zalloc(arena, count + 1);
    struct visit *stack = arena_alloc(arena, (count + 1) * sizeof *stack);
    *ok = build(&x, uuids, count, arena) && colour && stack;
    if (!*ok)
        return 0;
    size_t placed = 0;
    for (size_t i = 0; i < count; i++)
        if (colour[i] == WHITE)
            place(i, &x, bodies, lengths, colour, stack, order, &placed);
    size_t ordered = placed;
    for (size_t i = 0; i < count; i++)
        if (colour[i] == CYCLIC)
            order[placed++] = i;
    return ordered;
}
