/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over strings (N1 section 5.6): lengths and positions count characters, not bytes. */
#include "core/fhirpath/internal.h"

#include <string.h>

/* ---- characters ---- */

/* Bytes of the character that begins here. */
static size_t step(const char *s, size_t left) {
    size_t n = 1;
    while (n < left && ((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Characters in so many bytes. */
static int64_t characters(const char *s, size_t length) {
    int64_t n = 0;
    for (size_t i = 0; i < length; n++)
        i += step(s + i, length - i);
    return n;
}

/* The place in a text behind `count` characters from `at` on, its end when it is shorter. */
static size_t skip(const struct text *t, size_t at, int64_t count) {
    for (int64_t i = 0; i < count && at < t->length; i++)
        at += step(t->data + at, t->length - at);
    return at;
}

/* Tells whether `part` stands in a text at a place. */
static bool is_at(const struct text *t, size_t at, const struct text *part) {
    if (t->length - at < part->length)
        return false;
    return memcmp(t->data + at, part->data, part->length) == 0;
}

/* ---- looking ---- */

static void do_index_of(const struct call *c) {
    struct text s[2];
    if (!call_texts(c, 1, s))
        return;
    const char *found = memmem(s[0].data, s[0].length, s[1].data, s[1].length);
    if (found == NULL)
        give_integer(c, -1);
    else
        give_integer(c, characters(s[0].data, (size_t)(found - s[0].data)));
}

static void do_last_index_of(const struct call *c) {
    struct text s[2];
    if (!call_texts(c, 1, s))
        return;
    size_t at = s[0].length;
    while (at > 0 && !is_at(&s[0], at, &s[1]))
        at--;
    if (is_at(&s[0], at, &s[1]))
        give_integer(c, characters(s[0].data, at));
    else
        give_integer(c, -1);
}

static void do_starts_with(const struct call *c) {
    struct text s[2];
    if (call_texts(c, 1, s))
        give_boolean(c, is_at(&s[0], 0, &s[1]));
}

static void do_ends_with(const struct call *c) {
    struct text s[2];
    if (!call_texts(c, 1, s))
        return;
    bool shorter = s[0].length < s[1].length;
    give_boolean(c, !shorter && is_at(&s[0], s[0].length - s[1].length, &s[1]));
}

static void do_contains(const struct call *c) {
    struct text s[2];
    if (call_texts(c, 1, s))
        give_boolean(c, memmem(s[0].data, s[0].length, s[1].data, s[1].length) != NULL);
}

static void do_length(const struct call *c) {
    struct text s;
    if (call_texts(c, 0, &s))
        give_integer(c, characters(s.data, s.length));
}

/* ---- parts ---- */

static void do_substring(const struct call *c) {
    struct text s;
    int64_t start;
    int64_t count = INT64_MAX;
    bool found = call_texts(c, 0, &s);
    bool has_start = argument_integer(c, 0, &start);
    argument_integer(c, 1, &count);
    if (!found || !has_start || start < 0)
        return;
    size_t from = skip(&s, 0, start);
    size_t to = skip(&s, from, count);
    if (from < s.length)
        give_text(c, s.data + from, to - from);
}

static void give_characters(const struct call *c, const struct text *s) {
    size_t n;
    for (size_t i = 0; i < s->length; i += n) {
        n = step(s->data + i, s->length - i);
        give_text(c, s->data + i, n);
    }
}

static void do_to_chars(const struct call *c) {
    struct text s;
    if (call_texts(c, 0, &s))
        give_characters(c, &s);
}

/* A NUL is a blank here, as it ends the list of blanks. */
static bool is_blank(char c) {
    return strchr(" \t\r\n\f\v", c) != NULL;
}

static void do_trim(const struct call *c) {
    struct text s;
    if (!call_texts(c, 0, &s))
        return;
    size_t from = 0;
    size_t to = s.length;
    while (from < to && is_blank(s.data[from]))
        from++;
    while (to > from && is_blank(s.data[to - 1]))
        to--;
    give_text(c, s.data + from, to - from);
}

static void do_split(const struct call *c) {
    struct text s[2];
    if (!call_texts(c, 1, s))
        return;
    const struct text *separator = &s[1];
    const char *from = s[0].data;
    const char *end = from + s[0].length;
    if (separator->length == 0) {
        give_characters(c, &s[0]);
        return;
    }
    for (;;) {
        const char *to = memmem(from, (size_t)(end - from), separator->data, separator->length);
        if (to == NULL)
            break;
        give_text(c, from, (size_t)(to - from));
        from = to + separator->length;
    }
    give_text(c, from, (size_t)(end - from));
}

static void do_join(const struct call *c) {
    struct str joined = { 0 };
    struct text separator = { "", 0 };
    argument_text(c, 0, &separator);
    if (c->in->count == 0)
        return;
    for (size_t i = 0; i < c->in->count; i++) {
        value v = plain(&c->in->items[i]);
        if (v.kind != FHIRPATH_STRING) {
            evaluation_error(c->e, c->x, "join() needs strings");
            break;
        }
        if (i > 0)
            str_add(&joined, separator.data, separator.length);
        str_add(&joined, v.string.text, v.string.length);
    }
    give_str(c, &joined);
}

/* ---- changes ---- */

/* Tells whether an ASCII letter changes its case. */
static bool ascii_changes(unsigned char c, bool upper) {
    return upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
}

/* Tells whether the second byte of a Latin-1 letter in UTF-8 (behind 0xC3) changes its case; the
 * signs for times and divided by, and the letters without a pair, don't. */
static bool latin1_changes(unsigned char c, bool upper) {
    if (upper)
        return c >= 0xa0 && c != 0xb7 && c != 0xbf;
    return c >= 0x80 && c < 0xa0 && c != 0x97 && c != 0x9f;
}

/* Changes the case of ASCII and Latin-1 letters, Greek and Cyrillic stay: no locale decides. */
static void change_case(const struct call *c, bool upper) {
    struct text s;
    struct str changed = { 0 };
    unsigned char before = 0;
    if (!call_texts(c, 0, &s))
        return;
    for (size_t i = 0; i < s.length; i++) {
        unsigned char byte = (unsigned char)s.data[i];
        bool latin1 = before == 0xc3;
        bool changes = latin1 ? latin1_changes(byte, upper) : ascii_changes(byte, upper);
        str_putc(&changed, (char)(changes ? byte ^ 0x20 : byte));
        before = byte;
    }
    give_str(c, &changed);
}

static void do_upper(const struct call *c) {
    change_case(c, true);
}

static void do_lower(const struct call *c) {
    change_case(c, false);
}

/* Puts `with` between all characters, at the start and at the end: that is what replacing an empty
 * text means. */
static void put_between(struct str *out, const struct text *s, const struct text *with) {
    size_t n;
    for (size_t i = 0; i < s->length; i += n) {
        n = step(s->data + i, s->length - i);
        str_add(out, with->data, with->length);
        str_add(out, s->data + i, n);
    }
    str_add(out, with->data, with->length);
}

static void replace(struct str *out, const struct text *s, const struct text *what,
                    const struct text *with) {
    size_t at = 0;
    while (at < s->length) {
        if (is_at(s, at, what)) {
            str_add(out, with->data, with->length);
            at += what->length;
        } else {
            size_t n = step(s->data + at, s->length - at);
            str_add(out, s->data + at, n);
            at += n;
        }
    }
}

static void do_replace(const struct call *c) {
    struct text s[3];
    struct str changed = { 0 };
    if (!call_texts(c, 2, s))
        return;
    if (s[1].length == 0)
        put_between(&changed, &s[0], &s[2]);
    else
        replace(&changed, &s[0], &s[1], &s[2]);
    give_str(c, &changed);
}

const struct function functions_string[] = {
    { "indexOf", 1, 1, do_index_of },
    { "lastIndexOf", 1, 1, do_last_index_of },
    { "substring", 1, 2, do_substring },
    { "startsWith", 1, 1, do_starts_with },
    { "endsWith", 1, 1, do_ends_with },
    { "contains", 1, 1, do_contains },
    { "upper", 0, 0, do_upper },
    { "lower", 0, 0, do_lower },
    { "replace", 2, 2, do_replace },
    { "length", 0, 0, do_length },
    { "toChars", 0, 0, do_to_chars },
    { "trim", 0, 0, do_trim },
    { "split", 1, 1, do_split },
    { "join", 0, 1, do_join },
    { NULL, 0, 0, NULL },
};
