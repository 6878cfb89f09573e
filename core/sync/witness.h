/* SPDX-License-Identifier: Apache-2.0 */
/* A witness outside the store of how far it has come: a small file beside the identity key, so that
 * a store that was restored from an older copy, or lost, is noticed before it blames an EHR for
 * what we wrote ourselves. */
#ifndef CORE_SYNC_WITNESS_H
#define CORE_SYNC_WITNESS_H

#include "core/store/store.h"

struct witness;
/* Opens the witness in a file (made with mode 0600 when missing), compares it with the store, and
 * keeps in the store when an older one was noticed; *older_ms: the newest such moment (wall clock),
 * 0: never. NULL and an error ("witness") when the file can't be used. */
struct witness *witness_open(const char *path, struct store *store, int64_t now_ms,
                             int64_t *older_ms, struct iptfhir_error *error);
/* Within a transaction that writes to a target: counts it in the store. [tx] */
bool witness_count(struct witness *w, struct store *store, struct iptfhir_error *error);
/* After its commit: notes the count outside. It need not be durable: a witness that lags says
 * nothing wrong. */
void witness_note(struct witness *w);
/* NULL is allowed. */
void witness_close(struct witness *w);
#endif
