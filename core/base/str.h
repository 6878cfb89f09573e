/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffers: outgoing JSON, messages, paths. */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H

#include <iptfhir/text.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The buffer of <iptfhir/text.h> under the core's short names: the same members, the same rules. */
struct str {
    union {
        struct iptfhir_text text;
        struct {
            char *data;
            size_t length;
            size_t capacity;
            bool failed;
        };
    };
};
_Static_assert(offsetof(struct str, failed) == offsetof(struct iptfhir_text, failed) &&
                   sizeof(struct str) == sizeof(struct iptfhir_text),
               "struct str and struct iptfhir_text have the same members");

static inline bool str_reserve(struct str *s, size_t more) {
    return iptfhir_text_reserve(&s->text, more);
}
static inline void str_add(struct str *s, const char *bytes, size_t length) {
    iptfhir_text_add(&s->text, bytes, length);
}
static inline void str_puts(struct str *s, const char *text) {
    iptfhir_text_puts(&s->text, text);
}
static inline void str_putc(struct str *s, char c) {
    iptfhir_text_putc(&s->text, c);
}
static inline void str_vprintf(struct str *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static inline void str_vprintf(struct str *s, const char *format, va_list args) {
    iptfhir_text_vprintf(&s->text, format, args);
}
static inline void str_printf(struct str *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void str_printf(struct str *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    iptfhir_text_vprintf(&s->text, format, args);
    va_end(args);
}
static inline void str_json(struct str *s, const char *text, size_t length) {
    iptfhir_text_json(&s->text, text, length);
}
static inline void str_clear(struct str *s) {
    iptfhir_text_clear(&s->text);
}
static inline void str_free(struct str *s) {
    if (s != NULL)
        iptfhir_text_free(&s->text);
}
/* Hands the bytes to the caller, who frees them with free(); NULL when the buffer failed. The
 * buffer is empty again. */
char *str_steal(struct str *s);
#endif
