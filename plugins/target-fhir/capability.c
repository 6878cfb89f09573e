/* SPDX-License-Identifier: Apache-2.0 */
/* What a server can do, read from its CapabilityStatement into a small sorted table. */
#include "fhir.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A word of the statement and the flag that it sets. */
struct word {
    const char *name;
    unsigned flag;
};
static const struct word interactions[] = { { "create", CAN_CREATE },
                                            { "update", CAN_UPDATE },
                                            { "read", CAN_READ },
                                            { "search-type", CAN_SEARCH } };
static const struct word parameters[] = { { "identifier", BY_IDENTIFIER },
                                          { "patient", BY_PATIENT },
                                          { "subject", BY_SUBJECT },
                                          { "code", BY_CODE } };

/* Collects the flags of a list of objects by one member of each. */
static unsigned read_flags(const json_t *list, const char *member, const struct word *words,
                           size_t count) {
    const json_t *it;
    unsigned flags = 0;
    size_t i;
    json_array_foreach(list, i, it) {
        const char *name = json_string_value(json_object_get(it, member));
        for (size_t k = 0; name != NULL && k < count; k++)
            if (strcmp(words[k].name, name) == 0)
                flags |= words[k].flag;
    }
    return flags;
}

/* Orders types by name. */
static int by_name(const void *a, const void *b) {
    return strcmp(((const struct capability_type *)a)->name,
                  ((const struct capability_type *)b)->name);
}

/* Returns the part of the statement that is about the server. */
static const json_t *server_part(const json_t *root) {
    const json_t *rest = json_object_get(root, "rest"), *it;
    size_t i;
    json_array_foreach(rest, i, it) {
        const char *mode = json_string_value(json_object_get(it, "mode"));
        if (mode != NULL && strcmp(mode, "server") == 0)
            return it;
    }
    return json_array_get(rest, 0);
}

/* Fills the table; false when memory is out. */
static bool read_types(struct capability *c, const json_t *list) {
    const json_t *it;
    size_t i;
    free(c->types);
    c->count = 0;
    c->types = calloc(json_array_size(list) + 1, sizeof *c->types);
    if (c->types == NULL)
        return false;
    json_array_foreach(list, i, it) {
        const char *name = json_string_value(json_object_get(it, "type"));
        struct capability_type *type = &c->types[c->count];
        if (name == NULL || strlen(name) >= sizeof type->name)
            continue;
        memcpy(type->name, name, strlen(name) + 1);
        type->flags = read_flags(json_object_get(it, "interaction"), "code", interactions,
                                 sizeof interactions / sizeof *interactions) |
                      read_flags(json_object_get(it, "searchParam"), "name", parameters,
                                 sizeof parameters / sizeof *parameters);
        if (json_is_true(json_object_get(it, "conditionalCreate")))
            type->flags |= CAN_CONDITIONAL;
        c->count++;
    }
    qsort(c->types, c->count, sizeof *c->types, by_name);
    return true;
}

const char *capability_parse(struct capability *c, const char *json, size_t length) {
    const struct word system[] = { { "transaction", 1 }, { "batch", 2 } };
    const char *wrong = NULL;
    json_t *root = json_loadb(json, length, 0, NULL);
    const char *type = json_string_value(json_object_get(root, "resourceType"));
    const char *version = json_string_value(json_object_get(root, "fhirVersion"));
    const json_t *server = server_part(root);
    if (type == NULL || strcmp(type, "CapabilityStatement") != 0)
        wrong = "/metadata is not a CapabilityStatement in JSON: is the address the base of a FHIR "
                "server?";
    else if (version == NULL || strncmp(version, "4.", 2) != 0)
        wrong = "the server is not FHIR R4 (fhirVersion of /metadata must begin with 4.)";
    else if (server == NULL)
        wrong = "/metadata lists nothing that the server can do (no rest)";
    else if (!read_types(c, json_object_get(server, "resource")))
        wrong = "memory ran out";
    if (wrong == NULL) {
        unsigned flags = read_flags(json_object_get(server, "interaction"), "code", system, 2);
        c->transaction = (flags & 1u) != 0;
        c->batch = (flags & 2u) != 0;
    }
    json_decref(root);
    return wrong;
}

unsigned capability_flags(const struct capability *c, const char *type) {
    struct capability_type key;
    if (c->count == 0 || strlen(type) >= sizeof key.name)
        return 0;
    memcpy(key.name, type, strlen(type) + 1);
    const struct capability_type *found = bsearch(&key, c->types, c->count, sizeof key, by_name);
    return found != NULL ? found->flags : 0;
}

void capability_free(struct capability *c) {
    free(c->types);
    *c = (struct capability) { 0 };
}
