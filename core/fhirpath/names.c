/* SPDX-License-Identifier: Apache-2.0 */
/* What the names in an expression stand for: variables, functions, types. An unknown one is a fault
 * that tells the nearest known name. */
#include "core/fhirpath/parser.h"

#include <string.h>

const char *token_name(struct parser *p, const struct token *t) {
    size_t length;
    if (t->kind == T_QUOTED_NAME || t->kind == T_STRING)
        return lex_unescape(p, t, &length);
    const char *name = arena_strndup(p->arena, t->text, t->length);
    if (name == NULL)
        parse_fault(p, t, "memory", "out of memory");
    return name != NULL ? name : "";
}

/* ---- variables ---- */

/* The names that the standard gives a meaning. */
static const char *const roots[] = { "context", "resource", "rootResource" };
static const struct {
    const char *name, *text;
} constants[] = { { "ucum", "http://unitsofmeasure.org" },
                  { "sct", "http://snomed.info/sct" },
                  { "loinc", "http://loinc.org" } };
static const struct {
    const char *prefix, *url;
} families[] = { { "vs-", "http://hl7.org/fhir/ValueSet/" },
                 { "ext-", "http://hl7.org/fhir/StructureDefinition/" } };

/* Tells whether a name is in a list. */
static bool is_among(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* The slot of a variable of the caller's, -1 when it has none. */
static int slot_of(const struct fhirpath_scope *scope, const char *name) {
    size_t count = scope != NULL ? scope->variable_count : 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(scope->variables[i], name) == 0)
            return (int)i;
    return -1;
}

/* The text of a constant: %ucum, %vs-NAME, %ext-NAME. NULL when there is none. */
static const char *constant_text(struct parser *p, const char *name) {
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i].name, name) == 0)
            return constants[i].text;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        size_t prefix = strlen(families[i].prefix);
        if (strncmp(name, families[i].prefix, prefix) == 0)
            return arena_printf(p->arena, "%s%s", families[i].url, name + prefix);
    }
    return NULL;
}

/* Reports an unknown variable with the nearest name in scope. */
static void unknown_variable(struct parser *p, const struct token *t, const char *name) {
    const char *names[128] = { "context", "resource", "rootResource", "ucum", "sct", "loinc" };
    const size_t known = 6;
    size_t count = p->scope != NULL ? p->scope->variable_count : 0;
    for (size_t i = 0; i < count && i < 120; i++)
        names[known + i] = p->scope->variables[i];
    const char *near = nearest_name(name, names);
    if (near != NULL)
        parse_fault(p, t, "fhirpath-name", "there is no %%%s; did you mean %%%s?", name, near);
    else
        parse_fault(p, t, "fhirpath-name", "there is no %%%s here", name);
}

void resolve_variable(struct parser *p, const struct token *t, struct expression *x) {
    x->slot = slot_of(p->scope, x->name);
    if (x->slot >= 0 || is_among(x->name, p->defined, p->defined_count))
        return;
    const char *text = constant_text(p, x->name);
    if (text != NULL) {
        x->kind = X_LITERAL;
        x->literal = of_text(text, strlen(text));
    } else if (is_among(x->name, roots, sizeof roots / sizeof *roots)) {
        x->kind = X_CONSTANT;
    } else {
        unknown_variable(p, t, x->name);
    }
}

/* ---- functions ---- */

static const struct function *const tables[] = { functions_collection, functions_string,
                                                 functions_regex,      functions_encoding,
                                                 functions_number,     functions_boundary,
                                                 functions_type,       functions_conversion,
                                                 functions_moment };
#define TABLES (sizeof tables / sizeof *tables)

/* A function of the standard, NULL when it has none of this name. */
static const struct function *standard_function(const char *name) {
    for (size_t i = 0; i < TABLES; i++)
        for (const struct function *f = tables[i]; f->name != NULL; f++)
            if (strcmp(f->name, name) == 0)
                return f;
    return NULL;
}

/* A function of the caller's, NULL when there is none of this name. */
static const struct fhirpath_function *own_function(const struct fhirpath_scope *scope,
                                                    const char *name) {
    size_t count = scope != NULL ? scope->function_count : 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(scope->functions[i].name, name) == 0)
            return &scope->functions[i];
    return NULL;
}

/* Reports an unknown function with the nearest one. */
static void unknown_function(struct parser *p, const struct token *t, const char *name) {
    const char *names[256] = { 0 };
    size_t n = 0;
    size_t own = p->scope != NULL ? p->scope->function_count : 0;
    for (size_t i = 0; i < TABLES; i++)
        for (const struct function *f = tables[i]; f->name != NULL && n < 200; f++)
            names[n++] = f->name;
    for (size_t i = 0; i < own && n < 255; i++)
        names[n++] = p->scope->functions[i].name;
    const char *near = nearest_name(name, names);
    if (near != NULL)
        parse_fault(p, t, "fhirpath-name", "there is no function %s(); did you mean %s()?", name,
                    near);
    else
        parse_fault(p, t, "fhirpath-name", "there is no function %s()", name);
}

void resolve_function(struct parser *p, const struct token *t, struct expression *x) {
    x->function = standard_function(x->name);
    if (x->function != NULL)
        return;
    x->kind = X_EXTENSION;
    x->extension = own_function(p->scope, x->name);
    if (x->extension == NULL)
        unknown_function(p, t, x->name);
}

/* ---- types ---- */

static bool is_name(const struct token *t) {
    return t->kind == T_NAME || t->kind == T_QUOTED_NAME;
}

void read_type(struct parser *p, struct expression *x) {
    static const char *const spaces[] = { "System", "FHIR" };
    struct token t = p->token;
    const char *space = NULL;
    if (!is_name(&t)) {
        parse_fault(p, &t, "fhirpath-syntax", "the name of a type is expected here");
        return;
    }
    const char *name = token_name(p, &t);
    lex_advance(p);
    if (lex_is(p, ".") && is_among(name, spaces, 2)) {
        lex_advance(p);
        space = name;
        name = token_name(p, &p->token);
        lex_advance(p);
    }
    if (!resolve_type(x, space, name))
        parse_fault(p, &t, "fhirpath-name", "there is no type %s in R4", name);
}
