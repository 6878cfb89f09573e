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
        intake_fault(in, "memory", "out of memory");
    str_free(&text);
    return out;
}

/* Takes "held" out of facts and gives its list; an empty list when there is none. */
static struct tree *take_held(struct intake *in, struct tree *facts) {
    struct tree *list = tree_get(facts, held_name);
    if (list != NULL)
        tree_remove(list);
    if (list == NULL || list->kind != TREE_ARRAY)
        list = tree_new(&in->scratch, TREE_ARRAY);
    return list;
}

struct store_bytes facts_held(struct intake *in, struct store_bytes base, bool keep_held,
                              const struct store_bytes *said, size_t count) {
    struct tree *facts = read_facts(in, base);
    if (facts == NULL)
        facts = tree_new(&in->scratch, TREE_OBJECT);
    struct tree *held = facts != NULL ? take_held(in, facts) : NULL;
    if (held != NULL && !keep_held)
        held = tree_new(&in->scratch, TREE_ARRAY);
    bool ok = held != NULL;
    for (size_t i = 0; i < count && ok; i++) {
        struct tree *one = read_facts(in, said[i]);
        if (one != NULL)
            ok = tree_append(held, one);
    }
    bool worth = ok && held->length > 0;
    if (worth)
        ok = tree_add(&in->scratch, facts, held_name, held);
    if (!ok) {
        intake_fault(in, "memory", "out of memory");
        return base;
    }
    return write_facts(in, facts);
}

struct store_bytes facts_moved(struct intake *in, struct store_bytes facts) {
    struct tree *tree = read_facts(in, facts);
    if (tree == NULL || tree_get(tree, moved_name) != NULL)
        return facts;
    struct tree *yes = tree_new(&in->scratch, TREE_BOOLEAN);
    bool ok = yes != NULL;
    if (ok) {
        yes->boolean = true;
        ok = tree_add(&in->scratch, tree, moved_name, yes);
    }
    if (ok)
        return write_facts(in, tree);
    intake_fault(in, "memory", "out of memory");
    return facts;
}

struct store_bytes facts_live(struct intake *in, struct store_bytes facts) {
    static const char *const names[] = { held_name, moved_name };
    struct tree *tree = read_facts(in, facts);
    bool changed = false;
    for (size_t i = 0; tree != NULL && i < sizeof names / sizeof *names; i++) {
        struct tree *member = tree_get(tree, names[i]);
        if (member == NULL)
            continue;
        tree_remove(member);
        changed = true;
    }
    return changed ? write_facts(in, tree) : facts;
}

const char *facts_held_id(struct intake *in, struct store_bytes facts) {
    const struct tree *tree = read_facts(in, facts);
    const struct tree *held = tree != NULL ? tree_get(tree, held_name) : NULL;
    const char *named = NULL;
    if (held == NULL || held->kind != TREE_ARRAY)
        return NULL;
    for (const struct tree *one = held->first; one != NULL; one = one->next) {
        const struct tree *patient = one->kind == TREE_OBJECT ? tree_get(one, "patient") : NULL;
        const char *id = patient != NULL ? tree_text(patient, "localId") : NULL;
        if (id != NULL)
            named = id;
    }
    return named;
}

const char *facts_local_id(struct intake *in, struct store_bytes facts) {
    const struct tree *tree = read_facts(in, facts);
    const struct tree *patient = tree != NULL ? tree_get(tree, "patient") : NULL;
    return patient != NULL ? tree_text(patient, "localId") : NULL;
}
