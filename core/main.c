/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir: option parsing and the table of commands. */
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/net/tls.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct command {
    const char *name;
    command_function *run;
    const char *usage, *help;
    bool explains; /* it has a longer help of its own */
};
static const struct command commands[] = {
    { "check", command_check, "[--samples DIR] [--probe]",
      "everything wrong with configuration, plugins, mappings and keys, at once", false },
    { "map", command_map, "[--job J] [--format ndjson|bundle] [--explain] [FILE...]",
      "records to resources on stdout; no store, no network", false },
    { "sync", command_sync, "[--job J] [--dry-run] [--reread]",
      "one full cycle: the sources are read, the targets brought in step", true },
    { "status", command_status, "", "where everything stands, and why", true },
    { "outbox", command_outbox, "list|show|retry|resolve|discard|restore ...",
      "what is not in step, and the way on for it", true },
    { "who", command_who, "HASH...", "whom a hash in a log names", true },
    { "plugins", command_plugins, "[--describe NAME]", "the plugins found, and their options",
      false },
    { "eval", command_eval, "[--xml] EXPR FILE", "a FHIRPath expression on a resource or record",
      false },
    { "test", command_test, "[--job J] [--update] DIR", "golden pairs of records and resources",
      false },
};
#define COMMANDS (sizeof commands / sizeof *commands)

/* Prints how to use the program. */
static void usage(FILE *out) {
    fprintf(out, "usage: iptfhir [-c FILE] [--json] COMMAND [...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n           %s\n", commands[i].name, commands[i].usage,
                commands[i].help);
    fprintf(
        out,
        "\n  -c, --config FILE   the configuration (else $IPTFHIR_CONFIG, else %s/iptfhir.yaml)\n"
        "  --json              reports as JSON\n  --version, --help\n\nThe manual: man iptfhir\n",
        IPTFHIR_SYSCONFDIR);
}

/* Keeps patient data out of core dumps and group or world readable files, and session keys out of
 * every file. */
static void protect_process(void) {
    umask(077);
    setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
    prctl(PR_SET_DUMPABLE, 0);
    tls_forget_key_log();
    signal(SIGPIPE, SIG_IGN);
}

/* Says which command was meant. */
static int unknown_command(const char *name) {
    const char *names[COMMANDS + 1] = { 0 };
    char hint[NEAREST_HINT];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    fprintf(stderr, "iptfhir: there is no command '%s'%s; see `iptfhir --help`\n", name,
            nearest_hint(name, names, hint));
    return EXIT_WRONG_USE;
}

/* Takes an option that counts for every command out of its arguments; -1: its value is missing, 0:
 * it is none, else how many arguments it took. */
static int take_option(int argc, char **argv, int at, struct command_options *options) {
    const char *arg = argv[at];
    static const char config_is[] = "--config=";
    if (strcmp(arg, "--json") == 0) {
        options->json = true;
        return 1;
    }
    if (strncmp(arg, config_is, sizeof config_is - 1) == 0) {
        options->config_path = arg + sizeof config_is - 1;
        return 1;
    }
    if (strcmp(arg, "-c") != 0 && strcmp(arg, "--config") != 0)
        return 0;
    if (at + 1 == argc)
        return -1;
    options->config_path = argv[at + 1];
    return 2;
}

/* Takes -c FILE and --json from behind the command's name, until `--`. Returns how many arguments
 * are left, -1 when a value is missing. */
static int take_options(int argc, char **argv, struct command_options *options) {
    int kept = 1, at = 1;
    while (at < argc && strcmp(argv[at], "--") != 0) {
        int taken = take_option(argc, argv, at, options);
        if (taken < 0)
            return -1;
        if (taken == 0)
            argv[kept++] = argv[at++];
        at += taken;
    }
    while (at < argc)
        argv[kept++] = argv[at++];
    argv[kept] = NULL;
    return kept;
}

/* Whether --help stands among a command's own arguments, before `--`. */
static bool asks_for_help(char **argv) {
    for (argv++; *argv != NULL && strcmp(*argv, "--") != 0; argv++) {
        if (strcmp(*argv, "--help") == 0)
            return true;
    }
    return false;
}

/* Runs a command with its own arguments. */
static int run(const struct command *command, int argc, char **argv,
               struct command_options *options) {
    int count = take_options(argc, argv, options);
    if (count < 0) {
        fprintf(stderr, "iptfhir: -c needs a FILE\n");
        return EXIT_WRONG_USE;
    }
    if (!command->explains && asks_for_help(argv)) {
        printf("usage: iptfhir [-c FILE] [--json] %s %s\n\n%s\n", command->name, command->usage,
               command->help);
        return EXIT_SETTLED;
    }
    optind = 0; /* a fresh scan for the command's own options */
    return command->run(count, argv, options);
}

int main(int argc, char **argv) {
    static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'V' },
                                           { 0 } };
    struct command_options options = { .config_path = getenv("IPTFHIR_CONFIG") };
    if (options.config_path == NULL || options.config_path[0] == '\0')
        options.config_path = IPTFHIR_SYSCONFDIR "/iptfhir.yaml";
    protect_process();
    base_settle_memory();
    log_setup(IPTFHIR_INFO, NULL);
    for (int c; (c = getopt_long(argc, argv, "+c:hV", longs, NULL)) != -1;) {
        switch (c) {
        case 'c': options.config_path = optarg; break;
        case 'j': options.json = true; break;
        case 'h': usage(stdout); return EXIT_SETTLED;
        case 'V': puts("iptfhir " IPTFHIR_VERSION); return EXIT_SETTLED;
        default: usage(stderr); return EXIT_WRONG_USE;
        }
    }
    if (optind >= argc) {
        usage(stderr);
        return EXIT_WRONG_USE;
    }
    const char *name = argv[optind];
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return run(&commands[i], argc - optind, argv + optind, &options);
    }
    return unknown_command(name);
}
