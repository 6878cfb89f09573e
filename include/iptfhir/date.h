/* SPDX-License-Identifier: Apache-2.0 */
/* Dates for plugins: the Gregorian calendar, FHIR and HTTP times. Link with libiptfhir. Nothing
 * here has state, asks a clock or looks at the locale or the time zone of the process. */
#ifndef IPTFHIR_DATE_H
#define IPTFHIR_DATE_H

#include <iptfhir/text.h>
#include <stdint.h>

/* True for a date of the years 0 to 9999 that exists. */
IPTFHIR_API bool iptfhir_date_exists(int year, int month, int day);
/* Days since 1970-01-01 of a date of the (proleptic) Gregorian calendar, of any year. */
IPTFHIR_API int64_t iptfhir_date_to_days(int64_t year, int month, int day);
/* Writes "YYYY-MM-DD"; years beyond 0 to 9999 are clamped. */
IPTFHIR_API void iptfhir_date_format(int64_t days, char out[11]);

/* Seconds since 1970-01-01T00:00:00Z of a FHIR date (its midnight in UTC) or of a dateTime or
 * instant with an offset; fractions of a second are cut. False when the text is neither. */
IPTFHIR_API bool iptfhir_time_to_seconds(const char *text, int64_t *seconds);
/* Writes milliseconds since 1970 as "2026-11-23T17:05:00.123Z"; years are clamped as above. */
IPTFHIR_API void iptfhir_time_format(int64_t ms, char out[25]);

/* Reads an HTTP date in any of its three forms (RFC 9110 section 5.6.7) into milliseconds since
 * 1970. `now_ms` decides the century of the obsolete form with two digits. */
IPTFHIR_API bool iptfhir_http_date(const char *text, int64_t now_ms, int64_t *ms);
/* Milliseconds to wait, at `now_ms`, for a Retry-After value (RFC 9110 section 10.2.3: seconds or
 * an HTTP date); 0 for a date in the past, -1 when it is neither or NULL. */
IPTFHIR_API int64_t iptfhir_retry_after(const char *value, int64_t now_ms);
#endif
