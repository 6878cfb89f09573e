/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a server, as libcurl parses it. */
#include "core/net/address.h"

#include "core/base/error.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXPECTED "expected https://host[:port]/path"

/* The parts of a parsed address; NULL for those that it has not. */
enum part { SCHEME, HOST, PORT, USER, QUERY, FRAGMENT, PARTS };

/* Takes an address apart. */
static void take_parts(CURLU *url, char *parts[PARTS]) {
    static const struct {
        CURLUPart part;
        unsigned flags;
    } wanted[PARTS] = {
        [SCHEME] = { CURLUPART_SCHEME, 0 },
        [HOST] = { CURLUPART_HOST, 0 },
        [PORT] = { CURLUPART_PORT, CURLU_DEFAULT_PORT },
        [USER] = { CURLUPART_USER, 0 },
        [QUERY] = { CURLUPART_QUERY, 0 },
        [FRAGMENT] = { CURLUPART_FRAGMENT, 0 },
    };
    for (size_t i = 0; i < PARTS; i++)
        if (curl_url_get(url, wanted[i].part, &parts[i], wanted[i].flags) != CURLUE_OK)
            parts[i] = NULL;
}

/* Tells whether a host name is of this machine by its form. */
static bool is_loopback(const char *host) {
    unsigned a, b, c, d;
    char rest;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127;
}

/* Checks that plain http goes to this machine only. */
static bool check_plain(const char *host, bool allowed, struct iptfhir_error *error) {
    if (!allowed)
        return error_set(error, "net-url", "url",
                         "plain http to %.200s is refused: use https:// (for a test on this "
                         "machine only: insecure_loopback: true)",
                         host);
    if (!is_loopback(host))
        return error_set(error, "net-url", "url",
                         "plain http to %.200s is refused: insecure_loopback is for localhost, "
                         "127.x.x.x and [::1] only",
                         host);
    return true;
}

/* Checks the parts of an address. */
static bool check_parts(char *const parts[PARTS], bool insecure_loopback,
                        struct iptfhir_error *error) {
    const char *scheme = parts[SCHEME];
    if (scheme == NULL || parts[HOST] == NULL || parts[PORT] == NULL)
        return error_set(error, "net-url", "url", "this is not an address: " EXPECTED);
    if (parts[USER] != NULL || parts[QUERY] != NULL || parts[FRAGMENT] != NULL)
        return error_set(error, "net-url", "url",
                         "the address of a server has no user name, query or fragment: " EXPECTED);
    if (strcmp(scheme, "https") == 0)
        return true;
    if (strcmp(scheme, "http") == 0)
        return check_plain(parts[HOST], insecure_loopback, error);
    return error_set(error, "net-url", "url",
                     "%.16s: is not spoken here: the address must begin with https://", scheme);
}

/* The host as a certificate names it; NULL when memory is out. */
static char *certificate_name(const char *host) {
    size_t length = strlen(host);
    char last = length > 1 ? host[length - 1] : '\0';
    if (length > 2 && host[0] == '[' && last == ']')
        return strndup(host + 1, length - 2);
    if (last == '.')
        return strndup(host, length - 1);
    return strdup(host);
}

/* Names the server; false, with an error, when memory is out. */
static bool name_server(struct address *address, const char *host, const char *port,
                        struct iptfhir_error *error) {
    address->host = certificate_name(host);
    if (asprintf(&address->server, "%s:%s", host, port) < 0)
        address->server = NULL;
    if (address->host == NULL || address->server == NULL)
        return error_set(error, "net-memory", NULL, "memory ran out");
    return true;
}

bool address_read(struct address *address, const struct iptfhir_http_settings *settings,
                  struct iptfhir_error *error) {
    const char *text = settings->base_url != NULL ? settings->base_url : "";
    char *parts[PARTS] = { NULL };
    CURLU *url = curl_url();
    if (url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        take_parts(url, parts);
    bool good = check_parts(parts, settings->insecure_loopback, error) &&
                name_server(address, parts[HOST], parts[PORT], error);
    for (size_t i = 0; i < PARTS; i++)
        curl_free(parts[i]);
    curl_url_cleanup(url);
    return good;
}

void address_free(struct address *address) {
    free(address->host);
    free(address->server);
    *address = (struct address) { 0 };
}
