/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the wall clock for records and ledgers, the steady clock for waiting; parsing of HTTP and
 * FHIR times. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_now_ms(void);    /* milliseconds since 1970-01-01T00:00:00Z */
int64_t clock_steady_ms(void); /* milliseconds, never goes back */
/* "2026-11-23T17:05:00.123Z". */
void clock_format(int64_t ms, char out[25]);
/* Milliseconds to wait for a Retry-After value (RFC 9110 section 10.2.3: delta-seconds or
 * HTTP-date), at `now` (wall ms); -1 when it is neither. A date in the past is 0. */
int64_t clock_retry_after(const char *value, int64_t now);
/* True for a calendar date "YYYY-MM-DD" that exists. */
bool clock_valid_date(int year, int month, int day);
#endif
