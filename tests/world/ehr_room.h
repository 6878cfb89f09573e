/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulated EHR share: its state, and commits. */
#ifndef TESTS_WORLD_EHR_ROOM_H
#define TESTS_WORLD_EHR_ROOM_H

#include "tests/world/ehr.h"

enum { EHR_CACHE = 32, EHR_CACHED = 64, EHR_CACHE_MS = 60000 };
struct ehr_cached {
    uint64_t query;
    int64_t at_ms;
    size_t count;
    uint32_t hits[EHR_CACHED];
};
/* One commit that a failing transaction takes back. */
struct ehr_undo {
    size_t index;
    bool created;
    struct ehr_resource before;
};
struct ehr {
    struct ehr_knobs knobs;
    char base[96];
    struct ehr_resource **list;
    size_t count, capacity;
    uint32_t next_id;
    int64_t now_ms;
    enum ehr_weather weather;
    int64_t weather_until_ms;
    int retry_after_s;
    char bad_value[EHR_TOKEN];
    enum ehr_bad bad;
    struct ehr_cached cache[EHR_CACHE];
    size_t cache_next;
    ehr_observer *observer;
    void *user;
    bool in_transaction;
    struct ehr_undo *undo;
    size_t undo_count, undo_capacity;
};

/* ---- ehr_store.c: resources and commits ---- */
struct ehr_resource *ehr_look(const struct ehr *e, const char *type, const char *id);
void ehr_new_id(struct ehr *e, char out[EHR_ID]);
/* Commits a body under type/id, as a create or an update; the tree is changed: id, meta and what
 * the server adds. Never NULL: a test program without memory aborts. */
struct ehr_resource *ehr_commit(struct ehr *e, const char *type, const char *id, struct tree *body,
                                struct arena *a, bool client);
void ehr_transaction_begin(struct ehr *e);
void ehr_transaction_end(struct ehr *e, bool keep);
/* Sets a member of an object, in place of one of that name. */
bool ehr_set(struct arena *a, struct tree *object, const char *name, struct tree *value);

/* ---- ehr_search.c ---- */
/* Whether a resource answers to one "name=value" query, %-encoded. `fresh`: index lag is ignored.
 */
size_t ehr_matches(const struct ehr *e, const char *type, const char *query, bool fresh,
                   uint32_t *hits, size_t most);
void ehr_search(struct ehr *e, const char *type, const char *query, bool no_cache, struct arena *a,
                struct iptfhir_http_response *answer, bool *hangs);

/* ---- ehr_http.c: single interactions ---- */
struct ehr_call {
    const char *method, *path; /* path begins with '/'; the query is cut off */
    const char *query;         /* "" when none */
    const char *if_match, *if_none_match, *if_none_exist;
    bool no_cache, minimal;
    struct tree *body;    /* NULL: none, or no JSON */
    const char *form;     /* body of _search */
    const char *given_id; /* of a create within a transaction; NULL: the server gives one */
};
void ehr_outcome(struct arena *a, struct iptfhir_http_response *answer, int status,
                 const char *code, const char *text);
void ehr_single(struct ehr *e, const struct ehr_call *c, struct arena *a,
                struct iptfhir_http_response *answer, bool *hangs);
/* ---- ehr_bundle.c ---- */
void ehr_bundle(struct ehr *e, const struct tree *bundle, size_t bytes, struct arena *a,
                struct iptfhir_http_response *answer);
#endif
