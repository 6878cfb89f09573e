/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding what comes next in a lane, until its next order or its end. */
#include "core/sync/advance.h"

#include "core/fhir/r4.h"
#include "core/sync/body.h"
#include "core/sync/evidence.h"
#include "core/sync/intake.h"
#include "core/sync/order.h"
#include "core/sync/render.h"

#include <stdio.h>
#include <string.h>

enum {
    TRIES_MOST = 5,             /* failures of one resource while others are taken */
    ROUNDS_MOST = 4,            /* writes of one resource that were refused in one cycle */
    MATCH_AGE_MS = 15 * 60000,  /* a patient match that is older is made anew */
    LOOK_AGAIN_MS = 15 * 60000, /* what may mend itself at the target is looked at again */
    DECIDES_MOST = 8            /* decisions in a row without an order: more is a fault of ours */
};

struct cycle_job {
    struct cycle_job *next;
    const char *name;
    struct intake_poll poll;
};

/* ---- what a person said: move ---- */

/* Whether items of this lane need the chart before anything is asked about them. */
static bool needs_chart(const struct cycle *c) {
    return !c->lane.clinics && c->reach->has_server;
}

/* Nothing is left to withdraw in the wrong chart: what is wanted is created in the right one. That
 * it belongs there is kept, so that nothing of its record holds it there again. */
static void end_move(const struct cycle *c, struct lane_item *item) {
    cycle_begin_anew(item);
    if (c->lane.chart != NULL)
        item->state.chart = c->lane.chart;
}

/* The move was said of something that needs none. */
static void forget_move(struct lane_item *item) {
    item->state.decision = "";
    item->dirty = true;
}

/* Begins a move: it is withdrawn where it stands, unless its type is left as it is. */
static bool begin_move(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    struct tree *body;
    uint32_t omitted;
    item->wanted = STORE_WANTED_MOVED;
    const struct render r = cycle_render(c, item);
    enum render_end end = render_wanted(&r, item, NULL, false, &body, &omitted, error);
    if (end == RENDER_FAILED)
        return false;
    item->found = FOUND_UNASKED;
    item->look = LOOK_NONE;
    item->dirty = true;
    if (end == RENDER_LEAVE)
        end_move(c, item);
    return true;
}

/* Notes in which chart a read has shown it; false: in the one where it belongs. */
static bool take_shown_chart(struct cycle *c, struct lane_item *item) {
    if (item->found != FOUND_ONE || item->look != LOOK_CHART || item->theirs == NULL)
        return false;
    const char *chart = body_refers_to_one(item->theirs, &c->arena, R4_PATIENT);
    item->state.chart = chart != NULL ? chart : "";
    return true;
}

/* Whether a move must look where an item is that was in the right chart when it was last seen. */
static bool must_look(const struct cycle *c, const struct lane_item *item) {
    bool can_read = (reach_flags(c->reach, item->said->type) & CAN_READ) != 0;
    return can_read && item->found == FOUND_UNASKED;
}

/* Carries out a move, as far as that goes by now. Which chart is the wrong one shows when the right
 * one is known: what is in the right one stays, however often a move is said. */
static bool apply_move(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    const struct store_state *s = &item->state;
    bool withdrawn = s->sent && s->sent_wanted == STORE_WANTED_MOVED;
    bool gone = item->found == FOUND_GONE || item->found == FOUND_ABSENT;
    if (s->server_id[0] == '\0') {
        forget_move(item);
        return true;
    }
    if (s->attempt != STORE_NO_ATTEMPT)
        return true;
    if (item->wanted == STORE_WANTED_MOVED) {
        bool ended = withdrawn || (gone && !c->paused);
        if (ended)
            end_move(c, item);
        return true;
    }
    if (needs_chart(c) && c->lane.chart == NULL)
        return true;
    if (lane_stands_elsewhere(&c->lane, item) && withdrawn) {
        end_move(c, item);
        return true;
    }
    if (lane_stands_elsewhere(&c->lane, item) || take_shown_chart(c, item))
        return begin_move(c, item, error);
    if (!must_look(c, item))
        forget_move(item);
    return true;
}

/* Whether a move waits to know where to. */
static bool awaits_chart(const struct lane_item *item) {
    bool open = item->wanted != STORE_WANTED_MOVED && item->state.attempt == STORE_NO_ATTEMPT;
    return open && !item->waits && cycle_decided(item, "move");
}

/* Whether an item is held since a person must do by hand the withdrawal that a move needs. */
static bool moves_by_hand(const struct lane_item *item) {
    const struct store_state *s = &item->state;
    struct lane_item moved = *item;
    unsigned char key[STORE_HASH];
    moved.wanted = STORE_WANTED_MOVED;
    lane_wanted_key(&moved, key);
    bool by_hand = s->step == STORE_HELD && strcmp(s->code, "withdraw-person") == 0;
    bool of_move = item->said->wanted == STORE_WANTED_BODY && s->attempt == STORE_NO_ATTEMPT;
    return by_hand && of_move && memcmp(key, s->attempt_hash, STORE_HASH) == 0;
}

/* ---- what a person said ---- */

/* Nothing is sent. Of what was to be moved it says that its withdrawal is done, or not needed. */
static void apply_silence(const struct cycle *c, struct lane_item *item) {
    struct store_state *s = &item->state;
    if (moves_by_hand(item)) {
        end_move(c, item);
        return;
    }
    s->attempt = STORE_NO_ATTEMPT;
    s->step = STORE_DECIDED;
    s->code = s->decision;
    s->decision = "";
    lane_wanted_key(item, s->attempt_hash);
    item->dirty = true;
}

/* Carries out a decision, as far as it needs no order. */
static bool apply_decision(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    if (cycle_decided(item, "move"))
        return apply_move(c, item, error);
    if (cycle_decided(item, "again"))
        cycle_begin_anew(item);
    else if (cycle_decided(item, "leave") || cycle_decided(item, "discard"))
        apply_silence(c, item);
    return true;
}

/* ---- facts ---- */

/* The poll of a job, read once a cycle. */
static const struct intake_poll *poll_of(struct cycle *c, const char *job,
                                         struct iptfhir_error *error) {
    for (const struct cycle_job *j = c->jobs; j != NULL; j = j->next) {
        if (strcmp(j->name, job) == 0)
            return &j->poll;
    }
    struct cycle_job *j = arena_zalloc(&c->arena, sizeof *j);
    if (j == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    j->name = job;
    if (!intake_poll_of(c->run->store, job, &j->poll, error))
        return NULL;
    j->next = c->jobs;
    c->jobs = j;
    return &j->poll;
}

/* Whether a withdrawal takes back what never should have stood there. */
static bool is_erasure(enum store_wanted wanted) {
    return wanted == STORE_WANTED_ERROR || wanted == STORE_WANTED_MOVED;
}

/* Asks the gate about one item. */
static bool ask_gate(struct cycle *c, struct lane_item *item, struct gate_answer *answer,
                     struct iptfhir_error *error) {
    static const struct gate_answer orphan = {
        .way = GATE_HOLDS,
        .code = "store-damaged",
        .detail = "the store lost the record that it belongs to: run `iptfhir sync --reread`"
    };
    if (item->record == NULL) {
        *answer = orphan;
        return true;
    }
    const struct intake_poll *poll = poll_of(c, item->record->job, error);
    if (poll == NULL)
        return false;
    const struct gate_question question = {
        .privacy = c->run->settings->privacy,
        .patient = &c->lane.facts,
        .recipient = c->reach->config->recipient,
        .attested = c->reach->config->consent_attested,
        .data_class = item->said->data_class,
        .routed = item->routed,
        .withdrawal = is_erasure(item->wanted),
        .now_ms = c->run->world->wall_ms(c->run->world),
        .record_state = item->record->state,
        .record_code = item->record->code,
        .record_detail = item->record->detail,
        .said_code = item->contradicted ? "shared-conflict" : item->said->code,
        .said_detail = item->contradicted ? "two records of the patient say it differently on the "
                                            "same date: correct one of them"
                                          : item->said->detail,
        .polling = poll->polling,
        .confirmed_ms = poll->confirmed_ms,
        .confirmed_poll = poll->number,
        .record_poll = item->record->poll,
        .max_age_ms = c->run->settings->max_age_ms
    };
    *answer = gate_ask(&question);
    return true;
}

/* Whether a reference of an item is to another patient. */
static bool has_stranger(const struct cycle *c, const struct lane_item *item) {
    for (size_t i = 0; i < item->said->reference_count; i++) {
        if (render_reference(&c->lane, &item->said->references[i]) == RENDER_STRANGER)
            return true;
    }
    return false;
}

/* What the gate and the match together say of an item. */
static bool take_gate(struct cycle *c, struct lane_item *item, struct reconcile_facts *facts,
                      struct iptfhir_error *error) {
    struct gate_answer answer;
    if (!ask_gate(c, item, &answer, error))
        return false;
    item->gate_code = answer.code;
    item->gate_detail = answer.detail;
    facts->gate = GATE_IS_OPEN;
    if (answer.way == GATE_WAITS)
        facts->gate = GATE_SAYS_WAIT;
    if (answer.way == GATE_HOLDS)
        facts->gate = GATE_SAYS_HOLD;
    if (answer.until_ms != 0)
        c->looks_again = true;
    if (facts->gate != GATE_IS_OPEN)
        return true;
    if (has_stranger(c, item)) {
        facts->gate = GATE_SAYS_HOLD;
        item->gate_code = "wrong-reference";
        item->gate_detail = "it refers to another patient: correct its mapping or the record";
    } else if (c->refusal.code != NULL && needs_chart(c) && !cycle_in_place(c, item)) {
        facts->gate = GATE_SAYS_HOLD;
        item->gate_code = c->refusal.code;
        item->gate_detail = c->refusal.detail;
        c->looks_again = true;
    } else if (item->other_chart && !cycle_decided(item, "move")) {
        facts->gate = GATE_SAYS_HOLD;
        item->gate_code = "patient-changed";
        item->gate_detail =
            "its record was delivered to another chart: `iptfhir outbox resolve ID move`, "
            "`same` or `leave`";
    }
    return true;
}

/* Whether a person must say what became of it, though what is there is what was last said: its
 * element or its record left, or two records contradict each other. */
static bool awaits_word(const struct lane_item *item) {
    bool record_gone = item->record != NULL && item->record->state == STORE_RECORD_GONE;
    bool element_gone = strcmp(item->said->code, "element-gone") == 0;
    bool waits_for_one = record_gone || element_gone || item->contradicted;
    return item->wanted == STORE_WANTED_BODY && waits_for_one;
}

/* How what was sent compares with what is wanted. */
static enum reconcile_sent sent_of(const struct cycle *c, const struct lane_item *item) {
    const struct store_state *s = &item->state;
    if (!s->sent)
        return SENT_NOTHING;
    bool moves = cycle_decided(item, "move");
    if (awaits_word(item))
        return SENT_OTHER;
    if (moves || (item->other_chart && item->wanted != STORE_WANTED_NOTHING))
        return SENT_OTHER;
    if (!lane_is_wanted(item, true, s->sent_wanted, s->sent_hash))
        return SENT_OTHER;
    bool repaired = s->omitted > 0 && item->wanted == STORE_WANTED_BODY &&
                    render_missing(&c->lane, item) < s->omitted;
    return repaired ? SENT_OTHER : SENT_WANTED;
}

static enum reconcile_wanted wanted_of(const struct lane_item *item) {
    if (item->wanted == STORE_WANTED_NOTHING)
        return WANTED_NOTHING;
    return item->wanted == STORE_WANTED_BODY ? WANTED_BODY : WANTED_WITHDRAWN;
}

/* The flags of policy, of a person and of the past. */
static unsigned flags_of(const struct cycle *c, const struct lane_item *item) {
    const struct delivery_target *target = c->reach->config;
    const struct store_state *s = &item->state;
    unsigned flags = reach_flags(c->reach, item->said->type);
    unsigned char key[STORE_HASH];
    lane_wanted_key(item, key);
    bool same_as_tried = memcmp(key, s->attempt_hash, STORE_HASH) == 0;
    if (s->server_id[0] != '\0')
        flags |= KNOWS_ID;
    if (c->run->world->steady_ms(c->run->world) >= c->settles_ms)
        flags |= IS_SETTLED;
    if (cycle_is_older(c, item))
        flags |= STORE_IS_OLDER;
    if (c->run->settings->era != 0)
        flags |= MUST_LOOK;
    bool ours = cycle_decided(item, "ours") || cycle_decided(item, "withdraw") ||
                cycle_decided(item, "move");
    if (ours)
        flags |= PERSON_SAYS;
    if (ours || target->conflict == DELIVERY_OURS)
        flags |= PREFERS_OURS;
    else if (cycle_decided(item, "theirs") || target->conflict == DELIVERY_THEIRS)
        flags |= PREFERS_THEIRS;
    if (target->withdraw == DELIVERY_WITHDRAW_HOLD)
        flags |= MILDER_HOLD;
    if (target->withdraw == DELIVERY_WITHDRAW_LEAVE)
        flags |= MILDER_LEAVE;
    if (item->duplicate)
        flags |= IS_DUPLICATE;
    if (s->tries >= TRIES_MOST && same_as_tried)
        flags |= OUT_OF_TRIES;
    bool has_decision = s->decision[0] != '\0';
    if (s->step == STORE_HELD && same_as_tried && !has_decision)
        flags |= IS_HELD;
    if (s->step == STORE_DECIDED && same_as_tried)
        flags |= IS_DECIDED;
    return flags;
}

/* Whether nothing need be asked to know that an item rests. */
static bool rests(const struct cycle *c, const struct lane_item *item,
                  const struct reconcile_facts *facts) {
    if (facts->attempt != ATTEMPT_NONE || c->identity_changed)
        return false;
    if ((facts->flags & STORE_IS_OLDER) != 0)
        return false;
    return facts->sent == SENT_WANTED || facts->wanted == WANTED_NOTHING ||
           (item->state.step == STORE_DECIDED && (facts->flags & IS_DECIDED) != 0);
}

static bool facts_of(struct cycle *c, struct lane_item *item, struct reconcile_facts *facts,
                     struct iptfhir_error *error) {
    *facts = (struct reconcile_facts) { .wanted = wanted_of(item),
                                        .sent = sent_of(c, item),
                                        .attempt = ATTEMPT_NONE,
                                        .gate = GATE_IS_OPEN,
                                        .found = item->found,
                                        .look = item->look,
                                        .flags = flags_of(c, item) };
    if (item->state.attempt == STORE_CREATE)
        facts->attempt = ATTEMPT_CREATE;
    if (item->state.attempt == STORE_UPDATE)
        facts->attempt = ATTEMPT_UPDATE;
    if (rests(c, item, facts))
        return true;
    return take_gate(c, item, facts, error);
}

/* ---- actions that need no order ---- */

/* The attempt took effect: it is what was sent. */
static void take_attempt(struct cycle *c, struct lane_item *item) {
    struct store_state *s = &item->state;
    s->sent = true;
    s->sent_wanted = s->attempt_wanted;
    memcpy(s->sent_hash, s->attempt_hash, STORE_HASH);
    s->sent_body = s->attempt_body;
    s->omitted = s->attempt_omitted;
    s->chart = s->attempt_chart;
    s->attempt = STORE_NO_ATTEMPT;
    s->server_id = item->found_id;
    s->version = item->found_version != NULL ? item->found_version : "";
    s->since_ms = c->run->world->wall_ms(c->run->world);
    s->era = c->run->settings->era;
    s->tries = 0;
    item->dirty = true;
}

/* It didn't, and can't any more. */
static void drop_attempt(struct lane_item *item) {
    item->state.attempt = STORE_NO_ATTEMPT;
    item->dirty = true;
    if (item->found == FOUND_ABSENT)
        item->found = FOUND_UNASKED;
}

/* What is there counts as what was sent. */
static void adopt(struct cycle *c, struct lane_item *item) {
    struct store_state *s = &item->state;
    s->sent = true;
    s->sent_wanted = item->wanted;
    lane_wanted_key(item, s->sent_hash);
    bool withdrawn = item->wanted != STORE_WANTED_BODY;
    if (!withdrawn || s->sent_body.sequence == 0)
        s->sent_body = item->said->body;
    s->omitted = item->omitted;
    s->server_id = item->found_id;
    s->version = item->found_version != NULL ? item->found_version : "";
    s->chart = cycle_chart(c, item) != NULL ? cycle_chart(c, item) : "";
    s->since_ms = c->run->world->wall_ms(c->run->world);
    s->era = c->run->settings->era;
    if (!cycle_decided(item, "move"))
        s->decision = ""; /* a move isn't over */
    s->tries = 0;
    item->dirty = true;
    c->run->counts.adopted++;
}

/* What is there stays, and a person or the policy has decided so. */
static void keep_theirs(struct cycle *c, struct lane_item *item) {
    struct store_state *s = &item->state;
    s->server_id = item->found_id;
    s->version = item->found_version != NULL ? item->found_version : "";
    s->chart = cycle_chart(c, item) != NULL ? cycle_chart(c, item) : "";
    s->era = c->run->settings->era;
    s->decision = "";
    lane_wanted_key(item, s->attempt_hash);
    cycle_set_step(c, item, STORE_DECIDED, "theirs", "");
    item->dirty = true;
}

static void hold(struct cycle *c, struct lane_item *item, const struct reconcile_row *row) {
    if (row->code == NULL) {
        if (item->state.attempt == STORE_NO_ATTEMPT)
            memset(item->state.attempt_hash, 0, STORE_HASH); /* it holds only as long as it says */
        cycle_set_step(c, item, STORE_HELD, item->gate_code, item->gate_detail);
        return;
    }
    if (strcmp(row->code, "store-older") == 0)
        item->state.sent = false; /* what was sent last is not known */
    if (item->state.attempt == STORE_NO_ATTEMPT)
        cycle_hold_sticks(item);
    cycle_set_step(c, item, STORE_HELD, row->code, row->why);
}

/* The target is not the one we knew: nothing more goes there until a person has looked. */
static void stop_for_reset(struct cycle *c) {
    static const struct iptfhir_pause pause = {
        .size = sizeof pause,
        .code = "target-reset",
        .detail = "ids of this target now name other resources: it was reset or replaced; see what "
                  "happened there, then `iptfhir outbox resolve again --target T`",
        .retry_after_ms = REACH_PAUSE_MOST_MS,
        .person = true
    };
    struct world *world = c->run->world;
    reach_pause(c->reach, &pause, world->steady_ms(world), 0);
    c->paused = true;
}

/* A withdrawal whose type is left as it is, or must be decided. */
static bool settle_withdrawal(struct cycle *c, struct lane_item *item,
                              struct iptfhir_error *error) {
    const struct render r = cycle_render(c, item);
    struct tree *body;
    uint32_t omitted;
    switch (render_wanted(&r, item, item->found_id, false, &body, &omitted, error)) {
    case RENDER_MADE: return true;
    case RENDER_FAILED: return false;
    case RENDER_LEAVE:
        lane_wanted_key(item, item->state.attempt_hash);
        cycle_set_step(c, item, STORE_DECIDED, "leave",
                       "what is withdrawn of this type stays as it is");
        break;
    case RENDER_HOLD:
        cycle_hold_sticks(item);
        cycle_set_step(
            c, item, STORE_HELD, "withdraw-person",
            "nothing says how a resource of this type is withdrawn: do it at the target, then "
            "`iptfhir outbox discard ID`");
        break;
    }
    item->action = RECONCILE_STAY_HELD;
    item->waits = true;
    return true;
}

/* Does what needs no order; true in *again when the item must be looked at anew. */
static bool act(struct cycle *c, struct lane_item *item, bool *again, struct iptfhir_error *error) {
    switch (item->action) {
    case RECONCILE_TAKE_ATTEMPT:
        take_attempt(c, item);
        *again = true;
        return evidence_look(c, item, error);
    case RECONCILE_DROP_ATTEMPT:
        drop_attempt(item);
        *again = true;
        return item->found != FOUND_ONE || evidence_look(c, item, error);
    case RECONCILE_ADOPT:
        adopt(c, item);
        item->found = FOUND_UNASKED;
        *again = true;
        return true;
    case RECONCILE_KEEP_THEIRS:
        keep_theirs(c, item);
        item->found = FOUND_UNASKED;
        *again = true;
        return true;
    case RECONCILE_HOLD: hold(c, item, item->row); return true;
    case RECONCILE_RESET: stop_for_reset(c); return true;
    case RECONCILE_UPDATE:
        if (item->wanted != STORE_WANTED_BODY)
            return settle_withdrawal(c, item, error);
        return true;
    case RECONCILE_IN_STEP:
    case RECONCILE_DECIDED:
    case RECONCILE_STAY_HELD:
    case RECONCILE_WAIT:
    case RECONCILE_UNKNOWN:
    case RECONCILE_FIND:
    case RECONCILE_READ:
    case RECONCILE_CREATE:
    case RECONCILE_CREATE_IF_NONE:
    case RECONCILE_CREATE_AT: break;
    }
    return true;
}

/* Decides about one item. */
static bool decide(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    bool again = true;
    for (int i = 0; again && i < DECIDES_MOST; i++) {
        struct reconcile_facts facts;
        if (i > 0 && !apply_decision(c, item, error))
            return false;
        again = false;
        if (!facts_of(c, item, &facts, error))
            return false;
        item->row = reconcile(&facts);
        item->action = item->row->action;
        if (!act(c, item, &again, error))
            return false;
    }
    return true;
}

/* ---- the chart ---- */

/* Whether the lane's chart must be known before the next order. */
static bool wants_match(const struct cycle *c) {
    if (!needs_chart(c) || c->match_done || c->lane.chart != NULL)
        return false;
    if (c->identity_changed)
        return true;
    for (size_t i = 0; i < c->lane.count; i++) {
        const struct lane_item *item = &c->lane.items[i];
        bool idle =
            item->waits || item->state.attempt != STORE_NO_ATTEMPT || cycle_in_place(c, item);
        if (!idle && order_task_of(item) != ORDER_NONE)
            return true;
        if (awaits_chart(item))
            return true;
    }
    return false;
}

/* Whether a person, or the type, has said of what is wanted now that nothing of it is sent. */
static bool is_settled(const struct lane_item *item) {
    unsigned char key[STORE_HASH];
    lane_wanted_key(item, key);
    bool decided = item->state.step == STORE_DECIDED;
    return decided && memcmp(key, item->state.attempt_hash, STORE_HASH) == 0;
}

/* Marks what goes on with an item that stands in another chart: of the same record what is not in
 * the chart matched, nor belongs there by a move. */
static void mark_record(struct cycle *c, const struct lane_item *from) {
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        bool belongs = strcmp(item->state.chart, c->lane.chart) == 0;
        if (item->said->record == from->said->record && !belongs && !is_settled(item))
            item->other_chart = true;
    }
}

/* Marks what stands in another chart than the one matched, and with it the rest of its record,
 * unless a person has said what becomes of it. */
static void mark_other_charts(struct cycle *c) {
    for (size_t i = 0; i < c->lane.count; i++)
        c->lane.items[i].other_chart = false;
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        bool marked =
            item->other_chart || is_settled(item) || !lane_stands_elsewhere(&c->lane, item);
        if (marked)
            continue;
        if (cycle_decided(item, "move"))
            item->other_chart = true;
        else
            mark_record(c, item);
    }
}

/* A person said that the other chart is the same patient's. The word stays until it is in step:
 * what is looked at meanwhile may still name the other chart. */
static void accept_same_charts(struct cycle *c) {
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (!cycle_decided(item, "same"))
            continue;
        if (item->state.server_id[0] != '\0')
            item->state.chart = c->lane.chart;
        item->dirty = true;
    }
}

/* Another local patient may stand in this chart already. */
static bool check_chart_owner(struct cycle *c, struct iptfhir_error *error) {
    bool ours;
    if (!cycle_owns_chart(c, &ours, error))
        return false;
    if (!ours) {
        c->refusal.code = "patient-shared";
        c->refusal.detail = "another patient of the clinic stands in this chart: one of the two "
                            "identifiers is wrong; correct it";
        c->lane.chart = NULL;
    }
    return true;
}

/* Draws the conclusion from the candidates. */
static bool conclude_match(struct cycle *c, struct iptfhir_error *error) {
    const struct match_candidate *match =
        match_patient(c->lane.facts.identity, c->candidates, c->candidate_count, &c->refusal);
    c->match_done = true;
    if (match == NULL)
        return true;
    c->refusal.code = NULL;
    c->lane.chart = match->server_id;
    c->matched_ms = c->run->world->steady_ms(c->run->world);
    if (!check_chart_owner(c, error))
        return false;
    if (c->lane.chart == NULL)
        return true;
    accept_same_charts(c);
    return true;
}

/* A match that is too old to write by is forgotten, with what was found in its chart; the next
 * order makes it anew. */
static void age_match(struct cycle *c) {
    int64_t now = c->run->world->steady_ms(c->run->world);
    bool old = c->lane.chart != NULL && now - c->matched_ms >= MATCH_AGE_MS;
    if (!old)
        return;
    c->lane.chart = NULL;
    c->match_done = false;
    c->chart_claimed = false;
    c->candidate_count = 0;
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        item->other_chart = false;
        if (item->state.attempt != STORE_NO_ATTEMPT)
            continue;
        item->found = FOUND_UNASKED;
        item->look = LOOK_NONE;
    }
}

/* Draws the conclusion from a match that was answered, or not. */
static bool take_match(struct cycle *c, struct iptfhir_error *error) {
    if (!c->match_answered && !c->match_failed)
        return true;
    bool answered = c->match_answered;
    c->match_answered = false;
    c->match_failed = false;
    if (answered)
        return conclude_match(c, error);
    c->match_done = true;
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (item->state.attempt != STORE_NO_ATTEMPT)
            continue;
        item->waits = true;
        if (c->match_denied && order_task_of(item) != ORDER_NONE)
            cycle_set_step(c, item, STORE_WAITING, "patient-denied",
                           "HTTP 403 to the search for the patient: check this client's right to "
                           "search patients there");
    }
    return true;
}

/* ---- what comes next ---- */

/* An item that was refused again and again in this cycle has its turn in a later one. */
static void postpone(struct cycle *c, struct lane_item *item) {
    bool refused_as_old = item->changed && item->state.attempt == STORE_NO_ATTEMPT;
    item->waits = true;
    if (refused_as_old)
        cycle_set_step(c, item, STORE_WAITING, "conflict",
                       "the target refuses each write of it as made over an old version: it is "
                       "tried again by itself");
}

/* Finishes the step of an item for which nothing more is done now. */
static void conclude(struct cycle *c, struct lane_item *item) {
    struct store_state *s = &item->state;
    if (item->waits && s->attempt != STORE_NO_ATTEMPT) {
        cycle_set_step(c, item, STORE_UNKNOWN, "unknown", "");
        return;
    }
    if (item->waits && s->step == STORE_WAITING)
        return;
    switch (item->action) {
    case RECONCILE_IN_STEP:
        item->dirty = item->dirty || s->decision[0] != '\0';
        s->decision = "";
        if (s->sent || item->wanted != STORE_WANTED_NOTHING || s->step != STORE_WAITING)
            cycle_set_step(c, item, STORE_IN_STEP, "", "");
        return;
    case RECONCILE_DECIDED:
        if (s->step != STORE_DECIDED) {
            lane_wanted_key(item, s->attempt_hash);
            cycle_set_step(c, item, STORE_DECIDED, "leave", "");
        }
        return;
    case RECONCILE_HOLD:
    case RECONCILE_STAY_HELD: return;
    case RECONCILE_UNKNOWN: cycle_set_step(c, item, STORE_UNKNOWN, "unknown", ""); return;
    case RECONCILE_WAIT:
        cycle_set_step(c, item, STORE_WAITING,
                       item->row->code != NULL ? item->row->code : item->gate_code,
                       item->row->code != NULL ? item->row->why : item->gate_detail);
        return;
    case RECONCILE_FIND:
    case RECONCILE_READ:
    case RECONCILE_CREATE:
    case RECONCILE_CREATE_IF_NONE:
    case RECONCILE_CREATE_AT:
    case RECONCILE_UPDATE:
    case RECONCILE_ADOPT:
    case RECONCILE_KEEP_THEIRS:
    case RECONCILE_TAKE_ATTEMPT:
    case RECONCILE_DROP_ATTEMPT:
    case RECONCILE_RESET: break;
    }
    if (s->attempt != STORE_NO_ATTEMPT)
        cycle_set_step(c, item, STORE_UNKNOWN, "unknown", "");
    else
        cycle_set_step(c, item, STORE_WAITING, "", "");
}

/* Notes when to come back for what waits or is unknown. */
static void plan_return(struct cycle *c) {
    int64_t now = c->run->world->steady_ms(c->run->world);
    bool unknown = false, retries = false;
    int tries = 0;
    for (size_t i = 0; i < c->lane.count; i++) {
        const struct lane_item *item = &c->lane.items[i];
        unknown = unknown || item->state.step == STORE_UNKNOWN;
        bool turn = item->state.step == STORE_WAITING && item->wanted != STORE_WANTED_NOTHING;
        bool for_gate = item->action == RECONCILE_WAIT && item->row->code == NULL && !item->waits;
        c->waits = c->waits || turn;
        retries = retries || (turn && !for_gate);
        if (turn && item->state.tries > tries)
            tries = item->state.tries;
    }
    c->looks_again = c->looks_again || c->waits;
    c->unknown = unknown;
    c->again_ms = INT64_MAX;
    struct reach_rest *rest = reach_rest_of(c->reach, c->patient);
    int lane_tries = rest != NULL && rest->tries > tries ? rest->tries : tries;
    uint32_t jitter = 0;
    (void)c->run->world->random(c->run->world, &jitter, sizeof jitter);
    int64_t later = now + reach_backoff(lane_tries, jitter);
    if (unknown)
        c->again_ms = c->settles_ms > now ? c->settles_ms : later;
    if (retries && later < c->again_ms)
        c->again_ms = later;
    if (c->looks_again && now + LOOK_AGAIN_MS < c->again_ms)
        c->again_ms = now + LOOK_AGAIN_MS;
}

static enum cycle_next end(struct cycle *c) {
    for (size_t i = 0; i < c->lane.count; i++)
        conclude(c, &c->lane.items[i]);
    plan_return(c);
    return c->what = CYCLE_ENDS;
}

/* Whether an item would go on without the chart that its match didn't give: what was looked for in
 * the chart of its attempt was concluded, and what follows needs its own. */
static bool lacks_chart(const struct cycle *c, const struct lane_item *item) {
    bool matched = c->lane.chart != NULL || !c->match_done;
    if (!needs_chart(c) || matched || item->state.attempt != STORE_NO_ATTEMPT)
        return false;
    return order_task_of(item) != ORDER_NONE && !cycle_in_place(c, item);
}

/* Carries out what a person said, and sees what of the lane stands in another chart then. */
static bool apply_decisions(struct cycle *c, struct iptfhir_error *error) {
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        bool decided = item->state.decision[0] != '\0';
        if (decided && !apply_decision(c, item, error) && !cycle_bears(c, item, error))
            return false;
    }
    if (c->lane.chart != NULL)
        mark_other_charts(c);
    return true;
}

enum cycle_next cycle_advance(struct cycle *c, struct iptfhir_error *error) {
    c->what = CYCLE_FAILS;
    if (c->failed) {
        error_set(error, "memory", NULL, "out of memory");
        return c->what;
    }
    age_match(c);
    if (!take_match(c, error) || !apply_decisions(c, error))
        return c->what;
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (item->rounds > ROUNDS_MOST && !item->waits)
            postpone(c, item);
        if (item->waits)
            continue;
        if (!decide(c, item, error) && !cycle_bears(c, item, error))
            return c->what;
        if (lacks_chart(c, item))
            item->waits = true;
    }
    if (c->paused || c->stale)
        return end(c);
    if (wants_match(c)) {
        if (!order_match(c, error))
            return c->what;
        return c->what = CYCLE_ASKS;
    }
    bool any = false;
    if (!order_next(c, &any, error))
        return c->what;
    return any ? (c->what = CYCLE_ASKS) : end(c);
}

bool cycle_writes(const struct cycle *c) {
    return c->what == CYCLE_ASKS && c->ask.order.task == IPTFHIR_WRITE;
}

void cycle_withdraw_order(struct cycle *c) {
    for (size_t i = 0; i < c->ordered_count; i++) {
        struct lane_item *item = c->ordered[i];
        item->place = SIZE_MAX;
        if (c->ask.order.task == IPTFHIR_WRITE) {
            item->state.attempt = STORE_NO_ATTEMPT;
            item->dirty = true;
        }
    }
    c->ordered_count = 0;
    c->what = CYCLE_ENDS;
}

/* Concludes from the end of an ask. */
static enum ask_end conclude_ask(struct cycle *c, enum ask_end ended, struct iptfhir_error *error) {
    bool good = true;
    if (ended == ASK_UNDER_WAY)
        return ended;
    if (ended == ASK_ANSWERED)
        good = evidence_end(c, error);
    else
        good = evidence_not_sent(c, error);
    return good ? ASK_ANSWERED : ASK_FAILED;
}

enum ask_end cycle_send(struct cycle *c, struct iptfhir_error *error) {
    c->run->counts.requests++;
    c->ask.order.number = ++c->run->orders;
    c->what = CYCLE_AWAITS;
    enum ask_end ended = ask_send(&c->ask, c->reach, c->run->world, &c->sink, error);
    return conclude_ask(c, ended, error);
}

enum ask_end cycle_read(struct cycle *c, struct iptfhir_error *error) {
    enum ask_end ended = ask_read(&c->ask, c->reach, c->run->world, &c->sink, error);
    return conclude_ask(c, ended, error);
}
