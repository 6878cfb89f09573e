/* SPDX-License-Identifier: Apache-2.0 */
/* A target that appends resources to an NDJSON file: one line a resource, on disk before it is
 * proved. It adds no requests and acts when it is to answer; it keeps no charts. */
#include "lines.h"

#include <iptfhir/target.h>

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
    char *folder; /* of the file */
    struct lines lines;
    char *added; /* what an order adds; reused */
    size_t length, capacity;
};
/* One order at work. */
struct work {
    struct target *t;
    const struct iptfhir_order *order;
    struct iptfhir_evidence_sink *sink;
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_PATH(
        struct target, path, "path", IPTFHIR_REQUIRED, NULL,
        "NDJSON file that resources are appended to; made with mode 0600 when it is "
        "not there."),
    IPTFHIR_OPTIONS_END,
};

/* Says that the file cannot be used now, and what to do: the target waits. `proof` is of all
 * items. */
static void pause_target(const struct work *w, iptfhir_proof proof, const char *detail) {
    const struct iptfhir_pause pause = { .size = sizeof pause,
                                         .code = "target-file",
                                         .detail = detail };
    const struct iptfhir_evidence evidence = { .size = sizeof evidence,
                                               .proof = proof,
                                               .detail = detail };
    for (size_t i = 0; i < w->order->count; i++)
        w->sink->item(w->sink, i, &evidence);
    w->sink->pause(w->sink, &pause);
}

/* The same, for what errno says. */
static void trouble(const struct work *w, iptfhir_proof proof, const char *what) {
    char detail[256];
    (void)snprintf(detail, sizeof detail, "%s: %s; it is tried again by itself", what,
                   strerror(errno));
    pause_target(w, proof, detail);
}

/* Says why the instance cannot be made: what errno says, and what to do. */
static iptfhir_status unusable(const struct target *t, struct iptfhir_error *error,
                               const char *what, const char *advice) {
    return t->host->fail(t->host, error, IPTFHIR_FATAL, "target-file", t->path, "%s: %s; %s", what,
                         strerror(errno), advice);
}

/* Opens the file and makes it its own; what was opened stays open when that fails. */
static iptfhir_status open_file(struct target *t, struct iptfhir_error *error) {
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    t->fd = open(t->path, flags, 0600);
    if (t->fd < 0)
        return unusable(t, error, "the file cannot be opened for writing",
                        "make its folder, or give another `path`");
    if (fstat(t->fd, &st) != 0)
        return unusable(t, error, "the file cannot be looked at", "give another `path`");
    if (!S_ISREG(st.st_mode))
        return t->host->fail(t->host, error, IPTFHIR_FATAL, "target-file", t->path,
                             "it is no regular file: give a `path` where one is or can be made");
    if (fchmod(t->fd, 0600) != 0) /* one that was there may have been readable by others */
        return unusable(t, error, "the file's permissions cannot be set to 0600",
                        "give a file of its own");
    return IPTFHIR_OK;
}

/* Keeps the folder's name. */
static iptfhir_status keep_folder(struct target *t, struct iptfhir_error *error) {
    const char *slash = strrchr(t->path, '/');
    t->folder = slash != NULL ? strndup(t->path, (size_t)(slash - t->path) + 1) : strdup(".");
    if (t->folder == NULL)
        return t->host->fail(t->host, error, IPTFHIR_FATAL, "memory", "", "memory ran out");
    return IPTFHIR_OK;
}

/* Brings the folder to disk, so that the file is still in it after a power cut. Some file systems
 * take no folder (EINVAL): theirs keep it without. */
static iptfhir_status sync_folder(const struct target *t, struct iptfhir_error *error) {
    int fd = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    int reason = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = reason;
    if (synced)
        return IPTFHIR_OK;
    return unusable(t, error, "the file's folder cannot be brought to disk",
                    "let it be read by iptfhir's user, or give another `path`");
}

static iptfhir_status target_init(void *self, const struct iptfhir_host *host,
                                  struct iptfhir_error *error) {
    struct target *t = self;
    t->host = host;
    iptfhir_status status = open_file(t, error);
    if (status == IPTFHIR_OK)
        status = keep_folder(t, error);
    if (status == IPTFHIR_OK)
        status = sync_folder(t, error);
    if (status == IPTFHIR_OK) {
        lines_open(&t->lines, t->fd);
        return IPTFHIR_OK;
    }
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    free(t->folder);
    t->folder = NULL;
    return status;
}

static void target_fini(void *self) {
    struct target *t = self;
    if (t->fd >= 0)
        (void)close(t->fd);
    lines_close(&t->lines);
    free(t->folder);
    free(t->added);
}

/* ---- the file ---- */
/* How the file ends. */
enum ending { WHOLE, FOREIGN, UNREADABLE };

/* Finds where the last line without its end begins, which is `size` when there is none. */
static bool find_rest(const struct target *t, off_t size, off_t *rest) {
    char block[4096];
    *rest = size;
    while (*rest > 0) {
        size_t want = *rest < (off_t)sizeof block ? (size_t)*rest : sizeof block;
        off_t from = *rest - (off_t)want;
        ssize_t got = pread(t->fd, block, want, from);
        if (got != (ssize_t)want)
            return false;
        const char *last = memrchr(block, '\n', want);
        if (last != NULL) {
            *rest = from + (last - block) + 1;
            return true;
        }
        *rest = from;
    }
    return true;
}

/* Tells whether what begins at `rest` can be the beginning of a resource that is written here. */
static enum ending judge_rest(const struct target *t, off_t rest, off_t size) {
    static const char start[] = "{\"resourceType\"";
    char text[sizeof start - 1];
    size_t want = sizeof text;
    if (size - rest < (off_t)want)
        want = (size_t)(size - rest);
    ssize_t got = pread(t->fd, text, want, rest);
    if (got != (ssize_t)want)
        return UNREADABLE;
    return memcmp(text, start, want) == 0 ? WHOLE : FOREIGN;
}

/* Cuts off a last line without its end: a crash in the middle of a write left it, and nothing was
 * proved of it. One that is no resource was never written here: it stays. *end: where the file
 * ends now. */
static enum ending repair(const struct target *t, off_t *end) {
    struct stat st;
    bool found = fstat(t->fd, &st) == 0 && find_rest(t, st.st_size, end);
    if (!found)
        return UNREADABLE;
    if (*end == st.st_size)
        return WHOLE;
    enum ending ending = judge_rest(t, *end, st.st_size);
    bool stuck = ending == WHOLE && ftruncate(t->fd, *end) != 0;
    return stuck ? UNREADABLE : ending;
}

/* Adds a body as one line to what will be written: line breaks stand between elements only. */
static bool add_line(struct target *t, const char *body, size_t length) {
    if (t->capacity - t->length < length + 1) {
        size_t capacity = (t->length + length + 1 + BLOCK) / BLOCK * BLOCK;
        if (capacity < 2 * t->capacity)
            capacity = 2 * t->capacity;
        char *more = realloc(t->added, capacity);
        if (more == NULL)
            return false;
        t->added = more;
        t->capacity = capacity;
    }
    bool one_line = memchr(body, '\n', length) == NULL && memchr(body, '\r', length) == NULL;
    if (one_line) {
        memcpy(t->added + t->length, body, length);
        t->length += length;
    }
    for (size_t i = 0; i < length && !one_line; i++) {
        if (body[i] != '\n' && body[i] != '\r')
            t->added[t->length++] = body[i];
    }
    t->added[t->length++] = '\n';
    return true;
}

/* Writes all lines and brings them to disk. NOT_DONE and errno: nothing of them stays; LOST: some
 * of them may. */
static iptfhir_proof append(struct target *t, off_t end) {
    size_t done = 0;
    int failure = 0;
    while (done < t->length && failure == 0) {
        ssize_t n = write(t->fd, t->added + done, t->length - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            failure = ENOSPC;
        else if (errno != EINTR)
            failure = errno;
    }
    if (failure == 0 && done > 0 && fdatasync(t->fd) != 0)
        failure = errno;
    if (failure == 0)
        return IPTFHIR_WRITTEN;
    bool clean = done == 0 || ftruncate(t->fd, end) == 0;
    errno = failure;
    return clean ? IPTFHIR_NOT_DONE : IPTFHIR_LOST;
}

/* ---- orders ---- */
/* Tells of an item where it is. The version counts the lines with its id. */
static void tell(const struct work *w, size_t index, iptfhir_proof proof, const struct line *line) {
    char number[VERSION_MAX];
    struct iptfhir_evidence evidence = { .size = sizeof evidence, .proof = proof };
    (void)snprintf(number, sizeof number, "%" PRId64, line->count);
    if (line->count > 0) {
        evidence.server_id = w->order->items[index].id;
        evidence.version = number;
        evidence.body = line->text;
        evidence.body_length = line->length;
    }
    w->sink->item(w->sink, index, &evidence);
}

/* Tells whether an item can be in the file: lines are known by UUIDs. */
static bool is_named(const struct iptfhir_item *item) {
    return item->id != NULL && strlen(item->id) == LINES_ID;
}

/* Tells of each item whether it is in the file; false when the file cannot be read. */
static bool tell_found(const struct work *w) {
    for (size_t i = 0; i < w->order->count; i++) {
        const struct iptfhir_item *item = &w->order->items[i];
        struct line line = { 0 };
        if (is_named(item) && !lines_find(&w->t->lines, item->id, &line))
            return false;
        tell(w, i, line.count > 0 ? IPTFHIR_FOUND : IPTFHIR_ABSENT, &line);
    }
    return true;
}

/* Says what a write proves before it is done: WRITTEN when nothing stands against it. */
static iptfhir_proof judge(const struct iptfhir_item *item, const struct line *line) {
    char number[VERSION_MAX];
    if (item->verb == IPTFHIR_CREATE_IF_NONE && line->count > 0)
        return IPTFHIR_FOUND;
    if (item->verb != IPTFHIR_UPDATE)
        return line->count > 0 ? IPTFHIR_DUPLICATE : IPTFHIR_WRITTEN;
    if (line->count == 0)
        return IPTFHIR_ABSENT;
    (void)snprintf(number, sizeof number, "%" PRId64, line->count);
    bool same = item->version == NULL || strcmp(item->version, number) == 0;
    return same ? IPTFHIR_WRITTEN : IPTFHIR_CHANGED;
}

/* What is written of one item. */
struct planned {
    iptfhir_proof proof;
    int64_t count; /* lines with its id before */
    size_t at, length;
};

/* Judges each item and collects the lines of those that are written; tells the others. False when
 * the file cannot be read or memory ran out. */
static bool plan(const struct work *w, struct planned *list) {
    struct target *t = w->t;
    t->length = 0;
    for (size_t i = 0; i < w->order->count; i++) {
        const struct iptfhir_item *item = &w->order->items[i];
        struct line line = { 0 };
        struct planned *p = &list[i];
        bool writable = item->body != NULL && is_named(item);
        if (writable && !lines_find(&t->lines, item->id, &line))
            return false;
        p->proof = writable ? judge(item, &line) : IPTFHIR_REFUSED;
        p->count = line.count;
        p->at = t->length;
        if (p->proof == IPTFHIR_WRITTEN && !add_line(t, item->body, item->body_length))
            return false;
        p->length = t->length - p->at;
    }
    return true;
}

/* Tells of an item that was not written. */
static void tell_unwritten(const struct work *w, size_t index, const struct planned *p) {
    const struct iptfhir_item *item = &w->order->items[index];
    struct line line;
    const struct iptfhir_evidence refused = { .size = sizeof refused,
                                              .proof = p->proof,
                                              .code = "invalid",
                                              .detail = "it has no body, or its id is no UUID" };
    if (p->proof == IPTFHIR_REFUSED) {
        w->sink->item(w->sink, index, &refused);
        return;
    }
    if (!lines_find(&w->t->lines, item->id, &line))
        line = (struct line) { .count = p->count }; /* it is there, but cannot be shown now */
    tell(w, index, p->proof, &line);
}

/* Tells what became of each item, and takes the new lines into the index; what cannot be taken in
 * is taken in by the next order. */
static void tell_written(const struct work *w, const struct planned *list, off_t end) {
    struct target *t = w->t;
    for (size_t i = 0; i < w->order->count; i++) {
        const struct planned *p = &list[i];
        if (p->proof != IPTFHIR_WRITTEN) {
            tell_unwritten(w, i, p);
            continue;
        }
        const struct line line = { p->count + 1, t->added + p->at, p->length - 1 };
        tell(w, i, IPTFHIR_WRITTEN, &line);
        (void)lines_add(&t->lines, w->order->items[i].id, end + (off_t)p->at, p->length);
    }
}

/* Writes the items as lines and brings them to disk once. */
static void write_items(const struct work *w, off_t end) {
    iptfhir_proof proof = IPTFHIR_NOT_DONE;
    struct planned *list = calloc(w->order->count + 1, sizeof *list);
    bool good = list != NULL && plan(w, list);
    if (good)
        proof = append(w->t, end);
    if (proof == IPTFHIR_WRITTEN)
        tell_written(w, list, end);
    else
        trouble(w, proof, "the file cannot be written");
    free(list);
}

/* Finds, reads or writes items, under the lock of the file. */
static void answer_items(const struct work *w) {
    struct target *t = w->t;
    off_t end = 0;
    if (flock(t->fd, LOCK_EX) != 0) {
        trouble(w, IPTFHIR_NOT_DONE, "the file cannot be locked");
        return;
    }
    enum ending ending = repair(t, &end);
    bool good = ending == WHOLE && lines_update(&t->lines, t->folder, end);
    if (ending == FOREIGN)
        pause_target(
            w, IPTFHIR_NOT_DONE,
            "the file's last line has no end and is no resource, so it is left as it is: give "
            "`path` a file of its own, or end that line; then it goes on by itself");
    else if (good && w->order->task == IPTFHIR_WRITE)
        write_items(w, end);
    else if (!good || !tell_found(w))
        trouble(w, IPTFHIR_NOT_DONE, "the file cannot be read or repaired");
    (void)flock(t->fd, LOCK_UN);
}

/* Tells what the file can do: everything, with every type. What is written together is added at
 * once, or cut off again. */
static void tell_abilities(struct iptfhir_evidence_sink *sink) {
    static const struct iptfhir_ability types[] = {
        { IPTFHIR_ANY_TYPE, IPTFHIR_CAN_CREATE | IPTFHIR_CAN_UPDATE | IPTFHIR_CAN_READ |
                                IPTFHIR_CAN_FIND | IPTFHIR_CAN_CREATE_AT | IPTFHIR_HAS_VERSIONS },
        { NULL, 0 },
    };
    const struct iptfhir_abilities abilities = {
        .size = sizeof abilities, .types = types, .transaction = true, .batch = true
    };
    sink->abilities(sink, &abilities);
}

static void target_connection(void *self, struct iptfhir_http_settings *out) {
    (void)self;
    out->base_url = NULL;
}

static iptfhir_status target_ask(void *self, const struct iptfhir_order *order,
                                 struct iptfhir_request_sink *sink, struct iptfhir_error *error) {
    (void)self, (void)order, (void)sink, (void)error;
    return IPTFHIR_OK;
}

static iptfhir_answered target_answer(void *self, const struct iptfhir_order *order,
                                      const struct iptfhir_http_response *answers, size_t count,
                                      struct iptfhir_evidence_sink *sink) {
    const struct work w = { .t = self, .order = order, .sink = sink };
    (void)answers, (void)count;
    switch (order->task) {
    case IPTFHIR_LEARN: tell_abilities(sink); break;
    case IPTFHIR_MATCH: break; /* never asked: there is no server */
    case IPTFHIR_FIND:
    case IPTFHIR_READ:
    case IPTFHIR_WRITE: answer_items(&w); break;
    }
    return IPTFHIR_ANSWERED;
}

static const struct iptfhir_target target = { sizeof target, target_connection, target_ask,
                                              target_answer };

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof(struct iptfhir_descriptor),
    .name = "target-file",
    .version = "2.0",
    .summary = "appends resources to an NDJSON file",
    .instance_size = sizeof(struct target),
    .options = options,
    .init = target_init,
    .fini = target_fini,
    .target = &target,
};
