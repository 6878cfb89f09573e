/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's bodies. A set is compressed as one frame of zstd with the shipped dictionary,
 * and sealed: an HMAC over where it stands and the frame follows it. Before compression a set is
 * the number of bodies, their lengths, and the bodies with a NUL behind each. */
#include "core/base/alloc.h"
#include "core/base/crypt.h"
#include "core/store/checksum.h"
#include "core/store/dictionary.h"
#include "core/store/sqlite.h"
#include "core/store/sqlite_calls.h"

#include <stdint.h>
#include <string.h>
#include <zstd.h>

enum { LEVEL = 3, SEAL = 16, PLACE = 8, DICTIONARY_ID_AT = 4 };
#define LARGEST_SET ((size_t)1 << 29)

struct codec {
    ZSTD_CCtx *compressor;
    ZSTD_CDict *compression;
    ZSTD_DCtx *decompressor;
    ZSTD_DDict *decompression;
    struct str frame; /* the place, a frame and its seal */
};

void codec_free(struct sqlite_store *s) {
    struct codec *c = s->codec;
    if (c == NULL)
        return;
    ZSTD_freeCCtx(c->compressor);
    ZSTD_freeCDict(c->compression);
    ZSTD_freeDCtx(c->decompressor);
    ZSTD_freeDDict(c->decompression);
    str_free(&c->frame);
    base_free(c);
    s->codec = NULL;
}

/* The handle's codec, made at its first use. */
static struct codec *codec_of(struct sqlite_store *s, struct iptfhir_error *error) {
    if (s->codec != NULL)
        return s->codec;
    struct codec *c = base_malloc(sizeof *c);
    if (c == NULL) {
        sql_out_of_memory(error);
        return NULL;
    }
    memset(c, 0, sizeof *c);
    s->codec = c;
    return c;
}

bool codec_set_level(struct sqlite_store *s, int level, struct iptfhir_error *error) {
    struct codec *c = codec_of(s, error);
    if (c == NULL)
        return false;
    ZSTD_freeCDict(c->compression);
    ZSTD_freeCCtx(c->compressor);
    c->compression = ZSTD_createCDict(store_dictionary, store_dictionary_length, level);
    c->compressor = ZSTD_createCCtx();
    bool ok = c->compression != NULL && c->compressor != NULL &&
              !ZSTD_isError(ZSTD_CCtx_setParameter(c->compressor, ZSTD_c_dictIDFlag, 0)) &&
              !ZSTD_isError(ZSTD_CCtx_refCDict(c->compressor, c->compression));
    if (ok)
        return true;
    ZSTD_freeCDict(c->compression);
    ZSTD_freeCCtx(c->compressor);
    c->compression = NULL;
    c->compressor = NULL;
    return sql_out_of_memory(error);
}

/* Makes the parts that decompress. */
static bool prepare_reading(struct codec *c, struct iptfhir_error *error) {
    if (c->decompressor == NULL)
        c->decompressor = ZSTD_createDCtx();
    if (c->decompression == NULL)
        c->decompression = ZSTD_createDDict(store_dictionary, store_dictionary_length);
    return (c->decompressor != NULL && c->decompression != NULL) || sql_out_of_memory(error);
}

void codec_dictionary_name(unsigned char out[DICTIONARY_NAME]) {
    uint64_t sum = store_checksum(0, store_dictionary, store_dictionary_length);
    memcpy(out, store_dictionary + DICTIONARY_ID_AT, 4);
    for (int i = 0; i < 8; i++)
        out[4 + i] = (unsigned char)(sum >> 8 * i);
}

/* Writes where a set stands before its frame. */
static void write_place(uint64_t key, char *out) {
    for (int i = 0; i < PLACE; i++)
        out[i] = (char)(key >> 8 * (PLACE - 1 - i));
}

/* Joins the bodies of a set in s->row. */
static bool join_bodies(struct sqlite_store *s, const struct store_bytes *bodies, size_t count,
                        struct iptfhir_error *error) {
    struct packer p;
    size_t room = (count + 1) * PACK_NUMBER;
    for (size_t i = 0; i < count; i++) {
        if (bodies[i].length > LARGEST_SET - (room < LARGEST_SET ? room : LARGEST_SET))
            return error_set(error, "store", NULL,
                             "the bodies of a record are larger than the store takes: split the "
                             "record");
        room += bodies[i].length + 1;
    }
    if (!sql_pack_start(s, room, &p, error))
        return false;
    pack_number(&p, count);
    for (size_t i = 0; i < count; i++)
        pack_number(&p, bodies[i].length);
    for (size_t i = 0; i < count; i++) {
        pack_bytes(&p, bodies[i].data, bodies[i].length);
        *p.at++ = '\0';
    }
    sql_pack_end(s, &p);
    return true;
}

/* Compresses and seals what stands in s->row, for its place. */
static bool seal_set(struct sqlite_store *s, struct codec *c, uint64_t key,
                     struct iptfhir_error *error) {
    size_t most = ZSTD_compressBound(s->row.length);
    if (c->compressor == NULL && !codec_set_level(s, LEVEL, error))
        return false;
    str_clear(&c->frame);
    if (!str_reserve(&c->frame, PLACE + most + SEAL)) {
        str_free(&c->frame);
        return sql_out_of_memory(error);
    }
    write_place(key, c->frame.data);
    size_t length =
        ZSTD_compress2(c->compressor, c->frame.data + PLACE, most, s->row.data, s->row.length);
    if (ZSTD_isError(length))
        return sql_out_of_memory(error);
    c->frame.length = PLACE + length + SEAL;
    unsigned char *seal = (unsigned char *)c->frame.data + PLACE + length;
    return crypt_hmac16(s->key, c->frame.data, PLACE + length, seal) ||
           error_set(error, "store", NULL, "libcrypto gives no HMAC: check its installation");
}

bool sqlite_bodies_put(struct store *store, uint64_t patient, const struct store_bytes *bodies,
                       size_t count, uint32_t *sequence, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_int64 key;
    uint64_t next;
    struct codec *c = codec_of(s, error);
    sqlite3_stmt *put = c != NULL ? sql_write(s, SQL_BODIES_PUT, error) : NULL;
    if (put == NULL ||
        !sql_next_number(s, &s->last_bodies, SQL_BODIES_LAST, patient, SEQUENCE_BITS, "bodies",
                         &next, error) ||
        !sql_key(0, patient, next, SEQUENCE_BITS, &key, error) ||
        !join_bodies(s, bodies, count, error) || !seal_set(s, c, (uint64_t)key, error))
        return false;
    sqlite3_bind_int64(put, 1, key);
    sqlite3_bind_blob64(put, 2, c->frame.data + PLACE, c->frame.length - PLACE, SQLITE_STATIC);
    if (!sql_run(s, put, "bodies", (uint64_t)key, error))
        return false;
    s->last_bodies.number = next;
    *sequence = (uint32_t)next;
    return true;
}

/* Copies a sealed frame behind its place, and tests the seal. *length: of the frame. */
static bool open_seal(struct sqlite_store *s, struct codec *c, uint64_t key, const void *data,
                      size_t size, size_t *length, struct iptfhir_error *error) {
    unsigned char seal[SEAL];
    if (data == NULL || size < SEAL)
        return sql_damaged("bodies", key, error);
    str_clear(&c->frame);
    if (!str_reserve(&c->frame, PLACE + size)) {
        str_free(&c->frame);
        return sql_out_of_memory(error);
    }
    *length = size - SEAL;
    write_place(key, c->frame.data);
    memcpy(c->frame.data + PLACE, data, size);
    if (!crypt_hmac16(s->key, c->frame.data, PLACE + *length, seal))
        return error_set(error, "store", NULL, "libcrypto gives no HMAC: check its installation");
    if (memcmp(seal, c->frame.data + PLACE + *length, SEAL) != 0)
        return sql_damaged("bodies", key, error);
    return true;
}

/* Finds the bodies in what join_bodies() made; false without an error when it makes no sense. */
static bool split_bodies(char *raw, size_t size, struct arena *a, struct store_bytes **bodies,
                         size_t *count, struct iptfhir_error *error) {
    struct unpacker u = { (unsigned char *)raw, (unsigned char *)raw + size, false };
    uint64_t number = unpack_number(&u);
    if (number > size)
        return false;
    struct store_bytes *list = arena_alloc(a, (size_t)number * sizeof *list + 1);
    if (list == NULL)
        return sql_out_of_memory(error);
    for (size_t i = 0; i < number; i++)
        list[i].length = (size_t)unpack_number(&u);
    for (size_t i = 0; i < number && !u.failed; i++) {
        if (list[i].length >= size)
            return false;
        list[i].data = (const char *)unpack_view(&u, list[i].length + 1);
    }
    if (u.failed)
        return false;
    *bodies = list;
    *count = (size_t)number;
    return true;
}

/* Decompresses a frame whose seal is whole. */
static bool read_frame(struct codec *c, uint64_t key, size_t length, struct arena *a,
                       struct store_bytes **bodies, size_t *count, struct iptfhir_error *error) {
    struct iptfhir_error why = ERROR_INIT;
    const char *frame = c->frame.data + PLACE;
    unsigned long long size = ZSTD_getFrameContentSize(frame, length);
    if (size > LARGEST_SET + LARGEST_SET / 2)
        return sql_damaged("bodies", key, error);
    if (!prepare_reading(c, error))
        return false;
    char *raw = arena_alloc(a, (size_t)size + 1);
    if (raw == NULL)
        return sql_out_of_memory(error);
    size_t got = ZSTD_decompress_usingDDict(c->decompressor, raw, (size_t)size, frame, length,
                                            c->decompression);
    if (got != size)
        return sql_damaged("bodies", key, error);
    if (split_bodies(raw, got, a, bodies, count, &why))
        return true;
    return error_is_set(&why) ? sql_out_of_memory(error) : sql_damaged("bodies", key, error);
}

bool sqlite_bodies_get(struct store *store, uint64_t patient, uint32_t sequence, struct arena *a,
                       struct store_bytes **bodies, size_t *count, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_int64 key;
    size_t length = 0;
    struct codec *c = codec_of(s, error);
    sqlite3_stmt *get = c != NULL ? sql_start(s, SQL_BODIES_GET, error) : NULL;
    *bodies = NULL;
    *count = 0;
    if (get == NULL || !sql_key(0, patient, sequence, SEQUENCE_BITS, &key, error))
        return false;
    sqlite3_bind_int64(get, 1, key);
    int row = sql_step(s, get, "bodies", (uint64_t)key, error);
    if (row == 0)
        return error_set(error, "store-damaged", "bodies",
                         "the bodies %llu/%u that the store names are not in it: restore a backup, "
                         "or sync with --reread",
                         (unsigned long long)patient, sequence);
    if (row < 0)
        return false;
    const void *data = sqlite3_column_blob(get, 0);
    size_t size = (size_t)sqlite3_column_bytes(get, 0);
    bool ok = open_seal(s, c, (uint64_t)key, data, size, &length, error);
    sqlite3_reset(get);
    return ok && read_frame(c, (uint64_t)key, length, a, bodies, count, error);
}

bool sqlite_bodies_of(struct store *store, uint64_t patient, struct arena *a, uint32_t **sequences,
                      size_t *count, struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_stmt *get = sql_start(s, SQL_BODIES_OF, error);
    const uint64_t low = ((uint64_t)1 << SEQUENCE_BITS) - 1;
    void *list = NULL;
    size_t read = 0;
    int row = -1;
    *sequences = NULL;
    *count = 0;
    if (get == NULL || !sql_bind_range(get, 0, patient, SEQUENCE_BITS, error))
        return false;
    while ((row = sql_step(s, get, "bodies of patient", patient, error)) == 1) {
        uint64_t key = (uint64_t)sqlite3_column_int64(get, 0);
        if (!sql_list_room(s, (read + 1) * sizeof **sequences, error))
            break;
        ((uint32_t *)s->list)[read++] = (uint32_t)(key & low);
    }
    sqlite3_reset(get);
    if (row != 0 || !sql_list_out(s, read, sizeof **sequences, a, &list, error))
        return false;
    *sequences = list;
    *count = read;
    return true;
}

bool sqlite_bodies_drop(struct store *store, uint64_t patient, uint32_t sequence,
                        struct iptfhir_error *error) {
    struct sqlite_store *s = sqlite_of(store);
    sqlite3_int64 key;
    sqlite3_stmt *drop = sql_write(s, SQL_BODIES_DROP, error);
    if (drop == NULL || !sql_key(0, patient, sequence, SEQUENCE_BITS, &key, error))
        return false;
    s->last_bodies.patient = 0;
    sqlite3_bind_int64(drop, 1, key);
    return sql_run(s, drop, "bodies", (uint64_t)key, error);
}
