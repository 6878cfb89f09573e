/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of reading and checking the configuration. */
#include "core/base/alloc.h"
#include "core/config/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[128];
static struct report report;

/* Make a folder with mappings and plugins for one test. */
static void setup(void) {
    char path[128];
    snprintf(folder, sizeof folder, "/tmp/iptfhir-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/mappings", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(file, sizeof file, "%s/iptfhir.yaml", folder);
    setenv("IPTFHIR_DATADIR", folder, 1);
    setenv("IPTFHIR_PLUGINDIR", "/plugins", 1);
    unsetenv("XDG_STATE_HOME");
    report = (struct report) { 0 };
}

/* Take the folder away. */
static void teardown(void) {
    char path[128];
    unlink(file);
    snprintf(path, sizeof path, "%s/mappings", folder);
    rmdir(path);
    rmdir(folder);
    report_free(&report);
}

/* Write a configuration and load it. */
static struct config *load(const char *text) {
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
    return config_load(file, &report);
}

/* Assert a finding at "line:column" whose text contains a phrase. */
static void found(const char *position, const char *code, const char *phrase) {
    char where[200];
    snprintf(where, sizeof where, "%s:%s", file, position);
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

static const char whole[] =
    "identity: {base: \"https://ipt.example.org\"}\n"
    "sources:\n  clinic: {plugin: source-json, path: in}\n"
    "mappers:\n  goals: {plugin: map-goal}\n  plan: {plugin: map-careplan}\n"
    "targets:\n  file:\n    plugin: target-file\n    consent: attested\n    path: out\n"
    "jobs:\n  nightly: {source: clinic, mappers: [plan, goals], targets: [file], clinic: main}\n";

START_TEST(a_whole_configuration_has_its_defaults_and_keeps_the_order_of_mappers) {
    struct config *c = load(whole);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(report.count, 0);
    ck_assert_str_eq(c->identity_base, "https://ipt.example.org");
    ck_assert_int_eq(c->records.max_bytes, 8388608);
    ck_assert(!c->records.unknown_fields_warn);
    ck_assert_int_eq(c->limits.record_seconds, 10);
    ck_assert_int_eq(c->log_level, IPTFHIR_INFO);
    ck_assert_str_eq(c->plugin_dirs[0], "/plugins");
    ck_assert_ptr_null(c->plugin_dirs[1]);
    ck_assert_str_eq(c->folder, folder);
    ck_assert_uint_eq(c->job_count, 1);
    ck_assert_str_eq(c->jobs[0].source->name, "clinic");
    ck_assert_uint_eq(c->jobs[0].mapper_count, 2);
    ck_assert_str_eq(c->jobs[0].mappers[0]->plugin, "map-careplan");
    ck_assert_int_eq(c->targets[0].workers, 4);
    ck_assert_str_eq(tree_text(c->parameters, "labels"), "send");
    config_free(c);
}
END_TEST

START_TEST(plugins_with_functions_are_listed_by_name) {
    char text[1024];
    snprintf(text, sizeof text, "functions: [ordinals, units]\n%s", whole);
    struct config *c = load(text);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->function_count, 2);
    ck_assert_str_eq(c->functions[1].plugin, "units");
    ck_assert_ptr_nonnull(strstr(c->functions[1].where, ":1:"));
    config_free(c);
    snprintf(text, sizeof text, "functions: [1]\n%s", whole);
    ck_assert_ptr_null(load(text));
    ck_assert_str_eq(report.entries[0].error.code, "wrong-type");
}
END_TEST

START_TEST(what_the_core_takes_is_not_handed_to_the_plugin) {
    struct config *c = load(whole);
    ck_assert_ptr_nonnull(c);
    ck_assert(c->targets[0].consent_attested);
    ck_assert_uint_eq(c->targets[0].options->length, 1);
    ck_assert_str_eq(tree_text(c->targets[0].options, "path"), "out");
    config_free(c);
}
END_TEST

START_TEST(a_source_says_what_its_absences_mean) {
    struct config *c = load("identity: {base: \"https://ipt.example.org\"}\n"
                            "sources: {s: {plugin: p, complete: export, removed: error, order: [a, "
                            "b], path: x}}\n"
                            "mappers: {m: {plugin: p}}\ntargets: {t: {plugin: p, recipient: r}}\n"
                            "jobs: {j: {clinic: north, source: s, mappers: [m], targets: [t]}}\n");
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->jobs[0].clinic, "north");
    ck_assert_int_eq(c->sources[0].complete, CONFIG_COMPLETE_EXPORT);
    ck_assert(c->sources[0].removed_is_error);
    ck_assert_str_eq(c->sources[0].order[1], "b");
    ck_assert_ptr_null(c->sources[0].order[2]);
    ck_assert_uint_eq(c->sources[0].options->length, 1);
    config_free(c);
    c = load(whole);
    ck_assert_int_eq(c->sources[0].complete, CONFIG_COMPLETE_DEFAULT);
    ck_assert(!c->sources[0].removed_is_error);
    ck_assert_int_eq(c->limits.max_age_hours, 36);
    ck_assert_int_eq(c->limits.ingest_threads, 0);
    config_free(c);
}
END_TEST

START_TEST(a_source_or_job_that_says_it_wrong_is_told_where) {
    ck_assert_ptr_null(load("identity: {base: \"https://ipt.example.org\"}\n"
                            "sources: {s: {plugin: p, complete: all, removed: no-more, order: a}}\n"
                            "mappers: {m: {plugin: p}}\ntargets: {t: {plugin: p, recipient: r}}\n"
                            "jobs: {j: {source: s, mappers: [m], targets: [t]}}\n"));
    found("2:36", "wrong-value", "none, record");
    found("2:50", "wrong-value", "ended, error");
    found("2:66", "wrong-type", "oldest first");
    found("5:11", "missing", "must name its clinic");
}
END_TEST

START_TEST(the_key_stands_beside_the_store_unless_it_is_named) {
    char text[1024], expected[128];
    snprintf(text, sizeof text, "store: {path: a.db}\n%s", whole);
    struct config *c = load(text);
    ck_assert_ptr_nonnull(c);
    snprintf(expected, sizeof expected, "%s/a.db.key", folder);
    ck_assert_str_eq(c->key_file, expected);
    ck_assert(!c->key_file_given);
    config_free(c);
}
END_TEST

/* Loads a configuration with one target, whose settings are these. */
static struct config *load_target(const char *settings) {
    char text[1024];
    snprintf(text, sizeof text,
             "identity: {base: \"https://a.example\"}\nsources: {s: {plugin: p}}\n"
             "mappers: {m: {plugin: p}}\njobs: {j: {clinic: north, source: s, mappers: [m], "
             "targets: [t]}}\n"
             "targets:\n t:\n  plugin: p\n%s",
             settings);
    return load(text);
}

START_TEST(a_target_is_careful_when_its_configuration_says_nothing) {
    struct config *c = load_target("  recipient: r\n  conflict:\n");
    ck_assert_ptr_nonnull(c);
    const struct config_instance *t = &c->targets[0];
    ck_assert_str_eq(t->recipient, "r");
    ck_assert(!t->consent_attested);
    ck_assert_int_eq(t->conflict, CONFIG_CONFLICT_HOLD);
    ck_assert_int_eq(t->withdraw, CONFIG_WITHDRAW_MARK);
    ck_assert(t->together);
    ck_assert(t->labels);
    ck_assert(!t->update_without_version);
    ck_assert_int_eq(t->settle_seconds, 90);
    ck_assert_int_eq(t->max_entries, 0);
    ck_assert_uint_eq(t->options->length, 0);
    config_free(c);
}
END_TEST

START_TEST(what_holds_for_every_target_is_the_cores_and_not_its_plugins) {
    struct config *c = load_target(
        "  consent: attested\n  conflict: ehr-wins\n  withdraw: leave\n  transaction: never\n"
        "  labels: omit\n  update_without_version: true\n  settle_seconds: 0\n"
        "  max_entries: 50\n  workers: 8\n  url: x\n");
    ck_assert_ptr_nonnull(c);
    const struct config_instance *t = &c->targets[0];
    ck_assert_int_eq(t->conflict, CONFIG_CONFLICT_THEIRS);
    ck_assert_int_eq(t->withdraw, CONFIG_WITHDRAW_LEAVE);
    ck_assert(!t->together);
    ck_assert(!t->labels);
    ck_assert(t->update_without_version);
    ck_assert_int_eq(t->settle_seconds, 0);
    ck_assert_int_eq(t->max_entries, 50);
    ck_assert_int_eq(t->workers, 8);
    ck_assert_uint_eq(t->options->length, 1);
    config_free(c);
    c = load_target("  recipient: r\n  conflict: clinic-wins\n  withdraw: hold\n");
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(c->targets[0].conflict, CONFIG_CONFLICT_OURS);
    ck_assert_int_eq(c->targets[0].withdraw, CONFIG_WITHDRAW_HOLD);
    config_free(c);
}
END_TEST

START_TEST(everything_wrong_with_a_target_is_said_with_its_place) {
    ck_assert_ptr_null(load_target(
        "  recipient: [r]\n  consent: nope\n  conflict: ours\n  withdraw: 1\n  transaction: true\n"
        "  update_without_version: 1\n  settle_seconds: -1\n  max_entries: 1.5\n"));
    found("8:14", "wrong-type", "as consents name it");
    found("9:12", "wrong-value", "record, attested");
    found("10:13", "wrong-value", "hold, clinic-wins, ehr-wins");
    found("11:13", "wrong-value", "mark, hold, leave");
    found("12:16", "wrong-value", "never, auto");
    found("13:27", "wrong-type", "true or false");
    found("14:19", "out-of-range", "between 0 and 86400");
    found("15:16", "out-of-range", "between 0 and 10000");
    ck_assert_uint_eq(report.errors, 8);
}
END_TEST

START_TEST(the_store_is_in_the_state_folder_of_the_session) {
    setenv("XDG_STATE_HOME", "/state", 1);
    struct config *c = load(whole);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->store_path, "/state/iptfhir/store.db");
    config_free(c);
}
END_TEST

START_TEST(a_section_whose_keys_are_all_comments_counts_as_left_out) {
    char text[1024];
    snprintf(text, sizeof text,
             "records:\n  # max_bytes: 5\nlimits: {record_seconds: }\nparameters:\n%s", whole);
    struct config *c = load(text);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(c->limits.record_seconds, 10);
    config_free(c);
}
END_TEST

START_TEST(a_path_is_relative_to_the_file) {
    char text[1024], expected[128];
    snprintf(text, sizeof text, "store: {path: a.db}\n%s", whole);
    struct config *c = load(text);
    ck_assert_ptr_nonnull(c);
    snprintf(expected, sizeof expected, "%s/a.db", folder);
    ck_assert_str_eq(c->store_path, expected);
    config_free(c);
}
END_TEST

START_TEST(everything_wrong_is_reported_at_once_with_its_place) {
    ck_assert_ptr_null(load("identitty:\n  base: x\n"                                /* 1, 2 */
                            "identity: {base: http://ipt.example.org}\n"             /* 3 */
                            "records: {max_byte: 1, unknown_fields: maybe}\n"        /* 4 */
                            "limits: {record_seconds: 0, ingest_memory_mib: much}\n" /* 5 */
                            "log: {level: loud}\n"                                   /* 6 */
                            "privacy: {share_techniques: \"no\"}\n"                  /* 7 */
                            "plugins: [nowhere]\n"                                   /* 8 */
                            "sources:\n  clinic: {path: in}\n"                       /* 9, 10 */
                            "targets:\n  file: {plugin: target-file, workers: 65}\n" /* 11, 12 */
                            "jobs:\n  nightly: {source: clinic, mappers: [x], targets: [fyle], "
                            "clinic: main}\n" /* 13, 14 */));
    found("1:1", "unknown-key", "did you mean 'identity'");
    found("3:18", "wrong-value", "https URI");
    found("4:11", "unknown-key", "did you mean 'max_bytes'");
    found("4:40", "wrong-value", "error, warn");
    found("5:26", "out-of-range", "between 1 and 3600");
    found("5:48", "wrong-type", "whole number");
    found("6:14", "wrong-value", "debug, info, warning, error");
    found("7:30", "wrong-type", "true or false");
    found("8:11", "missing-file", "nowhere cannot be read");
    found("10:3", "missing", "must say its plugin");
    found("12:3", "missing", "whom consents name");
    found("12:40", "out-of-range", "between 1 and 64");
    found("14:39", "unknown-name", "there is no mapper 'x'");
    found("14:53", "unknown-name", "did you mean 'file'");
    ck_assert_uint_eq(
        report.errors,
        14); /* and no "there is no source 'clinic'": it is there, its own fault was said */
}
END_TEST

START_TEST(a_missing_identity_and_missing_jobs_are_both_reported) {
    ck_assert_ptr_null(load("log: {level: info}\n"));
    ck_assert_uint_eq(report.errors, 2);
    found("1:1", "missing", "identity.base is missing");
    found("1:1", "missing", "at least one job");
}
END_TEST

START_TEST(a_mapper_named_twice_is_refused) {
    ck_assert_ptr_null(load("identity: {base: \"https://a.example\"}\nsources: {s: {plugin: "
                            "p}}\nmappers: {m: {plugin: p}}\n"
                            "targets: {t: {plugin: p, recipient: r}}\njobs: {j: {source: s, "
                            "mappers: [m, m], targets: [t], clinic: main}}\n"));
    found("5:36", "twice", "stands twice");
}
END_TEST

START_TEST(parameters_become_names_but_not_those_of_privacy) {
    char text[1024];
    snprintf(text, sizeof text, "parameters: {site: North, labels: omit, \"a b\": 1}\n%s", whole);
    ck_assert_ptr_null(load(text));
    found("1:35", "wrong-value", "privacy.labels");
    found("1:48", "wrong-value", "a name is");
    ck_assert_uint_eq(report.errors, 2);
}
END_TEST

START_TEST(a_checker_gets_what_can_be_read_of_a_faulty_file) {
    ck_assert_ptr_null(load("sources: {s: {plugin: p, option: 1}}\njobs: {j: {source: s}}\n"));
    size_t errors = report.errors;
    struct config *c = config_read(file, &report);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(report.errors, 2 * errors);
    ck_assert_uint_eq(c->source_count, 1);
    ck_assert_str_eq(c->jobs[0].source->name, "s");
    config_free(c);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_one_clear_error) {
    ck_assert_ptr_null(config_load("/nowhere/iptfhir.yaml", &report));
    ck_assert_uint_eq(report.errors, 1);
    ck_assert_str_eq(report.entries[0].error.code, "missing-file");
    ck_assert_ptr_nonnull(strstr(report.entries[0].error.text, "-c FILE"));
}
END_TEST

START_TEST(a_key_is_found_behind_comments_and_quotes) {
    ck_assert_ptr_null(
        load("# bogus: no\n\"bogus\":\n  # text\n  a: 1\nlog: {level: info, levle: 1}\n"));
    found("2:2", "unknown-key", "no key 'bogus'");
    found("5:20", "unknown-key", "did you mean 'level'");
}
END_TEST

START_TEST(when_memory_runs_out_a_configuration_is_whole_or_refused) {
    bool refused = true;
    config_free(load(whole));
    for (size_t n = 1; refused && n < 5000; n++) {
        struct report some = { 0 };
        base_fail_at(n, true);
        struct config *c = config_load(file, &some);
        refused = base_refused();
        base_fail_at(0, false);
        if (c) {
            ck_assert_uint_eq(c->job_count, 1);
            ck_assert_uint_eq(c->jobs[0].mapper_count, 2);
            ck_assert_ptr_nonnull(c->targets[0].options);
            ck_assert_str_eq(tree_text(c->parameters, "labels"), "send");
            ck_assert_str_eq(c->plugin_dirs[0], "/plugins");
        } else {
            ck_assert(some.errors || some.dropped);
        }
        config_free(c);
        report_free(&some);
    }
    ck_assert(!refused);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config");
    TCase *c = tcase_create("config");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_whole_configuration_has_its_defaults_and_keeps_the_order_of_mappers);
    tcase_add_test(c, plugins_with_functions_are_listed_by_name);
    tcase_add_test(c, what_the_core_takes_is_not_handed_to_the_plugin);
    tcase_add_test(c, a_source_says_what_its_absences_mean);
    tcase_add_test(c, a_source_or_job_that_says_it_wrong_is_told_where);
    tcase_add_test(c, the_key_stands_beside_the_store_unless_it_is_named);
    tcase_add_test(c, a_target_is_careful_when_its_configuration_says_nothing);
    tcase_add_test(c, what_holds_for_every_target_is_the_cores_and_not_its_plugins);
    tcase_add_test(c, everything_wrong_with_a_target_is_said_with_its_place);
    tcase_add_test(c, the_store_is_in_the_state_folder_of_the_session);
    tcase_add_test(c, a_section_whose_keys_are_all_comments_counts_as_left_out);
    tcase_add_test(c, a_path_is_relative_to_the_file);
    tcase_add_test(c, everything_wrong_is_reported_at_once_with_its_place);
    tcase_add_test(c, a_missing_identity_and_missing_jobs_are_both_reported);
    tcase_add_test(c, a_mapper_named_twice_is_refused);
    tcase_add_test(c, parameters_become_names_but_not_those_of_privacy);
    tcase_add_test(c, a_checker_gets_what_can_be_read_of_a_faulty_file);
    tcase_add_test(c, a_file_that_is_not_there_is_one_clear_error);
    tcase_add_test(c, a_key_is_found_behind_comments_and_quotes);
    tcase_add_test(c, when_memory_runs_out_a_configuration_is_whole_or_refused);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
