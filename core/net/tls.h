/* SPDX-License-Identifier: Apache-2.0 */
/* TLS failures in words for people, and the check of a CA file. */
#ifndef CORE_NET_TLS_H
#define CORE_NET_TLS_H

#include <curl/curl.h>
#include <iptfhir/plugin.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes a message about a failed transfer: what failed at `server` ("host:port"), why, and what to
 * do. `verify` is CURLINFO_SSL_VERIFYRESULT, `detail` libcurl's error text ("" when none),
 * `ca_file` NULL for the system's. */
void tls_explain(CURLcode result, long verify, const char *detail, const char *server,
                 const char *ca_file, char *out, size_t size);
/* True when the file holds at least one PEM certificate; else an error ("net-ca") that says what is
 * wrong with it. */
bool tls_check_ca(const char *ca_file, struct iptfhir_error *error);
#endif
