/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies rewritten from text to text, without a parse tree: one scan over members, one over
 * strings. */
#include "rewrite.h"

#include <string.h>

/* A member of an object: the key between its quotes, and its value. */
struct member {
    const char *key, *value, *end; /* value..end */
    size_t key_length;
};

/* Skips blanks. */
static const char *skip_blank(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Returns what follows the string that begins at p, NULL when it has no end. */
static const char *skip_string(const char *p, const char *end) {
    const char *q = p + 1;
    while (q < end && (q = memchr(q, '"', (size_t)(end - q))) != NULL) {
        const char *escape = q;
        while (escape > p + 1 && escape[-1] == '\\')
            escape--;
        if ((q - escape) % 2 == 0)
            return q + 1;
        q++;
    }
    return NULL;
}

/* Returns what follows the value that begins at p, NULL when it has no end. */
static const char *skip_value(const char *p, const char *end) {
    size_t depth = 0;
    if (p < end && *p != '"' && *p != '{' && *p != '[') {
        while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\n' &&
               *p != '\r' && *p != '\t')
            p++;
        return p;
    }
    while (p != NULL && p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            if (depth == 0)
                return p;
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        else if ((*p == '}' || *p == ']') && --depth == 0)
            return p + 1;
        p++;
    }
    return NULL;
}

/* Steps to the next member of an object; *p is behind '{' or behind the member before. 1: one, 0:
 * the end, -1: no JSON.
 */
static int next_member(const char **p, const char *end, struct member *m) {
    const char *q = skip_blank(*p, end);
    if (q < end && *q == ',')
        q = skip_blank(q + 1, end);
    if (q >= end)
        return -1;
    if (*q == '}')
        return 0;
    if (*q != '"')
        return -1;
    m->key = q + 1;
    q = skip_string(q, end);
    if (q == NULL)
        return -1;
    m->key_length = (size_t)(q - 1 - m->key);
    q = skip_blank(q, end);
    if (q >= end || *q != ':')
        return -1;
    m->value = skip_blank(q + 1, end);
    m->end = m->value < end ? skip_value(m->value, end) : NULL;
    if (m->end == NULL || m->end == m->value)
        return -1;
    *p = m->end;
    return 1;
}

/* Tells whether a member has this name. */
static bool is_named(const struct member *m, const char *name) {
    size_t n = strlen(name);
    return m->key_length == n && memcmp(m->key, name, n) == 0;
}

/* Finds a member of the object at `object`. */
static bool find_member(const char *object, const char *end, const char *name, struct member *m) {
    const char *p = skip_blank(object, end);
    if (p >= end || *p != '{')
        return false;
    p++;
    while (next_member(&p, end, m) == 1)
        if (is_named(m, name))
            return true;
    return false;
}

/* Returns the '{' of the innermost object around `at`. */
static const char *enclosing_object(const char *start, const char *at) {
    const char *stack[64];
    size_t depth = 0;
    for (const char *p = start; p < at; p++) {
        if (*p == '"') {
            const char *q = skip_string(p, at);
            if (q == NULL)
                break;
            p = q - 1;
        } else if (*p == '{' || *p == '[') {
            if (depth < sizeof stack / sizeof *stack)
                stack[depth] = p;
            depth++;
        } else if ((*p == '}' || *p == ']') && depth > 0) {
            depth--;
        }
    }
    return depth > 0 && depth <= sizeof stack / sizeof *stack && *stack[depth - 1] == '{'
               ? stack[depth - 1]
               : NULL;
}

/* Writes what stands for a "reference" member that becomes logical; nothing where "type" and
 * "identifier" are there already. */
static bool write_logical(const char *object, const char *end, const char *type, size_t type_length,
                          const struct reference_answer *a, struct text *out) {
    struct member m;
    bool typed = find_member(object, end, "type", &m),
         identified = find_member(object, end, "identifier", &m);
    if (!identified && a->value == NULL)
        return false;
    if (!typed) {
        text_puts(out, "\"type\":\"");
        text_add(out, type, type_length);
        text_puts(out, "\"");
    }
    if (identified)
        return true;
    text_puts(out, typed ? "\"identifier\":{" : ",\"identifier\":{");
    if (a->system != NULL) {
        text_puts(out, "\"system\":");
        text_json(out, a->system);
        text_puts(out, ",");
    }
    text_puts(out, "\"value\":");
    text_json(out, a->value);
    text_puts(out, "}");
    return true;
}

/* Writes one "reference" member of the object around it; text is its string without quotes. */
static bool write_reference(const struct rewrite *r, const char *start, const char *end,
                            const char *key, const char *text, size_t length, struct text *out) {
    struct reference_answer a = { REFERENCE_KEEP, NULL, NULL, NULL };
    const char *slash = memchr(text, '/', length);
    size_t type_length = slash != NULL ? (size_t)(slash - text) : 0;
    const char *id = text + type_length + 1;
    size_t id_length = slash != NULL ? length - type_length - 1 : 0;
    if (slash != NULL && type_length > 0 && memchr(id, '/', id_length) == NULL &&
        memchr(text, '\\', length) == NULL)
        r->resolve(r->user, text, type_length, id, id_length, &a);
    if (a.kind == REFERENCE_LOGICAL) {
        const char *object = enclosing_object(start, key);
        return object != NULL && write_logical(object, end, text, type_length, &a, out);
    }
    text_puts(out, "\"reference\":\"");
    if (a.kind == REFERENCE_KEEP) {
        text_add(out, text, length);
    } else if (a.kind == REFERENCE_URN) {
        text_puts(out, "urn:uuid:");
        text_add(out, id, id_length);
    } else {
        text_add(out, text, type_length + 1);
        text_puts(out, a.id);
    }
    text_puts(out, "\"");
    return true;
}

/* Takes away the comma that goes with a member that was left out: the one behind it, or the one
 * before; returns where to go on. */
static const char *drop_comma(const char *after, const char *end, struct text *out) {
    const char *next = skip_blank(after, end);
    if (next < end && *next == ',')
        return next + 1;
    while (out->length > 0 && strchr(", \n\r\t", out->data[out->length - 1]) != NULL)
        out->length--;
    return after;
}

/* Copies a value with its references rewritten; `end` bounds the value, `limit` the body. */
static bool copy_value(const struct rewrite *r, const char *start, const char *end,
                       const char *limit, struct text *out) {
    const char *from = start;
    for (const char *p = start; (p = memchr(p, '"', (size_t)(end - p))) != NULL;) {
        const char *key = p, *after = skip_string(p, end);
        if (after == NULL)
            return false;
        p = after;
        if (after - key != 11 || memcmp(key, "\"reference\"", 11) != 0)
            continue;
        const char *value = skip_blank(after, end);
        if (value >= end || *value != ':')
            continue;
        value = skip_blank(value + 1, end);
        if (value >= end || *value != '"')
            continue;
        after = skip_string(value, end);
        if (after == NULL)
            return false;
        text_add(out, from, (size_t)(key - from));
        size_t before = out->length;
        if (!write_reference(r, start, limit, key, value + 1, (size_t)(after - value) - 2, out))
            return false;
        from = p = out->length > before ? after : drop_comma(after, end, out);
    }
    text_add(out, from, (size_t)(end - from));
    return true;
}

/* Writes a member's name, after a comma unless it is the first. */
static void write_key(struct text *out, const struct member *m, bool *first) {
    text_puts(out, *first ? "\"" : ",\"");
    text_add(out, m->key, m->key_length);
    text_puts(out, "\":");
    *first = false;
}

/* Writes meta with the members that `keep` has as well (NULL: all but security); nothing when none
 * is left. */
static bool write_meta(struct text *out, const struct member *meta, const struct member *keep,
                       bool *first) {
    const char *p = meta->value + 1;
    struct member m, other;
    bool none = true;
    int more = 0;
    if (*meta->value != '{')
        return false;
    while ((more = next_member(&p, meta->end, &m)) == 1) {
        char name[64];
        if (m.key_length >= sizeof name)
            continue;
        memcpy(name, m.key, m.key_length);
        name[m.key_length] = '\0';
        if (keep != NULL ? !find_member(keep->value, keep->end, name, &other)
                         : strcmp(name, "security") == 0)
            continue;
        if (none) {
            bool begin = true;
            write_key(out, meta, first);
            text_puts(out, "{");
            write_key(out, &m, &begin);
            none = false;
        } else {
            write_key(out, &m, &none);
        }
        text_add(out, m.value, (size_t)(m.end - m.value));
    }
    if (!none)
        text_puts(out, "}");
    return more == 0;
}

bool rewrite_body(const struct rewrite *r, const char *body, size_t length, struct text *out) {
    const char *end = body + length, *p = skip_blank(body, end);
    struct member m;
    bool first = true, has_id = false;
    int more = 0;
    if (p >= end || *p != '{' || !text_reserve(out, length + 256))
        return false;
    text_puts(out, "{");
    for (p++; (more = next_member(&p, end, &m)) == 1;) {
        if (is_named(&m, "id")) {
            if (r->id == NULL)
                continue;
            has_id = true;
            write_key(out, &m, &first);
            text_json(out, r->id);
        } else if (is_named(&m, "meta") && r->omit_labels) {
            if (!write_meta(out, &m, NULL, &first))
                return false;
        } else {
            write_key(out, &m, &first);
            if (!copy_value(r, m.value, m.end, end, out))
                return false;
        }
    }
    if (r->id != NULL && !has_id) {
        text_puts(out, first ? "\"id\":" : ",\"id\":");
        text_json(out, r->id);
    }
    text_puts(out, "}");
    return more == 0 && !out->failed;
}

bool rewrite_normalise(const char *theirs, size_t length, const char *mine, size_t mine_length,
                       struct text *out) {
    const char *end = theirs + length, *p = skip_blank(theirs, end);
    struct member m, my_meta, other;
    bool first = true, has_meta = find_member(mine, mine + mine_length, "meta", &my_meta);
    int more = 0;
    if (p >= end || *p != '{' || !text_reserve(out, length))
        return false;
    text_puts(out, "{");
    for (p++; (more = next_member(&p, end, &m)) == 1;) {
        if (is_named(&m, "meta")) {
            if (has_meta && !write_meta(out, &m, &my_meta, &first))
                return false;
            continue;
        }
        if (is_named(&m, "text") && !find_member(mine, mine + mine_length, "text", &other))
            continue;
        write_key(out, &m, &first);
        text_add(out, m.value, (size_t)(m.end - m.value));
    }
    text_puts(out, "}");
    return more == 0 && !out->failed;
}

bool rewrite_string(const char *body, size_t length, const char *parent, const char *name,
                    char *out, size_t size) {
    const char *object = body, *end = body + length;
    struct member m;
    if (parent != NULL) {
        if (!find_member(body, end, parent, &m))
            return false;
        object = m.value;
        end = m.end;
    }
    if (!find_member(object, end, name, &m) || *m.value != '"')
        return false;
    size_t n = (size_t)(m.end - m.value) - 2;
    if (n >= size || memchr(m.value + 1, '\\', n) != NULL)
        return false;
    memcpy(out, m.value + 1, n);
    out[n] = '\0';
    return true;
}
