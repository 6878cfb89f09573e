/* SPDX-License-Identifier: Apache-2.0 */
/* Goals to Goal: targets, the achievement that the measures show, and the Observations that show
 * it. */
#include "lib/instrument/instrument.h"

#include <stdio.h>
#include <string.h>

struct mapper {
    bool derive_achievement;
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
};

/* What the targets of a goal say together. */
struct verdict {
    bool known;
    const char *code, *date;
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_BOOLEAN(struct mapper, derive_achievement, "derive_achievement", 0, "true",
                           "Derive the achievement of a goal from its measures when the record "
                           "doesn't give it."),
    IPTFHIR_OPTIONS_END,
};

/* Displays of R4's goal-achievement codes. */
static const struct {
    const char *code, *display;
} achievements[] = {
    { "in-progress", "In Progress" },
    { "improving", "Improving" },
    { "worsening", "Worsening" },
    { "no-change", "No Change" },
    { "achieved", "Achieved" },
    { "sustaining", "Sustaining" },
    { "not-achieved", "Not Achieved" },
    { "no-progress", "No Progress" },
    { "not-attainable", "Not Attainable" },
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

/* True when a number meets a target; *known is false when the comparator says nothing. */
static bool meets(const char *comparator, double number, double target, bool *known) {
    *known = comparator != NULL;
    if (comparator == NULL)
        return false;
    bool or_equal = comparator[1] == '=';
    if (comparator[0] == '<')
        return or_equal ? number <= target : number < target;
    return or_equal ? number >= target : number > target;
}

/* What the change from the baseline to the last total means, when the target isn't met: improving
 * or worsening if it is at least the instrument's reliable change (any change when there is no such
 * rule), no-change if it is less, in-progress without a baseline or a later total. */
static const char *trend_of(const struct instrument *in, const struct series *series,
                            bool higher_is_better) {
    const struct series_point *last = &series->points[series->count - 1];
    if (series->baseline == NULL || series->baseline == last)
        return "in-progress";
    int64_t drop = series->baseline->total - last->total;
    int64_t better = higher_is_better ? -drop : drop;
    int64_t step = in->reliable_change > 0 ? in->reliable_change : 1;
    if (better >= step)
        return "improving";
    return -better >= step ? "worsening" : "no-change";
}

/* Judges one target by a series: achieved when it is met; else not-achieved for a goal that is
 * over; else by the trend. */
static void judge(const struct mapping *m, const struct iptfhir_node *goal,
                  const struct iptfhir_node *target, const struct instrument *in,
                  const struct series *series, struct verdict *v) {
    const char *comparator = facts_text(m->f, target, "comparator");
    const char *lifecycle = facts_text(m->f, goal, "lifecycle");
    double value = 0;
    if (series->count == 0 || !facts_real(m->f, target, "value", &value))
        return;
    const struct series_point *last = &series->points[series->count - 1];
    bool met = meets(comparator, (double)last->total, value, &v->known);
    if (!v->known)
        return;
    bool over = lifecycle != NULL &&
                (strcmp(lifecycle, "completed") == 0 || strcmp(lifecycle, "cancelled") == 0);
    v->date = facts_text(m->f, last->measure, "administeredAt");
    if (met)
        v->code = "achieved";
    else if (over)
        v->code = "not-achieved";
    else
        v->code = trend_of(in, series, comparator[0] == '>');
}

/* True when the goal's state lets its achievement be judged. */
static bool under_way(const struct mapping *m, const struct iptfhir_node *goal) {
    static const char *const states[] = { "active", "on-hold", "completed", "cancelled" };
    const char *lifecycle = facts_text(m->f, goal, "lifecycle");
    for (size_t i = 0; lifecycle != NULL && i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i], lifecycle) == 0)
            return true;
    return false;
}

/* Takes a target's verdict over: all must be achieved; of the others the first speaks. */
static void combine(struct verdict *all, const struct verdict *one, bool first) {
    if (first)
        *all = *one;
    else if (!one->known || !all->known)
        all->known = false;
    else if (strcmp(all->code, "achieved") == 0)
        *all = *one;
}

/* Adds the UUIDs of the total Observations of a series, each once. */
static void add_outcomes(const struct mapping *m, const struct series *series,
                         struct iptfhir_node *outcomes) {
    for (size_t i = 0; i < series->count; i++) {
        const char *id = facts_text(m->f, series->points[i].measure, "id");
        struct iptfhir_node *uuid =
            facts_identity(m->f, "Observation", "%s/%s/total", m->record->id, id);
        const char *text = m->f->nodes->text(uuid, NULL);
        if (text != NULL && !facts_lists(m->f, outcomes, text))
            facts_append(m->f, outcomes, uuid);
    }
}

/* Sets what is measured, and by when. */
static void set_measure(const struct mapping *m, struct iptfhir_node *o,
                        const struct iptfhir_node *target, const struct instrument *in) {
    const char *local = facts_text(m->f, target, "measureLocal");
    const char *loinc = facts_text(m->f, target, "measureLoinc");
    facts_set_text(m->f, o, "loinc", loinc);
    facts_copy(m->f, o, "due", target, "due");
    if (in != NULL)
        facts_copy(m->f, o, "display", facts_get(m->f, in->document, "total"), "display");
    if (loinc == NULL && local != NULL) {
        facts_set_text(m->f, o, "local", local);
        facts_copy(m->f, o, "display", m->self->displays, local);
    }
}

/* Copies what a target asks for. */
static void set_target(const struct mapping *m, struct iptfhir_node *o,
                       const struct iptfhir_node *target, const struct instrument *in) {
    const char *code = facts_text(m->f, target, "valueCode");
    double value = 0;
    set_measure(m, o, target, in);
    if (code != NULL) {
        facts_set_text(m->f, o, "valueCode", code);
        facts_copy(m->f, o, "valueDisplay", m->self->displays, code);
    } else if (facts_real(m->f, target, "value", &value)) {
        facts_copy(m->f, o, "value", target, "value");
        facts_copy(m->f, o, "comparator", target, "comparator");
        facts_set_text(m->f, o, "unit", in != NULL ? "{score}" : NULL);
        facts_copy(m->f, o, "unit", target, "unit"); /* its own wins */
    }
}

/* Why a target can't be mapped; NULL: it can. */
static const char *target_fault(const struct mapping *m, const struct iptfhir_node *target,
                                const char **code) {
    const char *local = facts_text(m->f, target, "measureLocal");
    const char *loinc = facts_text(m->f, target, "measureLoinc");
    const char *value = facts_text(m->f, target, "valueCode");
    double number = 0;
    bool has_value = value != NULL || facts_real(m->f, target, "value", &number);
    *code = "target-measure";
    if (local == NULL && loinc == NULL && has_value)
        return "a target with a value needs measureLoinc or measureLocal (R4, gol-1)";
    *code = "unknown-code";
    if (loinc == NULL && local != NULL && facts_get(m->f, m->self->displays, local) == NULL)
        return "measureLocal is no code of terminology/codesystem-ipt.json: correct it or add the "
               "code";
    if (value != NULL && facts_get(m->f, m->self->displays, value) == NULL)
        return "valueCode is no code of terminology/codesystem-ipt.json: correct it or add the "
               "code";
    return NULL;
}

/* Maps one target and judges it. */
static void map_target(struct mapping *m, const struct iptfhir_node *goal,
                       const struct iptfhir_node *target, struct iptfhir_node *targets,
                       struct iptfhir_node *outcomes, struct verdict *verdict) {
    const struct instrument *in =
        instruments_find_total(&m->self->instruments, facts_text(m->f, target, "measureLoinc"));
    struct iptfhir_node *o = facts_object(m->f);
    set_target(m, o, target, in);
    facts_append(m->f, targets, o);
    if (in == NULL)
        return;
    struct series series = { 0 };
    if (series_of(m->f, in, &m->self->instruments, m->node, &series)) {
        add_outcomes(m, &series, outcomes);
        judge(m, goal, target, in, &series, verdict);
    } else {
        m->f->failed = true;
    }
    series_free(&series);
}

/* Maps the targets. What comes back is REJECT when one of them holds the goal. */
static iptfhir_status map_targets(struct mapping *m, size_t index, const struct iptfhir_node *goal,
                                  struct iptfhir_node *facts, struct verdict *verdict) {
    struct iptfhir_node *targets = facts_set_list(m->f, facts, "targets");
    struct iptfhir_node *outcomes = facts_set_list(m->f, facts, "outcomes");
    const struct iptfhir_node *target = facts_first(m->f, facts_list(m->f, goal, "targets"));
    for (size_t i = 0; target != NULL; i++) {
        const char *code = NULL;
        const char *why = target_fault(m, target, &code);
        if (why != NULL) {
            char pointer[80];
            snprintf(pointer, sizeof pointer, "/goals/%zu/targets/%zu", index, i);
            iptfhir_status told = m->sink->hold(m->sink, pointer, code, why);
            return told == IPTFHIR_OK ? IPTFHIR_REJECT : IPTFHIR_FATAL;
        }
        struct verdict one = { 0 };
        map_target(m, goal, target, targets, outcomes, &one);
        combine(verdict, &one, i == 0);
        target = facts_next(m->f, target);
    }
    return IPTFHIR_OK;
}

/* True when a diagnosis is the life-cycle transition Z60.0. */
static bool is_transition(const struct mapping *m, const struct iptfhir_node *diagnosis) {
    const char *code = facts_text(m->f, diagnosis, "icd10cm");
    return code != NULL && (strcmp(code, "Z60.0") == 0 || strcmp(code, "Z600") == 0);
}

/* Adds the diagnoses that a goal addresses: those it names, and Z60.0 for the goal about role
 * transitions when it is coded. */
static void map_addresses(const struct mapping *m, const struct iptfhir_node *goal,
                          struct iptfhir_node *facts) {
    const struct iptfhir_node *named = facts_list(m->f, goal, "addresses");
    const char *seed = facts_text(m->f, goal, "seedGoal");
    bool transition = seed != NULL && strcmp(seed, "identify-role-transitions") == 0;
    const char *patient = facts_text(m->f, facts_get(m->f, m->node, "patient"), "localId");
    struct iptfhir_node *addresses = facts_set_list(m->f, facts, "addresses");
    const struct iptfhir_node *diagnosis =
        facts_first(m->f, facts_list(m->f, m->node, "diagnoses"));
    for (; diagnosis != NULL; diagnosis = facts_next(m->f, diagnosis)) {
        const char *id = facts_text(m->f, diagnosis, "id");
        if (id == NULL)
            continue;
        bool coded = transition && is_transition(m, diagnosis);
        if (coded || facts_lists(m->f, named, id))
            facts_append(m->f, addresses, facts_identity(m->f, "Condition", "%s/%s", patient, id));
    }
}

/* Sets the achievement: the record's, else what the measures show. */
static void set_achievement(const struct mapping *m, const struct iptfhir_node *goal,
                            const struct verdict *verdict, struct iptfhir_node *facts) {
    const char *code = facts_text(m->f, goal, "achievement");
    bool derive = m->self->derive_achievement && verdict->known;
    if (code == NULL && derive && under_way(m, goal)) {
        code = verdict->code;
        facts_set(m->f, facts, "statusDate", facts_format(m->f, "%.10s", verdict->date));
    }
    facts_set_text(m->f, facts, "achievement", code);
    facts_copy(m->f, facts, "statusDate", goal, "statusDate"); /* its own wins */
    for (size_t i = 0; code != NULL && i < sizeof achievements / sizeof *achievements; i++)
        if (strcmp(achievements[i].code, code) == 0)
            facts_set_text(m->f, facts, "achievementDisplay", achievements[i].display);
}

/* Maps one goal. */
static iptfhir_status map_goal(struct mapping *m, size_t index, const struct iptfhir_node *goal) {
    static const char *const copied[] = { "text", "lifecycle", "start", "category" };
    const struct iptfhir_host *host = m->self->host;
    struct facts *f = m->f;
    const char *id = facts_text(f, goal, "id");
    const char *seed = facts_text(f, goal, "seedGoal");
    struct verdict verdict = { 0 };
    struct iptfhir_node *o = facts_object(f);
    facts_set(f, o, "id", facts_identity(f, "Goal", "%s/%s", m->record->id, id));
    facts_set(f, o, "key", facts_format(f, "%s/%s", m->record->id, id));
    facts_set_text(f, o, "patient", m->patient);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        facts_copy(f, o, copied[i], goal, copied[i]);
    facts_set_text(f, o, "seed", seed);
    facts_copy(f, o, "seedDisplay", m->self->displays, seed);
    map_addresses(m, goal, o);
    iptfhir_status held = map_targets(m, index, goal, o, &verdict);
    if (held == IPTFHIR_REJECT)
        return IPTFHIR_OK; /* this goal waits for a person, the others go on */
    if (held != IPTFHIR_OK)
        return held;
    set_achievement(m, goal, &verdict, o);
    if (f->failed)
        return host->fail(host, m->error, IPTFHIR_FATAL, "memory", NULL, "out of memory");
    return m->sink->render(m->sink, "goal", o, m->error);
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
    const struct iptfhir_node *goal = facts_first(&facts, facts_list(&facts, m.node, "goals"));
    const char *patient = facts_text(&facts, facts_get(&facts, m.node, "patient"), "localId");
    iptfhir_status status = IPTFHIR_OK;
    mapper->host->identity(mapper->host, "Patient", patient != NULL ? patient : "", m.patient);
    for (size_t i = 0; status == IPTFHIR_OK && goal != NULL; i++) {
        status = map_goal(&m, i, goal);
        goal = facts_next(&facts, goal);
    }
    return status;
}

static const char *const emits[] = { "Goal", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof iptfhir_plugin,
    .name = "map-goal",
    .version = "1",
    .summary = "Makes Goals, with targets, achievement and the Observations that show it.",
    .instance_size = sizeof(struct mapper),
    .options = options,
    .init = mapper_init,
    .fini = mapper_fini,
    .mapper = &mapper,
};
