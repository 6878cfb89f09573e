/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir plugins: the plugins found, and one plugin's options from its own table, with a sample
 * configuration. */
#include "core/base/str.h"
#include "core/command/command.h"
#include "core/plugin/loader.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    struct plugin **plugins;
    size_t count, room;
    const char *only; /* a name; NULL: all */
    struct report report;
    const char *names[257];
    size_t name_count;
};

/* ---- finding them ---- */

static void note_name(struct listing *l, const char *name) {
    if (l->name_count + 1 == sizeof l->names / sizeof *l->names)
        return; /* the last stays NULL */
    l->names[l->name_count] = strdup(name);
    if (l->names[l->name_count] != NULL)
        l->name_count++;
}

static bool make_room(struct listing *l) {
    if (l->count < l->room)
        return true;
    size_t room = l->room == 0 ? 32 : l->room * 2;
    struct plugin **more = realloc(l->plugins, room * sizeof *more);
    if (more == NULL)
        return false;
    l->plugins = more;
    l->room = room;
    return true;
}

/* Loads a plugin that was found, if it is wished. */
static void load(void *user, const char *name, const char *path) {
    struct listing *l = user;
    bool wished = l->only == NULL || strcmp(l->only, name) == 0;
    note_name(l, name);
    if (!wished || !make_room(l))
        return;
    struct plugin *p = plugin_load_file(path, name, path, &l->report);
    if (p != NULL)
        l->plugins[l->count++] = p;
}

static void free_listing(struct listing *l) {
    for (size_t i = 0; i < l->count; i++)
        plugin_unload(l->plugins[i]);
    for (size_t i = 0; i < l->name_count; i++)
        free((char *)(uintptr_t)l->names[i]);
    free(l->plugins);
    report_free(&l->report);
}

/* ---- what they say of themselves ---- */

/* Writes what a plugin provides, separated by commas. */
static const char *kinds_of(const struct iptfhir_descriptor *d, char out[64]) {
    const struct {
        const void *part;
        const char *name;
    } kinds[] = {
        { d->source, "source" },
        { d->mapper, "mapper" },
        { d->target, "target" },
        { d->functions, "functions" },
    };
    int used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *comma = used > 0 ? "," : "";
        if (kinds[i].part != NULL)
            used += snprintf(out + used, 64 - (size_t)used, "%s%s", comma, kinds[i].name);
    }
    return out;
}

static const char *text_or(const char *text, const char *other) {
    return text != NULL && *text != '\0' ? text : other;
}

/* What a type of option is called in JSON, by people, and in a sample. */
static const struct {
    const char *json, *people, *sample;
} types[] = {
    [IPTFHIR_STRING] = { "string", "text", "TEXT" },
    [IPTFHIR_INTEGER] = { "integer", "whole number", "0" },
    [IPTFHIR_BOOLEAN] = { "boolean", "true or false", "false" },
    [IPTFHIR_CHOICE] = { "choice", "choice", NULL }, /* the first of its choices */
    [IPTFHIR_PATH] = { "path", "path", "FILE" },
    [IPTFHIR_SECRET] = { "secret", "path of a file of mode 0600", "FILE" },
    [IPTFHIR_LIST] = { "list", "list of texts", "TEXT" },
};

static bool is_required(const struct iptfhir_option *o) {
    return (o->flags & IPTFHIR_REQUIRED) != 0;
}

static bool has_range(const struct iptfhir_option *o) {
    return o->type == IPTFHIR_INTEGER && (o->min != 0 || o->max != 0);
}

/* Whether a table has an option here, rather than its end. */
static bool is_option(const struct iptfhir_option *o) {
    return o != NULL && o->name != NULL;
}

/* ---- JSON ---- */

/* Adds `"name": "text"` (null for NULL). */
static void json_member(struct str *out, const char *before, const char *name, const char *text) {
    str_printf(out, "%s\"%s\": ", before, name);
    if (text != NULL)
        str_json(out, text, strlen(text));
    else
        str_puts(out, "null");
}

/* Adds a list of texts. */
static void json_texts(struct str *out, const char *before, const char *name,
                       const char *const *texts) {
    const char *comma = "";
    str_printf(out, "%s\"%s\": [", before, name);
    for (; texts != NULL && *texts != NULL; texts++) {
        str_puts(out, comma);
        str_json(out, *texts, strlen(*texts));
        comma = ", ";
    }
    str_puts(out, "]");
}

/* Adds an option as an object. */
static void json_option(struct str *out, const struct iptfhir_option *o) {
    json_member(out, "\n      {", "name", o->name);
    json_member(out, ", ", "type", types[o->type].json);
    str_printf(out, ", \"required\": %s", is_required(o) ? "true" : "false");
    json_member(out, ", ", "default", o->initial);
    if (has_range(o))
        str_printf(out, ", \"min\": %lld, \"max\": %lld", (long long)o->min, (long long)o->max);
    if (o->type == IPTFHIR_CHOICE)
        json_texts(out, ", ", "choices", o->choices);
    json_member(out, ", ", "help", text_or(o->help, ""));
    str_puts(out, "}");
}

/* Adds a plugin as an object. */
static void json_plugin(struct str *out, const struct plugin *p) {
    const struct iptfhir_descriptor *d = plugin_descriptor(p);
    const char *comma = "";
    char kinds[64];
    json_member(out, "\n  {", "name", d->name);
    json_member(out, ", ", "version", d->version);
    json_member(out, ", ", "provides", kinds_of(d, kinds));
    json_member(out, ", ", "summary", d->summary);
    json_member(out, ",\n   ", "file", plugin_path(p));
    if (d->mapper != NULL)
        json_texts(out, ", ", "emits", d->mapper->emits);
    str_puts(out, ",\n   \"options\": [");
    for (const struct iptfhir_option *o = d->options; is_option(o); o++) {
        str_puts(out, comma);
        json_option(out, o);
        comma = ",";
    }
    str_puts(out, "]}");
}

/* Prints all as one JSON array. */
static void print_json(const struct listing *l) {
    struct str out = { 0 };
    const char *comma = "";
    str_puts(&out, "[");
    for (size_t i = 0; i < l->count; i++) {
        str_puts(&out, comma);
        json_plugin(&out, l->plugins[i]);
        comma = ",";
    }
    str_puts(&out, "\n]\n");
    if (!out.failed)
        fwrite(out.data, 1, out.length, stdout);
    str_free(&out);
}

/* ---- for people ---- */

/* Prints the table of plugins. */
static void print_table(const struct listing *l) {
    char kinds[64];
    printf("%-20s %-8s %-18s %s\n", "NAME", "VERSION", "PROVIDES", "SUMMARY");
    for (size_t i = 0; i < l->count; i++) {
        const struct iptfhir_descriptor *d = plugin_descriptor(l->plugins[i]);
        printf("%-20s %-8s %-18s %s\n%20s %s\n", d->name, text_or(d->version, "-"),
               kinds_of(d, kinds), text_or(d->summary, ""), "", plugin_path(l->plugins[i]));
    }
}

static void print_choices(const char *const *choices) {
    const char *before = ": ";
    for (; *choices != NULL; choices++) {
        printf("%s%s", before, *choices);
        before = " | ";
    }
}

/* Prints one option: its name, what it may be, its default, its help. */
static void print_option(const struct iptfhir_option *o) {
    printf("    %s (%s", o->name, types[o->type].people);
    if (o->type == IPTFHIR_CHOICE)
        print_choices(o->choices);
    if (has_range(o))
        printf(", %lld to %lld", (long long)o->min, (long long)o->max);
    if ((o->flags & IPTFHIR_MUST_EXIST) != 0)
        printf(", must exist");
    if (is_required(o))
        printf("; required");
    else if (o->initial != NULL)
        printf("; default %s", text_or(o->initial, "\"\""));
    printf(")\n        %s\n", text_or(o->help, ""));
}

/* What an option of the sample is set to. */
static const char *sample_of(const struct iptfhir_option *o) {
    const char *otherwise = types[o->type].sample;
    if (otherwise == NULL)
        otherwise = o->choices[0];
    return text_or(o->initial, otherwise);
}

/* Prints an option of the sample: what must be given as a line, the rest as a comment. */
static void print_sample_option(const struct iptfhir_option *o) {
    const char *before = is_required(o) ? "" : "# ";
    const char *value = sample_of(o);
    switch (o->type) {
    case IPTFHIR_LIST: printf("    %s%s: [%s]\n", before, o->name, value); break;
    case IPTFHIR_STRING:
    case IPTFHIR_CHOICE: printf("    %s%s: \"%s\"\n", before, o->name, value); break;
    default: printf("    %s%s: %s\n", before, o->name, value); break;
    }
}

/* Prints a sample of one section. */
static void print_sample(const struct iptfhir_descriptor *d, const char *section,
                         const char *name) {
    printf("\n%s:\n  %s:\n    plugin: %s\n", section, name, d->name);
    for (const struct iptfhir_option *o = d->options; is_option(o); o++)
        print_sample_option(o);
    if (strcmp(section, "targets") == 0)
        printf("    recipient: \"NAME\"  # or consent: attested\n    # workers: 4\n");
}

/* Prints what a mapper makes. */
static void print_types(const struct iptfhir_mapper *mapper) {
    const char *const *type = mapper != NULL ? mapper->emits : NULL;
    if (type == NULL || *type == NULL)
        return;
    printf("\nMAKES\n    %s", *type++);
    for (; *type != NULL; type++)
        printf(", %s", *type);
    printf("\n");
}

/* Prints the functions that mapping files may call. */
static void print_functions(const struct iptfhir_function *f) {
    if (f == NULL || f->name == NULL)
        return;
    printf("\nFUNCTIONS OF MAPPING FILES\n");
    for (; f->name != NULL; f++)
        printf("    %s(), %u to %u arguments\n", f->name, f->min_args, f->max_args);
}

/* Prints the options, and those that every target has. */
static void print_options(const struct iptfhir_descriptor *d) {
    const struct iptfhir_option *o = d->options;
    printf("\nOPTIONS\n");
    if (!is_option(o))
        printf("    none\n");
    for (; is_option(o); o++)
        print_option(o);
    if (d->target != NULL)
        printf("\nOPTIONS OF EVERY TARGET\n"
               "    recipient (text)\n        Whom consents of the records name; required unless "
               "consent is attested.\n"
               "    consent (choice: record | attested; default record)\n        Whether each "
               "record carries its consents, or the clinic has them on file.\n"
               "    workers (whole number, 1 to 64; default 4)\n        Threads that deliver, each "
               "with an instance of its own.\n");
}

/* Prints how each kind that a plugin is of is configured. */
static void print_samples(const struct iptfhir_descriptor *d) {
    if (d->source == NULL && d->mapper == NULL && d->target == NULL) {
        printf("\nSAMPLE\n    functions: [%s]\n", d->name);
        return;
    }
    printf("\nSAMPLE");
    if (d->source != NULL)
        print_sample(d, "sources", "my-source");
    if (d->mapper != NULL)
        print_sample(d, "mappers", "my-mapper");
    if (d->target != NULL)
        print_sample(d, "targets", "my-target");
}

/* Prints all that a plugin says of itself. */
static void describe(const struct plugin *p) {
    const struct iptfhir_descriptor *d = plugin_descriptor(p);
    char kinds[64];
    printf("NAME\n    %s %s - %s\n\nFILE\n    %s\n\nPROVIDES\n    %s\n", d->name,
           text_or(d->version, ""), text_or(d->summary, ""), plugin_path(p), kinds_of(d, kinds));
    print_types(d->mapper);
    print_functions(d->functions);
    print_options(d);
    print_samples(d);
}

/* ---- the command ---- */

/* Says that a plugin isn't there. */
static void say_missing(const struct listing *l) {
    char hint[NEAREST_HINT];
    fprintf(stderr, "iptfhir: there is no plugin '%s'%s; `iptfhir plugins` lists them\n", l->only,
            nearest_hint(l->only, l->names, hint));
}

/* Prints what was found. Returns an exit code. */
static int print(const struct listing *l, bool json) {
    bool missing = l->only != NULL && l->count == 0;
    if (missing && l->report.errors == 0) {
        say_missing(l);
        return EXIT_WRONG_USE;
    }
    if (json)
        print_json(l);
    else if (l->only == NULL)
        print_table(l);
    else if (!missing)
        describe(l->plugins[0]);
    return l->report.errors > 0 ? EXIT_CONFIG : EXIT_SETTLED;
}

static bool read_arguments(int argc, char **argv, const char **only, bool *json) {
    static const struct option longs[] = { { "describe", required_argument, NULL, 'd' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'd': *only = optarg; break;
        case 'j': *json = true; break;
        default: return false;
        }
    }
    return optind == argc;
}

int command_plugins(int argc, char **argv, const struct command_options *options) {
    const struct command_options plain = { .config_path = options->config_path };
    struct listing l = { 0 };
    struct report ignored = { 0 };
    bool json = options->json;
    if (!read_arguments(argc, argv, &l.only, &json)) {
        fprintf(stderr, "usage: iptfhir [-c FILE] [--json] plugins [--describe NAME]\n");
        return EXIT_WRONG_USE;
    }
    /* Only its folders of plugins matter here; `iptfhir check` says what is wrong with it. */
    struct config *config = config_read(options->config_path, &ignored);
    bool has_folders = config != NULL && config->plugin_dirs != NULL;
    plugin_list(has_folders ? config : NULL, load, &l);
    int code = print(&l, json);
    command_print_report(stderr, &l.report, &plain);
    free_listing(&l);
    config_free(config);
    report_free(&ignored);
    return code;
}
