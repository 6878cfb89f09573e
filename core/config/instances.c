/* SPDX-License-Identifier: Apache-2.0 */
/* The sources, mappers, targets and plugins with functions of a configuration. */
#include "core/config/reading.h"

#include <string.h>

/* ---- what the core needs to know of a source ---- */

/* Takes a word of a source out of its options: its index in `words`, -1 when it isn't there. */
static int take_word(struct reading *r, const struct config_instance *i, struct tree *options,
                     const char *name, const char *const *words) {
    struct tree *value = tree_get(options, name);
    int index = -1;
    if (value == NULL)
        return -1;
    if (value->kind == TREE_STRING)
        index = config_choice(value->text, words);
    if (index < 0)
        config_fault(r, value, "wrong-value", "sources.%s.%s must be one of: %s", i->name, name,
                     config_words(r, words));
    tree_remove(value);
    return index;
}

/* The texts of a list, ended by NULL. NULL: it is no list of texts, which is reported. */
static const char *const *order_of(struct reading *r, const struct config_instance *i,
                                   const struct tree *list) {
    const char **names = arena_zalloc(&r->c->arena, (list->length + 1) * sizeof *names);
    bool usable = list->kind == TREE_ARRAY && list->length > 0;
    size_t count = 0;
    if (names == NULL) {
        config_out_of_memory(r);
        return NULL;
    }
    for (const struct tree *n = usable ? list->first : NULL; n != NULL; n = n->next) {
        usable = usable && n->kind == TREE_STRING;
        names[count++] = n->text;
    }
    if (usable)
        return names;
    config_fault(r, list, "wrong-type",
                 "sources.%s.order must be a list of files or tables, the oldest first", i->name);
    return NULL;
}

static void read_source(struct reading *r, struct config_instance *i, struct tree *options) {
    static const char *const complete[] = { "none", "record", "export", NULL };
    static const char *const removed[] = { "ended", "error", NULL };
    struct tree *order = tree_get(options, "order");
    i->complete = (enum config_complete)(take_word(r, i, options, "complete", complete) + 1);
    i->removed_is_error = take_word(r, i, options, "removed", removed) == 1;
    if (order == NULL)
        return;
    i->order = order_of(r, i, order);
    tree_remove(order);
}

/* ---- instances ---- */

/* The plugin that an instance names; NULL, with a fault at its key: it names none. */
static const char *plugin_of(struct reading *r, const char *section, const struct tree *n,
                             const struct tree *key) {
    const struct tree *plugin = n->kind == TREE_OBJECT ? tree_get(n, "plugin") : NULL;
    bool named = plugin != NULL && plugin->kind == TREE_STRING && plugin->length > 0;
    if (named)
        return plugin->text;
    config_fault(r, key, "missing", "%s.%s must say its plugin: {plugin: NAME, ...}", section,
                 n->name);
    return NULL;
}

/* Reads one instance. False: it can't be used, and why was reported. */
static bool read_instance(struct reading *r, const char *section, const struct tree *n,
                          struct config_instance *i) {
    struct arena *a = &r->c->arena;
    if (!config_is_name(n->name, false)) {
        config_fault(r, n, "wrong-value", "%s: a name is " CONFIG_NAME, section);
        return false;
    }
    const struct tree key = config_at_key(r, n);
    const char *plugin = plugin_of(r, section, n, &key);
    if (plugin == NULL)
        return false;
    struct tree *options = tree_copy(a, n);
    if (options == NULL) {
        config_out_of_memory(r);
        return false;
    }
    *i = (struct config_instance) { .name = n->name,
                                    .plugin = plugin,
                                    .where = config_where_key(a, r->file, n),
                                    .workers = 1,
                                    .options = options };
    tree_remove(tree_get(options, "plugin"));
    if (strcmp(section, "targets") == 0)
        config_read_target(r, i, &key, options);
    if (strcmp(section, "sources") == 0)
        read_source(r, i, options);
    return true;
}

/* Reads sources, mappers or targets. */
static struct config_instance *read_section(struct reading *r, const struct tree *root,
                                            const char *section, size_t *count) {
    const struct tree *group = config_member(root, section);
    *count = 0;
    if (group != NULL && group->kind != TREE_OBJECT) {
        config_fault(r, group, "wrong-type", "%s must be a group of names", section);
        group = NULL;
    }
    size_t most = group != NULL ? group->length : 0;
    struct config_instance *list = arena_zalloc(&r->c->arena, (most + 1) * sizeof *list);
    if (list == NULL) {
        config_out_of_memory(r);
        return NULL;
    }
    for (const struct tree *n = config_first(group); n != NULL; n = n->next) {
        if (read_instance(r, section, n, &list[*count]))
            (*count)++;
    }
    return list;
}

/* ---- plugins with functions ---- */

/* Reads one of the plugins whose functions every mapping file has. */
static void read_function_plugin(struct reading *r, const struct tree *n) {
    struct config *c = r->c;
    if (n->kind != TREE_STRING || n->length == 0) {
        config_fault(r, n, "wrong-type", "functions must be a list of plugins: [NAME, ...]");
        return;
    }
    c->functions[c->function_count++] =
        (struct config_instance) { .name = n->text,
                                   .plugin = n->text,
                                   .where = config_where(&c->arena, r->file, n),
                                   .workers = 1 };
}

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
    for (const struct tree *n = config_first(names); n != NULL; n = n->next)
        read_function_plugin(r, n);
}

void config_read_instances(struct reading *r, const struct tree *root) {
    struct config *c = r->c;
    c->sources = read_section(r, root, "sources", &c->source_count);
    c->mappers = read_section(r, root, "mappers", &c->mapper_count);
    c->targets = read_section(r, root, "targets", &c->target_count);
    read_functions(r, root);
}
