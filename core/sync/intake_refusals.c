/* SPDX-License-Identifier: Apache-2.0 */
/* What a record that is held refuses for a patient that it names, but under whom it doesn't stand:
 * facts "refusal CLINIC, local id, record number", with which lane.c joins those of the patient's
 * own records. */
#include "core/sync/intake_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "refusal CLINIC, local id," in the entry's memory; the record's number belongs behind it. */
static char *prefix_of(struct intake *in, const char *local_id) {
    size_t size = strlen(in->settings->clinic) + strlen(local_id) + 48;
    char *prefix = intake_memory(in, size);
    if (prefix != NULL)
        snprintf(prefix, size, "refusal %s\x1f%s\x1f", in->settings->clinic, local_id);
    return prefix;
}

/* Writes a fact unless it stands already; true when it was written. */
static bool set_if_new(struct intake *in, const char *name, const char *text) {
    struct store_bytes stands = { NULL, 0 };
    if (!intake_ok(in))
        return false;
    if (!in->calls->fact_get(in->store, name, &in->scratch, &stands, &in->fault)) {
        intake_fault(in, "store", "the facts could not be read; run the command again");
        return false;
    }
    size_t length = strlen(text);
    bool same =
        stands.data != NULL && stands.length == length && memcmp(stands.data, text, length) == 0;
    if (!same)
        rows_set_fact(in, name, text);
    return !same;
}

/* ---- keeping ---- */

/* Keeps facts for a patient (0: not known yet); `end`: who says so. */
static void keep(struct intake *in, uint64_t patient, const char *local_id, const char *end,
                 struct store_bytes facts, int64_t revision_ms) {
    const char *known_as = patient != 0 ? rows_local_id(in, patient) : local_id;
    const struct store_bytes none = { "{}", 2 };
    struct store_bytes held = facts_held(in, none, false, &facts, 1);
    char *name = prefix_of(in, known_as);
    char *text = intake_memory(in, held.length + 32);
    if (name == NULL || text == NULL || !intake_ok(in))
        return;
    strcat(name, end);
    int head = snprintf(text, 32, "%lld ", (long long)revision_ms);
    memcpy(text + head, held.data, held.length);
    if (set_if_new(in, name, text) && patient != 0)
        rows_put_lanes(in, patient);
}

void refusals_keep(struct intake *in, const struct store_record *row, const char *local_id,
                   struct store_bytes facts, int64_t revision_ms) {
    bool fresh;
    char end[32];
    uint64_t patient = rows_patient(in, local_id, false, &fresh);
    if (patient == row->patient || facts.data == NULL || !intake_ok(in))
        return;
    snprintf(end, sizeof end, "%llu", (unsigned long long)row->no);
    keep(in, patient, local_id, end, facts, revision_ms);
}

void refusals_keep_nameless(struct intake *in, const char *unit, const char *local_id,
                            struct store_bytes facts) {
    bool fresh;
    char end[32];
    uint64_t patient = rows_patient(in, local_id, false, &fresh);
    snprintf(end, sizeof end, "u%016llx", (unsigned long long)intake_hash64(unit));
    if (intake_ok(in))
        keep(in, patient, local_id, end, facts, 0);
}

/* ---- forgetting ---- */

/* Facts that are to be forgotten: they are not written while they are read. */
struct forgotten {
    struct forgotten *next;
    const char *name;
};

struct search {
    struct intake *in;
    const char *end; /* of their names: the record; NULL: units that were mended */
    struct forgotten *list;
};

/* Whether a unit that had a row without a name was read again, and has none any more. */
static bool is_mended(const struct intake *in, const char *end) {
    if (end[1] != 'u')
        return false;
    uint64_t unit = strtoull(end + 2, NULL, 16);
    return intake_set_has(&in->holds.units_read, unit) && !intake_set_has(&in->torn, unit);
}

static bool note_refusal(void *user, const char *name, struct store_bytes value) {
    struct search *s = user;
    const char *end = strrchr(name, '\x1f');
    (void)value;
    if (end == NULL)
        return true;
    bool meant = s->end != NULL ? strcmp(end, s->end) == 0 : is_mended(s->in, end);
    if (!meant)
        return true;
    struct forgotten *f = intake_memory(s->in, sizeof *f);
    if (f == NULL)
        return false;
    *f = (struct forgotten) { s->list, intake_text(s->in, name) };
    s->list = f;
    return intake_ok(s->in);
}

/* The patient's lanes are looked at again without this refusal. */
static void wake(struct intake *in, const char *name) {
    bool fresh;
    const char *begin = strchr(name, '\x1f') + 1;
    char *local_id = intake_text(in, begin);
    if (local_id == NULL)
        return;
    *strrchr(local_id, '\x1f') = '\0';
    uint64_t patient = rows_patient(in, local_id, false, &fresh);
    if (patient != 0)
        rows_put_lanes(in, patient);
}

static void forget(struct intake *in, const char *end) {
    struct search s = { .in = in, .end = end };
    size_t size = strlen(in->settings->clinic) + 16;
    char *prefix = intake_memory(in, size);
    if (prefix == NULL)
        return;
    snprintf(prefix, size, "refusal %s\x1f", in->settings->clinic);
    bool read = in->calls->facts(in->store, prefix, note_refusal, &s, &in->fault);
    if (!read && intake_ok(in))
        intake_fault(in, "store", "the facts could not be read; run the command again");
    for (const struct forgotten *f = s.list; f != NULL && intake_ok(in); f = f->next) {
        rows_set_fact(in, f->name, NULL);
        wake(in, f->name);
    }
}

void refusals_forget(struct intake *in, const struct store_record *row) {
    char end[32];
    snprintf(end, sizeof end, "\x1f%llu", (unsigned long long)row->no);
    forget(in, end);
}

void refusals_settle(struct intake *in) {
    if (in->holds.units_read.count > 0)
        forget(in, NULL);
}
