/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one request after the other into one text, and handing each to the host. */
#ifndef TARGET_FHIR_REQUEST_H
#define TARGET_FHIR_REQUEST_H

#include "text.h"

#include <iptfhir/target.h>

enum { REQUEST_HEADERS = 6 }; /* headers of one request, at most */

/* The writer of an order's requests; zeroed but for `sink`. */
struct request_writer {
    struct iptfhir_request_sink *sink;
    struct iptfhir_text text;
    const char *method;
    size_t header[REQUEST_HEADERS], headers, body;
    bool has_body, failed;
};
/* Begins a request; then write its path into w->text. `method` must outlive the request. */
void request_begin(struct request_writer *w, const char *method);
/* Adds a header line; a literal. */
void request_header(struct request_writer *w, const char *line);
/* Begins a header line whose rest is then written into w->text. */
void request_header_begin(struct request_writer *w, const char *name);
/* Begins the body; then write it into w->text. */
void request_body(struct request_writer *w);
/* Hands the request over. When memory ran out, it sets `failed` and hands over nothing more. */
void request_send(struct request_writer *w);
#endif
