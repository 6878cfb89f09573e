/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Makes room; false when memory is out. */
static bool room(struct text *t, size_t more) {
    if (t->failed)
        return false;
    if (more <= t->capacity - t->length)
        return true;
    size_t capacity = t->capacity ? t->capacity * 2 : 1024;
    while (capacity - t->length < more)
        capacity *= 2;
    char *data = realloc(t->data, capacity);
    if (!data) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->capacity = capacity;
    return true;
}

/* Appends bytes. */
void text_add(struct text *t, const char *bytes, size_t length) {
    if (length == 0 || !room(t, length))
        return;
    memcpy(t->data + t->length, bytes, length);
    t->length += length;
}

/* Appends one byte. */
void text_put(struct text *t, char c) {
    if (room(t, 1))
        t->data[t->length++] = c;
}

/* The length of the UTF-8 sequence (RFC 3629) at p, 0 when it is none. */
static size_t sequence(const unsigned char *p, size_t left) {
    size_t n = p[0] < 0x80                    ? 1
               : p[0] >= 0xC2 && p[0] <= 0xDF ? 2
               : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
               : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                              : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    bool wrong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
                 (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F);
    return wrong ? 0 : n;
}

/* Appends the inside of a JSON string. */
bool text_json(struct text *t, const char *bytes, size_t length) {
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0, run = 0; i <= length;) {
        bool plain = i < length && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\';
        size_t n = plain ? sequence(p + i, length - i) : 1;
        if (n == 0)
            return false;
        if (plain) {
            i += n;
            continue;
        }
        text_add(t, bytes + run, i - run);
        if (i == length)
            break;
        if (p[i] == 0)
            return false;
        const char escape[6] = {
            '\\', p[i] >= 0x20 ? (char)p[i] : 'u', '0', '0', hex[p[i] >> 4], hex[p[i] & 15]
        };
        text_add(t, escape, p[i] >= 0x20 ? 2 : 6);
        run = ++i;
    }
    return true;
}

/* Frees the bytes. */
void text_free(struct text *t) {
    free(t->data);
    *t = (struct text) { 0 };
}
