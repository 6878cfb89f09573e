/* SPDX-License-Identifier: Apache-2.0 */
/* Positions in YAML files for messages: of values, which the tree knows, and of keys, which are
 * looked up in the text.
 */
#include "core/base/file.h"
#include "core/config/config.h"

#include <string.h>

const char *config_where(struct arena *a, const char *file, const struct tree *node) {
    if (node == NULL)
        return file;
    const char *where = arena_printf(a, "%s:%u:%u", file, node->line, node->column);
    return where != NULL ? where : file;
}

/* Whether `name`, which stands at a place of a line, is a key there. */
static bool is_key(const char *line, const char *at, size_t length) {
    bool begins = at == line || strchr(" {,\"'", at[-1]) != NULL;
    const char *after = at + length;
    if (*after == '"' || *after == '\'')
        after++;
    after += strspn(after, " ");
    return begins && *after == ':';
}

/* Where in a line `name` stands last as a key, before `end`; NULL: nowhere. */
static const char *key_in_line(const char *line, const char *end, const char *name, size_t length) {
    const char *found = NULL;
    bool comment = line[strspn(line, " ")] == '#';
    if (comment)
        return NULL;
    for (const char *at = line; at < end; at++) {
        at = memmem(at, (size_t)(end - at), name, length);
        if (at == NULL)
            return found;
        if (is_key(line, at, length))
            found = at;
    }
    return found;
}

/* Looks for the key of a node in the text, up to where the node stands; NULL: it isn't there. */
static const char *find_key(struct arena *a, const char *file, const char *text,
                            const struct tree *node) {
    const char *where = NULL;
    const char *line = text;
    for (uint32_t n = 1; n <= node->line; n++) {
        size_t length = strcspn(line, "\n");
        bool ended = line[length] == '\0';
        size_t searched = length;
        if (n == node->line && length > node->column - 1)
            searched = node->column - 1;
        const char *key = key_in_line(line, line + searched, node->name, node->name_length);
        if (key != NULL)
            where = arena_printf(a, "%s:%u:%zu", file, n, (size_t)(key - line) + 1);
        if (ended)
            return where;
        line += length + 1;
    }
    return where;
}

const char *config_where_key(struct arena *a, const char *file, const struct tree *node) {
    enum { MOST = 4 << 20 };
    struct str text = { 0 };
    const char *where = NULL;
    if (node->name == NULL)
        return config_where(a, file, node);
    if (file_read(&text, file, MOST, NULL) && text.data != NULL)
        where = find_key(a, file, text.data, node);
    str_free(&text);
    return where != NULL ? where : config_where(a, file, node);
}
