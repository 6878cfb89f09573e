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

/* A line of a cursor. */
struct line {
    const char *text;
    size_t name, length; /* of its escaped name, which it begins with, and of all of it */
};
/* The lines of a cursor by their names. */
struct cursor {
    struct line *lines;
    size_t count;
};

/* Orders lines by the bytes of their names. */
static int by_line_name(const void *a, const void *b) {
    const struct line *x = a;
    const struct line *y = b;
    size_t shorter = x->name < y->name ? x->name : y->name;
    int order = memcmp(x->text, y->text, shorter);
    return order != 0 ? order : (x->name > y->name) - (x->name < y->name);
}

static size_t count_lines(const char *text) {
    size_t count = 1;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* Finds the lines of a cursor, which may be NULL. False: out of memory. */
static bool read_cursor(const char *text, struct cursor *out) {
    *out = (struct cursor) { NULL, 0 };
    if (text == NULL)
        return true;
    out->lines = calloc(count_lines(text), sizeof *out->lines);
    if (out->lines == NULL)
        return false;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        const char *tab = memchr(text, '\t', length);
        if (tab != NULL)
            out->lines[out->count++] = (struct line) { text, (size_t)(tab - text), length };
        text += length;
        text += *text == '\n';
    }
    qsort(out->lines, out->count, sizeof *out->lines, by_line_name);
    return true;
}

/* Finds a file's line in a cursor: *out is a copy, or NULL when there is none. False: out of
 * memory. */
static bool find_line(const struct cursor *cursor, const char *name, char **out) {
    *out = NULL;
    if (cursor->count == 0)
        return true;
    char *escaped = escape_name(name);
    if (escaped == NULL)
        return false;
    const struct line wanted = { escaped, strlen(escaped), 0 };
    const struct line *line =
        bsearch(&wanted, cursor->lines, cursor->count, sizeof *cursor->lines, by_line_name);
    if (line != NULL)
        *out = strndup(line->text, line->length);
    free(escaped);
    return line == NULL || *out != NULL;
}

/* Adds one file; its path is taken over, NULL: out of memory. */
static bool add(struct iptfhir_files *f, char *path, const struct stat *st,
                const struct cursor *cursor) {
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
                      const struct cursor *cursor) {
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
                       const struct cursor *cursor) {
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

/* Adds the only file. */
static bool add_file(struct iptfhir_files *f, const char *path, const struct stat *st,
                     const struct cursor *cursor) {
    bool added = add(f, strdup(path), st, cursor);
    errno = added ? 0 : ENOMEM;
    return added;
}

bool iptfhir_files_list(struct iptfhir_files *f, const char *path, const char *const *suffixes,
                        const char *cursor) {
    struct cursor known;
    struct stat st;
    *f = (struct iptfhir_files) { 0 };
    if (stat(path, &st) != 0)
        return false;
    if (!read_cursor(cursor, &known)) {
        errno = ENOMEM;
        return false;
    }
    bool listed = S_ISDIR(st.st_mode) ? add_folder(f, path, suffixes, &known)
                                      : add_file(f, path, &st, &known);
    int reason = errno;
    free(known.lines);
    errno = reason;
    return listed;
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
