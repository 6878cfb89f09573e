/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over collections (N1 section 5.1 to 5.4, and additions of the R4 suite). */
#include "core/fhirpath/internal.h"

#include <string.h>

#define CALL(name)                                                                                 \
    static bool name(struct evaluation *e, const struct expression *x, const collection *in,       \
                     collection *out)

/* The truth of a criterion on an item. */
static bool holds(struct evaluation *e, const struct expression *x, size_t arg, const value *item,
                  size_t index, bool *truth, bool *found) {
    collection c = { 0 };
    value v;
    if (!evaluate_on(e, x->args[arg], item, (int64_t)index, &c) || !single(e, x, &c, &v, found))
        return false;
    if (*found && v.kind != FHIRPATH_BOOLEAN)
        return evaluation_error(e, x, "%s() needs a condition that is true or false", x->name);
    *truth = *found && v.boolean;
    return true;
}

CALL(do_where) {
    bool truth = false, found = false;
    for (size_t i = 0; i < in->count; i++)
        if (!holds(e, x, 0, &in->items[i], i, &truth, &found) ||
            (truth && !push(e, out, in->items[i])))
            return false;
    return true;
}
CALL(do_select) {
    for (size_t i = 0; i < in->count; i++)
        if (!evaluate_on(e, x->args[0], &in->items[i], (int64_t)i, out))
            return false;
    return true;
}
CALL(do_exists) {
    collection kept = { 0 };
    if (x->arg_count && !do_where(e, x, in, &kept))
        return false;
    return push(e, out, of_boolean((x->arg_count ? kept.count : in->count) > 0));
}
CALL(do_empty) {
    (void)x;
    return push(e, out, of_boolean(!in->count));
}
CALL(do_all) {
    bool truth, found, all = true;
    for (size_t i = 0; i < in->count && all; i++) {
        if (!holds(e, x, 0, &in->items[i], i, &truth, &found))
            return false;
        all = truth;
    }
    return push(e, out, of_boolean(all));
}
/* allTrue, anyTrue, allFalse, anyFalse. */
static bool booleans(struct evaluation *e, const struct expression *x, const collection *in,
                     collection *out, bool wanted, bool all) {
    bool r = all;
    for (size_t i = 0; i < in->count; i++) {
        value v = plain(e, &in->items[i]);
        if (v.kind != FHIRPATH_BOOLEAN)
            return evaluation_error(e, x, "%s() needs booleans", x->name);
        if ((v.boolean == wanted) != all)
            r = !all;
    }
    return push(e, out, of_boolean(r));
}
CALL(do_all_true) {
    return booleans(e, x, in, out, true, true);
}
CALL(do_any_true) {
    return booleans(e, x, in, out, true, false);
}
CALL(do_all_false) {
    return booleans(e, x, in, out, false, true);
}
CALL(do_any_false) {
    return booleans(e, x, in, out, false, false);
}

/* True when every item of a is in b. */
static bool within(struct evaluation *e, const collection *a, const collection *b) {
    for (size_t i = 0; i < a->count; i++)
        if (!contains_value(e, b, &a->items[i]))
            return false;
    return true;
}
CALL(do_subset_of) {
    collection other = { 0 };
    return argument(e, x, 0, &other) && push(e, out, of_boolean(within(e, in, &other)));
}
CALL(do_superset_of) {
    collection other = { 0 };
    return argument(e, x, 0, &other) && push(e, out, of_boolean(within(e, &other, in)));
}
CALL(do_count) {
    (void)x;
    return push(e, out, of_integer((int64_t)in->count));
}
CALL(do_distinct) {
    (void)x;
    for (size_t i = 0; i < in->count; i++)
        if (!contains_value(e, out, &in->items[i]) && !push(e, out, in->items[i]))
            return false;
    return true;
}
CALL(do_is_distinct) {
    collection once = { 0 };
    return do_distinct(e, x, in, &once) && push(e, out, of_boolean(once.count == in->count));
}
CALL(do_single) {
    if (in->count > 1)
        return evaluation_error(e, x, "single() found %zu items", in->count);
    return push_all(e, out, in);
}
CALL(do_first) {
    (void)x;
    return !in->count || push(e, out, in->items[0]);
}
CALL(do_last) {
    (void)x;
    return !in->count || push(e, out, in->items[in->count - 1]);
}
/* Items from..to-1. */
static bool slice(struct evaluation *e, const collection *in, size_t from, size_t to,
                  collection *out) {
    for (size_t i = from; i < to && i < in->count; i++)
        if (!push(e, out, in->items[i]))
            return false;
    return true;
}
CALL(do_tail) {
    (void)x;
    return slice(e, in, 1, in->count, out);
}
CALL(do_skip) {
    collection c = { 0 };
    int64_t n;
    bool found;
    if (!argument(e, x, 0, &c) || !single_integer(e, x, &c, &n, &found))
        return false;
    return !found || slice(e, in, n > 0 ? (size_t)n : 0, in->count, out);
}
CALL(do_take) {
    collection c = { 0 };
    int64_t n;
    bool found;
    if (!argument(e, x, 0, &c) || !single_integer(e, x, &c, &n, &found))
        return false;
    return !found || n <= 0 || slice(e, in, 0, (size_t)n, out);
}
CALL(do_intersect) {
    collection other = { 0 };
    if (!argument(e, x, 0, &other))
        return false;
    for (size_t i = 0; i < in->count; i++)
        if (contains_value(e, &other, &in->items[i]) && !contains_value(e, out, &in->items[i]) &&
            !push(e, out, in->items[i]))
            return false;
    return true;
}
CALL(do_exclude) {
    collection other = { 0 };
    if (!argument(e, x, 0, &other))
        return false;
    for (size_t i = 0; i < in->count; i++)
        if (!contains_value(e, &other, &in->items[i]) && !push(e, out, in->items[i]))
            return false;
    return true;
}
CALL(do_union) {
    collection other = { 0 };
    return argument(e, x, 0, &other) && do_distinct(e, x, in, out) &&
           do_distinct(e, x, &other, out);
}
CALL(do_combine) {
    collection other = { 0 };
    return argument(e, x, 0, &other) && push_all(e, out, in) && push_all(e, out, &other);
}
CALL(do_repeat) {
    collection todo = { 0 };
    if (!push_all(e, &todo, in))
        return false;
    for (size_t i = 0; i < todo.count; i++) { /* grows while it is walked; each new value once */
        collection found = { 0 };
        value item = todo.items[i];
        if (i > 100000)
            return evaluation_error(e, x, "repeat() does not end");
        if (!evaluate_on(e, x->args[0], &item, (int64_t)i, &found))
            return false;
        for (size_t k = 0; k < found.count; k++)
            if (!contains_value(e, out, &found.items[k]) &&
                (!push(e, out, found.items[k]) || !push(e, &todo, found.items[k])))
                return false;
    }
    return true;
}
CALL(do_repeat_all) {
    collection todo = { 0 };
    if (!push_all(e, &todo, in))
        return false;
    for (size_t i = 0; i < todo.count; i++) {
        value item = todo.items[i];
        collection found = { 0 };
        if (i > 100000)
            return evaluation_error(e, x, "repeatAll() does not end");
        if (!evaluate_on(e, x->args[0], &item, (int64_t)i, &found) || !push_all(e, out, &found) ||
            !push_all(e, &todo, &found))
            return false;
    }
    return true;
}
CALL(do_aggregate) {
    collection total = { 0 };
    if (x->arg_count > 1 && !argument(e, x, 1, &total))
        return false;
    for (size_t i = 0; i < in->count; i++) {
        struct evaluation inner = *e;
        collection next = { 0 };
        inner.this_item = &in->items[i];
        inner.index = (int64_t)i;
        inner.total = &total;
        if (!evaluate(&inner, x->args[0], &next))
            return false;
        total = next;
    }
    return push_all(e, out, &total);
}
CALL(do_children) {
    (void)x;
    for (size_t i = 0; i < in->count; i++)
        if (!all_children(e, &in->items[i], out))
            return false;
    return true;
}
CALL(do_descendants) {
    collection level = { 0 };
    if (!do_children(e, x, in, &level))
        return false;
    while (level.count) {
        collection next = { 0 };
        if (!push_all(e, out, &level) || !do_children(e, x, &level, &next))
            return false;
        level = next;
    }
    return true;
}
CALL(do_iif) {
    collection c = { 0 };
    value v;
    bool found;
    const value *item = in->count == 1 ? &in->items[0] : NULL;
    if (in->count > 1)
        return evaluation_error(e, x, "iif() works on one item, there are %zu", in->count);
    if (!evaluate_on(e, x->args[0], item, e->index, &c) || !single(e, x, &c, &v, &found))
        return false;
    if (found && v.kind != FHIRPATH_BOOLEAN)
        return evaluation_error(e, x, "iif() needs a condition that is true or false");
    if (found && v.boolean)
        return evaluate_on(e, x->args[1], item, e->index, out);
    return x->arg_count < 3 || evaluate_on(e, x->args[2], item, e->index, out);
}
CALL(do_trace) {
    collection name = { 0 }, projected = { 0 };
    const char *text = "";
    size_t n;
    bool found;
    if (!argument(e, x, 0, &name) || !single_text(e, x, &name, &text, &n, &found))
        return false;
    for (size_t i = 0; x->arg_count > 1 && i < in->count; i++)
        if (!evaluate_on(e, x->args[1], &in->items[i], (int64_t)i, &projected))
            return false;
    if (e->context->trace)
        e->context->trace(e->context->user, text, x->arg_count > 1 ? &projected : in);
    return push_all(e, out, in);
}
CALL(do_not) {
    bool b, found;
    if (!single_boolean(e, x, in, &b, &found))
        return false;
    return !found || push(e, out, of_boolean(!b));
}
CALL(do_define_variable) {
    collection name = { 0 };
    const char *text = NULL;
    size_t n;
    bool found;
    struct definition *d = arena_zalloc(e->arena, sizeof *d);
    if (!d)
        return out_of_memory(e);
    if (!argument(e, x, 0, &name) || !single_text(e, x, &name, &text, &n, &found))
        return false;
    static const char *const taken[] = { "context", "resource", "rootResource", "ucum", "sct",
                                         "loinc",   NULL };
    for (size_t i = 0; found && taken[i]; i++)
        if (!strcmp(taken[i], text))
            return evaluation_error(e, x, "%%%s cannot be defined anew", text);
    for (const struct definition *o = e->defined; found && o; o = o->outer)
        if (!strcmp(o->name, text))
            return evaluation_error(e, x, "%%%s is defined already", text);
    if (!found)
        return evaluation_error(e, x, "defineVariable() needs a name");
    d->name = text;
    d->outer = e->defined;
    if (x->arg_count > 1) {
        const value *item = in->count == 1 ? &in->items[0] : NULL;
        if (!evaluate_on(e, x->args[1], item, e->index, &d->values))
            return false;
    } else if (!push_all(e, &d->values, in)) {
        return false;
    }
    e->defined = d;
    return push_all(e, out, in);
}
CALL(do_coalesce) {
    (void)in;
    for (size_t i = 0; i < x->arg_count && !out->count; i++)
        if (!argument(e, x, i, out))
            return false;
    return true;
}

/* Order of two items by one key; a leading minus turns it round. Empty comes first. */
static bool key_order(struct evaluation *e, const struct expression *x,
                      const struct expression *key, const value *a, const value *b, int *order) {
    bool turned = key && key->kind == X_SIGN && key->negative, found_a, found_b, known = true;
    const struct expression *by = turned ? key->left : key;
    collection p = { 0 }, q = { 0 };
    value v, w;
    if (by ? !evaluate_on(e, by, a, -1, &p) || !evaluate_on(e, by, b, -1, &q)
           : !push(e, &p, *a) || !push(e, &q, *b))
        return false;
    if (!single(e, x, &p, &v, &found_a) || !single(e, x, &q, &w, &found_b))
        return false;
    *order = found_a - found_b;
    if (found_a && found_b && !value_compare(e, &v, &w, order, &known))
        return evaluation_error(e, x, "sort() cannot order these types");
    *order = turned ? -*order : *order;
    return true;
}
CALL(do_sort) {
    if (!push_all(e, out, in))
        return false;
    for (size_t i = 1; i < out->count; i++) { /* insertion: stable, and collections are small */
        value v = out->items[i];
        size_t j = i;
        for (; j > 0; j--) {
            int order = 0;
            for (size_t k = 0; !order && k < (x->arg_count ? x->arg_count : 1); k++)
                if (!key_order(e, x, x->arg_count ? x->args[k] : NULL, &out->items[j - 1], &v,
                               &order))
                    return false;
            if (order <= 0)
                break;
            out->items[j] = out->items[j - 1];
        }
        out->items[j] = v;
    }
    return true;
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
