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
    bool ready = m->displays != NULL && instruments_load(&m->instruments, host, error);
    return ready ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Frees what init made. */
static void mapper_fini(void *self) {
    struct mapper *m = self;
    instruments_free(&m->instruments);
}

/* The first child of a list that a member of an object is. */
static const struct iptfhir_node *first_of(const struct plan *p, const struct iptfhir_node *object,
                                           const char *name) {
    return facts_first(p->f, facts_list(p->f, object, name));
}

/* True when a goal is worked on with a technique. */
static bool goal_uses(const struct plan *p, const struct iptfhir_node *goal,
                      const char *technique) {
    const char *seed = facts_text(p->f, goal, "seedGoal");
    for (size_t i = 0; seed != NULL && i < sizeof technique_plan / sizeof *technique_plan; i++) {
        if (strcmp(technique_plan[i].goal, seed) != 0)
            continue;
        for (size_t n = 0; n < 2; n++) {
            const char *used = technique_plan[i].techniques[n];
            if (used != NULL && strcmp(used, technique) == 0)
                return true;
        }
    }
    return false;
}

/* True when a goal is about relationships. */
static bool goal_is_about_support(const struct plan *p, const struct iptfhir_node *goal,
                                  const char *unused) {
    const char *seed = facts_text(p->f, goal, "seedGoal");
    (void)unused;
    return seed != NULL && strcmp(seed, "improve-relationship-dynamics") == 0;
}

/* True when a goal has a target on the total with this code. */
static bool goal_measures(const struct plan *p, const struct iptfhir_node *goal, const char *code) {
    const struct iptfhir_node *target = first_of(p, goal, "targets");
    for (; target != NULL; target = facts_next(p->f, target)) {
        const char *loinc = facts_text(p->f, target, "measureLoinc");
        if (loinc != NULL && code != NULL && strcmp(loinc, code) == 0)
            return true;
    }
    return false;
}

/* Sets a member to the UUIDs of the goals that a question is true of; all of them when there is no
 * question. */
static void set_goals(const struct plan *p, struct iptfhir_node *o,
                      bool (*is)(const struct plan *p, const struct iptfhir_node *goal,
                                 const char *about),
                      const char *about) {
    struct iptfhir_node *goals = facts_set_list(p->f, o, "goals");
    const struct iptfhir_node *goal = first_of(p, p->node, "goals");
    for (; goal != NULL; goal = facts_next(p->f, goal)) {
        const char *id = facts_text(p->f, goal, "id");
        if (is == NULL || is(p, goal, about))
            facts_append(p->f, goals, facts_identity(p->f, "Goal", "%s/%s", p->record->id, id));
    }
}

/* Appends a local code with its display. */
static struct iptfhir_node *add_code(const struct plan *p, struct iptfhir_node *list,
                                     const char *code) {
    struct iptfhir_node *o = facts_object(p->f);
    facts_set_text(p->f, o, "code", code);
    facts_copy(p->f, o, "display", p->self->displays, code);
    facts_append(p->f, list, o);
    return o;
}

/* True when a session used a technique. */
static bool was_used(const struct plan *p, const char *technique) {
    const struct iptfhir_node *session = first_of(p, p->node, "sessions");
    for (; session != NULL; session = facts_next(p->f, session))
        if (facts_lists(p->f, facts_list(p->f, session, "techniques"), technique))
            return true;
    return false;
}

/* True when a goal is worked on with a technique. */
static bool is_planned(const struct plan *p, const char *technique) {
    const struct iptfhir_node *goal = first_of(p, p->node, "goals");
    for (; goal != NULL; goal = facts_next(p->f, goal))
        if (goal_uses(p, goal, technique))
            return true;
    return false;
}

/* Sets the techniques: planned for a goal, or only seen in sessions (which the mapping file shares
 * if share_techniques is on). */
static void set_techniques(const struct plan *p, struct iptfhir_node *facts) {
    struct iptfhir_node *list = facts_set_list(p->f, facts, "techniques");
    for (size_t i = 0; i < sizeof techniques / sizeof *techniques; i++) {
        bool planned = is_planned(p, techniques[i]);
        if (!planned && !was_used(p, techniques[i]))
            continue;
        struct iptfhir_node *o = add_code(p, list, techniques[i]);
        facts_set_truth(p->f, o, "planned", planned);
        set_goals(p, o, goal_uses, techniques[i]);
    }
}

/* Sets the problem areas, the first by rank first. */
static void set_areas(const struct plan *p, struct iptfhir_node *facts) {
    struct iptfhir_node *list = facts_set_list(p->f, facts, "areas");
    const struct iptfhir_node *area = first_of(p, p->course, "problemAreas");
    for (; area != NULL; area = facts_next(p->f, area)) {
        struct iptfhir_node *o = add_code(p, list, facts_text(p->f, area, "code"));
        facts_copy(p->f, o, "z", area, "zCode");
    }
}

/* Sets the phases with a status each. */
static void set_phases(const struct plan *p, struct iptfhir_node *facts) {
    struct iptfhir_node *list = facts_set_list(p->f, facts, "phases");
    const struct iptfhir_node *phase = first_of(p, p->course, "phases");
    for (; phase != NULL; phase = facts_next(p->f, phase)) {
        const char *name = facts_text(p->f, phase, "phase");
        char code[40];
        snprintf(code, sizeof code, "phase-%.24s", name != NULL ? name : "");
        struct iptfhir_node *o = add_code(p, list, code);
        facts_copy(p->f, o, "start", phase, "start");
        facts_copy(p->f, o, "end", phase, "end");
        facts_set_text(p->f, o, "status", plan_phase_status(p, phase));
    }
}

/* Sets the parts of the needs assessment. */
static void set_components(const struct plan *p, struct iptfhir_node *facts) {
    struct iptfhir_node *list = facts_set_list(p->f, facts, "components");
    const struct iptfhir_node *component =
        first_of(p, facts_get(p->f, p->node, "needsAssessment"), "components");
    for (; component != NULL; component = facts_next(p->f, component)) {
        struct iptfhir_node *o = add_code(p, list, facts_text(p->f, component, "component"));
        facts_copy(p->f, o, "status", component, "status");
        facts_copy(p->f, o, "date", component, "date");
    }
}

/* Sets the monitoring: instrument, schedule, the goals it serves and the totals so far. */
static void set_monitoring(struct plan *p, struct iptfhir_node *facts) {
    const struct iptfhir_node *from = facts_get(p->f, p->course, "monitoring");
    const struct instrument *in = p->instrument;
    if (facts_text(p->f, from, "instrument") == NULL)
        return;
    struct iptfhir_node *o = facts_object(p->f);
    struct iptfhir_node *outcomes = facts_set_list(p->f, o, "outcomes");
    facts_set(p->f, facts, "monitoring", o);
    plan_schedule(p, from, o);
    if (in != NULL)
        set_goals(p, o, goal_measures, in->total_code);
    if (in != NULL && in->monitoring != NULL)
        facts_set(p->f, o, "coding", facts_copy_of(p->f, in->monitoring));
    for (size_t i = 0; i < p->series.count; i++)
        facts_append(p->f, outcomes, plan_measure(p, &p->series.points[i], "total"));
    if (p->series.count > 0) {
        const struct series_point *last = &p->series.points[p->series.count - 1];
        facts_set(p->f, facts, "lastTotal", plan_measure(p, last, "total"));
    }
}

/* Appends "Type/UUID". */
static void add_reference(const struct plan *p, struct iptfhir_node *list, const char *type,
                          const struct iptfhir_node *uuid) {
    const char *text = p->f->nodes->text(uuid, NULL);
    if (text != NULL)
        facts_append(p->f, list, facts_format(p->f, "%s/%s", type, text));
}

/* Adds the latest communication style, unless a consent excludes them. */
static void add_style(const struct plan *p, struct iptfhir_node *list) {
    const struct iptfhir_node *styles = facts_list(p->f, p->node, "communicationAssessments");
    const struct iptfhir_node *latest = plan_latest(p, styles);
    if (latest == NULL || facts_excluded(p->f, p->node, "communication-assessments"))
        return;
    const struct iptfhir_node *key = facts_communication_key(p->f, p->record->id, styles, latest);
    const char *text = p->f->nodes->text(key, NULL);
    if (text != NULL)
        add_reference(p, list, "Observation", facts_identity(p->f, "Observation", "%s", text));
}

/* The identity of a medication, as medicationstatement.yaml makes it: its code, else its text, and
 * its start. */
static struct iptfhir_node *medication_identity(const struct plan *p,
                                                const struct iptfhir_node *therapy) {
    const char *patient = facts_text(p->f, facts_get(p->f, p->node, "patient"), "localId");
    const char *name = facts_text(p->f, therapy, "rxnorm");
    const char *start = facts_text(p->f, therapy, "start");
    if (name == NULL)
        name = facts_text(p->f, therapy, "text");
    return facts_identity(p->f, "MedicationStatement", "%s/%s/%s", patient,
                          name != NULL ? name : "", start != NULL ? start : "");
}

/* Adds the medication that is taken beside the therapy, and sets the request that coordinates it.
 */
static void add_medication(const struct plan *p, struct iptfhir_node *list,
                           struct iptfhir_node *facts) {
    const struct iptfhir_node *therapy = first_of(p, p->course, "combinedTherapies");
    for (; therapy != NULL; therapy = facts_next(p->f, therapy)) {
        const char *type = facts_text(p->f, therapy, "type");
        if (type == NULL || strcmp(type, "medication") != 0)
            continue;
        add_reference(p, list, "MedicationStatement", medication_identity(p, therapy));
        facts_set(p->f, facts, "request",
                  facts_identity(p->f, "ServiceRequest", "%s/SR-MED", p->record->id));
    }
}

/* Sets what the plan rests on: the baseline panel, the latest communication style, medication taken
 * beside it. */
static void set_supporting(const struct plan *p, struct iptfhir_node *facts) {
    struct iptfhir_node *list = facts_set_list(p->f, facts, "supporting");
    if (p->series.baseline != NULL)
        add_reference(p, list, "Observation", plan_measure(p, p->series.baseline, "panel"));
    add_style(p, list);
    add_medication(p, list, facts);
}

/* Sets who supports the patient in therapy: those who agreed; a reference only to those who let
 * their identity be shared. */
static void set_support(const struct plan *p, struct iptfhir_node *facts) {
    const char *patient = facts_text(p->f, facts_get(p->f, p->node, "patient"), "localId");
    size_t agreed = 0;
    struct iptfhir_node *o = facts_object(p->f);
    struct iptfhir_node *list = facts_set_list(p->f, o, "performers");
    const struct iptfhir_node *person = first_of(p, p->node, "supportPersons");
    for (; person != NULL; person = facts_next(p->f, person)) {
        const char *id = facts_text(p->f, person, "id");
        if (!iptfhir_get_true(p->f->nodes, person, "agreedToParticipate"))
            continue;
        agreed++;
        if (id != NULL && iptfhir_get_true(p->f->nodes, person, "consentToShareIdentity"))
            facts_append(p->f, list, facts_identity(p->f, "RelatedPerson", "%s/%s", patient, id));
    }
    set_goals(p, o, goal_is_about_support, NULL);
    if (agreed > 0)
        facts_set(p->f, facts, "support", o);
}

/* Sets the diagnoses that the plan addresses. */
static void set_conditions(const struct plan *p, struct iptfhir_node *facts) {
    struct iptfhir_node *list = facts_set_list(p->f, facts, "conditions");
    const char *patient = facts_text(p->f, facts_get(p->f, p->node, "patient"), "localId");
    const struct iptfhir_node *diagnosis = first_of(p, p->node, "diagnoses");
    for (; diagnosis != NULL; diagnosis = facts_next(p->f, diagnosis)) {
        const char *id = facts_text(p->f, diagnosis, "id");
        facts_append(p->f, list, facts_identity(p->f, "Condition", "%s/%s", patient, id));
    }
}

/* Sets id, key, patient and care team. */
static void set_identity(const struct plan *p, struct iptfhir_node *facts) {
    struct facts *f = p->f;
    const char *id = facts_text(f, p->course, "id");
    const char *patient = facts_text(f, facts_get(f, p->node, "patient"), "localId");
    const char *record = p->record->id;
    facts_set(f, facts, "id", facts_identity(f, "CarePlan", "%s/%s", record, id));
    facts_set(f, facts, "key", facts_format(f, "%s/%s", record, id));
    facts_set(f, facts, "patient", facts_identity(f, "Patient", "%s", patient));
    facts_set(f, facts, "careTeam", facts_identity(f, "CareTeam", "%s/%s", record, id));
}

/* Maps a record. */
static iptfhir_status mapper_map(const void *self, const struct iptfhir_record *record,
                                 struct iptfhir_resource_sink *sink, struct iptfhir_error *error) {
    const struct mapper *mapper = self;
    struct facts f = { mapper->host, mapper->host->nodes, sink->document, false };
    struct plan p = { .self = mapper, .record = record, .f = &f, .node = record->node };
    struct iptfhir_node *facts = facts_object(&f);
    p.course = facts_get(&f, p.node, "course");
    p.instrument =
        instruments_find(&f, &mapper->instruments,
                         facts_text(&f, facts_get(&f, p.course, "monitoring"), "instrument"));
    if (p.instrument != NULL &&
        !series_of(&f, p.instrument, &mapper->instruments, p.node, &p.series))
        f.failed = true;
    set_identity(&p, facts);
    set_goals(&p, facts, NULL, NULL);
    set_conditions(&p, facts);
    set_areas(&p, facts);
    set_phases(&p, facts);
    set_components(&p, facts);
    set_techniques(&p, facts);
    set_monitoring(&p, facts);
    set_supporting(&p, facts);
    set_support(&p, facts);
    plan_texts(&p, facts);
    series_free(&p.series);
    if (f.failed)
        return mapper->host->fail(mapper->host, error, IPTFHIR_FATAL, "memory", NULL,
                                  "out of memory");
    return sink->render(sink, "careplan", facts, error);
}

static const char *const emits[] = { "CarePlan", NULL };
static const struct iptfhir_mapper mapper = { sizeof mapper, emits, mapper_map };

const struct iptfhir_descriptor iptfhir_plugin = {
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
