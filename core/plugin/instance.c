/* SPDX-License-Identifier: Apache-2.0 */
/* Options into instances. */
#include "core/plugin/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct plugin_instance {
    const struct plugin *plugin;
    void *self;
    struct arena arena;
};

struct applying {
    struct plugin_instance *instance;
    const struct config *config;
    const struct config_instance *from;
    struct report *report;
};

/* Report a fault at an option. */
static void fault(struct applying *a, const struct tree *at, const char *code, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
static void fault(struct applying *a, const struct tree *at, const char *code, const char *format,
                  ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *where =
        at && at->line ? config_where(&a->instance->arena, a->config->file, at) : a->from->where;
    report_add(a->report, REPORT_ERROR, code, where, "%s (plugin %s)", text, a->from->plugin);
}

/* Check that a secret's file is for its owner alone. */
static void check_secret(struct applying *a, const struct iptfhir_option *o, const struct tree *v,
                         const char *path, const struct stat *st) {
    if (!S_ISREG(st->st_mode))
        fault(a, v, "secret-mode", "%s: %s is no plain file", o->name, path);
    else if (st->st_uid != geteuid() && st->st_uid != 0)
        fault(a, v, "secret-owner",
              "%s: %s belongs to another user: chown it to the one that runs iptfhir", o->name,
              path);
    else if (st->st_mode & 077)
        fault(a, v, "secret-mode", "%s: others may use %s (mode %04o): chmod 600 it", o->name, path,
              (unsigned)(st->st_mode & 07777));
}

/* Report that memory ran out. */
static void out_of_memory(struct applying *a) {
    report_add(a->report, REPORT_ERROR, "memory", a->from->where, "out of memory");
}

/* A path as the configuration means it; checks what its type demands. */
static const char *take_path(struct applying *a, const struct iptfhir_option *o,
                             const struct tree *v) {
    struct arena *arena = &a->instance->arena;
    struct stat st;
    bool secret = o->type == IPTFHIR_SECRET, must = secret || (o->flags & IPTFHIR_MUST_EXIST);
    bool stdio = !secret && !strcmp(v->text, "-");
    const char *path = *v->text == '/' || stdio
                           ? arena_strndup(arena, v->text, v->length)
                           : arena_printf(arena, "%s/%s", a->config->folder, v->text);
    if (!path)
        out_of_memory(a);
    if (!path || stdio || !must)
        return path;
    if (stat(path, &st) != 0)
        fault(a, v, "missing-file", "%s: there is no %s: %s", o->name, path, strerror(errno));
    else {
        if (secret)
            check_secret(a, o, v, path, &st);
        if (access(path, R_OK) != 0)
            fault(a, v, "unreadable-file", "%s: cannot read %s: %s", o->name, path,
                  strerror(errno));
    }
    return path;
}

/* A list of texts. */
static void take_list(struct applying *a, const struct iptfhir_option *o, const struct tree *v,
                      void *at) {
    if (v->kind != TREE_ARRAY) {
        fault(a, v, "wrong-type", "%s must be a list of texts", o->name);
        return;
    }
    const char **list = arena_zalloc(&a->instance->arena, (v->length + 1) * sizeof *list);
    size_t n = 0;
    for (const struct tree *i = list ? v->first : NULL; i; i = i->next) {
        if (i->kind != TREE_STRING)
            fault(a, i, "wrong-type", "%s must be a list of texts", o->name);
        else if (!(list[n++] = arena_strndup(&a->instance->arena, i->text, i->length)))
            out_of_memory(a);
    }
    if (!list)
        out_of_memory(a);
    *(const char *const **)at = list;
}

/* A choice: its index. */
static void take_choice(struct applying *a, const struct iptfhir_option *o, const struct tree *v,
                        void *at) {
    struct str list = { 0 };
    for (int i = 0; o->choices && o->choices[i]; i++) {
        if (v->kind == TREE_STRING && !strcmp(o->choices[i], v->text)) {
            *(int *)at = i;
            str_free(&list);
            return;
        }
        str_printf(&list, "%s%s", i ? ", " : "", o->choices[i]);
    }
    fault(a, v, "wrong-value", "%s must be one of: %s", o->name, list.data ? list.data : "");
    str_free(&list);
}

/* A text or path into its member. */
static void take_text(struct applying *a, const struct iptfhir_option *o, const struct tree *v,
                      const char **at) {
    bool path = o->type != IPTFHIR_STRING;
    if (v->kind != TREE_STRING)
        fault(a, v, "wrong-type", "%s must be a %s", o->name, path ? "path" : "text; quote it");
    else if (!v->length && (path || (o->flags & IPTFHIR_REQUIRED)))
        fault(a, v, "wrong-value", "%s must not be empty", o->name);
    else if (path)
        *at = take_path(a, o, v);
    else if (!(*at = arena_strndup(&a->instance->arena, v->text, v->length)))
        out_of_memory(a);
}

/* Take one value into the instance. */
static void take(struct applying *a, const struct iptfhir_option *o, const struct tree *v) {
    void *at = (char *)a->instance->self + o->offset;
    int64_t number;
    switch (o->type) {
    case IPTFHIR_INTEGER:
        if (v->kind != TREE_NUMBER || !tree_to_int(v, &number))
            fault(a, v, "wrong-type", "%s must be a whole number", o->name);
        else if ((o->min || o->max) && (number < o->min || number > o->max))
            fault(a, v, "out-of-range", "%s must be between %lld and %lld", o->name,
                  (long long)o->min, (long long)o->max);
        else
            *(int64_t *)at = number;
        break;
    case IPTFHIR_BOOLEAN:
        if (v->kind != TREE_BOOLEAN)
            fault(a, v, "wrong-type", "%s must be true or false", o->name);
        else
            *(bool *)at = v->boolean;
        break;
    case IPTFHIR_CHOICE: take_choice(a, o, v, at); break;
    case IPTFHIR_LIST: take_list(a, o, v, at); break;
    default: take_text(a, o, v, at);
    }
}

/* A default, given as text in the table, as the value that YAML would have. */
static const struct tree *initial_of(struct applying *a, const struct iptfhir_option *o) {
    struct arena *arena = &a->instance->arena;
    size_t length = strlen(o->initial);
    if (o->type == IPTFHIR_INTEGER)
        return tree_number(arena, o->initial, length);
    if (o->type == IPTFHIR_BOOLEAN)
        return tree_boolean(arena, !strcmp(o->initial, "true"));
    struct tree *text = tree_string(arena, o->initial, length);
    if (o->type != IPTFHIR_LIST)
        return text;
    struct tree *list = tree_new(arena, TREE_ARRAY);
    for (const char *p = o->initial; list && *p; p += strspn(p, ", ")) {
        size_t n = strcspn(p, ", ");
        tree_append(list, tree_string(arena, p, n));
        p += n;
    }
    return list;
}

/* Report options that the plugin doesn't have. */
static void refuse_unknown(struct applying *a, const struct iptfhir_option *table) {
    const char *names[128] = { 0 };
    size_t n = 0;
    for (const struct iptfhir_option *o = table; o && o->name && n < 127; o++)
        names[n++] = o->name;
    for (const struct tree *k = a->from->options ? a->from->options->first : NULL; k; k = k->next) {
        bool known = false;
        for (const struct iptfhir_option *o = table; o && o->name && !known; o++)
            known = !strcmp(o->name, k->name);
        if (known)
            continue;
        const char *near = nearest_name(k->name, names);
        const char *where =
            k->line ? config_where_key(&a->instance->arena, a->config->file, k) : a->from->where;
        if (near)
            report_add(a->report, REPORT_ERROR, "unknown-key", where,
                       "there is no option '%s'; did you mean '%s'? (plugin %s)", k->name, near,
                       a->from->plugin);
        else
            report_add(a->report, REPORT_ERROR, "unknown-key", where,
                       "there is no option '%s'; `iptfhir plugins --describe %s` lists them",
                       k->name, a->from->plugin);
    }
}

/* Apply the whole table; true when nothing was wrong. */
static bool apply(struct applying *a) {
    size_t errors = a->report->errors;
    const struct iptfhir_option *table = plugin_descriptor(a->instance->plugin)->options;
    refuse_unknown(a, table);
    for (const struct iptfhir_option *o = table; o && o->name; o++) {
        const struct tree *v = a->from->options ? tree_get(a->from->options, o->name) : NULL;
        if (v && v->kind != TREE_NULL)
            take(a, o, v);
        else if (o->initial && (v = initial_of(a, o)))
            take(a, o, v);
        else if (o->initial)
            out_of_memory(a);
        else if (o->flags & IPTFHIR_REQUIRED)
            fault(a, NULL, "missing", "option %s is missing: %s", o->name,
                  o->help ? o->help : "it is required");
    }
    return a->report->errors == errors;
}

/* Free an instance, without fini. */
static void drop(struct plugin_instance *i) {
    arena_free(&i->arena);
    free(i->self);
    free(i);
}

/* An instance with its options, before init. */
static struct plugin_instance *make(const struct plugin *plugin, const struct config_instance *from,
                                    const struct config *config, struct report *report) {
    struct plugin_instance *i = calloc(1, sizeof *i);
    size_t size = plugin_descriptor(plugin)->instance_size;
    if (!i || !(i->self = calloc(1, size ? size : 1))) {
        report_add(report, REPORT_ERROR, "memory", from->where, "out of memory");
        free(i);
        return NULL;
    }
    i->plugin = plugin;
    struct applying a = { i, config, from, report };
    if (apply(&a))
        return i;
    drop(i);
    return NULL;
}

bool instance_check(const struct plugin *plugin, const struct config_instance *from,
                    const struct config *config, struct report *report) {
    struct plugin_instance *i = make(plugin, from, config, report);
    if (i)
        drop(i);
    return i != NULL;
}

struct plugin_instance *instance_new(const struct plugin *plugin,
                                     const struct config_instance *from,
                                     const struct config *config, const struct iptfhir_host *host,
                                     struct report *report) {
    struct plugin_instance *i = make(plugin, from, config, report);
    struct iptfhir_error error = ERROR_INIT;
    const struct iptfhir_descriptor *d = plugin_descriptor(plugin);
    if (!i || !d->init || d->init(i->self, host, &error) == IPTFHIR_OK)
        return i;
    report_add(report, REPORT_ERROR, *error.code ? error.code : "plugin-init",
               *error.where ? error.where : from->where, "%s (plugin %s)",
               *error.text ? error.text : "the plugin did not start", from->plugin);
    drop(i);
    return NULL;
}

void *instance_self(struct plugin_instance *instance) {
    return instance->self;
}

void instance_free(struct plugin_instance *instance) {
    if (!instance)
        return;
    const struct iptfhir_descriptor *d = plugin_descriptor(instance->plugin);
    if (d->fini)
        d->fini(instance->self);
    drop(instance);
}
