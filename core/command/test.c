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

/* Collects a resource as a line. */
static bool collect(void *user, const struct tree *resource) {
    struct made *m = user;
    json_write(&m->lines, resource, JSON_COMPACT);
    str_putc(&m->lines, '\n');
    m->count++;
    return !m->lines.failed;
}

/* ---- comparing ---- */

/* The resources of one side. */
struct side {
    struct tree **list;
    size_t count, room;
};

static bool add_tree(struct side *s, struct tree *tree) {
    if (s->count == s->room) {
        size_t room = s->room == 0 ? 64 : s->room * 2;
        struct tree **list = realloc(s->list, room * sizeof *list);
        if (list == NULL)
            return false;
        s->list = list;
        s->room = room;
    }
    s->list[s->count++] = tree;
    return true;
}

/* Reads lines of JSON. False: an error says why not. */
static bool read_lines(struct arena *a, char *text, const char *source, struct side *out,
                       struct iptfhir_error *error) {
    char *rest = NULL;
    if (text == NULL)
        return true;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;) {
        struct tree *tree = json_read_copy(a, line, strlen(line), source, error);
        if (tree == NULL)
            return false;
        if (!add_tree(out, tree))
            return error_set(error, "memory", source, "out of memory");
        line = strtok_r(NULL, "\n", &rest);
    }
    return true;
}

static bool same_member(const struct tree *a, const struct tree *b, const char *name) {
    const char *first = tree_text(a, name), *second = tree_text(b, name);
    return first != NULL && second != NULL && strcmp(first, second) == 0;
}

/* The resource of one side that has the type and id of another. */
static struct tree *same_resource(const struct side *in, const struct tree *as) {
    for (size_t i = 0; i < in->count; i++) {
        struct tree *one = in->list[i];
        if (same_member(one, as, "resourceType") && same_member(one, as, "id"))
            return one;
    }
    return NULL;
}

/* Names a resource for people. */
static void name_of(const struct tree *r, char *out, size_t size) {
    const struct tree *identifier = tree_get(r, "identifier");
    const char *type = tree_text(r, "resourceType");
    if (identifier != NULL && identifier->kind == TREE_ARRAY)
        identifier = identifier->first;
    const char *value = tree_text(identifier, "value");
    snprintf(out, size, "  %s %s", type != NULL ? type : "?", value != NULL ? value : "");
}

struct differences {
    const char *name; /* of the resource */
    size_t count;
};

static void show_side(const char *before, const struct tree *side, const char *end) {
    struct str text = { 0 };
    if (side != NULL)
        json_write(&text, side, JSON_COMPACT);
    else
        str_puts(&text, "nothing");
    printf("%s%s%s", before, text.failed ? "(out of memory)" : text.data, end);
    str_free(&text);
}

/* Shows one difference. */
static void show(void *user, const char *pointer, const struct tree *before,
                 const struct tree *after) {
    struct differences *d = user;
    if (d->count++ == 0)
        printf("%s\n", d->name);
    printf("    %s: ", pointer);
    show_side("expected ", before, "");
    show_side(", made ", after, "\n");
}

/* Compares what was made with what is expected; the number of differences. */
static size_t compare_sides(const struct side *expected, const struct side *made) {
    size_t all = 0;
    char name[300];
    for (size_t i = 0; i < expected->count; i++) {
        const struct tree *wanted = expected->list[i];
        const struct tree *other = same_resource(made, wanted);
        struct differences d = { .name = name };
        name_of(wanted, name, sizeof name);
        if (other != NULL) {
            all += tree_diff(wanted, other, show, &d);
            continue;
        }
        printf("%s: was not made\n", name);
        all++;
    }
    for (size_t i = 0; i < made->count; i++) {
        if (same_resource(expected, made->list[i]) != NULL)
            continue;
        name_of(made->list[i], name, sizeof name);
        printf("%s: is not expected\n", name);
        all++;
    }
    return all;
}

/* The same of two texts, which are changed. */
static size_t compare(char *expected, char *made, const char *source, struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct side old = { 0 }, new = { 0 };
    size_t all = 0;
    if (read_lines(&arena, expected, source, &old, error) &&
        read_lines(&arena, made, "made", &new, error))
        all = compare_sides(&old, &new);
    free(old.list);
    free(new.list);
    arena_free(&arena);
    return all;
}

/* ---- cases ---- */

/* Writes a text to a new file of mode 0644. */
static bool write_new(const char *path, const struct str *text) {
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    bool written = fwrite(text->data, 1, text->length, f) == text->length;
    bool closed = fclose(f) == 0;
    return written && closed && chmod(path, 0644) == 0;
}

/* Writes what is expected from now on, whole or not at all. */
static bool rewrite(const char *path, const struct str *text, struct iptfhir_error *error) {
    struct str new_path = { 0 };
    str_printf(&new_path, "%s.new", path);
    bool good = !new_path.failed && write_new(new_path.data, text);
    good = good && rename(new_path.data, path) == 0;
    if (!good)
        error_set(error, "output", path, "cannot write this file: %s", strerror(errno));
    str_free(&new_path);
    return good;
}

/* Maps the record of a case; a hold is part of what it shows. False: an error says why not. */
static bool make(struct pipeline *p, const char *path, struct made *made,
                 struct iptfhir_error *error) {
    struct str input = { 0 };
    struct report faults = { 0 };
    char why[IPTFHIR_FILE_WHY];
    bool read = file_read(&input, path, MOST_BYTES, why);
    if (read)
        pipeline_map(p, input.data, input.length, path, collect, made, &faults);
    else
        error_set(error, "missing-file", path, "cannot read this record: %s", why);
    for (size_t i = 0; i < faults.count; i++)
        str_printf(&made->lines, "{\"resourceType\":\"Hold\",\"id\":\"%s %zu\"}\n",
                   faults.entries[i].error.code, i);
    str_puts(&made->lines, ""); /* so that it is a text */
    if (made->lines.failed)
        error_set(error, "memory", path, "out of memory");
    report_free(&faults);
    str_free(&input);
    return !error_is_set(error);
}

/* Compares what a case made with its file: 0 same, 1 different. */
static int compare_case(const char *name, const char *path, struct made *made,
                        struct iptfhir_error *error) {
    struct str golden = { 0 };
    char why[IPTFHIR_FILE_WHY];
    int code = EXIT_BAD_INPUT;
    if (!file_read(&golden, path, MOST_BYTES, why)) {
        error_set(error, "missing-file", path,
                  "cannot read what is expected: %s; `iptfhir test --update DIR` writes it", why);
        goto out;
    }
    size_t differences = compare(golden.data, made->lines.data, path, error);
    if (error_is_set(error))
        goto out;
    code = differences > 0 ? EXIT_HELD : EXIT_SETTLED;
    printf("%s: %s (%zu resources)\n", name, differences > 0 ? "DIFFERS" : "same", made->count);
out:
    str_free(&golden);
    return code;
}

static int update_case(const char *name, const char *path, const struct made *made,
                       struct iptfhir_error *error) {
    bool written = rewrite(path, &made->lines, error);
    printf("%s: %zu resources written\n", name, made->count);
    return written ? EXIT_SETTLED : EXIT_BAD_INPUT;
}

/* Runs one case: 0 same, 1 different, else an exit code. */
static int run_case(struct pipeline *p, const char *folder, const char *name, bool update,
                    struct report *report) {
    char record[4096], expected[4096];
    struct made made = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    int code = EXIT_BAD_INPUT;
    snprintf(record, sizeof record, "%s/%s/record.json", folder, name);
    snprintf(expected, sizeof expected, "%s/%s/expected.ndjson", folder, name);
    if (!make(p, record, &made, &error))
        code = EXIT_BAD_INPUT;
    else if (update)
        code = update_case(name, expected, &made, &error);
    else
        code = compare_case(name, expected, &made, &error);
    if (error_is_set(&error))
        report_add(report, REPORT_ERROR, error.code, error.where, "%s", error.text);
    str_free(&made.lines);
    return code;
}

/* Whether an entry of the folder is a case. */
static bool is_case(const char *folder, const char *name) {
    char path[4096];
    struct stat st;
    if (name[0] == '.')
        return false;
    snprintf(path, sizeof path, "%s/%s/record.json", folder, name);
    return stat(path, &st) == 0;
}

/* Runs all case folders of a folder. */
static int run_all(struct pipeline *p, const char *folder, bool update, struct report *report) {
    struct dirent **entries = NULL;
    size_t passed = 0, failed = 0;
    int n = scandir(folder, &entries, NULL, alphasort);
    int code = EXIT_SETTLED;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (is_case(folder, name)) {
            int one = run_case(p, folder, name, update, report);
            passed += one == EXIT_SETTLED;
            failed += one != EXIT_SETTLED;
            code = exit_gravest(code, one);
        }
        free(entries[i]);
    }
    free(entries);
    if (passed + failed == 0) {
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
    const struct command_options plain = { .config_path = options->config_path };
    struct report report = { 0 };
    const char *job = NULL;
    bool update = false;
    int code = EXIT_CONFIG;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'u': update = true; break;
        case 'J': job = optarg; break;
        default: return EXIT_WRONG_USE;
        }
    }
    if (argc - optind != 1) {
        fprintf(stderr, "usage: iptfhir [-c FILE] test [--job J] [--update] DIR\n");
        return EXIT_WRONG_USE;
    }
    struct pipeline *p = pipeline_open(options->config_path, job, &report);
    if (p != NULL) {
        pipeline_use_test_key(p);
        code = run_all(p, argv[optind], update, &report);
    }
    command_print_report(stderr, &report, &plain);
    pipeline_close(p);
    report_free(&report);
    return code;
}
