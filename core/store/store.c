/* SPDX-License-Identifier: Apache-2.0 */
/* What every store shares: the names of states, and the lock file of the service. */
#include "core/store/store.h"

#include "core/base/clock.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LOCK_TEXT = 160 };

const char *store_step_name(enum store_step step) {
    static const char *const names[] = {
        [STORE_WAITING] = "waiting", [STORE_UNKNOWN] = "unknown", [STORE_HELD] = "held",
        [STORE_DECIDED] = "decided", [STORE_IN_STEP] = "in-step",
    };
    size_t count = sizeof names / sizeof names[0];
    return (size_t)step < count ? names[step] : "";
}

/* Reports who holds the lock, as its file says. */
static bool report_holder(int fd, const char *path, struct iptfhir_error *error) {
    char holder[LOCK_TEXT];
    ssize_t length = pread(fd, holder, sizeof holder - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    return error_set(error, "store-locked", path,
                     "the store is in use by %s: wait for it to end, or stop that process",
                     holder[0] != '\0' ? holder : "another process");
}

/* Writes who we are into the lock file. */
static bool write_holder(int fd, const char *path, const char *purpose,
                         struct iptfhir_error *error) {
    char now[25];
    char holder[LOCK_TEXT];
    clock_format(clock_now_ms(), now);
    int length = snprintf(holder, sizeof holder, "process %ld (iptfhir %s, since %s)",
                          (long)getpid(), purpose, now);
    if (length >= LOCK_TEXT)
        length = LOCK_TEXT - 1;
    if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)length, 0) != length)
        return error_set(error, "store", path,
                         "cannot write the lock file beside the store: %s; make room on its disk",
                         strerror(errno));
    return true;
}

int store_lock(const char *path, const char *purpose, struct iptfhir_error *error) {
    struct str file = { 0 };
    int fd = -1;
    bool ok = false;
    str_printf(&file, "%s.lock", path);
    if (file.failed) {
        error_set(error, "memory", NULL, "out of memory: give the process more");
        goto out;
    }
    fd = open(file.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        error_set(error, "store", path,
                  "cannot make the lock file beside the store: %s; check that its folder exists "
                  "and is yours",
                  strerror(errno));
        goto out;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        ok = report_holder(fd, path, error);
    else
        ok = write_holder(fd, path, purpose, error);
out:
    if (!ok && fd >= 0) {
        close(fd);
        fd = -1;
    }
    str_free(&file);
    return fd;
}
