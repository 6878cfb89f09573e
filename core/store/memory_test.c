/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the store in memory: the contract, media, and failing allocations. */
#include "core/base/alloc.h"
#include "core/store/conformance.h"

#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)

static struct store_medium *medium;
static struct iptfhir_error error;

static void make_medium(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    medium = store_medium_new();
    ck_assert_ptr_nonnull(medium);
}

static void drop_medium(void) {
    store_medium_free(medium);
}

static struct store *open_medium(void) {
    struct store *s = store_open_memory(medium, NULL);
    ck_assert_ptr_nonnull(s);
    return s;
}

static void set_full(bool full) {
    store_medium_set_full(medium, full);
}

/* All that is in a medium, to be freed. */
static char *dump_of(struct store_medium *of) {
    struct str out = { 0 };
    struct store *s = store_open_memory(of, &error);
    ck_assert_ptr_nonnull(s);
    OK(conformance_dump(s, &out, &error));
    s->calls->close(s);
    return str_steal(&out);
}

START_TEST(a_copy_is_the_last_commit_and_lives_on_its_own) {
    uint64_t seed = 11;
    struct store *s = open_medium();
    OK(s->calls->begin(s, &error));
    for (int i = 0; i < 300; i++)
        OK(conformance_write(s, &seed, &error));
    OK(s->calls->commit(s, &error));
    char *before = dump_of(medium);
    OK(s->calls->begin(s, &error));
    for (int i = 0; i < 300; i++)
        OK(conformance_write(s, &seed, &error));
    struct store_medium *copy = store_medium_copy(medium);
    ck_assert_ptr_nonnull(copy);
    OK(s->calls->commit(s, &error));
    char *after = dump_of(medium);
    char *copied = dump_of(copy);
    ck_assert(strcmp(before, after) != 0);
    ck_assert(strcmp(before, copied) == 0);
    s->calls->close(s);
    store_medium_free(copy);
    free(before);
    free(after);
    free(copied);
}
END_TEST

/* Writes, copies and reads; false when something failed. What fails leaves the medium as it was. */
static bool work(void) {
    uint64_t seed = 12;
    struct iptfhir_error e = ERROR_INIT;
    struct str out = { 0 };
    struct store_medium *copy = NULL;
    struct store *s = store_open_memory(medium, &e);
    bool ok = s != NULL && s->calls->begin(s, &e);
    for (int i = 0; i < 40 && ok; i++)
        ok = conformance_write(s, &seed, &e);
    ok = ok && conformance_dump(s, &out, &e);
    if (ok) {
        copy = store_medium_copy(medium);
        ok = copy != NULL;
    }
    store_medium_free(copy);
    str_free(&out);
    if (s != NULL)
        s->calls->close(s);
    return ok;
}

START_TEST(each_allocation_may_fail_and_nothing_is_changed) {
    uint64_t seed = 13;
    struct store *s = open_medium();
    OK(s->calls->begin(s, &error));
    for (int i = 0; i < 40; i++)
        OK(conformance_write(s, &seed, &error));
    OK(s->calls->commit(s, &error));
    s->calls->close(s);
    char *before = dump_of(medium);
    size_t failed = 0;
    for (int later = 0; later < 2; later++) {
        for (size_t n = 1;; n++) {
            base_fail_at(n, later != 0);
            bool ok = work();
            bool refused = base_refused();
            base_fail_at(0, false);
            ck_assert(ok || refused);
            if (!refused)
                break;
            failed++;
            char *after = dump_of(medium);
            ck_assert(strcmp(before, after) == 0);
            free(after);
        }
    }
    ck_assert_uint_gt(failed, 100);
    free(before);
}
END_TEST

int main(void) {
    static const struct conformance_factory factory = {
        "the store in memory", make_medium, drop_medium, open_medium, set_full,
    };
    Suite *suite = conformance_suite(&factory);
    TCase *media = tcase_create("media");
    tcase_add_checked_fixture(media, make_medium, drop_medium);
    tcase_set_timeout(media, 120);
    tcase_add_test(media, a_copy_is_the_last_commit_and_lives_on_its_own);
    tcase_add_test(media, each_allocation_may_fail_and_nothing_is_changed);
    suite_add_tcase(suite, media);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
