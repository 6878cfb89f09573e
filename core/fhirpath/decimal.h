/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: 128-bit digits and a scale, at most 28 significant digits before rounding. */
#ifndef CORE_FHIRPATH_DECIMAL_H
#define CORE_FHIRPATH_DECIMAL_H

#include "core/fhirpath/fhirpath.h"

typedef struct fhirpath_decimal decimal;

/* Where decimal_whole() goes when there is a fraction. */
enum rounding { TOWARD_ZERO, TO_FLOOR, TO_CEILING };

/* Reads digits with an optional sign, point and exponent; false when they don't fit. */
bool decimal_parse(const char *text, size_t length, decimal *out);
/* The four operations return false when the result doesn't fit. */
bool decimal_add(decimal a, decimal b, decimal *out);
bool decimal_subtract(decimal a, decimal b, decimal *out);
bool decimal_multiply(decimal a, decimal b, decimal *out);
/* To 16 places, half away from zero; false also for a divisor of zero. */
bool decimal_divide(decimal a, decimal b, decimal *out);
/* -1, 0 or 1. */
int decimal_compare(decimal a, decimal b);
/* Without the zeros at the end of its fraction. */
decimal decimal_trim(decimal d);
/* With at most `places` digits behind the point, half away from zero. */
decimal decimal_round(decimal d, int places);
/* With exactly `places` digits behind the point, cut upwards or downwards; false when it doesn't
 * fit. */
bool decimal_rescale(decimal d, int places, bool upwards, decimal *out);
decimal decimal_negate(decimal d);
decimal decimal_of(int64_t i);
double decimal_double(decimal d);
bool decimal_from_double(double d, decimal *out);
/* Writes it as digits, with as many places as its scale; returns the bytes. */
int decimal_text(decimal d, char out[64]);
/* As a whole number; false beyond 64 bits. */
bool decimal_whole(decimal d, enum rounding rounding, int64_t *out);
#endif
