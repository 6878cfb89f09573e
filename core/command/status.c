/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir status: where everything stands, and whether the conservation law holds. */
#include "core/command/status.h"

#include "core/base/clock.h"
#include "core/base/codes.h"
#include "core/command/exit.h"
#include "core/command/place.h"
#include "core/sync/pause.h"

#include <inttypes.h>
#include <string.h>

const char *status_age(int64_t since_ms, int64_t now_ms, char out[32]) {
    int64_t seconds = since_ms < now_ms ? (now_ms - since_ms) / 1000 : 0;
    if (since_ms == 0)
        snprintf(out, 32, "-");
    else if (seconds < 120)
        snprintf(out, 32, "%" PRId64 " s", seconds);
    else if (seconds < 7200)
        snprintf(out, 32, "%" PRId64 " min", seconds / 60);
    else if (seconds < 172800)
        snprintf(out, 32, "%" PRId64 " h", seconds / 3600);
    else
        snprintf(out, 32, "%" PRId64 " days", seconds / 86400);
    return out;
}

static uint64_t resources_of(const struct survey_line *line) {
    return line->in_step + line->waiting + line->unknown + line->held + line->decided;
}

/* ---- for people ---- */

/* What is wrong with a source that doesn't speak, and what to do; NULL: it was read. */
static const char *const silence[] = {
    [SURVEY_READ] = NULL,
    [SURVEY_NEVER] = "it was never read to its end: run `iptfhir sync`, and see what it says",
    [SURVEY_BROKE_OFF] =
        "its last reading failed, broke off or goes on now: nothing new of it is sent until one "
        "has ended; see the log for its cause and run `iptfhir sync`",
    [SURVEY_OLD] = "nobody has read it for longer than limits.max_age_hours: see whether "
                   "`iptfhir sync` still runs by its schedule",
};
/* The same for scripts. */
static const char *const words[] = {
    [SURVEY_READ] = "read",
    [SURVEY_NEVER] = "never",
    [SURVEY_BROKE_OFF] = "broke-off",
    [SURVEY_OLD] = "old",
};

static void text_job(const struct survey_job *job, const struct status_time *time,
                     struct str *out) {
    const struct intake_counts *n = &job->read;
    const char *silent = silence[survey_word_of(job, time->now_ms, time->max_age_ms)];
    char age[32];
    str_printf(out, "job %s: last read to its end %s%s\n", job->job,
               status_age(job->poll.confirmed_ms, time->now_ms, age),
               job->poll.confirmed_ms != 0 ? " ago" : "");
    if (silent != NULL)
        str_printf(out, "  SILENT: %s\n", silent);
    str_printf(out,
               "  records read %" PRIu64 " = mapped %" PRIu64 " + unchanged %" PRIu64
               " + stale %" PRIu64 " + held %" PRIu64 "%s\n",
               n->records, n->mapped, n->unchanged, n->stale, n->held,
               job->conserved ? "" : "   THE LAW IS BROKEN: report this with the store");
}

static void text_line(const struct survey_line *line, int64_t now_ms, struct str *out) {
    char age[32];
    str_printf(out,
               "  %s: resources %" PRIu64 " = in step %" PRIu64 " + waiting %" PRIu64
               " + unknown %" PRIu64 " + held %" PRIu64 " + decided %" PRIu64 "\n",
               line->target, resources_of(line), line->in_step, line->waiting, line->unknown,
               line->held, line->decided);
    if (line->waiting + line->unknown > 0)
        str_printf(out, "    the oldest of what waits has waited %s\n",
                   status_age(line->oldest_ms, now_ms, age));
}

/* "3 resources, 1 record" */
static void text_amount(const struct survey_cause *cause, struct str *out) {
    const struct {
        uint64_t count;
        const char *one, *many;
    } parts[] = { { cause->resources, "resource", "resources" },
                  { cause->records, "record", "records" },
                  { cause->rows, "row or part", "rows or parts" } };
    const char *comma = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].count == 0)
            continue;
        str_printf(out, "%s%" PRIu64 " %s", comma, parts[i].count,
                   parts[i].count == 1 ? parts[i].one : parts[i].many);
        comma = ", ";
    }
}

/* `how`: held or waiting. */
static void text_cause(const char *how, const struct survey_cause *cause, int64_t now_ms,
                       struct str *out) {
    char age[32];
    const struct code *code = code_find(cause->code);
    str_printf(out, "%s, %s: ", how, cause->code);
    text_amount(cause, out);
    str_printf(out, ", for %s\n", status_age(cause->since_ms, now_ms, age));
    if (code != NULL)
        str_printf(out, "  %s: %s\n", code->meaning, code->next);
    str_printf(out, "  `iptfhir outbox list --code %s` names them\n", cause->code);
}

static void text_in_part(uint64_t records, struct str *out) {
    bool one = records == 1;
    if (records == 0)
        return;
    str_printf(out,
               "%" PRIu64 " %s a held part: what is missing in %s stays at the targets as it is "
               "and counts as in step, until the part is put right at its source "
               "(`iptfhir outbox list --state held` names it)\n",
               records, one ? "record has" : "records have", one ? "it" : "them");
}

static void text_pause(const struct survey_pause *pause, struct str *out) {
    char until[25];
    const struct code *code = code_find(pause->code);
    str_printf(out, "target %s is paused, %s: ", pause->target, pause->code);
    if (code != NULL)
        str_printf(out, "%s; ", code->meaning);
    if (pause_waits_for_word(pause->code)) {
        str_printf(out, "nothing goes there until `iptfhir outbox resolve again --target %s`\n",
                   pause->target);
        return;
    }
    clock_format(pause->until_ms, until);
    if (pause->person) {
        str_printf(out,
                   "%s; until one is answered it gets single requests, the next at %s, or at the "
                   "next sync after `iptfhir outbox retry --target %s`\n",
                   code != NULL ? code->next : "see its log", until, pause->target);
        return;
    }
    str_printf(out,
               "it is asked again at %s, or at the next sync after "
               "`iptfhir outbox retry --target %s`\n",
               until, pause->target);
}

int status_exit(const struct survey *s, const struct status_time *time) {
    int code = survey_exit(s);
    for (size_t i = 0; i < s->job_count; i++) {
        enum survey_word word = survey_word_of(&s->jobs[i], time->now_ms, time->max_age_ms);
        code = exit_gravest(code, word == SURVEY_READ ? EXIT_SETTLED : EXIT_LATER);
    }
    return code;
}

void status_text(const struct survey *s, const struct status_time *time, struct str *out) {
    int64_t now_ms = time->now_ms;
    char age[32];
    if (s->lost > 0)
        str_printf(out,
                   "THE LAW IS BROKEN: %" PRIu64
                   " states belong to no resource; report this with the store\n",
                   s->lost);
    for (size_t j = 0; j < s->job_count; j++) {
        text_job(&s->jobs[j], time, out);
        for (size_t i = 0; i < s->line_count; i++) {
            if (strcmp(s->lines[i].job, s->jobs[j].job) == 0)
                text_line(&s->lines[i], now_ms, out);
        }
    }
    for (size_t i = 0; i < s->cause_count; i++)
        text_cause("held", &s->causes[i], now_ms, out);
    text_in_part(s->held_in_part, out);
    for (size_t i = 0; i < s->wait_count; i++)
        text_cause("waiting", &s->waits[i], now_ms, out);
    for (size_t i = 0; i < s->pause_count; i++)
        text_pause(&s->pauses[i], out);
    if (s->older_ms != 0)
        str_printf(out,
                   "store-older: %s ago the store was found to be older than what this "
                   "installation has sent; what differs at a target is compared, and held where "
                   "somebody must choose\n",
                   status_age(s->older_ms, now_ms, age));
    if (status_exit(s, time) == EXIT_SETTLED)
        str_puts(out, "everything is in step\n");
}

/* ---- for scripts ---- */

static void json_text(struct str *out, const char *name, const char *value) {
    str_printf(out, "\"%s\": ", name);
    str_json(out, value, strlen(value));
}

static void json_line(const struct survey_line *line, struct str *out) {
    str_puts(out, "{");
    json_text(out, "target", line->target);
    str_printf(out,
               ", \"resources\": %" PRIu64 ", \"inStep\": %" PRIu64 ", \"waiting\": %" PRIu64
               ", \"unknown\": %" PRIu64 ", \"held\": %" PRIu64 ", \"decided\": %" PRIu64
               ", \"oldestMs\": %" PRId64 "}",
               resources_of(line), line->in_step, line->waiting, line->unknown, line->held,
               line->decided, line->oldest_ms);
}

static void json_job(const struct survey *s, const struct survey_job *job,
                     const struct status_time *time, struct str *out) {
    const struct intake_counts *n = &job->read;
    const char *comma = "";
    str_puts(out, "{");
    json_text(out, "job", job->job);
    str_puts(out, ", ");
    json_text(out, "source", words[survey_word_of(job, time->now_ms, time->max_age_ms)]);
    str_printf(out,
               ", \"confirmedMs\": %" PRId64
               ", \"polling\": %s,\n   \"records\": {\"read\": %" PRIu64 ", \"mapped\": %" PRIu64
               ", \"unchanged\": %" PRIu64 ", \"stale\": %" PRIu64 ", \"held\": %" PRIu64
               ", \"conserved\": %s},\n   \"targets\": [",
               job->poll.confirmed_ms, job->poll.polling ? "true" : "false", n->records, n->mapped,
               n->unchanged, n->stale, n->held, job->conserved ? "true" : "false");
    for (size_t i = 0; i < s->line_count; i++) {
        if (strcmp(s->lines[i].job, job->job) != 0)
            continue;
        str_puts(out, comma);
        json_line(&s->lines[i], out);
        comma = ",\n    ";
    }
    str_puts(out, "]}");
}

static void json_cause(const struct survey_cause *cause, struct str *out) {
    const struct code *code = code_find(cause->code);
    str_puts(out, "{");
    json_text(out, "code", cause->code);
    str_printf(out,
               ", \"resources\": %" PRIu64 ", \"records\": %" PRIu64 ", \"rows\": %" PRIu64
               ", \"sinceMs\": %" PRId64 ", ",
               cause->resources, cause->records, cause->rows, cause->since_ms);
    json_text(out, "meaning", code != NULL ? code->meaning : "");
    str_puts(out, ", ");
    json_text(out, "next", code != NULL ? code->next : "");
    str_puts(out, "}");
}

static void json_pause(const struct survey_pause *pause, struct str *out) {
    str_puts(out, "{");
    json_text(out, "target", pause->target);
    str_puts(out, ", ");
    json_text(out, "code", pause->code);
    str_printf(out, ", \"untilMs\": %" PRId64 ", \"person\": %s}", pause->until_ms,
               pause->person ? "true" : "false");
}

void status_json(const struct survey *s, const struct status_time *time, struct str *out) {
    str_printf(out,
               "{\"conserved\": %s, \"lost\": %" PRIu64 ", \"storeOlderMs\": %" PRId64
               ", \"recordsHeldInPart\": %" PRIu64,
               s->conserved ? "true" : "false", s->lost, s->older_ms, s->held_in_part);
    str_puts(out, ",\n \"jobs\": [");
    for (size_t i = 0; i < s->job_count; i++) {
        str_puts(out, i > 0 ? ",\n  " : "\n  ");
        json_job(s, &s->jobs[i], time, out);
    }
    str_puts(out, "],\n \"held\": [");
    for (size_t i = 0; i < s->cause_count; i++) {
        str_puts(out, i > 0 ? ",\n  " : "\n  ");
        json_cause(&s->causes[i], out);
    }
    str_puts(out, "],\n \"waiting\": [");
    for (size_t i = 0; i < s->wait_count; i++) {
        str_puts(out, i > 0 ? ",\n  " : "\n  ");
        json_cause(&s->waits[i], out);
    }
    str_puts(out, "],\n \"paused\": [");
    for (size_t i = 0; i < s->pause_count; i++) {
        str_puts(out, i > 0 ? ",\n  " : "\n  ");
        json_pause(&s->pauses[i], out);
    }
    str_puts(out, "]}\n");
}

/* ---- the command ---- */

static const char help[] =
    "usage: iptfhir [-c FILE] [--json] status\n\n"
    "Where everything stands: per job and target how many resources are in step, wait, are\n"
    "unknown, held or decided; what is held or waits, by cause, with what moves it on; targets\n"
    "that are paused; and whether the conservation law holds. Reads only, also beside a running\n"
    "sync.\n"
    "Exit: 0 in step, 1 something is held, 75 something waits or a job's source is silent, 70 the\n"
    "law is broken.\n";

/* Reports on the open store, or that there is none yet. Returns an exit code. */
static int report(const struct place *place, bool json, struct str *out,
                  struct iptfhir_error *error) {
    const struct status_time time = { .now_ms = clock_now_ms(),
                                      .max_age_ms = place->config->limits.max_age_hours * 3600000 };
    struct survey s = { .conserved = true };
    int code = EXIT_SETTLED;
    if (place->store == NULL && !json) {
        str_puts(out, "nothing yet: run `iptfhir sync`\n");
        return EXIT_SETTLED;
    }
    if (place->store != NULL) {
        if (!survey_take(place->store, place->routes, place->route_count, time.now_ms, &s, error)) {
            survey_free(&s);
            return EXIT_FAULT;
        }
        code = status_exit(&s, &time);
    }
    if (json)
        status_json(&s, &time, out);
    else
        status_text(&s, &time, out);
    survey_free(&s);
    return out->failed ? EXIT_FAULT : code;
}

int command_status(int argc, char **argv, const struct command_options *options) {
    struct place place;
    struct iptfhir_error error = ERROR_INIT;
    struct str out = { 0 };
    if (place_help(argc, argv, help))
        return EXIT_SETTLED;
    if (argc > 1) {
        fputs(help, stderr);
        return EXIT_WRONG_USE;
    }
    int code = place_open(&place, false, options);
    if (code == EXIT_SETTLED)
        code = report(&place, options->json, &out, &error);
    if (out.data != NULL)
        fputs(out.data, stdout);
    if (error_is_set(&error))
        place_print_error(&error);
    str_free(&out);
    place_close(&place);
    return code;
}
