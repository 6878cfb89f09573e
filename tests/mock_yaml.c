/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a YAML file for the mock host, by the core's reader. */
#include "tests/mock_yaml.h"

#include "core/config/yaml.h"
#include "core/tree/node.h"

#include <stdio.h>

const struct iptfhir_node *mock_yaml(const char *path, struct iptfhir_document *lasting) {
    struct arena arena = { 0 };
    struct report report = { 0 };
    const struct iptfhir_node *copy = NULL;
    const struct tree *tree = yaml_read_file(&arena, path, &report);
    if (tree != NULL)
        copy = mock_nodes()->copy(lasting, node_of(tree));
    else if (report.count > 0)
        fprintf(stderr, "%s: %s\n", report.entries[0].error.where, report.entries[0].error.text);
    report_free(&report);
    arena_free(&arena);
    return copy;
}
