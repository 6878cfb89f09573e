/* SPDX-License-Identifier: Apache-2.0 */
/* Listing files and writing cursors. */
#include <iptfhir/files.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Coarser than the time stamps of any file system but FAT, which has these 2 seconds. */
enum { FRESH_SECONDS = 2 };

/* Writes a name with tab, line feed and percent as %xx; free() it. */
static char *escape_name(const char *name) {
    char *text = malloc(strlen(name) * 3 + 1);
    char *out = text;
    if (text == NULL)
        return NULL;
    for (; *name != '\0'; name++) {
        if (strchr("\t\n%", *name) != NULL)
            out += sprintf(out, "%%%02x", (unsigned)*name);
        else
            *out++ = *name;
    }
    *out = '\0';
    return text;
}

bool iptfhir_files_is_stdin(const char *path) {
    size_t length = strlen(path);
    bool named_dash = length > 1 && strcmp(path + length - 2, "/-") == 0;
    return strcmp(path, "-") == 0 || (named_dash && access(path, F_OK) != 0);
}

char *iptfhir_files_line(const char *name, const struct stat *st) {
    char *escaped = escape_name(name);
    char *line = NULL;
    if (escaped == NULL)
        return NULL;
    int length = asprintf(&line, "%s\t%lld\t%lld.%09ld\t%llu", escaped, (long long)st->st_size,
                          (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                          (unsigned long long)st->st_ino);
    free(escaped);
    return length < 0 ? NULL : line;
}

bool iptfhir_files_fresh(const struct stat *st) {
    return time(NULL) - st->st_mtim.tv_sec < FRESH_SECONDS;
}

/* Where a file's line begins in a cursor; NULL: it has none. */
static const char *line_in(const char *cursor, const char *escaped_name) {
    size_t length = strlen(escaped_name);
    const char *line = cursor;
    while (line != NULL && *line != '\0') {
        if (strncmp(line, escaped_name, length) == 0 && line[length] == '\t')
            return line;
        const char *end = strchr(line, '\n');
        line = end != NULL ? end + 1 : NULL;
    }
    return NULL;
}

/* Finds a file's line in a cursor: *out is a copy, or NULL when there is none. False: out of
 * memory. */
static bool find_line(const char *cursor, const char *name, char **out) {
    char *escaped = escape_name(name);
    *out = NULL;
    if (escaped == NULL)
        return false;
    const char *line = line_in(cursor, escaped);
    if (line != NULL)
        *out = strndup(line, strcspn(line, "\n"));
    free(escaped);
    return line == NULL || *out != NULL;
}

/* Adds one file; its path is taken over, NULL: out of memory. */
static bool add(struct iptfhir_files *f, char *path, const struct stat *st, const char *cursor) {
    if (path == NULL)
        return false;
    struct iptfhir_file *list = realloc(f->list, (f->count + 1) * sizeof *list);
    if (list == NULL) {
        free(path);
        return false;
    }
    f->list = list;
    const char *slash = strrchr(path, '/');
    struct iptfhir_file *file = &list[f->count++];
    *file = (struct iptfhir_file) { .path = path,
                                    .name = slash != NULL ? slash + 1 : path,
                                    .size = (uint64_t)st->st_size };
    f->total += file->size;
    return find_line(cursor, file->name, &file->line);
}

/* Tells whether a name has one of the endings. */
static bool ends_well(const char *name, const char *const *suffixes) {
    size_t length = strlen(name);
    for (; *suffixes != NULL; suffixes++) {
        size_t n = strlen(*suffixes);
        if (length > n && strcmp(name + length - n, *suffixes) == 0)
            return true;
    }
    return false;
}

/* Orders names by their bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds one entry of a folder, unless it is gone meanwhile or a folder. False: out of memory. */
static bool add_entry(struct iptfhir_files *f, const char *folder, const char *name,
                      const char *cursor) {
    char *path = NULL;
    struct stat st;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return false;
    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode)) {
        free(path);
        return true;
    }
    return add(f, path, &st, cursor);
}

/* Adds the files of a folder. */
static bool add_folder(struct iptfhir_files *f, const char *folder, const char *const *suffixes,
                       const char *cursor) {
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, by_name);
    bool whole = true;
    if (count < 0)
        return false;
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        bool wanted = name[0] != '.' && ends_well(name, suffixes);
        if (whole && wanted)
            whole = add_entry(f, folder, name, cursor);
        free(names[i]);
    }
    free(names);
    if (!whole)
        errno = ENOMEM;
    return whole;
}

bool iptfhir_files_list(struct iptfhir_files *f, const char *path, const char *const *suffixes,
                        const char *cursor) {
    struct stat st;
    *f = (struct iptfhir_files) { 0 };
    if (stat(path, &st) != 0)
        return false;
    if (S_ISDIR(st.st_mode))
        return add_folder(f, path, suffixes, cursor);
    bool added = add(f, strdup(path), &st, cursor);
    errno = added ? 0 : ENOMEM;
    return added;
}

void iptfhir_files_free(struct iptfhir_files *f) {
    for (size_t i = 0; i < f->count; i++) {
        free(f->list[i].path);
        free(f->list[i].line);
    }
    free(f->list);
    *f = (struct iptfhir_files) { 0 };
}

char *iptfhir_files_cursor(const struct iptfhir_files *f) {
    size_t length = 1;
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].line != NULL)
            length += strlen(f->list[i].line) + 1;
    }
    char *cursor = malloc(length);
    char *out = cursor;
    if (cursor == NULL)
        return NULL;
    *out = '\0';
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].line != NULL)
            out += sprintf(out, "%s\n", f->list[i].line);
    }
    return cursor;
}
