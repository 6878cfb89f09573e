/* SPDX-License-Identifier: Apache-2.0 */
/* The row reader: finds the end of a row first and changes the bytes only then, so that a broken
 * row can be left behind. */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 262144

enum found {
    FOUND_ROW,
    FOUND_MORE, /* it goes on behind what was read */
    FOUND_BAD,
    FOUND_LONG, /* longer than max_bytes */
    FOUND_END,
    FOUND_ERROR,
    FOUND_NO_MEMORY
};

/* Reads on behind what is there; false with errno set. */
static bool fill(struct rows *r) {
    if (r->start > 0) {
        memmove(r->buffer, r->buffer + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    if (r->end == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : CHUNK;
        char *buffer = realloc(r->buffer, capacity);
        if (!buffer)
            return false;
        r->buffer = buffer;
        r->capacity = capacity;
    }
    ssize_t n;
    do
        n = read(r->fd, r->buffer + r->end, r->capacity - r->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return false;
    r->end += (size_t)n;
    r->taken += (uint64_t)n;
    r->at_end = n == 0;
    return true;
}

/* Notes one cell, still with its quotes. */
static bool add_cell(struct rows *r, char *text, size_t length) {
    if (r->count == r->cell_capacity) {
        size_t capacity = r->cell_capacity ? r->cell_capacity * 2 : 64;
        struct cell *cells = realloc(r->cells, capacity * sizeof *cells);
        if (!cells)
            return false;
        r->cells = cells;
        r->cell_capacity = capacity;
    }
    r->cells[r->count++] = (struct cell) { text, length };
    return true;
}

/* Finds the quote that closes a cell (p stands behind the opening one); NULL when it isn't there.
 */
static char *closing_quote(char *p, char *end) {
    while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
        if (p + 1 < end && p[1] == '"')
            p += 2;
        else
            return p;
    }
    return NULL;
}

/* Finds the end of a cell that begins with a quote: *stop is behind its closing quote, *next where
 * the separator or the line feed stands. */
static enum found end_quoted(const struct rows *r, char *cell, char **stop, char **next) {
    const char *end = r->buffer + r->end;
    char *quote = closing_quote(cell + 1, r->buffer + r->end);
    if (quote == NULL)
        return r->at_end ? FOUND_BAD : FOUND_MORE;
    char *p = quote + 1;
    *stop = p;
    bool line_ends = p < end && *p == '\r';
    p += line_ends;
    *next = p;
    if (p == end)
        return r->at_end ? FOUND_ROW : FOUND_MORE;
    bool separated = *p == r->separator && !line_ends;
    return separated || *p == '\n' ? FOUND_ROW : FOUND_BAD; /* no text behind a closing quote */
}

static bool ends_cell(const struct rows *r, char c) {
    return c == r->separator || c == '\n';
}

/* The same of a cell without quotes. */
static enum found end_plain(const struct rows *r, char *cell, char **stop, char **next) {
    const char *end = r->buffer + r->end;
    char *p = cell;
    while (p < end && !ends_cell(r, *p))
        p++;
    *stop = p;
    *next = p;
    if (p == end && !r->at_end)
        return FOUND_MORE;
    bool line_ends = p == end || *p == '\n';
    if (line_ends && p > cell && p[-1] == '\r')
        *stop = p - 1;
    return FOUND_ROW;
}

/* Finds one row from r->start; *next is behind its line feed. */
static enum found find_row(struct rows *r, size_t *next) {
    const char *end = r->buffer + r->end;
    char *cell = r->buffer + r->start;
    r->count = 0;
    for (;;) {
        char *stop;
        char *p;
        bool quoted = cell < end && *cell == '"';
        enum found found = quoted ? end_quoted(r, cell, &stop, &p) : end_plain(r, cell, &stop, &p);
        if (found != FOUND_ROW)
            return found;
        if (!add_cell(r, cell, (size_t)(stop - cell)))
            return FOUND_NO_MEMORY;
        if (p == end || *p == '\n') {
            *next = (size_t)(p - r->buffer) + (p < end);
            return FOUND_ROW;
        }
        cell = p + 1;
    }
}

/* Counts line feeds. */
static int64_t line_feeds(const char *p, const char *end) {
    int64_t count = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        count++;
        p++;
    }
    return count;
}

/* Removes the quotes of a cell and halves the doubled ones. */
static void unquote(struct cell *cell) {
    if (cell->length < 2 || cell->text[0] != '"')
        return;
    char *out = cell->text;
    char *p = cell->text + 1;
    char *end = cell->text + cell->length - 1;
    for (; p < end; p++) {
        *out++ = *p;
        p += *p == '"';
    }
    cell->length = (size_t)(out - cell->text);
}

/* Leaves a broken row behind: its first line. */
static void skip_line(struct rows *r) {
    char *feed = memchr(r->buffer + r->start, '\n', r->end - r->start);
    r->start = feed ? (size_t)(feed - r->buffer) + 1 : r->end;
    r->next_line = r->line + 1;
    r->count = 0;
}

/* Skips the rest of a line that is longer than the buffer may be. */
static enum rows_answer skip_long(struct rows *r) {
    while (!memchr(r->buffer + r->start, '\n', r->end - r->start) && !r->at_end) {
        r->start = r->end;
        if (!fill(r))
            return ROWS_ERROR;
    }
    skip_line(r);
    return ROWS_TOO_LARGE;
}

/* Skips a byte order mark once there are enough bytes to see it. */
static bool begin(struct rows *r) {
    r->next_line = 1;
    r->begun = true;
    while (r->end < 3 && !r->at_end)
        if (!fill(r))
            return false;
    if (r->end >= 3 && memcmp(r->buffer, "\xEF\xBB\xBF", 3) == 0)
        r->start = 3;
    return true;
}

bool rows_is_utf16(const struct rows *r) {
    static const char *const marks[] = { "\xFF\xFE", "\xFE\xFF" };
    if (!r->begun || r->end < 2)
        return false;
    return memcmp(r->buffer, marks[0], 2) == 0 || memcmp(r->buffer, marks[1], 2) == 0;
}

/* What reading failed of. */
static enum found trouble(void) {
    return errno == ENOMEM ? FOUND_NO_MEMORY : FOUND_ERROR;
}

/* Finds the next row, reading on as far as is needed. */
static enum found seek_row(struct rows *r, size_t *next) {
    for (;;) {
        bool some = r->start < r->end;
        if (r->at_end && !some)
            return FOUND_END;
        enum found found = some ? find_row(r, next) : FOUND_MORE;
        size_t bytes = found == FOUND_ROW ? *next - r->start : r->end - r->start;
        bool sized = found == FOUND_ROW || found == FOUND_MORE;
        if (sized && bytes > r->max_bytes)
            return FOUND_LONG;
        if (found != FOUND_MORE)
            return found;
        if (!fill(r))
            return trouble();
    }
}

/* Takes the row that was found: its cells lose their quotes. */
static void unquote_row(struct rows *r, size_t next) {
    r->next_line += line_feeds(r->buffer + r->start, r->buffer + next);
    r->start = next;
    for (size_t i = 0; i < r->count; i++)
        unquote(&r->cells[i]);
}

enum rows_answer rows_next(struct rows *r) {
    static const enum rows_answer answers[] = {
        [FOUND_ROW] = ROWS_ROW,        [FOUND_BAD] = ROWS_BAD_QUOTES,
        [FOUND_END] = ROWS_END,        [FOUND_NO_MEMORY] = ROWS_MEMORY,
        [FOUND_ERROR] = ROWS_ERROR,    [FOUND_MORE] = ROWS_ERROR, /* never: it was read on */
        [FOUND_LONG] = ROWS_TOO_LARGE,
    };
    size_t next = 0;
    if (!r->begun && !begin(r))
        return answers[trouble()];
    r->line = r->next_line;
    enum found found = seek_row(r, &next);
    if (found == FOUND_ROW)
        unquote_row(r, next);
    if (found == FOUND_BAD)
        skip_line(r);
    return found == FOUND_LONG ? skip_long(r) : answers[found];
}

void rows_free(struct rows *r) {
    free(r->buffer);
    free(r->cells);
    r->buffer = NULL;
    r->cells = NULL;
}
