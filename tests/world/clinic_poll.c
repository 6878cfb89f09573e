/* SPDX-License-Identifier: Apache-2.0 */
/* Polls: the rows that an export has, their bodies and facts, handed to intake one by one. */
#include "tests/world/clinic.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char hash_key[32] = "the clinic's key for keyed hash";

/* ---- what rows there are ---- */

static void add_row(struct clinic *c, size_t record, const struct clinic_state *state) {
    struct clinic_row *row = &c->rows[c->row_count++];
    *row = (struct clinic_row) { .what = state->broken ? CLINIC_ROW_HOLD : CLINIC_ROW_RECORD,
                                 .record = record,
                                 .state = *state };
    row->state.local = state->patient;
    if (c->aliased[state->patient])
        row->state.patient = state->patient - CLINIC_PERSONS;
}

/* The revision of a record that an older export has: one of its former ones, if there is any. */
static const struct clinic_state *former(struct clinic *c, size_t record) {
    const struct clinic_state *found = NULL;
    for (size_t i = 0; i < c->history_count; i++)
        if (c->history[i].record == record && (found == NULL || sim_chance(&c->random, 50)))
            found = &c->history[i].state;
    return found;
}

static void list_rows(struct clinic *c, size_t job, enum clinic_poll_kind kind, int64_t wall_ms) {
    size_t special = (size_t)sim_between(&c->random, 0, CLINIC_RECORDS - 1);
    c->row_count = c->row_at = c->told = 0;
    for (size_t r = 0; r < CLINIC_RECORDS && kind != CLINIC_POLL_EMPTY; r++) {
        struct clinic_state s = c->now[r];
        const struct clinic_state *old = former(c, r);
        if (clinic_job_of(c, r) != job || !s.exists)
            continue;
        bool chosen = r == special || c->settings.jobs == 2;
        if (kind == CLINIC_POLL_OLD && old != NULL && old->exists)
            s = *old;
        if (kind == CLINIC_POLL_LATER_LINE && old != NULL && old->exists)
            add_row(c, r, old);
        if (kind == CLINIC_POLL_FUTURE && chosen)
            s.revision_ms = wall_ms + 2 * (int64_t)CLINIC_DAY_MS;
        add_row(c, r, &s);
        if (kind == CLINIC_POLL_DOUBLED && chosen && !s.broken) {
            s.mark[CLINIC_PLAN] = clinic_number(c);
            add_row(c, r, &s);
        }
        if (kind == CLINIC_POLL_UNREADABLE && chosen)
            c->rows[c->row_count - 1].what = CLINIC_ROW_UNREADABLE;
    }
    if (kind == CLINIC_POLL_TRUNCATED || kind == CLINIC_POLL_FAILS)
        c->row_count /= 2;
}

/* ---- facts and bodies ---- */

static void patient_uuid(size_t patient, char text[37]) {
    struct clinic_identity x = { .patient = patient, .record = 0xfe };
    unsigned char uuid[STORE_UUID];
    clinic_uuid(&x, uuid);
    uuid[15] = 0xff;
    clinic_uuid_text(uuid, text);
}

static void write_day(struct str *out, int64_t day) {
    char text[25];

    clock_format(day * CLINIC_DAY_MS, text);
    str_add(out, text, 10);
}

static void write_decision(const struct clinic_decision *d, struct str *out) {
    str_printf(out, "{\"id\":\"C\",\"status\":\"%s\",\"signedAt\":\"",
               d->permits ? "active" : "revoked");
    write_day(out, d->day);
    if (!d->permits) {
        str_puts(out, "\",\"revokedAt\":\"");
        write_day(out, d->day);
    }
    str_printf(out, "\",\"part2\":%s", d->part2 ? "true" : "false");
    if (d->classes != 0) {
        str_puts(out, ",\"dataClasses\":[");
        const char *between = "";
        for (size_t i = 0; i < CLINIC_ITEMS; i++) {
            if (i == CLINIC_SECOND_GOAL || i == CLINIC_CONSENT || (d->classes & 1u << i) == 0)
                continue;
            str_printf(out, "%s\"%s\"", between, clinic_kinds[i].data_class);
            between = ",";
        }
        str_puts(out, "]");
    }
    str_puts(out, "}");
}

/* Writes facts; of a record that can't be used only what could be read. */
static void write_facts(const struct clinic_state *s, struct str *out) {
    const struct clinic_patient *p = &clinic_patients[s->local];
    char id[37];
    patient_uuid(s->patient, id);
    str_printf(out,
               "{\"patient\":{\"id\":\"%s\",\"localId\":\"%s\",\"identifiers\":[{\"system\":\"%s\","
               "\"value\":\"%s\"}],"
               "\"family\":\"%s\",\"given\":[\"%s\"],\"birthDate\":\"%s\",\"sex\":\"%s\"},"
               "\"consents\":[",
               id, p->local_id, CLINIC_MRN_SYSTEM, s->mrn, p->family, p->given, p->birth_date,
               p->sex);
    for (size_t i = 0; i < s->decision_count; i++) {
        str_puts(out, i > 0 ? "," : "");
        write_decision(&s->decisions[i], out);
    }
    str_printf(out, "]%s}", s->part2 ? ",\"part2\":true" : "");
}

static void write_element(const char *name, const char *format, uint32_t number, struct str *out) {
    if (number == 0)
        return;
    str_printf(out, ",\"%s\":", name);
    const char *at = strchr(format, '%');
    const char *end = strchr(at, 'u') + 1;
    str_add(out, format, (size_t)(at - format));
    if (at[1] == '0')
        str_printf(out, "%02u", number % 28 + 1);
    else
        str_printf(out, "%u", number);
    str_puts(out, end);
}

/* What each type must have besides. */
static const char *const fixed[CLINIC_ITEMS] = {
    [CLINIC_PLAN] = ",\"status\":\"active\",\"intent\":\"plan\"",
    [CLINIC_GOAL] = ",\"lifecycleStatus\":\"active\"",
    [CLINIC_SECOND_GOAL] = ",\"lifecycleStatus\":\"active\"",
    [CLINIC_TOTAL] =
        ",\"status\":\"final\",\"category\":[{\"text\":\"survey\"}],"
        "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"44261-6\"}]}",
    [CLINIC_CONDITION] = ",\"clinicalStatus\":{\"coding\":[{\"code\":\"active\"}]},"
                         "\"verificationStatus\":{\"coding\":[{\"code\":\"confirmed\"}]}",
    [CLINIC_CONSENT] = ",\"status\":\"active\",\"scope\":{\"text\":\"privacy\"},"
                       "\"category\":[{\"text\":\"disclosure\"}]",
};

/* Adds references to the patient's and to the record's others. */
static void write_references(const struct clinic_identity *x, const struct clinic_state *s,
                             struct store_reference *list, size_t *count, struct str *out) {
    static const struct {
        enum clinic_item_kind from, to;
        const char *open;
    } links[] = { { CLINIC_PLAN, CLINIC_GOAL, ",\"goal\":[{\"reference\":\"" },
                  { CLINIC_PLAN, CLINIC_CONDITION, ",\"addresses\":[{\"reference\":\"" },
                  { CLINIC_GOAL, CLINIC_CONDITION, ",\"addresses\":[{\"reference\":\"" } };
    char text[37];
    *count = 0;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct clinic_identity to = *x;
        if (links[i].from != x->item || s->mark[links[i].to] == 0 ||
            s->lost_part == (int)links[i].to)
            continue;
        to.item = links[i].to;
        list[*count].type = clinic_kinds[to.item].type;
        clinic_uuid(&to, list[*count].uuid);
        clinic_uuid_text(list[*count].uuid, text);
        str_printf(out, "%s%s/%s\"}]", links[i].open, list[*count].type, text);
        (*count)++;
    }
}

/* The local patient's own reference, which delivery replaces by the chart. */
static void write_subject(const struct clinic_identity *x, struct str *out) {
    char text[37];
    bool consent = x->item == CLINIC_CONSENT;
    patient_uuid(x->patient, text);
    str_printf(out, ",\"%s\":{\"reference\":\"Patient/%s\"}", consent ? "patient" : "subject",
               text);
}

enum { REFERENCES = 3 };
/* Makes one resource, in the arena. */
static void make_resource(struct clinic *c, size_t record, const struct clinic_state *s,
                          enum clinic_item_kind item, struct intake_resource *out) {
    const struct clinic_kind *kind = &clinic_kinds[item];
    struct clinic_identity x = { .record = record, .patient = s->patient, .item = item };
    struct store_reference *references = arena_zalloc(&c->arena, REFERENCES * sizeof *references);
    struct str body = { 0 };
    char *value = arena_zalloc(&c->arena, 37);
    if (references == NULL || value == NULL)
        abort();
    *out = (struct intake_resource) { .type = kind->type,
                                      .system = CLINIC_SYSTEM,
                                      .value = value,
                                      .data_class = kind->data_class,
                                      .owner = kind->owner,
                                      .code = "",
                                      .detail = "" };
    clinic_uuid(&x, out->uuid);
    clinic_uuid_text(out->uuid, value);
    if (kind->owner == INTAKE_PATIENT)
        out->as_of_ms = s->as_of_day * CLINIC_DAY_MS;
    str_printf(&body,
               "{\"resourceType\":\"%s\",\"id\":\"%s\",\"meta\":{\"security\":[{\"code\":\"R\"},"
               "{\"code\":\"PSY\"}]},\"identifier\":[{\"system\":\"%s\",\"value\":\"%s\"}]%s",
               kind->type, value, CLINIC_SYSTEM, value, fixed[item]);
    write_element(kind->mark, kind->mark_format, s->mark[item], &body);
    write_element(kind->extra, kind->extra_format, s->extra[item], &body);
    write_subject(&x, &body);
    write_references(&x, s, references, &out->reference_count, &body);
    str_puts(&body, "}");
    out->references = references;
    out->body.data = arena_strndup(&c->arena, body.data, body.length);
    out->body.length = body.length;
    str_free(&body);
}

/* The keyed hash that ingest would give: of all but the revision. */
static void hash_content(const struct clinic_state *s, const struct str *facts,
                         unsigned char out[STORE_HASH]) {
    struct clinic_state plain = *s;
    struct sim_random h = { .state = 7 };
    const unsigned char *bytes = (const unsigned char *)&plain.mark;
    size_t length = sizeof plain.mark + sizeof plain.extra;
    for (size_t i = 0; i < length; i++)
        h.state = (h.state ^ bytes[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < facts->length; i++)
        h.state = (h.state ^ (unsigned char)facts->data[i]) * UINT64_C(0x100000001b3);
    h.state ^= (uint64_t)(plain.lost_part + 2) << 40 ^ (uint64_t)plain.as_of_day;
    for (size_t i = 0; i < STORE_HASH; i++)
        out[i] = (unsigned char)(sim_next(&h) >> 24);
    out[0] |= 1;
}

/* The file that a revision stands in. */
static const char *unit_of(struct clinic *c, size_t record, const struct clinic_state *s) {
    if (!c->settings.by_file)
        return "export.json";
    char *name = arena_printf(&c->arena, "%s-%lld.json", clinic_record_id(record),
                              (long long)(s->revision_ms % 100000000));
    return name != NULL ? name : "";
}

static void make_record(struct clinic *c, size_t record, const struct clinic_state *s,
                        struct intake_record *out) {
    struct intake_resource *list = arena_zalloc(&c->arena, CLINIC_ITEMS * sizeof *list);
    struct intake_part *part = arena_zalloc(&c->arena, sizeof *part);
    struct str facts = { 0 };
    if (list == NULL || part == NULL)
        abort();
    write_facts(s, &facts);
    *out = (struct intake_record) { .id = clinic_record_id(record),
                                    .local_id = clinic_patients[s->local].local_id,
                                    .unit = unit_of(c, record, s),
                                    .revision_ms = s->revision_ms,
                                    .resources = list,
                                    .parts = part };
    hash_content(s, &facts, out->content);
    out->facts.data = arena_strndup(&c->arena, facts.data, facts.length);
    out->facts.length = facts.length;
    str_free(&facts);
    for (int i = 0; i < CLINIC_ITEMS; i++)
        if (s->mark[i] != 0 && i != s->lost_part)
            make_resource(c, record, s, (enum clinic_item_kind)i, &list[out->resource_count++]);
    if (s->lost_part >= 0) {
        *part = (struct intake_part) { "/goals/0", "invalid", "a part that can't be mapped" };
        out->part_count = 1;
    }
}

/* ---- telling ---- */

/* What a flushed row means for what the store knows. */
static void tell(struct clinic *c, const struct clinic_row *row, int64_t wall_ms) {
    struct clinic_known *k = &c->known[row->record];
    const struct clinic_state *s = &row->state;
    k->poll = (uint64_t)c->last_poll_ms;
    if (row->what == CLINIC_ROW_UNREADABLE)
        return;
    if (row->what == CLINIC_ROW_HOLD) {
        k->blocked = true;
        k->readable = *s;
        return;
    }
    if (k->any && s->revision_ms < k->state.revision_ms)
        return; /* stale */
    bool same = k->any && memcmp(s->mark, k->told.mark, sizeof s->mark) == 0 &&
                memcmp(s->extra, k->told.extra, sizeof s->extra) == 0;
    bool stands = same && s->revision_ms == k->state.revision_ms; /* its clock was right once */
    bool future = !stands && s->revision_ms > wall_ms + CLINIC_DAY_MS;
    bool doubled = k->any && s->revision_ms == k->state.revision_ms && !same;
    if (future || doubled) {
        k->blocked = true;
        return;
    }
    struct clinic_state next = *s;
    bool partly = s->lost_part >= 0 || c->settings.complete == INTAKE_NONE;
    bool stays = k->any && k->state.patient == s->patient && partly;
    for (int i = 0; i < CLINIC_ITEMS; i++) { /* then absences say nothing */
        bool absent = s->mark[i] == 0 || i == s->lost_part;
        if (!absent || !stays)
            k->as_of_day[i] = s->as_of_day;
        if (absent) {
            next.mark[i] = stays ? k->state.mark[i] : 0;
            next.extra[i] = stays ? k->state.extra[i] : 0;
        }
    }
    k->moved = k->moved || (k->any && k->told.patient != s->patient);
    k->any = true;
    k->blocked = false;
    k->gone = false;
    k->state = next;
    k->readable = next;
    k->told = *s;
}

static void tell_all(struct clinic *c, int64_t wall_ms) {
    for (; c->told < c->row_at; c->told++)
        tell(c, &c->rows[c->told], wall_ms);
}

/* Whether a step that may have committed did so; a process may die without hearing of it. */
static bool committed(struct clinic *c, struct sim_store *store, uint64_t before, bool good,
                      int64_t wall_ms) {
    if (good || store->commits > before)
        tell_all(c, wall_ms);
    return good;
}

void clinic_poll_drop(struct clinic *c) {
    if (c->feed != NULL)
        intake_free(c->feed);
    c->feed = NULL;
}

/* Notes a local id whose identities are made with another one. */
static bool note_alias(void *user, const char *local_id, const char *identity) {
    struct clinic *c = user;
    for (size_t i = CLINIC_PERSONS; i < CLINIC_PATIENTS; i++) {
        bool new_id = strcmp(clinic_patients[i].local_id, local_id) == 0;
        bool old_id = strcmp(clinic_patients[i - CLINIC_PERSONS].local_id, identity) == 0;
        c->aliased[i] = c->aliased[i] || (new_id && old_id);
    }
    return true;
}

/* Reads which local ids are the same patient's, as ingest is told when it begins. */
static bool read_aliases(struct clinic *c, struct sim_store *store, struct iptfhir_error *error) {
    memset(c->aliased, 0, sizeof c->aliased);
    return intake_aliases(&store->base, c->feed_settings.clinic, &c->arena, note_alias, c, error);
}

bool clinic_poll_begin(struct clinic *c, struct sim_store *store, size_t job,
                       enum clinic_poll_kind kind, int64_t wall_ms, struct iptfhir_error *error) {
    if (c->feed != NULL)
        return error_set(error, "simulation", NULL, "a poll is under way");
    c->feed_settings = (struct intake_settings) { .job = clinic_job_name(job),
                                                  .clinic = "clinic",
                                                  .targets = c->settings.targets,
                                                  .complete = c->settings.complete,
                                                  .removed_is_error = c->settings.removed_is_error,
                                                  .units_whole = c->settings.by_file,
                                                  .lifecycle = c->settings.lifecycle,
                                                  .hash_key = hash_key };
    int64_t poll = wall_ms > (int64_t)c->last_poll_ms ? wall_ms : (int64_t)c->last_poll_ms + 1;
    uint64_t before = store->commits;
    c->last_poll_ms = (uint64_t)poll;
    c->feed_job = job;
    c->feed_kind = kind;
    c->feed = intake_begin(&store->base, &c->feed_settings, poll, error);
    if (c->feed != NULL || store->commits > before)
        c->polling[job] = true;
    if (c->feed != NULL && !read_aliases(c, store, error))
        clinic_poll_drop(c);
    if (c->feed != NULL)
        list_rows(c, job, kind, wall_ms);
    return c->feed != NULL;
}

/* Hands over one row. */
static bool hand_over(struct clinic *c, const struct clinic_row *row, int64_t wall_ms,
                      struct iptfhir_error *error) {
    struct intake_record record;
    bool same = false;
    if (row->what == CLINIC_ROW_RECORD) {
        make_record(c, row->record, &row->state, &record);
        if (!intake_unchanged(c->feed, &record, 1, &same, error))
            return false;
        return same || intake_record(c->feed, &record, wall_ms, error);
    }
    bool readable = row->what == CLINIC_ROW_HOLD;
    struct store_hold_key key = { .job = clinic_job_name(c->feed_job),
                                  .unit = unit_of(c, row->record, &row->state),
                                  .record = readable ? clinic_record_id(row->record) : "",
                                  .place = readable ? "" : "row 7",
                                  .code = readable ? "invalid" : "unreadable" };
    struct str facts = { 0 };
    write_facts(&row->state, &facts);
    struct store_bytes bytes = { facts.data, facts.length };
    bool good =
        intake_hold(c->feed, &key, "it can't be read", readable ? &bytes : NULL, wall_ms, error);
    str_free(&facts);
    return good;
}

/* What a whole, complete export says of records that it doesn't have. */
static void tell_absences(struct clinic *c) {
    bool unreadable = false;
    for (size_t i = 0; i < c->row_count; i++)
        unreadable = unreadable || c->rows[i].what == CLINIC_ROW_UNREADABLE;
    if (c->settings.complete != INTAKE_EXPORT || unreadable)
        return;
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        bool there = clinic_job_of(c, r) != c->feed_job;
        for (size_t i = 0; i < c->row_count; i++)
            there = there || c->rows[i].record == r;
        if (!there)
            c->known[r].gone = true;
    }
}

/* Whether another row of the poll shows a record. */
static bool is_shown(const struct clinic *c, size_t record) {
    for (size_t i = 0; i < c->row_count; i++) {
        bool readable = c->rows[i].what != CLINIC_ROW_UNREADABLE;
        if (c->rows[i].record == record && readable)
            return true;
    }
    return false;
}

/* What a whole poll of files says of a record whose file has only a row that can't be read. */
static void tell_hidden(struct clinic *c) {
    for (size_t i = 0; i < c->row_count && c->settings.by_file; i++) {
        const struct clinic_row *row = &c->rows[i];
        struct clinic_known *k = &c->known[row->record];
        bool hides = row->what == CLINIC_ROW_UNREADABLE && !is_shown(c, row->record);
        if (hides && k->any && k->state.revision_ms == row->state.revision_ms)
            k->blocked = true;
    }
}

static enum clinic_fed end(struct clinic *c, struct sim_store *store, int64_t wall_ms,
                           struct iptfhir_error *error) {
    bool whole = c->feed_kind != CLINIC_POLL_FAILS;
    uint64_t before = store->commits;
    if (!committed(c, store, before, intake_flush(c->feed, error), wall_ms)) {
        clinic_poll_drop(c);
        return CLINIC_FED_FAILED; /* the rows may be there, the end is not */
    }
    before = store->commits;
    bool good = intake_end(c->feed, whole, wall_ms, error);
    const struct intake_counts *n = intake_counts(c->feed);
    if (good && n->records != n->mapped + n->unchanged + n->stale + n->held)
        c->miscounted = true;
    (void)committed(c, store, before, good, wall_ms);
    if (good || store->commits > before) {
        c->polling[c->feed_job] = false;
        c->whole_polls[c->feed_job] += whole ? 1 : 0;
        c->exported[c->feed_job] = c->feed_kind == CLINIC_POLL_WHOLE;
        if (whole) {
            tell_absences(c);
            tell_hidden(c);
        }
    }
    clinic_poll_drop(c);
    return good ? CLINIC_FED_END : CLINIC_FED_FAILED;
}

enum clinic_fed clinic_poll_step(struct clinic *c, struct sim_store *store, int64_t wall_ms,
                                 struct iptfhir_error *error) {
    arena_reset(&c->arena);
    if (c->row_at == c->row_count)
        return end(c, store, wall_ms, error);
    const struct clinic_row *row = &c->rows[c->row_at];
    uint64_t before = store->commits;
    bool good = hand_over(c, row, wall_ms, error);
    if (store->commits > before)
        tell_all(c, wall_ms); /* what came before this row had to be written first */
    c->row_at += good ? 1 : 0;
    if (good && sim_chance(&c->random, 40)) {
        before = store->commits;
        good = committed(c, store, before, intake_flush(c->feed, error), wall_ms);
    }
    if (good)
        return CLINIC_FED_MORE;
    clinic_poll_drop(c);
    return CLINIC_FED_FAILED;
}
