/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes by libcrypto, random bytes by the kernel. The hashes use libcrypto's functions on a state
 * of the caller's: what replaces them in OpenSSL 3 (EVP) allocates when it is first used, and
 * OpenSSL 3.0 crashes when such an allocation fails. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/base/crypt.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

enum { MAC_BLOCK = 64, MAC_KEY = 32 };

_Static_assert(sizeof(SHA256_CTX) <= sizeof((struct crypt_mac *)0)->inner, "a state fits");
_Static_assert(_Alignof(struct crypt_mac) >= _Alignof(SHA256_CTX), "a state may stand there");

/* The two hashes of an HMAC, as libcrypto sees them. */
struct mac_states {
    SHA256_CTX inner;
    SHA256_CTX outer;
};

/* Writes bytes as lower-case hex digits and NUL. */
static void to_hex(const unsigned char *bytes, size_t length, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}

/* Hashes with SHA-256. */
bool crypt_sha256_hex(const void *data, size_t length, char out[65]) {
    SHA256_CTX state;
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    bool ok = SHA256_Init(&state) == 1;
    ok = ok && SHA256_Update(&state, data, length) == 1;
    ok = ok && SHA256_Final(bytes, &state) == 1;
    out[0] = '\0';
    if (ok)
        to_hex(bytes, sizeof bytes, out);
    return ok;
}

/* Writes the first 16 bytes of a SHA-1 as a UUID of version 5. */
static void uuid5_text(unsigned char bytes[SHA_DIGEST_LENGTH], char out[37]) {
    static const unsigned char group_lengths[] = { 4, 2, 2, 2, 6 };
    const unsigned char *from = bytes;
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x50);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    for (size_t i = 0; i < sizeof group_lengths; i++) {
        if (i > 0)
            *out++ = '-';
        to_hex(from, group_lengths[i], out);
        from += group_lengths[i];
        out += 2 * group_lengths[i];
    }
}

/* Makes the UUID of version 5 whose name is the parts, one after another, in the URL namespace. */
static bool uuid5_of(const char *const *parts, size_t count, char out[37]) {
    static const unsigned char url_namespace[16] = {
        0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
        0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8
    };
    SHA_CTX state;
    unsigned char bytes[SHA_DIGEST_LENGTH];
    bool ok = SHA1_Init(&state) == 1;
    ok = ok && SHA1_Update(&state, url_namespace, sizeof url_namespace) == 1;
    for (size_t i = 0; i < count && ok; i++)
        ok = SHA1_Update(&state, parts[i], strlen(parts[i])) == 1;
    ok = ok && SHA1_Final(bytes, &state) == 1;
    out[0] = '\0';
    if (ok)
        uuid5_text(bytes, out);
    return ok;
}

/* Makes a name-based UUID. */
bool crypt_uuid5(const char *base, const char *type, const char *key, char out[37]) {
    const char *parts[] = { base, "/", type, "/", key };
    return uuid5_of(parts, sizeof parts / sizeof parts[0], out);
}

/* Begins a hash with the key, padded with zeros to a block and XORed with `pad`. */
static bool mac_pad(SHA256_CTX *state, const unsigned char key[32], unsigned char pad) {
    unsigned char block[MAC_BLOCK];
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < MAC_KEY; i++)
        block[i] = (unsigned char)(block[i] ^ key[i]);
    bool ok = SHA256_Init(state) == 1 && SHA256_Update(state, block, sizeof block) == 1;
    crypt_wipe(block, sizeof block);
    return ok;
}

/* Prepares an HMAC. */
bool crypt_mac_start(struct crypt_mac *mac, const unsigned char key[32]) {
    struct mac_states states;
    memset(mac, 0, sizeof *mac);
    bool ok = mac_pad(&states.inner, key, 0x36) && mac_pad(&states.outer, key, 0x5C);
    if (ok) {
        memcpy(mac->inner, &states.inner, sizeof states.inner);
        memcpy(mac->outer, &states.outer, sizeof states.outer);
    }
    crypt_wipe(&states, sizeof states);
    return ok;
}

/* Adds a piece of the message. */
bool crypt_mac_add(struct crypt_mac *mac, const void *data, size_t length) {
    SHA256_CTX state;
    memcpy(&state, mac->inner, sizeof state);
    bool ok = SHA256_Update(&state, data, length) == 1;
    memcpy(mac->inner, &state, sizeof state);
    return ok;
}

/* Ends the message. */
bool crypt_mac_end(struct crypt_mac *mac, unsigned char out[32]) {
    struct mac_states states;
    unsigned char inner[SHA256_DIGEST_LENGTH];
    memcpy(&states.inner, mac->inner, sizeof states.inner);
    memcpy(&states.outer, mac->outer, sizeof states.outer);
    bool ok = SHA256_Final(inner, &states.inner) == 1;
    ok = ok && SHA256_Update(&states.outer, inner, sizeof inner) == 1;
    ok = ok && SHA256_Final(out, &states.outer) == 1;
    if (!ok)
        memset(out, 0, SHA256_DIGEST_LENGTH);
    crypt_wipe(&states, sizeof states);
    crypt_wipe(mac, sizeof *mac);
    return ok;
}

/* Makes the keyed hash of one message. */
static bool mac_whole(const unsigned char key[32], const void *data, size_t length,
                      unsigned char out[32]) {
    struct crypt_mac mac;
    bool ok = crypt_mac_start(&mac, key) && crypt_mac_add(&mac, data, length);
    if (ok)
        return crypt_mac_end(&mac, out);
    crypt_wipe(&mac, sizeof mac);
    memset(out, 0, SHA256_DIGEST_LENGTH);
    return false;
}

/* Makes the first half of the keyed hash of one message. */
bool crypt_hmac16(const unsigned char key[32], const void *data, size_t length,
                  unsigned char out[16]) {
    unsigned char whole[SHA256_DIGEST_LENGTH];
    bool ok = mac_whole(key, data, length, whole);
    memcpy(out, whole, 16);
    return ok;
}

/* Makes the value of a business identifier. */
bool crypt_identity(const unsigned char key[32], const char *type, const char *name, char out[37]) {
    struct crypt_mac mac;
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    bool ok = crypt_mac_start(&mac, key);
    ok = ok && crypt_mac_add(&mac, type, strlen(type));
    ok = ok && crypt_mac_add(&mac, "\x1f", 1);
    ok = ok && crypt_mac_add(&mac, name, strlen(name));
    ok = ok && crypt_mac_end(&mac, bytes);
    crypt_wipe(&mac, sizeof mac);
    out[0] = '\0';
    if (!ok)
        return false;
    to_hex(bytes, sizeof bytes, hex);
    return uuid5_of((const char *const[]) { hex }, 1, out);
}

/* Names a text for logs. */
bool crypt_log_name(const unsigned char key[32], const char *text, char out[17]) {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    bool ok = mac_whole(key, text, strlen(text), bytes);
    out[0] = '\0';
    if (ok)
        to_hex(bytes, 8, out);
    return ok;
}

/* Fills with random bytes. */
bool crypt_random(void *out, size_t length) {
    unsigned char *bytes = out;
    while (length > 0) {
        ssize_t got = getrandom(bytes, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        length -= (size_t)got;
    }
    return true;
}

/* Wipes a secret. */
void crypt_wipe(void *data, size_t length) {
    OPENSSL_cleanse(data, length);
}
