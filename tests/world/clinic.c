/* SPDX-License-Identifier: Apache-2.0 */
/* The clinic: its patients and records, what their resources look like, and what the store was
 * told of them. */
#include "tests/world/clinic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct clinic_kind clinic_kinds[CLINIC_ITEMS] = {
    [CLINIC_PLAN] = { "CarePlan", "plan", INTAKE_RECORD, "title", "\"IPT plan, step %u\"",
                      "description", "\"time-limited, %u\"", "note" },
    [CLINIC_GOAL] = { "Goal", "goals", INTAKE_RECORD, "description",
                      "{\"text\":\"sleep through, step %u\"}", "statusReason", "\"because %u\"",
                      "note" },
    [CLINIC_SECOND_GOAL] = { "Goal", "goals", INTAKE_RECORD, "description",
                             "{\"text\":\"speak up, step %u\"}", "statusReason", "\"because %u\"",
                             "note" },
    [CLINIC_TOTAL] = { "Observation", "measure-totals", INTAKE_RECORD, "valueQuantity",
                       "{\"value\":%u,\"unit\":\"{score}\"}", "interpretation",
                       "[{\"text\":\"band %u\"}]", "note" },
    [CLINIC_CONDITION] = { "Condition", "diagnoses", INTAKE_PATIENT, "code",
                           "{\"text\":\"depressive episode, %u\"}", "onsetString",
                           "\"in spring, %u\"", "note" },
    [CLINIC_CONSENT] = { "Consent", "consent", INTAKE_PATIENT, "policyRule",
                         "{\"text\":\"opt in, form %u\"}", "verification",
                         "[{\"verified\":true,\"verificationDate\":\"2026-01-%02u\"}]",
                         "language" },
};
const char *const clinic_item_names[CLINIC_ITEMS] = { "plan",  "goal",      "second-goal",
                                                      "total", "condition", "consent" };

#define ADA "M\xc3\xbcller", "Ada", "1980-02-29", "female"
#define BEN "Okafor", "Ben", "1971-07-03", "male"
#define CLEO "Lind", "Cleo", "1994-11-30", "female"
const struct clinic_patient clinic_patients[CLINIC_PATIENTS] = {
    { "P-1", ADA },  { "P-2", BEN },  { "P-3", CLEO },
    { "P-1b", ADA }, { "P-2b", BEN }, { "P-3b", CLEO },
};

const char *const clinic_mrns[CLINIC_PATIENTS] = { "M-1001", "M-1002", "M-1003",
                                                   "M-1001", "M-1002", "M-1003" };

uint32_t clinic_number(struct clinic *c) {
    return c->next_number++;
}

size_t clinic_job_of(const struct clinic *c, size_t record) {
    return c->settings.jobs == 2 && record >= 2 ? 1 : 0;
}

const char *clinic_job_name(size_t job) {
    return job == 0 ? "nightly" : "weekly";
}

const char *clinic_record_id(size_t record) {
    static const char *const ids[CLINIC_RECORDS] = { "R-1", "R-2", "R-3", "R-4" };
    return ids[record];
}

static void remember(struct clinic *c, size_t record) {
    if (c->history_count == CLINIC_HISTORY)
        return;
    c->history[c->history_count].record = record;
    c->history[c->history_count++].state = c->now[record];
}

void clinic_init(struct clinic *c, uint64_t seed, const struct clinic_settings *settings,
                 int64_t wall_ms) {
    memset(c, 0, sizeof *c);
    c->settings = *settings;
    c->random.state = seed ^ UINT64_C(0x636c696e6963);
    c->next_number = 1;
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        struct clinic_state *s = &c->now[r];
        *s = (struct clinic_state) { .patient = r % CLINIC_PERSONS,
                                     .mrn = clinic_mrns[r % CLINIC_PERSONS],
                                     .exists = true,
                                     .lost_part = -1,
                                     .revision_ms = wall_ms - 3600 * 1000,
                                     .as_of_day = wall_ms / CLINIC_DAY_MS - 10 - (int64_t)r,
                                     .decision_count = 1 };
        s->decisions[0] = (struct clinic_decision) { .permits = true,
                                                     .day = wall_ms / CLINIC_DAY_MS - 100,
                                                     .classes = ~0u };
        for (size_t i = 0; i < CLINIC_ITEMS; i++) {
            bool there = i == CLINIC_PLAN || i == CLINIC_CONDITION || sim_chance(&c->random, 75);
            s->mark[i] = there ? clinic_number(c) : 0;
            s->extra[i] = there && sim_chance(&c->random, 60) ? clinic_number(c) : 0;
        }
    }
}

void clinic_free(struct clinic *c) {
    clinic_poll_drop(c);
    arena_free(&c->arena);
}

struct clinic_state *clinic_change(struct clinic *c, size_t record, int64_t wall_ms) {
    struct clinic_state *s = &c->now[record];
    remember(c, record);
    s->revision_ms = wall_ms > s->revision_ms ? wall_ms : s->revision_ms + 1;
    for (size_t job = 0; job < CLINIC_JOBS; job++)
        if (job == clinic_job_of(c, record))
            c->exported[job] = false;
    return s;
}

/* ---- identities ---- */

void clinic_uuid(const struct clinic_identity *x, unsigned char uuid[STORE_UUID]) {
    bool shared = clinic_kinds[x->item].owner == INTAKE_PATIENT;
    struct sim_random r = { .state = 0x1d };
    for (size_t i = 0; i < STORE_UUID; i++)
        uuid[i] = (unsigned char)(sim_next(&r) >> 32);
    uuid[6] = 0x50;
    uuid[8] = 0x80;
    uuid[13] = (unsigned char)x->patient;
    uuid[14] = shared ? 0xff : (unsigned char)x->record;
    uuid[15] = (unsigned char)x->item;
}

void clinic_uuid_text(const unsigned char uuid[STORE_UUID], char text[37]) {
    static const char digits[] = "0123456789abcdef";
    char *p = text;
    for (size_t i = 0; i < STORE_UUID; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[uuid[i] >> 4];
        *p++ = digits[uuid[i] & 15];
    }
    *p = '\0';
}

static int byte_at(const char *hex) {
    char text[3] = { hex[0], hex[1], '\0' };
    return (int)strtol(text, NULL, 16);
}

bool clinic_identify(const char *value, struct clinic_identity *out) {
    char mine[37];
    unsigned char uuid[STORE_UUID];
    if (strlen(value) != 36)
        return false;
    *out = (struct clinic_identity) { .patient = (size_t)byte_at(value + 30),
                                      .record = (size_t)byte_at(value + 32),
                                      .item = (enum clinic_item_kind)byte_at(value + 34) };
    if (out->item >= CLINIC_ITEMS || out->patient >= CLINIC_PATIENTS)
        return false;
    clinic_uuid(out, uuid);
    clinic_uuid_text(uuid, mine);
    return strcmp(mine, value) == 0;
}

/* ---- numbers in bodies ---- */

static uint32_t last_number(const char *text) {
    uint32_t number = 0;
    bool inside = false;
    for (; *text != '\0'; text++) {
        bool digit = *text >= '0' && *text <= '9';
        if (digit)
            number = (inside ? number * 10 : 0) + (uint32_t)(*text - '0');
        inside = digit;
    }
    return number;
}

/* The last number in the first text or number below a node. */
static uint32_t number_below(const struct tree *node) {
    if (node->kind == TREE_STRING || node->kind == TREE_NUMBER)
        return last_number(node->text);
    if (node->kind != TREE_OBJECT && node->kind != TREE_ARRAY)
        return 0;
    for (const struct tree *n = node->first; n != NULL; n = n->next) {
        uint32_t number = number_below(n);
        if (number != 0)
            return number;
    }
    return 0;
}

uint32_t clinic_number_in(const struct tree *body, const char *element) {
    const struct tree *node = tree_get(body, element);
    return node != NULL ? number_below(node) : 0;
}

/* ---- what the store knows ---- */

bool clinic_knows(const struct clinic *c, const struct clinic_identity *x, uint32_t *mark,
                  uint32_t *extra, bool *several) {
    bool shared = clinic_kinds[x->item].owner == INTAKE_PATIENT;
    int64_t day = INT64_MIN;
    *several = false;
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        const struct clinic_known *k = &c->known[r];
        const struct clinic_state *s = &k->state;
        int64_t its_day = k->as_of_day[x->item];
        bool concerned = k->any && !k->gone && s->patient == x->patient && s->mark[x->item] != 0;
        if (!concerned || (!shared && r != x->record) || (shared && its_day < day))
            continue;
        bool differs =
            shared && its_day == day && (*mark != s->mark[x->item] || *extra != s->extra[x->item]);
        *several = its_day == day && (*several || differs);
        day = its_day;
        *mark = s->mark[x->item];
        *extra = s->extra[x->item];
    }
    return day != INT64_MIN;
}

static bool is_plain(const struct clinic_known *k) {
    return k->any && !k->blocked && !k->gone && !k->moved && !k->decided;
}

bool clinic_sure(const struct clinic *c, const struct clinic_identity *x) {
    if (clinic_kinds[x->item].owner == INTAKE_RECORD)
        return is_plain(&c->known[x->record]);
    for (size_t r = 0; r < CLINIC_RECORDS; r++)
        if (c->known[r].any && !is_plain(&c->known[r]))
            return false;
    return true;
}

/* The latest permission and refusal that cover an item; INT64_MIN: none. */
static void latest(const struct clinic *c, size_t patient, enum clinic_item_kind item, bool part2,
                   int64_t today, int64_t *permitted, int64_t *refused) {
    *permitted = *refused = INT64_MIN;
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        const struct clinic_known *k = &c->known[r];
        const struct clinic_state *s = &k->readable;
        if (!k->any || s->patient != patient)
            continue;
        for (size_t i = 0; i < s->decision_count; i++) {
            const struct clinic_decision *d = &s->decisions[i];
            bool covers = d->classes == 0 || (d->classes & 1u << item) != 0;
            if (!d->permits && covers && !k->erased && d->day > *refused)
                *refused = d->day;
            bool counts = d->permits && covers && d->day <= today && (d->part2 || !part2);
            if (counts && !k->blocked && !k->gone && d->day > *permitted)
                *permitted = d->day;
        }
    }
}

static bool has_part2(const struct clinic *c, size_t patient) {
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        const struct clinic_known *k = &c->known[r];
        if (k->any && !k->erased && k->readable.patient == patient && k->readable.part2)
            return true;
    }
    return false;
}

bool clinic_permits(const struct clinic *c, size_t patient, enum clinic_item_kind item,
                    int64_t day) {
    int64_t permitted, refused;
    latest(c, patient, item, has_part2(c, patient), day, &permitted, &refused);
    return permitted != INT64_MIN && permitted > refused;
}

bool clinic_refuses(const struct clinic *c, size_t patient, enum clinic_item_kind item) {
    int64_t permitted, refused;
    if (item == CLINIC_CONSENT)
        return false; /* any permission lets it go */
    latest(c, patient, item, false, INT64_MAX, &permitted, &refused);
    return refused != INT64_MIN && refused >= permitted;
}

const char *clinic_mrn(const struct clinic *c, size_t patient) {
    const char *mrn = NULL;
    int64_t newest = INT64_MIN;
    for (size_t r = 0; r < CLINIC_RECORDS; r++) {
        const struct clinic_known *k = &c->known[r];
        bool newer = k->any && k->readable.patient == patient && k->state.revision_ms >= newest;
        if (newer) {
            mrn = k->readable.mrn;
            newest = k->state.revision_ms;
        }
    }
    return mrn;
}
