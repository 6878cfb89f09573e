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

#define FRESH_SECONDS                                                                              \
    2 /* coarser than the time stamps of any file system but FAT, which has these 2 seconds */

/* Writes a name with tab, line feed and percent as %xx; free() it. */
static char *escape_name(const char *name) {
    char *text = malloc(strlen(name) * 3 + 1), *out = text;
    if (!text)
        return NULL;
    for (; *name; name++) {
        if (*name == '\t' || *name == '\n' || *name == '%')
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
    char *escaped = escape_name(name), *line = NULL;
    if (escaped && asprintf(&line, "%s\t%lld\t%lld.%09ld\t%llu", escaped, (long long)st->st_size,
                            (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                            (unsigned long long)st->st_ino) < 0)
        line = NULL;
    free(escaped);
    return line;
}

bool iptfhir_files_fresh(const struct stat *st) {
    return time(NULL) - st->st_mtim.tv_sec < FRESH_SECONDS;
}

/* Finds a file's line in a cursor; a copy, NULL when there is none. */
static char *find_line(const char *cursor, const char *name, bool *failed) {
    char *escaped = escape_name(name), *line = NULL;
    size_t length = escaped ? strlen(escaped) : 0;
    *failed |= !escaped;
    for (const char *p = cursor; escaped && p && *p;) {
        size_t n = strcspn(p, "\n");
        if (n > length && p[length] == '\t' && memcmp(p, escaped, length) == 0) {
            line = strndup(p, n);
            *failed |= !line;
            break;
        }
        p += n + (p[n] == '\n');
    }
    free(escaped);
    return line;
}

/* Adds one file. */
static bool add(struct iptfhir_files *f, char *path, const struct stat *st, const char *cursor) {
    struct iptfhir_file *list = path ? realloc(f->list, (f->count + 1) * sizeof *list) : NULL;
    if (!list) {
        free(path);
        return false;
    }
    f->list = list;
    const char *slash = strrchr(path, '/');
    struct iptfhir_file *file = &list[f->count++];
    *file = (struct iptfhir_file) { .path = path,
                                    .name = slash ? slash + 1 : path,
                                    .size = (uint64_t)st->st_size };
    f->total += file->size;
    bool failed = false;
    file->line = find_line(cursor, file->name, &failed);
    return !failed;
}

/* Tells whether a name has one of the endings. */
static bool ends_well(const char *name, const char *const *suffixes) {
    size_t length = strlen(name);
    for (; *suffixes; suffixes++) {
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

bool iptfhir_files_list(struct iptfhir_files *f, const char *path, const char *const *suffixes,
                        const char *cursor) {
    struct stat st;
    *f = (struct iptfhir_files) { 0 };
    if (stat(path, &st) != 0)
        return false;
    if (!S_ISDIR(st.st_mode)) {
        bool added = add(f, strdup(path), &st, cursor);
        errno = added ? 0 : ENOMEM;
        return added;
    }
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, by_name);
    bool ok = count >= 0;
    for (int i = 0; i < count; i++) {
        char *full = NULL;
        if (ok && names[i]->d_name[0] != '.' && ends_well(names[i]->d_name, suffixes)) {
            if (asprintf(&full, "%s/%s", path, names[i]->d_name) < 0)
                full = NULL;
            if (full &&
                (stat(full, &st) != 0 || S_ISDIR(st.st_mode))) /* gone meanwhile, or a folder */
                free(full);
            else
                ok = add(f, full, &st, cursor);
            errno = ok ? errno : ENOMEM;
        }
        free(names[i]);
    }
    int saved = errno;
    free(names);
    errno = saved;
    return ok;
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
    for (size_t i = 0; i < f->count; i++)
        length += f->list[i].line ? strlen(f->list[i].line) + 1 : 0;
    char *cursor = malloc(length), *out = cursor;
    for (size_t i = 0; cursor && i < f->count; i++)
        if (f->list[i].line)
            out += sprintf(out, "%s\n", f->list[i].line);
    if (cursor)
        *out = '\0';
    return cursor;
}
