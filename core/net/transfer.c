/* SPDX-License-Identifier: Apache-2.0 */
/* One request on its way over libcurl: what is sent, what is kept of the answer, and which outcome
 * a failure is. */
#include "core/net/transfer.h"

#include "core/net/tls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#ifndef IPTFHIR_VERSION
#define IPTFHIR_VERSION "0"
#endif

#define LARGE_BODY (48u * 1024) /* from here on HTTP/1.1 */
#define KEPT_BODY (256u * 1024) /* a larger buffer isn't kept for the next answer */
#define KEEP_SECONDS                                                                               \
    50L /* an idle connection older than this is not used again: below the usual 60 s              \
           of servers */
#define UPLOAD_BUFFER 16384L /* a record of TLS; of it each connection has one */
#define LEAST_STALL 10L      /* seconds without a byte */

/* ---- the answer ---- */

/* Counts the starts of a transfer and stops a second one of what may have changed something. */
static int on_start(void *user, char *primary, char *local, int primary_port, int local_port) {
    struct transfer *t = user;
    (void)primary, (void)local, (void)primary_port, (void)local_port;
    t->starts++;
    if (t->starts > 1 && !t->repeatable)
        return CURL_PREREQFUNC_ABORT;
    t->slot->body.length = 0;
    return CURL_PREREQFUNC_OK;
}

/* Tells whether a character is blank or ends a line. */
static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Keeps a header's value without the blanks around it; one that is empty or too long isn't kept. */
static void keep_value(struct slot *slot, size_t header, const char *from, const char *to) {
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    size_t length = (size_t)(to - from);
    slot->has[header] = length > 0 && length < TRANSFER_VALUE;
    if (!slot->has[header])
        return;
    memcpy(slot->values[header], from, length);
    slot->values[header][length] = '\0';
}

/* The kept header that a line is, HEADER_COUNT when it is another. */
static size_t header_of(const char *line, size_t length) {
    static const char *const names[HEADER_COUNT] = {
        [HEADER_ETAG] = "etag:",
        [HEADER_LOCATION] = "location:",
        [HEADER_RETRY_AFTER] = "retry-after:",
        [HEADER_CONTENT_TYPE] = "content-type:",
        [HEADER_DATE] = "date:",
    };
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        size_t n = strlen(names[i]);
        if (length > n && strncasecmp(line, names[i], n) == 0)
            return i;
    }
    return HEADER_COUNT;
}

/* Keeps the few header values that matter; a new status line (1xx, then the answer) starts afresh.
 */
static size_t on_header(char *line, size_t size, size_t count, void *user) {
    struct slot *slot = ((struct transfer *)user)->slot;
    size_t length = size * count;
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        memset(slot->has, 0, sizeof slot->has);
        return length;
    }
    size_t header = header_of(line, length);
    if (header < HEADER_COUNT) {
        const char *colon = memchr(line, ':', length);
        keep_value(slot, header, colon + 1, line + length);
    }
    return length;
}

/* Collects the body up to the limit, then stops the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
    struct transfer *t = user;
    struct slot *slot = t->slot;
    size_t length = size * count;
    size_t room = t->settings->max_body - slot->body.length;
    if (length > room) {
        str_add(&slot->body, bytes, room);
        slot->truncated = true;
        return 0;
    }
    str_add(&slot->body, bytes, length);
    return slot->body.failed ? 0 : length;
}

void slot_clear(struct slot *slot) {
    if (slot->body.failed || slot->body.capacity > KEPT_BODY)
        str_free(&slot->body);
    slot->body.failed = false;
    str_clear(&slot->body);
    memset(slot->has, 0, sizeof slot->has);
    slot->truncated = false;
}

/* ---- the handle ---- */

/* Sets what may be spoken: https, and http for the loopback case that address_read() let through.
 */
static CURLcode set_protocols(CURL *easy, bool plain) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                            (long)(CURLPROTO_HTTPS | (plain ? CURLPROTO_HTTP : 0)));
#endif
}

/* Seconds without a byte after which a transfer has stalled: three quarters of its whole time. */
static long stall_seconds(long timeout_ms) {
    long seconds = timeout_ms / 1000 * 3 / 4;
    return seconds > LEAST_STALL ? seconds : LEAST_STALL;
}

bool transfer_open(struct transfer *t, struct transfer_settings *s) {
    CURL *e = curl_easy_init();
    t->easy = e;
    t->settings = s;
    if (e == NULL)
        return false;
    CURLcode bad = set_protocols(e, strncasecmp(s->base, "http:", 5) == 0);
    if (bad == CURLE_OK)
        bad = tls_set_up(e, s->address.host, s->ca_file);
#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(e, option, value)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->curl_error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, KEEP_SECONDS);
    SET(CURLOPT_PIPEWAIT, 1L);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
    SET(CURLOPT_TIMEOUT_MS, s->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, s->connect_timeout_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, stall_seconds(s->timeout_ms));
    SET(CURLOPT_USERAGENT, "iptfhir/" IPTFHIR_VERSION);
    SET(CURLOPT_PREREQFUNCTION, on_start);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
#undef SET
    str_puts(&t->url, s->base);
    return bad == CURLE_OK && !t->url.failed;
}

void transfer_close(struct transfer *t) {
    curl_easy_cleanup(t->easy);
    str_free(&t->url);
}

/* ---- the request ---- */

/* Tells whether sending a request twice does the same as once. */
static bool is_repeatable(const struct iptfhir_http_request *r) {
    static const char search[] = "/_search";
    size_t n = strlen(r->path);
    size_t ending = sizeof search - 1;
    if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0)
        return true;
    bool searches = n >= ending && strcmp(r->path + n - ending, search) == 0;
    return searches && strcmp(r->method, "POST") == 0;
}

/* Sets the header lines; the list lives in the transfer, so nothing is allocated. */
static void set_headers(struct transfer *t, const struct iptfhir_http_request *r) {
    static char no_expect[] = "Expect:";
    static const char *const none[] = { NULL };
    const char *const *h = r->headers != NULL ? r->headers : none;
    size_t n = 0;
    t->settings->sent++;
    (void)snprintf(t->request_id, sizeof t->request_id, "X-Request-Id: %s-%" PRIx64,
                   t->settings->run, t->settings->sent);
    t->lines[n++].data = t->request_id;
    t->lines[n++].data = no_expect;
    for (; *h != NULL; h++)
        t->lines[n++].data = (char *)(uintptr_t)*h;
    for (size_t i = 0; i + 1 < n; i++)
        t->lines[i].next = &t->lines[i + 1];
    t->lines[n - 1].next = NULL;
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines);
}

/* Sets method and body; false when libcurl has no memory for the method's name. */
static bool set_method(CURL *e, const struct iptfhir_http_request *r) {
    bool get = strcmp(r->method, "GET") == 0;
    bool post = strcmp(r->method, "POST") == 0;
    bool has_body = r->body != NULL;
    if (get || !has_body) {
        (void)curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        (void)curl_easy_setopt(e, CURLOPT_NOBODY, (long)(strcmp(r->method, "HEAD") == 0));
    }
    if (!get && (has_body || post)) {
        curl_off_t length = has_body ? (curl_off_t)r->body_length : 0;
        (void)curl_easy_setopt(e, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, has_body ? r->body : "");
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, length);
    }
    const char *custom = get || post ? NULL : r->method;
    return curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, custom) == CURLE_OK;
}

bool transfer_begin(struct transfer *t, const struct iptfhir_http_request *r, size_t index,
                    struct slot *slot) {
    bool large = r->body != NULL && r->body_length > LARGE_BODY;
    t->slot = slot;
    t->index = index;
    t->starts = 0;
    t->repeatable = is_repeatable(r);
    t->curl_error[0] = '\0';
    t->url.length = strlen(t->settings->base);
    str_puts(&t->url, r->path);
    if (t->url.failed || curl_easy_setopt(t->easy, CURLOPT_URL, t->url.data) != CURLE_OK)
        return false;
    if (!set_method(t->easy, r))
        return false;
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION,
                           (long)(large ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    set_headers(t, r);
    return true;
}

/* ---- the outcome ---- */

/* Tells whether the answer is complete though the HTTP/2 stream was reset: a server that has
 * answered may refuse the rest of the request so (RFC 9113 section 8.1), and the client keeps the
 * answer. */
static bool is_whole(const struct transfer *t) {
    curl_off_t announced = -1;
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    return announced >= 0 && (size_t)announced == t->slot->body.length;
}

/* Tells whether a transfer that ended so has its whole answer, or as much as is taken. */
static bool is_complete(const struct transfer *t, CURLcode result) {
    switch (result) {
    case CURLE_OK: return true;
    case CURLE_WRITE_ERROR: return t->slot->truncated;
    case CURLE_HTTP2_STREAM: return is_whole(t);
    default: return false;
    }
}

/* The value of a header of an answer, NULL when it has none. */
static const char *value_of(const struct slot *slot, enum transfer_header header) {
    return slot->has[header] ? slot->values[header] : NULL;
}

/* Says why there is no answer. */
static const char *explain(struct transfer *t, CURLcode result) {
    const struct transfer_settings *s = t->settings;
    long verify = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    tls_explain(result == CURLE_OK ? CURLE_WEIRD_SERVER_REPLY : result, verify, t->curl_error,
                s->address.server, s->ca_file, t->slot->message, sizeof t->slot->message);
    return t->slot->message;
}

void transfer_end(struct transfer *t, CURLcode result, struct iptfhir_http_response *out) {
    const struct slot *slot = t->slot;
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    out->size = sizeof *out;
    out->status = (int)status;
    out->body = slot->body.length > 0 ? slot->body.data : "";
    out->body_length = slot->body.length;
    out->truncated = slot->truncated;
    out->etag = value_of(slot, HEADER_ETAG);
    out->location = value_of(slot, HEADER_LOCATION);
    out->retry_after = value_of(slot, HEADER_RETRY_AFTER);
    out->content_type = value_of(slot, HEADER_CONTENT_TYPE);
    out->date = value_of(slot, HEADER_DATE);
    out->error = NULL;
    out->outcome = IPTFHIR_HTTP_ANSWERED;
    bool answered = status >= 200 && is_complete(t, result);
    if (!answered) {
        out->outcome = t->starts == 0 ? IPTFHIR_HTTP_NOT_SENT : IPTFHIR_HTTP_LOST;
        out->error = explain(t, result);
    }
    t->slot = NULL;
}

void transfer_refuse(const struct transfer_settings *settings, struct slot *slot,
                     struct iptfhir_http_response *out) {
    *out = (struct iptfhir_http_response) {
        .size = sizeof *out, .outcome = IPTFHIR_HTTP_NOT_SENT, .body = "", .error = slot->message
    };
    (void)snprintf(slot->message, sizeof slot->message,
                   "the request to %s could not be started: memory ran out",
                   settings->address.server);
}
