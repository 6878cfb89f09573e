/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of FHIRPath share: the expression tree, values, and the table of functions. */
#ifndef CORE_FHIRPATH_INTERNAL_H
#define CORE_FHIRPATH_INTERNAL_H

#include "core/fhirpath/fhirpath.h"

#define FHIRPATH_MAX_DEPTH 200 /* nesting of an expression, and of its evaluation */

typedef struct fhirpath_value value;
typedef struct fhirpath_collection collection;
typedef struct fhirpath_decimal decimal;
typedef struct fhirpath_moment moment;

/* ---- expressions ---- */
enum expression_kind {
    X_LITERAL,
    X_EMPTY,
    X_THIS,
    X_INDEX,
    X_TOTAL,
    X_VARIABLE,
    X_CONSTANT,
    X_MEMBER,
    X_CALL,
    X_EXTENSION,
    X_ITEM,
    X_SIGN,
    X_BINARY,
    X_IS,
    X_AS
};
enum operator_kind {
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_DIV,
    OP_MOD,
    OP_ADD,
    OP_SUBTRACT,
    OP_CONCAT,
    OP_UNION,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_EQUAL,
    OP_EQUIVALENT,
    OP_NOT_EQUAL,
    OP_NOT_EQUIVALENT,
    OP_IN,
    OP_CONTAINS,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_IMPLIES
};
struct expression;
struct evaluation;
struct function;
typedef bool function_call(struct evaluation *e, const struct expression *x,
                           const collection *input, collection *out);
struct function {
    const char *name;
    uint8_t min_args, max_args;
    function_call *call;
};

struct expression {
    uint8_t kind, op;
    bool negative;
    uint16_t column, line;
    uint32_t symbol;  /* X_MEMBER */
    int slot;         /* X_VARIABLE: an outer slot; < 0: a defined variable looked up by name */
    const char *name; /* member, variable, constant, type or function name */
    const struct r4_type *type; /* X_IS, X_AS, ofType: NULL for System types */
    int system; /* X_IS, X_AS: a System type's fhirpath_kind, -1 none; -2 no known type */
    value literal;
    const struct function *function;
    const struct fhirpath_function *extension;
    struct expression *left, *right; /* left of a path step: its focus, NULL: $this */
    struct expression **args;
    size_t arg_count;
};
struct fhirpath_program {
    struct arena arena;
    struct expression *root;
    bool strict;
};

/* ---- evaluation ---- */
/* A name bound by defineVariable(), in scope for what follows it in the chain. */
struct definition {
    const struct definition *outer;
    const char *name;
    collection values;
};
struct evaluation {
    struct fhirpath_context *context;
    struct arena *arena;
    struct iptfhir_error *error;
    const value *this_item;  /* $this; NULL: the root */
    int64_t index;           /* $index; -1: none */
    const collection *total; /* $total */
    const struct definition *defined;
    int depth;
};
bool evaluate(struct evaluation *e, const struct expression *x, collection *out);
/* Evaluates an argument with $this and $index bound to an item (NULL: as outside). */
bool evaluate_on(struct evaluation *e, const struct expression *x, const value *item, int64_t index,
                 collection *out);
/* Evaluates argument n of a call in the context outside of its input. */
bool argument(struct evaluation *e, const struct expression *call, size_t n, collection *out);
/* Sets "fhirpath-evaluation" at an expression; returns false. */
bool evaluation_error(struct evaluation *e, const struct expression *x, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool out_of_memory(struct evaluation *e);
bool push(struct evaluation *e, collection *c, value v);
bool push_all(struct evaluation *e, collection *c, const collection *more);
/* The members of a node that a step names (choice elements too). */
bool member_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                 collection *out);
bool all_children(struct evaluation *e, const value *on, collection *out);
bool binary(struct evaluation *e, const struct expression *x, const collection *a,
            const collection *b, collection *out);

/* ---- functions (tables end with a NULL name) ---- */
extern const struct function functions_collection[], functions_string[], functions_number[],
    functions_type[], functions_moment[];

/* ---- values ---- */
value of_boolean(bool b);
value of_integer(int64_t i);
value of_decimal(decimal d);
value of_text(const char *text, size_t length);
value of_kind_moment(enum fhirpath_kind kind, moment m);
/* A primitive node as a System value (integer, string, date ...); others unchanged. */
value plain(struct evaluation *e, const value *v);
/* Singleton evaluation (N1 section 4.5): false with an error when there is more than one item;
 * *found tells whether there is one. */
bool single(struct evaluation *e, const struct expression *x, const collection *c, value *out,
            bool *found);
bool single_text(struct evaluation *e, const struct expression *x, const collection *c,
                 const char **text, size_t *length, bool *found);
bool single_integer(struct evaluation *e, const struct expression *x, const collection *c,
                    int64_t *out, bool *found);
bool single_boolean(struct evaluation *e, const struct expression *x, const collection *c,
                    bool *out, bool *found);
/* 1 equal, 0 not, -1 empty (N1 section 6.1: partial dates, units that don't compare). */
int value_equal(struct evaluation *e, const value *a, const value *b);
bool value_equivalent(struct evaluation *e, const value *a, const value *b);
int collection_equal(struct evaluation *e, const collection *a, const collection *b);
bool collection_equivalent(struct evaluation *e, const collection *a, const collection *b);
/* -1, 0, 1 in *order; false in *known when it can't be told; false when the types don't compare at
 * all. */
bool value_compare(struct evaluation *e, const value *a, const value *b, int *order, bool *known);
bool contains_value(struct evaluation *e, const collection *c, const value *v);
const char *type_name_of(const value *v, const char **name_space);
bool is_type(const value *v, const struct expression *type);
/* Resolves a type name ("System.Integer", "FHIR.Patient", "Quantity") into x->type and x->system.
 */
bool resolve_type(struct expression *x, const char *name_space, const char *name);

/* ---- decimals: exact, at most 28 significant digits before rounding ---- */
bool decimal_parse(const char *text, size_t length, decimal *out);
bool decimal_add(decimal a, decimal b, bool subtract, decimal *out);
bool decimal_multiply(decimal a, decimal b, decimal *out);
/* To 16 places, half away from zero; false on zero or overflow. */
bool decimal_divide(decimal a, decimal b, decimal *out);
int decimal_compare(decimal a, decimal b);
decimal decimal_trim(decimal d);
decimal decimal_round(decimal d, int places);
decimal decimal_of(int64_t i);
double decimal_double(decimal d);
bool decimal_from_double(double d, decimal *out);
int decimal_text(decimal d, char out[64]);
/* -1 toward zero, 0 floor, 1 ceiling. */
bool decimal_whole(decimal d, int mode, int64_t *out);

/* ---- moments ---- */
/* Parses FHIR or FHIRPath text: kind tells date, dateTime or time. */
bool moment_parse(const char *text, size_t length, enum fhirpath_kind kind, moment *out);
int moment_text(const moment *m, enum fhirpath_kind kind, char out[48]);
/* As value_compare. */
bool moment_compare(const moment *a, enum fhirpath_kind ka, const moment *b, enum fhirpath_kind kb,
                    int *order, bool *known);
/* Adds a calendar quantity: unit word or UCUM code; false when the unit isn't one of time. */
bool moment_add(moment *m, enum fhirpath_kind kind, decimal amount, const char *unit, bool calendar,
                bool *ok);

/* ---- quantities ---- */
bool quantity_parse(struct evaluation *e, const char *text, size_t length, value *out);
/* Converts both to a common unit; false when the dimensions differ or a unit is unknown and not the
 * same text. */
bool quantity_common(const value *a, const value *b, decimal *x, decimal *y);
/* The calendar word of a unit ("days" -> "day"), NULL when it is none. */
const char *calendar_word(const char *unit, size_t length);
#endif
