/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, making and deriving keys. */
#include "core/base/key.h"

#include "core/base/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* True when the file is nobody else's. */
static bool is_private(int fd, const char *path, struct iptfhir_error *error) {
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set(error, "key-file", path, "the key must be a plain file");
    if ((st.st_mode & 077) != 0)
        return error_set(error, "key-file", path,
                         "others may read the key: chmod 600 it, and think of it as known");
    return true;
}

/* Reads exactly a key. */
static bool read_key(int fd, const char *path, unsigned char key[KEY_BYTES],
                     struct iptfhir_error *error) {
    unsigned char bytes[KEY_BYTES + 1];
    size_t got = 0;
    ssize_t n;
    /* One byte more shows that a file is too long. */
    while ((n = read(fd, bytes + got, sizeof bytes - got)) > 0)
        got += (size_t)n;
    bool whole = n == 0 && got == KEY_BYTES;
    if (whole)
        memcpy(key, bytes, KEY_BYTES);
    crypt_wipe(bytes, sizeof bytes);
    return whole || error_set(error, "key-file", path,
                              "a key is a file of exactly 32 bytes: put the copy of it back");
}

/* Makes the name of a new file durable. */
static void sync_folder(const char *path) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    (void)fsync(folder);
    close(folder);
}

/* Writes a new key beside its place and links it there, so that of two who make one at once both
 * have the same. */
static bool make_key(const char *path, struct iptfhir_error *error) {
    char new_path[PATH_MAX];
    unsigned char key[KEY_BYTES];
    snprintf(new_path, sizeof new_path, "%s.%ld", path, (long)getpid());
    int fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, "key-file", path, "cannot make the key: %s", strerror(errno));
    bool ok = crypt_random(key, sizeof key) && write(fd, key, sizeof key) == (ssize_t)sizeof key &&
              fsync(fd) == 0;
    crypt_wipe(key, sizeof key);
    close(fd);
    bool linked = ok && (link(new_path, path) == 0 || errno == EEXIST);
    int why = errno;
    (void)unlink(new_path);
    sync_folder(path);
    return linked || error_set(error, "key-file", path, "cannot make the key: %s", strerror(why));
}

static int open_key(const char *path) {
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

bool key_load(const char *path, bool make, unsigned char key[KEY_BYTES],
              struct iptfhir_error *error) {
    int fd = open_key(path);
    if (fd < 0 && errno == ENOENT && make) {
        if (!make_key(path, error))
            return false;
        fd = open_key(path);
    }
    if (fd < 0) {
        const char *code = errno == ENOENT ? "key-missing" : "key-file";
        return error_set(error, code, path, "cannot read the key: %s", strerror(errno));
    }
    bool good = is_private(fd, path, error) && read_key(fd, path, key, error);
    close(fd);
    return good;
}

bool key_derive(const unsigned char key[KEY_BYTES], const char *purpose,
                unsigned char out[KEY_BYTES]) {
    struct crypt_mac mac;
    return crypt_mac_start(&mac, key) && crypt_mac_add(&mac, purpose, strlen(purpose)) &&
           crypt_mac_end(&mac, out);
}

/* ---- identities ---- */

static _Thread_local struct {
    const unsigned char *key;
    const char *local_id;
} scope;

bool identity_of(const unsigned char key[KEY_BYTES], const char *local_id, const char *type,
                 const char *name, char out[37]) {
    char whole[2048];
    int length = snprintf(whole, sizeof whole, "%s\x1f%s", local_id, name);
    bool fits = length > 0 && (size_t)length < sizeof whole;
    out[0] = '\0';
    return fits && crypt_identity(key, type, whole, out);
}

void identity_enter(const unsigned char *key, const char *local_id) {
    scope.key = key;
    scope.local_id = local_id;
}

void identity_leave(void) {
    scope.key = NULL;
}

bool identity_make(const char *base, const char *type, const char *name, char out[37]) {
    if (scope.key == NULL)
        return crypt_uuid5(base, type, name, out);
    return identity_of(scope.key, scope.local_id, type, name, out);
}
