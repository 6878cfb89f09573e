/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a target can be reached and used, without a store and without anything being written
 * there. */
#ifndef CORE_SYNC_PROBE_H
#define CORE_SYNC_PROBE_H

#include "core/base/error.h"

#include <iptfhir/target.h>

/* Opens a target's connection, and with `ask` asks the target what it can do. False with its code
 * and what to do when it can't be opened, or didn't answer what is needed. */
bool probe_target(const char *name, const struct iptfhir_target *calls, void *instance, bool ask,
                  struct iptfhir_error *error);
#endif
