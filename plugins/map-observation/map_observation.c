/* SPDX-License-Identifier: Apache-2.0 */
/* Measures to QuestionnaireResponse and Observation, with what the instruments say of them; safety
 * flags; communication styles. */
#include "lib/instrument/instrument.h"

#include <iptfhir/date.h>
#include <stdio.h>
#include <string.h>

struct mapper {
    bool questionnaire_response, flag;
    const struct iptfhir_host *host;
    struct instruments instruments;
    const struct iptfhir_node *displays;
};

/* One record in hand. */
struct mapping {
    const struct mapper *self;
    const struct iptfhir_record *record;
    struct facts *f;
    const struct iptfhir_node *node; /* of the record */
    char patient[37];                /* UUID */
    struct iptfhir_resource_sink *sink;
    struct iptfhir_error *error;
    const struct instrument *series_for; /* whose series is in hand */
    struct series series;
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_BOOLEAN(struct mapper, questionnaire_response, "questionnaire_response", 0,
                           "true",
                           "Make a QuestionnaireResponse of each measure that has answers, which "
                           "its Observations then derive from."),
    IPTFHIR_OPTION_BOOLEAN(struct mapper, flag, "flag", 0, "true",
                           "Make a Flag for a record with a positive safety item; alerts are given "
                           "at any rate."),
    IPTFHIR_OPTIONS_END,
};

/* Reads instruments and displays. */
static iptfhir_status mapper_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct mapper *m = self;
    m->host = host;
    m->displays = facts_displays(host, error);
    bool ready = m->displays != NULL && instruments_load(&m->instruments, host, error);
    return ready ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Frees what init made. */
static void mapper_fini(void *self) {
    struct mapper *m = self;
    instruments_free(&m->instruments);
}

/* Lets a mapping file make its resources of facts, if all of them could be built. */
static iptfhir_status render(struct mapping *m, const char *mapping,
                             const struct iptfhir_node *facts) {
    const struct iptfhir_host *host = m->self->host;
    if (m->f->failed)
        return host->fail(host, m->error, IPTFHIR_FATAL, "memory", NULL, "out of memory");
    return m->sink->render(m->sink, mapping, facts, m->error);
}

/* The instrument of a measure; NULL when no file has it. */
static const struct instrument *instrument_of(const struct mapping *m,
                                              const struct iptfhir_node *measure) {
    return instruments_find(m->f, &m->self->instruments, facts_text(m->f, measure, "instrument"));
}

/* Appends a local code with its display. */
static void add_mark(const struct mapping *m, struct iptfhir_node *marks, const char *code) {
    struct iptfhir_node *mark = facts_object(m->f);
    facts_set_text(m->f, mark, "code", code);
    facts_copy(m->f, mark, "display", m->self->displays, code);
    facts_append(m->f, marks, mark);
}

/* The series of an instrument in this record, made once for all its measures; NULL when memory is
 * out. */
static const struct series *series_in_hand(struct mapping *m, const struct instrument *in) {
    if (m->series_for != in) {
        series_free(&m->series);
        bool made = series_of(m->f, in, &m->self->instruments, m->node, &m->series);
        m->series_for = made ? in : NULL;
    }
    return m->series_for != NULL ? &m->series : NULL;
}

/* Adds what a drop from the baseline means by the instrument's rules; a higher score is a worse
 * one. */
static void add_marks_of_drop(const struct mapping *m, const struct instrument *in,
                              int64_t baseline, int64_t value, struct iptfhir_node *marks) {
    int64_t drop = baseline - value;
    bool reliable = in->reliable_change > 0;
    bool better = reliable && drop >= in->reliable_change;
    bool worse = reliable && -drop >= in->reliable_change;
    bool may_respond = in->response_percent > 0 && baseline > 0 && baseline >= in->response_from;
    bool may_recover = in->recovered_below > 0 && baseline >= in->recovered_below;
    if (better)
        add_mark(m, marks, "reliable-improvement");
    if (worse)
        add_mark(m, marks, "reliable-deterioration");
    if (may_respond && drop * 100 >= in->response_percent * baseline)
        add_mark(m, marks, "response");
    if (better && may_recover && value < in->recovered_below)
        add_mark(m, marks, "reliable-recovery");
}

/* Adds what the change since the baseline means. */
static void add_marks(struct mapping *m, const struct instrument *in, size_t index, int64_t value,
                      struct iptfhir_node *total) {
    if (facts_count(m->f, facts_list(m->f, m->node, "measures")) < 2)
        return;
    const struct series *series = series_in_hand(m, in);
    if (series == NULL) {
        m->f->failed = true;
        return;
    }
    size_t at = 0;
    while (at < series->count && series->points[at].index != index)
        at++;
    const struct series_point *base = series->baseline;
    if (base == NULL || at == series->count || &series->points[at] <= base)
        return;
    add_marks_of_drop(m, in, base->total, value, facts_set_list(m->f, total, "marks"));
}

/* Sets the band that a total falls into. */
static void set_band(const struct mapping *m, const struct instrument *in, int64_t value,
                     struct iptfhir_node *total) {
    size_t i = 0;
    while (i < in->band_count && value > in->bands[i].high)
        i++;
    if (i < in->band_count && value >= in->bands[i].low)
        facts_set(m->f, total, "band", facts_copy_of(m->f, in->bands[i].facts));
}

/* Makes the facts of the total. */
static struct iptfhir_node *total_facts(struct mapping *m, const struct instrument *in,
                                        size_t index, const struct score *s, const char *id) {
    struct iptfhir_node *total = facts_object(m->f);
    facts_set(m->f, total, "id",
              facts_identity(m->f, "Observation", "%s/%s/total", m->record->id, id));
    if (s->state == SCORE_INCOMPLETE)
        facts_set_text(m->f, total, "absent", in->missing);
    if (s->state == SCORE_TOTAL) {
        facts_set_number(m->f, total, "value", s->total);
        add_marks(m, in, index, s->total, total);
        set_band(m, in, s->total, total);
    }
    return total;
}

/* Adds one answer and the UUID of its Observation. */
static void add_answer(const struct mapping *m, const struct instrument_item *item, int answer,
                       const char *id, struct iptfhir_node *items, struct iptfhir_node *ids) {
    const struct iptfhir_node *facts = answer < 0 ? item->missing : item->answers[answer];
    facts_append(m->f, items, facts_copy_of(m->f, facts));
    facts_append(m->f, ids,
                 facts_identity(m->f, "Observation", "%s/%s/%s", m->record->id, id, item->code));
}

/* Adds the answers, with the difficulty last. */
static void add_answers(const struct mapping *m, const struct instrument *in, const struct score *s,
                        const char *id, struct iptfhir_node *facts) {
    struct iptfhir_node *items = facts_set_list(m->f, facts, "items");
    struct iptfhir_node *ids = facts_set_list(m->f, facts, "ids");
    if (!s->has_items)
        return;
    for (size_t i = 0; i < in->item_count; i++)
        add_answer(m, &in->items[i], s->answers[i], id, items, ids);
    if (s->difficulty >= 0)
        add_answer(m, &in->difficulty, s->difficulty, id, items, ids);
}

/* Who answered: "patient", "therapist", or NULL when the record doesn't say. */
static const char *reporter_of(const struct mapping *m, const struct iptfhir_node *measure) {
    static const char *const reporters[][2] = { { "patient", "patient" },
                                                { "self", "patient" },
                                                { "therapist", "therapist" },
                                                { "clinician", "therapist" } };
    const char *by = facts_text(m->f, measure, "reportedBy");
    for (size_t i = 0; by != NULL && i < sizeof reporters / sizeof *reporters; i++)
        if (strcmp(by, reporters[i][0]) == 0)
            return reporters[i][1];
    return NULL;
}

/* Makes the facts that both mapping files of a measure need. */
static struct iptfhir_node *measure_facts(struct mapping *m, const struct instrument *in,
                                          size_t index, const struct iptfhir_node *measure,
                                          const struct score *s) {
    struct facts *f = m->f;
    const char *id = facts_text(f, measure, "id");
    const char *record = m->record->id;
    struct iptfhir_node *o = facts_object(f);
    facts_set(f, o, "instrument", facts_copy_of(f, in->facts));
    facts_set_text(f, o, "patient", m->patient);
    facts_set(f, o, "key", facts_format(f, "%s/%s", record, id));
    facts_copy(f, o, "at", measure, "administeredAt");
    facts_set_text(f, o, "reporter", reporter_of(m, measure));
    add_answers(m, in, s, id, o);
    facts_set(f, o, "total", total_facts(m, in, index, s, id));
    facts_set(f, o, "panel", facts_identity(f, "Observation", "%s/%s/panel", record, id));
    if (m->self->questionnaire_response && s->has_items)
        facts_set(f, o, "response",
                  facts_identity(f, "QuestionnaireResponse", "%s/%s", record, id));
    return o;
}

/* Gives an alert for every positive safety item, before anything can hold the measure. */
static void alert_positive(const struct mapping *m, const struct instrument *in, size_t index,
                           const struct score *s) {
    for (size_t i = 0; i < in->item_count; i++) {
        char pointer[160];
        if ((s->positive >> i & 1) == 0)
            continue;
        if (s->has_items)
            snprintf(pointer, sizeof pointer, "/measures/%zu/items/%s", index, in->items[i].field);
        else
            snprintf(pointer, sizeof pointer, "/measures/%zu/safety", index);
        m->sink->alert(m->sink, pointer, "positive-self-harm-item");
    }
}

/* Holds a measure whose instrument nobody knows; its safety answer is heard at any rate. */
static iptfhir_status hold_unknown(struct mapping *m, size_t index,
                                   const struct iptfhir_node *measure) {
    char pointer[160];
    if (iptfhir_get_true(m->f->nodes, facts_get(m->f, measure, "safety"), "positive")) {
        snprintf(pointer, sizeof pointer, "/measures/%zu/safety", index);
        m->sink->alert(m->sink, pointer, "positive-self-harm-item");
    }
    snprintf(pointer, sizeof pointer, "/measures/%zu/instrument", index);
    return m->sink->hold(m->sink, pointer, "unknown-instrument",
                         "no file of mappings/instruments has this name or alias; correct it "
                         "or add the instrument");
}

/* Maps one measure; *positive is set when it has a positive safety item. */
static iptfhir_status map_measure(struct mapping *m, size_t index,
                                  const struct iptfhir_node *measure, bool *positive) {
    const struct instrument *in = instrument_of(m, measure);
    if (in == NULL)
        return hold_unknown(m, index, measure);
    struct score score;
    instrument_score(m->f, in, measure, &score);
    *positive = *positive || score.positive != 0;
    alert_positive(m, in, index, &score);
    if (score.state == SCORE_HELD) {
        char pointer[160];
        bool of_item = score.field != NULL;
        snprintf(pointer, sizeof pointer, "/measures/%zu/%s%s%s", index, score.member,
                 of_item ? "/" : "", of_item ? score.field : "");
        return m->sink->hold(m->sink, pointer, score.code, score.why);
    }
    const struct iptfhir_node *facts = measure_facts(m, in, index, measure, &score);
    iptfhir_status status = IPTFHIR_OK;
    if (m->self->questionnaire_response && score.has_items)
        status = render(m, "questionnaireresponse", facts);
    return status == IPTFHIR_OK ? render(m, "observation-panel", facts) : status;
}

/* ---- safety flags ---- */

/* One measure's answer to a safety item. */
struct safety_answer {
    int64_t at;
    const char *text; /* when, as recorded */
    bool known;       /* the item was answered, and it is known when */
    bool positive;
    bool acknowledged;
};

/* What one measure says of a safety item. */
static struct safety_answer safety_answer_of(const struct mapping *m, const struct instrument *in,
                                             size_t bit, const struct iptfhir_node *measure) {
    struct safety_answer a = { 0 };
    struct score s;
    bool recorded = false;
    if (instrument_of(m, measure) != in)
        return a;
    const struct iptfhir_node *safety = facts_get(m->f, measure, "safety");
    instrument_score(m->f, in, measure, &s);
    a.positive = (s.positive >> bit & 1) != 0;
    bool told = m->f->nodes->boolean(facts_get(m->f, safety, "positive"), &recorded);
    bool answered = s.answers[bit] >= 0 || (!s.has_items && told && !recorded);
    a.text = facts_text(m->f, measure, "administeredAt");
    a.known = (a.positive || answered) && iptfhir_time_to_seconds(a.text, &a.at);
    a.acknowledged = facts_text(m->f, safety, "acknowledgedAt") != NULL;
    return a;
}

/* What the measures of a record say of one safety item, in the order of time. */
struct history {
    int64_t last_at;
    int64_t first_at;
    const char *first; /* the first positive answer; NULL: there is none */
    const char *end;   /* the first that wasn't positive after the last positive one */
    bool positive;     /* the latest answer */
    bool seen;
    bool unacknowledged;
};

/* Adds one answer: the latest decides, of two at once the positive one. */
static void add_history(struct history *h, const struct safety_answer *a) {
    if (a->positive && !a->acknowledged)
        h->unacknowledged = true;
    if (a->positive && (h->first == NULL || a->at < h->first_at)) {
        h->first = a->text;
        h->first_at = a->at;
    }
    bool later = !h->seen || a->at > h->last_at || (a->at == h->last_at && a->positive);
    if (later) {
        h->positive = a->positive;
        h->last_at = a->at;
    }
    h->seen = true;
}

/* The first time after the last positive answer that the item was answered and not positive. */
static const char *find_end(const struct mapping *m, const struct instrument *in, size_t bit) {
    const struct iptfhir_node *measures = facts_list(m->f, m->node, "measures");
    int64_t last_positive = INT64_MIN;
    int64_t best = INT64_MAX;
    const char *end = NULL;
    const struct iptfhir_node *measure = facts_first(m->f, measures);
    for (; measure != NULL; measure = facts_next(m->f, measure)) {
        int64_t at = 0;
        struct score s;
        if (instrument_of(m, measure) != in ||
            !iptfhir_time_to_seconds(facts_text(m->f, measure, "administeredAt"), &at))
            continue;
        instrument_score(m->f, in, measure, &s);
        if ((s.positive >> bit & 1) != 0 && at > last_positive)
            last_positive = at;
    }
    measure = facts_first(m->f, measures);
    for (; measure != NULL; measure = facts_next(m->f, measure)) {
        const char *text = facts_text(m->f, measure, "administeredAt");
        int64_t at = 0;
        struct score s;
        if (instrument_of(m, measure) != in || !iptfhir_time_to_seconds(text, &at))
            continue;
        instrument_score(m->f, in, measure, &s);
        bool negative = (s.positive >> bit & 1) == 0 && (s.answers[bit] >= 0 || !s.has_items);
        if (negative && at > last_positive && at < best) {
            best = at;
            end = text;
        }
    }
    return end;
}

/* Renders the Flag of one safety item. Active until a later answer isn't positive and every
 * positive one is acknowledged. */
static iptfhir_status map_flag(struct mapping *m, const struct instrument *in, size_t bit) {
    const struct instrument_item *item = &in->items[bit];
    struct facts *f = m->f;
    struct history h = { 0 };
    const struct iptfhir_node *measure = facts_first(f, facts_list(f, m->node, "measures"));
    for (; measure != NULL; measure = facts_next(f, measure)) {
        struct safety_answer answer = safety_answer_of(m, in, bit, measure);
        if (answer.known)
            add_history(&h, &answer);
    }
    if (h.first == NULL)
        return IPTFHIR_OK;
    bool active = h.positive || h.unacknowledged;
    if (!active)
        h.end = find_end(m, in, bit);
    struct iptfhir_node *o = facts_object(f);
    facts_set(f, o, "id", facts_identity(f, "Flag", "%s/%s", m->record->id, item->flag));
    facts_set(f, o, "key", facts_format(f, "%s/%s", m->record->id, item->flag));
    facts_set_text(f, o, "patient", m->patient);
    facts_set_text(f, o, "status", active ? "active" : "inactive");
    facts_set_text(f, o, "label", item->label);
    facts_copy(f, o, "display", m->self->displays, "positive-self-harm-item");
    facts_set(f, o, "start", facts_format(f, "%.10s", h.first));
    if (h.end != NULL)
        facts_set(f, o, "end", facts_format(f, "%.10s", h.end));
    return render(m, "flag", o);
}

/* Renders the Flags of a record that has a positive safety item. */
static iptfhir_status map_flags(struct mapping *m) {
    iptfhir_status status = IPTFHIR_OK;
    for (size_t n = 0; n < m->self->instruments.count; n++) {
        const struct instrument *in = &m->self->instruments.list[n];
        for (size_t i = 0; status == IPTFHIR_OK && i < in->item_count; i++)
            if (in->items[i].flag != NULL)
                status = map_flag(m, in, i);
    }
    return status;
}

/* ---- communication and relationships ---- */

/* Renders one assessment of the communication style. */
static iptfhir_status map_assessment(struct mapping *m, const struct iptfhir_node *list,
                                     const struct iptfhir_node *assessment) {
    struct facts *f = m->f;
    const char *style = facts_text(f, assessment, "style");
    struct iptfhir_node *key = facts_communication_key(f, m->record->id, list, assessment);
    const char *key_text = f->nodes->text(key, NULL);
    struct iptfhir_node *o = facts_object(f);
    facts_set(f, o, "key", key);
    if (key_text != NULL)
        facts_set(f, o, "id", facts_identity(f, "Observation", "%s", key_text));
    facts_set_text(f, o, "patient", m->patient);
    facts_set_text(f, o, "at", facts_text(f, assessment, "date"));
    facts_set_text(f, o, "style", style);
    facts_copy(f, o, "styleDisplay", m->self->displays, style);
    facts_copy(f, o, "effectiveness", assessment, "effectiveness");
    return render(m, "observation-communication", o);
}

/* Renders the communication styles: each assessment an Observation of its own, never updated in
 * place. */
static iptfhir_status map_communication(struct mapping *m) {
    const struct iptfhir_node *list = facts_list(m->f, m->node, "communicationAssessments");
    const struct iptfhir_node *assessment = facts_first(m->f, list);
    iptfhir_status status = IPTFHIR_OK;
    for (size_t i = 0; status == IPTFHIR_OK && assessment != NULL; i++) {
        char pointer[80];
        snprintf(pointer, sizeof pointer, "/communicationAssessments/%zu/date", i);
        if (facts_text(m->f, assessment, "date") != NULL)
            status = map_assessment(m, list, assessment);
        else
            status = m->sink->hold(
                m->sink, pointer, "no-date",
                "a communication assessment needs its date, which is part of its identity");
        assessment = facts_next(m->f, assessment);
    }
    return status;
}

/* Adds the facts of one impact of a relationship. */
static void add_relationship(const struct mapping *m, struct iptfhir_node *list,
                             const struct iptfhir_node *from, const char *impact) {
    struct facts *f = m->f;
    const char *id = facts_text(f, from, "id");
    const char *type = facts_text(f, from, "relationshipType");
    const char *record = m->record->id;
    struct iptfhir_node *o = facts_object(f);
    facts_set(f, o, "id", facts_identity(f, "Observation", "%s/%s/%s", record, id, impact));
    facts_set(f, o, "key", facts_format(f, "%s/%s/%s", record, id, impact));
    facts_set_text(f, o, "impact", impact);
    facts_copy(f, o, "impactDisplay", m->self->displays, impact);
    facts_set_text(f, o, "type", type);
    facts_copy(f, o, "typeDisplay", m->self->displays, type);
    facts_append(f, list, o);
}

/* Adds the facts of all impacts of a relationship that has an id. */
static void add_impacts(const struct mapping *m, struct iptfhir_node *list,
                        const struct iptfhir_node *from) {
    if (facts_text(m->f, from, "id") == NULL)
        return;
    const struct iptfhir_node *impact = facts_first(m->f, facts_list(m->f, from, "impact"));
    for (; impact != NULL; impact = facts_next(m->f, impact)) {
        const char *code = m->f->nodes->text(impact, NULL);
        if (code != NULL)
            add_relationship(m, list, from, code);
    }
}

/* Renders what relationships do to the patient: coded and nameless. The mapping file makes nothing
 * unless share_interpersonal is on. */
static iptfhir_status map_relationships(struct mapping *m) {
    struct facts *f = m->f;
    const char *at = facts_text(f, facts_get(f, m->node, "needsAssessment"), "date");
    if (at == NULL)
        at = facts_text(f, facts_get(f, m->node, "course"), "start");
    struct iptfhir_node *o = facts_object(f);
    struct iptfhir_node *list = facts_set_list(f, o, "relationships");
    facts_set_text(f, o, "patient", m->patient);
    facts_set_text(f, o, "at", at);
    const struct iptfhir_node *from =
        facts_first(f, facts_list(f, m->node, "interpersonalInventory"));
    for (; from != NULL; from = facts_next(f, from))
        add_impacts(m, list, from);
    return render(m, "observation-relationship", o);
}

/* Maps a record. */
static iptfhir_status mapper_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct mapper *mapper = self;
    struct facts facts = { mapper->host, mapper->host->nodes, sink->document, false };
    struct mapping m = { .self = mapper,
                         .f = &facts,
                         .record = record,
                         .node = record->node,
                         .sink = sink,
                         .error = error };
    const struct facts *f = &facts;
    const char *patient = facts_text(f, facts_get(f, m.node, "patient"), "localId");
    mapper->host->identity(mapper->host, "Patient", patient != NULL ? patient : "", m.patient);
    iptfhir_status status = IPTFHIR_OK;
    bool positive = false;
    const struct iptfhir_node *measure = facts_first(f, facts_list(f, m.node, "measures"));
    for (size_t i = 0; status == IPTFHIR_OK && measure != NULL; i++) {
        status = map_measure(&m, i, measure, &positive);
        measure = facts_next(f, measure);
    }
    if (status == IPTFHIR_OK && positive && mapper->flag)
        status = map_flags(&m);
    if (status == IPTFHIR_OK && !facts_excluded(f, m.node, "communication-assessments"))
        status = map_communication(&m);
    bool inventory = facts_count(f, facts_list(f, m.node, "interpersonalInventory")) > 0;
    if (status == IPTFHIR_OK && inventory && !facts_excluded(f, m.node, "interpersonal"))
        status = map_relationships(&m);
    series_free(&m.series);
    return status;
}

static const char *const emits[] = { "QuestionnaireResponse", "Observation", "Flag", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

const struct iptfhir_descriptor iptfhir_plugin = {
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
