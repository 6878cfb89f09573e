/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's way into step: what is decided, what is asked, what the answers change. */
#ifndef CORE_SYNC_ADVANCE_H
#define CORE_SYNC_ADVANCE_H

#include "core/sync/cycle.h"

/* Decides what comes next, and keeps it in c->what. Call it when no order is under way. */
enum cycle_next cycle_advance(struct cycle *c, struct iptfhir_error *error);
/* Whether the next order is a write, whose attempts are dirty. */
bool cycle_writes(const struct cycle *c);
/* Sends its order (CYCLE_ASKS); what was decided is committed. */
enum ask_end cycle_send(struct cycle *c, struct iptfhir_error *error);
/* Reads the answers that the world returned. */
enum ask_end cycle_read(struct cycle *c, struct iptfhir_error *error);
/* Takes back the order that it was about to send: it was not sent, and no attempt of it stays. */
void cycle_withdraw_order(struct cycle *c);
#endif
