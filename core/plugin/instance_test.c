/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of option tables: what fills an instance, and what is reported. The plugin is
 * tests/sdk/options.c. */
#include "core/config/yaml.h"
#include "core/plugin/instance.h"
#include "tests/sdk/options.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[128];
static struct report report;
static struct arena arena;
static struct plugin *plugin;
static struct config config;
static struct config_instance from;
static char logged[200];

/* A host that fails and logs. */
static iptfhir_status host_fail(const struct iptfhir_host *host, struct iptfhir_error *error,
                                iptfhir_status status, const char *code, const char *where,
                                const char *format, ...) {
    (void)host;
    error_set(error, code, where, "%s", format);
    return status;
}
static void host_log(const struct iptfhir_host *host, iptfhir_level level, const char *format,
                     ...) {
    (void)host, (void)level;
    snprintf(logged, sizeof logged, "%s", format);
}
static const struct iptfhir_host host = { .size = sizeof host, .log = host_log, .fail = host_fail };

/* Write a file of a mode. */
static void put(const char *name, const char *text, mode_t mode) {
    char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* A folder and the plugin. */
static void setup(void) {
    const char *top = getenv("top_builddir");
    char path[512];
    report = (struct report) { 0 };
    arena = (struct arena) { 0 };
    snprintf(folder, sizeof folder, "/tmp/iptfhir-instance-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/iptfhir.yaml", folder);
    snprintf(path, sizeof path, "%s/tests/sdk/.libs/options.so", top ? top : ".");
    plugin = plugin_load_file(path, "options", "here", &report);
    ck_assert_msg(plugin != NULL, "%s", report.count ? report.entries[0].error.text : "");
}

/* Take everything away. */
static void teardown(void) {
    static const char *const names[] = { "iptfhir.yaml", "key", "open" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[192];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    plugin_unload(plugin);
    arena_free(&arena);
    report_free(&report);
}

/* An instance from options in YAML. */
static struct plugin_instance *make(const char *yaml) {
    put("iptfhir.yaml", yaml, 0600);
    from = (struct config_instance) { .name = "x",
                                      .plugin = "options",
                                      .where = "x:9:9",
                                      .options = yaml_read_file(&arena, file, &report) };
    ck_assert_ptr_nonnull(from.options);
    config = (struct config) { .path = file, .file = file, .folder = folder };
    return instance_new(plugin, &from, &config, &host, &report);
}

/* Assert a finding at "line:column" of the file, or at the instance (NULL). */
static void found(const char *position, const char *code, const char *phrase) {
    char where[200];
    snprintf(where, sizeof where, "%s:%s", position ? file : "x", position ? position : "9:9");
    for (size_t i = 0; i < report.count; i++) {
        const struct iptfhir_error *e = &report.entries[i].error;
        if (!strcmp(e->where, where) && !strcmp(e->code, code) && strstr(e->text, phrase))
            return;
    }
    for (size_t i = 0; i < report.count; i++)
        fprintf(stderr, "%s: %s [%s]\n", report.entries[i].error.where,
                report.entries[i].error.text, report.entries[i].error.code);
    ck_abort_msg("no finding %s at %s: %s", code, where, phrase);
}

START_TEST(defaults_fill_what_the_configuration_leaves_out) {
    struct plugin_instance *i = make("needed: here\n");
    ck_assert_ptr_nonnull(i);
    const struct options *o = instance_self(i);
    ck_assert_str_eq(o->text, "as ever");
    ck_assert_int_eq(o->number, 7);
    ck_assert(o->on_call);
    ck_assert_int_eq(o->choice, 1);
    ck_assert_ptr_null(o->path);
    ck_assert_ptr_null(o->list);
    ck_assert_str_eq(o->initial_list[0], "a");
    ck_assert_str_eq(o->initial_list[1], "b");
    ck_assert_ptr_null(o->initial_list[2]);
    ck_assert_int_eq(o->inits, 1);
    instance_free(i);
}
END_TEST

START_TEST(every_type_is_taken_from_the_configuration) {
    char path[192];
    put("key", "secret", 0600);
    struct plugin_instance *i = make(
        "{needed: x, text: t, path: sub/p, existing: key, secret: key, number: 9, on_call: false, "
        "choice: blue, list: [one, two]}");
    ck_assert_ptr_nonnull(i);
    const struct options *o = instance_self(i);
    ck_assert_str_eq(o->text, "t");
    snprintf(path, sizeof path, "%s/sub/p", folder);
    ck_assert_str_eq(o->path, path);
    snprintf(path, sizeof path, "%s/key", folder);
    ck_assert_str_eq(o->secret, path);
    ck_assert_str_eq(o->existing, path);
    ck_assert_int_eq(o->number, 9);
    ck_assert(!o->on_call);
    ck_assert_int_eq(o->choice, 2);
    ck_assert_str_eq(o->list[1], "two");
    ck_assert_ptr_null(o->list[2]);
    instance_free(i);
}
END_TEST

START_TEST(the_instance_owns_its_strings) {
    struct plugin_instance *i = make("{needed: x, list: [one]}");
    ck_assert_ptr_nonnull(i);
    arena_free(&arena); /* the configuration goes first */
    arena = (struct arena) { 0 };
    ck_assert_str_eq(((const struct options *)instance_self(i))->needed, "x");
    ck_assert_str_eq(((const struct options *)instance_self(i))->list[0], "one");
    instance_free(i);
}
END_TEST

START_TEST(all_wrong_options_are_reported_at_once_with_their_places) {
    put("open", "secret", 0644);
    ck_assert_ptr_null(make("texd: a\n"           /* 1 */
                            "number: 10\n"        /* 2 */
                            "on_call: 1\n"        /* 3 */
                            "choice: mauve\n"     /* 4 */
                            "list: one\n"         /* 5 */
                            "initial_list: [1]\n" /* 6 */
                            "existing: nowhere\n" /* 7 */
                            "secret: open\n"      /* 8 */
                            "path: 5\n"           /* 9 */
                            "text: true\n" /* 10 */));
    found("1:1", "unknown-key", "did you mean 'text'");
    found("2:9", "out-of-range", "between 1 and 9");
    found("3:10", "wrong-type", "true or false");
    found("4:9", "wrong-value", "red, green, blue");
    found("5:7", "wrong-type", "list of texts");
    found("6:16", "wrong-type", "list of texts");
    found("7:11", "missing-file", "nowhere");
    found("8:9", "secret-mode", "chmod 600");
    found("9:7", "wrong-type", "must be a path");
    found("10:7", "wrong-type", "must be a text");
    found(NULL, "missing", "option needed is missing");
    ck_assert_uint_eq(report.errors, 11);
}
END_TEST

START_TEST(a_secret_that_is_not_there_is_an_error_even_without_other_marks) {
    ck_assert_ptr_null(make("{needed: x, secret: key}"));
    found("1:21", "missing-file", "there is no");
}
END_TEST

START_TEST(an_empty_text_does_not_count_as_given) {
    ck_assert_ptr_null(make("{needed: \"\"}"));
    found("1:11", "wrong-value", "must not be empty");
}
END_TEST

START_TEST(standard_input_stays_a_dash) {
    struct plugin_instance *i = make("{needed: x, path: \"-\"}");
    ck_assert_ptr_nonnull(i);
    ck_assert_str_eq(((const struct options *)instance_self(i))->path, "-");
    instance_free(i);
}
END_TEST

START_TEST(a_failed_init_is_reported_at_the_instance_and_fini_is_not_called) {
    *logged = '\0';
    ck_assert_ptr_null(make("{needed: x, text: refuse}"));
    found(NULL, "refused", "told to refuse (plugin options)");
    ck_assert_str_eq(logged, "");
    struct plugin_instance *i = make("{needed: x}");
    instance_free(i);
    ck_assert_str_eq(logged, "stopped");
}
END_TEST

START_TEST(checking_options_does_not_start_the_plugin) {
    make("{needed: x, text: refuse}");
    size_t errors = report.errors;
    ck_assert(instance_check(plugin, &from, &config, &report));
    ck_assert_uint_eq(report.errors, errors);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("instance");
    TCase *c = tcase_create("instance");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, defaults_fill_what_the_configuration_leaves_out);
    tcase_add_test(c, every_type_is_taken_from_the_configuration);
    tcase_add_test(c, the_instance_owns_its_strings);
    tcase_add_test(c, all_wrong_options_are_reported_at_once_with_their_places);
    tcase_add_test(c, a_secret_that_is_not_there_is_an_error_even_without_other_marks);
    tcase_add_test(c, an_empty_text_does_not_count_as_given);
    tcase_add_test(c, standard_input_stays_a_dash);
    tcase_add_test(c, a_failed_init_is_reported_at_the_instance_and_fini_is_not_called);
    tcase_add_test(c, checking_options_does_not_start_the_plugin);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
