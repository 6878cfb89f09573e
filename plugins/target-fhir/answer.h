/* SPDX-License-Identifier: Apache-2.0 */
/* One answer as the rest of the plugin sees it, whether it came to a call or stands as an entry in
 * the answer to a bundle: its status, its headers and what its body is. */
#ifndef TARGET_FHIR_ANSWER_H
#define TARGET_FHIR_ANSWER_H

#include "location.h"
#include "slices.h"

#include <iptfhir/target.h>
#include <jansson.h>

enum { ANSWER_WAIT_MOST_MS = 24 * 3600 * 1000 };
enum answer_body {
    ANSWER_EMPTY,    /* none, or blanks */
    ANSWER_RESOURCE, /* a JSON object with a resourceType that is no OperationOutcome */
    ANSWER_OUTCOME,  /* an OperationOutcome */
    ANSWER_JSON,     /* other JSON: a gateway's, OAuth's */
    ANSWER_HTML,
    ANSWER_BROKEN, /* JSON that was cut off or is broken */
    ANSWER_OTHER   /* anything else */
};
struct answer {
    iptfhir_http_outcome outcome;
    int status;
    enum answer_body body;
    const char *text; /* of the body or of the entry's resource; NULL: none */
    size_t length;
    const json_t *json;   /* the body, or the entry's resource; NULL: none */
    const json_t *issues; /* of its OperationOutcome; NULL: none */
    const char *etag, *location, *retry_after, *content_type;
    const char *error; /* the host's message when nothing came; NULL: none */
    int64_t came;      /* when it was made, in seconds since 1970: its Date, else our clock */
    json_t *owned;
};
/* Reads the answer to a call; `now` is our clock in seconds since 1970. It borrows from `response`.
 */
void answer_open(struct answer *a, const struct iptfhir_http_response *response, int64_t now);
/* Reads an entry of the answer `whole` to a bundle; `resource` is where its resource stands. */
void answer_open_entry(struct answer *a, const json_t *entry, struct slice resource,
                       const struct answer *whole);
void answer_close(struct answer *a);

/* Milliseconds that its Retry-After asks to wait (RFC 9110 10.2.3), at most a day; 0: it doesn't.
 */
int64_t answer_wait_ms(const struct answer *a);
/* True when it is a 2xx. */
bool answer_succeeded(const struct answer *a);
/* True when an issue says that something failed: severity error or fatal, or none. */
bool answer_issue_counts(const json_t *issue);
/* True when it carries an OperationOutcome with such an issue. */
bool answer_has_error(const struct answer *a);
/* The string at a member of an object; NULL: none. */
const char *json_text(const json_t *object, const char *member);
/* The resource type of the body; NULL: none. */
const char *answer_type(const struct answer *a);
#endif
