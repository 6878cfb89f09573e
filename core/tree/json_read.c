/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to the tree (RFC 8259), in place: strings are unescaped where they stand. */
#include "core/base/alloc.h"
#include "core/tree/number.h"
#include "core/tree/tree.h"
#include "core/tree/unicode.h"

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

/* Writes the place of a fault: its file when that is known, line and column. */
static void write_place(const struct reader *r, size_t line, size_t column, char where[256]) {
    if (r->source != NULL)
        snprintf(where, 256, "%.200s:%zu:%zu", r->source, line, column);
    else
        snprintf(where, 256, "%zu:%zu", line, column);
}

/* Reports what was expected at a byte. */
static void *fail_at(struct reader *r, const char *at, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void *fail_at(struct reader *r, const char *at, const char *code, const char *format, ...) {
    char where[256];
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    write_place(r, r->line, (size_t)(at - r->line_start) + 1, where);
    error_set(r->error, code, where, "%s", text);
    return NULL;
}

/* Reports that a text is not JSON. */
static void *invalid(struct reader *r, const char *at, const char *expected) {
    return fail_at(r, at, "json-invalid", "%s", expected);
}

/* Reports that the arena did not give `size` bytes. */
static void *fail_memory(struct reader *r, const char *at, size_t size) {
    const struct arena *a = r->arena;
    bool limited = a->limit > 0 && size + 15 > a->limit - a->used;
    if (limited)
        return fail_at(r, at, "record-too-large",
                       "the text needs more memory than the limit of %zu bytes", a->limit);
    return fail_at(r, at, "memory", "there is no memory for the text");
}

/* Skips white space and counts lines. */
static inline void skip_space(struct reader *r) {
    for (char *p = r->p;; p++) {
        r->p = p;
        if (p >= r->end)
            return;
        switch (*p) {
        case '\n':
            r->line++;
            r->line_start = p + 1;
            break;
        case ' ':
        case '\t':
        case '\r': break;
        default: return;
        }
    }
}

/* Passes over a character when it is the next one. */
static inline bool accept(struct reader *r, char c) {
    bool is_next = r->p < r->end && *r->p == c;
    r->p += is_next;
    return is_next;
}

/* Makes a node placed at the reader's position. */
static inline struct tree *new_node(struct reader *r, enum tree_kind kind, const char *at) {
    struct tree *node = arena_alloc(r->arena, sizeof *node);
    if (node == NULL)
        return fail_memory(r, at, sizeof *node);
    memset(node, 0, sizeof *node);
    node->kind = (uint8_t)kind;
    node->line = r->line;
    node->column = (uint32_t)(at - r->line_start) + 1;
    return node;
}

/* The forms of a UTF-8 sequence beyond ASCII, by their first byte (RFC 3629 section 4): the second
 * byte has a range of its own, those behind it are 0x80 to 0xBF. */
static const struct form {
    unsigned char last; /* first bytes up to this one */
    unsigned char low, high;
    unsigned char bytes;
} forms[] = {
    { 0xC1, 1, 0, 0 },       { 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xA0, 0xBF, 3 },
    { 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0x80, 0x9F, 3 }, { 0xEF, 0x80, 0xBF, 3 },
    { 0xF0, 0x90, 0xBF, 4 }, { 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0x80, 0x8F, 4 },
    { 0xFF, 1, 0, 0 },
};

/* The length of a valid UTF-8 sequence beyond ASCII, 0 when it is none. */
static size_t utf8_length(const char *text, const char *end) {
    const unsigned char *p = (const unsigned char *)text;
    const struct form *form = forms;
    while (p[0] > form->last)
        form++;
    if ((size_t)(end - text) < form->bytes || form->bytes == 0)
        return 0;
    if (p[1] < form->low || p[1] > form->high)
        return 0;
    for (size_t i = 2; i < form->bytes; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return form->bytes;
}

/* Reads \uXXXX (the reader stands behind the u), with its second half for a surrogate pair. */
static char *read_unicode(struct reader *r, char *out) {
    const char *at = r->p;
    const char *escape = at - 2;
    int32_t c = unicode_escape(&at, r->end);
    switch (c) {
    case UNICODE_NO_HEX: return invalid(r, escape, "expected four hex digits behind \\u");
    case UNICODE_HALF:
        return invalid(r, escape,
                       "a surrogate stands alone: write both halves, or the character itself");
    case 0:
        return invalid(r, escape, "the escape \\u0000 is not allowed: a text cannot hold a NUL");
    default: break;
    }
    r->p += at - (const char *)r->p;
    return out + unicode_put(out, (uint32_t)c);
}

/* Reads an escape (the reader stands behind the backslash). */
static char *read_escape(struct reader *r, char *out) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (r->p >= r->end)
        return invalid(r, r->p, "the string is not closed: expected \"");
    if (accept(r, 'u'))
        return read_unicode(r, out);
    const char *letter = memchr(letters, *r->p, strlen(letters));
    if (letter == NULL)
        return invalid(r, r->p - 1,
                       "unknown escape: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    *out = meanings[letter - letters];
    r->p++;
    return out + 1;
}

/* Finds the end of a run that needs no care. */
static inline char *skip_plain(char *p, char *end) {
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t quote = w ^ (ONES * '"');
        uint64_t backslash = w ^ (ONES * '\\');
        uint64_t stop = (((w - ONES * 0x20) & ~w) | ((quote - ONES) & ~quote) |
                         ((backslash - ONES) & ~backslash) | w) &
                        HIGHS;
        if (stop != 0) {
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

/* The length of the character beyond a plain run; 0, with a fault, when a string can't have it. */
static size_t character_length(struct reader *r, const char *at) {
    unsigned byte = (unsigned char)*at;
    if (byte < 0x20) {
        fail_at(r, at, "json-invalid",
                "a control character (0x%02X) in a string: write it as an escape", byte);
        return 0;
    }
    size_t length = utf8_length(at, r->end);
    if (length == 0)
        fail_at(r, at, "json-invalid",
                "the text is not UTF-8 here (byte 0x%02X): save the file as UTF-8", byte);
    return length;
}

/* Passes over a run of characters, up to a quote or a backslash; NULL with a fault. `quote`: where
 * the string begins. */
static char *run_end(struct reader *r, const char *quote, char *p) {
    for (;;) {
        p = skip_plain(p, r->end);
        if (p >= r->end)
            return invalid(r, quote, "the string that begins here is not closed: expected \"");
        if (*p == '"' || *p == '\\')
            return p;
        size_t length = character_length(r, p);
        if (length == 0)
            return NULL;
        p += length;
    }
}

/* Reads a string (the reader stands on its quote); unescapes it in place, which never makes it
 * longer, and puts a NUL behind it. */
static char *read_string(struct reader *r, size_t *length) {
    char *quote = r->p;
    char *start = quote + 1;
    char *stop = run_end(r, quote, start);
    char *out = stop;
    while (stop != NULL && *stop == '\\') {
        r->p = stop + 1;
        out = read_escape(r, out);
        if (out == NULL)
            return NULL;
        char *run = r->p;
        stop = run_end(r, quote, run);
        if (stop == NULL)
            return NULL;
        memmove(out, run, (size_t)(stop - run));
        out += stop - run;
    }
    if (stop == NULL)
        return NULL;
    r->p = stop + 1;
    *out = '\0';
    *length = (size_t)(out - start);
    return start;
}

/* Reads a string value. */
static struct tree *read_string_value(struct reader *r) {
    size_t length;
    char *at = r->p;
    struct tree *node = new_node(r, TREE_STRING, at);
    if (node == NULL)
        return NULL;
    node->text = read_string(r, &length);
    if (node->text == NULL)
        return NULL;
    if (length > UINT32_MAX)
        return invalid(r, at, "the string is too long");
    node->length = (uint32_t)length;
    return node;
}

/* Reads a number and keeps its text. */
static struct tree *read_number(struct reader *r) {
    const char *end = r->p;
    const char *expected;
    if (!number_scan(&end, r->end, &expected))
        return invalid(r, end, expected);
    size_t length = (size_t)(end - r->p);
    struct tree *node = new_node(r, TREE_NUMBER, r->p);
    if (node == NULL)
        return NULL;
    node->length = (uint32_t)length;
    node->text = arena_strndup(r->arena, r->p, length);
    if (node->text == NULL)
        return fail_memory(r, r->p, length + 1u);
    r->p += length;
    return node;
}

/* Reads true, false or null. */
static struct tree *read_word(struct reader *r, const char *word, enum tree_kind kind) {
    size_t length = strlen(word);
    size_t left = (size_t)(r->end - r->p);
    if (left < length || memcmp(r->p, word, length) != 0)
        return invalid(
            r, r->p,
            "expected a value: an object, an array, a string, a number, true, false or null");
    struct tree *node = new_node(r, kind, r->p);
    if (node == NULL)
        return NULL;
    node->boolean = word[0] == 't';
    r->p += length;
    return node;
}

/* Links a child that was just read. */
static inline void link_child(struct tree *parent, struct tree *child) {
    child->parent = parent;
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->length++;
}

/* Reads the children of an array or object (the reader stands on its bracket) up to the bracket
 * that closes it. */
static bool read_children(struct reader *r, struct tree *parent, char close,
                          struct tree *(*read_child)(struct reader *), const char *expected) {
    r->p++;
    skip_space(r);
    if (accept(r, close))
        return true;
    do {
        struct tree *child = read_child(r);
        if (child == NULL)
            return false;
        link_child(parent, child);
        skip_space(r);
    } while (accept(r, ','));
    bool closed = accept(r, close);
    if (!closed)
        invalid(r, r->p, expected);
    return closed;
}

/* Reads an array. */
static struct tree *read_array(struct reader *r) {
    struct tree *array = new_node(r, TREE_ARRAY, r->p);
    if (array == NULL)
        return NULL;
    bool ok = read_children(r, array, ']', read_value, "expected , or ] in an array");
    return ok ? array : NULL;
}

/* ---- objects: each name stands once ---- */

static inline bool same_name(const struct tree *a, const struct tree *b) {
    if (a->symbol != b->symbol || a->name_length != b->name_length)
        return false;
    return a->symbol != 0 || memcmp(a->name, b->name, a->name_length) == 0;
}

/* Reports a member that stands twice; its name is quoted only when it is a known one. */
static bool fail_twice(struct reader *r, const struct tree *member) {
    char where[256];
    write_place(r, member->line, member->column, where);
    if (member->symbol != 0)
        return error_set(r->error, "json-duplicate", where,
                         "the member \"%s\" stands twice in one object: keep one", member->name);
    return error_set(r->error, "json-duplicate", where,
                     "a member stands twice in one object: keep one");
}

/* Checks the names pair by pair. */
static bool check_pairs(struct reader *r, const struct tree *object) {
    for (const struct tree *a = object->first; a != NULL; a = a->next)
        for (const struct tree *b = object->first; b != a; b = b->next)
            if (same_name(a, b))
                return fail_twice(r, a);
    return true;
}

/* Orders members by name. */
static int by_name(const void *left, const void *right) {
    const struct tree *a = *(const struct tree *const *)left;
    const struct tree *b = *(const struct tree *const *)right;
    if (a->name_length != b->name_length)
        return a->name_length < b->name_length ? -1 : 1;
    return memcmp(a->name, b->name, a->name_length);
}

/* Of two members, the one that stands further behind. */
static const struct tree *later(const struct tree *a, const struct tree *b) {
    if (a->line != b->line)
        return a->line > b->line ? a : b;
    return a->column > b->column ? a : b;
}

/* Checks the names in order: two of one name are neighbours. */
static bool check_sorted(struct reader *r, const struct tree *object) {
    const struct tree **sorted = base_malloc(object->length * sizeof *sorted);
    if (sorted == NULL) {
        fail_at(r, r->p, "memory", "there is no memory for the text");
        return false;
    }
    size_t n = 0;
    for (const struct tree *m = object->first; m != NULL; m = m->next)
        sorted[n++] = m;
    qsort(sorted, n, sizeof(const struct tree *), by_name);
    size_t i = 1;
    while (i < n && by_name(&sorted[i - 1], &sorted[i]) != 0)
        i++;
    bool ok = i == n;
    if (!ok)
        fail_twice(r, later(sorted[i - 1], sorted[i]));
    base_free(sorted);
    return ok;
}

/* Reads one member: name, colon, value. */
static struct tree *read_member(struct reader *r) {
    skip_space(r);
    if (r->p >= r->end || *r->p != '"')
        return invalid(r, r->p, "expected a member name in quotes");
    size_t length;
    char *at = r->p;
    char *name = read_string(r, &length);
    if (name == NULL)
        return NULL;
    if (length > UINT32_MAX)
        return invalid(r, at, "the member name is too long");
    skip_space(r);
    if (!accept(r, ':'))
        return invalid(r, r->p, "expected : behind a member name");
    struct tree *child = read_value(r);
    if (child == NULL)
        return NULL;
    child->symbol = symbol_find(name, length);
    child->name = child->symbol != 0 ? symbol_name(child->symbol) : name;
    child->name_length = (uint32_t)length;
    return child;
}

/* Reads an object. */
static struct tree *read_object(struct reader *r) {
    struct tree *object = new_node(r, TREE_OBJECT, r->p);
    if (object == NULL)
        return NULL;
    if (!read_children(r, object, '}', read_member, "expected , or } in an object"))
        return NULL;
    bool few = object->length <= 16;
    bool once = few ? check_pairs(r, object) : check_sorted(r, object);
    return once ? object : NULL;
}

/* ---- values ---- */

/* Reads an array or object, one level deeper. */
static struct tree *read_container(struct reader *r, struct tree *(*read_inside)(struct reader *)) {
    if (r->depth >= TREE_MAX_DEPTH)
        return fail_at(r, r->p, "json-too-deep", "objects and arrays are nested deeper than %d",
                       TREE_MAX_DEPTH);
    r->depth++;
    struct tree *node = read_inside(r);
    r->depth--;
    return node;
}

/* Reads what begins with none of the characters of a value, but may be a number. */
static struct tree *read_other(struct reader *r) {
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    bool digit = *r->p >= '0' && *r->p <= '9';
    if (digit)
        return read_number(r);
    if (r->end - r->p >= 3 && memcmp(r->p, byte_order_mark, 3) == 0)
        return invalid(r, r->p, "a byte order mark: save the file as UTF-8 without it");
    return read_word(r, "null", TREE_NULL);
}

/* Reads any value. */
static struct tree *read_value(struct reader *r) {
    skip_space(r);
    if (r->p >= r->end)
        return invalid(r, r->p, "the text ends here: expected a value");
    switch (*r->p) {
    case '"': return read_string_value(r);
    case '{': return read_container(r, read_object);
    case '[': return read_container(r, read_array);
    case 't': return read_word(r, "true", TREE_BOOLEAN);
    case 'f': return read_word(r, "false", TREE_BOOLEAN);
    case '-': return read_number(r);
    default: return read_other(r);
    }
}

struct tree *json_read(struct arena *a, char *text, size_t length, const char *source,
                       uint32_t first_line, bool borrow, struct iptfhir_error *error) {
    struct reader r = { .arena = a, .source = source, .error = error, .line = first_line };
    r.p = r.line_start = text;
    if (length >= UINT32_MAX)
        return fail_at(&r, text, "record-too-large", "the text is larger than 4 GiB");
    if (!borrow) {
        text = arena_strndup(a, text, length);
        if (text == NULL)
            return fail_memory(&r, r.p, length + 1);
    }
    r.p = text;
    r.line_start = text;
    r.end = text + length;
    struct tree *root = read_value(&r);
    if (root == NULL)
        return NULL;
    skip_space(&r);
    if (r.p < r.end)
        return invalid(&r, r.p, "expected the end of the text behind its value");
    return root;
}

struct tree *json_read_copy(struct arena *a, const char *text, size_t length, const char *source,
                            struct iptfhir_error *error) {
    return json_read(a, (char *)(uintptr_t)text, length, source, 1, false, error);
}
