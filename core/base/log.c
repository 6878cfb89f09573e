/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: one write each, control characters replaced, so that no text can forge a line. */
#include "core/base/log.h"

#include "core/base/clock.h"
#include "core/base/crypt.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static _Atomic int least_level = IPTFHIR_INFO;
static char prefix[32];
static unsigned char name_key[32];
static atomic_bool have_key;

void log_setup(iptfhir_level level, const char *process) {
    atomic_store(&least_level, (int)level);
    if (process != NULL)
        snprintf(prefix, sizeof prefix, "%.28s: ", process);
    else
        prefix[0] = '\0';
}

void log_line(iptfhir_level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_vline(level, format, args);
    va_end(args);
}

/* Writes all bytes to stderr, whatever signals arrive. */
static void write_all(const char *line, size_t length) {
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, line, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line += n;
        length -= (size_t)n;
    }
}

/* Writes a blank over each control character. */
static void blank_controls(char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7F)
            text[i] = ' ';
    }
}

void log_vline(iptfhir_level level, const char *format, va_list args) {
    static const char *const names[] = { "debug", "info", "warning", "error" };
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    int saved = errno;
    char line[LINE_MAX_BYTES], time[25];
    unsigned index = (unsigned)level < 4 ? (unsigned)level : 3;
    clock_format(clock_now_ms(), time);
    int start = snprintf(line, sizeof line, "%s %s: %s", time, names[index], prefix);
    if (start < 0)
        return;
    size_t room = sizeof line - (size_t)start;
    errno = saved; /* for %m */
    int added = vsnprintf(line + start, room, format, args);
    size_t text_length = added > 0 ? (size_t)added : 0;
    bool cut = text_length >= room;
    if (cut)
        text_length = room - 1;
    blank_controls(line + start, text_length);
    size_t length = (size_t)start + text_length;
    if (cut)
        memcpy(line + length - 3, "...", 3);
    line[length++] = '\n';
    write_all(line, length);
    errno = saved;
}

void log_set_key(const unsigned char key[32]) {
    memcpy(name_key, key, sizeof name_key);
    atomic_store_explicit(&have_key, true, memory_order_release);
}

const char *log_name(const char *record_id, char out[17]) {
    bool named = false;
    if (record_id != NULL && atomic_load_explicit(&have_key, memory_order_acquire))
        named = crypt_log_name(name_key, record_id, out);
    if (!named)
        memcpy(out, "----------------", 17);
    return out;
}
