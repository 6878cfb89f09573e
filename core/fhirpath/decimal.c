/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: 128-bit digits and a scale. */
#include "core/fhirpath/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SCALE 30

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

/* Appends a digit; false when it doesn't fit. */
static bool add_digit(decimal *d, int digit) {
    if (__builtin_mul_overflow(d->digits, (__int128)10, &d->digits))
        return false;
    return !__builtin_add_overflow(d->digits, (__int128)digit, &d->digits);
}

/* Reads digits with at most one point inside; gives where they end, NULL when they don't fit or
 * there are none. */
static const char *read_digits(const char *text, const char *end, decimal *d) {
    const char *at = text;
    bool point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point && at > text) {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        if (d->scale >= MOST_SCALE || !add_digit(d, *at - '0'))
            return NULL;
        if (point)
            d->scale++;
    }
    bool any = at > text && text[0] != '.';
    return any ? at : NULL;
}

/* Multiplies by a power of ten; false when it doesn't fit. */
static bool shift(decimal *d, long exponent) {
    for (; exponent < 0 && d->scale < MOST_SCALE; exponent++)
        d->scale++;
    for (; exponent > 0; exponent--) {
        if (d->scale > 0)
            d->scale--;
        else if (!add_digit(d, 0))
            return false;
    }
    return true;
}

/* Applies an exponent that reaches to the end of the text, `at` standing at its E. */
static bool read_exponent(const char *at, const char *end, decimal *d) {
    char *stop;
    long exponent = strtol(at + 1, &stop, 10);
    if (stop != end || exponent < -MOST_SCALE || exponent > MOST_SCALE)
        return false;
    return shift(d, exponent);
}

bool decimal_parse(const char *text, size_t length, decimal *out) {
    const char *end = text + length;
    bool is_signed = length > 0 && (text[0] == '-' || text[0] == '+');
    bool negative = is_signed && text[0] == '-';
    decimal d = { 0, 0 };
    const char *at = read_digits(is_signed ? text + 1 : text, end, &d);
    if (at == NULL || end[-1] == '.')
        return false;
    if (at < end) {
        bool exponent = *at == 'e' || *at == 'E';
        if (!exponent || !read_exponent(at, end, &d))
            return false;
    }
    if (negative)
        d.digits = -d.digits;
    *out = d;
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
    if (cut > 38)
        return (decimal) { 0, places };
    __int128 p = power_of_ten(cut), half = p / 2, rest = d.digits % p;
    d.digits /= p;
    if (rest >= half)
        d.digits++;
    else if (-rest >= half)
        d.digits--;
    d.scale = places;
    return d;
}

/* Bring both to one scale. */
static bool align(decimal *a, decimal *b) {
    while (a->scale < b->scale) {
        if (__builtin_mul_overflow(a->digits, (__int128)10, &a->digits))
            return false;
        a->scale++;
    }
    while (b->scale < a->scale) {
        if (__builtin_mul_overflow(b->digits, (__int128)10, &b->digits))
            return false;
        b->scale++;
    }
    return true;
}

bool decimal_add(decimal a, decimal b, bool subtract, decimal *out) {
    if (!align(&a, &b))
        return false;
    out->scale = a.scale;
    return subtract ? !__builtin_sub_overflow(a.digits, b.digits, &out->digits)
                    : !__builtin_add_overflow(a.digits, b.digits, &out->digits);
}

bool decimal_multiply(decimal a, decimal b, decimal *out) {
    if (__builtin_mul_overflow(a.digits, b.digits, &out->digits)) {
        a = decimal_trim(a);
        b = decimal_trim(b);
        if (__builtin_mul_overflow(a.digits, b.digits, &out->digits))
            return false;
    }
    out->scale = a.scale + b.scale;
    if (out->scale > MOST_SCALE)
        *out = decimal_round(*out, MOST_SCALE);
    return true;
}

bool decimal_divide(decimal a, decimal b, decimal *out) {
    if (!b.digits)
        return false;
    b = decimal_trim(b);
    __int128 whole = a.digits / b.digits, rest = a.digits % b.digits;
    int scale = a.scale - b.scale;
    /* One digit at a time: exact, and never larger than the quotient. */
    while (scale < 17) {
        __int128 more;
        if (__builtin_mul_overflow(rest, (__int128)10, &more) ||
            __builtin_mul_overflow(whole, (__int128)10, &whole))
            return false;
        whole += more / b.digits;
        rest = more % b.digits;
        scale++;
    }
    *out = decimal_trim(decimal_round((decimal) { whole, scale }, 16));
    return true;
}

int decimal_compare(decimal a, decimal b) {
    if (!align(&a, &b)) { /* far apart, or both huge: the sign and the size decide */
        double x = decimal_double(a), y = decimal_double(b);
        return x < y ? -1 : x > y;
    }
    return a.digits < b.digits ? -1 : a.digits > b.digits;
}

double decimal_double(decimal d) {
    return (double)d.digits / pow(10, d.scale);
}

bool decimal_from_double(double d, decimal *out) {
    char text[64];
    if (!isfinite(d) || fabs(d) > 1e27)
        return false;
    snprintf(text, sizeof text, "%.15f", d);
    size_t length = strlen(text);
    char digits[64];
    snprintf(digits, sizeof digits, "%.15g", d);
    if (!strpbrk(digits, "eE") && decimal_parse(digits, strlen(digits), out))
        return true;
    if (!decimal_parse(text, length, out))
        return false;
    *out = decimal_trim(*out);
    return true;
}

int decimal_text(decimal d, char out[64]) {
    char digits[48];
    int n = 0;
    unsigned __int128 u = d.digits < 0 ? -(unsigned __int128)d.digits : (unsigned __int128)d.digits;
    do
        digits[n++] = (char)('0' + (int)(u % 10));
    while ((u /= 10) && n < 40);
    while (n <= d.scale && n < 46)
        digits[n++] = '0';
    int at = 0;
    if (d.digits < 0)
        out[at++] = '-';
    while (n-- > 0) {
        out[at++] = digits[n];
        if (n == d.scale && d.scale > 0)
            out[at++] = '.';
    }
    out[at] = '\0';
    return at;
}

bool decimal_whole(decimal d, int mode, int64_t *out) {
    __int128 p = power_of_ten(d.scale), whole = d.digits / p, rest = d.digits % p;
    if (mode == 0 && rest < 0)
        whole--;
    if (mode == 1 && rest > 0)
        whole++;
    if (whole > INT64_MAX || whole < INT64_MIN)
        return false;
    *out = (int64_t)whole;
    return true;
}
