/* SPDX-License-Identifier: Apache-2.0 */
/* Strict mode: element names are checked at compile time against the R4 type of what they are asked
 * of. */
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

struct checking {
    const struct r4_type *context;
    struct iptfhir_error *error;
    bool failed;
};

bool fhirpath_check(const struct expression *x, const struct fhirpath_scope *scope,
                    struct iptfhir_error *error);

/* The type of an expression's items where it is known; NULL: not known. */
static const struct r4_type *check(struct checking *c, const struct expression *x,
                                   const struct r4_type *self);

/* Report a name that a type doesn't have. */
static void unknown(struct checking *c, const struct expression *x, const struct r4_type *type) {
    char where[32];
    const char *near = nearest_name(x->name, r4_element_names(type));
    snprintf(where, sizeof where, "%u:%u", x->line, x->column);
    error_set(c->error, "fhirpath-name", where, "%s has no element %s%s%s%s", type->name, x->name,
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    c->failed = true;
}

/* A member step. */
static const struct r4_type *check_member(struct checking *c, const struct expression *x,
                                          const struct r4_type *self) {
    const struct r4_type *on = x->left ? check(c, x->left, self) : self, *actual = NULL;
    if (!x->left && x->name[0] >= 'A' && x->name[0] <= 'Z' && r4_type(x->name)) {
        if (c->context && !r4_is(c->context, r4_type(x->name))) {
            char where[32];
            snprintf(where, sizeof where, "%u:%u", x->line, x->column);
            error_set(c->error, "fhirpath-name", where, "the context is a %s, not a %s",
                      c->context->name, x->name);
            c->failed = true;
        }
        return r4_type(x->name);
    }
    if (!on || on->abstract_ || !strcmp(on->name, "Resource"))
        return NULL;
    const struct r4_element *element = r4_element(on, x->name, &actual);
    if (!element || (element->choice && actual)) {
        unknown(c, x, on);
        return NULL;
    }
    return element->choice ? NULL : actual;
}

static const struct r4_type *check(struct checking *c, const struct expression *x,
                                   const struct r4_type *self) {
    static const char *const same[] = { "where",   "first",  "last",     "tail",  "skip",
                                        "take",    "single", "distinct", "trace", "intersect",
                                        "exclude", "sort",   NULL };
    static const char *const unordered[] = { "skip", "first", "last", "tail", "take", NULL };
    if (!x || c->failed)
        return NULL;
    switch (x->kind) {
    case X_THIS: return self;
    case X_CONSTANT: return c->context;
    case X_MEMBER: return check_member(c, x, self);
    case X_ITEM: check(c, x->right, self); return check(c, x->left, self);
    case X_IS: check(c, x->left, self); return NULL;
    case X_AS: check(c, x->left, self); return x->type;
    case X_CALL: {
        const struct r4_type *on = x->left ? check(c, x->left, self) : self;
        for (int i = 0; unordered[i]; i++) /* children() has no order to skip in */
            if (!strcmp(unordered[i], x->name) && x->left && x->left->kind == X_CALL &&
                (!strcmp(x->left->name, "children") || !strcmp(x->left->name, "descendants"))) {
                char where[32];
                snprintf(where, sizeof where, "%u:%u", x->line, x->column);
                error_set(c->error, "fhirpath-name", where,
                          "%s() has no meaning on what %s() gives: it has no order", x->name,
                          x->left->name);
                c->failed = true;
            }
        for (size_t i = 0; i < x->arg_count; i++)
            check(c, x->args[i], on);
        if (!strcmp(x->name, "ofType") || !strcmp(x->name, "as"))
            return x->type;
        for (int i = 0; same[i]; i++)
            if (!strcmp(same[i], x->name))
                return on;
        return NULL;
    }
    default:
        check(c, x->left, self);
        check(c, x->right, self);
        return NULL;
    }
}

bool fhirpath_check(const struct expression *x, const struct fhirpath_scope *scope,
                    struct iptfhir_error *error) {
    struct checking c = { .context = scope->type ? r4_type(scope->type) : NULL, .error = error };
    check(&c, x, c.context);
    return !c.failed;
}
