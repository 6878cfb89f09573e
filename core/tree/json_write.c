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
    const struct tree *a = *(const struct tree *const *)left,
                      *b = *(const struct tree *const *)right;
    size_t shorter = a->name_length < b->name_length ? a->name_length : b->name_length;
    int order = memcmp(a->name, b->name, shorter);
    return order ? order : (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

/* Writes the members in the order of their names. */
static void write_sorted(const struct writer *w, const struct tree *object, unsigned depth) {
    const struct tree *few[FEW], **sorted = few;
    if (object->length > FEW) {
        sorted = base_malloc(object->length * sizeof *sorted);
        if (!sorted) {
            w->out->failed = true;
            return;
        }
    }
    size_t n = 0;
    for (const struct tree *m = object->first; m; m = m->next) {
        size_t i = n++;
        if (object->length > FEW) {
            sorted[i] = m;
            continue;
        }
        for (; i > 0 && by_name(&sorted[i - 1], &m) > 0; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = m;
    }
    if (object->length > FEW)
        qsort(sorted, n, sizeof(const struct tree *), by_name);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            str_putc(w->out, ',');
        write_member(w, sorted[i], depth);
    }
    if (sorted != few)
        base_free(sorted);
}

/* Writes an object. */
static void write_object(const struct writer *w, const struct tree *object, unsigned depth) {
    str_putc(w->out, '{');
    if (w->canonical) {
        write_sorted(w, object, depth + 1);
    } else {
        for (const struct tree *m = object->first; m; m = m->next) {
            if (m != object->first)
                str_putc(w->out, ',');
            write_member(w, m, depth + 1);
        }
    }
    if (object->first)
        new_line(w, depth);
    str_putc(w->out, '}');
}

/* Writes an array. */
static void write_array(const struct writer *w, const struct tree *array, unsigned depth) {
    str_putc(w->out, '[');
    for (const struct tree *n = array->first; n; n = n->next) {
        if (n != array->first)
            str_putc(w->out, ',');
        new_line(w, depth + 1);
        write_value(w, n, depth + 1);
    }
    if (array->first)
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

/* Writes JSON. */
void json_write(struct str *out, const struct tree *node, enum json_style style) {
    write_value(&(struct writer) { .out = out, .pretty = style == JSON_PRETTY }, node, 0);
}

/* Writes canonical JSON. */
void json_write_canonical(struct str *out, const struct tree *node) {
    write_value(&(struct writer) { .out = out, .canonical = true }, node, 0);
}
