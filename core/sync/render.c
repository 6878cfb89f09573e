/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering and comparing the bodies of a lane. */
#include "core/sync/render.h"

#include "core/base/crypt.h"
#include "core/fhir/r4.h"
#include "core/sync/body.h"

#include <stdio.h>
#include <string.h>

/* ---- references ---- */

/* Whether something is at the target, whatever is wanted of it now. */
static bool is_there(const struct lane_item *item) {
    return item->state.server_id[0] != '\0';
}

/* The id of an item in what went out before: also of one whose lost create was found just now. */
static const char *id_before(const struct lane_item *item) {
    bool lost = item->state.attempt == STORE_CREATE && item->found == FOUND_ONE;
    return !is_there(item) && lost ? item->found_id : item->state.server_id;
}

/* Whether an item will be tried in this cycle or a later one. */
static bool will_come(const struct lane_item *item) {
    switch (item->action) {
    case RECONCILE_FIND:
    case RECONCILE_READ:
    case RECONCILE_CREATE:
    case RECONCILE_CREATE_IF_NONE:
    case RECONCILE_CREATE_AT:
    case RECONCILE_UNKNOWN:
    case RECONCILE_TAKE_ATTEMPT:
    case RECONCILE_DROP_ATTEMPT: return true;
    case RECONCILE_WAIT: return item->waits;
    case RECONCILE_IN_STEP:
    case RECONCILE_DECIDED:
    case RECONCILE_STAY_HELD:
    case RECONCILE_HOLD:
    case RECONCILE_UPDATE:
    case RECONCILE_ADOPT:
    case RECONCILE_KEEP_THEIRS:
    case RECONCILE_RESET: break;
    }
    return false;
}

/* Whether a reference is to the patient of the lane, or to another one. */
static bool is_patient(const struct store_reference *reference) {
    return strcmp(reference->type, R4_PATIENT) == 0;
}

enum render_way render_reference(const struct lane *lane, const struct store_reference *reference) {
    if (is_patient(reference)) {
        char id[37];
        lane_uuid_text(reference->uuid, id);
        bool ours = lane->our_id[0] == '\0' || strcmp(id, lane->our_id) == 0;
        return ours ? RENDER_READY : RENDER_STRANGER;
    }
    const struct lane_item *item = lane_find(lane, reference->uuid);
    if (item == NULL)
        return RENDER_NEVER;
    if (lane_moves(item))
        return will_come(item) || item->action == RECONCILE_UPDATE ? RENDER_PENDING : RENDER_NEVER;
    if (item->wanted != STORE_WANTED_BODY || lane_stands_elsewhere(lane, item))
        return RENDER_NEVER;
    if (is_there(item))
        return RENDER_READY;
    return will_come(item) ? RENDER_PENDING : RENDER_NEVER;
}

uint32_t render_missing(const struct lane *lane, const struct lane_item *item) {
    uint32_t missing = 0;
    for (size_t i = 0; i < item->said->reference_count; i++) {
        if (render_reference(lane, &item->said->references[i]) != RENDER_READY)
            missing++;
    }
    return missing;
}

/* How references are written: as they go out, or as they stood in what went out before. */
struct writing {
    const struct render *r;
    bool before;               /* what went out before: whatever is at the target counts */
    bool together;             /* one bundle: items with a place are referred to by urn:uuid */
    const struct tree *theirs; /* of `before` when references had been left out: those that it
                                  doesn't have had been */
};

/* Whether a text stands as a reference somewhere in a body. */
static bool holds_reference(const struct tree *node, const char *text) {
    if (node->kind == TREE_STRING)
        return node->name != NULL && strcmp(node->name, "reference") == 0 &&
               strcmp(node->text, text) == 0;
    if (node->kind != TREE_ARRAY && node->kind != TREE_OBJECT)
        return false;
    for (const struct tree *child = node->first; child != NULL; child = child->next) {
        if (holds_reference(child, text))
            return true;
    }
    return false;
}

/* Says what a reference to another resource of the lane becomes. */
static enum body_reference write_item(const struct writing *w, const struct lane_item *item,
                                      char *text) {
    const char *server_id = w->before ? id_before(item) : item->state.server_id;
    if (server_id[0] != '\0') {
        bool wanted = item->wanted == STORE_WANTED_BODY;
        bool fits = wanted && !lane_stands_elsewhere(w->r->lane, item);
        if (!w->before && !fits)
            return BODY_OMIT;
        (void)snprintf(text, 160, "%s/%s", item->said->type, server_id);
        if (w->theirs != NULL && !holds_reference(w->theirs, text))
            return BODY_OMIT;
        return BODY_CHANGE;
    }
    if (w->before || !w->together || item->place == SIZE_MAX)
        return BODY_OMIT;
    char id[37];
    render_identity(item, id);
    if (w->r->own_ids)
        (void)snprintf(text, 160, "%s/%s", item->said->type, id);
    else
        (void)snprintf(text, 160, "urn:uuid:%s", id);
    return BODY_CHANGE;
}

static enum body_reference write_reference(void *user, const char *type, size_t type_length,
                                           const char uuid[36], char *text) {
    const struct writing *w = user;
    const struct lane *lane = w->r->lane;
    unsigned char bytes[STORE_UUID];
    if (!lane_uuid_read(uuid, bytes))
        return BODY_KEEP;
    bool patient = type_length == strlen(R4_PATIENT) && memcmp(type, R4_PATIENT, type_length) == 0;
    if (patient) {
        if (w->r->chart == NULL)
            return BODY_KEEP;
        (void)snprintf(text, 160, "%s/%s", R4_PATIENT, w->r->chart);
        return BODY_CHANGE;
    }
    const struct lane_item *item = lane_find(lane, bytes);
    return item != NULL ? write_item(w, item, text) : BODY_OMIT;
}

/* ---- bodies ---- */

void render_identity(const struct lane_item *item, char id[37]) {
    char own[37], generation[16];
    lane_uuid_text(item->said->uuid, own);
    memcpy(id, own, sizeof own);
    if (item->state.generation == 0)
        return;
    (void)snprintf(generation, sizeof generation, "%u", item->state.generation);
    crypt_uuid5("urn:iptfhir:generation", own, generation, id);
}

/* Makes a body of the store what it is at the target. */
static enum render_end make(const struct writing *w, const struct lane_item *item,
                            struct store_body_at at, enum store_wanted wanted, const char *id,
                            struct tree **out, uint32_t *omitted, struct iptfhir_error *error) {
    struct arena *a = w->r->lane->arena;
    char own[37], now[37];
    *out = lane_body(w->r->lane, at, error);
    if (*out == NULL)
        return RENDER_FAILED;
    if (wanted != STORE_WANTED_BODY) {
        switch (lifecycle_apply(w->r->lifecycle, *out, a, wanted)) {
        case LIFECYCLE_WRITE: break;
        case LIFECYCLE_LEAVE: return RENDER_LEAVE;
        case LIFECYCLE_HOLD: return RENDER_HOLD;
        case LIFECYCLE_MEMORY:
            error_set(error, "memory", NULL, "out of memory");
            return RENDER_FAILED;
        }
    }
    lane_uuid_text(item->said->uuid, own);
    render_identity(item, now);
    struct body_out how = { .id = id,
                            .old_value = own,
                            .value = item->state.generation != 0 ? now : NULL,
                            .labels = w->r->target->labels,
                            .resolve = write_reference,
                            .user = (void *)(uintptr_t)w };
    if (body_prepare(*out, a, &how, omitted))
        return RENDER_MADE;
    error_set(error, "memory", NULL, "out of memory");
    return RENDER_FAILED;
}

/* The body from which the wanted one is made: a withdrawal is made of what was sent. */
static struct store_body_at wanted_body(const struct lane_item *item) {
    bool withdrawn = item->wanted != STORE_WANTED_BODY;
    return withdrawn && item->state.sent ? item->state.sent_body : item->said->body;
}

bool render_prepare(const struct render *r, const struct lane_item *item,
                    struct iptfhir_error *error) {
    struct store_bytes body;
    return lane_body_bytes(r->lane, wanted_body(item), &body, error);
}

/* How many resources that the body refers to are left out of it: each once, however often it is
 * referred to, as render_missing() counts them. */
static uint32_t count_omitted(struct writing *w, const struct lane_item *item) {
    uint32_t omitted = 0;
    for (size_t i = 0; i < item->said->reference_count; i++) {
        const struct store_reference *reference = &item->said->references[i];
        char uuid[37], text[160];
        lane_uuid_text(reference->uuid, uuid);
        omitted +=
            write_reference(w, reference->type, strlen(reference->type), uuid, text) == BODY_OMIT;
    }
    return omitted;
}

enum render_end render_wanted(const struct render *r, const struct lane_item *item, const char *id,
                              bool together, struct tree **out, uint32_t *omitted,
                              struct iptfhir_error *error) {
    struct writing w = { .r = r, .together = together };
    w.before = item->wanted != STORE_WANTED_BODY; /* a withdrawal changes no reference */
    enum render_end end = make(&w, item, wanted_body(item), item->wanted, id, out, omitted, error);
    if (end == RENDER_MADE && !w.before)
        *omitted = count_omitted(&w, item);
    return end;
}

/* ---- comparing ---- */

/* The body that went out before. NULL and no error: it can't be made any more. */
static struct tree *before(const struct render *r, const struct lane_item *item,
                           struct store_body_at at, enum store_wanted wanted, uint32_t left_out,
                           struct iptfhir_error *error) {
    struct writing w = { .r = r, .before = true };
    struct tree *body = NULL;
    uint32_t omitted;
    if (left_out > 0)
        w.theirs = item->theirs;
    enum render_end end = make(&w, item, at, wanted, item->found_id, &body, &omitted, error);
    return end == RENDER_MADE ? body : NULL;
}

/* Merges; false and an error when memory is out, which says nothing about overlaps. */
static bool merge(struct arena *a, const struct tree *base, const struct tree *mine,
                  const struct tree *theirs, struct tree **merged, bool *apart,
                  struct iptfhir_error *error) {
    *apart = tree_merge(a, base, mine, theirs, merged, NULL);
    if (*merged == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    return true;
}

/* Whether what is there holds what we changed: merging our change into it changes nothing. */
static bool holds_change(struct arena *a, const struct tree *base, const struct tree *mine,
                         const struct tree *theirs, struct iptfhir_error *error) {
    struct tree *merged = NULL;
    bool apart = false;
    if (base == NULL)
        return body_contains(theirs, mine);
    if (!merge(a, base, mine, theirs, &merged, &apart, error))
        return false;
    return apart && tree_equal(merged, theirs);
}

/* Compares with what is wanted, over what was sent. */
static bool compare(struct arena *a, struct lane_item *item, const struct tree *base,
                    struct tree *mine, struct iptfhir_error *error) {
    bool apart = false;
    item->out = mine;
    if (base == NULL) {
        item->look = body_contains(item->theirs, mine) ? LOOK_WANTED : LOOK_NONE;
        return true;
    }
    if (!merge(a, base, mine, item->theirs, &item->out, &apart, error))
        return false;
    if (apart && tree_equal(item->out, item->theirs))
        item->look = LOOK_WANTED;
    else if (!apart)
        item->look = LOOK_OVERLAP;
    else
        item->look = tree_equal(base, item->theirs) ? LOOK_SEEN : LOOK_APART;
    return true;
}

/* Whether the version found is the one that was seen last. */
static bool same_version(const struct lane_item *item) {
    const char *seen = item->state.version;
    return seen[0] != '\0' && item->found_version != NULL && strcmp(seen, item->found_version) == 0;
}

static bool is_alike(const struct tree *theirs, const struct tree *mine);

/* Whether a list holds references: those to what was created in the same bundle are left out of
 * ours as long as their ids are not known. */
static bool lists_references(const struct tree *list) {
    const struct tree *first = list->first;
    return first != NULL && first->kind == TREE_OBJECT && tree_get(first, "reference") != NULL;
}

/* Whether each element of `mine` is in `theirs`, in order. */
static bool lists_alike(const struct tree *theirs, const struct tree *mine) {
    bool may_have_more = lists_references(theirs);
    const struct tree *m = mine->first;
    if (theirs->length != mine->length && !may_have_more)
        return false;
    for (const struct tree *t = theirs->first; t != NULL && m != NULL; t = t->next) {
        bool alike = is_alike(t, m);
        if (alike)
            m = m->next;
        else if (!may_have_more)
            return false;
    }
    return m == NULL;
}

static bool members_alike(const struct tree *theirs, const struct tree *mine) {
    for (const struct tree *m = mine->first; m != NULL; m = m->next) {
        const struct tree *other = tree_get(theirs, m->name);
        if (other == NULL || !is_alike(other, m))
            return false;
    }
    return true;
}

/* Whether `theirs` holds all that `mine` does. A reference that the target writes in its own way,
 * absolute or with a version, is the same; one to another resource is not. */
static bool is_alike(const struct tree *theirs, const struct tree *mine) {
    if (theirs->kind != mine->kind)
        return false;
    if (mine->kind == TREE_OBJECT)
        return members_alike(theirs, mine);
    if (mine->kind == TREE_ARRAY)
        return lists_alike(theirs, mine);
    bool refers = mine->name != NULL && strcmp(mine->name, "reference") == 0;
    if (refers && mine->kind == TREE_STRING)
        return body_same_reference(theirs->text, mine->text);
    return tree_equal(theirs, mine);
}

/* Whether what is there is what a lost create wrote. */
static bool was_created(const struct lane_item *item, const struct tree *tried) {
    bool create = item->state.attempt == STORE_CREATE;
    return create && is_alike(item->theirs, tried);
}

/* Whether what is there names no patient though what we would send, or tried to, does. That it is
 * in the chart is known only of what was seen there before. */
static bool lacks_patient(const struct render *r, const struct lane_item *item,
                          const struct tree *ours) {
    bool seen_before = item->state.sent && item->state.attempt != STORE_CREATE;
    if (r->chart == NULL || ours == NULL || seen_before)
        return false;
    return !body_has_subject(item->theirs, ours, R4_PATIENT);
}

/* Looks whether an attempt took effect. */
static bool look_for_attempt(const struct render *r, struct lane_item *item,
                             const struct tree *base, struct iptfhir_error *error) {
    const struct store_state *s = &item->state;
    struct tree *tried =
        before(r, item, s->attempt_body, s->attempt_wanted, s->attempt_omitted, error);
    if (tried == NULL)
        return !error_is_set(error);
    if (lacks_patient(r, item, tried)) {
        item->look = LOOK_CHART;
        return true;
    }
    item->look = LOOK_APART; /* somebody's version, in which ours isn't: it came too late */
    if (same_version(item))
        item->look = LOOK_SEEN;
    else if (holds_change(r->lane->arena, base, tried, item->theirs, error))
        item->look = LOOK_ATTEMPT;
    else if (base == NULL && was_created(item, tried))
        item->look = LOOK_ATTEMPT;
    return !error_is_set(error);
}

static bool stands_in_other_chart(const struct render *r, const struct lane_item *item) {
    return r->chart != NULL && !body_refers_only_to(item->theirs, R4_PATIENT, r->chart);
}

bool render_look(const struct render *r, struct lane_item *item, struct iptfhir_error *error) {
    const struct store_state *s = &item->state;
    struct tree *mine = NULL, *base = NULL;
    item->look = LOOK_NONE;
    item->out = NULL;
    if (item->theirs == NULL) {
        item->look = LOOK_UNSEEN;
        return true;
    }
    if (stands_in_other_chart(r, item)) {
        if (strcmp(s->decision, "same") != 0) {
            item->look = LOOK_CHART;
            return true;
        }
        if (!body_refer_to(item->theirs, r->lane->arena, R4_PATIENT, r->chart))
            return error_set(error, "memory", NULL, "out of memory");
    }
    if (item->wanted != STORE_WANTED_NOTHING) {
        enum render_end end =
            render_wanted(r, item, item->found_id, false, &mine, &item->omitted, error);
        if (end == RENDER_FAILED)
            return false;
        if (end != RENDER_MADE)
            mine = NULL;
    }
    if (mine != NULL)
        body_normalise(item->theirs, mine);
    if (s->sent)
        base = before(r, item, s->sent_body, s->sent_wanted, s->omitted, error);
    if (error_is_set(error))
        return false;
    if (s->attempt != STORE_NO_ATTEMPT)
        return look_for_attempt(r, item, base, error);
    if (mine == NULL) {
        /* A withdrawal that writes nothing compares with nothing: whatever is there stays. */
        if (item->wanted != STORE_WANTED_NOTHING)
            item->look = LOOK_SEEN;
        return true;
    }
    if (lacks_patient(r, item, mine)) {
        item->look = LOOK_CHART;
        return true;
    }
    if (!compare(r->lane->arena, item, base, mine, error))
        return false;
    if (r->two_way && !same_version(item)) {
        item->look = body_contains(item->theirs, mine) ? LOOK_WANTED : LOOK_OVERLAP;
        item->out =
            mine; /* a merge over what is not to be trusted would keep our own later words */
        return true;
    }
    if (item->look == LOOK_APART && same_version(item))
        item->look = LOOK_SEEN;
    return true;
}
