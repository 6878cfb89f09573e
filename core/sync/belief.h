/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a target that says that it took a write is to be believed. */
#ifndef CORE_SYNC_BELIEF_H
#define CORE_SYNC_BELIEF_H

#include "core/sync/cycle.h"

enum belief {
    BELIEVED,
    BELIEF_UNPROVEN, /* nothing shows that it was done: what is there now must be read */
    BELIEF_REFUTED   /* it shows another resource, or what was there before */
};
/* Weighs a success of the order under way (proof WRITTEN or FOUND) against what was sent, while the
 * item's attempt is open: a body must be this resource in this chart and must not be the old one;
 * without a body it must have a version, another one than before. A target without a server is
 * believed. Memory that is taken is given back. */
enum belief belief_of(struct cycle *c, const struct lane_item *item,
                      const struct iptfhir_evidence *e);
#endif
