/* SPDX-License-Identifier: Apache-2.0 */
/* The treatment course to CarePlan: phases, techniques, monitoring and the references that tie the
 * plan together. */
#include "careplan.h"

#include <string.h>

/* What a goal of the programme is worked on with. */
static const struct {
    const char *goal, *techniques[2];
} technique_plan[] = {
    { "enhance-communication-skills", { "communication-analysis", "role-play" } },
    { "improve-relationship-dynamics", { "interpersonal-inventory", NULL } },
    { "identify-role-transitions", { "problem-solving", NULL } },
    { "manage-social-skills", { "role-play", NULL } },
};
static const char *const techniques[] = { "interpersonal-inventory", "communication-analysis",
                                          "role-play", "problem-solving" };

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

/* True when a goal is worked on with a technique. */
static bool goal_uses(const json_t *goal, const char *technique) {
    const char *seed = facts_text(goal, "seedGoal");
    for (size_t i = 0; seed && i < sizeof technique_plan / sizeof *technique_plan; i++)
        for (size_t n = 0; n < 2 && strcmp(technique_plan[i].goal, seed) == 0; n++)
            if (technique_plan[i].techniques[n] &&
                strcmp(technique_plan[i].techniques[n], technique) == 0)
                return true;
    return false;
}

/* True when a goal is about relationships. */
static bool goal_is_about_support(const json_t *goal, const char *unused) {
    const char *seed = facts_text(goal, "seedGoal");
    (void)unused;
    return seed && strcmp(seed, "improve-relationship-dynamics") == 0;
}

/* True when a goal has a target on the total with this code. */
static bool goal_measures(const json_t *goal, const char *code) {
    const json_t *targets = facts_list(goal, "targets");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *loinc = facts_text(json_array_get(targets, i), "measureLoinc");
        if (loinc && code && strcmp(loinc, code) == 0)
            return true;
    }
    return false;
}

/* Sets a member to the UUIDs of the goals that a question is true of; all of them when there is no
 * question. */
static bool set_goals(const struct plan *p, json_t *o,
                      bool (*is)(const json_t *goal, const char *about), const char *about) {
    const json_t *from = facts_list(p->json, "goals");
    json_t *goals = json_array();
    bool ok = facts_set(o, "goals", goals);
    for (size_t i = 0; ok && i < json_array_size(from); i++) {
        const json_t *goal = json_array_get(from, i);
        if (!is || is(goal, about))
            ok = facts_append(goals, facts_identity(p->self->host, "Goal", "%s/%s", p->record->id,
                                                    facts_text(goal, "id")));
    }
    return ok;
}

/* Appends a local code with its display; the new object is the list's. */
static json_t *add_code(const struct plan *p, json_t *list, const char *code) {
    json_t *o = json_object();
    bool ok =
        o && facts_set_text(o, "code", code) && facts_copy(o, "display", p->self->displays, code);
    if (ok && json_array_append(list, o) == 0) {
        json_decref(o);
        return o;
    }
    json_decref(o);
    return NULL;
}

/* True when a session used a technique. */
static bool was_used(const struct plan *p, const char *technique) {
    const json_t *sessions = facts_list(p->json, "sessions");
    for (size_t i = 0; i < json_array_size(sessions); i++)
        if (facts_lists(facts_list(json_array_get(sessions, i), "techniques"), technique))
            return true;
    return false;
}

/* Sets the techniques: planned for a goal, or only seen in sessions (which the mapping file shares
 * if share_techniques is on). */
static bool set_techniques(const struct plan *p, json_t *facts) {
    json_t *list = json_array();
    bool ok = facts_set(facts, "techniques", list);
    for (size_t i = 0; ok && i < sizeof techniques / sizeof *techniques; i++) {
        const json_t *goals = facts_list(p->json, "goals");
        bool planned = false;
        for (size_t n = 0; n < json_array_size(goals); n++)
            planned = planned || goal_uses(json_array_get(goals, n), techniques[i]);
        if (!planned && !was_used(p, techniques[i]))
            continue;
        json_t *o = add_code(p, list, techniques[i]);
        ok = o && facts_set(o, "planned", json_boolean(planned)) &&
             set_goals(p, o, goal_uses, techniques[i]);
    }
    return ok;
}

/* Sets the problem areas, the first by rank first. */
static bool set_areas(const struct plan *p, json_t *facts) {
    const json_t *from = facts_list(p->course, "problemAreas");
    json_t *list = json_array();
    bool ok = facts_set(facts, "areas", list);
    for (size_t i = 0; ok && i < json_array_size(from); i++) {
        json_t *o = add_code(p, list, facts_text(json_array_get(from, i), "code"));
        ok = o && facts_copy(o, "z", json_array_get(from, i), "zCode");
    }
    return ok;
}

/* Sets the phases with a status each. */
static bool set_phases(const struct plan *p, json_t *facts) {
    const json_t *from = facts_list(p->course, "phases");
    json_t *list = json_array();
    bool ok = facts_set(facts, "phases", list);
    for (size_t i = 0; ok && i < json_array_size(from); i++) {
        const json_t *phase = json_array_get(from, i);
        char code[40];
        snprintf(code, sizeof code, "phase-%.24s",
                 facts_text(phase, "phase") ? facts_text(phase, "phase") : "");
        json_t *o = add_code(p, list, code);
        ok = o && facts_copy(o, "start", phase, "start") && facts_copy(o, "end", phase, "end") &&
             facts_set_text(o, "status", plan_phase_status(p, phase));
    }
    return ok;
}

/* Sets the parts of the needs assessment. */
static bool set_components(const struct plan *p, json_t *facts) {
    const json_t *from = facts_list(json_object_get(p->json, "needsAssessment"), "components");
    json_t *list = json_array();
    bool ok = facts_set(facts, "components", list);
    for (size_t i = 0; ok && i < json_array_size(from); i++) {
        json_t *o = add_code(p, list, facts_text(json_array_get(from, i), "component"));
        ok = o && facts_copy(o, "status", json_array_get(from, i), "status") &&
             facts_copy(o, "date", json_array_get(from, i), "date");
    }
    return ok;
}

/* Sets the monitoring: instrument, schedule, the goals it serves and the totals so far. */
static bool set_monitoring(struct plan *p, json_t *facts) {
    const json_t *from = json_object_get(p->course, "monitoring");
    const char *name = facts_text(from, "instrument");
    json_t *o = json_object(), *outcomes = json_array();
    if (!name) {
        json_decref(o);
        json_decref(outcomes);
        return true;
    }
    bool ok = facts_set(o, "outcomes", outcomes) && plan_schedule(p, from, o);
    if (ok && p->instrument)
        ok = set_goals(p, o, goal_measures, p->instrument->total_code) &&
             (!p->instrument->monitoring ||
              facts_set(o, "coding", json_incref((json_t *)(uintptr_t)p->instrument->monitoring)));
    for (size_t i = 0; ok && i < p->series.count; i++)
        ok = facts_append(outcomes, plan_measure(p, &p->series.points[i], "total"));
    if (ok && p->series.count > 0)
        ok = facts_set(facts, "lastTotal",
                       plan_measure(p, &p->series.points[p->series.count - 1], "total"));
    return facts_set(facts, "monitoring", o) && ok;
}

/* Appends "Type/UUID". */
static bool add_reference(json_t *list, const char *type, json_t *uuid) {
    bool ok = uuid && facts_append(list, facts_format("%s/%s", type, json_string_value(uuid)));
    json_decref(uuid);
    return ok;
}

/* Sets what the plan rests on: the baseline panel, the latest communication style, medication taken
 * beside it. */
static bool set_supporting(const struct plan *p, json_t *facts) {
    const json_t *therapies = facts_list(p->course, "combinedTherapies"),
                 *styles = facts_list(p->json, "communicationAssessments");
    json_t *list = json_array();
    bool ok = facts_set(facts, "supporting", list);
    if (ok && p->series.baseline)
        ok = add_reference(list, "Observation", plan_measure(p, p->series.baseline, "panel"));
    size_t latest = plan_latest(styles);
    if (ok && latest < json_array_size(styles) &&
        !facts_excluded(p->json, "communication-assessments")) {
        json_t *key = facts_communication_key(p->record->id, styles, latest);
        ok = key && add_reference(
                        list, "Observation",
                        facts_identity(p->self->host, "Observation", "%s", json_string_value(key)));
        json_decref(key);
    }
    for (size_t i = 0; ok && i < json_array_size(therapies); i++) {
        const char *type = facts_text(json_array_get(therapies, i), "type");
        if (type && strcmp(type, "medication") == 0)
            ok = add_reference(list, "MedicationStatement",
                               facts_identity(p->self->host, "MedicationStatement", "%s/MED-%zu",
                                              p->record->id, i + 1)) &&
                 (json_object_get(facts, "request") ||
                  facts_set(
                      facts, "request",
                      facts_identity(p->self->host, "ServiceRequest", "%s/SR-MED", p->record->id)));
    }
    return ok;
}

/* Sets who supports the patient in therapy: those who agreed; a reference only to those who let
 * their identity be shared. */
static bool set_support(const struct plan *p, json_t *facts) {
    const json_t *persons = facts_list(p->json, "supportPersons");
    const char *patient = facts_text(json_object_get(p->json, "patient"), "localId");
    size_t agreed = 0;
    json_t *o = json_object(), *list = json_array();
    bool ok = facts_set(o, "performers", list);
    for (size_t i = 0; ok && i < json_array_size(persons); i++) {
        const json_t *person = json_array_get(persons, i);
        if (!json_is_true(json_object_get(person, "agreedToParticipate")))
            continue;
        agreed++;
        if (json_is_true(json_object_get(person, "consentToShareIdentity")) &&
            facts_text(person, "id"))
            ok = facts_append(list, facts_identity(p->self->host, "RelatedPerson", "%s/%s", patient,
                                                   facts_text(person, "id")));
    }
    ok = ok && set_goals(p, o, goal_is_about_support, NULL);
    if (ok && agreed > 0)
        return facts_set(facts, "support", o);
    json_decref(o);
    return ok;
}

/* Sets the diagnoses that the plan addresses. */
static bool set_conditions(const struct plan *p, json_t *facts) {
    const json_t *diagnoses = facts_list(p->json, "diagnoses");
    json_t *list = json_array();
    bool ok = facts_set(facts, "conditions", list);
    for (size_t i = 0; ok && i < json_array_size(diagnoses); i++)
        ok = facts_append(list, facts_identity(p->self->host, "Condition", "%s/%s", p->record->id,
                                               facts_text(json_array_get(diagnoses, i), "id")));
    return ok;
}

/* Sets id, key, patient and care team. */
static bool set_identity(const struct plan *p, json_t *facts) {
    const char *id = facts_text(p->course, "id"),
               *patient = facts_text(json_object_get(p->json, "patient"), "localId");
    const struct iptfhir_host *host = p->self->host;
    return facts_set(facts, "id", facts_identity(host, "CarePlan", "%s/%s", p->record->id, id)) &&
           facts_set(facts, "key", facts_format("%s/%s", p->record->id, id)) &&
           facts_set(facts, "patient", facts_identity(host, "Patient", "%s", patient)) &&
           facts_set(facts, "careTeam",
                     facts_identity(host, "CareTeam", "%s/%s", p->record->id, id));
}

/* Maps a record. */
static iptfhir_status mapper_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    struct plan p = { .self = self, .record = record, .json = record->json(record) };
    json_t *facts = json_object();
    p.course = json_object_get(p.json, "course");
    p.instrument = instruments_find(
        &p.self->instruments, facts_text(json_object_get(p.course, "monitoring"), "instrument"));
    bool ok = p.json && facts &&
              (!p.instrument || series_of(p.instrument, &p.self->instruments, p.json, &p.series));
    ok = ok && set_identity(&p, facts) && set_goals(&p, facts, NULL, NULL) &&
         set_conditions(&p, facts) && set_areas(&p, facts) && set_phases(&p, facts) &&
         set_components(&p, facts) && set_techniques(&p, facts) && set_monitoring(&p, facts) &&
         set_supporting(&p, facts) && set_support(&p, facts) && plan_texts(&p, facts);
    series_free(&p.series);
    if (ok)
        return sink->render(sink, "careplan", facts, error);
    json_decref(facts);
    return p.self->host->fail(p.self->host, error, IPTFHIR_FATAL, "memory", NULL, "out of memory");
}

static const char *const emits[] = { "CarePlan", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

IPTFHIR_PLUGIN_EXPORT const struct iptfhir_plugin iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof iptfhir_plugin,
    .name = "map-careplan",
    .version = "1",
    .summary = "Makes the CarePlan of a treatment course.",
    .instance_size = sizeof(struct mapper),
    .init = mapper_init,
    .fini = mapper_fini,
    .mapper = &mapper,
};
