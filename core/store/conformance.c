/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h as tests that run on any implementation: transactions, and the suite of
 * all parts. */
#include "core/store/conformance_at.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conformance_at at;

static void set_up(void) {
    at.error = (struct iptfhir_error)ERROR_INIT;
    at.factory->set_up();
    at.store = at.factory->open();
    at.calls = at.store->calls;
}

static void tear_down(void) {
    at.calls->close(at.store);
    at.factory->tear_down();
    arena_free(&at.arena);
}

void conformance_expect(bool ok, const char *code) {
    ck_assert(!ok);
    ck_assert_str_eq(at.error.code, code);
    ck_assert(strlen(at.error.text) > 20);
    error_clear(&at.error);
}

char *conformance_text(struct store *s) {
    struct str out = { 0 };
    OK(conformance_dump(s, &out, &at.error));
    return str_steal(&out);
}

uint64_t conformance_patient(const char *local_id) {
    uint64_t no;
    OK(at.calls->patient_add(at.store, "clinic", local_id, &no, &at.error));
    return no;
}

/* ---- transactions ---- */

START_TEST(what_is_rolled_back_was_never_there) {
    uint64_t seed = 1;
    OK(at.calls->begin(at.store, &at.error));
    for (int i = 0; i < 200; i++)
        OK(conformance_write(at.store, &seed, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    char *before = conformance_text(at.store);
    for (int round = 0; round < 20; round++) {
        OK(at.calls->begin(at.store, &at.error));
        for (int i = 0; i < 60; i++)
            OK(conformance_write(at.store, &seed, &at.error));
        at.calls->rollback(at.store);
        char *after = conformance_text(at.store);
        ck_assert(strcmp(before, after) == 0);
        free(after);
    }
    free(before);
}
END_TEST

START_TEST(closing_a_handle_in_a_transaction_takes_it_back) {
    uint64_t seed = 2;
    OK(at.calls->begin(at.store, &at.error));
    for (int i = 0; i < 60; i++)
        OK(conformance_write(at.store, &seed, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    char *before = conformance_text(at.store);
    OK(at.calls->begin(at.store, &at.error));
    for (int i = 0; i < 60; i++)
        OK(conformance_write(at.store, &seed, &at.error));
    at.calls->close(at.store);
    at.store = at.factory->open();
    char *after = conformance_text(at.store);
    ck_assert(strcmp(before, after) == 0);
    free(before);
    free(after);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->commit(at.store, &at.error));
}
END_TEST

START_TEST(another_handle_sees_a_transaction_when_it_is_committed) {
    uint64_t seed = 3;
    struct store *other = at.factory->open();
    OK(at.calls->begin(at.store, &at.error));
    for (int i = 0; i < 100; i++)
        OK(conformance_write(at.store, &seed, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    char *old = conformance_text(at.store);
    OK(at.calls->begin(at.store, &at.error));
    for (int i = 0; i < 100; i++)
        OK(conformance_write(at.store, &seed, &at.error));
    char *new = conformance_text(at.store);
    char *seen = conformance_text(other);
    ck_assert(strcmp(seen, old) == 0);
    ck_assert(strcmp(new, old) != 0);
    free(seen);
    seen = conformance_text(at.store);
    ck_assert(strcmp(seen, new) == 0);
    free(seen);
    OK(at.calls->commit(at.store, &at.error));
    seen = conformance_text(other);
    ck_assert(strcmp(seen, new) == 0);
    free(seen);
    free(old);
    free(new);
    at.calls->close(other);
}
END_TEST

START_TEST(a_second_writer_is_told_that_the_store_is_busy) {
    struct store *other = at.factory->open();
    OK(at.calls->begin(at.store, &at.error));
    conformance_expect(at.calls->begin(other, &at.error), "store-busy");
    OK(at.calls->fact_set(at.store, "a", BYTES("1"), &at.error));
    conformance_expect(at.calls->begin(other, &at.error), "store-busy");
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->begin(other, &at.error));
    at.calls->rollback(other);
    OK(at.calls->begin(at.store, &at.error));
    at.calls->rollback(at.store);
    at.calls->close(other);
}
END_TEST

START_TEST(only_commits_of_others_count_as_foreign) {
    struct store *other = at.factory->open();
    uint64_t before;
    uint64_t after;
    OK(at.calls->foreign_changes(at.store, &before, &at.error));
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "a", BYTES("1"), &at.error));
    OK(at.calls->commit(at.store, &at.error));
    OK(at.calls->foreign_changes(at.store, &after, &at.error));
    ck_assert(before == after);
    OK(at.calls->begin(other, &at.error));
    OK(at.calls->fact_set(other, "a", BYTES("2"), &at.error));
    OK(at.calls->foreign_changes(at.store, &after, &at.error));
    ck_assert(before == after);
    OK(at.calls->commit(other, &at.error));
    OK(at.calls->foreign_changes(at.store, &after, &at.error));
    ck_assert(before != after);
    at.calls->close(other);
}
END_TEST

START_TEST(a_write_outside_a_transaction_is_refused) {
    struct store_said said = conformance_goal(1, 1);
    conformance_expect(at.calls->said_put(at.store, &said, &at.error), "store");
    conformance_expect(at.calls->fact_set(at.store, "a", BYTES("1"), &at.error), "store");
    conformance_expect(at.calls->lane_put(at.store, 1, 1, 0, &at.error), "store");
    conformance_expect(at.calls->commit(at.store, &at.error), "store");
    at.calls->rollback(at.store);
    OK(at.calls->begin(at.store, &at.error));
    conformance_expect(at.calls->begin(at.store, &at.error), "store");
    OK(at.calls->commit(at.store, &at.error));
}
END_TEST

START_TEST(a_full_disk_is_named_and_takes_nothing) {
    if (at.factory->set_full == NULL)
        return;
    uint64_t seed = 4;
    OK(at.calls->begin(at.store, &at.error));
    for (int i = 0; i < 60; i++)
        OK(conformance_write(at.store, &seed, &at.error));
    OK(at.calls->commit(at.store, &at.error));
    char *before = conformance_text(at.store);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "a", BYTES("1"), &at.error));
    at.factory->set_full(true);
    conformance_expect(at.calls->fact_set(at.store, "b", BYTES("1"), &at.error) &&
                           at.calls->commit(at.store, &at.error),
                       "store-full");
    at.calls->rollback(at.store);
    char *after = conformance_text(at.store);
    ck_assert(strcmp(before, after) == 0);
    at.factory->set_full(false);
    OK(at.calls->begin(at.store, &at.error));
    OK(at.calls->fact_set(at.store, "a", BYTES("1"), &at.error));
    OK(at.calls->commit(at.store, &at.error));
    free(before);
    free(after);
}
END_TEST

Suite *conformance_suite(const struct conformance_factory *with) {
    const TTest *const tests[] = {
        what_is_rolled_back_was_never_there,
        closing_a_handle_in_a_transaction_takes_it_back,
        another_handle_sees_a_transaction_when_it_is_committed,
        a_second_writer_is_told_that_the_store_is_busy,
        only_commits_of_others_count_as_foreign,
        a_write_outside_a_transaction_is_refused,
        a_full_disk_is_named_and_takes_nothing,
    };
    at.factory = with;
    Suite *suite = suite_create(with->name);
    TCase *contract = tcase_create("contract");
    tcase_add_checked_fixture(contract, set_up, tear_down);
    tcase_set_timeout(contract, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(contract, tests[i]);
    conformance_add_whose(contract);
    conformance_add_wanted(contract);
    conformance_add_states(contract);
    suite_add_tcase(suite, contract);
    return suite;
}
