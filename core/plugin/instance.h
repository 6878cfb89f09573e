/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin instance: its struct filled from options by the option table, then init. */
#ifndef CORE_PLUGIN_INSTANCE_H
#define CORE_PLUGIN_INSTANCE_H

#include "core/plugin/loader.h"

struct plugin_instance;
/* Makes an instance: zeroed, defaults and options applied, init called. Every wrong option goes to
 * `report` with its position; then NULL. The instance keeps what its strings point to. `plugin` and
 * `host` must outlive it. */
struct plugin_instance *instance_new(const struct plugin *plugin,
                                     const struct config_instance *from,
                                     const struct config *config, const struct iptfhir_host *host,
                                     struct report *report);
/* Only checks the options (no init): for `check`. */
bool instance_check(const struct plugin *plugin, const struct config_instance *from,
                    const struct config *config, struct report *report);
void *instance_self(struct plugin_instance *instance);
/* Calls fini; NULL is allowed. */
void instance_free(struct plugin_instance *instance);
#endif
