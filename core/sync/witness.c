/* SPDX-License-Identifier: Apache-2.0 */
/* Counting commits in the store and outside. */
#include "core/sync/witness.h"

#include "core/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBER = 21 }; /* digits of a number, a line end; the file is always this long */

struct witness {
    int file;
    int64_t count;
};

/* Reads a number from the store; 0 when there is none. */
static bool read_fact(struct store *store, const char *name, int64_t *number,
                      struct iptfhir_error *error) {
    struct arena arena = { 0 };
    struct store_bytes value;
    char text[NUMBER + 1] = "";
    bool good = store->calls->fact_get(store, name, &arena, &value, error);
    if (good && value.data != NULL && value.length <= NUMBER)
        memcpy(text, value.data, value.length);
    *number = strtoll(text, NULL, 10);
    arena_free(&arena);
    return good;
}

static bool write_fact(struct store *store, const char *name, int64_t number,
                       struct iptfhir_error *error) {
    char text[NUMBER + 1];
    int length = snprintf(text, sizeof text, "%" PRId64, number);
    return store->calls->fact_set(store, name, (struct store_bytes) { text, (size_t)length },
                                  error);
}

/* Reads the number outside; 0 when the file is new. */
static int64_t read_file(int file) {
    char text[NUMBER + 1] = "";
    ssize_t n = pread(file, text, NUMBER, 0);
    return n > 0 ? strtoll(text, NULL, 10) : 0;
}

/* Keeps that an older store came back, and lets it count on from where the witness stands. */
static bool keep_older(struct store *store, int64_t now_ms, int64_t era, int64_t count,
                       struct iptfhir_error *error) {
    if (!store->calls->begin(store, error))
        return false;
    bool good = write_fact(store, "older", now_ms, error);
    good = good && write_fact(store, "era", era, error);
    good = good && write_fact(store, "written", count, error);
    if (good && store->calls->commit(store, error))
        return true;
    store->calls->rollback(store);
    return false;
}

static bool compare(struct witness *w, struct store *store, int64_t now_ms, uint32_t *era,
                    struct iptfhir_error *error) {
    int64_t outside = read_file(w->file), inside, eras;
    if (!read_fact(store, "written", &inside, error) || !read_fact(store, "era", &eras, error))
        return false;
    bool older = outside > inside;
    w->count = older ? outside : inside;
    eras += older ? 1 : 0;
    *era = (uint32_t)eras;
    return !older || keep_older(store, now_ms, eras, outside, error);
}

struct witness *witness_open(const char *path, struct store *store, int64_t now_ms, uint32_t *era,
                             struct iptfhir_error *error) {
    struct witness *w = base_malloc(sizeof *w);
    struct stat st;
    *era = 0;
    if (w == NULL) {
        error_set(error, "memory", NULL, "out of memory");
        return NULL;
    }
    w->count = 0;
    w->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    bool opened = w->file >= 0 && fstat(w->file, &st) == 0;
    if (!opened || !S_ISREG(st.st_mode)) {
        const char *why = opened ? "it is something else" : strerror(errno);
        error_set(error, "witness", path,
                  "the witness of the store can't be used (%s): it is a regular file that this "
                  "service may read and write",
                  why);
        witness_close(w);
        return NULL;
    }
    if (compare(w, store, now_ms, era, error))
        return w;
    witness_close(w);
    return NULL;
}

bool witness_count(struct witness *w, struct store *store, struct iptfhir_error *error) {
    return write_fact(store, "written", w->count + 1, error);
}

void witness_note(struct witness *w) {
    char text[NUMBER + 1];
    w->count++;
    (void)snprintf(text, sizeof text, "%020" PRId64 "\n", w->count);
    ssize_t written = pwrite(w->file, text, NUMBER, 0);
    (void)written; /* a witness that lags says nothing wrong */
}

void witness_close(struct witness *w) {
    if (w == NULL)
        return;
    if (w->file >= 0)
        (void)close(w->file);
    base_free(w);
}
