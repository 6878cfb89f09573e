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

/* Text of a member also where it is a number: a held record may have such an id. */
static const char *text_of(const struct tree *object, const char *name) {
    const struct tree *value = tree_get(object, name);
    bool readable = value != NULL && (value->kind == TREE_STRING || value->kind == TREE_NUMBER);
    return readable ? value->text : NULL;
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
    put_text(out, "localId", text_of(patient, "localId"));
    put_member(out, "identifiers", part(patient, "identifiers", TREE_ARRAY));
    put_text(out, "family", tree_text(patient, "familyName"));
    put_member(out, "given", part(patient, "givenNames", TREE_ARRAY));
    put_text(out, "birthDate", tree_text(patient, "birthDate"));
    put_text(out, "sex", tree_text(patient, "sex"));
    str_puts(out, "}");
}

/* The consents as they stand; what is no list is one consent, so that it is not overheard. */
static void put_consents(struct str *out, const struct tree *record) {
    bool object = record != NULL && record->kind == TREE_OBJECT;
    const struct tree *consents = object ? tree_get(record, "consents") : NULL;
    if (consents == NULL || consents->kind == TREE_NULL)
        return;
    put_name(out, "consents");
    bool list = consents->kind == TREE_ARRAY;
    str_puts(out, list ? "" : "[");
    json_write(out, consents, JSON_COMPACT);
    str_puts(out, list ? "" : "]");
}

/* ---- what isn't JSON ---- */

static bool is_quote(char c) {
    return c == '"' || c == '\0';
}

static const char *skip_spaces(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* Where the text of a member begins whose name ends before p; NULL: it is none. */
static const char *text_behind(const char *p, const char *end) {
    if (p == end || !is_quote(*p))
        return NULL;
    p = skip_spaces(p + 1, end);
    if (p == end || *p != ':')
        return NULL;
    p = skip_spaces(p + 1, end);
    return p < end && *p == '"' ? p + 1 : NULL;
}

/* Copies a text up to its quote. */
static bool copy_plain(const char *p, const char *end, char out[256]) {
    size_t length = 0;
    for (; p < end && !is_quote(*p); p++) {
        bool plain = (unsigned char)*p >= 0x20 && *p != '\\';
        if (!plain || length == 255)
            return false;
        out[length++] = *p;
    }
    out[length] = '\0';
    return p < end && length > 0;
}

bool facts_find_text(const char *json, size_t length, const char *member, char out[256]) {
    const char *end = json + length;
    size_t name = strlen(member);
    for (const char *p = json; (size_t)(end - p) > name + 1; p++) {
        p = memchr(p, '"', (size_t)(end - p) - name);
        if (p == NULL)
            return false;
        if (memcmp(p + 1, member, name) != 0)
            continue;
        const char *text = text_behind(p + 1 + name, end);
        if (text != NULL && copy_plain(text, end, out))
            return true;
    }
    return false;
}

void facts_glimpse(const char *local_id, struct str *out) {
    str_puts(out, "{\"patient\":{");
    put_text(out, "localId", local_id);
    str_puts(out, "},\"consents\":[null]}");
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
    put_consents(out, record);
    if (privacy_is_part2(privacy, record)) {
        put_name(out, "part2");
        str_puts(out, "true");
    }
    str_puts(out, "}");
    out->failed = out->failed || patient.failed;
    str_free(&patient);
}
