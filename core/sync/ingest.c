/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest process: polls the source, reads and maps in batches, hands over in order. While
 * delivery answers which records of a batch are unchanged, the next one is read. */
#include "core/sync/ingest.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/base/key.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/sync/crew.h"
#include "core/sync/pipe.h"
#include "core/sync/reader.h"
#include "core/tree/node.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 600000          /* for delivery, which may wait for the store */
#define UNSENT_BYTES (1u << 20) /* so much may wait to be sent while mapping goes on */
#define THREADS_DEFAULT 4
#define HASH_START 0xcbf29ce484222325u
#define STOPPING "stopping" /* code of an end that is no fault: the service stops */

struct ingest {
    const struct config *config;
    const struct config_job *job;
    struct shared *page;
    struct pipeline *pipeline;
    struct crew *crew;
    struct pipe pipe;
    struct arena building; /* what the source builds */
    struct arena incoming; /* messages of delivery */
    struct arena lasting;  /* the welcome */
    struct pipe_message welcome;
    struct crew_batch *filling,
        *asked;                 /* the one that fills; the one that delivery is asked about */
    bool under_way;             /* `asked` waits for its answer */
    struct iptfhir_error error; /* a fault of ours: ends the run */
};
static atomic_bool
    stopping; /* this process was asked; plugins hear it from the page, as the parent says it */

static void on_signal(int number) {
    (void)number;
    stopping = true;
}

static bool is_stopping(const struct ingest *in) {
    if (in->page->stop)
        stopping = true;
    return stopping;
}

/* From now on a plugin has us wait: it begins, or the source reads. */
static void wait_for_plugin(struct ingest *in) {
    in->page->source_since_ms = clock_steady_ms();
}

/* It is our turn again. */
static void plugin_came_back(struct ingest *in) {
    in->page->source_since_ms = 0;
}

/* ---- handing over ---- */

static bool put(struct ingest *in, const struct pipe_message *message) {
    return pipe_put(&in->pipe, message, &in->error);
}

/* Sends until little is left to be sent. */
static bool push(struct ingest *in, size_t left) {
    if (!pipe_push(&in->pipe, left, WAIT_MS, &in->error))
        return false;
    bool done = in->pipe.out.length - in->pipe.sent <= left;
    return done || error_set(&in->error, "pipe", NULL, "delivery takes nothing any more");
}

/* Hands over a hold: a row, or a record that was refused. */
static bool put_refused(struct ingest *in, const struct slot *s) {
    char line[24];
    char content[2 * STORE_HASH + 1] = "";
    snprintf(line, sizeof line, "%lld", (long long)s->line);
    bool crash = strcmp(s->code, "plugin-crash") == 0 && s->out.id != NULL;
    for (size_t i = 0; crash && i < STORE_HASH; i++)
        snprintf(content + 2 * i, 3, "%02x", s->out.content[i]);
    const struct pipe_message hold = {
        .type = PIPE_HOLD,
        .hold = { "", s->unit, s->id, crash ? content : line, s->code },
        .detail = s->detail,
        .facts = s->has_facts ? s->out.facts : (struct store_bytes) { NULL, 0 }
    };
    in->page->refused++;
    log_line(IPTFHIR_WARNING, "held: %s:%s: %s [%s]", s->unit, line, s->detail, s->code);
    return put(in, &hold);
}

/* Hands over what was made of a record; what is too much of it is held. */
static bool put_mapped(struct ingest *in, struct slot *s) {
    const struct pipe_message m = { .type = PIPE_RECORD, .records = &s->out, .count = 1 };
    if (put(in, &m)) {
        in->page->accepted += s->resource_count;
        return true;
    }
    if (strcmp(in->error.code, "record-too-large") != 0)
        return false;
    s->code = "record-too-large";
    s->detail = arena_strndup(&s->made, in->error.text, strlen(in->error.text));
    if (s->detail == NULL)
        return error_set(&in->error, "memory", NULL, "out of memory");
    error_clear(&in->error);
    return put_refused(in, s);
}

static bool put_slot(struct ingest *in, struct slot *s) {
    struct pipe_message m;
    switch (s->kind) {
    case SLOT_CURSOR:
        m = (struct pipe_message) { .type = PIPE_CURSOR, .cursor = { s->text, s->length } };
        return put(in, &m);
    case SLOT_PRESENT:
        m = (struct pipe_message) { .type = PIPE_PRESENT, .unit = s->text };
        return put(in, &m);
    case SLOT_HOLD: return put_refused(in, s);
    case SLOT_RECORD: break;
    }
    if (s->stopped)
        return error_set(&in->error, STOPPING, "", "a mapper gave its record up: it is read again");
    if (s->failed)
        return error_set(&in->error, s->error.code, s->error.where, "%s", s->error.text);
    if (s->refused)
        return put_refused(in, s);
    in->page->unchanged += s->same;
    return s->same || put_mapped(in, s);
}

/* Hands over what became of some slots. */
static bool put_slots(struct ingest *in, struct crew_batch *b, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        if (!put_slot(in, &b->slots[i]))
            return false;
        crew_slot_release(&b->slots[i]);
    }
    return true;
}

/* Takes the answer about the batch that is under way. */
static bool take_answer(struct ingest *in) {
    struct crew_batch *b = in->asked;
    struct pipe_message answer;
    bool got = false;
    if (b->asked == 0)
        return true;
    arena_reset(&in->incoming);
    if (!pipe_get(&in->pipe, WAIT_MS, &in->incoming, &answer, &got, &in->error))
        return false;
    bool fits = got && answer.type == PIPE_ANSWER && answer.count == b->asked;
    if (!fits)
        return error_set(&in->error, "pipe", NULL, "delivery gave no answer");
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct slot *s = &b->slots[i];
        if (s->kind == SLOT_RECORD && !s->refused && !s->failed)
            s->same = answer.same[n++];
    }
    return true;
}

/* Maps what the answer asks for, and hands the batch over. */
static bool finish_asked(struct ingest *in) {
    struct crew_batch *b = in->asked;
    if (!in->under_way)
        return true;
    in->under_way = false;
    if (!take_answer(in))
        return false;
    for (size_t from = 0; from < b->count;) {
        size_t to = crew_map(in->crew, b, from);
        if (!put_slots(in, b, from, to) || !push(in, UNSENT_BYTES))
            return false;
        from = to;
    }
    crew_batch_reset(b);
    return true;
}

/* Asks delivery about the records that are in order. */
static bool ask(struct ingest *in, struct crew_batch *b) {
    struct intake_record heads[CREW_SLOTS];
    b->asked = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct slot *s = &b->slots[i];
        if (s->kind == SLOT_RECORD && !s->refused && !s->failed)
            heads[b->asked++] = s->out;
    }
    const struct pipe_message question = { .type = PIPE_ASK, .records = heads, .count = b->asked };
    return b->asked == 0 || (put(in, &question) && push(in, UNSENT_BYTES));
}

/* The batch that fills is full: it is read and asked about, and the one before it is finished. */
static bool turn(struct ingest *in) {
    struct crew_batch *full = in->filling;
    if (full->count == 0)
        return true;
    crew_read(in->crew, full);
    /* Answers come in the order of the questions: this one is asked before the last is taken. */
    if (!ask(in, full) || !finish_asked(in))
        return false;
    in->filling = in->asked;
    in->asked = full;
    in->under_way = true;
    return true;
}

/* ---- what the source tells ---- */

/* Mixes bytes into a hash (FNV-1a). */
static uint64_t mix(uint64_t hash, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return hash;
}

/* The mark of a record by its text; never 0. */
static uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t hash = mix(HASH_START, bytes, length);
    return hash == 0 ? 1 : hash;
}

/* The same of a record that was built. */
static uint64_t hash_tree(const struct tree *record) {
    uint64_t hash = HASH_START;
    const struct tree *node = record;
    while (node != NULL) {
        bool container = node->kind == TREE_ARRAY || node->kind == TREE_OBJECT;
        const char kind = (char)node->kind;
        hash = mix(hash, &kind, 1);
        if (node->name != NULL)
            hash = mix(hash, node->name, node->name_length);
        if (node->kind == TREE_STRING || node->kind == TREE_NUMBER)
            hash = mix(hash, node->text, node->length);
        if (node->kind == TREE_BOOLEAN)
            hash = mix(hash, node->boolean ? "1" : "0", 1);
        if (container && node->first != NULL) {
            node = node->first;
            continue;
        }
        while (node != record && node->next == NULL)
            node = node->parent;
        node = node == record ? NULL : node->next;
    }
    return hash == 0 ? 1 : hash;
}

/* The record was in hand when ingest died; NULL: it was not. */
static const struct shared_suspect *suspect_of(const struct ingest *in, uint64_t mark) {
    for (uint32_t i = 0; i < in->page->suspect_count; i++)
        if (in->page->suspects[i].record == mark)
            return &in->page->suspects[i];
    return NULL;
}

/* A new slot with what is kept of its place; NULL after a fault, which a source may not have
 * heeded. */
static struct slot *new_slot(struct ingest *in, enum slot_kind kind, const char *file,
                             int64_t line) {
    if (error_is_set(&in->error))
        return NULL;
    struct crew_batch *b = in->filling;
    struct slot *s = &b->slots[b->count];
    plugin_came_back(in);
    const char *unit = file != NULL ? file : "-";
    s->kind = kind;
    s->line = line;
    s->unit = arena_strndup(&s->arena, unit, strlen(unit));
    if (s->unit == NULL) {
        error_set(&in->error, "memory", NULL, "out of memory");
        return NULL;
    }
    return s;
}

/* The slot is filled: counts it, and turns when the batch is full. */
static iptfhir_status add_slot(struct ingest *in, struct slot *s) {
    struct crew_batch *b = in->filling;
    b->count++;
    b->bytes += s->arena.used;
    bool full = b->count == CREW_SLOTS || b->bytes >= CREW_BYTES;
    if (full && !turn(in))
        return IPTFHIR_FATAL;
    wait_for_plugin(in);
    return is_stopping(in) ? IPTFHIR_RETRY : IPTFHIR_OK;
}

static iptfhir_status no_memory(struct ingest *in) {
    error_set(&in->error, "memory", NULL, "out of memory");
    return IPTFHIR_FATAL;
}

static iptfhir_status emit_text(struct iptfhir_record_sink *sink, const char *json, size_t length,
                                const struct iptfhir_origin *origin) {
    struct ingest *in = sink->self;
    struct slot *s = new_slot(in, SLOT_RECORD, origin->file, origin->line);
    arena_reset(&in->building);
    if (s == NULL)
        return IPTFHIR_FATAL;
    s->text = arena_strndup(&s->arena, json, length);
    s->length = length;
    if (s->text == NULL)
        return no_memory(in);
    s->mark = hash_bytes(json, length);
    s->suspect = suspect_of(in, s->mark);
    in->page->records++;
    return add_slot(in, s);
}

/* Gives the memory that a record was built in to the slot that will be filled; what the slot had
 * from a former batch is built in next. */
static void hand_over_memory(struct ingest *in) {
    struct slot *s = &in->filling->slots[in->filling->count];
    struct arena built = in->building;
    in->building = (struct arena) { .blocks = s->arena.blocks, .limit = built.limit };
    s->arena = (struct arena) { .blocks = built.blocks, .used = built.used };
}

/* A record that can't be taken: it is held. */
static iptfhir_status refuse_built(struct ingest *in, struct slot *s, const char *code,
                                   const char *detail) {
    s->kind = SLOT_HOLD;
    s->code = code;
    s->detail = detail;
    in->page->records++;
    return add_slot(in, s);
}

static iptfhir_status emit_node(struct iptfhir_record_sink *sink, struct iptfhir_node *record,
                                const struct iptfhir_origin *origin) {
    struct ingest *in = sink->self;
    if (error_is_set(&in->error)) { /* no slot is free for what the record was built in */
        arena_reset(&in->building);
        return IPTFHIR_FATAL;
    }
    struct tree *built = node_built_tree(record);
    if (built != NULL && built->parent != NULL)
        built = tree_copy(&in->building, built); /* a part of something: it becomes a whole */
    bool too_large = built == NULL && in->building.full;
    hand_over_memory(in);
    struct slot *s = new_slot(in, SLOT_RECORD, origin->file, origin->line);
    if (s == NULL)
        return IPTFHIR_FATAL;
    if (too_large)
        return refuse_built(in, s, "record-too-large",
                            "the record is larger than records.max_bytes allows: split it");
    if (built == NULL)
        return no_memory(in);
    if (!node_depth_allowed(built))
        return refuse_built(in, s, "too-deep",
                            "the source built more levels than a record may have");
    s->built = built;
    s->mark = hash_tree(built);
    s->suspect = suspect_of(in, s->mark);
    in->page->records++;
    return add_slot(in, s);
}

static iptfhir_status hold_row(struct iptfhir_record_sink *sink,
                               const struct iptfhir_origin *origin, const char *code,
                               const char *why) {
    struct ingest *in = sink->self;
    struct slot *s = new_slot(in, SLOT_HOLD, origin->file, origin->line);
    if (s == NULL)
        return IPTFHIR_FATAL;
    s->code = arena_strndup(&s->arena, code, strlen(code));
    s->detail = arena_strndup(&s->arena, why, strlen(why));
    if (s->code == NULL || s->detail == NULL)
        return no_memory(in);
    in->page->records++;
    return add_slot(in, s);
}

/* Cursors are kept with the hash of the settings they were reached under: with other mappings
 * everything is read again. */
static iptfhir_status take_cursor(struct iptfhir_record_sink *sink, const char *cursor) {
    struct ingest *in = sink->self;
    struct slot *s = new_slot(in, SLOT_CURSOR, NULL, 0);
    if (s == NULL)
        return IPTFHIR_FATAL;
    s->text = arena_printf(&s->arena, "%s %s", pipeline_settings_hash(in->pipeline), cursor);
    if (s->text == NULL)
        return no_memory(in);
    s->length = strlen(s->text);
    return add_slot(in, s);
}

static iptfhir_status take_present(struct iptfhir_record_sink *sink, const char *file) {
    struct ingest *in = sink->self;
    struct slot *s = new_slot(in, SLOT_PRESENT, file, 0);
    if (s == NULL)
        return IPTFHIR_FATAL;
    s->text = arena_strndup(&s->arena, file, strlen(file));
    return s->text != NULL ? add_slot(in, s) : no_memory(in);
}

static void take_progress(struct iptfhir_record_sink *sink, uint64_t done, uint64_t total) {
    struct ingest *in = sink->self;
    in->page->source_done = done;
    in->page->source_total = total;
    wait_for_plugin(in); /* it is alive */
}

/* The source's own part of the kept cursor; NULL when it was reached under other settings. */
static const char *usable_cursor(const struct ingest *in) {
    const char *hash = pipeline_settings_hash(in->pipeline);
    const struct store_bytes *kept = &in->welcome.cursor;
    size_t n = strlen(hash);
    bool ours = kept->data != NULL && kept->length > n && strncmp(kept->data, hash, n) == 0;
    return ours && kept->data[n] == ' ' ? kept->data + n + 1 : NULL;
}

/* ---- the process ---- */

/* Says hello and waits for the welcome. */
static bool greet(struct ingest *in, const struct reader *reader) {
    const struct iptfhir_source *source = reader_source(reader);
    const struct pipe_message hello = { .type = PIPE_HELLO,
                                        .version = PIPE_VERSION,
                                        .whole_records = source->whole_records,
                                        .whole_units = source->whole_units,
                                        .settings = pipeline_settings_hash(in->pipeline) };
    bool got = false;
    if (!put(in, &hello) || !push(in, 0))
        return false;
    if (!pipe_get(&in->pipe, WAIT_MS, &in->lasting, &in->welcome, &got, &in->error))
        return false;
    bool welcome = got && in->welcome.type == PIPE_WELCOME && in->welcome.version == PIPE_VERSION;
    return welcome || error_set(&in->error, "pipe", NULL, "delivery does not answer");
}

static size_t threads_of(const struct config *config) {
    int64_t asked = config->limits.ingest_threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (asked > 0)
        return (size_t)asked;
    if (cores < 1)
        return 1;
    return cores < THREADS_DEFAULT ? (size_t)cores : THREADS_DEFAULT;
}

/* The exit code of a poll that ended with in->error. */
static int code_of_end(const struct ingest *in) {
    return strcmp(in->error.code, STOPPING) == 0 ? EXIT_LATER : EXIT_FAULT;
}

/* Polls the source once and hands over the rest. */
static int poll_source(struct ingest *in, struct reader *reader) {
    struct iptfhir_error why = ERROR_INIT;
    struct iptfhir_record_sink sink = { .size = sizeof sink,
                                        .self = in,
                                        .document = node_document(&in->building),
                                        .emit = emit_node,
                                        .emit_text = emit_text,
                                        .hold = hold_row,
                                        .cursor = take_cursor,
                                        .progress = take_progress,
                                        .present = take_present };
    wait_for_plugin(in);
    iptfhir_status status = reader_poll(reader, usable_cursor(in), &sink, &why);
    plugin_came_back(in);
    if (error_is_set(&in->error))
        return code_of_end(in);
    bool whole = status == IPTFHIR_OK && !is_stopping(in);
    const struct pipe_message end = { .type = PIPE_END, .whole = whole };
    bool told = turn(in) && finish_asked(in) && put(in, &end) && push(in, 0);
    if (!told)
        return code_of_end(in);
    if (whole)
        return EXIT_SETTLED;
    if (stopping)
        return EXIT_LATER;
    log_line(IPTFHIR_ERROR, "source %s: %s%s%s [%s]", in->job->source->name, why.where,
             *why.where != '\0' ? ": " : "", why.text, why.code);
    return status == IPTFHIR_RETRY ? EXIT_LATER : EXIT_FAULT;
}

/* Says what was wrong with configuration or plugins. */
static void log_report(const struct report *report) {
    for (size_t i = 0; i < report->count; i++) {
        const struct report_entry *entry = &report->entries[i];
        iptfhir_level level = entry->severity == REPORT_ERROR ? IPTFHIR_ERROR : IPTFHIR_WARNING;
        log_line(level, "%s: %s [%s]", entry->error.where, entry->error.text, entry->error.code);
    }
}

/* Starts the threads, once the welcome has told the aliases. */
static bool start_crew(struct ingest *in, const unsigned char *content_key) {
    const struct crew_settings settings = { .pipeline = in->pipeline,
                                            .page = in->page,
                                            .content_key = content_key,
                                            .aliases = in->welcome.aliases,
                                            .alias_count = in->welcome.count,
                                            .order = in->job->source->order,
                                            .threads = threads_of(in->config) };
    in->crew = crew_new(&settings, &in->error);
    return in->crew != NULL;
}

static struct crew_batch *new_batch(struct ingest *in) {
    struct crew_batch *b = base_malloc(sizeof *b);
    if (b != NULL)
        memset(b, 0, sizeof *b);
    else
        error_set(&in->error, "memory", NULL, "out of memory");
    return b;
}

static void free_batch(struct crew_batch *b) {
    if (b == NULL)
        return;
    crew_batch_free(b);
    base_free(b);
}

int ingest_run(const struct config *config, const struct config_job *job, struct shared *page,
               const unsigned char key[32], int descriptor) {
    struct ingest in = { .config = config, .job = job, .page = page, .error = ERROR_INIT };
    in.building.limit = pipeline_build_limit(config);
    struct report report = { 0 };
    struct reader *reader = NULL;
    unsigned char content_key[KEY_BYTES], log_key[KEY_BYTES];
    int code = EXIT_CONFIG;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    log_setup(config->log_level, "ingest");
    bool keyed = key_derive(key, "content", content_key) && key_derive(key, "log", log_key);
    if (keyed)
        log_set_key(log_key);
    crypt_wipe(log_key, sizeof log_key);
    pipe_open(&in.pipe, descriptor);
    in.filling = new_batch(&in);
    in.asked = new_batch(&in);
    if (!keyed || in.filling == NULL || in.asked == NULL)
        goto out;
    wait_for_plugin(&in);
    in.pipeline = pipeline_open_config(config, job, &page->stop, &report);
    if (in.pipeline != NULL)
        reader = reader_open(config, job, NULL, &page->stop, &report);
    plugin_came_back(&in);
    if (reader == NULL)
        goto out;
    code = EXIT_FAULT;
    if (greet(&in, reader) && start_crew(&in, content_key))
        code = poll_source(&in, reader);
out:
    log_report(&report);
    if (error_is_set(&in.error))
        log_line(code == EXIT_LATER ? IPTFHIR_INFO : IPTFHIR_ERROR, "ingest: %s%s%s [%s]",
                 in.error.where, *in.error.where != '\0' ? ": " : "", in.error.text, in.error.code);
    crew_free(in.crew);
    reader_close(reader);
    pipeline_close(in.pipeline);
    free_batch(in.filling);
    free_batch(in.asked);
    crypt_wipe(content_key, sizeof content_key);
    pipe_close(&in.pipe);
    arena_free(&in.building);
    arena_free(&in.incoming);
    arena_free(&in.lasting);
    report_free(&report);
    return code;
}
