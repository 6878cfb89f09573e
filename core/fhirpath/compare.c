/* SPDX-License-Identifier: Apache-2.0 */
/* Equality, equivalence, order (N1 section 6.1 and 6.2). */
#include "core/fhirpath/internal.h"

#include <string.h>

/* Compares texts bytewise: negative, 0 or positive. */
static int text_order(const value *a, const value *b) {
    size_t n = a->string.length;
    size_t m = b->string.length;
    int order = memcmp(a->string.text, b->string.text, n < m ? n : m);
    if (order == 0)
        order = (n > m) - (n < m);
    return order;
}

/* Compares numbers. */
static int number_order(const value *a, const value *b) {
    return decimal_compare(decimal_value(a), decimal_value(b));
}

/* ---- equality ---- */

/* Nodes are equal when their trees are; a node never equals a System value. */
static enum equality equal_nodes(const value *a, const value *b) {
    if (a->kind != b->kind)
        return UNEQUAL;
    if (a->node == b->node)
        return EQUAL;
    if (a->node == NULL || b->node == NULL)
        return UNEQUAL;
    return tree_equal(a->node, b->node) ? EQUAL : UNEQUAL;
}

/* Moments are equal as far as they are known: what is left open is neither. */
static enum equality equal_moments(const value *a, const value *b) {
    struct comparison r = moment_compare(&a->moment, a->kind, &b->moment, b->kind);
    if (!r.comparable)
        return UNEQUAL;
    if (!r.known)
        return EQUALITY_OPEN;
    return r.order == 0 ? EQUAL : UNEQUAL;
}

/* Quantities are equal in a common unit. Years and months of the calendar are no fixed duration of
 * UCUM's. */
static enum equality equal_quantities(const value *a, const value *b) {
    decimal x;
    decimal y;
    if (!quantity_common(a, b, &x, &y))
        return EQUALITY_OPEN;
    return decimal_compare(x, y) == 0 ? EQUAL : UNEQUAL;
}

enum equality value_equal(const value *x, const value *y) {
    value a = plain(x);
    value b = plain(y);
    if (a.kind == FHIRPATH_NODE || b.kind == FHIRPATH_NODE)
        return equal_nodes(&a, &b);
    number_to_quantity(&a, &b);
    number_to_quantity(&b, &a);
    if (is_number(&a) && is_number(&b))
        return number_order(&a, &b) == 0 ? EQUAL : UNEQUAL;
    if (is_moment(&a) && is_moment(&b))
        return equal_moments(&a, &b);
    if (a.kind != b.kind)
        return UNEQUAL;
    switch (a.kind) {
    case FHIRPATH_BOOLEAN: return a.boolean == b.boolean ? EQUAL : UNEQUAL;
    case FHIRPATH_QUANTITY: return equal_quantities(&a, &b);
    case FHIRPATH_STRING:
    case FHIRPATH_TYPE: return text_order(&a, &b) == 0 ? EQUAL : UNEQUAL;
    default: return UNEQUAL;
    }
}

enum equality collection_equal(const collection *a, const collection *b) {
    if (a->count == 0 || b->count == 0)
        return EQUALITY_OPEN;
    if (a->count != b->count)
        return UNEQUAL;
    enum equality all = EQUAL;
    for (size_t i = 0; i < a->count; i++) {
        enum equality one = value_equal(&a->items[i], &b->items[i]);
        if (one == UNEQUAL)
            return UNEQUAL;
        if (one == EQUALITY_OPEN)
            all = EQUALITY_OPEN;
    }
    return all;
}

/* ---- equivalence ---- */

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
static bool equivalent_objects(struct evaluation *e, const value *a, const value *b) {
    collection x = { 0 };
    collection y = { 0 };
    if (e->depth > FHIRPATH_MAX_DEPTH)
        return false;
    all_children(e, a, &x);
    all_children(e, b, &y);
    e->depth++;
    bool same = collection_equivalent(e, &x, &y);
    e->depth--;
    return same;
}

static bool equivalent_nodes(struct evaluation *e, const value *a, const value *b) {
    if (a->node == NULL || b->node == NULL)
        return a->node == b->node;
    bool objects = a->node->kind == TREE_OBJECT && b->node->kind == TREE_OBJECT;
    return objects ? equivalent_objects(e, a, b) : tree_equal(a->node, b->node);
}

/* Compares decimals at the places of the one that has fewer. */
static bool equivalent_decimals(decimal a, decimal b) {
    decimal p = decimal_trim(a);
    decimal q = decimal_trim(b);
    int scale = p.scale < q.scale ? p.scale : q.scale;
    return decimal_compare(decimal_round(p, scale), decimal_round(q, scale)) == 0;
}

/* The quantity with UCUM's unit in the place of a calendar's: years and months. */
static value in_ucum(const value *v) {
    value r = *v;
    if (!r.quantity.calendar)
        return r;
    if (strcmp(r.quantity.unit, "year") == 0)
        return of_quantity(r.quantity.value, "a", false);
    if (strcmp(r.quantity.unit, "month") == 0)
        return of_quantity(r.quantity.value, "mo", false);
    return r;
}

/* Compares quantities; calendar and UCUM units of one word meet. */
static bool equivalent_quantities(const value *a, const value *b) {
    value u = in_ucum(a);
    value v = in_ucum(b);
    decimal p;
    decimal q;
    return quantity_common(&u, &v, &p, &q) && equivalent_decimals(p, q);
}

bool value_equivalent(struct evaluation *e, const value *x, const value *y) {
    value a = plain(x);
    value b = plain(y);
    if (is_number(&a) && is_number(&b))
        return equivalent_decimals(decimal_value(&a), decimal_value(&b));
    if (is_moment(&a) && is_moment(&b))
        return equal_moments(&a, &b) == EQUAL;
    if (a.kind != b.kind)
        return value_equal(&a, &b) == EQUAL;
    switch (a.kind) {
    case FHIRPATH_NODE: return equivalent_nodes(e, &a, &b);
    case FHIRPATH_STRING: return equivalent_text(&a, &b);
    case FHIRPATH_QUANTITY: return equivalent_quantities(&a, &b);
    default: return value_equal(&a, &b) == EQUAL;
    }
}

/* The first item equivalent to a value that isn't used yet; the count when there is none. */
static size_t find_unused(struct evaluation *e, const value *v, const collection *c,
                          const bool *used) {
    size_t i = 0;
    while (i < c->count && (used[i] || !value_equivalent(e, v, &c->items[i])))
        i++;
    return i;
}

bool collection_equivalent(struct evaluation *e, const collection *a, const collection *b) {
    if (a->count != b->count)
        return false;
    bool *used = arena_zalloc(e->arena, b->count + 1);
    if (used == NULL) {
        out_of_memory(e);
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        size_t match = find_unused(e, &a->items[i], b, used);
        if (match == b->count)
            return false;
        used[match] = true;
    }
    return true;
}

/* ---- order ---- */

/* A string that is compared with a date reads as one when it can. */
static void string_to_moment(value *v, const value *beside) {
    moment m;
    bool own_string = v->kind == FHIRPATH_STRING && v->type == NULL && v->node == NULL;
    if (!own_string || !is_moment(beside))
        return;
    if (moment_parse(v->string.text, v->string.length, beside->kind, &m))
        *v = of_kind_moment(beside->kind, m);
}

static struct comparison compare_quantities(const value *a, const value *b) {
    struct comparison r = { .comparable = true };
    decimal x;
    decimal y;
    r.known = quantity_common(a, b, &x, &y);
    if (r.known)
        r.order = decimal_compare(x, y);
    return r;
}

struct comparison value_compare(const value *x, const value *y) {
    value a = plain(x);
    value b = plain(y);
    number_to_quantity(&a, &b);
    number_to_quantity(&b, &a);
    string_to_moment(&a, &b);
    string_to_moment(&b, &a);
    if (is_number(&a) && is_number(&b))
        return (struct comparison) { true, true, number_order(&a, &b) };
    if (is_moment(&a) && is_moment(&b))
        return moment_compare(&a.moment, a.kind, &b.moment, b.kind);
    if (a.kind == FHIRPATH_STRING && b.kind == FHIRPATH_STRING)
        return (struct comparison) { true, true, text_order(&a, &b) };
    if (a.kind == FHIRPATH_QUANTITY && b.kind == FHIRPATH_QUANTITY)
        return compare_quantities(&a, &b);
    return (struct comparison) { .comparable = false };
}

/* ---- looking through collections ---- */

/* Takes the steps of a look through a collection; the last one is left to evaluate(), which tells.
 */
static void take_steps(struct evaluation *e, size_t count) {
    unsigned long *left = &e->context->steps_left;
    if (*left > count)
        *left -= count;
    else if (*left > 0)
        *left = 1;
}

bool contains_value(struct evaluation *e, const collection *c, const value *v) {
    take_steps(e, c->count);
    for (size_t i = 0; i < c->count; i++)
        if (value_equal(&c->items[i], v) == EQUAL)
            return true;
    return false;
}

void push_new(struct evaluation *e, collection *c, const collection *more) {
    for (size_t i = 0; i < more->count; i++)
        if (!contains_value(e, c, &more->items[i]))
            push(e, c, more->items[i]);
}
