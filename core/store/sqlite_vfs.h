/* SPDX-License-Identifier: Apache-2.0 */
/* How SQLite reaches the store's file: each page ends in a checksum that is written with it and
 * tested when it is read. A damaged page is an error of reading (SQLITE_IOERR_DATA), so that
 * neither rows nor what leads to them are believed. */
#ifndef CORE_STORE_SQLITE_VFS_H
#define CORE_STORE_SQLITE_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

enum {
    STORE_PAGE = 4096,             /* bytes of a page */
    STORE_PAGE_SUM = 8,            /* of those, the checksum at its end */
    STORE_APPLICATION = 0x49505446 /* "IPTF", the application id in the header */
};
/* What a file's first bytes look like. */
enum store_file_kind {
    STORE_FILE_EMPTY,
    STORE_FILE_OURS,
    STORE_FILE_DATABASE, /* of another application or of the first edition */
    STORE_FILE_OTHER     /* no database */
};

/* Registers, once a process, the VFS of the store over another (NULL: the default one) and returns
 * its name, NULL when SQLite has no memory. Thread-safe for NULL; `under` is for tests. */
const char *store_vfs(const char *under);
/* What the main file of a connection opened through store_vfs() looks like. */
enum store_file_kind store_vfs_kind(sqlite3 *db);
#endif
