/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of target-fhir share: the instance, one delivery, its items, and the calls between
 * the parts. */
#ifndef TARGET_FHIR_FHIR_H
#define TARGET_FHIR_FHIR_H

#include "text.h"

#include <iptfhir/plugin.h>
#include <jansson.h>

enum {
    ID_SIZE = 65, /* a FHIR id and NUL */
    VERSION_SIZE = 129,
    DETAIL_SIZE = 400,
    HEADERS = 6,           /* headers of one request, at most */
    CACHE_SLOTS = 4096,    /* patients remembered per instance */
    CACHE_MS = 600 * 1000, /* how long a patient match and a CapabilityStatement hold */
    RETRY_MAX_MS = 24 * 3600 * 1000
};

/* ---- what a status means: outcome.c ---- */
enum operation {
    OP_CREATE = 1,
    OP_UPDATE = 2,
    OP_READ = 4,
    OP_SEARCH = 8,
    OP_BUNDLE = 16,
    OP_METADATA = 32,
    OP_ANY = 63
};
enum action {
    ACT_DONE,
    ACT_HOLD,     /* this change, under verdict.code */
    ACT_LATER,    /* this and what follows, after verdict.retry_after_ms */
    ACT_LOST,     /* the server may have acted: look before anything else */
    ACT_CONFLICT, /* somebody changed it: read and compare */
    ACT_SEARCH,   /* the server says it has one already: find it */
    ACT_SPLIT,    /* the bundle is too large */
    ACT_SINGLY,   /* the bundle is refused and names no entry: one call each */
    ACT_TARGET    /* nothing works here now: the whole target waits */
};
/* One answer, of a call or of a bundle's entry; borrowed. */
struct answer {
    iptfhir_http_outcome outcome;
    int status;
    const char *body;
    size_t body_length;
    bool truncated;
    const char *etag, *location, *retry_after, *error;
    const json_t *issues; /* OperationOutcome of an entry; NULL: it is in body, or there is none */
};
struct verdict {
    enum action action;
    const char *code; /* HOLD: a code that operators know */
    bool reference;   /* the server misses something that was referred to */
    int64_t retry_after_ms;
    char
        detail[DETAIL_SIZE]; /* status, issue codes, expressions, vendor codes; never diagnostics */
};
void outcome_judge(const struct answer *a, enum operation operation, struct verdict *out);
/* Milliseconds of a Retry-After value (RFC 9110 10.2.3), at most a day; 0 when there is none.
 * `now`: seconds since 1970. */
int64_t outcome_retry_after(const char *value, int64_t now);

/* ---- what the server can do: capability.c ---- */
enum {
    CAN_CREATE = 1,
    CAN_UPDATE = 2,
    CAN_READ = 4,
    CAN_SEARCH = 8,
    CAN_CONDITIONAL = 16,
    BY_IDENTIFIER = 32,
    BY_PATIENT = 64,
    BY_SUBJECT = 128,
    BY_CODE = 256
};
struct capability_type {
    char name[48];
    unsigned flags;
};
struct capability {
    struct capability_type *types; /* sorted by name */
    size_t count;
    bool transaction, batch;
    int64_t read_ms; /* steady clock; 0: never */
};
/* Reads a CapabilityStatement; NULL when good, else what is wrong with it. */
const char *capability_parse(struct capability *c, const char *json, size_t length);
/* The flags of a type; 0 when the server does not know it. */
unsigned capability_flags(const struct capability *c, const char *type);
void capability_free(struct capability *c);

/* ---- the calls of one round: call.c ---- */
struct call_mark {
    const char *method;
    size_t path, header[HEADERS], headers, body, body_length;
    bool has_body;
};
struct call {
    struct text text;
    struct call_mark *marks;
    struct iptfhir_http_request *requests;
    struct iptfhir_http_response *responses;
    const char *(*header_list)[HEADERS + 1];
    size_t count, capacity;
};

/* ---- the instance ---- */
enum conflict_policy { CONFLICT_HOLD, CONFLICT_EHR_WINS, CONFLICT_CLINIC_WINS };
enum transaction_use { TRANSACTION_AUTO, TRANSACTION_NEVER };
enum label_use { LABELS_SEND, LABELS_OMIT };
enum post_search { POST_SEARCH_UNTRIED, POST_SEARCH_TAKEN, POST_SEARCH_REFUSED };
struct patient_slot;
struct item;
struct target {
    const char *url, *ca_file, *patient_system; /* options */
    bool insecure_loopback, accept_without_version;
    int64_t timeout_ms, connect_timeout_ms, max_body, parallel, max_entries;
    int conflict, transaction, labels;

    const struct iptfhir_host *host;
    struct iptfhir_http *http;
    struct capability capability;
    enum post_search post_search;
    size_t limit_entries, limit_conditional; /* found out: entries of a bundle; the same when one of
                                                them is conditional */
    struct patient_slot *patients;
    struct item *items; /* memory of deliveries, reused */
    size_t item_capacity;
    struct item **list;
    struct call call;
    struct text mine, base, theirs; /* of a comparison */
};

/* ---- one delivery ---- */
enum item_state {
    ITEM_NEW,
    ITEM_KNOWN,
    ITEM_CONFLICT,
    ITEM_LOST,
    ITEM_SETTLED,
    ITEM_HELD,
    ITEM_WAITS
};
struct item {
    const struct iptfhir_change *change;
    enum item_state state;
    unsigned flags;   /* of its type */
    bool searched;    /* a search found none: a plain create is right */
    bool in_bundle;   /* of the bundle that is being written: referred to by urn:uuid */
    bool adopted;     /* found at the target, not written by this call */
    bool duplicate;   /* the server said that it has one */
    bool conditional; /* sent with If-None-Exist */
    char id[ID_SIZE], version[VERSION_SIZE];
};
struct delivery {
    struct target *t;
    const struct iptfhir_change_set *set;
    struct iptfhir_receipt_sink *sink;
    struct iptfhir_error *error;
    struct item *items;
    size_t count;
    char patient[ID_SIZE];
    iptfhir_status status;  /* RETRY once the whole target is found wanting */
    bool stopped;           /* nothing more is sent in this call */
    bool transactions;      /* bundles are still tried */
    int64_t retry_after_ms; /* of what is not sent any more */
};

/* target_fhir.c: the receipts, each of which ends an item */
void settle_done(struct delivery *d, struct item *it, iptfhir_receipt_status status);
void settle_held(struct delivery *d, struct item *it, const char *code, const char *detail);
void settle_later(struct delivery *d, struct item *it, int64_t retry_after_ms);
void settle_unknown(struct delivery *d, struct item *it);
/* Stops the delivery: the whole target waits. */
void stop_target(struct delivery *d, const char *code, const char *why);
/* Stops the delivery: what is left waits so long (429, 503). */
void stop_later(struct delivery *d, int64_t retry_after_ms);
/* True when a text can be an id of a server: it goes into paths and references. */
bool valid_id(const char *id, size_t length);
/* Milliseconds of a clock that does not go back. */
int64_t steady_ms(void);

/* call.c: requests are written one after the other into one text, then performed together */
void call_clear(struct call *c);
bool call_begin(struct call *c, const char *method); /* then write the path into c->text */
void call_header(struct call *c);                    /* then write "Name: value" */
void call_body(struct call *c);                      /* then write the body */
void call_finish(struct call *c);
bool call_perform(struct delivery *d,
                  struct call *c); /* false: nothing was sent, and the delivery is stopped */
struct answer call_answer(const struct call *c, size_t index);
void call_free(struct call *c);

/* patient.c: finds the one patient; false: every item is held, waits, or the target does (all said)
 */
bool patient_match(struct delivery *d);
/* Forgets the match of this set's patient. */
void patient_forget(struct delivery *d);

/* search.c */
/* True when a change can be looked for at this target. */
bool search_possible(const struct item *it);
/* Adds the search request for a change, and reads its answer: how many have the identifier (2: more
 * than one), -1: not known now. */
bool search_write(struct delivery *d, struct call *c, const struct item *it);
int search_read(struct delivery *d, const struct answer *a, struct item *it, struct verdict *v);
/* Searches each of `count` items (NULL-free list) and moves it on: adopted -> CONFLICT; none -> NEW
 * and searched; many
 * -> held. `lost`: an answer was just lost, so "none" may be too early and is receipted UNKNOWN. */
void search_items(struct delivery *d, struct item **items, size_t count, bool lost);
/* Matches of a searchset: one entry each, as borrowed json; -1 when the answer is no complete
 * searchset. *root is the caller's. */
int search_matches(const struct answer *a, const char *type, const char *system, const char *value,
                   json_t **root, const json_t **first, bool *more);

/* single.c */
void single_deliver(struct delivery *d);
/* Writes the body of a change as it goes to the target; `id` NULL for a create. */
bool single_body(struct delivery *d, const struct item *it, const char *body, size_t length,
                 const char *id, struct text *out);
/* Moves an item on by the answer to its write. */
void single_settle(struct delivery *d, struct item *it, enum operation operation,
                   const struct answer *a);
/* Takes id and version of an answer into the item; false when there is no id. */
bool single_take(struct item *it, const struct answer *a);
/* True when an item waits to be created or updated. */
bool single_pending(const struct item *it);
/* What an item's references allow: it can go; it must wait for one that is still to be sent; one of
 * them waits, so it waits too. */
enum readiness { READY, NOT_YET, BLOCKED };
enum readiness single_ready(const struct delivery *d, const struct item *it);
/* Searches those new items of a list that must be looked for before they are created; returns how
 * many of the list are left to write. */
size_t single_search_first(struct delivery *d, struct item **items, size_t count);
/* Settles what the last answers left open: conflicts, adopted and lost ones. What refers to an item
 * that has no id yet waits for it, unless `force`. */
void single_tidy(struct delivery *d, bool force);
/* True when a new item is sent with If-None-Exist. */
bool single_conditional(const struct item *it);
/* Writes "identifier=system|value" of an item, readable, for If-None-Exist. */
void single_condition(const struct item *it, struct text *out);

/* bundle.c: false when bundles are refused and what is pending must go singly */
bool bundle_transactions(struct delivery *d); /* all pending items, in order */
bool bundle_batch(struct delivery *d, struct item **items,
                  size_t count); /* items that do not refer to each other */

/* conflict.c: reads what the server has and settles the item by three-way comparison */
void conflict_settle(struct delivery *d, struct item *it);
#endif
