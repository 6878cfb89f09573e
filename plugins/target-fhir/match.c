/* SPDX-License-Identifier: Apache-2.0 */
/* MATCH: the server's patients with an order's identifiers. */
#include "match.h"

#include "candidate.h"

#include <stdlib.h>
#include <string.h>

/* Tells whether patients are searched by an identifier. */
static bool is_searched(const struct iptfhir_identifier *id, const char *system) {
    bool whole = id->system != NULL && id->value != NULL && id->value[0] != '\0';
    return whole && strcmp(id->system, system) == 0;
}

bool match_begin(struct match *m, const struct iptfhir_order *order, const char *system) {
    struct iptfhir_text form = { 0 };
    m->identifier = calloc(order->identifier_count + 1, sizeof *m->identifier);
    bool good = m->identifier != NULL;
    for (size_t i = 0; good && i < order->identifier_count; i++) {
        const struct iptfhir_identifier *id = &order->identifiers[i];
        if (!is_searched(id, system))
            continue;
        iptfhir_text_clear(&form);
        iptfhir_text_puts(&form, "identifier=");
        text_token(&form, id->system, id->value, true);
        long number = form.failed ? -1 : searches_add(&m->searches, "Patient", form.data);
        good = number >= 0;
        if (good)
            m->identifier[number] = i;
    }
    iptfhir_text_free(&form);
    return good;
}

/* Tells the sink of a patient, once. */
static void take_match(void *user, size_t search, const json_t *patient, struct slice text) {
    struct match *m = user;
    const struct iptfhir_identifier *wanted = &m->order->identifiers[m->identifier[search]];
    const struct name_parts id = { json_text(patient, "id"), NULL, NULL };
    (void)text;
    if (!candidate_carries(patient, wanted))
        return; /* the server does not search as it was asked to */
    long before = names_add(&m->told, id, 1);
    if (before == NAMES_NO_MEMORY)
        m->no_memory = true;
    if (before != NAMES_NONE)
        return;
    if (!candidate_tell(patient, m->sink))
        m->no_memory = true;
}

/* Says how the search for the patient went. */
static void tell_end(const struct match *m, struct iptfhir_evidence_sink *sink) {
    struct verdict v = { .proof = m->told.count > 0 ? IPTFHIR_FOUND : IPTFHIR_ABSENT };
    for (size_t i = 0; i < m->searches.count; i++) {
        if (m->searches.list[i].state != SEARCH_COMPLETE)
            v = m->searches.list[i].verdict;
    }
    if (m->no_memory)
        v = (struct verdict) { .proof = IPTFHIR_NOT_DONE, .detail = "memory ran out" };
    verdict_tell(&v, sink, 0);
}

iptfhir_answered match_answer(struct match *m, const struct iptfhir_order *order,
                              const struct iptfhir_http_response *answers, size_t count,
                              int64_t now, struct iptfhir_evidence_sink *sink) {
    struct verdict_pause pause = { 0 };
    m->order = order;
    m->sink = sink;
    iptfhir_answered answered =
        searches_answer(&m->searches, order->round, answers, count, now, take_match, m, &pause);
    verdict_pause_tell(&pause, sink);
    if (answered == IPTFHIR_ANSWERED)
        tell_end(m, sink);
    return answered;
}

void match_free(struct match *m) {
    searches_free(&m->searches);
    names_free(&m->told);
    free(m->identifier);
    *m = (struct match) { 0 };
}
