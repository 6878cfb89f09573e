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

/* A word that a keyword may have, and what it stands for. */
struct word {
    const char *text;
    int value;
};

/* Finds the word that a keyword gives; NULL: it is none of them. */
static const struct word *find_word(const struct tree *given, const struct word *words,
                                    size_t count) {
    if (given->kind != TREE_STRING)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(given->text, words[i].text) == 0)
            return &words[i];
    }
    return NULL;
}

/* Adds one type name to a node. */
static bool add_type(struct compiler *c, const struct tree *name, struct rule_node *node) {
    static const struct word types[] = {
        { "null", TREE_NULL },      { "boolean", TREE_BOOLEAN }, { "number", TREE_NUMBER },
        { "integer", TREE_NUMBER }, { "string", TREE_STRING },   { "array", TREE_ARRAY },
        { "object", TREE_OBJECT },
    };
    const struct word *type = find_word(name, types, sizeof types / sizeof types[0]);
    if (type == NULL)
        return wrong(c, name, "expected a JSON Schema type");
    node->kinds |= (uint8_t)(1u << type->value);
    if (strcmp(type->text, "integer") == 0)
        node->integer = true;
    return true;
}

/* type: one name or a list of them. */
static bool take_type(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_ARRAY)
        return add_type(c, value, node);
    for (const struct tree *t = value->first; t != NULL; t = t->next) {
        if (!add_type(c, t, node))
            return false;
    }
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
    if (texts == NULL)
        return NULL;
    for (const struct tree *t = list->first; t != NULL; t = t->next) {
        bool left_out = nulls && t->kind == TREE_NULL;
        if (t->kind == TREE_STRING)
            texts[count++] = t->text;
        else if (!left_out)
            wrong(c, t, "expected a string");
    }
    return texts;
}

/* enum. */
static bool take_enum(struct compiler *c, const struct tree *value, struct rule_node *node) {
    node->texts = texts_of(c, value, true);
    return node->texts != NULL;
}

/* const. */
static bool take_const(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_STRING)
        return wrong(c, value, "expected a string");
    const char **texts = keep(c, 2 * sizeof *texts);
    if (texts == NULL)
        return false;
    texts[0] = value->text;
    node->texts = texts;
    return true;
}

/* format. */
static bool take_format(struct compiler *c, const struct tree *value, struct rule_node *node) {
    static const struct word formats[] = {
        { "date", TEXT_DATE },          { "partial-date", TEXT_PARTIAL_DATE },
        { "date-time", TEXT_DATETIME }, { "uri", TEXT_URI },
        { "code", TEXT_CODE },          { "npi", TEXT_NPI },
        { "loinc", TEXT_LOINC },        { "icd-10-cm", TEXT_ICD10CM },
        { "sctid", TEXT_SCTID },        { "digits", TEXT_DIGITS },
    };
    const struct word *format = find_word(value, formats, sizeof formats / sizeof formats[0]);
    if (format == NULL)
        return wrong(c, value, "this format is not known here");
    node->format = (uint8_t)format->value;
    return true;
}

/* Reads a bound of numbers. */
static bool take_limit(struct compiler *c, const struct tree *value, struct limit *out) {
    if (value->kind != TREE_NUMBER)
        return wrong(c, value, "expected a number");
    *out = (struct limit) { true, strtod(value->text, NULL) };
    return true;
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
    return take_limit(c, v, &n->limits[LIMIT_MINIMUM]);
}
static bool take_maximum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_limit(c, v, &n->limits[LIMIT_MAXIMUM]);
}
static bool take_warn_minimum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_limit(c, v, &n->limits[LIMIT_WARN_MINIMUM]);
}
static bool take_warn_maximum(struct compiler *c, const struct tree *v, struct rule_node *n) {
    return take_limit(c, v, &n->limits[LIMIT_WARN_MAXIMUM]);
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
    uint32_t symbol = 0;
    if (value->kind == TREE_STRING)
        symbol = symbol_intern(value->text, value->length);
    if (symbol == 0)
        return wrong(c, value, "expected the name of a field");
    *out = symbol;
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
    n->or_texts = texts_of(c, v, false);
    return n->or_texts != NULL;
}

/* Notes that something restricted may stand below a node. */
static void note_restricted(struct rule_node *node, const struct rule_node *below) {
    if (below->restricted || below->holds_restricted)
        node->holds_restricted = true;
}

/* items. */
static bool take_items(struct compiler *c, const struct tree *value, struct rule_node *node) {
    node->items = compile(c, value);
    if (node->items == NULL)
        return false;
    note_restricted(node, node->items);
    return true;
}

/* additionalProperties. */
static bool take_others(struct compiler *c, const struct tree *value, struct rule_node *node) {
    node->open = value->kind == TREE_BOOLEAN && value->boolean;
    if (value->kind == TREE_BOOLEAN)
        return true;
    node->others = compile(c, value);
    return node->others != NULL;
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
    static const struct word classes[] = {
        { "identity", 0 }, { "third-party", 0 }, { "free-text", 0 }, { "opt-in", 0 }, { "local", 0 }
    };
    (void)node;
    if (find_word(value, classes, sizeof classes / sizeof classes[0]) != NULL)
        return true;
    return wrong(c, value, "expected identity, third-party, free-text, opt-in or local");
}

/* Makes the empty table of an object's fields, half full at most. */
static bool make_fields(struct compiler *c, uint32_t count, struct rule_node *node) {
    uint32_t slots = 4;
    while (slots < count * 2)
        slots *= 2;
    node->fields = keep(c, slots * sizeof *node->fields);
    node->field_mask = slots - 1;
    return node->fields != NULL;
}

/* Puts a field into the table; its index is its bit in `required`. */
static void add_field(struct rule_node *node, uint32_t symbol, const struct rule_node *sub) {
    uint32_t at = (symbol * 2654435761u) >> 16 & node->field_mask;
    while (node->fields[at].symbol != 0)
        at = (at + 1) & node->field_mask;
    node->fields[at] = (struct field) { symbol, (uint16_t)node->field_count, sub };
    node->field_count++;
}

/* properties: the table of fields. */
static bool take_properties(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_OBJECT || value->length > 64)
        return wrong(c, value, "expected an object of at most 64 fields");
    const char **names = keep(c, (value->length + 1) * sizeof *names);
    node->names = names;
    if (names == NULL || !make_fields(c, value->length, node))
        return false;
    for (const struct tree *p = value->first; p != NULL; p = p->next) {
        const struct rule_node *sub = compile(c, p);
        uint32_t symbol = symbol_intern(p->name, p->name_length);
        if (sub == NULL || symbol == 0)
            return wrong(c, p, "memory is out");
        names[node->field_count] = symbol_name(symbol);
        add_field(node, symbol, sub);
        note_restricted(node, sub);
    }
    return true;
}

/* required, after properties. */
static bool take_required(struct compiler *c, const struct tree *value, struct rule_node *node) {
    if (value->kind != TREE_ARRAY)
        return wrong(c, value, "expected a list of field names");
    for (const struct tree *t = value->first; t != NULL; t = t->next) {
        uint32_t symbol = t->kind == TREE_STRING ? symbol_find(t->text, t->length) : 0;
        const struct field *f = field_find(node, symbol);
        if (f == NULL)
            return wrong(c, t, "no such field in properties");
        node->required |= UINT64_C(1) << f->index;
    }
    return true;
}

/* The definition that a reference names; NULL: it names none of this file. */
static const struct tree *definition(const struct compiler *c, const struct tree *reference) {
    static const char prefix[] = "#/$defs/";
    size_t length = sizeof prefix - 1;
    if (reference->kind != TREE_STRING || strncmp(reference->text, prefix, length) != 0)
        return NULL;
    return tree_get(tree_get(c->root, "$defs"), reference->text + length);
}

/* $ref: the definition is compiled into the same node; its siblings then refine it. */
static bool take_ref(struct compiler *c, const struct tree *value, struct rule_node *node) {
    const struct tree *target = definition(c, value);
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
    char hint[NEAREST_HINT], text[200];
    for (size_t i = 0; i < KEYWORDS; i++)
        names[i] = keywords[i].name;
    snprintf(text, sizeof text, "this schema keyword is not known here%s",
             nearest_hint(at->name, names, hint));
    return wrong(c, at, text);
}

static bool is_keyword(const char *name) {
    for (size_t i = 0; i < KEYWORDS; i++) {
        if (strcmp(keywords[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool is_keyword_of_root(const char *name) {
    static const char *const root_only[] = { "$schema", "$id", "$defs" };
    for (size_t i = 0; i < sizeof root_only / sizeof root_only[0]; i++) {
        if (strcmp(root_only[i], name) == 0)
            return true;
    }
    return false;
}

/* Reports what is no keyword. */
static void check_keywords(struct compiler *c, const struct tree *from) {
    for (const struct tree *m = from->first; m != NULL; m = m->next) {
        bool known = is_keyword(m->name) || (from == c->root && is_keyword_of_root(m->name));
        if (!known)
            unknown_keyword(c, m);
    }
}

/* Compiles one schema object into a node. */
static bool compile_into(struct compiler *c, const struct tree *from, struct rule_node *node) {
    if (from->kind != TREE_OBJECT)
        return wrong(c, from, "expected a schema: an object");
    check_keywords(c, from);
    for (size_t i = 0; i < KEYWORDS; i++) {
        const struct keyword *keyword = &keywords[i];
        const struct tree *value = tree_get(from, keyword->name);
        if (value != NULL && keyword->take != NULL)
            keyword->take(c, value, node);
    }
    return !c->failed;
}

/* ---- what rules name ---- */

/* Whether an object has the field that a rule names; a rule that names none is content. */
static bool has_named(const struct rule_node *object, uint32_t named) {
    if (named == 0)
        return true;
    return object != NULL && field_find(object, named) != NULL;
}

static void check_names(struct compiler *c, const struct rule_node *node,
                        const struct rule_node *parent);

static void check_names_of_fields(struct compiler *c, const struct rule_node *node) {
    if (node->fields == NULL)
        return;
    for (uint32_t i = 0; i <= node->field_mask; i++) {
        if (node->fields[i].symbol != 0)
            check_names(c, node->fields[i].node, node);
    }
}

/* Checks that what rules name is there: lists at the root, siblings, ids. */
static void check_names(struct compiler *c, const struct rule_node *node,
                        const struct rule_node *parent) {
    bool found = has_named(c->schema->root, node->refers_to) &&
                 has_named(parent, node->not_before) && has_named(node->items, node->unique_by);
    if (!found)
        wrong(c, c->root,
              "x-refers-to, x-not-before or x-unique-by names a field that isn't there");
    if (node->items != NULL)
        check_names(c, node->items, NULL);
    if (node->others != NULL)
        check_names(c, node->others, NULL);
    check_names_of_fields(c, node);
}

/* ---- the file ---- */

/* Reads the file into the schema's arena; NULL: why was reported. */
static const struct tree *read_schema(struct compiler *c) {
    struct str text = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    char why[IPTFHIR_FILE_WHY];
    const struct tree *root = NULL;
    if (!file_read(&text, c->path, SCHEMA_MAX, why)) {
        report_add(c->report, REPORT_ERROR, "schema", c->path, "the record schema: %s", why);
        goto out;
    }
    root = json_read_copy(&c->schema->arena, text.data, text.length, c->path, &error);
    if (root == NULL)
        report_add(c->report, REPORT_ERROR, "schema", error.where, "%s", error.text);
out:
    str_free(&text);
    return root;
}

struct record_schema *record_schema_load(const char *path, struct report *report) {
    struct record_schema *schema = base_malloc(sizeof *schema);
    if (schema == NULL) {
        report_add(report, REPORT_ERROR, "memory", path, "memory is out");
        return NULL;
    }
    *schema = (struct record_schema) { 0 };
    struct compiler c = { .schema = schema, .path = path, .report = report };
    c.root = read_schema(&c);
    if (c.root == NULL)
        goto refused;
    schema->root = compile(&c, c.root);
    if (schema->root == NULL || c.failed)
        goto refused;
    check_names(&c, schema->root, NULL);
    if (!c.failed)
        return schema;
refused:
    record_schema_free(schema);
    return NULL;
}

void record_schema_free(struct record_schema *schema) {
    if (schema == NULL)
        return;
    arena_free(&schema->arena);
    if (schema->seen != NULL)
        pthread_mutex_destroy(&schema->seen->lock);
    base_free(schema->seen);
    base_free(schema);
}

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
