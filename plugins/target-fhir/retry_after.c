/* SPDX-License-Identifier: Apache-2.0 */
/* How long a server asks to wait: Retry-After and the dates of HTTP. */
#include "retry_after.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int month, int day) {
    /* months are counted from March, so that the leap day is the last of its year */
    int64_t from_march = (month + 9) % 12;
    int64_t its_year = year - from_march / 10;
    int64_t leap_days = its_year / 4 - its_year / 100 + its_year / 400;
    int64_t of_year = (153 * from_march + 2) / 5 + day - 1;
    return its_year * 365 + leap_days + of_year - 719468;
}

/* Returns the number of a month by its English name, 0 when it is none. */
static int month_of(const char *name) {
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    for (int i = 0; i < 12; i++) {
        if (strcmp(months[i], name) == 0)
            return i + 1;
    }
    return 0;
}

/* Tells whether a number is in a range. */
static bool within(int number, int low, int high) {
    return number >= low && number <= high;
}

bool http_date_read(const char *value, int64_t *seconds) {
    char name[4];
    int day, year, hour, minute, second;
    int read = sscanf(value, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, name, &year, &hour, &minute,
                      &second);
    if (read != 6)
        return false;
    int month = month_of(name);
    bool good_day = within(day, 1, 31) && within(month, 1, 12) && within(year, 1970, 9999);
    bool good_time = within(hour, 0, 23) && within(minute, 0, 59) && within(second, 0, 60);
    if (!good_day || !good_time)
        return false;
    *seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

int64_t retry_after_read(const char *value, int64_t came) {
    int64_t until, wait = 0;
    if (value == NULL)
        return 0;
    bool is_number = value[0] >= '0' && value[0] <= '9';
    if (is_number)
        wait = strtoll(value, NULL, 10);
    else if (http_date_read(value, &until))
        wait = until - came;
    if (wait <= 0)
        return 0;
    if (wait > RETRY_AFTER_MOST_MS / 1000)
        return RETRY_AFTER_MOST_MS;
    return wait * 1000;
}
