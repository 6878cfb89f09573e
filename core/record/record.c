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
    int more = snprintf(out + at, size - at, "/%s", shown);
    return more < 0 ? at : at + (size_t)more;
}

/* Hashes a path (FNV-1a). */
static uint64_t hash_path(const char *path) {
    uint64_t hash = 14695981039346656037u;
    for (; *path != '\0'; path++)
        hash = (hash ^ (unsigned char)*path) * 1099511628211u;
    return hash;
}

/* Warns about a dropped field, unless its path was warned about before. */
static void warn_unknown(struct unknown_seen *seen, const struct tree *field) {
    char path[400] = "";
    write_path(path, sizeof path, field);
    uint64_t hash = hash_path(path);
    bool known = false, full = false;
    pthread_mutex_lock(&seen->lock);
    for (size_t i = 0; i < seen->count && !known; i++)
        known = seen->paths[i] == hash;
    if (!known && seen->count < UNKNOWN_NAMED)
        seen->paths[seen->count++] = hash;
    else if (!known)
        full = true;
    bool tell_more = full && !seen->more_told;
    seen->more_told = seen->more_told || full;
    pthread_mutex_unlock(&seen->lock);
    if (tell_more)
        log_line(IPTFHIR_WARNING,
                 "unknown-field: there are more than %d kinds of unknown fields; the others are "
                 "dropped without a line each",
                 UNKNOWN_NAMED);
    else if (!known && !full)
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
        uint32_t symbol = m->symbol != 0 ? m->symbol : symbol_find(m->name, m->name_length);
        const struct field *f = field_find(node, symbol);
        if (must_go(schema, node, f, m)) {
            tree_remove(m);
            dropped++;
        } else if (f != NULL) {
            dropped += drop(schema, f->node, m);
        }
    }
    return dropped;
}

/* Removes restricted fields below a node. */
static size_t drop(const struct record_schema *schema, const struct rule_node *node,
                   struct tree *at) {
    size_t dropped = 0;
    if (!node->holds_restricted && !schema->allow_unknown)
        return 0;
    if (at->kind == TREE_ARRAY && node->items != NULL)
        for (struct tree *i = at->first; i != NULL; i = i->next)
            dropped += drop(schema, node->items, i);
    if (at->kind == TREE_OBJECT && node->field_count > 0)
        dropped += drop_members(schema, node, at);
    return dropped;
}

/* Removes restricted fields. */
size_t record_drop_restricted(const struct record_schema *schema, struct tree *record) {
    return record != NULL ? drop(schema, schema->root, record) : 0;
}

/* The record's id. */
const char *record_id(const struct tree *record) {
    return tree_text(record, "recordId");
}

/* Copies an object's own node and links, not what its members hold, leaving out the members named.
 */
static struct tree *shallow(struct arena *a, const struct tree *object,
                            const char *const *without) {
    struct tree *copy = tree_new(a, TREE_OBJECT);
    for (const struct tree *m = object->first; copy != NULL && m != NULL; m = m->next) {
        bool left_out = false;
        for (const char *const *w = without; *w != NULL; w++)
            left_out = left_out || strcmp(*w, m->name) == 0;
        if (left_out)
            continue;
        struct tree *member = arena_alloc(a, sizeof *member);
        if (member == NULL)
            return NULL;
        *member = *m;
        member->next = NULL;
        if (copy->last != NULL)
            copy->last->next = member;
        else
            copy->first = member;
        copy->last = member;
        copy->length++;
    }
    return copy;
}

/* Hashes a record. */
const char *record_hash(const struct tree *record, char out[65]) {
    static const char *const nothing[] = { NULL };
    static const char *const volatile_fields[] = { "extractedAt", "contentHash", NULL };
    struct arena arena = { 0 };
    struct str text = { 0 };
    const char *result = NULL;
    if (record == NULL || record->kind != TREE_OBJECT)
        return NULL;
    struct tree *copy = shallow(&arena, record, nothing);
    struct tree *source = copy != NULL ? tree_get(copy, "source") : NULL;
    if (source != NULL && source->kind == TREE_OBJECT) {
        const struct tree *less = shallow(&arena, source, volatile_fields);
        if (less == NULL)
            copy = NULL;
        else {
            source->first = less->first;
            source->last = less->last;
            source->length = less->length;
        }
    }
    if (copy != NULL)
        json_write_canonical(&text, copy);
    if (copy != NULL && !text.failed && crypt_sha256_hex(text.data, text.length, out))
        result = out;
    str_free(&text);
    arena_free(&arena);
    return result;
}
