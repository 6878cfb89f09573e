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
static uint32_t security, code, system_symbol, type_symbol, id_symbol;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The element that a path "Type.element" ends in; types with dots are backbone elements. */
static const struct r4_element *element_at(const char *path, size_t length) {
    char type[128];
    size_t dot = length;
    while (dot > 0 && path[dot - 1] != '.')
        dot--;
    if (dot == 0 || length >= sizeof type)
        return NULL;
    memcpy(type, path, length);
    type[dot - 1] = type[length] = '\0';
    const struct r4_type *found = r4_type(type);
    return found != NULL ? r4_element(found, type + dot, NULL) : NULL;
}

/* Gives an element of a type and of those derived from it a row. */
static void give(uint8_t *table, const struct r4_element *element, size_t row) {
    size_t owner = 0;
    while (element < r4_types[owner].elements ||
           element >= r4_types[owner].elements + r4_types[owner].element_count)
        owner++;
    for (size_t t = 0; t < R4_TYPE_COUNT; t++) {
        const struct r4_element *e = r4_is(&r4_types[t], &r4_types[owner])
                                         ? r4_element_symbol(&r4_types[t], element->symbol, NULL)
                                         : NULL;
        if (e != NULL)
            table[e - r4_elements] = (uint8_t)(row + 1);
    }
}

/* Prepares the tables. */
static void set_up(void) {
    static const char *const texts[] = { "string", "markdown", "xhtml", "base64Binary" };
    r4_setup();
    for (size_t i = 0; i < ALLOWED; i++) {
        const char *slash = strchr(allowed[i].path, '/');
        size_t length = slash != NULL ? (size_t)(slash - allowed[i].path) : strlen(allowed[i].path);
        const struct r4_element *element = element_at(allowed[i].path, length);
        if (element != NULL)
            give(slash != NULL ? through : rows, element, i);
    }
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

/* Refuses labels of psychotherapy notes. */
static void check_labels(struct check *c, const struct place *place, const struct tree *meta) {
    const struct tree *labels = tree_get_symbol(meta, security);
    struct place here = { place, "security", 0 };
    for (const struct tree *l = labels != NULL && labels->kind == TREE_ARRAY ? labels->first : NULL;
         l != NULL; l = l->next, here.index++) {
        const struct tree *value = tree_get_symbol(l, code),
                          *system = tree_get_symbol(l, system_symbol);
        if (value == NULL || value->kind != TREE_STRING)
            continue;
        bool very =
            strcmp(value->text, "V") == 0 && system != NULL && system->kind == TREE_STRING &&
            strcmp(system->text, "http://terminology.hl7.org/CodeSystem/v3-Confidentiality") == 0;
        if (very || strcmp(value->text, "PSYTHPN") == 0)
            check_fault(c, &here, NULL,
                        "labelled as psychotherapy notes (PSYTHPN, or confidentiality V): never "
                        "leaves the clinic");
    }
}

static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, uint8_t row_through, unsigned depth);

/* Checks one value of an element. */
static void check_value(struct check *c, const struct place *place,
                        const struct r4_element *element, const struct r4_type *type,
                        const struct tree *value, uint8_t row, unsigned depth) {
    if (value->kind == TREE_OBJECT) {
        check_object(c, place, type, value, through[element - r4_elements], depth + 1);
        return;
    }
    if (value->kind == TREE_ARRAY)
        check_fault(c, place, NULL, "a list within a list isn't let out");
    if (value->kind != TREE_STRING)
        return;
    if ((type->kind == R4_PRIMITIVE && !is_text[type - r4_types]) || element->symbol == id_symbol) {
        if (value->length > TOKEN)
            check_fault(c, place, NULL, "longer than the %u bytes that are let out here", TOKEN);
        return;
    }
    if (row == 0)
        check_fault(c, place, NULL,
                    "free text isn't let out here: the allow-list has no such place");
    else if (value->length > allowed[row - 1].limit)
        check_fault(c, place, NULL, "longer than the %u bytes that are let out here",
                    allowed[row - 1].limit);
}

/* True when there is text in a tree. */
static bool holds_text(const struct tree *node, unsigned depth) {
    if (node->kind == TREE_STRING || depth > DEPTH_MAX)
        return true;
    if (node->kind == TREE_ARRAY || node->kind == TREE_OBJECT)
        for (const struct tree *n = node->first; n != NULL; n = n->next)
            if (holds_text(n, depth + 1))
                return true;
    return false;
}

/* Checks a member that is no element: the extensions of a primitive, or something unknown. */
static void check_other(struct check *c, const struct place *place, const struct r4_type *type,
                        const struct tree *m, unsigned depth) {
    if (m->symbol == type_symbol && r4_is(type, resource_type))
        return;
    const struct r4_type *actual = NULL;
    if (m->name_length > 1 && m->name[0] == '_' &&
        r4_element_symbol(type, symbol_find(m->name + 1, m->name_length - 1), &actual) != NULL &&
        actual != NULL) {
        struct place here = { place, m->name, SIZE_MAX };
        if (m->kind == TREE_OBJECT)
            check_object(c, &here, element_type, m, 0, depth + 1);
        for (const struct tree *v = m->kind == TREE_ARRAY ? m->first : NULL; v != NULL; v = v->next)
            if (v->kind == TREE_OBJECT)
                check_object(c, &here, element_type, v, 0, depth + 1);
        return;
    }
    if (holds_text(m, depth))
        check_fault(c, place, "(unknown)", "text in an element that R4 doesn't have isn't let out");
}

/* Checks one object and all below it. `row_through`: what its texts may be because of where it
 * stands. */
static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, uint8_t row_through, unsigned depth) {
    if (type == resource_type) {
        const struct tree *name = tree_get_symbol(object, type_symbol);
        type = name != NULL && name->kind == TREE_STRING ? r4_type(name->text) : NULL;
    }
    if (type == NULL || depth > DEPTH_MAX) {
        check_fault(c, place, NULL, "not a resource that R4 knows");
        return;
    }
    if (type == meta_type)
        check_labels(c, place, object);
    for (const struct tree *m = object->first; m != NULL; m = m->next) {
        const struct r4_type *actual = NULL;
        uint32_t symbol = m->symbol != 0 ? m->symbol : symbol_find(m->name, m->name_length);
        const struct r4_element *element = r4_element_symbol(type, symbol, &actual);
        if (element == NULL || actual == NULL) {
            check_other(c, place, type, m, depth);
            continue;
        }
        uint8_t own = rows[element - r4_elements], row = own != 0 ? own : row_through;
        struct place here = { place, m->name, m->kind == TREE_ARRAY ? 0 : SIZE_MAX };
        if (m->kind != TREE_ARRAY)
            check_value(c, &here, element, actual, m, row, depth);
        else
            for (const struct tree *v = m->first; v != NULL; v = v->next, here.index++)
                check_value(c, &here, element, actual, v, row, depth);
    }
}

/* Checks what would leave. */
bool egress_allowed(const struct tree *resource, struct report *report) {
    pthread_once(&once, set_up);
    struct check c = {
        .report = report, .code = "policy-denied", .container = resource, .clean = true
    };
    const struct tree *name = tree_get_symbol(resource, type_symbol);
    const struct r4_type *type =
        name != NULL && name->kind == TREE_STRING ? r4_type(name->text) : NULL;
    struct place place = { NULL, type != NULL ? type->name : "resource", SIZE_MAX };
    if (type == NULL || type->kind != R4_RESOURCE)
        check_fault(&c, &place, NULL, "not a resource that R4 knows");
    else
        check_object(&c, &place, type, resource, 0, 0);
    return c.clean;
}
