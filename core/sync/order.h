/* SPDX-License-Identifier: Apache-2.0 */
/* The next order of a cycle: which items are asked about or written together. */
#ifndef CORE_SYNC_ORDER_H
#define CORE_SYNC_ORDER_H

#include "core/sync/cycle.h"

enum order_task { ORDER_NONE, ORDER_FIND, ORDER_READ, ORDER_WRITE };
/* What an item's action asks for. */
enum order_task order_task_of(const struct lane_item *item);
/* Makes the order that looks for the lane's patient. */
bool order_match(struct cycle *c, struct iptfhir_error *error);
/* Makes the next order: searches, then reads, then writes; those of one chart together. Writes get
 * their attempts (dirty). *any false: there is none. */
bool order_next(struct cycle *c, bool *any, struct iptfhir_error *error);
#endif
