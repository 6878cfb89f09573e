/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of mapping files beyond the standard: translate, required, parseDate, identity, and
 * those of plugins. */
#include "core/template/internal.h"

#include "core/base/clock.h"
#include "core/base/key.h"

#include <string.h>

#define MOST_ARGUMENTS 16
#define IDENTITY_LENGTH 36

/* The first value as text; NULL when there is none. */
static const char *text_of(struct fhirpath_context *c, const struct fhirpath_collection *v) {
    size_t length;
    return v->count > 0 ? fhirpath_to_text(c->arena, &v->items[0], &length) : NULL;
}

/* Appends a text, which is NULL when memory was out. */
static bool give(struct fhirpath_context *c, struct fhirpath_collection *out, const char *text,
                 struct iptfhir_error *e) {
    struct fhirpath_value v = { .kind = FHIRPATH_STRING };
    if (text != NULL) {
        v.string.text = text;
        v.string.length = strlen(text);
    }
    bool given = text != NULL && fhirpath_push(c->arena, out, v);
    return given || error_set(e, "memory", NULL, "out of memory");
}

static bool do_translate(struct fhirpath_context *c, const struct fhirpath_collection *in,
                         const struct fhirpath_collection *args, size_t n,
                         struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)n, (void)data;
    const char *code = text_of(c, in);
    const char *map = text_of(c, &args[0]);
    const char *to = NULL;
    if (code == NULL)
        return true;
    if (map != NULL)
        to = template_translate(c->user, map, code);
    if (to == NULL)
        return error_set(e, "no-translation", NULL,
                         "the ConceptMap %s has no translation for this code: add it to the map, "
                         "or correct the record",
                         map != NULL ? map : "(none)");
    return give(c, out, to, e);
}

static bool do_required(struct fhirpath_context *c, const struct fhirpath_collection *in,
                        const struct fhirpath_collection *args, size_t n,
                        struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)n, (void)data;
    const char *why = text_of(c, &args[0]);
    if (in->count == 0)
        return error_set(e, "required", NULL, "%s", why != NULL ? why : "a value is required here");
    *out = *in;
    return true;
}

static bool do_identity(struct fhirpath_context *c, const struct fhirpath_collection *in,
                        const struct fhirpath_collection *args, size_t n,
                        struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)in, (void)n, (void)data;
    const struct template_set *set = c->user;
    const char *type = text_of(c, &args[0]);
    const char *key = text_of(c, &args[1]);
    char *id = arena_alloc(c->arena, IDENTITY_LENGTH + 1);
    if (type == NULL || key == NULL)
        return true;
    bool made = id != NULL && identity_make(set->base, type, key, id);
    return give(c, out, made ? id : NULL, e);
}

/* ---- dates in the forms that people write ---- */

struct date {
    int day, month, year;
};

/* The part of a date that a letter of a format stands for; NULL for other characters. */
static int *part_of(struct date *d, char letter) {
    switch (letter) {
    case 'd': return &d->day;
    case 'm': return &d->month;
    case 'y': return &d->year;
    default: return NULL;
    }
}

/* Reads a number of at most `most` digits; false when there is no digit. */
static bool digits(const char **s, size_t most, int *out) {
    size_t n = 0;
    *out = 0;
    while (n < most && **s >= '0' && **s <= '9') {
        *out = *out * 10 + (**s - '0');
        (*s)++;
        n++;
    }
    return n > 0;
}

/* Reads a text as a format says: d, m, y stand for digits, as many as there are letters, but one
 * letter for one or two; all else for itself. */
static bool read_date(const char *s, const char *format, struct date *d) {
    const char *f = format;
    while (*f != '\0') {
        int *part = part_of(d, *f);
        if (part == NULL) {
            if (*s != *f)
                return false;
            s++;
            f++;
            continue;
        }
        const char letter[] = { *f, '\0' };
        size_t run = strspn(f, letter);
        if (!digits(&s, run == 1 ? 2 : run, part))
            return false;
        f += run;
    }
    return *s == '\0' && iptfhir_date_exists(d->year, d->month, d->day);
}

/* parseDate('dd/mm/yyyy'). */
static bool do_parse_date(struct fhirpath_context *c, const struct fhirpath_collection *in,
                          const struct fhirpath_collection *args, size_t n,
                          struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)n, (void)data;
    const char *text = text_of(c, in);
    const char *format = text_of(c, &args[0]);
    struct date d = { 0 };
    if (text == NULL || format == NULL)
        return true;
    if (!read_date(text, format, &d))
        return error_set(e, "bad-date", NULL, "this is no date of the form %s", format);
    return give(c, out, arena_printf(c->arena, "%04d-%02d-%02d", d.year, d.month, d.day), e);
}

/* ---- functions of plugins ---- */

/* A plugin's function: texts in, text out; empty when an argument is. */
static bool do_plugin(struct fhirpath_context *c, const struct fhirpath_collection *in,
                      const struct fhirpath_collection *args, size_t n,
                      struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    const struct iptfhir_function *f = data;
    const char *texts[MOST_ARGUMENTS];
    char answer[4096];
    for (size_t i = 0; i < n; i++) {
        texts[i] = text_of(c, &args[i]);
        if (texts[i] == NULL)
            return true;
    }
    if (!f->call(text_of(c, in), texts, n, answer, sizeof answer))
        return true;
    answer[sizeof answer - 1] = '\0';
    return give(c, out, arena_strndup(c->arena, answer, strlen(answer)), e);
}

/* How many functions plugins have. */
static size_t count_plugin_functions(const struct template_settings *settings) {
    size_t count = 0;
    for (size_t t = 0; t < settings->function_tables; t++)
        for (const struct iptfhir_function *f = settings->functions[t]; f->name != NULL; f++)
            count++;
    return count;
}

/* Adds a function of a plugin to the set, which has room for it. */
static void add_plugin_function(struct template_set *set, const struct iptfhir_function *f) {
    bool too_many = f->max_args > MOST_ARGUMENTS;
    set->functions[set->function_count++] =
        (struct fhirpath_function) { .name = f->name,
                                     .min_args = f->min_args,
                                     .max_args = too_many ? MOST_ARGUMENTS : f->max_args,
                                     .call = do_plugin,
                                     .data = (void *)(uintptr_t)f };
}

bool template_functions(struct template_set *set, const struct template_settings *settings) {
    static const struct fhirpath_function own[] = { { "translate", 1, 1, do_translate, NULL },
                                                    { "required", 1, 1, do_required, NULL },
                                                    { "parseDate", 1, 1, do_parse_date, NULL },
                                                    { "identity", 2, 2, do_identity, NULL } };
    const size_t own_count = sizeof own / sizeof *own;
    size_t count = own_count + count_plugin_functions(settings);
    set->functions = arena_zalloc(&set->arena, count * sizeof *set->functions);
    if (set->functions == NULL)
        return false;
    memcpy(set->functions, own, sizeof own);
    set->function_count = own_count;
    for (size_t t = 0; t < settings->function_tables; t++)
        for (const struct iptfhir_function *f = settings->functions[t]; f->name != NULL; f++)
            add_plugin_function(set, f);
    return true;
}
