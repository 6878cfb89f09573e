/* SPDX-License-Identifier: Apache-2.0 */
/* From text to tokens: names, literals, symbols, comments (FHIRPath N1, appendix A). */
#include "core/fhirpath/parser.h"
#include "core/tree/unicode.h"

#include <stdio.h>
#include <string.h>

void parse_fault(struct parser *p, const struct token *t, const char *code, const char *format,
                 ...) {
    char where[32];
    char text[400];
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

/* ---- classes of characters ---- */

static bool letter(char c) {
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || c == '_';
}

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

static bool name_part(char c) {
    return letter(c) || digit(c);
}

/* The first character from `at` on that isn't of a class. */
static const char *past(const struct parser *p, const char *at, bool (*of_class)(char)) {
    while (at < p->end && of_class(*at))
        at++;
    return at;
}

/* Tells whether the text from `at` on begins with `text`. */
static bool begins(const struct parser *p, const char *at, const char *text) {
    size_t length = strlen(text);
    return (size_t)(p->end - at) >= length && memcmp(at, text, length) == 0;
}

/* Moves on by one character and counts lines. */
static void step(struct parser *p) {
    if (*p->at++ == '\n') {
        p->line++;
        p->line_start = p->at;
    }
}

/* Passes over a comment of the form slash star; a fault when it has no end. */
static void skip_block(struct parser *p) {
    struct token t = { .line = p->line, .column = (uint16_t)(p->at - p->line_start + 1) };
    const char *close = memmem(p->at + 2, (size_t)(p->end - p->at - 2), "*/", 2);
    if (close == NULL) {
        parse_fault(p, &t, "fhirpath-syntax", "this comment has no end: close it with */");
        return;
    }
    while (p->at < close + 2)
        step(p);
}

/* Passes over the rest of a line. */
static void skip_line(struct parser *p) {
    while (p->at < p->end && *p->at != '\n')
        p->at++;
}

static bool blank(char c) {
    return c != '\0' && strchr(" \t\r\n", c) != NULL;
}

/* Passes over blanks and comments. */
static void skip_blanks(struct parser *p) {
    while (p->at < p->end && !p->failed) {
        if (blank(*p->at))
            step(p);
        else if (begins(p, p->at, "//"))
            skip_line(p);
        else if (begins(p, p->at, "/*"))
            skip_block(p);
        else
            return;
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

/* Tells whether a digit stands at `at`. */
static bool digit_at(const struct parser *p, const char *at) {
    return at < p->end && digit(*at);
}

/* Tells whether a sign begins an offset: +hh: */
static bool is_offset(const struct parser *p, const char *at) {
    if (*at != '+' && *at != '-')
        return false;
    return digit_at(p, at + 1) && digit_at(p, at + 2) && at + 3 < p->end && at[3] == ':';
}

/* Tells whether a character belongs to a date and time; `timed`: behind the T. */
static bool is_moment_part(const struct parser *p, const char *at, bool timed) {
    if (digit(*at))
        return true;
    if (!timed)
        return *at == 'T' || (*at == '-' && digit_at(p, at + 1));
    if (*at == '.')
        return digit_at(p, at + 1);
    return *at == ':' || *at == 'Z' || is_offset(p, at);
}

/* The end of a date, dateTime or time literal. */
static const char *moment_end(const struct parser *p) {
    bool timed = false;
    const char *c = p->at + 1;
    while (c < p->end && is_moment_part(p, c, timed)) {
        char is = *c++;
        if (is == 'Z')
            break;
        if (is == 'T')
            timed = true;
    }
    return c;
}

/* The end of a number. */
static const char *number_end(const struct parser *p) {
    const char *stop = past(p, p->at + 1, digit);
    bool fraction = stop < p->end && *stop == '.' && digit_at(p, stop + 1);
    return fraction ? past(p, stop + 1, digit) : stop;
}

/* The end of a symbol of one or two characters; NULL, with a fault, when it is none. */
static const char *symbol_end(struct parser *p, const struct token *t) {
    static const char *const pairs[] = { "<=", ">=", "!=", "!~" };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (begins(p, p->at, pairs[i]))
            return p->at + 2;
    if (strchr(".,()[]{}+-*/&|<>=~!%", *p->at) != NULL)
        return p->at + 1;
    parse_fault(p, t, "fhirpath-syntax", "this character has no meaning here");
    return NULL;
}

/* The end of a text in quotes; NULL, with a fault, when it has none. */
static const char *quoted_end(struct parser *p, const struct token *t) {
    const char *close = closing(p, *p->at);
    if (close == NULL) {
        parse_fault(p, t, "fhirpath-syntax", "this text has no closing %c", *p->at);
        return NULL;
    }
    return close + 1;
}

/* Finds the kind and the end of the token that begins here; NULL with a fault. */
static const char *token_end(struct parser *p, struct token *t) {
    char c = *p->at;
    if (letter(c)) {
        t->kind = T_NAME;
        return past(p, p->at + 1, name_part);
    }
    if (digit(c)) {
        t->kind = T_NUMBER;
        return number_end(p);
    }
    switch (c) {
    case '\'': t->kind = T_STRING; return quoted_end(p, t);
    case '`':
    case '"': t->kind = T_QUOTED_NAME; return quoted_end(p, t);
    case '@': t->kind = T_MOMENT; return moment_end(p);
    case '$': t->kind = T_DOLLAR; return past(p, p->at + 1, letter);
    default: t->kind = T_SYMBOL; return symbol_end(p, t);
    }
}

void lex_advance(struct parser *p) {
    skip_blanks(p);
    if (p->failed)
        return;
    struct token t = { T_END, p->at, 0, p->line, (uint16_t)(p->at - p->line_start + 1) };
    if (p->at < p->end) {
        const char *stop = token_end(p, &t);
        if (stop == NULL)
            return;
        t.length = (size_t)(stop - p->at);
        p->at = stop;
    }
    p->token = t;
}

bool lex_is(const struct parser *p, const char *text) {
    const struct token *t = &p->token;
    if (t->kind != T_SYMBOL && t->kind != T_NAME)
        return false;
    return strlen(text) == t->length && memcmp(t->text, text, t->length) == 0;
}

bool lex_accept(struct parser *p, const char *text) {
    bool is = lex_is(p, text);
    if (is)
        lex_advance(p);
    return is;
}

void lex_expect(struct parser *p, const char *text) {
    if (!lex_accept(p, text))
        parse_fault(p, &p->token, "fhirpath-syntax", "'%s' is expected here", text);
}

/* ---- escapes ---- */

/* Reads \uXXXX, *at standing behind the u, and writes its character; returns the bytes. */
static size_t put_unicode(struct parser *p, const struct token *t, const char **at, const char *end,
                          char *out) {
    int32_t c = unicode_escape(at, end);
    if (c == UNICODE_HALF)
        parse_fault(p, t, "fhirpath-syntax", "this escape is half of a surrogate pair");
    else if (c <= 0)
        parse_fault(p, t, "fhirpath-syntax", "\\u needs four hex digits");
    return c > 0 ? unicode_put(out, (uint32_t)c) : 0;
}

/* The character that an escape stands for; one without a meaning is the character itself. */
static char unescaped(char c) {
    static const char from[] = "fnrt";
    static const char to[] = "\f\n\r\t";
    const char *known = memchr(from, c, strlen(from));
    return known != NULL ? to[known - from] : c;
}

const char *lex_unescape(struct parser *p, const struct token *t, size_t *length) {
    const char *at = t->text + 1;
    const char *end = t->text + t->length - 1;
    char *out = arena_alloc(p->arena, t->length + 1);
    *length = 0;
    if (out == NULL) {
        parse_fault(p, t, "memory", "out of memory");
        return "";
    }
    size_t n = 0;
    while (at < end) {
        char c = *at++;
        if (c != '\\') {
            out[n++] = c;
            continue;
        }
        c = *at++;
        if (c == 'u')
            n += put_unicode(p, t, &at, end, out + n);
        else
            out[n++] = unescaped(c);
    }
    out[n] = '\0';
    *length = n;
    return out;
}
