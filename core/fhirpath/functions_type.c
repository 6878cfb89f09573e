/* SPDX-License-Identifier: Apache-2.0 */
/* Types and conversions (N1 section 5.5 and 6.3), and FHIR's own functions (extension, resolve,
 * hasValue ...). */
#include "core/fhirpath/internal.h"

#include <stdlib.h>
#include <string.h>

#define CALL(name)                                                                                 \
    static bool name(struct evaluation *e, const struct expression *x, const collection *in,       \
                     collection *out)

static const char *const system_names[] = {
    [FHIRPATH_BOOLEAN] = "Boolean", [FHIRPATH_INTEGER] = "Integer",
    [FHIRPATH_DECIMAL] = "Decimal", [FHIRPATH_STRING] = "String",
    [FHIRPATH_DATE] = "Date",       [FHIRPATH_DATETIME] = "DateTime",
    [FHIRPATH_TIME] = "Time",       [FHIRPATH_QUANTITY] = "Quantity"
};

bool resolve_type(struct expression *x, const char *name_space, const char *name) {
    bool fhir = !name_space || !strcmp(name_space, "FHIR"),
         system = !name_space || !strcmp(name_space, "System");
    x->name = name;
    x->system = -1;
    x->type = fhir ? r4_type(name) : NULL;
    for (int k = FHIRPATH_BOOLEAN; system && k <= FHIRPATH_QUANTITY; k++)
        if (!strcmp(system_names[k], name))
            x->system = k;
    return x->type || x->system >= 0 || (system && !strcmp(name, "Any"));
}

/* True when a FHIR primitive is what a System type with its name holds: is(string) on a System
 * string doesn't hold, R4's suite says. */
bool is_type(const value *v, const struct expression *t) {
    if (v->kind == FHIRPATH_NODE)
        return v->type ? t->type && r4_is(v->type, t->type)
                       : v->node && v->node->kind != TREE_OBJECT &&
                             t->system == (int)plain(NULL, v).kind;
    return t->system == (int)v->kind;
}

const char *type_name_of(const value *v, const char **name_space) {
    if (v->kind == FHIRPATH_NODE) {
        *name_space = "FHIR";
        return v->type ? v->type->name : "";
    }
    *name_space = "System";
    return v->kind <= FHIRPATH_QUANTITY ? system_names[v->kind] : "";
}

CALL(do_is) {
    if (in->count > 1)
        return evaluation_error(e, x, "is() works on one item, there are %zu", in->count);
    return !in->count || push(e, out, of_boolean(is_type(&in->items[0], x)));
}
CALL(do_as) {
    if (in->count > 1)
        return evaluation_error(e, x, "as() works on one item, there are %zu", in->count);
    return !in->count || !is_type(&in->items[0], x) || push(e, out, in->items[0]);
}
CALL(do_of_type) {
    for (size_t i = 0; i < in->count; i++)
        if (is_type(&in->items[i], x) && !push(e, out, in->items[i]))
            return false;
    return true;
}
/* type(): an object with namespace and name. */
CALL(do_type) {
    (void)x;
    for (size_t i = 0; i < in->count; i++) {
        const char *space, *name = type_name_of(&in->items[i], &space);
        struct tree *t = tree_new(e->arena, TREE_OBJECT);
        bool ok = t &&
                  tree_add(e->arena, t, "namespace", tree_string(e->arena, space, strlen(space))) &&
                  tree_add(e->arena, t, "name", tree_string(e->arena, name, strlen(name)));
        if (!ok || !push(e, out, (value) { .kind = FHIRPATH_NODE, .node = t }))
            return out_of_memory(e);
    }
    return true;
}

/* ---- conversions: each gives one value of its kind, or false ---- */
static bool text_of(const value *v, const char **s, size_t *n) {
    *s = v->kind == FHIRPATH_STRING ? v->string.text : NULL;
    *n = v->kind == FHIRPATH_STRING ? v->string.length : 0;
    return *s != NULL;
}
static bool same_word(const char *s, size_t n, const char *word) {
    return strlen(word) == n && !strncasecmp(s, word, n);
}

static bool to_boolean(struct evaluation *e, const value *v, value *r) {
    static const char *const yes[] = { "true", "t", "yes", "y", "1", "1.0" }, *const no[] = {
        "false", "f", "no", "n", "0", "0.0"
    };
    const char *s;
    size_t n;
    (void)e;
    if (v->kind == FHIRPATH_BOOLEAN)
        return *r = *v, true;
    if (v->kind == FHIRPATH_INTEGER && (v->integer == 0 || v->integer == 1))
        return *r = of_boolean(v->integer == 1), true;
    if (v->kind == FHIRPATH_DECIMAL && (decimal_compare(v->decimal, decimal_of(0)) == 0 ||
                                        decimal_compare(v->decimal, decimal_of(1)) == 0))
        return *r = of_boolean(v->decimal.digits != 0), true;
    for (int i = 0; text_of(v, &s, &n) && i < 6; i++) {
        if (same_word(s, n, yes[i]))
            return *r = of_boolean(true), true;
        if (same_word(s, n, no[i]))
            return *r = of_boolean(false), true;
    }
    return false;
}
static bool to_integer(struct evaluation *e, const value *v, value *r) {
    const char *s;
    size_t n;
    decimal d;
    (void)e;
    if (v->kind == FHIRPATH_INTEGER)
        return *r = *v, true;
    if (v->kind == FHIRPATH_BOOLEAN)
        return *r = of_integer(v->boolean), true;
    if (!text_of(v, &s, &n) || memchr(s, '.', n) || memchr(s, 'e', n) || memchr(s, 'E', n) ||
        !decimal_parse(s, n, &d) || d.digits > INT32_MAX || d.digits < INT32_MIN)
        return false;
    return *r = of_integer((int64_t)d.digits), true;
}
static bool to_decimal(struct evaluation *e, const value *v, value *r) {
    const char *s;
    size_t n;
    decimal d;
    (void)e;
    if (v->kind == FHIRPATH_DECIMAL)
        return *r = *v, true;
    if (v->kind == FHIRPATH_INTEGER || v->kind == FHIRPATH_BOOLEAN)
        return *r = of_decimal(decimal_of(v->kind == FHIRPATH_INTEGER ? v->integer : v->boolean)),
               true;
    return text_of(v, &s, &n) && !memchr(s, 'e', n) && !memchr(s, 'E', n) &&
           decimal_parse(s, n, &d) && (*r = of_decimal(d), true);
}
static bool to_text(struct evaluation *e, const value *v, value *r) {
    size_t n;
    const char *s = v->kind == FHIRPATH_NODE || v->kind == FHIRPATH_TYPE
                        ? NULL
                        : fhirpath_to_text(e->arena, v, &n);
    return s && (*r = of_text(s, n), true);
}
/* Dates and times from each other and from texts. */
static bool to_moment(const value *v, enum fhirpath_kind kind, value *r) {
    const char *s;
    size_t n;
    moment m;
    if (v->kind == kind)
        return *r = *v, true;
    if (v->kind == FHIRPATH_DATE && kind == FHIRPATH_DATETIME)
        return *r = of_kind_moment(kind, v->moment), true;
    if (v->kind == FHIRPATH_DATETIME && kind == FHIRPATH_DATE) {
        m = v->moment;
        m.precision = m.precision > 3 ? 3 : m.precision;
        m.has_zone = false;
        return *r = of_kind_moment(kind, m), true;
    }
    if (!text_of(v, &s, &n) || (kind == FHIRPATH_TIME && n && *s == 'T'))
        return false;
    if (moment_parse(s, n, kind, &m))
        return *r = of_kind_moment(kind, m), true;
    if (kind == FHIRPATH_DATE && moment_parse(s, n, FHIRPATH_DATETIME, &m)) {
        m.precision = 3;
        m.has_zone = false;
        return *r = of_kind_moment(kind, m), true;
    }
    return false;
}
static bool to_date(struct evaluation *e, const value *v, value *r) {
    return (void)e, to_moment(v, FHIRPATH_DATE, r);
}
static bool to_date_time(struct evaluation *e, const value *v, value *r) {
    return (void)e, to_moment(v, FHIRPATH_DATETIME, r);
}
static bool to_time(struct evaluation *e, const value *v, value *r) {
    return (void)e, to_moment(v, FHIRPATH_TIME, r);
}
static bool to_quantity(struct evaluation *e, const value *v, value *r) {
    const char *s;
    size_t n;
    value d;
    if (v->kind == FHIRPATH_QUANTITY)
        return *r = *v, true;
    if (text_of(v, &s, &n))
        return quantity_parse(e, s, n, r);
    if (!to_decimal(e, v, &d))
        return false;
    *r = (value) { .kind = FHIRPATH_QUANTITY, .quantity = { d.decimal, "1", false } };
    return true;
}

typedef bool conversion(struct evaluation *, const value *, value *);
static const struct {
    const char *name;
    conversion *convert;
} conversions[] = { { "Boolean", to_boolean },    { "Integer", to_integer },
                    { "Long", to_integer },       { "Decimal", to_decimal },
                    { "String", to_text },        { "Date", to_date },
                    { "DateTime", to_date_time }, { "Time", to_time },
                    { "Quantity", to_quantity } };

/* Converts a quantity to the unit of a call's argument; *ok is false when it doesn't. */
static bool to_unit(struct evaluation *e, const struct expression *x, value *r, bool *ok) {
    collection c = { 0 };
    const char *unit;
    size_t n;
    bool found;
    if (!argument(e, x, 0, &c) || !single_text(e, x, &c, &unit, &n, &found))
        return false;
    *ok = false;
    if (!found)
        return true;
    const char *word = calendar_word(unit, n);
    value one = { .kind = FHIRPATH_QUANTITY,
                  .quantity = { decimal_of(1), word != NULL ? word : unit, word != NULL } };
    decimal p, q;
    *ok = quantity_common(r, &one, &p, &q) && decimal_divide(p, q, &one.quantity.value);
    if (*ok)
        *r = one;
    return true;
}

/* Evaluates toX() and convertsToX(), by the end of their name. */
static bool convert(struct evaluation *e, const struct expression *x, const collection *in,
                    collection *out) {
    bool asks = strncmp(x->name, "convertsTo", 10) == 0;
    const char *what = x->name + (asks ? 10 : 2);
    bool found, ok = false;
    value v, r;
    if (!single(e, x, in, &v, &found))
        return false;
    if (!found)
        return true;
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++)
        if (strcmp(conversions[i].name, what) == 0)
            ok = conversions[i].convert(e, &v, &r);
    bool unit_asked = ok && r.kind == FHIRPATH_QUANTITY && x->arg_count > 0;
    if (unit_asked && !to_unit(e, x, &r, &ok))
        return false;
    if (asks)
        return push(e, out, of_boolean(ok));
    return !ok || push(e, out, r);
}

/* ---- FHIR's own ---- */
/* Tells whether a collection is one item that has a value: a primitive, not an object. */
static bool has_value(const collection *in) {
    if (in->count != 1)
        return false;
    const value *v = &in->items[0];
    if (v->kind != FHIRPATH_NODE)
        return true;
    return v->node != NULL && v->node->kind != TREE_OBJECT;
}
CALL(do_has_value) {
    (void)x;
    return push(e, out, of_boolean(has_value(in)));
}
CALL(do_get_value) {
    (void)x;
    return !has_value(in) || push(e, out, plain(e, &in->items[0]));
}

CALL(do_extension) {
    collection c = { 0 };
    const char *url;
    size_t n;
    bool found;
    if (!argument(e, x, 0, &c) || !single_text(e, x, &c, &url, &n, &found))
        return false;
    uint32_t symbol = symbol_find("extension", 9);
    for (size_t i = 0; found && i < in->count; i++) {
        collection all = { 0 };
        if (!member_step(e, &in->items[i], symbol, "extension", &all))
            return false;
        for (size_t k = 0; k < all.count; k++) {
            const char *its = all.items[k].node ? tree_text(all.items[k].node, "url") : NULL;
            if (its && strlen(its) == n && !memcmp(its, url, n) && !push(e, out, all.items[k]))
                return false;
        }
    }
    return true;
}
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
    size_t u = strlen(url), r = strlen(reference);
    if (u < r || strcmp(url + u - r, reference) != 0)
        return false;
    return u == r || url[u - r - 1] == '/';
}

/* What a reference names inside the root: contained, or an entry of a Bundle. */
static const struct tree *resolved(const struct tree *root, const char *reference) {
    if (root == NULL || strcmp(reference, "#") == 0)
        return root;
    if (reference[0] == '#')
        return contained_of(root, reference + 1);
    const struct tree *entries = tree_get(root, "entry");
    const struct tree *n = entries != NULL ? entries->first : NULL;
    for (; n != NULL; n = n->next) {
        const char *url = tree_text(n, "fullUrl");
        if (url != NULL && is_url_of(url, reference))
            return tree_get(n, "resource");
    }
    return NULL;
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

CALL(do_resolve) {
    (void)x;
    for (size_t i = 0; i < in->count; i++) {
        const char *reference = reference_of(&in->items[i]);
        const struct tree *found = NULL;
        if (reference != NULL)
            found = resolved(e->context->root.node, reference);
        if (found != NULL && !push(e, out, fhirpath_node(found)))
            return false;
    }
    return true;
}
/* conformsTo() knows the base types; another profile can't be told here. */
CALL(do_conforms_to) {
    static const char base[] = "http://hl7.org/fhir/StructureDefinition/";
    collection c = { 0 };
    const char *url;
    size_t n;
    bool found;
    if (!argument(e, x, 0, &c) || !single_text(e, x, &c, &url, &n, &found))
        return false;
    if (!found || in->count != 1)
        return true;
    const struct r4_type *type = n > sizeof base && !strncmp(url, base, sizeof base - 1)
                                     ? r4_type(url + sizeof base - 1)
                                     : NULL;
    if (!type)
        return evaluation_error(
            e, x, "this profile is not known here: conformsTo() knows the types of R4");
    return push(e, out, of_boolean(in->items[0].type && r4_is(in->items[0].type, type)));
}
/* Needs a terminology server, which is not asked: empty. */
CALL(do_member_of) {
    return (void)e, (void)x, (void)in, (void)out, true;
}

#define CONVERSION(name, most)                                                                     \
    { "to" name, 0, most, convert }, {                                                             \
        "convertsTo" name, 0, most, convert                                                        \
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
    CONVERSION("Boolean", 0),
    CONVERSION("Integer", 0),
    CONVERSION("Long", 0),
    CONVERSION("Decimal", 0),
    CONVERSION("String", 0),
    CONVERSION("Date", 0),
    CONVERSION("DateTime", 0),
    CONVERSION("Time", 0),
    CONVERSION("Quantity", 1),
    { NULL, 0, 0, NULL },
};
