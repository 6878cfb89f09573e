/* SPDX-License-Identifier: Apache-2.0 */
/* The parent: takes the store's lock, starts ingest and delivery, watches and restarts them, and
 * shows progress. */
#ifndef CORE_SYNC_SERVICE_H
#define CORE_SYNC_SERVICE_H

#include "core/config/config.h"

/* One full cycle of a job; `later`: the names of the jobs that are read next, NULL-terminated:
 * nothing of theirs goes out before they have been read. It ends when every answer that was lost
 * has settled, and does not stay for backoff or Retry-After. Returns an exit code: EXIT_SETTLED
 * when both processes ran to their end (what is held is for the caller to read from the store),
 * EXIT_LATER, EXIT_CONFIG or EXIT_FAULT; 128 + n when signal n ended it. */
int service_sync(const struct config *config, const struct config_job *job,
                 const char *const *later);
#endif
