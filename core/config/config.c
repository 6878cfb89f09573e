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
    { "limits", "source_seconds", SETTING_INTEGER, AT(limits.source_seconds), "600", 1, 86400, NULL,
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

/* ---- faults ---- */

void config_fault(struct reading *r, const struct tree *node, const char *code, const char *format,
                  ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *where = config_where(&r->c->arena, r->file, node);
    report_add(r->report, REPORT_ERROR, code, where, "%s", text);
}

struct tree config_at_key(struct reading *r, const struct tree *node) {
    struct tree key = *node;
    const char *where = config_where_key(&r->c->arena, r->file, node);
    const char *column = strrchr(where, ':');
    if (column == NULL)
        return key;
    const char *line = memrchr(where, ':', (size_t)(column - where));
    if (line == NULL)
        return key;
    key.line = (uint32_t)strtoul(line + 1, NULL, 10);
    key.column = (uint32_t)strtoul(column + 1, NULL, 10);
    return key;
}

const char *config_words(struct reading *r, const char *const *words) {
    const char *list = words[0];
    for (size_t i = 1; words[i] != NULL && list != NULL; i++)
        list = arena_printf(&r->c->arena, "%s, %s", list, words[i]);
    return list != NULL ? list : "";
}

void config_unknown_key(struct reading *r, const struct tree *value, const char *const *known,
                        const char *place) {
    const struct tree at = config_at_key(r, value);
    const char *near = nearest_name(at.name, known);
    if (near != NULL)
        config_fault(r, &at, "unknown-key", "%s has no key '%s'; did you mean '%s'?", place,
                     at.name, near);
    else
        config_fault(r, &at, "unknown-key", "%s has no key '%s'; it may have: %s", place, at.name,
                     config_words(r, known));
}

void config_check_keys(struct reading *r, const struct tree *group, const char *const *known,
                       const char *place) {
    for (const struct tree *k = group->first; k != NULL; k = k->next) {
        if (config_choice(k->name, known) < 0)
            config_unknown_key(r, k, known, place);
    }
}

const struct tree *config_member(const struct tree *object, const char *name) {
    const struct tree *member = tree_get(object, name);
    if (member == NULL || member->kind == TREE_NULL)
        return NULL;
    return member;
}

const struct tree *config_first(const struct tree *group) {
    return group != NULL ? group->first : NULL;
}

void config_out_of_memory(struct reading *r) {
    if (!r->no_memory)
        report_add(r->report, REPORT_ERROR, "memory", r->file, "out of memory");
    r->no_memory = true;
}

/* ---- values ---- */

/* A path as an absolute one, relative to the file's folder. */
static const char *absolute(struct reading *r, const char *path) {
    struct arena *a = &r->c->arena;
    const char *whole;
    if (*path == '/')
        whole = arena_strndup(a, path, strlen(path));
    else
        whole = arena_printf(a, "%s/%s", r->c->folder, path);
    if (whole == NULL)
        config_out_of_memory(r);
    return whole;
}

bool config_is_name(const char *text, bool parameter) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-.";
    static const char parameter_letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t length = strlen(text);
    if (length == 0 || length > 64)
        return false;
    if (strchr("0123456789-.", text[0]) != NULL)
        return false;
    return strspn(text, parameter ? parameter_letters : letters) == length;
}

int config_choice(const char *word, const char *const *choices) {
    if (word == NULL)
        return -1;
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], word) == 0)
            return i;
    }
    return -1;
}

/* Adds a parameter for mapping files. */
static void add_parameter(struct reading *r, const char *name, const struct tree *value) {
    struct arena *a = &r->c->arena;
    struct tree *copy = tree_copy(a, value);
    if (copy != NULL)
        copy->name = NULL;
    if (copy == NULL || !tree_add(a, r->parameters, name, copy))
        config_out_of_memory(r);
}

/* Where the store is when the file doesn't say: in the user's state folder where the session names
 * one. */
static const char *default_store(struct reading *r, const char *installed) {
    const char *state = getenv("XDG_STATE_HOME");
    if (state == NULL || *state != '/')
        return installed;
    const char *path = arena_printf(&r->c->arena, "%s/iptfhir/store.db", state);
    return path != NULL ? path : installed;
}

/* A setting's value given as text in the table. */
static const struct tree *initial_of(struct reading *r, const struct setting *s) {
    struct arena *a = &r->c->arena;
    const char *text = s->initial;
    switch (s->type) {
    case SETTING_INTEGER: return tree_number(a, text, strlen(text));
    case SETTING_SWITCH: return tree_boolean(a, strcmp(text, "true") == 0);
    case SETTING_PATH:
        /* An empty path is replaced by read_key_file(). */
        text = *text != '\0' ? default_store(r, text) : "-";
        return tree_string(a, text, strlen(text));
    case SETTING_CHOICE:
    case SETTING_URI: break;
    }
    return tree_string(a, text, strlen(text));
}

static void take_integer(struct reading *r, const struct setting *s, const struct tree *v,
                         void *out) {
    int64_t number;
    if (v->kind != TREE_NUMBER || !tree_to_int(v, &number)) {
        config_fault(r, v, "wrong-type", "%s.%s must be a whole number", s->section, s->name);
        return;
    }
    if (number < s->min || number > s->max) {
        config_fault(r, v, "out-of-range", "%s.%s must be between %lld and %lld", s->section,
                     s->name, (long long)s->min, (long long)s->max);
        return;
    }
    *(int64_t *)out = number;
}

static void take_switch(struct reading *r, const struct setting *s, const struct tree *v,
                        void *out) {
    (void)out; /* it is a parameter */
    if (v->kind == TREE_BOOLEAN)
        add_parameter(r, s->name, v);
    else
        config_fault(r, v, "wrong-type", "%s.%s must be true or false", s->section, s->name);
}

/* A choice, stored as bool (two choices), level, or parameter text. */
static void take_choice(struct reading *r, const struct setting *s, const struct tree *v,
                        void *out) {
    int n = v->kind == TREE_STRING ? config_choice(v->text, s->choices) : -1;
    if (n < 0)
        config_fault(r, v, "wrong-value", "%s.%s must be one of: %s", s->section, s->name,
                     config_words(r, s->choices));
    else if (s->parameter)
        add_parameter(r, s->name, v);
    else if (s->choices == levels)
        *(iptfhir_level *)out = (iptfhir_level)n;
    else
        *(bool *)out = n == 1;
}

/* True for an absolute https URI that identifiers can begin with. */
static bool is_base(const char *uri) {
    static const char scheme[] = "https://";
    size_t length = strlen(uri);
    if (strncmp(uri, scheme, strlen(scheme)) != 0)
        return false;
    const char *host = uri + strlen(scheme);
    if (*host == '\0' || *host == '/' || uri[length - 1] == '/')
        return false;
    return strpbrk(uri, " \t\r\n\"<>\\^`{|}?#") == NULL;
}

static bool is_text(const struct tree *v) {
    return v->kind == TREE_STRING && v->length > 0;
}

static void take_uri(struct reading *r, const struct setting *s, const struct tree *v, void *out) {
    if (is_text(v) && is_base(v->text))
        *(const char **)out = arena_strndup(&r->c->arena, v->text, v->length);
    else
        config_fault(r, v, "wrong-value",
                     "%s.%s must be an https URI (https://ipt.example.org) without query, "
                     "fragment or a slash at its end",
                     s->section, s->name);
}

static void take_path(struct reading *r, const struct setting *s, const struct tree *v, void *out) {
    if (is_text(v))
        *(const char **)out = absolute(r, v->text);
    else
        config_fault(r, v, "wrong-type", "%s.%s must be a text", s->section, s->name);
}

/* Takes one setting's value. */
static void take(struct reading *r, const struct setting *s, const struct tree *v) {
    typedef void take_value(struct reading *, const struct setting *, const struct tree *, void *);
    static take_value *const takes[] = {
        [SETTING_PATH] = take_path,       [SETTING_URI] = take_uri,
        [SETTING_INTEGER] = take_integer, [SETTING_CHOICE] = take_choice,
        [SETTING_SWITCH] = take_switch,
    };
    takes[s->type](r, s, v, (char *)r->c + s->offset);
}

/* ---- sections ---- */

/* Reads one setting, or takes its initial value. */
static void read_setting(struct reading *r, const struct setting *s, const struct tree *root) {
    const struct tree *section = config_member(root, s->section);
    const struct tree *value = config_member(section, s->name);
    if (value != NULL) {
        take(r, s, value);
        return;
    }
    if (s->initial == NULL) {
        config_fault(r, section != NULL ? section : root, "missing", "%s.%s is missing", s->section,
                     s->name);
        return;
    }
    value = initial_of(r, s);
    if (value != NULL)
        take(r, s, value);
    else
        config_out_of_memory(r);
}

/* Reports the keys of a section that no setting has; a section without settings is somebody
 * else's. */
static void check_section(struct reading *r, const struct tree *section) {
    const char *known[SETTINGS + 1] = { NULL };
    size_t n = 0;
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].section, section->name) == 0)
            known[n++] = settings[i].name;
    }
    if (n == 0 || section->kind == TREE_NULL)
        return;
    if (section->kind == TREE_OBJECT)
        config_check_keys(r, section, known, section->name);
    else
        config_fault(r, section, "wrong-type", "%s must be a group of keys", section->name);
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
    for (const struct tree *d = config_first(dirs); d != NULL; d = d->next) {
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
    c->key_file_given = config_member(section, "key_file") != NULL;
    if (c->key_file_given || c->store_path == NULL)
        return;
    c->key_file = arena_printf(&c->arena, "%s.key", c->store_path);
    if (c->key_file == NULL)
        config_out_of_memory(r);
}

/* Reads one of the clinic's own names for mapping files. */
static void read_parameter(struct reading *r, const struct tree *p) {
    if (!config_is_name(p->name, true))
        config_fault(
            r, p, "wrong-value",
            "parameters: a name is 1 to 64 letters, digits or `_`, and begins with no digit");
    else if (tree_get(r->parameters, p->name) != NULL)
        config_fault(r, p, "wrong-value", "parameters.%s: this is privacy.%s, set it there",
                     p->name, p->name);
    else
        add_parameter(r, p->name, p);
}

static void read_parameters(struct reading *r, const struct tree *root) {
    enum { MOST = 1000 };
    const struct tree *group = config_member(root, "parameters");
    if (group == NULL)
        return;
    if (group->kind != TREE_OBJECT) {
        config_fault(r, group, "wrong-type", "parameters must be a group of names");
        return;
    }
    if (group->length > MOST) {
        config_fault(r, group, "wrong-value", "parameters: expected at most %d names", (int)MOST);
        return;
    }
    for (const struct tree *p = group->first; p != NULL; p = p->next)
        read_parameter(r, p);
}

/* ---- the file ---- */

/* Reads everything below the root. */
static void read_root(struct reading *r, const struct tree *root) {
    r->root = root;
    config_check_keys(r, root, top_names, "the configuration");
    read_mappings(r, root);
    read_plugin_dirs(r, root);
    read_settings(r, root);
    read_key_file(r, root);
    read_parameters(r, root);
    config_read_instances(r, root);
    config_read_jobs(r, root);
}

/* Notes where the file is; false when it isn't there. */
static bool find_file(struct reading *r) {
    struct config *c = r->c;
    char *real = realpath(r->file, NULL);
    if (real == NULL) {
        report_add(r->report, REPORT_ERROR, "missing-file", r->file,
                   "cannot read the configuration: %s; name one with -c FILE", strerror(errno));
        return false;
    }
    c->file = arena_strndup(&c->arena, r->file, strlen(r->file));
    c->path = arena_strndup(&c->arena, real, strlen(real));
    const char *folder = dirname(real);
    c->folder = arena_strndup(&c->arena, folder, strlen(folder));
    free(real);
    bool whole = c->file != NULL && c->path != NULL && c->folder != NULL;
    if (!whole)
        config_out_of_memory(r);
    return whole;
}

/* Reads the file itself; false when nothing of it could be used. */
static bool read_file(struct reading *r) {
    if (!find_file(r))
        return false;
    struct tree *root = yaml_read_file(&r->c->arena, r->file, r->report);
    if (root == NULL)
        return false;
    if (root->kind != TREE_OBJECT) {
        config_fault(r, root, "wrong-type", "the configuration must be a group of keys");
        return false;
    }
    read_root(r, root);
    return true;
}

struct config *config_read(const char *path, struct report *report) {
    struct config *c = calloc(1, sizeof *c);
    struct reading r = { .c = c, .file = path, .report = report };
    if (c == NULL) {
        config_out_of_memory(&r);
        return NULL;
    }
    r.parameters = tree_new(&c->arena, TREE_OBJECT);
    if (r.parameters == NULL)
        config_out_of_memory(&r);
    bool whole = !r.no_memory && read_file(&r);
    c->parameters = r.parameters;
    if (whole && !r.no_memory)
        return c;
    config_free(c);
    return NULL;
}

struct config *config_load(const char *path, struct report *report) {
    size_t errors = report->errors;
    struct config *c = config_read(path, report);
    if (c != NULL && report->errors == errors)
        return c;
    config_free(c);
    return NULL;
}

void config_free(struct config *config) {
    if (config == NULL)
        return;
    arena_free(&config->arena);
    free(config);
}
