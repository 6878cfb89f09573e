/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the SQLite store: the contract, its file, keys and damage. */
#include "core/base/file.h"
#include "core/store/conformance.h"
#include "core/store/sqlite.h"
#include "core/store/sqlite_vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)

static const unsigned char key[32] = "a key of thirty-two bytes, so it";
static char folder[64], path[96];
static struct iptfhir_error error;

static void make_folder(void) {
    const char *root = getenv("TMPDIR");
    error = (struct iptfhir_error)ERROR_INIT;
    snprintf(folder, sizeof folder, "%s/iptfhir-store-XXXXXX", root != NULL ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
}

static void remove_folder(void) {
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct store *open_store(void) {
    struct store *s;
    struct stat st;
    if (stat(path, &st) != 0) {
        s = store_open_sqlite(path, true, key, &error);
        ck_assert_msg(s != NULL, "%s", error.text);
        sqlite_of(s)->wait_ms = 20;
        return s;
    }
    s = store_open_sqlite_on(path, true, key, NULL, 20, &error);
    ck_assert_msg(s != NULL, "%s", error.text);
    return s;
}

/* ---- the file ---- */

START_TEST(the_file_is_private_and_a_missing_one_is_not_made_for_reading) {
    struct stat st;
    ck_assert_ptr_null(store_open_sqlite(path, false, key, &error));
    ck_assert_str_eq(error.code, "store");
    ck_assert_ptr_nonnull(strstr(error.text, "iptfhir sync"));
    ck_assert_int_ne(stat(path, &st), 0);
    struct store *s = open_store();
    s->calls->close(s);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(chmod(path, 0644), 0);
    error_clear(&error);
    s = store_open_sqlite(path, true, key, &error);
    ck_assert_ptr_nonnull(s);
    s->calls->close(s);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(another_key_opens_nothing) {
    static const unsigned char other[32] = "another key";
    struct store *s = open_store();
    s->calls->close(s);
    ck_assert_ptr_null(store_open_sqlite(path, true, other, &error));
    ck_assert_str_eq(error.code, "store");
    ck_assert_ptr_nonnull(strstr(error.text, "key"));
}
END_TEST

/* Runs SQL on the store's file through its own pages, as a damage that keeps their checksums. */
static void change(const char *sql) {
    sqlite3 *db = NULL;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, store_vfs(NULL)), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s: %s", sql, message);
    sqlite3_close(db);
}

START_TEST(a_newer_store_and_another_dictionary_are_refused) {
    struct store *s = open_store();
    s->calls->close(s);
    change("PRAGMA user_version = 2");
    ck_assert_ptr_null(store_open_sqlite(path, true, key, &error));
    ck_assert_str_eq(error.code, "store-newer");
    error_clear(&error);
    change("PRAGMA user_version = 1; UPDATE about SET value = x'00' WHERE name = 'dictionary'");
    ck_assert_ptr_null(store_open_sqlite(path, true, key, &error));
    ck_assert_str_eq(error.code, "store");
    ck_assert_ptr_nonnull(strstr(error.text, "dictionary"));
}
END_TEST

START_TEST(a_file_of_another_program_is_not_touched) {
    char before[8192], after[8192];
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 3; CREATE TABLE entry(id)", 0, 0, 0),
                     0);
    sqlite3_close(db);
    FILE *file = fopen(path, "rb");
    size_t length = fread(before, 1, sizeof before, file);
    fclose(file);
    ck_assert_ptr_null(store_open_sqlite(path, true, key, &error));
    ck_assert_str_eq(error.code, "store");
    ck_assert_ptr_nonnull(strstr(error.text, "first edition"));
    file = fopen(path, "rb");
    ck_assert_uint_eq(fread(after, 1, sizeof after, file), length);
    fclose(file);
    ck_assert_mem_eq(before, after, length);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_called_damaged) {
    FILE *file = fopen(path, "wb");
    for (int i = 0; i < 5000; i++)
        fputs("not a database", file);
    fclose(file);
    ck_assert_ptr_null(store_open_sqlite(path, true, key, &error));
    ck_assert_str_eq(error.code, "store-damaged");
}
END_TEST

/* Keeps the first column of the last row. */
static int keep_text(void *user, int columns, char **values, char **names) {
    (void)columns;
    (void)names;
    snprintf(user, 64, "%s", values[0]);
    return 0;
}

START_TEST(sql_shows_names_not_numbers) {
    char step[64] = "";
    struct store *s = open_store();
    struct store_state state = { .patient = 3, .ordinal = 2, .step = STORE_HELD, .code = "gone" };
    struct store_said said = { .patient = 3, .type = "Goal", .wanted = STORE_WANTED_LEFT };
    OK(s->calls->begin(s, &error));
    OK(s->calls->target_no(s, "hospital", true, &state.target, &error));
    OK(s->calls->state_put(s, &state, &error) && s->calls->said_put(s, &said, &error));
    OK(s->calls->commit(s, &error));
    const char *sql = "SELECT target || ' ' || patient || ' ' || ordinal || ' ' || step || ' ' ||"
                      " code FROM state_readable";
    ck_assert_int_eq(sqlite3_exec(sqlite_of(s)->db, sql, keep_text, step, NULL), SQLITE_OK);
    ck_assert_str_eq(step, "hospital 3 2 held gone");
    sql = "SELECT patient || ' ' || ordinal || ' ' || wanted || ' ' || type FROM said_readable";
    ck_assert_int_eq(sqlite3_exec(sqlite_of(s)->db, sql, keep_text, step, NULL), SQLITE_OK);
    ck_assert_str_eq(step, "3 1 left Goal");
    s->calls->close(s);
}
END_TEST

START_TEST(the_lock_is_held_by_one_and_names_its_holder) {
    char mine[64];
    int child;
    int first = store_lock(path, "sync", &error);
    ck_assert_msg(first >= 0, "%s", error.text);
    snprintf(mine, sizeof mine, "process %ld (iptfhir sync, since 2", (long)getpid());
    pid_t pid = fork();
    if (pid == 0) {
        struct iptfhir_error e = ERROR_INIT;
        bool refused = store_lock(path, "run", &e) < 0;
        bool named = strstr(e.text, mine) != NULL && strcmp(e.code, "store-locked") == 0;
        _exit(refused && named ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &child, 0), pid);
    ck_assert_int_eq(child, 0);
    close(first);
    first = store_lock(path, "sync", &error);
    ck_assert_int_ge(first, 0);
    close(first);
}
END_TEST

/* ---- damage ---- */

enum { PATIENTS = 30, EACH = 30, FLIPS = 300, LEAF = 0x0D };

/* Fills a store so that each patient has rows on few pages. */
static void fill(struct store *s) {
    uint32_t target;
    OK(s->calls->begin(s, &error));
    OK(s->calls->target_no(s, "hospital", true, &target, &error));
    for (uint64_t p = 1; p <= PATIENTS; p++) {
        char local[16];
        uint64_t no;
        snprintf(local, sizeof local, "p%u", (unsigned)p);
        OK(s->calls->patient_add(s, "clinic", local, &no, &error));
        struct store_record record = { .patient = no, .job = "nightly", .id = local };
        OK(s->calls->record_put(s, &record, &error));
        uint32_t sequence;
        struct store_bytes bodies[] = { { "{\"resourceType\":\"Goal\",\"id\":\"1\"}", 32 } };
        OK(s->calls->bodies_put(s, no, bodies, 1, &sequence, &error));
        for (uint32_t i = 1; i <= EACH; i++) {
            struct store_said said = { .patient = no,
                                       .record = record.no,
                                       .type = "Goal",
                                       .system = "urn:x",
                                       .value = local,
                                       .body = { sequence, 0 } };
            memset(said.uuid, (int)(p + i), STORE_UUID);
            memset(said.hash, (int)(p * i), STORE_HASH);
            OK(s->calls->said_put(s, &said, &error));
            struct store_state state = { .target = target,
                                         .patient = no,
                                         .ordinal = i,
                                         .step = STORE_IN_STEP,
                                         .sent = true,
                                         .server_id = local };
            memset(state.sent_hash, (int)(p * i), STORE_HASH);
            OK(s->calls->state_put(s, &state, &error));
        }
    }
    OK(s->calls->commit(s, &error));
}

/* What a patient has, as text to be freed; NULL when some of it is damaged. */
static char *patient_text(struct store *s, uint64_t patient, struct iptfhir_error *e) {
    struct str out = { 0 };
    struct arena a = { 0 };
    struct store_said *said;
    struct store_state *states;
    struct store_record *records;
    struct store_bytes *bodies;
    size_t count, i;
    bool ok = s->calls->said_of(s, patient, &a, &said, &count, e);
    for (i = 0; ok && i < count; i++)
        conformance_say_said(&out, &said[i]);
    ok = ok && s->calls->states_of(s, 1, patient, &a, &states, &count, e);
    for (i = 0; ok && i < count; i++)
        conformance_say_state(&out, &states[i]);
    ok = ok && s->calls->records_of(s, patient, &a, &records, &count, e);
    for (i = 0; ok && i < count; i++)
        conformance_say_record(&out, &records[i]);
    ok = ok && s->calls->bodies_get(s, patient, 1, &a, &bodies, &count, e);
    for (i = 0; ok && i < count; i++)
        str_add(&out, bodies[i].data, bodies[i].length);
    arena_free(&a);
    if (ok)
        return str_steal(&out);
    str_free(&out);
    return NULL;
}

/* Writes the file anew. */
static void write_file(const unsigned char *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

/* Opens the damaged file and compares each patient; how many were readable. */
static int count_readable(char *const *expected) {
    int readable = 0;
    struct iptfhir_error e = ERROR_INIT;
    struct store *s = store_open_sqlite_on(path, true, key, NULL, 20, &e);
    if (s == NULL) {
        ck_assert_str_eq(e.code, "store-damaged");
        return 0;
    }
    for (uint64_t p = 1; p <= PATIENTS; p++) {
        error_clear(&e);
        char *text = patient_text(s, p, &e);
        if (text != NULL)
            ck_assert(strcmp(text, expected[p]) == 0);
        else
            ck_assert_str_eq(e.code, "store-damaged");
        readable += text != NULL;
        free(text);
    }
    s->calls->close(s);
    return readable;
}

/* Changes a few bits of one page. */
static void flip(unsigned char *page, uint64_t *seed) {
    uint64_t flips = 1 + conformance_random(seed) % 3;
    for (uint64_t i = 0; i < flips; i++) {
        uint64_t bit = conformance_random(seed) % (STORE_PAGE * 8);
        page[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

static bool count_patient(void *user, const struct store_patient *patient) {
    ck_assert_uint_le(patient->no, PATIENTS);
    ++*(int *)user;
    return true;
}

START_TEST(damage_costs_what_is_damaged_and_is_never_handed_out) {
    char *expected[PATIENTS + 1] = { NULL };
    struct str good = { 0 };
    uint64_t seed = 77;
    int whole = 0;
    int leaves = 0;
    struct store *s = open_store();
    fill(s);
    for (uint64_t p = 1; p <= PATIENTS; p++)
        expected[p] = patient_text(s, p, &error);
    s->calls->close(s);
    ck_assert(file_read(&good, path, (size_t)1 << 26, NULL));
    unsigned char *copy = malloc(good.length);
    ck_assert_ptr_nonnull(copy);
    for (int i = 0; i < FLIPS; i++) {
        size_t page = conformance_random(&seed) % (good.length / STORE_PAGE);
        memcpy(copy, good.data, good.length);
        flip(copy + page * STORE_PAGE, &seed);
        bool changed = memcmp(copy, good.data, good.length) != 0;
        bool leaf = page > 0 && good.data[page * STORE_PAGE] == LEAF;
        write_file(copy, good.length);
        int readable = count_readable(expected);
        whole += readable == PATIENTS;
        if (leaf && changed)
            leaves += readable >= PATIENTS * 2 / 3 && readable < PATIENTS;
    }
    ck_assert_int_lt(whole, FLIPS); /* some is in pages that hold nothing of a patient */
    ck_assert_int_gt(leaves, FLIPS / 4);
    free(copy);
    str_free(&good);
    for (uint64_t p = 1; p <= PATIENTS; p++)
        free(expected[p]);
}
END_TEST

START_TEST(a_lost_or_misplaced_page_is_found) {
    char *expected[PATIENTS + 1] = { NULL };
    struct str good = { 0 };
    struct store *s = open_store();
    fill(s);
    for (uint64_t p = 1; p <= PATIENTS; p++)
        expected[p] = patient_text(s, p, &error);
    s->calls->close(s);
    ck_assert(file_read(&good, path, (size_t)1 << 26, NULL));
    size_t pages = good.length / STORE_PAGE;
    unsigned char *copy = malloc(good.length);
    ck_assert_ptr_nonnull(copy);
    for (size_t page = 0; page < pages; page++) {
        memcpy(copy, good.data, good.length);
        memcpy(copy + page * STORE_PAGE, good.data + (page + 1) % pages * STORE_PAGE, STORE_PAGE);
        write_file(copy, good.length);
        count_readable(expected);
        memset(copy + page * STORE_PAGE, 0, STORE_PAGE);
        write_file(copy, good.length);
        count_readable(expected);
        write_file((const unsigned char *)good.data, page * STORE_PAGE + 100);
        if (page > 0)
            count_readable(expected);
    }
    free(copy);
    str_free(&good);
    for (uint64_t p = 1; p <= PATIENTS; p++)
        free(expected[p]);
}
END_TEST

START_TEST(a_walk_goes_on_behind_a_damaged_row) {
    int seen = 0;
    struct store *s = open_store();
    fill(s);
    s->calls->close(s);
    change("UPDATE patient SET local_id = 'other' WHERE no = 7");
    s = open_store();
    ck_assert(!s->calls->patients(s, count_patient, &seen, &error));
    ck_assert_str_eq(error.code, "store-damaged");
    ck_assert_ptr_nonnull(strstr(error.text, "patient 7"));
    ck_assert_int_eq(seen, PATIENTS - 1);
    s->calls->close(s);
}
END_TEST

static bool ignore_fact(void *user, const char *name, struct store_bytes value) {
    (void)user;
    (void)name;
    (void)value;
    return true;
}
static bool ignore_hold(void *user, const struct store_hold *hold) {
    (void)user;
    (void)hold;
    return true;
}

/* Reads everything of a small store; false when some of it is damaged. */
static bool read_all(struct store *s) {
    struct arena a = { 0 };
    struct store_patient patient;
    struct store_record record;
    struct store_bytes value;
    bool found;
    uint32_t no;
    char *text = patient_text(s, 1, &error);
    bool ok = text != NULL && s->calls->patient_get(s, 1, &a, &patient, &found, &error) &&
              s->calls->record_find(s, "p1", &a, &record, &found, &error) &&
              s->calls->fact_get(s, "cursor", &a, &value, &error) &&
              s->calls->facts(s, "", ignore_fact, NULL, &error) &&
              s->calls->holds(s, NULL, ignore_hold, NULL, &error) &&
              s->calls->target_no(s, "hospital", false, &no, &error);
    free(text);
    arena_free(&a);
    return ok;
}

START_TEST(a_changed_row_is_found_even_on_a_sound_page) {
    static const char *const changes[] = {
        "UPDATE said SET wanted = 1 WHERE key = 1 << 20 | 3",
        "UPDATE said SET type = type + 1 WHERE key = 1 << 20 | 3",
        "UPDATE said SET record = 9 WHERE key = 1 << 20 | 3",
        "UPDATE said SET data = (SELECT data FROM said WHERE key = 1 << 20 | 4)"
        " WHERE key = 1 << 20 | 3",
        "UPDATE state SET step = 0 WHERE key & 1048575 = 5",
        "UPDATE state SET since_ms = 1 WHERE key & 1048575 = 5",
        "UPDATE state SET data = substr(data, 1, 20)",
        "UPDATE bodies SET data = (SELECT data FROM bodies WHERE key >> 24 = 2) WHERE key >> 24 = "
        "1",
        "UPDATE bodies SET data = x''",
        "DELETE FROM bodies",
        "UPDATE record SET state = 3",
        "UPDATE record SET job = job + 1 WHERE no = 1",
        "UPDATE patient SET clinic = 99",
        "UPDATE fact SET value = 'b'",
        "UPDATE hold SET detail = 'b'",
        "UPDATE target SET sum = 1",
        "UPDATE word SET text = text || 'x'",
        "DELETE FROM word",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct store_hold hold = { .key = { "nightly", "", "r", "", "invalid" }, .detail = "a" };
        unlink(path);
        struct store *s = open_store();
        fill(s);
        OK(s->calls->begin(s, &error));
        OK(s->calls->fact_set(s, "cursor", (struct store_bytes) { "a", 1 }, &error));
        OK(s->calls->hold_put(s, &hold, &error));
        OK(s->calls->commit(s, &error));
        OK(read_all(s));
        s->calls->close(s);
        change(changes[i]);
        s = open_store();
        ck_assert_msg(!read_all(s), "%s", changes[i]);
        ck_assert_msg(strcmp(error.code, "store-damaged") == 0, "%s: %s", changes[i], error.text);
        error_clear(&error);
        s->calls->close(s);
    }
}
END_TEST

int main(void) {
    static const struct conformance_factory factory = {
        "the store in SQLite", make_folder, remove_folder, open_store, NULL,
    };
    const TTest *const tests[] = {
        the_file_is_private_and_a_missing_one_is_not_made_for_reading,
        another_key_opens_nothing,
        a_newer_store_and_another_dictionary_are_refused,
        a_file_of_another_program_is_not_touched,
        a_file_that_is_no_database_is_called_damaged,
        sql_shows_names_not_numbers,
        the_lock_is_held_by_one_and_names_its_holder,
        damage_costs_what_is_damaged_and_is_never_handed_out,
        a_lost_or_misplaced_page_is_found,
        a_walk_goes_on_behind_a_damaged_row,
        a_changed_row_is_found_even_on_a_sound_page,
    };
    Suite *suite = conformance_suite(&factory);
    TCase *file = tcase_create("file");
    tcase_add_checked_fixture(file, make_folder, remove_folder);
    tcase_set_timeout(file, 300);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(file, tests[i]);
    suite_add_tcase(suite, file);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
