/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffers: outgoing JSON, messages, paths. */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer of `length` bytes, always NUL-terminated once anything was added. Zero-initialised is
 * empty. A failed allocation sets `failed`, after which every call is a no-op: check once, at the
 * end. */
struct str {
    char *data;
    size_t length, capacity;
    bool failed;
};

/* Makes room for `more` bytes beyond length (plus NUL); false when memory is out. */
bool str_reserve(struct str *s, size_t more);
void str_add(struct str *s, const char *bytes, size_t length);
void str_puts(struct str *s, const char *text);
static inline void str_putc(struct str *s, char c) {
    if (s->length + 2 > s->capacity && !str_reserve(s, 1))
        return;
    s->data[s->length++] = c;
    s->data[s->length] = '\0';
}
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Appends `text` as a JSON string with its quotes; control characters and the two separators are
 * escaped. */
void str_json(struct str *s, const char *text, size_t length);
/* Keeps the memory, forgets the content. */
void str_clear(struct str *s);
void str_free(struct str *s);
/* Hands the bytes over to the caller (free() them); NULL when failed. The buffer is empty again. */
char *str_steal(struct str *s);
#endif
