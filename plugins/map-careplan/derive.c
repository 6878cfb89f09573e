/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan derives from the record: states, schedules, texts. */
#include "careplan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Keeps the later of two days. */
static void later(const char **day, const char *other) {
    if (other && (!*day || strncmp(other, *day, 10) > 0))
        *day = other;
}

/* The latest day of which the record tells something; NULL when there is none. */
static const char *as_of(const struct plan *p) {
    static const struct {
        const char *list, *member;
    } places[] = { { "measures", "administeredAt" },
                   { "communicationAssessments", "date" },
                   { "goals", "statusDate" } };
    const json_t *sessions = facts_list(p->json, "sessions");
    const char *day = facts_text(p->course, "end");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const json_t *list = facts_list(p->json, places[i].list);
        for (size_t n = 0; n < json_array_size(list); n++)
            later(&day, facts_text(json_array_get(list, n), places[i].member));
    }
    for (size_t n = 0; n < json_array_size(sessions); n++) {
        const char *status = facts_text(json_array_get(sessions, n), "status");
        if (status && strcmp(status, "finished") == 0)
            later(&day, facts_text(json_array_get(sessions, n), "start"));
    }
    return day;
}

const char *plan_phase_status(const struct plan *p, const json_t *phase) {
    const char *course = facts_text(p->course, "status"), *start = facts_text(phase, "start"),
               *end = facts_text(phase, "end"), *now = as_of(p);
    bool over = end && now && strncmp(end, now, 10) < 0,
         begun = start && now && strncmp(start, now, 10) <= 0;
    if (!course)
        return "unknown";
    if (strcmp(course, "draft") == 0)
        return "not-started";
    if (strcmp(course, "completed") == 0)
        return start && !begun ? "cancelled" : "completed";
    if (over)
        return "completed";
    if (strcmp(course, "revoked") == 0)
        return begun ? "stopped" : "cancelled";
    if (begun)
        return strcmp(course, "on-hold") == 0 ? "on-hold" : "in-progress";
    return start ? "scheduled" : "not-started";
}

/* Appends to a text of a fixed size; what doesn't fit is cut. */
static void add(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

bool plan_schedule(const struct plan *p, const json_t *monitoring, json_t *facts) {
    const json_t *weeks = facts_list(monitoring, "weeks");
    const char *name = p->instrument ? p->instrument->name : facts_text(monitoring, "instrument");
    size_t count = json_array_size(weeks);
    int64_t period = 0;
    char text[512];
    snprintf(text, sizeof text, "%.100s monitoring", name);
    for (size_t i = 0; i < count; i++) {
        int64_t week = json_integer_value(json_array_get(weeks, i));
        int64_t step = i > 0 ? week - json_integer_value(json_array_get(weeks, i - 1)) : 0;
        period = i == 1 ? step : i > 1 && step != period ? -1 : period;
        add(text, sizeof text, "%s%lld",
            i == 0           ? (count > 1 ? " at weeks " : " at week ")
            : i + 1 == count ? " and "
                             : ", ",
            (long long)week);
    }
    return facts_set_text(facts, "name", name) && facts_set_text(facts, "text", text) &&
           (period < 1 || facts_set(facts, "period", json_integer((json_int_t)period)));
}

json_t *plan_measure(const struct plan *p, const struct series_point *point, const char *which) {
    const char *id =
        facts_text(json_array_get(facts_list(p->json, "measures"), point->index), "id");
    return facts_identity(p->self->host, "Observation", "%s/%s/%s", p->record->id, id, which);
}

size_t plan_latest(const json_t *assessments) {
    size_t count = json_array_size(assessments), latest = count;
    const char *day = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *date = facts_text(json_array_get(assessments, i), "date");
        if (date && (!day || strcmp(date, day) >= 0)) {
            day = date;
            latest = i;
        }
    }
    return latest;
}

/* Appends a text with what XHTML reserves escaped. */
static void add_escaped(char *text, size_t size, const char *from) {
    for (; *from; from++) {
        const char *entity = *from == '&'   ? "&amp;"
                             : *from == '<' ? "&lt;"
                             : *from == '>' ? "&gt;"
                             : *from == '"' ? "&quot;"
                                            : NULL;
        if (strlen(text) + 8 > size)
            return;
        if (entity)
            add(text, size, "%s", entity);
        else
            add(text, size, "%c", *from);
    }
}

/* The displays of the problem areas, in lower case, separated by commas. */
static void areas_text(const struct plan *p, char *text, size_t size) {
    const json_t *areas = facts_list(p->course, "problemAreas");
    *text = '\0';
    for (size_t i = 0; i < json_array_size(areas); i++) {
        const char *code = facts_text(json_array_get(areas, i), "code"),
                   *display = code ? facts_text(p->self->displays, code) : NULL;
        if (display)
            add(text, size, "%s%.80s", *text ? ", " : "", display);
    }
    for (char *c = text; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
}

/* How the therapy is given, such as "Individual IPT, 16 weeks, 16 sessions". */
static void therapy_text(const struct plan *p, char *text, size_t size) {
    const char *format = facts_text(p->course, "format");
    int64_t number = 0;
    bool group = format && strcmp(format, "group") == 0,
         mixed = format && strcmp(format, "mixed") == 0;
    snprintf(text, size, "%s IPT", group ? "Group" : mixed ? "Individual and group" : "Individual");
    if (facts_number(p->course, "plannedWeeks", &number))
        add(text, size, ", %lld weeks", (long long)number);
    if (facts_number(p->course, "plannedSessions", &number))
        add(text, size, ", %lld sessions", (long long)number);
}

bool plan_texts(const struct plan *p, json_t *facts) {
    char areas[512], therapy[128], div[4096];
    const char *start = facts_text(p->course, "start"), *end = facts_text(p->course, "end"),
               *status = facts_text(p->course, "status");
    const char *instrument = facts_text(json_object_get(facts, "monitoring"), "text");
    int64_t weeks = 0, sessions = 0;
    areas_text(p, areas, sizeof areas);
    therapy_text(p, therapy, sizeof therapy);
    snprintf(div, sizeof div,
             "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Interpersonal psychotherapy (IPT) "
             "plan from %.10s",
             start ? start : "");
    if (end)
        add(div, sizeof div, " to %.10s", end);
    add(div, sizeof div, ", %.20s. %s.", status ? status : "", therapy);
    if (*areas) {
        add(div, sizeof div, " Problem areas: ");
        add_escaped(div, sizeof div - 512, areas);
        add(div, sizeof div, ".");
    }
    if (instrument && p->instrument) { /* a name that no instrument file knows stays out */
        add(div, sizeof div, " ");
        add_escaped(div, sizeof div - 256, instrument);
        add(div, sizeof div, ".");
    }
    add(div, sizeof div, " Goals: %zu.</p></div>", json_array_size(facts_list(facts, "goals")));
    if (facts_number(p->course, "plannedWeeks", &weeks) &&
        facts_number(p->course, "plannedSessions", &sessions) && weeks == sessions &&
        !facts_set(facts, "weekly", json_true()))
        return false;
    return facts_set_text(facts, "therapy", therapy) && facts_set_text(facts, "div", div) &&
           facts_set(facts, "description",
                     *areas ? facts_format("Time-limited IPT. Problem areas: %s.", areas)
                            : facts_format("Time-limited IPT."));
}
