/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping files: YAML shaped like the FHIR JSON it makes, with FHIRPath in it; compiled once,
 * rendered per record. */
#ifndef CORE_TEMPLATE_TEMPLATE_H
#define CORE_TEMPLATE_TEMPLATE_H

#include "core/fhirpath/fhirpath.h"

/* A set: every *.yaml directly in a mappings folder, the ConceptMaps of its terminology/, and
 * plugin functions. Immutable after load: shared by threads. */
struct template_set;
struct template;

/* What templates need from outside. Strings are copied. */
struct template_settings {
    const char *identity_base;     /* %base, identity() */
    const struct tree *parameters; /* object: members become %names in every mapping (policy flags:
                                      %labels, %share...) */
    const struct iptfhir_function *const *functions;
    size_t function_tables; /* of plugins */
};
/* Loads and compiles all; every error of every file goes to `report` (file:line:column, nearest
 * known name). NULL when there were errors. */
struct template_set *template_set_load(const char *folder, const struct template_settings *,
                                       struct report *report);
void template_set_free(struct template_set *set);
/* Whose the resources of a mapping file are: the record's, the patient's (several records may say
 * the same), the clinic's. */
enum template_owner { TEMPLATE_RECORD, TEMPLATE_PATIENT, TEMPLATE_CLINIC };
enum template_owner template_owner_of(const struct template *t);
/* The data class of resource `item` of a mapping file, "" when it declares none. */
const char *template_data_class(const struct template *t, size_t item);
/* Milliseconds since 1970 of the own date of a resource that the file made, 0: it has none. */
int64_t template_as_of(const struct template *t, const struct tree *resource);
/* By file name without .yaml; NULL when there is none. */
const struct template *template_find(const struct template_set *set, const char *name);
const char *const *template_names(const struct template_set *set);
/* SHA-256 over all files of the set: part of what decides whether a record must be mapped again. */
const char *template_set_hash(const struct template_set *set);
/* ConceptMap look-up (translate()): the target code, or NULL. */
const char *template_translate(const struct template_set *set, const char *map, const char *code);

/* A mapping file is:  facts: [names a mapper passes]   (declared, so that names resolve at load)
 *                     resources: [ template, ... ]     or   resource: template
 *                     data_class: NAME             (or a list, a name for each of `resources`)
 *                     owner: record | patient | clinic   (record)
 *                     as_of: [ELEMENT, ...]        (or one: of these, the first that the resource
 *                                                   has is its own date)
 * Inside: %record (the record, also $this), the declared facts as %name, parameters as %name,
 * %base. Renders all its resources, in order; `emit` gets each finished resource (in the arena) and
 * returns false to stop. A `required()` that was empty or an evaluation error fails that resource:
 * `error` = mapping file:line:column and record pointer. */
struct template_render {
    struct arena *arena;
    const struct tree *record;
    const struct tree *facts; /* object; may be NULL */
    int64_t now_ms;
    /* The resource lives in `arena` during the call only. */
    bool (*emit)(void *user, const struct template *t, struct tree *resource,
                 struct iptfhir_error *error);
    /* A resource that could not be made: the others of the file go on. NULL: the first such ends
     * the rendering. False ends it too. */
    bool (*fault)(void *user, const struct template *t, const struct iptfhir_error *error);
    void *user;
    size_t item; /* while emit() is called: which of `resources` it is, from 0 */
    /* When set: coverage of `check --samples`. */
    struct template_coverage *coverage;
};
bool template_render(const struct template_set *set, const struct template *t,
                     struct template_render *r, struct iptfhir_error *error);

/* check --samples: counts, per expression, in how many renders it was non-empty; after all samples,
 * reports expressions that were empty every time (file:line:column), and record fields of the
 * samples that no mapping read (JSON pointers with array indexes removed). `mapper_reads`: dotted
 * paths that C mappers read themselves. */
struct template_coverage *template_coverage_new(const struct template_set *set);
void template_coverage_record(struct template_coverage *c, const struct tree *record);
void template_coverage_report(const struct template_coverage *c, const char *const *mapper_reads,
                              struct report *report);
void template_coverage_free(struct template_coverage *c);
#endif
