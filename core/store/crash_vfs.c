/* SPDX-License-Identifier: Apache-2.0 */
/* Each file has two contents: what programs see, and what is surely on the disk; what lies between
 * them is a list of changes in order. Locks are those of one process with several handles. */
#include "core/store/crash_vfs.h"

#include "core/store/conformance.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 8, SECTOR = 512, REGIONS = 16, SHM_LOCKS = SQLITE_SHM_NLOCK, MOST_NAME = 128 };

struct content {
    unsigned char *bytes;
    size_t size;
};
struct change {
    size_t offset;
    size_t length;        /* of the bytes; of a truncation: the new size */
    unsigned char *bytes; /* NULL: a truncation */
};
struct node {
    char name[MOST_NAME]; /* "": free */
    bool exists, surely;  /* as programs see it; on the disk */
    bool reborn;          /* removed and made again; the disk may still have the former */
    struct content now, disk;
    struct change *changes;
    size_t change_count;
    int shared; /* locks of the main file */
    void *reserved, *exclusive;
    void *regions[REGIONS];
    size_t region_sizes[REGIONS];
    int shm_shared[SHM_LOCKS];
    void *shm_exclusive[SHM_LOCKS];
};
struct handle {
    sqlite3_file base;
    struct node *node;
    int lock;
    bool removes; /* when it is closed */
    unsigned shm_shared, shm_exclusive;
};

static struct node nodes[FILES];
static struct crash_vfs_counts counts;
static uint64_t until_cut;
static bool is_cut, is_full;
static sqlite3_vfs *real;

/* Memory of a test: without it there is nothing to test. */
static void *must_have(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

/* Counts a step towards the power cut; true when the power is off. */
static bool step_fails(void) {
    if (!is_cut && until_cut > 0 && --until_cut == 0)
        is_cut = true;
    return is_cut;
}

static void resize(struct content *content, size_t size) {
    content->bytes = must_have(realloc(content->bytes, size + 1));
    if (size > content->size)
        memset(content->bytes + content->size, 0, size - content->size);
    content->size = size;
}

static void put(struct content *content, size_t offset, const void *bytes, size_t length) {
    if (offset + length > content->size)
        resize(content, offset + length);
    memcpy(content->bytes + offset, bytes, length);
}

/* Notes a change that is not yet surely on the disk. */
static void note(struct node *node, size_t offset, size_t length, const void *bytes) {
    size_t size = (node->change_count + 1) * sizeof *node->changes;
    node->changes = must_have(realloc(node->changes, size));
    struct change *change = &node->changes[node->change_count++];
    *change = (struct change) { offset, length, NULL };
    if (bytes != NULL)
        change->bytes = memcpy(must_have(malloc(length + 1)), bytes, length);
}

static void forget_changes(struct node *node) {
    for (size_t i = 0; i < node->change_count; i++)
        free(node->changes[i].bytes);
    free(node->changes);
    node->changes = NULL;
    node->change_count = 0;
}

/* Makes one content the same as another. */
static void copy_content(struct content *to, const struct content *from) {
    resize(to, from->size);
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, from->size);
}

/* ---- the power ---- */

/* Puts some sectors of a change on the disk. */
static void tear(struct node *node, const struct change *change, uint64_t *seed) {
    for (size_t done = 0; done < change->length;) {
        size_t place = change->offset + done;
        size_t length = SECTOR - place % SECTOR;
        if (length > change->length - done)
            length = change->length - done;
        if (conformance_random(seed) % 2 == 0)
            put(&node->disk, place, change->bytes + done, length);
        done += length;
    }
}

/* Decides about one change. */
static void settle(struct node *node, const struct change *change, uint64_t *seed) {
    uint64_t fate = conformance_random(seed) % 4;
    if (fate == 0) {
        counts.dropped++;
    } else if (change->bytes == NULL) {
        counts.kept++;
        resize(&node->disk, change->length);
    } else if (fate == 1) {
        counts.torn++;
        tear(node, change, seed);
    } else {
        counts.kept++;
        put(&node->disk, change->offset, change->bytes, change->length);
    }
}

void crash_vfs_power_up(uint64_t seed) {
    for (size_t i = 0; i < FILES; i++) {
        struct node *node = &nodes[i];
        bool certain = node->exists == node->surely;
        bool former = node->reborn && conformance_random(&seed) % 2 == 0;
        if (node->reborn && !former)
            resize(&node->disk, 0);
        for (size_t c = 0; c < node->change_count && !former; c++)
            settle(node, &node->changes[c], &seed);
        node->reborn = false;
        forget_changes(node);
        if (!certain)
            node->exists = conformance_random(&seed) % 2 == 0;
        node->surely = node->exists;
        if (!node->exists)
            resize(&node->disk, 0);
        copy_content(&node->now, &node->disk);
    }
    is_cut = false;
    until_cut = 0;
}

void crash_vfs_format(void) {
    for (size_t i = 0; i < FILES; i++) {
        forget_changes(&nodes[i]);
        free(nodes[i].now.bytes);
        free(nodes[i].disk.bytes);
        for (size_t r = 0; r < REGIONS; r++)
            free(nodes[i].regions[r]);
    }
    memset(nodes, 0, sizeof nodes);
    is_cut = is_full = false;
    until_cut = 0;
}

void crash_vfs_cut_after(uint64_t n) {
    until_cut = n;
}

bool crash_vfs_is_cut(void) {
    return is_cut;
}

void crash_vfs_set_full(bool full) {
    is_full = full;
}

const struct crash_vfs_counts *crash_vfs_counts(void) {
    return &counts;
}

/* ---- files ---- */

static struct handle *handle_of(sqlite3_file *file) {
    return (struct handle *)(void *)file;
}

/* Finds a file by name, or a free place for it. */
static struct node *find_node(const char *name, bool make) {
    struct node *free_node = NULL;
    for (size_t i = 0; i < FILES; i++) {
        if (strcmp(nodes[i].name, name) == 0)
            return &nodes[i];
        if (nodes[i].name[0] == '\0' && free_node == NULL)
            free_node = &nodes[i];
    }
    if (!make || free_node == NULL || strlen(name) >= MOST_NAME)
        return NULL;
    strcpy(free_node->name, name);
    return free_node;
}

static int crash_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset) {
    const struct content *now = &handle_of(file)->node->now;
    size_t have = (size_t)offset < now->size ? now->size - (size_t)offset : 0;
    if (is_cut)
        return SQLITE_IOERR_READ;
    if (have > (size_t)amount)
        have = (size_t)amount;
    memset(out, 0, (size_t)amount);
    if (have > 0)
        memcpy(out, now->bytes + offset, have);
    return have == (size_t)amount ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int crash_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset) {
    struct node *node = handle_of(file)->node;
    counts.writes++;
    if (is_cut)
        return SQLITE_IOERR_WRITE;
    if (is_full && (size_t)offset + (size_t)amount > node->now.size)
        return SQLITE_FULL;
    put(&node->now, (size_t)offset, data, (size_t)amount);
    note(node, (size_t)offset, (size_t)amount, data);
    return step_fails() ? SQLITE_IOERR_WRITE : SQLITE_OK; /* the cut falls into this write */
}

static int crash_truncate(sqlite3_file *file, sqlite3_int64 size) {
    struct node *node = handle_of(file)->node;
    if (is_cut)
        return SQLITE_IOERR_TRUNCATE;
    resize(&node->now, (size_t)size);
    note(node, 0, (size_t)size, NULL);
    return step_fails() ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int crash_sync(sqlite3_file *file, int flags) {
    struct node *node = handle_of(file)->node;
    (void)flags;
    counts.syncs++;
    if (step_fails())
        return SQLITE_IOERR_FSYNC;
    copy_content(&node->disk, &node->now);
    node->surely = true;
    node->reborn = false;
    forget_changes(node);
    return SQLITE_OK;
}

static int crash_size(sqlite3_file *file, sqlite3_int64 *size) {
    *size = (sqlite3_int64)handle_of(file)->node->now.size;
    return is_cut ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

/* ---- locks ---- */

static int crash_unlock(sqlite3_file *file, int lock) {
    struct handle *h = handle_of(file);
    struct node *node = h->node;
    if (h->lock <= lock)
        return SQLITE_OK;
    if (node->exclusive == h)
        node->exclusive = NULL;
    if (node->reserved == h)
        node->reserved = NULL;
    if (lock == SQLITE_LOCK_NONE && h->lock >= SQLITE_LOCK_SHARED)
        node->shared--;
    h->lock = lock;
    return SQLITE_OK;
}

static int crash_lock(sqlite3_file *file, int lock) {
    struct handle *h = handle_of(file);
    struct node *node = h->node;
    if (h->lock >= lock)
        return SQLITE_OK;
    if (node->exclusive != NULL && node->exclusive != h)
        return SQLITE_BUSY;
    if (lock >= SQLITE_LOCK_RESERVED && node->reserved != NULL && node->reserved != h)
        return SQLITE_BUSY;
    if (lock == SQLITE_LOCK_EXCLUSIVE && node->shared > (h->lock >= SQLITE_LOCK_SHARED ? 1 : 0))
        return SQLITE_BUSY;
    if (h->lock == SQLITE_LOCK_NONE)
        node->shared++;
    if (lock >= SQLITE_LOCK_RESERVED)
        node->reserved = h;
    if (lock == SQLITE_LOCK_EXCLUSIVE)
        node->exclusive = h;
    h->lock = lock;
    return SQLITE_OK;
}

static int crash_reserved(sqlite3_file *file, int *reserved) {
    *reserved = handle_of(file)->node->reserved != NULL;
    return SQLITE_OK;
}

static int crash_shm_map(sqlite3_file *file, int region, int size, int extend,
                         void volatile **memory) {
    struct node *node = handle_of(file)->node;
    *memory = NULL;
    if (region >= REGIONS)
        return SQLITE_IOERR_SHMMAP;
    if (node->regions[region] == NULL && extend != 0)
        node->regions[region] = must_have(calloc(1, (size_t)size));
    *memory = node->regions[region];
    return SQLITE_OK;
}

/* Gives or takes one lock of the shared memory; true when it could be done. */
static bool shm_lock_one(struct handle *h, int slot, int flags) {
    struct node *node = h->node;
    unsigned bit = 1u << slot;
    bool shared = (flags & SQLITE_SHM_SHARED) != 0;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        if ((h->shm_shared & bit) != 0)
            node->shm_shared[slot]--;
        if ((h->shm_exclusive & bit) != 0)
            node->shm_exclusive[slot] = NULL;
        h->shm_shared &= ~bit;
        h->shm_exclusive &= ~bit;
        return true;
    }
    int others = node->shm_shared[slot] - ((h->shm_shared & bit) != 0 ? 1 : 0);
    if (node->shm_exclusive[slot] != NULL || (!shared && others > 0))
        return false;
    if (shared && (h->shm_shared & bit) == 0) {
        node->shm_shared[slot]++;
        h->shm_shared |= bit;
    } else if (!shared) {
        node->shm_exclusive[slot] = h;
        h->shm_exclusive |= bit;
    }
    return true;
}

static int crash_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    struct handle *h = handle_of(file);
    for (int i = 0; i < count; i++) {
        if (shm_lock_one(h, offset + i, flags))
            continue;
        int undo = (flags & ~SQLITE_SHM_LOCK) | SQLITE_SHM_UNLOCK;
        while (i-- > 0)
            shm_lock_one(h, offset + i, undo);
        return SQLITE_BUSY;
    }
    return SQLITE_OK;
}

static void crash_shm_barrier(sqlite3_file *file) {
    (void)file;
}

static int crash_shm_unmap(sqlite3_file *file, int remove) {
    struct handle *h = handle_of(file);
    crash_shm_lock(file, 0, SHM_LOCKS, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    for (size_t i = 0; i < REGIONS && remove != 0; i++) {
        free(h->node->regions[i]);
        h->node->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static int crash_control(sqlite3_file *file, int what, void *argument) {
    (void)file;
    (void)what;
    (void)argument;
    return SQLITE_NOTFOUND;
}
static int crash_sector(sqlite3_file *file) {
    (void)file;
    return SECTOR;
}
static int crash_traits(sqlite3_file *file) {
    (void)file;
    return 0;
}

/* Forgets the shared memory when a process would: nobody has the file open any more. */
static int crash_close(sqlite3_file *file) {
    struct handle *h = handle_of(file);
    crash_unlock(file, SQLITE_LOCK_NONE);
    crash_shm_unmap(file, is_cut);
    if (h->removes)
        h->node->exists = h->node->surely = false;
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = crash_close,
        .xRead = crash_read,
        .xWrite = crash_write,
        .xTruncate = crash_truncate,
        .xSync = crash_sync,
        .xFileSize = crash_size,
        .xLock = crash_lock,
        .xUnlock = crash_unlock,
        .xCheckReservedLock = crash_reserved,
        .xFileControl = crash_control,
        .xSectorSize = crash_sector,
        .xDeviceCharacteristics = crash_traits,
        .xShmMap = crash_shm_map,
        .xShmLock = crash_shm_lock,
        .xShmBarrier = crash_shm_barrier,
        .xShmUnmap = crash_shm_unmap,
    };
    (void)vfs;
    struct handle *h = handle_of(file);
    bool create = (flags & SQLITE_OPEN_CREATE) != 0;
    memset(h, 0, sizeof *h);
    struct node *node = find_node(name != NULL ? name : "temporary", create);
    if (is_cut || node == NULL || (!node->exists && !create))
        return SQLITE_CANTOPEN;
    if (!node->exists) {
        resize(&node->now, 0);
        forget_changes(node);
        node->reborn = node->surely;
        if (!node->surely)
            resize(&node->disk, 0);
    }
    node->exists = true;
    h->node = node;
    h->removes = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    h->base.pMethods = &methods;
    if (out != NULL)
        *out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    struct node *node = find_node(name, false);
    if (step_fails())
        return SQLITE_IOERR_DELETE;
    if (node == NULL || !node->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    node->exists = false;
    if (sync_folder != 0) {
        node->surely = false;
        forget_changes(node);
    }
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)vfs;
    (void)flags;
    const struct node *node = find_node(name, false);
    *result = node != NULL && node->exists;
    return is_cut ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

const char *crash_vfs(void) {
    static sqlite3_vfs vfs;
    if (real != NULL)
        return vfs.zName;
    real = sqlite3_vfs_find(NULL);
    if (real == NULL)
        return NULL;
    vfs = *real; /* time and randomness are the real ones */
    vfs.pNext = NULL;
    vfs.zName = "crash";
    vfs.szOsFile = (int)sizeof(struct handle);
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_name;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL;
}
