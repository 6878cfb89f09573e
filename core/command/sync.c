/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir sync: one full cycle of each job, or what it would change. */
#include "core/base/clock.h"
#include "core/base/numbers.h"
#include "core/command/place.h"
#include "core/sync/dry_run.h"
#include "core/sync/service.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 512 }; /* records of one transaction */

static const char help[] =
    "usage: iptfhir sync [--job J] [--dry-run] [--reread]\n\n"
    "One full cycle of each job: its source is read to the end, and every target is brought in\n"
    "step. It stays until what was lost on the way is found or settled, but not for a target that\n"
    "is down or said Retry-After.\n"
    "  --dry-run   reads and maps, and prints element by element what would change against what\n"
    "              was sent; writes and sends nothing (patient data goes to stdout)\n"
    "  --reread    everything is read and mapped anew, also what the source says is unchanged\n"
    "Exit: 0 in step, 1 something is held, 75 something waits, 78 configuration, 70 a fault of\n"
    "ours; of several jobs the gravest.\n";

struct wish {
    const char *job;
    bool dry, reread;
    bool json;
};

/* ---- reading everything again ---- */

static bool note_record(void *user, const struct store_record *record) {
    return numbers_add(user, record->no);
}

/* Forgets the content of a record. [tx] */
static bool forget_content(struct store *store, uint64_t no, struct arena *arena,
                           struct iptfhir_error *error) {
    struct store_record record;
    bool found = false;
    arena_reset(arena);
    if (!store->calls->record_get(store, no, arena, &record, &found, error))
        return false;
    if (!found)
        return true;
    memset(record.content, 0, STORE_HASH);
    return store->calls->record_put(store, &record, error);
}

/* Forgets the contents of some records of a job, in one transaction. */
static bool forget_some(struct store *store, const char *job, const uint64_t *list, size_t count,
                        struct arena *arena, struct iptfhir_error *error) {
    bool good = true;
    if (!store->calls->begin(store, error))
        return false;
    for (size_t i = 0; good && i < count; i++)
        good = forget_content(store, list[i], arena, error);
    good = good && intake_reread(store, job, error);
    good = good && store->calls->commit(store, error);
    if (!good)
        store->calls->rollback(store);
    return good;
}

/* Makes the next poll of a job read everything again. */
static bool forget_job(struct store *store, const char *job, struct iptfhir_error *error) {
    struct numbers n = { 0 };
    struct arena arena = { 0 };
    bool good = store->calls->records(store, job, note_record, &n, error);
    if (n.failed)
        good = error_set(error, "memory", NULL, "out of memory");
    /* A job without records is marked, too. */
    for (size_t at = 0; good && at <= n.count; at += AT_ONCE) {
        size_t left = n.count - at;
        size_t count = left < AT_ONCE ? left : AT_ONCE;
        good = forget_some(store, job, n.list + at, count, &arena, error);
    }
    arena_free(&arena);
    numbers_free(&n);
    return good;
}

/* ---- the jobs ---- */

/* `later`: the jobs that are read after it. */
static int sync_job(const struct place *place, const struct config_job *job,
                    const char *const *later, const struct wish *wish) {
    if (wish->dry)
        return dry_run(place->config, job, place->store, place->hash_key, wish->json);
    return service_sync(place->config, job, later);
}

/* Says on stderr what is left to do. */
static void tell(const struct survey *s) {
    uint64_t held = s->sum.held + s->held_records + s->held_rows;
    uint64_t waiting = s->sum.waiting + s->sum.unknown;
    if (held > 0)
        fprintf(stderr, "%" PRIu64 " held: `iptfhir status` says why and what moves them on\n",
                held);
    if (waiting > 0)
        fprintf(stderr, "%" PRIu64 " wait: the next sync goes on with them\n", waiting);
    if (!s->conserved)
        fprintf(stderr, "THE LAW IS BROKEN: see `iptfhir status`, and report it with the store\n");
}

/* What the store says after all jobs. */
static int conclude(const struct command_options *options) {
    struct place place;
    struct survey s = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    int code = place_open(&place, false, options);
    if (code != EXIT_SETTLED || place.store == NULL)
        goto out;
    if (survey_take(place.store, place.routes, place.route_count, clock_now_ms(), &s, &error)) {
        code = survey_exit(&s);
        tell(&s);
    } else {
        code = EXIT_FAULT;
        place_print_error(&error);
    }
out:
    survey_free(&s);
    place_close(&place);
    return code;
}

static bool is_wished(const struct wish *wish, const struct config_job *job) {
    return wish->job == NULL || strcmp(job->name, wish->job) == 0;
}

/* Has every wished job read everything again. */
static bool forget_jobs(const struct place *place, const struct wish *wish,
                        struct iptfhir_error *error) {
    const struct config *config = place->config;
    for (size_t i = 0; i < config->job_count; i++) {
        const struct config_job *job = &config->jobs[i];
        if (is_wished(wish, job) && !forget_job(place->store, job->name, error))
            return false;
    }
    return true;
}

/* Does what needs the store open; then it is closed, since a sync opens its own. */
static int prepare(struct place *place, const struct wish *wish) {
    struct iptfhir_error error = ERROR_INIT;
    if (place->store == NULL || wish->dry)
        return EXIT_SETTLED;
    bool good = !wish->reread || forget_jobs(place, wish, &error);
    place->store->calls->close(place->store);
    place->store = NULL;
    if (good)
        return EXIT_SETTLED;
    place_print_error(&error);
    return strcmp(error.code, "store-busy") == 0 ? EXIT_LATER : EXIT_FAULT;
}

static int no_such_job(const struct config *config, const struct wish *wish) {
    if (wish->job == NULL)
        fprintf(stderr, "iptfhir: %s has no job\n", config->file);
    else
        fprintf(stderr, "iptfhir: %s has no job named %s\n", config->file, wish->job);
    return EXIT_CONFIG;
}

/* Does everything wished, job by job; a signal ends it. */
static int run(struct place *place, const struct wish *wish) {
    const struct config *config = place->config;
    const struct config_job **jobs = calloc(config->job_count + 1, sizeof *jobs);
    const char **names = calloc(config->job_count + 1, sizeof *names);
    int code = EXIT_FAULT;
    size_t count = 0;
    if (jobs == NULL || names == NULL)
        goto out;
    for (size_t i = 0; i < config->job_count; i++) {
        if (!is_wished(wish, &config->jobs[i]))
            continue;
        names[count] = config->jobs[i].name;
        jobs[count++] = &config->jobs[i];
    }
    code = count > 0 ? EXIT_SETTLED : no_such_job(config, wish);
    for (size_t i = 0; i < count && code <= EXIT_BY_SIGNAL; i++)
        code = exit_gravest(code, sync_job(place, jobs[i], names + i + 1, wish));
out:
    free(jobs);
    free(names);
    return code;
}

static bool read_wish(struct wish *wish, int argc, char **argv) {
    static const struct option longs[] = { { "job", required_argument, NULL, 'J' },
                                           { "dry-run", no_argument, NULL, 'n' },
                                           { "reread", no_argument, NULL, 'r' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'J': wish->job = optarg; break;
        case 'n': wish->dry = true; break;
        case 'r': wish->reread = true; break;
        case 'j': wish->json = true; break;
        default: return false;
        }
    }
    return optind == argc;
}

int command_sync(int argc, char **argv, const struct command_options *options) {
    struct wish wish = { .json = options->json };
    struct place place;
    if (place_help(argc, argv, help))
        return EXIT_SETTLED;
    if (!read_wish(&wish, argc, argv)) {
        fputs(help, stderr);
        return EXIT_WRONG_USE;
    }
    int code = place_open(&place, wish.reread && !wish.dry, options);
    if (code == EXIT_SETTLED)
        code = prepare(&place, &wish);
    if (code == EXIT_SETTLED)
        code = run(&place, &wish);
    place_close(&place);
    bool tells = code == EXIT_SETTLED || code == EXIT_HELD || code == EXIT_LATER;
    if (tells && !wish.dry)
        code = exit_gravest(code, conclude(options));
    return code;
}
