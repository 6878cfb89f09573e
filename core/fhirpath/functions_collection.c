/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over collections (N1 section 5.1 to 5.4, and additions of the R4 suite). */
#include "core/fhirpath/internal.h"

#include <string.h>

#define MOST_REPEATS 100000

/* Evaluates an argument on an item of the input. */
static void argument_on(const struct call *c, size_t n, size_t index, collection *out) {
    evaluate_on(c->e, c->x->args[n], &c->in->items[index], (int64_t)index, out);
}

/* The boolean that a condition gives; anything else is an error, nothing is false. */
static bool condition(const struct call *c, const collection *given) {
    value v;
    if (!single(c->e, c->x, given, &v))
        return false;
    if (v.kind != FHIRPATH_BOOLEAN) {
        evaluation_error(c->e, c->x, "%s() needs a condition that is true or false", c->x->name);
        return false;
    }
    return v.boolean;
}

/* Tells whether the criterion of a call holds on an item of its input. */
static bool holds(const struct call *c, size_t index) {
    collection given = { 0 };
    argument_on(c, 0, index, &given);
    return condition(c, &given);
}

/* ---- filters and projections ---- */

static void do_where(const struct call *c) {
    for (size_t i = 0; i < c->in->count; i++)
        if (holds(c, i))
            give(c, c->in->items[i]);
}

static void do_select(const struct call *c) {
    for (size_t i = 0; i < c->in->count; i++)
        argument_on(c, 0, i, c->out);
}

/* Appends what an expression gives on an item and, again and again, on what it gave. Without
 * `repeated` each value is taken once. */
static void repeat(const struct call *c, bool repeated) {
    collection todo = { 0 };
    push_all(c->e, &todo, c->in);
    for (size_t i = 0; i < todo.count; i++) {
        collection found = { 0 };
        value item = todo.items[i];
        if (i > MOST_REPEATS) {
            evaluation_error(c->e, c->x, "%s() does not end", c->x->name);
            return;
        }
        evaluate_on(c->e, c->x->args[0], &item, (int64_t)i, &found);
        for (size_t k = 0; k < found.count; k++) {
            if (!repeated && contains_value(c->e, c->out, &found.items[k]))
                continue;
            give(c, found.items[k]);
            push(c->e, &todo, found.items[k]);
        }
    }
}

static void do_repeat(const struct call *c) {
    repeat(c, false);
}

static void do_repeat_all(const struct call *c) {
    repeat(c, true);
}

static void do_aggregate(const struct call *c) {
    collection total = { 0 };
    argument(c, 1, &total);
    for (size_t i = 0; i < c->in->count; i++) {
        collection next = { 0 };
        struct evaluation inner = *c->e;
        inner.this_item = &c->in->items[i];
        inner.index = (int64_t)i;
        inner.total = &total;
        evaluate(&inner, c->x->args[0], &next);
        total = next;
    }
    push_all(c->e, c->out, &total);
}

static void do_children(const struct call *c) {
    for (size_t i = 0; i < c->in->count; i++)
        all_children(c->e, &c->in->items[i], c->out);
}

static void do_descendants(const struct call *c) {
    const collection *level = c->in;
    collection next[2] = { 0 };
    for (int turn = 0; level->count > 0; turn = !turn) {
        next[turn] = (collection) { 0 };
        for (size_t i = 0; i < level->count; i++)
            all_children(c->e, &level->items[i], &next[turn]);
        push_all(c->e, c->out, &next[turn]);
        level = &next[turn];
    }
}

/* ---- questions ---- */

static void do_exists(const struct call *c) {
    collection kept = { 0 };
    const struct call filter = { c->e, c->x, c->in, &kept };
    if (c->x->arg_count == 0) {
        give_boolean(c, c->in->count > 0);
        return;
    }
    do_where(&filter);
    give_boolean(c, kept.count > 0);
}

static void do_empty(const struct call *c) {
    give_boolean(c, c->in->count == 0);
}

static void do_all(const struct call *c) {
    size_t i = 0;
    while (i < c->in->count && holds(c, i))
        i++;
    give_boolean(c, i == c->in->count);
}

/* Counts the booleans of the input that have a value; another item is an error. */
static size_t count_booleans(const struct call *c, bool wanted) {
    size_t count = 0;
    for (size_t i = 0; i < c->in->count; i++) {
        value v = plain(&c->in->items[i]);
        if (v.kind != FHIRPATH_BOOLEAN)
            evaluation_error(c->e, c->x, "%s() needs booleans", c->x->name);
        else if (v.boolean == wanted)
            count++;
    }
    return count;
}

static void do_all_true(const struct call *c) {
    give_boolean(c, count_booleans(c, true) == c->in->count);
}

static void do_any_true(const struct call *c) {
    give_boolean(c, count_booleans(c, true) > 0);
}

static void do_all_false(const struct call *c) {
    give_boolean(c, count_booleans(c, false) == c->in->count);
}

static void do_any_false(const struct call *c) {
    give_boolean(c, count_booleans(c, false) > 0);
}

/* Tells whether every item of a is in b. */
static bool within(struct evaluation *e, const collection *a, const collection *b) {
    for (size_t i = 0; i < a->count; i++)
        if (!contains_value(e, b, &a->items[i]))
            return false;
    return true;
}

static void do_subset_of(const struct call *c) {
    collection other = { 0 };
    argument(c, 0, &other);
    give_boolean(c, within(c->e, c->in, &other));
}

static void do_superset_of(const struct call *c) {
    collection other = { 0 };
    argument(c, 0, &other);
    give_boolean(c, within(c->e, &other, c->in));
}

static void do_count(const struct call *c) {
    give_integer(c, (int64_t)c->in->count);
}

static void do_is_distinct(const struct call *c) {
    collection once = { 0 };
    push_new(c->e, &once, c->in);
    give_boolean(c, once.count == c->in->count);
}

static void do_not(const struct call *c) {
    bool b;
    if (single_boolean(c->e, c->x, c->in, &b))
        give_boolean(c, !b);
}

/* ---- parts ---- */

/* Appends the items from..to-1. */
static void slice(const struct call *c, size_t from, size_t to) {
    if (to > c->in->count)
        to = c->in->count;
    for (size_t i = from; i < to; i++)
        give(c, c->in->items[i]);
}

static void do_single(const struct call *c) {
    if (c->in->count > 1)
        evaluation_error(c->e, c->x, "single() found %zu items", c->in->count);
    else
        push_all(c->e, c->out, c->in);
}

static void do_first(const struct call *c) {
    slice(c, 0, 1);
}

static void do_last(const struct call *c) {
    if (c->in->count > 0)
        give(c, c->in->items[c->in->count - 1]);
}

static void do_tail(const struct call *c) {
    slice(c, 1, c->in->count);
}

static void do_skip(const struct call *c) {
    int64_t n;
    if (argument_integer(c, 0, &n))
        slice(c, n > 0 ? (size_t)n : 0, c->in->count);
}

static void do_take(const struct call *c) {
    int64_t n;
    if (argument_integer(c, 0, &n))
        slice(c, 0, n > 0 ? (size_t)n : 0);
}

/* ---- sets ---- */

static void do_distinct(const struct call *c) {
    push_new(c->e, c->out, c->in);
}

static void do_intersect(const struct call *c) {
    collection other = { 0 };
    collection shared = { 0 };
    argument(c, 0, &other);
    for (size_t i = 0; i < c->in->count; i++)
        if (contains_value(c->e, &other, &c->in->items[i]))
            push(c->e, &shared, c->in->items[i]);
    push_new(c->e, c->out, &shared);
}

static void do_exclude(const struct call *c) {
    collection other = { 0 };
    argument(c, 0, &other);
    for (size_t i = 0; i < c->in->count; i++)
        if (!contains_value(c->e, &other, &c->in->items[i]))
            give(c, c->in->items[i]);
}

static void do_union(const struct call *c) {
    collection other = { 0 };
    argument(c, 0, &other);
    push_new(c->e, c->out, c->in);
    push_new(c->e, c->out, &other);
}

static void do_combine(const struct call *c) {
    collection other = { 0 };
    argument(c, 0, &other);
    push_all(c->e, c->out, c->in);
    push_all(c->e, c->out, &other);
}

static void do_coalesce(const struct call *c) {
    for (size_t i = 0; i < c->x->arg_count && c->out->count == 0; i++)
        argument(c, i, c->out);
}

/* ---- control ---- */

/* Evaluates an argument on the one item of the input, or as outside when it is empty. */
static void argument_on_input(const struct call *c, size_t n, collection *out) {
    const value *item = c->in->count == 1 ? &c->in->items[0] : NULL;
    if (n < c->x->arg_count)
        evaluate_on(c->e, c->x->args[n], item, c->e->index, out);
}

static void do_iif(const struct call *c) {
    collection given = { 0 };
    if (c->in->count > 1) {
        evaluation_error(c->e, c->x, "iif() works on one item, there are %zu", c->in->count);
        return;
    }
    argument_on_input(c, 0, &given);
    size_t branch = condition(c, &given) ? 1 : 2;
    argument_on_input(c, branch, c->out);
}

static void do_trace(const struct call *c) {
    const struct fhirpath_context *context = c->e->context;
    struct text name = { "", 0 };
    collection projected = { 0 };
    const collection *shown = c->in;
    argument_text(c, 0, &name);
    if (c->x->arg_count > 1) {
        shown = &projected;
        for (size_t i = 0; i < c->in->count; i++)
            argument_on(c, 1, i, &projected);
    }
    if (context->trace != NULL && !has_failed(c->e))
        context->trace(context->user, name.data, shown);
    push_all(c->e, c->out, c->in);
}

/* Tells whether the standard has given this name its meaning. */
static bool is_taken(const char *name) {
    static const char *const taken[] = { "context", "resource", "rootResource",
                                         "ucum",    "sct",      "loinc" };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    return false;
}

/* Tells whether a name has been defined before in this chain. */
static bool is_defined(const struct evaluation *e, const char *name) {
    const struct definition *d = e->defined;
    while (d != NULL && strcmp(d->name, name) != 0)
        d = d->outer;
    return d != NULL;
}

/* The name that defineVariable() defines; false, with an error, when it can't. */
static bool defined_name(const struct call *c, struct text *name) {
    if (!argument_text(c, 0, name))
        evaluation_error(c->e, c->x, "defineVariable() needs a name");
    else if (is_taken(name->data))
        evaluation_error(c->e, c->x, "%%%s cannot be defined anew", name->data);
    else if (is_defined(c->e, name->data))
        evaluation_error(c->e, c->x, "%%%s is defined already", name->data);
    return !has_failed(c->e);
}

static void do_define_variable(const struct call *c) {
    struct text name;
    struct definition *d = arena_zalloc(c->e->arena, sizeof *d);
    if (d == NULL) {
        out_of_memory(c->e);
        return;
    }
    if (!defined_name(c, &name))
        return;
    d->name = name.data;
    d->outer = c->e->defined;
    if (c->x->arg_count > 1)
        argument_on_input(c, 1, &d->values);
    else
        push_all(c->e, &d->values, c->in);
    c->e->defined = d;
    push_all(c->e, c->out, c->in);
}

/* ---- order ---- */

/* The value of a sort key on an item: the item itself without a key. False when it is empty. */
static bool key_value(const struct call *c, const struct expression *key, const value *item,
                      value *out) {
    collection given = { 0 };
    if (key != NULL)
        evaluate_on(c->e, key, item, -1, &given);
    else
        push(c->e, &given, *item);
    return single(c->e, c->x, &given, out);
}

/* Order of two items by one key; a leading minus turns it round. Empty comes first. */
static int key_order(const struct call *c, const struct expression *key, const value *a,
                     const value *b) {
    bool turned = key != NULL && key->kind == X_SIGN && key->negative;
    const struct expression *by = turned ? key->left : key;
    value v;
    value w;
    bool has_a = key_value(c, by, a, &v);
    bool has_b = key_value(c, by, b, &w);
    int order = has_a - has_b;
    if (has_a && has_b) {
        struct comparison r = value_compare(&v, &w);
        if (!r.comparable)
            evaluation_error(c->e, c->x, "sort() cannot order these types");
        order = r.order;
    }
    return turned ? -order : order;
}

/* Order of two items by the first key that tells them apart. */
static int item_order(const struct call *c, const value *a, const value *b) {
    if (c->x->arg_count == 0)
        return key_order(c, NULL, a, b);
    int order = 0;
    for (size_t i = 0; order == 0 && i < c->x->arg_count; i++)
        order = key_order(c, c->x->args[i], a, b);
    return order;
}

/* Sorts by insertion: that is stable, and collections are small. */
static void do_sort(const struct call *c) {
    push_all(c->e, c->out, c->in);
    value *items = c->out->items;
    for (size_t i = 1; i < c->out->count && !has_failed(c->e); i++) {
        value v = items[i];
        size_t at = i;
        for (; at > 0 && item_order(c, &items[at - 1], &v) > 0; at--)
            items[at] = items[at - 1];
        items[at] = v;
    }
}

const struct function functions_collection[] = {
    { "where", 1, 1, do_where },
    { "select", 1, 1, do_select },
    { "exists", 0, 1, do_exists },
    { "empty", 0, 0, do_empty },
    { "all", 1, 1, do_all },
    { "allTrue", 0, 0, do_all_true },
    { "anyTrue", 0, 0, do_any_true },
    { "allFalse", 0, 0, do_all_false },
    { "anyFalse", 0, 0, do_any_false },
    { "subsetOf", 1, 1, do_subset_of },
    { "supersetOf", 1, 1, do_superset_of },
    { "count", 0, 0, do_count },
    { "distinct", 0, 0, do_distinct },
    { "isDistinct", 0, 0, do_is_distinct },
    { "single", 0, 0, do_single },
    { "first", 0, 0, do_first },
    { "last", 0, 0, do_last },
    { "tail", 0, 0, do_tail },
    { "skip", 1, 1, do_skip },
    { "take", 1, 1, do_take },
    { "intersect", 1, 1, do_intersect },
    { "exclude", 1, 1, do_exclude },
    { "union", 1, 1, do_union },
    { "combine", 1, 1, do_combine },
    { "repeat", 1, 1, do_repeat },
    { "repeatAll", 1, 1, do_repeat_all },
    { "aggregate", 1, 2, do_aggregate },
    { "children", 0, 0, do_children },
    { "descendants", 0, 0, do_descendants },
    { "iif", 2, 3, do_iif },
    { "trace", 1, 2, do_trace },
    { "not", 0, 0, do_not },
    { "defineVariable", 1, 2, do_define_variable },
    { "coalesce", 1, 16, do_coalesce },
    { "sort", 0, 16, do_sort },
    { NULL, 0, 0, NULL },
};
