/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the mappers: the shipped instrument and code files through the mock host, and
 * records from JSON texts. */
#ifndef INSTRUMENT_MAPPER_TEST_H
#define INSTRUMENT_MAPPER_TEST_H

#include "tests/mock_yaml.h"

#include <check.h>
#undef fail /* the host has a member of this name */

static struct mock_host mock;
static struct mock_resources resources;
static struct iptfhir_error fault;

/* Reads a file of mappings/ as the host does. */
static const struct iptfhir_node *test_document(const char *path,
                                                struct iptfhir_document *lasting) {
    const char *top = getenv("top_srcdir");
    char full[1024];
    snprintf(full, sizeof full, "%s/mappings/%s", top ? top : ".", path);
    return mock_yaml(full, lasting);
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
    mock_resources_close(&resources);
    mock_host_close(&mock);
}

/* Maps a record with a ready instance. */
static iptfhir_status test_map(const struct iptfhir_descriptor *plugin, const void *self,
                               const char *text) {
    return mock_map(plugin, self, "R-1", text, &resources, &fault);
}

/* The facts of the n-th render of a mapping, NULL when there are fewer. */
static const struct iptfhir_node *rendered(const char *mapping, size_t n) {
    for (size_t i = 0; i < resources.render_count; i++)
        if (strcmp(resources.renders[i].mapping, mapping) == 0 && n-- == 0)
            return resources.renders[i].facts;
    return NULL;
}

/* The JSON pointer of a path of member names and list places, such as "targets.0.loinc". */
static const char *pointer_of(const char *path, char out[256]) {
    snprintf(out, 256, "/%s", path);
    for (char *dot = strchr(out, '.'); dot != NULL; dot = strchr(dot, '.'))
        *dot = '/';
    return out;
}

/* The text at a path, also of a number or a boolean; NULL when there is none. */
static const char *text_at(const struct iptfhir_node *from, const char *path) {
    char pointer[256];
    return mock_text_at(from, pointer_of(path, pointer));
}

/* How many children the node at a path has. */
MOCK_UNUSED static size_t count_at(const struct iptfhir_node *from, const char *path) {
    char pointer[256];
    return mock_count_at(from, pointer_of(path, pointer));
}

#define PATIENT                                                                                    \
    "\"patient\":{\"localId\":\"P-1\",\"identifiers\":[{\"system\":\"urn:x\",\"value\":\"1\"}]},"
#define COURSE                                                                                     \
    "\"course\":{\"id\":\"CRS-1\",\"status\":\"active\",\"format\":\"individual\",\"start\":"      \
    "\"2026-01-12\"},"
#endif
