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

/* Decimals, or an integer and a decimal. */
static bool decimals(struct evaluation *e, enum operator_kind op, decimal a, decimal b,
                     collection *out) {
    decimal r, q;
    int64_t whole;
    switch (op) {
    case OP_ADD: return !decimal_add(a, b, false, &r) || push(e, out, of_decimal(r));
    case OP_SUBTRACT: return !decimal_add(a, b, true, &r) || push(e, out, of_decimal(r));
    case OP_MULTIPLY: return !decimal_multiply(a, b, &r) || push(e, out, of_decimal(r));
    case OP_DIVIDE: return !decimal_divide(a, b, &r) || push(e, out, of_decimal(r));
    case OP_DIV:
        return !b.digits || !decimal_divide(a, b, &q) || !decimal_whole(q, -1, &whole) ||
               push(e, out, of_integer(whole));
    default:
        if (!b.digits || !decimal_divide(a, b, &q) || !decimal_whole(q, -1, &whole) ||
            !decimal_multiply(decimal_of(whole), b, &q) || !decimal_add(a, q, true, &r))
            return true;
        return push(e, out, of_decimal(decimal_trim(r)));
    }
}

/* Quantities: sums of one dimension; products and quotients of units are texts of UCUM. */
static bool quantities(struct evaluation *e, enum operator_kind op, const value *a, const value *b,
                       collection *out) {
    value r = *a;
    decimal x, y;
    const char *ua = a->quantity.unit, *ub = b->quantity.unit;
    if (op == OP_ADD || op == OP_SUBTRACT) {
        if (strcmp(ua, ub) || a->quantity.calendar != b->quantity.calendar) {
            /* in the unit of the right when the left converts exactly */
            value one = *b;
            one.quantity.value = decimal_of(1);
            if (!quantity_common(a, b, &x, &y) || !decimal_add(x, y, op == OP_SUBTRACT, &x))
                return true;
            value base = one;
            decimal u, v;
            if (!quantity_common(&base, a, &u, &v) || !decimal_divide(x, u, &r.quantity.value))
                return true;
            r.quantity.unit = ub;
            r.quantity.calendar = b->quantity.calendar;
            return push(e, out, r);
        }
        return !decimal_add(a->quantity.value, b->quantity.value, op == OP_SUBTRACT,
                            &r.quantity.value) ||
               push(e, out, r);
    }
    if (op != OP_MULTIPLY && op != OP_DIVIDE)
        return true;
    bool one_a = !strcmp(ua, "1"), one_b = !strcmp(ub, "1");
    if (op == OP_MULTIPLY) {
        if (!decimal_multiply(a->quantity.value, b->quantity.value, &r.quantity.value))
            return true;
        if (!one_a && !one_b && quantity_common(a, b, &x, &y) &&
            strcmp(ua, ub)) { /* cm * m: in the left unit */
            value unit = *a;
            unit.quantity.value = decimal_of(1);
            decimal u, v;
            if (!quantity_common(&unit, b, &u, &v) || !decimal_divide(v, u, &v) ||
                !decimal_multiply(a->quantity.value, v, &r.quantity.value))
                return true;
            ub = ua;
        }
        r.quantity.unit = one_a             ? ub
                          : one_b           ? ua
                          : !strcmp(ua, ub) ? arena_printf(e->arena, "%s2", ua)
                                            : arena_printf(e->arena, "%s.%s", ua, ub);
    } else {
        if (quantity_common(a, b, &x, &y) && !one_b) {
            if (!decimal_divide(x, y, &r.quantity.value))
                return true;
            r.quantity.unit = "1";
        } else {
            if (!decimal_divide(a->quantity.value, b->quantity.value, &r.quantity.value))
                return true;
            r.quantity.unit = one_b ? ua : arena_printf(e->arena, "%s/%s", one_a ? "1" : ua, ub);
        }
    }
    r.quantity.calendar = false;
    return r.quantity.unit ? push(e, out, r) : out_of_memory(e);
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

/* and, or, xor, implies, with three values: -1 is empty. */
static bool logic(struct evaluation *e, const struct expression *x, const collection *left,
                  const collection *right, collection *out) {
    bool a, b, has_a, has_b;
    if (!single_boolean(e, x, left, &a, &has_a) || !single_boolean(e, x, right, &b, &has_b))
        return false;
    int p = has_a ? a : -1, q = has_b ? b : -1, r;
    switch (x->op) {
    case OP_AND: r = p == 0 || q == 0 ? 0 : p < 0 || q < 0 ? -1 : 1; break;
    case OP_OR: r = p == 1 || q == 1 ? 1 : p < 0 || q < 0 ? -1 : 0; break;
    case OP_XOR: r = p < 0 || q < 0 ? -1 : p != q; break;
    default: r = p == 0 || q == 1 ? 1 : p == 1 && q == 0 ? 0 : -1; break;
    }
    return r < 0 || push(e, out, of_boolean(r != 0));
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
