/* SPDX-License-Identifier: Apache-2.0 */
/* Runs an official FHIRPath suite file (HL7's tests-fhir-*.xml): fhirpath-suite SUITE INPUTS. */
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/fhirpath/fhirpath.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct tally {
    size_t passed, failed, skipped;
};

/* An attribute's text, "" when absent; freed by the caller with xmlFree. */
static char *attribute(xmlNode *n, const char *name) {
    xmlChar *v = xmlGetProp(n, (const xmlChar *)name);
    return (char *)(v ? v : xmlStrdup((const xmlChar *)""));
}

/* The first element child of a name. */
static xmlNode *child(xmlNode *n, const char *name) {
    for (xmlNode *c = n->children; c; c = c->next)
        if (c->type == XML_ELEMENT_NODE && !strcmp((const char *)c->name, name))
            return c;
    return NULL;
}

/* Load an input, JSON or XML by its name; also tries the other ending. */
static struct tree *load(struct arena *a, const char *folder, const char *name,
                         struct iptfhir_error *error) {
    char path[4096];
    struct str text = { 0 };
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!file_read(&text, path, 16u << 20, NULL)) {
        char *dot = strrchr(path, '.');
        if (dot)
            strcpy(dot, !strcmp(dot, ".xml") ? ".json" : ".xml");
        if (!file_read(&text, path, 16u << 20, NULL)) {
            error_set(error, "missing-file", path, "cannot read this input");
            return NULL;
        }
    }
    size_t length = strlen(path);
    struct tree *t = length > 4 && !strcmp(path + length - 4, ".xml")
                         ? xml_read_resource(a, text.data, text.length, path, &r4_xml_shape, error)
                         : json_read_copy(a, text.data, text.length, path, error);
    str_free(&text);
    return t;
}

/* True when a result prints as the suite says. */
static bool same_value(struct arena *a, const struct fhirpath_value *v, const char *type,
                       const char *text) {
    size_t n;
    const char *s = fhirpath_to_text(a, v, &n);
    if (!s && v->kind == FHIRPATH_NODE)
        return !*text || !strcmp(type, "code") ? s != NULL || !*text : false;
    if (!s)
        return false;
    if (*text == '@')
        text++;
    if (*text == 'T' && v->kind == FHIRPATH_TIME)
        text++;
    if (strlen(text) == n && !memcmp(text, s, n))
        return true;
    if (!strcmp(type, "decimal") || !strcmp(type, "integer"))
        return strtod(text, NULL) == strtod(s, NULL);
    if (!strcmp(type, "Quantity")) /* 1 day is written as 1 'day' too */
        return strtod(text, NULL) == strtod(s, NULL) && strchr(text, ' ') && strchr(s, ' ') &&
               !strncmp(strchr(text, ' ') + 1 + (strchr(text, '\'') != NULL),
                        strchr(s, ' ') + 1 + (strchr(s, '\'') != NULL), 2);
    size_t m = strlen(text);
    return m && text[m - 1] == 'T' && m - 1 == n &&
           !memcmp(text, s, n); /* a dateTime of a date's precision */
}

/* Run one test; NULL when it passed, else why not. */
static const char *run(xmlNode *test, const char *folder) {
    static char why[900];
    struct arena arena = { .limit = 256u << 20 };
    struct iptfhir_error error = ERROR_INIT;
    char *file = attribute(test, "inputfile"), *predicate = attribute(test, "predicate"),
         *mode = attribute(test, "mode");
    xmlNode *expr = child(test, "expression");
    char *invalid = attribute(expr, "invalid"), *text = (char *)xmlNodeGetContent(expr);
    struct fhirpath_program *program = NULL;
    struct fhirpath_collection out = { 0 };
    const char *result = NULL;
    struct tree *input = *file ? load(&arena, folder, file, &error) : NULL;
    if (*file && !input) {
        snprintf(why, sizeof why, "input: %s %s", error.where, error.text);
        result = why;
        goto out;
    }
    struct fhirpath_value root = fhirpath_node(input);
    const struct fhirpath_scope scope = { .strict = !strcmp(mode, "strict"),
                                          .type = root.type ? root.type->name : NULL };
    program = fhirpath_compile(text, strlen(text), &scope, &error);
    struct fhirpath_context context = {
        .arena = &arena, .root = root, .now_ms = clock_now_ms(), .steps_left = 5000000
    };
    bool ok = program && fhirpath_evaluate(program, &context, &out, &error);
    if (*invalid) {
        result = ok ? "should be refused"
                 : !strcmp(invalid, "syntax") && strcmp(error.code, "fhirpath-syntax")
                     ? "refused, but not for its syntax"
                     : NULL;
        goto out;
    }
    if (!ok) {
        snprintf(why, sizeof why, "%s: %s", error.where, error.text);
        result = why;
        goto out;
    }
    size_t n = 0;
    if (!strcmp(predicate, "true")) { /* a predicate: exists, or the boolean itself */
        bool truth;
        if (fhirpath_truth(&out, &truth, NULL) || out.count) {
            bool t = out.count == 1 && fhirpath_truth(&out, &truth, NULL) ? truth : out.count > 0;
            out = (struct fhirpath_collection) { 0 };
            fhirpath_push(&arena, &out,
                          (struct fhirpath_value) { .kind = FHIRPATH_BOOLEAN, .boolean = t });
        }
    }
    for (xmlNode *o = test->children; o && !result; o = o->next) {
        if (o->type != XML_ELEMENT_NODE || strcmp((const char *)o->name, "output"))
            continue;
        char *type = attribute(o, "type"), *expected = (char *)xmlNodeGetContent(o);
        size_t length = 0;
        if (n >= out.count || (*expected && !same_value(&arena, &out.items[n], type, expected))) {
            const char *got =
                n < out.count ? fhirpath_to_text(&arena, &out.items[n], &length) : NULL;
            snprintf(why, sizeof why, "item %zu: expected %s '%s', got '%.*s' (%zu items)", n, type,
                     expected, (int)length, got ? got : "", out.count);
            result = why;
        }
        n++;
        xmlFree(type);
        xmlFree(expected);
    }
    if (!result && n != out.count) {
        snprintf(why, sizeof why, "expected %zu items, got %zu", n, out.count);
        result = why;
    }
out:
    fhirpath_free(program);
    arena_free(&arena);
    xmlFree(file);
    xmlFree(predicate);
    xmlFree(mode);
    xmlFree(invalid);
    xmlFree(text);
    return result;
}

/* Run a group and print its failures. */
static void run_group(xmlNode *group, const char *folder, struct tally *all) {
    struct tally t = { 0 };
    struct str lines = { 0 };
    char *name = attribute(group, "name");
    for (xmlNode *test = group->children; test; test = test->next) {
        if (test->type != XML_ELEMENT_NODE || strcmp((const char *)test->name, "test"))
            continue;
        const char *why = run(test, folder);
        if (why) {
            char *id = attribute(test, "name");
            str_printf(&lines, "    %s: %s\n", id, why);
            xmlFree(id);
        }
        ++*(why ? &t.failed : &t.passed);
    }
    if (t.failed)
        printf("%s: %zu of %zu passed\n%s", name, t.passed, t.passed + t.failed,
               lines.data ? lines.data : "");
    all->passed += t.passed;
    all->failed += t.failed;
    str_free(&lines);
    xmlFree(name);
}

int main(int argc, char **argv) {
    struct tally all = { 0 };
    if (argc != 3) {
        fprintf(stderr, "usage: fhirpath-suite SUITE.xml INPUT-FOLDER\n");
        return 64;
    }
    r4_setup();
    xmlDoc *doc = xmlReadFile(argv[1], NULL, XML_PARSE_NONET | XML_PARSE_NOBLANKS);
    if (!doc) {
        fprintf(stderr, "%s: cannot be read as XML\n", argv[1]);
        return 65;
    }
    for (xmlNode *group = xmlDocGetRootElement(doc)->children; group; group = group->next)
        if (group->type == XML_ELEMENT_NODE && !strcmp((const char *)group->name, "group"))
            run_group(group, argv[2], &all);
    xmlFreeDoc(doc);
    xmlCleanupParser();
    double share = all.passed + all.failed
                       ? 100.0 * (double)all.passed / (double)(all.passed + all.failed)
                       : 0;
    printf("%.1f %%\n%zu passed, %zu failed\n", share, all.passed, all.failed);
    return 0;
}
