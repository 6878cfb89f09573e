/* SPDX-License-Identifier: Apache-2.0 */
/* Which items a verb of outbox is carried out on: the one that was named, or all that a filter
 * leaves. */
#include "core/command/outbox_act.h"

#include <stdlib.h>
#include <string.h>

bool act_choose(struct act *a, const struct chosen *c) {
    if (a->count == a->capacity) {
        size_t capacity = a->capacity > 0 ? a->capacity * 2 : 256;
        struct chosen *list = realloc(a->list, capacity * sizeof *list);
        if (list == NULL)
            return act_check(a, error_set(a->error, "memory", NULL, "out of memory"));
        a->list = list;
        a->capacity = capacity;
    }
    a->list[a->count++] = *c;
    return true;
}

bool act_choose_resource(struct act *a, const struct survey_item *item) {
    struct chosen c = { .kind = OUTBOX_RESOURCE,
                        .no = item->lane->patient.no,
                        .ordinal = item->item->ordinal };
    snprintf(c.target, sizeof c.target, "%s", item->target);
    return act_choose(a, &c);
}

/* ---- by filter ---- */

static bool fits(const char *wanted, const char *value) {
    return wanted == NULL || strcmp(wanted, value) == 0;
}

static bool leaves_resource(const struct outbox_filter *f, const struct survey_item *item) {
    const char *job = item->record != NULL ? item->record->job : "";
    return fits(f->job, job) && fits(f->code, item->code) && fits(f->target, item->target) &&
           fits(f->state, store_step_name(item->step));
}

/* What a source could not hand over belongs to no target, and is held. */
static bool leaves_sources(const struct outbox_filter *f) {
    return f->target == NULL && fits(f->state, store_step_name(STORE_HELD));
}

/* Whether the resource's record is chosen too, and what is done to that settles the resource. */
static bool goes_with_record(const struct act *a, const struct survey_item *item) {
    if (!leaves_sources(a->filter) || !act_is_held_by_record(item))
        return false;
    return a->verb->takes_record(item->record);
}

static bool each_resource(void *user, const struct survey_item *item) {
    struct act *a = user;
    if (!a->verb->takes_resource(item) || !leaves_resource(a->filter, item))
        return true;
    if (goes_with_record(a, item))
        return true;
    return act_choose_resource(a, item);
}

static bool each_record(void *user, const struct store_record *record) {
    struct act *a = user;
    if (!a->verb->takes_record(record) || !fits(a->filter->code, record->code))
        return true;
    const struct chosen c = { .kind = OUTBOX_RECORD, .no = record->no };
    return act_choose(a, &c);
}

static bool each_hold(void *user, const struct store_hold *hold) {
    struct act *a = user;
    bool of_record;
    if (!fits(a->filter->code, hold->key.code))
        return true;
    if (!act_check(a, survey_is_of_record(a->store, hold, &a->arena, &of_record, a->error)))
        return false;
    if (of_record)
        return true;
    const struct chosen c = { .kind = OUTBOX_ROW, .no = (uint64_t)hold->no };
    return act_choose(a, &c);
}

void act_choose_all(struct act *a) {
    const struct outbox *o = a->o;
    const char *job = a->filter->job;
    bool good = survey_walk(a->store, o->routes, o->route_count, each_resource, a, NULL, a->error);
    if (good && leaves_sources(a->filter)) {
        good = a->calls->records(a->store, job, each_record, a, a->error);
        if (good && a->verb->takes_rows)
            good = a->calls->holds(a->store, job, each_hold, a, a->error);
    }
    act_check(a, good);
}

/* ---- by id ---- */

bool act_choose_one(struct act *a, const char *text) {
    struct outbox_id id;
    bool known = outbox_id_read(text, &id);
    if (known && id.kind == OUTBOX_RESOURCE)
        known = outbox_knows_target(a->o, id.target);
    if (!known) {
        outbox_refuse_id(a->o, text);
        return false;
    }
    struct chosen c = { .kind = id.kind, .no = id.no, .ordinal = id.ordinal };
    if (id.target != NULL)
        snprintf(c.target, sizeof c.target, "%s", id.target);
    return act_choose(a, &c);
}
