/* SPDX-License-Identifier: Apache-2.0 */
/* A host for tests whose server answers from a script. */
#include "script_host.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct iptfhir_error script_error;
char script_sent[64][8192];
size_t script_count;
const char *script_merge;
static const struct line *script;

void script_set(const struct line *lines) {
    script = lines;
    script_count = 0;
    memset(&script_error, 0, sizeof script_error);
}

void script_done(void) {
    ck_assert_msg(script->request == NULL, "the script still waits for %s", script->request);
}

static void host_log(const struct iptfhir_host *host, iptfhir_level level, const char *format,
                     ...) {
    (void)host, (void)level, (void)format;
}

/* Keeps an error as the host does: the first wins. */
static iptfhir_status host_fail(const struct iptfhir_host *host, struct iptfhir_error *error,
                                iptfhir_status status, const char *code, const char *where,
                                const char *format, ...) {
    va_list args;
    (void)host, (void)where;
    if (error->code[0] == '\0') {
        (void)snprintf(error->code, sizeof error->code, "%s", code);
        va_start(args, format);
        (void)vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return status;
}

static struct iptfhir_http *host_open(const struct iptfhir_host *host,
                                      const struct iptfhir_http_settings *s,
                                      struct iptfhir_error *error) {
    static char pool;
    (void)host, (void)s, (void)error;
    return (struct iptfhir_http *)&pool;
}

static void host_close(struct iptfhir_http *http) {
    (void)http;
}

/* Checks one request against the script and answers it. */
static void play(const struct iptfhir_http_request *q, struct iptfhir_http_response *r) {
    char *out = script_sent[script_count++ % 64];
    size_t n = (size_t)snprintf(out, sizeof *script_sent, "%s %s\n", q->method, q->path);
    ck_assert_msg(script->request != NULL, "nothing more was expected, but %s", out);
    ck_assert_msg(strncmp(out, script->request, strlen(script->request)) == 0,
                  "expected %s, but %s", script->request, out);
    for (const char *const *h = q->headers; h != NULL && *h != NULL; h++)
        n += (size_t)snprintf(out + n, sizeof *script_sent - n, "%s\n", *h);
    (void)snprintf(out + n, sizeof *script_sent - n, "%.*s", (int)q->body_length,
                   q->body != NULL ? q->body : "");
    *r = (struct iptfhir_http_response) { .size = sizeof *r,
                                          .status = script->status > 0 ? script->status : 0 };
    r->outcome = script->status > 0    ? IPTFHIR_HTTP_ANSWERED
                 : script->status == 0 ? IPTFHIR_HTTP_LOST
                                       : IPTFHIR_HTTP_NOT_SENT;
    r->body = script->body != NULL ? script->body : "";
    r->body_length = strlen(r->body);
    r->etag = script->etag;
    r->location = script->location;
    r->retry_after = script->retry_after;
    r->error = r->outcome != IPTFHIR_HTTP_ANSWERED ? "the server is away" : NULL;
    script++;
}

static iptfhir_status host_http(struct iptfhir_http *http, const struct iptfhir_http_request *q,
                                size_t count, struct iptfhir_http_response *r,
                                struct iptfhir_error *error) {
    (void)http, (void)error;
    for (size_t i = 0; i < count; i++)
        play(&q[i], &r[i]);
    return IPTFHIR_OK;
}

static iptfhir_status host_merge(const struct iptfhir_host *host, const char *base,
                                 const char *mine, const char *theirs, const char **merged,
                                 const char **overlap, struct iptfhir_error *error) {
    (void)host, (void)base, (void)mine, (void)theirs, (void)error;
    *merged = script_merge;
    *overlap = "/status";
    return script_merge != NULL ? IPTFHIR_OK : IPTFHIR_REJECT;
}

const struct iptfhir_host script_host = { .size = sizeof script_host,
                                          .log = host_log,
                                          .fail = host_fail,
                                          .http_open = host_open,
                                          .http = host_http,
                                          .http_close = host_close,
                                          .merge = host_merge };
