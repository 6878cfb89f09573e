/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the validator share, and the record checks use: places in a resource, primitive
 * formats, invariants. */
#ifndef CORE_FHIR_VALIDATE_H
#define CORE_FHIR_VALIDATE_H

#include "core/fhir/r4.h"

/* One step on the way from the root; the chain is printed only when a fault is found. */
struct place {
    const struct place *up;
    const char *name;
    size_t index; /* SIZE_MAX: not in a list */
};

struct check {
    struct report *report;
    const char *code; /* of the findings */
    const struct tree
        *container; /* the outermost resource: its contained resources are what '#id' refers to */
    bool clean;
};

/* Adds an error at `place`, where `member` (may be NULL) is the last step; the text never carries
 * values. */
void check_fault(struct check *c, const struct place *place, const char *member, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* The formats of R4's primitives (http://hl7.org/fhir/R4/datatypes.html#primitive). */
enum format {
    FORMAT_NONE,
    FORMAT_BASE64,
    FORMAT_BOOLEAN,
    FORMAT_CODE,
    FORMAT_DATE,
    FORMAT_DATETIME,
    FORMAT_DECIMAL,
    FORMAT_ID,
    FORMAT_INSTANT,
    FORMAT_INTEGER,
    FORMAT_OID,
    FORMAT_POSITIVE,
    FORMAT_STRING,
    FORMAT_TIME,
    FORMAT_UNSIGNED,
    FORMAT_URI,
    FORMAT_UUID,
    FORMAT_XHTML
};
/* The format of a primitive type; FORMAT_NONE for other types. */
enum format format_of(const struct r4_type *type);
/* NULL when `text` has the format; else what was expected ("a date that exists, YYYY, YYYY-MM or
 * YYYY-MM-DD"). */
const char *format_check(enum format format, const char *text, size_t length);
/* The seconds since 1970-01-01T00:00:00Z of a complete date and time with offset (FORMAT_INSTANT);
 * false for all else.
 */
bool instant_seconds(const char *text, int64_t *seconds);

/* Prepares the invariants' tables; called once, after r4_setup(). */
void invariants_setup(void);
/* Checks the invariants of one object. `present`: bit i is set when element i of `type` has a value
 * or extension. */
void invariants_check(struct check *c, const struct place *place, const struct r4_type *type,
                      const struct tree *object, uint64_t present);
#endif
