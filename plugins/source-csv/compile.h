/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the compiler (columns.c: the table; fields.c: values and lists) share. */
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

void compile_fault(struct compiler *c, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *compile_alloc(struct compiler *c, size_t size);
const char *compile_text(struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void compile_known(struct compiler *c, const json_t *object, const char *pointer,
                   const char *const *known);
struct names compile_names(struct compiler *c, const json_t *list, const char *pointer);
size_t compile_column(struct compiler *c, const char *name, size_t length, const char *pointer);
size_t *compile_columns(struct compiler *c, const json_t *list, const char *pointer, size_t *count);
/* The members set: and each:. */
void compile_set(struct compiler *c);
void compile_each(struct compiler *c);
#endif
