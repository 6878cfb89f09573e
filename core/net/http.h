/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that speaks HTTP and TLS (libcurl): one handle is one pool of kept-alive
 * connections to one server.
 *
 * What holds for every request: https with TLS 1.2 or newer, chain and host name verified, against
 * `ca_file` alone when one is given; plain http only for a loopback host with insecure_loopback; no
 * redirect followed, no proxy from the environment, no cookie kept, a limit of time for connecting
 * and for the whole, and of bytes for the answer.
 *
 * A request goes on the wire once. libcurl itself would send a request again when a kept-alive
 * connection dies before the first byte of an answer; for what changes nothing (GET, HEAD, a POST
 * to …/_search) that is welcome, for anything else the second start is stopped and the outcome is
 * LOST, because the server may have acted on the first. The outcomes: ANSWERED  status and headers
 * are complete; the body too, unless `truncated` (more than max_body: the transfer was stopped) (an
 * HTTP/2 stream that is reset after a whole answer by its Content-Length: RFC 9113 section 8.1)
 * NOT_SENT  it ended before the request could be written: name not resolved, not connected, TLS
 * refused, time used up waiting LOST      it ended later; `status` is set when a status line had
 * come (an early 413, then a timeout: still LOST) Bodies over 48 KiB go over HTTP/1.1:
 * libcurl 7.88.1 can spin when an HTTP/2 server answers before it has read the body.
 *
 * Nothing of a request but its method and outcome gets into messages: no path, no query, no header,
 * no body. */
#ifndef CORE_NET_HTTP_H
#define CORE_NET_HTTP_H

#include <iptfhir/target.h>

struct iptfhir_http; /* one connection pool, used by one thread at a time */

/* Opens a pool without connecting; the settings are copied. NULL and an error ("net-url", "net-ca",
 * "net-memory") when the address or the CA file cannot be used. Zero limits get defaults: 60 s, 10
 * s to connect, 4 MiB, 1 at once. Thread-safe. */
struct iptfhir_http *net_http_open(const struct iptfhir_http_settings *settings,
                                   struct iptfhir_error *error);
/* Performs `count` requests, `parallel` at a time, and fills as many responses; their strings live
 * until the next call or the close. OK when each has its outcome; FATAL when memory ran out or a
 * request is malformed ("net-request": a line break, say), and then none was sent. One thread at a
 * time. */
iptfhir_status net_http(struct iptfhir_http *http, const struct iptfhir_http_request *requests,
                        size_t count, struct iptfhir_http_response *responses,
                        struct iptfhir_error *error);
/* Closes the connections and frees everything; NULL is allowed. */
void net_http_close(struct iptfhir_http *http);
#endif
