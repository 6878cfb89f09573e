/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the compiler (columns.c: the table; fields.c: fields and lists; values.c)
 * share. */
#ifndef SOURCE_CSV_COMPILE_H
#define SOURCE_CSV_COMPILE_H

#include "columns.h"

struct compiler {
    struct columns *columns;
    struct iptfhir_text faults; /* all of them, for the error */
    char where[256];            /* of the first */
    size_t count;
    bool memory; /* an allocation failed */
};

/* ---- reading the document: what is absent or of another kind is NULL or 0 ---- */
static inline iptfhir_nodes compile_nodes(const struct compiler *c) {
    return c->columns->host->nodes;
}
static inline iptfhir_node_kind compile_kind(const struct compiler *c,
                                             const struct iptfhir_node *node) {
    return compile_nodes(c)->kind(node);
}
static inline const struct iptfhir_node *
compile_get(const struct compiler *c, const struct iptfhir_node *object, const char *name) {
    return compile_nodes(c)->get(object, name);
}
static inline const struct iptfhir_node *compile_first(const struct compiler *c,
                                                       const struct iptfhir_node *container) {
    return compile_nodes(c)->first(container);
}
static inline const struct iptfhir_node *compile_next(const struct compiler *c,
                                                      const struct iptfhir_node *child) {
    return compile_nodes(c)->next(child);
}
static inline const struct iptfhir_node *compile_at(const struct compiler *c,
                                                    const struct iptfhir_node *list, size_t index) {
    return compile_nodes(c)->at(list, index);
}
static inline size_t compile_count(const struct compiler *c, const struct iptfhir_node *container) {
    return compile_nodes(c)->count(container);
}
static inline const char *compile_string(const struct compiler *c,
                                         const struct iptfhir_node *node) {
    return compile_nodes(c)->text(node, NULL);
}
static inline const char *compile_name(const struct compiler *c,
                                       const struct iptfhir_node *member) {
    return compile_nodes(c)->name(member);
}

void compile_fault(struct compiler *c, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *compile_alloc(struct compiler *c, size_t size);
const char *compile_text(struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void compile_known(struct compiler *c, const struct iptfhir_node *object, const char *pointer,
                   const char *const *known);
struct names compile_names(struct compiler *c, const struct iptfhir_node *list,
                           const char *pointer);
size_t compile_column(struct compiler *c, const char *name, size_t length, const char *pointer);
size_t *compile_columns(struct compiler *c, const struct iptfhir_node *list, const char *pointer,
                        size_t *count);
/* Compiles a value, which is a scalar, a text with {column} holes or a map. */
void compile_value(struct compiler *c, struct value *v, const struct iptfhir_node *spec,
                   const char *pointer);
/* The members set: and each:. */
void compile_set(struct compiler *c);
void compile_each(struct compiler *c);
#endif
