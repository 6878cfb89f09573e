/* SPDX-License-Identifier: Apache-2.0 */
/* What people say meanwhile: commands of `outbox` in a process of their own, between any two calls
 * of ours to the store. */
#include "tests/world/sim_room.h"

#include "core/command/exit.h"
#include "core/command/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ITEMS_MOST = 128, ID = 64 };

struct item {
    char id[ID];   /* as `outbox` names it */
    size_t record; /* of the clinic; CLINIC_RECORDS: it is a resource */
};
/* One command under way. */
struct said {
    struct sim_run *run;
    struct outbox outbox;
    struct survey_route routes[CLINIC_JOBS * SIM_EHRS];
    enum sim_decision decision;
    struct item items[ITEMS_MOST];
    size_t count;
};

static const struct {
    enum outbox_verb verb;
    const char *word;
    bool target; /* it is about a target, not about an item */
} commands[SIM_DECISIONS] = {
    [SIM_SAYS_RETRY] = { OUTBOX_RETRY, NULL, false },
    [SIM_SAYS_OURS] = { OUTBOX_RESOLVE, "ours", false },
    [SIM_SAYS_THEIRS] = { OUTBOX_RESOLVE, "theirs", false },
    [SIM_SAYS_LEAVE] = { OUTBOX_RESOLVE, "leave", false },
    [SIM_SAYS_AGAIN] = { OUTBOX_RESOLVE, "again", false },
    [SIM_SAYS_MOVE] = { OUTBOX_RESOLVE, "move", false },
    [SIM_SAYS_SAME] = { OUTBOX_RESOLVE, "same", false },
    [SIM_SAYS_WITHDRAW] = { OUTBOX_RESOLVE, "withdraw", false },
    [SIM_SAYS_ERROR] = { OUTBOX_RESOLVE, "error", false },
    [SIM_SAYS_LEFT] = { OUTBOX_RESOLVE, "left", false },
    [SIM_SAYS_DISCARD] = { OUTBOX_DISCARD, NULL, false },
    [SIM_SAYS_RESTORE] = { OUTBOX_RESTORE, NULL, false },
    [SIM_SAYS_RETRY_TARGET] = { OUTBOX_RETRY, NULL, true },
    [SIM_SAYS_AGAIN_TARGET] = { OUTBOX_RESOLVE, "again", true },
};

/* ---- what there is to speak of ---- */

static struct item *next_item(struct said *s) {
    return s->count < ITEMS_MOST ? &s->items[s->count++] : NULL;
}

static bool note_resource(void *user, const struct survey_item *item) {
    struct said *s = user;
    bool stands = item->step == STORE_HELD || item->step == STORE_DECIDED;
    struct item *it = stands ? next_item(s) : NULL;
    if (it == NULL)
        return true;
    it->record = CLINIC_RECORDS;
    (void)snprintf(it->id, ID, "%" PRIu64 "-%u@%s", item->lane->patient.no,
                   (unsigned)item->item->ordinal, item->target);
    return true;
}

/* Whether a record is of one whom the clinic renumbered: nobody calls strangers the same. */
static bool was_renumbered(const struct said *s, const struct store_record *record, size_t index) {
    struct store *store = s->outbox.store;
    size_t now = s->run->clinic.now[index].patient;
    struct store_patient patient;
    struct arena a = { 0 };
    bool found = false;
    bool same = now >= CLINIC_PERSONS &&
                store->calls->patient_get(store, record->patient, &a, &patient, &found, NULL) &&
                found &&
                strcmp(patient.local_id, clinic_patients[now - CLINIC_PERSONS].local_id) == 0;
    arena_free(&a);
    return same;
}

static bool note_record(void *user, const struct store_record *record) {
    struct said *s = user;
    size_t index = 0;
    while (strcmp(clinic_record_id(index), record->id) != 0)
        index++;
    bool fits = s->decision != SIM_SAYS_SAME || was_renumbered(s, record, index);
    bool stands = record->state != STORE_RECORD_LIVE && fits;
    struct item *it = stands ? next_item(s) : NULL;
    if (it == NULL)
        return true;
    it->record = index;
    (void)snprintf(it->id, ID, "r%" PRIu64, record->no);
    return true;
}

/* Lists what is held or was decided, records last. */
static void list_items(struct said *s) {
    struct store *store = s->outbox.store;
    (void)survey_walk(store, s->routes, s->outbox.route_count, note_resource, s, NULL, NULL);
    (void)store->calls->records(store, NULL, note_record, s, NULL);
}

/* ---- saying it ---- */

/* What a person may do that the service may not. What is said of a record that changed its patient,
 * also that what stands there may stay, lets it go to the other one. */
static void allow(struct laws *laws, enum sim_decision decision, size_t record) {
    bool of_record = record < CLINIC_RECORDS;
    if (of_record)
        laws->clinic->known[record].decided = true;
    if (of_record && decision == SIM_SAYS_ERROR)
        laws->clinic->known[record].erased = true;
    if (decision == SIM_SAYS_OURS)
        laws->may_overwrite = laws->may_recreate = true;
    if (decision == SIM_SAYS_AGAIN || decision == SIM_SAYS_AGAIN_TARGET)
        laws->may_recreate = true;
    if (decision == SIM_SAYS_MOVE || (decision == SIM_SAYS_LEAVE && of_record))
        laws->may_move = true;
    if (decision == SIM_SAYS_WITHDRAW || decision == SIM_SAYS_ERROR || decision == SIM_SAYS_LEFT)
        laws->may_overwrite = true;
}

/* Says it to one item, or to a target. False: it doesn't fit. */
static bool say(struct said *s, const struct item *item, const char *target) {
    struct iptfhir_error error = ERROR_INIT;
    const char *id = item != NULL ? item->id : NULL;
    const struct outbox_filter filter = { .id = id, .target = target };
    int code = outbox_act(&s->outbox, commands[s->decision].verb, commands[s->decision].word,
                          &filter, &error);
    if (code == EXIT_WRONG_USE)
        return false;
    if (code == EXIT_SETTLED) {
        allow(&s->run->laws, s->decision, item != NULL ? item->record : CLINIC_RECORDS);
        s->run->outcome->races++;
    }
    const char *word = commands[s->decision].word;
    sim_tell(&s->run->world, "a person says '%s' to %s%s%s", word != NULL ? word : "retry",
             id != NULL ? id : target, code == EXIT_SETTLED ? "" : ": failed, ", error.text);
    return true;
}

static void carry_out(struct said *s, const struct sim_event *x) {
    const char *target = s->run->names[(size_t)x->a % s->run->name_count];
    if (commands[s->decision].target) {
        (void)say(s, NULL, target);
        return;
    }
    list_items(s);
    for (size_t i = 0; i < s->count; i++) {
        if (say(s, &s->items[(i + (size_t)x->a) % s->count], NULL))
            return;
    }
}

static void command(struct sim_run *run, const struct sim_event *x) {
    struct said s = { .run = run, .decision = (enum sim_decision)x->c };
    s.outbox = (struct outbox) { .store = store_open_memory(run->medium, NULL),
                                 .routes = s.routes,
                                 .now_ms = sim_wall_ms(&run->world) };
    if (s.outbox.store == NULL)
        return;
    for (size_t job = 0; job < run->script->config.jobs; job++)
        for (size_t t = 0; t < run->name_count; t++)
            s.routes[s.outbox.route_count++] =
                (struct survey_route) { clinic_job_name(job), run->names[t] };
    carry_out(&s, x);
    s.outbox.store->calls->close(s.outbox.store);
    str_free(&s.outbox.out);
    str_free(&s.outbox.err);
}

void sim_between_calls(void *user) {
    struct sim_run *run = user;
    if (run->race_in < 0 || run->race_in-- > 0)
        return;
    command(run, &run->race);
}
