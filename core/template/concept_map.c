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
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* True for an equivalence that gives a translation (R4 concept-map-equivalence: unmatched and
 * disjoint don't). */
static bool translates(const struct tree *target) {
    const char *e = tree_text(target, "equivalence");
    return tree_text(target, "code") && (!e || (strcmp(e, "unmatched") && strcmp(e, "disjoint")));
}

/* Take a map's elements over. */
static bool take_map(struct template_set *set, const struct tree *root, const char *path,
                     struct report *report) {
    const char *name = tree_text(root, "name");
    const struct tree *groups = tree_get(root, "group");
    size_t room = 0, errors = report->errors;
    if (!name) {
        report_add(report, REPORT_ERROR, "concept-map", path,
                   "a ConceptMap needs a name: translate('NAME') looks for it");
        return false;
    }
    for (const struct tree *g = groups ? groups->first : NULL; g; g = g->next)
        room += tree_get(g, "element") ? tree_get(g, "element")->length : 0;
    struct concept_map *grown = arena_alloc(&set->arena, (set->map_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    if (set->map_count)
        memcpy(grown, set->maps, set->map_count * sizeof *grown);
    set->maps = grown;
    struct concept_map *m = &grown[set->map_count++];
    *m = (struct concept_map) { .name = arena_strndup(&set->arena, name, strlen(name)),
                                .entries =
                                    arena_zalloc(&set->arena, (room + 1) * sizeof *m->entries) };
    for (const struct tree *g = groups && m->entries ? groups->first : NULL; g; g = g->next)
        for (const struct tree *e = tree_get(g, "element") ? tree_get(g, "element")->first : NULL;
             e; e = e->next) {
            const struct tree *targets = tree_get(e, "target");
            const char *code = tree_text(e, "code");
            for (const struct tree *t = targets ? targets->first : NULL; code && t; t = t->next) {
                if (!translates(t))
                    continue;
                const char *to = tree_text(t, "code");
                m->entries[m->count].from = arena_strndup(&set->arena, code, strlen(code));
                m->entries[m->count++].to = arena_strndup(&set->arena, to, strlen(to));
                break;
            }
        }
    qsort(m->entries, m->count, sizeof *m->entries, by_code);
    for (size_t i = 1; i < m->count; i++)
        if (!strcmp(m->entries[i - 1].from, m->entries[i].from))
            report_add(report, REPORT_ERROR, "concept-map", path,
                       "the code %s stands twice in the map %s", m->entries[i].from, m->name);
    return report->errors == errors;
}

/* Load one file; files that are no ConceptMap (CodeSystem ...) are passed over. */
static void load_file(struct template_set *set, const char *path, struct str *hash,
                      struct report *report) {
    struct arena arena = { 0 };
    struct str text = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&text, path, MAP_BYTES, why)) {
        report_add(report, REPORT_ERROR, "missing-file", path, "%s", why);
    } else {
        struct tree *root = json_read_copy(&arena, text.data, text.length, path, &error);
        const char *type = root ? tree_text(root, "resourceType") : NULL;
        if (!root)
            report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
        else if (type && !strcmp(type, "ConceptMap"))
            take_map(set, root, path, report);
        str_add(hash, text.data, text.length);
    }
    str_free(&text);
    arena_free(&arena);
}

bool template_maps_load(struct template_set *set, const char *folder, struct str *hash,
                        struct report *report) {
    struct dirent **entries = NULL;
    size_t errors = report->errors;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        size_t length = strlen(entries[i]->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && length > 5 &&
            !strcmp(entries[i]->d_name + length - 5, ".json"))
            load_file(set, path, hash, report);
        free(entries[i]);
    }
    free(entries);
    return report->errors == errors;
}

const char *template_translate(const struct template_set *set, const char *map, const char *code) {
    for (size_t i = 0; i < set->map_count; i++)
        if (!strcmp(set->maps[i].name, map)) {
            const char *const *found = bsearch(&code, set->maps[i].entries, set->maps[i].count,
                                               sizeof *set->maps[i].entries, by_code);
            return found ? found[1] : NULL;
        }
    return NULL;
}
