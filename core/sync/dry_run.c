/* SPDX-License-Identifier: Apache-2.0 */
/* sync --dry-run: the difference between what would be sent or withdrawn and what was sent last. */
#include "core/sync/dry_run.h"

#include "core/base/crypt.h"
#include "core/command/command.h"
#include "core/sync/crew.h"
#include "core/sync/intake.h"
#include "core/sync/lane.h"
#include "core/sync/lifecycle.h"
#include "core/sync/mapping_run.h"

#include <string.h>

enum { VALUE_BYTES = 200 }; /* of a value that is shown */

struct dry {
    const struct config *config;
    const struct config_job *job;
    struct store *store;
    const unsigned char *hash_key;
    struct mapping_run run;
    bool json;
    struct lifecycle *lifecycle;
    bool remapped; /* the sync would hold every withdrawal: mappings or mappers changed */
    size_t created, updated, unchanged, withdrawn;
    /* the record in hand */
    uint64_t patient;   /* 0: the store doesn't know it */
    uint64_t record;    /* 0: the store doesn't know it, or has it under another patient */
    bool whole;         /* all its parts could be mapped so far */
    struct str made;    /* UUIDs of what it makes */
    struct arena lanes; /* of its lanes */
    struct lane *lane;  /* by target of the job; NULL: none loaded */
    struct arena arena; /* of the resource in hand */
    struct str body, out;
};

/* ---- printing ---- */

static void print_value(struct dry *d, char sign, const char *pointer, const struct tree *value) {
    struct str text = { 0 };
    json_write(&text, value, JSON_COMPACT);
    bool cut = text.length > VALUE_BYTES;
    str_printf(&d->out, "    %c %s: %.*s%s\n", sign, pointer, cut ? VALUE_BYTES : (int)text.length,
               text.data != NULL ? text.data : "", cut ? "..." : "");
    str_free(&text);
}

static void print_change(void *user, const char *pointer, const struct tree *before,
                         const struct tree *after) {
    struct dry *d = user;
    if (before != NULL)
        print_value(d, '-', pointer, before);
    if (after != NULL)
        print_value(d, '+', pointer, after);
}

static void print_json(struct dry *d, const char *target, const struct pipeline_resource *r,
                       const struct tree *before) {
    str_puts(&d->out, "{\"target\":");
    str_json(&d->out, target, strlen(target));
    str_printf(&d->out, ",\"action\":\"%s\",\"type\":\"%s\",\"identifier\":",
               before != NULL ? "update" : "create", r->type);
    str_json(&d->out, r->identifier_value, strlen(r->identifier_value));
    str_printf(&d->out, ",\"resource\":%s}\n", d->body.data);
}

/* One resource that would be sent. */
static bool print_resource(struct dry *d, const char *target, const struct pipeline_resource *r,
                           const struct tree *before, struct iptfhir_error *error) {
    str_clear(&d->out);
    if (d->json) {
        print_json(d, target, r, before);
    } else {
        str_printf(&d->out, "%c %s: %s %s\n", before != NULL ? '~' : '+', target, r->type,
                   r->identifier_value);
        if (before != NULL)
            tree_diff(before, r->tree, print_change, d);
    }
    if (d->out.failed)
        return error_set(error, "memory", NULL, "out of memory");
    fputs(d->out.data, stdout);
    return true;
}

/* One resource that would be withdrawn. */
static bool print_withdrawal(struct dry *d, const char *target, const struct store_said *row,
                             struct iptfhir_error *error) {
    str_clear(&d->out);
    if (d->json) {
        str_puts(&d->out, "{\"target\":");
        str_json(&d->out, target, strlen(target));
        str_printf(&d->out, ",\"action\":\"withdraw\",\"type\":\"%s\",\"identifier\":", row->type);
        str_json(&d->out, row->value, strlen(row->value));
        str_puts(&d->out, "}\n");
    } else {
        str_printf(&d->out, "- %s: %s %s\n", target, row->type, row->value);
    }
    if (d->out.failed)
        return error_set(error, "memory", NULL, "out of memory");
    fputs(d->out.data, stdout);
    return true;
}

/* ---- comparing ---- */

/* Loads the lanes of the record's patient, so that every resource of it is compared with them. */
static bool load_lanes(struct dry *d, struct iptfhir_error *error) {
    const struct store_calls *calls = d->store->calls;
    arena_reset(&d->lanes);
    d->lane = arena_zalloc(&d->lanes, (d->job->target_count + 1) * sizeof *d->lane);
    if (d->lane == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    for (size_t i = 0; i < d->job->target_count; i++) {
        uint32_t no = 0;
        bool found = false;
        const char *target = d->job->targets[i]->name;
        const char *const *jobs = config_jobs_of(d->config, target, &d->lanes);
        if (jobs == NULL)
            return error_set(error, "memory", NULL, "out of memory");
        if (!calls->target_no(d->store, target, false, &no, error))
            return false;
        if (!lane_load(d->store, no, jobs, d->patient, &d->lanes, &d->lane[i], &found, error))
            return false;
    }
    return true;
}

/* Finds the record in the store, where it is of the patient whom it names now, and no newer. */
static bool find_record(struct dry *d, const struct tree *record, const char *id,
                        struct iptfhir_error *error) {
    struct store_record row = { 0 };
    bool found = false;
    if (!d->store->calls->record_find(d->store, id, &d->lanes, &row, &found, error))
        return false;
    bool ours = found && row.patient == d->patient && strcmp(row.job, d->job->name) == 0;
    int64_t revision_ms = crew_revision(record);
    bool stale = ours && revision_ms != 0 && revision_ms < row.revision_ms;
    d->record = ours && !stale ? row.no : 0;
    return true;
}

/* A record begins: whose it is is noted. */
static bool on_record(void *user, const struct tree *record, const char *id) {
    struct dry *d = user;
    struct iptfhir_error error = ERROR_INIT;
    const struct tree *patient = tree_get(record, "patient");
    const char *local_id = patient != NULL ? tree_text(patient, "localId") : NULL;
    d->lane = NULL;
    d->patient = 0;
    d->record = 0;
    d->whole = true;
    str_clear(&d->made);
    if (d->store == NULL || local_id == NULL)
        return true;
    bool good =
        d->store->calls->patient_find(d->store, d->job->clinic, local_id, &d->patient, &error);
    if (good && d->patient != 0)
        good = load_lanes(d, &error) && find_record(d, record, id, &error);
    if (!good)
        fprintf(stderr, "iptfhir: %s [%s]\n", error.text, error.code);
    return good;
}

/* What the target last took of the resource; NULL: nothing. *same: it is what would be sent. */
static bool sent_of(struct dry *d, size_t target, const struct pipeline_resource *r,
                    struct tree **before, bool *same, struct iptfhir_error *error) {
    unsigned char uuid[STORE_UUID], full[32];
    struct crypt_mac mac;
    *before = NULL;
    *same = false;
    if (d->lane == NULL || strlen(r->uuid) != 36 || !lane_uuid_read(r->uuid, uuid))
        return true;
    struct lane *lane = &d->lane[target];
    const struct lane_item *item = lane->count > 0 ? lane_find(lane, uuid) : NULL;
    bool there = item != NULL && item->state.sent && item->state.sent_body.sequence != 0;
    if (!there)
        return true;
    if (!crypt_mac_start(&mac, d->hash_key) || !crypt_mac_add(&mac, d->body.data, d->body.length) ||
        !crypt_mac_end(&mac, full))
        return error_set(error, "crypt", NULL, "a body could not be hashed: libcrypto refused");
    bool hashed_same = memcmp(full, item->said->hash, STORE_HASH) == 0;
    *same = hashed_same && item->wanted == STORE_WANTED_BODY &&
            lane_is_wanted(item, true, item->state.sent_wanted, item->state.sent_hash);
    if (*same)
        return true;
    *before = lane_body(lane, item->state.sent_body, error);
    return *before != NULL;
}

/* Notes that the record makes a resource. */
static bool note_made(struct dry *d, const char *text) {
    unsigned char uuid[STORE_UUID];
    if (strlen(text) == 36 && lane_uuid_read(text, uuid))
        str_add(&d->made, (const char *)uuid, STORE_UUID);
    return !d->made.failed;
}

static bool on_resource(void *user, const struct pipeline_resource *r,
                        struct iptfhir_error *error) {
    struct dry *d = user;
    if (!note_made(d, r->uuid))
        return error_set(error, "memory", NULL, "out of memory");
    str_clear(&d->body);
    json_write(&d->body, r->tree, JSON_COMPACT);
    if (d->body.failed)
        return error_set(error, "memory", NULL, "out of memory");
    if (r->invalid != NULL) {
        fprintf(stderr, "%s %s would be held: %s [invalid]\n", r->type, r->identifier_value,
                r->invalid);
        d->run.holds++;
    }
    for (size_t i = 0; i < d->job->target_count; i++) {
        struct tree *before;
        bool same;
        if (!sent_of(d, i, r, &before, &same, error))
            return false;
        if (same) {
            d->unchanged++;
            continue;
        }
        if (before != NULL)
            d->updated++;
        else
            d->created++;
        if (!print_resource(d, d->job->targets[i]->name, r, before, error))
            return false;
    }
    return true;
}

static bool on_hold(void *user, const char *pointer, const char *code, const char *why,
                    struct iptfhir_error *error) {
    struct dry *d = user;
    (void)error;
    d->run.holds++;
    d->whole = false;
    fprintf(stderr, "%s: would be held: %s [%s]\n", pointer, why, code);
    return true;
}

/* ---- what left ---- */

/* Whether an element that its record lacks was removed, by what the source says of itself. */
static bool is_complete(const struct dry *d) {
    switch (d->job->source->complete) {
    case CONFIG_COMPLETE_NONE: return false;
    case CONFIG_COMPLETE_RECORD:
    case CONFIG_COMPLETE_EXPORT: return true;
    case CONFIG_COMPLETE_DEFAULT: break;
    }
    return d->run.whole_records;
}

static bool is_made(const struct dry *d, const unsigned char *uuid) {
    for (size_t at = 0; at < d->made.length; at += STORE_UUID)
        if (memcmp(d->made.data + at, uuid, STORE_UUID) == 0)
            return true;
    return false;
}

/* Whether another record says the resource of the row, too. */
static bool is_said_elsewhere(const struct store_said *rows, size_t count, size_t at) {
    for (size_t i = 0; i < count; i++) {
        bool same = i != at && memcmp(rows[i].uuid, rows[at].uuid, STORE_UUID) == 0;
        if (same && rows[i].wanted == STORE_WANTED_BODY)
            return true;
    }
    return false;
}

/* Whether the target has the resource, or may have it. */
static bool is_there(const struct lane *lane, const struct store_said *row) {
    const struct lane_item *item = lane->count > 0 ? lane_find(lane, row->uuid) : NULL;
    if (item == NULL)
        return false;
    const struct store_state *state = &item->state;
    return state->sent || state->attempt != STORE_NO_ATTEMPT || *state->server_id != '\0';
}

/* Whether the resource of the row ends by itself now that its element left. */
static bool ends_by_itself(struct dry *d, struct lane *lane, const struct store_said *row) {
    struct iptfhir_error why = ERROR_INIT;
    if (!d->job->source->removed_is_error && !lifecycle_ends(d->lifecycle, row->type))
        return false;
    if (!lifecycle_may_need_person(d->lifecycle, row->type))
        return true;
    const struct tree *body = lane_body(lane, row->body, &why);
    return !lifecycle_needs_person(d->lifecycle, row->type, body);
}

/* One row whose element left the record. */
static bool on_left(struct dry *d, const struct store_said *row, struct iptfhir_error *error) {
    for (size_t i = 0; i < d->job->target_count; i++) {
        const char *target = d->job->targets[i]->name;
        if (!is_there(&d->lane[i], row))
            continue;
        if (!ends_by_itself(d, &d->lane[i], row)) {
            fprintf(stderr, "%s: %s %s would be held: its element left the record [element-gone]\n",
                    target, row->type, row->value);
            d->run.holds++;
            continue;
        }
        d->withdrawn++;
        if (!print_withdrawal(d, target, row, error))
            return false;
    }
    return true;
}

/* A record has ended: what it said before and doesn't make any more left it, if it is whole. */
static bool on_end(void *user) {
    struct dry *d = user;
    struct iptfhir_error error = ERROR_INIT;
    struct store_said *rows = NULL;
    size_t count = 0;
    if (d->record == 0 || !d->whole || !is_complete(d))
        return true;
    bool good = d->store->calls->said_of(d->store, d->patient, &d->lanes, &rows, &count, &error);
    for (size_t i = 0; good && i < count; i++) {
        const struct store_said *row = &rows[i];
        bool open = row->record == d->record && row->wanted == STORE_WANTED_BODY;
        bool left = open && !is_made(d, row->uuid) && strcmp(row->code, "element-gone") != 0;
        if (left && !is_said_elsewhere(rows, count, i))
            good = on_left(d, row, &error);
    }
    if (!good)
        fprintf(stderr, "iptfhir: %s [%s]\n", error.text, error.code);
    return good;
}

/* ---- the run ---- */

/* Reads what decides about withdrawals. */
static bool open_rules(struct dry *d, const struct pipeline *p, struct report *report) {
    struct iptfhir_error error = ERROR_INIT;
    char path[4096];
    snprintf(path, sizeof path, "%s/lifecycle.yaml", d->config->mappings_dir);
    d->lifecycle = lifecycle_load(path, report);
    if (d->lifecycle == NULL || d->store == NULL)
        return d->lifecycle != NULL;
    const char *now = pipeline_settings_hash(p);
    if (intake_remapped(d->store, d->job->name, now, &d->remapped, &error))
        return true;
    report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    return false;
}

/* Says how it went. */
static void tell(const struct dry *d) {
    fprintf(stderr,
            "job %s: %zu would be created, %zu updated, %zu withdrawn, %zu are as they were; "
            "nothing was sent\n",
            d->job->name, d->created, d->updated, d->withdrawn, d->unchanged);
    if (d->remapped && d->withdrawn > 0)
        fprintf(stderr, "the mappings or mappers changed: the sync would hold the withdrawals, "
                        "until you say withdraw or leave [mass-withdrawal]\n");
}

int dry_run(const struct config *config, const struct config_job *job, struct store *store,
            const unsigned char hash_key[32], bool json) {
    struct dry d = {
        .config = config, .job = job, .store = store, .hash_key = hash_key, .json = json
    };
    struct report report = { 0 };
    const struct command_options plain = { .config_path = config->path };
    const struct pipeline_events events = {
        .user = &d, .record = on_record, .resource = on_resource, .hold = on_hold
    };
    struct pipeline *p = pipeline_open_config(config, job, NULL, &report);
    int code = EXIT_CONFIG;
    if (p != NULL && open_rules(&d, p, &report)) {
        code = mapping_run(p, NULL, &events, on_end, &d.run, &report);
        tell(&d);
    }
    command_print_report(stderr, &report, &plain);
    report_free(&report);
    pipeline_close(p);
    lifecycle_free(d.lifecycle);
    str_free(&d.made);
    arena_free(&d.lanes);
    arena_free(&d.arena);
    str_free(&d.body);
    str_free(&d.out);
    return code;
}
