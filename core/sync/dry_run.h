/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync would change, without changing it: records are read and mapped, and compared with the
 * ledger. */
#ifndef CORE_SYNC_DRY_RUN_H
#define CORE_SYNC_DRY_RUN_H

#include "core/command/command.h"
#include "core/config/config.h"

/* Prints, per target, each resource that would be created or updated, element by element (patient
 * data: stdout only), or JSON with
 * --json. Neither store nor target is written to; the target is not asked. Returns EXIT_SETTLED
 * when nothing would change or something would; EXIT_HELD when records can't be used; EXIT_CONFIG,
 * EXIT_FAULT. */
int dry_run(const struct config *config, const struct config_job *job,
            const struct command_options *options);
#endif
