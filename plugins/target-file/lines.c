/* SPDX-License-Identifier: Apache-2.0 */
/* The index of the lines of the NDJSON file: a hash table with open addressing in a file of its
 * own, most of which is a hole. */
#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A slot: the hash of an id (never 0 in use), and place and number of its lines in one word. */
struct slot {
    uint64_t hash, place;
};
enum {
    GROUP = 32, /* slots that are read together */
    FIRST_CAPACITY = 1 << 20,
    GROWTH = 4,
    COUNT_BITS = 20,
    COUNT_MOST = (1 << COUNT_BITS) - 1,
    BLOCK = 256 * 1024,
    FILTER_BITS =
        24, /* of the number of a bit in the filter: 2 MiB, of use to some 5 million ids */
    FILTER_BYTES = 1 << (FILTER_BITS - 3),
    FILTER_PROBES = 3
};

void lines_open(struct lines *l, int file) {
    *l = (struct lines) { .file = file, .index = -1 };
}

void lines_close(struct lines *l) {
    if (l->index >= 0)
        (void)close(l->index);
    free(l->block);
    free(l->seen);
    lines_open(l, -1);
}

/* Hashes an id (FNV-1a, mixed). */
static uint64_t hash_of(const char *id) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < LINES_ID; i++)
        h = (h ^ (unsigned char)id[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h != 0 ? h : 1;
}

/* ---- the filter ---- */

/* The n-th bit of a hash: its byte, and the mask in it. */
static unsigned char *bit_of(const struct lines *l, uint64_t hash, int n, unsigned char *mask) {
    static const int shifts[FILTER_PROBES] = { 0, 20, 40 };
    uint64_t bit = hash >> shifts[n] & ((1u << FILTER_BITS) - 1);
    *mask = (unsigned char)(1u << (bit & 7));
    return &l->seen[bit >> 3];
}

/* Tells whether a line may have an id of this hash. */
static bool may_have(const struct lines *l, uint64_t hash) {
    unsigned char mask;
    for (int n = 0; n < FILTER_PROBES; n++) {
        if ((*bit_of(l, hash, n, &mask) & mask) == 0)
            return false;
    }
    return true;
}

static void remember(const struct lines *l, uint64_t hash) {
    unsigned char mask;
    for (int n = 0; n < FILTER_PROBES; n++) {
        unsigned char *byte = bit_of(l, hash, n, &mask);
        *byte = (unsigned char)(*byte | mask);
    }
}

/* ---- the index ---- */

/* Makes an empty index file that nobody sees. */
static int make_index(const char *folder) {
    char *path;
    if (asprintf(&path, "%s/.target-file-index-XXXXXX", folder) < 0) {
        errno = ENOMEM;
        return -1;
    }
    int fd = mkostemp(path, 0);
    if (fd >= 0)
        (void)unlink(path);
    free(path);
    return fd;
}

/* Reads exactly so many bytes. */
static bool read_at(int fd, void *out, size_t length, off_t at) {
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, (char *)out + done, length - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Writes a slot. */
static bool write_slot(int fd, uint64_t at, struct slot slot) {
    ssize_t n = pwrite(fd, &slot, sizeof slot, (off_t)(at * sizeof slot));
    if (n >= 0 && n != (ssize_t)sizeof slot)
        errno = ENOSPC;
    return n == (ssize_t)sizeof slot;
}

/* Finds the slot of a hash, from `from` on, or the free one where it would be. */
static bool find_slot(int fd, uint64_t capacity, uint64_t from, uint64_t hash, uint64_t *at,
                      struct slot *out) {
    struct slot group[GROUP];
    uint64_t seen = 0;
    while (seen < capacity) {
        uint64_t first = (from + seen) & (capacity - 1);
        uint64_t left = capacity - first;
        size_t n = left < GROUP ? (size_t)left : GROUP;
        if (!read_at(fd, group, n * sizeof *group, (off_t)(first * sizeof *group)))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (group[i].hash != hash && group[i].hash != 0)
                continue;
            *at = first + i;
            *out = group[i];
            return true;
        }
        seen += n;
    }
    errno = ENOSPC;
    return false;
}

/* Puts a slot into an index behind those of the same hash: two ids of one hash stay two slots. */
static bool put_slot(int fd, uint64_t capacity, struct slot slot) {
    struct slot there;
    uint64_t at;
    uint64_t from = slot.hash & (capacity - 1);
    for (;;) {
        if (!find_slot(fd, capacity, from, slot.hash, &at, &there))
            return false;
        if (there.hash == 0)
            return write_slot(fd, at, slot);
        from = at + 1;
    }
}

/* Copies all slots into a larger index. */
static bool copy_slots(const struct lines *l, int wider, uint64_t capacity) {
    struct slot group[GROUP];
    for (uint64_t first = 0; first < l->capacity; first += GROUP) {
        if (!read_at(l->index, group, sizeof group, (off_t)(first * sizeof *group)))
            return false;
        for (size_t i = 0; i < GROUP; i++) {
            bool used = group[i].hash != 0;
            if (used && !put_slot(wider, capacity, group[i]))
                return false;
        }
    }
    return true;
}

/* Makes the index, or a larger one. */
static bool grow(struct lines *l, const char *folder) {
    uint64_t capacity = l->index < 0 ? FIRST_CAPACITY : l->capacity * GROWTH;
    if (l->seen == NULL)
        l->seen = calloc(1, FILTER_BYTES);
    if (l->seen == NULL)
        return false;
    int fd = make_index(folder);
    if (fd < 0)
        return false;
    bool good = ftruncate(fd, (off_t)(capacity * sizeof(struct slot))) == 0;
    if (good && l->index >= 0)
        good = copy_slots(l, fd, capacity);
    if (!good) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
        return false;
    }
    if (l->index >= 0)
        (void)close(l->index);
    l->index = fd;
    l->capacity = capacity;
    return true;
}

/* Makes room in the block. */
static bool reserve(struct lines *l, size_t room) {
    if (l->room >= room)
        return true;
    char *block = realloc(l->block, room);
    if (block == NULL)
        return false;
    l->block = block;
    l->room = room;
    return true;
}

/* Where a scan of a line stands. */
struct scan {
    const char *at, *end;
    int depth;
    bool is_value; /* behind a colon of the outermost object */
    bool is_id;    /* the key before it is "id" */
};

/* Takes a string, which begins here: the outermost object's key, or a value. Returns the id's text
 * when it is that; *length is its length. */
static const char *take_string(struct scan *s, size_t *length) {
    const char *from = ++s->at;
    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' ? 2 : 1;
    if (s->depth != 1 || s->at >= s->end)
        return NULL;
    *length = (size_t)(s->at - from);
    if (s->is_value)
        return s->is_id ? from : NULL;
    s->is_id = *length == 2 && memcmp(from, "id", 2) == 0;
    return NULL;
}

/* Finds the id of the resource that a line is; NULL: it has none of a UUID's length. Ids further
 * inside, and references, are others'. */
static const char *id_of(const char *line, size_t length) {
    struct scan s = { .at = line, .end = line + length };
    for (; s.at < s.end; s.at++) {
        const char *id = NULL;
        size_t id_length = 0;
        switch (*s.at) {
        case '{':
        case '[': s.depth++; break;
        case '}':
        case ']': s.depth--; break;
        case ':': s.is_value |= s.depth == 1; break;
        case ',': s.is_value = s.is_value && s.depth != 1; break;
        case '"': id = take_string(&s, &id_length); break;
        default: break;
        }
        if (id != NULL)
            return id_length == LINES_ID ? id : NULL;
    }
    return NULL;
}

/* Reads the line at a place into the block; false when it has no end before the index ends. */
static bool read_line(struct lines *l, off_t at, struct line *out) {
    size_t have = 0;
    size_t want = 8192;
    for (;;) {
        off_t left = l->indexed - at;
        if ((off_t)want > left)
            want = (size_t)left;
        if (!reserve(l, want) || !read_at(l->file, l->block + have, want - have, at + (off_t)have))
            return false;
        const char *end = memchr(l->block, '\n', want);
        if (end != NULL) {
            out->text = l->block;
            out->length = (size_t)(end - l->block);
            return true;
        }
        if ((off_t)want == left) {
            errno = EIO;
            return false;
        }
        have = want;
        want *= 2;
    }
}

/* Finds the slot of an id, whose line is read to be sure; a free one when there is none. */
static bool find_id(struct lines *l, const char *id, uint64_t *at, struct slot *slot,
                    struct line *line) {
    uint64_t hash = hash_of(id);
    uint64_t from = hash & (l->capacity - 1);
    for (;;) {
        *line = (struct line) { 0 };
        if (!find_slot(l->index, l->capacity, from, hash, at, slot))
            return false;
        if (slot->hash == 0)
            return true;
        if (!read_line(l, (off_t)(slot->place >> COUNT_BITS), line))
            return false;
        const char *its = id_of(line->text, line->length);
        if (its != NULL && memcmp(its, id, LINES_ID) == 0) {
            line->count = (int64_t)(slot->place & COUNT_MOST);
            return true;
        }
        from = *at + 1;
    }
}

bool lines_find(struct lines *l, const char *id, struct line *out) {
    uint64_t at;
    struct slot slot;
    *out = (struct line) { 0 };
    return !may_have(l, hash_of(id)) || find_id(l, id, &at, &slot, out);
}

/* Notes a line. */
static bool note(struct lines *l, const char *id, off_t place) {
    uint64_t at;
    struct slot slot;
    struct line before;
    if (!find_id(l, id, &at, &slot, &before))
        return false;
    uint64_t count = (uint64_t)before.count + 1;
    if (count > COUNT_MOST)
        count = COUNT_MOST;
    if (slot.hash == 0)
        l->count++;
    slot.hash = hash_of(id);
    slot.place = (uint64_t)place << COUNT_BITS | count;
    remember(l, slot.hash);
    return write_slot(l->index, at, slot);
}

bool lines_add(struct lines *l, const char *id, off_t at, size_t length) {
    if (at != l->indexed)
        return true; /* the next update takes it in */
    if (!note(l, id, at))
        return false;
    l->indexed = at + (off_t)length;
    return true;
}

/* Takes in the lines of a part of the file that begins at `at`; returns how long they are. */
static bool take_lines(struct lines *l, const char *part, size_t length, off_t at, size_t *taken) {
    char id[LINES_ID + 1];
    *taken = 0;
    while (*taken < length) {
        const char *line = part + *taken;
        const char *end = memchr(line, '\n', length - *taken);
        if (end == NULL)
            return true;
        size_t size = (size_t)(end - line);
        const char *its = id_of(line, size);
        if (its != NULL) {
            memcpy(id, its, LINES_ID);
            id[LINES_ID] = '\0';
            if (!note(l, id, at + (off_t)*taken))
                return false;
        }
        *taken += size + 1;
        l->indexed = at + (off_t)*taken;
    }
    return true;
}

/* Makes the index anew when the file is shorter than it was, and larger when it is filling. */
static bool prepare(struct lines *l, const char *folder, off_t end) {
    if (end < l->indexed) {
        int file = l->file;
        lines_close(l);
        lines_open(l, file);
    }
    bool filling = l->count * 4 >= l->capacity * 3;
    return (l->index >= 0 && !filling) || grow(l, folder);
}

bool lines_update(struct lines *l, const char *folder, off_t end) {
    size_t room = BLOCK;
    char *part = NULL;
    bool good = prepare(l, folder, end);
    while (good && l->indexed < end) {
        size_t taken = 0;
        size_t want = room;
        if ((off_t)want > end - l->indexed)
            want = (size_t)(end - l->indexed);
        off_t at = l->indexed;
        char *wider = realloc(part, room);
        good = wider != NULL && read_at(l->file, wider, want, at);
        part = wider != NULL ? wider : part;
        good = good && take_lines(l, part, want, at, &taken) && prepare(l, folder, end);
        bool stuck = good && taken == 0;
        if (stuck && (off_t)want == end - at)
            break; /* the last line has no end */
        if (stuck)
            room *= 2;
    }
    int saved = errno;
    free(part);
    errno = saved;
    return good;
}
