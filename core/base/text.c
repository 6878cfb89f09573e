/* SPDX-License-Identifier: Apache-2.0 */
/* Growing buffers, JSON strings, UTF-8 and whole files. */
#include "core/base/str.h"

#include "core/base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool iptfhir_text_reserve(struct iptfhir_text *s, size_t more) {
    if (s->failed)
        return false;
    if (more > SIZE_MAX / 4 || s->length > SIZE_MAX / 4) {
        s->failed = true;
        return false;
    }
    size_t need = s->length + more + 1;
    if (need <= s->capacity)
        return true;
    size_t capacity = s->capacity == 0 ? 128 : s->capacity * 2;
    while (capacity < need)
        capacity *= 2;
    char *data = base_realloc(s->data, capacity);
    if (data == NULL) {
        s->failed = true;
        return false;
    }
    s->data = data;
    s->capacity = capacity;
    return true;
}

void iptfhir_text_add(struct iptfhir_text *s, const char *bytes, size_t length) {
    if (s->failed || !iptfhir_text_reserve(s, length))
        return;
    if (length > 0)
        memcpy(s->data + s->length, bytes, length);
    s->length += length;
    s->data[s->length] = '\0';
}

void iptfhir_text_puts(struct iptfhir_text *s, const char *text) {
    iptfhir_text_add(s, text, strlen(text));
}

void iptfhir_text_printf(struct iptfhir_text *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    iptfhir_text_vprintf(s, format, args);
    va_end(args);
}

void iptfhir_text_vprintf(struct iptfhir_text *s, const char *format, va_list args) {
    if (s->failed || !iptfhir_text_reserve(s, 0))
        return;
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(s->data + s->length, s->capacity - s->length, format, args);
    if (length < 0) {
        s->data[s->length] = '\0';
        s->failed = true;
    } else if ((size_t)length < s->capacity - s->length) {
        s->length += (size_t)length;
    } else if (iptfhir_text_reserve(s, (size_t)length)) {
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

/* Whether U+2028 or U+2029 begins here, which end a line in JavaScript. */
static bool is_separator(const char *text, size_t length) {
    if (length < 3)
        return false;
    return memcmp(text, "\xE2\x80\xA8", 3) == 0 || memcmp(text, "\xE2\x80\xA9", 3) == 0;
}

/* Writes one byte's escape; returns how many bytes of text it stands for. */
static size_t escape(struct iptfhir_text *s, const char *text, size_t length) {
    static const char hex[] = "0123456789abcdef";
    static const char *const short_forms[256] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
        ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t",
    };
    unsigned char c = (unsigned char)text[0];
    if (is_separator(text, length)) {
        const char last[] = { '\\', 'u', '2', '0', '2', hex[text[2] & 15] };
        iptfhir_text_add(s, last, sizeof last);
        return 3;
    }
    if (c == 0xE2) {
        iptfhir_text_add(s, text, 1);
    } else if (short_forms[c] != NULL) {
        iptfhir_text_add(s, short_forms[c], 2);
    } else {
        const char long_form[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        iptfhir_text_add(s, long_form, sizeof long_form);
    }
    return 1;
}

/* Appends what there is room for unless it must be escaped: runs are copied whole. */
static inline void put_escaped(struct iptfhir_text *s, const char *text, size_t length) {
    size_t run = plain_run(text, length);
    if (run > 0)
        memcpy(s->data + s->length, text, run);
    s->length += run;
    while (run < length) {
        run += escape(s, text + run, length - run);
        size_t next = plain_run(text + run, length - run);
        iptfhir_text_add(s, text + run, next);
        run += next;
    }
}

void iptfhir_text_json(struct iptfhir_text *s, const char *text, size_t length) {
    if (s->length + length + 3 > s->capacity && !iptfhir_text_reserve(s, length + 2))
        return;
    if (s->failed)
        return;
    s->data[s->length++] = '"';
    put_escaped(s, text, length);
    iptfhir_text_putc(s, '"');
}

void iptfhir_text_clear(struct iptfhir_text *s) {
    s->length = 0;
    s->failed = false;
    if (s->data != NULL)
        s->data[0] = '\0';
}

void iptfhir_text_free(struct iptfhir_text *s) {
    if (s == NULL)
        return;
    base_free(s->data);
    *s = (struct iptfhir_text) { 0 };
}

char *str_steal(struct str *s) {
    if (s->failed || !str_reserve(s, 0)) {
        str_free(s);
        return NULL;
    }
    char *data = s->data;
    data[s->length] = '\0';
    *s = (struct str) { 0 };
    return data;
}

/* What may follow the first byte of a sequence of several (The Unicode Standard, table 3-7). */
struct lead {
    unsigned char first, last; /* the first byte */
    unsigned char length;
    unsigned char low, high; /* the second byte */
};
static const struct lead leads[] = {
    { 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF }, { 0xE1, 0xEC, 3, 0x80, 0xBF },
    { 0xED, 0xED, 3, 0x80, 0x9F }, { 0xEE, 0xEF, 3, 0x80, 0xBF }, { 0xF0, 0xF0, 4, 0x90, 0xBF },
    { 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
};

static const struct lead *lead_of(unsigned char byte) {
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    }
    return NULL;
}

/* The length of the UTF-8 sequence that begins at `bytes`, 0 when there is none. */
static size_t utf8_sequence(const char *bytes, size_t length) {
    const unsigned char *p = (const unsigned char *)bytes;
    if (length > 0 && p[0] < 0x80)
        return 1;
    const struct lead *lead = length > 0 ? lead_of(p[0]) : NULL;
    if (lead == NULL || lead->length > length)
        return 0;
    if (p[1] < lead->low || p[1] > lead->high)
        return 0;
    for (size_t i = 2; i < lead->length; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return lead->length;
}

bool iptfhir_utf8_valid(const char *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        uint64_t w;
        if (length - at >= sizeof w) {
            memcpy(&w, bytes + at, sizeof w);
            if ((w & HIGHS) == 0) {
                at += sizeof w;
                continue;
            }
        }
        size_t n = utf8_sequence(bytes + at, length - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}
