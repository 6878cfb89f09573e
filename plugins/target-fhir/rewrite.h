/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies as the target wants them, made from text to text: ids, references, labels; and theirs made
 * comparable with ours. */
#ifndef TARGET_FHIR_REWRITE_H
#define TARGET_FHIR_REWRITE_H

#include "text.h"

/* What a reference "Type/UUID" becomes: itself; "Type/id" of the server; "urn:uuid:UUID"; or a
 * logical reference, where the member "reference" gives way to "type" and "identifier" (R4
 * Reference allows it). */
enum reference_kind { REFERENCE_KEEP, REFERENCE_SERVER, REFERENCE_URN, REFERENCE_LOGICAL };
struct reference_answer {
    enum reference_kind kind;
    const char *id;             /* SERVER */
    const char *system, *value; /* LOGICAL */
};
struct rewrite {
    const char *id;   /* becomes the top "id"; NULL: it is left out */
    bool omit_labels; /* leave out meta.security */
    void (*resolve)(void *user, const char *type, size_t type_length, const char *id,
                    size_t id_length, struct reference_answer *out);
    void *user;
};

/* Appends the rewritten body; number texts and element order stay. False when the body is no JSON
 * object, or a logical reference has no identifier to give. */
bool rewrite_body(const struct rewrite *r, const char *body, size_t length, struct text *out);
/* Appends `theirs` without what servers add: members of meta that `mine` has not, and a narrative
 * (text) when `mine` has none. */
bool rewrite_normalise(const char *theirs, size_t length, const char *mine, size_t mine_length,
                       struct text *out);
/* The text of a top-level string member, or of one in the object `parent` at the top; escapes are
 * refused. */
bool rewrite_string(const char *body, size_t length, const char *parent, const char *name,
                    char *out, size_t size);
#endif
