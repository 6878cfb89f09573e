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

/* Tells whether a word is in a NULL-terminated list. */
static bool is_among(const char *word, const char *const *list) {
    for (; *list != NULL; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

/* Refuses what needs an order on what has none: children().first(). */
static void check_order(struct checking *c, const struct expression *x) {
    static const char *const ordered[] = { "skip", "first", "last", "tail", "take", NULL };
    static const char *const without_order[] = { "children", "descendants", NULL };
    char where[32];
    if (x->left == NULL || x->left->kind != X_CALL)
        return;
    if (!is_among(x->name, ordered) || !is_among(x->left->name, without_order))
        return;
    snprintf(where, sizeof where, "%u:%u", x->line, x->column);
    error_set(c->error, "fhirpath-name", where,
              "%s() has no meaning on what %s() gives: it has no order", x->name, x->left->name);
    c->failed = true;
}

/* Checks a call; returns the type of what it gives. */
static const struct r4_type *check_call(struct checking *c, const struct expression *x,
                                        const struct r4_type *self) {
    static const char *const same[] = { "where",   "first",  "last",     "tail",  "skip",
                                        "take",    "single", "distinct", "trace", "intersect",
                                        "exclude", "sort",   NULL };
    static const char *const casts[] = { "ofType", "as", NULL };
    const struct r4_type *on = x->left != NULL ? check(c, x->left, self) : self;
    check_order(c, x);
    for (size_t i = 0; i < x->arg_count; i++)
        check(c, x->args[i], on);
    if (is_among(x->name, casts))
        return x->type;
    return is_among(x->name, same) ? on : NULL;
}

/* Checks an expression; returns the type of what it gives, NULL when it isn't known. */
static const struct r4_type *check(struct checking *c, const struct expression *x,
                                   const struct r4_type *self) {
    if (x == NULL || c->failed)
        return NULL;
    switch (x->kind) {
    case X_THIS: return self;
    case X_CONSTANT: return c->context;
    case X_MEMBER: return check_member(c, x, self);
    case X_ITEM: check(c, x->right, self); return check(c, x->left, self);
    case X_IS: check(c, x->left, self); return NULL;
    case X_AS: check(c, x->left, self); return x->type;
    case X_CALL: return check_call(c, x, self);
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
