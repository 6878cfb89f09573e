/* SPDX-License-Identifier: Apache-2.0 */
/* Reading members of a record and building facts of it. */
#include "facts.h"

#include <iptfhir/text.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIXED = 256 };

bool facts_has(const struct facts *f, const struct iptfhir_node *object, const char *name) {
    iptfhir_node_kind kind = f->nodes->kind(facts_get(f, object, name));
    return kind != IPTFHIR_NODE_NONE && kind != IPTFHIR_NODE_NULL;
}

bool facts_number(const struct facts *f, const struct iptfhir_node *object, const char *name,
                  int64_t *number) {
    const struct iptfhir_node *member = facts_get(f, object, name);
    if (f->nodes->integer(member, number))
        return true;
    double real = 0;
    if (!f->nodes->real(member, &real) || !(fabs(real) < 1e9) || real != floor(real))
        return false;
    *number = (int64_t)real;
    return true;
}

bool facts_real(const struct facts *f, const struct iptfhir_node *object, const char *name,
                double *number) {
    return f->nodes->real(facts_get(f, object, name), number);
}

bool facts_lists(const struct facts *f, const struct iptfhir_node *list, const char *text) {
    const struct iptfhir_node *item = facts_first(f, list);
    for (; item != NULL; item = facts_next(f, item)) {
        const char *found = f->nodes->text(item, NULL);
        if (found != NULL && strcmp(found, text) == 0)
            return true;
    }
    return false;
}

void facts_set_text(struct facts *f, struct iptfhir_node *object, const char *name,
                    const char *text) {
    if (text != NULL && !iptfhir_set_text(f->nodes, f->document, object, name, text))
        f->failed = true;
}

void facts_copy(struct facts *f, struct iptfhir_node *object, const char *name,
                const struct iptfhir_node *from, const char *member) {
    if (member != NULL && facts_has(f, from, member))
        facts_set(f, object, name, facts_copy_of(f, facts_get(f, from, member)));
}

/* Formats into `fixed`, or into `longer` when that is too short; NULL when memory is out. The
 * caller frees `longer`. */
static const char *format_text(char fixed[FIXED], struct iptfhir_text *longer, const char *format,
                               va_list args) __attribute__((format(printf, 3, 0)));
static const char *format_text(char fixed[FIXED], struct iptfhir_text *longer, const char *format,
                               va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(fixed, FIXED, format, args);
    const char *text = length >= 0 ? fixed : NULL;
    if (length >= FIXED) {
        iptfhir_text_vprintf(longer, format, again);
        text = longer->failed ? NULL : longer->data;
    }
    va_end(again);
    return text;
}

struct iptfhir_node *facts_format(struct facts *f, const char *format, ...) {
    struct iptfhir_text longer = { 0 };
    char fixed[FIXED];
    va_list args;
    va_start(args, format);
    const char *text = format_text(fixed, &longer, format, args);
    va_end(args);
    struct iptfhir_node *node = NULL;
    if (text != NULL)
        node = f->nodes->string(f->document, text, strlen(text));
    iptfhir_text_free(&longer);
    return facts_made(f, node);
}

struct iptfhir_node *facts_identity(struct facts *f, const char *type, const char *format, ...) {
    struct iptfhir_text longer = { 0 };
    char fixed[FIXED];
    char uuid[37];
    va_list args;
    va_start(args, format);
    const char *key = format_text(fixed, &longer, format, args);
    va_end(args);
    struct iptfhir_node *node = NULL;
    if (key != NULL) {
        f->host->identity(f->host, type, key, uuid);
        node = f->nodes->string(f->document, uuid, 36);
    }
    iptfhir_text_free(&longer);
    return facts_made(f, node);
}

bool facts_excluded(const struct facts *f, const struct iptfhir_node *record,
                    const char *data_class) {
    const struct iptfhir_node *consent = facts_first(f, facts_list(f, record, "consents"));
    for (; consent != NULL; consent = facts_next(f, consent))
        if (facts_lists(f, facts_list(f, consent, "excludedClasses"), data_class))
            return true;
    return false;
}

struct iptfhir_node *facts_communication_key(struct facts *f, const char *record_id,
                                             const struct iptfhir_node *assessments,
                                             const struct iptfhir_node *assessment) {
    const char *date = facts_text(f, assessment, "date");
    size_t before = 0;
    const struct iptfhir_node *earlier = facts_first(f, assessments);
    for (; earlier != NULL && earlier != assessment; earlier = facts_next(f, earlier)) {
        const char *other = facts_text(f, earlier, "date");
        before += other != NULL && strcmp(other, date) == 0;
    }
    return before > 0 ? facts_format(f, "%s/comm-%s-%zu", record_id, date, before + 1)
                      : facts_format(f, "%s/comm-%s", record_id, date);
}

const struct iptfhir_node *facts_displays(const struct iptfhir_host *host,
                                          struct iptfhir_error *error) {
    static const char path[] = "terminology/codesystem-ipt.json";
    struct facts f = { host, host->nodes, host->lasting, false };
    const struct iptfhir_node *document = host->document(host, path, error);
    struct iptfhir_node *displays = facts_object(&f);
    const struct iptfhir_node *concept = facts_first(&f, facts_list(&f, document, "concept"));
    bool usable = concept != NULL;
    for (; usable && concept != NULL; concept = facts_next(&f, concept)) {
        const char *code = facts_text(&f, concept, "code");
        const char *display = facts_text(&f, concept, "display");
        usable = code != NULL && display != NULL;
        if (usable)
            facts_set_text(&f, displays, code, display);
    }
    if (usable && !f.failed)
        return displays;
    host->fail(host, error, IPTFHIR_FATAL, "code-system", path,
               "expected an R4 CodeSystem whose concepts have a code and a display");
    return NULL;
}
