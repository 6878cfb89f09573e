/* SPDX-License-Identifier: Apache-2.0 */
/* The source of records that already are ipt-record JSON: a file, a folder, or standard input. */
#include "scan.h"

#include <errno.h>
#include <iptfhir/files.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536
#define RECORDS_BETWEEN_CURSORS 1000

struct source_json {
    const struct iptfhir_host *host;
    const char *path;
    int format;
    int64_t max_record_bytes;
};
enum { FORMAT_AUTO, FORMAT_JSON, FORMAT_NDJSON };

/* One poll. */
struct reading {
    const struct source_json *source;
    struct iptfhir_record_sink *sink;
    struct iptfhir_error *error;
    struct iptfhir_files files;
    uint64_t done;
};

static const char *const formats[] = { "auto", "json", "ndjson", NULL };
static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_PATH(struct source_json, path, "path", IPTFHIR_REQUIRED, NULL,
                        "File, folder (its *.json, *.ndjson and *.jsonl, by name) or - for "
                        "standard input."),
    IPTFHIR_OPTION_CHOICE(struct source_json, format, "format", 0, "auto", formats,
                          "json: one record or an array of records; ndjson: one record a line; "
                          "auto: by name, else by the first line."),
    IPTFHIR_OPTION_INTEGER(struct source_json, max_record_bytes, "max_record_bytes", 0, "8388608",
                           1024, 268435456,
                           "Largest record in bytes; a larger one is held, the rest goes on."),
    IPTFHIR_OPTIONS_END,
};

/* Tells how a file is laid out, from the option, its name, or its first bytes. */
static enum scan_form form_of(const struct source_json *s, const char *name, const char *bytes,
                              size_t length) {
    const char *dot = strrchr(name, '.');
    if (s->format != FORMAT_AUTO)
        return s->format == FORMAT_NDJSON ? SCAN_LINES : SCAN_JSON;
    if (dot && (strcmp(dot, ".ndjson") == 0 || strcmp(dot, ".jsonl") == 0))
        return SCAN_LINES;
    return scan_guess(bytes, length);
}

/* Gives the sink the cursor as it is now. */
static iptfhir_status give_cursor(struct reading *r) {
    char *cursor = iptfhir_files_cursor(&r->files);
    if (!cursor)
        return r->source->host->fail(r->source->host, r->error, IPTFHIR_FATAL, "memory", NULL,
                                     "there is no memory for the cursor");
    iptfhir_status status = r->sink->cursor(r->sink, cursor);
    free(cursor);
    return status;
}

/* Reads as much as fits or there is; -1 with errno. */
static ssize_t read_chunk(int fd, char *bytes) {
    size_t length = 0;
    while (length < CHUNK) {
        ssize_t n = read(fd, bytes + length, CHUNK - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        length += (size_t)n;
    }
    return (ssize_t)length;
}

/* Reads all records of an open file. */
static iptfhir_status read_records(struct reading *r, int fd, const char *path, bool with_cursor) {
    const struct iptfhir_host *host = r->source->host;
    struct scan scan = { .sink = r->sink,
                         .file = path,
                         .max_bytes = (size_t)r->source->max_record_bytes };
    size_t told = 0;
    bool first = true;
    iptfhir_status status = IPTFHIR_OK;
    ssize_t n = 0;
    char *bytes = malloc(CHUNK);
    if (!bytes)
        return host->fail(host, r->error, IPTFHIR_FATAL, "memory", path,
                          "there is no memory to read the file");
    while (status == IPTFHIR_OK && (n = read_chunk(fd, bytes)) > 0) {
        if (first)
            scan.form = form_of(r->source, path, bytes, (size_t)n);
        first = false;
        status = scan_bytes(&scan, bytes, (size_t)n);
        r->done += (uint64_t)n;
        r->sink->progress(r->sink, r->done, r->files.total);
        if (status == IPTFHIR_OK && with_cursor && scan.records - told >= RECORDS_BETWEEN_CURSORS) {
            told = scan.records;
            status = give_cursor(r);
        }
        if (status == IPTFHIR_OK && host->stopping(host))
            status = host->fail(host, r->error, IPTFHIR_RETRY, "stopping", path,
                                "the service stops; the file is read again from its start");
    }
    if (n < 0)
        status = host->fail(host, r->error, IPTFHIR_RETRY, "source-unreadable", path,
                            "the file cannot be read: %s", strerror(errno));
    else if (status == IPTFHIR_OK)
        status = scan_end(&scan);
    if (status == IPTFHIR_FATAL)
        host->fail(host, r->error, status, "source-failed", path,
                   "the record cannot be handed over");
    scan_free(&scan);
    free(bytes);
    return status;
}

/* Reads one file unless the cursor knows it in its present state. */
static iptfhir_status read_file(struct reading *r, struct iptfhir_file *file) {
    const struct iptfhir_host *host = r->source->host;
    struct stat st;
    char *line = NULL;
    char why[IPTFHIR_FILE_WHY];
    char text[IPTFHIR_FILE_WHY + 64];
    int fd = iptfhir_file_open(file->path, UINT64_MAX, &st, why);
    iptfhir_status status = IPTFHIR_OK;
    if (fd < 0) {
        snprintf(text, sizeof text, "%s; it is tried again at the next poll", why);
        const struct iptfhir_origin origin = { sizeof origin, file->path, 0 };
        status = r->sink->hold(r->sink, &origin, "source-unreadable", text);
        goto out;
    }
    line = iptfhir_files_line(file->name, &st);
    if (!line) {
        status = host->fail(host, r->error, IPTFHIR_FATAL, "memory", file->path,
                            "there is no memory for the cursor");
        goto out;
    }
    if (file->line && strcmp(line, file->line) == 0) {
        r->done += file->size;
        if (r->sink->present != NULL)
            status = r->sink->present(r->sink, file->path);
        goto out;
    }
    free(file->line);
    file->line = NULL; /* until it is read whole, the cursor says that it isn't */
    status = read_records(r, fd, file->path, true);
    if (status == IPTFHIR_OK) {
        if (!iptfhir_files_fresh(&st)) {
            file->line = line;
            line = NULL;
        }
        status = give_cursor(r);
    }
out:
    free(line);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Hands over what the cursor doesn't know. */
static iptfhir_status poll_source(void *self, const char *cursor, struct iptfhir_record_sink *sink,
                                  struct iptfhir_error *error) {
    static const char *const suffixes[] = { ".json", ".ndjson", ".jsonl", NULL };
    const struct source_json *s = self;
    struct reading r = { .source = s, .sink = sink, .error = error };
    if (iptfhir_files_is_stdin(s->path))
        return read_records(&r, STDIN_FILENO, "-", false);
    iptfhir_status status = IPTFHIR_OK;
    if (!iptfhir_files_list(&r.files, s->path, suffixes, cursor))
        status = s->host->fail(s->host, error, IPTFHIR_RETRY, "source-unreadable", s->path,
                               "the file or folder cannot be read: %s", strerror(errno));
    for (size_t i = 0; i < r.files.count && status == IPTFHIR_OK; i++)
        status = read_file(&r, &r.files.list[i]);
    iptfhir_files_free(&r.files);
    return status;
}

/* Keeps the host. */
static iptfhir_status init(void *self, const struct iptfhir_host *host,
                           struct iptfhir_error *error) {
    struct source_json *s = self;
    (void)error;
    s->host = host;
    return IPTFHIR_OK;
}

static const struct iptfhir_source source = {
    .size = sizeof source,
    .poll = poll_source,
    .whole_records = true,
    .whole_units = true,
};

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof iptfhir_plugin,
    .name = "source-json",
    .version = "1.0",
    .summary = "Reads records as JSON: a file, a folder, NDJSON or standard input.",
    .instance_size = sizeof(struct source_json),
    .options = options,
    .init = init,
    .source = &source,
};
