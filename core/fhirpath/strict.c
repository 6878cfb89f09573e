/* SPDX-License-Identifier: Apache-2.0 */
/* Strict mode: element names are checked at compile time against the R4 type of what they are asked
 * of. */
#include "core/fhirpath/parser.h"

#include <stdio.h>
#include <string.h>

struct checking {
    const struct r4_type *context;
    struct iptfhir_error *error;
    bool failed;
};

/* Reports a fault at an expression. */
static void fault(struct checking *c, const struct expression *x, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fault(struct checking *c, const struct expression *x, const char *format, ...) {
    char where[32];
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(where, sizeof where, "%u:%u", x->line, x->column);
    error_set(c->error, "fhirpath-name", where, "%s", text);
    c->failed = true;
}

/* The type of an expression's items where it is known; NULL: not known. */
static const struct r4_type *check(struct checking *c, const struct expression *x,
                                   const struct r4_type *self);

/* Reports a name that a type doesn't have. */
static void unknown(struct checking *c, const struct expression *x, const struct r4_type *type) {
    const char *near = nearest_name(x->name, r4_element_names(type));
    if (near != NULL)
        fault(c, x, "%s has no element %s; did you mean %s?", type->name, x->name, near);
    else
        fault(c, x, "%s has no element %s", type->name, x->name);
}

/* The type that the first step of a path names: Patient.name. NULL when it names none. */
static const struct r4_type *named_type(const struct expression *x) {
    bool capital = x->name[0] >= 'A' && x->name[0] <= 'Z';
    return capital && x->left == NULL ? r4_type(x->name) : NULL;
}

/* Tells whether anything may stand below a type. */
static bool is_open(const struct r4_type *type) {
    return type == NULL || type->abstract_ || strcmp(type->name, "Resource") == 0;
}

/* Checks an element of a type; returns the element's type. */
static const struct r4_type *check_element(struct checking *c, const struct expression *x,
                                           const struct r4_type *on) {
    const struct r4_type *actual = NULL;
    if (is_open(on))
        return NULL;
    const struct r4_element *element = r4_element(on, x->name, &actual);
    bool json_name = element != NULL && element->choice && actual != NULL;
    if (element == NULL || json_name) {
        unknown(c, x, on);
        return NULL;
    }
    return element->choice ? NULL : actual;
}

/* Checks a member step. */
static const struct r4_type *check_member(struct checking *c, const struct expression *x,
                                          const struct r4_type *self) {
    const struct r4_type *named = named_type(x);
    if (named == NULL)
        return check_element(c, x, x->left != NULL ? check(c, x->left, self) : self);
    if (c->context != NULL && !r4_is(c->context, named))
        fault(c, x, "the context is a %s, not a %s", c->context->name, x->name);
    return named;
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
    if (x->left == NULL || x->left->kind != X_CALL)
        return;
    if (is_among(x->name, ordered) && is_among(x->left->name, without_order))
        fault(c, x, "%s() has no meaning on what %s() gives: it has no order", x->name,
              x->left->name);
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
    struct checking c = { .context = scope->type != NULL ? r4_type(scope->type) : NULL,
                          .error = error };
    check(&c, x, c.context);
    return !c.failed;
}
