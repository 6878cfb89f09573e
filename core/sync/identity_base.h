/* SPDX-License-Identifier: Apache-2.0 */
/* A store belongs to one identity.base for ever: every identifier that its resources have at a
 * target begins with it, so that under another base none of them would be known there again, and
 * all of them would be created a second time. */
#ifndef CORE_SYNC_IDENTITY_BASE_H
#define CORE_SYNC_IDENTITY_BASE_H

#include "core/store/store.h"

/* False with the code "identity-base" when the store was made under another base than `base`. A
 * store that keeps none yet (no sync has ended its opening) takes any. */
bool identity_base_check(struct store *store, const char *base, struct iptfhir_error *error);
/* The same, and a store that keeps none keeps this one from now on. It makes a transaction of its
 * own. */
bool identity_base_keep(struct store *store, const char *base, struct iptfhir_error *error);
#endif
