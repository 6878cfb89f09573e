/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir outbox: what is not in step, and the way on for it. */
#include "core/command/outbox.h"

#include "core/base/clock.h"
#include "core/command/place.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "usage: iptfhir outbox list [--job J] [--target T] [--state S] [--code C]\n"
    "       iptfhir outbox show ID\n"
    "       iptfhir outbox retry   ID | --code C | --job J | --target T | --all\n"
    "       iptfhir outbox resolve ID WORD | WORD --code C [--job J] [--target T]\n"
    "       iptfhir outbox resolve again --target T     after a target was reset\n"
    "       iptfhir outbox discard ID | --code C | --job J\n"
    "       iptfhir outbox restore ID | --code C | --job J\n\n"
    "What is not in step at a target, and the way on for it. IDs: 12-3@hospital is a resource\n"
    "at a target, r7 a record, h4 a row or part of a source. States: waiting, unknown, held,\n"
    "decided, in-step. WORD is one of\n"
    "  ours, theirs        who is right where both sides changed it\n"
    "  again, leave        what was deleted there is created anew, or left as it is\n"
    "  withdraw, leave     a withdrawal that is held goes out, or not\n"
    "  move, same, leave   a record whose patient changed: to the other chart; it is the same\n"
    "                      patient; what was sent stays\n"
    "  error, left         a record or element that is gone was never true, or has left\n"
    "Everything works beside a running sync. `list` and `show` print patient data.\n";

struct line {
    struct outbox_filter filter;
    const char *word;
    const struct verb *verb;
};

/* Takes what stands behind the verb. False: it can't be understood. */
typedef bool take_words(struct line *line, int count, char **words);

static bool take_nothing(struct line *line, int count, char **words) {
    (void)line, (void)words;
    return count == 0;
}

static bool take_id(struct line *line, int count, char **words) {
    line->filter.id = words[0]; /* NULL when there is none */
    return count == 1;
}

static bool take_filter(struct line *line, int count, char **words) {
    return count == 0 || take_id(line, count, words);
}

/* `ID WORD`, or a word alone beside a filter. */
static bool take_decision(struct line *line, int count, char **words) {
    struct outbox_id id;
    bool names_item = count > 0 && outbox_id_read(words[0], &id);
    if (count == 1 && !names_item) {
        line->word = words[0];
        return true;
    }
    if (count < 1 || count > 2)
        return false;
    line->filter.id = words[0];
    line->word = words[1]; /* NULL when there is none */
    return true;
}

enum { LIST = -1, SHOW = -2 };
struct verb {
    const char *name;
    int act; /* LIST, SHOW or an enum outbox_verb, which writes */
    take_words *take;
};
static const struct verb verbs[] = {
    { "list", LIST, take_nothing },
    { "show", SHOW, take_id },
    { "retry", OUTBOX_RETRY, take_filter },
    { "resolve", OUTBOX_RESOLVE, take_decision },
    { "discard", OUTBOX_DISCARD, take_filter },
    { "restore", OUTBOX_RESTORE, take_filter },
};

static const struct verb *find_verb(const char *name) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static bool read_line(struct line *line, int argc, char **argv, bool *json) {
    static const struct option longs[] = { { "job", required_argument, NULL, 'J' },
                                           { "target", required_argument, NULL, 't' },
                                           { "state", required_argument, NULL, 's' },
                                           { "code", required_argument, NULL, 'k' },
                                           { "all", no_argument, NULL, 'a' },
                                           { "json", no_argument, NULL, 'j' },
                                           { 0 } };
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'J': line->filter.job = optarg; break;
        case 't': line->filter.target = optarg; break;
        case 's': line->filter.state = optarg; break;
        case 'k': line->filter.code = optarg; break;
        case 'a': line->filter.all = true; break;
        case 'j': *json = true; break;
        default: return false;
        }
    }
    line->verb = find_verb(optind < argc ? argv[optind++] : "list");
    return line->verb != NULL && line->verb->take(line, argc - optind, argv + optind);
}

/* Runs a verb on the open store. */
static int run(const struct line *line, struct place *place, struct outbox *o,
               struct iptfhir_error *error) {
    if (place->store == NULL) {
        str_puts(&o->out, o->json ? "[]\n" : "nothing yet: run `iptfhir sync`\n");
        return EXIT_SETTLED;
    }
    o->store = place->store;
    o->routes = place->routes;
    o->route_count = place->route_count;
    o->now_ms = clock_now_ms();
    if (line->verb->act == LIST)
        return outbox_list(o, &line->filter, error);
    if (line->verb->act == SHOW)
        return outbox_show(o, line->filter.id, error);
    return outbox_act(o, (enum outbox_verb)line->verb->act, line->word, &line->filter, error);
}

/* Prints what was found or done, and what couldn't be. */
static void print(const struct outbox *o, const struct iptfhir_error *error) {
    if (o->out.data != NULL)
        fputs(o->out.data, stdout);
    if (o->err.data != NULL)
        fprintf(stderr, "iptfhir: %s", o->err.data);
    if (error_is_set(error))
        place_print_error(error);
}

int command_outbox(int argc, char **argv, const struct command_options *options) {
    struct line line = { 0 };
    struct place place;
    struct outbox o = { .json = options->json };
    struct iptfhir_error error = ERROR_INIT;
    if (place_help(argc, argv, help))
        return EXIT_SETTLED;
    if (!read_line(&line, argc, argv, &o.json)) {
        fputs(help, stderr);
        return EXIT_WRONG_USE;
    }
    int code = place_open(&place, line.verb->act >= 0, options);
    if (code == EXIT_SETTLED)
        code = run(&line, &place, &o, &error);
    if (o.out.failed || o.err.failed)
        code = EXIT_FAULT;
    print(&o, &error);
    str_free(&o.out);
    str_free(&o.err);
    place_close(&place);
    return code;
}
