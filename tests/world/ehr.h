/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated EHR: a FHIR R4 server in this process that takes requests as the network would carry
 * them and answers at the virtual time it is given. It has no socket, no thread and no clock. Its
 * habits are those of real products (LAB.md, DOMAIN section 4): knobs say which. */
#ifndef TESTS_WORLD_EHR_H
#define TESTS_WORLD_EHR_H

#include "core/base/str.h"
#include "core/tree/tree.h"

#include <iptfhir/target.h>
#include <stdint.h>

enum ehr_bundles { EHR_SINGLY, EHR_BATCH, EHR_TRANSACTION };
struct ehr_knobs {
    bool conditional_create;     /* If-None-Exist is honoured, and offered in /metadata */
    bool conditional_fresh;      /* ... and sees what a search doesn't show yet */
    bool client_ids;             /* PUT to a new id creates */
    bool none_match;             /* If-None-Match: * is honoured */
    bool versions;               /* versionId, ETag, If-Match */
    bool reuses_searches;        /* a search is answered from memory for 60 s, but for no-cache */
    bool sets;                   /* meta.tag and meta.security come back in another order */
    bool decorates;              /* adds text, meta.lastUpdated and an extension to what it takes */
    bool numeric_ids;            /* gives numbers for ids, else letters and numbers */
    bool checks_references;      /* refuses references to what it does not hold */
    bool searches_by_identifier; /* else by patient and code only */
    bool honours_prefer;         /* return=minimal leaves the body out */
    enum ehr_bundles bundles;
    int64_t index_lag_ms; /* a create shows in searches that much later */
    int conflict_status;  /* of a stale If-Match: 409 or 412 */
    int gone_status;      /* of a deleted resource: 404 or 410 */
    int unknown_status;   /* of an id never given: 404 or 400 */
    size_t most_bytes;    /* of a request, 0: any */
    size_t most_entries;  /* of a bundle, 0: any */
    size_t page;          /* resources of a page, 0: all */
};
/* How the whole server answers for a while. */
enum ehr_weather {
    EHR_FAIR,
    EHR_FORBIDDEN,      /* 403 on everything */
    EHR_BUSY_SECONDS,   /* 429, Retry-After in seconds */
    EHR_BUSY_DATE,      /* 503, Retry-After as an HTTP-date of the EHR's own clock */
    EHR_SIGN_IN,        /* a proxy's sign-in page: 200, HTML */
    EHR_OUTCOME,        /* 200 with an OperationOutcome of severity error, nothing done */
    EHR_OTHER_RESOURCE, /* 200 with a resource that nobody asked for, nothing done */
    EHR_FAILS,          /* 500, nothing done */
    EHR_FAILS_AFTER,    /* 500, and done */
    EHR_WEATHERS
};
const char *ehr_weather_name(enum ehr_weather weather);
/* What the search for one bad patient does. */
enum ehr_bad { EHR_GOOD, EHR_BAD_HANGS, EHR_BAD_HTML, EHR_BAD_FAILS };

enum { EHR_ID = 68, EHR_TYPE = 24, EHR_TOKEN = 120, EHR_TOKENS = 4 };
struct ehr_resource {
    char type[EHR_TYPE], id[EHR_ID];
    uint32_t version;
    bool deleted;
    char *body; /* JSON as it is answered, id and meta included; malloc'ed */
    size_t length;
    int64_t visible_ms;                      /* when searches show it */
    char identifiers[EHR_TOKENS][EHR_TOKEN]; /* "system|value" */
    size_t identifier_count;
    char patient[EHR_ID]; /* whose, "" when nobody's */
    char code[EHR_TOKEN]; /* first coding of `code` */
};

struct ehr;
/* What observers hear: `before` is NULL for a create, and holds the body as it was else. `client`:
 * a request did it, not somebody at the EHR's side. */
typedef void ehr_observer(void *user, struct ehr *e, const struct ehr_resource *before,
                          const struct ehr_resource *after, bool client);
/* NULL when memory is out. `name` is borrowed; it makes the base address. */
struct ehr *ehr_new(const char *name, const struct ehr_knobs *knobs);
void ehr_free(struct ehr *e);
const char *ehr_base(const struct ehr *e);
const struct ehr_knobs *ehr_knobs(const struct ehr *e);
void ehr_observe(struct ehr *e, ehr_observer *observer, void *user);
/* Answers a request that arrives at `now_ms` (the EHR's own wall clock). The answer lives in `a`.
 * *hangs: no answer ever comes. */
void ehr_serve(struct ehr *e, int64_t now_ms, const struct iptfhir_http_request *request,
               struct arena *a, struct iptfhir_http_response *answer, bool *hangs);

/* ---- at the EHR's side ---- */
void ehr_set_weather(struct ehr *e, enum ehr_weather weather, int64_t until_ms, int retry_after_s);
void ehr_set_bad_patient(struct ehr *e, const char *identifier_value, enum ehr_bad how);
/* Registers a patient; *out borrows the resource. */
struct ehr_person {
    const char *system, *value, *family, *given, *birth_date, *sex;
};
const struct ehr_resource *ehr_register(struct ehr *e, int64_t now_ms,
                                        const struct ehr_person *person);
size_t ehr_count(const struct ehr *e);
const struct ehr_resource *ehr_at(const struct ehr *e, size_t index);
const struct ehr_resource *ehr_find(const struct ehr *e, const char *type, const char *id);
/* The live patient with this identifier (not replaced, not inactive), NULL: none. */
const struct ehr_resource *ehr_patient_of(const struct ehr *e, const char *system,
                                          const char *value);
/* An editor sets the member `name` of a resource to a JSON value, or removes it (NULL). */
bool ehr_edit(struct ehr *e, int64_t now_ms, const struct ehr_resource *r, const char *name,
              const char *json);
bool ehr_delete(struct ehr *e, int64_t now_ms, const struct ehr_resource *r);
bool ehr_undelete(struct ehr *e, int64_t now_ms, const struct ehr_resource *r);
/* Merges patient `from` into `to`: its identifiers and resources move there. */
bool ehr_merge(struct ehr *e, int64_t now_ms, const char *from, const char *to);
/* Forgets everything; ids are handed out from the start again. */
void ehr_reset(struct ehr *e);
/* Forgets what only lives in memory: searches to be reused. */
void ehr_restart(struct ehr *e);
#endif
