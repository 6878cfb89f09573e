/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the header. */
#include "header.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct faults {
    char *why;
    size_t size, length, count;
};

/* Adds a fault to the text, while there is room. */
static void fault(struct faults *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct faults *f, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    f->count++;
    size_t length = strlen(text) + 2;
    if (f->length + length + 24 > f->size)
        return;
    f->length += (size_t)snprintf(f->why + f->length, f->size - f->length, "%s%s",
                                  f->length ? "; " : "", text);
}

/* The place of a name in the row; -1 when it isn't there. */
static ptrdiff_t find(const struct rows *row, const char *name, size_t length) {
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].length == length && memcmp(row->cells[i].text, name, length) == 0)
            return (ptrdiff_t)i;
    return -1;
}

/* Checks one column of the file. */
static void check_column(const struct columns *c, const struct rows *row, size_t i, bool quote,
                         struct faults *f) {
    const struct cell *cell = &row->cells[i];
    char name[80] = "";
    if (quote)
        snprintf(name, sizeof name, " (%.*s)", cell->length < 60 ? (int)cell->length : 60,
                 cell->text);
    ptrdiff_t first = find(row, cell->text, cell->length);
    if (first != (ptrdiff_t)i)
        fault(f, "column %zu%s has the name of column %td", i + 1, name, first + 1);
    else if (!names_have(&c->used, cell->text, cell->length) &&
             !names_have(&c->ignore, cell->text, cell->length) &&
             !names_have(&c->restricted, cell->text, cell->length))
        fault(f, "column %zu%s is neither read nor listed under ignore or restricted", i + 1, name);
}

/* Reads the header. */
bool header_read(const struct columns *c, const struct rows *row, ptrdiff_t *at, char *why,
                 size_t size) {
    struct faults f = { .why = why, .size = size };
    size_t found = 0;
    size_t needed = 0;
    why[0] = '\0';
    for (size_t i = 0; i < c->used.count; i++) {
        at[i] = find(row, c->used.of[i], strlen(c->used.of[i]));
        found += at[i] >= 0;
        if (at[i] >= 0 || i >= c->optional_from)
            continue;
        needed++;
        fault(&f, "the column %.100s is missing", c->used.of[i]);
    }
    bool quote = found * 2 >= found + needed && found > 0;
    if (!quote)
        fault(&f, "is the first row a header, and the separator right?");
    else
        for (size_t i = 0; i < row->count; i++)
            check_column(c, row, i, quote, &f);
    if (f.count > 0 && f.length + 24 < size)
        snprintf(why + f.length, size - f.length, " [%zu in all]", f.count);
    return f.count == 0;
}
