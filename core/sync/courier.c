/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the delivery process: messages of ingest into intake, steps of delivery. */
#include "core/sync/courier.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/codes.h"
#include "core/base/crypt.h"
#include "core/base/key.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/plugin/host.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/sync/delivery.h"
#include "core/sync/identity_base.h"
#include "core/sync/intake.h"
#include "core/sync/lifecycle.h"
#include "core/sync/pipe.h"
#include "core/sync/privacy.h"
#include "core/sync/settle.h"
#include "core/sync/witness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES_AT_ONCE 256 /* of ingest, between two steps of delivery */
#define PATIENCE_MS 500      /* the longest wait of the loop */
#define BUSY_MS 20           /* between tries while a command has the store */
#define BUSY_TRIES 1500
#define SETTINGS_BYTES 65 /* 64 hex digits and their end */

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number) {
    asked_to_stop = number;
}

/* A target of the configuration, opened. */
struct opened {
    struct plugin *plugin;
    struct host *host;
    struct plugin_instance *instance;
};
struct courier {
    const struct config *config;
    const struct config_job *job;
    const char *const *later; /* jobs that are read after this one */
    struct shared *page;
    struct world *world;
    struct store *store;
    struct lifecycle *lifecycle;
    struct privacy *privacy;
    struct witness *witness;
    struct opened *opened;
    struct delivery_target *targets;
    size_t target_count;
    const char **job_names, **job_targets;
    struct delivery *delivery;
    struct delivery_settings delivery_settings;
    unsigned char hash_key[KEY_BYTES];
    atomic_bool stopping;
    /* the poll */
    const int *descriptors;
    size_t descriptor_count, current;
    struct pipe pipe;
    struct intake_settings intake_settings;
    char mapped_with[SETTINGS_BYTES]; /* the hash that ingest said */
    struct intake *intake;
    bool polled;          /* no more comes from ingest */
    bool whole;           /* the poll ended and was whole */
    struct arena arena;   /* of the run */
    struct arena message; /* of the message in hand */
    bool *same;           /* answers to it, also those of a try that found the store busy */
    struct iptfhir_error error;
};

static bool is_stopping(struct courier *c) {
    bool stop = c->page->stop || asked_to_stop != 0;
    if (stop)
        c->stopping = true;
    return stop;
}

/* ---- opening ---- */

static bool open_target(struct courier *c, const struct config_instance *from,
                        struct report *report) {
    struct opened *o = &c->opened[c->target_count];
    const struct host_settings settings = { .config = c->config,
                                            .instance = from,
                                            .stopping = &c->stopping };
    o->plugin = plugin_load(c->config, from, report);
    if (o->plugin == NULL)
        return false;
    const struct iptfhir_target *calls = plugin_descriptor(o->plugin)->target;
    if (calls == NULL) {
        report_add(report, REPORT_ERROR, "plugin-kind", from->where, "plugin %s is no target",
                   from->plugin);
        return false;
    }
    o->host = host_new(&settings);
    o->instance = o->host != NULL
                      ? instance_new(o->plugin, from, c->config, host_table(o->host), report)
                      : NULL;
    c->targets[c->target_count] = (struct delivery_target) {
        .name = from->name,
        .calls = calls,
        .instance = o->instance != NULL ? instance_self(o->instance) : NULL,
        .jobs = config_jobs_of(c->config, from->name, &c->arena),
        .threads = (size_t)from->workers,
        .recipient = from->recipient,
        .consent_attested = from->consent_attested,
        .conflict = (enum delivery_conflict)from->conflict,
        .withdraw = (enum delivery_withdraw)from->withdraw,
        .labels = from->labels,
        .together = from->together,
        .max_entries = (size_t)from->max_entries,
        .update_without_version = from->update_without_version,
        .settle_ms = from->settle_seconds * 1000,
    };
    c->target_count++;
    if (c->targets[c->target_count - 1].jobs == NULL)
        return error_set(&c->error, "memory", NULL, "out of memory");
    return o->instance != NULL;
}

/* Says at once what makes a target's promise weaker than it should be. */
static void warn_about_settling(const struct config_instance *from, const struct opened *o) {
    struct report weak = { 0 };
    settle_check(from, plugin_descriptor(o->plugin)->target, instance_self(o->instance), &weak);
    for (size_t i = 0; i < weak.count; i++)
        log_line(IPTFHIR_WARNING, "%s: %s [%s]", weak.entries[i].error.where,
                 weak.entries[i].error.text, weak.entries[i].error.code);
    report_free(&weak);
}

/* Opens every target that a job of the configuration names. */
static bool open_targets(struct courier *c, struct report *report) {
    size_t count = c->config->target_count;
    c->opened = arena_zalloc(&c->arena, (count + 1) * sizeof *c->opened);
    c->targets = arena_zalloc(&c->arena, (count + 1) * sizeof *c->targets);
    c->job_names = arena_zalloc(&c->arena, (c->config->job_count + 1) * sizeof *c->job_names);
    c->job_targets = arena_zalloc(&c->arena, (count + 1) * sizeof *c->job_targets);
    if (c->opened == NULL || c->targets == NULL || c->job_names == NULL || c->job_targets == NULL)
        return error_set(&c->error, "memory", NULL, "out of memory");
    for (size_t i = 0; i < c->config->job_count; i++)
        c->job_names[i] = c->config->jobs[i].name;
    for (size_t i = 0; i < c->job->target_count; i++)
        c->job_targets[i] = c->job->targets[i]->name;
    for (size_t i = 0; i < count; i++)
        if (!open_target(c, &c->config->targets[i], report))
            return false;
    for (size_t i = 0; i < count; i++)
        warn_about_settling(&c->config->targets[i], &c->opened[i]);
    return true;
}

/* Counts a state for the progress bar. */
static void on_committed(void *user, const struct store_state *state) {
    struct courier *c = user;
    (void)state;
    const struct delivery_counts *counts =
        c->delivery != NULL ? delivery_counts(c->delivery) : NULL;
    if (counts == NULL)
        return;
    c->page->delivered = counts->in_step;
    c->page->held = counts->held;
    c->page->waiting = counts->waiting + counts->unknown;
}

/* Whatever a dead process left open is over; the polls of this run are open from the start, so that
 * nothing goes out by what a source said before. */
static bool expect_polls(struct courier *c) {
    const char *const ours[] = { c->job->name, NULL };
    return intake_abandon(c->store, &c->error) && intake_expect(c->store, ours, &c->error) &&
           intake_expect(c->store, c->later, &c->error);
}

static bool open_store(struct courier *c, const unsigned char key[32]) {
    unsigned char bodies[KEY_BYTES];
    char path[4096];
    bool keyed = key_derive(key, "bodies", bodies) && key_derive(key, "hash", c->hash_key);
    if (!keyed) {
        crypt_wipe(bodies, sizeof bodies);
        return error_set(&c->error, "crypt", NULL, "libcrypto refused a key");
    }
    c->store = store_open_sqlite(c->config->store_path, true, bodies, &c->error);
    crypt_wipe(bodies, sizeof bodies);
    if (c->store == NULL || !identity_base_keep(c->store, c->config->identity_base, &c->error))
        return false;
    if (!expect_polls(c))
        return false;
    snprintf(path, sizeof path, "%s.witness", c->config->key_file);
    c->witness = witness_open(path, c->store, clock_now_ms(), &c->delivery_settings.era, &c->error);
    return c->witness != NULL;
}

static bool open_all(struct courier *c, const unsigned char key[32], struct report *report) {
    char path[4096];
    snprintf(path, sizeof path, "%s/lifecycle.yaml", c->config->mappings_dir);
    c->lifecycle = lifecycle_load(path, report);
    c->privacy = privacy_load(c->config->mappings_dir, report);
    if (c->lifecycle == NULL || c->privacy == NULL || !open_targets(c, report))
        return false;
    if (!open_store(c, key))
        return false;
    c->world = world_real_new(&c->error);
    if (c->world == NULL)
        return false;
    c->delivery_settings.targets = c->targets;
    c->delivery_settings.target_count = c->target_count;
    c->delivery_settings.jobs = c->job_names;
    c->delivery_settings.lifecycle = c->lifecycle;
    c->delivery_settings.privacy = c->privacy;
    c->delivery_settings.hash_key = c->hash_key;
    c->delivery_settings.max_age_ms = c->config->limits.max_age_hours * 3600000;
    c->delivery_settings.witness = c->witness;
    c->delivery_settings.committed = on_committed;
    c->delivery_settings.user = c;
    return true;
}

static void close_all(struct courier *c) {
    intake_free(c->intake);
    delivery_close(c->delivery);
    world_real_free(c->world);
    for (size_t i = 0; i < c->target_count; i++) {
        instance_free(c->opened[i].instance);
        if (c->opened[i].host != NULL)
            host_free(c->opened[i].host);
        plugin_unload(c->opened[i].plugin);
    }
    witness_close(c->witness);
    if (c->store != NULL)
        c->store->calls->close(c->store);
    privacy_free(c->privacy);
    lifecycle_free(c->lifecycle);
    pipe_close(&c->pipe);
}

/* ---- messages of ingest ---- */

struct welcome_list {
    struct arena *a;
    struct pipe_alias *list;
    size_t count, room;
};

static bool on_alias(void *user, const char *local_id, const char *identity) {
    struct welcome_list *w = user;
    if (w->count == w->room) {
        size_t room = w->room > 0 ? w->room * 2 : 16;
        struct pipe_alias *more = arena_alloc(w->a, room * sizeof *more);
        if (more == NULL)
            return false;
        if (w->count > 0)
            memcpy(more, w->list, w->count * sizeof *more);
        w->list = more;
        w->room = room;
    }
    const char *local = arena_strndup(w->a, local_id, strlen(local_id));
    const char *made_with = arena_strndup(w->a, identity, strlen(identity));
    w->list[w->count++] = (struct pipe_alias) { local, made_with };
    return local != NULL && made_with != NULL;
}

/* What the source's absences mean: as configured, else as its plugin says. */
static enum intake_complete complete_of(const struct courier *c, const struct pipe_message *hello) {
    switch (c->job->source->complete) {
    case CONFIG_COMPLETE_NONE: return INTAKE_NONE;
    case CONFIG_COMPLETE_RECORD: return INTAKE_RECORDS;
    case CONFIG_COMPLETE_EXPORT: return INTAKE_EXPORT;
    case CONFIG_COMPLETE_DEFAULT: break;
    }
    return hello->whole_records ? INTAKE_RECORDS : INTAKE_NONE;
}

/* Begins the poll and tells ingest where the last one ended. */
static bool take_hello(struct courier *c, const struct pipe_message *hello) {
    struct welcome_list w = { .a = &c->message };
    struct store_bytes cursor = { NULL, 0 };
    if (hello->version != PIPE_VERSION || c->intake != NULL)
        return error_set(&c->error, "pipe", NULL, "ingest speaks another version");
    snprintf(c->mapped_with, sizeof c->mapped_with, "%s", hello->settings);
    c->intake_settings =
        (struct intake_settings) { .job = c->job->name,
                                   .clinic = c->job->clinic,
                                   .mapped_with = c->mapped_with,
                                   .jobs = c->job_names,
                                   .targets = c->job_targets,
                                   .complete = complete_of(c, hello),
                                   .removed_is_error = c->job->source->removed_is_error,
                                   .units_whole = hello->whole_units,
                                   .lifecycle = c->lifecycle,
                                   .hash_key = c->hash_key };
    c->intake = intake_begin(c->store, &c->intake_settings, clock_now_ms(), &c->error);
    if (c->intake == NULL ||
        !intake_cursor_get(c->store, c->job->name, &c->message, &cursor, &c->error) ||
        !intake_aliases(c->store, c->job->clinic, &c->message, on_alias, &w, &c->error))
        return false;
    const struct pipe_message welcome = { .type = PIPE_WELCOME,
                                          .version = PIPE_VERSION,
                                          .cursor = cursor,
                                          .aliases = w.list,
                                          .count = w.count };
    return pipe_put(&c->pipe, &welcome, &c->error);
}

static bool take_ask(struct courier *c, const struct pipe_message *question) {
    if (c->same == NULL)
        c->same = arena_zalloc(&c->message, question->count + 1);
    if (c->same == NULL)
        return error_set(&c->error, "memory", NULL, "out of memory");
    if (!intake_unchanged(c->intake, question->records, question->count, c->same, &c->error))
        return false;
    const struct pipe_message answer = { .type = PIPE_ANSWER,
                                         .same = c->same,
                                         .count = question->count };
    return pipe_put(&c->pipe, &answer, &c->error);
}

static bool take_cursor(struct courier *c, const struct pipe_message *m) {
    return intake_cursor(c->intake, m->cursor.data, &c->error) &&
           intake_flush(c->intake, &c->error);
}

/* Ends the poll; what it confirmed may go out now. */
static bool take_end(struct courier *c, bool whole) {
    if (!intake_end(c->intake, whole, clock_now_ms(), &c->error))
        return false;
    intake_free(c->intake);
    c->intake = NULL;
    c->polled = true;
    c->whole = whole;
    world_real_watch(c->world, -1); /* ingest ends now: its pipe would be readable for ever */
    if (c->delivery != NULL)
        delivery_notice(c->delivery, 0);
    return true;
}

static bool take_message(struct courier *c, const struct pipe_message *m) {
    int64_t now = clock_now_ms();
    struct store_hold_key key = m->hold;
    bool begun = c->intake != NULL;
    if (m->type != PIPE_HELLO && !begun)
        return error_set(&c->error, "pipe", NULL, "ingest did not say hello");
    switch (m->type) {
    case PIPE_HELLO: return take_hello(c, m);
    case PIPE_ASK: return take_ask(c, m);
    case PIPE_RECORD: return intake_record(c->intake, m->records, now, &c->error);
    case PIPE_HOLD:
        key.job = c->job->name;
        return intake_hold(c->intake, &key, m->detail, m->facts.data != NULL ? &m->facts : NULL,
                           now, &c->error);
    case PIPE_PRESENT: return intake_present(c->intake, m->unit, &c->error);
    case PIPE_CURSOR: return take_cursor(c, m);
    case PIPE_END: return take_end(c, m->whole);
    default: return error_set(&c->error, "pipe", NULL, "ingest sent what only delivery sends");
    }
}

/* A command holds the store for moments: waits for it, as often as is reasonable. */
static bool wait_for_store(struct courier *c, int *tries) {
    bool busy = strcmp(c->error.code, "store-busy") == 0 && ++*tries < BUSY_TRIES;
    if (!busy || is_stopping(c))
        return false;
    error_clear(&c->error);
    usleep(BUSY_MS * 1000);
    return true;
}

/* Takes a message, again while a command has the store. What intake has collected need not be given
 * to it twice. */
static bool take_patiently(struct courier *c, const struct pipe_message *m) {
    int tries = 0;
    bool collected = m->type == PIPE_RECORD || m->type == PIPE_HOLD;
    bool taken = take_message(c, m);
    while (!taken && wait_for_store(c, &tries))
        taken = collected ? intake_flush(c->intake, &c->error) : take_message(c, m);
    return taken;
}

/* Ingest is gone before its end: the poll failed, and the next ingest begins anew. */
static bool next_pipe(struct courier *c) {
    pipe_close(&c->pipe);
    intake_free(c->intake); /* what was flushed stays; the rest comes again */
    c->intake = NULL;
    close(c->descriptors[c->current]);
    c->current++;
    if (c->current == c->descriptor_count) {
        c->polled = true;
        world_real_watch(c->world, -1);
        return intake_abandon(c->store, &c->error) && intake_expect(c->store, c->later, &c->error);
    }
    pipe_open(&c->pipe, c->descriptors[c->current]);
    world_real_watch(c->world, c->descriptors[c->current]);
    return true;
}

/* Takes what ingest sent, some of it. */
static bool take_messages(struct courier *c) {
    for (int i = 0; i < MESSAGES_AT_ONCE && !c->polled; i++) {
        struct pipe_message m;
        bool got = false;
        bool over =
            c->page->ingests_ended > c->current; /* though a child of it may hold the pipe */
        struct iptfhir_error torn = ERROR_INIT;
        arena_reset(&c->message);
        c->same = NULL;
        bool read = pipe_get(&c->pipe, 0, &c->message, &m, &got, &torn);
        bool broken = !read && strcmp(torn.code, "memory") != 0;
        if (!read && !broken)
            return error_set(&c->error, torn.code, torn.where, "%s", torn.text);
        if (broken || (!got && (c->pipe.ended || over)))
            return next_pipe(c);
        if (!got)
            break;
        if (!take_patiently(c, &m))
            return false;
    }
    struct iptfhir_error gone = ERROR_INIT;
    (void)pipe_push(&c->pipe, SIZE_MAX, 0, &gone); /* a dead ingest shows when it is read */
    return true;
}

/* ---- the loop ---- */

/* Shows a pause of a target. */
static void show_pause(struct courier *c) {
    struct delivery_pause pause;
    for (size_t i = 0; i < c->target_count; i++) {
        if (!delivery_paused(c->delivery, i, &pause))
            continue;
        int64_t wait = pause.wait_ms < 86400000 ? pause.wait_ms : 86400000;
        snprintf(c->page->paused_target, sizeof c->page->paused_target, "%s", c->targets[i].name);
        if (c->page->paused_until_ms < clock_now_ms())
            log_line(IPTFHIR_WARNING, "target %s waits: %s [%s]", c->targets[i].name, pause.detail,
                     pause.code);
        c->page->paused_until_ms = clock_now_ms() + wait;
    }
}

/* True when nothing is left to be done in this cycle; *code says how it stands. */
static bool is_done(const struct courier *c, enum delivery_moved moved, int *code) {
    if (!c->polled)
        return false;
    if (moved == DELIVERY_IN_STEP)
        *code = EXIT_SETTLED;
    else if (moved == DELIVERY_RESTS)
        *code = EXIT_LATER;
    else
        return false;
    return true;
}

/* Waits for ingest while delivery has nothing to do. */
static void await_ingest(const struct courier *c) {
    struct pollfd look = { .fd = c->pipe.descriptor, .events = POLLIN };
    (void)poll(&look, 1, PATIENCE_MS);
}

/* Whether something can't be opened for what the configuration says. */
static bool is_config_fault(const char *code) {
    const struct code *entry = code_find(code);
    return entry != NULL && entry->kind == CODE_CONFIG;
}

static int run(struct courier *c) {
    int code = EXIT_FAULT;
    c->delivery = delivery_open(c->world, c->store, &c->delivery_settings, &c->error);
    if (c->delivery == NULL)
        return is_config_fault(c->error.code) ? EXIT_CONFIG : EXIT_FAULT;
    pipe_open(&c->pipe, c->descriptors[0]);
    world_real_watch(c->world, c->descriptors[0]);
    int tries = 0;
    for (;;) {
        int64_t wait = 0;
        if (is_stopping(c))
            return EXIT_LATER;
        if (!c->polled && !take_messages(c))
            return EXIT_FAULT;
        bool more = !c->polled && pipe_has(&c->pipe);
        enum delivery_moved moved =
            delivery_step(c->delivery, more ? 0 : PATIENCE_MS, &wait, &c->error);
        show_pause(c);
        if (moved == DELIVERY_FAILED && !wait_for_store(c, &tries))
            return EXIT_FAULT;
        if (moved != DELIVERY_FAILED)
            tries = 0;
        if (is_done(c, moved, &code))
            return code;
        bool idle = moved == DELIVERY_IN_STEP || moved == DELIVERY_RESTS;
        if (idle && !more && !c->polled)
            await_ingest(c);
    }
}

int courier_run(const struct config *config, const struct config_job *job, const char *const *later,
                struct shared *page, const unsigned char key[32], const int *descriptors,
                size_t count) {
    struct courier c = { .config = config,
                         .job = job,
                         .later = later,
                         .page = page,
                         .descriptors = descriptors,
                         .descriptor_count = count,
                         .error = ERROR_INIT };
    struct report report = { 0 };
    unsigned char log_key[KEY_BYTES];
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    log_setup(config->log_level, "delivery");
    if (key_derive(key, "log", log_key))
        log_set_key(log_key);
    crypt_wipe(log_key, sizeof log_key);
    int code = EXIT_CONFIG;
    if (open_all(&c, key, &report))
        code = run(&c);
    else if (error_is_set(&c.error))
        code = is_config_fault(c.error.code) ? EXIT_CONFIG : EXIT_FAULT;
    for (size_t i = 0; i < report.count; i++)
        log_line(IPTFHIR_ERROR, "%s: %s [%s]", report.entries[i].error.where,
                 report.entries[i].error.text, report.entries[i].error.code);
    if (error_is_set(&c.error))
        log_line(IPTFHIR_ERROR, "delivery: %s%s%s [%s]", c.error.where,
                 *c.error.where != '\0' ? ": " : "", c.error.text, c.error.code);
    close_all(&c);
    report_free(&report);
    arena_free(&c.message);
    arena_free(&c.arena);
    return code;
}
