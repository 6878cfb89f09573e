/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a record something stands, without anything that could be data. */
#include "core/record/schema.h"

#include <stdio.h>
#include <string.h>

static bool is_name_part(char c) {
    static const char parts[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-$";
    return c != '\0' && strchr(parts, c) != NULL;
}

const char *field_name_shown(const char *name, size_t length, char out[NAME_MAX_SHOWN + 1]) {
    static const char unusual[] = "(unusual-name)";
    if (length == 0 || length > NAME_MAX_SHOWN)
        return unusual;
    for (size_t i = 0; i < length; i++) {
        if (!is_name_part(name[i]))
            return unusual;
    }
    memcpy(out, name, length);
    out[length] = '\0';
    return out;
}

static size_t index_of(const struct tree *item) {
    size_t index = 0;
    for (const struct tree *n = item->parent->first; n != item; n = n->next)
        index++;
    return index;
}

/* Adds to a text as far as it has room; gives its new length. */
static size_t add(char *out, size_t size, size_t at, const char *more) {
    size_t length = strlen(more);
    size_t room = size - at - 1;
    if (length > room)
        length = room;
    memcpy(out + at, more, length);
    out[at + length] = '\0';
    return at + length;
}

/* Adds the JSON pointer of a node; gives the new length. */
static size_t add_pointer(char *out, size_t size, size_t at, const struct tree *node) {
    char name[NAME_MAX_SHOWN + 1], number[24];
    const char *step = number;
    if (node->parent == NULL)
        return at;
    at = add_pointer(out, size, at, node->parent);
    if (node->parent->kind == TREE_ARRAY)
        snprintf(number, sizeof number, "%zu", index_of(node));
    else
        step = field_name_shown(node->name, node->name_length, name);
    at = add(out, size, at, "/");
    return add(out, size, at, step);
}

void where_write(char out[WHERE_MAX], const char *source, const struct tree *node,
                 const char *name) {
    /* Long paths lose their end, so that neither a source nor a pointer takes all the room. */
    char pointer[200] = "", short_source[151] = "", position[32] = "";
    size_t at = 0;
    out[0] = '\0';
    if (source != NULL)
        snprintf(short_source, sizeof short_source, "%s", source);
    at = add(out, WHERE_MAX, at, short_source);
    if (node->line > 0) {
        const char *colon = at > 0 ? ":" : "";
        snprintf(position, sizeof position, "%s%u:%u", colon, node->line, node->column);
        at = add(out, WHERE_MAX, at, position);
    }
    if (at > 0)
        at = add(out, WHERE_MAX, at, " ");
    add_pointer(pointer, sizeof pointer, 0, node);
    at = add(out, WHERE_MAX, at, pointer);
    if (name != NULL) {
        at = add(out, WHERE_MAX, at, "/");
        add(out, WHERE_MAX, at, name);
    }
}
