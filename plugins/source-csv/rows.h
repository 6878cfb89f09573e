/* SPDX-License-Identifier: Apache-2.0 */
/* CSV (RFC 4180) from a descriptor, row by row, with memory for one row. */
#ifndef SOURCE_CSV_ROWS_H
#define SOURCE_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell {
    char *text;
    size_t length;
};
enum rows_answer {
    ROWS_ROW, /* cells and line are set */
    ROWS_END,
    ROWS_BAD_QUOTES, /* the row at `line` cannot be read; the next call goes on behind its first
                        line */
    ROWS_TOO_LARGE,  /* the same */
    ROWS_ERROR,      /* reading failed: errno */
    ROWS_MEMORY
};
struct rows {
    int fd;
    char separator;
    size_t max_bytes;   /* of one row */
    struct cell *cells; /* of the last row; their texts live until the next call */
    size_t count;
    int64_t line;   /* first line of the last row */
    uint64_t taken; /* bytes read so far */
    /* The rest is the reader's own. */
    char *buffer;
    size_t capacity, start, end, cell_capacity;
    int64_t next_line;
    bool at_end, begun;
};
/* The first two bytes of UTF-16 text, seen at the beginning. */
bool rows_is_utf16(const struct rows *r);
enum rows_answer rows_next(struct rows *r);
void rows_free(struct rows *r);
#endif
