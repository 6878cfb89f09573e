/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir eval: a FHIRPath expression on a resource or a record. */
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/command/place.h"
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
    if (v->type != NULL)
        return v->type->name;
    return kinds[v->node != NULL ? v->node->kind : TREE_NULL];
}

static void add_json(struct arena *a, struct fhirpath_value *v, struct str *out) {
    const struct tree *t = fhirpath_to_tree(a, v);
    size_t length = 0;
    const char *text = fhirpath_to_text(a, v, &length);
    if (t != NULL)
        json_write(out, t, JSON_COMPACT);
    else if (text != NULL)
        str_add(out, text, length);
}

/* Adds "type, tab, value". */
static void add_line(struct arena *a, struct fhirpath_value *v, struct str *out) {
    const struct tree *t = fhirpath_to_tree(a, v);
    size_t length = 0;
    const char *text = fhirpath_to_text(a, v, &length);
    str_printf(out, "%s\t", type_of(v));
    if (text != NULL)
        str_add(out, text, length);
    else if (t != NULL)
        json_write(out, t, JSON_COMPACT);
    str_puts(out, "\n");
}

/* Adds all results as a JSON array. */
static void add_array(struct arena *a, const struct fhirpath_collection *c, struct str *out) {
    const char *comma = "";
    str_puts(out, "[");
    for (size_t i = 0; i < c->count; i++) {
        str_puts(out, comma);
        add_json(a, &c->items[i], out);
        comma = ", ";
    }
    str_puts(out, "]\n");
}

/* Prints all results. */
static void print(struct arena *a, const struct fhirpath_collection *c, bool json) {
    struct str out = { 0 };
    if (json) {
        add_array(a, c, &out);
    } else {
        for (size_t i = 0; i < c->count; i++)
            add_line(a, &c->items[i], &out);
    }
    if (!out.failed && out.length > 0)
        fwrite(out.data, 1, out.length, stdout);
    str_free(&out);
}

/* Reads a file or standard input; the text is never NULL then. */
static bool read_input(const char *path, struct str *text, struct iptfhir_error *error) {
    char why[IPTFHIR_FILE_WHY];
    bool good;
    if (strcmp(path, "-") == 0)
        good = file_read_stdin(text, MOST_BYTES, why);
    else
        good = file_read(text, path, MOST_BYTES, why);
    if (!good)
        return error_set(error, "missing-file", path, "%s", why);
    str_puts(text, "");
    return !text->failed || error_set(error, "memory", path, "out of memory");
}

static bool looks_like_xml(const struct str *text) {
    static const char blanks_and_bom[] = " \t\r\n\xef\xbb\xbf";
    return text->data[strspn(text->data, blanks_and_bom)] == '<';
}

/* Evaluates and prints. */
static bool run(const char *expression, const char *path, bool xml, bool json,
                struct iptfhir_error *error) {
    struct arena arena = { .limit = 512u << 20 };
    struct str text = { 0 };
    struct fhirpath_collection out = { 0 };
    struct tree *input;
    bool good = false;
    r4_setup();
    struct fhirpath_program *program =
        fhirpath_compile(expression, strlen(expression), NULL, error);
    if (program == NULL || !read_input(path, &text, error))
        goto out;
    if (xml || looks_like_xml(&text))
        input = xml_read_resource(&arena, text.data, text.length, path, &r4_xml_shape, error);
    else
        input = json_read_copy(&arena, text.data, text.length, path, error);
    if (input == NULL)
        goto out;
    struct fhirpath_context context = { .arena = &arena,
                                        .root = fhirpath_node(input),
                                        .now_ms = clock_now_ms(),
                                        .steps_left = 100000000 };
    good = fhirpath_evaluate(program, &context, &out, error);
    if (good)
        print(&arena, &out, json);
out:
    fhirpath_free(program);
    arena_free(&arena);
    str_free(&text);
    return good;
}

int command_eval(int argc, char **argv, const struct command_options *options) {
    static const struct option longs[] = { { "json", no_argument, NULL, 'j' },
                                           { "xml", no_argument, NULL, 'x' },
                                           { 0 } };
    struct iptfhir_error error = ERROR_INIT;
    bool json = options->json, xml = false;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'j': json = true; break;
        case 'x': xml = true; break;
        default: return EXIT_WRONG_USE;
        }
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: iptfhir eval [--json] [--xml] EXPR FILE\n");
        return EXIT_WRONG_USE;
    }
    if (run(argv[optind], argv[optind + 1], xml, json, &error))
        return EXIT_SETTLED;
    place_print_error(&error);
    return EXIT_BAD_INPUT;
}
