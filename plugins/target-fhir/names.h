/* SPDX-License-Identifier: Apache-2.0 */
/* A set of names, each with a number: found in one step however many there are. */
#ifndef TARGET_FHIR_NAMES_H
#define TARGET_FHIR_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { NAMES_NONE = -1, NAMES_NO_MEMORY = -2 };

struct name;
/* Zeroed memory is an empty set. */
struct names {
    struct name *slots;
    size_t count, capacity;
};
/* A name is made of up to three parts, any of which may be NULL (as if empty). */
struct name_parts {
    const char *first, *second, *third;
};
/* Returns the number of a name, NAMES_NONE when it is not in the set. */
long names_find(const struct names *n, struct name_parts parts);
/* Adds a name unless it is there. Returns the number that it had, NAMES_NONE when it is new, or
 * NAMES_NO_MEMORY. */
long names_add(struct names *n, struct name_parts parts, long number);
void names_free(struct names *n);
#endif
