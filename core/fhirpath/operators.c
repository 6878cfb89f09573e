/* SPDX-License-Identifier: Apache-2.0 */
/* Binary operators: arithmetic, comparison, logic, collections. */
#include "core/fhirpath/internal.h"

#include <string.h>

static bool is_number(const value *v) {
    return v->kind == FHIRPATH_INTEGER || v->kind == FHIRPATH_DECIMAL;
}
static decimal decimal_value(const value *v) {
    return v->kind == FHIRPATH_INTEGER ? decimal_of(v->integer) : v->decimal;
}
static bool is_moment(const value *v) {
    return v->kind == FHIRPATH_DATE || v->kind == FHIRPATH_DATETIME || v->kind == FHIRPATH_TIME;
}

/* Integers: overflow beyond 32 bits of the standard gives nothing. */
static bool integers(struct evaluation *e, enum operator_kind op, int64_t a, int64_t b,
                     collection *out) {
    int64_t r = 0;
    bool overflow = false;
    switch (op) {
    case OP_ADD: overflow = __builtin_add_overflow(a, b, &r); break;
    case OP_SUBTRACT: overflow = __builtin_sub_overflow(a, b, &r); break;
    case OP_MULTIPLY: overflow = __builtin_mul_overflow(a, b, &r); break;
    case OP_DIV:
        overflow = !b || (a == INT64_MIN && b == -1);
        r = overflow ? 0 : a / b;
        break;
    default:
        overflow = !b || (a == INT64_MIN && b == -1);
        r = overflow ? 0 : a % b;
        break;
    }
    return overflow || push(e, out, of_integer(r));
}

/* The whole number of times that b goes into a; false when it has none. */
static bool whole_quotient(decimal a, decimal b, int64_t *out) {
    decimal q;
    return b.digits != 0 && decimal_divide(a, b, &q) && decimal_whole(q, -1, out);
}

/* What is left of a when b is taken as often as it goes. */
static bool remainder_of(decimal a, decimal b, decimal *out) {
    int64_t whole;
    decimal taken, left;
    bool fits = whole_quotient(a, b, &whole);
    fits = fits && decimal_multiply(decimal_of(whole), b, &taken);
    fits = fits && decimal_add(a, taken, true, &left);
    if (fits)
        *out = decimal_trim(left);
    return fits;
}

/* Computes with decimals, or an integer and a decimal; empty when the result doesn't fit. */
static bool decimals(struct evaluation *e, enum operator_kind op, decimal a, decimal b,
                     collection *out) {
    decimal r;
    int64_t whole;
    bool fits;
    switch (op) {
    case OP_ADD: fits = decimal_add(a, b, false, &r); break;
    case OP_SUBTRACT: fits = decimal_add(a, b, true, &r); break;
    case OP_MULTIPLY: fits = decimal_multiply(a, b, &r); break;
    case OP_DIVIDE: fits = decimal_divide(a, b, &r); break;
    case OP_DIV: return !whole_quotient(a, b, &whole) || push(e, out, of_integer(whole));
    default: fits = remainder_of(a, b, &r); break;
    }
    return !fits || push(e, out, of_decimal(r));
}

/* One of a quantity's unit. */
static value one_of(const value *v) {
    value one = *v;
    one.quantity.value = decimal_of(1);
    return one;
}

/* Adds or subtracts two quantities of one unit. */
static bool sum_alike(struct evaluation *e, bool subtract, const value *a, const value *b,
                      collection *out) {
    value r = *a;
    bool fits = decimal_add(a->quantity.value, b->quantity.value, subtract, &r.quantity.value);
    return !fits || push(e, out, r);
}

/* Adds or subtracts two quantities of one dimension, in the right one's unit when the left one
 * converts; empty when it doesn't. */
static bool sum(struct evaluation *e, bool subtract, const value *a, const value *b,
                collection *out) {
    value r = *a, unit = one_of(b);
    decimal x, y, u, v;
    bool same_unit = strcmp(a->quantity.unit, b->quantity.unit) == 0;
    if (same_unit && a->quantity.calendar == b->quantity.calendar)
        return sum_alike(e, subtract, a, b, out);
    bool fits = quantity_common(a, b, &x, &y);
    fits = fits && decimal_add(x, y, subtract, &x);
    fits = fits && quantity_common(&unit, a, &u, &v);
    fits = fits && decimal_divide(x, u, &r.quantity.value);
    if (!fits)
        return true;
    r.quantity.unit = b->quantity.unit;
    r.quantity.calendar = b->quantity.calendar;
    return push(e, out, r);
}

/* Pushes a product or quotient with its unit, which is NULL when memory was out. */
static bool push_derived(struct evaluation *e, value r, const char *unit, collection *out) {
    if (unit == NULL)
        return out_of_memory(e);
    r.quantity.unit = unit;
    r.quantity.calendar = false;
    return push(e, out, r);
}

/* Multiplies two quantities: cm * m is in the left unit, kg * m in a product of both. */
static bool product(struct evaluation *e, const value *a, const value *b, collection *out) {
    value r = *a, unit = one_of(a);
    const char *ua = a->quantity.unit, *ub = b->quantity.unit;
    decimal x, y, u, factor = b->quantity.value;
    if (strcmp(ua, "1") != 0 && strcmp(ub, "1") != 0 && strcmp(ua, ub) != 0 &&
        quantity_common(a, b, &x, &y)) {
        bool fits = quantity_common(&unit, b, &u, &factor) && decimal_divide(factor, u, &factor);
        if (!fits)
            return true;
        ub = ua;
    }
    if (!decimal_multiply(a->quantity.value, factor, &r.quantity.value))
        return true;
    if (strcmp(ua, "1") == 0)
        return push_derived(e, r, ub, out);
    if (strcmp(ub, "1") == 0)
        return push_derived(e, r, ua, out);
    if (strcmp(ua, ub) == 0)
        return push_derived(e, r, arena_printf(e->arena, "%s2", ua), out);
    return push_derived(e, r, arena_printf(e->arena, "%s.%s", ua, ub), out);
}

/* Divides two quantities: of one dimension to a number, of others to a quotient of both units. */
static bool quotient(struct evaluation *e, const value *a, const value *b, collection *out) {
    value r = *a;
    decimal x = a->quantity.value, y = b->quantity.value, common_x, common_y;
    const char *ua = a->quantity.unit, *ub = b->quantity.unit;
    bool by_number = strcmp(ub, "1") == 0;
    bool alike = quantity_common(a, b, &common_x, &common_y) && !by_number;
    if (alike) {
        x = common_x;
        y = common_y;
    }
    if (!decimal_divide(x, y, &r.quantity.value))
        return true;
    if (alike)
        return push_derived(e, r, "1", out);
    if (by_number)
        return push_derived(e, r, ua, out);
    return push_derived(e, r, arena_printf(e->arena, "%s/%s", ua, ub), out);
}

/* Computes with two quantities; what has no meaning is empty. */
static bool quantities(struct evaluation *e, enum operator_kind op, const value *a, const value *b,
                       collection *out) {
    switch (op) {
    case OP_ADD:
    case OP_SUBTRACT: return sum(e, op == OP_SUBTRACT, a, b, out);
    case OP_MULTIPLY: return product(e, a, b, out);
    case OP_DIVIDE: return quotient(e, a, b, out);
    default: return true;
    }
}

/* A date or time plus or minus a quantity of time. */
static bool moments(struct evaluation *e, const struct expression *x, const value *a,
                    const value *b, collection *out) {
    value r = *a;
    decimal amount = b->quantity.value;
    bool ok;
    if (x->op == OP_SUBTRACT)
        amount.digits = -amount.digits;
    if (!moment_add(&r.moment, a->kind, amount, b->quantity.unit, b->quantity.calendar, &ok))
        return evaluation_error(
            e, x, "only a quantity of time can be added to a date or time: 3 months, 2 'wk'");
    return !ok || push(e, out, r);
}

/* + - * / div mod on single values. */
static bool arithmetic(struct evaluation *e, const struct expression *x, const value *given,
                       const value *other, collection *out) {
    value a = *given, b = *other;
    enum operator_kind op = (enum operator_kind)x->op;
    if (op == OP_ADD && a.kind == FHIRPATH_STRING && b.kind == FHIRPATH_STRING) {
        char *both = arena_alloc(e->arena, a.string.length + b.string.length + 1);
        if (!both)
            return out_of_memory(e);
        memcpy(both, a.string.text, a.string.length);
        memcpy(both + a.string.length, b.string.text, b.string.length);
        both[a.string.length + b.string.length] = '\0';
        return push(e, out, of_text(both, a.string.length + b.string.length));
    }
    if (is_moment(&a) && b.kind == FHIRPATH_QUANTITY && (op == OP_ADD || op == OP_SUBTRACT))
        return moments(e, x, &a, &b, out);
    if (a.kind == FHIRPATH_INTEGER && b.kind == FHIRPATH_INTEGER && op != OP_DIVIDE)
        return integers(e, op, a.integer, b.integer, out);
    if (is_number(&a) && is_number(&b))
        return decimals(e, op, decimal_value(&a), decimal_value(&b), out);
    for (int i = 0; i < 2; i++) {
        value *n = i ? &a : &b, *q = i ? &b : &a;
        if (is_number(n) && q->kind == FHIRPATH_QUANTITY) {
            decimal d = decimal_value(n);
            n->kind = FHIRPATH_QUANTITY;
            n->quantity.value = d;
            n->quantity.unit = "1";
            n->quantity.calendar = false;
        }
    }
    if (a.kind == FHIRPATH_QUANTITY && b.kind == FHIRPATH_QUANTITY)
        return quantities(e, op, &a, &b, out);
    return evaluation_error(e, x, "this operator doesn't work on these types");
}

/* < <= > >=. */
static bool order(struct evaluation *e, const struct expression *x, const value *a, const value *b,
                  collection *out) {
    int o;
    bool known;
    if (!value_compare(e, a, b, &o, &known))
        return evaluation_error(e, x, "these types have no order between them");
    if (!known)
        return true;
    bool r = x->op == OP_LESS         ? o < 0
             : x->op == OP_LESS_EQUAL ? o <= 0
             : x->op == OP_GREATER    ? o > 0
                                      : o >= 0;
    return push(e, out, of_boolean(r));
}

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

/* The truth of one side; false with an error. */
static bool truth_of(struct evaluation *e, const struct expression *x, const collection *side,
                     enum truth *out) {
    bool is, has;
    if (!single_boolean(e, x, side, &is, &has))
        return false;
    *out = IS_EMPTY;
    if (has)
        *out = is ? IS_TRUE : IS_FALSE;
    return true;
}

/* Evaluates and, or, xor, implies. */
static bool logic(struct evaluation *e, const struct expression *x, const collection *left,
                  const collection *right, collection *out) {
    enum truth a, b, r;
    if (!truth_of(e, x, left, &a) || !truth_of(e, x, right, &b))
        return false;
    switch (x->op) {
    case OP_AND: r = and_table[a][b]; break;
    case OP_OR: r = or_table[a][b]; break;
    case OP_XOR: r = xor_table[a][b]; break;
    default: r = implies_table[a][b]; break;
    }
    return r == IS_EMPTY || push(e, out, of_boolean(r == IS_TRUE));
}

/* |: both, each value once. */
static bool unite(struct evaluation *e, const collection *a, const collection *b, collection *out) {
    const collection *sides[] = { a, b };
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->count; i++)
            if (!contains_value(e, out, &sides[s]->items[i]) && !push(e, out, sides[s]->items[i]))
                return false;
    return true;
}

/* &: text of both, empty is "". */
static bool concatenate(struct evaluation *e, const struct expression *x, const collection *a,
                        const collection *b, collection *out) {
    const char *s = "", *t = "";
    size_t m = 0, n = 0;
    bool found;
    if (!single_text(e, x, a, &s, &m, &found) || !single_text(e, x, b, &t, &n, &found))
        return false;
    char *both = arena_alloc(e->arena, m + n + 1);
    if (!both)
        return out_of_memory(e);
    memcpy(both, s, m);
    memcpy(both + m, t, n);
    both[m + n] = '\0';
    return push(e, out, of_text(both, m + n));
}

/* Operators over whole collections; *done is false when it is none of these. */
static bool on_collections(struct evaluation *e, const struct expression *x, const collection *a,
                           const collection *b, collection *out, bool *done) {
    int r;
    *done = true;
    switch (x->op) {
    case OP_UNION: return unite(e, a, b, out);
    case OP_CONCAT: return concatenate(e, x, a, b, out);
    case OP_EQUAL:
    case OP_NOT_EQUAL:
        r = collection_equal(e, a, b);
        return r < 0 || push(e, out, of_boolean((x->op == OP_EQUAL) == (r == 1)));
    case OP_EQUIVALENT:
    case OP_NOT_EQUIVALENT:
        return push(e, out, of_boolean((x->op == OP_EQUIVALENT) == collection_equivalent(e, a, b)));
    case OP_IN:
    case OP_CONTAINS: {
        const collection *item = x->op == OP_IN ? a : b, *list = x->op == OP_IN ? b : a;
        if (item->count > 1)
            return evaluation_error(e, x, "one item is looked for, there are %zu", item->count);
        return !item->count || push(e, out, of_boolean(contains_value(e, list, &item->items[0])));
    }
    case OP_AND:
    case OP_OR:
    case OP_XOR:
    case OP_IMPLIES: return logic(e, x, a, b, out);
    default: *done = false; return true;
    }
}

bool binary(struct evaluation *e, const struct expression *x, const collection *a,
            const collection *b, collection *out) {
    bool done, has_a, has_b;
    value p, q;
    if (!on_collections(e, x, a, b, out, &done) || done)
        return !error_is_set(e->error);
    if (!single(e, x, a, &p, &has_a) || !single(e, x, b, &q, &has_b))
        return false;
    if (!has_a || !has_b)
        return true;
    bool comparing = x->op == OP_LESS || x->op == OP_LESS_EQUAL || x->op == OP_GREATER ||
                     x->op == OP_GREATER_EQUAL;
    return comparing ? order(e, x, &p, &q, out) : arithmetic(e, x, &p, &q, out);
}
