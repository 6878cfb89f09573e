/* SPDX-License-Identifier: Apache-2.0 */
/* Reading members of a record and building facts of it. */
#include "facts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 256 };

const char *facts_text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

json_t *facts_list(const json_t *object, const char *name) {
    json_t *list = json_object_get(object, name);
    return json_is_array(list) ? list : NULL;
}

bool facts_number(const json_t *object, const char *name, int64_t *number) {
    const json_t *value = json_object_get(object, name);
    if (json_is_integer(value)) {
        *number = json_integer_value(value);
        return true;
    }
    double real = json_real_value(value);
    if (!json_is_real(value) || !(fabs(real) < 1e9) || real != floor(real))
        return false;
    *number = (int64_t)real;
    return true;
}

bool facts_lists(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

bool facts_set(json_t *object, const char *name, json_t *value) {
    return json_object_set_new_nocheck(object, name, value) == 0;
}

bool facts_set_text(json_t *object, const char *name, const char *text) {
    return !text || facts_set(object, name, json_string_nocheck(text));
}

bool facts_copy(json_t *object, const char *name, const json_t *from, const char *member) {
    json_t *value = json_object_get(from, member);
    return !value || json_is_null(value) || facts_set(object, name, json_incref(value));
}

bool facts_append(json_t *list, json_t *value) {
    return json_array_append_new(list, value) == 0;
}

/* Formats into `fixed` or, when that is too short, into memory of its own; NULL when memory is out.
 */
static char *format_text(char fixed[KEY_MAX], const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    char *text = fixed;
    int length = vsnprintf(fixed, KEY_MAX, format, args);
    if (length < 0)
        text = NULL;
    else if (length >= KEY_MAX) {
        text = malloc((size_t)length + 1);
        if (text)
            vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

json_t *facts_format(const char *format, ...) {
    char fixed[KEY_MAX];
    va_list args;
    va_start(args, format);
    char *text = format_text(fixed, format, args);
    va_end(args);
    json_t *value = text ? json_string_nocheck(text) : NULL;
    if (text != fixed)
        free(text);
    return value;
}

json_t *facts_identity(const struct iptfhir_host *host, const char *type, const char *format, ...) {
    char fixed[KEY_MAX], uuid[37];
    va_list args;
    va_start(args, format);
    char *key = format_text(fixed, format, args);
    va_end(args);
    if (!key)
        return NULL;
    host->identity(host, type, key, uuid);
    if (key != fixed)
        free(key);
    return json_stringn_nocheck(uuid, 36);
}

/* Days since 1970-01-01 of a day of the Gregorian calendar: years are counted from March, in eras
 * of 400. */
static int64_t days_of(int year, int month, int day) {
    int y = year - (month <= 2), era = y / 400, of_era = y % 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool facts_seconds(const char *text, int64_t *seconds) {
    int year, month, day, hour = 0, minute = 0, second = 0, zone_hour = 0, zone_minute = 0,
                          read = 0;
    char sign = '+';
    if (!text || sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &read) != 3 || read != 10 ||
        year < 1 || month < 1 || month > 12)
        return false;
    *seconds = days_of(year, month, day) * 86400;
    if (text[10] == '\0')
        return true;
    if (sscanf(text + 10, "T%2d:%2d:%2d%n", &hour, &minute, &second, &read) != 3)
        return false;
    const char *rest = text + 10 + read;
    rest += *rest == '.' ? 1 + strspn(rest + 1, "0123456789") : 0;
    if (*rest != 'Z' && sscanf(rest, "%c%2d:%2d", &sign, &zone_hour, &zone_minute) != 3)
        return false;
    int64_t zone = zone_hour * 3600 + zone_minute * 60;
    *seconds += hour * 3600 + minute * 60 + second - (sign == '-' ? -zone : zone);
    return true;
}

bool facts_excluded(const json_t *record, const char *data_class) {
    const json_t *consents = facts_list(record, "consents");
    for (size_t i = 0; i < json_array_size(consents); i++)
        if (facts_lists(facts_list(json_array_get(consents, i), "excludedClasses"), data_class))
            return true;
    return false;
}

json_t *facts_communication_key(const char *record_id, const json_t *assessments, size_t index) {
    const char *date = facts_text(json_array_get(assessments, index), "date");
    size_t before = 0;
    for (size_t i = 0; date && i < index; i++) {
        const char *other = facts_text(json_array_get(assessments, i), "date");
        before += other && strcmp(other, date) == 0;
    }
    if (!date)
        return NULL;
    return before ? facts_format("%s/comm-%s-%zu", record_id, date, before + 1)
                  : facts_format("%s/comm-%s", record_id, date);
}

json_t *facts_displays(const struct iptfhir_host *host, struct iptfhir_error *error) {
    static const char path[] = "terminology/codesystem-ipt.json";
    const json_t *concepts = facts_list(host->document(host, path, error), "concept");
    json_t *displays = json_object();
    for (size_t i = 0; displays && i < json_array_size(concepts); i++) {
        const json_t *concept = json_array_get(concepts, i);
        const char *code = facts_text(concept, "code"), *display = facts_text(concept, "display");
        if (!code || !display || !facts_set_text(displays, code, display)) {
            json_decref(displays);
            displays = NULL;
        }
    }
    if (displays && json_object_size(displays) > 0)
        return displays;
    json_decref(displays);
    host->fail(host, error, IPTFHIR_FATAL, "code-system", path,
               "expected an R4 CodeSystem whose concepts have a code and a display");
    return NULL;
}
