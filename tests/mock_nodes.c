/* SPDX-License-Identifier: Apache-2.0 */
/* Real nodes for the mock host, so that the tests of a plugin need no host. */
#include "core/tree/node.h"
#include "tests/mock_host.h"

#include <stdlib.h>

iptfhir_nodes mock_nodes(void) {
    return &node_api;
}

struct iptfhir_document *mock_document_new(void) {
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        abort();
    return node_document(arena);
}

void mock_document_reset(struct iptfhir_document *document) {
    arena_reset((struct arena *)document);
}

void mock_document_free(struct iptfhir_document *document) {
    struct arena *arena = (struct arena *)document;
    if (arena != NULL)
        arena_free(arena);
    free(arena);
}

/* What a default in an option table says, as the member of the instance. */
static void apply(const struct iptfhir_option *o, void *at) {
    switch (o->type) {
    case IPTFHIR_INTEGER: *(int64_t *)at = o->initial ? strtoll(o->initial, NULL, 10) : 0; break;
    case IPTFHIR_BOOLEAN: *(bool *)at = o->initial && strcmp(o->initial, "true") == 0; break;
    case IPTFHIR_CHOICE:
        for (int i = 0; o->initial && o->choices[i]; i++)
            if (strcmp(o->choices[i], o->initial) == 0)
                *(int *)at = i;
        break;
    case IPTFHIR_LIST: break; /* the host splits it; a test sets its own */
    default: *(const char **)at = o->initial; break;
    }
}

void mock_defaults(const struct iptfhir_descriptor *plugin, void *self) {
    memset(self, 0, plugin->instance_size);
    for (const struct iptfhir_option *o = plugin->options; o && o->name; o++)
        apply(o, (char *)self + o->offset);
}
