/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled form of the record schema: what schema.c makes and check.c walks. */
#ifndef CORE_RECORD_SCHEMA_H
#define CORE_RECORD_SCHEMA_H

#include "core/record/record.h"

#include <pthread.h>

/* Formats beside JSON Schema's date, date-time and uri. */
enum text_format {
    TEXT_ANY,
    TEXT_DATE,
    TEXT_PARTIAL_DATE,
    TEXT_DATETIME,
    TEXT_URI,
    TEXT_CODE,
    TEXT_NPI,
    TEXT_ICD10CM,
    TEXT_LOINC,
    TEXT_SCTID,
    TEXT_DIGITS
};

struct rule_node;
/* One field of an object; `symbol` 0: a free slot of the table. */
struct field {
    uint32_t symbol;
    uint16_t index; /* bit in `required` */
    const struct rule_node *node;
};

/* The bounds of a number. */
enum limit_kind { LIMIT_MINIMUM, LIMIT_MAXIMUM, LIMIT_WARN_MINIMUM, LIMIT_WARN_MAXIMUM, LIMITS };
struct limit {
    bool is_set;
    double value;
};

/* What one place of the record may hold. */
struct rule_node {
    uint8_t kinds;   /* bit per enum tree_kind; 0: any */
    bool integer;    /* numbers are whole */
    bool restricted; /* x-restricted */
    bool holds_restricted;
    bool open;      /* additionalProperties absent or true */
    uint8_t format; /* enum text_format */
    struct limit limits[LIMITS];
    uint32_t min_length, max_length, min_items;
    const char *const *texts;               /* enum or const: allowed strings, NULL-terminated */
    const struct rule_node *items, *others; /* others: the schema of additionalProperties */
    struct field *fields;                   /* open addressing by symbol */
    uint32_t field_mask, field_count;
    uint64_t required;
    const char *const *names;       /* all fields, NULL-terminated, by index */
    uint32_t unique_by, not_before; /* symbols */
    uint32_t refers_to;             /* symbol of a list at the root */
    const char *const *or_texts;
};

/* How many different unknown fields are named in warnings; of the others only the fact is. */
#define UNKNOWN_NAMED 64

/* The unknown fields that were warned about, by a hash of their paths. Locked, since records are
 * read on several threads. */
struct unknown_seen {
    pthread_mutex_t lock;
    uint64_t paths[UNKNOWN_NAMED];
    size_t count;
    bool more_told;
};

struct record_schema {
    struct arena arena;
    const struct rule_node *root;
    bool allow_unknown;
    struct unknown_seen *seen; /* NULL until unknown fields are allowed */
};

/* The field of an object node with this symbol, NULL when it has none. */
static inline const struct field *field_find(const struct rule_node *node, uint32_t symbol) {
    if (symbol == 0 || node->field_count == 0)
        return NULL;
    uint32_t at = (symbol * 2654435761u) >> 16 & node->field_mask;
    while (node->fields[at].symbol != 0) {
        if (node->fields[at].symbol == symbol)
            return &node->fields[at];
        at = (at + 1) & node->field_mask;
    }
    return NULL;
}

/* The symbol of a member's name; 0: no schema has such a field. */
static inline uint32_t member_symbol(const struct tree *member) {
    if (member->symbol != 0)
        return member->symbol;
    return symbol_find(member->name, member->name_length);
}

/* ---- formats.c ---- */

/* NULL when `text` has the format, else what was expected. */
const char *text_format_check(enum text_format format, const char *text, size_t length);

/* ---- where.c ---- */

enum { NAME_MAX_SHOWN = 64, WHERE_MAX = 256 };
/* `name` when it looks like a name, else "(unusual-name)": data in the place of a name isn't shown.
 * `out` may be what is returned. */
const char *field_name_shown(const char *name, size_t length, char out[NAME_MAX_SHOWN + 1]);
/* Writes where a node, or its member `name`, stands: "source:line:column JSON-pointer"; `source`
 * and `name` may be NULL. */
void where_write(char out[WHERE_MAX], const char *source, const struct tree *node,
                 const char *name);
#endif
