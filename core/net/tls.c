/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for TLS, its failures in words for people, and the check of a CA file; the handshake
 * itself is libcurl's and OpenSSL's. */
#include "core/net/tls.h"

#include "core/base/error.h"

#include <arpa/inet.h>
#include <iptfhir/files.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CA_FILE_MAX (16u << 20)

/* The suites of TLS 1.2 that are forward-secret and authenticate what they encrypt; all of TLS 1.3
 * are. */
static const char tls12_suites[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* What a verification result of OpenSSL means to whoever runs the service; %1$s server, %2$s CA
 * file, %3$s where to put its CA. */
struct verify_text {
    long verify;
    const char *text;
};

#define OTHER_NAME                                                                                 \
    "the certificate of %1$s is for another host name: write a name of its subjectAltName into "   \
    "the address, or have it renewed (a name that stands only in its subject, CN, doesn't count)"
#define FROM_CA "the certificate of %1$s is not signed by a CA in %2$s: %3$s"
static const struct verify_text verify_texts[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED,
      "the certificate of %1$s, or one of its chain, has expired: its operator has to "
      "renew it (is the clock here right?)" },
    { X509_V_ERR_CERT_NOT_YET_VALID,
      "the certificate of %1$s, or one of its chain, is not valid yet: check the clock "
      "here and the certificate there" },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      "the certificate of %1$s signs itself and is not in %2$s: if it is the right one, %3$s" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, FROM_CA },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, FROM_CA },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      FROM_CA ", or have the server send its intermediate certificates" },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      FROM_CA ", or have the server send its intermediate certificates" },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE,
      FROM_CA " (one of the same name is there, but it has another key)" },
    { X509_V_ERR_CERT_REVOKED,
      "the certificate of %1$s has been revoked: do not connect; ask its operator" },
    { X509_V_ERR_INVALID_PURPOSE,
      "the certificate of %1$s is not made for servers: its operator has to replace it" },
    { X509_V_ERR_INVALID_CA, "a certificate in the chain of %1$s is not allowed to sign others: "
                             "its operator has to repair the chain" },
    { X509_V_ERR_EE_KEY_TOO_SMALL, "the key of the certificate of %1$s is too short: its operator "
                                   "has to renew it with RSA 2048 or P-256" },
    { X509_V_ERR_CA_KEY_TOO_SMALL,
      "the key of a CA of %1$s is too short: its operator has to renew the chain" },
    { X509_V_ERR_CA_MD_TOO_WEAK,
      "a certificate in the chain of %1$s is signed with a hash that is no longer safe "
      "(SHA-1, MD5): it has to be renewed" },
    { X509_V_ERR_HOSTNAME_MISMATCH, OTHER_NAME },
    { X509_V_ERR_IP_ADDRESS_MISMATCH, OTHER_NAME },
};

/* What other failures mean: a libcurl result, and a part of its text that must be there ("" for
 * any). */
struct result_text {
    CURLcode result;
    const char *part, *text;
};

#define BROKE_OFF                                                                                  \
    "%1$s broke off the TLS handshake: is this its https port (and not plain http), and does it "  \
    "want a client "                                                                               \
    "certificate?"
#define SAFE_SUITES                                                                                \
    "its operator has to offer TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305"
#define TOO_OLD "%1$s offers no TLS version that is safe: TLS 1.2 or 1.3 is needed there"
static const struct result_text result_texts[] = {
    { CURLE_COULDNT_RESOLVE_HOST, "",
      "the host name of %1$s cannot be resolved: check the address and the name service" },
    { CURLE_COULDNT_CONNECT, "",
      "%1$s cannot be reached (no connection): is the server up, and the port right?" },
    { CURLE_PEER_FAILED_VERIFICATION, "subject name", OTHER_NAME },
    { CURLE_PEER_FAILED_VERIFICATION, "",
      "the certificate of %1$s could not be verified against %2$s" },
    { CURLE_SSL_CONNECT_ERROR, "protocol version", TOO_OLD },
    { CURLE_SSL_CONNECT_ERROR, "unsupported protocol", TOO_OLD },
    { CURLE_SSL_CONNECT_ERROR, "version too low", TOO_OLD },
    { CURLE_SSL_CONNECT_ERROR, "wrong version number",
      "%1$s does not speak TLS on this port (plain http?): the address must be of its https port" },
    { CURLE_SSL_CONNECT_ERROR, "packet length",
      "%1$s does not speak TLS on this port (plain http?): the address must be of its https port" },
    { CURLE_SSL_CONNECT_ERROR, "http request",
      "%1$s does not speak TLS on this port (plain http?): the address must be of its https port" },
    { CURLE_SSL_CONNECT_ERROR, "key too small",
      "the key exchange of %1$s is too weak: its operator has to set stronger parameters" },
    { CURLE_SSL_CONNECT_ERROR, "no shared cipher",
      "%1$s and this machine share no cipher: " SAFE_SUITES },
    { CURLE_SSL_CONNECT_ERROR, "handshake failure",
      "%1$s refused the TLS handshake: " SAFE_SUITES ", or it wants a client certificate" },
    { CURLE_SSL_CONNECT_ERROR, "SSL_ERROR_SYSCALL", BROKE_OFF },
    { CURLE_SSL_CONNECT_ERROR, "unexpected eof", BROKE_OFF },
    { CURLE_SSL_CONNECT_ERROR, "", "TLS with %1$s could not be set up" },
    { CURLE_SSL_CACERT_BADFILE, "",
      "%2$s cannot be used: it must be readable and hold PEM certificates" },
    { CURLE_SSL_CERTPROBLEM, "", "the client certificate could not be used with %1$s" },
    { CURLE_OPERATION_TIMEDOUT, "", "%1$s took too long" },
    { CURLE_GOT_NOTHING, "", "%1$s closed the connection without an answer" },
    { CURLE_PARTIAL_FILE, "", "%1$s closed the connection in the middle of its answer" },
    { CURLE_SEND_ERROR, "", "the connection to %1$s broke while the request was sent" },
    { CURLE_RECV_ERROR, "", "the connection to %1$s broke while its answer was awaited" },
    { CURLE_ABORTED_BY_CALLBACK, "",
      "a kept-alive connection to %1$s died before an answer came; the request was not sent a "
      "second time" },
    { CURLE_HTTP2, "", "%1$s broke the HTTP/2 connection" },
    { CURLE_HTTP2_STREAM, "", "%1$s broke off the HTTP/2 stream" },
    { CURLE_UNSUPPORTED_PROTOCOL, "", "%1$s did not answer in HTTP" },
    { CURLE_WEIRD_SERVER_REPLY, "", "%1$s did not answer in HTTP" },
};

/* The place that stands in a text (%1$s), counted from 0; -1 when none does. */
static int place_at(const char *p) {
    bool is_place = p[0] == '%' && p[1] >= '1' && p[1] <= '3' && strncmp(p + 2, "$s", 2) == 0;
    return is_place ? p[1] - '1' : -1;
}

/* Writes a text of the tables with its places filled; a place may stand anywhere, more than once or
 * not at all. */
static void fill(const char *text, const char *server, const char *ca_file, char *out,
                 size_t size) {
    const char *const system_ca[] = { server, "the system's CA store",
                                      "name its CA certificate with ca_file (PEM)" };
    const char *const own_ca[] = { server, ca_file,
                                   "put the CA certificate of this server there (PEM)" };
    const char *const *places = ca_file != NULL ? own_ca : system_ca;
    size_t n = 0;
    while (*text != '\0' && n + 1 < size) {
        int place = place_at(text);
        if (place < 0) {
            out[n++] = *text++;
            continue;
        }
        int wrote = snprintf(out + n, size - n, "%s", places[place]);
        bool fits = wrote > 0 && (size_t)wrote < size - n;
        n = fits ? n + (size_t)wrote : size - 1;
        text += strlen("%1$s");
    }
    out[n < size ? n : size - 1] = '\0';
}

void tls_forget_key_log(void) {
    if (getenv("SSLKEYLOGFILE") != NULL)
        (void)unsetenv("SSLKEYLOGFILE");
}

bool tls_check_library(struct iptfhir_error *error) {
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->ssl_version != NULL && strstr(info->ssl_version, "OpenSSL") != NULL)
        return true;
    return error_set(
        error, "net-library", NULL,
        "libcurl speaks TLS by %s here; install the libcurl that is built with OpenSSL",
        info->ssl_version != NULL ? info->ssl_version : "nothing");
}

/* Tells whether a text is an IP address. */
static bool is_address(const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Has OpenSSL check the host's name during the handshake, by subjectAltName alone. */
static CURLcode on_context(CURL *easy, void *context, void *user) {
    const char *host = user;
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(context);
    (void)easy;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int set = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(rules, host)
                               : X509_VERIFY_PARAM_set1_host(rules, host, 0);
    return set == 1 ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

CURLcode tls_set_up(CURL *easy, const char *host, const char *ca_file) {
    CURLcode bad = CURLE_OK;
#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_CIPHER_LIST, tls12_suites);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_context);
    SET(CURLOPT_SSL_CTX_DATA, (void *)(uintptr_t)host);
    if (ca_file != NULL) {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
#undef SET
    return bad;
}

/* The text of a verification result, NULL when it has none. */
static const char *verify_text(long verify) {
    for (size_t i = 0; i < sizeof verify_texts / sizeof *verify_texts; i++)
        if (verify_texts[i].verify == verify)
            return verify_texts[i].text;
    return NULL;
}

/* The row of a failure, NULL when it has none. */
static const struct result_text *result_text(CURLcode result, const char *detail) {
    for (size_t i = 0; i < sizeof result_texts / sizeof *result_texts; i++) {
        const struct result_text *row = &result_texts[i];
        if (row->result == result && strstr(detail, row->part) != NULL)
            return row;
    }
    return NULL;
}

/* Appends libcurl's own text where it fits. */
static void add_detail(const char *detail, char *out, size_t size) {
    size_t n = strlen(out);
    if (detail[0] != '\0' && n + 3 < size)
        (void)snprintf(out + n, size - n, ": %s", detail);
}

void tls_explain(CURLcode result, long verify, const char *detail, const char *server,
                 const char *ca_file, char *out, size_t size) {
    bool tls = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CONNECT_ERROR;
    const char *text = NULL;
    if (tls && verify != X509_V_OK)
        text = verify_text(verify);
    if (text != NULL) {
        fill(text, server, ca_file, out, size);
        return;
    }
    const struct result_text *row = result_text(result, detail);
    if (row == NULL) {
        (void)snprintf(out, size, "%s: %s", server, curl_easy_strerror(result));
        return;
    }
    fill(row->text, server, ca_file, out, size);
    bool says_why = row->part[0] != '\0';
    if (tls && !says_why)
        add_detail(detail, out, size);
}

bool tls_check_ca(const char *ca_file, struct iptfhir_error *error) {
    char why[IPTFHIR_FILE_WHY];
    int descriptor = iptfhir_file_open(ca_file, CA_FILE_MAX, NULL, why);
    if (descriptor < 0)
        return error_set(error, "net-ca", ca_file, "the CA file: %s; give a readable PEM file",
                         why);
    FILE *f = fdopen(descriptor, "r");
    if (f == NULL) {
        (void)close(descriptor);
        return error_set(error, "memory", ca_file, "out of memory");
    }
    X509 *certificate = PEM_read_X509(f, NULL, NULL, NULL);
    (void)fclose(f);
    if (certificate == NULL)
        return error_set(error, "net-ca", ca_file,
                         "the CA file holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
    X509_free(certificate);
    return true;
}
