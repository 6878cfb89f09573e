/* SPDX-License-Identifier: Apache-2.0 */
/* A job's source at work: opened, polled once, closed. What ingest, `map` and the dry run share. */
#ifndef CORE_SYNC_READER_H
#define CORE_SYNC_READER_H

#include "core/config/config.h"
#include "core/plugin/host.h"

#include <stdatomic.h>

struct reader;
/* Loads the source's plugin; `path` replaces its option `path` (NULL: as configured). Faults go to
 * `report`, then NULL. */
struct reader *reader_open(const struct config *config, const struct config_job *job,
                           const char *path, const atomic_bool *stopping, struct report *report);
/* Polls once, from `cursor` (NULL: everything). */
iptfhir_status reader_poll(struct reader *r, const char *cursor, struct iptfhir_record_sink *sink,
                           struct iptfhir_error *error);
/* What the source says of itself. */
const struct iptfhir_source *reader_source(const struct reader *r);
void reader_close(struct reader *r);
#endif
