/* SPDX-License-Identifier: Apache-2.0 */
/* The services that a plugin reaches through its host table. One host per instance (or per target's
 * instances). */
#ifndef CORE_PLUGIN_HOST_H
#define CORE_PLUGIN_HOST_H

#include "core/config/config.h"

#include <stdatomic.h>

struct host;
struct host_settings {
    const struct config *config;
    const struct config_instance *instance; /* names log lines */
    const atomic_bool *stopping;            /* NULL: the service never stops */
};
/* Copies the settings; what they point to must outlive the host. NULL when memory is out. */
struct host *host_new(const struct host_settings *settings);
const struct iptfhir_host *host_table(const struct host *host);
/* Frees documents and lists that the plugin borrowed: after the instances. */
void host_free(struct host *host);
#endif
