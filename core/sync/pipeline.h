/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a record to its resources: check, drop what is restricted, map, validate. What
 * ingest, `map`, `test`, `check --samples` and the dry run share. Holds no store and no network. */
#ifndef CORE_SYNC_PIPELINE_H
#define CORE_SYNC_PIPELINE_H

#include "core/config/config.h"
#include "core/fhir/references.h"
#include "core/plugin/instance.h"
#include "core/record/record.h"
#include "core/sync/privacy.h"
#include "core/sync/safety.h"
#include "core/template/template.h"

#include <stdatomic.h>

struct pipeline;

/* Loads configuration, schema, mapping files and the mappers of a job (NULL: the only one; with
 * several, the report says to name it). Everything wrong goes to `report`; NULL when there were
 * errors. From here on the calling thread, and those that it starts, can open no socket: mappers
 * have no network, whichever command runs them. */
struct pipeline *pipeline_open(const char *config_path, const char *job, struct report *report);
/* The same over a configuration that the caller keeps. Mappers hear from `stopping` that the
 * service stops; NULL: it never does. */
struct pipeline *pipeline_open_config(const struct config *config, const struct config_job *job,
                                      const atomic_bool *stopping, struct report *report);
void pipeline_close(struct pipeline *p);
const struct config *pipeline_config(const struct pipeline *p);
const struct config_job *pipeline_job(const struct pipeline *p);
const struct template_set *pipeline_templates(const struct pipeline *p);
const struct privacy *pipeline_privacy(const struct pipeline *p);
const struct safety *pipeline_safety(const struct pipeline *p);
/* 64 hex digits over what decides the output besides the records: mapping files, mapper options and
 * versions, parameters, privacy rules. */
const char *pipeline_settings_hash(const struct pipeline *p);
/* The UUID of something of a patient, as the identity() function makes it while a record of the
 * patient is mapped; "" when it can't be made. */
void pipeline_identity(const struct pipeline *p, const char *local_id, const char *type,
                       const char *key, char out[37]);

/* Makes identities under a key of zeros from now on, so that expected output is the same on every
 * installation. */
void pipeline_use_test_key(struct pipeline *p);

/* One resource, valid during the call that hands it out. */
struct pipeline_resource {
    const struct tree *tree;
    const char *type, *uuid, *identifier_system, *identifier_value;
    const char *data_class;                      /* "" when its mapping declares none */
    enum template_owner owner;                   /* whose it is */
    int64_t as_of_ms;                            /* its own date, 0: none */
    const char *mapping;                         /* the mapping file or plugin that made it */
    const char *invalid;                         /* NULL, or why it breaks R4: paths, no values */
    const struct resource_reference *references; /* what it refers to, each UUID once */
    size_t reference_count;
};
/* What a record yields. Every member may be NULL. Called in this order per record: record (false:
 * skip it, e.g. unchanged), then the others as they come; `hold` names a part of the record that
 * can't be mapped; `mapper` says who works now ("" when done). */
struct pipeline_events {
    void *user;
    bool (*record)(void *user, const struct tree *record, const char *id);
    bool (*resource)(void *user, const struct pipeline_resource *resource,
                     struct iptfhir_error *error);
    bool (*hold)(void *user, const char *pointer, const char *code, const char *why,
                 struct iptfhir_error *error);
    void (*alert)(void *user, const char *pointer, const char *code);
    void (*mapper)(void *user, const char *name);
};
/* How a record ended. */
enum pipeline_end {
    PIPELINE_MAPPED,
    PIPELINE_SKIPPED,
    PIPELINE_REFUSED, /* not usable as a whole: code and where in `error`, its id in `id` when it
                         could be read */
    PIPELINE_STOPPED, /* a mapper gave it up since the service stops: nothing of it counts */
    PIPELINE_FAILED
};
/* Maps one record. `arena` is the caller's, reset by the caller. `text` may be written to while it
 * is parsed. */
enum pipeline_end pipeline_record(struct pipeline *p, struct arena *arena, char *text,
                                  size_t length, const char *source, uint32_t line,
                                  const struct pipeline_events *events, char id[256],
                                  struct iptfhir_error *error);
/* The first half of it: parses, drops what is restricted, checks. *readable is the record as far as
 * it could be read, without what is restricted, also where the check refused it; NULL: not at all.
 * Thread-safe, like the second half. False: refused. */
bool pipeline_read(struct pipeline *p, struct arena *arena, char *text, size_t length,
                   const char *source, uint32_t line, struct tree **readable, char id[256],
                   struct iptfhir_error *error);
/* The same for a record that a source built. */
bool pipeline_read_built(struct pipeline *p, struct tree *record, const char *source, uint32_t line,
                         struct tree **readable, char id[256], struct iptfhir_error *error);
/* A keyed hash of the record's content and of what else decides its output. */
bool pipeline_content(const struct pipeline *p, const struct tree *record,
                      const unsigned char key[32], unsigned char out[16]);
/* The second half: maps a record that was read; events->record is not called. `arena` is scratch
 * space: nothing in it is needed any more when this returns. */
enum pipeline_end pipeline_make(struct pipeline *p, struct arena *arena, struct tree *record,
                                const char *id, const struct pipeline_events *events,
                                struct iptfhir_error *error);
/* The same for a record that a source built in `arena` or in another that lives as long; it is
 * changed. Nodes without a place get that of what they are in, the record `line`. */
enum pipeline_end pipeline_record_built(struct pipeline *p, struct arena *arena,
                                        struct tree *record, const char *source, uint32_t line,
                                        const struct pipeline_events *events, char id[256],
                                        struct iptfhir_error *error);
/* Bytes of memory that a source may build one record in. */
size_t pipeline_build_limit(const struct config *config);
/* Maps one JSON text, for golden tests and samples: faults and holds go to `report`. */
bool pipeline_map(struct pipeline *p, const char *json, size_t length, const char *source,
                  bool (*emit)(void *user, const struct tree *resource), void *user,
                  struct report *report);
/* Counts what mapping reads, for check --samples (NULL: off). */
void pipeline_set_coverage(struct pipeline *p, struct template_coverage *coverage);
#endif
