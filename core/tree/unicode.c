/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes of code points and their UTF-8. */
#include "core/tree/unicode.h"

#include <stdbool.h>
#include <string.h>

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads four hex digits; -1 when they aren't there. */
static int32_t hex4(const char *at, const char *end) {
    int32_t value = 0;
    if (end - at < 4)
        return UNICODE_NO_HEX;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return UNICODE_NO_HEX;
        value = value * 16 + digit;
    }
    return value;
}

/* Reads the escape of the second half of a surrogate pair; -1 when it isn't there. */
static int32_t low_surrogate(const char *at, const char *end) {
    if (end - at < 6 || memcmp(at, "\\u", 2) != 0)
        return UNICODE_NO_HEX;
    int32_t low = hex4(at + 2, end);
    bool is_low = low >= 0xDC00 && low <= 0xDFFF;
    return is_low ? low : UNICODE_NO_HEX;
}

int32_t unicode_escape(const char **at, const char *end) {
    int32_t c = hex4(*at, end);
    if (c < 0)
        return UNICODE_NO_HEX;
    *at += 4;
    if (c < 0xD800 || c > 0xDFFF)
        return c;
    int32_t low = low_surrogate(*at, end);
    bool is_high = c <= 0xDBFF;
    if (!is_high || low < 0)
        return UNICODE_HALF;
    *at += 6;
    return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
}

/* The bytes of a code point in UTF-8 (RFC 3629). */
static size_t utf8_bytes(uint32_t code_point) {
    static const uint32_t beyond[] = { 0x80, 0x800, 0x10000 };
    size_t n = 1;
    while (n <= 3 && code_point >= beyond[n - 1])
        n++;
    return n;
}

size_t unicode_put(char *out, uint32_t code_point) {
    static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    size_t n = utf8_bytes(code_point);
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (char)(lead[n] | code_point);
    return n;
}
