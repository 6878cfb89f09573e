/* SPDX-License-Identifier: Apache-2.0 */
/* outbox list and show: what is not in step, one by one. */
#include "core/base/clock.h"
#include "core/base/codes.h"
#include "core/command/exit.h"
#include "core/command/outbox.h"
#include "core/tree/tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- ids ---- */

bool outbox_id_read(const char *text, struct outbox_id *out) {
    bool record = text[0] == 'r', row = text[0] == 'h';
    const char *digits = record || row ? text + 1 : text;
    char *end;
    if (digits[0] < '0' || digits[0] > '9')
        return false;
    *out = (struct outbox_id) { .kind = OUTBOX_RESOURCE, .no = strtoull(digits, &end, 10) };
    if (record)
        out->kind = OUTBOX_RECORD;
    if (row)
        out->kind = OUTBOX_ROW;
    if (record || row)
        return *end == '\0';
    if (end[0] != '-' || end[1] < '0' || end[1] > '9')
        return false;
    unsigned long long ordinal = strtoull(end + 1, &end, 10);
    if (*end != '@' || end[1] == '\0' || ordinal > UINT32_MAX)
        return false;
    out->ordinal = (uint32_t)ordinal;
    out->target = end + 1;
    return true;
}

/* ---- one item, whatever it is ---- */

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
        str_printf(out, "%s\"%s\": ", i > 0 ? ", " : "", texts[i].name);
        str_json(out, texts[i].value, strlen(texts[i].value));
    }
    str_printf(out, ", \"tries\": %d, \"sinceMs\": %" PRId64 "}", e->tries, e->since_ms);
}

static void put_text(struct listing *l, const struct entry *e) {
    const char *shown = e->code[0] != '\0' ? e->code : "-";
    const char *what = e->type[0] != '\0' ? e->type : e->where;
    str_printf(&l->o->out, "%-16s %-8s %-20s %-12s %s %s %s%s%s\n", e->id, e->state, shown, e->job,
               e->record, what, e->identifier, e->decision[0] != '\0' ? " decided: " : "",
               e->decision);
}

static bool fits(const char *wanted, const char *value) {
    return wanted == NULL || strcmp(wanted, value) == 0;
}

/* Adds it unless the filter leaves it out. */
static void add(struct listing *l, const struct entry *e) {
    const struct outbox_filter *f = l->filter;
    if (!fits(f->job, e->job) || !fits(f->code, e->code) || !fits(f->state, e->state))
        return;
    if (!fits(f->target, e->target))
        return;
    if (l->o->json)
        put_json(l, e);
    else
        put_text(l, e);
    l->count++;
}

static bool add_item(void *user, const struct survey_item *item) {
    struct listing *l = user;
    char id[300];
    const struct lane_item *i = item->item;
    bool ended = item->step == STORE_IN_STEP || item->step == STORE_DECIDED;
    if (ended && l->filter->state == NULL)
        return true;
    snprintf(id, sizeof id, "%" PRIu64 "-%" PRIu32 "@%s", item->lane->patient.no, i->ordinal,
             item->target);
    const struct entry e = { .id = id,
                             .job = item->record != NULL ? item->record->job : "",
                             .target = item->target,
                             .record = item->record != NULL ? item->record->id : "",
                             .type = i->said->type,
                             .identifier = i->said->value,
                             .state = store_step_name(item->step),
                             .code = item->code,
                             .detail = i->state.detail,
                             .decision = i->state.decision,
                             .where = "",
                             .since_ms = item->since_ms,
                             .tries = i->state.tries };
    add(l, &e);
    return !l->o->out.failed;
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
    add(l, &e);
    return !l->o->out.failed;
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
    snprintf(id, sizeof id, "h%" PRId64, hold->no);
    arena_reset(&l->scratch);
    const char *colon = hold->key.place[0] != '\0' ? ":" : "";
    const char *where = arena_printf(&l->scratch, "%s%s%s", hold->key.unit, colon, hold->key.place);
    if (where == NULL) {
        l->failed = !error_set(l->error, "memory", NULL, "out of memory");
        return false;
    }
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
    add(l, &e);
    return !l->o->out.failed;
}

int outbox_list(struct outbox *o, const struct outbox_filter *filter, struct iptfhir_error *error) {
    struct listing l = { .o = o, .filter = filter, .error = error };
    const struct store_calls *calls = o->store->calls;
    if (o->json)
        str_puts(&o->out, "[");
    bool good = survey_walk(o->store, o->routes, o->route_count, add_item, &l, NULL, error);
    good = good && calls->records(o->store, filter->job, add_record, &l, error);
    good = good && calls->holds(o->store, filter->job, add_hold, &l, error);
    if (o->json)
        str_puts(&o->out, "\n]\n");
    else if (l.count == 0)
        str_puts(&o->out, "nothing\n");
    arena_free(&l.scratch);
    return good && !l.failed && !o->out.failed ? EXIT_SETTLED : EXIT_FAULT;
}

/* ---- one item in full ---- */

static void put_member(struct outbox *o, const char *name, const char *value) {
    if (value[0] == '\0')
        return;
    if (!o->json) {
        str_printf(&o->out, "  %s: %s\n", name, value);
        return;
    }
    str_printf(&o->out, ", \"%s\": ", name);
    str_json(&o->out, value, strlen(value));
}

static void put_moment(struct outbox *o, const char *name, int64_t ms) {
    char text[25];
    if (ms == 0)
        return;
    clock_format(ms, text);
    put_member(o, name, text);
}

static void put_head(struct outbox *o, const char *id, const char *state, const char *code) {
    const struct code *entry = code_find(code);
    if (o->json) {
        str_puts(&o->out, "{\"id\": ");
        str_json(&o->out, id, strlen(id));
        put_member(o, "state", state);
    } else {
        str_printf(&o->out, "%s: %s\n", id, state);
    }
    put_member(o, "code", code);
    if (entry != NULL) {
        put_member(o, "meaning", entry->meaning);
        put_member(o, "next", entry->next);
    }
}

static void put_end(struct outbox *o) {
    if (o->json)
        str_puts(&o->out, "}\n");
}

static int no_such_item(struct outbox *o, const char *id) {
    str_printf(&o->err, "there is no item %s; `iptfhir outbox list` has those that are\n", id);
    return EXIT_WRONG_USE;
}

static void put_change(void *user, const char *pointer, const struct tree *before,
                       const struct tree *after) {
    struct outbox *o = user;
    const struct tree *sides[] = { before, after };
    for (int i = 0; i < 2; i++) {
        if (sides[i] == NULL)
            continue;
        str_printf(&o->out, "    %c %s: ", "-+"[i], pointer);
        json_write(&o->out, sides[i], JSON_COMPACT);
        str_puts(&o->out, "\n");
    }
}

/* The body that is wanted, and what of it differs from what was sent. */
static bool put_bodies(struct outbox *o, struct survey_item *found, struct iptfhir_error *error) {
    struct lane *lane = (struct lane *)found->lane;
    const struct store_state *s = &found->item->state;
    struct store_bytes body;
    if (found->item->said->body.sequence == 0)
        return true;
    if (!lane_body_bytes(lane, found->item->said->body, &body, error))
        return false;
    if (o->json) {
        str_puts(&o->out, ", \"resource\": ");
        str_add(&o->out, body.data, body.length);
        return true;
    }
    bool differs = s->sent && s->sent_body.sequence != 0;
    struct tree *before = differs ? lane_body(lane, s->sent_body, error) : NULL;
    struct tree *after = lane_body(lane, found->item->said->body, error);
    if ((differs && before == NULL) || after == NULL)
        return false;
    if (before != NULL) {
        str_puts(&o->out, "  against what was sent:\n");
        if (tree_diff(before, after, put_change, o) == 0)
            str_puts(&o->out, "    nothing differs\n");
    }
    str_add(&o->out, body.data, body.length);
    str_puts(&o->out, "\n");
    return true;
}

static const char *wanted_name(enum store_wanted wanted) {
    switch (wanted) {
    case STORE_WANTED_BODY: return "this body";
    case STORE_WANTED_ERROR: return "withdrawn: never true";
    case STORE_WANTED_ENDED: return "withdrawn: it left its record";
    case STORE_WANTED_LEFT: return "withdrawn: its record left";
    case STORE_WANTED_MOVED: return "withdrawn: it stood in a wrong chart";
    case STORE_WANTED_NOTHING: break;
    }
    return "nothing any more";
}

static bool put_resource(struct outbox *o, const char *id, struct survey_item *found,
                         struct iptfhir_error *error) {
    const struct lane_item *item = found->item;
    const struct store_state *s = &item->state;
    put_head(o, id, store_step_name(found->step), found->code);
    put_member(o, "detail", s->detail);
    put_moment(o, "since", found->since_ms);
    put_member(o, "decision", s->decision);
    put_member(o, "wanted", wanted_name(item->wanted));
    put_member(o, "target", found->target);
    if (found->record != NULL) {
        put_member(o, "job", found->record->job);
        put_member(o, "recordId", found->record->id);
    }
    put_member(o, "type", item->said->type);
    put_member(o, "identifier", item->said->value);
    put_member(o, "class", item->said->data_class);
    put_member(o, "serverId", s->server_id);
    put_member(o, "version", s->version);
    put_member(o, "chart", s->chart);
    if (s->sent)
        put_member(o, "sent", wanted_name(s->sent_wanted));
    if (s->attempt != STORE_NO_ATTEMPT)
        put_moment(o, "attempt", s->attempt_ms);
    return put_bodies(o, found, error);
}

static int show_resource(struct outbox *o, const char *text, const struct outbox_id *id,
                         struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct lane lane;
    struct survey_item found = { .target = id->target };
    uint32_t target = 0;
    bool there = false, any = false;
    bool good = o->store->calls->target_no(o->store, id->target, false, &target, error);
    bool named = false;
    for (size_t i = 0; i < o->route_count; i++)
        named = named || strcmp(o->routes[i].target, id->target) == 0;
    good = good && lane_load(o->store, target, id->no, &arena, &lane, &there, error);
    for (size_t i = 0; good && there && named && i < lane.count && !any; i++)
        any = lane.items[i].ordinal == id->ordinal && survey_look(&lane, &lane.items[i], &found);
    int code = good ? EXIT_SETTLED : EXIT_FAULT;
    if (good && !any)
        code = no_such_item(o, text);
    if (any && !put_resource(o, text, &found, error))
        code = EXIT_FAULT;
    if (any)
        put_end(o);
    arena_free(&arena);
    return code;
}

static const char *record_state(const struct store_record *record) {
    static const char *const names[] = { "live", "held", "gone", "left", "error" };
    return names[record->state];
}

static int show_record(struct outbox *o, const char *text, uint64_t no,
                       struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct store_record record;
    bool found = false;
    bool good = o->store->calls->record_get(o->store, no, &arena, &record, &found, error);
    int code = good ? EXIT_SETTLED : EXIT_FAULT;
    if (good && !found)
        code = no_such_item(o, text);
    if (found) {
        put_head(o, text, record_state(&record), record.code);
        put_member(o, "detail", record.detail);
        put_member(o, "decision", record.decision);
        put_member(o, "job", record.job);
        put_member(o, "recordId", record.id);
        put_member(o, "where", record.unit);
        put_moment(o, "revision", record.revision_ms);
        put_moment(o, "since", record.poll);
        put_end(o);
    }
    arena_free(&arena);
    return code;
}

struct hold_search {
    struct outbox *o;
    const char *text;
    int64_t no;
    bool found;
};
static bool show_hold(void *user, const struct store_hold *hold) {
    struct hold_search *h = user;
    if (hold->no != h->no)
        return true;
    h->found = true;
    put_head(h->o, h->text, "held", hold->key.code);
    put_member(h->o, "detail", hold->detail);
    put_member(h->o, "job", hold->key.job);
    put_member(h->o, "recordId", hold->key.record);
    put_member(h->o, "where", hold->key.unit);
    put_member(h->o, "place", hold->key.place);
    put_moment(h->o, "since", hold->since_ms);
    put_end(h->o);
    return false;
}

int outbox_show(struct outbox *o, const char *text, struct iptfhir_error *error) {
    struct outbox_id id;
    if (!outbox_id_read(text, &id)) {
        str_printf(&o->err,
                   "%s is no item's id: `iptfhir outbox list` has them, e.g. 12-3@hospital, r7, "
                   "h4\n",
                   text);
        return EXIT_WRONG_USE;
    }
    if (id.kind == OUTBOX_RESOURCE)
        return show_resource(o, text, &id, error);
    if (id.kind == OUTBOX_RECORD)
        return show_record(o, text, id.no, error);
    struct hold_search h = { .o = o, .text = text, .no = (int64_t)id.no };
    if (!o->store->calls->holds(o->store, NULL, show_hold, &h, error))
        return EXIT_FAULT;
    return h.found ? EXIT_SETTLED : no_such_item(o, text);
}
