/* SPDX-License-Identifier: Apache-2.0 */
/* The tree to JSON text: compact, for people, and canonical. */
#include "core/base/alloc.h"
#include "core/tree/tree.h"

#include <stdlib.h>
#include <string.h>

#define FEW 64 /* members that are sorted without allocating */

struct writer {
    struct str *out;
    bool pretty, canonical;
};

static void write_value(const struct writer *w, const struct tree *node, unsigned depth);

/* Begins a line. */
static void new_line(const struct writer *w, unsigned depth) {
    if (!w->pretty)
        return;
    str_putc(w->out, '\n');
    for (unsigned i = 0; i < depth; i++)
        str_add(w->out, "  ", 2);
}

/* Writes one member. */
static void write_member(const struct writer *w, const struct tree *member, unsigned depth) {
    new_line(w, depth);
    str_json(w->out, member->name, member->name_length);
    str_putc(w->out, ':');
    if (w->pretty)
        str_putc(w->out, ' ');
    write_value(w, member, depth);
}

/* Orders members by the bytes of their names. */
static int by_name(const void *left, const void *right) {
    const struct tree *a = *(const struct tree *const *)left;
    const struct tree *b = *(const struct tree *const *)right;
    size_t n = a->name_length;
    size_t m = b->name_length;
    int order = memcmp(a->name, b->name, n < m ? n : m);
    return order != 0 ? order : (n > m) - (n < m);
}

/* Sorts few members by insertion: members often stand in order already. */
static void insert_in_order(const struct tree **sorted, const struct tree *object) {
    size_t n = 0;
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        size_t i = n++;
        for (; i > 0 && by_name(&sorted[i - 1], &m) > 0; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = m;
    }
}

/* Sorts many members. */
static void sort(const struct tree **sorted, const struct tree *object) {
    size_t n = 0;
    for (const struct tree *m = object->first; m != NULL; m = m->next)
        sorted[n++] = m;
    qsort(sorted, n, sizeof(const struct tree *), by_name);
}

/* Writes the members of a list, one behind the other. */
static void write_members(const struct writer *w, const struct tree *const *members, size_t count,
                          unsigned depth) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_putc(w->out, ',');
        write_member(w, members[i], depth);
    }
}

/* Writes the members in the order of their names. */
static void write_sorted(const struct writer *w, const struct tree *object, unsigned depth) {
    const struct tree *few[FEW];
    if (object->length <= FEW) {
        insert_in_order(few, object);
        write_members(w, few, object->length, depth);
        return;
    }
    const struct tree **many = base_malloc(object->length * sizeof *many);
    if (many == NULL) {
        w->out->failed = true;
        return;
    }
    sort(many, object);
    write_members(w, many, object->length, depth);
    base_free(many);
}

/* Writes the members in their own order. */
static void write_in_order(const struct writer *w, const struct tree *object, unsigned depth) {
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        if (m != object->first)
            str_putc(w->out, ',');
        write_member(w, m, depth);
    }
}

/* Writes an object. */
static void write_object(const struct writer *w, const struct tree *object, unsigned depth) {
    str_putc(w->out, '{');
    if (w->canonical)
        write_sorted(w, object, depth + 1);
    else
        write_in_order(w, object, depth + 1);
    if (object->first != NULL)
        new_line(w, depth);
    str_putc(w->out, '}');
}

/* Writes an array. */
static void write_array(const struct writer *w, const struct tree *array, unsigned depth) {
    str_putc(w->out, '[');
    for (const struct tree *n = array->first; n != NULL; n = n->next) {
        if (n != array->first)
            str_putc(w->out, ',');
        new_line(w, depth + 1);
        write_value(w, n, depth + 1);
    }
    if (array->first != NULL)
        new_line(w, depth);
    str_putc(w->out, ']');
}

/* Writes any value. */
static void write_value(const struct writer *w, const struct tree *node, unsigned depth) {
    switch ((enum tree_kind)node->kind) {
    case TREE_NULL: str_add(w->out, "null", 4); break;
    case TREE_BOOLEAN:
        str_add(w->out, node->boolean ? "true" : "false", node->boolean ? 4 : 5);
        break;
    case TREE_NUMBER: str_add(w->out, node->text, node->length); break;
    case TREE_STRING: str_json(w->out, node->text, node->length); break;
    case TREE_ARRAY: write_array(w, node, depth); break;
    case TREE_OBJECT: write_object(w, node, depth); break;
    }
}

void json_write(struct str *out, const struct tree *node, enum json_style style) {
    write_value(&(struct writer) { .out = out, .pretty = style == JSON_PRETTY }, node, 0);
}

void json_write_canonical(struct str *out, const struct tree *node) {
    write_value(&(struct writer) { .out = out, .canonical = true }, node, 0);
}
