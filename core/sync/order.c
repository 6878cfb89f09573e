/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing the items of the next order, and writing their bodies. */
#include "core/sync/order.h"

#include "core/base/str.h"
#include "core/fhir/r4.h"
#include "core/sync/render.h"

#include <string.h>

enum order_task order_task_of(const struct lane_item *item) {
    switch (item->action) {
    case RECONCILE_FIND: return ORDER_FIND;
    case RECONCILE_READ: return ORDER_READ;
    case RECONCILE_CREATE:
    case RECONCILE_CREATE_IF_NONE:
    case RECONCILE_CREATE_AT:
    case RECONCILE_UPDATE: return ORDER_WRITE;
    case RECONCILE_IN_STEP:
    case RECONCILE_DECIDED:
    case RECONCILE_STAY_HELD:
    case RECONCILE_HOLD:
    case RECONCILE_WAIT:
    case RECONCILE_UNKNOWN:
    case RECONCILE_ADOPT:
    case RECONCILE_KEEP_THEIRS:
    case RECONCILE_TAKE_ATTEMPT:
    case RECONCILE_DROP_ATTEMPT:
    case RECONCILE_RESET: break;
    }
    return ORDER_NONE;
}

static bool no_memory(struct iptfhir_error *error) {
    return error_set(error, "memory", NULL, "out of memory");
}

/* ---- the match ---- */

bool order_match(struct cycle *c, struct iptfhir_error *error) {
    const struct tree *identity = c->lane.facts.identity;
    const struct tree *list = identity != NULL ? tree_get(identity, "identifiers") : NULL;
    size_t most = list != NULL && list->kind == TREE_ARRAY ? list->length : 0, count = 0;
    struct iptfhir_identifier *identifiers =
        arena_zalloc(&c->arena, (most + 1) * sizeof *identifiers);
    if (identifiers == NULL)
        return no_memory(error);
    for (const struct tree *i = most > 0 ? list->first : NULL; i != NULL; i = i->next) {
        const char *system = tree_text(i, "system"), *value = tree_text(i, "value");
        if (system != NULL && value != NULL)
            identifiers[count++] = (struct iptfhir_identifier) { system, value };
    }
    c->ordered_count = 0;
    c->ask.order = (struct iptfhir_order) { .task = IPTFHIR_MATCH,
                                            .identifiers = identifiers,
                                            .identifier_count = count,
                                            .patient = c->lane.our_id };
    return true;
}

/* ---- writing the items ---- */

/* A stored body as its bytes stand, for targets that search by what it says. */
static bool raw_body(struct cycle *c, const struct lane_item *item, struct iptfhir_item *out,
                     struct iptfhir_error *error) {
    bool attempted = item->state.attempt != STORE_NO_ATTEMPT;
    struct store_body_at at = attempted ? item->state.attempt_body : item->said->body;
    struct store_bytes body;
    if (!lane_body_bytes(&c->lane, at, &body, error))
        return false;
    out->body = body.data;
    out->body_length = body.length;
    return true;
}

/* Prints a body into the arena. */
static bool print_body(struct cycle *c, const struct tree *body, struct iptfhir_item *out,
                       struct iptfhir_error *error) {
    struct str text = { 0 };
    json_write(&text, body, JSON_COMPACT);
    out->body = text.failed ? NULL : arena_strndup(&c->arena, text.data, text.length);
    out->body_length = text.length;
    str_free(&text);
    return out->body != NULL || no_memory(error);
}

/* What every order says of an item. */
static bool name_item(struct cycle *c, const struct lane_item *item, struct iptfhir_item *out,
                      struct iptfhir_error *error) {
    char id[37], own[37];
    render_identity(item, id);
    lane_uuid_text(item->said->uuid, own);
    char *kept = arena_strndup(&c->arena, id, 36);
    if (kept == NULL)
        return no_memory(error);
    *out = (struct iptfhir_item) { .size = sizeof *out, .type = item->said->type, .id = kept };
    if (item->said->value[0] != '\0') {
        bool follows = strcmp(item->said->value, own) == 0;
        out->system = item->said->system;
        out->value = follows ? kept : item->said->value;
    }
    if (item->state.server_id[0] != '\0')
        out->server_id = item->state.server_id;
    else if (item->found == FOUND_ONE)
        out->server_id = item->found_id;
    else if (item->action == RECONCILE_READ)
        out->server_id = kept; /* under our own id, where clients choose ids */
    return true;
}

static iptfhir_verb verb_of(const struct lane_item *item) {
    switch (item->action) {
    case RECONCILE_CREATE_IF_NONE: return IPTFHIR_CREATE_IF_NONE;
    case RECONCILE_CREATE_AT: return IPTFHIR_CREATE_AT;
    case RECONCILE_UPDATE: return IPTFHIR_UPDATE;
    case RECONCILE_IN_STEP:
    case RECONCILE_DECIDED:
    case RECONCILE_STAY_HELD:
    case RECONCILE_HOLD:
    case RECONCILE_WAIT:
    case RECONCILE_UNKNOWN:
    case RECONCILE_FIND:
    case RECONCILE_READ:
    case RECONCILE_CREATE:
    case RECONCILE_ADOPT:
    case RECONCILE_KEEP_THEIRS:
    case RECONCILE_TAKE_ATTEMPT:
    case RECONCILE_DROP_ATTEMPT:
    case RECONCILE_RESET: break;
    }
    return IPTFHIR_CREATE;
}

/* Whether what is left of a body after references were left out still is what R4 asks for. */
static bool is_complete(struct cycle *c, struct lane_item *item) {
    struct report report = { 0 };
    if (item->omitted == 0 || r4_validate(item->out, &report)) {
        report_free(&report);
        return true;
    }
    report_free(&report);
    cycle_set_step(c, item, STORE_WAITING, "reference-held",
                   "it needs a reference to a resource that is not at the target: see why that one "
                   "is held");
    item->waits = true;
    return false;
}

/* Makes the body of a write; item->waits when it can't go now. */
static bool make_body(struct cycle *c, struct lane_item *item, iptfhir_verb verb, bool together,
                      struct iptfhir_item *out, struct iptfhir_error *error) {
    const struct render r = { &c->lane, c->reach->config, c->run->settings->lifecycle,
                              cycle_chart(c, item), cycle_is_older(c, item) };
    if (verb != IPTFHIR_UPDATE) {
        const char *id = verb == IPTFHIR_CREATE_AT ? out->id : NULL;
        enum render_end end =
            render_wanted(&r, item, id, together, &item->out, &item->omitted, error);
        if (end == RENDER_FAILED)
            return false;
    }
    if (item->out == NULL)
        return error_set(error, "fault", NULL, "an update has no body: report this");
    if (!is_complete(c, item))
        return true;
    return print_body(c, item->out, out, error);
}

/* Notes an attempt: what may be at the target once the first byte has left. */
static void attempt(struct cycle *c, struct lane_item *item, iptfhir_verb verb) {
    struct store_state *s = &item->state;
    const char *chart = cycle_chart(c, item);
    bool withdrawn = item->wanted != STORE_WANTED_BODY;
    s->attempt = verb == IPTFHIR_UPDATE ? STORE_UPDATE : STORE_CREATE;
    if (verb == IPTFHIR_UPDATE)
        s->server_id = item->found_id; /* where a lost answer is looked for */
    s->attempt_wanted = item->wanted;
    lane_wanted_key(item, s->attempt_hash);
    s->attempt_body = withdrawn && s->sent ? s->sent_body : item->said->body;
    s->attempt_version = item->found_version != NULL ? item->found_version : "";
    s->attempt_chart = chart != NULL ? chart : "";
    s->attempt_omitted = item->omitted;
    s->attempt_ms = c->run->world->wall_ms(c->run->world);
    item->dirty = true;
}

/* ---- choosing ---- */

/* Whether all that an item refers to is there, or isn't to be waited for in this cycle. */
static bool is_ready(const struct cycle *c, const struct lane_item *item) {
    if (item->wanted != STORE_WANTED_BODY)
        return true;
    for (size_t i = 0; i < item->said->reference_count; i++) {
        if (render_reference(&c->lane, &item->said->references[i]) == RENDER_PENDING)
            return false;
    }
    return true;
}

/* Whether all that an item still waits for is chosen for the same bundle. */
static bool is_ready_with(const struct cycle *c, const struct lane_item *item) {
    for (size_t i = 0; i < item->said->reference_count; i++) {
        const struct store_reference *r = &item->said->references[i];
        if (render_reference(&c->lane, r) != RENDER_PENDING)
            continue;
        const struct lane_item *other = lane_find(&c->lane, r->uuid);
        if (other == NULL || other->place == SIZE_MAX)
            return false;
    }
    return true;
}

static void choose(struct cycle *c, struct lane_item *item) {
    item->place = c->ordered_count;
    c->ordered[c->ordered_count++] = item;
}

/* Whether an item belongs to the order that is being made. */
static bool belongs(const struct cycle *c, const struct lane_item *item, enum order_task task) {
    if (item->waits || item->place != SIZE_MAX || order_task_of(item) != task)
        return false;
    bool repairs = item->state.sent && item->state.attempt == STORE_NO_ATTEMPT;
    if (task == ORDER_READ && repairs && !is_ready(c, item))
        return false; /* what it will refer to comes first; else it would be read for ever */
    if (c->ordered_count == 0)
        return true;
    const char *chart = cycle_chart(c, c->ordered[0]), *its = cycle_chart(c, item);
    if (chart == NULL || its == NULL)
        return chart == its;
    return strcmp(chart, its) == 0;
}

/* The first item that a ring of references keeps waiting: it goes without them, and is repaired. */
static bool choose_from_ring(struct cycle *c) {
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (!belongs(c, item, ORDER_WRITE))
            continue;
        bool comes_later = false;
        for (size_t k = 0; k < item->said->reference_count && !comes_later; k++) {
            const struct lane_item *other = lane_find(&c->lane, item->said->references[k].uuid);
            bool pending = other != NULL && other->state.server_id[0] == '\0';
            comes_later = pending && (other->waits || order_task_of(other) != ORDER_WRITE);
        }
        if (comes_later)
            continue; /* what it waits for isn't in the ring: it is repaired in a later cycle */
        choose(c, item);
        return true;
    }
    return false;
}

/* Chooses bodies in the order of their references; withdrawals only when no body is left, what
 * refers before what is referred to. */
static void choose_writes(struct cycle *c, size_t most) {
    bool transaction = c->reach->together == IPTFHIR_TRANSACTION;
    bool found = true;
    while (found && c->ordered_count < most) {
        found = false;
        for (size_t i = 0; i < c->lane.count && c->ordered_count < most; i++) {
            struct lane_item *item = &c->lane.items[i];
            if (item->wanted != STORE_WANTED_BODY || !belongs(c, item, ORDER_WRITE))
                continue;
            bool ready = transaction ? is_ready_with(c, item) : is_ready(c, item);
            if (!ready)
                continue;
            choose(c, item);
            found = true;
        }
        found = found && transaction;
    }
    if (c->ordered_count > 0 || choose_from_ring(c))
        return;
    for (size_t i = c->lane.count; i > 0 && c->ordered_count < most; i--) {
        struct lane_item *item = &c->lane.items[i - 1];
        if (item->wanted != STORE_WANTED_BODY && belongs(c, item, ORDER_WRITE))
            choose(c, item);
    }
}

static void choose_all(struct cycle *c, enum order_task task, size_t most) {
    for (size_t i = 0; i < c->lane.count && c->ordered_count < most; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (belongs(c, item, task))
            choose(c, item);
    }
}

/* Takes back the choice from a place on. */
static void cut_choice(struct cycle *c, size_t from) {
    for (size_t i = from; i < c->ordered_count; i++)
        c->ordered[i]->place = SIZE_MAX;
    c->ordered_count = from;
}

/* Whether a chosen item refers to another one that was chosen and can't go. */
static bool lost_reference(const struct cycle *c, const struct lane_item *item) {
    for (size_t i = 0; i < item->said->reference_count; i++) {
        const struct store_reference *r = &item->said->references[i];
        const struct lane_item *other = lane_find(&c->lane, r->uuid);
        bool gone = other != NULL && other->waits && other->state.server_id[0] == '\0';
        if (gone && render_reference(&c->lane, r) == RENDER_PENDING)
            return true;
    }
    return false;
}

/* Writes the bodies of the chosen items, as many as fit; those that can't go are left out. */
static bool write_items(struct cycle *c, struct iptfhir_item *items, size_t *count,
                        struct iptfhir_error *error) {
    bool transaction = c->reach->together == IPTFHIR_TRANSACTION && c->ordered_count > 1;
    bool bundled = c->reach->together != IPTFHIR_SINGLY;
    size_t bytes = 0, kept = 0;
    for (size_t i = 0; i < c->ordered_count; i++) {
        struct lane_item *item = c->ordered[i];
        iptfhir_verb verb = verb_of(item);
        if (transaction && lost_reference(c, item)) {
            item->place = SIZE_MAX;
            continue;
        }
        if (!name_item(c, item, &items[kept], error))
            return false;
        items[kept].verb = verb;
        items[kept].version = item->found_version;
        if (!make_body(c, item, verb, transaction, &items[kept], error) &&
            !cycle_bears(c, item, error))
            return false;
        if (item->waits) {
            item->place = SIZE_MAX;
            continue;
        }
        bytes += items[kept].body_length;
        if (bundled && kept > 0 && bytes > c->reach->bytes) {
            cut_choice(c, i);
            break;
        }
        attempt(c, item, verb);
        c->ordered[kept] = item;
        item->place = kept++;
    }
    c->ordered_count = kept;
    *count = kept;
    return true;
}

static bool ask_items(struct cycle *c, enum order_task task, struct iptfhir_item *items,
                      struct iptfhir_error *error) {
    for (size_t i = 0; i < c->ordered_count; i++) {
        const struct lane_item *item = c->ordered[i];
        if (!name_item(c, item, &items[i], error))
            return false;
        if (task == ORDER_FIND && !raw_body(c, item, &items[i], error))
            error_clear(error); /* it is looked for without */
    }
    return true;
}

bool order_next(struct cycle *c, bool *any, struct iptfhir_error *error) {
    static const enum order_task tasks[] = { ORDER_FIND, ORDER_READ, ORDER_WRITE };
    static const iptfhir_task asked[] = {
        [ORDER_FIND] = IPTFHIR_FIND, [ORDER_READ] = IPTFHIR_READ, [ORDER_WRITE] = IPTFHIR_WRITE
    };
    *any = false;
    if (c->ordered == NULL) {
        c->ordered = arena_zalloc(&c->arena, (c->lane.count + 1) * sizeof *c->ordered);
        c->proved = arena_zalloc(&c->arena, c->lane.count + 1);
    }
    if (c->ordered == NULL || c->proved == NULL)
        return no_memory(error);
    for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++) {
        cut_choice(c, 0);
        if (tasks[t] == ORDER_WRITE)
            choose_writes(c, c->reach->entries);
        else
            choose_all(c, tasks[t], c->reach->entries);
        if (c->ordered_count == 0)
            continue;
        struct iptfhir_item *items = arena_zalloc(&c->arena, c->ordered_count * sizeof *items);
        if (items == NULL)
            return no_memory(error);
        size_t count = c->ordered_count;
        bool made = tasks[t] == ORDER_WRITE ? write_items(c, items, &count, error)
                                            : ask_items(c, tasks[t], items, error);
        if (!made)
            return false;
        if (count == 0)
            continue;
        c->ask.order = (struct iptfhir_order) { .task = asked[tasks[t]],
                                                .chart = cycle_chart(c, c->ordered[0]),
                                                .items = items,
                                                .count = count };
        if (tasks[t] == ORDER_WRITE && count > 1)
            c->ask.order.together = c->reach->together;
        memset(c->proved, 0, count);
        *any = true;
        return true;
    }
    return true;
}
