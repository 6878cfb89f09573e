/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of records as JSON: what a held revision says stands apart, under "held". */
#include "core/sync/intake_internal.h"

#include "core/tree/tree.h"

#include <string.h>

static const char held_name[] = "held", moved_name[] = "moved";

/* Facts as an object; NULL when they are none. */
static struct tree *read_facts(struct intake *in, struct store_bytes facts) {
    if (facts.data == NULL || !intake_ok(in))
        return NULL;
    struct iptfhir_error error = ERROR_INIT;
    struct tree *tree = json_read_copy(&in->scratch, facts.data, facts.length, NULL, &error);
    bool usable = tree != NULL && tree->kind == TREE_OBJECT;
    return usable ? tree : NULL;
}

static void out_of_memory(struct intake *in) {
    intake_fault(in, "memory", "out of memory");
}

/* The text of an object, in the entry's memory. */
static struct store_bytes write_facts(struct intake *in, const struct tree *tree) {
    struct str text = { 0 };
    json_write(&text, tree, JSON_COMPACT);
    struct store_bytes out = { NULL, 0 };
    if (!text.failed) {
        out.data = arena_strndup(&in->scratch, text.data, text.length);
        out.length = text.length;
    }
    if (out.data == NULL)
        out_of_memory(in);
    str_free(&text);
    return out;
}

/* Takes "held" out of facts and gives its list; an empty list when there is none, or when it is not
 * kept. */
static struct tree *take_held(struct intake *in, struct tree *facts, bool keep_held) {
    struct tree *list = tree_get(facts, held_name);
    if (list != NULL)
        tree_remove(list);
    bool usable = list != NULL && list->kind == TREE_ARRAY;
    if (usable && keep_held)
        return list;
    return tree_new(&in->scratch, TREE_ARRAY);
}

/* Adds what held revisions say, those that say anything; false when memory is out. */
static bool add_held(struct intake *in, struct tree *held, const struct store_bytes *said,
                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct tree *one = read_facts(in, said[i]);
        if (one != NULL && !tree_append(held, one))
            return false;
    }
    return true;
}

/* Puts what is held into facts, beside what it keeps of it; false when memory is out. */
static bool set_held(struct intake *in, struct tree *facts, bool keep_held,
                     const struct store_bytes *said, size_t count) {
    struct tree *held = take_held(in, facts, keep_held);
    if (held == NULL)
        return false;
    if (!add_held(in, held, said, count))
        return false;
    if (held->length == 0)
        return true;
    return tree_add(&in->scratch, facts, held_name, held);
}

struct store_bytes facts_held(struct intake *in, struct store_bytes base, bool keep_held,
                              const struct store_bytes *said, size_t count) {
    struct tree *facts = read_facts(in, base);
    if (facts == NULL)
        facts = tree_new(&in->scratch, TREE_OBJECT);
    if (facts != NULL && set_held(in, facts, keep_held, said, count))
        return write_facts(in, facts);
    out_of_memory(in);
    return base;
}

struct store_bytes facts_moved(struct intake *in, struct store_bytes facts) {
    struct tree *tree = read_facts(in, facts);
    if (tree == NULL || tree_get(tree, moved_name) != NULL)
        return facts;
    struct tree *yes = tree_boolean(&in->scratch, true);
    if (tree_add(&in->scratch, tree, moved_name, yes))
        return write_facts(in, tree);
    out_of_memory(in);
    return facts;
}

struct store_bytes facts_live(struct intake *in, struct store_bytes facts) {
    static const char *const names[] = { held_name, moved_name };
    struct tree *tree = read_facts(in, facts);
    bool changed = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tree *member = tree_get(tree, names[i]);
        if (member == NULL)
            continue;
        tree_remove(member);
        changed = true;
    }
    return changed ? write_facts(in, tree) : facts;
}

/* The id under which facts name their patient; NULL: none. */
static const char *local_id(const struct tree *facts) {
    return tree_text(tree_get(facts, "patient"), "localId");
}

const char *facts_held_id(struct intake *in, struct store_bytes facts) {
    const struct tree *one = tree_at(tree_get(read_facts(in, facts), held_name), 0);
    const char *named = NULL;
    for (; one != NULL; one = one->next) {
        const char *id = local_id(one);
        if (id != NULL)
            named = id;
    }
    return named;
}

const char *facts_local_id(struct intake *in, struct store_bytes facts) {
    return local_id(read_facts(in, facts));
}
