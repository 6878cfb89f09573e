/* SPDX-License-Identifier: Apache-2.0 */
/* A file system in memory that loses what was not synced, for tests of the SQLite store: at a power
 * cut each write since the last sync is kept, dropped or torn at sectors, as the seed says. */
#ifndef CORE_STORE_CRASH_VFS_H
#define CORE_STORE_CRASH_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* Registers the file system with SQLite and returns its name, NULL on failure. There is one disk.
 */
const char *crash_vfs(void);
/* An empty disk; nothing is open. */
void crash_vfs_format(void);
/* The n-th write, sync, truncation or deletion from now (1: the next) fails, and all input and
 * output after it, until crash_vfs_power_up(). 0: never. */
void crash_vfs_cut_after(uint64_t n);
/* True when the power was cut. */
bool crash_vfs_is_cut(void);
/* Decides what of the unsynced writes is on the disk, and lets it be used again. Files must be
 * closed. */
void crash_vfs_power_up(uint64_t seed);
/* While full, writes that make a file grow fail. */
void crash_vfs_set_full(bool full);
/* What happened so far. */
struct crash_vfs_counts {
    uint64_t writes, syncs, dropped, torn, kept;
};
const struct crash_vfs_counts *crash_vfs_counts(void);
#endif
