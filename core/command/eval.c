/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir eval: a FHIRPath expression on a resource or a record. */
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/command/command.h"
#include "core/fhirpath/fhirpath.h"

#include <getopt.h>
#include <string.h>

#define MOST_BYTES (64u << 20)

/* What a value's type is called: code, Quantity, System.Integer, object. */
static const char *type_of(const struct fhirpath_value *v) {
    static const char *const names[] = {
        [FHIRPATH_BOOLEAN] = "Boolean", [FHIRPATH_INTEGER] = "Integer",
        [FHIRPATH_DECIMAL] = "Decimal", [FHIRPATH_STRING] = "String",
        [FHIRPATH_DATE] = "Date",       [FHIRPATH_DATETIME] = "DateTime",
        [FHIRPATH_TIME] = "Time",       [FHIRPATH_QUANTITY] = "Quantity",
        [FHIRPATH_TYPE] = "Type"
    };
    static const char *const kinds[] = {
        [TREE_NULL] = "null",     [TREE_BOOLEAN] = "boolean", [TREE_NUMBER] = "number",
        [TREE_STRING] = "string", [TREE_ARRAY] = "list",      [TREE_OBJECT] = "object"
    };
    if (v->kind != FHIRPATH_NODE)
        return names[v->kind];
    return v->type ? v->type->name : v->node ? kinds[v->node->kind] : "null";
}

/* Print all results. */
static void print(struct arena *a, const struct fhirpath_collection *c, bool json) {
    struct str out = { 0 };
    if (json)
        str_puts(&out, "[");
    for (size_t i = 0; i < c->count; i++) {
        struct tree *t = fhirpath_to_tree(a, &c->items[i]);
        size_t n = 0;
        const char *text = fhirpath_to_text(a, &c->items[i], &n);
        if (json)
            str_puts(&out, i ? ", " : "");
        else
            str_printf(&out, "%s\t", type_of(&c->items[i]));
        if (t && (json || !text))
            json_write(&out, t, JSON_COMPACT);
        else
            str_add(&out, text ? text : "", n);
        str_puts(&out, json ? "" : "\n");
    }
    str_puts(&out, json ? "]\n" : "");
    if (!out.failed && out.length)
        fwrite(out.data, 1, out.length, stdout);
    str_free(&out);
}

/* Read a file or standard input. */
static bool read_input(const char *path, struct str *text, struct iptfhir_error *error) {
    char why[IPTFHIR_FILE_WHY];
    bool is_stdin = strcmp(path, "-") == 0;
    bool ok =
        is_stdin ? file_read_stdin(text, MOST_BYTES, why) : file_read(text, path, MOST_BYTES, why);
    return ok || error_set(error, "missing-file", path, "%s", why);
}

/* Evaluate and print. */
static bool run(const char *expression, const char *path, bool xml, bool json,
                struct iptfhir_error *error) {
    struct arena arena = { .limit = 512u << 20 };
    struct str text = { 0 };
    struct fhirpath_collection out = { 0 };
    struct fhirpath_program *program = NULL;
    bool ok = false;
    r4_setup();
    if (!(program = fhirpath_compile(expression, strlen(expression), NULL, error)) ||
        !read_input(path, &text, error))
        goto done;
    size_t blank = strspn(text.data ? text.data : "", " \t\r\n\xef\xbb\xbf");
    xml = xml || (text.length > blank && text.data[blank] == '<');
    struct tree *input =
        xml ? xml_read_resource(&arena, text.data, text.length, path, &r4_xml_shape, error)
            : json_read_copy(&arena, text.data ? text.data : "", text.length, path, error);
    struct fhirpath_context context = { .arena = &arena,
                                        .root = fhirpath_node(input),
                                        .now_ms = clock_now_ms(),
                                        .steps_left = 100000000 };
    ok = input && fhirpath_evaluate(program, &context, &out, error);
    if (ok)
        print(&arena, &out, json);
done:
    fhirpath_free(program);
    arena_free(&arena);
    str_free(&text);
    return ok;
}

int command_eval(int argc, char **argv, const struct command_options *options) {
    static const struct option longs[] = { { "json", no_argument, NULL, 'j' },
                                           { "xml", no_argument, NULL, 'x' },
                                           { 0 } };
    struct iptfhir_error error = ERROR_INIT;
    bool json = options->json, xml = false;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        json = json || c == 'j';
        xml = xml || c == 'x';
        if (c == '?')
            return EXIT_WRONG_USE;
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: iptfhir eval [--json] [--xml] EXPR FILE\n");
        return EXIT_WRONG_USE;
    }
    if (run(argv[optind], argv[optind + 1], xml, json, &error))
        return EXIT_SETTLED;
    fprintf(stderr, "iptfhir: %s%s%s [%s]\n", error.where, *error.where ? ": " : "", error.text,
            error.code);
    return EXIT_BAD_INPUT;
}
