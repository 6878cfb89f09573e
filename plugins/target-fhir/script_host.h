/* SPDX-License-Identifier: Apache-2.0 */
/* A host for tests whose server answers from a script: each request must be the next line of it. */
#ifndef TARGET_FHIR_SCRIPT_HOST_H
#define TARGET_FHIR_SCRIPT_HOST_H

#include <iptfhir/plugin.h>

/* One line: the request that must come ("POST /Goal"; a prefix of the path) and its answer. */
struct line {
    const char *request;
    int status; /* 0: LOST without status; -1: NOT_SENT */
    const char *body, *etag, *location, *retry_after;
};
extern const struct iptfhir_host script_host;
extern struct iptfhir_error script_error;
/* What came: method, path, headers and body of each request, "\n" between. */
extern char script_sent[64][8192];
extern size_t script_count;
/* What host->merge says: NULL: the sides overlap at "/status". */
extern const char *script_merge;
/* Sets the script (ends with a NULL request) and forgets what came. */
void script_set(const struct line *lines);
/* Fails the test unless the script was used up. */
void script_done(void);
#endif
