/* SPDX-License-Identifier: Apache-2.0 */
/* How long a server asks to wait: Retry-After and the dates of HTTP. */
#ifndef TARGET_FHIR_RETRY_AFTER_H
#define TARGET_FHIR_RETRY_AFTER_H

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_AFTER_MOST_MS = 24 * 3600 * 1000 };

/* Reads an HTTP-date in its preferred form (RFC 9110 5.6.7) as seconds since 1970; false when it
 * is none. */
bool http_date_read(const char *value, int64_t *seconds);
/* Milliseconds of a Retry-After value (RFC 9110 10.2.3), at most a day; 0 when there is none.
 * `came`: when the answer was made, in seconds since 1970, by the clock that wrote the value. */
int64_t retry_after_read(const char *value, int64_t came);
#endif
