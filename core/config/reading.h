/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts that read the configuration share: config.c its settings, instances.c its sources,
 * mappers and targets, targets.c what the core knows of a target, jobs.c its jobs. */
#ifndef CORE_CONFIG_READING_H
#define CORE_CONFIG_READING_H

#include "core/config/config.h"

struct reading {
    struct config *c;
    const char *file;
    struct report *report;
    const struct tree *root;
    struct tree *parameters;
    bool no_memory;
};
/* Reports a fault at a node. */
void config_fault(struct reading *r, const struct tree *node, const char *code, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
/* Reports a key that nobody knows, with the nearest known one; `place` says what it stands in. */
void config_unknown_key(struct reading *r, const struct tree *value, const char *const *known,
                        const char *place);
/* Reports the keys of a group that nobody knows. */
void config_check_keys(struct reading *r, const struct tree *group, const char *const *known,
                       const char *place);
/* Reports, once, that memory ran out. */
void config_out_of_memory(struct reading *r);
/* A copy of a node, positioned at its key. */
struct tree config_at_key(struct reading *r, const struct tree *node);
/* A member; NULL when it is absent or null: a key with nothing behind it counts as left out. */
const struct tree *config_member(const struct tree *object, const char *name);
/* The first child of a list or group; NULL for NULL. */
const struct tree *config_first(const struct tree *group);
/* Words of a NULL-terminated list for people: "a, b, c". */
const char *config_words(struct reading *r, const char *const *words);
/* Index of a word in a NULL-terminated list, -1 when it is none; NULL word: -1. */
int config_choice(const char *word, const char *const *choices);
/* What the name of an instance, job or clinic may be, as the end of a sentence. */
#define CONFIG_NAME "1 to 64 letters, digits, `_`, `-` or `.`, and begins with a letter"
/* True when a text can be a name: of a parameter, or (with `-` and `.` too) of an instance or job.
 */
bool config_is_name(const char *text, bool parameter);
/* Takes what the core needs to know of a target out of its options; `at` is its name. */
void config_read_target(struct reading *r, struct config_instance *i, const struct tree *at,
                        struct tree *options);
/* Reads sources, mappers, targets and the plugins with functions. */
void config_read_instances(struct reading *r, const struct tree *root);
/* Reads the jobs, after the instances that they name. */
void config_read_jobs(struct reading *r, const struct tree *root);
#endif
