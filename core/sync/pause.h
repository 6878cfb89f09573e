/* SPDX-License-Identifier: Apache-2.0 */
/* The pause of a target as the store keeps it, for the next run and for people. */
#ifndef CORE_SYNC_PAUSE_H
#define CORE_SYNC_PAUSE_H

#include "core/store/store.h"

struct pause_kept {
    char code[32];    /* "": the target doesn't pause */
    int64_t until_ms; /* wall clock: when it is asked again */
    int64_t set_ms;   /* wall clock, when this was kept */
    bool person;      /* it lasts until a person has acted, or an answer shows that one did */
};
/* Whether nothing is asked of the target before a person has said so, however long it lasts. */
bool pause_waits_for_word(const char *code);
/* Whether its time has passed and nobody has to act: then the next sync asks as if there had been
 * none. now_ms: wall clock. */
bool pause_is_over(const struct pause_kept *kept, int64_t now_ms);
/* Reads how a target stands; what can't be read is no pause. */
bool pause_read(struct store *store, const char *target, struct pause_kept *out,
                struct iptfhir_error *error);
/* Keeps a pause, or (code "") that there is none; [tx]. */
bool pause_write(struct store *store, const char *target, const struct pause_kept *kept,
                 struct iptfhir_error *error);
#endif
