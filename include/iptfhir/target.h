/* SPDX-License-Identifier: Apache-2.0 */
/* What a target plugin does: it turns the core's orders into requests and answers into evidence.
 *
 * It performs no HTTP and decides nothing. The core gives an order about some items; ask() adds the
 * requests that carry it out; the core performs them (or a simulation does) and gives the answers;
 * answer() says what they prove. What comes next is the core's decision, the same for every target.
 * A target that writes elsewhere (a file) adds no request and acts in answer().
 *
 * Threads   One instance is entered by one thread at a time, but several orders may be under way:
 *           ask() of a second may come before answer() of the first. What belongs to one order is
 *           kept under its number.
 * Memory    Arguments are borrowed for the call. Texts in requests and evidence are copied by the
 *           sink before it returns. */
#ifndef IPTFHIR_TARGET_H
#define IPTFHIR_TARGET_H

#include <iptfhir/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- HTTP: performed by the core; TLS is verified always ---- */
struct iptfhir_http_settings {
    size_t size;
    const char *base_url; /* https://...; plain http only with insecure_loopback, to such a host */
    const char *ca_file;  /* PEM; NULL: the system's */
    bool insecure_loopback;
    int64_t timeout_ms; /* of a whole request */
    int64_t connect_timeout_ms;
    int64_t max_body; /* bytes of an answer that are taken */
    int64_t parallel; /* requests of one order that are under way at once, at least 1 */
};
struct iptfhir_http_request {
    size_t size;
    const char *method;
    const char *path;           /* path and query, appended to base_url, already URL-encoded */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const char *body;           /* NULL: none */
    size_t body_length;
};
typedef enum {
    IPTFHIR_HTTP_ANSWERED, /* a complete answer */
    IPTFHIR_HTTP_NOT_SENT, /* certainly nothing was processed: no connection, TLS refused */
    IPTFHIR_HTTP_LOST /* sent in part or whole, no complete answer: the server may have acted */
} iptfhir_http_outcome;
struct iptfhir_http_response {
    size_t size;
    iptfhir_http_outcome outcome;
    int status; /* 0: none; LOST may carry one */
    const char *body;
    size_t body_length;
    bool truncated; /* longer than max_body */
    /* header values, or NULL */
    const char *etag;
    const char *location;
    const char *retry_after;
    const char *content_type;
    const char *date;
    const char *error; /* when not ANSWERED: a message for people */
};

/* ---- orders ---- */
typedef enum {
    IPTFHIR_LEARN, /* what the server can do; no items */
    IPTFHIR_MATCH, /* its patients with order.identifiers; no items; only where there is a server */
    IPTFHIR_FIND,  /* items by business identifier within order.chart, or as the server allows */
    IPTFHIR_READ,  /* items by server_id, as they are now */
    IPTFHIR_WRITE  /* items, as their verb says; together in one bundle when order.together */
} iptfhir_task;
typedef enum {
    IPTFHIR_CREATE,         /* a plain create */
    IPTFHIR_CREATE_IF_NONE, /* create unless one with this identifier is there (If-None-Exist) */
    IPTFHIR_CREATE_AT,      /* PUT Type/id under our id, unless there is one (If-None-Match: *) */
    IPTFHIR_UPDATE /* PUT Type/server_id, if it still has `version` (If-Match), when given */
} iptfhir_verb;
struct iptfhir_item {
    size_t size;
    const char *type;   /* resource type */
    const char *id;     /* our UUID */
    const char *system; /* business identifier; NULL: none */
    const char *value;
    const char *server_id; /* NULL: not known */
    const char *version;   /* NULL: none */
    iptfhir_verb verb;     /* of WRITE */
    const char *body;      /* of WRITE and FIND: JSON as it goes out; references are final */
    size_t body_length;
};
struct iptfhir_identifier {
    const char *system;
    const char *value;
};
typedef enum { IPTFHIR_SINGLY, IPTFHIR_BATCH, IPTFHIR_TRANSACTION } iptfhir_together;
struct iptfhir_order {
    size_t size;
    uint64_t number; /* names this order; the same again when answer() said IPTFHIR_AGAIN */
    int round;       /* 0, then counted up with each IPTFHIR_AGAIN */
    iptfhir_task task;
    iptfhir_together together; /* of WRITE: all items as one bundle */
    const char *chart;         /* the patient's id at the server; NULL: none is needed or known */
    const struct iptfhir_identifier *identifiers; /* of MATCH */
    size_t identifier_count;
    const struct iptfhir_item *items;
    size_t count;
};

/* ---- evidence ---- */
typedef enum {
    IPTFHIR_WRITTEN,   /* this write took effect: server_id, version, body if it came back */
    IPTFHIR_FOUND,     /* it is there: server_id, version, body; once for each that is there */
    IPTFHIR_ABSENT,    /* the server was asked and has none (an unknown id included) */
    IPTFHIR_GONE,      /* it was deleted there */
    IPTFHIR_CHANGED,   /* the write was refused: somebody changed it, or the version is old */
    IPTFHIR_DUPLICATE, /* the write was refused: the server has one already (or several) */
    IPTFHIR_REFUSED, /* refused for what it is: `code` and `detail`; a person or a new body helps */
    IPTFHIR_TOO_LARGE, /* refused for its size: fewer items together, or REFUSED when it is one */
    IPTFHIR_NOT_TOGETHER, /* bundles of this kind are refused here: send the items otherwise */
    IPTFHIR_NOT_DONE,     /* certainly not acted on; may be tried again */
    IPTFHIR_FAILED,       /* the server said that it failed (5xx): it may have acted */
    IPTFHIR_LOST          /* sent, and no usable answer came: it may have acted */
} iptfhir_proof;
struct iptfhir_evidence {
    size_t size;
    iptfhir_proof proof;
    const char *server_id;
    const char *version;
    const char *body; /* JSON of the resource as the server holds it; NULL: it did not say */
    size_t body_length;
    const char *code; /* a code of iptfhir(1) */
    const char
        *detail; /* HTTP status, issue codes, expressions; no patient data, never diagnostics */
};
/* A patient that the server has under one of the order's identifiers. */
struct iptfhir_candidate {
    size_t size;
    const char *server_id;
    bool active;             /* false: `active` is false there */
    const char *replaced_by; /* id of the patient that it was merged into; NULL */
    const struct iptfhir_identifier
        *identifiers; /* all it carries, those with use `old` left out */
    size_t identifier_count;
    const struct iptfhir_identifier *former; /* identifiers with use `old` */
    size_t former_count;
    const char *const *families; /* of names that are not old; NULL-terminated */
    const char *const *givens;   /* first given names, NULL-terminated */
    const char *birth_date;      /* "YYYY-MM-DD" or shorter; NULL */
    const char *sex;             /* male, female, other, unknown; NULL */
};
enum { /* what a server can do with a type */
       IPTFHIR_CAN_CREATE = 1,
       IPTFHIR_CAN_UPDATE = 2,
       IPTFHIR_CAN_READ = 4,
       IPTFHIR_CAN_FIND = 8, /* search narrow enough to find one of ours again */
       IPTFHIR_CAN_CREATE_IF_NONE = 16,
       IPTFHIR_CAN_CREATE_AT = 32, /* clients choose ids (updateCreate) */
       IPTFHIR_HAS_VERSIONS = 64
};
#define IPTFHIR_ANY_TYPE "*" /* an ability with each type that is not listed */
struct iptfhir_ability {
    const char *type; /* NULL: the end */
    unsigned can;
};
struct iptfhir_abilities {
    size_t size;
    const struct iptfhir_ability *types;
    bool transaction;
    bool batch;
};
/* What an answer says about the whole target, whatever it says about an item. */
struct iptfhir_pause {
    size_t size;
    const char
        *code; /* target-busy, target-unreachable, target-unauthorized, target-answer, quota ... */
    const char *detail;     /* what to do, for people */
    int64_t retry_after_ms; /* what the server asked for (RFC 9110 10.2.3), 0: it didn't */
    bool person;            /* waiting does not help: a person must act */
};
struct iptfhir_evidence_sink {
    size_t size;
    void *self;
    /* What is now known of item `index`. An item without evidence counts as LOST after a WRITE that
     * had requests and as NOT_DONE else. A MATCH has no items: after its last round index 0 says
     * how the search went, FOUND (each candidate was told), ABSENT (there is none), or why that is
     * not known; nothing said is NOT_DONE. A LEARN tells abilities or a pause, and no item. */
    void (*item)(struct iptfhir_evidence_sink *, size_t index, const struct iptfhir_evidence *);
    void (*candidate)(struct iptfhir_evidence_sink *, const struct iptfhir_candidate *);
    void (*abilities)(struct iptfhir_evidence_sink *, const struct iptfhir_abilities *);
    /* The whole target waits. */
    void (*pause)(struct iptfhir_evidence_sink *, const struct iptfhir_pause *);
};
struct iptfhir_request_sink {
    size_t size;
    void *self;
    void (*request)(struct iptfhir_request_sink *, const struct iptfhir_http_request *);
};
/* What answer() returns: the order is answered; ask the same again (next page, another method). */
typedef enum { IPTFHIR_ANSWERED, IPTFHIR_AGAIN } iptfhir_answered;
enum { IPTFHIR_ROUNDS_MOST = 50 }; /* rounds of one order */

struct iptfhir_target {
    size_t size;
    /* How its server is reached, in full once init() was called; base_url NULL: no server. What it
     * points to lives as long as the instance. */
    void (*connection)(void *self, struct iptfhir_http_settings *out);
    /* Adds the requests of an order. FATAL: it can't be asked at all (code and text say why).
     * RETRY: memory ran out. Unless it is OK, requests that were added are dropped. */
    iptfhir_status (*ask)(void *self, const struct iptfhir_order *order,
                          struct iptfhir_request_sink *sink, struct iptfhir_error *error);
    /* Says what the answers prove: one answer a request, in their order. `answers` is NULL when
     * the order had no request. */
    iptfhir_answered (*answer)(void *self, const struct iptfhir_order *order,
                               const struct iptfhir_http_response *answers, size_t count,
                               struct iptfhir_evidence_sink *sink);
};

#ifdef __cplusplus
}
#endif
#endif
