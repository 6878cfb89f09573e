/* SPDX-License-Identifier: Apache-2.0 */
/* The sources, mappers, targets and jobs of a configuration. */
#include "core/config/reading.h"

#include <stdio.h>
#include <string.h>

static const char *const job_names[] = { "clinic", "source", "mappers", "targets", NULL };
static const char *const complete_words[] = { "none", "record", "export", NULL };
static const char *const removed_words[] = { "ended", "error", NULL };

/* Take a word of a source out of its options: its index in `words`, -1 when it isn't there. */
static int take_word(struct reading *r, const struct config_instance *i, struct tree *options,
                     const char *name, const char *const *words, const char *which) {
    struct tree *value = tree_get(options, name);
    if (value == NULL)
        return -1;
    int index = value->kind == TREE_STRING ? config_choice(value->text, words) : -1;
    if (index < 0)
        config_fault(r, value, "wrong-value", "sources.%s.%s must be one of: %s", i->name, name,
                     which);
    tree_remove(value);
    return index;
}

/* Take the order of units: names of files or tables, oldest first. */
static void take_order(struct reading *r, struct config_instance *i, struct tree *options) {
    struct tree *list = tree_get(options, "order");
    if (list == NULL)
        return;
    bool usable = list->kind == TREE_ARRAY && list->length > 0;
    const char **names = arena_zalloc(&r->c->arena, (list->length + 1) * sizeof *names);
    size_t count = 0;
    for (const struct tree *n = usable ? list->first : NULL; names != NULL && n; n = n->next) {
        usable = usable && n->kind == TREE_STRING;
        names[count++] = n->text;
    }
    if (names == NULL)
        config_out_of_memory(r);
    else if (!usable)
        config_fault(r, list, "wrong-type",
                     "sources.%s.order must be a list of files or tables, the oldest first",
                     i->name);
    i->order = usable ? names : NULL;
    tree_remove(list);
}

/* Take what the core itself needs to know of a source out of its options. */
static void read_source(struct reading *r, struct config_instance *i, struct tree *options) {
    int complete =
        take_word(r, i, options, "complete", complete_words, "none, record (elements), export");
    int removed = take_word(r, i, options, "removed", removed_words, "ended, error");
    i->complete = (enum config_complete)(complete + 1);
    i->removed_is_error = removed == 1;
    take_order(r, i, options);
}

/* Read sources, mappers or targets. */
static struct config_instance *read_instances(struct reading *r, const struct tree *root,
                                              const char *section, bool target, size_t *count) {
    const struct tree *group = config_member(root, section);
    *count = 0;
    if (group && group->kind != TREE_OBJECT) {
        config_fault(r, group, "wrong-type", "%s must be a group of names", section);
        group = NULL;
    }
    struct config_instance *list =
        arena_zalloc(&r->c->arena, ((group ? group->length : 0) + 1) * sizeof *list);
    for (const struct tree *n = group && list ? group->first : NULL; n; n = n->next) {
        const struct tree *plugin = n->kind == TREE_OBJECT ? tree_get(n, "plugin") : NULL;
        if (!config_is_name(n->name, false)) {
            config_fault(
                r, n, "wrong-value",
                "%s: a name is 1 to 64 letters, digits, `_`, `-` or `.`, and begins with a letter",
                section);
            continue;
        }
        const struct tree at = config_at_key(r, n);
        if (!plugin || plugin->kind != TREE_STRING || !plugin->length) {
            config_fault(r, &at, "missing", "%s.%s must say its plugin: {plugin: NAME, ...}",
                         section, n->name);
            continue;
        }
        struct config_instance *i = &list[(*count)++];
        *i = (struct config_instance) { .name = n->name,
                                        .plugin = plugin->text,
                                        .where = config_where_key(&r->c->arena, r->file, n),
                                        .workers = 1 };
        struct tree *options = tree_copy(&r->c->arena, n);
        if (!options) {
            config_out_of_memory(r);
            break;
        }
        tree_remove(tree_get(options, "plugin"));
        if (target)
            config_read_target(r, i, &at, options);
        else if (strcmp(section, "sources") == 0)
            read_source(r, i, options);
        i->options = options;
    }
    if (!list)
        config_out_of_memory(r);
    return list;
}

/* The instance of a name that a job mentions. */
static const struct config_instance *find(struct reading *r, const struct tree *name,
                                          const char *what, const struct config_instance *list,
                                          size_t count) {
    const char *names[256] = { 0 };
    if (name->kind != TREE_STRING) {
        config_fault(r, name, "wrong-type", "a job names its %s by a text", what);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(list[i].name, name->text))
            return &list[i];
        if (i < 255)
            names[i] = list[i].name;
    }
    char section[32];
    snprintf(section, sizeof section, "%ss", what);
    const struct tree *group = tree_get(r->root, section);
    if (group && tree_get(group, name->text))
        return NULL; /* there, but faulty: reported already */
    const char *near = nearest_name(name->text, names);
    config_fault(r, name, "unknown-name", "there is no %s '%s'%s%s%s", what, name->text,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

/* Read a job's list of mappers or targets. */
static const struct config_instance **find_all(struct reading *r, const struct tree *job,
                                               const char *key, const char *what,
                                               const struct config_instance *list, size_t count,
                                               size_t *found) {
    const struct tree *names = config_member(job, key);
    *found = 0;
    if (!names || names->kind != TREE_ARRAY || !names->length) {
        config_fault(r, names ? names : job, "missing", "a job must list its %s: [NAME, ...]", key);
        return NULL;
    }
    const struct config_instance **out =
        arena_zalloc(&r->c->arena, (names->length + 1) * sizeof *out);
    for (const struct tree *n = out ? names->first : NULL; n; n = n->next) {
        const struct config_instance *one = find(r, n, what, list, count);
        bool twice = false;
        for (size_t i = 0; i < *found; i++)
            twice = twice || out[i] == one;
        if (one && twice)
            config_fault(r, n, "twice", "the %s '%s' stands twice in this job: keep one", what,
                         one->name);
        else if (one)
            out[(*found)++] = one;
    }
    if (!out)
        config_out_of_memory(r);
    return out;
}

/* Read whose patients a job has. */
static void read_clinic(struct reading *r, struct config_job *job, const struct tree *n) {
    const struct tree *clinic = config_member(n, "clinic");
    if (clinic == NULL)
        config_fault(r, n, "missing",
                     "jobs.%s must name its clinic (clinic: NAME): jobs of the same clinic share "
                     "patients",
                     n->name);
    else if (clinic->kind != TREE_STRING || !config_is_name(clinic->text, false))
        config_fault(r, clinic, "wrong-value",
                     "jobs.%s.clinic must be a name: 1 to 64 letters, digits, `_`, `-` or `.`, "
                     "beginning with a letter",
                     n->name);
    else
        job->clinic = clinic->text;
}

/* Read the list of plugins whose functions every mapping file has. */
static void read_functions(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *names = config_member(root, "functions");
    if (names != NULL && names->kind != TREE_ARRAY) {
        config_fault(r, names, "wrong-type", "functions must be a list of plugins: [NAME, ...]");
        names = NULL;
    }
    size_t most = names != NULL ? names->length : 0;
    c->functions = arena_zalloc(&c->arena, (most + 1) * sizeof *c->functions);
    if (c->functions == NULL) {
        config_out_of_memory(r);
        return;
    }
    for (const struct tree *n = most > 0 ? names->first : NULL; n != NULL; n = n->next) {
        if (n->kind != TREE_STRING || n->length == 0) {
            config_fault(r, n, "wrong-type", "functions must be a list of plugins: [NAME, ...]");
            continue;
        }
        c->functions[c->function_count++] =
            (struct config_instance) { .name = n->text,
                                       .plugin = n->text,
                                       .where = config_where(&c->arena, r->file, n),
                                       .workers = 1 };
    }
}

/* Read the jobs. */
static void read_jobs(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *group = config_member(root, "jobs");
    if (!group || group->kind != TREE_OBJECT || !group->length) {
        config_fault(r, group ? group : root, "missing",
                     "jobs must name at least one job: {NAME: {clinic: C, source: S, mappers: [M], "
                     "targets: [T]}}");
        return;
    }
    c->jobs = arena_zalloc(&c->arena, (group->length + 1) * sizeof *c->jobs);
    if (!c->jobs)
        config_out_of_memory(r);
    for (const struct tree *n = c->jobs ? group->first : NULL; n; n = n->next) {
        if (n->kind != TREE_OBJECT || !config_is_name(n->name, false)) {
            config_fault(r, n, "wrong-type",
                         "jobs: each is NAME: {clinic: C, source: S, mappers: [M], targets: [T]}");
            continue;
        }
        struct config_job *j = &c->jobs[c->job_count++];
        j->name = n->name;
        j->where = config_where_key(&c->arena, r->file, n);
        read_clinic(r, j, n);
        const struct tree *source = config_member(n, "source");
        if (source)
            j->source = find(r, source, "source", c->sources, c->source_count);
        else
            config_fault(r, n, "missing", "jobs.%s must name its source", n->name);
        j->mappers =
            find_all(r, n, "mappers", "mapper", c->mappers, c->mapper_count, &j->mapper_count);
        j->targets =
            find_all(r, n, "targets", "target", c->targets, c->target_count, &j->target_count);
        for (const struct tree *k = n->first; k; k = k->next)
            if (config_choice(k->name, job_names) < 0)
                config_unknown_key(r, k, job_names, "a job");
    }
}

void config_read_jobs(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    c->sources = read_instances(r, root, "sources", false, &c->source_count);
    c->mappers = read_instances(r, root, "mappers", false, &c->mapper_count);
    c->targets = read_instances(r, root, "targets", true, &c->target_count);
    read_functions(r, root);
    read_jobs(r, root);
}

const char *const *config_jobs_of(const struct config *config, const char *target,
                                  struct arena *a) {
    const char **names = arena_zalloc(a, (config->job_count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names != NULL && i < config->job_count; i++) {
        const struct config_job *job = &config->jobs[i];
        for (size_t t = 0; t < job->target_count; t++) {
            if (strcmp(job->targets[t]->name, target) == 0)
                names[count++] = job->name;
        }
    }
    return names;
}
