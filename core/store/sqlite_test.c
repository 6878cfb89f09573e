/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the SQLite store: the law holds through every path an entry can take. */
#include "core/store/store.h"

#include "core/base/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB "nightly"
#define TARGET "metro"
#define U1 "11111111-0000-5000-8000-000000000001"
#define U2 "22222222-0000-5000-8000-000000000002"
#define LANE "99999999-0000-5000-8000-000000000009"

static char folder[64], path[96];
static struct store *store;
static struct iptfhir_error error;

static void set_up(void) {
    snprintf(folder, sizeof folder, "%s/iptfhir-store-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
    error = (struct iptfhir_error)ERROR_INIT;
    store = store_open(path, STORE_WRITE, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
}

static void tear_down(void) {
    char command[160];
    store_close(store);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)

static bool keep_counts(void *user, const struct store_counts *c) {
    *(struct store_counts *)user = *c;
    ((struct store_counts *)user)->job = NULL;
    return true;
}

/* The counts of the one job; the law is asserted each time. */
static struct store_counts counts(void) {
    struct store_counts c = { 0 };
    OK(store_counts(store, keep_counts, &c, &error));
    ck_assert_int_eq(c.accepted, c.settled + c.pending + c.held);
    return c;
}

/* Queue a record with one or two Observations. */
static void queue(const char *record, const char *hash1, const char *hash2) {
    int64_t set;
    struct store_resource r1 = { "Observation", U1, "s", "a", hash1, "{\"a\":1}", 7 },
                          r2 = { "Observation", U2, "s", "b", hash2 ? hash2 : "", "{\"b\":1}", 7 };
    OK(store_begin(store, &error));
    OK(store_supersede(store, JOB, TARGET, record, &error));
    OK(store_add_set(store, JOB, TARGET, record, LANE, "{}", &set, &error));
    OK(store_add_entry(store, set, 0, &r1, NULL, NULL, &error));
    if (hash2)
        OK(store_add_entry(store, set, 1, &r2, NULL, NULL, &error));
    OK(store_finish_set(store, set, &error));
    OK(store_commit(store, &error));
}

/* Claim what is due. */
static size_t claim(struct arena *arena, struct store_claim **claims) {
    size_t n;
    OK(store_claim(store, TARGET, 10, clock_now_ms(), arena, claims, &n, &error));
    return n;
}

/* Settle every entry of a claim alike. */
static void settle(const struct store_claim *c, enum store_state state, int64_t next_ms) {
    struct store_receipt r[4] = { 0 };
    for (size_t i = 0; i < c->count; i++)
        r[i] = (struct store_receipt) { c->entries[i].id,
                                        state,
                                        STORE_CREATED,
                                        "17",
                                        "1",
                                        state == STORE_HELD ? "conflict" : NULL,
                                        NULL };
    OK(store_begin(store, &error));
    OK(store_settle(store, TARGET, c->id, r, c->count, next_ms, state == STORE_PENDING, &error));
    OK(store_commit(store, &error));
}

START_TEST(a_delivered_set_is_in_the_ledger_and_gone_from_the_outbox) {
    struct arena arena = { 0 };
    struct store_claim *c;
    char hash[65];
    queue("R1", "h1", "h2");
    ck_assert_int_eq(counts().pending, 2);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    ck_assert_uint_eq(c[0].count, 2);
    ck_assert_int_eq(counts().inflight, 2);
    settle(&c[0], STORE_SETTLED, 0);
    OK(store_ledger_hash(store, TARGET, U1, hash, &error));
    ck_assert_str_eq(hash, "h1");
    ck_assert_int_eq(counts().created, 2);
    ck_assert_uint_eq(claim(&arena, &c), 0);
    arena_free(&arena);
}
END_TEST

START_TEST(a_known_resource_comes_with_its_server_id_version_and_last_body) {
    struct arena arena = { 0 };
    struct store_claim *c;
    queue("R1", "h1", NULL);
    claim(&arena, &c);
    settle(&c[0], STORE_SETTLED, 0);
    queue("R1", "h1-changed", NULL);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    ck_assert_str_eq(c[0].entries[0].server_id, "17");
    ck_assert_str_eq(c[0].entries[0].version, "1");
    ck_assert_str_eq(c[0].entries[0].base, "{\"a\":1}");
    settle(&c[0], STORE_SETTLED, 0);
    counts();
    arena_free(&arena);
}
END_TEST

START_TEST(a_newer_revision_supersedes_what_was_not_sent) {
    queue("R1", "h1", "h2");
    queue("R1", "h1b", NULL);
    struct store_counts c = counts();
    ck_assert_int_eq(c.accepted, 3);
    ck_assert_int_eq(c.superseded, 2);
    ck_assert_int_eq(c.pending, 1);
}
END_TEST

START_TEST(an_old_revision_refused_in_flight_is_superseded_by_the_newer_one) {
    struct arena arena = { 0 };
    struct store_claim *c;
    queue("R1", "h1", NULL);
    claim(&arena, &c);
    queue("R1", "h1b", NULL);
    settle(&c[0], STORE_HELD, 0);
    ck_assert_int_eq(counts().held, 0);
    ck_assert_int_eq(counts().superseded, 1);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    arena_free(&arena);
}
END_TEST

START_TEST(no_hash_counts_while_an_answer_is_missing) {
    struct arena arena = { 0 };
    struct store_claim *c;
    char hash[65];
    queue("R1", "h1", NULL);
    claim(&arena, &c);
    settle(&c[0], STORE_SETTLED, 0);
    queue("R1", "h2", NULL);
    claim(&arena, &c);
    OK(store_ledger_hash(store, TARGET, U1, hash, &error));
    ck_assert_str_eq(hash, "");
    settle(&c[0], STORE_UNKNOWN, 0);
    OK(store_ledger_hash(store, TARGET, U1, hash, &error));
    ck_assert_str_eq(hash, "");
    arena_free(&arena);
}
END_TEST

START_TEST(one_lane_is_delivered_in_order_and_one_set_at_a_time) {
    struct arena arena = { 0 };
    struct store_claim *c;
    queue("R1", "h1", NULL);
    queue("R2", "h2", NULL);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    ck_assert_str_eq(c[0].record_id, "R1");
    struct store_claim first = c[0];
    ck_assert_uint_eq(claim(&arena, &c), 0);
    settle(&first, STORE_PENDING,
           clock_now_ms() + 60000); /* asked to wait: the next set of the patient waits too */
    ck_assert_uint_eq(claim(&arena, &c), 0);
    ck_assert_int_eq(counts().pending, 2);
    arena_free(&arena);
}
END_TEST

START_TEST(a_held_set_does_not_block_its_lane) {
    struct arena arena = { 0 };
    struct store_claim *c;
    queue("R1", "h1", NULL);
    queue("R2", "h2", NULL);
    claim(&arena, &c);
    settle(&c[0], STORE_HELD, 0);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    ck_assert_str_eq(c[0].record_id, "R2");
    ck_assert_int_eq(counts().held, 1);
    arena_free(&arena);
}
END_TEST

START_TEST(what_was_in_flight_at_a_death_is_unknown_afterwards) {
    struct arena arena = { 0 };
    struct store_claim *c;
    queue("R1", "h1", NULL);
    claim(&arena, &c);
    store_close(store);
    store = store_open(path, STORE_WRITE, &error);
    OK(store_recover(store, &error));
    ck_assert_int_eq(counts().unknown, 1);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    ck_assert_int_eq(c[0].entries[0].state, STORE_UNKNOWN);
    arena_free(&arena);
}
END_TEST

START_TEST(an_uncommitted_batch_leaves_no_trace) {
    int64_t set;
    struct store_resource r = { "Observation", U1, "s", "a", "h", "{}", 2 };
    OK(store_begin(store, &error));
    OK(store_set_cursor(store, JOB, "c1", &error));
    OK(store_add_set(store, JOB, TARGET, "R1", LANE, "{}", &set, &error));
    OK(store_add_entry(store, set, 0, &r, NULL, NULL, &error));
    store_rollback(store);
    struct str cursor = { 0 };
    OK(store_cursor(store, JOB, &cursor, &error));
    ck_assert_uint_eq(cursor.length, 0);
    ck_assert_int_eq(counts().accepted, 0);
    str_free(&cursor);
}
END_TEST

START_TEST(a_hold_is_counted_once_and_void_when_its_file_reads_well_again) {
    struct store_hold_in hold = {
        JOB, "f.csv:7", "f.csv", NULL, "f.csv:7", "bad-date", "no date", 1
    };
    OK(store_hold(store, &hold, &error));
    hold.poll = 2;
    OK(store_hold(store, &hold, &error));
    ck_assert_int_eq(counts().held, 1);
    ck_assert_int_eq(counts().accepted, 1);
    OK(store_clear_holds(store, JOB, NULL, "f.csv", 2, &error));
    ck_assert_int_eq(counts().held, 1);
    OK(store_clear_holds(store, JOB, NULL, "f.csv", 3, &error));
    ck_assert_int_eq(counts().held, 0);
    ck_assert_int_eq(counts().superseded, 1);
}
END_TEST

START_TEST(retry_puts_back_and_discard_settles) {
    struct arena arena = { 0 };
    struct store_claim *c;
    int64_t n;
    queue("R1", "h1", "h2");
    claim(&arena, &c);
    settle(&c[0], STORE_HELD, 0);
    OK(store_retry(store, NULL, "other", NULL, &n, &error));
    ck_assert_int_eq(n, 0);
    OK(store_retry(store, NULL, NULL, "e1", &n, &error));
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(counts().pending, 1);
    OK(store_discard(store, NULL, "conflict", NULL, &n, &error));
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(counts().discarded, 1);
    ck_assert_uint_eq(claim(&arena, &c), 1);
    arena_free(&arena);
}
END_TEST

START_TEST(the_file_is_private) {
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0600);
}
END_TEST

START_TEST(a_second_holder_of_the_lock_is_told_who_has_it) {
    int first = store_lock(path, "sync", &error), child;
    ck_assert_int_ge(first, 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct iptfhir_error e = ERROR_INIT;
        char mine[32];
        snprintf(mine, sizeof mine, "process %ld ", (long)getppid());
        _exit(store_lock(path, "run", &e) < 0 && strstr(e.text, mine) &&
                      strstr(e.text, "iptfhir sync")
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(pid, &child, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(child), 0);
    close(first);
    first = store_lock(path, "sync", &error);
    ck_assert_int_ge(first, 0);
    close(first);
}
END_TEST

START_TEST(a_newer_schema_is_refused_with_both_numbers) {
    char command[512];
    store_close(store);
    store = NULL;
    snprintf(command, sizeof command,
             "printf '\\0\\0\\0\\143' | dd of='%s' bs=1 seek=60 conv=notrunc 2>/dev/null; rm -f "
             "'%s-wal' '%s-shm'",
             path, path, path);
    ck_assert_int_eq(system(command), 0);
    ck_assert_ptr_null(store_open(path, STORE_WRITE, &error));
    ck_assert_str_eq(error.code, "store-newer");
    ck_assert_ptr_nonnull(strstr(error.text, "99"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sqlite");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_delivered_set_is_in_the_ledger_and_gone_from_the_outbox);
    tcase_add_test(all, a_known_resource_comes_with_its_server_id_version_and_last_body);
    tcase_add_test(all, a_newer_revision_supersedes_what_was_not_sent);
    tcase_add_test(all, an_old_revision_refused_in_flight_is_superseded_by_the_newer_one);
    tcase_add_test(all, no_hash_counts_while_an_answer_is_missing);
    tcase_add_test(all, one_lane_is_delivered_in_order_and_one_set_at_a_time);
    tcase_add_test(all, a_held_set_does_not_block_its_lane);
    tcase_add_test(all, what_was_in_flight_at_a_death_is_unknown_afterwards);
    tcase_add_test(all, an_uncommitted_batch_leaves_no_trace);
    tcase_add_test(all, a_hold_is_counted_once_and_void_when_its_file_reads_well_again);
    tcase_add_test(all, retry_puts_back_and_discard_settles);
    tcase_add_test(all, the_file_is_private);
    tcase_add_test(all, a_second_holder_of_the_lock_is_told_who_has_it);
    tcase_add_test(all, a_newer_schema_is_refused_with_both_numbers);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
