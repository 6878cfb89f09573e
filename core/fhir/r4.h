/* SPDX-License-Identifier: Apache-2.0 */
/* The R4 types as tables: every datatype, resource and backbone element with its elements
 * (FHIR 4.0.1). */
#ifndef CORE_FHIR_R4_H
#define CORE_FHIR_R4_H

#include "core/base/error.h"
#include "core/tree/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum r4_class { R4_PRIMITIVE, R4_DATATYPE, R4_BACKBONE, R4_RESOURCE };

struct r4_element {
    const char *name;      /* "value" for value[x]: without [x] */
    uint32_t symbol;       /* of name, set by r4_setup() */
    uint16_t min, max;     /* max UINT16_MAX: * */
    bool choice;           /* value[x] */
    const uint16_t *types; /* for r4_type_at(), ends with R4_NONE; a contentReference points to its
                              backbone type */
    /* Allowed codes where the binding is required and its list closed and small (status, ...),
     * NULL-terminated; else NULL. */
    const char *const *codes;
};
#define R4_NONE UINT16_MAX
struct r4_type {
    const char *name; /* "HumanName", "code", "Patient", "Patient.contact" */
    uint16_t base; /* for r4_type_at(), or R4_NONE: Patient -> DomainResource -> Resource; code ->
                      string -> Element */
    uint8_t kind;  /* enum r4_class */
    bool abstract_;
    const struct r4_element *elements; /* own and inherited, in order */
    uint16_t element_count;
};

/* The type that charts are: whose resources may be about one patient only. */
#define R4_PATIENT "Patient"
/* The type that resources travel in together. */
#define R4_BUNDLE "Bundle"

/* Interns all element names; call once before anything is read (idempotent, thread-safe). */
void r4_setup(void);
/* By name, NULL when R4 has no such type. */
const struct r4_type *r4_type(const char *name);
const struct r4_type *r4_type_at(uint16_t index);
/* True when `type` is `ancestor` or derives from it. */
bool r4_is(const struct r4_type *type, const struct r4_type *ancestor);
/* The element of `type` that `name` names: plain ("status"), or a choice in its JSON form
 * ("valueQuantity"); *actual gets the value's type (for a choice asked by its plain name "value":
 * NULL). NULL when unknown. */
const struct r4_element *r4_element(const struct r4_type *type, const char *name,
                                    const struct r4_type **actual);
/* The same by symbol; fast (evaluators call it per step). */
const struct r4_element *r4_element_symbol(const struct r4_type *type, uint32_t symbol,
                                           const struct r4_type **actual);
/* JSON member names of a choice element, as symbols with their types: iterate from *state = 0 until
 * false. */
bool r4_choice(const struct r4_type *type, const struct r4_element *choice, size_t *state,
               uint32_t *symbol, const struct r4_type **actual);
/* The JSON kind of a primitive ("boolean" -> TREE_BOOLEAN, "decimal" -> TREE_NUMBER, else
 * TREE_STRING). */
enum tree_kind r4_json_kind(const struct r4_type *primitive);
/* Names of all element members of a type, for "nearest known name". Borrowed, NULL-terminated. */
const char *const *r4_element_names(const struct r4_type *type);

/* For core/tree/xml.c. */
extern const struct xml_shape r4_xml_shape;

/* ---- validator: base R4 structure ---- */
/* Checks a resource: known type and elements, cardinality, JSON kinds, primitive formats (R4's
 * regexes), choice elements once, required codes, and the invariants that our resources meet
 * (obs-6, obs-7, gol-1, cpl-3, per-1, ref-1 shape). Adds one finding per fault, `where` = FHIRPath
 * ("Observation.status"); values never appear. Returns true when clean. */
bool r4_validate(const struct tree *resource, struct report *report);
#endif
