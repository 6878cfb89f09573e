/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over numbers (N1 section 5.7), and the boundaries and precisions of numbers, dates and
 * times. */
#include "core/base/date.h"
#include "core/fhirpath/internal.h"

#include <math.h>
#include <string.h>

#define CALL(name)                                                                                 \
    static bool name(struct evaluation *e, const struct expression *x, const collection *in,       \
                     collection *out)

/* The single number of the input as a decimal; *quantity when it is one. */
static bool number(struct evaluation *e, const struct expression *x, const collection *in, value *v,
                   decimal *d, bool *found) {
    if (!single(e, x, in, v, found) || !*found)
        return !error_is_set(e->error);
    if (v->kind == FHIRPATH_INTEGER)
        *d = decimal_of(v->integer);
    else if (v->kind == FHIRPATH_DECIMAL)
        *d = v->decimal;
    else if (v->kind == FHIRPATH_QUANTITY)
        *d = v->quantity.value;
    else
        return evaluation_error(e, x, "%s() needs a number", x->name);
    return true;
}
/* Give a decimal in the shape of the input. */
static bool give(struct evaluation *e, const value *as, decimal d, collection *out) {
    value v = *as;
    int64_t i;
    if (v.kind == FHIRPATH_INTEGER && decimal_whole(d, -1, &i))
        v.integer = i;
    else if (v.kind == FHIRPATH_QUANTITY)
        v.quantity.value = d;
    else
        v = of_decimal(d);
    return push(e, out, v);
}
CALL(do_abs) {
    value v;
    decimal d;
    bool found;
    if (!number(e, x, in, &v, &d, &found))
        return false;
    d.digits = found && d.digits < 0 ? -d.digits : d.digits;
    return !found || give(e, &v, d, out);
}
/* ceiling, floor, truncate. */
static bool whole(struct evaluation *e, const struct expression *x, const collection *in,
                  collection *out, int mode) {
    value v;
    decimal d;
    bool found;
    int64_t i;
    if (!number(e, x, in, &v, &d, &found))
        return false;
    return !found || !decimal_whole(d, mode, &i) || push(e, out, of_integer(i));
}
CALL(do_ceiling) {
    return whole(e, x, in, out, 1);
}
CALL(do_floor) {
    return whole(e, x, in, out, 0);
}
CALL(do_truncate) {
    return whole(e, x, in, out, -1);
}
CALL(do_round) {
    value v;
    decimal d;
    bool found, has = true;
    int64_t places = 0;
    collection c = { 0 };
    if (!number(e, x, in, &v, &d, &found) || !argument(e, x, 0, &c) ||
        (x->arg_count && !single_integer(e, x, &c, &places, &has)))
        return false;
    if (has && places < 0)
        return evaluation_error(e, x, "round() needs a number of places that is not negative");
    if (!found || !has)
        return true;
    d = decimal_round(d, places > 28 ? 28 : (int)places);
    return v.kind == FHIRPATH_QUANTITY ? give(e, &v, d, out) : push(e, out, of_decimal(d));
}
/* A function of real numbers; what isn't finite is empty. */
static bool real(struct evaluation *e, double r, collection *out) {
    decimal d;
    return !isfinite(r) || !decimal_from_double(r, &d) || push(e, out, of_decimal(d));
}
static bool real_of(struct evaluation *e, const struct expression *x, const collection *in,
                    collection *out, double (*f)(double)) {
    value v;
    decimal d;
    bool found;
    if (!number(e, x, in, &v, &d, &found))
        return false;
    return !found || real(e, f(decimal_double(d)), out);
}
CALL(do_exp) {
    return real_of(e, x, in, out, exp);
}
CALL(do_ln) {
    return real_of(e, x, in, out, log);
}
CALL(do_sqrt) {
    return real_of(e, x, in, out, sqrt);
}
CALL(do_log) {
    value v, w;
    decimal d, base;
    bool found, has;
    collection c = { 0 };
    if (!number(e, x, in, &v, &d, &found) || !argument(e, x, 0, &c) ||
        !number(e, x, &c, &w, &base, &has))
        return false;
    return !found || !has || real(e, log(decimal_double(d)) / log(decimal_double(base)), out);
}
CALL(do_power) {
    value v, w;
    decimal d, p, r;
    bool found, has;
    collection c = { 0 };
    if (!number(e, x, in, &v, &d, &found) || !argument(e, x, 0, &c) ||
        !number(e, x, &c, &w, &p, &has))
        return false;
    if (!found || !has)
        return true;
    if (w.kind == FHIRPATH_INTEGER && w.integer >= 0 && w.integer < 256) { /* exact */
        r = decimal_of(1);
        for (int64_t i = 0; i < w.integer; i++)
            if (!decimal_multiply(r, d, &r))
                return true;
        return give(e, &v, r, out);
    }
    return real(e, pow(decimal_double(d), decimal_double(p)), out);
}

/* sum, min, max, avg. */
static bool fold(struct evaluation *e, const struct expression *x, const collection *in,
                 collection *out, bool sum, bool average) {
    collection total = { 0 };
    struct expression plus = { .kind = X_BINARY,
                               .op = OP_ADD,
                               .line = x->line,
                               .column = x->column },
                      by = { .kind = X_BINARY, .op = OP_DIVIDE };
    for (size_t i = 0; i < in->count; i++) {
        collection one = { 0 }, next = { 0 };
        if (!push(e, &one, in->items[i]))
            return false;
        if (!i) {
            total = one;
            continue;
        }
        if (sum) {
            if (!binary(e, &plus, &total, &one, &next))
                return false;
            total = next;
        } else {
            int order;
            bool known;
            if (!value_compare(e, &in->items[i], &total.items[0], &order, &known))
                return evaluation_error(e, x, "%s() cannot order these types", x->name);
            if (known &&
                (average ? order > 0 : order < 0)) /* average: here it means the greatest */
                total = one;
        }
    }
    if (sum && average && in->count) {
        collection n = { 0 };
        return push(e, &n, of_integer((int64_t)in->count)) && binary(e, &by, &total, &n, out);
    }
    return push_all(e, out, &total);
}
CALL(do_sum) {
    return fold(e, x, in, out, true, false);
}
CALL(do_avg) {
    return fold(e, x, in, out, true, true);
}
CALL(do_min) {
    return fold(e, x, in, out, false, false);
}
CALL(do_max) {
    return fold(e, x, in, out, false, true);
}

/* The boundary of a number: half a unit of its last place away, shown with `places`. */
static bool number_boundary(struct evaluation *e, const value *v, decimal d, int64_t places,
                            bool high, collection *out) {
    decimal half = { 5, d.scale + 1 }, r;
    if (places < 0 || places > 28 || !decimal_add(d, half, !high, &r))
        return true;
    __int128 p = 1;
    if (r.scale >
        places) { /* fewer places than the number has: outwards, to where the boundary lies */
        int cut = r.scale - (int)places;
        while (cut-- > 0)
            p *= 10;
        __int128 q = r.digits / p, rest = r.digits % p;
        if (high && rest > 0)
            q++;
        if (!high && rest < 0)
            q--;
        r = (decimal) { q, (int)places };
    }
    while (r.scale < places) {
        if (__builtin_mul_overflow(r.digits, (__int128)10, &r.digits))
            return true;
        r.scale++;
    }
    if (v->kind == FHIRPATH_QUANTITY)
        return give(e, v, r, out);
    return push(e, out, of_decimal(r));
}
/* The precision (1 year ... 7 millisecond) of a number of digits; 0: there is none. */
static int precision_of(bool time, int64_t digits) {
    static const int64_t date_digits[] = { 4, 6, 8, 10, 12, 14, 17 };
    static const int64_t time_digits[] = { 2, 4, 6, 9 };
    const int64_t *list = time ? time_digits : date_digits;
    int count = time ? 4 : 7;
    for (int i = 0; i < count; i++)
        if (list[i] == digits)
            return i + 8 - count;
    return 0;
}

/* The digits that a boundary has when nobody says how many. */
static int64_t usual_digits(enum fhirpath_kind kind) {
    switch (kind) {
    case FHIRPATH_TIME: return 9;
    case FHIRPATH_DATE: return 8;
    default: return 17;
    }
}

/* Sets each part of a moment that is missing to its least or most. */
static void fill_moment(moment *m, bool time, bool high) {
    if (!time && m->precision < 2)
        m->month = high ? 12 : 1;
    if (!time && m->precision < 3)
        m->day = high ? (int8_t)date_month_days(m->year, m->month) : 1;
    if (m->precision < 4)
        m->hour = high ? 23 : 0;
    if (m->precision < 5)
        m->minute = high ? 59 : 0;
    if (m->precision < 6)
        m->second = high ? 59 : 0;
    if (m->precision < 7)
        m->nanosecond = high ? 999000000 : 0;
}

/* The boundary of a date or time: every missing part at its least or most; `digits` of precision (4
 * year ... 17 millisecond). */
static bool moment_boundary(struct evaluation *e, const value *v, int64_t digits, bool has,
                            bool high, collection *out) {
    bool time = v->kind == FHIRPATH_TIME;
    int precision = precision_of(time, has ? digits : usual_digits(v->kind));
    if (precision == 0)
        return true;
    value r = *v;
    moment *m = &r.moment;
    fill_moment(m, time, high);
    m->precision = (int8_t)precision;
    m->fraction_digits = 3;
    if (precision >= 4 && !time) {
        r.kind = FHIRPATH_DATETIME;
        if (!m->has_zone) { /* the earliest and the latest place on earth */
            m->has_zone = true;
            m->zone_minutes = high ? -12 * 60 : 14 * 60;
        }
    }
    return push(e, out, r);
}

/* lowBoundary and highBoundary. */
static bool boundary(struct evaluation *e, const struct expression *x, const collection *in,
                     collection *out, bool high) {
    value v;
    bool found, has = false;
    int64_t places = 8;
    collection c = { 0 };
    if (!single(e, x, in, &v, &found) || !argument(e, x, 0, &c) ||
        (x->arg_count && !single_integer(e, x, &c, &places, &has)))
        return false;
    if (!found)
        return true;
    switch (v.kind) {
    case FHIRPATH_INTEGER:
        return number_boundary(e, &v, decimal_of(v.integer), has ? places : 8, high, out);
    case FHIRPATH_DECIMAL: return number_boundary(e, &v, v.decimal, has ? places : 8, high, out);
    case FHIRPATH_QUANTITY:
        return number_boundary(e, &v, v.quantity.value, has ? places : 8, high, out);
    case FHIRPATH_DATE:
    case FHIRPATH_DATETIME:
    case FHIRPATH_TIME: return moment_boundary(e, &v, places, has, high, out);
    default: return evaluation_error(e, x, "%s() needs a number, a date or a time", x->name);
    }
}
CALL(do_low_boundary) {
    return boundary(e, x, in, out, false);
}
CALL(do_high_boundary) {
    return boundary(e, x, in, out, true);
}
CALL(do_precision) {
    static const int date_digits[] = { 0, 4, 6, 8, 10, 12, 14, 17 },
                     time_digits[] = { 0, 0, 0, 0, 2, 4, 6, 9 };
    value v;
    bool found;
    if (!single(e, x, in, &v, &found))
        return false;
    if (!found)
        return true;
    switch (v.kind) {
    case FHIRPATH_INTEGER: return push(e, out, of_integer(0));
    case FHIRPATH_DECIMAL: return push(e, out, of_integer(v.decimal.scale));
    case FHIRPATH_QUANTITY: return push(e, out, of_integer(v.quantity.value.scale));
    case FHIRPATH_TIME: return push(e, out, of_integer(time_digits[v.moment.precision]));
    case FHIRPATH_DATE:
    case FHIRPATH_DATETIME: return push(e, out, of_integer(date_digits[v.moment.precision]));
    default: return evaluation_error(e, x, "precision() needs a number, a date or a time");
    }
}
CALL(do_comparable) {
    value v, w;
    decimal a, b;
    bool found, has;
    collection c = { 0 };
    if (!single(e, x, in, &v, &found) || !argument(e, x, 0, &c) || !single(e, x, &c, &w, &has))
        return false;
    if (!found || !has)
        return true;
    return push(e, out,
                of_boolean(v.kind == FHIRPATH_QUANTITY && w.kind == FHIRPATH_QUANTITY &&
                           quantity_common(&v, &w, &a, &b)));
}

const struct function functions_number[] = {
    { "abs", 0, 0, do_abs },
    { "ceiling", 0, 0, do_ceiling },
    { "floor", 0, 0, do_floor },
    { "truncate", 0, 0, do_truncate },
    { "round", 0, 1, do_round },
    { "exp", 0, 0, do_exp },
    { "ln", 0, 0, do_ln },
    { "sqrt", 0, 0, do_sqrt },
    { "log", 1, 1, do_log },
    { "power", 1, 1, do_power },
    { "sum", 0, 0, do_sum },
    { "avg", 0, 0, do_avg },
    { "min", 0, 0, do_min },
    { "max", 0, 0, do_max },
    { "lowBoundary", 0, 1, do_low_boundary },
    { "highBoundary", 0, 1, do_high_boundary },
    { "precision", 0, 0, do_precision },
    { "comparable", 1, 1, do_comparable },
    { NULL, 0, 0, NULL },
};
