/* SPDX-License-Identifier: Apache-2.0 */
/* Making, linking and looking up nodes. */
#include "core/tree/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes an empty node. */
struct tree *tree_new(struct arena *a, enum tree_kind kind) {
    struct tree *node = arena_zalloc(a, sizeof *node);
    if (node) {
        node->kind = (uint8_t)kind;
        if (kind == TREE_STRING || kind == TREE_NUMBER)
            node->text = kind == TREE_NUMBER ? "0" : "";
        if (kind == TREE_NUMBER)
            node->length = 1;
    }
    return node;
}

/* Makes a node over a text that is already in place. */
static struct tree *with_text(struct arena *a, enum tree_kind kind, const char *text,
                              size_t length) {
    struct tree *node = text && length < UINT32_MAX ? arena_zalloc(a, sizeof *node) : NULL;
    if (node) {
        node->kind = (uint8_t)kind;
        node->text = text;
        node->length = (uint32_t)length;
    }
    return node;
}

/* Makes a node and a copy of its text behind it. */
static struct tree *copy_text(struct arena *a, enum tree_kind kind, const char *text,
                              size_t length) {
    struct tree *node = length < UINT32_MAX ? arena_alloc(a, sizeof *node + length + 1) : NULL;
    if (node == NULL)
        return NULL;
    char *copy = (char *)(node + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    *node = (struct tree) { .kind = (uint8_t)kind, .length = (uint32_t)length, .text = copy };
    return node;
}

/* Makes a string. */
struct tree *tree_string(struct arena *a, const char *text, size_t length) {
    return copy_text(a, TREE_STRING, text, length);
}

/* Makes a string that shares its text. */
struct tree *tree_string_borrowed(struct arena *a, const char *text, size_t length) {
    return with_text(a, TREE_STRING, text, length);
}

/* Makes a number from its text. */
struct tree *tree_number(struct arena *a, const char *text, size_t length) {
    return copy_text(a, TREE_NUMBER, text, length);
}

/* Makes a whole number. */
struct tree *tree_integer(struct arena *a, int64_t value) {
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)value);
    return tree_number(a, text, (size_t)length);
}

/* Makes true or false. */
struct tree *tree_boolean(struct arena *a, bool value) {
    struct tree *node = tree_new(a, TREE_BOOLEAN);
    if (node)
        node->boolean = value;
    return node;
}

/* Links a child behind the last one. */
static void link_last(struct tree *parent, struct tree *child) {
    child->parent = parent;
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->length++;
}

/* Appends to an array. */
bool tree_append(struct tree *array, struct tree *child) {
    if (!array || !child)
        return false;
    child->name = NULL;
    child->name_length = child->symbol = 0;
    link_last(array, child);
    return true;
}

/* Adds a member by name. */
bool tree_add(struct arena *a, struct tree *object, const char *name, struct tree *child) {
    size_t length = strlen(name);
    return tree_add_known(a, object, name, length, symbol_find(name, length), child);
}

bool tree_add_known(struct arena *a, struct tree *object, const char *name, size_t length,
                    uint32_t symbol, struct tree *child) {
    if (object == NULL || child == NULL || length > UINT32_MAX)
        return false;
    const char *kept = symbol != 0 ? symbol_name(symbol) : arena_strndup(a, name, length);
    if (kept == NULL)
        return false;
    child->name = kept;
    child->name_length = (uint32_t)length;
    child->symbol = symbol;
    link_last(object, child);
    return true;
}

/* Adds a member by symbol. */
bool tree_add_symbol(struct tree *object, uint32_t symbol, struct tree *child) {
    if (!object || !child || !symbol)
        return false;
    child->symbol = symbol;
    child->name = symbol_name(symbol);
    child->name_length = (uint32_t)symbol_length(symbol);
    link_last(object, child);
    return true;
}

/* Unlinks a node. */
void tree_remove(struct tree *child) {
    struct tree *parent = child ? child->parent : NULL, *before = NULL;
    if (!parent)
        return;
    for (struct tree *n = parent->first; n && n != child; n = n->next)
        before = n;
    if (before)
        before->next = child->next;
    else
        parent->first = child->next;
    if (parent->last == child)
        parent->last = before;
    parent->length--;
    child->parent = child->next = NULL;
}

/* Copies a node that stands below `above` others, and all below it. */
static struct tree *copy_below(struct arena *a, const struct tree *node, unsigned above) {
    bool container = node->kind == TREE_ARRAY || node->kind == TREE_OBJECT;
    if (container && above == TREE_MAX_DEPTH)
        return NULL;
    struct tree *copy = arena_alloc(a, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->parent = copy->next = copy->last = NULL;
    if (node->name != NULL && node->symbol == 0) {
        copy->name = arena_strndup(a, node->name, node->name_length);
        if (copy->name == NULL)
            return NULL;
    }
    if (node->kind == TREE_STRING || node->kind == TREE_NUMBER) {
        copy->text = arena_strndup(a, node->text, node->length);
        return copy->text != NULL ? copy : NULL;
    }
    copy->first = NULL;
    copy->length = 0;
    if (!container)
        return copy;
    for (const struct tree *child = node->first; child != NULL; child = child->next) {
        struct tree *other = copy_below(a, child, above + 1);
        if (other == NULL)
            return NULL;
        link_last(copy, other);
    }
    return copy;
}

struct tree *tree_copy(struct arena *a, const struct tree *node) {
    return node != NULL ? copy_below(a, node, 0) : NULL;
}

/* Finds a member by its text. */
static struct tree *get_by_text(const struct tree *object, const char *name, size_t length) {
    for (struct tree *n = object->first; n; n = n->next)
        if (n->name_length == length && memcmp(n->name, name, length) == 0)
            return n;
    return NULL;
}

/* Finds a member by symbol; members that were read before the name became known compare by text. */
struct tree *tree_get_symbol(const struct tree *object, uint32_t symbol) {
    if (!object || object->kind != TREE_OBJECT || !symbol)
        return NULL;
    bool unknown = false;
    for (struct tree *n = object->first; n; n = n->next) {
        if (n->symbol == symbol)
            return n;
        unknown |= n->symbol == 0;
    }
    return unknown ? get_by_text(object, symbol_name(symbol), symbol_length(symbol)) : NULL;
}

/* Finds a member by name. */
struct tree *tree_get(const struct tree *object, const char *name) {
    size_t length = strlen(name);
    return tree_get_known(object, name, length, symbol_find(name, length));
}

struct tree *tree_get_known(const struct tree *object, const char *name, size_t length,
                            uint32_t symbol) {
    if (object == NULL || object->kind != TREE_OBJECT)
        return NULL;
    return symbol != 0 ? tree_get_symbol(object, symbol) : get_by_text(object, name, length);
}

/* The element at an index. */
struct tree *tree_at(const struct tree *array, size_t index) {
    if (!array || array->kind != TREE_ARRAY || index >= array->length)
        return NULL;
    struct tree *n = array->first;
    while (index-- > 0)
        n = n->next;
    return n;
}

/* The text of a string member. */
const char *tree_text(const struct tree *object, const char *name) {
    const struct tree *n = tree_get(object, name);
    return n && n->kind == TREE_STRING ? n->text : NULL;
}

/* Compares a member name with one pointer step, in which ~0 is ~ and ~1 is /. */
static bool step_is(const char *step, size_t length, const char *name, size_t name_length) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++, n++) {
        char c = step[i];
        if (c == '~' && i + 1 < length && (step[i + 1] == '0' || step[i + 1] == '1'))
            c = step[++i] == '0' ? '~' : '/';
        if (n >= name_length || name[n] != c)
            return false;
    }
    return n == name_length;
}

/* Goes one pointer step down. */
static struct tree *step_down(const struct tree *node, const char *step, size_t length) {
    if (node->kind == TREE_OBJECT) {
        for (struct tree *n = node->first; n; n = n->next)
            if (step_is(step, length, n->name, n->name_length))
                return n;
        return NULL;
    }
    if (node->kind != TREE_ARRAY || length == 0 || length > 9 || (step[0] == '0' && length > 1))
        return NULL;
    size_t index = 0;
    for (size_t i = 0; i < length; i++) {
        if (step[i] < '0' || step[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(step[i] - '0');
    }
    return tree_at(node, index);
}

/* Follows a JSON pointer. */
struct tree *tree_pointer(const struct tree *root, const char *pointer) {
    struct tree *node = (struct tree *)(uintptr_t)root;
    while (node && *pointer) {
        if (*pointer++ != '/')
            return NULL;
        size_t length = strcspn(pointer, "/");
        node = step_down(node, pointer, length);
        pointer += length;
    }
    return node;
}

/* Writes backwards from the end of a buffer; false when it is full. */
static bool put_front(char *out, size_t *at, const char *text, size_t length) {
    if (length > *at)
        return false;
    *at -= length;
    memcpy(out + *at, text, length);
    return true;
}

/* Writes one step in front of what stands there. */
static bool put_step(char *out, size_t *at, const struct tree *node) {
    if (!node->name) {
        size_t index = 0;
        char text[24];
        for (const struct tree *n = node->parent->first; n && n != node; n = n->next)
            index++;
        return put_front(out, at, text, (size_t)snprintf(text, sizeof text, "/%zu", index));
    }
    for (size_t i = node->name_length; i-- > 0;) {
        char c = node->name[i];
        bool ok = c == '~'   ? put_front(out, at, "~0", 2)
                  : c == '/' ? put_front(out, at, "~1", 2)
                             : put_front(out, at, &c, 1);
        if (!ok)
            return false;
    }
    return put_front(out, at, "/", 1);
}

/* Writes the pointer of a node; one that is too long keeps its end, behind "...". */
const char *tree_path(const struct tree *node, char *out, size_t size) {
    if (size == 0)
        return out;
    size_t at = size - 1;
    bool fits = true;
    out[at] = '\0';
    for (; fits && node && node->parent; node = node->parent)
        fits = put_step(out, &at, node);
    if (!fits && size > 4) {
        at = at < 3 ? 0 : at - 3;
        memcpy(out + at, "...", 3);
    }
    memmove(out, out + at, size - at);
    return out;
}

/* Reads a whole number. */
bool tree_to_int(const struct tree *node, int64_t *out) {
    if (!node || node->kind != TREE_NUMBER || node->length == 0)
        return false;
    const char *p = node->text, *end = p + node->length;
    bool negative = *p == '-';
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
    p += negative;
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}
