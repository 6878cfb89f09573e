/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over strings (N1 section 5.6): lengths and positions count characters, not bytes. */
#include "core/fhirpath/internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define CALL(name)                                                                                 \
    static bool name(struct evaluation *e, const struct expression *x, const collection *in,       \
                     collection *out)
#define REGEX_STEPS 100000
#define MOST_TEXT (16u << 20)

/* The input and n arguments as texts; *all is false when any is empty: then the answer is empty. */
static bool texts(struct evaluation *e, const struct expression *x, const collection *in, size_t n,
                  struct str *view, bool *all) {
    *all = true;
    for (size_t i = 0; i <= n; i++) {
        collection c = { 0 };
        const char *s = NULL;
        size_t length = 0;
        bool found;
        if ((i && !argument(e, x, i - 1, &c)) ||
            !single_text(e, x, i ? &c : in, &s, &length, &found))
            return false;
        *all = *all && found;
        view[i] = (struct str) { .data = (char *)(uintptr_t)s, .length = length };
    }
    return true;
}

/* Give a text built in a buffer. */
static bool give(struct evaluation *e, struct str *s, collection *out) {
    bool ok = !s->failed && s->length <= MOST_TEXT;
    const char *kept = ok ? arena_strndup(e->arena, s->data ? s->data : "", s->length) : NULL;
    size_t length = s->length;
    str_free(s);
    return kept ? push(e, out, of_text(kept, length)) : out_of_memory(e);
}

/* Bytes of the character that begins here. */
static size_t step(const char *s, size_t left) {
    size_t n = 1;
    while (n < left && ((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    return n;
}
static int64_t characters(const char *s, size_t length) {
    int64_t n = 0;
    for (size_t i = 0; i < length; n++)
        i += step(s + i, length - i);
    return n;
}

/* Position in characters of b in a, -1 when it isn't there. */
static int64_t find(const struct str *a, const struct str *b, bool last) {
    int64_t found = -1;
    for (size_t i = 0; i + b->length <= a->length; i++)
        if (!memcmp(a->data + i, b->data, b->length)) {
            found = characters(a->data, i);
            if (!last)
                break;
        }
    return found;
}
CALL(do_index_of) {
    struct str s[2] = { 0 };
    bool all;
    return texts(e, x, in, 1, s, &all) &&
           (!all || push(e, out, of_integer(find(&s[0], &s[1], false))));
}
CALL(do_last_index_of) {
    struct str s[2] = { 0 };
    bool all;
    return texts(e, x, in, 1, s, &all) &&
           (!all || push(e, out,
                         of_integer(s[1].length ? find(&s[0], &s[1], true)
                                                : characters(s[0].data, s[0].length))));
}
CALL(do_substring) {
    struct str s[1] = { 0 };
    collection from = { 0 }, count = { 0 };
    int64_t start, n = INT64_MAX;
    bool all, has_start, has_count = true;
    if (!texts(e, x, in, 0, s, &all) || !argument(e, x, 0, &from) ||
        !single_integer(e, x, &from, &start, &has_start))
        return false;
    if (x->arg_count > 1 &&
        (!argument(e, x, 1, &count) || !single_integer(e, x, &count, &n, &has_count)))
        return false;
    if (!all || !has_start || start < 0 || start >= characters(s[0].data, s[0].length))
        return true;
    if (!has_count)
        n = INT64_MAX;
    size_t a = 0;
    for (int64_t i = 0; i < start; i++)
        a += step(s[0].data + a, s[0].length - a);
    size_t b = a;
    for (int64_t i = 0; i < n && b < s[0].length; i++)
        b += step(s[0].data + b, s[0].length - b);
    const char *kept = arena_strndup(e->arena, s[0].data + a, b - a);
    return kept ? push(e, out, of_text(kept, b - a)) : out_of_memory(e);
}
CALL(do_starts_with) {
    struct str s[2] = { 0 };
    bool all;
    return texts(e, x, in, 1, s, &all) &&
           (!all || push(e, out,
                         of_boolean(s[0].length >= s[1].length &&
                                    !memcmp(s[0].data, s[1].data, s[1].length))));
}
CALL(do_ends_with) {
    struct str s[2] = { 0 };
    bool all;
    return texts(e, x, in, 1, s, &all) &&
           (!all || push(e, out,
                         of_boolean(s[0].length >= s[1].length &&
                                    !memcmp(s[0].data + s[0].length - s[1].length, s[1].data,
                                            s[1].length))));
}
CALL(do_contains) {
    struct str s[2] = { 0 };
    bool all;
    return texts(e, x, in, 1, s, &all) &&
           (!all || push(e, out,
                         of_boolean(!s[1].length ||
                                    memmem(s[0].data, s[0].length, s[1].data, s[1].length))));
}
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
static bool change_case(struct evaluation *e, const struct expression *x, const collection *in,
                        collection *out, bool upper) {
    struct str s[1] = { 0 }, r = { 0 };
    bool all;
    if (!texts(e, x, in, 0, s, &all) || !all)
        return !error_is_set(e->error);
    str_add(&r, s[0].data, s[0].length);
    unsigned char before = 0;
    for (size_t i = 0; i < r.length && !r.failed; i++) {
        unsigned char c = (unsigned char)r.data[i];
        bool changes = before == 0xc3 ? latin1_changes(c, upper) : ascii_changes(c, upper);
        before = c;
        if (changes)
            r.data[i] = (char)(c ^ 0x20);
    }
    return give(e, &r, out);
}

CALL(do_upper) {
    return change_case(e, x, in, out, true);
}
CALL(do_lower) {
    return change_case(e, x, in, out, false);
}
CALL(do_replace) {
    struct str s[3] = { 0 }, r = { 0 };
    bool all;
    if (!texts(e, x, in, 2, s, &all) || !all)
        return !error_is_set(e->error);
    for (size_t i = 0; i < s[0].length && !r.failed;) {
        size_t n = step(s[0].data + i, s[0].length - i);
        if (!s[1].length) { /* an empty pattern stands between all characters */
            str_add(&r, s[2].data, s[2].length);
        } else if (s[0].length - i >= s[1].length &&
                   !memcmp(s[0].data + i, s[1].data, s[1].length)) {
            str_add(&r, s[2].data, s[2].length);
            i += s[1].length;
            continue;
        }
        str_add(&r, s[0].data + i, n);
        i += n;
    }
    if (!s[1].length)
        str_add(&r, s[2].data, s[2].length);
    return give(e, &r, out);
}

/* A compiled pattern and its limits; NULL with an error. */
static pcre2_code *compile(struct evaluation *e, const struct expression *x,
                           const struct str *pattern, const struct str *flags) {
    int code;
    size_t at;
    uint32_t options = PCRE2_UTF | PCRE2_DOTALL;
    for (size_t i = 0; flags && i < flags->length; i++)
        options |= flags->data[i] == 'i'   ? PCRE2_CASELESS
                   : flags->data[i] == 'm' ? PCRE2_MULTILINE
                                           : 0;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)pattern->data, pattern->length, options, &code, &at, NULL);
    if (!re)
        evaluation_error(e, x, "the pattern is no regular expression (at its character %zu)",
                         at + 1);
    return re;
}

/* Run a pattern once; 1 match, 0 none, -1 error. */
static int match(struct evaluation *e, const struct expression *x, const struct str *pattern,
                 const struct str *flags, const struct str *text, bool whole) {
    pcre2_code *re = compile(e, x, pattern, flags);
    if (!re)
        return -1;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(re, NULL);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (limits && data) {
        pcre2_set_match_limit(limits, REGEX_STEPS);
        pcre2_set_depth_limit(limits, 1000);
        rc = pcre2_match(re, (PCRE2_SPTR)text->data, text->length, 0,
                         whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0, data, limits);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(re);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return rc >= 0;
    evaluation_error(e, x, "the pattern takes too long on this text");
    return -1;
}
/* matches() and matchesFull(). */
static bool matches(struct evaluation *e, const struct expression *x, const collection *in,
                    collection *out, bool whole) {
    struct str s[3] = { 0 };
    bool all;
    if (!texts(e, x, in, x->arg_count, s, &all) || !all)
        return !error_is_set(e->error);
    int r = match(e, x, &s[1], x->arg_count > 1 ? &s[2] : NULL, &s[0], whole);
    return r >= 0 && push(e, out, of_boolean(r));
}
CALL(do_matches) {
    return matches(e, x, in, out, false);
}
CALL(do_matches_full) {
    return matches(e, x, in, out, true);
}
CALL(do_replace_matches) {
    struct str s[4] = { 0 }, r = { 0 };
    bool all;
    if (!texts(e, x, in, x->arg_count, s, &all) || !all)
        return !error_is_set(e->error);
    if (!s[1].length) {
        str_add(&r, s[0].data, s[0].length);
        return give(e, &r, out);
    }
    pcre2_code *re = compile(e, x, &s[1], x->arg_count > 2 ? &s[3] : NULL);
    if (!re)
        return false;
    size_t room = s[0].length * 4 + s[2].length * 64 + 256,
           length = room > MOST_TEXT ? MOST_TEXT : room;
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    char *made = malloc(length);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (limits && made) {
        pcre2_set_match_limit(limits, REGEX_STEPS);
        rc = pcre2_substitute(re, (PCRE2_SPTR)s[0].data, s[0].length, 0,
                              PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY, NULL, limits,
                              (PCRE2_SPTR)s[2].data, s[2].length, (PCRE2_UCHAR *)made, &length);
    }
    pcre2_match_context_free(limits);
    pcre2_code_free(re);
    if (rc >= 0)
        str_add(&r, made, length);
    free(made);
    return rc >= 0 ? give(e, &r, out) : evaluation_error(e, x, "this replacement cannot be made");
}
CALL(do_length) {
    struct str s[1] = { 0 };
    bool all;
    return texts(e, x, in, 0, s, &all) &&
           (!all || push(e, out, of_integer(characters(s[0].data, s[0].length))));
}
CALL(do_to_chars) {
    struct str s[1] = { 0 };
    bool all;
    if (!texts(e, x, in, 0, s, &all) || !all)
        return !error_is_set(e->error);
    for (size_t i = 0; i < s[0].length;) {
        size_t n = step(s[0].data + i, s[0].length - i);
        const char *one = arena_strndup(e->arena, s[0].data + i, n);
        if (!one || !push(e, out, of_text(one, n)))
            return out_of_memory(e);
        i += n;
    }
    return true;
}
CALL(do_trim) {
    struct str s[1] = { 0 };
    bool all;
    if (!texts(e, x, in, 0, s, &all) || !all)
        return !error_is_set(e->error);
    size_t a = 0, b = s[0].length;
    while (a < b && strchr(" \t\r\n\f\v", s[0].data[a]))
        a++;
    while (b > a && strchr(" \t\r\n\f\v", s[0].data[b - 1]))
        b--;
    const char *kept = arena_strndup(e->arena, s[0].data + a, b - a);
    return kept ? push(e, out, of_text(kept, b - a)) : out_of_memory(e);
}
CALL(do_split) {
    struct str s[2] = { 0 };
    bool all;
    if (!texts(e, x, in, 1, s, &all) || !all)
        return !error_is_set(e->error);
    if (!s[1].length)
        return do_to_chars(e, x, in, out);
    for (size_t from = 0;;) {
        const char *at = memmem(s[0].data + from, s[0].length - from, s[1].data, s[1].length);
        size_t n = at ? (size_t)(at - s[0].data) - from : s[0].length - from;
        const char *part = arena_strndup(e->arena, s[0].data + from, n);
        if (!part || !push(e, out, of_text(part, n)))
            return out_of_memory(e);
        if (!at)
            return true;
        from += n + s[1].length;
    }
}
CALL(do_join) {
    struct str r = { 0 };
    collection c = { 0 };
    const char *separator = "";
    size_t n = 0;
    bool found;
    if (!argument(e, x, 0, &c) || !single_text(e, x, &c, &separator, &n, &found))
        return false;
    if (!in->count)
        return true;
    for (size_t i = 0; i < in->count; i++) {
        value v = plain(e, &in->items[i]);
        if (v.kind != FHIRPATH_STRING) {
            str_free(&r);
            return evaluation_error(e, x, "join() needs strings");
        }
        if (i)
            str_add(&r, separator, n);
        str_add(&r, v.string.text, v.string.length);
    }
    return give(e, &r, out);
}

/* ---- encodings ---- */
static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode64(const struct str *s, bool url, struct str *r) {
    for (size_t i = 0; i < s->length; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < s->length ? (unsigned char)s->data[i + k] : 0u);
        for (size_t k = 0; k < 4; k++) {
            char c = i + k > s->length ? '=' : digits64[v >> (18 - 6 * k) & 63];
            str_putc(r, url && c == '+' ? '-' : url && c == '/' ? '_' : c);
        }
    }
}
static bool decode64(const struct str *s, bool url, struct str *r) {
    unsigned v = 0;
    int bits = 0;
    for (size_t i = 0; i < s->length; i++) {
        char c = s->data[i];
        c = url && c == '-' ? '+' : url && c == '_' ? '/' : c;
        if (c == '=')
            break;
        const char *at = c ? strchr(digits64, c) : NULL;
        if (!at)
            return false;
        v = v << 6 | (unsigned)(at - digits64);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            str_putc(r, (char)(v >> bits & 255));
        }
    }
    return true;
}
static bool decode_hex(const struct str *s, struct str *r) {
    int high = -1;
    for (size_t i = 0; i < s->length; i++) {
        char c = s->data[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return false;
        if (high >= 0)
            str_putc(r, (char)(high * 16 + d));
        high = high >= 0 ? -1 : d;
    }
    return high < 0;
}
static bool equals(const struct str *s, const char *word) {
    return s->length == strlen(word) && !memcmp(s->data, word, s->length);
}

CALL(do_encode) {
    struct str s[2] = { 0 }, r = { 0 };
    bool all;
    if (!texts(e, x, in, 1, s, &all) || !all)
        return !error_is_set(e->error);
    if (equals(&s[1], "hex"))
        for (size_t i = 0; i < s[0].length; i++)
            str_printf(&r, "%02x", (unsigned)(unsigned char)s[0].data[i]);
    else if (equals(&s[1], "base64") || equals(&s[1], "urlbase64"))
        encode64(&s[0], s[1].length == 9, &r);
    else
        return true;
    return give(e, &r, out);
}
CALL(do_decode) {
    struct str s[2] = { 0 }, r = { 0 };
    bool all, ok = false;
    if (!texts(e, x, in, 1, s, &all) || !all)
        return !error_is_set(e->error);
    if (equals(&s[1], "hex"))
        ok = decode_hex(&s[0], &r);
    else if (equals(&s[1], "base64") || equals(&s[1], "urlbase64"))
        ok = decode64(&s[0], s[1].length == 9, &r);
    if (ok)
        return give(e, &r, out);
    str_free(&r);
    return true;
}
static const char *const html[][2] = {
    { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" }, { "&#39;", "'" }
};

CALL(do_escape) {
    struct str s[2] = { 0 }, r = { 0 };
    bool all;
    if (!texts(e, x, in, 1, s, &all) || !all)
        return !error_is_set(e->error);
    if (!equals(&s[1], "html") && !equals(&s[1], "json"))
        return true;
    bool as_html = equals(&s[1], "html");
    if (!as_html) {
        struct str quoted = { 0 };
        str_json(&quoted, s[0].data, s[0].length);
        if (!quoted.failed)
            str_add(&r, quoted.data + 1, quoted.length - 2);
        str_free(&quoted);
        return give(e, &r, out);
    }
    for (size_t i = 0; i < s[0].length; i++) {
        const char *to = NULL;
        for (int k = 0; k < 5; k++)
            if (s[0].data[i] == html[k][1][0])
                to = html[k][0];
        if (to)
            str_puts(&r, to);
        else
            str_putc(&r, s[0].data[i]);
    }
    return give(e, &r, out);
}
/* One JSON escape; returns bytes read. */
static size_t unescape_json(const struct str *s, size_t i, struct str *r) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = i + 1 < s->length ? strchr(from, s->data[i + 1]) : NULL;
    if (at && *at) {
        str_putc(r, to[at - from]);
        return 2;
    }
    str_putc(r, s->data[i]);
    return 1;
}
CALL(do_unescape) {
    struct str s[2] = { 0 }, r = { 0 };
    bool all;
    if (!texts(e, x, in, 1, s, &all) || !all)
        return !error_is_set(e->error);
    bool as_html = equals(&s[1], "html");
    if (!as_html && !equals(&s[1], "json"))
        return true;
    for (size_t i = 0; i < s[0].length;) {
        size_t n = 0;
        for (int k = 0; as_html && k < 5 && !n; k++)
            if (s[0].length - i >= strlen(html[k][0]) &&
                !memcmp(s[0].data + i, html[k][0], strlen(html[k][0]))) {
                str_puts(&r, html[k][1]);
                n = strlen(html[k][0]);
            }
        if (!n && !as_html && s[0].data[i] == '\\')
            n = unescape_json(&s[0], i, &r);
        if (!n)
            str_putc(&r, s[0].data[i++]);
        i += n;
    }
    return give(e, &r, out);
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
    { "matches", 1, 2, do_matches },
    { "matchesFull", 1, 2, do_matches_full },
    { "replaceMatches", 2, 3, do_replace_matches },
    { "length", 0, 0, do_length },
    { "toChars", 0, 0, do_to_chars },
    { "trim", 0, 0, do_trim },
    { "split", 1, 1, do_split },
    { "join", 0, 1, do_join },
    { "encode", 1, 1, do_encode },
    { "decode", 1, 1, do_decode },
    { "escape", 1, 1, do_escape },
    { "unescape", 1, 1, do_unescape },
    { NULL, 0, 0, NULL },
};
