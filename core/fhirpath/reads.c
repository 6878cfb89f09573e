/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields of a record a program reads. */
#include "core/fhirpath/internal.h"

/* Writes a chain of members dotted; returns the expression that it starts at, NULL for $this. */
static const struct expression *dotted(const struct expression *x, struct str *out) {
    const struct expression *start = NULL;
    bool passes = x->kind == X_ITEM || (x->kind == X_CALL && x->left != NULL);
    if (passes)
        return dotted(x->left, out);
    if (x->kind != X_MEMBER)
        return x;
    if (x->left != NULL)
        start = dotted(x->left, out);
    if (out->length > 0)
        str_putc(out, '.');
    str_puts(out, x->name);
    return start;
}

struct reads {
    int slot;
    void (*path)(void *, const char *);
    void *user;
    size_t count;
};

static void report(const struct expression *x, struct reads *r, const char *below);

/* Tells whether an expression is the variable that is asked about. */
static bool is_asked(const struct expression *x, const struct reads *r) {
    return x->kind == X_VARIABLE && x->slot == r->slot;
}

/* Tells whether a path that starts at an expression (NULL: at the current item, which stands at
 * `below`) is below what is asked about. */
static bool is_below_asked(const struct expression *start, const struct reads *r,
                           const char *below) {
    if (start != NULL)
        return is_asked(start, r);
    return r->slot < 0 || *below != '\0';
}

/* Reports one path when it is below what is asked about. */
static void report_path(const struct expression *x, struct reads *r, const char *below) {
    struct str path = { 0 };
    struct str full = { 0 };
    const struct expression *start = dotted(x, &path);
    bool of_item = start == NULL && *below != '\0';
    const char *own = path.length > 0 ? path.data : "";
    if (of_item)
        str_puts(&full, below);
    if (of_item && path.length > 0)
        str_putc(&full, '.');
    str_puts(&full, own);
    if (is_below_asked(start, r, below) && full.length > 0 && !full.failed) {
        r->path(r->user, full.data);
        r->count++;
    }
    str_free(&full);
    str_free(&path);
}

/* Reports the paths in the arguments of a call: below what it is called on, where that is a path.
 */
static void report_arguments(const struct expression *x, struct reads *r, const char *below) {
    struct str inner = { 0 };
    const char *place = below;
    if (x->left != NULL) {
        const struct expression *start = dotted(x->left, &inner);
        bool of_item = start == NULL && *below != '\0';
        bool of_asked = start != NULL && is_asked(start, r);
        if (inner.data != NULL && (of_item || of_asked))
            place = inner.data;
    }
    for (size_t i = 0; i < x->arg_count; i++)
        report(x->args[i], r, place);
    str_free(&inner);
}

/* Reports each path below an expression. */
static void report(const struct expression *x, struct reads *r, const char *below) {
    if (x == NULL)
        return;
    if (x->kind == X_MEMBER || is_asked(x, r))
        report_path(x, r, below);
    report(x->left, r, below);
    switch (x->kind) {
    case X_BINARY:
    case X_ITEM: report(x->right, r, below); break;
    case X_CALL:
    case X_EXTENSION: report_arguments(x, r, below); break;
    default: break;
    }
}

size_t fhirpath_reads(const struct fhirpath_program *program, int slot,
                      void (*path)(void *, const char *), void *user) {
    struct reads r = { slot, path, user, 0 };
    report(program->root, &r, "");
    return r.count;
}
