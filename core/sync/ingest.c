/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest process: polls the source, maps, stores. */
#include "core/sync/ingest.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/sync/batch.h"
#include "core/sync/confine.h"
#include "core/sync/reader.h"
#include "core/tree/node.h"

#include <stdlib.h>
#include <string.h>

struct ingest {
    const struct config *config;
    const struct config_job *job;
    struct shared *page;
    struct pipeline *pipeline;
    struct store *store;
    struct arena arena;    /* of the record in hand */
    struct arena building; /* what the source builds */
    struct batch batch;
    struct batch_record *current;
    const struct iptfhir_origin *origin;
    char file[512]; /* the file that records come from now */
    int64_t poll, batch_since;
    struct iptfhir_error error; /* a fault of ours: ends the run */
    atomic_bool stopping;
};

/* ---- what the pipeline tells ---- */

/* The patient's matching data as JSON. */
static bool patient_json(const struct tree *record, struct str *out) {
    const struct tree *patient = tree_get(record, "patient");
    const struct tree *identifiers = patient ? tree_get(patient, "identifiers") : NULL;
    str_puts(out, "{\"identifiers\":");
    if (identifiers)
        json_write(out, identifiers, JSON_COMPACT);
    else
        str_puts(out, "[]");
    static const char *const names[][2] = { { "familyName", "family" },
                                            { "birthDate", "birthDate" } };
    for (int i = 0; i < 2; i++) {
        const char *text = patient ? tree_text(patient, names[i][0]) : NULL;
        if (!text)
            continue;
        str_printf(out, ",\"%s\":", names[i][1]);
        str_json(out, text, strlen(text));
    }
    str_puts(out, "}");
    return !out->failed;
}

/* A record is checked and about to be mapped: skip it when it is as it was. */
static bool on_record(void *user, const struct tree *record, const char *id, const char *hash) {
    struct ingest *in = user;
    bool same;
    if (!store_record_same(in->store, in->job->name, id, hash, &same, &in->error))
        return false;
    if (same) {
        in->page->unchanged++;
        return false;
    }
    struct str patient = { 0 };
    char lane[37];
    const struct tree *p = tree_get(record, "patient");
    const char *local = p ? tree_text(p, "localId") : NULL;
    pipeline_identity(in->pipeline, "Patient", local ? local : id, lane);
    in->current = patient_json(record, &patient)
                      ? batch_add_record(&in->batch, id, hash, lane, patient.data, record)
                      : NULL;
    str_free(&patient);
    if (!in->current)
        return error_set(&in->error, "memory", NULL, "out of memory");
    struct shared_mark *mark = &in->page->mark;
    snprintf(mark->job, sizeof mark->job, "%s", in->job->name);
    snprintf(mark->record_id, sizeof mark->record_id, "%s", id);
    snprintf(mark->hash, sizeof mark->hash, "%s", hash);
    in->page->mark_since_ms = clock_steady_ms();
    return true;
}

/* A mapper begins: the mark names it. */
static void on_mapper(void *user, const char *name) {
    struct ingest *in = user;
    snprintf(in->page->mark.plugin, sizeof in->page->mark.plugin, "%s", name);
}

static bool on_resource(void *user, const struct pipeline_resource *resource,
                        struct iptfhir_error *error) {
    struct ingest *in = user;
    return batch_add_resource(&in->batch, in->current, resource) ||
           error_set(error, "memory", NULL, "out of memory");
}

/* A part of the record waits for a person. */
static bool on_hold(void *user, const char *pointer, const char *code, const char *why,
                    struct iptfhir_error *error) {
    struct ingest *in = user;
    struct str key = { 0 }, where = { 0 };
    str_printf(&key, "%s\x1f%s\x1f%s", in->current->id, pointer, code);
    str_printf(&where, "%s:%lld %s", in->origin->file ? in->origin->file : "-",
               (long long)in->origin->line, pointer);
    struct store_hold_in hold = { .key = key.data,
                                  .file = in->origin->file,
                                  .record_id = in->current->id,
                                  .where = where.data,
                                  .code = code,
                                  .detail = why };
    bool ok = !key.failed && !where.failed && batch_add_hold(&in->batch, &hold);
    str_free(&key);
    str_free(&where);
    return ok || error_set(error, "memory", NULL, "out of memory");
}

static void on_alert(void *user, const char *pointer, const char *code) {
    struct ingest *in = user;
    char name[17];
    in->page->alerts++;
    log_line(IPTFHIR_WARNING,
             "safety: record %s %s: %s; see the record in the clinic's own system now",
             log_name(in->current->id, name), pointer, code);
}

/* ---- what the source tells ---- */

/* Store what is collected. */
static iptfhir_status store_batch(struct ingest *in, const char *cursor, const char *done_file) {
    if (!batch_store(&in->batch, in->store, in->job, cursor, done_file, in->poll, &in->error))
        return IPTFHIR_FATAL;
    in->page->accepted += in->batch.entries;
    in->batch_since = clock_steady_ms();
    return IPTFHIR_OK;
}

/* Store the batch when it is full or old. */
static iptfhir_status maybe_store(struct ingest *in) {
    bool full = in->batch.records >= BATCH_RECORDS || in->batch.arena.used >= BATCH_BYTES;
    bool old =
        (in->batch.first || in->batch.holds) && clock_steady_ms() - in->batch_since >= BATCH_MS;
    return full || old ? store_batch(in, NULL, NULL) : IPTFHIR_OK;
}

/* Another file begins: what was held of the last one and didn't come again is void. */
static iptfhir_status note_file(struct ingest *in, const struct iptfhir_origin *origin) {
    const char *file = origin->file ? origin->file : "-";
    if (!strcmp(file, in->file))
        return IPTFHIR_OK;
    iptfhir_status status = *in->file ? store_batch(in, NULL, in->file) : IPTFHIR_OK;
    snprintf(in->file, sizeof in->file, "%s", file);
    return status;
}

/* Hold something that is no usable record. */
static bool hold_whole(struct ingest *in, const struct iptfhir_origin *origin, const char *id,
                       const char *where, const char *code, const char *why) {
    struct str key = { 0 };
    if (id)
        str_printf(&key, "%s\x1f", id);
    else
        str_printf(&key, "%s:%lld\x1f%s", origin->file ? origin->file : "-",
                   (long long)origin->line, code);
    struct store_hold_in hold = { .key = key.data,
                                  .file = origin->file ? origin->file : "-",
                                  .record_id = id,
                                  .where = where,
                                  .code = code,
                                  .detail = why };
    bool ok = !key.failed && batch_add_hold(&in->batch, &hold);
    str_free(&key);
    in->page->refused++;
    log_line(IPTFHIR_WARNING, "held: %s: %s [%s]", where, why, code);
    return ok || error_set(&in->error, "memory", NULL, "out of memory");
}

static const struct pipeline_events record_events = { .record = on_record,
                                                      .resource = on_resource,
                                                      .hold = on_hold,
                                                      .alert = on_alert,
                                                      .mapper = on_mapper };

/* A record begins. */
static bool begin_record(struct ingest *in, const struct iptfhir_origin *origin,
                         struct pipeline_events *events) {
    if (note_file(in, origin) != IPTFHIR_OK)
        return false;
    *events = record_events;
    events->user = in;
    in->origin = origin;
    in->current = NULL;
    in->page->records++;
    if (!in->batch.first && !in->batch.holds)
        in->batch_since = clock_steady_ms();
    arena_reset(&in->arena);
    return true;
}

/* A record has ended. */
static iptfhir_status end_record(struct ingest *in, const struct iptfhir_origin *origin,
                                 enum pipeline_end end, const char *id,
                                 const struct iptfhir_error *why) {
    arena_reset(&in->building);
    in->page->mark_since_ms = 0;
    if (error_is_set(&in->error) || end == PIPELINE_FAILED) {
        error_set(&in->error, why->code, why->where, "%s", why->text);
        return IPTFHIR_FATAL;
    }
    if (end == PIPELINE_REFUSED) {
        if (in->current)
            batch_drop_last(&in->batch);
        if (!hold_whole(in, origin, *id ? id : NULL, why->where, why->code, why->text))
            return IPTFHIR_FATAL;
    }
    return in->page->stop ? IPTFHIR_RETRY : maybe_store(in);
}

static uint32_t line_of(const struct iptfhir_origin *origin) {
    return (uint32_t)(origin->line > 0 ? origin->line : 1);
}

static iptfhir_status emit_text(struct iptfhir_record_sink *sink, const char *json, size_t length,
                                const struct iptfhir_origin *origin) {
    struct ingest *in = sink->self;
    struct pipeline_events events;
    struct iptfhir_error why = ERROR_INIT;
    char id[256] = "";
    if (!begin_record(in, origin, &events))
        return IPTFHIR_FATAL;
    char *text = arena_strndup(&in->arena, json, length);
    if (!text)
        return IPTFHIR_FATAL;
    enum pipeline_end end = pipeline_record(in->pipeline, &in->arena, text, length, origin->file,
                                            line_of(origin), &events, id, &why);
    return end_record(in, origin, end, id, &why);
}

static iptfhir_status emit_node(struct iptfhir_record_sink *sink, struct iptfhir_node *record,
                                const struct iptfhir_origin *origin) {
    struct ingest *in = sink->self;
    struct pipeline_events events;
    struct iptfhir_error why = ERROR_INIT;
    char id[256] = "";
    if (!begin_record(in, origin, &events))
        return IPTFHIR_FATAL;
    enum pipeline_end end = pipeline_record_built(in->pipeline, &in->arena, node_built_tree(record),
                                                  origin->file, line_of(origin), &events, id, &why);
    return end_record(in, origin, end, id, &why);
}

static iptfhir_status hold_row(struct iptfhir_record_sink *sink,
                               const struct iptfhir_origin *origin, const char *code,
                               const char *why) {
    struct ingest *in = sink->self;
    char where[600];
    if (note_file(in, origin) != IPTFHIR_OK)
        return IPTFHIR_FATAL;
    snprintf(where, sizeof where, "%s:%lld", origin->file ? origin->file : "-",
             (long long)origin->line);
    return hold_whole(in, origin, NULL, where, code, why) ? maybe_store(in) : IPTFHIR_FATAL;
}

/* Cursors are kept with the hash of the settings they were reached under: with other mappings
 * everything is read again. */
static iptfhir_status take_cursor(struct iptfhir_record_sink *sink, const char *cursor) {
    struct ingest *in = sink->self;
    struct str kept = { 0 };
    str_printf(&kept, "%s %s", pipeline_settings_hash(in->pipeline), cursor);
    iptfhir_status status = kept.failed ? IPTFHIR_FATAL : store_batch(in, kept.data, NULL);
    str_free(&kept);
    return status;
}

/* The source's own part of a kept cursor; NULL when it was reached under other settings. */
static const char *usable_cursor(const struct ingest *in, const struct str *kept) {
    const char *hash = pipeline_settings_hash(in->pipeline);
    size_t n = strlen(hash);
    return kept->length > n && !strncmp(kept->data, hash, n) && kept->data[n] == ' '
               ? kept->data + n + 1
               : NULL;
}

static void take_progress(struct iptfhir_record_sink *sink, uint64_t done, uint64_t total) {
    struct ingest *in = sink->self;
    in->page->source_done = done;
    in->page->source_total = total;
}

/* ---- the process ---- */

/* Poll the source once and store the rest. */
static int poll_source(struct ingest *in, struct reader *reader) {
    struct iptfhir_error error = ERROR_INIT;
    struct str cursor = { 0 };
    struct iptfhir_record_sink sink = { .size = sizeof sink,
                                        .self = in,
                                        .document = node_document(&in->building),
                                        .emit = emit_node,
                                        .emit_text = emit_text,
                                        .hold = hold_row,
                                        .cursor = take_cursor,
                                        .progress = take_progress };
    if (!store_cursor(in->store, in->job->name, &cursor, &in->error))
        return EXIT_FAULT;
    iptfhir_status status = reader_poll(reader, usable_cursor(in, &cursor), &sink, &error);
    str_free(&cursor);
    if (!error_is_set(&in->error))
        store_batch(in, NULL, status == IPTFHIR_OK && *in->file ? in->file : NULL);
    if (error_is_set(&in->error))
        return EXIT_FAULT;
    if (status == IPTFHIR_OK || in->page->stop)
        return EXIT_SETTLED;
    log_line(IPTFHIR_ERROR, "source %s: %s%s%s [%s]", in->job->source->name, error.where,
             *error.where ? ": " : "", error.text, error.code);
    return status == IPTFHIR_RETRY ? EXIT_LATER : EXIT_FAULT;
}

/* Say what was wrong with configuration or plugins. */
static void log_report(const struct report *report) {
    for (size_t i = 0; i < report->count; i++)
        log_line(report->entries[i].severity == REPORT_ERROR ? IPTFHIR_ERROR : IPTFHIR_WARNING,
                 "%s: %s [%s]", report->entries[i].error.where, report->entries[i].error.text,
                 report->entries[i].error.code);
}

int ingest_run(const struct config *config, const struct config_job *job, struct shared *page) {
    struct ingest in = { .config = config,
                         .job = job,
                         .page = page,
                         .poll = clock_now_ms(),
                         .arena = { .limit = 512u << 20 },
                         .building = { .limit = 512u << 20 } };
    struct report report = { 0 };
    struct reader *reader = NULL;
    int code = EXIT_CONFIG;
    log_setup(config->log_level, "ingest");
    in.store = store_open(config->store_path, STORE_WRITE, &in.error);
    if (!in.store) {
        code = EXIT_FAULT;
        goto out;
    }
    log_set_key(store_log_key(in.store));
    if (!confine_network(&in.error))
        goto out;
    in.pipeline = pipeline_open_config(config, job, &report);
    reader = in.pipeline ? reader_open(config, job, pipeline_templates(in.pipeline), NULL,
                                       &in.stopping, &report)
                         : NULL;
    if (reader)
        code = poll_source(&in, reader);
out:
    log_report(&report);
    if (error_is_set(&in.error))
        log_line(IPTFHIR_ERROR, "ingest: %s%s%s [%s]", in.error.where, *in.error.where ? ": " : "",
                 in.error.text, in.error.code);
    reader_close(reader);
    pipeline_close(in.pipeline);
    store_close(in.store);
    arena_free(&in.arena);
    arena_free(&in.building);
    arena_free(&in.batch.arena);
    report_free(&report);
    return code;
}
