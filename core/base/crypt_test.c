/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of hashes, keyed hashes, identities and random bytes, also where every allocation fails. */
#include "core/base/alloc.h"
#include "core/base/crypt.h"

#include <check.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char abc_sha256[] = "ba7816bf8f01cfea414140de5dae2223"
                                 "b00361a396177a9cb410ff61f20015ad";

static long allocations_left; /* libcrypto's; negative: none is refused */
static bool refuse_all_later;

/* Counts one allocation of libcrypto; true when it is to be refused. */
static bool refused(void) {
    if (allocations_left < 0)
        return false;
    if (allocations_left > 0) {
        allocations_left--;
        return false;
    }
    if (!refuse_all_later)
        allocations_left = -1;
    return true;
}

/* malloc() for libcrypto. */
static void *chaos_malloc(size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    return refused() ? NULL : malloc(size);
}

/* realloc() for libcrypto. */
static void *chaos_realloc(void *memory, size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    return refused() ? NULL : realloc(memory, size);
}

/* free() for libcrypto. */
static void chaos_free(void *memory, const char *file, int line) {
    (void)file;
    (void)line;
    free(memory);
}

/* Uses everything that hashes or makes random bytes; true when each result is right, or refused
 * with its output emptied. */
static bool everything_is_right_or_refused(void) {
    static const unsigned char key[32] = { 1, 2, 3 };
    unsigned char random[64] = { 0 };
    unsigned char mac[16];
    char hex[65], uuid[37], identity[37], name[17];
    if (crypt_sha256_hex("abc", 3, hex) ? strcmp(hex, abc_sha256) != 0 : hex[0] != '\0')
        return false;
    if (crypt_uuid5("b", "t", "k", uuid) ? strlen(uuid) != 36 : uuid[0] != '\0')
        return false;
    if (crypt_identity(key, "Goal", "g", identity) ? strlen(identity) != 36 : identity[0] != '\0')
        return false;
    if (crypt_log_name(key, "R-1", name) ? strlen(name) != 16 : name[0] != '\0')
        return false;
    (void)crypt_hmac16(key, "x", 1, mac);
    (void)crypt_random(random, sizeof random);
    return true;
}

/* Runs everything in a process of its own, where libcrypto was never used, with the allocation
 * `at` refused; gives the process's status. */
static int status_with_refusal(long at, bool all_later) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        allocations_left = at;
        refuse_all_later = all_later;
        base_fail_at((size_t)at + 1, all_later);
        if (CRYPTO_set_mem_functions(chaos_malloc, chaos_realloc, chaos_free) != 1)
            _exit(2);
        _exit(everything_is_right_or_refused() ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(no_failing_allocation_of_libcrypto_crashes_or_makes_a_wrong_hash) {
    for (long at = 0; at < 400; at++) {
        int status = status_with_refusal(at, false);
        ck_assert_msg(status == 0, "allocation %ld refused: status %#x", at, (unsigned)status);
    }
    for (long at = 0; at < 400; at += 7) {
        int status = status_with_refusal(at, true);
        ck_assert_msg(status == 0, "all from %ld refused: status %#x", at, (unsigned)status);
    }
}
END_TEST

START_TEST(a_keyed_hash_is_what_rfc_4231_says) {
    /* Test case 2 of RFC 4231 with its key of 4 bytes padded with zeros, which HMAC does anyway. */
    static const unsigned char key[32] = "Jefe";
    static const unsigned char expected[16] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7 };
    const char *text = "what do ya want for nothing?";
    unsigned char out[16];
    ck_assert(crypt_hmac16(key, text, strlen(text), out));
    ck_assert_mem_eq(out, expected, sizeof out);
}
END_TEST

START_TEST(a_message_in_pieces_has_the_keyed_hash_of_the_whole) {
    static const unsigned char key[32] = { 9, 8, 7 };
    char text[300];
    unsigned char whole[16], pieces[32];
    struct crypt_mac keyed;
    memset(text, 'm', sizeof text);
    ck_assert(crypt_mac_start(&keyed, key));
    for (size_t cut = 0; cut <= sizeof text; cut += 13) {
        struct crypt_mac mac = keyed;
        ck_assert(crypt_mac_add(&mac, text, cut));
        ck_assert(crypt_mac_add(&mac, text + cut, sizeof text - cut));
        ck_assert(crypt_mac_end(&mac, pieces));
        ck_assert(crypt_hmac16(key, text, sizeof text, whole));
        ck_assert_mem_eq(whole, pieces, sizeof whole);
    }
}
END_TEST

START_TEST(an_identity_is_a_uuid5_that_depends_on_key_type_and_name) {
    static const unsigned char key[32] = { 1 };
    static const unsigned char other_key[32] = { 2 };
    char first[37], again[37], by_key[37], by_type[37], by_name[37];
    ck_assert(crypt_identity(key, "Goal", "P-1/g1", first));
    ck_assert(crypt_identity(key, "Goal", "P-1/g1", again));
    ck_assert(crypt_identity(other_key, "Goal", "P-1/g1", by_key));
    ck_assert(crypt_identity(key, "CarePlan", "P-1/g1", by_type));
    ck_assert(crypt_identity(key, "Goal", "P-1/g2", by_name));
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, by_key);
    ck_assert_str_ne(first, by_type);
    ck_assert_str_ne(first, by_name);
    ck_assert_uint_eq(strlen(first), 36);
    ck_assert_int_eq(first[14], '5');
    ck_assert_ptr_nonnull(strchr("89ab", first[19]));
}
END_TEST

START_TEST(an_identity_does_not_change_between_versions) {
    /* Computed once with another implementation of HMAC-SHA-256 and UUIDv5. */
    static const unsigned char key[32] = "0123456789abcdef0123456789abcde";
    char out[37];
    ck_assert(crypt_identity(key, "Goal", "P-1/g1", out));
    ck_assert_str_eq(out, "7f0fe177-0389-5ec0-8e52-732a7ec0e9a0");
}
END_TEST

START_TEST(random_bytes_come_from_the_kernel_and_differ) {
    unsigned char a[5000], b[5000];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    ck_assert(crypt_random(a, sizeof a));
    ck_assert(crypt_random(b, sizeof b));
    ck_assert_mem_ne(a, b, sizeof a);
    ck_assert_mem_ne(a + sizeof a - 16, b + sizeof b - 16, 16);
    ck_assert(crypt_random(a, 0));
}
END_TEST

int main(void) {
    allocations_left = -1;
    Suite *suite = suite_create("crypt");
    TCase *tests = tcase_create("crypt");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, no_failing_allocation_of_libcrypto_crashes_or_makes_a_wrong_hash);
    tcase_add_test(tests, a_keyed_hash_is_what_rfc_4231_says);
    tcase_add_test(tests, a_message_in_pieces_has_the_keyed_hash_of_the_whole);
    tcase_add_test(tests, an_identity_is_a_uuid5_that_depends_on_key_type_and_name);
    tcase_add_test(tests, an_identity_does_not_change_between_versions);
    tcase_add_test(tests, random_bytes_come_from_the_kernel_and_differ);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
