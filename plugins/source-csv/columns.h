/* SPDX-License-Identifier: Apache-2.0 */
/* The columns file, compiled: which cell goes where in the record, and what may stand in it. */
#ifndef SOURCE_CSV_COLUMNS_H
#define SOURCE_CSV_COLUMNS_H

#include <iptfhir/plugin.h>
#include <iptfhir/text.h>
#include <stdint.h>

struct names {
    const char **of;
    size_t count;
};

enum value_kind {
    VALUE_CONSTANT,
    VALUE_COLUMN,
    VALUE_TEMPLATE,
    VALUE_CHECKBOXES,
    VALUE_DATE_FROM,
    VALUE_FILE_TIME
};
enum value_type {
    TYPE_STRING,
    TYPE_INTEGER,
    TYPE_DECIMAL,
    TYPE_BOOLEAN,
    TYPE_DATE,
    TYPE_DATETIME,
    TYPE_CODE
};
/* Which row counts when several of a record give a value. */
enum value_take { TAKE_SAME, TAKE_FIRST, TAKE_LAST };
enum date_order { ORDER_NONE, ORDER_YMD, ORDER_DMY, ORDER_MDY };

struct piece {
    const char *text;
    size_t length;
    size_t column;
    bool is_column;
};
struct code {
    const char *from;
    size_t from_length;
    const struct iptfhir_node *to; /* a text, number or boolean of the columns file */
    size_t meaning;                /* index of the first code of the value with an equal `to` */
    size_t column;                 /* checkboxes */
};
struct value {
    enum value_kind kind;
    enum value_type type;
    enum value_take take;
    const char *path; /* of the record field */
    size_t column;
    const struct iptfhir_node *constant; /* of the columns file */
    struct piece *pieces;
    struct code *codes;
    size_t count;   /* of pieces or codes */
    const char *as; /* checkboxes: member of the objects in the list; NULL: plain codes */
    int64_t start_day, first_week; /* date_from */
    int minute;                    /* of a date that has no time; -1: not declared */
};

enum field_kind { FIELD_OBJECT, FIELD_ARRAY, FIELD_VALUE, FIELD_LIST };
struct field {
    enum field_kind kind;
    const char *key; /* its name; NULL in arrays */
    size_t index;    /* of the array element, the value or the list */
    struct field *first, *last, *next;
};

struct condition {
    size_t column;
    struct names among;
};
/* One list of a record: each row that meets the conditions adds an element. */
struct list {
    const char *path;
    size_t target;   /* the first list of the same path: it takes the elements of all of them */
    size_t id_value; /* the value that is the element's id; SIZE_MAX: none */
    struct field root;
    size_t first_value, value_count;
    size_t *filled, *any_filled;
    size_t filled_count, any_count;
    struct condition *conditions; /* on columns; those of `status` last */
    size_t condition_count, status_from;
    const char *instrument; /* REDCap: NULL: rows of no repeating instrument */
};

struct columns {
    const struct iptfhir_host *host;
    const struct iptfhir_node *document;
    uint64_t hash; /* of the document: part of the cursor */
    char separator, decimal;
    enum date_order order;
    const char *timezone;
    bool redcap;
    struct names blank, ignore, restricted, ignore_instruments;
    struct names used; /* the columns that values, conditions and the key read; others refer to them
                          by index */
    size_t optional_from;     /* used columns from here on may be missing in a file: REDCap's own */
    size_t instrument_column; /* REDCap: redcap_repeat_instrument */
    size_t *key;
    size_t key_count;
    struct value *values; /* those of `set` first */
    size_t value_count, set_count, value_capacity;
    struct field root;
    struct list *lists;
    size_t list_count;
    void **owned;
    size_t owned_count, owned_capacity;
};

/* Compiles the columns file; false with every fault logged and as many as fit in the error. */
bool columns_compile(struct columns *c, const struct iptfhir_host *host, const char *path,
                     struct iptfhir_error *error);
void columns_free(struct columns *c);
/* True when `name` is one of `names`. */
bool names_have(const struct names *names, const char *name, size_t length);
/* A 64-bit hash. */
uint64_t columns_hash(uint64_t seed, const char *bytes, size_t length);
#endif
