/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir: option parsing and the table of commands. */
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
};
static const struct command commands[] = {
    { "check", command_check, "[--samples DIR] [--probe]",
      "everything wrong with configuration, plugins, mappings and keys, at once" },
    { "map", command_map, "[--job J] [--format ndjson|bundle] [--explain] [FILE...]",
      "records to resources on stdout; no store, no network" },
    { "plugins", command_plugins, "[--describe NAME]", "the plugins found, and their options" },
    { "eval", command_eval, "EXPR FILE", "a FHIRPath expression on a resource or record" },
    { "test", command_test, "[--update] DIR", "golden pairs of records and resources" },
};
#define COMMANDS (sizeof commands / sizeof *commands)

/* Print how to use the program. */
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

/* Keep patient data out of core dumps and group or world readable files, and session keys out of
 * every file. */
static void protect_process(void) {
    umask(077);
    setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
    prctl(PR_SET_DUMPABLE, 0);
    tls_forget_key_log();
    signal(SIGPIPE, SIG_IGN);
}

/* Say which command was meant. */
static int unknown_command(const char *name) {
    const char *names[COMMANDS + 1] = { 0 };
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = nearest_name(name, names);
    fprintf(stderr, "iptfhir: there is no command '%s'%s%s%s; see iptfhir --help\n", name,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return EXIT_WRONG_USE;
}

int main(int argc, char **argv) {
    static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'V' },
                                           { 0 } };
    struct command_options options = { .config_path = getenv("IPTFHIR_CONFIG") };
    if (!options.config_path || !*options.config_path)
        options.config_path = IPTFHIR_SYSCONFDIR "/iptfhir.yaml";
    protect_process();
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
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name)) {
            int skip = optind;
            optind = 0; /* a fresh scan for the command's own options */
            return commands[i].run(argc - skip, argv + skip, &options);
        }
    return unknown_command(name);
}
