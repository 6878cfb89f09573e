/* SPDX-License-Identifier: Apache-2.0 */
/* The one place for hashing and, later, payload encryption (OpenSSL's libcrypto). Thread-safe.
 * Nothing here allocates memory, so none of it fails or crashes because memory is out. A function
 * that returns bool returns false, with its output zeroed or empty, when libcrypto refuses. */
#ifndef CORE_BASE_CRYPT_H
#define CORE_BASE_CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An HMAC-SHA-256 in progress (RFC 2104). It owns nothing: once keyed it may be copied by
 * assignment, so that a key is prepared once and used for many messages. Its bytes depend on the
 * key: wipe it with crypt_wipe(). */
struct crypt_mac {
    uint64_t inner[16];
    uint64_t outer[16];
};

/* SHA-256 of `length` bytes as 64 lower-case hex digits and NUL. */
bool crypt_sha256_hex(const void *data, size_t length, char out[65]);
/* UUIDv5 (RFC 4122 section 4.3: SHA-1, name-based) in the URL namespace of "<base>/<type>/<key>",
 * as text. */
bool crypt_uuid5(const char *base, const char *type, const char *key, char out[37]);

/* Prepares `mac` for a message under a 32-byte key. */
bool crypt_mac_start(struct crypt_mac *mac, const unsigned char key[32]);
/* Adds a piece of the message; pieces are hashed as one message. */
bool crypt_mac_add(struct crypt_mac *mac, const void *data, size_t length);
/* Ends the message and gives all 32 bytes; `mac` is wiped. */
bool crypt_mac_end(struct crypt_mac *mac, unsigned char out[32]);
/* HMAC-SHA-256 of one message under a 32-byte key, truncated to its first 16 bytes (RFC 2104
 * section 5). */
bool crypt_hmac16(const unsigned char key[32], const void *data, size_t length,
                  unsigned char out[16]);

/* The opaque value of a business identifier: a UUIDv5 in the URL namespace whose name is the
 * lower-case hex HMAC-SHA-256, under the key, of `type`, one byte 0x1F, and `name`. Without the key
 * nobody can test a guessed name against it. */
bool crypt_identity(const unsigned char key[32], const char *type, const char *name, char out[37]);
/* HMAC-SHA-256 of `text` under a 32-byte key, shortened to 16 hex digits: how a record is named in
 * logs. */
bool crypt_log_name(const unsigned char key[32], const char *text, char out[17]);

/* `length` bytes from the kernel's generator (getrandom(2)); false when it has none. It waits only
 * while the kernel has not yet gathered its first randomness after boot. */
bool crypt_random(void *out, size_t length);
/* Overwrites secrets so that the compiler keeps it. */
void crypt_wipe(void *data, size_t length);
#endif
