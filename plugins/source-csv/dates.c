/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times of cells: what is read stops at the first byte that does not fit. */
#include "dates.h"

#include <iptfhir/date.h>
#include <string.h>

int64_t dates_day(int year, int month, int day) {
    if (year < 1800 || year > 2200 || !iptfhir_date_exists(year, month, day))
        return INT64_MIN;
    return iptfhir_date_to_days(year, month, day);
}

/* A text that is read from its beginning. What doesn't fit makes it bad, and all after it reads 0.
 */
struct reader {
    const char *at;
    const char *end;
    bool bad;
};

static bool is_digit(const struct reader *t) {
    return t->at < t->end && *t->at >= '0' && *t->at <= '9';
}

static bool is_at(const struct reader *t, char c) {
    return t->at < t->end && *t->at == c;
}

/* Takes a number of `least` to `most` digits, behind which no digit stands. */
static int take_number(struct reader *t, int least, int most) {
    int value = 0;
    int digits = 0;
    while (is_digit(t) && digits < most) {
        value = value * 10 + (*t->at - '0');
        t->at++;
        digits++;
    }
    t->bad |= digits < least;
    t->bad |= is_digit(t);
    return t->bad ? 0 : value;
}

/* Takes one byte that must be there. */
static void take_byte(struct reader *t, char c) {
    bool there = is_at(t, c);
    t->bad |= !there;
    t->at += there;
}

/* ---- dates ---- */

/* How the numbers of a date stand for an order and a mark between them. */
static const struct layout {
    enum date_order order;
    const char *marks;
    int least[3]; /* digits of each number */
    int most[3];
    int year; /* which of the numbers it is */
    int month;
    int day;
} layouts[] = {
    { ORDER_NONE, "-", { 4, 2, 2 }, { 4, 2, 2 }, 0, 1, 2 },
    { ORDER_YMD, "-", { 4, 2, 2 }, { 4, 2, 2 }, 0, 1, 2 },
    { ORDER_YMD, "/.", { 4, 1, 1 }, { 4, 2, 2 }, 0, 1, 2 },
    { ORDER_DMY, "-/.", { 1, 1, 4 }, { 2, 2, 4 }, 2, 1, 0 },
    { ORDER_MDY, "-/.", { 1, 1, 4 }, { 2, 2, 4 }, 2, 0, 1 },
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* The layout of an order with a mark; NULL: there is none. */
static const struct layout *layout_of(enum date_order order, char mark) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        bool fits = layouts[i].order == order && mark != '\0';
        if (fits && strchr(layouts[i].marks, mark) != NULL)
            return &layouts[i];
    }
    return NULL;
}

/* The first byte that is no digit; '\0': there is none. */
static char mark_of(struct reader t) {
    while (is_digit(&t))
        t.at++;
    return t.at < t.end ? *t.at : '\0';
}

/* Takes a date; INT64_MIN: none is there. */
static int64_t take_date(struct reader *t, enum date_order order) {
    char mark = mark_of(*t);
    const struct layout *layout = layout_of(order, mark);
    int numbers[3] = { 0 };
    if (layout == NULL)
        return INT64_MIN;
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            take_byte(t, mark);
        numbers[i] = take_number(t, layout->least[i], layout->most[i]);
    }
    if (t->bad)
        return INT64_MIN;
    return dates_day(numbers[layout->year], numbers[layout->month], numbers[layout->day]);
}

/* ---- times ---- */

/* Takes an offset such as Z or -05:00, up to 14 hours; nothing when there is none. */
static void take_offset(struct reader *t, struct moment *m) {
    const char *begin = t->at;
    if (is_at(t, 'Z')) {
        t->at++;
    } else if (is_at(t, '+') || is_at(t, '-')) {
        t->at++;
        int hours = take_number(t, 2, 2);
        take_byte(t, ':');
        int minutes = take_number(t, 2, 2);
        t->bad |= minutes > 59;
        t->bad |= hours * 60 + minutes > 14 * 60;
    }
    size_t length = t->bad ? 0 : (size_t)(t->at - begin);
    memcpy(m->offset, begin, length);
}

/* Takes what follows a date: time and offset. */
static void take_time(struct reader *t, struct moment *m) {
    m->has_time = true;
    m->hour = take_number(t, 1, 2);
    take_byte(t, ':');
    m->minute = take_number(t, 2, 2);
    if (is_at(t, ':')) {
        t->at++;
        m->second = take_number(t, 2, 2);
    }
    t->bad = t->bad || m->hour > 23 || m->minute > 59 || m->second > 59;
    take_offset(t, m);
}

bool dates_read(const char *text, size_t length, enum date_order order, struct moment *m) {
    struct reader t = { .at = text, .end = text + length };
    *m = (struct moment) { 0 };
    m->day = take_date(&t, order);
    if (m->day == INT64_MIN)
        return false;
    if (t.at == t.end)
        return true;
    take_byte(&t, is_at(&t, 'T') ? 'T' : ' ');
    take_time(&t, m);
    return !t.bad && t.at == t.end;
}

int dates_minutes(const char *text) {
    struct reader t = { .at = text, .end = text + strlen(text) };
    int hour = take_number(&t, 2, 2);
    take_byte(&t, ':');
    int minute = take_number(&t, 2, 2);
    bool good = !t.bad && t.at == t.end && hour < 24 && minute < 60;
    return good ? hour * 60 + minute : -1;
}
