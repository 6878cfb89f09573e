/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are, which of them the cursor knows as read, and the cursor's text. */
#ifndef SOURCE_FILES_H
#define SOURCE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct file {
    char *path;
    const char *name; /* last component of path */
    char *line; /* its cursor line: the old one until the file is read, then the new one; may be
                   NULL */
    uint64_t size;
};
struct files {
    struct file *of;
    size_t count;
    uint64_t total;
};

/* Lists the file `path`, or the files of the folder `path` whose names end in one of `suffixes`,
 * sorted by name, with their lines of the old cursor (may be NULL). False with errno when the path
 * cannot be read. */
bool files_list(struct files *f, const char *path, const char *const *suffixes, const char *cursor);
void files_free(struct files *f);
/* The cursor line of a file in this state; NULL when memory is out. */
char *files_line(const char *name, const struct stat *st);
/* True when a file was changed so lately that a further change may not show in its times. */
bool files_fresh(const struct stat *st);
/* The cursor: the lines of all files; free() it. NULL when memory is out. */
char *files_cursor(const struct files *f);
#endif
