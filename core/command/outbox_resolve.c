/* SPDX-License-Identifier: Apache-2.0 */
/* outbox resolve: what a person decides about an item that is held. */
#include "core/command/outbox_act.h"

#include <string.h>

/* ---- words ---- */

/* Which decisions fit which code. */
static const struct {
    const char *code, *words[5];
} decisions[] = {
    { "adopt", { "ours", "theirs" } },
    { "conflict", { "ours", "theirs" } },
    { "store-older", { "ours", "theirs" } },
    { "gone", { "again", "leave" } },
    { "unknown", { "again", "leave" } },
    { "target-reset", { "again", "leave" } },
    { "mass-withdrawal", { "withdraw", "leave" } },
    { "withdraw-person", { "withdraw", "leave" } },
    { "element-gone", { "withdraw", "error", "left", "leave" } },
    { "not-for-target", { "leave" } },
    { "patient-changed", { "move", "same", "leave" } },
};

/* The words that fit a code, ended by NULL; NULL: none does. */
static const char *const *words_for(const char *code) {
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++) {
        if (act_is(code, decisions[i].code))
            return decisions[i].words;
    }
    return NULL;
}

static bool fits(const char *word, const char *code) {
    const char *const *words = words_for(code);
    if (words == NULL)
        return false;
    for (; *words != NULL; words++) {
        if (act_is(*words, word))
            return true;
    }
    return false;
}

static const char *refuse_without_words(struct act *a, const char *code) {
    return act_refuse(a, "`%s` says nothing about %s: %s", a->word, code, act_next_of(code));
}

/* Says which words fit instead. */
static const char *refuse_word(struct act *a, const char *code) {
    const char *const *words = words_for(code);
    if (words == NULL)
        return refuse_without_words(a, code);
    struct str list = { 0 };
    str_puts(&list, *words++);
    for (; *words != NULL; words++)
        str_printf(&list, ", %s", *words);
    const char *fitting = list.failed ? "another word" : list.data;
    const char *text = act_refuse(a, "`%s` says nothing about %s: say %s", a->word, code, fitting);
    str_free(&list);
    return text;
}

/* ---- resources ---- */

static bool takes_resource(const struct survey_item *item) {
    return item->step == STORE_HELD;
}

/* Decides for everything of a record that is held in a lane since its patient changed. Returns how
 * many that are. */
static size_t decide_charts(struct act *a, const char *target, const struct lane *lane,
                            uint64_t record) {
    size_t decided = 0;
    for (size_t i = 0; i < lane->count && !a->failed; i++) {
        const struct lane_item *item = &lane->items[i];
        const struct survey_item found = { .target = target, .lane = lane, .item = item };
        if (item->said->record != record || item->state.step != STORE_HELD)
            continue;
        if (!act_is(item->state.code, "patient-changed"))
            continue;
        act_decide(a, &found, a->word);
        decided++;
    }
    return decided;
}

/* An element that its record no longer has. */
static void decide_element(struct act *a, const struct survey_item *found) {
    const enum store_wanted wanted =
        act_is(a->word, "left") ? STORE_WANTED_LEFT : STORE_WANTED_ERROR;
    if (act_is(a->word, "leave")) {
        act_decide(a, found, "leave");
        return;
    }
    act_rewrite_resource(a, found->item, "element-gone", &wanted);
    if (found->record != NULL)
        act_put_lanes(a, found->record->job, found->item->state.patient);
    act_make_due(a, found);
}

/* A withdrawal that was one of too many at once. */
static void decide_withdrawal(struct act *a, const struct survey_item *found) {
    if (act_is(a->word, "leave")) {
        act_decide(a, found, "leave");
        return;
    }
    act_rewrite_resource(a, found->item, found->code, NULL);
    act_make_due(a, found);
}

static const char *resolve_resource(struct act *a, const struct survey_item *found) {
    const char *code = found->code;
    if (found->step != STORE_HELD)
        return act_refuse(a, "it is %s, not held: there is nothing to decide",
                          store_step_name(found->step));
    if (act_is_held_by_record(found))
        return act_refuse_for_record(a, found->record);
    if (!fits(a->word, code))
        return refuse_word(a, code);
    if (act_is(code, "patient-changed"))
        decide_charts(a, found->target, found->lane, found->item->said->record);
    else if (act_is(code, "element-gone"))
        decide_element(a, found);
    else if (act_is(code, "mass-withdrawal"))
        decide_withdrawal(a, found);
    else
        act_decide(a, found, a->word);
    return NULL;
}

/* ---- records ---- */

/* A record that the export no longer has. */
static const char *resolve_gone(struct act *a, struct store_record *record) {
    static const struct {
        const char *word;
        enum store_record_state state;
        enum store_wanted wanted;
    } ends[] = {
        { "error", STORE_RECORD_ERROR, STORE_WANTED_ERROR },
        { "left", STORE_RECORD_LEFT, STORE_WANTED_LEFT },
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!act_is(a->word, ends[i].word))
            continue;
        act_drop_holds(a, record);
        record->state = ends[i].state;
        record->code = record->detail = record->decision = "";
        act_put_record(a, record);
        act_rewrite_record(a, record, STORE_WANTED_BODY, ends[i].wanted);
        return NULL;
    }
    return act_refuse(a, "the export no longer has the record: say `error` when it was never true, "
                         "or `left`");
}

static const char *refuse_unheld(struct act *a) {
    return act_refuse(a, "the record is not held: there is nothing to decide");
}

/* A record that was read since its patient changed: what of it stands in another chart is held. */
static const char *resolve_charts(struct act *a, const struct store_record *record) {
    size_t decided = 0;
    for (size_t i = 0; i < a->o->route_count && !a->failed; i++) {
        struct lane lane;
        const struct survey_route *route = &a->o->routes[i];
        if (!act_is(route->job, record->job))
            continue;
        if (act_lane(a, route->target, record->patient, &lane))
            decided += decide_charts(a, route->target, &lane, record->no);
    }
    if (decided == 0 && !a->failed)
        return refuse_unheld(a);
    return NULL;
}

static const char *resolve_record(struct act *a, struct store_record *record) {
    bool about_chart = fits(a->word, "patient-changed");
    if (record->state == STORE_RECORD_GONE)
        return resolve_gone(a, record);
    if (record->state == STORE_RECORD_LIVE && about_chart)
        return resolve_charts(a, record);
    if (record->state != STORE_RECORD_HELD)
        return refuse_unheld(a);
    if (!act_is(record->code, "patient-changed"))
        return refuse_without_words(a, record->code);
    if (!about_chart)
        return refuse_word(a, record->code);
    record->decision = a->word;
    act_read_again(a, record);
    return NULL;
}

static const char *resolve_row(struct act *a, const struct act_row *row) {
    (void)row;
    return act_refuse(a, "what a source could not hand over is corrected there; the next sync "
                         "reads it again");
}

const struct act_verb act_resolve = {
    .resource = resolve_resource,
    .record = resolve_record,
    .row = resolve_row,
    .takes_resource = takes_resource,
    .takes_record = act_is_held_record,
    .needs_word = true,
    .result = "decided; the next sync, or one that runs, carries it out",
};
