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
    const char *day = facts_text(p->f, p->course, "end");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct iptfhir_node *list = facts_list(p->f, p->node, places[i].list);
        const struct iptfhir_node *item = facts_first(p->f, list);
        for (; item != NULL; item = facts_next(p->f, item))
            later(&day, facts_text(p->f, item, places[i].member));
    }
    const struct iptfhir_node *session = facts_first(p->f, facts_list(p->f, p->node, "sessions"));
    for (; session != NULL; session = facts_next(p->f, session)) {
        const char *status = facts_text(p->f, session, "status");
        if (status != NULL && strcmp(status, "finished") == 0)
            later(&day, facts_text(p->f, session, "start"));
    }
    return day;
}

/* What is known of a phase; a row of the table below says what must be so. */
enum { HAS_START = 1, HAS_BEGUN = 2, IS_OVER = 4 };
static const struct phase_row {
    const char *course; /* its status; NULL: any */
    unsigned with;
    unsigned without;
    const char *status;
} phase_rows[] = {
    { "draft", 0, 0, "not-started" },       { "completed", HAS_START, HAS_BEGUN, "cancelled" },
    { "completed", 0, 0, "completed" },     { NULL, IS_OVER, 0, "completed" },
    { "revoked", HAS_BEGUN, 0, "stopped" }, { "revoked", 0, 0, "cancelled" },
    { "on-hold", HAS_BEGUN, 0, "on-hold" }, { NULL, HAS_BEGUN, 0, "in-progress" },
    { NULL, HAS_START, 0, "scheduled" },    { NULL, 0, 0, "not-started" },
};

static bool phase_row_fits(const struct phase_row *row, const char *course, unsigned known) {
    if (row->course != NULL && strcmp(row->course, course) != 0)
        return false;
    return (known & row->with) == row->with && (known & row->without) == 0;
}

/* Compares two days; 0 also when one of them is not known. */
static int compare_days(const char *one, const char *other) {
    return one != NULL && other != NULL ? strncmp(one, other, 10) : 0;
}

const char *plan_phase_status(const struct plan *p, const struct iptfhir_node *phase) {
    const char *course = facts_text(p->f, p->course, "status");
    const char *start = facts_text(p->f, phase, "start");
    const char *end = facts_text(p->f, phase, "end");
    const char *now = as_of(p);
    const struct phase_row *row = phase_rows;
    unsigned known = 0;
    if (course == NULL)
        return "unknown";
    if (start != NULL)
        known |= HAS_START;
    if (start != NULL && now != NULL && compare_days(start, now) <= 0)
        known |= HAS_BEGUN;
    if (compare_days(end, now) < 0)
        known |= IS_OVER;
    while (!phase_row_fits(row, course, known))
        row++;
    return row->status;
}

/* Appends to a text of a fixed size; what doesn't fit is cut. */
static void add(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void plan_schedule(const struct plan *p, const struct iptfhir_node *monitoring,
                   struct iptfhir_node *facts) {
    const struct iptfhir_node *weeks = facts_list(p->f, monitoring, "weeks");
    const char *name =
        p->instrument != NULL ? p->instrument->name : facts_text(p->f, monitoring, "instrument");
    size_t count = facts_count(p->f, weeks);
    int64_t period = 0; /* -1: the weeks are not evenly spaced */
    int64_t before = 0;
    char text[512];
    snprintf(text, sizeof text, "%.100s monitoring", name);
    const struct iptfhir_node *item = facts_first(p->f, weeks);
    for (size_t i = 0; item != NULL; i++) {
        int64_t week = 0;
        const char *between = ", ";
        if (i == 0)
            between = count > 1 ? " at weeks " : " at week ";
        else if (i + 1 == count)
            between = " and ";
        (void)p->f->nodes->integer(item, &week);
        add(text, sizeof text, "%s%lld", between, (long long)week);
        if (i == 1)
            period = week - before;
        else if (i > 1 && week - before != period)
            period = -1;
        before = week;
        item = facts_next(p->f, item);
    }
    facts_set_text(p->f, facts, "name", name);
    facts_set_text(p->f, facts, "text", text);
    if (period >= 1)
        facts_set_number(p->f, facts, "period", period);
}

struct iptfhir_node *plan_measure(const struct plan *p, const struct series_point *point,
                                  const char *which) {
    const char *id = facts_text(p->f, point->measure, "id");
    return facts_identity(p->f, "Observation", "%s/%s/%s", p->record->id, id, which);
}

const struct iptfhir_node *plan_latest(const struct plan *p,
                                       const struct iptfhir_node *assessments) {
    const struct iptfhir_node *latest = NULL;
    const char *day = NULL;
    const struct iptfhir_node *item = facts_first(p->f, assessments);
    for (; item != NULL; item = facts_next(p->f, item)) {
        const char *date = facts_text(p->f, item, "date");
        if (date != NULL && (day == NULL || strcmp(date, day) >= 0)) {
            day = date;
            latest = item;
        }
    }
    return latest;
}

/* Appends a text with what XHTML reserves escaped. */
static void add_escaped(char *text, size_t size, const char *from) {
    static const char reserved[] = "&<>\"";
    static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;" };
    while (*from != '\0' && strlen(text) + 8 <= size) {
        const char *found = strchr(reserved, *from);
        if (found != NULL)
            add(text, size, "%s", entities[found - reserved]);
        else
            add(text, size, "%c", *from);
        from++;
    }
}

/* The displays of the problem areas, in lower case, separated by commas. */
static void areas_text(const struct plan *p, char *text, size_t size) {
    const struct iptfhir_node *area =
        facts_first(p->f, facts_list(p->f, p->course, "problemAreas"));
    *text = '\0';
    for (; area != NULL; area = facts_next(p->f, area)) {
        const char *code = facts_text(p->f, area, "code");
        const char *display = code != NULL ? facts_text(p->f, p->self->displays, code) : NULL;
        if (display != NULL)
            add(text, size, "%s%.80s", *text ? ", " : "", display);
    }
    for (char *c = text; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
}

/* How the therapy is given, such as "Individual IPT, 16 weeks, 16 sessions". */
static void therapy_text(const struct plan *p, char *text, size_t size) {
    const char *format = facts_text(p->f, p->course, "format");
    int64_t number = 0;
    bool group = format && strcmp(format, "group") == 0;
    bool mixed = format && strcmp(format, "mixed") == 0;
    snprintf(text, size, "%s IPT", group ? "Group" : mixed ? "Individual and group" : "Individual");
    if (facts_number(p->f, p->course, "plannedWeeks", &number))
        add(text, size, ", %lld weeks", (long long)number);
    if (facts_number(p->f, p->course, "plannedSessions", &number))
        add(text, size, ", %lld sessions", (long long)number);
}

void plan_texts(const struct plan *p, struct iptfhir_node *facts) {
    char areas[512];
    char therapy[128];
    char div[4096];
    const char *start = facts_text(p->f, p->course, "start");
    const char *end = facts_text(p->f, p->course, "end");
    const char *status = facts_text(p->f, p->course, "status");
    const char *instrument = facts_text(p->f, facts_get(p->f, facts, "monitoring"), "text");
    int64_t weeks = 0;
    int64_t sessions = 0;
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
    add(div, sizeof div, " Goals: %zu.</p></div>",
        facts_count(p->f, facts_list(p->f, facts, "goals")));
    bool planned = facts_number(p->f, p->course, "plannedWeeks", &weeks) &&
                   facts_number(p->f, p->course, "plannedSessions", &sessions);
    if (planned && weeks == sessions)
        facts_set_truth(p->f, facts, "weekly", true);
    facts_set_text(p->f, facts, "therapy", therapy);
    facts_set_text(p->f, facts, "div", div);
    const char *more = *areas ? " Problem areas: " : "";
    facts_set(p->f, facts, "description",
              facts_format(p->f, "Time-limited IPT.%s%s%s", more, areas, *areas ? "." : ""));
}
