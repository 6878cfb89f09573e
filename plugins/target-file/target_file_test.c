/* SPDX-License-Identifier: Apache-2.0 */
/* target-file against a file of its own, order by order, as after a restart each. */
#include "tests/mock_host.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];
static struct mock_host host;
static struct mock_evidence told;
static struct iptfhir_error error;
static struct iptfhir_item items[3];
static struct iptfhir_order order;

#define ONE "6fb1f4ce-0000-5000-8000-000000000001"
#define TWO "6fb1f4ce-0000-5000-8000-000000000002"
#define BODY_ONE "{\"resourceType\":\"Goal\",\"id\":\"" ONE "\",\"n\":0.010}"
#define BODY_TWO "{\"resourceType\":\"Goal\",\"id\":\"" TWO "\",\"r\":\"Goal/" ONE "\"}"

static ino_t synced;     /* what fsync() was called for last */
static int sync_failure; /* what it fails with; 0: it doesn't */

/* The C library's fsync() as the target calls it: it notes its file, and fails when it is told. */
int fsync(int fd) {
    struct stat st;
    errno = sync_failure;
    if (sync_failure != 0 || fstat(fd, &st) != 0)
        return -1;
    synced = st.st_ino;
    return fdatasync(fd);
}

static struct iptfhir_item item(const char *id, const char *body) {
    return (struct iptfhir_item) { .size = sizeof(struct iptfhir_item),
                                   .type = "Goal",
                                   .id = id,
                                   .verb = IPTFHIR_CREATE_AT,
                                   .body = body,
                                   .body_length = strlen(body) };
}

static void set_up(void) {
    mock_host_open(&host);
    mock_evidence_open(&told);
    memset(&error, 0, sizeof error);
    (void)snprintf(folder, sizeof folder, "/tmp/target-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/out.ndjson", folder);
    items[0] = item(ONE, BODY_ONE);
    items[1] = item(TWO, BODY_TWO);
    order = (struct iptfhir_order) { .size = sizeof order, .items = items, .count = 1 };
}

static void tear_down(void) {
    mock_evidence_close(&told);
    mock_host_close(&host);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* the index leaves nothing behind */
}

/* Makes an instance on a file. */
static void *instance_on(const char *file, iptfhir_status expected) {
    char *self = calloc(1, iptfhir_plugin.instance_size);
    ck_assert_ptr_nonnull(self);
    *(const char **)(void *)(self + iptfhir_plugin.options[0].offset) = file;
    ck_assert_int_eq(iptfhir_plugin.init(self, &host.host, &error), expected);
    return self;
}

/* Carries out an order through an instance that lives for it only. */
static void carry_out(iptfhir_task task, size_t count) {
    struct mock_requests requests;
    void *self = instance_on(path, IPTFHIR_OK);
    mock_evidence_close(&told);
    mock_evidence_open(&told);
    mock_requests_open(&requests);
    order.task = task;
    order.count = count;
    ck_assert_int_eq(iptfhir_plugin.target->ask(self, &order, &requests.sink, &error), IPTFHIR_OK);
    ck_assert_uint_eq(requests.count, 0);
    ck_assert_int_eq(iptfhir_plugin.target->answer(self, &order, NULL, 0, &told.sink),
                     IPTFHIR_ANSWERED);
    iptfhir_plugin.fini(self);
    free(self);
    mock_requests_close(&requests);
}

/* Asserts the only proof of an item. */
static const struct mock_proof *proves(size_t index, iptfhir_proof proof) {
    const struct mock_proof *p = mock_proof_of(&told, index, 0);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(p->proof, proof);
    ck_assert_ptr_null(mock_proof_of(&told, index, 1));
    return p;
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

/* Replaces the file. */
static void put(const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(it_has_no_server_and_takes_every_type) {
    struct iptfhir_http_settings settings = { .size = sizeof settings, .base_url = "x" };
    void *self = instance_on(path, IPTFHIR_OK);
    iptfhir_plugin.target->connection(self, &settings);
    ck_assert_ptr_null(settings.base_url);
    iptfhir_plugin.fini(self);
    free(self);
    carry_out(IPTFHIR_LEARN, 0);
    ck_assert_str_eq(told.abilities, " transaction batch *=111");
}
END_TEST

START_TEST(each_resource_is_one_line_and_proved) {
    items[1] = item(TWO, "{\n\"resourceType\":\"Goal\",\r\n\"id\":\"" TWO "\"}\n");
    carry_out(IPTFHIR_WRITE, 2);
    ck_assert_str_eq(content(), BODY_ONE "\n{\"resourceType\":\"Goal\",\"id\":\"" TWO "\"}\n");
    const struct mock_proof *p = proves(1, IPTFHIR_WRITTEN);
    ck_assert_str_eq(p->server_id, TWO);
    ck_assert_str_eq(p->version, "1");
    ck_assert_str_eq(p->body, "{\"resourceType\":\"Goal\",\"id\":\"" TWO "\"}");
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->body, BODY_ONE);
}
END_TEST

START_TEST(an_update_is_a_new_line_and_a_new_version) {
    carry_out(IPTFHIR_WRITE, 1);
    items[0] = item(ONE, "{\"id\":\"" ONE "\",\"n\":2}");
    items[0].verb = IPTFHIR_UPDATE;
    items[0].server_id = ONE;
    items[0].version = "1";
    carry_out(IPTFHIR_WRITE, 1);
    ck_assert_str_eq(proves(0, IPTFHIR_WRITTEN)->version, "2");
    ck_assert_str_eq(content(), BODY_ONE "\n{\"id\":\"" ONE "\",\"n\":2}\n");
    carry_out(IPTFHIR_WRITE, 1);
    ck_assert_str_eq(proves(0, IPTFHIR_CHANGED)->version, "2");
    carry_out(IPTFHIR_READ, 1);
    ck_assert_str_eq(proves(0, IPTFHIR_FOUND)->body, "{\"id\":\"" ONE "\",\"n\":2}");
}
END_TEST

START_TEST(what_is_there_is_not_created_again) {
    carry_out(IPTFHIR_WRITE, 1);
    carry_out(IPTFHIR_WRITE, 2);
    proves(0, IPTFHIR_DUPLICATE);
    proves(1, IPTFHIR_WRITTEN);
    items[0].verb = IPTFHIR_CREATE_IF_NONE;
    carry_out(IPTFHIR_WRITE, 1);
    ck_assert_str_eq(proves(0, IPTFHIR_FOUND)->body, BODY_ONE);
    ck_assert_str_eq(content(), BODY_ONE "\n" BODY_TWO "\n");
}
END_TEST

START_TEST(an_update_of_what_is_not_there_is_told_as_absent) {
    items[0].verb = IPTFHIR_UPDATE;
    items[0].server_id = ONE;
    carry_out(IPTFHIR_WRITE, 1);
    proves(0, IPTFHIR_ABSENT);
    ck_assert_str_eq(content(), "");
}
END_TEST

START_TEST(a_lost_line_is_found_again_as_it_was_written) {
    carry_out(IPTFHIR_WRITE, 1);
    carry_out(IPTFHIR_FIND, 2);
    const struct mock_proof *p = proves(0, IPTFHIR_FOUND);
    ck_assert_str_eq(p->body, BODY_ONE);
    ck_assert_str_eq(p->version, "1");
    proves(1, IPTFHIR_ABSENT);
}
END_TEST

START_TEST(a_torn_last_line_is_cut_off_and_absent) {
    put(BODY_ONE "\n{\"resourceType\":\"Goal\",\"id\":\"" TWO);
    carry_out(IPTFHIR_FIND, 2);
    proves(0, IPTFHIR_FOUND);
    proves(1, IPTFHIR_ABSENT);
    items[0] = items[1];
    carry_out(IPTFHIR_WRITE, 1);
    ck_assert_str_eq(content(), BODY_ONE "\n" BODY_TWO "\n");
}
END_TEST

START_TEST(an_item_without_a_uuid_or_body_is_refused_and_the_rest_is_written) {
    items[0].id = "short";
    carry_out(IPTFHIR_WRITE, 2);
    ck_assert_str_eq(proves(0, IPTFHIR_REFUSED)->code, "invalid");
    proves(1, IPTFHIR_WRITTEN);
    ck_assert_str_eq(content(), BODY_TWO "\n");
}
END_TEST

START_TEST(several_orders_of_one_instance_follow_each_other) {
    void *self = instance_on(path, IPTFHIR_OK);
    order.task = IPTFHIR_WRITE;
    for (int i = 1; i <= 3; i++) {
        (void)iptfhir_plugin.target->answer(self, &order, NULL, 0, &told.sink);
        ck_assert_int_eq(mock_proof_of(&told, 0, (size_t)i - 1)->proof, IPTFHIR_WRITTEN);
        ck_assert_int_eq(atoi(mock_proof_of(&told, 0, (size_t)i - 1)->version), i);
        items[0].verb = IPTFHIR_UPDATE;
    }
    iptfhir_plugin.fini(self);
    free(self);
}
END_TEST

START_TEST(a_full_disk_pauses_the_target_and_proves_that_nothing_was_done) {
    struct rlimit before;
    void *self = instance_on(path, IPTFHIR_OK);
    order.task = IPTFHIR_FIND; /* the index is larger than the limit, and is made first */
    (void)iptfhir_plugin.target->answer(self, &order, NULL, 0, &told.sink);
    proves(0, IPTFHIR_ABSENT);
    mock_evidence_close(&told);
    mock_evidence_open(&told);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit full = { 10, before.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    order.task = IPTFHIR_WRITE;
    (void)iptfhir_plugin.target->answer(self, &order, NULL, 0, &told.sink);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    proves(0, IPTFHIR_NOT_DONE);
    ck_assert_uint_eq(told.pause_count, 1);
    ck_assert_str_eq(told.pauses[0].code, "target-file");
    ck_assert(!told.pauses[0].person);
    ck_assert_str_eq(content(), "");
    iptfhir_plugin.fini(self);
    free(self);
}
END_TEST

START_TEST(a_last_line_that_is_no_resource_stays_and_pauses_the_target) {
    static const char *const files[] = { "notes", "one\ntwo", "\n\n{\"name\":1}",
                                         BODY_ONE "\n{\"resource_type\":" };
    const char *text = files[_i];
    put(text);
    carry_out(IPTFHIR_WRITE, 1);
    proves(0, IPTFHIR_NOT_DONE);
    ck_assert_uint_eq(told.pause_count, 1);
    ck_assert_str_eq(told.pauses[0].code, "target-file");
    ck_assert_ptr_nonnull(strstr(told.pauses[0].detail, "`path`"));
    ck_assert_str_eq(content(), text);
}
END_TEST

START_TEST(a_torn_line_is_cut_off_however_little_of_it_was_written) {
    static const char *const torn[] = { "{", "{\"resou", "{\"resourceType\"",
                                        "{\"resourceType\":\"Goal\"" };
    char text[256];
    (void)snprintf(text, sizeof text, "%s\n%s", BODY_ONE, torn[_i]);
    put(text);
    carry_out(IPTFHIR_FIND, 1);
    proves(0, IPTFHIR_FOUND);
    ck_assert_str_eq(content(), BODY_ONE "\n");
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_as_it_is) {
    struct stat st;
    ck_assert_int_eq(mkfifo(path, 0620), 0);
    ck_assert_int_eq(chmod(path, 0620), 0);
    free(instance_on(path, IPTFHIR_FATAL));
    ck_assert_str_eq(error.code, "target-file");
    ck_assert_ptr_nonnull(strstr(error.text, "no regular file"));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0620);
}
END_TEST

START_TEST(the_folder_of_the_file_is_brought_to_disk) {
    struct stat st;
    ck_assert_int_eq(stat(folder, &st), 0);
    synced = 0;
    void *self = instance_on(path, IPTFHIR_OK);
    ck_assert_uint_eq(synced, st.st_ino);
    iptfhir_plugin.fini(self);
    free(self);
}
END_TEST

START_TEST(a_folder_that_cannot_be_brought_to_disk_is_told) {
    sync_failure = EIO;
    free(instance_on(path, IPTFHIR_FATAL));
    sync_failure = 0;
    ck_assert_str_eq(error.code, "target-file");
    ck_assert_str_eq(error.where, path);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_named) {
    free(instance_on("/nonexistent/out.ndjson", IPTFHIR_FATAL));
    ck_assert_str_eq(error.where, "/nonexistent/out.ndjson");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("target-file");
    TCase *c = tcase_create("target-file");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, it_has_no_server_and_takes_every_type);
    tcase_add_test(c, each_resource_is_one_line_and_proved);
    tcase_add_test(c, an_update_is_a_new_line_and_a_new_version);
    tcase_add_test(c, what_is_there_is_not_created_again);
    tcase_add_test(c, an_update_of_what_is_not_there_is_told_as_absent);
    tcase_add_test(c, a_lost_line_is_found_again_as_it_was_written);
    tcase_add_test(c, a_torn_last_line_is_cut_off_and_absent);
    tcase_add_test(c, an_item_without_a_uuid_or_body_is_refused_and_the_rest_is_written);
    tcase_add_test(c, several_orders_of_one_instance_follow_each_other);
    tcase_add_test(c, a_full_disk_pauses_the_target_and_proves_that_nothing_was_done);
    tcase_add_loop_test(c, a_last_line_that_is_no_resource_stays_and_pauses_the_target, 0, 4);
    tcase_add_loop_test(c, a_torn_line_is_cut_off_however_little_of_it_was_written, 0, 4);
    tcase_add_test(c, what_is_no_regular_file_is_refused_as_it_is);
    tcase_add_test(c, the_folder_of_the_file_is_brought_to_disk);
    tcase_add_test(c, a_folder_that_cannot_be_brought_to_disk_is_told);
    tcase_add_test(c, a_file_that_cannot_be_opened_is_named);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
