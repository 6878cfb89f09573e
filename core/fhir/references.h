/* SPDX-License-Identifier: Apache-2.0 */
/* The references of a resource, listed once when it is made; nobody looks for them in its text. */
#ifndef CORE_FHIR_REFERENCES_H
#define CORE_FHIR_REFERENCES_H

#include "core/tree/tree.h"

/* What a resource refers to: "Type/UUID", where the UUID is an identity of this installation. */
struct resource_reference {
    const char *type; /* resource type */
    const char *uuid; /* 36 characters, lower case */
};

/* Lists each different UUID that a `reference` member of `resource` names, at any depth, in the
 * order of their first occurrence. References of other forms (contained, urn:uuid, absolute,
 * searches, ids of a server) are not listed. `*list` lives in `arena`, and its texts as long as
 * both `arena` and the resource. False when memory is out. */
bool resource_references(struct arena *arena, const struct tree *resource,
                         const struct resource_reference **list, size_t *count);
/* Rewrites the same references to "urn:uuid:UUID", as entries of one Bundle refer to each other
 * (http://hl7.org/fhir/R4/bundle.html#references). New texts live in `arena`. False when memory is
 * out. */
bool resource_references_to_urns(struct arena *arena, struct tree *resource);
#endif
