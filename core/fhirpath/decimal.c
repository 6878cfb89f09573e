/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: 128-bit digits and a scale. */
#include "core/fhirpath/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SCALE 30
#define MOST_DIGITS 38 /* of 128 bits */
#define QUOTIENT_PLACES 16

/* Ten to a small power. */
static __int128 power_of_ten(int n) {
    __int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

decimal decimal_of(int64_t i) {
    return (decimal) { i, 0 };
}

decimal decimal_negate(decimal d) {
    d.digits = -d.digits;
    return d;
}

/* Multiplies digits by ten; false when they don't fit. */
static bool times_ten(__int128 *digits) {
    return !__builtin_mul_overflow(*digits, (__int128)10, digits);
}

/* Appends a digit; false when it doesn't fit. */
static bool add_digit(decimal *d, int digit) {
    if (!times_ten(&d->digits))
        return false;
    return !__builtin_add_overflow(d->digits, (__int128)digit, &d->digits);
}

/* Appends the digits from `at` on, each counting as `places` of the fraction; returns where they
 * end, NULL when they don't fit. */
static const char *read_digits(const char *at, const char *end, int places, decimal *d) {
    for (; at < end; at++) {
        int digit = *at - '0';
        if (digit < 0 || digit > 9)
            break;
        if (d->scale >= MOST_SCALE || !add_digit(d, digit))
            return NULL;
        d->scale += places;
    }
    return at;
}

/* Reads digits with a fraction; returns where they end, NULL when they don't fit or there are
 * none. */
static const char *read_number(const char *text, const char *end, decimal *d) {
    const char *at = read_digits(text, end, 0, d);
    if (at == text || at == NULL)
        return NULL;
    if (at < end && *at == '.')
        at = read_digits(at + 1, end, 1, d);
    return at;
}

/* Multiplies by a power of ten; false when it doesn't fit. */
static bool shift(decimal *d, long exponent) {
    for (; exponent < 0 && d->scale < MOST_SCALE; exponent++)
        d->scale++;
    for (; exponent > 0 && d->scale > 0; exponent--)
        d->scale--;
    for (; exponent > 0; exponent--)
        if (!add_digit(d, 0))
            return false;
    return true;
}

/* Applies an exponent that reaches to the end of the text, `at` standing at its E. */
static bool read_exponent(const char *at, const char *end, decimal *d) {
    if (*at != 'e' && *at != 'E')
        return false;
    char *stop;
    long exponent = strtol(at + 1, &stop, 10);
    if (stop != end)
        return false;
    bool small = exponent >= -MOST_SCALE && exponent <= MOST_SCALE;
    return small && shift(d, exponent);
}

bool decimal_parse(const char *text, size_t length, decimal *out) {
    const char *end = text + length;
    decimal d = { 0, 0 };
    bool negative = length > 0 && *text == '-';
    bool positive = length > 0 && *text == '+';
    if (negative || positive)
        text++;
    const char *at = read_number(text, end, &d);
    if (at == NULL || end[-1] == '.')
        return false;
    if (at < end && !read_exponent(at, end, &d))
        return false;
    *out = negative ? decimal_negate(d) : d;
    return true;
}

decimal decimal_trim(decimal d) {
    while (d.scale > 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.scale--;
    }
    return d;
}

decimal decimal_round(decimal d, int places) {
    if (d.scale <= places)
        return d;
    int cut = d.scale - places;
    if (cut > MOST_DIGITS)
        return (decimal) { 0, places };
    __int128 unit = power_of_ten(cut);
    __int128 half = unit / 2;
    __int128 rest = d.digits % unit;
    d.digits /= unit;
    d.scale = places;
    if (rest >= half)
        d.digits++;
    else if (-rest >= half)
        d.digits--;
    return d;
}

/* Gives a decimal more places without changing its value; false when it doesn't fit. */
static bool widen(decimal *d, int places) {
    while (d->scale < places) {
        if (!times_ten(&d->digits))
            return false;
        d->scale++;
    }
    return true;
}

bool decimal_rescale(decimal d, int places, bool upwards, decimal *out) {
    *out = d;
    if (d.scale <= places)
        return widen(out, places);
    __int128 unit = power_of_ten(d.scale - places);
    __int128 rest = d.digits % unit;
    *out = (decimal) { d.digits / unit, places };
    if (upwards && rest > 0)
        out->digits++;
    if (!upwards && rest < 0)
        out->digits--;
    return true;
}

/* Brings both to one scale; false when one doesn't fit. */
static bool align(decimal *a, decimal *b) {
    return widen(a, b->scale) && widen(b, a->scale);
}

bool decimal_add(decimal a, decimal b, decimal *out) {
    if (!align(&a, &b))
        return false;
    out->scale = a.scale;
    return !__builtin_add_overflow(a.digits, b.digits, &out->digits);
}

bool decimal_subtract(decimal a, decimal b, decimal *out) {
    if (!align(&a, &b))
        return false;
    out->scale = a.scale;
    return !__builtin_sub_overflow(a.digits, b.digits, &out->digits);
}

bool decimal_multiply(decimal a, decimal b, decimal *out) {
    if (__builtin_mul_overflow(a.digits, b.digits, &out->digits)) {
        a = decimal_trim(a);
        b = decimal_trim(b);
        if (__builtin_mul_overflow(a.digits, b.digits, &out->digits))
            return false;
    }
    out->scale = a.scale + b.scale;
    *out = decimal_round(*out, MOST_SCALE);
    return true;
}

bool decimal_divide(decimal a, decimal b, decimal *out) {
    if (b.digits == 0)
        return false;
    b = decimal_trim(b);
    decimal q = { a.digits / b.digits, a.scale - b.scale };
    __int128 rest = a.digits % b.digits;
    /* One digit at a time: exact, and never larger than the quotient. One place more than is kept
     * decides the rounding. */
    while (q.scale <= QUOTIENT_PLACES) {
        if (!times_ten(&rest) || !times_ten(&q.digits))
            return false;
        q.digits += rest / b.digits;
        rest %= b.digits;
        q.scale++;
    }
    *out = decimal_trim(decimal_round(q, QUOTIENT_PLACES));
    return true;
}

int decimal_compare(decimal a, decimal b) {
    decimal x = a;
    decimal y = b;
    if (align(&x, &y))
        return (x.digits > y.digits) - (x.digits < y.digits);
    /* One is too large for the places of the other: their size in floating point tells. */
    double p = decimal_double(a);
    double q = decimal_double(b);
    return (p > q) - (p < q);
}

double decimal_double(decimal d) {
    return (double)d.digits / pow(10, d.scale);
}

/* Tells whether a double has too many digits for a decimal, or none. */
static bool is_beyond(double d) {
    return !isfinite(d) || fabs(d) > 1e27;
}

bool decimal_from_double(double d, decimal *out) {
    char text[64];
    if (is_beyond(d))
        return false;
    int length = snprintf(text, sizeof text, "%.15g", d);
    bool scientific = strpbrk(text, "eE") != NULL;
    if (!scientific && decimal_parse(text, (size_t)length, out))
        return true;
    length = snprintf(text, sizeof text, "%.15f", d);
    if (!decimal_parse(text, (size_t)length, out))
        return false;
    *out = decimal_trim(*out);
    return true;
}

/* Writes the digits of a number, last one first, at least `least` of them; returns how many. */
static int digits_backwards(unsigned __int128 number, int least, char out[48]) {
    int n = 0;
    while (number > 0 || n < least) {
        out[n++] = (char)('0' + (int)(number % 10));
        number /= 10;
    }
    return n;
}

int decimal_text(decimal d, char out[64]) {
    char digits[48];
    bool negative = d.digits < 0;
    unsigned __int128 size = (unsigned __int128)d.digits;
    int n = digits_backwards(negative ? -size : size, d.scale + 1, digits);
    int at = 0;
    if (negative)
        out[at++] = '-';
    while (n-- > 0) {
        out[at++] = digits[n];
        if (n > 0 && n == d.scale)
            out[at++] = '.';
    }
    out[at] = '\0';
    return at;
}

bool decimal_whole(decimal d, enum rounding rounding, int64_t *out) {
    __int128 unit = power_of_ten(d.scale);
    __int128 whole = d.digits / unit;
    __int128 rest = d.digits % unit;
    if (rounding == TO_FLOOR && rest < 0)
        whole--;
    if (rounding == TO_CEILING && rest > 0)
        whole++;
    *out = (int64_t)whole;
    return whole == *out;
}
