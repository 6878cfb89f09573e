/* SPDX-License-Identifier: Apache-2.0 */
/* Preparing and comparing bodies. */
#include "core/sync/body.h"

#include <string.h>

enum { UUID_TEXT = 36, REFERENCE_TEXT = 160 };

/* ---- references ---- */

/* Splits "Type/UUID"; false for any other text. */
static bool split(const struct tree *text, size_t *type_length, const char **uuid) {
    const char *slash = memchr(text->text, '/', text->length);
    bool has_type = slash != NULL && slash > text->text;
    if (!has_type)
        return false;
    *type_length = (size_t)(slash - text->text);
    *uuid = slash + 1;
    return text->length - *type_length - 1 == UUID_TEXT;
}

/* Gives a string node another text. */
static bool set_text(struct tree *node, struct arena *a, const char *text) {
    char *copy = arena_strndup(a, text, strlen(text));
    if (copy == NULL)
        return false;
    node->text = copy;
    node->length = (uint32_t)strlen(text);
    return true;
}

/* The parent of a node that is not the whole; NULL: it has none such. */
static struct tree *inner_parent(const struct tree *node) {
    struct tree *parent = node->parent;
    bool is_whole = parent == NULL || parent->parent == NULL;
    return is_whole ? NULL : parent;
}

/* Takes a node out, and each parent that then holds nothing. */
static void take_out(struct tree *node) {
    struct tree *parent = inner_parent(node);
    tree_remove(node);
    while (parent != NULL && parent->first == NULL) {
        struct tree *empty = parent;
        parent = inner_parent(empty);
        tree_remove(empty);
    }
}

/* The next node in depth-first order under `root`; NULL at the end. */
static struct tree *next_node(const struct tree *root, struct tree *node) {
    bool holds_nodes = node->kind == TREE_ARRAY || node->kind == TREE_OBJECT;
    if (holds_nodes && node->first != NULL)
        return node->first;
    while (node != root) {
        if (node->next != NULL)
            return node->next;
        node = node->parent;
    }
    return NULL;
}

/* Whether a node is the text of a reference. */
static bool is_reference(const struct tree *node) {
    if (node->kind != TREE_STRING || node->name == NULL)
        return false;
    return strcmp(node->name, "reference") == 0;
}

/* The first reference text from `node` on; NULL: none. */
static struct tree *reference_from(const struct tree *root, struct tree *node) {
    while (node != NULL && !is_reference(node))
        node = next_node(root, node);
    return node;
}

/* The next reference text behind `node`; NULL: none. */
static struct tree *next_reference(const struct tree *root, struct tree *node) {
    return reference_from(root, next_node(root, node));
}

/* Lists the reference texts of a body, as they stand before anything is taken out. */
static struct tree **list_references(struct tree *body, struct arena *a, size_t *count) {
    struct tree *first = reference_from(body, body);
    size_t n = 0;
    for (struct tree *node = first; node != NULL; node = next_reference(body, node))
        n++;
    struct tree **list = arena_alloc(a, (n + 1) * sizeof(struct tree *));
    *count = 0;
    if (list == NULL)
        return NULL;
    for (struct tree *node = first; node != NULL; node = next_reference(body, node))
        list[(*count)++] = node;
    return list;
}

/* Takes out a reference, which is the text and what surrounds it. */
static void omit_reference(struct tree *text, const struct tree *body) {
    struct tree *around = text->parent;
    take_out(around == body ? text : around);
}

static bool resolve_references(struct tree *body, struct arena *a, const struct body_out *out,
                               uint32_t *omitted) {
    size_t count;
    struct tree **list = list_references(body, a, &count);
    if (list == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        char text[REFERENCE_TEXT];
        size_t type_length;
        const char *uuid;
        if (!split(list[i], &type_length, &uuid))
            continue;
        switch (out->resolve(out->user, list[i]->text, type_length, uuid, text)) {
        case BODY_KEEP: break;
        case BODY_CHANGE:
            if (!set_text(list[i], a, text))
                return false;
            break;
        case BODY_OMIT:
            ++*omitted;
            omit_reference(list[i], body);
            break;
        }
    }
    return true;
}

/* ---- the way out ---- */

/* Puts the id where it belongs: behind resourceType, or nowhere. */
static bool set_id(struct tree *body, struct arena *a, const char *id) {
    struct tree *old = tree_get(body, "id");
    if (old != NULL && id != NULL)
        return set_text(old, a, id);
    if (old != NULL)
        tree_remove(old);
    if (id == NULL)
        return true;
    return tree_add(a, body, "id", tree_string(a, id, strlen(id)));
}

/* Leaves out the labels, and a meta that holds nothing else. */
static void drop_labels(struct tree *body) {
    struct tree *labels = tree_get(tree_get(body, "meta"), "security");
    if (labels != NULL)
        take_out(labels);
}

static bool is_list(const struct tree *node) {
    return node != NULL && node->kind == TREE_ARRAY;
}

/* The first of a body's identifiers, which may be one or a list. */
static struct tree *first_identifier(const struct tree *body) {
    struct tree *identifier = tree_get(body, "identifier");
    return is_list(identifier) ? identifier->first : identifier;
}

/* The next one; what stands behind one that is no list's is another member. */
static struct tree *next_identifier(const struct tree *one) {
    return is_list(one->parent) ? one->next : NULL;
}

/* Replaces the value of one business identifier. */
static bool set_identifier(struct tree *body, struct arena *a, const struct body_out *out) {
    if (out->value == NULL)
        return true;
    struct tree *one = first_identifier(body);
    for (; one != NULL; one = next_identifier(one)) {
        const char *value = tree_text(one, "value");
        if (value != NULL && strcmp(value, out->old_value) == 0)
            return set_text(tree_get(one, "value"), a, out->value);
    }
    return true;
}

bool body_prepare(struct tree *body, struct arena *a, const struct body_out *out,
                  uint32_t *omitted) {
    *omitted = 0;
    if (body->kind != TREE_OBJECT)
        return false;
    if (!out->labels)
        drop_labels(body);
    if (!set_identifier(body, a, out))
        return false;
    if (out->resolve != NULL && !resolve_references(body, a, out, omitted))
        return false;
    return set_id(body, a, out->id);
}

/* ---- comparing ---- */

/* Whether a server made the narrative: nobody's words are lost with it. */
static bool is_generated(const struct tree *narrative) {
    const char *status = tree_text(narrative, "status");
    return status != NULL && strcmp(status, "generated") == 0;
}

/* Finds the element from `first` on that holds `wanted`; NULL: none. */
static struct tree *equal_element(struct tree *first, const struct tree *wanted) {
    for (struct tree *item = first; item != NULL; item = item->next) {
        if (body_contains(item, wanted))
            return item;
    }
    return NULL;
}

/* Orders a set as `mine` has it; what only theirs has follows. */
static void align_set(struct tree *theirs, const struct tree *mine) {
    struct tree **place = &theirs->first;
    for (const struct tree *wanted = mine->first; wanted != NULL; wanted = wanted->next) {
        struct tree *item = equal_element(*place, wanted);
        if (item == NULL)
            continue; /* it lacks, or it stands before: we say it twice */
        tree_remove(item);
        item->parent = theirs;
        item->next = *place;
        *place = item;
        if (item->next == NULL)
            theirs->last = item;
        theirs->length++;
        place = &item->next;
    }
}

static bool is_one_of(const char *name, const char *const *names) {
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* Lists whose order says nothing, and to which servers add. */
static bool is_set(const char *name) {
    static const char *const sets[] = { "tag", "security", "profile", "identifier", NULL };
    return is_one_of(name, sets);
}

/* What every server puts into meta by itself. */
static bool is_servers_own(const char *name) {
    static const char *const own[] = { "versionId", "lastUpdated", "source", NULL };
    return is_one_of(name, own);
}

static void normalise_meta(struct tree *theirs, const struct tree *mine) {
    struct tree *next;
    for (struct tree *member = theirs->first; member != NULL; member = next) {
        next = member->next;
        const struct tree *ours = tree_get(mine, member->name);
        bool both_lists = is_list(ours) && is_list(member);
        if (ours == NULL && is_servers_own(member->name))
            tree_remove(member);
        else if (both_lists && is_set(member->name))
            align_set(member, ours);
    }
}

void body_normalise(struct tree *theirs, const struct tree *mine) {
    struct tree *meta = tree_get(theirs, "meta");
    if (meta != NULL && meta->kind == TREE_OBJECT) {
        normalise_meta(meta, tree_get(mine, "meta"));
        if (meta->first == NULL)
            tree_remove(meta);
    }
    struct tree *text = tree_get(theirs, "text");
    bool ours = tree_get(mine, "text") != NULL;
    if (text != NULL && !ours && is_generated(text))
        tree_remove(text);
}

/* Whether each element of a set is in another. */
static bool contains_set(const struct tree *theirs, const struct tree *mine) {
    for (const struct tree *item = mine->first; item != NULL; item = item->next) {
        if (equal_element(theirs->first, item) == NULL)
            return false;
    }
    return true;
}

/* The member of an object that is named like another's; NULL: none. */
static const struct tree *named_like(const struct tree *object, const struct tree *member) {
    if (member->symbol != 0)
        return tree_get_symbol(object, member->symbol);
    return tree_get(object, member->name);
}

/* Whether an object has each member of another. */
static bool contains_members(const struct tree *theirs, const struct tree *mine) {
    for (const struct tree *member = mine->first; member != NULL; member = member->next) {
        const struct tree *other = named_like(theirs, member);
        if (other == NULL || !body_contains(other, member))
            return false;
    }
    return true;
}

/* Whether a list has as many elements as another, each in its place. */
static bool contains_elements(const struct tree *theirs, const struct tree *mine) {
    if (theirs->length != mine->length)
        return false;
    const struct tree *other = theirs->first;
    for (const struct tree *item = mine->first; item != NULL; item = item->next) {
        if (!body_contains(other, item))
            return false;
        other = other->next;
    }
    return true;
}

bool body_contains(const struct tree *theirs, const struct tree *mine) {
    if (theirs->kind != mine->kind)
        return false;
    if (mine->kind == TREE_OBJECT)
        return contains_members(theirs, mine);
    if (mine->kind != TREE_ARRAY)
        return tree_equal(theirs, mine);
    bool unordered = mine->name != NULL && is_set(mine->name);
    return unordered ? contains_set(theirs, mine) : contains_elements(theirs, mine);
}

/* ---- old content ---- */

/* What became of a change, place by place. */
struct change {
    size_t shown;       /* places that are no longer as they were */
    size_t old_values;  /* values that were to become others and are as they were */
    size_t old_members; /* what was to come, or to go, and didn't */
};

static void tally(struct change *change, const struct tree *answer, const struct tree *before,
                  const struct tree *sent);

/* Compares the members that either of two objects has. */
static void tally_members(struct change *change, const struct tree *answer,
                          const struct tree *before, const struct tree *sent) {
    for (const struct tree *s = sent->first; s != NULL; s = s->next)
        tally(change, tree_get(answer, s->name), tree_get(before, s->name), s);
    for (const struct tree *b = before->first; b != NULL; b = b->next) {
        if (tree_get(sent, b->name) == NULL)
            tally(change, tree_get(answer, b->name), b, NULL);
    }
}

static void tally_elements(struct change *change, const struct tree *answer,
                           const struct tree *before, const struct tree *sent) {
    const struct tree *a = answer->first, *b = before->first;
    for (const struct tree *s = sent->first; s != NULL; s = s->next) {
        tally(change, a, b, s);
        a = a->next;
        b = b->next;
    }
}

/* Counts one place that was to change as a whole. */
static void tally_place(struct change *change, const struct tree *answer, const struct tree *before,
                        const struct tree *sent) {
    bool both_lack = before == NULL && answer == NULL;
    bool both_have = before != NULL && answer != NULL;
    bool is_old = both_lack || (both_have && tree_equal(answer, before));
    bool is_value = before != NULL && sent != NULL;
    bool in_set = is_value && before->name != NULL && is_set(before->name);
    if (!is_old)
        change->shown++;
    else if (is_value && !in_set)
        change->old_values++;
    else
        change->old_members++;
}

/* Compares what is at one place; NULL: nothing is there. */
static void tally(struct change *change, const struct tree *answer, const struct tree *before,
                  const struct tree *sent) {
    bool all_there = answer != NULL && before != NULL && sent != NULL;
    if (before != NULL && sent != NULL && tree_equal(before, sent))
        return;
    bool alike = all_there && answer->kind == sent->kind && before->kind == sent->kind;
    bool objects = alike && sent->kind == TREE_OBJECT;
    bool lists = alike && sent->kind == TREE_ARRAY;
    bool same_length = lists && answer->length == sent->length && before->length == sent->length;
    if (objects)
        tally_members(change, answer, before, sent);
    else if (same_length)
        tally_elements(change, answer, before, sent);
    else
        tally_place(change, answer, before, sent);
}

bool body_shows_old(const struct tree *answer, const struct tree *before, const struct tree *sent) {
    struct change change = { 0 };
    tally(&change, answer, before, sent);
    return change.old_values > 0 || (change.shown == 0 && change.old_members > 0);
}

/* Whether one identifier is this one. */
static bool is_identifier(const struct tree *one, const char *system, const char *value) {
    const char *its_value = tree_text(one, "value");
    if (its_value == NULL || strcmp(its_value, value) != 0)
        return false;
    const char *its_system = tree_text(one, "system");
    if (its_system == NULL)
        return *system == '\0';
    return strcmp(its_system, system) == 0;
}

bool body_has_identifier(const struct tree *body, const char *system, const char *value,
                         bool *others) {
    const struct tree *one = first_identifier(body);
    bool has = false;
    *others = false;
    for (; one != NULL; one = next_identifier(one)) {
        if (is_identifier(one, system, value))
            has = true;
        else
            *others = true;
    }
    return has;
}

/* Where the id begins in a text that goes on with "Type/"; NULL: it doesn't. */
static const char *behind_type(const char *text, const char *type, size_t length) {
    if (strncmp(text, type, length) != 0)
        return NULL;
    return text[length] == '/' ? text + length + 1 : NULL;
}

/* The id of a reference text to this type, *length long; NULL: it is one to another. */
static const char *id_in(const struct tree *reference, const char *type, size_t *length) {
    size_t type_length = strlen(type);
    const char *text = reference->text;
    const char *end = text + reference->length;
    for (const char *p = text; p + type_length < end; p++) {
        bool begins = p == text || p[-1] == '/';
        const char *id = begins ? behind_type(p, type, type_length) : NULL;
        if (id != NULL) {
            *length = strcspn(id, "/?#");
            return id;
        }
    }
    return NULL;
}

/* The root of a body for next_reference(), which gives what may be changed; who looks only changes
 * nothing. */
static struct tree *root_of(const struct tree *body) {
    return (struct tree *)(uintptr_t)body;
}

bool body_refers_only_to(const struct tree *body, const char *type, const char *id) {
    struct tree *node = reference_from(body, root_of(body));
    for (; node != NULL; node = next_reference(body, node)) {
        size_t length;
        const char *its_id = id_in(node, type, &length);
        if (its_id == NULL)
            continue;
        if (length != strlen(id) || memcmp(its_id, id, length) != 0)
            return false;
    }
    return true;
}

/* Whether a member is a reference to a resource of a type. */
static bool is_reference_to(const struct tree *member, const char *type) {
    size_t length;
    const struct tree *text = tree_get(member, "reference");
    bool is_text = text != NULL && text->kind == TREE_STRING;
    return is_text && id_in(text, type, &length) != NULL;
}

bool body_names_subject(const struct tree *body, const char *type) {
    for (const struct tree *member = body->first; member != NULL; member = member->next) {
        if (is_reference_to(member, type))
            return true;
    }
    return false;
}

bool body_has_subject(const struct tree *theirs, const struct tree *mine, const char *type) {
    for (const struct tree *member = mine->first; member != NULL; member = member->next) {
        bool is_subject = is_reference_to(member, type);
        if (is_subject && !is_reference_to(tree_get(theirs, member->name), type))
            return false;
    }
    return true;
}

const char *body_refers_to_one(const struct tree *body, struct arena *a, const char *type) {
    struct tree *node = reference_from(body, root_of(body));
    const char *its_id = NULL;
    size_t length = 0;
    for (; node != NULL && its_id == NULL; node = next_reference(body, node))
        its_id = id_in(node, type, &length);
    if (its_id == NULL)
        return NULL;
    const char *id = arena_strndup(a, its_id, length);
    bool alone = id != NULL && body_refers_only_to(body, type, id);
    return alone ? id : NULL;
}

/* The "Type/id" that a reference ends in, before a version. */
static const char *local_part(const char *reference, size_t *length) {
    const char *version = strstr(reference, "/_history/");
    const char *end = version != NULL ? version : reference + strlen(reference);
    const char *start = end;
    int slashes = 0;
    while (start > reference) {
        if (start[-1] == '/')
            slashes++;
        if (slashes == 2)
            break;
        start--;
    }
    *length = (size_t)(end - start);
    return start;
}

bool body_same_reference(const char *one, const char *other) {
    size_t length, other_length;
    const char *a = local_part(one, &length), *b = local_part(other, &other_length);
    return length == other_length && memcmp(a, b, length) == 0;
}

bool body_refer_to(struct tree *body, struct arena *a, const char *type, const char *id) {
    const char *text = arena_printf(a, "%s/%s", type, id);
    if (text == NULL)
        return false;
    struct tree *node = reference_from(body, body);
    for (; node != NULL; node = next_reference(body, node)) {
        size_t length;
        if (id_in(node, type, &length) == NULL)
            continue;
        node->text = text;
        node->length = (uint32_t)strlen(text);
    }
    return true;
}
