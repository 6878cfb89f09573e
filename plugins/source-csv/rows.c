/* SPDX-License-Identifier: Apache-2.0 */
/* The row reader: finds the end of a row first and changes the bytes only then, so that a broken
 * row can be left behind. */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 262144

enum found { FOUND_ROW, FOUND_MORE, FOUND_BAD };

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

/* Finds one row from r->start; *next is behind its line feed. */
static enum found find_row(struct rows *r, size_t *next, bool *memory) {
    char *p = r->buffer + r->start, *end = r->buffer + r->end;
    r->count = 0;
    for (;;) {
        char *cell = p;
        if (p < end && *p == '"') {
            char *quote = closing_quote(p + 1, end);
            if (!quote)
                return r->at_end ? FOUND_BAD : FOUND_MORE;
            p = quote + 1;
            if (p == end && !r->at_end)
                return FOUND_MORE;
        } else {
            while (p < end && *p != r->separator && *p != '\n')
                p++;
        }
        char *stop = p;
        if (p == end && !r->at_end)
            return FOUND_MORE;
        if (p < end && *p == '\r' && *cell == '"') {
            if (p + 1 == end && !r->at_end)
                return FOUND_MORE;
            p += p + 1 == end || p[1] == '\n';
        } else if (stop > cell && stop[-1] == '\r' && *cell != '"' && (p == end || *p == '\n')) {
            stop--;
        }
        if (p < end && *p != r->separator && *p != '\n')
            return FOUND_BAD; /* text behind a closing quote */
        if (!add_cell(r, cell, (size_t)(stop - cell))) {
            *memory = true;
            return FOUND_BAD;
        }
        if (p == end || *p == '\n') {
            *next = (size_t)(p - r->buffer) + (p < end);
            return FOUND_ROW;
        }
        p++;
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
    char *out = cell->text, *p = cell->text + 1, *end = cell->text + cell->length - 1;
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

/* Tells UTF-16 by its byte order mark. */
bool rows_is_utf16(const struct rows *r) {
    return r->begun && r->end >= 2 && r->buffer &&
           (memcmp(r->buffer, "\xFF\xFE", 2) == 0 || memcmp(r->buffer, "\xFE\xFF", 2) == 0);
}

/* Reads the next row. */
enum rows_answer rows_next(struct rows *r) {
    bool memory = false;
    size_t next = 0;
    if (!r->begun && !begin(r))
        return errno == ENOMEM ? ROWS_MEMORY : ROWS_ERROR;
    r->line = r->next_line;
    for (;;) {
        if (r->at_end && r->start == r->end)
            return ROWS_END;
        enum found found = r->start < r->end ? find_row(r, &next, &memory) : FOUND_MORE;
        if (memory)
            return ROWS_MEMORY;
        if (found == FOUND_ROW && next - r->start <= r->max_bytes)
            break;
        if (found == FOUND_BAD) {
            skip_line(r);
            return ROWS_BAD_QUOTES;
        }
        if (r->end - r->start > r->max_bytes)
            return skip_long(r);
        if (!fill(r))
            return errno == ENOMEM ? ROWS_MEMORY : ROWS_ERROR;
    }
    r->next_line += line_feeds(r->buffer + r->start, r->buffer + next);
    r->start = next;
    for (size_t i = 0; i < r->count; i++)
        unquote(&r->cells[i]);
    return ROWS_ROW;
}

/* Frees the buffer. */
void rows_free(struct rows *r) {
    free(r->buffer);
    free(r->cells);
    r->buffer = NULL;
    r->cells = NULL;
}
