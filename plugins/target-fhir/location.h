/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and versions as servers tell them: Location, ETag, and what can be an id at all. */
#ifndef TARGET_FHIR_LOCATION_H
#define TARGET_FHIR_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

enum { ID_SIZE = 65 /* a FHIR id and NUL */, VERSION_SIZE = 129 };

/* True when a text can be the id of a resource: it goes into paths and references. Underscores are
 * allowed beyond FHIR's own rule, since servers use them. */
bool id_valid(const char *id, size_t length);
/* True when a text can be a version: it goes into a header and into JSON. */
bool version_valid(const char *version, size_t length);
/* True when a text can be the name of a resource type. */
bool type_valid(const char *type);
/* Takes id and version out of ".../Type/id[/_history/version]"; false when there is no such id.
 * Without a version `version` becomes empty. */
bool location_read(const char *location, const char *type, char id[ID_SIZE],
                   char version[VERSION_SIZE]);
/* Takes the version out of an ETag (RFC 9110 8.8.3): W/"7", "7" or 7; false when there is none. */
bool etag_read(const char *etag, char version[VERSION_SIZE]);
#endif
