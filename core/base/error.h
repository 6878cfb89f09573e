/* SPDX-License-Identifier: Apache-2.0 */
/* Errors inside the core: the first one wins; reports collect many. No patient data goes in. */
#ifndef CORE_BASE_ERROR_H
#define CORE_BASE_ERROR_H

#include <iptfhir/plugin.h>
#include <stddef.h>

/* One error: a stable code, where, and a sentence that says what was expected and what to do.
 * The same struct that plugins fill; zero-initialised means "none". A NULL error is allowed
 * everywhere. */
#define ERROR_INIT                                                                                 \
    { .size = sizeof(struct iptfhir_error) }

/* Fills `e` unless it already holds one (its code is not empty); returns false always, so that
 * `return error_set(...)` reads well. `where` may be NULL. */
bool error_set(struct iptfhir_error *e, const char *code, const char *where, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
/* True when `e` holds an error. */
bool error_is_set(const struct iptfhir_error *e);
/* Forgets what `e` holds. */
void error_clear(struct iptfhir_error *e);

/* A list of findings (configuration, templates, records): everything wrong, at once.
 * Bounded: after REPORT_MAX entries only `dropped` counts. Owned by the caller; report_free() once.
 */
#define REPORT_MAX 500
enum report_severity { REPORT_ERROR, REPORT_WARNING, REPORT_NOTE };
struct report_entry {
    enum report_severity severity;
    struct iptfhir_error error;
};
struct report {
    struct report_entry *entries;
    size_t count, capacity, errors, warnings, dropped;
};
void report_add(struct report *r, enum report_severity severity, const char *code,
                const char *where, const char *format, ...) __attribute__((format(printf, 5, 6)));
void report_free(struct report *r);

/* The entry of `names` (NULL-terminated) nearest to `wrong` (Damerau-Levenshtein distance at most a
 * third of its length), borrowed; NULL when none is near. */
const char *nearest_name(const char *wrong, const char *const *names);
/* The same as the end of a sentence, "; did you mean 'NAME'?", or "" when none is near. Returns
 * `out`. */
enum { NEAREST_HINT = 96 };
const char *nearest_hint(const char *wrong, const char *const *names, char out[NEAREST_HINT]);
#endif
