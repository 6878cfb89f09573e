/* SPDX-License-Identifier: Apache-2.0 */
/* outbox retry, resolve, discard and restore: carries a verb out on what was chosen, in short
 * transactions beside a running sync. Each verb has a file of its own. */
#include "core/command/outbox_act.h"

#include "core/base/codes.h"
#include "core/command/exit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    AT_ONCE = 64,     /* items of one transaction */
    BUSY_TRIES = 250, /* while a sync has the store */
    BUSY_MS = 20
};

/* ---- transactions ---- */

bool act_check(struct act *a, bool good) {
    a->failed = a->failed || !good;
    return good;
}

bool act_begin(struct act *a) {
    for (int tries = 0;; tries++) {
        struct iptfhir_error error = ERROR_INIT;
        if (a->calls->begin(a->store, &error))
            return true;
        bool busy = strcmp(error.code, "store-busy") == 0;
        if (!busy || tries == BUSY_TRIES)
            return act_check(a, error_set(a->error, error.code, error.where, "%s", error.text));
        nanosleep(&(struct timespec) { .tv_nsec = BUSY_MS * 1000000L }, NULL);
    }
}

void act_end(struct act *a) {
    if (!a->failed && act_check(a, a->calls->commit(a->store, a->error)))
        return;
    a->calls->rollback(a->store);
}

void act_on_chosen(struct act *a, void (*each)(struct act *a, const struct chosen *c)) {
    size_t at = 0;
    while (at < a->count && !a->failed) {
        size_t left = a->count - at;
        size_t end = at + (left < AT_ONCE ? left : AT_ONCE);
        if (!act_begin(a))
            return;
        for (; at < end && !a->failed; at++) {
            arena_reset(&a->arena);
            each(a, &a->list[at]);
        }
        act_end(a);
    }
}

/* ---- one item ---- */

static const char *act_on_resource(struct act *a, const struct chosen *c) {
    struct lane lane;
    struct survey_item found = { .target = c->target };
    bool there = act_lane(a, c->target, c->no, &lane);
    if (a->failed)
        return NULL;
    if (!there || !act_look(&lane, c->ordinal, &found))
        return act_refuse(a, "there is no such item, or nothing of it was ever tried: `iptfhir "
                             "outbox list` has those that are");
    return a->verb->resource(a, &found);
}

static const char *act_on_record(struct act *a, const struct chosen *c) {
    struct store_record record;
    bool found = false;
    bool good = a->calls->record_get(a->store, c->no, &a->arena, &record, &found, a->error);
    if (!act_check(a, good))
        return NULL;
    if (!found)
        return act_refuse(a, "there is no such record: `iptfhir outbox list` has those that are "
                             "held");
    return a->verb->record(a, &record);
}

struct row_search {
    struct act *a;
    struct act_row row;
    bool found;
};

static bool copy_hold(void *user, const struct store_hold *hold) {
    struct row_search *s = user;
    struct arena *arena = &s->a->arena;
    const struct store_hold_key *key = &hold->key;
    if (hold->no != s->row.no)
        return true;
    s->found = true;
    s->row.job = arena_strndup(arena, key->job, strlen(key->job));
    s->row.record = arena_strndup(arena, key->record, strlen(key->record));
    return false;
}

static const char *act_on_row(struct act *a, const struct chosen *c) {
    struct row_search s = { .a = a, .row.no = (int64_t)c->no };
    if (!act_check(a, a->calls->holds(a->store, NULL, copy_hold, &s, a->error)))
        return NULL;
    if (!s.found)
        return act_refuse(a, "there is no such hold: `iptfhir outbox list` has those that are");
    if (s.row.job == NULL || s.row.record == NULL)
        return act_refuse(a, "out of memory; run the command again");
    return a->verb->row(a, &s.row);
}

static void act_on(struct act *a, const struct chosen *c) {
    static const char *(*const calls[])(struct act * a, const struct chosen *c) = {
        [OUTBOX_RESOURCE] = act_on_resource,
        [OUTBOX_RECORD] = act_on_record,
        [OUTBOX_ROW] = act_on_row,
    };
    const char *refusal = calls[c->kind](a, c);
    if (a->failed)
        return;
    if (refusal == NULL) {
        a->done++;
        return;
    }
    if (a->refused == 0)
        snprintf(a->first_refusal, sizeof a->first_refusal, "%s", refusal);
    a->refused++;
}

/* ---- the verb ---- */

static int conclude(struct act *a) {
    struct outbox *o = a->o;
    if (a->failed)
        return EXIT_FAULT;
    if (a->filter->id != NULL && a->refused > 0) {
        str_printf(&o->err, "%s: %s\n", a->filter->id, a->first_refusal);
        return EXIT_WRONG_USE;
    }
    if (o->json)
        str_printf(&o->out, "{\"done\": %zu, \"refused\": %zu}\n", a->done, a->refused);
    else
        str_printf(&o->out, "%zu %s\n", a->done, a->verb->result);
    if (a->refused == 0)
        return EXIT_SETTLED;
    str_printf(&o->err, "%zu stay as they are; the first of them: %s\n", a->refused,
               a->first_refusal);
    return a->done > 0 ? EXIT_SETTLED : EXIT_WRONG_USE;
}

/* Nothing has the code that was given. A plugin of somebody else may have codes of its own, so only
 * what nothing has and nobody registered is no code. Returns an exit code. */
static int conclude_without_any(const struct act *a) {
    struct outbox *o = a->o;
    const char *code = a->filter->code;
    char hint[NEAREST_HINT];
    if (code_find(code) == NULL) {
        str_printf(&o->err, "there is no code %s%s; `iptfhir outbox list` has those that are met\n",
                   code, code_hint(code, hint));
        return EXIT_WRONG_USE;
    }
    if (o->json)
        str_puts(&o->out, "{\"done\": 0, \"refused\": 0}\n");
    else
        str_printf(&o->out,
                   "nothing to be done: `iptfhir outbox list --code %s` has nothing that "
                   "this is about\n",
                   code);
    return EXIT_SETTLED;
}

static bool is_decision(const char *word) {
    static const char *const words[] = { "ours", "theirs", "again", "withdraw", "move",
                                         "same", "leave",  "error", "left" };
    for (size_t i = 0; word != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

static bool names_anything(const struct outbox_filter *f) {
    const char *const given[] = { f->id, f->code, f->job, f->target };
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        if (given[i] != NULL)
            return true;
    }
    return f->all;
}

/* Refuses what the filter can't mean. */
static bool is_sound(struct act *a) {
    const char *target = a->filter->target;
    struct str *err = &a->o->err;
    if (!names_anything(a->filter)) {
        str_puts(err, "say what: an ID from `iptfhir outbox list`, --code CODE, --job JOB, "
                      "--target TARGET or --all\n");
        return false;
    }
    if (target != NULL && !outbox_knows_target(a->o, target)) {
        str_printf(err, "no job has a target named %s\n", target);
        return false;
    }
    if (a->verb->needs_word && !is_decision(a->word)) {
        str_puts(err, "say what is decided: ours, theirs, again, withdraw, move, same, leave, "
                      "error or left\n");
        return false;
    }
    return true;
}

/* Whether `resolve again --target T` was said, which is about the whole target. */
static bool is_about_reset(const struct act *a) {
    const struct outbox_filter *f = a->filter;
    if (a->verb != &act_resolve || f->id != NULL || f->code != NULL)
        return false;
    return f->target != NULL && strcmp(a->word, "again") == 0;
}

/* Chooses what the filter means. False: nothing is to be done, and why was said. */
static bool choose(struct act *a) {
    const struct outbox_filter *f = a->filter;
    if (f->id != NULL)
        return act_choose_one(a, f->id);
    bool ends_pause = a->verb == &act_retry && f->target != NULL;
    if (ends_pause && !act_retry_target(a))
        return false;
    act_choose_all(a);
    return true;
}

static int act_out(struct act *a) {
    if (!is_sound(a))
        return EXIT_WRONG_USE;
    if (is_about_reset(a))
        return act_resolve_reset(a);
    if (!choose(a))
        return a->failed ? EXIT_FAULT : EXIT_WRONG_USE;
    bool finds_none = a->count == 0 && a->filter->code != NULL;
    if (finds_none && !a->failed)
        return conclude_without_any(a);
    act_on_chosen(a, act_on);
    return conclude(a);
}

int outbox_act(struct outbox *o, enum outbox_verb verb, const char *word,
               const struct outbox_filter *filter, struct iptfhir_error *error) {
    static const struct act_verb *const verbs[] = {
        [OUTBOX_RETRY] = &act_retry,
        [OUTBOX_RESOLVE] = &act_resolve,
        [OUTBOX_DISCARD] = &act_discard,
        [OUTBOX_RESTORE] = &act_restore,
    };
    struct act a = { .o = o,
                     .store = o->store,
                     .calls = o->store->calls,
                     .verb = verbs[verb],
                     .word = word,
                     .filter = filter,
                     .error = error };
    int code = act_out(&a);
    arena_free(&a.arena);
    free(a.list);
    return code;
}
