/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of an evaluation, and the parts of dates and times. */
#include "core/base/date.h"
#include "core/fhirpath/internal.h"

#include <string.h>

#define CALL(name)                                                                                 \
    static bool name(struct evaluation *e, const struct expression *x, const collection *in,       \
                     collection *out)

/* The moment of this evaluation in its zone. */
static moment now_of(const struct evaluation *e) {
    const int64_t day_ms = 86400000;
    int64_t local = e->context->now_ms + e->context->now_zone_minutes * INT64_C(60000);
    int64_t days = (local >= 0 ? local : local - (day_ms - 1)) / day_ms;
    int64_t rest = local - days * day_ms;
    int year;
    int month;
    int day;
    date_from_days(days, &year, &month, &day);
    return (moment) { .year = year,
                      .month = (int8_t)month,
                      .day = (int8_t)day,
                      .hour = (int8_t)(rest / 3600000),
                      .minute = (int8_t)(rest / 60000 % 60),
                      .second = (int8_t)(rest / 1000 % 60),
                      .precision = 7,
                      .has_zone = true,
                      .zone_minutes = (int16_t)e->context->now_zone_minutes,
                      .nanosecond = (int32_t)(rest % 1000) * 1000000,
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
