/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing UUIDs without a decision for each digit: every body has dozens of them. */
#include "core/base/uuid.h"

/* Where the digits of each byte stand. */
static const unsigned char places[UUID_BYTES] = { 0,  2,  4,  6,  9,  11, 14, 16,
                                                  19, 21, 24, 26, 28, 30, 32, 34 };
/* The value of a digit, with a bit above it so that any other character is 0. */
enum { IS_DIGIT = 16 };
#define DIGIT(c, value) [c] = IS_DIGIT | (value)
static const unsigned char digits[256] = {
    DIGIT('0', 0),  DIGIT('1', 1),  DIGIT('2', 2),  DIGIT('3', 3),  DIGIT('4', 4),  DIGIT('5', 5),
    DIGIT('6', 6),  DIGIT('7', 7),  DIGIT('8', 8),  DIGIT('9', 9),  DIGIT('a', 10), DIGIT('b', 11),
    DIGIT('c', 12), DIGIT('d', 13), DIGIT('e', 14), DIGIT('f', 15),
};

bool uuid_read(const char *text, unsigned char out[UUID_BYTES]) {
    const unsigned char *bytes = (const unsigned char *)text;
    bool hyphens = text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
    unsigned all = IS_DIGIT;
    for (int i = 0; i < UUID_BYTES; i++) {
        unsigned high = digits[bytes[places[i]]], low = digits[bytes[places[i] + 1]];
        all &= high & low;
        out[i] = (unsigned char)((high << 4) | (low & 15));
    }
    return hyphens && all == IS_DIGIT;
}

void uuid_write(const unsigned char uuid[UUID_BYTES], char *out) {
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < UUID_BYTES; i++) {
        out[places[i]] = hex[uuid[i] >> 4];
        out[places[i] + 1] = hex[uuid[i] & 15];
    }
    out[8] = '-';
    out[13] = '-';
    out[18] = '-';
    out[23] = '-';
}
