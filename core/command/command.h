/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: one function each, one file each, one table in main.c. */
#ifndef CORE_COMMAND_COMMAND_H
#define CORE_COMMAND_COMMAND_H

#include "core/base/error.h"
#include "core/command/exit.h"

#include <stdbool.h>
#include <stdio.h>

/* What stands before the command on the command line. */
struct command_options {
    const char *config_path; /* -c FILE, $IPTFHIR_CONFIG, or the installed default */
    bool json;               /* --json: reports machine-readable */
};

/* argv[0] is the command's name; results go to stdout, the rest to stderr. Returns the exit code.
 */
typedef int command_function(int argc, char **argv, const struct command_options *options);
command_function command_check, command_eval, command_map, command_outbox, command_plugins,
    command_status, command_sync, command_test, command_who;

/* Prints a report: lines on `out` ("where: error: text [code]"), or one JSON array with --json on
 * stdout. */
void command_print_report(FILE *out, const struct report *report,
                          const struct command_options *options);
#endif
