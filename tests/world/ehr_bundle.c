/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated EHR's batches and transactions: urn:uuid resolution, an answer for each entry, all
 * or nothing for a transaction. */
#include "tests/world/ehr_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const struct tree *node;
    const char *full_url;
    struct ehr_call call;
    char type[EHR_TYPE];
    char id[EHR_ID]; /* what a urn:uuid of it becomes, "" when nothing */
    struct iptfhir_http_response answer;
};

static void read_entry(const struct tree *node, struct arena *a, struct entry *x) {
    struct tree *request = tree_get(node, "request");
    const char *url = request != NULL ? tree_text(request, "url") : NULL;
    const char *method = request != NULL ? tree_text(request, "method") : NULL;
    *x = (struct entry) { .node = node, .full_url = tree_text(node, "fullUrl") };
    if (url == NULL || method == NULL)
        return;
    size_t cut = strcspn(url, "?");
    x->call = (struct ehr_call) { .method = method,
                                  .path = arena_printf(a, "%s%.*s", url[0] == '/' ? "" : "/",
                                                       (int)cut, url),
                                  .query = url[cut] == '?' ? url + cut + 1 : "",
                                  .if_match = tree_text(request, "ifMatch"),
                                  .if_none_match = tree_text(request, "ifNoneMatch"),
                                  .if_none_exist = tree_text(request, "ifNoneExist"),
                                  .body = tree_get(node, "resource") };
    const char *type = x->call.body != NULL ? tree_text(x->call.body, "resourceType") : NULL;
    (void)snprintf(x->type, sizeof x->type, "%s", type != NULL ? type : "");
}

/* Says which id an entry will have, so that the others can refer to it. */
static void settle_id(struct ehr *e, struct entry *x) {
    uint32_t hits[2];
    const struct ehr_call *c = &x->call;
    if (c->method == NULL || x->type[0] == '\0')
        return;
    if (strcmp(c->method, "PUT") == 0) {
        const char *slash = strrchr(c->path, '/');
        (void)snprintf(x->id, sizeof x->id, "%s", slash + 1);
        return;
    }
    if (strcmp(c->method, "POST") != 0)
        return;
    bool conditional = c->if_none_exist != NULL && e->knobs.conditional_create;
    if (conditional &&
        ehr_matches(e, x->type, c->if_none_exist, e->knobs.conditional_fresh, hits, 2) == 1) {
        (void)snprintf(x->id, sizeof x->id, "%s", e->list[hits[0]]->id);
        return;
    }
    ehr_new_id(e, x->id);
    x->call.given_id = x->id;
}

/* Replaces references to full URLs of the bundle. */
static void resolve(struct tree *node, const struct entry *entries, size_t count, struct arena *a) {
    if (node->kind != TREE_OBJECT && node->kind != TREE_ARRAY)
        return;
    struct tree *reference = node->kind == TREE_OBJECT ? tree_get(node, "reference") : NULL;
    for (size_t i = 0; reference != NULL && reference->kind == TREE_STRING && i < count; i++) {
        const struct entry *x = &entries[i];
        if (x->full_url == NULL || x->id[0] == '\0' || strcmp(x->full_url, reference->text) != 0)
            continue;
        char *text = arena_printf(a, "%s/%s", x->type, x->id);
        if (text == NULL || !ehr_set(a, node, "reference", tree_string(a, text, strlen(text))))
            abort();
        break;
    }
    for (struct tree *n = node->first; n != NULL; n = n->next)
        resolve(n, entries, count, a);
}

static void perform(struct ehr *e, struct entry *x, struct arena *a) {
    bool hangs = false;
    x->answer = (struct iptfhir_http_response) { .size = sizeof x->answer, .body = "" };
    if (x->call.method == NULL)
        ehr_outcome(a, &x->answer, 400, "structure", "entry without request");
    else
        ehr_single(e, &x->call, a, &x->answer, &hangs);
}

static void write_entry(const struct entry *x, struct str *out) {
    const struct iptfhir_http_response *r = &x->answer;
    bool failed = r->status >= 400;
    str_printf(out, "{\"response\":{\"status\":\"%d\"", r->status);
    if (r->etag != NULL) {
        str_puts(out, ",\"etag\":");
        str_json(out, r->etag, strlen(r->etag));
    }
    if (r->location != NULL)
        str_printf(out, ",\"location\":\"%s\"", r->location);
    if (failed) {
        str_puts(out, ",\"outcome\":");
        str_add(out, r->body, r->body_length);
    }
    str_puts(out, "}");
    if (!failed && r->body_length > 0) {
        str_puts(out, ",\"resource\":");
        str_add(out, r->body, r->body_length);
    }
    str_puts(out, "}");
}

static void write_answer(const struct entry *entries, size_t count, bool transaction,
                         struct arena *a, struct iptfhir_http_response *answer) {
    struct str out = { 0 };
    str_printf(&out, "{\"resourceType\":\"Bundle\",\"type\":\"%s-response\",\"entry\":[",
               transaction ? "transaction" : "batch");
    for (size_t i = 0; i < count; i++) {
        str_puts(&out, i > 0 ? "," : "");
        write_entry(&entries[i], &out);
    }
    str_puts(&out, "]}");
    answer->status = 200;
    answer->body = arena_strndup(a, out.data, out.length);
    answer->body_length = out.length;
    str_free(&out);
}

/* Performs all entries or none; false when one failed, whose answer is that of the whole. */
static bool transact(struct ehr *e, struct entry *entries, size_t count, struct arena *a,
                     struct iptfhir_http_response *answer) {
    bool good = true;
    struct ehr_knobs knobs = e->knobs;
    for (size_t i = 0; i < count; i++)
        settle_id(e, &entries[i]);
    for (size_t i = 0; i < count; i++)
        if (entries[i].call.body != NULL)
            resolve(entries[i].call.body, entries, count, a);
    e->knobs.checks_references = false; /* entries may refer to each other; checked below */
    ehr_transaction_begin(e);
    for (size_t i = 0; i < count && good; i++) {
        perform(e, &entries[i], a);
        good = entries[i].answer.status < 400;
        if (!good)
            *answer = entries[i].answer;
    }
    ehr_transaction_end(e, good);
    e->knobs = knobs;
    return good;
}

void ehr_bundle(struct ehr *e, const struct tree *bundle, size_t bytes, struct arena *a,
                struct iptfhir_http_response *answer) {
    const char *type = tree_text(bundle, "type");
    const struct tree *list = tree_get(bundle, "entry");
    size_t count = list != NULL && list->kind == TREE_ARRAY ? list->length : 0;
    bool transaction = type != NULL && strcmp(type, "transaction") == 0;
    bool batch = type != NULL && strcmp(type, "batch") == 0;
    bool offered = (transaction && e->knobs.bundles == EHR_TRANSACTION) ||
                   (batch && e->knobs.bundles != EHR_SINGLY);
    (void)bytes;
    if (!offered) {
        ehr_outcome(a, answer, 405, "not-supported", "no such bundles here");
        return;
    }
    if (e->knobs.most_entries != 0 && count > e->knobs.most_entries) {
        ehr_outcome(a, answer, 413, "too-costly", "too many entries");
        return;
    }
    struct entry *entries = arena_zalloc(a, (count + 1) * sizeof *entries);
    if (entries == NULL)
        abort();
    size_t n = 0;
    for (const struct tree *x = list != NULL ? list->first : NULL; x != NULL; x = x->next)
        read_entry(x, a, &entries[n++]);
    if (transaction) {
        if (transact(e, entries, count, a, answer))
            write_answer(entries, count, true, a, answer);
        return;
    }
    for (size_t i = 0; i < count; i++)
        perform(e, &entries[i], a);
    write_answer(entries, count, false, a, answer);
}
