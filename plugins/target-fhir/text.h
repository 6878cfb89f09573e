/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, and the URL-encoded values that are written into one. */
#ifndef TARGET_FHIR_TEXT_H
#define TARGET_FHIR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* NUL-terminated once anything was added; a failed allocation sets `failed`, after which every call
 * does nothing. Zeroed memory is an empty text. */
struct text {
    char *data;
    size_t length, capacity;
    bool failed;
};

void text_add(struct text *t, const char *bytes, size_t length);
void text_puts(struct text *t, const char *string);
/* Ends a string inside the text, so that another can follow. */
void text_end(struct text *t);
/* A FHIR token "system|value" as a search value: FHIR's own escapes (\ , $ |), then
 * percent-encoding. `strict` encodes everything but unreserved characters (query, form); otherwise
 * what a header line can carry stays readable. What comes out needs no JSON escape. */
void text_token(struct text *t, const char *system, const char *value, bool strict);
/* Empties it and keeps its memory. */
void text_clear(struct text *t);
void text_free(struct text *t);
#endif
