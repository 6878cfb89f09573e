/* SPDX-License-Identifier: Apache-2.0 */
/* The laws of every step: what leaves, and what EHRs commit. */
#include "tests/world/laws.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void laws_init(struct laws *l, struct sim_world *world, struct clinic *clinic) {
    *l = (struct laws) { .world = world, .clinic = clinic, .match_age_ms = 15 * 60 * 1000 };
}

bool laws_hold(const struct laws *l) {
    return l->broken[0] == '\0';
}

void laws_break(struct laws *l, const char *law, const char *format, ...) {
    va_list args;
    const char *ignored = getenv("SIM_IGNORE");
    if (!laws_hold(l) || (ignored != NULL && strstr(ignored, law) != NULL))
        return;
    (void)snprintf(l->broken, sizeof l->broken, "%s", law);
    va_start(args, format);
    (void)vsnprintf(l->how, sizeof l->how, format, args);
    va_end(args);
    l->broken_ms = l->world->now_ms;
    sim_tell(l->world, "*** %s: %s", law, l->how);
}

bool laws_withdrawn(const char *body) {
    static const char *const marks[] = {
        "\"entered-in-error\"",    "\"status\":\"revoked\"", "\"lifecycleStatus\":\"cancelled\"",
        "\"status\":\"inactive\"", "\"status\":\"unknown\"", "\"status\":\"completed\"",
        "\"status\":\"rejected\""
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(body, marks[i]) != NULL)
            return true;
    return false;
}

/* ---- charts ---- */

const struct ehr_resource *laws_chart_of(const struct laws *l, size_t ehr, size_t patient) {
    const char *mrn = clinic_mrn(l->clinic, patient);
    if (mrn == NULL)
        return NULL;
    const struct ehr_resource *r = ehr_patient_of(l->world->ehrs[ehr], CLINIC_MRN_SYSTEM, mrn);
    bool same = r != NULL && strstr(r->body, clinic_patients[patient].birth_date) != NULL &&
                strstr(r->body, clinic_patients[patient].family) != NULL;
    return same ? r : NULL;
}

void laws_note_charts(struct laws *l) {
    for (size_t e = 0; e < l->world->ehr_count; e++) {
        for (size_t p = 0; p < CLINIC_PATIENTS; p++) {
            const struct ehr_resource *r = laws_chart_of(l, e, p);
            size_t i = 0;
            while (r != NULL && i < l->chart_count &&
                   (l->charts[i].ehr != e || l->charts[i].patient != p ||
                    strcmp(l->charts[i].id, r->id) != 0))
                i++;
            if (r == NULL || i == LAWS_CHARTS)
                continue;
            l->charts[i] = (struct laws_chart) { .ehr = e, .patient = p };
            (void)snprintf(l->charts[i].id, sizeof l->charts[i].id, "%s", r->id);
            l->charts[i].right_ms = l->world->now_ms;
            l->chart_count += i == l->chart_count ? 1 : 0;
        }
    }
}

static bool right_lately(const struct laws *l, size_t ehr, size_t patient, const char *id) {
    for (size_t i = 0; i < l->chart_count; i++) {
        const struct laws_chart *c = &l->charts[i];
        bool lately = l->world->now_ms - c->right_ms <= l->match_age_ms + 120000;
        if (c->ehr == ehr && c->patient == patient && strcmp(c->id, id) == 0 && lately)
            return true;
    }
    return false;
}

bool laws_stands_elsewhere(const struct laws *l, size_t ehr, size_t record, size_t patient) {
    for (size_t p = 0; p < CLINIC_PATIENTS; p++)
        if (p != patient && l->stood[ehr][record][p])
            return true;
    return false;
}

/* ---- what leaves ---- */

/* The value of our identifier in a resource; NULL: it is not ours. */
static const char *our_value(const struct tree *resource) {
    const struct tree *list = tree_get(resource, "identifier");
    const struct tree *n = list != NULL && list->kind == TREE_ARRAY ? list->first : list;
    for (; n != NULL && n->kind == TREE_OBJECT; n = n->next) {
        const char *system = tree_text(n, "system");
        if (system != NULL && strcmp(system, CLINIC_SYSTEM) == 0)
            return tree_text(n, "value");
    }
    return NULL;
}

/* Whether somebody at an EHR may have put this number, or this gap, into the element. */
static bool foreign(const struct laws *l, size_t ehr, const char *element, uint32_t number) {
    if (number >= CLINIC_EDITOR)
        return true;
    for (size_t i = 0; number == 0 && i < l->edit_count; i++)
        if (l->edits[i].ehr == ehr && l->edits[i].number == 0 &&
            strcmp(l->edits[i].element, element) == 0)
            return true;
    return false;
}

/* Whether the EHR holds this number in the element already: then nothing older is written. */
static bool stands_there(const struct laws *l, size_t ehr, const struct tree *resource,
                         const char *element, uint32_t number) {
    struct arena a = { 0 };
    const char *type = tree_text(resource, "resourceType");
    const char *id = tree_text(resource, "id");
    const struct ehr_resource *r =
        type != NULL && id != NULL ? ehr_find(l->world->ehrs[ehr], type, id) : NULL;
    const struct tree *body = r != NULL ? json_read_copy(&a, r->body, r->length, NULL, NULL) : NULL;
    bool same = body != NULL && clinic_number_in(body, element) == number;
    arena_free(&a);
    return same;
}

/* Whether a number may leave in an element that the store knows with another. */
static bool may_differ(const struct laws *l, size_t ehr, const struct tree *resource,
                       const char *element, uint32_t number) {
    if (foreign(l, ehr, element, number))
        return true;
    return l->was_restored && stands_there(l, ehr, resource, element, number);
}

static void check_content(struct laws *l, size_t ehr, const struct clinic_identity *x,
                          const struct tree *resource) {
    const struct clinic_kind *kind = &clinic_kinds[x->item];
    const char *name = clinic_item_names[x->item];
    uint32_t mark = 0, extra = 0;
    bool several = false;
    if (clinic_kinds[x->item].owner == INTAKE_PATIENT && !clinic_sure(l->clinic, x))
        return;
    if (!clinic_knows(l->clinic, x, &mark, &extra, &several)) {
        if (x->record < CLINIC_RECORDS && l->clinic->known[x->record].moved)
            return; /* what it said before it named another local id may still be wanted */
        laws_break(l, "unwanted-sent", "%s of record %zu: no record says it", name, x->record);
        return;
    }
    if (several) {
        laws_break(l, "contradiction-sent", "%s: two records differ with one date", name);
        return;
    }
    uint32_t its_mark = clinic_number_in(resource, kind->mark);
    uint32_t its_extra = clinic_number_in(resource, kind->extra);
    bool day = x->item == CLINIC_CONSENT; /* its number became a day of the month */
    uint32_t want_extra = day && extra != 0 ? extra % 28 + 1 : extra;
    if (its_mark != mark && !may_differ(l, ehr, resource, kind->mark, its_mark))
        laws_break(l, "old-after-new", "%s of record %zu: %u sent, %u is known", name, x->record,
                   its_mark, mark);
    if (its_extra != want_extra && !may_differ(l, ehr, resource, kind->extra, its_extra))
        laws_break(l, "old-after-new", "%s of record %zu: second element %u sent, %u is known",
                   name, x->record, its_extra, want_extra);
}

/* A body must be about a patient that the EHR has. */
static void check_subject(struct laws *l, size_t ehr, const struct tree *resource,
                          const char *name) {
    static const char prefix[] = "Patient/";
    const struct tree *subject = tree_get(resource, "subject");
    if (subject == NULL)
        subject = tree_get(resource, "patient");
    const char *reference = subject != NULL ? tree_text(subject, "reference") : NULL;
    bool patient = reference != NULL && strncmp(reference, prefix, sizeof prefix - 1) == 0;
    const char *id = patient ? reference + sizeof prefix - 1 : "";
    if (ehr_find(l->world->ehrs[ehr], "Patient", id) == NULL && !l->was_reset[ehr])
        laws_break(l, "sent-without-chart", "%s goes out about %s", name,
                   reference != NULL ? reference : "nobody");
}

/* What must be so for a resource to leave, unless it is withdrawn. */
static void check_leaving(struct laws *l, size_t ehr, const struct clinic_identity *x,
                          const struct tree *resource) {
    const struct clinic *c = l->clinic;
    const char *name = clinic_item_names[x->item];
    bool shared = clinic_kinds[x->item].owner == INTAKE_PATIENT;
    int64_t today = sim_wall_ms(l->world) / CLINIC_DAY_MS;
    if (clinic_refuses(c, x->patient, x->item))
        laws_break(l, "after-revocation", "%s of patient %zu", name, x->patient);
    else if (x->item != CLINIC_CONSENT && !clinic_permits(c, x->patient, x->item, today))
        laws_break(l, "without-consent", "%s of patient %zu", name, x->patient);
    if (!shared && c->polling[clinic_job_of(c, x->record)])
        laws_break(l, "sent-while-polling", "%s of record %zu", name, x->record);
    if (!shared && c->known[x->record].blocked)
        laws_break(l, "held-record-sent", "%s of record %zu", name, x->record);
    bool moved = !shared && !l->may_move && laws_stands_elsewhere(l, ehr, x->record, x->patient);
    if (moved)
        laws_break(l, "moved-record-sent", "%s of record %zu: the record stands in another chart",
                   name, x->record);
    check_subject(l, ehr, resource, name);
    check_content(l, ehr, x, resource);
}

static void check_resource(struct laws *l, size_t ehr, const struct tree *resource) {
    struct clinic_identity x;
    struct str text = { 0 };
    const char *value = our_value(resource);
    if (value == NULL || !clinic_identify(value, &x))
        return;
    json_write(&text, resource, JSON_COMPACT);
    bool withdrawn = laws_withdrawn(text.data);
    str_free(&text);
    if (withdrawn) {
        l->withdrawals++;
        return;
    }
    l->writes++;
    check_leaving(l, ehr, &x, resource);
}

static void check_entries(struct laws *l, size_t ehr, const struct tree *bundle) {
    const struct tree *list = tree_get(bundle, "entry");
    for (const struct tree *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        const struct tree *resource = tree_get(n, "resource");
        if (resource != NULL)
            check_resource(l, ehr, resource);
    }
}

/* So few resources never need so many requests in a minute. */
static void count_request(struct laws *l) {
    enum { WINDOW_MS = 60000, REQUESTS_MOST = 300 };
    if (l->world->now_ms - l->window_ms >= WINDOW_MS) {
        l->window_ms = l->world->now_ms;
        l->in_window = 0;
    }
    if (++l->in_window > REQUESTS_MOST)
        laws_break(l, "storm", "more than %d requests within a minute", REQUESTS_MOST);
}

static const char *our_token(const struct ehr_resource *r) {
    for (size_t i = 0; i < r->identifier_count; i++)
        if (strncmp(r->identifiers[i], CLINIC_SYSTEM "|", sizeof CLINIC_SYSTEM) == 0)
            return r->identifiers[i] + sizeof CLINIC_SYSTEM;
    return NULL;
}

/* What somebody took out there is no foreign edit any more once the clinic has taken it out too and
 * has looked. */
static void note_agreed(struct laws *l, size_t ehr, const char *path) {
    const char *name = path[0] == '/' ? path + 1 : path;
    for (size_t i = 0; i < l->edit_count; i++) {
        struct laws_edit *x = &l->edits[i];
        const struct ehr_resource *r = ehr_find(l->world->ehrs[ehr], x->type, x->id);
        size_t length = strlen(x->type);
        bool meant = x->ehr == ehr && x->number == 0 && strncmp(name, x->type, length) == 0 &&
                     name[length] == '/' && strcmp(name + length + 1, x->id) == 0;
        struct clinic_identity identity;
        uint32_t mark = 0, extra = 0;
        bool several = false;
        const char *value = meant && r != NULL ? our_token(r) : NULL;
        if (value == NULL || !clinic_identify(value, &identity) ||
            !clinic_knows(l->clinic, &identity, &mark, &extra, &several))
            continue;
        bool agreed = strcmp(x->element, clinic_kinds[identity.item].extra) == 0 && extra == 0;
        if (agreed)
            *x = l->edits[--l->edit_count];
    }
}

void laws_leaves(struct laws *l, size_t ehr, const struct iptfhir_http_request *request) {
    struct arena a = { 0 };
    bool search = strstr(request->path, "_search") != NULL;
    count_request(l);
    note_agreed(l, ehr, request->path);
    if (request->body == NULL || search)
        return;
    const struct tree *body = json_read_copy(&a, request->body, request->body_length, NULL, NULL);
    const char *type = body != NULL ? tree_text(body, "resourceType") : NULL;
    if (type == NULL)
        laws_break(l, "no-json-sent", "%s %s", request->method, request->path);
    else if (strcmp(type, "Bundle") == 0)
        check_entries(l, ehr, body);
    else
        check_resource(l, ehr, body);
    arena_free(&a);
}

/* ---- what EHRs commit ---- */

static void check_double(struct laws *l, size_t ehr, const struct ehr_resource *r,
                         const char *value) {
    const struct ehr *e = l->world->ehrs[ehr];
    for (size_t i = 0; i < ehr_count(e) && !l->doubles[ehr]; i++) {
        const struct ehr_resource *other = ehr_at(e, i);
        const char *its = other != r && !other->deleted ? our_token(other) : NULL;
        if (its != NULL && strcmp(its, value) == 0)
            laws_break(l, "double", "ehr%zu %s/%s and %s/%s", ehr, r->type, r->id, other->type,
                       other->id);
    }
}

static void check_edits(struct laws *l, size_t ehr, const struct ehr_resource *r) {
    struct arena a = { 0 };
    struct tree *body = NULL;
    for (size_t i = 0; i < l->edit_count && !l->overwrites[ehr] && !l->may_overwrite; i++) {
        const struct laws_edit *x = &l->edits[i];
        if (x->ehr != ehr || strcmp(x->id, r->id) != 0 || strcmp(x->type, r->type) != 0)
            continue;
        if (body == NULL)
            body = json_read_copy(&a, r->body, r->length, NULL, NULL);
        uint32_t number = body != NULL ? clinic_number_in(body, x->element) : 0;
        if (number != x->number)
            laws_break(l, "foreign-edit-lost", "ehr%zu %s/%s %s: %u was written there, now %u", ehr,
                       r->type, r->id, x->element, x->number, number);
    }
    arena_free(&a);
}

/* References that were never resolved, or lead to what isn't there. */
static void check_references(struct laws *l, size_t ehr, const struct ehr_resource *r) {
    const struct ehr *e = l->world->ehrs[ehr];
    if (strstr(r->body, "\"urn:uuid:") != NULL)
        laws_break(l, "dangling-reference", "ehr%zu %s/%s keeps a urn:uuid", ehr, r->type, r->id);
    static const char opening[] = "\"reference\":\"";
    for (const char *p = strstr(r->body, opening); p != NULL; p = strstr(p, opening)) {
        char type[EHR_TYPE], id[EHR_ID];
        p += sizeof opening - 1;
        if (sscanf(p, "%23[A-Za-z]/%67[^\"]", type, id) != 2)
            continue;
        if (ehr_find(e, type, id) == NULL && !l->was_reset[ehr])
            laws_break(l, "dangling-reference", "ehr%zu %s/%s refers to %s/%s", ehr, r->type, r->id,
                       type, id);
    }
}

static void check_chart(struct laws *l, size_t ehr, const struct ehr_resource *before,
                        const struct ehr_resource *after, const struct clinic_identity *x) {
    if (laws_withdrawn(after->body)) {
        if (before != NULL && strcmp(before->patient, after->patient) != 0)
            laws_break(l, "wrong-chart", "ehr%zu %s/%s moved from %s to %s", ehr, after->type,
                       after->id, before->patient, after->patient);
        return;
    }
    const struct ehr_resource *chart = laws_chart_of(l, ehr, x->patient);
    bool right = chart != NULL && strcmp(chart->id, after->patient) == 0;
    if (!right && !right_lately(l, ehr, x->patient, after->patient))
        laws_break(l, "wrong-chart", "ehr%zu %s/%s stands in %s, right is %s", ehr, after->type,
                   after->id, after->patient, chart != NULL ? chart->id : "none");
}

/* Whether something was deleted a moment ago at an EHR without versions: between our look and the
 * write that followed nothing could tell us. */
static bool deleted_unseen(const struct laws *l, size_t ehr) {
    enum { MOMENT_MS = 1000 };
    bool blind = !ehr_knobs(l->world->ehrs[ehr])->versions;
    bool lately = l->deleted_ms[ehr] != 0 && l->world->now_ms - l->deleted_ms[ehr] < MOMENT_MS;
    return blind && lately;
}

void laws_committed(struct laws *l, size_t ehr, const struct ehr_resource *before,
                    const struct ehr_resource *after, bool client) {
    struct clinic_identity x;
    if (!client)
        return;
    const char *value = our_token(after);
    if (before != NULL && !before->deleted && value != NULL) {
        const char *former = our_token(before);
        if (former == NULL || strcmp(former, value) != 0)
            laws_break(l, "stranger-overwritten", "ehr%zu %s/%s", ehr, after->type, after->id);
    }
    bool resurrected = before != NULL && before->deleted && !l->may_recreate;
    if (resurrected && !deleted_unseen(l, ehr))
        laws_break(l, "resurrected", "ehr%zu %s/%s", ehr, after->type, after->id);
    if (value != NULL && (before == NULL || before->deleted))
        check_double(l, ehr, after, value);
    check_edits(l, ehr, after);
    check_references(l, ehr, after);
    if (value == NULL || !clinic_identify(value, &x))
        return;
    if (x.record < CLINIC_RECORDS)
        l->stood[ehr][x.record][x.patient] = true;
    check_chart(l, ehr, before, after, &x);
}

/* Whether the clinic says the second element of a resource. */
static bool says_element(const struct laws *l, const struct ehr_resource *r, const char *element) {
    struct clinic_identity x;
    uint32_t mark = 0, extra = 0;
    bool several;
    const char *value = our_token(r);
    if (value == NULL || !clinic_identify(value, &x) ||
        !clinic_knows(l->clinic, &x, &mark, &extra, &several))
        return false;
    return strcmp(clinic_kinds[x.item].extra, element) != 0 || extra != 0;
}

void laws_edited(struct laws *l, size_t ehr, const struct ehr_resource *r, const char *element,
                 uint32_t number) {
    size_t i = 0;
    while (i < l->edit_count &&
           (l->edits[i].ehr != ehr || strcmp(l->edits[i].id, r->id) != 0 ||
            strcmp(l->edits[i].type, r->type) != 0 || l->edits[i].element != element))
        i++;
    if (number == 0 && i < l->edit_count && !says_element(l, r, element)) {
        l->edits[i] = l->edits[--l->edit_count]; /* they took back what only they had written */
        return;
    }
    if (i == LAWS_EDITS)
        return;
    l->edit_count += i == l->edit_count ? 1 : 0;
    l->edits[i] = (struct laws_edit) { .ehr = ehr, .element = element, .number = number };
    (void)snprintf(l->edits[i].type, sizeof l->edits[i].type, "%s", r->type);
    (void)snprintf(l->edits[i].id, sizeof l->edits[i].id, "%s", r->id);
}

void laws_reset(struct laws *l, size_t ehr) {
    size_t kept = 0;
    l->was_reset[ehr] = true;
    memset(l->stood[ehr], 0, sizeof l->stood[ehr]);
    for (size_t i = 0; i < l->edit_count; i++)
        if (l->edits[i].ehr != ehr)
            l->edits[kept++] = l->edits[i];
    l->edit_count = kept;
}
