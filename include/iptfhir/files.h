/* SPDX-License-Identifier: Apache-2.0 */
/* For sources that read files: opening them, which there are, which of them a cursor knows as read,
 * and the cursor's text. Link with libiptfhir. Nothing here has state; all of it is thread-safe. */
#ifndef IPTFHIR_FILES_H
#define IPTFHIR_FILES_H

#include <iptfhir/text.h>
#include <stdint.h>
#include <sys/stat.h>

/* Bytes of a refusal's text, its NUL included. */
#define IPTFHIR_FILE_WHY 200

/* Opens `path` for reading when it is a regular file (or a link to one) of at most `max_bytes`
 * bytes; nothing else is waited for or read. Returns a descriptor, which the caller closes, and
 * fills `state`. Otherwise -1, with `why` saying what stands there, what was expected and what to
 * do (no name of the file), and errno: EISDIR for a folder, ENXIO for a FIFO, socket or device,
 * EFBIG when it is too large, or what open(2) said. `state` and `why` may be NULL. */
IPTFHIR_API int iptfhir_file_open(const char *path, uint64_t max_bytes, struct stat *state,
                                  char why[IPTFHIR_FILE_WHY]);

struct iptfhir_file {
    char *path;
    const char *name; /* last component of path */
    /* Its cursor line: the old one until the file is read, then the new one; may be NULL. Whoever
     * replaces it frees the old one. */
    char *line;
    uint64_t size;
};
struct iptfhir_files {
    struct iptfhir_file *list;
    size_t count;
    uint64_t total; /* bytes */
};
/* True when `path` means standard input: "-", also where a host made it absolute. */
IPTFHIR_API bool iptfhir_files_is_stdin(const char *path);
/* Lists the file `path`, or the files of the folder `path` whose names end in one of `suffixes`
 * (NULL-terminated), sorted by name, with their lines of the old cursor (may be NULL). False with
 * errno when the path cannot be read; iptfhir_files_free() the list at any rate. */
IPTFHIR_API bool iptfhir_files_list(struct iptfhir_files *files, const char *path,
                                    const char *const *suffixes, const char *cursor);
IPTFHIR_API void iptfhir_files_free(struct iptfhir_files *files);
/* The cursor line of a file in this state, to be freed with free(); NULL when memory is out. */
IPTFHIR_API char *iptfhir_files_line(const char *name, const struct stat *state);
/* True when a file was changed so lately that a further change may not show in its times. */
IPTFHIR_API bool iptfhir_files_fresh(const struct stat *state);
/* The cursor: the lines of all files, to be freed with free(); NULL when memory is out. */
IPTFHIR_API char *iptfhir_files_cursor(const struct iptfhir_files *files);
#endif
