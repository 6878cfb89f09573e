/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of `iptfhir check` and `iptfhir plugins`, over the sample configuration and the built
 * plugins. */
#include "core/base/file.h"
#include "core/base/key.h"
#include "core/command/command.h"
#include "core/sync/identity_base.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], said[256], printed[256];
static struct str err, out;

/* Where the tree is. */
static const char *top(void) {
    const char *dir = getenv("top_srcdir");
    return dir ? dir : ".";
}

/* A path in the tree. */
static const char *in_tree(const char *path) {
    static char whole[4096];
    snprintf(whole, sizeof whole, "%s/%s", top(), path);
    return whole;
}

/* A folder for configurations and what commands say. */
static void setup(void) {
    snprintf(folder, sizeof folder, "/tmp/iptfhir-check-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(said, sizeof said, "%s/stderr", folder);
    snprintf(printed, sizeof printed, "%s/stdout", folder);
}

/* Take it away. */
static void teardown(void) {
    static const char *const names[] = { "stderr",       "stdout",          "iptfhir.yaml",
                                         "key",          "store.db",        "store.db-wal",
                                         "store.db-shm", "resources.ndjson" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    str_free(&err);
    str_free(&out);
}

/* Send a stream to a file; the descriptor that brings it back. */
static int redirect(FILE *stream, const char *path) {
    fflush(stream);
    int saved = dup(fileno(stream)),
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dup2(fd, fileno(stream)), 0);
    close(fd);
    return saved;
}

/* Bring a stream back. */
static void restore(FILE *stream, int saved) {
    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
}

/* Run a command with up to two arguments; its exit code. */
static int run(command_function *command, const char *config, bool json, const char *first,
               const char *second) {
    char name[] = "command", one[4096] = "", two[4096] = "";
    char *argv[] = { name, one, two, NULL };
    const struct command_options options = { config, json };
    snprintf(one, sizeof one, "%s", first ? first : "");
    snprintf(two, sizeof two, "%s", second ? second : "");
    int argc = 1 + (first != NULL) + (second != NULL), saved_err = redirect(stderr, said),
        saved_out = redirect(stdout, printed);
    argv[argc] = NULL;
    optind = 0;
    int code = command(argc, argv, &options);
    restore(stdout, saved_out);
    restore(stderr, saved_err);
    str_clear(&err);
    str_clear(&out);
    ck_assert(file_read(&err, said, 1u << 20, NULL));
    ck_assert(file_read(&out, printed, 1u << 20, NULL));
    return code;
}

/* Write a configuration beside which nothing stands. */
static const char *configuration(const char *text) {
    static char path[128];
    snprintf(path, sizeof path, "%s/iptfhir.yaml", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* True when what was said holds a phrase. */
static bool says(const struct str *s, const char *phrase) {
    return s->data && strstr(s->data, phrase) != NULL;
}

START_TEST(the_sample_configuration_is_accepted) {
    int code = run(command_check, in_tree("conf/iptfhir.yaml"), false, NULL, NULL);
    ck_assert_msg(code == EXIT_SETTLED, "exit %d:\n%s", code, err.data ? err.data : "");
    ck_assert(says(&out, "no errors"));
}
END_TEST

START_TEST(a_settling_that_is_shorter_than_a_time_out_is_warned_about) {
    static const char form[] = "identity: {base: \"https://ipt.example.org\"}\n"
                               "store: {path: store.db}\n"
                               "sources: {s: {plugin: source-json, path: x}}\n"
                               "mappers: {m: {plugin: map-goal}}\n"
                               "targets:\n"
                               "  t:\n"
                               "    plugin: target-fhir\n"
                               "    url: https://ehr.example.org\n"
                               "    patient_system: urn:x\n"
                               "    consent: attested\n"
                               "    timeout_ms: %d\n"
                               "    settle_seconds: %d\n"
                               "jobs: {j: {source: s, mappers: [m], targets: [t], clinic: main}}\n";
    char text[1024];
    snprintf(text, sizeof text, form, 60000, 60);
    ck_assert_int_eq(run(command_check, configuration(text), false, NULL, NULL), EXIT_SETTLED);
    ck_assert_msg(says(&err, ":12:21: warning: targets.t: settle_seconds is 60"), "%s", err.data);
    ck_assert(says(&err, "write settle_seconds: 70 or more"));
    snprintf(text, sizeof text, form, 50000, 60);
    ck_assert_int_eq(run(command_check, configuration(text), false, NULL, NULL), EXIT_SETTLED);
    ck_assert_msg(!says(&err, "settle"), "%s", err.data);
}
END_TEST

START_TEST(faults_of_configuration_plugin_options_and_keys_are_reported_together_by_line) {
    char key[128];
    snprintf(key, sizeof key, "%s/key", folder);
    const char *path = configuration(
        "identity: {base: \"http://plain.example\"}\n" /* 1 */
        "store: {path: nowhere/store.db}\n"            /* 2 */
        "sources:\n"                                   /* 3 */
        "  s: {plugin: source-jsn, path: x}\n"         /* 4 */
        "mappers:\n"                                   /* 5 */
        "  m: {plugin: target-file, path: x}\n"        /* 6 */
        "targets:\n"                                   /* 7 */
        "  t:\n"                                       /* 8 */
        "    plugin: target-fhir\n"                    /* 9 */
        "    urll: https://ehr.example.org\n"          /* 10 */
        "    patient_system: urn:x\n"                  /* 11 */
        "    ca_file: key\n"                           /* 12 */
        "    parallel: 65\n"                           /* 13 */
        "    consent: attested\n"                      /* 14 */
        "jobs: {j: {source: s, mappers: [m], targets: [tt], clinic: main}}\n" /* 15 */);
    ck_assert_int_eq(run(command_check, path, false, NULL, NULL), EXIT_CONFIG);
    static const char *const expected[] = {
        ":1:19: error: identity.base must be an https URI",
        ":4:3: error: there is no plugin 'source-jsn'",
        ":6:3: error: plugin target-file is no mapper",
        ":8:3: error: option url is missing",
        ":10:5: error: there is no option 'urll'; did you mean 'url'",
        ":12:14: error: ca_file: there is no",
        ":13:15: error: parallel must be between 1 and 64",
        ":15:47: error: there is no target 'tt'"
    };
    const char *at = err.data;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) { /* in this order */
        const char *found = strstr(at, expected[i]);
        ck_assert_msg(found != NULL, "not found, or not in order: %s\nin:\n%s", expected[i],
                      err.data);
        at = found;
    }
    ck_assert(says(&err, "the folder of the store"));
    ck_assert(says(&err, "did you mean 'source-json'"));
}
END_TEST

/* Makes a store of its own beside the configuration, and its key with so many bytes. */
static const char *configuration_with_store(size_t key_bytes, const char *base) {
    static const unsigned char key[KEY_BYTES] = { 7 };
    unsigned char bodies[KEY_BYTES];
    struct iptfhir_error error = ERROR_INIT;
    char path[128];
    char text[1024];
    snprintf(path, sizeof path, "%s/store.db", folder);
    ck_assert(key_derive(key, "bodies", bodies));
    struct store *store = store_open_sqlite(path, true, bodies, &error);
    ck_assert_msg(store != NULL, "%s", error.text);
    ck_assert(identity_base_keep(store, "https://ipt.example.org", &error));
    store->calls->close(store);
    snprintf(path, sizeof path, "%s/key", folder);
    unlink(path);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(key, 1, key_bytes, f), key_bytes);
    ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
    fclose(f);
    snprintf(text, sizeof text,
             "identity: {base: \"%s\", key_file: key}\n"
             "store: {path: store.db}\n"
             "sources: {s: {plugin: source-json, path: .}}\n"
             "mappers: {m: {plugin: map-goal}}\n"
             "targets: {t: {plugin: target-file, path: out.ndjson, consent: attested}}\n"
             "jobs: {j: {source: s, mappers: [m], targets: [t], clinic: main}}\n",
             base);
    return configuration(text);
}

START_TEST(the_key_and_the_base_of_a_store_that_exists_are_checked) {
    const char *path = configuration_with_store(32, "https://ipt.example.org");
    int code = run(command_check, path, false, NULL, NULL);
    ck_assert_msg(code == EXIT_SETTLED, "exit %d:\n%s", code, err.data);
    path = configuration_with_store(31, "https://ipt.example.org");
    ck_assert_int_eq(run(command_check, path, false, NULL, NULL), EXIT_CONFIG);
    ck_assert_msg(says(&err, "exactly 32 bytes"), "%s", err.data);
    path = configuration_with_store(32, "https://ipt2.example.org");
    ck_assert_int_eq(run(command_check, path, false, NULL, NULL), EXIT_CONFIG);
    ck_assert_msg(says(&err, "identity-base"), "%s", err.data);
    char key[128];
    path = configuration_with_store(32, "https://ipt.example.org");
    snprintf(key, sizeof key, "%s/key", folder);
    ck_assert_int_eq(unlink(key), 0);
    ck_assert_int_eq(run(command_check, path, false, NULL, NULL), EXIT_CONFIG);
    ck_assert_msg(says(&err, "[key-missing]"), "%s", err.data);
}
END_TEST

START_TEST(a_source_whose_path_is_not_there_is_warned_about) {
    static const char form[] = "identity: {base: \"https://ipt.example.org\"}\n"
                               "store: {path: store.db}\n"
                               "sources:\n"
                               "  s: {plugin: source-json, path: %s}\n"
                               "mappers: {m: {plugin: map-goal}}\n"
                               "targets:\n"
                               "  t: {plugin: target-file, path: out.ndjson, consent: attested}\n"
                               "jobs: {j: {source: s, mappers: [m], targets: [t], clinic: main}}\n";
    char text[1024];
    snprintf(text, sizeof text, form, "elsewhere");
    ck_assert_int_eq(run(command_check, configuration(text), false, NULL, NULL), EXIT_SETTLED);
    ck_assert_msg(says(&err, ":4:34: warning: path: it is not there"), "%s", err.data);
    snprintf(text, sizeof text, form, ".");
    ck_assert_int_eq(run(command_check, configuration(text), false, NULL, NULL), EXIT_SETTLED);
    ck_assert_msg(!says(&err, "it is not there"), "%s", err.data);
}
END_TEST

START_TEST(findings_as_json_go_to_stdout) {
    ck_assert_int_eq(run(command_check, configuration("log: {level: loud}\n"), true, NULL, NULL),
                     EXIT_CONFIG);
    ck_assert(says(&out, "\"code\": \"wrong-value\""));
    ck_assert_uint_eq(err.length, 0);
}
END_TEST

START_TEST(samples_show_what_is_never_read_but_not_what_mappers_read_in_c) {
    char samples[4096];
    snprintf(samples, sizeof samples, "%s", in_tree("mappings/examples/full"));
    int code = run(command_check, in_tree("conf/iptfhir.yaml"), false, "--samples", samples);
    ck_assert_msg(code == EXIT_SETTLED, "exit %d:\n%s", code, err.data);
    ck_assert(says(&out, "1 samples"));
    ck_assert_msg(says(&err, "measures.itemsAnswered: note:"), "%s",
                  err.data); /* recomputed from the items */
    ck_assert_msg(!says(&err, "measures.items.phq9_1"), "%s",
                  err.data); /* read by map-observation, in C */
}
END_TEST

START_TEST(a_folder_without_samples_is_an_error) {
    ck_assert_int_eq(run(command_check, in_tree("conf/iptfhir.yaml"), false, "--samples", folder),
                     EXIT_CONFIG);
    ck_assert(says(&err, "there are no samples"));
}
END_TEST

START_TEST(plugins_are_listed_without_a_configuration) {
    ck_assert_int_eq(run(command_plugins, "/nowhere.yaml", false, NULL, NULL), EXIT_SETTLED);
    ck_assert(says(&out, "target-file"));
    ck_assert(says(&out, "map-template"));
    ck_assert_uint_eq(err.length, 0);
}
END_TEST

START_TEST(a_description_shows_options_and_a_sample) {
    ck_assert_int_eq(run(command_plugins, "/nowhere.yaml", false, "--describe", "target-fhir"),
                     EXIT_SETTLED);
    ck_assert(says(&out, "parallel (whole number, 1 to 64; default 8)"));
    ck_assert(says(&out, "targets:\n  my-target:\n    plugin: target-fhir\n    url: \"TEXT\"\n"));
    ck_assert(says(&out, "recipient (text)"));
}
END_TEST

START_TEST(an_unknown_plugin_has_a_nearest_name) {
    ck_assert_int_eq(run(command_plugins, "/nowhere.yaml", false, "--describe", "target-fihr"),
                     EXIT_WRONG_USE);
    ck_assert(says(&err, "did you mean 'target-fhir'"));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("check");
    TCase *c = tcase_create("check");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, the_sample_configuration_is_accepted);
    tcase_add_test(c, a_settling_that_is_shorter_than_a_time_out_is_warned_about);
    tcase_add_test(c,
                   faults_of_configuration_plugin_options_and_keys_are_reported_together_by_line);
    tcase_add_test(c, the_key_and_the_base_of_a_store_that_exists_are_checked);
    tcase_add_test(c, a_source_whose_path_is_not_there_is_warned_about);
    tcase_add_test(c, findings_as_json_go_to_stdout);
    tcase_add_test(c, samples_show_what_is_never_read_but_not_what_mappers_read_in_c);
    tcase_add_test(c, a_folder_without_samples_is_an_error);
    tcase_add_test(c, plugins_are_listed_without_a_configuration);
    tcase_add_test(c, a_description_shows_options_and_a_sample);
    tcase_add_test(c, an_unknown_plugin_has_a_nearest_name);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
