/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest process: sources, mappers and the validator; records out through the pipe. It has no
 * store, no network and no EHR keys. */
#ifndef CORE_SYNC_INGEST_H
#define CORE_SYNC_INGEST_H

#include "core/config/config.h"
#include "core/sync/shared.h"

/* Polls the job's source until it has no more, maps what delivery doesn't know, and hands it over
 * through `descriptor`. `key`: the installation's. Returns the exit code of the process:
 * EXIT_SETTLED, EXIT_LATER (the source asks to come back, or it was asked to stop), EXIT_CONFIG or
 * EXIT_FAULT. */
int ingest_run(const struct config *config, const struct config_job *job, struct shared *page,
               const unsigned char key[32], int descriptor);
#endif
