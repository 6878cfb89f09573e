/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing the items of the next order, and writing their bodies. */
#include "core/sync/order.h"

#include "core/base/str.h"
#include "core/fhir/r4.h"
#include "core/sync/render.h"

#include <string.h>

/* What the actions ask of a target; those that aren't here ask nothing. */
static const struct {
    enum order_task task;
    iptfhir_verb verb;
} asks[] = {
    [RECONCILE_FIND] = { .task = ORDER_FIND },
    [RECONCILE_READ] = { .task = ORDER_READ },
    [RECONCILE_CREATE] = { ORDER_WRITE, IPTFHIR_CREATE },
    [RECONCILE_CREATE_IF_NONE] = { ORDER_WRITE, IPTFHIR_CREATE_IF_NONE },
    [RECONCILE_CREATE_AT] = { ORDER_WRITE, IPTFHIR_CREATE_AT },
    [RECONCILE_UPDATE] = { ORDER_WRITE, IPTFHIR_UPDATE },
};

enum order_task order_task_of(const struct lane_item *item) {
    size_t action = (size_t)item->action;
    return action < sizeof asks / sizeof *asks ? asks[action].task : ORDER_NONE;
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
                                            .identifier_count = count };
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

/* Prints a body. */
static bool print_body(struct cycle *c, const struct tree *body, struct iptfhir_error *error) {
    struct str *text = &c->run->text;
    str_clear(text);
    json_write(text, body, JSON_COMPACT);
    if (!text->failed)
        return true;
    str_free(text); /* a failed buffer stays failed */
    return no_memory(error);
}

/* Keeps what was printed in the arena. */
static bool keep_body(struct cycle *c, struct iptfhir_item *out, struct iptfhir_error *error) {
    const struct str *text = &c->run->text;
    out->body = arena_strndup(&c->arena, text->data, text->length);
    out->body_length = text->length;
    return out->body != NULL || no_memory(error);
}

/* The id under which an item is, or would be, at the target; NULL: not known. */
static const char *id_there(const struct lane_item *item, const char *our_id) {
    if (item->state.server_id[0] != '\0')
        return item->state.server_id;
    if (item->found == FOUND_ONE)
        return item->found_id;
    bool looks_under_ours = item->action == RECONCILE_READ; /* where clients choose ids */
    return looks_under_ours ? our_id : NULL;
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
    out->server_id = id_there(item, kept);
    return true;
}

/* Whether what is left of a body after references were left out still is what R4 asks for. */
static bool is_complete(struct cycle *c, struct lane_item *item) {
    struct report report = { 0 };
    bool complete = item->omitted == 0 || r4_validate(item->out, &report);
    report_free(&report);
    if (complete)
        return true;
    cycle_set_step(c, item, STORE_WAITING, "reference-held",
                   "it needs a reference to a resource that is not at the target: see why that one "
                   "is held");
    item->waits = true;
    return false;
}

/* Makes the body of a create and prints it: its tree is gone then. */
static bool make_create(struct cycle *c, struct lane_item *item, const char *id, bool together,
                        struct iptfhir_error *error) {
    const struct render r = cycle_render(c, item);
    if (!render_prepare(&r, item, error))
        return false;
    struct arena_mark before = arena_mark(&c->arena);
    enum render_end end = render_wanted(&r, item, id, together, &item->out, &item->omitted, error);
    bool made = end != RENDER_FAILED;
    if (made && is_complete(c, item))
        made = print_body(c, item->out, error);
    arena_rewind(&c->arena, before);
    item->out = NULL;
    return made;
}

/* Prints the body of an update, which was made when the target's was looked at. */
static bool print_update(struct cycle *c, struct lane_item *item, struct iptfhir_error *error) {
    if (item->out == NULL)
        return error_set(error, "fault", NULL, "an update has no body: report this");
    return !is_complete(c, item) || print_body(c, item->out, error);
}

/* Makes the body of a write; item->waits when it can't go now. */
static bool make_body(struct cycle *c, struct lane_item *item, iptfhir_verb verb, bool together,
                      struct iptfhir_item *out, struct iptfhir_error *error) {
    const char *id = verb == IPTFHIR_CREATE_AT ? out->id : NULL;
    bool made = verb == IPTFHIR_UPDATE ? print_update(c, item, error)
                                       : make_create(c, item, id, together, error);
    if (!made || item->waits)
        return made;
    return keep_body(c, out, error);
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

/* Whether another one of the lane is not at the target, or still in a wrong chart there, and isn't
 * created in this cycle. */
static bool comes_later(const struct lane_item *other) {
    bool is_there = other->state.server_id[0] != '\0';
    bool is_written = !other->waits && order_task_of(other) == ORDER_WRITE;
    return lane_moves(other) || (!is_there && !is_written);
}

/* Whether an item waits for one that isn't in a ring with it: it is repaired in a later cycle. */
static bool waits_outside(const struct cycle *c, const struct lane_item *item) {
    for (size_t i = 0; i < item->said->reference_count; i++) {
        const struct lane_item *other = lane_find(&c->lane, item->said->references[i].uuid);
        if (other != NULL && comes_later(other))
            return true;
    }
    return false;
}

/* The first item that a ring of references keeps waiting: it goes without them, and is repaired. */
static bool choose_from_ring(struct cycle *c) {
    for (size_t i = 0; i < c->lane.count; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (!belongs(c, item, ORDER_WRITE) || waits_outside(c, item))
            continue;
        choose(c, item);
        return true;
    }
    return false;
}

/* Chooses the bodies whose references are there, or come with them; true when it chose any. */
static bool choose_bodies(struct cycle *c, bool transaction, size_t most) {
    size_t before = c->ordered_count;
    for (size_t i = 0; i < c->lane.count && c->ordered_count < most; i++) {
        struct lane_item *item = &c->lane.items[i];
        if (item->wanted != STORE_WANTED_BODY || !belongs(c, item, ORDER_WRITE))
            continue;
        bool ready = transaction ? is_ready_with(c, item) : is_ready(c, item);
        if (ready)
            choose(c, item);
    }
    return c->ordered_count > before;
}

/* Chooses withdrawals: what refers before what is referred to. */
static void choose_withdrawals(struct cycle *c, size_t most) {
    for (size_t i = c->lane.count; i > 0 && c->ordered_count < most; i--) {
        struct lane_item *item = &c->lane.items[i - 1];
        if (item->wanted != STORE_WANTED_BODY && belongs(c, item, ORDER_WRITE))
            choose(c, item);
    }
}

/* Chooses bodies in the order of their references, in a transaction as many as come together;
 * withdrawals only when no body is left. */
static void choose_writes(struct cycle *c, size_t most) {
    bool transaction = c->reach->together == IPTFHIR_TRANSACTION;
    bool more = true;
    while (more && c->ordered_count < most)
        more = choose_bodies(c, transaction, most) && transaction;
    if (c->ordered_count == 0 && !choose_from_ring(c))
        choose_withdrawals(c, most);
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
        bool lost = other != NULL && other->waits && comes_later(other);
        if (lost && render_reference(&c->lane, r) == RENDER_PENDING)
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
        iptfhir_verb verb = asks[item->action].verb;
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

/* Chooses the items of an order for a task, as many as go together. */
static void choose_for(struct cycle *c, enum order_task task) {
    cut_choice(c, 0);
    if (task == ORDER_WRITE)
        choose_writes(c, c->reach->entries);
    else
        choose_all(c, task, c->reach->entries);
}

/* Makes the order for what was chosen; *any false when none of it can go. */
static bool make_order(struct cycle *c, enum order_task task, bool *any,
                       struct iptfhir_error *error) {
    static const iptfhir_task asked[] = {
        [ORDER_FIND] = IPTFHIR_FIND, [ORDER_READ] = IPTFHIR_READ, [ORDER_WRITE] = IPTFHIR_WRITE
    };
    size_t count = c->ordered_count;
    struct iptfhir_item *items = arena_zalloc(&c->arena, count * sizeof *items);
    if (items == NULL)
        return no_memory(error);
    bool made = task == ORDER_WRITE ? write_items(c, items, &count, error)
                                    : ask_items(c, task, items, error);
    *any = made && count > 0;
    if (!*any)
        return made;
    c->ask.order = (struct iptfhir_order) {
        .task = asked[task], .chart = cycle_chart(c, c->ordered[0]), .items = items, .count = count
    };
    if (task == ORDER_WRITE && count > 1)
        c->ask.order.together = c->reach->together;
    memset(c->proved, 0, count);
    return true;
}

bool order_next(struct cycle *c, bool *any, struct iptfhir_error *error) {
    static const enum order_task tasks[] = { ORDER_FIND, ORDER_READ, ORDER_WRITE };
    *any = false;
    if (c->ordered == NULL) {
        c->ordered = arena_zalloc(&c->arena, (c->lane.count + 1) * sizeof *c->ordered);
        c->proved = arena_zalloc(&c->arena, c->lane.count + 1);
    }
    if (c->ordered == NULL || c->proved == NULL)
        return no_memory(error);
    for (size_t t = 0; t < sizeof tasks / sizeof *tasks && !*any; t++) {
        choose_for(c, tasks[t]);
        if (c->ordered_count > 0 && !make_order(c, tasks[t], any, error))
            return false;
    }
    return true;
}
