/* SPDX-License-Identifier: Apache-2.0 */
/* How far a sync is: a bar on a terminal, plain lines elsewhere. */
#ifndef CORE_SYNC_PROGRESS_H
#define CORE_SYNC_PROGRESS_H

#include "core/sync/shared.h"

#include <stddef.h>

struct progress {
    bool terminal;
    int64_t started_ms, printed_ms;
    uint64_t last_done;
    int64_t last_ms;
    double rate;
};
void progress_start(struct progress *p);
/* Shows the state now (a terminal: at most ten times a second; elsewhere: a line every ten
 * seconds). */
void progress_show(struct progress *p, const struct shared *page);
/* Ends the bar and prints one line that sums up. */
void progress_end(struct progress *p, const struct shared *page);
/* Writes the bar's text for a width (the test looks at it). */
void progress_text(const struct progress *p, const struct shared *page, int width, char *out,
                   size_t size);
#endif
