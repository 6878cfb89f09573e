/* SPDX-License-Identifier: Apache-2.0 */
/* Which links of a server are followed. */
#include "link.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *link_next(const json_t *bundle) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(bundle, "link"), i, one) {
        const char *relation = json_string_value(json_object_get(one, "relation"));
        if (relation != NULL && strcmp(relation, "next") == 0)
            return json_string_value(json_object_get(one, "url"));
    }
    return NULL;
}

/* An address in its parts. */
struct address {
    const char *host, *path;
    size_t host_length; /* with the port, but without the one that its scheme has anyway */
    const struct scheme *scheme;
};
static const struct scheme {
    const char *begins, *usual_port;
} schemes[] = { { "https://", ":443" }, { "http://", ":80" } };

/* Tells whether a text begins with another, whatever its case. */
static bool begins(const char *text, const char *with) {
    return strncasecmp(text, with, strlen(with)) == 0;
}

/* Reads scheme and host; false when it is neither http nor https. */
static bool read_address(const char *url, struct address *out) {
    out->scheme = begins(url, schemes[0].begins) ? &schemes[0] : &schemes[1];
    if (!begins(url, out->scheme->begins))
        return false;
    out->host = url + strlen(out->scheme->begins);
    out->host_length = strcspn(out->host, "/?#");
    out->path = out->host + out->host_length;
    size_t port = strlen(out->scheme->usual_port);
    if (out->host_length <= port)
        return out->host_length > 0;
    if (strncmp(out->path - port, out->scheme->usual_port, port) == 0)
        out->host_length -= port;
    return true;
}

/* Tells whether two addresses have scheme, host and port in common. */
static bool same_origin(const struct address *one, const struct address *other) {
    if (one->scheme != other->scheme || one->host_length != other->host_length)
        return false;
    return strncasecmp(one->host, other->host, one->host_length) == 0;
}

/* Tells whether a part of a path begins with a dot, which may climb. */
static bool has_dot_part(const char *path, size_t length) {
    size_t at = 0;
    while (at < length) {
        if (path[at] == '/')
            at++;
        if (path[at] == '.' || begins(path + at, "%2e"))
            return true;
        at += strcspn(path + at, "/?");
        if (path[at] != '/')
            break;
    }
    return false;
}

/* Tells whether a path may be asked for: of printable ASCII, without a fragment, and not climbing.
 */
static bool is_safe(const char *path) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?[]@!$&'()*+,;=%|\"<>"
        "^`{}";
    if (path[strspn(path, allowed)] != '\0')
        return false;
    return !has_dot_part(path, strcspn(path, "?"));
}

char *link_path(const char *base_url, const char *link) {
    struct address base;
    struct address its;
    if (!read_address(base_url, &base) || !read_address(link, &its))
        return NULL;
    size_t below = strlen(base.path);
    while (below > 0 && base.path[below - 1] == '/')
        below--;
    if (!same_origin(&base, &its) || strncmp(base.path, its.path, below) != 0)
        return NULL;
    const char *path = its.path + below;
    bool is_below = path[0] == '/' || path[0] == '?';
    return is_below && is_safe(path) ? strdup(path) : NULL;
}
