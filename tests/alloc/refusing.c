/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libc that give memory, with a question before each. */
#include "tests/alloc/refusing.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What glibc calls its own: what stands here replaces only the public names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

#define PUBLIC __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

static bool refuses(const void *caller) {
    bool refused = refusing_decide(caller);
    if (refused)
        errno = ENOMEM;
    return refused;
}

PUBLIC void *malloc(size_t size) {
    return refuses(CALLER) ? NULL : __libc_malloc(size);
}

PUBLIC void *calloc(size_t count, size_t size) {
    return refuses(CALLER) ? NULL : __libc_calloc(count, size);
}

PUBLIC void *realloc(void *memory, size_t size) {
    return refuses(CALLER) ? NULL : __libc_realloc(memory, size);
}

/* Whoever gave it takes it back, also where a tool has replaced libc's. */
PUBLIC void free(void *memory) {
    __libc_free(memory);
}

/* Copies a text of a known length. */
static char *copy(const char *text, size_t length) {
    char *made = __libc_malloc(length + 1);
    if (made == NULL)
        return NULL;
    memcpy(made, text, length);
    made[length] = '\0';
    return made;
}

PUBLIC char *strdup(const char *text) {
    return refuses(CALLER) ? NULL : copy(text, strlen(text));
}

PUBLIC char *strndup(const char *text, size_t most) {
    return refuses(CALLER) ? NULL : copy(text, strnlen(text, most));
}

/* Prints into memory of its own. */
__attribute__((format(printf, 2, 0))) static int print(char **out, const char *format,
                                                       va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    *out = length >= 0 ? __libc_malloc((size_t)length + 1) : NULL;
    if (*out != NULL)
        (void)vsnprintf(*out, (size_t)length + 1, format, again);
    va_end(again);
    return *out != NULL ? length : -1;
}

PUBLIC int asprintf(char **out, const char *format, ...) {
    va_list args;
    *out = NULL;
    if (refuses(CALLER))
        return -1;
    va_start(args, format);
    int length = print(out, format, args);
    va_end(args);
    return length;
}

/* The same, as programs call it that are built with _FORTIFY_SOURCE. */
PUBLIC int __asprintf_chk(char **out, int flag, const char *format, ...);
PUBLIC int __asprintf_chk(char **out, int flag, const char *format, ...) {
    va_list args;
    (void)flag;
    *out = NULL;
    if (refuses(CALLER))
        return -1;
    va_start(args, format);
    int length = print(out, format, args);
    va_end(args);
    return length;
}
