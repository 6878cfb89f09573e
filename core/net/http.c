/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client over libcurl's multi interface: a pool of transfers to one server, and the
 * requests of a call on it. */
#include "core/net/http.h"

#include "core/base/crypt.h"
#include "core/base/error.h"
#include "core/net/tls.h"
#include "core/net/transfer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL_MAX 64 /* connections */
#define USUAL_TIMEOUT_MS 60000
#define USUAL_CONNECT_MS 10000
#define USUAL_MAX_BODY (4u << 20)
#define POLL_MS 1000

struct iptfhir_http {
    CURLM *multi;
    struct transfer_settings settings;
    struct transfer *transfers;
    size_t parallel;
    struct transfer **idle;
    size_t idle_count;
    struct slot **slots;
    size_t slot_count;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

/* Initialises libcurl, once in a process. */
static void start_curl(void) {
    tls_forget_key_log();
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- opening and closing ---- */

/* How many connections are wanted, within bounds. */
static size_t parallel_of(const struct iptfhir_http_settings *s) {
    if (s->parallel < 1)
        return 1;
    return s->parallel > PARALLEL_MAX ? PARALLEL_MAX : (size_t)s->parallel;
}

/* Makes the prefix of request ids; false when there is no randomness. */
static bool make_run(char run[17]) {
    unsigned char bytes[8];
    if (!crypt_random(bytes, sizeof bytes))
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(run + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    return true;
}

/* A copy of an address without the slashes at its end. */
static char *without_slashes(const char *url) {
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    return strndup(url, length);
}

/* Copies the settings; false when memory is out. */
static bool copy_settings(struct transfer_settings *to, const struct iptfhir_http_settings *s) {
    to->max_body = s->max_body > 0 ? (size_t)s->max_body : USUAL_MAX_BODY;
    to->timeout_ms = s->timeout_ms > 0 ? (long)s->timeout_ms : USUAL_TIMEOUT_MS;
    to->connect_timeout_ms =
        s->connect_timeout_ms > 0 ? (long)s->connect_timeout_ms : USUAL_CONNECT_MS;
    to->base = without_slashes(s->base_url);
    if (to->base == NULL || !make_run(to->run))
        return false;
    if (s->ca_file == NULL)
        return true;
    to->ca_file = strdup(s->ca_file);
    return to->ca_file != NULL;
}

/* Sets how libcurl shares connections. */
static void set_limits(CURLM *multi, size_t parallel) {
    (void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)parallel);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)parallel + 1);
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
}

/* Makes the pool's memory and handles. */
static bool make_pool(struct iptfhir_http *http, const struct iptfhir_http_settings *s) {
    if (!copy_settings(&http->settings, s))
        return false;
    http->parallel = parallel_of(s);
    http->transfers = calloc(http->parallel, sizeof *http->transfers);
    http->idle = calloc(http->parallel, sizeof(struct transfer *));
    http->multi = curl_multi_init();
    if (http->transfers == NULL || http->idle == NULL || http->multi == NULL)
        return false;
    set_limits(http->multi, http->parallel);
    for (size_t i = 0; i < http->parallel; i++) {
        struct transfer *t = &http->transfers[i];
        if (!transfer_open(t, &http->settings))
            return false;
        http->idle[http->idle_count++] = t;
    }
    return true;
}

/* Checks what can be used before anything is made: the library, the address, the CA file. */
static bool check_settings(struct iptfhir_http *http, const struct iptfhir_http_settings *settings,
                           struct iptfhir_error *error) {
    if (!tls_check_library(error))
        return false;
    if (!address_read(&http->settings.address, settings, error))
        return false;
    return settings->ca_file == NULL || tls_check_ca(settings->ca_file, error);
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
    bool usable = check_settings(http, settings, error);
    if (usable && make_pool(http, settings))
        return http;
    if (usable)
        error_set(error, "net-memory", NULL, "memory ran out while the HTTP client was made");
    net_http_close(http);
    return NULL;
}

/* Closes the connections. */
static void close_transfers(struct iptfhir_http *http) {
    if (http->transfers != NULL)
        for (size_t i = 0; i < http->parallel; i++)
            transfer_close(&http->transfers[i]);
    if (http->multi != NULL)
        (void)curl_multi_cleanup(http->multi);
    free(http->idle);
    free(http->transfers);
}

void net_http_close(struct iptfhir_http *http) {
    if (http == NULL)
        return;
    close_transfers(http);
    for (size_t i = 0; i < http->slot_count; i++) {
        str_free(&http->slots[i]->body);
        free(http->slots[i]);
    }
    free(http->slots);
    free(http->settings.base);
    free(http->settings.ca_file);
    address_free(&http->settings.address);
    free(http);
}

/* ---- checking requests ---- */

/* Tells whether a text has no control characters. */
static bool is_line(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    while (*p >= 0x20 && *p != 0x7f)
        p++;
    return *p == '\0';
}

/* Tells whether a text is URL-encoded: no blanks, no fragment, ASCII only. */
static bool is_encoded(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    while (*p > ' ' && *p < 0x7f && *p != '#')
        p++;
    return *p == '\0';
}

/* Tells whether a path can stand behind the address. */
static bool is_path(const char *path) {
    return (path[0] == '\0' || path[0] == '/' || path[0] == '?') && is_encoded(path);
}

/* Tells whether the headers are lines of the form "Name: value", and not too many. */
static bool are_headers(const char *const *headers) {
    size_t count = 0;
    if (headers == NULL)
        return true;
    while (headers[count] != NULL) {
        const char *h = headers[count++];
        if (!is_line(h) || strchr(h, ':') == NULL)
            return false;
    }
    return count <= TRANSFER_HEADERS - TRANSFER_OWN_HEADERS;
}

/* Refuses a malformed request before any of the call is sent. */
static bool check_request(const struct iptfhir_http_request *r, struct iptfhir_error *error) {
    bool complete = r->method != NULL && r->path != NULL;
    if (complete && is_encoded(r->method) && is_path(r->path) && are_headers(r->headers))
        return true;
    return error_set(error, "net-request", NULL,
                     "a request is malformed: path URL-encoded and beginning with '/', headers "
                     "\"Name: value\" of one line, at most %d",
                     TRANSFER_HEADERS - TRANSFER_OWN_HEADERS);
}

/* ---- answers ---- */

/* Adds an empty slot to those that there are. */
static bool add_slot(struct iptfhir_http *http) {
    struct slot *slot = malloc(sizeof *slot);
    if (slot == NULL)
        return false;
    memset(&slot->body, 0, sizeof slot->body);
    http->slots[http->slot_count++] = slot;
    return true;
}

/* Makes an answer slot for each request of a call. */
static bool make_slots(struct iptfhir_http *http, size_t count) {
    if (count > http->slot_count) {
        struct slot **more = realloc(http->slots, count * sizeof *more);
        if (more == NULL)
            return false;
        http->slots = more;
    }
    while (http->slot_count < count)
        if (!add_slot(http))
            return false;
    for (size_t i = 0; i < count; i++)
        slot_clear(http->slots[i]);
    return true;
}

/* ---- the pool ---- */

/* Takes a transfer off the pool, with its response. */
static void take_off(struct iptfhir_http *http, struct transfer *t, CURLcode result,
                     struct iptfhir_http_response *responses) {
    (void)curl_multi_remove_handle(http->multi, t->easy);
    transfer_end(t, result, &responses[t->index]);
    http->idle[http->idle_count++] = t;
}

/* Takes finished transfers off the pool; returns how many. */
static size_t collect(struct iptfhir_http *http, struct iptfhir_http_response *responses) {
    size_t done = 0;
    int left = 0;
    CURLMsg *m = curl_multi_info_read(http->multi, &left);
    for (; m != NULL; m = curl_multi_info_read(http->multi, &left)) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode result = m->data.result;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        take_off(http, t, result, responses);
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
        take_off(http, t, CURLE_RECV_ERROR, responses);
        done++;
    }
    return done;
}

/* Starts a request on an idle transfer; false, with its response, when that can't be done. */
static bool start(struct iptfhir_http *http, const struct iptfhir_http_request *request,
                  size_t index, struct iptfhir_http_response *out) {
    struct transfer *t = http->idle[http->idle_count - 1];
    struct slot *slot = http->slots[index];
    bool begun = transfer_begin(t, request, index, slot);
    if (begun && curl_multi_add_handle(http->multi, t->easy) == CURLM_OK) {
        http->idle_count--;
        return true;
    }
    transfer_refuse(&http->settings, slot, out);
    t->slot = NULL;
    return false;
}

/* Lets the transfers go on; returns how many have ended. */
static size_t perform(struct iptfhir_http *http, struct iptfhir_http_response *responses) {
    int running = 0;
    CURLMcode code = curl_multi_perform(http->multi, &running);
    size_t ended = collect(http, responses);
    if (code != CURLM_OK)
        ended += abandon(http, responses);
    return ended;
}

iptfhir_status net_http(struct iptfhir_http *http, const struct iptfhir_http_request *requests,
                        size_t count, struct iptfhir_http_response *responses,
                        struct iptfhir_error *error) {
    size_t next = 0;
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        if (!check_request(&requests[i], error))
            return IPTFHIR_FATAL;
    if (!make_slots(http, count)) {
        error_set(error, "net-memory", NULL, "memory ran out before a request was sent");
        return IPTFHIR_FATAL;
    }
    while (done < count) {
        for (; next < count && http->idle_count > 0; next++)
            if (!start(http, &requests[next], next, &responses[next]))
                done++;
        size_t ended = perform(http, responses);
        done += ended;
        if (ended == 0 && done < count)
            (void)curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
    }
    return IPTFHIR_OK;
}
