/* SPDX-License-Identifier: Apache-2.0 */
/* What mapping a folder of sample records shows. */
#ifndef CORE_COMMAND_SAMPLES_H
#define CORE_COMMAND_SAMPLES_H

#include "core/command/command.h"
#include "core/config/config.h"

/* Maps the *.json of a folder, and of the folders in it, through every job. Adds to the report what
 * was refused, expressions that were always empty, and record fields that no job reads. Returns how
 * many samples there were. */
size_t samples_check(const struct config *config, const char *folder, struct report *report);
#endif
