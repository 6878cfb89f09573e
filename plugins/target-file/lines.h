/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of the NDJSON file have which id: an index of hashes and places in an unlinked file
 * beside it, so that memory does not grow with the file and no line is looked for by reading all.
 */
#ifndef TARGET_FILE_LINES_H
#define TARGET_FILE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LINES_ID = 36 /* characters of an id: a UUID */ };

struct lines {
    int file;  /* the NDJSON file; borrowed */
    int index; /* -1: not made yet */
    uint64_t capacity, count;
    unsigned char *seen; /* a filter of hashes: what it doesn't know is in no line */
    off_t indexed;       /* how far the file is in the index */
    char *block;         /* a part of the file that is looked at */
    size_t room;
};
/* A line with an id. */
struct line {
    int64_t count;    /* how many lines have the id; 0: none */
    const char *text; /* the last of them, without its end; until the next call */
    size_t length;
};
/* Begins an index of a file; nothing is read yet. */
void lines_open(struct lines *l, int file);
/* Takes in what the file got since the last call, up to `end`; `folder` is where the index is made.
 * False and errno when that failed. */
bool lines_update(struct lines *l, const char *folder, off_t end);
/* Finds the last line with an id. False and errno when the file cannot be read. */
bool lines_find(struct lines *l, const char *id, struct line *out);
/* Takes in a line that was just written at `at`, where the index ended, `length` with its end. */
bool lines_add(struct lines *l, const char *id, off_t at, size_t length);
void lines_close(struct lines *l);
#endif
