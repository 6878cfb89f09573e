/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of an evaluation, and the parts of dates and times. */
#include "core/fhirpath/internal.h"

/* ---- the clock: it stands still during an evaluation ---- */

static moment now_of(const struct call *c) {
    const struct fhirpath_context *context = c->e->context;
    return moment_of_clock(context->now_ms, context->now_zone_minutes);
}

static void do_now(const struct call *c) {
    give(c, of_kind_moment(FHIRPATH_DATETIME, now_of(c)));
}

static void do_today(const struct call *c) {
    moment m = now_of(c);
    m.precision = TO_DAY;
    m.has_zone = false;
    give(c, of_kind_moment(FHIRPATH_DATE, m));
}

static void do_time_of_day(const struct call *c) {
    moment m = now_of(c);
    m.has_zone = false;
    give(c, of_kind_moment(FHIRPATH_TIME, m));
}

/* ---- parts ---- */

/* The date or time that the input is. */
static bool input_moment(const struct call *c, value *out) {
    return single(c->e, c->x, c->in, out) && is_moment(out);
}

/* Gives a part as a number where the input is that precise. */
static void give_part(const struct call *c, enum precision part) {
    value v;
    if (!input_moment(c, &v))
        return;
    const moment *m = &v.moment;
    const int64_t parts[] = { [TO_YEAR] = m->year,
                              [TO_MONTH] = m->month,
                              [TO_DAY] = m->day,
                              [TO_HOUR] = m->hour,
                              [TO_MINUTE] = m->minute,
                              [TO_SECOND] = m->second,
                              [TO_MILLISECOND] = m->nanosecond / 1000000 };
    bool has_date = v.kind != FHIRPATH_TIME;
    bool known = m->precision >= (int)part;
    if (known && (has_date || part >= TO_HOUR))
        give_integer(c, parts[part]);
}

static void do_year_of(const struct call *c) {
    give_part(c, TO_YEAR);
}

static void do_month_of(const struct call *c) {
    give_part(c, TO_MONTH);
}

static void do_day_of(const struct call *c) {
    give_part(c, TO_DAY);
}

static void do_hour_of(const struct call *c) {
    give_part(c, TO_HOUR);
}

static void do_minute_of(const struct call *c) {
    give_part(c, TO_MINUTE);
}

static void do_second_of(const struct call *c) {
    give_part(c, TO_SECOND);
}

static void do_millisecond_of(const struct call *c) {
    give_part(c, TO_MILLISECOND);
}

/* In hours, with two places. */
static void do_timezone_offset_of(const struct call *c) {
    value v;
    if (input_moment(c, &v) && v.moment.has_zone)
        give_decimal(c, (decimal) { v.moment.zone_minutes * 10 / 6, 2 });
}

static void do_date_of(const struct call *c) {
    value v;
    if (!input_moment(c, &v) || v.kind == FHIRPATH_TIME)
        return;
    v.moment.has_zone = false;
    if (v.moment.precision > TO_DAY)
        v.moment.precision = TO_DAY;
    give(c, of_kind_moment(FHIRPATH_DATE, v.moment));
}

static void do_time_of(const struct call *c) {
    value v;
    if (!input_moment(c, &v))
        return;
    bool has_time = v.kind != FHIRPATH_TIME && v.moment.precision >= TO_HOUR;
    v.moment.has_zone = false;
    if (has_time)
        give(c, of_kind_moment(FHIRPATH_TIME, v.moment));
}

const struct function functions_moment[] = {
    { "now", 0, 0, do_now },
    { "today", 0, 0, do_today },
    { "timeOfDay", 0, 0, do_time_of_day },
    { "yearOf", 0, 0, do_year_of },
    { "monthOf", 0, 0, do_month_of },
    { "dayOf", 0, 0, do_day_of },
    { "hourOf", 0, 0, do_hour_of },
    { "minuteOf", 0, 0, do_minute_of },
    { "secondOf", 0, 0, do_second_of },
    { "millisecondOf", 0, 0, do_millisecond_of },
    { "timezoneOffsetOf", 0, 0, do_timezone_offset_of },
    { "dateOf", 0, 0, do_date_of },
    { "timeOf", 0, 0, do_time_of },
    { NULL, 0, 0, NULL },
};
