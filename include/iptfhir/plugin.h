/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin sees of the host, with <iptfhir/node.h>; a target includes <iptfhir/target.h> too.
 * A plugin is a shared object that exports the constant `iptfhir_plugin`. It includes nothing else
 * of the project but these headers and those of libiptfhir, and links with -z defs: it reaches the
 * host through `struct iptfhir_host` and the sinks it is handed.
 *
 * Ownership  Arguments are borrowed for the call. Nodes belong to documents (node.h). Neither side
 *            frees memory that the other allocated.
 * Threads    Sources and targets: one instance is never entered twice at once. Mappers: map() runs
 *            on several threads at once with one const instance. No mutable globals.
 * Lifetime   init, calls, fini; fini only after a successful init. Code stays mapped until exit.
 * Privacy    log() and the error text never carry patient data: positions and codes, not values.
 * Growth     Structs gain members only at the end; `size`, set by whoever allocates, says which
 *            exist. Anything else raises IPTFHIR_ABI, and older plugins are refused with both
 *            numbers. */
#ifndef IPTFHIR_PLUGIN_H
#define IPTFHIR_PLUGIN_H

#include <iptfhir/node.h>

#ifdef __cplusplus
#include <type_traits>
extern "C" {
#endif

#define IPTFHIR_MAGIC 0x49505446u /* "IPTF" */
#define IPTFHIR_ABI 2u
#define IPTFHIR_PLUGIN_EXPORT __attribute__((visibility("default")))

/* What the core does next. */
typedef enum {
    IPTFHIR_OK,     /* go on */
    IPTFHIR_RETRY,  /* try again later */
    IPTFHIR_REJECT, /* hold this record or resource */
    IPTFHIR_FATAL   /* stop this instance */
} iptfhir_status;
typedef enum { IPTFHIR_DEBUG, IPTFHIR_INFO, IPTFHIR_WARNING, IPTFHIR_ERROR } iptfhir_level;

/* The first error wins: host->fail() fills it only while `code` is empty. */
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
enum {
    IPTFHIR_REQUIRED = 1u,
    IPTFHIR_MUST_EXIST = 2u /* paths */
};
struct iptfhir_option {
    const char *name;
    iptfhir_option_type type;
    uint32_t flags;
    size_t offset;       /* of the member in the instance struct */
    const char *initial; /* default as text; NULL: zero */
    int64_t min;
    int64_t max;                /* min and max 0: any */
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* one sentence */
};
/* The rows of the table. A member of another type than the row's doesn't compile. */
#define IPTFHIR_OPTION_STRING(instance, member, name, flags, initial, help)                        \
    IPTFHIR_ROW_(STRING, const char *, instance, member, name, flags, initial, 0, 0, NULL, help)
#define IPTFHIR_OPTION_INTEGER(instance, member, name, flags, initial, min, max, help)             \
    IPTFHIR_ROW_(INTEGER, int64_t, instance, member, name, flags, initial, min, max, NULL, help)
#define IPTFHIR_OPTION_BOOLEAN(instance, member, name, flags, initial, help)                       \
    IPTFHIR_ROW_(BOOLEAN, bool, instance, member, name, flags, initial, 0, 0, NULL, help)
#define IPTFHIR_OPTION_CHOICE(instance, member, name, flags, initial, choices, help)               \
    IPTFHIR_ROW_(CHOICE, int, instance, member, name, flags, initial, 0, 0, choices, help)
#define IPTFHIR_OPTION_PATH(instance, member, name, flags, initial, help)                          \
    IPTFHIR_ROW_(PATH, const char *, instance, member, name, flags, initial, 0, 0, NULL, help)
#define IPTFHIR_OPTION_SECRET(instance, member, name, flags, help)                                 \
    IPTFHIR_ROW_(SECRET, const char *, instance, member, name, flags, NULL, 0, 0, NULL, help)
#define IPTFHIR_OPTION_LIST(instance, member, name, flags, initial, help)                          \
    IPTFHIR_ROW_(LIST, const char *const *, instance, member, name, flags, initial, 0, 0, NULL,    \
                 help)
#define IPTFHIR_OPTIONS_END                                                                        \
    { NULL, IPTFHIR_STRING, 0, 0, NULL, 0, 0, NULL, NULL }
#define IPTFHIR_ROW_(type, member_type, instance, member, name, flags, initial, min, max, choices, \
                     help)                                                                         \
    {                                                                                              \
        name, IPTFHIR_##type, flags, IPTFHIR_OFFSET_(member_type, instance, member), initial, min, \
            max, choices, help                                                                     \
    }
#ifdef __cplusplus
#define IPTFHIR_OFFSET_(member_type, instance, member)                                             \
    (offsetof(instance, member) *                                                                  \
     sizeof(typename std::enable_if<                                                               \
            std::is_same<decltype(static_cast<instance *>(nullptr)->member), member_type>::value,  \
            char>::type))
#else
#define IPTFHIR_OFFSET_(member_type, instance, member)                                             \
    _Generic(&((instance *)0)->member, member_type * : offsetof(instance, member))
#endif

/* ---- the host ---- */
struct iptfhir_host {
    size_t size;
    iptfhir_nodes nodes;
    /* For nodes that init() builds: they live as long as the instance. Not for later calls. */
    struct iptfhir_document *lasting;
    void (*log)(const struct iptfhir_host *, iptfhir_level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
    /* Fills the error (the first wins) and returns `status`. */
    iptfhir_status (*fail)(const struct iptfhir_host *, struct iptfhir_error *,
                           iptfhir_status status, const char *code, const char *where,
                           const char *format, ...) __attribute__((format(printf, 6, 7)));
    /* True once the service stops. A call that ends early returns RETRY: what it had in hand is
     * done again by the next run. */
    bool (*stopping)(const struct iptfhir_host *);
    /* Reads a YAML or JSON data file (path relative to the configuration, then to the mappings
     * folder); borrowed, lives as long as the instance. NULL and an error when it can't be used. */
    const struct iptfhir_node *(*document)(const struct iptfhir_host *, const char *path,
                                           struct iptfhir_error *);
    /* Writes "file:line:column" of a JSON pointer in a document(); false when unknown. */
    bool (*position)(const struct iptfhir_host *, const struct iptfhir_node *document,
                     const char *pointer, char *out, size_t size);
    /* Names of the files in a folder of the mappings, ending in `suffix`, sorted, NULL-terminated;
     * borrowed. */
    const char *const *(*list)(const struct iptfhir_host *, const char *folder, const char *suffix);
    /* The UUID of something of the patient of the record in hand, as identity() of mapping files
     * makes it: the same for the same type and key. */
    void (*identity)(const struct iptfhir_host *, const char *type, const char *key, char out[37]);
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
    /* Where a source builds records. emit() empties it, whatever it returns. */
    struct iptfhir_document *document;
    /* Hands over a record that was built in `document`: the nodes are the core's from then on.
     * NULL: one that there was no room for; it is held when it was too large. */
    iptfhir_status (*emit)(struct iptfhir_record_sink *, struct iptfhir_node *record,
                           const struct iptfhir_origin *);
    /* The same from JSON text, whose positions are counted from the origin's line. It empties
     * `document` too. */
    iptfhir_status (*emit_text)(struct iptfhir_record_sink *, const char *json, size_t length,
                                const struct iptfhir_origin *);
    /* Something that cannot become a record: held under its position; the rest goes on. */
    iptfhir_status (*hold)(struct iptfhir_record_sink *, const struct iptfhir_origin *,
                           const char *code, const char *why);
    /* All that was handed over so far is complete up to `cursor`: stored in one transaction. */
    iptfhir_status (*cursor)(struct iptfhir_record_sink *, const char *cursor);
    /* How far the source is, for the progress bar; total 0: unknown. */
    void (*progress)(struct iptfhir_record_sink *, uint64_t done, uint64_t total);
    /* A file or table that is skipped since it is as it was: its records are present. */
    iptfhir_status (*present)(struct iptfhir_record_sink *, const char *file);
};
struct iptfhir_source {
    size_t size;
    /* Hands over what is new since `cursor` (NULL: everything) and returns when it has no more. */
    iptfhir_status (*poll)(void *self, const char *cursor, struct iptfhir_record_sink *,
                           struct iptfhir_error *);
    bool whole_records; /* its records are whole: what one lacks has left (`complete: record`) */
    bool whole_units;   /* a file or table that is read is read from its beginning to its end */
};

/* ---- mappers ---- */
struct iptfhir_record {
    size_t size;
    const char *id;                    /* recordId */
    const struct iptfhir_node *node;   /* the record */
    const struct iptfhir_node *course; /* what is derived of it once: an empty object so far */
};
struct iptfhir_resource_sink {
    size_t size;
    void *self;
    /* Where a mapper builds facts and resources; they live until the record is done. */
    struct iptfhir_document *document;
    /* Makes the resources of a mapping file inside the core: %record, and each member of `facts`
     * (an object, or NULL) as %name. */
    iptfhir_status (*render)(struct iptfhir_resource_sink *, const char *mapping,
                             const struct iptfhir_node *facts, struct iptfhir_error *);
    /* Hands over a resource that was built in `document`: it isn't changed afterwards. */
    iptfhir_status (*emit)(struct iptfhir_resource_sink *, struct iptfhir_node *resource,
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

struct iptfhir_target; /* in target.h */

/* ---- functions and the plugin itself ---- */
/* Becomes a FHIRPath function of every mapping file of a job that has the plugin as a mapper, or of
 * every job when the configuration lists it under `functions:`. Total, no state. */
struct iptfhir_function {
    const char *name;
    uint8_t min_args;
    uint8_t max_args; /* arguments are strings */
    /* Writes the answer as text; false: empty. */
    bool (*call)(const char *input, const char *const *args, size_t count, char *out, size_t size);
};
struct iptfhir_descriptor {
    uint32_t magic;   /* IPTFHIR_MAGIC */
    uint32_t abi;     /* IPTFHIR_ABI */
    size_t size;      /* sizeof(struct iptfhir_descriptor) */
    const char *name; /* as its folder: "source-csv" */
    const char *version;
    const char *summary;
    size_t instance_size;                 /* zeroed, options applied, then init */
    const struct iptfhir_option *options; /* ends with IPTFHIR_OPTIONS_END; NULL: none */
    iptfhir_status (*init)(void *self, const struct iptfhir_host *, struct iptfhir_error *);
    void (*fini)(void *self);
    /* What it provides; NULL: not that. */
    const struct iptfhir_source *source;
    const struct iptfhir_mapper *mapper;
    const struct iptfhir_target *target;
    const struct iptfhir_function *functions; /* ends with a NULL name */
};
/* What a plugin defines, in C or C++. */
extern IPTFHIR_PLUGIN_EXPORT const struct iptfhir_descriptor iptfhir_plugin;

#ifdef __cplusplus
}
#endif
#endif
