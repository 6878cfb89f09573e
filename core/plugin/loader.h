/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and loading plugins: the handshake decides before any of their code runs. */
#ifndef CORE_PLUGIN_LOADER_H
#define CORE_PLUGIN_LOADER_H

#include "core/config/config.h"

struct plugin;
/* Loads the plugin that an instance names, from the configured folders (NAME.so, or
 * NAME/.libs/NAME.so in a build tree). Faults go to `report`, positioned at the instance; then
 * NULL. The code stays mapped until exit. */
struct plugin *plugin_load(const struct config *config, const struct config_instance *instance,
                           struct report *report);
/* The same from a file, named in messages by `where`; `name`: what it must call itself, NULL:
 * anything. */
struct plugin *plugin_load_file(const char *path, const char *name, const char *where,
                                struct report *report);
/* The descriptor in full size: members that an older plugin doesn't have are NULL. */
const struct iptfhir_descriptor *plugin_descriptor(const struct plugin *plugin);
const char *plugin_path(const struct plugin *plugin);
void plugin_unload(struct plugin *plugin);
/* Calls `found` once for each plugin file in the configured folders (config NULL: the default one),
 * by folder and name; of two with one name the earlier folder's. */
void plugin_list(const struct config *config,
                 void (*found)(void *user, const char *name, const char *path), void *user);
#endif
