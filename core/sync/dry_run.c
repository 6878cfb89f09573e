/* SPDX-License-Identifier: Apache-2.0 */
/* sync --dry-run: the difference between what would be sent and what was sent last. */
#include "core/sync/dry_run.h"

#include "core/base/crypt.h"
#include "core/store/store.h"
#include "core/sync/mapping_run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dry {
    const struct config_job *job;
    struct store *store; /* NULL: nothing was ever sent */
    struct mapping_run run;
    struct arena arena;
    struct str body;
    bool json;
    size_t created, updated, unchanged;
};

/* A value in one line, cut. */
static void print_value(const char *sign, const char *pointer, const struct tree *value) {
    struct str text = { 0 };
    json_write(&text, value, JSON_COMPACT);
    printf("    %s %s: %.*s%s\n", sign, pointer, text.length > 200 ? 200 : (int)text.length,
           text.data ? text.data : "", text.length > 200 ? "..." : "");
    str_free(&text);
}

static void print_change(void *user, const char *pointer, const struct tree *before,
                         const struct tree *after) {
    (void)user;
    if (before)
        print_value("-", pointer, before);
    if (after)
        print_value("+", pointer, after);
}

/* One resource that would be sent, as text or a JSON line. */
static void print_resource(struct dry *d, const char *target, const struct pipeline_resource *r,
                           const char *base) {
    if (d->json) {
        struct str line = { 0 };
        str_puts(&line, "{\"target\":");
        str_json(&line, target, strlen(target));
        str_printf(&line,
                   ",\"action\":\"%s\",\"type\":\"%s\",\"identifier\":", base ? "update" : "create",
                   r->type);
        str_json(&line, r->identifier_value, strlen(r->identifier_value));
        str_printf(&line, ",\"resource\":%s}\n", d->body.data);
        fputs(line.data ? line.data : "", stdout);
        str_free(&line);
        return;
    }
    printf("%s %s: %s %s\n", base ? "~" : "+", target, r->type, r->identifier_value);
    struct tree *old = base ? json_read_copy(&d->arena, base, strlen(base), NULL, NULL) : NULL;
    if (old)
        tree_diff(old, r->tree, print_change, d);
    arena_reset(&d->arena);
}

/* A record that is as it was would not be mapped. */
static bool on_record(void *user, const struct tree *record, const char *id, const char *hash) {
    (void)record;
    struct dry *d = user;
    bool same = false;
    return !d->store || !store_record_same(d->store, d->job->name, id, hash, &same, NULL) || !same;
}

static bool on_resource(void *user, const struct pipeline_resource *r,
                        struct iptfhir_error *error) {
    struct dry *d = user;
    char hash[65], known[65] = "";
    str_clear(&d->body);
    json_write(&d->body, r->tree, JSON_COMPACT);
    if (d->body.failed)
        return error_set(error, "memory", NULL, "out of memory");
    crypt_sha256_hex(d->body.data, d->body.length, hash);
    if (r->invalid)
        printf("! %s %s would be held: %s [invalid]\n", r->type, r->identifier_value, r->invalid);
    for (size_t i = 0; i < d->job->target_count; i++) {
        const char *target = d->job->targets[i]->name, *base = NULL;
        if (d->store && !store_ledger_hash(d->store, target, r->uuid, known, error))
            return false;
        if (!strcmp(known, hash)) {
            d->unchanged++;
            continue;
        }
        if (d->store && !store_last_body(d->store, target, r->uuid, &d->arena, &base, error))
            return false;
        ++*(base ? &d->updated : &d->created);
        print_resource(d, target, r, base);
    }
    return true;
}

static bool on_hold(void *user, const char *pointer, const char *code, const char *why,
                    struct iptfhir_error *error) {
    (void)error;
    struct dry *d = user;
    d->run.holds++;
    fprintf(stderr, "%s: would be held: %s [%s]\n", pointer, why, code);
    return true;
}

int dry_run(const struct config *config, const struct config_job *job,
            const struct command_options *options) {
    struct dry d = { .job = job, .json = options->json };
    struct report report = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    const struct pipeline_events events = {
        .user = &d, .record = on_record, .resource = on_resource, .hold = on_hold
    };
    struct pipeline *p = pipeline_open_config(config, job, &report);
    if (access(config->store_path, F_OK) == 0 &&
        !(d.store = store_open(config->store_path, STORE_READ, &error)))
        report_add(&report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    int code = p && !error_is_set(&error) ? mapping_run(p, NULL, &events, NULL, &d.run, &report)
                                          : EXIT_CONFIG;
    fprintf(stderr,
            "job %s: %zu would be created, %zu updated, %zu are as they were; nothing was sent\n",
            job->name, d.created, d.updated, d.unchanged);
    command_print_report(stderr, &report,
                         &(struct command_options) { .config_path = options->config_path });
    report_free(&report);
    pipeline_close(p);
    store_close(d.store);
    arena_free(&d.arena);
    str_free(&d.body);
    return code;
}
