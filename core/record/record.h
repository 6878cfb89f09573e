/* SPDX-License-Identifier: Apache-2.0 */
/* The ipt-record model: what a record may hold (mappings/schema/ipt-record.schema.json, the one
 * place for it), what is dropped before anything is stored, and what may leave the clinic. */
#ifndef CORE_RECORD_RECORD_H
#define CORE_RECORD_RECORD_H

#include "core/base/error.h"
#include "core/tree/tree.h"

#include <stdbool.h>
#include <stddef.h>

/* A compiled schema. Immutable after loading (record_schema_allow_unknown excepted), so threads may
 * share it. */
struct record_schema;

/* Reads and compiles the schema file. It uses a subset of JSON Schema 2020-12: type, properties,
 * required, enum and const (strings), format, minimum, maximum, minLength, maxLength, minItems,
 * items, $ref to #/$defs/NAME, additionalProperties, and our keywords x-restricted, x-sensitivity,
 * x-unique-by, x-refers-to, x-or, x-not-before, x-warn-minimum, x-warn-maximum. A keyword, format
 * or type that is not known is an error (code "schema", where = "path JSON-pointer"), so that none
 * is ignored. Interns all field names: load it before records are read. NULL when anything is
 * wrong; record_schema_free() it. */
struct record_schema *record_schema_load(const char *path, struct report *report);
void record_schema_free(struct record_schema *schema);
/* Unknown fields are errors by default. When allowed (`records.unknown_fields: warn`),
 * record_drop_restricted() drops them too, since what the schema doesn't know is never stored, and
 * logs one warning for each path that it meets, in the life of this schema: the path without
 * indexes, no value, and names only when they look like names. Call before threads start. False
 * when memory is out; then unknown fields stay errors. */
bool record_schema_allow_unknown(struct record_schema *schema, bool allow);

/* Removes restricted fields (x-restricted) from the tree, in place, and returns how many. To be
 * called before anything of a record is stored, and before record_check(). A restricted field in a
 * wrong place or under a misspelt name is an unknown field: record_check() refuses the record, of
 * which nothing may then be stored, unless unknown fields are allowed and thus dropped as well.
 * Thread-safe for different records. */
size_t record_drop_restricted(const struct record_schema *schema, struct tree *record);

/* Checks a record against the schema and its rules: unique ids, references within the record, no
 * end before its start, check digits of NPIs; a course outside 12 to 16 weeks is a warning.
 * Findings: code "record", where = "source:line:column JSON-pointer" (parts that are not known are
 * left out). No value appears, and names of unknown fields only when they look like names. Returns
 * false when there is an error. `report` may be NULL. Thread-safe. */
bool record_check(const struct record_schema *schema, const struct tree *record, const char *source,
                  struct report *report);

/* The recordId, borrowed from the tree; NULL when it has none. */
const char *record_id(const struct tree *record);
/* SHA-256 (64 hex digits) of the record's canonical JSON without source.extractedAt and
 * source.contentHash: a re-export of unchanged data has an unchanged hash. Call it after
 * record_drop_restricted(). Returns out, NULL when `record` is no object or memory is out. */
const char *record_hash(const struct tree *record, char out[65]);

/* ---- egress ---- */
/* Says whether a resource may leave the clinic at all: false when it or anything in it carries the
 * security label PSYTHPN, or when free text (any string, markdown, xhtml or base64Binary) stands at
 * a path that the allow-list in egress.c doesn't name, or is longer than that path allows. An
 * element that R4 doesn't have is on no list: validate first for the better message. Adds findings
 * (code "policy-denied", where = FHIRPath). No allocation, but for findings. Thread-safe. */
bool egress_allowed(const struct tree *resource, struct report *report);
#endif
