/* SPDX-License-Identifier: Apache-2.0 */
/* READ: an order's items by the server's ids. */
#include "read.h"

#include "bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tells whether an item can be read. */
static bool is_readable(const struct iptfhir_item *item) {
    bool named = item->server_id != NULL && id_valid(item->server_id, strlen(item->server_id));
    return named && type_valid(item->type);
}

bool read_begin(struct read *r, const struct iptfhir_order *order) {
    r->state = calloc(order->count + 1, 1);
    r->count = order->count;
    return r->state != NULL;
}

/* Lists the items of this round in the order of its requests: those that go together first. */
static size_t list_round(const struct read *r, const struct iptfhir_order *order, size_t *list,
                         size_t *batched) {
    size_t count = 0;
    for (size_t i = 0; r->bundled && i < order->count; i++) {
        if (r->state[i] == READ_OPEN && is_readable(&order->items[i]))
            list[count++] = i;
    }
    *batched = count;
    for (size_t i = 0; i < order->count; i++) {
        bool alone = r->state[i] == READ_ALONE || (r->state[i] == READ_OPEN && !r->bundled);
        if (alone && is_readable(&order->items[i]))
            list[count++] = i;
    }
    return count;
}

/* Writes the path of an item. */
static void write_path(struct request_writer *w, const struct iptfhir_item *item) {
    iptfhir_text_puts(&w->text, item->type);
    iptfhir_text_puts(&w->text, "/");
    iptfhir_text_puts(&w->text, item->server_id);
}

/* Writes some items as one batch. */
static void write_batch(struct request_writer *w, const struct iptfhir_order *order,
                        const size_t *list, size_t count) {
    bundle_begin(w, "batch");
    for (size_t i = 0; i < count; i++) {
        bundle_entry(w, i == 0);
        iptfhir_text_puts(&w->text, "{\"request\":{\"method\":\"GET\",\"url\":\"");
        write_path(w, &order->items[list[i]]);
        iptfhir_text_puts(&w->text, "\"}}");
    }
    bundle_send(w);
}

/* Writes one item as a request of its own. */
static void write_single(struct request_writer *w, const struct iptfhir_item *item) {
    request_begin(w, "GET");
    iptfhir_text_puts(&w->text, "/");
    write_path(w, item);
    request_header(w, "Accept: application/fhir+json");
    request_header(w, "Cache-Control: no-cache");
    request_send(w);
}

/* Returns how many of the rest go into the next request. */
static size_t together(size_t at, size_t batched) {
    if (at >= batched)
        return 1;
    size_t left = batched - at;
    return left < READS_IN_BATCH ? left : READS_IN_BATCH;
}

void read_ask(struct read *r, const struct iptfhir_order *order, struct request_writer *w) {
    size_t batched;
    size_t count;
    size_t at = 0;
    size_t *list = calloc(order->count + 1, sizeof *list);
    if (list == NULL) {
        w->failed = true;
        return;
    }
    r->bundled = r->batch;
    count = list_round(r, order, list, &batched);
    if (batched == 1) {
        r->bundled = false;
        count = list_round(r, order, list, &batched);
    }
    while (at < count) {
        size_t n = together(at, batched);
        if (at < batched)
            write_batch(w, order, list + at, n);
        else
            write_single(w, &order->items[list[at]]);
        at += n;
    }
    free(list);
}

/* What reading one round needs. */
struct reading {
    struct read *r;
    const struct iptfhir_order *order;
    struct iptfhir_evidence_sink *sink;
    struct verdict_pause pause;
};

/* Ends an item by a verdict. */
static void tell(struct reading *g, size_t index, const struct verdict *v) {
    g->r->state[index] = READ_TOLD;
    verdict_pause_note(&g->pause, v);
    verdict_tell(v, g->sink, index);
}

/* Ends an item with what the server holds. The resource's own version comes before the ETag, which
 * gateways make anew. */
static void tell_found(struct reading *g, size_t index, const struct answer *a) {
    char from_etag[VERSION_SIZE];
    const char *version = json_text(json_object_get(a->json, "meta"), "versionId");
    bool has_own = version != NULL && version_valid(version, strlen(version));
    if (!has_own)
        version = a->etag != NULL && etag_read(a->etag, from_etag) ? from_etag : NULL;
    struct iptfhir_evidence evidence = { .size = sizeof evidence,
                                         .proof = IPTFHIR_FOUND,
                                         .server_id = g->order->items[index].server_id,
                                         .version = version,
                                         .body = a->text,
                                         .body_length = a->length };
    g->r->state[index] = READ_TOLD;
    g->sink->item(g->sink, index, &evidence);
}

/* Ends an item by the answer to its read. */
static void read_one(struct reading *g, size_t index, const struct answer *a) {
    const struct iptfhir_item *item = &g->order->items[index];
    struct verdict v;
    if (!answer_succeeded(a)) {
        verdict_of(a, OPERATION_READ, &v);
        tell(g, index, &v);
        return;
    }
    const char *type = answer_type(a);
    const char *id = json_text(a->json, "id");
    bool is_it = type != NULL && id != NULL && strcmp(type, item->type) == 0 &&
                 strcmp(id, item->server_id) == 0;
    if (is_it && a->text != NULL) {
        tell_found(g, index, a);
        return;
    }
    verdict_unusable(a, OPERATION_READ, &v);
    if (a->body == ANSWER_RESOURCE) {
        /* a server that answers with another resource is not the one that was written to */
        v.proof = IPTFHIR_NOT_DONE;
        v.pause = "target-answer";
        v.person = true;
    }
    tell(g, index, &v);
}

/* Ends or reopens some items by the answer to their batch. */
static void read_batch(struct reading *g, const struct answer *whole, const size_t *list,
                       size_t count) {
    struct bundle b = { 0 };
    struct verdict v = { .proof = IPTFHIR_NOT_TOGETHER };
    struct slice text = { whole->text, whole->length };
    bool good = answer_succeeded(whole) && bundle_open(&b, whole->json, text, "response") &&
                b.count == count;
    if (!answer_succeeded(whole))
        verdict_of(whole, OPERATION_READ_BUNDLE, &v);
    bool singly = v.proof == IPTFHIR_NOT_TOGETHER || v.proof == IPTFHIR_FAILED;
    for (size_t i = 0; i < count; i++) {
        struct answer one;
        if (!good && !singly) {
            tell(g, list[i], &v);
            continue;
        }
        g->r->state[list[i]] = READ_ALONE;
        if (!good)
            continue;
        answer_open_entry(&one, json_array_get(b.entries, i), b.slices.list[i], whole);
        if (one.status >= 100)
            read_one(g, list[i], &one);
        answer_close(&one);
    }
    if (!good && singly)
        g->r->batch = false;
    bundle_close(&b);
}

/* Ends what is left; false when another round is needed for it. */
static bool tell_rest(struct reading *g) {
    bool last = g->pause.wanted || g->order->round + 1 >= IPTFHIR_ROUNDS_MOST;
    for (size_t i = 0; i < g->order->count; i++) {
        bool readable = is_readable(&g->order->items[i]);
        if (g->r->state[i] == READ_TOLD)
            continue;
        if (readable && !last)
            return false;
        struct verdict v = { .proof = IPTFHIR_NOT_DONE, .detail = "the target waits" };
        if (!readable)
            v = (struct verdict) { .proof = IPTFHIR_REFUSED,
                                   .code = "invalid",
                                   .detail = "its type or its id at the target is none of FHIR's" };
        tell(g, i, &v);
    }
    return true;
}

iptfhir_answered read_answer(struct read *r, const struct iptfhir_order *order,
                             const struct iptfhir_http_response *answers, size_t count, int64_t now,
                             struct iptfhir_evidence_sink *sink) {
    struct reading g = { .r = r, .order = order, .sink = sink };
    size_t batched = 0;
    size_t listed = 0;
    size_t at = 0;
    size_t *list = calloc(order->count + 1, sizeof *list);
    if (list == NULL)
        return IPTFHIR_ANSWERED; /* without evidence each counts as not done */
    listed = list_round(r, order, list, &batched);
    for (size_t i = 0; i < count && at < listed; i++) {
        struct answer a;
        size_t n = together(at, batched);
        answer_open(&a, &answers[i], now);
        if (at < batched)
            read_batch(&g, &a, list + at, n);
        else
            read_one(&g, list[at], &a);
        at += n;
        answer_close(&a);
    }
    free(list);
    bool ended = tell_rest(&g);
    verdict_pause_tell(&g.pause, sink);
    return ended ? IPTFHIR_ANSWERED : IPTFHIR_AGAIN;
}

void read_free(struct read *r) {
    free(r->state);
    r->state = NULL;
}
