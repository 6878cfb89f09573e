/* SPDX-License-Identifier: Apache-2.0 */
/* outbox retry: an item is due again at once; a record or a row is read again. */
#include "core/command/outbox_act.h"

#include <inttypes.h>
#include <string.h>

static bool takes_resource(const struct survey_item *item) {
    return item->step == STORE_HELD || item->step == STORE_WAITING || item->step == STORE_UNKNOWN;
}

static const char *retry_resource(struct act *a, const struct survey_item *found) {
    bool has_code = found->code[0] != '\0';
    if (found->step == STORE_IN_STEP)
        return act_refuse(a, "it is in step: there is nothing to retry");
    if (found->step == STORE_DECIDED)
        return act_refuse(a, "it was decided: `iptfhir outbox restore ID` takes the decision back");
    if (has_code && act_is_held_by_record(found))
        return act_refuse_for_record(a, found->record);
    if (act_is(found->code, "mass-withdrawal"))
        return act_refuse(a, "withdrawals are decided: `iptfhir outbox resolve withdraw --code "
                             "mass-withdrawal`, or `leave`");
    const char *decision = found->item->state.decision;
    if (decision[0] != '\0')
        act_decide(a, found, decision); /* it stands until delivery has carried it out */
    else
        act_make_due(a, found);
    return NULL;
}

static const char *retry_record(struct act *a, struct store_record *record) {
    if (record->state == STORE_RECORD_GONE)
        return act_refuse(a,
                          "the export no longer has the record: `iptfhir outbox resolve r%" PRIu64
                          " error` or `left`; when it is exported again the hold goes by itself",
                          record->no);
    if (record->state != STORE_RECORD_HELD)
        return act_refuse(a, "the record is not held: there is nothing to retry");
    /* A record that ended the mappers is mapped again when its hold is gone. */
    act_drop_holds(a, record);
    act_read_again(a, record);
    return NULL;
}

static const char *retry_row(struct act *a, const struct act_row *row) {
    struct store_record record;
    bool found = false;
    if (row->record[0] != '\0') {
        bool good =
            a->calls->record_find(a->store, row->record, &a->arena, &record, &found, a->error);
        if (!act_check(a, good))
            return NULL;
    }
    if (found && act_is(record.job, row->job))
        act_read_again(a, &record);
    else
        act_check(a, intake_reread(a->store, row->job, a->error));
    /* A record that ended the mappers is mapped again when its hold is gone. */
    act_drop_hold(a, row->no);
    return NULL;
}

const struct act_verb act_retry = {
    .resource = retry_resource,
    .record = retry_record,
    .row = retry_row,
    .takes_resource = takes_resource,
    .takes_record = act_is_held_record,
    .takes_rows = true,
    .result = "put back; the next sync, or one that runs, takes them up",
};
