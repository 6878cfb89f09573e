/* SPDX-License-Identifier: Apache-2.0 */
/* Partial dates and times: text, order as far as they are precise, calendar arithmetic. */
#ifndef CORE_FHIRPATH_MOMENT_H
#define CORE_FHIRPATH_MOMENT_H

#include "core/fhirpath/decimal.h"

typedef struct fhirpath_moment moment;

/* How far a moment is known: its `precision`. */
enum precision { TO_YEAR = 1, TO_MONTH, TO_DAY, TO_HOUR, TO_MINUTE, TO_SECOND, TO_MILLISECOND };

/* How two values stand to each other. */
struct comparison {
    bool comparable; /* false: their types have no order between them */
    bool known;      /* false: precision, zones or units leave it open */
    int order;       /* -1, 0 or 1 */
};

/* Reads FHIR or FHIRPath text; kind tells date, dateTime or time. */
bool moment_parse(const char *text, size_t length, enum fhirpath_kind kind, moment *out);
/* Writes it as far as it is known; returns the bytes. */
int moment_text(const moment *m, enum fhirpath_kind kind, char out[48]);
struct comparison moment_compare(const moment *a, enum fhirpath_kind ka, const moment *b,
                                 enum fhirpath_kind kb);

/* What came of adding a duration to a moment. */
enum moment_sum { MOMENT_ADDED, MOMENT_OUT_OF_RANGE, MOMENT_NO_DURATION };
/* Adds a duration: `unit` is a calendar word or a UCUM code, but UCUM's months and years, which
 * have a fixed length, are no duration here. A partial date moves by whole units of its precision.
 */
enum moment_sum moment_add(moment *m, enum fhirpath_kind kind, decimal amount, const char *unit);

/* Milliseconds since 1970 as a dateTime in a zone. */
moment moment_of_clock(int64_t ms, int zone_minutes);
#endif
