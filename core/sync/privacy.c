/* SPDX-License-Identifier: Apache-2.0 */
/* The data classes: privacy/classes.yaml of the mappings, read and checked. */
#include "core/sync/privacy.h"

#include "core/config/config.h"
#include "core/config/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct data_class {
    const char *name;
    enum privacy_need need;
};
struct privacy {
    struct arena arena;
    struct data_class *classes;
    size_t count;
};

static const char *const need_words[] = {
    [PRIVACY_NEEDS_CLASS] = "class", [PRIVACY_NEEDS_ANY] = "any", [PRIVACY_NEEDS_NOBODY] = "nobody"
};

/* Reads what one class needs. */
static bool read_need(const struct tree *rule, const char *path, struct arena *a,
                      enum privacy_need *need, struct report *report) {
    const char *word = rule->kind == TREE_OBJECT ? tree_text(rule, "needs") : NULL;
    for (size_t i = 1; word != NULL && i < sizeof need_words / sizeof *need_words; i++) {
        if (strcmp(word, need_words[i]) == 0) {
            *need = (enum privacy_need)i;
            if (rule->length == 1)
                return true;
        }
    }
    report_add(report, REPORT_ERROR, "privacy", config_where(a, path, rule),
               "a data class says {needs: class}, {needs: any} or {needs: nobody}, and nothing "
               "else");
    return false;
}

/* Reads all classes. */
static bool read_classes(struct privacy *p, const struct tree *root, const char *path,
                         struct report *report) {
    const struct tree *classes = root->kind == TREE_OBJECT ? tree_get(root, "classes") : NULL;
    if (classes == NULL || classes->kind != TREE_OBJECT || root->length != 1) {
        report_add(report, REPORT_ERROR, "privacy", path,
                   "the file holds one member, `classes:`, with the data classes by name");
        return false;
    }
    p->classes = arena_zalloc(&p->arena, (classes->length + 1) * sizeof *p->classes);
    if (p->classes == NULL)
        return false;
    bool good = true;
    for (const struct tree *rule = classes->first; rule != NULL; rule = rule->next) {
        struct data_class *c = &p->classes[p->count++];
        c->name = arena_strndup(&p->arena, rule->name, strlen(rule->name));
        bool read = read_need(rule, path, &p->arena, &c->need, report);
        good = good && read && c->name != NULL;
    }
    return good;
}

struct privacy *privacy_load(const char *mappings, struct report *report) {
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/privacy/classes.yaml", mappings);
    struct privacy *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    const struct tree *root = yaml_read_file(&p->arena, path, report);
    if (root != NULL && read_classes(p, root, path, report))
        return p;
    privacy_free(p);
    return NULL;
}

void privacy_free(struct privacy *p) {
    if (p == NULL)
        return;
    arena_free(&p->arena);
    free(p);
}

enum privacy_need privacy_need_of(const struct privacy *p, const char *data_class) {
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->classes[i].name, data_class) == 0)
            return p->classes[i].need;
    return PRIVACY_UNKNOWN;
}
