/* SPDX-License-Identifier: Apache-2.0 */
/* Where the resources of a bundle's entries stand in its text. The text was parsed before, so only
 * brackets and strings are looked at; whatever surprises ends the search. */
#include "slices.h"

#include <stdlib.h>
#include <string.h>

/* A place in the text; what doesn't fit makes it bad, and nothing moves it any more. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

/* The character at the place; '\0' at the end. */
static char here(const struct cursor *c) {
    return c->at < c->end && !c->bad ? *c->at : '\0';
}

static bool is_one_of(char character, const char *characters) {
    return character != '\0' && strchr(characters, character) != NULL;
}

static void skip_blanks(struct cursor *c) {
    while (is_one_of(here(c), " \t\n\r"))
        c->at++;
}

/* Moves past blanks and one character; false when another stands there. */
static bool take(struct cursor *c, char character) {
    skip_blanks(c);
    bool there = here(c) == character;
    c->at += there;
    return there;
}

/* The same when it must stand there. */
static void expect(struct cursor *c, char character) {
    c->bad |= !take(c, character);
}

/* Moves past a string, which begins here. */
static struct slice skip_string(struct cursor *c) {
    expect(c, '"');
    const char *from = c->at;
    while (here(c) != '\0' && here(c) != '"')
        c->at += here(c) == '\\' ? 2 : 1;
    c->bad |= c->at >= c->end;
    struct slice content = { from, (size_t)(c->at - from) };
    expect(c, '"');
    return content;
}

/* Moves past an object or array, which begins here. */
static void skip_nested(struct cursor *c) {
    size_t depth = 0;
    do {
        char character = here(c);
        c->bad |= character == '\0';
        if (character == '"') {
            (void)skip_string(c);
            continue;
        }
        depth += is_one_of(character, "{[");
        depth -= is_one_of(character, "}]");
        c->at++;
    } while (depth > 0 && !c->bad);
}

/* Moves past a value of any kind and returns where it stands. */
static struct slice skip_value(struct cursor *c) {
    skip_blanks(c);
    const char *from = c->at;
    if (is_one_of(here(c), "{["))
        skip_nested(c);
    else if (here(c) == '"')
        (void)skip_string(c);
    else
        while (here(c) != '\0' && !is_one_of(here(c), ",]} \t\r\n"))
            c->at++;
    c->bad |= c->at == from;
    return (struct slice) { from, (size_t)(c->at - from) };
}

/* Finds a member of an object, `object` being its whole text; *value's text is NULL without it. */
static bool find_member(struct slice object, const char *name, struct slice *value) {
    struct cursor c = { object.text, object.text + object.length, false };
    size_t length = strlen(name);
    *value = (struct slice) { NULL, 0 };
    expect(&c, '{');
    if (take(&c, '}'))
        return true;
    do {
        struct slice key = skip_string(&c);
        expect(&c, ':');
        struct slice one = skip_value(&c);
        bool wanted = key.length == length && memcmp(key.text, name, length) == 0;
        if (wanted)
            *value = one;
    } while (take(&c, ','));
    expect(&c, '}');
    return !c.bad;
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
    size_t capacity = 0;
    *s = (struct slices) { NULL, 0 };
    if (!find_member(whole, "entry", &entries))
        return false;
    if (entries.text == NULL)
        return true;
    struct cursor c = { entries.text, entries.text + entries.length, false };
    expect(&c, '[');
    if (take(&c, ']'))
        return true;
    do {
        struct slice entry = skip_value(&c);
        if (!c.bad && !add(s, &capacity, entry))
            c.bad = true;
    } while (take(&c, ','));
    expect(&c, ']');
    if (c.bad)
        slices_free(s);
    return !c.bad;
}

void slices_free(struct slices *s) {
    free(s->list);
    *s = (struct slices) { NULL, 0 };
}
