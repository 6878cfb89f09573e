/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the key file and of identities. */
#include "core/base/key.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];
static struct iptfhir_error error;
static unsigned char key[KEY_BYTES];

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    snprintf(folder, sizeof folder, "/tmp/key-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/k", folder);
}

static void tear_down(void) {
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
}

START_TEST(a_key_is_made_once_and_only_when_asked_for) {
    unsigned char again[KEY_BYTES];
    ck_assert(!key_load(path, false, key, &error));
    ck_assert_str_eq(error.code, "key-missing");
    error_clear(&error);
    ck_assert_msg(key_load(path, true, key, &error), "%s", error.text);
    ck_assert(key_load(path, true, again, &error));
    ck_assert_mem_eq(key, again, KEY_BYTES);
}
END_TEST

START_TEST(a_key_that_others_may_read_is_refused) {
    ck_assert(key_load(path, true, key, &error));
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert(!key_load(path, true, key, &error));
    ck_assert_str_eq(error.code, "key-file");
}
END_TEST

START_TEST(a_key_of_another_size_is_refused) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("short", f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert(!key_load(path, true, key, &error));
    ck_assert_str_eq(error.code, "key-file");
}
END_TEST

START_TEST(a_fifo_is_no_key_and_is_not_waited_for) {
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!key_load(path, true, key, &error));
    ck_assert_str_eq(error.code, "key-file");
}
END_TEST

START_TEST(keys_of_different_purposes_differ) {
    unsigned char a[KEY_BYTES], b[KEY_BYTES];
    ck_assert(key_derive(key, "bodies", a) && key_derive(key, "hash", b));
    ck_assert_mem_ne(a, b, KEY_BYTES);
}
END_TEST

START_TEST(an_identity_depends_on_key_patient_type_and_name) {
    unsigned char other[KEY_BYTES] = { 1 };
    char one[37], two[37];
    ck_assert(identity_of(key, "P-1", "Goal", "G-1", one));
    ck_assert(identity_of(key, "P-1", "Goal", "G-1", two));
    ck_assert_str_eq(one, two);
    ck_assert(identity_of(other, "P-1", "Goal", "G-1", two));
    ck_assert_str_ne(one, two);
    ck_assert(identity_of(key, "P-2", "Goal", "G-1", two));
    ck_assert_str_ne(one, two);
    ck_assert(identity_of(key, "P-1", "Condition", "G-1", two));
    ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(while_a_record_is_mapped_identities_are_its_patients) {
    char inside[37], expected[37], outside[37];
    identity_enter(key, "P-1");
    ck_assert(identity_make("https://b", "Goal", "G-1", inside));
    identity_leave();
    ck_assert(identity_of(key, "P-1", "Goal", "G-1", expected));
    ck_assert_str_eq(inside, expected);
    ck_assert(identity_make("https://b", "Goal", "G-1", outside));
    ck_assert_str_ne(inside, outside);
}
END_TEST

START_TEST(a_name_that_is_too_long_makes_no_identity) {
    char name[3000], uuid[37];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert(!identity_of(key, "P-1", "Goal", name, uuid));
    ck_assert_str_eq(uuid, "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("key");
    TCase *c = tcase_create("files and identities");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_key_is_made_once_and_only_when_asked_for);
    tcase_add_test(c, a_key_that_others_may_read_is_refused);
    tcase_add_test(c, a_key_of_another_size_is_refused);
    tcase_add_test(c, a_fifo_is_no_key_and_is_not_waited_for);
    tcase_add_test(c, keys_of_different_purposes_differ);
    tcase_add_test(c, an_identity_depends_on_key_patient_type_and_name);
    tcase_add_test(c, while_a_record_is_mapped_identities_are_its_patients);
    tcase_add_test(c, a_name_that_is_too_long_makes_no_identity);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
