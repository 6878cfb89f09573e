/* SPDX-License-Identifier: Apache-2.0 */
/* The data classes that mappings declare and consents name: data in mappings/privacy/. */
#ifndef CORE_SYNC_PRIVACY_H
#define CORE_SYNC_PRIVACY_H

#include "core/base/error.h"

/* What must be in force for the recipient before a class goes out. */
enum privacy_need {
    PRIVACY_UNKNOWN,     /* no such class */
    PRIVACY_NEEDS_CLASS, /* a consent that names the class */
    PRIVACY_NEEDS_ANY,   /* a consent that names any class */
    PRIVACY_NEEDS_NOBODY /* never sent */
};
struct privacy;
/* Reads privacy/classes.yaml of a folder of mappings. Every fault goes to `report` with its
 * position; then NULL. Immutable: threads may share it. */
struct privacy *privacy_load(const char *mappings, struct report *report);
/* NULL is allowed. */
void privacy_free(struct privacy *privacy);
enum privacy_need privacy_need_of(const struct privacy *privacy, const char *data_class);
#endif
