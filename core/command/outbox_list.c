/* SPDX-License-Identifier: Apache-2.0 */
/* outbox list: what is not in step, an item a line. */
#include "core/command/exit.h"
#include "core/command/outbox.h"

#include <inttypes.h>
#include <string.h>

/* One item, whatever it is; what it doesn't have is "". */
struct entry {
    const char *id, *job, *target, *record, *type, *identifier, *state, *code, *detail, *decision;
    const char *where;
    int64_t since_ms;
    int tries;
};
struct listing {
    struct outbox *o;
    const struct outbox_filter *filter;
    size_t count;
    struct arena scratch;
    bool failed;
    struct iptfhir_error *error;
};

static void put_json(struct listing *l, const struct entry *e) {
    struct str *out = &l->o->out;
    const struct {
        const char *name, *value;
    } texts[] = {
        { "id", e->id },           { "job", e->job },          { "target", e->target },
        { "recordId", e->record }, { "type", e->type },        { "identifier", e->identifier },
        { "state", e->state },     { "code", e->code },        { "detail", e->detail },
        { "where", e->where },     { "decision", e->decision }
    };
    str_puts(out, l->count > 0 ? ",\n  {" : "\n  {");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        str_printf(out, "\"%s\": ", texts[i].name);
        str_json(out, texts[i].value, strlen(texts[i].value));
        str_puts(out, ", ");
    }
    str_printf(out, "\"tries\": %d, \"sinceMs\": %" PRId64 "}", e->tries, e->since_ms);
}

static void put_text(struct listing *l, const struct entry *e) {
    struct str *out = &l->o->out;
    const char *shown = e->code[0] != '\0' ? e->code : "-";
    const char *what = e->type[0] != '\0' ? e->type : e->where;
    str_printf(out, "%-16s %-8s %-20s %-12s %s %s %s", e->id, e->state, shown, e->job, e->record,
               what, e->identifier);
    if (e->decision[0] != '\0')
        str_printf(out, " decided: %s", e->decision);
    str_puts(out, "\n");
}

static bool fits(const char *wanted, const char *value) {
    return wanted == NULL || strcmp(wanted, value) == 0;
}

static bool leaves(const struct outbox_filter *f, const struct entry *e) {
    return fits(f->job, e->job) && fits(f->code, e->code) && fits(f->state, e->state) &&
           fits(f->target, e->target);
}

/* Adds an item unless the filter leaves it out. False: the listing can't go on. */
static bool add(struct listing *l, const struct entry *e) {
    if (!leaves(l->filter, e))
        return true;
    if (l->o->json)
        put_json(l, e);
    else
        put_text(l, e);
    l->count++;
    return !l->o->out.failed;
}

static bool add_item(void *user, const struct survey_item *item) {
    struct listing *l = user;
    char id[300];
    const struct lane_item *i = item->item;
    const struct store_record *record = item->record;
    bool ended = item->step == STORE_IN_STEP || item->step == STORE_DECIDED;
    if (ended && l->filter->state == NULL)
        return true;
    snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu32 "@%s", item->lane->patient.no, i->ordinal,
             item->target);
    struct entry e = { .id = id,
                       .job = "",
                       .target = item->target,
                       .record = "",
                       .type = i->said->type,
                       .identifier = i->said->value,
                       .state = store_step_name(item->step),
                       .code = item->code,
                       .detail = i->state.detail,
                       .decision = i->state.decision,
                       .where = "",
                       .since_ms = item->since_ms,
                       .tries = i->state.tries };
    if (record != NULL) {
        e.job = record->job;
        e.record = record->id;
    }
    return add(l, &e);
}

static bool add_record(void *user, const struct store_record *record) {
    struct listing *l = user;
    char id[32];
    bool held = record->state == STORE_RECORD_HELD || record->state == STORE_RECORD_GONE;
    if (!held)
        return true;
    snprintf(id, sizeof id, "r%" PRIu64, record->no);
    const struct entry e = { .id = id,
                             .job = record->job,
                             .target = "",
                             .record = record->id,
                             .type = "",
                             .identifier = "",
                             .state = "held",
                             .code = record->code,
                             .detail = record->detail,
                             .decision = record->decision,
                             .where = record->unit,
                             .since_ms = record->poll };
    return add(l, &e);
}

/* "f.csv:7", or the unit alone when the hold has no place in it. NULL: out of memory. */
static const char *place_of(struct arena *arena, const struct store_hold_key *key) {
    if (key->place[0] == '\0')
        return key->unit;
    return arena_printf(arena, "%s:%s", key->unit, key->place);
}

static bool add_hold(void *user, const struct store_hold *hold) {
    struct listing *l = user;
    char id[32];
    bool of_record;
    if (!survey_is_of_record(l->o->store, hold, &l->scratch, &of_record, l->error)) {
        l->failed = true;
        return false;
    }
    if (of_record)
        return true;
    arena_reset(&l->scratch);
    const char *where = place_of(&l->scratch, &hold->key);
    if (where == NULL) {
        l->failed = !error_set(l->error, "memory", NULL, "out of memory");
        return false;
    }
    snprintf(id, sizeof id, "h%" PRId64, hold->no);
    const struct entry e = { .id = id,
                             .job = hold->key.job,
                             .target = "",
                             .record = hold->key.record,
                             .type = "",
                             .identifier = "",
                             .state = "held",
                             .code = hold->key.code,
                             .detail = hold->detail,
                             .decision = "",
                             .where = where,
                             .since_ms = hold->since_ms };
    return add(l, &e);
}

/* Walks everything; false: the store failed. */
static bool add_all(struct listing *l) {
    struct store *store = l->o->store;
    const char *job = l->filter->job;
    const struct outbox *o = l->o;
    if (!survey_walk(store, o->routes, o->route_count, add_item, l, NULL, l->error))
        return false;
    if (!store->calls->records(store, job, add_record, l, l->error))
        return false;
    return store->calls->holds(store, job, add_hold, l, l->error) && !l->failed;
}

int outbox_list(struct outbox *o, const struct outbox_filter *filter, struct iptfhir_error *error) {
    struct listing l = { .o = o, .filter = filter, .error = error };
    if (o->json)
        str_puts(&o->out, "[");
    bool good = add_all(&l);
    if (o->json)
        str_puts(&o->out, "\n]\n");
    else if (l.count == 0)
        str_puts(&o->out, "nothing\n");
    arena_free(&l.scratch);
    return good && !o->out.failed ? EXIT_SETTLED : EXIT_FAULT;
}
