/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files into buffers. */
#include "core/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

/* Appends what a descriptor gives until its end; false with errno. */
static bool read_all(struct str *out, int fd, size_t max) {
    size_t taken = 0;
    for (;;) {
        size_t left = max - taken;
        size_t room = left < READ_BYTES ? left + 1 : READ_BYTES; /* one more shows an excess */
        if (!str_reserve(out, room)) {
            errno = ENOMEM;
            return false;
        }
        ssize_t n = read(fd, out->data + out->length, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        taken += (size_t)n;
        if (taken > max) {
            errno = EFBIG;
            return false;
        }
        out->length += (size_t)n;
        out->data[out->length] = '\0';
        if (n == 0)
            return true;
    }
}

/* Says why reading failed, with errno kept. */
static void tell(char why[IPTFHIR_FILE_WHY], size_t max) {
    int saved = errno;
    if (why != NULL && saved == EFBIG)
        snprintf(why, IPTFHIR_FILE_WHY, "this is larger than %zu bytes: split it", max);
    else if (why != NULL)
        snprintf(why, IPTFHIR_FILE_WHY, "this cannot be read: %s", strerror(saved));
    errno = saved;
}

bool file_read(struct str *out, const char *path, size_t max, char why[IPTFHIR_FILE_WHY]) {
    struct stat st;
    int fd = iptfhir_file_open(path, max, &st, why);
    if (fd < 0)
        return false;
    bool ok = str_reserve(out, (size_t)st.st_size + 1);
    if (!ok)
        errno = ENOMEM;
    ok = ok && read_all(out, fd, max);
    if (!ok)
        tell(why, max);
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

bool file_read_stdin(struct str *out, size_t max, char why[IPTFHIR_FILE_WHY]) {
    bool ok = read_all(out, STDIN_FILENO, max);
    if (!ok)
        tell(why, max);
    return ok;
}

bool iptfhir_text_read_file(struct iptfhir_text *text, const char *path, size_t max) {
    struct str out = { .text = *text };
    bool ok = file_read(&out, path, max, NULL);
    *text = out.text;
    return ok;
}
