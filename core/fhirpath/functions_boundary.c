/* SPDX-License-Identifier: Apache-2.0 */
/* Boundaries and precisions of numbers, dates and times (additions of the R4 suite). */
#include "core/base/date.h"
#include "core/fhirpath/internal.h"

#define USUAL_PLACES 8
#define MOST_PLACES 28
#define EARTH_EARLIEST (14 * 60)
#define EARTH_LATEST (-12 * 60)

/* Which boundary is asked for, and with how many digits where a call says so. */
struct boundary {
    const struct call *call;
    bool high;
    bool has_digits;
    int64_t digits;
};

/* The boundary of a number: half a unit of its last place away, cut outwards to fewer places; false
 * when there is none. */
static bool number_boundary(const struct boundary *b, decimal d, decimal *out) {
    const decimal half = { 5, d.scale + 1 };
    int64_t places = b->has_digits ? b->digits : USUAL_PLACES;
    decimal edge;
    if (places < 0 || places > MOST_PLACES)
        return false;
    bool fits = b->high ? decimal_add(d, half, &edge) : decimal_subtract(d, half, &edge);
    return fits && decimal_rescale(edge, (int)places, b->high, out);
}

static void give_number_boundary(const struct boundary *b, const value *v) {
    decimal edge;
    if (number_boundary(b, decimal_value(v), &edge))
        give_decimal(b->call, edge);
}

static void give_quantity_boundary(const struct boundary *b, const value *v) {
    value edge = *v;
    if (number_boundary(b, v->quantity.value, &edge.quantity.value))
        give(b->call, edge);
}

/* How many digits a moment has at each precision: 8 of a date, 17 of a dateTime, 9 of a time. */
static const int date_digits[] = {
    [TO_YEAR] = 4,    [TO_MONTH] = 6,   [TO_DAY] = 8,         [TO_HOUR] = 10,
    [TO_MINUTE] = 12, [TO_SECOND] = 14, [TO_MILLISECOND] = 17
};
static const int time_digits[] = {
    [TO_HOUR] = 2, [TO_MINUTE] = 4, [TO_SECOND] = 6, [TO_MILLISECOND] = 9
};

/* The digits by precision of a kind of moment. */
static const int *digits_of(enum fhirpath_kind kind) {
    return kind == FHIRPATH_TIME ? time_digits : date_digits;
}

/* The precision that a boundary is asked for with; 0 when there is none of so many digits. */
static int asked_precision(const struct boundary *b, enum fhirpath_kind kind) {
    const int *digits = digits_of(kind);
    if (!b->has_digits)
        return kind == FHIRPATH_DATE ? TO_DAY : TO_MILLISECOND;
    for (int p = kind == FHIRPATH_TIME ? TO_HOUR : TO_YEAR; p <= TO_MILLISECOND; p++)
        if (digits[p] == b->digits)
            return p;
    return 0;
}

/* Sets each part of a moment that is missing to its least or most. */
static void fill_moment(moment *m, bool high) {
    static const int8_t least[] = { [TO_MONTH] = 1, [TO_DAY] = 1, [TO_SECOND] = 0 };
    static const int8_t most[] = {
        [TO_MONTH] = 12, [TO_DAY] = 31, [TO_HOUR] = 23, [TO_MINUTE] = 59, [TO_SECOND] = 59
    };
    int8_t *const parts[] = { [TO_MONTH] = &m->month,
                              [TO_DAY] = &m->day,
                              [TO_HOUR] = &m->hour,
                              [TO_MINUTE] = &m->minute,
                              [TO_SECOND] = &m->second };
    const int8_t *edge = high ? most : least;
    for (int p = m->precision + 1; p <= TO_SECOND; p++)
        *parts[p] = edge[p];
    int last = date_month_days(m->year, m->month);
    if (m->day > last)
        m->day = (int8_t)last;
    if (m->precision < TO_MILLISECOND)
        m->nanosecond = high ? 999000000 : 0;
}

/* The boundary of a date or time: every missing part at its least or most. Without a zone it is
 * that of the earliest or the latest place on earth. */
static void give_moment_boundary(const struct boundary *b, const value *v) {
    value edge = *v;
    moment *m = &edge.moment;
    int precision = asked_precision(b, v->kind);
    if (precision == 0)
        return;
    fill_moment(m, b->high);
    m->precision = (int8_t)precision;
    m->fraction_digits = 3;
    if (precision >= TO_HOUR && v->kind != FHIRPATH_TIME) {
        edge.kind = FHIRPATH_DATETIME;
        if (!m->has_zone)
            m->zone_minutes = b->high ? EARTH_LATEST : EARTH_EARLIEST;
        m->has_zone = true;
    }
    give(b->call, edge);
}

static void give_boundary(const struct call *c, bool high) {
    struct boundary b = { .call = c, .high = high };
    value v;
    bool found = single(c->e, c->x, c->in, &v);
    b.has_digits = argument_integer(c, 0, &b.digits);
    if (!found)
        return;
    if (is_number(&v))
        give_number_boundary(&b, &v);
    else if (v.kind == FHIRPATH_QUANTITY)
        give_quantity_boundary(&b, &v);
    else if (is_moment(&v))
        give_moment_boundary(&b, &v);
    else
        evaluation_error(c->e, c->x, "%s() needs a number, a date or a time", c->x->name);
}

static void do_low_boundary(const struct call *c) {
    give_boundary(c, false);
}

static void do_high_boundary(const struct call *c) {
    give_boundary(c, true);
}

static void do_precision(const struct call *c) {
    value v;
    if (!single(c->e, c->x, c->in, &v))
        return;
    if (is_number(&v))
        give_integer(c, decimal_value(&v).scale);
    else if (v.kind == FHIRPATH_QUANTITY)
        give_integer(c, v.quantity.value.scale);
    else if (is_moment(&v))
        give_integer(c, digits_of(v.kind)[v.moment.precision]);
    else
        evaluation_error(c->e, c->x, "precision() needs a number, a date or a time");
}

static void do_comparable(const struct call *c) {
    collection other = { 0 };
    value v;
    value w;
    decimal x;
    decimal y;
    bool found = single(c->e, c->x, c->in, &v);
    argument(c, 0, &other);
    bool has_other = single(c->e, c->x, &other, &w);
    if (!found || !has_other)
        return;
    bool quantities = v.kind == FHIRPATH_QUANTITY && w.kind == FHIRPATH_QUANTITY;
    give_boolean(c, quantities && quantity_common(&v, &w, &x, &y));
}

const struct function functions_boundary[] = {
    { "lowBoundary", 0, 1, do_low_boundary },
    { "highBoundary", 0, 1, do_high_boundary },
    { "precision", 0, 0, do_precision },
    { "comparable", 1, 1, do_comparable },
    { NULL, 0, 0, NULL },
};
