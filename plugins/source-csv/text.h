/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer that JSON text is written into. */
#ifndef SOURCE_CSV_TEXT_H
#define SOURCE_CSV_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A failed allocation sets `failed`, after which every call is a no-op: check once. */
struct text {
    char *data;
    size_t length, capacity;
    bool failed;
};

void text_add(struct text *t, const char *bytes, size_t length);
void text_put(struct text *t, char c);
/* Appends bytes as the inside of a JSON string; false when they are not UTF-8. */
bool text_json(struct text *t, const char *bytes, size_t length);
void text_free(struct text *t);
#endif
