/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir map: records to resources on stdout; no store, no network. */
#include "core/base/str.h"
#include "core/command/command.h"
#include "core/fhir/r4.h"
#include "core/sync/mapping_run.h"

#include <getopt.h>
#include <string.h>

#define FLUSH_BYTES (256u << 10)

struct output {
    struct str out, body;
    struct arena arena; /* of the entry in hand */
    struct mapping_run *run;
    bool bundle, explain, failed;
    size_t in_bundle;
};

/* Write out what is collected. */
static bool flush(struct output *o) {
    size_t length = o->out.length;
    if (o->out.failed)
        o->failed = true;
    else if (length > 0 && fwrite(o->out.data, 1, length, stdout) != length)
        o->failed = true;
    str_clear(&o->out);
    return !o->failed;
}

/* Write a resource with its references as urn:uuid, as entries of one Bundle refer to each other.
 */
static void write_with_urns(struct output *o, const struct tree *resource) {
    struct tree *copy = tree_copy(&o->arena, resource);
    if (copy != NULL && resource_references_to_urns(&o->arena, copy))
        json_write(&o->out, copy, JSON_COMPACT);
    else
        o->out.failed = true;
    arena_reset(&o->arena);
}

/* One entry of a transaction Bundle. */
static void add_entry(struct output *o, const struct pipeline_resource *r) {
    const char *before = o->in_bundle > 0 ? ",\n" : "\n";
    o->in_bundle++;
    str_printf(&o->out, "%s{\"fullUrl\":\"urn:uuid:%s\",\"resource\":", before, r->uuid);
    write_with_urns(o, r->tree);
    str_printf(&o->out, ",\"request\":{\"method\":\"POST\",\"url\":\"%s\"", r->type);
    if (r->identifier_system[0] != '\0') {
        struct str query = { 0 };
        str_printf(&query, "identifier=%s|%s", r->identifier_system, r->identifier_value);
        str_puts(&o->out, ",\"ifNoneExist\":");
        str_json(&o->out, query.failed ? "" : query.data, query.length);
        str_free(&query);
    }
    str_puts(&o->out, "}}");
}

static bool on_resource(void *user, const struct pipeline_resource *r,
                        struct iptfhir_error *error) {
    struct output *o = user;
    str_clear(&o->body);
    json_write(&o->body, r->tree, JSON_COMPACT);
    if (r->invalid != NULL) {
        o->run->holds++;
        fprintf(stderr, "%s by %s: held: %s [invalid]\n", r->type, r->mapping, r->invalid);
    }
    if (o->explain)
        fprintf(stderr, "%s/%s  %s|%s  by %s\n", r->type, r->uuid, r->identifier_system,
                r->identifier_value, r->mapping);
    if (o->bundle) {
        add_entry(o, r);
    } else {
        str_add(&o->out, o->body.data, o->body.length);
        str_putc(&o->out, '\n');
    }
    bool written = !o->body.failed;
    if (o->out.length > FLUSH_BYTES)
        written = flush(o) && written;
    return written || error_set(error, "output", NULL, "cannot write to stdout");
}

static bool on_hold(void *user, const char *pointer, const char *code, const char *why,
                    struct iptfhir_error *error) {
    (void)error;
    struct output *o = user;
    o->run->holds++;
    fprintf(stderr, "%s: held: %s [%s]\n", pointer, why, code);
    return true;
}

/* A bundle per record begins. */
static bool on_record(void *user, const struct tree *record, const char *id) {
    (void)record, (void)id;
    struct output *o = user;
    if (o->bundle)
        str_puts(&o->out,
                 "{\"resourceType\":\"" R4_BUNDLE "\",\"type\":\"transaction\",\"entry\":[");
    o->in_bundle = 0;
    return true;
}

static bool on_end(void *user) {
    struct output *o = user;
    if (o->bundle)
        str_puts(&o->out, "]}\n");
    return true;
}

/* Map each file, or the job's own source. */
static int run_all(struct pipeline *p, struct output *o, char **files, int count,
                   struct report *report) {
    const struct pipeline_events events = {
        .user = o, .record = on_record, .resource = on_resource, .hold = on_hold
    };
    int code = EXIT_SETTLED;
    if (count == 0)
        code = mapping_run(p, NULL, &events, on_end, o->run, report);
    for (int i = 0; i < count; i++) {
        int one = mapping_run(p, files[i], &events, on_end, o->run, report);
        code = exit_gravest(code, one);
    }
    bool written = flush(o) && fflush(stdout) == 0;
    return written ? code : EXIT_FAULT;
}

/* Reads a format's name; false: there is none of this name. */
static bool take_format(const char *name, bool *bundle) {
    *bundle = strcmp(name, "bundle") == 0;
    return *bundle || strcmp(name, "ndjson") == 0;
}

static bool read_arguments(int argc, char **argv, const char **job, struct output *o) {
    static const struct option longs[] = { { "job", required_argument, NULL, 'J' },
                                           { "format", required_argument, NULL, 'f' },
                                           { "explain", no_argument, NULL, 'x' },
                                           { 0 } };
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'J': *job = optarg; break;
        case 'x': o->explain = true; break;
        case 'f': good = take_format(optarg, &o->bundle); break;
        default: good = false; break;
        }
    }
    return good;
}

int command_map(int argc, char **argv, const struct command_options *options) {
    const struct command_options plain = { .config_path = options->config_path };
    const char *job = NULL;
    struct mapping_run run = { 0 };
    struct output o = { .run = &run };
    struct report report = { 0 };
    int code = EXIT_CONFIG;
    if (!read_arguments(argc, argv, &job, &o)) {
        fprintf(stderr, "usage: iptfhir [-c FILE] map [--job J] [--format ndjson|bundle] "
                        "[--explain] [FILE...]\n");
        return EXIT_WRONG_USE;
    }
    struct pipeline *p = pipeline_open(options->config_path, job, &report);
    if (p != NULL)
        code = run_all(p, &o, argv + optind, argc - optind, &report);
    if (report.count > 0)
        command_print_report(stderr, &report, &plain);
    pipeline_close(p);
    report_free(&report);
    str_free(&o.out);
    str_free(&o.body);
    arena_free(&o.arena);
    return code;
}
