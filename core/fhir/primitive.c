/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of R4's primitives, checked by hand: R4's regular expressions, and dates that exist.
 */
#include "core/base/clock.h"
#include "core/fhir/validate.h"

#include <string.h>

#define STRING_MAX (1024u * 1024u) /* R4: strings are at most 1 MB */

enum byte_class { SPACE = 1, DIGIT = 2, ID = 4, BASE64 = 8, HEX = 16, CONTROL = 32 };

static const uint8_t classes[256] = {
    [0 ... 8] = CONTROL,
    ['\t'] = SPACE,
    ['\n'] = SPACE,
    [11 ... 12] = CONTROL,
    ['\r'] = SPACE,
    [14 ... 31] = CONTROL,
    [' '] = SPACE,
    ['+'] = BASE64,
    ['-'] = ID,
    ['.'] = ID,
    ['/'] = BASE64,
    ['0' ... '9'] = DIGIT | ID | BASE64 | HEX,
    ['='] = BASE64,
    ['A' ... 'Z'] = ID | BASE64,
    ['a' ... 'f'] = ID | BASE64 | HEX,
    ['g' ... 'z'] = ID | BASE64,
};

/* The class of a byte. */
static inline uint8_t class_of(char c) {
    return classes[(unsigned char)c];
}

/* True when any of eight bytes is below `limit` (1..128). */
static inline bool any_below(uint64_t word, uint8_t limit) {
    const uint64_t ones = UINT64_MAX / 255;
    return ((word - ones * limit) & ~word & (ones * 128)) != 0;
}

/* True when no byte is below `limit`. */
static bool none_below(const char *text, size_t length, uint8_t limit) {
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        if (any_below(word, limit))
            return false;
    }
    for (; i < length; i++)
        if ((unsigned char)text[i] < limit)
            return false;
    return true;
}

/* True when all bytes have one of the classes. */
static bool all_of(const char *text, size_t length, uint8_t wanted) {
    for (size_t i = 0; i < length; i++)
        if ((class_of(text[i]) & wanted) == 0)
            return false;
    return true;
}

/* Checks a string: not empty, no control characters but tab and line ends. */
static bool is_string(const char *text, size_t length) {
    if (length == 0 || length > STRING_MAX)
        return false;
    if (none_below(text, length, ' '))
        return true;
    for (size_t i = 0; i < length; i++)
        if (class_of(text[i]) == CONTROL)
            return false;
    return true;
}

/* Checks a code: no white space at the ends and no two in a row. */
static bool is_code(const char *text, size_t length) {
    if (length == 0)
        return false;
    if (none_below(text, length, '!'))
        return true;
    bool space = true;
    for (size_t i = 0; i < length; i++) {
        uint8_t class = class_of(text[i]);
        if (class == CONTROL || (class == SPACE && space))
            return false;
        space = class == SPACE;
    }
    return !space;
}

/* Checks a URI: no white space. */
static bool is_uri(const char *text, size_t length) {
    return length > 0 && none_below(text, length, '!');
}

/* Reads `digits` digits at *at; -1 when there are fewer. */
static int digits_at(const char *text, size_t length, size_t *at, size_t digits) {
    if (*at + digits > length)
        return -1;
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = text[*at + i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *at += digits;
    return value;
}

/* Steps over one character. */
static bool step(const char *text, size_t length, size_t *at, char wanted) {
    if (*at >= length || text[*at] != wanted)
        return false;
    (*at)++;
    return true;
}

/* Steps over digits; returns how many. */
static size_t step_digits(const char *text, size_t length, size_t *at) {
    size_t first = *at;
    while (*at < length && (class_of(text[*at]) & DIGIT) != 0)
        (*at)++;
    return *at - first;
}

/* Steps over a whole number without leading zeros; false when there is none. */
static bool step_number(const char *text, size_t length, size_t *at) {
    size_t first = *at;
    size_t count = step_digits(text, length, at);
    return count == 1 || (count > 1 && text[first] != '0');
}

/* Reads a date at *at; returns its parts (1 year, 2 month, 3 day), 0 when it is none. */
static int read_date(const char *text, size_t length, size_t *at) {
    int year = digits_at(text, length, at, 4);
    if (year < 1)
        return 0;
    if (!step(text, length, at, '-'))
        return 1;
    int month = digits_at(text, length, at, 2);
    if (month < 1 || month > 12)
        return 0;
    if (!step(text, length, at, '-'))
        return 2;
    int day = digits_at(text, length, at, 2);
    return day > 0 && iptfhir_date_exists(year, month, day) ? 3 : 0;
}

/* Reads a number of two digits and at most `most` at *at; false when there is none. */
static bool read_part(const char *text, size_t length, size_t *at, int most) {
    int value = digits_at(text, length, at, 2);
    return value >= 0 && value <= most;
}

/* Reads hh:mm:ss[.fraction] at *at. */
static bool read_time(const char *text, size_t length, size_t *at) {
    if (!read_part(text, length, at, 23) || !step(text, length, at, ':'))
        return false;
    if (!read_part(text, length, at, 59) || !step(text, length, at, ':'))
        return false;
    if (!read_part(text, length, at, 60))
        return false;
    return !step(text, length, at, '.') || step_digits(text, length, at) > 0;
}

/* Reads Z or an offset of at most 14 hours at *at. */
static bool read_zone(const char *text, size_t length, size_t *at) {
    if (step(text, length, at, 'Z'))
        return true;
    if (!step(text, length, at, '+') && !step(text, length, at, '-'))
        return false;
    int hour = digits_at(text, length, at, 2);
    if (hour < 0 || !step(text, length, at, ':'))
        return false;
    int minute = digits_at(text, length, at, 2);
    return minute >= 0 && minute <= 59 && (hour <= 13 || (hour == 14 && minute == 0));
}

/* Checks a date of any precision. */
static bool is_date(const char *text, size_t length) {
    size_t at = 0;
    return read_date(text, length, &at) > 0 && at == length;
}

/* Checks a date, or a date and time with its offset. */
static bool is_datetime(const char *text, size_t length) {
    size_t at = 0;
    int parts = read_date(text, length, &at);
    if (parts == 0 || at == length)
        return parts > 0;
    return parts == 3 && step(text, length, &at, 'T') && read_time(text, length, &at) &&
           read_zone(text, length, &at) && at == length;
}

/* Checks a date and time with its offset. */
static bool is_instant(const char *text, size_t length) {
    return length > 10 && is_datetime(text, length);
}

/* Reads two digits. */
static int two(const char *text) {
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* Counts the seconds of an instant. */
bool instant_seconds(const char *text, int64_t *seconds) {
    size_t length = strlen(text);
    if (length < 20 || !is_instant(text, length))
        return false;
    const char *zone = text + 19 + strcspn(text + 19, "Z+-");
    int year = two(text) * 100 + two(text + 2);
    int64_t day = iptfhir_date_to_days(year, two(text + 5), two(text + 8));
    *seconds = day * 86400 + two(text + 11) * 3600 + two(text + 14) * 60 + two(text + 17);
    if (*zone == '+' || *zone == '-')
        *seconds += (*zone == '+' ? -1 : 1) * (two(zone + 1) * 3600 + two(zone + 4) * 60);
    return true;
}

/* Checks a time of day. */
static bool is_time(const char *text, size_t length) {
    size_t at = 0;
    return read_time(text, length, &at) && at == length;
}

/* Checks a whole number within 32 bits and at least `least`. */
static bool is_whole(const char *text, size_t length, int64_t least) {
    bool minus = length > 0 && text[0] == '-';
    size_t first = minus ? 1 : 0, count = length - first;
    if (count == 0 || count > 10 || !all_of(text + first, count, DIGIT) ||
        (count > 1 && text[first] == '0'))
        return false;
    int64_t value = 0;
    for (size_t i = first; i < length; i++)
        value = value * 10 + (text[i] - '0');
    value = minus ? -value : value;
    return value >= least && value <= INT32_MAX;
}

/* Checks a decimal. */
static bool is_decimal(const char *text, size_t length) {
    size_t at = 0;
    step(text, length, &at, '-');
    if (!step_number(text, length, &at))
        return false;
    if (step(text, length, &at, '.') && step_digits(text, length, &at) == 0)
        return false;
    bool exponent = step(text, length, &at, 'e') || step(text, length, &at, 'E');
    if (exponent) {
        if (!step(text, length, &at, '+'))
            step(text, length, &at, '-');
        if (step_digits(text, length, &at) == 0)
            return false;
    }
    return at == length;
}

/* Checks "urn:oid:" and at least two arcs. */
static bool is_oid(const char *text, size_t length) {
    if (length < 11 || memcmp(text, "urn:oid:", 8) != 0)
        return false;
    if (text[8] < '0' || text[8] > '2')
        return false;
    size_t at = 9;
    while (at < length)
        if (!step(text, length, &at, '.') || !step_number(text, length, &at))
            return false;
    return true;
}

/* Checks "urn:uuid:" and a UUID in lower case. */
static bool is_uuid(const char *text, size_t length) {
    if (length != 45 || memcmp(text, "urn:uuid:", 9) != 0)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[9 + i] != '-' : (class_of(text[9 + i]) & HEX) == 0)
            return false;
    }
    return true;
}

/* Checks base64: groups of four, white space between them allowed. */
static bool is_base64(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t class = class_of(text[i]);
        if (class == SPACE && count % 4 == 0)
            continue;
        if ((class & BASE64) == 0)
            return false;
        count++;
    }
    return count > 0 && count % 4 == 0;
}

/* Tells whether a part stands in a text. */
static bool has_part(const char *text, size_t length, const char *part) {
    return memmem(text, length, part, strlen(part)) != NULL;
}

/* Tells whether there is an image, or a character between the tags that isn't white space. */
static bool says_something(const char *text, size_t length) {
    bool tag = false;
    if (has_part(text, length, "<img"))
        return true;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<')
            tag = true;
        else if (!tag && class_of(text[i]) != SPACE)
            return true;
        else if (text[i] == '>')
            tag = false;
    }
    return false;
}

/* Checks a narrative: one div in the XHTML name space that says something, no scripts (txt-1,
 * txt-2). */
static bool is_xhtml(const char *text, size_t length) {
    if (length < 12 || !is_string(text, length))
        return false;
    if (memcmp(text, "<div", 4) != 0 || memcmp(text + length - 6, "</div>", 6) != 0)
        return false;
    const char *end = memchr(text, '>', length);
    if (end == NULL)
        return false;
    size_t tag_length = (size_t)(end - text);
    if (!has_part(text, tag_length, "xmlns=\"http://www.w3.org/1999/xhtml\""))
        return false;
    return !has_part(text, length, "<script") && says_something(text, length);
}

struct named_format {
    const char *type, *expected;
    enum format format;
};
static const struct named_format formats[] = {
    { "base64Binary", "base64 in groups of four", FORMAT_BASE64 },
    { "boolean", "true or false", FORMAT_BOOLEAN },
    { "canonical", "a URI without white space", FORMAT_URI },
    { "code", "a code: not empty, no white space at its ends and no two in a row", FORMAT_CODE },
    { "date", "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD", FORMAT_DATE },
    { "dateTime",
      "a date that exists, or date and time with seconds and offset (YYYY-MM-DDThh:mm:ss+hh:mm)",
      FORMAT_DATETIME },
    { "decimal", "a decimal number", FORMAT_DECIMAL },
    { "id", "an id: 1 to 64 letters, digits, '-' and '.'", FORMAT_ID },
    { "instant", "date and time with seconds and offset (YYYY-MM-DDThh:mm:ss+hh:mm)",
      FORMAT_INSTANT },
    { "integer", "a whole number of 32 bits", FORMAT_INTEGER },
    { "markdown", "text: not empty, no control characters", FORMAT_STRING },
    { "oid", "an OID: urn:oid:1.2.3", FORMAT_OID },
    { "positiveInt", "a whole number from 1 to 2147483647", FORMAT_POSITIVE },
    { "string", "text: not empty, no control characters", FORMAT_STRING },
    { "time", "a time of day: hh:mm:ss", FORMAT_TIME },
    { "unsignedInt", "a whole number from 0 to 2147483647", FORMAT_UNSIGNED },
    { "uri", "a URI without white space", FORMAT_URI },
    { "url", "a URI without white space", FORMAT_URI },
    { "uuid", "a UUID: urn:uuid: and 36 characters in lower case", FORMAT_UUID },
    { "xhtml", "one XHTML div with its name space, some content and no scripts", FORMAT_XHTML },
};

/* Finds the format of a primitive. */
enum format format_of(const struct r4_type *type) {
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].type, type->name) == 0)
            return formats[i].format;
    return FORMAT_NONE;
}

/* Says what a format expects. */
static const char *expected(enum format format) {
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].format == format)
            return formats[i].expected;
    return "a value";
}

/* Checks an id: 1 to 64 letters, digits, '-' and '.'. */
static bool is_id(const char *text, size_t length) {
    return length >= 1 && length <= 64 && all_of(text, length, ID);
}

/* Checks a whole number of 32 bits. */
static bool is_integer(const char *text, size_t length) {
    return is_whole(text, length, INT32_MIN);
}

/* Checks a whole number from 1 on. */
static bool is_positive(const char *text, size_t length) {
    return is_whole(text, length, 1);
}

/* Checks a whole number from 0 on. */
static bool is_unsigned(const char *text, size_t length) {
    return is_whole(text, length, 0);
}

/* How each format is checked; what has no row takes any text. */
typedef bool format_function(const char *text, size_t length);
static format_function *const checks[] = {
    [FORMAT_BASE64] = is_base64,     [FORMAT_CODE] = is_code,       [FORMAT_DATE] = is_date,
    [FORMAT_DATETIME] = is_datetime, [FORMAT_DECIMAL] = is_decimal, [FORMAT_ID] = is_id,
    [FORMAT_INSTANT] = is_instant,   [FORMAT_INTEGER] = is_integer, [FORMAT_OID] = is_oid,
    [FORMAT_POSITIVE] = is_positive, [FORMAT_STRING] = is_string,   [FORMAT_TIME] = is_time,
    [FORMAT_UNSIGNED] = is_unsigned, [FORMAT_URI] = is_uri,         [FORMAT_UUID] = is_uuid,
    [FORMAT_XHTML] = is_xhtml,
};

/* Tells whether a text has a format. */
static bool has_format(enum format format, const char *text, size_t length) {
    size_t index = (size_t)format;
    if (index >= sizeof checks / sizeof checks[0] || checks[index] == NULL)
        return true;
    return checks[index](text, length);
}

/* Checks a text against a format. */
const char *format_check(enum format format, const char *text, size_t length) {
    return has_format(format, text, length) ? NULL : expected(format);
}
