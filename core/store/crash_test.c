/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store on a disk that loses power and fills up: after each cut it holds what was
 * committed last, or also what was being committed. Also the contract, on that disk.
 * IPTFHIR_POWER_CUTS: how many cuts (thousands by default); IPTFHIR_SEED: the first seed. */
#include "core/base/alloc.h"
#include "core/store/conformance.h"
#include "core/store/crash_vfs.h"
#include "core/store/sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POWER_CUTS = 3000,
    CUTS_PER_DISK = 12,
    FULL_DISKS = 60,
    WRITES = 16,
    FIRST_ALLOCATIONS = 200,
    STRIDE = 13
};

static const unsigned char key[32] = "a key of thirty-two bytes, so it";
static struct iptfhir_error error;

static struct store *open_store(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    return store_open_sqlite_on("store.db", true, key, crash_vfs(), 20, &error);
}

static struct store *must_open(void) {
    struct store *s = open_store();
    ck_assert_msg(s != NULL, "%s [%s]", error.text, error.code);
    return s;
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t below(uint64_t *seed, uint64_t end) {
    return conformance_random(seed) % end;
}

/* A disk, the store on it, and a store in memory that has the same committed. */
struct history {
    uint64_t seed, first_seed;
    struct store *store; /* NULL while the power is off */
    struct store_medium *medium;
    struct store *model; /* the writer */
    struct store *kept;  /* sees what is committed */
    bool commit_in_flight;
};

/* All that is in a store, to be freed; NULL when it can't be read. */
static char *dump(struct store *s) {
    struct str out = { 0 };
    struct iptfhir_error e = ERROR_INIT;
    if (!conformance_dump(s, &out, &e)) {
        fprintf(stderr, "%s [%s]\n", e.text, e.code);
        str_free(&out);
        return NULL;
    }
    return str_steal(&out);
}

/* Lets checkpoints come often, seldom or not at all. */
static void vary_checkpoints(struct history *h) {
    static const int pages[] = { 1, 8, 60, 2000 };
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA wal_autocheckpoint = %d", pages[below(&h->seed, 4)]);
    sqlite3_exec(sqlite_of(h->store)->db, pragma, NULL, NULL, NULL);
}

/* Marks a transaction, so that no two leave the same behind. */
static bool mark(struct store *s, uint64_t number, struct iptfhir_error *e) {
    struct store_bytes value = { (const char *)&number, sizeof number };
    return s->calls->fact_set(s, "mark", value, e);
}

/* Writes one transaction to both stores; false when the power was cut or the disk is full. */
static bool write_both(struct history *h) {
    struct iptfhir_error e = ERROR_INIT;
    uint64_t count = 1 + below(&h->seed, 12);
    ck_assert(h->model->calls->begin(h->model, &e));
    h->commit_in_flight = false;
    bool ok = h->store->calls->begin(h->store, &e);
    for (uint64_t i = 0; i < count && ok; i++) {
        uint64_t same = h->seed;
        ok = conformance_write(h->store, &same, &e);
        ck_assert(!ok || conformance_write(h->model, &h->seed, &e));
    }
    uint64_t number = conformance_random(&h->seed);
    ok = ok && mark(h->store, number, &e);
    ck_assert(mark(h->model, number, &e));
    if (ok) {
        h->commit_in_flight = true;
        ok = h->store->calls->commit(h->store, &e);
    }
    if (ok)
        ck_assert(h->model->calls->commit(h->model, &e));
    return ok;
}

/* Opens the store again, with power cuts on the way now and then. */
static void power_up(struct history *h) {
    h->store->calls->close(h->store);
    for (;;) {
        crash_vfs_power_up(conformance_random(&h->seed));
        if (below(&h->seed, 4) == 0)
            crash_vfs_cut_after(1 + below(&h->seed, 12));
        h->store = open_store();
        if (h->store != NULL && !crash_vfs_is_cut())
            break;
        ck_assert_msg(crash_vfs_is_cut(), "seed %" PRIu64 ": %s [%s]", h->first_seed, error.text,
                      error.code);
        if (h->store != NULL)
            h->store->calls->close(h->store);
    }
    crash_vfs_cut_after(0);
}

/* Asserts that the store holds what it must, and brings the model to it. */
static void compare(struct history *h) {
    struct iptfhir_error e = ERROR_INIT;
    char *found = dump(h->store);
    char *old = dump(h->kept);
    char *new = dump(h->model);
    ck_assert_msg(found != NULL && old != NULL && new != NULL, "seed %" PRIu64, h->first_seed);
    bool is_old = strcmp(found, old) == 0;
    bool is_new = h->commit_in_flight && strcmp(found, new) == 0;
    ck_assert_msg(is_old || is_new, "seed %" PRIu64 ": neither the last commit nor the next",
                  h->first_seed);
    if (is_new)
        ck_assert(h->model->calls->commit(h->model, &e));
    else
        h->model->calls->rollback(h->model);
    free(found);
    free(old);
    free(new);
}

static void begin_history(struct history *h, uint64_t seed) {
    memset(h, 0, sizeof *h);
    h->seed = h->first_seed = seed;
    crash_vfs_format();
    h->medium = store_medium_new();
    ck_assert_ptr_nonnull(h->medium);
    h->model = store_open_memory(h->medium, NULL);
    h->kept = store_open_memory(h->medium, NULL);
    ck_assert(h->model != NULL && h->kept != NULL);
}

static void end_history(struct history *h) {
    h->store->calls->close(h->store);
    h->model->calls->close(h->model);
    h->kept->calls->close(h->kept);
    store_medium_free(h->medium);
    crash_vfs_format();
}

/* Writes until the power is cut. */
static void run_to_cut(struct history *h) {
    crash_vfs_cut_after(1 + below(&h->seed, 120));
    while (write_both(h)) {
        if (below(&h->seed, 10) == 0) { /* a clean end in between */
            h->store->calls->close(h->store);
            h->store = open_store();
            if (h->store == NULL || crash_vfs_is_cut())
                break;
            vary_checkpoints(h);
        }
    }
    ck_assert_msg(crash_vfs_is_cut(), "seed %" PRIu64 ": failed without a cut", h->first_seed);
}

START_TEST(after_a_power_cut_the_store_holds_the_last_commit_or_the_next) {
    uint64_t cuts = number_from("IPTFHIR_POWER_CUTS", POWER_CUTS);
    uint64_t seed = number_from("IPTFHIR_SEED", 1);
    uint64_t taken = 0;
    for (uint64_t done = 0; done < cuts; seed++) {
        struct history h;
        begin_history(&h, seed);
        h.store = must_open();
        vary_checkpoints(&h);
        for (int i = 0; i < CUTS_PER_DISK; i++, done++) {
            run_to_cut(&h);
            bool was_open = h.store != NULL;
            bool in_flight = h.commit_in_flight;
            if (!was_open) { /* cut while it was opened: there is no transaction */
                h.commit_in_flight = false;
                h.store = store_open_memory(h.medium, NULL);
                ck_assert_ptr_nonnull(h.store);
            }
            power_up(&h);
            compare(&h);
            taken += was_open && in_flight;
            vary_checkpoints(&h);
        }
        end_history(&h);
    }
    const struct crash_vfs_counts *c = crash_vfs_counts();
    printf("%" PRIu64 " power cuts, %" PRIu64 " of them in or after a commit; %" PRIu64
           " writes and %" PRIu64 " syncs; unsynced: %" PRIu64 " kept, %" PRIu64
           " dropped, %" PRIu64 " torn\n",
           cuts, taken, c->writes, c->syncs, c->kept, c->dropped, c->torn);
    ck_assert(c->torn > cuts && c->dropped > cuts);
}
END_TEST

START_TEST(a_disk_that_fills_up_loses_nothing) {
    int refused = 0;
    for (uint64_t seed = 1; seed <= FULL_DISKS; seed++) {
        struct history h;
        begin_history(&h, seed);
        h.store = must_open();
        vary_checkpoints(&h);
        for (int i = 0; i < 20; i++) {
            crash_vfs_set_full(below(&h.seed, 3) == 0);
            bool ok = write_both(&h);
            crash_vfs_set_full(false);
            if (ok)
                continue;
            refused++;
            h.store->calls->rollback(h.store);
            h.commit_in_flight = false;
            compare(&h);
        }
        end_history(&h);
    }
    ck_assert_int_gt(refused, FULL_DISKS);
}
END_TEST

/* ---- memory that runs out ---- */

static sqlite3_mem_methods plain_memory;

/* True when the allocation that is about to be made is to be refused. */
static bool refused_now(void) {
    void *probe = base_malloc(1);
    base_free(probe);
    return probe == NULL;
}
static void *counted_malloc(int size) {
    return refused_now() ? NULL : plain_memory.xMalloc(size);
}
static void *counted_realloc(void *memory, int size) {
    return refused_now() ? NULL : plain_memory.xRealloc(memory, size);
}

/* Lets SQLite's allocations be refused like ours; before SQLite is used. */
static void count_sqlite_memory(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain_memory);
    sqlite3_mem_methods counted = plain_memory;
    counted.xMalloc = counted_malloc;
    counted.xRealloc = counted_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &counted);
}

/* Opens, writes a transaction, reads all and closes; *committed tells how far it came. */
static bool work(uint64_t seed, bool *committed) {
    struct str out = { 0 };
    struct iptfhir_error e = ERROR_INIT;
    *committed = false;
    struct store *s = open_store();
    if (s == NULL) {
        ck_assert(error_is_set(&error));
        return false;
    }
    bool ok = s->calls->begin(s, &e);
    for (int i = 0; i < WRITES && ok; i++)
        ok = conformance_write(s, &seed, &e);
    ok = ok && s->calls->commit(s, &e);
    *committed = ok;
    if (!ok)
        s->calls->rollback(s);
    ok = ok && conformance_dump(s, &out, &e);
    ck_assert_msg(ok || error_is_set(&e) || out.failed, "a failure without an error");
    s->calls->close(s);
    str_free(&out);
    return ok;
}

/* Does the work with one allocation refused; asserts what the store holds then. True when none was
 * refused any more. */
static bool refuse_one(size_t n, bool all_later) {
    bool committed;
    crash_vfs_format();
    struct store *s = must_open();
    uint64_t seed = 21;
    ck_assert(s->calls->begin(s, &error));
    for (int i = 0; i < WRITES; i++)
        ck_assert(conformance_write(s, &seed, &error));
    ck_assert(s->calls->commit(s, &error));
    char *before = dump(s);
    s->calls->close(s);
    base_fail_at(n, all_later);
    bool ok = work(seed, &committed);
    bool refused = base_refused();
    base_fail_at(0, false);
    ck_assert_msg(ok || refused, "%s [%s]", error.text, error.code);
    s = must_open();
    char *after = dump(s);
    ck_assert(before != NULL && after != NULL);
    ck_assert_msg((strcmp(before, after) != 0) == committed, "allocation %zu", n);
    s->calls->close(s);
    free(before);
    free(after);
    return !refused;
}

START_TEST(each_allocation_may_fail_and_what_is_committed_stays) {
    for (int later = 0; later < 2; later++) {
        size_t n = 1;
        while (!refuse_one(n, later != 0))
            n += n < FIRST_ALLOCATIONS ? 1 : STRIDE;
        ck_assert_uint_gt(n, FIRST_ALLOCATIONS);
        printf("%zu allocations\n", n);
    }
}
END_TEST

static void no_disk(void) {
    crash_vfs_format();
}

int main(void) {
    static const struct conformance_factory factory = {
        "the store in SQLite on a failing disk", no_disk, no_disk, must_open, crash_vfs_set_full,
    };
    count_sqlite_memory();
    Suite *suite = conformance_suite(&factory);
    TCase *power = tcase_create("power");
    tcase_set_timeout(power, 0);
    tcase_add_test(power, after_a_power_cut_the_store_holds_the_last_commit_or_the_next);
    tcase_add_test(power, a_disk_that_fills_up_loses_nothing);
    tcase_add_test(power, each_allocation_may_fail_and_what_is_committed_stays);
    suite_add_tcase(suite, power);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
