/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen and the handshake. */
#include "core/plugin/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <iptfhir/target.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The smallest structs that this ABI ever had: up to and including the member named. */
#define UP_TO(type, member) (offsetof(struct type, member) + sizeof(((struct type *)0)->member))
#define OLDEST_PLUGIN UP_TO(iptfhir_descriptor, target)

struct plugin {
    void *handle;
    char *path;
    struct iptfhir_descriptor descriptor;
    struct iptfhir_source source;
    struct iptfhir_mapper mapper;
    struct iptfhir_target target;
};

/* Copy a struct that may be shorter than ours; false when it is shorter than the oldest. */
static bool copy_sized(void *to, size_t full, const void *from, size_t size, size_t oldest) {
    if (size < oldest)
        return false;
    memcpy(to, from, size < full ? size : full);
    return true;
}

/* Report a fault of a plugin; false always. */
static bool refuse(const struct plugin *p, const char *where, struct report *report,
                   const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));
static bool refuse(const struct plugin *p, const char *where, struct report *report,
                   const char *code, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_add(report, REPORT_ERROR, code, where, "plugin %s %s", p->path, text);
    return false;
}

/* Take over one part of our size; false when it is shorter than the oldest. */
static bool take_part(struct plugin *p, const char *kind, const void **part, void *ours,
                      size_t full, size_t oldest, const char *where, struct report *report) {
    if (!*part)
        return true;
    size_t size = *(const size_t *)*part; /* each begins with its size */
    if (!copy_sized(ours, full, *part, size, oldest))
        return refuse(p, where, report, "plugin-size",
                      "has a %s of %zu bytes, the oldest of ABI %u has %zu: set .size = "
                      "sizeof(struct iptfhir_%s)",
                      kind, size, IPTFHIR_ABI, oldest, kind);
    *part = ours;
    return true;
}

/* Take over the parts a plugin provides. */
static bool take_parts(struct plugin *p, const char *where, struct report *report) {
    struct iptfhir_descriptor *d = &p->descriptor;
    const void *source = d->source, *mapper = d->mapper, *target = d->target;
    bool ok = take_part(p, "source", &source, &p->source, sizeof p->source,
                        UP_TO(iptfhir_source, poll), where, report);
    ok = take_part(p, "mapper", &mapper, &p->mapper, sizeof p->mapper, UP_TO(iptfhir_mapper, map),
                   where, report) &&
         ok;
    ok = take_part(p, "target", &target, &p->target, sizeof p->target,
                   UP_TO(iptfhir_target, answer), where, report) &&
         ok;
    if (!ok)
        return false;
    d->source = source;
    d->mapper = mapper;
    d->target = target;
    if (!d->source && !d->mapper && !d->target && !d->functions)
        return refuse(p, where, report, "plugin-empty",
                      "provides nothing: set .source, .mapper, .target or .functions");
    const char *lacks = NULL;
    if (d->source != NULL && d->source->poll == NULL)
        lacks = "source without poll()";
    else if (d->mapper != NULL && d->mapper->map == NULL)
        lacks = "mapper without map()";
    else if (d->target != NULL && d->target->connection == NULL)
        lacks = "target without connection()";
    else if (d->target != NULL && d->target->ask == NULL)
        lacks = "target without ask()";
    else if (d->target != NULL && d->target->answer == NULL)
        lacks = "target without answer()";
    for (const struct iptfhir_function *f = d->functions; f && f->name; f++)
        if (!f->call || f->min_args > f->max_args)
            lacks = "function without call(), or with more arguments at least than at most";
    return !lacks || refuse(p, where, report, "plugin-empty", "has a %s", lacks);
}

/* Bytes that an option's member takes in an instance. */
static size_t width_of(iptfhir_option_type type) {
    switch (type) {
    case IPTFHIR_INTEGER: return sizeof(int64_t);
    case IPTFHIR_BOOLEAN: return sizeof(bool);
    case IPTFHIR_CHOICE: return sizeof(int);
    default: return sizeof(void *);
    }
}

/* Check that the option table fits the instance: filling it must not write beside it. */
static bool check_options(const struct plugin *p, const char *where, struct report *report) {
    const struct iptfhir_descriptor *d = &p->descriptor;
    bool ok = true;
    for (const struct iptfhir_option *o = d->options; o && o->name; o++) {
        size_t width = width_of(o->type);
        if (o->type < IPTFHIR_STRING || o->type > IPTFHIR_LIST)
            ok =
                refuse(p, where, report, "plugin-options",
                       "has an option %s of a type that ABI %u doesn't know", o->name, IPTFHIR_ABI);
        else if (o->offset > d->instance_size || width > d->instance_size - o->offset)
            ok = refuse(p, where, report, "plugin-options",
                        "has an option %s at offset %zu, outside its instance of %zu bytes: set "
                        ".instance_size",
                        o->name, o->offset, d->instance_size);
        else if (o->type == IPTFHIR_CHOICE && (!o->choices || !*o->choices))
            ok = refuse(p, where, report, "plugin-options", "has an option %s without choices",
                        o->name);
    }
    return ok;
}

/* Check what the plugin says of itself. */
static bool shake_hands(struct plugin *p, const struct iptfhir_descriptor *theirs, const char *name,
                        const char *where, struct report *report) {
    if (theirs->magic != IPTFHIR_MAGIC)
        return refuse(
            p, where, report, "plugin-magic",
            "begins with 0x%08x, not with IPTFHIR_MAGIC (0x%08x): it is no plugin of iptfhir",
            theirs->magic, IPTFHIR_MAGIC);
    if (theirs->abi != IPTFHIR_ABI)
        return refuse(p, where, report, "plugin-abi",
                      "has ABI %u, this iptfhir has %u: build it against this version's plugin.h",
                      theirs->abi, IPTFHIR_ABI);
    if (!copy_sized(&p->descriptor, sizeof p->descriptor, theirs, theirs->size, OLDEST_PLUGIN))
        return refuse(p, where, report, "plugin-size",
                      "has a descriptor of %zu bytes, the oldest of ABI %u has %zu: set .size = "
                      "sizeof(struct iptfhir_descriptor)",
                      theirs->size, IPTFHIR_ABI, OLDEST_PLUGIN);
    p->descriptor.size = sizeof p->descriptor;
    if (!p->descriptor.name || !*p->descriptor.name)
        return refuse(p, where, report, "plugin-name", "has no name: set .name");
    if (name && strcmp(name, p->descriptor.name) != 0)
        return refuse(p, where, report, "plugin-name",
                      "calls itself '%s', not '%s': name the file as the plugin",
                      p->descriptor.name, name);
    return take_parts(p, where, report) && check_options(p, where, report);
}

struct plugin *plugin_load_file(const char *path, const char *name, const char *where,
                                struct report *report) {
    struct plugin *p = calloc(1, sizeof *p);
    if (!p || !(p->path = strdup(path))) {
        report_add(report, REPORT_ERROR, "memory", where, "out of memory");
        free(p);
        return NULL;
    }
    struct stat look;
    if (stat(path, &look) != 0 || !S_ISREG(look.st_mode)) {
        refuse(p, where, report, "plugin-load", "is no regular file: build or install it there");
        plugin_unload(p);
        return NULL;
    }
    p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct iptfhir_descriptor *theirs = p->handle ? dlsym(p->handle, "iptfhir_plugin") : NULL;
    if (!p->handle)
        refuse(p, where, report, "plugin-load", "cannot be loaded: %s", dlerror());
    else if (!theirs)
        refuse(p, where, report, "plugin-symbol",
               "does not export `iptfhir_plugin`: define `const struct "
               "iptfhir_descriptor iptfhir_plugin`");
    else if (shake_hands(p, theirs, name, where, report))
        return p;
    plugin_unload(p);
    return NULL;
}

/* Where a plugin of this name is, in the order of folders; each may be an installed one or a build
 * tree's. */
static bool find_file(const char *const *folders, const char *name, char *out, size_t size) {
    for (; *folders; folders++) {
        int n = snprintf(out, size, "%s/%s.so", *folders, name);
        if (n > 0 && (size_t)n < size && access(out, R_OK) == 0)
            return true;
        n = snprintf(out, size, "%s/%s/.libs/%s.so", *folders, name, name);
        if (n > 0 && (size_t)n < size && access(out, R_OK) == 0)
            return true;
    }
    return false;
}

struct names {
    const char *list[256];
    size_t count;
};

static void add_name(void *user, const char *name, const char *path) {
    struct names *names = user;
    (void)path;
    if (names->count < 255)
        names->list[names->count++] = strdup(name);
}

struct plugin *plugin_load(const struct config *config, const struct config_instance *instance,
                           struct report *report) {
    char path[4096];
    if (strchr(instance->plugin, '/') ||
        !find_file(config->plugin_dirs, instance->plugin, path, sizeof path)) {
        struct names names = { 0 };
        plugin_list(config, add_name, &names);
        const char *near = nearest_name(instance->plugin, names.list);
        struct str folders = { 0 };
        for (size_t i = 0; config->plugin_dirs[i]; i++)
            str_printf(&folders, "%s%s", i ? ", " : "", config->plugin_dirs[i]);
        report_add(report, REPORT_ERROR, "plugin-missing", instance->where,
                   "there is no plugin '%s' in %s%s%s%s", instance->plugin,
                   folders.data ? folders.data : "", near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
        str_free(&folders);
        while (names.count)
            free((char *)(uintptr_t)names.list[--names.count]);
        return NULL;
    }
    return plugin_load_file(path, instance->plugin, instance->where, report);
}

const struct iptfhir_descriptor *plugin_descriptor(const struct plugin *plugin) {
    return &plugin->descriptor;
}
const char *plugin_path(const struct plugin *plugin) {
    return plugin->path;
}

void plugin_unload(struct plugin *plugin) {
    if (!plugin)
        return;
    if (plugin->handle)
        dlclose(plugin->handle); /* RTLD_NODELETE: its code stays */
    free(plugin->path);
    free(plugin);
}

/* Names in one folder: NAME.so, or a folder NAME that holds .libs/NAME.so. */
static void list_folder(const char *folder, const char *const *before,
                        void (*found)(void *, const char *, const char *), void *user) {
    struct dirent **entries;
    const char *one[] = { folder, NULL };
    char last[256] = "";
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char name[256], path[4096];
        snprintf(name, sizeof name, "%s", entries[i]->d_name);
        size_t length = strlen(name);
        if (length > 3 && !strcmp(name + length - 3, ".so"))
            name[length - 3] = '\0';
        if (*name != '.' && strcmp(name, last) != 0 &&
            !find_file(before, name, path, sizeof path) && find_file(one, name, path, sizeof path))
            found(user, name, path);
        memcpy(last, name, sizeof last);
    }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    if (n >= 0)
        free(entries);
}

void plugin_list(const struct config *config, void (*found)(void *, const char *, const char *),
                 void *user) {
    const char *installed = getenv("IPTFHIR_PLUGINDIR");
    const char *const defaults[] = { installed && *installed ? installed : IPTFHIR_PLUGINDIR,
                                     NULL };
    const char *const *folders = config ? config->plugin_dirs : defaults;
    for (size_t i = 0; folders[i]; i++) {
        const char *before[64] = { 0 }; /* folders that win over this one */
        for (size_t n = 0; n < i && n < 63; n++)
            before[n] = folders[n];
        list_folder(folders[i], before, found, user);
    }
}
