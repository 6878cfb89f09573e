/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir outbox: what is not settled, and the way out for what is held. */
#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/command/command.h"
#include "core/config/config.h"
#include "core/store/store.h"

#include <getopt.h>
#include <string.h>

struct filter {
    const char *job, *state, *code, *id;
    bool all;
};
struct listing {
    struct str out;
    size_t rows;
    bool json, full;
};

/* One item as a JSON object. */
static void json_item(struct listing *l, const struct store_item *i) {
    const struct {
        const char *name, *value;
    } texts[] = { { "id", i->id },         { "job", i->job },
                  { "target", i->target }, { "recordId", i->record_id },
                  { "type", i->type },     { "identifier", i->identifier },
                  { "state", i->state },   { "code", i->code },
                  { "detail", i->detail }, { "where", i->where } };
    str_puts(&l->out, l->rows ? ",\n  {" : "\n  {");
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        str_printf(&l->out, "%s\"%s\": ", t ? ", " : "", texts[t].name);
        str_json(&l->out, texts[t].value, strlen(texts[t].value));
    }
    str_printf(&l->out, ", \"attempts\": %d, \"sinceMs\": %lld, \"nextMs\": %lld", i->attempts,
               (long long)i->since_ms, (long long)i->next_ms);
    if (l->full && *i->body)
        str_printf(&l->out, ", \"resource\": %s", i->body);
    str_puts(&l->out, "}");
}

/* One item as a line, or in full. */
static void text_item(struct listing *l, const struct store_item *i) {
    if (!l->full) {
        str_printf(&l->out, "%-8s %-9s %-20s %-12s %-10s %s %s%s%s\n", i->id, i->state,
                   *i->code ? i->code : "-", i->job, *i->target ? i->target : "-", i->record_id,
                   i->type, *i->type ? " " : "", *i->type ? i->identifier : i->where);
        return;
    }
    char since[25];
    clock_format(i->since_ms, since);
    str_printf(&l->out, "%s: %s %s since %s\n  job %s, target %s, record %s\n  %s %s\n", i->id,
               i->state, i->code, since, i->job, *i->target ? i->target : "-", i->record_id,
               i->type, *i->type ? i->identifier : i->where);
    if (*i->detail)
        str_printf(&l->out, "  %s\n", i->detail);
    if (i->attempts)
        str_printf(&l->out, "  %d attempts\n", i->attempts);
    if (*i->body)
        str_printf(&l->out, "%s\n", i->body);
}

static bool add_item(void *user, const struct store_item *item) {
    struct listing *l = user;
    (l->json ? json_item : text_item)(l, item);
    l->rows++;
    return !l->out.failed;
}

/* Print the unsettled items. */
static int list(struct store *store, const struct filter *f, bool full,
                const struct command_options *options, struct iptfhir_error *error) {
    struct listing l = { .json = options->json, .full = full };
    if (l.json)
        str_puts(&l.out, "[");
    bool ok = store_items(store, f->job, f->state, f->code, f->id, add_item, &l, error);
    str_puts(&l.out, l.json   ? "\n]\n"
                     : l.rows ? ""
                     : full   ? "there is no such unsettled item\n"
                              : "nothing waits\n");
    if (ok && !l.out.failed)
        fputs(l.out.data, stdout);
    str_free(&l.out);
    return !ok ? EXIT_FAULT : full && !l.rows ? EXIT_WRONG_USE : EXIT_SETTLED;
}

/* Retry or discard what is held; a selection is demanded, so that nothing happens by a slip. */
static int way_out(struct store *store, const struct filter *f, bool discard,
                   struct iptfhir_error *error) {
    int64_t count = 0;
    if (!f->id && !f->code && !f->job && !f->all) {
        fprintf(stderr,
                "iptfhir: say what: an ID from `outbox list`, --code CODE, --job JOB, or --all\n");
        return EXIT_WRONG_USE;
    }
    if (!(discard ? store_discard : store_retry)(store, f->job, f->code, f->id, &count, error))
        return EXIT_FAULT;
    printf("%lld %s\n", (long long)count,
           discard ? "discarded" : "put back; the next sync takes them up");
    return count || !f->id ? EXIT_SETTLED : EXIT_WRONG_USE;
}

/* Retry and discard change the store: not while a service uses it. */
static int run(const char *verb, const struct filter *f, const struct config *config,
               const struct command_options *options, struct iptfhir_error *error) {
    bool writes = !strcmp(verb, "retry") || !strcmp(verb, "discard");
    struct store *store = store_open(config->store_path, STORE_READ, error);
    int code = EXIT_CONFIG;
    if (store && writes)
        code = way_out(store, f, !strcmp(verb, "discard"), error);
    else if (store)
        code = list(store, f, !strcmp(verb, "show"), options, error);
    store_close(store);
    return code;
}

int command_outbox(int argc, char **argv, const struct command_options *options) {
    static const struct option longs[] = { { "job", required_argument, NULL, 'J' },
                                           { "state", required_argument, NULL, 's' },
                                           { "code", required_argument, NULL, 'k' },
                                           { "all", no_argument, NULL, 'a' },
                                           { 0 } };
    static const char *const verbs[] = { "list", "show", "retry", "discard", NULL };
    struct filter f = { 0 };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'J': f.job = optarg; break;
        case 's': f.state = optarg; break;
        case 'k': f.code = optarg; break;
        case 'a': f.all = true; break;
        default: return EXIT_WRONG_USE;
        }
    }
    const char *verb = optind < argc ? argv[optind++] : "list";
    f.id = optind < argc ? argv[optind++] : NULL;
    bool known = false;
    for (int i = 0; verbs[i]; i++)
        known = known || !strcmp(verbs[i], verb);
    if (!known || optind < argc || (!strcmp(verb, "show") && !f.id)) {
        fprintf(stderr, "usage: iptfhir outbox list [--job J] [--state S] [--code C]\n       "
                        "iptfhir outbox show ID\n"
                        "       iptfhir outbox retry|discard ID | --code C | --job J | --all\n");
        return EXIT_WRONG_USE;
    }
    struct report report = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct config *config = config_load(options->config_path, &report);
    int code = config ? run(verb, &f, config, options, &error) : EXIT_CONFIG;
    if (!config)
        command_print_report(stderr, &report, options);
    if (error_is_set(&error))
        fprintf(stderr, "iptfhir: %s%s%s [%s]\n", error.where, *error.where ? ": " : "", error.text,
                error.code);
    report_free(&report);
    config_free(config);
    return code;
}
