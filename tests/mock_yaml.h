/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of plugins: a YAML file as the host's document() gives it, so that they include no
 * core header. */
#ifndef TESTS_MOCK_YAML_H
#define TESTS_MOCK_YAML_H

#include "tests/mock_host.h"

/* Reads the file at `path` into `lasting`. NULL: it is no usable YAML file; stderr says why. */
const struct iptfhir_node *mock_yaml(const char *path, struct iptfhir_document *lasting);
#endif
