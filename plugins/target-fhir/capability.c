/* SPDX-License-Identifier: Apache-2.0 */
/* What a server can do, read from its CapabilityStatement. */
#include "capability.h"

#include <stdlib.h>
#include <string.h>

/* A word of the statement and the flags that it sets. */
struct word {
    const char *name;
    unsigned flags;
};
enum {
    SEARCH_TYPE = 1 << 24,
    SEARCHES = SEARCH_BY_IDENTIFIER | SEARCH_BY_PATIENT | SEARCH_BY_SUBJECT | SEARCH_BY_CODE |
               SEARCH_BY_CATEGORY,
    SYSTEM_TRANSACTION = 1,
    SYSTEM_BATCH = 2
};
static const struct word interactions[] = {
    { "create", IPTFHIR_CAN_CREATE },
    { "update", IPTFHIR_CAN_UPDATE },
    { "read", IPTFHIR_CAN_READ },
    { "search-type", SEARCH_TYPE },
    { NULL, 0 },
};
static const struct word parameters[] = {
    { "identifier", SEARCH_BY_IDENTIFIER }, { "patient", SEARCH_BY_PATIENT },
    { "subject", SEARCH_BY_SUBJECT },       { "code", SEARCH_BY_CODE },
    { "category", SEARCH_BY_CATEGORY },     { NULL, 0 },
};
static const struct word system_interactions[] = {
    { "transaction", SYSTEM_TRANSACTION },
    { "batch", SYSTEM_BATCH },
    { NULL, 0 },
};

/* Collects the flags of a list of objects by one member of each. */
static unsigned read_flags(const json_t *list, const char *member, const struct word *words) {
    const json_t *one;
    unsigned flags = 0;
    size_t i;
    json_array_foreach(list, i, one) {
        const char *name = json_text(one, member);
        if (name == NULL)
            continue;
        for (const struct word *w = words; w->name != NULL; w++) {
            if (strcmp(w->name, name) == 0)
                flags |= w->flags;
        }
    }
    return flags;
}

/* Reads what a server can do with a type. */
static unsigned read_type(const json_t *type) {
    unsigned can = read_flags(json_object_get(type, "interaction"), "code", interactions);
    can |= read_flags(json_object_get(type, "searchParam"), "name", parameters);
    const unsigned narrow = SEARCH_BY_IDENTIFIER | SEARCH_BY_PATIENT | SEARCH_BY_SUBJECT;
    bool searched = (can & SEARCH_TYPE) != 0 && (can & narrow) != 0;
    if (searched)
        can |= IPTFHIR_CAN_FIND;
    if (json_is_true(json_object_get(type, "conditionalCreate")))
        can |= IPTFHIR_CAN_CREATE_IF_NONE;
    bool updates = (can & IPTFHIR_CAN_UPDATE) != 0;
    if (updates && json_is_true(json_object_get(type, "updateCreate")))
        can |= IPTFHIR_CAN_CREATE_AT;
    /* many servers leave `versioning` out and send versions: only a plain no is believed */
    const char *versioning = json_text(type, "versioning");
    if (versioning == NULL || strcmp(versioning, "no-version") != 0)
        can |= IPTFHIR_HAS_VERSIONS;
    return can & ~(unsigned)SEARCH_TYPE;
}

/* Orders types by name. */
static int by_name(const void *a, const void *b) {
    const struct iptfhir_ability *first = a;
    const struct iptfhir_ability *second = b;
    return strcmp(first->type, second->type);
}

/* Returns the part of the statement that is about the server. */
static const json_t *server_part(const json_t *root) {
    const json_t *rest = json_object_get(root, "rest"), *one;
    size_t i;
    json_array_foreach(rest, i, one) {
        const char *mode = json_text(one, "mode");
        if (mode != NULL && strcmp(mode, "server") == 0)
            return one;
    }
    const json_t *first = json_array_get(rest, 0);
    return json_text(first, "mode") == NULL ? first : NULL;
}

/* Frees a table. */
static void free_types(struct iptfhir_ability *types, size_t count) {
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)types[i].type);
    free(types);
}

/* Makes the table; NULL when memory is out. A type that stands twice has both rows' flags. */
static struct iptfhir_ability *read_types(const json_t *list, size_t *count) {
    struct iptfhir_ability *types = calloc(json_array_size(list) + 1, sizeof *types);
    const json_t *one;
    size_t i;
    size_t used = 0;
    size_t kept = 0;
    if (types == NULL)
        return NULL;
    json_array_foreach(list, i, one) {
        const char *name = json_text(one, "type");
        if (name == NULL || !type_valid(name))
            continue;
        types[used] = (struct iptfhir_ability) { strdup(name), read_type(one) };
        if (types[used].type == NULL) {
            free_types(types, used);
            return NULL;
        }
        used++;
    }
    qsort(types, used, sizeof *types, by_name);
    for (i = 0; i < used; i++) {
        bool again = kept > 0 && strcmp(types[kept - 1].type, types[i].type) == 0;
        if (again) {
            types[kept - 1].can |= types[i].can;
            free((char *)(uintptr_t)types[i].type);
        } else {
            types[kept++] = types[i];
        }
    }
    types[kept] = (struct iptfhir_ability) { NULL, 0 };
    *count = kept;
    return types;
}

/* Moves the flags of searching into a list of their own; NULL when memory is out. */
static unsigned *split_searches(struct iptfhir_ability *types, size_t count) {
    unsigned *searches = calloc(count + 1, sizeof *searches);
    for (size_t i = 0; searches != NULL && i < count; i++) {
        searches[i] = types[i].can & SEARCHES;
        types[i].can &= ~(unsigned)SEARCHES;
    }
    return searches;
}

/* Tells whether a version is FHIR R4. */
static bool is_r4(const char *version) {
    return version != NULL && (strcmp(version, "4.0") == 0 || strncmp(version, "4.0.", 4) == 0);
}

const char *capability_read(struct capability *c, const struct answer *a) {
    const char *type = answer_type(a);
    const json_t *server = server_part(a->json);
    size_t count = 0;
    if (type == NULL || strcmp(type, "CapabilityStatement") != 0)
        return "no CapabilityStatement in JSON";
    if (!is_r4(json_text(a->json, "fhirVersion")))
        return "a CapabilityStatement, but not of FHIR 4.0";
    if (server == NULL)
        return "a CapabilityStatement that lists nothing (no rest)";
    struct iptfhir_ability *types = read_types(json_object_get(server, "resource"), &count);
    unsigned *searches = types != NULL ? split_searches(types, count) : NULL;
    if (searches == NULL) {
        free_types(types, count);
        return "memory ran out while it was read";
    }
    capability_free(c);
    unsigned system =
        read_flags(json_object_get(server, "interaction"), "code", system_interactions);
    *c = (struct capability) { .types = types,
                               .searches = searches,
                               .count = count,
                               .read = true,
                               .transaction = (system & SYSTEM_TRANSACTION) != 0,
                               .batch = (system & SYSTEM_BATCH) != 0 };
    return NULL;
}

unsigned capability_of(const struct capability *c, const char *type) {
    const struct iptfhir_ability key = { type, 0 };
    if (!c->read)
        return IPTFHIR_CAN_READ | IPTFHIR_CAN_FIND | SEARCH_BY_IDENTIFIER | SEARCH_BY_PATIENT;
    const struct iptfhir_ability *found =
        bsearch(&key, c->types, c->count, sizeof *c->types, by_name);
    return found != NULL ? found->can | c->searches[found - c->types] : 0;
}

void capability_tell(const struct capability *c, struct iptfhir_evidence_sink *sink) {
    struct iptfhir_abilities abilities = { .size = sizeof abilities,
                                           .types = c->types,
                                           .transaction = c->transaction,
                                           .batch = c->batch };
    sink->abilities(sink, &abilities);
}

void capability_free(struct capability *c) {
    free_types(c->types, c->count);
    free(c->searches);
    *c = (struct capability) { 0 };
}
