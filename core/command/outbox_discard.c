/* SPDX-License-Identifier: Apache-2.0 */
/* outbox discard: an item that no target has is given up. */
#include "core/command/outbox_act.h"

#include <inttypes.h>

static bool takes_resource(const struct survey_item *item) {
    return item->step == STORE_HELD || item->step == STORE_WAITING;
}

static const char *discard_resource(struct act *a, const struct survey_item *found) {
    if (found->step == STORE_IN_STEP)
        return act_refuse(a, "it is in step: the target has it; a correction or a withdrawal is "
                             "made at the source");
    if (found->step == STORE_DECIDED)
        return NULL;
    if (found->item->state.attempt != STORE_NO_ATTEMPT)
        return act_refuse(a, "an answer about it was lost, so the target may have it: a sync finds "
                             "out first, then discard it");
    act_decide(a, found, "discard");
    return NULL;
}

static const char *discard_record(struct act *a, struct store_record *record) {
    if (record->state == STORE_RECORD_GONE)
        return act_refuse(
            a, "a record is not discarded: `iptfhir outbox resolve r%" PRIu64 " error` or `left`",
            record->no);
    return act_refuse(a, "a record is not discarded, since its source would hand it over again: %s",
                      act_next_of(record->code));
}

static const char *discard_row(struct act *a, const struct act_row *row) {
    act_drop_hold(a, row->no);
    return NULL;
}

const struct act_verb act_discard = {
    .resource = discard_resource,
    .record = discard_record,
    .row = discard_row,
    .takes_resource = takes_resource,
    .takes_record = act_is_held_record,
    .takes_rows = true,
    .result = "discarded; `iptfhir outbox restore ID` takes that back",
};
