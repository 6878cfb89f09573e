/* SPDX-License-Identifier: Apache-2.0 */
/* The one public header of iptfhir: everything a plugin sees of the host. A plugin is a shared
 * object that exports `const struct iptfhir_plugin iptfhir_plugin`. It includes nothing else of the
 * project and reaches the host through `struct iptfhir_host` and the sinks it is handed, so it
 * links with -z defs, without undefined symbols of the host. Ownership  Arguments are borrowed for
 * the call. A json_t given to emit() or render() is consumed, whatever it returns. Neither side
 * frees memory that the other allocated. Threads    Sources and targets: one instance is never
 * entered twice at once. Mappers: map() runs concurrently on one const instance. No mutable
 * globals. Lifetime   init -> calls -> fini; fini only after a successful init. Code stays mapped
 * until exit. Privacy    log() and the error text never carry patient data: positions and codes,
 * not values. Growth     Structs gain members only at the end; `size`, set by whoever allocates,
 * says which exist. Anything else raises IPTFHIR_ABI, and older plugins are refused with both
 * numbers. */
#ifndef IPTFHIR_PLUGIN_H
#define IPTFHIR_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IPTFHIR_MAGIC 0x49505446u /* "IPTF" */
#define IPTFHIR_ABI 1u
#define IPTFHIR_PLUGIN_EXPORT __attribute__((visibility("default")))
typedef struct json_t json_t; /* jansson's */
/* What the core does next: go on; try again later; hold this record or resource; stop the instance.
 */
typedef enum { IPTFHIR_OK, IPTFHIR_RETRY, IPTFHIR_REJECT, IPTFHIR_FATAL } iptfhir_status;
typedef enum { IPTFHIR_DEBUG, IPTFHIR_INFO, IPTFHIR_WARNING, IPTFHIR_ERROR } iptfhir_level;

/* First error wins: host->fail() fills it only while `code` is empty. */
struct iptfhir_error {
    size_t size;
    char code[32];   /* stable, lower-case, hyphens: "total-mismatch" */
    char where[256]; /* file:line:column, row, JSON pointer or FHIRPath; may be empty */
    char text[512];  /* what was expected and what to do; no patient data */
};
/* ---- options: one table fills an instance, checks ranges and prints help and samples ---- */
typedef enum {
    IPTFHIR_STRING,  /* const char * */
    IPTFHIR_INTEGER, /* int64_t, within min..max */
    IPTFHIR_BOOLEAN, /* bool */
    IPTFHIR_CHOICE,  /* int: index into choices */
    IPTFHIR_PATH,    /* const char *: made absolute, relative to the configuration file */
    IPTFHIR_SECRET,  /* const char *: absolute path of a readable file of mode 0600 or stricter */
    IPTFHIR_LIST     /* const char *const *: NULL-terminated list of strings */
} iptfhir_option_type;
enum { IPTFHIR_REQUIRED = 1u, IPTFHIR_MUST_EXIST = 2u /* paths */ };
struct iptfhir_option {
    const char *name;
    iptfhir_option_type type;
    uint32_t flags;
    size_t offset;              /* offsetof(the instance struct, member) */
    const char *initial;        /* default as text; NULL: zero */
    int64_t min, max;           /* both 0: any */
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* one sentence */
};
#define IPTFHIR_OPTIONS_END                                                                        \
    { NULL, IPTFHIR_STRING, 0, 0, NULL, 0, 0, NULL, NULL }
/* ---- HTTP: the host's client; TLS is verified always ---- */
struct iptfhir_http; /* one connection pool, used by one thread at a time */
struct iptfhir_http_settings {
    size_t size;
    const char *base_url, *ca_file; /* https://…; PEM, NULL: the system's. Plain http: only with the
                                       next, to a loopback host */
    bool insecure_loopback;
    int64_t timeout_ms, connect_timeout_ms; /* whole request; connecting */
    int64_t max_body, parallel; /* bytes of an answer that are taken; requests under way at once in
                                   one call, at least 1 */
};
struct iptfhir_http_request {
    size_t size;
    const char *method, *path;  /* path and query, appended to base_url, already URL-encoded */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const char *body;
    size_t body_length; /* NULL: none */
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
    bool truncated;                                           /* longer than max_body */
    const char *etag, *location, *retry_after, *content_type; /* header values or NULL */
    const char *error; /* when not ANSWERED: a message for people */
    const char *date;  /* header value or NULL */
};
/* ---- the host ---- */
struct iptfhir_host {
    size_t size;
    void (*log)(const struct iptfhir_host *, iptfhir_level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
    /* Fills the error (first wins) and returns `status`. */
    iptfhir_status (*fail)(const struct iptfhir_host *, struct iptfhir_error *,
                           iptfhir_status status, const char *code, const char *where,
                           const char *format, ...) __attribute__((format(printf, 6, 7)));
    bool (*stopping)(const struct iptfhir_host *);
    /* Reads a YAML or JSON data file (path relative to the configuration, then to the mappings
     * folder); borrowed, lives as long as the instance. NULL and an error when it cannot be used.
     */
    const json_t *(*document)(const struct iptfhir_host *, const char *path,
                              struct iptfhir_error *);
    /* Writes "file:line:column" of a JSON pointer in a document(); false when unknown. */
    bool (*position)(const struct iptfhir_host *, const json_t *document, const char *pointer,
                     char *out, size_t size);
    /* Names of the files in a folder of the mappings, ending in `suffix`, sorted, NULL-terminated;
     * borrowed. */
    const char *const *(*list)(const struct iptfhir_host *, const char *folder, const char *suffix);
    /* UUIDv5 of "<identity base>/<type>/<key>" as text. */
    void (*identity)(const struct iptfhir_host *, const char *type, const char *key, char out[37]);
    /* Code that `map` (a ConceptMap's name) gives for system|code; NULL: no translation. Borrowed.
     */
    const char *(*translate)(const struct iptfhir_host *, const char *map, const char *code);
    struct iptfhir_http *(*http_open)(const struct iptfhir_host *,
                                      const struct iptfhir_http_settings *, struct iptfhir_error *);
    /* Performs `count` requests, settings.parallel at a time; answers are borrowed until the next
     * call. */
    iptfhir_status (*http)(struct iptfhir_http *, const struct iptfhir_http_request *, size_t count,
                           struct iptfhir_http_response *, struct iptfhir_error *);
    void (*http_close)(struct iptfhir_http *);
    /* Three-way merge of JSON texts: OK and a json text (borrowed until the next call from this
     * thread) when `mine` and `theirs` changed different elements of `base`; REJECT and the JSON
     * pointers that overlap otherwise. */
    iptfhir_status (*merge)(const struct iptfhir_host *, const char *base, const char *mine,
                            const char *theirs, const char **merged, const char **overlap,
                            struct iptfhir_error *);
};
/* ---- sources ---- */
struct iptfhir_origin {
    size_t size;
    const char *file;
    int64_t line; /* or row; 0: unknown */
};
struct iptfhir_record_sink {
    size_t size;
    void *self;
    iptfhir_status (*emit)(struct iptfhir_record_sink *, json_t *record,
                           const struct iptfhir_origin *);
    /* The same from JSON text, which keeps the exact numbers and positions. */
    iptfhir_status (*emit_text)(struct iptfhir_record_sink *, const char *json, size_t length,
                                const struct iptfhir_origin *);
    /* Something that cannot become a record: held under its position; the rest goes on. */
    iptfhir_status (*hold)(struct iptfhir_record_sink *, const struct iptfhir_origin *,
                           const char *code, const char *why);
    /* All that was handed over so far is complete up to `cursor`: stored in one transaction. */
    iptfhir_status (*cursor)(struct iptfhir_record_sink *, const char *cursor);
    /* How far the source is, for the progress bar; total 0: unknown. */
    void (*progress)(struct iptfhir_record_sink *, uint64_t done, uint64_t total);
};
struct iptfhir_source {
    size_t size;
    /* Hands over what is new since `cursor` (NULL: everything) and returns when it has no more. */
    iptfhir_status (*poll)(void *self, const char *cursor, struct iptfhir_record_sink *,
                           struct iptfhir_error *);
};
/* ---- mappers ---- */
struct iptfhir_record {
    size_t size;
    const char *id; /* recordId */
    const json_t *(*json)(
        const struct iptfhir_record *); /* borrowed; converted at the first call */
};
struct iptfhir_resource_sink {
    size_t size;
    void *self;
    /* Makes the resources of a mapping file inside the core: %record, and each member of `facts` as
     * %name. */
    iptfhir_status (*render)(struct iptfhir_resource_sink *, const char *mapping, json_t *facts,
                             struct iptfhir_error *);
    iptfhir_status (*emit)(struct iptfhir_resource_sink *, json_t *resource,
                           struct iptfhir_error *);
    /* Holds a part of the record (a measure, a goal); the rest goes on. */
    iptfhir_status (*hold)(struct iptfhir_resource_sink *, const char *pointer, const char *code,
                           const char *why);
    /* A safety event (a positive self-harm item): logged and counted locally, whatever is sent. */
    void (*alert)(struct iptfhir_resource_sink *, const char *pointer, const char *code);
};
struct iptfhir_mapper {
    size_t size;
    const char *const *emits; /* resource types, NULL-terminated */
    iptfhir_status (*map)(const void *self, const struct iptfhir_record *,
                          struct iptfhir_resource_sink *, struct iptfhir_error *);
};
#ifdef __cplusplus
}
#endif
#include <iptfhir/target.h>
#ifdef __cplusplus
extern "C" {
#endif
/* ---- functions and the plugin itself ---- */
struct iptfhir_function {
    const char *name; /* becomes a FHIRPath function of every mapping: arguments are strings, total,
                         no state */
    uint8_t min_args, max_args;
    /* Writes the answer as text; false: empty. */
    bool (*call)(const char *input, const char *const *args, size_t count, char *out, size_t size);
};
struct iptfhir_plugin {
    uint32_t magic, abi;
    size_t size;
    const char *name, *version, *summary; /* name as its folder: "source-csv" */
    size_t instance_size;                 /* zeroed, options applied, then init */
    const struct iptfhir_option *options; /* ends with IPTFHIR_OPTIONS_END; NULL: none */
    iptfhir_status (*init)(void *self, const struct iptfhir_host *, struct iptfhir_error *);
    void (*fini)(void *self);
    const struct iptfhir_source *source;
    const struct iptfhir_mapper *mapper;
    const struct iptfhir_target *target;
    const struct iptfhir_function *functions; /* ends with a NULL name */
};
extern IPTFHIR_PLUGIN_EXPORT const struct iptfhir_plugin
    iptfhir_plugin; /* what a plugin defines, in C or C++ */

#ifdef __cplusplus
}
#endif
#endif
