/* SPDX-License-Identifier: Apache-2.0 */
/* What the mappers share when they read a record and build facts: numbers, texts, identities, keys,
 * displays of local codes. */
#ifndef INSTRUMENT_FACTS_H
#define INSTRUMENT_FACTS_H

#include <iptfhir/plugin.h>

/* Where facts are built: the document of the record in hand, or that of the instance. What can't be
 * built sets `failed`, and the rest goes on with NULL: check once, at the end. */
struct facts {
    const struct iptfhir_host *host;
    iptfhir_nodes nodes;
    struct iptfhir_document *document;
    bool failed;
};

/* ---- reading: what is absent, null or of another kind is NULL, 0 or false ---- */
static inline const struct iptfhir_node *
facts_get(const struct facts *f, const struct iptfhir_node *object, const char *name) {
    return f->nodes->get(object, name);
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
    return f->nodes->first(list);
}
static inline const struct iptfhir_node *facts_next(const struct facts *f,
                                                    const struct iptfhir_node *item) {
    return f->nodes->next(item);
}
/* Walks there: for the short lists of data files. */
static inline const struct iptfhir_node *facts_at(const struct facts *f,
                                                  const struct iptfhir_node *list, size_t index) {
    return f->nodes->at(list, index);
}
static inline size_t facts_count(const struct facts *f, const struct iptfhir_node *list) {
    return f->nodes->count(list);
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

/* ---- building ---- */
/* Passes a node on; NULL is a failure. */
static inline struct iptfhir_node *facts_made(struct facts *f, struct iptfhir_node *node) {
    f->failed = f->failed || node == NULL;
    return node;
}
static inline struct iptfhir_node *facts_object(struct facts *f) {
    return facts_made(f, f->nodes->object(f->document));
}
static inline struct iptfhir_node *facts_array(struct facts *f) {
    return facts_made(f, f->nodes->array(f->document));
}
static inline struct iptfhir_node *facts_copy_of(struct facts *f, const struct iptfhir_node *node) {
    return facts_made(f, f->nodes->copy(f->document, node));
}
static inline void facts_set(struct facts *f, struct iptfhir_node *object, const char *name,
                             struct iptfhir_node *value) {
    if (!f->nodes->set(f->document, object, name, value))
        f->failed = true;
}
static inline void facts_append(struct facts *f, struct iptfhir_node *list,
                                struct iptfhir_node *value) {
    if (!f->nodes->append(list, value))
        f->failed = true;
}
static inline void facts_set_number(struct facts *f, struct iptfhir_node *object, const char *name,
                                    int64_t number) {
    facts_set(f, object, name, f->nodes->whole(f->document, number));
}
static inline void facts_set_truth(struct facts *f, struct iptfhir_node *object, const char *name,
                                   bool value) {
    facts_set(f, object, name, f->nodes->truth(f->document, value));
}
/* A member that is a new list. */
static inline struct iptfhir_node *facts_set_list(struct facts *f, struct iptfhir_node *object,
                                                  const char *name) {
    struct iptfhir_node *list = facts_array(f);
    facts_set(f, object, name, list);
    return list;
}
/* Sets a member to a text; a NULL text sets nothing. */
void facts_set_text(struct facts *f, struct iptfhir_node *object, const char *name,
                    const char *text);
/* Sets a member to a copy of what another object's member is, unless that is absent or null, or
 * `member` is NULL. */
void facts_copy(struct facts *f, struct iptfhir_node *object, const char *name,
                const struct iptfhir_node *from, const char *member);
/* A text made by a format, of any length. */
struct iptfhir_node *facts_format(struct facts *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The UUID of a resource whose key is made by a format. */
struct iptfhir_node *facts_identity(struct facts *f, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True when a consent of the record excludes a data class. */
bool facts_excluded(const struct facts *f, const struct iptfhir_node *record,
                    const char *data_class);

/* The key of a communication assessment that has a date: recordId/comm-DATE, with -2, -3 ... for
 * further ones of that date. */
struct iptfhir_node *facts_communication_key(struct facts *f, const char *record_id,
                                             const struct iptfhir_node *assessments,
                                             const struct iptfhir_node *assessment);

/* The displays of our local codes: an object code -> display, from terminology/codesystem-ipt.json,
 * in the document of the instance. NULL and an error. */
const struct iptfhir_node *facts_displays(const struct iptfhir_host *host,
                                          struct iptfhir_error *error);
#endif
