/* SPDX-License-Identifier: Apache-2.0 */
/* The generated tables by index, for those who keep tables of their own per type: look-ups,
 * validator, egress guard. */
#ifndef CORE_FHIR_R4_TABLES_H
#define CORE_FHIR_R4_TABLES_H

#include "core/fhir/r4.h"

/* Checked against the generated tables when they are compiled. */
#define R4_TYPE_COUNT 696
#define R4_ELEMENT_COUNT 7580
#define R4_CHOICE_COUNT 991 /* JSON members of all choice elements */
#define R4_TYPE_SLOTS 4096  /* open addressing by FNV-1a of the name, linear probing */

extern const struct r4_type r4_types[R4_TYPE_COUNT]; /* sorted by name */
extern struct r4_element r4_elements[R4_ELEMENT_COUNT];
extern const uint16_t r4_type_slots[R4_TYPE_SLOTS];
#endif
