/* SPDX-License-Identifier: Apache-2.0 */
/* What the server has against what we have and what we last wrote there: merge, overwrite, give
 * way, or hold. */
#include "fhir.h"
#include "rewrite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 3, TRIES = 2 };
enum step { STEP_SETTLED, STEP_AGAIN, STEP_PUT, STEP_PUT_MERGED };

/* Tells whether two texts are the same resource, whatever the order of their members. */
static bool same(const struct text *a, const struct text *b) {
    json_t *x = json_loadb(a->data, a->length, 0, NULL),
           *y = json_loadb(b->data, b->length, 0, NULL);
    bool equal = x != NULL && y != NULL && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return equal;
}

/* Settles an item whose state at the target could not be learned. */
static void give_up(struct delivery *d, struct item *it, const struct verdict *v) {
    bool lost = it->state == ITEM_LOST || it->change->server_id == NULL;
    if (v->action == ACT_HOLD) {
        if (strcmp(v->code, "gone") == 0)
            patient_forget(d);
        settle_held(d, it, v->code, v->detail);
        return;
    }
    if (lost)
        settle_unknown(d, it);
    else
        settle_later(d, it, v->retry_after_ms);
    if (v->action == ACT_LATER)
        stop_later(d, v->retry_after_ms);
    else
        stop_target(d, v->code != NULL ? v->code : "target-answer", v->detail);
}

/* Reads the resource; its version goes into the item, its text, without what servers add, into
 * `theirs`. */
static bool read_theirs(struct delivery *d, struct item *it) {
    struct target *t = d->t;
    struct verdict v;
    struct answer a = { 0 };
    for (int i = 0; i < TRIES; i++) {
        call_clear(&t->call);
        if (!call_begin(&t->call, "GET"))
            break;
        text_puts(&t->call.text, "/");
        text_puts(&t->call.text, it->change->type);
        text_puts(&t->call.text, "/");
        text_puts(&t->call.text, it->id);
        call_header(&t->call);
        text_puts(&t->call.text, "Accept: application/fhir+json");
        call_finish(&t->call);
        if (!call_perform(d, &t->call))
            return false;
        a = call_answer(&t->call, 0);
        outcome_judge(&a, OP_READ, &v);
        if (v.action == ACT_DONE || v.action == ACT_HOLD)
            break;
    }
    if (v.action != ACT_DONE) {
        give_up(d, it, &v);
        return false;
    }
    struct item seen = *it;
    seen.id[0] = '\0';
    if (a.truncated || !single_take(&seen, &a) || strcmp(seen.id, it->id) != 0) {
        v = (struct verdict) { .action = ACT_TARGET,
                               .code = "target-answer",
                               .detail =
                                   "a read was answered with something that is not the resource" };
        give_up(d, it, &v);
        return false;
    }
    memcpy(it->version, seen.version, sizeof it->version);
    text_clear(&t->theirs);
    if (rewrite_normalise(a.body, a.body_length, t->mine.data, t->mine.length, &t->theirs))
        return true;
    settle_held(d, it, "conflict", "the resource at the target cannot be read as a JSON object");
    return false;
}

/* Decides by the target's policy, when both sides changed the same. */
static enum step decide(struct delivery *d, struct item *it, const char *why, const char *where) {
    char detail[DETAIL_SIZE];
    if (d->t->conflict == CONFLICT_CLINIC_WINS)
        return STEP_PUT;
    if (d->t->conflict == CONFLICT_EHR_WINS) {
        it->version[0] = '\0'; /* the next change is compared again */
        settle_done(d, it, IPTFHIR_UNCHANGED);
        return STEP_SETTLED;
    }
    (void)snprintf(detail, sizeof detail, "%s%.300s", why, where);
    settle_held(d, it, "conflict", detail);
    return STEP_SETTLED;
}

/* Compares the three sides; *merged is what to write for STEP_PUT_MERGED. */
static enum step compare(struct delivery *d, struct item *it, const char **merged) {
    struct target *t = d->t;
    const char *base = it->change->base, *overlap = NULL;
    struct iptfhir_error ignored = { .size = sizeof ignored };
    if (same(&t->theirs, &t->mine)) {
        settle_done(d, it, it->adopted ? IPTFHIR_CREATED : IPTFHIR_UPDATED);
        return STEP_SETTLED;
    }
    if ((it->flags & CAN_UPDATE) == 0) {
        settle_held(
            d, it, "capability",
            "it is at the target with other content, and the target takes no update of its type");
        return STEP_SETTLED;
    }
    if (it->version[0] == '\0' && !t->accept_without_version) {
        settle_held(d, it, "conflict",
                    "the target gives no version, so an update could overwrite another's: "
                    "accept_without_version allows it");
        return STEP_SETTLED;
    }
    if (it->adopted && base == NULL)
        return t->conflict == CONFLICT_EHR_WINS ? decide(d, it, "", "") : STEP_PUT;
    text_clear(&t->base);
    if (base == NULL || !single_body(d, it, base, strlen(base), it->id, &t->base))
        return decide(d, it,
                      "it was changed at the target, and what was last written there is not known",
                      "");
    if (same(&t->theirs, &t->base))
        return STEP_PUT;
    iptfhir_status status = t->host->merge(t->host, t->base.data, t->mine.data, t->theirs.data,
                                           merged, &overlap, &ignored);
    if (status == IPTFHIR_OK && *merged != NULL)
        return STEP_PUT_MERGED;
    return decide(d, it, "changed on both sides: ", overlap != NULL ? overlap : "");
}

/* Writes what was decided, on top of the version that was read. */
static enum step put(struct delivery *d, struct item *it, const char *body, bool merged) {
    struct call *c = &d->t->call;
    struct verdict v;
    call_clear(c);
    if (!call_begin(c, "PUT")) {
        stop_target(d, "target-memory", "memory ran out while requests were written");
        return STEP_SETTLED;
    }
    text_puts(&c->text, "/");
    text_puts(&c->text, it->change->type);
    text_puts(&c->text, "/");
    text_puts(&c->text, it->id);
    call_header(c);
    text_puts(&c->text, "Content-Type: application/fhir+json");
    call_header(c);
    text_puts(&c->text, "Accept: application/fhir+json");
    call_header(c);
    text_puts(&c->text, "Prefer: return=minimal");
    if (it->version[0] != '\0') {
        call_header(c);
        text_puts(&c->text, "If-Match: W/\"");
        text_puts(&c->text, it->version);
        text_puts(&c->text, "\"");
    }
    call_body(c);
    text_puts(&c->text, body);
    call_finish(c);
    if (!call_perform(d, c))
        return STEP_SETTLED;
    struct answer a = call_answer(c, 0);
    outcome_judge(&a, OP_UPDATE, &v);
    if (v.action == ACT_CONFLICT)
        return STEP_AGAIN;
    if (v.action == ACT_LOST) {
        it->state = ITEM_LOST;
        return STEP_AGAIN;
    }
    if (v.action != ACT_DONE) {
        single_settle(d, it, OP_UPDATE, &a);
        return STEP_SETTLED;
    }
    (void)single_take(it, &a);
    if (merged)
        it->version[0] =
            '\0'; /* theirs is in it too: the next change is compared again, so that it stays */
    settle_done(d, it, IPTFHIR_UPDATED);
    return STEP_SETTLED;
}

void conflict_settle(struct delivery *d, struct item *it) {
    struct target *t = d->t;
    if (it->id[0] == '\0')
        return;
    text_clear(&t->mine);
    if (!single_body(d, it, it->change->body, it->change->body_length, it->id, &t->mine)) {
        settle_held(d, it, "invalid",
                    "it refers to a resource that is not at the target and has no identifier, or "
                    "its body is no JSON object");
        return;
    }
    for (int round = 0; round < ROUNDS; round++) {
        const char *merged = NULL;
        if (!read_theirs(d, it))
            return;
        enum step step = compare(d, it, &merged);
        if (step == STEP_PUT || step == STEP_PUT_MERGED)
            step = put(d, it, step == STEP_PUT ? t->mine.data : merged, step == STEP_PUT_MERGED);
        if (step == STEP_SETTLED)
            return;
    }
    if (it->state == ITEM_LOST)
        settle_unknown(d, it);
    else
        settle_later(d, it, 0);
}
