/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE: requests and the evidence in their answers. */
#include "write.h"

#include "bundle.h"

#include <stdlib.h>
#include <string.h>

/* Tells whether a text is there and can be an id. */
static bool is_id(const char *id) {
    return id != NULL && id_valid(id, strlen(id));
}

/* Tells whether an item can be written; what it lacks is a fault of whoever ordered it. */
static bool is_writable(const struct iptfhir_item *item) {
    if (item->body == NULL || !type_valid(item->type) || !is_id(item->id))
        return false;
    if (item->verb == IPTFHIR_CREATE_IF_NONE)
        return item->value != NULL;
    if (item->verb != IPTFHIR_UPDATE)
        return true;
    bool versioned = item->version == NULL || version_valid(item->version, strlen(item->version));
    return is_id(item->server_id) && versioned;
}

/* Returns the id that a PUT goes to; NULL: it is a POST. */
static const char *id_of_put(const struct iptfhir_item *item) {
    if (item->verb == IPTFHIR_UPDATE)
        return item->server_id;
    return item->verb == IPTFHIR_CREATE_AT ? item->id : NULL;
}

/* Writes "Type" or "Type/id". */
static void write_path(struct iptfhir_text *text, const struct iptfhir_item *item) {
    const char *id = id_of_put(item);
    iptfhir_text_puts(text, item->type);
    if (id == NULL)
        return;
    iptfhir_text_puts(text, "/");
    iptfhir_text_puts(text, id);
}

/* Writes the condition of a create, as it stands in a header and in a bundle. */
static void write_condition(struct iptfhir_text *text, const struct iptfhir_item *item) {
    iptfhir_text_puts(text, "identifier=");
    text_token(text, item->system, item->value, false);
}

/* Writes an item as a request of its own. */
static void write_single(struct request_writer *w, const struct iptfhir_item *item) {
    request_begin(w, id_of_put(item) != NULL ? "PUT" : "POST");
    iptfhir_text_puts(&w->text, "/");
    write_path(&w->text, item);
    request_header(w, "Content-Type: application/fhir+json");
    request_header(w, "Accept: application/fhir+json");
    request_header(w, "Prefer: return=representation");
    if (item->verb == IPTFHIR_CREATE_AT)
        request_header(w, "If-None-Match: *");
    if (item->verb == IPTFHIR_CREATE_IF_NONE) {
        request_header_begin(w, "If-None-Exist: ");
        write_condition(&w->text, item);
    }
    if (item->verb == IPTFHIR_UPDATE && item->version != NULL) {
        request_header_begin(w, "If-Match: W/\"");
        iptfhir_text_puts(&w->text, item->version);
        iptfhir_text_puts(&w->text, "\"");
    }
    request_body(w);
    iptfhir_text_add(&w->text, item->body, item->body_length);
    request_send(w);
}

/* Writes an item as an entry of a bundle. */
static void write_entry(struct request_writer *w, const struct iptfhir_item *item, bool first) {
    struct iptfhir_text *text = &w->text;
    bundle_entry(w, first);
    iptfhir_text_puts(text, "{\"fullUrl\":\"urn:uuid:");
    iptfhir_text_puts(text, item->id);
    iptfhir_text_puts(text, "\",\"resource\":");
    iptfhir_text_add(text, item->body, item->body_length);
    iptfhir_text_puts(text, ",\"request\":{\"method\":\"");
    iptfhir_text_puts(text, id_of_put(item) != NULL ? "PUT" : "POST");
    iptfhir_text_puts(text, "\",\"url\":\"");
    write_path(text, item);
    iptfhir_text_puts(text, "\"");
    if (item->verb == IPTFHIR_CREATE_AT)
        iptfhir_text_puts(text, ",\"ifNoneMatch\":\"*\"");
    if (item->verb == IPTFHIR_CREATE_IF_NONE) {
        iptfhir_text_puts(text, ",\"ifNoneExist\":\"");
        write_condition(text, item);
        iptfhir_text_puts(text, "\"");
    }
    if (item->verb == IPTFHIR_UPDATE && item->version != NULL) {
        iptfhir_text_puts(text, ",\"ifMatch\":\"W/\\\"");
        iptfhir_text_puts(text, item->version);
        iptfhir_text_puts(text, "\\\"\"");
    }
    iptfhir_text_puts(text, "}}");
}

/* The items of an order that are sent, in their order. */
struct sent {
    size_t *list, count;
};

/* Lists them; false when memory ran out. The caller frees the list. */
static bool list_sent(struct sent *s, const struct iptfhir_order *order) {
    *s = (struct sent) { .list = calloc(order->count + 1, sizeof *s->list) };
    if (s->list == NULL)
        return false;
    for (size_t i = 0; i < order->count; i++) {
        if (is_writable(&order->items[i]))
            s->list[s->count++] = i;
    }
    return true;
}

/* Writes all items as one bundle. */
static void write_bundle(struct request_writer *w, const struct iptfhir_order *order,
                         const struct sent *sent) {
    bundle_begin(w, order->together == IPTFHIR_BATCH ? "batch" : "transaction");
    for (size_t i = 0; i < sent->count; i++)
        write_entry(w, &order->items[sent->list[i]], i == 0);
    bundle_send(w);
}

void write_ask(const struct iptfhir_order *order, struct request_writer *w) {
    struct sent sent;
    if (!list_sent(&sent, order)) {
        w->failed = true;
        return;
    }
    bool bundled = order->together != IPTFHIR_SINGLY;
    if (bundled && sent.count > 0)
        write_bundle(w, order, &sent);
    for (size_t i = 0; i < sent.count && !bundled; i++)
        write_single(w, &order->items[sent.list[i]]);
    free(sent.list);
}

/* What reading the answers needs. */
struct reading {
    const struct iptfhir_order *order;
    struct iptfhir_evidence_sink *sink;
    struct verdict_pause pause;
    struct sent sent;
};

/* Says what a kind of request an item is. */
static enum operation operation_of(const struct iptfhir_item *item) {
    return item->verb == IPTFHIR_UPDATE ? OPERATION_UPDATE : OPERATION_CREATE;
}

/* Tells of an item. */
static void tell(struct reading *g, size_t index, const struct verdict *v) {
    verdict_pause_note(&g->pause, v);
    verdict_tell(v, g->sink, index);
}

/* Tells whether a good answer is about another resource than the item. */
static bool contradicts(const struct iptfhir_item *item, const struct answer *a) {
    char id[ID_SIZE];
    char version[VERSION_SIZE];
    const char *expected = id_of_put(item);
    if (a->location != NULL && location_read(a->location, item->type, id, version)) {
        if (expected != NULL && strcmp(id, expected) != 0)
            return true;
        expected = expected != NULL ? expected : id;
    }
    if (a->body != ANSWER_RESOURCE)
        return false;
    const char *type = answer_type(a);
    const char *its_id = json_text(a->json, "id");
    if (type == NULL || strcmp(type, item->type) != 0)
        return true;
    return expected != NULL && its_id != NULL && strcmp(its_id, expected) != 0;
}

/* Where a written resource is. */
struct place {
    char id[ID_SIZE], version[VERSION_SIZE];
};

/* Takes a valid text. */
static void take(char *to, const char *from, bool (*valid)(const char *, size_t)) {
    if (from != NULL && valid(from, strlen(from)))
        memcpy(to, from, strlen(from) + 1);
}

/* Reads the version: the resource's own, else the ETag's, which gateways make anew; else what
 * Location said stays. */
static void read_version(const struct answer *a, char version[VERSION_SIZE]) {
    const json_t *meta = a->body == ANSWER_RESOURCE ? json_object_get(a->json, "meta") : NULL;
    const char *own = json_text(meta, "versionId");
    if (own != NULL && version_valid(own, strlen(own)))
        take(version, own, version_valid);
    else if (a->etag != NULL)
        (void)etag_read(a->etag, version);
}

/* Reads the place from Location, ETag and body; false when no id is told. */
static bool read_place(const struct iptfhir_item *item, const struct answer *a, struct place *out) {
    bool has_body = a->body == ANSWER_RESOURCE;
    bool located =
        a->location != NULL && location_read(a->location, item->type, out->id, out->version);
    if (!located) {
        out->id[0] = '\0';
        out->version[0] = '\0';
        take(out->id, has_body ? json_text(a->json, "id") : id_of_put(item), id_valid);
    }
    read_version(a, out->version);
    return out->id[0] != '\0';
}

/* Tells whether the content of a 2xx is what a write is answered with: the resource, nothing, or an
 * OperationOutcome without an error. A 202 promises something for later, which proves nothing. */
static bool is_usable(const struct answer *a) {
    if (a->status == 202)
        return false;
    if (a->body == ANSWER_OUTCOME)
        return !answer_has_error(a);
    return a->body == ANSWER_RESOURCE || a->body == ANSWER_EMPTY;
}

/* Tells what the answer to the write of one item proves. */
static void read_one(struct reading *g, size_t index, const struct answer *a) {
    const struct iptfhir_item *item = &g->order->items[index];
    struct verdict v;
    struct place place;
    if (!answer_succeeded(a)) {
        verdict_of(a, operation_of(item), &v);
        tell(g, index, &v);
        return;
    }
    bool proves = is_usable(a) && !contradicts(item, a) && read_place(item, a, &place);
    if (!proves) {
        verdict_unusable(a, operation_of(item), &v);
        tell(g, index, &v);
        return;
    }
    bool was_there = item->verb == IPTFHIR_CREATE_IF_NONE && a->status == 200;
    struct iptfhir_evidence evidence = { .size = sizeof evidence,
                                         .proof = was_there ? IPTFHIR_FOUND : IPTFHIR_WRITTEN,
                                         .server_id = place.id };
    if (place.version[0] != '\0')
        evidence.version = place.version;
    if (a->body == ANSWER_RESOURCE) {
        evidence.body = a->text;
        evidence.body_length = a->length;
    }
    g->sink->item(g->sink, index, &evidence);
}

/* Tells the same of all items that were sent. */
static void tell_all(struct reading *g, const struct verdict *v) {
    for (size_t i = 0; i < g->sent.count; i++)
        tell(g, g->sent.list[i], v);
}

/* Tells of a transaction that was refused as a whole: the entries that are named are refused for
 * what they are, the rest was not done. False when none is named. */
static bool tell_named(struct reading *g, const struct answer *whole) {
    static const struct verdict beside = { .proof = IPTFHIR_NOT_DONE,
                                           .detail =
                                               "another entry of its transaction was refused" };
    bool *named = calloc(g->sent.count + 1, sizeof *named);
    bool any = named != NULL && bundle_named(whole->issues, named, g->sent.count) > 0;
    for (size_t i = 0; any && i < g->sent.count; i++) {
        size_t index = g->sent.list[i];
        struct verdict v = beside;
        if (named[i])
            verdict_of(whole, operation_of(&g->order->items[index]), &v);
        tell(g, index, &v);
    }
    free(named);
    return any;
}

/* Tells of a bundle that failed as a whole. */
static void read_failed_bundle(struct reading *g, const struct answer *whole) {
    struct verdict v;
    verdict_of(whole, OPERATION_WRITE_BUNDLE, &v);
    bool may_be_named =
        v.proof == IPTFHIR_NOT_TOGETHER && g->order->together == IPTFHIR_TRANSACTION;
    if (may_be_named && tell_named(g, whole))
        return;
    tell_all(g, &v);
}

/* Tells whether an entry fits the item at its position, or is a failure. */
static bool entry_fits(const struct iptfhir_item *item, const struct answer *a) {
    if (a->status < 100 || a->status > 599)
        return false;
    return !answer_succeeded(a) || !contradicts(item, a);
}

/* The entries of an answer, and which of them is about which item that was sent. */
struct matched {
    struct answer *entries;
    size_t *of_item; /* index of an entry; count: none is */
    bool *claimed;   /* by entry: an item has it */
    size_t count;
    bool reordered; /* an item's entry stands in another place than its own */
};

/* Tells whether an identifier is the one of an item. */
static bool is_identifier(const struct iptfhir_item *item, const json_t *identifier) {
    const char *system = json_text(identifier, "system");
    const char *value = json_text(identifier, "value");
    if (value == NULL || strcmp(value, item->value) != 0)
        return false;
    return strcmp(system != NULL ? system : "", item->system != NULL ? item->system : "") == 0;
}

/* Tells whether an entry's body carries the identifier of an item. */
static bool carries(const struct iptfhir_item *item, const struct answer *a) {
    const json_t *identifiers =
        a->body == ANSWER_RESOURCE ? json_object_get(a->json, "identifier") : NULL;
    const json_t *one;
    size_t i;
    if (item->value == NULL)
        return false;
    if (json_is_object(identifiers))
        return is_identifier(item, identifiers);
    json_array_foreach(identifiers, i, one) {
        if (is_identifier(item, one))
            return true;
    }
    return false;
}

/* Finds the entry that carries an item's identifier, its own place first; count: none does. */
static size_t entry_of(const struct matched *m, const struct iptfhir_item *item, size_t place) {
    if (!m->claimed[place] && carries(item, &m->entries[place]))
        return place;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->claimed[i] && carries(item, &m->entries[i]))
            return i;
    }
    return m->count;
}

/* Gives each item the entry that carries its identifier, wherever that stands. */
static void match_by_identifier(const struct reading *g, struct matched *m) {
    for (size_t i = 0; i < m->count; i++) {
        const struct iptfhir_item *item = &g->order->items[g->sent.list[i]];
        size_t entry = entry_of(m, item, i);
        m->of_item[i] = entry;
        if (entry == m->count)
            continue;
        m->claimed[entry] = true;
        m->reordered = m->reordered || entry != i;
    }
}

/* Gives the rest the entries at their places, as long as entries stand in their places at all.
 * False when one of them is about something else: then none can be trusted. */
static bool match_by_place(const struct reading *g, struct matched *m) {
    for (size_t i = 0; i < m->count; i++) {
        const struct iptfhir_item *item = &g->order->items[g->sent.list[i]];
        bool has_own = m->of_item[i] != m->count;
        if (!has_own && !m->reordered && !m->claimed[i])
            m->of_item[i] = i;
        if (m->of_item[i] != m->count && !entry_fits(item, &m->entries[m->of_item[i]]))
            return false;
    }
    return true;
}

/* Opens all entries and matches them with the items; false when they can't be trusted. */
static bool match_entries(const struct reading *g, const struct answer *whole,
                          const struct bundle *b, struct matched *m) {
    m->count = g->sent.count;
    m->entries = calloc(m->count + 1, sizeof *m->entries);
    m->of_item = calloc(m->count + 1, sizeof *m->of_item);
    m->claimed = calloc(m->count + 1, sizeof *m->claimed);
    if (m->entries == NULL || m->of_item == NULL || m->claimed == NULL)
        return false;
    for (size_t i = 0; i < m->count; i++)
        answer_open_entry(&m->entries[i], json_array_get(b->entries, i), b->slices.list[i], whole);
    match_by_identifier(g, m);
    return match_by_place(g, m);
}

/* Tells of an item by its entry, or that none is about it. */
static void read_matched(struct reading *g, const struct answer *whole, const struct matched *m,
                         size_t place) {
    struct verdict v;
    size_t index = g->sent.list[place];
    if (m->of_item[place] != m->count) {
        read_one(g, index, &m->entries[m->of_item[place]]);
        return;
    }
    verdict_unusable(whole, OPERATION_WRITE_BUNDLE, &v);
    tell(g, index, &v);
}

/* Tells of a bundle that was answered with a 2xx, each item by the entry that is about it: the one
 * that carries its identifier, else the one at its place. */
static void read_good_bundle(struct reading *g, const struct answer *whole) {
    struct bundle b;
    struct slice text = { whole->text, whole->length };
    struct verdict v;
    struct matched m = { 0 };
    bool good = bundle_open(&b, whole->json, text, "response") && b.count == g->sent.count;
    good = good && match_entries(g, whole, &b, &m);
    if (!good) {
        verdict_unusable(whole, OPERATION_WRITE_BUNDLE, &v);
        tell_all(g, &v);
    }
    for (size_t i = 0; i < g->sent.count && good; i++)
        read_matched(g, whole, &m, i);
    free(m.entries);
    free(m.of_item);
    free(m.claimed);
    bundle_close(&b);
}

/* Tells the items that were not sent. */
static void tell_unwritable(struct reading *g) {
    static const struct verdict v = {
        .proof = IPTFHIR_REFUSED,
        .code = "invalid",
        .detail = "its type, ids or version are none of FHIR's, or it has no body or identifier"
    };
    for (size_t i = 0; i < g->order->count; i++) {
        if (!is_writable(&g->order->items[i]))
            tell(g, i, &v);
    }
}

/* Reads the answer to a bundle. */
static void read_bundle(struct reading *g, const struct iptfhir_http_response *response,
                        int64_t now) {
    struct answer whole;
    answer_open(&whole, response, now);
    if (answer_succeeded(&whole))
        read_good_bundle(g, &whole);
    else
        read_failed_bundle(g, &whole);
    answer_close(&whole);
}

/* Reads the answers to single writes. */
static void read_singles(struct reading *g, const struct iptfhir_http_response *answers,
                         size_t count, int64_t now) {
    for (size_t i = 0; i < count && i < g->sent.count; i++) {
        struct answer a;
        answer_open(&a, &answers[i], now);
        read_one(g, g->sent.list[i], &a);
        answer_close(&a);
    }
}

void write_answer(const struct iptfhir_order *order, const struct iptfhir_http_response *answers,
                  size_t count, int64_t now, struct iptfhir_evidence_sink *sink) {
    struct reading g = { .order = order, .sink = sink };
    if (!list_sent(&g.sent, order))
        return; /* without evidence what was sent counts as lost */
    tell_unwritable(&g);
    if (order->together == IPTFHIR_SINGLY)
        read_singles(&g, answers, count, now);
    else if (count > 0)
        read_bundle(&g, &answers[0], now);
    verdict_pause_tell(&g.pause, sink);
    free(g.sent.list);
}
