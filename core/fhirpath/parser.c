/* SPDX-License-Identifier: Apache-2.0 */
/* From text to an expression tree: HL7's grammar (FHIRPath N1, appendix A), names resolved as they are read. */
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

enum token_kind { T_END, T_NAME, T_QUOTED_NAME, T_STRING, T_NUMBER, T_MOMENT, T_SYMBOL, T_DOLLAR };
struct token { enum token_kind kind; const char *text; size_t length; uint16_t line, column; };

struct parser {
    struct arena *arena;
    const struct fhirpath_scope *scope;
    const char *text, *at, *end, *line_start;
    uint16_t line;
    struct token token;
    struct iptfhir_error *error;
    int depth;
    bool failed;
    const char *defined[16]; /* names that defineVariable() gives somewhere in the expression */
    size_t defined_count;
};

/* Report a fault at a token; the first wins. */
static void fault(struct parser *p, const struct token *t, const char *code, const char *format, ...) __attribute__((format(printf, 4, 5)));
static void fault(struct parser *p, const struct token *t, const char *code, const char *format, ...) {
    char where[32], text[400];
    va_list args;
    if (!p->failed) {
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        snprintf(where, sizeof where, "%u:%u", t->line, t->column);
        error_set(p->error, code, where, "%s", text);
    }
    p->failed = true;
    p->token.kind = T_END;
    p->at = p->end;
}

/* ---- words ---- */

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Pass over blanks and comments. */
static void skip_blanks(struct parser *p) {
    while (p->at < p->end) {
        if (*p->at == '\n') {
            p->line++;
            p->line_start = ++p->at;
        } else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r') {
            p->at++;
        } else if (p->end - p->at > 1 && p->at[0] == '/' && p->at[1] == '/') {
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        } else if (p->end - p->at > 1 && p->at[0] == '/' && p->at[1] == '*') {
            struct token t = { .line = p->line, .column = (uint16_t)(p->at - p->line_start + 1) };
            const char *close = memmem(p->at + 2, (size_t)(p->end - p->at - 2), "*/", 2);
            if (!close) {
                fault(p, &t, "fhirpath-syntax", "this comment has no end: close it with */");
                return;
            }
            for (; p->at < close + 2; p->at++)
                if (*p->at == '\n') {
                    p->line++;
                    p->line_start = p->at + 1;
                }
        } else {
            return;
        }
    }
}

/* The end of text in quotes of one kind, escapes passed over; NULL when it has none. */
static const char *closing(const struct parser *p, char quote) {
    for (const char *c = p->at + 1; c < p->end; c++) {
        if (*c == '\\')
            c++;
        else if (*c == quote)
            return c;
    }
    return NULL;
}

/* The end of a date, dateTime or time literal. */
static const char *moment_end(const struct parser *p) {
    const char *c = p->at + 1;
    bool timed = false;
    while (c < p->end && (digit(*c) || (*c == '-' && c + 1 < p->end && digit(c[1]) && !timed) || (*c == 'T' && !timed && (timed = true)) ||
                          (timed && (*c == ':' || *c == 'Z' || ((*c == '+' || *c == '-') && c + 2 < p->end && digit(c[1]) && digit(c[2]) && c + 3 < p->end && c[3] == ':'))) ||
                          (timed && *c == '.' && c + 1 < p->end && digit(c[1])))) {
        if (*c == 'Z')
            return c + 1;
        c++;
    }
    return c;
}

/* Read the next token. */
static void advance(struct parser *p) {
    skip_blanks(p);
    if (p->failed)
        return;
    struct token t = { T_END, p->at, 0, p->line, (uint16_t)(p->at - p->line_start + 1) };
    if (p->at < p->end) {
        char c = *p->at;
        const char *stop = p->at + 1;
        if (letter(c)) {
            t.kind = T_NAME;
            while (stop < p->end && (letter(*stop) || digit(*stop)))
                stop++;
        } else if (digit(c)) {
            t.kind = T_NUMBER;
            while (stop < p->end && digit(*stop))
                stop++;
            if (p->end - stop > 1 && *stop == '.' && digit(stop[1]))
                for (stop++; stop < p->end && digit(*stop);)
                    stop++;
        } else if (c == '\'' || c == '`' || c == '"') {
            const char *close = closing(p, c);
            if (!close) {
                fault(p, &t, "fhirpath-syntax", "this text has no closing %c", c);
                return;
            }
            t.kind = c == '\'' ? T_STRING : T_QUOTED_NAME;
            stop = close + 1;
        } else if (c == '@') {
            t.kind = T_MOMENT;
            stop = moment_end(p);
        } else if (c == '$') {
            t.kind = T_DOLLAR;
            while (stop < p->end && letter(*stop))
                stop++;
        } else {
            t.kind = T_SYMBOL;
            if (stop < p->end && ((c == '<' && *stop == '=') || (c == '>' && *stop == '=') || (c == '!' && (*stop == '=' || *stop == '~'))))
                stop++;
            if (!strchr(".,()[]{}+-*/&|<>=~!%", c)) {
                fault(p, &t, "fhirpath-syntax", "this character has no meaning here");
                return;
            }
        }
        t.length = (size_t)(stop - p->at);
        p->at = stop;
    }
    p->token = t;
}

/* True when the token is this symbol or word. */
static bool is(const struct parser *p, const char *text) {
    return (p->token.kind == T_SYMBOL || p->token.kind == T_NAME) && strlen(text) == p->token.length && !memcmp(p->token.text, text, p->token.length);
}

/* Past a symbol or word when it is there. */
static bool accept(struct parser *p, const char *text) {
    if (!is(p, text))
        return false;
    advance(p);
    return true;
}

/* Past a symbol that must be there. */
static void expect(struct parser *p, const char *text) {
    if (!accept(p, text) && !p->failed)
        fault(p, &p->token, "fhirpath-syntax", "'%s' is expected here", text);
}

/* Append a code point as UTF-8. */
static size_t put_utf8(char *out, unsigned u) {
    if (u < 0x80)
        return out[0] = (char)u, 1;
    if (u < 0x800)
        return out[0] = (char)(0xc0 | u >> 6), out[1] = (char)(0x80 | (u & 63)), 2;
    if (u < 0x10000)
        return out[0] = (char)(0xe0 | u >> 12), out[1] = (char)(0x80 | (u >> 6 & 63)), out[2] = (char)(0x80 | (u & 63)), 3;
    return out[0] = (char)(0xf0 | u >> 18), out[1] = (char)(0x80 | (u >> 12 & 63)), out[2] = (char)(0x80 | (u >> 6 & 63)), out[3] = (char)(0x80 | (u & 63)), 4;
}

/* Four hex digits, -1 when they aren't. */
static int hex4(const char *s, size_t left) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        if ((size_t)i >= left)
            return -1;
        char c = s[i];
        int d = digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* The text between quotes, escapes resolved. */
static const char *unescape(struct parser *p, const struct token *t, size_t *length) {
    static const char from[] = "`'\"\\/fnrt", to[] = "`'\"\\/\f\n\r\t";
    char *out = arena_alloc(p->arena, t->length + 1);
    size_t n = 0;
    for (size_t i = 1; out && i + 1 < t->length; i++) {
        char c = t->text[i];
        if (c != '\\') {
            out[n++] = c;
            continue;
        }
        c = t->text[++i];
        const char *known = c ? strchr(from, c) : NULL;
        int u;
        if (known) {
            out[n++] = to[known - from];
        } else if (c == 'u' && (u = hex4(t->text + i + 1, t->length - i - 2)) > 0) {
            i += 4;
            int low = u >= 0xd800 && u < 0xdc00 && t->length - i >= 8 && t->text[i + 1] == '\\' && t->text[i + 2] == 'u' ? hex4(t->text + i + 3, t->length - i - 4) : -1;
            if (low >= 0xdc00 && low < 0xe000) {
                n += put_utf8(out + n, (unsigned)(0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00)));
                i += 6;
            } else if (u >= 0xd800 && u < 0xe000) {
                fault(p, t, "fhirpath-syntax", "this escape is half of a surrogate pair");
            } else {
                n += put_utf8(out + n, (unsigned)u);
            }
        } else if (c == 'u') {
            fault(p, t, "fhirpath-syntax", "\\u needs four hex digits");
        } else {
            out[n++] = c; /* an escape that has no meaning is the character */
        }
    }
    if (out)
        out[n] = '\0';
    *length = n;
    return out;
}

/* ---- expressions ---- */

static struct expression *expression(struct parser *p, int level);

/* A new node at a token. */
static struct expression *make(struct parser *p, enum expression_kind kind, const struct token *t) {
    struct expression *x = arena_zalloc(p->arena, sizeof *x);
    if (!x) {
        fault(p, t, "memory", "out of memory");
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
    return t->kind == T_QUOTED_NAME ? unescape(p, t, &n) : arena_strndup(p->arena, t->text, t->length);
}

/* A date, dateTime or time literal. */
static struct expression *moment_literal(struct parser *p, const struct token *t) {
    struct expression *x = make(p, X_LITERAL, t);
    const char *s = t->text + 1;
    size_t n = t->length - 1;
    enum fhirpath_kind kind = n && *s == 'T' ? FHIRPATH_TIME : memchr(s, 'T', n) ? FHIRPATH_DATETIME : FHIRPATH_DATE;
    if (x && !moment_parse(s, n, kind, &x->literal.moment))
        fault(p, t, "fhirpath-syntax", "this is no date or time: @2026-11-23, @2026-11-23T10:30:00Z or @T10:30 are");
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
        fault(p, t, "fhirpath-syntax", "this number has too many digits");
        return NULL;
    }
    const char *word = p->token.kind == T_NAME ? calendar_word(p->token.text, p->token.length) : NULL;
    size_t n;
    if (word || p->token.kind == T_STRING) {
        x->literal.kind = FHIRPATH_QUANTITY;
        x->literal.quantity.value = d;
        x->literal.quantity.calendar = word != NULL;
        x->literal.quantity.unit = word ? word : unescape(p, &p->token, &n);
        advance(p);
    } else if (memchr(t->text, '.', t->length)) {
        x->literal = of_decimal(d);
    } else if (d.digits > INT32_MAX) {
        x->literal = of_integer((int64_t)d.digits);
        if (d.digits > INT64_MAX)
            fault(p, t, "fhirpath-syntax", "this integer is too large");
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
        fault(p, t, "fhirpath-name", "there is no %%%s; did you mean %%%s?", name, near);
    else
        fault(p, t, "fhirpath-name", "there is no %%%s here", name);
}

/* %name: a slot, a constant of the standard, or what defineVariable() gives. */
static struct expression *variable(struct parser *p, const struct token *at) {
    static const char *const constants[][2] = { { "ucum", "http://unitsofmeasure.org" }, { "sct", "http://snomed.info/sct" }, { "loinc", "http://loinc.org" } };
    struct token t = p->token;
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME && t.kind != T_STRING) {
        fault(p, &t, "fhirpath-syntax", "a name is expected behind %%");
        return NULL;
    }
    struct expression *x = make(p, X_VARIABLE, at);
    size_t n;
    const char *name = t.kind == T_STRING ? unescape(p, &t, &n) : name_of(p, &t);
    advance(p);
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
    } else if (!strcmp(name, "context") || !strcmp(name, "resource") || !strcmp(name, "rootResource")) {
        x->kind = X_CONSTANT; /* the root */
    } else {
        unknown_variable(p, at, name);
    }
    return x;
}

/* The function of a name, standard or the caller's. */
static bool find_function(struct parser *p, struct expression *x, uint8_t *min, uint8_t *max) {
    static const struct function *const tables[] = { functions_collection, functions_string, functions_number, functions_type, functions_moment };
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
    static const struct function *const tables[] = { functions_collection, functions_string, functions_number, functions_type, functions_moment };
    const char *names[256] = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct function *f = tables[i]; f->name && n < 200; f++)
            names[n++] = f->name;
    for (size_t i = 0; p->scope && i < p->scope->function_count && n < 255; i++)
        names[n++] = p->scope->functions[i].name;
    const char *near = nearest_name(name, names);
    fault(p, t, "fhirpath-name", "there is no function %s()%s%s%s", name, near ? "; did you mean " : "", near ? near : "", near ? "()?" : "");
}

/* A type name: Name or Space.Name. */
static void type_specifier(struct parser *p, struct expression *x) {
    struct token t = p->token;
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME) {
        fault(p, &t, "fhirpath-syntax", "the name of a type is expected here");
        return;
    }
    const char *first = name_of(p, &t), *second = NULL;
    advance(p);
    if (is(p, ".") && first && (!strcmp(first, "System") || !strcmp(first, "FHIR"))) {
        advance(p);
        second = name_of(p, &p->token);
        advance(p);
    }
    if (first && !resolve_type(x, second ? first : NULL, second ? second : first))
        fault(p, &t, "fhirpath-name", "there is no type %s in R4", second ? second : first);
}

/* name(args): resolves the function and checks the number of arguments. */
static struct expression *call(struct parser *p, struct expression *focus, const struct token *t, const char *name) {
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
    advance(p); /* ( */
    while (!is(p, ")") && !p->failed) {
        if (x->arg_count == 16) {
            fault(p, &p->token, "fhirpath-syntax", "too many arguments");
            return NULL;
        }
        if (types) {
            type_specifier(p, x);
            args[x->arg_count++] = NULL;
        } else {
            if (!strcmp(name, "defineVariable") && !x->arg_count && p->token.kind == T_STRING && p->defined_count < 16) {
                size_t n;
                p->defined[p->defined_count++] = unescape(p, &p->token, &n);
            }
            args[x->arg_count++] = expression(p, 0);
        }
        if (!is(p, ")"))
            expect(p, ",");
        if (is(p, ")") && p->at > p->text + 1 && !p->failed && p->at[-2] == ',')
            fault(p, &p->token, "fhirpath-syntax", "an argument is missing behind the comma");
    }
    expect(p, ")");
    if (!p->failed && (x->arg_count < min || x->arg_count > max))
        fault(p, t, "fhirpath-name", "%s() takes %u to %u arguments, not %zu", name, min, max, x->arg_count);
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
        static const struct { const char *name; enum expression_kind kind; } words[] = { { "$this", X_THIS }, { "$index", X_INDEX }, { "$total", X_TOTAL } };
        advance(p);
        for (size_t i = 0; i < 3; i++)
            if (strlen(words[i].name) == t.length && !memcmp(words[i].name, t.text, t.length))
                return make(p, words[i].kind, &t);
        fault(p, &t, "fhirpath-name", "there are $this, $index and $total");
        return NULL;
    }
    if (t.kind != T_NAME && t.kind != T_QUOTED_NAME) {
        fault(p, &t, "fhirpath-syntax", t.kind == T_END ? "the expression ends too early" : "a name or a function is expected here");
        return NULL;
    }
    const char *name = name_of(p, &t);
    advance(p);
    if (!name)
        return NULL;
    if (t.kind == T_NAME && is(p, "("))
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
        advance(p);
        if ((x = make(p, X_LITERAL, &t))) {
            const char *s = unescape(p, &t, &n);
            x->literal = of_text(s ? s : "", n);
        }
        return x;
    case T_NUMBER: advance(p); return number_literal(p, &t);
    case T_MOMENT: advance(p); return moment_literal(p, &t);
    default: break;
    }
    if (accept(p, "(")) {
        x = expression(p, 0);
        expect(p, ")");
        return x;
    }
    if (accept(p, "{")) {
        expect(p, "}");
        return make(p, X_EMPTY, &t);
    }
    if (accept(p, "%"))
        return variable(p, &t);
    if (t.kind == T_NAME && (is(p, "true") || is(p, "false"))) {
        advance(p);
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
            fault(p, &t, "fhirpath-syntax", "this path has too many steps");
        } else if (accept(p, ".")) {
            x = invocation(p, x);
        } else if (accept(p, "[")) {
            struct expression *item = make(p, X_ITEM, &t);
            if (!item)
                return NULL;
            item->left = x;
            item->right = expression(p, 0);
            expect(p, "]");
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
    if (t.kind != T_SYMBOL || (!is(p, "+") && !is(p, "-")))
        return path(p);
    bool negative = is(p, "-");
    if (++p->depth > FHIRPATH_MAX_DEPTH) {
        fault(p, &t, "fhirpath-syntax", "this expression is nested too deeply");
        return NULL;
    }
    advance(p);
    struct expression *x = make(p, X_SIGN, &t);
    if (!x)
        return NULL;
    x->negative = negative;
    x->left = sign(p);
    p->depth--;
    return x;
}

/* Operators by precedence, loosest first (N1 section 6.8). */
static const struct { int level; const char *text; enum operator_kind op; } operators[] = {
    { 0, "implies", OP_IMPLIES }, { 1, "or", OP_OR }, { 1, "xor", OP_XOR }, { 2, "and", OP_AND }, { 3, "in", OP_IN }, { 3, "contains", OP_CONTAINS },
    { 4, "=", OP_EQUAL }, { 4, "~", OP_EQUIVALENT }, { 4, "!=", OP_NOT_EQUAL }, { 4, "!~", OP_NOT_EQUIVALENT }, { 5, "<=", OP_LESS_EQUAL },
    { 5, "<", OP_LESS }, { 5, ">=", OP_GREATER_EQUAL }, { 5, ">", OP_GREATER }, { 6, "|", OP_UNION }, { 8, "+", OP_ADD }, { 8, "-", OP_SUBTRACT },
    { 8, "&", OP_CONCAT }, { 9, "*", OP_MULTIPLY }, { 9, "/", OP_DIVIDE }, { 9, "div", OP_DIV }, { 9, "mod", OP_MOD },
};
#define LEVEL_TYPE 7
#define LEVELS 10

/* The operator of a level that the token is, -1 when it is none. */
static int operator_at(const struct parser *p, int level) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].level == level && is(p, operators[i].text))
            return (int)operators[i].op;
    return -1;
}

static struct expression *expression(struct parser *p, int level) {
    if (level == LEVELS)
        return sign(p);
    if (level == 0 && ++p->depth > FHIRPATH_MAX_DEPTH) {
        fault(p, &p->token, "fhirpath-syntax", "this expression is nested too deeply");
        return NULL;
    }
    struct expression *x = expression(p, level + 1);
    for (int chain = 0; x && !p->failed; chain++) {
        struct token t = p->token;
        int op = operator_at(p, level);
        if (level == LEVEL_TYPE && (is(p, "is") || is(p, "as"))) {
            struct expression *type = make(p, is(p, "is") ? X_IS : X_AS, &t);
            advance(p);
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
            fault(p, &t, "fhirpath-syntax", "this expression is too long");
            break;
        }
        struct expression *both = make(p, X_BINARY, &t);
        advance(p);
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

bool fhirpath_check(const struct expression *x, const struct fhirpath_scope *scope, struct iptfhir_error *error);

struct fhirpath_program *fhirpath_compile(const char *text, size_t length, const struct fhirpath_scope *scope, struct iptfhir_error *error) {
    struct arena arena = { .limit = 8u << 20 };
    struct iptfhir_error own = ERROR_INIT;
    struct parser p = { .arena = &arena, .scope = scope, .text = text, .at = text, .end = text + length, .line_start = text, .line = 1, .error = &own };
    r4_setup();
    struct fhirpath_program *program = NULL;
    struct expression *root = NULL;
    if (length > 65536) {
        error_set(&own, "fhirpath-syntax", "1:1", "an expression may have 65,536 bytes");
    } else {
        advance(&p);
        root = p.failed ? NULL : expression(&p, 0);
        if (!p.failed && p.token.kind != T_END)
            fault(&p, &p.token, "fhirpath-syntax", "the expression should end here; an operator or a point may be missing");
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
