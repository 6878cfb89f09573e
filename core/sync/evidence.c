/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence becomes what an item was found to be, and what its state is. */
#include "core/sync/evidence.h"

#include "core/fhir/r4.h"
#include "core/sync/belief.h"
#include "core/sync/body.h"
#include "core/sync/render.h"

#include <string.h>

enum {
    FORBIDDEN_MS = 15 * 60000, /* then it is tried again: the rights may have been given */
    FORBIDDEN_MOST = 5, /* refusals of access before anything was taken: then the target pauses */
    FAILED_MOST = 8,    /* orders in a row that met errors: then the target pauses */
    RESET_LEAST = 3     /* so many gone, and most of what was read: then it is a reset */
};

/* ---- keeping ---- */

static const char *keep(struct cycle *c, const char *text) {
    if (text == NULL)
        return NULL;
    const char *copy = arena_strndup(&c->arena, text, strlen(text));
    if (copy == NULL)
        c->failed = true;
    return copy;
}

/* Keeps a body as a tree; NULL when there is none or it is no JSON object. */
static struct tree *keep_body(struct cycle *c, const struct iptfhir_evidence *e) {
    if (e->body == NULL || e->body_length == 0)
        return NULL;
    struct iptfhir_error why = ERROR_INIT;
    struct tree *body = json_read_copy(&c->arena, e->body, e->body_length, NULL, &why);
    if (body == NULL && strcmp(why.code, "memory") == 0)
        c->failed = true;
    return body != NULL && body->kind == TREE_OBJECT ? body : NULL;
}

/* Pauses the target on behalf of the core. */
static void pause_target(struct cycle *c, const struct iptfhir_pause *pause) {
    struct world *world = c->run->world;
    uint32_t jitter = 0;
    (void)world->random(world, &jitter, sizeof jitter);
    reach_pause(c->reach, pause, world->steady_ms(world), jitter);
    c->paused = true;
}

/* ---- what was found ---- */

/* One of the item's kind is there. */
static void take_found(struct cycle *c, struct lane_item *item, const struct iptfhir_evidence *e) {
    bool others = false;
    if (e->server_id == NULL || item->found == FOUND_SEVERAL)
        return;
    if (item->found == FOUND_ONE && strcmp(item->found_id, e->server_id) != 0) {
        item->found = FOUND_SEVERAL;
        return;
    }
    item->found = FOUND_ONE;
    item->found_id = keep(c, e->server_id);
    item->found_version = keep(c, e->version);
    item->theirs = keep_body(c, e);
    if (item->theirs == NULL || item->said->value[0] == '\0')
        return;
    const struct iptfhir_item *asked = &c->ask.order.items[item->place];
    bool ours = body_has_identifier(item->theirs, asked->system, asked->value, &others);
    if (!ours && others && c->ask.order.task == IPTFHIR_READ)
        item->found = FOUND_STRANGER;
}

static void take_absent(struct cycle *c, struct lane_item *item, bool deleted) {
    bool known = item->state.server_id[0] != '\0';
    item->found = deleted ? FOUND_GONE : FOUND_ABSENT;
    if (known && c->ask.order.task == IPTFHIR_READ)
        c->reach->gone++;
}

/* ---- what was written ---- */

/* The attempt ended without effect. */
static void end_attempt(struct lane_item *item) {
    item->state.attempt = STORE_NO_ATTEMPT;
    item->rounds++;
    item->dirty = true;
}

static void take_written(struct cycle *c, struct lane_item *item,
                         const struct iptfhir_evidence *e) {
    struct store_state *s = &item->state;
    bool created = s->attempt == STORE_CREATE;
    s->sent = true;
    s->sent_wanted = s->attempt_wanted;
    memcpy(s->sent_hash, s->attempt_hash, STORE_HASH);
    s->sent_body = s->attempt_body;
    s->omitted = s->attempt_omitted;
    s->chart = s->attempt_chart;
    s->attempt = STORE_NO_ATTEMPT;
    if (e->server_id != NULL)
        s->server_id = keep(c, e->server_id);
    s->version = e->version != NULL ? keep(c, e->version) : "";
    s->tries = 0;
    s->since_ms = c->run->world->wall_ms(c->run->world);
    s->era = c->run->settings->era;
    item->found = FOUND_UNASKED;
    item->look = LOOK_NONE;
    item->dirty = true;
    if (s->server_id == NULL)
        s->server_id = "";
    if (s->version == NULL)
        s->version = "";
    if (!cycle_decided(item, "move"))
        s->decision = ""; /* a move isn't over when it has withdrawn */
    c->reach->taken++;
    if (created)
        c->run->counts.created++;
    else
        c->run->counts.updated++;
}

static bool is_refused_access(const struct iptfhir_evidence *e) {
    return e->code != NULL && strcmp(e->code, "policy-denied") == 0;
}

/* Counts a refusal of access; when everything that was tried met one, the target pauses. */
static void count_forbidden(struct cycle *c, const char *detail) {
    const struct iptfhir_pause forbidden = { .size = sizeof forbidden,
                                             .code = "target-forbidden",
                                             .detail = detail,
                                             .retry_after_ms = FORBIDDEN_MS,
                                             .person = true };
    if (++c->reach->forbidden >= FORBIDDEN_MOST)
        pause_target(c, &forbidden);
}

/* The server refused access: to this, or to everything? */
static bool is_forbidden_everywhere(struct cycle *c, const struct iptfhir_evidence *e) {
    if (!is_refused_access(e) || c->reach->taken > 0)
        return false;
    count_forbidden(c, "the target refuses access to everything that was tried: check the rights "
                       "of this client there");
    return true;
}

static void take_refused(struct cycle *c, struct lane_item *item,
                         const struct iptfhir_evidence *e) {
    bool writing = c->ask.order.task == IPTFHIR_WRITE;
    if (writing)
        end_attempt(item);
    bool everywhere = is_forbidden_everywhere(c, e);
    if (everywhere && (item->state.tries < 2 || c->reach->forbidden >= FORBIDDEN_MOST)) {
        cycle_set_step(c, item, STORE_WAITING, "policy-denied", keep(c, e->detail));
        cycle_hold_sticks(item);
        if (item->state.tries < 2)
            item->state.tries++; /* whose fault it is shows when something else is taken */
        item->waits = true;
        return;
    }
    if (item->state.attempt == STORE_NO_ATTEMPT)
        cycle_hold_sticks(item);
    cycle_set_step(c, item, STORE_HELD, e->code != NULL ? keep(c, e->code) : "invalid",
                   keep(c, e->detail));
    item->waits = item->state.attempt != STORE_NO_ATTEMPT;
}

static void take_too_large(struct cycle *c, struct lane_item *item,
                           const struct iptfhir_evidence *e) {
    end_attempt(item);
    if (c->ask.order.count > 1 && c->ask.order.together != IPTFHIR_SINGLY) {
        c->halved = true;
        item->rounds = 0; /* halving ends by itself */
        return;
    }
    cycle_hold_sticks(item);
    cycle_set_step(c, item, STORE_HELD, "too-large", keep(c, e->detail));
}

/* The server failed on it, or no answer came: it may have acted. */
static void take_lost(struct cycle *c, struct lane_item *item) {
    bool alone = c->ask.order.count == 1 || c->ask.order.together == IPTFHIR_SINGLY;
    item->found = FOUND_UNASKED;
    item->theirs = NULL;
    if (alone)
        item->state.tries++; /* of several, nobody knows which one it was */
    item->dirty = true;
    c->lost = true;
}

static void take_not_done(struct cycle *c, struct lane_item *item) {
    if (c->ask.order.task != IPTFHIR_WRITE) {
        item->waits = true;
        return;
    }
    end_attempt(item);
    if (c->ask.order.together == IPTFHIR_SINGLY)
        item->waits = true;
}

/* A success that isn't to be believed as it is: the attempt stays open, and what is there now is
 * looked at. */
static void look_anew(struct cycle *c, struct lane_item *item, const struct iptfhir_evidence *e,
                      enum belief belief) {
    bool named = belief == BELIEF_UNPROVEN && e->server_id != NULL;
    item->found = FOUND_UNASKED;
    item->look = LOOK_NONE;
    item->theirs = NULL;
    if (named && item->state.attempt == STORE_CREATE) {
        item->found = FOUND_ONE; /* read by its id: a search may not know it yet */
        item->found_id = keep(c, e->server_id);
        item->found_version = NULL;
    }
    item->state.tries++;
    item->dirty = true;
    c->doubted = true;
}

static void take_write(struct cycle *c, struct lane_item *item, const struct iptfhir_evidence *e) {
    bool succeeded = e->proof == IPTFHIR_WRITTEN || e->proof == IPTFHIR_FOUND;
    enum belief belief = succeeded ? belief_of(c, item, e) : BELIEVED;
    bool shows_itself = e->proof == IPTFHIR_FOUND && belief == BELIEF_UNPROVEN;
    if (belief != BELIEVED && !shows_itself) {
        look_anew(c, item, e, belief);
        return;
    }
    switch (e->proof) {
    case IPTFHIR_WRITTEN: take_written(c, item, e); return;
    case IPTFHIR_FOUND:
        end_attempt(item);
        take_found(c, item, e);
        return;
    case IPTFHIR_ABSENT:
    case IPTFHIR_GONE:
        end_attempt(item);
        item->found = e->proof == IPTFHIR_GONE ? FOUND_GONE : FOUND_ABSENT;
        return;
    case IPTFHIR_CHANGED:
        end_attempt(item);
        item->found = FOUND_UNASKED;
        item->changed = true;
        return;
    case IPTFHIR_DUPLICATE:
        end_attempt(item);
        item->found = FOUND_UNASKED;
        item->duplicate = true;
        return;
    case IPTFHIR_REFUSED: take_refused(c, item, e); return;
    case IPTFHIR_TOO_LARGE: take_too_large(c, item, e); return;
    case IPTFHIR_NOT_TOGETHER:
        end_attempt(item);
        c->apart = true;
        item->rounds = 0;
        return;
    case IPTFHIR_NOT_DONE: take_not_done(c, item); return;
    case IPTFHIR_FAILED:
        c->server_failed = true;
        take_lost(c, item);
        return;
    case IPTFHIR_LOST: take_lost(c, item); return;
    }
}

/* The target refused a write as made over an old version, and shows that very version: after some
 * such rounds a person must look. */
static void watch_for_contradiction(struct lane_item *item) {
    const char *expected = item->state.attempt_version;
    bool versioned = item->found_version != NULL && expected[0] != '\0';
    if (!item->changed || !versioned || strcmp(item->found_version, expected) != 0)
        return;
    item->state.tries++;
    item->dirty = true;
}

static void take_look(struct cycle *c, struct lane_item *item, const struct iptfhir_evidence *e) {
    switch (e->proof) {
    case IPTFHIR_FOUND:
        take_found(c, item, e);
        watch_for_contradiction(item);
        if (c->ask.order.task == IPTFHIR_READ && item->theirs == NULL)
            item->waits = true; /* a read that shows nothing tells nothing */
        return;
    case IPTFHIR_ABSENT: take_absent(c, item, false); return;
    case IPTFHIR_GONE: take_absent(c, item, true); return;
    case IPTFHIR_REFUSED: take_refused(c, item, e); return;
    case IPTFHIR_FAILED:
        c->server_failed = true;
        item->waits = true;
        return;
    case IPTFHIR_TOO_LARGE:
        c->halved = c->ask.order.count > 1; /* asked again with fewer */
        item->waits = !c->halved;
        return;
    case IPTFHIR_NOT_TOGETHER: item->waits = true; return;
    case IPTFHIR_WRITTEN:
    case IPTFHIR_CHANGED:
    case IPTFHIR_DUPLICATE:
    case IPTFHIR_NOT_DONE:
    case IPTFHIR_LOST: break;
    }
    item->waits = true;
}

/* ---- the sink ---- */

/* How a match ended. */
static void take_match(struct cycle *c, const struct iptfhir_evidence *e) {
    c->matched = e->proof == IPTFHIR_FOUND || e->proof == IPTFHIR_ABSENT;
    c->reach->matched += c->matched ? 1 : 0;
    c->match_denied = e->proof == IPTFHIR_REFUSED && is_refused_access(e);
    if (c->match_denied && c->reach->matched == 0 && c->reach->taken == 0)
        count_forbidden(c, "the target refuses every search for a patient: check this client's "
                           "right to search patients there (SMART scope Patient.rs)");
    if (e->proof == IPTFHIR_FAILED)
        c->server_failed = true;
}

static void on_item(struct iptfhir_evidence_sink *sink, size_t index,
                    const struct iptfhir_evidence *e) {
    struct cycle *c = sink->self;
    if (c->ask.order.task == IPTFHIR_MATCH) {
        take_match(c, e);
        return;
    }
    if (index >= c->ordered_count || c->ask.order.task < IPTFHIR_FIND)
        return;
    struct lane_item *item = c->ordered[index];
    bool first = !c->proved[index];
    c->proved[index] = true;
    if (c->ask.order.task != IPTFHIR_WRITE) {
        take_look(c, item, e);
        return;
    }
    if (first)
        take_write(c, item, e);
    else if (e->proof == IPTFHIR_FOUND)
        take_found(c, item, e);
}

static void on_candidate(struct iptfhir_evidence_sink *sink, const struct iptfhir_candidate *from) {
    struct cycle *c = sink->self;
    if (c->candidate_count == c->candidate_capacity) {
        size_t capacity = c->candidate_capacity != 0 ? c->candidate_capacity * 2 : 4;
        struct match_candidate *grown = arena_alloc(&c->arena, capacity * sizeof *grown);
        if (grown == NULL) {
            c->failed = true;
            return;
        }
        if (c->candidate_count > 0)
            memcpy(grown, c->candidates, c->candidate_count * sizeof *grown);
        c->candidates = grown;
        c->candidate_capacity = capacity;
    }
    struct match_candidate *kept = match_keep(&c->arena, from);
    if (kept == NULL)
        c->failed = true;
    else
        c->candidates[c->candidate_count++] = *kept;
}

static void on_abilities(struct iptfhir_evidence_sink *sink,
                         const struct iptfhir_abilities *abilities) {
    (void)sink, (void)abilities; /* not asked for in a lane */
}

/* An answer that is no FHIR pauses the target, unless it gives others as they should be: then one
 * patient's answer is strange, and only its lane waits. */
static void on_pause(struct iptfhir_evidence_sink *sink, const struct iptfhir_pause *pause) {
    struct cycle *c = sink->self;
    bool strange = pause->code != NULL && strcmp(pause->code, "target-answer") == 0;
    if (strange && c->reach->successes > 0)
        c->server_failed = true;
    else
        pause_target(c, pause);
}

void evidence_open(struct cycle *c) {
    c->sink = (struct iptfhir_evidence_sink) { sizeof c->sink, c,       on_item, on_candidate,
                                               on_abilities,   on_pause };
}

/* ---- the end of an order ---- */

/* A person said that the chart where it stands now is the same patient's. What is withdrawn in
 * place is withdrawn there: no match says which chart is right. */
static void accept_where_it_stands(struct cycle *c, struct lane_item *item) {
    bool said = cycle_decided(item, "same") && item->state.attempt == STORE_NO_ATTEMPT;
    if (!said || item->theirs == NULL || !cycle_in_place(c, item))
        return;
    const char *chart = body_refers_to_one(item->theirs, &c->arena, R4_PATIENT);
    if (chart == NULL)
        return;
    item->state.chart = chart;
    item->dirty = true;
}

bool evidence_look(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    accept_where_it_stands(c, item);
    const struct render r = cycle_render(c, item);
    return render_look(&r, item, error);
}

/* Says what silence means: after a write that it may have been done, else that it wasn't. */
static void conclude_silence(struct cycle *c) {
    static const struct iptfhir_evidence lost = { .size = sizeof lost, .proof = IPTFHIR_LOST };
    static const struct iptfhir_evidence not_done = { .size = sizeof not_done,
                                                      .proof = IPTFHIR_NOT_DONE };
    bool may_have_acted = c->ask.order.task == IPTFHIR_WRITE && c->ask.count > 0;
    for (size_t i = 0; i < c->ordered_count; i++) {
        if (!c->proved[i])
            on_item(&c->sink, i, may_have_acted ? &lost : &not_done);
    }
}

/* The target was reset when most of what was read is gone. */
static void watch_for_reset(struct cycle *c) {
    static const struct iptfhir_pause reset = {
        .size = sizeof reset,
        .code = "target-reset",
        .detail = "most of what was there is gone: the target was reset or replaced; see what "
                  "happened there, then `iptfhir outbox resolve again --target T`",
        .retry_after_ms = REACH_PAUSE_MOST_MS,
        .person = true
    };
    const struct reach *r = c->reach;
    if (r->gone >= RESET_LEAST && r->gone * 2 > r->reads)
        pause_target(c, &reset);
}

/* A failing server pauses as a whole, unless it takes others: then only the lane waits. */
static void watch_for_failure(struct cycle *c) {
    static const struct iptfhir_pause failing = {
        .size = sizeof failing,
        .code = "target-busy",
        .detail = "the target answers with errors of its own: see its log; the queue waits"
    };
    if (!c->server_failed) {
        bool whole = c->ask.order.together != IPTFHIR_SINGLY && !c->halved && !c->lost;
        if (!c->paused)
            reach_answered(c->reach, whole ? c->ask.order.count : 0);
        return;
    }
    c->server_failed = false;
    c->reach->failed_in_row++;
    if (c->reach->successes == 0 || c->reach->failed_in_row >= FAILED_MOST)
        pause_target(c, &failing);
    struct reach_rest *rest = reach_rest_add(c->reach, c->patient);
    if (rest != NULL)
        rest->tries++;
}

/* Learns from an order how much the target takes at once. */
static void learn_limits(struct cycle *c) {
    const struct iptfhir_order *order = &c->ask.order;
    bool bundled = order->together != IPTFHIR_SINGLY && order->count > 1;
    int64_t took = c->run->world->steady_ms(c->run->world) - c->ask.began_ms;
    bool slow = took > REACH_SLOW_MS;
    bool timed_out = c->lost && c->reach->timeout_ms > 0 && took >= c->reach->timeout_ms;
    if (c->halved || (bundled && (c->lost || slow)))
        reach_halve(c->reach, order->count, c->halved || slow || timed_out);
    if (c->apart && order->together == IPTFHIR_TRANSACTION)
        c->reach->together = IPTFHIR_BATCH;
    else if (c->apart)
        c->reach->together = IPTFHIR_SINGLY;
    c->halved = false;
    c->apart = false;
}

/* Notes when an answer was lost: what it may have done shows only some time later. */
static bool note_loss(struct cycle *c, struct iptfhir_error *error) {
    int64_t now = c->run->world->steady_ms(c->run->world);
    if (c->doubted)
        c->settles_ms = now + c->reach->config->settle_ms;
    c->doubted = false;
    if (!c->lost)
        return true;
    c->lost = false;
    struct reach_rest *rest = reach_rest_add(c->reach, c->patient);
    if (rest == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    rest->lost_ms = now;
    c->settles_ms = now + c->reach->config->settle_ms;
    return true;
}

bool evidence_end(struct cycle *c, struct iptfhir_error *error) {
    iptfhir_task task = c->ask.order.task;
    if (c->failed)
        return error_set(error, "memory", NULL, "out of memory");
    if (task == IPTFHIR_MATCH) {
        c->match_answered = c->matched;
        c->match_failed = !c->matched;
        watch_for_failure(c);
        return true;
    }
    conclude_silence(c);
    if (c->failed)
        return error_set(error, "memory", NULL, "out of memory");
    if (task == IPTFHIR_READ)
        c->reach->reads += c->ordered_count;
    for (size_t i = 0; i < c->ordered_count; i++) {
        struct lane_item *item = c->ordered[i];
        bool found = item->found == FOUND_ONE && !item->waits;
        if (found && !evidence_look(c, item, error) && !cycle_bears(c, item, error))
            return false;
        item->place = SIZE_MAX;
    }
    c->ordered_count = 0;
    watch_for_reset(c);
    watch_for_failure(c);
    learn_limits(c);
    return note_loss(c, error);
}

bool evidence_not_sent(struct cycle *c, struct iptfhir_error *error) {
    static const struct iptfhir_evidence not_done = { .size = sizeof not_done,
                                                      .proof = IPTFHIR_NOT_DONE };
    if (strcmp(error->code, "memory") == 0)
        return false;
    const struct iptfhir_pause unusable = {
        .size = sizeof unusable, .code = error->code, .detail = error->text, .person = true
    };
    pause_target(c, &unusable);
    error_clear(error);
    for (size_t i = 0; i < c->ordered_count; i++)
        on_item(&c->sink, i, &not_done);
    return evidence_end(c, error);
}
