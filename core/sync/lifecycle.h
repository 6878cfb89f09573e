/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a resource that is withdrawn, by type and cause: mappings/lifecycle.yaml. No type
 * is named here or in the code. */
#ifndef CORE_SYNC_LIFECYCLE_H
#define CORE_SYNC_LIFECYCLE_H

#include "core/store/store.h"
#include "core/tree/tree.h"

struct lifecycle;
/* Reads a file; everything wrong goes to `report` with file:line:column. NULL when there were
 * errors. Immutable afterwards: threads may share it. */
struct lifecycle *lifecycle_load(const char *path, struct report *report);
/* The same from text; `source` names it in messages. */
struct lifecycle *lifecycle_read(const char *text, size_t length, const char *source,
                                 struct report *report);
void lifecycle_free(struct lifecycle *l);

/* True when an element of this type that left its wholly mapped record ends by itself; otherwise a
 * person decides. A NULL lifecycle ends nothing. */
bool lifecycle_ends(const struct lifecycle *l, const char *type);

/* Whether a person must decide when an element of this type leaves its record, whatever the source
 * says of removals; _may_: it depends on the resource. A resource that can't be read (NULL) does.
 */
bool lifecycle_may_need_person(const struct lifecycle *l, const char *type);
bool lifecycle_needs_person(const struct lifecycle *l, const char *type,
                            const struct tree *resource);

enum lifecycle_step {
    LIFECYCLE_WRITE, /* `resource` is the withdrawn body */
    LIFECYCLE_LEAVE, /* the resource stays as it is: nothing is written */
    LIFECYCLE_HOLD,  /* a person must decide: the type or the cause is not in the file */
    LIFECYCLE_MEMORY /* the arena is out */
};
/* Turns a body that was sent into its withdrawn one, in place. `cause` is any of
 * STORE_WANTED_ERROR, _ENDED, _LEFT and _MOVED; others are held. Elements that the body doesn't
 * have are made. */
enum lifecycle_step lifecycle_apply(const struct lifecycle *l, struct tree *resource,
                                    struct arena *a, enum store_wanted cause);
#endif
