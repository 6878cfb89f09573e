/* SPDX-License-Identifier: Apache-2.0 */
/* Between the tree and jansson's values: the form in which plugins see records and resources. */
#include "core/tree/tree.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a number's text: whole numbers in range become integers, all else reals. */
static json_t *number_to_json(const struct tree *node) {
    int64_t whole;
    if (tree_to_int(node, &whole))
        return json_integer(whole);
    char *end;
    double value = strtod(node->text, &end);
    if (*end == '.') { /* a locale with a decimal comma */
        char text[512];
        if (node->length >= sizeof text)
            return NULL;
        memcpy(text, node->text, node->length + 1);
        text[end - node->text] = ',';
        value = strtod(text, NULL);
    }
    return json_real(value);
}

/* Converts the children. */
static json_t *container_to_json(const struct tree *node) {
    json_t *made = node->kind == TREE_OBJECT ? json_object() : json_array();
    for (const struct tree *child = node->first; made && child; child = child->next) {
        json_t *value = tree_to_json(child);
        int failed = !value ? -1
                     : node->kind == TREE_OBJECT
                         ? json_object_set_new_nocheck(made, child->name, value)
                         : json_array_append_new(made, value);
        if (failed) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

/* Converts a tree. */
json_t *tree_to_json(const struct tree *node) {
    if (!node)
        return NULL;
    switch ((enum tree_kind)node->kind) {
    case TREE_NULL: return json_null();
    case TREE_BOOLEAN: return json_boolean(node->boolean);
    case TREE_NUMBER: return number_to_json(node);
    case TREE_STRING: return json_stringn_nocheck(node->text, node->length);
    case TREE_ARRAY:
    case TREE_OBJECT: return container_to_json(node);
    }
    return NULL;
}

/* Prints a real with as few digits as give it back, with ".0" when it would look whole. */
static struct tree *real_from_json(struct arena *a, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = '.';
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    return tree_number(a, text, strlen(text));
}

/* Converts one value, at most TREE_MAX_DEPTH deep. */
static struct tree *from_json(struct arena *a, const json_t *json, unsigned depth) {
    if (!json || depth > TREE_MAX_DEPTH)
        return NULL;
    struct tree *node = NULL;
    switch (json_typeof(json)) {
    case JSON_NULL: return tree_new(a, TREE_NULL);
    case JSON_TRUE:
    case JSON_FALSE: return tree_boolean(a, json_is_true(json));
    case JSON_INTEGER: return tree_integer(a, json_integer_value(json));
    case JSON_REAL: return real_from_json(a, json_real_value(json));
    case JSON_STRING: return tree_string(a, json_string_value(json), json_string_length(json));
    case JSON_ARRAY:
        node = tree_new(a, TREE_ARRAY);
        for (size_t i = 0; node && i < json_array_size(json); i++)
            if (!tree_append(node, from_json(a, json_array_get(json, i), depth + 1)))
                return NULL;
        return node;
    case JSON_OBJECT:
        node = tree_new(a, TREE_OBJECT);
        for (void *i = json_object_iter((json_t *)(uintptr_t)json); node && i;
             i = json_object_iter_next((json_t *)(uintptr_t)json, i))
            if (!tree_add(a, node, json_object_iter_key(i),
                          from_json(a, json_object_iter_value(i), depth + 1)))
                return NULL;
        return node;
    }
    return NULL;
}

/* Converts from jansson. */
struct tree *tree_from_json(struct arena *a, const json_t *json) {
    return from_json(a, json, 1);
}
