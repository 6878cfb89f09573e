/* SPDX-License-Identifier: Apache-2.0 */
/* The node interface of plugins over trees. */
#include "core/tree/node.h"

#include "core/tree/number.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena_of(struct iptfhir_document *document) {
    return (struct arena *)document;
}

static struct iptfhir_node *built(struct tree *tree) {
    return (struct iptfhir_node *)tree;
}

static bool is_container(const struct tree *tree) {
    return tree != NULL && (tree->kind == TREE_ARRAY || tree->kind == TREE_OBJECT);
}

/* ---- reading ---- */

static iptfhir_node_kind api_kind(const struct iptfhir_node *node) {
    static const iptfhir_node_kind kinds[] = {
        [TREE_NULL] = IPTFHIR_NODE_NULL,     [TREE_BOOLEAN] = IPTFHIR_NODE_BOOLEAN,
        [TREE_NUMBER] = IPTFHIR_NODE_NUMBER, [TREE_STRING] = IPTFHIR_NODE_STRING,
        [TREE_ARRAY] = IPTFHIR_NODE_ARRAY,   [TREE_OBJECT] = IPTFHIR_NODE_OBJECT,
    };
    return node == NULL ? IPTFHIR_NODE_NONE : kinds[node_tree(node)->kind];
}

static const struct iptfhir_node *api_get(const struct iptfhir_node *object, const char *name) {
    return node_of(tree_get(node_tree(object), name));
}

static const struct iptfhir_node *api_first(const struct iptfhir_node *container) {
    const struct tree *tree = node_tree(container);
    return is_container(tree) ? node_of(tree->first) : NULL;
}

static const struct iptfhir_node *api_next(const struct iptfhir_node *child) {
    return child == NULL ? NULL : node_of(node_tree(child)->next);
}

static size_t api_count(const struct iptfhir_node *container) {
    const struct tree *tree = node_tree(container);
    return is_container(tree) ? tree->length : 0;
}

static const struct iptfhir_node *api_at(const struct iptfhir_node *container, size_t index) {
    if (index >= api_count(container))
        return NULL;
    const struct iptfhir_node *child = api_first(container);
    for (size_t i = 0; i < index; i++)
        child = api_next(child);
    return child;
}

static const char *api_name(const struct iptfhir_node *member) {
    return member == NULL ? NULL : node_tree(member)->name;
}

static const char *api_text(const struct iptfhir_node *string, size_t *length) {
    const struct tree *tree = node_tree(string);
    if (tree == NULL || tree->kind != TREE_STRING)
        return NULL;
    if (length != NULL)
        *length = tree->length;
    return tree->text;
}

static const char *api_number(const struct iptfhir_node *number) {
    const struct tree *tree = node_tree(number);
    return tree != NULL && tree->kind == TREE_NUMBER ? tree->text : NULL;
}

static bool api_integer(const struct iptfhir_node *number, int64_t *value) {
    return tree_to_int(node_tree(number), value);
}

/* A locale with a decimal comma stops at the point of a JSON number; then the text is read again
 * with its comma. */
static bool api_real(const struct iptfhir_node *number, double *value) {
    const struct tree *tree = node_tree(number);
    if (tree == NULL || tree->kind != TREE_NUMBER)
        return false;
    char *end = NULL;
    *value = strtod(tree->text, &end);
    char text[512];
    if (*end == '.' && tree->length < sizeof text) {
        memcpy(text, tree->text, tree->length + 1);
        text[end - tree->text] = ',';
        *value = strtod(text, &end);
    }
    return *end == '\0';
}

static bool api_boolean(const struct iptfhir_node *boolean, bool *value) {
    const struct tree *tree = node_tree(boolean);
    if (tree == NULL || tree->kind != TREE_BOOLEAN)
        return false;
    *value = tree->boolean;
    return true;
}

static bool api_position(const struct iptfhir_node *node, uint32_t *line, uint32_t *column) {
    const struct tree *tree = node_tree(node);
    if (tree == NULL || tree->line == 0)
        return false;
    *line = tree->line;
    *column = tree->column;
    return true;
}

static const struct iptfhir_node *api_find(const struct iptfhir_node *root, const char *pointer) {
    return root == NULL ? NULL : node_of(tree_pointer(node_tree(root), pointer));
}

/* ---- building ---- */

static struct iptfhir_node *api_object(struct iptfhir_document *document) {
    return built(tree_new(arena_of(document), TREE_OBJECT));
}

static struct iptfhir_node *api_array(struct iptfhir_document *document) {
    return built(tree_new(arena_of(document), TREE_ARRAY));
}

static struct iptfhir_node *api_null(struct iptfhir_document *document) {
    return built(tree_new(arena_of(document), TREE_NULL));
}

static bool is_storable(const char *bytes, size_t length) {
    return iptfhir_utf8_valid(bytes, length) && memchr(bytes, '\0', length) == NULL;
}

static struct iptfhir_node *api_string(struct iptfhir_document *document, const char *bytes,
                                       size_t length) {
    if (bytes == NULL || (length > 0 && !is_storable(bytes, length)))
        return NULL;
    return built(tree_string(arena_of(document), bytes, length));
}

static struct iptfhir_node *api_number_text(struct iptfhir_document *document, const char *text) {
    if (text == NULL || !number_is(text))
        return NULL;
    return built(tree_number(arena_of(document), text, strlen(text)));
}

static struct iptfhir_node *api_whole(struct iptfhir_document *document, int64_t value) {
    return built(tree_integer(arena_of(document), value));
}

static struct iptfhir_node *api_truth(struct iptfhir_document *document, bool value) {
    return built(tree_boolean(arena_of(document), value));
}

static struct iptfhir_node *api_copy(struct iptfhir_document *document,
                                     const struct iptfhir_node *node) {
    struct tree *copy = tree_copy(arena_of(document), node_tree(node));
    if (copy == NULL)
        return NULL;
    copy->name = NULL;
    copy->name_length = 0;
    copy->symbol = 0;
    return built(copy);
}

/* True when `value` stands nowhere yet and is not what it shall become a part of. */
static bool can_go_into(const struct tree *value, const struct tree *container) {
    if (value == NULL || value->parent != NULL)
        return false;
    for (const struct tree *above = container; above != NULL; above = above->parent)
        if (above == value)
            return false;
    return true;
}

/* Puts `value` where `old` stands, under its name. */
static void replace(struct tree *old, struct tree *value) {
    struct tree *parent = old->parent;
    struct tree **link = &parent->first;
    while (*link != old)
        link = &(*link)->next;
    *link = value;
    if (parent->last == old)
        parent->last = value;
    value->parent = parent;
    value->next = old->next;
    value->name = old->name;
    value->name_length = old->name_length;
    value->symbol = old->symbol;
    old->parent = NULL;
    old->next = NULL;
}

static bool api_set(struct iptfhir_document *document, struct iptfhir_node *object,
                    const char *name, struct iptfhir_node *value) {
    struct tree *into = node_built_tree(object);
    struct tree *member = node_built_tree(value);
    if (into == NULL || into->kind != TREE_OBJECT || name == NULL || !can_go_into(member, into))
        return false;
    size_t length = strlen(name);
    uint32_t symbol = symbol_find(name, length);
    if (symbol == 0 && !iptfhir_utf8_valid(name, length))
        return false;
    struct tree *old = tree_get_known(into, name, length, symbol);
    if (old != NULL) {
        replace(old, member);
        return true;
    }
    return tree_add_known(arena_of(document), into, name, length, symbol, member);
}

static bool api_append(struct iptfhir_node *array, struct iptfhir_node *value) {
    struct tree *into = node_built_tree(array);
    struct tree *element = node_built_tree(value);
    if (into == NULL || into->kind != TREE_ARRAY || !can_go_into(element, into))
        return false;
    return tree_append(into, element);
}

static void api_place(struct iptfhir_node *node, uint32_t line, uint32_t column) {
    struct tree *tree = node_built_tree(node);
    if (tree == NULL)
        return;
    tree->line = line;
    tree->column = column;
}

/* ---- JSON ---- */

static struct iptfhir_node *api_read(struct iptfhir_document *document, const char *json,
                                     size_t length, struct iptfhir_error *error) {
    return built(json_read_copy(arena_of(document), json, length, NULL, error));
}

static const char *api_write(struct iptfhir_document *document, const struct iptfhir_node *node,
                             size_t *length) {
    struct str text = { 0 };
    if (node == NULL || !node_depth_allowed(node_tree(node)))
        return NULL;
    json_write(&text, node_tree(node), JSON_COMPACT);
    const char *kept =
        text.failed ? NULL : arena_strndup(arena_of(document), text.data, text.length);
    if (kept != NULL && length != NULL)
        *length = text.length;
    str_free(&text);
    return kept;
}

const struct iptfhir_node_api node_api = {
    .size = sizeof node_api,
    .kind = api_kind,
    .get = api_get,
    .first = api_first,
    .next = api_next,
    .at = api_at,
    .count = api_count,
    .name = api_name,
    .text = api_text,
    .number = api_number,
    .integer = api_integer,
    .real = api_real,
    .boolean = api_boolean,
    .position = api_position,
    .find = api_find,
    .object = api_object,
    .array = api_array,
    .null = api_null,
    .string = api_string,
    .number_text = api_number_text,
    .whole = api_whole,
    .truth = api_truth,
    .copy = api_copy,
    .set = api_set,
    .append = api_append,
    .place = api_place,
    .read = api_read,
    .write = api_write,
};

bool node_depth_allowed(const struct tree *tree) {
    unsigned above = 0; /* containers above the node */
    const struct tree *node = tree;
    while (node != NULL) {
        if (is_container(node) && above == TREE_MAX_DEPTH)
            return false;
        if (is_container(node) && node->first != NULL) {
            above++;
            node = node->first;
            continue;
        }
        while (node != tree && node->next == NULL) {
            node = node->parent;
            above--;
        }
        node = node == tree ? NULL : node->next;
    }
    return true;
}
