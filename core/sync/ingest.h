/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest process: sources and mappers, into the store. No network, no EHR keys. */
#ifndef CORE_SYNC_INGEST_H
#define CORE_SYNC_INGEST_H

#include "core/config/config.h"
#include "core/sync/shared.h"

/* Polls the job's source until it has no more, maps what is new and stores it: change sets and
 * cursor in one transaction. Returns the exit code of the process: EXIT_SETTLED, EXIT_LATER (the
 * source asks to come back), EXIT_CONFIG or EXIT_FAULT. */
int ingest_run(const struct config *config, const struct config_job *job, struct shared *page);
#endif
