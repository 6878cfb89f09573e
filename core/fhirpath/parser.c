/* SPDX-License-Identifier: Apache-2.0 */
/* From text to an expression tree: HL7's grammar (FHIRPath N1, appendix A), names resolved as they
 * are read. */
#include "core/fhirpath/parser.h"

#include <stdio.h>
#include <string.h>

#define MOST_BYTES 65536 /* of an expression */
#define MOST_MEMORY (8u << 20)
#define MOST_ARGUMENTS 16
#define MOST_OPERANDS 1000 /* of operators in a row */

static struct expression *expression(struct parser *p, int level);

/* A new node at a token; never NULL. */
static struct expression *make(struct parser *p, enum expression_kind kind, const struct token *t) {
    struct expression *x = arena_zalloc(p->arena, sizeof *x);
    if (x == NULL) {
        parse_fault(p, t, "memory", "out of memory");
        x = &p->spare;
    }
    x->kind = (uint8_t)kind;
    x->line = t->line;
    x->column = t->column;
    x->system = -1;
    return x;
}

/* ---- literals ---- */

static struct expression *literal(struct parser *p, const struct token *t, value v) {
    struct expression *x = make(p, X_LITERAL, t);
    x->literal = v;
    return x;
}

static struct expression *string_literal(struct parser *p, const struct token *t) {
    size_t length;
    const char *text = lex_unescape(p, t, &length);
    lex_advance(p);
    return literal(p, t, of_text(text, length));
}

/* The kind of a literal by its T: before a time, in a dateTime. */
static enum fhirpath_kind moment_kind(const char *text, size_t length) {
    const char *t = memchr(text, 'T', length);
    if (t == NULL)
        return FHIRPATH_DATE;
    return t == text ? FHIRPATH_TIME : FHIRPATH_DATETIME;
}

static struct expression *moment_literal(struct parser *p, const struct token *t) {
    const char *text = t->text + 1;
    size_t length = t->length - 1;
    enum fhirpath_kind kind = moment_kind(text, length);
    moment m;
    lex_advance(p);
    if (!moment_parse(text, length, kind, &m))
        parse_fault(p, t, "fhirpath-syntax",
                    "this is no date or time: @2026-11-23, @2026-11-23T10:30:00Z or @T10:30 are");
    return literal(p, t, of_kind_moment(kind, m));
}

/* The unit that follows a number, NULL when there is none; *calendar: it is a word. */
static const char *read_unit(struct parser *p, bool *calendar) {
    struct token t = p->token;
    const char *unit = NULL;
    size_t length;
    if (t.kind == T_STRING)
        unit = lex_unescape(p, &t, &length);
    if (t.kind == T_NAME)
        unit = calendar_word(t.text, t.length);
    if (unit != NULL)
        lex_advance(p);
    *calendar = t.kind == T_NAME;
    return unit;
}

/* A number, or a quantity when a unit follows. */
static struct expression *number_literal(struct parser *p, const struct token *t) {
    decimal d = { 0, 0 };
    bool calendar;
    lex_advance(p);
    if (!decimal_parse(t->text, t->length, &d))
        parse_fault(p, t, "fhirpath-syntax", "this number has too many digits");
    const char *unit = read_unit(p, &calendar);
    if (unit != NULL)
        return literal(p, t, of_quantity(d, unit, calendar));
    if (memchr(t->text, '.', t->length) != NULL)
        return literal(p, t, of_decimal(d));
    if (d.digits > INT64_MAX)
        parse_fault(p, t, "fhirpath-syntax", "this integer is too large");
    return literal(p, t, of_integer((int64_t)d.digits));
}

/* ---- names ---- */

/* What follows a %: a slot, a constant of the standard, or what defineVariable() gives. */
static struct expression *variable(struct parser *p, const struct token *at) {
    struct token t = p->token;
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME && t.kind != T_STRING)
        parse_fault(p, &t, "fhirpath-syntax", "a name is expected behind %%");
    struct expression *x = make(p, X_VARIABLE, at);
    if (p->failed)
        return x;
    x->name = token_name(p, &t);
    lex_advance(p);
    resolve_variable(p, at, x);
    return x;
}

/* $this, $index and $total. */
static struct expression *special(struct parser *p, const struct token *t) {
    static const struct {
        const char *name;
        enum expression_kind kind;
    } words[] = { { "$this", X_THIS }, { "$index", X_INDEX }, { "$total", X_TOTAL } };
    const struct text name = { t->text, t->length };
    lex_advance(p);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(&name, words[i].name))
            return make(p, words[i].kind, t);
    parse_fault(p, t, "fhirpath-name", "there are $this, $index and $total");
    return make(p, X_EMPTY, t);
}

/* The name of the function that a call calls: its own name may be that of a type it takes. */
static const char *function_name(const struct expression *call) {
    return call->kind == X_CALL ? call->function->name : call->extension->name;
}

/* Tells whether a function takes the name of a type. */
static bool takes_type(const char *function) {
    static const char *const names[] = { "is", "as", "ofType" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], function) == 0)
            return true;
    return false;
}

/* Remembers the name that defineVariable() defines, for what follows. */
static void define(struct parser *p) {
    size_t length;
    if (p->token.kind == T_STRING && p->defined_count < MOST_DEFINED)
        p->defined[p->defined_count++] = lex_unescape(p, &p->token, &length);
}

/* Reads one argument; NULL for a type, which is in the call itself. */
static struct expression *argument_of(struct parser *p, struct expression *call) {
    const char *function = function_name(call);
    if (takes_type(function)) {
        read_type(p, call);
        return NULL;
    }
    if (call->arg_count == 0 && strcmp(function, "defineVariable") == 0)
        define(p);
    return expression(p, 0);
}

/* Reads the arguments of a call up to its closing parenthesis. */
static void arguments(struct parser *p, struct expression *call, struct expression **args) {
    while (!lex_is(p, ")") && !p->failed) {
        if (call->arg_count == MOST_ARGUMENTS) {
            parse_fault(p, &p->token, "fhirpath-syntax", "too many arguments");
            return;
        }
        args[call->arg_count] = argument_of(p, call);
        call->arg_count++;
        if (lex_is(p, ")"))
            return;
        lex_expect(p, ",");
        if (lex_is(p, ")") && p->at[-2] == ',')
            parse_fault(p, &p->token, "fhirpath-syntax", "an argument is missing behind the comma");
    }
}

/* Checks how many arguments a call has. */
static void check_arguments(struct parser *p, const struct token *t, const struct expression *x) {
    bool standard = x->kind == X_CALL;
    unsigned min = standard ? x->function->min_args : x->extension->min_args;
    unsigned max = standard ? x->function->max_args : x->extension->max_args;
    if (x->arg_count < min || x->arg_count > max)
        parse_fault(p, t, "fhirpath-name", "%s() takes %u to %u arguments, not %zu",
                    function_name(x), min, max, x->arg_count);
}

/* name(args): resolves the function and checks the number of arguments. */
static struct expression *call(struct parser *p, struct expression *focus, const struct token *t,
                               const char *name) {
    struct expression *x = make(p, X_CALL, t);
    struct expression *args[MOST_ARGUMENTS];
    x->name = name;
    x->left = focus;
    resolve_function(p, t, x);
    lex_accept(p, "(");
    arguments(p, x, args);
    lex_expect(p, ")");
    if (p->failed)
        return x;
    check_arguments(p, t, x);
    x->args = arena_alloc(p->arena, (x->arg_count + 1) * sizeof *args);
    if (x->args == NULL)
        parse_fault(p, t, "memory", "out of memory");
    else
        memcpy(x->args, args, x->arg_count * sizeof *args);
    return x;
}

/* A member or function step, on a focus or at the start of a path. */
static struct expression *invocation(struct parser *p, struct expression *focus) {
    struct token t = p->token;
    if (t.kind == T_DOLLAR)
        return special(p, &t);
    if (t.kind == T_END)
        parse_fault(p, &t, "fhirpath-syntax", "the expression ends too early");
    else if (t.kind != T_NAME && t.kind != T_QUOTED_NAME)
        parse_fault(p, &t, "fhirpath-syntax", "a name or a function is expected here");
    if (p->failed)
        return make(p, X_EMPTY, &t);
    const char *name = token_name(p, &t);
    lex_advance(p);
    if (t.kind == T_NAME && lex_is(p, "("))
        return call(p, focus, &t, name);
    struct expression *x = make(p, X_MEMBER, &t);
    x->name = name;
    x->left = focus;
    x->symbol = symbol_intern(name, strlen(name));
    return x;
}

/* ---- terms and paths ---- */

static struct expression *in_parentheses(struct parser *p) {
    struct expression *x = expression(p, 0);
    lex_expect(p, ")");
    return x;
}

/* A literal, a name, a call, parentheses. */
static struct expression *term(struct parser *p) {
    struct token t = p->token;
    switch (t.kind) {
    case T_STRING: return string_literal(p, &t);
    case T_NUMBER: return number_literal(p, &t);
    case T_MOMENT: return moment_literal(p, &t);
    default: break;
    }
    if (lex_accept(p, "("))
        return in_parentheses(p);
    if (lex_accept(p, "{")) {
        lex_expect(p, "}");
        return make(p, X_EMPTY, &t);
    }
    if (lex_accept(p, "%"))
        return variable(p, &t);
    if (lex_accept(p, "true"))
        return literal(p, &t, of_boolean(true));
    if (lex_accept(p, "false"))
        return literal(p, &t, of_boolean(false));
    return invocation(p, NULL);
}

/* The item [n] of a focus. */
static struct expression *item(struct parser *p, struct expression *focus, const struct token *t) {
    struct expression *x = make(p, X_ITEM, t);
    x->left = focus;
    x->right = expression(p, 0);
    lex_expect(p, "]");
    return x;
}

/* A term with its path steps and indexers. */
static struct expression *path(struct parser *p) {
    struct expression *x = term(p);
    for (int steps = 1; !p->failed; steps++) {
        struct token t = p->token;
        if (steps > FHIRPATH_MAX_DEPTH)
            parse_fault(p, &t, "fhirpath-syntax", "this path has too many steps");
        else if (lex_accept(p, "."))
            x = invocation(p, x);
        else if (lex_accept(p, "["))
            x = item(p, x, &t);
        else
            break;
    }
    return x;
}

/* Goes one level deeper; false, with a fault, when that is too deep. */
static bool deeper(struct parser *p) {
    p->depth++;
    if (p->depth > FHIRPATH_MAX_DEPTH)
        parse_fault(p, &p->token, "fhirpath-syntax", "this expression is nested too deeply");
    return !p->failed;
}

/* + and - before a path. */
static struct expression *sign(struct parser *p) {
    struct token t = p->token;
    bool negative = lex_is(p, "-");
    if (!negative && !lex_is(p, "+"))
        return path(p);
    struct expression *x = make(p, X_SIGN, &t);
    if (!deeper(p))
        return x;
    lex_advance(p);
    x->negative = negative;
    x->left = sign(p);
    p->depth--;
    return x;
}

/* ---- operators ---- */

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

/* A chain of `is` and `as` behind an expression. */
static struct expression *type_tests(struct parser *p) {
    struct expression *x = expression(p, LEVEL_TYPE + 1);
    while (lex_is(p, "is") || lex_is(p, "as")) {
        struct expression *test = make(p, lex_is(p, "is") ? X_IS : X_AS, &p->token);
        lex_advance(p);
        test->left = x;
        read_type(p, test);
        x = test;
    }
    return x;
}

/* A chain of the operators of one level. */
static struct expression *operations(struct parser *p, int level) {
    struct expression *x = expression(p, level + 1);
    int op = operator_at(p, level);
    for (int chain = 0; op >= 0; chain++) {
        struct expression *both = make(p, X_BINARY, &p->token);
        if (chain > MOST_OPERANDS)
            parse_fault(p, &p->token, "fhirpath-syntax", "this expression is too long");
        lex_advance(p);
        both->op = (uint8_t)op;
        both->left = x;
        both->right = expression(p, level + 1);
        x = both;
        op = operator_at(p, level);
    }
    return x;
}

/* An expression of operators of a level and of tighter ones. */
static struct expression *expression(struct parser *p, int level) {
    if (level == LEVELS)
        return sign(p);
    if (level == LEVEL_TYPE)
        return type_tests(p);
    if (level > 0)
        return operations(p, level);
    if (!deeper(p))
        return make(p, X_EMPTY, &p->token);
    struct expression *x = operations(p, level);
    p->depth--;
    return x;
}

/* ---- programs ---- */

/* Parses the whole text; NULL with a fault. */
static struct expression *parse(struct parser *p) {
    if (p->end - p->text > MOST_BYTES) {
        error_set(p->error, "fhirpath-syntax", "1:1", "an expression may have 65,536 bytes");
        return NULL;
    }
    lex_advance(p);
    if (p->failed)
        return NULL;
    struct expression *x = expression(p, 0);
    if (p->token.kind != T_END)
        parse_fault(p, &p->token, "fhirpath-syntax",
                    "the expression should end here; an operator or a point may be missing");
    return p->failed ? NULL : x;
}

/* Parses and checks; NULL with an error. */
static struct expression *compile(struct parser *p) {
    struct expression *root = parse(p);
    bool strict = root != NULL && p->scope != NULL && p->scope->strict;
    if (strict && !fhirpath_check(root, p->scope, p->error))
        return NULL;
    return root;
}

struct fhirpath_program *fhirpath_compile(const char *text, size_t length,
                                          const struct fhirpath_scope *scope,
                                          struct iptfhir_error *error) {
    struct arena arena = { .limit = MOST_MEMORY };
    struct iptfhir_error own = ERROR_INIT;
    struct fhirpath_program *program = NULL;
    struct parser p = { .arena = &arena,
                        .scope = scope,
                        .text = text,
                        .at = text,
                        .end = text + length,
                        .line_start = text,
                        .line = 1,
                        .error = &own };
    r4_setup();
    struct expression *root = compile(&p);
    if (root != NULL)
        program = arena_zalloc(&arena, sizeof *program);
    if (program == NULL) {
        error_set(&own, "memory", "1:1", "out of memory");
        error_set(error, own.code, own.where, "%s", own.text);
        arena_free(&arena);
        return NULL;
    }
    program->root = root;
    program->arena = arena;
    return program;
}

void fhirpath_free(struct fhirpath_program *program) {
    if (program == NULL)
        return;
    struct arena arena = program->arena; /* the program lives in it */
    arena_free(&arena);
}
