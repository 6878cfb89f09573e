/* SPDX-License-Identifier: Apache-2.0 */
/* Binary operators: arithmetic, comparison, logic, collections. */
#include "core/fhirpath/internal.h"

#include <string.h>

/* ---- integers and decimals: what doesn't fit, or is divided by zero, is empty ---- */

/* Tells whether a quotient of integers has a value. */
static bool divides(int64_t a, int64_t b) {
    bool overflow = a == INT64_MIN && b == -1;
    return b != 0 && !overflow;
}

static void integers(struct evaluation *e, enum operator_kind op, int64_t a, int64_t b,
                     collection *out) {
    int64_t r = 0;
    bool fits;
    switch (op) {
    case OP_ADD: fits = !__builtin_add_overflow(a, b, &r); break;
    case OP_SUBTRACT: fits = !__builtin_sub_overflow(a, b, &r); break;
    case OP_MULTIPLY: fits = !__builtin_mul_overflow(a, b, &r); break;
    case OP_DIV:
        fits = divides(a, b);
        r = fits ? a / b : 0;
        break;
    default:
        fits = divides(a, b);
        r = fits ? a % b : 0;
        break;
    }
    if (fits)
        push(e, out, of_integer(r));
}

/* The whole number of times that b goes into a; false when it has none. */
static bool whole_quotient(decimal a, decimal b, int64_t *out) {
    decimal q;
    return decimal_divide(a, b, &q) && decimal_whole(q, TOWARD_ZERO, out);
}

/* What is left of a when b is taken as often as it goes. */
static bool remainder_of(decimal a, decimal b, decimal *out) {
    int64_t whole;
    decimal taken;
    decimal left;
    bool fits = whole_quotient(a, b, &whole);
    fits = fits && decimal_multiply(decimal_of(whole), b, &taken);
    fits = fits && decimal_subtract(a, taken, &left);
    if (fits)
        *out = decimal_trim(left);
    return fits;
}

static void push_quotient(struct evaluation *e, decimal a, decimal b, collection *out) {
    int64_t whole;
    if (whole_quotient(a, b, &whole))
        push(e, out, of_integer(whole));
}

/* Computes with decimals, or an integer and a decimal. */
static void decimals(struct evaluation *e, enum operator_kind op, decimal a, decimal b,
                     collection *out) {
    decimal r;
    bool fits;
    switch (op) {
    case OP_ADD: fits = decimal_add(a, b, &r); break;
    case OP_SUBTRACT: fits = decimal_subtract(a, b, &r); break;
    case OP_MULTIPLY: fits = decimal_multiply(a, b, &r); break;
    case OP_DIVIDE: fits = decimal_divide(a, b, &r); break;
    case OP_DIV: push_quotient(e, a, b, out); return;
    default: fits = remainder_of(a, b, &r); break;
    }
    if (fits)
        push(e, out, of_decimal(r));
}

/* ---- quantities: what has no meaning is empty ---- */

static bool has_unit(const value *v, const char *unit) {
    return strcmp(v->quantity.unit, unit) == 0;
}

/* One of a quantity's unit. */
static value one_of(const value *v) {
    return of_quantity(decimal_of(1), v->quantity.unit, v->quantity.calendar);
}

/* Adds or subtracts two amounts. */
static bool add_amounts(enum operator_kind op, decimal a, decimal b, decimal *out) {
    return op == OP_SUBTRACT ? decimal_subtract(a, b, out) : decimal_add(a, b, out);
}

/* The sum of two quantities of different units, in that of the right one. */
static bool sum_converted(enum operator_kind op, const value *a, const value *b, decimal *out) {
    value unit = one_of(b);
    decimal x;
    decimal y;
    decimal base;
    decimal unused;
    bool fits = quantity_common(a, b, &x, &y);
    fits = fits && add_amounts(op, x, y, &x);
    fits = fits && quantity_common(&unit, a, &base, &unused);
    return fits && decimal_divide(x, base, out);
}

/* Adds or subtracts two quantities of one dimension, in the right one's unit when the left one
 * converts; empty when it doesn't. */
static void sum(struct evaluation *e, enum operator_kind op, const value *a, const value *b,
                collection *out) {
    value r = *b;
    decimal *amount = &r.quantity.value;
    bool same_kind = a->quantity.calendar == b->quantity.calendar;
    bool fits;
    if (same_kind && has_unit(a, b->quantity.unit))
        fits = add_amounts(op, a->quantity.value, b->quantity.value, amount);
    else
        fits = sum_converted(op, a, b, amount);
    if (fits)
        push(e, out, r);
}

/* Pushes a product or quotient with its unit, which is NULL when memory was out. */
static void push_derived(struct evaluation *e, decimal amount, const char *unit, collection *out) {
    if (unit == NULL)
        out_of_memory(e);
    else
        push(e, out, of_quantity(amount, unit, false));
}

/* The factor of a product in the unit of the left quantity: that of the right one as it is when
 * they have different dimensions. False when it doesn't fit. */
static bool factor_in_unit_of(const value *a, const value *b, bool *alike, decimal *factor) {
    value unit = one_of(a);
    decimal x;
    decimal y;
    decimal base;
    bool has_units = !has_unit(a, UNIT_ONE) && !has_unit(b, UNIT_ONE);
    *factor = b->quantity.value;
    *alike = has_units && quantity_common(a, b, &x, &y);
    if (!*alike || has_unit(a, b->quantity.unit))
        return true;
    return quantity_common(&unit, b, &base, factor) && decimal_divide(*factor, base, factor);
}

/* Multiplies two quantities: cm * m is in the left unit, kg * m in a product of both. */
static void product(struct evaluation *e, const value *a, const value *b, collection *out) {
    const char *ua = a->quantity.unit;
    const char *ub = b->quantity.unit;
    bool alike;
    decimal r;
    if (!factor_in_unit_of(a, b, &alike, &r))
        return;
    if (!decimal_multiply(a->quantity.value, r, &r))
        return;
    if (has_unit(a, UNIT_ONE))
        push_derived(e, r, ub, out);
    else if (has_unit(b, UNIT_ONE))
        push_derived(e, r, ua, out);
    else if (alike || has_unit(a, ub))
        push_derived(e, r, arena_printf(e->arena, "%s2", ua), out);
    else
        push_derived(e, r, arena_printf(e->arena, "%s.%s", ua, ub), out);
}

/* Divides two quantities: of one dimension to a number, of others to a quotient of both units. */
static void quotient(struct evaluation *e, const value *a, const value *b, collection *out) {
    const char *ua = a->quantity.unit;
    const char *ub = b->quantity.unit;
    decimal x;
    decimal y;
    decimal r;
    bool by_number = has_unit(b, UNIT_ONE);
    bool alike = !by_number && quantity_common(a, b, &x, &y);
    if (!alike) {
        x = a->quantity.value;
        y = b->quantity.value;
    }
    if (!decimal_divide(x, y, &r))
        return;
    if (alike)
        push_derived(e, r, UNIT_ONE, out);
    else if (by_number)
        push_derived(e, r, ua, out);
    else
        push_derived(e, r, arena_printf(e->arena, "%s/%s", ua, ub), out);
}

static void quantities(struct evaluation *e, enum operator_kind op, const value *a, const value *b,
                       collection *out) {
    switch (op) {
    case OP_ADD:
    case OP_SUBTRACT: sum(e, op, a, b, out); break;
    case OP_MULTIPLY: product(e, a, b, out); break;
    case OP_DIVIDE: quotient(e, a, b, out); break;
    default: break;
    }
}

/* ---- arithmetic ---- */

/* A date or time plus or minus a quantity of time. */
static void moments(struct evaluation *e, const struct expression *x, const value *a,
                    const value *b, collection *out) {
    value r = *a;
    decimal amount = b->quantity.value;
    if (x->op == OP_SUBTRACT)
        amount = decimal_negate(amount);
    switch (moment_add(&r.moment, a->kind, amount, b->quantity.unit)) {
    case MOMENT_ADDED: push(e, out, r); break;
    case MOMENT_OUT_OF_RANGE: break;
    case MOMENT_NO_DURATION:
        evaluation_error(
            e, x, "only a quantity of time can be added to a date or time: 3 months, 2 'wk'");
        break;
    }
}

/* Pushes one text behind another. */
static void push_joined(struct evaluation *e, const struct text *s, const struct text *t,
                        collection *out) {
    size_t length = s->length + t->length;
    char *both = arena_alloc(e->arena, length + 1);
    if (both == NULL) {
        out_of_memory(e);
        return;
    }
    memcpy(both, s->data, s->length);
    memcpy(both + s->length, t->data, t->length);
    both[length] = '\0';
    push(e, out, of_text(both, length));
}

static void strings(struct evaluation *e, const value *a, const value *b, collection *out) {
    const struct text s = { a->string.text, a->string.length };
    const struct text t = { b->string.text, b->string.length };
    push_joined(e, &s, &t, out);
}

static bool are_of(enum fhirpath_kind kind, const value *a, const value *b) {
    return a->kind == kind && b->kind == kind;
}

/* + - * / div mod on single values. */
static void arithmetic(struct evaluation *e, const struct expression *x, value a, value b,
                       collection *out) {
    enum operator_kind op = (enum operator_kind)x->op;
    bool adds = op == OP_ADD || op == OP_SUBTRACT;
    bool moves = adds && is_moment(&a) && b.kind == FHIRPATH_QUANTITY;
    number_to_quantity(&a, &b);
    number_to_quantity(&b, &a);
    if (moves)
        moments(e, x, &a, &b, out);
    else if (op == OP_ADD && are_of(FHIRPATH_STRING, &a, &b))
        strings(e, &a, &b, out);
    else if (op != OP_DIVIDE && are_of(FHIRPATH_INTEGER, &a, &b))
        integers(e, op, a.integer, b.integer, out);
    else if (is_number(&a) && is_number(&b))
        decimals(e, op, decimal_value(&a), decimal_value(&b), out);
    else if (are_of(FHIRPATH_QUANTITY, &a, &b))
        quantities(e, op, &a, &b, out);
    else
        evaluation_error(e, x, "this operator doesn't work on these types");
}

/* < <= > >= on single values. */
static void order(struct evaluation *e, const struct expression *x, const value *a, const value *b,
                  collection *out) {
    struct comparison r = value_compare(a, b);
    if (!r.comparable)
        evaluation_error(e, x, "these types have no order between them");
    if (!r.known)
        return;
    switch (x->op) {
    case OP_LESS: push(e, out, of_boolean(r.order < 0)); break;
    case OP_LESS_EQUAL: push(e, out, of_boolean(r.order <= 0)); break;
    case OP_GREATER: push(e, out, of_boolean(r.order > 0)); break;
    default: push(e, out, of_boolean(r.order >= 0)); break;
    }
}

/* ---- logic ---- */

/* Three values: empty stands between false and true. */
enum truth { IS_FALSE, IS_EMPTY, IS_TRUE };

/* What an operator gives for each pair, left by right (N1 section 6.5). */
typedef const enum truth truth_table[3][3];
static truth_table and_table = { { IS_FALSE, IS_FALSE, IS_FALSE },
                                 { IS_FALSE, IS_EMPTY, IS_EMPTY },
                                 { IS_FALSE, IS_EMPTY, IS_TRUE } };
static truth_table or_table = { { IS_FALSE, IS_EMPTY, IS_TRUE },
                                { IS_EMPTY, IS_EMPTY, IS_TRUE },
                                { IS_TRUE, IS_TRUE, IS_TRUE } };
static truth_table xor_table = { { IS_FALSE, IS_EMPTY, IS_TRUE },
                                 { IS_EMPTY, IS_EMPTY, IS_EMPTY },
                                 { IS_TRUE, IS_EMPTY, IS_FALSE } };
static truth_table implies_table = { { IS_TRUE, IS_TRUE, IS_TRUE },
                                     { IS_EMPTY, IS_EMPTY, IS_TRUE },
                                     { IS_FALSE, IS_EMPTY, IS_TRUE } };

/* The truth of one side. */
static enum truth truth_of(struct evaluation *e, const struct expression *x,
                           const collection *side) {
    bool is_true;
    if (!single_boolean(e, x, side, &is_true))
        return IS_EMPTY;
    return is_true ? IS_TRUE : IS_FALSE;
}

static void logic(struct evaluation *e, const struct expression *x, truth_table table,
                  const collection *left, const collection *right, collection *out) {
    enum truth a = truth_of(e, x, left);
    enum truth b = truth_of(e, x, right);
    enum truth r = table[a][b];
    if (r != IS_EMPTY)
        push(e, out, of_boolean(r == IS_TRUE));
}

/* ---- collections ---- */

/* &: text of both, empty is "". */
static void concatenate(struct evaluation *e, const struct expression *x, const collection *a,
                        const collection *b, collection *out) {
    struct text s = { "", 0 };
    struct text t = { "", 0 };
    single_text(e, x, a, &s);
    single_text(e, x, b, &t);
    push_joined(e, &s, &t, out);
}

/* = and !=. */
static void equality(struct evaluation *e, bool wanted, const collection *a, const collection *b,
                     collection *out) {
    enum equality r = collection_equal(a, b);
    if (r != EQUALITY_OPEN)
        push(e, out, of_boolean(wanted == (r == EQUAL)));
}

/* ~ and !~. */
static void equivalence(struct evaluation *e, bool wanted, const collection *a, const collection *b,
                        collection *out) {
    push(e, out, of_boolean(wanted == collection_equivalent(e, a, b)));
}

/* in, and contains the other way round. */
static void membership(struct evaluation *e, const struct expression *x, const collection *item,
                       const collection *list, collection *out) {
    if (item->count > 1)
        evaluation_error(e, x, "one item is looked for, there are %zu", item->count);
    if (item->count == 1)
        push(e, out, of_boolean(contains_value(e, list, &item->items[0])));
}

/* Operators on one value of each side: empty when a side is. */
static void on_values(struct evaluation *e, const struct expression *x, const collection *a,
                      const collection *b, collection *out) {
    value p;
    value q;
    bool has_a = single(e, x, a, &p);
    bool has_b = single(e, x, b, &q);
    if (!has_a || !has_b)
        return;
    if (x->op >= OP_LESS && x->op <= OP_GREATER_EQUAL)
        order(e, x, &p, &q, out);
    else
        arithmetic(e, x, p, q, out);
}

void binary(struct evaluation *e, const struct expression *x, const collection *a,
            const collection *b, collection *out) {
    switch (x->op) {
    case OP_UNION:
        push_new(e, out, a);
        push_new(e, out, b);
        break;
    case OP_CONCAT: concatenate(e, x, a, b, out); break;
    case OP_EQUAL: equality(e, true, a, b, out); break;
    case OP_NOT_EQUAL: equality(e, false, a, b, out); break;
    case OP_EQUIVALENT: equivalence(e, true, a, b, out); break;
    case OP_NOT_EQUIVALENT: equivalence(e, false, a, b, out); break;
    case OP_IN: membership(e, x, a, b, out); break;
    case OP_CONTAINS: membership(e, x, b, a, out); break;
    case OP_AND: logic(e, x, and_table, a, b, out); break;
    case OP_OR: logic(e, x, or_table, a, b, out); break;
    case OP_XOR: logic(e, x, xor_table, a, b, out); break;
    case OP_IMPLIES: logic(e, x, implies_table, a, b, out); break;
    default: on_values(e, x, a, b, out); break;
    }
}
