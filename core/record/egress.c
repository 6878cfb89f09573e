/* SPDX-License-Identifier: Apache-2.0 */
/* The egress guard: the last look at a resource, which lets free text out only where this list has
 * a place for it. */
#include "core/fhir/r4_tables.h"
#include "core/fhir/validate.h"
#include "core/record/record.h"

#include <pthread.h>
#include <string.h>

#define TOKEN 1024u     /* bytes: codes, URIs, ids, dates */
#define LABEL 512u      /* bytes: a name, a code's display, a short text */
#define PARAGRAPH 4096u /* bytes: what a mapping composes */
#define DEPTH_MAX 100u

/* Where free text may stand, and how much of it. A datatype's element counts wherever the datatype
 * is used; a path of three parts lets text out only through that element of that resource. Not on
 * the list, on purpose: notes (Annotation.text), narratives but CarePlan's,
 * Observation.valueString, answers in words, Extension.valueString, instructions, attachments. */
static const struct {
    const char *path;
    uint32_t limit;
} allowed[] = {
    { "Address.city", LABEL },
    { "Address.country", LABEL },
    { "Address.district", LABEL },
    { "Address.line", LABEL },
    { "Address.postalCode", LABEL },
    { "Address.state", LABEL },
    { "Address.text", LABEL },
    { "Bundle.entry.request.ifMatch", LABEL },
    { "Bundle.entry.request.ifNoneExist", PARAGRAPH },
    { "Bundle.entry.response.etag", LABEL },
    { "Bundle.entry.response.status", LABEL },
    { "Bundle.link.relation", LABEL },
    { "CarePlan.activity.detail.description", PARAGRAPH },
    { "CarePlan.description", PARAGRAPH },
    { "CarePlan.text/Narrative.div", PARAGRAPH * 4 },
    { "CarePlan.title", LABEL },
    { "CareTeam.name", LABEL },
    { "CodeableConcept.text", LABEL },
    { "Coding.display", LABEL },
    { "Coding.version", LABEL },
    { "ContactDetail.name", LABEL },
    { "ContactPoint.value", LABEL },
    { "Dosage.text", LABEL },
    { "HumanName.family", LABEL },
    { "HumanName.given", LABEL },
    { "HumanName.prefix", LABEL },
    { "HumanName.suffix", LABEL },
    { "HumanName.text", LABEL },
    { "Identifier.value", LABEL },
    { "Location.name", LABEL },
    { "Observation.referenceRange.text", LABEL },
    { "Organization.alias", LABEL },
    { "Organization.name", LABEL },
    { "Quantity.unit", LABEL },
    { "QuestionnaireResponse.item.linkId", LABEL },
    { "QuestionnaireResponse.item.text", LABEL },
    { "Reference.display", LABEL },
    { "Reference.reference", TOKEN },
};
#define ALLOWED (sizeof allowed / sizeof allowed[0])

static uint8_t rows[R4_ELEMENT_COUNT];    /* of an element: its row in `allowed` + 1 */
static uint8_t through[R4_ELEMENT_COUNT]; /* the same, for text one step further down */
static bool is_text[R4_TYPE_COUNT];       /* string, markdown, xhtml, base64Binary */
static const struct r4_type *element_type, *resource_type, *meta_type;
static uint32_t security, code, system_symbol, type_symbol, id_symbol; /* symbols */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- the tables ---- */

/* The element that a path "Type.element" ends in; types with dots are backbone elements. */
static const struct r4_element *element_at(const char *path, size_t length) {
    char type[128];
    if (length >= sizeof type)
        return NULL;
    memcpy(type, path, length);
    type[length] = '\0';
    char *dot = strrchr(type, '.');
    if (dot == NULL)
        return NULL;
    *dot = '\0';
    const struct r4_type *found = r4_type(type);
    return found != NULL ? r4_element(found, dot + 1, NULL) : NULL;
}

static bool owns(const struct r4_type *type, const struct r4_element *element) {
    return element >= type->elements && element < type->elements + type->element_count;
}

/* The type that declares an element. */
static const struct r4_type *owner_of(const struct r4_element *element) {
    const struct r4_type *type = r4_types;
    while (!owns(type, element))
        type++;
    return type;
}

/* Notes in a table the row of an element, for its type and those derived from it. */
static void note_row(uint8_t *table, const struct r4_element *element, size_t row) {
    const struct r4_type *owner = owner_of(element);
    for (size_t t = 0; t < R4_TYPE_COUNT; t++) {
        const struct r4_type *type = &r4_types[t];
        if (!r4_is(type, owner))
            continue;
        const struct r4_element *inherited = r4_element_symbol(type, element->symbol, NULL);
        if (inherited != NULL)
            table[inherited - r4_elements] = (uint8_t)(row + 1);
    }
}

/* Notes a row of the list: up to a slash it names an element, behind it a datatype's. */
static void note_allowed(size_t row) {
    const char *path = allowed[row].path;
    size_t length = strcspn(path, "/");
    bool goes_through = path[length] == '/';
    const struct r4_element *element = element_at(path, length);
    if (element != NULL)
        note_row(goes_through ? through : rows, element, row);
}

static void set_up(void) {
    static const char *const texts[] = { "string", "markdown", "xhtml", "base64Binary" };
    r4_setup();
    for (size_t i = 0; i < ALLOWED; i++)
        note_allowed(i);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        is_text[r4_type(texts[i]) - r4_types] = true;
    element_type = r4_type("Element");
    resource_type = r4_type("Resource");
    meta_type = r4_type("Meta");
    security = symbol_intern("security", 8);
    code = symbol_intern("code", 4);
    system_symbol = symbol_intern("system", 6);
    type_symbol = symbol_intern("resourceType", 12);
    id_symbol = symbol_intern("id", 2);
}

/* ---- labels ---- */

static bool is_string(const struct tree *node, const char *text) {
    return node != NULL && node->kind == TREE_STRING && strcmp(node->text, text) == 0;
}

/* Whether a label is that of psychotherapy notes. */
static bool marks_notes(const struct tree *label) {
    const struct tree *value = tree_get_symbol(label, code);
    const struct tree *system = tree_get_symbol(label, system_symbol);
    if (is_string(value, "PSYTHPN"))
        return true;
    return is_string(value, "V") &&
           is_string(system, "http://terminology.hl7.org/CodeSystem/v3-Confidentiality");
}

static void check_labels(struct check *c, const struct place *place, const struct tree *meta) {
    const struct tree *labels = tree_get_symbol(meta, security);
    struct place here = { place, "security", 0 };
    if (labels == NULL || labels->kind != TREE_ARRAY)
        return;
    for (const struct tree *l = labels->first; l != NULL; l = l->next, here.index++) {
        if (marks_notes(l))
            check_fault(c, &here, NULL,
                        "labelled as psychotherapy notes (PSYTHPN, or confidentiality V): never "
                        "leaves the clinic");
    }
}

/* ---- texts ---- */

static void check_length(struct check *c, const struct place *place, const struct tree *value,
                         uint32_t limit) {
    if (value->length > limit)
        check_fault(c, place, NULL, "longer than the %u bytes that are let out here", limit);
}

/* Whether values of an element are codes, URIs, ids or dates, which are no free text. */
static bool is_token(const struct r4_element *element, const struct r4_type *type) {
    if (element->symbol == id_symbol)
        return true;
    return type->kind == R4_PRIMITIVE && !is_text[type - r4_types];
}

static void check_text(struct check *c, const struct place *place, const struct r4_element *element,
                       const struct r4_type *type, const struct tree *value, uint8_t row) {
    if (is_token(element, type))
        check_length(c, place, value, TOKEN);
    else if (row > 0)
        check_length(c, place, value, allowed[row - 1].limit);
    else
        check_fault(c, place, NULL,
                    "free text isn't let out here: the allow-list has no such place");
}

/* True when there is text in a tree. */
static bool holds_text(const struct tree *node, unsigned depth) {
    if (node->kind == TREE_STRING || depth > DEPTH_MAX)
        return true;
    if (node->kind < TREE_ARRAY)
        return false; /* it has no children */
    for (const struct tree *n = node->first; n != NULL; n = n->next) {
        if (holds_text(n, depth + 1))
            return true;
    }
    return false;
}

/* ---- objects ---- */

static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, uint8_t row_through, unsigned depth);

/* Checks one value of an element. */
static void check_value(struct check *c, const struct place *place,
                        const struct r4_element *element, const struct r4_type *type,
                        const struct tree *value, uint8_t row, unsigned depth) {
    switch (value->kind) {
    case TREE_OBJECT:
        check_object(c, place, type, value, through[element - r4_elements], depth + 1);
        break;
    case TREE_ARRAY: check_fault(c, place, NULL, "a list within a list isn't let out"); break;
    case TREE_STRING: check_text(c, place, element, type, value, row); break;
    default: break;
    }
}

/* Whether a member holds the ids and extensions of a primitive: "_status" beside "status". */
static bool extends_primitive(const struct r4_type *type, const struct tree *m) {
    const struct r4_type *actual = NULL;
    if (m->name_length < 2 || m->name[0] != '_')
        return false;
    uint32_t symbol = symbol_find(m->name + 1, m->name_length - 1);
    return r4_element_symbol(type, symbol, &actual) != NULL && actual != NULL;
}

static void check_extension(struct check *c, const struct place *place, const struct tree *value,
                            unsigned depth) {
    if (value->kind == TREE_OBJECT)
        check_object(c, place, element_type, value, 0, depth + 1);
}

/* Checks a member that is no element: the extensions of a primitive, or something unknown. */
static void check_other(struct check *c, const struct place *place, const struct r4_type *type,
                        const struct tree *m, unsigned depth) {
    const struct place here = { place, m->name, SIZE_MAX };
    bool names_type = m->symbol == type_symbol && r4_is(type, resource_type);
    if (names_type)
        return;
    if (!extends_primitive(type, m)) {
        if (holds_text(m, depth))
            check_fault(c, place, "(unknown)",
                        "text in an element that R4 doesn't have isn't let out");
        return;
    }
    if (m->kind != TREE_ARRAY) {
        check_extension(c, &here, m, depth);
        return;
    }
    for (const struct tree *v = m->first; v != NULL; v = v->next)
        check_extension(c, &here, v, depth);
}

/* Checks one member of an object. */
static void check_member(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *m, uint8_t row_through, unsigned depth) {
    const struct r4_type *actual = NULL;
    uint32_t symbol = m->symbol != 0 ? m->symbol : symbol_find(m->name, m->name_length);
    const struct r4_element *element = r4_element_symbol(type, symbol, &actual);
    if (element == NULL || actual == NULL) {
        check_other(c, place, type, m, depth);
        return;
    }
    uint8_t row = rows[element - r4_elements];
    if (row == 0)
        row = row_through;
    struct place here = { place, m->name, SIZE_MAX };
    if (m->kind != TREE_ARRAY) {
        check_value(c, &here, element, actual, m, row, depth);
        return;
    }
    here.index = 0;
    for (const struct tree *v = m->first; v != NULL; v = v->next, here.index++)
        check_value(c, &here, element, actual, v, row, depth);
}

/* The type that a resource says it has; NULL: none that R4 knows. */
static const struct r4_type *type_of(const struct tree *resource) {
    const struct tree *name = tree_get_symbol(resource, type_symbol);
    if (name == NULL || name->kind != TREE_STRING)
        return NULL;
    return r4_type(name->text);
}

/* Checks one object and all below it. `row_through`: what its texts may be because of where it
 * stands. */
static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, uint8_t row_through, unsigned depth) {
    bool too_deep = depth > DEPTH_MAX;
    if (type == resource_type)
        type = type_of(object);
    if (type == NULL || too_deep) {
        check_fault(c, place, NULL, "not a resource that R4 knows");
        return;
    }
    if (type == meta_type)
        check_labels(c, place, object);
    for (const struct tree *m = object->first; m != NULL; m = m->next)
        check_member(c, place, type, m, row_through, depth);
}

bool egress_allowed(const struct tree *resource, struct report *report) {
    pthread_once(&once, set_up);
    struct check c = {
        .report = report, .code = "policy-denied", .container = resource, .clean = true
    };
    const struct r4_type *type = type_of(resource);
    const struct place place = { NULL, type != NULL ? type->name : "resource", SIZE_MAX };
    if (type == NULL || type->kind != R4_RESOURCE)
        check_fault(&c, &place, NULL, "not a resource that R4 knows");
    else
        check_object(&c, &place, type, resource, 0, 0);
    return c.clean;
}
