/* SPDX-License-Identifier: Apache-2.0 */
/* Partial dates and times: parsing, precision-aware comparison, calendar arithmetic. */
#include "core/base/date.h"
#include "core/fhirpath/internal.h"

#include <stdio.h>
#include <string.h>

/* Exactly n digits; -1 otherwise. */
static int number(const char **p, const char *end, int n) {
    int v = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (*p >= end || **p < '0' || **p > '9')
            return -1;
        v = v * 10 + (**p - '0');
    }
    return v;
}

/* True and past it when the next byte is c. */
static bool skip(const char **p, const char *end, char c) {
    return *p < end && **p == c && (*p)++;
}

/* hh[:mm[:ss[.fff]]]. */
static bool parse_time(const char **p, const char *end, moment *m) {
    int v = number(p, end, 2);
    if (v < 0 || v > 23)
        return false;
    m->hour = (int8_t)v;
    m->precision = 4;
    if (!skip(p, end, ':'))
        return true;
    if ((v = number(p, end, 2)) < 0 || v > 59)
        return false;
    m->minute = (int8_t)v;
    m->precision = 5;
    if (!skip(p, end, ':'))
        return true;
    if ((v = number(p, end, 2)) < 0 || v > 59)
        return false;
    m->second = (int8_t)v;
    m->precision = 6;
    if (!skip(p, end, '.'))
        return true;
    int scale = 100000000;
    m->precision = 7;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, m->fraction_digits++) {
        m->nanosecond += (**p - '0') * scale;
        scale /= 10;
    }
    return m->fraction_digits > 0;
}

/* Z or +hh:mm. */
static bool parse_zone(const char **p, const char *end, moment *m) {
    if (skip(p, end, 'Z')) {
        m->has_zone = true;
        return true;
    }
    int sign = skip(p, end, '+') ? 1 : skip(p, end, '-') ? -1 : 0;
    if (!sign)
        return true;
    int h = number(p, end, 2), colon = skip(p, end, ':'), min = number(p, end, 2);
    if (h < 0 || h > 14 || !colon || min < 0 || min > 59)
        return false;
    m->has_zone = true;
    m->zone_minutes = (int16_t)(sign * (h * 60 + min));
    return true;
}

bool moment_parse(const char *text, size_t length, enum fhirpath_kind kind, moment *out) {
    const char *p = text, *end = text + length;
    moment m = { 0 };
    if (kind == FHIRPATH_TIME) {
        skip(&p, end, 'T');
        bool ok = parse_time(&p, end, &m) && p == end;
        *out = m;
        return ok;
    }
    int v = number(&p, end, 4);
    if (v < 0)
        return false;
    m.year = v;
    m.precision = 1;
    m.month = m.day = 1;
    if (skip(&p, end, '-')) {
        if ((v = number(&p, end, 2)) < 1 || v > 12)
            return false;
        m.month = (int8_t)v;
        m.precision = 2;
        if (skip(&p, end, '-')) {
            if ((v = number(&p, end, 2)) < 1 || v > date_month_days(m.year, m.month))
                return false;
            m.day = (int8_t)v;
            m.precision = 3;
        }
    }
    if (kind == FHIRPATH_DATETIME && skip(&p, end, 'T') && p < end) {
        if (m.precision < 3 || !parse_time(&p, end, &m) || !parse_zone(&p, end, &m))
            return false;
    }
    *out = m;
    return p == end;
}

int moment_text(const moment *m, enum fhirpath_kind kind, char out[48]) {
    int n = 0;
    if (kind != FHIRPATH_TIME) {
        n += sprintf(out + n, "%04d", m->year);
        if (m->precision >= 2)
            n += sprintf(out + n, "-%02d", m->month);
        if (m->precision >= 3)
            n += sprintf(out + n, "-%02d", m->day);
        if (m->precision >= 4)
            out[n++] = 'T';
    }
    if (m->precision >= 4)
        n += sprintf(out + n, "%02d", m->hour);
    if (m->precision >= 5)
        n += sprintf(out + n, ":%02d", m->minute);
    if (m->precision >= 6)
        n += sprintf(out + n, ":%02d", m->second);
    if (m->precision >= 7) {
        char f[16];
        sprintf(f, "%09d", m->nanosecond);
        n += sprintf(out + n, ".%.*s",
                     m->fraction_digits > 9 ? 9
                     : m->fraction_digits   ? m->fraction_digits
                                            : 3,
                     f);
    }
    if (m->has_zone && m->precision >= 4) {
        int z = m->zone_minutes;
        n += z ? sprintf(out + n, "%c%02d:%02d", z < 0 ? '-' : '+', (z < 0 ? -z : z) / 60,
                         (z < 0 ? -z : z) % 60)
               : sprintf(out + n, "Z");
    }
    out[n] = '\0';
    return n;
}

/* Sets the date of days since 1970-01-01. */
static void from_days(int64_t days, moment *m) {
    int year;
    int month;
    int day;
    date_from_days(days, &year, &month, &day);
    m->year = year;
    m->month = (int8_t)month;
    m->day = (int8_t)day;
}

/* Seconds since 1970 in UTC. */
static int64_t to_seconds(const moment *m) {
    return iptfhir_date_to_days(m->year, m->month, m->day) * 86400 + m->hour * 3600 +
           m->minute * 60 + m->second - m->zone_minutes * 60;
}

/* The same instant in UTC, for field-wise comparison. */
static moment in_utc(const moment *m) {
    if (!m->has_zone || !m->zone_minutes)
        return *m;
    moment u = *m;
    int64_t s = to_seconds(m), day = s >= 0 ? s / 86400 : (s - 86399) / 86400,
            rest = s - day * 86400;
    from_days(day, &u);
    u.hour = (int8_t)(rest / 3600);
    u.minute = (int8_t)(rest / 60 % 60);
    u.second = (int8_t)(rest % 60);
    u.zone_minutes = 0;
    return u;
}

bool moment_compare(const moment *a, enum fhirpath_kind ka, const moment *b, enum fhirpath_kind kb,
                    int *order, bool *known) {
    if ((ka == FHIRPATH_TIME) != (kb == FHIRPATH_TIME))
        return false;
    bool timed = a->precision >= 4 && b->precision >= 4 && ka != FHIRPATH_TIME;
    moment x = timed && a->has_zone && b->has_zone ? in_utc(a) : *a,
           y = timed && a->has_zone && b->has_zone ? in_utc(b) : *b;
    const int64_t fx[] = { x.year, x.month,  x.day,
                           x.hour, x.minute, x.second * INT64_C(1000000000) + x.nanosecond };
    const int64_t fy[] = { y.year, y.month,  y.day,
                           y.hour, y.minute, y.second * INT64_C(1000000000) + y.nanosecond };
    int px = x.precision > 6 ? 6 : x.precision, py = y.precision > 6 ? 6 : y.precision;
    *order = 0;
    *known = true;
    if (timed && a->has_zone != b->has_zone) { /* only a distance beyond every zone tells */
        int64_t apart = to_seconds(a) - to_seconds(b);
        *known = apart > 14 * 3600 * 2 || apart < -14 * 3600 * 2;
        *order = apart < 0 ? -1 : 1;
        return true;
    }
    for (int i = ka == FHIRPATH_TIME ? 3 : 0; i < 6; i++) {
        if (i >= px || i >= py) {
            *known = px == py;
            return true;
        }
        if (fx[i] != fy[i]) {
            *order = fx[i] < fy[i] ? -1 : 1;
            return true;
        }
    }
    return true;
}

/* Which unit of time a text names: 0 year ... 6 millisecond, 7 week; -1 none. UCUM's a and mo are
 * no calendar units. */
static int unit_of(const char *unit) {
    static const char *const names[][4] = { { "year", "years", "a", NULL },
                                            { "month", "months", "mo", NULL },
                                            { "day", "days", "d", NULL },
                                            { "hour", "hours", "h", NULL },
                                            { "minute", "minutes", "min", NULL },
                                            { "second", "seconds", "s", NULL },
                                            { "millisecond", "milliseconds", "ms", NULL },
                                            { "week", "weeks", "wk", NULL } };
    for (int i = 0; i < 8; i++)
        for (int k = 0; names[i][k]; k++)
            if (!strcmp(names[i][k], unit))
                return i;
    return -1;
}

/* Add months, keeping the day where the month has it. */
static void add_months(moment *m, int64_t months) {
    int64_t total = (int64_t)m->year * 12 + m->month - 1 + months,
            year = total >= 0 ? total / 12 : (total - 11) / 12;
    m->year = (int32_t)year;
    m->month = (int8_t)(total - year * 12 + 1);
    if (m->day > date_month_days(m->year, m->month))
        m->day = (int8_t)date_month_days(m->year, m->month);
}

bool moment_add(moment *m, enum fhirpath_kind kind, decimal amount, const char *unit, bool calendar,
                bool *ok) {
    int u = unit_of(unit);
    *ok = true;
    if (u < 0 || (!calendar && u < 2 && strlen(unit) < 3))
        return false;
    int64_t n, ms;
    decimal thousand;
    if (!decimal_whole(amount, -1, &n)) {
        *ok = false;
        return true;
    }
    static const int64_t ms_of[] = { 0, 0, 86400000, 3600000, 60000, 1000, 1, 604800000 };
    if (kind == FHIRPATH_TIME && (u < 3 || u == 7))
        return false;
    if (u <= 1 &&
        (n > 200000 || n < -200000)) { /* beyond every year, and before the product overflows */
        *ok = false;
        return true;
    }
    if (u <= 1) {
        if (u == 1 && m->precision < 2)
            n /= 12, u = 0;
        add_months(m, u == 0 ? n * 12 : n);
        *ok = m->year >= 1 && m->year <= 9999;
        return true;
    }
    if (u != 5 && u != 6)
        amount = decimal_of(n); /* only seconds have fractions */
    if (!decimal_multiply(amount, decimal_of(ms_of[u]), &thousand) ||
        !decimal_whole(thousand, -1, &ms)) {
        *ok = false;
        return true;
    }
    if (kind == FHIRPATH_TIME) {
        int64_t t = ((m->hour * 60 + m->minute) * 60 + m->second) * INT64_C(1000) +
                    m->nanosecond / 1000000 + ms % 86400000;
        t = ((t % 86400000) + 86400000) % 86400000;
        m->hour = (int8_t)(t / 3600000);
        m->minute = (int8_t)(t / 60000 % 60);
        m->second = (int8_t)(t / 1000 % 60);
        m->nanosecond = (int32_t)(t % 1000) * 1000000;
        return true;
    }
    if (m->precision < 3) { /* a partial date moves by whole units of its precision */
        int64_t days = ms / 86400000;
        add_months(m, m->precision == 1 ? days / 365 * 12 : days / 30);
        return true;
    }
    if (m->precision == 3)
        ms -= ms % 86400000;
    int64_t t = (iptfhir_date_to_days(m->year, m->month, m->day) * 86400 + m->hour * 3600 +
                 m->minute * 60 + m->second) *
                    1000 +
                m->nanosecond / 1000000 + ms;
    int64_t day = t >= 0 ? t / 86400000 : (t - 86399999) / 86400000, rest = t - day * 86400000;
    int32_t fine = m->nanosecond % 1000000;
    from_days(day, m);
    m->hour = (int8_t)(rest / 3600000);
    m->minute = (int8_t)(rest / 60000 % 60);
    m->second = (int8_t)(rest / 1000 % 60);
    m->nanosecond = (int32_t)(rest % 1000) * 1000000 + fine;
    *ok = m->year >= 1 && m->year <= 9999;
    return true;
}
