/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between the System types (N1 section 5.5): toX() and convertsToX(). */
#include "core/fhirpath/internal.h"

#include <string.h>
#include <strings.h>

/* One conversion: false when the value has no counterpart. */
typedef bool conversion(struct arena *a, const value *v, value *out);

/* The text of a string; false for other kinds. */
static bool text_of(const value *v, struct text *out) {
    *out = (struct text) { v->string.text, v->string.length };
    return v->kind == FHIRPATH_STRING;
}

/* Tells whether a text has an exponent, which strings of numbers must not have. */
static bool has_exponent(const struct text *s) {
    return memchr(s->data, 'e', s->length) != NULL || memchr(s->data, 'E', s->length) != NULL;
}

/* Tells whether a text is one of the words, whatever the case. */
static bool is_word(const struct text *s, const char *const *words) {
    for (; *words != NULL; words++)
        if (strlen(*words) == s->length && strncasecmp(s->data, *words, s->length) == 0)
            return true;
    return false;
}

/* 1 and 0 are true and false. */
static bool number_to_boolean(decimal d, value *out) {
    bool is_one = decimal_compare(d, decimal_of(1)) == 0;
    *out = of_boolean(is_one);
    return is_one || d.digits == 0;
}

static bool word_to_boolean(const struct text *word, value *out) {
    static const char *const yes[] = { "true", "t", "yes", "y", "1", "1.0", NULL };
    static const char *const no[] = { "false", "f", "no", "n", "0", "0.0", NULL };
    bool is_yes = is_word(word, yes);
    *out = of_boolean(is_yes);
    return is_yes || is_word(word, no);
}

static bool to_boolean(struct arena *a, const value *v, value *out) {
    struct text s;
    (void)a;
    if (is_number(v))
        return number_to_boolean(decimal_value(v), out);
    if (text_of(v, &s))
        return word_to_boolean(&s, out);
    *out = *v;
    return v->kind == FHIRPATH_BOOLEAN;
}

/* A string of a whole number that fits the standard's 32 bits. */
static bool text_to_integer(const struct text *s, value *out) {
    decimal d;
    bool plain_digits = !has_exponent(s) && memchr(s->data, '.', s->length) == NULL;
    if (!plain_digits || !decimal_parse(s->data, s->length, &d))
        return false;
    *out = of_integer((int64_t)d.digits);
    return d.digits <= INT32_MAX && d.digits >= INT32_MIN;
}

static bool to_integer(struct arena *a, const value *v, value *out) {
    struct text s;
    (void)a;
    if (text_of(v, &s))
        return text_to_integer(&s, out);
    *out = v->kind == FHIRPATH_BOOLEAN ? of_integer(v->boolean) : *v;
    return out->kind == FHIRPATH_INTEGER;
}

static bool text_to_decimal(const struct text *s, value *out) {
    decimal d;
    if (has_exponent(s) || !decimal_parse(s->data, s->length, &d))
        return false;
    *out = of_decimal(d);
    return true;
}

static bool to_decimal(struct arena *a, const value *v, value *out) {
    struct text s;
    (void)a;
    if (text_of(v, &s))
        return text_to_decimal(&s, out);
    switch (v->kind) {
    case FHIRPATH_BOOLEAN: *out = of_decimal(decimal_of(v->boolean)); return true;
    case FHIRPATH_INTEGER: *out = of_decimal(decimal_of(v->integer)); return true;
    default: *out = *v; return v->kind == FHIRPATH_DECIMAL;
    }
}

static bool to_string(struct arena *a, const value *v, value *out) {
    if (v->kind == FHIRPATH_NODE || v->kind == FHIRPATH_TYPE)
        return false;
    size_t length = 0;
    const char *text = fhirpath_to_text(a, v, &length);
    *out = of_text(text, length);
    return text != NULL;
}

/* The date of a dateTime. */
static moment date_part(moment m) {
    if (m.precision > TO_DAY)
        m.precision = TO_DAY;
    m.has_zone = false;
    return m;
}

static bool to_date(struct arena *a, const value *v, value *out) {
    struct text s;
    moment m;
    (void)a;
    if (v->kind == FHIRPATH_DATE || v->kind == FHIRPATH_DATETIME) {
        *out = of_kind_moment(FHIRPATH_DATE, date_part(v->moment));
        return true;
    }
    if (!text_of(v, &s))
        return false;
    bool parses = moment_parse(s.data, s.length, FHIRPATH_DATE, &m) ||
                  moment_parse(s.data, s.length, FHIRPATH_DATETIME, &m);
    if (parses)
        *out = of_kind_moment(FHIRPATH_DATE, date_part(m));
    return parses;
}

static bool to_date_time(struct arena *a, const value *v, value *out) {
    struct text s;
    moment m;
    (void)a;
    if (v->kind == FHIRPATH_DATE || v->kind == FHIRPATH_DATETIME) {
        *out = of_kind_moment(FHIRPATH_DATETIME, v->moment);
        return true;
    }
    bool parses = text_of(v, &s) && moment_parse(s.data, s.length, FHIRPATH_DATETIME, &m);
    if (parses)
        *out = of_kind_moment(FHIRPATH_DATETIME, m);
    return parses;
}

/* A string of a time has no T, as its literal has. */
static bool to_time(struct arena *a, const value *v, value *out) {
    struct text s;
    moment m;
    (void)a;
    *out = *v;
    if (v->kind == FHIRPATH_TIME)
        return true;
    if (!text_of(v, &s) || (s.length > 0 && s.data[0] == 'T'))
        return false;
    bool parses = moment_parse(s.data, s.length, FHIRPATH_TIME, &m);
    if (parses)
        *out = of_kind_moment(FHIRPATH_TIME, m);
    return parses;
}

static bool to_quantity(struct arena *a, const value *v, value *out) {
    struct text s;
    value d;
    *out = *v;
    if (v->kind == FHIRPATH_QUANTITY)
        return true;
    if (text_of(v, &s))
        return quantity_parse(a, s.data, s.length, out);
    if (!to_decimal(a, v, &d))
        return false;
    *out = of_quantity(d.decimal, UNIT_ONE, false);
    return true;
}

/* Converts a quantity to a unit; false when it has another dimension. */
static bool to_unit(const struct text *unit, value *v) {
    const char *word = calendar_word(unit->data, unit->length);
    value one = of_quantity(decimal_of(1), unit->data, false);
    decimal amount;
    decimal base;
    if (word != NULL)
        one = of_quantity(decimal_of(1), word, true);
    if (!quantity_common(v, &one, &amount, &base))
        return false;
    if (!decimal_divide(amount, base, &one.quantity.value))
        return false;
    *v = one;
    return true;
}

/* Converts a quantity to the unit that a call names; false when it can't, or names no unit. */
static bool to_asked_unit(const struct call *c, value *v) {
    struct text unit;
    return argument_text(c, 0, &unit) && to_unit(&unit, v);
}

/* The conversion of a type's name. */
static conversion *conversion_to(const char *type) {
    static const struct {
        const char *name;
        conversion *convert;
    } conversions[] = {
        { "Boolean", to_boolean },    { "Integer", to_integer }, { "Long", to_integer },
        { "Decimal", to_decimal },    { "String", to_string },   { "Date", to_date },
        { "DateTime", to_date_time }, { "Time", to_time },       { "Quantity", to_quantity },
    };
    size_t i = 0;
    while (strcmp(conversions[i].name, type) != 0)
        i++;
    return conversions[i].convert;
}

/* Converts the input; *found is false when there is none. */
static bool convert(const struct call *c, const char *type, bool *found, value *out) {
    value v;
    *found = single(c->e, c->x, c->in, &v);
    if (!*found || !conversion_to(type)(c->e->arena, &v, out))
        return false;
    bool in_unit = out->kind == FHIRPATH_QUANTITY && c->x->arg_count > 0;
    return !in_unit || to_asked_unit(c, out);
}

static void do_to(const struct call *c) {
    bool found;
    value v;
    if (convert(c, c->x->name + strlen("to"), &found, &v))
        give(c, v);
}

static void do_converts_to(const struct call *c) {
    bool found;
    value v;
    bool converts = convert(c, c->x->name + strlen("convertsTo"), &found, &v);
    if (found)
        give_boolean(c, converts);
}

const struct function functions_conversion[] = {
    { "toBoolean", 0, 0, do_to },
    { "toInteger", 0, 0, do_to },
    { "toLong", 0, 0, do_to },
    { "toDecimal", 0, 0, do_to },
    { "toString", 0, 0, do_to },
    { "toDate", 0, 0, do_to },
    { "toDateTime", 0, 0, do_to },
    { "toTime", 0, 0, do_to },
    { "toQuantity", 0, 1, do_to },
    { "convertsToBoolean", 0, 0, do_converts_to },
    { "convertsToInteger", 0, 0, do_converts_to },
    { "convertsToLong", 0, 0, do_converts_to },
    { "convertsToDecimal", 0, 0, do_converts_to },
    { "convertsToString", 0, 0, do_converts_to },
    { "convertsToDate", 0, 0, do_converts_to },
    { "convertsToDateTime", 0, 0, do_converts_to },
    { "convertsToTime", 0, 0, do_converts_to },
    { "convertsToQuantity", 0, 1, do_converts_to },
    { NULL, 0, 0, NULL },
};
