/* SPDX-License-Identifier: Apache-2.0 */
/* outbox show: one item with all that is known of it. */
#include "core/base/clock.h"
#include "core/base/codes.h"
#include "core/command/exit.h"
#include "core/command/outbox.h"
#include "core/tree/tree.h"

#include <stdio.h>
#include <string.h>

/* ---- members ---- */

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

/* ---- a resource ---- */

static void put_side(struct outbox *o, char sign, const char *pointer, const struct tree *side) {
    if (side == NULL)
        return;
    str_printf(&o->out, "    %c %s: ", sign, pointer);
    json_write(&o->out, side, JSON_COMPACT);
    str_puts(&o->out, "\n");
}

static void put_change(void *user, const char *pointer, const struct tree *before,
                       const struct tree *after) {
    put_side(user, '-', pointer, before);
    put_side(user, '+', pointer, after);
}

/* What of the wanted body differs from what was sent. */
static bool put_changes(struct outbox *o, const struct survey_item *found,
                        struct iptfhir_error *error) {
    struct lane *lane = (struct lane *)found->lane;
    struct tree *before = lane_body(lane, found->item->state.sent_body, error);
    if (before == NULL)
        return false;
    struct tree *after = lane_body(lane, found->item->said->body, error);
    if (after == NULL)
        return false;
    str_puts(&o->out, "  against what was sent:\n");
    if (tree_diff(before, after, put_change, o) == 0)
        str_puts(&o->out, "    nothing differs\n");
    return true;
}

static bool put_bodies(struct outbox *o, const struct survey_item *found,
                       struct iptfhir_error *error) {
    struct lane *lane = (struct lane *)found->lane;
    const struct store_state *s = &found->item->state;
    const struct store_body_at wanted = found->item->said->body;
    struct store_bytes body;
    if (wanted.sequence == 0)
        return true;
    if (!lane_body_bytes(lane, wanted, &body, error))
        return false;
    if (o->json) {
        str_puts(&o->out, ", \"resource\": ");
        str_add(&o->out, body.data, body.length);
        return true;
    }
    bool was_sent = s->sent && s->sent_body.sequence != 0;
    if (was_sent && !put_changes(o, found, error))
        return false;
    str_add(&o->out, body.data, body.length);
    str_puts(&o->out, "\n");
    return true;
}

static const char *wanted_name(enum store_wanted wanted) {
    static const char *const names[] = {
        [STORE_WANTED_BODY] = "this body",
        [STORE_WANTED_ERROR] = "withdrawn: never true",
        [STORE_WANTED_ENDED] = "withdrawn: it left its record",
        [STORE_WANTED_LEFT] = "withdrawn: its record left",
        [STORE_WANTED_MOVED] = "withdrawn: it stood in a wrong chart",
        [STORE_WANTED_NOTHING] = "nothing any more",
    };
    return names[wanted];
}

static bool put_resource(struct outbox *o, const char *id, const struct survey_item *found,
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
    bool good = put_bodies(o, found, error);
    put_end(o);
    return good;
}

static bool look(const struct lane *lane, uint32_t ordinal, struct survey_item *found) {
    for (size_t i = 0; i < lane->count; i++) {
        if (lane->items[i].ordinal == ordinal)
            return survey_look(lane, &lane->items[i], found);
    }
    return false;
}

static int show_resource(struct outbox *o, const char *text, const struct outbox_id *id,
                         struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct lane lane;
    struct survey_item found = { .target = id->target };
    uint32_t target = 0;
    bool there = false;
    int code = EXIT_FAULT;
    if (!outbox_knows_target(o, id->target))
        return no_such_item(o, text);
    if (!o->store->calls->target_no(o->store, id->target, false, &target, error))
        return EXIT_FAULT;
    const char *const *jobs = survey_jobs_of(o->routes, o->route_count, id->target, &arena);
    if (jobs == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        goto out;
    }
    if (!lane_load(o->store, target, jobs, id->no, &arena, &lane, &there, error))
        goto out;
    if (!there || !look(&lane, id->ordinal, &found))
        code = no_such_item(o, text);
    else if (put_resource(o, text, &found, error))
        code = EXIT_SETTLED;
out:
    arena_free(&arena);
    return code;
}

/* ---- a record ---- */

static const char *record_state(const struct store_record *record) {
    static const char *const names[] = {
        [STORE_RECORD_LIVE] = "live", [STORE_RECORD_HELD] = "held",   [STORE_RECORD_GONE] = "gone",
        [STORE_RECORD_LEFT] = "left", [STORE_RECORD_ERROR] = "error",
    };
    return names[record->state];
}

/* Of the hold that says why a record is held: its row in the unit. */
struct row_of_record {
    const struct store_record *record;
    char row[24]; /* "" when it isn't known */
};

static bool note_row(void *user, const struct store_hold *hold) {
    struct row_of_record *r = user;
    const struct store_hold_key *key = &hold->key;
    bool same = strcmp(key->record, r->record->id) == 0 && strcmp(key->code, r->record->code) == 0;
    bool is_row = key->place[0] != '\0' && strspn(key->place, "0123456789") == strlen(key->place);
    if (same && is_row)
        snprintf(r->row, sizeof r->row, "%s", key->place);
    return r->row[0] == '\0';
}

static void put_record(struct outbox *o, const char *id, const struct store_record *record,
                       const char *row) {
    put_head(o, id, record_state(record), record->code);
    put_member(o, "detail", record->detail);
    put_member(o, "decision", record->decision);
    put_member(o, "job", record->job);
    put_member(o, "recordId", record->id);
    put_member(o, "where", record->unit);
    put_member(o, "place", row);
    put_moment(o, "revision", record->revision_ms);
    put_moment(o, "since", record->poll);
    put_end(o);
}

static int show_record(struct outbox *o, const char *text, uint64_t no,
                       struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct store_record record;
    struct row_of_record r = { .record = &record };
    bool found = false;
    int code = EXIT_FAULT;
    if (!o->store->calls->record_get(o->store, no, &arena, &record, &found, error))
        goto out;
    if (!found) {
        code = no_such_item(o, text);
        goto out;
    }
    if (!o->store->calls->holds(o->store, record.job, note_row, &r, error))
        goto out;
    put_record(o, text, &record, r.row);
    code = EXIT_SETTLED;
out:
    arena_free(&arena);
    return code;
}

/* ---- a row or part ---- */

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

static int show_row(struct outbox *o, const char *text, uint64_t no, struct iptfhir_error *error) {
    struct hold_search h = { .o = o, .text = text, .no = (int64_t)no };
    if (!o->store->calls->holds(o->store, NULL, show_hold, &h, error))
        return EXIT_FAULT;
    return h.found ? EXIT_SETTLED : no_such_item(o, text);
}

int outbox_show(struct outbox *o, const char *text, struct iptfhir_error *error) {
    struct outbox_id id;
    if (!outbox_id_read(text, &id))
        return outbox_refuse_id(o, text);
    if (id.kind == OUTBOX_RESOURCE)
        return show_resource(o, text, &id, error);
    if (id.kind == OUTBOX_RECORD)
        return show_record(o, text, id.no, error);
    return show_row(o, text, id.no, error);
}
