/* SPDX-License-Identifier: Apache-2.0 */
/* Which links of a server are followed: those below its base address, and no others. */
#ifndef TARGET_FHIR_LINK_H
#define TARGET_FHIR_LINK_H

#include <jansson.h>
#include <stdbool.h>

/* The address of a searchset's next page; NULL: it has none. Borrowed from `bundle`. */
const char *link_next(const json_t *bundle);
/* Makes a link into a path below base_url, as requests have it; the caller frees it. NULL when the
 * link is of another origin, or not below the base, or memory ran out: it is not followed, since
 * credentials would go with it. */
char *link_path(const char *base_url, const char *link);
#endif
