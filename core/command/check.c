/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir check: everything wrong with a configuration, its plugins, mappings and keys, at once;
 * with samples, what mapping them shows. */
#include "core/command/place.h"
#include "core/command/samples.h"
#include "core/plugin/host.h"
#include "core/plugin/instance.h"
#include "core/sync/lifecycle.h"
#include "core/sync/pipeline.h"
#include "core/sync/probe.h"
#include "core/sync/settle.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { SOURCE, MAPPER, TARGET, FUNCTIONS };
static const char *const kinds[] = { "source", "mapper", "target", "plugin with functions" };

/* One configured instance on trial. */
struct trial {
    enum kind kind;
    const struct config_instance *config;
    struct plugin *plugin;
    struct host *host;
    struct plugin_instance *instance;
};
struct check {
    struct config *config;
    struct record_schema *schema;
    struct template_set *templates;
    struct trial *trials;
    size_t count, mappings, samples;
    bool probe;
    struct report report;
};

/* ---- the store ---- */

/* Whether the configuration says what opening the store needs; what is missing was reported. */
static bool names_store(const struct config *config) {
    return config->store_path != NULL && config->key_file != NULL && config->identity_base != NULL;
}

/* Checks the store's folder and, when there is a store, that it can be opened: with its key, under
 * its identity.base. */
static void check_store(struct check *c) {
    struct iptfhir_error error = ERROR_INIT;
    struct place place = { .config = c->config };
    if (c->config->store_path == NULL)
        return;
    int code = names_store(c->config) ? place_open_store(&place, false, &error) : EXIT_SETTLED;
    if (!names_store(c->config))
        (void)place_has_folder(c->config, &error);
    bool busy = code == EXIT_LATER; /* a sync is at work on it, so that it is in order */
    if (error_is_set(&error) && !busy)
        report_add(&c->report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    place.config = NULL; /* it is not ours to free */
    place_close(&place);
}

/* ---- plugins ---- */

/* Whether a plugin has the part that its place in the configuration needs. */
static bool has_part(const struct iptfhir_descriptor *d, enum kind kind) {
    const void *const parts[] = {
        [SOURCE] = d->source,
        [MAPPER] = d->mapper,
        [TARGET] = d->target,
        [FUNCTIONS] = d->functions,
    };
    return parts[kind] != NULL;
}

/* Loads the plugins of one section. */
static void load_section(struct check *c, enum kind kind, const struct config_instance *list,
                         size_t count) {
    if (list == NULL)
        return; /* reported */
    for (size_t i = 0; i < count; i++) {
        struct plugin *plugin = plugin_load(c->config, &list[i], &c->report);
        c->trials[c->count++] =
            (struct trial) { .kind = kind, .config = &list[i], .plugin = plugin };
        if (plugin != NULL && !has_part(plugin_descriptor(plugin), kind))
            report_add(&c->report, REPORT_ERROR, "plugin-kind", list[i].where,
                       "plugin %s is no %s: see `iptfhir plugins`", list[i].plugin, kinds[kind]);
    }
}

static bool load_plugins(struct check *c) {
    const struct config *config = c->config;
    size_t most =
        config->source_count + config->mapper_count + config->target_count + config->function_count;
    c->trials = calloc(most + 1, sizeof *c->trials);
    if (c->trials == NULL) {
        report_add(&c->report, REPORT_ERROR, "memory", config->file, "out of memory");
        return false;
    }
    load_section(c, SOURCE, config->sources, config->source_count);
    load_section(c, MAPPER, config->mappers, config->mapper_count);
    load_section(c, TARGET, config->targets, config->target_count);
    load_section(c, FUNCTIONS, config->functions, config->function_count);
    return true;
}

/* ---- mappings ---- */

/* The functions that mapping files get from a plugin; NULL: none. */
static const struct iptfhir_function *functions_of(const struct trial *t) {
    bool gives = t->kind == MAPPER || t->kind == FUNCTIONS;
    if (!gives || t->plugin == NULL)
        return NULL;
    return plugin_descriptor(t->plugin)->functions;
}

/* Adds functions unless they are there already. */
static void add_functions(const struct iptfhir_function *functions,
                          const struct iptfhir_function **tables, size_t *count) {
    for (size_t i = 0; i < *count; i++) {
        if (tables[i] == functions)
            return;
    }
    if (functions != NULL)
        tables[(*count)++] = functions;
}

static void load_schema(struct check *c) {
    struct str path = { 0 };
    str_printf(&path, "%s/schema/ipt-record.schema.json", c->config->mappings_dir);
    if (!path.failed)
        c->schema = record_schema_load(path.data, &c->report);
    str_free(&path);
}

/* Loads the mapping files; the functions of plugins are known there. */
static void load_templates(struct check *c) {
    const struct config *config = c->config;
    const struct iptfhir_function **functions = calloc(c->count + 1, sizeof *functions);
    size_t tables = 0;
    if (functions == NULL) {
        report_add(&c->report, REPORT_ERROR, "memory", config->file, "out of memory");
        return;
    }
    for (size_t i = 0; i < c->count; i++)
        add_functions(functions_of(&c->trials[i]), functions, &tables);
    const char *base = config->identity_base;
    if (base == NULL)
        base = "https://ipt.invalid"; /* its absence was reported */
    const struct template_settings settings = { base, config->parameters, functions, tables };
    c->templates = template_set_load(config->mappings_dir, &settings, &c->report);
    free(functions);
    if (c->templates == NULL)
        return;
    for (const char *const *name = template_names(c->templates); *name != NULL; name++)
        c->mappings++;
}

/* Reads the rules beside the mapping files: of privacy, and of what a withdrawal becomes. */
static void check_rules(struct check *c) {
    struct str path = { 0 };
    str_printf(&path, "%s/lifecycle.yaml", c->config->mappings_dir);
    if (path.failed)
        report_add(&c->report, REPORT_ERROR, "memory", c->config->file, "out of memory");
    else
        lifecycle_free(lifecycle_load(path.data, &c->report));
    privacy_free(privacy_load(c->config->mappings_dir, &c->report));
    str_free(&path);
}

/* ---- instances ---- */

/* Whether a source's option names a file or folder that is not there now. */
static bool is_absent(const struct iptfhir_option *option, const void *self) {
    const char *path = NULL;
    if (option->type != IPTFHIR_PATH)
        return false;
    memcpy(&path, (const char *)self + option->offset, sizeof path);
    bool names_file = path != NULL && strcmp(path, "-") != 0;
    return names_file && access(path, F_OK) != 0;
}

/* Warns about what a source would read and is not there. An export may come later, so that it is no
 * error. */
static void warn_of_absences(struct check *c, const struct trial *t) {
    struct arena arena = { 0 };
    const struct tree *options = t->config->options;
    const struct iptfhir_option *option = plugin_descriptor(t->plugin)->options;
    for (; option != NULL && option->name != NULL; option++) {
        if (!is_absent(option, instance_self(t->instance)))
            continue;
        const struct tree *value = options != NULL ? tree_get(options, option->name) : NULL;
        const char *where =
            value != NULL ? config_where(&arena, c->config->file, value) : t->config->where;
        report_add(
            &c->report, REPORT_WARNING, "missing-file", where,
            "%s: it is not there, so that a sync would find nothing to read and end with 75: "
            "correct it, or make sure that the export comes before the sync (plugin %s)",
            option->name, t->config->plugin);
    }
    arena_free(&arena);
}

/* Starts an instance; where it can't start for a fault of others, only its options are checked. */
static void try_instance(struct check *c, struct trial *t) {
    const struct host_settings settings = { .config = c->config, .instance = t->config };
    bool may_start = c->templates != NULL && c->config->identity_base != NULL;
    if (t->plugin == NULL || t->kind == FUNCTIONS)
        return;
    if (!may_start) {
        instance_check(t->plugin, t->config, c->config, &c->report);
        return;
    }
    t->host = host_new(&settings);
    if (t->host != NULL)
        t->instance =
            instance_new(t->plugin, t->config, c->config, host_table(t->host), &c->report);
    if (t->kind == SOURCE && t->instance != NULL)
        warn_of_absences(c, t);
}

/* Opens a target's connection, and asks it what it can do when that was wished. */
static void try_target(struct check *c, const struct trial *t) {
    struct iptfhir_error error = ERROR_INIT;
    if (t->kind != TARGET || t->instance == NULL)
        return;
    const struct iptfhir_target *calls = plugin_descriptor(t->plugin)->target;
    if (calls == NULL)
        return;
    settle_check(t->config, calls, instance_self(t->instance), &c->report);
    if (!probe_target(t->config->name, calls, instance_self(t->instance), c->probe, &error))
        report_add(&c->report, REPORT_ERROR, error.code, t->config->where, "%s", error.text);
}

/* Checks everything but samples. */
static void check_all(struct check *c) {
    const struct config *config = c->config;
    check_store(c);
    if (config->plugin_dirs == NULL || config->mappings_dir == NULL)
        return; /* reported */
    if (!load_plugins(c))
        return;
    if (access(config->mappings_dir, R_OK | X_OK) == 0) { /* reported, if not */
        load_schema(c);
        load_templates(c);
        check_rules(c);
    }
    for (size_t i = 0; i < c->count; i++)
        try_instance(c, &c->trials[i]);
    for (size_t i = 0; i < c->count; i++)
        try_target(c, &c->trials[i]);
}

/* Frees what was on trial. */
static void free_trials(struct check *c) {
    for (size_t i = 0; i < c->count; i++) {
        instance_free(c->trials[i].instance);
        host_free(c->trials[i].host);
    }
    template_set_free(c->templates);
    record_schema_free(c->schema);
    for (size_t i = 0; i < c->count; i++)
        plugin_unload(c->trials[i].plugin);
    free(c->trials);
}

/* ---- the report ---- */

/* "file:line:column ...", taken apart. */
struct position {
    size_t file_length;
    unsigned long line, column;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Splits a place at its first colon that a number follows. */
static struct position position_of(const char *where) {
    struct position p = { .file_length = strlen(where) };
    const char *colon = strchr(where, ':');
    while (colon != NULL && !is_digit(colon[1]))
        colon = strchr(colon + 1, ':');
    if (colon == NULL)
        return p;
    char *end;
    p.file_length = (size_t)(colon - where);
    p.line = strtoul(colon + 1, &end, 10);
    if (*end == ':')
        p.column = strtoul(end + 1, NULL, 10);
    return p;
}

static int by_number(unsigned long a, unsigned long b) {
    if (a == b)
        return 0;
    return a < b ? -1 : 1;
}

/* Orders findings by file, line and column, then by text. */
static int by_place(const void *a, const void *b) {
    const struct iptfhir_error *x = &((const struct report_entry *)a)->error;
    const struct iptfhir_error *y = &((const struct report_entry *)b)->error;
    struct position p = position_of(x->where), q = position_of(y->where);
    size_t shorter = p.file_length < q.file_length ? p.file_length : q.file_length;
    const int orders[] = {
        strncmp(x->where, y->where, shorter),
        by_number(p.file_length, q.file_length),
        by_number(p.line, q.line),
        by_number(p.column, q.column),
        strcmp(x->where, y->where),
        strcmp(x->code, y->code),
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (orders[i] != 0)
            return orders[i];
    }
    return strcmp(x->text, y->text);
}

/* Sorts, and leaves out what was found twice (by two jobs, say). */
static void tidy(struct report *report) {
    struct report_entry *entries = report->entries;
    size_t kept = 1;
    if (report->count == 0)
        return;
    qsort(entries, report->count, sizeof *entries, by_place);
    for (size_t i = 1; i < report->count; i++) {
        if (by_place(&entries[i], &entries[kept - 1]) != 0)
            entries[kept++] = entries[i];
    }
    report->count = kept;
}

/* Reads the command line; false after saying how to use it. */
static bool read_arguments(int argc, char **argv, struct check *c, const char **samples,
                           struct command_options *options) {
    static const struct option longs[] = { { "samples", required_argument, NULL, 's' },
                                           { "probe", no_argument, NULL, 'p' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    int o = 0;
    while (o >= 0 && o != '?') {
        o = getopt_long(argc, argv, "", longs, NULL);
        switch (o) {
        case 's': *samples = optarg; break;
        case 'p': c->probe = true; break;
        case 'j': options->json = true; break;
        default: break;
        }
    }
    if (o < 0 && optind == argc)
        return true;
    fprintf(stderr, "usage: iptfhir [-c FILE] [--json] check [--samples DIR] [--probe]\n");
    return false;
}

/* Maps samples, unless something else is wrong. */
static void try_samples(struct check *c, const char *folder) {
    if (c->config != NULL && c->report.errors == 0)
        c->samples = samples_check(c->config, folder, &c->report);
    else
        report_add(&c->report, REPORT_NOTE, "samples", folder,
                   "the samples were not mapped: first put right what is wrong");
}

int command_check(int argc, char **argv, const struct command_options *given) {
    struct check c = { 0 };
    struct command_options options = *given;
    const char *samples = NULL;
    if (!read_arguments(argc, argv, &c, &samples, &options))
        return EXIT_WRONG_USE;
    r4_setup();
    c.config = config_read(options.config_path, &c.report);
    if (c.config != NULL)
        check_all(&c);
    if (samples != NULL)
        try_samples(&c, samples);
    tidy(&c.report);
    command_print_report(stderr, &c.report, &options);
    bool good = c.report.errors == 0;
    if (good && !options.json)
        printf("%s: no errors; %zu jobs, %zu plugin instances, %zu mapping files, %zu samples\n",
               options.config_path, c.config->job_count, c.count, c.mappings, c.samples);
    free_trials(&c);
    config_free(c.config);
    report_free(&c.report);
    return good ? EXIT_SETTLED : EXIT_CONFIG;
}
