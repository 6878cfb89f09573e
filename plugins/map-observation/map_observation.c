/* SPDX-License-Identifier: Apache-2.0 */
/* Measures to QuestionnaireResponse and Observation, with what the instruments say of them; safety
 * flags; communication styles. */
#include "instrument.h"

#include <stdio.h>
#include <string.h>

struct mapper {
    bool questionnaire_response, flag;
    const struct iptfhir_host *host;
    struct instruments instruments;
    json_t *displays;
};

/* One record in hand. */
struct mapping {
    const struct mapper *self;
    const struct iptfhir_record *record;
    const json_t *json;
    json_t *patient; /* UUID */
    struct iptfhir_resource_sink *sink;
    struct iptfhir_error *error;
    const struct instrument *series_for; /* whose series is in hand */
    struct series series;
};

static const struct iptfhir_option options[] = {
    { "questionnaire_response", IPTFHIR_BOOLEAN, 0, offsetof(struct mapper, questionnaire_response),
      "true", 0, 0, NULL,
      "Make a QuestionnaireResponse of each measure that has answers, which its Observations then "
      "derive from." },
    { "flag", IPTFHIR_BOOLEAN, 0, offsetof(struct mapper, flag), "true", 0, 0, NULL,
      "Make a Flag for a record with a positive safety item; alerts are given at any rate." },
    IPTFHIR_OPTIONS_END,
};

/* Reads instruments and displays. */
static iptfhir_status mapper_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct mapper *m = self;
    m->host = host;
    m->displays = facts_displays(host, error);
    if (m->displays && instruments_load(&m->instruments, host, error))
        return IPTFHIR_OK;
    json_decref(m->displays);
    return IPTFHIR_FATAL;
}

/* Frees what init made. */
static void mapper_fini(void *self) {
    struct mapper *m = self;
    instruments_free(&m->instruments);
    json_decref(m->displays);
}

/* Says that memory is out. */
static iptfhir_status no_memory(struct mapping *m) {
    return m->self->host->fail(m->self->host, m->error, IPTFHIR_FATAL, "memory", NULL,
                               "out of memory");
}

/* Appends a local code with its display. */
static bool add_mark(const struct mapping *m, json_t *marks, const char *code) {
    json_t *mark = json_object();
    bool ok = mark && facts_set_text(mark, "code", code) &&
              facts_copy(mark, "display", m->self->displays, code);
    if (ok)
        return facts_append(marks, mark);
    json_decref(mark);
    return false;
}

/* The series of an instrument in this record, made once for all its measures; NULL when memory is
 * out. */
static const struct series *series_in_hand(struct mapping *m, const struct instrument *in) {
    if (m->series_for != in) {
        series_free(&m->series);
        m->series_for = series_of(in, &m->self->instruments, m->json, &m->series) ? in : NULL;
    }
    return m->series_for ? &m->series : NULL;
}

/* Adds what the change since the baseline means by the instrument's rules; a higher score is a
 * worse one. */
static bool add_marks(struct mapping *m, const struct instrument *in, size_t index, int64_t value,
                      json_t *total) {
    if (json_array_size(facts_list(m->json, "measures")) < 2)
        return true;
    const struct series *series = series_in_hand(m, in);
    const struct series_point *base = series ? series->baseline : NULL;
    if (!base)
        return series != NULL;
    size_t at = 0;
    while (at < series->count && series->points[at].index != index)
        at++;
    if (at == series->count || &series->points[at] <= base)
        return true;
    int64_t drop = base->total - value;
    json_t *marks = json_array();
    bool ok = marks && facts_set(total, "marks", marks);
    bool better = in->reliable_change > 0 && drop >= in->reliable_change,
         worse = in->reliable_change > 0 && -drop >= in->reliable_change;
    if (ok && (better || worse))
        ok = add_mark(m, marks, better ? "reliable-improvement" : "reliable-deterioration");
    if (ok && in->response_percent > 0 && base->total > 0 && base->total >= in->response_from &&
        drop * 100 >= in->response_percent * base->total)
        ok = add_mark(m, marks, "response");
    if (ok && better && in->recovered_below > 0 && base->total >= in->recovered_below &&
        value < in->recovered_below)
        ok = add_mark(m, marks, "reliable-recovery");
    return ok;
}

/* Makes the facts of the total. */
static json_t *total_facts(struct mapping *m, const struct instrument *in, size_t index,
                           const struct score *s, const char *id) {
    json_t *total = json_object();
    bool ok = total && facts_set(total, "id",
                                 facts_identity(m->self->host, "Observation", "%s/%s/total",
                                                m->record->id, id));
    if (ok && s->state == SCORE_INCOMPLETE)
        ok = facts_set_text(total, "absent", in->missing);
    if (ok && s->state == SCORE_TOTAL) {
        ok = facts_set(total, "value", json_integer((json_int_t)s->total)) &&
             add_marks(m, in, index, s->total, total);
        for (size_t i = 0; ok && i < in->band_count; i++)
            if (s->total >= in->bands[i].low && s->total <= in->bands[i].high)
                ok = facts_set(total, "band", json_incref(in->bands[i].facts));
    }
    if (ok)
        return total;
    json_decref(total);
    return NULL;
}

/* Adds one answer and the UUID of its Observation. */
static bool add_answer(const struct mapping *m, const struct instrument_item *item, int answer,
                       const char *id, json_t *items, json_t *ids) {
    return facts_append(items, json_incref(answer < 0 ? item->missing : item->answers[answer])) &&
           facts_append(ids, facts_identity(m->self->host, "Observation", "%s/%s/%s", m->record->id,
                                            id, item->code));
}

/* Adds the answers, with the difficulty last. */
static bool add_answers(const struct mapping *m, const struct instrument *in, const struct score *s,
                        const char *id, json_t *facts) {
    json_t *items = json_array(), *ids = json_array();
    bool ok = items && ids;
    for (size_t i = 0; ok && s->has_items && i < in->item_count; i++)
        ok = add_answer(m, &in->items[i], s->answers[i], id, items, ids);
    if (ok && s->has_items && s->difficulty >= 0)
        ok = add_answer(m, &in->difficulty, s->difficulty, id, items, ids);
    ok = facts_set(facts, "items", items) && ok;
    return facts_set(facts, "ids", ids) && ok;
}

/* Who answered: "patient", "therapist", or NULL when the record doesn't say. */
static const char *reporter_of(const json_t *measure) {
    const char *by = facts_text(measure, "reportedBy");
    if (by && (strcmp(by, "patient") == 0 || strcmp(by, "self") == 0))
        return "patient";
    return by && (strcmp(by, "therapist") == 0 || strcmp(by, "clinician") == 0) ? "therapist"
                                                                                : NULL;
}

/* Makes the facts that both mapping files of a measure need. */
static json_t *measure_facts(struct mapping *m, const struct instrument *in, size_t index,
                             const json_t *measure, const struct score *s) {
    const struct iptfhir_host *host = m->self->host;
    const char *id = facts_text(measure, "id");
    json_t *o = json_object();
    bool ok = o && facts_set(o, "instrument", json_incref(in->facts)) &&
              facts_set(o, "patient", json_incref(m->patient)) &&
              facts_set(o, "key", facts_format("%s/%s", m->record->id, id)) &&
              facts_copy(o, "at", measure, "administeredAt") &&
              facts_set_text(o, "reporter", reporter_of(measure)) && add_answers(m, in, s, id, o) &&
              facts_set(o, "total", total_facts(m, in, index, s, id)) &&
              facts_set(o, "panel",
                        facts_identity(host, "Observation", "%s/%s/panel", m->record->id, id));
    if (ok && m->self->questionnaire_response && s->has_items)
        ok = facts_set(o, "response",
                       facts_identity(host, "QuestionnaireResponse", "%s/%s", m->record->id, id));
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

/* Gives an alert for every positive safety item, before anything can hold the measure. */
static void alert_positive(const struct mapping *m, const struct instrument *in, size_t index,
                           const struct score *s) {
    for (size_t i = 0; i < in->item_count; i++) {
        char pointer[160];
        snprintf(pointer, sizeof pointer,
                 s->has_items ? "/measures/%zu/items/%s" : "/measures/%zu/safety", index,
                 in->items[i].field);
        if (s->positive >> i & 1)
            m->sink->alert(m->sink, pointer, "positive-self-harm-item");
    }
}

/* Maps one measure; *positive grows when it has a positive safety item. */
static iptfhir_status map_measure(struct mapping *m, size_t index, const json_t *measure,
                                  bool *positive) {
    const struct instrument *in =
        instruments_find(&m->self->instruments, facts_text(measure, "instrument"));
    char pointer[160];
    struct score score;
    if (!in) {
        if (json_is_true(json_object_get(json_object_get(measure, "safety"), "positive"))) {
            snprintf(pointer, sizeof pointer, "/measures/%zu/safety", index);
            m->sink->alert(m->sink, pointer, "positive-self-harm-item");
        }
        snprintf(pointer, sizeof pointer, "/measures/%zu/instrument", index);
        return m->sink->hold(m->sink, pointer, "unknown-instrument",
                             "no file of mappings/instruments has this name or alias; correct it "
                             "or add the instrument");
    }
    instrument_score(in, measure, &score);
    *positive = *positive || score.positive;
    alert_positive(m, in, index, &score);
    if (score.state == SCORE_HELD) {
        snprintf(pointer, sizeof pointer, "/measures/%zu/%s%s%s", index, score.member,
                 score.field ? "/" : "", score.field ? score.field : "");
        return m->sink->hold(m->sink, pointer, score.code, score.why);
    }
    json_t *facts = measure_facts(m, in, index, measure, &score);
    if (!facts)
        return no_memory(m);
    iptfhir_status status = IPTFHIR_OK;
    if (m->self->questionnaire_response && score.has_items)
        status = m->sink->render(m->sink, "questionnaireresponse", json_incref(facts), m->error);
    if (status != IPTFHIR_OK) {
        json_decref(facts);
        return status;
    }
    return m->sink->render(m->sink, "observation-panel", facts, m->error);
}

/* What the measures of a record say of one safety item, in the order of time. */
struct history {
    int64_t last_at, first_at;
    const char *first, *end;
    bool positive, seen, unacknowledged;
};

/* Adds what one measure says. */
static void add_history(struct history *h, size_t bit, const struct score *s,
                        const json_t *measure) {
    const char *text = facts_text(measure, "administeredAt");
    const json_t *safety = json_object_get(measure, "safety");
    int64_t at = 0;
    bool positive = s->positive >> bit & 1;
    bool negative =
        !positive && (s->answers[bit] >= 0 ||
                      (!s->has_items && json_is_false(json_object_get(safety, "positive"))));
    if ((!positive && !negative) || !facts_seconds(text, &at))
        return;
    if (positive && !facts_text(safety, "acknowledgedAt"))
        h->unacknowledged = true;
    if (positive && (!h->first || at < h->first_at)) {
        h->first = text;
        h->first_at = at;
    }
    if (!h->seen || at > h->last_at ||
        (at == h->last_at &&
         positive)) { /* the latest answer decides; of two at once the positive one */
        h->positive = positive;
        h->last_at = at;
    }
    h->seen = true;
}

/* The first time after the last positive answer that the item was answered and not positive. */
static void find_end(struct history *h, const struct mapping *m, const struct instrument *in,
                     size_t bit) {
    const json_t *measures = facts_list(m->json, "measures");
    int64_t last_positive = INT64_MIN, best = INT64_MAX;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < json_array_size(measures); i++) {
            const json_t *measure = json_array_get(measures, i);
            struct score s;
            int64_t at = 0;
            if (instruments_find(&m->self->instruments, facts_text(measure, "instrument")) != in ||
                !facts_seconds(facts_text(measure, "administeredAt"), &at))
                continue;
            instrument_score(in, measure, &s);
            bool positive = s.positive >> bit & 1, answered = s.answers[bit] >= 0 || !s.has_items;
            if (pass == 0 && positive && at > last_positive)
                last_positive = at;
            if (pass == 1 && !positive && answered && at > last_positive && at < best) {
                best = at;
                h->end = facts_text(measure, "administeredAt");
            }
        }
}

/* Renders the Flag of one safety item. Active until a later answer isn't positive and every
 * positive one is acknowledged. */
static iptfhir_status map_flag(struct mapping *m, const struct instrument *in, size_t bit) {
    const json_t *measures = facts_list(m->json, "measures");
    const struct instrument_item *item = &in->items[bit];
    struct history h = { 0 };
    for (size_t i = 0; i < json_array_size(measures); i++) {
        struct score s;
        const json_t *measure = json_array_get(measures, i);
        if (instruments_find(&m->self->instruments, facts_text(measure, "instrument")) != in)
            continue;
        instrument_score(in, measure, &s);
        add_history(&h, bit, &s, measure);
    }
    if (!h.first)
        return IPTFHIR_OK;
    bool active = h.positive || h.unacknowledged;
    if (!active)
        find_end(&h, m, in, bit);
    json_t *o = json_object();
    bool ok =
        o &&
        facts_set(o, "id",
                  facts_identity(m->self->host, "Flag", "%s/%s", m->record->id, item->flag)) &&
        facts_set(o, "key", facts_format("%s/%s", m->record->id, item->flag)) &&
        facts_set(o, "patient", json_incref(m->patient)) &&
        facts_set_text(o, "status", active ? "active" : "inactive") &&
        facts_set_text(o, "label", item->label) &&
        facts_copy(o, "display", m->self->displays, "positive-self-harm-item") &&
        facts_set(o, "start", facts_format("%.10s", h.first)) &&
        (!h.end || facts_set(o, "end", facts_format("%.10s", h.end)));
    if (ok)
        return m->sink->render(m->sink, "flag", o, m->error);
    json_decref(o);
    return no_memory(m);
}

/* Renders the Flags of a record that has a positive safety item. */
static iptfhir_status map_flags(struct mapping *m) {
    iptfhir_status status = IPTFHIR_OK;
    for (size_t n = 0; n < m->self->instruments.count; n++)
        for (size_t i = 0; status == IPTFHIR_OK && i < m->self->instruments.list[n].item_count; i++)
            if (m->self->instruments.list[n].items[i].flag)
                status = map_flag(m, &m->self->instruments.list[n], i);
    return status;
}

/* Renders the communication styles: each assessment an Observation of its own, never updated in
 * place. */
static iptfhir_status map_communication(struct mapping *m) {
    const json_t *list = facts_list(m->json, "communicationAssessments");
    iptfhir_status status = IPTFHIR_OK;
    for (size_t i = 0; status == IPTFHIR_OK && i < json_array_size(list); i++) {
        const json_t *a = json_array_get(list, i);
        const char *date = facts_text(a, "date"), *style = facts_text(a, "style");
        char pointer[80];
        if (!date) {
            snprintf(pointer, sizeof pointer, "/communicationAssessments/%zu/date", i);
            status = m->sink->hold(
                m->sink, pointer, "no-date",
                "a communication assessment needs its date, which is part of its identity");
            continue;
        }
        json_t *o = json_object();
        bool ok =
            o && facts_set(o, "key", facts_communication_key(m->record->id, list, i)) &&
            facts_set(o, "id",
                      facts_identity(m->self->host, "Observation", "%s", facts_text(o, "key"))) &&
            facts_set(o, "patient", json_incref(m->patient)) && facts_set_text(o, "at", date) &&
            facts_set_text(o, "style", style) &&
            facts_copy(o, "styleDisplay", m->self->displays, style) &&
            facts_copy(o, "effectiveness", a, "effectiveness");
        if (!ok) {
            json_decref(o);
            return no_memory(m);
        }
        status = m->sink->render(m->sink, "observation-communication", o, m->error);
    }
    return status;
}

/* Adds the facts of one impact of a relationship. */
static bool add_relationship(const struct mapping *m, json_t *list, const json_t *from,
                             const char *impact) {
    const char *id = facts_text(from, "id"), *type = facts_text(from, "relationshipType");
    json_t *o = json_object();
    bool ok = o &&
              facts_set(o, "id",
                        facts_identity(m->self->host, "Observation", "%s/%s/%s", m->record->id, id,
                                       impact)) &&
              facts_set(o, "key", facts_format("%s/%s/%s", m->record->id, id, impact)) &&
              facts_set_text(o, "impact", impact) &&
              facts_copy(o, "impactDisplay", m->self->displays, impact) &&
              facts_set_text(o, "type", type) &&
              (!type || facts_copy(o, "typeDisplay", m->self->displays, type));
    if (ok)
        return facts_append(list, o);
    json_decref(o);
    return false;
}

/* Renders what relationships do to the patient: coded and nameless. The mapping file makes nothing
 * unless share_interpersonal is on. */
static iptfhir_status map_relationships(struct mapping *m) {
    const json_t *inventory = facts_list(m->json, "interpersonalInventory");
    const char *at = facts_text(json_object_get(m->json, "needsAssessment"), "date");
    json_t *o = json_object(), *list = json_array();
    if (!at)
        at = facts_text(json_object_get(m->json, "course"), "start");
    bool ok = o && list;
    for (size_t i = 0; ok && i < json_array_size(inventory); i++) {
        const json_t *from = json_array_get(inventory, i), *impacts = facts_list(from, "impact");
        for (size_t n = 0; ok && facts_text(from, "id") && n < json_array_size(impacts); n++)
            ok = !json_is_string(json_array_get(impacts, n)) ||
                 add_relationship(m, list, from, json_string_value(json_array_get(impacts, n)));
    }
    ok = facts_set(o, "relationships", list) && ok;
    if (ok && facts_set(o, "patient", json_incref(m->patient)) && facts_set_text(o, "at", at))
        return m->sink->render(m->sink, "observation-relationship", o, m->error);
    json_decref(o);
    return no_memory(m);
}

/* Maps a record. */
static iptfhir_status mapper_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    struct mapping m = {
        .self = self, .record = record, .json = record->json(record), .sink = sink, .error = error
    };
    const json_t *measures = facts_list(m.json, "measures");
    iptfhir_status status = IPTFHIR_OK;
    bool positive = false;
    m.patient = m.json ? facts_identity(m.self->host, "Patient", "%s",
                                        facts_text(json_object_get(m.json, "patient"), "localId"))
                       : NULL;
    if (!m.patient)
        return no_memory(&m);
    for (size_t i = 0; status == IPTFHIR_OK && i < json_array_size(measures); i++)
        status = map_measure(&m, i, json_array_get(measures, i), &positive);
    if (status == IPTFHIR_OK && positive && m.self->flag)
        status = map_flags(&m);
    if (status == IPTFHIR_OK && !facts_excluded(m.json, "communication-assessments"))
        status = map_communication(&m);
    if (status == IPTFHIR_OK && json_array_size(facts_list(m.json, "interpersonalInventory")) > 0 &&
        !facts_excluded(m.json, "interpersonal"))
        status = map_relationships(&m);
    series_free(&m.series);
    json_decref(m.patient);
    return status;
}

static const char *const emits[] = { "QuestionnaireResponse", "Observation", "Flag", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

IPTFHIR_PLUGIN_EXPORT const struct iptfhir_plugin iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof iptfhir_plugin,
    .name = "map-observation",
    .version = "1",
    .summary =
        "Makes Observations and QuestionnaireResponses of measures, by the instrument files.",
    .instance_size = sizeof(struct mapper),
    .options = options,
    .init = mapper_init,
    .fini = mapper_fini,
    .mapper = &mapper,
};
