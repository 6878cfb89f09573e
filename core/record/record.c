/* SPDX-License-Identifier: Apache-2.0 */
/* Dropping what is restricted; the id and the hash of a record. */
#include "core/record/schema.h"

#include "core/base/crypt.h"
#include "core/base/log.h"

#include <stdio.h>
#include <string.h>

/* Writes the path of a field without the indexes of lists: "/measures/items". */
static size_t write_path(char *out, size_t size, const struct tree *node) {
    char name[NAME_MAX_SHOWN + 1];
    if (node->parent == NULL)
        return 0;
    size_t at = write_path(out, size, node->parent);
    if (node->parent->kind == TREE_ARRAY || at >= size)
        return at;
    const char *shown = field_name_shown(node->name, node->name_length, name);
    return at + (size_t)snprintf(out + at, size - at, "/%s", shown);
}

/* Hashes a path (FNV-1a). */
static uint64_t hash_path(const char *path) {
    uint64_t hash = 14695981039346656037u;
    for (; *path != '\0'; path++)
        hash = (hash ^ (unsigned char)*path) * 1099511628211u;
    return hash;
}

/* What is said of an unknown field. */
enum telling { TELL_NOTHING, TELL_PATH, TELL_MORE };

static bool is_seen(const struct unknown_seen *seen, uint64_t hash) {
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->paths[i] == hash)
            return true;
    }
    return false;
}

/* Notes the path of an unknown field. The lock is held. */
static enum telling note_unknown(struct unknown_seen *seen, uint64_t hash) {
    if (is_seen(seen, hash))
        return TELL_NOTHING;
    if (seen->count < UNKNOWN_NAMED) {
        seen->paths[seen->count++] = hash;
        return TELL_PATH;
    }
    if (seen->more_told)
        return TELL_NOTHING;
    seen->more_told = true;
    return TELL_MORE;
}

/* Warns about a dropped field, unless its path was warned about before. */
static void warn_unknown(struct unknown_seen *seen, const struct tree *field) {
    char path[400] = "";
    write_path(path, sizeof path, field);
    pthread_mutex_lock(&seen->lock);
    enum telling telling = note_unknown(seen, hash_path(path));
    pthread_mutex_unlock(&seen->lock);
    if (telling == TELL_MORE)
        log_line(IPTFHIR_WARNING,
                 "unknown-field: there are more than %d kinds of unknown fields; the others are "
                 "dropped without a line each",
                 UNKNOWN_NAMED);
    if (telling == TELL_PATH)
        log_line(IPTFHIR_WARNING,
                 "unknown-field: the record schema has no field %s: it is dropped from each record;"
                 " correct its name in the source, or leave it out there",
                 path);
}

static size_t drop(const struct record_schema *schema, const struct rule_node *node,
                   struct tree *at);

/* Tells whether a member must go: restricted, or unknown where that is dropped with a warning. */
static bool must_go(const struct record_schema *schema, const struct rule_node *node,
                    const struct field *f, const struct tree *member) {
    if (f != NULL)
        return f->node->restricted;
    bool known = node->others != NULL || node->open;
    if (known || !schema->allow_unknown)
        return false;
    warn_unknown(schema->seen, member);
    return true;
}

/* Removes restricted fields of an object and below it. */
static size_t drop_members(const struct record_schema *schema, const struct rule_node *node,
                           struct tree *object) {
    size_t dropped = 0;
    struct tree *next = NULL;
    for (struct tree *m = object->first; m != NULL; m = next) {
        next = m->next;
        const struct field *f = field_find(node, member_symbol(m));
        if (must_go(schema, node, f, m)) {
            tree_remove(m);
            dropped++;
        } else if (f != NULL) {
            dropped += drop(schema, f->node, m);
        }
    }
    return dropped;
}

/* Removes restricted fields of a list's items. */
static size_t drop_items(const struct record_schema *schema, const struct rule_node *items,
                         struct tree *list) {
    size_t dropped = 0;
    for (struct tree *i = list->first; i != NULL; i = i->next)
        dropped += drop(schema, items, i);
    return dropped;
}

/* Removes restricted fields below a node. */
static size_t drop(const struct record_schema *schema, const struct rule_node *node,
                   struct tree *at) {
    if (!node->holds_restricted && !schema->allow_unknown)
        return 0;
    if (at->kind == TREE_ARRAY && node->items != NULL)
        return drop_items(schema, node->items, at);
    if (at->kind == TREE_OBJECT && node->field_count > 0)
        return drop_members(schema, node, at);
    return 0;
}

size_t record_drop_restricted(const struct record_schema *schema, struct tree *record) {
    return record != NULL ? drop(schema, schema->root, record) : 0;
}

const char *record_id(const struct tree *record) {
    return tree_text(record, "recordId");
}

/* ---- the hash ---- */

static bool is_among(const char *name, const char *const *list) {
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

/* Appends a copy of a member's own node. */
static bool append_shallow(struct arena *a, struct tree *object, const struct tree *member) {
    struct tree *copy = arena_alloc(a, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = *member;
    copy->next = NULL;
    if (object->last != NULL)
        object->last->next = copy;
    else
        object->first = copy;
    object->last = copy;
    object->length++;
    return true;
}

/* Copies an object's own node and links, not what its members hold, leaving out the members named.
 */
static struct tree *shallow(struct arena *a, const struct tree *object,
                            const char *const *without) {
    struct tree *copy = tree_new(a, TREE_OBJECT);
    if (copy == NULL)
        return NULL;
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        if (!is_among(m->name, without) && !append_shallow(a, copy, m))
            return NULL;
    }
    return copy;
}

/* The record without what changes from export to export. NULL: out of memory. */
static const struct tree *lasting(struct arena *a, const struct tree *record) {
    static const char *const nothing[] = { NULL };
    static const char *const changing[] = { "extractedAt", "contentHash", NULL };
    struct tree *copy = shallow(a, record, nothing);
    struct tree *source = copy != NULL ? tree_get(copy, "source") : NULL;
    if (source == NULL || source->kind != TREE_OBJECT)
        return copy;
    const struct tree *less = shallow(a, source, changing);
    if (less == NULL)
        return NULL;
    source->first = less->first;
    source->last = less->last;
    source->length = less->length;
    return copy;
}

const char *record_hash(const struct tree *record, char out[65]) {
    struct arena arena = { 0 };
    struct str text = { 0 };
    bool hashed = false;
    if (record == NULL || record->kind != TREE_OBJECT)
        return NULL;
    const struct tree *what = lasting(&arena, record);
    if (what != NULL) {
        json_write_canonical(&text, what);
        hashed = !text.failed && crypt_sha256_hex(text.data, text.length, out);
    }
    str_free(&text);
    arena_free(&arena);
    return hashed ? out : NULL;
}
