/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to the tree (RFC 8259), in place: strings are unescaped where they stand. */
#include "core/base/alloc.h"
#include "core/tree/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct arena *arena;
    char *p, *end;
    char *line_start;
    uint32_t line;
    unsigned depth;
    const char *source;
    struct iptfhir_error *error;
};

/* Bytes at which a run inside a string stops: controls, quote, backslash and everything beyond
 * ASCII. */
#define STOPS(c)                                                                                   \
    ((unsigned char)(c) < 0x20 || (c) == '"' || (c) == '\\' || (unsigned char)(c) >= 0x80)
#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

static struct tree *read_value(struct reader *r);

/* Reports what was expected at a byte. */
static void *fail_at(struct reader *r, const char *at, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void *fail_at(struct reader *r, const char *at, const char *code, const char *format, ...) {
    char where[256], text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(where, sizeof where, "%.200s%s%u:%zu", r->source ? r->source : "",
             r->source ? ":" : "", r->line, (size_t)(at - r->line_start) + 1);
    error_set(r->error, code, where, "%s", text);
    return NULL;
}

/* Reports that the arena did not give `size` bytes. */
static void *fail_memory(struct reader *r, const char *at, size_t size) {
    if (r->arena->limit && size + 15 > r->arena->limit - r->arena->used)
        return fail_at(r, at, "record-too-large",
                       "the text needs more memory than the limit of %zu bytes", r->arena->limit);
    return fail_at(r, at, "memory", "there is no memory for the text");
}

/* Skips white space and counts lines. */
static inline void skip_space(struct reader *r) {
    char *p = r->p, *end = r->end;
    for (; p < end; p++) {
        if (*p == '\n') {
            r->line++;
            r->line_start = p + 1;
        } else if (*p != ' ' && *p != '\t' && *p != '\r') {
            break;
        }
    }
    r->p = p;
}

/* Makes a node placed at the reader's position. */
static inline struct tree *new_node(struct reader *r, enum tree_kind kind, const char *at) {
    struct tree *node = arena_alloc(r->arena, sizeof *node);
    if (!node)
        return fail_memory(r, at, sizeof *node);
    memset(node, 0, sizeof *node);
    node->kind = (uint8_t)kind;
    node->line = r->line;
    node->column = (uint32_t)(at - r->line_start) + 1;
    return node;
}

/* The length of a valid UTF-8 sequence (RFC 3629) beyond ASCII, 0 when it is none. */
static size_t utf8_length(const char *text, const char *end) {
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    unsigned char c = p[0];
    if (c >= 0xC2 && c <= 0xDF)
        return left >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        unsigned char low = c == 0xE0 ? 0xA0 : 0x80, high = c == 0xED ? 0x9F : 0xBF;
        return left >= 3 && p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        unsigned char low = c == 0xF0 ? 0x90 : 0x80, high = c == 0xF4 ? 0x8F : 0xBF;
        return left >= 4 && p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 &&
                       (p[3] & 0xC0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}

/* Reads four hex digits; -1 when they are none. */
static int32_t hex4(const char *p, const char *end) {
    int32_t value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Writes a code point as UTF-8; returns behind it. */
static char *put_utf8(char *out, uint32_t c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* Reads \uXXXX (the reader stands on the u), with its second half for a surrogate pair. */
static char *read_unicode(struct reader *r, char *out) {
    char *at = r->p - 1;
    int32_t c = hex4(r->p + 1, r->end);
    if (c < 0)
        return fail_at(r, at, "json-invalid", "expected four hex digits behind \\u");
    if (c == 0)
        return fail_at(r, at, "json-invalid",
                       "the escape \\u0000 is not allowed: a text cannot hold a NUL");
    r->p += 5;
    if (c < 0xD800 || c > 0xDFFF)
        return put_utf8(out, (uint32_t)c);
    int32_t low = c <= 0xDBFF && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u'
                      ? hex4(r->p + 2, r->end)
                      : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail_at(r, at, "json-invalid",
                       "a surrogate stands alone: write both halves, or the character itself");
    r->p += 6;
    return put_utf8(out, 0x10000u + ((uint32_t)(c - 0xD800) << 10) + (uint32_t)(low - 0xDC00));
}

/* Reads an escape (the reader stands behind the backslash). */
static char *read_escape(struct reader *r, char *out) {
    if (r->p >= r->end)
        return fail_at(r, r->p, "json-invalid", "the string is not closed: expected \"");
    switch (*r->p) {
    case '"':
    case '\\':
    case '/': *out = *r->p; break;
    case 'b': *out = '\b'; break;
    case 'f': *out = '\f'; break;
    case 'n': *out = '\n'; break;
    case 'r': *out = '\r'; break;
    case 't': *out = '\t'; break;
    case 'u': return read_unicode(r, out);
    default:
        return fail_at(r, r->p - 1, "json-invalid",
                       "unknown escape: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    }
    r->p++;
    return out + 1;
}

/* Finds the end of a run that needs no care. */
static inline char *skip_plain(char *p, char *end) {
    while (end - p >= 8) {
        uint64_t w, quote, backslash;
        memcpy(&w, p, 8);
        quote = w ^ (ONES * '"');
        backslash = w ^ (ONES * '\\');
        uint64_t stop = (((w - ONES * 0x20) & ~w) | ((quote - ONES) & ~quote) |
                         ((backslash - ONES) & ~backslash) | w) &
                        HIGHS;
        if (stop) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return p + (__builtin_ctzll(stop) >> 3);
#else
            break;
#endif
        }
        p += 8;
    }
    while (p < end && !STOPS(*p))
        p++;
    return p;
}

/* Reads a string (the reader stands on its quote); unescapes it in place and puts a NUL behind it.
 */
static char *read_string(struct reader *r, size_t *length) {
    char *quote = r->p, *start = quote + 1, *out = NULL;
    char *run = start, *p = start;
    for (;;) {
        p = skip_plain(p, r->end);
        if (p >= r->end)
            return fail_at(r, quote, "json-invalid",
                           "the string that begins here is not closed: expected \"");
        if (*p == '"')
            break;
        if (*p == '\\') {
            if (!out)
                out = p;
            else if (p > run)
                out = (char *)memmove(out, run, (size_t)(p - run)) + (p - run);
            r->p = p + 1;
            out = read_escape(r, out);
            if (!out)
                return NULL;
            run = p = r->p;
            continue;
        }
        if ((unsigned char)*p < 0x20)
            return fail_at(r, p, "json-invalid",
                           "a control character (0x%02X) in a string: write it as an escape",
                           (unsigned)(unsigned char)*p);
        size_t bytes = utf8_length(p, r->end);
        if (bytes == 0)
            return fail_at(r, p, "json-invalid",
                           "the text is not UTF-8 here (byte 0x%02X): save the file as UTF-8",
                           (unsigned)(unsigned char)*p);
        p += bytes;
    }
    if (out) {
        memmove(out, run, (size_t)(p - run));
        out += p - run;
    }
    r->p = p + 1;
    char *stop = out ? out : p;
    *stop = '\0';
    *length = (size_t)(stop - start);
    return start;
}

/* Reads a string value. */
static struct tree *read_string_value(struct reader *r) {
    struct tree *node = new_node(r, TREE_STRING, r->p);
    size_t length;
    char *at = r->p, *text = node ? read_string(r, &length) : NULL;
    if (!text)
        return NULL;
    if (length > UINT32_MAX)
        return fail_at(r, at, "json-invalid", "the string is too long");
    node->text = text;
    node->length = (uint32_t)length;
    return node;
}

static inline bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

/* Reads a number and keeps its text. */
static struct tree *read_number(struct reader *r) {
    char *start = r->p, *p = start, *end = r->end;
    if (*p == '-')
        p++;
    if (!is_digit(p, end))
        return fail_at(r, p, "json-invalid", "expected a digit");
    if (*p == '0' && is_digit(p + 1, end))
        return fail_at(r, p, "json-invalid", "a number must not begin with 0 before other digits");
    while (is_digit(p, end))
        p++;
    if (p < end && *p == '.') {
        p++;
        if (!is_digit(p, end))
            return fail_at(r, p, "json-invalid", "expected a digit behind the decimal point");
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end))
            return fail_at(r, p, "json-invalid", "expected a digit in the exponent");
        while (is_digit(p, end))
            p++;
    }
    struct tree *node = new_node(r, TREE_NUMBER, start);
    if (!node)
        return NULL;
    node->length = (uint32_t)(p - start);
    node->text = arena_strndup(r->arena, start, (size_t)(p - start));
    if (!node->text)
        return fail_memory(r, start, node->length + 1u);
    r->p = p;
    return node;
}

/* Reads true, false or null. */
static struct tree *read_word(struct reader *r, const char *word, size_t length,
                              enum tree_kind kind) {
    if ((size_t)(r->end - r->p) < length || memcmp(r->p, word, length) != 0)
        return fail_at(
            r, r->p, "json-invalid",
            "expected a value: an object, an array, a string, a number, true, false or null");
    struct tree *node = new_node(r, kind, r->p);
    if (node) {
        node->boolean = word[0] == 't';
        r->p += length;
    }
    return node;
}

/* Links a child that was just read. */
static inline void link_child(struct tree *parent, struct tree *child) {
    child->parent = parent;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->length++;
}

/* Reads the elements of an array. */
static struct tree *read_array(struct reader *r) {
    struct tree *array = new_node(r, TREE_ARRAY, r->p);
    if (!array)
        return NULL;
    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == ']') {
        r->p++;
        return array;
    }
    for (;;) {
        struct tree *child = read_value(r);
        if (!child)
            return NULL;
        link_child(array, child);
        skip_space(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            continue;
        }
        if (r->p < r->end && *r->p == ']') {
            r->p++;
            return array;
        }
        return fail_at(r, r->p, "json-invalid", "expected , or ] in an array");
    }
}

static inline bool same_name(const struct tree *a, const struct tree *b) {
    return a->symbol == b->symbol && a->name_length == b->name_length &&
           (a->symbol != 0 || memcmp(a->name, b->name, a->name_length) == 0);
}

/* Orders members by name. */
static int by_name(const void *left, const void *right) {
    const struct tree *a = *(const struct tree *const *)left,
                      *b = *(const struct tree *const *)right;
    if (a->name_length != b->name_length)
        return a->name_length < b->name_length ? -1 : 1;
    return memcmp(a->name, b->name, a->name_length);
}

/* Reports a member that stands twice; its name is quoted only when it is a known one. */
static bool fail_twice(struct reader *r, const struct tree *member) {
    char where[256];
    snprintf(where, sizeof where, "%.200s%s%u:%u", r->source ? r->source : "", r->source ? ":" : "",
             member->line, member->column);
    if (member->symbol)
        return error_set(r->error, "json-duplicate", where,
                         "the member \"%s\" stands twice in one object: keep one", member->name);
    return error_set(r->error, "json-duplicate", where,
                     "a member stands twice in one object: keep one");
}

/* Checks that no two members have one name: pair by pair when they are few, sorted when they are
 * many. */
static bool check_names(struct reader *r, const struct tree *object) {
    if (object->length <= 16) {
        for (const struct tree *a = object->first; a; a = a->next)
            for (const struct tree *b = object->first; b != a; b = b->next)
                if (same_name(a, b))
                    return fail_twice(r, a);
        return true;
    }
    const struct tree **sorted = base_malloc(object->length * sizeof *sorted);
    if (!sorted) {
        fail_at(r, r->p, "memory", "there is no memory for the text");
        return false;
    }
    size_t n = 0;
    bool ok = true;
    for (const struct tree *m = object->first; m; m = m->next)
        sorted[n++] = m;
    qsort(sorted, n, sizeof(const struct tree *), by_name);
    for (size_t i = 1; i < n && ok; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0) {
            const struct tree *a = sorted[i - 1], *b = sorted[i];
            ok = fail_twice(
                r, a->line > b->line || (a->line == b->line && a->column > b->column) ? a : b);
        }
    base_free(sorted);
    return ok;
}

/* Reads one member: name, colon, value. */
static struct tree *read_member(struct reader *r) {
    skip_space(r);
    if (r->p >= r->end || *r->p != '"')
        return fail_at(r, r->p, "json-invalid", "expected a member name in quotes");
    size_t length;
    char *at = r->p, *name = read_string(r, &length);
    if (!name)
        return NULL;
    if (length > UINT32_MAX)
        return fail_at(r, at, "json-invalid", "the member name is too long");
    skip_space(r);
    if (r->p >= r->end || *r->p != ':')
        return fail_at(r, r->p, "json-invalid", "expected : behind a member name");
    r->p++;
    struct tree *child = read_value(r);
    if (!child)
        return NULL;
    child->symbol = symbol_find(name, length);
    child->name = child->symbol ? symbol_name(child->symbol) : name;
    child->name_length = (uint32_t)length;
    return child;
}

/* Reads the members of an object. */
static struct tree *read_object(struct reader *r) {
    struct tree *object = new_node(r, TREE_OBJECT, r->p);
    if (!object)
        return NULL;
    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == '}') {
        r->p++;
        return object;
    }
    for (;;) {
        struct tree *child = read_member(r);
        if (!child)
            return NULL;
        link_child(object, child);
        skip_space(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            continue;
        }
        if (r->p < r->end && *r->p == '}') {
            r->p++;
            return check_names(r, object) ? object : NULL;
        }
        return fail_at(r, r->p, "json-invalid", "expected , or } in an object");
    }
}

/* Reads any value. */
static struct tree *read_value(struct reader *r) {
    skip_space(r);
    if (r->p >= r->end)
        return fail_at(r, r->p, "json-invalid", "the text ends here: expected a value");
    struct tree *node;
    switch (*r->p) {
    case '"': return read_string_value(r);
    case '{':
    case '[':
        if (r->depth >= TREE_MAX_DEPTH)
            return fail_at(r, r->p, "json-too-deep", "objects and arrays are nested deeper than %d",
                           TREE_MAX_DEPTH);
        r->depth++;
        node = *r->p == '{' ? read_object(r) : read_array(r);
        r->depth--;
        return node;
    case 't': return read_word(r, "true", 4, TREE_BOOLEAN);
    case 'f': return read_word(r, "false", 5, TREE_BOOLEAN);
    case 'n': return read_word(r, "null", 4, TREE_NULL);
    case '-': return read_number(r);
    default:
        if (*r->p >= '0' && *r->p <= '9')
            return read_number(r);
        if (r->end - r->p >= 3 && memcmp(r->p, "\xEF\xBB\xBF", 3) == 0)
            return fail_at(r, r->p, "json-invalid",
                           "a byte order mark: save the file as UTF-8 without it");
        return read_word(r, "null", 4, TREE_NULL);
    }
}

/* Parses a text. */
struct tree *json_read(struct arena *a, char *text, size_t length, const char *source,
                       uint32_t first_line, bool borrow, struct iptfhir_error *error) {
    struct reader r = { .arena = a, .source = source, .error = error, .line = first_line };
    r.p = r.line_start = text;
    if (length >= UINT32_MAX)
        return fail_at(&r, text, "record-too-large", "the text is larger than 4 GiB");
    if (!borrow) {
        text = arena_strndup(a, text, length);
        if (!text)
            return fail_memory(&r, r.p, length + 1);
    }
    r.p = r.line_start = text;
    r.end = text + length;
    struct tree *root = read_value(&r);
    if (!root)
        return NULL;
    skip_space(&r);
    if (r.p < r.end)
        return fail_at(&r, r.p, "json-invalid", "expected the end of the text behind its value");
    return root;
}

/* Parses a text that must stay as it is. */
struct tree *json_read_copy(struct arena *a, const char *text, size_t length, const char *source,
                            struct iptfhir_error *error) {
    return json_read(a, (char *)(uintptr_t)text, length, source, 1, false, error);
}
