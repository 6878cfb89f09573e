/* SPDX-License-Identifier: Apache-2.0 */
/* From a mapping file's tree to a program: forms recognised, expressions compiled, elements checked
 * against R4. */
#include "core/template/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct compiling {
    struct template_set *set;
    struct template *t;
    struct report *report;
    const char *names[TEMPLATE_SLOTS];
    size_t scope; /* names in use */
    int depth;
};

static struct node *compile(struct compiling *c, const struct tree *from,
                            const struct r4_type *type);

/* Report a fault at a place in the file. */
static void fault(struct compiling *c, uint32_t line, uint32_t column, const char *code,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
static void fault(struct compiling *c, uint32_t line, uint32_t column, const char *code,
                  const char *format, ...) {
    char where[512], text[480];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(where, sizeof where, "%s:%u:%u", c->t->file, line, column);
    report_add(c->report, REPORT_ERROR, code, where, "%s", text);
}

static struct node *make(struct compiling *c, enum node_kind kind) {
    struct node *n = arena_zalloc(&c->set->arena, sizeof *n);
    if (n)
        n->kind = (uint8_t)kind;
    return n;
}

/* Line and column of byte `offset` of a scalar. */
static void place(const struct tree *scalar, size_t offset, uint32_t *line, uint32_t *column) {
    *line = scalar->line;
    *column = scalar->column + (uint32_t)offset;
    for (size_t i = 0; i < offset && i < scalar->length; i++)
        if (scalar->text[i] == '\n') {
            ++*line;
            *column = (uint32_t)(offset - i);
        }
}

/* Remember a hole, numbered for coverage. */
static bool number_hole(struct template_set *set, struct hole *h) {
    if (set->holes == set->hole_room) {
        size_t room = set->hole_room ? set->hole_room * 2 : 256;
        struct hole **list = arena_alloc(&set->arena, room * sizeof *list);
        if (!list)
            return false;
        if (set->holes)
            memcpy(list, set->hole_list, set->holes * sizeof *list);
        set->hole_list = list;
        set->hole_room = room;
    }
    h->number = set->holes;
    set->hole_list[set->holes++] = h;
    return true;
}

/* Compile the expression in bytes [from, to) of a text that stands at `at`; base: offset of the
 * text in its scalar. */
static struct hole *expression(struct compiling *c, const struct tree *at, const char *text,
                               size_t from, size_t to) {
    struct iptfhir_error error = ERROR_INIT;
    uint32_t line, column;
    while (from < to && isspace((unsigned char)text[from]))
        from++;
    while (to > from && isspace((unsigned char)text[to - 1]))
        to--;
    place(at, from, &line, &column);
    if (from == to) {
        fault(c, line, column, "template", "an expression is expected here");
        return NULL;
    }
    const struct fhirpath_scope scope = { .variables = c->names,
                                          .variable_count = c->scope,
                                          .functions = c->set->functions,
                                          .function_count = c->set->function_count };
    struct hole *h = arena_zalloc(&c->set->arena, sizeof *h);
    if (!h)
        return NULL;
    h->program = fhirpath_compile(text + from, to - from, &scope, &error);
    if (!h->program) {
        unsigned l = 1, k = 1;
        sscanf(error.where, "%u:%u", &l, &k);
        fault(c, line + l - 1, l == 1 ? column + k - 1 : k, error.code, "%s", error.text);
        return NULL;
    }
    h->text = arena_strndup(&c->set->arena, text + from, to - from);
    h->where = arena_printf(&c->set->arena, "%s:%u:%u", c->t->file, line, column);
    return h->text && h->where && number_hole(c->set, h) ? h : NULL;
}

/* Offset of the closing mark behind `from`, texts in quotes passed over; SIZE_MAX when there is
 * none. */
static size_t closing(const struct tree *s, size_t from, const char *mark) {
    char quote = 0;
    for (size_t i = from; i + 1 < s->length; i++) {
        char ch = s->text[i];
        if (quote) {
            if (ch == '\\')
                i++;
            else if (ch == quote)
                quote = 0;
        } else if (ch == '\'' || ch == '`') {
            quote = ch;
        } else if (ch == mark[0] && s->text[i + 1] == mark[1]) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Append to a list of nodes. */
static void append(struct node **first, struct node **last, struct node *n) {
    if (!n)
        return;
    *(*last ? &(*last)->next : first) = n;
    *last = n;
}

/* A text: constant, one hole, a list of values, or text with holes. */
static struct node *compile_text(struct compiling *c, const struct tree *s) {
    struct node *n, *last = NULL;
    uint32_t line, column;
    const char *first = memmem(s->text, s->length, "{{", 2),
               *list = memmem(s->text, s->length, "{[", 2);
    if (list == s->text && s->length > 4 && !memcmp(s->text + s->length - 2, "]}", 2)) {
        n = make(c, NODE_LIST);
        if (n)
            n->hole = expression(c, s, s->text, 2, s->length - 2);
        return n;
    }
    const char *directive = memmem(s->text, s->length, "{%", 2);
    if (directive) {
        place(s, (size_t)(directive - s->text), &line, &column);
        fault(c, line, column, "template", "{%% %%} stands in a key, not in a value");
    }
    if (!first) {
        n = make(c, NODE_CONSTANT);
        if (n)
            n->constant = tree_copy(&c->set->arena, s);
        return n;
    }
    size_t at = 0, end = s->length;
    n = make(c, NODE_TEXT);
    while (n && at < end) {
        const char *open = memmem(s->text + at, end - at, "{{", 2);
        size_t stop = open ? (size_t)(open - s->text) : end;
        if (stop > at) {
            struct node *part = make(c, NODE_CONSTANT);
            if (!part)
                return NULL;
            part->text = arena_strndup(&c->set->arena, s->text + at, stop - at);
            part->length = stop - at;
            append(&n->first, &last, part);
        }
        if (!open)
            break;
        size_t close = closing(s, stop + 2, "}}");
        if (close == SIZE_MAX) {
            place(s, stop, &line, &column);
            fault(c, line, column, "template", "this {{ has no }}");
            return NULL;
        }
        struct node *part = make(c, NODE_HOLE);
        if (!part)
            return NULL;
        part->hole = expression(c, s, s->text, stop + 2, close);
        append(&n->first, &last, part);
        at = close + 2;
    }
    if (n && n->first && !n->first->next && n->first->kind == NODE_HOLE)
        return n->first; /* alone: its type is kept */
    return n;
}

/* What a directive in a key says. */
enum directive { D_NONE, D_IF, D_ELSIF, D_ELSE, D_FOR, D_ASSIGN, D_BAD };
static enum directive directive_of(const char *key, size_t *from, size_t *to) {
    static const struct {
        const char *word;
        enum directive d;
    } words[] = { { "if ", D_IF },
                  { "elsif ", D_ELSIF },
                  { "else", D_ELSE },
                  { "for ", D_FOR },
                  { "assign", D_ASSIGN } };
    size_t n = strlen(key);
    if (strncmp(key, "{%", 2) != 0)
        return D_NONE;
    if (n < 4 || strcmp(key + n - 2, "%}") != 0)
        return D_BAD;
    *from = 2;
    *to = n - 2;
    while (isspace((unsigned char)key[*from]))
        ++*from;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strncmp(key + *from, words[i].word, strlen(words[i].word))) {
            *from += strlen(words[i].word);
            return words[i].d;
        }
    return D_BAD;
}

/* A key as if it were a scalar, for positions: a key stands on the line of its value or before; its
 * line is all we promise. */
static struct tree key_of(const struct tree *member) {
    struct tree k = *member;
    k.kind = TREE_STRING;
    k.text = member->name;
    k.length = (uint32_t)strlen(member->name);
    return k;
}

/* Bring a name into scope; its slot, or -1. */
static int bind(struct compiling *c, const struct tree *at, const char *name) {
    for (size_t i = 0; i < c->scope; i++)
        if (!strcmp(c->names[i], name)) {
            fault(c, at->line, at->column, "template",
                  "%%%s is taken already here: choose another name", name);
            return -1;
        }
    if (c->scope == TEMPLATE_SLOTS) {
        fault(c, at->line, at->column, "template", "too many names at once");
        return -1;
    }
    c->names[c->scope] = name;
    return (int)c->scope++;
}

/* {% for x in e %}: X. */
static struct node *compile_for(struct compiling *c, const struct tree *member, size_t from,
                                size_t to, const struct r4_type *type) {
    struct tree key = key_of(member);
    size_t start = from;
    while (from < to && (isalnum((unsigned char)key.text[from]) || key.text[from] == '_'))
        from++;
    const char *name = arena_strndup(&c->set->arena, key.text + start, from - start);
    while (from < to && isspace((unsigned char)key.text[from]))
        from++;
    if (!name || !*name || to - from < 3 || strncmp(key.text + from, "in ", 3) != 0) {
        fault(c, member->line, member->column, "template",
              "a loop is written {%% for NAME in EXPRESSION %%}");
        return NULL;
    }
    struct node *n = make(c, NODE_FOR);
    if (!n)
        return NULL;
    n->hole = expression(c, &key, key.text, from + 3, to);
    size_t scope = c->scope;
    n->slot = bind(c, member, name);
    n->first = n->slot < 0 ? NULL : compile(c, member, type);
    c->scope = scope;
    return n;
}

/* {% assign %}: [ {name: "{{ e }}"} ... ]: one node a name, all stay in scope. */
static void compile_assign(struct compiling *c, const struct tree *member, struct node **first,
                           struct node **last) {
    if (member->kind != TREE_ARRAY) {
        fault(c, member->line, member->column, "template",
              "{%% assign %%} takes a list: [ {name: \"{{ expression }}\"} ]");
        return;
    }
    for (const struct tree *i = member->first; i; i = i->next) {
        const struct tree *one = i->kind == TREE_OBJECT ? i->first : NULL;
        if (!one || one->next) {
            fault(c, i->line, i->column, "template", "each assignment is {name: value}");
            continue;
        }
        struct node *n = make(c, NODE_ASSIGN);
        if (!n)
            return;
        n->first = compile(c, one, NULL);
        n->slot = bind(c, one, one->name);
        append(first, last, n);
    }
}

/* An if with the elses that follow it; *at moves to the last of them. */
static struct node *compile_if(struct compiling *c, const struct tree **at, size_t from, size_t to,
                               const struct r4_type *type) {
    struct node *first = NULL, **tail = &first;
    enum directive d = D_IF;
    for (const struct tree *m = *at;;) {
        struct tree key = key_of(m);
        struct node *n = make(c, NODE_IF);
        if (!n)
            return NULL;
        size_t scope = c->scope;
        n->hole = d == D_ELSE ? NULL : expression(c, &key, key.text, from, to);
        n->first = compile(c, m, type);
        c->scope = scope;
        *tail = n;
        tail = &n->else_;
        *at = m;
        if (d == D_ELSE || !m->next)
            return first;
        d = directive_of(m->next->name, &from, &to);
        if (d != D_ELSIF && d != D_ELSE)
            return first;
        m = m->next;
    }
}

/* Reports an element that a type doesn't have, with the nearest that it has. */
static void unknown_element(struct compiling *c, const struct tree *m, const struct r4_type *type) {
    const char *near = nearest_name(m->name, r4_element_names(type));
    if (near != NULL)
        fault(c, m->line, m->column, "template-element",
              "%s has no element '%s'; did you mean '%s'?", type->name, m->name, near);
    else
        fault(c, m->line, m->column, "template-element", "%s has no element '%s'", type->name,
              m->name);
}

/* Reports a list where one value stands, and the other way round; a directive may make either. */
static void check_shape(struct compiling *c, const struct tree *m, const struct r4_type *type,
                        const struct r4_element *e) {
    size_t from, to;
    bool group = m->kind == TREE_OBJECT && m->first != NULL;
    if (group && directive_of(m->first->name, &from, &to) != D_NONE)
        return;
    bool list_hole = m->kind == TREE_STRING && strncmp(m->text, "{[", 2) == 0;
    bool list = m->kind == TREE_ARRAY || list_hole;
    if (list && e->max == 1)
        fault(c, m->line, m->column, "template-element", "%s.%s is one value, not a list",
              type->name, m->name);
    if (!list && e->max > 1)
        fault(c, m->line, m->column, "template-element",
              "%s.%s is a list: write [ ... ] or \"{[ ... ]}\"", type->name, m->name);
}

/* Checks a member's name and shape against R4; returns the type of its value. */
static const struct r4_type *check_member(struct compiling *c, const struct tree *m,
                                          const struct r4_type *type) {
    const struct r4_type *actual = NULL;
    if (type == NULL || strcmp(m->name, "resourceType") == 0)
        return NULL;
    if (m->name[0] == '_') {
        if (r4_element(type, m->name + 1, &actual) == NULL)
            fault(c, m->line, m->column, "template-element", "%s has no element '%s'", type->name,
                  m->name + 1);
        return r4_type("Element");
    }
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
    if (!resource || resource->kind != TREE_STRING || strstr(resource->text, "{{"))
        return type;
    const struct r4_type *found = r4_type(resource->text);
    if (!found || found->kind != R4_RESOURCE || found->abstract_) {
        fault(c, resource->line, resource->column, "template-element",
              "R4 has no resource type '%s'", resource->text);
        return NULL;
    }
    return found;
}

/* An object: members, and directives among them. */
static struct node *compile_object(struct compiling *c, const struct tree *from,
                                   const struct r4_type *given) {
    struct node *n = make(c, NODE_OBJECT), *last = NULL;
    size_t scope = c->scope, a, b;
    const struct r4_type *type = type_of_object(c, from, given);
    bool constant = true;
    for (const struct tree *m = n ? from->first : NULL; m; m = m->next) {
        enum directive d = directive_of(m->name, &a, &b);
        struct node *child = NULL;
        switch (d) {
        case D_NONE: {
            const struct r4_type *child_type = check_member(c, m, type);
            child = compile(c, m, child_type);
            if (child) {
                child->name = arena_strndup(&c->set->arena, m->name, strlen(m->name));
                child->symbol = symbol_intern(m->name, strlen(m->name));
                constant = constant && child->kind == NODE_CONSTANT;
            }
            break;
        }
        case D_IF: child = compile_if(c, &m, a, b, type); break;
        case D_FOR: child = compile_for(c, m, a, b, type); break;
        case D_ASSIGN:
            compile_assign(c, m, &n->first, &last);
            constant = false;
            break;
        case D_BAD:
            fault(c, m->line, m->column, "template",
                  "there are {%% if e %%}, {%% elsif e %%}, {%% else %%}, {%% for x in e %%} and "
                  "{%% assign %%}");
            break;
        default:
            fault(c, m->line, m->column, "template", "this has no {%% if %%} before it");
            break;
        }
        if (child && d != D_NONE) {
            child->merge = true;
            constant = false;
        }
        append(&n->first, &last, child);
    }
    c->scope = scope;
    if (n && constant && n->first) { /* all of it is fixed: one tree, made now */
        struct tree *made = tree_new(&c->set->arena, TREE_OBJECT);
        for (struct node *k = n->first; made && k; k = k->next)
            tree_add_symbol(made, k->symbol, tree_copy(&c->set->arena, k->constant));
        n->kind = NODE_CONSTANT;
        n->constant = made;
        n->first = NULL;
    }
    /* only a directive: what it gives is the value itself */
    if (n && n->kind == NODE_OBJECT && n->first && !n->first->next && n->first->merge) {
        n->first->merge = false;
        return n->first;
    }
    return n;
}

static struct node *compile(struct compiling *c, const struct tree *from,
                            const struct r4_type *type) {
    struct node *n, *last = NULL;
    if (++c->depth > TREE_MAX_DEPTH) {
        fault(c, from->line, from->column, "template", "this is nested too deeply");
        c->depth--;
        return NULL;
    }
    if (from->kind == TREE_OBJECT) {
        n = compile_object(c, from, type);
    } else if (from->kind == TREE_ARRAY) {
        n = make(c, NODE_ARRAY);
        for (const struct tree *i = n ? from->first : NULL; i; i = i->next)
            append(&n->first, &last, compile(c, i, type));
    } else if (from->kind == TREE_STRING) {
        n = compile_text(c, from);
    } else {
        n = make(c, NODE_CONSTANT);
        if (n)
            n->constant = tree_copy(&c->set->arena, from);
    }
    c->depth--;
    return n;
}

/* Bring the declared facts into scope. */
static void declare_facts(struct compiling *c, const struct tree *facts) {
    c->t->first_fact = (int)c->scope;
    if (facts && facts->kind != TREE_ARRAY) {
        fault(c, facts->line, facts->column, "template", "facts is a list of names");
        return;
    }
    c->t->fact_names =
        arena_zalloc(&c->set->arena, ((facts ? facts->length : 0) + 1) * sizeof *c->t->fact_names);
    for (const struct tree *f = facts && c->t->fact_names ? facts->first : NULL; f; f = f->next) {
        if (f->kind != TREE_STRING) {
            fault(c, f->line, f->column, "template", "facts is a list of names");
            continue;
        }
        const char *name = arena_strndup(&c->set->arena, f->text, f->length);
        if (name && bind(c, f, name) >= 0)
            c->t->fact_names[c->t->facts++] = name;
    }
}

/* A word or a list of words; NULL after a fault. */
static const char **words_of(struct compiling *c, const struct tree *from, size_t *count) {
    bool one = from->kind == TREE_STRING;
    bool list = from->kind == TREE_ARRAY && from->length > 0;
    const char **words = arena_zalloc(&c->set->arena, (from->length + 2) * sizeof *words);
    *count = 0;
    for (const struct tree *w = one    ? from
                                : list ? from->first
                                       : NULL;
         words != NULL && w != NULL; w = one ? NULL : w->next) {
        bool text = w->kind == TREE_STRING && w->length > 0;
        if (text)
            words[(*count)++] = arena_strndup(&c->set->arena, w->text, w->length);
        else
            fault(c, w->line, w->column, "template", "'%s' is a name or a list of names",
                  from->name);
    }
    if (!one && !list)
        fault(c, from->line, from->column, "template", "'%s' is a name or a list of names",
              from->name);
    return *count > 0 ? words : NULL;
}

/* Take what the file says of all its resources: class, owner, own date. */
static void declare_rest(struct compiling *c, const struct tree *root) {
    static const char *const owners[] = { "record", "patient", "clinic", NULL };
    const struct tree *data_class = tree_get(root, "data_class");
    const struct tree *owner = tree_get(root, "owner");
    const struct tree *as_of = tree_get(root, "as_of");
    const struct tree *many = tree_get(root, "resources");
    size_t count = 0;
    if (data_class != NULL)
        c->t->classes = words_of(c, data_class, &c->t->class_count);
    bool fits = c->t->class_count <= 1 || (many != NULL && many->length == c->t->class_count);
    if (!fits)
        fault(c, data_class->line, data_class->column, "template",
              "data_class is one name, or one for each of `resources`");
    if (as_of != NULL)
        c->t->as_of = words_of(c, as_of, &count);
    if (owner == NULL)
        return;
    for (size_t i = 0; owner->kind == TREE_STRING && owners[i] != NULL; i++) {
        if (strcmp(owner->text, owners[i]) == 0) {
            c->t->owner = (enum template_owner)i;
            return;
        }
    }
    fault(c, owner->line, owner->column, "template", "owner is record, patient or clinic");
}

bool template_compile(struct template_set *set, struct template *t, const struct tree *root,
                      struct report *report) {
    static const char *const known[] = { "facts",      "resources", "resource", "description",
                                         "data_class", "owner",     "as_of",    NULL };
    struct compiling c = { .set = set, .t = t, .report = report, .scope = set->shared };
    size_t errors = report->errors;
    memcpy(c.names, set->shared_names, sizeof c.names);
    if (root->kind != TREE_OBJECT) {
        fault(&c, root->line, root->column, "template",
              "a mapping file has `resources:` (or `resource:`), and `facts:` when a mapper passes "
              "any");
        return false;
    }
    for (const struct tree *m = root->first; m; m = m->next) {
        bool found = false;
        for (int i = 0; known[i]; i++)
            found = found || !strcmp(known[i], m->name);
        const char *near = found ? NULL : nearest_name(m->name, known);
        if (!found)
            fault(&c, m->line, m->column, "template", "a mapping file has no '%s'%s%s%s", m->name,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    const struct tree *many = tree_get(root, "resources"), *one = tree_get(root, "resource");
    declare_facts(&c, tree_get(root, "facts"));
    declare_rest(&c, root);
    if (!many == !one)
        fault(&c, root->line, root->column, "template",
              "a mapping file has either `resources:` or `resource:`");
    else if (many && many->kind != TREE_ARRAY)
        fault(&c, many->line, many->column, "template", "resources is a list");
    else
        t->resources = compile(&c, many ? many : one, NULL);
    return report->errors == errors && t->resources;
}
