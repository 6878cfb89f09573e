/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and polling a job's source. */
#include "core/sync/reader.h"

#include "core/plugin/host.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct plugin *plugin;
    struct host *host;
    struct plugin_instance *instance;
    struct arena arena;
    struct config_instance source; /* a copy, when its path is replaced */
};

/* The source's options with another path. */
static bool replace_path(struct reader *r, const char *path) {
    struct tree *options = r->source.options ? tree_copy(&r->arena, r->source.options)
                                             : tree_new(&r->arena, TREE_OBJECT);
    if (!options)
        return false;
    struct tree *old = tree_get(options, "path");
    if (old)
        tree_remove(old);
    r->source.options = options;
    char *real = strcmp(path, "-")
                     ? realpath(path, NULL)
                     : NULL; /* as the caller sees it, not relative to the configuration */
    const char *text = real ? real : path;
    bool ok = tree_add(&r->arena, options, "path", tree_string(&r->arena, text, strlen(text)));
    free(real);
    return ok;
}

struct reader *reader_open(const struct config *config, const struct config_job *job,
                           const char *path, const atomic_bool *stopping, struct report *report) {
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->source = *job->source;
    if (path && !replace_path(r, path)) {
        reader_close(r);
        return NULL;
    }
    const struct host_settings settings = { .config = config,
                                            .instance = &r->source,
                                            .stopping = stopping };
    r->plugin = plugin_load(config, &r->source, report);
    if (r->plugin && !plugin_descriptor(r->plugin)->source)
        report_add(report, REPORT_ERROR, "plugin-kind", r->source.where, "plugin %s is no source",
                   r->source.plugin);
    else if (r->plugin && (r->host = host_new(&settings)))
        r->instance = instance_new(r->plugin, &r->source, config, host_table(r->host), report);
    if (r->instance)
        return r;
    reader_close(r);
    return NULL;
}

iptfhir_status reader_poll(struct reader *r, const char *cursor, struct iptfhir_record_sink *sink,
                           struct iptfhir_error *error) {
    return plugin_descriptor(r->plugin)->source->poll(instance_self(r->instance), cursor, sink,
                                                      error);
}

const struct iptfhir_source *reader_source(const struct reader *r) {
    return plugin_descriptor(r->plugin)->source;
}

void reader_close(struct reader *r) {
    if (!r)
        return;
    instance_free(r->instance);
    if (r->host)
        host_free(r->host);
    plugin_unload(r->plugin);
    arena_free(&r->arena);
    free(r);
}
