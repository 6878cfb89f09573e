/* SPDX-License-Identifier: Apache-2.0 */
/* Equality, differences and the three-way merge of trees. */
#include "core/tree/tree.h"

#include <stdio.h>
#include <string.h>

/* Finds the member of that name. */
static struct tree *counterpart(const struct tree *object, const struct tree *member) {
    if (!object || object->kind != TREE_OBJECT)
        return NULL;
    if (member->symbol)
        return tree_get_symbol(object, member->symbol);
    for (struct tree *n = object->first; n; n = n->next)
        if (n->name_length == member->name_length &&
            memcmp(n->name, member->name, n->name_length) == 0)
            return n;
    return NULL;
}

static bool same_name(const struct tree *a, const struct tree *b) {
    return a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

/* Compares objects: members in the same order at once, others by look-up. */
static bool objects_equal(const struct tree *a, const struct tree *b) {
    const struct tree *other = b->first;
    for (const struct tree *n = a->first; n; n = n->next) {
        const struct tree *match = other && same_name(n, other) ? other : counterpart(b, n);
        if (!match || !tree_equal(n, match))
            return false;
        other = match->next;
    }
    return true;
}

/* Compares two trees. */
bool tree_equal(const struct tree *a, const struct tree *b) {
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind)
        return false;
    switch ((enum tree_kind)a->kind) {
    case TREE_NULL: return true;
    case TREE_BOOLEAN: return a->boolean == b->boolean;
    case TREE_NUMBER:
    case TREE_STRING: return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
    case TREE_OBJECT: return a->length == b->length && objects_equal(a, b);
    case TREE_ARRAY: break;
    }
    if (a->length != b->length)
        return false;
    for (const struct tree *n = a->first, *m = b->first; n && m; n = n->next, m = m->next)
        if (!tree_equal(n, m))
            return false;
    return true;
}

/* Appends one step to a JSON pointer. */
static void add_step(struct str *path, const struct tree *member, size_t index) {
    if (!member->name) {
        str_printf(path, "/%zu", index);
        return;
    }
    str_putc(path, '/');
    for (uint32_t i = 0; i < member->name_length; i++) {
        char c = member->name[i];
        if (c == '~' || c == '/')
            str_add(path, c == '~' ? "~0" : "~1", 2);
        else
            str_putc(path, c);
    }
}

/* Takes back what add_step() added. */
static void cut(struct str *path, size_t length) {
    if (!path->data || path->length <= length)
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

/* Tells of one difference. */
static void report(struct diff *d, const struct tree *before, const struct tree *after) {
    d->count++;
    if (d->change)
        d->change(d->context, d->path.data ? d->path.data : "", before, after);
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

/* Compares two values. */
static void diff_values(struct diff *d, const struct tree *before, const struct tree *after) {
    if (!before || !after || before->kind != after->kind ||
        (before->kind != TREE_OBJECT && before->kind != TREE_ARRAY)) {
        if (!tree_equal(before, after))
            report(d, before, after);
        return;
    }
    if (before->kind == TREE_OBJECT) {
        for (const struct tree *n = before->first; n; n = n->next)
            diff_child(d, n, 0, n, counterpart(after, n));
        for (const struct tree *n = after->first; n; n = n->next)
            if (!counterpart(before, n))
                diff_child(d, n, 0, NULL, n);
        return;
    }
    const struct tree *n = before->first, *m = after->first;
    for (size_t i = 0; n || m; i++) {
        diff_child(d, n ? n : m, i, n, m);
        n = n ? n->next : NULL;
        m = m ? m->next : NULL;
    }
}

/* Tells of all differences. */
size_t tree_diff(const struct tree *before, const struct tree *after, change_fn *change,
                 void *context) {
    struct diff d = { .change = change, .context = context };
    diff_values(&d, before, after);
    str_free(&d.path);
    return d.count;
}

struct merge {
    struct arena *arena;
    struct str path;
    struct str *overlap;
    bool failed;
    size_t overlaps;
};

/* Copies a value; NULL stays NULL. */
static struct tree *take(struct merge *m, const struct tree *value) {
    if (!value)
        return NULL;
    struct tree *copy = tree_copy(m->arena, value);
    m->failed |= !copy;
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
    if (value && !tree_add(m->arena, object, named->name, value))
        m->failed = true;
    cut(&m->path, length);
}

/* Merges objects member by member: mine in their order, then those that only theirs has. */
static struct tree *merge_objects(struct merge *m, const struct tree *base, const struct tree *mine,
                                  const struct tree *theirs) {
    struct tree *object = tree_new(m->arena, TREE_OBJECT);
    if (!object) {
        m->failed = true;
        return NULL;
    }
    object->line = mine->line;
    object->column = mine->column;
    for (const struct tree *n = mine->first; n && !m->failed; n = n->next)
        merge_member(m, object, n, counterpart(base, n), n, counterpart(theirs, n));
    for (const struct tree *n = theirs->first; n && !m->failed; n = n->next)
        if (!counterpart(mine, n))
            merge_member(m, object, n, counterpart(base, n), NULL, n);
    return object;
}

/* Merges one value; NULL stands for an absent one. */
static struct tree *merge_values(struct merge *m, const struct tree *base, const struct tree *mine,
                                 const struct tree *theirs) {
    if (tree_equal(mine, theirs) || tree_equal(base, theirs))
        return take(m, mine);
    if (tree_equal(base, mine))
        return take(m, theirs);
    if (mine && theirs && mine->kind == TREE_OBJECT && theirs->kind == TREE_OBJECT &&
        (!base || base->kind == TREE_OBJECT))
        return merge_objects(m, base, mine, theirs);
    m->overlaps++;
    if (m->overlap)
        str_printf(m->overlap, "%s\n", m->path.data ? m->path.data : "");
    return take(m, mine);
}

/* Merges three trees. */
bool tree_merge(struct arena *a, const struct tree *base, const struct tree *mine,
                const struct tree *theirs, struct tree **merged, struct str *overlap) {
    struct merge m = { .arena = a, .overlap = overlap };
    *merged = merge_values(&m, base, mine, theirs);
    bool ok = !m.failed && !m.path.failed && m.overlaps == 0;
    if (m.failed || m.path.failed)
        *merged = NULL;
    str_free(&m.path);
    return ok;
}
