/* SPDX-License-Identifier: Apache-2.0 */
/* YAML (and JSON) files to the tree by libyaml: scalars typed strictly as in JSON, every node with
 * line and column. */
#ifndef CORE_CONFIG_YAML_H
#define CORE_CONFIG_YAML_H
#include "core/tree/tree.h"

/* Parses one YAML document. Plain scalars: null/~, true, false, JSON numbers, else a string. Words
 * that other YAML readers take for booleans, dates, times, octal or other numbers (yes, no, on,
 * off, y, n, 012, .5, 2026-01-12, 10:30) are errors that say to quote them, as values and as keys.
 * Duplicate keys, merge keys, tags, and several documents are errors; anchors/aliases are allowed
 * to a bounded expansion. `line/column` are those of the value, columns in characters; for a block
 * or quoted scalar the position is where its text starts. All faults of the file go to `report`
 * with file:line:column. NULL when there were errors. */
struct tree *yaml_read(struct arena *a, const char *text, size_t length, const char *source,
                       struct report *report);
/* The same from a file (at most 4 MiB). */
struct tree *yaml_read_file(struct arena *a, const char *path, struct report *report);

/* Where keys and the inside of scalars stand, for those who point into them. Lives in the arena;
 * needs the text. */
struct yaml_places;
/* As yaml_read(); `*places` is NULL when there were errors. */
struct tree *yaml_read_places(struct arena *a, const char *text, size_t length, const char *source,
                              struct yaml_places **places, struct report *report);
/* Line and column where byte `offset` of a scalar's text stands in the file, or (key) of a member's
 * name; escapes, doubled quotes and folded lines are followed. A node that isn't from this reading:
 * its own line and column. */
void yaml_place(const struct yaml_places *places, const struct tree *node, bool key, size_t offset,
                uint32_t *line, uint32_t *column);
#endif
