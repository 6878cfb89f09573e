/* SPDX-License-Identifier: Apache-2.0 */
/* YAML (and JSON) files to the tree by libyaml: scalars typed strictly as in JSON, every node with line and column. */
#ifndef CORE_CONFIG_YAML_H
#define CORE_CONFIG_YAML_H
#include "core/tree/tree.h"

/* Parses one YAML document. Plain scalars: null/~, true, false, JSON numbers, else a string; words that other YAML readers take for
 * booleans or dates of octal (yes, no, on, off, y, n, 012) are errors that say to quote them. Duplicate keys, merge keys,
 * tags, and several documents are errors; anchors/aliases are allowed to a bounded expansion. `scalar_line/column` are those of the value;
 * for a block or quoted scalar the position is where its text starts. All faults of the file go to `report` with
 * file:line:column. NULL when there were errors. */
struct tree *yaml_read(struct arena *a, const char *text, size_t length, const char *source, struct report *report);
/* The same from a file (at most 4 MiB). */
struct tree *yaml_read_file(struct arena *a, const char *path, struct report *report);
#endif
