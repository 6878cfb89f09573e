/* SPDX-License-Identifier: Apache-2.0 */
/* Equality, differences and the three-way merge of trees. */
#include "core/tree/tree.h"

#include <stdio.h>
#include <string.h>

static bool same_name(const struct tree *a, const struct tree *b) {
    return a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

/* Finds the member of that name. */
static struct tree *counterpart(const struct tree *object, const struct tree *member) {
    if (object == NULL || object->kind != TREE_OBJECT)
        return NULL;
    if (member->symbol != 0)
        return tree_get_symbol(object, member->symbol);
    struct tree *n = object->first;
    while (n != NULL && !same_name(n, member))
        n = n->next;
    return n;
}

/* ---- equality ---- */

/* Compares objects: members in the same order at once, others by look-up. */
static bool objects_equal(const struct tree *a, const struct tree *b) {
    const struct tree *other = b->first;
    for (const struct tree *n = a->first; n != NULL; n = n->next) {
        bool in_order = other != NULL && same_name(n, other);
        const struct tree *match = in_order ? other : counterpart(b, n);
        if (match == NULL || !tree_equal(n, match))
            return false;
        other = match->next;
    }
    return true;
}

/* Compares arrays of one length. */
static bool arrays_equal(const struct tree *a, const struct tree *b) {
    const struct tree *n = a->first;
    const struct tree *m = b->first;
    while (n != NULL && m != NULL && tree_equal(n, m)) {
        n = n->next;
        m = m->next;
    }
    return n == NULL || m == NULL;
}

bool tree_equal(const struct tree *a, const struct tree *b) {
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind)
        return false;
    if (a->kind == TREE_NULL)
        return true;
    if (a->kind == TREE_BOOLEAN)
        return a->boolean == b->boolean;
    if (a->length != b->length)
        return false;
    switch (a->kind) {
    case TREE_OBJECT: return objects_equal(a, b);
    case TREE_ARRAY: return arrays_equal(a, b);
    default: return memcmp(a->text, b->text, a->length) == 0;
    }
}

/* ---- differences ---- */

/* Appends one step to a JSON pointer (RFC 6901: ~ and / are escaped). */
static void add_step(struct str *path, const struct tree *member, size_t index) {
    if (member->name == NULL) {
        str_printf(path, "/%zu", index);
        return;
    }
    str_putc(path, '/');
    for (uint32_t i = 0; i < member->name_length; i++) {
        switch (member->name[i]) {
        case '~': str_puts(path, "~0"); break;
        case '/': str_puts(path, "~1"); break;
        default: str_putc(path, member->name[i]); break;
        }
    }
}

/* Takes back what add_step() added. */
static void cut(struct str *path, size_t length) {
    if (path->data == NULL || path->length <= length)
        return;
    path->length = length;
    path->data[length] = '\0';
}

typedef void change_fn(void *context, const char *pointer, const struct tree *before,
                       const struct tree *after);
struct diff {
    struct str path;
    change_fn *change;
    void *context;
    size_t count;
};

/* The pointer that a path is; the root's is empty. */
static const char *pointer_of(const struct str *path) {
    return path->data != NULL ? path->data : "";
}

/* Reports one difference. */
static void report(struct diff *d, const struct tree *before, const struct tree *after) {
    d->count++;
    if (d->change != NULL)
        d->change(d->context, pointer_of(&d->path), before, after);
}

static void diff_values(struct diff *d, const struct tree *before, const struct tree *after);

/* Compares a child with its counterpart under its own path. */
static void diff_child(struct diff *d, const struct tree *named, size_t index,
                       const struct tree *before, const struct tree *after) {
    size_t length = d->path.length;
    add_step(&d->path, named, index);
    diff_values(d, before, after);
    cut(&d->path, length);
}

/* Compares objects: the members of the first, then those that only the second has. */
static void diff_objects(struct diff *d, const struct tree *before, const struct tree *after) {
    for (const struct tree *n = before->first; n != NULL; n = n->next)
        diff_child(d, n, 0, n, counterpart(after, n));
    for (const struct tree *n = after->first; n != NULL; n = n->next)
        if (counterpart(before, n) == NULL)
            diff_child(d, n, 0, NULL, n);
}

/* Compares arrays element by element; the longer one has more. */
static void diff_arrays(struct diff *d, const struct tree *before, const struct tree *after) {
    const struct tree *n = before->first;
    const struct tree *m = after->first;
    size_t i = 0;
    for (; n != NULL && m != NULL; n = n->next, m = m->next)
        diff_child(d, n, i++, n, m);
    for (; n != NULL; n = n->next)
        diff_child(d, n, i++, n, NULL);
    for (; m != NULL; m = m->next)
        diff_child(d, m, i++, NULL, m);
}

/* The kind of a value that is looked into; TREE_NULL for what is compared whole. */
static enum tree_kind common_kind(const struct tree *a, const struct tree *b) {
    if (a == NULL || b == NULL || a->kind != b->kind)
        return TREE_NULL;
    return (enum tree_kind)a->kind;
}

/* Compares two values. */
static void diff_values(struct diff *d, const struct tree *before, const struct tree *after) {
    switch (common_kind(before, after)) {
    case TREE_OBJECT: diff_objects(d, before, after); break;
    case TREE_ARRAY: diff_arrays(d, before, after); break;
    default:
        if (!tree_equal(before, after))
            report(d, before, after);
        break;
    }
}

size_t tree_diff(const struct tree *before, const struct tree *after, change_fn *change,
                 void *context) {
    struct diff d = { .change = change, .context = context };
    diff_values(&d, before, after);
    str_free(&d.path);
    return d.count;
}

/* ---- the three-way merge ---- */

struct merge {
    struct arena *arena;
    struct str path;
    struct str *overlap;
    bool failed;
    size_t overlaps;
};

/* Copies a value; NULL stays NULL. */
static struct tree *take(struct merge *m, const struct tree *value) {
    if (value == NULL)
        return NULL;
    struct tree *copy = tree_copy(m->arena, value);
    m->failed |= copy == NULL;
    return copy;
}

static struct tree *merge_values(struct merge *m, const struct tree *base, const struct tree *mine,
                                 const struct tree *theirs);

/* Merges one member into the object that grows. */
static void merge_member(struct merge *m, struct tree *object, const struct tree *named,
                         const struct tree *base, const struct tree *mine,
                         const struct tree *theirs) {
    size_t length = m->path.length;
    add_step(&m->path, named, 0);
    struct tree *value = merge_values(m, base, mine, theirs);
    if (value != NULL && !tree_add(m->arena, object, named->name, value))
        m->failed = true;
    cut(&m->path, length);
}

/* Merges objects member by member: mine in their order, then those that only theirs has. */
static struct tree *merge_objects(struct merge *m, const struct tree *base, const struct tree *mine,
                                  const struct tree *theirs) {
    struct tree *object = tree_new(m->arena, TREE_OBJECT);
    if (object == NULL) {
        m->failed = true;
        return NULL;
    }
    object->line = mine->line;
    object->column = mine->column;
    for (const struct tree *n = mine->first; n != NULL && !m->failed; n = n->next)
        merge_member(m, object, n, counterpart(base, n), n, counterpart(theirs, n));
    for (const struct tree *n = theirs->first; n != NULL && !m->failed; n = n->next)
        if (counterpart(mine, n) == NULL)
            merge_member(m, object, n, counterpart(base, n), NULL, n);
    return object;
}

/* Tells whether both sides have an object where the base has one, or nothing. */
static bool are_objects(const struct tree *base, const struct tree *mine,
                        const struct tree *theirs) {
    bool base_fits = base == NULL || base->kind == TREE_OBJECT;
    return base_fits && common_kind(mine, theirs) == TREE_OBJECT;
}

/* Merges one value; NULL stands for an absent one. Where both sides changed it, mine stays. */
static struct tree *merge_values(struct merge *m, const struct tree *base, const struct tree *mine,
                                 const struct tree *theirs) {
    if (tree_equal(mine, theirs) || tree_equal(base, theirs))
        return take(m, mine);
    if (tree_equal(base, mine))
        return take(m, theirs);
    if (are_objects(base, mine, theirs))
        return merge_objects(m, base, mine, theirs);
    m->overlaps++;
    if (m->overlap != NULL)
        str_printf(m->overlap, "%s\n", pointer_of(&m->path));
    return take(m, mine);
}

bool tree_merge(struct arena *a, const struct tree *base, const struct tree *mine,
                const struct tree *theirs, struct tree **merged, struct str *overlap) {
    struct merge m = { .arena = a, .overlap = overlap };
    struct tree *result = merge_values(&m, base, mine, theirs);
    bool failed = m.failed || m.path.failed;
    *merged = failed ? NULL : result;
    str_free(&m.path);
    return !failed && m.overlaps == 0;
}
