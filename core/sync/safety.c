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

/* Keeps one item that has a safety rule. */
static bool read_item(struct reading *r, const struct tree *item, const struct tree *answers) {
    const struct tree *rule = item->kind == TREE_OBJECT ? tree_get(item, "safety") : NULL;
    if (rule == NULL)
        return true;
    struct safety_item *kept = arena_zalloc(&r->safety->arena, sizeof *kept);
    if (kept == NULL)
        return no_memory(r);
    bool ruled = rule->kind == TREE_OBJECT;
    const struct tree *above = ruled ? tree_get(rule, "above") : NULL;
    kept->field = tree_text(item, "field");
    kept->code = tree_text(item, "code");
    kept->flag = ruled ? tree_text(rule, "flag") : NULL;
    kept->answers = answers;
    if (kept->field == NULL || above == NULL || !tree_to_int(above, &kept->above))
        return fault(r, rule, "a safety item has a field, and above: a whole number");
    kept->next = r->safety->items;
    r->safety->items = kept;
    return true;
}

static bool read_instrument(struct reading *r) {
    const struct tree *root = yaml_read_file(&r->safety->arena, r->path, r->report);
    if (root == NULL)
        return false;
    const struct tree *items = root->kind == TREE_OBJECT ? tree_get(root, "items") : NULL;
    if (items == NULL || items->kind != TREE_ARRAY)
        return true; /* a total alone; its file is checked by those who score */
    const struct tree *answers = tree_get(root, "answers");
    bool listed = answers != NULL && answers->kind == TREE_ARRAY;
    for (const struct tree *item = items->first; item != NULL; item = item->next) {
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

/* The value of an answer that is given by its code or its words; false: there is none such. */
static bool value_of_words(const struct safety_item *item, const char *text, double *value) {
    const struct tree *a = item->answers != NULL ? item->answers->first : NULL;
    for (; a != NULL; a = a->next) {
        const char *code = a->kind == TREE_OBJECT ? tree_text(a, "code") : NULL;
        const char *display = code != NULL ? tree_text(a, "display") : NULL;
        const struct tree *number = code != NULL ? tree_get(a, "value") : NULL;
        int64_t whole;
        if (!is_name(text, code) && !is_name(text, display))
            continue;
        if (number == NULL || !tree_to_int(number, &whole))
            return false;
        *value = (double)whole;
        return true;
    }
    return false;
}

/* Reads an answer; false when nobody can say what it is. */
static bool read_answer(const struct safety_item *item, const struct tree *answer, double *value) {
    switch ((enum tree_kind)answer->kind) {
    case TREE_BOOLEAN: *value = answer->boolean ? (double)item->above + 1 : 0; return true;
    case TREE_NUMBER:
    case TREE_STRING: break;
    case TREE_NULL:
    case TREE_ARRAY:
    case TREE_OBJECT: return false;
    }
    char *rest = NULL;
    *value = strtod(answer->text, &rest);
    bool number = rest != answer->text && rest[strspn(rest, " ")] == '\0';
    return number || value_of_words(item, answer->text, value);
}

/* Whether an item was left unanswered: that is no answer, and no positive one. */
static bool is_unanswered(const struct tree *answer) {
    if (answer->kind == TREE_NULL)
        return true;
    return answer->kind == TREE_STRING && answer->text[strspn(answer->text, " ")] == '\0';
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
    if (value > (double)item->above)
        tell(scan, answer, "positive-self-harm-item");
    return value > (double)item->above;
}

/* What a measure says of its safety items as a whole. */
static bool weigh_summary(const struct scan *scan, const struct tree *summary) {
    const struct tree *positive = tree_get(summary, "positive");
    bool said = positive != NULL && positive->kind == TREE_BOOLEAN && positive->boolean;
    if (said) {
        tell(scan, summary, "positive-self-harm-item");
        return true;
    }
    for (const struct safety_item *i = scan->safety->items; i != NULL; i = i->next) {
        const struct tree *answer = i->flag != NULL ? tree_get(summary, i->flag) : NULL;
        if (answer != NULL && weigh(scan, i, answer))
            return true;
    }
    return false;
}

/* Looks at a part of the record and all below it; true when something was told. */
static bool look(const struct scan *scan, const struct tree *node) {
    bool told = false;
    if (node->kind != TREE_OBJECT && node->kind != TREE_ARRAY)
        return false;
    for (const struct tree *n = node->first; n != NULL; n = n->next) {
        const struct safety_item *item = NULL;
        if (n->name != NULL)
            item = item_of(scan->safety, n->name);
        bool heard = item != NULL ? weigh(scan, item, n) : look(scan, n);
        told = told || heard;
    }
    if (told || node->kind != TREE_OBJECT)
        return told;
    const struct tree *summary = tree_get(node, "safety");
    bool has_summary = summary != NULL && summary->kind == TREE_OBJECT;
    return has_summary && weigh_summary(scan, summary);
}

void safety_scan(const struct safety *safety, const struct tree *record,
                 void (*alert)(void *user, const char *pointer, const char *code), void *user) {
    const struct scan scan = { .safety = safety, .alert = alert, .user = user };
    (void)look(&scan, record);
}
