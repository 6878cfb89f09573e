/* SPDX-License-Identifier: Apache-2.0 */
/* The sources, mappers, targets and jobs of a configuration. */
#include "core/config/reading.h"

#include <stdio.h>
#include <string.h>

static const char *const job_names[] = { "source", "mappers", "targets", NULL };

/* Takes an option out of a target's options; NULL when it isn't there. */
static const struct tree *take_option(struct tree *options, const char *name) {
    struct tree *own = tree_get(options, name);
    if (own != NULL)
        tree_remove(own);
    return own;
}

/* Reads how many workers a target has. */
static void read_workers(struct reading *r, struct config_instance *i, const struct tree *workers) {
    i->workers = 4;
    if (workers == NULL)
        return;
    bool whole = workers->kind == TREE_NUMBER && tree_to_int(workers, &i->workers);
    if (!whole || i->workers < 1 || i->workers > 64)
        config_fault(r, workers, "out-of-range",
                     "targets.%s.workers must be a whole number between 1 and 64", i->name);
}

/* Reads whether the records carry the consents or the clinic attests them. */
static void read_consent(struct reading *r, struct config_instance *i, const struct tree *consent) {
    if (consent == NULL)
        return;
    bool text = consent->kind == TREE_STRING;
    i->consent_attested = text && strcmp(consent->text, "attested") == 0;
    bool record = text && strcmp(consent->text, "record") == 0;
    if (!record && !i->consent_attested)
        config_fault(r, consent, "wrong-value",
                     "targets.%s.consent must be `record` (each record carries its consents) or "
                     "`attested` (the clinic has them on file)",
                     i->name);
}

/* Takes what the core itself needs to know of a target out of its options. */
static void read_target(struct reading *r, struct config_instance *i, const struct tree *at,
                        struct tree *options) {
    const struct tree *recipient = take_option(options, "recipient");
    read_workers(r, i, take_option(options, "workers"));
    if (recipient != NULL && recipient->kind != TREE_STRING)
        config_fault(r, recipient, "wrong-type",
                     "targets.%s.recipient must be a text: the recipient as consents name it",
                     i->name);
    else if (recipient != NULL)
        i->recipient = recipient->text;
    read_consent(r, i, take_option(options, "consent"));
    if (!i->consent_attested && recipient == NULL)
        config_fault(r, at, "missing",
                     "targets.%s must say whom consents name (recipient: NAME), or `consent: "
                     "attested` if the clinic has them on file",
                     i->name);
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
            read_target(r, i, &at, options);
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

/* Read the jobs. */
static void read_jobs(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    const struct tree *group = config_member(root, "jobs");
    if (!group || group->kind != TREE_OBJECT || !group->length) {
        config_fault(
            r, group ? group : root, "missing",
            "jobs must name at least one job: {NAME: {source: S, mappers: [M], targets: [T]}}");
        return;
    }
    c->jobs = arena_zalloc(&c->arena, (group->length + 1) * sizeof *c->jobs);
    if (!c->jobs)
        config_out_of_memory(r);
    for (const struct tree *n = c->jobs ? group->first : NULL; n; n = n->next) {
        if (n->kind != TREE_OBJECT || !config_is_name(n->name, false)) {
            config_fault(r, n, "wrong-type",
                         "jobs: each is NAME: {source: S, mappers: [M], targets: [T]}");
            continue;
        }
        struct config_job *j = &c->jobs[c->job_count++];
        j->name = n->name;
        j->where = config_where_key(&c->arena, r->file, n);
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
    read_jobs(r, root);
}
