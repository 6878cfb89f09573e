/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of an evaluation, and the parts of dates and times. */
#include "core/fhirpath/internal.h"

#include <string.h>
#include <time.h>

#define CALL(name)                                                                                 \
    static bool name(struct evaluation *e, const struct expression *x, const collection *in,       \
                     collection *out)

/* The moment of this evaluation in its zone. */
static moment now_of(const struct evaluation *e) {
    int64_t ms = e->context->now_ms, local = ms + e->context->now_zone_minutes * INT64_C(60000);
    time_t seconds = (time_t)(local / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return (moment) { .year = tm.tm_year + 1900,
                      .month = (int8_t)(tm.tm_mon + 1),
                      .day = (int8_t)tm.tm_mday,
                      .hour = (int8_t)tm.tm_hour,
                      .minute = (int8_t)tm.tm_min,
                      .second = (int8_t)tm.tm_sec,
                      .precision = 7,
                      .has_zone = true,
                      .zone_minutes = (int16_t)e->context->now_zone_minutes,
                      .nanosecond = (int32_t)(local % 1000) * 1000000,
                      .fraction_digits = 3 };
}
CALL(do_now) {
    return (void)x, (void)in, push(e, out, of_kind_moment(FHIRPATH_DATETIME, now_of(e)));
}
CALL(do_today) {
    moment m = now_of(e);
    m.precision = 3;
    m.has_zone = false;
    return (void)x, (void)in, push(e, out, of_kind_moment(FHIRPATH_DATE, m));
}
CALL(do_time_of_day) {
    moment m = now_of(e);
    m.has_zone = false;
    return (void)x, (void)in, push(e, out, of_kind_moment(FHIRPATH_TIME, m));
}

/* yearOf, monthOf ... by name: the part, when the value is that precise. */
static bool part(struct evaluation *e, const struct expression *x, const collection *in,
                 collection *out) {
    static const struct {
        const char *name;
        int precision;
    } parts[] = { { "yearOf", 1 },        { "monthOf", 2 },          { "dayOf", 3 },
                  { "hourOf", 4 },        { "minuteOf", 5 },         { "secondOf", 6 },
                  { "millisecondOf", 7 }, { "timezoneOffsetOf", 8 }, { "dateOf", 9 },
                  { "timeOf", 10 } };
    value v;
    bool found;
    if (!single(e, x, in, &v, &found))
        return false;
    if (!found ||
        (v.kind != FHIRPATH_DATE && v.kind != FHIRPATH_DATETIME && v.kind != FHIRPATH_TIME))
        return true;
    int which = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].name, x->name))
            which = parts[i].precision;
    moment m = v.moment;
    if (which == 8)
        return !m.has_zone || push(e, out, of_decimal((decimal) { m.zone_minutes * 10 / 6, 2 }));
    if (which == 9 || which == 10) {
        m.has_zone = false;
        if (which == 9 && m.precision > 3)
            m.precision = 3;
        if (v.kind == FHIRPATH_TIME || (which == 10 && m.precision < 4))
            return true;
        return push(e, out, of_kind_moment(which == 9 ? FHIRPATH_DATE : FHIRPATH_TIME, m));
    }
    const int64_t values[] = { 0,      m.year,   m.month,  m.day,
                               m.hour, m.minute, m.second, m.nanosecond / 1000000 };
    if (m.precision < which || (v.kind == FHIRPATH_TIME && which < 4))
        return true;
    return push(e, out, of_integer(values[which]));
}

const struct function functions_moment[] = {
    { "now", 0, 0, do_now },
    { "today", 0, 0, do_today },
    { "timeOfDay", 0, 0, do_time_of_day },
    { "yearOf", 0, 0, part },
    { "monthOf", 0, 0, part },
    { "dayOf", 0, 0, part },
    { "hourOf", 0, 0, part },
    { "minuteOf", 0, 0, part },
    { "secondOf", 0, 0, part },
    { "millisecondOf", 0, 0, part },
    { "timezoneOffsetOf", 0, 0, part },
    { "dateOf", 0, 0, part },
    { "timeOf", 0, 0, part },
    { NULL, 0, 0, NULL },
};
