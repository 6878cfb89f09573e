/* SPDX-License-Identifier: Apache-2.0 */
/* The delivery process: claims change sets, has them delivered, settles them. It loads targets and
 * no mapper. */
#ifndef CORE_SYNC_DELIVERY_H
#define CORE_SYNC_DELIVERY_H

#include "core/config/config.h"
#include "core/sync/shared.h"

/* Delivers for the targets of `job` until ingest is done and nothing is due, or until nothing moved
 * for the configured patience, or until page->stop. Returns the exit code of the process
 * (EXIT_SETTLED when it ran to its end, whatever was held). */
int delivery_run(const struct config *config, const struct config_job *job, struct shared *page);
/* Milliseconds until the next try after `attempts` failures: full jitter, doubling from 1 s to an
 * hour. */
int64_t delivery_backoff(int attempts);
#endif
