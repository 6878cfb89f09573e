/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and random bytes by libcrypto: digests are fetched once, and each thread keeps its
 * contexts. */
#include "core/base/crypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum digest { SHA1_DIGEST, SHA256_DIGEST, DIGESTS };
struct contexts {
    EVP_MD_CTX *digest[DIGESTS];
};
struct piece {
    const void *data;
    size_t length;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static bool have_thread_key;
static struct contexts shared; /* for a thread that got no contexts of its own */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

/* Frees the contexts of a thread that ends. */
static void contexts_free(void *memory) {
    struct contexts *c = memory;
    for (int i = 0; i < DIGESTS; i++)
        EVP_MD_CTX_free(c->digest[i]);
    free(c);
}

/* Frees what the process shares. */
static void shared_free(void) {
    for (int i = 0; i < DIGESTS; i++) {
        EVP_MD_CTX_free(shared.digest[i]);
        shared.digest[i] = NULL;
    }
}

/* Fetches the digests and makes the shared contexts; without them no identity can be computed. */
static void setup(void) {
    static const char *const names[DIGESTS] = { "SHA1", "SHA256" };
    for (int i = 0; i < DIGESTS; i++) {
        EVP_MD *md = EVP_MD_fetch(NULL, names[i], NULL);
        shared.digest[i] = EVP_MD_CTX_new();
        if (!md || !shared.digest[i] || EVP_DigestInit_ex2(shared.digest[i], md, NULL) != 1) {
            fprintf(stderr, "libcrypto gives no %s\n", names[i]);
            abort();
        }
        EVP_MD_free(md); /* the context keeps it */
    }
    have_thread_key = pthread_key_create(&thread_key, contexts_free) == 0;
    (void)OPENSSL_atexit(shared_free);
}

/* The contexts of this thread, made at first use; NULL when memory is out. */
static struct contexts *contexts_get(void) {
    if (!have_thread_key)
        return NULL;
    struct contexts *c = pthread_getspecific(thread_key);
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    pthread_mutex_lock(&shared_lock);
    bool ok = true;
    for (int i = 0; i < DIGESTS && ok; i++) {
        c->digest[i] = EVP_MD_CTX_new();
        ok = c->digest[i] && EVP_MD_CTX_copy_ex(c->digest[i], shared.digest[i]) == 1;
    }
    pthread_mutex_unlock(&shared_lock);
    if (!ok || pthread_setspecific(thread_key, c) != 0) {
        contexts_free(c);
        return NULL;
    }
    return c;
}

/* Hashes the pieces with one context. */
static bool hash_with(EVP_MD_CTX *context, const struct piece *pieces, size_t count,
                      unsigned char *out) {
    bool ok = EVP_DigestInit_ex2(context, NULL, NULL) == 1;
    for (size_t i = 0; i < count && ok; i++)
        ok = EVP_DigestUpdate(context, pieces[i].data, pieces[i].length) == 1;
    return ok && EVP_DigestFinal_ex(context, out, NULL) == 1;
}

/* Hashes the pieces; a hash that cannot be had must not become a wrong identity, so that ends the
 * process. */
static void hash(enum digest which, const struct piece *pieces, size_t count, unsigned char *out) {
    pthread_once(&once, setup);
    struct contexts *c = contexts_get();
    bool ok;
    if (c) {
        ok = hash_with(c->digest[which], pieces, count, out);
    } else {
        pthread_mutex_lock(&shared_lock);
        ok = hash_with(shared.digest[which], pieces, count, out);
        pthread_mutex_unlock(&shared_lock);
    }
    if (!ok) {
        fputs("libcrypto failed to hash\n", stderr);
        abort();
    }
}

/* Writes bytes as lower-case hex digits. */
static void to_hex(const unsigned char *bytes, size_t length, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}

/* Hashes with SHA-256. */
void crypt_sha256_hex(const void *data, size_t length, char out[65]) {
    unsigned char bytes[32];
    hash(SHA256_DIGEST, &(struct piece) { data, length }, 1, bytes);
    to_hex(bytes, sizeof bytes, out);
}

/* Makes a name-based UUID. */
void crypt_uuid5(const char *base, const char *type, const char *key, char out[37]) {
    static const unsigned char url_namespace[16] = {
        0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
        0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8
    };
    const struct piece pieces[] = {
        { url_namespace, sizeof url_namespace },
        { base, strlen(base) },
        { "/", 1 },
        { type, strlen(type) },
        { "/", 1 },
        { key, strlen(key) },
    };
    unsigned char b[20];
    char hex[33];
    hash(SHA1_DIGEST, pieces, sizeof pieces / sizeof pieces[0], b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x50);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    to_hex(b, 16, hex);
    static const unsigned char starts[] = { 0, 8, 12, 16, 20, 32 };
    for (size_t i = 0, at = 0; i < 5; i++) {
        memcpy(out + at, hex + starts[i], (size_t)(starts[i + 1] - starts[i]));
        at += (size_t)(starts[i + 1] - starts[i]);
        out[at++] = i < 4 ? '-' : '\0';
    }
}

/* Names a text for logs. */
void crypt_log_name(const unsigned char key[32], const char *text, char out[17]) {
    unsigned char pad[64], inner[32], outer[32];
    memset(pad, 0x36, sizeof pad);
    for (int i = 0; i < 32; i++)
        pad[i] ^= key[i];
    hash(SHA256_DIGEST, (struct piece[]) { { pad, sizeof pad }, { text, strlen(text) } }, 2, inner);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5C;
    hash(SHA256_DIGEST, (struct piece[]) { { pad, sizeof pad }, { inner, sizeof inner } }, 2,
         outer);
    to_hex(outer, 8, out);
    crypt_wipe(pad, sizeof pad);
}

/* Fills with random bytes. */
bool crypt_random(void *out, size_t length) {
    unsigned char *bytes = out;
    while (length > 0) {
        int part = length > 1 << 20 ? 1 << 20 : (int)length;
        if (RAND_bytes(bytes, part) != 1)
            return false;
        bytes += part;
        length -= (size_t)part;
    }
    return true;
}

/* Wipes a secret. */
void crypt_wipe(void *data, size_t length) {
    OPENSSL_cleanse(data, length);
}

/* Seals bytes: HMAC-SHA-256, shortened. */
bool crypt_hmac16(const unsigned char key[32], const void *data, size_t length,
                  unsigned char out[16]) {
    unsigned char pad[64], inner[32], outer[32];
    memset(pad, 0x36, sizeof pad);
    for (int i = 0; i < 32; i++)
        pad[i] ^= key[i];
    hash(SHA256_DIGEST, (struct piece[]) { { pad, sizeof pad }, { data, length } }, 2, inner);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5C;
    hash(SHA256_DIGEST, (struct piece[]) { { pad, sizeof pad }, { inner, sizeof inner } }, 2,
         outer);
    memcpy(out, outer, 16);
    crypt_wipe(pad, sizeof pad);
    return true;
}
