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
    size_t host_length; /* with the port, but without the one that https has anyway */
    bool secure;
};

/* Reads scheme and host; false when it is neither http nor https. */
static bool read_address(const char *url, struct address *out) {
    static const char usual[] = ":443";
    out->secure = strncasecmp(url, "https://", 8) == 0;
    if (!out->secure && strncasecmp(url, "http://", 7) != 0)
        return false;
    out->host = url + (out->secure ? 8 : 7);
    out->host_length = strcspn(out->host, "/?#");
    out->path = out->host + out->host_length;
    const size_t port = sizeof usual - 1;
    bool has_usual =
        out->secure && out->host_length > port && strncmp(out->path - port, usual, port) == 0;
    if (has_usual)
        out->host_length -= port;
    return out->host_length > 0;
}

/* Tells whether a path may be asked for: printable, and it does not climb. */
static bool is_safe(const char *path) {
    for (const unsigned char *p = (const unsigned char *)path; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '\\' || *p == '#')
            return false;
    }
    size_t before_query = strcspn(path, "?");
    for (size_t i = 0; i < before_query; i++) {
        bool dot = path[i] == '.' || strncasecmp(path + i, "%2e", 3) == 0;
        bool first = i == 0 || path[i - 1] == '/';
        if (dot && first)
            return false;
    }
    return true;
}

char *link_path(const char *base_url, const char *link) {
    struct address base, its;
    if (!read_address(base_url, &base) || !read_address(link, &its))
        return NULL;
    bool same_origin = base.secure == its.secure && base.host_length == its.host_length &&
                       strncasecmp(base.host, its.host, base.host_length) == 0;
    size_t below = strlen(base.path);
    while (below > 0 && base.path[below - 1] == '/')
        below--;
    if (!same_origin || strncmp(base.path, its.path, below) != 0)
        return NULL;
    const char *path = its.path + below;
    bool is_below = path[0] == '/' || path[0] == '?';
    return is_below && is_safe(path) ? strdup(path) : NULL;
}
