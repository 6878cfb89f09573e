/* SPDX-License-Identifier: Apache-2.0 */
/* Values and collections: making, converting, printing. */
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

#define UCUM "http://unitsofmeasure.org"

value of_boolean(bool b) {
    return (value) { .kind = FHIRPATH_BOOLEAN, .boolean = b };
}

value of_integer(int64_t i) {
    return (value) { .kind = FHIRPATH_INTEGER, .integer = i };
}

value of_decimal(decimal d) {
    return (value) { .kind = FHIRPATH_DECIMAL, .decimal = d };
}

value of_text(const char *text, size_t length) {
    return (value) { .kind = FHIRPATH_STRING, .string = { text, length } };
}

value of_kind_moment(enum fhirpath_kind kind, moment m) {
    return (value) { .kind = kind, .moment = m };
}

value of_quantity(decimal amount, const char *unit, bool calendar) {
    return (value) { .kind = FHIRPATH_QUANTITY, .quantity = { amount, unit, calendar } };
}

/* Makes room for one more item. */
static bool grow(struct arena *a, struct fhirpath_collection *c) {
    size_t more = c->capacity > 0 ? c->capacity * 2 : 1;
    struct fhirpath_value *grown = arena_alloc(a, more * sizeof *grown);
    if (grown == NULL)
        return false;
    if (c->count > 0)
        memcpy(grown, c->items, c->count * sizeof *grown);
    c->items = grown;
    c->capacity = more;
    return true;
}

bool fhirpath_push(struct arena *a, struct fhirpath_collection *c, struct fhirpath_value v) {
    if (c->count == c->capacity && !grow(a, c))
        return false;
    c->items[c->count++] = v;
    return true;
}

void push(struct evaluation *e, collection *c, value v) {
    if (!fhirpath_push(e->arena, c, v))
        out_of_memory(e);
}

void push_all(struct evaluation *e, collection *c, const collection *more) {
    for (size_t i = 0; i < more->count; i++)
        push(e, c, more->items[i]);
}

struct fhirpath_value fhirpath_node(const struct tree *node) {
    struct fhirpath_value v = { .kind = FHIRPATH_NODE, .node = node };
    if (node == NULL || node->kind != TREE_OBJECT)
        return v;
    const char *type = tree_text(node, "resourceType");
    if (type != NULL)
        v.type = r4_type(type);
    return v;
}

/* ---- what FHIR's types are in the System's ---- */

/* Tells whether a type, or one of its ancestors, has a name. */
static bool is_named(const struct r4_type *type, const char *name) {
    while (type != NULL) {
        if (strcmp(type->name, name) == 0)
            return true;
        type = type->base == R4_NONE ? NULL : r4_type_at(type->base);
    }
    return false;
}

/* The name of a Quantity's unit: its code where that is UCUM's, else what people read. */
static const char *unit_name(const struct tree *quantity) {
    const char *system = tree_text(quantity, "system");
    const struct tree *code = tree_get(quantity, "code");
    const struct tree *unit = tree_get(quantity, "unit");
    bool ucum = system != NULL && strcmp(system, UCUM) == 0;
    if (unit == NULL || (ucum && code != NULL))
        unit = code;
    if (unit == NULL || unit->kind != TREE_STRING)
        return UNIT_ONE;
    return unit->text;
}

/* A FHIR Quantity as the System's; itself when it has no amount that fits. */
static value plain_object(const value *v) {
    decimal amount;
    if (v->type == NULL || !is_named(v->type, "Quantity"))
        return *v;
    const struct tree *number = tree_get(v->node, "value");
    if (number == NULL || number->kind != TREE_NUMBER)
        return *v;
    if (!decimal_parse(number->text, number->length, &amount))
        return *v;
    return of_quantity(amount, unit_name(v->node), false);
}

/* The kind of a FHIR string by its type. */
static enum fhirpath_kind string_kind(const struct r4_type *type) {
    static const struct {
        const char *name;
        enum fhirpath_kind kind;
    } moments[] = { { "date", FHIRPATH_DATE },
                    { "dateTime", FHIRPATH_DATETIME },
                    { "instant", FHIRPATH_DATETIME },
                    { "time", FHIRPATH_TIME } };
    if (type == NULL)
        return FHIRPATH_STRING;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
        if (strcmp(type->name, moments[i].name) == 0)
            return moments[i].kind;
    return FHIRPATH_STRING;
}

/* A string of FHIR: a date or time where its type is one and its text fits. */
static value plain_string(const value *v) {
    const struct tree *n = v->node;
    enum fhirpath_kind kind = string_kind(v->type);
    moment m;
    if (kind != FHIRPATH_STRING && moment_parse(n->text, n->length, kind, &m))
        return of_kind_moment(kind, m);
    return of_text(n->text, n->length);
}

/* A number of FHIR: an integer where it is whole and not of type decimal; itself when it doesn't
 * fit a decimal. */
static value plain_number(const value *v) {
    const struct tree *n = v->node;
    int64_t whole;
    decimal d;
    bool is_decimal = v->type != NULL && is_named(v->type, "decimal");
    if (!is_decimal && tree_to_int(n, &whole))
        return of_integer(whole);
    if (decimal_parse(n->text, n->length, &d))
        return of_decimal(d);
    return *v;
}

value plain(const value *v) {
    if (v->kind != FHIRPATH_NODE || v->node == NULL)
        return *v;
    switch (v->node->kind) {
    case TREE_BOOLEAN: return of_boolean(v->node->boolean);
    case TREE_NUMBER: return plain_number(v);
    case TREE_STRING: return plain_string(v);
    case TREE_OBJECT: return plain_object(v);
    default: return *v;
    }
}

/* ---- singletons ---- */

bool single(struct evaluation *e, const struct expression *x, const collection *c, value *out) {
    if (has_failed(e) || c->count == 0)
        return false;
    if (c->count > 1) {
        evaluation_error(e, x, "one item is needed here, there are %zu", c->count);
        return false;
    }
    *out = plain(&c->items[0]);
    return true;
}

bool single_text(struct evaluation *e, const struct expression *x, const collection *c,
                 struct text *out) {
    value v;
    if (!single(e, x, c, &v))
        return false;
    if (v.kind == FHIRPATH_STRING) {
        *out = (struct text) { v.string.text, v.string.length };
        return true;
    }
    /* Dates of FHIR read as text where a string is needed; numbers and booleans don't. */
    if (!is_moment(&v)) {
        evaluation_error(e, x, "a string is needed here");
        return false;
    }
    out->data = fhirpath_to_text(e->arena, &v, &out->length);
    if (out->data == NULL)
        out_of_memory(e);
    return out->data != NULL;
}

bool single_integer(struct evaluation *e, const struct expression *x, const collection *c,
                    int64_t *out) {
    value v;
    if (!single(e, x, c, &v))
        return false;
    if (v.kind != FHIRPATH_INTEGER) {
        evaluation_error(e, x, "an integer is needed here");
        return false;
    }
    *out = v.integer;
    return true;
}

/* The truth of a single value: an item of another type than Boolean counts as true (N1 section
 * 4.5). */
static bool truth_of(const value *v) {
    return v->kind != FHIRPATH_BOOLEAN || v->boolean;
}

bool single_boolean(struct evaluation *e, const struct expression *x, const collection *c,
                    bool *out) {
    value v;
    if (!single(e, x, c, &v))
        return false;
    *out = truth_of(&v);
    return true;
}

bool fhirpath_truth(const struct fhirpath_collection *c, bool *truth, struct iptfhir_error *error) {
    if (c->count > 1)
        return error_set(error, "fhirpath-evaluation", NULL,
                         "a condition must give one value, this gives %zu", c->count);
    *truth = false;
    if (c->count == 1) {
        value v = plain(&c->items[0]);
        *truth = truth_of(&v);
    }
    return true;
}

/* ---- printing ---- */

static const char *boolean_text(bool b, size_t *length) {
    const char *text = b ? "true" : "false";
    *length = strlen(text);
    return text;
}

/* A quantity as its literal: 4 days, 4 'mg'. */
static const char *quantity_text(struct arena *a, const value *v, size_t *length) {
    char number[64];
    const char *quote = v->quantity.calendar ? "" : "'";
    decimal_text(v->quantity.value, number);
    char *out = arena_printf(a, "%s %s%s%s", number, quote, v->quantity.unit, quote);
    if (out != NULL)
        *length = strlen(out);
    return out;
}

/* A node that has no System value: a number beyond the decimals keeps its source text. */
static const char *node_text(const value *v, size_t *length) {
    if (v->kind != FHIRPATH_NODE || v->node == NULL || v->node->kind != TREE_NUMBER)
        return NULL;
    *length = v->node->length;
    return v->node->text;
}

const char *fhirpath_to_text(struct arena *a, const struct fhirpath_value *given, size_t *length) {
    char text[64];
    value v = plain(given);
    int n;
    switch (v.kind) {
    case FHIRPATH_STRING: *length = v.string.length; return v.string.text;
    case FHIRPATH_BOOLEAN: return boolean_text(v.boolean, length);
    case FHIRPATH_INTEGER: n = snprintf(text, sizeof text, "%lld", (long long)v.integer); break;
    case FHIRPATH_DECIMAL: n = decimal_text(v.decimal, text); break;
    case FHIRPATH_DATE:
    case FHIRPATH_DATETIME:
    case FHIRPATH_TIME: n = moment_text(&v.moment, v.kind, text); break;
    case FHIRPATH_QUANTITY: return quantity_text(a, &v, length);
    default: return node_text(&v, length);
    }
    *length = (size_t)n;
    return arena_strndup(a, text, (size_t)n);
}

/* A decimal as a number that keeps its digits. */
static struct tree *decimal_to_tree(struct arena *a, decimal d) {
    char text[64];
    int length = decimal_text(d, text);
    return tree_number(a, text, (size_t)length);
}

/* A quantity as R4's Quantity. */
static struct tree *quantity_to_tree(struct arena *a, const value *v) {
    struct tree *q = tree_new(a, TREE_OBJECT);
    const char *unit = v->quantity.unit;
    size_t length = strlen(unit);
    if (q == NULL)
        return NULL;
    bool ok = tree_add(a, q, "value", decimal_to_tree(a, v->quantity.value));
    ok = ok && tree_add(a, q, "unit", tree_string(a, unit, length));
    if (ok && !v->quantity.calendar) {
        ok = tree_add(a, q, "system", tree_string(a, UCUM, strlen(UCUM)));
        ok = ok && tree_add(a, q, "code", tree_string(a, unit, length));
    }
    return ok ? q : NULL;
}

/* A value by its text; null when it has none. */
static struct tree *text_to_tree(struct arena *a, const value *v) {
    size_t length = 0;
    const char *text = fhirpath_to_text(a, v, &length);
    if (text == NULL)
        return tree_new(a, TREE_NULL);
    return tree_string(a, text, length);
}

struct tree *fhirpath_to_tree(struct arena *a, const struct fhirpath_value *v) {
    switch (v->kind) {
    case FHIRPATH_NODE: return v->node != NULL ? tree_copy(a, v->node) : tree_new(a, TREE_NULL);
    case FHIRPATH_BOOLEAN: return tree_boolean(a, v->boolean);
    case FHIRPATH_INTEGER: return tree_integer(a, v->integer);
    case FHIRPATH_DECIMAL: return decimal_to_tree(a, v->decimal);
    case FHIRPATH_STRING: return tree_string(a, v->string.text, v->string.length);
    case FHIRPATH_QUANTITY: return quantity_to_tree(a, v);
    default: return text_to_tree(a, v);
    }
}
