/* SPDX-License-Identifier: Apache-2.0 */
/* Four lanes of multiply and rotate over little-endian words, joined by a final mix. Each step maps
 * a lane one to one, so that bytes which differ in one word only never sum up alike before the
 * lanes are joined. */
#include "core/store/checksum.h"

#include <endian.h>
#include <string.h>

enum { LANES = 4, WORD = 8 };
static const uint64_t prime_1 = 0x9E3779B185EBCA87u;
static const uint64_t prime_2 = 0xC2B2AE3D27D4EB4Fu;

/* Reads a word, the lowest byte first, so that a store may be carried to another machine. */
static uint64_t read_word(const unsigned char *bytes, size_t length) {
    uint64_t word = 0;
    memcpy(&word, bytes, length);
    return le64toh(word);
}

/* Takes a word into a lane. */
static uint64_t take(uint64_t lane, uint64_t word) {
    lane = (lane ^ word) * prime_1;
    return lane << 31 | lane >> 33;
}

/* Spreads each bit over all others. */
static uint64_t mix(uint64_t sum) {
    sum = (sum ^ sum >> 33) * prime_2;
    sum = (sum ^ sum >> 29) * prime_1;
    return sum ^ sum >> 32;
}

uint64_t store_checksum(uint64_t seed, const void *data, size_t length) {
    const unsigned char *bytes = data;
    uint64_t lanes[LANES] = { seed ^ prime_1, seed ^ prime_2, seed + prime_1, seed + prime_2 };
    size_t left = length;
    for (; left >= LANES * WORD; left -= LANES * WORD) {
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = take(lanes[i], read_word(bytes + i * WORD, WORD));
        bytes += LANES * WORD;
    }
    uint64_t sum = mix(seed) + length;
    for (size_t i = 0; i < LANES; i++)
        sum = take(sum, lanes[i]);
    for (; left >= WORD; left -= WORD) {
        sum = take(sum, read_word(bytes, WORD));
        bytes += WORD;
    }
    if (left > 0)
        sum = take(sum, read_word(bytes, left));
    return mix(sum);
}
