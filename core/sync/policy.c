/* SPDX-License-Identifier: Apache-2.0 */
/* Consent and Part 2. */
#include "core/sync/policy.h"

#include <string.h>

const char *policy_data_class(const struct tree *resource) {
    static const struct {
        const char *type, *data_class;
    } classes[] = { { "CarePlan", "plan" },
                    { "ServiceRequest", "plan" },
                    { "Goal", "goals" },
                    { "QuestionnaireResponse", "measure-items" },
                    { "Flag", "measure-items" },
                    { "Condition", "diagnoses" },
                    { "Encounter", "encounters" },
                    { "Procedure", "encounters" },
                    { "MedicationStatement", "medication-statement" },
                    { "CareTeam", "care-team" },
                    { "RelatedPerson", "care-team" },
                    { "Consent", NULL },
                    { "Provenance", NULL } };
    const char *type = tree_text(resource, "resourceType");
    for (size_t i = 0; type && i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(classes[i].type, type))
            return classes[i].data_class;
    if (type &&
        !strcmp(type,
                "Observation")) { /* totals and panels have a range or members, items an answer */
        const struct tree *category = tree_pointer(resource, "/category/0/coding/0");
        const char *code = category ? tree_text(category, "code") : NULL;
        if (code && strcmp(code, "survey") != 0)
            return "plan";
        return tree_get(resource, "hasMember") || tree_get(resource, "referenceRange") ||
                       tree_get(resource, "valueQuantity")
                   ? "measure-totals"
                   : "measure-items";
    }
    return "plan";
}

/* True when an array of texts has this one. */
static bool lists(const struct tree *array, const char *text) {
    for (const struct tree *i = array && array->kind == TREE_ARRAY ? array->first : NULL; i;
         i = i->next)
        if (i->kind == TREE_STRING && !strcmp(i->text, text))
            return true;
    return false;
}

/* True when a consent is in force for a recipient; dates compare as text. */
static bool in_force(const struct tree *consent, const char *recipient, const char *today) {
    const char *status = tree_text(consent, "status"), *to = tree_text(consent, "recipient");
    const char *from = tree_text(consent, "signedAt"), *until = tree_text(consent, "expires");
    return status && !strcmp(status, "active") && (!recipient || (to && !strcmp(to, recipient))) &&
           from && strncmp(from, today, 10) <= 0 && (!until || strncmp(until, today, 10) >= 0);
}

/* True when a diagnosis is one of substance use. */
static bool has_substance_use(const struct tree *record) {
    const struct tree *list = tree_get(record, "diagnoses");
    for (const struct tree *d = list ? list->first : NULL; d; d = d->next) {
        const char *code = tree_text(d, "icd10cm");
        if (code && (code[0] == 'F' || code[0] == 'f') && code[1] == '1')
            return true;
    }
    return false;
}

const char *policy_denies(const struct config_instance *target, const struct tree *record,
                          const char *data_class, const char *today, const char **why) {
    const struct tree *consents = tree_get(record, "consents");
    bool sud = has_substance_use(record), allowed = target->consent_attested, part2 = false;
    for (const struct tree *c = consents ? consents->first : NULL; c; c = c->next) {
        if (!in_force(c, target->recipient, today))
            continue;
        const struct tree *flag = tree_get(c, "part2");
        part2 = part2 || (flag && flag->kind == TREE_BOOLEAN && flag->boolean);
        allowed = allowed || (data_class && lists(tree_get(c, "dataClasses"), data_class) &&
                              !lists(tree_get(c, "excludedClasses"), data_class));
    }
    if (sud && !part2) {
        *why = "the record has a substance use diagnosis (42 CFR Part 2) and no consent in force "
               "with part2: true for this recipient";
        return "part2";
    }
    if (data_class && !allowed) {
        *why = "no consent in force for this recipient and data class: add it to the record, or "
               "say `consent: attested` at the target if the clinic has it on file";
        return "consent";
    }
    return NULL;
}
