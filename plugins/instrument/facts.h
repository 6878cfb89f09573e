/* SPDX-License-Identifier: Apache-2.0 */
/* What the mappers share when they read a record and build facts: numbers, texts, identities, keys,
 * displays of local codes. */
#ifndef INSTRUMENT_FACTS_H
#define INSTRUMENT_FACTS_H

#include <iptfhir/plugin.h>

/* Where facts are built: the document of the record in hand, or that of the instance. */
struct facts {
    const struct iptfhir_host *host;
    iptfhir_nodes nodes;
    struct iptfhir_document *document;
};

/* ---- reading: what is absent, null or of another kind is NULL, 0 or false ---- */
static inline const struct iptfhir_node *
facts_get(const struct facts *f, const struct iptfhir_node *object, const char *name) {
    return iptfhir_get(f->nodes, object, name);
}
static inline const char *facts_text(const struct facts *f, const struct iptfhir_node *object,
                                     const char *name) {
    return iptfhir_get_text(f->nodes, object, name);
}
static inline const struct iptfhir_node *
facts_list(const struct facts *f, const struct iptfhir_node *object, const char *name) {
    return iptfhir_get_array(f->nodes, object, name);
}
static inline const struct iptfhir_node *facts_first(const struct facts *f,
                                                     const struct iptfhir_node *list) {
    return iptfhir_first(f->nodes, list);
}
static inline const struct iptfhir_node *facts_next(const struct facts *f,
                                                    const struct iptfhir_node *item) {
    return iptfhir_next(f->nodes, item);
}
/* Walks there: for the short lists of data files. */
static inline const struct iptfhir_node *facts_at(const struct facts *f,
                                                  const struct iptfhir_node *list, size_t index) {
    return f->nodes->at(list, index);
}
static inline size_t facts_count(const struct facts *f, const struct iptfhir_node *list) {
    return iptfhir_count(f->nodes, list);
}
/* True when a member is there and not null. */
bool facts_has(const struct facts *f, const struct iptfhir_node *object, const char *name);
/* The whole number of a member, also of one that is written with zeros behind a point. */
bool facts_number(const struct facts *f, const struct iptfhir_node *object, const char *name,
                  int64_t *number);
/* The number of a member. */
bool facts_real(const struct facts *f, const struct iptfhir_node *object, const char *name,
                double *number);
/* True when a list of texts has this one. */
bool facts_lists(const struct facts *f, const struct iptfhir_node *list, const char *text);

/* ---- building: false (or NULL) when memory is out; a NULL value counts as that ---- */
static inline struct iptfhir_node *facts_object(const struct facts *f) {
    return iptfhir_object(f->nodes, f->document);
}
static inline struct iptfhir_node *facts_array(const struct facts *f) {
    return iptfhir_array(f->nodes, f->document);
}
static inline bool facts_set(const struct facts *f, struct iptfhir_node *object, const char *name,
                             struct iptfhir_node *value) {
    return iptfhir_set(f->nodes, f->document, object, name, value);
}
static inline bool facts_append(const struct facts *f, struct iptfhir_node *list,
                                struct iptfhir_node *value) {
    return iptfhir_append(f->nodes, list, value);
}
static inline bool facts_set_number(const struct facts *f, struct iptfhir_node *object,
                                    const char *name, int64_t number) {
    return iptfhir_set_integer(f->nodes, f->document, object, name, number);
}
static inline bool facts_set_truth(const struct facts *f, struct iptfhir_node *object,
                                   const char *name, bool value) {
    return iptfhir_set_boolean(f->nodes, f->document, object, name, value);
}
/* A copy of a node. */
static inline struct iptfhir_node *facts_copy_of(const struct facts *f,
                                                 const struct iptfhir_node *node) {
    return f->nodes->copy(f->document, node);
}
/* Sets a member to a text; a NULL text sets nothing and is fine. */
bool facts_set_text(const struct facts *f, struct iptfhir_node *object, const char *name,
                    const char *text);
/* Sets a member to a copy of what another object's member is, unless that is absent or null. */
bool facts_copy(const struct facts *f, struct iptfhir_node *object, const char *name,
                const struct iptfhir_node *from, const char *member);
/* A text made by a format, of any length. */
struct iptfhir_node *facts_format(const struct facts *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The UUID of a resource whose key is made by a format. */
struct iptfhir_node *facts_identity(const struct facts *f, const char *type, const char *format,
                                    ...) __attribute__((format(printf, 3, 4)));

/* True when a consent of the record excludes a data class. */
bool facts_excluded(const struct facts *f, const struct iptfhir_node *record,
                    const char *data_class);

/* The key of a communication assessment: recordId/comm-DATE, with -2, -3 ... for further ones of
 * that date; NULL without a date or memory. */
struct iptfhir_node *facts_communication_key(const struct facts *f, const char *record_id,
                                             const struct iptfhir_node *assessments,
                                             const struct iptfhir_node *assessment);

/* The displays of our local codes: an object code -> display, from terminology/codesystem-ipt.json,
 * in the document of the instance. NULL and an error. */
const struct iptfhir_node *facts_displays(const struct iptfhir_host *host,
                                          struct iptfhir_error *error);
#endif
