/* SPDX-License-Identifier: Apache-2.0 */
/* From text to an expression tree: HL7's grammar (FHIRPath N1, appendix A), names resolved as they
 * are read. */
#include "core/fhirpath/parser.h"

#include <stdio.h>
#include <string.h>

static struct expression *expression(struct parser *p, int level);

/* A new node at a token. */
static struct expression *make(struct parser *p, enum expression_kind kind, const struct token *t) {
    struct expression *x = arena_zalloc(p->arena, sizeof *x);
    if (!x) {
        parse_fault(p, t, "memory", "out of memory");
        return NULL;
    }
    x->kind = (uint8_t)kind;
    x->line = t->line;
    x->column = t->column;
    x->system = -1;
    return x;
}

/* A name's text in the arena. */
static const char *name_of(struct parser *p, const struct token *t) {
    size_t n;
    return t->kind == T_QUOTED_NAME ? lex_unescape(p, t, &n)
                                    : arena_strndup(p->arena, t->text, t->length);
}

/* A date, dateTime or time literal. */
static struct expression *moment_literal(struct parser *p, const struct token *t) {
    struct expression *x = make(p, X_LITERAL, t);
    const char *s = t->text + 1;
    size_t n = t->length - 1;
    enum fhirpath_kind kind = n && *s == 'T'      ? FHIRPATH_TIME
                              : memchr(s, 'T', n) ? FHIRPATH_DATETIME
                                                  : FHIRPATH_DATE;
    if (x && !moment_parse(s, n, kind, &x->literal.moment))
        parse_fault(p, t, "fhirpath-syntax",
                    "this is no date or time: @2026-11-23, @2026-11-23T10:30:00Z or @T10:30 are");
    if (x)
        x->literal.kind = kind;
    return x;
}

/* A number, or a quantity when a unit follows. */
static struct expression *number_literal(struct parser *p, const struct token *t) {
    struct expression *x = make(p, X_LITERAL, t);
    decimal d;
    if (!x)
        return NULL;
    if (!decimal_parse(t->text, t->length, &d)) {
        parse_fault(p, t, "fhirpath-syntax", "this number has too many digits");
        return NULL;
    }
    const char *word =
        p->token.kind == T_NAME ? calendar_word(p->token.text, p->token.length) : NULL;
    size_t n;
    if (word || p->token.kind == T_STRING) {
        x->literal.kind = FHIRPATH_QUANTITY;
        x->literal.quantity.value = d;
        x->literal.quantity.calendar = word != NULL;
        x->literal.quantity.unit = word ? word : lex_unescape(p, &p->token, &n);
        lex_advance(p);
    } else if (memchr(t->text, '.', t->length)) {
        x->literal = of_decimal(d);
    } else if (d.digits > INT32_MAX) {
        x->literal = of_integer((int64_t)d.digits);
        if (d.digits > INT64_MAX)
            parse_fault(p, t, "fhirpath-syntax", "this integer is too large");
    } else {
        x->literal = of_integer((int64_t)d.digits);
    }
    return x;
}

/* The names in scope, for the nearest one. */
static void unknown_variable(struct parser *p, const struct token *t, const char *name) {
    const char *names[128] = { "context", "resource", "rootResource", "ucum", "sct", "loinc" };
    for (size_t i = 0; p->scope && i < p->scope->variable_count && i < 120; i++)
        names[6 + i] = p->scope->variables[i];
    const char *near = nearest_name(name, names);
    if (near)
        parse_fault(p, t, "fhirpath-name", "there is no %%%s; did you mean %%%s?", name, near);
    else
        parse_fault(p, t, "fhirpath-name", "there is no %%%s here", name);
}

/* %name: a slot, a constant of the standard, or what defineVariable() gives. */
static struct expression *variable(struct parser *p, const struct token *at) {
    static const char *const constants[][2] = { { "ucum", "http://unitsofmeasure.org" },
                                                { "sct", "http://snomed.info/sct" },
                                                { "loinc", "http://loinc.org" } };
    struct token t = p->token;
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME && t.kind != T_STRING) {
        parse_fault(p, &t, "fhirpath-syntax", "a name is expected behind %%");
        return NULL;
    }
    struct expression *x = make(p, X_VARIABLE, at);
    size_t n;
    const char *name = t.kind == T_STRING ? lex_unescape(p, &t, &n) : name_of(p, &t);
    lex_advance(p);
    if (!x || !name)
        return NULL;
    x->name = name;
    x->slot = -1;
    for (size_t i = 0; p->scope && i < p->scope->variable_count; i++)
        if (!strcmp(p->scope->variables[i], name)) {
            x->slot = (int)i;
            return x;
        }
    for (size_t i = 0; i < p->defined_count; i++)
        if (!strcmp(p->defined[i], name))
            return x;
    const char *text = NULL;
    for (size_t i = 0; i < 3; i++)
        if (!strcmp(constants[i][0], name))
            text = constants[i][1];
    if (!strncmp(name, "vs-", 3))
        text = arena_printf(p->arena, "http://hl7.org/fhir/ValueSet/%s", name + 3);
    if (!strncmp(name, "ext-", 4))
        text = arena_printf(p->arena, "http://hl7.org/fhir/StructureDefinition/%s", name + 4);
    if (text) {
        x->kind = X_LITERAL;
        x->literal = of_text(text, strlen(text));
    } else if (!strcmp(name, "context") || !strcmp(name, "resource") ||
               !strcmp(name, "rootResource")) {
        x->kind = X_CONSTANT; /* the root */
    } else {
        unknown_variable(p, at, name);
    }
    return x;
}

/* The function of a name, standard or the caller's. */
static bool find_function(struct parser *p, struct expression *x, uint8_t *min, uint8_t *max) {
    static const struct function *const tables[] = { functions_collection, functions_string,
                                                     functions_number, functions_type,
                                                     functions_moment };
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct function *f = tables[t]; f->name; f++)
            if (!strcmp(f->name, x->name)) {
                x->function = f;
                *min = f->min_args;
                *max = f->max_args;
                return true;
            }
    for (size_t i = 0; p->scope && i < p->scope->function_count; i++)
        if (!strcmp(p->scope->functions[i].name, x->name)) {
            x->kind = X_EXTENSION;
            x->extension = &p->scope->functions[i];
            *min = x->extension->min_args;
            *max = x->extension->max_args;
            return true;
        }
    return false;
}

/* Say that a function isn't known, and which is near. */
static void unknown_function(struct parser *p, const struct token *t, const char *name) {
    static const struct function *const tables[] = { functions_collection, functions_string,
                                                     functions_number, functions_type,
                                                     functions_moment };
    const char *names[256] = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct function *f = tables[i]; f->name && n < 200; f++)
            names[n++] = f->name;
    for (size_t i = 0; p->scope && i < p->scope->function_count && n < 255; i++)
        names[n++] = p->scope->functions[i].name;
    const char *near = nearest_name(name, names);
    parse_fault(p, t, "fhirpath-name", "there is no function %s()%s%s%s", name,
                near ? "; did you mean " : "", near ? near : "", near ? "()?" : "");
}

/* A type name: Name or Space.Name. */
static void type_specifier(struct parser *p, struct expression *x) {
    struct token t = p->token;
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME) {
        parse_fault(p, &t, "fhirpath-syntax", "the name of a type is expected here");
        return;
    }
    const char *first = name_of(p, &t), *second = NULL;
    lex_advance(p);
    if (lex_is(p, ".") && first && (!strcmp(first, "System") || !strcmp(first, "FHIR"))) {
        lex_advance(p);
        second = name_of(p, &p->token);
        lex_advance(p);
    }
    if (first && !resolve_type(x, second ? first : NULL, second ? second : first))
        parse_fault(p, &t, "fhirpath-name", "there is no type %s in R4", second ? second : first);
}

/* name(args): resolves the function and checks the number of arguments. */
static struct expression *call(struct parser *p, struct expression *focus, const struct token *t,
                               const char *name) {
    struct expression *x = make(p, X_CALL, t), *args[16];
    uint8_t min = 0, max = 0;
    if (!x)
        return NULL;
    x->name = name;
    x->left = focus;
    if (!find_function(p, x, &min, &max)) {
        unknown_function(p, t, name);
        return NULL;
    }
    bool types = !strcmp(name, "is") || !strcmp(name, "as") || !strcmp(name, "ofType");
    lex_advance(p); /* ( */
    while (!lex_is(p, ")") && !p->failed) {
        if (x->arg_count == 16) {
            parse_fault(p, &p->token, "fhirpath-syntax", "too many arguments");
            return NULL;
        }
        if (types) {
            type_specifier(p, x);
            args[x->arg_count++] = NULL;
        } else {
            if (!strcmp(name, "defineVariable") && !x->arg_count && p->token.kind == T_STRING &&
                p->defined_count < 16) {
                size_t n;
                p->defined[p->defined_count++] = lex_unescape(p, &p->token, &n);
            }
            args[x->arg_count++] = expression(p, 0);
        }
        if (!lex_is(p, ")"))
            lex_expect(p, ",");
        if (lex_is(p, ")") && p->at > p->text + 1 && !p->failed && p->at[-2] == ',')
            parse_fault(p, &p->token, "fhirpath-syntax", "an argument is missing behind the comma");
    }
    lex_expect(p, ")");
    if (!p->failed && (x->arg_count < min || x->arg_count > max))
        parse_fault(p, t, "fhirpath-name", "%s() takes %u to %u arguments, not %zu", name, min, max,
                    x->arg_count);
    x->args = arena_alloc(p->arena, (x->arg_count + 1) * sizeof *x->args);
    if (!x->args)
        return NULL;
    memcpy(x->args, args, x->arg_count * sizeof *args);
    return x;
}

/* A member or function step, on a focus or at the start of a path. */
static struct expression *invocation(struct parser *p, struct expression *focus) {
    struct token t = p->token;
    if (t.kind == T_DOLLAR) {
        static const struct {
            const char *name;
            enum expression_kind kind;
        } words[] = { { "$this", X_THIS }, { "$index", X_INDEX }, { "$total", X_TOTAL } };
        lex_advance(p);
        for (size_t i = 0; i < 3; i++)
            if (strlen(words[i].name) == t.length && !memcmp(words[i].name, t.text, t.length))
                return make(p, words[i].kind, &t);
        parse_fault(p, &t, "fhirpath-name", "there are $this, $index and $total");
        return NULL;
    }
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME) {
        parse_fault(p, &t, "fhirpath-syntax",
                    t.kind == T_END ? "the expression ends too early"
                                    : "a name or a function is expected here");
        return NULL;
    }
    const char *name = name_of(p, &t);
    lex_advance(p);
    if (!name)
        return NULL;
    if (t.kind == T_NAME && lex_is(p, "("))
        return call(p, focus, &t, name);
    struct expression *x = make(p, X_MEMBER, &t);
    if (!x)
        return NULL;
    x->name = name;
    x->left = focus;
    x->symbol = symbol_intern(name, strlen(name));
    return x;
}

/* A literal, a name, a call, parentheses. */
static struct expression *term(struct parser *p) {
    struct token t = p->token;
    struct expression *x;
    size_t n;
    switch (t.kind) {
    case T_STRING:
        lex_advance(p);
        if ((x = make(p, X_LITERAL, &t))) {
            const char *s = lex_unescape(p, &t, &n);
            x->literal = of_text(s ? s : "", n);
        }
        return x;
    case T_NUMBER: lex_advance(p); return number_literal(p, &t);
    case T_MOMENT: lex_advance(p); return moment_literal(p, &t);
    default: break;
    }
    if (lex_accept(p, "(")) {
        x = expression(p, 0);
        lex_expect(p, ")");
        return x;
    }
    if (lex_accept(p, "{")) {
        lex_expect(p, "}");
        return make(p, X_EMPTY, &t);
    }
    if (lex_accept(p, "%"))
        return variable(p, &t);
    if (t.kind == T_NAME && (lex_is(p, "true") || lex_is(p, "false"))) {
        lex_advance(p);
        if ((x = make(p, X_LITERAL, &t)))
            x->literal = of_boolean(t.length == 4);
        return x;
    }
    return invocation(p, NULL);
}

/* A term with its path steps and indexers. */
static struct expression *path(struct parser *p) {
    struct expression *x = term(p);
    int steps = 0;
    while (x && !p->failed) {
        struct token t = p->token;
        if (++steps > FHIRPATH_MAX_DEPTH) {
            parse_fault(p, &t, "fhirpath-syntax", "this path has too many steps");
        } else if (lex_accept(p, ".")) {
            x = invocation(p, x);
        } else if (lex_accept(p, "[")) {
            struct expression *item = make(p, X_ITEM, &t);
            if (!item)
                return NULL;
            item->left = x;
            item->right = expression(p, 0);
            lex_expect(p, "]");
            x = item;
        } else {
            break;
        }
    }
    return x;
}

/* + and - before a path. */
static struct expression *sign(struct parser *p) {
    struct token t = p->token;
    if (t.kind != T_SYMBOL || (!lex_is(p, "+") && !lex_is(p, "-")))
        return path(p);
    bool negative = lex_is(p, "-");
    if (++p->depth > FHIRPATH_MAX_DEPTH) {
        parse_fault(p, &t, "fhirpath-syntax", "this expression is nested too deeply");
        return NULL;
    }
    lex_advance(p);
    struct expression *x = make(p, X_SIGN, &t);
    if (!x)
        return NULL;
    x->negative = negative;
    x->left = sign(p);
    p->depth--;
    return x;
}

/* Operators by precedence, loosest first (N1 section 6.8). */
static const struct {
    int level;
    const char *text;
    enum operator_kind op;
} operators[] = {
    { 0, "implies", OP_IMPLIES },
    { 1, "or", OP_OR },
    { 1, "xor", OP_XOR },
    { 2, "and", OP_AND },
    { 3, "in", OP_IN },
    { 3, "contains", OP_CONTAINS },
    { 4, "=", OP_EQUAL },
    { 4, "~", OP_EQUIVALENT },
    { 4, "!=", OP_NOT_EQUAL },
    { 4, "!~", OP_NOT_EQUIVALENT },
    { 5, "<=", OP_LESS_EQUAL },
    { 5, "<", OP_LESS },
    { 5, ">=", OP_GREATER_EQUAL },
    { 5, ">", OP_GREATER },
    { 6, "|", OP_UNION },
    { 8, "+", OP_ADD },
    { 8, "-", OP_SUBTRACT },
    { 8, "&", OP_CONCAT },
    { 9, "*", OP_MULTIPLY },
    { 9, "/", OP_DIVIDE },
    { 9, "div", OP_DIV },
    { 9, "mod", OP_MOD },
};
#define LEVEL_TYPE 7
#define LEVELS 10

/* The operator of a level that the token is, -1 when it is none. */
static int operator_at(const struct parser *p, int level) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].level == level && lex_is(p, operators[i].text))
            return (int)operators[i].op;
    return -1;
}

static struct expression *expression(struct parser *p, int level) {
    if (level == LEVELS)
        return sign(p);
    if (level == 0 && ++p->depth > FHIRPATH_MAX_DEPTH) {
        parse_fault(p, &p->token, "fhirpath-syntax", "this expression is nested too deeply");
        return NULL;
    }
    struct expression *x = expression(p, level + 1);
    for (int chain = 0; x && !p->failed; chain++) {
        struct token t = p->token;
        int op = operator_at(p, level);
        if (level == LEVEL_TYPE && (lex_is(p, "is") || lex_is(p, "as"))) {
            struct expression *type = make(p, lex_is(p, "is") ? X_IS : X_AS, &t);
            lex_advance(p);
            if (!type)
                return NULL;
            type->left = x;
            type_specifier(p, type);
            x = type;
            continue;
        }
        if (op < 0)
            break;
        if (chain > 1000) {
            parse_fault(p, &t, "fhirpath-syntax", "this expression is too long");
            break;
        }
        struct expression *both = make(p, X_BINARY, &t);
        lex_advance(p);
        if (!both)
            return NULL;
        both->op = (uint8_t)op;
        both->left = x;
        both->right = expression(p, level + 1);
        x = both;
    }
    if (level == 0)
        p->depth--;
    return x;
}

bool fhirpath_check(const struct expression *x, const struct fhirpath_scope *scope,
                    struct iptfhir_error *error);

struct fhirpath_program *fhirpath_compile(const char *text, size_t length,
                                          const struct fhirpath_scope *scope,
                                          struct iptfhir_error *error) {
    struct arena arena = { .limit = 8u << 20 };
    struct iptfhir_error own = ERROR_INIT;
    struct parser p = { .arena = &arena,
                        .scope = scope,
                        .text = text,
                        .at = text,
                        .end = text + length,
                        .line_start = text,
                        .line = 1,
                        .error = &own };
    r4_setup();
    struct fhirpath_program *program = NULL;
    struct expression *root = NULL;
    if (length > 65536) {
        error_set(&own, "fhirpath-syntax", "1:1", "an expression may have 65,536 bytes");
    } else {
        lex_advance(&p);
        root = p.failed ? NULL : expression(&p, 0);
        if (!p.failed && p.token.kind != T_END)
            parse_fault(&p, &p.token, "fhirpath-syntax",
                        "the expression should end here; an operator or a point may be missing");
    }
    if (root && !p.failed && (!scope || !scope->strict || fhirpath_check(root, scope, &own)))
        program = arena_zalloc(&arena, sizeof *program);
    if (!program) {
        if (!error_is_set(&own))
            error_set(&own, "memory", "1:1", "out of memory");
        if (error)
            error_set(error, own.code, own.where, "%s", own.text);
        arena_free(&arena);
        return NULL;
    }
    program->root = root;
    program->arena = arena;
    return program;
}

void fhirpath_free(struct fhirpath_program *program) {
    if (!program)
        return;
    struct arena arena = program->arena; /* the program lives in it */
    arena_free(&arena);
}
