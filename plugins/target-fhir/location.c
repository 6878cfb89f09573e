/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and versions as servers tell them: Location, ETag, and what can be an id at all. */
#include "location.h"

#include <string.h>

/* Tells whether a character is a letter of ASCII. */
static bool is_letter(char c) {
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z';
}

/* Tells whether a text is of letters, digits and some other characters only. */
static bool is_of(const char *text, size_t length, const char *others) {
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (is_letter(c) || (c >= '0' && c <= '9'))
            continue;
        if (c == '\0' || strchr(others, c) == NULL)
            return false;
    }
    return length > 0;
}

bool id_valid(const char *id, size_t length) {
    return length < ID_SIZE && is_of(id, length, "-._") && id[0] != '.';
}

bool version_valid(const char *version, size_t length) {
    return length < VERSION_SIZE && is_of(version, length, "-._:~+/=");
}

bool type_valid(const char *type) {
    size_t length = 0;
    while (is_letter(type[length]))
        length++;
    return length > 0 && length < ID_SIZE && type[length] == '\0';
}

/* Copies a part of a text. */
static void copy(char *to, const char *from, size_t length) {
    memcpy(to, from, length);
    to[length] = '\0';
}

/* Finds what follows the last "/Type/" of a location. */
static const char *after_type(const char *location, const char *type) {
    size_t length = strlen(type);
    const char *found = NULL;
    for (const char *p = strstr(location, type); p != NULL; p = strstr(p + length, type)) {
        bool begins = p == location || p[-1] == '/';
        if (begins && p[length] == '/')
            found = p + length + 1;
    }
    return found;
}

bool location_read(const char *location, const char *type, char id[ID_SIZE],
                   char version[VERSION_SIZE]) {
    static const char history[] = "/_history/";
    const char *from = after_type(location, type);
    version[0] = '\0';
    if (from == NULL)
        return false;
    size_t length = strcspn(from, "/?#");
    if (length >= ID_SIZE)
        return false;
    copy(id, from, length);
    if (!id_valid(id, length))
        return false;
    from += length;
    if (strncmp(from, history, sizeof history - 1) != 0)
        return true;
    from += sizeof history - 1;
    length = strcspn(from, "/?#");
    if (version_valid(from, length))
        copy(version, from, length);
    return true;
}

bool etag_read(const char *etag, char version[VERSION_SIZE]) {
    const char *from = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    size_t length = strlen(from);
    bool quoted = length >= 2 && from[0] == '"' && from[length - 1] == '"';
    if (quoted) {
        from++;
        length -= 2;
    }
    if (!version_valid(from, length))
        return false;
    copy(version, from, length);
    return true;
}
