/* SPDX-License-Identifier: Apache-2.0 */
/* What lexer and parser of FHIRPath share: the place in the text, and the token that is read. */
#ifndef CORE_FHIRPATH_PARSER_H
#define CORE_FHIRPATH_PARSER_H

#include "core/fhirpath/internal.h"

#define MOST_DEFINED 16

enum token_kind { T_END, T_NAME, T_QUOTED_NAME, T_STRING, T_NUMBER, T_MOMENT, T_SYMBOL, T_DOLLAR };
struct token {
#define MOST_DEFINED 16

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
    struct expression spare; /* stands for every node when memory is out */
    const char
        *defined[MOST_DEFINED]; /* names that defineVariable() gives somewhere in the expression */
    size_t defined_count;
};

/* ---- tokens (lexer.c) ---- */

/* Reports a fault at a token; the first wins, and the text counts as ended: so a fault needs no way
 * back through the callers. */
void parse_fault(struct parser *p, const struct token *t, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Reads the next token. */
void lex_advance(struct parser *p);
/* Tells whether the token is this symbol or word. */
bool lex_is(const struct parser *p, const char *text);
/* Passes over a symbol or word when it is there. */
bool lex_accept(struct parser *p, const char *text);
/* Passes over a symbol that must be there. */
void lex_expect(struct parser *p, const char *text);
/* The text between the quotes of a token, escapes resolved, in the arena. Never NULL: "" with a
 * fault when memory is out. */
const char *lex_unescape(struct parser *p, const struct token *t, size_t *length);

/* ---- names (names.c) ---- */

/* The text of a name's token, in the arena; never NULL. */
const char *token_name(struct parser *p, const struct token *t);
/* Makes x, which has a name, the variable, constant or literal that %name is. */
void resolve_variable(struct parser *p, const struct token *t, struct expression *x);
/* Makes x, which has a name, the call of a function; a fault when there is none. */
void resolve_function(struct parser *p, const struct token *t, struct expression *x);
/* Reads the name of a type, Name or Space.Name, for x. */
void read_type(struct parser *p, struct expression *x);

/* ---- strict mode (strict.c) ---- */

/* Checks element names against R4's types; false with an error at the first that is unknown. */
bool fhirpath_check(const struct expression *x, const struct fhirpath_scope *scope,
                    struct iptfhir_error *error);
#endif
