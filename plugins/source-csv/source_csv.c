/* SPDX-License-Identifier: Apache-2.0 */
/* The source of records that stand in tables: CSV files and REDCap exports, read as a columns file
 * says. */
#include "build.h"
#include "columns.h"
#include "header.h"
#include "rows.h"

#include <errno.h>
#include <inttypes.h>
#include <iptfhir/date.h>
#include <iptfhir/files.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORDS_BETWEEN_CURSORS 1000
#define ROWS_BETWEEN_LOOKS 256

struct source_csv {
    const struct iptfhir_host *host;
    const char *path, *columns_path;
    int64_t max_row_bytes;
    struct columns columns;
};

/* One poll. */
struct reading {
    const struct source_csv *source;
    struct iptfhir_record_sink *sink;
    struct iptfhir_error *error;
    struct iptfhir_files files;
    uint64_t done;
    char version[40]; /* first line of the cursor: it changes with the columns file */
};

static const struct iptfhir_option options[] = {
    IPTFHIR_OPTION_PATH(struct source_csv, path, "path", IPTFHIR_REQUIRED, NULL,
                        "File, folder (its *.csv, by name) or - for standard input."),
    IPTFHIR_OPTION_STRING(struct source_csv, columns_path, "columns", IPTFHIR_REQUIRED, NULL,
                          "The columns file: which column goes where in the record, and what is "
                          "ignored or restricted."),
    IPTFHIR_OPTION_INTEGER(struct source_csv, max_row_bytes, "max_row_bytes", 0, "1048576", 256,
                           67108864,
                           "Largest row in bytes; a larger one is held, the rest goes on."),
    IPTFHIR_OPTIONS_END,
};

/* Fails for want of memory. */
static iptfhir_status no_memory(const struct reading *r, const char *path) {
    const struct iptfhir_host *host = r->source->host;
    return host->fail(host, r->error, IPTFHIR_FATAL, "memory", path,
                      "there is no memory to read the file");
}

/* Gives the sink the cursor as it is now. */
static iptfhir_status give_cursor(struct reading *r) {
    char *lines = iptfhir_files_cursor(&r->files);
    char *cursor = NULL;
    iptfhir_status status = IPTFHIR_OK;
    if (!lines || asprintf(&cursor, "%s\n%s", r->version, lines) < 0)
        status = no_memory(r, r->source->path);
    else
        status = r->sink->cursor(r->sink, cursor);
    free(lines);
    free(cursor);
    return status;
}

/* Holds a place in a file. */
static iptfhir_status hold(struct reading *r, const char *path, int64_t line, const char *code,
                           const char *why) {
    const struct iptfhir_origin origin = { sizeof origin, path, line };
    iptfhir_status status = r->sink->hold(r->sink, &origin, code, why);
    return status == IPTFHIR_REJECT ? IPTFHIR_OK : status;
}

/* Holds a row that cannot be read. */
static iptfhir_status hold_broken(struct reading *r, struct build *b, const struct rows *rows,
                                  enum rows_answer answer) {
    b->records++;
    if (answer == ROWS_TOO_LARGE)
        return hold(r, b->file, rows->line, "row-too-large",
                    "the row is larger than max_row_bytes: split it, or raise the option");
    return hold(r, b->file, rows->line, "bad-quotes",
                "the row opens a quote and doesn't close it, or has text behind a closing quote: "
                "correct the file");
}

/* Looks at a row before it is built: its number of cells. */
static iptfhir_status take_row(struct reading *r, struct build *b, const struct rows *rows,
                               size_t width) {
    char why[160];
    if (rows->count == 1 && rows->cells[0].length == 0)
        return IPTFHIR_OK;
    if (rows->count == width)
        return build_row(b, rows);
    b->records++;
    snprintf(why, sizeof why,
             "the row has %zu cells, the header %zu: are quotes or separators missing?",
             rows->count, width);
    return hold(r, b->file, rows->line, "cell-count", why);
}

/* Now and then: tells how far it is, gives the cursor, looks whether the service stops. */
static iptfhir_status look_up(struct reading *r, const struct build *b, uint64_t taken,
                              bool with_cursor, size_t *told) {
    const struct iptfhir_host *host = r->source->host;
    r->sink->progress(r->sink, r->done + taken, r->files.total);
    if (host->stopping(host))
        return host->fail(host, r->error, IPTFHIR_RETRY, "stopping", b->file,
                          "the service stops; the file is read again from its start");
    if (!with_cursor || b->records - *told < RECORDS_BETWEEN_CURSORS)
        return IPTFHIR_OK;
    *told = b->records;
    return give_cursor(r);
}

/* Reads the rows behind the header. */
static iptfhir_status read_rows(struct reading *r, struct build *b, struct rows *rows, size_t width,
                                bool with_cursor) {
    const struct iptfhir_host *host = r->source->host;
    iptfhir_status status = IPTFHIR_OK;
    size_t told = 0;
    for (size_t n = 1; status == IPTFHIR_OK; n++) {
        enum rows_answer answer = rows_next(rows);
        if (answer == ROWS_END)
            return build_end(b);
        if (answer == ROWS_ERROR)
            return host->fail(host, r->error, IPTFHIR_RETRY, "source-unreadable", b->file,
                              "the file cannot be read: %s", strerror(errno));
        if (answer == ROWS_MEMORY)
            return no_memory(r, b->file);
        status = answer == ROWS_ROW ? take_row(r, b, rows, width) : hold_broken(r, b, rows, answer);
        if (status == IPTFHIR_OK && n % ROWS_BETWEEN_LOOKS == 0)
            status = look_up(r, b, rows->taken, with_cursor, &told);
    }
    return status;
}

/* Reads the header; false when the file was held for it. */
static bool read_header(struct reading *r, struct rows *rows, const char *path, ptrdiff_t *at,
                        iptfhir_status *status) {
    const char *code = "no-header";
    const char *what = NULL;
    char faults[500];
    enum rows_answer answer = rows_next(rows);
    if (answer == ROWS_END) {
        what = "the file is empty: expected a header";
    } else if (rows_is_utf16(rows)) {
        code = "not-utf8";
        what = "the file is UTF-16: save it as CSV UTF-8";
    } else if (answer != ROWS_ROW) {
        what = "the first row cannot be read: expected a header";
    } else if (!header_read(&r->source->columns, rows, at, faults, sizeof faults)) {
        code = "columns";
        what = faults;
    }
    if (what != NULL)
        *status = hold(r, path, 1, code, what);
    return what == NULL;
}

/* Says what was left out, and that a record could not be handed over. */
static void conclude(const struct reading *r, const struct build *b, iptfhir_status status) {
    const struct iptfhir_host *host = r->source->host;
    if (b->by_status > 0)
        host->log(host, IPTFHIR_INFO,
                  "%s: %" PRIu64 " list elements left out because of their status", b->file,
                  b->by_status);
    if (status == IPTFHIR_FATAL)
        host->fail(host, r->error, status, "source-failed", b->file,
                   "the record cannot be handed over");
}

/* Reads an open file; *usable is false when its header is wrong. */
static iptfhir_status read_table(struct reading *r, int fd, const char *path, time_t modified,
                                 bool with_cursor, bool *usable) {
    const struct columns *c = &r->source->columns;
    struct rows rows = { .fd = fd,
                         .separator = c->separator,
                         .max_bytes = (size_t)r->source->max_row_bytes };
    ptrdiff_t *at = calloc(c->used.count + 1, sizeof *at);
    char milliseconds[25];
    char file_time[32];
    struct build b = { .columns = c, .sink = r->sink, .file = path, .at = at };
    iptfhir_status status = IPTFHIR_OK;
    iptfhir_time_format((int64_t)modified * 1000, milliseconds);
    snprintf(file_time, sizeof file_time, "%.19sZ", milliseconds);
    b.file_time = file_time;
    *usable = false;
    if (!build_open(&b) || at == NULL) {
        status = no_memory(r, path);
        goto out;
    }
    *usable = read_header(r, &rows, path, at, &status);
    if (*usable)
        status = read_rows(r, &b, &rows, rows.count, with_cursor);
    conclude(r, &b, status);
out:
    r->done += rows.taken;
    r->sink->progress(r->sink, r->done, r->files.total);
    build_free(&b);
    rows_free(&rows);
    free(at);
    return status;
}

/* Reads one file unless the cursor knows it in its present state. */
static iptfhir_status read_file(struct reading *r, struct iptfhir_file *file) {
    struct stat st;
    char *line = NULL;
    bool usable = false;
    char why[IPTFHIR_FILE_WHY];
    char text[IPTFHIR_FILE_WHY + 64];
    int fd = iptfhir_file_open(file->path, UINT64_MAX, &st, why);
    iptfhir_status status = IPTFHIR_OK;
    if (fd < 0) {
        snprintf(text, sizeof text, "%s; it is tried again at the next poll", why);
        status = hold(r, file->path, 0, "source-unreadable", text);
        goto out;
    }
    line = iptfhir_files_line(file->name, &st);
    if (!line) {
        status = no_memory(r, file->path);
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
    status = read_table(r, fd, file->path, st.st_mtim.tv_sec, true, &usable);
    if (status == IPTFHIR_OK) {
        if (usable && !iptfhir_files_fresh(&st)) {
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
    static const char *const suffixes[] = { ".csv", NULL };
    const struct source_csv *s = self;
    struct reading r = { .source = s, .sink = sink, .error = error };
    bool usable;
    snprintf(r.version, sizeof r.version, "columns\t%016" PRIx64, s->columns.hash);
    if (iptfhir_files_is_stdin(s->path))
        return read_table(&r, STDIN_FILENO, "-", time(NULL), false, &usable);
    size_t length = strlen(r.version);
    bool known = cursor && strncmp(cursor, r.version, length) == 0 && cursor[length] == '\n';
    iptfhir_status status = IPTFHIR_OK;
    if (!iptfhir_files_list(&r.files, s->path, suffixes, known ? cursor + length + 1 : NULL))
        status = s->host->fail(s->host, error, IPTFHIR_RETRY, "source-unreadable", s->path,
                               "the file or folder cannot be read: %s", strerror(errno));
    for (size_t i = 0; i < r.files.count && status == IPTFHIR_OK; i++)
        status = read_file(&r, &r.files.list[i]);
    iptfhir_files_free(&r.files);
    return status;
}

/* Compiles the columns file. */
static iptfhir_status init(void *self, const struct iptfhir_host *host,
                           struct iptfhir_error *error) {
    struct source_csv *s = self;
    s->host = host;
    return columns_compile(&s->columns, host, s->columns_path, error) ? IPTFHIR_OK : IPTFHIR_FATAL;
}

/* Frees the columns. */
static void fini(void *self) {
    columns_free(&((struct source_csv *)self)->columns);
}

static const struct iptfhir_source source = {
    .size = sizeof source,
    .poll = poll_source,
    .whole_units = true,
};

const struct iptfhir_descriptor iptfhir_plugin = {
    .magic = IPTFHIR_MAGIC,
    .abi = IPTFHIR_ABI,
    .size = sizeof iptfhir_plugin,
    .name = "source-csv",
    .version = "1.0",
    .summary = "Reads records from CSV tables and REDCap exports, as a columns file says.",
    .instance_size = sizeof(struct source_csv),
    .options = options,
    .init = init,
    .fini = fini,
    .source = &source,
};
