/* SPDX-License-Identifier: Apache-2.0 */
/* Where the resources of a bundle's entries stand in its text, so that their bodies can be handed
 * on as they came, with the exact numbers. */
#ifndef TARGET_FHIR_SLICES_H
#define TARGET_FHIR_SLICES_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
    const char *text; /* into the bundle; NULL: the entry has no resource */
    size_t length;
};
struct slices {
    struct slice *list; /* one an entry, in their order */
    size_t count;
};
/* Finds the slices of a bundle whose text is known to be one well-formed JSON object without
 * duplicate keys. False when memory ran out or the text is not what it should be. */
bool slices_find(struct slices *s, const char *text, size_t length);
void slices_free(struct slices *s);
#endif
