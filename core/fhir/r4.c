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
    size_t length = strlen(element);
    size_t more = strlen(type);
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

/* Enters one element of a type. */
static void set_up_element(uint16_t type, uint16_t index, size_t *choices, size_t *name) {
    struct r4_element *element = &r4_elements[index];
    uint16_t actual = element->choice ? R4_NONE : element->types[0];
    element->symbol = symbol_intern(element->name, strlen(element->name));
    if (element->symbol != 0)
        enter(type, element->symbol, index, actual);
    if (element->choice)
        set_up_choice(type, index, choices, name);
    else
        names[(*name)++] = element->name;
}

/* Fills all tables that depend on symbols. */
static void set_up(void) {
    size_t choices = 0;
    size_t name = 0;
    for (uint16_t type = 0; type < R4_TYPE_COUNT; type++) {
        const struct r4_type *t = &r4_types[type];
        size_t first = (size_t)(t->elements - r4_elements);
        names_first[type] = (uint16_t)name;
        for (uint16_t i = 0; i < t->element_count; i++)
            set_up_element(type, (uint16_t)(first + i), &choices, &name);
        names[name++] = NULL;
    }
    symbol_intern("resourceType", 12);
}

void r4_setup(void) {
    pthread_once(&once, set_up);
}

/* Hashes a type's name as the table of names was made (FNV-1a). */
static uint32_t hash_name(const char *name) {
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    return hash;
}

const struct r4_type *r4_type(const char *name) {
    if (name == NULL)
        return NULL;
    uint32_t at = hash_name(name) % R4_TYPE_SLOTS;
    while (r4_type_slots[at] != R4_NONE) {
        const struct r4_type *type = &r4_types[r4_type_slots[at]];
        if (strcmp(type->name, name) == 0)
            return type;
        at = (at + 1) % R4_TYPE_SLOTS;
    }
    return NULL;
}

const struct r4_type *r4_type_at(uint16_t index) {
    return index < R4_TYPE_COUNT ? &r4_types[index] : NULL;
}

bool r4_is(const struct r4_type *type, const struct r4_type *ancestor) {
    while (type != NULL && type != ancestor)
        type = r4_type_at(type->base);
    return type != NULL && ancestor != NULL;
}

/* The entry of a type's member, NULL when it has none of this symbol. */
static const struct member *find_member(uint16_t type, uint32_t symbol) {
    uint32_t at = slot_of(type, symbol);
    while (members[at].symbol != 0) {
        if (members[at].symbol == symbol && members[at].type == type)
            return &members[at];
        at = (at + 1) & (ALL_SLOTS - 1);
    }
    return NULL;
}

const struct r4_element *r4_element_symbol(const struct r4_type *type, uint32_t symbol,
                                           const struct r4_type **actual) {
    const struct member *m = NULL;
    if (type != NULL && symbol != 0)
        m = find_member((uint16_t)(type - r4_types), symbol);
    if (actual != NULL)
        *actual = m != NULL ? r4_type_at(m->actual) : NULL;
    return m != NULL ? &r4_elements[m->element] : NULL;
}

const struct r4_element *r4_element(const struct r4_type *type, const char *name,
                                    const struct r4_type **actual) {
    r4_setup();
    return r4_element_symbol(type, name == NULL ? 0 : symbol_find(name, strlen(name)), actual);
}

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

enum tree_kind r4_json_kind(const struct r4_type *primitive) {
    static const char *const numbers[] = { "decimal", "integer", "positiveInt", "unsignedInt" };
    if (strcmp(primitive->name, "boolean") == 0)
        return TREE_BOOLEAN;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(primitive->name, numbers[i]) == 0)
            return TREE_NUMBER;
    return TREE_STRING;
}

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
