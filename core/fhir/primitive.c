/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of R4's primitives, checked by hand: R4's regular expressions, and dates that exist.
 */
#include "core/base/clock.h"
#include "core/fhir/validate.h"
#include "core/tree/number.h"

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

/* ---- texts that are read from left to right ---- */

/* What is left of a text. */
struct rest {
    const char *at, *end;
};

static struct rest whole(const char *text, size_t length) {
    return (struct rest) { text, text + length };
}

static bool is_read(const struct rest *r) {
    return r->at == r->end;
}

/* Reads a number of exactly so many digits; -1 when there are fewer. */
static int read_digits(struct rest *r, int digits) {
    int value = 0;
    if (r->end - r->at < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        char c = r->at[i];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    r->at += digits;
    return value;
}

/* Steps over one character. */
static bool step(struct rest *r, char wanted) {
    bool is_next = r->at < r->end && *r->at == wanted;
    r->at += is_next;
    return is_next;
}

/* Steps over digits; returns how many. */
static size_t step_digits(struct rest *r) {
    const char *first = r->at;
    while (r->at < r->end && (class_of(*r->at) & DIGIT) != 0)
        r->at++;
    return (size_t)(r->at - first);
}

/* Steps over a whole number without leading zeros; false when there is none. */
static bool step_number(struct rest *r) {
    const char *first = r->at;
    size_t count = step_digits(r);
    return count == 1 || (count > 1 && *first != '0');
}

/* ---- dates and times ---- */

/* How many parts a date has. */
enum date_parts { NO_DATE, YEAR, YEAR_MONTH, YEAR_MONTH_DAY };

/* Reads a date of any precision. */
static enum date_parts read_date(struct rest *r) {
    int year = read_digits(r, 4);
    if (year < 1)
        return NO_DATE;
    if (!step(r, '-'))
        return YEAR;
    int month = read_digits(r, 2);
    if (month < 1 || month > 12)
        return NO_DATE;
    if (!step(r, '-'))
        return YEAR_MONTH;
    int day = read_digits(r, 2);
    return day > 0 && iptfhir_date_exists(year, month, day) ? YEAR_MONTH_DAY : NO_DATE;
}

/* Reads a number of two digits and at most `most`. */
static bool read_part(struct rest *r, int most) {
    int value = read_digits(r, 2);
    return value >= 0 && value <= most;
}

/* Reads hh:mm:ss[.fraction]; a leap second is 60. */
static bool read_time(struct rest *r) {
    static const int most[] = { 23, 59, 60 };
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        if (i > 0 && !step(r, ':'))
            return false;
        if (!read_part(r, most[i]))
            return false;
    }
    return !step(r, '.') || step_digits(r) > 0;
}

/* Reads Z or an offset of at most 14 hours. */
static bool read_zone(struct rest *r) {
    if (step(r, 'Z'))
        return true;
    if (!step(r, '+') && !step(r, '-'))
        return false;
    int hour = read_digits(r, 2);
    if (hour < 0 || !step(r, ':'))
        return false;
    int minute = read_digits(r, 2);
    return minute >= 0 && minute <= 59 && hour * 60 + minute <= 14 * 60;
}

/* Checks a date of any precision. */
static bool is_date(const char *text, size_t length) {
    struct rest r = whole(text, length);
    return read_date(&r) != NO_DATE && is_read(&r);
}

/* Checks a date, or a date and time with its offset. */
static bool is_datetime(const char *text, size_t length) {
    struct rest r = whole(text, length);
    enum date_parts parts = read_date(&r);
    if (is_read(&r))
        return parts != NO_DATE;
    if (parts != YEAR_MONTH_DAY || !step(&r, 'T'))
        return false;
    return read_time(&r) && read_zone(&r) && is_read(&r);
}

/* Checks a date and time with its offset. */
static bool is_instant(const char *text, size_t length) {
    return length > 10 && is_datetime(text, length);
}

/* Reads two digits. */
static int two(const char *text) {
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/* The seconds that an offset, +hh:mm, is before UTC; 0 for Z. */
static int64_t offset_seconds(const char *zone) {
    if (*zone == 'Z')
        return 0;
    int64_t seconds = two(zone + 1) * 3600 + two(zone + 4) * 60;
    return *zone == '+' ? -seconds : seconds;
}

bool instant_seconds(const char *text, int64_t *seconds) {
    size_t length = strlen(text);
    if (length < 20 || !is_instant(text, length))
        return false;
    const char *zone = text + 19 + strcspn(text + 19, "Z+-");
    int year = two(text) * 100 + two(text + 2);
    int64_t day = iptfhir_date_to_days(year, two(text + 5), two(text + 8));
    int64_t time = two(text + 11) * 3600 + two(text + 14) * 60 + two(text + 17);
    *seconds = day * 86400 + time + offset_seconds(zone);
    return true;
}

/* Checks a time of day. */
static bool is_time(const char *text, size_t length) {
    struct rest r = whole(text, length);
    return read_time(&r) && is_read(&r);
}

/* ---- numbers ---- */

/* Checks a whole number within 32 bits and at least `least`. */
static bool is_whole(const char *text, size_t length, int64_t least) {
    struct rest r = whole(text, length);
    bool minus = step(&r, '-');
    const char *first = r.at;
    if (!step_number(&r) || !is_read(&r) || r.end - first > 10)
        return false;
    int64_t value = 0;
    for (const char *c = first; c < r.end; c++)
        value = value * 10 + (*c - '0');
    if (minus)
        value = -value;
    return value >= least && value <= INT32_MAX;
}

/* Checks a decimal: R4's are JSON's numbers. */
static bool is_decimal(const char *text, size_t length) {
    const char *end = text + length;
    const char *expected;
    return number_scan(&text, end, &expected) && text == end;
}

/* ---- identifiers ---- */

/* Checks "urn:oid:" and at least two arcs. */
static bool is_oid(const char *text, size_t length) {
    static const char prefix[] = "urn:oid:";
    const size_t n = sizeof prefix - 1;
    if (length < 11 || memcmp(text, prefix, n) != 0)
        return false;
    if (text[n] < '0' || text[n] > '2')
        return false;
    struct rest r = whole(text + n + 1, length - n - 1);
    while (!is_read(&r))
        if (!step(&r, '.') || !step_number(&r))
            return false;
    return true;
}

/* Checks "urn:uuid:" and a UUID in lower case. */
static bool is_uuid(const char *text, size_t length) {
    static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (length != sizeof form - 1 || memcmp(text, form, 9) != 0)
        return false;
    for (size_t i = 9; i < length; i++) {
        bool hex = (class_of(text[i]) & HEX) != 0;
        bool fits = form[i] == 'x' ? hex : text[i] == form[i];
        if (!fits)
            return false;
    }
    return true;
}

/* ---- larger texts ---- */

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

/* Tells whether a text begins and ends with the tags of a div. */
static bool is_div(const char *text, size_t length) {
    static const char begin[] = "<div";
    static const char end[] = "</div>";
    const size_t n = sizeof end - 1;
    if (length < 12 || memcmp(text, begin, sizeof begin - 1) != 0)
        return false;
    return memcmp(text + length - n, end, n) == 0;
}

/* Checks a narrative: one div in the XHTML name space that says something, no scripts (txt-1,
 * txt-2). */
static bool is_xhtml(const char *text, size_t length) {
    if (!is_string(text, length) || !is_div(text, length))
        return false;
    const char *tag_end = memchr(text, '>', length);
    size_t tag_length = tag_end != NULL ? (size_t)(tag_end - text) : 0;
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

const char *format_check(enum format format, const char *text, size_t length) {
    return has_format(format, text, length) ? NULL : expected(format);
}
