/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that write strings in other alphabets: encode, decode, escape, unescape (additions of
 * the R4 suite). An alphabet that isn't known gives nothing. */
#include "core/fhirpath/internal.h"
#include "core/tree/unicode.h"

#include <string.h>

/* A way to write a text: appends it to a buffer, false when it has none. */
struct alphabet {
    const char *name;
    bool (*write)(const struct text *s, struct str *out);
};

/* Gives the input in the alphabet that the argument names. */
static void translate(const struct call *c, const struct alphabet *alphabets, size_t count) {
    struct text s[2];
    struct str out = { 0 };
    if (!call_texts(c, 1, s))
        return;
    for (size_t i = 0; i < count; i++) {
        if (!text_is(&s[1], alphabets[i].name))
            continue;
        if (alphabets[i].write(&s[0], &out))
            give_str(c, &out);
    }
    str_free(&out);
}

/* ---- base64, as MIME writes it and as URLs do (RFC 4648) ---- */

#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char mime_digits[] = DIGITS "+/";
static const char url_digits[] = DIGITS "-_";

/* Three bytes of a text as one number; behind its end they are zero. */
static unsigned three_bytes(const struct text *s, size_t at) {
    unsigned v = 0;
    for (size_t i = at; i < at + 3; i++) {
        unsigned byte = i < s->length ? (unsigned char)s->data[i] : 0;
        v = v << 8 | byte;
    }
    return v;
}

static bool encode64(const struct text *s, const char *digits, struct str *out) {
    for (size_t at = 0; at < s->length; at += 3) {
        unsigned v = three_bytes(s, at);
        for (size_t k = 0; k < 4; k++) {
            bool padding = at + k > s->length;
            str_putc(out, padding ? '=' : digits[v >> (18 - 6 * k) & 63]);
        }
    }
    return true;
}

static bool encode_base64(const struct text *s, struct str *out) {
    return encode64(s, mime_digits, out);
}

static bool encode_url(const struct text *s, struct str *out) {
    return encode64(s, url_digits, out);
}

/* The value of a digit, -1 when it is none. */
static int digit_value(const char *digits, char c) {
    const char *at = memchr(digits, c, 64);
    return at != NULL ? (int)(at - digits) : -1;
}

/* Reads digits up to the padding or the end. URLs may have the digits of MIME too. */
static bool decode64(const struct text *s, bool url, struct str *out) {
    unsigned v = 0;
    int bits = 0;
    for (size_t i = 0; i < s->length && s->data[i] != '='; i++) {
        int digit = digit_value(mime_digits, s->data[i]);
        if (digit < 0 && url)
            digit = digit_value(url_digits, s->data[i]);
        if (digit < 0)
            return false;
        v = v << 6 | (unsigned)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            str_putc(out, (char)(v >> bits & 255));
        }
    }
    return true;
}

static bool decode_base64(const struct text *s, struct str *out) {
    return decode64(s, false, out);
}

static bool decode_url(const struct text *s, struct str *out) {
    return decode64(s, true, out);
}

/* ---- hexadecimal ---- */

static bool encode_hex(const struct text *s, struct str *out) {
    for (size_t i = 0; i < s->length; i++)
        str_printf(out, "%02x", (unsigned)(unsigned char)s->data[i]);
    return true;
}

static bool decode_hex(const struct text *s, struct str *out) {
    if (s->length % 2 != 0)
        return false;
    for (size_t i = 0; i < s->length; i += 2) {
        int high = hex_digit(s->data[i]);
        int low = hex_digit(s->data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        str_putc(out, (char)(high * 16 + low));
    }
    return true;
}

/* ---- HTML ---- */

static const struct {
    char character;
    const char *entity;
} entities[] = {
    { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" }
};
#define ENTITIES (sizeof entities / sizeof *entities)

/* Writes a character, as its entity where it has one. */
static void put_html(struct str *out, char c) {
    for (size_t i = 0; i < ENTITIES; i++) {
        if (entities[i].character == c) {
            str_puts(out, entities[i].entity);
            return;
        }
    }
    str_putc(out, c);
}

static bool escape_html(const struct text *s, struct str *out) {
    for (size_t i = 0; i < s->length; i++)
        put_html(out, s->data[i]);
    return true;
}

/* Writes the character that begins here, which may be an entity; returns the bytes read. */
static size_t read_html(const char *at, size_t left, struct str *out) {
    for (size_t i = 0; i < ENTITIES; i++) {
        size_t n = strlen(entities[i].entity);
        if (n <= left && memcmp(at, entities[i].entity, n) == 0) {
            str_putc(out, entities[i].character);
            return n;
        }
    }
    str_putc(out, *at);
    return 1;
}

static bool unescape_html(const struct text *s, struct str *out) {
    for (size_t i = 0; i < s->length;)
        i += read_html(s->data + i, s->length - i, out);
    return true;
}

/* ---- JSON ---- */

static bool escape_json(const struct text *s, struct str *out) {
    struct str quoted = { 0 };
    str_json(&quoted, s->data, s->length);
    bool ok = !quoted.failed;
    if (ok)
        str_add(out, quoted.data + 1, quoted.length - 2);
    out->failed = out->failed || !ok;
    str_free(&quoted);
    return true;
}

/* The character that an escape of one letter stands for, NUL when there is none. */
static char unescaped(char letter) {
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *at = strchr(from, letter);
    return at != NULL ? to[at - from] : '\0';
}

static bool unescape_json(const struct text *s, struct str *out) {
    for (size_t i = 0; i < s->length; i++) {
        char escape = '\0';
        if (s->data[i] == '\\' && i + 1 < s->length)
            escape = unescaped(s->data[i + 1]);
        if (escape != '\0')
            i++;
        str_putc(out, escape != '\0' ? escape : s->data[i]);
    }
    return true;
}

/* ---- functions ---- */

static void do_encode(const struct call *c) {
    static const struct alphabet alphabets[] = { { "hex", encode_hex },
                                                 { "base64", encode_base64 },
                                                 { "urlbase64", encode_url } };
    translate(c, alphabets, sizeof alphabets / sizeof *alphabets);
}

static void do_decode(const struct call *c) {
    static const struct alphabet alphabets[] = { { "hex", decode_hex },
                                                 { "base64", decode_base64 },
                                                 { "urlbase64", decode_url } };
    translate(c, alphabets, sizeof alphabets / sizeof *alphabets);
}

static void do_escape(const struct call *c) {
    static const struct alphabet alphabets[] = { { "html", escape_html }, { "json", escape_json } };
    translate(c, alphabets, sizeof alphabets / sizeof *alphabets);
}

static void do_unescape(const struct call *c) {
    static const struct alphabet alphabets[] = { { "html", unescape_html },
                                                 { "json", unescape_json } };
    translate(c, alphabets, sizeof alphabets / sizeof *alphabets);
}

const struct function functions_encoding[] = {
    { "encode", 1, 1, do_encode },     { "decode", 1, 1, do_decode }, { "escape", 1, 1, do_escape },
    { "unescape", 1, 1, do_unescape }, { NULL, 0, 0, NULL },
};
