/* SPDX-License-Identifier: Apache-2.0 */
/* What outbox does to a target as a whole: it ends a pause, and begins anew after a reset. */
#include "core/command/exit.h"
#include "core/command/outbox_act.h"
#include "core/sync/pause.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts by their names ---- */

struct names {
    struct act *a;
    char **list;
    size_t count, capacity;
};

static bool no_memory(struct act *a) {
    return act_check(a, error_set(a->error, "memory", NULL, "out of memory"));
}

static bool note_name(void *user, const char *name, struct store_bytes value) {
    struct names *n = user;
    (void)value;
    if (n->count == n->capacity) {
        size_t capacity = n->capacity > 0 ? n->capacity * 2 : 64;
        char **list = realloc(n->list, capacity * sizeof *list);
        if (list == NULL)
            return no_memory(n->a);
        n->list = list;
        n->capacity = capacity;
    }
    n->list[n->count] = strdup(name);
    if (n->list[n->count] == NULL)
        return no_memory(n->a);
    n->count++;
    return true;
}

static void forget_fact(struct act *a, const char *name) {
    const struct store_bytes none = { NULL, 0 };
    act_check(a, a->calls->fact_set(a->store, name, none, a->error));
}

/* Forgets facts whose names begin with a prefix. [tx] */
static void forget_facts(struct act *a, const char *prefix) {
    struct names n = { .a = a };
    act_check(a, a->calls->facts(a->store, prefix, note_name, &n, a->error));
    for (size_t i = 0; i < n.count; i++) {
        if (!a->failed)
            forget_fact(a, n.list[i]);
        free(n.list[i]);
    }
    free(n.list);
}

/* Forgets what was known of a target's charts, which may be other patients' now. [tx] */
static void forget_charts(struct act *a, const char *target) {
    static const char *const kinds[] = { "chart", "match" };
    uint32_t no = 0;
    act_check(a, a->calls->target_no(a->store, target, false, &no, a->error));
    if (no == 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !a->failed; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "%s %" PRIu32 " ", kinds[i], no);
        forget_facts(a, prefix);
    }
}

/* ---- pauses ---- */

/* Reads how a target pauses. */
static void read_pause(struct act *a, const char *target, struct pause_kept *out) {
    *out = (struct pause_kept) { .code = "" };
    act_check(a, pause_read(a->store, target, out, a->error));
}

/* Ends a pause; after a reset what was known of charts there is forgotten too. */
static void end_pause(struct act *a, const char *target, bool reset) {
    static const struct pause_kept none = { .code = "" };
    if (!act_begin(a))
        return;
    if (reset)
        forget_charts(a, target);
    if (!a->failed)
        act_check(a, pause_write(a->store, target, &none, a->error));
    act_end(a);
}

bool act_retry_target(struct act *a) {
    struct pause_kept kept;
    const char *target = a->filter->target;
    read_pause(a, target, &kept);
    if (pause_waits_for_word(kept.code)) {
        str_printf(&a->o->err,
                   "target %s was reset or replaced: see what happened there, then `iptfhir outbox "
                   "resolve again --target %s`\n",
                   target, target);
        return false;
    }
    if (kept.code[0] != '\0')
        end_pause(a, target, false);
    return !a->failed;
}

/* ---- after a reset ---- */

/* Whether the target had the resource before, or may have had it. */
static bool was_there(const struct store_state *state) {
    return state->sent || state->attempt != STORE_NO_ATTEMPT || state->server_id[0] != '\0';
}

static bool choose_there(void *user, const struct survey_item *item) {
    struct act *a = user;
    bool here = act_is(item->target, a->filter->target);
    if (!here || !was_there(&item->item->state))
        return true;
    return act_choose_resource(a, item);
}

static void create_again(struct act *a, const struct chosen *c) {
    struct lane lane;
    if (!act_lane(a, c->target, c->no, &lane))
        return;
    for (size_t i = 0; i < lane.count; i++) {
        const struct lane_item *item = &lane.items[i];
        const struct survey_item found = { .target = c->target, .lane = &lane, .item = item };
        if (item->ordinal != c->ordinal)
            continue;
        act_decide(a, &found, "again");
        a->done++;
    }
}

int act_resolve_reset(struct act *a) {
    struct pause_kept kept;
    const struct outbox *o = a->o;
    const char *target = a->filter->target;
    read_pause(a, target, &kept);
    if (a->failed)
        return EXIT_FAULT;
    if (!pause_waits_for_word(kept.code)) {
        str_printf(&a->o->err,
                   "target %s is not paused for a reset: to create single items anew, name them "
                   "(`iptfhir outbox list --target %s --code gone`)\n",
                   target, target);
        return EXIT_WRONG_USE;
    }
    act_check(a, survey_walk(a->store, o->routes, o->route_count, choose_there, a, NULL, a->error));
    act_on_chosen(a, create_again);
    if (!a->failed)
        end_pause(a, target, true);
    if (a->failed)
        return EXIT_FAULT;
    str_printf(&a->o->out, "%zu are created anew at %s; the next sync begins\n", a->done, target);
    return EXIT_SETTLED;
}
