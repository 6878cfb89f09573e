/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of JSON. */
#include "core/tree/number.h"

#include <string.h>

/* Passes over digits; false when there are none. */
static bool digits(const char **at, const char *end) {
    const char *first = *at;
    while (*at < end && **at >= '0' && **at <= '9')
        (*at)++;
    return *at > first;
}

/* Passes over one of some characters when it is the next one. */
static bool one_of(const char **at, const char *end, const char *characters) {
    bool is = *at < end && **at != '\0' && strchr(characters, **at) != NULL;
    if (is)
        (*at)++;
    return is;
}

bool number_scan(const char **at, const char *end, const char **expected) {
    *expected = "expected a digit";
    one_of(at, end, "-");
    const char *whole = *at;
    if (!digits(at, end))
        return false;
    if (*whole == '0' && *at > whole + 1) {
        *expected = "a number must not begin with 0 before other digits";
        *at = whole;
        return false;
    }
    *expected = "expected a digit behind the decimal point";
    if (one_of(at, end, ".") && !digits(at, end))
        return false;
    *expected = "expected a digit in the exponent";
    if (!one_of(at, end, "eE"))
        return true;
    one_of(at, end, "+-");
    return digits(at, end);
}

bool number_is(const char *text) {
    const char *end = text + strlen(text);
    const char *expected;
    return number_scan(&text, end, &expected) && text == end;
}
