/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of FHIRPath share: the expression tree, its evaluation, values, and the tables of
 * functions. */
#ifndef CORE_FHIRPATH_INTERNAL_H
#define CORE_FHIRPATH_INTERNAL_H

#include "core/fhirpath/decimal.h"
#include "core/fhirpath/moment.h"
#include "core/fhirpath/quantity.h"

#define FHIRPATH_MAX_DEPTH 200 /* nesting of an expression, and of its evaluation */

typedef struct fhirpath_value value;
typedef struct fhirpath_collection collection;

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
struct evaluation;
struct expression;

/* One call of a function: where it stands, what it is called on, and where its answer goes. */
struct call {
    struct evaluation *e;
    const struct expression *x;
    const collection *in;
    collection *out;
};
struct function {
    const char *name;
    uint8_t min_args, max_args;
    void (*call)(const struct call *);
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
/* The first error ends an evaluation: from then on evaluate() adds nothing, single() finds nothing,
 * and what is computed meanwhile is thrown away. So errors need no way back through the callers. */
struct evaluation {
    struct fhirpath_context *context;
    struct arena *arena;
    struct iptfhir_error *error; /* shared by all evaluations inside this one */
    const value *this_item;      /* $this; NULL: the root */
    int64_t index;               /* $index; -1: none */
    const collection *total;     /* $total */
    const struct definition *defined;
    int depth;
};
/* Appends what an expression gives. */
void evaluate(struct evaluation *e, const struct expression *x, collection *out);
/* Evaluates an argument with $this and $index bound to an item (NULL: as outside). */
void evaluate_on(struct evaluation *e, const struct expression *x, const value *item, int64_t index,
                 collection *out);
/* Tells whether this evaluation has ended with an error. */
static inline bool has_failed(const struct evaluation *e) {
    return e->error->code[0] != '\0';
}
/* Sets "fhirpath-evaluation" at an expression. */
void evaluation_error(struct evaluation *e, const struct expression *x, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void out_of_memory(struct evaluation *e);
void push(struct evaluation *e, collection *c, value v);
void push_all(struct evaluation *e, collection *c, const collection *more);
/* Appends the members of a node that a step names (choice elements too). */
void member_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                 collection *out);
void all_children(struct evaluation *e, const value *on, collection *out);
/* Evaluates an operator on both its sides. */
void binary(struct evaluation *e, const struct expression *x, const collection *a,
            const collection *b, collection *out);

/* ---- functions (tables end with a NULL name) ---- */
extern const struct function functions_collection[], functions_string[], functions_regex[],
    functions_encoding[], functions_number[], functions_boundary[], functions_type[],
    functions_conversion[], functions_moment[];

/* Append the answer of a call. */
void give(const struct call *c, value v);
void give_boolean(const struct call *c, bool b);
void give_integer(const struct call *c, int64_t i);
void give_decimal(const struct call *c, decimal d);
/* A copy of the text in the evaluation's memory. */
void give_text(const struct call *c, const char *text, size_t length);
/* The text of a buffer, which is freed. */
void give_str(const struct call *c, struct str *s);
/* Evaluates argument n in the context outside of the call's input; nothing when it is left out. */
void argument(const struct call *c, size_t n, collection *out);
bool argument_integer(const struct call *c, size_t n, int64_t *out);

/* A text that is not ours. */
struct text {
    const char *data;
    size_t length;
};
bool argument_text(const struct call *c, size_t n, struct text *out);
bool text_is(const struct text *text, const char *word);
/* The input and n arguments as texts; false when any is empty: then the answer is empty. */
bool call_texts(const struct call *c, size_t n, struct text *out);

/* ---- values ---- */
value of_boolean(bool b);
value of_integer(int64_t i);
value of_decimal(decimal d);
value of_text(const char *text, size_t length);
value of_kind_moment(enum fhirpath_kind kind, moment m);
value of_quantity(decimal amount, const char *unit, bool calendar);
static inline bool is_number(const value *v) {
    return v->kind == FHIRPATH_INTEGER || v->kind == FHIRPATH_DECIMAL;
}
static inline bool is_moment(const value *v) {
    return v->kind >= FHIRPATH_DATE && v->kind <= FHIRPATH_TIME;
}
/* The decimal of a number. */
static inline decimal decimal_value(const value *v) {
    return v->kind == FHIRPATH_INTEGER ? decimal_of(v->integer) : v->decimal;
}
/* Beside a quantity, a number becomes one without unit. */
static inline void number_to_quantity(value *v, const value *beside) {
    if (beside->kind == FHIRPATH_QUANTITY && is_number(v))
        *v = of_quantity(decimal_value(v), UNIT_ONE, false);
}
/* A primitive node as a System value (integer, string, date ...); others unchanged. */
value plain(const value *v);
/* Singleton evaluation (N1 section 4.5): true with the one item there is; false when there is none
 * and, with an error, when there are more or it is of another type. */
bool single(struct evaluation *e, const struct expression *x, const collection *c, value *out);
bool single_text(struct evaluation *e, const struct expression *x, const collection *c,
                 struct text *out);
bool single_integer(struct evaluation *e, const struct expression *x, const collection *c,
                    int64_t *out);
bool single_boolean(struct evaluation *e, const struct expression *x, const collection *c,
                    bool *out);
/* What two values or collections are to each other; empty where partial dates or units leave it
 * open (N1 section 6.1). The numbers are those of a boolean. */
enum equality { UNEQUAL = 0, EQUAL = 1, EQUALITY_OPEN = -1 };
enum equality value_equal(const value *a, const value *b);
enum equality collection_equal(const collection *a, const collection *b);
bool value_equivalent(struct evaluation *e, const value *a, const value *b);
bool collection_equivalent(struct evaluation *e, const collection *a, const collection *b);
struct comparison value_compare(const value *a, const value *b);
/* Tells whether a value is in a collection; counts as many steps as the collection has items. */
bool contains_value(struct evaluation *e, const collection *c, const value *v);
/* Appends each item that isn't there yet. */
void push_new(struct evaluation *e, collection *c, const collection *more);

/* ---- types ---- */
const char *type_name_of(const value *v, const char **name_space);
bool is_type(const value *v, const struct expression *type);
/* Resolves a type name ("System.Integer", "FHIR.Patient", "Quantity") into x->type and x->system.
 */
bool resolve_type(struct expression *x, const char *name_space, const char *name);
#endif
