/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one request after the other into one text, and handing each to the host. */
#include "request.h"

#include <string.h>

void request_begin(struct request_writer *w, const char *method) {
    iptfhir_text_clear(&w->text);
    w->method = method;
    w->headers = 0;
    w->has_body = false;
}

void request_header_begin(struct request_writer *w, const char *name) {
    text_end(&w->text);
    if (w->headers == REQUEST_HEADERS) {
        w->failed = true;
        return;
    }
    w->header[w->headers++] = w->text.length;
    iptfhir_text_puts(&w->text, name);
}

void request_header(struct request_writer *w, const char *line) {
    request_header_begin(w, line);
}

void request_body(struct request_writer *w) {
    text_end(&w->text);
    w->body = w->text.length;
    w->has_body = true;
}

void request_send(struct request_writer *w) {
    const char *lines[REQUEST_HEADERS + 1] = { NULL };
    size_t end = w->text.length;
    text_end(&w->text);
    w->failed |= w->text.failed;
    if (w->failed)
        return;
    for (size_t i = 0; i < w->headers; i++)
        lines[i] = w->text.data + w->header[i];
    struct iptfhir_http_request request = {
        .size = sizeof request, .method = w->method, .path = w->text.data, .headers = lines
    };
    if (w->has_body) {
        request.body = w->text.data + w->body;
        request.body_length = end - w->body;
    }
    w->sink->request(w->sink, &request);
}
