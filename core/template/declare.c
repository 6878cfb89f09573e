/* SPDX-License-Identifier: Apache-2.0 */
/* What a mapping file says of all its resources: the facts that a mapper passes, their data class,
 * their owner, their own date. */
#include "core/template/compile.h"

#include <string.h>

/* A copy in the set; NULL, with a fault, when memory is out. */
static const char *keep(struct compiling *c, const struct tree *text) {
    const char *kept = arena_strndup(&c->set->arena, text->text, text->length);
    if (kept == NULL)
        fault_memory(c);
    return kept;
}

/* Room for as many texts as a list has, and a NULL. */
static const char **room_for(struct compiling *c, const struct tree *list) {
    size_t count = list->kind == TREE_ARRAY ? list->length : 1;
    const char **room = arena_zalloc(&c->set->arena, (count + 1) * sizeof *room);
    if (room == NULL)
        fault_memory(c);
    return room;
}

/* Brings the declared facts into scope. */
static void declare_facts(struct compiling *c, const struct tree *facts) {
    struct template *t = c->t;
    t->first_fact = (int)c->scope;
    if (facts == NULL)
        return;
    if (facts->kind != TREE_ARRAY) {
        fault(c, place_of(facts), "template", "facts is a list of names");
        return;
    }
    t->fact_names = room_for(c, facts);
    if (t->fact_names == NULL)
        return;
    for (const struct tree *f = facts->first; f != NULL; f = f->next) {
        if (f->kind != TREE_STRING) {
            fault(c, place_of(f), "template", "facts is a list of names");
            continue;
        }
        const char *name = keep(c, f);
        if (name != NULL && bind_name(c, f, name) >= 0)
            t->fact_names[t->facts++] = name;
    }
}

/* Reports that a declaration is neither a name nor a list of names. */
static void fault_words(struct compiling *c, const struct tree *at, const struct tree *from) {
    fault(c, place_of(at), "template", "'%s' is a name or a list of names", from->name);
}

/* A word or a list of words, NULL-terminated; NULL after a fault. */
static const char **words_of(struct compiling *c, const struct tree *from, size_t *count) {
    const char **words = room_for(c, from);
    bool list = from->kind == TREE_ARRAY;
    const struct tree *w = list ? from->first : from;
    *count = 0;
    if (words == NULL)
        return NULL;
    if (w == NULL)
        fault_words(c, from, from);
    while (w != NULL) {
        if (w->kind == TREE_STRING && w->length > 0)
            words[(*count)++] = keep(c, w);
        else
            fault_words(c, w, from);
        w = list ? w->next : NULL;
    }
    return *count > 0 ? words : NULL;
}

/* Takes the data class: one for all resources, or one for each. */
static void declare_classes(struct compiling *c, const struct tree *classes,
                            const struct tree *resources) {
    struct template *t = c->t;
    if (classes == NULL)
        return;
    t->classes = words_of(c, classes, &t->class_count);
    bool one_for_each = resources != NULL && resources->length == t->class_count;
    if (t->class_count > 1 && !one_for_each)
        fault(c, place_of(classes), "template",
              "data_class is one name, or one for each of `resources`");
}

/* Takes the owner; without one it is the record. */
static void declare_owner(struct compiling *c, const struct tree *owner) {
    static const char *const owners[] = {
        [TEMPLATE_RECORD] = "record", [TEMPLATE_PATIENT] = "patient", [TEMPLATE_CLINIC] = "clinic"
    };
    if (owner == NULL)
        return;
    const char *word = owner->kind == TREE_STRING ? owner->text : "";
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        if (strcmp(word, owners[i]) == 0) {
            c->t->owner = (enum template_owner)i;
            return;
        }
    }
    fault(c, place_of(owner), "template", "owner is record, patient or clinic");
}

void declare(struct compiling *c, const struct tree *root) {
    const struct tree *as_of = tree_get(root, "as_of");
    size_t count;
    declare_facts(c, tree_get(root, "facts"));
    declare_classes(c, tree_get(root, "data_class"), tree_get(root, "resources"));
    if (as_of != NULL)
        c->t->as_of = words_of(c, as_of, &count);
    declare_owner(c, tree_get(root, "owner"));
}
