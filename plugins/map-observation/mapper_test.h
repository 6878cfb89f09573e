/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the mappers: the shipped instrument and code files through the mock host, and
 * records from JSON texts. */
#ifndef MAP_OBSERVATION_MAPPER_TEST_H
#define MAP_OBSERVATION_MAPPER_TEST_H

#include "core/config/yaml.h"
#include "tests/mock_host.h"

#include <check.h>
#undef fail /* the host has a member of this name */

static struct mock_host mock;
static struct mock_resources resources;
static struct iptfhir_error fault;
static json_t *json;

/* Reads a file of mappings/ as the host does. */
static json_t *test_document(const char *path) {
    const char *top = getenv("top_srcdir");
    char full[1024];
    struct arena arena = { 0 };
    struct report report = { 0 };
    snprintf(full, sizeof full, "%s/mappings/%s", top ? top : ".", path);
    struct tree *tree = yaml_read_file(&arena, full, &report);
    json_t *value = tree ? tree_to_json(tree) : NULL;
    report_free(&report);
    arena_free(&arena);
    return value;
}

static const char *const *test_list(const char *folder, const char *suffix) {
    static const char *const names[] = { "gad-7.yaml", "phq-9.yaml", NULL };
    (void)folder, (void)suffix;
    return names;
}

/* Makes host and sink ready. */
static void test_open(void) {
    mock_host_open(&mock);
    mock.document = test_document;
    mock.list = test_list;
    mock_resources_open(&resources);
    fault = (struct iptfhir_error) { .size = sizeof fault };
}

/* Frees what a test used. */
static void test_close(void) {
    json_decref(json);
    json = NULL;
    mock_resources_close(&resources);
    mock_host_close(&mock);
}

/* Maps a record with a ready instance. */
static iptfhir_status test_map(const struct iptfhir_plugin *plugin, const void *self,
                               const char *text) {
    json_error_t where;
    json = json_loads(text, 0, &where);
    ck_assert_msg(json != NULL, "line %d: %s", where.line, where.text);
    struct mock_record record = { { sizeof record.record, "R-1", mock_record_json }, json };
    return plugin->mapper->map(self, &record.record, &resources.sink, &fault);
}

/* The facts of the n-th render of a mapping, NULL when there are fewer. */
static json_t *rendered(const char *mapping, size_t n) {
    for (size_t i = 0; i < resources.render_count; i++)
        if (strcmp(resources.renders[i].mapping, mapping) == 0 && n-- == 0)
            return resources.renders[i].facts;
    return NULL;
}

/* The text at a path of member names and list places, such as "targets.0.loinc"; NULL when there is
 * none. */
static const char *text_at(json_t *from, const char *path) {
    char copy[256];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *step = strtok(copy, "."); step; step = strtok(NULL, "."))
        from = json_is_array(from) ? json_array_get(from, (size_t)atoi(step))
                                   : json_object_get(from, step);
    return json_string_value(from);
}

#define PATIENT                                                                                    \
    "\"patient\":{\"localId\":\"P-1\",\"identifiers\":[{\"system\":\"urn:x\",\"value\":\"1\"}]},"
#define COURSE                                                                                     \
    "\"course\":{\"id\":\"CRS-1\",\"status\":\"active\",\"format\":\"individual\",\"start\":"      \
    "\"2026-01-12\"},"
#endif
