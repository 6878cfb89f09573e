/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and mapping without a store. */
#include "core/sync/mapping_run.h"

#include "core/command/command.h"
#include "core/sync/reader.h"
#include "core/tree/node.h"

#include <stdlib.h>

struct running {
    struct pipeline *pipeline;
    const struct pipeline_events *events;
    bool (*end)(void *user);
    struct mapping_run *run;
    struct arena arena, building; /* of the record in hand; what the source builds */
    struct iptfhir_error fault;
    atomic_bool stopping;
};

/* Tell of something that can't be mapped. */
static bool refuse(struct running *r, const char *where, const char *code, const char *why) {
    r->run->refused++;
    return !r->events->hold || r->events->hold(r->events->user, where, code, why, &r->fault);
}

/* Tell how a record ended. */
static iptfhir_status conclude(struct running *r, enum pipeline_end end,
                               const struct iptfhir_error *why) {
    arena_reset(&r->building);
    if (end == PIPELINE_REFUSED)
        return refuse(r, why->where, why->code, why->text) ? IPTFHIR_OK : IPTFHIR_FATAL;
    if (end == PIPELINE_FAILED) {
        error_set(&r->fault, why->code, why->where, "%s", why->text);
        return IPTFHIR_FATAL;
    }
    return !r->end || end == PIPELINE_SKIPPED || r->end(r->events->user) ? IPTFHIR_OK
                                                                         : IPTFHIR_FATAL;
}

static uint32_t line_of(const struct iptfhir_origin *origin) {
    return (uint32_t)(origin->line > 0 ? origin->line : 1);
}

static void name_place(const struct iptfhir_origin *origin, char *out, size_t size) {
    snprintf(out, size, "%s:%lld", origin->file ? origin->file : "-", (long long)origin->line);
}

static iptfhir_status take_text(struct iptfhir_record_sink *sink, const char *json, size_t length,
                                const struct iptfhir_origin *origin) {
    struct running *r = sink->self;
    struct iptfhir_error why = ERROR_INIT;
    char id[256] = "";
    arena_reset(&r->arena);
    char *text = arena_strndup(&r->arena, json, length);
    if (!text)
        return IPTFHIR_FATAL;
    r->run->records++;
    enum pipeline_end end = pipeline_record(r->pipeline, &r->arena, text, length, origin->file,
                                            line_of(origin), r->events, id, &why);
    return conclude(r, end, &why);
}

static iptfhir_status take_node(struct iptfhir_record_sink *sink, struct iptfhir_node *record,
                                const struct iptfhir_origin *origin) {
    struct running *r = sink->self;
    struct iptfhir_error why = ERROR_INIT;
    char id[256] = "";
    arena_reset(&r->arena);
    r->run->records++;
    if (record == NULL && r->building.full) {
        char where[600];
        name_place(origin, where, sizeof where);
        arena_reset(&r->building);
        bool told = refuse(r, where, "record-too-large",
                           "the record is larger than records.max_bytes allows: split it");
        return told ? IPTFHIR_OK : IPTFHIR_FATAL;
    }
    enum pipeline_end end =
        pipeline_record_built(r->pipeline, &r->arena, node_built_tree(record), origin->file,
                              line_of(origin), r->events, id, &why);
    return conclude(r, end, &why);
}

static iptfhir_status take_hold(struct iptfhir_record_sink *sink,
                                const struct iptfhir_origin *origin, const char *code,
                                const char *why) {
    char where[600];
    name_place(origin, where, sizeof where);
    return refuse(sink->self, where, code, why) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

static iptfhir_status take_cursor(struct iptfhir_record_sink *sink, const char *cursor) {
    (void)sink, (void)cursor;
    return IPTFHIR_OK;
}

static void take_progress(struct iptfhir_record_sink *sink, uint64_t done, uint64_t total) {
    (void)sink, (void)done, (void)total;
}

int mapping_run(struct pipeline *pipeline, const char *path, const struct pipeline_events *events,
                bool (*end)(void *user), struct mapping_run *run, struct report *report) {
    struct running r = { .pipeline = pipeline, .events = events, .end = end, .run = run };
    struct iptfhir_record_sink sink = { .size = sizeof sink,
                                        .self = &r,
                                        .document = node_document(&r.building),
                                        .emit = take_node,
                                        .emit_text = take_text,
                                        .hold = take_hold,
                                        .cursor = take_cursor,
                                        .progress = take_progress };
    struct iptfhir_error error = ERROR_INIT;
    r.building.limit = pipeline_build_limit(pipeline_config(pipeline));
    struct reader *reader =
        reader_open(pipeline_config(pipeline), pipeline_job(pipeline), path, &r.stopping, report);
    if (!reader)
        return EXIT_CONFIG;
    run->whole_records = reader_source(reader)->whole_records;
    iptfhir_status status = reader_poll(reader, NULL, &sink, &error);
    reader_close(reader);
    arena_free(&r.arena);
    arena_free(&r.building);
    if (error_is_set(&r.fault)) {
        report_add(report, REPORT_ERROR, r.fault.code, r.fault.where, "%s", r.fault.text);
        return EXIT_FAULT;
    }
    if (status != IPTFHIR_OK) {
        report_add(report, REPORT_ERROR, *error.code ? error.code : "source", error.where, "%s",
                   error.text);
        return status == IPTFHIR_RETRY ? EXIT_LATER : EXIT_BAD_INPUT;
    }
    return run->refused || run->holds ? EXIT_HELD : EXIT_SETTLED;
}
