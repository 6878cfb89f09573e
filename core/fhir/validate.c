/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a resource against the R4 tables: elements, cardinality, JSON kinds, choices, formats and
 * required codes. */
#include "core/fhir/validate.h"
#include "core/fhir/r4_tables.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 100
#define NAME_MAX_SHOWN 64

static uint8_t formats[R4_TYPE_COUNT];   /* enum format of primitives */
static uint8_t kinds[R4_TYPE_COUNT];     /* enum tree_kind of primitives */
static uint64_t required[R4_TYPE_COUNT]; /* bit i: element i has min > 0 */
static const struct r4_type *resource, *element_base;
static uint32_t resource_type;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Prepares what each check looks up. */
static void set_up(void) {
    r4_setup();
    resource = r4_type("Resource");
    element_base = r4_type("Element");
    resource_type = symbol_intern("resourceType", 12);
    for (uint16_t t = 0; t < R4_TYPE_COUNT; t++) {
        const struct r4_type *type = &r4_types[t];
        if (type->kind == R4_PRIMITIVE) {
            formats[t] = (uint8_t)format_of(type);
            kinds[t] = (uint8_t)r4_json_kind(type);
        }
        for (uint16_t i = 0; i < type->element_count; i++)
            if (type->elements[i].min > 0)
                required[t] |= UINT64_C(1) << i;
    }
    invariants_setup();
}

/* Writes the FHIRPath of a place. */
static size_t write_place(char *out, size_t size, const struct place *place) {
    if (place == NULL)
        return 0;
    size_t at = write_place(out, size, place->up);
    if (at >= size)
        return at;
    int more = place->index == SIZE_MAX
                   ? snprintf(out + at, size - at, "%s%s", at > 0 ? "." : "", place->name)
                   : snprintf(out + at, size - at, "%s%s[%zu]", at > 0 ? "." : "", place->name,
                              place->index);
    return more < 0 ? at : at + (size_t)more;
}

/* Adds a finding. */
void check_fault(struct check *c, const struct place *place, const char *member, const char *format,
                 ...) {
    char where[256] = "", text[512];
    size_t at = write_place(where, sizeof where, place);
    if (member != NULL && at < sizeof where)
        snprintf(where + at, sizeof where - at, "%s%s", at > 0 ? "." : "", member);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->clean = false;
    report_add(c->report, REPORT_ERROR, c->code, where, "%s", text);
}

/* A member's name as it may be shown: bounded, and only when it looks like a name. */
static const char *shown(const struct tree *node, char out[NAME_MAX_SHOWN + 1]) {
    if (node->name_length > NAME_MAX_SHOWN)
        return "(a long name)";
    for (uint32_t i = 0; i < node->name_length; i++) {
        char c = node->name[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-';
        if (!plain)
            return "(an unusual name)";
        out[i] = c;
    }
    out[node->name_length] = '\0';
    return out;
}

static const char *const kind_names[] = { "null",     "true or false", "a number",
                                          "a string", "a list",        "an object" };

static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, unsigned depth);

/* Checks one value of a primitive element. */
static void check_primitive(struct check *c, const struct place *place,
                            const struct r4_element *element, const struct r4_type *type,
                            const struct tree *value) {
    size_t index = (size_t)(type - r4_types);
    if (value->kind != kinds[index]) {
        check_fault(c, place, NULL, "expected %s (%s), not %s", kind_names[kinds[index]],
                    type->name, kind_names[value->kind]);
        return;
    }
    if (value->kind == TREE_BOOLEAN)
        return;
    const char *expected = format_check((enum format)formats[index], value->text, value->length);
    if (expected != NULL) {
        check_fault(c, place, NULL, "expected %s", expected);
        return;
    }
    if (element->codes == NULL || strcmp(type->name, "code") != 0)
        return;
    for (const char *const *code = element->codes; *code != NULL; code++)
        if ((*code)[0] == value->text[0] && strcmp(*code, value->text) == 0)
            return;
    check_fault(c, place, NULL, "expected one of R4's required codes (%s, %s%s)", element->codes[0],
                element->codes[1] != NULL ? element->codes[1] : "no other",
                element->codes[1] != NULL ? ", ..." : "");
}

/* The "_name" sibling of a member, NULL when there is none. */
static const struct tree *sibling(const struct tree *member) {
    for (const struct tree *s = member->parent ? member->parent->first : NULL; s != NULL;
         s = s->next)
        if (s->name_length == member->name_length + 1 && s->name[0] == '_' &&
            memcmp(s->name + 1, member->name, member->name_length) == 0)
            return s;
    return NULL;
}

/* Checks one value of an element, a null in a list excepted. */
static void check_value(struct check *c, const struct place *place,
                        const struct r4_element *element, const struct r4_type *type,
                        const struct tree *value, unsigned depth) {
    if (type->kind == R4_PRIMITIVE) {
        check_primitive(c, place, element, type, value);
    } else if (value->kind != TREE_OBJECT) {
        check_fault(c, place, NULL, "expected an object (%s), not %s", type->name,
                    kind_names[value->kind]);
    } else {
        check_object(c, place, type, value, depth + 1);
    }
}

/* Checks that a null in a list of primitives has an extension in its place. */
static void check_null(struct check *c, const struct place *place, const struct r4_type *type,
                       const struct tree *list, size_t index) {
    const struct tree *other = type->kind == R4_PRIMITIVE ? sibling(list) : NULL;
    const struct tree *extension =
        other != NULL && other->kind == TREE_ARRAY ? tree_at(other, index) : NULL;
    if (extension == NULL || extension->kind != TREE_OBJECT)
        check_fault(
            c, place, NULL,
            "null stands only in a list of primitives, where the '_' list has an extension");
}

/* Checks the values of a repeating element. */
static void check_list(struct check *c, const struct place *up, const struct r4_element *element,
                       const struct r4_type *type, const struct tree *member, unsigned depth) {
    if (member->kind != TREE_ARRAY) {
        check_fault(c, up, member->name, "this element repeats: expected a list, not %s",
                    kind_names[member->kind]);
        return;
    }
    if (member->length == 0)
        check_fault(c, up, member->name, "a list is never empty: leave the element out");
    else if (member->length > element->max && element->max != UINT16_MAX)
        check_fault(c, up, member->name, "at most %u values", (unsigned)element->max);
    struct place place = { up, member->name, 0 };
    for (const struct tree *value = member->first; value != NULL;
         value = value->next, place.index++) {
        if (value->kind == TREE_NULL)
            check_null(c, &place, type, member, place.index);
        else
            check_value(c, &place, element, type, value, depth);
    }
}

/* Checks one "_name" value: id and extensions of a primitive. */
static void check_extension(struct check *c, const struct place *place, const struct tree *value,
                            unsigned depth) {
    if (value->kind != TREE_OBJECT)
        check_fault(c, place, NULL, "expected an object with id or extension");
    else
        check_object(c, place, element_base, value, depth + 1);
}

/* Checks a "_name" member; returns its element, NULL when it belongs to none. */
static const struct r4_element *check_underscore(struct check *c, const struct place *up,
                                                 const struct r4_type *type,
                                                 const struct tree *member, unsigned depth) {
    const struct r4_type *actual = NULL;
    uint32_t symbol = symbol_find(member->name + 1, member->name_length - 1);
    const struct r4_element *element = r4_element_symbol(type, symbol, &actual);
    if (element == NULL || actual == NULL || actual->kind != R4_PRIMITIVE)
        return NULL;
    const struct r4_type *same = NULL;
    for (const struct tree *s = element->choice ? member->parent->first : NULL; s != NULL;
         s = s->next)
        if (s->symbol != symbol && r4_element_symbol(type, s->symbol, &same) == element &&
            same != NULL)
            check_fault(c, up, member->name, "%s[x] has one type only", element->name);
    if (element->max > 1 && member->kind == TREE_ARRAY) {
        struct place place = { up, member->name, 0 };
        for (const struct tree *v = member->first; v != NULL; v = v->next, place.index++)
            if (v->kind != TREE_NULL)
                check_extension(c, &place, v, depth);
    } else if (element->max > 1) {
        check_fault(c, up, member->name, "this element repeats: expected a list");
    } else {
        struct place place = { up, member->name, SIZE_MAX };
        check_extension(c, &place, member, depth);
    }
    return element;
}

/* Reports a member that the type doesn't have. */
static void unknown_member(struct check *c, const struct place *place, const struct r4_type *type,
                           const struct tree *member) {
    char name[NAME_MAX_SHOWN + 1];
    const char *near = nearest_name(member->name, r4_element_names(type));
    check_fault(c, place, shown(member, name), "%s has no such element in R4%s%s%s", type->name,
                near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                near != NULL ? "'?" : "");
}

/* Checks one member of an object; returns the bit of its element, 0 when it has none. */
static uint64_t check_member(struct check *c, const struct place *place, const struct r4_type *type,
                             const struct tree *member, uint64_t seen, unsigned depth) {
    const struct r4_type *actual = NULL;
    uint32_t symbol =
        member->symbol != 0 ? member->symbol : symbol_find(member->name, member->name_length);
    const struct r4_element *element = r4_element_symbol(type, symbol, &actual);
    if (element == NULL || actual == NULL) {
        if (symbol == resource_type && r4_is(type, resource))
            return 0;
        element = member->name_length > 1 && member->name[0] == '_'
                      ? check_underscore(c, place, type, member, depth)
                      : NULL;
        if (element != NULL)
            return UINT64_C(1) << (element - type->elements);
        unknown_member(c, place, type, member);
        return 0;
    }
    uint64_t bit = UINT64_C(1) << (element - type->elements);
    if (seen & bit) {
        check_fault(c, place, member->name,
                    element->choice ? "%s[x] has one value only" : "%s appears twice",
                    element->name);
    } else if (element->max > 1) {
        check_list(c, place, element, actual, member, depth);
    } else if (member->kind == TREE_ARRAY) {
        check_fault(c, place, member->name,
                    "this element doesn't repeat: expected one value, not a list");
    } else {
        struct place here = { place, member->name, SIZE_MAX };
        check_value(c, &here, element, actual, member, depth);
    }
    return bit;
}

/* Reports the required elements that are missing. */
static void report_missing(struct check *c, const struct place *place, const struct r4_type *type,
                           uint64_t missing) {
    for (uint16_t i = 0; i < type->element_count; i++)
        if (missing & (UINT64_C(1) << i))
            check_fault(c, place, type->elements[i].name, "required by R4 (%u..%s), but missing",
                        (unsigned)type->elements[i].min,
                        type->elements[i].max == UINT16_MAX ? "*" : "1");
}

/* Finds the type of a resource that stands where any resource may stand. */
static const struct r4_type *type_of(struct check *c, const struct place *place,
                                     const struct tree *object) {
    const struct tree *name = tree_get_symbol(object, resource_type);
    const struct r4_type *type =
        name != NULL && name->kind == TREE_STRING ? r4_type(name->text) : NULL;
    if (type != NULL && type->kind == R4_RESOURCE && !type->abstract_)
        return type;
    check_fault(c, place, "resourceType",
                name == NULL ? "a resource says its type in resourceType"
                             : "expected the name of an R4 resource type");
    return NULL;
}

/* Checks one object of a type and all below it. */
static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, unsigned depth) {
    if (depth > DEPTH_MAX) {
        check_fault(c, place, NULL, "nested deeper than %d levels", DEPTH_MAX);
        return;
    }
    const struct tree *outer = c->container;
    if (type == resource) {
        if ((type = type_of(c, place, object)) == NULL)
            return;
        if (strcmp(place->name, "contained") != 0)
            c->container = object;
    }
    uint64_t seen = 0, values = 0;
    for (const struct tree *member = object->first; member != NULL; member = member->next) {
        uint64_t bit = check_member(c, place, type, member, values, depth);
        seen |= bit;
        if (member->name_length > 0 && member->name[0] != '_')
            values |= bit;
    }
    if (object->first == NULL)
        check_fault(c, place, NULL, "an object is never empty: leave the element out");
    uint64_t missing = required[type - r4_types] & ~seen;
    if (missing != 0)
        report_missing(c, place, type, missing);
    invariants_check(c, place, type, object, seen);
    c->container = outer;
}

/* Checks a resource. */
bool r4_validate(const struct tree *root, struct report *report) {
    pthread_once(&once, set_up);
    struct check c = { .report = report, .code = "invalid", .container = root, .clean = true };
    if (root == NULL || root->kind != TREE_OBJECT) {
        check_fault(&c, NULL, NULL, "expected a resource: a JSON object with resourceType");
        return false;
    }
    const struct r4_type *type = type_of(&c, NULL, root);
    if (type != NULL) {
        struct place place = { NULL, type->name, SIZE_MAX };
        check_object(&c, &place, type, root, 0);
    }
    return c.clean;
}
