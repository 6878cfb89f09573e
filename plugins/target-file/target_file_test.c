/* SPDX-License-Identifier: Apache-2.0 */
/* target-file against a file of its own and a host that only keeps errors. */
#include "plugins/target-file/target_file.c"

#include <check.h>
#include <stdarg.h>

static char folder[] = "/tmp/target-file-XXXXXX";
static char path[64];
static struct iptfhir_receipt got[8];
static char ids[8][40], versions[8][24];

/* Keeps an error as the host does: the first wins. */
static iptfhir_status host_fail(const struct iptfhir_host *host, struct iptfhir_error *error,
                                iptfhir_status status, const char *code, const char *where,
                                const char *format, ...) {
    va_list args;
    (void)host;
    if (error->code[0] == '\0') {
        (void)snprintf(error->code, sizeof error->code, "%s", code);
        (void)snprintf(error->where, sizeof error->where, "%s", where);
        va_start(args, format);
        (void)vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return status;
}

static void host_log(const struct iptfhir_host *host, iptfhir_level level, const char *format,
                     ...) {
    (void)host, (void)level, (void)format;
}

static void keep(struct iptfhir_receipt_sink *sink, size_t index, const struct iptfhir_receipt *r) {
    (void)sink;
    got[index] = *r;
    (void)snprintf(ids[index], sizeof ids[index], "%s", r->server_id);
    (void)snprintf(versions[index], sizeof versions[index], "%s", r->version);
}

static const struct iptfhir_host host = { .size = sizeof host, .log = host_log, .fail = host_fail };
static struct iptfhir_receipt_sink sink = { sizeof sink, NULL, keep };
static struct iptfhir_error error;

#define ONE "6fb1f4ce-0000-5000-8000-000000000001"
#define TWO "6fb1f4ce-0000-5000-8000-000000000002"

/* A change with a body of its own. */
static struct iptfhir_change change(const char *id, const char *body) {
    return (struct iptfhir_change) { .size = sizeof(struct iptfhir_change),
                                     .type = "Goal",
                                     .id = id,
                                     .body = body,
                                     .body_length = strlen(body) };
}

/* Delivers through an instance that lives for this call only, as after a restart. */
static iptfhir_status deliver(const struct iptfhir_change *changes, size_t count) {
    struct target t = { .path = path };
    struct iptfhir_change_set set = { .size = sizeof set, .changes = changes, .count = count };
    memset(&error, 0, sizeof error);
    ck_assert_int_eq(target_init(&t, &host, &error), IPTFHIR_OK);
    iptfhir_status status = target_deliver(&t, &set, &sink, &error);
    target_fini(&t);
    return status;
}

/* The whole file as text. */
static const char *content(void) {
    static char text[8192];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void set_up(void) {
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/out.ndjson", folder);
}

static void tear_down(void) {
    (void)unlink(path);
    (void)rmdir(folder);
}

#define BODY_ONE "{\"resourceType\":\"Goal\",\"id\":\"" ONE "\",\"n\":0.010}"
#define BODY_TWO "{\"resourceType\":\"Goal\",\"id\":\"" TWO "\",\"r\":\"Goal/" ONE "\"}"

START_TEST(each_resource_is_one_line_and_gets_its_receipt) {
    struct iptfhir_change c[] = { change(ONE, BODY_ONE),
                                  change(TWO, "{\n\"resourceType\":\"Goal\",\r\n\"id\":\"" TWO
                                              "\"}\n") };
    ck_assert_int_eq(deliver(c, 2), IPTFHIR_OK);
    ck_assert_str_eq(content(), BODY_ONE "\n{\"resourceType\":\"Goal\",\"id\":\"" TWO "\"}\n");
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_str_eq(ids[1], TWO);
    ck_assert_str_eq(versions[1], "1");
}
END_TEST

START_TEST(a_known_resource_is_updated_or_left_unchanged) {
    struct iptfhir_change c = change(ONE, BODY_ONE);
    c.server_id = ONE;
    c.version = "4";
    c.base = "{}";
    ck_assert_int_eq(deliver(&c, 1), IPTFHIR_OK);
    ck_assert_int_eq(got[0].status, IPTFHIR_UPDATED);
    ck_assert_str_eq(versions[0], "5");
    c.base = BODY_ONE;
    ck_assert_int_eq(deliver(&c, 1), IPTFHIR_OK);
    ck_assert_int_eq(got[0].status, IPTFHIR_UNCHANGED);
    ck_assert_str_eq(versions[0], "4");
    ck_assert_str_eq(content(), BODY_ONE "\n");
}
END_TEST

START_TEST(an_unknown_change_is_searched_before_it_is_appended_again) {
    struct iptfhir_change c[] = { change(ONE, BODY_ONE), change(TWO, BODY_TWO) };
    ck_assert_int_eq(deliver(&c[1], 1), IPTFHIR_OK);
    c[0].unknown = c[1].unknown = true;
    ck_assert_int_eq(deliver(c, 2), IPTFHIR_OK);
    ck_assert_str_eq(content(), BODY_TWO "\n" BODY_ONE "\n");
    ck_assert_int_eq(got[0].status, IPTFHIR_CREATED);
    ck_assert_int_eq(got[1].status, IPTFHIR_CREATED);
    ck_assert_str_eq(versions[1], "1");
}
END_TEST

START_TEST(a_torn_last_line_is_cut_off_and_written_again) {
    struct iptfhir_change c[] = { change(ONE, BODY_ONE), change(TWO, BODY_TWO) };
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(BODY_ONE "\n{\"resourceType\":\"Goal\",\"id\":\"" TWO, f);
    fclose(f);
    c[0].unknown = c[1].unknown = true;
    ck_assert_int_eq(deliver(c, 2), IPTFHIR_OK);
    ck_assert_str_eq(content(), BODY_ONE "\n" BODY_TWO "\n");
}
END_TEST

START_TEST(a_full_disk_asks_for_a_retry_and_gives_no_receipt) {
    struct iptfhir_change c = change(ONE, BODY_ONE);
    struct iptfhir_change_set set = { .size = sizeof set, .changes = &c, .count = 1 };
    struct target t = { .path = "/dev/full" };
    if (access("/dev/full", W_OK) != 0)
        return;
    memset(&error, 0, sizeof error);
    memset(got, 0, sizeof got);
    ck_assert_int_eq(target_init(&t, &host, &error), IPTFHIR_OK);
    ck_assert_int_eq(target_deliver(&t, &set, &sink, &error), IPTFHIR_RETRY);
    ck_assert_str_eq(error.code, "target-file");
    ck_assert_uint_eq(got[0].size, 0);
    target_fini(&t);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_named) {
    struct target t = { .path = "/nonexistent/out.ndjson" };
    memset(&error, 0, sizeof error);
    ck_assert_int_eq(target_init(&t, &host, &error), IPTFHIR_FATAL);
    ck_assert_str_eq(error.where, "/nonexistent/out.ndjson");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target-file");
    TCase *c = tcase_create("target-file");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, each_resource_is_one_line_and_gets_its_receipt);
    tcase_add_test(c, a_known_resource_is_updated_or_left_unchanged);
    tcase_add_test(c, an_unknown_change_is_searched_before_it_is_appended_again);
    tcase_add_test(c, a_torn_last_line_is_cut_off_and_written_again);
    tcase_add_test(c, a_full_disk_asks_for_a_retry_and_gives_no_receipt);
    tcase_add_test(c, a_file_that_cannot_be_opened_is_named);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
