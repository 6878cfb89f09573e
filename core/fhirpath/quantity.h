/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities: their text, and units that have one dimension (UCUM and the calendar's words). */
#ifndef CORE_FHIRPATH_QUANTITY_H
#define CORE_FHIRPATH_QUANTITY_H

#include "core/fhirpath/decimal.h"

/* Reads "4", "4 days" or "4.5 'mg'"; false when it is none or memory is out. */
bool quantity_parse(struct arena *a, const char *text, size_t length, struct fhirpath_value *out);
/* Converts the amounts of both to a common unit; false when the dimensions differ or a unit is
 * unknown and not the same text. */
bool quantity_common(const struct fhirpath_value *a, const struct fhirpath_value *b, decimal *x,
                     decimal *y);
/* The calendar word of a unit ("days" -> "day"), NULL when it is none. */
const char *calendar_word(const char *unit, size_t length);
/* The unit of a number: one. */
#define UNIT_ONE "1"
#endif
