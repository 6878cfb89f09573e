/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: the wall clock for what is stored, the steady clock for waiting. Calendar arithmetic and
 * the reading of times are in <iptfhir/date.h>. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <iptfhir/date.h>

int64_t clock_now_ms(void);    /* milliseconds since 1970-01-01T00:00:00Z */
int64_t clock_steady_ms(void); /* milliseconds, never goes back */

/* "2026-11-23T17:05:00.123Z": iptfhir_time_format() under the core's short name. */
static inline void clock_format(int64_t ms, char out[25]) {
    iptfhir_time_format(ms, out);
}
#endif
