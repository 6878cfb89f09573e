/* SPDX-License-Identifier: Apache-2.0 */
/* What a command on the store needs: the configuration, its routes, the keys and the open store. */
#ifndef CORE_COMMAND_PLACE_H
#define CORE_COMMAND_PLACE_H

#include "core/base/key.h"
#include "core/command/command.h"
#include "core/config/config.h"
#include "core/store/store.h"
#include "core/sync/survey.h"

struct place {
    struct config *config;
    struct survey_route *routes; /* a pair for each target of each job */
    size_t route_count;
    struct store *store; /* NULL: there is none yet, since no sync has run */
    unsigned char log_key[KEY_BYTES], hash_key[KEY_BYTES]; /* of names in logs and in details */
};
/* Opens it. write: the command changes the store, in short transactions beside a running sync.
 * Returns EXIT_SETTLED or the code to end with; faults go to stderr. Close it also after a failure.
 */
int place_open(struct place *place, bool write, const struct command_options *options);
void place_close(struct place *place);
/* Opens the store of place->config alone, with the keys that the installation's key gives: the
 * folder, the key and identity.base must be right. Where there is no store yet, place->store stays
 * NULL. Returns EXIT_SETTLED, or the code to end with and the error. */
int place_open_store(struct place *place, bool write, struct iptfhir_error *error);
/* Whether the folder that the store belongs into is there; else the error says what to do. */
bool place_has_folder(const struct config *config, struct iptfhir_error *error);
/* Whether there is a store. An empty file is none yet: the next sync makes one of it. */
bool place_has_store(const struct config *config);
/* Prints an error to stderr. */
void place_print_error(const struct iptfhir_error *error);
/* Whether the command line asks for help; then it was printed. */
bool place_help(int argc, char **argv, const char *help);
#endif
