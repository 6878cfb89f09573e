/* SPDX-License-Identifier: Apache-2.0 */
/* Documents for plugins: records, facts and resources as nodes, read and built through the host.
 *
 * Ownership  A node lives in a document and dies with it; nobody frees one. The document of a sink
 *            lasts for the record in hand (see the sink), that of a host as long as the instance.
 *            Texts borrowed from a node live as long as the node.
 * Sharing    A node has at most one parent. set() and append() take a node that has none; what
 *            stands elsewhere, or in another document, is put in as a copy().
 * Errors     A function that builds returns NULL (or false) when memory is out or a limit is
 *            reached, and takes NULL, which gives NULL or false again: build first, check once.
 *            A function that reads takes NULL, and a node of another kind, as "absent".
 * Threads    Nodes may be read by any number of threads. A document is built in by one thread.
 * Privacy    Records and resources are patient data: neither texts nor names go to log() or into
 *            an error. */
#ifndef IPTFHIR_NODE_H
#define IPTFHIR_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iptfhir_node;
struct iptfhir_document; /* where nodes are built */
struct iptfhir_error;    /* in plugin.h */

typedef enum {
    IPTFHIR_NODE_NONE, /* of NULL */
    IPTFHIR_NODE_NULL,
    IPTFHIR_NODE_BOOLEAN,
    IPTFHIR_NODE_NUMBER,
    IPTFHIR_NODE_STRING,
    IPTFHIR_NODE_ARRAY,
    IPTFHIR_NODE_OBJECT
} iptfhir_node_kind;

/* What the host gives as host->nodes. The inline functions below join two calls in one. */
struct iptfhir_node_api {
    size_t size;
    /* ---- reading ---- */
    iptfhir_node_kind (*kind)(const struct iptfhir_node *node);
    /* A member of an object. */
    const struct iptfhir_node *(*get)(const struct iptfhir_node *object, const char *name);
    /* The first child of an array or object, and the one after a child; NULL at the end. */
    const struct iptfhir_node *(*first)(const struct iptfhir_node *container);
    const struct iptfhir_node *(*next)(const struct iptfhir_node *child);
    /* A child by its place, from 0: walks there, so loop with first() and next(). */
    const struct iptfhir_node *(*at)(const struct iptfhir_node *container, size_t index);
    /* How many children an array or object has; 0 for all else. */
    size_t (*count)(const struct iptfhir_node *container);
    /* The name of a member; NULL for elements of arrays and for roots. */
    const char *(*name)(const struct iptfhir_node *member);
    /* The UTF-8 text of a string, NUL-terminated; `length` (may be NULL) gets its bytes. */
    const char *(*text)(const struct iptfhir_node *string, size_t *length);
    /* The text of a number exactly as it was read or built: "1.50" stays "1.50". */
    const char *(*number)(const struct iptfhir_node *number);
    /* The value of a whole number that fits; false for all else ("1.0" has a point). */
    bool (*integer)(const struct iptfhir_node *number, int64_t *value);
    /* The nearest double of any number. */
    bool (*real)(const struct iptfhir_node *number, double *value);
    bool (*boolean)(const struct iptfhir_node *boolean, bool *value);
    /* Line and column in the file it comes from, from 1; false when it was built and not placed. */
    bool (*position)(const struct iptfhir_node *node, uint32_t *line, uint32_t *column);
    /* The node that a JSON pointer (RFC 6901) names. */
    const struct iptfhir_node *(*find)(const struct iptfhir_node *root, const char *pointer);
    /* ---- building ---- */
    struct iptfhir_node *(*object)(struct iptfhir_document *);
    struct iptfhir_node *(*array)(struct iptfhir_document *);
    struct iptfhir_node *(*null)(struct iptfhir_document *);
    /* Copies `length` bytes; NULL also when they are not UTF-8 or hold a NUL. */
    struct iptfhir_node *(*string)(struct iptfhir_document *, const char *bytes, size_t length);
    /* Keeps a number's text; NULL also when it is no JSON number. */
    struct iptfhir_node *(*number_text)(struct iptfhir_document *, const char *text);
    struct iptfhir_node *(*whole)(struct iptfhir_document *, int64_t value);
    struct iptfhir_node *(*truth)(struct iptfhir_document *, bool value);
    /* A deep copy that belongs to this document and has no parent; NULL also beyond 64 levels. */
    struct iptfhir_node *(*copy)(struct iptfhir_document *, const struct iptfhir_node *node);
    /* Sets a member, in the place of one of that name or behind the last. */
    bool (*set)(struct iptfhir_document *, struct iptfhir_node *object, const char *name,
                struct iptfhir_node *value);
    bool (*append)(struct iptfhir_node *array, struct iptfhir_node *value);
    /* Says where a built node comes from, as position() does: messages name the place. What is in
     * it and has no place of its own takes it over. */
    void (*place)(struct iptfhir_node *node, uint32_t line, uint32_t column);
    /* ---- JSON ---- */
    /* Parses a JSON text: numbers stay exact, names must differ, at most 64 levels. NULL, and where
     * and why in `error` (may be NULL). */
    struct iptfhir_node *(*read)(struct iptfhir_document *, const char *json, size_t length,
                                 struct iptfhir_error *error);
    /* The compact JSON text of a node, NUL-terminated, in the document. */
    const char *(*write)(struct iptfhir_document *, const struct iptfhir_node *node,
                         size_t *length);
};

typedef const struct iptfhir_node_api *iptfhir_nodes;

/* A member that is an array: to be walked with first() and next(). */
static inline const struct iptfhir_node *
iptfhir_get_array(iptfhir_nodes api, const struct iptfhir_node *object, const char *name) {
    const struct iptfhir_node *member = api->get(object, name);
    return api->kind(member) == IPTFHIR_NODE_ARRAY ? member : NULL;
}
static inline const char *iptfhir_get_text(iptfhir_nodes api, const struct iptfhir_node *object,
                                           const char *name) {
    return api->text(api->get(object, name), NULL);
}
/* False also when the member is absent or no boolean. */
static inline bool iptfhir_get_true(iptfhir_nodes api, const struct iptfhir_node *object,
                                    const char *name) {
    bool value = false;
    return api->boolean(api->get(object, name), &value) && value;
}
static inline bool iptfhir_set_text(iptfhir_nodes api, struct iptfhir_document *d,
                                    struct iptfhir_node *object, const char *name,
                                    const char *text) {
    return text != NULL && api->set(d, object, name, api->string(d, text, strlen(text)));
}
static inline bool iptfhir_set_integer(iptfhir_nodes api, struct iptfhir_document *d,
                                       struct iptfhir_node *object, const char *name,
                                       int64_t value) {
    return api->set(d, object, name, api->whole(d, value));
}

#ifdef __cplusplus
}
#endif
#endif
