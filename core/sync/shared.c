/* SPDX-License-Identifier: Apache-2.0 */
/* The shared page: anonymous memory that survives fork. */
#include "core/sync/shared.h"

#include <stddef.h>
#include <sys/mman.h>

struct shared *shared_new(void) {
    void *page = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? NULL : page;
}

void shared_free(struct shared *page) {
    if (page)
        munmap(page, sizeof *page);
}
