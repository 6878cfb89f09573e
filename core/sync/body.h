/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way: what ingest made becomes what goes out, and what a target holds is compared
 * with it. Pure over trees; no look at what an element means but ids, references, labels and meta's
 * lists. */
#ifndef CORE_SYNC_BODY_H
#define CORE_SYNC_BODY_H

#include "core/tree/tree.h"

/* What a reference "Type/UUID" becomes in a body that goes out. */
enum body_reference {
    BODY_KEEP,   /* itself */
    BODY_CHANGE, /* `text` */
    BODY_OMIT    /* it is left out, and what holds nothing else with it */
};
struct body_out {
    const char *id;    /* becomes the top "id"; NULL: it is left out */
    const char *value; /* replaces the value of the business identifier whose value is `old_value`;
                          NULL: it stays */
    const char *old_value;
    bool labels; /* meta.security stays */
    /* Says what a reference becomes; `text` holds at least 160 bytes. NULL: all stay. */
    enum body_reference (*resolve)(void *user, const char *type, size_t type_length,
                                   const char uuid[36], char *text);
    void *user;
};
/* Changes a body in place for its way out; *omitted counts the references left out. False when
 * memory is out or the body is no object. */
bool body_prepare(struct tree *body, struct arena *a, const struct body_out *out,
                  uint32_t *omitted);

/* Takes out of `theirs` what servers add to what they hold, as far as `mine` has nothing there:
 * meta's members, a generated narrative. Lists of meta that are sets follow the order of `mine`. */
void body_normalise(struct tree *theirs, const struct tree *mine);
/* Whether `theirs` holds all that `mine` does: more members in its objects are allowed. */
bool body_contains(const struct tree *theirs, const struct tree *mine);
/* Whether a body carries this business identifier; *others: whether it carries any other. */
bool body_has_identifier(const struct tree *body, const char *system, const char *value,
                         bool *others);
/* Whether each reference of the body to the type `type` is to `id` (an absolute or versioned one
 * counts by its type and id). */
bool body_refers_only_to(const struct tree *body, const char *type, const char *id);
/* Whether a direct member of a body is a reference to a resource of the type `type`. */
bool body_names_subject(const struct tree *body, const char *type);
/* Whether each direct member of `mine` that is a reference to a resource of the type `type` (its
 * subject) is one in `theirs` too. */
bool body_has_subject(const struct tree *theirs, const struct tree *mine, const char *type);
/* Whether `answer`, which a target gives for what it holds after `before` was to become `sent`,
 * shows the old content: a value that was to change is as it was, or nothing of the change is
 * there. What the target writes in its own way, or adds, isn't old. */
bool body_shows_old(const struct tree *answer, const struct tree *before, const struct tree *sent);
/* The id that all references of the body to the type `type` have; NULL: there is none, or several.
 * In the arena. */
const char *body_refers_to_one(const struct tree *body, struct arena *a, const char *type);
/* Whether two references name one resource, whatever base or version they are written with. */
bool body_same_reference(const char *one, const char *other);
/* Makes references to resources of the type `type` references to `id`. False when memory is out. */
bool body_refer_to(struct tree *body, struct arena *a, const char *type, const char *id);
#endif
