/* SPDX-License-Identifier: Apache-2.0 */
/* Types (N1 section 6.3), and FHIR's own functions (extension, resolve, hasValue ...). */
#include "core/fhirpath/internal.h"

#include <string.h>

#define PROFILES "http://hl7.org/fhir/StructureDefinition/"

/* ---- types ---- */

static const char *const system_names[] = {
    [FHIRPATH_BOOLEAN] = "Boolean", [FHIRPATH_INTEGER] = "Integer",
    [FHIRPATH_DECIMAL] = "Decimal", [FHIRPATH_STRING] = "String",
    [FHIRPATH_DATE] = "Date",       [FHIRPATH_DATETIME] = "DateTime",
    [FHIRPATH_TIME] = "Time",       [FHIRPATH_QUANTITY] = "Quantity"
};

/* The kind of a System type, -1 when there is none of this name. */
static int system_kind(const char *name) {
    for (int kind = FHIRPATH_BOOLEAN; kind <= FHIRPATH_QUANTITY; kind++)
        if (strcmp(system_names[kind], name) == 0)
            return kind;
    return -1;
}

bool resolve_type(struct expression *x, const char *name_space, const char *name) {
    bool fhir = name_space == NULL || strcmp(name_space, "FHIR") == 0;
    bool system = name_space == NULL || strcmp(name_space, "System") == 0;
    x->name = name;
    x->type = fhir ? r4_type(name) : NULL;
    x->system = system ? system_kind(name) : -1;
    if (x->type != NULL || x->system >= 0)
        return true;
    return system && strcmp(name, "Any") == 0;
}

/* A node of a known type is of that type only: is(string) doesn't hold on a System string and not
 * the other way round, R4's suite says. A primitive of unknown type is what it holds. */
bool is_type(const value *v, const struct expression *t) {
    if (v->kind != FHIRPATH_NODE)
        return t->system == (int)v->kind;
    if (v->type != NULL)
        return t->type != NULL && r4_is(v->type, t->type);
    if (v->node == NULL || v->node->kind == TREE_OBJECT)
        return false;
    return t->system == (int)plain(v).kind;
}

const char *type_name_of(const value *v, const char **name_space) {
    if (v->kind == FHIRPATH_NODE) {
        *name_space = "FHIR";
        return v->type != NULL ? v->type->name : "";
    }
    *name_space = "System";
    return v->kind <= FHIRPATH_QUANTITY ? system_names[v->kind] : "";
}

/* Tells whether the input is one item of the type; false with an error when there are more. */
static bool input_is_type(const struct call *c) {
    if (c->in->count > 1)
        evaluation_error(c->e, c->x, "%s() works on one item, there are %zu", c->x->function->name,
                         c->in->count);
    return c->in->count == 1 && is_type(&c->in->items[0], c->x);
}

static void do_is(const struct call *c) {
    bool fits = input_is_type(c);
    if (c->in->count == 1)
        give_boolean(c, fits);
}

static void do_as(const struct call *c) {
    if (input_is_type(c))
        give(c, c->in->items[0]);
}

static void do_of_type(const struct call *c) {
    for (size_t i = 0; i < c->in->count; i++)
        if (is_type(&c->in->items[i], c->x))
            give(c, c->in->items[i]);
}

/* What type() gives for a value: an object with namespace and name; NULL when memory is out. */
static struct tree *type_of(struct arena *a, const value *v) {
    const char *space;
    const char *name = type_name_of(v, &space);
    struct tree *type = tree_new(a, TREE_OBJECT);
    if (type == NULL)
        return NULL;
    bool ok = tree_add(a, type, "namespace", tree_string(a, space, strlen(space)));
    ok = ok && tree_add(a, type, "name", tree_string(a, name, strlen(name)));
    return ok ? type : NULL;
}

static void do_type(const struct call *c) {
    for (size_t i = 0; i < c->in->count; i++) {
        const struct tree *type = type_of(c->e->arena, &c->in->items[i]);
        if (type == NULL)
            out_of_memory(c->e);
        give(c, (value) { .kind = FHIRPATH_NODE, .node = type });
    }
}

/* ---- values and extensions ---- */

/* Tells whether a collection is one item that has a value: a primitive, not an object. */
static bool has_value(const collection *in) {
    if (in->count != 1)
        return false;
    const value *v = &in->items[0];
    if (v->kind != FHIRPATH_NODE)
        return true;
    return v->node != NULL && v->node->kind != TREE_OBJECT;
}

static void do_has_value(const struct call *c) {
    give_boolean(c, has_value(c->in));
}

static void do_get_value(const struct call *c) {
    if (has_value(c->in))
        give(c, plain(&c->in->items[0]));
}

/* Tells whether an extension has a URL. */
static bool has_url(const value *extension, const struct text *url) {
    if (extension->node == NULL)
        return false;
    const char *its = tree_text(extension->node, "url");
    return its != NULL && text_is(url, its);
}

static void do_extension(const struct call *c) {
    const char *const name = "extension";
    const uint32_t symbol = symbol_find(name, strlen(name));
    struct text url;
    if (!argument_text(c, 0, &url))
        return;
    for (size_t i = 0; i < c->in->count; i++) {
        collection all = { 0 };
        member_step(c->e, &c->in->items[i], symbol, name, &all);
        for (size_t k = 0; k < all.count; k++)
            if (has_url(&all.items[k], &url))
                give(c, all.items[k]);
    }
}

/* ---- references ---- */

/* The contained resource of an id, NULL when there is none. */
static const struct tree *contained_of(const struct tree *root, const char *id) {
    const struct tree *list = tree_get(root, "contained");
    const struct tree *c = list != NULL ? list->first : NULL;
    for (; c != NULL; c = c->next) {
        const char *its = tree_text(c, "id");
        if (its != NULL && strcmp(its, id) == 0)
            return c;
    }
    return NULL;
}

/* Tells whether an entry's URL is a reference, or ends in it behind a slash. */
static bool is_url_of(const char *url, const char *reference) {
    size_t u = strlen(url);
    size_t r = strlen(reference);
    if (u < r || strcmp(url + u - r, reference) != 0)
        return false;
    return u == r || url[u - r - 1] == '/';
}

/* The resource of the entry of a Bundle that a reference names, NULL when there is none. */
static const struct tree *entry_of(const struct tree *bundle, const char *reference) {
    const struct tree *entries = tree_get(bundle, "entry");
    const struct tree *n = entries != NULL ? entries->first : NULL;
    for (; n != NULL; n = n->next) {
        const char *url = tree_text(n, "fullUrl");
        if (url != NULL && is_url_of(url, reference))
            return tree_get(n, "resource");
    }
    return NULL;
}

/* What a reference names inside the root: contained, or an entry of a Bundle. */
static const struct tree *resolved(const struct tree *root, const char *reference) {
    if (root == NULL || strcmp(reference, "#") == 0)
        return root;
    if (reference[0] == '#')
        return contained_of(root, reference + 1);
    return entry_of(root, reference);
}

/* The text of a reference: a string, or a Reference's own; NULL when it is neither. */
static const char *reference_of(const value *v) {
    if (v->kind == FHIRPATH_STRING)
        return v->string.text;
    if (v->node == NULL)
        return NULL;
    if (v->node->kind == TREE_OBJECT)
        return tree_text(v->node, "reference");
    return v->node->kind == TREE_STRING ? v->node->text : NULL;
}

static void do_resolve(const struct call *c) {
    const struct tree *root = c->e->context->root.node;
    for (size_t i = 0; i < c->in->count; i++) {
        const char *reference = reference_of(&c->in->items[i]);
        const struct tree *found = reference != NULL ? resolved(root, reference) : NULL;
        if (found != NULL)
            give(c, fhirpath_node(found));
    }
}

/* The base type that a profile's URL names, NULL when it is another profile. */
static const struct r4_type *base_type(const struct text *url) {
    const size_t prefix = strlen(PROFILES);
    bool is_base = url->length > prefix && memcmp(url->data, PROFILES, prefix) == 0;
    return is_base ? r4_type(url->data + prefix) : NULL;
}

/* conformsTo() knows the base types; another profile can't be told here. */
static void do_conforms_to(const struct call *c) {
    struct text url;
    if (!argument_text(c, 0, &url) || c->in->count != 1)
        return;
    const struct r4_type *asked = base_type(&url);
    const struct r4_type *own = c->in->items[0].type;
    if (asked == NULL)
        evaluation_error(c->e, c->x,
                         "this profile is not known here: conformsTo() knows the types of R4");
    else
        give_boolean(c, own != NULL && r4_is(own, asked));
}

/* Gives nothing: this needs a terminology server, which is not asked. */
static void do_member_of(const struct call *c) {
    (void)c;
}

const struct function functions_type[] = {
    { "is", 1, 1, do_is },
    { "as", 1, 1, do_as },
    { "ofType", 1, 1, do_of_type },
    { "type", 0, 0, do_type },
    { "hasValue", 0, 0, do_has_value },
    { "getValue", 0, 0, do_get_value },
    { "extension", 1, 1, do_extension },
    { "resolve", 0, 0, do_resolve },
    { "conformsTo", 1, 1, do_conforms_to },
    { "memberOf", 1, 1, do_member_of },
    { NULL, 0, 0, NULL },
};
