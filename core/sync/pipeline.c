/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline from a record's text to its resources. */
#include "core/sync/pipeline.h"

#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/base/key.h"
#include "core/fhir/r4.h"
#include "core/plugin/host.h"
#include "core/plugin/loader.h"
#include "core/sync/confine.h"
#include "core/tree/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    struct plugin *plugin;
    struct host *host;
    struct plugin_instance *instance;
    const char *name;
};
struct pipeline {
    const struct config *config;
    struct config *owned;
    const struct config_job *job;
    struct record_schema *schema;
    struct privacy *privacy;
    struct safety *safety;
    struct template_set *templates;
    struct stage *stages;
    size_t stage_count;
    struct plugin **libraries; /* plugins of `functions:` */
    size_t library_count;
    char hash[65]; /* of mappings, mapper options and versions: what else decides the output */
    struct template_coverage *coverage;
    unsigned char identity_key[KEY_BYTES];
    const atomic_bool *stopping; /* NULL: the service never stops */
};

/* ---- opening ---- */

/* Load the plugins of the job's mappers, and those that only have functions. */
static bool load_plugins(struct pipeline *p, struct report *report) {
    const struct config *config = p->config;
    p->stages = calloc(p->job->mapper_count + 1, sizeof *p->stages);
    p->libraries = calloc(config->function_count + 1, sizeof *p->libraries);
    if (p->stages == NULL || p->libraries == NULL)
        return false;
    bool ok = true;
    for (size_t i = 0; i < p->job->mapper_count; i++) {
        struct stage *s = &p->stages[p->stage_count++];
        s->name = p->job->mappers[i]->name;
        s->plugin = plugin_load(config, p->job->mappers[i], report);
        ok = ok && s->plugin != NULL;
    }
    for (size_t i = 0; i < config->function_count; i++) {
        struct plugin *library = plugin_load(config, &config->functions[i], report);
        p->libraries[p->library_count++] = library;
        ok = ok && library != NULL;
    }
    return ok;
}

/* Adds a plugin's functions to a list of tables, unless they are in it. */
static void add_functions(const struct plugin *plugin, const struct iptfhir_function **tables,
                          size_t *count) {
    const struct iptfhir_function *functions = plugin_descriptor(plugin)->functions;
    for (size_t i = 0; i < *count; i++)
        if (tables[i] == functions)
            return;
    if (functions != NULL)
        tables[(*count)++] = functions;
}

/* Compile the mapping files; the plugins' functions are known to them. */
static bool load_templates(struct pipeline *p, struct report *report) {
    size_t count = 0;
    const struct iptfhir_function **tables =
        calloc(p->stage_count + p->library_count + 1, sizeof *tables);
    if (tables == NULL)
        return false;
    for (size_t i = 0; i < p->stage_count; i++)
        add_functions(p->stages[i].plugin, tables, &count);
    for (size_t i = 0; i < p->library_count; i++)
        add_functions(p->libraries[i], tables, &count);
    const struct template_settings settings = { p->config->identity_base, p->config->parameters,
                                                tables, count };
    p->templates = template_set_load(p->config->mappings_dir, &settings, report);
    free(tables);
    return p->templates != NULL;
}

/* Start the mappers. */
static bool start_stages(struct pipeline *p, struct report *report) {
    bool ok = true;
    for (size_t i = 0; i < p->stage_count; i++) {
        struct stage *s = &p->stages[i];
        const struct host_settings settings = { .config = p->config,
                                                .instance = p->job->mappers[i],
                                                .stopping = p->stopping };
        s->host = host_new(&settings);
        s->instance = s->host ? instance_new(s->plugin, p->job->mappers[i], p->config,
                                             host_table(s->host), report)
                              : NULL;
        ok = ok && s->instance;
    }
    return ok;
}

/* Take the key of identities. Before the first sync there may be none: what is only looked at is
 * then made under a key of zeros. */
static bool load_key(struct pipeline *p, struct report *report) {
    struct iptfhir_error error = ERROR_INIT;
    unsigned char key[KEY_BYTES];
    bool there = key_load(p->config->key_file, false, key, &error);
    bool none_yet = strcmp(error.code, "key-missing") == 0 && !p->config->key_file_given;
    if (there)
        (void)key_derive(key, "identity", p->identity_key);
    crypt_wipe(key, sizeof key);
    if (!there && !none_yet)
        report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    return there || none_yet;
}

/* Hash what decides the output besides the record. */
static bool hash_settings(struct pipeline *p) {
    struct str all = { 0 };
    str_printf(&all, "%s\n%s\n" IPTFHIR_VERSION "\n", template_set_hash(p->templates),
               p->config->identity_base);
    privacy_describe(p->privacy, &all);
    if (p->config->parameters)
        json_write_canonical(&all, p->config->parameters);
    for (size_t i = 0; i < p->stage_count; i++) {
        const struct iptfhir_descriptor *d = plugin_descriptor(p->stages[i].plugin);
        str_printf(&all, "\n%s %s ", d->name, d->version ? d->version : "");
        if (p->job->mappers[i]->options)
            json_write_canonical(&all, p->job->mappers[i]->options);
    }
    for (size_t i = 0; i < p->library_count; i++) {
        const struct iptfhir_descriptor *d = plugin_descriptor(p->libraries[i]);
        str_printf(&all, "\nfunctions %s %s", d->name, d->version ? d->version : "");
    }
    if (!all.failed)
        crypt_sha256_hex(all.data, all.length, p->hash);
    str_free(&all);
    return *p->hash != '\0';
}

/* Mappers have no network, whichever command runs them. */
static bool confine(struct report *report) {
    struct iptfhir_error error = ERROR_INIT;
    bool confined = confine_network(&error);
    if (!confined)
        report_add(report, REPORT_ERROR, error.code, "", "%s", error.text);
    return confined;
}

struct pipeline *pipeline_open_config(const struct config *config, const struct config_job *job,
                                      const atomic_bool *stopping, struct report *report) {
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    r4_setup();
    p->config = config;
    p->job = job;
    p->stopping = stopping;
    if (!confine(report)) {
        pipeline_close(p);
        return NULL;
    }
    bool keyed = load_key(p, report);
    char path[4096];
    snprintf(path, sizeof path, "%s/schema/ipt-record.schema.json", config->mappings_dir);
    p->schema = record_schema_load(path, report);
    bool ok = p->schema != NULL;
    if (ok && !record_schema_allow_unknown(p->schema, config->records.unknown_fields_warn)) {
        report_add(report, REPORT_ERROR, "memory", path, "out of memory");
        ok = false;
    }
    p->privacy = privacy_load(config->mappings_dir, report);
    p->safety = safety_load(config->mappings_dir, report);
    ok = ok && p->privacy != NULL && p->safety != NULL;
    ok = load_plugins(p, report) && ok;
    ok = ok && load_templates(p, report);
    ok = ok && start_stages(p, report) && p->schema;
    if (ok && keyed && hash_settings(p))
        return p;
    pipeline_close(p);
    return NULL;
}

struct pipeline *pipeline_open(const char *config_path, const char *job, struct report *report) {
    struct config *config = config_load(config_path, report);
    const struct config_job *found =
        config && !job && config->job_count == 1 ? &config->jobs[0] : NULL;
    for (size_t i = 0; config && job && i < config->job_count; i++)
        if (!strcmp(config->jobs[i].name, job))
            found = &config->jobs[i];
    if (config && !found)
        report_add(report, REPORT_ERROR, "job", config_path, "%s",
                   job ? "there is no such job; see `jobs:`"
                       : "there are several jobs: name one with --job");
    struct pipeline *p = found ? pipeline_open_config(config, found, NULL, report) : NULL;
    if (p)
        p->owned = config;
    else
        config_free(config);
    return p;
}

void pipeline_close(struct pipeline *p) {
    if (!p)
        return;
    for (size_t i = 0; i < p->stage_count; i++) {
        instance_free(p->stages[i].instance);
        if (p->stages[i].host)
            host_free(p->stages[i].host);
    }
    template_set_free(p->templates);
    for (size_t i = 0; i < p->stage_count; i++)
        plugin_unload(p->stages[i].plugin);
    for (size_t i = 0; i < p->library_count; i++)
        plugin_unload(p->libraries[i]);
    free(p->libraries);
    free(p->stages);
    privacy_free(p->privacy);
    safety_free(p->safety);
    record_schema_free(p->schema);
    config_free(p->owned);
    free(p);
}

const struct config *pipeline_config(const struct pipeline *p) {
    return p->config;
}
const struct config_job *pipeline_job(const struct pipeline *p) {
    return p->job;
}
const struct template_set *pipeline_templates(const struct pipeline *p) {
    return p->templates;
}
const char *pipeline_settings_hash(const struct pipeline *p) {
    return p->hash;
}
const struct safety *pipeline_safety(const struct pipeline *p) {
    return p->safety;
}
const struct privacy *pipeline_privacy(const struct pipeline *p) {
    return p->privacy;
}
void pipeline_set_coverage(struct pipeline *p, struct template_coverage *coverage) {
    p->coverage = coverage;
}
void pipeline_identity(const struct pipeline *p, const char *local_id, const char *type,
                       const char *key, char out[37]) {
    (void)identity_of(p->identity_key, local_id, type, key, out);
}

void pipeline_use_test_key(struct pipeline *p) {
    memset(p->identity_key, 0, sizeof p->identity_key);
}

/* ---- one record ---- */

/* A record in hand, as mappers see it and as sinks need it. */
struct hand {
    struct iptfhir_record record; /* first: mappers get a pointer to it */
    struct pipeline *p;
    struct arena *arena;
    const struct tree *tree;
    const struct pipeline_events *events;
    const char *mapping;
    const struct template_render *render; /* the one under way */
    const char *data_class;               /* of the resource that a mapping file made just now */
    enum template_owner owner;
    int64_t as_of_ms;
    struct iptfhir_error *error;
    bool failed;
};

/* Hold a part of the record. */
static bool hold_part(struct hand *h, const char *pointer, const char *code, const char *why) {
    if (h->events->hold && !h->events->hold(h->events->user, pointer, code, why, h->error))
        h->failed = true;
    return !h->failed;
}

/* Why a resource breaks R4, in the arena: the first paths and how many more. */
static const char *faults_of(struct hand *h, const struct tree *resource) {
    struct report report = { 0 };
    if (r4_validate(resource, &report))
        return NULL;
    struct str text = { 0 };
    for (size_t i = 0; i < report.count && i < 5; i++)
        str_printf(&text, "%s%s: %s", i ? "; " : "", report.entries[i].error.where,
                   report.entries[i].error.text);
    if (report.count > 5)
        str_printf(&text, "; and %zu more", report.count - 5);
    const char *kept = text.failed ? "breaks R4" : arena_strndup(h->arena, text.data, text.length);
    str_free(&text);
    report_free(&report);
    return kept ? kept : "breaks R4";
}

/* Whether R4 gives resources of this type business identifiers. */
static bool can_have_identifier(const char *type) {
    const struct r4_type *found = r4_type(type);
    return found == NULL || r4_element(found, "identifier", NULL) != NULL;
}

/* Check a finished resource and hand it on. */
static bool finish(struct hand *h, const struct tree *resource) {
    struct report leaks = { 0 };
    const char *type = tree_text(resource, "resourceType"), *id = tree_text(resource, "id");
    const struct tree *identifier = tree_get(resource, "identifier");
    if (identifier && identifier->kind == TREE_ARRAY)
        identifier = identifier->first;
    const char *system = identifier ? tree_text(identifier, "system") : NULL,
               *value = identifier ? tree_text(identifier, "value") : NULL;
    if (!type || !id || strlen(id) != 36)
        return hold_part(
            h, h->mapping, "invalid",
            "the resource has no resourceType or no id made by identity(): see the mapping guide");
    struct pipeline_resource r = { .tree = resource,
                                   .type = type,
                                   .uuid = id,
                                   .identifier_system = system,
                                   .identifier_value = value,
                                   .data_class = h->data_class,
                                   .owner = h->owner,
                                   .as_of_ms = h->as_of_ms,
                                   .mapping = h->mapping,
                                   .invalid = faults_of(h, resource) };
    if (!resource_references(h->arena, resource, &r.references, &r.reference_count)) {
        h->failed = true;
        return error_set(h->error, "memory", NULL, "out of memory");
    }
    if (!r.invalid &&
        !egress_allowed(resource, &leaks)) { /* the guard knows the elements of R4 only */
        const struct iptfhir_error *leak = leaks.count ? &leaks.entries[0].error : NULL;
        bool held = hold_part(h, leak ? leak->where : type, "policy-denied",
                              leak ? leak->text : "this must not leave the clinic");
        report_free(&leaks);
        return held;
    }
    report_free(&leaks);
    bool findable = r.identifier_system != NULL || !can_have_identifier(type);
    if (!findable)
        r.invalid = r.invalid ? r.invalid
                              : "the resource has no identifier, so it could not be found again";
    r.identifier_system = system ? system : "";
    r.identifier_value = value ? value : "";
    if (h->events->resource && !h->events->resource(h->events->user, &r, h->error))
        h->failed = true;
    return !h->failed;
}

static bool on_rendered(void *user, const struct template *t, struct tree *resource,
                        struct iptfhir_error *error) {
    (void)error;
    struct hand *h = user;
    h->data_class = template_data_class(t, h->render->item);
    h->owner = template_owner_of(t);
    h->as_of_ms = template_as_of(t, resource);
    bool ok = finish(h, resource);
    h->data_class = "";
    h->owner = TEMPLATE_RECORD;
    h->as_of_ms = 0;
    return ok;
}

/* A resource that a mapping could not make waits for a person; the others go on. */
static bool on_fault(void *user, const struct template *t, const struct iptfhir_error *error) {
    (void)t;
    struct hand *h = user;
    return hold_part(h, *error->where ? error->where : h->mapping, error->code, error->text);
}

/* Refuse what is deeper than any JSON text may be: what comes after walks it recursively. */
static bool depth_allowed(const struct tree *tree, const char *what, struct iptfhir_error *error) {
    return node_depth_allowed(tree) ||
           error_set(error, "too-deep", what, "the plugin built more than %d levels: build fewer",
                     TREE_MAX_DEPTH);
}

static iptfhir_status sink_render(struct iptfhir_resource_sink *sink, const char *mapping,
                                  const struct iptfhir_node *facts, struct iptfhir_error *error) {
    struct hand *h = sink->self;
    const struct template *t = template_find(h->p->templates, mapping);
    const struct tree *tree = node_tree(facts);
    if (t == NULL) {
        error_set(error, "mapping", mapping, "there is no such mapping file");
        return IPTFHIR_FATAL;
    }
    if (!depth_allowed(tree, mapping, error))
        return IPTFHIR_FATAL;
    struct iptfhir_error why = ERROR_INIT;
    struct template_render render = { .arena = h->arena,
                                      .record = h->tree,
                                      .facts = tree,
                                      .now_ms = clock_now_ms(),
                                      .emit = on_rendered,
                                      .fault = on_fault,
                                      .user = h,
                                      .coverage = h->p->coverage };
    const char *outer = h->mapping;
    h->mapping = mapping;
    h->render = &render;
    bool ok = template_render(h->p->templates, t, &render, &why);
    h->mapping = outer;
    if (h->failed)
        return IPTFHIR_FATAL;
    if (!ok) /* this resource waits for a person, the others go on */
        return hold_part(h, *why.where ? why.where : mapping, why.code, why.text) ? IPTFHIR_OK
                                                                                  : IPTFHIR_FATAL;
    return IPTFHIR_OK;
}

static iptfhir_status sink_emit(struct iptfhir_resource_sink *sink, struct iptfhir_node *resource,
                                struct iptfhir_error *error) {
    struct hand *h = sink->self;
    const struct tree *tree = node_built_tree(resource);
    if (tree == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return IPTFHIR_FATAL;
    }
    if (!depth_allowed(tree, h->mapping, error))
        return IPTFHIR_FATAL;
    return finish(h, tree) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

static iptfhir_status sink_hold(struct iptfhir_resource_sink *sink, const char *pointer,
                                const char *code, const char *why) {
    return hold_part(sink->self, pointer, code, why) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

static void sink_alert(struct iptfhir_resource_sink *sink, const char *pointer, const char *code) {
    struct hand *h = sink->self;
    if (h->events->alert)
        h->events->alert(h->events->user, pointer, code);
}

static bool is_stopping(const struct pipeline *p) {
    return p->stopping != NULL && *p->stopping;
}

/* Run the mappers over a checked record. */
static enum pipeline_end run_stages(struct hand *h, struct iptfhir_error *error) {
    struct iptfhir_resource_sink sink = { .size = sizeof sink,
                                          .self = h,
                                          .document = node_document(h->arena),
                                          .render = sink_render,
                                          .emit = sink_emit,
                                          .hold = sink_hold,
                                          .alert = sink_alert };
    for (size_t i = 0; i < h->p->stage_count; i++) {
        const struct stage *s = &h->p->stages[i];
        struct iptfhir_error why = ERROR_INIT;
        h->mapping = s->name;
        if (h->events->mapper)
            h->events->mapper(h->events->user, plugin_descriptor(s->plugin)->name);
        iptfhir_status status = plugin_descriptor(s->plugin)->mapper->map(
            instance_self(s->instance), &h->record, &sink, &why);
        if (h->failed)
            return PIPELINE_FAILED;
        if (status == IPTFHIR_FATAL) {
            error_set(error, *why.code ? why.code : "mapper", why.where, "mapper %s: %s", s->name,
                      why.text);
            return PIPELINE_REFUSED;
        }
        if (status == IPTFHIR_RETRY && is_stopping(h->p))
            return PIPELINE_STOPPED;
        if (status != IPTFHIR_OK &&
            !hold_part(h, why.where, *why.code ? why.code : "rejected", why.text))
            return PIPELINE_FAILED;
    }
    if (h->events->mapper)
        h->events->mapper(h->events->user, "");
    return PIPELINE_MAPPED;
}

/* Take over the first finding of a report, and how many more there are. */
static void first_finding(const struct report *report, struct iptfhir_error *error) {
    for (size_t i = 0; i < report->count; i++) {
        const struct iptfhir_error *e = &report->entries[i].error;
        if (report->entries[i].severity != REPORT_ERROR)
            continue;
        if (report->errors > 1)
            error_set(error, e->code, e->where, "%s (and %zu more faults in this record)", e->text,
                      report->errors - 1);
        else
            error_set(error, e->code, e->where, "%s", e->text);
        return;
    }
}

/* Refuse a record of too many bytes. */
static bool size_allowed(const struct pipeline *p, size_t bytes, const char *source, uint32_t line,
                         struct iptfhir_error *error) {
    if (bytes <= (size_t)p->config->records.max_bytes)
        return true;
    char where[600];
    snprintf(where, sizeof where, "%s:%u", source ? source : "-", line);
    return error_set(error, "record-too-large", where,
                     "the record is larger than records.max_bytes");
}

/* Drop what is restricted and check the rest. */
static bool check_record(struct pipeline *p, struct tree *record, const char *source, char id[256],
                         struct iptfhir_error *error) {
    struct report report = { 0 };
    record_drop_restricted(p->schema, record);
    const char *name = record->kind == TREE_OBJECT ? tree_text(record, "recordId") : NULL;
    if (name)
        snprintf(id, 256, "%s", name);
    bool ok = record_check(p->schema, record, source, &report);
    if (!ok)
        first_finding(&report, error);
    report_free(&report);
    return ok;
}

enum pipeline_end pipeline_make(struct pipeline *p, struct arena *arena, struct tree *record,
                                const char *id, const struct pipeline_events *events,
                                struct iptfhir_error *error) {
    if (p->coverage)
        template_coverage_record(p->coverage, record);
    const struct tree *course = tree_new(arena, TREE_OBJECT);
    if (course == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return PIPELINE_FAILED;
    }
    struct hand h = { .record = { .size = sizeof h.record,
                                  .id = id,
                                  .node = node_of(record),
                                  .course = node_of(course) },
                      .p = p,
                      .arena = arena,
                      .tree = record,
                      .events = events,
                      .data_class = "",
                      .error = error };
    const struct tree *patient = tree_get(record, "patient");
    const char *local_id = patient != NULL ? tree_text(patient, "localId") : NULL;
    identity_enter(p->identity_key, local_id != NULL ? local_id : "");
    enum pipeline_end end = run_stages(&h, error);
    identity_leave();
    return end;
}

bool pipeline_content(const struct pipeline *p, const struct tree *record,
                      const unsigned char key[32], unsigned char out[16]) {
    char both[131], hash[65];
    if (record_hash(record, hash) == NULL)
        return false;
    snprintf(both, sizeof both, "%s%s", hash, p->hash);
    return crypt_hmac16(key, both, strlen(both), out);
}

/* Map a record that passed the check. */
static enum pipeline_end map_record(struct pipeline *p, struct arena *arena, struct tree *record,
                                    const struct pipeline_events *events, const char *id,
                                    struct iptfhir_error *error) {
    if (events->record && !events->record(events->user, record, id))
        return PIPELINE_SKIPPED;
    return pipeline_make(p, arena, record, id, events, error);
}

bool pipeline_read(struct pipeline *p, struct arena *arena, char *text, size_t length,
                   const char *source, uint32_t line, struct tree **readable, char id[256],
                   struct iptfhir_error *error) {
    *readable = NULL;
    if (!size_allowed(p, length, source, line, error))
        return false;
    *readable = json_read(arena, text, length, source, line, true, error);
    return *readable != NULL && check_record(p, *readable, source, id, error);
}

enum pipeline_end pipeline_record(struct pipeline *p, struct arena *arena, char *text,
                                  size_t length, const char *source, uint32_t line,
                                  const struct pipeline_events *events, char id[256],
                                  struct iptfhir_error *error) {
    struct tree *record;
    if (!pipeline_read(p, arena, text, length, source, line, &record, id, error))
        return PIPELINE_REFUSED;
    return map_record(p, arena, record, events, id, error);
}

/* Gives the nodes of a built record that have no place of their own that of what they are in, the
 * record itself the line it came from; returns about how many bytes its JSON has. */
static size_t place_nodes(struct tree *record, uint32_t line) {
    size_t bytes = 0;
    struct tree *node = record;
    while (node != NULL) {
        bool container = node->kind == TREE_ARRAY || node->kind == TREE_OBJECT;
        if (node->line == 0) {
            bool inside = node != record;
            node->line = inside ? node->parent->line : line;
            node->column = inside ? node->parent->column : 1;
        }
        bytes += node->name_length + (container ? 4 : node->length + 4);
        if (container && node->first != NULL) {
            node = node->first;
            continue;
        }
        while (node != record && node->next == NULL)
            node = node->parent;
        node = node == record ? NULL : node->next;
    }
    return bytes;
}

size_t pipeline_build_limit(const struct config *config) {
    enum { NODE_FOR_BYTE = 16 }; /* a node takes more than its text: 64 bytes for a number */
    return (size_t)config->records.max_bytes * NODE_FOR_BYTE;
}

bool pipeline_read_built(struct pipeline *p, struct tree *record, const char *source, uint32_t line,
                         struct tree **readable, char id[256], struct iptfhir_error *error) {
    *readable = NULL;
    if (!depth_allowed(record, source, error) ||
        !size_allowed(p, place_nodes(record, line), source, line, error))
        return false;
    *readable = record;
    return check_record(p, record, source, id, error);
}

enum pipeline_end pipeline_record_built(struct pipeline *p, struct arena *arena,
                                        struct tree *record, const char *source, uint32_t line,
                                        const struct pipeline_events *events, char id[256],
                                        struct iptfhir_error *error) {
    if (record == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return PIPELINE_FAILED;
    }
    struct tree *readable;
    if (!pipeline_read_built(p, record, source, line, &readable, id, error))
        return PIPELINE_REFUSED;
    return map_record(p, arena, record, events, id, error);
}

/* ---- golden tests and samples ---- */

struct collecting {
    bool (*emit)(void *, const struct tree *);
    void *user;
    struct report *report;
    const char *source;
};

static bool collect_resource(void *user, const struct pipeline_resource *r,
                             struct iptfhir_error *error) {
    struct collecting *c = user;
    if (r->invalid)
        report_add(c->report, REPORT_ERROR, "invalid", c->source, "%s made by %s: %s", r->type,
                   r->mapping, r->invalid);
    return c->emit(c->user, r->tree) || error_set(error, "stopped", NULL, "stopped");
}

static bool collect_hold(void *user, const char *pointer, const char *code, const char *why,
                         struct iptfhir_error *error) {
    (void)error;
    struct collecting *c = user;
    report_add(c->report, REPORT_WARNING, code, c->source, "%s: held: %s", pointer, why);
    return true;
}

bool pipeline_map(struct pipeline *p, const char *json, size_t length, const char *source,
                  bool (*emit)(void *user, const struct tree *resource), void *user,
                  struct report *report) {
    struct collecting c = { emit, user, report, source };
    const struct pipeline_events events = { .user = &c,
                                            .resource = collect_resource,
                                            .hold = collect_hold };
    struct arena arena = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    char id[256] = "";
    char *text = arena_strndup(&arena, json, length);
    enum pipeline_end end =
        text ? pipeline_record(p, &arena, text, length, source, 1, &events, id, &error)
             : PIPELINE_FAILED;
    if (error_is_set(&error))
        report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    arena_free(&arena);
    return end == PIPELINE_MAPPED;
}
