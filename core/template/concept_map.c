/* SPDX-License-Identifier: Apache-2.0 */
/* ConceptMaps: R4 resources in terminology/, compiled into sorted tables. */
#include "core/template/internal.h"

#include "core/base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES (8u << 20)

static int by_code(const void *a, const void *b) {
    const struct translation *left = a;
    const struct translation *right = b;
    return strcmp(left->from, right->from);
}

/* Tells whether a target gives a translation (R4 concept-map-equivalence: unmatched and disjoint
 * don't). */
static bool translates(const struct tree *target) {
    const char *equivalence = tree_text(target, "equivalence");
    if (tree_text(target, "code") == NULL)
        return false;
    if (equivalence == NULL)
        return true;
    return strcmp(equivalence, "unmatched") != 0 && strcmp(equivalence, "disjoint") != 0;
}

/* The first child of a member, NULL when there is none. */
static const struct tree *first_of(const struct tree *object, const char *name) {
    const struct tree *list = tree_get(object, name);
    return list != NULL ? list->first : NULL;
}

/* How many elements all groups of a map have. */
static size_t count_elements(const struct tree *root) {
    size_t count = 0;
    for (const struct tree *g = first_of(root, "group"); g != NULL; g = g->next) {
        const struct tree *elements = tree_get(g, "element");
        if (elements != NULL)
            count += elements->length;
    }
    return count;
}

static const char *keep(struct template_set *set, const char *text) {
    return text != NULL ? arena_strndup(&set->arena, text, strlen(text)) : NULL;
}

/* Takes an element over with its first target that gives a translation. */
static bool take_element(struct template_set *set, struct concept_map *m,
                         const struct tree *element) {
    const char *code = tree_text(element, "code");
    const struct tree *target = first_of(element, "target");
    while (target != NULL && !translates(target))
        target = target->next;
    if (code == NULL || target == NULL)
        return true;
    struct translation *t = &m->entries[m->count];
    t->from = keep(set, code);
    t->to = keep(set, tree_text(target, "code"));
    if (t->from == NULL || t->to == NULL)
        return false;
    m->count++;
    return true;
}

/* Takes all elements over, sorted by code; false when memory is out. */
static bool take_elements(struct template_set *set, struct concept_map *m,
                          const struct tree *root) {
    size_t room = count_elements(root);
    m->entries = arena_zalloc(&set->arena, (room + 1) * sizeof *m->entries);
    if (m->entries == NULL)
        return false;
    for (const struct tree *g = first_of(root, "group"); g != NULL; g = g->next)
        for (const struct tree *e = first_of(g, "element"); e != NULL; e = e->next)
            if (!take_element(set, m, e))
                return false;
    qsort(m->entries, m->count, sizeof *m->entries, by_code);
    return true;
}

/* A new map of the set; NULL when memory is out. */
static struct concept_map *new_map(struct template_set *set, const char *name) {
    struct concept_map *grown = arena_zalloc(&set->arena, (set->map_count + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    if (set->map_count > 0)
        memcpy(grown, set->maps, set->map_count * sizeof *grown);
    set->maps = grown;
    struct concept_map *m = &grown[set->map_count];
    m->name = keep(set, name);
    if (m->name == NULL)
        return NULL;
    set->map_count++;
    return m;
}

/* Takes a map over. */
static void take_map(struct template_set *set, const struct tree *root, const char *path,
                     struct report *report) {
    const char *name = tree_text(root, "name");
    if (name == NULL) {
        report_add(report, REPORT_ERROR, "concept-map", path,
                   "a ConceptMap needs a name: translate('NAME') looks for it");
        return;
    }
    struct concept_map *m = new_map(set, name);
    if (m == NULL || !take_elements(set, m, root)) {
        report_add(report, REPORT_ERROR, "memory", path, "out of memory");
        return;
    }
    for (size_t i = 1; i < m->count; i++)
        if (by_code(&m->entries[i - 1], &m->entries[i]) == 0)
            report_add(report, REPORT_ERROR, "concept-map", path,
                       "the code %s stands twice in the map %s", m->entries[i].from, m->name);
}

/* Reads one resource; those that are no ConceptMap (CodeSystem ...) are passed over. */
static void read_resource(struct template_set *set, const struct str *text, const char *path,
                          struct report *report) {
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    const struct tree *root = json_read_copy(&arena, text->data, text->length, path, &error);
    if (root == NULL) {
        report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    } else {
        const char *type = tree_text(root, "resourceType");
        if (type != NULL && strcmp(type, "ConceptMap") == 0)
            take_map(set, root, path, report);
    }
    arena_free(&arena);
}

/* Loads one file; its bytes join the hash. */
static void load_file(struct template_set *set, const char *path, struct str *hash,
                      struct report *report) {
    struct str text = { 0 };
    char why[IPTFHIR_FILE_WHY];
    if (file_read(&text, path, MAP_BYTES, why)) {
        read_resource(set, &text, path, report);
        str_add(hash, text.data, text.length);
    } else {
        report_add(report, REPORT_ERROR, "missing-file", path, "%s", why);
    }
    str_free(&text);
}

static bool is_resource_file(const char *name) {
    const size_t ending = strlen(".json");
    size_t length = strlen(name);
    if (name[0] == '.' || length <= ending)
        return false;
    return strcmp(name + length - ending, ".json") == 0;
}

bool template_maps_load(struct template_set *set, const char *folder, struct str *hash,
                        struct report *report) {
    struct dirent **entries = NULL;
    size_t errors = report->errors;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (is_resource_file(name))
            load_file(set, path, hash, report);
        free(entries[i]);
    }
    free(entries);
    return report->errors == errors;
}

/* The map of a name, NULL when there is none. */
static const struct concept_map *map_of(const struct template_set *set, const char *name) {
    for (size_t i = 0; i < set->map_count; i++)
        if (strcmp(set->maps[i].name, name) == 0)
            return &set->maps[i];
    return NULL;
}

const char *template_translate(const struct template_set *set, const char *map, const char *code) {
    const struct concept_map *m = map_of(set, map);
    const struct translation wanted = { .from = code };
    if (m == NULL)
        return NULL;
    const struct translation *found =
        bsearch(&wanted, m->entries, m->count, sizeof *m->entries, by_code);
    return found != NULL ? found->to : NULL;
}
