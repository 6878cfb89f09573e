/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times of cells, in the declared order only. */
#ifndef SOURCE_CSV_DATES_H
#define SOURCE_CSV_DATES_H

#include "columns.h"

struct moment {
    int64_t day;
    int hour, minute, second;
    bool has_time;
    char offset[7]; /* "" : local */
};

/* Days since 1970-01-01 of an existing date, else INT64_MIN. */
int64_t dates_day(int year, int month, int day);
/* Reads "date", "date time" or "dateTtime", with seconds and an offset if they are there;
 * ORDER_NONE: YYYY-MM-DD only.
 */
bool dates_read(const char *text, size_t length, enum date_order order, struct moment *m);
/* Reads HH:MM as minutes of the day; -1 when it is none. */
int dates_minutes(const char *text);
#endif
