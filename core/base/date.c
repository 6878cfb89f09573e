/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar arithmetic, and the times of FHIR and HTTP. */
#include "core/base/date.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

/* Days from 0000-03-01 to 1970-01-01: years are counted from March, so that the leap day is a
 * year's last. */
#define EPOCH_DAYS 719468
#define DAYS_OF_ERA 146097 /* 400 years */

static bool is_leap(int year) {
    if (year % 100 == 0)
        return year % 400 == 0;
    return year % 4 == 0;
}

int date_month_days(int year, int month) {
    static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (month < 1 || month > 12)
        return 0;
    if (month == 2 && is_leap(year))
        return 29;
    return lengths[month - 1];
}

bool iptfhir_date_exists(int year, int month, int day) {
    if (year < 0 || year > 9999)
        return false;
    return day >= 1 && day <= date_month_days(year, month);
}

/* Divides, rounding towards minus infinity. */
static int64_t floor_of(int64_t number, int64_t by) {
    int64_t quotient = number / by;
    return quotient * by > number ? quotient - 1 : quotient;
}

static int64_t clamp(int64_t number, int64_t least, int64_t most) {
    if (number < least)
        return least;
    return number > most ? most : number;
}

int64_t iptfhir_date_to_days(int64_t year, int month, int day) {
    int64_t from_march = year - (month <= 2);
    int64_t era = floor_of(from_march, 400);
    int64_t year_of_era = from_march - era * 400;
    int month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_ERA + day_of_era - EPOCH_DAYS;
}

void date_from_days(int64_t days, int *year, int *month, int *day) {
    int64_t from_march = days + EPOCH_DAYS;
    int64_t era = floor_of(from_march, DAYS_OF_ERA);
    int64_t day_of_era = from_march - era * DAYS_OF_ERA;
    int64_t leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
    int64_t year_of_era = (day_of_era - leap_days) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static void put_two(char *out, int value) {
    out[0] = (char)('0' + value / 10 % 10);
    out[1] = (char)('0' + value % 10);
}

void iptfhir_date_format(int64_t days, char out[11]) {
    const int64_t first = -719528; /* 0000-01-01 */
    const int64_t last = 2932896;  /* 9999-12-31 */
    int year, month, day;
    date_from_days(clamp(days, first, last), &year, &month, &day);
    memcpy(out, "0000-00-00", 11);
    put_two(out, year / 100);
    put_two(out + 2, year % 100);
    put_two(out + 5, month);
    put_two(out + 8, day);
}

void iptfhir_time_format(int64_t ms, char out[25]) {
    const int64_t first = -62167219200000; /* 0000-01-01T00:00:00.000Z */
    const int64_t last = 253402300799999;  /* 9999-12-31T23:59:59.999Z */
    int64_t clamped = clamp(ms, first, last);
    int64_t days = floor_of(clamped, DAY_MS);
    int64_t rest = clamped - days * DAY_MS;
    iptfhir_date_format(days, out);
    memcpy(out + 10, "T00:00:00.000Z", 15);
    put_two(out + 11, (int)(rest / 3600000));
    put_two(out + 14, (int)(rest / 60000 % 60));
    put_two(out + 17, (int)(rest / 1000 % 60));
    out[20] = (char)('0' + rest / 100 % 10);
    put_two(out + 21, (int)(rest % 100));
}

/* Reads exactly `count` digits and moves on; -1 when they are not there. */
static int take_digits(const char **at, int count) {
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

/* Moves over one character; false when it is another. */
static bool take(const char **at, char c) {
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* Reads "HH:MM" as minutes; -1 when it is none. */
static int take_minutes(const char **at) {
    int hours = take_digits(at, 2);
    if (hours < 0 || hours > 23 || !take(at, ':'))
        return -1;
    int minutes = take_digits(at, 2);
    if (minutes < 0 || minutes > 59)
        return -1;
    return hours * 60 + minutes;
}

/* Reads "Z" or an offset such as "-05:00" at the end of a time, as minutes east of UTC. */
static bool take_offset(const char *at, int *minutes) {
    *minutes = 0;
    if (take(&at, 'Z'))
        return *at == '\0';
    bool west = *at == '-';
    if (!west && *at != '+')
        return false;
    at++;
    int magnitude = take_minutes(&at);
    *minutes = west ? -magnitude : magnitude;
    return magnitude >= 0 && *at == '\0';
}

/* Reads "YYYY-MM-DD" as days; false when it is no date that exists. */
static bool take_date(const char **at, int64_t *days) {
    int year = take_digits(at, 4);
    if (year < 0 || !take(at, '-'))
        return false;
    int month = take_digits(at, 2);
    if (month < 0 || !take(at, '-'))
        return false;
    int day = take_digits(at, 2);
    if (day < 0 || !iptfhir_date_exists(year, month, day))
        return false;
    *days = iptfhir_date_to_days(year, month, day);
    return true;
}

/* Reads "HH:MM:SS" as seconds, and steps over their decimals. */
static bool take_clock(const char **at, int *seconds) {
    int minutes = take_minutes(at);
    if (minutes < 0 || !take(at, ':'))
        return false;
    int second = take_digits(at, 2);
    if (second < 0 || second > 60)
        return false;
    if (take(at, '.'))
        *at += strspn(*at, "0123456789");
    *seconds = minutes * 60 + second;
    return true;
}

bool iptfhir_time_to_seconds(const char *text, int64_t *seconds) {
    const char *at = text;
    int64_t days;
    int clock, offset;
    if (text == NULL || !take_date(&at, &days))
        return false;
    *seconds = days * 86400;
    if (*at == '\0')
        return true;
    if (!take(&at, 'T') || !take_clock(&at, &clock))
        return false;
    if (!take_offset(at, &offset))
        return false;
    *seconds += clock - offset * 60;
    return true;
}

/* The month of an English three-letter name, 0 when it is none. */
static int month_number(const char *name) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (strlen(name) != 3)
        return 0;
    for (int month = 1; month <= 12; month++) {
        if (memcmp(names + 3 * (month - 1), name, 3) == 0)
            return month;
    }
    return 0;
}

/* The parts of an HTTP date as they were read. */
struct http_time {
    int year;
    char month[4];
    int day;
    int hour;
    int minute;
    int second;
    int end; /* where the text was read to; -1: it doesn't fit the form */
};

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool scan_fixed(const char *text, struct http_time *t) {
    char weekday[4];
    t->end = -1;
    int found = sscanf(text, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", weekday, &t->day,
                       t->month, &t->year, &t->hour, &t->minute, &t->second, &t->end);
    return found == 7 && t->end > 0;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT": more than 50 years ahead means a century ago. */
static bool scan_rfc850(const char *text, int64_t now_ms, struct http_time *t) {
    char weekday[10];
    t->end = -1;
    int found = sscanf(text, "%9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", weekday, &t->day,
                       t->month, &t->year, &t->hour, &t->minute, &t->second, &t->end);
    if (found != 7 || t->end <= 0)
        return false;
    int this_year, month, day;
    date_from_days(now_ms / DAY_MS, &this_year, &month, &day);
    t->year += this_year / 100 * 100;
    if (t->year > this_year + 50)
        t->year -= 100;
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool scan_asctime(const char *text, struct http_time *t) {
    char weekday[4];
    t->end = -1;
    int found = sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", weekday, t->month,
                       &t->day, &t->hour, &t->minute, &t->second, &t->year, &t->end);
    return found == 7 && t->end > 0;
}

static bool is_within(int number, int most) {
    return number >= 0 && number <= most;
}

/* Whether the time of day exists; a minute may have a leap second. */
static bool clock_exists(const struct http_time *t) {
    return is_within(t->hour, 23) && is_within(t->minute, 59) && is_within(t->second, 60);
}

bool iptfhir_http_date(const char *text, int64_t now_ms, int64_t *ms) {
    struct http_time t = { 0 };
    if (text == NULL)
        return false;
    if (!scan_fixed(text, &t) && !scan_rfc850(text, now_ms, &t) && !scan_asctime(text, &t))
        return false;
    const char *rest = text + t.end;
    rest += strspn(rest, " \t");
    int month = month_number(t.month);
    if (*rest != '\0' || !clock_exists(&t))
        return false;
    if (!iptfhir_date_exists(t.year, month, t.day))
        return false;
    int64_t days = iptfhir_date_to_days(t.year, month, t.day);
    *ms = (days * 86400 + t.hour * 3600 + t.minute * 60 + t.second) * 1000;
    return true;
}

/* Reads whole seconds, of which more than 30 years are as good as any; -1 when it is no number. */
static int64_t read_seconds(const char *text) {
    static const char digits[] = "0123456789";
    int64_t seconds = 0;
    size_t length = strspn(text, digits);
    for (size_t i = 0; i < length && seconds < INT64_C(1000000000); i++)
        seconds = seconds * 10 + (text[i] - '0');
    const char *rest = text + length;
    rest += strspn(rest, " \t");
    return length > 0 && *rest == '\0' ? seconds : -1;
}

int64_t iptfhir_retry_after(const char *value, int64_t now_ms) {
    int64_t when = 0;
    if (value == NULL)
        return -1;
    const char *text = value + strspn(value, " \t");
    int64_t seconds = read_seconds(text);
    if (seconds >= 0)
        return seconds * 1000;
    if (!iptfhir_http_date(text, now_ms, &when))
        return -1;
    return when > now_ms ? when - now_ms : 0;
}
