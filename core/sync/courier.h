/* SPDX-License-Identifier: Apache-2.0 */
/* The delivery process: owns the store and the targets; takes in what ingest hands over, and closes
 * the gap to each EHR, in one loop. It loads no mapper. */
#ifndef CORE_SYNC_COURIER_H
#define CORE_SYNC_COURIER_H

#include "core/config/config.h"
#include "core/sync/shared.h"

/* Runs one cycle of a job; `later`: see service_sync(). `descriptors`: the ends of the pipes that
 * one ingest after the other uses; when one closes before its end, the poll is begun anew with the
 * next. Delivers the wanted of all jobs of the configuration. Returns EXIT_SETTLED when nothing
 * waits, EXIT_LATER when something waits for backoff or Retry-After or it was asked to stop,
 * EXIT_CONFIG or EXIT_FAULT. */
int courier_run(const struct config *config, const struct config_job *job, const char *const *later,
                struct shared *page, const unsigned char key[32], const int *descriptors,
                size_t count);
#endif
