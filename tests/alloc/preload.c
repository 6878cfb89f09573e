/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the built program: refuses memory to one of its processes, from its n-th call on.
 *   REFUSE_PROCESS   0: the first process, 1: the first that it forks, 2: the second, and so on
 *   REFUSE_AT        the call that is refused first; 0 or absent: none, calls are only counted
 *   REFUSE_MANY      how many in a row (1)
 *   REFUSE_COUNTS    a file that receives, for each process, a number of 8 bytes: its calls; and in
 *                    the second half how many were refused */
#include "tests/alloc/refusing.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROCESSES = 64, SITES = 1 << 14, SITE_TRIES = 32 };

struct counts {
    _Atomic uint64_t calls[PROCESSES], refused[PROCESSES];
};
static struct counts own, *counts = &own;
static uint64_t process, forks, refused_process, first, many = 1;
static atomic_bool ready;

/* ---- whose code it is ---- */

/* What is known of a place in the code: its address, with bit 0 set when it is ours. Addresses of
 * instructions after a call may be odd, so they are doubled. */
static _Atomic uintptr_t sites[SITES];

/* Whether an address lies in the program, in libiptfhir or in a plugin. */
static bool is_in_our_objects(const void *address) {
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL)
        return false;
    const char *name = strrchr(info.dli_fname, '/');
    name = name != NULL ? name + 1 : info.dli_fname;
    bool program = strcmp(name, "iptfhir") == 0;
    bool library = strncmp(name, "libiptfhir", 10) == 0;
    return program || library || strstr(info.dli_fname, "/plugins/") != NULL;
}

static bool is_ours(const void *address) {
    uintptr_t key = (uintptr_t)address << 1;
    size_t slot = (size_t)(key * 0x9e3779b97f4a7c15u >> 40);
    for (size_t i = 0; i < SITE_TRIES; i++) {
        _Atomic uintptr_t *site = &sites[(slot + i) % SITES];
        uintptr_t known = atomic_load(site);
        if (known >> 1 == (uintptr_t)address)
            return (known & 1) != 0;
        if (known != 0)
            continue;
        bool ours = is_in_our_objects(address);
        atomic_store(site, key | (ours ? 1 : 0));
        return ours;
    }
    return is_in_our_objects(address);
}

/* ---- deciding ---- */

bool refusing_decide(const void *caller) {
    if (!atomic_load(&ready) || !is_ours(caller))
        return false;
    uint64_t number = atomic_fetch_add(&counts->calls[process], 1) + 1;
    bool meant = process == refused_process && first > 0;
    bool refused = meant && number >= first && number - first < many;
    if (refused)
        atomic_fetch_add(&counts->refused[process], 1);
    return refused;
}

/* ---- processes ---- */

__attribute__((visibility("default"))) pid_t fork(void);
__attribute__((visibility("default"))) pid_t fork(void) {
    pid_t (*real)(void) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "fork");
    forks++;
    pid_t child = real();
    if (child == 0)
        process = forks < PROCESSES ? forks : PROCESSES - 1;
    return child;
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void prepare(void) {
    const char *path = getenv("REFUSE_COUNTS");
    refused_process = number_of("REFUSE_PROCESS", 0);
    first = number_of("REFUSE_AT", 0);
    many = number_of("REFUSE_MANY", 1);
    int file = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0 && ftruncate(file, sizeof *counts) == 0) {
        void *shared = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED)
            counts = shared;
    }
    if (file >= 0)
        close(file);
    atomic_store(&ready, true);
}
