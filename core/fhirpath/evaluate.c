/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating expressions: paths, variables, and which evaluator an expression has. */
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

void evaluation_error(struct evaluation *e, const struct expression *x, const char *format, ...) {
    char text[400];
    char where[32];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(where, sizeof where, "%u:%u", x->line, x->column);
    error_set(e->error, "fhirpath-evaluation", where, "%s", text);
}

void out_of_memory(struct evaluation *e) {
    error_set(e->error, "memory", NULL, "this evaluation needs more memory than it may have");
}

static void add_node(struct evaluation *e, const struct tree *n, const struct tree *extra,
                     const struct r4_type *type, collection *out);

/* Appends the items of an array, with the items of its "_name" sibling where it has one. */
static void add_items(struct evaluation *e, const struct tree *array, const struct tree *extra,
                      const struct r4_type *type, collection *out) {
    const struct tree *x = NULL;
    if (extra != NULL && extra->kind == TREE_ARRAY)
        x = extra->first;
    for (const struct tree *i = array->first; i != NULL; i = i->next) {
        add_node(e, i, x, type, out);
        if (x != NULL)
            x = x->next;
    }
}

/* Tells whether a place may hold objects that name their own type. */
static bool is_open(const struct r4_type *type) {
    return type == NULL || type->abstract_ || strcmp(type->name, "Resource") == 0;
}

/* The type that an object names itself where its place allows several; else the type of the place.
 */
static const struct r4_type *own_type(const struct tree *object, const struct r4_type *type) {
    if (!is_open(type))
        return type;
    const char *resource = tree_text(object, "resourceType");
    if (resource == NULL)
        return type;
    const struct r4_type *own = r4_type(resource);
    return own != NULL ? own : type;
}

/* Appends what one tree node stands for: an array is its items, null is nothing unless it has an
 * extension. */
static void add_node(struct evaluation *e, const struct tree *n, const struct tree *extra,
                     const struct r4_type *type, collection *out) {
    if (n != NULL && n->kind == TREE_ARRAY) {
        add_items(e, n, extra, type, out);
        return;
    }
    value v = { .kind = FHIRPATH_NODE, .type = type };
    if (n != NULL && n->kind != TREE_NULL)
        v.node = n;
    if (extra != NULL && extra->kind == TREE_OBJECT)
        v.extra = extra;
    if (v.node == NULL && v.extra == NULL)
        return;
    if (v.node != NULL && n->kind == TREE_OBJECT)
        v.type = own_type(n, type);
    push(e, out, v);
}

/* The "_name" sibling of a member of a primitive type, NULL when it has none. */
static const struct tree *extra_of(const struct tree *object, const char *name,
                                   const struct r4_type *type) {
    char underscored[128];
    if (type == NULL || type->kind != R4_PRIMITIVE)
        return NULL;
    size_t length = strlen(name);
    if (length + 2 > sizeof underscored)
        return NULL;
    underscored[0] = '_';
    memcpy(underscored + 1, name, length + 1);
    return tree_get(object, underscored);
}

/* The type of what a primitive has beside its value: id and extension. */
static const struct r4_type *beside_type(const char *name) {
    return r4_type(strcmp(name, "extension") == 0 ? "Extension" : "string");
}

/* Appends a choice element by whichever of its JSON names is there: value is valueQuantity. */
static void choice_step(struct evaluation *e, const value *on, const struct r4_element *element,
                        collection *out) {
    size_t state = 0;
    uint32_t symbol;
    const struct r4_type *actual = NULL;
    while (r4_choice(on->type, element, &state, &symbol, &actual)) {
        const struct tree *member = tree_get_symbol(on->node, symbol);
        const struct tree *extra = extra_of(on->node, symbol_name(symbol), actual);
        add_node(e, member, extra, actual, out);
    }
}

/* Appends a member of an object whose type R4 knows. */
static void typed_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                       collection *out) {
    const struct r4_type *actual = NULL;
    const struct r4_element *element = r4_element_symbol(on->type, symbol, &actual);
    if (element != NULL && element->choice) {
        /* With a type it is how JSON writes it, valueQuantity: not a name of FHIRPath. */
        if (actual == NULL)
            choice_step(e, on, element, out);
        return;
    }
    if (element == NULL && strcmp(name, "resourceType") == 0)
        return;
    const struct tree *member = tree_get_symbol(on->node, symbol);
    add_node(e, member, extra_of(on->node, name, actual), actual, out);
}

/* Appends a member of an object of unknown type, such as a record. */
static void untyped_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                         collection *out) {
    const struct tree *member = tree_get_symbol(on->node, symbol);
    if (member == NULL)
        member = tree_get(on->node, name);
    add_node(e, member, NULL, NULL, out);
}

/* Appends what a primitive has beside its value. */
static void beside_step(struct evaluation *e, const value *on, const char *name, collection *out) {
    if (on->extra == NULL)
        return;
    const struct tree *beside = tree_get(on->extra, name);
    if (beside != NULL)
        add_node(e, beside, NULL, beside_type(name), out);
}

void member_step(struct evaluation *e, const value *on, uint32_t symbol, const char *name,
                 collection *out) {
    if (on->kind != FHIRPATH_NODE)
        return;
    if (on->node == NULL || on->node->kind != TREE_OBJECT)
        beside_step(e, on, name, out);
    else if (on->type != NULL)
        typed_step(e, on, symbol, name, out);
    else
        untyped_step(e, on, symbol, name, out);
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

/* Appends a "_name" whose primitive is absent; the others come with their primitive. */
static void add_extra_child(struct evaluation *e, const value *on, const struct tree *object,
                            const struct tree *m, collection *out) {
    const char *primitive = m->name + 1;
    if (tree_get(object, primitive) == NULL)
        add_node(e, NULL, m, child_type(on, primitive, false), out);
}

/* Appends a member as a child. */
static void add_child(struct evaluation *e, const value *on, const struct tree *object,
                      const struct tree *m, collection *out) {
    if (on->type != NULL && strcmp(m->name, "resourceType") == 0)
        return;
    const struct r4_type *type = child_type(on, m->name, object == on->extra);
    add_node(e, m, extra_of(object, m->name, type), type, out);
}

void all_children(struct evaluation *e, const value *on, collection *out) {
    if (on->kind != FHIRPATH_NODE)
        return;
    const struct tree *object = on->extra;
    if (on->node != NULL && on->node->kind == TREE_OBJECT)
        object = on->node;
    if (object == NULL)
        return;
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        if (m->name[0] == '_')
            add_extra_child(e, on, object, m, out);
        else
            add_child(e, on, object, m, out);
    }
}

/* ---- one evaluator for each kind of expression ---- */

/* $this: the item that a criterion is asked about, or the root. */
static const value *this_of(const struct evaluation *e) {
    return e->this_item != NULL ? e->this_item : &e->context->root;
}

static void literal(struct evaluation *e, const struct expression *x, collection *out) {
    push(e, out, x->literal);
}

static void empty(struct evaluation *e, const struct expression *x, collection *out) {
    (void)e;
    (void)x;
    (void)out;
}

static void this_item(struct evaluation *e, const struct expression *x, collection *out) {
    (void)x;
    push(e, out, *this_of(e));
}

static void item_index(struct evaluation *e, const struct expression *x, collection *out) {
    (void)x;
    if (e->index >= 0)
        push(e, out, of_integer(e->index));
}

static void total(struct evaluation *e, const struct expression *x, collection *out) {
    (void)x;
    if (e->total != NULL)
        push_all(e, out, e->total);
}

static void root(struct evaluation *e, const struct expression *x, collection *out) {
    (void)x;
    push(e, out, e->context->root);
}

/* %name. */
static void variable(struct evaluation *e, const struct expression *x, collection *out) {
    if (x->slot >= 0) {
        push_all(e, out, &e->context->variables[x->slot]);
        return;
    }
    const struct definition *d = e->defined;
    while (d != NULL && strcmp(d->name, x->name) != 0)
        d = d->outer;
    if (d != NULL)
        push_all(e, out, &d->values);
    else
        evaluation_error(e, x, "%%%s is not defined here", x->name);
}

/* A name at the start of a path may be the type of the context: Patient.name. */
static bool names_type(const value *v, const char *name) {
    if (name[0] < 'A' || name[0] > 'Z' || v->type == NULL)
        return false;
    const struct r4_type *asked = r4_type(name);
    return asked != NULL && r4_is(v->type, asked);
}

/* The first step of a path. */
static void first_step(struct evaluation *e, const struct expression *x, collection *out) {
    const value *on = this_of(e);
    if (names_type(on, x->name))
        push(e, out, *on);
    else
        member_step(e, on, x->symbol, x->name, out);
}

/* A member step on every item of its focus. A variable of the caller's is stepped through where it
 * is, without a copy: mapping files do this most. */
static void member(struct evaluation *e, const struct expression *x, collection *out) {
    value room[2];
    collection made = { room, 0, 2 };
    const collection *focus = &made;
    if (x->left == NULL) {
        first_step(e, x, out);
        return;
    }
    if (x->left->kind == X_VARIABLE && x->left->slot >= 0)
        focus = &e->context->variables[x->left->slot];
    else
        evaluate(e, x->left, &made);
    for (size_t i = 0; i < focus->count; i++)
        member_step(e, &focus->items[i], x->symbol, x->name, out);
}

/* What a call is called on: the focus of the path, or $this. */
static void call_input(struct evaluation *e, const struct expression *x, collection *input) {
    if (x->left != NULL)
        evaluate(e, x->left, input);
    else
        push(e, input, *this_of(e));
}

static void call(struct evaluation *e, const struct expression *x, collection *out) {
    collection input = { 0 };
    call_input(e, x, &input);
    if (has_failed(e))
        return;
    const struct call c = { e, x, &input, out };
    x->function->call(&c);
}

/* Hands an error of the caller's function on. */
static void extension_error(struct evaluation *e, const struct iptfhir_error *why) {
    const char *code = why->code[0] != '\0' ? why->code : "fhirpath-evaluation";
    error_set(e->error, code, why->where, "%s", why->text);
}

/* A call of a function of the caller's, which gets its arguments evaluated. */
static void extension(struct evaluation *e, const struct expression *x, collection *out) {
    const struct fhirpath_function *f = x->extension;
    const struct definition *outer = e->defined;
    collection input = { 0 };
    call_input(e, x, &input);
    collection *args = arena_zalloc(e->arena, (x->arg_count + 1) * sizeof *args);
    if (args == NULL) {
        out_of_memory(e);
        return;
    }
    const struct call c = { e, x, &input, out };
    for (size_t i = 0; i < x->arg_count; i++)
        argument(&c, i, &args[i]);
    e->defined = outer;
    if (has_failed(e))
        return;
    struct iptfhir_error why = ERROR_INIT;
    if (!f->call(e->context, &input, args, x->arg_count, out, f->data, &why))
        extension_error(e, &why);
}

/* [n]: what the focus defines isn't seen by the index. */
static void item(struct evaluation *e, const struct expression *x, collection *out) {
    const struct definition *outer = e->defined;
    collection focus = { 0 };
    collection index = { 0 };
    int64_t n;
    evaluate(e, x->left, &focus);
    e->defined = outer;
    evaluate(e, x->right, &index);
    if (!single_integer(e, x, &index, &n))
        return;
    if (n >= 0 && (uint64_t)n < focus.count)
        push(e, out, focus.items[n]);
}

/* Appends the opposite of a number; nothing when it doesn't fit. */
static void push_negated(struct evaluation *e, value v, collection *out) {
    if (v.kind == FHIRPATH_QUANTITY)
        v.quantity.value = decimal_negate(v.quantity.value);
    else if (v.kind == FHIRPATH_DECIMAL)
        v.decimal = decimal_negate(v.decimal);
    else if (v.integer == INT64_MIN)
        return;
    else
        v.integer = -v.integer;
    push(e, out, v);
}

/* -x and +x. */
static void sign(struct evaluation *e, const struct expression *x, collection *out) {
    collection operand = { 0 };
    value v;
    evaluate(e, x->left, &operand);
    if (!single(e, x, &operand, &v))
        return;
    if (!is_number(&v) && v.kind != FHIRPATH_QUANTITY)
        evaluation_error(e, x, "a sign needs a number");
    else if (x->negative)
        push_negated(e, v, out);
    else
        push(e, out, v);
}

/* is and as. */
static void type_test(struct evaluation *e, const struct expression *x, collection *out) {
    collection operand = { 0 };
    evaluate(e, x->left, &operand);
    if (operand.count > 1) {
        evaluation_error(e, x, "one item is needed left of `%s`, there are %zu",
                         x->kind == X_IS ? "is" : "as", operand.count);
        return;
    }
    if (operand.count == 0)
        return;
    bool fits = is_type(&operand.items[0], x);
    if (x->kind == X_IS)
        push(e, out, of_boolean(fits));
    else if (fits)
        push(e, out, operand.items[0]);
}

/* Both sides of an operator; what one defines isn't seen by the other. */
static void both(struct evaluation *e, const struct expression *x, collection *out) {
    const struct definition *outer = e->defined;
    collection a = { 0 };
    collection b = { 0 };
    evaluate(e, x->left, &a);
    e->defined = outer;
    evaluate(e, x->right, &b);
    e->defined = outer;
    if (!has_failed(e))
        binary(e, x, &a, &b, out);
}

typedef void evaluator(struct evaluation *, const struct expression *, collection *);
static evaluator *const evaluators[] = {
    [X_LITERAL] = literal, [X_EMPTY] = empty,         [X_THIS] = this_item, [X_INDEX] = item_index,
    [X_TOTAL] = total,     [X_VARIABLE] = variable,   [X_CONSTANT] = root,  [X_MEMBER] = member,
    [X_CALL] = call,       [X_EXTENSION] = extension, [X_ITEM] = item,      [X_SIGN] = sign,
    [X_BINARY] = both,     [X_IS] = type_test,        [X_AS] = type_test,
};

/* Tells whether an evaluator looks at what it has given so far: functions and operators do. */
static bool reads_output(const struct expression *x) {
    return x->kind == X_CALL || x->kind == X_EXTENSION || x->kind == X_BINARY;
}

/* Counts a step; false, with an error, when none is left. */
static bool take_step(struct evaluation *e, const struct expression *x) {
    unsigned long *left = &e->context->steps_left;
    if (e->depth >= 2 * FHIRPATH_MAX_DEPTH) {
        evaluation_error(e, x, "this goes too deep");
        return false;
    }
    if (*left == 0)
        return true;
    *left -= 1;
    if (*left == 0)
        evaluation_error(e, x, "this takes too many steps");
    return *left > 0;
}

void evaluate(struct evaluation *e, const struct expression *x, collection *out) {
    if (has_failed(e) || !take_step(e, x))
        return;
    /* In select(), what stands in the output already is of other items. */
    if (out->count > 0 && reads_output(x)) {
        collection fresh = { 0 };
        evaluate(e, x, &fresh);
        push_all(e, out, &fresh);
        return;
    }
    e->depth++;
    evaluators[x->kind](e, x, out);
    e->depth--;
}

void evaluate_on(struct evaluation *e, const struct expression *x, const value *on, int64_t index,
                 collection *out) {
    struct evaluation inner = *e;
    if (on != NULL) {
        inner.this_item = on;
        inner.index = index;
    }
    evaluate(&inner, x, out);
}

bool fhirpath_evaluate(const struct fhirpath_program *program, struct fhirpath_context *context,
                       struct fhirpath_collection *out, struct iptfhir_error *error) {
    /* Only the code is cleared: this runs for every hole of every resource. */
    struct iptfhir_error own;
    own.size = sizeof own;
    own.code[0] = '\0';
    struct evaluation e = {
        .context = context, .arena = context->arena, .error = &own, .index = -1
    };
    evaluate(&e, program->root, out);
    if (has_failed(&e))
        return error_set(error, own.code, own.where, "%s", own.text);
    return true;
}
