/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and batches: written as text, split at the limits that a server turns out to have,
 * each entry's status read. */
#include "fhir.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum chunk { CHUNK_DONE, CHUNK_SPLIT, CHUNK_SINGLY, CHUNK_STOPPED };

/* Tells how many entries a bundle may have here. */
static size_t limit_of(const struct target *t, bool conditional) {
    size_t limit = t->max_entries > 0 ? (size_t)t->max_entries : SIZE_MAX;
    if (t->limit_entries > 0 && t->limit_entries < limit)
        limit = t->limit_entries;
    if (conditional && t->limit_conditional > 0 && t->limit_conditional < limit)
        limit = t->limit_conditional;
    return limit;
}

/* Remembers that so many entries were too many. */
static void learn_limit(struct delivery *d, size_t count, bool conditional) {
    size_t limit = count > 1 ? count / 2 : 1;
    if (conditional)
        d->t->limit_conditional = limit;
    else
        d->t->limit_entries = limit;
    d->t->host->log(d->t->host, IPTFHIR_INFO,
                    "target-fhir: the server refused a bundle of %zu entries%s; trying %zu", count,
                    conditional ? ", some of them conditional" : "", limit);
}

/* Writes one entry. */
static bool write_entry(struct delivery *d, struct text *text, struct item *it, bool first) {
    bool update = it->state == ITEM_KNOWN;
    text_puts(text, first ? "{" : ",{");
    if (!update) {
        text_puts(text, "\"fullUrl\":\"urn:uuid:");
        text_puts(text, it->change->id);
        text_puts(text, "\",");
    }
    text_puts(text, "\"resource\":");
    if (!single_body(d, it, it->change->body, it->change->body_length, update ? it->id : NULL,
                     text))
        return false;
    text_puts(text, update ? ",\"request\":{\"method\":\"PUT\",\"url\":\""
                           : ",\"request\":{\"method\":\"POST\",\"url\":\"");
    text_puts(text, it->change->type);
    it->conditional = !update && single_conditional(it);
    if (update) {
        text_puts(text, "/");
        text_puts(text, it->id);
        if (it->version[0] != '\0') {
            text_puts(text, "\",\"ifMatch\":\"W/\\\"");
            text_puts(text, it->version);
            text_puts(text, "\\\"");
        }
    } else if (it->conditional) {
        text_puts(text, "\",\"ifNoneExist\":\"");
        single_condition(it, text); /* encoded: nothing in it needs a JSON escape */
    }
    text_puts(text, "\"}}");
    return !text->failed;
}

/* Writes the whole bundle as one call; items that cannot be written are held and leave the list. */
static size_t write_bundle(struct delivery *d, struct call *c, struct item **items, size_t count,
                           bool transaction) {
    size_t written = 0;
    call_clear(c);
    if (!call_begin(c, "POST"))
        return 0;
    call_header(c);
    text_puts(&c->text, "Content-Type: application/fhir+json");
    call_header(c);
    text_puts(&c->text, "Accept: application/fhir+json");
    call_header(c);
    text_puts(&c->text, "Prefer: return=minimal");
    call_body(c);
    text_puts(&c->text, transaction
                            ? "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
                            : "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[");
    for (size_t i = 0; i < count; i++) {
        size_t start = c->text.length;
        if (write_entry(d, &c->text, items[i], written == 0)) {
            items[written++] = items[i];
        } else if (!c->text.failed) {
            c->text.length = start;
            items[i]->in_bundle = false;
            settle_held(d, items[i], "invalid",
                        "it refers to a resource that is not at the target and has no identifier, "
                        "or its body is no "
                        "JSON object");
        }
    }
    text_puts(&c->text, "]}");
    call_finish(c);
    return written;
}

/* Makes an answer of one entry of the response. */
static struct answer entry_answer(const json_t *entry) {
    const json_t *response = json_object_get(entry, "response"),
                 *resource = json_object_get(entry, "resource");
    const char *status = json_string_value(json_object_get(response, "status"));
    struct answer a = { .outcome = IPTFHIR_HTTP_ANSWERED, .body = "" };
    a.status = status != NULL ? (int)strtol(status, NULL, 10) : 0;
    a.etag = json_string_value(json_object_get(response, "etag"));
    a.location = json_string_value(json_object_get(response, "location"));
    a.issues = json_object_get(response, "outcome");
    if (a.issues == NULL && a.status >= 400)
        a.issues = resource;
    if (a.etag == NULL)
        a.etag = json_string_value(json_object_get(json_object_get(resource, "meta"), "versionId"));
    return a;
}

/* Takes the id of an entry whose response has no location but the resource. */
static void take_resource(struct item *it, const json_t *entry) {
    const char *id = json_string_value(json_object_get(json_object_get(entry, "resource"), "id"));
    if (it->id[0] == '\0' && id != NULL && valid_id(id, strlen(id)))
        memcpy(it->id, id, strlen(id) + 1);
}

/* Reads the response and settles each item by its own entry; what has none is lost. */
static void read_response(struct delivery *d, const struct answer *a, struct item **items,
                          size_t count) {
    json_t *root = a->truncated ? NULL : json_loadb(a->body, a->body_length, 0, NULL);
    const json_t *entries = json_object_get(root, "entry");
    bool complete = json_array_size(entries) == count;
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(entries, i);
        struct answer one = entry_answer(entry);
        if (!complete || one.status < 100 || one.status > 599) {
            items[i]->state = ITEM_LOST;
            continue;
        }
        if (one.status < 300 && one.location == NULL)
            take_resource(items[i], entry);
        single_settle(d, items[i], items[i]->state == ITEM_KNOWN ? OP_UPDATE : OP_CREATE, &one);
    }
    json_decref(root);
}

/* Does what an answer to a bundle as a whole asks for. */
static enum chunk act(struct delivery *d, const struct verdict *v, int status, struct item **items,
                      size_t count) {
    switch (v->action) {
    case ACT_LOST:
        if (status ==
            413) /* refused before it was read, and the answer broke off: smaller the next time */
            learn_limit(d, count, false);
        for (size_t i = 0; i < count; i++)
            items[i]->state = ITEM_LOST;
        return CHUNK_DONE;
    case ACT_SPLIT: return count > 1 ? CHUNK_SPLIT : CHUNK_SINGLY;
    case ACT_LATER: stop_later(d, v->retry_after_ms); return CHUNK_STOPPED;
    case ACT_TARGET:
        stop_target(d, v->code != NULL ? v->code : "target-answer", v->detail);
        return CHUNK_STOPPED;
    default:
        d->t->host->log(
            d->t->host, IPTFHIR_INFO,
            "target-fhir: a bundle of %zu entries was refused (%s); its entries go singly", count,
            v->detail);
        return CHUNK_SINGLY;
    }
}

/* Sends one bundle. */
static enum chunk send_chunk(struct delivery *d, struct item **items, size_t count,
                             bool transaction) {
    struct call *c = &d->t->call;
    struct verdict v;
    enum chunk result = CHUNK_DONE;
    for (size_t i = 0; i < count; i++)
        items[i]->in_bundle = transaction;
    count = write_bundle(d, c, items, count, transaction);
    if (count > 0 && call_perform(d, c)) {
        struct answer a = call_answer(c, 0);
        outcome_judge(&a, OP_BUNDLE, &v);
        if (v.action == ACT_DONE)
            read_response(d, &a, items, count);
        else
            result = act(d, &v, a.status, items, count);
    }
    for (size_t i = 0; i < count; i++)
        items[i]->in_bundle = false;
    return d->stopped ? CHUNK_STOPPED : result;
}

/* Tells how many items from the front fit into one bundle, and whether one of them is conditional.
 */
static size_t chunk_size(const struct delivery *d, struct item **items, size_t count,
                         bool *conditional) {
    size_t n = 0;
    *conditional = false;
    while (n < count) {
        bool next = *conditional || (items[n]->state == ITEM_NEW && single_conditional(items[n]));
        if (n > 0 && n + 1 > limit_of(d->t, next))
            break;
        *conditional = next;
        n++;
    }
    return n;
}

bool bundle_batch(struct delivery *d, struct item **items, size_t count) {
    for (size_t at = 0; at < count && !d->stopped;) {
        bool conditional;
        size_t n = chunk_size(d, items + at, count - at, &conditional);
        switch (send_chunk(d, items + at, n, false)) {
        case CHUNK_DONE: at += n; break;
        case CHUNK_SPLIT: learn_limit(d, n, conditional); break;
        case CHUNK_SINGLY: return false;
        case CHUNK_STOPPED: return true;
        }
    }
    return true;
}

/* Lists all that is pending, in order, without what has to wait for something that waits. */
static size_t collect(struct delivery *d, struct item **list) {
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (!single_pending(&d->items[i]))
            continue;
        if (single_ready(d, &d->items[i]) == BLOCKED)
            settle_later(d, &d->items[i], d->retry_after_ms);
        else
            list[count++] = &d->items[i];
    }
    return count;
}

bool bundle_transactions(struct delivery *d) {
    struct item **list = d->t->list;
    for (size_t count; !d->stopped && (count = collect(d, list)) > 0;) {
        bool conditional;
        count = single_search_first(d, list, count);
        single_tidy(d, false);
        if (d->stopped)
            break;
        if (count < 2)
            return false; /* one call does it */
        size_t n = chunk_size(d, list, count, &conditional);
        switch (send_chunk(d, list, n, true)) {
        case CHUNK_DONE: single_tidy(d, false); break;
        case CHUNK_SPLIT: learn_limit(d, n, conditional); break;
        case CHUNK_SINGLY:
            for (size_t i = 0; i < n; i++)
                list[i]->searched = false; /* some servers keep a part of what they refused */
            return false;
        case CHUNK_STOPPED: return true;
        }
    }
    return true;
}
