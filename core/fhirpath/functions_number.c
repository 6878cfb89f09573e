/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over numbers (N1 section 5.7). */
#include "core/fhirpath/internal.h"

#include <math.h>

#define MOST_PLACES 28

/* The single number of a collection, whatever its kind, and its amount. */
static bool number_in(const struct call *c, const collection *in, value *v, decimal *d) {
    if (!single(c->e, c->x, in, v))
        return false;
    if (v->kind == FHIRPATH_QUANTITY) {
        *d = v->quantity.value;
        return true;
    }
    if (!is_number(v)) {
        evaluation_error(c->e, c->x, "%s() needs a number", c->x->name);
        return false;
    }
    *d = decimal_value(v);
    return true;
}

static bool input_number(const struct call *c, value *v, decimal *d) {
    return number_in(c, c->in, v, d);
}

/* Gives a decimal in the shape of the input: integer where it is one, with its unit. */
static void give_like(const struct call *c, const value *like, decimal d) {
    int64_t whole;
    if (like->kind == FHIRPATH_QUANTITY)
        give(c, of_quantity(d, like->quantity.unit, like->quantity.calendar));
    else if (like->kind == FHIRPATH_INTEGER && decimal_whole(d, TOWARD_ZERO, &whole))
        give_integer(c, whole);
    else
        give_decimal(c, d);
}

static void do_abs(const struct call *c) {
    value v;
    decimal d;
    if (input_number(c, &v, &d))
        give_like(c, &v, d.digits < 0 ? decimal_negate(d) : d);
}

/* Gives the input as an integer; nothing when it doesn't fit. */
static void give_whole(const struct call *c, enum rounding rounding) {
    value v;
    decimal d;
    int64_t whole;
    if (input_number(c, &v, &d) && decimal_whole(d, rounding, &whole))
        give_integer(c, whole);
}

static void do_ceiling(const struct call *c) {
    give_whole(c, TO_CEILING);
}

static void do_floor(const struct call *c) {
    give_whole(c, TO_FLOOR);
}

static void do_truncate(const struct call *c) {
    give_whole(c, TOWARD_ZERO);
}

static void do_round(const struct call *c) {
    value v;
    decimal d;
    int64_t places = 0;
    bool found = input_number(c, &v, &d);
    bool told = c->x->arg_count == 0 || argument_integer(c, 0, &places);
    if (told && places < 0)
        evaluation_error(c->e, c->x, "round() needs a number of places that is not negative");
    if (!found || !told)
        return;
    d = decimal_round(d, places > MOST_PLACES ? MOST_PLACES : (int)places);
    if (v.kind == FHIRPATH_QUANTITY)
        give_like(c, &v, d);
    else
        give_decimal(c, d);
}

/* ---- functions of real numbers ---- */

/* Gives a real number; what isn't finite is empty. */
static void give_real(const struct call *c, double r) {
    decimal d;
    if (decimal_from_double(r, &d))
        give_decimal(c, d);
}

static void give_real_of(const struct call *c, double (*f)(double)) {
    value v;
    decimal d;
    if (input_number(c, &v, &d))
        give_real(c, f(decimal_double(d)));
}

static void do_exp(const struct call *c) {
    give_real_of(c, exp);
}

static void do_ln(const struct call *c) {
    give_real_of(c, log);
}

static void do_sqrt(const struct call *c) {
    give_real_of(c, sqrt);
}

/* The input and the argument as numbers. */
static bool two_numbers(const struct call *c, value *v, decimal *d, value *w, decimal *f) {
    collection given = { 0 };
    bool has_input = input_number(c, v, d);
    argument(c, 0, &given);
    bool has_argument = number_in(c, &given, w, f);
    return has_input && has_argument;
}

static void do_log(const struct call *c) {
    value v;
    value w;
    decimal d;
    decimal base;
    if (two_numbers(c, &v, &d, &w, &base))
        give_real(c, log(decimal_double(d)) / log(decimal_double(base)));
}

/* A power with a small whole exponent is exact; false when it doesn't fit. */
static bool exact_power(decimal d, int64_t exponent, decimal *out) {
    *out = decimal_of(1);
    for (int64_t i = 0; i < exponent; i++)
        if (!decimal_multiply(*out, d, out))
            return false;
    return true;
}

static void do_power(const struct call *c) {
    value v;
    value w;
    decimal d;
    decimal exponent;
    decimal product;
    if (!two_numbers(c, &v, &d, &w, &exponent))
        return;
    bool exact = w.kind == FHIRPATH_INTEGER && w.integer >= 0 && w.integer < 256;
    if (!exact)
        give_real(c, pow(decimal_double(d), decimal_double(exponent)));
    else if (exact_power(d, w.integer, &product))
        give_like(c, &v, product);
}

/* ---- functions of many numbers ---- */

/* Applies an operator to two collections. */
static void operate(const struct call *c, enum operator_kind op, const collection *a,
                    const collection *b, collection *out) {
    const struct expression x = {
        .kind = X_BINARY, .op = (uint8_t)op, .line = c->x->line, .column = c->x->column
    };
    binary(c->e, &x, a, b, out);
}

/* The sum of the input, as + gives it. */
static collection sum_of(const struct call *c) {
    collection total = { 0 };
    for (size_t i = 0; i < c->in->count; i++) {
        const collection one = { &c->in->items[i], 1, 1 };
        collection next = { 0 };
        if (i == 0)
            push(c->e, &next, c->in->items[i]);
        else
            operate(c, OP_ADD, &total, &one, &next);
        total = next;
    }
    return total;
}

static void do_sum(const struct call *c) {
    collection total = sum_of(c);
    push_all(c->e, c->out, &total);
}

static void do_avg(const struct call *c) {
    value count = of_integer((int64_t)c->in->count);
    const collection divisor = { &count, 1, 1 };
    collection total = sum_of(c);
    if (c->in->count > 0)
        operate(c, OP_DIVIDE, &total, &divisor, c->out);
}

/* Gives the item that is before all others: in their order, or with -1 against it. */
static void give_extreme(const struct call *c, int direction) {
    const value *best = NULL;
    for (size_t i = 0; i < c->in->count; i++) {
        const value *item = &c->in->items[i];
        if (best == NULL) {
            best = item;
            continue;
        }
        struct comparison r = value_compare(item, best);
        if (!r.comparable)
            evaluation_error(c->e, c->x, "%s() cannot order these types", c->x->name);
        if (r.known && r.order * direction < 0)
            best = item;
    }
    if (best != NULL)
        give(c, *best);
}

static void do_min(const struct call *c) {
    give_extreme(c, 1);
}

static void do_max(const struct call *c) {
    give_extreme(c, -1);
}

const struct function functions_number[] = {
    { "abs", 0, 0, do_abs },     { "ceiling", 0, 0, do_ceiling },
    { "floor", 0, 0, do_floor }, { "truncate", 0, 0, do_truncate },
    { "round", 0, 1, do_round }, { "exp", 0, 0, do_exp },
    { "ln", 0, 0, do_ln },       { "sqrt", 0, 0, do_sqrt },
    { "log", 1, 1, do_log },     { "power", 1, 1, do_power },
    { "sum", 0, 0, do_sum },     { "avg", 0, 0, do_avg },
    { "min", 0, 0, do_min },     { "max", 0, 0, do_max },
    { NULL, 0, 0, NULL },
};
