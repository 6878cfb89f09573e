/* SPDX-License-Identifier: Apache-2.0 */
/* A witness outside the store of how far it has come: a small file beside the identity key, so that
 * a store that was restored from an older copy, or lost, is noticed before it blames an EHR for
 * what we wrote ourselves. Each time that happens a new era of the store begins: what a state says
 * of a former era (store_state.era) is not trusted until it was looked at again. Eras are counted,
 * since a clock may step back. */
#ifndef CORE_SYNC_WITNESS_H
#define CORE_SYNC_WITNESS_H

#include "core/store/store.h"

struct witness;
/* Opens the witness in a file (made with mode 0600 when missing), compares it with the store, and
 * keeps in the store when an older one was noticed (wall clock, for people); *era: of the store, 0
 * while no older one was ever noticed. NULL and an error ("witness") when the file can't be used.
 */
struct witness *witness_open(const char *path, struct store *store, int64_t now_ms, uint32_t *era,
                             struct iptfhir_error *error);
/* Within a transaction that writes to a target: counts it in the store. [tx] */
bool witness_count(struct witness *w, struct store *store, struct iptfhir_error *error);
/* After its commit: notes the count outside. It need not be durable: a witness that lags says
 * nothing wrong. */
void witness_note(struct witness *w);
/* NULL is allowed. */
void witness_close(struct witness *w);
#endif
