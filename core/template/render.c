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

/* A fresh node like another; text and names are shared: they live as long as the set. */
static struct tree *share(struct rendering *g, const struct tree *from) {
    struct tree *n = arena_alloc(g->r->arena, sizeof *n);
    if (!n) {
        g->failed = true;
        return NULL;
    }
    *n = *from;
    n->next = n->parent = n->last = NULL;
    n->line = n->column = 0;
    if (from->kind != TREE_ARRAY && from->kind != TREE_OBJECT)
        return n;
    n->first = NULL;
    for (const struct tree *c = from->first; c; c = c->next) {
        struct tree *child = share(g, c);
        if (!child)
            return NULL;
        child->parent = n;
        *(n->last ? &n->last->next : &n->first) = child;
        n->last = child;
    }
    return n;
}

/* Link a rendered member under its name. */
static void add_member(struct tree *object, const struct node *as, struct tree *child) {
    child->name = symbol_name(as->symbol);
    child->symbol = as->symbol;
    child->name_length = (uint32_t)strlen(as->name);
    child->parent = object;
    *(object->last ? &object->last->next : &object->first) = child;
    object->last = child;
    object->length++;
}

/* Link a rendered item. */
static void add_item(struct tree *array, struct tree *child) {
    child->name = NULL;
    child->symbol = 0;
    child->parent = array;
    *(array->last ? &array->last->next : &array->first) = child;
    array->last = child;
    array->length++;
}

/* Evaluate a hole; a failure names the mapping file's place. */
static bool evaluate(struct rendering *g, const struct hole *h, struct fhirpath_collection *out) {
    if (!fhirpath_evaluate(h->program, &g->context, out, g->error)) {
        snprintf(g->error->where, sizeof g->error->where, "%s", h->where);
        g->failed = true;
        return false;
    }
    if (g->r->coverage) {
        g->r->coverage->tried[h->number]++;
        g->r->coverage->filled[h->number] += out->count > 0;
    }
    return true;
}

/* A value as a node of its own. */
static struct tree *value_node(struct rendering *g, const struct fhirpath_value *v) {
    struct tree *n;
    if (v->kind == FHIRPATH_NODE && v->node && v->node->kind != TREE_ARRAY &&
        v->node->kind != TREE_OBJECT)
        n = share(g, v->node); /* lives in the record's arena */
    else if (v->kind == FHIRPATH_STRING)
        n = tree_string_borrowed(g->r->arena, v->string.text, v->string.length);
    else
        n = fhirpath_to_tree(g->r->arena, v);
    if (!n)
        g->failed = true;
    return n && n->kind == TREE_NULL ? NULL : n;
}

/* Text with holes; an empty one takes the whole away. */
static struct tree *render_text(struct rendering *g, const struct node *n) {
    struct {
        const char *text;
        size_t length;
    } parts[32];
    size_t count = 0, total = 0;
    for (const struct node *p = n->first; p && count < 32; p = p->next, count++) {
        if (p->kind == NODE_CONSTANT) {
            parts[count].text = p->text;
            parts[count].length = p->length;
        } else {
            struct fhirpath_value room[2];
            struct fhirpath_collection c = { room, 0, 2 };
            if (!p->hole || !evaluate(g, p->hole, &c) || !c.count)
                return NULL;
            parts[count].text = fhirpath_to_text(g->r->arena, &c.items[0], &parts[count].length);
            if (!parts[count].text) {
                error_set(g->error, "fhirpath-evaluation", p->hole->where,
                          "this gives an object, which is no text");
                g->failed = true;
                return NULL;
            }
        }
        total += parts[count].length;
    }
    char *text = arena_alloc(g->r->arena, total + 1), *at = text;
    for (size_t i = 0; text && i < count; i++) {
        memcpy(at, parts[i].text, parts[i].length);
        at += parts[i].length;
    }
    if (!text) {
        g->failed = true;
        return NULL;
    }
    *at = '\0';
    return tree_string_borrowed(g->r->arena, text, total);
}

/* The branch of a chain of ifs that holds; NULL: none. */
static const struct node *branch(struct rendering *g, const struct node *n) {
    for (; n; n = n->else_) {
        struct fhirpath_value room[2];
        struct fhirpath_collection c = { room, 0, 2 };
        bool truth = true;
        if (n->hole && !evaluate(g, n->hole, &c))
            return NULL;
        if (n->hole && !fhirpath_truth(&c, &truth, g->error)) {
            snprintf(g->error->where, sizeof g->error->where, "%s", n->hole->where);
            g->failed = true;
            return NULL;
        }
        if (truth)
            return n->first;
    }
    return NULL;
}

/* Put what an item of a list gives into it: loops and lists give several. */
static void render_item(struct rendering *g, const struct node *n, struct tree *array) {
    if (g->failed || !n)
        return;
    if (n->kind == NODE_IF) {
        render_item(g, branch(g, n), array);
    } else if (n->kind == NODE_FOR) {
        struct fhirpath_collection c = { 0 };
        if (!n->hole || !evaluate(g, n->hole, &c))
            return;
        for (size_t i = 0; i < c.count && !g->failed; i++) {
            g->slots[n->slot] = (struct fhirpath_collection) { &c.items[i], 1, 1 };
            render_item(g, n->first, array);
        }
    } else if (n->kind == NODE_LIST) {
        struct fhirpath_collection c = { 0 };
        if (!n->hole || !evaluate(g, n->hole, &c))
            return;
        for (size_t i = 0; i < c.count; i++) {
            struct tree *v = value_node(g, &c.items[i]);
            if (v)
                add_item(array, v);
        }
    } else {
        struct tree *v = render(g, n);
        if (v)
            add_item(array, v);
    }
}

/* An assignment: what follows sees the value. */
static void assign(struct rendering *g, const struct node *n) {
    struct fhirpath_collection c = { 0 };
    const struct node *body = n->first;
    if (body && (body->kind == NODE_HOLE || body->kind == NODE_LIST) && body->hole) {
        if (!evaluate(g, body->hole, &c))
            return;
        if (body->kind == NODE_HOLE && c.count > 1)
            c.count = 1;
    } else if (body) {
        struct tree *v = render(g, body);
        if (v && !fhirpath_push(g->r->arena, &c, fhirpath_node(v)))
            g->failed = true;
    }
    g->slots[n->slot] = c;
}

/* Merge what a directive gives into an object. */
static void merge(struct rendering *g, const struct node *n, struct tree *into) {
    if (!n || g->failed)
        return;
    if (n->kind == NODE_OBJECT) {
        render_members(g, n->first, into);
    } else if (n->kind == NODE_IF) {
        merge(g, branch(g, n), into);
    } else {
        struct tree *v = render(g, n);
        if (v && v->kind == TREE_OBJECT) {
            while (v->first) {
                struct tree *m = v->first;
                tree_remove(m);
                m->parent = into;
                m->next = NULL;
                *(into->last ? &into->last->next : &into->first) = m;
                into->last = m;
                into->length++;
            }
        } else if (v) {
            error_set(g->error, "template", g->t->file,
                      "a directive beside members must give an object");
            g->failed = true;
        }
    }
}

static void render_members(struct rendering *g, const struct node *list, struct tree *into) {
    for (const struct node *n = list; n && !g->failed; n = n->next) {
        if (n->kind == NODE_ASSIGN) {
            assign(g, n);
        } else if (n->merge) {
            merge(g, n, into);
        } else {
            struct tree *v = render(g, n);
            if (v)
                add_member(into, n, v);
        }
    }
}

/* Renders a hole: its first item; a list is made elsewhere. */
static struct tree *render_hole(struct rendering *g, const struct node *n) {
    struct fhirpath_value room[2];
    struct fhirpath_collection c = { room, 0, 2 };
    if (n->hole == NULL || !evaluate(g, n->hole, &c) || c.count == 0)
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

/* Fill the slots of the record, parameters and facts. */
static bool fill_slots(struct rendering *g) {
    struct arena *a = g->r->arena;
    memcpy(g->slots, g->set->shared_values, g->set->shared * sizeof *g->slots);
    g->slots[0] = (struct fhirpath_collection) { 0 };
    if (!fhirpath_push(a, &g->slots[0], g->context.root))
        return false;
    for (int i = 0; i < g->t->facts; i++) {
        struct fhirpath_collection *slot = &g->slots[g->t->first_fact + i];
        const struct tree *v = g->r->facts ? tree_get(g->r->facts, g->t->fact_names[i]) : NULL;
        *slot = (struct fhirpath_collection) { 0 };
        for (const struct tree *x = v && v->kind == TREE_ARRAY ? v->first : v; x;
             x = v->kind == TREE_ARRAY ? x->next : NULL)
            if (x->kind != TREE_NULL && !fhirpath_push(a, slot, fhirpath_node(x)))
                return false;
    }
    return true;
}

/* Tell of a resource that could not be made and go on with the next; false when rendering must end.
 */
static bool excuse(struct rendering *g) {
    if (!g->r->fault || !error_is_set(g->error) || !strcmp(g->error->code, "memory") ||
        !g->r->fault(g->r->user, g->t, g->error))
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
    if (n->hole == NULL || !evaluate(g, n->hole, &c))
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
        goes_on = excuse(g);
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
    if (!error_is_set(&own))
        error_set(&own, "memory", t->file, "this record needs more memory than it may have");
    if (error)
        error_set(error, own.code, own.where, "%s", own.text);
    return false;
}
