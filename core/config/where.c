/* SPDX-License-Identifier: Apache-2.0 */
/* Positions in YAML files for messages: of values, which the tree knows, and of keys, which are
 * looked up in the text.
 */
#include "core/base/file.h"
#include "core/config/config.h"

#include <string.h>

const char *config_where(struct arena *a, const char *file, const struct tree *node) {
    const char *where = node ? arena_printf(a, "%s:%u:%u", file, node->line, node->column)
                             : arena_printf(a, "%s", file);
    return where ? where : file;
}

/* Where in a line `name` stands as a key, before `end`; NULL: nowhere. */
static const char *key_in_line(const char *line, const char *end, const char *name, size_t length) {
    const char *found = NULL;
    if (line[strspn(line, " ")] == '#')
        return NULL;
    for (const char *at = line;
         at + length <= end && (at = memmem(at, (size_t)(end - at), name, length)); at++) {
        const char *after = at + length;
        after += *after == '"' || *after == '\'';
        if (after[strspn(after, " ")] == ':' && (at == line || strchr(" {,\"'", at[-1])))
            found = at;
    }
    return found;
}

const char *config_where_key(struct arena *a, const char *file, const struct tree *node) {
    struct str text = { 0 };
    const char *where = NULL;
    const char *line =
        node->name && file_read(&text, file, 4u << 20, NULL) && text.data ? text.data : NULL;
    for (uint32_t n = 1; line && n <= node->line; n++) {
        const char *end = line + strcspn(line, "\n"), *stop = end;
        if (n == node->line && (size_t)(end - line) > node->column - 1)
            stop = line + node->column - 1;
        const char *key = key_in_line(line, stop, node->name, node->name_length);
        if (key)
            where = arena_printf(a, "%s:%u:%zu", file, n, (size_t)(key - line) + 1);
        line = *end ? end + 1 : NULL;
    }
    str_free(&text);
    return where ? where : config_where(a, file, node);
}
