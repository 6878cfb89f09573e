/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a server on a plain loopback socket that misbehaves on demand; TLS has
 * its scenarios in tests/. */
#include "core/net/http.h"
#include "core/net/tls.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum manner {
    ANSWERS,
    CLOSES_UNANSWERED,
    CLOSES_IN_THE_BODY,
    REFUSES_EARLY,
    HANGS,
    HANGS_AFTER_THE_STATUS,
    FLOODS,
    CLOSES_AFTER_THE_FIRST,
    REDIRECTS,
    BABBLES,
    TAKES_ITS_TIME
};

static struct {
    enum manner manner;
    int listener, port;
    pthread_t thread;
    atomic_int requests, connections;
    char last[4096]; /* the head of the last request: see last_lock */
    bool stopped;
} server;
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER; /* connections have threads */

static struct iptfhir_error error;

/* Sends a text, whole or not at all. */
static void say(int fd, const char *text) {
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t wrote = send(fd, text, n, MSG_NOSIGNAL);
        if (wrote <= 0)
            return;
        text += wrote;
        n -= (size_t)wrote;
    }
}

/* Reads the head of a request; false at the end of the connection, or when it begins like TLS. */
static bool read_head(int fd, char *head, size_t size) {
    size_t n = 0;
    while (n + 1 < size && recv(fd, head + n, 1, 0) == 1) {
        head[++n] = '\0';
        if (head[0] == 0x16) {
            say(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return false;
        }
        if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

/* Reads the body that a head announces. */
static void read_body(int fd, const char *head) {
    const char *field = strcasestr(head, "content-length:");
    size_t left = field != NULL ? strtoul(field + 15, NULL, 10) : 0;
    char bytes[4096];
    while (left > 0) {
        ssize_t got = recv(fd, bytes, left < sizeof bytes ? left : sizeof bytes, 0);
        if (got <= 0)
            return;
        left -= (size_t)got;
    }
}

/* Lets time pass. */
static void wait_ms(long ms) {
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

/* Waits until the client has gone. */
static void drain(int fd) {
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
}

#define CREATED_ANSWER                                                                             \
    "HTTP/1.1 201 Created\r\neTag: W/\"7\"\r\nLocation: "                                          \
    "http://localhost/Observation/abc/_history/7\r\n"                                              \
    "Retry-After: 3 \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: "                     \
    "application/fhir+json\r\nContent-Length: 2\r\n\r\n{}"

/* Sends far more than anybody wants. */
static void flood(int fd) {
    char block[4097];
    memset(block, 'x', 4096);
    block[4096] = '\0';
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    for (int i = 0; i < 2000; i++)
        say(fd, block);
}

/* Answers one request in the server's manner; false when the connection is to be closed. */
static bool answer(int fd, const char *head, int nth) {
    if (server.manner != REFUSES_EARLY)
        read_body(fd, head);
    switch (server.manner) {
    case CLOSES_UNANSWERED: return false;
    case CLOSES_IN_THE_BODY:
        say(fd, "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"half\":");
        return false;
    case REFUSES_EARLY:
        say(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        wait_ms(50);
        return false;
    case HANGS: drain(fd); return false;
    case HANGS_AFTER_THE_STATUS:
        say(fd, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 10\r\n\r\n");
        drain(fd);
        return false;
    case FLOODS: flood(fd); return false;
    case CLOSES_AFTER_THE_FIRST:
        if (nth > 0)
            return false;
        break;
    case REDIRECTS:
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        return true;
    case BABBLES: say(fd, "hello, this is not HTTP at all\r\n\r\n"); return false;
    case TAKES_ITS_TIME: wait_ms(200); break;
    case ANSWERS: break;
    }
    say(fd, CREATED_ANSWER);
    return true;
}

/* Serves one connection. */
static void *serve(void *user) {
    int fd = (int)(intptr_t)user;
    char head[4096];
    for (int nth = 0; read_head(fd, head, sizeof head); nth++) {
        pthread_mutex_lock(&last_lock);
        memcpy(server.last, head, sizeof head);
        pthread_mutex_unlock(&last_lock);
        atomic_fetch_add(&server.requests, 1);
        if (!answer(fd, head, nth))
            break;
    }
    close(fd);
    return NULL;
}

/* Accepts connections until the listener is shut down. */
static void *listen_on(void *user) {
    (void)user;
    for (int fd; (fd = accept(server.listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        atomic_fetch_add(&server.connections, 1);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

static void start_server(enum manner manner) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    memset(&server, 0, sizeof server);
    memset(&error, 0, sizeof error);
    server.manner = manner;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&a, n), 0);
    ck_assert_int_eq(listen(server.listener, 64), 0);
    ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&a, &n), 0);
    server.port = ntohs(a.sin_port);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, listen_on, NULL), 0);
}

static void stop_server(void) {
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
}

/* Opens a client for the server; `scheme` is http or https. */
static struct iptfhir_http *open_client(const char *scheme, int64_t timeout_ms, int64_t max_body,
                                        int64_t parallel) {
    static char url[64];
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%d/fhir/", scheme, server.port);
    struct iptfhir_http_settings s = { .size = sizeof s,
                                       .base_url = url,
                                       .insecure_loopback = true,
                                       .timeout_ms = timeout_ms,
                                       .connect_timeout_ms = 1000,
                                       .max_body = max_body,
                                       .parallel = parallel };
    struct iptfhir_http *http = net_http_open(&s, &error);
    ck_assert_msg(http != NULL, "%s", error.text);
    return http;
}

/* Sends one request and returns its response. */
static struct iptfhir_http_response send_one(struct iptfhir_http *http, const char *method,
                                             const char *path, const char *body) {
    static const char *const headers[] = { "Content-Type: application/fhir+json", NULL };
    struct iptfhir_http_request q = { sizeof q, method, path,
                                      headers,  body,   body != NULL ? strlen(body) : 0 };
    struct iptfhir_http_response r = { 0 };
    ck_assert_int_eq(net_http(http, &q, 1, &r, &error), IPTFHIR_OK);
    return r;
}

START_TEST(an_answer_comes_with_its_headers_and_the_request_names_itself) {
    start_server(ANSWERS);
    struct iptfhir_http *http = open_client("http", 2000, 1000, 1);
    struct iptfhir_http_response r = send_one(http, "PUT", "/Observation/abc", "{}");
    ck_assert_int_eq(r.outcome, IPTFHIR_HTTP_ANSWERED);
    ck_assert_int_eq(r.status, 201);
    ck_assert_str_eq(r.etag, "W/\"7\"");
    ck_assert_str_eq(r.location, "http://localhost/Observation/abc/_history/7");
    ck_assert_str_eq(r.retry_after, "3");
    ck_assert_str_eq(r.date, "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_str_eq(r.content_type, "application/fhir+json");
    ck_assert_str_eq(r.body, "{}");
    ck_assert_ptr_nonnull(strstr(server.last, "PUT /fhir/Observation/abc HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(server.last, "User-Agent: iptfhir/"));
    ck_assert_ptr_nonnull(strstr(server.last, "X-Request-Id: "));
    ck_assert_ptr_null(strcasestr(server.last, "Cookie"));
    (void)send_one(http, "GET", "/metadata", NULL);
    ck_assert_ptr_nonnull(strstr(server.last, "GET /fhir/metadata HTTP/1.1\r\n"));
    ck_assert_ptr_null(strcasestr(server.last, "Content-Length"));
    (void)send_one(http, "POST", "", "{}");
    ck_assert_ptr_nonnull(strstr(server.last, "POST /fhir HTTP/1.1\r\n"));
    ck_assert_int_eq(server.connections, 1);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(a_refused_connection_is_not_sent) {
    start_server(ANSWERS);
    stop_server();
    struct iptfhir_http *http = open_client("http", 2000, 1000, 1);
    struct iptfhir_http_response r = send_one(http, "POST", "/Goal", "{}");
    ck_assert_int_eq(r.outcome, IPTFHIR_HTTP_NOT_SENT);
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.error, "cannot be reached"));
    net_http_close(http);
}
END_TEST

/* The manner of the server, and what a POST must come to. */
static const struct {
    enum manner manner;
    iptfhir_http_outcome outcome;
    int status;
    const char *message;
} lost_cases[] = {
    { CLOSES_UNANSWERED, IPTFHIR_HTTP_LOST, 0, "without an answer" },
    { CLOSES_IN_THE_BODY, IPTFHIR_HTTP_LOST, 201, "in the middle" },
    { HANGS, IPTFHIR_HTTP_LOST, 0, "too long" },
    { HANGS_AFTER_THE_STATUS, IPTFHIR_HTTP_LOST, 429, "too long" },
    { BABBLES, IPTFHIR_HTTP_LOST, 0, "HTTP" },
};

START_TEST(an_incomplete_answer_is_lost_and_keeps_the_status_that_came) {
    start_server(lost_cases[_i].manner);
    struct iptfhir_http *http = open_client("http", 400, 1000, 1);
    struct iptfhir_http_response r = send_one(http, "POST", "/Goal", "{}");
    ck_assert_int_eq(r.outcome, lost_cases[_i].outcome);
    ck_assert_int_eq(r.status, lost_cases[_i].status);
    ck_assert_msg(strstr(r.error, lost_cases[_i].message) != NULL, "%s", r.error);
    ck_assert_int_eq(server.requests, 1);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(an_early_refusal_of_a_large_body_ends_in_time_with_its_status) {
    size_t n = 8u << 20;
    char *body = malloc(n + 1);
    ck_assert_ptr_nonnull(body);
    memset(body, ' ', n);
    body[n] = '\0';
    start_server(REFUSES_EARLY);
    struct iptfhir_http *http = open_client("http", 3000, 1000, 1);
    time_t before = time(NULL);
    struct iptfhir_http_response r = send_one(http, "POST", "/", body);
    ck_assert_int_ne(r.outcome, IPTFHIR_HTTP_NOT_SENT);
    ck_assert(r.outcome == IPTFHIR_HTTP_LOST || r.status == 413);
    ck_assert_int_le(time(NULL) - before, 4);
    ck_assert_int_eq(server.requests, 1);
    net_http_close(http);
    stop_server();
    free(body);
}
END_TEST

START_TEST(a_body_without_end_is_cut_at_the_limit) {
    start_server(FLOODS);
    struct iptfhir_http *http = open_client("http", 3000, 5000, 1);
    struct iptfhir_http_response r = send_one(http, "GET", "/Patient", NULL);
    ck_assert_int_eq(r.outcome, IPTFHIR_HTTP_ANSWERED);
    ck_assert_int_eq(r.status, 200);
    ck_assert(r.truncated);
    ck_assert_uint_eq(r.body_length, 5000);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(a_write_is_never_sent_twice_when_a_kept_connection_dies) {
    start_server(CLOSES_AFTER_THE_FIRST);
    struct iptfhir_http *http = open_client("http", 2000, 1000, 1);
    ck_assert_int_eq(send_one(http, "POST", "/Goal", "{}").outcome, IPTFHIR_HTTP_ANSWERED);
    struct iptfhir_http_response r = send_one(http, "POST", "/Goal", "{}");
    ck_assert_int_eq(r.outcome, IPTFHIR_HTTP_LOST);
    wait_ms(50);
    ck_assert_int_eq(server.requests, 2);
    ck_assert_int_eq(send_one(http, "POST", "/Goal", "{}").outcome, IPTFHIR_HTTP_ANSWERED);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(a_read_may_be_repeated_when_a_kept_connection_dies) {
    start_server(CLOSES_AFTER_THE_FIRST);
    struct iptfhir_http *http = open_client("http", 2000, 1000, 1);
    ck_assert_int_eq(send_one(http, "GET", "/Goal/1", NULL).outcome, IPTFHIR_HTTP_ANSWERED);
    ck_assert_int_eq(send_one(http, "GET", "/Goal/1", NULL).outcome, IPTFHIR_HTTP_ANSWERED);
    struct iptfhir_http_response r = send_one(http, "POST", "/Goal/_search", "identifier=a");
    ck_assert_msg(r.outcome == IPTFHIR_HTTP_ANSWERED, "%s", r.error);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_not_followed) {
    start_server(REDIRECTS);
    struct iptfhir_http *http = open_client("http", 2000, 1000, 1);
    ck_assert_int_eq(send_one(http, "POST", "/Goal", "{}").status, 302);
    ck_assert_int_eq(server.requests, 1);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(a_proxy_of_the_environment_is_ignored) {
    start_server(ANSWERS);
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct iptfhir_http *http = open_client("http", 2000, 1000, 1);
    ck_assert_int_eq(send_one(http, "GET", "/metadata", NULL).outcome, IPTFHIR_HTTP_ANSWERED);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(requests_of_a_call_are_under_way_together_and_keep_their_order) {
    enum { COUNT = 12 };
    struct iptfhir_http_request q[COUNT];
    struct iptfhir_http_response r[COUNT];
    struct timespec a, b;
    start_server(TAKES_ITS_TIME);
    struct iptfhir_http *http = open_client("http", 5000, 1000, 6);
    for (size_t i = 0; i < COUNT; i++)
        q[i] = (struct iptfhir_http_request) { sizeof *q, "POST", "/Goal", NULL, "{}", 2 };
    clock_gettime(CLOCK_MONOTONIC, &a);
    ck_assert_int_eq(net_http(http, q, COUNT, r, &error), IPTFHIR_OK);
    clock_gettime(CLOCK_MONOTONIC, &b);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(r[i].status, 201);
    ck_assert_int_eq(server.requests, COUNT);
    ck_assert_int_le(server.connections, 6);
    ck_assert_int_lt((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000, 1600);
    net_http_close(http);
    stop_server();
}
END_TEST

START_TEST(tls_to_a_plain_port_is_not_sent_and_says_so) {
    start_server(ANSWERS);
    struct iptfhir_http *http = open_client("https", 2000, 1000, 1);
    struct iptfhir_http_response r = send_one(http, "POST", "/Goal", "{}");
    ck_assert_int_eq(r.outcome, IPTFHIR_HTTP_NOT_SENT);
    ck_assert_msg(strstr(r.error, "does not speak TLS") != NULL, "%s", r.error);
    net_http_close(http);
    stop_server();
}
END_TEST

/* Addresses, whether loopback may be plain, and what the refusal says (NULL: taken). */
static const struct {
    const char *url;
    bool insecure;
    const char *refusal;
} addresses[] = {
    { "https://ehr.example/fhir", false, NULL },
    { "http://localhost:8080/fhir", true, NULL },
    { "http://[::1]:8080/fhir", true, NULL },
    { "http://localhost:8080/fhir", false, "plain http" },
    { "http://ehr.example/fhir", true, "localhost" },
    { "http://127.0.0.1.ehr.example/fhir", true, "localhost" },
    { "http://localhost.ehr.example/fhir", true, "localhost" },
    { "ftp://ehr.example/", true, "https://" },
    { "https://user:secret@ehr.example/fhir", false, "user name" },
    { "https://ehr.example/fhir?tenant=1", false, "query" },
    { "ehr", false, NULL },
    { "", false, "not an address" },
};

START_TEST(only_https_addresses_and_allowed_loopback_ones_are_taken) {
    struct iptfhir_http_settings s = { .size = sizeof s,
                                       .base_url = addresses[_i].url,
                                       .insecure_loopback = addresses[_i].insecure };
    memset(&error, 0, sizeof error);
    struct iptfhir_http *http = net_http_open(&s, &error);
    if (strcmp(addresses[_i].url, "ehr") == 0) {
        ck_assert_ptr_null(http);
    } else if (addresses[_i].refusal == NULL) {
        ck_assert_msg(http != NULL, "%s", error.text);
    } else {
        ck_assert_ptr_null(http);
        ck_assert_str_eq(error.code, "net-url");
        ck_assert_msg(strstr(error.text, addresses[_i].refusal) != NULL, "%s", error.text);
        ck_assert_ptr_null(strstr(error.text, "secret"));
    }
    net_http_close(http);
}
END_TEST

START_TEST(a_ca_file_must_be_there_and_hold_a_certificate) {
    struct iptfhir_http_settings s = { .size = sizeof s,
                                       .base_url = "https://ehr.example/",
                                       .ca_file = "/nonexistent/ca.pem" };
    memset(&error, 0, sizeof error);
    ck_assert_ptr_null(net_http_open(&s, &error));
    ck_assert_str_eq(error.code, "net-ca");
    ck_assert_ptr_nonnull(strstr(error.text, "cannot be opened"));
    memset(&error, 0, sizeof error);
    s.ca_file = "/dev/zero";
    ck_assert_ptr_null(net_http_open(&s, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "a device, where a regular file is expected"));
    memset(&error, 0, sizeof error);
    s.ca_file = "/proc/self/cmdline";
    ck_assert_ptr_null(net_http_open(&s, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no PEM certificate"));
}
END_TEST

START_TEST(a_malformed_request_is_refused_before_anything_is_sent) {
    static const char *const broken[] = { "Name: one\r\nOther: two", NULL };
    struct iptfhir_http_request q[] = { { sizeof *q, "GET", "/metadata", NULL, NULL, 0 },
                                        { sizeof *q, "GET", "/a b", NULL, NULL, 0 } };
    struct iptfhir_http_response r[2];
    start_server(ANSWERS);
    struct iptfhir_http *http = open_client("http", 2000, 1000, 2);
    ck_assert_int_eq(net_http(http, q, 2, r, &error), IPTFHIR_FATAL);
    ck_assert_str_eq(error.code, "net-request");
    q[1].path = "/a";
    q[1].headers = broken;
    ck_assert_int_eq(net_http(http, q, 2, r, &error), IPTFHIR_FATAL);
    q[1].headers = NULL;
    q[1].path = "@evil.example/";
    ck_assert_int_eq(net_http(http, q, 2, r, &error), IPTFHIR_FATAL);
    ck_assert_int_eq(server.requests, 0);
    net_http_close(http);
    stop_server();
}
END_TEST

/* libcurl's result, OpenSSL's verification result, libcurl's text, and what people are told. */
static const struct {
    CURLcode result;
    long verify;
    const char *detail, *told;
} tls_cases[] = {
    { CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "",
      "the certificate of localhost:8443 is not signed by a CA in ca.pem" },
    { CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_HAS_EXPIRED, "", "has expired" },
    { CURLE_PEER_FAILED_VERIFICATION, X509_V_OK,
      "SSL: no alternative certificate subject name matches target host name 'localhost'",
      "another host name" },
    { CURLE_SSL_CONNECT_ERROR, X509_V_OK, "error:0A000102:SSL routines::unsupported protocol",
      "TLS 1.2 or 1.3" },
    { CURLE_SSL_CONNECT_ERROR, X509_V_OK,
      "error:0A00042E:SSL routines::tlsv1 alert protocol version", "TLS 1.2 or 1.3" },
    { CURLE_SSL_CONNECT_ERROR, X509_V_OK, "error:0A00010B:SSL routines::wrong version number",
      "does not speak TLS" },
    { CURLE_COULDNT_RESOLVE_HOST, X509_V_OK, "", "cannot be resolved" },
};

START_TEST(each_tls_failure_has_its_own_words) {
    char text[640], small[12];
    tls_explain(tls_cases[_i].result, tls_cases[_i].verify, tls_cases[_i].detail, "localhost:8443",
                "ca.pem", text, sizeof text);
    ck_assert_msg(strstr(text, tls_cases[_i].told) != NULL, "%s", text);
    ck_assert_ptr_null(strchr(text, '%'));
    tls_explain(tls_cases[_i].result, tls_cases[_i].verify, tls_cases[_i].detail, "localhost:8443",
                "ca.pem", small, sizeof small);
    ck_assert_uint_lt(strlen(small), sizeof small);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("http");
    TCase *c = tcase_create("http");
    tcase_set_timeout(c, 20);
    tcase_add_test(c, an_answer_comes_with_its_headers_and_the_request_names_itself);
    tcase_add_test(c, a_refused_connection_is_not_sent);
    tcase_add_loop_test(c, an_incomplete_answer_is_lost_and_keeps_the_status_that_came, 0,
                        sizeof lost_cases / sizeof *lost_cases);
    tcase_add_test(c, an_early_refusal_of_a_large_body_ends_in_time_with_its_status);
    tcase_add_test(c, a_body_without_end_is_cut_at_the_limit);
    tcase_add_test(c, a_write_is_never_sent_twice_when_a_kept_connection_dies);
    tcase_add_test(c, a_read_may_be_repeated_when_a_kept_connection_dies);
    tcase_add_test(c, a_redirect_is_an_answer_and_not_followed);
    tcase_add_test(c, a_proxy_of_the_environment_is_ignored);
    tcase_add_test(c, requests_of_a_call_are_under_way_together_and_keep_their_order);
    tcase_add_test(c, tls_to_a_plain_port_is_not_sent_and_says_so);
    tcase_add_loop_test(c, only_https_addresses_and_allowed_loopback_ones_are_taken, 0,
                        sizeof addresses / sizeof *addresses);
    tcase_add_test(c, a_ca_file_must_be_there_and_hold_a_certificate);
    tcase_add_test(c, a_malformed_request_is_refused_before_anything_is_sent);
    tcase_add_loop_test(c, each_tls_failure_has_its_own_words, 0,
                        sizeof tls_cases / sizeof *tls_cases);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
