/* SPDX-License-Identifier: Apache-2.0 */
/* What compiling and rendering share: the program of a mapping file. */
#ifndef CORE_TEMPLATE_INTERNAL_H
#define CORE_TEMPLATE_INTERNAL_H

#include "core/template/template.h"

#define TEMPLATE_SLOTS 128 /* names in scope at once */

/* An expression of a mapping file: its program and where it stands. */
struct hole {
    struct fhirpath_program *program;
    const char *where; /* file:line:column */
    const char *text;
    size_t number; /* within the set, for coverage */
};
enum node_kind {
    NODE_CONSTANT, /* a tree made at load, shells copied */
    NODE_HOLE,     /* first value */
    NODE_LIST,     /* {[ ]}: all values */
    NODE_TEXT,     /* text with holes */
    NODE_OBJECT,
    NODE_ARRAY,
    NODE_IF,    /* chain: hole (NULL: else), then, else_ */
    NODE_FOR,   /* hole, slot, then */
    NODE_ASSIGN /* hole, slot */
};
struct node {
    uint8_t kind;
    bool merge; /* in an object: the members of what this gives join the parent */
    int slot;
    uint32_t symbol; /* of a member's name; 0: none */
    const char *name;
    const struct tree *constant;
    struct hole *hole;
    const char *text; /* NODE_TEXT parts: literal text when hole is NULL */
    size_t length;
    struct node *first; /* children, parts, or the body */
    struct node *else_;
    struct node *next;
};
struct template {
    const char *name, *file;
    struct node *resources; /* an array's items */
    int first_fact, facts;  /* slots */
    const char **fact_names;
    enum template_owner owner;
    const char **classes; /* one for all, or one for each of `resources`; NULL: none */
    size_t class_count;
    const char **as_of; /* elements, NULL-terminated; NULL: none */
};
struct translation {
    const char *from, *to;
};
struct concept_map {
    const char *name;
    struct translation *entries; /* by `from` */
    size_t count;
};
struct template_set {
    struct arena arena;
    const char *base;
    struct template *templates;
    const char **names;
    size_t count;
    struct concept_map *maps;
    size_t map_count;
    size_t holes;
    struct hole **hole_list; /* by number */
    size_t hole_room;
    char hash[65];
    struct fhirpath_function *functions;
    size_t function_count;
    /* Slots that all templates share: record, base, parameters. */
    const char *shared_names[TEMPLATE_SLOTS];
    struct fhirpath_collection shared_values[TEMPLATE_SLOTS];
    size_t shared;
};
/* Dotted paths of a record. */
struct path_list {
    struct arena arena;
    const char **list;
    size_t count, room;
};
struct template_coverage {
    const struct template_set *set;
    size_t *filled, *tried;  /* by the number of a hole */
    struct path_list fields; /* of the samples */
};

/* Compiles one file into `t`; faults go to `report`. */
bool template_compile(struct template_set *set, struct template *t, const struct tree *root,
                      struct report *report);
/* The functions beyond the standard (functions.c). */
bool template_functions(struct template_set *set, const struct template_settings *settings);
/* Loads the ConceptMaps of a folder. */
bool template_maps_load(struct template_set *set, const char *folder, struct str *hash,
                        struct report *report);
#endif
