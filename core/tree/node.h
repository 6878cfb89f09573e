/* SPDX-License-Identifier: Apache-2.0 */
/* The tree behind the node interface of plugins: a node is a tree, a document is an arena. */
#ifndef CORE_TREE_NODE_H
#define CORE_TREE_NODE_H

#include "core/tree/tree.h"

#include <iptfhir/node.h>

/* The functions of <iptfhir/node.h> over trees. */
extern const struct iptfhir_node_api node_api;

static inline const struct iptfhir_node *node_of(const struct tree *tree) {
    return (const struct iptfhir_node *)tree;
}
static inline const struct tree *node_tree(const struct iptfhir_node *node) {
    return (const struct tree *)node;
}
/* The same for a node that a plugin built and hands over. */
static inline struct tree *node_built_tree(struct iptfhir_node *node) {
    return (struct tree *)node;
}
static inline struct iptfhir_document *node_document(struct arena *arena) {
    return (struct iptfhir_document *)arena;
}

/* True when what a plugin built is at most TREE_MAX_DEPTH deep, as deep as json_read() goes. */
bool node_depth_allowed(const struct tree *tree);
#endif
