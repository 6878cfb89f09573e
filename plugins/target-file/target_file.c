/* SPDX-License-Identifier: Apache-2.0 */
/* A target that appends resources to an NDJSON file: one line a resource, on disk before its
 * receipt. */
#include <iptfhir/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, VERSION_MAX = 24 };

struct target {
    const char *path;
    const struct iptfhir_host *host;
    int fd;
    char *lines; /* what a change set adds; reused */
    size_t length, capacity;
};

/* What the file already holds of one change. */
struct found {
    int64_t count;
    bool same; /* the last line of it is the body */
};

static const struct iptfhir_option options[] = {
    { "path", IPTFHIR_PATH, IPTFHIR_REQUIRED, offsetof(struct target, path), NULL, 0, 0, NULL,
      "NDJSON file that resources are appended to; made with mode 0600 when it is not there." },
    IPTFHIR_OPTIONS_END,
};

/* Says that the file cannot be used now. */
static iptfhir_status trouble(struct target *t, struct iptfhir_error *error, const char *what) {
    return t->host->fail(t->host, error, IPTFHIR_RETRY, "target-file", t->path,
                         "%s: %s; the target waits until it can", what, strerror(errno));
}

/* Opens the file, or says why it cannot be. */
static iptfhir_status target_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct target *t = self;
    t->host = host;
    t->fd = open(t->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (t->fd < 0)
        return host->fail(host, error, IPTFHIR_FATAL, "target-file", t->path,
                          "the file cannot be opened for writing: %s", strerror(errno));
    return IPTFHIR_OK;
}

/* Closes the file. */
static void target_fini(void *self) {
    struct target *t = self;
    if (t->fd >= 0)
        (void)close(t->fd);
    free(t->lines);
}

/* Cuts off a last line without its end: a crash in the middle of a write left it, and it got no
 * receipt. */
static bool repair(struct target *t, off_t *end) {
    char block[4096];
    struct stat st;
    if (fstat(t->fd, &st) != 0)
        return false;
    off_t at = st.st_size;
    while (at > 0) {
        size_t want = (size_t)(at < (off_t)sizeof block ? at : (off_t)sizeof block);
        ssize_t got = pread(t->fd, block, want, at - (off_t)want);
        if (got != (ssize_t)want)
            return false;
        const char *last = memrchr(block, '\n', want);
        if (last != NULL) {
            at = at - (off_t)want + (last - block) + 1;
            break;
        }
        at -= (off_t)want;
    }
    *end = at;
    return at == st.st_size || ftruncate(t->fd, at) == 0;
}

/* Tells whether a line is a resource with this id: `"id":"UUID"`, blanks allowed; references never
 * look so. */
static bool line_has_id(const char *line, size_t length, const char *id) {
    size_t n = strlen(id);
    for (const char *p = line; (p = memmem(p, length - (size_t)(p - line), id, n)) != NULL;
         p += n) {
        const char *q = p;
        if (q == line || *--q != '"' || p + n >= line + length || p[n] != '"')
            continue;
        while (q > line && (q[-1] == ' ' || q[-1] == '\t' || q[-1] == ':'))
            q--;
        if (q - line >= 4 && memcmp(q - 4, "\"id\"", 4) == 0)
            return true;
    }
    return false;
}

/* Tells whether a line is a body, of which line breaks between the elements were left out. */
static bool same_line(const char *line, size_t length, const struct iptfhir_change *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->body_length; i++) {
        if (c->body[i] == '\n' || c->body[i] == '\r')
            continue;
        if (n >= length || line[n++] != c->body[i])
            return false;
    }
    return n == length;
}

/* Looks through the file, once, for the changes whose answer was lost. */
static bool search(struct target *t, const struct iptfhir_change_set *set, struct found *found) {
    char *line = NULL;
    size_t room = 0;
    int fd = open(t->path, O_RDONLY | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (f == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    for (ssize_t n; (n = getline(&line, &room, f)) >= 0;) {
        size_t length = n > 0 && line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n;
        for (size_t i = 0; i < set->count; i++)
            if (set->changes[i].unknown && line_has_id(line, length, set->changes[i].id)) {
                found[i].count++;
                found[i].same = same_line(line, length, &set->changes[i]);
            }
    }
    bool good = !ferror(f);
    free(line);
    (void)fclose(f);
    return good;
}

/* Adds a body as one line to what will be written. */
static bool add_line(struct target *t, const char *body, size_t length) {
    if (t->capacity - t->length < length + 1) {
        size_t capacity = (t->length + length + 1 + BLOCK) / BLOCK * BLOCK;
        char *more = realloc(t->lines, capacity);
        if (more == NULL)
            return false;
        t->lines = more;
        t->capacity = capacity;
    }
    for (size_t i = 0; i < length; i++)
        if (body[i] != '\n' && body[i] != '\r')
            t->lines[t->length++] = body[i];
    t->lines[t->length++] = '\n';
    return true;
}

/* Writes all lines and brings them to disk; on failure nothing of them stays. */
static bool append(struct target *t, off_t end) {
    for (size_t done = 0; done < t->length;) {
        ssize_t n = write(t->fd, t->lines + done, t->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int saved = n < 0 ? errno : ENOSPC;
            if (ftruncate(t->fd, end) != 0)
                t->host->log(t->host, IPTFHIR_WARNING,
                             "target-file: a part of a change set stays in the file until the next "
                             "delivery");
            errno = saved;
            return false;
        }
        done += (size_t)n;
    }
    return t->length == 0 || fdatasync(t->fd) == 0;
}

/* Tells what the version of a change is once it is in the file: how often it was written. */
static int64_t next_version(const struct iptfhir_change *c, const struct found *found) {
    int64_t before = c->version != NULL ? strtoll(c->version, NULL, 10) : 0;
    int64_t in_file = found->count;
    if (found->same)
        return in_file > 0 ? in_file : 1;
    return (before > in_file ? before : in_file) + 1;
}

/* Sends the receipt of each change. */
static void give_receipts(const struct iptfhir_change_set *set, const struct found *found,
                          struct iptfhir_receipt_sink *sink) {
    char version[VERSION_MAX];
    for (size_t i = 0; i < set->count; i++) {
        const struct iptfhir_change *c = &set->changes[i];
        struct iptfhir_receipt r = { .size = sizeof r, .server_id = c->id, .version = version };
        bool unchanged = !c->unknown && found[i].same;
        r.status = unchanged              ? IPTFHIR_UNCHANGED
                   : c->server_id != NULL ? IPTFHIR_UPDATED
                                          : IPTFHIR_CREATED;
        if (unchanged)
            (void)snprintf(version, sizeof version, "%s", c->version != NULL ? c->version : "1");
        else
            (void)snprintf(version, sizeof version, "%" PRId64, next_version(c, &found[i]));
        sink->receipt(sink, i, &r);
    }
}

/* Writes what is not yet in the file, under its lock. */
static iptfhir_status write_set(struct target *t, const struct iptfhir_change_set *set,
                                struct found *found, struct iptfhir_error *error) {
    bool lost = false;
    off_t end = 0;
    if (!repair(t, &end))
        return trouble(t, error, "the end of the file cannot be read or repaired");
    for (size_t i = 0; i < set->count; i++) {
        const struct iptfhir_change *c = &set->changes[i];
        lost = lost || c->unknown;
        if (!c->unknown && c->server_id != NULL && c->base != NULL &&
            strlen(c->base) == c->body_length)
            found[i].same = memcmp(c->base, c->body, c->body_length) == 0;
    }
    if (lost && !search(t, set, found))
        return trouble(t, error, "the file cannot be searched");
    t->length = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!found[i].same && !add_line(t, set->changes[i].body, set->changes[i].body_length))
            return trouble(t, error, "memory ran out");
    if (!append(t, end))
        return trouble(t, error, "the file cannot be written");
    return IPTFHIR_OK;
}

/* Delivers a change set: all its lines, then fsync, then the receipts. */
static iptfhir_status target_deliver(void *self, const struct iptfhir_change_set *set,
                                     struct iptfhir_receipt_sink *sink,
                                     struct iptfhir_error *error) {
    struct target *t = self;
    struct found *found = calloc(set->count + 1, sizeof *found);
    if (found == NULL)
        return trouble(t, error, "memory ran out");
    iptfhir_status status = IPTFHIR_RETRY;
    if (flock(t->fd, LOCK_EX) != 0) {
        status = trouble(t, error, "the file cannot be locked");
        goto out;
    }
    status = write_set(t, set, found, error);
    (void)flock(t->fd, LOCK_UN);
    if (status == IPTFHIR_OK)
        give_receipts(set, found, sink);
out:
    free(found);
    return status;
}

/* Tells whether the file can still be written. */
static iptfhir_status target_probe(void *self, struct iptfhir_error *error) {
    struct target *t = self;
    struct stat st;
    if (fstat(t->fd, &st) != 0 || access(t->path, W_OK) != 0)
        return trouble(t, error, "the file cannot be written");
    return IPTFHIR_OK;
}

static const struct iptfhir_target target = { sizeof target, target_deliver, target_probe };

extern const struct iptfhir_descriptor iptfhir_plugin;
IPTFHIR_PLUGIN_EXPORT const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_descriptor),
    .name = "target-file",
    .version = "1.0",
    .summary = "appends resources to an NDJSON file",
    .instance_size = sizeof(struct target),
    .options = options,
    .init = target_init,
    .fini = target_fini,
    .target = &target,
};
