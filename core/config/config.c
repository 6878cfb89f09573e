/* SPDX-License-Identifier: Apache-2.0 */
/* Reading iptfhir.yaml: one table of settings, and the lists of instances and jobs. */
#include "core/config/reading.h"

#include "core/config/yaml.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum setting_type { SETTING_PATH, SETTING_URI, SETTING_INTEGER, SETTING_CHOICE, SETTING_SWITCH };

/* One setting: where it stands, what it may be, where it goes (offset into struct config, or a
 * member of parameters).
 */
struct setting {
    const char *section, *name;
    enum setting_type type;
    size_t offset;
    const char *initial;
    int64_t min, max;
    const char *const *choices;
    bool parameter;
};
static const char *const unknown_fields[] = { "error", "warn", NULL };
static const char *const levels[] = { "debug", "info", "warning", "error", NULL };
static const char *const label_policies[] = { "send", "omit", NULL };
#define AT(member) offsetof(struct config, member)
static const struct setting settings[] = {
    { "store", "path", SETTING_PATH, AT(store_path),
      IPTFHIR_LOCALSTATEDIR "/store.db" /* but see default_store() */, 0, 0, NULL, false },
    { "identity", "base", SETTING_URI, AT(identity_base), NULL, 0, 0, NULL, false },
    { "identity", "key_file", SETTING_PATH, AT(key_file), "" /* but see read_key_file() */, 0, 0,
      NULL, false },
    { "records", "unknown_fields", SETTING_CHOICE, AT(records.unknown_fields_warn), "error", 0, 0,
      unknown_fields, false },
    { "records", "max_bytes", SETTING_INTEGER, AT(records.max_bytes), "8388608", 1024, 268435456,
      NULL, false },
    { "limits", "record_seconds", SETTING_INTEGER, AT(limits.record_seconds), "10", 1, 3600, NULL,
      false },
    { "limits", "ingest_memory_mib", SETTING_INTEGER, AT(limits.ingest_memory_mib), "512", 16,
      65536, NULL, false },
    { "limits", "patience_seconds", SETTING_INTEGER, AT(limits.patience_seconds), "30", 0, 86400,
      NULL, false },
    { "limits", "max_age_hours", SETTING_INTEGER, AT(limits.max_age_hours), "36", 1, 8760, NULL,
      false },
    { "limits", "ingest_threads", SETTING_INTEGER, AT(limits.ingest_threads), "0", 0, 64, NULL,
      false },
    { "privacy", "labels", SETTING_CHOICE, 0, "send", 0, 0, label_policies, true },
    { "privacy", "share_interpersonal", SETTING_SWITCH, 0, "false", 0, 0, NULL, true },
    { "privacy", "share_techniques", SETTING_SWITCH, 0, "false", 0, 0, NULL, true },
    { "privacy", "share_progress", SETTING_SWITCH, 0, "false", 0, 0, NULL, true },
    { "log", "level", SETTING_CHOICE, AT(log_level), "info", 0, 0, levels, false },
};
#define SETTINGS (sizeof settings / sizeof *settings)
static const char *const top_names[] = { "store",      "identity", "mappings", "plugins",
                                         "functions",  "records",  "limits",   "privacy",
                                         "parameters", "sources",  "mappers",  "targets",
                                         "jobs",       "log",      NULL };

/* Report a fault at a node. */
void config_fault(struct reading *r, const struct tree *node, const char *code, const char *format,
                  ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report_add(r->report, REPORT_ERROR, code, config_where(&r->c->arena, r->file, node), "%s",
               text);
}

/* A node as what positions say of it: of its key, not of its value. */
struct tree config_at_key(struct reading *r, const struct tree *node) {
    struct tree key = *node;
    const char *where = config_where_key(&r->c->arena, r->file, node),
               *column = strrchr(where, ':');
    const char *line = column ? memrchr(where, ':', (size_t)(column - where)) : NULL;
    if (line) {
        key.line = (uint32_t)strtoul(line + 1, NULL, 10);
        key.column = (uint32_t)strtoul(column + 1, NULL, 10);
    }
    return key;
}

/* Report a key that nobody knows. */
void config_unknown_key(struct reading *r, const struct tree *value, const char *const *known,
                        const char *place) {
    const struct tree at = config_at_key(r, value), *node = &at;
    const char *near = nearest_name(node->name, known);
    struct str list = { 0 };
    for (size_t i = 0; !near && known[i]; i++)
        str_printf(&list, "%s%s", i ? ", " : "", known[i]);
    if (near)
        config_fault(r, node, "unknown-key", "%s has no key '%s'; did you mean '%s'?", place,
                     node->name, near);
    else
        config_fault(r, node, "unknown-key", "%s has no key '%s'; it may have: %s", place,
                     node->name, list.data ? list.data : "");
    str_free(&list);
}

const struct tree *config_member(const struct tree *object, const char *name) {
    const struct tree *member = tree_get(object, name);
    return member && member->kind != TREE_NULL ? member : NULL;
}

/* Remember that memory ran out, once. */
void config_out_of_memory(struct reading *r) {
    if (!r->no_memory)
        report_add(r->report, REPORT_ERROR, "memory", r->file, "out of memory");
    r->no_memory = true;
}

/* A path as an absolute one, relative to the file's folder. */
static const char *absolute(struct reading *r, const char *path) {
    const char *whole = *path == '/' ? arena_strndup(&r->c->arena, path, strlen(path))
                                     : arena_printf(&r->c->arena, "%s/%s", r->c->folder, path);
    if (!whole)
        config_out_of_memory(r);
    return whole;
}

/* True when a text can be a name: of an instance or job (also with `-` and `.`), or of a parameter.
 */
bool config_is_name(const char *text, bool parameter) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-.";
    size_t usable = parameter ? sizeof letters - 3 : sizeof letters - 1, length = strlen(text);
    for (const char *c = text; *c; c++)
        if (!memchr(letters, *c, usable))
            return false;
    return length > 0 && length <= 64 && strchr("0123456789-.", *text) == NULL;
}

/* Index of a word in choices, -1 when it is none. */
int config_choice(const char *word, const char *const *choices) {
    for (int i = 0; word && choices[i]; i++)
        if (!strcmp(choices[i], word))
            return i;
    return -1;
}

/* Add a parameter for mapping files. */
static void add_parameter(struct reading *r, const char *name, const struct tree *value) {
    struct tree *copy = tree_copy(&r->c->arena, value);
    if (copy)
        copy->name = NULL;
    if (!copy || !tree_add(&r->c->arena, r->parameters, name, copy))
        config_out_of_memory(r);
}

/* Where the store is when the file doesn't say: in the user's state folder where the session names
 * one. */
static const char *default_store(struct reading *r, const char *installed) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *path = state && *state == '/'
                           ? arena_printf(&r->c->arena, "%s/iptfhir/store.db", state)
                           : installed;
    return path ? path : installed;
}

/* A setting's value given as text in the table. */
static const struct tree *initial_of(struct reading *r, const struct setting *s) {
    struct arena *a = &r->c->arena;
    if (s->type == SETTING_PATH) {
        const char *path = *s->initial != '\0' ? default_store(r, s->initial) : "-";
        return tree_string(a, path, strlen(path));
    }
    if (s->type == SETTING_INTEGER)
        return tree_number(a, s->initial, strlen(s->initial));
    if (s->type == SETTING_SWITCH)
        return tree_boolean(a, !strcmp(s->initial, "true"));
    return tree_string(a, s->initial, strlen(s->initial));
}

/* A choice, stored as bool (two choices), level, or parameter text. */
static void take_choice(struct reading *r, const struct setting *s, const struct tree *v,
                        void *at) {
    int n = v->kind == TREE_STRING ? config_choice(v->text, s->choices) : -1;
    if (n < 0) {
        struct str list = { 0 };
        for (size_t i = 0; s->choices[i]; i++)
            str_printf(&list, "%s%s", i ? ", " : "", s->choices[i]);
        config_fault(r, v, "wrong-value", "%s.%s must be one of: %s", s->section, s->name,
                     list.data ? list.data : "");
        str_free(&list);
    } else if (s->parameter) {
        add_parameter(r, s->name, v);
    } else if (s->choices == levels) {
        *(iptfhir_level *)at = (iptfhir_level)n;
    } else {
        *(bool *)at = n == 1;
    }
}

/* True for an absolute https URI that identifiers can begin with. */
static bool is_base(const char *uri) {
    size_t length = strlen(uri);
    return !strncmp(uri, "https://", 8) && length > 8 && uri[8] != '/' && uri[length - 1] != '/' &&
           !strpbrk(uri, " \t\r\n\"<>\\^`{|}?#");
}

/* Take one setting's value. */
static void take(struct reading *r, const struct setting *s, const struct tree *v) {
    void *at = (char *)r->c + s->offset;
    int64_t number;
    bool text = v->kind == TREE_STRING && v->length;
    switch (s->type) {
    case SETTING_INTEGER:
        if (v->kind != TREE_NUMBER || !tree_to_int(v, &number))
            config_fault(r, v, "wrong-type", "%s.%s must be a whole number", s->section, s->name);
        else if (number < s->min || number > s->max)
            config_fault(r, v, "out-of-range", "%s.%s must be between %lld and %lld", s->section,
                         s->name, (long long)s->min, (long long)s->max);
        else
            *(int64_t *)at = number;
        break;
    case SETTING_SWITCH:
        if (v->kind != TREE_BOOLEAN)
            config_fault(r, v, "wrong-type", "%s.%s must be true or false", s->section, s->name);
        else
            add_parameter(r, s->name, v);
        break;
    case SETTING_CHOICE: take_choice(r, s, v, at); break;
    case SETTING_URI:
        if (!text || !is_base(v->text))
            config_fault(r, v, "wrong-value",
                         "%s.%s must be an https URI (https://ipt.example.org) without query, "
                         "fragment or a slash at its end",
                         s->section, s->name);
        else
            *(const char **)at = arena_strndup(&r->c->arena, v->text, v->length);
        break;
    default:
        if (!text)
            config_fault(r, v, "wrong-type", "%s.%s must be a text", s->section, s->name);
        else
            *(const char **)at = absolute(r, v->text);
    }
}

/* Reads one setting, or takes its initial value. */
static void read_setting(struct reading *r, const struct setting *s, const struct tree *root) {
    const struct tree *section = config_member(root, s->section);
    const struct tree *value = section != NULL ? config_member(section, s->name) : NULL;
    if (value == NULL && s->initial == NULL) {
        config_fault(r, section != NULL ? section : root, "missing", "%s.%s is missing", s->section,
                     s->name);
        return;
    }
    if (value == NULL)
        value = initial_of(r, s);
    if (value == NULL)
        config_out_of_memory(r);
    else
        take(r, s, value);
}

/* Reports the keys of a section that no setting has; a section without settings is somebody
 * else's. */
static void check_section(struct reading *r, const struct tree *section) {
    const char *known[SETTINGS + 1] = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].section, section->name) == 0)
            known[n++] = settings[i].name;
    if (n == 0 || section->kind == TREE_NULL)
        return;
    if (section->kind != TREE_OBJECT) {
        config_fault(r, section, "wrong-type", "%s must be a group of keys", section->name);
        return;
    }
    for (const struct tree *k = section->first; k != NULL; k = k->next)
        if (config_choice(k->name, known) < 0)
            config_unknown_key(r, k, known, section->name);
}

/* Reads the sections that the table of settings describes. */
static void read_settings(struct reading *r, const struct tree *root) {
    for (size_t i = 0; i < SETTINGS; i++)
        read_setting(r, &settings[i], root);
    for (const struct tree *section = root->first; section != NULL; section = section->next)
        check_section(r, section);
}

/* True when a path names a folder. */
static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A variable of the environment, or what stands in its place where it is unset or empty. */
static const char *environment(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : otherwise;
}

/* Reads where the mappings are: the configuration, then the environment, then where they were
 * installed. */
static void read_mappings(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *mappings = config_member(root, "mappings");
    if (mappings != NULL && mappings->kind != TREE_STRING) {
        config_fault(r, mappings, "wrong-type", "mappings must be the path of a folder");
        return;
    }
    if (mappings != NULL) {
        c->mappings_dir = absolute(r, mappings->text);
    } else {
        const char *data = environment("IPTFHIR_DATADIR", IPTFHIR_PKGDATADIR);
        c->mappings_dir = arena_printf(&c->arena, "%s/mappings", data);
    }
    if (c->mappings_dir == NULL) {
        config_out_of_memory(r);
        return;
    }
    if (!is_folder(c->mappings_dir))
        config_fault(r, mappings != NULL ? mappings : root, "missing-file",
                     "the folder of mappings %s cannot be read: give `mappings: DIR`",
                     c->mappings_dir);
}

/* The path of one folder of plugins; NULL with a fault. */
static const char *plugin_folder(struct reading *r, const struct tree *d) {
    if (d->kind != TREE_STRING) {
        config_fault(r, d, "wrong-type", "plugins must be a list of folders");
        return NULL;
    }
    const char *path = absolute(r, d->text);
    if (path != NULL && !is_folder(path)) {
        config_fault(r, d, "missing-file", "the folder of plugins %s cannot be read", path);
        return NULL;
    }
    return path;
}

/* Reads where plugins are: the folders of the configuration, and last that of the environment, or
 * where they were installed. */
static void read_plugin_dirs(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *dirs = config_member(root, "plugins");
    if (dirs != NULL && dirs->kind != TREE_ARRAY) {
        config_fault(r, dirs, "wrong-type", "plugins must be a list of folders");
        dirs = NULL;
    }
    size_t most = dirs != NULL ? dirs->length : 0;
    const char **list = arena_zalloc(&c->arena, (most + 2) * sizeof *list);
    if (list == NULL) {
        config_out_of_memory(r);
        return;
    }
    size_t n = 0;
    for (const struct tree *d = dirs != NULL ? dirs->first : NULL; d != NULL; d = d->next) {
        const char *path = plugin_folder(r, d);
        if (path != NULL)
            list[n++] = path;
    }
    const char *last = environment("IPTFHIR_PLUGINDIR", IPTFHIR_PLUGINDIR);
    list[n] = arena_strndup(&c->arena, last, strlen(last));
    if (list[n] == NULL)
        config_out_of_memory(r);
    c->plugin_dirs = list;
}

/* The key stands beside the store unless the configuration names a file. */
static void read_key_file(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *section = config_member(root, "identity");
    bool group = section != NULL && section->kind == TREE_OBJECT;
    c->key_file_given = group && config_member(section, "key_file") != NULL;
    if (!c->key_file_given && c->store_path != NULL)
        c->key_file = arena_printf(&c->arena, "%s.key", c->store_path);
    if (c->key_file == NULL && c->store_path != NULL && !c->key_file_given)
        config_out_of_memory(r);
}

/* Read the clinic's own names for mapping files. */
static void read_parameters(struct reading *r, const struct tree *extra) {
    if (extra && extra->kind != TREE_OBJECT)
        config_fault(r, extra, "wrong-type", "parameters must be a group of names");
    for (const struct tree *p = extra && extra->kind == TREE_OBJECT ? extra->first : NULL; p;
         p = p->next) {
        if (!config_is_name(p->name, true))
            config_fault(
                r, p, "wrong-value",
                "parameters: a name is 1 to 64 letters, digits or `_`, and begins with no digit");
        else if (tree_get(r->parameters, p->name))
            config_fault(r, p, "wrong-value", "parameters.%s: this is privacy.%s, set it there",
                         p->name, p->name);
        else
            add_parameter(r, p->name, p);
    }
}

/* Read everything below the root. */
static void read_root(struct reading *r, const struct tree *root) {
    r->root = root;
    for (const struct tree *k = root->first; k; k = k->next)
        if (config_choice(k->name, top_names) < 0)
            config_unknown_key(r, k, top_names, "the configuration");
    read_mappings(r, root);
    read_plugin_dirs(r, root);
    read_settings(r, root);
    read_key_file(r, root);
    read_parameters(r, config_member(root, "parameters"));
    config_read_jobs(r, root);
}

/* Read the file itself; false when nothing of it could be used. */
static bool read_file(struct reading *r) {
    struct config *c = r->c;
    char *real = realpath(r->file, NULL);
    if (!real) {
        report_add(r->report, REPORT_ERROR, "missing-file", r->file,
                   "cannot read the configuration: %s; name one with -c FILE", strerror(errno));
        return false;
    }
    c->file = arena_strndup(&c->arena, r->file, strlen(r->file));
    c->path = arena_strndup(&c->arena, real, strlen(real));
    const char *folder = dirname(real);
    c->folder = arena_strndup(&c->arena, folder, strlen(folder));
    free(real);
    if (!c->file || !c->path || !c->folder || !r->parameters) {
        config_out_of_memory(r);
        return false;
    }
    struct tree *root = yaml_read_file(&c->arena, r->file, r->report);
    if (root && root->kind == TREE_OBJECT)
        read_root(r, root);
    else if (root)
        config_fault(r, root, "wrong-type", "the configuration must be a group of keys");
    return root && root->kind == TREE_OBJECT;
}

struct config *config_read(const char *path, struct report *report) {
    struct config *c = calloc(1, sizeof *c);
    struct reading r = { .c = c, .file = path, .report = report };
    if (!c) {
        config_out_of_memory(&r);
        return NULL;
    }
    r.parameters = tree_new(&c->arena, TREE_OBJECT);
    bool whole = read_file(&r);
    c->parameters = r.parameters;
    if (whole && !r.no_memory)
        return c;
    config_free(c);
    return NULL;
}

struct config *config_load(const char *path, struct report *report) {
    size_t errors = report->errors;
    struct config *c = config_read(path, report);
    if (c && report->errors == errors)
        return c;
    config_free(c);
    return NULL;
}

void config_free(struct config *config) {
    if (!config)
        return;
    arena_free(&config->arena);
    free(config);
}
