/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating expressions: paths, operators, variables. */
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

bool evaluation_error(struct evaluation *e, const struct expression *x, const char *format, ...) {
    char text[400], where[32];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(where, sizeof where, "%u:%u", x ? x->line : 1, x ? x->column : 1);
    return error_set(e->error, "fhirpath-evaluation", where, "%s", text);
}

bool out_of_memory(struct evaluation *e) {
    return error_set(e->error, "memory", NULL,
                     "this evaluation needs more memory than it may have");
}

static bool add_node(struct evaluation *e, const struct tree *n, const struct tree *extra,
                     const struct r4_type *type, collection *out);

/* Appends the items of an array, with the items of its "_name" sibling where it has one. */
static bool add_items(struct evaluation *e, const struct tree *array, const struct tree *extra,
                      const struct r4_type *type, collection *out) {
    const struct tree *x = NULL;
    if (extra != NULL && extra->kind == TREE_ARRAY)
        x = extra->first;
    for (const struct tree *i = array->first; i != NULL; i = i->next) {
        if (!add_node(e, i, x, type, out))
            return false;
        if (x != NULL)
            x = x->next;
    }
    return true;
}

/* The type that an object names itself where its place allows several; else the type of the place.
 */
static const struct r4_type *own_type(const struct tree *object, const struct r4_type *type) {
    bool open = type == NULL || type->abstract_ || strcmp(type->name, "Resource") == 0;
    const char *resource = open ? tree_text(object, "resourceType") : NULL;
    const struct r4_type *own = resource != NULL ? r4_type(resource) : NULL;
    return own != NULL ? own : type;
}

/* Appends what one tree node stands for: an array is its items, null is nothing unless it has an
 * extension. */
static bool add_node(struct evaluation *e, const struct tree *n, const struct tree *extra,
                     const struct r4_type *type, collection *out) {
    if (n != NULL && n->kind == TREE_ARRAY)
        return add_items(e, n, extra, type, out);
    if (n != NULL && n->kind == TREE_NULL)
        n = NULL;
    if (extra != NULL && extra->kind != TREE_OBJECT)
        extra = NULL;
    if (n == NULL && extra == NULL)
        return true;
    value v = { .kind = FHIRPATH_NODE, .type = type, .node = n, .extra = extra };
    if (n != NULL && n->kind == TREE_OBJECT)
        v.type = own_type(n, type);
    return push(e, out, v);
}

/* The "_name" sibling of a member. */
static const struct tree *extra_of(const struct tree *object, const char *name) {
    char with[128];
    if (!object->first || strlen(name) > 120)
        return NULL;
    with[0] = '_';
    strcpy(with + 1, name);
    return tree_get(object, with);
}

/* The type of what a primitive has beside its value: id and extension. */
static const struct r4_type *beside_type(const char *name) {
    return r4_type(strcmp(name, "extension") == 0 ? "Extension" : "string");
}

/* The "_name" sibling of a member of a primitive type, NULL when it has none. */
static const struct tree *extra_if_primitive(const struct tree *object, const char *name,
                                             const struct r4_type *type) {
    if (type == NULL || type->kind != R4_PRIMITIVE)
        return NULL;
    return extra_of(object, name);
}

/* Appends a choice element by whichever of its JSON names is there: value is valueQuantity. */
static bool choice_step(struct evaluation *e, const value *on, const struct r4_element *element,
                        collection *out) {
    size_t state = 0;
    uint32_t symbol;
    const struct r4_type *actual = NULL;
    while (r4_choice(on->type, element, &state, &symbol, &actual)) {
        const struct tree *member = tree_get_symbol(on->node, symbol);
        const struct tree *extra = extra_if_primitive(on->node, symbol_name(symbol), actual);
        if (!add_node(e, member, extra, actual, out))
            return false;
    }
    return true;
}

/* Appends a member of an object whose type R4 knows. */
static bool typed_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                       collection *out) {
    const struct r4_type *actual = NULL;
    const struct r4_element *element = r4_element_symbol(on->type, symbol, &actual);
    if (element != NULL && element->choice) {
        /* With a type it is how JSON writes it, valueQuantity: not a name of FHIRPath. */
        return actual != NULL || choice_step(e, on, element, out);
    }
    const struct tree *member = tree_get_symbol(on->node, symbol);
    if (element == NULL && (member == NULL || strcmp(name, "resourceType") == 0))
        return true;
    return add_node(e, member, extra_if_primitive(on->node, name, actual), actual, out);
}

bool member_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                 collection *out) {
    if (on->kind != FHIRPATH_NODE)
        return true;
    if (on->node == NULL || on->node->kind != TREE_OBJECT) { /* a primitive */
        const struct tree *beside = on->extra != NULL ? tree_get(on->extra, name) : NULL;
        return beside == NULL || add_node(e, beside, NULL, beside_type(name), out);
    }
    if (on->type != NULL)
        return typed_step(e, on, symbol, name, out);
    const struct tree *member = tree_get_symbol(on->node, symbol);
    if (member == NULL)
        member = tree_get(on->node, name);
    return add_node(e, member, NULL, NULL, out);
}

/* The type of a member of a node, NULL when it isn't known; `beside`: it stands in "_name". */
static const struct r4_type *child_type(const value *on, const char *name, bool beside) {
    const struct r4_type *actual = NULL;
    if (beside)
        return beside_type(name);
    if (on->type != NULL)
        r4_element(on->type, name, &actual);
    return actual;
}

/* Appends one child: a member, or a "_name" whose primitive is absent. */
static bool add_child(struct evaluation *e, const value *on, const struct tree *object,
                      const struct tree *m, collection *out) {
    bool beside = object == on->extra;
    if (m->name[0] == '_') {
        if (tree_get(object, m->name + 1) != NULL)
            return true; /* it comes with its primitive */
        return add_node(e, NULL, m, child_type(on, m->name + 1, false), out);
    }
    if (on->type != NULL && strcmp(m->name, "resourceType") == 0)
        return true;
    const struct r4_type *type = child_type(on, m->name, beside);
    return add_node(e, m, extra_if_primitive(object, m->name, type), type, out);
}

bool all_children(struct evaluation *e, const value *on, collection *out) {
    if (on->kind != FHIRPATH_NODE)
        return true;
    const struct tree *object = on->extra;
    if (on->node != NULL && on->node->kind == TREE_OBJECT)
        object = on->node;
    if (object == NULL)
        return true;
    for (const struct tree *m = object->first; m != NULL; m = m->next)
        if (!add_child(e, on, object, m, out))
            return false;
    return true;
}

/* A name at the start of a path may be the type of the context: Patient.name. */
static bool names_type(const value *v, const char *name) {
    if (name[0] < 'A' || name[0] > 'Z' || !v->type)
        return false;
    const struct r4_type *asked = r4_type(name);
    return asked && r4_is(v->type, asked);
}

/* $this: the item in hand, or the root. */
static const value *this_of(const struct evaluation *e) {
    return e->this_item ? e->this_item : &e->context->root;
}

/* A member step on every item of its focus. */
static bool member(struct evaluation *e, const struct expression *x, collection *out) {
    if (!x->left) {
        const value *on = this_of(e);
        if (names_type(on, x->name))
            return push(e, out, *on);
        return member_step(e, on, x->symbol, x->name, out);
    }
    value room[2];
    collection made = { room, 0, 2 };
    const collection *focus = &made;
    if (x->left->kind == X_VARIABLE &&
        x->left->slot >= 0) /* as it is: mapping files do this most */
        focus = &e->context->variables[x->left->slot];
    else if (!evaluate(e, x->left, &made))
        return false;
    for (size_t i = 0; i < focus->count; i++)
        if (!member_step(e, &focus->items[i], x->symbol, x->name, out))
            return false;
    return true;
}

/* A call, standard or of the caller's. */
static bool call(struct evaluation *e, const struct expression *x, collection *out) {
    collection input = { 0 };
    const struct definition *outer = e->defined;
    if (x->left ? !evaluate(e, x->left, &input) : !push(e, &input, *this_of(e)))
        return false;
    if (x->kind == X_CALL)
        return x->function->call(e, x, &input, out);
    collection *args = arena_zalloc(e->arena, (x->arg_count + 1) * sizeof *args);
    if (!args)
        return out_of_memory(e);
    for (size_t i = 0; i < x->arg_count; i++)
        if (!argument(e, x, i, &args[i]))
            return false;
    e->defined = outer;
    struct iptfhir_error why = ERROR_INIT;
    if (x->extension->call(e->context, &input, args, x->arg_count, out, x->extension->data, &why))
        return true;
    return error_set(e->error, *why.code ? why.code : "fhirpath-evaluation", why.where, "%s",
                     why.text);
}

/* %name. */
static bool variable(struct evaluation *e, const struct expression *x, collection *out) {
    if (x->slot >= 0)
        return push_all(e, out, &e->context->variables[x->slot]);
    for (const struct definition *d = e->defined; d; d = d->outer)
        if (!strcmp(d->name, x->name))
            return push_all(e, out, &d->values);
    return evaluation_error(e, x, "%%%s is not defined here", x->name);
}

/* [n]. */
static bool item(struct evaluation *e, const struct expression *x, collection *out) {
    collection focus = { 0 }, index = { 0 };
    int64_t n;
    bool found;
    const struct definition *outer = e->defined;
    if (!evaluate(e, x->left, &focus))
        return false;
    e->defined = outer;
    if (!evaluate(e, x->right, &index) || !single_integer(e, x, &index, &n, &found))
        return false;
    return !found || n < 0 || (uint64_t)n >= focus.count || push(e, out, focus.items[n]);
}

/* -x. */
static bool sign(struct evaluation *e, const struct expression *x, collection *out) {
    collection operand = { 0 };
    value v;
    bool found;
    if (!evaluate(e, x->left, &operand) || !single(e, x, &operand, &v, &found))
        return false;
    if (!found)
        return true;
    if (v.kind == FHIRPATH_INTEGER && x->negative && v.integer == INT64_MIN)
        return true; /* overflow gives nothing */
    if (v.kind == FHIRPATH_INTEGER)
        v.integer = x->negative ? -v.integer : v.integer;
    else if (v.kind == FHIRPATH_DECIMAL)
        v.decimal.digits = x->negative ? -v.decimal.digits : v.decimal.digits;
    else if (v.kind == FHIRPATH_QUANTITY)
        v.quantity.value.digits = x->negative ? -v.quantity.value.digits : v.quantity.value.digits;
    else
        return evaluation_error(e, x, "a sign needs a number");
    return push(e, out, v);
}

/* is and as. */
static bool type_test(struct evaluation *e, const struct expression *x, collection *out) {
    collection operand = { 0 };
    if (!evaluate(e, x->left, &operand))
        return false;
    if (operand.count > 1)
        return evaluation_error(e, x, "one item is needed left of `%s`, there are %zu",
                                x->kind == X_IS ? "is" : "as", operand.count);
    if (!operand.count)
        return true;
    bool fits = is_type(&operand.items[0], x);
    return x->kind == X_IS ? push(e, out, of_boolean(fits))
                           : !fits || push(e, out, operand.items[0]);
}

/* Both sides of an operator; what one defines isn't seen by the other. */
static bool both(struct evaluation *e, const struct expression *x, collection *out) {
    collection a = { 0 }, b = { 0 };
    const struct definition *outer = e->defined;
    bool ok = evaluate(e, x->left, &a);
    e->defined = outer;
    ok = ok && evaluate(e, x->right, &b);
    e->defined = outer;
    return ok && binary(e, x, &a, &b, out);
}

bool evaluate(struct evaluation *e, const struct expression *x, collection *out) {
    if (++e->depth > 2 * FHIRPATH_MAX_DEPTH)
        return evaluation_error(e, x, "this goes too deep");
    if (e->context->steps_left && !--e->context->steps_left)
        return evaluation_error(e, x, "this takes too many steps");
    bool ok = true;
    if (out->count && (x->kind == X_CALL || x->kind == X_EXTENSION || x->kind == X_BINARY)) {
        /* functions and operators look at what they give: they must not see what stands there
         * already (select()) */
        collection fresh = { 0 };
        e->depth--;
        return evaluate(e, x, &fresh) && push_all(e, out, &fresh);
    }
    switch (x->kind) {
    case X_LITERAL: ok = push(e, out, x->literal); break;
    case X_EMPTY: break;
    case X_THIS: ok = push(e, out, *this_of(e)); break;
    case X_INDEX: ok = e->index < 0 || push(e, out, of_integer(e->index)); break;
    case X_TOTAL: ok = !e->total || push_all(e, out, e->total); break;
    case X_CONSTANT: ok = push(e, out, e->context->root); break;
    case X_VARIABLE: ok = variable(e, x, out); break;
    case X_MEMBER: ok = member(e, x, out); break;
    case X_CALL:
    case X_EXTENSION: ok = call(e, x, out); break;
    case X_ITEM: ok = item(e, x, out); break;
    case X_SIGN: ok = sign(e, x, out); break;
    case X_IS:
    case X_AS: ok = type_test(e, x, out); break;
    default: ok = both(e, x, out); break;
    }
    e->depth--;
    return ok;
}

bool evaluate_on(struct evaluation *e, const struct expression *x, const value *on, int64_t index,
                 collection *out) {
    struct evaluation inner = *e;
    if (on) {
        inner.this_item = on;
        inner.index = index;
    }
    return evaluate(&inner, x, out);
}

bool argument(struct evaluation *e, const struct expression *x, size_t n, collection *out) {
    return n >= x->arg_count || evaluate_on(e, x->args[n], NULL, -1, out);
}

bool fhirpath_evaluate(const struct fhirpath_program *program, struct fhirpath_context *context,
                       struct fhirpath_collection *out, struct iptfhir_error *error) {
    struct iptfhir_error
        own; /* only its code is cleared: this runs for every hole of every resource */
    struct evaluation e = {
        .context = context, .arena = context->arena, .error = error ? error : &own, .index = -1
    };
    if (!error) {
        own.size = sizeof own;
        own.code[0] = own.where[0] = own.text[0] = '\0';
    }
    return evaluate(&e, program->root, out) || error_set(e.error, "memory", NULL, "out of memory");
}

/* Follow a chain of members down to where it starts; writes it dotted. */
static bool dotted(const struct expression *x, struct str *out, const struct expression **start) {
    if (x->kind == X_ITEM || (x->kind == X_CALL && x->left))
        return dotted(x->left, out, start);
    if (x->kind != X_MEMBER) {
        *start = x;
        return true;
    }
    *start = NULL;
    if (x->left && !dotted(x->left, out, start))
        return false;
    str_printf(out, "%s%s", out->length ? "." : "", x->name);
    return true;
}

struct reads {
    int slot;
    void (*path)(void *, const char *);
    void *user;
    size_t count;
};

static void tell(const struct expression *x, struct reads *r, const char *below);

/* Tells whether an expression is the variable that is asked about. */
static bool is_asked(const struct expression *x, const struct reads *r) {
    return x->kind == X_VARIABLE && x->slot == r->slot;
}

/* Tells one path: of the variable asked about, or one that begins at the item in hand, which stands
 * at `below`. */
static void tell_path(const struct expression *x, struct reads *r, const char *below) {
    struct str path = { 0 }, full = { 0 };
    const struct expression *start = NULL;
    if (!dotted(x, &path, &start))
        goto out;
    bool ours = start != NULL ? is_asked(start, r) : r->slot < 0 || *below != '\0';
    if (start == NULL && *below != '\0') {
        str_puts(&full, below);
        if (path.length > 0)
            str_putc(&full, '.');
    }
    str_add(&full, path.data != NULL ? path.data : "", path.length);
    if (ours && full.length > 0 && !full.failed) {
        r->path(r->user, full.data);
        r->count++;
    }
out:
    str_free(&full);
    str_free(&path);
}

/* Tells the paths in the arguments of a call: below what it is called on, where that is a path. */
static void tell_arguments(const struct expression *x, struct reads *r, const char *below) {
    struct str inner = { 0 };
    const struct expression *from = NULL;
    bool followed = x->left != NULL && dotted(x->left, &inner, &from);
    bool of_asked = followed && from != NULL && is_asked(from, r);
    bool of_item = x->left != NULL && from == NULL && *below != '\0';
    const char *place = below;
    if ((of_asked || of_item) && inner.data != NULL)
        place = inner.data;
    for (size_t i = 0; i < x->arg_count; i++)
        tell(x->args[i], r, place);
    str_free(&inner);
}

/* Tells each path below an expression. */
static void tell(const struct expression *x, struct reads *r, const char *below) {
    if (x == NULL)
        return;
    if (x->kind == X_MEMBER || is_asked(x, r))
        tell_path(x, r, below);
    tell(x->left, r, below);
    switch (x->kind) {
    case X_BINARY:
    case X_ITEM: tell(x->right, r, below); break;
    case X_CALL:
    case X_EXTENSION: tell_arguments(x, r, below); break;
    default: break;
    }
}

size_t fhirpath_reads(const struct fhirpath_program *program, int slot,
                      void (*path)(void *, const char *), void *user) {
    struct reads r = { slot, path, user, 0 };
    tell(program->root, &r, "");
    return r.count;
}
