/* SPDX-License-Identifier: Apache-2.0 */
/* FHIRPath (HL7, N1 2.0.0 with the additions that the R4 suite tests): compile once, evaluate
 * often. */
#ifndef CORE_FHIRPATH_FHIRPATH_H
#define CORE_FHIRPATH_FHIRPATH_H

#include "core/base/error.h"
#include "core/fhir/r4.h"
#include "core/tree/tree.h"

enum fhirpath_kind {
    FHIRPATH_NODE, /* a node of a tree, with its R4 type where known */
    FHIRPATH_BOOLEAN,
    FHIRPATH_INTEGER,
    FHIRPATH_DECIMAL,
    FHIRPATH_STRING,
    FHIRPATH_DATE,
    FHIRPATH_DATETIME,
    FHIRPATH_TIME,
    FHIRPATH_QUANTITY,
    FHIRPATH_TYPE /* what type() returns */
};
/* Exact: digits * 10^-scale. */
struct fhirpath_decimal {
    __int128 digits;
    int scale;
};
/* precision: 1 year, 2 month, 3 day, 4 hour, 5 minute, 6 second, 7 millisecond. */
struct fhirpath_moment {
    int32_t year;
    int8_t month, day, hour, minute, second;
    int8_t precision;
    bool has_zone;
    int16_t zone_minutes;
    int32_t nanosecond;
    int8_t fraction_digits;
};

struct fhirpath_value {
    enum fhirpath_kind kind;
    const struct r4_type
        *type; /* of a node: NULL when unknown (ipt-record); primitives of nodes convert on use */
    const struct tree *node;  /* FHIRPATH_NODE; may be NULL for a primitive that has only "_name" */
    const struct tree *extra; /* the "_name" sibling of a primitive (id, extension), or NULL */
    union {
        bool boolean;
        int64_t integer;
        struct fhirpath_decimal decimal;
        struct {
            const char *text;
            size_t length;
        } string; /* and type names; also code of a quantity's unit below */
        struct fhirpath_moment moment;
        struct {
            struct fhirpath_decimal value;
            const char *unit;
            bool calendar;
        } quantity; /* unit: UCUM code or calendar word */
    };
};
struct fhirpath_collection {
    struct fhirpath_value *items;
    size_t count, capacity;
};

/* What an expression may name. Looked up at compile time; every %name gets a slot. Zero-initialised
 * is allowed. */
struct fhirpath_scope {
    const char *const *variables;
    size_t variable_count; /* names without %, in slot order */
    bool strict; /* unknown elements of a known type are compile errors when the context type is
                    known */
    const char *type; /* R4 type of the context, or NULL: unknown */
    /* Functions beyond the standard: translate(map), required(why), parseDate(format),
     * identity(kind, key) and plugin functions. */
    const struct fhirpath_function *functions;
    size_t function_count;
};
struct fhirpath_program; /* immutable after compile: shared by threads */
struct fhirpath_context {
    struct arena *arena;                         /* results and intermediate values live here */
    struct fhirpath_value root;                  /* the context node, %context and %resource */
    const struct fhirpath_collection *variables; /* by slot */
    int64_t now_ms;
    int now_zone_minutes; /* now(), today(), timeOfDay(): fixed per evaluation */
    void *user;           /* for functions */
    void (*trace)(void *user, const char *name,
                  const struct fhirpath_collection *); /* NULL: ignored */
    unsigned long steps_left; /* 0: no limit; evaluation ends with an error when used up */
};
/* Arguments are evaluated; `where`-like lambdas are not for extensions. False and an error: the
 * evaluation fails. */
struct fhirpath_function {
    const char *name;
    uint8_t min_args, max_args;
    bool (*call)(struct fhirpath_context *, const struct fhirpath_collection *input,
                 const struct fhirpath_collection *args, size_t arg_count,
                 struct fhirpath_collection *out, void *data, struct iptfhir_error *);
    void *data;
};

/* Compiles `length` bytes. Errors: code "fhirpath-syntax" or "fhirpath-name", where = column
 * ("1:14") inside the expression, the nearest known name in the text. The program is independent of
 * text; free it with fhirpath_free(). */
struct fhirpath_program *fhirpath_compile(const char *text, size_t length,
                                          const struct fhirpath_scope *scope,
                                          struct iptfhir_error *error);
void fhirpath_free(struct fhirpath_program *program);
/* Evaluates; false and an error when the expression fails on this input (code
 * "fhirpath-evaluation"). */
bool fhirpath_evaluate(const struct fhirpath_program *program, struct fhirpath_context *context,
                       struct fhirpath_collection *out, struct iptfhir_error *error);
/* The record fields a program reads from the variable in `slot` (or the context for -1), as dotted
 * paths: for check --samples. */
size_t fhirpath_reads(const struct fhirpath_program *program, int slot,
                      void (*path)(void *, const char *), void *user);

/* Appends to a collection in an arena; false when memory is out. */
bool fhirpath_push(struct arena *a, struct fhirpath_collection *c, struct fhirpath_value value);
/* The value of a node as a root: its R4 type from resourceType, or unknown. */
struct fhirpath_value fhirpath_node(const struct tree *node);
/* A value as a fresh tree node (numbers exact, dates as text, quantities as R4 Quantity objects;
 * nodes deep-copied or, when share, referenced). NULL when memory is out. */
struct tree *fhirpath_to_tree(struct arena *a, const struct fhirpath_value *value);
/* A value as text for string interpolation ("{{ a }} b"); NULL when it has none (objects). */
const char *fhirpath_to_text(struct arena *a, const struct fhirpath_value *value, size_t *length);
/* The boolean of a criteria result: empty -> false, a single boolean -> itself, a single other item
 * -> true; more -> error. */
bool fhirpath_truth(const struct fhirpath_collection *c, bool *truth, struct iptfhir_error *error);
#endif
