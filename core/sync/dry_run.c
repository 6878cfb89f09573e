/* SPDX-License-Identifier: Apache-2.0 */
/* sync --dry-run: the difference between what would be sent and what was sent last. */
#include "core/sync/dry_run.h"

#include "core/base/crypt.h"
#include "core/command/command.h"
#include "core/sync/lane.h"
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
    size_t created, updated, unchanged;
    /* the record in hand */
    uint64_t patient;   /* 0: the store doesn't know it */
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

/* A record begins: whose it is is noted. */
static bool on_record(void *user, const struct tree *record, const char *id) {
    struct dry *d = user;
    struct iptfhir_error error = ERROR_INIT;
    const struct tree *patient = tree_get(record, "patient");
    const char *local_id = patient != NULL ? tree_text(patient, "localId") : NULL;
    (void)id;
    d->lane = NULL;
    d->patient = 0;
    if (d->store == NULL || local_id == NULL)
        return true;
    bool good =
        d->store->calls->patient_find(d->store, d->job->clinic, local_id, &d->patient, &error);
    if (good && d->patient != 0)
        good = load_lanes(d, &error);
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

static bool on_resource(void *user, const struct pipeline_resource *r,
                        struct iptfhir_error *error) {
    struct dry *d = user;
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
    fprintf(stderr, "%s: would be held: %s [%s]\n", pointer, why, code);
    return true;
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
    if (p != NULL)
        code = mapping_run(p, NULL, &events, NULL, &d.run, &report);
    if (p != NULL)
        fprintf(stderr,
                "job %s: %zu would be created, %zu updated, %zu are as they were; nothing was "
                "sent\n",
                job->name, d.created, d.updated, d.unchanged);
    command_print_report(stderr, &report, &plain);
    report_free(&report);
    pipeline_close(p);
    arena_free(&d.lanes);
    arena_free(&d.arena);
    str_free(&d.body);
    str_free(&d.out);
    return code;
}
