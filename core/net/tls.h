/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS has to keep, its failures in words for people, and the check of a CA file. */
#ifndef CORE_NET_TLS_H
#define CORE_NET_TLS_H

#include <curl/curl.h>
#include <iptfhir/target.h>
#include <stdbool.h>
#include <stddef.h>

/* Makes sure that no session keys are written to a file, whatever SSLKEYLOGFILE says. To be called
 * before libcurl is initialised; main() does it while there is one thread. */
void tls_forget_key_log(void);
/* True when libcurl speaks TLS by OpenSSL, which the rules of tls_set_up() need; else an error
 * ("net-library"). */
bool tls_check_library(struct iptfhir_error *error);
/* Sets what every connection of `easy` has to keep: a verified certificate that names `host` (a DNS
 * name or an IP address) in its subjectAltName, never only in its subject (RFC 9525 section 6.3);
 * TLS 1.3, or TLS 1.2 with ECDHE and an AEAD cipher (RFC 9325 section 4.2); CA certificates from
 * `ca_file` alone when it isn't NULL. Both texts are borrowed for the life of `easy`. */
CURLcode tls_set_up(CURL *easy, const char *host, const char *ca_file);

/* Writes a message about a failed transfer: what failed at `server` ("host:port"), why, and what to
 * do. `verify` is CURLINFO_SSL_VERIFYRESULT, `detail` libcurl's error text ("" when none),
 * `ca_file` NULL for the system's. */
void tls_explain(CURLcode result, long verify, const char *detail, const char *server,
                 const char *ca_file, char *out, size_t size);
/* True when the file holds at least one PEM certificate; else an error ("net-ca") that says what is
 * wrong with it. */
bool tls_check_ca(const char *ca_file, struct iptfhir_error *error);
#endif
