/* SPDX-License-Identifier: Apache-2.0 */
/* What a process gives up before it runs plugins. */
#ifndef CORE_SYNC_CONFINE_H
#define CORE_SYNC_CONFINE_H

#include "core/base/error.h"

/* From here on this thread and those that it starts can open no socket of any family (a seccomp
 * filter refuses it). True also where the kernel has no seccomp: then a warning is logged. */
bool confine_network(struct iptfhir_error *error);
#endif
