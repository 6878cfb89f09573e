/* SPDX-License-Identifier: Apache-2.0 */
/* How the members of a row are written into one BLOB and read back: numbers of variable length,
 * hashes, and texts that are short when they are UUIDs or numbers. */
#ifndef CORE_STORE_PACK_H
#define CORE_STORE_PACK_H

#include "core/tree/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Writes at `at`, which has room: pack_text_room() for a text, PACK_NUMBER for a number. */
struct packer {
    unsigned char *at;
};
enum { PACK_NUMBER = 10, PACK_UUID = 16 };

static inline void pack_number(struct packer *p, uint64_t number) {
    while (number >= 0x80) {
        *p->at++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *p->at++ = (unsigned char)number;
}
/* A number that may be negative. */
static inline void pack_signed(struct packer *p, int64_t number) {
    uint64_t bits = (uint64_t)number << 1;
    pack_number(p, number < 0 ? ~bits : bits);
}
static inline void pack_bytes(struct packer *p, const void *data, size_t length) {
    if (length > 0)
        memcpy(p->at, data, length);
    p->at += length;
}
/* How many bytes pack_text() may write. */
static inline size_t pack_text_room(const char *text) {
    return PACK_NUMBER + (text != NULL ? strlen(text) : 0);
}
/* A text; `own` (NULL: none) is a UUID that it may be the text of. NULL is "". */
void pack_text(struct packer *p, const char *text, const unsigned char own[PACK_UUID]);

/* Reads from `at` up to `end`; `failed` when there was too little or nonsense, after which all is
 * zero. */
struct unpacker {
    const unsigned char *at, *end;
    bool failed;
};
uint64_t unpack_number(struct unpacker *u);
int64_t unpack_signed(struct unpacker *u);
void unpack_bytes(struct unpacker *u, void *out, size_t length);
/* `length` bytes where they stand; NULL when there are fewer. */
const unsigned char *unpack_view(struct unpacker *u, size_t length);
/* A text in the arena (or constant); NULL when memory is out; "" after a failure. */
const char *unpack_text(struct unpacker *u, struct arena *a, const unsigned char own[PACK_UUID]);
#endif
