/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes of code points, \u0041, as JSON and FHIRPath write them, and their UTF-8. */
#ifndef CORE_TREE_UNICODE_H
#define CORE_TREE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#define UNICODE_NO_HEX (-1) /* four hex digits are missing */
#define UNICODE_HALF (-2)   /* half of a surrogate pair stands alone */

/* Reads what stands behind "\u": four hex digits and, for a surrogate pair, the escape of its
 * second half. Returns the code point, and moves *at behind it; or one of the faults above. */
int32_t unicode_escape(const char **at, const char *end);
/* Writes a code point as UTF-8: 1 to 4 bytes, never more than its escape has; returns how many. */
size_t unicode_put(char *out, uint32_t code_point);
/* The value of a hexadecimal digit, -1 when it is none. */
int hex_digit(char c);
#endif
