/* SPDX-License-Identifier: Apache-2.0 */
/* FIND: an order's items by business identifier. */
#include "find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds the first code of a member of a body as a search parameter; false when there is none. */
static bool add_coded(struct iptfhir_text *form, const char *parameter, const json_t *concept) {
    const json_t *coding = json_array_get(json_object_get(concept, "coding"), 0);
    const char *code = json_text(coding, "code");
    if (code == NULL)
        return false;
    iptfhir_text_puts(form, "&");
    iptfhir_text_puts(form, parameter);
    iptfhir_text_puts(form, "=");
    text_token(form, json_text(coding, "system"), code, true);
    return true;
}

/* Narrows a search to the code of a body, else to its category, as far as the server allows. */
static void add_code(struct iptfhir_text *form, const struct iptfhir_item *item, unsigned can) {
    bool has_code = false;
    json_t *body = NULL;
    if (item->body != NULL)
        body = json_loadb(item->body, item->body_length, 0, NULL);
    if ((can & SEARCH_BY_CODE) != 0)
        has_code = add_coded(form, "code", json_object_get(body, "code"));
    if (!has_code && (can & SEARCH_BY_CATEGORY) != 0)
        (void)add_coded(form, "category", json_array_get(json_object_get(body, "category"), 0));
    json_decref(body);
}

/* Adds the patient; the type stands before the id, since some servers find nothing without it. */
static void add_patient(struct iptfhir_text *form, const char *chart, unsigned can) {
    iptfhir_text_puts(form,
                      (can & SEARCH_BY_PATIENT) != 0 ? "patient=Patient%2F" : "subject=Patient%2F");
    iptfhir_text_puts(form, chart);
}

/* Writes what is searched for an item; false when it cannot be searched. */
static bool write_form(struct iptfhir_text *form, const struct iptfhir_item *item,
                       const char *chart, unsigned can) {
    bool within = chart != NULL && (can & (SEARCH_BY_PATIENT | SEARCH_BY_SUBJECT)) != 0;
    iptfhir_text_clear(form);
    if ((can & IPTFHIR_CAN_FIND) == 0 || item->value == NULL)
        return false;
    if ((can & SEARCH_BY_IDENTIFIER) != 0) {
        iptfhir_text_puts(form, "identifier=");
        text_token(form, item->system, item->value, true);
        if (within) {
            iptfhir_text_puts(form, "&");
            add_patient(form, chart, can);
        }
        return true;
    }
    if (!within)
        return false;
    add_patient(form, chart, can);
    add_code(form, item, can);
    iptfhir_text_puts(form, "&_count=100");
    return true;
}

/* Gives an item its search: one that another has already, or a new one. */
static bool join_search(struct find *f, size_t index, const struct iptfhir_item *item,
                        const char *form) {
    char number[24];
    const struct name_parts name = { item->type, form, NULL };
    long search = names_find(&f->by_form, name);
    if (search == NAMES_NONE) {
        search = searches_add(&f->searches, item->type, form);
        if (search < 0 || names_add(&f->by_form, name, search) == NAMES_NO_MEMORY)
            return false;
    }
    if (search < 0)
        return false;
    (void)snprintf(number, sizeof number, "%ld", search);
    const struct name_parts value = { number, item->system, item->value };
    f->search[index] = search;
    return names_add(&f->by_value, value, (long)index) != NAMES_NO_MEMORY;
}

bool find_begin(struct find *f, const struct iptfhir_order *order, const struct capability *c) {
    struct iptfhir_text form = { 0 };
    const char *chart = order->chart;
    f->search = calloc(order->count + 1, sizeof *f->search);
    f->found = calloc(order->count + 1, sizeof *f->found);
    bool good = f->search != NULL && f->found != NULL;
    bool chart_good = chart == NULL || id_valid(chart, strlen(chart));
    for (size_t i = 0; good && i < order->count; i++) {
        const struct iptfhir_item *item = &order->items[i];
        f->search[i] = -1;
        unsigned can = type_valid(item->type) ? capability_of(c, item->type) : 0;
        if (!chart_good || !write_form(&form, item, chart, can))
            continue;
        good = !form.failed && join_search(f, i, item, form.data);
    }
    iptfhir_text_free(&form);
    return good;
}

/* Tells the sink of a resource that was found. */
static void tell_found(const struct find *f, size_t item, const json_t *resource,
                       struct slice text) {
    const char *version = json_text(json_object_get(resource, "meta"), "versionId");
    bool usable = version != NULL && version_valid(version, strlen(version));
    struct iptfhir_evidence evidence = { .size = sizeof evidence,
                                         .proof = IPTFHIR_FOUND,
                                         .server_id = json_text(resource, "id"),
                                         .version = usable ? version : NULL,
                                         .body = text.text,
                                         .body_length = text.length };
    f->sink->item(f->sink, item, &evidence);
}

/* Finds the item that an identifier belongs to, and tells it. */
static bool take_identifier(struct find *f, const char *search, const json_t *identifier,
                            const json_t *resource, struct slice text) {
    const char *value = json_text(identifier, "value");
    const struct name_parts name = { search, json_text(identifier, "system"), value };
    if (value == NULL)
        return false;
    long item = names_find(&f->by_value, name);
    if (item < 0)
        return false;
    f->found[item]++;
    tell_found(f, (size_t)item, resource, text);
    return true;
}

/* Takes a match of a search for what it is: one of our items, or none of them. */
static void take_match(void *user, size_t search, const json_t *resource, struct slice text) {
    struct find *f = user;
    const json_t *identifiers = json_object_get(resource, "identifier"), *one;
    char number[24];
    size_t i;
    (void)snprintf(number, sizeof number, "%zu", search);
    /* some types have one identifier, not a list (QuestionnaireResponse, Composition) */
    if (json_is_object(identifiers))
        (void)take_identifier(f, number, identifiers, resource, text);
    json_array_foreach(identifiers, i, one) {
        if (take_identifier(f, number, one, resource, text))
            return;
    }
}

/* Tells the items of which none was found, and those that could not be searched. */
static void tell_rest(const struct find *f) {
    for (size_t i = 0; i < f->order->count; i++) {
        struct verdict v = { .proof = IPTFHIR_ABSENT };
        if (f->found[i] > 0)
            continue;
        if (f->search[i] < 0)
            v = (struct verdict) { .proof = IPTFHIR_REFUSED,
                                   .code = "capability",
                                   .detail = "the target offers no search that finds it" };
        else if (f->searches.list[f->search[i]].state != SEARCH_COMPLETE)
            v = f->searches.list[f->search[i]].verdict;
        verdict_tell(&v, f->sink, i);
    }
}

iptfhir_answered find_answer(struct find *f, const struct iptfhir_order *order,
                             const struct iptfhir_http_response *answers, size_t count, int64_t now,
                             struct iptfhir_evidence_sink *sink) {
    struct verdict_pause pause = { 0 };
    f->order = order;
    f->sink = sink;
    iptfhir_answered answered =
        searches_answer(&f->searches, order->round, answers, count, now, take_match, f, &pause);
    verdict_pause_tell(&pause, sink);
    if (answered == IPTFHIR_ANSWERED)
        tell_rest(f);
    return answered;
}

void find_free(struct find *f) {
    searches_free(&f->searches);
    names_free(&f->by_form);
    names_free(&f->by_value);
    free(f->search);
    free(f->found);
    *f = (struct find) { 0 };
}
