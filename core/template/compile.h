/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that compile a mapping file share. */
#ifndef CORE_TEMPLATE_COMPILE_H
#define CORE_TEMPLATE_COMPILE_H

#include "core/template/internal.h"

struct compiling {
    struct template_set *set;
    struct template *t;
    struct report *report;
    const char *names[TEMPLATE_SLOTS];
    size_t scope; /* names in use */
    int depth;
    struct node spare; /* stands for every node when memory is out */
};

/* A place in the mapping file. */
struct place {
    uint32_t line, column;
};
struct place place_of(const struct tree *node);
/* Reports a fault of the mapping file. */
void fault(struct compiling *c, struct place at, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Reports that memory is out. */
void fault_memory(struct compiling *c);
/* A new node; never NULL. */
struct node *make(struct compiling *c, enum node_kind kind);
/* A node of a fixed value. */
struct node *make_constant(struct compiling *c, const struct tree *value);
/* Appends a node, or several that are linked already, at the end of a list; returns its new end. */
struct node **append(struct compiling *c, struct node **end, struct node *n);
/* Brings a name into scope; its slot, or -1 with a fault. */
int bind_name(struct compiling *c, const struct tree *at, const char *name);

/* ---- holes.c ---- */

/* Compiles the expression in bytes [from, to) of a text; NULL with a fault. */
struct hole *compile_hole(struct compiling *c, const struct tree *text, size_t from, size_t to);
/* Compiles a text: a constant, one hole, a list of values, or text with holes. */
struct node *compile_text(struct compiling *c, const struct tree *text);

/* ---- declare.c ---- */

/* Takes what the file says of all its resources: facts, class, owner, own date. */
void declare(struct compiling *c, const struct tree *root);
#endif
