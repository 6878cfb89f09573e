/* SPDX-License-Identifier: Apache-2.0 */
/* Partial dates and times: parsing, precision-aware comparison, calendar arithmetic. */
#include "core/fhirpath/moment.h"
#include "core/base/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define NS_PER_MS 1000000
#define MOST_MONTHS 200000 /* moves any year out of range */

/* ---- text ---- */

/* Reads exactly n digits; -1 when they aren't there. */
static int number(const char **p, const char *end, int n) {
    int v = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9')
            return -1;
        v = v * 10 + (**p - '0');
    }
    return v;
}

/* Reads two digits that make a number in a range. */
static bool two_digits(const char **p, const char *end, int least, int most, int8_t *out) {
    int v = number(p, end, 2);
    *out = (int8_t)v;
    return v >= least && v <= most;
}

/* Passes over a character when it is the next one. */
static bool skip(const char **p, const char *end, char c) {
    bool is_next = *p < end && **p == c;
    if (is_next)
        (*p)++;
    return is_next;
}

/* Reads the digits behind the point of a second. */
static bool parse_fraction(const char **p, const char *end, moment *m) {
    int scale = 100000000;
    m->precision = TO_MILLISECOND;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        m->nanosecond += (**p - '0') * scale;
        m->fraction_digits++;
        scale /= 10;
    }
    return m->fraction_digits > 0;
}

/* Reads hh[:mm[:ss[.fff]]]. */
static bool parse_time(const char **p, const char *end, moment *m) {
    int8_t *const parts[] = { &m->hour, &m->minute, &m->second };
    static const int most[] = { 23, 59, 59 };
    for (int i = 0; i < 3; i++) {
        if (i > 0 && !skip(p, end, ':'))
            return true;
        if (!two_digits(p, end, 0, most[i], parts[i]))
            return false;
        m->precision = (int8_t)(TO_HOUR + i);
    }
    return !skip(p, end, '.') || parse_fraction(p, end, m);
}

/* Reads hh:mm of an offset. */
static bool parse_offset(const char **p, const char *end, int sign, moment *m) {
    int8_t hours;
    int8_t minutes;
    bool fits = two_digits(p, end, 0, 14, &hours) && skip(p, end, ':');
    if (!fits || !two_digits(p, end, 0, 59, &minutes))
        return false;
    m->has_zone = true;
    m->zone_minutes = (int16_t)(sign * (hours * 60 + minutes));
    return true;
}

/* Reads Z, +hh:mm, -hh:mm or nothing. */
static bool parse_zone(const char **p, const char *end, moment *m) {
    if (skip(p, end, '+'))
        return parse_offset(p, end, 1, m);
    if (skip(p, end, '-'))
        return parse_offset(p, end, -1, m);
    m->has_zone = skip(p, end, 'Z');
    return true;
}

/* Reads YYYY[-MM[-DD]]. */
static bool parse_date(const char **p, const char *end, moment *m) {
    m->year = number(p, end, 4);
    m->month = 1;
    m->day = 1;
    m->precision = TO_YEAR;
    if (m->year < 0)
        return false;
    if (!skip(p, end, '-'))
        return true;
    m->precision = TO_MONTH;
    if (!two_digits(p, end, 1, 12, &m->month))
        return false;
    if (!skip(p, end, '-'))
        return true;
    m->precision = TO_DAY;
    int last = date_month_days(m->year, m->month);
    return two_digits(p, end, 1, last, &m->day);
}

/* Reads what stands behind a date: nothing, a T, or T and a time. */
static bool parse_time_of_date(const char **p, const char *end, moment *m) {
    if (!skip(p, end, 'T') || *p == end)
        return true;
    if (m->precision < TO_DAY)
        return false;
    return parse_time(p, end, m) && parse_zone(p, end, m);
}

bool moment_parse(const char *text, size_t length, enum fhirpath_kind kind, moment *out) {
    const char *p = text;
    const char *end = text + length;
    moment m = { 0 };
    bool fits;
    if (kind == FHIRPATH_TIME) {
        skip(&p, end, 'T');
        fits = parse_time(&p, end, &m);
    } else {
        fits = parse_date(&p, end, &m);
        if (fits && kind == FHIRPATH_DATETIME)
            fits = parse_time_of_date(&p, end, &m);
    }
    *out = m;
    return fits && p == end;
}

/* Writes the date as far as it is known, with a T when a time follows. */
static int date_text(const moment *m, char *out, size_t size) {
    /* Bytes of "-MM-DDT" by precision. */
    static const uint8_t shown[] = { [TO_MONTH] = 3,  [TO_DAY] = 6,    [TO_HOUR] = 7,
                                     [TO_MINUTE] = 7, [TO_SECOND] = 7, [TO_MILLISECOND] = 7 };
    char rest[16];
    snprintf(rest, sizeof rest, "-%02d-%02dT", m->month, m->day);
    return snprintf(out, size, "%04d%.*s", m->year, shown[m->precision], rest);
}

/* Writes the time of day as far as it is known. */
static int clock_text(const moment *m, char *out, size_t size) {
    /* Bytes of "hh:mm:ss.fffffffff" by precision. */
    static const uint8_t shown[] = { [TO_HOUR] = 2, [TO_MINUTE] = 5, [TO_SECOND] = 8 };
    char whole[32];
    snprintf(whole, sizeof whole, "%02d:%02d:%02d.%09d", m->hour, m->minute, m->second,
             m->nanosecond);
    int length = shown[m->precision == TO_MILLISECOND ? TO_SECOND : m->precision];
    if (m->precision == TO_MILLISECOND) {
        int digits = m->fraction_digits == 0 ? 3 : m->fraction_digits;
        length += 1 + (digits > 9 ? 9 : digits);
    }
    return snprintf(out, size, "%.*s", length, whole);
}

/* Writes the offset of a zone. */
static int zone_text(int minutes, char *out, size_t size) {
    if (minutes == 0)
        return snprintf(out, size, "Z");
    char sign = minutes < 0 ? '-' : '+';
    return snprintf(out, size, "%c%02d:%02d", sign, abs(minutes) / 60, abs(minutes) % 60);
}

int moment_text(const moment *m, enum fhirpath_kind kind, char out[48]) {
    const size_t size = 48;
    int n = 0;
    if (kind != FHIRPATH_TIME)
        n += date_text(m, out, size);
    if (m->precision >= TO_HOUR) {
        n += clock_text(m, out + n, size - (size_t)n);
        if (m->has_zone)
            n += zone_text(m->zone_minutes, out + n, size - (size_t)n);
    }
    return n;
}

/* ---- order ---- */

/* Divides downwards; the rest is never negative. */
static int64_t divide_down(int64_t amount, int64_t by, int64_t *rest) {
    int64_t whole = amount / by;
    *rest = amount % by;
    if (*rest < 0) {
        *rest += by;
        whole--;
    }
    return whole;
}

/* Sets the date of days since 1970-01-01. */
static void set_date(moment *m, int64_t days) {
    int year;
    int month;
    int day;
    date_from_days(days, &year, &month, &day);
    m->year = year;
    m->month = (int8_t)month;
    m->day = (int8_t)day;
}

/* Sets the time of day from milliseconds since midnight; finer parts become zero. */
static void set_time(moment *m, int64_t ms) {
    m->hour = (int8_t)(ms / HOUR_MS);
    m->minute = (int8_t)(ms / MINUTE_MS % 60);
    m->second = (int8_t)(ms / SECOND_MS % 60);
    m->nanosecond = (int32_t)(ms % SECOND_MS) * NS_PER_MS;
}

/* Milliseconds since midnight. */
static int64_t time_ms(const moment *m) {
    int64_t whole = m->hour * HOUR_MS + m->minute * MINUTE_MS + m->second * SECOND_MS;
    return whole + m->nanosecond / NS_PER_MS;
}

/* Milliseconds since 1970 of what the clock on the wall shows. */
static int64_t local_ms(const moment *m) {
    return iptfhir_date_to_days(m->year, m->month, m->day) * DAY_MS + time_ms(m);
}

/* Seconds since 1970 in UTC. */
static int64_t utc_seconds(const moment *m) {
    int64_t days = iptfhir_date_to_days(m->year, m->month, m->day);
    return days * 86400 + m->hour * 3600 + m->minute * 60 + m->second - m->zone_minutes * 60;
}

/* The same instant in UTC, to be compared part by part. */
static moment in_utc(const moment *m) {
    moment u = *m;
    int64_t rest;
    if (m->zone_minutes == 0)
        return u;
    set_date(&u, divide_down(utc_seconds(m), 86400, &rest));
    set_time(&u, rest * SECOND_MS);
    u.nanosecond = m->nanosecond;
    u.zone_minutes = 0;
    return u;
}

/* The parts of a moment, the largest first; seconds and what is finer are one part (N1 section
 * 6.2). */
#define PARTS 6
static void parts_of(const moment *m, int64_t out[PARTS]) {
    out[0] = m->year;
    out[1] = m->month;
    out[2] = m->day;
    out[3] = m->hour;
    out[4] = m->minute;
    out[5] = m->second * INT64_C(1000000000) + m->nanosecond;
}

/* How many parts a moment has, counted from the year. */
static int part_count(const moment *m) {
    return m->precision > PARTS ? PARTS : m->precision;
}

/* Compares part by part, as far as both are known. */
static struct comparison compare_parts(const moment *a, const moment *b, int first) {
    int64_t x[PARTS];
    int64_t y[PARTS];
    int known_a = part_count(a);
    int known_b = part_count(b);
    int known = known_a < known_b ? known_a : known_b;
    parts_of(a, x);
    parts_of(b, y);
    for (int i = first; i < known; i++)
        if (x[i] != y[i])
            return (struct comparison) { true, true, x[i] < y[i] ? -1 : 1 };
    return (struct comparison) { true, known_a == known_b, 0 };
}

/* Compares an instant with a local time: only a distance beyond every zone tells. */
static struct comparison compare_without_zone(const moment *a, const moment *b) {
    const int64_t widest = INT64_C(2) * 14 * 3600;
    int64_t apart = utc_seconds(a) - utc_seconds(b);
    bool known = apart > widest || apart < -widest;
    return (struct comparison) { true, known, apart < 0 ? -1 : 1 };
}

struct comparison moment_compare(const moment *a, enum fhirpath_kind ka, const moment *b,
                                 enum fhirpath_kind kb) {
    bool times = ka == FHIRPATH_TIME;
    if (times != (kb == FHIRPATH_TIME))
        return (struct comparison) { .comparable = false };
    if (times)
        return compare_parts(a, b, TO_HOUR - 1);
    if (a->precision < TO_HOUR || b->precision < TO_HOUR)
        return compare_parts(a, b, 0);
    if (a->has_zone != b->has_zone)
        return compare_without_zone(a, b);
    moment x = in_utc(a);
    moment y = in_utc(b);
    return compare_parts(&x, &y, 0);
}

/* ---- arithmetic ---- */

/* A unit of duration: so many months, or so many milliseconds. */
struct duration {
    const char *words[3]; /* the calendar's, and UCUM's code where that is the same length */
    int months;
    int64_t ms;
    bool fractions; /* of seconds count, those of other units don't (N1 section 6.7) */
    bool in_time;   /* a time of day can be moved by it */
};

/* The duration of a unit, NULL when it is none. */
static const struct duration *duration_of(const char *unit) {
    static const struct duration durations[] = {
        { { "year", "years" }, .months = 12 },
        { { "month", "months" }, .months = 1 },
        { { "week", "weeks", "wk" }, .ms = 7 * DAY_MS },
        { { "day", "days", "d" }, .ms = DAY_MS },
        { { "hour", "hours", "h" }, .ms = HOUR_MS, .in_time = true },
        { { "minute", "minutes", "min" }, .ms = MINUTE_MS, .in_time = true },
        { { "second", "seconds", "s" }, .ms = SECOND_MS, .fractions = true, .in_time = true },
        { { "millisecond", "milliseconds", "ms" }, .ms = 1, .fractions = true, .in_time = true },
    };
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        for (size_t k = 0; k < 3 && durations[i].words[k] != NULL; k++)
            if (strcmp(durations[i].words[k], unit) == 0)
                return &durations[i];
    return NULL;
}

/* Tells whether the standard's dates can have this year. */
static enum moment_sum in_range(const moment *m) {
    return m->year >= 1 && m->year <= 9999 ? MOMENT_ADDED : MOMENT_OUT_OF_RANGE;
}

/* Adds months; a day that the month doesn't have becomes its last one. */
static void add_months(moment *m, int64_t months) {
    int64_t month;
    m->year = (int32_t)divide_down((int64_t)m->year * 12 + m->month - 1 + months, 12, &month);
    m->month = (int8_t)(month + 1);
    int last = date_month_days(m->year, m->month);
    if (m->day > last)
        m->day = (int8_t)last;
}

/* Adds whole months or years; a moment that knows its year only moves by whole years. */
static enum moment_sum add_calendar(moment *m, int64_t count, const struct duration *unit) {
    if (count > MOST_MONTHS || count < -MOST_MONTHS)
        return MOMENT_OUT_OF_RANGE;
    int64_t months = count * unit->months;
    if (m->precision < TO_MONTH)
        months -= months % 12;
    add_months(m, months);
    return in_range(m);
}

/* Moves a time of day, past midnight where it must. */
static enum moment_sum add_to_time(moment *m, int64_t ms) {
    int64_t rest;
    divide_down(time_ms(m) + ms % DAY_MS, DAY_MS, &rest);
    set_time(m, rest);
    return MOMENT_ADDED;
}

/* Moves a year, or a month of a year, by whole units of what it knows. */
static enum moment_sum add_to_partial(moment *m, int64_t ms) {
    int64_t days = ms / DAY_MS;
    add_months(m, m->precision == TO_YEAR ? days / 365 * 12 : days / 30);
    return MOMENT_ADDED;
}

/* Moves a date, by whole days when it has no time. */
static enum moment_sum add_to_date(moment *m, int64_t ms) {
    int64_t rest;
    int64_t sum;
    int32_t finer = m->nanosecond % NS_PER_MS;
    if (m->precision == TO_DAY)
        ms -= ms % DAY_MS;
    if (__builtin_add_overflow(local_ms(m), ms, &sum))
        return MOMENT_OUT_OF_RANGE;
    set_date(m, divide_down(sum, DAY_MS, &rest));
    set_time(m, rest);
    m->nanosecond += finer;
    return in_range(m);
}

/* The milliseconds of an amount of a unit; false when they don't fit. */
static bool duration_ms(decimal amount, const struct duration *unit, int64_t *ms) {
    decimal product;
    if (!decimal_multiply(amount, decimal_of(unit->ms), &product))
        return false;
    return decimal_whole(product, TOWARD_ZERO, ms);
}

enum moment_sum moment_add(moment *m, enum fhirpath_kind kind, decimal amount, const char *unit) {
    int64_t whole;
    int64_t ms;
    const struct duration *duration = duration_of(unit);
    if (duration == NULL)
        return MOMENT_NO_DURATION;
    if (!decimal_whole(amount, TOWARD_ZERO, &whole))
        return MOMENT_OUT_OF_RANGE;
    if (kind == FHIRPATH_TIME && !duration->in_time)
        return MOMENT_NO_DURATION;
    if (duration->months > 0)
        return add_calendar(m, whole, duration);
    if (!duration_ms(duration->fractions ? amount : decimal_of(whole), duration, &ms))
        return MOMENT_OUT_OF_RANGE;
    if (kind == FHIRPATH_TIME)
        return add_to_time(m, ms);
    if (m->precision < TO_DAY)
        return add_to_partial(m, ms);
    return add_to_date(m, ms);
}

moment moment_of_clock(int64_t ms, int zone_minutes) {
    moment m = { .precision = TO_MILLISECOND,
                 .fraction_digits = 3,
                 .has_zone = true,
                 .zone_minutes = (int16_t)zone_minutes };
    int64_t rest;
    set_date(&m, divide_down(ms + zone_minutes * MINUTE_MS, DAY_MS, &rest));
    set_time(&m, rest);
    return m;
}
