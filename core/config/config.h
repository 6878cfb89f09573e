/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: iptfhir.yaml, checked whole before anything starts. Plugin options stay trees
 * until an instance takes them. */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "core/tree/tree.h"

/* What a source's absences mean; DEFAULT: what its plugin says of itself. */
enum config_complete {
    CONFIG_COMPLETE_DEFAULT,
    CONFIG_COMPLETE_NONE,
    CONFIG_COMPLETE_RECORD,
    CONFIG_COMPLETE_EXPORT
};
/* Settings of a target that are one of some words. */
enum config_conflict { CONFIG_CONFLICT_HOLD, CONFIG_CONFLICT_OURS, CONFIG_CONFLICT_THEIRS };
enum config_withdraw { CONFIG_WITHDRAW_MARK, CONFIG_WITHDRAW_HOLD, CONFIG_WITHDRAW_LEAVE };

/* One source, mapper or target. What follows `workers` is a target's: settings of the core that
 * hold whatever its plugin is. */
struct config_instance {
    const char *name, *plugin;
    const char *where;             /* "file:line:column" of its name */
    const struct tree *options;    /* the plugin's own options, an object (may be empty) */
    enum config_complete complete; /* sources: what their absences mean */
    bool removed_is_error;         /* sources: what is removed was never true */
    const char *const *order;      /* sources: units, oldest first, NULL-terminated; NULL: none */
    int64_t workers;               /* calls under way at once */
    const char *recipient;         /* whom consents name; NULL: none given */
    bool consent_attested; /* the clinic has consents on file; else each record must carry them */
    int conflict;          /* enum config_conflict: hold, clinic-wins, ehr-wins in the file */
    int withdraw;          /* enum config_withdraw: what becomes of a resource that left */
    bool together;         /* bundles are used where the server offers them (transaction: auto) */
    bool labels;           /* meta.security is sent */
    bool update_without_version; /* update also where the server gives no versions */
    int64_t settle_seconds;      /* how long a lost answer may still come true unseen */
    const char *settle_where;    /* "file:line:column" of it, or of the target's name */
    int64_t max_entries;         /* of a bundle; 0: what the server turns out to take */
};
struct config_job {
    const char *name, *where;
    const char *clinic; /* jobs that name the same clinic share patients */
    const struct config_instance *source;
    const struct config_instance **mappers, **targets;
    size_t mapper_count, target_count;
};
struct config {
    const char *path, *folder; /* of the file, absolute; relative paths in it start at folder */
    const char *file;          /* as it was named: positions begin with it */
    const char *store_path, *identity_base, *mappings_dir;
    const char *key_file; /* 32 random bytes; made at first use when the file doesn't name it */
    bool key_file_given;
    const char *const *plugin_dirs; /* NULL-terminated, in search order, the installed one last */
    struct {
        bool unknown_fields_warn;
        int64_t max_bytes;
    } records;
    struct {
        int64_t record_seconds, source_seconds, ingest_memory_mib, patience_seconds;
        int64_t max_age_hours;  /* what a failed poll leaves goes out while it is younger */
        int64_t ingest_threads; /* that map records; 0: as many as there are cores, at most 4 */
    } limits;
    const struct tree
        *parameters; /* an object: privacy switches and parameters, %names of every mapping */
    iptfhir_level log_level;
    struct config_instance *sources, *mappers, *targets;
    size_t source_count, mapper_count, target_count;
    struct config_instance *functions; /* plugins whose functions every mapping file has */
    size_t function_count;
    struct config_job *jobs;
    size_t job_count;
    struct arena arena;
};
/* Reads and checks a file; every fault goes to `report` with file:line:column and the nearest known
 * name. NULL when there were errors. Without the file saying otherwise, IPTFHIR_DATADIR (its folder
 * mappings/) and IPTFHIR_PLUGINDIR replace the installed folders, and the store is
 * $XDG_STATE_HOME/iptfhir/store.db, else the installed one. */
struct config *config_load(const char *path, struct report *report);
/* The same for a checker that goes on after errors: what could be read, in which a job's source may
 * be NULL, its lists shorter, and mappings_dir or identity_base NULL. NULL only when nothing could
 * be read. */
struct config *config_read(const char *path, struct report *report);
void config_free(struct config *config);
/* Names of the jobs whose records go to a target, NULL-terminated, in the arena; NULL when memory
 * is out. */
const char *const *config_jobs_of(const struct config *config, const char *target, struct arena *a);
/* "file:line:column" of a node of a file, in the arena. */
const char *config_where(struct arena *a, const char *file, const struct tree *node);
/* The same of the key that a node stands under; reads the file again, so for faults only. */
const char *config_where_key(struct arena *a, const char *file, const struct tree *node);
#endif
