/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a target's settle_seconds can keep its promise. */
#ifndef CORE_SYNC_SETTLE_H
#define CORE_SYNC_SETTLE_H

#include "core/config/config.h"

#include <iptfhir/target.h>

enum { SETTLE_INDEX_MS = 10000 /* until a server's search shows what was committed */ };

/* Warns (settle-short, at the setting) when absence would be believed while a request whose answer
 * was lost may still take effect: that is for timeout_ms after it was sent, though the connection
 * broke before, and until the server's search shows it. A target without a server needs nothing. */
void settle_check(const struct config_instance *target, const struct iptfhir_target *calls,
                  void *instance, struct report *report);
#endif
