/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client over libcurl's multi interface: pool, transfers, limits, and which outcome a
 * failure is. */
#include "core/net/http.h"

#include "core/base/crypt.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/net/tls.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifndef IPTFHIR_VERSION
#define IPTFHIR_VERSION "0"
#endif

enum {
    HEADERS_MAX = 24,       /* headers of a request, ours included */
    VALUE_MAX = 512,        /* bytes of a header value that are kept */
    PARALLEL_MAX = 64,      /* connections */
    LARGE_BODY = 48 * 1024, /* from here on HTTP/1.1 */
    KEEP_SECONDS = 50, /* an idle connection older than this is not used again: below the usual 60 s
                          of servers */
    MESSAGE_MAX = 640
};

/* The response headers that are kept; the order is that of the table header_names. */
enum header {
    HEADER_ETAG,
    HEADER_LOCATION,
    HEADER_RETRY_AFTER,
    HEADER_CONTENT_TYPE,
    HEADER_DATE,
    HEADER_COUNT
};
static const struct {
    const char *name;
    size_t length;
} header_names[HEADER_COUNT] = {
    [HEADER_ETAG] = { "etag:", 5 },
    [HEADER_LOCATION] = { "location:", 9 },
    [HEADER_RETRY_AFTER] = { "retry-after:", 12 },
    [HEADER_CONTENT_TYPE] = { "content-type:", 13 },
    [HEADER_DATE] = { "date:", 5 },
};

/* What one answer is collected in; reused by the next call. */
struct slot {
    struct str body;
    char values[HEADER_COUNT][VALUE_MAX];
    bool has[HEADER_COUNT];
    bool truncated;
    char message[MESSAGE_MAX];
};

/* One easy handle and the request that it carries. */
struct transfer {
    CURL *easy;
    struct iptfhir_http *http;
    struct slot *slot;
    size_t index;    /* of the request */
    unsigned starts; /* how often the request was about to be written */
    bool repeatable;
    struct curl_slist lines[HEADERS_MAX];
    char request_id[64];
    char curl_error[CURL_ERROR_SIZE];
    struct str url;
};

struct iptfhir_http {
    CURLM *multi;
    struct transfer *transfers;
    size_t parallel;
    struct transfer **idle;
    size_t idle_count;
    struct slot **slots;
    size_t slot_count;
    size_t max_body;
    char *base, *ca_file;
    char *host;   /* as the certificate must name it: without brackets and final dot */
    char *server; /* host:port, for messages */
    char run[17]; /* prefix of request ids */
    uint64_t sent;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

/* Initialises libcurl, once in a process. */
static void start_curl(void) {
    tls_forget_key_log();
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Tells whether a host name is of this machine by its form. */
static bool is_loopback(const char *host) {
    unsigned a, b, c, d;
    char rest;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127;
}

/* Takes a part of a parsed address; NULL when it has none. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags) {
    char *value = NULL;
    return curl_url_get(url, part, &value, flags) == CURLUE_OK ? value : NULL;
}

/* Keeps the host's name for certificates, and host and port for messages; false when memory is out.
 */
static bool name_server(struct iptfhir_http *http, const char *host, const char *port) {
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    if (bracketed)
        http->host = strndup(host + 1, length - 2);
    else if (length > 1 && host[length - 1] == '.')
        http->host = strndup(host, length - 1);
    else
        http->host = strdup(host);
    if (http->host == NULL)
        return false;
    if (asprintf(&http->server, "%s:%s", host, port) < 0)
        http->server = NULL;
    return http->server != NULL;
}

/* Checks scheme, host and what must not be in an address, and names the server for messages. */
static bool check_url(struct iptfhir_http *http, const struct iptfhir_http_settings *settings,
                      struct iptfhir_error *error) {
    bool good = false;
    const char *text = settings->base_url != NULL ? settings->base_url : "";
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL, *query = NULL, *fragment = NULL;
    if (url == NULL || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        error_set(error, "net-url", "url",
                  "this is not an address: expected https://host[:port]/path");
        goto out;
    }
    scheme = url_part(url, CURLUPART_SCHEME, 0);
    host = url_part(url, CURLUPART_HOST, 0);
    port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    user = url_part(url, CURLUPART_USER, 0);
    query = url_part(url, CURLUPART_QUERY, 0);
    fragment = url_part(url, CURLUPART_FRAGMENT, 0);
    if (scheme == NULL || host == NULL || port == NULL) {
        error_set(error, "net-url", "url",
                  "this is not an address: expected https://host[:port]/path");
    } else if (user != NULL || query != NULL || fragment != NULL) {
        error_set(error, "net-url", "url",
                  "the address of a server has no user name, query or fragment: expected "
                  "https://host[:port]/path");
    } else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) {
        error_set(error, "net-url", "url",
                  "%.16s: is not spoken here: the address must begin with https://", scheme);
    } else if (strcmp(scheme, "http") == 0 && !settings->insecure_loopback) {
        error_set(error, "net-url", "url",
                  "plain http to %.200s is refused: use https:// (for a test on this machine only: "
                  "insecure_loopback: true)",
                  host);
    } else if (strcmp(scheme, "http") == 0 && !is_loopback(host)) {
        error_set(error, "net-url", "url",
                  "plain http to %.200s is refused: insecure_loopback is for localhost, 127.x.x.x "
                  "and [::1] only",
                  host);
    } else if (!name_server(http, host, port)) {
        error_set(error, "net-memory", NULL, "memory ran out");
    } else {
        good = true;
    }
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_free(query);
    curl_free(fragment);
    curl_url_cleanup(url);
    return good;
}

/* Counts the starts of a transfer and stops a second one of what may have changed something. */
static int on_start(void *user, char *primary, char *local, int primary_port, int local_port) {
    struct transfer *t = user;
    (void)primary, (void)local, (void)primary_port, (void)local_port;
    if (++t->starts > 1 && !t->repeatable)
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
    slot->has[header] = length > 0 && length < VALUE_MAX;
    if (!slot->has[header])
        return;
    memcpy(slot->values[header], from, length);
    slot->values[header][length] = '\0';
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
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        size_t n = header_names[i].length;
        if (length > n && strncasecmp(line, header_names[i].name, n) == 0) {
            keep_value(slot, i, line + n, line + length);
            break;
        }
    }
    return length;
}

/* Collects the body up to the limit, then stops the transfer. */
static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
    struct transfer *t = user;
    size_t length = size * count, room = t->http->max_body - t->slot->body.length;
    if (length > room) {
        str_add(&t->slot->body, bytes, room);
        t->slot->truncated = true;
        return 0;
    }
    str_add(&t->slot->body, bytes, length);
    return t->slot->body.failed ? 0 : length;
}

/* Sets what may be spoken: https, and http for the loopback case that check_url let through. */
static CURLcode set_protocols(CURL *easy, bool plain) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http,https" : "https");
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                            (long)(CURLPROTO_HTTPS | (plain ? CURLPROTO_HTTP : 0)));
#endif
}

/* Sets what stays the same for every request of an easy handle. */
static bool set_up(struct transfer *t, const struct iptfhir_http_settings *s,
                   struct iptfhir_http *http) {
    CURL *e = t->easy;
    long total = s->timeout_ms > 0 ? (long)s->timeout_ms : 60000;
    long connect = s->connect_timeout_ms > 0 ? (long)s->connect_timeout_ms : 10000;
    long stalled = total / 1000 * 3 / 4 > 10 ? total / 1000 * 3 / 4 : 10;
    bool plain = strncasecmp(http->base, "http:", 5) == 0;
    CURLcode bad = set_protocols(e, plain);
    if (bad == CURLE_OK)
        bad = tls_set_up(e, http->host, http->ca_file);
#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(e, option, value)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->curl_error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, (long)KEEP_SECONDS);
    SET(CURLOPT_PIPEWAIT, 1L);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, 16384L); /* a record of TLS; of it each connection has one */
    SET(CURLOPT_TIMEOUT_MS, total);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, stalled);
    SET(CURLOPT_USERAGENT, "iptfhir/" IPTFHIR_VERSION);
    SET(CURLOPT_PREREQFUNCTION, on_start);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
#undef SET
    str_puts(&t->url, http->base);
    t->http = http;
    return bad == CURLE_OK && !t->url.failed;
}

/* How many connections are wanted, within bounds. */
static size_t parallel_of(const struct iptfhir_http_settings *s) {
    if (s->parallel < 1)
        return 1;
    return s->parallel > PARALLEL_MAX ? PARALLEL_MAX : (size_t)s->parallel;
}

/* Copies the texts of the settings, and makes the prefix of request ids; false when memory is out.
 */
static bool copy_settings(struct iptfhir_http *http, const struct iptfhir_http_settings *s) {
    unsigned char run[8];
    http->max_body = s->max_body > 0 ? (size_t)s->max_body : 4u << 20;
    http->base = strdup(s->base_url);
    if (http->base == NULL || !crypt_random(run, sizeof run))
        return false;
    for (size_t n = strlen(http->base); n > 0 && http->base[n - 1] == '/'; n--)
        http->base[n - 1] = '\0';
    for (size_t i = 0; i < sizeof run; i++)
        (void)snprintf(http->run + 2 * i, 3, "%02x", (unsigned)run[i]);
    if (s->ca_file == NULL)
        return true;
    http->ca_file = strdup(s->ca_file);
    return http->ca_file != NULL;
}

/* Makes the pool's memory and handles. */
static bool make_pool(struct iptfhir_http *http, const struct iptfhir_http_settings *s) {
    if (!copy_settings(http, s))
        return false;
    http->parallel = parallel_of(s);
    http->transfers = calloc(http->parallel, sizeof *http->transfers);
    http->idle = calloc(http->parallel, sizeof(struct transfer *));
    http->multi = curl_multi_init();
    if (http->transfers == NULL || http->idle == NULL || http->multi == NULL)
        return false;
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)http->parallel);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)http->parallel + 1);
    (void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    for (size_t i = 0; i < http->parallel; i++) {
        struct transfer *t = &http->transfers[i];
        t->easy = curl_easy_init();
        if (t->easy == NULL || !set_up(t, s, http))
            return false;
        http->idle[http->idle_count++] = t;
    }
    return true;
}

struct iptfhir_http *net_http_open(const struct iptfhir_http_settings *settings,
                                   struct iptfhir_error *error) {
    (void)pthread_once(&curl_once, start_curl);
    struct iptfhir_http *http = calloc(1, sizeof *http);
    if (http == NULL || curl_ready != CURLE_OK) {
        error_set(error, "net-memory", NULL, "the HTTP library could not be started");
        free(http);
        return NULL;
    }
    if (!tls_check_library(error) || !check_url(http, settings, error) ||
        (settings->ca_file != NULL && !tls_check_ca(settings->ca_file, error))) {
        net_http_close(http);
        return NULL;
    }
    if (!make_pool(http, settings)) {
        error_set(error, "net-memory", NULL, "memory ran out while the HTTP client was made");
        net_http_close(http);
        return NULL;
    }
    return http;
}

void net_http_close(struct iptfhir_http *http) {
    if (http == NULL)
        return;
    for (size_t i = 0; http->transfers != NULL && i < http->parallel; i++) {
        curl_easy_cleanup(http->transfers[i].easy);
        str_free(&http->transfers[i].url);
    }
    if (http->multi != NULL)
        (void)curl_multi_cleanup(http->multi);
    for (size_t i = 0; i < http->slot_count; i++) {
        str_free(&http->slots[i]->body);
        free(http->slots[i]);
    }
    free(http->slots);
    free(http->idle);
    free(http->transfers);
    free(http->base);
    free(http->ca_file);
    free(http->host);
    free(http->server);
    free(http);
}

/* Tells whether a text can stand in a request: no control characters, and no blanks in a path. */
static bool is_clean(const char *text, bool path) {
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f || (path && (*p == ' ' || *p == '#' || *p > 0x7f)))
            return false;
    return true;
}

/* Refuses a malformed request before any of the call is sent. */
static bool check_request(const struct iptfhir_http_request *r, struct iptfhir_error *error) {
    size_t headers = 0;
    bool good = r->method != NULL && r->path != NULL && is_clean(r->method, true) &&
                is_clean(r->path, true) &&
                (r->path[0] == '\0' || r->path[0] == '/' || r->path[0] == '?');
    for (const char *const *h = r->headers; good && h != NULL && *h != NULL; h++)
        good = is_clean(*h, false) && strchr(*h, ':') != NULL && ++headers <= HEADERS_MAX - 4;
    if (!good)
        return error_set(error, "net-request", NULL,
                         "a request is malformed: path URL-encoded and beginning with '/', headers "
                         "\"Name: value\" of "
                         "one line, at most %d",
                         HEADERS_MAX - 4);
    return true;
}

/* Tells whether sending a request twice does the same as once. */
static bool is_repeatable(const struct iptfhir_http_request *r) {
    size_t n = strlen(r->path);
    if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0)
        return true;
    return strcmp(r->method, "POST") == 0 && n >= 8 && strcmp(r->path + n - 8, "/_search") == 0;
}

/* Sets the header lines; the list lives in the transfer, so nothing is allocated. */
static void set_headers(struct transfer *t, const struct iptfhir_http_request *r) {
    static char no_expect[] = "Expect:";
    size_t n = 0;
    (void)snprintf(t->request_id, sizeof t->request_id, "X-Request-Id: %s-%" PRIx64, t->http->run,
                   ++t->http->sent);
    t->lines[n++].data = t->request_id;
    t->lines[n++].data = no_expect;
    for (const char *const *h = r->headers; h != NULL && *h != NULL; h++)
        t->lines[n++].data = (char *)(uintptr_t)*h;
    for (size_t i = 0; i < n; i++)
        t->lines[i].next = i + 1 < n ? &t->lines[i + 1] : NULL;
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines);
}

/* Puts a request on an idle transfer and starts it; false when libcurl has no memory for it. */
static bool start(struct iptfhir_http *http, struct transfer *t,
                  const struct iptfhir_http_request *r, size_t index) {
    CURL *e = t->easy;
    bool get = strcmp(r->method, "GET") == 0, post = strcmp(r->method, "POST") == 0;
    size_t length = r->body != NULL ? r->body_length : 0;
    t->slot = http->slots[index];
    t->index = index;
    t->starts = 0;
    t->repeatable = is_repeatable(r);
    t->curl_error[0] = '\0';
    t->url.length = strlen(http->base);
    str_puts(&t->url, r->path);
    if (t->url.failed || curl_easy_setopt(e, CURLOPT_URL, t->url.data) != CURLE_OK)
        return false;
    if (get || r->body == NULL) {
        (void)curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        (void)curl_easy_setopt(e, CURLOPT_NOBODY, (long)(strcmp(r->method, "HEAD") == 0));
    }
    if (!get && (r->body != NULL || post)) {
        (void)curl_easy_setopt(e, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body != NULL ? r->body : "");
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    }
    if (curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, get || post ? NULL : r->method) != CURLE_OK)
        return false;
    (void)curl_easy_setopt(
        e, CURLOPT_HTTP_VERSION,
        (long)(length > LARGE_BODY ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    set_headers(t, r);
    return curl_multi_add_handle(http->multi, e) == CURLM_OK;
}

/* Tells whether the answer is complete though the HTTP/2 stream was reset: a server that has
 * answered may refuse the rest of the request so (RFC 9113 section 8.1), and the client keeps the
 * answer. */
static bool is_whole(const struct transfer *t, CURLcode result) {
    curl_off_t announced = -1;
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    return result == CURLE_HTTP2_STREAM && announced >= 0 &&
           (size_t)announced == t->slot->body.length;
}

/* Makes the response of a transfer that has ended. */
static void finish(struct iptfhir_http *http, struct transfer *t, CURLcode result,
                   struct iptfhir_http_response *out) {
    struct slot *slot = t->slot;
    bool complete = result == CURLE_OK || (result == CURLE_WRITE_ERROR && slot->truncated) ||
                    is_whole(t, result);
    long status = 0, verify = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->slot = NULL;
    out->size = sizeof *out;
    out->status = (int)status;
    out->body = slot->body.length > 0 ? slot->body.data : "";
    out->body_length = slot->body.length;
    out->truncated = slot->truncated;
    out->etag = slot->has[HEADER_ETAG] ? slot->values[HEADER_ETAG] : NULL;
    out->location = slot->has[HEADER_LOCATION] ? slot->values[HEADER_LOCATION] : NULL;
    out->retry_after = slot->has[HEADER_RETRY_AFTER] ? slot->values[HEADER_RETRY_AFTER] : NULL;
    out->content_type = slot->has[HEADER_CONTENT_TYPE] ? slot->values[HEADER_CONTENT_TYPE] : NULL;
    out->date = slot->has[HEADER_DATE] ? slot->values[HEADER_DATE] : NULL;
    out->error = NULL;
    out->outcome = IPTFHIR_HTTP_ANSWERED;
    if (complete && status >= 200)
        return;
    out->outcome = t->starts == 0 ? IPTFHIR_HTTP_NOT_SENT : IPTFHIR_HTTP_LOST;
    (void)curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
    tls_explain(result == CURLE_OK ? CURLE_WEIRD_SERVER_REPLY : result, verify, t->curl_error,
                http->server, http->ca_file, slot->message, sizeof slot->message);
    out->error = slot->message;
}

/* Makes an answer slot for each request of a call. */
static bool make_slots(struct iptfhir_http *http, size_t count) {
    if (count > http->slot_count) {
        struct slot **more = realloc(http->slots, count * sizeof *more);
        if (more == NULL)
            return false;
        http->slots = more;
    }
    while (http->slot_count < count) {
        struct slot *slot = malloc(sizeof *slot);
        if (slot == NULL)
            return false;
        memset(&slot->body, 0, sizeof slot->body);
        http->slots[http->slot_count++] = slot;
    }
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = http->slots[i];
        if (slot->body.failed || slot->body.capacity > 256u * 1024)
            str_free(&slot->body);
        slot->body.failed = false;
        str_clear(&slot->body);
        memset(slot->has, 0, sizeof slot->has);
        slot->truncated = false;
    }
    return true;
}

/* Takes finished transfers off the pool; returns how many. */
static size_t collect(struct iptfhir_http *http, struct iptfhir_http_response *responses) {
    size_t done = 0;
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(http->multi, &left)) != NULL;) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode result = m->data.result;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        (void)curl_multi_remove_handle(http->multi, t->easy);
        finish(http, t, result, &responses[t->index]);
        http->idle[http->idle_count++] = t;
        done++;
    }
    return done;
}

/* Ends whatever is under way after the pool itself failed: nobody knows what the server took. */
static size_t abandon(struct iptfhir_http *http, struct iptfhir_http_response *responses) {
    size_t done = 0;
    for (size_t i = 0; i < http->parallel; i++) {
        struct transfer *t = &http->transfers[i];
        if (t->slot == NULL)
            continue;
        (void)curl_multi_remove_handle(http->multi, t->easy);
        finish(http, t, CURLE_RECV_ERROR, &responses[t->index]);
        http->idle[http->idle_count++] = t;
        done++;
    }
    return done;
}

/* Says that a request of the call never left, because libcurl could not take it. */
static void refuse(struct iptfhir_http *http, size_t index, struct iptfhir_http_response *out) {
    *out = (struct iptfhir_http_response) { .size = sizeof *out,
                                            .outcome = IPTFHIR_HTTP_NOT_SENT,
                                            .body = "",
                                            .error = http->slots[index]->message };
    (void)snprintf(http->slots[index]->message, MESSAGE_MAX,
                   "the request to %s could not be started: memory ran out", http->server);
}

iptfhir_status net_http(struct iptfhir_http *http, const struct iptfhir_http_request *requests,
                        size_t count, struct iptfhir_http_response *responses,
                        struct iptfhir_error *error) {
    for (size_t i = 0; i < count; i++)
        if (!check_request(&requests[i], error))
            return IPTFHIR_FATAL;
    if (!make_slots(http, count)) {
        error_set(error, "net-memory", NULL, "memory ran out before a request was sent");
        return IPTFHIR_FATAL;
    }
    for (size_t next = 0, done = 0; done < count;) {
        while (next < count && http->idle_count > 0) {
            struct transfer *t = http->idle[--http->idle_count];
            if (start(http, t, &requests[next], next)) {
                next++;
                continue;
            }
            refuse(http, next, &responses[next]);
            t->slot = NULL;
            http->idle[http->idle_count++] = t;
            next++;
            done++;
        }
        int running = 0;
        CURLMcode code = curl_multi_perform(http->multi, &running);
        size_t ended = collect(http, responses);
        if (code != CURLM_OK)
            ended += abandon(http, responses);
        done += ended;
        if (ended == 0 && done < count)
            (void)curl_multi_poll(http->multi, NULL, 0, 1000, NULL);
    }
    return IPTFHIR_OK;
}
