/* SPDX-License-Identifier: Apache-2.0 */
/* The searches of one order, over as many rounds as they need. */
#include "searches.h"

#include "bundle.h"
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What reading one round needs beside the searches. */
struct reading {
    struct searches *s;
    int round;
    int64_t now;
    searches_match *match;
    void *user;
    struct verdict_pause *pause;
    bool get_worked, post_failed;
};

long searches_add(struct searches *s, const char *type, const char *form) {
    if (s->count == s->capacity) {
        size_t capacity = s->capacity == 0 ? 8 : s->capacity * 2;
        struct search *list = realloc(s->list, capacity * sizeof *list);
        if (list == NULL)
            return -1;
        s->list = list;
        s->capacity = capacity;
    }
    struct search *one = &s->list[s->count];
    memset(one, 0, sizeof *one);
    one->total = -1;
    one->type = strdup(type);
    one->form = strdup(form);
    if (one->type != NULL && one->form != NULL)
        return (long)s->count++;
    free(one->type);
    free(one->form);
    return -1;
}

/* Tells whether a search goes into a batch in this round. */
static bool in_batch(const struct searches *s, const struct search *one) {
    return s->bundled && !one->alone && one->page == NULL;
}

/* Decides whether this round has batches: two searches at least would go into them. */
static void choose_way(struct searches *s) {
    size_t together = 0;
    s->bundled = s->batch;
    for (size_t i = 0; i < s->count; i++) {
        const struct search *one = &s->list[i];
        if (one->state == SEARCH_OPEN && in_batch(s, one))
            together++;
    }
    s->bundled = s->batch && together > 1;
}

/* Finds the next open search from an index on; count when there is none. */
static size_t next_open(const struct searches *s, size_t from, bool batched) {
    while (from < s->count) {
        const struct search *one = &s->list[from];
        if (one->state == SEARCH_OPEN && in_batch(s, one) == batched)
            return from;
        from++;
    }
    return from;
}

/* Writes a search as a request of its own. */
static void write_single(const struct searches *s, const struct search *one,
                         struct request_writer *w) {
    bool post = one->page == NULL && !s->by_get;
    request_begin(w, post ? "POST" : "GET");
    if (one->page != NULL) {
        iptfhir_text_puts(&w->text, one->page);
    } else {
        iptfhir_text_puts(&w->text, "/");
        iptfhir_text_puts(&w->text, one->type);
        iptfhir_text_puts(&w->text, post ? "/_search" : "?");
        if (!post)
            iptfhir_text_puts(&w->text, one->form);
    }
    request_header(w, "Accept: application/fhir+json");
    request_header(w, "Cache-Control: no-cache");
    if (post) {
        request_header(w, "Content-Type: application/x-www-form-urlencoded");
        request_body(w);
        iptfhir_text_puts(&w->text, one->form);
    }
    request_send(w);
}

/* Writes the searches that go together, as many batches as they need. */
static void write_batches(const struct searches *s, struct request_writer *w) {
    size_t at = next_open(s, 0, true);
    while (at < s->count) {
        bundle_begin(w, "batch");
        for (size_t n = 0; n < SEARCHES_IN_BATCH && at < s->count; n++) {
            const struct search *one = &s->list[at];
            bundle_entry(w, n == 0);
            iptfhir_text_puts(&w->text, "{\"request\":{\"method\":\"GET\",\"url\":\"");
            iptfhir_text_puts(&w->text, one->type);
            iptfhir_text_puts(&w->text, "?");
            iptfhir_text_puts(&w->text, one->form);
            iptfhir_text_puts(&w->text, "\"}}");
            at = next_open(s, at + 1, true);
        }
        bundle_send(w);
    }
}

void searches_ask(struct searches *s, struct request_writer *w) {
    choose_way(s);
    if (s->bundled)
        write_batches(s, w);
    for (size_t i = next_open(s, 0, false); i < s->count; i = next_open(s, i + 1, false))
        write_single(s, &s->list[i], w);
}

/* Ends a search without a result. */
static void fail(struct reading *r, struct search *one, const struct verdict *v) {
    one->state = SEARCH_FAILED;
    one->verdict = *v;
    verdict_pause_note(r->pause, v);
}

/* Ends a search for a reason of its own. */
static void fail_because(struct reading *r, struct search *one, iptfhir_proof proof,
                         const char *code, const char *detail) {
    struct verdict v = { .proof = proof, .code = code };
    (void)snprintf(v.detail, sizeof v.detail, "%s", detail);
    fail(r, one, &v);
}

/* Tells whether an answer refuses the way of asking, rather than the search. */
static bool refuses_way(const struct answer *a) {
    if (a->outcome != IPTFHIR_HTTP_ANSWERED)
        return false;
    if (a->status == 401 || a->status == 403 || a->status == 429)
        return false;
    return a->status == 501 || (a->status >= 400 && a->status < 500);
}

/* Tells whether issues say that a search failed, or that it didn't look everywhere, however
 * lightly they say it: then that something isn't found proves nothing. */
static bool says_partial(const json_t *issues) {
    static const char *const codes[] = { "incomplete", "timeout",  "throttled", "transient",
                                         "lock-error", "no-store", "exception", "too-costly" };
    const struct answer outcome = { .issues = issues };
    if (answer_has_error(&outcome))
        return true;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (verdict_has_issue(issues, codes[i]))
            return true;
    }
    return false;
}

/* Ends a search by issues that say that it is not to be relied on; false when they don't. */
static bool fail_by_issues(struct reading *r, struct search *one, const json_t *issues) {
    const struct answer outcome = { .outcome = IPTFHIR_HTTP_ANSWERED,
                                    .status = 200,
                                    .issues = issues };
    struct verdict v;
    if (!says_partial(issues))
        return false;
    verdict_unusable(&outcome, OPERATION_SEARCH, &v);
    fail(r, one, &v);
    return true;
}

/* Takes one entry of a searchset; false when the server says there that the search went wrong. */
static bool take_entry(struct reading *r, size_t index, const json_t *entry, struct slice text) {
    struct search *one = &r->s->list[index];
    const json_t *resource = json_object_get(entry, "resource");
    const char *mode = json_text(json_object_get(entry, "search"), "mode");
    const char *type = json_text(resource, "resourceType");
    const char *id = json_text(resource, "id");
    char number[24];
    if (type != NULL && strcmp(type, "OperationOutcome") == 0)
        return !fail_by_issues(r, one, json_object_get(resource, "issue"));
    bool is_match = mode == NULL || strcmp(mode, "match") == 0;
    if (!is_match || type == NULL || strcmp(type, one->type) != 0)
        return true;
    if (id == NULL || !id_valid(id, strlen(id)))
        return true;
    (void)snprintf(number, sizeof number, "%zu", index);
    const struct name_parts name = { number, id, NULL };
    if (names_add(&r->s->seen, name, 1) != NAMES_NONE)
        return true; /* a page may repeat what another had */
    one->seen++;
    r->match(r->user, index, resource, text);
    return true;
}

/* Goes on to the next page of a search, or ends it. */
static void turn_page(struct reading *r, struct search *one, const json_t *bundle) {
    const char *next = link_next(bundle);
    const json_t *total = json_object_get(bundle, "total");
    if (json_is_integer(total))
        one->total = json_integer_value(total);
    free(one->page);
    one->page = NULL;
    if (next == NULL && one->total > (int64_t)one->seen) {
        fail_because(r, one, IPTFHIR_REFUSED, "target-answer",
                     "the search counts more matches than it shows, and has no next page");
    } else if (next == NULL) {
        one->state = SEARCH_COMPLETE;
    } else if (r->round + 1 >= IPTFHIR_ROUNDS_MOST) {
        fail_because(r, one, IPTFHIR_REFUSED, "capability",
                     "the search has more pages than are looked through");
    } else {
        one->page = link_path(r->s->base_url, next);
        if (one->page == NULL)
            fail_because(r, one, IPTFHIR_REFUSED, "target-answer",
                         "the next page of the search is not below the target's address");
    }
}

/* Reads a page of a search. */
static void read_page(struct reading *r, size_t index, const struct answer *a) {
    struct search *one = &r->s->list[index];
    struct bundle b;
    struct verdict v;
    struct slice text = { a->text, a->length };
    const json_t *own = json_object_get(json_object_get(a->json, "issues"), "issue"); /* R5's */
    bool partial = fail_by_issues(r, one, own) || fail_by_issues(r, one, a->issues);
    bool good = bundle_open(&b, a->json, text, "searchset") && !partial;
    for (size_t i = 0; good && i < b.count; i++)
        good = take_entry(r, index, json_array_get(b.entries, i), b.slices.list[i]);
    bundle_close(&b);
    if (good) {
        turn_page(r, one, a->json);
    } else if (one->state != SEARCH_FAILED) {
        verdict_unusable(a, OPERATION_SEARCH, &v);
        fail(r, one, &v);
    }
}

/* Moves a search on by the answer to it. */
static void read_single(struct reading *r, size_t index, const struct answer *a) {
    struct search *one = &r->s->list[index];
    struct verdict v;
    if (answer_succeeded(a)) {
        r->get_worked = r->get_worked || (r->s->by_get && one->page == NULL);
        read_page(r, index, a);
        return;
    }
    bool posted = one->page == NULL && !r->s->by_get;
    if (posted && refuses_way(a)) {
        r->post_failed = true; /* it stays open, for GET */
        return;
    }
    verdict_of(a, OPERATION_SEARCH, &v);
    fail(r, one, &v);
}

/* Moves a search on by its entry in the answer to a batch. */
static void read_entry(struct reading *r, size_t index, const struct answer *a) {
    struct search *one = &r->s->list[index];
    struct verdict v;
    if (answer_succeeded(a)) {
        read_page(r, index, a);
    } else if (refuses_way(a) || a->status == 0) {
        one->alone = true;
    } else {
        verdict_of(a, OPERATION_SEARCH, &v);
        fail(r, one, &v);
    }
}

/* Reads the answer to a batch of searches. */
static void read_batch(struct reading *r, const struct answer *whole, const size_t *indices,
                       size_t count) {
    struct searches *s = r->s;
    struct bundle b = { 0 };
    struct verdict v;
    struct slice text = { whole->text, whole->length };
    bool good = answer_succeeded(whole) && bundle_open(&b, whole->json, text, "response") &&
                b.count == count;
    if (!answer_succeeded(whole))
        verdict_of(whole, OPERATION_READ_BUNDLE, &v);
    bool singly =
        answer_succeeded(whole) || v.proof == IPTFHIR_NOT_TOGETHER || v.proof == IPTFHIR_FAILED;
    for (size_t i = 0; i < count; i++) {
        struct answer one;
        if (good) {
            answer_open_entry(&one, json_array_get(b.entries, i), b.slices.list[i], whole);
            read_entry(r, indices[i], &one);
            answer_close(&one);
        } else if (singly) {
            s->list[indices[i]].alone = true;
        } else {
            fail(r, &s->list[indices[i]], &v);
        }
    }
    if (!good && singly)
        s->batch = false;
    bundle_close(&b);
}

/* Fails what is still open, because the target as a whole waits. */
static bool stop_open(struct reading *r) {
    struct searches *s = r->s;
    bool open = false;
    for (size_t i = 0; i < s->count; i++) {
        struct search *one = &s->list[i];
        if (one->state != SEARCH_OPEN)
            continue;
        if (r->pause->wanted)
            fail_because(r, one, IPTFHIR_NOT_DONE, NULL, "the target waits");
        else
            open = true;
    }
    return open;
}

/* Lists the searches of this round in the order of the requests. The list is made before anything
 * is read, since reading changes which are open. */
static size_t list_round(const struct searches *s, size_t *list, size_t *batched) {
    size_t count = 0;
    if (s->bundled) {
        for (size_t i = next_open(s, 0, true); i < s->count; i = next_open(s, i + 1, true))
            list[count++] = i;
    }
    *batched = count;
    for (size_t i = next_open(s, 0, false); i < s->count; i = next_open(s, i + 1, false))
        list[count++] = i;
    return count;
}

/* Reads the answers of a round. */
static void read_round(struct reading *r, const struct iptfhir_http_response *answers, size_t count,
                       const size_t *list, size_t listed, size_t batched) {
    size_t at = 0;
    for (size_t i = 0; i < count && at < listed; i++) {
        struct answer a;
        size_t together = 1;
        answer_open(&a, &answers[i], r->now);
        if (at < batched) {
            size_t left = batched - at;
            together = left < SEARCHES_IN_BATCH ? left : SEARCHES_IN_BATCH;
            read_batch(r, &a, list + at, together);
        } else {
            read_single(r, list[at], &a);
        }
        at += together;
        answer_close(&a);
    }
}

iptfhir_answered searches_answer(struct searches *s, int round,
                                 const struct iptfhir_http_response *answers, size_t count,
                                 int64_t now, searches_match *match, void *user,
                                 struct verdict_pause *pause) {
    struct reading r = {
        .s = s, .round = round, .now = now, .match = match, .user = user, .pause = pause
    };
    size_t batched = 0;
    size_t listed = 0;
    size_t *list = calloc(s->count + 1, sizeof *list);
    if (list != NULL)
        listed = list_round(s, list, &batched);
    read_round(&r, answers, count, list, listed, batched);
    free(list);
    if (r.get_worked)
        s->post_refused = true;
    s->by_get |= r.post_failed;
    bool open = stop_open(&r);
    bool last = round + 1 >= IPTFHIR_ROUNDS_MOST || list == NULL;
    for (size_t i = 0; open && last && i < s->count; i++) {
        if (s->list[i].state == SEARCH_OPEN)
            fail_because(&r, &s->list[i], IPTFHIR_NOT_DONE, NULL, "it was not asked to the end");
    }
    return open && !last ? IPTFHIR_AGAIN : IPTFHIR_ANSWERED;
}

void searches_free(struct searches *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->list[i].type);
        free(s->list[i].form);
        free(s->list[i].page);
    }
    free(s->list);
    names_free(&s->seen);
    *s = (struct searches) { 0 };
}
