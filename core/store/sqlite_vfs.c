/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS that stands before another and looks after the pages of the main file; all else it passes
 * on. */
#include "core/store/sqlite_vfs.h"

#include "core/store/checksum.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { HEADER = 100, KIND_QUESTION = 0x49505401, APPLICATION_AT = 68 };

/* A main file; the file of the VFS below follows it in memory. */
struct page_file {
    sqlite3_file base;
    unsigned char page[STORE_PAGE]; /* what is read or written at the moment */
};
struct page_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *under;
};

/* The file below. */
static sqlite3_file *below(sqlite3_file *file) {
    return (sqlite3_file *)(void *)((struct page_file *)(void *)file + 1);
}

/* The checksum of a page that begins at `offset`. */
static void page_sum(const unsigned char *page, sqlite3_int64 offset,
                     unsigned char sum[STORE_PAGE_SUM]) {
    uint64_t number = (uint64_t)offset / STORE_PAGE + 1;
    uint64_t value = store_checksum(number, page, STORE_PAGE - STORE_PAGE_SUM);
    for (int i = 0; i < STORE_PAGE_SUM; i++)
        sum[i] = (unsigned char)(value >> 8 * i);
}

/* True for a page that SQLite took and never wrote. */
static bool never_written(const unsigned char *page) {
    return page[0] == 0 && memcmp(page, page + 1, STORE_PAGE - 1) == 0;
}

/* Reads the page that begins at `offset` and tests it. */
static int read_page(sqlite3_file *file, sqlite3_int64 offset) {
    struct page_file *f = (struct page_file *)(void *)file;
    unsigned char sum[STORE_PAGE_SUM];
    int rc = below(file)->pMethods->xRead(below(file), f->page, STORE_PAGE, offset);
    if (rc != SQLITE_OK)
        return rc;
    page_sum(f->page, offset, sum);
    bool good = memcmp(sum, f->page + STORE_PAGE - STORE_PAGE_SUM, STORE_PAGE_SUM) == 0;
    return good || never_written(f->page) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int page_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset) {
    struct page_file *f = (struct page_file *)(void *)file;
    sqlite3_int64 start = offset - offset % STORE_PAGE;
    if (offset + amount <= HEADER) /* SQLite looks at these before it reads the page whole */
        return below(file)->pMethods->xRead(below(file), out, amount, offset);
    if (offset + amount > start + STORE_PAGE)
        return SQLITE_IOERR_DATA; /* the size of a page is not ours: the header is damaged */
    int rc = read_page(file, start);
    if (rc == SQLITE_IOERR_SHORT_READ)
        memset(out, 0, (size_t)amount);
    if (rc == SQLITE_OK)
        memcpy(out, f->page + (offset - start), (size_t)amount);
    return rc;
}

static int page_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset) {
    struct page_file *f = (struct page_file *)(void *)file;
    if (amount != STORE_PAGE || offset % STORE_PAGE != 0)
        return below(file)->pMethods->xWrite(below(file), data, amount, offset);
    memcpy(f->page, data, STORE_PAGE);
    page_sum(f->page, offset, f->page + STORE_PAGE - STORE_PAGE_SUM);
    return below(file)->pMethods->xWrite(below(file), f->page, STORE_PAGE, offset);
}

/* Looks at the first bytes of a file. */
static enum store_file_kind file_kind(sqlite3_file *file) {
    static const char magic[16] = "SQLite format 3";
    unsigned char header[HEADER];
    sqlite3_int64 size = 0;
    if (file->pMethods->xFileSize(file, &size) == SQLITE_OK && size == 0)
        return STORE_FILE_EMPTY;
    if (file->pMethods->xRead(file, header, HEADER, 0) != SQLITE_OK ||
        memcmp(header, magic, sizeof magic) != 0)
        return STORE_FILE_OTHER;
    uint32_t application = 0;
    for (int i = 0; i < 4; i++)
        application = application << 8 | header[APPLICATION_AT + i];
    return application == STORE_APPLICATION ? STORE_FILE_OURS : STORE_FILE_DATABASE;
}

static int page_control(sqlite3_file *file, int what, void *argument) {
    if (what != KIND_QUESTION)
        return below(file)->pMethods->xFileControl(below(file), what, argument);
    *(enum store_file_kind *)argument = file_kind(below(file));
    return SQLITE_OK;
}

static int page_close(sqlite3_file *file) {
    return below(file)->pMethods->xClose(below(file));
}
static int page_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return below(file)->pMethods->xTruncate(below(file), size);
}
static int page_sync(sqlite3_file *file, int flags) {
    return below(file)->pMethods->xSync(below(file), flags);
}
static int page_size(sqlite3_file *file, sqlite3_int64 *size) {
    return below(file)->pMethods->xFileSize(below(file), size);
}
static int page_lock(sqlite3_file *file, int lock) {
    return below(file)->pMethods->xLock(below(file), lock);
}
static int page_unlock(sqlite3_file *file, int lock) {
    return below(file)->pMethods->xUnlock(below(file), lock);
}
static int page_reserved(sqlite3_file *file, int *reserved) {
    return below(file)->pMethods->xCheckReservedLock(below(file), reserved);
}
static int page_sector(sqlite3_file *file) {
    return below(file)->pMethods->xSectorSize(below(file));
}
static int page_traits(sqlite3_file *file) {
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}
static int page_shm_map(sqlite3_file *file, int region, int size, int extend,
                        void volatile **memory) {
    return below(file)->pMethods->xShmMap(below(file), region, size, extend, memory);
}
static int page_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return below(file)->pMethods->xShmLock(below(file), offset, count, flags);
}
static void page_shm_barrier(sqlite3_file *file) {
    below(file)->pMethods->xShmBarrier(below(file));
}
static int page_shm_unmap(sqlite3_file *file, int remove) {
    return below(file)->pMethods->xShmUnmap(below(file), remove);
}

/* Opens a file: a main one behind the checksums, any other as the VFS below does. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    static const sqlite3_io_methods methods = {
        .iVersion = 2, /* without memory maps, which would read pages untested */
        .xClose = page_close,
        .xRead = page_read,
        .xWrite = page_write,
        .xTruncate = page_truncate,
        .xSync = page_sync,
        .xFileSize = page_size,
        .xLock = page_lock,
        .xUnlock = page_unlock,
        .xCheckReservedLock = page_reserved,
        .xFileControl = page_control,
        .xSectorSize = page_sector,
        .xDeviceCharacteristics = page_traits,
        .xShmMap = page_shm_map,
        .xShmLock = page_shm_lock,
        .xShmBarrier = page_shm_barrier,
        .xShmUnmap = page_shm_unmap,
    };
    sqlite3_vfs *under = ((struct page_vfs *)(void *)vfs)->under;
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
        return under->xOpen(under, name, file, flags, out);
    file->pMethods = NULL;
    below(file)->pMethods = NULL;
    int rc = under->xOpen(under, name, below(file), flags, out);
    if (below(file)->pMethods != NULL)
        file->pMethods = &methods;
    return rc;
}

/* Makes a VFS before `under`. */
static int vfs_register(struct page_vfs *vfs, const char *name, const char *under) {
    vfs->under = sqlite3_vfs_find(under);
    if (vfs->under == NULL)
        return SQLITE_ERROR;
    vfs->base = *vfs->under; /* all but opening is done by what is below */
    vfs->base.pNext = NULL;
    vfs->base.zName = name;
    vfs->base.szOsFile = (int)sizeof(struct page_file) + vfs->under->szOsFile;
    vfs->base.xOpen = vfs_open;
    return sqlite3_vfs_register(&vfs->base, 0);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct page_vfs plain;
static bool registered;

/* Registers the VFS over the default one. */
static void register_plain(void) {
    registered = vfs_register(&plain, "iptfhir", NULL) == SQLITE_OK;
}

const char *store_vfs(const char *under) {
    static struct page_vfs over_other;
    if (under == NULL) {
        pthread_once(&once, register_plain);
        return registered ? plain.base.zName : NULL;
    }
    if (over_other.under == NULL && vfs_register(&over_other, "iptfhir-test", under) != SQLITE_OK)
        return NULL;
    return over_other.base.zName;
}

enum store_file_kind store_vfs_kind(sqlite3 *db) {
    enum store_file_kind kind = STORE_FILE_OTHER;
    sqlite3_file_control(db, "main", KIND_QUESTION, &kind);
    return kind;
}
