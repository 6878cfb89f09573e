/* SPDX-License-Identifier: Apache-2.0 */
/* The one tree: records and resources alike. Nodes live in an arena, numbers keep their source
 * text, every node knows where it came from. Order of members is kept. */
#ifndef CORE_TREE_TREE_H
#define CORE_TREE_TREE_H

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/tree/arena.h"
#include "core/tree/symbol.h"

#include <stdbool.h>
#include <stdint.h>

enum tree_kind { TREE_NULL, TREE_BOOLEAN, TREE_NUMBER, TREE_STRING, TREE_ARRAY, TREE_OBJECT };

struct tree {
    uint8_t kind; /* enum tree_kind */
    bool boolean;
    uint32_t symbol; /* of `name`; 0: not a known name, compare the text */
    uint32_t length; /* bytes of text; number of children */
    uint32_t name_length;
    uint32_t line, column; /* 1-based; 0: made here, not read */
    const char
        *name; /* member name inside an object, NUL-terminated; NULL in arrays and at the root */
    union {
        const char *text; /* string (unescaped UTF-8) or number (its source text), NUL-terminated */
        struct tree *first; /* first child of an array or object */
    };
    struct tree *last; /* last child */
    struct tree *next; /* next sibling */
    struct tree *parent;
};

/* Making nodes: all return NULL when the arena is out. Texts are copied unless the name says
 * _borrowed (then they must outlive the arena's use and be NUL-terminated). */
struct tree *tree_new(struct arena *a, enum tree_kind kind);
struct tree *tree_string(struct arena *a, const char *text, size_t length);
struct tree *tree_string_borrowed(struct arena *a, const char *text, size_t length);
struct tree *tree_number(struct arena *a, const char *text, size_t length);
struct tree *tree_integer(struct arena *a, int64_t value);
struct tree *tree_boolean(struct arena *a, bool value);
/* Appends `child` (not yet in a tree) to an array. NULL child: returns false. */
bool tree_append(struct tree *array, struct tree *child);
/* Appends a member; `name` is copied (or shared when it is a known symbol). Doesn't look for an
 * existing one. */
bool tree_add(struct arena *a, struct tree *object, const char *name, struct tree *child);
/* The same when the caller has looked up the symbol of the name (0: it has none). */
bool tree_add_known(struct arena *a, struct tree *object, const char *name, size_t length,
                    uint32_t symbol, struct tree *child);
/* The same with a symbol, no copy. */
bool tree_add_symbol(struct tree *object, uint32_t symbol, struct tree *child);
/* Unlinks a child from its parent. */
void tree_remove(struct tree *child);
/* Deep copy into an arena, positions kept; NULL also for NULL and for what is more than
 * TREE_MAX_DEPTH deep. */
struct tree *tree_copy(struct arena *a, const struct tree *node);

/* Looking: NULL when absent or of another kind. */
struct tree *tree_get(const struct tree *object, const char *name);
struct tree *tree_get_known(const struct tree *object, const char *name, size_t length,
                            uint32_t symbol);
struct tree *tree_get_symbol(const struct tree *object, uint32_t symbol);
struct tree *tree_at(const struct tree *array, size_t index);
/* The text of a string member, NULL when absent or no string. */
const char *tree_text(const struct tree *object, const char *name);
/* RFC 6901 JSON pointer look-up. */
struct tree *tree_pointer(const struct tree *root, const char *pointer);
/* Writes the JSON pointer of a node (from its root) into `out`; returns out. */
const char *tree_path(const struct tree *node, char *out, size_t size);
/* Number text as int64; false when not a whole number in range. */
bool tree_to_int(const struct tree *node, int64_t *out);

/* ---- JSON in: RFC 8259, UTF-8 checked, duplicate names are errors, depth and size bounded ---- */
#define TREE_MAX_DEPTH 64
/* Parses one JSON text. `source` names the file in errors (may be NULL), `first_line` is the line
 * number of its first byte. Strings without escapes may point into `text` only if `borrow`, which
 * then must outlive the arena's use and be writable (a NUL is put behind each). NULL and an error
 * ("file:line:column", what was expected) otherwise. */
struct tree *json_read(struct arena *a, char *text, size_t length, const char *source,
                       uint32_t first_line, bool borrow, struct iptfhir_error *error);
/* The same from const text: copies. */
struct tree *json_read_copy(struct arena *a, const char *text, size_t length, const char *source,
                            struct iptfhir_error *error);
/* ---- JSON out ---- */
enum json_style { JSON_COMPACT, JSON_PRETTY /* two spaces */ };
void json_write(struct str *out, const struct tree *node, enum json_style style);
/* Canonical text for hashing: members sorted by name, compact; numbers by their source text. */
void json_write_canonical(struct str *out, const struct tree *node);

/* ---- comparing ---- */
/* Semantic equality: member order doesn't matter, array order does, numbers compare by their text.
 */
bool tree_equal(const struct tree *a, const struct tree *b);
/* Calls `change` for each difference, depth first: pointer, old (NULL: added), new (NULL: removed).
 * Values may be patient data: for golden tests and dry runs only. Returns the number of
 * differences. */
size_t tree_diff(const struct tree *before, const struct tree *after,
                 void (*change)(void *context, const char *pointer, const struct tree *before,
                                const struct tree *after),
                 void *context);
/* Three-way merge by element: `merged` gets changes of both sides; arrays that both changed
 * differently, and elements both changed differently, are overlaps: written to `overlap`, one JSON
 * pointer a line. True when there is no overlap. *merged is NULL when memory ran out: that says
 * nothing about overlaps. `mine` is never NULL. */
bool tree_merge(struct arena *a, const struct tree *base, const struct tree *mine,
                const struct tree *theirs, struct tree **merged, struct str *overlap);
#endif
