/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: writing, and reading what came back. */
#include "bundle.h"

#include <stdlib.h>
#include <string.h>

void bundle_begin(struct request_writer *w, const char *type) {
    request_begin(w, "POST");
    request_header(w, "Content-Type: application/fhir+json");
    request_header(w, "Accept: application/fhir+json");
    request_header(w, "Cache-Control: no-cache");
    request_header(w, "Prefer: return=representation");
    request_body(w);
    iptfhir_text_puts(&w->text, "{\"resourceType\":\"Bundle\",\"type\":\"");
    iptfhir_text_puts(&w->text, type);
    iptfhir_text_puts(&w->text, "\",\"entry\":[");
}

void bundle_entry(struct request_writer *w, bool first) {
    if (!first)
        iptfhir_text_puts(&w->text, ",");
}

void bundle_send(struct request_writer *w) {
    iptfhir_text_puts(&w->text, "]}");
    request_send(w);
}

/* Tells whether a bundle is of a kind. A server that leaves the type out is not corrected. */
static bool is_kind(const json_t *json, const char *kind) {
    const char *resource_type = json_text(json, "resourceType");
    const char *type = json_text(json, "type");
    if (resource_type == NULL || strcmp(resource_type, "Bundle") != 0)
        return false;
    if (type == NULL)
        return true;
    size_t length = strlen(type);
    size_t end = strlen(kind);
    return length >= end && strcmp(type + length - end, kind) == 0;
}

bool bundle_open(struct bundle *b, const json_t *json, struct slice text, const char *kind) {
    *b = (struct bundle) { .entries = json_object_get(json, "entry") };
    b->count = json_array_size(b->entries);
    if (!is_kind(json, kind) || text.text == NULL)
        return false;
    if (b->entries != NULL && !json_is_array(b->entries))
        return false;
    if (!slices_find(&b->slices, text.text, text.length))
        return false;
    if (b->slices.count == b->count)
        return true;
    bundle_close(b);
    return false;
}

void bundle_close(struct bundle *b) {
    slices_free(&b->slices);
}

/* Marks the entry that an expression names. */
static size_t mark(const char *expression, bool *named, size_t count) {
    static const char prefix[] = "Bundle.entry[";
    char *end;
    if (expression == NULL || strncmp(expression, prefix, sizeof prefix - 1) != 0)
        return 0;
    const char *digits = expression + sizeof prefix - 1;
    unsigned long n = strtoul(digits, &end, 10);
    bool good = end != digits && *end == ']' && *digits >= '0' && *digits <= '9';
    if (!good || n >= count || named[n])
        return 0;
    named[n] = true;
    return 1;
}

size_t bundle_named(const json_t *issues, bool *named, size_t count) {
    const json_t *issue, *one;
    size_t i;
    size_t k;
    size_t found = 0;
    json_array_foreach(issues, i, issue) {
        if (!answer_issue_counts(issue))
            continue;
        json_array_foreach(json_object_get(issue, "expression"), k, one) {
            found += mark(json_string_value(one), named, count);
        }
        json_array_foreach(json_object_get(issue, "location"), k, one) {
            found += mark(json_string_value(one), named, count);
        }
    }
    return found;
}
