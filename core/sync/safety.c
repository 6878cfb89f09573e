/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the instruments' safety items, and looking for their answers in a record. */
#include "core/sync/safety.h"

#include "core/base/alloc.h"
#include "core/config/config.h"
#include "core/config/yaml.h"

#include <iptfhir/files.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { POINTER_BYTES = 256 };

struct safety_item {
    struct safety_item *next;
    const char *field, *code, *flag; /* code, flag: NULL when the file has none */
    int64_t above;
    const struct tree *answers; /* of the instrument: value, code, display; NULL: none */
};
struct safety {
    struct arena arena;
    struct safety_item *items;
};

/* ---- reading ---- */

struct reading {
    struct safety *safety;
    struct report *report;
    const char *path;
};

static bool fault(struct reading *r, const struct tree *at, const char *text) {
    const char *where = config_where(&r->safety->arena, r->path, at);
    report_add(r->report, REPORT_ERROR, "safety", where, "%s", text);
    return false;
}

static bool no_memory(struct reading *r) {
    report_add(r->report, REPORT_ERROR, "memory", r->path, "out of memory");
    return false;
}

/* Reads an item's rule; false when it lacks what every rule says. */
static bool read_rule(const struct tree *item, const struct tree *rule, struct safety_item *out) {
    const struct tree *above = tree_get(rule, "above");
    out->field = tree_text(item, "field");
    out->code = tree_text(item, "code");
    out->flag = tree_text(rule, "flag");
    if (out->field == NULL || above == NULL)
        return false;
    return tree_to_int(above, &out->above);
}

/* Keeps one item that has a safety rule. */
static bool read_item(struct reading *r, const struct tree *item, const struct tree *answers) {
    const struct tree *rule = tree_get(item, "safety");
    if (rule == NULL)
        return true;
    struct safety_item *kept = arena_zalloc(&r->safety->arena, sizeof *kept);
    if (kept == NULL)
        return no_memory(r);
    kept->answers = answers;
    if (!read_rule(item, rule, kept))
        return fault(r, rule, "a safety item has a field, and above: a whole number");
    kept->next = r->safety->items;
    r->safety->items = kept;
    return true;
}

static bool read_instrument(struct reading *r) {
    const struct tree *root = yaml_read_file(&r->safety->arena, r->path, r->report);
    if (root == NULL)
        return false;
    /* One without items has a total alone; its file is checked by those who score. */
    const struct tree *item = tree_at(tree_get(root, "items"), 0);
    const struct tree *answers = tree_get(root, "answers");
    bool listed = answers != NULL && answers->kind == TREE_ARRAY;
    for (; item != NULL; item = item->next) {
        if (!read_item(r, item, listed ? answers : NULL))
            return false;
    }
    return true;
}

static bool read_folder(struct reading *r, const char *folder) {
    static const char *const suffixes[] = { ".yaml", NULL };
    struct iptfhir_files files;
    bool good = true;
    if (!iptfhir_files_list(&files, folder, suffixes, NULL)) {
        bool none = errno == ENOENT;
        if (!none)
            report_add(r->report, REPORT_ERROR, "missing-file", folder,
                       "this folder can't be read: check its permissions");
        iptfhir_files_free(&files);
        return none;
    }
    for (size_t i = 0; i < files.count; i++) {
        r->path = files.list[i].path;
        if (!read_instrument(r))
            good = false;
    }
    iptfhir_files_free(&files);
    return good;
}

struct safety *safety_load(const char *mappings, struct report *report) {
    char folder[4200];
    struct safety *s = base_malloc(sizeof *s);
    if (s == NULL) {
        report_add(report, REPORT_ERROR, "memory", mappings, "out of memory");
        return NULL;
    }
    *s = (struct safety) { .items = NULL };
    (void)snprintf(folder, sizeof folder, "%s/instruments", mappings);
    struct reading r = { .safety = s, .report = report, .path = folder };
    if (read_folder(&r, folder))
        return s;
    safety_free(s);
    return NULL;
}

void safety_free(struct safety *s) {
    if (s == NULL)
        return;
    arena_free(&s->arena);
    base_free(s);
}

/* ---- scanning ---- */

struct scan {
    const struct safety *safety;
    void (*alert)(void *user, const char *pointer, const char *code);
    void *user;
};

static void tell(const struct scan *scan, const struct tree *at, const char *code) {
    char pointer[POINTER_BYTES];
    scan->alert(scan->user, tree_path(at, pointer, sizeof pointer), code);
}

static bool is_name(const char *name, const char *known) {
    return known != NULL && strcasecmp(name, known) == 0;
}

static const struct safety_item *item_of(const struct safety *s, const char *name) {
    for (const struct safety_item *i = s->items; i != NULL; i = i->next) {
        if (is_name(name, i->field) || is_name(name, i->code))
            return i;
    }
    return NULL;
}

/* The answer of the instrument that has this code or these words; NULL: none. */
static const struct tree *answer_of(const struct safety_item *item, const char *text) {
    const struct tree *answer = tree_at(item->answers, 0);
    for (; answer != NULL; answer = answer->next) {
        const char *code = tree_text(answer, "code");
        if (is_name(text, code))
            return answer;
        if (code != NULL && is_name(text, tree_text(answer, "display")))
            return answer;
    }
    return NULL;
}

/* The value of an answer that is given by its code or its words; false: there is none such. */
static bool value_of_words(const struct safety_item *item, const char *text, double *value) {
    const struct tree *number = tree_get(answer_of(item, text), "value");
    int64_t whole;
    if (number == NULL || !tree_to_int(number, &whole))
        return false;
    *value = (double)whole;
    return true;
}

static bool is_blank(const char *text) {
    return text[strspn(text, " ")] == '\0';
}

/* Reads a text that is a number and nothing else. */
static bool read_number(const char *text, double *value) {
    char *rest = NULL;
    *value = strtod(text, &rest);
    return rest != text && is_blank(rest);
}

/* A yes is above whatever the item's limit is, a no is nothing. */
static double value_of_flag(const struct safety_item *item, bool yes) {
    return yes ? (double)item->above + 1 : 0;
}

/* Reads an answer; false when nobody can say what it is. */
static bool read_answer(const struct safety_item *item, const struct tree *answer, double *value) {
    switch ((enum tree_kind)answer->kind) {
    case TREE_BOOLEAN: *value = value_of_flag(item, answer->boolean); return true;
    case TREE_NUMBER:
    case TREE_STRING:
        if (read_number(answer->text, value))
            return true;
        return value_of_words(item, answer->text, value);
    case TREE_NULL:
    case TREE_ARRAY:
    case TREE_OBJECT: break;
    }
    return false;
}

/* Whether an item was left unanswered: that is no answer, and no positive one. */
static bool is_unanswered(const struct tree *answer) {
    if (answer->kind == TREE_NULL)
        return true;
    return answer->kind == TREE_STRING && is_blank(answer->text);
}

/* Tells of one answer when it is positive or can't be read; true when it did. */
static bool weigh(const struct scan *scan, const struct safety_item *item,
                  const struct tree *answer) {
    double value = 0;
    if (is_unanswered(answer))
        return false;
    if (!read_answer(item, answer, &value)) {
        tell(scan, answer, "unreadable-self-harm-item");
        return true;
    }
    bool positive = value > (double)item->above;
    if (positive)
        tell(scan, answer, "positive-self-harm-item");
    return positive;
}

/* The flag of an item among what a measure says of all; NULL: it has none, or it isn't there. */
static const struct tree *flag_in(const struct tree *summary, const struct safety_item *item) {
    return item->flag != NULL ? tree_get(summary, item->flag) : NULL;
}

/* What a measure says of its safety items as a whole. */
static bool weigh_summary(const struct scan *scan, const struct tree *summary) {
    const struct tree *positive = tree_get(summary, "positive");
    bool is_flag = positive != NULL && positive->kind == TREE_BOOLEAN;
    if (is_flag && positive->boolean) {
        tell(scan, summary, "positive-self-harm-item");
        return true;
    }
    for (const struct safety_item *i = scan->safety->items; i != NULL; i = i->next) {
        const struct tree *answer = flag_in(summary, i);
        if (answer != NULL && weigh(scan, i, answer))
            return true;
    }
    return false;
}

static bool look(const struct scan *scan, const struct tree *node);

/* Weighs a member that is a safety item, and looks below any other. */
static bool look_at_member(const struct scan *scan, const struct tree *member) {
    const struct safety_item *item = NULL;
    if (member->name != NULL)
        item = item_of(scan->safety, member->name);
    if (item != NULL)
        return weigh(scan, item, member);
    return look(scan, member);
}

/* Looks at a part of the record and all below it; true when something was told. */
static bool look(const struct scan *scan, const struct tree *node) {
    bool told = false;
    if (node->kind != TREE_OBJECT && node->kind != TREE_ARRAY)
        return false;
    for (const struct tree *n = node->first; n != NULL; n = n->next)
        told |= look_at_member(scan, n);
    if (told)
        return true;
    const struct tree *summary = tree_get(node, "safety");
    bool has_summary = summary != NULL && summary->kind == TREE_OBJECT;
    return has_summary && weigh_summary(scan, summary);
}

void safety_scan(const struct safety *safety, const struct tree *record,
                 void (*alert)(void *user, const char *pointer, const char *code), void *user) {
    const struct scan scan = { .safety = safety, .alert = alert, .user = user };
    (void)look(&scan, record);
}
