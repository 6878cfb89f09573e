/* SPDX-License-Identifier: Apache-2.0 */
/* Weighing the answer to a write. */
#include "core/sync/belief.h"

#include "core/fhir/r4.h"
#include "core/sync/body.h"

#include <string.h>

/* Whether a body has the patient for its subject as what was sent does. */
static bool has_subject(struct cycle *c, const struct lane_item *item, const struct tree *body) {
    const struct iptfhir_item *asked = &c->ask.order.items[item->place];
    struct iptfhir_error why = ERROR_INIT;
    const struct tree *sent = item->state.attempt == STORE_UPDATE ? item->out : NULL;
    if (body_names_subject(body, R4_PATIENT))
        return true;
    if (sent == NULL)
        sent = json_read_copy(&c->arena, asked->body, asked->body_length, NULL, &why);
    return sent == NULL || body_has_subject(body, sent, R4_PATIENT);
}

/* Whether a body stands in another chart than what was sent, or in none. */
static bool is_elsewhere(struct cycle *c, const struct lane_item *item, const struct tree *body) {
    const char *chart = cycle_chart(c, item);
    if (chart == NULL)
        return false;
    if (!body_refers_only_to(body, R4_PATIENT, chart))
        return true;
    return !has_subject(c, item, body);
}

/* Whether a body carries identifiers, and ours is none of them. */
static bool is_another(const struct cycle *c, const struct lane_item *item,
                       const struct tree *body) {
    const struct iptfhir_item *asked = &c->ask.order.items[item->place];
    bool others = false;
    if (asked->system == NULL || asked->value == NULL)
        return false;
    return !body_has_identifier(body, asked->system, asked->value, &others) && others;
}

/* Whether a body is what was there before an update. */
static bool is_old(const struct lane_item *item, struct tree *body) {
    bool compares = item->state.attempt == STORE_UPDATE;
    if (!compares || item->out == NULL || item->theirs == NULL)
        return false;
    body_normalise(body, item->out);
    return body_shows_old(body, item->theirs, item->out);
}

/* Weighs an answer without a body. */
static enum belief weigh_bare(const struct cycle *c, const struct lane_item *item,
                              const struct iptfhir_evidence *e) {
    const struct store_state *s = &item->state;
    bool creates = s->attempt == STORE_CREATE;
    bool has_version = e->version != NULL && e->version[0] != '\0';
    bool as_before = has_version && !creates && strcmp(e->version, s->attempt_version) == 0;
    if (has_version && !as_before)
        return BELIEVED;
    bool readable = (reach_flags(c->reach, item->said->type) & CAN_READ) != 0;
    /* Where nothing can be read, the id that the target gave is all that it will ever show. */
    return creates && !readable ? BELIEVED : BELIEF_UNPROVEN;
}

enum belief belief_of(struct cycle *c, const struct lane_item *item,
                      const struct iptfhir_evidence *e) {
    enum belief belief;
    struct iptfhir_error why = ERROR_INIT;
    struct tree *body = NULL;
    if (!c->reach->has_server)
        return BELIEVED;
    struct arena_mark before = arena_mark(&c->arena);
    if (e->body != NULL && e->body_length > 0)
        body = json_read_copy(&c->arena, e->body, e->body_length, NULL, &why);
    if (body == NULL || body->kind != TREE_OBJECT)
        belief = weigh_bare(c, item, e);
    else if (is_another(c, item, body) || is_elsewhere(c, item, body) || is_old(item, body))
        belief = BELIEF_REFUTED;
    else
        belief = BELIEVED;
    arena_rewind(&c->arena, before);
    return belief;
}
