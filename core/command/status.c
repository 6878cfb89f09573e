/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir status: where everything stands, and whether the conservation law holds. */
#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/command/command.h"
#include "core/config/config.h"
#include "core/store/store.h"

#include <string.h>

struct view {
    bool json, broken;
    size_t rows;
    int64_t pending, held;
    struct str out;
};

/* "3 h" since a moment. */
static void age(int64_t since_ms, char *out, size_t size) {
    int64_t s = (clock_now_ms() - since_ms) / 1000;
    if (!since_ms)
        snprintf(out, size, "-");
    else if (s < 120)
        snprintf(out, size, "%lld s", (long long)s);
    else if (s < 7200)
        snprintf(out, size, "%lld min", (long long)(s / 60));
    else
        snprintf(out, size, "%lld h", (long long)(s / 3600));
}

/* One job as text. */
static void text_row(struct view *v, const struct store_counts *c, bool holds) {
    char oldest[32];
    age(c->oldest_ms, oldest, sizeof oldest);
    str_printf(&v->out, "job %s\n  accepted %lld = settled %lld + pending %lld + held %lld%s\n",
               c->job, (long long)c->accepted, (long long)c->settled, (long long)c->pending,
               (long long)c->held, holds ? "" : "   THE LAW IS BROKEN: report this with the store");
    str_printf(
        &v->out,
        "  settled: %lld created, %lld updated, %lld unchanged, %lld superseded, %lld discarded\n",
        (long long)c->created, (long long)c->updated, (long long)c->unchanged,
        (long long)c->superseded, (long long)c->discarded);
    str_printf(&v->out, "  pending: %lld in flight, %lld unknown; oldest unsettled: %s\n",
               (long long)c->inflight, (long long)c->unknown, oldest);
}

/* One job as JSON. */
static void json_row(struct view *v, const struct store_counts *c, bool holds) {
    str_puts(&v->out, v->rows ? ",\n  {\"job\": " : "\n  {\"job\": ");
    str_json(&v->out, c->job, strlen(c->job));
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = { { "accepted", c->accepted },   { "settled", c->settled },
                    { "pending", c->pending },     { "held", c->held },
                    { "created", c->created },     { "updated", c->updated },
                    { "unchanged", c->unchanged }, { "superseded", c->superseded },
                    { "discarded", c->discarded }, { "unknown", c->unknown },
                    { "inFlight", c->inflight },   { "oldestMs", c->oldest_ms } };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        str_printf(&v->out, ", \"%s\": %lld", numbers[i].name, (long long)numbers[i].value);
    str_printf(&v->out, ", \"conserved\": %s}", holds ? "true" : "false");
}

static bool print_row(void *user, const struct store_counts *c) {
    struct view *v = user;
    bool holds = c->accepted == c->settled + c->pending + c->held;
    (v->json ? json_row : text_row)(v, c, holds);
    v->broken = v->broken || !holds;
    v->pending += c->pending;
    v->held += c->held;
    v->rows++;
    return true;
}

int command_status(int argc, char **argv, const struct command_options *options) {
    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "usage: iptfhir [-c FILE] [--json] status\n");
        return EXIT_WRONG_USE;
    }
    struct report report = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    struct view v = { .json = options->json };
    struct config *config = config_load(options->config_path, &report);
    struct store *store = config ? store_open(config->store_path, STORE_READ, &error) : NULL;
    int code = EXIT_CONFIG;
    if (store) {
        if (v.json)
            str_puts(&v.out, "[");
        bool ok = store_counts(store, print_row, &v, &error);
        str_puts(&v.out, v.json ? "\n]\n" : v.rows ? "" : "nothing yet: run iptfhir sync\n");
        if (ok && !v.out.failed)
            fputs(v.out.data, stdout);
        code = !ok || v.broken ? EXIT_FAULT
               : v.pending     ? EXIT_LATER
               : v.held        ? EXIT_HELD
                               : EXIT_SETTLED;
    }
    if (!config)
        command_print_report(stderr, &report, options);
    if (error_is_set(&error))
        fprintf(stderr, "iptfhir: %s%s%s [%s]\n", error.where, *error.where ? ": " : "", error.text,
                error.code);
    store_close(store);
    str_free(&v.out);
    report_free(&report);
    config_free(config);
    return code;
}
