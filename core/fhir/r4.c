/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in the R4 tables: types by name, elements by name and by symbol, choice elements in
 * their JSON form. */
#include "core/fhir/r4_tables.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALL_SLOTS 32768u /* a power of two, more than twice the members of all types */
#define ALL_NAMES (R4_ELEMENT_COUNT + R4_CHOICE_COUNT + R4_TYPE_COUNT)

/* One member of one type: what (type, symbol) leads to. */
struct member {
    uint32_t symbol; /* 0: a free slot */
    uint16_t type, element, actual;
};

static struct member members[ALL_SLOTS];
static uint32_t choice_symbols[R4_CHOICE_COUNT];
static uint16_t
    choice_first[R4_ELEMENT_COUNT];  /* of a choice element: its first index in choice_symbols */
static const char *names[ALL_NAMES]; /* per type, each list ended by NULL */
static uint16_t names_first[R4_TYPE_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Mixes a type index and a symbol into a slot. */
static inline uint32_t slot_of(uint16_t type, uint32_t symbol) {
    uint32_t h = (symbol ^ ((uint32_t)type << 16)) * 2654435761u;
    return (h ^ (h >> 15)) & (ALL_SLOTS - 1);
}

/* Enters one member of a type. */
static void enter(uint16_t type, uint32_t symbol, uint16_t element, uint16_t actual) {
    uint32_t at = slot_of(type, symbol);
    while (members[at].symbol != 0)
        at = (at + 1) & (ALL_SLOTS - 1);
    members[at] = (struct member) { symbol, type, element, actual };
}

/* Interns "value" + "Quantity" -> "valueQuantity". */
static uint32_t choice_symbol(const char *element, const char *type) {
    char text[128];
    size_t length = strlen(element), more = strlen(type);
    if (length + more >= sizeof text)
        return 0;
    memcpy(text, element, length);
    memcpy(text + length, type, more);
    text[length] = (char)toupper((unsigned char)text[length]);
    return symbol_intern(text, length + more);
}

/* Enters the JSON members of one choice element. */
static void set_up_choice(uint16_t type, uint16_t index, size_t *choices, size_t *name) {
    const struct r4_element *element = &r4_elements[index];
    choice_first[index] = (uint16_t)*choices;
    for (const uint16_t *t = element->types; *t != R4_NONE && *choices < R4_CHOICE_COUNT; t++) {
        uint32_t symbol = choice_symbol(element->name, r4_types[*t].name);
        choice_symbols[(*choices)++] = symbol;
        if (symbol == 0)
            continue;
        enter(type, symbol, index, *t);
        names[(*name)++] = symbol_name(symbol);
    }
}

/* Fills all tables that depend on symbols. */
static void set_up(void) {
    size_t choices = 0, name = 0;
    for (uint16_t type = 0; type < R4_TYPE_COUNT; type++) {
        const struct r4_type *t = &r4_types[type];
        names_first[type] = (uint16_t)name;
        for (uint16_t i = 0; i < t->element_count; i++) {
            uint16_t index = (uint16_t)(t->elements - r4_elements + i);
            struct r4_element *element = &r4_elements[index];
            element->symbol = symbol_intern(element->name, strlen(element->name));
            if (element->symbol != 0)
                enter(type, element->symbol, index, element->choice ? R4_NONE : element->types[0]);
            if (element->choice)
                set_up_choice(type, index, &choices, &name);
            else
                names[name++] = element->name;
        }
        names[name++] = NULL;
    }
    symbol_intern("resourceType", 12);
}

/* Interns and indexes everything, once. */
void r4_setup(void) {
    pthread_once(&once, set_up);
}

/* Finds a type by its name. */
const struct r4_type *r4_type(const char *name) {
    if (name == NULL)
        return NULL;
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    for (uint32_t at = hash % R4_TYPE_SLOTS; r4_type_slots[at] != R4_NONE;
         at = (at + 1) % R4_TYPE_SLOTS)
        if (strcmp(r4_types[r4_type_slots[at]].name, name) == 0)
            return &r4_types[r4_type_slots[at]];
    return NULL;
}

/* Finds a type by its index. */
const struct r4_type *r4_type_at(uint16_t index) {
    return index < R4_TYPE_COUNT ? &r4_types[index] : NULL;
}

/* Walks up the bases. */
bool r4_is(const struct r4_type *type, const struct r4_type *ancestor) {
    while (type != NULL && type != ancestor)
        type = r4_type_at(type->base);
    return type != NULL && ancestor != NULL;
}

/* Finds an element by symbol. */
const struct r4_element *r4_element_symbol(const struct r4_type *type, uint32_t symbol,
                                           const struct r4_type **actual) {
    if (actual != NULL)
        *actual = NULL;
    if (type == NULL || symbol == 0)
        return NULL;
    uint16_t index = (uint16_t)(type - r4_types);
    for (uint32_t at = slot_of(index, symbol); members[at].symbol != 0;
         at = (at + 1) & (ALL_SLOTS - 1)) {
        const struct member *m = &members[at];
        if (m->symbol != symbol || m->type != index)
            continue;
        if (actual != NULL)
            *actual = r4_type_at(m->actual);
        return &r4_elements[m->element];
    }
    return NULL;
}

/* Finds an element by name. */
const struct r4_element *r4_element(const struct r4_type *type, const char *name,
                                    const struct r4_type **actual) {
    r4_setup();
    return r4_element_symbol(type, name == NULL ? 0 : symbol_find(name, strlen(name)), actual);
}

/* Steps through the JSON members of a choice element. */
bool r4_choice(const struct r4_type *type, const struct r4_element *choice, size_t *state,
               uint32_t *symbol, const struct r4_type **actual) {
    (void)type;
    if (choice == NULL || !choice->choice || choice->types[*state] == R4_NONE)
        return false;
    *symbol = choice_symbols[choice_first[choice - r4_elements] + *state];
    if (actual != NULL)
        *actual = &r4_types[choice->types[*state]];
    (*state)++;
    return true;
}

/* Tells how JSON writes a primitive. */
enum tree_kind r4_json_kind(const struct r4_type *primitive) {
    const char *name = primitive->name;
    if (strcmp(name, "boolean") == 0)
        return TREE_BOOLEAN;
    if (strcmp(name, "decimal") == 0 || strcmp(name, "integer") == 0 ||
        strcmp(name, "positiveInt") == 0 || strcmp(name, "unsignedInt") == 0)
        return TREE_NUMBER;
    return TREE_STRING;
}

/* Lists the members of a type. */
const char *const *r4_element_names(const struct r4_type *type) {
    r4_setup();
    return &names[names_first[type - r4_types]];
}

/* Tells the XML reader what a child element is. */
static bool xml_child(const char *type, const char *name, const char **child_type, bool *repeats,
                      enum tree_kind *primitive_kind) {
    const struct r4_type *actual = NULL;
    const struct r4_element *element = r4_element(r4_type(type), name, &actual);
    if (element == NULL || actual == NULL)
        return false;
    *child_type = actual->name;
    *repeats = element->max > 1;
    *primitive_kind = actual->kind == R4_PRIMITIVE ? r4_json_kind(actual) : TREE_OBJECT;
    return true;
}

const struct xml_shape r4_xml_shape = { .child = xml_child };
