/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of JSON (RFC 8259 section 6). */
#ifndef CORE_TREE_NUMBER_H
#define CORE_TREE_NUMBER_H

#include <stdbool.h>

/* Passes over a number: moves *at behind it. False when there is none; then *at stands where
 * *expected, a sentence, says what was expected. */
bool number_scan(const char **at, const char *end, const char **expected);
/* True when the whole NUL-terminated text is a number. */
bool number_is(const char *text);
#endif
