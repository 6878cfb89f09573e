/* SPDX-License-Identifier: Apache-2.0 */
/* A set of mapping files: loading, looking up. */
#include "core/template/internal.h"

#include "core/base/crypt.h"
#include "core/base/file.h"
#include "core/config/yaml.h"

#include <dirent.h>
#include <iptfhir/date.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES (4u << 20)

/* Appends a value of a name that all mappings have: its items when it is an array. */
static bool share_value(struct template_set *set, size_t slot, const struct tree *value) {
    struct fhirpath_collection *values = &set->shared_values[slot];
    bool array = value->kind == TREE_ARRAY;
    const struct tree *x = array ? value->first : value;
    while (x != NULL) {
        if (!fhirpath_push(&set->arena, values, fhirpath_node(x)))
            return false;
        x = array ? x->next : NULL;
    }
    return true;
}

/* Brings the parameters into the scope of all mappings. */
static bool share_parameters(struct template_set *set, const struct tree *parameters) {
    struct arena *a = &set->arena;
    const struct tree *p = parameters != NULL ? parameters->first : NULL;
    for (; p != NULL && set->shared < TEMPLATE_SLOTS / 2; p = p->next) {
        const struct tree *copy = tree_copy(a, p);
        const char *name = arena_strndup(a, p->name, strlen(p->name));
        if (copy == NULL || name == NULL || !share_value(set, set->shared, copy))
            return false;
        set->shared_names[set->shared++] = name;
    }
    return true;
}

/* Brings the names into scope that every mapping has: the record, the identity base, parameters. */
static bool share_names(struct template_set *set, const struct template_settings *settings) {
    const struct fhirpath_value base = { .kind = FHIRPATH_STRING,
                                         .string = { set->base, strlen(set->base) } };
    set->shared_names[0] = "record";
    set->shared_names[1] = "base";
    set->shared = 2;
    if (!fhirpath_push(&set->arena, &set->shared_values[1], base))
        return false;
    return share_parameters(set, settings->parameters);
}

/* Compiles the text of a file; its bytes join the hash. */
static void load_text(struct template_set *set, struct template *t, const struct str *text,
                      struct str *hash, struct report *report) {
    struct arena arena = { 0 };
    const char *bytes = text->length > 0 ? text->data : "";
    const struct tree *root = yaml_read(&arena, bytes, text->length, t->file, report);
    if (root != NULL && template_compile(set, t, root, report)) {
        set->names[set->count++] = t->name;
        str_printf(hash, "%s.yaml\n", t->name);
        str_add(hash, text->data, text->length);
    }
    arena_free(&arena);
}

/* Loads and compiles one file. */
static void load_file(struct template_set *set, const char *folder, const char *name,
                      struct str *hash, struct report *report) {
    struct str text = { 0 };
    char path[4096];
    char why[IPTFHIR_FILE_WHY];
    struct template *t = &set->templates[set->count];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    t->file = arena_strndup(&set->arena, path, strlen(path));
    t->name = arena_strndup(&set->arena, name, strlen(name) - strlen(".yaml"));
    if (t->file == NULL || t->name == NULL)
        report_add(report, REPORT_ERROR, "memory", path, "out of memory");
    else if (!file_read(&text, path, FILE_BYTES, why))
        report_add(report, REPORT_ERROR, "missing-file", path, "%s", why);
    else
        load_text(set, t, &text, hash, report);
    str_free(&text);
}

/* True for the files of the folder that hold mappings: all *.yaml but the rules of withdrawal. */
static bool is_mapping_file(const char *name) {
    size_t length = strlen(name);
    bool is_yaml = *name != '.' && length > 5 && strcmp(name + length - 5, ".yaml") == 0;
    return is_yaml && strcmp(name, "lifecycle.yaml") != 0;
}

/* Makes room for as many mapping files as a folder has entries. */
static bool make_room(struct template_set *set, size_t count) {
    set->templates = arena_zalloc(&set->arena, (count + 1) * sizeof *set->templates);
    set->names = arena_zalloc(&set->arena, (count + 1) * sizeof *set->names);
    return set->templates != NULL && set->names != NULL;
}

/* Loads all mapping files of the folder. */
static void load_files(struct template_set *set, const char *folder, struct str *hash,
                       struct report *report) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        report_add(report, REPORT_ERROR, "missing-file", folder,
                   "the folder of mappings cannot be read");
    bool has_room = make_room(set, n > 0 ? (size_t)n : 0);
    if (!has_room)
        report_add(report, REPORT_ERROR, "memory", folder, "out of memory");
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (has_room && is_mapping_file(name))
            load_file(set, folder, name, hash, report);
        free(entries[i]);
    }
    free(entries);
}

/* Loads the maps and the mappings of a folder; errors go to the report. */
static void load_folder(struct template_set *set, const char *folder,
                        const struct template_settings *settings, struct report *report) {
    struct str hash = { 0 };
    char path[4096];
    size_t base_length = strlen(settings->identity_base);
    set->base = arena_strndup(&set->arena, settings->identity_base, base_length);
    snprintf(path, sizeof path, "%s/terminology", folder);
    bool ready = set->base != NULL && share_names(set, settings);
    ready = ready && template_functions(set, settings);
    if (ready) {
        template_maps_load(set, path, &hash, report);
        load_files(set, folder, &hash, report);
    }
    const char *hashed = hash.length > 0 ? hash.data : "";
    bool ok = ready && !hash.failed && crypt_sha256_hex(hashed, hash.length, set->hash);
    if (!ok)
        report_add(report, REPORT_ERROR, "memory", folder, "out of memory");
    str_free(&hash);
}

struct template_set *template_set_load(const char *folder, const struct template_settings *settings,
                                       struct report *report) {
    struct template_set *set = calloc(1, sizeof *set);
    size_t errors = report->errors;
    if (set == NULL)
        return NULL;
    r4_setup();
    load_folder(set, folder, settings, report);
    if (report->errors == errors)
        return set;
    template_set_free(set);
    return NULL;
}

void template_set_free(struct template_set *set) {
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->holes; i++)
        fhirpath_free(set->hole_list[i]->program);
    arena_free(&set->arena);
    free(set);
}

const struct template *template_find(const struct template_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->templates[i].name, name) == 0)
            return &set->templates[i];
    return NULL;
}

const char *const *template_names(const struct template_set *set) {
    return set->names;
}

enum template_owner template_owner_of(const struct template *t) {
    return t->owner;
}

const char *template_data_class(const struct template *t, size_t item) {
    if (t->class_count == 0)
        return "";
    return t->classes[item < t->class_count ? item : t->class_count - 1];
}

/* The text of an element that is named by its path, "effectivePeriod.end"; NULL: none. */
static const char *text_at(const struct tree *resource, const char *path) {
    const struct tree *node = resource;
    char name[64];
    for (;;) {
        size_t length = strcspn(path, ".");
        if (node == NULL || node->kind != TREE_OBJECT || length >= sizeof name)
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        if (path[length] == '\0')
            return tree_text(node, name);
        node = tree_get(node, name);
        path += length + 1;
    }
}

int64_t template_as_of(const struct template *t, const struct tree *resource) {
    if (t->as_of == NULL)
        return 0;
    for (const char **element = t->as_of; *element != NULL; element++) {
        const char *text = text_at(resource, *element);
        int64_t seconds = 0;
        if (text != NULL && iptfhir_time_to_seconds(text, &seconds))
            return seconds * 1000;
    }
    return 0;
}

const char *template_set_hash(const struct template_set *set) {
    return set->hash;
}
