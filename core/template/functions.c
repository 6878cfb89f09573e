/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of mapping files beyond the standard: translate, required, parseDate, identity, and
 * those of plugins. */
#include "core/template/internal.h"

#include "core/base/clock.h"
#include "core/base/key.h"

#include <stdlib.h>
#include <string.h>

/* One value as text; NULL when there is none. */
static const char *text_of(struct fhirpath_context *c, const struct fhirpath_collection *v,
                           size_t *length) {
    return v->count ? fhirpath_to_text(c->arena, &v->items[0], length) : NULL;
}

static struct fhirpath_value text_value(const char *s, size_t n) {
    return (struct fhirpath_value) { .kind = FHIRPATH_STRING, .string = { s, n } };
}

/* Push a text or fail for want of memory. */
static bool give(struct fhirpath_context *c, struct fhirpath_collection *out, const char *s,
                 size_t n, struct iptfhir_error *e) {
    return (s && fhirpath_push(c->arena, out, text_value(s, n))) ||
           error_set(e, "memory", NULL, "out of memory");
}

static bool do_translate(struct fhirpath_context *c, const struct fhirpath_collection *in,
                         const struct fhirpath_collection *args, size_t n,
                         struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)n, (void)data;
    size_t a, b;
    const char *code = text_of(c, in, &a), *map = text_of(c, &args[0], &b);
    if (!code)
        return true;
    const char *to = map ? template_translate(c->user, map, code) : NULL;
    if (!to)
        return error_set(e, "no-translation", NULL,
                         "the ConceptMap %s has no translation for this code: add it to the map, "
                         "or correct the record",
                         map ? map : "(none)");
    return give(c, out, to, strlen(to), e);
}

static bool do_required(struct fhirpath_context *c, const struct fhirpath_collection *in,
                        const struct fhirpath_collection *args, size_t n,
                        struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)n, (void)data;
    size_t length;
    const char *why = text_of(c, &args[0], &length);
    if (!in->count)
        return error_set(e, "required", NULL, "%s", why ? why : "a value is required here");
    *out = *in;
    return true;
}

static bool do_identity(struct fhirpath_context *c, const struct fhirpath_collection *in,
                        const struct fhirpath_collection *args, size_t n,
                        struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)in, (void)n, (void)data;
    size_t a, b;
    const struct template_set *set = c->user;
    const char *type = text_of(c, &args[0], &a), *key = text_of(c, &args[1], &b);
    char *id = arena_alloc(c->arena, 37);
    if (!type || !key)
        return true;
    if (id != NULL && !identity_make(set->base, type, key, id))
        id = NULL;
    return give(c, out, id, 36, e);
}

/* Read a number of at most `most` digits. */
static int digits(const char **s, int most) {
    int v = 0, n = 0;
    for (; n < most && **s >= '0' && **s <= '9'; n++, (*s)++)
        v = v * 10 + (**s - '0');
    return n ? v : -1;
}

/* parseDate('dd/mm/yyyy'): letters d, m, y stand for digits, all else for itself. */
static bool do_parse_date(struct fhirpath_context *c, const struct fhirpath_collection *in,
                          const struct fhirpath_collection *args, size_t n,
                          struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    (void)n, (void)data;
    size_t a, b;
    const char *s = text_of(c, in, &a), *format = text_of(c, &args[0], &b);
    int day = 0, month = 0, year = 0;
    if (!s || !format)
        return true;
    for (const char *f = format; *f;) {
        int run = 1;
        while (f[run] == *f)
            run++;
        int *part = *f == 'd' ? &day : *f == 'm' ? &month : *f == 'y' ? &year : NULL;
        if (part ? (*part = digits(&s, run == 1 ? 2 : run)) < 0 : *s++ != *f)
            return error_set(e, "bad-date", NULL, "this is no date of the form %s", format);
        f += part ? run : 1;
    }
    if (*s || !iptfhir_date_exists(year, month, day))
        return error_set(e, "bad-date", NULL, "this is no date of the form %s", format);
    char *text = arena_printf(c->arena, "%04d-%02d-%02d", year, month, day);
    return give(c, out, text, 10, e);
}

/* A plugin's function: texts in, text out. */
static bool do_plugin(struct fhirpath_context *c, const struct fhirpath_collection *in,
                      const struct fhirpath_collection *args, size_t n,
                      struct fhirpath_collection *out, void *data, struct iptfhir_error *e) {
    const struct iptfhir_function *f = data;
    const char *texts[16];
    size_t length;
    char answer[4096];
    for (size_t i = 0; i < n; i++)
        if (!(texts[i] = text_of(c, &args[i], &length)))
            return true;
    if (!f->call(text_of(c, in, &length), texts, n, answer, sizeof answer))
        return true;
    answer[sizeof answer - 1] = '\0';
    return give(c, out, arena_strndup(c->arena, answer, strlen(answer)), strlen(answer), e);
}

bool template_functions(struct template_set *set, const struct template_settings *settings) {
    static const struct fhirpath_function own[] = { { "translate", 1, 1, do_translate, NULL },
                                                    { "required", 1, 1, do_required, NULL },
                                                    { "parseDate", 1, 1, do_parse_date, NULL },
                                                    { "identity", 2, 2, do_identity, NULL } };
    size_t count = sizeof own / sizeof *own;
    for (size_t t = 0; t < settings->function_tables; t++)
        for (const struct iptfhir_function *f = settings->functions[t]; f->name; f++)
            count++;
    set->functions = arena_zalloc(&set->arena, count * sizeof *set->functions);
    if (!set->functions)
        return false;
    memcpy(set->functions, own, sizeof own);
    set->function_count = sizeof own / sizeof *own;
    for (size_t t = 0; t < settings->function_tables; t++)
        for (const struct iptfhir_function *f = settings->functions[t]; f->name; f++)
            set->functions[set->function_count++] =
                (struct fhirpath_function) { f->name, f->min_args,
                                             f->max_args > 16 ? 16 : f->max_args, do_plugin,
                                             (void *)(uintptr_t)f };
    return true;
}
