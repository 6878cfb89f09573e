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

/* The bits of the elements that a type requires. */
static uint64_t required_of(const struct r4_type *type) {
    uint64_t mask = 0;
    for (uint16_t i = 0; i < type->element_count; i++)
        if (type->elements[i].min > 0)
            mask |= UINT64_C(1) << i;
    return mask;
}

/* Prepares what each check looks up. */
static void set_up(void) {
    r4_setup();
    resource = r4_type("Resource");
    element_base = r4_type("Element");
    resource_type = symbol_intern("resourceType", 12);
    for (uint16_t t = 0; t < R4_TYPE_COUNT; t++) {
        const struct r4_type *type = &r4_types[t];
        required[t] = required_of(type);
        if (type->kind == R4_PRIMITIVE) {
            formats[t] = (uint8_t)format_of(type);
            kinds[t] = (uint8_t)r4_json_kind(type);
        }
    }
    invariants_setup();
}

/* ---- faults ---- */

/* Writes one step of a FHIRPath; returns the bytes. */
static int write_step(char *out, size_t size, const struct place *step, bool first) {
    const char *point = first ? "" : ".";
    if (step->index == SIZE_MAX)
        return snprintf(out, size, "%s%s", point, step->name);
    return snprintf(out, size, "%s%s[%zu]", point, step->name, step->index);
}

/* Writes the FHIRPath of a place. */
static size_t write_place(char *out, size_t size, const struct place *place) {
    if (place == NULL)
        return 0;
    size_t at = write_place(out, size, place->up);
    if (at >= size)
        return at;
    int more = write_step(out + at, size - at, place, at == 0);
    return more < 0 ? at : at + (size_t)more;
}

void check_fault(struct check *c, const struct place *place, const char *member, const char *format,
                 ...) {
    char where[256] = "";
    char text[512];
    size_t at = write_place(where, sizeof where, place);
    if (member != NULL && at < sizeof where) {
        const struct place step = { place, member, SIZE_MAX };
        write_step(where + at, sizeof where - at, &step, at == 0);
    }
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->clean = false;
    report_add(c->report, REPORT_ERROR, c->code, where, "%s", text);
}

static bool is_name_part(char c) {
    static const char parts[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return memchr(parts, c, sizeof parts - 1) != NULL;
}

/* A member's name as it may be shown: bounded, and only when it looks like a name. */
static const char *shown(const struct tree *node, char out[NAME_MAX_SHOWN + 1]) {
    if (node->name_length > NAME_MAX_SHOWN)
        return "(a long name)";
    for (uint32_t i = 0; i < node->name_length; i++)
        if (!is_name_part(node->name[i]))
            return "(an unusual name)";
    memcpy(out, node->name, node->name_length);
    out[node->name_length] = '\0';
    return out;
}

/* ---- values ---- */

static const char *const kind_names[] = { "null",     "true or false", "a number",
                                          "a string", "a list",        "an object" };

static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, unsigned depth);

/* Tells whether a text is one of R4's required codes. */
static bool is_code(const char *text, const char *const *codes) {
    for (; *codes != NULL; codes++)
        if ((*codes)[0] == text[0] && strcmp(*codes, text) == 0)
            return true;
    return false;
}

/* Checks a code against its required binding. */
static void check_code(struct check *c, const struct place *place, const char *const *codes,
                       const char *text) {
    if (is_code(text, codes))
        return;
    bool one = codes[1] == NULL;
    check_fault(c, place, NULL, "expected one of R4's required codes (%s, %s%s)", codes[0],
                one ? "no other" : codes[1], one ? "" : ", ...");
}

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
    if (expected != NULL)
        check_fault(c, place, NULL, "expected %s", expected);
    else if (element->codes != NULL && strcmp(type->name, "code") == 0)
        check_code(c, place, element->codes, value->text);
}

/* Tells whether a member is the "_name" of another. */
static bool is_underscore_of(const struct tree *s, const struct tree *member) {
    if (s->name_length != member->name_length + 1 || s->name[0] != '_')
        return false;
    return memcmp(s->name + 1, member->name, member->name_length) == 0;
}

/* The "_name" sibling of a member, NULL when there is none. */
static const struct tree *sibling(const struct tree *member) {
    if (member->parent == NULL)
        return NULL;
    const struct tree *s = member->parent->first;
    while (s != NULL && !is_underscore_of(s, member))
        s = s->next;
    return s;
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
    const struct tree *extension = NULL;
    if (type->kind == R4_PRIMITIVE)
        extension = tree_at(sibling(list), index);
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

/* Checks the "_name" of an element that repeats. */
static void check_extensions(struct check *c, const struct place *up, const struct tree *member,
                             unsigned depth) {
    if (member->kind != TREE_ARRAY) {
        check_fault(c, up, member->name, "this element repeats: expected a list");
        return;
    }
    struct place place = { up, member->name, 0 };
    for (const struct tree *v = member->first; v != NULL; v = v->next, place.index++)
        if (v->kind != TREE_NULL)
            check_extension(c, &place, v, depth);
}

/* Reports each other type that a choice element with a "_name" has: it may have one only. */
static void check_other_types(struct check *c, const struct place *up, const struct r4_type *type,
                              const struct r4_element *element, uint32_t symbol,
                              const struct tree *member) {
    const struct r4_type *actual = NULL;
    for (const struct tree *s = member->parent->first; s != NULL; s = s->next) {
        if (s->symbol == symbol)
            continue;
        bool same = r4_element_symbol(type, s->symbol, &actual) == element && actual != NULL;
        if (same)
            check_fault(c, up, member->name, "%s[x] has one type only", element->name);
    }
}

/* Checks a "_name" member; returns its element, NULL when it belongs to none. */
static const struct r4_element *check_underscore(struct check *c, const struct place *up,
                                                 const struct r4_type *type,
                                                 const struct tree *member, unsigned depth) {
    const struct r4_type *actual = NULL;
    uint32_t symbol = symbol_find(member->name + 1, member->name_length - 1);
    const struct r4_element *element = r4_element_symbol(type, symbol, &actual);
    bool primitive = actual != NULL && actual->kind == R4_PRIMITIVE;
    if (element == NULL || !primitive)
        return NULL;
    if (element->choice)
        check_other_types(c, up, type, element, symbol, member);
    if (element->max > 1) {
        check_extensions(c, up, member, depth);
    } else {
        struct place place = { up, member->name, SIZE_MAX };
        check_extension(c, &place, member, depth);
    }
    return element;
}

/* ---- members ---- */

/* Reports a member that the type doesn't have. */
static void unknown_member(struct check *c, const struct place *place, const struct r4_type *type,
                           const struct tree *member) {
    char room[NAME_MAX_SHOWN + 1];
    const char *name = shown(member, room);
    const char *near = nearest_name(member->name, r4_element_names(type));
    if (near != NULL)
        check_fault(c, place, name, "%s has no such element in R4; did you mean '%s'?", type->name,
                    near);
    else
        check_fault(c, place, name, "%s has no such element in R4", type->name);
}

/* The bit of an element of a type. */
static uint64_t bit_of(const struct r4_type *type, const struct r4_element *element) {
    return UINT64_C(1) << (element - type->elements);
}

/* The symbol of a member; one that was read before its name was known has none of its own. */
static uint32_t symbol_of(const struct tree *member) {
    return member->symbol != 0 ? member->symbol : symbol_find(member->name, member->name_length);
}

/* Checks a member that is no element by its name: resourceType, or a "_name". */
static uint64_t check_other(struct check *c, const struct place *place, const struct r4_type *type,
                            const struct tree *member, unsigned depth) {
    const struct r4_element *element = NULL;
    if (symbol_of(member) == resource_type && r4_is(type, resource))
        return 0;
    if (member->name_length > 1 && member->name[0] == '_')
        element = check_underscore(c, place, type, member, depth);
    if (element != NULL)
        return bit_of(type, element);
    unknown_member(c, place, type, member);
    return 0;
}

/* Checks the value or values of an element. */
static void check_element(struct check *c, const struct place *place,
                          const struct r4_element *element, const struct r4_type *actual,
                          const struct tree *member, unsigned depth) {
    if (element->max > 1) {
        check_list(c, place, element, actual, member, depth);
    } else if (member->kind == TREE_ARRAY) {
        check_fault(c, place, member->name,
                    "this element doesn't repeat: expected one value, not a list");
    } else {
        struct place here = { place, member->name, SIZE_MAX };
        check_value(c, &here, element, actual, member, depth);
    }
}

/* Checks one member of an object; returns the bit of its element, 0 when it has none. */
static uint64_t check_member(struct check *c, const struct place *place, const struct r4_type *type,
                             const struct tree *member, uint64_t seen, unsigned depth) {
    const struct r4_type *actual = NULL;
    const struct r4_element *element = r4_element_symbol(type, symbol_of(member), &actual);
    if (element == NULL || actual == NULL)
        return check_other(c, place, type, member, depth);
    uint64_t bit = bit_of(type, element);
    if ((seen & bit) == 0)
        check_element(c, place, element, actual, member, depth);
    else if (element->choice)
        check_fault(c, place, member->name, "%s[x] has one value only", element->name);
    else
        check_fault(c, place, member->name, "%s appears twice", element->name);
    return bit;
}

/* ---- objects ---- */

/* Reports the required elements that are missing. */
static void report_missing(struct check *c, const struct place *place, const struct r4_type *type,
                           uint64_t missing) {
    for (uint16_t i = 0; i < type->element_count; i++)
        if ((missing & (UINT64_C(1) << i)) != 0)
            check_fault(c, place, type->elements[i].name, "required by R4 (%u..%s), but missing",
                        (unsigned)type->elements[i].min,
                        type->elements[i].max == UINT16_MAX ? "*" : "1");
}

/* Finds the type of a resource that stands where any resource may stand. */
static const struct r4_type *type_of(struct check *c, const struct place *place,
                                     const struct tree *object) {
    const struct tree *name = tree_get_symbol(object, resource_type);
    const struct r4_type *type = NULL;
    if (name == NULL) {
        check_fault(c, place, "resourceType", "a resource says its type in resourceType");
        return NULL;
    }
    if (name->kind == TREE_STRING)
        type = r4_type(name->text);
    if (type != NULL && type->kind == R4_RESOURCE && !type->abstract_)
        return type;
    check_fault(c, place, "resourceType", "expected the name of an R4 resource type");
    return NULL;
}

/* Checks the members of an object, what is missing, and its invariants. */
static void check_members(struct check *c, const struct place *place, const struct r4_type *type,
                          const struct tree *object, unsigned depth) {
    uint64_t seen = 0;   /* elements with a value or an extension */
    uint64_t values = 0; /* those with a value */
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
}

/* Checks one object of a type and all below it. */
static void check_object(struct check *c, const struct place *place, const struct r4_type *type,
                         const struct tree *object, unsigned depth) {
    if (depth > DEPTH_MAX) {
        check_fault(c, place, NULL, "nested deeper than %d levels", DEPTH_MAX);
        return;
    }
    if (type != resource) {
        check_members(c, place, type, object, depth);
        return;
    }
    const struct tree *outer = c->container;
    type = type_of(c, place, object);
    if (type == NULL)
        return;
    if (strcmp(place->name, "contained") != 0)
        c->container = object;
    check_members(c, place, type, object, depth);
    c->container = outer;
}

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
