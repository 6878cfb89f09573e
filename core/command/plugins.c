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

/* Load a plugin that was found. */
static void load(void *user, const char *name, const char *path) {
    struct listing *l = user;
    if (l->name_count < 256 && (l->names[l->name_count] = strdup(name)))
        l->name_count++;
    if (l->only && strcmp(l->only, name) != 0)
        return;
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 32;
        struct plugin **more = realloc(l->plugins, room * sizeof *more);
        if (!more)
            return;
        l->plugins = more;
        l->room = room;
    }
    struct plugin *p = plugin_load_file(path, name, path, &l->report);
    if (p)
        l->plugins[l->count++] = p;
}

/* Write what a plugin provides, separated by commas. */
static const char *kinds_of(const struct iptfhir_descriptor *d, char out[64]) {
    snprintf(out, 64, "%s%s%s%s", d->source ? ",source" : "", d->mapper ? ",mapper" : "",
             d->target ? ",target" : "", d->functions ? ",functions" : "");
    memmove(out, out + 1, strlen(out));
    return out;
}

static const char *text_or(const char *text, const char *other) {
    return text && *text ? text : other;
}

static const char *type_name(const struct iptfhir_option *o) {
    static const char *const names[] = { "text",          "whole number",
                                         "true or false", "choice",
                                         "path",          "path of a file of mode 0600",
                                         "list of texts" };
    return names[o->type];
}

/* ---- JSON ---- */

/* Add `"name": "text"` (null for NULL). */
static void json_member(struct str *out, const char *before, const char *name, const char *text) {
    str_printf(out, "%s\"%s\": ", before, name);
    if (text)
        str_json(out, text, strlen(text));
    else
        str_puts(out, "null");
}

/* Add a list of texts. */
static void json_texts(struct str *out, const char *before, const char *name,
                       const char *const *texts) {
    str_printf(out, "%s\"%s\": [", before, name);
    for (size_t i = 0; texts && texts[i]; i++) {
        str_puts(out, i ? ", " : "");
        str_json(out, texts[i], strlen(texts[i]));
    }
    str_puts(out, "]");
}

/* Add an option as an object. */
static void json_option(struct str *out, const struct iptfhir_option *o) {
    static const char *const types[] = { "string", "integer", "boolean", "choice",
                                         "path",   "secret",  "list" };
    json_member(out, "\n      {", "name", o->name);
    json_member(out, ", ", "type", types[o->type]);
    str_printf(out, ", \"required\": %s", o->flags & IPTFHIR_REQUIRED ? "true" : "false");
    json_member(out, ", ", "default", o->initial);
    if (o->type == IPTFHIR_INTEGER && (o->min || o->max))
        str_printf(out, ", \"min\": %lld, \"max\": %lld", (long long)o->min, (long long)o->max);
    if (o->type == IPTFHIR_CHOICE)
        json_texts(out, ", ", "choices", o->choices);
    json_member(out, ", ", "help", o->help ? o->help : "");
    str_puts(out, "}");
}

/* Add a plugin as an object. */
static void json_plugin(struct str *out, const struct plugin *p) {
    const struct iptfhir_descriptor *d = plugin_descriptor(p);
    char kinds[64];
    json_member(out, "\n  {", "name", d->name);
    json_member(out, ", ", "version", d->version);
    json_member(out, ", ", "provides", kinds_of(d, kinds));
    json_member(out, ", ", "summary", d->summary);
    json_member(out, ",\n   ", "file", plugin_path(p));
    if (d->mapper)
        json_texts(out, ", ", "emits", d->mapper->emits);
    str_puts(out, ",\n   \"options\": [");
    for (const struct iptfhir_option *o = d->options; o && o->name; o++) {
        str_puts(out, o == d->options ? "" : ",");
        json_option(out, o);
    }
    str_puts(out, "]}");
}

/* Print all as one JSON array. */
static void print_json(const struct listing *l) {
    struct str out = { 0 };
    str_puts(&out, "[");
    for (size_t i = 0; i < l->count; i++) {
        str_puts(&out, i ? "," : "");
        json_plugin(&out, l->plugins[i]);
    }
    str_puts(&out, "\n]\n");
    if (!out.failed)
        fwrite(out.data, 1, out.length, stdout);
    str_free(&out);
}

/* ---- for people ---- */

/* Print the table of plugins. */
static void print_table(const struct listing *l) {
    char kinds[64];
    printf("%-20s %-8s %-18s %s\n", "NAME", "VERSION", "PROVIDES", "SUMMARY");
    for (size_t i = 0; i < l->count; i++) {
        const struct iptfhir_descriptor *d = plugin_descriptor(l->plugins[i]);
        printf("%-20s %-8s %-18s %s\n%20s %s\n", d->name, text_or(d->version, "-"),
               kinds_of(d, kinds), text_or(d->summary, ""), "", plugin_path(l->plugins[i]));
    }
}

/* Print one option: its name, what it may be, its default, its help. */
static void print_option(const struct iptfhir_option *o) {
    printf("    %s (%s", o->name, type_name(o));
    for (size_t i = 0; o->type == IPTFHIR_CHOICE && o->choices[i]; i++)
        printf("%s%s", i ? " | " : ": ", o->choices[i]);
    if (o->type == IPTFHIR_INTEGER && (o->min || o->max))
        printf(", %lld to %lld", (long long)o->min, (long long)o->max);
    if (o->flags & IPTFHIR_MUST_EXIST)
        printf(", must exist");
    if (o->flags & IPTFHIR_REQUIRED)
        printf("; required");
    else if (o->initial)
        printf("; default %s", *o->initial ? o->initial : "\"\"");
    printf(")\n        %s\n", text_or(o->help, ""));
}

/* Print an option of the sample: what must be given as a line, the rest as a comment. */
static void print_sample_option(const struct iptfhir_option *o) {
    const char *value =
        text_or(o->initial, o->type == IPTFHIR_PATH || o->type == IPTFHIR_SECRET ? "FILE"
                            : o->type == IPTFHIR_INTEGER                         ? "0"
                            : o->type == IPTFHIR_BOOLEAN                         ? "false"
                            : o->type == IPTFHIR_CHOICE                          ? o->choices[0]
                                                                                 : "TEXT");
    bool quoted = o->type == IPTFHIR_STRING || o->type == IPTFHIR_CHOICE;
    printf("    %s%s: ", o->flags & IPTFHIR_REQUIRED ? "" : "# ", o->name);
    if (o->type == IPTFHIR_LIST)
        printf("[%s]\n", text_or(o->initial, "TEXT"));
    else
        printf(quoted ? "\"%s\"\n" : "%s\n", value);
}

/* Print a sample of one section. */
static void print_sample(const struct iptfhir_descriptor *d, const char *section,
                         const char *name) {
    printf("\n%s:\n  %s:\n    plugin: %s\n", section, name, d->name);
    for (const struct iptfhir_option *o = d->options; o && o->name; o++)
        print_sample_option(o);
    if (!strcmp(section, "targets"))
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
    if (o == NULL || o->name == NULL)
        printf("    none\n");
    for (; o != NULL && o->name != NULL; o++)
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

/* Say that a plugin isn't there. */
static void say_missing(const struct listing *l) {
    const char *near = nearest_name(l->only, l->names);
    fprintf(stderr, "iptfhir: there is no plugin '%s'%s%s%s; `iptfhir plugins` lists them\n",
            l->only, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int command_plugins(int argc, char **argv, const struct command_options *given) {
    static const struct option longs[] = { { "describe", required_argument, NULL, 'd' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    struct command_options options = *given;
    struct listing l = { 0 };
    struct report ignored = { 0 };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c != 'd' && c != 'j')
            goto wrong_use;
        l.only = c == 'd' ? optarg : l.only;
        options.json = options.json || c == 'j';
    }
    if (optind != argc)
        goto wrong_use;
    /* only its folders of plugins matter here; `check` says what is wrong with it */
    struct config *config = config_read(options.config_path, &ignored);
    plugin_list(config && config->plugin_dirs ? config : NULL, load, &l);
    int code = l.report.errors ? EXIT_CONFIG : EXIT_SETTLED;
    if (l.only && !l.count && !l.report.errors) {
        say_missing(&l);
        code = EXIT_WRONG_USE;
    } else if (options.json) {
        print_json(&l);
    } else if (l.only && l.count) {
        describe(l.plugins[0]);
    } else if (!l.only) {
        print_table(&l);
    }
    command_print_report(stderr, &l.report,
                         &(struct command_options) { .config_path = options.config_path });
    while (l.count)
        plugin_unload(l.plugins[--l.count]);
    while (l.name_count)
        free((char *)(uintptr_t)l.names[--l.name_count]);
    free(l.plugins);
    config_free(config);
    report_free(&l.report);
    report_free(&ignored);
    return code;
wrong_use:
    fprintf(stderr, "usage: iptfhir [-c FILE] [--json] plugins [--describe NAME]\n");
    return EXIT_WRONG_USE;
}
