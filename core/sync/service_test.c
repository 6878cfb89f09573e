/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the whole service as processes: sources and mappers of this build, the durable store, a
 * file as the target. They wait for ends, not for seconds. */
#include "core/sync/service.h"

#include "core/base/file.h"
#include "core/base/key.h"
#include "core/command/command.h"
#include "core/store/store.h"
#include "core/sync/ingest.h"
#include "core/sync/intake.h"
#include "core/sync/pipe.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], store_path[128];
static struct config *config;
static const char *source; /* the plugin and its options */
static struct report report;
static struct iptfhir_error error;
static struct arena arena;
static struct store *store;

static void write_file(const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* The records of the example, with other ids; `reset` begins the file anew. */
static void write_records(int first, int last, const char *replace, const char *by) {
    char path[4096];
    struct str text = { 0 };
    struct str all = { 0 };
    snprintf(path, sizeof path, "%s/mappings/examples/goals-only/record.json",
             getenv("top_srcdir"));
    ck_assert(file_read(&text, path, 1 << 20, NULL));
    struct tree *tree = json_read_copy(&arena, text.data, text.length, NULL, &error);
    ck_assert_ptr_nonnull(tree);
    for (int i = first; i <= last; i++) {
        char id[32], local[32];
        snprintf(id, sizeof id, "REC-%d", i);
        snprintf(local, sizeof local, "P-%d", i);
        struct tree *patient = tree_get(tree, "patient");
        tree_remove(tree_get(tree, "recordId"));
        tree_remove(tree_get(patient, "localId"));
        tree_add(&arena, tree, "recordId", tree_string(&arena, id, strlen(id)));
        tree_add(&arena, patient, "localId", tree_string(&arena, local, strlen(local)));
        str_clear(&text);
        json_write(&text, tree, JSON_COMPACT);
        char *at = replace != NULL ? strstr(text.data, replace) : NULL;
        if (at != NULL) {
            ck_assert_uint_eq(strlen(replace), strlen(by));
            memcpy(at, by, strlen(by));
        }
        str_add(&all, text.data, text.length);
        str_putc(&all, '\n');
    }
    write_file("in.ndjson", all.data);
    str_free(&text);
    str_free(&all);
}

/* Writes and loads a configuration; `mapper` stands beside those of the build. */
static void configure(const char *mapper, const char *more) {
    char text[2048], path[128];
    snprintf(text, sizeof text,
             "store: {path: store.db}\nidentity: {base: \"https://ipt.example.org\"}\n"
             "log: {level: error}\nplugins: [\"%s/tests/plugins/.libs\"]\n%s"
             "sources: {s: {plugin: %s}}\n"
             "mappers: {goals: {plugin: map-goal}, other: {plugin: %s%s}}\n"
             "targets: {file: {plugin: target-file, path: out.ndjson, consent: attested}}\n"
             "jobs: {j: {clinic: north, source: s, mappers: [other, goals], targets: [file]}}\n",
             getenv("top_builddir"), more, source, mapper,
             strncmp(mapper, "mapper-", 7) == 0 ? ", record: REC-50" : "");
    write_file("iptfhir.yaml", text);
    snprintf(path, sizeof path, "%s/iptfhir.yaml", folder);
    config = config_load(path, &report);
    ck_assert_msg(config != NULL, "%s %s", report.entries[0].error.where,
                  report.entries[0].error.text);
}

static void set_up(void) {
    error = (struct iptfhir_error)ERROR_INIT;
    source = "source-json, path: in.ndjson";
    snprintf(folder, sizeof folder, "/tmp/service-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(store_path, sizeof store_path, "%s/store.db", folder);
}

static void tear_down(void) {
    char command[128];
    if (store != NULL)
        store->calls->close(store);
    store = NULL;
    config_free(config);
    report_free(&report);
    arena_free(&arena);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static int forks_until_refusal; /* 0: every one is made */

/* Stands before that of the C library, and refuses one as a system without processes does. */
pid_t fork(void) {
    pid_t (*real)(void);
    *(void **)&real = dlsym(RTLD_NEXT, "fork");
    if (forks_until_refusal > 0 && --forks_until_refusal == 0) {
        errno = EAGAIN;
        return -1;
    }
    return real();
}

/* Syncs the first job alone. */
static int sync_first(void) {
    static const char *const none[] = { NULL };
    return service_sync(config, &config->jobs[0], none);
}

static void open_store(void) {
    unsigned char key[KEY_BYTES], bodies[KEY_BYTES];
    ck_assert_msg(key_load(config->key_file, false, key, &error), "%s", error.text);
    ck_assert(key_derive(key, "bodies", bodies));
    store = store_open_sqlite(store_path, false, bodies, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
}

struct tally {
    int live, held, plugin_crash;
    uint64_t resources;
};

static bool count_record(void *user, const struct store_record *record) {
    struct tally *t = user;
    struct store_said *list = NULL;
    size_t count = 0;
    t->live += record->state == STORE_RECORD_LIVE;
    t->held += record->state == STORE_RECORD_HELD;
    ck_assert(store->calls->said_of(store, record->patient, &arena, &list, &count, &error));
    t->resources += count;
    return true;
}

static bool count_hold(void *user, const struct store_hold *hold) {
    struct tally *t = user;
    t->plugin_crash += strcmp(hold->key.code, "plugin-crash") == 0;
    return true;
}

static struct tally tally(void) {
    struct tally t = { 0 };
    if (store == NULL)
        open_store();
    ck_assert(store->calls->records(store, "j", count_record, &t, &error));
    ck_assert(store->calls->holds(store, "j", count_hold, &t, &error));
    return t;
}

/* Lines of the target's file. */
static int lines(void) {
    char path[128];
    struct str text = { 0 };
    int count = 0;
    snprintf(path, sizeof path, "%s/out.ndjson", folder);
    if (!file_read(&text, path, 64 << 20, NULL))
        return 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == '\n';
    str_free(&text);
    return count;
}

START_TEST(what_the_source_has_is_wanted_and_delivered_once) {
    write_records(1, 200, NULL, NULL);
    configure("map-observation", "");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    struct tally t = tally();
    ck_assert_int_eq(t.live, 200);
    ck_assert_uint_gt(t.resources, 200);
    int written = lines();
    ck_assert_int_eq(written, (int)t.resources);
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    ck_assert_int_eq(lines(), written);
}
END_TEST

START_TEST(one_thread_and_four_make_the_same) {
    write_records(1, 150, NULL, NULL);
    configure("map-observation", "limits: {ingest_threads: 4}\n");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    struct tally four = tally();
    char command[400];
    struct store_record first, last;
    bool found = false;
    ck_assert(store->calls->record_find(store, "REC-1", &arena, &first, &found, &error) && found);
    ck_assert(store->calls->record_find(store, "REC-150", &arena, &last, &found, &error) && found);
    ck_assert_uint_eq(first.no, 1); /* the order of the source is kept */
    ck_assert_uint_eq(last.no, 150);
    store->calls->close(store);
    store = NULL;
    snprintf(command, sizeof command, "rm %s/store.db* %s/out.ndjson", folder, folder);
    ck_assert_int_eq(system(command), 0);
    config_free(config);
    configure("map-observation", "limits: {ingest_threads: 1}\n");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    struct tally one = tally();
    ck_assert_uint_eq(one.resources, four.resources);
    ck_assert_int_eq(one.live, 150);
}
END_TEST

START_TEST(a_record_that_crashes_a_mapper_costs_itself) {
    write_records(1, 100, NULL, NULL);
    configure("mapper-crash", "limits: {ingest_threads: 3}\n");
    int code = sync_first();
    struct tally t = tally();
    ck_assert_int_eq(code, EXIT_SETTLED);
    ck_assert_int_eq(t.plugin_crash, 1);
    ck_assert_int_eq(t.live, 99);
    ck_assert_int_gt(lines(), 0);
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    ck_assert_int_eq(tally().plugin_crash, 1);
}
END_TEST

START_TEST(a_record_that_is_broken_is_held_and_the_others_go_on) {
    write_records(1, 20, NULL, NULL);
    configure("map-observation", "");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    write_records(1, 20, "\"schemaVersion\"", "\"schemaVersio_\"");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    struct tally t = tally();
    ck_assert_int_eq(t.held, 20);
    write_records(1, 20, NULL, NULL);
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    ck_assert_int_eq(tally().held, 0);
    ck_assert_int_eq(tally().live, 20);
}
END_TEST

START_TEST(a_poll_that_ended_is_confirmed) {
    struct intake_poll poll;
    write_records(1, 1, NULL, NULL);
    configure("map-observation", "");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    open_store();
    ck_assert(intake_poll_of(store, "j", &poll, &error));
    ck_assert(!poll.polling);
    ck_assert_int_gt(poll.confirmed_ms, 0);
}
END_TEST

START_TEST(the_key_is_made_with_mode_0600_and_kept) {
    struct stat st;
    unsigned char first[KEY_BYTES], second[KEY_BYTES];
    write_records(1, 1, NULL, NULL);
    configure("map-observation", "");
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    ck_assert_int_eq(stat(config->key_file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert(key_load(config->key_file, false, first, &error));
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    ck_assert(key_load(config->key_file, false, second, &error));
    ck_assert_mem_eq(first, second, KEY_BYTES);
    ck_assert_int_eq(chmod(config->key_file, 0644), 0);
    ck_assert_int_eq(sync_first(), EXIT_CONFIG);
}
END_TEST

START_TEST(an_ingest_that_cannot_be_started_ends_the_sync) {
    write_records(1, 3, NULL, NULL);
    configure("map-observation", "");
    forks_until_refusal = 2; /* delivery is the first */
    ck_assert_int_eq(sync_first(), EXIT_FAULT);
    ck_assert_int_eq(lines(), 0);
    ck_assert_int_eq(sync_first(), EXIT_SETTLED);
    ck_assert_int_gt(lines(), 0);
}
END_TEST

START_TEST(an_ingest_that_does_not_hear_that_delivery_failed_is_ended) {
    char path[4096];
    write_records(1, 3, NULL, NULL);
    configure("mapper-sleeps", "limits: {source_seconds: 3600}\n");
    snprintf(path, sizeof path, "%s.witness", config->key_file);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* where delivery needs a file */
    ck_assert_int_eq(sync_first(), EXIT_FAULT);
}
END_TEST

/* Delivery as it greets ingest and then is gone. */
static void greet_and_go(int descriptor) {
    struct pipe pipe;
    struct pipe_message hello;
    bool got = false;
    const struct pipe_message welcome = { .type = PIPE_WELCOME, .version = PIPE_VERSION };
    pipe_open(&pipe, descriptor);
    while (!got) {
        ck_assert(pipe_get(&pipe, 60000, &arena, &hello, &got, &error));
        ck_assert_msg(got || !pipe.ended, "ingest ended before it said hello");
    }
    ck_assert(pipe_put(&pipe, &welcome, &error));
    ck_assert(pipe_push(&pipe, 0, 60000, &error));
    pipe_close(&pipe);
    close(descriptor);
}

START_TEST(a_source_that_does_not_hear_that_all_is_over_overruns_nothing) {
    int ends[2];
    int status;
    const unsigned char key[KEY_BYTES] = { 1 };
    struct shared *page = shared_new();
    ck_assert_ptr_nonnull(page);
    source = "source-deaf";
    configure("map-observation", "");
    ck_assert(pipe_pair(ends, &error));
    pid_t ingest = fork();
    if (ingest == 0) {
        close(ends[1]);
        _exit(ingest_run(config, &config->jobs[0], page, key, ends[0]));
    }
    close(ends[0]);
    greet_and_go(ends[1]);
    ck_assert_int_eq(waitpid(ingest, &status, 0), ingest);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_FAULT);
    shared_free(page);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("the service");
    TCase *c = tcase_create("processes");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 300);
    tcase_add_test(c, what_the_source_has_is_wanted_and_delivered_once);
    tcase_add_test(c, one_thread_and_four_make_the_same);
    tcase_add_test(c, a_record_that_crashes_a_mapper_costs_itself);
    tcase_add_test(c, a_record_that_is_broken_is_held_and_the_others_go_on);
    tcase_add_test(c, a_poll_that_ended_is_confirmed);
    tcase_add_test(c, the_key_is_made_with_mode_0600_and_kept);
    tcase_add_test(c, an_ingest_that_cannot_be_started_ends_the_sync);
    tcase_add_test(c, an_ingest_that_does_not_hear_that_delivery_failed_is_ended);
    tcase_add_test(c, a_source_that_does_not_hear_that_all_is_over_overruns_nothing);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
