/* SPDX-License-Identifier: Apache-2.0 */
/* Opening regular files without waiting; linked by core and by plugins. */
#include <iptfhir/files.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Says what stands in the place of a regular file. */
static const char *kind_of(mode_t mode) {
    static const struct {
        mode_t type;
        const char *name;
    } kinds[] = {
        { S_IFDIR, "a folder" },  { S_IFIFO, "a FIFO (named pipe)" },
        { S_IFSOCK, "a socket" }, { S_IFCHR, "a device" },
        { S_IFBLK, "a device" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((mode & S_IFMT) == kinds[i].type)
            return kinds[i].name;
    }
    return "no regular file";
}

/* Says what to do about a path that cannot be opened. */
static const char *advice_for(int error) {
    static const struct {
        int error;
        const char *advice;
    } list[] = {
        { ENOENT, "check the path" },
        { ENOTDIR, "check the path" },
        { EACCES, "give the service's user the right to read it" },
        { EPERM, "give the service's user the right to read it" },
        { ELOOP, "its symbolic links lead to each other" },
        { EMFILE, "raise the limit of open files" },
        { ENFILE, "raise the limit of open files" },
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (error == list[i].error)
            return list[i].advice;
    }
    return "check the path and its permissions";
}

/* Checks what was opened; false with errno and a reason. */
static bool is_usable(const struct stat *st, uint64_t max_bytes, char why[IPTFHIR_FILE_WHY]) {
    if (!S_ISREG(st->st_mode)) {
        snprintf(why, IPTFHIR_FILE_WHY,
                 "this is %s, where a regular file is expected: name a file, or copy it to one",
                 kind_of(st->st_mode));
        errno = S_ISDIR(st->st_mode) ? EISDIR : ENXIO;
        return false;
    }
    if ((uint64_t)st->st_size > max_bytes) {
        snprintf(why, IPTFHIR_FILE_WHY,
                 "this file is too large: at most %llu bytes are read; split it, or check that it "
                 "is the right one",
                 (unsigned long long)max_bytes);
        errno = EFBIG;
        return false;
    }
    return true;
}

int iptfhir_file_open(const char *path, uint64_t max_bytes, struct stat *state,
                      char why[IPTFHIR_FILE_WHY]) {
    char unwanted[IPTFHIR_FILE_WHY];
    struct stat st;
    if (why == NULL)
        why = unwanted;
    why[0] = '\0';
    /* O_NONBLOCK: opening a FIFO that nobody writes to, or a device, would wait. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int saved = errno;
        snprintf(why, IPTFHIR_FILE_WHY, "this file cannot be opened: %s; %s", strerror(saved),
                 advice_for(saved));
        if (fd >= 0)
            close(fd);
        errno = saved;
        return -1;
    }
    if (!is_usable(&st, max_bytes, why)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    if (state != NULL)
        *state = st;
    return fd;
}
