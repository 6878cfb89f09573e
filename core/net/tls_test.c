/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against real TLS servers in this process: what they are refused for, and that no
 * session key is written anywhere. */
#include "core/net/http.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server with one certificate, which signs itself and is the client's CA. */
static struct {
    SSL_CTX *context;
    int listener, port;
    pthread_t thread;
    atomic_int requests;
    char suite[64];   /* of the last connection */
    char version[16]; /* likewise */
} server;

static char folder[64], ca_file[128], key_log[128];
static struct iptfhir_error error;

/* Adds an extension to a certificate. */
static void extend(X509 *certificate, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(X509_add_ext(certificate, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* Makes a certificate for `common_name` and `alt_names` ("DNS:localhost"; NULL: without). */
static X509 *make_certificate(EVP_PKEY *key, const char *common_name, const char *alt_names) {
    X509 *c = X509_new();
    ck_assert_ptr_nonnull(c);
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_set_pubkey(c, key);
    X509_NAME *name = X509_get_subject_name(c);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1,
                               0);
    X509_set_issuer_name(c, name);
    extend(c, NID_basic_constraints, "critical,CA:TRUE");
    if (alt_names != NULL)
        extend(c, NID_subject_alt_name, alt_names);
    ck_assert_int_gt(X509_sign(c, key, EVP_sha256()), 0);
    return c;
}

/* Answers one request on a connection, if its handshake succeeds. */
static void serve(int fd) {
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    char head[4096];
    size_t length = 0;
    SSL *ssl = SSL_new(server.context);
    ck_assert_ptr_nonnull(ssl);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        snprintf(server.suite, sizeof server.suite, "%s", SSL_get_cipher_name(ssl));
        snprintf(server.version, sizeof server.version, "%s", SSL_get_version(ssl));
        while (length + 1 < sizeof head) {
            int got = SSL_read(ssl, head + length, (int)(sizeof head - length - 1));
            if (got <= 0)
                break;
            length += (size_t)got;
            head[length] = '\0';
            if (strstr(head, "\r\n\r\n") != NULL) {
                atomic_fetch_add(&server.requests, 1);
                (void)SSL_write(ssl, answer, sizeof answer - 1);
                (void)SSL_shutdown(ssl);
                break;
            }
        }
    }
    SSL_free(ssl);
    close(fd);
}

/* Accepts connections, one after another, until the listener is shut down. */
static void *listen_on(void *user) {
    (void)user;
    for (int fd; (fd = accept(server.listener, NULL, NULL)) >= 0;)
        serve(fd);
    return NULL;
}

/* Starts a server of at most `version` that offers `suites` of TLS 1.2 (NULL: the usual). */
static void start_server(const char *common_name, const char *alt_names, int version,
                         const char *suites) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    ck_assert_ptr_nonnull(key);
    X509 *certificate = make_certificate(key, common_name, alt_names);
    FILE *f = fopen(ca_file, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, certificate), 1);
    fclose(f);
    server.context = SSL_CTX_new(TLS_server_method());
    ck_assert_ptr_nonnull(server.context);
    ck_assert_int_eq(SSL_CTX_use_certificate(server.context, certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(server.context, key), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(server.context, version), 1);
    if (suites != NULL)
        ck_assert_int_eq(SSL_CTX_set_cipher_list(server.context, suites), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&a, size), 0);
    ck_assert_int_eq(listen(server.listener, 16), 0);
    ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&a, &size), 0);
    server.port = ntohs(a.sin_port);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, listen_on, NULL), 0);
}

/* Stops it. */
static void stop_server(void) {
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.listener);
    SSL_CTX_free(server.context);
}

/* Makes one request to `host`; gives what became of it and copies what is said to `text`. */
static iptfhir_http_outcome ask(const char *host, char text[640]) {
    char url[96];
    snprintf(url, sizeof url, "https://%s:%d/fhir", host, server.port);
    struct iptfhir_http_settings s = {
        .size = sizeof s, .base_url = url, .ca_file = ca_file, .timeout_ms = 10000, .parallel = 1
    };
    struct iptfhir_http_request q = { sizeof q, "GET", "/metadata", NULL, NULL, 0 };
    struct iptfhir_http_response r;
    memset(&error, 0, sizeof error);
    struct iptfhir_http *http = net_http_open(&s, &error);
    ck_assert_msg(http != NULL, "%s", error.text);
    ck_assert_int_eq(net_http(http, &q, 1, &r, &error), IPTFHIR_OK);
    snprintf(text, 640, "%s", r.error != NULL ? r.error : "");
    iptfhir_http_outcome outcome = r.outcome;
    net_http_close(http);
    return outcome;
}

/* Makes a folder, and asks for a key log before anything of TLS is initialised. */
static void set_up(void) {
    signal(SIGPIPE, SIG_IGN);
    memset(&server, 0, sizeof server);
    snprintf(folder, sizeof folder, "/tmp/tls_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    snprintf(key_log, sizeof key_log, "%s/keys", folder);
    ck_assert_int_eq(setenv("SSLKEYLOGFILE", key_log, 1), 0);
}

/* Takes the folder away. */
static void tear_down(void) {
    (void)unlink(ca_file);
    (void)unlink(key_log);
    (void)rmdir(folder);
}

START_TEST(a_handshake_writes_no_session_keys_whatever_the_environment_says) {
    char text[640];
    start_server("localhost", "DNS:localhost", TLS1_3_VERSION, NULL);
    ck_assert_msg(ask("localhost", text) == IPTFHIR_HTTP_ANSWERED, "%s", text);
    stop_server();
    ck_assert_int_eq(server.requests, 1);
    ck_assert_int_ne(access(key_log, F_OK), 0);
}
END_TEST

/* What a certificate says, whom the client calls, and whether that is right. */
static const struct {
    const char *common_name, *alt_names, *host;
    bool right;
} name_cases[] = {
    { "server", "DNS:localhost", "localhost", true },
    { "server", "IP:127.0.0.1", "127.0.0.1", true },
    { "localhost", NULL, "localhost", false },                /* the name stands in CN only */
    { "127.0.0.1", NULL, "127.0.0.1", false },                /* likewise */
    { "localhost", "email:a@b.example", "localhost", false }, /* no name of a host among them */
    { "localhost", "DNS:other.example", "localhost", false },
    { "server", "DNS:127.0.0.1", "127.0.0.1", false }, /* an address is no DNS name */
    { "server", "DNS:l*t", "localhost", false },
};

START_TEST(only_names_of_the_subject_alt_name_count) {
    char text[640];
    start_server(name_cases[_i].common_name, name_cases[_i].alt_names, TLS1_3_VERSION, NULL);
    iptfhir_http_outcome outcome = ask(name_cases[_i].host, text);
    stop_server();
    if (name_cases[_i].right) {
        ck_assert_msg(outcome == IPTFHIR_HTTP_ANSWERED, "%s", text);
        return;
    }
    ck_assert_int_eq(outcome, IPTFHIR_HTTP_NOT_SENT);
    ck_assert_int_eq(server.requests, 0);
    ck_assert_msg(strstr(text, "is for another host name") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "subjectAltName") != NULL, "%s", text);
}
END_TEST

/* What a server offers at most, and whether that is safe. */
static const struct {
    int version;
    const char *suites;
    bool safe;
} suite_cases[] = {
    { TLS1_3_VERSION, NULL, true },
    { TLS1_2_VERSION, NULL, true },
    { TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", true },
    { TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", true },
    { TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", true },
    { TLS1_2_VERSION, "AES128-GCM-SHA256", false },       /* no forward secrecy */
    { TLS1_2_VERSION, "AES256-SHA256", false },           /* nor AEAD */
    { TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256", false }, /* CBC */
    { TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA", false },    /* CBC */
    { TLS1_1_VERSION, "ALL:@SECLEVEL=0", false },
};

START_TEST(tls_1_2_is_spoken_with_forward_secret_aead_suites_only) {
    char text[640];
    start_server("server", "DNS:localhost", suite_cases[_i].version, suite_cases[_i].suites);
    iptfhir_http_outcome outcome = ask("localhost", text);
    stop_server();
    if (suite_cases[_i].safe) {
        ck_assert_msg(outcome == IPTFHIR_HTTP_ANSWERED, "%s", text);
        if (suite_cases[_i].suites != NULL)
            ck_assert_str_eq(server.suite, suite_cases[_i].suites);
        return;
    }
    ck_assert_msg(outcome == IPTFHIR_HTTP_NOT_SENT, "%s with %s", server.version, server.suite);
    ck_assert_int_eq(server.requests, 0);
    ck_assert_msg(strstr(text, "TLS 1.2") != NULL, "%s", text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tls");
    TCase *c = tcase_create("tls");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_handshake_writes_no_session_keys_whatever_the_environment_says);
    tcase_add_loop_test(c, only_names_of_the_subject_alt_name_count, 0,
                        sizeof name_cases / sizeof *name_cases);
    tcase_add_loop_test(c, tls_1_2_is_spoken_with_forward_secret_aead_suites_only, 0,
                        sizeof suite_cases / sizeof *suite_cases);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
