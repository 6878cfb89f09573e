/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the handshake, over the plugins of tests/sdk. */
#include "core/plugin/loader.h"

#include <check.h>
#include <iptfhir/target.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char built[512];
static struct report report;

/* Where the test's plugins were built. */
static void setup(void) {
    const char *top = getenv("top_builddir");
    snprintf(built, sizeof built, "%s/tests/sdk/.libs", top ? top : ".");
    report = (struct report) { 0 };
}

static void teardown(void) {
    report_free(&report);
}

/* Load a plugin of the test by name. */
static struct plugin *load(const char *name) {
    const char *const folders[] = { "/nowhere", built, NULL };
    const struct config config = { .plugin_dirs = folders };
    const struct config_instance instance = { .name = "x",
                                              .plugin = name,
                                              .where = "iptfhir.yaml:3:5" };
    return plugin_load(&config, &instance, &report);
}

/* Assert that a plugin is refused with a code, and a text that holds each phrase. */
static void refused(const char *name, const char *code, const char *first, const char *second) {
    ck_assert_ptr_null(load(name));
    ck_assert_uint_eq(report.errors, 1);
    const struct iptfhir_error *e = &report.entries[0].error;
    ck_assert_str_eq(e->code, code);
    ck_assert_str_eq(e->where, "iptfhir.yaml:3:5");
    ck_assert_msg(strstr(e->text, first) != NULL, "no '%s' in: %s", first, e->text);
    ck_assert_msg(strstr(e->text, second) != NULL, "no '%s' in: %s", second, e->text);
}

START_TEST(a_good_plugin_is_loaded_with_all_its_parts) {
    struct plugin *p = load("good");
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(report.count, 0);
    const struct iptfhir_descriptor *d = plugin_descriptor(p);
    ck_assert_str_eq(d->name, "good");
    ck_assert_ptr_nonnull(d->source);
    ck_assert_ptr_nonnull(d->target->ask);
    ck_assert_str_eq(d->functions[0].name, "sayNo");
    ck_assert_ptr_nonnull(strstr(plugin_path(p), "good.so"));
    plugin_unload(p);
}
END_TEST

START_TEST(a_shorter_older_descriptor_is_accepted_and_its_missing_members_are_null) {
    struct plugin *p = load("older");
    ck_assert_ptr_nonnull(p);
    const struct iptfhir_descriptor *d = plugin_descriptor(p);
    ck_assert_ptr_null(d->functions);
    ck_assert_ptr_nonnull(d->target->answer);
    plugin_unload(p);
}
END_TEST

START_TEST(a_wrong_magic_is_refused_with_both_numbers) {
    refused("bad-magic", "plugin-magic", "0x7f454c46", "0x49505446");
}
END_TEST
START_TEST(another_abi_is_refused_with_both_numbers) {
    refused("bad-abi", "plugin-abi", "ABI 43, this iptfhir has 2", "build it against");
}
END_TEST
START_TEST(a_plugin_of_the_first_abi_is_refused_with_both_numbers) {
    refused("abi-1", "plugin-abi", "ABI 1, this iptfhir has 2", "build it against");
}
END_TEST
START_TEST(a_descriptor_shorter_than_the_oldest_is_refused_with_both_sizes) {
    char sizes[64];
    snprintf(sizes, sizeof sizes, "of %zu bytes", offsetof(struct iptfhir_descriptor, init));
    refused("bad-short", "plugin-size", sizes, "the oldest of ABI 2 has");
}
END_TEST
START_TEST(a_part_shorter_than_the_oldest_is_refused) {
    refused("bad-part", "plugin-size", "a source of 8 bytes", "iptfhir_source");
}
END_TEST
START_TEST(a_missing_symbol_is_refused_with_what_to_define) {
    refused("bad-symbol", "plugin-symbol", "does not export `iptfhir_plugin`",
            "const struct iptfhir_descriptor iptfhir_plugin");
}
END_TEST
START_TEST(a_plugin_with_another_name_than_its_file_is_refused) {
    refused("bad-name", "plugin-name", "'somebody-else'", "'bad-name'");
}
END_TEST
START_TEST(a_plugin_that_provides_nothing_is_refused) {
    refused("bad-empty", "plugin-empty", "provides nothing", ".source");
}
END_TEST
START_TEST(a_source_without_poll_is_refused) {
    refused("bad-poll", "plugin-empty", "source without poll()", "plugin");
}
END_TEST
START_TEST(an_option_outside_the_instance_is_refused_before_it_can_be_filled) {
    refused("bad-options", "plugin-options", "option beyond at offset 4096", "instance of 8 bytes");
}
END_TEST

START_TEST(a_plugin_that_is_not_there_is_named_with_the_folders_and_the_nearest_name) {
    refused("godo", "plugin-missing", "did you mean 'good'", "/nowhere, ");
}
END_TEST

START_TEST(a_name_is_never_a_path) {
    refused("../good", "plugin-missing", "no plugin '../good'", "");
}
END_TEST

START_TEST(a_file_that_is_no_shared_object_is_refused_with_the_reason) {
    char folder[] = "/tmp/iptfhir-loader-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/text.so", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("no ELF", f);
    fclose(f);
    ck_assert_ptr_null(plugin_load_file(path, NULL, "here", &report));
    unlink(path);
    rmdir(folder);
    ck_assert_str_eq(report.entries[0].error.code, "plugin-load");
    ck_assert_ptr_nonnull(strstr(report.entries[0].error.text, "cannot be loaded"));
}
END_TEST

struct seen {
    size_t count, good;
    char path[512];
};

/* Count what is listed. */
static void see(void *user, const char *name, const char *path) {
    struct seen *s = user;
    s->count++;
    if (!strcmp(name, "good")) {
        s->good++;
        snprintf(s->path, sizeof s->path, "%s", path);
    }
}

START_TEST(of_two_plugins_with_one_name_the_earlier_folder_wins) {
    char folder[] = "/tmp/iptfhir-loader-XXXXXX", path[64], libs[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/good", folder);
    snprintf(libs, sizeof libs, "%s/good/.libs", folder);
    ck_assert_int_eq(mkdir(path, 0700) | mkdir(libs, 0700), 0);
    snprintf(path, sizeof path, "%s/good/.libs/good.so", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    const char *const folders[] = { folder, built, NULL };
    const struct config config = { .plugin_dirs = folders };
    struct seen seen = { 0 };
    plugin_list(&config, see, &seen);
    unlink(path);
    rmdir(libs);
    snprintf(libs, sizeof libs, "%s/good", folder);
    rmdir(libs);
    rmdir(folder);
    ck_assert_uint_eq(seen.good, 1);
    ck_assert_str_eq(seen.path, path);
    ck_assert_uint_ge(seen.count, 11);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("loader");
    TCase *c = tcase_create("loader");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_good_plugin_is_loaded_with_all_its_parts);
    tcase_add_test(c, a_shorter_older_descriptor_is_accepted_and_its_missing_members_are_null);
    tcase_add_test(c, a_wrong_magic_is_refused_with_both_numbers);
    tcase_add_test(c, another_abi_is_refused_with_both_numbers);
    tcase_add_test(c, a_plugin_of_the_first_abi_is_refused_with_both_numbers);
    tcase_add_test(c, a_descriptor_shorter_than_the_oldest_is_refused_with_both_sizes);
    tcase_add_test(c, a_part_shorter_than_the_oldest_is_refused);
    tcase_add_test(c, a_missing_symbol_is_refused_with_what_to_define);
    tcase_add_test(c, a_plugin_with_another_name_than_its_file_is_refused);
    tcase_add_test(c, a_plugin_that_provides_nothing_is_refused);
    tcase_add_test(c, a_source_without_poll_is_refused);
    tcase_add_test(c, an_option_outside_the_instance_is_refused_before_it_can_be_filled);
    tcase_add_test(c, a_plugin_that_is_not_there_is_named_with_the_folders_and_the_nearest_name);
    tcase_add_test(c, a_name_is_never_a_path);
    tcase_add_test(c, a_file_that_is_no_shared_object_is_refused_with_the_reason);
    tcase_add_test(c, of_two_plugins_with_one_name_the_earlier_folder_wins);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
