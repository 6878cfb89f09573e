/* SPDX-License-Identifier: Apache-2.0 */
/* Search values in a growing text: FHIR tokens, percent-encoded. */
#include "text.h"

#include <string.h>

void text_end(struct iptfhir_text *t) {
    iptfhir_text_add(t, "", 1);
}

/* Tells whether a character is a letter or digit of ASCII. */
static bool is_alphanumeric(char c) {
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* Tells whether a byte stands as it is. */
static bool is_plain(char c, bool strict) {
    if (is_alphanumeric(c))
        return true;
    if (c == '\0')
        return false;
    return strchr(strict ? "-._~" : "-._~:/|", c) != NULL;
}

/* Adds one byte, percent-encoded unless it may stand as it is. */
static void add_encoded(struct iptfhir_text *t, char c, bool strict) {
    static const char digits[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;
    char code[3] = { '%', digits[byte >> 4], digits[byte & 15] };
    if (is_plain(c, strict))
        iptfhir_text_add(t, &c, 1);
    else
        iptfhir_text_add(t, code, sizeof code);
}

/* Adds one side of a token. */
static void add_side(struct iptfhir_text *t, const char *side, bool strict) {
    const char *p = side;
    while (*p != '\0') {
        size_t plain = 0;
        while (is_alphanumeric(p[plain]))
            plain++;
        iptfhir_text_add(t, p, plain);
        p += plain;
        if (*p == '\0')
            break;
        bool escaped = strchr("\\,$|", *p) != NULL;
        if (escaped)
            add_encoded(t, '\\', strict);
        add_encoded(t, *p, strict);
        p++;
    }
}

void text_token(struct iptfhir_text *t, const char *system, const char *value, bool strict) {
    add_side(t, system != NULL ? system : "", strict);
    add_encoded(t, '|', strict);
    add_side(t, value, strict);
}
