/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, and the few things that are written into one: URL-encoded values and JSON
 * strings. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_reserve(struct text *t, size_t more) {
    if (t->failed)
        return false;
    if (t->capacity - t->length > more)
        return true;
    size_t capacity = t->capacity < 1024 ? 1024 : t->capacity;
    while (capacity - t->length <= more)
        capacity *= 2;
    char *data = realloc(t->data, capacity);
    if (data == NULL) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->capacity = capacity;
    return true;
}

void text_add(struct text *t, const char *bytes, size_t length) {
    if (!text_reserve(t, length))
        return;
    if (length > 0)
        memcpy(t->data + t->length, bytes, length);
    t->length += length;
    t->data[t->length] = '\0';
}

void text_puts(struct text *t, const char *string) {
    text_add(t, string, strlen(string));
}

void text_end(struct text *t) {
    text_add(t, "", 1);
}

/* Adds one byte, percent-encoded unless it may stand as it is. */
static void add_encoded(struct text *t, char c, bool strict) {
    static const char digits[] = "0123456789ABCDEF";
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 (c != '\0' && strchr("-._~", c) != NULL) ||
                 (!strict && c != '\0' && strchr(":/|", c) != NULL);
    if (plain) {
        text_add(t, &c, 1);
        return;
    }
    char code[3] = { '%', digits[((unsigned char)c) >> 4], digits[((unsigned char)c) & 15] };
    text_add(t, code, 3);
}

/* Adds one side of a token. */
static void add_side(struct text *t, const char *side, bool strict) {
    for (const char *p = side; *p != '\0'; p++) {
        if (strchr("\\,$|", *p) != NULL)
            add_encoded(t, '\\', strict);
        add_encoded(t, *p, strict);
    }
}

void text_token(struct text *t, const char *system, const char *value, bool strict) {
    add_side(t, system != NULL ? system : "", strict);
    add_encoded(t, '|', strict);
    add_side(t, value, strict);
}

void text_json(struct text *t, const char *string) {
    text_add(t, "\"", 1);
    for (const char *p = string; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        char code[8];
        if (c == '"' || c == '\\') {
            text_add(t, "\\", 1);
            text_add(t, p, 1);
        } else if (c < 0x20) {
            (void)snprintf(code, sizeof code, "\\u%04x", c);
            text_add(t, code, 6);
        } else {
            text_add(t, p, 1);
        }
    }
    text_add(t, "\"", 1);
}

void text_clear(struct text *t) {
    t->length = 0;
    t->failed = false;
    if (t->capacity > 0)
        t->data[0] = '\0';
}

void text_free(struct text *t) {
    free(t->data);
    *t = (struct text) { NULL, 0, 0, false };
}
