/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR XML to the tree (libxml2, entities and network off): the JSON shape of the same resource. */
#ifndef CORE_TREE_XML_H
#define CORE_TREE_XML_H
#include "core/tree/tree.h"

/* Tells whether element `name` of type path `parent` repeats, and its JSON kind: needed because XML
 * doesn't say. Implemented by core/fhir over the R4 tables; returns false for an unknown element.
 */
struct xml_shape {
    /* `type`: the R4 type of the parent ("Patient", "HumanName", "Patient.contact"); fills the
     * child's; primitive_kind is TREE_OBJECT for what is no primitive. A child of type "Resource"
     * holds a whole resource, one of type "xhtml" is kept as text. */
    bool (*child)(const char *type, const char *name, const char **child_type, bool *repeats,
                  enum tree_kind *primitive_kind);
};
/* Reads one FHIR resource in XML ({http://hl7.org/fhir}): value attributes become primitives, ids
 * and extensions of primitives go to "_name" as R4's JSON format says
 * (http://hl7.org/fhir/R4/json.html#primitive), xhtml div stays text. */
struct tree *xml_read_resource(struct arena *a, const char *text, size_t length, const char *source,
                               const struct xml_shape *shape, struct iptfhir_error *error);
#endif
