/* SPDX-License-Identifier: Apache-2.0 */
/* Equality, equivalence, order (N1 section 6.1 and 6.2). */
#include "core/fhirpath/internal.h"

#include <string.h>

static bool is_number(const value *v) {
    return v->kind == FHIRPATH_INTEGER || v->kind == FHIRPATH_DECIMAL;
}
static bool is_moment(const value *v) {
    return v->kind == FHIRPATH_DATE || v->kind == FHIRPATH_DATETIME || v->kind == FHIRPATH_TIME;
}
static decimal decimal_value(const value *v) {
    return v->kind == FHIRPATH_INTEGER ? decimal_of(v->integer) : v->decimal;
}

/* A number beside a quantity is one without unit. */
static void lift(value *a, value *b) {
    for (int i = 0; i < 2; i++) {
        value *x = i ? a : b, *other = i ? b : a;
        if (is_number(x) && other->kind == FHIRPATH_QUANTITY) {
            decimal d = decimal_value(x);
            x->kind = FHIRPATH_QUANTITY;
            x->quantity.value = d;
            x->quantity.unit = "1";
            x->quantity.calendar = false;
        }
    }
    /* a string that is compared with a date reads as one when it can */
    for (int i = 0; i < 2; i++) {
        value *x = i ? a : b, *other = i ? b : a;
        moment m;
        if (x->kind == FHIRPATH_STRING && is_moment(other) && x->type == NULL && x->node == NULL &&
            moment_parse(x->string.text, x->string.length, other->kind, &m))
            *x = of_kind_moment(other->kind, m);
    }
}

/* Compare texts bytewise. */
static int text_order(const value *a, const value *b) {
    size_t n = a->string.length < b->string.length ? a->string.length : b->string.length;
    int c = n ? memcmp(a->string.text, b->string.text, n) : 0;
    return c                                     ? (c < 0 ? -1 : 1)
           : a->string.length < b->string.length ? -1
                                                 : a->string.length > b->string.length;
}

int value_equal(struct evaluation *e, const value *x, const value *y) {
    value a = plain(e, x), b = plain(e, y);
    int order;
    bool known;
    if (a.kind == FHIRPATH_NODE || b.kind == FHIRPATH_NODE)
        return a.kind == b.kind &&
               (a.node == b.node || (a.node && b.node && tree_equal(a.node, b.node)));
    if (!(a.kind == FHIRPATH_STRING || b.kind == FHIRPATH_STRING))
        lift(&a, &b);
    if (is_number(&a) && is_number(&b))
        return decimal_compare(decimal_value(&a), decimal_value(&b)) == 0;
    if (is_moment(&a) && is_moment(&b)) {
        if (!moment_compare(&a.moment, a.kind, &b.moment, b.kind, &order, &known))
            return 0;
        return known ? order == 0 : order == 0 ? -1 : -1;
    }
    if (a.kind != b.kind)
        return 0;
    switch (a.kind) {
    case FHIRPATH_BOOLEAN: return a.boolean == b.boolean;
    case FHIRPATH_STRING: return text_order(&a, &b) == 0;
    case FHIRPATH_QUANTITY: {
        decimal p, q;
        /* years and months of the calendar are no fixed duration of UCUM's */
        return quantity_common(&a, &b, &p, &q) ? decimal_compare(p, q) == 0 : -1;
    }
    case FHIRPATH_TYPE:
        return a.string.length == b.string.length &&
               !memcmp(a.string.text, b.string.text, a.string.length);
    default: return 0;
    }
}

/* A character as equivalence sees it: lower case, and every blank a space. */
static unsigned char folded(unsigned char c) {
    if (c >= 'A' && c <= 'Z')
        return (unsigned char)(c + 32);
    return c >= '\t' && c <= '\r' ? ' ' : c;
}

/* Compares texts without regard to case and to the kind of blanks. */
static bool equivalent_text(const value *a, const value *b) {
    if (a->string.length != b->string.length)
        return false;
    for (size_t i = 0; i < a->string.length; i++) {
        unsigned char c = (unsigned char)a->string.text[i];
        unsigned char d = (unsigned char)b->string.text[i];
        if (folded(c) != folded(d))
            return false;
    }
    return true;
}

/* Objects are equivalent when their members are, whatever the order; ids don't matter. */
static bool equivalent_nodes(struct evaluation *e, const value *a, const value *b) {
    collection x = { 0 }, y = { 0 };
    if (!a->node || !b->node)
        return a->node == b->node;
    if (a->node->kind != TREE_OBJECT || b->node->kind != TREE_OBJECT)
        return tree_equal(a->node, b->node);
    if (e->depth > FHIRPATH_MAX_DEPTH || !all_children(e, a, &x) || !all_children(e, b, &y))
        return false;
    e->depth++;
    bool same = collection_equivalent(e, &x, &y);
    e->depth--;
    return same;
}

/* Compares decimals at the places of the one that has fewer. */
static bool equivalent_decimals(decimal a, decimal b) {
    decimal p = decimal_trim(a), q = decimal_trim(b);
    int scale = p.scale < q.scale ? p.scale : q.scale;
    return decimal_compare(decimal_round(p, scale), decimal_round(q, scale)) == 0;
}

/* The quantity with UCUM's unit in the place of a calendar's: years and months. */
static value in_ucum(const value *v) {
    value r = *v;
    if (!r.quantity.calendar)
        return r;
    if (strcmp(r.quantity.unit, "year") == 0)
        r.quantity.unit = "a";
    else if (strcmp(r.quantity.unit, "month") == 0)
        r.quantity.unit = "mo";
    else
        return r;
    r.quantity.calendar = false;
    return r;
}

/* Compares quantities; calendar and UCUM units of one word meet. */
static bool equivalent_quantities(const value *a, const value *b) {
    value u = in_ucum(a), v = in_ucum(b);
    decimal p, q;
    return quantity_common(&u, &v, &p, &q) && equivalent_decimals(p, q);
}

/* Compares dates and times; what can't be told apart isn't equivalent. */
static bool equivalent_moments(const value *a, const value *b) {
    int order;
    bool known;
    bool compares = moment_compare(&a->moment, a->kind, &b->moment, b->kind, &order, &known);
    return compares && known && order == 0;
}

bool value_equivalent(struct evaluation *e, const value *x, const value *y) {
    value a = plain(e, x), b = plain(e, y);
    if (is_number(&a) && is_number(&b))
        return equivalent_decimals(decimal_value(&a), decimal_value(&b));
    if (is_moment(&a) && is_moment(&b))
        return equivalent_moments(&a, &b);
    if (a.kind != b.kind)
        return value_equal(e, &a, &b) == 1;
    switch (a.kind) {
    case FHIRPATH_NODE: return equivalent_nodes(e, &a, &b);
    case FHIRPATH_STRING: return equivalent_text(&a, &b);
    case FHIRPATH_QUANTITY: return equivalent_quantities(&a, &b);
    default: return value_equal(e, &a, &b) == 1;
    }
}

int collection_equal(struct evaluation *e, const collection *a, const collection *b) {
    int all = 1;
    if (!a->count || !b->count)
        return -1;
    if (a->count != b->count)
        return 0;
    for (size_t i = 0; i < a->count; i++) {
        int one = value_equal(e, &a->items[i], &b->items[i]);
        if (one == 0)
            return 0;
        if (one < 0)
            all = -1;
    }
    return all;
}

bool collection_equivalent(struct evaluation *e, const collection *a, const collection *b) {
    if (a->count != b->count)
        return false;
    bool *used = arena_zalloc(e->arena, b->count + 1);
    if (!used)
        return out_of_memory(e);
    for (size_t i = 0; i < a->count; i++) {
        size_t j = 0;
        while (j < b->count && (used[j] || !value_equivalent(e, &a->items[i], &b->items[j])))
            j++;
        if (j == b->count)
            return false;
        used[j] = true;
    }
    return true;
}

bool value_compare(struct evaluation *e, const value *x, const value *y, int *order, bool *known) {
    value a = plain(e, x), b = plain(e, y);
    lift(&a, &b);
    *known = true;
    if (is_number(&a) && is_number(&b)) {
        *order = decimal_compare(decimal_value(&a), decimal_value(&b));
        return true;
    }
    if (is_moment(&a) && is_moment(&b))
        return moment_compare(&a.moment, a.kind, &b.moment, b.kind, order, known);
    if (a.kind == FHIRPATH_STRING && b.kind == FHIRPATH_STRING) {
        *order = text_order(&a, &b);
        return true;
    }
    if (a.kind == FHIRPATH_QUANTITY && b.kind == FHIRPATH_QUANTITY) {
        decimal p, q;
        *known = quantity_common(&a, &b, &p, &q);
        *order = *known ? decimal_compare(p, q) : 0;
        return true;
    }
    return false;
}

bool contains_value(struct evaluation *e, const collection *c, const value *v) {
    unsigned long *left =
        &e->context->steps_left; /* a look through a collection costs its length */
    if (*left)
        *left = *left > c->count ? *left - c->count : 1;
    for (size_t i = 0; i < c->count; i++)
        if (value_equal(e, &c->items[i], v) == 1)
            return true;
    return false;
}
