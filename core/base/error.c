/* SPDX-License-Identifier: Apache-2.0 */
/* Filling errors and reports; finding the name that was probably meant. */
#include "core/base/error.h"

#include "core/base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEAREST_MAX 64 /* bytes of a name that are compared */

/* Removes a UTF-8 sequence that a full buffer cut short. */
static void trim_utf8(char *text, size_t size) {
    size_t end = strlen(text), start = end;
    if (end + 1 < size)
        return;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (end - (start - 1) < need)
        text[start - 1] = '\0';
}

/* Writes code, place and sentence. */
static void fill(struct iptfhir_error *e, const char *code, const char *where, const char *format,
                 va_list args) __attribute__((format(printf, 4, 0)));
static void fill(struct iptfhir_error *e, const char *code, const char *where, const char *format,
                 va_list args) {
    snprintf(e->code, sizeof e->code, "%s", code);
    snprintf(e->where, sizeof e->where, "%s", where ? where : "");
    vsnprintf(e->text, sizeof e->text, format, args);
    trim_utf8(e->where, sizeof e->where);
    trim_utf8(e->text, sizeof e->text);
}

/* Fills an error that holds none yet. */
bool error_set(struct iptfhir_error *e, const char *code, const char *where, const char *format,
               ...) {
    if (!e || e->code[0])
        return false;
    va_list args;
    va_start(args, format);
    fill(e, code, where, format, args);
    va_end(args);
    return false;
}

/* Tells whether an error is held. */
bool error_is_set(const struct iptfhir_error *e) {
    return e && e->code[0];
}

/* Empties an error. */
void error_clear(struct iptfhir_error *e) {
    if (e)
        e->code[0] = e->where[0] = e->text[0] = '\0';
}

/* Makes room for one entry; false when the report is full or memory is out. */
static bool report_room(struct report *r) {
    if (r->count >= REPORT_MAX)
        return false;
    if (r->count < r->capacity)
        return true;
    size_t capacity = r->capacity ? r->capacity * 2 : 8;
    if (capacity > REPORT_MAX)
        capacity = REPORT_MAX;
    struct report_entry *entries = base_realloc(r->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    r->entries = entries;
    r->capacity = capacity;
    return true;
}

/* Adds a finding, or counts it as dropped. */
void report_add(struct report *r, enum report_severity severity, const char *code,
                const char *where, const char *format, ...) {
    if (!r)
        return;
    r->errors += severity == REPORT_ERROR;
    r->warnings += severity == REPORT_WARNING;
    if (!report_room(r)) {
        r->dropped++;
        return;
    }
    struct report_entry *entry = &r->entries[r->count++];
    va_list args;
    entry->severity = severity;
    entry->error = (struct iptfhir_error)ERROR_INIT;
    va_start(args, format);
    fill(&entry->error, code, where, format, args);
    va_end(args);
}

/* Frees the entries. */
void report_free(struct report *r) {
    if (!r)
        return;
    base_free(r->entries);
    *r = (struct report) { 0 };
}

/* The smallest of three. */
static unsigned least(unsigned a, unsigned b, unsigned c) {
    unsigned smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Counts the insertions, deletions, changes and swaps of neighbours between two names. */
static unsigned distance(const char *a, size_t m, const char *b, size_t n) {
    unsigned rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i - 1) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            now[j] = least(before[j] + 1, now[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < now[j])
                now[j] = earlier[j - 2] + 1;
        }
    }
    return rows[m % 3][n];
}

/* How far two lengths are apart. */
static size_t apart(size_t a, size_t b) {
    return a > b ? a - b : b - a;
}

/* Finds the nearest name; of several as near, the first. */
const char *nearest_name(const char *wrong, const char *const *names) {
    if (wrong == NULL || names == NULL)
        return NULL;
    size_t length = strlen(wrong);
    if (length == 0 || length > NEAREST_MAX)
        return NULL;
    const char *best = NULL;
    size_t below = length / 3 + 1; /* a name must be nearer than this */
    for (; *names != NULL; names++) {
        size_t other = strlen(*names);
        if (other > NEAREST_MAX || apart(other, length) >= below)
            continue;
        size_t d = distance(wrong, length, *names, other);
        if (d >= below)
            continue;
        best = *names;
        below = d;
    }
    return best;
}
