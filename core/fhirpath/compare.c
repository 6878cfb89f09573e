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

/* Lower case and single blanks, for equivalence. */
static bool equivalent_text(const value *a, const value *b) {
    size_t i = 0, j = 0;
    for (;; i++, j++) {
        bool x = i < a->string.length, y = j < b->string.length;
        if (!x || !y)
            return x == y;
        unsigned char c = (unsigned char)a->string.text[i], d = (unsigned char)b->string.text[j];
        bool blank = c == ' ' || (c >= 9 && c <= 13), space = d == ' ' || (d >= 9 && d <= 13);
        c = blank ? ' ' : c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
        d = space ? ' ' : d >= 'A' && d <= 'Z' ? (unsigned char)(d + 32) : d;
        if (c != d)
            return false;
    }
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

bool value_equivalent(struct evaluation *e, const value *x, const value *y) {
    value a = plain(e, x), b = plain(e, y);
    int order;
    bool known;
    if (a.kind == FHIRPATH_NODE && b.kind == FHIRPATH_NODE)
        return equivalent_nodes(e, &a, &b);
    if (is_number(&a) && is_number(&b)) {
        decimal p = decimal_trim(decimal_value(&a)), q = decimal_trim(decimal_value(&b));
        int scale = p.scale < q.scale ? p.scale : q.scale;
        return decimal_compare(decimal_round(p, scale), decimal_round(q, scale)) == 0;
    }
    if (is_moment(&a) && is_moment(&b))
        return moment_compare(&a.moment, a.kind, &b.moment, b.kind, &order, &known) && known &&
               order == 0;
    if (a.kind == FHIRPATH_STRING && b.kind == FHIRPATH_STRING)
        return equivalent_text(&a, &b);
    if (a.kind == FHIRPATH_QUANTITY && b.kind == FHIRPATH_QUANTITY) {
        decimal p, q;
        value u = a, v = b; /* equivalence lets calendar and UCUM units of one word meet */
        static const struct {
            const char *word, *code;
        } same[] = { { "year", "a" }, { "month", "mo" } };
        for (int i = 0; i < 2; i++) {
            value *w[] = { &u, &v };
            for (int k = 0; k < 2; k++)
                if (w[k]->quantity.calendar && !strcmp(w[k]->quantity.unit, same[i].word)) {
                    w[k]->quantity.unit = same[i].code;
                    w[k]->quantity.calendar = false;
                }
        }
        if (!quantity_common(&u, &v, &p, &q))
            return false;
        p = decimal_trim(p);
        q = decimal_trim(q);
        int scale = p.scale < q.scale ? p.scale : q.scale;
        return decimal_compare(decimal_round(p, scale), decimal_round(q, scale)) == 0;
    }
    return value_equal(e, &a, &b) == 1;
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
