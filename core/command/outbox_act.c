/* SPDX-License-Identifier: Apache-2.0 */
/* outbox retry, resolve, discard and restore: what a person decides, written in short transactions
 * beside a running sync. Delivery and the next reading carry it out. */
#include "core/base/codes.h"
#include "core/command/exit.h"
#include "core/command/outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    AT_ONCE = 64,     /* items of one transaction */
    BUSY_TRIES = 250, /* while a sync has the store */
    BUSY_MS = 20
};

struct chosen {
    enum outbox_kind kind;
    uint64_t no;
    uint32_t ordinal;
    char target[80];
};
struct act {
    struct outbox *o;
    enum outbox_verb verb;
    const char *word;
    const struct outbox_filter *filter;
    struct chosen *list;
    size_t count, capacity;
    size_t done, refused;
    char first_refusal[400];
    struct arena arena; /* of the item in hand */
    struct iptfhir_error *error;
    bool failed; /* the store failed: `error` says how */
};

/* Says why it can't be done; NULL means done, so that `return refuse(...)` reads well. */
static const char *refuse(struct act *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *refuse(struct act *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct str text = { 0 };
    str_vprintf(&text, format, args);
    va_end(args);
    const char *kept = text.data != NULL ? arena_strndup(&a->arena, text.data, text.length) : NULL;
    str_free(&text);
    return kept != NULL ? kept : "out of memory; run the command again";
}

static bool check(struct act *a, bool good) {
    a->failed = a->failed || !good;
    return good;
}

static bool is_code(const char *code, const char *name) {
    return strcmp(code, name) == 0;
}

/* What a code's own entry says to do. */
static const char *next_of(const char *code) {
    const struct code *entry = code_find(code);
    return entry != NULL ? entry->next : "see `iptfhir outbox show`";
}

/* ---- words ---- */

/* Which decisions fit which code of a resource. */
static const struct {
    const char *code, *words[5];
} words_of[] = {
    { "adopt", { "ours", "theirs" } },
    { "conflict", { "ours", "theirs" } },
    { "store-older", { "ours", "theirs" } },
    { "gone", { "again", "leave" } },
    { "unknown", { "again", "leave" } },
    { "target-reset", { "again", "leave" } },
    { "mass-withdrawal", { "withdraw", "leave" } },
    { "withdraw-person", { "withdraw", "leave" } },
    { "element-gone", { "withdraw", "error", "left", "leave" } },
    { "patient-changed", { "move", "same", "leave" } },
};

static const char *const *words_for(const char *code) {
    for (size_t i = 0; i < sizeof words_of / sizeof *words_of; i++) {
        if (is_code(code, words_of[i].code))
            return words_of[i].words;
    }
    return NULL;
}

static bool word_fits(const char *const *words, const char *word) {
    for (; words != NULL && *words != NULL; words++) {
        if (strcmp(*words, word) == 0)
            return true;
    }
    return false;
}

/* Says which words fit instead. */
static const char *refuse_word(struct act *a, const char *code) {
    const char *const *words = words_for(code);
    struct str list = { 0 };
    if (words == NULL)
        return refuse(a, "`%s` says nothing about %s: %s", a->word, code, next_of(code));
    for (; *words != NULL; words++)
        str_printf(&list, "%s%s", list.length > 0 ? ", " : "", *words);
    const char *text = refuse(a, "`%s` says nothing about %s: say %s", a->word, code,
                              list.data != NULL ? list.data : "another word");
    str_free(&list);
    return text;
}

/* ---- lanes ---- */

static void put_lane(struct act *a, const char *target, uint64_t patient) {
    const struct store_calls *calls = a->o->store->calls;
    uint32_t no = 0;
    if (!check(a, calls->target_no(a->o->store, target, false, &no, a->error)) || no == 0)
        return;
    check(a, calls->lane_put(a->o->store, no, patient, a->o->now_ms, a->error));
}

/* The patient's lanes at every target of the configuration that the job serves or that has states
 * of the patient. */
static void put_lanes(struct act *a, const char *job, uint64_t patient) {
    for (size_t i = 0; i < a->o->route_count; i++) {
        if (strcmp(a->o->routes[i].job, job) == 0)
            put_lane(a, a->o->routes[i].target, patient);
    }
}

static void put_state(struct act *a, const struct store_state *state) {
    check(a, a->o->store->calls->state_put(a->o->store, state, a->error));
}

/* ---- resources ---- */

/* Takes the codes away under which ingest held the resource, and says what is wanted of it. */
static void rewrite_said(struct act *a, const struct lane_item *item, const char *code,
                         const enum store_wanted *wanted) {
    struct store_said *rows;
    size_t count;
    const struct store_calls *calls = a->o->store->calls;
    if (!check(a, calls->said_of(a->o->store, item->said->patient, &a->arena, &rows, &count,
                                 a->error)))
        return;
    for (size_t i = 0; i < count && !a->failed; i++) {
        bool same = memcmp(rows[i].uuid, item->said->uuid, STORE_UUID) == 0;
        if (!same || !is_code(rows[i].code, code))
            continue;
        rows[i].code = rows[i].detail = "";
        if (wanted != NULL)
            rows[i].wanted = *wanted;
        check(a, calls->said_put(a->o->store, &rows[i], a->error));
    }
}

/* Makes it due now: what was decided last is forgotten, an open attempt stays. */
static void make_due(struct act *a, const struct survey_item *found) {
    struct store_state state = found->item->state;
    put_lane(a, found->target, state.patient);
    bool fresh = state.since_ms == 0 && !state.sent;
    if (fresh && state.step == STORE_WAITING)
        return;
    state.tries = 0;
    state.decision = "";
    if (state.attempt == STORE_NO_ATTEMPT) {
        memset(state.attempt_hash, 0, STORE_HASH);
        state.step = STORE_WAITING;
        state.code = state.detail = "";
        state.since_ms = a->o->now_ms;
    } else if (state.step == STORE_HELD) {
        state.step = STORE_UNKNOWN;
        state.code = "unknown";
        state.detail = "";
        state.since_ms = a->o->now_ms;
    }
    put_state(a, &state);
}

static const char *retry_resource(struct act *a, const struct survey_item *found) {
    const struct store_record *record = found->record;
    bool of_record = record != NULL && record->state != STORE_RECORD_LIVE &&
                     is_code(record->code, found->code) && record->code[0] != '\0';
    if (found->step == STORE_IN_STEP)
        return refuse(a, "it is in step: there is nothing to retry");
    if (found->step == STORE_DECIDED)
        return refuse(a, "it was decided: `iptfhir outbox restore` takes the decision back");
    if (is_code(found->code, "mass-withdrawal"))
        return refuse(a, "withdrawals are decided: `iptfhir outbox resolve --code mass-withdrawal "
                         "withdraw`, or `leave`");
    if (of_record)
        return refuse(a, "its record is held: decide about r%" PRIu64 " (%s)", record->no,
                      next_of(record->code));
    make_due(a, found);
    return NULL;
}

/* Writes what delivery has to carry out. */
static void decide(struct act *a, const struct survey_item *found, const char *word) {
    struct store_state state = found->item->state;
    state.decision = word;
    put_state(a, &state);
    put_lane(a, found->target, state.patient);
}

/* The same decision for all of a record that is held for another chart. */
static void decide_charts(struct act *a, const struct survey_item *found) {
    const struct lane *lane = found->lane;
    for (size_t i = 0; i < lane->count && !a->failed; i++) {
        const struct lane_item *item = &lane->items[i];
        bool same_record = item->said->record == found->item->said->record;
        bool held = item->state.step == STORE_HELD && is_code(item->state.code, "patient-changed");
        if (!same_record || !held)
            continue;
        struct survey_item each = *found;
        each.item = item;
        decide(a, &each, a->word);
    }
}

/* An element that its record no longer has. */
static void decide_element(struct act *a, const struct survey_item *found) {
    static const enum store_wanted error = STORE_WANTED_ERROR, left = STORE_WANTED_LEFT;
    if (is_code(a->word, "leave")) {
        decide(a, found, "leave");
        return;
    }
    rewrite_said(a, found->item, "element-gone", is_code(a->word, "left") ? &left : &error);
    if (found->record != NULL)
        put_lanes(a, found->record->job, found->item->state.patient);
    make_due(a, found);
}

static const char *resolve_resource(struct act *a, const struct survey_item *found) {
    const struct store_record *record = found->record;
    const char *code = found->code;
    if (found->step != STORE_HELD)
        return refuse(a, "it is %s, not held: there is nothing to decide",
                      store_step_name(found->step));
    bool record_decides =
        record != NULL && record->state != STORE_RECORD_LIVE && is_code(record->code, code);
    if (record_decides)
        return refuse(a, "its record is held: decide about r%" PRIu64 " (%s)", record->no,
                      next_of(code));
    if (!word_fits(words_for(code), a->word))
        return refuse_word(a, code);
    if (is_code(code, "patient-changed")) {
        decide_charts(a, found);
        return NULL;
    }
    if (is_code(code, "element-gone")) {
        decide_element(a, found);
        return NULL;
    }
    bool passes = is_code(code, "mass-withdrawal") && is_code(a->word, "withdraw");
    if (passes) {
        rewrite_said(a, found->item, code, NULL);
        make_due(a, found);
        return NULL;
    }
    decide(a, found, a->word);
    return NULL;
}

static const char *discard_resource(struct act *a, const struct survey_item *found) {
    if (found->step == STORE_IN_STEP)
        return refuse(a, "it is in step: the target has it; a correction or a withdrawal is made "
                         "at the source");
    if (found->step == STORE_DECIDED)
        return NULL;
    if (found->item->state.attempt != STORE_NO_ATTEMPT)
        return refuse(a, "an answer about it was lost, so the target may have it: a sync finds out "
                         "first, then discard it");
    decide(a, found, "discard");
    return NULL;
}

static const char *restore_resource(struct act *a, const struct survey_item *found) {
    const struct store_state *s = &found->item->state;
    if (s->step != STORE_DECIDED && s->decision[0] == '\0')
        return refuse(a, "nobody decided about it: there is nothing to take back");
    struct store_state state = *s;
    state.decision = "";
    put_state(a, &state);
    if (s->step == STORE_DECIDED)
        make_due(a, found);
    return NULL;
}

static const char *act_resource(struct act *a, const struct chosen *c) {
    struct lane lane;
    struct survey_item found = { .target = c->target };
    uint32_t target = 0;
    bool there = false, any = false;
    const struct store_calls *calls = a->o->store->calls;
    if (!check(a, calls->target_no(a->o->store, c->target, false, &target, a->error)))
        return NULL;
    if (!check(a, lane_load(a->o->store, target, c->no, &a->arena, &lane, &there, a->error)))
        return NULL;
    for (size_t i = 0; there && i < lane.count && !any; i++)
        any = lane.items[i].ordinal == c->ordinal && survey_look(&lane, &lane.items[i], &found);
    if (!any || target == 0)
        return refuse(a, "there is no such item, or nothing of it was ever tried: `iptfhir outbox "
                         "list` has those that are");
    switch (a->verb) {
    case OUTBOX_RETRY: return retry_resource(a, &found);
    case OUTBOX_RESOLVE: return resolve_resource(a, &found);
    case OUTBOX_DISCARD: return discard_resource(a, &found);
    case OUTBOX_RESTORE: break;
    }
    return restore_resource(a, &found);
}

/* ---- records ---- */

static void put_record(struct act *a, struct store_record *record) {
    check(a, a->o->store->calls->record_put(a->o->store, record, a->error));
}

/* The next reading takes the record up whatever it says, and reads it in any case. */
static void read_again(struct act *a, struct store_record *record) {
    memset(record->content, 0, STORE_HASH);
    put_record(a, record);
    check(a, intake_reread(a->o->store, record->job, a->error));
}

struct hold_numbers {
    const struct store_record *record;
    int64_t list[16];
    size_t count;
};
static bool note_hold(void *user, const struct store_hold *hold) {
    struct hold_numbers *n = user;
    bool same =
        strcmp(hold->key.record, n->record->id) == 0 && is_code(hold->key.code, n->record->code);
    if (same)
        n->list[n->count++] = hold->no;
    return n->count < sizeof n->list / sizeof *n->list;
}

/* Forgets why the record was held. */
static void drop_holds(struct act *a, const struct store_record *record) {
    struct hold_numbers n = { .record = record };
    const struct store_calls *calls = a->o->store->calls;
    check(a, calls->holds(a->o->store, record->job, note_hold, &n, a->error));
    for (size_t i = 0; i < n.count && !a->failed; i++)
        check(a, calls->hold_drop(a->o->store, n.list[i], a->error));
}

/* Changes what is wanted of all that the record says, from one kind to another. */
static void rewrite_rows(struct act *a, const struct store_record *record, enum store_wanted from,
                         enum store_wanted to) {
    struct store_said *rows;
    size_t count;
    const struct store_calls *calls = a->o->store->calls;
    if (!check(a, calls->said_of(a->o->store, record->patient, &a->arena, &rows, &count, a->error)))
        return;
    for (size_t i = 0; i < count && !a->failed; i++) {
        if (rows[i].record != record->no || rows[i].wanted != from)
            continue;
        rows[i].wanted = to;
        rows[i].code = rows[i].detail = "";
        check(a, calls->said_put(a->o->store, &rows[i], a->error));
    }
    put_lanes(a, record->job, record->patient);
}

/* A record that the export no longer has. */
static const char *resolve_gone(struct act *a, struct store_record *record) {
    bool error = is_code(a->word, "error");
    if (!error && !is_code(a->word, "left"))
        return refuse(a, "the export no longer has the record: say `error` when it was never true, "
                         "or `left`");
    drop_holds(a, record);
    record->state = error ? STORE_RECORD_ERROR : STORE_RECORD_LEFT;
    record->code = record->detail = record->decision = "";
    put_record(a, record);
    rewrite_rows(a, record, STORE_WANTED_BODY, error ? STORE_WANTED_ERROR : STORE_WANTED_LEFT);
    return NULL;
}

/* Decides for the states of a record that stand in another chart. */
static const char *resolve_charts(struct act *a, const struct store_record *record) {
    bool any = false;
    const struct store_calls *calls = a->o->store->calls;
    for (size_t t = 0; t < a->o->route_count && !a->failed; t++) {
        struct lane lane;
        bool there = false;
        uint32_t no = 0;
        const char *target = a->o->routes[t].target;
        if (strcmp(a->o->routes[t].job, record->job) != 0)
            continue;
        if (!check(a, calls->target_no(a->o->store, target, false, &no, a->error)) || no == 0)
            continue;
        if (!check(a,
                   lane_load(a->o->store, no, record->patient, &a->arena, &lane, &there, a->error)))
            continue;
        for (size_t i = 0; there && i < lane.count; i++) {
            const struct lane_item *item = &lane.items[i];
            struct survey_item found = { .target = target, .lane = &lane, .item = item };
            bool held =
                item->state.step == STORE_HELD && is_code(item->state.code, "patient-changed");
            if (!held || item->said->record != record->no)
                continue;
            decide(a, &found, a->word);
            any = true;
        }
    }
    if (any || a->failed)
        return NULL;
    return refuse(a, "the record is not held: there is nothing to decide");
}

static const char *resolve_record(struct act *a, struct store_record *record) {
    if (record->state == STORE_RECORD_GONE)
        return resolve_gone(a, record);
    bool about_chart = word_fits(words_for("patient-changed"), a->word);
    if (record->state == STORE_RECORD_LIVE && about_chart)
        return resolve_charts(a, record);
    if (record->state != STORE_RECORD_HELD)
        return refuse(a, "the record is not held: there is nothing to decide");
    if (!is_code(record->code, "patient-changed"))
        return refuse(a, "`%s` says nothing about %s: %s", a->word, record->code,
                      next_of(record->code));
    if (!about_chart)
        return refuse_word(a, record->code);
    record->decision = a->word;
    read_again(a, record);
    return NULL;
}

/* Whether a withdrawal of the record was written at a target, or may have been. */
static bool is_withdrawn_there(struct act *a, const struct store_record *record) {
    const struct store_calls *calls = a->o->store->calls;
    for (size_t t = 0; t < a->o->route_count && !a->failed; t++) {
        struct lane lane;
        bool there = false;
        uint32_t no = 0;
        check(a, calls->target_no(a->o->store, a->o->routes[t].target, false, &no, a->error));
        if (a->failed || no == 0)
            continue;
        if (!check(a,
                   lane_load(a->o->store, no, record->patient, &a->arena, &lane, &there, a->error)))
            continue;
        for (size_t i = 0; there && i < lane.count; i++) {
            const struct lane_item *item = &lane.items[i];
            bool own = item->said->record == record->no;
            bool sent = item->state.sent && item->state.sent_wanted != STORE_WANTED_BODY;
            if (own && (sent || item->state.attempt != STORE_NO_ATTEMPT))
                return true;
        }
    }
    return false;
}

static const char *restore_record(struct act *a, struct store_record *record) {
    bool settled = record->state == STORE_RECORD_LEFT || record->state == STORE_RECORD_ERROR;
    if (record->decision[0] != '\0') {
        record->decision = "";
        put_record(a, record);
        return NULL;
    }
    if (!settled)
        return refuse(a, "nobody decided about the record: there is nothing to take back");
    if (is_withdrawn_there(a, record))
        return refuse(a, "its withdrawal was already written: when the source has the record "
                         "again, the next sync takes it up");
    bool error = record->state == STORE_RECORD_ERROR;
    record->state = STORE_RECORD_GONE;
    record->code = "record-gone";
    record->detail = "the decision was taken back: say error or left, or export it again";
    put_record(a, record);
    rewrite_rows(a, record, error ? STORE_WANTED_ERROR : STORE_WANTED_LEFT, STORE_WANTED_BODY);
    return NULL;
}

static const char *retry_record(struct act *a, struct store_record *record) {
    if (record->state == STORE_RECORD_GONE)
        return refuse(a,
                      "the export no longer has the record: `iptfhir outbox resolve r%" PRIu64
                      " error` or `left`; when it is exported again the hold goes by itself",
                      record->no);
    if (record->state != STORE_RECORD_HELD)
        return refuse(a, "the record is not held: there is nothing to retry");
    drop_holds(a, record); /* one that ended the mappers is mapped again when its hold is gone */
    read_again(a, record);
    return NULL;
}

static const char *act_record(struct act *a, const struct chosen *c) {
    struct store_record record;
    bool found = false;
    if (!check(a, a->o->store->calls->record_get(a->o->store, c->no, &a->arena, &record, &found,
                                                 a->error)))
        return NULL;
    if (!found)
        return refuse(a, "there is no such record: `iptfhir outbox list` has those that are held");
    switch (a->verb) {
    case OUTBOX_RETRY: return retry_record(a, &record);
    case OUTBOX_RESOLVE: return resolve_record(a, &record);
    case OUTBOX_RESTORE: return restore_record(a, &record);
    case OUTBOX_DISCARD: break;
    }
    if (record.state == STORE_RECORD_GONE)
        return refuse(
            a, "a record is not discarded: `iptfhir outbox resolve r%" PRIu64 " error` or `left`",
            record.no);
    return refuse(a, "a record is not discarded, since its source would hand it over again: %s",
                  next_of(record.code));
}

/* ---- rows and parts ---- */

struct hold_copy {
    struct act *a;
    int64_t no;
    bool found;
    const char *job, *record;
};
static bool copy_hold(void *user, const struct store_hold *hold) {
    struct hold_copy *h = user;
    if (hold->no != h->no)
        return true;
    h->found = true;
    h->job = arena_strndup(&h->a->arena, hold->key.job, strlen(hold->key.job));
    h->record = arena_strndup(&h->a->arena, hold->key.record, strlen(hold->key.record));
    return false;
}

static const char *act_row(struct act *a, const struct chosen *c) {
    struct hold_copy h = { .a = a, .no = (int64_t)c->no };
    struct store_record record;
    bool found = false;
    const struct store_calls *calls = a->o->store->calls;
    if (!check(a, calls->holds(a->o->store, NULL, copy_hold, &h, a->error)))
        return NULL;
    if (!h.found)
        return refuse(a, "there is no such hold: `iptfhir outbox list` has those that are");
    if (h.job == NULL || h.record == NULL)
        return refuse(a, "out of memory; run the command again");
    if (a->verb == OUTBOX_RESOLVE)
        return refuse(a, "what a source could not hand over is corrected there; the next sync "
                         "reads it again");
    if (a->verb == OUTBOX_RESTORE)
        return refuse(a, "what was discarded of a source comes back when it is read again: "
                         "`iptfhir sync --reread`");
    if (a->verb == OUTBOX_DISCARD) {
        check(a, calls->hold_drop(a->o->store, h.no, a->error));
        return NULL;
    }
    if (h.record[0] != '\0' &&
        !check(a, calls->record_find(a->o->store, h.record, &a->arena, &record, &found, a->error)))
        return NULL;
    if (found && strcmp(record.job, h.job) == 0)
        read_again(a, &record);
    else
        check(a, intake_reread(a->o->store, h.job, a->error));
    /* A record that ended the mappers is mapped again when its hold is gone. */
    check(a, calls->hold_drop(a->o->store, h.no, a->error));
    return NULL;
}

/* ---- choosing ---- */

static bool choose(struct act *a, const struct chosen *c) {
    if (a->count == a->capacity) {
        size_t capacity = a->capacity > 0 ? a->capacity * 2 : 256;
        struct chosen *list = realloc(a->list, capacity * sizeof *list);
        if (list == NULL)
            return check(a, error_set(a->error, "memory", NULL, "out of memory"));
        a->list = list;
        a->capacity = capacity;
    }
    a->list[a->count++] = *c;
    return true;
}

static bool fits(const char *wanted, const char *value) {
    return wanted == NULL || strcmp(wanted, value) == 0;
}

/* Whether the verb is about a resource that stands so. */
static bool is_meant(const struct act *a, const struct survey_item *item) {
    const struct store_state *s = &item->item->state;
    switch (a->verb) {
    case OUTBOX_RETRY:
        return item->step == STORE_HELD || item->step == STORE_WAITING ||
               item->step == STORE_UNKNOWN;
    case OUTBOX_RESOLVE: return item->step == STORE_HELD;
    case OUTBOX_DISCARD: return item->step == STORE_HELD || item->step == STORE_WAITING;
    case OUTBOX_RESTORE: break;
    }
    return s->step == STORE_DECIDED || s->decision[0] != '\0';
}

static bool choose_item(void *user, const struct survey_item *item) {
    struct act *a = user;
    const struct outbox_filter *f = a->filter;
    const char *job = item->record != NULL ? item->record->job : "";
    if (!is_meant(a, item) || !fits(f->job, job) || !fits(f->code, item->code))
        return true;
    if (!fits(f->target, item->target) || !fits(f->state, store_step_name(item->step)))
        return true;
    struct chosen c = { .no = item->lane->patient.no, .ordinal = item->item->ordinal };
    snprintf(c.target, sizeof c.target, "%s", item->target);
    return choose(a, &c);
}

static bool choose_record(void *user, const struct store_record *record) {
    struct act *a = user;
    bool held = record->state == STORE_RECORD_HELD || record->state == STORE_RECORD_GONE;
    bool decided = record->state == STORE_RECORD_LEFT || record->state == STORE_RECORD_ERROR ||
                   record->decision[0] != '\0';
    if (a->verb == OUTBOX_RESTORE ? !decided : !held)
        return true;
    if (!fits(a->filter->code, record->code))
        return true;
    return choose(a, &(struct chosen) { .kind = OUTBOX_RECORD, .no = record->no });
}

static bool choose_hold(void *user, const struct store_hold *hold) {
    struct act *a = user;
    bool of_record;
    if (!fits(a->filter->code, hold->key.code))
        return true;
    if (!check(a, survey_is_of_record(a->o->store, hold, &a->arena, &of_record, a->error)))
        return false;
    if (of_record)
        return true;
    return choose(a, &(struct chosen) { .kind = OUTBOX_ROW, .no = (uint64_t)hold->no });
}

/* Chooses by filter. Rows are only chosen by verbs that can do something with them. */
static void choose_all(struct act *a) {
    const struct outbox *o = a->o;
    const struct outbox_filter *f = a->filter;
    bool sources = f->target == NULL && (f->state == NULL || is_code(f->state, "held"));
    check(a, survey_walk(o->store, o->routes, o->route_count, choose_item, a, NULL, a->error));
    if (a->failed || !sources)
        return;
    check(a, o->store->calls->records(o->store, f->job, choose_record, a, a->error));
    bool rows = a->verb == OUTBOX_RETRY || a->verb == OUTBOX_DISCARD;
    if (rows && !a->failed)
        check(a, o->store->calls->holds(o->store, f->job, choose_hold, a, a->error));
}

/* Chooses the one that was named. False: the text names none. */
static bool choose_one(struct act *a, const char *text) {
    struct outbox_id id;
    bool readable = outbox_id_read(text, &id);
    bool known = readable && id.kind != OUTBOX_RESOURCE;
    for (size_t i = 0; readable && !known && i < a->o->route_count; i++)
        known = strcmp(a->o->routes[i].target, id.target) == 0;
    if (!known) {
        str_printf(&a->o->err,
                   "%s is no item's id: `iptfhir outbox list` has them, e.g. 12-3@hospital, r7, "
                   "h4\n",
                   text);
        return false;
    }
    struct chosen c = { .kind = id.kind, .no = id.no, .ordinal = id.ordinal };
    snprintf(c.target, sizeof c.target, "%s", id.target != NULL ? id.target : "");
    return choose(a, &c);
}

/* ---- carrying out ---- */

/* Begins a transaction; while a sync has the store it waits. */
static bool begin(struct act *a) {
    for (int i = 0;; i++) {
        struct iptfhir_error error = ERROR_INIT;
        if (a->o->store->calls->begin(a->o->store, &error))
            return true;
        if (strcmp(error.code, "store-busy") != 0 || i == BUSY_TRIES)
            return check(a, error_set(a->error, error.code, error.where, "%s", error.text));
        nanosleep(&(struct timespec) { .tv_nsec = BUSY_MS * 1000000L }, NULL);
    }
}

/* Ends it: keeps what was done, unless the store failed. */
static void end(struct act *a) {
    if (!a->failed && check(a, a->o->store->calls->commit(a->o->store, a->error)))
        return;
    a->o->store->calls->rollback(a->o->store);
}

static void act_one(struct act *a, const struct chosen *c) {
    const char *refusal = NULL;
    arena_reset(&a->arena);
    switch (c->kind) {
    case OUTBOX_RESOURCE: refusal = act_resource(a, c); break;
    case OUTBOX_RECORD: refusal = act_record(a, c); break;
    case OUTBOX_ROW: refusal = act_row(a, c); break;
    }
    if (a->failed)
        return;
    if (refusal == NULL) {
        a->done++;
        return;
    }
    if (a->refused++ == 0)
        snprintf(a->first_refusal, sizeof a->first_refusal, "%s", refusal);
}

static void act_all(struct act *a) {
    for (size_t at = 0; at < a->count && !a->failed; at += AT_ONCE) {
        size_t last = at + AT_ONCE < a->count ? at + AT_ONCE : a->count;
        if (!begin(a))
            return;
        for (size_t i = at; i < last && !a->failed; i++)
            act_one(a, &a->list[i]);
        end(a);
    }
}

/* ---- a target that pauses ---- */

struct names {
    struct act *a;
    char **list;
    size_t count, capacity;
};
static bool note_name(void *user, const char *name, struct store_bytes value) {
    struct names *n = user;
    (void)value;
    if (n->count == n->capacity) {
        size_t capacity = n->capacity > 0 ? n->capacity * 2 : 64;
        char **list = realloc(n->list, capacity * sizeof *list);
        if (list == NULL)
            return check(n->a, error_set(n->a->error, "memory", NULL, "out of memory"));
        n->list = list;
        n->capacity = capacity;
    }
    n->list[n->count] = strdup(name);
    if (n->list[n->count] == NULL)
        return check(n->a, error_set(n->a->error, "memory", NULL, "out of memory"));
    n->count++;
    return true;
}

/* Forgets facts whose names begin so. [tx] */
static void forget_facts(struct act *a, const char *prefix) {
    struct names n = { .a = a };
    const struct store_calls *calls = a->o->store->calls;
    const struct store_bytes none = { NULL, 0 };
    check(a, calls->facts(a->o->store, prefix, note_name, &n, a->error));
    for (size_t i = 0; i < n.count; i++) {
        if (!a->failed)
            check(a, calls->fact_set(a->o->store, n.list[i], none, a->error));
        free(n.list[i]);
    }
    free(n.list);
}

/* Reads for what a target is paused; "" when it isn't. */
static void read_pause(struct act *a, const char *target, char code[32]) {
    char name[300], text[128];
    struct store_bytes value;
    long long until = 0, set = 0;
    snprintf(name, sizeof name, "pause %s", target);
    code[0] = '\0';
    if (!check(a, a->o->store->calls->fact_get(a->o->store, name, &a->arena, &value, a->error)))
        return;
    snprintf(text, sizeof text, "%.*s", (int)value.length, value.data != NULL ? value.data : "");
    if (sscanf(text, "%lld %lld %31s", &until, &set, code) != 3)
        code[0] = '\0';
}

/* Ends a pause; after a reset what was known of charts there is forgotten too. */
static void end_pause(struct act *a, const char *target, bool reset) {
    char name[300];
    uint32_t no = 0;
    const struct store_calls *calls = a->o->store->calls;
    if (!begin(a))
        return;
    check(a, calls->target_no(a->o->store, target, false, &no, a->error));
    if (reset && !a->failed && no != 0) {
        snprintf(name, sizeof name, "chart %" PRIu32 " ", no);
        forget_facts(a, name);
        snprintf(name, sizeof name, "match %" PRIu32 " ", no);
        forget_facts(a, name);
    }
    snprintf(name, sizeof name, "pause %s", target);
    if (!a->failed)
        check(a, calls->fact_set(a->o->store, name, (struct store_bytes) { NULL, 0 }, a->error));
    end(a);
}

static bool choose_there(void *user, const struct survey_item *item) {
    struct act *a = user;
    const struct store_state *s = &item->item->state;
    bool there = s->sent || s->attempt != STORE_NO_ATTEMPT || s->server_id[0] != '\0';
    if (!there || strcmp(item->target, a->filter->target) != 0)
        return true;
    struct chosen c = { .no = item->lane->patient.no, .ordinal = item->item->ordinal };
    snprintf(c.target, sizeof c.target, "%s", item->target);
    return choose(a, &c);
}

/* Everything that was at the target is created anew. */
static void begin_anew(struct act *a) {
    const struct outbox *o = a->o;
    check(a, survey_walk(o->store, o->routes, o->route_count, choose_there, a, NULL, a->error));
    for (size_t at = 0; at < a->count && !a->failed; at += AT_ONCE) {
        size_t last = at + AT_ONCE < a->count ? at + AT_ONCE : a->count;
        if (!begin(a))
            return;
        for (size_t i = at; i < last && !a->failed; i++) {
            struct lane lane;
            bool there = false;
            uint32_t no = 0;
            const struct chosen *c = &a->list[i];
            arena_reset(&a->arena);
            check(a, o->store->calls->target_no(o->store, c->target, false, &no, a->error));
            if (a->failed ||
                !check(a, lane_load(o->store, no, c->no, &a->arena, &lane, &there, a->error)))
                break;
            for (size_t k = 0; there && k < lane.count; k++) {
                struct survey_item found = { .target = c->target, .lane = &lane };
                found.item = &lane.items[k];
                if (lane.items[k].ordinal != c->ordinal)
                    continue;
                decide(a, &found, "again");
                a->done++;
            }
        }
        end(a);
    }
}

static int resolve_reset(struct act *a) {
    char code[32];
    const char *target = a->filter->target;
    read_pause(a, target, code);
    if (a->failed)
        return EXIT_FAULT;
    if (!is_code(code, "target-reset")) {
        str_printf(&a->o->err,
                   "target %s is not paused for a reset: to create single items anew, name them "
                   "(`iptfhir outbox list --target %s --code gone`)\n",
                   target, target);
        return EXIT_WRONG_USE;
    }
    begin_anew(a);
    if (!a->failed)
        end_pause(a, target, true);
    if (a->failed)
        return EXIT_FAULT;
    str_printf(&a->o->out, "%zu are created anew at %s; the next sync begins\n", a->done, target);
    return EXIT_SETTLED;
}

/* `retry --target T`: its pause ends too, unless a person must look first. False: refused. */
static bool retry_target(struct act *a) {
    char code[32];
    const char *target = a->filter->target;
    read_pause(a, target, code);
    if (is_code(code, "target-reset")) {
        str_printf(&a->o->err,
                   "target %s was reset or replaced: see what happened there, then `iptfhir outbox "
                   "resolve again --target %s`\n",
                   target, target);
        return false;
    }
    if (code[0] != '\0' && !a->failed)
        end_pause(a, target, false);
    return true;
}

/* ---- the verb ---- */

static const char *const results[] = {
    [OUTBOX_RETRY] = "put back; the next sync, or one that runs, takes them up",
    [OUTBOX_RESOLVE] = "decided; the next sync, or one that runs, carries it out",
    [OUTBOX_DISCARD] = "discarded; `iptfhir outbox restore` takes that back",
    [OUTBOX_RESTORE] = "restored; the next sync takes them up",
};

static int conclude(struct act *a) {
    const struct outbox_filter *f = a->filter;
    if (a->failed)
        return EXIT_FAULT;
    if (f->id != NULL && a->refused > 0) {
        str_printf(&a->o->err, "%s: %s\n", f->id, a->first_refusal);
        return EXIT_WRONG_USE;
    }
    if (a->o->json)
        str_printf(&a->o->out, "{\"done\": %zu, \"refused\": %zu}\n", a->done, a->refused);
    else
        str_printf(&a->o->out, "%zu %s\n", a->done, results[a->verb]);
    if (a->refused > 0)
        str_printf(&a->o->err, "%zu stay as they are; the first of them: %s\n", a->refused,
                   a->first_refusal);
    return a->done == 0 && a->refused > 0 ? EXIT_WRONG_USE : EXIT_SETTLED;
}

static bool knows_target(const struct outbox *o, const char *target) {
    for (size_t i = 0; i < o->route_count; i++) {
        if (strcmp(o->routes[i].target, target) == 0)
            return true;
    }
    return false;
}

/* Refuses what the filter can't mean. */
static bool is_sound(struct act *a) {
    static const char *const all_words[] = { "ours", "theirs", "again", "withdraw", "move",
                                             "same", "leave",  "error", "left",     NULL };
    const struct outbox_filter *f = a->filter;
    struct str *err = &a->o->err;
    bool any = f->id != NULL || f->code != NULL || f->job != NULL || f->target != NULL || f->all;
    if (!any)
        str_puts(err, "say what: an ID from `iptfhir outbox list`, --code CODE, --job JOB, "
                      "--target TARGET or --all\n");
    else if (f->target != NULL && !knows_target(a->o, f->target))
        str_printf(err, "no job has a target named %s\n", f->target);
    else if (a->verb == OUTBOX_RESOLVE && (a->word == NULL || !word_fits(all_words, a->word)))
        str_puts(err, "say what is decided: ours, theirs, again, withdraw, move, same, leave, "
                      "error or left\n");
    else
        return true;
    return false;
}

int outbox_act(struct outbox *o, enum outbox_verb verb, const char *word,
               const struct outbox_filter *filter, struct iptfhir_error *error) {
    struct act a = { .o = o, .verb = verb, .word = word, .filter = filter, .error = error };
    int code = EXIT_WRONG_USE;
    bool sound = is_sound(&a);
    bool whole_target = sound && filter->id == NULL && filter->target != NULL;
    bool resets =
        whole_target && verb == OUTBOX_RESOLVE && filter->code == NULL && is_code(word, "again");
    if (resets) {
        code = resolve_reset(&a);
    } else if (sound) {
        bool go = true;
        if (filter->id != NULL)
            go = choose_one(&a, filter->id);
        else if (whole_target && verb == OUTBOX_RETRY)
            go = retry_target(&a);
        if (go && filter->id == NULL && !a.failed)
            choose_all(&a);
        if (go && !a.failed)
            act_all(&a);
        if (go || a.failed)
            code = conclude(&a);
    }
    arena_free(&a.arena);
    free(a.list);
    return code;
}
