/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer. */
#include "core/base/str.h"

#include "core/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Grows to the next power of two that holds what is asked. */
bool str_reserve(struct str *s, size_t more) {
    if (s->failed)
        return false;
    if (more > SIZE_MAX / 4 || s->length > SIZE_MAX / 4) {
        s->failed = true;
        return false;
    }
    size_t need = s->length + more + 1;
    if (need <= s->capacity)
        return true;
    size_t capacity = s->capacity ? s->capacity * 2 : 128;
    while (capacity < need)
        capacity *= 2;
    char *data = base_realloc(s->data, capacity);
    if (!data) {
        s->failed = true;
        return false;
    }
    s->data = data;
    s->capacity = capacity;
    return true;
}

/* Appends bytes. */
void str_add(struct str *s, const char *bytes, size_t length) {
    if (s->failed || !str_reserve(s, length))
        return;
    if (length > 0)
        memcpy(s->data + s->length, bytes, length);
    s->length += length;
    s->data[s->length] = '\0';
}

/* Appends a text. */
void str_puts(struct str *s, const char *text) {
    str_add(s, text, strlen(text));
}

/* Appends formatted text. */
void str_printf(struct str *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str_vprintf(s, format, args);
    va_end(args);
}

/* Appends formatted text. */
void str_vprintf(struct str *s, const char *format, va_list args) {
    if (s->failed || !str_reserve(s, 0))
        return;
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(s->data + s->length, s->capacity - s->length, format, args);
    if (length < 0) {
        s->data[s->length] = '\0';
        s->failed = true;
    } else if ((size_t)length < s->capacity - s->length) {
        s->length += (size_t)length;
    } else if (str_reserve(s, (size_t)length)) {
        vsnprintf(s->data + s->length, s->capacity - s->length, format, again);
        s->length += (size_t)length;
    } else {
        s->data[s->length] = '\0';
    }
    va_end(again);
}

/* Bytes that may need an escape: controls, quote, backslash, and the lead byte of U+2028 and
 * U+2029. */
static const unsigned char may_escape[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,         1,          1,          1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ['"'] = 1, ['\\'] = 1, [0x7F] = 1, [0xE2] = 1,
};

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* Tells whether one of eight bytes may need an escape or is not ASCII. */
static inline uint64_t eight_special(uint64_t w) {
    uint64_t quote = w ^ (ONES * '"'), backslash = w ^ (ONES * '\\'), delete = w ^ (ONES * 0x7F);
    return (((w - ONES * 0x20) | (quote - ONES) | (backslash - ONES) | (delete - ONES)) | w) &
           HIGHS;
}

/* The length of the run that can be copied as it is. */
static size_t plain_run(const char *text, size_t length) {
    size_t i = 0;
    while (i + 8 <= length) {
        uint64_t w;
        memcpy(&w, text + i, 8);
        if (eight_special(w))
            break;
        i += 8;
    }
    while (i < length && !may_escape[(unsigned char)text[i]])
        i++;
    return i;
}

/* Writes one byte's escape; returns how many bytes of text it stands for. */
static size_t escape(struct str *s, const char *text, size_t length) {
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)text[0];
    const char *two = NULL;
    switch (c) {
    case '"': two = "\\\""; break;
    case '\\': two = "\\\\"; break;
    case '\b': two = "\\b"; break;
    case '\f': two = "\\f"; break;
    case '\n': two = "\\n"; break;
    case '\r': two = "\\r"; break;
    case '\t': two = "\\t"; break;
    case 0xE2:
        if (length >= 3 && (unsigned char)text[1] == 0x80 &&
            ((unsigned char)text[2] & 0xFE) == 0xA8) {
            str_add(s, (unsigned char)text[2] == 0xA8 ? "\\u2028" : "\\u2029", 6);
            return 3;
        }
        str_add(s, text, 1);
        return 1;
    default: break;
    }
    if (two) {
        str_add(s, two, 2);
    } else {
        const char u[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        str_add(s, u, 6);
    }
    return 1;
}

/* Appends a JSON string: runs are copied whole. */
void str_json(struct str *s, const char *text, size_t length) {
    if (s->failed || !str_reserve(s, length + 2))
        return;
    s->data[s->length++] = '"';
    size_t run = plain_run(text, length);
    if (run > 0)
        memcpy(s->data + s->length, text, run);
    s->length += run;
    while (run < length) {
        run += escape(s, text + run, length - run);
        size_t next = plain_run(text + run, length - run);
        str_add(s, text + run, next);
        run += next;
    }
    str_putc(s, '"');
}

/* Forgets the content. */
void str_clear(struct str *s) {
    s->length = 0;
    s->failed = false;
    if (s->data)
        s->data[0] = '\0';
}

/* Frees the memory. */
void str_free(struct str *s) {
    if (!s)
        return;
    base_free(s->data);
    *s = (struct str) { 0 };
}

/* Hands over the bytes. */
char *str_steal(struct str *s) {
    char *data = NULL;
    if (s->failed || !str_reserve(s, 0)) {
        str_free(s);
        return NULL;
    }
    data = s->data;
    data[s->length] = '\0';
    *s = (struct str) { 0 };
    return data;
}
