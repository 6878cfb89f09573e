/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text, and the URL-encoded values that are written into one. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for more bytes and a NUL. */
static bool text_reserve(struct text *t, size_t more) {
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

/* Tells whether a byte stands as it is. */
static bool is_plain(char c, bool strict) {
    static const char unreserved[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    if (c == '\0')
        return false;
    if (strchr(unreserved, c) != NULL)
        return true;
    return !strict && strchr(":/|", c) != NULL;
}

/* Adds one byte, percent-encoded unless it may stand as it is. */
static void add_encoded(struct text *t, char c, bool strict) {
    static const char digits[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;
    char code[3] = { '%', digits[byte >> 4], digits[byte & 15] };
    if (is_plain(c, strict))
        text_add(t, &c, 1);
    else
        text_add(t, code, sizeof code);
}

/* Adds one side of a token. */
static void add_side(struct text *t, const char *side, bool strict) {
    for (const char *p = side; *p != '\0'; p++) {
        bool escaped = strchr("\\,$|", *p) != NULL;
        if (escaped)
            add_encoded(t, '\\', strict);
        add_encoded(t, *p, strict);
    }
}

void text_token(struct text *t, const char *system, const char *value, bool strict) {
    add_side(t, system != NULL ? system : "", strict);
    add_encoded(t, '|', strict);
    add_side(t, value, strict);
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
