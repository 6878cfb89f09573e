/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, and the few things that are written into one: URL-encoded values and JSON
 * strings. */
#ifndef TARGET_FHIR_TEXT_H
#define TARGET_FHIR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* NUL-terminated once anything was added; a failed allocation sets `failed`, after which every call
 * does nothing. */
struct text {
    char *data;
    size_t length, capacity;
    bool failed;
};

bool text_reserve(struct text *t, size_t more);
void text_add(struct text *t, const char *bytes, size_t length);
void text_puts(struct text *t, const char *string);
/* Ends a string inside the text, so that another can follow. */
void text_end(struct text *t);
/* A FHIR token "system|value" as a search value: FHIR's own escapes (\ , $ |), then
 * percent-encoding. `strict` encodes everything but unreserved characters (query, form); otherwise
 * what a header line can carry stays readable. */
void text_token(struct text *t, const char *system, const char *value, bool strict);
/* A JSON string with its quotes. */
void text_json(struct text *t, const char *string);
void text_clear(struct text *t);
void text_free(struct text *t);
#endif
