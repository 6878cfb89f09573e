/* SPDX-License-Identifier: Apache-2.0 */
/* Text for plugins: growing buffers, JSON strings, UTF-8, whole files. Link with libiptfhir.
 * Nothing here has state; a buffer belongs to whoever declared it, and to one thread at a time. */
#ifndef IPTFHIR_TEXT_H
#define IPTFHIR_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
#define IPTFHIR_API extern "C" __attribute__((visibility("default")))
#else
#define IPTFHIR_API __attribute__((visibility("default")))
#endif

/* A buffer of `length` bytes, NUL-terminated once anything was added. All zero is empty. A failed
 * allocation sets `failed`, after which every call does nothing: check once, at the end. */
struct iptfhir_text {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};
/* Makes room for `more` bytes and a NUL beyond length; false when memory is out. */
IPTFHIR_API bool iptfhir_text_reserve(struct iptfhir_text *text, size_t more);
IPTFHIR_API void iptfhir_text_add(struct iptfhir_text *text, const char *bytes, size_t length);
IPTFHIR_API void iptfhir_text_puts(struct iptfhir_text *text, const char *string);
static inline void iptfhir_text_putc(struct iptfhir_text *text, char c) {
    if (text->length + 2 > text->capacity && !iptfhir_text_reserve(text, 1))
        return;
    text->data[text->length++] = c;
    text->data[text->length] = '\0';
}
IPTFHIR_API void iptfhir_text_printf(struct iptfhir_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
IPTFHIR_API void iptfhir_text_vprintf(struct iptfhir_text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Appends a JSON string with its quotes (RFC 8259 section 7). Control characters, DEL, U+2028 and
 * U+2029 are escaped; bytes that are not UTF-8 pass: ask iptfhir_utf8_valid() first. */
IPTFHIR_API void iptfhir_text_json(struct iptfhir_text *text, const char *bytes, size_t length);
/* Appends a whole file of at most `max` bytes; false with errno set (EFBIG when it is larger). */
IPTFHIR_API bool iptfhir_text_read_file(struct iptfhir_text *text, const char *path, size_t max);
/* Keeps the memory and forgets the content, and a failure with it. */
IPTFHIR_API void iptfhir_text_clear(struct iptfhir_text *text);
IPTFHIR_API void iptfhir_text_free(struct iptfhir_text *text);

/* True when the bytes are UTF-8 (RFC 3629: shortest forms, no surrogates). */
IPTFHIR_API bool iptfhir_utf8_valid(const char *bytes, size_t length);
#endif
