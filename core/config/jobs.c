/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a configuration: which instances work together. */
#include "core/config/reading.h"

#include <stdio.h>
#include <string.h>

/* The instances among which a job names one: "source", "mapper" or "target". */
struct choice {
    const char *what;
    const struct config_instance *list;
    size_t count;
};

/* Reports that nothing has the name, unless it is there, but faulty: that was reported. */
static void unknown_instance(struct reading *r, const struct choice *from,
                             const struct tree *name) {
    enum { MOST = 255 };
    const char *names[MOST + 1] = { NULL };
    char section[32], hint[NEAREST_HINT];
    snprintf(section, sizeof section, "%ss", from->what);
    const struct tree *group = tree_get(r->root, section);
    bool faulty = group != NULL && tree_get(group, name->text) != NULL;
    if (faulty)
        return;
    for (size_t i = 0; i < from->count && i < MOST; i++)
        names[i] = from->list[i].name;
    config_fault(r, name, "unknown-name", "there is no %s '%s'%s", from->what, name->text,
                 nearest_hint(name->text, names, hint));
}

/* The instance that a job names; NULL, with a fault: there is none. */
static const struct config_instance *find(struct reading *r, const struct choice *from,
                                          const struct tree *name) {
    if (name->kind != TREE_STRING) {
        config_fault(r, name, "wrong-type", "a job names its %s by a text", from->what);
        return NULL;
    }
    for (size_t i = 0; i < from->count; i++) {
        if (strcmp(from->list[i].name, name->text) == 0)
            return &from->list[i];
    }
    unknown_instance(r, from, name);
    return NULL;
}

static bool is_among(const struct config_instance *one, const struct config_instance *const *list,
                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] == one)
            return true;
    }
    return false;
}

/* Reads a job's list of mappers or targets. */
static const struct config_instance **find_all(struct reading *r, const struct tree *job,
                                               const char *key, const struct choice *from,
                                               size_t *found) {
    const struct tree *names = config_member(job, key);
    *found = 0;
    if (names == NULL || names->kind != TREE_ARRAY || names->length == 0) {
        const struct tree *at = names != NULL ? names : job;
        config_fault(r, at, "missing", "a job must list its %s: [NAME, ...]", key);
        return NULL;
    }
    const struct config_instance **out =
        arena_zalloc(&r->c->arena, (names->length + 1) * sizeof *out);
    if (out == NULL) {
        config_out_of_memory(r);
        return NULL;
    }
    for (const struct tree *n = names->first; n != NULL; n = n->next) {
        const struct config_instance *one = find(r, from, n);
        if (one == NULL)
            continue;
        if (is_among(one, out, *found))
            config_fault(r, n, "twice", "the %s '%s' stands twice in this job: keep one",
                         from->what, one->name);
        else
            out[(*found)++] = one;
    }
    return out;
}

/* Reads whose patients a job has. */
static void read_clinic(struct reading *r, struct config_job *job, const struct tree *n) {
    const struct tree *clinic = config_member(n, "clinic");
    if (clinic == NULL) {
        config_fault(r, n, "missing",
                     "jobs.%s must name its clinic (clinic: NAME): jobs of the same clinic share "
                     "patients",
                     n->name);
        return;
    }
    if (clinic->kind != TREE_STRING || !config_is_name(clinic->text, false)) {
        config_fault(r, clinic, "wrong-value", "jobs.%s.clinic must be a name: " CONFIG_NAME,
                     n->name);
        return;
    }
    job->clinic = clinic->text;
}

static void read_job(struct reading *r, struct config_job *job, const struct tree *n) {
    static const char *const known[] = { "clinic", "source", "mappers", "targets", NULL };
    struct config *c = r->c;
    const struct choice sources = { "source", c->sources, c->source_count };
    const struct choice mappers = { "mapper", c->mappers, c->mapper_count };
    const struct choice targets = { "target", c->targets, c->target_count };
    const struct tree *source = config_member(n, "source");
    job->name = n->name;
    job->where = config_where_key(&c->arena, r->file, n);
    read_clinic(r, job, n);
    if (source != NULL)
        job->source = find(r, &sources, source);
    else
        config_fault(r, n, "missing", "jobs.%s must name its source", n->name);
    job->mappers = find_all(r, n, "mappers", &mappers, &job->mapper_count);
    job->targets = find_all(r, n, "targets", &targets, &job->target_count);
    config_check_keys(r, n, known, "a job");
}

/* The group of jobs; NULL, with a fault: there is none. */
static const struct tree *group_of(struct reading *r, const struct tree *root) {
    const struct tree *group = config_member(root, "jobs");
    bool usable = group != NULL && group->kind == TREE_OBJECT && group->length > 0;
    if (usable)
        return group;
    config_fault(r, group != NULL ? group : root, "missing",
                 "jobs must name at least one job: {NAME: {clinic: C, source: S, mappers: [M], "
                 "targets: [T]}}");
    return NULL;
}

void config_read_jobs(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *group = group_of(r, root);
    if (group == NULL)
        return;
    c->jobs = arena_zalloc(&c->arena, (group->length + 1) * sizeof *c->jobs);
    if (c->jobs == NULL) {
        config_out_of_memory(r);
        return;
    }
    for (const struct tree *n = group->first; n != NULL; n = n->next) {
        if (n->kind == TREE_OBJECT && config_is_name(n->name, false))
            read_job(r, &c->jobs[c->job_count++], n);
        else
            config_fault(r, n, "wrong-type",
                         "jobs: each is NAME: {clinic: C, source: S, mappers: [M], targets: [T]}");
    }
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
