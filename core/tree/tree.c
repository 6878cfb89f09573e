/* SPDX-License-Identifier: Apache-2.0 */
/* Making, linking and looking up nodes. */
#include "core/tree/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

struct tree *tree_new(struct arena *a, enum tree_kind kind) {
    struct tree *node = arena_zalloc(a, sizeof *node);
    if (node == NULL)
        return NULL;
    node->kind = (uint8_t)kind;
    if (kind == TREE_STRING)
        node->text = "";
    if (kind == TREE_NUMBER) {
        node->text = "0";
        node->length = 1;
    }
    return node;
}

/* Makes a node over a text that is already in place. */
static struct tree *with_text(struct arena *a, enum tree_kind kind, const char *text,
                              size_t length) {
    if (text == NULL || length >= UINT32_MAX)
        return NULL;
    struct tree *node = arena_zalloc(a, sizeof *node);
    if (node == NULL)
        return NULL;
    node->kind = (uint8_t)kind;
    node->text = text;
    node->length = (uint32_t)length;
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

struct tree *tree_string(struct arena *a, const char *text, size_t length) {
    return copy_text(a, TREE_STRING, text, length);
}

struct tree *tree_string_borrowed(struct arena *a, const char *text, size_t length) {
    return with_text(a, TREE_STRING, text, length);
}

struct tree *tree_number(struct arena *a, const char *text, size_t length) {
    return copy_text(a, TREE_NUMBER, text, length);
}

struct tree *tree_integer(struct arena *a, int64_t value) {
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)value);
    return tree_number(a, text, (size_t)length);
}

struct tree *tree_boolean(struct arena *a, bool value) {
    struct tree *node = tree_new(a, TREE_BOOLEAN);
    if (node != NULL)
        node->boolean = value;
    return node;
}

/* ---- linking ---- */

/* Links a child behind the last one. */
static void link_last(struct tree *parent, struct tree *child) {
    child->parent = parent;
    child->next = NULL;
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->length++;
}

bool tree_append(struct tree *array, struct tree *child) {
    if (array == NULL || child == NULL)
        return false;
    child->name = NULL;
    child->name_length = 0;
    child->symbol = 0;
    link_last(array, child);
    return true;
}

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

bool tree_add_symbol(struct tree *object, uint32_t symbol, struct tree *child) {
    if (object == NULL || child == NULL || symbol == 0)
        return false;
    child->symbol = symbol;
    child->name = symbol_name(symbol);
    child->name_length = (uint32_t)symbol_length(symbol);
    link_last(object, child);
    return true;
}

void tree_remove(struct tree *child) {
    if (child == NULL || child->parent == NULL)
        return;
    struct tree *parent = child->parent;
    struct tree *before = NULL;
    for (struct tree *n = parent->first; n != NULL && n != child; n = n->next)
        before = n;
    if (before != NULL)
        before->next = child->next;
    else
        parent->first = child->next;
    if (parent->last == child)
        parent->last = before;
    parent->length--;
    child->parent = NULL;
    child->next = NULL;
}

/* ---- copying ---- */

static struct tree *copy_below(struct arena *a, const struct tree *node, unsigned above);

/* Copies the children of a node below a copy. */
static struct tree *copy_children(struct arena *a, const struct tree *node, struct tree *copy,
                                  unsigned above) {
    copy->first = NULL;
    copy->length = 0;
    for (const struct tree *child = node->first; child != NULL; child = child->next) {
        struct tree *other = copy_below(a, child, above);
        if (other == NULL)
            return NULL;
        link_last(copy, other);
    }
    return copy;
}

/* Copies a node alone: its name, where it is no known one that all share, but not its value. */
static struct tree *copy_node(struct arena *a, const struct tree *node) {
    struct tree *copy = arena_alloc(a, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->parent = NULL;
    copy->next = NULL;
    copy->last = NULL;
    bool own_name = node->name != NULL && node->symbol == 0;
    if (!own_name)
        return copy;
    copy->name = arena_strndup(a, node->name, node->name_length);
    return copy->name != NULL ? copy : NULL;
}

/* Copies a node that stands below `above` others, and all below it. */
static struct tree *copy_below(struct arena *a, const struct tree *node, unsigned above) {
    bool container = node->kind == TREE_ARRAY || node->kind == TREE_OBJECT;
    if (container && above == TREE_MAX_DEPTH)
        return NULL;
    struct tree *copy = copy_node(a, node);
    if (copy == NULL)
        return NULL;
    if (container)
        return copy_children(a, node, copy, above + 1);
    if (node->kind == TREE_STRING || node->kind == TREE_NUMBER) {
        copy->text = arena_strndup(a, node->text, node->length);
        return copy->text != NULL ? copy : NULL;
    }
    copy->first = NULL;
    copy->length = 0;
    return copy;
}

struct tree *tree_copy(struct arena *a, const struct tree *node) {
    return node != NULL ? copy_below(a, node, 0) : NULL;
}

/* ---- looking up ---- */

/* Finds a member by its text. */
static struct tree *get_by_text(const struct tree *object, const char *name, size_t length) {
    struct tree *n = object->first;
    while (n != NULL && (n->name_length != length || memcmp(n->name, name, length) != 0))
        n = n->next;
    return n;
}

/* Members that were read before the name became known compare by text. */
struct tree *tree_get_symbol(const struct tree *object, uint32_t symbol) {
    if (object == NULL || object->kind != TREE_OBJECT || symbol == 0)
        return NULL;
    bool unknown = false;
    for (struct tree *n = object->first; n != NULL; n = n->next) {
        if (n->symbol == symbol)
            return n;
        unknown |= n->symbol == 0;
    }
    return unknown ? get_by_text(object, symbol_name(symbol), symbol_length(symbol)) : NULL;
}

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

struct tree *tree_at(const struct tree *array, size_t index) {
    if (array == NULL || array->kind != TREE_ARRAY || index >= array->length)
        return NULL;
    struct tree *n = array->first;
    while (index-- > 0)
        n = n->next;
    return n;
}

const char *tree_text(const struct tree *object, const char *name) {
    const struct tree *n = tree_get(object, name);
    return n != NULL && n->kind == TREE_STRING ? n->text : NULL;
}

/* The digits of a number, without its sign, up to a limit; false when it isn't whole or larger. */
static bool whole_digits(const char *p, const char *end, uint64_t limit, uint64_t *out) {
    uint64_t value = 0;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool tree_to_int(const struct tree *node, int64_t *out) {
    if (node == NULL || node->kind != TREE_NUMBER || node->length == 0)
        return false;
    const char *end = node->text + node->length;
    bool negative = node->text[0] == '-';
    const char *first = node->text + negative;
    uint64_t size;
    if (first == end || !whole_digits(first, end, (uint64_t)INT64_MAX + negative, &size))
        return false;
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

/* ---- JSON pointers (RFC 6901) ---- */

/* Reads one character of a step, in which ~0 is ~ and ~1 is /. */
static char step_character(const char **step, const char *end) {
    const char *at = *step;
    bool escaped = at[0] == '~' && at + 1 < end && (at[1] == '0' || at[1] == '1');
    *step += escaped ? 2 : 1;
    if (!escaped)
        return at[0];
    return at[1] == '0' ? '~' : '/';
}

/* Compares a member name with one pointer step. */
static bool step_is(const char *step, size_t length, const struct tree *member) {
    const char *end = step + length;
    size_t n = 0;
    while (step < end && n < member->name_length) {
        if (step_character(&step, end) != member->name[n])
            return false;
        n++;
    }
    return step == end && n == member->name_length;
}

/* The index that a step is: digits without a zero in front; false when it is none. */
static bool step_index(const char *step, size_t length, size_t *index) {
    uint64_t value;
    bool leading_zero = length > 1 && step[0] == '0';
    if (length == 0 || length > 9 || leading_zero)
        return false;
    if (!whole_digits(step, step + length, INT32_MAX, &value))
        return false;
    *index = (size_t)value;
    return true;
}

/* Goes one pointer step down. */
static struct tree *step_down(const struct tree *node, const char *step, size_t length) {
    size_t index;
    if (node->kind == TREE_ARRAY)
        return step_index(step, length, &index) ? tree_at(node, index) : NULL;
    if (node->kind != TREE_OBJECT)
        return NULL;
    struct tree *n = node->first;
    while (n != NULL && !step_is(step, length, n))
        n = n->next;
    return n;
}

struct tree *tree_pointer(const struct tree *root, const char *pointer) {
    struct tree *node = (struct tree *)(uintptr_t)root;
    while (node != NULL && *pointer != '\0') {
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

/* Writes the index of an element in front of what stands there. */
static bool put_index(char *out, size_t *at, const struct tree *node) {
    char text[24];
    size_t index = 0;
    for (const struct tree *n = node->parent->first; n != NULL && n != node; n = n->next)
        index++;
    int length = snprintf(text, sizeof text, "/%zu", index);
    return put_front(out, at, text, (size_t)length);
}

/* Writes one character of a name in front of what stands there, escaped where it must be. */
static bool put_character(char *out, size_t *at, char c) {
    switch (c) {
    case '~': return put_front(out, at, "~0", 2);
    case '/': return put_front(out, at, "~1", 2);
    default: return put_front(out, at, &c, 1);
    }
}

/* Writes one step in front of what stands there. */
static bool put_step(char *out, size_t *at, const struct tree *node) {
    if (node->name == NULL)
        return put_index(out, at, node);
    size_t left = node->name_length;
    while (left > 0 && put_character(out, at, node->name[left - 1]))
        left--;
    return left == 0 && put_front(out, at, "/", 1);
}

/* A pointer that is too long keeps its end, behind "...". */
const char *tree_path(const struct tree *node, char *out, size_t size) {
    if (size == 0)
        return out;
    size_t at = size - 1;
    bool fits = true;
    out[at] = '\0';
    for (; fits && node != NULL && node->parent != NULL; node = node->parent)
        fits = put_step(out, &at, node);
    if (!fits && size > 4) {
        at = at < 3 ? 0 : at - 3;
        memcpy(out + at, "...", 3);
    }
    memmove(out, out + at, size - at);
    return out;
}
