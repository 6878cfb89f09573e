/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out for an item, and what went out before: bodies of the store with ids, references,
 * labels and withdrawals as the target is to have them; and how what it holds compares. */
#ifndef CORE_SYNC_RENDER_H
#define CORE_SYNC_RENDER_H

#include "core/sync/delivery.h"
#include "core/sync/lane.h"
#include "core/sync/lifecycle.h"

struct render {
    struct lane *lane;
    const struct delivery_target *target;
    const struct lifecycle *lifecycle;
    const char *chart; /* of references to the patient; NULL: they stay as they are */
    bool two_way;      /* what was sent is not to be trusted: it may not be what was sent last */
    bool own_ids;      /* what is created in the same bundle gets its own id: references name it */
};
/* What stands in the way of a reference now. */
enum render_way {
    RENDER_READY,   /* what it refers to is at the target */
    RENDER_PENDING, /* it will be, or it can't be said yet */
    RENDER_NEVER,   /* it isn't and won't be as things are: the reference is left out */
    RENDER_STRANGER /* it refers to another patient */
};
enum render_way render_reference(const struct lane *lane, const struct store_reference *reference);
/* How many of an item's references are to what is not at the target now. */
uint32_t render_missing(const struct lane *lane, const struct lane_item *item);

/* The id and identifier that an item has at its target: those of ingest, or of its generation. */
void render_identity(const struct lane_item *item, char id[37]);

enum render_end {
    RENDER_MADE,
    RENDER_LEAVE, /* it is withdrawn, and what is withdrawn of its type stays as it is */
    RENDER_HOLD,  /* it is withdrawn, and a person must say how */
    RENDER_FAILED /* the store or memory failed: `error` says how */
};
/* Reads what render_wanted() makes its body of, into the lane's arena to stay there: what it adds
 * can then be taken back. */
bool render_prepare(const struct render *r, const struct lane_item *item,
                    struct iptfhir_error *error);
/* The body as wanted. `id`: its top "id", NULL: none. `together`: references to what is created in
 * the same bundle (items with a place) become urn:uuid. *omitted: references left out. */
enum render_end render_wanted(const struct render *r, const struct lane_item *item, const char *id,
                              bool together, struct tree **out, uint32_t *omitted,
                              struct iptfhir_error *error);
/* Looks at item->theirs: sets item->look, and item->out to what an update would write (with
 * item->omitted). False when the store or memory failed. */
bool render_look(const struct render *r, struct lane_item *item, struct iptfhir_error *error);
#endif
