/* SPDX-License-Identifier: Apache-2.0 */
/* For sources that read files: which there are, which of them a cursor knows as read, and the
 * cursor's text. Link with libiptfhir. Nothing here has state. */
#ifndef IPTFHIR_FILES_H
#define IPTFHIR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef IPTFHIR_API
#define IPTFHIR_API __attribute__((visibility("default")))
#endif

struct iptfhir_file {
    char *path;
    const char *name; /* last component of path */
    char *line;       /* its cursor line: the old one until the file is read, then the new one; may
                         be NULL. Whoever replaces it frees the old one. */
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

#ifdef __cplusplus
}
#endif
#endif
