/* SPDX-License-Identifier: Apache-2.0 */
/* Values and collections: making, converting, printing. */
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

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

bool fhirpath_push(struct arena *a, struct fhirpath_collection *c, struct fhirpath_value v) {
    if (c->count == c->capacity) {
        size_t more = c->capacity ? c->capacity * 2 : 1;
        struct fhirpath_value *grown = arena_alloc(a, more * sizeof *grown);
        if (!grown)
            return false;
        if (c->count)
            memcpy(grown, c->items, c->count * sizeof *grown);
        c->items = grown;
        c->capacity = more;
    }
    c->items[c->count++] = v;
    return true;
}

bool push(struct evaluation *e, collection *c, value v) {
    return fhirpath_push(e->arena, c, v) || out_of_memory(e);
}

bool push_all(struct evaluation *e, collection *c, const collection *more) {
    for (size_t i = 0; i < more->count; i++)
        if (!push(e, c, more->items[i]))
            return false;
    return true;
}

struct fhirpath_value fhirpath_node(const struct tree *node) {
    const char *type = node && node->kind == TREE_OBJECT ? tree_text(node, "resourceType") : NULL;
    return (struct fhirpath_value) { .kind = FHIRPATH_NODE,
                                     .node = node,
                                     .type = type ? r4_type(type) : NULL };
}

/* True for the name of a type or one of its ancestors. */
static bool named(const struct r4_type *type, const char *name) {
    for (; type; type = type->base == R4_NONE ? NULL : r4_type_at(type->base))
        if (!strcmp(type->name, name))
            return true;
    return false;
}

/* A FHIR Quantity as the System's. */
static bool quantity_of(const value *v, value *out) {
    const struct tree *number = tree_get(v->node, "value"), *code = tree_get(v->node, "code"),
                      *unit = tree_get(v->node, "unit"), *system = tree_get(v->node, "system");
    if (!number || number->kind != TREE_NUMBER ||
        !decimal_parse(number->text, number->length, &out->quantity.value))
        return false;
    bool ucum =
        system && system->kind == TREE_STRING && !strcmp(system->text, "http://unitsofmeasure.org");
    const struct tree *u = ucum && code ? code : unit ? unit : code;
    out->kind = FHIRPATH_QUANTITY;
    out->quantity.unit = u && u->kind == TREE_STRING ? u->text : "1";
    out->quantity.calendar = false;
    return true;
}

/* The System kind of a string node by its R4 type. */
static enum fhirpath_kind text_kind(const struct r4_type *type, const struct tree *node,
                                    moment *m) {
    static const struct {
        const char *name;
        enum fhirpath_kind kind;
    } kinds[] = { { "date", FHIRPATH_DATE },
                  { "dateTime", FHIRPATH_DATETIME },
                  { "instant", FHIRPATH_DATETIME },
                  { "time", FHIRPATH_TIME } };
    for (size_t i = 0; type && i < 4; i++)
        if (!strcmp(type->name, kinds[i].name))
            return moment_parse(node->text, node->length, kinds[i].kind, m) ? kinds[i].kind
                                                                            : FHIRPATH_STRING;
    return FHIRPATH_STRING;
}

value plain(struct evaluation *e, const value *v) {
    (void)e;
    value out = { .kind = FHIRPATH_NODE };
    if (v->kind != FHIRPATH_NODE || !v->node)
        return *v;
    const struct tree *n = v->node;
    int64_t i;
    switch (n->kind) {
    case TREE_BOOLEAN: return of_boolean(n->boolean);
    case TREE_NUMBER:
        if ((!v->type || !named(v->type, "decimal")) && tree_to_int(n, &i))
            return of_integer(i);
        return decimal_parse(n->text, n->length, &out.decimal) ? of_decimal(out.decimal) : *v;
    case TREE_STRING: {
        moment m;
        enum fhirpath_kind kind = text_kind(v->type, n, &m);
        return kind == FHIRPATH_STRING ? of_text(n->text, n->length) : of_kind_moment(kind, m);
    }
    case TREE_OBJECT:
        if (v->type && named(v->type, "Quantity") && quantity_of(v, &out))
            return out;
        return *v;
    default: return *v;
    }
}

bool single(struct evaluation *e, const struct expression *x, const collection *c, value *out,
            bool *found) {
    *found = c->count == 1;
    if (c->count > 1)
        return evaluation_error(e, x, "one item is needed here, there are %zu", c->count);
    if (*found)
        *out = plain(e, &c->items[0]);
    return true;
}

bool single_text(struct evaluation *e, const struct expression *x, const collection *c,
                 const char **text, size_t *length, bool *found) {
    value v;
    if (!single(e, x, c, &v, found) || !*found)
        return !error_is_set(e->error);
    if (v.kind == FHIRPATH_STRING) {
        *text = v.string.text;
        *length = v.string.length;
        return true;
    }
    if (v.kind == FHIRPATH_NODE || v.kind == FHIRPATH_QUANTITY || v.kind == FHIRPATH_TYPE)
        return evaluation_error(e, x, "a string is needed here");
    /* dates of FHIR read as text where a string is needed; numbers and booleans don't */
    if (v.kind == FHIRPATH_INTEGER || v.kind == FHIRPATH_DECIMAL || v.kind == FHIRPATH_BOOLEAN)
        return evaluation_error(e, x, "a string is needed here");
    *text = fhirpath_to_text(e->arena, &v, length);
    return *text || out_of_memory(e);
}

bool single_integer(struct evaluation *e, const struct expression *x, const collection *c,
                    int64_t *out, bool *found) {
    value v;
    if (!single(e, x, c, &v, found) || !*found)
        return !error_is_set(e->error);
    if (v.kind != FHIRPATH_INTEGER)
        return evaluation_error(e, x, "an integer is needed here");
    *out = v.integer;
    return true;
}

bool single_boolean(struct evaluation *e, const struct expression *x, const collection *c,
                    bool *out, bool *found) {
    value v;
    if (!single(e, x, c, &v, found) || !*found)
        return !error_is_set(e->error);
    *out = v.kind == FHIRPATH_BOOLEAN
               ? v.boolean
               : true; /* a single item of another type counts as true (N1 section 4.5) */
    return true;
}

bool fhirpath_truth(const struct fhirpath_collection *c, bool *truth, struct iptfhir_error *error) {
    if (c->count > 1)
        return error_set(error, "fhirpath-evaluation", NULL,
                         "a condition must give one value, this gives %zu", c->count);
    value v = c->count ? plain(NULL, &c->items[0]) : of_boolean(false);
    *truth = v.kind == FHIRPATH_BOOLEAN ? v.boolean : true;
    return true;
}

const char *fhirpath_to_text(struct arena *a, const struct fhirpath_value *given, size_t *length) {
    char text[160];
    value v = plain(NULL, given);
    int n = 0;
    switch (v.kind) {
    case FHIRPATH_STRING: *length = v.string.length; return v.string.text;
    case FHIRPATH_BOOLEAN: *length = v.boolean ? 4 : 5; return v.boolean ? "true" : "false";
    case FHIRPATH_INTEGER: n = snprintf(text, sizeof text, "%lld", (long long)v.integer); break;
    case FHIRPATH_DECIMAL: n = decimal_text(v.decimal, text); break;
    case FHIRPATH_DATE:
    case FHIRPATH_DATETIME:
    case FHIRPATH_TIME: n = moment_text(&v.moment, v.kind, text); break;
    case FHIRPATH_QUANTITY: {
        char number[64];
        decimal_text(v.quantity.value, number);
        const char *quote = v.quantity.calendar ? "" : "'";
        char *out = arena_printf(a, "%s %s%s%s", number, quote, v.quantity.unit, quote);
        *length = out ? strlen(out) : 0;
        return out;
    }
    default: /* a number beyond the decimals keeps its source text */
        if (v.kind == FHIRPATH_NODE && v.node && v.node->kind == TREE_NUMBER)
            return *length = v.node->length, v.node->text;
        return NULL;
    }
    *length = (size_t)n;
    return arena_strndup(a, text, (size_t)n);
}

struct tree *fhirpath_to_tree(struct arena *a, const struct fhirpath_value *v) {
    char text[64];
    size_t length;
    switch (v->kind) {
    case FHIRPATH_NODE: return v->node ? tree_copy(a, v->node) : tree_new(a, TREE_NULL);
    case FHIRPATH_BOOLEAN: return tree_boolean(a, v->boolean);
    case FHIRPATH_INTEGER: return tree_integer(a, v->integer);
    case FHIRPATH_DECIMAL: return tree_number(a, text, (size_t)decimal_text(v->decimal, text));
    case FHIRPATH_STRING: return tree_string(a, v->string.text, v->string.length);
    case FHIRPATH_QUANTITY: {
        struct tree *q = tree_new(a, TREE_OBJECT);
        const char *unit = v->quantity.unit;
        bool ok = q &&
                  tree_add(a, q, "value",
                           tree_number(a, text, (size_t)decimal_text(v->quantity.value, text))) &&
                  tree_add(a, q, "unit", tree_string(a, unit, strlen(unit)));
        if (ok && !v->quantity.calendar)
            ok = tree_add(a, q, "system", tree_string(a, "http://unitsofmeasure.org", 25)) &&
                 tree_add(a, q, "code", tree_string(a, unit, strlen(unit)));
        return ok ? q : NULL;
    }
    default: {
        const char *s = fhirpath_to_text(a, v, &length);
        return s ? tree_string(a, s, length) : tree_new(a, TREE_NULL);
    }
    }
}

/* ---- quantities ---- */

const char *calendar_word(const char *unit, size_t length) {
    static const char *const words[] = { "year", "month",  "week",   "day",
                                         "hour", "minute", "second", "millisecond" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((length == n || (length == n + 1 && unit[n] == 's')) && !memcmp(unit, words[i], n))
            return words[i];
    }
    return NULL;
}

/* Units with the same dimension and their exact factor to its base: digits * 10^-scale. (UCUM; only
 * what records and questionnaires use.) */
static const struct {
    const char *code;
    char dimension;
    int64_t digits;
    int scale;
} units[] = {
    { "kg", 'm', 1000, 0 },
    { "g", 'm', 1, 0 },
    { "mg", 'm', 1, 3 },
    { "ug", 'm', 1, 6 },
    { "[lb_av]", 'm', 45359237, 5 },
    { "[oz_av]", 'm', 28349523125, 9 },
    { "km", 'l', 1000, 0 },
    { "m", 'l', 1, 0 },
    { "cm", 'l', 1, 2 },
    { "mm", 'l', 1, 3 },
    { "[in_i]", 'l', 254, 4 },
    { "[ft_i]", 'l', 3048, 4 },
    { "L", 'v', 1, 0 },
    { "mL", 'v', 1, 3 },
    { "dL", 'v', 1, 1 },
    { "ms", 't', 1, 3 },
    { "s", 't', 1, 0 },
    { "min", 't', 60, 0 },
    { "h", 't', 3600, 0 },
    { "d", 't', 86400, 0 },
    { "wk", 't', 604800, 0 },
    { "mo", 't', 26298000, 1 },
    { "a", 't', 31557600, 0 },
    { "1", '1', 1, 0 },
    { "%", '1', 1, 2 },
};
/* Calendar words that are definite durations, and months and years among themselves. */
static const struct {
    const char *word, *code;
} words[] = { { "week", "wk" },    { "day", "d" },    { "hour", "h" },
              { "minute", "min" }, { "second", "s" }, { "millisecond", "ms" } };

/* Index of a unit, -1 when it isn't in the table. */
static int unit_index(const char *unit, bool calendar) {
    const char *code = unit;
    for (size_t i = 0; i < 6; i++)
        if (calendar && !strcmp(words[i].word, unit))
            code = words[i].code;
    if (calendar && code == unit)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(units[i].code, code))
            return (int)i;
    return -1;
}

/* Tells whether two quantities are of the calendar's units `left` and `right`. */
static bool are_calendar(const value *a, const value *b, const char *left, const char *right) {
    if (!a->quantity.calendar || !b->quantity.calendar)
        return false;
    return strcmp(a->quantity.unit, left) == 0 && strcmp(b->quantity.unit, right) == 0;
}

/* Converts an amount to the base unit of its dimension. */
static bool to_base(decimal *amount, int unit) {
    const decimal factor = { units[unit].digits, units[unit].scale };
    return decimal_multiply(*amount, factor, amount);
}

bool quantity_common(const value *a, const value *b, decimal *x, decimal *y) {
    const char *ua = a->quantity.unit, *ub = b->quantity.unit;
    *x = a->quantity.value;
    *y = b->quantity.value;
    if (strcmp(ua, ub) == 0 && a->quantity.calendar == b->quantity.calendar)
        return true;
    if (are_calendar(a, b, "year", "month"))
        return decimal_multiply(*x, decimal_of(12), x);
    if (are_calendar(a, b, "month", "year"))
        return decimal_multiply(*y, decimal_of(12), y);
    int i = unit_index(ua, a->quantity.calendar);
    int j = unit_index(ub, b->quantity.calendar);
    if (i < 0 || j < 0 || units[i].dimension != units[j].dimension)
        return false;
    return to_base(x, i) && to_base(y, j);
}

bool quantity_parse(struct evaluation *e, const char *text, size_t length, value *out) {
    size_t n = 0, last = length;
    while (n < length && (text[n] == '-' || text[n] == '+' || text[n] == '.' ||
                          (text[n] >= '0' && text[n] <= '9')))
        n++;
    if (!decimal_parse(text, n, &out->quantity.value))
        return false;
    size_t at = n;
    while (at < length && text[at] == ' ')
        at++;
    out->kind = FHIRPATH_QUANTITY;
    out->quantity.calendar = false;
    out->quantity.unit = "1";
    if (at == length)
        return n == length;
    if (text[at] == '\'' && text[last - 1] == '\'' && last - at > 2) {
        out->quantity.unit = arena_strndup(e->arena, text + at + 1, last - at - 2);
        return out->quantity.unit != NULL;
    }
    out->quantity.unit = calendar_word(text + at, last - at);
    out->quantity.calendar = true;
    return at > n && out->quantity.unit != NULL;
}
