/* SPDX-License-Identifier: Apache-2.0 */
/* Host services for plugins. */
#include "core/plugin/host.h"

#include "core/base/key.h"
#include "core/base/log.h"
#include "core/config/yaml.h"
#include "core/tree/node.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A document that a plugin borrowed. */
struct document {
    struct document *next;
    char *path;
    struct arena arena;
    struct tree *tree;
};
/* The names in a folder that a plugin borrowed. */
struct listing {
    struct listing *next;
    char *folder, *suffix;
    char **names;
};

struct host {
    struct iptfhir_host table; /* first: plugins hand its address back */
    struct host_settings settings;
    pthread_mutex_t lock; /* of the lists below */
    struct document *documents;
    struct listing *listings;
    struct arena lasting; /* nodes that init() of the instance built */
};

static struct host *self(const struct iptfhir_host *table) {
    return (struct host *)(uintptr_t)table;
}

static void host_log(const struct iptfhir_host *table, iptfhir_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void host_log(const struct iptfhir_host *table, iptfhir_level level, const char *format,
                     ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(level, "%s: %s", self(table)->settings.instance->name, text);
}

static iptfhir_status host_fail(const struct iptfhir_host *table, struct iptfhir_error *error,
                                iptfhir_status status, const char *code, const char *where,
                                const char *format, ...) __attribute__((format(printf, 6, 7)));
static iptfhir_status host_fail(const struct iptfhir_host *table, struct iptfhir_error *error,
                                iptfhir_status status, const char *code, const char *where,
                                const char *format, ...) {
    char text[sizeof error->text];
    va_list args;
    (void)table;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(error, code, where, "%s", text);
    return status;
}

static bool host_stopping(const struct iptfhir_host *table) {
    const atomic_bool *stopping = self(table)->settings.stopping;
    return stopping && *stopping;
}

/* Free a document. */
static void free_document(struct document *d) {
    arena_free(&d->arena);
    free(d->path);
    free(d);
}

/* Take the first finding of a file as the error. */
static void take_finding(const struct report *report, const char *path,
                         struct iptfhir_error *error) {
    const struct iptfhir_error *e = report->count ? &report->entries[0].error : NULL;
    if (e)
        error_set(error, e->code, e->where, "%s%s", e->text,
                  report->count > 1 ? " (and more faults in this file)" : "");
    else
        error_set(error, "memory", path, "out of memory");
}

/* Read a document from its full path. */
static struct document *read_document(const char *path, struct iptfhir_error *error) {
    struct report report = { 0 };
    struct document *d = calloc(1, sizeof *d);
    if (d) {
        d->path = strdup(path);
        d->tree = d->path ? yaml_read_file(&d->arena, path, &report) : NULL;
    }
    if (!d || !d->tree) {
        take_finding(&report, path, error);
        if (d)
            free_document(d);
        d = NULL;
    }
    report_free(&report);
    return d;
}

/* Where a document is: relative to the configuration, then to the mappings; false when the path is
 * too long. */
static bool find_document(const struct host *h, const char *path, char *out, size_t size) {
    const struct config *c = h->settings.config;
    int n = *path == '/' ? snprintf(out, size, "%s", path)
                         : snprintf(out, size, "%s/%s", c->folder, path);
    if (*path != '/' && access(out, R_OK) != 0)
        n = snprintf(out, size, "%s/%s", c->mappings_dir, path);
    return n > 0 && (size_t)n < size;
}

static const struct iptfhir_node *host_document(const struct iptfhir_host *table, const char *path,
                                                struct iptfhir_error *error) {
    struct host *h = self(table);
    char full[4096];
    if (!find_document(h, path, full, sizeof full)) {
        error_set(error, "missing-file", h->settings.instance->where, "a path is too long");
        return NULL;
    }
    pthread_mutex_lock(&h->lock);
    struct document *d = h->documents;
    while (d && strcmp(d->path, full) != 0)
        d = d->next;
    if (!d && (d = read_document(full, error))) {
        d->next = h->documents;
        h->documents = d;
    }
    pthread_mutex_unlock(&h->lock);
    return d ? node_of(d->tree) : NULL;
}

static bool host_position(const struct iptfhir_host *table, const struct iptfhir_node *document,
                          const char *pointer, char *out, size_t size) {
    struct host *h = self(table);
    bool found = false;
    pthread_mutex_lock(&h->lock);
    for (struct document *d = h->documents; d && !found; d = d->next) {
        const struct tree *node =
            d->tree == node_tree(document) ? tree_pointer(d->tree, pointer) : NULL;
        if (node)
            snprintf(out, size, "%s:%u:%u", d->path, node->line, node->column);
        found = node != NULL;
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}

static void free_listing(struct listing *l) {
    for (char **n = l->names; n && *n; n++)
        free(*n);
    free(l->names);
    free(l->folder);
    free(l->suffix);
    free(l);
}

/* Read the names in a folder of the mappings. */
static struct listing *read_listing(struct host *h, const char *folder, const char *suffix) {
    char path[4096];
    struct dirent **entries = NULL;
    struct listing *l = calloc(1, sizeof *l);
    snprintf(path, sizeof path, "%s/%s", h->settings.config->mappings_dir, folder);
    int n = scandir(path, &entries, NULL, alphasort), kept = 0;
    bool ok = l && (l->folder = strdup(folder)) && (l->suffix = strdup(suffix)) &&
              (l->names = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof *l->names));
    size_t tail = strlen(suffix);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        if (ok && *name != '.' && length > tail && !strcmp(name + length - tail, suffix))
            ok = (l->names[kept++] = strdup(name)) != NULL;
        free(entries[i]);
    }
    free(entries);
    if (ok)
        return l;
    if (l)
        free_listing(l);
    return NULL;
}

static const char *const *host_list(const struct iptfhir_host *table, const char *folder,
                                    const char *suffix) {
    static const char *const none[] = { NULL };
    struct host *h = self(table);
    pthread_mutex_lock(&h->lock);
    struct listing *l = h->listings;
    while (l && (strcmp(l->folder, folder) || strcmp(l->suffix, suffix)))
        l = l->next;
    if (!l && (l = read_listing(h, folder, suffix))) {
        l->next = h->listings;
        h->listings = l;
    }
    pthread_mutex_unlock(&h->lock);
    return l ? (const char *const *)l->names : none;
}

static void host_identity(const struct iptfhir_host *table, const char *type, const char *key,
                          char out[37]) {
    const char *base = self(table)->settings.config->identity_base;
    (void)identity_make(base, type, key, out);
}

struct host *host_new(const struct host_settings *settings) {
    struct host *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->table = (struct iptfhir_host) { .size = sizeof h->table,
                                       .nodes = &node_api,
                                       .log = host_log,
                                       .fail = host_fail,
                                       .stopping = host_stopping,
                                       .document = host_document,
                                       .position = host_position,
                                       .list = host_list,
                                       .identity = host_identity };
    h->table.lasting = node_document(&h->lasting);
    h->settings = *settings;
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

const struct iptfhir_host *host_table(const struct host *host) {
    return &host->table;
}

void host_free(struct host *host) {
    if (!host)
        return;
    for (struct document *d = host->documents, *next; d; d = next) {
        next = d->next;
        free_document(d);
    }
    for (struct listing *l = host->listings, *next; l; l = next) {
        next = l->next;
        free_listing(l);
    }
    arena_free(&host->lasting);
    pthread_mutex_destroy(&host->lock);
    free(host);
}
