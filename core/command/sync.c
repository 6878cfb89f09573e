/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir sync: one full cycle of a job, or what it would change. */
#include "core/command/command.h"
#include "core/config/config.h"
#include "core/store/store.h"
#include "core/sync/dry_run.h"
#include "core/sync/service.h"

#include <getopt.h>
#include <string.h>

struct sum {
    int64_t pending, held;
};

static bool add_job(void *user, const struct store_counts *c) {
    struct sum *sum = user;
    sum->pending += c->pending;
    sum->held += c->held;
    return true;
}

/* The exit code that the store's state asks for. */
static int code_of_store(const char *path) {
    struct iptfhir_error error = ERROR_INIT;
    struct sum sum = { 0 };
    struct store *store = store_open(path, STORE_READ, &error);
    bool ok = store && store_counts(store, add_job, &sum, &error);
    store_close(store);
    if (!ok) {
        fprintf(stderr, "iptfhir: %s [%s]\n", error.text, error.code);
        return EXIT_FAULT;
    }
    if (sum.held)
        fprintf(stderr,
                "%lld held: see `iptfhir outbox list`; put right, then `iptfhir outbox retry`\n",
                (long long)sum.held);
    if (sum.pending)
        fprintf(stderr, "%lld wait for a retry: the next sync goes on with them\n",
                (long long)sum.pending);
    return sum.pending ? EXIT_LATER : sum.held ? EXIT_HELD : EXIT_SETTLED;
}

/* Sync one job. */
static int sync_job(const struct config *config, const struct config_job *job, bool dry,
                    const struct command_options *options) {
    if (dry)
        return dry_run(config, job, options);
    return service_sync(config, job);
}

int command_sync(int argc, char **argv, const struct command_options *options) {
    static const struct option longs[] = { { "job", required_argument, NULL, 'J' },
                                           { "dry-run", no_argument, NULL, 'n' },
                                           { 0 } };
    const char *name = NULL;
    bool dry = false;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == 'J')
            name = optarg;
        else if (c == 'n')
            dry = true;
        else
            return EXIT_WRONG_USE;
    }
    struct report report = { 0 };
    struct config *config = config_load(options->config_path, &report);
    int code = EXIT_SETTLED;
    size_t done = 0;
    if (!config)
        code = EXIT_CONFIG;
    for (size_t i = 0; config && i < config->job_count; i++) {
        if (name && strcmp(config->jobs[i].name, name) != 0)
            continue;
        int one = sync_job(config, &config->jobs[i], dry, options);
        code = exit_gravest(code, one);
        done++;
        if (one > EXIT_BY_SIGNAL)
            break;
    }
    if (config && !done) {
        fprintf(stderr, "iptfhir: %s has no job%s%s\n", options->config_path, name ? " named " : "",
                name ? name : "");
        code = EXIT_CONFIG;
    }
    command_print_report(stderr, &report,
                         &(struct command_options) { .config_path = options->config_path });
    bool has_state = code == EXIT_SETTLED || code == EXIT_HELD || code == EXIT_LATER;
    if (has_state && !dry)
        code = exit_gravest(code, code_of_store(config->store_path));
    report_free(&report);
    config_free(config);
    return code;
}
