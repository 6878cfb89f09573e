/* SPDX-License-Identifier: Apache-2.0 */
/* Goals to Goal: targets, the achievement that the measures show, and the Observations that show
 * it. */
#include "../map-observation/instrument.h"

#include <stdio.h>
#include <string.h>

struct mapper {
    bool derive_achievement;
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
};

/* What the targets of a goal say together. */
struct verdict {
    bool known;
    const char *code, *date;
};

static const struct iptfhir_option options[] = {
    { "derive_achievement", IPTFHIR_BOOLEAN, 0, offsetof(struct mapper, derive_achievement), "true",
      0, 0, NULL,
      "Derive the achievement of a goal from its measures when the record doesn't give it." },
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

/* True when a number meets a target; *known is false when the comparator says nothing. */
static bool meets(const char *comparator, double number, double target, bool *known) {
    *known = comparator != NULL;
    if (!comparator)
        return false;
    if (comparator[0] == '<')
        return comparator[1] == '=' ? number <= target : number < target;
    return comparator[1] == '=' ? number >= target : number > target;
}

/* Judges one target by a series. Met: achieved. Else, for a goal that is over: not-achieved. Else
 * the change from the baseline to the last total, if it is at least the instrument's reliable
 * change (any change when there is no such rule): improving or worsening; if less: no-change;
 * without a baseline or a later total: in-progress. */
static void judge(const json_t *goal, const json_t *target, const struct instrument *in,
                  const struct series *series, const json_t *record, struct verdict *v) {
    const char *comparator = facts_text(target, "comparator"),
               *lifecycle = facts_text(goal, "lifecycle");
    const json_t *value = json_object_get(target, "value");
    bool over =
        lifecycle && (strcmp(lifecycle, "completed") == 0 || strcmp(lifecycle, "cancelled") == 0);
    if (series->count == 0 || !json_is_number(value))
        return;
    const struct series_point *last = &series->points[series->count - 1], *base = series->baseline;
    bool met = meets(comparator, (double)last->total, json_number_value(value), &v->known);
    int64_t better = base ? base->total - last->total : 0,
            step = in->reliable_change > 0 ? in->reliable_change : 1;
    if (!v->known)
        return;
    if (comparator[0] == '>')
        better = -better;
    v->date =
        facts_text(json_array_get(facts_list(record, "measures"), last->index), "administeredAt");
    if (met)
        v->code = "achieved";
    else if (over)
        v->code = "not-achieved";
    else if (!base || base == last)
        v->code = "in-progress";
    else
        v->code = better >= step ? "improving" : -better >= step ? "worsening" : "no-change";
}

/* True when the goal's state lets its achievement be judged. */
static bool under_way(const json_t *goal) {
    static const char *const states[] = { "active", "on-hold", "completed", "cancelled" };
    const char *lifecycle = facts_text(goal, "lifecycle");
    for (size_t i = 0; lifecycle && i < sizeof states / sizeof *states; i++)
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

/* Adds the UUIDs of the total Observations of a series. */
static bool add_outcomes(const struct mapping *m, const struct series *series, json_t *outcomes) {
    for (size_t i = 0; i < series->count; i++) {
        const char *id = facts_text(
            json_array_get(facts_list(m->json, "measures"), series->points[i].index), "id");
        json_t *uuid =
            facts_identity(m->self->host, "Observation", "%s/%s/total", m->record->id, id);
        bool there = uuid && facts_lists(outcomes, json_string_value(uuid));
        if (there)
            json_decref(uuid);
        else if (!facts_append(outcomes, uuid))
            return false;
    }
    return true;
}

/* Copies what a target asks for. */
static bool set_target(const struct mapping *m, json_t *o, const json_t *target,
                       const struct instrument *in) {
    const char *local = facts_text(target, "measureLocal"),
               *loinc = facts_text(target, "measureLoinc"), *code = facts_text(target, "valueCode");
    bool ok = facts_set_text(o, "loinc", loinc) && facts_copy(o, "due", target, "due");
    if (ok && in)
        ok = facts_copy(o, "display", json_object_get(in->document, "total"), "display");
    if (ok && !loinc && local)
        ok =
            facts_set_text(o, "local", local) && facts_copy(o, "display", m->self->displays, local);
    if (ok && code)
        return facts_set_text(o, "valueCode", code) &&
               facts_copy(o, "valueDisplay", m->self->displays, code);
    if (!ok || !json_is_number(json_object_get(target, "value")))
        return ok;
    return facts_copy(o, "value", target, "value") &&
           facts_copy(o, "comparator", target, "comparator") &&
           (facts_text(target, "unit") ? facts_copy(o, "unit", target, "unit")
                                       : facts_set_text(o, "unit", in ? "{score}" : NULL));
}

/* Why a target can't be mapped; NULL: it can. */
static const char *target_fault(const struct mapping *m, const json_t *target, const char **code) {
    const char *local = facts_text(target, "measureLocal"),
               *loinc = facts_text(target, "measureLoinc"),
               *value = facts_text(target, "valueCode");
    *code = "target-measure";
    if (!local && !loinc && (value || json_is_number(json_object_get(target, "value"))))
        return "a target with a value needs measureLoinc or measureLocal (R4, gol-1)";
    *code = "unknown-code";
    if (!loinc && local && !json_object_get(m->self->displays, local))
        return "measureLocal is no code of terminology/codesystem-ipt.json: correct it or add the "
               "code";
    if (value && !json_object_get(m->self->displays, value))
        return "valueCode is no code of terminology/codesystem-ipt.json: correct it or add the "
               "code";
    return NULL;
}

/* Maps the targets; *held is set when one of them holds the goal. */
static bool map_targets(struct mapping *m, size_t index, const json_t *goal, json_t *facts,
                        struct verdict *verdict, iptfhir_status *held) {
    const json_t *from = facts_list(goal, "targets");
    json_t *targets = json_array(), *outcomes = json_array();
    bool ok = targets && outcomes;
    ok = facts_set(facts, "targets", targets) && ok;
    ok = facts_set(facts, "outcomes", outcomes) && ok;
    for (size_t i = 0; ok && i < json_array_size(from); i++) {
        const json_t *target = json_array_get(from, i);
        const struct instrument *in =
            instruments_find_total(&m->self->instruments, facts_text(target, "measureLoinc"));
        struct series series = { 0 };
        struct verdict one = { 0 };
        const char *code, *why = target_fault(m, target, &code);
        if (why) {
            char pointer[80];
            snprintf(pointer, sizeof pointer, "/goals/%zu/targets/%zu", index, i);
            *held = m->sink->hold(m->sink, pointer, code, why) == IPTFHIR_OK ? IPTFHIR_REJECT
                                                                             : IPTFHIR_FATAL;
            return true;
        }
        json_t *o = json_object();
        ok = o && set_target(m, o, target, in);
        ok = facts_append(targets, o) && ok;
        if (ok && in) {
            ok = series_of(in, &m->self->instruments, m->json, &series) &&
                 add_outcomes(m, &series, outcomes);
            judge(goal, target, in, &series, m->json, &one);
            series_free(&series);
        }
        combine(verdict, &one, i == 0);
    }
    return ok;
}

/* True when a diagnosis is the life-cycle transition Z60.0. */
static bool is_transition(const json_t *diagnosis) {
    const char *code = facts_text(diagnosis, "icd10cm");
    return code && (strcmp(code, "Z60.0") == 0 || strcmp(code, "Z600") == 0);
}

/* Adds the diagnoses that a goal addresses: those it names, and Z60.0 for the goal about role
 * transitions when it is coded. */
static bool map_addresses(const struct mapping *m, const json_t *goal, json_t *facts) {
    const json_t *diagnoses = facts_list(m->json, "diagnoses"),
                 *named = facts_list(goal, "addresses");
    const char *seed = facts_text(goal, "seedGoal");
    bool transition = seed && strcmp(seed, "identify-role-transitions") == 0;
    json_t *addresses = json_array();
    bool ok = facts_set(facts, "addresses", addresses);
    for (size_t i = 0; ok && i < json_array_size(diagnoses); i++) {
        const json_t *diagnosis = json_array_get(diagnoses, i);
        const char *id = facts_text(diagnosis, "id");
        if (id && (facts_lists(named, id) || (transition && is_transition(diagnosis))))
            ok = facts_append(
                addresses, facts_identity(m->self->host, "Condition", "%s/%s", m->record->id, id));
    }
    return ok;
}

/* Sets the achievement: the record's, else what the measures show. */
static bool set_achievement(const struct mapping *m, const json_t *goal,
                            const struct verdict *verdict, json_t *facts) {
    const char *code = facts_text(goal, "achievement"), *date = facts_text(goal, "statusDate");
    if (!code && m->self->derive_achievement && verdict->known && under_way(goal)) {
        code = verdict->code;
        if (!date && !facts_set(facts, "statusDate", facts_format("%.10s", verdict->date)))
            return false;
    }
    for (size_t i = 0; code && i < sizeof achievements / sizeof *achievements; i++)
        if (strcmp(achievements[i].code, code) == 0 &&
            !facts_set_text(facts, "achievementDisplay", achievements[i].display))
            return false;
    return facts_set_text(facts, "achievement", code) && facts_set_text(facts, "statusDate", date);
}

/* Maps one goal. */
static iptfhir_status map_goal(struct mapping *m, size_t index, const json_t *goal) {
    const char *id = facts_text(goal, "id"), *seed = facts_text(goal, "seedGoal");
    struct verdict verdict = { 0 };
    iptfhir_status held = IPTFHIR_OK;
    json_t *o = json_object();
    bool ok =
        o &&
        facts_set(o, "id", facts_identity(m->self->host, "Goal", "%s/%s", m->record->id, id)) &&
        facts_set(o, "key", facts_format("%s/%s", m->record->id, id)) &&
        facts_set(o, "patient", json_incref(m->patient)) && facts_copy(o, "text", goal, "text") &&
        facts_copy(o, "lifecycle", goal, "lifecycle") && facts_copy(o, "start", goal, "start") &&
        facts_copy(o, "category", goal, "category") && facts_set_text(o, "seed", seed) &&
        (!seed || facts_copy(o, "seedDisplay", m->self->displays, seed)) &&
        map_addresses(m, goal, o) && map_targets(m, index, goal, o, &verdict, &held);
    if (ok && held == IPTFHIR_OK)
        ok = set_achievement(m, goal, &verdict, o);
    if (ok && held == IPTFHIR_OK)
        return m->sink->render(m->sink, "goal", o, m->error);
    json_decref(o);
    return !ok ? no_memory(m) : held == IPTFHIR_REJECT ? IPTFHIR_OK : held;
}

/* Maps a record. */
static iptfhir_status mapper_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    struct mapping m = {
        .self = self, .record = record, .json = record->json(record), .sink = sink, .error = error
    };
    const json_t *goals = facts_list(m.json, "goals");
    iptfhir_status status = IPTFHIR_OK;
    if (m.json && json_array_size(goals) == 0)
        return IPTFHIR_OK;
    m.patient = m.json ? facts_identity(m.self->host, "Patient", "%s",
                                        facts_text(json_object_get(m.json, "patient"), "localId"))
                       : NULL;
    if (!m.patient)
        return no_memory(&m);
    for (size_t i = 0; status == IPTFHIR_OK && i < json_array_size(goals); i++)
        status = map_goal(&m, i, json_array_get(goals, i));
    json_decref(m.patient);
    return status;
}

static const char *const emits[] = { "Goal", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

IPTFHIR_PLUGIN_EXPORT const struct iptfhir_plugin iptfhir_plugin = {
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
