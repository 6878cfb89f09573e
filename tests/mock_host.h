/* SPDX-License-Identifier: Apache-2.0 */
/* A host and sinks for the tests of plugins: they record what a plugin says, and answer from what
 * the test set. Link with libiptfhir-mock, which has the nodes, and libiptfhir. */
#ifndef TESTS_MOCK_HOST_H
#define TESTS_MOCK_HOST_H

#include <iptfhir/target.h>
#include <iptfhir/text.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOCK_UNUSED __attribute__((unused))
#define MOCK_MAX 64

#ifdef __cplusplus
extern "C" {
#endif

/* ---- nodes: in libiptfhir-mock ---- */
IPTFHIR_API iptfhir_nodes mock_nodes(void);
IPTFHIR_API struct iptfhir_document *mock_document_new(void);
/* Forgets all nodes, as emit() of a record sink does. */
IPTFHIR_API void mock_document_reset(struct iptfhir_document *document);
IPTFHIR_API void mock_document_free(struct iptfhir_document *document);
/* Zeroes an instance and gives its options their defaults, but for lists. */
IPTFHIR_API void mock_defaults(const struct iptfhir_descriptor *plugin, void *self);

/* Parses JSON; a text that is none ends the test. */
MOCK_UNUSED static struct iptfhir_node *mock_read(struct iptfhir_document *document,
                                                  const char *json) {
    struct iptfhir_error error;
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    struct iptfhir_node *node = mock_nodes()->read(document, json, strlen(json), &error);
    if (!node) {
        fprintf(stderr, "mock_read: %s: %s\n", error.where, error.text);
        abort();
    }
    return node;
}

/* The text at a JSON pointer: of a string or number, "true", "false", "null"; NULL: none is there.
 */
MOCK_UNUSED static const char *mock_text_at(const struct iptfhir_node *root, const char *pointer) {
    iptfhir_nodes n = mock_nodes();
    const struct iptfhir_node *node = n->find(root, pointer);
    bool truth = false;
    if (n->boolean(node, &truth))
        return truth ? "true" : "false";
    if (n->kind(node) == IPTFHIR_NODE_NULL)
        return "null";
    return n->kind(node) == IPTFHIR_NODE_NUMBER ? n->number(node) : n->text(node, NULL);
}

/* How many children the node at a JSON pointer has. */
MOCK_UNUSED static size_t mock_count_at(const struct iptfhir_node *root, const char *pointer) {
    return mock_nodes()->count(mock_nodes()->find(root, pointer));
}

/* ---- host ---- */
struct mock_host {
    struct iptfhir_host host; /* first: the plugin gets &mock.host */
    char log[8192];           /* all lines */
    bool stop;                /* what stopping() says */
    /* Optional answers; without them document() reads JSON files and list() has none. */
    /* A node built in `lasting`; NULL: cannot be read. */
    const struct iptfhir_node *(*document)(const char *path, struct iptfhir_document *lasting);
    const char *const *(*list)(const char *folder, const char *suffix);
};

MOCK_UNUSED static void mock_log(const struct iptfhir_host *h, iptfhir_level level,
                                 const char *format, ...) __attribute__((format(printf, 3, 4)));
MOCK_UNUSED static void mock_log(const struct iptfhir_host *h, iptfhir_level level,
                                 const char *format, ...) {
    struct mock_host *m = (struct mock_host *)(uintptr_t)h;
    size_t used = strlen(m->log);
    va_list args;
    (void)level;
    va_start(args, format);
    vsnprintf(m->log + used, sizeof m->log - used, format, args);
    va_end(args);
    used = strlen(m->log);
    snprintf(m->log + used, sizeof m->log - used, "\n");
}

MOCK_UNUSED static iptfhir_status mock_fail(const struct iptfhir_host *h, struct iptfhir_error *e,
                                            iptfhir_status status, const char *code,
                                            const char *where, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
MOCK_UNUSED static iptfhir_status mock_fail(const struct iptfhir_host *h, struct iptfhir_error *e,
                                            iptfhir_status status, const char *code,
                                            const char *where, const char *format, ...) {
    va_list args;
    (void)h;
    if (!e || e->code[0])
        return status;
    snprintf(e->code, sizeof e->code, "%s", code);
    snprintf(e->where, sizeof e->where, "%s", where ? where : "");
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return status;
}

MOCK_UNUSED static bool mock_stopping(const struct iptfhir_host *h) {
    return ((const struct mock_host *)h)->stop;
}

MOCK_UNUSED static const struct iptfhir_node *
mock_document(const struct iptfhir_host *h, const char *path, struct iptfhir_error *e) {
    const struct mock_host *m = (const struct mock_host *)h;
    const struct iptfhir_node *document = NULL;
    struct iptfhir_text text;
    memset(&text, 0, sizeof text);
    if (m->document)
        document = m->document(path, h->lasting);
    else if (iptfhir_text_read_file(&text, path, 16u << 20))
        document = mock_nodes()->read(h->lasting, text.data, text.length, e);
    iptfhir_text_free(&text);
    if (!document)
        mock_fail(h, e, IPTFHIR_FATAL, "document", path, "cannot be read");
    return document;
}

/* Answers "document:<pointer>", so that a test sees which place was meant. */
MOCK_UNUSED static bool mock_position(const struct iptfhir_host *h,
                                      const struct iptfhir_node *document, const char *pointer,
                                      char *out, size_t size) {
    (void)h, (void)document;
    snprintf(out, size, "document:%s", pointer);
    return true;
}

MOCK_UNUSED static const char *const *mock_list(const struct iptfhir_host *h, const char *folder,
                                                const char *suffix) {
    static const char *const none[] = { NULL };
    const struct mock_host *m = (const struct mock_host *)h;
    return m->list ? m->list(folder, suffix) : none;
}

/* Not the real identity, but as stable, of its shape, and different for different keys. */
MOCK_UNUSED static void mock_identity(const struct iptfhir_host *h, const char *type,
                                      const char *key, char out[37]) {
    uint64_t a = 14695981039346656037u, b = 1099511628211u;
    (void)h;
    for (const char *p = type; *p; p++)
        a = (a ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = key; *p; p++) {
        a = (a ^ (unsigned char)*p) * 1099511628211u;
        b = (b + (unsigned char)*p) * 6364136223846793005u;
    }
    snprintf(out, 37, "%08x-%04x-5%03x-8%03x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a & 0xFFF), (unsigned)(b >> 52),
             (unsigned long long)(b & 0xFFFFFFFFFFFF));
}

/* Makes the host ready; everything else in it is zero. */
MOCK_UNUSED static void mock_host_open(struct mock_host *m) {
    memset(m, 0, sizeof *m);
    m->host.size = sizeof m->host;
    m->host.nodes = mock_nodes();
    m->host.lasting = mock_document_new();
    m->host.log = mock_log;
    m->host.fail = mock_fail;
    m->host.stopping = mock_stopping;
    m->host.document = mock_document;
    m->host.position = mock_position;
    m->host.list = mock_list;
    m->host.identity = mock_identity;
}

/* Frees the documents. */
MOCK_UNUSED static void mock_host_close(struct mock_host *m) {
    mock_document_free(m->host.lasting);
    m->host.lasting = NULL;
}

/* ---- what a source tells ---- */
enum mock_kind { MOCK_RECORD, MOCK_HOLD, MOCK_CURSOR };
struct mock_event {
    enum mock_kind kind;
    char *text;     /* the record's JSON, the reason, the cursor */
    char code[32];  /* of a hold */
    char file[512]; /* its last path component */
    int64_t line;
};
struct mock_records {
    struct iptfhir_record_sink sink; /* first: the plugin gets &records.sink */
    struct mock_event *events;
    size_t count, capacity;
    size_t records, holds, cursors;
    bool count_only;      /* keep no events */
    size_t stop_after;    /* answer RETRY from this many records on; 0: never */
    uint64_t done, total; /* last progress */
};

MOCK_UNUSED static void mock_add(struct mock_records *r, int kind, const char *text, size_t length,
                                 const char *code, const struct iptfhir_origin *o) {
    if (r->count_only)
        return;
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 64;
        r->events = (struct mock_event *)realloc(r->events, r->capacity * sizeof *r->events);
        if (!r->events)
            abort();
    }
    struct mock_event *e = &r->events[r->count++];
    memset(e, 0, sizeof *e);
    e->kind = kind == MOCK_RECORD ? MOCK_RECORD : kind == MOCK_HOLD ? MOCK_HOLD : MOCK_CURSOR;
    e->text = strndup(text, length);
    snprintf(e->code, sizeof e->code, "%s", code ? code : "");
    const char *file = o && o->file ? o->file : "", *slash = strrchr(file, '/');
    snprintf(e->file, sizeof e->file, "%s", slash ? slash + 1 : file);
    e->line = o ? o->line : 0;
}

MOCK_UNUSED static iptfhir_status mock_emit_text(struct iptfhir_record_sink *s, const char *json,
                                                 size_t length, const struct iptfhir_origin *o) {
    struct mock_records *r = (struct mock_records *)s;
    r->records++;
    mock_add(r, MOCK_RECORD, json, length, NULL, o);
    mock_document_reset(s->document);
    return r->stop_after && r->records >= r->stop_after ? IPTFHIR_RETRY : IPTFHIR_OK;
}

MOCK_UNUSED static iptfhir_status mock_emit(struct iptfhir_record_sink *s,
                                            struct iptfhir_node *record,
                                            const struct iptfhir_origin *o) {
    size_t length = 0;
    const char *text = mock_nodes()->write(s->document, record, &length);
    return text ? mock_emit_text(s, text, length, o) : IPTFHIR_FATAL;
}

MOCK_UNUSED static iptfhir_status mock_hold(struct iptfhir_record_sink *s,
                                            const struct iptfhir_origin *o, const char *code,
                                            const char *why) {
    struct mock_records *r = (struct mock_records *)s;
    r->holds++;
    mock_add(r, MOCK_HOLD, why, strlen(why), code, o);
    return IPTFHIR_OK;
}

MOCK_UNUSED static iptfhir_status mock_cursor(struct iptfhir_record_sink *s, const char *cursor) {
    struct mock_records *r = (struct mock_records *)s;
    r->cursors++;
    mock_add(r, MOCK_CURSOR, cursor ? cursor : "", cursor ? strlen(cursor) : 0, NULL, NULL);
    return IPTFHIR_OK;
}

MOCK_UNUSED static void mock_progress(struct iptfhir_record_sink *s, uint64_t done,
                                      uint64_t total) {
    ((struct mock_records *)s)->done = done;
    ((struct mock_records *)s)->total = total;
}

/* Makes the sink ready. */
MOCK_UNUSED static void mock_records_open(struct mock_records *r) {
    memset(r, 0, sizeof *r);
    r->sink.size = sizeof r->sink;
    r->sink.self = r;
    r->sink.document = mock_document_new();
    r->sink.emit = mock_emit;
    r->sink.emit_text = mock_emit_text;
    r->sink.hold = mock_hold;
    r->sink.cursor = mock_cursor;
    r->sink.progress = mock_progress;
}

/* Frees the events. */
MOCK_UNUSED static void mock_records_close(struct mock_records *r) {
    for (size_t i = 0; i < r->count; i++)
        free(r->events[i].text);
    free(r->events);
    mock_document_free(r->sink.document);
    memset(r, 0, sizeof *r);
}

/* The n-th event of a kind, NULL when there are fewer. */
MOCK_UNUSED static const struct mock_event *mock_event(const struct mock_records *r, int kind,
                                                       size_t n) {
    for (size_t i = 0; i < r->count; i++)
        if ((int)r->events[i].kind == kind && n-- == 0)
            return &r->events[i];
    return NULL;
}

/* ---- what a mapper tells ---- */
struct mock_resources {
    struct iptfhir_resource_sink sink; /* first */
    struct {
        char mapping[64];
        const struct iptfhir_node *facts; /* a copy; NULL: there were none */
    } renders[MOCK_MAX];
    const struct iptfhir_node *emits[MOCK_MAX];
    struct {
        char pointer[256], code[32], why[512];
    } holds[MOCK_MAX], alerts[MOCK_MAX];
    size_t render_count, emit_count, hold_count, alert_count;
    iptfhir_status answer; /* of render() and emit() */
};

MOCK_UNUSED static iptfhir_status mock_render(struct iptfhir_resource_sink *s, const char *mapping,
                                              const struct iptfhir_node *facts,
                                              struct iptfhir_error *e) {
    struct mock_resources *r = (struct mock_resources *)s;
    (void)e;
    if (r->render_count == MOCK_MAX)
        return IPTFHIR_FATAL;
    snprintf(r->renders[r->render_count].mapping, sizeof r->renders[0].mapping, "%s", mapping);
    r->renders[r->render_count++].facts = facts ? mock_nodes()->copy(s->document, facts) : NULL;
    return r->answer;
}

MOCK_UNUSED static iptfhir_status mock_emit_resource(struct iptfhir_resource_sink *s,
                                                     struct iptfhir_node *resource,
                                                     struct iptfhir_error *e) {
    struct mock_resources *r = (struct mock_resources *)s;
    (void)e;
    if (r->emit_count == MOCK_MAX || !resource)
        return IPTFHIR_FATAL;
    r->emits[r->emit_count++] = resource;
    return r->answer;
}

MOCK_UNUSED static iptfhir_status mock_hold_part(struct iptfhir_resource_sink *s,
                                                 const char *pointer, const char *code,
                                                 const char *why) {
    struct mock_resources *r = (struct mock_resources *)s;
    if (r->hold_count == MOCK_MAX)
        return IPTFHIR_FATAL;
    snprintf(r->holds[r->hold_count].pointer, sizeof r->holds[0].pointer, "%s", pointer);
    snprintf(r->holds[r->hold_count].code, sizeof r->holds[0].code, "%s", code);
    snprintf(r->holds[r->hold_count++].why, sizeof r->holds[0].why, "%s", why);
    return IPTFHIR_OK;
}

MOCK_UNUSED static void mock_alert(struct iptfhir_resource_sink *s, const char *pointer,
                                   const char *code) {
    struct mock_resources *r = (struct mock_resources *)s;
    if (r->alert_count == MOCK_MAX)
        return;
    snprintf(r->alerts[r->alert_count].pointer, sizeof r->alerts[0].pointer, "%s", pointer);
    snprintf(r->alerts[r->alert_count++].code, sizeof r->alerts[0].code, "%s", code);
}

/* Makes the sink ready. */
MOCK_UNUSED static void mock_resources_open(struct mock_resources *r) {
    memset(r, 0, sizeof *r);
    r->sink.size = sizeof r->sink;
    r->sink.self = r;
    r->sink.document = mock_document_new();
    r->sink.render = mock_render;
    r->sink.emit = mock_emit_resource;
    r->sink.hold = mock_hold_part;
    r->sink.alert = mock_alert;
}

/* Frees facts, resources and the record. */
MOCK_UNUSED static void mock_resources_close(struct mock_resources *r) {
    mock_document_free(r->sink.document);
    memset(r, 0, sizeof *r);
}

/* Maps the record of a JSON text, in the document of the sink. */
MOCK_UNUSED static iptfhir_status mock_map(const struct iptfhir_descriptor *plugin,
                                           const void *self, const char *id, const char *json,
                                           struct mock_resources *r, struct iptfhir_error *e) {
    struct iptfhir_record record;
    memset(&record, 0, sizeof record);
    record.size = sizeof record;
    record.id = id;
    record.node = mock_read(r->sink.document, json);
    record.course = mock_nodes()->object(r->sink.document);
    return plugin->mapper->map(self, &record, &r->sink, e);
}

/* ---- what a target is asked and tells ---- */
/* The requests of an order, each as one text: method and path, headers, an empty line, body. */
struct mock_requests {
    struct iptfhir_request_sink sink; /* first */
    char **texts;
    size_t count;
};

MOCK_UNUSED static void mock_request(struct iptfhir_request_sink *s,
                                     const struct iptfhir_http_request *request) {
    struct mock_requests *r = (struct mock_requests *)s;
    size_t length = 0;
    char *text = NULL;
    FILE *f = open_memstream(&text, &length);
    r->texts = realloc(r->texts, (r->count + 1) * sizeof *r->texts);
    if (f == NULL || r->texts == NULL)
        abort();
    fprintf(f, "%s %s\n", request->method, request->path);
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++)
        fprintf(f, "%s\n", request->headers[i]);
    if (request->body != NULL) {
        fputc('\n', f);
        fwrite(request->body, 1, request->body_length, f);
    }
    fclose(f);
    r->texts[r->count++] = text;
}

/* Makes the sink ready. */
MOCK_UNUSED static void mock_requests_open(struct mock_requests *r) {
    memset(r, 0, sizeof *r);
    r->sink = (struct iptfhir_request_sink) { sizeof r->sink, r, mock_request };
}

/* Forgets the requests, so that the next order can be asked. */
MOCK_UNUSED static void mock_requests_close(struct mock_requests *r) {
    while (r->count > 0)
        free(r->texts[--r->count]);
    free(r->texts);
    r->texts = NULL;
}

/* One thing that a target told: of an item, of a candidate, of a pause, of abilities. */
struct mock_proof {
    size_t index;
    iptfhir_proof proof;
    char server_id[80], version[80], code[40], detail[640];
    char *body; /* NULL: none */
};
struct mock_pause {
    char code[40], detail[800];
    int64_t retry_after_ms;
    bool person;
};
struct mock_evidence {
    struct iptfhir_evidence_sink sink; /* first */
    struct mock_proof *proofs;
    size_t count;
    char candidates[MOCK_MAX][512]; /* "p9 active urn:mrn|77 former urn:mrn|7 Family, Given ..." */
    size_t candidate_count;
    struct mock_pause pauses[MOCK_MAX];
    size_t pause_count;
    char abilities[4096]; /* "transaction batch Goal=13 ..." */
};

MOCK_UNUSED static void mock_item(struct iptfhir_evidence_sink *s, size_t index,
                                  const struct iptfhir_evidence *e) {
    struct mock_evidence *m = (struct mock_evidence *)s;
    m->proofs = realloc(m->proofs, (m->count + 1) * sizeof *m->proofs);
    if (m->proofs == NULL)
        abort();
    struct mock_proof *p = &m->proofs[m->count++];
    memset(p, 0, sizeof *p);
    p->index = index;
    p->proof = e->proof;
    snprintf(p->server_id, sizeof p->server_id, "%s", e->server_id != NULL ? e->server_id : "");
    snprintf(p->version, sizeof p->version, "%s", e->version != NULL ? e->version : "");
    snprintf(p->code, sizeof p->code, "%s", e->code != NULL ? e->code : "");
    snprintf(p->detail, sizeof p->detail, "%s", e->detail != NULL ? e->detail : "");
    if (e->body != NULL)
        p->body = strndup(e->body, e->body_length);
}

MOCK_UNUSED static void mock_candidate(struct iptfhir_evidence_sink *s,
                                       const struct iptfhir_candidate *c) {
    struct mock_evidence *m = (struct mock_evidence *)s;
    if (m->candidate_count == MOCK_MAX)
        return;
    char *out = m->candidates[m->candidate_count++];
    const size_t room = sizeof m->candidates[0];
    size_t used = 0;
#define MOCK_ADD(...)                                                                              \
    do {                                                                                           \
        if (used < room)                                                                           \
            used += (size_t)snprintf(out + used, room - used, __VA_ARGS__);                        \
    } while (0)
    MOCK_ADD("%s%s", c->server_id, c->active ? " active" : "");
    if (c->replaced_by != NULL)
        MOCK_ADD(" replaced-by %s", c->replaced_by);
    for (size_t i = 0; i < c->identifier_count; i++)
        MOCK_ADD(" %s|%s", c->identifiers[i].system != NULL ? c->identifiers[i].system : "",
                 c->identifiers[i].value);
    for (size_t i = 0; i < c->former_count; i++)
        MOCK_ADD(" former %s|%s", c->former[i].system != NULL ? c->former[i].system : "",
                 c->former[i].value);
    for (size_t i = 0; c->families != NULL && c->families[i] != NULL; i++)
        MOCK_ADD(" family %s", c->families[i]);
    for (size_t i = 0; c->givens != NULL && c->givens[i] != NULL; i++)
        MOCK_ADD(" given %s", c->givens[i]);
    if (c->birth_date != NULL)
        MOCK_ADD(" born %s", c->birth_date);
    if (c->sex != NULL)
        MOCK_ADD(" %s", c->sex);
#undef MOCK_ADD
}

MOCK_UNUSED static void mock_abilities(struct iptfhir_evidence_sink *s,
                                       const struct iptfhir_abilities *a) {
    struct mock_evidence *m = (struct mock_evidence *)s;
    size_t used = (size_t)snprintf(m->abilities, sizeof m->abilities, "%s%s",
                                   a->transaction ? " transaction" : "", a->batch ? " batch" : "");
    for (const struct iptfhir_ability *t = a->types; t != NULL && t->type != NULL; t++) {
        if (used < sizeof m->abilities)
            used += (size_t)snprintf(m->abilities + used, sizeof m->abilities - used, " %s=%u",
                                     t->type, t->can);
    }
}

MOCK_UNUSED static void mock_pause(struct iptfhir_evidence_sink *s, const struct iptfhir_pause *p) {
    struct mock_evidence *m = (struct mock_evidence *)s;
    if (m->pause_count == MOCK_MAX)
        return;
    struct mock_pause *out = &m->pauses[m->pause_count++];
    snprintf(out->code, sizeof out->code, "%s", p->code);
    snprintf(out->detail, sizeof out->detail, "%s", p->detail);
    out->retry_after_ms = p->retry_after_ms;
    out->person = p->person;
}

/* Makes the sink ready. */
MOCK_UNUSED static void mock_evidence_open(struct mock_evidence *m) {
    memset(m, 0, sizeof *m);
    m->sink = (struct iptfhir_evidence_sink) { sizeof m->sink, m,         mock_item, mock_candidate,
                                               mock_abilities, mock_pause };
}

/* Frees what was told. */
MOCK_UNUSED static void mock_evidence_close(struct mock_evidence *m) {
    for (size_t i = 0; i < m->count; i++)
        free(m->proofs[i].body);
    free(m->proofs);
    memset(m, 0, sizeof *m);
}

/* The n-th proof of an item, NULL when there are fewer. */
MOCK_UNUSED static const struct mock_proof *mock_proof_of(const struct mock_evidence *m,
                                                          size_t index, size_t n) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->proofs[i].index == index && n-- == 0)
            return &m->proofs[i];
    }
    return NULL;
}

#ifdef __cplusplus
}
#endif
#endif
