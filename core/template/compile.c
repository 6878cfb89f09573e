/* SPDX-License-Identifier: Apache-2.0 */
/* From a mapping file's tree to a program: forms recognised, expressions compiled, elements checked
 * against R4. */
#include "core/template/compile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static struct node *compile(struct compiling *c, const struct tree *from,
                            const struct r4_type *type);

/* ---- faults, nodes and names ---- */

struct place place_of(const struct tree *node) {
    return (struct place) { node->line, node->column };
}

void fault(struct compiling *c, struct place at, const char *code, const char *format, ...) {
    char where[512];
    char text[480];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(where, sizeof where, "%s:%u:%u", c->t->file, at.line, at.column);
    report_add(c->report, REPORT_ERROR, code, where, "%s", text);
}

void fault_memory(struct compiling *c) {
    report_add(c->report, REPORT_ERROR, "memory", c->t->file, "out of memory");
}

struct node *make(struct compiling *c, enum node_kind kind) {
    struct node *n = arena_zalloc(&c->set->arena, sizeof *n);
    if (n == NULL) {
        fault_memory(c);
        c->spare = (struct node) { 0 };
        n = &c->spare;
    }
    n->kind = (uint8_t)kind;
    return n;
}

struct node *make_constant(struct compiling *c, const struct tree *value) {
    struct node *n = make(c, NODE_CONSTANT);
    n->constant = tree_copy(&c->set->arena, value);
    if (n->constant == NULL)
        fault_memory(c);
    return n;
}

struct node **append(struct compiling *c, struct node **end, struct node *n) {
    if (n == NULL || n == &c->spare)
        return end;
    *end = n;
    while (n->next != NULL)
        n = n->next;
    return &n->next;
}

int bind_name(struct compiling *c, const struct tree *at, const char *name) {
    for (size_t i = 0; i < c->scope; i++) {
        if (strcmp(c->names[i], name) != 0)
            continue;
        fault(c, place_of(at), "template", "%%%s is taken already here: choose another name", name);
        return -1;
    }
    if (c->scope == TEMPLATE_SLOTS) {
        fault(c, place_of(at), "template", "too many names at once");
        return -1;
    }
    c->names[c->scope] = name;
    return (int)c->scope++;
}

/* ---- directives ---- */

enum directive_kind { D_NONE, D_IF, D_ELSIF, D_ELSE, D_FOR, D_ASSIGN, D_BAD };
/* What a key says: its directive, and the bytes of its expression. */
struct directive {
    enum directive_kind kind;
    size_t from, to;
};

static struct directive directive_of(const char *key) {
    static const struct {
        const char *word;
        enum directive_kind kind;
    } words[] = { { "if ", D_IF },
                  { "elsif ", D_ELSIF },
                  { "else", D_ELSE },
                  { "for ", D_FOR },
                  { "assign", D_ASSIGN } };
    size_t length = strlen(key);
    struct directive d = { .kind = D_NONE };
    if (strncmp(key, "{%", 2) != 0)
        return d;
    d.kind = D_BAD;
    if (length < 4 || strcmp(key + length - 2, "%}") != 0)
        return d;
    d.from = 2;
    d.to = length - 2;
    while (isspace((unsigned char)key[d.from]))
        d.from++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if (strncmp(key + d.from, words[i].word, n) == 0)
            return (struct directive) { words[i].kind, d.from + n, d.to };
    }
    return d;
}

/* A key as if it were a scalar, for places: a key stands on the line of its value or before; its
 * line is all we promise. */
static struct tree key_of(const struct tree *member) {
    struct tree key = *member;
    key.kind = TREE_STRING;
    key.text = member->name;
    key.length = (uint32_t)strlen(member->name);
    return key;
}

static bool is_name_part(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* Reads NAME in of a loop's key; returns the name, NULL with a fault. d->from moves to the
 * expression. */
static const char *loop_name(struct compiling *c, const struct tree *member, struct directive *d) {
    const char *start = member->name + d->from;
    const char *end = member->name + d->to;
    const char *at = start;
    while (at < end && is_name_part(*at))
        at++;
    size_t length = (size_t)(at - start);
    while (at < end && isspace((unsigned char)*at))
        at++;
    if (length == 0 || end - at < 3 || strncmp(at, "in ", 3) != 0) {
        fault(c, place_of(member), "template", "a loop is written {%% for NAME in EXPRESSION %%}");
        return NULL;
    }
    d->from = (size_t)(at - member->name) + 3;
    const char *name = arena_strndup(&c->set->arena, start, length);
    if (name == NULL)
        fault_memory(c);
    return name;
}

/* {% for x in e %}: X. */
static struct node *compile_for(struct compiling *c, const struct tree *member, struct directive d,
                                const struct r4_type *type) {
    struct tree key = key_of(member);
    const char *name = loop_name(c, member, &d);
    if (name == NULL)
        return NULL;
    struct node *n = make(c, NODE_FOR);
    n->hole = compile_hole(c, &key, d.from, d.to);
    size_t scope = c->scope;
    n->slot = bind_name(c, member, name);
    if (n->slot >= 0)
        n->first = compile(c, member, type);
    c->scope = scope;
    return n;
}

/* One {name: value} of a list of assignments; NULL with a fault. */
static struct node *compile_assignment(struct compiling *c, const struct tree *item) {
    const struct tree *member = item->kind == TREE_OBJECT ? item->first : NULL;
    if (member == NULL || member->next != NULL) {
        fault(c, place_of(item), "template", "each assignment is {name: value}");
        return NULL;
    }
    struct node *n = make(c, NODE_ASSIGN);
    n->first = compile(c, member, NULL);
    n->slot = bind_name(c, member, member->name);
    return n;
}

/* {% assign %}: [ {name: "{{ e }}"} ... ]: one node a name, all stay in scope. */
static struct node *compile_assign(struct compiling *c, const struct tree *member) {
    struct node *first = NULL;
    struct node **end = &first;
    if (member->kind != TREE_ARRAY) {
        fault(c, place_of(member), "template",
              "{%% assign %%} takes a list: [ {name: \"{{ expression }}\"} ]");
        return NULL;
    }
    for (const struct tree *i = member->first; i != NULL; i = i->next)
        end = append(c, end, compile_assignment(c, i));
    return first;
}

/* One branch of an if; an else has no condition. */
static struct node *compile_branch(struct compiling *c, const struct tree *member,
                                   struct directive d, const struct r4_type *type) {
    struct tree key = key_of(member);
    struct node *n = make(c, NODE_IF);
    size_t scope = c->scope;
    if (d.kind != D_ELSE)
        n->hole = compile_hole(c, &key, d.from, d.to);
    n->first = compile(c, member, type);
    c->scope = scope;
    return n;
}

static bool continues_if(struct directive d) {
    return d.kind == D_ELSIF || d.kind == D_ELSE;
}

/* An if with the elses that follow it; *at moves to the last of them. */
static struct node *compile_if(struct compiling *c, const struct tree **at, struct directive d,
                               const struct r4_type *type) {
    struct node *first = compile_branch(c, *at, d, type);
    struct node *last = first;
    while (d.kind != D_ELSE && (*at)->next != NULL) {
        d = directive_of((*at)->next->name);
        if (!continues_if(d))
            break;
        *at = (*at)->next;
        last->else_ = compile_branch(c, *at, d, type);
        last = last->else_;
    }
    return first;
}

/* ---- elements ---- */

/* Reports an element that a type doesn't have, with the nearest that it has. */
static void unknown_element(struct compiling *c, const struct tree *m, const struct r4_type *type) {
    const char *near = nearest_name(m->name, r4_element_names(type));
    if (near != NULL)
        fault(c, place_of(m), "template-element", "%s has no element '%s'; did you mean '%s'?",
              type->name, m->name, near);
    else
        fault(c, place_of(m), "template-element", "%s has no element '%s'", type->name, m->name);
}

/* Tells whether a value is made by a directive, which may give one value or a list. */
static bool is_directive(const struct tree *value) {
    if (value->kind != TREE_OBJECT || value->first == NULL)
        return false;
    return directive_of(value->first->name).kind != D_NONE;
}

/* Reports a list where one value stands, and the other way round. */
static void check_shape(struct compiling *c, const struct tree *m, const struct r4_type *type,
                        const struct r4_element *e) {
    if (is_directive(m))
        return;
    bool list_hole = m->kind == TREE_STRING && strncmp(m->text, "{[", 2) == 0;
    bool list = m->kind == TREE_ARRAY || list_hole;
    if (list && e->max == 1)
        fault(c, place_of(m), "template-element", "%s.%s is one value, not a list", type->name,
              m->name);
    if (!list && e->max > 1)
        fault(c, place_of(m), "template-element", "%s.%s is a list: write [ ... ] or \"{[ ... ]}\"",
              type->name, m->name);
}

/* Checks the name of a "_name", which has no shape to check. */
static const struct r4_type *check_companion(struct compiling *c, const struct tree *m,
                                             const struct r4_type *type) {
    const struct r4_type *actual = NULL;
    const char *name = m->name + 1;
    if (r4_element(type, name, &actual) == NULL)
        fault(c, place_of(m), "template-element", "%s has no element '%s'", type->name, name);
    return r4_type("Element");
}

/* Checks a member's name and shape against R4; returns the type of its value. */
static const struct r4_type *check_member(struct compiling *c, const struct tree *m,
                                          const struct r4_type *type) {
    const struct r4_type *actual = NULL;
    if (type == NULL || strcmp(m->name, "resourceType") == 0)
        return NULL;
    if (m->name[0] == '_')
        return check_companion(c, m, type);
    const struct r4_element *e = r4_element(type, m->name, &actual);
    bool typeless_choice = e != NULL && e->choice && actual == NULL;
    if (e == NULL || typeless_choice) {
        unknown_element(c, m, type);
        return NULL;
    }
    check_shape(c, m, type, e);
    return actual;
}

/* The type that an object says of itself. */
static const struct r4_type *type_of_object(struct compiling *c, const struct tree *object,
                                            const struct r4_type *type) {
    const struct tree *resource = tree_get(object, "resourceType");
    if (resource == NULL || resource->kind != TREE_STRING)
        return type;
    if (strstr(resource->text, "{{") != NULL)
        return type;
    const struct r4_type *found = r4_type(resource->text);
    bool is_resource = found != NULL && found->kind == R4_RESOURCE && !found->abstract_;
    if (!is_resource)
        fault(c, place_of(resource), "template-element", "R4 has no resource type '%s'",
              resource->text);
    return is_resource ? found : NULL;
}

/* ---- objects ---- */

/* A member under its own name. */
static struct node *compile_named(struct compiling *c, const struct tree *m,
                                  const struct r4_type *type) {
    size_t length = strlen(m->name);
    struct node *n = compile(c, m, check_member(c, m, type));
    if (n == NULL)
        return NULL;
    n->name = arena_strndup(&c->set->arena, m->name, length);
    n->symbol = symbol_intern(m->name, length);
    if (n->name == NULL || n->symbol == 0)
        fault_memory(c);
    return n;
}

/* What a directive gives joins the object around it. */
static struct node *merged(struct node *n) {
    if (n != NULL)
        n->merge = true;
    return n;
}

/* A member or a directive; *at moves to the last member that belongs to it. */
static struct node *compile_member(struct compiling *c, const struct tree **at,
                                   const struct r4_type *type) {
    const struct tree *m = *at;
    struct directive d = directive_of(m->name);
    switch (d.kind) {
    case D_NONE: return compile_named(c, m, type);
    case D_IF: return merged(compile_if(c, at, d, type));
    case D_FOR: return merged(compile_for(c, m, d, type));
    case D_ASSIGN: return compile_assign(c, m);
    case D_BAD:
        fault(c, place_of(m), "template",
              "there are {%% if e %%}, {%% elsif e %%}, {%% else %%}, {%% for x in e %%} and "
              "{%% assign %%}");
        return NULL;
    default: fault(c, place_of(m), "template", "this has no {%% if %%} before it"); return NULL;
    }
}

/* Tells whether all of an object is fixed. */
static bool is_constant(const struct node *object) {
    const struct node *n = object->first;
    while (n != NULL && n->kind == NODE_CONSTANT)
        n = n->next;
    return n == NULL && object->first != NULL;
}

/* Makes one tree, now, of an object of constants. */
static void make_fixed(struct compiling *c, struct node *n) {
    struct arena *a = &c->set->arena;
    struct tree *made = tree_new(a, TREE_OBJECT);
    for (const struct node *k = n->first; k != NULL; k = k->next)
        if (!tree_add_symbol(made, k->symbol, tree_copy(a, k->constant)))
            fault_memory(c);
    n->kind = NODE_CONSTANT;
    n->constant = made;
    n->first = NULL;
}

/* An object: members, and directives among them. */
static struct node *compile_object(struct compiling *c, const struct tree *from,
                                   const struct r4_type *given) {
    struct node *n = make(c, NODE_OBJECT);
    struct node **end = &n->first;
    size_t scope = c->scope;
    const struct r4_type *type = type_of_object(c, from, given);
    for (const struct tree *m = from->first; m != NULL; m = m->next)
        end = append(c, end, compile_member(c, &m, type));
    c->scope = scope;
    if (is_constant(n)) {
        make_fixed(c, n);
        return n;
    }
    /* When there is only a directive, what it gives is the value itself. */
    struct node *only = n->first;
    bool directive_only = only != NULL && only->next == NULL && only->merge;
    if (!directive_only)
        return n;
    only->merge = false;
    return only;
}

static struct node *compile_array(struct compiling *c, const struct tree *from,
                                  const struct r4_type *type) {
    struct node *n = make(c, NODE_ARRAY);
    struct node **end = &n->first;
    for (const struct tree *i = from->first; i != NULL; i = i->next)
        end = append(c, end, compile(c, i, type));
    return n;
}

static struct node *compile_value(struct compiling *c, const struct tree *from,
                                  const struct r4_type *type) {
    switch (from->kind) {
    case TREE_OBJECT: return compile_object(c, from, type);
    case TREE_ARRAY: return compile_array(c, from, type);
    case TREE_STRING: return compile_text(c, from);
    default: return make_constant(c, from);
    }
}

/* Compiles a value of a type (NULL: any); NULL with a fault. */
static struct node *compile(struct compiling *c, const struct tree *from,
                            const struct r4_type *type) {
    if (c->depth == TREE_MAX_DEPTH) {
        fault(c, place_of(from), "template", "this is nested too deeply");
        return NULL;
    }
    c->depth++;
    struct node *n = compile_value(c, from, type);
    c->depth--;
    return n;
}

/* ---- files ---- */

/* Reports a member that no mapping file has. */
static void check_key(struct compiling *c, const struct tree *m) {
    static const char *const known[] = { "facts",      "resources", "resource", "description",
                                         "data_class", "owner",     "as_of",    NULL };
    for (size_t i = 0; known[i] != NULL; i++)
        if (strcmp(known[i], m->name) == 0)
            return;
    const char *near = nearest_name(m->name, known);
    if (near != NULL)
        fault(c, place_of(m), "template", "a mapping file has no '%s'; did you mean '%s'?", m->name,
              near);
    else
        fault(c, place_of(m), "template", "a mapping file has no '%s'", m->name);
}

/* Compiles the resources of the file: a list, or one. */
static struct node *compile_resources(struct compiling *c, const struct tree *root) {
    const struct tree *many = tree_get(root, "resources");
    const struct tree *one = tree_get(root, "resource");
    bool has_many = many != NULL;
    bool has_one = one != NULL;
    if (has_many == has_one)
        fault(c, place_of(root), "template",
              "a mapping file has either `resources:` or `resource:`");
    else if (has_one)
        return compile(c, one, NULL);
    else if (many->kind != TREE_ARRAY)
        fault(c, place_of(many), "template", "resources is a list");
    else
        return compile(c, many, NULL);
    return NULL;
}

bool template_compile(struct template_set *set, struct template *t, const struct tree *root,
                      struct report *report) {
    struct compiling c = { .set = set, .t = t, .report = report, .scope = set->shared };
    size_t errors = report->errors;
    memcpy(c.names, set->shared_names, sizeof c.names);
    if (root->kind != TREE_OBJECT) {
        fault(
            &c, place_of(root), "template",
            "a mapping file has `resources:` (or `resource:`), and `facts:` when a mapper has them "
            "to pass");
        return false;
    }
    for (const struct tree *m = root->first; m != NULL; m = m->next)
        check_key(&c, m);
    declare(&c, root);
    t->resources = compile_resources(&c, root);
    return report->errors == errors && t->resources != NULL;
}
