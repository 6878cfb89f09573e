/* SPDX-License-Identifier: Apache-2.0 */
/* What the mappers share when they read a record and build facts: texts, identities, moments,
 * displays of local codes.
 */
#ifndef MAP_OBSERVATION_FACTS_H
#define MAP_OBSERVATION_FACTS_H

#include <iptfhir/plugin.h>

#include <jansson.h>

/* The text of a member, NULL when it has none (absent, null, no string). Borrowed. */
const char *facts_text(const json_t *object, const char *name);
/* The member when it is a list, else NULL; json_array_size(NULL) is 0. Borrowed. */
json_t *facts_list(const json_t *object, const char *name);
/* The whole number of a member; false when it has none or a fraction. */
bool facts_number(const json_t *object, const char *name, int64_t *number);
/* True when a list of texts has this one. */
bool facts_lists(const json_t *list, const char *text);

/* Sets a member; `value` is consumed. False when memory is out (a NULL value counts as that). */
bool facts_set(json_t *object, const char *name, json_t *value);
/* Sets a member to a text; a NULL text sets nothing and is fine. */
bool facts_set_text(json_t *object, const char *name, const char *text);
/* Sets a member to what another object's member is, unless that is absent or null. */
bool facts_copy(json_t *object, const char *name, const json_t *from, const char *member);
/* Appends to a list; `value` is consumed. */
bool facts_append(json_t *list, json_t *value);
/* A text made by a format, of any length; NULL when memory is out. */
json_t *facts_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The UUID of a resource whose key is made by a format: a new string, NULL when memory is out. */
json_t *facts_identity(const struct iptfhir_host *host, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Seconds since 1970 of a date (its midnight, UTC) or a dateTime with offset; false when it is
 * neither. */
bool facts_seconds(const char *text, int64_t *seconds);

/* True when a consent of the record excludes a data class. */
bool facts_excluded(const json_t *record, const char *data_class);

/* The key of a communication assessment: recordId/comm-DATE, with -2, -3 ... for further ones of
 * that date. New; NULL without a date or memory. */
json_t *facts_communication_key(const char *record_id, const json_t *assessments, size_t index);

/* The displays of our local codes: an object code -> display, from terminology/codesystem-ipt.json.
 * New; NULL and an error. */
json_t *facts_displays(const struct iptfhir_host *host, struct iptfhir_error *error);
#endif
