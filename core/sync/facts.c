/* SPDX-License-Identifier: Apache-2.0 */
/* Taking the gate's facts out of a record. */
#include "core/sync/facts.h"

#include <string.h>

/* A member of an object, NULL when there is none or it is no container of this kind. */
static const struct tree *part(const struct tree *object, const char *name, enum tree_kind kind) {
    bool usable = object != NULL && object->kind == TREE_OBJECT;
    const struct tree *found = usable ? tree_get(object, name) : NULL;
    return found != NULL && found->kind == kind ? found : NULL;
}

/* Begins a member. */
static void put_name(struct str *out, const char *name) {
    bool first = out->length > 0 && out->data[out->length - 1] == '{';
    str_printf(out, "%s\"%s\":", first ? "" : ",", name);
}

static void put_member(struct str *out, const char *name, const struct tree *value) {
    if (value == NULL)
        return;
    put_name(out, name);
    json_write(out, value, JSON_COMPACT);
}

static void put_text(struct str *out, const char *name, const char *text) {
    if (text == NULL)
        return;
    put_name(out, name);
    str_json(out, text, strlen(text));
}

static void put_patient(struct str *out, const struct tree *record, const char *patient_id) {
    const struct tree *patient = part(record, "patient", TREE_OBJECT);
    if (patient == NULL)
        return;
    str_puts(out, "{");
    put_text(out, "id", patient_id);
    put_text(out, "localId", tree_text(patient, "localId"));
    put_member(out, "identifiers", part(patient, "identifiers", TREE_ARRAY));
    put_text(out, "family", tree_text(patient, "familyName"));
    put_member(out, "given", part(patient, "givenNames", TREE_ARRAY));
    put_text(out, "birthDate", tree_text(patient, "birthDate"));
    put_text(out, "sex", tree_text(patient, "sex"));
    str_puts(out, "}");
}

void facts_write(const struct privacy *privacy, const struct tree *record, const char *patient_id,
                 struct str *out) {
    struct str patient = { 0 };
    str_puts(out, "{");
    put_patient(&patient, record, patient_id);
    if (patient.length > 0) {
        put_name(out, "patient");
        str_add(out, patient.data, patient.length);
    }
    put_member(out, "consents", part(record, "consents", TREE_ARRAY));
    if (privacy_is_part2(privacy, record)) {
        put_name(out, "part2");
        str_puts(out, "true");
    }
    str_puts(out, "}");
    out->failed = out->failed || patient.failed;
    str_free(&patient);
}
