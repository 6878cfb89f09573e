/* SPDX-License-Identifier: Apache-2.0 */
/* The privacy rules that are data in mappings/privacy/: the data classes that mappings declare and
 * consents name, and what falls under 42 CFR Part 2. */
#ifndef CORE_SYNC_PRIVACY_H
#define CORE_SYNC_PRIVACY_H

#include "core/tree/tree.h"

/* What must be in force for the recipient before a class goes out. */
enum privacy_need {
    PRIVACY_UNKNOWN,     /* no such class */
    PRIVACY_NEEDS_CLASS, /* a consent that names the class */
    PRIVACY_NEEDS_ANY,   /* a consent that names any class */
    PRIVACY_NEEDS_NOBODY /* never sent */
};
struct privacy;
/* Reads privacy/classes.yaml and privacy/part2.yaml of a folder of mappings. Every fault goes to
 * `report` with its position; then NULL. Immutable: threads may share it. */
struct privacy *privacy_load(const char *mappings, struct report *report);
/* NULL is allowed. */
void privacy_free(struct privacy *privacy);
enum privacy_need privacy_need_of(const struct privacy *privacy, const char *data_class);
/* Whether a record says what falls under 42 CFR Part 2. The record may be one that the check
 * refused: what can't be read of it says nothing. */
bool privacy_is_part2(const struct privacy *privacy, const struct tree *record);
/* Appends the rules that facts of records are made by, in a canonical form: with other rules all
 * records must be read anew. */
void privacy_describe(const struct privacy *privacy, struct str *out);
#endif
