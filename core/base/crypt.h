/* SPDX-License-Identifier: Apache-2.0 */
/* The one place for hashing and, later, payload encryption (OpenSSL's libcrypto). Thread-safe. */
#ifndef CORE_BASE_CRYPT_H
#define CORE_BASE_CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256 of `length` bytes as 64 hex digits and NUL. */
void crypt_sha256_hex(const void *data, size_t length, char out[65]);
/* UUIDv5 (RFC 4122 section 4.3: SHA-1, name-based) in the URL namespace of "<base>/<type>/<key>",
 * as text. */
void crypt_uuid5(const char *base, const char *type, const char *key, char out[37]);
/* HMAC-SHA-256 of `text` under a 32-byte key, shortened to 16 hex digits: how a record is named in
 * logs. */
void crypt_log_name(const unsigned char key[32], const char *text, char out[17]);
/* HMAC-SHA-256 (RFC 2104) of `length` bytes under a 32-byte key, its first 16 bytes. False when it
 * cannot be computed. */
bool crypt_hmac16(const unsigned char key[32], const void *data, size_t length,
                  unsigned char out[16]);
/* `length` bytes from the system's generator; false when it has none. */
bool crypt_random(void *out, size_t length);
/* Overwrites secrets so that the compiler keeps it. */
void crypt_wipe(void *data, size_t length);
#endif
