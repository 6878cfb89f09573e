/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the witness: which stores it finds older. */
#include "core/sync/witness.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct store_medium *medium;
static struct store *store;
static struct iptfhir_error error;

static void open_store(void) {
    store = store_open_memory(medium, &error);
    ck_assert_ptr_nonnull(store);
}

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    (void)snprintf(path, sizeof path, "/tmp/iptfhir-witness-%ld", (long)getpid());
    (void)unlink(path);
    medium = store_medium_new();
    open_store();
}

static void tear_down(void) {
    store->calls->close(store);
    store_medium_free(medium);
    (void)unlink(path);
}

/* Writes to a target once, as delivery does. */
static void write_once(struct witness *w) {
    ck_assert(store->calls->begin(store, &error));
    ck_assert(witness_count(w, store, &error));
    ck_assert(store->calls->commit(store, &error));
    witness_note(w);
}

/* Opens the witness, says which era it found, closes it after `writes` commits. */
static int run(int64_t now_ms, int writes) {
    uint32_t era = UINT32_MAX;
    struct witness *w = witness_open(path, store, now_ms, &era, &error);
    ck_assert_ptr_nonnull(w);
    for (int i = 0; i < writes; i++)
        write_once(w);
    witness_close(w);
    return (int)era;
}

START_TEST(a_store_that_goes_on_is_not_older) {
    ck_assert_int_eq(run(1000, 3), 0);
    ck_assert_int_eq(run(2000, 2), 0);
    ck_assert_int_eq(run(3000, 0), 0);
}
END_TEST

START_TEST(a_store_that_was_restored_is_older_from_then_on) {
    ck_assert_int_eq(run(1000, 3), 0);
    struct store_medium *backup = store_medium_copy(medium);
    ck_assert_int_eq(run(2000, 2), 0);
    store->calls->close(store);
    store_medium_free(medium);
    medium = backup;
    open_store();
    ck_assert_int_eq(run(3000, 1), 1);
    ck_assert_int_eq(run(4000, 1), 1);
}
END_TEST

/* Puts a copy of the store in place of the one in use; the copy can be used again. */
static void restore(const struct store_medium *backup) {
    store->calls->close(store);
    store_medium_free(medium);
    medium = store_medium_copy(backup);
    open_store();
}

START_TEST(each_restored_store_begins_an_era_whatever_the_clock_says) {
    ck_assert_int_eq(run(5000, 3), 0);
    struct store_medium *first = store_medium_copy(medium);
    ck_assert_int_eq(run(5000, 2), 0);
    restore(first);
    ck_assert_int_eq(run(1000, 1), 1);
    struct store_medium *second = store_medium_copy(medium);
    ck_assert_int_eq(run(1000, 2), 1);
    restore(second);
    ck_assert_int_eq(run(500, 1), 2);
    restore(first);
    ck_assert_int_eq(run(400, 1), 1);
    store_medium_free(first);
    store_medium_free(second);
}
END_TEST

START_TEST(a_store_that_was_lost_is_older) {
    ck_assert_int_eq(run(1000, 3), 0);
    store->calls->close(store);
    store_medium_free(medium);
    medium = store_medium_new();
    open_store();
    ck_assert_int_eq(run(2000, 1), 1);
}
END_TEST

START_TEST(a_witness_that_was_lost_says_nothing) {
    ck_assert_int_eq(run(1000, 3), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(run(2000, 1), 0);
}
END_TEST

START_TEST(a_witness_that_is_no_file_is_refused) {
    uint32_t era;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(witness_open(path, store, 1000, &era, &error));
    ck_assert_str_eq(error.code, "witness");
    ck_assert_ptr_nonnull(strstr(error.text, "(it is something else)"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("witness");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_store_that_goes_on_is_not_older);
    tcase_add_test(all, a_store_that_was_restored_is_older_from_then_on);
    tcase_add_test(all, each_restored_store_begins_an_era_whatever_the_clock_says);
    tcase_add_test(all, a_store_that_was_lost_is_older);
    tcase_add_test(all, a_witness_that_was_lost_says_nothing);
    tcase_add_test(all, a_witness_that_is_no_file_is_refused);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
