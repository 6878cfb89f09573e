/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a server: which ones are spoken to, and the names that it gives. */
#ifndef CORE_NET_ADDRESS_H
#define CORE_NET_ADDRESS_H

#include <iptfhir/target.h>

struct address {
    char *host;   /* as the certificate must name it: without brackets and final dot */
    char *server; /* host:port, for messages */
};

/* Reads the `base_url` of settings: https, or http to this machine with insecure_loopback; no user
 * name, query or fragment. False and an error ("net-url", "net-memory") for all else. The names are
 * the caller's, who frees them with address_free() in any case. */
bool address_read(struct address *address, const struct iptfhir_http_settings *settings,
                  struct iptfhir_error *error);
void address_free(struct address *address);
#endif
