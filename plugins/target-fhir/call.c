/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of one round: written into one text, then performed together; memory is kept for the
 * next round. */
#include "fhir.h"

#include <stdlib.h>
#include <string.h>

void call_clear(struct call *c) {
    text_clear(&c->text);
    c->count = 0;
}

/* Makes room for one request more. */
static bool grow(struct call *c) {
    size_t capacity = c->capacity == 0 ? 16 : c->capacity * 2;
    struct call_mark *marks = realloc(c->marks, capacity * sizeof *marks);
    if (marks != NULL)
        c->marks = marks;
    struct iptfhir_http_request *requests = realloc(c->requests, capacity * sizeof *requests);
    if (requests != NULL)
        c->requests = requests;
    struct iptfhir_http_response *responses = realloc(c->responses, capacity * sizeof *responses);
    if (responses != NULL)
        c->responses = responses;
    const char *(*list)[HEADERS + 1] = realloc(c->header_list, capacity * sizeof *list);
    if (list != NULL)
        c->header_list = list;
    if (marks == NULL || requests == NULL || responses == NULL || list == NULL)
        return false;
    c->capacity = capacity;
    return true;
}

bool call_begin(struct call *c, const char *method) {
    if (c->count == c->capacity && !grow(c)) {
        c->text.failed = true;
        return false;
    }
    struct call_mark *m = &c->marks[c->count];
    m->method = method;
    m->path = c->text.length;
    m->headers = 0;
    m->has_body = false;
    return true;
}

void call_header(struct call *c) {
    struct call_mark *m = &c->marks[c->count];
    text_end(&c->text);
    if (m->headers < HEADERS)
        m->header[m->headers++] = c->text.length;
}

void call_body(struct call *c) {
    struct call_mark *m = &c->marks[c->count];
    text_end(&c->text);
    m->body = c->text.length;
    m->has_body = true;
}

void call_finish(struct call *c) {
    struct call_mark *m = &c->marks[c->count];
    if (m->has_body)
        m->body_length = c->text.length - m->body;
    text_end(&c->text);
    c->count++;
}

/* Points the requests into the text, which does not move any more. */
static void point(struct call *c) {
    const char *text = c->text.data;
    for (size_t i = 0; i < c->count; i++) {
        const struct call_mark *m = &c->marks[i];
        for (size_t k = 0; k < m->headers; k++)
            c->header_list[i][k] = text + m->header[k];
        c->header_list[i][m->headers] = NULL;
        c->requests[i] = (struct iptfhir_http_request) { .size = sizeof *c->requests,
                                                         .method = m->method,
                                                         .path = text + m->path,
                                                         .headers = c->header_list[i] };
        if (m->has_body) {
            c->requests[i].body = text + m->body;
            c->requests[i].body_length = m->body_length;
        }
        c->responses[i] = (struct iptfhir_http_response) { .size = sizeof *c->responses,
                                                           .outcome = IPTFHIR_HTTP_NOT_SENT };
    }
}

bool call_perform(struct delivery *d, struct call *c) {
    if (c->count == 0)
        return true;
    if (c->text.failed) {
        stop_target(d, "target-memory", "memory ran out while requests were written");
        return false;
    }
    point(c);
    if (d->t->host->http(d->t->http, c->requests, c->count, c->responses, d->error) == IPTFHIR_OK)
        return true;
    stop_target(d, "target-http", "the requests could not be sent");
    return false;
}

struct answer call_answer(const struct call *c, size_t index) {
    const struct iptfhir_http_response *r = &c->responses[index];
    return (struct answer) { .outcome = r->outcome,
                             .status = r->status,
                             .body = r->body != NULL ? r->body : "",
                             .body_length = r->body_length,
                             .truncated = r->truncated,
                             .etag = r->etag,
                             .location = r->location,
                             .retry_after = r->retry_after,
                             .error = r->error };
}

void call_free(struct call *c) {
    text_free(&c->text);
    free(c->marks);
    free(c->requests);
    free(c->responses);
    free(c->header_list);
    *c = (struct call) { 0 };
}
