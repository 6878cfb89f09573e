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
                  const char *name, const char *near) {
    char where[300];
    snprintf(where, sizeof where, "%s:%u:%u", r->source, node->line, node->column);
    if (near != NULL)
        report_add(r->report, REPORT_ERROR, code, where, "'%s' %s; did you mean '%s'?", name, text,
                   near);
    else
        report_add(r->report, REPORT_ERROR, code, where, "'%s' %s", name, text);
}

static bool is_word(const struct tree *node, const char *const *list) {
    bool found = false;
    for (size_t i = 0; node->kind == TREE_STRING && list[i] != NULL; i++)
        found = found || strcmp(node->text, list[i]) == 0;
    return found;
}

/* Reports members that nobody knows. */
static void check_keys(struct reading *r, const struct tree *object, const char *const *known,
                       const char *text) {
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        const struct tree name = { .kind = TREE_STRING, .text = m->name };
        if (!is_word(&name, known))
            fault(r, m, "unknown-key", text, m->name, nearest_name(m->name, known));
    }
}

/* Reports an element that the type doesn't have. */
static void check_element(struct reading *r, const struct tree *at, const char *element) {
    if (r4_element(r->type, element, NULL) == NULL)
        fault(r, at, "unknown-element", "is no element of this type", element, NULL);
}

static void check_list(struct reading *r, const struct tree *list, const char *what,
                       bool elements) {
    bool usable = list->kind == TREE_ARRAY && list->length > 0;
    if (!usable)
        fault(r, list, "wrong-type", "must be a list of texts", what, NULL);
    for (const struct tree *n = usable ? list->first : NULL; n != NULL; n = n->next) {
        if (n->kind != TREE_STRING)
            fault(r, n, "wrong-type", "must be a list of texts", what, NULL);
        else if (elements)
            check_element(r, n, n->text);
    }
}

/* Checks a group of elements: their values are JSON, those of `when` lists of codes. */
static void check_group(struct reading *r, const struct tree *group, bool lists) {
    if (group->kind != TREE_OBJECT || group->length == 0) {
        fault(r, group, "wrong-type", "must be a group of elements", group->name, NULL);
        return;
    }
    for (const struct tree *m = group->first; m != NULL; m = m->next) {
        check_element(r, m, m->name);
        if (lists)
            check_list(r, m, m->name, false);
    }
}

static void check_rule(struct reading *r, const struct tree *rule) {
    if (is_word(rule, words))
        return;
    if (rule->kind != TREE_OBJECT) {
        fault(r, rule, "wrong-value", "must be `leave`, `hold`, or a group with `set`", rule->name,
              NULL);
        return;
    }
    check_keys(r, rule, rule_keys, "is no key of a rule: when, set, remove, otherwise");
    const struct tree *when = tree_get(rule, "when");
    const struct tree *set = tree_get(rule, "set");
    const struct tree *remove = tree_get(rule, "remove");
    const struct tree *otherwise = tree_get(rule, "otherwise");
    if (set == NULL)
        fault(r, rule, "missing", "must say what it sets: set: {status: ...}", rule->name, NULL);
    else
        check_group(r, set, false);
    if (when != NULL)
        check_group(r, when, true);
    if (remove != NULL)
        check_list(r, remove, "remove", true);
    if (otherwise != NULL && !is_word(otherwise, words))
        fault(r, otherwise, "wrong-value", "must be `leave` or `hold`", "otherwise", NULL);
}

static void check_type(struct reading *r, const struct tree *type) {
    r->type = r4_type(type->name);
    if (r->type == NULL) {
        fault(r, type, "unknown-type", "is no type of FHIR R4", type->name, NULL);
        return;
    }
    if (type->kind != TREE_OBJECT) {
        fault(r, type, "wrong-type", "must be a group of causes", type->name, NULL);
        return;
    }
    check_keys(r, type, type_keys,
               "is no key of a type: error, ended, left, moved, absent, person");
    const struct tree *absent = tree_get(type, "absent");
    if (absent != NULL && !is_word(absent, absent_words))
        fault(r, absent, "wrong-value", "must be `end` or `hold`", "absent", NULL);
    bool ends = absent != NULL && is_word(absent, absent_words) && strcmp(absent->text, "end") == 0;
    if (ends && tree_get(type, "ended") == NULL)
        fault(r, absent, "missing", "needs a rule `ended`", "absent: end", NULL);
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
    const struct tree *types = root->kind == TREE_OBJECT ? tree_get(root, "types") : NULL;
    if (types == NULL || types->kind != TREE_OBJECT) {
        fault(r, root, "missing", "must be a group of FHIR types", "types", NULL);
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
    if (root != NULL && report->errors == errors_before) {
        l->types = tree_get(root, "types");
        return l;
    }
    lifecycle_free(l);
    return NULL;
}

static struct lifecycle *start(struct report *report, const char *source) {
    struct lifecycle *l = base_malloc(sizeof *l);
    r4_setup();
    if (l == NULL)
        report_add(report, REPORT_ERROR, "memory", source, "out of memory");
    else
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

bool lifecycle_ends(const struct lifecycle *l, const char *type) {
    const struct tree *rules = l != NULL ? tree_get(l->types, type) : NULL;
    const char *absent = rules != NULL ? tree_text(rules, "absent") : NULL;
    return absent != NULL && strcmp(absent, "end") == 0;
}

/* Whether a code of a list stands somewhere in an element. */
static bool holds_code(const struct tree *node, const struct tree *codes) {
    bool is_code = node->name != NULL && strcmp(node->name, "code") == 0;
    if (node->kind == TREE_STRING) {
        bool found = false;
        for (const struct tree *c = is_code ? codes->first : NULL; c != NULL; c = c->next)
            found = found || strcmp(c->text, node->text) == 0;
        return found;
    }
    if (node->kind != TREE_ARRAY && node->kind != TREE_OBJECT)
        return false;
    for (const struct tree *n = node->first; n != NULL; n = n->next) {
        if (holds_code(n, codes))
            return true;
    }
    return false;
}

/* What a type says of removals that a person must decide; NULL: nothing. */
static const struct tree *person_rule(const struct lifecycle *l, const char *type) {
    const struct tree *rules = l != NULL ? tree_get(l->types, type) : NULL;
    return rules != NULL ? tree_get(rules, "person") : NULL;
}

bool lifecycle_may_need_person(const struct lifecycle *l, const char *type) {
    return person_rule(l, type) != NULL;
}

bool lifecycle_needs_person(const struct lifecycle *l, const char *type,
                            const struct tree *resource) {
    const struct tree *rule = person_rule(l, type);
    if (rule == NULL)
        return false;
    if (rule->kind == TREE_STRING || resource == NULL || resource->kind != TREE_OBJECT)
        return true;
    for (const struct tree *codes = rule->first; codes != NULL; codes = codes->next) {
        const struct tree *element = tree_get(resource, codes->name);
        if (element != NULL && holds_code(element, codes))
            return true;
    }
    return false;
}

/* The rule of a cause; what the file doesn't say of a wrong chart is as what was never true. */
static const struct tree *rule_of(const struct lifecycle *l, const char *type,
                                  enum store_wanted cause) {
    const struct tree *rules = l != NULL && type != NULL ? tree_get(l->types, type) : NULL;
    const struct tree *rule = NULL;
    for (size_t i = 0; rules != NULL && i < CAUSES; i++)
        if (causes[i].wanted == cause)
            rule = tree_get(rules, causes[i].name);
    if (rule == NULL && rules != NULL && cause == STORE_WANTED_MOVED)
        rule = tree_get(rules, "error");
    return rule;
}

static enum lifecycle_step step_of(const struct tree *word) {
    bool leave = word == NULL || strcmp(word->text, "leave") == 0;
    return leave ? LIFECYCLE_LEAVE : LIFECYCLE_HOLD;
}

/* True when every element of `when` has one of its codes. */
static bool applies(const struct tree *when, const struct tree *resource) {
    for (const struct tree *m = when != NULL ? when->first : NULL; m != NULL; m = m->next) {
        const char *code = tree_text(resource, m->name);
        bool listed = false;
        for (const struct tree *c = m->first; code != NULL && c != NULL; c = c->next)
            listed = listed || strcmp(c->text, code) == 0;
        if (!listed)
            return false;
    }
    return true;
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
    const struct tree *remove = tree_get(rule, "remove");
    for (const struct tree *n = remove != NULL ? remove->first : NULL; n != NULL; n = n->next) {
        struct tree *element = tree_get(resource, n->text);
        if (element != NULL)
            tree_remove(element);
    }
    const struct tree *set = tree_get(rule, "set");
    for (const struct tree *m = set->first; m != NULL; m = m->next)
        if (!set_element(a, resource, m))
            return LIFECYCLE_MEMORY;
    return LIFECYCLE_WRITE;
}
