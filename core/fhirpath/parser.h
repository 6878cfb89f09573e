/* SPDX-License-Identifier: Apache-2.0 */
/* What lexer and parser of FHIRPath share: the place in the text, and the token in hand. */
#ifndef CORE_FHIRPATH_PARSER_H
#define CORE_FHIRPATH_PARSER_H

#include "core/fhirpath/internal.h"

enum token_kind { T_END, T_NAME, T_QUOTED_NAME, T_STRING, T_NUMBER, T_MOMENT, T_SYMBOL, T_DOLLAR };
struct token {
    enum token_kind kind;
    const char *text;
    size_t length;
    uint16_t line, column;
};

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

/* Reports a fault at a token; the first wins, and the text counts as ended. */
void parse_fault(struct parser *p, const struct token *t, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Reads the next token. */
void lex_advance(struct parser *p);
/* True when the token is this symbol or word. */
bool lex_is(const struct parser *p, const char *text);
/* Past a symbol or word when it is there. */
bool lex_accept(struct parser *p, const char *text);
/* Past a symbol that must be there. */
void lex_expect(struct parser *p, const char *text);
/* The text between the quotes of a token, escapes resolved, in the arena. */
const char *lex_unescape(struct parser *p, const struct token *t, size_t *length);
#endif
