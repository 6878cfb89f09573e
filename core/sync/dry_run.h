/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync would change, without changing it: records are read and mapped, and compared with
 * what was sent, as the store has it. */
#ifndef CORE_SYNC_DRY_RUN_H
#define CORE_SYNC_DRY_RUN_H

#include "core/config/config.h"
#include "core/store/store.h"

/* Prints, per target, each resource that would be created or updated, element by element (patient
 * data: to stdout only), or withdrawn since its element left its record, or a JSON line each.
 * `store`: NULL when nothing was ever sent. The target is not asked, so what stands there may yet
 * stop it; nor are withdrawals counted, so that many at once are held by the sync. Returns
 * EXIT_SETTLED, EXIT_HELD when records or parts of them can't be used, EXIT_CONFIG, EXIT_BAD_INPUT
 * or EXIT_FAULT. */
int dry_run(const struct config *config, const struct config_job *job, struct store *store,
            const unsigned char hash_key[32], bool json);
#endif
