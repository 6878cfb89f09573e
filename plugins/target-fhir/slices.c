/* SPDX-License-Identifier: Apache-2.0 */
/* Where the resources of a bundle's entries stand in its text. The text was parsed before, so only
 * brackets and strings are looked at; whatever surprises ends the search. */
#include "slices.h"

#include <stdlib.h>
#include <string.h>

/* A place in the text. */
struct cursor {
    const char *at, *end;
};

/* Moves past blanks; false at the end. */
static bool skip_blanks(struct cursor *c) {
    while (c->at < c->end) {
        bool blank = *c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r';
        if (!blank)
            return true;
        c->at++;
    }
    return false;
}

/* Moves past blanks and one character; false when another stands there. */
static bool take(struct cursor *c, char character) {
    bool there = skip_blanks(c) && *c->at == character;
    if (there)
        c->at++;
    return there;
}

/* Moves past a string, which begins here. */
static bool skip_string(struct cursor *c, struct slice *content) {
    if (!take(c, '"'))
        return false;
    content->text = c->at;
    while (c->at < c->end && *c->at != '"') {
        if (*c->at == '\\')
            c->at++;
        c->at++;
    }
    if (c->at >= c->end)
        return false;
    content->length = (size_t)(c->at - content->text);
    c->at++;
    return true;
}

/* Moves past an object or array, which begins here. */
static bool skip_nested(struct cursor *c) {
    struct slice ignored;
    size_t depth = 0;
    do {
        if (c->at >= c->end)
            return false;
        if (*c->at == '"') {
            if (!skip_string(c, &ignored))
                return false;
            continue;
        }
        if (*c->at == '{' || *c->at == '[')
            depth++;
        else if (*c->at == '}' || *c->at == ']')
            depth--;
        c->at++;
    } while (depth > 0);
    return true;
}

/* Moves past a value of any kind and says where it stands. */
static bool skip_value(struct cursor *c, struct slice *value) {
    struct slice ignored;
    bool good = true;
    if (!skip_blanks(c))
        return false;
    const char *from = c->at;
    switch (*from) {
    case '{':
    case '[': good = skip_nested(c); break;
    case '"': good = skip_string(c, &ignored); break;
    default:
        while (c->at < c->end && strchr(",]} \t\r\n", *c->at) == NULL)
            c->at++;
    }
    value->text = from;
    value->length = (size_t)(c->at - from);
    return good && value->length > 0;
}

/* Finds a member of an object, `object` being its whole text; *value's text is NULL without it. */
static bool find_member(struct slice object, const char *name, struct slice *value) {
    struct cursor c = { object.text, object.text + object.length };
    struct slice key;
    struct slice one;
    size_t length = strlen(name);
    *value = (struct slice) { NULL, 0 };
    if (!take(&c, '{'))
        return false;
    if (take(&c, '}'))
        return true;
    do {
        bool whole = skip_blanks(&c) && skip_string(&c, &key) && take(&c, ':');
        if (!whole || !skip_value(&c, &one))
            return false;
        if (key.length == length && memcmp(key.text, name, length) == 0)
            *value = one;
    } while (take(&c, ','));
    return take(&c, '}');
}

/* Adds the slice of one entry. */
static bool add(struct slices *s, size_t *capacity, struct slice entry) {
    if (s->count == *capacity) {
        size_t more = *capacity == 0 ? 16 : *capacity * 2;
        struct slice *list = realloc(s->list, more * sizeof *list);
        if (list == NULL)
            return false;
        s->list = list;
        *capacity = more;
    }
    if (!find_member(entry, "resource", &s->list[s->count]))
        return false;
    s->count++;
    return true;
}

bool slices_find(struct slices *s, const char *text, size_t length) {
    struct slice whole = { text, length };
    struct slice entries;
    struct slice entry;
    size_t capacity = 0;
    *s = (struct slices) { NULL, 0 };
    if (!find_member(whole, "entry", &entries))
        return false;
    if (entries.text == NULL)
        return true;
    struct cursor c = { entries.text, entries.text + entries.length };
    if (!take(&c, '['))
        return false;
    if (take(&c, ']'))
        return true;
    do {
        bool good = skip_value(&c, &entry) && add(s, &capacity, entry);
        if (!good)
            goto fail;
    } while (take(&c, ','));
    if (take(&c, ']'))
        return true;
fail:
    slices_free(s);
    return false;
}

void slices_free(struct slices *s) {
    free(s->list);
    *s = (struct slices) { NULL, 0 };
}
