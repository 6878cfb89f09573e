/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering: a program over a record, into an arena. What is empty vanishes. */
#include "core/template/internal.h"

#include <stdio.h>
#include <string.h>

#define STEPS 20000000ul /* of one evaluation chain: hostile mappings end */

struct rendering {
    const struct template_set *set;
    const struct template *t;
    struct template_render *r;
    struct iptfhir_error *error;
    struct fhirpath_context context;
    struct fhirpath_collection slots[TEMPLATE_SLOTS];
    bool failed;
};

static struct tree *render(struct rendering *g, const struct node *n);
static void render_members(struct rendering *g, const struct node *list, struct tree *into);

/* ---- nodes ---- */

/* Links a node behind the last child. */
static void link_last(struct tree *parent, struct tree *child) {
    child->parent = parent;
    child->next = NULL;
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

/* A fresh node like another; text and names are shared: they live as long as the set. */
static struct tree *share(struct rendering *g, const struct tree *from) {
    struct tree *n = arena_alloc(g->r->arena, sizeof *n);
    if (n == NULL) {
        g->failed = true;
        return NULL;
    }
    *n = *from;
    n->next = NULL;
    n->parent = NULL;
    n->last = NULL;
    n->line = 0;
    n->column = 0;
    if (from->kind != TREE_ARRAY && from->kind != TREE_OBJECT)
        return n;
    n->first = NULL;
    for (const struct tree *c = from->first; c != NULL && !g->failed; c = c->next) {
        struct tree *child = share(g, c);
        if (child != NULL)
            link_last(n, child);
    }
    return g->failed ? NULL : n;
}

/* Links what a member gave, if anything, under its name. */
static void add_member(struct tree *object, const struct node *as, struct tree *child) {
    if (child == NULL)
        return;
    child->name = symbol_name(as->symbol);
    child->symbol = as->symbol;
    child->name_length = (uint32_t)strlen(as->name);
    link_last(object, child);
    object->length++;
}

/* Links what an item gave, if anything. */
static void add_item(struct tree *array, struct tree *child) {
    if (child == NULL)
        return;
    child->name = NULL;
    child->symbol = 0;
    link_last(array, child);
    array->length++;
}

/* ---- expressions ---- */

/* Ends the rendering of this resource with an error at a hole. */
static void fail_at(struct rendering *g, const struct hole *h) {
    snprintf(g->error->where, sizeof g->error->where, "%s", h->where);
    g->failed = true;
}

/* Evaluates a hole; a failure names the mapping file's place. False also for a hole that did not
 * compile. */
static bool evaluate(struct rendering *g, const struct hole *h, struct fhirpath_collection *out) {
    struct template_coverage *coverage = g->r->coverage;
    if (h == NULL)
        return false;
    if (!fhirpath_evaluate(h->program, &g->context, out, g->error)) {
        fail_at(g, h);
        return false;
    }
    if (coverage != NULL) {
        coverage->tried[h->number]++;
        coverage->filled[h->number] += out->count > 0;
    }
    return true;
}

/* Tells whether a value is a primitive of the record, whose text can be shared. */
static bool is_primitive(const struct fhirpath_value *v) {
    if (v->kind != FHIRPATH_NODE || v->node == NULL)
        return false;
    return v->node->kind != TREE_ARRAY && v->node->kind != TREE_OBJECT;
}

/* A value as a node of its own; NULL for null, or with g->failed. */
static struct tree *value_node(struct rendering *g, const struct fhirpath_value *v) {
    struct tree *n;
    if (is_primitive(v))
        n = share(g, v->node);
    else if (v->kind == FHIRPATH_STRING)
        n = tree_string_borrowed(g->r->arena, v->string.text, v->string.length);
    else
        n = fhirpath_to_tree(g->r->arena, v);
    if (n == NULL)
        g->failed = true;
    return n != NULL && n->kind == TREE_NULL ? NULL : n;
}

/* ---- text with holes ---- */

#define MOST_PARTS 32

struct part {
    const char *text;
    size_t length;
};

/* The text of one part; false when it is empty, or with g->failed. */
static bool part_text(struct rendering *g, const struct node *n, struct part *out) {
    struct fhirpath_value room[2];
    struct fhirpath_collection c = { room, 0, 2 };
    if (n->kind == NODE_CONSTANT) {
        *out = (struct part) { n->text, n->length };
        return true;
    }
    if (!evaluate(g, n->hole, &c) || c.count == 0)
        return false;
    out->text = fhirpath_to_text(g->r->arena, &c.items[0], &out->length);
    if (out->text == NULL) {
        error_set(g->error, "fhirpath-evaluation", n->hole->where,
                  "this gives an object, which is no text");
        g->failed = true;
    }
    return out->text != NULL;
}

/* One text of several parts. */
static struct tree *join(struct rendering *g, const struct part *parts, size_t count,
                         size_t total) {
    char *text = arena_alloc(g->r->arena, total + 1);
    if (text == NULL) {
        g->failed = true;
        return NULL;
    }
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, parts[i].text, parts[i].length);
        at += parts[i].length;
    }
    *at = '\0';
    return tree_string_borrowed(g->r->arena, text, total);
}

/* Text with holes; an empty one takes the whole away. */
static struct tree *render_text(struct rendering *g, const struct node *n) {
    struct part parts[MOST_PARTS];
    size_t count = 0;
    size_t total = 0;
    for (const struct node *p = n->first; p != NULL && count < MOST_PARTS; p = p->next) {
        if (!part_text(g, p, &parts[count]))
            return NULL;
        total += parts[count].length;
        count++;
    }
    return join(g, parts, count, total);
}

/* ---- directives ---- */

/* Tells whether a branch is taken; one without condition is. */
static bool is_taken(struct rendering *g, const struct node *n) {
    struct fhirpath_value room[2];
    struct fhirpath_collection c = { room, 0, 2 };
    bool truth = false;
    if (n->hole == NULL)
        return true;
    if (!evaluate(g, n->hole, &c))
        return false;
    if (!fhirpath_truth(&c, &truth, g->error))
        fail_at(g, n->hole);
    return truth;
}

/* The branch of a chain of ifs that holds; NULL: none, or with g->failed. */
static const struct node *branch(struct rendering *g, const struct node *n) {
    for (; n != NULL && !g->failed; n = n->else_)
        if (is_taken(g, n))
            return n->first;
    return NULL;
}

static void render_item(struct rendering *g, const struct node *n, struct tree *array);

/* Puts what each turn of a loop gives into a list. */
static void render_loop(struct rendering *g, const struct node *n, struct tree *array) {
    struct fhirpath_collection c = { 0 };
    if (!evaluate(g, n->hole, &c))
        return;
    for (size_t i = 0; i < c.count && !g->failed; i++) {
        g->slots[n->slot] = (struct fhirpath_collection) { &c.items[i], 1, 1 };
        render_item(g, n->first, array);
    }
}

/* Puts all values of an expression into a list. */
static void render_values(struct rendering *g, const struct node *n, struct tree *array) {
    struct fhirpath_collection c = { 0 };
    if (!evaluate(g, n->hole, &c))
        return;
    for (size_t i = 0; i < c.count; i++)
        add_item(array, value_node(g, &c.items[i]));
}

/* Puts what an item of a list gives into it: loops and lists give several. */
static void render_item(struct rendering *g, const struct node *n, struct tree *array) {
    if (g->failed || n == NULL)
        return;
    switch (n->kind) {
    case NODE_IF: render_item(g, branch(g, n), array); break;
    case NODE_FOR: render_loop(g, n, array); break;
    case NODE_LIST: render_values(g, n, array); break;
    default: add_item(array, render(g, n)); break;
    }
}

/* The values of an expression that is assigned: of "{{ }}" the first, of "{[ ]}" all. */
static void assign_values(struct rendering *g, const struct node *n) {
    struct fhirpath_collection c = { 0 };
    const struct node *body = n->first;
    if (!evaluate(g, body->hole, &c))
        return;
    if (body->kind == NODE_HOLE && c.count > 1)
        c.count = 1;
    g->slots[n->slot] = c;
}

/* An assignment: what follows sees the value. */
static void assign(struct rendering *g, const struct node *n) {
    struct fhirpath_collection c = { 0 };
    const struct node *body = n->first;
    bool expression = body != NULL && body->hole != NULL;
    if (expression && (body->kind == NODE_HOLE || body->kind == NODE_LIST)) {
        assign_values(g, n);
        return;
    }
    struct tree *v = render(g, body);
    if (v != NULL && !fhirpath_push(g->r->arena, &c, fhirpath_node(v)))
        g->failed = true;
    g->slots[n->slot] = c;
}

/* Moves the members of an object into another. */
static void move_members(struct tree *from, struct tree *into) {
    while (from->first != NULL) {
        struct tree *m = from->first;
        tree_remove(m);
        link_last(into, m);
        into->length++;
    }
}

/* Merges what a directive gives into an object. */
static void merge(struct rendering *g, const struct node *n, struct tree *into) {
    if (n == NULL || g->failed)
        return;
    if (n->kind == NODE_OBJECT) {
        render_members(g, n->first, into);
        return;
    }
    if (n->kind == NODE_IF) {
        merge(g, branch(g, n), into);
        return;
    }
    struct tree *v = render(g, n);
    if (v == NULL)
        return;
    if (v->kind == TREE_OBJECT) {
        move_members(v, into);
        return;
    }
    error_set(g->error, "template", g->t->file, "a directive beside members must give an object");
    g->failed = true;
}

/* ---- values ---- */

static void render_members(struct rendering *g, const struct node *list, struct tree *into) {
    for (const struct node *n = list; n != NULL && !g->failed; n = n->next) {
        if (n->kind == NODE_ASSIGN)
            assign(g, n);
        else if (n->merge)
            merge(g, n, into);
        else
            add_member(into, n, render(g, n));
    }
}

/* Renders a hole: its first item; a list is made elsewhere. */
static struct tree *render_hole(struct rendering *g, const struct node *n) {
    struct fhirpath_value room[2];
    struct fhirpath_collection c = { room, 0, 2 };
    if (!evaluate(g, n->hole, &c) || c.count == 0)
        return NULL;
    return value_node(g, &c.items[0]);
}

/* Renders an object. */
static struct tree *render_object(struct rendering *g, const struct node *n) {
    struct tree *made = tree_new(g->r->arena, TREE_OBJECT);
    if (made != NULL)
        render_members(g, n->first, made);
    return made;
}

/* Renders a list, however it is made: from items, or from one node that gives several. */
static struct tree *render_list(struct rendering *g, const struct node *n) {
    struct tree *made = tree_new(g->r->arena, TREE_ARRAY);
    if (made == NULL)
        return NULL;
    if (n->kind != NODE_ARRAY) {
        render_item(g, n, made);
        return made;
    }
    for (const struct node *i = n->first; i != NULL; i = i->next)
        render_item(g, i, made);
    return made;
}

/* Renders a node; NULL when it is empty, or with g->failed. */
static struct tree *render(struct rendering *g, const struct node *n) {
    if (n == NULL || g->failed)
        return NULL;
    struct tree *made;
    switch (n->kind) {
    case NODE_CONSTANT: return n->constant != NULL ? share(g, n->constant) : NULL;
    case NODE_HOLE: return render_hole(g, n);
    case NODE_TEXT: return render_text(g, n);
    case NODE_IF: return render(g, branch(g, n));
    case NODE_OBJECT: made = render_object(g, n); break;
    default: made = render_list(g, n); break;
    }
    if (made == NULL) {
        g->failed = true;
        return NULL;
    }
    return made->length > 0 ? made : NULL;
}

/* ---- resources ---- */

/* Appends what a fact is: its items when it is an array, nothing for null. */
static bool push_fact(struct arena *a, struct fhirpath_collection *slot, const struct tree *v) {
    bool array = v != NULL && v->kind == TREE_ARRAY;
    const struct tree *x = array ? v->first : v;
    while (x != NULL) {
        if (x->kind != TREE_NULL && !fhirpath_push(a, slot, fhirpath_node(x)))
            return false;
        x = array ? x->next : NULL;
    }
    return true;
}

/* Fills the slots of the record, parameters and facts. */
static bool fill_slots(struct rendering *g) {
    struct arena *a = g->r->arena;
    const struct tree *facts = g->r->facts;
    memcpy(g->slots, g->set->shared_values, g->set->shared * sizeof *g->slots);
    g->slots[0] = (struct fhirpath_collection) { 0 };
    if (!fhirpath_push(a, &g->slots[0], g->context.root))
        return false;
    for (int i = 0; i < g->t->facts; i++) {
        struct fhirpath_collection *slot = &g->slots[g->t->first_fact + i];
        *slot = (struct fhirpath_collection) { 0 };
        if (!push_fact(a, slot, tree_get(facts, g->t->fact_names[i])))
            return false;
    }
    return true;
}

/* Tells whether the rendering may go on behind a resource that could not be made: when the error is
 * its own, and who renders takes it. */
static bool is_taken_note_of(const struct rendering *g) {
    if (g->r->fault == NULL || !error_is_set(g->error))
        return false;
    if (strcmp(g->error->code, "memory") == 0)
        return false;
    return g->r->fault(g->r->user, g->t, g->error);
}

/* Reports a resource that could not be made and goes on with the next; false when rendering must
 * end. */
static bool report_resource(struct rendering *g) {
    if (!is_taken_note_of(g))
        return false;
    error_clear(g->error);
    g->failed = false;
    g->context.steps_left = STEPS;
    return true;
}

static bool resources(struct rendering *g, const struct node *n);

/* Renders the resources of each item of a loop. */
static bool loop_resources(struct rendering *g, const struct node *n) {
    struct fhirpath_collection c = { 0 };
    if (!evaluate(g, n->hole, &c))
        return false;
    for (size_t i = 0; i < c.count; i++) {
        g->slots[n->slot] = (struct fhirpath_collection) { &c.items[i], 1, 1 };
        if (!resources(g, n->first))
            return false;
    }
    return true;
}

/* Tells whether an object holds nothing but assignments and what is merged into it: then it stands
 * around resources and is none itself. */
static bool is_frame(const struct node *n) {
    if (n->kind != NODE_OBJECT || n->first == NULL || n->first->kind != NODE_ASSIGN)
        return false;
    for (const struct node *k = n->first; k != NULL; k = k->next)
        if (k->kind != NODE_ASSIGN && !k->merge)
            return false;
    return true;
}

/* Renders the resources inside a frame, with its assignments. */
static bool frame_resources(struct rendering *g, const struct node *n) {
    for (const struct node *m = n->first; m != NULL; m = m->next) {
        if (m->kind == NODE_ASSIGN)
            assign(g, m);
        else if (!resources(g, m))
            return false;
    }
    return !g->failed;
}

/* Renders the resources of a list; those of the whole file are numbered for who takes them. */
static bool list_resources(struct rendering *g, const struct node *n) {
    bool whole_file = n == g->t->resources;
    size_t item = 0;
    for (const struct node *i = n->first; i != NULL; i = i->next, item++) {
        if (whole_file)
            g->r->item = item;
        if (!resources(g, i))
            return false;
    }
    return true;
}

/* Renders one resource and hands it on. What it took of the arena is free again afterwards. */
static bool one_resource(struct rendering *g, const struct node *n) {
    struct arena_mark before = arena_mark(g->r->arena);
    struct tree *made = render(g, n);
    bool goes_on = true;
    if (g->failed) {
        goes_on = report_resource(g);
    } else if (made != NULL) {
        g->failed = !g->r->emit(g->r->user, g->t, made, g->error);
        goes_on = !g->failed;
    }
    arena_rewind(g->r->arena, before);
    return goes_on;
}

/* Renders one resource template, or the resources of a list, a loop or a choice. */
static bool resources(struct rendering *g, const struct node *n) {
    if (n == NULL)
        return true;
    switch (n->kind) {
    case NODE_IF: return resources(g, branch(g, n)) && !g->failed;
    case NODE_FOR: return loop_resources(g, n);
    case NODE_ARRAY: return list_resources(g, n);
    default: return is_frame(n) ? frame_resources(g, n) : one_resource(g, n);
    }
}

bool template_render(const struct template_set *set, const struct template *t,
                     struct template_render *r, struct iptfhir_error *error) {
    struct iptfhir_error own = ERROR_INIT;
    struct rendering g = { .set = set, .t = t, .r = r, .error = &own };
    g.context = (struct fhirpath_context) { .arena = r->arena,
                                            .root = fhirpath_node(r->record),
                                            .variables = g.slots,
                                            .now_ms = r->now_ms,
                                            .steps_left = STEPS,
                                            .user = (void *)(uintptr_t)set };
    if (fill_slots(&g) && resources(&g, t->resources))
        return true;
    error_set(&own, "memory", t->file, "this record needs more memory than it may have");
    return error_set(error, own.code, own.where, "%s", own.text);
}
