/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities: their text, and units that have one dimension. */
#include "core/fhirpath/quantity.h"

#include <string.h>

const char *calendar_word(const char *unit, size_t length) {
    static const char *const words[] = { "year", "month",  "week",   "day",
                                         "hour", "minute", "second", "millisecond" };
    size_t singular = length;
    if (length > 0 && unit[length - 1] == 's')
        singular--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == singular && memcmp(unit, words[i], singular) == 0)
            return words[i];
    return NULL;
}

/* Units with the same dimension and their exact factor to its base: digits * 10^-scale. (UCUM; only
 * what records and questionnaires use.) A calendar's word stands beside the unit of its length; its
 * months and years have none. */
struct unit {
    const char *code;
    const char *word;
    char dimension;
    decimal factor;
};
static const struct unit units[] = {
    { "kg", NULL, 'm', { 1000, 0 } },
    { "g", NULL, 'm', { 1, 0 } },
    { "mg", NULL, 'm', { 1, 3 } },
    { "ug", NULL, 'm', { 1, 6 } },
    { "[lb_av]", NULL, 'm', { 45359237, 5 } },
    { "[oz_av]", NULL, 'm', { 28349523125, 9 } },
    { "km", NULL, 'l', { 1000, 0 } },
    { "m", NULL, 'l', { 1, 0 } },
    { "cm", NULL, 'l', { 1, 2 } },
    { "mm", NULL, 'l', { 1, 3 } },
    { "[in_i]", NULL, 'l', { 254, 4 } },
    { "[ft_i]", NULL, 'l', { 3048, 4 } },
    { "L", NULL, 'v', { 1, 0 } },
    { "mL", NULL, 'v', { 1, 3 } },
    { "dL", NULL, 'v', { 1, 1 } },
    { "ms", "millisecond", 't', { 1, 3 } },
    { "s", "second", 't', { 1, 0 } },
    { "min", "minute", 't', { 60, 0 } },
    { "h", "hour", 't', { 3600, 0 } },
    { "d", "day", 't', { 86400, 0 } },
    { "wk", "week", 't', { 604800, 0 } },
    { "mo", NULL, 't', { 26298000, 1 } },
    { "a", NULL, 't', { 31557600, 0 } },
    { UNIT_ONE, NULL, '1', { 1, 0 } },
    { "%", NULL, '1', { 1, 2 } },
};

/* The unit of a quantity, NULL when it isn't in the table. */
static const struct unit *unit_of(const struct fhirpath_value *v) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const char *name = v->quantity.calendar ? units[i].word : units[i].code;
        if (name != NULL && strcmp(name, v->quantity.unit) == 0)
            return &units[i];
    }
    return NULL;
}

/* Tells whether two quantities are of the calendar's units `left` and `right`. */
static bool are_calendar(const struct fhirpath_value *a, const struct fhirpath_value *b,
                         const char *left, const char *right) {
    if (!a->quantity.calendar || !b->quantity.calendar)
        return false;
    return strcmp(a->quantity.unit, left) == 0 && strcmp(b->quantity.unit, right) == 0;
}

/* Tells whether two quantities have their unit by the same name. */
static bool have_same_unit(const struct fhirpath_value *a, const struct fhirpath_value *b) {
    bool same_name = strcmp(a->quantity.unit, b->quantity.unit) == 0;
    return same_name && a->quantity.calendar == b->quantity.calendar;
}

bool quantity_common(const struct fhirpath_value *a, const struct fhirpath_value *b, decimal *x,
                     decimal *y) {
    *x = a->quantity.value;
    *y = b->quantity.value;
    if (have_same_unit(a, b))
        return true;
    if (are_calendar(a, b, "year", "month"))
        return decimal_multiply(*x, decimal_of(12), x);
    if (are_calendar(a, b, "month", "year"))
        return decimal_multiply(*y, decimal_of(12), y);
    const struct unit *from = unit_of(a);
    const struct unit *to = unit_of(b);
    if (from == NULL || to == NULL || from->dimension != to->dimension)
        return false;
    return decimal_multiply(*x, from->factor, x) && decimal_multiply(*y, to->factor, y);
}

/* The unit between quotes, in the arena; NULL when memory is out. */
static bool quoted_unit(struct arena *a, const char *text, size_t length,
                        struct fhirpath_value *out) {
    out->quantity.calendar = false;
    out->quantity.unit = arena_strndup(a, text + 1, length - 2);
    return out->quantity.unit != NULL;
}

bool quantity_parse(struct arena *a, const char *text, size_t length, struct fhirpath_value *out) {
    size_t digits = 0;
    while (digits < length && text[digits] != '\0' && strchr("+-.0123456789", text[digits]) != NULL)
        digits++;
    if (!decimal_parse(text, digits, &out->quantity.value))
        return false;
    out->kind = FHIRPATH_QUANTITY;
    out->quantity.calendar = false;
    out->quantity.unit = UNIT_ONE;
    if (digits == length)
        return true;
    size_t at = digits + strspn(text + digits, " ");
    const char *unit = text + at;
    size_t rest = length - at;
    if (rest > 2 && unit[0] == '\'' && unit[rest - 1] == '\'')
        return quoted_unit(a, unit, rest, out);
    out->quantity.calendar = true;
    out->quantity.unit = calendar_word(unit, rest);
    return at > digits && out->quantity.unit != NULL;
}
