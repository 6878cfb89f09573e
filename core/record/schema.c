/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles the record's JSON Schema into tables, refusing what it doesn't know. */
#include "core/record/schema.h"

#include "core/base/alloc.h"
#include "core/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_MAX (1024u * 1024u)
#define REF_DEPTH_MAX 16

struct compiler {
    struct record_schema *schema;
    const struct tree *root;
    const char *path;
    struct report *report;
    bool failed;
    unsigned depth; /* of $ref */
};

/* Adds an error at a node of the schema file; returns false. */
static bool wrong(struct compiler *c, const struct tree *at, const char *expected) {
    char pointer[200], where[512];
    snprintf(where, sizeof where, "%s:%u:%u %s", c->path, at->line, at->column,
             tree_path(at, pointer, sizeof pointer));
    report_add(c->report, REPORT_ERROR, "schema", where, "%s", expected);
    c->failed = true;
    return false;
}

/* Allocates zeroed memory that lives as long as the schema. */
static void *keep(struct compiler *c, size_t size) {
    void *memory = arena_zalloc(&c->schema->arena, size);
    if (memory == NULL && !c->failed) {
        report_add(c->report, REPORT_ERROR, "memory", c->path, "memory is out");
        c->failed = true;
    }
    return memory;
}

static bool compile_into(struct compiler *c, const struct tree *from, struct rule_node *node);

/* Compiles a schema into a new node; NULL when memory is out. */
static const struct rule_node *compile(struct compiler *c, const struct tree *from) {
    struct rule_node *node = keep(c, sizeof *node);
    if (node == NULL)
        return NULL;
    node->max_length = UINT32_MAX;
    node->open = true;
    compile_into(c, from, node);
    return node;
}

/* Adds one type name to a node. */
static bool add_type(struct compiler *c, const struct tree *name, struct rule_node *node) {
    static const struct {
        const char *name;
        enum tree_kind kind;
    } types[] = {
        { "null", TREE_NULL },      { "boolean", TREE_BOOLEAN }, { "number", TREE_NUMBER },
        { "integer", TREE_NUMBER }, { "string", TREE_STRING },   { "array", TREE_ARRAY },
        { "object", TREE_OBJECT },
    };
    for (size_t i = 0; name->kind == TREE_STRING && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(name->text, types[i].name) == 0) {
            node->kinds |= (uint8_t)(1u << types[i].kind);
            node->integer = node->integer || strcmp(name->text, "integer") == 0;
            return true;
        }
    return wrong(c, name, "expected a JSON Schema type");
}

/* type: one name or a list of them. */
static bool take_type(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_ARRAY)
        return add_type(c, value, node);
    for (const struct tree *t = value->first; t != NULL; t = t->next)
        if (!add_type(c, t, node))
            return false;
    return true;
}

/* A list of strings as a NULL-terminated array; nulls are left out when allowed. */
static const char *const *texts_of(struct compiler *c, const struct tree *list, bool nulls) {
    if (list->kind != TREE_ARRAY) {
        wrong(c, list, "expected a list of strings");
        return NULL;
    }
    const char **texts = keep(c, (list->length + 1) * sizeof *texts);
    size_t count = 0;
    for (const struct tree *t = list->first; texts != NULL && t != NULL; t = t->next) {
        if (t->kind == TREE_STRING)
            texts[count++] = t->text;
        else if (t->kind != TREE_NULL || !nulls)
            wrong(c, t, "expected a string");
    }
    return texts;
}

/* enum. */
static bool take_enum(struct compiler *c, const struct tree *value, struct rule_node *node) {
    return (node->texts = texts_of(c, value, true)) != NULL;
}

/* const. */
static bool take_const(struct compiler *c, const struct tree *value, struct rule_node *node) {
    const char **texts = value->kind == TREE_STRING ? keep(c, 2 * sizeof *texts) : NULL;
    if (texts == NULL)
        return wrong(c, value, "expected a string");
    texts[0] = value->text;
    node->texts = texts;
    return true;
}

/* format. */
static bool take_format(struct compiler *c, const struct tree *value, struct rule_node *node) {
    static const struct {
        const char *name;
        enum text_format format;
    } formats[] = {
        { "date", TEXT_DATE },          { "partial-date", TEXT_PARTIAL_DATE },
        { "date-time", TEXT_DATETIME }, { "uri", TEXT_URI },
        { "code", TEXT_CODE },          { "npi", TEXT_NPI },
        { "loinc", TEXT_LOINC },        { "icd-10-cm", TEXT_ICD10CM },
        { "sctid", TEXT_SCTID },        { "digits", TEXT_DIGITS },
    };
    for (size_t i = 0; value->kind == TREE_STRING && i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(value->text, formats[i].name) == 0) {
            node->format = (uint8_t)formats[i].format;
            return true;
        }
    return wrong(c, value, "this format is not known here");
}

/* Reads a number. */
static bool take_number(struct compiler *c, const struct tree *value, double *out, bool *has) {
    if (value->kind != TREE_NUMBER)
        return wrong(c, value, "expected a number");
    *out = strtod(value->text, NULL);
    return *has = true;
}

/* Reads a count. */
static bool take_count(struct compiler *c, const struct tree *value, uint32_t *out) {
    int64_t n = 0;
    if (!tree_to_int(value, &n) || n < 0 || n > INT32_MAX)
        return wrong(c, value, "expected a whole number that is not negative");
    *out = (uint32_t)n;
    return true;
}

static bool take_minimum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_number(c, v, &n->minimum, &n->has_minimum);
}
static bool take_maximum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_number(c, v, &n->maximum, &n->has_maximum);
}
static bool take_warn_minimum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_number(c, v, &n->warn_minimum, &n->has_warn_minimum);
}
static bool take_warn_maximum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_number(c, v, &n->warn_maximum, &n->has_warn_maximum);
}
static bool take_min_length(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_count(c, v, &n->min_length);
}
static bool take_max_length(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_count(c, v, &n->max_length);
}
static bool take_min_items(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_count(c, v, &n->min_items);
}

/* Interns the name that a keyword gives. */
static bool take_symbol(struct compiler *c, const struct tree *value, uint32_t *out) {
    if (value->kind != TREE_STRING || (*out = symbol_intern(value->text, value->length)) == 0)
        return wrong(c, value, "expected the name of a field");
    return true;
}

static bool take_unique_by(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_symbol(c, v, &n->unique_by);
}
static bool take_not_before(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_symbol(c, v, &n->not_before);
}
static bool take_refers_to(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_symbol(c, v, &n->refers_to);
}
static bool take_or(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return (n->or_texts = texts_of(c, v, false)) != NULL;
}

/* items. */
static bool take_items(struct compiler *c, const struct tree *value, struct rule_node *node) {
    node->items = compile(c, value);
    node->holds_restricted =
        node->holds_restricted ||
        (node->items != NULL && (node->items->restricted || node->items->holds_restricted));
    return node->items != NULL;
}

/* additionalProperties. */
static bool take_others(struct compiler *c, const struct tree *value, struct rule_node *node) {
    node->open = value->kind == TREE_BOOLEAN && value->boolean;
    if (value->kind == TREE_BOOLEAN)
        return true;
    return (node->others = compile(c, value)) != NULL;
}

/* x-restricted. */
static bool take_restricted(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_BOOLEAN)
        return wrong(c, value, "expected true or false");
    node->restricted = value->boolean;
    return true;
}

/* x-sensitivity: an annotation, but a known one. */
static bool take_sensitivity(struct compiler *c, const struct tree *value, struct rule_node *node) {
    static const char *const classes[] = { "identity", "third-party", "free-text", "opt-in",
                                           "local" };
    (void)node;
    for (size_t i = 0; value->kind == TREE_STRING && i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(value->text, classes[i]) == 0)
            return true;
    return wrong(c, value, "expected identity, third-party, free-text, opt-in or local");
}

/* properties: the table of fields. */
static bool take_properties(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_OBJECT || value->length > 64)
        return wrong(c, value, "expected an object of at most 64 fields");
    uint32_t slots = 4;
    while (slots < value->length * 2)
        slots *= 2;
    const char **names = keep(c, (value->length + 1) * sizeof *names);
    node->fields = keep(c, slots * sizeof *node->fields);
    node->names = names;
    node->field_mask = slots - 1;
    if (names == NULL || node->fields == NULL)
        return false;
    for (const struct tree *p = value->first; p != NULL; p = p->next) {
        const struct rule_node *sub = compile(c, p);
        uint32_t symbol = symbol_intern(p->name, p->name_length);
        if (sub == NULL || symbol == 0)
            return wrong(c, p, "memory is out");
        uint32_t at = (symbol * 2654435761u) >> 16 & node->field_mask;
        while (node->fields[at].symbol != 0)
            at = (at + 1) & node->field_mask;
        names[node->field_count] = symbol_name(symbol);
        node->fields[at] = (struct field) { symbol, (uint16_t)node->field_count++, sub };
        node->holds_restricted = node->holds_restricted || sub->restricted || sub->holds_restricted;
    }
    return true;
}

/* required, after properties. */
static bool take_required(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_ARRAY)
        return wrong(c, value, "expected a list of field names");
    for (const struct tree *t = value->first; t != NULL; t = t->next) {
        const struct field *f =
            t->kind == TREE_STRING ? field_find(node, symbol_find(t->text, t->length)) : NULL;
        if (f == NULL)
            return wrong(c, t, "no such field in properties");
        node->required |= UINT64_C(1) << f->index;
    }
    return true;
}

/* $ref: the definition is compiled into the same node; its siblings then refine it. */
static bool take_ref(struct compiler *c, const struct tree *value, struct rule_node *node) {
    static const char prefix[] = "#/$defs/";
    bool local = value->kind == TREE_STRING && strncmp(value->text, prefix, sizeof prefix - 1) == 0;
    const struct tree *target =
        local ? tree_get(tree_get(c->root, "$defs"), value->text + sizeof prefix - 1) : NULL;
    if (target == NULL)
        return wrong(c, value, "expected #/$defs/NAME of a definition in this file");
    if (c->depth >= REF_DEPTH_MAX)
        return wrong(c, value, "definitions refer to each other in a circle");
    c->depth++;
    bool ok = compile_into(c, target, node);
    c->depth--;
    return ok;
}

struct keyword {
    const char *name;
    bool (*take)(struct compiler *, const struct tree *value,
                 struct rule_node *); /* NULL: an annotation */
};
/* In the order in which they are taken. */
static const struct keyword keywords[] = {
    { "$ref", take_ref },
    { "type", take_type },
    { "properties", take_properties },
    { "required", take_required },
    { "additionalProperties", take_others },
    { "items", take_items },
    { "enum", take_enum },
    { "const", take_const },
    { "format", take_format },
    { "minimum", take_minimum },
    { "maximum", take_maximum },
    { "minLength", take_min_length },
    { "maxLength", take_max_length },
    { "minItems", take_min_items },
    { "x-restricted", take_restricted },
    { "x-sensitivity", take_sensitivity },
    { "x-unique-by", take_unique_by },
    { "x-not-before", take_not_before },
    { "x-refers-to", take_refers_to },
    { "x-or", take_or },
    { "x-warn-minimum", take_warn_minimum },
    { "x-warn-maximum", take_warn_maximum },
    { "description", NULL },
    { "title", NULL },
    { "$comment", NULL },
};
#define KEYWORDS (sizeof keywords / sizeof keywords[0])

/* Reports a keyword that is not known, with the nearest one. */
static bool unknown_keyword(struct compiler *c, const struct tree *at) {
    const char *names[KEYWORDS + 1] = { NULL };
    for (size_t i = 0; i < KEYWORDS; i++)
        names[i] = keywords[i].name;
    const char *near = nearest_name(at->name, names);
    char text[200];
    snprintf(text, sizeof text, "this schema keyword is not known here%s%s%s",
             near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
             near != NULL ? "'?" : "");
    return wrong(c, at, text);
}

/* Tells whether a member of a schema is a keyword; those of the root only at the root. */
static bool known_keyword(const struct compiler *c, const struct tree *from, const char *name) {
    static const char *const root_only[] = { "$schema", "$id", "$defs" };
    for (size_t i = 0; i < KEYWORDS; i++)
        if (strcmp(keywords[i].name, name) == 0)
            return true;
    for (size_t i = 0; from == c->root && i < sizeof root_only / sizeof root_only[0]; i++)
        if (strcmp(root_only[i], name) == 0)
            return true;
    return false;
}

/* Compiles one schema object into a node. */
static bool compile_into(struct compiler *c, const struct tree *from, struct rule_node *node) {
    if (from->kind != TREE_OBJECT)
        return wrong(c, from, "expected a schema: an object");
    for (const struct tree *m = from->first; m != NULL; m = m->next)
        if (!known_keyword(c, from, m->name))
            unknown_keyword(c, m);
    for (size_t i = 0; i < KEYWORDS; i++) {
        const struct tree *value =
            keywords[i].take != NULL ? tree_get(from, keywords[i].name) : NULL;
        if (value != NULL)
            keywords[i].take(c, value, node);
    }
    return !c->failed;
}

/* Checks that what rules name is there: lists at the root, siblings, ids. */
static void check_names(struct compiler *c, const struct rule_node *node,
                        const struct rule_node *parent) {
    bool lost = (node->refers_to != 0 && field_find(c->schema->root, node->refers_to) == NULL) ||
                (node->not_before != 0 &&
                 (parent == NULL || field_find(parent, node->not_before) == NULL)) ||
                (node->unique_by != 0 &&
                 (node->items == NULL || field_find(node->items, node->unique_by) == NULL));
    if (lost)
        wrong(c, c->root,
              "x-refers-to, x-not-before or x-unique-by names a field that isn't there");
    if (node->items != NULL)
        check_names(c, node->items, NULL);
    if (node->others != NULL)
        check_names(c, node->others, NULL);
    for (uint32_t i = 0; node->field_count > 0 && i <= node->field_mask; i++)
        if (node->fields[i].symbol != 0)
            check_names(c, node->fields[i].node, node);
}

/* Reads and compiles the file. */
struct record_schema *record_schema_load(const char *path, struct report *report) {
    struct str text = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct record_schema *schema = base_malloc(sizeof *schema);
    if (schema == NULL) {
        report_add(report, REPORT_ERROR, "memory", path, "memory is out");
        return NULL;
    }
    *schema = (struct record_schema) { 0 };
    struct compiler c = { .schema = schema, .path = path, .report = report };
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&text, path, SCHEMA_MAX, why)) {
        report_add(report, REPORT_ERROR, "schema", path, "the record schema: %s", why);
        goto out;
    }
    c.root = json_read_copy(&schema->arena, text.data, text.length, path, &error);
    if (c.root == NULL) {
        report_add(report, REPORT_ERROR, "schema", error.where, "%s", error.text);
        goto out;
    }
    schema->root = compile(&c, c.root);
    if (schema->root != NULL && !c.failed)
        check_names(&c, schema->root, NULL);
out:
    str_free(&text);
    if (schema->root == NULL || c.failed) {
        record_schema_free(schema);
        return NULL;
    }
    return schema;
}

/* Frees a schema. */
void record_schema_free(struct record_schema *schema) {
    if (schema == NULL)
        return;
    arena_free(&schema->arena);
    if (schema->seen != NULL)
        pthread_mutex_destroy(&schema->seen->lock);
    base_free(schema->seen);
    base_free(schema);
}

/* Sets what unknown fields are. */
bool record_schema_allow_unknown(struct record_schema *schema, bool allow) {
    if (allow && schema->seen == NULL) {
        struct unknown_seen *seen = base_malloc(sizeof *seen);
        if (seen == NULL)
            return false;
        *seen = (struct unknown_seen) { 0 };
        pthread_mutex_init(&seen->lock, NULL);
        schema->seen = seen;
    }
    schema->allow_unknown = allow;
    return true;
}
