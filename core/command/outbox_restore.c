/* SPDX-License-Identifier: Apache-2.0 */
/* outbox restore: a decision is taken back, as long as nothing of it was written. */
#include "core/command/outbox_act.h"

static bool takes_resource(const struct survey_item *item) {
    const struct store_state *state = &item->item->state;
    return state->step == STORE_DECIDED || state->decision[0] != '\0';
}

static const char *restore_resource(struct act *a, const struct survey_item *found) {
    struct store_state state = found->item->state;
    if (!takes_resource(found))
        return act_refuse(a, "nobody decided about it: there is nothing to take back");
    state.decision = "";
    act_put_state(a, &state);
    if (state.step == STORE_DECIDED)
        act_make_due(a, found);
    return NULL;
}

/* Whether a withdrawal of the resource was written, or may have been. */
static bool may_be_withdrawn(const struct store_state *state) {
    if (state->attempt != STORE_NO_ATTEMPT)
        return true;
    return state->sent && state->sent_wanted != STORE_WANTED_BODY;
}

static bool is_withdrawn_in(const struct lane *lane, const struct store_record *record) {
    for (size_t i = 0; i < lane->count; i++) {
        const struct lane_item *item = &lane->items[i];
        bool own = item->said->record == record->no;
        if (own && may_be_withdrawn(&item->state))
            return true;
    }
    return false;
}

static bool is_withdrawn_anywhere(struct act *a, const struct store_record *record) {
    for (size_t i = 0; i < a->o->route_count && !a->failed; i++) {
        struct lane lane;
        if (!act_lane(a, a->o->routes[i].target, record->patient, &lane))
            continue;
        if (is_withdrawn_in(&lane, record))
            return true;
    }
    return false;
}

static const char *restore_record(struct act *a, struct store_record *record) {
    enum store_wanted withdrawn =
        record->state == STORE_RECORD_ERROR ? STORE_WANTED_ERROR : STORE_WANTED_LEFT;
    if (!act_is_decided_record(record))
        return act_refuse(a, "nobody decided about the record: there is nothing to take back");
    if (record->decision[0] != '\0') {
        record->decision = "";
        act_put_record(a, record);
        return NULL;
    }
    if (is_withdrawn_anywhere(a, record))
        return act_refuse(a, "its withdrawal was already written: when the source has the record "
                             "again, the next sync takes it up");
    record->state = STORE_RECORD_GONE;
    record->code = "record-gone";
    record->detail = "the decision was taken back: say error or left, or export it again";
    act_put_record(a, record);
    act_rewrite_record(a, record, withdrawn, STORE_WANTED_BODY);
    return NULL;
}

static const char *restore_row(struct act *a, const struct act_row *row) {
    (void)row;
    return act_refuse(a, "what was discarded of a source comes back when it is read again: "
                         "`iptfhir sync --reread`");
}

const struct act_verb act_restore = {
    .resource = restore_resource,
    .record = restore_record,
    .row = restore_row,
    .takes_resource = takes_resource,
    .takes_record = act_is_decided_record,
    .result = "restored; the next sync takes them up",
};
