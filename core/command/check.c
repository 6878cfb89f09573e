/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir check: everything wrong with a configuration, its plugins, mappings and keys, at once;
 * with samples, what mapping them shows. */
#include "core/base/crypt.h"
#include "core/base/file.h"
#include "core/command/command.h"
#include "core/plugin/host.h"
#include "core/plugin/instance.h"
#include "core/sync/lifecycle.h"
#include "core/sync/pipeline.h"
#include "core/sync/probe.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- configuration, plugins, mappings ---- */

/* Check that the store has a folder that can be written to. */
static void check_store(struct check *c) {
    char *copy = c->config->store_path ? strdup(c->config->store_path) : NULL;
    struct stat st;
    const char *folder = copy ? dirname(copy) : NULL;
    if (folder && (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)))
        report_add(
            &c->report, REPORT_ERROR, "missing-file", c->config->file,
            "the folder of the store, %s, is not there: make it (mkdir -m 700) or set store.path",
            folder);
    free(copy);
}

/* Load the plugins of one section. */
static void load_section(struct check *c, enum kind kind, const struct config_instance *list,
                         size_t count) {
    for (size_t i = 0; list && i < count; i++) {
        struct trial *t = &c->trials[c->count++];
        *t = (struct trial) { .kind = kind,
                              .config = &list[i],
                              .plugin = plugin_load(c->config, &list[i], &c->report) };
        const struct iptfhir_descriptor *d = t->plugin ? plugin_descriptor(t->plugin) : NULL;
        const void *const parts[] = { [SOURCE] = d ? d->source : NULL,
                                      [MAPPER] = d ? d->mapper : NULL,
                                      [TARGET] = d ? d->target : NULL,
                                      [FUNCTIONS] = d ? d->functions : NULL };
        if (d && parts[kind] == NULL)
            report_add(&c->report, REPORT_ERROR, "plugin-kind", list[i].where,
                       "plugin %s is no %s: see `iptfhir plugins`", list[i].plugin, kinds[kind]);
    }
}

/* Adds the functions that mapping files get from a plugin, unless they have them already. */
static void add_functions(const struct trial *t, const struct iptfhir_function **tables,
                          size_t *count) {
    bool gives = t->kind == MAPPER || t->kind == FUNCTIONS;
    const struct iptfhir_function *functions =
        gives && t->plugin != NULL ? plugin_descriptor(t->plugin)->functions : NULL;
    for (size_t i = 0; i < *count; i++)
        if (tables[i] == functions)
            return;
    if (functions != NULL)
        tables[(*count)++] = functions;
}

/* Load schema and mapping files; the functions of plugins are known there. */
static void load_mappings(struct check *c) {
    const struct config *config = c->config;
    const struct iptfhir_function **functions = calloc(c->count + 1, sizeof *functions);
    struct str path = { 0 };
    size_t tables = 0;
    for (size_t i = 0; functions && i < c->count; i++)
        add_functions(&c->trials[i], functions, &tables);
    str_printf(&path, "%s/schema/ipt-record.schema.json", config->mappings_dir);
    if (functions && !path.failed) {
        const struct template_settings settings = { config->identity_base ? config->identity_base
                                                                          : "https://ipt.invalid",
                                                    config->parameters, functions, tables };
        c->schema = record_schema_load(path.data, &c->report);
        c->templates = template_set_load(config->mappings_dir, &settings, &c->report);
        for (const char *const *n = c->templates ? template_names(c->templates) : NULL; n && *n;
             n++)
            c->mappings++;
    } else {
        report_add(&c->report, REPORT_ERROR, "memory", config->file, "out of memory");
    }
    str_free(&path);
    free(functions);
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

/* Start an instance; where it can't start for a fault of others, only its options are checked. */
static void try_instance(struct check *c, struct trial *t) {
    const struct host_settings settings = { .config = c->config, .instance = t->config };
    if (!t->plugin || t->kind == FUNCTIONS)
        return;
    if (!c->templates || !c->config->identity_base) {
        instance_check(t->plugin, t->config, c->config, &c->report);
        return;
    }
    t->host = host_new(&settings);
    t->instance =
        t->host ? instance_new(t->plugin, t->config, c->config, host_table(t->host), &c->report)
                : NULL;
}

/* Opens a target's connection, and asks it what it can do when that was wished. */
static void try_target(struct check *c, const struct trial *t) {
    struct iptfhir_error error = ERROR_INIT;
    if (t->kind != TARGET || t->instance == NULL)
        return;
    const struct iptfhir_target *calls = plugin_descriptor(t->plugin)->target;
    if (calls == NULL)
        return;
    if (!probe_target(t->config->name, calls, instance_self(t->instance), c->probe, &error))
        report_add(&c->report, REPORT_ERROR, error.code, t->config->where, "%s", error.text);
}

/* Check everything but samples. */
static void check_all(struct check *c) {
    const struct config *config = c->config;
    check_store(c);
    c->trials = calloc(config->source_count + config->mapper_count + config->target_count +
                           config->function_count + 1,
                       sizeof *c->trials);
    if (!c->trials || !config->plugin_dirs || !config->mappings_dir)
        return; /* reported */
    load_section(c, SOURCE, config->sources, config->source_count);
    load_section(c, MAPPER, config->mappers, config->mapper_count);
    load_section(c, TARGET, config->targets, config->target_count);
    load_section(c, FUNCTIONS, config->functions, config->function_count);
    if (access(config->mappings_dir, R_OK | X_OK) == 0) { /* reported, if not */
        load_mappings(c);
        check_rules(c);
    }
    for (size_t i = 0; i < c->count; i++)
        try_instance(c, &c->trials[i]);
    for (size_t i = 0; i < c->count; i++)
        try_target(c, &c->trials[i]);
}

/* Free what was on trial. */
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

/* ---- samples ---- */

/* The most of a sample file, and how many samples are mapped again to find fields that nothing
 * reads. */
#define SAMPLE_BYTES (64u << 20)
#define AGAIN 40

struct sample {
    char *path, *text;
    size_t length;
    char hash[65];
};
struct samples {
    struct sample *list;
    size_t count, room;
};

/* Add a file to the samples. */
static void add_sample(struct samples *s, const char *path, struct report *report) {
    struct str text = { 0 };
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct sample *more = realloc(s->list, room * sizeof *more);
        if (!more)
            return;
        s->list = more;
        s->room = room;
    }
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&text, path, SAMPLE_BYTES, why)) {
        report_add(report, REPORT_ERROR, "missing-file", path, "cannot read this sample: %s", why);
        str_free(&text);
        return;
    }
    struct sample *one = &s->list[s->count];
    *one = (struct sample) { .path = strdup(path), .length = text.length };
    one->text = str_steal(&text);
    if (one->path && one->text) {
        s->count++;
        return;
    }
    free(one->path);
    free(one->text);
    report_add(report, REPORT_ERROR, "memory", path, "out of memory");
}

/* Find *.json in a folder and in the folders in it. */
static void find_samples(struct samples *s, const char *folder, int depth, struct report *report) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        report_add(report, REPORT_ERROR, "missing-file", folder,
                   "cannot read this folder of samples: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        struct str path = { 0 };
        struct stat st;
        const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
        str_printf(&path, "%s/%s", folder, name);
        if (*name != '.' && !path.failed && stat(path.data, &st) == 0) {
            if (S_ISDIR(st.st_mode) && depth < 2)
                find_samples(s, path.data, depth + 1, report);
            else if (!S_ISDIR(st.st_mode) && dot && !strcmp(dot, ".json"))
                add_sample(s, path.data, report);
        }
        str_free(&path);
        free(entries[i]);
    }
    free(entries);
}

/* Add a resource to what a sample became. */
static bool add_resource(void *user, const struct tree *resource) {
    json_write(user, resource, JSON_COMPACT);
    return !((struct str *)user)->failed;
}

/* Map one text and hash what it became; false when the record was refused. */
static bool map_text(struct pipeline *p, const char *text, size_t length, const char *source,
                     char hash[65], struct report *report) {
    struct str made = { 0 };
    bool ok = pipeline_map(p, text, length, source, add_resource, &made, report);
    for (size_t i = 0; i < report->count; i++)
        str_puts(&made, report->entries[i].error.text);
    hash[0] = '\0';
    bool hashed = !made.failed && crypt_sha256_hex(made.data ? made.data : "", made.length, hash);
    if (!hashed)
        report_add(report, REPORT_ERROR, "memory", source, "out of memory; run the check again");
    str_free(&made);
    return ok && hashed;
}

/* Take a field (dotted path without indexes) out of a tree, wherever it stands; true when it did.
 */
static bool take_out(struct tree *node, const char *path) {
    bool taken = false;
    if (node->kind == TREE_ARRAY) {
        for (struct tree *i = node->first; i; i = i->next)
            taken = take_out(i, path) || taken;
        return taken;
    }
    if (node->kind != TREE_OBJECT)
        return false;
    for (struct tree *k = node->first, *next; k; k = next) {
        size_t n = k->name_length;
        next = k->next;
        if (strncmp(path, k->name, n) != 0)
            continue;
        if (path[n] == '\0') {
            tree_remove(k);
            taken = true;
        } else if (path[n] == '.') {
            taken = take_out(k, path + n + 1) || taken;
        }
    }
    return taken;
}

/* True when taking a field out of some sample changes what it becomes: then a mapper reads it, in
 * C. */
static bool matters(struct pipeline *p, const struct samples *s, const char *field) {
    bool changed = false;
    for (size_t i = 0; i < s->count && i < AGAIN && !changed; i++) {
        struct arena arena = { 0 };
        struct report report = { 0 };
        struct str text = { 0 };
        char hash[65];
        struct tree *record =
            json_read_copy(&arena, s->list[i].text, s->list[i].length, NULL, NULL);
        if (record && take_out(record, field)) {
            json_write(&text, record, JSON_COMPACT);
            changed = text.failed ||
                      !map_text(p, text.data, text.length, s->list[i].path, hash, &report) ||
                      strcmp(hash, s->list[i].hash) != 0;
        }
        str_free(&text);
        report_free(&report);
        arena_free(&arena);
    }
    return changed;
}

/* Take findings over into the whole report. */
static void take_findings(struct report *to, const struct report *from) {
    for (size_t i = 0; i < from->count; i++) {
        const struct iptfhir_error *e = &from->entries[i].error;
        report_add(to, from->entries[i].severity, e->code, e->where, "%s", e->text);
    }
}

/* Map all samples through one job; what nothing read goes to `unread`. */
static void map_samples(struct check *c, const struct config_job *job, struct samples *s,
                        struct report *unread) {
    struct pipeline *p = pipeline_open_config(c->config, job, NULL, &c->report);
    struct template_coverage *coverage = p ? template_coverage_new(pipeline_templates(p)) : NULL;
    struct report covered = { 0 };
    if (!coverage)
        goto out;
    pipeline_set_coverage(p, coverage);
    for (size_t i = 0; i < s->count; i++) {
        struct report faults = { 0 };
        map_text(p, s->list[i].text, s->list[i].length, s->list[i].path, s->list[i].hash, &faults);
        take_findings(&c->report, &faults);
        report_free(&faults);
    }
    pipeline_set_coverage(p, NULL);
    template_coverage_report(coverage, NULL, &covered);
    for (size_t i = 0; i < covered.count; i++) {
        const struct iptfhir_error *e = &covered.entries[i].error;
        bool field = !strcmp(e->code, "never-read");
        if (!field || !matters(p, s, e->where))
            report_add(field ? unread : &c->report, covered.entries[i].severity, e->code, e->where,
                       "%s", e->text);
    }
out:
    report_free(&covered);
    template_coverage_free(coverage);
    pipeline_close(p);
}

/* Map samples through every job; a field counts as unread when no job reads it. */
static void check_samples(struct check *c, const char *folder) {
    struct samples s = { 0 };
    struct report unread = { 0 };
    find_samples(&s, folder, 0, &c->report);
    if (!s.count)
        report_add(&c->report, REPORT_ERROR, "missing-file", folder,
                   "there are no samples (*.json) in this folder");
    for (size_t i = 0; s.count && i < c->config->job_count; i++)
        map_samples(c, &c->config->jobs[i], &s, &unread);
    for (size_t i = 0; i < unread.count; i++) {
        size_t jobs = 0, before = 0;
        for (size_t k = 0; k < unread.count; k++)
            if (!strcmp(unread.entries[k].error.where, unread.entries[i].error.where)) {
                jobs++;
                before += k < i;
            }
        if (jobs == c->config->job_count && !before)
            report_add(&c->report, REPORT_NOTE, "never-read", unread.entries[i].error.where, "%s",
                       unread.entries[i].error.text);
    }
    c->samples = s.count;
    for (size_t i = 0; i < s.count; i++) {
        free(s.list[i].path);
        free(s.list[i].text);
    }
    free(s.list);
    report_free(&unread);
}

/* ---- the report ---- */

/* Split "file:line:column ..." at its first colon that a number follows. */
static size_t split_position(const char *where, unsigned long *line, unsigned long *column) {
    *line = *column = 0;
    for (const char *at = where; (at = strchr(at, ':')); at++)
        if (at[1] >= '0' && at[1] <= '9') {
            char *end;
            *line = strtoul(at + 1, &end, 10);
            if (*end == ':')
                *column = strtoul(end + 1, NULL, 10);
            return (size_t)(at - where);
        }
    return strlen(where);
}

/* Orders two numbers. */
static int by_number(unsigned long a, unsigned long b) {
    if (a == b)
        return 0;
    return a < b ? -1 : 1;
}

/* Orders findings by file, line and column, then by text. */
static int by_place(const void *a, const void *b) {
    const struct iptfhir_error *x = &((const struct report_entry *)a)->error;
    const struct iptfhir_error *y = &((const struct report_entry *)b)->error;
    unsigned long lines[2], columns[2];
    size_t m = split_position(x->where, &lines[0], &columns[0]);
    size_t n = split_position(y->where, &lines[1], &columns[1]);
    const int orders[] = {
        strncmp(x->where, y->where, m < n ? m : n),
        by_number(m, n),
        by_number(lines[0], lines[1]),
        by_number(columns[0], columns[1]),
        strcmp(x->where, y->where),
        strcmp(x->code, y->code),
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (orders[i] != 0)
            return orders[i];
    return strcmp(x->text, y->text);
}

/* Sort, and leave out what was found twice (by two jobs, say). */
static void tidy(struct report *report) {
    size_t kept = 0;
    if (report->count)
        qsort(report->entries, report->count, sizeof *report->entries, by_place);
    for (size_t i = 0; i < report->count; i++)
        if (!i || by_place(&report->entries[i], &report->entries[kept - 1]) != 0)
            report->entries[kept++] = report->entries[i];
    report->count = kept;
}

/* Read the command line; false after saying how to use it. */
static bool read_arguments(int argc, char **argv, struct check *c, const char **samples,
                           struct command_options *options) {
    static const struct option longs[] = { { "samples", required_argument, NULL, 's' },
                                           { "probe", no_argument, NULL, 'p' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    int o;
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 's')
            *samples = optarg;
        else if (o == 'p')
            c->probe = true;
        else if (o == 'j')
            options->json = true;
        else
            break;
    }
    if (o == -1 && optind == argc)
        return true;
    fprintf(stderr, "usage: iptfhir [-c FILE] [--json] check [--samples DIR] [--probe]\n");
    return false;
}

int command_check(int argc, char **argv, const struct command_options *given) {
    struct check c = { 0 };
    struct command_options options = *given;
    const char *samples = NULL;
    if (!read_arguments(argc, argv, &c, &samples, &options))
        return EXIT_WRONG_USE;
    r4_setup();
    c.config = config_read(options.config_path, &c.report);
    if (c.config)
        check_all(&c);
    if (c.config && samples && !c.report.errors)
        check_samples(&c, samples);
    else if (samples)
        report_add(&c.report, REPORT_NOTE, "samples", samples,
                   "the samples were not mapped: first put right what is wrong");
    tidy(&c.report);
    command_print_report(stderr, &c.report, &options);
    if (!options.json && !c.report.errors)
        printf("%s: no errors; %zu jobs, %zu plugin instances, %zu mapping files, %zu samples\n",
               options.config_path, c.config->job_count, c.count, c.mappings, c.samples);
    int code = c.report.errors ? EXIT_CONFIG : EXIT_SETTLED;
    free_trials(&c);
    config_free(c.config);
    report_free(&c.report);
    return code;
}
