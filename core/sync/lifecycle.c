/* SPDX-License-Identifier: Apache-2.0 */
/* Reading mappings/lifecycle.yaml, checked whole, and applying it to bodies. */
#include "core/sync/lifecycle.h"

#include "core/base/alloc.h"
#include "core/config/yaml.h"
#include "core/fhir/r4.h"

#include <stdio.h>
#include <string.h>

struct lifecycle {
    struct arena arena;
    const struct tree *types; /* an object by type, checked */
};

/* Causes by the names that the file gives them. */
static const struct {
    const char *name;
    enum store_wanted wanted;
} causes[] = {
    { "error", STORE_WANTED_ERROR },
    { "ended", STORE_WANTED_ENDED },
    { "left", STORE_WANTED_LEFT },
    { "moved", STORE_WANTED_MOVED },
};
#define CAUSES (sizeof causes / sizeof causes[0])
static const char *const type_keys[] = {
    "error", "ended", "left", "moved", "absent", "person", NULL
};
static const char *const rule_keys[] = { "when", "set", "remove", "otherwise", NULL };
static const char *const words[] = { "leave", "hold", NULL };
static const char *const person_words[] = { "always", NULL };
static const char *const absent_words[] = { "end", "hold", NULL };

/* ---- checking ---- */

struct reading {
    const char *source;
    struct report *report;
    const struct r4_type *type;
};

static void fault(struct reading *r, const struct tree *node, const char *code, const char *text,
                  const char *name) {
    char where[300];
    snprintf(where, sizeof where, "%s:%u:%u", r->source, node->line, node->column);
    report_add(r->report, REPORT_ERROR, code, where, "'%s' %s", name, text);
}

/* Reports a key that nobody knows, with one that is like it. */
static void unknown_key(struct reading *r, const struct tree *member, const char *const *known,
                        const char *text) {
    char hint[300];
    const char *near = nearest_name(member->name, known);
    if (near != NULL)
        snprintf(hint, sizeof hint, "%s; did you mean '%s'?", text, near);
    fault(r, member, "unknown-key", near != NULL ? hint : text, member->name);
}

static bool is_among(const char *name, const char *const *list) {
    while (*list != NULL && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static bool is_word(const struct tree *node, const char *const *list) {
    return node->kind == TREE_STRING && is_among(node->text, list);
}

/* Whether a node is this text. */
static bool is_text(const struct tree *node, const char *text) {
    return node != NULL && node->kind == TREE_STRING && strcmp(node->text, text) == 0;
}

/* Reports members that nobody knows. */
static void check_keys(struct reading *r, const struct tree *object, const char *const *known,
                       const char *text) {
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        if (!is_among(m->name, known))
            unknown_key(r, m, known, text);
    }
}

/* Reports an element that the type doesn't have. */
static void check_element(struct reading *r, const struct tree *at, const char *element) {
    if (r4_element(r->type, element, NULL) == NULL)
        fault(r, at, "unknown-element", "is no element of this type", element);
}

/* Checks a list of texts; `elements`: each is an element of the type. */
static void check_list(struct reading *r, const struct tree *list, const char *what,
                       bool elements) {
    static const char wrong[] = "must be a list of texts";
    const struct tree *first = tree_at(list, 0);
    if (first == NULL)
        fault(r, list, "wrong-type", wrong, what);
    for (const struct tree *n = first; n != NULL; n = n->next) {
        if (n->kind != TREE_STRING)
            fault(r, n, "wrong-type", wrong, what);
        else if (elements)
            check_element(r, n, n->text);
    }
}

/* Checks a group of elements: their values are JSON, those of `when` lists of codes. */
static void check_group(struct reading *r, const struct tree *group, bool lists) {
    bool has_elements = group->kind == TREE_OBJECT && group->length > 0;
    if (!has_elements) {
        fault(r, group, "wrong-type", "must be a group of elements", group->name);
        return;
    }
    for (const struct tree *m = group->first; m != NULL; m = m->next) {
        check_element(r, m, m->name);
        if (lists)
            check_list(r, m, m->name, false);
    }
}

/* Checks a member that may lack, and is one of some words. */
static void check_word(struct reading *r, const struct tree *object, const char *name,
                       const char *const *list, const char *wrong) {
    const struct tree *word = tree_get(object, name);
    if (word != NULL && !is_word(word, list))
        fault(r, word, "wrong-value", wrong, name);
}

static void check_rule(struct reading *r, const struct tree *rule) {
    if (is_word(rule, words))
        return;
    if (rule->kind != TREE_OBJECT) {
        fault(r, rule, "wrong-value", "must be `leave`, `hold`, or a group with `set`", rule->name);
        return;
    }
    check_keys(r, rule, rule_keys, "is no key of a rule: when, set, remove, otherwise");
    const struct tree *set = tree_get(rule, "set");
    if (set == NULL)
        fault(r, rule, "missing", "must say what it sets: set: {status: ...}", rule->name);
    else
        check_group(r, set, false);
    const struct tree *when = tree_get(rule, "when");
    if (when != NULL)
        check_group(r, when, true);
    const struct tree *remove = tree_get(rule, "remove");
    if (remove != NULL)
        check_list(r, remove, "remove", true);
    check_word(r, rule, "otherwise", words, "must be `leave` or `hold`");
}

/* Checks what a type says of resources that are absent from a source. */
static void check_absent(struct reading *r, const struct tree *type) {
    check_word(r, type, "absent", absent_words, "must be `end` or `hold`");
    const struct tree *absent = tree_get(type, "absent");
    bool has_rule = tree_get(type, "ended") != NULL;
    if (is_text(absent, "end") && !has_rule)
        fault(r, absent, "missing", "needs a rule `ended`", "absent: end");
}

static void check_type(struct reading *r, const struct tree *type) {
    r->type = r4_type(type->name);
    if (r->type == NULL) {
        fault(r, type, "unknown-type", "is no type of FHIR R4", type->name);
        return;
    }
    if (type->kind != TREE_OBJECT) {
        fault(r, type, "wrong-type", "must be a group of causes", type->name);
        return;
    }
    check_keys(r, type, type_keys,
               "is no key of a type: error, ended, left, moved, absent, person");
    check_absent(r, type);
    const struct tree *person = tree_get(type, "person");
    if (person != NULL && !is_word(person, person_words))
        check_group(r, person, true);
    for (size_t i = 0; i < CAUSES; i++) {
        const struct tree *rule = tree_get(type, causes[i].name);
        if (rule != NULL)
            check_rule(r, rule);
    }
}

static void check_all(struct reading *r, const struct tree *root) {
    static const char *const top[] = { "types", NULL };
    const struct tree *types = tree_get(root, "types");
    if (types == NULL || types->kind != TREE_OBJECT) {
        fault(r, root, "missing", "must be a group of FHIR types", "types");
        return;
    }
    check_keys(r, root, top, "is no key of this file: types");
    for (const struct tree *t = types->first; t != NULL; t = t->next)
        check_type(r, t);
}

/* ---- reading ---- */

static struct lifecycle *finish(struct lifecycle *l, const struct tree *root, const char *source,
                                struct report *report, size_t errors_before) {
    struct reading r = { .source = source, .report = report };
    if (root != NULL)
        check_all(&r, root);
    bool valid = root != NULL && report->errors == errors_before;
    if (!valid) {
        lifecycle_free(l);
        return NULL;
    }
    l->types = tree_get(root, "types");
    return l;
}

static struct lifecycle *start(struct report *report, const char *source) {
    struct lifecycle *l = base_malloc(sizeof *l);
    r4_setup();
    if (l == NULL) {
        report_add(report, REPORT_ERROR, "memory", source, "out of memory");
        return NULL;
    }
    *l = (struct lifecycle) { .types = NULL };
    return l;
}

struct lifecycle *lifecycle_load(const char *path, struct report *report) {
    size_t errors = report->errors;
    struct lifecycle *l = start(report, path);
    if (l == NULL)
        return NULL;
    const struct tree *root = yaml_read_file(&l->arena, path, report);
    return finish(l, root, path, report, errors);
}

struct lifecycle *lifecycle_read(const char *text, size_t length, const char *source,
                                 struct report *report) {
    size_t errors = report->errors;
    struct lifecycle *l = start(report, source);
    if (l == NULL)
        return NULL;
    const struct tree *root = yaml_read(&l->arena, text, length, source, report);
    return finish(l, root, source, report, errors);
}

void lifecycle_free(struct lifecycle *l) {
    if (l == NULL)
        return;
    arena_free(&l->arena);
    base_free(l);
}

/* ---- applying ---- */

/* What the file says of a type; NULL: nothing. */
static const struct tree *rules_of(const struct lifecycle *l, const char *type) {
    return l != NULL ? tree_get(l->types, type) : NULL;
}

bool lifecycle_ends(const struct lifecycle *l, const char *type) {
    return is_text(tree_get(rules_of(l, type), "absent"), "end");
}

static bool lists(const struct tree *codes, const char *code) {
    for (const struct tree *c = codes->first; c != NULL; c = c->next) {
        if (strcmp(c->text, code) == 0)
            return true;
    }
    return false;
}

static bool is_code(const struct tree *node) {
    bool text = node->kind == TREE_STRING && node->name != NULL;
    return text && strcmp(node->name, "code") == 0;
}

/* Whether a code of a list stands somewhere in an element. */
static bool holds_code(const struct tree *node, const struct tree *codes) {
    if (is_code(node))
        return lists(codes, node->text);
    bool has_parts = node->kind == TREE_ARRAY || node->kind == TREE_OBJECT;
    for (const struct tree *n = has_parts ? node->first : NULL; n != NULL; n = n->next) {
        if (holds_code(n, codes))
            return true;
    }
    return false;
}

/* What a type says of removals that a person must decide; NULL: nothing. */
static const struct tree *person_rule(const struct lifecycle *l, const char *type) {
    return tree_get(rules_of(l, type), "person");
}

bool lifecycle_may_need_person(const struct lifecycle *l, const char *type) {
    return person_rule(l, type) != NULL;
}

bool lifecycle_needs_person(const struct lifecycle *l, const char *type,
                            const struct tree *resource) {
    const struct tree *rule = person_rule(l, type);
    if (rule == NULL)
        return false;
    bool always = rule->kind == TREE_STRING;
    bool unreadable = resource == NULL || resource->kind != TREE_OBJECT;
    if (always || unreadable)
        return true;
    for (const struct tree *codes = rule->first; codes != NULL; codes = codes->next) {
        const struct tree *element = tree_get(resource, codes->name);
        if (element != NULL && holds_code(element, codes))
            return true;
    }
    return false;
}

/* The name that the file gives to a cause; NULL: none. */
static const char *name_of(enum store_wanted cause) {
    for (size_t i = 0; i < CAUSES; i++) {
        if (causes[i].wanted == cause)
            return causes[i].name;
    }
    return NULL;
}

/* The rule of a cause; what the file doesn't say of a wrong chart is as what was never true. */
static const struct tree *rule_of(const struct lifecycle *l, const char *type,
                                  enum store_wanted cause) {
    const char *name = name_of(cause);
    if (type == NULL || name == NULL)
        return NULL;
    const struct tree *rules = rules_of(l, type);
    const struct tree *rule = tree_get(rules, name);
    bool unsaid = rule == NULL && cause == STORE_WANTED_MOVED;
    return unsaid ? tree_get(rules, "error") : rule;
}

/* What a word says; none, where a rule doesn't apply, leaves it. */
static enum lifecycle_step step_of(const struct tree *word) {
    bool leave = word == NULL || is_text(word, "leave");
    return leave ? LIFECYCLE_LEAVE : LIFECYCLE_HOLD;
}

/* True when every element of `when` has one of its codes. */
static bool applies(const struct tree *when, const struct tree *resource) {
    if (when == NULL)
        return true;
    for (const struct tree *codes = when->first; codes != NULL; codes = codes->next) {
        const char *code = tree_text(resource, codes->name);
        if (code == NULL || !lists(codes, code))
            return false;
    }
    return true;
}

/* Takes out the elements of a list; NULL: none. */
static void remove_elements(struct tree *resource, const struct tree *list) {
    for (const struct tree *name = tree_at(list, 0); name != NULL; name = name->next) {
        struct tree *element = tree_get(resource, name->text);
        if (element != NULL)
            tree_remove(element);
    }
}

/* Puts a value in the place of an element, or behind the others. */
static bool set_element(struct arena *a, struct tree *resource, const struct tree *value) {
    struct tree *copy = tree_copy(a, value);
    struct tree *old = tree_get(resource, value->name);
    if (copy == NULL)
        return false;
    if (old != NULL)
        tree_remove(old);
    return tree_add(a, resource, value->name, copy);
}

enum lifecycle_step lifecycle_apply(const struct lifecycle *l, struct tree *resource,
                                    struct arena *a, enum store_wanted cause) {
    const struct tree *rule = rule_of(l, tree_text(resource, "resourceType"), cause);
    if (rule == NULL)
        return LIFECYCLE_HOLD;
    if (rule->kind == TREE_STRING)
        return step_of(rule);
    if (!applies(tree_get(rule, "when"), resource))
        return step_of(tree_get(rule, "otherwise"));
    remove_elements(resource, tree_get(rule, "remove"));
    const struct tree *set = tree_get(rule, "set");
    for (const struct tree *m = set->first; m != NULL; m = m->next) {
        if (!set_element(a, resource, m))
            return LIFECYCLE_MEMORY;
    }
    return LIFECYCLE_WRITE;
}
