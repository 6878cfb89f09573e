/* SPDX-License-Identifier: Apache-2.0 */
/* Coverage of `check --samples`: which expressions were empty every time, and which fields of the
 * samples no mapping reads. */
#include "core/template/internal.h"

#include <stdlib.h>
#include <string.h>

struct template_coverage *template_coverage_new(const struct template_set *set) {
    struct template_coverage *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->set = set;
    c->filled = calloc(set->holes + 1, sizeof *c->filled);
    c->tried = calloc(set->holes + 1, sizeof *c->tried);
    if (c->filled != NULL && c->tried != NULL)
        return c;
    template_coverage_free(c);
    return NULL;
}

void template_coverage_free(struct template_coverage *c) {
    if (c == NULL)
        return;
    free(c->filled);
    free(c->tried);
    free(c->fields.list);
    arena_free(&c->fields.arena);
    free(c);
}

/* ---- paths ---- */

/* Makes room for one more path; false when memory is out. */
static bool grow(struct path_list *paths) {
    size_t room = paths->room > 0 ? paths->room * 2 : 256;
    const char **more = realloc(paths->list, room * sizeof *more);
    if (more == NULL)
        return false;
    paths->list = more;
    paths->room = room;
    return true;
}

/* Adds a path. Without memory for it the report is shorter. */
static void add_path(struct path_list *paths, const char *path) {
    if (paths->count == paths->room && !grow(paths))
        return;
    const char *kept = arena_strndup(&paths->arena, path, strlen(path));
    if (kept != NULL)
        paths->list[paths->count++] = kept;
}

/* Adds a path once. */
static void add_new_path(struct path_list *paths, const char *path) {
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(paths->list[i], path) == 0)
            return;
    add_path(paths, path);
}

/* ---- the fields of the samples ---- */

static void walk(struct template_coverage *c, const struct tree *n, const char *path, int depth);

/* Walks the members of an object, or the elements of an array under its own path. */
static void walk_children(struct template_coverage *c, const struct tree *n, const char *path,
                          int depth) {
    for (const struct tree *k = n->first; k != NULL; k = k->next) {
        struct str below = { 0 };
        str_puts(&below, path);
        if (k->name != NULL && *path != '\0')
            str_putc(&below, '.');
        if (k->name != NULL)
            str_puts(&below, k->name);
        if (!below.failed)
            walk(c, k, below.length > 0 ? below.data : "", depth);
        str_free(&below);
    }
}

/* Walks a record's leaves; paths are dotted, array indexes left out. */
static void walk(struct template_coverage *c, const struct tree *n, const char *path, int depth) {
    if (depth > TREE_MAX_DEPTH)
        return;
    if (n->kind == TREE_OBJECT || n->kind == TREE_ARRAY)
        walk_children(c, n, path, depth + 1);
    else if (n->kind != TREE_NULL && *path != '\0')
        add_new_path(&c->fields, path);
}

void template_coverage_record(struct template_coverage *c, const struct tree *record) {
    walk(c, record, "", 0);
}

/* ---- the report ---- */

static void add_read(void *user, const char *path) {
    add_path(user, path);
}

/* Tells whether a field is a path or below it. */
static bool is_below(const char *field, const char *path) {
    size_t length = strlen(path);
    if (strncmp(field, path, length) != 0)
        return false;
    return field[length] == '\0' || field[length] == '.';
}

/* Tells whether the last names of a field are a path, as inside a loop's variable. */
static bool ends_in(const char *field, const char *path) {
    size_t n = strlen(field);
    size_t m = strlen(path);
    if (m > n || strcmp(field + n - m, path) != 0)
        return false;
    return m == n || field[n - m - 1] == '.';
}

/* Tells whether a field is read: itself, something above it, or by its last names. */
static bool is_read(const struct path_list *reads, const char *field) {
    for (size_t i = 0; i < reads->count; i++)
        if (is_below(field, reads->list[i]) || ends_in(field, reads->list[i]))
            return true;
    return false;
}

/* Collects what the programs of all mappings read. */
static void collect_reads(const struct template_set *set, struct path_list *reads) {
    for (size_t i = 0; i < set->holes; i++)
        for (int slot = -1; slot < TEMPLATE_SLOTS; slot++)
            fhirpath_reads(set->hole_list[i]->program, slot, add_read, reads);
}

/* Reports expressions that were evaluated and always empty. */
static void report_empty(const struct template_coverage *c, struct report *report) {
    for (size_t i = 0; i < c->set->holes; i++) {
        const struct hole *h = c->set->hole_list[i];
        if (c->tried[i] > 0 && c->filled[i] == 0)
            report_add(report, REPORT_WARNING, "always-empty", h->where,
                       "this was empty in every sample: %.200s", h->text);
    }
}

void template_coverage_report(const struct template_coverage *c, const char *const *mapper_reads,
                              struct report *report) {
    struct path_list reads = { 0 };
    report_empty(c, report);
    collect_reads(c->set, &reads);
    if (mapper_reads != NULL)
        for (; *mapper_reads != NULL; mapper_reads++)
            add_path(&reads, *mapper_reads);
    for (size_t i = 0; i < c->fields.count; i++)
        if (!is_read(&reads, c->fields.list[i]))
            report_add(report, REPORT_NOTE, "never-read", c->fields.list[i],
                       "no mapping reads this field of the samples");
    free(reads.list);
    arena_free(&reads.arena);
}
