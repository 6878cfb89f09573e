/* SPDX-License-Identifier: Apache-2.0 */
/* A set of mapping files: loading, looking up, coverage. */
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

/* Names that every mapping has: the record, the identity base, parameters. */
static bool share_names(struct template_set *set, const struct template_settings *settings) {
    struct arena *a = &set->arena;
    set->shared_names[set->shared++] = "record";
    set->shared_names[set->shared] = "base";
    if (!fhirpath_push(a, &set->shared_values[set->shared++],
                       (struct fhirpath_value) { .kind = FHIRPATH_STRING,
                                                 .string = { set->base, strlen(set->base) } }))
        return false;
    for (const struct tree *p = settings->parameters ? settings->parameters->first : NULL;
         p && set->shared < TEMPLATE_SLOTS / 2; p = p->next) {
        struct tree *copy = tree_copy(a, p);
        struct fhirpath_collection *values = &set->shared_values[set->shared];
        set->shared_names[set->shared++] = arena_strndup(a, p->name, strlen(p->name));
        for (const struct tree *x = copy && copy->kind == TREE_ARRAY ? copy->first : copy; x;
             x = copy->kind == TREE_ARRAY ? x->next : NULL)
            if (!fhirpath_push(a, values, fhirpath_node(x)))
                return false;
        if (!copy)
            return false;
    }
    return true;
}

/* Load and compile one file. */
static void load_file(struct template_set *set, const char *folder, const char *name,
                      struct str *hash, struct report *report) {
    char path[4096];
    struct str text = { 0 };
    struct arena arena = { 0 };
    struct template *t = &set->templates[set->count];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&text, path, FILE_BYTES, why)) {
        report_add(report, REPORT_ERROR, "missing-file", path, "%s", why);
        str_free(&text);
        return;
    }
    t->file = arena_strndup(&set->arena, path, strlen(path));
    t->name = arena_strndup(&set->arena, name, strlen(name) - 5);
    struct tree *root = t->file && t->name ? yaml_read(&arena, text.data ? text.data : "",
                                                       text.length, path, report)
                                           : NULL;
    if (root && template_compile(set, t, root, report)) {
        set->names[set->count++] = t->name;
        str_printf(hash, "%s\n", name);
        str_add(hash, text.data, text.length);
    }
    arena_free(&arena);
    str_free(&text);
}

/* True for the files of the folder that hold mappings: all *.yaml but the rules of withdrawal. */
static bool is_mapping_file(const char *name) {
    size_t length = strlen(name);
    bool is_yaml = *name != '.' && length > 5 && strcmp(name + length - 5, ".yaml") == 0;
    return is_yaml && strcmp(name, "lifecycle.yaml") != 0;
}

/* Load all mapping files of the folder. */
static void load_files(struct template_set *set, const char *folder, struct str *hash,
                       struct report *report) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        report_add(report, REPORT_ERROR, "missing-file", folder,
                   "the folder of mappings cannot be read");
    set->templates =
        arena_zalloc(&set->arena, ((size_t)(n > 0 ? n : 0) + 1) * sizeof *set->templates);
    set->names = arena_zalloc(&set->arena, ((size_t)(n > 0 ? n : 0) + 1) * sizeof *set->names);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (set->templates && set->names && is_mapping_file(name))
            load_file(set, folder, name, hash, report);
        free(entries[i]);
    }
    free(entries);
}

struct template_set *template_set_load(const char *folder, const struct template_settings *settings,
                                       struct report *report) {
    struct template_set *set = calloc(1, sizeof *set);
    struct str hash = { 0 };
    char path[4096];
    size_t errors = report->errors;
    if (!set)
        return NULL;
    r4_setup();
    set->base =
        arena_strndup(&set->arena, settings->identity_base, strlen(settings->identity_base));
    snprintf(path, sizeof path, "%s/terminology", folder);
    if (set->base && share_names(set, settings) && template_functions(set, settings)) {
        template_maps_load(set, path, &hash, report);
        load_files(set, folder, &hash, report);
    } else {
        report_add(report, REPORT_ERROR, "memory", folder, "out of memory");
    }
    bool hashed =
        !hash.failed && crypt_sha256_hex(hash.data ? hash.data : "", hash.length, set->hash);
    str_free(&hash);
    if (!hashed)
        report_add(report, REPORT_ERROR, "memory", folder, "out of memory");
    if (report->errors == errors)
        return set;
    template_set_free(set);
    return NULL;
}

void template_set_free(struct template_set *set) {
    if (!set)
        return;
    for (size_t i = 0; i < set->holes; i++)
        fhirpath_free(set->hole_list[i]->program);
    arena_free(&set->arena);
    free(set);
}

const struct template *template_find(const struct template_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (!strcmp(set->templates[i].name, name))
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

int64_t template_as_of(const struct template *t, const struct tree *resource) {
    for (size_t i = 0; t->as_of != NULL && t->as_of[i] != NULL; i++) {
        const char *text = tree_text(resource, t->as_of[i]);
        int64_t seconds = 0;
        if (text != NULL && iptfhir_time_to_seconds(text, &seconds))
            return seconds * 1000;
    }
    return 0;
}

const char *template_set_hash(const struct template_set *set) {
    return set->hash;
}

/* ---- coverage ---- */

struct template_coverage *template_coverage_new(const struct template_set *set) {
    struct template_coverage *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->set = set;
    c->filled = calloc(set->holes + 1, sizeof *c->filled);
    c->tried = calloc(set->holes + 1, sizeof *c->tried);
    if (c->filled && c->tried)
        return c;
    template_coverage_free(c);
    return NULL;
}

void template_coverage_free(struct template_coverage *c) {
    if (!c)
        return;
    free(c->filled);
    free(c->tried);
    free(c->fields);
    arena_free(&c->arena);
    free(c);
}

/* Remember a field of the samples once. */
static void add_field(struct template_coverage *c, const char *path) {
    for (size_t i = 0; i < c->field_count; i++)
        if (!strcmp(c->fields[i], path))
            return;
    if (c->field_count == c->field_room) {
        size_t room = c->field_room ? c->field_room * 2 : 128;
        const char **more = realloc(c->fields, room * sizeof *more);
        if (!more)
            return;
        c->fields = more;
        c->field_room = room;
    }
    const char *kept = arena_strndup(&c->arena, path, strlen(path));
    if (kept)
        c->fields[c->field_count++] = kept;
}

/* Walk a record's leaves; paths are dotted, array indexes left out. */
static void walk(struct template_coverage *c, const struct tree *n, const char *path, int depth) {
    if (depth > TREE_MAX_DEPTH)
        return;
    if (n->kind != TREE_OBJECT && n->kind != TREE_ARRAY) {
        if (n->kind != TREE_NULL && *path)
            add_field(c, path);
        return;
    }
    for (const struct tree *k = n->first; k; k = k->next) {
        struct str below = { 0 };
        str_printf(&below, "%s%s%s", path, *path && k->name ? "." : "", k->name ? k->name : "");
        if (!below.failed)
            walk(c, k, below.data, depth + 1);
        str_free(&below);
    }
}

void template_coverage_record(struct template_coverage *c, const struct tree *record) {
    walk(c, record, "", 0);
}

struct read_paths {
    struct arena arena;
    const char **list;
    size_t count, room;
};

static void add_read(void *user, const char *path) {
    struct read_paths *r = user;
    if (r->count == r->room) {
        size_t room = r->room ? r->room * 2 : 256;
        const char **more = realloc(r->list, room * sizeof *more);
        if (!more)
            return;
        r->list = more;
        r->room = room;
    }
    const char *kept = arena_strndup(&r->arena, path, strlen(path));
    if (kept)
        r->list[r->count++] = kept;
}

/* True when a path is read: itself, something above it, or by its last names (inside a loop's
 * variable). */
static bool is_read(const struct read_paths *r, const char *field) {
    size_t n = strlen(field);
    for (size_t i = 0; i < r->count; i++) {
        size_t m = strlen(r->list[i]);
        if ((m <= n && !strncmp(field, r->list[i], m) && (field[m] == '\0' || field[m] == '.')) ||
            (m <= n && !strcmp(field + n - m, r->list[i]) && (m == n || field[n - m - 1] == '.')))
            return true;
    }
    return false;
}

void template_coverage_report(const struct template_coverage *c, const char *const *mapper_reads,
                              struct report *report) {
    struct read_paths reads = { 0 };
    for (size_t i = 0; i < c->set->holes; i++) {
        const struct hole *h = c->set->hole_list[i];
        if (c->tried[i] && !c->filled[i])
            report_add(report, REPORT_WARNING, "always-empty", h->where,
                       "this was empty in every sample: %.200s", h->text);
        for (int slot = -1; slot < TEMPLATE_SLOTS; slot++)
            fhirpath_reads(h->program, slot, add_read, &reads);
    }
    for (size_t i = 0; mapper_reads && mapper_reads[i]; i++)
        add_read(&reads, mapper_reads[i]);
    for (size_t i = 0; i < c->field_count; i++)
        if (!is_read(&reads, c->fields[i]))
            report_add(report, REPORT_NOTE, "never-read", c->fields[i],
                       "no mapping reads this field of the samples");
    free(reads.list);
    arena_free(&reads.arena);
}
