/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and the times that HTTP headers carry. */
#include "core/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The wall clock. */
int64_t clock_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The steady clock. */
int64_t clock_steady_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_from_civil(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The date of a day number. */
static void civil_from_days(int64_t days, int *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

/* Two digits of a number. */
static void two(char *out, int value) {
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

/* Writes a UTC time with milliseconds; years beyond 0000..9999 are clamped. */
void clock_format(int64_t ms, char out[25]) {
    const int64_t first = -62167219200000, last = 253402300799999;
    ms = ms < first ? first : ms > last ? last : ms;
    int64_t days = ms / 86400000, rest = ms % 86400000;
    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    two(out, year / 100);
    two(out + 2, year % 100);
    two(out + 5, month);
    two(out + 8, day);
    two(out + 11, (int)(rest / 3600000));
    two(out + 14, (int)(rest / 60000 % 60));
    two(out + 17, (int)(rest / 1000 % 60));
    out[20] = (char)('0' + rest / 100 % 10);
    two(out + 21, (int)(rest % 100));
}

/* Tells whether a date exists. */
bool clock_valid_date(int year, int month, int day) {
    static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap);
}

/* The month of an English three-letter name, 0 when it is none. */
static int month_number(const char *name) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (memcmp(names + 3 * i, name, 3) == 0)
            return i + 1;
    return 0;
}

/* Reads one of the three HTTP-date forms (RFC 9110 section 5.6.7) into wall milliseconds. */
static bool http_date(const char *text, int64_t now, int64_t *ms) {
    char month[4] = "", weekday[10];
    int year, day, hour, minute, second, end = -1;
    if (sscanf(text, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", weekday, &day, month,
               &year, &hour, &minute, &second, &end) == 7 &&
        end > 0) {
        /* IMF-fixdate */
    } else if ((end = -1, sscanf(text, "%9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", weekday,
                                 &day, month, &year, &hour, &minute, &second, &end) == 7) &&
               end > 0) {
        int this_year, m, d;
        civil_from_days(now / 86400000, &this_year, &m, &d);
        year += this_year / 100 * 100;
        if (year > this_year + 50)
            year -= 100;
    } else if ((end = -1, sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", weekday,
                                 month, &day, &hour, &minute, &second, &year, &end) == 7) &&
               end > 0) {
        /* asctime */
    } else {
        return false;
    }
    while (text[end] == ' ' || text[end] == '\t')
        end++;
    int number = strlen(month) == 3 ? month_number(month) : 0;
    if (text[end] != '\0' || !clock_valid_date(year, number, day) || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *ms = (days_from_civil(year, number, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000;
    return true;
}

/* Reads a Retry-After value. */
int64_t clock_retry_after(const char *value, int64_t now) {
    if (!value)
        return -1;
    while (*value == ' ' || *value == '\t')
        value++;
    if (isdigit((unsigned char)*value)) {
        int64_t seconds = 0;
        for (; isdigit((unsigned char)*value); value++)
            if (seconds < INT64_C(1000000000))
                seconds = seconds * 10 + (*value - '0');
        while (*value == ' ' || *value == '\t')
            value++;
        return *value ? -1 : seconds * 1000;
    }
    int64_t at;
    if (!http_date(value, now, &at))
        return -1;
    return at > now ? at - now : 0;
}
