/* SPDX-License-Identifier: Apache-2.0 */
/* A claimed change set as a target plugin sees it: changes with what the ledger knows of them and
 * of what they refer to. */
#ifndef CORE_SYNC_CHANGE_SET_H
#define CORE_SYNC_CHANGE_SET_H

#include "core/sync/worker.h"

/* Copies the claim into a work of its own and resolves its references against the ledger. Receipts
 * start as UNKNOWN for what was unknown and as "not answered" for the rest. NULL and an error when
 * memory is out or the store fails. */
struct work *change_set_build(struct store *store, const char *target,
                              const struct store_claim *claim, struct iptfhir_error *error);
#endif
