/* SPDX-License-Identifier: Apache-2.0 */
/* A Patient of the server as a candidate for a match. Nothing is compared here but the identifier
 * that was searched for. */
#include "candidate.h"

#include "answer.h"

#include <stdlib.h>
#include <string.h>

/* Tells whether an identifier or name is an old one. */
static bool is_old(const json_t *it) {
    const char *use = json_text(it, "use");
    return use != NULL && strcmp(use, "old") == 0;
}

/* The lists of one candidate. */
struct lists {
    struct iptfhir_identifier *identifiers, *former;
    size_t identifier_count, former_count;
    const char **families, **givens;
};

/* Sorts the identifiers. */
static bool read_identifiers(const json_t *list, struct lists *out) {
    const json_t *one;
    size_t i;
    size_t count = json_array_size(list);
    out->identifiers = calloc(count + 1, sizeof *out->identifiers);
    out->former = calloc(count + 1, sizeof *out->former);
    if (out->identifiers == NULL || out->former == NULL)
        return false;
    json_array_foreach(list, i, one) {
        const struct iptfhir_identifier id = { json_text(one, "system"), json_text(one, "value") };
        if (id.value == NULL)
            continue;
        if (is_old(one))
            out->former[out->former_count++] = id;
        else
            out->identifiers[out->identifier_count++] = id;
    }
    return true;
}

/* Lists family names and first given names. */
static bool read_names(const json_t *list, struct lists *out) {
    const json_t *one;
    size_t i;
    size_t families = 0;
    size_t givens = 0;
    size_t count = json_array_size(list);
    out->families = calloc(count + 1, sizeof *out->families);
    out->givens = calloc(count + 1, sizeof *out->givens);
    if (out->families == NULL || out->givens == NULL)
        return false;
    json_array_foreach(list, i, one) {
        const char *family = json_text(one, "family");
        const json_t *first = json_array_get(json_object_get(one, "given"), 0);
        const char *given = json_string_value(first);
        if (is_old(one))
            continue;
        if (family != NULL)
            out->families[families++] = family;
        if (given != NULL)
            out->givens[givens++] = given;
    }
    return true;
}

/* Returns the id of the patient that this one was merged into; NULL: it was not. A link that says
 * so without a readable reference gives "". */
static const char *replaced_by(const json_t *patient) {
    const json_t *link;
    size_t i;
    json_array_foreach(json_object_get(patient, "link"), i, link) {
        const char *type = json_text(link, "type");
        if (type == NULL || strcmp(type, "replaced-by") != 0)
            continue;
        const char *reference = json_text(json_object_get(link, "other"), "reference");
        const char *slash = reference != NULL ? strrchr(reference, '/') : NULL;
        return slash != NULL ? slash + 1 : "";
    }
    return NULL;
}

bool candidate_carries(const json_t *patient, const struct iptfhir_identifier *wanted) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(patient, "identifier"), i, one) {
        const char *system = json_text(one, "system");
        const char *value = json_text(one, "value");
        if (system == NULL || value == NULL)
            continue;
        if (strcmp(system, wanted->system) == 0 && strcmp(value, wanted->value) == 0)
            return true;
    }
    return false;
}

bool candidate_tell(const json_t *patient, struct iptfhir_evidence_sink *sink) {
    struct lists lists = { 0 };
    bool good = read_identifiers(json_object_get(patient, "identifier"), &lists) &&
                read_names(json_object_get(patient, "name"), &lists);
    if (!good)
        goto out;
    struct iptfhir_candidate candidate = {
        .size = sizeof candidate,
        .server_id = json_text(patient, "id"),
        .active = !json_is_false(json_object_get(patient, "active")),
        .replaced_by = replaced_by(patient),
        .identifiers = lists.identifiers,
        .identifier_count = lists.identifier_count,
        .former = lists.former,
        .former_count = lists.former_count,
        .families = lists.families,
        .givens = lists.givens,
        .birth_date = json_text(patient, "birthDate"),
        .sex = json_text(patient, "gender"),
    };
    sink->candidate(sink, &candidate);
out:
    free(lists.identifiers);
    free(lists.former);
    free(lists.families);
    free(lists.givens);
    return good;
}
