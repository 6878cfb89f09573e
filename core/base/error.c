/* SPDX-License-Identifier: Apache-2.0 */
/* Filling errors and reports; finding the name that was probably meant. */
#include "core/base/error.h"

#include "core/base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEAREST_MAX 64 /* bytes of a name that are compared */

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The bytes of the UTF-8 sequence that a byte begins. */
static size_t sequence_length(char lead) {
    unsigned char byte = (unsigned char)lead;
    if (byte >= 0xF0)
        return 4;
    if (byte >= 0xE0)
        return 3;
    return byte >= 0xC0 ? 2 : 1;
}

/* Removes a UTF-8 sequence that a full buffer cut short. */
static void trim_utf8(char *text, size_t size) {
    size_t end = strlen(text);
    size_t last = end;
    if (end + 1 < size)
        return;
    while (last > 0 && is_continuation(text[last - 1]))
        last--;
    if (last == 0)
        return;
    last--; /* where the last sequence begins */
    if (end - last < sequence_length(text[last]))
        text[last] = '\0';
}

/* Writes code, place and sentence. */
static void fill(struct iptfhir_error *e, const char *code, const char *where, const char *format,
                 va_list args) __attribute__((format(printf, 4, 0)));
static void fill(struct iptfhir_error *e, const char *code, const char *where, const char *format,
                 va_list args) {
    snprintf(e->code, sizeof e->code, "%s", code);
    snprintf(e->where, sizeof e->where, "%s", where != NULL ? where : "");
    vsnprintf(e->text, sizeof e->text, format, args);
    trim_utf8(e->where, sizeof e->where);
    trim_utf8(e->text, sizeof e->text);
}

/* Fills an error that holds none yet. */
bool error_set(struct iptfhir_error *e, const char *code, const char *where, const char *format,
               ...) {
    if (e == NULL || error_is_set(e))
        return false;
    va_list args;
    va_start(args, format);
    fill(e, code, where, format, args);
    va_end(args);
    return false;
}

/* Tells whether an error is held. */
bool error_is_set(const struct iptfhir_error *e) {
    return e != NULL && e->code[0] != '\0';
}

/* Empties an error. */
void error_clear(struct iptfhir_error *e) {
    if (e != NULL)
        e->code[0] = e->where[0] = e->text[0] = '\0';
}

/* Makes room for one entry; false when the report is full or memory is out. */
static bool report_room(struct report *r) {
    if (r->count >= REPORT_MAX)
        return false;
    if (r->count < r->capacity)
        return true;
    size_t capacity = r->capacity == 0 ? 8 : r->capacity * 2;
    if (capacity > REPORT_MAX)
        capacity = REPORT_MAX;
    struct report_entry *entries = base_realloc(r->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    r->entries = entries;
    r->capacity = capacity;
    return true;
}

/* Adds a finding, or counts it as dropped. */
void report_add(struct report *r, enum report_severity severity, const char *code,
                const char *where, const char *format, ...) {
    if (r == NULL)
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
    if (r == NULL)
        return;
    base_free(r->entries);
    *r = (struct report) { 0 };
}

/* The smallest of three. */
static unsigned least(unsigned a, unsigned b, unsigned c) {
    unsigned smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Three rows of the table of distances: of this letter of `a`, of the one before, of the one before
 * that. */
struct rows {
    unsigned now[NEAREST_MAX + 1], before[NEAREST_MAX + 1], earlier[NEAREST_MAX + 1];
};

/* Makes room for the row of the next letter. */
static void next_row(struct rows *r, size_t width) {
    memcpy(r->earlier, r->before, width * sizeof *r->now);
    memcpy(r->before, r->now, width * sizeof *r->now);
}

/* Whether the letters before i and j are those of the other name, swapped. */
static bool is_swap(const char *a, size_t i, const char *b, size_t j) {
    if (i < 2 || j < 2)
        return false;
    return a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

/* Counts the insertions, deletions, changes and swaps of neighbours between two names. */
static unsigned distance(const char *a, size_t m, const char *b, size_t n) {
    struct rows r = { 0 };
    for (size_t j = 0; j <= n; j++)
        r.now[j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        next_row(&r, n + 1);
        r.now[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned changed = r.before[j - 1] + (a[i - 1] != b[j - 1]);
            unsigned d = least(r.before[j] + 1, r.now[j - 1] + 1, changed);
            if (is_swap(a, i, b, j) && r.earlier[j - 2] + 1 < d)
                d = r.earlier[j - 2] + 1;
            r.now[j] = d;
        }
    }
    return r.now[n];
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

const char *nearest_hint(const char *wrong, const char *const *names, char out[NEAREST_HINT]) {
    const char *near = nearest_name(wrong, names);
    out[0] = '\0';
    if (near != NULL)
        snprintf(out, NEAREST_HINT, "; did you mean '%s'?", near);
    return out;
}
