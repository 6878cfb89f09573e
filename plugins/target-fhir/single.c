/* SPDX-License-Identifier: Apache-2.0 */
/* Single calls in dependency order, and what every way of writing shares: bodies, references, the
 * reading of answers.
 */
#include "fhir.h"
#include "rewrite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Who asks for the meaning of a reference. */
struct asker {
    struct delivery *d;
    const struct item *it;
};

bool single_pending(const struct item *it) {
    return it->state == ITEM_NEW || it->state == ITEM_KNOWN;
}

bool single_conditional(const struct item *it) {
    return (it->flags & CAN_CONDITIONAL) != 0 && it->change->identifier_value != NULL;
}

void single_condition(const struct item *it, struct text *out) {
    text_puts(out, "identifier=");
    text_token(out, it->change->identifier_system, it->change->identifier_value, false);
}

/* Tells whether "Type/id" of a body is this type and id. */
static bool names(const char *type, const char *id, const char *t, size_t t_length, const char *i,
                  size_t i_length) {
    return type != NULL && id != NULL && strlen(id) == i_length && memcmp(id, i, i_length) == 0 &&
           strlen(type) == t_length && memcmp(type, t, t_length) == 0;
}

/* Says what a reference to another change of the set becomes. */
static void resolve_item(const struct item *it, const struct item *other,
                         struct reference_answer *out) {
    if (other->id[0] != '\0') {
        out->kind = REFERENCE_SERVER;
        out->id = other->id;
    } else if (it->in_bundle && other->in_bundle) {
        out->kind = REFERENCE_URN;
    } else {
        out->kind = REFERENCE_LOGICAL;
        out->system = other->change->identifier_system;
        out->value = other->change->identifier_value;
    }
}

/* Says what "Type/UUID" becomes at the target. */
static void resolve(void *user, const char *type, size_t type_length, const char *id,
                    size_t id_length, struct reference_answer *out) {
    struct asker *asker = user;
    struct delivery *d = asker->d;
    const struct iptfhir_change *c = asker->it->change;
    if (names("Patient", d->set->patient_id, type, type_length, id, id_length)) {
        out->kind = REFERENCE_SERVER;
        out->id = d->patient;
        return;
    }
    for (size_t i = 0; i < c->reference_count; i++) {
        const struct iptfhir_reference *r = &c->references[i];
        if (!names(r->type, r->id, type, type_length, id, id_length))
            continue;
        if (r->change >= 0 && (size_t)r->change < d->count) {
            resolve_item(asker->it, &d->items[r->change], out);
            if (out->kind == REFERENCE_LOGICAL && out->value == NULL) {
                out->system = r->identifier_system;
                out->value = r->identifier_value;
            }
        } else if (r->server_id != NULL && r->server_id[0] != '\0') {
            out->kind = REFERENCE_SERVER;
            out->id = r->server_id;
        } else {
            *out = (struct reference_answer) { REFERENCE_LOGICAL, NULL, r->identifier_system,
                                               r->identifier_value };
        }
        return;
    }
    for (size_t i = 0; i < d->count; i++) /* what an earlier body referred to */
        if (names(d->items[i].change->type, d->items[i].change->id, type, type_length, id,
                  id_length))
            resolve_item(asker->it, &d->items[i], out);
}

bool single_body(struct delivery *d, const struct item *it, const char *body, size_t length,
                 const char *id, struct text *out) {
    struct asker asker = { d, it };
    struct rewrite r = {
        .id = id, .omit_labels = d->t->labels == LABELS_OMIT, .resolve = resolve, .user = &asker
    };
    return rewrite_body(&r, body, length, out);
}

enum readiness single_ready(const struct delivery *d, const struct item *it) {
    enum readiness ready = READY;
    for (size_t i = 0; i < it->change->reference_count; i++) {
        int64_t n = it->change->references[i].change;
        const struct item *other = n >= 0 && (size_t)n < d->count ? &d->items[n] : it;
        if (other == it || other->id[0] != '\0')
            continue;
        if (other->state == ITEM_WAITS)
            return BLOCKED;
        if (other->state < ITEM_SETTLED)
            ready = NOT_YET;
    }
    return ready;
}

/* Lists what can be sent now; a ring of references is broken at its first member, which then refers
 * by identifier. */
static size_t collect(struct delivery *d, struct item **list) {
    struct item *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct item *it = &d->items[i];
        if (!single_pending(it))
            continue;
        enum readiness ready = single_ready(d, it);
        if (ready == BLOCKED) {
            settle_later(d, it, d->retry_after_ms);
        } else if (ready == READY) {
            list[count++] = it;
        } else if (first == NULL) {
            first = it;
        }
    }
    if (count == 0 && first != NULL)
        list[count++] = first;
    return count;
}

size_t single_search_first(struct delivery *d, struct item **items, size_t count) {
    struct item **searched = d->t->list + d->count; /* the second half of the list */
    size_t n = 0, left = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i]->state == ITEM_NEW && !items[i]->searched && !single_conditional(items[i]) &&
            search_possible(items[i]))
            searched[n++] = items[i];
    if (n == 0)
        return count;
    search_items(d, searched, n, false);
    for (size_t i = 0; i < count; i++)
        if (single_pending(items[i]))
            items[left++] = items[i];
    return left;
}

/* Writes the call that creates or updates an item; false when its body cannot be rewritten (the
 * item is held). */
static bool write_call(struct delivery *d, struct call *c, struct item *it) {
    bool update = it->state == ITEM_KNOWN;
    size_t start = c->text.length;
    if (!call_begin(c, update ? "PUT" : "POST"))
        return true;
    text_puts(&c->text, "/");
    text_puts(&c->text, it->change->type);
    if (update) {
        text_puts(&c->text, "/");
        text_puts(&c->text, it->id);
    }
    call_header(c);
    text_puts(&c->text, "Content-Type: application/fhir+json");
    call_header(c);
    text_puts(&c->text, "Accept: application/fhir+json");
    call_header(c);
    text_puts(&c->text, "Prefer: return=minimal");
    it->conditional = !update && single_conditional(it);
    if (update && it->version[0] != '\0') {
        call_header(c);
        text_puts(&c->text, "If-Match: W/\"");
        text_puts(&c->text, it->version);
        text_puts(&c->text, "\"");
    } else if (it->conditional) {
        call_header(c);
        text_puts(&c->text, "If-None-Exist: ");
        single_condition(it, &c->text);
    }
    call_body(c);
    if (!single_body(d, it, it->change->body, it->change->body_length, update ? it->id : NULL,
                     &c->text) &&
        !c->text.failed) {
        c->text.length = start;
        settle_held(d, it, "invalid",
                    "it refers to a resource that is not at the target and has no identifier, or "
                    "its body is no JSON object");
        return false;
    }
    call_finish(c);
    return true;
}

/* Sends a list of items by one call each. */
static void send_singly(struct delivery *d, struct item **items, size_t count) {
    struct call *c = &d->t->call;
    size_t written = 0;
    call_clear(c);
    for (size_t i = 0; i < count; i++)
        if (write_call(d, c, items[i]))
            items[written++] = items[i];
    if (!call_perform(d, c))
        return;
    for (size_t i = 0; i < written && i < c->count; i++) {
        struct answer a = call_answer(c, i);
        single_settle(d, items[i], items[i]->state == ITEM_KNOWN ? OP_UPDATE : OP_CREATE, &a);
    }
}

void single_deliver(struct delivery *d) {
    struct item **list = d->t->list;
    bool batch = d->t->capability.batch && d->t->transaction == TRANSACTION_AUTO;
    for (size_t count; !d->stopped && (count = collect(d, list)) > 0;) {
        count = single_search_first(d, list, count);
        if (d->stopped)
            break;
        if (count > 1 && batch && !bundle_batch(d, list, count)) {
            batch = false;
            continue;
        }
        if (count == 1 || !batch)
            send_singly(d, list, count);
        single_tidy(d, false);
    }
}

/* Settles a conflict once all that it refers to has its id; `force`: now, whatever it refers to. */
static void settle_conflict(struct delivery *d, struct item *it, bool force) {
    enum readiness ready = single_ready(d, it);
    if (ready == READY || force)
        conflict_settle(d, it);
    else if (ready == BLOCKED && it->state == ITEM_LOST)
        settle_unknown(d, it);
    else if (ready == BLOCKED)
        settle_later(d, it, d->retry_after_ms);
}

void single_tidy(struct delivery *d, bool force) {
    struct item **lost = d->t->list + d->count;
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct item *it = &d->items[i];
        if (it->state == ITEM_LOST && it->id[0] == '\0')
            lost[count++] = it;
    }
    if (count > 0 && !d->stopped)
        search_items(d, lost, count, true);
    for (size_t i = 0; i < d->count && !d->stopped; i++)
        if (d->items[i].state == ITEM_CONFLICT || d->items[i].state == ITEM_LOST)
            settle_conflict(d, &d->items[i], force);
}

/* Takes a version out of an ETag: W/"7", "7" or 7. */
static void take_etag(struct item *it, const char *etag) {
    const char *from = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    size_t n = strlen(from);
    if (n >= 2 && from[0] == '"' && from[n - 1] == '"') {
        from++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof it->version || memchr(from, '"', n) != NULL)
        return;
    memcpy(it->version, from, n);
    it->version[n] = '\0';
}

/* Takes id and version out of a Location: …/Type/id[/_history/version]. */
static bool take_location(struct item *it, const char *location) {
    size_t type = strlen(it->change->type);
    const char *id = NULL;
    for (const char *p = location; (p = strstr(p, it->change->type)) != NULL; p += type)
        if (p[type] == '/' && (p == location || p[-1] == '/'))
            id = p + type + 1;
    if (id == NULL)
        return false;
    size_t n = strcspn(id, "/?#");
    if (!valid_id(id, n))
        return false;
    memcpy(it->id, id, n);
    it->id[n] = '\0';
    const char *history = id + n;
    if (strncmp(history, "/_history/", 10) == 0) {
        n = strcspn(history + 10, "/?#\"");
        if (n > 0 && n < sizeof it->version) {
            memcpy(it->version, history + 10, n);
            it->version[n] = '\0';
        }
    }
    return true;
}

bool single_take(struct item *it, const struct answer *a) {
    char id[ID_SIZE], type[64];
    it->version[0] = '\0';
    if (a->location != NULL)
        (void)take_location(it, a->location);
    if (a->body_length > 2 && !a->truncated && (it->id[0] == '\0' || a->etag == NULL)) {
        if (rewrite_string(a->body, a->body_length, NULL, "resourceType", type, sizeof type) &&
            strcmp(type, it->change->type) == 0 &&
            rewrite_string(a->body, a->body_length, NULL, "id", id, sizeof id) &&
            valid_id(id, strlen(id))) {
            memcpy(it->id, id, strlen(id) + 1);
            (void)rewrite_string(a->body, a->body_length, "meta", "versionId", it->version,
                                 sizeof it->version);
        }
    }
    if (a->etag != NULL)
        take_etag(it, a->etag);
    return it->id[0] != '\0';
}

/* Takes the good answer to a write. */
static void take_done(struct delivery *d, struct item *it, enum operation operation,
                      const struct answer *a) {
    if (!single_take(it, a))
        it->state = ITEM_LOST; /* made, but where? look for it */
    else if (operation == OP_CREATE && it->conditional && a->status == 200) {
        it->adopted = true; /* it was there: is it what we would send? */
        it->state = ITEM_CONFLICT;
    } else {
        settle_done(d, it, operation == OP_CREATE ? IPTFHIR_CREATED : IPTFHIR_UPDATED);
    }
}

void single_settle(struct delivery *d, struct item *it, enum operation operation,
                   const struct answer *a) {
    struct verdict v;
    if (a->outcome == IPTFHIR_HTTP_ANSWERED && a->status >= 200 && a->status < 300) {
        take_done(d, it, operation, a);
        return;
    }
    outcome_judge(a, operation, &v);
    if (v.reference || a->status == 404 || a->status == 410)
        patient_forget(d);
    switch (v.action) {
    case ACT_DONE: take_done(d, it, operation, a); break;
    case ACT_HOLD: settle_held(d, it, v.code, v.detail); break;
    case ACT_LATER:
        settle_later(d, it, v.retry_after_ms);
        stop_later(d, v.retry_after_ms);
        break;
    case ACT_LOST: it->state = ITEM_LOST; break;
    case ACT_CONFLICT: it->state = ITEM_CONFLICT; break;
    case ACT_SEARCH:
        it->duplicate = true;
        it->state = ITEM_LOST;
        break;
    case ACT_SPLIT:
    case ACT_SINGLY:
    case ACT_TARGET:
        settle_later(d, it, v.retry_after_ms);
        stop_target(d, v.code != NULL ? v.code : "target-answer", v.detail);
        break;
    }
}
