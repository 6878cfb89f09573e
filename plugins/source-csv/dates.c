/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing dates. */
#include "dates.h"

#include <iptfhir/date.h>
#include <stdio.h>
#include <string.h>

int64_t dates_day(int year, int month, int day) {
    if (year < 1800 || year > 2200 || !iptfhir_date_exists(year, month, day))
        return INT64_MIN;
    return iptfhir_date_to_days(year, month, day);
}

/* Reads a number of `least` to `most` digits. */
static bool number(const char **p, const char *end, int least, int most, int *value) {
    int digits = 0;
    for (*value = 0; *p < end && digits < most && **p >= '0' && **p <= '9'; digits++)
        *value = *value * 10 + (*(*p)++ - '0');
    return digits >= least && !(*p < end && **p >= '0' && **p <= '9');
}

/* Reads one byte that must be there. */
static bool byte(const char **p, const char *end, char c) {
    if (*p >= end || **p != c)
        return false;
    (*p)++;
    return true;
}

/* Reads the date. */
static bool read_date(const char **p, const char *end, enum date_order order, int64_t *day) {
    int a, b, c;
    bool year_first = order == ORDER_NONE || order == ORDER_YMD;
    if (!number(p, end, year_first ? 4 : 1, year_first ? 4 : 2, &a) || *p == end)
        return false;
    char mark = **p;
    if (order == ORDER_NONE ? mark != '-' : !strchr("-/.", mark))
        return false;
    bool two = mark == '-' && year_first;
    if (!byte(p, end, mark) || !number(p, end, two ? 2 : 1, 2, &b) || !byte(p, end, mark) ||
        !number(p, end, year_first ? (two ? 2 : 1) : 4, year_first ? 2 : 4, &c))
        return false;
    *day = year_first           ? dates_day(a, b, c)
           : order == ORDER_DMY ? dates_day(c, b, a)
                                : dates_day(c, a, b);
    return *day != INT64_MIN;
}

/* Reads what follows a date: time and offset. */
static bool read_time(const char **p, const char *end, struct moment *m) {
    if (!number(p, end, 1, 2, &m->hour) || !byte(p, end, ':') || !number(p, end, 2, 2, &m->minute))
        return false;
    if (*p < end && **p == ':' && (!byte(p, end, ':') || !number(p, end, 2, 2, &m->second)))
        return false;
    m->has_time = true;
    if (m->hour > 23 || m->minute > 59 || m->second > 59)
        return false;
    if (end - *p == 1 && **p == 'Z') {
        m->offset[0] = *(*p)++;
    } else if (end - *p == 6 && (**p == '+' || **p == '-')) {
        const char *q = *p + 1;
        int hours, minutes;
        if (!number(&q, end, 2, 2, &hours) || !byte(&q, end, ':') ||
            !number(&q, end, 2, 2, &minutes) || minutes > 59 || hours > 14)
            return false;
        memcpy(m->offset, *p, 6);
        *p = q;
    }
    return *p == end;
}

/* Reads a date, with a time if there is one. */
bool dates_read(const char *text, size_t length, enum date_order order, struct moment *m) {
    const char *p = text, *end = text + length;
    *m = (struct moment) { 0 };
    if (!read_date(&p, end, order, &m->day))
        return false;
    if (p == end)
        return true;
    return (*p == ' ' || *p == 'T') && (p++, read_time(&p, end, m));
}

/* Reads a time of day. */
int dates_minutes(const char *text) {
    const char *p = text, *end = text + strlen(text);
    int hour, minute;
    if (!number(&p, end, 2, 2, &hour) || !byte(&p, end, ':') || !number(&p, end, 2, 2, &minute) ||
        p != end || hour > 23 || minute > 59)
        return -1;
    return hour * 60 + minute;
}
