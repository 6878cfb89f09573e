/* SPDX-License-Identifier: Apache-2.0 */
/* One request on its way: a handle of libcurl, what its answer is collected in, and which outcome
 * its end is. */
#ifndef CORE_NET_TRANSFER_H
#define CORE_NET_TRANSFER_H

#include "core/base/str.h"
#include "core/net/address.h"

#include <curl/curl.h>
#include <iptfhir/target.h>
#include <stdbool.h>

enum {
    TRANSFER_HEADERS = 24,    /* headers of a request, ours included */
    TRANSFER_OWN_HEADERS = 4, /* of them ours, at most */
    TRANSFER_VALUE = 512,     /* bytes of a header value that are kept */
    TRANSFER_MESSAGE = 640
};

/* The response headers that are kept. */
enum transfer_header {
    HEADER_ETAG,
    HEADER_LOCATION,
    HEADER_RETRY_AFTER,
    HEADER_CONTENT_TYPE,
    HEADER_DATE,
    HEADER_COUNT
};

/* What one answer is collected in; reused by the next call. */
struct slot {
    struct str body;
    char values[HEADER_COUNT][TRANSFER_VALUE];
    bool has[HEADER_COUNT];
    bool truncated;
    char message[TRANSFER_MESSAGE];
};

/* What all transfers of a pool have in common; it outlives them. */
struct transfer_settings {
    struct address address;
    char *base;    /* without slashes at its end */
    char *ca_file; /* NULL: the system's */
    size_t max_body;
    long timeout_ms, connect_timeout_ms;
    char run[17]; /* prefix of request ids */
    uint64_t sent;
};

/* One easy handle and the request that it carries. */
struct transfer {
    CURL *easy;
    struct transfer_settings *settings;
    struct slot *slot; /* NULL: idle */
    size_t index;      /* of the request */
    unsigned starts;   /* how often the request was about to be written */
    bool repeatable;
    struct curl_slist lines[TRANSFER_HEADERS];
    char request_id[64];
    char curl_error[CURL_ERROR_SIZE];
    struct str url;
};

/* Makes the handle and sets what stays the same for every request; false when memory is out. */
bool transfer_open(struct transfer *t, struct transfer_settings *settings);
void transfer_close(struct transfer *t);
/* Prepares the handle for request `index`, whose texts are borrowed until it ends; false when
 * libcurl has no memory for it. */
bool transfer_begin(struct transfer *t, const struct iptfhir_http_request *request, size_t index,
                    struct slot *slot);
/* Makes the response of a transfer that has ended, which is idle from then on. */
void transfer_end(struct transfer *t, CURLcode result, struct iptfhir_http_response *out);
/* Makes the response of a request that could not begin. */
void transfer_refuse(const struct transfer_settings *settings, struct slot *slot,
                     struct iptfhir_http_response *out);
/* Empties a slot for the next answer. */
void slot_clear(struct slot *slot);
#endif
