/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir test: golden pairs of records and the resources they must become. */
#include "core/base/file.h"
#include "core/command/command.h"
#include "core/sync/pipeline.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_BYTES (64u << 20)

struct made {
    struct str lines;
    size_t count;
};
struct differences {
    const char *what;
    size_t count;
};

/* Collect a resource as a line. */
static bool collect(void *user, const struct tree *resource) {
    struct made *m = user;
    json_write(&m->lines, resource, JSON_COMPACT);
    str_putc(&m->lines, '\n');
    m->count++;
    return !m->lines.failed;
}

/* Show one difference. */
static void show(void *user, const char *pointer, const struct tree *before,
                 const struct tree *after) {
    struct differences *d = user;
    struct str text = { 0 };
    if (!d->count++)
        printf("%s\n", d->what);
    if (before)
        json_write(&text, before, JSON_COMPACT);
    printf("    %s: expected %s", pointer, before ? text.data : "nothing");
    str_clear(&text);
    if (after)
        json_write(&text, after, JSON_COMPACT);
    printf(", made %s\n", after ? text.data : "nothing");
    str_free(&text);
}

/* Read lines of JSON; the number of trees. */
static size_t read_lines(struct arena *a, char *text, const char *source, struct tree **trees,
                         size_t most, struct iptfhir_error *error) {
    size_t n = 0;
    char *next;
    for (char *line = text; line && *line && n < most; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (*line && !(trees[n++] = json_read_copy(a, line, strlen(line), source, error)))
            return 0;
    }
    return n;
}

/* A resource by its type and id. */
static struct tree *same_resource(struct tree **list, size_t count, const struct tree *as) {
    const char *type = tree_text(as, "resourceType"), *id = tree_text(as, "id");
    for (size_t i = 0; i < count; i++) {
        const char *t = tree_text(list[i], "resourceType"), *k = tree_text(list[i], "id");
        if (type && id && t && k && !strcmp(t, type) && !strcmp(k, id))
            return list[i];
    }
    return NULL;
}

/* Name a resource for people. */
static void name_of(const struct tree *r, char *out, size_t size) {
    const struct tree *identifier = tree_get(r, "identifier");
    if (identifier && identifier->kind == TREE_ARRAY)
        identifier = identifier->first;
    const char *type = tree_text(r, "resourceType"),
               *value = identifier ? tree_text(identifier, "value") : NULL;
    snprintf(out, size, "  %s %s", type ? type : "?", value ? value : "");
}

/* Compare what was made with what is expected; the number of differences. */
static size_t compare(char *expected, char *made, const char *source, struct iptfhir_error *error) {
    enum { MOST = 20000 };
    struct arena arena = { 0 };
    struct tree **old = calloc(MOST, sizeof *old), **new = calloc(MOST, sizeof *new);
    size_t all = 0;
    if (old && new) {
        size_t m = read_lines(&arena, expected, source, old, MOST, error),
               n = read_lines(&arena, made, "made", new, MOST, error);
        for (size_t i = 0; i < m; i++) {
            char name[300];
            struct tree *other = same_resource(new, n, old[i]);
            name_of(old[i], name, sizeof name);
            struct differences d = { name, 0 };
            if (!other)
                printf("%s: was not made\n", name);
            all += other ? tree_diff(old[i], other, show, &d) : 1;
        }
        for (size_t i = 0; i < n; i++)
            if (!same_resource(old, m, new[i])) {
                char name[300];
                name_of(new[i], name, sizeof name);
                printf("%s: is not expected\n", name);
                all++;
            }
    }
    free(old);
    free(new);
    arena_free(&arena);
    return all;
}

/* Write what is expected from now on, whole or not at all. */
static bool rewrite(const char *path, const struct str *text, struct iptfhir_error *error) {
    struct str temporary = { 0 };
    str_printf(&temporary, "%s.new", path);
    FILE *f = temporary.failed ? NULL : fopen(temporary.data, "w");
    bool ok = f && fwrite(text->data ? text->data : "", 1, text->length, f) == text->length;
    ok = f && fclose(f) == 0 && ok && chmod(temporary.data, 0644) == 0 &&
         rename(temporary.data, path) == 0;
    if (!ok)
        error_set(error, "output", path, "cannot write this file: %s", strerror(errno));
    str_free(&temporary);
    return ok;
}

/* One case: 0 same, 1 different, else an exit code. */
static int run_case(struct pipeline *p, const char *folder, const char *name, bool update,
                    struct report *report) {
    char record[4096], expected[4096];
    struct str input = { 0 }, golden = { 0 };
    struct made made = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    int code = EXIT_BAD_INPUT;
    snprintf(record, sizeof record, "%s/%s/record.json", folder, name);
    snprintf(expected, sizeof expected, "%s/%s/expected.ndjson", folder, name);
    char why[IPTFHIR_FILE_WHY];
    if (!file_read(&input, record, MOST_BYTES, why)) {
        error_set(&error, "missing-file", record, "cannot read this record: %s", why);
        goto out;
    }
    struct report faults = { 0 };
    pipeline_map(p, input.data, input.length, record, collect, &made, &faults);
    for (size_t i = 0; i < faults.count; i++) /* a hold is part of what a case shows */
        str_printf(&made.lines, "{\"resourceType\":\"Hold\",\"id\":\"%s %zu\"}\n",
                   faults.entries[i].error.code, i);
    report_free(&faults);
    if (update) {
        code = rewrite(expected, &made.lines, &error) ? 0 : EXIT_BAD_INPUT;
        printf("%s: %zu resources written\n", name, made.count);
        goto out;
    }
    if (!file_read(&golden, expected, MOST_BYTES, why)) {
        error_set(&error, "missing-file", expected,
                  "cannot read what is expected: %s; `iptfhir test --update DIR` writes it", why);
        goto out;
    }
    size_t differences =
        compare(golden.data ? golden.data : (char[]) { "" },
                made.lines.data ? made.lines.data : (char[]) { "" }, expected, &error);
    if (!error_is_set(&error)) {
        printf("%s: %s (%zu resources)\n", name, differences ? "DIFFERS" : "same", made.count);
        code = differences ? 1 : 0;
    }
out:
    if (error_is_set(&error))
        report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    str_free(&input);
    str_free(&golden);
    str_free(&made.lines);
    return code;
}

/* All case folders of a folder. */
static int run_all(struct pipeline *p, const char *folder, bool update, struct report *report) {
    struct dirent **entries = NULL;
    size_t passed = 0, failed = 0;
    int n = scandir(folder, &entries, NULL, alphasort), code = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s/record.json", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(path, &st) == 0) {
            int one = run_case(p, folder, entries[i]->d_name, update, report);
            ++*(one ? &failed : &passed);
            code = exit_gravest(code, one);
        }
        free(entries[i]);
    }
    free(entries);
    if (!passed && !failed) {
        report_add(
            report, REPORT_ERROR, "missing-file", folder,
            "there is no case here: a case is a folder with record.json and expected.ndjson");
        return EXIT_BAD_INPUT;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return code;
}

int command_test(int argc, char **argv, const struct command_options *options) {
    static const struct option longs[] = { { "update", no_argument, NULL, 'u' },
                                           { "job", required_argument, NULL, 'J' },
                                           { 0 } };
    bool update = false;
    const char *job = NULL;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == 'u')
            update = true;
        else if (c == 'J')
            job = optarg;
        else
            return EXIT_WRONG_USE;
    }
    if (argc - optind != 1) {
        fprintf(stderr, "usage: iptfhir [-c FILE] test [--job J] [--update] DIR\n");
        return EXIT_WRONG_USE;
    }
    struct report report = { 0 };
    struct pipeline *p = pipeline_open(options->config_path, job, &report);
    if (p != NULL)
        pipeline_use_test_key(p);
    int code = p ? run_all(p, argv[optind], update, &report) : EXIT_CONFIG;
    command_print_report(stderr, &report,
                         &(struct command_options) { .config_path = options->config_path });
    pipeline_close(p);
    report_free(&report);
    return code;
}
